//! Progress in a layer: the part of its tiles that is done.
//!
//! The number of tiles of a layer may differ from one number of subarrays to another, and progress is carried over.
//! The program keeps it as a double; beside it stands the exact fraction, which the fix of quirk 5 takes instead,
//! and by which the loop knows whether the double makes a difference. Its denominator is the least common multiple of
//! all numbers of tiles of the layer, so that a tile is a whole number of units whatever the number of subarrays.

use num_bigint::BigInt;
use num_integer::Integer;

use super::case::Layer;
use super::fixes::Fixes;

/// Numbers of tiles of a layer in units of exact progress.
#[derive(Clone, Debug)]
pub(super) struct Units {
    /// Units of the whole layer.
    whole: BigInt,
    /// Units of one tile, by the position of the number of subarrays.
    tile: Vec<BigInt>,
}

impl Units {
    pub(super) fn of(layer: &Layer) -> Self {
        let counts = || layer.tiles.iter().map(|tiles| BigInt::from(tiles.count));
        let whole = counts().fold(BigInt::from(1), |multiple, count| multiple.lcm(&count));
        let tile = counts().map(|count| &whole / count).collect();
        Self { whole, tile }
    }
}

/// The part of a layer that is done, as the program has it and exactly.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Progress {
    rounded: f64,
    /// In units of the layer.
    exact: BigInt,
}

impl Progress {
    /// A layer of which nothing is done.
    pub(super) fn none() -> Self {
        Self { rounded: 0.0, exact: BigInt::ZERO }
    }

    /// A layer of which all is done.
    pub(super) fn whole(units: &Units) -> Self {
        Self { rounded: 1.0, exact: units.whole.clone() }
    }

    /// So many tiles more, on the number of subarrays at `position`; may be negative (quirk 4).
    pub(super) fn with_tiles(
        &self,
        tiles: i64,
        layer: &Layer,
        position: usize,
        units: &Units,
        fixes: Fixes,
    ) -> Self {
        let part = tiles as f64 / layer.tiles[position].count as f64;
        let more = Self {
            rounded: self.rounded + part,
            exact: &self.exact + BigInt::from(tiles) * &units.tile[position],
        };
        let is_above = match fixes.exact_progress {
            true => more.exact > units.whole,
            false => more.rounded > 1.0,
        };
        // Quirk 6: progress passes 1 where the last of the new tiles is longer than what was left.
        if is_above && fixes.capped_progress { Self::whole(units) } else { more }
    }

    /// Tiles left on the number of subarrays at `position`; may be negative (quirk 6).
    pub(super) fn tiles_left(&self, layer: &Layer, position: usize, units: &Units, fixes: Fixes) -> i64 {
        match fixes.exact_progress {
            true => self.exact_tiles_left(position, units),
            false => self.rounded_tiles_left(layer, position),
        }
    }

    /// Quirk 5: rounding may leave a tile more than there is.
    fn rounded_tiles_left(&self, layer: &Layer, position: usize) -> i64 {
        ((1.0 - self.rounded) * layer.tiles[position].count as f64).ceil() as i64
    }

    fn exact_tiles_left(&self, position: usize, units: &Units) -> i64 {
        let left = (&units.whole - &self.exact).div_ceil(&units.tile[position]);
        i64::try_from(left).unwrap_or(i64::MAX)
    }

    /// True where the double makes a difference on some number of subarrays.
    pub(super) fn is_inexact(&self, layer: &Layer, units: &Units) -> bool {
        (0..layer.tiles.len()).any(|position| {
            self.rounded_tiles_left(layer, position) != self.exact_tiles_left(position, units)
        })
    }

    /// The part of the layer that is done, for reports.
    pub(super) fn fraction(&self, units: &Units, fixes: Fixes) -> f64 {
        if !fixes.exact_progress {
            return self.rounded;
        }
        // As many bits as a double has.
        let scaled = (&self.exact << f64::MANTISSA_DIGITS) / &units.whole;
        i128::try_from(scaled)
            .map_or(f64::NAN, |scaled| scaled as f64 / (1_u64 << f64::MANTISSA_DIGITS) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::super::case::Tiles;
    use super::*;

    /// Tiles left of `count` after `done`, by the double and exactly.
    fn left(count: u64, done: i64) -> [i64; 2] {
        let layer = Layer { name: "l".to_owned(), tiles: vec![Tiles { count, cycles: 1 }] };
        let units = Units::of(&layer);
        [false, true].map(|exact_progress| {
            let fixes = Fixes { exact_progress, ..Fixes::default() };
            Progress::none().with_tiles(done, &layer, 0, &units, fixes).tiles_left(&layer, 0, &units, fixes)
        })
    }

    #[test]
    fn a_rounded_fraction_may_cost_a_tile() {
        let costs = |count: u64| -> Vec<i64> {
            (0..=count as i64).filter(|done| left(count, *done) != [count as i64 - done; 2]).collect()
        };
        assert_eq!((costs(7), costs(9)), (vec![6], vec![3, 6, 8]));
        assert_eq!(left(10, 7), [4, 3]);
        assert!(costs(11).contains(&10));
        for count in [1, 2, 4, 8, 64, 1024] {
            assert_eq!(costs(count), Vec::<i64>::new(), "{count}");
        }
    }

    #[test]
    fn progress_is_carried_over_and_may_pass_one_unless_capped() {
        let tiles = [8, 4, 6].map(|count| Tiles { count, cycles: 1 }).to_vec();
        let layer = Layer { name: "l".to_owned(), tiles };
        let units = Units::of(&layer);
        for exact_progress in [false, true] {
            let after = |capped_progress| {
                let fixes = Fixes { exact_progress, capped_progress, ..Fixes::default() };
                let eighth = Progress::none().with_tiles(1, &layer, 0, &units, fixes);
                assert_eq!(eighth.tiles_left(&layer, 1, &units, fixes), 4);
                assert_eq!(eighth.tiles_left(&layer, 2, &units, fixes), 6);
                let more = eighth.with_tiles(4, &layer, 1, &units, fixes);
                (more.fraction(&units, fixes), more.tiles_left(&layer, 0, &units, fixes))
            };
            assert_eq!((after(false), after(true)), ((1.125, -1), (1.0, 0)));
        }
    }
}
