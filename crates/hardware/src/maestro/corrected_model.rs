//! The corrected mode as a cost model: all kernels of a layer, off-chip time, energy.

use rtmm_workload::{Duration, Kernel, Layer, Repeated};
use serde::Serialize;

use super::corrected::{CorrectedCost, Memory, analyse};
use super::dataflow::Dataflow;
use super::mapping::Loop;
use super::{canonical, time};
use crate::cost::{Condition, CostError, CostModel, DRAM, EnergyParts, LayerOf, SHARED_LEVELS, Work};
use crate::explain::Explain;
use crate::vector_unit::VectorUnit;

/// Energy of each kind of event, in picojoules.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct EnergyTable {
    pub(super) mac: f64,
    pub(super) l1: f64,
    pub(super) l2: f64,
    pub(super) dram: f64,
    pub(super) static_per_cycle: f64,
}

/// An array with its buffers and what they cost.
#[derive(Debug)]
pub(super) struct Corrected {
    pub(super) dataflow: Dataflow,
    pub(super) pes: u32,
    pub(super) loops: Vec<Loop>,
    pub(super) memory: Memory,
    pub(super) dram_bandwidth: Option<u64>,
    pub(super) energy: EnergyTable,
    pub(super) vector_unit: VectorUnit,
    pub(super) clock_hz: u64,
}

/// A layer's cost in the corrected mode, summed over its kernels.
#[derive(Clone, Debug, Default)]
pub(super) struct Total {
    pub(super) nests: CorrectedCost,
    pub(super) vector_cycles: u64,
    pub(super) vector_operations: u64,
    /// Elements that vector kernels read and write.
    pub(super) vector_elements: [u64; 2],
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
                Kernel::Vector(work) if work.moves_nothing() => {}
                Kernel::Vector(work) if work.moves_nothing() => {}
                Kernel::Vector(work) => {
                    total.vector_cycles += times * self.vector_unit.cycles(&work);
                    total.vector_operations += times * work.operations;
                    total.vector_elements[0] += times * work.elements_in;
                    total.vector_elements[1] += times * work.elements_out;
                }
            }
        }
        Ok(total)
    }

    pub(super) fn cycles(&self, total: &Total) -> u64 {
        total.nests.cycles + total.vector_cycles
    }

    pub(super) fn dram_elements(&self, total: &Total) -> u64 {
        total.nests.dram_reads.iter().sum::<u64>()
            + total.nests.dram_writes
            + total.vector_elements.iter().sum::<u64>()
    }

    pub(super) fn dram_bytes(&self, total: &Total) -> u64 {
        self.dram_elements(total).saturating_mul(self.memory.element_bytes)
    }

    pub(super) fn dram_cycles(&self, total: &Total) -> u64 {
        self.dram_bandwidth.map_or(0, |bandwidth| self.dram_bytes(total).div_ceil(bandwidth))
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
            + 2 * total.vector_elements.iter().sum::<u64>()
    }

    pub(super) fn energy(&self, total: &Total) -> EnergyParts {
        let table = &self.energy;
        let cycles = self.cycles(total).max(self.dram_cycles(total));
        EnergyParts {
            mac: table.mac * (total.nests.macs + total.vector_operations) as f64,
            l1: table.l1 * self.l1_accesses(total) as f64,
            l2: table.l2 * self.l2_accesses(total) as f64,
            dram: table.dram * self.dram_elements(total) as f64,
            r#static: table.static_per_cycle * cycles as f64,
        }
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
        let mut traffic = [0; SHARED_LEVELS];
        traffic[DRAM] = self.dram_bytes(&total);
        Ok(Work {
            compute: time(self.cycles(&total), self.clock_hz)?,
            traffic,
            transfer: time(self.dram_cycles(&total), self.clock_hz)?,
            exposed: Duration::ZERO,
            energy: self.energy(&total),
            quanta: u32::try_from(total.nests.steps).unwrap_or(u32::MAX).max(1),
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

    fn explain(&self) -> Option<&dyn Explain> {
        Some(self)
    }
}
