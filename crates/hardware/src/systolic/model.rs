//! Layers on the array, its vector unit and its memory.

use rtmm_workload::{Duration, Kernel, Nest, Repeated, VectorWork};

use super::array::{Array, MatrixProduct, SystolicCost, percent};
use super::memory::{Bandwidth, Buffers, DramWords, ExactTime, FoldTraffic};
use super::parameters::SystolicParameters;
use crate::blocks::{Events, VectorTotals, add, identity, off_chip, quanta, time};
use crate::cost::{Condition, CostError, LayerOf, Work};
use crate::cost_model::CostModel;
use crate::decode::{Mode, Surroundings};
use crate::energy::EnergyParts;
use crate::explain::Explain;
use crate::technology::Price;

/// A systolic array with vector unit, buffers and a channel to off-chip memory.
#[derive(Clone, Debug)]
pub struct Systolic {
    pub(super) parameters: SystolicParameters,
    pub(super) array: Array,
    pub(super) buffers: Buffers,
    pub(super) bandwidth: Option<Bandwidth>,
    pub(super) clock_hz: u64,
    pub(super) mode: Mode,
}

/// A matrix product of a layer on the array, with its traffic.
#[derive(Clone, Copy, Debug)]
pub(super) struct MappedProduct {
    pub product: MatrixProduct,
    pub cost: SystolicCost,
    pub traffic: FoldTraffic,
    /// Groups times repetitions.
    pub copies: u64,
}

/// Sums over all kernels of a layer.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Totals {
    /// Matrix products, each a layer of its own to SCALE-Sim.
    pub products: u64,
    pub folds: u64,
    pub lines: u64,
    pub vector: VectorTotals,
    pub macs: u64,
    /// Cells used over all folds.
    pub used_cells: u64,
    pub cells: u64,
    /// Cells times the cycles that SCALE-Sim's compute utilisation has.
    pub scalesim_cell_cycles: f64,
    pub sram_ifmap_reads: u64,
    pub sram_filter_reads: u64,
    pub sram_ofmap_writes: u64,
    pub scalesim_ofmap_writes: u64,
    pub partial_sum_reads: u64,
    pub dram: DramWords,
    /// Time under the memory's bandwidth, if that is finite.
    pub time: ExactTime,
}

/// A layer's cycles, whole.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cycles {
    pub compute: u64,
    pub transfer: u64,
    pub total: u64,
    pub dram_bytes: u64,
}

impl Systolic {
    /// The model with these parameters; `None` where an extent of the array is out of range.
    #[must_use]
    pub fn new(parameters: SystolicParameters, surroundings: Surroundings) -> Option<Self> {
        Some(Self {
            array: parameters.array()?,
            buffers: parameters.buffers(),
            bandwidth: parameters.bandwidth(),
            parameters,
            clock_hz: surroundings.clock_hz,
            mode: surroundings.mode,
        })
    }

    /// A nest on the array. Inlined, since copying the result took a tenth of [`CostModel::work`].
    #[inline(always)]
    pub(super) fn map(&self, nest: &Nest, times: u32) -> Result<MappedProduct, CostError> {
        let product =
            MatrixProduct::of_nest(nest).ok_or(CostError::Overflow { what: "multiply-accumulates" })?;
        let cost = self.array.cost(product);
        let traffic = FoldTraffic::new(&cost, nest.touched_input(), &self.buffers, self.mode);
        Ok(MappedProduct { product, cost, traffic, copies: u64::from(nest.groups) * u64::from(times) })
    }

    pub(super) fn totals(&self, layer: LayerOf<'_>) -> Result<Totals, CostError> {
        let mut totals = Totals::default();
        for Repeated { kernel, times } in layer.layer.kernels()? {
            match kernel {
                Kernel::Nest(nest) => self.add_product(&mut totals, &self.map(&nest, times)?)?,
                Kernel::Vector(work) => self.add_vector(&mut totals, &work, times.into())?,
            }
        }
        Ok(totals)
    }

