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

use std::ops::Range;

use rtmm_workload::Nest;

use super::mapping::{Extent, Loop, instantiate, is_depthwise};
use crate::cost::CostError;

const INPUT: usize = 0;
const WEIGHT: usize = 1;
const OUTPUT: usize = 2;
const AXES: usize = 6;

/// What an array moves and how long it takes, for one nest.
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
    /// How many steps.
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

/// Who holds a tile.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holder {
    /// One processing element.
    Unit,
    /// All of them together, or a buffer that serves them.
    Array,
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

// ---------------------------------------------------------------------------------------------
// Axes.

/// A volume after a step, and how much of it was there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Change {
    new: u64,
    kept: u64,
}

/// Transitions of one axis, or steps of all axes, that are alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Transitions {
    count: u64,
    /// The largest tile of any unit.
    compute: u64,
    /// Inputs and weights, summed over units.
    units: [Change; 2],
    /// All three tensors, over the array as a whole.
    union: [Change; 3],
    /// Outputs in the array before.
    held_before: u64,
    /// Whether no reduction has begun: outputs that come in have no partial sum yet.
    first: bool,
}

impl Transitions {
    const ONE: Self = Self {
        count: 1,
        compute: 1,
        units: [Change { new: 1, kept: 1 }; 2],
        union: [Change { new: 1, kept: 1 }; 3],
        held_before: 1,
        first: true,
    };

    fn times(&self, other: &Self) -> Self {
        let change = |a: Change, b: Change| Change { new: a.new * b.new, kept: a.kept * b.kept };
        Self {
            count: self.count * other.count,
            compute: self.compute * other.compute,
            units: [change(self.units[0], other.units[0]), change(self.units[1], other.units[1])],
            union: [
                change(self.union[0], other.union[0]),
                change(self.union[1], other.union[1]),
                change(self.union[2], other.union[2]),
            ],
            held_before: self.held_before * other.held_before,
            first: self.first && other.first,
        }
    }

    fn moved(&self) -> [u64; 3] {
        self.union.map(|change| change.new - change.kept)
    }

    fn is_like(&self, other: &Self) -> bool {
        Self { count: 0, ..*self } == Self { count: 0, ..*other }
    }
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

/// One loop of an axis.
#[derive(Clone, Copy, Debug)]
struct AxisLoop {
    /// Position in the whole nest.
    position: usize,
    /// Whether it cuts the filter's extent (of a sliding axis).
    filter: bool,
    size: u64,
    units: u64,
    /// Whether it ever has a second iteration.
    iterates: bool,
}

/// Which tensors an axis without a filter is an extent of: input, weight, output.
type Couples = [bool; 3];

/// An independent dimension of the nest, or an output dimension with the filter that slides on it.
#[derive(Clone, Debug)]
struct Axis {
    extent: u64,
    loops: Vec<AxisLoop>,
    kind: AxisKind,
}

#[derive(Clone, Copy, Debug)]
enum AxisKind {
    Plain { couples: Couples },
    Sliding(Slide),
}

/// How a filter slides.
#[derive(Clone, Copy, Debug)]
struct Slide {
    filter: u64,
    stride: u64,
    dilation: u64,
    padding: u64,
    input: u64,
}

/// Tiles of one extent over the units that share it: `count` units hold `size` elements, then one
/// holds `edge` (if any), the rest nothing. Unit `i` starts at `start + i * pitch`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Tiles {
    start: u64,
    pitch: u64,
    size: u64,
    count: u64,
    edge: u64,
}

impl Tiles {
    const fn whole(extent: u64) -> Self {
        Self { start: 0, pitch: extent, size: extent, count: 1, edge: 0 }
    }

    fn units(&self) -> u64 {
        self.count + u64::from(self.edge > 0)
    }

    fn total(&self) -> u64 {
        self.count * self.size + self.edge
    }

    fn largest(&self) -> u64 {
        if self.count > 0 { self.size } else { self.edge }
    }

    /// The interval of unit `index`, if it has one.
    fn unit(&self, index: u64) -> Option<(u64, u64)> {
        let length = match index {
            _ if index < self.count => self.size,
            _ if index == self.count && self.edge > 0 => self.edge,
            _ => return None,
        };
        Some((self.start + index * self.pitch, length))
    }

    /// Whether the units' intervals join without gaps.
    fn is_contiguous(&self) -> bool {
        self.pitch == self.size || self.units() <= 1
    }

