//! Layers on a fissionable array, in a shape that is given or in the best one.

use std::cmp::Ordering;

use rtmm_workload::{Duration, Kernel, Nest, Repeated, VectorWork};

use super::mapping::{Division, Shape, Slice, Split};
use super::parameters::FissionParameters;
use crate::blocks::{Events, VectorTotals, add, identity, off_chip, quanta, time};
use crate::cost::{Condition, CostError, LayerOf, Work};
use crate::cost_model::CostModel;
use crate::cost_model::Decoded;
use crate::decode::{Indivisible, Mode};
use crate::energy::EnergyParts;
use crate::explain::Explain;
use crate::systolic::{Array, Bandwidth, Buffers, DramWords, ExactTime, Operand};
use crate::technology::{Price, PriceOf};

/// Subarrays that join to larger arrays, with vector units, buffers and a channel to off-chip memory.
#[derive(Clone, Debug)]
pub struct Fission {
    pub(super) parameters: FissionParameters,
    pub(super) bandwidth: Option<Bandwidth>,
    buffers: Buffers,
    clock_hz: u64,
}

/// Counts of a layer, or of a product of one, in one shape.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    /// Folds that follow each other.
    pub folds: u64,
    pub lines: u64,
    pub vector: VectorTotals,
    pub macs: u64,
    /// Elements that the buffers pass on to clusters, a shared operand once.
    pub sram_reads: u64,
    /// Inputs among them; the others are weights.
    pub ifmap_reads: u64,
    pub sram_writes: u64,
    pub partial_sum_reads: u64,
    /// Elements that the bus takes to one more cluster.
    pub bus_reads: u64,
    pub dram: DramWords,
    /// Time under the memory's bandwidth, if that is finite.
    time: ExactTime,
}

/// A layer in one shape.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shaped {
    pub shape: Shape,
    pub counts: Counts,
    /// Cycles of arrays and vector unit.
    pub compute: u64,
    pub transfer: u64,
    pub total: u64,
    pub dram_bytes: u64,
    pub energy: EnergyParts,
}

impl Fission {
    /// The model with these parameters at a clock in hertz; `None` where there is no subarray, or all of them in a row
    /// have more rows or columns than an [`Array`] can have.
    #[must_use]
    pub fn new(parameters: FissionParameters, clock_hz: u64) -> Option<Self> {
        let model = Self {
            bandwidth: parameters.arrays.bandwidth(),
            buffers: parameters.arrays.buffers(),
            parameters,
            clock_hz,
        };
        let subarrays = model.parameters.subarrays;
        let in_line = |rows, columns| model.array(Shape { clusters: 1, rows, columns });
        (subarrays > 0 && in_line(subarrays, 1).is_some() && in_line(1, subarrays).is_some()).then_some(model)
    }

    pub(super) fn decoded(self) -> Decoded {
        let FissionParameters { subarrays, arrays, .. } = &self.parameters;
        let dataflow = arrays.dataflow.name().to_uppercase();
        let label = format!("fission {dataflow} {subarrays}x{}x{}", arrays.rows, arrays.cols);
        Decoded { label, cost_model: Box::new(self) }
    }

    /// All parameters.
    #[must_use]
    pub fn parameters(&self) -> &FissionParameters {
        &self.parameters
    }

    /// The array that one cluster of a shape is.
    pub(super) fn array(&self, shape: Shape) -> Option<Array> {
        let arrays = &self.parameters.arrays;
        Array::new(
            arrays.rows.checked_mul(shape.rows)?,
            arrays.cols.checked_mul(shape.columns)?,
            arrays.dataflow,
        )
    }

    /// The shape in which a layer takes the fewest cycles, by the order that the parent module gives.
    ///
    /// # Errors
    /// [`CostError`] says why the layer cannot run here.
    pub fn shape_of(&self, layer: LayerOf<'_>) -> Result<Shape, CostError> {
        Ok(self.best(layer)?.shape)
    }

    /// The work of a layer in one shape, whether or not it is the best.
    ///
    /// # Errors
    /// [`CostError`] says why the layer cannot run here; [`CostError::Unsupported`] where the shape needs more
    /// subarrays than there are, or has none.
    pub fn work_in(&self, layer: LayerOf<'_>, shape: Shape) -> Result<Work, CostError> {
        self.work_of(&self.shaped(&layer.layer.kernels()?, shape)?)
    }

