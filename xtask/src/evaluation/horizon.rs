//! `cargo xtask evaluation horizon [SWEEP]`: the sweeps behind the tables of docs/horizon.md.
//!
//! The policy with parts taken out (`horizon_ablation.csv`), its energy beside the least that any policy takes
//! (`horizon_bound.csv`), and the workloads of XRBench and Dysta (`horizon_xrbench.csv`, `horizon_dysta.csv`), all in
//! `docs/evaluation/data`. What is compared with the whole policy is compared over the same seeds, and so are its intervals.

use std::path::Path;

use rtmm_sweep::results::Results;
use rtmm_sweep::runner::Policy;
use rtmm_sweep::statistics::{Bootstrap, Interval, MINIMUM_SAMPLES, over_seeds};
use rtmm_sweep::sweep::Finished;
use rtmm_workload::parameters::Parameters;

use super::{DATA, Problem, Seeds, groups, with_sweep};
use crate::project_root;

/// The policy of all these sweeps.
pub(crate) const POLICY: &str = "horizon";
/// Parts taken out.
pub(crate) const ABLATION: &str = "horizon_ablation";
/// Beside the bound of energy.
pub(crate) const BOUND: &str = "horizon_bound";
/// On the scenarios of XRBench.
pub(crate) const XRBENCH: &str = "horizon_xrbench";
/// On the workloads of Dysta.
pub(crate) const DYSTA: &str = "horizon_dysta";

type Write = fn(&Finished<'_>, &Path) -> Result<(), Problem>;

pub(crate) const SWEEPS: [(&str, Write); 4] =
    [(ABLATION, ablation), (BOUND, bound), (XRBENCH, xrbench), (DYSTA, dysta)];

/// Runs the sweeps, or the one of this name, and writes their tables.
pub(crate) fn run(only: Option<&str>) -> Result<(), Problem> {
    let root = project_root();
    for (name, write) in SWEEPS.into_iter().filter(|(name, _)| only.is_none_or(|only| only == *name)) {
        println!("sweep {name}");
        let path = root.join(DATA).join(format!("{name}.csv"));
        with_sweep(name, &root.join("results").join(name), |finished, _| write(finished, &path))?;
    }
    Ok(())
}

/// A policy with the parameters that are not at their defaults.
fn changes(policy: &Policy) -> String {
    let defaults = Parameters::defaults(policy.parameters.schema());
    let changed = policy.parameters.all().filter(|(name, value)| defaults.get(name) != Some(value));
    let changed = changed.map(|(name, value)| format!("{name}={value}"));
    std::iter::once(policy.name.to_string()).chain(changed).collect::<Vec<_>>().join(" ")
}

/// A platform without its costs, and those.
fn costs<'s>(seeds: &Seeds<'s>) -> (&'s str, &'s str) {
    seeds.platform.split_once('@').unwrap_or((seeds.platform, "corrected"))
}

/// Values of a column over the seeds of a group.
fn values(results: &Results<'_>, seeds: &Seeds<'_>, column: &str) -> Vec<Option<f64>> {
    let cells = &seeds.plan.cells()[seeds.group.cells.clone()];
    cells.iter().map(|cell| results.cell_value(cell, column)?.number()).collect()
}

