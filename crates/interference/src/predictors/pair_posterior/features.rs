//! Features of an inference beside one other.

use libm::log2;

use crate::Inference;

/// The number of features: a quadratic in three quantities.
pub(super) const FEATURES: usize = 10;

/// The quantities: binary logarithms of both batches, and the share of the SMs that the inference has of what both have.
fn quantities(own: &Inference, other: &Inference) -> [f64; 3] {
    let (own_share, other_share) = (own.share.fraction(), other.share.fraction());
    [
        log2(f64::from(own.batch.max(1))),
        log2(f64::from(other.batch.max(1))),
        own_share / (own_share + other_share),
    ]
}

/// The ranges of the quantities over the measurements of a fit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ranges([(f64, f64); 3]);

impl Ranges {
    /// The ranges over inferences beside others.
    pub(super) fn of<'i>(beside: impl Iterator<Item = (&'i Inference, &'i Inference)>) -> Self {
        let mut ranges = [(f64::INFINITY, f64::NEG_INFINITY); 3];
        for (own, other) in beside {
            for ((least, greatest), quantity) in ranges.iter_mut().zip(quantities(own, other)) {
                *least = least.min(quantity);
                *greatest = greatest.max(quantity);
            }
        }
        Self(ranges)
    }

    /// The features of an inference beside another. The quantities go from -1 to 1 over their ranges, and not beyond:
    /// outside what was measured, a quadratic has nothing to say.
    pub(super) fn features(&self, own: &Inference, other: &Inference) -> [f64; FEATURES] {
        let quantities = quantities(own, other);
        let mut unit = [0.0; 3];
        for ((unit, (least, greatest)), quantity) in unit.iter_mut().zip(self.0).zip(quantities) {
            if greatest > least {
                *unit = ((2.0 * quantity - least - greatest) / (greatest - least)).clamp(-1.0, 1.0);
            }
        }
        let [x, y, z] = unit;
        [1.0, x, y, z, x * x, y * y, z * z, x * y, x * z, y * z]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ModelKey, Share};

    #[test]
    fn quantities_stay_within_what_was_measured() {
        let of = |batch| Inference { model: ModelKey::default(), batch, share: Share::WHOLE, solo_us: 1.0 };
        let (small, large, larger) = (of(2), of(8), of(512));
        let ranges = Ranges::of([(&small, &large), (&large, &small)].into_iter());
        assert_eq!(ranges.features(&small, &large)[..4], [1.0, -1.0, 1.0, 0.0]);
        assert_eq!(ranges.features(&larger, &large), ranges.features(&large, &large));
    }
}
