//! What policies are composed of.
//!
//! A composed policy is a [`Ranking`], which says who comes first, and [`Parts`], which are the
//! same for all rankings and chosen by parameters: where a job runs, how much of it at once, when
//! it is given up, and when it makes room for another. So an ablation is a parameter, not a copy
//! of a policy.

mod composed;
mod decision_time;
mod drop_rule;
mod granularity;
mod placement;
mod preemption;
mod ranking;

pub use composed::{Composed, Parts};
pub use decision_time::DecisionTime;
pub use drop_rule::DropRule;
pub use granularity::Granularity;
pub use placement::PlacementRule;
pub use preemption::{PreemptionRule, next_boundary};
pub use ranking::{Ranking, Standing};

use std::borrow::Cow;

use crate::parameters::{Allowed, Parameter, ParameterValue};

/// A parameter whose value is one of some words.
pub(crate) const fn word(
    name: &'static str,
    meaning: &'static str,
    default: &'static str,
    words: &'static [&'static str],
) -> Parameter {
    let default = ParameterValue::Choice(Cow::Borrowed(default));
    Parameter { name, meaning, default, allowed: Allowed::Choice(words) }
}

/// The schema of a composed policy: parameters of its own, then those of its parts.
macro_rules! schema {
    (granularity: $granularity:literal, drop: $drop:literal $(, $own:expr)* $(,)?) => {
        &[
            $($own,)*
            $crate::parts::Granularity::parameter($granularity),
            $crate::parts::Granularity::BLOCK_LAYERS,
            $crate::parts::PlacementRule::parameter("fastest-idle"),
            $crate::parts::DropRule::parameter($drop),
            $crate::parts::PreemptionRule::parameter("never"),
            $crate::parts::DecisionTime::BASE,
            $crate::parts::DecisionTime::PER_JOB,
        ]
    };
}
pub(crate) use schema;
