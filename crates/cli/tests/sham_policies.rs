//! Policies that must not win: one that drops every job, one that drops the newest, and `edf` under another name, built as a
//! program of its own would build them and run beside real ones through a sweep and its report.
//!
//! A comparison is worth no more than what it says of these.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use rtmm_hardware::CostModelRegistry;
use rtmm_report::Report;
use rtmm_runners::engine::Engine;
use rtmm_scheduler::parts::{Composed, Parts, Ranking as Order};
use rtmm_scheduler::{
    Decision, Decisions, Job, Parameters, Policy, PolicyError, PolicyRegistry, PolicyRow, Schema, Truth, View,
};
use rtmm_sweep::execute::in_memory;
use rtmm_sweep::file::read_source;
use rtmm_sweep::ranking::{Competitors, Ranking, Standings, Verdict};
use rtmm_sweep::results::Results;
use rtmm_sweep::runner::{Better, short_names};
use rtmm_sweep::summary::Summary;
use rtmm_workload::Time;
use rtmm_workload::input::Source;

/// Drops every job at the first look at it.
#[derive(Clone, Debug)]
struct DropsAll;

impl Policy for DropsAll {
    fn decide(
        &mut self,
        view: &View<'_>,
        _: Option<&Truth<'_>>,
        out: &mut Decisions,
    ) -> Result<(), PolicyError> {
        // One at a time: those that need its output go with it.
        if let Some(job) = view.ready().chain(view.waiting()).next() {
            out.push(Decision::Drop { job: job.id });
        }
        Ok(())
    }
}

/// Drops the newest job as long as more are ready than accelerators are idle; what is left goes by another policy.
#[derive(Debug)]
struct DropsNewest(Box<dyn Policy>);

impl Policy for DropsNewest {
    fn decide(
        &mut self,
        view: &View<'_>,
        truth: Option<&Truth<'_>>,
        out: &mut Decisions,
    ) -> Result<(), PolicyError> {
        let newest = view.ready().filter(|job| !job.started).max_by_key(|job| job.sequence);
        match newest.filter(|_| view.ready().len() > view.free.len()) {
            Some(job) => out.push(Decision::Drop { job: job.id }),
            None => self.0.decide(view, truth, out)?,
        }
        Ok(())
    }
}

/// The key of `edf`.
#[derive(Clone, Debug)]
struct NearestDeadline;

impl Order for NearestDeadline {
    type Key = Time;

    fn key(&self, _: &View<'_>, _: Option<&Truth<'_>>, job: &Job) -> Time {
        job.deadline
    }
}

/// The policy that the clone is of, as readers are told of it.
const EDF: &str = "edf drop=never";
const SHAMS: [&str; 3] = ["drops-all", "drops-newest", "edf-clone"];

fn engine() -> Engine {
    let drops_all = PolicyRow::new("drops-all", Schema::default(), |_| Ok(Box::new(DropsAll)));
    let fcfs = PolicyRegistry::built_in().get("fcfs").unwrap().clone();
    let drops_newest = PolicyRow::new("drops-newest", Schema::default(), move |_| {
        Ok(Box::new(DropsNewest(fcfs.build(&fcfs.defaults())?)))
    });
    let clone = PolicyRow::new("edf-clone", Parts::schema(&[]), |parameters: &Parameters| {
        Ok(Composed::boxed(NearestDeadline, parameters))
    });
    let policies = [drops_all, drops_newest, clone].into_iter();
    let policies = policies.fold(PolicyRegistry::built_in().clone(), |known, row| known.with(row).unwrap());
    Engine::new(policies, CostModelRegistry::built_in().clone())
}

/// The shams beside real policies, those with the same drop rule included, under loads from light to hopeless.
const SWEEP: &str = r#"
description = "Do policies win that must not?"
runner = "engine"
scenarios = ["dream/ar_social", "dream/vr_gaming"]
platforms = ["dream/dual_4k_ws_os"]
load_factors = [1.0, 3.0]
seeds = { first = 1, count = 10 }
duration = "0.5s"

[[policy]]
name = "drops-all"

[[policy]]
name = "drops-newest"

[[policy]]
name = "edf-clone"

[[policy]]
name = "edf"

[[policy]]
name = "edf"
set = { drop = "infeasible" }

[[policy]]
name = "least-slack"
set = { drop = "infeasible" }

[[policy]]
name = "dream-full"

[[policy]]
name = "fcfs"
"#;

struct Outcome<'r> {
    results: &'r Results<'r>,
    names: Vec<String>,
    report: Report,
}

