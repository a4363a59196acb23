//! Reading how an accelerator can be divided among runs: the `division` table of a platform file.
//!
//! The accelerator's own keys state what all units together are. Each entry of `part` states a number of
//! units that a run may hold, and those keys of the cost model that differ for it:
//!
//! ```toml
//! [accelerator.division]
//! units = 4
//! migration = { time = "2us", energy_nj = 5 }
//! part = [ { units = 1, rows = 32, cols = 32 }, { units = 2, rows = 32, cols = 64 } ]
//! ```

use rtmm_workload::input::{At, Table, Value};

use crate::load::{decode_energy_pj, decode_time};
use crate::platform::{ConfigurationId, Division, Migration};
use crate::units::MAX_UNITS;

/// Reads a `division` table. `configuration` reads the cost model of a part, whose keys beside those of
/// the cost model are handed to it.
pub(crate) fn decode_division(
    table: &Table<'_>,
    mut configuration: impl FnMut(Table<'_>, &[&str]) -> Option<ConfigurationId>,
) -> Option<Division> {
    table.only(&["units", "migration", "part"]);
    let units = table.required("units", |value| value.integer(2..=MAX_UNITS))?;
    let migration = table.or("migration", Migration::default(), decode_migration);
    let mut parts: Vec<(u32, ConfigurationId)> = Vec::new();
    let tables = table.tables("part", "a part of the accelerator");
    if tables.is_empty() && !table.has("part") {
        table.report(
            table
                .problem("the accelerator is divided, but no run may hold a part of it")
                .help("add `part = [{ units = 1, ... }]`, or remove `division`"),
        );
    }
    for part in tables {
        let Some(At { value: count, range }) =
            part.required("units", |value| value.at(|value| value.integer(1..=units - 1)))
        else {
            continue;
        };
        if parts.iter().any(|(known, _)| *known == count) {
            part.report(
                part.problem_at(&range, format!("there are two parts of {count} units"))
                    .help("state every number of units once"),
            );
        }
        parts.extend(configuration(part, &["units"]).map(|configuration| (count, configuration)));
    }
    parts.sort_by_key(|(count, _)| *count);
    Some(Division { units, parts, migration })
}

fn decode_migration(value: &Value<'_>) -> Option<Migration> {
    let table = value.table()?;
    table.only(&["time", "energy_nj"]);
    let Migration { time, energy_pj } = Migration::default();
    let time = table.or("time", time, decode_time);
    let energy_pj = table.or("energy_nj", energy_pj, decode_energy_pj);
    Some(Migration { time, energy_pj })
}
