//! Figures of outcomes: probabilities over sizes of errors.

use rtmm_report::{Interval, LinePoint, LineSeries, Lines, Svg, TWO_COLUMNS_PT};

use super::words::with_space;
use crate::contest::Contest;
use crate::outcome::{AxisOutcome, Outcome};

/// The most lines of a figure.
const MAX_LINES: usize = 8;
/// Of so many lines bands can be told apart.
const MAX_BANDS: usize = 3;

/// A drawing with its words.
pub(super) struct Drawn {
    pub title: String,
    pub caption: String,
    pub svg: Svg,
}

/// The probability that the best policy of a metric beats each of the others, over sizes; none where there is no such contest.
pub(super) fn of(outcome: &Outcome, axis: &AxisOutcome, metric: usize) -> Option<Drawn> {
    let contests = || {
        axis.contests
            .iter()
            .filter(|contest| contest.metric == metric && !contest.is_tied && !contest.points.is_empty())
    };
    let wins = |policy: usize| contests().filter(|contest| contest.winner == policy).count();
    let best = (0..outcome.policies.len()).rev().max_by_key(|policy| wins(*policy))?;
    let mut shown: Vec<&Contest> = contests().filter(|contest| contest.winner == best).collect();
    let all = shown.len();
    if all == 0 {
        return None;
    }
    // Those whose margin is the least are in question.
    shown.sort_by_key(|contest| (contest.margins.first().map(|margin| margin.holds), contest.loser));
    shown.truncate(MAX_LINES);
    let label = outcome.metrics[metric].label();
    let winner = &outcome.policies[best];
    let series = shown.iter().map(|contest| line(outcome, contest, shown.len() <= MAX_BANDS)).collect();
    let stated = outcome.stated.error.filter(|_| axis.axis.is_of_costs);
    let title = format!("{winner} beats others in {label}, where {} as much", axis.axis.subject);
    let lines = Lines {
        description: title.clone(),
        x_label: format!("size of errors (%{})", with_space(axis.axis.unit)),
        y_label: "draws won (%)".to_owned(),
        series,
        y_range: Some((0.0, 100.0)),
        marks: stated.map(|error| (error.percent(), "stated error".to_owned())).into_iter().collect(),
        x_end: stated.map(|error| error.percent()),
        width_pt: TWO_COLUMNS_PT,
        ..Lines::default()
    };
    let which = match all {
        all if all > shown.len() => format!("the {} of {all} with the least margins", shown.len()),
        _ => "all that it beats without errors".to_owned(),
    };
    let mark = match stated {
        Some(_) => " What lies left of the dashed line is within the error that the cost models state.",
        None if axis.axis.is_of_costs => " The error of the cost models is not stated.",
        None => "",
    };
    let caption = format!(
        "Share of {} draws in which {winner} still beats another policy in {label}: {which}. Where a line falls below {} %, the \
         conclusion turns.{mark}",
        outcome.draws,
        outcome.levels.first().map_or(0, |level| level.percent()),
    );
    Some(Drawn { title, caption, svg: lines.to_svg() })
}

fn line(outcome: &Outcome, contest: &Contest, has_band: bool) -> LineSeries {
    let without = LinePoint { x: 0.0, y: Some(100.0), interval: None };
    let points = contest.points.iter().map(|point| {
        let interval = point.interval();
        LinePoint {
            x: point.size.percent(),
            y: Some(100.0 * point.probability()),
            interval: has_band
                .then_some(Interval { lower: 100.0 * interval.low, upper: 100.0 * interval.high }),
        }
    });
    LineSeries {
        name: outcome.policies[contest.loser].clone(),
        points: std::iter::once(without).chain(points).collect(),
    }
}
