//! The cost models by name: one row each, from which reading, listing and documentation follow.

use rtmm_workload::input::Table;

use crate::decode::{Decoded, Parameter, Surroundings};
use crate::{eyeriss_v2, maestro, sanger, systolic, table, traced};

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
        name: "eyeriss_v2",
        summary: "sparse array that skips zeros of weights and activations, as the Dysta artifact models it",
        source: "Chen et al., JETCAS 2019; Fan et al., MICRO 2023",
        parameters: eyeriss_v2::PARAMETERS,
        decode: eyeriss_v2::decode,
    },
    CostModelRow {
        name: "maestro",
        summary: "spatial array under dataflow directives (WS, OS, RS or your own)",
        source: "Kwon et al., MICRO 2019; the XRBench fork, MLSys 2023",
        parameters: maestro::PARAMETERS,
        decode: maestro::decode,
    },
    CostModelRow {
        name: "sanger",
        summary: "sparse attention on a reconfigurable array, as the Dysta artifact models it",
        source: "Lu et al., MICRO 2021; Fan et al., MICRO 2023",
        parameters: sanger::PARAMETERS,
        decode: sanger::decode,
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
    CostModelRow {
        name: "traced",
        summary: "latencies that sample traces recorded, and sanger's for attention without one",
        source: "your own traces; Fan et al., MICRO 2023",
        parameters: traced::PARAMETERS,
        decode: traced::decode,
    },
];

/// The row of a cost model.
#[must_use]
pub fn cost_model(name: &str) -> Option<&'static CostModelRow> {
    COST_MODELS.iter().find(|row| row.name == name)
}
