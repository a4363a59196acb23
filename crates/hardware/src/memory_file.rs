//! Reading what accelerators share: the `shared_dram` and `shared_cache` tables of a platform file, and the shares that
//! accelerators state.

use std::ops::RangeInclusive;

use rtmm_workload::Duration;
use rtmm_workload::input::{Table, Value};

use crate::contention::{Bandwidth, ContentionRow, Share, Shares, Sharing, Throttle};
use crate::platform::SharedDram;

/// A millionth of a byte to a megabyte a cycle.
const BANDWIDTH_MILLIONTHS: RangeInclusive<u64> = 1..=1_000_000_000_000;
/// The whole of a shared resource.
const WHOLE_MILLIONTHS: u64 = 1_000_000;
/// A window of a throttle. There is a pause a window at the most, which is two events: a nanosecond keeps them few.
const WINDOWS: RangeInclusive<Duration> =
    Duration::from_picoseconds(1_000)..=Duration::from_picoseconds(1_000_000_000_000);
/// Overflow in thresholds and pauses in windows: to a thousand.
const THROTTLE_MILLIONTHS: RangeInclusive<u64> = 1..=1_000_000_000;

/// Memory that accelerators share, as its table has it.
#[derive(Clone, Copy)]
pub(crate) struct DecodedDram {
    pub dram: SharedDram,
    /// The share of accelerators that state none, where shares are limits.
    pub limit: Share,
}

/// Reads the `shared_dram` table.
pub(crate) fn decode_shared_dram(value: &Value<'_>, clock_hz: u64) -> Option<DecodedDram> {
    let table = value.table()?;
    table.only(&["bandwidth", "sharing", "throttle"]);
    let bandwidth = table.required("bandwidth", |value| decode_bandwidth(value, clock_hz));
    let row = match table.get("sharing") {
        None => ContentionRow::built_in().first(),
        Some(value) => {
            let rows = ContentionRow::built_in().iter().map(|row| (row.name, row));
            value.choice(&rows.collect::<Vec<(&str, &ContentionRow)>>())
        }
    };
    let throttle = table.get("throttle");
    let (sharing, limit) = match (row, throttle) {
        (Some(row), throttle) if row.shares == Shares::Thresholds => {
            let Some(value) = throttle else {
                table.report(
                    table
                        .problem("`sharing = \"throttle\"` has no settings")
                        .help("add `throttle = { window = \"10us\", threshold = 0.25 }` to [shared_dram]"),
                );
                return None;
            };
            let (throttle, threshold) = decode_throttle(&value)?;
            (Some(Sharing::throttled(throttle)), threshold)
        }
        (Some(row), Some(value)) => {
            value.reject::<()>(
                format!("`throttle` means nothing to {} sharing", row.name),
                "write `sharing = \"throttle\"`, or remove `throttle`",
            );
            (None, Share::WHOLE)
        }
        (row, None) => (row.and_then(|row| Sharing::named(row.name)), Share::WHOLE),
        (None, Some(_)) => (None, Share::WHOLE),
    };
    Some(DecodedDram { dram: SharedDram { bandwidth: bandwidth?, sharing: sharing? }, limit })
}

/// Settings of throttles, and the threshold that runs begin with.
fn decode_throttle(value: &Value<'_>) -> Option<(Throttle, Share)> {
    let table = value.table()?;
    table.only(&["window", "threshold", "overflow", "pause"]);
    let window = table.required("window", |value| value.duration_within(WINDOWS));
    let threshold = table.required("threshold", decode_share);
    let millionths =
        |key| table.or(key, Throttle::HALF_MILLIONTHS, |value| value.millionths(THROTTLE_MILLIONTHS));
    let (overflow_millionths, pause_millionths) = (millionths("overflow"), millionths("pause"));
    Some((Throttle { window: window?, overflow_millionths, pause_millionths }, threshold?))
}

/// Reads a share above zero.
fn decode_share(value: &Value<'_>) -> Option<Share> {
    let millionths = value.millionths(1..=WHOLE_MILLIONTHS)?;
    u32::try_from(millionths).ok().and_then(Share::from_millionths)
}

/// Reads the `shared_cache` table.
pub(crate) fn decode_shared_cache(value: &Value<'_>, clock_hz: u64) -> Option<Bandwidth> {
    let table = value.table()?;
    table.only(&["bandwidth"]);
    table.required("bandwidth", |value| decode_bandwidth(value, clock_hz))
}

/// The most that moving a byte may take of energy, in picojoules: a microjoule.
pub(crate) const MAX_MOVE_PICOJOULES: f64 = 1e6;

/// Reads a bandwidth in bytes a cycle.
pub(crate) fn decode_bandwidth(value: &Value<'_>, clock_hz: u64) -> Option<Bandwidth> {
    let millionths = value.millionths(BANDWIDTH_MILLIONTHS)?;
    Bandwidth::from_bytes_per_cycle_millionths(millionths, clock_hz).or_else(|| {
        value.reject("`bandwidth` is more than can be counted", "lower `bandwidth` or `clock_mhz`")
    })
}

/// The share of every accelerator, as the rule of the memory has it: parts of those that state none split
/// evenly what the others leave; weights are equal, caps the whole, and thresholds those of the throttle.
pub(crate) fn decode_dram_shares(tables: &[Table<'_>], shared_dram: Option<DecodedDram>) -> Vec<Share> {
    let stated: Vec<Option<Value<'_>>> = tables.iter().map(|table| table.get("dram_share")).collect();
    match shared_dram.map(|of| (of.dram.bandwidth, of.dram.sharing.shares(), of.limit)) {
        Some((bandwidth, Shares::Parts, _)) => decode_parts(tables, &stated, bandwidth),
        Some((bandwidth, Shares::Weights | Shares::Caps | Shares::Thresholds, limit)) => {
            let is_limit = shared_dram.is_some_and(|of| of.dram.sharing.shares().are_limits());
            let share = |(table, stated): (&Table<'_>, &Option<Value<'_>>)| {
                let share = stated.as_ref().and_then(decode_share).unwrap_or(limit);
                if is_limit && bandwidth.part(share) == Bandwidth::ZERO {
                    report_nothing(table);
                }
                share
            };
            tables.iter().zip(&stated).map(share).collect()
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
            report_nothing(table);
        }
        resolved.push(share);
    }
    resolved
}

/// Reports an accelerator whose share of the bandwidth rounds to nothing.
fn report_nothing(table: &Table<'_>) {
    table.report(
        table
            .problem("this accelerator's share of DRAM is below 932 bytes a second")
            .help("raise `bandwidth` in [shared_dram], or the accelerator's `dram_share`"),
    );
}
