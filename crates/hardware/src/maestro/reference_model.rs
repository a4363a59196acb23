//! The reference mode as a cost model.

use rtmm_workload::{Duration, Layer, Operator, PublishedShape};

use super::dataflow::Dataflow;
use super::reference::{self, ReferenceArray, ReferenceCost};
use super::{canonical, explain, settings, time};
use crate::cost::{
    Condition, CostError, CostModel, EnergyParts, Explanation, LayerOf, Quantity, SHARED_LEVELS, Work,
};

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
/// [`CostError::Unsupported`] for operators that the tool cannot express.
fn published_shape(layer: &Layer) -> Result<PublishedShape, CostError> {
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
    fn cost(&self, layer: &Layer) -> Result<ReferenceCost, CostError> {
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

    fn settings(&self) -> Vec<(&'static str, String)> {
        settings(&self.dataflow, self.pes, self.noc_bandwidth)
    }

    fn columns(&self) -> &'static [&'static str] {
        &[
            "latency_cycles",
            "energy_nj",
            "num_computations",
            "l2_rd_in",
            "l2_rd_wt",
            "l2_wr_in",
            "l2_wr_wt",
            "l2_wr_out",
            "l1_rd_in",
            "l1_rd_wt",
            "l1_rd_out",
            "l1_wr_in",
            "l1_wr_wt",
            "l1_wr_out",
            "l2_buffer_req",
        ]
    }

    fn report(&self, layer: LayerOf<'_>, row: &mut Vec<Quantity>) -> Result<(), CostError> {
        let cost = self.cost(layer.layer)?;
        let integer = |value: i64| match u64::try_from(value) {
            Ok(value) => Quantity::Integer(value),
            // Quirk 5: some counts of degenerate layers are negative.
            Err(_) => Quantity::Real(value as f64),
        };
        row.push(integer(cost.latency_cycles));
        row.push(Quantity::Real(cost.energy_nj()));
        row.push(integer(cost.computations));
        for counts in [&cost.l2_reads[..], &cost.l2_writes, &cost.l1_reads, &cost.l1_writes] {
            row.extend(counts.iter().map(|count| integer(*count)));
        }
        row.push(integer(cost.l2_requirement));
        Ok(())
    }

    fn explain(&self, layer: LayerOf<'_>) -> Result<Explanation, CostError> {
        let shape = published_shape(layer.layer)?;
        Ok(explain::reference(&self.dataflow, self.pes, &shape, &self.array.cost(&shape)?))
    }

    fn identity(&self) -> String {
        let Dataflow { levels, clusters, .. } = &self.dataflow;
        canonical("maestro reference", &(levels, clusters, self.pes, self.noc_bandwidth, self.clock_hz))
    }
}
