//! Changes of resolution, and samples at computed places.

use crate::layer::ImportedOperator;
use crate::onnx::call::{Call, Outcome, Row, axis, bad_attribute, shown};
use crate::onnx::reason::Reason;
use crate::onnx::tensor::Tensor;

pub(super) const ROWS: &[Row] = &[
    Row::new("Resize", resize).auxiliary(&[1, 2, 3]),
    Row::new("Upsample", resize).auxiliary(&[1]),
    Row::new("GridSample", sample),
    Row::new("AffineGrid", grid).auxiliary(&[1]),
    Row::new("DepthToSpace", depth_to_space),
    Row::new("SpaceToDepth", space_to_depth),
];

/// Operations for an element of the output by the mode of interpolation.
fn operations(call: &Call<'_>) -> u32 {
    match call.text("mode", "nearest") {
        "nearest" => 1,
        "cubic" | "bicubic" => 32,
        _ => 8,
    }
}

fn resized(call: &Call<'_>, input: &Tensor, dims: Vec<u64>) -> Result<Outcome, Reason> {
    let output = Tensor::new(input.element, dims)?;
    let operator = ImportedOperator::Resize {
        input: input.dims.clone(),
        output: output.dims.clone(),
        operations: operations(call),
    };
    Ok(Outcome::of(output, operator))
}

fn resize(call: &Call<'_>) -> Result<Outcome, Reason> {
    let input = call.input(0)?;
    let axes: Vec<usize> = match call.integers("axes").filter(|axes| !axes.is_empty()) {
        Some(axes) => axes.iter().map(|stated| axis(*stated, input.rank())).collect::<Result<_, _>>()?,
        None => (0..input.rank()).collect(),
    };
    // Since version 11 the second input is a region, and there are scales or sizes.
    let position_of_scales = if call.operator == "Resize" && call.version >= 11 { 2 } else { 1 };
    if let Some(sizes) = call.optional(3).filter(|sizes| sizes.elements() > 0) {
        let sizes = sizes.known_integers().ok_or(Reason::Data { position: 3 })?;
        let sizes: Vec<u64> = sizes
            .iter()
            .map(|size| u64::try_from(*size).map_err(|_| Reason::Extent { extent: (*size).into() }))
            .collect::<Result<_, _>>()?;
        if sizes.len() != axes.len() {
            return Err(Reason::Shapes(format!("{} sizes for {} axes", sizes.len(), axes.len())));
        }
        let sizes = kept_ratio(call, input, &axes, sizes)?;
        let mut dims = input.dims.clone();
        for (along, size) in axes.iter().zip(sizes) {
            dims[*along] = size;
        }
        return resized(call, input, dims);
    }
    let scales: Vec<f64> = match (call.optional(position_of_scales), call.attribute("scales")) {
        (Some(scales), _) => {
            scales.value.as_ref().ok_or(Reason::Data { position: position_of_scales })?.reals()
        }
        (None, Some(attribute)) => attribute.floats.iter().map(|scale| f64::from(*scale)).collect(),
        (None, None) => return Err(Reason::MissingInput { position: position_of_scales }),
    };
    if scales.len() != axes.len() {
        return Err(Reason::Shapes(format!("{} scales for {} axes", scales.len(), axes.len())));
    }
    let mut dims = input.dims.clone();
    for (along, scale) in axes.iter().zip(scales) {
        // In single precision, as runtimes compute it.
        let size = (dims[*along] as f32 * scale as f32).floor();
        if !(0.0..=1e15).contains(&size) {
            return Err(Reason::Shapes(format!("a scale of {scale} for an extent of {}", dims[*along])));
        }
        dims[*along] = size as u64;
    }
    resized(call, input, dims)
}

