//! Layers on tiles, their cache and DRAM.

use rtmm_workload::{Duration, Kernel, Nest, Operator, Repeated, VectorWork};

use super::group::of_group;
use super::parameters::{GemminiParameters, InputFrom, MemoryTime, Split};
use super::tiling::Memories;
use super::volumes::{MILLIONTHS, Passes, Volumes, Whole};
use crate::blocks::{Events, VectorTotals, add, identity, quanta};
use crate::cost::{Condition, CostError, DRAM, LayerOf, SHARED_CACHE, SHARED_LEVELS, Work};
use crate::cost_model::{CostModel, Decoded};
use crate::decode::{Indivisible, Mode, Surroundings};
use crate::energy::EnergyParts;
use crate::explain::Explain;
use crate::technology::Price;

/// Tiles of a chip with a shared cache and a channel to DRAM.
#[derive(Clone, Debug)]
pub struct Gemmini {
    pub(super) parameters: GemminiParameters,
    memories: Memories,
    clock_hz: u64,
    mode: Mode,
}

/// Cycles of a kernel, in millionths.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cycles {
    pub compute: u128,
    pub memory: u128,
    pub total: u128,
}

/// A nest of a layer on the tiles: all groups and repetitions together but where the name says otherwise.
#[derive(Clone, Debug)]
pub(super) struct Mapped {
    /// One group.
    pub volumes: Volumes,
    /// Groups times repetitions.
    pub copies: u64,
    /// Tiles of a core's share that follow each other.
    pub steps: u64,
    pub macs: u64,
    /// Weight rows that go into scratchpads.
    pub weight_rows: u64,
    /// Rows between tiles and cache.
    pub cache_rows: u64,
    /// Rows between cache and DRAM.
    pub dram_rows: u64,
    /// Part of the shorter of computation and memory that adds to the longer, in millionths.
    pub overlap_factor: u64,
    pub cycles: Cycles,
}

/// Sums over all kernels of a layer.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Totals {
    pub steps: u64,
    pub macs: u64,
    pub weight_rows: u64,
    /// Rows between tiles and cache, and between cache and DRAM, of all nests.
    pub cache_rows: u64,
    pub dram_rows: u64,
    pub vector: VectorTotals,
    pub cycles: Cycles,
}

impl Gemmini {
    /// The model with these parameters; `None` where an array has no rows, there is no tile, a bandwidth is zero, or a
    /// memory of a tile holds no block in each half.
    #[must_use]
    pub fn new(parameters: GemminiParameters, surroundings: Surroundings) -> Option<Self> {
        let memories = parameters.memories();
        let holds_blocks =
            memories.scratchpad_rows >= 2 * memories.dim && memories.accumulator_rows >= memories.dim;
        let bandwidths = [parameters.tile_bandwidth_millionths, parameters.dram_bandwidth_millionths];
        let works = parameters.dim > 0 && parameters.tiles > 0 && bandwidths.iter().all(|rate| *rate > 0);
        (holds_blocks && works).then_some(Self {
            parameters,
            memories,
            clock_hz: surroundings.clock_hz,
            mode: surroundings.mode,
        })
    }

    pub(super) fn decoded(self) -> Decoded {
        let GemminiParameters { tiles, dim, .. } = self.parameters;
        Decoded { label: format!("gemmini {tiles}x{dim}x{dim}"), cost_model: Box::new(self) }
    }

    /// All parameters.
    #[must_use]
    pub fn parameters(&self) -> &GemminiParameters {
        &self.parameters
    }

    pub(super) fn tiles(&self) -> u64 {
        self.parameters.tiles.into()
    }

