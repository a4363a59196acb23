//! The seam between the engine and whatever decides.

use std::fmt;

use rtmm_workload::{Duration, LayerId, ModelId};

use crate::decision::Decisions;
use crate::ids::JobId;
use crate::ids::RunId;
use crate::policy_error::PolicyError;
use crate::truth::Truth;
use crate::tuning::TuningWindow;
use crate::view::View;

/// A scheduler: a decision function over a read-only view.
///
/// It is asked at every instant at which something happened, once all of it has been taken in, and
/// again in the same instant until it has no more to say. It must be pure but for its own state: no
/// clock, file, thread or random number that is not addressed.
///
/// A hook that fails ends the run: the error names the policy and the instant.
pub trait Policy: fmt::Debug + Send {
    /// Appends what should be done now to `out`, which is empty. All of it must be legal in the
    /// state that `view` shows, taken in order.
    ///
    /// `truth` is there for policies whose registry row says `oracle`, and only for them.
    ///
    /// # Errors
    /// [`PolicyError`] where the policy cannot decide.
    fn decide(
        &mut self,
        view: &View<'_>,
        truth: Option<&Truth<'_>>,
        out: &mut Decisions,
    ) -> Result<(), PolicyError>;

    /// The notices that [`Policy::notify`] needs. Asked once, before the run.
    fn interests(&self) -> Interests {
        Interests::default()
    }

    /// Hears of something that happened, in the order in which it did; decisions come later, at the
    /// end of the instant.
    ///
    /// # Errors
    /// [`PolicyError`] where the policy cannot take it in.
    fn notify(&mut self, _notice: &Notice, _view: &View<'_>) -> Result<(), PolicyError> {
        Ok(())
    }

    /// The time that one decision takes. Dispatches begin that much later; the scheduler makes one
    /// decision after the other.
    ///
    /// # Errors
    /// [`PolicyError`] where the policy cannot say.
    fn decision_time(&self, _view: &View<'_>) -> Result<Duration, PolicyError> {
        Ok(Duration::ZERO)
    }

    /// The same policy that looks at everything afresh at every decision: what it remembers must change
    /// nothing that it decides. A copy of it where it remembers nothing, and none where it cannot be copied.
    fn without_memory(&self) -> Option<Box<dyn Policy>> {
        self.boxed_clone()
    }

    /// Changes that it made to its own parameters so far, in the order of time; nothing where it tunes none.
    fn tuning(&self) -> &[TuningWindow] {
        &[]
    }

    /// A copy in the same state, so that a run can be copied; none where the policy cannot be, such as one that
    /// talks to another process. Running it needs no copy.
    fn boxed_clone(&self) -> Option<Box<dyn Policy>> {
        None
    }
}

/// The notices that a policy wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interests {
    /// Releases, readiness, completions and drops of jobs.
    pub jobs: bool,
    /// Every layer that completes, at its own instant. Costs an event a layer.
    pub layers: bool,
    /// Phases of the scenario, and timers.
    pub times: bool,
}

/// Something that happened.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Notice {
    /// A job can be seen for the first time; it is waiting or ready.
    Released(JobId),
    /// A job that waited has all its inputs.
    InputsReady(JobId),
    /// A job is complete; the view shows it for the last time.
    Completed(JobId),
    /// A job was dropped, by the policy or because a job that it needed was; the view shows it for
    /// the last time.
    Dropped(JobId),
    /// A layer is complete.
    LayerCompleted {
        /// The job that it belongs to.
        job: JobId,
        /// The model that it ran as.
        model: ModelId,
        /// The layer.
        layer: LayerId,
        /// The run that it was part of.
        run: RunId,
        /// Its latency.
        latency: Duration,
        /// The share of zeros that its monitor counted in its input; none where the model has no
        /// recorded samples.
        sparsity: Option<f64>,
    },
    /// A phase of the scenario begins: its position, counted from 0 for the first stated one.
    PhaseChanged(usize),
    /// A timer that the policy set.
    Timer(u64),
}
