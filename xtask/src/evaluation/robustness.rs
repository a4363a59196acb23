//! `cargo xtask evaluation robustness [SET]`: flip margins of the evaluations, for docs/evaluation/robustness.md.
//!
//! A set is a part of an evaluation that can be had a hundred times: all of its policies (of the sweep `frontier` the best few beside
//! `horizon`), some of its systems, one seed. It is a sweep
//! file with a table `[robust]` beside this module, so that `rtmm sweep FILE` does the same runs. Contests in means over the
//! systems, and on each of them, are written to `docs/evaluation/data/robustness_SET.csv`; what it took to
//! `robustness_sets.csv`. An axis of a set whose inputs have not changed since is run again
//! only where the set is named: code of policies is no input.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use rtmm_robust::request::{self, Request};
use rtmm_robust::{AxisOutcome, AxisRow, Contest, Outcome, Study, analyse};
use rtmm_runners::Runners;
use rtmm_runners::engine::Engine;
use rtmm_sweep::execute::Progress;
use rtmm_sweep::file;
use rtmm_sweep::plan::Plan;
use rtmm_workload::input::Source;

use super::{DATA, Problem};
use crate::project_root;

/// A part of an evaluation.
pub(crate) struct Set {
    /// Name in the command, and of the table.
    pub name: &'static str,
    /// Name for readers.
    pub title: &'static str,
    /// The sweep of the evaluation, whose policies it has.
    #[cfg(test)]
    sweep: &'static str,
    /// The sweep file.
    text: &'static str,
}

macro_rules! set {
    ($name:literal, $title:literal, $sweep:literal) => {
        Set {
            name: $name,
            title: $title,
            #[cfg(test)]
            sweep: $sweep,
            text: include_str!(concat!("robustness/", $name, ".toml")),
        }
    };
}

/// The sets, in the order of the page.
pub(crate) const SETS: [Set; 5] = [
    set!("dream", "DREAM", "dream"),
    set!("dysta", "Dysta", "dysta"),
    set!("moca", "MoCA", "moca"),
    set!("horizon", "horizon, corrected costs", "frontier"),
    set!("horizon_reference", "horizon, reference costs", "frontier"),
];

/// The table of what was run.
pub(crate) const RUNS: &str = "robustness_sets.csv";
/// Name in the column `place` of contests in means over all systems.
pub(crate) const MEAN: &str = "mean";
/// Part of the digest of inputs: to be raised when an analysis comes out otherwise with the same inputs.
const VERSION: u32 = 1;
/// Hexadecimal digits of a digest.
const DIGITS: usize = 16;

impl Set {
    /// The table of its contests.
    pub(crate) fn table(&self) -> String {
        format!("robustness_{}.csv", self.name)
    }

    /// True if it is the set of this name, or one of those whose names begin with it.
    fn is_named(&self, name: &str) -> bool {
        self.name.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
    }

