//! Data that `cargo xtask evaluation moca` wrote, as the tables of the page need them.

use std::path::Path;

use super::super::Problem;
use crate::evaluation::DATA;
use crate::evaluation::moca::{MAIN, PLATFORM};

/// The workload sets.
pub(super) const SETS: [&str; 3] = ["A", "B", "C"];
/// Levels of service with the endings of their scenarios' names.
pub(super) const LEVELS: [(&str, &str); 3] = [("L", "_low"), ("M", ""), ("H", "_high")];

/// MoCA in the main comparison: whole, and its halves.
pub(super) const MOCA: &str = "moca pairing=true throttle=true";
pub(super) const SCHEDULING: &str = "moca pairing=true throttle=false";
pub(super) const THROTTLING: &str = "moca pairing=false throttle=true";
pub(super) const STATIC: &str = "static-partition";

/// Names of policies for readers.
const NAMES: [(&str, &str); 9] = [
    ("edf", "EDF"),
    ("prema", "PREMA"),
    (STATIC, "static partition"),
    ("planaria", "Planaria"),
    ("dream-full", "DREAM full"),
    ("moca", "MoCA"),
    (MOCA, "MoCA"),
    (SCHEDULING, "MoCA, scheduling alone"),
    (THROTTLING, "MoCA, throttling alone"),
];

pub(super) fn name(policy: &str) -> String {
    let known = NAMES.iter().find(|(known, _)| *known == policy);
    known.map_or_else(|| policy.to_owned(), |(_, name)| (*name).to_owned())
}

/// The name of the scenario of a set.
pub(super) fn scenario(set: &str, suffix: &str) -> String {
    format!("moca/set_{}{suffix}", set.to_lowercase())
}

/// A mean over seeds.
pub(super) struct Value {
    pub mean: f64,
    pub interval: Option<(f64, f64)>,
}

impl Value {
    /// The mean, and half of its interval where there is one.
    pub(super) fn text(&self) -> String {
        let half = self.interval.map_or(0.0, |(low, high)| (high - low) / 2.0);
        if half > 0.0 { format!("{} ± {}", share(self.mean), share(half)) } else { share(self.mean) }
    }
}

/// Three decimals, two of numbers from ten on.
pub(super) fn share(value: f64) -> String {
    if value.abs() >= 10.0 { format!("{value:.1}") } else { format!("{value:.3}") }
}

/// A row of means.
pub(super) struct Row {
    sweep: String,
    scenario: String,
    load: f64,
    platform: String,
    policy: String,
    values: Vec<(String, Value)>,
}

impl Row {
    pub(super) fn get(&self, metric: &str) -> Option<&Value> {
        self.values.iter().find(|(name, _)| name == metric).map(|(_, value)| value)
    }
}

/// The means of all sweeps.
pub(super) struct Cells(Vec<Row>);

impl Cells {
    pub(super) fn read(root: &Path) -> Result<Self, Problem> {
        let mut reader = open(root, "moca_cells.csv")?;
        let header = reader.headers()?.clone();
        let mut rows = Vec::new();
        for record in reader.records() {
            let record = record?;
            let number = |index: usize| record.get(index).and_then(|cell| cell.parse::<f64>().ok());
            let value = |index: usize| {
                let interval = number(index + 1).zip(number(index + 2));
                Some((header[index].to_owned(), Value { mean: number(index)?, interval }))
            };
            rows.push(Row {
                sweep: record[0].to_owned(),
                scenario: record[1].to_owned(),
                load: record[2].parse()?,
                platform: record[3].to_owned(),
                policy: record[4].to_owned(),
                values: (5..header.len()).step_by(3).filter_map(value).collect(),
            });
        }
        Ok(Self(rows))
    }

    pub(super) fn find(
        &self,
        sweep: &str,
        scenario: &str,
        load: f64,
        platform: &str,
        policy: &str,
    ) -> Option<&Row> {
        self.0.iter().find(|row| {
            (row.sweep.as_str(), row.scenario.as_str(), row.platform.as_str(), row.policy.as_str())
                == (sweep, scenario, platform, policy)
                && row.load == load
        })
    }

    /// A row of the main comparison.
    pub(super) fn main(&self, scenario: &str, policy: &str) -> Option<&Row> {
        self.find(MAIN, scenario, 1.0, PLATFORM, policy)
    }

    /// A metric of the main comparison; a problem where there is none.
    pub(super) fn mean(&self, scenario: &str, policy: &str, metric: &str) -> Result<f64, Problem> {
        let value = self.main(scenario, policy).and_then(|row| row.get(metric));
        Ok(value.ok_or_else(|| format!("no {metric} of {policy} on {scenario}"))?.mean)
    }

    /// The policies of a sweep, in their order.
    pub(super) fn policies(&self, sweep: &str) -> Vec<&str> {
        let mut policies: Vec<&str> = Vec::new();
        for row in self.0.iter().filter(|row| row.sweep == sweep) {
            if !policies.contains(&row.policy.as_str()) {
                policies.push(&row.policy);
            }
        }
        policies
    }

    /// The loads and platforms of a sweep, in their order.
    pub(super) fn members(&self, sweep: &str) -> Vec<(f64, &str)> {
        let mut members: Vec<(f64, &str)> = Vec::new();
        for row in self.0.iter().filter(|row| row.sweep == sweep) {
            if !members.contains(&(row.load, row.platform.as_str())) {
                members.push((row.load, &row.platform));
            }
        }
        members
    }
}

/// A table of the evaluation's data.
pub(super) fn open(root: &Path, file: &str) -> Result<csv::Reader<std::fs::File>, Problem> {
    let path = root.join(DATA).join(file);
    let reader = csv::Reader::from_path(&path);
    Ok(reader
        .map_err(|error| format!("{}: {error}; `cargo xtask evaluation moca` writes it", path.display()))?)
}

/// A row of a table with named columns.
pub(super) struct Named {
    header: csv::StringRecord,
    record: csv::StringRecord,
}

impl Named {
    /// The rows of a table.
    pub(super) fn rows(root: &Path, file: &str) -> Result<Vec<Self>, Problem> {
        let mut reader = open(root, file)?;
        let header = reader.headers()?.clone();
        let rows: Result<Vec<Self>, csv::Error> =
            reader.records().map(|record| Ok(Self { header: header.clone(), record: record? })).collect();
        Ok(rows?)
    }

    pub(super) fn text(&self, column: &str) -> Result<&str, Problem> {
        let position = self.header.iter().position(|name| name == column);
        let cell = position.and_then(|index| self.record.get(index));
        Ok(cell.ok_or_else(|| format!("no column `{column}`"))?)
    }

    pub(super) fn number(&self, column: &str) -> Result<f64, Problem> {
        Ok(self.text(column)?.parse()?)
    }
}
