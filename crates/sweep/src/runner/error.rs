//! Reasons that a cell has no result.

use rtmm_hardware::NoCost;
use thiserror::Error;

/// The reason that a cell has no result. It does not name the cell: messages do.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum RunError {
    /// Layers without a cost: the scenario cannot run on the platform.
    #[error("scenario `{scenario}` cannot run on platform `{platform}`: {}", summarise(.layers))]
    NoCost {
        /// Name of the scenario.
        scenario: String,
        /// Name of the platform.
        platform: String,
        /// Every layer and configuration without a cost.
        layers: Vec<NoCost>,
    },
    /// Failure of a run.
    #[error("{reason}")]
    Failed {
        /// The reason, as a lower-case fragment.
        reason: String,
    },
    /// Result that is not what the runner's columns say: a wrong number or kind of values, or a value that is not
    /// finite.
    #[error("the runner `{runner}` gave an impossible result: {reason}")]
    BadResult {
        /// Name of the runner.
        runner: String,
        /// The difference, as a lower-case fragment.
        reason: String,
    },
}

fn summarise(layers: &[NoCost]) -> String {
    const SHOWN: usize = 5;
    let mut lines: Vec<String> = layers.iter().take(SHOWN).map(ToString::to_string).collect();
    if layers.len() > SHOWN {
        lines.push(format!("... and {} more layers", layers.len() - SHOWN));
    }
    lines.join("; ")
}