    fn add_product(&self, totals: &mut Totals, mapped: &MappedProduct) -> Result<(), CostError> {
        let MappedProduct { cost, traffic, copies, .. } = mapped;
        let (copies, words) = (*copies, traffic.words());
        let sum = |sum: &mut u64, one: u64, what: &'static str| add(sum, one, copies, what);
        sum(&mut totals.products, 1, "matrix products")?;
        sum(&mut totals.folds, cost.folds(), "folds")?;
        sum(&mut totals.lines, cost.lines, "cycles")?;
        sum(&mut totals.macs, cost.macs, "multiply-accumulates")?;
        sum(&mut totals.used_cells, cost.spatial_rows * cost.spatial_columns, "cells")?;
        sum(&mut totals.cells, cost.cells, "cells")?;
        sum(&mut totals.sram_ifmap_reads, cost.sram_ifmap_reads, "input reads")?;
        sum(&mut totals.sram_filter_reads, cost.sram_filter_reads, "weight reads")?;
        sum(&mut totals.sram_ofmap_writes, cost.sram_ofmap_writes, "output writes")?;
        sum(&mut totals.scalesim_ofmap_writes, cost.scalesim_ofmap_writes(), "output writes")?;
        sum(&mut totals.partial_sum_reads, cost.partial_sum_reads, "partial sums")?;
        sum(&mut totals.dram.ifmap, words.ifmap, "inputs off chip")?;
        sum(&mut totals.dram.filter, words.filter, "weights off chip")?;
        sum(&mut totals.dram.ofmap, words.ofmap, "outputs off chip")?;
        sum(&mut totals.dram.partial_sums, words.partial_sums, "partial sums off chip")?;
        totals.scalesim_cell_cycles +=
            cost.cells as f64 * cost.scalesim_utilisation_cycles() as f64 * copies as f64;
        if let Some(bandwidth) = self.bandwidth {
            let time = traffic.time(bandwidth, self.parameters.element_bytes, copies);
            totals.time = totals.time.plus(time);
        }
        Ok(())
    }

    fn add_vector(&self, totals: &mut Totals, work: &VectorWork, times: u64) -> Result<(), CostError> {
        let cycles = self.parameters.vector_unit.cycles(work);
        totals.vector.add(work, cycles, times)?;
        if cycles == 0 {
            return Ok(());
        }
        if let Some(bandwidth) = self.bandwidth {
            let words = work.elements_in.saturating_add(work.elements_out);
            let bytes = words.saturating_mul(self.parameters.element_bytes);
            // Operands pass through as they come: nothing but the slower of the two matters.
            let time = bandwidth.cycles(cycles).max(bandwidth.transfer(bytes));
            totals.time = totals.time.plus(time.times(times));
        }
        Ok(())
    }

    pub(super) fn cycles(&self, totals: &Totals) -> Result<Cycles, CostError> {
        let (mut compute, mut dram_bytes) = (totals.lines, 0);
        add(&mut compute, totals.vector.cycles, 1, "cycles")?;
        let words = totals.dram.total().saturating_add(totals.vector.elements);
        add(&mut dram_bytes, words, self.parameters.element_bytes, "bytes off chip")?;
        let (transfer, total) = match self.bandwidth {
            Some(bandwidth) => {
                (bandwidth.whole_cycles(bandwidth.transfer(dram_bytes)), bandwidth.whole_cycles(totals.time))
            }
            None => (0, compute),
        };
        Ok(Cycles { compute, transfer, total, dram_bytes })
    }

    pub(super) fn duration(&self, cycles: u64) -> Result<Duration, CostError> {
        if cycles == 0 { Ok(Duration::ZERO) } else { time(cycles, self.clock_hz) }
    }

