//! Columns as readers meet them: names, units, and as many digits as say something.
//!
//! Parts of one are shown in percent and energies in millijoules; files for programs keep the units of the columns.

use rtmm_sweep::figures::data::{Estimate, Panel};
use rtmm_sweep::runner::{Better, Column};
use rtmm_sweep::statistics::Interval;

/// Decimals where values are below one; each factor of ten takes or gives one.
const DECIMALS: u8 = 3;
/// The least decimals of percentages, and of tables whose values are below [`LARGE`].
const FEW_DECIMALS: u8 = 2;
/// Values from here on need no decimals.
const LARGE: f64 = 100.0;

/// A unit in words, and how readers meet it.
struct Unit {
    words: &'static str,
    /// End of the names of columns that states it.
    end: &'static str,
    short: &'static str,
    /// Shown values are those of the column times this.
    factor: f64,
}

const fn unit(words: &'static str, end: &'static str, short: &'static str, factor: f64) -> Unit {
    Unit { words, end, short, factor }
}

const UNITS: [Unit; 9] = [
    unit("percent", "_pct", "%", 1.0),
    unit("percent", "_percent", "%", 1.0),
    unit("share", "_share", "%", 100.0),
    unit("seconds", "_s", "s", 1.0),
    unit("milliseconds", "_ms", "ms", 1.0),
    unit("microseconds", "_us", "us", 1.0),
    unit("millijoules", "_mj", "mJ", 1.0),
    unit("picojoules", "_pj", "mJ", 1e-9),
    unit("watts", "_w", "W", 1.0),
];

fn known_unit(words: &str) -> Option<&'static Unit> {
    UNITS.iter().find(|unit| unit.words == words)
}

/// The name of a column in a sentence: its unit stands behind it.
pub(super) fn name_of(column: &Column) -> String {
    if !column.label.is_empty() {
        return column.label.to_owned();
    }
    let mut known = UNITS.iter().filter(|unit| unit.words == column.unit);
    let name = known.find_map(|unit| column.name.strip_suffix(unit.end)).unwrap_or(column.name);
    name.replace('_', " ")
}

/// The unit of a column as tables write it.
pub(super) fn unit_of(column: &Column) -> Option<String> {
    let text = known_unit(column.unit).map_or(column.unit, |unit| unit.short);
    (!text.is_empty()).then(|| text.to_owned())
}

/// The number by which values of a column are multiplied for readers.
pub(super) fn factor_of(column: &Column) -> f64 {
    known_unit(column.unit).map_or(1.0, |unit| unit.factor)
}

/// An interval of values of a column, for readers.
pub(super) fn scaled_interval(interval: Interval, factor: f64) -> Interval {
    Interval { low: interval.low * factor, high: interval.high * factor }
}

/// A panel for readers: each row of values times its factor, the last factor holding for all further ones.
pub(super) fn scaled(panel: &Panel, factors: &[f64]) -> Panel {
    let all = |values: &[Option<Estimate>], factor: f64| {
        let one = |estimate: &Estimate| Estimate {
            value: estimate.value * factor,
            interval: estimate.interval.map(|interval| scaled_interval(interval, factor)),
            ..*estimate
        };
        values.iter().map(|estimate| estimate.as_ref().map(one)).collect::<Vec<_>>()
    };
    let last = factors.last().copied().unwrap_or(1.0);
    let mut panel = panel.clone();
    for (row, values) in panel.values.iter_mut().enumerate() {
        *values = all(values, factors.get(row).copied().unwrap_or(last));
    }
    for overall in &mut panel.overall {
        overall.values = all(&overall.values, last);
    }
    panel
}

/// Name and unit of a column, for an axis.
pub(super) fn label_of(name: &str, unit: Option<&str>) -> String {
    match unit {
        Some(unit) => format!("{name} ({unit})"),
        None => name.to_owned(),
    }
}

/// Decimals of a table: those of a drawing, and two at least where values are below a hundred.
pub(super) fn decimals(unit: &str, values: impl Iterator<Item = f64>) -> u8 {
    let largest = values.map(f64::abs).fold(0.0, f64::max);
    let digits = decimals_of_drawing(unit, largest);
    if largest < LARGE { digits.max(FEW_DECIMALS) } else { digits }
}

/// Decimals that show three digits of the largest value, and at least two of percentages.
pub(super) fn decimals_of_drawing(unit: &str, largest: f64) -> u8 {
    let digits = match largest {
        size if size >= LARGE => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        size if size >= 0.1 || size == 0.0 => DECIMALS,
        size if size >= 0.01 => DECIMALS + 1,
        _ => DECIMALS + 2,
    };
    if is_percent(unit) { digits.max(FEW_DECIMALS) } else { digits }
}

fn is_percent(unit: &str) -> bool {
    known_unit(unit).is_some_and(|unit| unit.short == "%")
}

/// The best of some values.
pub(super) fn best(values: impl IntoIterator<Item = f64>, better: Better) -> Option<f64> {
    let values = values.into_iter();
    match better {
        Better::Lower => values.min_by(f64::total_cmp),
        Better::Higher => values.max_by(f64::total_cmp),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_count() {
        assert_eq!(
            [0.0, 0.004, 0.04, 0.4, 4.0, 40.0, 400.0].map(|value| decimals_of_drawing("", value)),
            [3, 5, 4, 3, 2, 1, 0]
        );
        assert_eq!([4.0, 40.0].map(|value| decimals_of_drawing("percent", value)), [2, 2]);
        assert_eq!([0.4, 4.0, 40.0, 400.0].map(|value| decimals("", [value].into_iter())), [3, 2, 2, 0]);
    }
}
