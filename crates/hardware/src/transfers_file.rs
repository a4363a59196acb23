//! Reading what lies between accelerators: the `transfers` table of a platform file.
//!
//! ```toml
//! [transfers]
//! element_bytes = 1
//! memory = { pj_per_byte = 30 }
//! link = [{ between = ["npu0", "npu1"], bandwidth = 32, latency = "200ns", pj_per_byte = 4 }]
//! ```

use rtmm_workload::Duration;
use rtmm_workload::input::{At, Table, Value, suggestion};

use crate::contention::Bandwidth;
use crate::memory_file::{MAX_MOVE_PICOJOULES, decode_bandwidth};
use crate::platform::SharedDram;
use crate::technology::Prices;
use crate::transfers::{Link, Transfers};

/// Reads a `transfers` table of a platform of accelerators of these names; problems are recorded.
pub(crate) fn decode_transfers(
    table: &Table<'_>,
    names: &[String],
    shared_dram: Option<SharedDram>,
    clock_hz: u64,
    prices: Option<&Prices>,
) -> Option<Transfers> {
    let table = &table.clone().named("`transfers`");
    table.only(&["element_bytes", "link", "default", "memory"]);
    let element_bytes = table.or("element_bytes", 1, |value| value.integer(0..=64_u64));
    let default = table.optional("default", |value| {
        let default = value.table()?.named("`default`");
        default.only(&["bandwidth", "latency", "pj_per_byte"]);
        decode_link(&default, clock_hz)
    });
    let of_byte = prices.map_or(0.0, |prices| prices.dram_byte(element_bytes));
    let memory = table.optional("memory", |value| decode_memory(value, shared_dram, of_byte));
    if let (Some(value), true) = (table.get("memory"), table.has("default")) {
        let help = "remove one of the two: both are for accelerators without a link";
        return value.reject("`transfers` has a `default` and a `memory`", help);
    }
    let mut links: Vec<([usize; 2], Link)> = Vec::new();
    let mut is_sound = true;
    for link in table.tables("link", "a link") {
        link.only(&["between", "bandwidth", "latency", "pj_per_byte"]);
        let ends = decode_ends(&link, names);
        let (Some(At { value: ends, range }), Some(way)) = (ends, decode_link(&link, clock_hz)) else {
            is_sound = false;
            continue;
        };
        if links.iter().any(|(known, _)| *known == ends) {
            let [one, other] = ends.map(|end| &names[end]);
            link.report(
                link.problem_at(&range, format!("there are two links between `{one}` and `{other}`"))
                    .help("keep one of the two: a link goes both ways"),
            );
            is_sound = false;
        }
        links.push((ends, way));
    }
    // What could not be read may be what is missing.
    if !is_sound || (default.is_none() && table.has("default")) || (memory.is_none() && table.has("memory")) {
        return None;
    }
    let others = default.or(memory);
    let linked = |one: usize, other: usize| links.iter().find(|(ends, _)| *ends == [one, other]);
    let pairs = (0..names.len()).flat_map(|one| (one + 1..names.len()).map(move |other| (one, other)));
    let missing = pairs.into_iter().find(|(one, other)| others.is_none() && linked(*one, *other).is_none());
    if let Some((one, other)) = missing {
        let message = format!("there is no link between `{}` and `{}`", names[one], names[other]);
        table.report(
            table
                .problem(message)
                .help("add one, or a `default` for all that have none, or a `memory` through which they go"),
        );
        return None;
    }
    let of_itself =
        Link { bandwidth: Bandwidth::UNLIMITED, latency: Duration::ZERO, pj_per_byte: 0.0, crossings: 1 };
    let between = |one, other| linked(one, other).map(|(_, link)| *link).or(others).unwrap_or(of_itself);
    Some(Transfers::new(element_bytes, names.len(), between))
}

fn decode_link(table: &Table<'_>, clock_hz: u64) -> Option<Link> {
    let bandwidth = table.required("bandwidth", |value| decode_bandwidth(value, clock_hz));
    let (latency, pj_per_byte) = decode_extras(table, 0.0);
    Some(Link { bandwidth: bandwidth?, latency: latency?, pj_per_byte: pj_per_byte?, crossings: 1 })
}

/// Latency and energy, of which `own` is where none is stated; none where they are bad.
fn decode_extras(table: &Table<'_>, own: f64) -> (Option<Duration>, Option<f64>) {
    let latency = table.get("latency").map_or(Some(Duration::ZERO), |value| value.duration_or_zero());
    let energy = |value: Value<'_>| value.number(0.0..=MAX_MOVE_PICOJOULES).map(f64::abs);
    (latency, table.get("pj_per_byte").map_or(Some(own), energy))
}

/// Activations that go through the shared memory are written and read again, at all of its bandwidth, for the energy of a
/// byte that is stated, or `of_byte`.
fn decode_memory(value: &Value<'_>, shared_dram: Option<SharedDram>, of_byte: f64) -> Option<Link> {
    let table = value.table()?.named("`memory`");
    table.only(&["latency", "pj_per_byte"]);
    let (latency, pj_per_byte) = decode_extras(&table, of_byte);
    let Some(SharedDram { bandwidth, .. }) = shared_dram else {
        return value.reject(
            "the accelerators share no memory that activations could go through",
            "add [shared_dram], or state a `default` instead",
        );
    };
    Some(Link { bandwidth, latency: latency?, pj_per_byte: pj_per_byte?, crossings: 2 })
}

/// The two accelerators of a link, in the order of the platform.
fn decode_ends(link: &Table<'_>, names: &[String]) -> Option<At<[usize; 2]>> {
    link.required("between", |value| {
        value.at(|value| {
            let items = value.items()?;
            let [one, other] = &items[..] else {
                let message = format!("a link is between two accelerators, not {}", items.len());
                return value.reject(message, "name two accelerators of the platform");
            };
            let position = |item: &Value<'_>| {
                let wanted = item.string()?;
                names.iter().position(|name| name == wanted).or_else(|| {
                    let known: Vec<&str> = names.iter().map(String::as_str).collect();
                    let message = format!("there is no accelerator named `{wanted}`");
                    item.reject(message, suggestion(wanted, "accelerator", &known))
                })
            };
            let (one, other) = (position(one), position(other));
            let (one, other) = (one?, other?);
            if one == other {
                return value.reject("a link is between two accelerators", "name another one");
            }
            Some([one.min(other), one.max(other)])
        })
    })
}
