//! The registry of rules of co-location, and how each reads its keys.

use std::sync::Arc;

use rtmm_workload::input::{Source, Table, Value};
use rtmm_workload::load::open_path;
use rtmm_workload::{Duration, Time};

use super::CoLocationRule;
use super::features::{WEIGHTS, Weights};
use super::pairs::{PairTable, SLOWDOWNS};
use super::rate_model::RateModel;
use super::segments::SegmentTable;
use super::utilisation::Utilisation;

/// Source of a rule: its table, and the utilisation that the table names.
pub struct Decoding<'d, 't> {
    /// The table.
    pub table: &'d Table<'t>,
    /// Utilisation by model, where the table names a file of it.
    pub utilisation: Option<Arc<Utilisation>>,
}

/// A rule of co-location.
pub struct CoLocationRow {
    /// Its name in platform files.
    pub name: &'static str,
    /// One line for listings.
    pub meaning: &'static str,
    /// Keys of its own.
    pub keys: &'static [&'static str],
    /// Reads it; problems are recorded.
    pub decode: fn(&Decoding<'_, '_>) -> Option<Arc<dyn CoLocationRule>>,
}

impl CoLocationRow {
    /// All rules, in the order in which they are listed.
    #[must_use]
    pub fn built_in() -> &'static [Self] {
        &ROWS
    }
}

static ROWS: [CoLocationRow; 3] = [
    CoLocationRow {
        name: "pairs",
        meaning: "slowdowns of measured pairs of models, by batch and share",
        keys: &["file", "unmeasured"],
        decode: |of| decode_table(of, PairTable::parse),
    },
    CoLocationRow {
        name: "segments",
        meaning: "slowdowns of parts of models, composed of measured groups of segments",
        keys: &["file", "unmeasured"],
        decode: |of| decode_table(of, SegmentTable::parse),
    },
    CoLocationRow {
        name: "rates",
        meaning: "slowdowns by weights of utilisation that no scheduler knows: synthetic",
        keys: &["weights"],
        decode: decode_rates,
    },
];

/// The most weights over time.
const WEIGHT: std::ops::RangeInclusive<f64> = -100.0..=100.0;

/// Reads a rule that stands in a CSV file.
fn decode_table<R: CoLocationRule + 'static>(
    of: &Decoding<'_, '_>,
    parse: fn(&Source, Option<f64>) -> Result<R, rtmm_workload::input::Diagnostics>,
) -> Option<Arc<dyn CoLocationRule>> {
    let unmeasured = of.table.or("unmeasured", None, |value| {
        if value.is_string() { value.choice(&[("error", None)]) } else { value.number(SLOWDOWNS).map(Some) }
    });
    let rule = of.table.required("file", |value| decode_file(value, |source| parse(source, unmeasured)))?;
    Some(Arc::new(rule))
}

/// Reads a CSV file that a value names.
pub(crate) fn decode_file<T>(
    value: &Value<'_>,
    parse: impl FnOnce(&Source) -> Result<T, rtmm_workload::input::Diagnostics>,
) -> Option<T> {
    let document = value.document();
    let source = match open_path(value.string()?, Some(document.source())) {
        Ok(source) => source,
        Err(problem) => {
            document.report(problem.see(document.source(), value.range(), "named here"));
            return None;
        }
    };
    match parse(&source) {
        Ok(parsed) => Some(parsed),
        Err(problems) => {
            document.report_all(problems);
            None
        }
    }
}

fn decode_rates(of: &Decoding<'_, '_>) -> Option<Arc<dyn CoLocationRule>> {
    let weights = of.table.required("weights", decode_weights_over_time);
    let Some(utilisation) = of.utilisation.clone() else {
        if !of.table.has("utilisation") {
            let problem = of.table.problem("`rule = \"rates\"` has no utilisation to weigh");
            of.table.report(problem.help("add `utilisation = \"FILE.csv\"`"));
        }
        return None;
    };
    Some(Arc::new(RateModel { weights: weights?, utilisation }))
}

/// Reads weights: five numbers, or a list of them with the instants from which on they hold.
fn decode_weights_over_time(value: &Value<'_>) -> Option<Vec<(Time, Weights)>> {
    let items = value.items()?;
    if !items.first().is_some_and(Value::is_table) {
        return decode_weights(value).map(|weights| vec![(Time::ZERO, weights)]);
    }
    let mut weights: Vec<(Time, Weights)> = Vec::new();
    for item in &items {
        let table = item.table()?;
        table.only(&["from", "weights"]);
        let from = table.or("from", Duration::ZERO, |value| value.duration_or_zero());
        let from = Time::ZERO.saturating_add(from);
        if weights.last().is_none_or(|(last, _)| *last < from) == (weights.is_empty() && from > Time::ZERO) {
            let help = "begin at `from = \"0s\"`, and state later instants in their order";
            return item.reject("weights over time do not ascend from the beginning on", help);
        }
        weights.push((from, table.required("weights", decode_weights)?));
    }
    Some(weights)
}

/// Reads five weights.
pub(crate) fn decode_weights(value: &Value<'_>) -> Option<Weights> {
    let items = value.items()?;
    if items.len() != WEIGHTS {
        return value.reject(
            format!("there are {} weights, and {WEIGHTS} features", items.len()),
            "state those of: own L2, others' L2, own DRAM, others' DRAM, constant",
        );
    }
    let mut weights = [0.0; WEIGHTS];
    for (weight, item) in weights.iter_mut().zip(&items) {
        // A zero with a sign would be another text in the platform's identity.
        *weight = item.number(WEIGHT)? + 0.0;
    }
    Some(weights)
}