    pub(super) fn best(&self, layer: LayerOf<'_>) -> Result<Shaped, CostError> {
        let kernels = layer.layer.kernels()?;
        let mut shapes = Shape::all(self.parameters.subarrays);
        let first = shapes.next().unwrap_or(Shape { clusters: 1, rows: 1, columns: 1 });
        let mut best = self.shaped(&kernels, first)?;
        for shape in shapes {
            let shaped = self.shaped(&kernels, shape)?;
            // Shapes come in the order of preference, so that a tie leaves the one before.
            if shaped.compare(&best) == Ordering::Less {
                best = shaped;
            }
        }
        Ok(best)
    }

    /// The layer of these kernels in one shape.
    pub(super) fn shaped(&self, kernels: &[Repeated], shape: Shape) -> Result<Shaped, CostError> {
        let Some(array) = self.array(shape).filter(|_| self.has(shape)) else {
            let Shape { clusters, rows, columns } = shape;
            let what = format!(
                "{clusters} clusters of {rows} x {columns} subarrays on an array of {}",
                self.parameters.subarrays
            );
            return Err(CostError::Unsupported { model: "fission", what });
        };
        let mut counts = Counts::default();
        for Repeated { kernel, times } in kernels {
            match kernel {
                Kernel::Nest(nest) => {
                    let (_, of_product) = self.divide(nest, *times, array, shape.clusters)?;
                    counts.add(&of_product)?;
                }
                Kernel::Vector(work) => self.add_vector(&mut counts, work, u64::from(*times))?,
            }
        }
        let mut compute = counts.lines;
        add(&mut compute, counts.vector.cycles, 1, "cycles")?;
        let mut dram_bytes = 0;
        let words = counts.dram.total().saturating_add(counts.vector.elements);
        add(&mut dram_bytes, words, self.parameters.arrays.element_bytes, "bytes off chip")?;
        let (transfer, total) = match self.bandwidth {
            Some(bandwidth) => {
                (bandwidth.whole_cycles(bandwidth.transfer(dram_bytes)), bandwidth.whole_cycles(counts.time))
            }
            None => (0, compute),
        };
        let energy = self.energy(&counts, dram_bytes, total);
        Ok(Shaped { shape, counts, compute, transfer, total, dram_bytes, energy })
    }

    /// True if there are so many subarrays, and the shape is one.
    const fn has(&self, shape: Shape) -> bool {
        let Shape { clusters, rows, columns } = shape;
        let all = self.parameters.subarrays as u64;
        let size = rows as u64 * columns as u64;
        size > 0 && clusters > 0 && size <= all && clusters as u64 * size <= all
    }

    /// A product divided among clusters in the fastest way; of equally fast ones in that of least energy.
    pub(super) fn divide(
        &self,
        nest: &Nest,
        times: u32,
        array: Array,
        clusters: u32,
    ) -> Result<(Division, Counts), CostError> {
        let divided = |split| {
            let division = Division::new(nest, times, array, clusters, split, &self.buffers)
                .ok_or(CostError::Overflow { what: "multiply-accumulates" })?;
            let counts = self.counts(&division)?;
            Ok((division, counts))
        };
        if clusters <= 1 {
            return divided(Split::Whole);
        }
        let [first, others @ ..] = Split::AMONG_SEVERAL;
        let mut best = divided(first)?;
        for split in others {
            let other = divided(split)?;
            if self.compare(&other.1, &best.1) == Ordering::Less {
                best = other;
            }
        }
        Ok(best)
    }

    /// The order of divisions of one product: by time, then by energy.
    fn compare(&self, one: &Counts, other: &Counts) -> Ordering {
        let time = match self.bandwidth {
            Some(_) => one.time.cmp(&other.time),
            None => one.lines.cmp(&other.lines),
        };
        let energy = |counts: &Counts| {
            let bytes = counts.dram.total() as f64 * self.parameters.arrays.element_bytes as f64;
            self.memory_pj(counts) + self.parameters.arrays.dram_pj * bytes
        };
        time.then_with(|| energy(one).total_cmp(&energy(other)))
    }

