//! Pooling: windows over planes, and one window over all of a plane.

use super::window::Stated;
use crate::layer::{ImportedOperator, ImportedPool};
use crate::onnx::call::{Call, Outcome, Row, bad_attribute, shown};
use crate::onnx::element::ElementType;
use crate::onnx::reason::Reason;
use crate::onnx::tensor::Tensor;

pub(super) const ROWS: &[Row] = &[
    Row::new("MaxPool", pool),
    Row::new("AveragePool", pool),
    Row::new("LpPool", pool),
    Row::new("GlobalMaxPool", global),
    Row::new("GlobalAveragePool", global),
    Row::new("GlobalLpPool", global),
    Row::new("MaxRoiPool", regions),
    Row::new("RoiAlign", regions),
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
