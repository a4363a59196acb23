//! Targets, and whether a session meets them: fixed before the session was measured, by sensitivity of a cell.

use super::compare::{Beside, Compared, Comparison, Quantity};
use super::statistics::{median, share_within};

/// Cells by the change of their simulated miss rate over 2 % of execution time either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Band {
    /// Below 1 point.
    Calm,
    /// From 1 to below 3 points.
    Between,
    /// From 3 points on: no machine repeats these.
    Sensitive,
}

impl Band {
    pub(super) const ALL: [Self; 3] = [Self::Calm, Self::Between, Self::Sensitive];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Calm => "below 1",
            Self::Between => "1 to 3",
            Self::Sensitive => "3 and more",
        }
    }

    /// The band of a cell.
    pub(super) fn of(compared: &Compared<'_>) -> Self {
        match compared.cell.sensitivity {
            points if points < 1.0 => Self::Calm,
            points if points < 3.0 => Self::Between,
            _ => Self::Sensitive,
        }
    }
}

/// A target with what was found.
pub(super) struct Finding {
    pub(super) band: &'static str,
    pub(super) quantity: &'static str,
    pub(super) target: String,
    pub(super) found: String,
    /// None where the session has nothing that it could be judged by.
    pub(super) is_met: Option<bool>,
    /// Values beyond the bound, each with the measurement that shows it.
    pub(super) beyond: Vec<String>,
}

/// A bound of the errors of tasks.
struct Bound {
    band: Band,
    quantity: Quantity,
    /// For 90 % of tasks.
    most: f64,
    /// For all.
    all: Option<f64>,
    /// Of the median error.
    median: Option<f64>,
}

/// Part of the tasks that bounds are asked of.
const MOST: f64 = 0.9;

const fn bound(band: Band, quantity: Quantity, most: f64, all: Option<f64>, median: Option<f64>) -> Bound {
    Bound { band, quantity, most, all, median }
}

/// The bounds of tasks.
const BOUNDS: [Bound; 8] = [
    bound(Band::Calm, Quantity::Misses, 0.5, Some(3.0), None),
    bound(Band::Calm, Quantity::Percentile(0), 10.0, None, Some(5.0)),
    bound(Band::Calm, Quantity::Percentile(1), 13.0, None, Some(6.0)),
    bound(Band::Calm, Quantity::Percentile(2), 18.0, None, Some(6.0)),
    bound(Band::Between, Quantity::Misses, 3.0, None, None),
    bound(Band::Between, Quantity::Percentile(0), 15.0, None, None),
    bound(Band::Between, Quantity::Percentile(1), 15.0, None, None),
    bound(Band::Between, Quantity::Percentile(2), 18.0, None, None),
];
/// Points of miss rate of all jobs, by band.
const OVERALL: [(Band, f64); 2] = [(Band::Calm, 1.0), (Band::Between, 2.0)];
/// Repeats that spread by more points say nothing about a cell of the middle band.
const WIDEST_REPEATS: f64 = 2.0;

/// All targets.
pub(super) fn findings(comparison: &Comparison<'_>, predictor: usize) -> Vec<Finding> {
    let mut findings: Vec<Finding> =
        OVERALL.iter().map(|(band, points)| overall(comparison, predictor, *band, *points)).collect();
    findings.push(ranges(comparison));
    findings.extend(BOUNDS.iter().map(|bound| tasks(comparison, predictor, bound)));
    let (count, wrong) = comparison.orderings(predictor);
    findings.push(Finding {
        band: "all",
        quantity: "order of policies",
        target: "right wherever miss rates differ by more than the repeats do".to_owned(),
        found: format!("{} of {count} right", count - wrong.len()),
        is_met: (count > 0).then_some(wrong.is_empty()),
        beyond: wrong,
    });
    findings
}

fn in_band<'c, 's>(comparison: &'c Comparison<'s>, band: Band) -> impl Iterator<Item = &'c Compared<'s>> {
    comparison.cells.iter().filter(move |compared| Band::of(compared) == band)
}

fn overall(comparison: &Comparison<'_>, predictor: usize, band: Band, points: f64) -> Finding {
    let (mut errors, mut beyond) = (Vec::new(), Vec::new());
    for compared in in_band(comparison, band) {
        let Some(beside) = compared.overall(predictor) else { continue };
        if band == Band::Between && beside.range.1 - beside.range.0 >= WIDEST_REPEATS {
            continue;
        }
        errors.push(beside.error);
        if beside.error > points {
            beyond.push(told(&compared.cell.title(), &beside, Quantity::Misses));
        }
    }
    let largest = errors.iter().copied().fold(0.0, f64::max);
    let of = if band == Band::Between { ", of cells whose repeats spread by less than 2" } else { "" };
    Finding {
        band: band.name(),
        quantity: "misses of all jobs",
        target: format!("{points} points{of}"),
        found: format!("at most {largest:.2} points in {} cells", errors.len()),
        is_met: (!errors.is_empty()).then_some(beyond.is_empty()),
        beyond,
    }
}

