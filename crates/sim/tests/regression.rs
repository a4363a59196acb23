//! Results of every policy on every built-in workload.
//!
//! Of every policy on a workload the digest is kept, in `regression_digests.csv`: another policy adds lines and changes
//! none. Of some workloads a person can read what some policies
//! make of them, in snapshots. A changed number is a changed result. Look at the difference, say in the commit why the
//! new numbers are right, and accept it: run the test with `INSTA_UPDATE=always`.
//!
//! Costs are computed once a platform, for the models of all workloads together. Runs are short and
//! the tables integer, so that they can be read. Workloads of long networks run on fewer platforms.

#![expect(clippy::expect_used, reason = "tests fail by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use rtmm_hardware::{CostTable, Mode, Platform};
use rtmm_scheduler::{PolicyRegistry, PolicyRow};
use rtmm_sim::metrics::JobCounts;
use rtmm_sim::{Metrics, MetricsOptions, RunOptions, Summary, System};
use rtmm_testkit::digests::assert_digests;
use rtmm_testkit::simulate;
use rtmm_workload::load::{Kind, built_in_names};
use rtmm_workload::{Duration, Legality, Model, ModelId, Scenario, Workload};

/// On what a workload runs, and for how long.
struct Grid {
    platforms: &'static [&'static str],
    /// Loads, each with a duration in milliseconds. Rates as published, with which most deadlines are kept
    /// whatever the policy; and six times as high, which is too much for most of the platforms.
    loads: [(u64, u64); 2],
}

/// With one, two and four accelerators, and with memory that four share.
const GRID: Grid = Grid {
    platforms: &[
        "xrbench/single_4k_ws",
        "xrbench/dual_4k_ws_os",
        "xrbench/quad_4k_ws_os_ws_os",
        "shared/quad_4k_ws_os_ws_os",
    ],
    loads: [(1, 350), (6, 350)],
};

/// For `dream/*`: long networks at high rates, of which all of the grid above would take longer than all other
/// workloads together. One platform of the same evaluation, on which a switch has a cost, and shared memory; the
/// high load for a shorter time, which has nearly twice as many frames even so.
const DREAM: Grid =
    Grid { platforms: &["dream/dual_4k_ws_os", "shared/quad_4k_ws_os_ws_os"], loads: [(1, 350), (6, 100)] };

/// For `phone/*`, whose tasks are pinned to kinds of accelerators that other platforms do not have: unlike ones, which do not run
/// every layer.
const PHONE: Grid = Grid { platforms: &["phone/four_unlike"], loads: [(1, 350), (3, 350)] };

/// For `gpu/*`: the devices that networks were measured on, or that are synthetic.
const GPUS: [(&str, Grid); 3] = [
    ("gpu/v100", Grid { platforms: &["gpu/v100"], loads: [(1, 350), (3, 350)] }),
    ("gpu/a100", Grid { platforms: &["gpu/a100"], loads: [(1, 350), (3, 350)] }),
    ("gpu/l4", Grid { platforms: &["gpu/l4"], loads: [(1, 350), (3, 350)] }),
];

impl Grid {
    fn of(scenario: &Scenario) -> &'static Self {
        if let Some((_, grid)) = GPUS.iter().find(|(name, _)| scenario.name.starts_with(name)) {
            return grid;
        }
        match scenario.name.split('/').next() {
            Some("dream") => &DREAM,
            Some("phone") => &PHONE,
            _ => &GRID,
        }
    }
}

/// Workloads with a snapshot of the runs under [`READ_POLICIES`].
const READ_WORKLOADS: [&str; 4] = ["dream/ar_social", "dysta/mixed", "examples/hub", "xrbench/vr_gaming"];
/// One policy a kind: a new policy changes digests alone.
const READ_POLICIES: [&str; 6] = ["fcfs", "edf", "least-slack", "sjf", "dysta", "dream-full"];

/// Workloads of more tasks have a column of all jobs, and none a task.
const MAX_TASKS: usize = 12;