    /// Hands over the plan and what is asked of it.
    pub(crate) fn with<T>(
        &self,
        take: impl FnOnce(&Plan<'_>, &Request) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        let source = Source::new(format!("xtask/src/evaluation/robustness/{}.toml", self.name), self.text);
        let runners = Runners::built_in();
        let runners = runners.list();
        let plan = file::plan_of(&source, &runners).map_err(|problems| problems.render(false))?;
        let request = request::of(&source, &plan).map_err(|problems| problems.render(false))?;
        take(&plan, &request.ok_or_else(|| format!("`{}` has no table `[robust]`", self.name))?)
    }
}

/// Digest of all that determines the outcome along an axis.
pub(crate) fn digest(plan: &Plan<'_>, study: &Study, axis: &AxisRow) -> String {
    let mut hasher = blake3::Hasher::new();
    let Study { seeds, metrics, draws, sizes, rounds, levels, spread, correlation, error_seed, .. } = study;
    let levels: Vec<u8> = levels.iter().map(|level| level.percent()).collect();
    let asked = format!(
        "{VERSION} {} {seeds:?} {metrics:?} {draws} {sizes:?} {rounds} {levels:?} {spread:?} {correlation} {error_seed}",
        axis.name
    );
    hasher.update(asked.as_bytes());
    for identity in plan.identities() {
        hasher.update(identity.bytes());
    }
    hasher.finalize().to_hex()[..DIGITS].to_owned()
}

/// Columns of [`RUNS`].
const RUNS_HEADER: [&str; 8] =
    ["set", "axis", "inputs", "sizes_percent", "draws", "runs_per_policy", "runs", "processor_seconds"];
/// Columns of a set's table.
const HEADER: [&str; 10] = [
    "axis",
    "place",
    "metric",
    "better",
    "than",
    "better_value",
    "than_value",
    "wins",
    "holds_percent",
    "flips_percent",
];

/// Runs what is missing of all sets, or all of the sets of a name.
pub(crate) fn run(only: Option<&str>) -> Result<(), Problem> {
    let data = project_root().join(DATA);
    std::fs::create_dir_all(&data)?;
    for set in SETS.iter().filter(|set| only.is_none_or(|only| set.is_named(only))) {
        set.with(|plan, request| run_set(set, plan, request, &data, only.is_some()))?;
    }
    Ok(())
}

/// Runs the axes of a set; those that are there are run again only where all of it is asked for.
fn run_set(set: &Set, plan: &Plan<'_>, request: &Request, data: &Path, again: bool) -> Result<(), Problem> {
    for axis in &request.axes {
        let inputs = digest(plan, &request.study, axis);
        let runs = rows(&data.join(RUNS))?;
        let is_own = |row: &Vec<String>| row[0] == set.name && row[1] == axis.name;
        let contests = rows(&data.join(set.table()))?;
        let is_there = contests.iter().any(|row| row[0] == axis.name);
        if !again && is_there && runs.iter().any(|row| is_own(row) && row[2] == inputs) {
            println!("{}, {}: there already", set.name, axis.name);
            continue;
        }
        println!("{}, {}", set.name, axis.name);
        let (before, done) = (processor_seconds(), Runs::default());
        let outcome = analyse(Engine::built_in(), &request.study, &[*axis], &done)?;
        let found = outcome.axes.first().ok_or("an analysis along an axis has its outcome")?;
        let taken = processor_seconds().zip(before).map(|(after, before)| after - before);
        let sizes: Vec<String> = found.sizes.iter().map(ToString::to_string).collect();
        // What another set has written meanwhile is kept.
        let mut runs = rows(&data.join(RUNS))?;
        let mut contests = rows(&data.join(set.table()))?;
        runs.retain(|row| !is_own(row));
        runs.push(vec![
            set.name.to_owned(),
            axis.name.to_owned(),
            inputs,
            sizes.join(" "),
            outcome.draws.to_string(),
            found.runs_per_policy.to_string(),
            done.0.into_inner().to_string(),
            taken.map_or_else(String::new, |seconds| format!("{seconds:.1}")),
        ]);
        let place = |row: &[String]| SETS.iter().position(|set| set.name == row[0]);
        runs.sort_by(|one, other| (place(one), &one[1]).cmp(&(place(other), &other[1])));
        contests.retain(|row| row[0] != axis.name);
        contests.extend(of_axis(&outcome, found));
        contests.sort_by(|one, other| one[0].cmp(&other[0]));
        // Contests first: rows of runs say that they are there.
        write(&data.join(set.table()), &HEADER, &contests)?;
        write(&data.join(RUNS), &RUNS_HEADER, &runs)?;
    }
    Ok(())
}

/// The rows of a table without its header; none where there is no table yet.
pub(crate) fn rows(path: &Path) -> Result<Vec<Vec<String>>, Problem> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let mut reader = csv::Reader::from_path(path)?;
    let records: Result<Vec<csv::StringRecord>, csv::Error> = reader.records().collect();
    Ok(records?.iter().map(|record| record.iter().map(str::to_owned).collect()).collect())
}

fn write(path: &Path, header: &[&str], rows: &[Vec<String>]) -> Result<(), Problem> {
    let mut writer = csv::Writer::from_path(path)?;
    writer.write_record(header)?;
    for row in rows {
        writer.write_record(row)?;
    }
    writer.flush()?;
    Ok(())
}

