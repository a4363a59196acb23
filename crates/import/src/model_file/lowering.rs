//! The project's layers that stand for an imported one.
//!
//! | imported | stands as |
//! | --- | --- |
//! | convolution | a convolution; of one spatial dimension with columns of 1 |
//! | product | a fully connected layer; several at once as a convolution of one tap with as many groups |
//! | recurrent layer | a recurrent layer |
//! | attention | its projections, the products of scores, a softmax, the products of the context |
//! | pooling | pooling; the batch is more channels |
//! | reduction | a pooling of all that goes into an element |
//! | element by element | an addition of its full inputs, or an activation |
//! | change of resolution | a resize by a whole factor, or an activation on the output |
//! | softmax, normalisation, concatenation | the same |

use rtmm_workload::{
    Convolution, Elementwise, Gemm, MAX_DIMENSION, Normalisation, Operator, Padding, Pool, Recurrent, Shape,
};

use super::Unsaid;
use crate::layer::{
    ImportedAttention, ImportedConvolution, ImportedOperator, ImportedPool, ImportedProduct,
    ImportedRecurrent, NormalisationKind,
};

/// One layer of the project.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    /// Which of several pieces of an imported layer it is.
    pub part: Option<&'static str>,
    /// Its operator in model files.
    pub keyword: &'static str,
    /// Shapes that it takes.
    pub inputs: Vec<Shape>,
    /// Factor of a `resize`.
    pub factor: [u32; 2],
    /// Inputs that are computed together.
    pub batch: u32,
    pub operator: Operator,
}

impl Piece {
    pub(super) fn new(keyword: &'static str, input: Shape, operator: Operator) -> Self {
        Self { part: None, keyword, inputs: vec![input], factor: [1, 1], batch: 1, operator }
    }
}

fn extent(value: u64) -> Result<u32, Unsaid> {
    u32::try_from(value).ok().filter(|extent| *extent <= MAX_DIMENSION).ok_or(Unsaid::Extent(value))
}

fn product(factors: &[u64]) -> Result<u64, Unsaid> {
    let product = factors.iter().try_fold(1_u64, |product, factor| product.checked_mul(*factor));
    product.ok_or(Unsaid::Extent(u64::MAX))
}

fn shape(channels: u64, height: u64, width: u64) -> Result<Shape, Unsaid> {
    Ok(Shape { channels: extent(channels)?, height: extent(height)?, width: extent(width)? })
}

/// A shape of as many elements: the second dimension is that of channels, the last one the width, the batch stands
/// above each other.
fn plane(dims: &[u64]) -> Result<Shape, Unsaid> {
    match dims {
        [] => shape(1, 1, 1),
        [features] => shape(*features, 1, 1),
        [batch, channels] => shape(*channels, *batch, 1),
        [batch, channels, steps] => shape(*channels, product(&[*batch, *steps])?, 1),
        [batch, channels, rows @ .., width] => {
            shape(*channels, product(&[&[*batch], rows].concat())?, *width)
        }
    }
}

/// Tokens of features: the last dimension is that of features.
fn tokens(dims: &[u64]) -> Result<Shape, Unsaid> {
    match dims.split_last() {
        None => shape(1, 1, 1),
        Some((features, before)) => shape(*features, product(before)?, 1),
    }
}

/// The layers that stand for an imported one; none for one without elements.
pub(super) fn pieces(operator: &ImportedOperator) -> Result<Vec<Piece>, Unsaid> {
    if is_empty(operator) {
        return Ok(Vec::new());
    }
    let one = |piece: Piece| Ok(vec![piece]);
    match operator {
        ImportedOperator::Convolution(convolution) => one(of_convolution(convolution)?),
        ImportedOperator::Product(product) => one(of_product(*product)?),
        ImportedOperator::Recurrent(recurrent) => one(of_recurrent(*recurrent)?),
        ImportedOperator::Attention(attention) => of_attention(attention),
        ImportedOperator::Pool(pool) => one(of_pool(pool)?),
        ImportedOperator::Elementwise { output, operands, operations } => {
            one(of_elementwise(plane(output)?, *operands, *operations))
        }
        ImportedOperator::Softmax { output } => one(softmax(plane(output)?)),
        ImportedOperator::Normalisation { kind, output } => {
            let (keyword, shape) = match kind {
                NormalisationKind::Batch => ("batch-norm", plane(output)?),
                NormalisationKind::Layer => ("layer-norm", tokens(output)?),
                NormalisationKind::Group => ("group-norm", plane(output)?),
            };
            one(Piece::new(keyword, shape, Operator::Normalisation(Normalisation { shape })))
        }
        ImportedOperator::Reduction { inputs, outputs } => one(of_reduction(*inputs, *outputs)?),
        ImportedOperator::Resize { input, output, operations } => one(of_resize(input, output, *operations)?),
        ImportedOperator::Concatenation { axis, inputs } => of_concatenation(*axis, inputs),
    }
}

