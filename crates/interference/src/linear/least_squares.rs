//! Least squares by the normal equations, scaled to unit columns, with a ridge and a Cholesky factorisation.

use super::MAX_UNKNOWNS;

/// Ridge on the scaled normal equations: too small to move a determined fit, enough that columns which repeat each other
/// share their weight instead of dividing by nothing.
const RIDGE: f64 = 1e-9;

/// The normal equations of a growing list of rows.
#[derive(Clone, Debug)]
pub(crate) struct LeastSquares {
    unknowns: usize,
    /// Products of columns, row by row.
    products: Vec<f64>,
    /// Products of columns and what is explained.
    targets: Vec<f64>,
    rows: usize,
}

impl LeastSquares {
    /// No rows of so many unknowns.
    pub(crate) fn new(unknowns: usize) -> Self {
        debug_assert!(unknowns <= MAX_UNKNOWNS);
        Self { unknowns, products: vec![0.0; unknowns * unknowns], targets: vec![0.0; unknowns], rows: 0 }
    }

    /// Adds a row with what it should explain, and its weight; cells beyond the unknowns are passed over.
    pub(crate) fn add(&mut self, row: &[f64], target: f64, weight: f64) {
        self.rows += 1;
        for (position, cell) in row.iter().enumerate().take(self.unknowns) {
            let weighted = weight * cell;
            if weighted == 0.0 {
                continue;
            }
            self.targets[position] += weighted * target;
            let products = &mut self.products[position * self.unknowns..][..self.unknowns];
            for (product, other) in products.iter_mut().zip(row) {
                *product += weighted * other;
            }
        }
    }

    /// The number of rows.
    pub(crate) const fn rows(&self) -> usize {
        self.rows
    }

    /// The weights that explain the rows best. A column of nothing has weight 0.
    pub(crate) fn solve(&self) -> Vec<f64> {
        let n = self.unknowns;
        let scale: Vec<f64> = (0..n)
            .map(|at| self.products[at * n + at].sqrt())
            .map(|norm| if norm > 0.0 { 1.0 / norm } else { 0.0 })
            .collect();
        let mut factor = vec![0.0; n * n];
        for row in 0..n {
            for column in 0..=row {
                let mut sum = self.products[row * n + column] * scale[row] * scale[column];
                if row == column {
                    // A column of nothing stands for itself.
                    sum = if scale[row] > 0.0 { sum + RIDGE } else { 1.0 };
                }
                for before in 0..column {
                    sum -= factor[row * n + before] * factor[column * n + before];
                }
                factor[row * n + column] = if row == column {
                    // Rounding may take what the ridge left.
                    sum.max(RIDGE).sqrt()
                } else {
                    sum / factor[column * n + column]
                };
            }
        }
        let mut solution: Vec<f64> =
            self.targets.iter().zip(&scale).map(|(target, scale)| target * scale).collect();
        for row in 0..n {
            for before in 0..row {
                solution[row] -= factor[row * n + before] * solution[before];
            }
            solution[row] /= factor[row * n + row];
        }
        for row in (0..n).rev() {
            for behind in row + 1..n {
                solution[row] -= factor[behind * n + row] * solution[behind];
            }
            solution[row] /= factor[row * n + row];
        }
        solution.iter().zip(&scale).map(|(value, scale)| value * scale).collect()
    }
}

/// The scalar product of two vectors; the longer one's end counts as nothing.
pub(crate) fn dot(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).map(|(one, other)| one * other).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_relations_are_found() {
        let mut system = LeastSquares::new(3);
        for (x, y) in [(1.0, 2.0), (2.0, -1.0), (0.5, 4.0), (3.0, 3.0)] {
            system.add(&[x, y, 1.0], 2.0 * x - 3.0 * y + 0.5, 1.0);
        }
        let weights = system.solve();
        for (weight, expected) in weights.iter().zip([2.0, -3.0, 0.5]) {
            assert!((weight - expected).abs() < 1e-6, "{weights:?}");
        }
    }

    #[test]
    fn repeated_and_empty_columns_have_finite_weights() {
        let mut system = LeastSquares::new(3);
        for x in [1.0, 2.0, 3.0] {
            system.add(&[x, x, 0.0], 4.0 * x, 1.0);
        }
        let weights = system.solve();
        assert!((weights[0] + weights[1] - 4.0).abs() < 1e-4 && weights[2] == 0.0, "{weights:?}");
        assert!(LeastSquares::new(2).solve().iter().all(|weight| *weight == 0.0));
    }
}
