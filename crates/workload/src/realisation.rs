//! Realisation of an inference: the blocks that it skips, and the exit that it takes.
//!
//! A realisation is a function of its address alone, (seed, task, sample), so that policies on one
//! seed see the same inferences, and an inference does the same however it is scheduled. Before it
//! is observed, only expectations are known: [`Model::expected_remaining`].

use serde::Serialize;

use crate::model::{Block, Exit, Model};
use crate::random::Draws;

/// The most blocks, and the most exits, that a model can have.
pub const MAX_BLOCKS: usize = 64;
/// Where the draws of exits begin, after those of blocks.
const EXITS: u64 = MAX_BLOCKS as u64;
/// Fixed-point probabilities: this stands for 1.
const ONE: u128 = 1 << 32;

/// Realisation of one inference, as its input decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Realisation {
    /// Bit `i` is set if block `i` is skipped.
    pub skipped: u64,
    /// The layer before which it ends: behind the exit that it takes, or behind the last layer.
    pub end: u32,
    /// The exit that it takes.
    pub exit: Option<u8>,
    /// The input.
    pub sample: u64,
    /// The position of its sample among the model's recorded ones; 0 for a model that has none.
    pub row: u32,
}

impl Model {
    /// Realisation of the inference of `sample`. The draws are those of a seed and a task for
    /// [`crate::random::Stream::Path`]. Blocks and exits of one position draw alike in all variants of a
    /// supernet, so that a hard input is hard for each of them.
    #[must_use]
    pub fn realise(&self, draws: Draws, sample: u64) -> Realisation {
        let end = u32::try_from(self.layers.len()).unwrap_or(u32::MAX);
        let mut realisation = Realisation { skipped: 0, end, exit: None, sample, row: 0 };
        if !self.is_dynamic() {
            return realisation;
        }
        for (block, index) in self.blocks.iter().take(MAX_BLOCKS).zip(0_u64..) {
            if draws.happens(sample, index, block.skip_probability) {
                realisation.skipped |= 1 << index;
            }
        }
        for (exit, index) in self.exits.iter().take(MAX_BLOCKS).zip(0_u8..) {
            let is_reached =
                self.next_layer(&realisation, exit.after.index() as u32) == exit.after.index() as u32;
            if is_reached && draws.happens(sample, EXITS + u64::from(index), exit.probability) {
                realisation.end = exit.after.index() as u32 + 1;
                realisation.exit = Some(index);
                break;
            }
        }
        realisation
    }

    /// The position of the recorded sample that a frame brings: the one that a recording names, else one
    /// of all samples, drawn with equal probability from the draws of a seed and a task for
    /// [`crate::random::Stream::Sample`]. 0 for a model without samples.
    #[must_use]
    pub fn sample_row(&self, draws: Draws, sample: u64, is_recorded: bool) -> u32 {
        let Some(samples) = &self.samples else { return 0 };
        let stated = if is_recorded { samples.position(sample) } else { None };
        let row = stated.unwrap_or_else(|| draws.below(sample, 0, samples.len() as u64) as usize);
        u32::try_from(row).unwrap_or(u32::MAX)
    }

    /// The first layer at or after `layer` that an inference does not skip. It runs if it stands
    /// before the inference's end.
    #[must_use]
    pub fn next_layer(&self, realisation: &Realisation, layer: u32) -> u32 {
        if realisation.skipped == 0 {
            return layer;
        }
        let mut next = layer;
        // Blocks stand in order, so that one pass finds the end of neighbours that are all skipped.
        for (index, block) in self.blocks.iter().enumerate().take(MAX_BLOCKS) {
            let is_skipped = realisation.skipped & (1 << index) != 0;
            if is_skipped && (block.first.index()..=block.last.index()).contains(&(next as usize)) {
                next = block.last.index() as u32 + 1;
            }
        }
        next
    }

    /// The last layer before `layer` that an inference does not skip; none if it skips all of them, or
    /// there are none.
    #[must_use]
    pub fn previous_layer(&self, realisation: &Realisation, layer: u32) -> Option<u32> {
        let mut previous = layer.checked_sub(1)?;
        if realisation.skipped == 0 {
            return Some(previous);
        }
        // From the last block to the first, one pass finds the beginning of neighbours that are all skipped.
        for (index, block) in self.blocks.iter().enumerate().take(MAX_BLOCKS).rev() {
            let is_skipped = realisation.skipped & (1 << index) != 0;
            if is_skipped && (block.first.index()..=block.last.index()).contains(&(previous as usize)) {
                previous = (block.first.index() as u32).checked_sub(1)?;
            }
        }
        Some(previous)
    }

