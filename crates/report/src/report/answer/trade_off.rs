//! The metric of a ranking against what competitors spend, one point each.

use rtmm_sweep::ranking::front;
use rtmm_sweep::runner::Better;

use super::conclusion::{Conclusion, Outcome};
use crate::figure::scatter::{Scatter, ScatterPoint};
use crate::figure::{Svg, TWO_COLUMNS_PT};
use crate::report::reading::{factor_of, label_of, name_of, unit_of};
use crate::text::capitalised;

/// The most points that all have a label.
const MAX_LABELS: usize = 24;
/// The most names that a label of several equal points has.
const MAX_NAMES: usize = 3;

/// A figure with its title and caption.
pub(in super::super) struct TradeOff {
    pub title: String,
    pub caption: String,
    pub svg: Svg,
}

/// A place that one or more competitors share.
struct Place {
    x: f64,
    y: f64,
    names: Vec<String>,
}

/// The trade-off; `None` where fewer than two competitors have both values.
pub(in super::super) fn figure(conclusion: &Conclusion, names: &[String], what: &str) -> Option<TradeOff> {
    let Outcome::Ranked(competition) = &conclusion.outcome else { return None };
    let (spending, expense) = competition.spending.as_ref().zip(conclusion.expense.as_ref())?;
    let (ranking, metric) = (&competition.ranking, &conclusion.metric);
    let mut places: Vec<Place> = Vec::new();
    for ranked in &ranking.ranked {
        let Some(spent) = spending.value(ranked.competitor) else { continue };
        let (x, y) = (spent * factor_of(expense), ranked.value * factor_of(metric));
        let name = names[ranked.competitor].clone();
        match places.iter_mut().find(|place| (place.x, place.y) == (x, y)) {
            Some(place) => place.names.push(name),
            None => places.push(Place { x, y, names: vec![name] }),
        }
    }
    if places.iter().map(|place| place.names.len()).sum::<usize>() < 2 {
        return None;
    }
    let sign = match ranking.better {
        Better::Lower => 1.0,
        Better::Higher => -1.0,
    };
    let coordinates: Vec<(f64, f64)> = places.iter().map(|place| (place.x, sign * place.y)).collect();
    let on_front = front(&coordinates);
    let all_have_labels = places.len() <= MAX_LABELS;
    let points = places.iter().zip(&on_front).map(|(place, on_front)| ScatterPoint {
        label: if all_have_labels || *on_front { label(&place.names) } else { String::new() },
        x: place.x,
        y: place.y,
        strong: *on_front,
    });
    let (x, y) = (name_of(expense), name_of(metric));
    let title = capitalised(&format!("{y} against {x}"));
    let unnamed = if all_have_labels { "" } else { " Only these have their names." };
    let caption = format!(
        "One point a {what}. Bold and joined: no other {what} is at least as good in both and better in one.{unnamed} \
         {}. {}.",
        capitalised(metric.meaning),
        capitalised(expense.meaning)
    );
    let scatter = Scatter {
        description: format!("{title}. {caption}"),
        x_label: label_of(&x, unit_of(expense).as_deref()),
        y_label: label_of(&y, unit_of(metric).as_deref()),
        points: points.collect(),
        has_front: true,
        width_pt: TWO_COLUMNS_PT / 1.3,
        ..Scatter::default()
    };
    Some(TradeOff { title, caption, svg: scatter.to_svg() })
}

/// Names of equal points.
fn label(names: &[String]) -> String {
    match names.len().checked_sub(MAX_NAMES) {
        None | Some(0) => names.join(" = "),
        Some(more) => format!("{} = {more} more", names[..MAX_NAMES].join(" = ")),
    }
}
