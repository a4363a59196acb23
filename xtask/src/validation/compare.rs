//! Differences between what was simulated and what was measured, beside those between one measurement and another.

use rayon::prelude::*;

use super::Problem;
use super::predict::{MAIN, PLAIN, Predictor, predictors};
use super::session::{ALL, Cell, Session, TaskFigures};
use super::statistics::{median, range};

/// Execution times of the sensitivity: 2 % either way.
const SENSITIVITY: [f64; 3] = [0.98, 1.0, 1.02];
/// Execution times of the range that has to meet that of the repeats where a cell is too sensitive for more.
const RANGE: [f64; 3] = [0.97, 1.0, 1.03];
/// Tasks with fewer jobs have no 99th percentile.
const MIN_JOBS_FOR_P99: f64 = 300.0;
/// Policies whose miss rates differ by less are not ordered, in points.
const MIN_DIFFERENCE: f64 = 0.1;

/// A session with its simulations.
pub(super) struct Comparison<'s> {
    pub(super) session: &'s Session,
    pub(super) predictors: Vec<&'static str>,
    pub(super) cells: Vec<Compared<'s>>,
}

/// A cell with its simulations.
pub(super) struct Compared<'s> {
    pub(super) cell: &'s Cell,
    /// By predictor.
    predicted: Vec<Vec<TaskFigures>>,
    /// Change of the simulated miss rate over 2 % of execution time either way, in points, as this simulator has it.
    pub(super) sensitivity: f64,
    /// The smallest and the largest simulated miss rate over 3 % either way, in percent.
    pub(super) range: (f64, f64),
}

/// A quantity that is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quantity {
    /// Miss rate, in percent; errors in points.
    Misses,
    /// Percentile of response times in milliseconds, by position; errors in percent.
    Percentile(usize),
}

impl Quantity {
    /// The percentiles.
    pub(super) const PERCENTILES: [Self; 3] = [Self::Percentile(0), Self::Percentile(1), Self::Percentile(2)];

    fn of(self, figures: &TaskFigures) -> Option<f64> {
        match self {
            Self::Misses => Some(100.0 * figures.miss_rate),
            Self::Percentile(2) if figures.jobs < MIN_JOBS_FOR_P99 => None,
            Self::Percentile(place) => figures.percentiles_ms.get(place).copied().flatten(),
        }
    }

    /// The error of a value where another one is right.
    fn error(self, value: f64, right: f64) -> f64 {
        match self {
            Self::Misses => (value - right).abs(),
            Self::Percentile(_) => 100.0 * (value - right).abs() / right,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Misses => "misses",
            Self::Percentile(0) => "p50",
            Self::Percentile(1) => "p95",
            Self::Percentile(_) => "p99",
        }
    }
}

/// A simulated value beside the measured ones.
#[derive(Clone, Copy, Debug)]
pub(super) struct Beside<'c> {
    pub(super) task: &'c str,
    pub(super) simulated: f64,
    /// Median of the clean runs.
    pub(super) measured: f64,
    /// Their smallest and largest.
    pub(super) range: (f64, f64),
    pub(super) error: f64,
    /// Mean error of one clean run where another one is right.
    pub(super) floor: Option<f64>,
    /// The largest of these.
    pub(super) widest: f64,
}

impl<'s> Comparison<'s> {
    /// Simulates all cells of a session.
    ///
    /// # Errors
    /// The first problem of a simulation.
    pub(super) fn new(session: &'s Session) -> Result<Self, Problem> {
        let predictors = predictors(session)?;
        let cells: Result<Vec<Compared<'s>>, String> = session
            .cells
            .par_iter()
            .map(|cell| compared(session, cell, &predictors).map_err(|problem| problem.to_string()))
            .collect();
        let names = predictors.iter().map(|predictor| predictor.name).collect();
        Ok(Self { session, predictors: names, cells: cells? })
    }

    /// The position of a predictor.
    pub(super) fn place(&self, predictor: &str) -> usize {
        self.predictors.iter().position(|known| *known == predictor).unwrap_or_default()
    }

