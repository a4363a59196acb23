//! Why a run could not be made, or could not go on.

use rtmm_hardware::{NoCost, Unmeasured};
use rtmm_scheduler::{Decision, PolicyError};
use rtmm_workload::Time;
use thiserror::Error;

use crate::pins::PinFault;

/// A factor as text, without digits that do not matter.
fn factor(factor: f64) -> String {
    if factor < 10.0 { format!("{factor:.2}") } else { format!("{factor:.0}") }
}

const PICOSECONDS_PER_DAY: u64 = 86_400_000_000_000_000;

/// Failure of a simulation.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum SimulationError {
    /// Layers that no accelerator of the platform runs.
    #[error("{} layers cannot run on the platform, the first: {}", .0.len(), .0.first().map(ToString::to_string).unwrap_or_default())]
    NoCost(Vec<NoCost>),
    /// Pairs of models that may run beside each other on an accelerator, and that its rule of co-location says nothing of.
    #[error(
        "{} pairs of models were not measured beside each other, the first: {}; add rows of them, or state a slowdown for \
         what was not measured (`unmeasured = 1.1` in `co_location`)",
        .0.len(),
        .0.first().map(ToString::to_string).unwrap_or_default()
    )]
    Unmeasured(Vec<Unmeasured>),
    /// Tasks that cannot be pinned as the scenario says.
    #[error("{}", .0.iter().map(PinFault::told).collect::<Vec<_>>().join("; "))]
    Pins(Vec<PinFault>),
    /// A policy took a decision that the state does not allow.
    #[error(
        "policy `{policy}` took an illegal decision at {} ps: {decision:?}: {reason}",
        now.picoseconds()
    )]
    IllegalDecision {
        /// Name of the policy.
        policy: String,
        /// When.
        now: Time,
        /// The decision.
        decision: Decision,
        /// Why it is illegal.
        reason: Illegal,
    },
    /// A policy cannot go on.
    #[error("policy `{policy}` failed at {} ps: {error}", now.picoseconds())]
    PolicyFailed {
        /// Name of the policy.
        policy: String,
        /// The instant of the run.
        now: Time,
        /// Reason of the failure.
        error: PolicyError,
    },
    /// More jobs are live than a run holds: releases outpace the accelerators without an end.
    #[error(
        "{live} jobs are live at {} ps, more than a run holds; {of_task} are of task `{task}`, which asks for {} times what \
         all accelerators can do: release it less often, run faster models, or drop jobs that are late (`drop=late`)",
        now.picoseconds(),
        factor(*.utilisation)
    )]
    TooManyJobs {
        /// When.
        now: Time,
        /// Number of live jobs.
        live: usize,
        /// Name of the task that has most of them.
        task: String,
        /// Its live jobs.
        of_task: usize,
        /// Latencies of its jobs so far, by themselves in the mean over accelerators, over the time of all accelerators.
        utilisation: f64,
    },
    /// A run that is to end with its last job has runs that end beyond the last instant of the clock, or never.
    #[error(
        "{runs} runs on accelerators end beyond the last instant that the clock counts, {} days: their jobs would stay \
         undecided; state shorter times, or cut the run at its duration (`end_of_run=cut`)",
        Time::MAX.picoseconds() / PICOSECONDS_PER_DAY
    )]
    BeyondClock {
        /// Their number.
        runs: usize,
    },
    /// A policy never has enough.
    #[error("policy `{policy}` took {rounds} rounds of decisions at {} ps without an end", now.picoseconds())]
    EndlessDecisions {
        /// Name of the policy.
        policy: String,
        /// When.
        now: Time,
        /// Number of times that it was asked.
        rounds: u32,
    },
}

/// Why a decision is illegal.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Illegal {
    /// There is no such job, or it is over.
    #[error("there is no such job, or it is over")]
    NoSuchJob,
    /// The job waits for another one's output.
    #[error("the job waits for the output of another job")]
    InputsNotReady,
    /// The job runs already.
    #[error("the job runs already")]
    JobRuns,
    /// There is no such accelerator.
    #[error("there is no such accelerator")]
    NoSuchAccelerator,
    /// Runs hold too many units of it.
    #[error("the accelerator is busy")]
    AcceleratorBusy,
    /// The job's task is pinned to other accelerators.
    #[error("the task is pinned to other accelerators")]
    PinnedElsewhere,
    /// The accelerator has no cost for the next layer of the job.
    #[error("the accelerator does not run the next layer of the job")]
    LayerNotSupported,
    /// The platform states no cost for so many units.
    #[error("no run of the accelerator may hold so many units")]
    NoSuchUnits,
    /// There is no such run, or it is over.
    #[error("there is no such run, or it is over")]
    NoSuchRun,
    /// The run is to end at its next boundary.
    #[error("the run is to end already")]
    RunEnds,
    /// The run is to be resized at its next boundary.
    #[error("the run is to be resized already")]
    ResizesAlready,
    /// The run has so many units.
    #[error("the run has so many units already")]
    NothingToResize,
    /// A run of no jobs.
    #[error("a run has at least one job")]
    EmptyBatch,
    /// A batch that stands in another list of decisions.
    #[error("the batch is none of this list of decisions")]
    NoSuchBatch,
    /// More jobs than the accelerator runs at once, or than all layers of the model have a cost for.
    #[error("the accelerator runs no batch of so many jobs of the model")]
    BatchTooLarge,
    /// A batch with a job that has started.
    #[error("a batch forms of jobs that have not started")]
    BatchOfStarted,
    /// A batch of several models.
    #[error("the jobs of a batch are to run as one model")]
    UnlikeModels,
    /// A batch with a job twice.
    #[error("a job is in the batch twice")]
    TwiceInBatch,
    /// The task has no such variant.
    #[error("the task has no such variant")]
    NoSuchVariant,
    /// The job began as another variant.
    #[error("the job began as another network")]
    VariantIsFixed,
    /// The job is to be dropped already.
    #[error("the job is to be dropped already")]
    AlreadyDropped,
    /// A timer in the past or present.
    #[error("the timer is not later than now")]
    TimerNotInFuture,
    /// Runs would have more than the whole between them.
    #[error("the shares would be more than the whole")]
    SharesAboveWhole,
    /// A share of nothing: what runs there would never end.
    #[error("a share of nothing")]
    EmptyShare,
    /// The platform does not divide anything by shares.
    #[error("the platform does not divide its memory bandwidth by shares")]
    NoShares,
    /// A checkpoint where an accelerator has no bandwidth for activations: the job may go on there.
    #[error("the platform states no bandwidth at which every accelerator moves activations")]
    NoContextMoves,
    /// A point of hardware of which the platform states none.
    #[error("the platform states no operating points of it")]
    NoPoints,
    /// There is no such operating point.
    #[error("it has no such operating point")]
    NoSuchPoint,
    /// It is at that point.
    #[error("it is at this operating point already")]
    NothingToChange,
    /// A change of point is not complete.
    #[error("its operating point is changing")]
    PointChanges,
    /// The platform states no power gating of the accelerator.
    #[error("the platform does not say that the accelerator can be gated")]
    NoGating,
    /// The accelerator is gated.
    #[error("the accelerator is gated already")]
    GatedAlready,
    /// A kind of decision that this engine does not know.
    #[error("the engine knows no such decision")]
    Unknown,
}