/// Sizes that keep the ratio of the extents, where the node asks for it.
fn kept_ratio(call: &Call<'_>, input: &Tensor, axes: &[usize], sizes: Vec<u64>) -> Result<Vec<u64>, Reason> {
    let policy = call.text("keep_aspect_ratio_policy", "stretch");
    if policy == "stretch" {
        return Ok(sizes);
    }
    let ratios = axes.iter().zip(&sizes).map(|(along, size)| *size as f64 / input.dims[*along].max(1) as f64);
    let scale = match policy {
        "not_larger" => ratios.fold(f64::INFINITY, f64::min),
        "not_smaller" => ratios.fold(0.0, f64::max),
        other => return Err(bad_attribute("keep_aspect_ratio_policy", format!("is `{other}`"))),
    };
    Ok(axes.iter().map(|along| (scale * input.dims[*along] as f64 + 0.5).floor() as u64).collect())
}

fn sample(call: &Call<'_>) -> Result<Outcome, Reason> {
    let (input, places) = (call.input(0)?, call.input(1)?);
    let ([batch, channels, ..], [_, spatial @ .., _]) = (input.dims.as_slice(), places.dims.as_slice())
    else {
        return Err(Reason::Shapes(format!(
            "an input of {} cannot be sampled at {}",
            shown(&input.dims),
            shown(&places.dims)
        )));
    };
    let output = Tensor::new(input.element, [&[*batch, *channels], spatial].concat())?;
    let operations = if call.text("mode", "linear") == "nearest" { 1 } else { 8 };
    let operator = ImportedOperator::Elementwise { output: output.dims.clone(), operands: 1, operations };
    Ok(Outcome::of(output, operator))
}

fn grid(call: &Call<'_>) -> Result<Outcome, Reason> {
    let transform = call.input(0)?;
    let size = crate::onnx::tensor::extents(call.known(1)?)?;
    let [batch, _, spatial @ ..] = size.as_slice() else {
        return Err(Reason::Shapes(format!("{} is no size of planes", shown(&size))));
    };
    let dims = [&[*batch], spatial, &[spatial.len() as u64]].concat();
    let output = Tensor::new(transform.element, dims)?;
    let operator = ImportedOperator::Elementwise { output: output.dims.clone(), operands: 0, operations: 6 };
    Ok(Outcome::of(output, operator))
}

fn planes(input: &Tensor) -> Result<[u64; 4], Reason> {
    <[u64; 4]>::try_from(input.dims.as_slice())
        .map_err(|_| Reason::Shapes(format!("an input of {} is no batch of planes", shown(&input.dims))))
}

fn moved(input: &Tensor, dims: Vec<u64>) -> Result<Outcome, Reason> {
    let output = Tensor::new(input.element, dims)?;
    let operator = ImportedOperator::Elementwise { output: output.dims.clone(), operands: 1, operations: 0 };
    Ok(Outcome::of(output, operator))
}

fn depth_to_space(call: &Call<'_>) -> Result<Outcome, Reason> {
    let input = call.input(0)?;
    let [batch, channels, height, width] = planes(input)?;
    let block = call.count("blocksize", None)?;
    let area = block.checked_mul(block).filter(|area| channels.is_multiple_of(*area));
    let area =
        area.ok_or_else(|| Reason::Shapes(format!("blocks of {block} do not divide {channels} channels")))?;
    let grown =
        |extent: u64| extent.checked_mul(block).ok_or(Reason::TooLarge { what: "elements of a tensor" });
    moved(input, vec![batch, channels / area, grown(height)?, grown(width)?])
}

fn space_to_depth(call: &Call<'_>) -> Result<Outcome, Reason> {
    let input = call.input(0)?;
    let [batch, channels, height, width] = planes(input)?;
    let block = call.count("blocksize", None)?;
    if !height.is_multiple_of(block) || !width.is_multiple_of(block) {
        return Err(Reason::Shapes(format!("blocks of {block} do not divide {height} x {width}")));
    }
    let area = block.checked_mul(block).and_then(|area| area.checked_mul(channels));
    let channels = area.ok_or(Reason::TooLarge { what: "elements of a tensor" })?;
    moved(input, vec![batch, channels, height / block, width / block])
}
