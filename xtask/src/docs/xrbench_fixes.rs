//! Effect of each fix of the XRBench artifact on its scores.

use std::collections::BTreeMap;

use rtmm_hardware::{Configuration, ConfigurationId, Mode, Platform, load as hardware};
use rtmm_reference::xrbench::{CostMatrix, FIXES, Fixes, Parameters, Runtime, TaskCosts};
use rtmm_sim::metrics::XrbenchConstants;
use rtmm_workload::input::{Diagnostics, Source};
use rtmm_workload::load::{Kind, built_in_names, open, workload};
use rtmm_workload::{Legality, Model, ModelId, Scenario, TaskId, Workload};

use super::engine::{Engine, SCENARIOS, mean};
use super::{Problem, spread, table};

/// The smallest difference of scores that counts as a change, in points: less can come from adding
/// 32-bit numbers in another order.
const CHANGE: f64 = 1e-3;
/// The most frames with uncertain triggers whose outcomes are enumerated.
const MAX_UNCERTAIN: usize = 12;

/// Where layer costs come from.
#[derive(Clone, Copy)]
enum Costs {
    /// The reference mode of `maestro`.
    Artifact,
    /// The corrected mode, with an off-chip memory of no cost and buffers that hold everything.
    WithoutOffChip,
    /// The corrected mode, off-chip memory and all.
    Corrected,
}

/// A line of the tables: a way to score every scenario on every platform.
struct Line {
    label: String,
    /// Scenario-major, the platforms of a scenario in the order of their names.
    scores: Vec<f64>,
}

/// The two tables.
pub(super) fn part() -> Result<String, Problem> {
    let artifact = Evaluation::new(Costs::Artifact)?;
    let mut lines = vec![artifact.line("the artifact", Fixes::default())?];
    for row in FIXES {
        lines.push(artifact.line(&format!("{} ({})", row.name, row.quirk), Fixes::only(row))?);
    }
    lines.push(artifact.line("all runtime fixes", Fixes::all())?);
    let without = Evaluation::new(Costs::WithoutOffChip)?;
    lines.push(without.line("corrected costs without off-chip memory (1, 2, 4, 5)", Fixes::default())?);
    let corrected = Evaluation::new(Costs::Corrected)?;
    lines.push(corrected.line("corrected costs (1 to 5)", Fixes::default())?);
    lines.push(corrected.line("all fixes", Fixes::all())?);
    let engine = Engine::new()?;
    let once = XrbenchConstants { drops_count_twice: false, ..XrbenchConstants::default() };
    lines.push(Line {
        label: "engine, dropped jobs count once".to_owned(),
        scores: engine.latency_greedy(once)?,
    });
    let constants = XrbenchConstants::default();
    lines.push(Line { label: "engine (default mode)".to_owned(), scores: engine.latency_greedy(constants)? });
    let Some((baseline, others)) = lines.split_first() else {
        return Err("there are no lines".into());
    };
    let [.., all_fixes, once, _] = lines.as_slice() else {
        return Err("there are too few lines".into());
    };
    let apart = all_fixes.scores.iter().zip(&once.scores).map(|(one, other)| (one - other).abs());
    let (largest, median) = spread(&mut apart.collect::<Vec<f64>>());
    Ok(format!(
        "{}\n{}\nScores of *{}* and *{}*: {} compared, largest difference {largest:.1e} points, median {median:.1e}.\n",
        means(baseline, others, artifact.platforms.len()),
        changes(baseline, others, &artifact.platforms),
        all_fixes.label,
        once.label,
        once.scores.len(),
    ))
}

/// The fixes, one by one, in words.
pub(super) fn list() -> String {
    let row = |row: &rtmm_reference::xrbench::FixRow| {
        vec![format!("`{}`", row.name), row.quirk.to_string(), row.artifact.to_owned(), row.fixed.to_owned()]
    };
    let rows: Vec<Vec<String>> = FIXES.iter().map(row).collect();
    table(&["fix", "quirk", "the artifact", "with the fix"], &rows)
}

