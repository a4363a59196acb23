//! Arguments and results of the decoders of cost models.

use crate::cost_model::CostModel;

/// Facts of a platform that an accelerator's cost model may need.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings {
    /// Clock of the platform, in hertz.
    pub clock_hz: u64,
    /// Which behaviour is asked for.
    pub mode: Mode,
}

/// Corrected costs, or those of a published tool with its quirks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// The default: right.
    #[default]
    Corrected,
    /// As the published tool computes, to the integer.
    Reference,
}

/// A cost model as it is read from the table of an accelerator.
#[derive(Debug)]
pub struct Decoded {
    /// For people, such as `maestro WS 4096`.
    pub label: String,
    /// The model.
    pub cost_model: Box<dyn CostModel>,
}
