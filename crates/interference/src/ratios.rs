//! Latest ratios of observed to predicted latencies, and their quantiles.

use std::collections::VecDeque;

/// Ratios that were not observed of which an observed one takes the place.
const SEEDS_A_RATIO: usize = 4;

/// Latest ratios, in the order in which they came and sorted; the first of them may stand for observations that are to come.
/// Their number is bounded: the oldest are forgotten.
#[derive(Clone, Debug)]
pub struct Ratios {
    latest: VecDeque<f64>,
    sorted: Vec<f64>,
    capacity: usize,
    /// Ratios that were not observed.
    seeds: usize,
}

impl Ratios {
    /// At most so many ratios, and at least one, that begin with given ones: those of measurements that fits left out.
    #[must_use]
    pub fn new(capacity: usize, seeds: &[f64]) -> Self {
        let capacity = capacity.max(1);
        let (latest, sorted) = (VecDeque::with_capacity(capacity), Vec::with_capacity(capacity));
        let mut ratios = Self { latest, sorted, capacity, seeds: 0 };
        seeds.iter().filter(|ratio| is_sound(**ratio)).take(capacity).for_each(|ratio| ratios.insert(*ratio));
        ratios.seeds = ratios.latest.len();
        ratios
    }

    fn insert(&mut self, ratio: f64) {
        self.latest.push_back(ratio);
        let place = self.sorted.partition_point(|known| known.total_cmp(&ratio).is_lt());
        self.sorted.insert(place, ratio);
    }

    fn forget(&mut self) {
        let Some(oldest) = self.latest.pop_front() else { return };
        let place = self.sorted.partition_point(|known| known.total_cmp(&oldest).is_lt());
        self.sorted.remove(place);
        self.seeds = self.seeds.saturating_sub(1);
    }

    /// Takes in an observed ratio. It takes the place of the oldest one, or of several that were not observed. One that is no
    /// finite number above 0 is passed over.
    pub fn push(&mut self, ratio: f64) {
        if !is_sound(ratio) {
            return;
        }
        let forgotten = match self.seeds {
            0 => usize::from(self.latest.len() == self.capacity),
            seeds => seeds.min(SEEDS_A_RATIO),
        };
        (0..forgotten).for_each(|_| self.forget());
        self.insert(ratio);
    }

    /// The least ratio that bounds a next one with the given probability, if it is like those before it; none without any.
    #[must_use]
    pub fn quantile(&self, coverage: f64) -> Option<f64> {
        let place = libm::ceil((self.sorted.len() + 1) as f64 * coverage) as usize;
        self.sorted.get(place.saturating_sub(1)).or(self.sorted.last()).copied()
    }
}

fn is_sound(ratio: f64) -> bool {
    ratio.is_finite() && ratio > 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_ratios_have_their_quantiles() {
        let mut ratios = Ratios::new(10, &[]);
        assert_eq!(ratios.quantile(0.9), None);
        for ratio in 1..=25 {
            ratios.push(f64::from(ratio));
        }
        for unsound in [f64::NAN, f64::INFINITY, 0.0, -1.0] {
            ratios.push(unsound);
        }
        assert_eq!(ratios.sorted, (16..=25).map(f64::from).collect::<Vec<_>>());
        assert_eq!(ratios.quantile(0.5), Some(21.0));
        assert_eq!(ratios.quantile(0.999), Some(25.0));
        assert_eq!((ratios.latest.len(), ratios.sorted.len()), (10, 10));
    }

    #[test]
    fn observed_ratios_take_the_places_of_several_that_were_not() {
        let mut ratios = Ratios::new(10, &[9.0; 10]);
        ratios.push(1.0);
        ratios.push(2.0);
        assert_eq!(ratios.sorted, [1.0, 2.0, 9.0, 9.0]);
        ratios.push(3.0);
        assert_eq!((ratios.sorted.as_slice(), ratios.seeds), (&[1.0, 2.0, 3.0][..], 0));
    }
}