    /// For each layer, the expected latency of all that is left of an inference that is about to run
    /// it, or to skip the block that begins with it; and 0 for the end. `latency` has an entry a
    /// layer, in picoseconds.
    ///
    /// With `p` the probability that the block from `l` to `e` is skipped and `q` that of the exit
    /// after `l` (each 0 where there is none):
    ///
    /// ```text
    /// R[l] = p R[e + 1] + (1 - p) (latency[l] + (1 - q) R[l + 1])
    /// ```
    ///
    /// Exact sums where nothing is skipped and nothing exits; else probabilities are rounded to
    /// 2^-32 and every step down to a picosecond. Sums stay at the largest number rather than wrap.
    #[must_use]
    pub fn expected_remaining(&self, latency: &[u64]) -> Vec<u64> {
        let mut remaining = vec![0_u64; latency.len() + 1];
        for (layer, of_layer) in latency.iter().enumerate().rev() {
            let leaves = self.exit_after(layer).map_or(0, |exit| fixed(exit.probability));
            let goes_on = weighted(ONE - leaves, remaining[layer + 1]);
            let runs = of_layer.saturating_add(goes_on);
            remaining[layer] = match self.block_from(layer) {
                None => runs,
                Some(block) => {
                    let skips = fixed(block.skip_probability);
                    let after = remaining.get(block.last.index() + 1).copied().unwrap_or(0);
                    weighted(skips, after).saturating_add(weighted(ONE - skips, runs))
                }
            };
        }
        remaining
    }

    /// The expected latency of the layers from `from` on and before `stop` of an inference that stands at `from`: of that layer
    /// nothing is left to chance, but where it is the first one and a block begins with it. `latency` is that of a layer, in
    /// picoseconds.
    ///
    /// With `w[l]` the probability that layer `l` runs, it is the sum of `w[l] latency[l]`; probabilities are rounded down to
    /// 2^-32. No difference of [`Model::expected_remaining`] is that latency: what is left at the first layer of a block counts
    /// there as if it were open whether the block runs, and what is left behind an exit as if it were not taken.
    #[must_use]
    pub fn expected_between(&self, from: usize, stop: usize, latency: impl Fn(usize) -> u64) -> u64 {
        let mut expected = 0_u64;
        let mut runs = ONE;
        // What skips a block comes back to the path behind it.
        let (mut skips, mut behind) = (0, 0);
        for layer in from..stop {
            if layer == behind {
                runs += std::mem::take(&mut skips);
            }
            if (layer == 0 || layer > from)
                && let Some(block) = self.block_from(layer)
            {
                skips = runs * fixed(block.skip_probability) / ONE;
                (runs, behind) = (runs - skips, block.last.index() + 1);
            }
            expected = expected.saturating_add(weighted(runs, latency(layer)));
            if let Some(exit) = self.exit_after(layer) {
                runs -= runs * fixed(exit.probability) / ONE;
            }
        }
        expected
    }

    /// For each layer, the standard deviation of all that is left of an inference that is about to run it, or to skip the
    /// block that begins with it: the square root of `V`, rounded down, with `R` of [`Model::expected_remaining`] and
    ///
    /// ```text
    /// U[l] = (1 - q) (V[l + 1] + q R[l + 1]^2)
    /// V[l] = p V[e + 1] + (1 - p) U[l] + p (1 - p) (R[e + 1] - latency[l] - (1 - q) R[l + 1])^2
    /// ```
    ///
    /// 0 where nothing is skipped and nothing exits.
    #[must_use]
    pub fn spread_remaining(&self, latency: &[u64]) -> Vec<u64> {
        if !self.is_dynamic() {
            return vec![0; latency.len() + 1];
        }
        let expected = self.expected_remaining(latency);
        let mut variances = vec![0.0_f64; latency.len() + 1];
        for (layer, of_layer) in latency.iter().enumerate().rev() {
            let leaves = self.exit_after(layer).map_or(0.0, |exit| exit.probability);
            let next = expected[layer + 1] as f64;
            let runs = (1.0 - leaves) * (variances[layer + 1] + leaves * next * next);
            variances[layer] = match self.block_from(layer) {
                None => runs,
                Some(block) => {
                    let (skips, behind) = (block.skip_probability, block.last.index() + 1);
                    let after = expected.get(behind).copied().unwrap_or(0) as f64;
                    let saved = *of_layer as f64 + (1.0 - leaves) * next - after;
                    let skipped = variances.get(behind).copied().unwrap_or(0.0);
                    skips * skipped + (1.0 - skips) * runs + skips * (1.0 - skips) * saved * saved
                }
            };
        }
        variances.into_iter().map(|variance| variance.sqrt() as u64).collect()
    }

