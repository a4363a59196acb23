//! Axes: kinds of errors, one file and one row each.
//!
//! To add one, write a module below this one with a function that makes its [`Perturbation`] of a site, and add its row to
//! [`AxisRow::ALL`]. The command line, sweep files, tables, figures and the page follow from it.

mod costs;
mod estimates;
mod factors;
mod rates;
mod technology;

use std::fmt;

use rtmm_sim::System;
use rtmm_sweep::runner::RunError;

use crate::errors::Errors;
use crate::site::Site;
use crate::size::Size;

/// Wrong systems of a site. A pure function of draw and size; of size zero it is the system without errors, to the bit.
pub(crate) trait Perturbation: Sync {
    /// The systems of a draw at a size, by form; only those that are needed.
    fn systems(&self, draw: u32, size: Size, needed: &[bool]) -> Result<Vec<Option<System>>, RunError>;
}

type Prepare = for<'s> fn(&'s Site<'s>, Errors) -> Result<Box<dyn Perturbation + 's>, RunError>;

/// An axis: a kind of errors.
#[derive(Clone, Copy)]
pub struct AxisRow {
    /// Name in arguments, sweep files and results.
    pub name: &'static str,
    /// One line for a reader who knows the field.
    pub meaning: &'static str,
    /// Beginning of what a conclusion depends on, such as `layer costs are off by`.
    pub subject: &'static str,
    /// Unit of sizes behind the percent sign; empty where percent say all.
    pub unit: &'static str,
    /// Sizes that are simulated where none are named.
    pub sizes: [Size; 3],
    /// The greatest size.
    pub greatest: Size,
    /// True if sizes are comparable with the errors that cost models state.
    pub is_of_costs: bool,
    /// True if errors are of layers, the parts of which a study sets.
    pub is_of_layers: bool,
    /// Reason why a place has no such errors; none where it has.
    pub(crate) refuses: fn(&crate::place::Place) -> Option<Refusal>,
    pub(crate) prepare: Prepare,
}

/// Why a place has no errors of an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// Predicate of a sentence on the place.
    pub reason: &'static str,
    /// A way out.
    pub help: &'static str,
}

impl AxisRow {
    /// Every axis.
    pub const ALL: [Self; 4] = [costs::ROW, Self::TECHNOLOGY, estimates::ROW, rates::ROW];
    /// The axis of prices, for which places need the levels of their technology.
    pub const TECHNOLOGY: Self = technology::ROW;

    /// The axis of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|row| row.name == name)
    }
}

/// Axes are told apart by their names.
impl PartialEq for AxisRow {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for AxisRow {}

impl fmt::Debug for AxisRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AxisRow").field(&self.name).finish()
    }
}

/// No place is refused.
fn all(_: &crate::place::Place) -> Option<Refusal> {
    None
}

const TENTH_TO_HALF: [Size; 3] = [Size::of_percent(10), Size::of_percent(20), Size::of_percent(50)];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_sound() {
        for (index, row) in AxisRow::ALL.iter().enumerate() {
            assert!(!AxisRow::ALL[..index].contains(row), "{row:?}");
            assert!(
                row.sizes.is_sorted() && row.sizes[0] > Size::ZERO && row.sizes[2] <= row.greatest,
                "{row:?}"
            );
            assert_eq!(AxisRow::named(row.name), Some(*row));
        }
        assert_eq!(AxisRow::named("prices"), None);
    }
}
