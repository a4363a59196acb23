//! When processors are free, in all the ways that were met and are told apart.

use crate::interval::Interval;

/// States of the same jobs, side by side: for each number of processors the instants from which so many may be free.
#[derive(Clone, Debug, Default)]
pub(crate) struct States {
    /// `processors` ranges a state.
    free: Vec<Interval<u64>>,
}

impl States {
    /// The state in which all processors are free from the beginning.
    pub(crate) fn idle(processors: usize) -> Self {
        Self { free: vec![Interval::point(0); processors] }
    }

    /// The states.
    pub(crate) fn iter(&self, processors: usize) -> impl Iterator<Item = &[Interval<u64>]> {
        self.free.chunks_exact(processors)
    }

    /// Number of states.
    pub(crate) fn len(&self, processors: usize) -> usize {
        self.free.len() / processors
    }

    /// Adds a state.
    ///
    /// Two become one where that loses nothing: on one processor where they overlap, on several where one holds the
    /// other. Beyond `most` states it becomes one with that of which it adds the least.
    pub(crate) fn add(&mut self, state: &mut [Interval<u64>], most: usize) {
        let processors = state.len();
        // One that grew may reach another one that it did not reach before.
        loop {
            let met = self.iter(processors).position(|other| are_one(other, state));
            let is_full = self.len(processors) >= most;
            match met.or_else(|| is_full.then(|| self.nearest(state)).flatten()) {
                Some(position) => self.take_into(position, state),
                None => break,
            }
        }
        self.free.extend_from_slice(state);
    }

    /// The state that grows the least if it is to hold this one, too.
    fn nearest(&self, state: &[Interval<u64>]) -> Option<usize> {
        let growth = |other: &[Interval<u64>]| -> u128 {
            let ranges = other.iter().zip(state);
            ranges.map(|(one, other)| u128::from(length(one.hull(*other)) - length(*one))).sum()
        };
        let states = self.iter(state.len()).enumerate();
        states.min_by_key(|(_, other)| growth(other)).map(|(position, _)| position)
    }

    /// Takes a state out, and widens `state` to hold it.
    fn take_into(&mut self, position: usize, state: &mut [Interval<u64>]) {
        let processors = state.len();
        let taken = self.free.drain(position * processors..(position + 1) * processors);
        state.iter_mut().zip(taken).for_each(|(range, taken)| *range = range.hull(taken));
    }
}

fn length(range: Interval<u64>) -> u64 {
    range.max - range.min
}

/// True if nothing is lost where two states become one.
fn are_one(one: &[Interval<u64>], other: &[Interval<u64>]) -> bool {
    match (one, other) {
        ([one], [other]) => one.overlaps(*other),
        _ => holds(one, other) || holds(other, one),
    }
}

/// True if every range of the first state holds that of the second.
fn holds(one: &[Interval<u64>], other: &[Interval<u64>]) -> bool {
    one.iter().zip(other).all(|(one, other)| one.min <= other.min && other.max <= one.max)
}

#[cfg(test)]
mod tests {
    use super::{Interval, States};

    fn states(processors: usize, most: usize, added: &[&[(u64, u64)]]) -> Vec<Vec<(u64, u64)>> {
        let mut states = States::default();
        for state in added {
            let mut state: Vec<_> = state.iter().map(|&(min, max)| Interval { min, max }).collect();
            states.add(&mut state, most);
        }
        let pairs = |state: &[Interval<u64>]| state.iter().map(|range| (range.min, range.max)).collect();
        states.iter(processors).map(pairs).collect()
    }

    #[test]
    fn on_one_processor_those_that_overlap_are_one_and_a_bridge_joins_its_ends() {
        let apart: [&[(u64, u64)]; 2] = [&[(0, 2)], &[(3, 5)]];
        assert_eq!(states(1, usize::MAX, &apart).len(), 2);
        let bridged: [&[(u64, u64)]; 3] = [&[(0, 2)], &[(4, 5)], &[(2, 4)]];
        assert_eq!(states(1, usize::MAX, &bridged), [[(0, 5)]]);
    }

    #[test]
    fn on_several_one_holds_another_and_the_nearest_become_one_where_there_are_too_many() {
        let added: [&[(u64, u64)]; 3] = [&[(0, 2), (3, 9)], &[(1, 2), (4, 9)], &[(1, 3), (4, 9)]];
        assert_eq!(states(2, 9, &added), [[(0, 2), (3, 9)], [(1, 3), (4, 9)]]);
        let added: [&[(u64, u64)]; 3] = [&[(0, 1), (0, 1)], &[(9, 10), (9, 10)], &[(9, 11), (10, 11)]];
        assert_eq!(states(2, 2, &added), [[(0, 1), (0, 1)], [(9, 11), (9, 11)]]);
    }
}