/// Where a cell is too sensitive for more: simulations at 3 % either way have to meet the repeats.
fn ranges(comparison: &Comparison<'_>) -> Finding {
    let (mut count, mut beyond) = (0, Vec::new());
    for compared in in_band(comparison, Band::Sensitive) {
        let Some(beside) = compared.overall(0) else { continue };
        count += 1;
        let (low, high) = compared.range;
        if beside.range.1 < low || high < beside.range.0 {
            beyond.push(format!(
                "{}: measured {:.2} to {:.2} %, simulated {low:.2} to {high:.2} %",
                compared.cell.title(),
                beside.range.0,
                beside.range.1
            ));
        }
    }
    Finding {
        band: Band::Sensitive.name(),
        quantity: "misses of all jobs",
        target: "simulations at 3 % of execution time either way meet the range of repeats".to_owned(),
        found: format!("{} of {count} cells", count - beyond.len()),
        is_met: (count > 0).then_some(beyond.is_empty()),
        beyond,
    }
}

fn tasks(comparison: &Comparison<'_>, predictor: usize, bound: &Bound) -> Finding {
    let Bound { band, quantity, most, all, median: middle } = bound;
    let (mut errors, mut beyond) = (Vec::new(), Vec::new());
    for compared in in_band(comparison, *band) {
        for beside in compared.tasks(predictor, *quantity) {
            errors.push(beside.error);
            if beside.error > *most {
                let place = format!("{}, `{}`", compared.cell.title(), beside.task);
                beyond.push((beside.error, told(&place, &beside, *quantity)));
            }
        }
    }
    // The worst first.
    beyond.sort_by(|one, other| other.0.total_cmp(&one.0));
    let unit = if *quantity == Quantity::Misses { "points" } else { "%" };
    let mut target = format!("{most} {unit} for 90 % of tasks");
    if let Some(all) = all {
        target.push_str(&format!(", {all} for all"));
    }
    if let Some(middle) = middle {
        target.push_str(&format!(", {middle} in the median"));
    }
    let share = share_within(&errors, *most);
    let largest = errors.iter().copied().fold(0.0, f64::max);
    let found_median = median(&errors);
    let is_met = share.zip(found_median).map(|(share, found)| {
        share >= MOST && all.is_none_or(|all| largest <= all) && middle.is_none_or(|middle| found <= middle)
    });
    let found = share.zip(found_median).map_or_else(
        || "no task".to_owned(),
        |(share, found)| {
            format!(
                "{:.1} % of {} tasks, {found:.2} {unit} in the median, {largest:.1} at most",
                100.0 * share,
                errors.len()
            )
        },
    );
    let beyond = beyond.into_iter().map(|(_, text)| text).collect();
    Finding { band: band.name(), quantity: task_name(*quantity), target, found, is_met, beyond }
}

fn task_name(quantity: Quantity) -> &'static str {
    match quantity {
        Quantity::Misses => "misses of a task",
        Quantity::Percentile(0) => "p50 of a task",
        Quantity::Percentile(1) => "p95 of a task",
        Quantity::Percentile(_) => "p99 of a task",
    }
}

/// A value that is beyond its bound, with the repeats, and what these say of it.
fn told(place: &str, beside: &Beside<'_>, quantity: Quantity) -> String {
    let unit = if quantity == Quantity::Misses { "%" } else { "ms" };
    let of_error = if quantity == Quantity::Misses { "points" } else { "%" };
    let (low, high) = beside.range;
    let reading = if beside.floor.is_none() {
        "a single run: nothing says what repeats differ by".to_owned()
    } else if (low..=high).contains(&beside.simulated) {
        "within the repeats".to_owned()
    } else if beside.widest >= beside.error {
        format!("repeats differ by as much: {:.1} {of_error}", beside.widest)
    } else {
        format!("repeats differ by {:.1} {of_error} at most: the simulator is off", beside.widest)
    };
    format!(
        "{place}: measured {:.2} [{low:.2}, {high:.2}] {unit}, simulated {:.2}, off by {:.1} {of_error}; {reading}",
        beside.measured, beside.simulated, beside.error
    )
}
