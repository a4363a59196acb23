//! Linear models of few unknowns: least squares, and their updates one observation at a time.
//!
//! Systems have at most [`MAX_UNKNOWNS`] unknowns, for which an exact factorisation of the normal equations is shorter than
//! the use of any crate of linear algebra, allocates once and gives the same bits everywhere.

mod least_squares;
mod recursive;

pub(crate) use least_squares::{LeastSquares, dot};
pub use recursive::{Recursive, RecursiveOptions};

/// The most unknowns of a system.
pub(crate) const MAX_UNKNOWNS: usize = 64;

/// Sum of terms in units of 2^-40, in which the order of terms changes no bit. Terms are of the order of 1; one beyond 2^20,
/// or that is no number, counts as nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct UnorderedSum(i128);

impl UnorderedSum {
    const UNIT: f64 = (1_u64 << 40) as f64;
    const MAX: f64 = (1_u64 << 20) as f64;

    pub(crate) fn add(&mut self, term: f64) {
        if term.abs() <= Self::MAX {
            self.0 += i128::from((term * Self::UNIT) as i64);
        }
    }

    pub(crate) fn get(self) -> f64 {
        self.0 as f64 / Self::UNIT
    }
}

/// The [`UnorderedSum`] of some terms.
pub(crate) fn unordered_sum(terms: impl Iterator<Item = f64>) -> f64 {
    let mut sum = UnorderedSum::default();
    terms.for_each(|term| sum.add(term));
    sum.get()
}