    /// For each layer, the latency of it and all that follow, and 0 for the end: what is left if
    /// nothing is skipped and nothing exits. Stays at the largest number rather than wrap.
    #[must_use]
    pub fn worst_remaining(&self, latency: &[u64]) -> Vec<u64> {
        let mut remaining = vec![0_u64; latency.len() + 1];
        for (layer, of_layer) in latency.iter().enumerate().rev() {
            remaining[layer] = remaining[layer + 1].saturating_add(*of_layer);
        }
        remaining
    }

    fn exit_after(&self, layer: usize) -> Option<&Exit> {
        self.exits.iter().find(|exit| exit.after.index() == layer)
    }

    /// The block that begins at a layer.
    fn block_from(&self, layer: usize) -> Option<&Block> {
        self.blocks.iter().find(|block| block.first.index() == layer)
    }
}

fn fixed(probability: f64) -> u128 {
    // Nearest; a probability is between 0 and 1.
    ((probability * ONE as f64 + 0.5) as u128).min(ONE)
}

fn weighted(weight: u128, value: u64) -> u64 {
    (weight * u128::from(value) / ONE) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::LayerId;
    use crate::layer::{Gemm, Layer, Operator};
    use crate::model::Shapes;
    use crate::random::Stream;

    /// Six layers; layers 1 and 2 are a block, 3 and 4 another; an exit after layer 2.
    fn model_of(skips: [f64; 2], leaves: f64) -> Model {
        let layer = |index: usize| {
            Layer::new(format!("layer{index}"), Operator::Gemm(Gemm { rows: 1, inner: 1, columns: 1 }))
        };
        let layers = (0..6).map(layer).collect();
        let mut model = Model::of_layers("m".to_owned(), "a test".to_owned(), Shapes::Independent, layers);
        let block = |name: &str, first, last, skip_probability| Block {
            name: name.to_owned(),
            first: LayerId::new(first),
            last: LayerId::new(last),
            skip_probability,
        };
        model.blocks = vec![block("a", 1, 2, skips[0]), block("b", 3, 4, skips[1])];
        let (name, after) = ("early".to_owned(), LayerId::new(2));
        model.exits = vec![Exit { name, after, probability: leaves, accuracy: None }];
        model
    }

    fn path(model: &Model, realisation: &Realisation) -> Vec<u32> {
        let mut layers = Vec::new();
        let mut layer = model.next_layer(realisation, 0);
        while layer < realisation.end {
            layers.push(layer);
            layer = model.next_layer(realisation, layer + 1);
        }
        layers
    }

    #[test]
    fn paths_follow_what_is_certain() {
        let draws = Draws::new(1, Stream::Path, "t");
        let of = |skips, leaves| {
            let model = model_of(skips, leaves);
            path(&model, &model.realise(draws, 0))
        };
        assert_eq!(of([0.0, 0.0], 0.0), [0, 1, 2, 3, 4, 5]);
        assert_eq!(of([1.0, 0.0], 0.0), [0, 3, 4, 5]);
        assert_eq!(of([1.0, 1.0], 0.0), [0, 5]);
        assert_eq!(of([0.0, 0.0], 1.0), [0, 1, 2]);
        // An exit inside of a skipped block is not reached.
        assert_eq!(of([1.0, 0.0], 1.0), [0, 3, 4, 5]);
    }

    #[test]
    fn the_expected_latency_between_two_layers_is_the_mean_over_paths() {
        // Blocks of layers 1 and 2, and 3 and 4; an exit behind layer 2. Latencies are powers of two, times 2^20.
        let latency = |layer: usize| 1_u64 << (20 + layer);
        let model = model_of([0.25, 0.5], 0.125);
        let between = |from, stop| model.expected_between(from, stop, latency) as f64 / f64::from(1 << 20);
        // One layer, of an inference that stands there.
        for layer in 0..6 {
            assert_eq!(between(layer, layer + 1), f64::from(1 << layer));
        }
        assert_eq!(between(3, 3), 0.0);
        // The first block runs; inside of the second, which runs too.
        assert_eq!(between(1, 3), 2.0 + 4.0);
        assert_eq!(between(4, 6), 16.0 + 32.0);
        // From the first layer on each block may be skipped, and one that runs the first may leave behind it.
        let stays = 0.25 + 0.75 * 0.875;
        assert_eq!(between(0, 2), 1.0 + 0.75 * 2.0);
        assert_eq!(between(0, 4), 1.0 + 0.75 * 6.0 + stays * 0.5 * 8.0);
        assert_eq!(between(0, 6), 1.0 + 0.75 * 6.0 + stays * (0.5 * 24.0 + 32.0));
        assert_eq!(between(1, 6), 6.0 + 0.875 * (0.5 * 24.0 + 32.0));
        // The whole is what is left at the first layer.
        let all: Vec<u64> = (0..6).map(latency).collect();
        assert_eq!(model.expected_between(0, 6, latency), model.expected_remaining(&all)[0]);
        // A block with which the first layer begins is open until then.
        let mut model = model;
        model.blocks[0].first = LayerId::new(0);
        assert_eq!(model.expected_between(0, 1, latency), 3 << 18);
    }

    #[test]
    fn the_previous_layer_is_the_last_one_on_the_path() {
        let mut model = model_of([0.0, 0.0], 0.0);
        for starts_with_a_block in [false, true] {
            if starts_with_a_block {
                model.blocks[0].first = LayerId::new(0);
            }
            for skipped in 0..4 {
                let realisation = Realisation { skipped, end: 6, exit: None, sample: 0, row: 0 };
                let path = path(&model, &realisation);
                for layer in 0..=6 {
                    let expected = path.iter().copied().filter(|one| *one < layer).max();
                    assert_eq!(model.previous_layer(&realisation, layer), expected, "{skipped} {layer}");
                }
            }
        }
    }

    #[test]
    fn expectations_are_the_means_over_all_paths() {
        let latency = [10, 200, 3_000, 40_000, 500_000, 6_000_000_u64];
        let (skips, leaves) = ([0.25, 0.5], 0.125);
        let model = model_of(skips, leaves);
        let (mut mean, mut square) = (0.0, 0.0);
        for choice in 0..8_u8 {
            let happens = [choice & 1 != 0, choice & 2 != 0, choice & 4 != 0];
            let probability: f64 = [skips[0], skips[1], leaves]
                .iter()
                .zip(happens)
                .map(|(probability, happens)| if happens { *probability } else { 1.0 - probability })
                .product();
            let skipped = u64::from(happens[0]) | u64::from(happens[1]) << 1;
            let leaves = happens[2] && !happens[0];
            let end = if leaves { 3 } else { 6 };
            let realisation = Realisation { skipped, end, exit: None, sample: 0, row: 0 };
            let total: u64 = path(&model, &realisation).iter().map(|layer| latency[*layer as usize]).sum();
            mean += probability * total as f64;
            square += probability * (total as f64).powi(2);
        }
        let expected = model.expected_remaining(&latency);
        assert!((expected[0] as f64 - mean).abs() < 8.0, "{} and {mean}", expected[0]);
        assert_eq!(expected[5..], [6_000_000, 0]);
        let spread = model.spread_remaining(&latency);
        let deviation = (square - mean * mean).sqrt();
        assert!((spread[0] as f64 - deviation).abs() < 8.0, "{} and {deviation}", spread[0]);
        assert_eq!(spread[5..], [0, 0]);
        assert_eq!(model.worst_remaining(&latency)[0], 6_543_210);
        // Exact without dynamics.
        let plain = model_of([0.0, 0.0], 0.0);
        assert_eq!(plain.expected_remaining(&latency), plain.worst_remaining(&latency));
        assert_eq!(plain.spread_remaining(&latency), [0; 7]);
    }

    #[test]
    fn frequencies_are_the_probabilities() {
        let model = model_of([0.25, 0.5], 0.125);
        let draws = Draws::new(7, Stream::Path, "t");
        let (mut first, mut both, mut left) = (0, 0, 0);
        for sample in 0..100_000 {
            let realisation = model.realise(draws, sample);
            assert_eq!(realisation, model.realise(draws, sample));
            first += u32::from(realisation.skipped & 1 != 0);
            both += u32::from(realisation.skipped == 3);
            left += u32::from(realisation.exit.is_some());
        }
        // Five standard deviations are 700 and less.
        assert!(first.abs_diff(25_000) < 700 && both.abs_diff(12_500) < 550, "{first} {both}");
        assert!(left.abs_diff(9_375) < 500, "{left}");
    }
}
