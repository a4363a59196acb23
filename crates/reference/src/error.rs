//! Why a reference loop cannot run what it was given.

use rtmm_hardware::CostError;
use rtmm_workload::Duration;
use thiserror::Error;

/// Why a reference loop cannot run what it was given.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum ReferenceError {
    /// A configuration whose cost model does not report what the loop reads.
    #[error(
        "`{configuration}` reports no `{column}`: compat xrbench needs maestro accelerators in reference mode"
    )]
    NoColumn {
        /// Label of the configuration.
        configuration: String,
        /// The column that is missing, or that holds another kind of number.
        column: &'static str,
    },
    /// A layer that cannot run on a configuration.
    #[error("layer `{layer}` of model `{model}` cannot run on `{configuration}`: {reason}")]
    NoCost {
        /// Name of the model.
        model: String,
        /// Name of the layer.
        layer: String,
        /// Label of the configuration.
        configuration: String,
        /// Why.
        #[source]
        reason: Box<CostError>,
    },
    /// The layers of a model add up to more cycles than 64 bits hold.
    #[error("the cycles of model `{model}` on `{configuration}` leave the range of 64 bits")]
    TooManyCycles {
        /// Name of the model.
        model: String,
        /// Label of the configuration.
        configuration: String,
    },
    /// The artifact's clock is 1 GHz and no other.
    #[error("platform `{platform}` has a clock of {clock_hz} Hz: compat xrbench knows 1 GHz only")]
    Clock {
        /// Name of the platform.
        platform: String,
        /// Its clock, in hertz.
        clock_hz: u64,
    },
    /// A part of a platform that the loop knows nothing of.
    #[error(
        "platform `{platform}` states `{key}`{}: compat xrbench knows accelerators that share nothing, run one model at a time \
         and change for free, at prices of their own",
        of_accelerator(.accelerator.as_deref())
    )]
    Unknown {
        /// Name of the platform.
        platform: String,
        /// Name of the accelerator that states it; none for the platform itself.
        accelerator: Option<String>,
        /// The key that states it.
        key: &'static str,
    },
    /// A scenario without tasks.
    #[error("the scenario has no tasks")]
    NoTasks,
    /// Costs that are not those of the scenario's tasks on at least one accelerator.
    #[error(
        "the scenario has {tasks} tasks, but costs are given for {rows} tasks on {accelerators} accelerators"
    )]
    CostsDoNotFit {
        /// Tasks of the scenario.
        tasks: usize,
        /// Tasks with costs.
        rows: usize,
        /// Accelerators with costs.
        accelerators: usize,
    },
    /// A frame interval that rounds down to no milliseconds.
    #[error("task `{task}` is released every {period}: compat xrbench counts whole milliseconds, at least 1")]
    IntervalBelowMillisecond {
        /// Name of the task.
        task: String,
        /// Its period.
        period: Duration,
    },
    /// A deadline of its own: the artifact's deadline is the next frame.
    #[error(
        "task `{task}` has a deadline of {deadline} and a period of {period}: compat xrbench knows no \
         deadline but the period"
    )]
    DeadlineIsNotThePeriod {
        /// Name of the task.
        task: String,
        /// Its relative deadline.
        deadline: Duration,
        /// Its period.
        period: Duration,
    },
    /// A deadline that counts in latencies of the model.
    #[error(
        "task `{task}` has a deadline by its isolated latency: compat xrbench knows no deadline but the period"
    )]
    IsolatedDeadline {
        /// Name of the task.
        task: String,
    },
    /// A task that may not run everywhere: the artifact takes the fastest accelerator that is idle.
    #[error("task `{task}` is pinned by `{key}`: compat xrbench knows no pins")]
    Pinned {
        /// Name of the task.
        task: String,
        /// The list that pins it: `run_on` or `avoid`.
        key: &'static str,
    },
    /// Arrivals other than at a plain period.
    #[error(
        "task `{task}` does not arrive at a plain period: compat xrbench knows no jitter, offset or random \
         arrivals, and no frames that follow another task's"
    )]
    NotPeriodic {
        /// Name of the task.
        task: String,
    },
    /// A dependency on an outcome: the artifact knows only dependencies on completion.
    #[error("task `{task}` has a control dependency: compat xrbench knows only data dependencies")]
    ControlDependency {
        /// Name of the task.
        task: String,
    },
    /// A model whose inferences differ: the artifact runs every layer of every model.
    #[error("model `{model}` may skip layers or exit early: compat xrbench runs all layers")]
    DynamicModel {
        /// Name of the model.
        model: String,
    },
    /// An accelerator whose times vary from job to job: the artifact has one time a layer.
    #[error(
        "latencies of `{configuration}` vary from job to job: compat xrbench has one latency a layer; state `varying = false`"
    )]
    VaryingTimes {
        /// Label of the configuration.
        configuration: String,
    },
    /// Phases, which the artifact does not know.
    #[error("the scenario has phases: compat xrbench knows none")]
    Phases,
    /// A dependency on a task that the scenario does not have.
    #[error("task `{task}` depends on task number {upstream}, which the scenario does not have")]
    NoSuchTask {
        /// Name of the task.
        task: String,
        /// Position of what it depends on.
        upstream: usize,
    },
    /// A run length that `f32` milliseconds cannot count.
    #[error("a run of {milliseconds} ms: compat xrbench counts 1 to {longest} whole milliseconds")]
    RunLength {
        /// The run length, in whole milliseconds.
        milliseconds: u64,
        /// The longest that is exact.
        longest: u32,
    },
    /// A parameter of the scores outside its range.
    #[error("parameter `{name}` is {value}: it must be finite and above zero")]
    Parameter {
        /// Which one.
        name: &'static str,
        /// Its value.
        value: f32,
    },
}

fn of_accelerator(name: Option<&str>) -> String {
    name.map_or_else(String::new, |name| format!(" of accelerator `{name}`"))
}
