//! Slowdowns replayed from measured pairs.
//!
//! A CSV file has one row for each pair of runs that was measured at the same time:
//!
//! ```csv
//! model_a,model_b,batch_a,batch_b,sm_pct_a,sm_pct_b,slowdown_a,slowdown_b
//! alexnet,resnet50,2,2,50,50,1.0902,1.1904
//! ```
//!
//! | column | meaning |
//! |---|---|
//! | `model_a`, `model_b` | names as the model files have them; a pair may have one model twice |
//! | `batch_a`, `batch_b` | inferences at once |
//! | `sm_pct_a`, `sm_pct_b` | optional, both or none: shares of the accelerator's units, in percent; without them any share |
//! | `slowdown_a`, `slowdown_b` | latency beside the other over latency alone |
//!
//! Between measured batches slowdowns are linear in both batches, beyond them they are those of the nearest. Beside several
//! runs the excesses over 1 add up. A pair of models or of shares without a row has the slowdown that the platform file states
//! for it, or is an error before the run.

use std::collections::BTreeMap;

use rtmm_workload::input::{CsvRow, CsvTable, Diagnostics, Source, problem_with};
use rtmm_workload::{Model, Time, model_name};

use super::doubts::without_row;
use super::grid::Grid;
use super::resident::Resident;
use super::{CoLocationRule, Slowdowns};
use crate::platform::MAX_BATCH;

/// The range of slowdowns that may be stated. Noise of measurements may make one fall below 1: it then counts as 1.
pub(super) const SLOWDOWNS: std::ops::RangeInclusive<f64> = 0.1..=1_000.0;

/// Columns that every table has.
const COLUMNS: [&str; 6] = ["model_a", "model_b", "batch_a", "batch_b", "slowdown_a", "slowdown_b"];
/// Columns of shares.
const SHARES: [&str; 2] = ["sm_pct_a", "sm_pct_b"];

/// A run and the one beside it: models, and shares in millionths of the units, 0 where the table states none.
type Key = (String, String, u32, u32);
/// A pair as one of the two sees it: the pair, both batches, and its slowdown.
type Side = (Key, (u32, u32), f64);

/// Measured slowdowns of pairs.
#[derive(Clone, Debug, PartialEq)]
pub struct PairTable {
    pairs: BTreeMap<Key, BTreeMap<(u32, u32), f64>>,
    has_shares: bool,
    unmeasured: Option<f64>,
}

impl PairTable {
    /// Reads a table. `unmeasured` is the slowdown of a run beside one that it was not measured with; none where that is an
    /// error.
    ///
    /// # Errors
    /// Every problem of the text: missing columns, numbers out of range, two rows for one pair that contradict each other, no
    /// rows at all.
    pub fn parse(source: &Source, unmeasured: Option<f64>) -> Result<Self, Diagnostics> {
        let header = CsvTable::parse(source, &[]);
        let has_shares = SHARES.iter().any(|name| header.column(name).is_some());
        let required: Vec<&str> =
            COLUMNS.iter().chain(SHARES.iter().filter(|_| has_shares)).copied().collect();
        let mut csv = CsvTable::parse(source, &required);
        csv.only(&[&COLUMNS[..], &SHARES[..]].concat());
        let columns = Columns::find(&csv, has_shares);
        let Some(columns) = columns else { return csv.each_row(|_| {}).into_result(None) };
        let mut pairs: BTreeMap<Key, BTreeMap<(u32, u32), f64>> = BTreeMap::new();
        let mut lines: BTreeMap<(Key, (u32, u32)), usize> = BTreeMap::new();
        let problems = csv.each_row(|row| {
            let Some(measured) = columns.read(row) else { return };
            for (key, batches, slowdown) in measured {
                let known = pairs.entry(key.clone()).or_default().insert(batches, slowdown);
                let first = lines.insert((key, batches), row.line());
                if known.is_some_and(|known| known != slowdown) {
                    let line = first.unwrap_or(row.line());
                    row.reject_row(
                        format!("another slowdown of this pair stands in line {line}"),
                        "remove one of the two rows, or state their mean in one",
                    );
                }
            }
        });
        if problems.is_empty() && pairs.is_empty() {
            let problem = problem_with(source, "the table of pairs has no rows");
            return Err(problem.help("add a row for each pair that was measured").into());
        }
        problems.into_result(Some(Self { pairs, has_shares, unmeasured }))
    }
}

/// Positions of the columns, of each side.
struct Columns {
    models: [usize; 2],
    batches: [usize; 2],
    shares: Option<[usize; 2]>,
    slowdowns: [usize; 2],
}

impl Columns {
    fn find(csv: &CsvTable<'_>, has_shares: bool) -> Option<Self> {
        let both = |a, b| Some([csv.column(a)?, csv.column(b)?]);
        Some(Self {
            models: both("model_a", "model_b")?,
            batches: both("batch_a", "batch_b")?,
            shares: if has_shares { Some(both(SHARES[0], SHARES[1])?) } else { None },
            slowdowns: both("slowdown_a", "slowdown_b")?,
        })
    }