    /// How many iterations `one` makes of these tiles: as many as the largest tile needs.
    fn iterations(&self, one: &AxisLoop) -> u64 {
        self.largest().div_ceil(one.size * one.units).max(1)
    }

    /// What is held in iteration `index` of `one`.
    fn cut(&self, one: &AxisLoop, index: u64) -> Self {
        let offset = index * one.units * one.size;
        if one.units > 1 {
            // One extent is spread over units once, so this is a single interval still.
            let length = self.largest().saturating_sub(offset).min(one.units * one.size);
            return Self {
                start: self.start + offset,
                pitch: one.size,
                size: one.size,
                count: length / one.size,
                edge: length % one.size,
            };
        }
        let part = |length: u64| length.saturating_sub(offset).min(one.size);
        let (size, edge) = (part(self.size), part(self.edge));
        if self.count == 0 {
            return Self { start: self.start + offset, pitch: self.pitch, size: edge, count: 0, edge };
        }
        Self {
            start: self.start + offset,
            pitch: self.pitch,
            size,
            count: self.count + u64::from(edge == size && edge > 0),
            edge: if edge == size { 0 } else { edge },
        }
    }
}

/// The tiles of an axis at some point of the nest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Held {
    plain: Tiles,
    filter: Tiles,
    /// Whether no loop that sums has moved on.
    first: bool,
}

fn build_axes(loops: &[Loop], nest: &Nest) -> [Axis; AXES] {
    let depthwise = is_depthwise(nest);
    let slide = |axis: usize| {
        AxisKind::Sliding(Slide {
            filter: nest.filter[axis].into(),
            stride: nest.stride[axis].into(),
            dilation: nest.dilation[axis].into(),
            padding: nest.padding[axis].into(),
            input: nest.input[axis].into(),
        })
    };
    let plain = |couples| AxisKind::Plain { couples };
    let axis = |plain: Extent, filter: Option<Extent>, extent: u32, kind: AxisKind| {
        let taps = match kind {
            AxisKind::Sliding(slide) => slide.filter,
            AxisKind::Plain { .. } => 1,
        };
        // The largest tile so far of the plain extent and of the filter.
        let mut largest = [u64::from(extent), taps];
        let mut kept = Vec::new();
        for (position, one) in loops.iter().enumerate() {
            let is_filter = Some(one.extent) == filter;
            if one.extent != plain && !is_filter {
                continue;
            }
            let tile = &mut largest[usize::from(is_filter)];
            let size = u64::from(one.size).min(*tile);
            let iterates = *tile > size * u64::from(one.units);
            if iterates || one.units > 1 {
                let units = u64::from(one.units);
                kept.push(AxisLoop { position, filter: is_filter, size, units, iterates });
            }
            *tile = size;
        }
        Axis { extent: extent.into(), loops: kept, kind }
    };
    debug_assert!(!depthwise || nest.input_channels == 1);
    [
        axis(Extent::Batch, None, nest.batch, plain([true, false, true])),
        axis(Extent::Group, None, nest.groups, plain([true, true, true])),
        axis(Extent::Output, None, nest.output_channels, plain([false, true, true])),
        axis(Extent::Input, None, nest.input_channels, plain([true, true, false])),
        axis(Extent::Row, Some(Extent::FilterRow), nest.output[0], slide(0)),
        axis(Extent::Column, Some(Extent::FilterColumn), nest.output[1], slide(1)),
    ]
}

impl Axis {
    fn iterates_before(&self, boundary: usize) -> bool {
        self.loops.iter().any(|one| one.position < boundary && one.iterates)
    }

    fn start(&self) -> Held {
        let filter = match self.kind {
            AxisKind::Sliding(slide) => slide.filter,
            AxisKind::Plain { .. } => 1,
        };
        Held { plain: Tiles::whole(self.extent), filter: Tiles::whole(filter), first: true }
    }

    fn enter(&self, held: &Held, one: &AxisLoop, index: u64) -> Held {
        let reduces = one.filter || matches!(self.kind, AxisKind::Plain { couples: [_, _, false] });
        let first = held.first && (index == 0 || !reduces);
        if one.filter {
            Held { filter: held.filter.cut(one, index), first, ..*held }
        } else {
            Held { plain: held.plain.cut(one, index), first, ..*held }
        }
    }

