//! Reasons for which the loop cannot run a case, or the program stops.

use thiserror::Error;

/// Reason for which the loop cannot run a case.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum PlanariaError {
    /// A number of a case, or of a job at a decision, outside its range.
    #[error("the {what} is out of its range")]
    OutOfRange {
        /// Name of the number.
        what: &'static str,
    },
    /// A model without layers.
    #[error("model `{model}` has no layers")]
    NoLayers {
        /// Its name.
        model: String,
    },
    /// A layer without tiles for each number of subarrays.
    #[error(
        "layer `{layer}` of model `{model}` does not state tiles, and cycles above zero, for 1 to {subarrays} subarrays"
    )]
    Tiles {
        /// Name of the model.
        model: String,
        /// Name of the layer.
        layer: String,
        /// Subarrays of the accelerator.
        subarrays: u32,
    },
    /// A model of more cycles than doubles count.
    #[error("model `{model}` takes more than 2^53 cycles on some number of subarrays")]
    ModelTooLong {
        /// Its name.
        model: String,
    },
    /// Nothing to run.
    #[error("there are no jobs")]
    NoJobs,
    /// A job of a model that there is not.
    #[error("job {number} is of a model that the case does not have")]
    NoSuchModel {
        /// Number of the job.
        number: u32,
    },
    /// Two jobs of one number.
    #[error("two jobs have the number {number}")]
    SameNumber {
        /// The number.
        number: u32,
    },
    /// Jobs that do not come in the order of their arrivals.
    #[error("job {number} arrives before the one in front of it")]
    Unsorted {
        /// Number of the job.
        number: u32,
    },
    /// A run of more cycles than 64 bits count.
    #[error("the cycles of the run leave the range of 64 bits")]
    TooManyCycles,
    /// The program stops, by one of its quirks.
    #[error("the published scheduler stops at cycle {cycle} by quirk {}: {stop}", stop.quirk())]
    Stopped {
        /// The cycle of the decision, or of the decision before the step.
        cycle: i64,
        /// Reason.
        stop: Stop,
    },
}

/// Reason for which the program stops. Jobs are stated by their numbers, cycles count from the start of the run.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stop {
    /// Quirk 11: a job ends, and others go on with their tiles beyond the next arrival.
    #[error("the barrier of an end, at cycle {barrier}, is not before the arrival at cycle {arrival}")]
    EndReachesArrival {
        /// End of the last of these tiles.
        barrier: i64,
        /// Arrival of the next job.
        arrival: i64,
    },
    /// Quirk 11: a job arrives, and others go on with their tiles beyond the next end.
    #[error("the barrier of an arrival, at cycle {barrier}, is not before the end of a job at cycle {end}")]
    ArrivalReachesEnd {
        /// End of the last of these tiles.
        barrier: i64,
        /// End of a job.
        end: i64,
    },
    /// Quirk 12: shares are divided by a sum of scores of zero.
    #[error("no job has a score by which spare subarrays could be shared, since all are finished")]
    NoScores,
    /// Quirk 12: a score is divided by a slack of zero.
    #[error("job {number} is finished and has a slack of zero, by which its score is divided")]
    NoSlack {
        /// Number of the job.
        number: u32,
    },
    /// Quirk 14: two jobs have one key.
    #[error(
        "jobs {first} and {second} have the same key, network name and number run together, so that one is lost"
    )]
    SameKey {
        /// Number of the first.
        first: u32,
        /// Number of the second.
        second: u32,
    },
    /// Quirk 16: a job gets more subarrays than there are.
    #[error("job {number} gets {subarrays} subarrays, more than there are, since scores are negative")]
    TooManySubarrays {
        /// Number of the job.
        number: u32,
        /// Subarrays that it gets.
        subarrays: i64,
    },
    /// Quirk 16: the shares are too large by more than jobs give back.
    #[error("jobs get {subarrays} subarrays together and give no more back, since scores are negative")]
    NotTakenBack {
        /// Subarrays of all jobs.
        subarrays: i64,
    },
    /// Quirk 8: no job has a subarray, and none arrives.
    #[error("all shares round to no subarray, and no job is to arrive: nothing goes on")]
    AllIdle,
    /// Quirk 16: no job has a subarray, some have less than none, and none arrives.
    #[error(
        "job {number} gets {subarrays} subarrays, others get none, and no job is to arrive: nothing goes on"
    )]
    Negative {
        /// Number of the first job that gets less than none.
        number: u32,
        /// Subarrays that it gets.
        subarrays: i64,
    },
}

impl Stop {
    /// Number of the quirk; with its fix the loop goes on.
    #[must_use]
    pub fn quirk(&self) -> u32 {
        match self {
            Self::AllIdle => 8,
            Self::EndReachesArrival { .. } | Self::ArrivalReachesEnd { .. } => 11,
            Self::NoScores | Self::NoSlack { .. } => 12,
            Self::SameKey { .. } => 14,
            Self::TooManySubarrays { .. } | Self::NotTakenBack { .. } | Self::Negative { .. } => 16,
        }
    }
}
