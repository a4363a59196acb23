//! The reference mode as a cost model.

use rtmm_workload::{Duration, Layer, Operator, PublishedShape};

use super::canonical;
use super::dataflow::Dataflow;
use super::reference::{self, ReferenceArray, ReferenceCost};
use crate::blocks::time;
use crate::cost::{Condition, CostError, LayerOf, SHARED_LEVELS, Work};
use crate::cost_model::CostModel;
use crate::energy::EnergyParts;
use crate::explain::Explain;
use crate::technology::{Price, PriceOf};

const PICOJOULES_PER_NANOJOULE: f64 = 1e3;

/// The published tool on one accelerator, with what reports say of it.
#[derive(Debug)]
pub(super) struct Reference {
    pub(super) dataflow: Dataflow,
    pub(super) pes: u32,
    pub(super) noc_bandwidth: u64,
    pub(super) array: ReferenceArray,
    pub(super) clock_hz: u64,
}

/// The row that the published tool would be given for a layer.
///
/// # Errors
/// [`CostError::Unsupported`] for operators and batches that the tool cannot express.
pub(super) fn published_shape(layer: &Layer) -> Result<PublishedShape, CostError> {
    if layer.batch != 1 {
        return Err(CostError::Unsupported {
            model: "maestro",
            what: format!(
                "a batch of {} in reference mode: the published tool's rows are of one input",
                layer.batch
            ),
        });
    }
    if let Some(published) = layer.published {
        return Ok(published);
    }
    match layer.operator {
        Operator::Convolution(c) if c.groups == 1 || c.is_depthwise() => Ok(PublishedShape {
            k: c.output_channels / c.groups,
            c: c.input.channels,
            r: c.kernel[0],
            s: c.kernel[1],
            y: c.input.height,
            x: c.input.width,
            depthwise: c.is_depthwise(),
        }),
        Operator::Gemm(gemm) => Ok(PublishedShape {
            k: gemm.columns,
            c: gemm.inner,
            r: 1,
            s: 1,
            y: gemm.rows,
            x: 1,
            depthwise: false,
        }),
        _ => Err(CostError::Unsupported {
            model: "maestro",
            what: format!(
                "layer `{}` in reference mode: the published tool knows convolutions and matrix products only",
                layer.name
            ),
        }),
    }
}

impl Reference {
    pub(super) fn cost(&self, layer: &Layer) -> Result<ReferenceCost, CostError> {
        self.array.cost(&published_shape(layer)?)
    }
}

impl CostModel for Reference {
    fn work(&self, layer: LayerOf<'_>, _condition: Condition) -> Result<Work, CostError> {
        let cost = self.cost(layer.layer)?;
        let mac = reference::MAC_NJ * PICOJOULES_PER_NANOJOULE;
        let negative = |_| CostError::NegativeLatency { cycles: cost.latency_cycles };
        let cycles = u64::try_from(cost.latency_cycles).map_err(negative)?;
        Ok(Work {
            compute: time(cycles, self.clock_hz)?,
            traffic: [0; SHARED_LEVELS],
            transfer: Duration::ZERO,
            exposed: Duration::ZERO,
            energy: EnergyParts {
                mac: mac * cost.computations as f64,
                l1: mac * reference::L1_MACS * cost.l1_accesses() as f64,
                l2: mac * reference::L2_MACS * cost.l2_accesses() as f64,
                ..EnergyParts::default()
            },
            quanta: 1,
        })
    }

    fn identity(&self) -> String {
        let Dataflow { levels, clusters, .. } = &self.dataflow;
        canonical("maestro reference", &(levels, clusters, self.pes, self.noc_bandwidth, self.clock_hz))
    }

    fn prices(&self) -> Vec<Price> {
        let mac = reference::MAC_NJ * PICOJOULES_PER_NANOJOULE;
        vec![
            Price::new(PriceOf::Mac { element_bytes: 1 }, mac, "operation"),
            Price::buffer("L1", mac * reference::L1_MACS, "element", None),
            Price::buffer("L2", mac * reference::L2_MACS, "element", None),
        ]
    }

    fn explain(&self) -> Option<&dyn Explain> {
        Some(self)
    }
}
