//! The corrected mode: exact volumes of a tiled loop nest.
//!
//! [`super::mapping`] defines the nest. This module counts, over all steps, what has to move:
//!
//! - a processing element keeps its tile of a tensor from one step to the next; what its new tile
//!   has beyond the old one is an **L1 fill**;
//! - the elements that some unit holds after a step and none held before it are read from **L2**
//!   once (multicast, and forwarding between neighbours);
//! - outputs that leave the array are written to L2, and partial sums that come back are read;
//! - padding is not stored and not moved: tiles are cut off at the input's borders, and only rows
//!   and columns that some tap touches count;
//! - **L2** itself holds the largest tile of the same nest that fits, double-buffered unless it is
//!   everything: the loops outside of it are the steps of the same accounting against **DRAM**.
//!
//! A step takes `max(compute, ceil(ingress / bandwidth), ceil(egress / bandwidth))` cycles, where
//! compute is the largest tile of any unit; the first step waits for its ingress, and the last
//! outputs drain after it. Off-chip traffic overlaps with all of this: the layer takes the longer
//! of the two.
//!
//! Nothing is enumerated step by step. The tile of a unit is a product over independent *axes*
//! (batch, group, K, C, rows with filter rows, columns with filter columns), and what changes from
//! one step to the next depends on the *prime* alone: the outermost loop that moves on, while all
//! loops inside of it start again. For every prime each axis contributes a short list of classes
//! (how often, how much), and sums over steps are sums over products of classes. The walk over all
//! steps and all units that this replaces is kept as the oracle in the tests.

use rtmm_workload::Nest;

use super::axis::{AXES, Axis, Holder, INPUT, OUTPUT, Transitions, WEIGHT, build_axes};
use super::mapping::{Loop, instantiate};
use crate::cost::CostError;

/// Traffic and latency of an array, for one nest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CorrectedCost {
    /// True multiply-accumulates.
    pub macs: u64,
    /// Steps of the nest.
    pub steps: u64,
    /// Cycles on the array, with the on-chip network and without off-chip memory.
    pub cycles: u64,
    /// Cycles if operands were always there.
    pub compute_cycles: u64,
    /// Elements written to L1: inputs, weights; over all processing elements.
    pub l1_fills: [u64; 2],
    /// Elements read from L2 by the array: inputs, weights, partial sums.
    pub l2_reads: [u64; 3],
    /// Outputs and partial sums written to L2 by the array.
    pub l2_writes: u64,
    /// Elements read from DRAM: inputs, weights, partial sums.
    pub dram_reads: [u64; 3],
    /// Outputs and partial sums written to DRAM.
    pub dram_writes: u64,
    /// Loops of the nest that L2 does not hold, counted from the outermost.
    pub l2_boundary: usize,
    /// The largest L2 tile of input, weight and output, in elements.
    pub l2_tile: [u64; 3],
    /// The largest tile of a processing element, in elements.
    pub l1_tile: [u64; 3],
}

/// Steps of equal cost, for explanations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    /// The outermost loop that moved on; `None` for the first step.
    pub prime: Option<usize>,
    /// Number of steps.
    pub steps: u64,
    /// Cycles of computation of one.
    pub compute: u64,
    /// Elements that enter the array in one.
    pub ingress: u64,
    /// Elements that leave it in one.
    pub egress: u64,
    /// Cycles of one.
    pub cycles: u64,
}

/// Capacities and rates around the array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Elements a cycle between L2 and the array, in each direction.
    pub noc_bandwidth: u64,
    /// Bytes of a processing element's own buffer; unbounded where `None`.
    pub l1_bytes: Option<u64>,
    /// Bytes of the shared buffer; unbounded where `None`.
    pub l2_bytes: Option<u64>,
    /// Bytes of an element.
    pub element_bytes: u64,
}

