//! A step: where a job stands when it is let go on for some cycles, and then to its first tile end.

use super::case::{Layer, Tiles};
use super::error::PlanariaError;
use super::fixes::Fixes;
use super::progress::{Progress, Units};

/// A model, prepared for estimates and steps.
#[derive(Clone, Debug)]
pub(super) struct Network<'c> {
    layers: &'c [Layer],
    units: Vec<Units>,
    /// Cycles of each layer and all later ones, by the position of the number of subarrays; 0 behind the last.
    tail_cycles: Vec<Vec<i64>>,
}

/// The place where a job stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Place {
    pub layer: usize,
    pub progress: Progress,
}

/// The outcome of a step for a job.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Step {
    /// Length, in cycles.
    pub used: i64,
    pub place: Place,
    /// True where tiles are undone (quirk 4).
    pub undoes: bool,
}

impl<'c> Network<'c> {
    /// The layers of a checked case.
    pub(super) fn of(layers: &'c [Layer]) -> Self {
        let positions = layers.first().map_or(0, |layer| layer.tiles.len());
        let mut tail_cycles = vec![vec![0; positions]];
        for layer in layers.iter().rev() {
            let last = &tail_cycles[tail_cycles.len() - 1];
            let sum = |(tiles, later): (&Tiles, &i64)| later + (tiles.count * tiles.cycles) as i64;
            tail_cycles.push(layer.tiles.iter().zip(last).map(sum).collect());
        }
        tail_cycles.reverse();
        Self { layers, units: layers.iter().map(Units::of).collect(), tail_cycles }
    }

    /// A job that has just arrived.
    pub(super) fn start(&self) -> Place {
        Place { layer: 0, progress: Progress::none() }
    }

    /// Cycles of what is left of the layer that a job is in.
    fn rest(&self, place: &Place, position: usize, fixes: Fixes) -> Result<i64, PlanariaError> {
        let layer = &self.layers[place.layer];
        let left = place.progress.tiles_left(layer, position, &self.units[place.layer], fixes);
        left.checked_mul(layer.tiles[position].cycles as i64).ok_or(PlanariaError::TooManyCycles)
    }

    /// The estimate of what is left of a job on the number of subarrays at `position`.
    pub(super) fn left(&self, place: &Place, position: usize, fixes: Fixes) -> Result<i64, PlanariaError> {
        let later = self.tail_cycles[place.layer + 1][position];
        self.rest(place, position, fixes)?.checked_add(later).ok_or(PlanariaError::TooManyCycles)
    }

    /// True where less than nothing is left of the layer that a job is in (quirk 6).
    pub(super) fn has_excess(&self, place: &Place, position: usize, fixes: Fixes) -> bool {
        place.progress.tiles_left(&self.layers[place.layer], position, &self.units[place.layer], fixes) < 0
    }

    /// True where rounding makes a difference to a job (quirk 5).
    pub(super) fn is_inexact(&self, place: &Place) -> bool {
        place.progress.is_inexact(&self.layers[place.layer], &self.units[place.layer])
    }

    /// The part that is done of the layer that a job is in.
    pub(super) fn fraction(&self, place: &Place, fixes: Fixes) -> f64 {
        place.progress.fraction(&self.units[place.layer], fixes)
    }

    /// Lets a job on the number of subarrays at `position` go on for `cycles`, which may be 0 or negative (quirk 4), and
    /// then to its first tile end; at most to its own end.
    pub(super) fn advance(
        &self,
        place: &Place,
        position: usize,
        cycles: i64,
        fixes: Fixes,
    ) -> Result<Step, PlanariaError> {
        let layer = &self.layers[place.layer];
        let rest = self.rest(place, position, fixes)?;
        if cycles <= rest {
            let tile = layer.tiles[position].cycles as i64;
            let tiles = ceiling(cycles, tile);
            let units = &self.units[place.layer];
            let progress = place.progress.with_tiles(tiles, layer, position, units, fixes);
            let used = tiles.checked_mul(tile).ok_or(PlanariaError::TooManyCycles)?;
            return Ok(Step { used, place: Place { layer: place.layer, progress }, undoes: tiles < 0 });
        }
        let mut used = rest;
        for (index, later) in self.layers.iter().enumerate().skip(place.layer + 1) {
            let Tiles { count, cycles: tile } = later.tiles[position];
            let (count, tile) = (count as i64, tile as i64);
            let needed = cycles.checked_sub(used).ok_or(PlanariaError::TooManyCycles)?;
            if count * tile < needed {
                used += count * tile;
                continue;
            }
            let tiles = ceiling(needed, tile);
            used += tiles * tile;
            let place = match tiles == count && index + 1 < self.layers.len() {
                // A layer that was entered in this step ends as the start of the next one.
                true => Place { layer: index + 1, progress: Progress::none() },
                false => {
                    let units = &self.units[index];
                    let progress = Progress::none().with_tiles(tiles, later, position, units, fixes);
                    Place { layer: index, progress }
                }
            };
            return Ok(Step { used, place, undoes: false });
        }
        let last = self.layers.len() - 1;
        let progress = Progress::whole(&self.units[last]);
        Ok(Step { used, place: Place { layer: last, progress }, undoes: false })
    }
}

/// The quotient, rounded up, of a number that may be negative.
fn ceiling(cycles: i64, tile: i64) -> i64 {
    cycles.div_euclid(tile) + i64::from(cycles.rem_euclid(tile) > 0)
}
