//! Axes of a tiled loop nest: what each contributes to the steps between which a given loop moves.
//!
//! Batch, groups, output channels and input channels are an axis each; rows go with filter rows and
//! columns with filter columns, since both decide which input is touched. The tile of a processing
//! element is a product over the axes, and so is what it keeps from one step to the next.

use std::ops::Range;

use rtmm_workload::{Nest, touched_positions};

use super::mapping::{Extent, Loop, is_depthwise};
use super::slide::Slide;
use super::tiles::{AxisLoop, Tiles};

/// Position of the input among tensors.
pub(super) const INPUT: usize = 0;
/// Position of the weights.
pub(super) const WEIGHT: usize = 1;
/// Position of the output.
pub(super) const OUTPUT: usize = 2;
/// Distance over which a transition looks back for one like it.
const SEARCHED: usize = 16;
/// Number of axes of a nest.
pub(super) const AXES: usize = 6;

/// Holder of a tile.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Holder {
    /// One processing element.
    Unit,
    /// All of them together, or a buffer that serves them.
    Array,
}

/// A volume after a step, and how much of it was there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) new: u64,
    pub(super) kept: u64,
}

/// Transitions of one axis, or steps of all axes, that are alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Transitions {
    pub(super) count: u64,
    /// The largest tile of any unit.
    pub(super) compute: u64,
    /// Inputs and weights, summed over units.
    pub(super) units: [Change; 2],
    /// All three tensors, over the array as a whole.
    pub(super) union: [Change; 3],
    /// Outputs in the array before.
    pub(super) held_before: u64,
    /// True if no reduction has begun: outputs that come in have no partial sum yet.
    pub(super) first: bool,
}

impl Transitions {
    pub(super) const ONE: Self = Self {
        count: 1,
        compute: 1,
        units: [Change { new: 1, kept: 1 }; 2],
        union: [Change { new: 1, kept: 1 }; 3],
        held_before: 1,
        first: true,
    };

    pub(super) fn times(&self, other: &Self) -> Self {
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

    pub(super) fn moved(&self) -> [u64; 3] {
        self.union.map(|change| change.new - change.kept)
    }

    pub(super) fn is_like(&self, other: &Self) -> bool {
        Self { count: 0, ..*self } == Self { count: 0, ..*other }
    }
}

/// Which tensors an axis without a filter is an extent of: input, weight, output.
pub(super) type Couples = [bool; 3];

/// An independent dimension of the nest, or an output dimension with the filter that slides on it.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    pub(super) extent: u64,
    pub(super) loops: Vec<AxisLoop>,
    pub(super) kind: AxisKind,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum AxisKind {
    Plain { couples: Couples },
    Sliding(Slide),
}

/// The tiles of an axis at some point of the nest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) plain: Tiles,
    pub(super) filter: Tiles,
    /// True if no loop that sums has moved on.
    pub(super) first: bool,
}

