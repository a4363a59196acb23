//! The input rows (or columns) that a filter touches as it slides over output tiles.

use super::axis::{Change, Held, Transitions};
use super::tiles::Tiles;

/// How a filter slides.
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

/// The input rows (or columns) that outputs and taps touch, without padding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Rows {
    /// An interval.
    Interval(u64, u64),
    /// Any set, sorted.
    Set(Vec<u64>),
}

impl Rows {
    /// Rows `y * stride + r * dilation - padding` for y and r in unions of intervals
    /// (start, length), within the input.
    pub(super) fn grid(outputs: &[(u64, u64)], taps: &[(u64, u64)], slide: &Slide) -> Self {
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

    pub(super) fn count(&self) -> u64 {
        match self {
            Self::Interval(low, high) => high - low,
            Self::Set(set) => set.len() as u64,
        }
    }

    pub(super) fn intersection(&self, other: &Self) -> u64 {
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