    /// The counts of a product that is divided among clusters.
    fn counts(&self, division: &Division) -> Result<Counts, CostError> {
        let Division { split, rounds, largest, traffic, .. } = division;
        let mut counts = Counts::default();
        add(&mut counts.folds, largest.cost.folds(), *rounds, "folds")?;
        add(&mut counts.lines, largest.cost.lines, *rounds, "cycles")?;
        for Slice { cost, traffic, count, .. } in division.slices() {
            let words = traffic.words();
            let sum = |sum: &mut u64, one, what| add(sum, one, *count, what);
            sum(&mut counts.macs, cost.macs, "multiply-accumulates")?;
            sum(&mut counts.sram_writes, cost.sram_ofmap_writes, "output writes")?;
            sum(&mut counts.partial_sum_reads, cost.partial_sum_reads, "partial sums")?;
            sum(&mut counts.dram.ofmap, words.ofmap, "outputs off chip")?;
            sum(&mut counts.dram.partial_sums, words.partial_sums, "partial sums off chip")?;
        }
        for operand in [Operand::Inputs, Operand::Weights] {
            let of = |slice: &Slice| match operand {
                Operand::Inputs => (slice.cost.sram_ifmap_reads, slice.traffic.words().ifmap),
                Operand::Weights => (slice.cost.sram_filter_reads, slice.traffic.words().filter),
            };
            let (mut reads, mut words) = (0, 0);
            for slice in division.slices() {
                add(&mut reads, of(slice).0, slice.count, "buffer reads")?;
                add(&mut words, of(slice).1, slice.count, "operands off chip")?;
            }
            if split.shared() == Some(operand) {
                let (of_one, words_of_one) = of(largest);
                let (mut once, mut words_once) = (0, 0);
                add(&mut once, of_one, *rounds, "buffer reads")?;
                add(&mut words_once, words_of_one, *rounds, "operands off chip")?;
                // The largest slice is one of those in the sum.
                add(&mut counts.bus_reads, reads.saturating_sub(once), 1, "bus transfers")?;
                (reads, words) = (once, words_once);
            }
            add(&mut counts.sram_reads, reads, 1, "buffer reads")?;
            match operand {
                Operand::Inputs => (counts.dram.ifmap, counts.ifmap_reads) = (words, reads),
                Operand::Weights => counts.dram.filter = words,
            }
        }
        if let Some(bandwidth) = self.bandwidth {
            counts.time = traffic.time(bandwidth, self.parameters.arrays.element_bytes, *rounds);
        }
        Ok(counts)
    }

    fn add_vector(&self, counts: &mut Counts, work: &VectorWork, times: u64) -> Result<(), CostError> {
        let cycles = self.parameters.arrays.vector_unit.cycles(work);
        counts.vector.add(work, cycles, times)?;
        if let Some(bandwidth) = self.bandwidth.filter(|_| cycles > 0) {
            let words = work.elements_in.saturating_add(work.elements_out);
            let bytes = words.saturating_mul(self.parameters.arrays.element_bytes);
            // Operands pass through as they come: nothing but the slower of the two matters.
            let time = bandwidth.cycles(cycles).max(bandwidth.transfer(bytes));
            counts.time = counts.time.plus(time.times(times));
        }
        Ok(())
    }

    /// Elements that the buffers pass on or take in, those to and from off-chip memory included.
    pub(super) fn sram_accesses(counts: &Counts) -> f64 {
        let vector = counts.vector.elements as f64;
        let off_chip = counts.dram.total() as f64 + vector;
        let array = counts.sram_reads as f64 + counts.sram_writes as f64 + counts.partial_sum_reads as f64;
        array + vector + off_chip
    }

    /// The same by buffer: input, weight, output.
    pub(super) fn accesses_by_buffer(counts: &Counts) -> [f64; 3] {
        let Counts { dram, vector, .. } = counts;
        // Vector operands pass through a buffer: one access on either side.
        let vector_out = vector.elements.saturating_sub(vector.elements_in);
        [
            counts.ifmap_reads as f64 + dram.ifmap as f64 + 2.0 * vector.elements_in as f64,
            counts.sram_reads.saturating_sub(counts.ifmap_reads) as f64 + dram.filter as f64,
            counts.sram_writes as f64
                + counts.partial_sum_reads as f64
                + dram.ofmap as f64
                + dram.partial_sums as f64
                + 2.0 * vector_out as f64,
        ]
    }

    /// Bytes that the bus takes to one more cluster.
    pub(super) fn bus_bytes(&self, counts: &Counts) -> f64 {
        counts.bus_reads as f64 * self.parameters.arrays.element_bytes as f64
    }

    fn memory_pj(&self, counts: &Counts) -> f64 {
        let FissionParameters { arrays, bus_pj, .. } = &self.parameters;
        let buffers = match &arrays.buffers_pj {
            None => arrays.sram_pj * Self::sram_accesses(counts),
            Some(buffers) => buffers.of(Self::accesses_by_buffer(counts)),
        };
        buffers + bus_pj * self.bus_bytes(counts)
    }

