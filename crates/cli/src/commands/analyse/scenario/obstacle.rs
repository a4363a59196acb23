//! Reasons why the worst case of a task is unknown.

use rtmm_analysis::Unbounded;
use thiserror::Error;

/// Reasons why nothing is proved of a task.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(super) enum Obstacle {
    #[error("policy `{name}` is no order of deadlines or of fixed priorities; {help}")]
    Policy { name: String, help: String },
    #[error("`{key}={value}` is not analysed")]
    Parameter { key: String, value: String },
    #[error("phases change what arrives")]
    Phases,
    #[error("accelerators share memory: times depend on what runs beside")]
    SharedMemory,
    #[error("it may run on {accelerators} accelerators: pin it to one with `run_on`")]
    Roaming { accelerators: usize },
    #[error("accelerator `{accelerator}` is divided among runs")]
    Divided { accelerator: String },
    #[error("accelerator `{accelerator}` is power-gated, and takes time to wake up")]
    Gated { accelerator: String },
    #[error("context switches of accelerator `{accelerator}` move activations, as long as their sizes say")]
    MovedActivations { accelerator: String },
    #[error("accelerator `{accelerator}` does not run all of its layers")]
    Unsupported { accelerator: String },
    #[error("it may run as one of {variants} variants, whose times differ")]
    Variants { variants: usize },
    #[error("its model skips layers or exits early, as is drawn for each job")]
    Dynamic,
    #[error("times of its layers are samples, or are drawn for each job")]
    Varying,
    #[error("it waits for task `{task}`, of which too little is known: {reason}")]
    After { task: String, reason: Box<Obstacle> },
    #[error("its priority is drawn for each frame")]
    DrawnPriorities,
    #[error("its arrivals have no least distance: they are {arrivals}")]
    Arrivals { arrivals: &'static str },
    #[error("it has no deadline")]
    NoDeadline,
    #[error("task `{task}` on the same accelerator may go first, and of it too little is known: {reason}")]
    Beside { task: String, reason: Box<Obstacle> },
    #[error(transparent)]
    Unbounded(#[from] Unbounded),
}
