//! PREMA's preemption mechanisms: how the job that runs makes room for one that comes before it.
//!
//! Source: Choi and Rhu, *PREMA: A Predictive Multi-task Scheduling Algorithm for Preemptible NPUs*, HPCA 2020, sections on
//! preemption and on the choice of a mechanism, as far as they are known:
//!
//! | mechanism | effect |
//! | --- | --- |
//! | drain | the running segment goes on to its end |
//! | checkpoint | at the next tile, what is computed of the layer's output goes to memory and comes back later |
//! | kill | at the next tile, and what was done of the layer is lost |
//! | dynamic | drain where preempting would slow the running job down more than waiting slows the other one; else what costs the array less time, checkpoint or kill |
//!
//! ```text
//! slowdown of the running job = remaining(other) / isolated(running)
//! slowdown of the other one   = remaining(running) / isolated(other)
//! checkpoint costs writing and reading the context, kill costs what is done of the layer
//! ```
//!
//! Sure: the three mechanisms, and that the state of activations over the bandwidth is what a checkpoint costs. Likely: the
//! two slowdowns by which the publication drains or checkpoints. Ours: that the dynamic choice may kill, which mechanism is
//! the cheaper one, that a killed job loses its layer and no more, and that it stops at a tile.

use rtmm_workload::parameters::{Choice, Declared, Parameters, Span};
use rtmm_workload::{Duration, Time};

use super::Prema;
use crate::decision::{Decision, Decisions, Preemption};
use crate::job::Job;
use crate::parts::{Composed, PreemptionRule};
use crate::policy::{Interests, Notice, Policy};
use crate::policy_error::PolicyError;
use crate::run::Run;
use crate::terms;
use crate::truth::Truth;
use crate::view::View;

/// A mechanism, or the rule that finds one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// The running segment goes on to its end.
    Drain,
    /// The context is written at the next quantum.
    Checkpoint,
    /// The layer is lost at the next quantum.
    Kill,
    /// One of the three, chosen for each preemption.
    Dynamic,
}

/// None stands for the boundary that `preemption` states, where keeping what was done costs nothing.
const MECHANISM: Choice<Option<Mechanism>> = Choice::new(
    "preemption_mechanism",
    "how a running job makes room, in place of preemption: at its segment's end, by writing its context, by losing its \
     layer, or what suits best",
    None,
    &[
        ("none", None),
        ("drain", Some(Mechanism::Drain)),
        ("checkpoint", Some(Mechanism::Checkpoint)),
        ("kill", Some(Mechanism::Kill)),
        ("dynamic", Some(Mechanism::Dynamic)),
    ],
)
.unstated_at_default();

const PERIOD: Span = Span::new(
    "scheduling_period",
    "with a preemption_mechanism: decisions at multiples of this beside those at arrivals and ends, while jobs wait; 0: none",
    Duration::from_picoseconds(250_000_000),
    Duration::ZERO..=Duration::from_picoseconds(1_000_000_000_000),
)
.unstated_at_default();

impl Mechanism {
    /// Its parameters.
    pub(super) const PARAMETERS: &[&dyn Declared] = &[&MECHANISM, &PERIOD];

    /// The mechanism that parameters state; none where they state none.
    #[must_use]
    pub fn read(parameters: &Parameters) -> Option<Self> {
        parameters.read(&MECHANISM)
    }

    /// The rule of preemption that it goes by.
    #[must_use]
    pub const fn rule(self) -> PreemptionRule {
        match self {
            Self::Drain => PreemptionRule::Never,
            Self::Checkpoint | Self::Kill | Self::Dynamic => PreemptionRule::Quantum,
        }
    }

    /// True if it may write contexts, for which the platform must state bandwidths.
    const fn writes(self) -> bool {
        matches!(self, Self::Checkpoint | Self::Dynamic)
    }

