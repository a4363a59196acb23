//! Conclusions from results, as data: who is best, who is told apart from it, and at what expense.

use rtmm_sweep::plan::Plan;
use rtmm_sweep::ranking::{Competitors, Estimated, Ranked, Ranking, Sampling, Standings, Verdict};
use rtmm_sweep::results::Results;
use rtmm_sweep::runner::Column;

use super::undone::Completions;

/// The conclusion of a report.
pub(in super::super) struct Conclusion {
    /// The column that competitors are ranked by.
    pub metric: Column,
    /// The column of what they spend.
    pub expense: Option<Column>,
    pub outcome: Outcome,
    pub sampling: Sampling,
    /// Numbers of what values are means over, and what these are: scenarios, platforms, values of axes.
    pub means_over: Vec<(usize, String)>,
}

/// Outcome of a competition, if anything competes.
pub(in super::super) enum Outcome {
    /// Nothing competes: the value of the one policy on the one platform, and what it spends.
    Alone { value: Estimated, spent: Option<Estimated> },
    /// Several do.
    Ranked(Box<Competition>),
}

/// A ranking with what competitors spend.
pub(in super::super) struct Competition {
    pub ranking: Ranking,
    /// Values of the expense, where the runner has one and competitors have values of it.
    pub spending: Option<Standings>,
    /// The competitor that spends least, against the best one.
    pub cheapest: Option<Cheapest>,
    /// Metrics that competitors are first by who leave work undone.
    pub completions: Option<Completions>,
}

/// The competitor that spends least.
pub(in super::super) struct Cheapest {
    pub competitor: usize,
    /// Its value of the metric.
    pub value: f64,
    pub spent: f64,
    /// Relation of its expense to that of the best by the metric.
    pub verdict: Verdict,
    /// Difference from what the best spends, as a part of that; negative.
    pub relative: Option<Estimated>,
}

impl Conclusion {
    /// The conclusion from some results; `None` where the runner has no column of which more or less is better, or no
    /// competitor has a value of it.
    pub(in super::super) fn of(results: &Results<'_>) -> Option<Self> {
        let plan = results.plan();
        let columns = &plan.spec().cell_columns;
        let metric = columns.iter().position(|column| column.summarised && column.better.is_some())?;
        let expense = results.expense();
        let (outcome, sampling, places) = match Competitors::of(plan) {
            None => {
                let standings = Standings::of(results, Competitors::Policies, metric)?;
                let spending = expense.and_then(|of| Standings::of(results, Competitors::Policies, of));
                let spent = spending.and_then(|spending| spending.estimate(0));
                let value = standings.estimate(0)?;
                (Outcome::Alone { value, spent }, standings.sampling(), standings.places())
            }
            Some(competitors) => {
                let spending = expense.and_then(|of| Standings::of(results, competitors, of));
                let ranking = Ranking::of(results, metric, spending.as_ref())?;
                let cheapest = spending.as_ref().and_then(|spending| Cheapest::of(&ranking, spending));
                let (sampling, places) = (ranking.standings.sampling(), ranking.standings.places());
                let completions = Completions::of(results, competitors);
                let competition = Competition { ranking, spending, cheapest, completions };
                (Outcome::Ranked(Box::new(competition)), sampling, places)
            }
        };
        Some(Self {
            metric: columns[metric],
            expense: expense.map(|position| columns[position]),
            outcome,
            sampling,
            means_over: means_over(plan, places),
        })
    }
}

impl Cheapest {
    fn of(ranking: &Ranking, spending: &Standings) -> Option<Self> {
        let best = ranking.best()?.competitor;
        let spent = |ranked: &Ranked| Some((*ranked, spending.value(ranked.competitor)?));
        // Of equal ones the first in the ranking, so that the best is named where nothing spends less.
        let mut found = ranking.ranked.iter().filter_map(spent);
        let first = found.next()?;
        let (ranked, spent) = found.fold(first, |least, one| if one.1 < least.1 { one } else { least });
        Some(Self {
            competitor: ranked.competitor,
            value: ranked.value,
            spent,
            verdict: spending.verdict(ranked.competitor, best),
            relative: spending.relative_difference(ranked.competitor, best),
        })
    }
}

/// Parts of cells in which places differ, where there are several.
fn means_over(plan: &Plan<'_>, places: usize) -> Vec<(usize, String)> {
    let axes = plan.axes();
    if places <= 1 {
        return Vec::new();
    }
    if !axes.pairs.is_empty() {
        return vec![(places, "pairs of scenario and platform, with what else varies,".to_owned())];
    }
    let mut parts = vec![(axes.workloads.len(), "scenarios".to_owned())];
    // Platforms that compete are not joined.
    if axes.policies.len() > 1 {
        parts.push((axes.platforms.len(), "platforms".to_owned()));
    }
    let varied =
        axes.variations.iter().map(|one| (one.values.len(), format!("values of the {}", one.label())));
    parts.extend(varied);
    parts.retain(|(count, _)| *count > 1);
    parts
}