    /// Loads, in the order of cells.
    pub(super) fn loads(&self) -> Vec<&'s str> {
        let mut loads: Vec<&str> = Vec::new();
        for compared in &self.cells {
            if !loads.contains(&compared.cell.load.as_str()) {
                loads.push(&compared.cell.load);
            }
        }
        loads.sort_unstable();
        loads
    }

    /// Pairs of policies of one scenario and load whose measured miss rates differ by more than the repeats of either
    /// spread, and by more than 0.1 points; with those of them that a predictor orders likewise.
    pub(super) fn orderings(&self, predictor: usize) -> (usize, Vec<String>) {
        let (mut count, mut wrong) = (0, Vec::new());
        for (index, one) in self.cells.iter().enumerate() {
            let others = self.cells[index + 1..]
                .iter()
                .filter(|other| other.cell.scenario == one.cell.scenario && other.cell.load == one.cell.load);
            for other in others {
                let both = one.overall(predictor).zip(other.overall(predictor));
                let Some((a, b)) = both else { continue };
                let spread = (a.range.1 - a.range.0).max(b.range.1 - b.range.0);
                let difference = a.measured - b.measured;
                if difference.abs() <= spread.max(MIN_DIFFERENCE) {
                    continue;
                }
                count += 1;
                let simulated = a.simulated - b.simulated;
                if simulated == 0.0 || simulated.is_sign_positive() != difference.is_sign_positive() {
                    wrong.push(format!(
                        "{} {}: `{}` and `{}`, measured {:.2} and {:.2} %, simulated {:.2} and {:.2} %",
                        one.cell.scenario,
                        one.cell.load,
                        one.cell.policy,
                        other.cell.policy,
                        a.measured,
                        b.measured,
                        a.simulated,
                        b.simulated,
                    ));
                }
            }
        }
        (count, wrong)
    }
}

impl<'s> Compared<'s> {
    /// A quantity of a task as a predictor has it and as it was measured; none where either lacks it.
    pub(super) fn beside<'c>(
        &self,
        predictor: usize,
        task: &'c str,
        quantity: Quantity,
    ) -> Option<Beside<'c>> {
        let predicted = self.predicted.get(predictor)?.iter().find(|figures| figures.task == task)?;
        let simulated = quantity.of(predicted)?;
        let values = self.cell.values(task, |figures| quantity.of(figures));
        let (measured, range) = (median(&values)?, range(&values)?);
        let (floor, widest) = between(&values, quantity);
        let error = quantity.error(simulated, measured);
        Some(Beside { task, simulated, measured, range, error, floor, widest })
    }

    /// The miss rate of all jobs.
    pub(super) fn overall(&self, predictor: usize) -> Option<Beside<'static>> {
        self.beside(predictor, ALL, Quantity::Misses)
    }

    /// A quantity of all tasks that have it.
    pub(super) fn tasks(&self, predictor: usize, quantity: Quantity) -> Vec<Beside<'s>> {
        self.cell.tasks().filter_map(|task| self.beside(predictor, task, quantity)).collect()
    }
}

/// Mean and largest error of one value where another one is right.
fn between(values: &[f64], quantity: Quantity) -> (Option<f64>, f64) {
    let mut errors = Vec::new();
    for (index, one) in values.iter().enumerate() {
        for (place, other) in values.iter().enumerate() {
            if index != place {
                errors.push(quantity.error(*one, *other));
            }
        }
    }
    let mean = (!errors.is_empty()).then(|| errors.iter().sum::<f64>() / errors.len() as f64);
    (mean, errors.iter().copied().fold(0.0, f64::max))
}

/// All errors of one run of a cell where another one is right: of each quantity, over tasks.
pub(super) fn repeats(cell: &Cell, task: &str, quantity: Quantity) -> Vec<f64> {
    let values = cell.values(task, |figures| quantity.of(figures));
    let pairs = values.iter().enumerate().flat_map(|(index, one)| {
        let others = values.iter().enumerate().filter(move |(place, _)| *place != index);
        others.map(move |(_, other)| quantity.error(*one, *other))
    });
    pairs.collect()
}

fn compared<'s>(
    session: &Session,
    cell: &'s Cell,
    predictors: &[Predictor],
) -> Result<Compared<'s>, Problem> {
    let of = |name: &str| predictors.iter().find(|known| known.name == name).ok_or("a predictor is missing");
    let misses = |predictor: &Predictor, factors: [f64; 3]| -> Result<(f64, f64), Problem> {
        let mut rates = Vec::new();
        for factor in factors {
            let figures = predictor.simulate(session, cell, factor)?;
            rates.extend(figures.iter().filter(|task| task.task == ALL).map(|task| 100.0 * task.miss_rate));
        }
        range(&rates).ok_or_else(|| "a simulation has no jobs".into())
    };
    let (low, high) = misses(of(PLAIN)?, SENSITIVITY)?;
    Ok(Compared {
        cell,
        predicted: predictors
            .iter()
            .map(|predictor| predictor.simulate(session, cell, 1.0))
            .collect::<Result<_, _>>()?,
        sensitivity: high - low,
        range: misses(of(MAIN)?, RANGE)?,
    })
}