    /// Elements that the buffers pass on or take in.
    pub(super) fn sram_accesses(&self, totals: &Totals) -> f64 {
        let reads = totals.sram_ifmap_reads as f64 + totals.sram_filter_reads as f64;
        let vector = totals.vector.elements as f64;
        match self.mode {
            Mode::Reference => reads + totals.scalesim_ofmap_writes as f64 + vector,
            Mode::Corrected => {
                // What comes from off-chip memory is written to a buffer before the array reads it, and
                // results are read from one to leave.
                let off_chip = totals.dram.total() as f64 + vector;
                reads + totals.sram_ofmap_writes as f64 + totals.partial_sum_reads as f64 + vector + off_chip
            }
        }
    }

    /// The same by buffer: input, weight, output.
    pub(super) fn accesses_by_buffer(totals: &Totals) -> [f64; 3] {
        let Totals { dram, vector, .. } = totals;
        // Vector operands pass through a buffer: one access on either side.
        let vector_out = vector.elements.saturating_sub(vector.elements_in);
        [
            totals.sram_ifmap_reads as f64 + dram.ifmap as f64 + 2.0 * vector.elements_in as f64,
            totals.sram_filter_reads as f64 + dram.filter as f64,
            totals.sram_ofmap_writes as f64
                + totals.partial_sum_reads as f64
                + dram.ofmap as f64
                + dram.partial_sums as f64
                + 2.0 * vector_out as f64,
        ]
    }

    pub(super) fn energy(&self, totals: &Totals, cycles: &Cycles) -> EnergyParts {
        let parts = self.parameters.energies().parts(&Events {
            operations: totals.operations(),
            vector_operations: totals.vector.operations as f64,
            l1: 0.0,
            l2: self.sram_accesses(totals),
            dram: cycles.dram_bytes as f64,
            cycles: cycles.total as f64,
        });
        match &self.parameters.buffers_pj {
            None => parts,
            Some(buffers) => EnergyParts { l2: buffers.of(Self::accesses_by_buffer(totals)), ..parts },
        }
    }

    /// Overall and compute utilisation in percent, in the reading of the mode.
    pub(super) fn utilisation_percent(&self, totals: &Totals, cycles: &Cycles) -> (f64, f64) {
        let macs = totals.macs as f64;
        let cells = (self.array.rows() * self.array.columns()) as f64;
        match self.mode {
            Mode::Corrected => {
                (percent(macs, cells * cycles.total as f64), percent(macs, cells * totals.lines as f64))
            }
            Mode::Reference => (
                percent(macs, cells * cycles.total.saturating_sub(totals.products) as f64),
                percent(macs, totals.scalesim_cell_cycles),
            ),
        }
    }
}

impl Totals {
    /// Times at which the array or the vector unit can be stopped.
    fn quanta(&self) -> u32 {
        quanta(self.folds.saturating_add(self.vector.runs))
    }

    /// Multiply-accumulates and vector operations.
    pub(super) fn operations(&self) -> f64 {
        self.macs as f64 + self.vector.operations as f64
    }
}

impl CostModel for Systolic {
    fn work(&self, layer: LayerOf<'_>, _: Condition) -> Result<Work, CostError> {
        let totals = self.totals(layer)?;
        let cycles = self.cycles(&totals)?;
        let (compute, transfer) = (self.duration(cycles.compute)?, self.duration(cycles.transfer)?);
        // The total is at least either of the two, in cycles and so, rounded alike, in picoseconds.
        let total = if cycles.total == cycles.compute { compute } else { self.duration(cycles.total)? };
        let exposed = total.picoseconds().saturating_sub(compute.max(transfer).picoseconds());
        Ok(Work {
            compute,
            traffic: off_chip(cycles.dram_bytes),
            transfer,
            exposed: Duration::from_picoseconds(exposed),
            energy: self.energy(&totals, &cycles),
            quanta: totals.quanta(),
        })
    }

    fn identity(&self) -> String {
        identity("systolic", self.clock_hz, self.mode, &self.parameters)
    }

    fn processing_elements(&self) -> Option<u64> {
        Some(u64::from(self.parameters.rows) * u64::from(self.parameters.cols))
    }

    fn prices(&self) -> Vec<Price> {
        self.parameters.prices()
    }

    fn explain(&self) -> Option<&dyn Explain> {
        Some(self)
    }
}
