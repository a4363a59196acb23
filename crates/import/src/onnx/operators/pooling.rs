//! Pooling: windows over planes, and one window over all of a plane.

use super::window::Stated;
use crate::layer::{ImportedOperator, ImportedPool};
use crate::onnx::call::{Call, Outcome, Row, bad_attribute, shown};
use crate::onnx::element::ElementType;
use crate::onnx::reason::Reason;
use crate::onnx::tensor::{Tensor, elements, extents};

pub(super) const ROWS: &[Row] = &[
    Row::new("MaxPool", pool),
    Row::new("AveragePool", pool),
    Row::new("LpPool", pool),
    Row::new("GlobalMaxPool", global),
    Row::new("GlobalAveragePool", global),
    Row::new("GlobalLpPool", global),
    Row::new("MaxRoiPool", regions),
    Row::new("RoiAlign", regions),
    Row::new("MaxUnpool", unpool).auxiliary(&[2]),
    Row::new("Col2Im", blocks).auxiliary(&[1, 2]),
    Row::microsoft("QLinearAveragePool", quantised).auxiliary(&[1, 2, 3, 4]),
    Row::microsoft("QLinearGlobalAveragePool", quantised_global).auxiliary(&[1, 2, 3, 4]),
];

fn planes(input: &Tensor) -> Result<(u64, u64, &[u64]), Reason> {
    match input.dims.as_slice() {
        [batch, channels, spatial @ ..] if !spatial.is_empty() => Ok((*batch, *channels, spatial)),
        dims => Err(Reason::Shapes(format!("an input of {} has no planes", shown(dims)))),
    }
}

fn pool(call: &Call<'_>) -> Result<Outcome, Reason> {
    let input = call.input(0)?;
    let (batch, channels, spatial) = planes(input)?;
    let kernel = call.integers("kernel_shape").ok_or_else(|| bad_attribute("kernel_shape", "is missing"))?;
    let kernel: Vec<u64> = kernel
        .iter()
        .map(|extent| {
            u64::try_from(*extent).map_err(|_| bad_attribute("kernel_shape", "has a negative number"))
        })
        .collect::<Result<_, _>>()?;
    let window = Stated::of(call, kernel)?.slide(spatial, call.flag("ceil_mode", false))?;
    let dims = [&[batch, channels], window.output.as_slice()].concat();
    let output = Tensor::new(input.element, dims)?;
    let places = output.of_same_extents(ElementType::INT64);
    let operator = ImportedPool {
        batch,
        channels,
        input: spatial.to_vec(),
        output: window.output,
        kernel: window.kernel,
        stride: window.stride,
        dilation: window.dilation,
        padding_begin: window.begin,
        padding_end: window.end,
        is_maximum: call.operator.ends_with("MaxPool"),
    };
    // The places of the largest elements are an output that only `MaxPool` has.
    let outputs = if call.operator == "MaxPool" { vec![output, places] } else { vec![output] };
    Ok(Outcome { outputs, operator: Some(ImportedOperator::Pool(operator)), packed: None })
}

fn global(call: &Call<'_>) -> Result<Outcome, Reason> {
    let input = call.input(0)?;
    let (batch, channels, spatial) = planes(input)?;
    let ones = vec![1; spatial.len()];
    let dims = [&[batch, channels], ones.as_slice()].concat();
    let operator = ImportedPool {
        batch,
        channels,
        input: spatial.to_vec(),
        output: ones.clone(),
        kernel: spatial.to_vec(),
        stride: ones.clone(),
        dilation: ones,
        padding_begin: vec![0; spatial.len()],
        padding_end: vec![0; spatial.len()],
        is_maximum: call.operator == "GlobalMaxPool",
    };
    Ok(Outcome::of(Tensor::new(input.element, dims)?, ImportedOperator::Pool(operator)))
}

fn scattered(input: &Tensor, dims: Vec<u64>, operations: u32) -> Result<Outcome, Reason> {
    let output = Tensor::new(input.element, dims)?;
    let operator = ImportedOperator::Elementwise { output: output.dims.clone(), operands: 1, operations };
    Ok(Outcome::of(output, operator))
}

/// The largest elements back at their places: extents are stated, or those of the pooling turned round.
fn unpool(call: &Call<'_>) -> Result<Outcome, Reason> {
    let input = call.input(0)?;
    call.input(1)?;
    let (batch, channels, spatial) = planes(input)?;
    if call.optional(2).is_some() {
        return scattered(input, extents(call.known(2)?)?, 0);
    }
    let kernel = call.integers("kernel_shape").ok_or_else(|| bad_attribute("kernel_shape", "is missing"))?;
    let Stated { kernel, stride, begin, end, .. } = Stated::of(call, extents(kernel)?)?;
    if kernel.len() != spatial.len() {
        return Err(bad_attribute(
            "kernel_shape",
            format!("does not fit an input of {}", shown(&input.dims)),
        ));
    }
    let mut dims = vec![batch, channels];
    for (axis, input) in spatial.iter().enumerate() {
        let full = (i128::from(*input) - 1) * i128::from(stride[axis]) + i128::from(kernel[axis]);
        let extent = full - i128::from(begin[axis]) - i128::from(end[axis]);
        dims.push(u64::try_from(extent).map_err(|_| Reason::Extent { extent })?);
    }
    scattered(input, dims, 0)
}

/// Blocks that are added up to an image.
fn blocks(call: &Call<'_>) -> Result<Outcome, Reason> {
    let input = call.input(0)?;
    let (image, block) = (extents(call.known(1)?)?, extents(call.known(2)?)?);
    let area = elements(&block)?;
    match input.dims.as_slice() {
        [batch, features, _] if area > 0 && features.is_multiple_of(area) => {
            scattered(input, [&[*batch, features / area], image.as_slice()].concat(), 1)
        }
        dims => Err(Reason::Shapes(format!("{} are no blocks of {}", shown(dims), shown(&block)))),
    }
}

fn channels_first(call: &Call<'_>) -> Result<(), Reason> {
    if call.flag("channels_last", false) {
        return Err(Reason::Form("pooling with `channels_last`".to_owned()));
    }
    Ok(())
}

fn quantised(call: &Call<'_>) -> Result<Outcome, Reason> {
    channels_first(call)?;
    pool(call)
}

fn quantised_global(call: &Call<'_>) -> Result<Outcome, Reason> {
    channels_first(call)?;
    global(call)
}

/// Pooling of regions: as many planes of a stated size as there are regions.
fn regions(call: &Call<'_>) -> Result<Outcome, Reason> {
    let (input, regions) = (call.input(0)?, call.input(1)?);
    let (_, channels, _) = planes(input)?;
    let [height, width] = match (call.operator, call.integers("pooled_shape")) {
        ("MaxRoiPool", Some([height, width])) => [*height, *width],
        ("MaxRoiPool", _) => return Err(bad_attribute("pooled_shape", "does not have two numbers")),
        _ => [call.integer("output_height", 1), call.integer("output_width", 1)],
    };
    let count = *regions.dims.first().ok_or_else(|| Reason::Shapes("the regions are no list".to_owned()))?;
    let extent = |extent: i64| u64::try_from(extent).map_err(|_| Reason::Extent { extent: extent.into() });
    let dims = vec![count, channels, extent(height)?, extent(width)?];
    let output = Tensor::new(input.element, dims.clone())?;
    // Four neighbours of each sample.
    let operator = ImportedOperator::Elementwise { output: dims, operands: 1, operations: 8 };
    Ok(Outcome::of(output, operator))
}
