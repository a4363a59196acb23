//! Normalisation, also with a sum before it.

use crate::layer::{ImportedOperator, NormalisationKind};
use crate::onnx::call::{Call, Outcome, Row, axis, shown};
use crate::onnx::element::ElementType;
use crate::onnx::reason::Reason;
use crate::onnx::tensor::Tensor;

pub(super) const ROWS: &[Row] = &[
    Row::new("BatchNormalization", batch),
    Row::new("InstanceNormalization", |call| same(call, NormalisationKind::Group)),
    Row::new("GroupNormalization", |call| same(call, NormalisationKind::Group)),
    Row::new("LayerNormalization", layer),
    Row::new("RMSNormalization", layer),
    // Exporters write this name into the domain of ONNX.
    Row::new("SimplifiedLayerNormalization", layer),
    Row::new("LpNormalization", |call| same(call, NormalisationKind::Layer)),
    Row::new("LRN", |call| same(call, NormalisationKind::Layer)),
    Row::new("MeanVarianceNormalization", |call| same(call, NormalisationKind::Group)),
    Row::microsoft("LayerNormalization", layer),
    Row::microsoft("SimplifiedLayerNormalization", layer),
    Row::microsoft("GroupNorm", |call| same(call, NormalisationKind::Group)),
    Row::microsoft("SkipLayerNormalization", skip),
    Row::microsoft("SkipSimplifiedLayerNormalization", skip),
    Row::microsoft("EmbedLayerNormalization", embed).auxiliary(&[7]),
];

fn normalisation(kind: NormalisationKind, output: &Tensor) -> ImportedOperator {
    ImportedOperator::Normalisation { kind, output: output.dims.clone() }
}

fn same(call: &Call<'_>, kind: NormalisationKind) -> Result<Outcome, Reason> {
    let input = call.input(0)?;
    let output = input.of_same_extents(input.element);
    let operator = normalisation(kind, &output);
    Ok(Outcome::of(output, operator))
}

/// Batch normalisation; its further outputs, the statistics of training, are those of a channel.
fn batch(call: &Call<'_>) -> Result<Outcome, Reason> {
    let (input, statistics) = (call.input(0)?, call.input(3)?);
    let channels = input.dims.get(1).copied().unwrap_or(1);
    if statistics.elements() != channels {
        return Err(Reason::Shapes(format!(
            "statistics of {} channels do not fit an input of {}",
            statistics.elements(),
            shown(&input.dims)
        )));
    }
    let output = input.of_same_extents(input.element);
    let operator = normalisation(NormalisationKind::Batch, &output);
    let statistics = statistics.of_same_extents(statistics.element);
    let outputs = std::iter::once(output).chain(std::iter::repeat_n(statistics, 4)).collect();
    Ok(Outcome { outputs, operator: Some(operator), packed: None })
}

/// Layer normalisation; its further outputs are mean and deviation of each token.
fn layer(call: &Call<'_>) -> Result<Outcome, Reason> {
    let input = call.input(0)?;
    let first = axis(call.integer("axis", -1), input.rank())?;
    let output = input.of_same_extents(input.element);
    let operator = normalisation(NormalisationKind::Layer, &output);
    let mut dims = input.dims.clone();
    dims[first..].fill(1);
    let statistics = Tensor::new(ElementType::Float32, dims)?;
    Ok(Outcome {
        outputs: vec![output, statistics.clone(), statistics],
        operator: Some(operator),
        packed: None,
    })
}

/// A sum and its normalisation; the last output is the sum.
fn skip(call: &Call<'_>) -> Result<Outcome, Reason> {
    let input = call.input(0)?;
    call.input(1)?;
    let output = input.of_same_extents(input.element);
    let operator = normalisation(NormalisationKind::Layer, &output);
    let mut dims = input.dims.clone();
    if let Some(features) = dims.last_mut() {
        *features = 1;
    }
    let statistics = Tensor::new(ElementType::Float32, dims)?;
    let outputs = vec![output.clone(), statistics.clone(), statistics, output];
    Ok(Outcome { outputs, operator: Some(operator), packed: None })
}

/// Sums of looked-up embeddings, normalised; the second output counts the tokens.
fn embed(call: &Call<'_>) -> Result<Outcome, Reason> {
    let (tokens, table) = (call.input(0)?, call.input(2)?);
    let ([batch, sequence], [_, features]) = (tokens.dims.as_slice(), table.dims.as_slice()) else {
        return Err(Reason::Shapes(format!(
            "tokens of {} are not looked up in a table of {}",
            shown(&tokens.dims),
            shown(&table.dims)
        )));
    };
    let output = Tensor::new(table.element, vec![*batch, *sequence, *features])?;
    let operator = normalisation(NormalisationKind::Layer, &output);
    let mask = Tensor::new(ElementType::Signed(32), vec![*batch])?;
    Ok(Outcome { outputs: vec![output.clone(), mask, output], operator: Some(operator), packed: None })
}
