//! Values at measured pairs of batch sizes, and linear between them.

use std::collections::BTreeMap;

/// Values by the batch of a run and the batch of the one beside it; at least one.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Grid {
    own: Vec<u32>,
    other: Vec<u32>,
    /// A row an own batch, a column a batch of the other; none where nothing was measured.
    cells: Vec<Option<f64>>,
}

impl Grid {
    /// A grid of measured points.
    pub(super) fn new(points: &BTreeMap<(u32, u32), f64>) -> Self {
        let axis = |of: fn(&(u32, u32)) -> u32| {
            let mut axis: Vec<u32> = points.keys().map(of).collect();
            axis.sort_unstable();
            axis.dedup();
            axis
        };
        let (own, other) = (axis(|point| point.0), axis(|point| point.1));
        let cells =
            own.iter().flat_map(|one| other.iter().map(|two| points.get(&(*one, *two)).copied())).collect();
        Self { own, other, cells }
    }

    /// The value at a pair of batches: linear in both between measured ones, and beyond them that of the nearest. Of four
    /// corners those count that were measured, in proportion; none where none of them was.
    pub(super) fn at(&self, own: u32, other: u32) -> Option<f64> {
        let (rows, columns) = (between(&self.own, own)?, between(&self.other, other)?);
        let (mut sum, mut weight) = (0.0, 0.0);
        for (row, part) in rows {
            for (column, other_part) in columns {
                let of_corner = part * other_part;
                let cell = self.cells.get(row * self.other.len() + column).copied().flatten();
                if let Some(value) = cell.filter(|_| of_corner > 0.0) {
                    sum += of_corner * value;
                    weight += of_corner;
                }
            }
        }
        (weight > 0.0).then(|| sum / weight)
    }
}

/// The positions beside a value on an ascending axis, each with its part; none of an empty axis.
pub(super) fn between(axis: &[u32], value: u32) -> Option<[(usize, f64); 2]> {
    let above = axis.partition_point(|known| *known < value);
    if axis.get(above).is_some_and(|known| *known == value) {
        return Some([(above, 1.0), (above, 0.0)]);
    }
    match (above.checked_sub(1), axis.get(above)) {
        (None, None) => None,
        (None, Some(_)) => Some([(0, 1.0), (0, 0.0)]),
        (Some(below), None) => Some([(below, 1.0), (below, 0.0)]),
        (Some(below), Some(upper)) => {
            let lower = axis[below];
            let part = f64::from(value - lower) / f64::from(upper - lower);
            Some([(below, 1.0 - part), (above, part)])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_linear_between_batches_and_level_beyond() {
        let points = [((2, 2), 1.1), ((2, 4), 1.3), ((8, 2), 1.5), ((8, 4), 1.9)];
        let grid = Grid::new(&points.into_iter().collect());
        let at = |own, other| grid.at(own, other).expect("measured");
        assert_eq!((at(2, 2), at(8, 4)), (1.1, 1.9));
        assert!((at(2, 3) - 1.2).abs() < 1e-12 && (at(5, 2) - 1.3).abs() < 1e-12);
        // Half way in both: the mean of the four.
        assert!((at(5, 3) - 1.45).abs() < 1e-12);
        assert_eq!((at(1, 1), at(32, 32)), (1.1, 1.9));
    }

    #[test]
    fn corners_that_were_not_measured_are_left_out() {
        let points = [((2, 2), 1.1), ((2, 4), 1.3), ((8, 2), 1.5)];
        let grid = Grid::new(&points.into_iter().collect());
        assert_eq!(grid.at(8, 4), None);
        // Two thirds of the way to 8, half way to 4: a sixth, a sixth and a third of the weight are there.
        let expected = (1.1 / 6.0 + 1.3 / 6.0 + 1.5 / 3.0) / (2.0 / 3.0);
        assert!((grid.at(6, 3).expect("three corners") - expected).abs() < 1e-12);
        assert_eq!(Grid::default().at(1, 1), None);
    }
}
