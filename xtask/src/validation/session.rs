//! A folder of measurements: the profile of models on one machine, and what a real dispatcher made of scenarios there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::Problem;
use super::statistics::{median, quantile};
use super::table::{Row, Table};

/// Task of a row that is about the jobs of all tasks.
pub(super) const ALL: &str = "all";

/// Measurements of one machine.
pub(super) struct Session {
    /// The name of its folder.
    pub(super) name: String,
    folder: PathBuf,
    /// Description of the machine and of the protocol: keys with their values.
    pub(super) machine: Vec<(String, String)>,
    /// Models, with where they are from.
    pub(super) models: Vec<Model>,
    /// Slowdowns of pairs.
    pub(super) pairs: Vec<Pair>,
    /// Scenarios at a load under a policy, in the order in which they were chosen.
    pub(super) cells: Vec<Cell>,
}

/// A model with its execution times, in microseconds.
pub(super) struct Model {
    pub(super) name: String,
    /// Package, version, file and input.
    pub(super) origin: [String; 4],
    /// Median in a loop of the model alone.
    pub(super) tight_us: f64,
    /// Median among all models in random order, the other core idle.
    pub(super) interleaved_us: f64,
    /// The same while the other core does likewise.
    pub(super) both_us: f64,
    /// Quantiles of the runs of that median, as cost tables state times that vary: see [`varying`].
    pub(super) both_quantiles_us: [f64; 5],
}

/// Quantiles for a table of times that vary: least, median, 90th and 99th percentile, and in the place of the greatest the time
/// with which the slowest hundredth has the mean that was measured. Between quantiles times are taken as spread evenly; up to
/// one run that took five times as long as all others, they are not.
fn varying(samples: &[f64]) -> [f64; 5] {
    let part = |part| quantile(samples, part).unwrap_or_default();
    let highest = part(0.99);
    let slowest: Vec<f64> = samples.iter().copied().filter(|sample| *sample >= highest).collect();
    let mean = slowest.iter().sum::<f64>() / slowest.len().max(1) as f64;
    [part(0.0), part(0.5), part(0.9), highest, (2.0 * mean - highest).max(highest)]
}

/// A model that was run beside another one.
pub(super) struct Pair {
    pub(super) model: String,
    pub(super) other: String,
    /// Median beside the other over median alone.
    pub(super) slowdown: f64,
}

/// A scenario at a load under a policy.
pub(super) struct Cell {
    pub(super) scenario: String,
    /// Part of both cores that the scenario asks for, as files spell it.
    pub(super) load: String,
    pub(super) policy: String,
    /// Change of the simulated miss rate over 2 % of execution time either way, in points, as known before measuring.
    pub(super) sensitivity: f64,
    /// Runs, also those that were disturbed.
    pub(super) runs: Vec<Run>,
}

/// A run of a cell on the machine.
pub(super) struct Run {
    pub(super) is_disturbed: bool,
    /// Execution times of its models over those of the profile, as one ratio; none where that was not recorded.
    pub(super) common_mode: Option<f64>,
    /// In the order of the scenario, then [`ALL`].
    pub(super) tasks: Vec<TaskFigures>,
}

/// Figures of a task in a run.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct TaskFigures {
    pub(super) task: String,
    pub(super) jobs: f64,
    /// Part of the jobs that were late or dropped.
    pub(super) miss_rate: f64,
    /// Response times of completed jobs in milliseconds: 50th, 95th and 99th percentile by nearest rank.
    pub(super) percentiles_ms: [Option<f64>; 3],
}

impl Session {
    /// Reads a folder of measurements.
    ///
    /// # Errors
    /// The first problem, with its file and line.
    pub(super) fn read(folder: &Path) -> Result<Self, Problem> {
        let of = |name: &str| Table::read(&folder.join(name));
        let machine = pairs_of(&of("machine.csv")?)?;
        let models = models(folder)?;
        let pairs = of("pairs.csv")?.rows().map(pair).collect::<Result<Vec<_>, _>>()?;
        if let Some(unknown) = pairs.iter().find(|pair| models.iter().all(|model| model.name != pair.model)) {
            return Err(format!("{}: no model `{}` in models.csv", folder.display(), unknown.model).into());
        }
        let mut cells = of("cells.csv")?.rows().map(cell).collect::<Result<Vec<_>, _>>()?;
        runs(&of("runs.csv")?, &mut cells)?;
        cells.retain(|cell| cell.clean().next().is_some());
        if cells.is_empty() {
            return Err(format!(
                "{}: no cell of cells.csv has a run in runs.csv that was not disturbed: measure again",
                folder.display()
            )
            .into());
        }
        let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(Self { name, folder: folder.to_owned(), machine, models, pairs, cells })
    }

    /// A fact of the machine.
    pub(super) fn fact(&self, key: &str) -> Option<&str> {
        self.machine.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }

    /// Time from the end of a job, or from a release, to the start of the next one: the median of all starts.
    ///
    /// # Errors
    /// A problem where the description lacks it.
    pub(super) fn overhead_us(&self) -> Result<f64, Problem> {
        let text = self.fact("decision_base_us").ok_or("machine.csv lacks `decision_base_us`")?;
        let number = text.parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0);
        number
            .ok_or_else(|| format!("machine.csv: `decision_base_us` is `{text}`, and no time from 0").into())
    }

    /// The scenario file of a cell.
    pub(super) fn scenario_of(&self, cell: &Cell) -> PathBuf {
        self.folder.join("cases").join(format!("{}_{}.toml", cell.scenario, cell.load))
    }
}

