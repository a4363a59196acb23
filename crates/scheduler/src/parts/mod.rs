//! What policies are composed of.
//!
//! A [`Composed`] policy is a [`Ranking`], which says who comes first, and [`Parts`], which are the
//! same for all rankings and chosen by parameters: where a job runs, how much of it at once, when
//! it is given up, as which network of a supernet it runs, and when it makes room for another. A
//! [`Mapped`] policy has a [`MapScore`] instead, which says who goes where in one number, with the parts
//! that this leaves, and may tune its weights while it runs. So an ablation is a parameter, not a copy of
//! a policy.

mod composed;
mod decision_time;
mod drop_rule;
mod granularity;
mod map_score;
mod mapped;
mod placement;
mod preemption;
mod ranking;
mod search;
mod shortlist;
mod smart_drop;
mod static_assignment;
mod tuner;
mod variant_choice;

pub use composed::{Composed, Parts};
pub use decision_time::DecisionTime;
pub use drop_rule::DropRule;
pub use granularity::Granularity;
pub use map_score::{MapScore, ToGo, Weights};
pub(crate) use mapped::mapped_schema;
pub use mapped::{Mapped, MappedParts};
pub use placement::PlacementRule;
pub use preemption::{PreemptionRule, next_boundary};
pub use ranking::{Ranking, Standing};
pub use search::{Search, SearchMethod, SearchOptions};
pub use smart_drop::{Excess, SmartDrop, SparedUpstream};
pub use static_assignment::StaticAssignment;
pub use tuner::{Restart, Tuner, window_cost};
pub use variant_choice::{Queue, VariantChoice, VariantRule};

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
            $crate::parts::SmartDrop::WINDOW,
            $crate::parts::SmartDrop::CAP,
            $crate::parts::SmartDrop::EXCESS,
            $crate::parts::SmartDrop::UPSTREAM,
            $crate::parts::VariantChoice::parameter("default"),
            $crate::parts::VariantChoice::QUEUE,
            $crate::parts::PreemptionRule::parameter("never"),
            $crate::parts::DecisionTime::BASE,
            $crate::parts::DecisionTime::PER_JOB,
        ]
    };
}
pub(crate) use schema;
