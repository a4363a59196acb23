//! Arrays side by side, each with a slice of one product, in front of one channel to off-chip memory.

use super::array::Dataflow;
use super::memory::FoldTraffic;

/// Operand of a matrix product that comes from memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operand {
    /// The unrolled activations, `M x K`.
    Inputs,
    /// `K x N`.
    Weights,
}

impl FoldTraffic {
    /// The traffic of `arrays` arrays that go through the folds of such a product in step. Operands and results are
    /// each array's own, but for a `shared` operand, which is fetched once for all of them.
    #[must_use]
    pub fn side_by_side(&self, dataflow: Dataflow, arrays: u64, shared: Option<Operand>) -> Self {
        let (streamed, second) = match dataflow {
            Dataflow::OutputStationary | Dataflow::WeightStationary => (Operand::Inputs, Operand::Weights),
            Dataflow::InputStationary => (Operand::Weights, Operand::Inputs),
        };
        let times = |operand| if shared == Some(operand) { 1 } else { arrays };
        let of_tile = |tile: u64, times: u64| tile.saturating_mul(times);
        let of_tiles = |tiles: [[u64; 2]; 2], times| tiles.map(|row| row.map(|tile| of_tile(tile, times)));
        let mut traffic = *self;
        traffic.streamed = self.streamed.map(|tile| of_tile(tile, times(streamed)));
        traffic.second = of_tiles(self.second, times(second));
        traffic.result = of_tiles(self.result, arrays);
        traffic.words = traffic.total(dataflow);
        traffic
    }
}
