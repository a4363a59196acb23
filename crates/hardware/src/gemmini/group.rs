//! Volumes of a group of a layer: as a matrix product where it is one, as a convolution otherwise.

use rtmm_workload::Nest;

use super::convolution::Convolution;
use super::product::Product;
use super::tiling::Memories;
use super::volumes::Volumes;
use crate::cost::CostError;
use crate::decode::Mode;

/// The volumes of a group of `nest`, of which one of `tiles` equal shares is computed here; one share is all of it.
///
/// # Errors
/// [`CostError`] where the group's numbers leave 64 bits, or not even the smallest tile fits.
pub(super) fn of_group(
    nest: &Nest,
    tiles: u64,
    memories: &Memories,
    mode: Mode,
) -> Result<Volumes, CostError> {
    // Padding behind the input alone shows in the outputs: no product has more rows than its input.
    let is_padded = nest.padding != [0, 0] || (0..2).any(|axis| nest.output[axis] > nest.input[axis]);
    let is_product = nest.filter == [1, 1] && nest.stride == [1, 1] && !is_padded;
    if is_product {
        Product::of(nest)?.volumes(tiles, memories, mode)
    } else {
        Convolution::of(nest, memories, mode).volumes(tiles)
    }
}