/// Analyses one nest.
///
/// # Errors
/// [`CostError::BufferTooSmall`] where the innermost tiles fit neither buffer.
pub fn analyse(
    loops: &[Loop],
    nest: &Nest,
    memory: &Memory,
    mut on_case: impl FnMut(&Case),
) -> Result<CorrectedCost, CostError> {
    let loops = instantiate(loops, nest);
    let axes = build_axes(&loops, nest);
    let all = loops.len();
    let mut cost = CorrectedCost { macs: nest.macs(), ..CorrectedCost::default() };

    cost.l1_tile = footprint(&axes, all, Holder::Unit);
    let (l2_boundary, l2_tile) = fit(&axes, all, cost.l1_tile, memory)?;
    cost.l2_boundary = l2_boundary;
    cost.l2_tile = l2_tile;

    each_case(&axes, all, &mut |prime, case| {
        let moved = case.moved();
        let refill = if case.first { 0 } else { moved[OUTPUT] };
        let ingress = moved[INPUT] + moved[WEIGHT] + refill;
        let egress = case.held_before - case.union[OUTPUT].kept;
        let transfers = ingress.div_ceil(memory.noc_bandwidth);
        let cycles = if prime.is_none() {
            transfers + case.compute
        } else {
            case.compute.max(transfers).max(egress.div_ceil(memory.noc_bandwidth))
        };
        cost.steps += case.count;
        cost.cycles += case.count * cycles;
        cost.compute_cycles += case.count * case.compute;
        for tensor in [INPUT, WEIGHT] {
            cost.l1_fills[tensor] += case.count * (case.units[tensor].new - case.units[tensor].kept);
            cost.l2_reads[tensor] += case.count * moved[tensor];
        }
        cost.l2_reads[OUTPUT] += case.count * refill;
        cost.l2_writes += case.count * egress;
        on_case(&Case { prime, steps: case.count, compute: case.compute, ingress, egress, cycles });
    });
    // What is in the array after the last step has the extent of the last tiles.
    let drain = last_outputs(&axes, all);
    cost.l2_writes += drain;
    cost.cycles += drain.div_ceil(memory.noc_bandwidth);

    each_case(&axes, l2_boundary, &mut |_, case| {
        let moved = case.moved();
        for tensor in [INPUT, WEIGHT] {
            cost.dram_reads[tensor] += case.count * moved[tensor];
        }
        cost.dram_reads[OUTPUT] += case.count * if case.first { 0 } else { moved[OUTPUT] };
        cost.dram_writes += case.count * (case.held_before - case.union[OUTPUT].kept);
    });
    cost.dram_writes += last_outputs(&axes, l2_boundary);
    Ok(cost)
}

/// The outermost boundary whose tile fits L2, and the tile.
fn fit(
    axes: &[Axis; AXES],
    all: usize,
    l1_tile: [u64; 3],
    memory: &Memory,
) -> Result<(usize, [u64; 3]), CostError> {
    let bytes = |tile: [u64; 3], copies: u64| {
        tile.iter()
            .fold(0_u64, |sum, one| sum.saturating_add(*one))
            .saturating_mul(memory.element_bytes * copies)
    };
    let too_small = |buffer, capacity, tile: [u64; 3], copies| {
        let [input, weight, output] = tile.map(|one| one.saturating_mul(memory.element_bytes));
        CostError::BufferTooSmall {
            buffer,
            capacity,
            demand: bytes(tile, copies),
            input,
            weight,
            output,
            copies,
        }
    };
    let copies = |boundary| if axes.iter().any(|axis| axis.iterates_before(boundary)) { 2 } else { 1 };
    if let Some(capacity) = memory.l1_bytes
        && bytes(l1_tile, copies(all)) > capacity
    {
        return Err(too_small("L1", capacity, l1_tile, copies(all)));
    }
    let Some(capacity) = memory.l2_bytes else {
        return Ok((0, footprint(axes, 0, Holder::Array)));
    };
    for boundary in 0..=all {
        let tile = footprint(axes, boundary, Holder::Array);
        if bytes(tile, copies(boundary)) <= capacity {
            return Ok((boundary, tile));
        }
    }
    Err(too_small("L2", capacity, footprint(axes, all, Holder::Array), copies(all)))
}

/// The largest tile of each tensor when the loops before `boundary` stand still.
fn footprint(axes: &[Axis; AXES], boundary: usize, holder: Holder) -> [u64; 3] {
    axes.iter().fold([1; 3], |tile: [u64; 3], axis| {
        let extents = axis.footprint(boundary, holder);
        [0, 1, 2].map(|tensor| tile[tensor].saturating_mul(extents[tensor]))
    })
}

/// Outputs held when all loops before `boundary` are at their last iteration.
fn last_outputs(axes: &[Axis; AXES], boundary: usize) -> u64 {
    axes.iter().map(|axis| axis.last_outputs(boundary)).product()
}

/// Calls `visit` for the first step (no prime) and for every kind of transition between two steps
/// of the loops before `boundary`.
fn each_case(axes: &[Axis; AXES], boundary: usize, visit: &mut impl FnMut(Option<usize>, &Transitions)) {
    let mut lists: [Vec<Transitions>; AXES] = Default::default();
    let mut primes: Vec<usize> = axes
        .iter()
        .flat_map(|axis| axis.before(boundary))
        .filter(|one| one.iterates)
        .map(|one| one.position)
        .collect();
    primes.sort_unstable();
    let first = std::iter::once(None);
    for prime in first.chain(primes.into_iter().map(Some)) {
        for (axis, list) in axes.iter().zip(&mut lists) {
            list.clear();
            axis.transitions(prime, boundary, list);
        }
        product(&lists, Transitions::ONE, &mut |case| visit(prime, case));
    }
}

fn product(lists: &[Vec<Transitions>], prefix: Transitions, visit: &mut impl FnMut(&Transitions)) {
    match lists.split_first() {
        None => visit(&prefix),
        Some((list, rest)) => {
            for one in list {
                product(rest, prefix.times(one), visit);
            }
        }
    }
}