    /// `times` copies of a nest on all tiles.
    pub(super) fn map(&self, nest: &Nest, times: u64) -> Result<Mapped, CostError> {
        let (groups, tiles) = (u64::from(nest.groups), self.tiles());
        let mut copies = 0;
        add(&mut copies, groups, times, "groups")?;
        // Whole groups are shares by themselves.
        let (shares, rounds) = match self.parameters.split {
            Split::Even => (1, copies),
            Split::Shares if groups >= tiles => (1, groups.div_ceil(tiles) * times),
            Split::Shares => (tiles, copies),
        };
        let volumes = of_group(nest, shares, &self.memories, self.mode)?;
        let scaled = |one: u64, times: u64, what| {
            let mut sum = 0;
            add(&mut sum, one, times, what).map(|()| sum)
        };
        let all_shares = scaled(copies, volumes.sharers, "shares")?;
        let mut steps = scaled(volumes.steps, rounds, "tiles")?;
        let mut compute = volumes.compute.saturating_mul(rounds.into());
        if self.parameters.split == Split::Even {
            steps = steps.div_ceil(tiles);
            compute /= u128::from(tiles);
        }
        let cache_rows = scaled(volumes.rows, all_shares, "rows of the cache")?;
        let dram_rows = scaled(self.dram_rows(nest, &volumes.whole)?, times, "rows of DRAM")?;
        let memory = self.memory(cache_rows, dram_rows);
        let overlap_factor = self.parameters.overlap_factor_millionths.unwrap_or_else(|| by_reuse(&volumes));
        Ok(Mapped {
            copies,
            steps,
            macs: scaled(nest.macs(), times, "multiply-accumulates")?,
            weight_rows: scaled(volumes.loads.weights, all_shares, "weights")?,
            cache_rows,
            dram_rows,
            overlap_factor,
            cycles: Cycles::of(compute, memory, overlap_factor),
            volumes,
        })
    }

    /// Rows between cache and DRAM for all groups of a nest once: tensors with the channels of all groups side by side.
    fn dram_rows(&self, nest: &Nest, whole: &Whole) -> Result<u64, CostError> {
        let groups = u64::from(nest.groups);
        let overflow = CostError::Overflow { what: "rows of DRAM" };
        let blocks = |channels: u32| self.memories.blocks(u64::from(channels));
        // Of one group, rows that channels do not fill; of all together, full ones but for the last.
        let all = |rows: u64, channels: u32| -> Option<u64> {
            let of_all = self.memories.blocks(u64::from(channels) * groups);
            rows.checked_div(blocks(channels))?.checked_mul(of_all)
        };
        let of_all = || -> Option<u64> {
            let input = all(whole.input, nest.input_channels)?;
            let weights = all(whole.weights, nest.output_channels)?;
            let output = all(whole.output, nest.output_channels)?;
            let bias =
                all(whole.bias_of_a_block.checked_mul(blocks(nest.output_channels))?, nest.output_channels)?;
            let mut rows = bias.checked_add(weights)?.checked_add(output)?;
            let cache = self.parameters.cache_bytes / self.memories.dim;
            let is_held = rows.checked_mul(2)?.checked_add(input)? <= cache;
            if self.parameters.input == InputFrom::Dram || !is_held {
                rows = rows.checked_add(input)?;
            }
            // What a pass keeps, times the passes, against the cache less a sixth.
            let passes = whole.passes.count();
            let held = u128::from(whole.inner_input) + u128::from(whole.inner_weights);
            let held = held.checked_mul(passes.into())?.checked_add(whole.output.into())?.checked_mul(6)?;
            if held > 5 * u128::from(cache) * u128::from(passes) {
                rows = rows.checked_add(match whole.passes {
                    Passes::OfInput(passes) => (passes - 1).checked_mul(input)?,
                    Passes::OfWeights(passes) => (passes - 1).checked_mul(weights)? / 2,
                })?;
            }
            Some(rows)
        };
        of_all().ok_or(overflow)
    }

    /// Memory cycles for rows between tiles and cache and between cache and DRAM, in millionths.
    fn memory(&self, cache_rows: u64, dram_rows: u64) -> u128 {
        let GemminiParameters { tile_bandwidth_millionths, dram_bandwidth_millionths, memory, .. } =
            self.parameters;
        let cycles = |rows: u64, tiles: u64, bandwidth: u64| {
            let bytes = u128::from(rows) * u128::from(self.memories.dim);
            bytes.saturating_mul(MILLIONTHS * MILLIONTHS) / (u128::from(bandwidth) * u128::from(tiles))
        };
        let at_dram = cycles(dram_rows, 1, dram_bandwidth_millionths);
        let at_cache = |rows| cycles(rows, self.tiles(), tile_bandwidth_millionths);
        match memory {
            MemoryTime::Longer => at_dram.max(at_cache(cache_rows)),
            MemoryTime::Sum => at_dram + at_cache(cache_rows.saturating_sub(dram_rows)),
        }
    }