impl Outcome<'_> {
    fn place(&self, name: &str) -> usize {
        self.names
            .iter()
            .position(|known| known == name)
            .unwrap_or_else(|| panic!("{name} in {:?}", self.names))
    }

    /// Positions of the columns by which reports rank, with their names.
    fn judged(&self) -> Vec<(usize, &'static str, Better)> {
        let columns = self.results.plan().spec().cell_columns.iter().enumerate();
        let judged = columns.filter(|(_, column)| column.summarised);
        judged.filter_map(|(position, column)| Some((position, column.name, column.better?))).collect()
    }
}

#[test]
fn shams_lose_or_the_report_says_why_a_metric_is_not_enough() {
    let engine = engine();
    let read =
        read_source(&Source::new("sweep.toml", SWEEP), &[&engine]).unwrap_or_else(|error| panic!("{error}"));
    let results = in_memory(&read.plan).unwrap();
    let report = Report::new(&results, &Summary::of(&results), &read.figures);
    let outcome = Outcome { results: &results, names: short_names(&read.plan.axes().policies), report };
    shams_are_behind_where_reports_rank(&outcome);
    a_clone_ties_exactly(&outcome);
    a_win_by_leaving_work_undone_is_told(&outcome);
}

fn shams_are_behind_where_reports_rank(outcome: &Outcome<'_>) {
    let ranking = Ranking::of(outcome.results, 0, None).unwrap();
    for name in SHAMS {
        let place = outcome.place(name);
        let ranked = ranking.ranked.iter().find(|ranked| ranked.competitor == place).unwrap();
        assert!(matches!(ranked.verdict, Verdict::Behind(_)), "{name}: {ranked:?}");
    }
    // Who drops all is last of all.
    assert_eq!(ranking.ranked.last().unwrap().competitor, outcome.place("drops-all"));
    assert_eq!(ranking.ranked.last().unwrap().value, 1.0);
}

fn a_clone_ties_exactly(outcome: &Outcome<'_>) {
    let (clone, edf) = (outcome.place("edf-clone"), outcome.place(EDF));
    for (position, name, _) in outcome.judged() {
        let standings = Standings::of(outcome.results, Competitors::Policies, position).unwrap();
        assert!(standings.are_equal(clone, edf), "{name}");
    }
    // They share a rank, and no test tells them apart or has one ahead in any system.
    let table = |name: &str| &outcome.report.tables.iter().find(|table| table.name == name).unwrap().table;
    let ranking = table("ranking").to_csv();
    let rank = |policy: &str| {
        let row = ranking.lines().find(|line| line.split(',').nth(1) == Some(policy)).unwrap();
        row.split(',').next().unwrap().to_owned()
    };
    assert_eq!(rank("edf-clone"), rank(EDF), "{ranking}");
    let tests = table("significance_deadline_violation_rate").to_csv();
    let pair = tests.lines().find(|line| {
        line.starts_with(&format!("edf-clone,{EDF},")) || line.starts_with(&format!("{EDF},edf-clone,"))
    });
    let pair = pair.unwrap();
    assert!(pair.contains(",0 of 4,") && pair.ends_with(",no"), "{pair}");
}

fn a_win_by_leaving_work_undone_is_told(outcome: &Outcome<'_>) {
    let plan = outcome.results.plan();
    let completions = outcome.results.completions().unwrap();
    let completions = Standings::of(outcome.results, Competitors::Policies, completions).unwrap();
    let said = outcome.report.conclusion.join("\n");
    let mut won = Vec::new();
    for (position, name, _) in outcome.judged() {
        // Of some columns no run has a value.
        let Some(ranking) = Ranking::of(outcome.results, position, None) else { continue };
        let best = ranking.best().unwrap().competitor;
        let best_name = &outcome.names[best];
        if SHAMS[..2].contains(&best_name.as_str()) {
            won.push((best_name.as_str(), name));
            let label = plan.spec().cell_columns[position].label;
            let shown = if label.is_empty() { name.replace('_', " ") } else { label.to_owned() };
            let paragraph =
                said.lines().find(|line| line.starts_with(&format!("`{best_name}` is first by ")));
            let paragraph = paragraph.unwrap_or_else(|| panic!("nothing of {best_name} in: {said}"));
            assert!(paragraph.contains(&format!("{shown} (")), "{name} is not named: {paragraph}");
        }
    }
    // A product that is 0 when nothing runs is won by who runs nothing.
    assert!(won.contains(&("drops-all", "ux_cost")), "{won:?}");
    let of = |name: &str| completions.value(outcome.place(name)).unwrap();
    assert_eq!(of("drops-all"), 0.0);
    assert!(of("drops-newest") < of(EDF));
    insta::assert_snapshot!("sham_policies", said);
}