fn run(system: &System, row: &PolicyRow) -> Summary {
    let policy = row.build(&row.defaults()).expect("its own defaults");
    let metrics = Metrics::new(system, MetricsOptions::default());
    let options = RunOptions { oracle: row.oracle, ..RunOptions::default() };
    simulate(system, &row.name, policy, metrics, options).expect("only legal decisions").summary()
}

/// Jobs, and what became of them.
fn counts(jobs: &JobCounts) -> String {
    format!("{}={}/{}/{}/{}", jobs.released, jobs.on_time, jobs.late, jobs.dropped, jobs.in_flight)
}

/// Everything of a run that a row says.
fn cells(summary: &Summary) -> Vec<String> {
    let segments: u64 = summary.accelerators.iter().map(|of| of.segments).sum();
    let microjoules = summary.energy.energy_pj / 1e6;
    let last_us = summary.makespan_ms.unwrap_or(0.0) * 1e3;
    let mut cells = vec![
        summary.jobs.violated().to_string(),
        segments.to_string(),
        format!("{microjoules:.0}"),
        format!("{last_us:.0}"),
    ];
    if summary.tasks.len() <= MAX_TASKS {
        cells.extend(summary.tasks.iter().map(|task| counts(&task.jobs)));
    } else {
        cells.push(counts(&summary.jobs));
    }
    cells
}

/// Columns as wide as they must be, numbers to the right.
fn table(rows: &[Vec<String>]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..rows[0].len()).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (position, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let _ = match position {
                0 => write!(line, "{cell:width$}"),
                _ => write!(line, "  {cell:>width$}"),
            };
        }
        text += line.trim_end();
        text.push('\n');
    }
    text
}

/// The workload with its tasks' models as positions in a list of models that has them.
fn with_models(workload: &Workload, all: &[Model]) -> Scenario {
    let find = |id: ModelId| {
        let name = &workload.models[id.index()].name;
        ModelId::new(all.iter().position(|model| model.name == *name).expect("listed before"))
    };
    let mut scenario = workload.scenario.clone();
    for task in &mut scenario.tasks {
        task.model = find(task.model);
        for variant in &mut task.variants {
            *variant = find(*variant);
        }
    }
    scenario
}

/// A platform with what all models cost that run there.
struct Device {
    platform: Arc<Platform>,
    models: Arc<[Model]>,
    costs: Arc<CostTable>,
}

/// All platforms.
struct Costs {
    platforms: BTreeMap<&'static str, Device>,
}

