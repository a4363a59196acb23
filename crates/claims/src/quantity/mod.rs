//! Quantities: the number that a claim is about, measured from the results of a sweep.
//!
//! A quantity compares two sides, such as two policies, at *places*: all that the sides share, such as scenarios on
//! platforms under loads. At each place a side is the mean over seeds of a column. The places are joined by a mean, or
//! by the extreme of which a publication says "up to". The interval is a percentile bootstrap that draws seeds, the same
//! for every part of the value, and computes all of it anew.

mod resolved;

use std::fmt;

use rtmm_workload::input::{Table, Value};

use crate::selection::Selection;
use crate::side::Side;
pub use resolved::{Measured, Resolved};

/// A number that results give.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantity {
    /// Comparison of the two sides.
    pub kind: Kind,
    /// Cell column of the runner.
    pub column: String,
    /// The side that the claim is about.
    pub of: Side,
    /// The side that it is compared with; none of a mean alone.
    pub against: Option<Side>,
    /// Rule by which places are joined.
    pub across: Across,
    /// Places that it is about, beside those of the reading.
    pub among: Selection,
    /// Places whose value is subtracted: the claim is about how much larger it is elsewhere.
    pub less_among: Option<Selection>,
    /// Factor of the result, such as 100 for percent.
    pub scale: f64,
}

/// Comparison of two sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The one side by itself.
    Mean,
    /// The one over the other.
    Ratio,
    /// Percent by which the one is less than the other.
    Reduction,
    /// The one less the other.
    Difference,
    /// Percent of the places at which the one is better than the other, ties left out of it.
    Share,
}

/// Rule by which places are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Across {
    /// Arithmetic mean.
    Mean,
    /// Geometric mean of ratios.
    GeometricMean,
    /// The largest value.
    Largest,
    /// The smallest value.
    Smallest,
}

const KINDS: [(&str, Kind); 5] = [
    ("mean", Kind::Mean),
    ("ratio", Kind::Ratio),
    ("reduction", Kind::Reduction),
    ("difference", Kind::Difference),
    ("share", Kind::Share),
];

const ACROSS: [(&str, Across); 4] = [
    ("mean", Across::Mean),
    ("geometric-mean", Across::GeometricMean),
    ("largest", Across::Largest),
    ("smallest", Across::Smallest),
];

fn word<T: PartialEq + Copy>(words: &'static [(&'static str, T)], of: T) -> &'static str {
    words.iter().find(|(_, known)| *known == of).map_or("", |(word, _)| word)
}

impl Quantity {
    pub(crate) fn decode(value: &Value<'_>) -> Option<Self> {
        let table = value.table()?.named("`quantity`");
        table.only(&["kind", "column", "of", "against", "across", "among", "less_among", "scale"]);
        let kind = table.required("kind", |value| value.choice(&KINDS));
        let column = table.required("column", Value::string);
        let of = side(&table, "of");
        let against = match table.has("against") {
            false => Some(None),
            true => side(&table, "against").map(Some),
        };
        let across = match table.has("across") {
            false => Some(Across::Mean),
            true => table.optional("across", |value| value.choice(&ACROSS)),
        };
        let among = selection(&table, "among");
        let less_among = match table.has("less_among") {
            false => Some(None),
            true => selection(&table, "less_among").map(Some),
        };
        let scale = match table.has("scale") {
            false => Some(1.0),
            true => table.optional("scale", |value| value.number(1e-12..=1e12)),
        };
        let quantity = Self {
            kind: kind?,
            column: column?.to_owned(),
            of: of?,
            against: against?,
            across: across?,
            among: among?,
            less_among: less_among?,
            scale: scale?,
        };
        match quantity.fault() {
            Some((key, reason, help)) => {
                let range = table.get(key).map_or_else(|| table.range(), |value| value.range());
                table.report(table.problem_at(&range, reason).help(help));
                None
            }
            None => Some(quantity),
        }
    }

    /// The first fault of keys that do not go together: the key, the reason, a way out.
    fn fault(&self) -> Option<(&'static str, &'static str, &'static str)> {
        let is_alone = self.kind == Kind::Mean;
        let compares_ratios = matches!(self.kind, Kind::Ratio | Kind::Reduction);
        match () {
            () if is_alone && self.against.is_some() => {
                Some(("against", "a mean is compared with nothing", "remove it, or take another kind"))
            }
            () if !is_alone && self.against.is_none() => {
                Some(("kind", "this kind compares with something", "add `against = { ... }`"))
            }
            () if self.across == Across::GeometricMean && !compares_ratios => Some((
                "across",
                "only ratios and reductions have a geometric mean",
                "take `mean`, `largest` or `smallest`",
            )),
            () if self.kind == Kind::Share && self.across != Across::Mean => {
                Some(("across", "a share counts places", "remove it"))
            }
            () if self.scale != 1.0 && matches!(self.kind, Kind::Reduction | Kind::Share) => {
                Some(("scale", "this kind is in percent already", "remove it"))
            }
            () => None,
        }
    }
}

fn side(table: &Table<'_>, key: &str) -> Option<Side> {
    match table.get(key) {
        None => Some(Side::default()),
        Some(value) => Side::decode(&value, key),
    }
}

fn selection(table: &Table<'_>, key: &str) -> Option<Selection> {
    match table.get(key) {
        None => Some(Selection::default()),
        Some(value) => Selection::decode(&value.table()?.named(format!("`{key}`")), &[]),
    }
}

/// All that it depends on, as a part of digests.
impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, column, across, scale, .. } = self;
        write!(f, "{} of {column} ({} x {scale})", word(&KINDS, *kind), word(&ACROSS, *across))?;
        write!(f, " [{}]", self.of)?;
        if let Some(against) = &self.against {
            write!(f, " against [{against}]")?;
        }
        write!(f, " among [{}]", self.among.describe())?;
        if let Some(less) = &self.less_among {
            write!(f, " less [{}]", less.describe())?;
        }
        Ok(())
    }
}
