//! The corrected mode as a cost model: all kernels of a layer, off-chip time, energy.

use rtmm_workload::parameters::Declared;
use rtmm_workload::{Duration, Kernel, Layer, Repeated};

use super::corrected::{CorrectedCost, Memory, analyse};
use super::dataflow::Dataflow;
use super::mapping::{Loop, flatten};
use super::off_chip::OffChipBandwidth;
use super::{DRAM_BANDWIDTH, L2_BYTES, NOC_BANDWIDTH, VECTOR_LANES, canonical};
use crate::blocks::{EnergyTable, Events, VectorTotals, VectorUnit, off_chip, quanta, time};
use crate::cost::{Condition, CostError, LayerOf, Work};
use crate::cost_model::{CostModel, Decoded};
use crate::decode::Indivisible;
use crate::energy::EnergyParts;
use crate::explain::Explain;
use crate::technology::{Price, PriceOf};

/// An array with its buffers and what they cost.
#[derive(Debug)]
pub(super) struct Corrected {
    pub(super) dataflow: Dataflow,
    pub(super) pes: u32,
    pub(super) loops: Vec<Loop>,
    pub(super) memory: Memory,
    pub(super) dram_bandwidth: Option<OffChipBandwidth>,
    pub(super) energy: EnergyTable,
    pub(super) vector_unit: VectorUnit,
    pub(super) clock_hz: u64,
}

/// A layer's cost in the corrected mode, summed over its kernels.
#[derive(Clone, Debug, Default)]
pub(super) struct Total {
    pub(super) nests: CorrectedCost,
    pub(super) vector: VectorTotals,
}

impl Corrected {
    pub(super) fn total(&self, layer: &Layer) -> Result<Total, CostError> {
        let mut total = Total::default();
        for Repeated { kernel, times } in layer.kernels()? {
            let times = u64::from(times);
            match kernel {
                Kernel::Nest(nest) => {
                    add_nest(&mut total.nests, &analyse(&self.loops, &nest, &self.memory, |_| {})?, times);
                }
                Kernel::Vector(work) => total.vector.add(&work, self.vector_unit.cycles(&work), times)?,
            }
        }
        Ok(total)
    }

    pub(super) fn cycles(&self, total: &Total) -> u64 {
        total.nests.cycles + total.vector.cycles
    }

    pub(super) fn dram_elements(&self, total: &Total) -> u64 {
        total.nests.dram_reads.iter().sum::<u64>() + total.nests.dram_writes + total.vector.elements
    }

    pub(super) fn dram_bytes(&self, total: &Total) -> u64 {
        self.dram_elements(total).saturating_mul(self.memory.element_bytes)
    }

    pub(super) fn dram_cycles(&self, total: &Total) -> u64 {
        self.dram_bandwidth.map_or(0, |bandwidth| bandwidth.cycles(self.dram_bytes(total)))
    }

    /// L1 accesses: operands and partial sums of every multiply-accumulate, and fills.
    pub(super) fn l1_accesses(&self, total: &Total) -> u64 {
        4 * total.nests.macs + total.nests.l1_fills.iter().sum::<u64>()
    }

    /// L2 accesses: by the array, and from and to DRAM; vector operands pass through as well.
    pub(super) fn l2_accesses(&self, total: &Total) -> u64 {
        let nests = &total.nests;
        nests.l2_reads.iter().sum::<u64>()
            + nests.l2_writes
            + nests.dram_reads.iter().sum::<u64>()
            + nests.dram_writes
            + 2 * total.vector.elements
    }

    pub(super) fn energy(&self, total: &Total) -> EnergyParts {
        self.energy.parts(&Events {
            operations: (total.nests.macs + total.vector.operations) as f64,
            vector_operations: total.vector.operations as f64,
            l1: self.l1_accesses(total) as f64,
            l2: self.l2_accesses(total) as f64,
            dram: self.dram_elements(total) as f64,
            cycles: self.cycles(total).max(self.dram_cycles(total)) as f64,
        })
    }
}

fn add_nest(total: &mut CorrectedCost, one: &CorrectedCost, times: u64) {
    total.macs += times * one.macs;
    total.steps += times * one.steps;
    total.cycles += times * one.cycles;
    total.compute_cycles += times * one.compute_cycles;
    for index in 0..2 {
        total.l1_fills[index] += times * one.l1_fills[index];
    }
    for index in 0..3 {
        total.l2_reads[index] += times * one.l2_reads[index];
        total.dram_reads[index] += times * one.dram_reads[index];
        total.l2_tile[index] = total.l2_tile[index].max(one.l2_tile[index]);
        total.l1_tile[index] = total.l1_tile[index].max(one.l1_tile[index]);
    }
    total.l2_writes += times * one.l2_writes;
    total.dram_writes += times * one.dram_writes;
    total.l2_boundary = total.l2_boundary.max(one.l2_boundary);
}