    fn iterations(held: &Held, one: &AxisLoop) -> u64 {
        if one.filter { held.filter.iterations(one) } else { held.plain.iterations(one) }
    }

    /// The loops of this axis before `boundary`.
    fn before(&self, boundary: usize) -> &[AxisLoop] {
        let end = self.loops.iter().position(|one| one.position >= boundary).unwrap_or(self.loops.len());
        &self.loops[..end]
    }

    /// Adds the classes of this axis's transitions when `prime` moves on: loops outside of it
    /// stand still at any iteration, and loops inside go from their last iteration to their first.
    fn transitions(&self, prime: Option<usize>, boundary: usize, list: &mut Vec<Transitions>) {
        let loops = self.before(boundary);
        let Some(prime) = prime else {
            let held = self.innermost(self.start(), loops, Turn::First);
            let mut one = self.transition(None, &held);
            one.count = 1;
            list.push(one);
            return;
        };
        let outer = loops.iter().position(|one| one.position >= prime).unwrap_or(loops.len());
        let moves = loops.get(outer).is_some_and(|one| one.position == prime);
        self.each_outer(self.start(), 1, &loops[..outer], &mut |held, weight| {
            let inner = &loops[outer..];
            match inner.split_first().filter(|_| moves) {
                None => {
                    let old = self.innermost(*held, inner, Turn::Last);
                    let new = self.innermost(*held, inner, Turn::First);
                    add(list, self.transition(Some(&old), &new), weight);
                }
                Some((one, inner)) => {
                    // A transition is between two alike tiles if both are.
                    let alike = self.alike(held, one);
                    let alike = (alike.start + 1)..alike.end;
                    each_representative(1..Self::iterations(held, one), alike, &mut |index, times| {
                        let old = self.innermost(self.enter(held, one, index - 1), inner, Turn::Last);
                        let new = self.innermost(self.enter(held, one, index), inner, Turn::First);
                        add(list, self.transition(Some(&old), &new), weight * times);
                    });
                }
            }
        });
    }

    fn each_outer(&self, held: Held, weight: u64, loops: &[AxisLoop], visit: &mut impl FnMut(&Held, u64)) {
        match loops.split_first() {
            None => visit(&held, weight),
            Some((one, rest)) => {
                let all = 0..Self::iterations(&held, one);
                each_representative(all, self.alike(&held, one), &mut |index, times| {
                    self.each_outer(self.enter(&held, one, index), weight * times, rest, visit);
                });
            }
        }
    }

    /// Iterations of `one` whose tiles are whole, away from the borders of the input, and not the
    /// first: whatever happens in one of them happens in all.
    fn alike(&self, held: &Held, one: &AxisLoop) -> Range<u64> {
        let tiles = if one.filter { &held.filter } else { &held.plain };
        let step = one.size * one.units;
        // The last unit's tile is the smallest: up to its end all are whole.
        let whole = (if tiles.edge > 0 { tiles.edge } else { tiles.size }) / step;
        let slide = match self.kind {
            AxisKind::Plain { .. } => return 1..whole,
            // Filters are short, and taps near the border are cut off differently.
            AxisKind::Sliding(_) if one.filter => return 0..0,
            AxisKind::Sliding(slide) => slide,
        };
        let (filter, last_unit) = (&held.filter, tiles.start + (tiles.units() - 1) * tiles.pitch);
        let last_tap = filter.start + (filter.units() - 1) * filter.pitch + filter.largest() - 1;
        // Before the first output whose first tap is inside, and after the last whose last tap is.
        let low = slide.padding.saturating_sub(filter.start * slide.dilation).div_ceil(slide.stride);
        let Some(room) = (slide.input + slide.padding).checked_sub(last_tap * slide.dilation + 1) else {
            return 0..0;
        };
        let high = room / slide.stride + 1;
        let start = low.saturating_sub(tiles.start).div_ceil(step);
        let end = high.saturating_sub(last_unit) / step;
        start..end.min(whole)
    }

    fn innermost(&self, mut held: Held, loops: &[AxisLoop], turn: Turn) -> Held {
        for one in loops {
            let index = match turn {
                Turn::First => 0,
                Turn::Last => Self::iterations(&held, one) - 1,
            };
            held = self.enter(&held, one, index);
        }
        held
    }

