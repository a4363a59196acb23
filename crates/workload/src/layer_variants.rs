//! Layer variants: layers of a model that another layer of the same input and output can run in place of, at some accuracy.
//!
//! Source: Terastal, RTCSA 2026 (arXiv 2606.06818): a layer's variant works on a rearranged input with fewer weights, and any
//! set of a model's variants is a network. Accuracy is measured for each set: it does not follow from that of single variants,
//! and a set may be better than a part of it.
//!
//! A model with layer variants is read as two: one that runs none of them, and one that runs all. They have as many layers, and
//! a job may turn from one to the other between any two of them. So the set that a job has run follows from the model that it
//! was in layer by layer.

use std::ops::Range;

use serde::Serialize;

use crate::ids::LayerId;

/// A set of layer variants of a model, by their positions in [`LayerVariants::layers`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct VariantSet(u64);

impl VariantSet {
    /// No variant.
    pub const EMPTY: Self = Self(0);

    /// The most layers of a model that have variants.
    pub const MAX_LAYERS: usize = u64::BITS as usize;

    /// The set with the variant at a position below [`VariantSet::MAX_LAYERS`] besides.
    #[must_use]
    pub const fn with(self, position: usize) -> Self {
        Self(self.0 | (1 << position))
    }

    /// The set without the variants from a position on.
    #[must_use]
    pub const fn before(self, position: usize) -> Self {
        match 1_u64.checked_shl(position as u32) {
            Some(bit) => Self(self.0 & (bit - 1)),
            None => self,
        }
    }

    /// The number of variants in it.
    #[must_use]
    pub const fn count(self) -> u32 {
        self.0.count_ones()
    }
}

/// Layers of a model that have a variant each, and the accuracy of every set of them that was measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerVariants {
    /// The layers, ascending; at most [`VariantSet::MAX_LAYERS`].
    pub layers: Vec<LayerId>,
    /// Accuracy, as a fraction, of each measured set; ascending by set.
    pub accuracies: Vec<(VariantSet, f64)>,
    /// True of the model that runs all variants, false of the one that runs none.
    pub runs_all: bool,
}

impl LayerVariants {
    /// The accuracy of an inference that has run this very set; none where it was not measured.
    #[must_use]
    pub fn accuracy(&self, set: VariantSet) -> Option<f64> {
        let found = self.accuracies.binary_search_by_key(&set, |(known, _)| *known).ok()?;
        Some(self.accuracies[found].1)
    }

    /// The position of a layer's variant; none where the layer has none.
    #[must_use]
    pub fn position(&self, layer: u32) -> Option<usize> {
        self.layers.binary_search(&LayerId::new(layer as usize)).ok()
    }

    /// The set of an inference that had run `set`, and then runs layers as this model. Of layers from the first of them on, which
    /// it had begun and not completed, nothing is kept.
    #[must_use]
    pub fn running(&self, set: VariantSet, layers: Range<u32>) -> VariantSet {
        let place = |layer: u32| self.layers.partition_point(|known| known.index() < layer as usize);
        let (first, end) = (place(layers.start), place(layers.end));
        let kept = set.before(first);
        if self.runs_all { (first..end).fold(kept, VariantSet::with) } else { kept }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(positions: &[usize]) -> VariantSet {
        positions.iter().copied().fold(VariantSet::EMPTY, VariantSet::with)
    }

    fn variants(runs_all: bool) -> LayerVariants {
        let accuracies = vec![(set(&[]), 0.9), (set(&[0]), 0.8), (set(&[0, 1]), 0.85)];
        LayerVariants { layers: [2, 5, 6].map(LayerId::new).to_vec(), accuracies, runs_all }
    }

    #[test]
    fn accuracy_is_that_of_the_very_set() {
        let variants = variants(false);
        assert_eq!(
            [&[][..], &[0], &[0, 1], &[1], &[0, 1, 2]].map(|positions| variants.accuracy(set(positions))),
            [Some(0.9), Some(0.8), Some(0.85), None, None]
        );
        assert_eq!([2, 3, 6, 7].map(|layer| variants.position(layer)), [Some(0), None, Some(2), None]);
    }

    #[test]
    fn a_set_follows_from_the_model_of_each_layer() {
        let (none, all) = (variants(false), variants(true));
        for (before, of, layers, expected) in [
            (&[][..], &all, 0..3, &[0][..]),
            (&[], &all, 0..2, &[]),
            (&[], &all, 2..7, &[0, 1, 2]),
            (&[0], &none, 3..7, &[0]),
            (&[0], &all, 6..7, &[0, 2]),
            // Stopped before layer 5, though it was dispatched for all: only what it ran counts.
            (&[0, 1, 2], &none, 5..7, &[0]),
            (&[0, 1, 2], &all, 7..7, &[0, 1, 2]),
        ] {
            assert_eq!(of.running(set(before), layers.clone()), set(expected), "{before:?} {layers:?}");
        }
    }

    #[test]
    fn a_set_has_room_for_the_most_layers() {
        let full = (0..VariantSet::MAX_LAYERS).fold(VariantSet::EMPTY, VariantSet::with);
        assert_eq!((full.count(), full.before(64), full.before(1).count()), (64, full, 1));
        assert_eq!(full.before(0), VariantSet::EMPTY);
    }
}
