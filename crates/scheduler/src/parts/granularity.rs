//! Granularity: the part of a job that is dispatched at once.

use std::num::NonZeroU32;

use rtmm_workload::parameters::{Choice, Declared, Integer, Parameters};

use crate::decision::Extent;
use crate::job::Job;
use crate::view::View;

/// The part of a job that is dispatched at once. Without preemption this is when others get a chance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Granularity {
    /// One layer.
    Layer,
    /// Up to the end of the model's block; in a model without blocks up to the end of a group of
    /// this many layers, counted from the first layer of the model.
    Block(NonZeroU32),
    /// All that is left.
    Model,
}

/// [`Granularity`] before the size of groups is known.
#[derive(Clone, Copy, PartialEq)]
enum Word {
    Layer,
    Block,
    Model,
}

impl Granularity {
    /// `granularity`.
    const WORD: Choice<Word> = Choice::new(
        "granularity",
        "how much of a job is dispatched at once",
        Word::Layer,
        &[("layer", Word::Layer), ("block", Word::Block), ("model", Word::Model)],
    );

    /// `block_layers`.
    const BLOCK_LAYERS: Integer<u32> =
        Integer::new("block_layers", "layers of a block, in models that state no blocks", 4, 1..=1_000);

    /// Its parameters.
    pub const PARAMETERS: &[&dyn Declared] = &[&Self::WORD, &Self::BLOCK_LAYERS];

    /// Reads its parameters.
    #[must_use]
    pub fn read(parameters: &Parameters) -> Self {
        match parameters.read(&Self::WORD) {
            Word::Layer => Self::Layer,
            Word::Block => {
                let layers = parameters.read(&Self::BLOCK_LAYERS);
                Self::Block(NonZeroU32::new(layers).unwrap_or(NonZeroU32::MIN))
            }
            Word::Model => Self::Model,
        }
    }

    /// The extent of a dispatch of a job.
    #[must_use]
    pub fn extent(self, view: &View<'_>, job: &Job) -> Extent {
        let layer = job.progress.layer;
        match self {
            Self::Layer => Extent::LAYER,
            Self::Block(layers) => {
                let after_this = match view.profile.block_end(job.model, layer) {
                    Some(end) => end.saturating_sub(layer),
                    None => layers.get() - 1 - layer % layers,
                };
                Extent::Layers(NonZeroU32::MIN.saturating_add(after_this))
            }
            Self::Model => Extent::Rest,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Fixture, TaskSketch};
    use crate::job::Progress;

    #[track_caller]
    fn check(sketch: TaskSketch, granularity: Granularity, extents: [Extent; 5]) {
        let mut fixture = Fixture::new(&[sketch]).unwrap();
        let job = fixture.ready(0, 0, 100);
        for (layer, extent) in (0..).zip(extents) {
            fixture.change(job, |job| job.progress = Progress::at(layer));
            let view = fixture.view();
            assert_eq!(granularity.extent(&view, view.job(job).unwrap()), extent, "from layer {layer}");
        }
    }

    fn layers(count: u32) -> Extent {
        Extent::Layers(NonZeroU32::new(count).unwrap())
    }

    #[test]
    fn a_segment_ends_with_its_layer_block_group_or_model() {
        let plain = TaskSketch::new("a", &[&[1], &[1], &[1], &[1], &[1]]);
        let blocks = plain.clone().blocks(&[(1, 3)]);
        let of_three = Granularity::Block(NonZeroU32::new(3).unwrap());
        check(plain.clone(), Granularity::Layer, [Extent::LAYER; 5]);
        check(plain.clone(), Granularity::Model, [Extent::Rest; 5]);
        check(plain, of_three, [layers(3), layers(2), layers(1), layers(3), layers(2)]);
        check(blocks, of_three, [layers(1), layers(3), layers(2), layers(1), layers(1)]);
    }
}