/// The contests along an axis: in means, and at each place.
fn of_axis(outcome: &Outcome, found: &AxisOutcome) -> Vec<Vec<String>> {
    let mut rows = of_place(outcome, found.axis.name, MEAN, &found.contests);
    for (name, contests) in outcome.places.iter().zip(&found.by_place) {
        rows.extend(of_place(outcome, found.axis.name, name, contests));
    }
    rows
}

fn of_place(outcome: &Outcome, axis: &str, place: &str, contests: &[Contest]) -> Vec<Vec<String>> {
    let number = |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.6e}"));
    let row = |contest: &Contest| {
        let wins: Vec<String> = contest.points.iter().map(|point| point.wins.to_string()).collect();
        let margin = contest.margins.first();
        vec![
            axis.to_owned(),
            place.to_owned(),
            outcome.metrics[contest.metric].column.name.to_owned(),
            outcome.policies[contest.winner].clone(),
            outcome.policies[contest.loser].clone(),
            number(contest.values[0]),
            number(contest.values[1]),
            if contest.is_tied { String::new() } else { wins.join(" ") },
            margin.map_or_else(String::new, |margin| margin.holds.to_string()),
            margin.and_then(|margin| margin.flips).map_or_else(String::new, |flips| flips.to_string()),
        ]
    };
    contests.iter().map(row).collect()
}

/// Observer of an analysis that counts its runs.
#[derive(Default)]
struct Runs(AtomicUsize);

impl Progress for Runs {
    fn begin(&self, _total: usize, _reused: usize) {}

    fn advance(&self, cells: usize) {
        self.0.fetch_add(cells, Ordering::Relaxed);
    }
}

/// Ticks of processor time in a second, as Linux counts them for programs.
const TICKS: f64 = 100.0;

/// Processor time of all threads of this process in seconds; none where the system does not say.
fn processor_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // Fields are counted behind the name, which may have any characters: of user code and of the system.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<f64>().ok();
    Some((ticks()? + ticks()?) / TICKS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(study: &Study) -> Vec<String> {
        study.sizes.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_set_has_the_policies_of_its_evaluation_and_costs_no_more_than_a_hundred_runs() {
        for set in &SETS {
            set.with(|plan, request| {
                let runners = Runners::built_in();
                let runners = runners.list();
                let evaluation =
                    file::plan(set.sweep, &runners).map_err(|problems| problems.render(false))?;
                let (policies, all) = (&plan.axes().policies, &evaluation.axes().policies);
                if set.sweep == "frontier" {
                    assert!(policies.iter().all(|policy| all.contains(policy)), "{}: {policies:?}", set.name);
                    assert!(policies.iter().any(|policy| policy.name == "horizon"), "{}", set.name);
                } else {
                    assert_eq!(policies, all, "{}", set.name);
                }
                let worlds = u64::from(request.study.draws) * sizes(&request.study).len() as u64;
                assert!(request.study.rounds == 0 && worlds < 100, "{}: {worlds}", set.name);
                for size in ["10", "20", "50"] {
                    assert!(sizes(&request.study).iter().any(|known| known == size), "{}: {size}", set.name);
                }
                Ok(())
            })
            .unwrap();
        }
    }

    #[test]
    fn digests_depend_on_what_is_asked() {
        let digests = SETS[1].with(|plan, request| {
            let axes = Study::axes(&["costs", "estimates"])?;
            let mut study = request.study.clone();
            let first = digest(plan, &study, &axes[0]);
            assert_eq!(first, digest(plan, &study, &axes[0]));
            let other_axis = digest(plan, &study, &axes[1]);
            study.draws += 1;
            Ok([first, other_axis, digest(plan, &study, &axes[0])])
        });
        let [first, other_axis, other_draws] = digests.unwrap();
        assert!(first != other_axis && first != other_draws && other_axis != other_draws);
        assert_eq!(first.len(), DIGITS);
    }

    #[test]
    fn processor_time_grows() {
        let Some(before) = processor_seconds() else { return };
        let mut sum = 0_u64;
        while processor_seconds().is_some_and(|now| now <= before) {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        assert!(processor_seconds() > Some(before) && sum > 0);
    }
}