    /// Cycles of vector work, in millionths. Operands pass through as they come, and nothing is used again.
    pub(super) fn vector_cycles(&self, work: &VectorWork) -> Cycles {
        let unit = u128::from(self.parameters.vector_unit.cycles(work)) * MILLIONTHS;
        if unit == 0 {
            return Cycles::default();
        }
        let bytes = work.elements_in.saturating_add(work.elements_out);
        let rate = u128::from(self.parameters.dram_bandwidth_millionths);
        let memory = u128::from(bytes) * MILLIONTHS * MILLIONTHS / rate;
        Cycles::of(unit, memory, self.parameters.overlap_factor_millionths.unwrap_or(1_000_000))
    }

    /// The published program has one number for the padding of all four sides.
    fn refuse_what_the_tool_lacks(&self, layer: LayerOf<'_>) -> Result<(), CostError> {
        match layer.layer.operator {
            Operator::Convolution(convolution)
                if self.mode == Mode::Reference && !convolution.padding.is_same() =>
            {
                let what = "padding that differs from side to side in reference mode".to_owned();
                Err(CostError::Unsupported { model: "gemmini", what })
            }
            _ => Ok(()),
        }
    }

    pub(super) fn totals(&self, layer: LayerOf<'_>) -> Result<Totals, CostError> {
        let mut totals = Totals::default();
        self.refuse_what_the_tool_lacks(layer)?;
        for Repeated { kernel, times } in layer.layer.kernels()? {
            let times = u64::from(times);
            let cycles = match kernel {
                Kernel::Nest(nest) => {
                    let mapped = self.map(&nest, times)?;
                    add(&mut totals.steps, mapped.steps, 1, "tiles")?;
                    add(&mut totals.macs, mapped.macs, 1, "multiply-accumulates")?;
                    add(&mut totals.weight_rows, mapped.weight_rows, 1, "weights")?;
                    add(&mut totals.cache_rows, mapped.cache_rows, 1, "rows of the cache")?;
                    add(&mut totals.dram_rows, mapped.dram_rows, 1, "rows of DRAM")?;
                    mapped.cycles
                }
                Kernel::Vector(work) => {
                    let unit = self.parameters.vector_unit.cycles(&work);
                    totals.vector.add(&work, unit, times)?;
                    self.vector_cycles(&work).times(times)
                }
            };
            totals.cycles = totals.cycles.plus(cycles);
        }
        Ok(totals)
    }

    /// Bytes that cross each memory level.
    pub(super) fn traffic(&self, totals: &Totals) -> Result<[u64; SHARED_LEVELS], CostError> {
        let mut traffic = [0; SHARED_LEVELS];
        for (level, rows) in [(SHARED_CACHE, totals.cache_rows), (DRAM, totals.dram_rows)] {
            add(&mut traffic[level], rows, self.memories.dim, "bytes of memory")?;
            add(&mut traffic[level], totals.vector.elements, 1, "bytes of memory")?;
        }
        Ok(traffic)
    }

    /// Bytes between arrays and their scratchpads and accumulators: an input for `dim` multiply-accumulates, and a partial
    /// sum of four bytes; the weights of each tile; operands of the vector unit.
    pub(super) fn scratchpad_bytes(&self, totals: &Totals) -> f64 {
        let dim = self.memories.dim as f64;
        let streamed = totals.macs as f64 / dim * 5.0;
        streamed + totals.weight_rows as f64 * dim + totals.vector.elements as f64
    }

    /// The part of these that the accumulator has: partial sums.
    pub(super) fn accumulator_bytes(&self, totals: &Totals) -> f64 {
        totals.macs as f64 / self.memories.dim as f64 * 4.0
    }

    pub(super) fn energy(&self, totals: &Totals, traffic: &[u64; SHARED_LEVELS]) -> EnergyParts {
        let parts = self.parameters.energies().parts(&Events {
            operations: totals.operations(),
            vector_operations: totals.vector.operations as f64,
            l1: self.scratchpad_bytes(totals),
            l2: traffic[SHARED_CACHE] as f64,
            dram: traffic[DRAM] as f64,
            cycles: in_cycles(totals.cycles.total),
        });
        match self.parameters.accumulator_pj {
            None => parts,
            Some(accumulator) => {
                let sums = self.accumulator_bytes(totals);
                let others = self.scratchpad_bytes(totals) - sums;
                EnergyParts { l1: self.parameters.scratchpad_pj * others + accumulator * sums, ..parts }
            }
        }
    }

