//! Models of which nothing but a sample trace is known.

use std::sync::Arc;

use crate::layer::{Attention, Layer, Operator};
use crate::model::{Model, Shapes, Sparsity};
use crate::sample_trace::{SampleTrace, Schema};

/// The width of the attention layers of Sanger's traces: BERT-base, GPT-2 small and BART-base have it.
const EMBEDDING: u32 = 768;
/// And their heads.
const HEADS: u32 = 12;

impl Model {
    /// The model that a trace is of, with a layer for each of the trace's: `layer0`, `layer1` and so on.
    ///
    /// Layers of [`Schema::Sanger`] are attention, 768 wide with 12 heads, over `sequence_length` tokens;
    /// the trace's name is the architecture. Layers of [`Schema::EyerissV2`] have no dimensions, only
    /// their recordings; the architecture is the trace's name up to the first `_`, so that the traces of
    /// one architecture under several patterns share it.
    #[must_use]
    pub fn of_trace(trace: Arc<SampleTrace>, sequence_length: u32) -> Self {
        let operator = match trace.schema {
            Schema::Sanger => Operator::Attention(Attention {
                embedding: EMBEDDING,
                heads: HEADS,
                queries: sequence_length,
                keys: sequence_length,
            }),
            Schema::EyerissV2 => Operator::Opaque,
        };
        let architecture = match trace.schema {
            Schema::Sanger => trace.name.as_str(),
            Schema::EyerissV2 => trace.name.split('_').next().unwrap_or_default(),
        };
        let sparsity = Sparsity { architecture: Some(architecture.to_owned()), ..Sparsity::default() };
        let layers = (0..trace.layers()).map(|index| Layer::new(format!("layer{index}"), operator)).collect();
        let source = format!("the sample trace `{}`", trace.name);
        let model = Self::of_layers(trace.name.clone(), source, Shapes::Independent, layers);
        Self { sparsity, samples: Some(trace), ..model }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_and_architecture_are_those_of_the_trace() {
        let trace = SampleTrace::of_values(
            "resnet50_dense".to_owned(),
            Schema::EyerissV2,
            2,
            vec![0.5; 4],
            vec![0.001; 4],
        );
        let model = Model::of_trace(Arc::new(trace), 512);
        assert_eq!(model.sparsity.architecture.as_deref(), Some("resnet50"));
        assert_eq!(model.layers[1].name, "layer1");
        assert_eq!(model.layers[1].operator, Operator::Opaque);
        assert_eq!(model.macs(), 0);

        let (stated, balance) = (vec![0.5; 3], vec![0.75; 3]);
        let trace = SampleTrace::of_values("bert_squad".to_owned(), Schema::Sanger, 3, stated, balance);
        let model = Model::of_trace(Arc::new(trace), 384);
        assert_eq!(model.sparsity.architecture.as_deref(), Some("bert_squad"));
        assert_eq!(model.parameters(), 3 * 4 * 768 * 768);
        assert_eq!(model.samples.expect("its trace").len(), 1);
    }
}
