//! The cost models by name: one row each, from which reading, listing and documentation follow.

use rtmm_workload::input::Table;

use crate::cost::CostModel;
use crate::{maestro, systolic, table};

/// What an accelerator's cost model may need to know of the platform around it.
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

/// A parameter of a cost model, for listings and documentation.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// Its key in the accelerator's table.
    pub name: &'static str,
    /// Meaning, unit, and default.
    pub meaning: &'static str,
}

/// One row of the registry.
#[derive(Clone, Copy, Debug)]
pub struct CostModelRow {
    /// The value of `model` in the accelerator's table.
    pub name: &'static str,
    /// One line.
    pub summary: &'static str,
    /// Where it is from.
    pub source: &'static str,
    /// Its keys.
    pub parameters: &'static [Parameter],
    /// Reads the accelerator's table; problems are recorded in its document.
    pub decode: fn(&Table<'_>, Surroundings) -> Option<Decoded>,
}

/// All cost models.
pub const COST_MODELS: &[CostModelRow] = &[
    CostModelRow {
        name: "maestro",
        summary: "spatial array under dataflow directives (WS, OS, RS or your own)",
        source: "Kwon et al., MICRO 2019; the XRBench fork, MLSys 2023",
        parameters: maestro::PARAMETERS,
        decode: maestro::decode,
    },
    CostModelRow {
        name: "systolic",
        summary: "systolic array: weight, output or input stationary, double-buffered memory",
        source: "SCALE-Sim v3 (Raj et al., ISPASS 2025)",
        parameters: systolic::PARAMETERS,
        decode: systolic::decode,
    },
    CostModelRow {
        name: "table",
        summary: "measured latency and energy of every layer, from CSV",
        source: "your own measurements",
        parameters: table::PARAMETERS,
        decode: table::decode,
    },
];

/// The row of a cost model.
#[must_use]
pub fn cost_model(name: &str) -> Option<&'static CostModelRow> {
    COST_MODELS.iter().find(|row| row.name == name)
}
