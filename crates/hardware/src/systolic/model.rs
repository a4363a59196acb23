//! Layers on the array, its vector unit and its memory.

use rtmm_workload::{Duration, Kernel, Nest, Repeated, VectorWork};
use serde::Serialize;

use super::array::{Array, MatrixProduct, SystolicCost, percent};
use super::memory::{Bandwidth, Buffers, DramWords, ExactTime, FoldTraffic, touched_input};
use super::parameters::SystolicParameters;
use crate::cost::{Condition, CostError, CostModel, DRAM, EnergyParts, LayerOf, SHARED_LEVELS, Work};
use crate::decode::{Mode, Surroundings};
use crate::explain::Explain;
use crate::vector_unit::VectorUnit;

/// A systolic array with vector unit, buffers and a channel to off-chip memory.
#[derive(Clone, Debug)]
pub struct Systolic {
    pub(super) parameters: SystolicParameters,
    pub(super) array: Array,
    pub(super) buffers: Buffers,
    pub(super) bandwidth: Option<Bandwidth>,
    pub(super) vector_unit: VectorUnit,
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

/// What all kernels of a layer add up to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Totals {
    /// Matrix products, each a layer of its own to SCALE-Sim.
    pub products: u64,
    pub folds: u64,
    pub lines: u64,
    pub vector_cycles: u64,
    pub vector_runs: u64,
    pub vector_operations: u64,
    pub vector_words: u64,
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

/// `sum + one * copies`, or an error that names the count.
fn add(sum: u64, one: u64, copies: u64, what: &'static str) -> Result<u64, CostError> {
    one.checked_mul(copies).and_then(|all| sum.checked_add(all)).ok_or(CostError::Overflow { what })
}

impl Systolic {
    /// The model with these parameters; `None` where an extent of the array is out of range.
    #[must_use]
    pub fn new(parameters: SystolicParameters, surroundings: Surroundings) -> Option<Self> {
        Some(Self {
            array: parameters.array()?,
            buffers: parameters.buffers(),
            bandwidth: parameters.bandwidth(),
            vector_unit: parameters.vector_unit(),
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
        let traffic = FoldTraffic::new(&cost, touched_input(nest), &self.buffers, self.mode);
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
        let sum = |sum: u64, one: u64, what: &'static str| add(sum, one, copies, what);
        totals.products = sum(totals.products, 1, "matrix products")?;
        totals.folds = sum(totals.folds, cost.folds(), "folds")?;
        totals.lines = sum(totals.lines, cost.lines, "cycles")?;
        totals.macs = sum(totals.macs, cost.macs, "multiply-accumulates")?;
        totals.used_cells = sum(totals.used_cells, cost.spatial_rows * cost.spatial_columns, "cells")?;
        totals.cells = sum(totals.cells, cost.cells, "cells")?;
        totals.sram_ifmap_reads = sum(totals.sram_ifmap_reads, cost.sram_ifmap_reads, "input reads")?;
        totals.sram_filter_reads = sum(totals.sram_filter_reads, cost.sram_filter_reads, "weight reads")?;
        totals.sram_ofmap_writes = sum(totals.sram_ofmap_writes, cost.sram_ofmap_writes, "output writes")?;
        totals.scalesim_ofmap_writes =
            sum(totals.scalesim_ofmap_writes, cost.scalesim_ofmap_writes(), "output writes")?;
        totals.partial_sum_reads = sum(totals.partial_sum_reads, cost.partial_sum_reads, "partial sums")?;
        totals.dram.ifmap = sum(totals.dram.ifmap, words.ifmap, "inputs off chip")?;
        totals.dram.filter = sum(totals.dram.filter, words.filter, "weights off chip")?;
        totals.dram.ofmap = sum(totals.dram.ofmap, words.ofmap, "outputs off chip")?;
        totals.dram.partial_sums =
            sum(totals.dram.partial_sums, words.partial_sums, "partial sums off chip")?;
        totals.scalesim_cell_cycles +=
            cost.cells as f64 * cost.scalesim_utilisation_cycles() as f64 * copies as f64;
        if let Some(bandwidth) = self.bandwidth {
            let time = traffic.time(bandwidth, self.parameters.element_bytes, copies);
            totals.time = totals.time.plus(time);
        }
        Ok(())
    }

    fn add_vector(&self, totals: &mut Totals, work: &VectorWork, times: u64) -> Result<(), CostError> {
        let cycles = self.vector_unit.cycles(work);
        if cycles == 0 {
            return Ok(());
        }
        let words = work.elements_in.saturating_add(work.elements_out);
        totals.vector_runs = add(totals.vector_runs, 1, times, "vector operations")?;
        totals.vector_cycles = add(totals.vector_cycles, cycles, times, "cycles")?;
        totals.vector_operations =
            add(totals.vector_operations, work.operations, times, "vector operations")?;
        totals.vector_words = add(totals.vector_words, words, times, "vector operands")?;
        if let Some(bandwidth) = self.bandwidth {
            let bytes = words.saturating_mul(self.parameters.element_bytes);
            // Operands pass through as they come: nothing but the slower of the two matters.
            let time = bandwidth.cycles(cycles).max(bandwidth.transfer(bytes));
            totals.time = totals.time.plus(time.times(times));
        }
        Ok(())
    }

    pub(super) fn cycles(&self, totals: &Totals) -> Result<Cycles, CostError> {
        let compute = add(totals.lines, totals.vector_cycles, 1, "cycles")?;
        let words = totals.dram.total().saturating_add(totals.vector_words);
        let dram_bytes = add(0, words, self.parameters.element_bytes, "bytes off chip")?;
        let (transfer, total) = match self.bandwidth {
            Some(bandwidth) => {
                (bandwidth.whole_cycles(bandwidth.transfer(dram_bytes)), bandwidth.whole_cycles(totals.time))
            }
            None => (0, compute),
        };
        Ok(Cycles { compute, transfer, total, dram_bytes })
    }

    pub(super) fn duration(&self, cycles: u64) -> Result<Duration, CostError> {
        if cycles == 0 {
            return Ok(Duration::ZERO);
        }
        Duration::from_cycles(cycles, self.clock_hz).ok_or(CostError::Overflow { what: "cycles" })
    }

    /// Elements that the buffers pass on or take in.
    pub(super) fn sram_accesses(&self, totals: &Totals) -> f64 {
        let reads = totals.sram_ifmap_reads as f64 + totals.sram_filter_reads as f64;
        let vector = totals.vector_words as f64;
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

    pub(super) fn energy(&self, totals: &Totals, cycles: &Cycles) -> EnergyParts {
        let SystolicParameters { mac_pj, sram_pj, dram_pj, static_pj_per_cycle, .. } = self.parameters;
        EnergyParts {
            mac: mac_pj * (totals.macs as f64 + totals.vector_operations as f64),
            l1: 0.0,
            l2: sram_pj * self.sram_accesses(totals),
            dram: dram_pj * cycles.dram_bytes as f64,
            r#static: static_pj_per_cycle * cycles.total as f64,
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
        u32::try_from(self.folds.saturating_add(self.vector_runs)).unwrap_or(u32::MAX).max(1)
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
        let mut traffic = [0; SHARED_LEVELS];
        traffic[DRAM] = cycles.dram_bytes;
        Ok(Work {
            compute,
            traffic,
            transfer,
            exposed: Duration::from_picoseconds(exposed),
            energy: self.energy(&totals, &cycles),
            quanta: totals.quanta(),
        })
    }

    fn identity(&self) -> String {
        #[derive(Debug, Serialize)]
        struct Identity<'p> {
            model: &'static str,
            mode: &'static str,
            clock_hz: u64,
            parameters: &'p SystolicParameters,
        }
        let mode = match self.mode {
            Mode::Corrected => "corrected",
            Mode::Reference => "reference",
        };
        let identity =
            Identity { model: "systolic", mode, clock_hz: self.clock_hz, parameters: &self.parameters };
        // Plain numbers always serialise; the other text would serve as well.
        serde_json::to_string(&identity).unwrap_or_else(|_| format!("{identity:?}"))
    }

    fn explain(&self) -> Option<&dyn Explain> {
        Some(self)
    }
}
