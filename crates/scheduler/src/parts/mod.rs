//! Parts of which policies are composed.
//!
//! A [`Composed`] policy is a [`Ranking`], which orders jobs, and [`Parts`], which are the
//! same for all rankings and chosen by parameters: where a job runs, how much of it at once, with which
//! other jobs, when it is dropped, as which variant of a supernet it runs, when it makes room for another, and at which
//! clocks. A
//! [`Mapped`] policy has a [`MapScore`] instead, which maps jobs to accelerators by one number, with the parts
//! that this leaves, and may tune its weights while it runs. So an ablation is a parameter, not a copy of
//! a policy.

mod batching;
mod composed;
mod decision_time;
mod drop_rule;
mod governor;
mod granularity;
mod map_score;
mod mapped;
mod placement;
pub(crate) mod points;
mod preemption;
mod ranking;
mod search;
mod serial_tasks;
mod serving;
mod smart_drop;
mod static_assignment;
mod ties;
mod tournament;
mod tuner;
mod unit_rule;
mod variant_choice;
mod waiting_jobs;

pub use batching::Batching;
pub use composed::{Composed, Parts};
pub use decision_time::DecisionTime;
pub use drop_rule::DropRule;
pub use governor::{Blocking, Governor};
pub use granularity::Granularity;
pub use map_score::{MapScore, StarvationUnit, ToGo, Weights};
pub use mapped::{Mapped, MappedParts};
pub use placement::{CountSwitches, Placement, PlacementRule};
pub use preemption::{PreemptionRule, next_boundary};
pub use ranking::{Ranking, ScoreTerms, TermsSpan};
pub use search::{Search, SearchMethod, SearchOptions};
pub use serial_tasks::SerialTasks;
pub use serving::{
    Batch, Candidate, Lateness, Queue as RequestQueue, Queues, Room, Server, Serving, ServingRule, Slowdowns,
    Tracked, lateness,
};
pub use smart_drop::{Excess, SmartDrop, SparedUpstream};
pub use static_assignment::StaticAssignment;
pub use ties::{DeclaredTies, Ties};
pub use tuner::{Restart, Tuner, window_cost};
pub use unit_rule::UnitRule;
pub use variant_choice::{Queue, VariantChoice, VariantRule};
