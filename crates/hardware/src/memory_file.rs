//! Reading what accelerators share: the `shared_dram` and `shared_cache` tables of a platform file, and the shares that
//! accelerators state.

use std::ops::RangeInclusive;

use rtmm_workload::input::{Table, Value};

use crate::contention::{Bandwidth, ContentionRow, Share, Shares, Sharing};
use crate::platform::SharedDram;

/// A millionth of a byte to a megabyte a cycle.
const BANDWIDTH_MILLIONTHS: RangeInclusive<u64> = 1..=1_000_000_000_000;
/// The whole of a shared resource.
const WHOLE_MILLIONTHS: u64 = 1_000_000;
/// Reads the `shared_dram` table.
pub(crate) fn decode_shared_dram(value: &Value<'_>, clock_hz: u64) -> Option<SharedDram> {
    let table = value.table()?;
    table.only(&["bandwidth", "sharing"]);
    let bandwidth = table.required("bandwidth", |value| decode_bandwidth(value, clock_hz));
    let sharing = match table.get("sharing") {
        None => Some(Sharing::default()),
        Some(value) => {
            let rules = ContentionRow::built_in().iter();
            let named = rules.filter_map(|row| Some((row.name, Sharing::named(row.name)?)));
            value.choice(&named.collect::<Vec<(&str, Sharing)>>())
        }
    };
    Some(SharedDram { bandwidth: bandwidth?, sharing: sharing? })
}

/// Reads the `shared_cache` table.
pub(crate) fn decode_shared_cache(value: &Value<'_>, clock_hz: u64) -> Option<Bandwidth> {
    let table = value.table()?;
    table.only(&["bandwidth"]);
    table.required("bandwidth", |value| decode_bandwidth(value, clock_hz))
}

/// Reads a bandwidth in bytes a cycle.
pub(crate) fn decode_bandwidth(value: &Value<'_>, clock_hz: u64) -> Option<Bandwidth> {
    let millionths = value.millionths(BANDWIDTH_MILLIONTHS)?;
    Bandwidth::from_bytes_per_cycle_millionths(millionths, clock_hz).or_else(|| {
        value.reject("`bandwidth` is more than can be counted", "lower `bandwidth` or `clock_mhz`")
    })
}

/// The share of every accelerator, as the rule of the memory has it: parts of those that state none split
/// evenly what the others leave; weights are equal, and caps the whole.
pub(crate) fn decode_dram_shares(tables: &[Table<'_>], shared_dram: Option<SharedDram>) -> Vec<Share> {
    let stated: Vec<Option<Value<'_>>> = tables.iter().map(|table| table.get("dram_share")).collect();
    match shared_dram.map(|dram| (dram.bandwidth, dram.sharing.shares())) {
        Some((bandwidth, Shares::Parts)) => decode_parts(tables, &stated, bandwidth),
        Some((_, Shares::Weights | Shares::Caps)) => {
            let share = |value: &Value<'_>| {
                let millionths = value.millionths(1..=WHOLE_MILLIONTHS)?;
                u32::try_from(millionths).ok().and_then(Share::from_millionths)
            };
            stated.iter().map(|value| value.as_ref().and_then(share).unwrap_or(Share::WHOLE)).collect()
        }
        rule => {
            for value in stated.iter().flatten() {
                let (message, help) = match rule {
                    None => (
                        "`dram_share` is a share of nothing: the platform has no [shared_dram]",
                        "add the table with `bandwidth = ...` and `sharing = \"static\"`, or remove \
                         `dram_share`",
                    ),
                    Some(_) => (
                        "`dram_share` means nothing to max-min sharing",
                        "write `sharing = \"static\"` in [shared_dram], or remove `dram_share`",
                    ),
                };
                value.reject::<()>(message, help);
            }
            vec![Share::WHOLE; tables.len()]
        }
    }
}

/// Fixed parts of the DRAM's bandwidth.
fn decode_parts(tables: &[Table<'_>], stated: &[Option<Value<'_>>], bandwidth: Bandwidth) -> Vec<Share> {
    let mut left = WHOLE_MILLIONTHS;
    let mut shares = Vec::with_capacity(tables.len());
    let mut is_sound = true;
    for value in stated {
        let share = value.as_ref().and_then(|value| {
            let share = value.millionths(1..=WHOLE_MILLIONTHS)?;
            let Some(rest) = left.checked_sub(share) else {
                return value.reject(
                    "the shares of DRAM sum to more than 1",
                    format!("only {} is left here: lower this `dram_share` or another", left as f64 / 1e6),
                );
            };
            left = rest;
            Some(share)
        });
        is_sound &= share.is_some() || value.is_none();
        shares.push(share);
    }
    if !is_sound {
        return vec![Share::WHOLE; tables.len()];
    }
    let silent = shares.iter().filter(|share| share.is_none()).count() as u64;
    let even = left.checked_div(silent).unwrap_or(0);
    let mut resolved = Vec::with_capacity(tables.len());
    for (table, share) in tables.iter().zip(shares) {
        let millionths = share.unwrap_or(even);
        // Never above the whole, so the conversion holds.
        let share = u32::try_from(millionths).ok().and_then(Share::from_millionths).unwrap_or_default();
        if millionths == 0 {
            table.report(
                table
                    .problem("no share of DRAM is left for this accelerator")
                    .help("lower the `dram_share` of others: they leave nothing to split"),
            );
        } else if bandwidth.part(share) == Bandwidth::ZERO {
            table.report(
                table
                    .problem("this accelerator's share of DRAM is below 932 bytes a second")
                    .help("raise `bandwidth` in [shared_dram], or the accelerator's `dram_share`"),
            );
        }
        resolved.push(share);
    }
    resolved
}