    /// Reads a row: what it says of each of the two runs.
    fn read(&self, row: &mut CsvRow<'_>) -> Option<[Side; 2]> {
        let [a, b] = self.models.map(|column| named(row, column));
        let [batch_a, batch_b] = self.batches.map(|column| row.integer(column, 1..=MAX_BATCH));
        let [share_a, share_b] = match self.shares {
            Some(columns) => columns.map(|column| share_of(row, column)),
            None => [Some(0), Some(0)],
        };
        let [of_a, of_b] = self.slowdowns.map(|column| row.number(column, SLOWDOWNS));
        let (a, b, batch_a, batch_b, share_a, share_b) = (a?, b?, batch_a?, batch_b?, share_a?, share_b?);
        let (of_a, of_b) = (of_a?, of_b?);
        // A model beside itself was measured twice.
        let is_alike = (&a, batch_a, share_a) == (&b, batch_b, share_b);
        let [of_a, of_b] = if is_alike { [f64::midpoint(of_a, of_b); 2] } else { [of_a, of_b] };
        Some([
            ((a.clone(), b.clone(), share_a, share_b), (batch_a, batch_b), of_a),
            ((b, a, share_b, share_a), (batch_b, batch_a), of_b),
        ])
    }
}

/// The share of the units that a cell states in percent, in millionths.
pub(super) fn share_of(row: &mut CsvRow<'_>, column: usize) -> Option<u32> {
    row.number(column, 0.0001..=100.0).map(|percent| (percent * 1e4).round() as u32)
}

/// The units that a share is; none where it is no whole number of them, to a part of 200: a third may be written as 33.3.
fn units_of(share: u32, units: u32) -> Option<u32> {
    let held = f64::from(share) / 1e6 * f64::from(units);
    let is_whole = (held - held.round()).abs() <= 0.005 && (held >= 0.5 || share == 0);
    is_whole.then_some(held.round() as u32)
}

/// A share in percent.
pub(super) fn percent_of(share: u32) -> f64 {
    f64::from(share) / 1e4
}

/// The model that a cell names; an empty cell is recorded.
pub(super) fn named(row: &mut CsvRow<'_>, column: usize) -> Option<String> {
    if row.is_blank(column) {
        row.reject(column, "the cell names no model", "write the name of a model file, without its folder");
        return None;
    }
    Some(model_name(row.text(column)).to_owned())
}

impl CoLocationRule for PairTable {
    fn resolve(&self, models: &[&str], units: u32) -> Box<dyn Slowdowns> {
        let mut grids: Vec<Vec<OfShares>> = vec![Vec::new(); models.len() * models.len()];
        for ((own, other, own_share, other_share), points) in &self.pairs {
            // Shares that are no whole number of units cannot be held by a run.
            let of_units = |share: u32| units_of(share, units);
            let (Some(own_units), Some(other_units)) = (of_units(*own_share), of_units(*other_share)) else {
                continue;
            };
            for (row, _) in models.iter().enumerate().filter(|(_, name)| *name == own) {
                for (column, _) in models.iter().enumerate().filter(|(_, name)| *name == other) {
                    let grid = Grid::new(points);
                    grids[row * models.len() + column].push(OfShares { own_units, other_units, grid });
                }
            }
        }
        Box::new(Pairs {
            models: models.len(),
            grids,
            has_shares: self.has_shares,
            unmeasured: self.unmeasured,
        })
    }

    fn doubts(&self, models: &[Model], units: u32) -> Vec<String> {
        let mut doubts = Vec::new();
        let is_held = |share: u32| units_of(share, units).is_some();
        let held = self.pairs.keys().filter(|(_, _, own, other)| is_held(*own) && is_held(*other)).count();
        let all = self.pairs.len();
        if held < all {
            doubts.push(format!(
                "{} of {all} measured pairs are of shares that are no whole number of {units} units",
                all - held
            ));
        }
        if let Some(unmeasured) = self.unmeasured {
            let missing = without_row(models, |name| self.pairs.keys().any(|(own, ..)| own == name));
            doubts.extend(missing.map(|names| {
                format!("the table of pairs has no row of {names}: the slowdown is {unmeasured}")
            }));
        }
        doubts
    }

    fn identity(&self) -> String {
        let unmeasured = self.unmeasured.map_or_else(|| "error".to_owned(), |slowdown| slowdown.to_string());
        let mut text = format!("pairs unmeasured={unmeasured}");
        for ((own, other, share, other_share), points) in &self.pairs {
            let (share, other_share) = (percent_of(*share), percent_of(*other_share));
            text.push_str(&format!(";{own:?} {other:?} {share} {other_share}"));
            for ((batch, other_batch), slowdown) in points {
                text.push_str(&format!(" {batch}x{other_batch}:{slowdown}"));
            }
        }
        text
    }
}

/// Measured pairs of models by index.
#[derive(Debug)]
struct Pairs {
    models: usize,
    /// By own model, then by the other's.
    grids: Vec<Vec<OfShares>>,
    has_shares: bool,
    unmeasured: Option<f64>,
}

#[derive(Clone, Debug)]
struct OfShares {
    own_units: u32,
    other_units: u32,
    grid: Grid,
}

impl Pairs {
    fn measured(&self, own: &Resident, other: &Resident) -> Option<f64> {
        let of_models = self.grids.get(own.model.index() * self.models + other.model.index())?;
        let is_of =
            |of: &&OfShares| !self.has_shares || (of.own_units, of.other_units) == (own.units, other.units);
        of_models.iter().find(is_of)?.grid.at(own.batch, other.batch)
    }
}

impl Slowdowns for Pairs {
    fn slowdown(&self, _: Time, own: &Resident, others: &[Resident]) -> f64 {
        let of = |other| self.measured(own, other).or(self.unmeasured).unwrap_or(1.0);
        others.iter().fold(1.0, |slowdown, other| slowdown + (of(other) - 1.0))
    }

    fn lacks(&self, own: &Resident, other: &Resident) -> bool {
        self.unmeasured.is_none() && self.measured(own, other).is_none()
    }
}
