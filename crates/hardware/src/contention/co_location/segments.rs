//! Slowdowns composed of measured segments: what one part of a model and one part of another do to each other.
//!
//! A CSV file has one row for each pair of parts of models, as it follows from groups of segments that were measured together:
//!
//! ```csv
//! model_a,from_a,to_a,batch_a,model_b,from_b,to_b,batch_b,slowdown
//! a100_resnet50,0,9,8,a100_bert,0,6,8,1.31
//! ```
//!
//! | column | meaning |
//! |---|---|
//! | `model_a`, `model_b` | names as the model files have them |
//! | `from_a`, `to_a`, `from_b`, `to_b` | layers of each, from one on and before another, counted from 0 |
//! | `batch_a`, `batch_b` | inferences at once |
//! | `slowdown` | slowdown of both while both are in these layers |
//!
//! If two segments that take `A <= B` alone take `T` together, and both are slowed down alike while both run, the shorter one
//! takes `s A`, the rest of the longer one runs alone, and `T = B + (s - 1) A`. So a group that was measured gives
//! `s = 1 + (T - B) / A`, and a group that was not is composed of the parts that it goes through: partial overlap has a measured
//! answer. Between measured batches slowdowns are linear; beside several runs the excesses over 1 add up, which for segments of
//! equal length is the sum of serialised times.

use std::collections::BTreeMap;

use rtmm_workload::input::{CsvRow, CsvTable, Diagnostics, Source, problem_with};
use rtmm_workload::{Model, Time};

use super::doubts::without_row;
use super::grid::Grid;
use super::pairs::{SLOWDOWNS, named};
use super::resident::Resident;
use super::{CoLocationRule, Slowdowns};
use crate::platform::MAX_BATCH;

const COLUMNS: [&str; 9] =
    ["model_a", "from_a", "to_a", "batch_a", "model_b", "from_b", "to_b", "batch_b", "slowdown"];
/// The largest position of a layer.
const MAX_LAYER: u32 = 1 << 20;

/// Layers of a model, from one on and before another.
type Part = (String, u32, u32);

/// Slowdowns of parts of models beside parts of others.
#[derive(Clone, Debug, PartialEq)]
pub struct SegmentTable {
    parts: BTreeMap<(Part, Part), BTreeMap<(u32, u32), f64>>,
    unmeasured: Option<f64>,
}

impl SegmentTable {
    /// Reads a table. `unmeasured` is the slowdown of a layer beside one that it was not measured with; none where that is an
    /// error.
    ///
    /// # Errors
    /// Every problem of the text: missing columns, numbers out of range, parts without a layer, two rows for one pair of parts
    /// and batches, no rows at all.
    pub fn parse(source: &Source, unmeasured: Option<f64>) -> Result<Self, Diagnostics> {
        let mut csv = CsvTable::parse(source, &COLUMNS);
        csv.only(&COLUMNS);
        let columns: Option<Vec<usize>> = COLUMNS.iter().map(|name| csv.column(name)).collect();
        let Some(columns) = columns else { return csv.each_row(|_| {}).into_result(None) };
        let mut parts: BTreeMap<(Part, Part), BTreeMap<(u32, u32), f64>> = BTreeMap::new();
        let mut known_parts = KnownParts::new();
        let problems = csv.each_row(|row| {
            let (a, b) = (side(row, &columns[..4]), side(row, &columns[4..8]));
            let slowdown = row.number(columns[8], SLOWDOWNS);
            let (Some((a, batch_a)), Some((b, batch_b)), Some(slowdown)) = (a, b, slowdown) else { return };
            if let Some(line) = overlapping(&mut known_parts, (&a, &b), row.line()) {
                row.reject_row(
                    format!(
                        "these parts overlap with those in line {line}: two slowdowns would be of one layer"
                    ),
                    "state parts that do not overlap, or the same ones",
                );
                return;
            }
            let is_new = a == b && batch_a == batch_b || {
                let mirrored = parts.entry((b.clone(), a.clone())).or_default();
                mirrored.insert((batch_b, batch_a), slowdown).is_none()
            };
            let known = parts.entry((a, b)).or_default().insert((batch_a, batch_b), slowdown);
            if known.is_some() || !is_new {
                row.reject_row(
                    "there is a row for these parts and batches already",
                    "remove one of the two rows",
                );
            }
        });
        if problems.is_empty() && parts.is_empty() {
            let problem = problem_with(source, "the table of segments has no rows");
            return Err(problem.help("add a row for each pair of parts of models").into());
        }
        problems.into_result(Some(Self { parts, unmeasured }))
    }
}

/// By the models of both sides: pairs of parts that were stated, with the line of the first row of each.
type KnownParts = BTreeMap<(String, String), Vec<([(u32, u32); 2], usize)>>;

