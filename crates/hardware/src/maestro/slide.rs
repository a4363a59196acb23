//! The input rows (or columns) that a filter touches as it slides over output tiles.

use super::axis::{Change, Held, Transitions};
use super::tiles::Tiles;

/// Slide of a filter over its input.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slide {
    pub(super) filter: u64,
    pub(super) stride: u64,
    pub(super) dilation: u64,
    pub(super) padding: u64,
    pub(super) input: u64,
}

impl Slide {
    pub(super) fn transition(&self, old: Option<&Held>, new: &Held) -> Transitions {
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
    pub(super) fn input_changes(&self, old: Option<&Held>, new: &Held, same: bool) -> (Change, Change) {
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

    pub(super) fn unit_rows(&self, held: &Held, row: u64, tap: u64) -> Option<Rows> {
        let (outputs, taps) = (held.plain.unit(row)?, held.filter.unit(tap)?);
        Some(Rows::grid(&[outputs], &[taps], self))
    }

    pub(super) fn array_rows(&self, held: &Held) -> Rows {
        if held.plain.is_contiguous() && held.filter.is_contiguous() {
            let whole = |tiles: &Tiles| (tiles.start, tiles.total());
            return Rows::grid(&[whole(&held.plain)], &[whole(&held.filter)], self);
        }
        let all = |tiles: &Tiles| (0..tiles.units()).filter_map(|unit| tiles.unit(unit)).collect::<Vec<_>>();
        Rows::grid(&all(&held.plain), &all(&held.filter), self)
    }
}

/// The input rows (or columns) that outputs and taps touch, without padding; counted from the first
/// row of padding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Rows {
    /// An interval.
    Interval(u64, u64),
    /// Rows with gaps between them.
    Runs {
        /// The distance between neighbours in a run.
        stride: u64,
        /// The runs, disjoint, ordered by remainder and start.
        runs: Vec<Run>,
    },
}

/// Rows `index * stride + remainder` for `index` in `start..end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Run {
    remainder: u64,
    start: u64,
    end: u64,
}

impl Rows {
    /// Rows `y * stride + r * dilation` for y and r in unions of intervals (start, length), within
    /// the input.
    pub(super) fn grid(outputs: &[(u64, u64)], taps: &[(u64, u64)], slide: &Slide) -> Self {
        let Slide { stride, dilation, padding, input, .. } = *slide;
        let inside = padding..padding + input;
        if let ([(y, rows)], [(r, length)]) = (outputs, taps) {
            // The outputs of one tap join, or the taps of one output do, and close the other's gaps.
            let joins = (*rows == 1 || stride <= (length - 1) * dilation + 1)
                && (*length == 1 || dilation == 1)
                || stride == 1 && *rows >= dilation;
            if joins {
                let first = y * stride + r * dilation;
                let end = (y + rows - 1) * stride + (r + length - 1) * dilation + 1;
                let low = first.clamp(inside.start, inside.end);
                return Self::Interval(low, end.clamp(low, inside.end));
            }
        }
        // The outputs of each tap are a run; runs of one remainder may overlap.
        let mut runs = Vec::new();
        for (y, rows) in outputs {
            for tap in taps.iter().flat_map(|(r, length)| *r..r + length) {
                let (quotient, remainder) = (tap * dilation / stride, tap * dilation % stride);
                let index = |row: u64| row.saturating_sub(remainder).div_ceil(stride);
                let start = (y + quotient).max(index(inside.start));
                let end = (y + rows + quotient).min(index(inside.end));
                if start < end {
                    runs.push(Run { remainder, start, end });
                }
            }
        }
        runs.sort_unstable();
        let mut joined: Vec<Run> = Vec::with_capacity(runs.len());
        for run in runs {
            match joined.last_mut().filter(|last| last.remainder == run.remainder && run.start <= last.end) {
                Some(last) => last.end = last.end.max(run.end),
                None => joined.push(run),
            }
        }
        Self::Runs { stride, runs: joined }
    }

    pub(super) fn count(&self) -> u64 {
        match self {
            Self::Interval(low, high) => high - low,
            Self::Runs { runs, .. } => runs.iter().map(|run| run.end - run.start).sum(),
        }
    }

    /// Rows in both; two sets of one axis have the same stride.
    pub(super) fn intersection(&self, other: &Self) -> u64 {
        match (self, other) {
            (Self::Interval(low, high), Self::Interval(from, to)) => {
                high.min(to).saturating_sub(*low.max(from))
            }
            (Self::Interval(low, high), Self::Runs { stride, runs })
            | (Self::Runs { stride, runs }, Self::Interval(low, high)) => {
                let within = |run: &Run| {
                    let index = |row: u64| row.saturating_sub(run.remainder).div_ceil(*stride);
                    run.end.min(index(*high)).saturating_sub(run.start.max(index(*low)))
                };
                runs.iter().map(within).sum()
            }
            (Self::Runs { runs, .. }, Self::Runs { runs: others, .. }) => {
                let (mut one, mut other, mut total) = (0, 0, 0);
                while let (Some(left), Some(right)) = (runs.get(one), others.get(other)) {
                    if left.remainder == right.remainder {
                        total += left.end.min(right.end).saturating_sub(left.start.max(right.start));
                    }
                    // Whichever ends first meets nothing more.
                    if (left.remainder, left.end) <= (right.remainder, right.end) {
                        one += 1;
                    } else {
                        other += 1;
                    }
                }
                total
            }
        }
    }
}
