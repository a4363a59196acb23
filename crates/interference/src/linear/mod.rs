//! Linear models of few unknowns: least squares, and their updates one observation at a time.
//!
//! Systems have at most [`MAX_UNKNOWNS`] unknowns, for which an exact factorisation of the normal equations is shorter than
//! the use of any crate of linear algebra, allocates once and gives the same bits everywhere.

mod least_squares;
mod recursive;

pub(crate) use least_squares::{LeastSquares, dot};
pub(crate) use recursive::{Recursive, RecursiveOptions};

/// The most unknowns of a system.
pub(crate) const MAX_UNKNOWNS: usize = 64;

/// Sum of terms in units of 2^-40, in which the order of terms changes no bit. Terms are of the order of 1; a term beyond
/// 2^20, or one that is no number, counts as nothing.
pub(crate) fn unordered_sum(terms: impl Iterator<Item = f64>) -> f64 {
    const UNIT: f64 = (1_u64 << 40) as f64;
    const MAX: f64 = (1_u64 << 20) as f64;
    let total: i128 =
        terms.filter(|term| term.abs() <= MAX).map(|term| i128::from((term * UNIT).round() as i64)).sum();
    total as f64 / UNIT
}
