//! Readings: what a publication leaves open, settled by name.

use std::ops::Range;

use crate::selection::Selection;
use crate::side::Side;

/// A reading: a named bundle of settings under which a claim may come out.
#[derive(Clone, Debug)]
pub struct Reading {
    /// Name, of lower-case letters, digits and hyphens.
    pub name: String,
    /// Settings in words.
    pub description: String,
    /// Sweep that has the cells: a built-in name, or a path.
    pub sweep: String,
    /// Cells of the sweep that both sides are of.
    pub filter: Selection,
    /// Narrower cells of the side that a claim is about; a choice here takes the place of that of the claim.
    pub of: Side,
    /// The same of the other side.
    pub against: Side,
    /// Column that stands for that of a claim: another runner has other names.
    pub column: Option<String>,
    /// Place of the reading in its file.
    pub range: Range<usize>,
}