/// True for a layer that computes no element.
fn is_empty(operator: &ImportedOperator) -> bool {
    match operator {
        ImportedOperator::Convolution(ImportedConvolution { batch, output, output_channels, .. }) => {
            *batch == 0 || *output_channels == 0 || output.contains(&0)
        }
        ImportedOperator::Pool(ImportedPool { batch, channels, output, .. }) => {
            *batch == 0 || *channels == 0 || output.contains(&0)
        }
        ImportedOperator::Product(product) => product.macs() == Some(0),
        ImportedOperator::Recurrent(recurrent) => recurrent.macs() == Some(0),
        ImportedOperator::Attention(attention) => attention.macs() == Some(0),
        ImportedOperator::Elementwise { output, .. }
        | ImportedOperator::Softmax { output }
        | ImportedOperator::Normalisation { output, .. }
        | ImportedOperator::Resize { output, .. } => output.contains(&0),
        ImportedOperator::Reduction { inputs, outputs } => *inputs == 0 || *outputs == 0,
        ImportedOperator::Concatenation { .. } => false,
    }
}

/// Numbers of the spatial dimensions as a pair: a single one is vertical, with `other` beside it.
fn pair(values: &[u64], other: u64) -> Result<[u32; 2], Unsaid> {
    match values {
        [vertical] => Ok([extent(*vertical)?, extent(other)?]),
        [vertical, horizontal] => Ok([extent(*vertical)?, extent(*horizontal)?]),
        more => Err(Unsaid::Dimensions(more.len())),
    }
}

/// Padding before and behind, neither of which may crop.
fn padding(begin: &[i64], end: &[i64]) -> Result<Padding, Unsaid> {
    let side = |side: &[i64]| {
        let extents: Option<Vec<u64>> = side.iter().map(|padding| u64::try_from(*padding).ok()).collect();
        extents.ok_or_else(|| Unsaid::Padding { begin: begin.to_vec(), end: end.to_vec() })
    };
    Ok(Padding { before: pair(&side(begin)?, 0)?, after: pair(&side(end)?, 0)? })
}

fn of_convolution(convolution: &ImportedConvolution) -> Result<Piece, Unsaid> {
    let [height, width] = pair(&convolution.input, 1)?;
    let input = Shape { channels: extent(convolution.input_channels)?, height, width };
    let operator = Convolution {
        input,
        output_channels: extent(convolution.output_channels)?,
        kernel: pair(&convolution.kernel, 1)?,
        stride: pair(&convolution.stride, 1)?,
        padding: padding(&convolution.padding_begin, &convolution.padding_end)?,
        output_padding: output_padding(convolution)?,
        dilation: pair(&convolution.dilation, 1)?,
        groups: extent(convolution.groups)?,
        transposed: convolution.transposed,
    };
    let keyword = if convolution.transposed { "transposed-convolution" } else { "convolution" };
    let batch = extent(convolution.batch)?;
    Ok(Piece { batch, ..Piece::new(keyword, input, Operator::Convolution(operator)) })
}

/// Output padding, which only a transpose has.
fn output_padding(convolution: &ImportedConvolution) -> Result<[u32; 2], Unsaid> {
    match convolution.output_padding.as_slice() {
        [] => Ok([0, 0]),
        added => pair(added, 0),
    }
}

fn of_product(one: ImportedProduct) -> Result<Piece, Unsaid> {
    let ImportedProduct { products, rows, inner, columns, .. } = one;
    if products == 1 {
        let (input, columns) = (shape(inner, rows, 1)?, extent(columns)?);
        let operator = Gemm { rows: input.height, inner: input.channels, columns };
        return Ok(Piece::new("fully-connected", input, Operator::Gemm(operator)));
    }
    let input = shape(product(&[products, inner])?, rows, 1)?;
    let operator = Convolution {
        input,
        output_channels: extent(product(&[products, columns])?)?,
        kernel: [1, 1],
        stride: [1, 1],
        padding: [0, 0].into(),
        output_padding: [0, 0],
        dilation: [1, 1],
        groups: extent(products)?,
        transposed: false,
    };
    Ok(Piece::new("convolution", input, Operator::Convolution(operator)))
}

fn of_recurrent(recurrent: ImportedRecurrent) -> Result<Piece, Unsaid> {
    let input = shape(recurrent.features, recurrent.steps, 1)?;
    let operator = Recurrent {
        cell: recurrent.cell,
        features: input.channels,
        hidden: extent(recurrent.hidden)?,
        steps: input.height,
        bidirectional: recurrent.directions == 2,
    };
    let keyword = match recurrent.cell {
        rtmm_workload::RecurrentCell::Lstm => "lstm",
        rtmm_workload::RecurrentCell::Gru => "gru",
        rtmm_workload::RecurrentCell::Rnn => "rnn",
    };
    let batch = extent(recurrent.batch)?;
    Ok(Piece { batch, ..Piece::new(keyword, input, Operator::Recurrent(operator)) })
}