pub(super) fn build_axes(loops: &[Loop], nest: &Nest) -> [Axis; AXES] {
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
    pub(super) fn iterates_before(&self, boundary: usize) -> bool {
        self.loops.iter().any(|one| one.position < boundary && one.iterates)
    }

    pub(super) fn start(&self) -> Held {
        let filter = match self.kind {
            AxisKind::Sliding(slide) => slide.filter,
            AxisKind::Plain { .. } => 1,
        };
        Held { plain: Tiles::whole(self.extent), filter: Tiles::whole(filter), first: true }
    }

    pub(super) fn enter(&self, held: &Held, one: &AxisLoop, index: u64) -> Held {
        let reduces = one.filter || matches!(self.kind, AxisKind::Plain { couples: [_, _, false] });
        let first = held.first && (index == 0 || !reduces);
        if one.filter {
            Held { filter: held.filter.cut(one, index), first, ..*held }
        } else {
            Held { plain: held.plain.cut(one, index), first, ..*held }
        }
    }

    pub(super) fn iterations(held: &Held, one: &AxisLoop) -> u64 {
        if one.filter { held.filter.iterations(one) } else { held.plain.iterations(one) }
    }

    /// The loops of this axis before `boundary`.
    pub(super) fn before(&self, boundary: usize) -> &[AxisLoop] {
        let end = self.loops.iter().position(|one| one.position >= boundary).unwrap_or(self.loops.len());
        &self.loops[..end]
    }

    /// Adds the classes of this axis's transitions when `prime` moves on: loops outside of it
    /// stand still at any iteration, and loops inside go from their last iteration to their first.
    pub(super) fn transitions(&self, prime: Option<usize>, boundary: usize, list: &mut Vec<Transitions>) {
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

    pub(super) fn each_outer(
        &self,
        held: Held,
        weight: u64,
        loops: &[AxisLoop],
        visit: &mut impl FnMut(&Held, u64),
    ) {
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
    pub(super) fn alike(&self, held: &Held, one: &AxisLoop) -> Range<u64> {
        let tiles = if one.filter { &held.filter } else { &held.plain };
        let step = one.size * one.units;
        // The last unit's tile is the smallest: up to its end all are whole.
        let whole = (if tiles.edge > 0 { tiles.edge } else { tiles.size }) / step;
        let AxisKind::Sliding(slide) = self.kind else {
            return 1..whole;
        };
        // Of rows `own * scale + other * other_scale`: before the first `own` whose rows are inside
        // whatever the other is, and after the last.
        let (others, scale, other_scale) = if one.filter {
            (&held.plain, slide.dilation, slide.stride)
        } else {
            (&held.filter, slide.stride, slide.dilation)
        };
        let last_unit = tiles.start + (tiles.units() - 1) * tiles.pitch;
        let last_other = others.start + (others.units() - 1) * others.pitch + others.largest() - 1;
        let low = slide.padding.saturating_sub(others.start * other_scale).div_ceil(scale);
        let Some(room) = (slide.input + slide.padding).checked_sub(last_other * other_scale + 1) else {
            return 0..0;
        };
        let high = room / scale + 1;
        let start = low.saturating_sub(tiles.start).div_ceil(step);
        let end = high.saturating_sub(last_unit) / step;
        // The first taps begin a sum, the others go on with it.
        start.max(u64::from(one.filter))..end.min(whole)
    }

    pub(super) fn innermost(&self, mut held: Held, loops: &[AxisLoop], turn: Turn) -> Held {
        for one in loops {
            let index = match turn {
                Turn::First => 0,
                Turn::Last => Self::iterations(&held, one) - 1,
            };
            held = self.enter(&held, one, index);
        }
        held
    }

    pub(super) fn last_outputs(&self, boundary: usize) -> u64 {
        let held = self.innermost(self.start(), self.before(boundary), Turn::Last);
        match self.kind {
            AxisKind::Plain { couples: [_, _, false] } => 1,
            _ => held.plain.total(),
        }
    }

    /// The largest extents of input, weight and output on this axis.
    pub(super) fn footprint(&self, boundary: usize, holder: Holder) -> [u64; 3] {
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
                let rows = touched_positions(plain, filter, slide.stride, slide.dilation).min(slide.input);
                // Units of an array may hold tiles with gaps between them.
                let joined = held.plain.is_contiguous() && held.filter.is_contiguous();
                let contiguous = joined || holder == Holder::Unit;
                [if contiguous { rows } else { (plain * filter).min(slide.input) }, filter, plain]
            }
        }
    }

    /// Changes on this axis between two steps; everything is new without an old one.
    pub(super) fn transition(&self, old: Option<&Held>, new: &Held) -> Transitions {
        match self.kind {
            AxisKind::Plain { couples } => plain_transition(couples, old, new),
            AxisKind::Sliding(slide) => slide.transition(old, new),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    First,
    Last,
}

/// Visits every index of `all` once, the indices of `alike` (a part of it) through the first of
/// them, with how many each visit stands for.
pub(super) fn each_representative(all: Range<u64>, alike: Range<u64>, visit: &mut impl FnMut(u64, u64)) {
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

pub(super) fn add(list: &mut Vec<Transitions>, mut one: Transitions, weight: u64) {
    one.count *= weight;
    // Like transitions come soon after each other; where many differ, searching all would be
    // quadratic.
    match list.iter_mut().rev().take(SEARCHED).find(|known| known.is_like(&one)) {
        Some(known) => known.count += one.count,
        None => list.push(one),
    }
}

pub(super) fn plain_transition(couples: Couples, old: Option<&Held>, new: &Held) -> Transitions {
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