/// The line of parts that share layers with these on both sides, and are others; new ones are kept, as seen from both sides.
fn overlapping(known: &mut KnownParts, (a, b): (&Part, &Part), line: usize) -> Option<usize> {
    let crosses = |one: (u32, u32), other: (u32, u32)| one.0 < other.1 && other.0 < one.1;
    for (own, other) in [(a, b), (b, a)] {
        let spans = [(own.1, own.2), (other.1, other.2)];
        let stated = known.entry((own.0.clone(), other.0.clone())).or_default();
        let is_met = |(of, _): &&([(u32, u32); 2], usize)| {
            *of != spans && crosses(of[0], spans[0]) && crosses(of[1], spans[1])
        };
        if let Some((_, first)) = stated.iter().find(is_met) {
            return Some(*first);
        }
        if stated.iter().all(|(of, _)| *of != spans) {
            stated.push((spans, line));
        }
    }
    None
}

/// Reads one side of a row: a part of a model, and its batch.
fn side(row: &mut CsvRow<'_>, columns: &[usize]) -> Option<(Part, u32)> {
    let [model, from, to, batch] = *columns else { return None };
    let model = named(row, model);
    let first = row.integer(from, 0..=MAX_LAYER);
    let last = row.integer(to, 0..=MAX_LAYER);
    let batch = row.integer(batch, 1..=MAX_BATCH);
    let (model, first, last, batch) = (model?, first?, last?, batch?);
    if first >= last {
        row.reject(to, format!("layers from {first} on and before {last} are none"), "state a later layer");
        return None;
    }
    Some(((model, first, last), batch))
}

impl CoLocationRule for SegmentTable {
    fn resolve(&self, models: &[&str], _units: u32) -> Box<dyn Slowdowns> {
        let mut grids: Vec<Vec<OfParts>> = vec![Vec::new(); models.len() * models.len()];
        for (((own, own_from, own_to), (other, other_from, other_to)), points) in &self.parts {
            for (row, _) in models.iter().enumerate().filter(|(_, name)| *name == own) {
                for (column, _) in models.iter().enumerate().filter(|(_, name)| *name == other) {
                    grids[row * models.len() + column].push(OfParts {
                        own: *own_from..*own_to,
                        other: *other_from..*other_to,
                        grid: Grid::new(points),
                    });
                }
            }
        }
        Box::new(Segments { models: models.len(), grids, unmeasured: self.unmeasured })
    }

    fn doubts(&self, models: &[Model], _units: u32) -> Vec<String> {
        let mut doubts = Vec::new();
        let parts = || self.parts.keys().map(|(own, _)| own);
        for model in models {
            let layers = model.layers.len();
            let mut beyond = parts().filter(|(name, _, to)| *name == model.name && *to as usize > layers);
            if let Some((name, from, to)) = beyond.next() {
                doubts.push(format!(
                    "layers {from} to {to} of `{name}` were measured, and the model has {layers}"
                ));
            }
        }
        if let Some(unmeasured) = self.unmeasured {
            let missing = without_row(models, |name| parts().any(|(own, ..)| own == name));
            doubts.extend(missing.map(|names| {
                format!("the table of segments has no row of {names}: the slowdown is {unmeasured}")
            }));
        }
        doubts
    }

    fn identity(&self) -> String {
        let unmeasured = self.unmeasured.map_or_else(|| "error".to_owned(), |slowdown| slowdown.to_string());
        let mut text = format!("segments unmeasured={unmeasured}");
        for (((own, own_from, own_to), (other, other_from, other_to)), points) in &self.parts {
            text.push_str(&format!(";{own:?} {own_from}..{own_to} {other:?} {other_from}..{other_to}"));
            for ((batch, other_batch), slowdown) in points {
                text.push_str(&format!(" {batch}x{other_batch}:{slowdown}"));
            }
        }
        text
    }
}

/// Slowdowns of parts of models by index.
#[derive(Debug)]
struct Segments {
    models: usize,
    /// By own model, then by the other's.
    grids: Vec<Vec<OfParts>>,
    unmeasured: Option<f64>,
}

#[derive(Clone, Debug)]
struct OfParts {
    own: std::ops::Range<u32>,
    other: std::ops::Range<u32>,
    grid: Grid,
}

impl Segments {
    fn measured(&self, own: &Resident, other: &Resident) -> Option<f64> {
        let of_models = self.grids.get(own.model.index() * self.models + other.model.index())?;
        let [own_layer, other_layer] = [own, other].map(|resident| resident.layer.index() as u32);
        let is_of = |of: &&OfParts| of.own.contains(&own_layer) && of.other.contains(&other_layer);
        of_models.iter().find(is_of)?.grid.at(own.batch, other.batch)
    }
}

impl Slowdowns for Segments {
    fn slowdown(&self, _: Time, own: &Resident, others: &[Resident]) -> f64 {
        let of = |other| self.measured(own, other).or(self.unmeasured).unwrap_or(1.0);
        others.iter().fold(1.0, |slowdown, other| slowdown + (of(other) - 1.0))
    }

    fn lacks(&self, own: &Resident, other: &Resident) -> bool {
        self.unmeasured.is_none() && self.measured(own, other).is_none()
    }
}
