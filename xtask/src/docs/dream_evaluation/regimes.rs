//! Tables of what DREAM's gain depends on: the costs, the load, the drop rule with its cap, the unit of starvation.

use std::path::Path;

use super::{Value, number, percent, values};
use crate::docs::{Problem, table};

/// The metrics of a table: the figure, and its column.
const METRICS: [(&str, &str, bool); 4] = [
    ("regimes_uxcost", "UXCost", false),
    ("regimes_violations", "missed", true),
    ("regimes_completions", "completed", true),
    ("regimes_energy", "energy of a completed job", false),
];
/// The load at which the publication's rates are taken as they are.
const STATED_LOAD: &str = "1";

/// A policy with its parameters, as figures name it.
struct Named<'k> {
    policy: &'k str,
    parameters: Vec<(&'k str, &'k str)>,
}

impl<'k> Named<'k> {
    fn of(key: &'k str) -> Self {
        let mut words = key.split_whitespace();
        let policy = words.next().unwrap_or_default();
        Self { policy, parameters: words.filter_map(|word| word.split_once('=')).collect() }
    }

    fn parameter(&self, name: &str) -> Option<&'k str> {
        self.parameters.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }

    /// The name without what its jobs are dropped by.
    fn base(&self) -> String {
        let is_assigned = self.parameter("placement") == Some("assigned");
        let name = match self.policy {
            "fcfs" if is_assigned => "FCFS static",
            "fcfs" => "FCFS dynamic",
            "veltair" => "Veltair",
            "planaria" => "Planaria's score",
            "prema" => "PREMA",
            "edf" => "EDF",
            "least-slack" => "least slack",
            "dream-mapscore" => "DREAM MapScore",
            "dream-full" => "DREAM full",
            other => other,
        };
        let mut name = name.to_owned();
        if self.parameter("granularity") == Some("model") {
            name.push_str(", by model");
        }
        if self.policy.starts_with("dream")
            && let Some(unit) = self.parameter("starvation_unit")
        {
            name.push_str(&format!(", unit {unit}"));
        }
        name
    }

    /// The rule that drops jobs, for readers; nothing where none is. DREAM with all its parts has the smart one.
    fn drop(&self) -> String {
        let by_default = (self.policy == "dream-full").then_some("smart");
        match self.parameter("drop").or(by_default) {
            Some("smart") => format!("smart, cap {}", self.parameter("drop_cap").unwrap_or("2")),
            Some("infeasible") => "infeasible".to_owned(),
            _ => String::new(),
        }
    }

    fn label(&self) -> String {
        match self.drop() {
            drop if drop.is_empty() => self.base(),
            drop => format!("{} + drop {drop}", self.base()),
        }
    }
}

/// Values of a figure whose keys are costs, load and policy.
struct Table(Vec<Value>);

impl Table {
    fn read(root: &Path, figure: &str) -> Result<Self, Problem> {
        let rows = values(root, figure)?;
        match rows.iter().all(|row| row.keys.len() == 3) {
            true => Ok(Self(rows)),
            false => Err(format!("`{figure}` is not by costs, load and policy").into()),
        }
    }

    fn members(&self, key: usize) -> Vec<&str> {
        super::distinct(self.0.iter().map(|row| row.keys[key].as_str()))
    }

    fn find(&self, costs: &str, load: &str, policy: &str) -> Option<&Value> {
        self.0.iter().find(|row| row.keys[0] == costs && row.keys[1] == load && row.keys[2] == policy)
    }
}

fn cell(value: Option<&Value>, is_share: bool) -> String {
    let Some((row, value)) = value.and_then(|row| Some((row, row.value?))) else { return "—".to_owned() };
    let text = if is_share { percent(value) } else { number(value) };
    match row.interval {
        Some((low, high)) if high > low => {
            let half = (high - low) / 2.0;
            let half = if is_share { format!("{:.1}", 100.0 * half) } else { number(half) };
            format!("{text} ± {half}")
        }
        _ => text,
    }
}