    fn last_outputs(&self, boundary: usize) -> u64 {
        let held = self.innermost(self.start(), self.before(boundary), Turn::Last);
        match self.kind {
            AxisKind::Plain { couples: [_, _, false] } => 1,
            _ => held.plain.total(),
        }
    }

    /// The largest extents of input, weight and output on this axis.
    fn footprint(&self, boundary: usize, holder: Holder) -> [u64; 3] {
        let held = self.innermost(self.start(), self.before(boundary), Turn::First);
        let extent = |tiles: &Tiles| match holder {
            Holder::Unit => tiles.largest(),
            Holder::Array => tiles.total(),
        };
        let plain = extent(&held.plain);
        match self.kind {
            AxisKind::Plain { couples } => couples.map(|coupled| if coupled { plain } else { 1 }),
            AxisKind::Sliding(slide) => {
                let filter = extent(&held.filter);
                // Without borders: the most that any tile of this size can touch.
                let span = (plain - 1) * slide.stride + (filter - 1) * slide.dilation + 1;
                let rows = span.min(plain * filter).min(slide.input);
                // Units of an array may hold tiles with gaps between them.
                let joined = held.plain.is_contiguous() && held.filter.is_contiguous();
                let contiguous = joined || holder == Holder::Unit;
                [if contiguous { rows } else { (plain * filter).min(slide.input) }, filter, plain]
            }
        }
    }