impl CostModel for Corrected {
    fn work(&self, layer: LayerOf<'_>, _condition: Condition) -> Result<Work, CostError> {
        let total = self.total(layer.layer)?;
        Ok(Work {
            compute: time(self.cycles(&total), self.clock_hz)?,
            traffic: off_chip(self.dram_bytes(&total)),
            transfer: time(self.dram_cycles(&total), self.clock_hz)?,
            exposed: Duration::ZERO,
            energy: self.energy(&total),
            quanta: quanta(total.nests.steps),
        })
    }

    fn identity(&self) -> String {
        let Dataflow { levels, clusters, .. } = &self.dataflow;
        let Memory { noc_bandwidth, l1_bytes, l2_bytes, element_bytes } = self.memory;
        canonical(
            "maestro corrected",
            &(
                (levels, clusters, self.pes, noc_bandwidth, l1_bytes, l2_bytes, element_bytes),
                (self.dram_bandwidth, self.energy, self.vector_unit.lanes, self.clock_hz),
            ),
        )
    }

    /// Fewer clusters of the dataflow, with their part of the bandwidths, of the shared buffer, of vector lanes and static
    /// energy, rounded down. A processing element keeps its own buffer.
    fn part(&self, units: u32, of: u32) -> Result<Decoded, Indivisible> {
        let cluster = u32::try_from(self.dataflow.cluster_elements().max(1)).unwrap_or(u32::MAX);
        let clusters = self.pes / cluster;
        if of == 0 || !clusters.is_multiple_of(of) {
            return Err(Indivisible::Uneven { what: "clusters of the dataflow", count: clusters, units: of });
        }
        let units = units.min(of);
        let share = |whole: u64, key: &'static str| {
            let part = u128::from(whole) * u128::from(units) / u128::from(of);
            // Never above the whole, so the conversion holds.
            match u64::try_from(part).unwrap_or(whole) {
                0 => Err(Indivisible::Nothing { key, units, of }),
                part => Ok(part),
            }
        };
        let if_stated = |whole: Option<u64>, key| whole.map(|whole| share(whole, key)).transpose();
        let pes = clusters / of * units * cluster;
        let Memory { noc_bandwidth, l2_bytes, .. } = self.memory;
        let noc_bandwidth = share(noc_bandwidth, NOC_BANDWIDTH.name())?;
        let lanes = share(self.vector_unit.lanes, VECTOR_LANES.name())?;
        let static_per_cycle = self.energy.static_per_cycle * f64::from(units) / f64::from(of);
        let part = Self {
            // Directives that fit the whole fit a part: only the number of clusters differs.
            loops: flatten(&self.dataflow, pes).map_err(|_| Indivisible::Unsupported)?,
            dataflow: self.dataflow.clone(),
            pes,
            memory: Memory { noc_bandwidth, l2_bytes: if_stated(l2_bytes, L2_BYTES.name())?, ..self.memory },
            dram_bandwidth: if_stated(
                self.dram_bandwidth.map(OffChipBandwidth::millionths),
                DRAM_BANDWIDTH.name(),
            )?
            .and_then(OffChipBandwidth::from_millionths),
            energy: EnergyTable { static_per_cycle, ..self.energy },
            vector_unit: VectorUnit { lanes, bandwidth: noc_bandwidth },
            clock_hz: self.clock_hz,
        };
        Ok(Decoded { label: format!("maestro {} {pes}", self.dataflow.name), cost_model: Box::new(part) })
    }

    fn processing_elements(&self) -> Option<u64> {
        Some(self.pes.into())
    }

    fn prices(&self) -> Vec<Price> {
        let EnergyTable { mac, vector, l1, l2, dram, static_per_cycle } = self.energy;
        let Memory { l1_bytes, l2_bytes, element_bytes, .. } = self.memory;
        vec![
            Price::new(PriceOf::Mac { element_bytes }, mac, "operation"),
            Price::new(PriceOf::Vector, vector.unwrap_or(mac), "operation"),
            Price::buffer("L1", l1, "element", l1_bytes),
            Price::buffer("L2", l2, "element", l2_bytes),
            Price::new(PriceOf::Dram, dram, "element"),
            Price::new(PriceOf::Static, static_per_cycle, "cycle"),
        ]
    }

    fn explain(&self) -> Option<&dyn Explain> {
        Some(self)
    }
}
