//! The answer of a report: what stands first.
//!
//! [`conclusion`] says what follows from the results, as data, and [`undone`] which metrics do not suffice; [`words`], [`table`] and [`trade_off`] say it in sentences,
//! in a table and in a figure.

pub(super) mod conclusion;
pub(super) mod table;
pub(super) mod trade_off;
pub(super) mod undone;
pub(super) mod words;

use rtmm_sweep::plan::Plan;
use rtmm_sweep::ranking::Competitors;
use rtmm_sweep::runner::short_names;

use crate::text::short_labels;

/// The names of competitors for readers, in the order of the plan.
pub(super) fn names_of(plan: &Plan<'_>, competitors: Competitors) -> Vec<String> {
    match competitors {
        Competitors::Policies => short_names(&plan.axes().policies),
        Competitors::Platforms => {
            let names: Vec<&str> =
                plan.axes().platforms.iter().map(|platform| platform.name.as_str()).collect();
            short_labels(&names)
        }
    }
}

/// The subject of a sentence where nothing competes: the policy on the platform, in backticks.
pub(super) fn subject(plan: &Plan<'_>) -> String {
    let axes = plan.axes();
    let policy = axes.policies.first().map_or("", |policy| &policy.name);
    let platform = names_of(plan, Competitors::Platforms);
    format!("`{policy}` on `{}`", platform.first().map_or("", String::as_str))
}
