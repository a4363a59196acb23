//! Reading how an accelerator can be divided among runs: the `division` table of a platform file.
//!
//! The accelerator's own keys state what all units together are. What fewer units are, the cost model derives where it
//! can ([`crate::CostModel::part`]): a run may hold any number of them, or the numbers that `part` lists. For any
//! cost model an entry of `part` can state those keys that differ for a number of units:
//!
//! ```toml
//! [accelerator.division]
//! units = 4
//! migration = { time = "2us", energy_nj = 5 }
//! part = [ { units = 1, rows = 32, cols = 32 }, { units = 2, rows = 32, cols = 64 } ]
//! ```

use std::ops::Range;

use rtmm_workload::Duration;
use rtmm_workload::input::{At, Table, Value};

use crate::decode::Indivisible;
use crate::ids::ConfigurationId;
use crate::platform::{Configuration, Division, Migration};
use crate::units::MAX_UNITS;

/// Configurations of the accelerator that is divided.
pub(crate) struct Parts<'p, D, A> {
    /// The configuration of all units.
    pub whole: &'p Configuration,
    /// Reads the cost model of a part, whose keys beside those of the cost model are handed to it.
    pub decode: D,
    /// Enters a configuration into the platform.
    pub add: A,
}

/// Reads a `division` table.
pub(crate) fn decode_division<D, A>(table: &Table<'_>, mut parts: Parts<'_, D, A>) -> Option<Division>
where
    D: FnMut(Table<'_>, &[&str]) -> Option<Configuration>,
    A: FnMut(Configuration) -> ConfigurationId,
{
    table.only(&["units", "migration", "part"]);
    let At { value: units, range } =
        table.required("units", |value| value.at(|value| value.integer(2..=MAX_UNITS)))?;
    let migration = table.or("migration", Migration::default(), decode_migration);
    let parts =
        if table.has("part") { parts.listed(table, units) } else { parts.derived(table, units, &range) };
    Some(Division { units, parts, migration })
}

impl<D, A> Parts<'_, D, A>
where
    D: FnMut(Table<'_>, &[&str]) -> Option<Configuration>,
    A: FnMut(Configuration) -> ConfigurationId,
{
    /// Every number of units, as the cost model derives it.
    fn derived(
        &mut self,
        table: &Table<'_>,
        units: u32,
        range: &Range<usize>,
    ) -> Vec<(u32, ConfigurationId)> {
        let mut parts = Vec::new();
        for count in 1..units {
            match self.whole.part(count, units) {
                Ok(configuration) => parts.push((count, (self.add)(configuration))),
                Err(Indivisible::Unsupported) => {
                    table.report(
                        table
                            .problem("the accelerator is divided, but no run may hold a part of it")
                            .help(Indivisible::Unsupported.help()),
                    );
                    break;
                }
                // The same is wrong with larger parts.
                Err(error) => {
                    table.report(table.problem_at(range, error.to_string()).help(error.help()));
                    break;
                }
            }
        }
        parts
    }

    /// The numbers of units that `part` lists, ascending: derived, unless a key is stated or the cost model derives
    /// none.
    fn listed(&mut self, table: &Table<'_>, units: u32) -> Vec<(u32, ConfigurationId)> {
        let mut parts: Vec<(u32, ConfigurationId)> = Vec::new();
        for part in table.tables("part", "a part of the accelerator") {
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
            let has_keys = part.keys().count() > 1;
            let derived =
                if has_keys { Err(Indivisible::Unsupported) } else { self.whole.part(count, units) };
            let configuration = match derived {
                Ok(configuration) => Some(configuration),
                Err(Indivisible::Unsupported) => (self.decode)(part, &["units", "operators", "precisions"]),
                Err(error) => {
                    part.report(part.problem_at(&range, error.to_string()).help(error.help()));
                    None
                }
            };
            parts.extend(configuration.map(|configuration| (count, (self.add)(configuration))));
        }
        parts.sort_by_key(|(count, _)| *count);
        parts
    }
}

fn decode_migration(value: &Value<'_>) -> Option<Migration> {
    let table = value.table()?;
    table.only(&["time", "energy_nj"]);
    let Migration { time, energy_pj } = Migration::default();
    let time = table.or("time", time, decode_time);
    let energy_pj = table.or("energy_nj", energy_pj, decode_energy_pj);
    Some(Migration { time, energy_pj })
}

/// The most that a context switch may take of energy, in nanojoules: a joule.
const MAX_SWITCH_NANOJOULES: f64 = 1e9;

/// A time that may be zero, of a context switch or a migration.
pub(crate) fn decode_time(value: &Value<'_>) -> Option<Duration> {
    value.duration_or_zero()
}

/// An energy in nanojoules, of a context switch or a migration, in picojoules.
pub(crate) fn decode_energy_pj(value: &Value<'_>) -> Option<f64> {
    // A zero with a sign would be another text in the platform's identity.
    value.number(0.0..=MAX_SWITCH_NANOJOULES).map(|nanojoules| nanojoules.abs() * 1e3)
}