/// Means over the platforms, the first line in percent and the others as differences from it.
fn means(baseline: &Line, others: &[Line], platforms: usize) -> String {
    let of = |line: &Line| -> Vec<f64> { line.scores.chunks(platforms).map(mean).collect() };
    let from = of(baseline);
    let mut rows = Vec::new();
    let mut push = |label: &str, values: &[f64], signed: bool| {
        let mut row = vec![label.to_owned()];
        for value in values.iter().copied().chain([mean(values)]) {
            row.push(if signed { difference(value) } else { format!("{value:.2}") });
        }
        rows.push(row);
    };
    push(&baseline.label, &from, false);
    for line in others {
        let changes: Vec<f64> = of(line).iter().zip(&from).map(|(value, from)| value - from).collect();
        push(&line.label, &changes, true);
    }
    for line in &others[others.len().saturating_sub(3)..] {
        push(&format!("{}, the score itself", line.label), &of(line), false);
    }
    let mut header = vec!["overall score (points of difference)"];
    header.extend(SCENARIOS.map(|(_, short)| short));
    header.push("mean");
    table(&header, &rows)
}

/// On how many pairs each line differs from the first, and where most.
fn changes(baseline: &Line, others: &[Line], platforms: &[Platform]) -> String {
    let place = |pair: usize| {
        let platform = platforms[pair % platforms.len()].name.trim_start_matches("xrbench/");
        format!("{}, `{platform}`", SCENARIOS[pair / platforms.len()].1)
    };
    let rows = others.iter().map(|line| {
        let changes: Vec<f64> =
            line.scores.iter().zip(&baseline.scores).map(|(score, from)| score - from).collect();
        let count = |holds: fn(f64) -> bool| changes.iter().filter(|change| holds(**change)).count();
        let extreme = |sign: f64| {
            let most =
                changes.iter().enumerate().max_by(|one, other| (sign * one.1).total_cmp(&(sign * other.1)));
            match most {
                Some((pair, change)) if sign * change >= CHANGE => [difference(*change), place(pair)],
                _ => ["-".to_owned(), "-".to_owned()],
            }
        };
        let mut row = vec![
            line.label.clone(),
            count(|change| change >= CHANGE).to_string(),
            count(|change| change <= -CHANGE).to_string(),
        ];
        row.extend(extreme(1.0));
        row.extend(extreme(-1.0));
        row
    });
    let pairs = format!("of {} pairs", baseline.scores.len());
    let header = [&pairs, "higher", "lower", "largest gain", "where", "largest loss", "where"];
    table(&header, &rows.collect::<Vec<_>>())
}

fn difference(value: f64) -> String {
    let text = format!("{value:+.2}");
    // A zero has no sign, and what is rounded to it is not zero.
    match text.as_str() {
        "+0.00" | "-0.00" if value.abs() < CHANGE => "0".to_owned(),
        "+0.00" | "-0.00" => format!("{value:+.3}"),
        _ => text,
    }
}

/// All scenarios and platforms with costs of one kind, each model costed once a configuration.
struct Evaluation {
    workloads: Vec<Workload>,
    platforms: Vec<Platform>,
    /// Scenario-major.
    costs: Vec<TaskCosts>,
}

impl Evaluation {
    fn new(kind: Costs) -> Result<Self, Problem> {
        let legality = match kind {
            Costs::Artifact => Legality::Published,
            Costs::WithoutOffChip | Costs::Corrected => Legality::Strict,
        };
        let workloads: Vec<Workload> =
            SCENARIOS.iter().map(|(name, _)| workload(name, None, legality)).collect::<Result<_, _>>()?;
        let names = built_in_names(Kind::Platform);
        let names = names.iter().filter(|name| name.starts_with("xrbench/"));
        let platforms: Vec<Platform> = names.map(|name| platform(name, kind)).collect::<Result<_, _>>()?;

        let mut models: BTreeMap<&str, &Model> = BTreeMap::new();
        for model in workloads.iter().flat_map(|workload| &workload.models) {
            models.insert(&model.name, model);
        }
        let mut configurations: BTreeMap<String, &Configuration> = BTreeMap::new();
        for configuration in platforms.iter().flat_map(|platform| &platform.configurations) {
            configurations.insert(configuration.identity(), configuration);
        }
        let rows: Vec<&Model> = models.values().copied().collect();
        let columns: Vec<&Configuration> = configurations.values().copied().collect();
        let matrix = match kind {
            Costs::Artifact => CostMatrix::new(&rows, &columns)?,
            Costs::WithoutOffChip | Costs::Corrected => CostMatrix::corrected(&rows, &columns)?,
        };
        let row_of: BTreeMap<&str, usize> =
            models.keys().enumerate().map(|(row, name)| (*name, row)).collect();
        let column_of: BTreeMap<&str, usize> =
            configurations.keys().enumerate().map(|(column, identity)| (identity.as_str(), column)).collect();

        let mut costs = Vec::new();
        for workload in &workloads {
            for platform in &platforms {
                let (tasks, accelerators) = (&workload.scenario.tasks, &platform.accelerators);
                costs.push(TaskCosts::from_fn(tasks.len(), accelerators.len(), |task, accelerator| {
                    let model = &workload.models[tasks[task.index()].model.index()];
                    let configuration = accelerators[accelerator.index()].configuration;
                    let identity = platform.configurations[configuration.index()].identity();
                    matrix.cost(
                        ModelId::new(row_of[model.name.as_str()]),
                        ConfigurationId::new(column_of[identity.as_str()]),
                    )
                }));
            }
        }
        Ok(Self { workloads, platforms, costs })
    }

