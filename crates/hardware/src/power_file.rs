//! Reading power states: the `power` tables of a platform file and of its accelerators.
//!
//! ```toml
//! [power]
//! background_mw = 1500
//! dram = { points = [ { frequency_mhz = 2133, voltage_v = 0.6, idle_mw = 40 } ] }
//!
//! [accelerator.power]
//! points = [
//!   { frequency_mhz = 300, voltage_v = 0.70, static_mw = 20, idle_mw = 8 },
//!   { frequency_mhz = 1000, voltage_v = 0.85, static_mw = 60, idle_mw = 25 },
//! ]
//! nominal_mhz = 1000
//! switch = { time = "5ms", energy_nj = 100, stalls = false }
//! gating = { power_mw = 1, wake_time = "200us", wake_energy_nj = 500 }
//! ```

use std::ops::RangeInclusive;

use rtmm_workload::input::{At, Table, Value, show_millionths};

use crate::energy::Energy;
use crate::platform::Accelerator;
use crate::power::{
    Gating, MAX_POINTS, OperatingPoint, PlatformPower, PointId, PointSwitch, Power, PowerStates,
};

/// Clocks in hertz, from a thousandth of a megahertz to a terahertz: millionths of a megahertz are hertz.
pub(crate) const HERTZ: RangeInclusive<u64> = 1_000..=1_000_000_000_000;
/// Millionths of a volt, to a hundred volts.
const MICROVOLTS: RangeInclusive<u64> = 1..=100_000_000;
/// Millionths of a milliwatt, to a kilowatt.
const NANOWATTS: RangeInclusive<u64> = 0..=1_000_000_000_000;
/// Millionths of a nanojoule, to a joule.
const FEMTOJOULES: RangeInclusive<u64> = 0..=1_000_000_000_000_000;
/// Columns of the cost tables that one accelerator may have.
const MAX_CLASSES: usize = 4_096;

/// Reads the `power` table of a platform.
pub(crate) fn decode_platform_power(value: &Value<'_>) -> Option<PlatformPower> {
    let table = value.table()?.named("the power of the platform");
    table.only(&["background_mw", "dram"]);
    let background = table.or("background_mw", Power::ZERO, decode_power);
    let dram = table.optional("dram", |value| {
        let table = value.table()?.named("the power of the DRAM");
        if let Some(gating) = table.get("gating") {
            gating.reject::<()>(
                "the DRAM cannot be gated: it would lose what it holds",
                "state what it draws in self-refresh as `idle_mw` of its points",
            );
        }
        decode_power_states(&table)
    });
    Some(PlatformPower { background, dram })
}

/// Reads the clock of an accelerator: stated, that of its nominal operating point, or the platform's.
///
/// Costs are those at the nominal point, so that a clock beside it would state them twice.
pub(crate) fn decode_clock(table: &Table<'_>, states: Option<&PowerStates>, of_platform: u64) -> u64 {
    let nominal = states.and_then(|states| states.point(states.nominal)).map(|point| point.hertz);
    let stated = table.optional("clock_mhz", |value| value.at(|value| value.millionths(HERTZ)));
    if let (Some(At { value: stated, range }), Some(nominal)) = (&stated, nominal)
        && *stated != nominal
    {
        let (stated, nominal) = (show_millionths(*stated), show_millionths(nominal));
        let message = format!(
            "this accelerator has a clock of {stated} MHz, and its nominal operating point one of {nominal} MHz"
        );
        let help =
            "leave `clock_mhz` out: costs are those at the nominal point, which `power.nominal_mhz` states";
        table.report(table.problem_at(range, message).help(help));
    }
    nominal.or(stated.map(|stated| stated.value)).unwrap_or(of_platform)
}

/// Reads the `power` table of an accelerator.
pub(crate) fn decode_accelerator_power(value: &Value<'_>) -> Option<PowerStates> {
    decode_power_states(&value.table()?.named("the power of this accelerator"))
}

fn decode_power_states(table: &Table<'_>) -> Option<PowerStates> {
    table.only(&["points", "nominal_mhz", "switch", "gating"]);
    let points = decode_points(table);
    let nominal = decode_nominal(table, &points);
    let switch = table.or("switch", PointSwitch::default(), decode_switch);
    let gating = table.optional("gating", decode_gating);
    Some(PowerStates { points, nominal: nominal?, switch, gating })
}