fn of_attention(attention: &ImportedAttention) -> Result<Vec<Piece>, Unsaid> {
    let ImportedAttention { projections, scores, context } = attention;
    let named = |part, piece: Piece| Piece { part: Some(part), ..piece };
    let mut pieces = Vec::new();
    for projection in projections {
        pieces.push(named("projection", of_product(*projection)?));
    }
    pieces.push(named("scores", of_product(*scores)?));
    let map = shape(scores.products, scores.rows, scores.columns)?;
    pieces.push(named("softmax", softmax(map)));
    pieces.push(named("context", of_product(*context)?));
    Ok(pieces)
}

fn softmax(shape: Shape) -> Piece {
    let operator = Elementwise { output: shape, elements_in: shape.elements(), operations: 5 };
    Piece::new("softmax", shape, Operator::Elementwise(operator))
}

fn of_pool(pool: &ImportedPool) -> Result<Piece, Unsaid> {
    let is_global = pool.output.iter().all(|extent| *extent == 1)
        && pool.kernel == pool.input
        && pool.padding_begin.iter().chain(&pool.padding_end).all(|padding| *padding == 0);
    let channels = product(&[pool.batch, pool.channels])?;
    if is_global {
        return of_reduction(product(&[&[channels], pool.input.as_slice()].concat())?, channels);
    }
    if pool.dilation.iter().any(|dilation| *dilation > 1) {
        return Err(Unsaid::Dilation(pool.dilation.clone()));
    }
    let [height, width] = pair(&pool.input, 1)?;
    let input = Shape { channels: extent(channels)?, height, width };
    let operator = Pool {
        input,
        kernel: pair(&pool.kernel, 1)?,
        stride: pair(&pool.stride, 1)?,
        padding: padding(&pool.padding_begin, &pool.padding_end)?,
    };
    let keyword = if pool.is_maximum { "max-pool" } else { "average-pool" };
    Ok(Piece::new(keyword, input, Operator::Pool(operator)))
}

fn of_elementwise(output: Shape, operands: u64, operations: u32) -> Piece {
    if operands < 2 || operations == 0 {
        return activation(output, operations);
    }
    let elements_in = output.elements().saturating_mul(operands);
    let operations = u32::try_from(operands - 1).unwrap_or(u32::MAX);
    let operator = Operator::Elementwise(Elementwise { output, elements_in, operations });
    let inputs = std::iter::repeat_n(output, usize::try_from(operands).unwrap_or(usize::MAX)).collect();
    Piece { inputs, ..Piece::new("add", output, operator) }
}

fn activation(output: Shape, operations: u32) -> Piece {
    let operator = Elementwise { output, elements_in: output.elements(), operations };
    Piece::new("activation", output, Operator::Elementwise(operator))
}

/// A pooling over all that goes into one element of the result.
fn of_reduction(inputs: u64, outputs: u64) -> Result<Piece, Unsaid> {
    if inputs < outputs || !inputs.is_multiple_of(outputs) {
        return Ok(activation(plane(&[inputs])?, 1));
    }
    let input = shape(outputs, inputs / outputs, 1)?;
    let kernel = [input.height, input.width];
    let operator = Pool { input, kernel, stride: [1, 1], padding: [0, 0].into() };
    Ok(Piece::new("global-pool", input, Operator::Pool(operator)))
}

fn of_resize(input: &[u64], output: &[u64], operations: u32) -> Result<Piece, Unsaid> {
    let (given, result) = (plane(input)?, plane(output)?);
    let factor = |from: u32, to: u32| (to.is_multiple_of(from) && to / from <= 1_024).then(|| to / from);
    let factors = factor(given.height, result.height).zip(factor(given.width, result.width));
    match factors.filter(|_| given.channels == result.channels && input.first() == output.first()) {
        Some((vertical, horizontal)) => {
            let operator = Elementwise { output: result, elements_in: given.elements(), operations };
            let piece = Piece::new("resize", given, Operator::Elementwise(operator));
            Ok(Piece { factor: [vertical, horizontal], ..piece })
        }
        None => Ok(activation(result, operations)),
    }
}

/// Tensors next to each other along the channels, which moves nothing.
fn of_concatenation(axis: usize, inputs: &[Vec<u64>]) -> Result<Vec<Piece>, Unsaid> {
    let mut shapes = Vec::new();
    for dims in inputs.iter().filter(|dims| !dims.contains(&0)) {
        let others: Vec<u64> =
            dims.iter().enumerate().filter(|(place, _)| *place != axis).map(|(_, extent)| *extent).collect();
        shapes.push(shape(dims.get(axis).copied().unwrap_or(1), product(&others)?, 1)?);
    }
    let [first, _, ..] = shapes.as_slice() else { return Ok(Vec::new()) };
    let channels = shapes.iter().map(|shape| u64::from(shape.channels)).sum();
    let output = Shape { channels: extent(channels)?, ..*first };
    let operator = Operator::Elementwise(Elementwise { output, elements_in: 0, operations: 0 });
    Ok(vec![Piece { inputs: shapes, ..Piece::new("concatenate", output, operator) }])
}