    fn line(&self, label: &str, fixes: Fixes) -> Result<Line, Problem> {
        let mut scores = Vec::with_capacity(self.costs.len());
        for (workload, costs) in self.workloads.iter().zip(self.costs.chunks(self.platforms.len())) {
            for costs in costs {
                let runtime = Runtime::with_fixes(&workload.scenario, costs, &Parameters::default(), fixes)?;
                scores.push(expected_score(&workload.scenario, &runtime)?);
            }
        }
        Ok(Line { label: label.to_owned(), scores })
    }
}

/// A platform with costs of one kind.
fn platform(name: &str, kind: Costs) -> Result<Platform, Problem> {
    let mode = match kind {
        Costs::Artifact => Mode::Reference,
        Costs::Corrected => Mode::Corrected,
        Costs::WithoutOffChip => {
            let memory = ["dram_bandwidth", "l2_bytes", "l1_bytes"];
            let mut text = String::new();
            for line in open(Kind::Platform, name, None).map_err(Diagnostics::from)?.text().lines() {
                // Every accelerator has a bandwidth, in the place of which its energy is set.
                if line.starts_with("dram_bandwidth") {
                    text.push_str("dram_pj = 0\n");
                } else if !memory.iter().any(|key| line.starts_with(key)) {
                    text.push_str(line);
                    text.push('\n');
                }
            }
            return Ok(hardware::platform_of(&Source::new(name, text), Mode::Corrected)?);
        }
    };
    Ok(hardware::platform(name, None, mode)?)
}

/// The overall score in the mean over all outcomes of uncertain triggers, each with its
/// probability: exact, where a mean over seeds would vary with the seeds, and by more than some
/// fixes change.
fn expected_score(scenario: &Scenario, runtime: &Runtime) -> Result<f64, Problem> {
    let certain = runtime.run_where(|_, _| true, |_| {});
    let mut uncertain: Vec<(TaskId, u32, f64)> = Vec::new();
    for task in &certain.tasks {
        let probability = scenario.tasks[task.task.index()].trigger_probability;
        if probability < 1.0 {
            uncertain.extend((0..task.generated).map(|frame| (task.task, frame, probability)));
        }
    }
    if uncertain.is_empty() {
        return Ok(certain.overall_score.into());
    }
    if uncertain.len() > MAX_UNCERTAIN {
        return Err(format!("{} has too many uncertain frames to enumerate", scenario.name).into());
    }
    let mut expected = 0.0;
    for held in 0..1_u32 << uncertain.len() {
        let holds = |index: usize| held >> index & 1 == 1;
        let weights = uncertain.iter().enumerate();
        let weight: f64 = weights.map(|(index, (_, _, p))| if holds(index) { *p } else { 1.0 - p }).product();
        let triggered = |task, frame| {
            let index = uncertain.iter().position(|known| (known.0, known.1) == (task, frame));
            index.is_none_or(holds)
        };
        expected += weight * f64::from(runtime.run_where(triggered, |_| {}).overall_score);
    }
    Ok(expected)
}