    /// What changes on this axis between two steps; everything is new without an old one.
    fn transition(&self, old: Option<&Held>, new: &Held) -> Transitions {
        match self.kind {
            AxisKind::Plain { couples } => plain_transition(couples, old, new),
            AxisKind::Sliding(slide) => slide.transition(old, new),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    First,
    Last,
}

/// Visits every index of `all` once, the indices of `alike` (a part of it) through the first of
/// them, with how many each visit stands for.
fn each_representative(all: Range<u64>, alike: Range<u64>, visit: &mut impl FnMut(u64, u64)) {
    let start = alike.start.clamp(all.start, all.end);
    let end = alike.end.clamp(start, all.end);
    for index in all.start..start {
        visit(index, 1);
    }
    if start < end {
        visit(start, end - start);
    }
    for index in end..all.end {
        visit(index, 1);
    }
}

fn add(list: &mut Vec<Transitions>, mut one: Transitions, weight: u64) {
    one.count *= weight;
    match list.iter_mut().rev().find(|known| known.is_like(&one)) {
        Some(known) => known.count += one.count,
        None => list.push(one),
    }
}

fn plain_transition(couples: Couples, old: Option<&Held>, new: &Held) -> Transitions {
    let (total, units) = (new.plain.total(), new.plain.units());
    let kept_units = old.map_or(0, |old| old.plain.units().min(units));
    let kept_total = if old.is_some_and(|old| old.plain == new.plain) { total } else { 0 };
    let kept_one = u64::from(old.is_some());
    let per_unit = |tensor: usize| {
        if couples[tensor] {
            Change { new: total, kept: kept_total }
        } else {
            Change { new: units, kept: kept_units }
        }
    };
    let over_array = |tensor: usize| {
        if couples[tensor] {
            Change { new: total, kept: kept_total }
        } else {
            Change { new: 1, kept: kept_one }
        }
    };
    let held_before = match (couples[OUTPUT], old) {
        (_, None) => 0,
        (true, Some(old)) => old.plain.total(),
        (false, Some(_)) => 1,
    };
    Transitions {
        count: 1,
        compute: new.plain.largest(),
        units: [per_unit(INPUT), per_unit(WEIGHT)],
        union: [over_array(INPUT), over_array(WEIGHT), over_array(OUTPUT)],
        held_before,
        first: new.first,
    }
}

impl Slide {
    fn transition(&self, old: Option<&Held>, new: &Held) -> Transitions {
        let (outputs, taps) = (&new.plain, &new.filter);
        let same_outputs = old.is_some_and(|old| old.plain == *outputs);
        let same_taps = old.is_some_and(|old| old.filter == *taps);
        let kept_if = |same: bool, amount: u64| if same { amount } else { 0 };
        let kept_units = old.map_or(0, |old| old.plain.units().min(outputs.units()));
        let weights = Change {
            new: taps.total() * outputs.units(),
            kept: kept_if(same_taps, taps.total() * kept_units),
        };
        let (inputs, inputs_of_units) = self.input_changes(old, new, same_outputs && same_taps);
        Transitions {
            count: 1,
            compute: outputs.largest() * taps.largest(),
            units: [inputs_of_units, weights],
            union: [
                inputs,
                Change { new: taps.total(), kept: kept_if(same_taps, taps.total()) },
                Change { new: outputs.total(), kept: kept_if(same_outputs, outputs.total()) },
            ],
            held_before: old.map_or(0, |old| old.plain.total()),
            first: new.first,
        }
    }

    /// Input rows over the array, and summed over units.
    fn input_changes(&self, old: Option<&Held>, new: &Held, same: bool) -> (Change, Change) {
        let over_array = self.array_rows(new);
        let mut change = Change { new: over_array.count(), kept: 0 };
        if same {
            change.kept = change.new;
        } else if let Some(old) = old {
            change.kept = over_array.intersection(&self.array_rows(old));
        }
        let mut units = Change { new: 0, kept: 0 };
        for row in 0..new.plain.units() {
            for tap in 0..new.filter.units() {
                let Some(now) = self.unit_rows(new, row, tap) else { continue };
                let count = now.count();
                units.new += count;
                units.kept += match old {
                    _ if same => count,
                    Some(old) => self.unit_rows(old, row, tap).map_or(0, |before| now.intersection(&before)),
                    None => 0,
                };
            }
        }
        (change, units)
    }

    fn unit_rows(&self, held: &Held, row: u64, tap: u64) -> Option<Rows> {
        let (outputs, taps) = (held.plain.unit(row)?, held.filter.unit(tap)?);
        Some(Rows::grid(&[outputs], &[taps], self))
    }

    fn array_rows(&self, held: &Held) -> Rows {
        if held.plain.is_contiguous() && held.filter.is_contiguous() {
            let whole = |tiles: &Tiles| (tiles.start, tiles.total());
            return Rows::grid(&[whole(&held.plain)], &[whole(&held.filter)], self);
        }
        let all = |tiles: &Tiles| (0..tiles.units()).filter_map(|unit| tiles.unit(unit)).collect::<Vec<_>>();
        Rows::grid(&all(&held.plain), &all(&held.filter), self)
    }
}

/// The input rows (or columns) that outputs and taps touch, without padding.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Rows {
    /// An interval.
    Interval(u64, u64),
    /// Any set, sorted.
    Set(Vec<u64>),
}

impl Rows {
    /// Rows `y * stride + r * dilation - padding` for y and r in unions of intervals
    /// (start, length), within the input.
    fn grid(outputs: &[(u64, u64)], taps: &[(u64, u64)], slide: &Slide) -> Self {
        if let ([(y, rows)], [(r, length)]) = (outputs, taps) {
            let joins_outputs = *rows == 1 || slide.stride <= (length - 1) * slide.dilation + 1;
            let joins_taps = *length == 1 || slide.dilation == 1;
            if joins_outputs && joins_taps {
                let first = y * slide.stride + r * slide.dilation;
                let end = (y + rows - 1) * slide.stride + (r + length - 1) * slide.dilation + 1;
                let low = first.saturating_sub(slide.padding).min(slide.input);
                let high = end.saturating_sub(slide.padding).min(slide.input);
                return Self::Interval(low, high);
            }
        }
        let mut set = Vec::new();
        for (y, rows) in outputs {
            for (r, length) in taps {
                for y in *y..y + rows {
                    for r in *r..r + length {
                        let at = y * slide.stride + r * slide.dilation;
                        if at >= slide.padding && at - slide.padding < slide.input {
                            set.push(at - slide.padding);
                        }
                    }
                }
            }
        }
        set.sort_unstable();
        set.dedup();
        Self::Set(set)
    }

    fn count(&self) -> u64 {
        match self {
            Self::Interval(low, high) => high - low,
            Self::Set(set) => set.len() as u64,
        }
    }

    fn intersection(&self, other: &Self) -> u64 {
        match (self, other) {
            (Self::Interval(low, high), Self::Interval(from, to)) => {
                high.min(to).saturating_sub(*low.max(from))
            }
            (Self::Interval(low, high), Self::Set(set)) | (Self::Set(set), Self::Interval(low, high)) => {
                set.iter().filter(|row| (low..high).contains(row)).count() as u64
            }
            (Self::Set(set), Self::Set(other)) => {
                set.iter().filter(|row| other.binary_search(row).is_ok()).count() as u64
            }
        }
    }
}