    /// The mode in which a run makes room for the first of the jobs that wait, where its own job stands at the next
    /// boundary; none where it goes on to its end.
    pub(super) fn mode(
        self,
        view: &View<'_>,
        run: &Run,
        times: &Times,
        at_boundary: &Job,
    ) -> Option<Preemption> {
        match self {
            Self::Drain => None,
            Self::Checkpoint => Some(Preemption::Checkpoint),
            Self::Kill => Some(Preemption::Kill),
            Self::Dynamic => {
                let of_running = terms::ratio(times.remaining_other, times.isolated_running);
                let of_other = terms::ratio(times.remaining_running, times.isolated_other);
                if of_running > of_other {
                    return None;
                }
                let (model, progress) = (at_boundary.model, at_boundary.progress);
                let context = view.profile.context(model, progress);
                let (one_way, _) = view.profile.context_move(run.accelerator, context);
                let lost = view.profile.done_of_layer(model, progress, run.class);
                let is_cheaper = lost < one_way.saturating_add(one_way);
                Some(if is_cheaper { Preemption::Kill } else { Preemption::Checkpoint })
            }
        }
    }
}

/// Estimates of the job that runs and of the one that comes before it, in seconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    /// Rest of the running job at its next boundary.
    pub remaining_running: f64,
    /// All of it by itself.
    pub isolated_running: f64,
    /// Rest of the other.
    pub remaining_other: f64,
    /// All of the other.
    pub isolated_other: f64,
}

/// PREMA with a mechanism: time multiplexing of accelerators, with decisions at a period as well.
#[derive(Clone, Debug)]
pub(super) struct Multiplexed {
    composed: Composed<Prema>,
    mechanism: Mechanism,
    period: Duration,
    /// The next decision of the period that was asked for.
    timer: Time,
}

impl Multiplexed {
    pub(super) fn new(composed: Composed<Prema>, mechanism: Mechanism, parameters: &Parameters) -> Self {
        Self { composed, mechanism, period: parameters.read(&PERIOD), timer: Time::ZERO }
    }

    /// The next multiple of the period, if a decision then could change something and was not asked for yet.
    fn next_timer(&self, view: &View<'_>) -> Option<Time> {
        let (period, now) = (self.period.picoseconds(), view.now.picoseconds());
        let is_due = self.timer <= view.now && view.ready().len() > 0;
        if period == 0 || self.mechanism == Mechanism::Drain || !is_due {
            return None;
        }
        (now / period).checked_add(1)?.checked_mul(period).map(Time::from_picoseconds)
    }
}

impl Policy for Multiplexed {
    fn decide(
        &mut self,
        view: &View<'_>,
        truth: Option<&Truth<'_>>,
        out: &mut Decisions,
    ) -> Result<(), PolicyError> {
        if self.mechanism.writes()
            && let Some(accelerator) = view.profile.without_context_moves()
        {
            return Err(PolicyError::new(format!(
                "`preemption_mechanism` writes contexts, and the platform states no bandwidth for those of accelerator {}: \
                 add `context_switch = {{ activations = {{ bandwidth = ... }} }}` to it, or choose `drain` or `kill`",
                accelerator.index()
            )));
        }
        self.composed.decide(view, truth, out)?;
        if out.is_empty()
            && let Some(at) = self.next_timer(view)
        {
            self.timer = at;
            out.push(Decision::SetTimer { at, tag: 0 });
        }
        Ok(())
    }

    fn interests(&self) -> Interests {
        self.composed.interests()
    }

    fn notify(&mut self, notice: &Notice, view: &View<'_>) -> Result<(), PolicyError> {
        self.composed.notify(notice, view)
    }

    fn decision_time(&self, view: &View<'_>) -> Result<Duration, PolicyError> {
        self.composed.decision_time(view)
    }

    fn without_memory(&self) -> Option<Box<dyn Policy>> {
        Some(Box::new(Self { composed: self.composed.clone().forgetful(), ..self.clone() }))
    }

    fn boxed_clone(&self) -> Option<Box<dyn Policy>> {
        Some(Box::new(self.clone()))
    }
}