impl Cell {
    /// The runs that count.
    pub(super) fn clean(&self) -> impl Iterator<Item = &Run> {
        self.runs.iter().filter(|run| !run.is_disturbed)
    }

    /// Scenario, load and policy, for people.
    pub(super) fn title(&self) -> String {
        format!("{} {} {}", self.scenario, self.load, self.policy)
    }

    /// Values of a figure of a task in all clean runs.
    pub(super) fn values(&self, task: &str, of: impl Fn(&TaskFigures) -> Option<f64>) -> Vec<f64> {
        let figures = self.clean().filter_map(|run| run.tasks.iter().find(|figures| figures.task == task));
        figures.filter_map(of).collect()
    }

    /// Tasks of the scenario, without [`ALL`].
    pub(super) fn tasks(&self) -> impl Iterator<Item = &str> {
        let first = self.clean().next().into_iter();
        first.flat_map(|run| &run.tasks).map(|figures| figures.task.as_str()).filter(|task| *task != ALL)
    }
}

fn pairs_of(table: &Table) -> Result<Vec<(String, String)>, Problem> {
    table.rows().map(|row| Ok((row.text("key")?.to_owned(), row.text("value")?.to_owned()))).collect()
}

fn models(folder: &Path) -> Result<Vec<Model>, Problem> {
    let mut samples: BTreeMap<(String, String), Vec<f64>> = BTreeMap::new();
    for row in Table::read(&folder.join("samples.csv"))?.rows() {
        let key = (row.text("model")?.to_owned(), row.text("condition")?.to_owned());
        samples.entry(key).or_default().push(row.number("wall_us")?);
    }
    let mut tight: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for row in Table::read(&folder.join("tight.csv"))?.rows() {
        tight.entry(row.text("model")?.to_owned()).or_default().push(1e3 * row.number("p50_ms")?);
    }
    let table = Table::read(&folder.join("models.csv"))?;
    let mut models = Vec::new();
    for row in table.rows() {
        let name = row.text("model")?.to_owned();
        let of = |condition: &str| {
            let samples = samples.get(&(name.clone(), condition.to_owned()));
            let quantiles = samples.map(|samples| varying(samples));
            quantiles.ok_or_else(|| -> Problem {
                format!("{}: samples.csv has no run of `{name}` of condition `{condition}`", folder.display())
                    .into()
            })
        };
        let ([_, interleaved_us, ..], both_quantiles_us) = (of("alone")?, of("both")?);
        let both_us = both_quantiles_us[1];
        let tight_us = tight.get(&name).and_then(|medians| median(medians));
        let tight_us = tight_us.ok_or_else(|| format!("tight.csv has no row of `{name}`"))?;
        let text = |column: &str| row.text(column).map(str::to_owned);
        let origin = [text("package")?, text("version")?, text("file")?, text("input")?];
        models.push(Model { name, origin, tight_us, interleaved_us, both_us, both_quantiles_us });
    }
    if models.is_empty() {
        return Err(format!("{}: models.csv has no models", folder.display()).into());
    }
    Ok(models)
}

fn pair(row: Row<'_>) -> Result<Pair, Problem> {
    let text = |column: &str| row.text(column).map(str::to_owned);
    Ok(Pair { model: text("model")?, other: text("other")?, slowdown: row.number("slowdown")? })
}

fn cell(row: Row<'_>) -> Result<Cell, Problem> {
    let text = |column: &str| row.text(column).map(str::to_owned);
    Ok(Cell {
        scenario: text("scenario")?,
        load: text("load")?,
        policy: text("policy")?,
        sensitivity: row.number("sensitivity_points")?,
        runs: Vec::new(),
    })
}

/// Adds the runs to their cells: rows of one attempt are one run.
fn runs(table: &Table, cells: &mut [Cell]) -> Result<(), Problem> {
    let mut last: Option<[String; 4]> = None;
    for row in table.rows() {
        let text = |column: &str| row.text(column).map(str::to_owned);
        let key = [text("scenario")?, text("load")?, text("policy")?, text("attempt")?];
        let [scenario, load, policy, _] = &key;
        let is_it =
            |cell: &&mut Cell| cell.scenario == *scenario && cell.load == *load && cell.policy == *policy;
        let Some(cell) = cells.iter_mut().find(is_it) else {
            return Err(format!("runs.csv: `{scenario} {load} {policy}` is no cell of cells.csv").into());
        };
        if last.as_ref() != Some(&key) {
            let is_disturbed = row.text("disturbed")? != "0";
            let common_mode = if row.has("common_mode") { row.optional("common_mode")? } else { None };
            cell.runs.push(Run { is_disturbed, common_mode, tasks: Vec::new() });
            last = Some(key);
        }
        let percentile = |column: &str| row.optional(column);
        let figures = TaskFigures {
            task: text("task")?,
            jobs: row.number("jobs")?,
            miss_rate: row.number("deadline_violation_rate")?,
            percentiles_ms: [
                percentile("response_p50_ms")?,
                percentile("response_p95_ms")?,
                percentile("response_p99_ms")?,
            ],
        };
        if let Some(run) = cell.runs.last_mut() {
            run.tasks.push(figures);
        }
    }
    Ok(())
}