impl Costs {
    fn of(workloads: &[Workload]) -> Self {
        let named = |is_on_gpu: bool| -> Arc<[Model]> {
            let of = workloads.iter().filter(|of| of.scenario.name.starts_with("gpu/") == is_on_gpu);
            let models = of.flat_map(|workload| &workload.models);
            let by_name: BTreeMap<&str, &Model> = models.map(|model| (model.name.as_str(), model)).collect();
            by_name.into_values().cloned().collect()
        };
        // What was measured on one device has no cost on another.
        let (others, on_gpus) = (named(false), named(true));
        let of_device = |name: &str| -> Arc<[Model]> {
            on_gpus.iter().filter(|model| model.name.starts_with(name)).cloned().collect()
        };
        let grids = [GRID, DREAM, PHONE].iter().chain(GPUS.iter().map(|(_, grid)| grid));
        let names: BTreeSet<&str> = grids.flat_map(|grid| grid.platforms).copied().collect();
        let with_costs = |name: &'static str| {
            let platform =
                rtmm_hardware::load::platform(name, None, Mode::Corrected).expect("a built-in platform");
            let is_gpu = GPUS.iter().any(|(device, _)| *device == name);
            let models = if is_gpu { of_device(name) } else { Arc::clone(&others) };
            let costs = CostTable::new(&platform, &models).expect("every layer has a cost");
            (name, Device { platform: Arc::new(platform), models, costs: Arc::new(costs) })
        };
        Self { platforms: names.into_iter().map(with_costs).collect() }
    }

    /// What every policy makes of a scenario.
    fn tables(&self, workload: &Workload) -> Tables {
        let scenario = &workload.scenario;
        let mut tasks: Vec<&str> = scenario.tasks.iter().map(|task| task.name.as_str()).collect();
        if tasks.len() > MAX_TASKS {
            tasks = vec!["all"];
        }
        let grid = Grid::of(scenario);
        let heads = ["policy", "violated", "segments", "energy_uj", "last_us"];
        let head: Vec<String> = heads.into_iter().chain(tasks).map(str::to_owned).collect();
        let read = String::from("jobs of a task: released=on time/late/dropped/in flight\n");
        let mut tables = Tables { name: scenario.name.clone(), of_policies: BTreeMap::new(), read };
        for (load, milliseconds) in grid.loads {
            let mut scenario = scenario.clone().scaled(load * 1_000_000).expect("a period");
            scenario.duration = Duration::from_milliseconds(milliseconds).expect("not too long");
            let of_load = Workload { scenario, models: workload.models.clone() };
            let mut distinct = BTreeSet::new();
            for name in grid.platforms {
                let Device { platform, models, costs } = &self.platforms[name];
                let own = with_models(&of_load, models);
                let system =
                    System::with_costs(&own, Arc::clone(models), Arc::clone(platform), Arc::clone(costs))
                        .expect("no task is pinned");
                let title = format!("load {load} on {name}");
                let mut rows = vec![head.clone()];
                for row in PolicyRegistry::built_in() {
                    let cells = cells(&run(&system, row));
                    let of_policy = tables.of_policies.entry(row.name.to_string()).or_default();
                    let _ = writeln!(of_policy, "{title}\n{}\n{}", head[1..].join(","), cells.join(","));
                    distinct.insert(cells.clone());
                    rows.push([vec![row.name.to_string()], cells].concat());
                }
                rows.retain(|row| row[0] == head[0] || READ_POLICIES.contains(&row[0].as_str()));
                let _ = write!(tables.read, "\n{title}\n{}", table(&rows));
            }
            // A table that says the same of all policies would guard nothing.
            let are_alike = distinct.len() <= grid.platforms.len();
            assert!(!are_alike, "{} at load {load}: policies are alike", tables.name);
        }
        tables
    }
}

/// The tables of a workload.
struct Tables {
    name: String,
    /// By policy: its row at each load on each platform, so that another policy changes no text but its own.
    of_policies: BTreeMap<String, String>,
    /// The rows of [`READ_POLICIES`] in all of them.
    read: String,
}

#[test]
fn built_in_workloads_under_every_policy() {
    let workloads: Vec<Workload> = built_in_names(Kind::Scenario)
        .iter()
        .map(|name| rtmm_workload::load::workload(name, None, Legality::Strict).expect("a built-in workload"))
        .collect();
    let costs = Costs::of(&workloads);
    // A thread each: runs are independent, and this is most of what the tests of this crate take.
    let tables: Vec<Tables> = std::thread::scope(|scope| {
        let costs = &costs;
        let tables = |workload| scope.spawn(move || costs.tables(workload));
        let threads: Vec<_> = workloads.iter().map(tables).collect();
        threads.into_iter().map(|thread| thread.join().expect("tables")).collect()
    });
    let read = tables.iter().filter(|tables| READ_WORKLOADS.contains(&tables.name.as_str()));
    for Tables { name, read, .. } in read {
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(name.replace('/', "_"), read);
        });
    }
    let of_workload = |Tables { name, of_policies, .. }: Tables| {
        of_policies.into_iter().map(move |(policy, text)| (format!("{policy} on {name}"), text))
    };
    let all: Vec<(String, String)> = tables.into_iter().flat_map(of_workload).collect();
    assert_digests(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/regression_digests.csv")), &all);
}