fn text(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

/// Relation in which a policy and the whole one are compared, over several systems.
#[derive(Clone, Copy)]
enum Relation {
    /// The mean of differences.
    Difference,
    /// The geometric mean of quotients.
    Quotient,
}

/// Values by seed of a policy and of the whole one on a system.
type Pair = (Vec<Option<f64>>, Vec<Option<f64>>);

impl Relation {
    /// Over all seeds, or over those that are drawn. None where a system has no value, or none with a logarithm.
    fn of(self, systems: &[Pair], drawn: Option<&[u32]>) -> Option<f64> {
        let mut sum = 0.0;
        for (values, whole) in systems {
            let (value, whole) = (over_seeds(values, drawn)?, over_seeds(whole, drawn)?);
            sum += match self {
                Self::Difference => value - whole,
                Self::Quotient if value > 0.0 && whole > 0.0 => (value / whole).ln(),
                Self::Quotient => return None,
            };
        }
        let mean = (!systems.is_empty()).then(|| sum / systems.len() as f64)?;
        Some(match self {
            Self::Difference => mean,
            Self::Quotient => mean.exp(),
        })
    }

    /// The same with its 95 % interval, where there are seeds enough.
    fn with_interval(self, systems: &[Pair]) -> (Option<f64>, Option<Interval>) {
        let seeds = systems.iter().map(|(values, _)| values.len()).max().unwrap_or(0);
        let interval = (seeds >= MINIMUM_SAMPLES)
            .then(|| Bootstrap::new(seeds).interval_of(|drawn| self.of(systems, Some(drawn))));
        (self.of(systems, None), interval.flatten())
    }

    fn fields(self, systems: &[Pair]) -> [String; 3] {
        let (value, interval) = self.with_interval(systems);
        [text(value), text(interval.map(|one| one.low)), text(interval.map(|one| one.high))]
    }
}

/// Columns that are compared where parts are taken out, with the relation.
const COMPARED: [(&str, &str, Relation); 4] = [
    ("misses", "deadline_violation_rate", Relation::Difference),
    ("energy", "energy_per_completed_pj", Relation::Quotient),
    ("completed", "completion_rate", Relation::Quotient),
    ("ux_cost", "ux_cost", Relation::Quotient),
];

/// Each policy beside the whole one, by costs and load, over all scenarios and platforms.
fn ablation(finished: &Finished<'_>, path: &Path) -> Result<(), Problem> {
    let results = &finished.results;
    let all: Vec<Seeds<'_>> = groups(results, &finished.summary).collect();
    let mut writer = csv::Writer::from_path(path)?;
    let mut header =
        vec!["costs".to_owned(), "load".to_owned(), "policy".to_owned(), "misses_mean".to_owned()];
    for (name, _, _) in COMPARED {
        header.extend([name.to_owned(), format!("{name}_low"), format!("{name}_high")]);
    }
    writer.write_record(&header)?;
    let (mut places, mut policies) = (Vec::new(), Vec::new());
    for seeds in &all {
        let (place, policy) = ((costs(seeds).1, seeds.load()), changes(seeds.policy));
        if !places.contains(&place) {
            places.push(place);
        }
        if !policies.contains(&policy) {
            policies.push(policy);
        }
    }
    places.sort_by_key(|(costs, _)| *costs);
    for (costs_of_place, load) in &places {
        let here: Vec<&Seeds<'_>> =
            all.iter().filter(|seeds| costs(seeds).1 == *costs_of_place && seeds.load() == *load).collect();
        let of = |policy: &str, column: &str| -> Vec<Vec<Option<f64>>> {
            let of_policy = here.iter().filter(|seeds| changes(seeds.policy) == policy);
            of_policy.map(|seeds| values(results, seeds, column)).collect()
        };
        for policy in &policies {
            let misses = of(policy, COMPARED[0].1);
            let means: Option<Vec<f64>> = misses.iter().map(|values| over_seeds(values, None)).collect();
            let mean = means.and_then(|means| rtmm_sweep::statistics::mean(&means));
            let mut row = vec![(*costs_of_place).to_owned(), load.clone(), policy.clone(), text(mean)];
            for (_, column, relation) in COMPARED {
                let systems: Vec<Pair> = of(policy, column).into_iter().zip(of(POLICY, column)).collect();
                row.extend(relation.fields(&systems));
            }
            writer.write_record(&row)?;
        }
    }
    writer.flush()?;
    Ok(())
}

/// Energy over the bound by system and load, over the seeds in which nothing is late.
fn bound(finished: &Finished<'_>, path: &Path) -> Result<(), Problem> {
    let results = &finished.results;
    let mut writer = csv::Writer::from_path(path)?;
    writer.write_record([
        "scenario",
        "platform",
        "costs",
        "load",
        "policy",
        "seeds",
        "clean",
        "misses",
        "over_bound",
        "switches",
    ])?;
    for seeds in groups(results, &finished.summary) {
        let (platform, costs) = costs(&seeds);
        let of = |column: &str| values(results, &seeds, column);
        let over = of("energy_over_bound");
        // Energy of switches is in no bound.
        let shares = of("energy_switch_pj").into_iter().zip(of("energy_pj"));
        let shares: Vec<Option<f64>> = shares.map(|(switches, all)| Some(switches? / all?)).collect();
        writer.write_record([
            seeds.scenario,
            platform,
            costs,
            &seeds.load(),
            &changes(seeds.policy),
            &over.len().to_string(),
            &over.iter().flatten().count().to_string(),
            &text(over_seeds(&of("deadline_violation_rate"), None)),
            &text(over_seeds(&over, None)),
            &text(over_seeds(&shares, None)),
        ])?;
    }
    writer.flush()?;
    Ok(())
}

/// Means over seeds.
fn xrbench(finished: &Finished<'_>, path: &Path) -> Result<(), Problem> {
    let columns =
        ["xrbench_score_percent", "deadline_violation_rate", "completion_rate", "energy_per_completed_pj"];
    let results = &finished.results;
    let mut writer = csv::Writer::from_path(path)?;
    writer.write_record(["scenario", "platform", "load", "policy"].iter().chain(&columns))?;
    for seeds in groups(results, &finished.summary) {
        let mut row =
            vec![seeds.scenario.to_owned(), seeds.platform.to_owned(), seeds.load(), changes(seeds.policy)];
        row.extend(columns.map(|column| text(over_seeds(&values(results, &seeds, column), None))));
        writer.write_record(row)?;
    }
    writer.flush()?;
    Ok(())
}

/// Means over seeds, and differences from the whole policy that drops as the other one does.
fn dysta(finished: &Finished<'_>, path: &Path) -> Result<(), Problem> {
    let columns = [("violations", "deadline_violation_rate"), ("antt", "antt")];
    let results = &finished.results;
    let all: Vec<Seeds<'_>> = groups(results, &finished.summary).collect();
    let mut writer = csv::Writer::from_path(path)?;
    let mut header: Vec<String> =
        ["scenario", "load", "policy", "drop", "completed"].map(str::to_owned).into();
    for (name, _) in columns {
        header.extend([
            name.to_owned(),
            format!("{name}_more"),
            format!("{name}_low"),
            format!("{name}_high"),
        ]);
    }
    writer.write_record(&header)?;
    for seeds in &all {
        let drops = |seeds: &Seeds<'_>| seeds.parameter("drop") != "never";
        let whole = all.iter().find(|other| {
            let is_there = other.scenario == seeds.scenario && other.load() == seeds.load();
            is_there && other.policy.name == POLICY && drops(other) == drops(seeds)
        });
        let whole = whole.ok_or("the sweep lacks the policy of this project")?;
        let mut row = vec![
            seeds.scenario.to_owned(),
            seeds.load(),
            seeds.policy.name.to_string(),
            seeds.parameter("drop"),
            text(over_seeds(&values(results, seeds, "completion_rate"), None)),
        ];
        for (_, column) in columns {
            let of = values(results, seeds, column);
            row.push(text(over_seeds(&of, None)));
            row.extend(Relation::Difference.fields(&[(of, values(results, whole, column))]));
        }
        writer.write_record(row)?;
    }
    writer.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relations_are_means_over_systems_of_what_seeds_have_in_the_mean() {
        let values = |of: &[f64]| of.iter().copied().map(Some).collect::<Vec<_>>();
        let systems =
            [(values(&[0.2, 0.4]), values(&[0.1, 0.1])), (values(&[8.0, 8.0]), values(&[1.0, 3.0]))];
        let close = |found: Option<f64>, expected: f64| {
            assert!(found.is_some_and(|found| (found - expected).abs() < 1e-12), "{found:?} {expected}");
        };
        close(Relation::Difference.of(&systems, None), 3.1);
        close(Relation::Quotient.of(&systems, None), 12_f64.sqrt());
        // The first seed twice: 0.2 / 0.1 and 8 / 1.
        close(Relation::Quotient.of(&systems, Some(&[0, 0])), 4.0);
        let zero = [(values(&[0.0, 0.0]), values(&[1.0, 1.0]))];
        assert_eq!(Relation::Quotient.of(&zero, None), None);
        close(Relation::Difference.of(&zero, None), -1.0);
        assert_eq!(Relation::Difference.of(&[], None), None);
        // Two seeds make no interval.
        assert_eq!(Relation::Difference.with_interval(&zero).1, None);
    }
}