/// All policies under both costs at every load.
pub(in crate::docs) fn all(root: &Path) -> Result<String, Problem> {
    let tables =
        METRICS.map(|(figure, ..)| Table::read(root, figure)).into_iter().collect::<Result<Vec<_>, _>>()?;
    let first = tables.first().ok_or("no table")?;
    let mut header = vec!["policy"];
    header.extend(METRICS.iter().map(|(_, column, _)| *column));
    let mut text = String::new();
    for costs in first.members(0) {
        for load in first.members(1) {
            let rows: Vec<Vec<String>> = first
                .members(2)
                .into_iter()
                .map(|policy| {
                    let of_metrics = METRICS.iter().zip(&tables);
                    let cells = of_metrics
                        .map(|((_, _, is_share), table)| cell(table.find(costs, load, policy), *is_share));
                    std::iter::once(Named::of(policy).label()).chain(cells).collect()
                })
                .collect();
            text.push_str(&format!("Costs {costs}, load {load}:\n\n{}\n", table(&header, &rows)));
        }
    }
    Ok(text)
}

/// By how much the UXCost of DREAM is below that of each baseline, with the same drop rule and without.
pub(in crate::docs) fn gains(root: &Path) -> Result<String, Problem> {
    let uxcost = Table::read(root, "regimes_uxcost")?;
    let policies = uxcost.members(2);
    let is_dream = |policy: &&&str| Named::of(policy).policy == "dream-full";
    let baselines: Vec<&&str> =
        policies.iter().filter(|policy| !Named::of(policy).policy.starts_with("dream")).collect();
    let mut text = String::new();
    for costs in uxcost.members(0) {
        let value = |policy: &str| uxcost.find(costs, STATED_LOAD, policy)?.value;
        let dream: Vec<&&str> = policies.iter().filter(is_dream).collect();
        let labels: Vec<String> = dream
            .iter()
            .map(|policy| {
                let named = Named::of(policy);
                let unit = named.parameter("starvation_unit").unwrap_or("next-layer");
                format!("cap {}, {unit}", named.parameter("drop_cap").unwrap_or("2"))
            })
            .collect();
        let mut header = vec!["against"];
        header.extend(labels.iter().map(String::as_str));
        let rows: Vec<Vec<String>> = baselines
            .iter()
            .map(|baseline| {
                let cells = dream.iter().map(|policy| match (value(policy), value(baseline)) {
                    (Some(of), Some(against)) if against > 0.0 => percent(1.0 - of / against),
                    _ => "—".to_owned(),
                });
                std::iter::once(Named::of(baseline).label()).chain(cells).collect()
            })
            .collect();
        text.push_str(&format!("Costs {costs}:\n\n{}\n", table(&header, &rows)));
        text.push_str(&beside_the_publication(&uxcost, costs));
    }
    Ok(text)
}

/// The gains over the two baselines that the published numbers are remembered to be against, which drop nothing.
fn beside_the_publication(uxcost: &Table, costs: &str) -> String {
    let policies = uxcost.members(2);
    let find = |is: &dyn Fn(&Named<'_>) -> bool| {
        let policy = policies.iter().find(|policy| is(&Named::of(policy)))?;
        uxcost.find(costs, STATED_LOAD, policy)?.value
    };
    let dream = |cap: &str| {
        find(&|named| {
            named.policy == "dream-full"
                && named.parameter("drop_cap") == Some(cap)
                && named.parameter("starvation_unit") == Some("next-layer")
        })
    };
    let gain = |cap: &str, baseline: &str| {
        let against = find(&|named| named.policy == baseline && named.parameter("drop") == Some("never"))?;
        Some(percent(1.0 - dream(cap)? / against))
    };
    let said = |baseline: &str| {
        let [two, ten] = ["2", "10"].map(|cap| gain(cap, baseline).unwrap_or_else(|| "—".to_owned()));
        format!("{two} with a cap of 2 and {ten} with a cap of 10")
    };
    format!(
        "Against Veltair {} (published, as remembered: 50.0 %); against Planaria's score {} (published, of a Planaria that \
         divides its array: 32.2 %).\n\n",
        said("veltair"),
        said("planaria")
    )
}