    fn energy(&self, counts: &Counts, dram_bytes: u64, total: u64) -> EnergyParts {
        let parts = self.parameters.arrays.energies().parts(&Events {
            operations: counts.operations(),
            vector_operations: counts.vector.operations as f64,
            l1: 0.0,
            l2: 0.0,
            dram: dram_bytes as f64,
            cycles: total as f64,
        });
        EnergyParts { l2: self.memory_pj(counts), ..parts }
    }

    pub(super) fn duration(&self, cycles: u64) -> Result<Duration, CostError> {
        if cycles == 0 { Ok(Duration::ZERO) } else { time(cycles, self.clock_hz) }
    }

    fn work_of(&self, shaped: &Shaped) -> Result<Work, CostError> {
        let (compute, transfer) = (self.duration(shaped.compute)?, self.duration(shaped.transfer)?);
        // The total is at least either of the two, in cycles and so, rounded alike, in picoseconds.
        let total = self.duration(shaped.total)?;
        let exposed = total.picoseconds().saturating_sub(compute.max(transfer).picoseconds());
        Ok(Work {
            compute,
            traffic: off_chip(shaped.dram_bytes),
            transfer,
            exposed: Duration::from_picoseconds(exposed),
            energy: shaped.energy,
            quanta: quanta(shaped.counts.folds.saturating_add(shaped.counts.vector.runs)),
        })
    }
}

impl Counts {
    /// Multiply-accumulates and vector operations.
    pub(super) fn operations(&self) -> f64 {
        self.macs as f64 + self.vector.operations as f64
    }

    /// Adds the counts of a product.
    fn add(&mut self, other: &Self) -> Result<(), CostError> {
        let sum = |sum: &mut u64, one, what| add(sum, one, 1, what);
        sum(&mut self.folds, other.folds, "folds")?;
        sum(&mut self.lines, other.lines, "cycles")?;
        sum(&mut self.macs, other.macs, "multiply-accumulates")?;
        sum(&mut self.sram_reads, other.sram_reads, "buffer reads")?;
        sum(&mut self.ifmap_reads, other.ifmap_reads, "buffer reads")?;
        sum(&mut self.sram_writes, other.sram_writes, "output writes")?;
        sum(&mut self.partial_sum_reads, other.partial_sum_reads, "partial sums")?;
        sum(&mut self.bus_reads, other.bus_reads, "bus transfers")?;
        sum(&mut self.dram.ifmap, other.dram.ifmap, "inputs off chip")?;
        sum(&mut self.dram.filter, other.dram.filter, "weights off chip")?;
        sum(&mut self.dram.ofmap, other.dram.ofmap, "outputs off chip")?;
        sum(&mut self.dram.partial_sums, other.dram.partial_sums, "partial sums off chip")?;
        self.time = self.time.plus(other.time);
        Ok(())
    }
}

impl Shaped {
    /// The order of shapes of one layer: by cycles, then by energy.
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        self.total.cmp(&other.total).then_with(|| self.energy.total().total_cmp(&other.energy.total()))
    }
}

impl CostModel for Fission {
    fn work(&self, layer: LayerOf<'_>, _: Condition) -> Result<Work, CostError> {
        self.work_of(&self.best(layer)?)
    }

    fn identity(&self) -> String {
        // No published tool to repeat: both modes are one.
        identity("fission", self.clock_hz, Mode::Corrected, &self.parameters)
    }

    fn part(&self, units: u32, of: u32) -> Result<Decoded, Indivisible> {
        let part = Self::new(self.parameters.part(units, of)?, self.clock_hz);
        // Fewer subarrays than those of a model that is there; none only of no units.
        part.map(Self::decoded).ok_or(Indivisible::Nothing { key: "subarrays", units, of })
    }

    fn processing_elements(&self) -> Option<u64> {
        let arrays = &self.parameters.arrays;
        Some(u64::from(self.parameters.subarrays) * u64::from(arrays.rows) * u64::from(arrays.cols))
    }

    fn prices(&self) -> Vec<Price> {
        let mut prices = self.parameters.arrays.prices();
        prices.push(Price::new(PriceOf::Bus, self.parameters.bus_pj, "byte"));
        prices
    }

    fn explain(&self) -> Option<&dyn Explain> {
        Some(self)
    }
}