/// The points, each of a higher frequency than the one before it.
fn decode_points(table: &Table<'_>) -> Vec<OperatingPoint> {
    let rows = table.tables("points", "an operating point");
    // Points that are no tables are told of already.
    if table.get("points").is_none_or(|value| value.is_empty_array()) {
        let help =
            "add `points = [ { frequency_mhz = 800, voltage_v = 0.75, static_mw = 40, idle_mw = 15 } ]`";
        table.report(table.problem("there are no operating points").help(help));
    }
    if rows.len() > MAX_POINTS {
        let message = format!("there are {} operating points", rows.len());
        table.report(table.problem(message).help(format!("state {MAX_POINTS} of them at the most")));
    }
    for key in ["static_mw", "idle_mw"] {
        refuse_gaps(&rows, key);
    }
    let mut points: Vec<OperatingPoint> = Vec::new();
    for row in rows {
        row.only(&["frequency_mhz", "voltage_v", "static_mw", "idle_mw"]);
        let frequency = row.required("frequency_mhz", |value| value.at(|value| value.millionths(HERTZ)));
        let microvolts = row.required("voltage_v", |value| value.millionths(MICROVOLTS));
        let static_power = row.or("static_mw", Power::ZERO, decode_power);
        let idle_power = row.or("idle_mw", Power::ZERO, decode_power);
        let (Some(At { value: hertz, range }), Some(microvolts)) = (frequency, microvolts) else { continue };
        let mhz = show_millionths(hertz);
        if points.iter().any(|known| known.hertz == hertz) {
            row.report(
                row.problem_at(&range, format!("there are two operating points of {mhz} MHz"))
                    .help("state every frequency once, with the voltage that it needs"),
            );
        } else if points.last().is_some_and(|last| hertz < last.hertz) {
            row.report(
                row.problem_at(&range, format!("the operating point of {mhz} MHz is out of order"))
                    .help("list the points by rising frequency"),
            );
        }
        points.push(OperatingPoint { hertz, microvolts, static_power, idle_power });
    }
    points
}

/// Reports the points that lack a power which others state: no power would be taken for theirs, and the leakage that the
/// technology knows would not count beside it.
fn refuse_gaps(rows: &[Table<'_>], key: &str) {
    let lacking = || rows.iter().filter(|row| !row.has(key));
    if lacking().count() == rows.len() {
        return;
    }
    for row in lacking() {
        let message = format!("this operating point states no `{key}`, and others do");
        row.report(row.problem(message).help(format!("state it; `{key} = 0` where it draws nothing")));
    }
}

/// The point of the stated frequency, or the last one.
fn decode_nominal(table: &Table<'_>, points: &[OperatingPoint]) -> Option<PointId> {
    let last = points.len().checked_sub(1).map(PointId::new);
    let Some(value) = table.get("nominal_mhz") else { return last };
    let hertz = value.millionths(HERTZ)?;
    // Points that could not be read are judged once they can be.
    if points.is_empty() {
        return None;
    }
    let position = points.iter().position(|point| point.hertz == hertz);
    position.map(PointId::new).or_else(|| {
        let known: Vec<String> = points.iter().map(|point| show_millionths(point.hertz)).collect();
        value.reject(
            format!("there is no operating point of {} MHz", show_millionths(hertz)),
            format!("the points are of {} MHz", known.join(", ")),
        )
    })
}

fn decode_switch(value: &Value<'_>) -> Option<PointSwitch> {
    let table = value.table()?;
    table.only(&["time", "energy_nj", "stalls"]);
    let PointSwitch { time, energy, stalls } = PointSwitch::default();
    let time = table.or("time", time, Value::duration_or_zero);
    let energy = table.or("energy_nj", energy, decode_energy);
    let stalls = table.or("stalls", stalls, Value::boolean);
    Some(PointSwitch { time, energy, stalls })
}

fn decode_gating(value: &Value<'_>) -> Option<Gating> {
    let table = value.table()?.named("power gating");
    table.only(&["power_mw", "wake_time", "wake_energy_nj"]);
    let power = table.or("power_mw", Power::ZERO, decode_power);
    let wake_time = table.required("wake_time", Value::duration_or_zero);
    let wake_energy = table.or("wake_energy_nj", Energy::ZERO, decode_energy);
    Some(Gating { power, wake_time: wake_time?, wake_energy })
}

/// Reports an accelerator of which there would be too many classes: its parts, at all its points, at all of the memory's.
pub(crate) fn check_classes(table: &Table<'_>, accelerator: &Accelerator, of_platform: &PlatformPower) {
    let points = |states: &Option<PowerStates>| states.as_ref().map_or(1, |states| states.points.len());
    let parts = accelerator.configurations().count();
    let classes = parts * points(&accelerator.power) * points(&of_platform.dram);
    if classes > MAX_CLASSES {
        let message = format!("this accelerator has {classes} combinations of units and operating points");
        table.report(table.problem(message).help(format!(
            "leave out operating points, or parts of its division: {MAX_CLASSES} can be costed at the most"
        )));
    }
}

/// Reads an energy in nanojoules, exactly.
fn decode_energy(value: &Value<'_>) -> Option<Energy> {
    value.millionths(FEMTOJOULES).map(Energy::from_femtojoules)
}

/// Reads a power in milliwatts, at least zero.
fn decode_power(value: &Value<'_>) -> Option<Power> {
    value.millionths(NANOWATTS).map(Power::from_nanowatts)
}
