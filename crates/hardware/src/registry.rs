//! The cost models by name: one row each, from which reading, listing and documentation follow.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, LazyLock};

use rtmm_workload::input::Table;
use rtmm_workload::parameters::Schema;
use rtmm_workload::{Registered, Registry};

use crate::cost_model::Decoded;
use crate::decode::Surroundings;
use crate::{eyeriss_v2, fission, gemmini, maestro, sanger, systolic, table, traced};

/// Cost models by name. [`Registry::built_in`] has those of this project, [`Registry::with`] adds one.
pub type CostModelRegistry = Registry<CostModelRow>;

/// One row of the registry.
#[derive(Clone)]
pub struct CostModelRow {
    /// The value of `model` in the accelerator's table.
    pub name: Cow<'static, str>,
    /// One line.
    pub summary: Cow<'static, str>,
    /// The publication or tool that the cost model is from.
    pub source: Cow<'static, str>,
    /// Its keys.
    pub parameters: Schema,
    /// Bytes that tell two versions of a cost model apart that have one name and equal values: part of the identity of
    /// every configuration that it decodes. Empty for built-in cost models.
    pub identity: Cow<'static, [u8]>,
    decode: Arc<Decode>,
}

type Decode = dyn Fn(&Table<'_>, Surroundings) -> Option<Decoded> + Send + Sync;

impl CostModelRow {
    /// A cost model with its keys and what reads it from an accelerator's table, whose keys are known to be these.
    /// `decode` may hold state, and records problems in the table's document.
    pub fn new(
        name: impl Into<Cow<'static, str>>,
        parameters: Schema,
        decode: impl Fn(&Table<'_>, Surroundings) -> Option<Decoded> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            summary: Cow::Borrowed(""),
            source: Cow::Borrowed(""),
            parameters,
            identity: Cow::Borrowed(&[]),
            decode: Arc::new(decode),
        }
    }

    /// The row with one line on what the cost model describes.
    #[must_use]
    pub fn with_summary(self, summary: impl Into<Cow<'static, str>>) -> Self {
        Self { summary: summary.into(), ..self }
    }

    /// The row with the publication or tool that the cost model is from.
    #[must_use]
    pub fn with_source(self, source: impl Into<Cow<'static, str>>) -> Self {
        Self { source: source.into(), ..self }
    }

    /// The row with [`CostModelRow::identity`].
    #[must_use]
    pub fn with_identity(self, identity: impl Into<Cow<'static, [u8]>>) -> Self {
        Self { identity: identity.into(), ..self }
    }

    /// Reads an accelerator's table; problems are recorded in its document.
    #[must_use]
    pub fn decode(&self, table: &Table<'_>, surroundings: Surroundings) -> Option<Decoded> {
        (self.decode)(table, surroundings)
    }
}

impl fmt::Debug for CostModelRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, summary, source, parameters, identity, .. } = self;
        f.debug_struct("CostModelRow")
            .field("name", name)
            .field("summary", summary)
            .field("source", source)
            .field("parameters", parameters)
            .field("identity", identity)
            .finish_non_exhaustive()
    }
}

impl Registered for CostModelRow {
    const KIND: &'static str = "cost model";

    fn name(&self) -> &str {
        &self.name
    }

    fn fault(&self) -> Option<String> {
        self.parameters.fault()
    }

    fn built_in() -> &'static CostModelRegistry {
        static BUILT_IN: LazyLock<CostModelRegistry> = LazyLock::new(|| Registry::of_rows(built_in_rows()));
        &BUILT_IN
    }
}

/// The built-in cost models.
fn built_in_rows() -> Vec<CostModelRow> {
    vec![
        CostModelRow::new("eyeriss_v2", eyeriss_v2::keys(), eyeriss_v2::decode)
            .with_summary(
                "sparse array that skips zeros of weights and activations, as the Dysta artifact models it",
            )
            .with_source("Chen et al., JETCAS 2019; Fan et al., MICRO 2023"),
        CostModelRow::new("fission", fission::keys(), fission::decode)
            .with_summary("systolic subarrays that join to larger arrays, in the best shape for each layer")
            .with_source("Ghodrati et al., Planaria, MICRO 2020; cycles as SCALE-Sim v3 has them"),
        CostModelRow::new("gemmini", gemmini::keys(), gemmini::decode)
            .with_summary("tiles of weight-stationary arrays behind a shared cache, as MoCA predicts them")
            .with_source("Kim et al., MoCA, HPCA 2023, and the tables of its artifact"),
        CostModelRow::new("maestro", maestro::keys(), maestro::decode)
            .with_summary("spatial array under dataflow directives (WS, OS, RS or your own)")
            .with_source("Kwon et al., MICRO 2019; the XRBench fork, MLSys 2023"),
        CostModelRow::new("sanger", sanger::keys(), sanger::decode)
            .with_summary("sparse attention on a reconfigurable array, as the Dysta artifact models it")
            .with_source("Lu et al., MICRO 2021; Fan et al., MICRO 2023"),
        CostModelRow::new("systolic", systolic::keys(), systolic::decode)
            .with_summary("systolic array: weight, output or input stationary, double-buffered memory")
            .with_source("SCALE-Sim v3 (Raj et al., ISPASS 2025)"),
        CostModelRow::new("table", table::keys(), table::decode)
            .with_summary("measured latency and energy of every layer, from CSV")
            .with_source("your own measurements"),
        CostModelRow::new("traced", traced::keys(), traced::decode)
            .with_summary("latencies that sample traces recorded, and sanger's for attention without one")
            .with_source("your own traces; Fan et al., MICRO 2023"),
    ]
}