    /// The time of millionths of a cycle, to the nearest picosecond.
    pub(super) fn duration(&self, millionths: u128) -> Result<Duration, CostError> {
        let clock = u128::from(self.clock_hz);
        let overflow = CostError::Overflow { what: "cycles" };
        // A millionth of a cycle is 10^6 / clock picoseconds.
        let scaled = millionths.checked_mul(MILLIONTHS).and_then(|scaled| scaled.checked_add(clock / 2));
        let picoseconds = scaled.and_then(|scaled| scaled.checked_div(clock));
        let picoseconds = picoseconds.and_then(|picoseconds| u64::try_from(picoseconds).ok());
        picoseconds.map(Duration::from_picoseconds).ok_or(overflow)
    }
}

/// The part that does not overlap, in millionths, by how often a group's inputs and weights are loaded.
fn by_reuse(volumes: &Volumes) -> u64 {
    let Volumes { loads, whole, sharers, .. } = volumes;
    let [inputs, weights] = [loads.input, loads.weights].map(|rows| u128::from(rows) * u128::from(*sharers));
    let (input, weight) = (u128::from(whole.input.max(1)), u128::from(whole.weights.max(1)));
    if weights == weight {
        return if inputs > input { 700_000 } else { 500_000 };
    }
    let reuse = inputs as f64 / input as f64 + weights as f64 / weight as f64;
    if reuse > 100.0 { 1_000_000 } else { 300_000 }
}

/// Cycles as a number for people.
pub(super) fn in_cycles(millionths: u128) -> f64 {
    millionths as f64 / MILLIONTHS as f64
}

impl Cycles {
    fn of(compute: u128, memory: u128, overlap_factor: u64) -> Self {
        let (longer, shorter) = (compute.max(memory), compute.min(memory));
        let added = shorter.saturating_mul(overlap_factor.into()) / MILLIONTHS;
        Self { compute, memory, total: longer.saturating_add(added) }
    }

    const fn times(self, times: u64) -> Self {
        let times = times as u128;
        Self {
            compute: self.compute.saturating_mul(times),
            memory: self.memory.saturating_mul(times),
            total: self.total.saturating_mul(times),
        }
    }

    const fn plus(self, other: Self) -> Self {
        Self {
            compute: self.compute.saturating_add(other.compute),
            memory: self.memory.saturating_add(other.memory),
            total: self.total.saturating_add(other.total),
        }
    }
}

impl Totals {
    /// Multiply-accumulates and vector operations.
    pub(super) fn operations(&self) -> f64 {
        self.macs as f64 + self.vector.operations as f64
    }
}

impl CostModel for Gemmini {
    fn work(&self, layer: LayerOf<'_>, _: Condition) -> Result<Work, CostError> {
        let totals = self.totals(layer)?;
        let traffic = self.traffic(&totals)?;
        let (compute, transfer) =
            (self.duration(totals.cycles.compute)?, self.duration(totals.cycles.memory)?);
        // The total is at least either of the two, and rounded alike.
        let total = self.duration(totals.cycles.total)?;
        let exposed = total.picoseconds().saturating_sub(compute.max(transfer).picoseconds());
        Ok(Work {
            compute,
            traffic,
            transfer,
            exposed: Duration::from_picoseconds(exposed),
            energy: self.energy(&totals, &traffic),
            quanta: quanta(totals.steps.saturating_add(totals.vector.runs)),
        })
    }

    fn identity(&self) -> String {
        identity("gemmini", self.clock_hz, self.mode, &self.parameters)
    }

    fn part(&self, units: u32, of: u32) -> Result<Decoded, Indivisible> {
        let part = Self::new(self.parameters.part(units, of)?, Surroundings::new(self.clock_hz, self.mode));
        // Fewer tiles than those of a model that is there; none only of no units.
        part.map(Self::decoded).ok_or(Indivisible::Nothing { key: "tiles", units, of })
    }

    fn processing_elements(&self) -> Option<u64> {
        let parameters = self.parameters();
        let dim = u64::from(parameters.dim);
        Some(u64::from(parameters.tiles) * dim * dim)
    }

    fn prices(&self) -> Vec<Price> {
        self.parameters.prices()
    }

    fn explain(&self) -> Option<&dyn Explain> {
        Some(self)
    }
}
