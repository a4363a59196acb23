//! Convolutions: plain, transposed, deformable, and of quantised tensors.

use super::window::{Auto, Stated, extent, narrow};
use crate::layer::{ImportedConvolution, ImportedOperator};
use crate::onnx::call::{Call, Outcome, Row, bad_attribute, shown};
use crate::onnx::element::ElementType;
use crate::onnx::reason::Reason;
use crate::onnx::tensor::Tensor;

pub(super) const ROWS: &[Row] = &[
    Row::new("Conv", plain),
    Row::new("DeformConv", plain),
    Row::new("ConvInteger", integer).auxiliary(&[2, 3]),
    Row::new("QLinearConv", quantised).auxiliary(&[1, 2, 4, 5, 6, 7]),
    Row::new("ConvTranspose", transposed),
    Row::microsoft("FusedConv", plain),
];

fn plain(call: &Call<'_>) -> Result<Outcome, Reason> {
    let (input, weights) = (call.input(0)?, call.input(1)?);
    convolution(call, input, weights, input.element)
}

fn integer(call: &Call<'_>) -> Result<Outcome, Reason> {
    convolution(call, call.input(0)?, call.input(1)?, ElementType::Signed(32))
}

fn quantised(call: &Call<'_>) -> Result<Outcome, Reason> {
    let element = call.optional(7).map_or(call.input(0)?.element, |zero| zero.element);
    convolution(call, call.input(0)?, call.input(3)?, element)
}

/// Extents of an input and of its filter.
struct Extents<'t> {
    batch: u64,
    channels: u64,
    spatial: &'t [u64],
    kernel: Vec<u64>,
}

/// Extents of a convolution, whose filter may be stated only in the shape of the weights.
fn extents<'t>(call: &Call<'_>, input: &'t Tensor, weights: &'t Tensor) -> Result<Extents<'t>, Reason> {
    let ([batch, channels, spatial @ ..], [_, _, taps @ ..]) =
        (input.dims.as_slice(), weights.dims.as_slice())
    else {
        return Err(Reason::Shapes(format!(
            "an input of {} and weights of {} are none of a convolution",
            shown(&input.dims),
            shown(&weights.dims)
        )));
    };
    if spatial.len() != taps.len() || spatial.is_empty() {
        return Err(Reason::Shapes(format!(
            "an input of {} has other dimensions than weights of {}",
            shown(&input.dims),
            shown(&weights.dims)
        )));
    }
    if let Some(stated) = call.integers("kernel_shape").filter(|stated| !stated.is_empty()) {
        let is_same = stated.len() == taps.len()
            && stated.iter().zip(taps).all(|(stated, tap)| u64::try_from(*stated) == Ok(*tap));
        if !is_same {
            let problem = format!("differs from weights of {}", shown(&weights.dims));
            return Err(bad_attribute("kernel_shape", problem));
        }
    }
    Ok(Extents { batch: *batch, channels: *channels, spatial, kernel: taps.to_vec() })
}

fn wrong_groups(groups: u64, input: &Tensor, weights: &Tensor) -> Reason {
    Reason::Shapes(format!(
        "{groups} groups of an input of {} do not fit weights of {}",
        shown(&input.dims),
        shown(&weights.dims)
    ))
}

fn convolution(
    call: &Call<'_>,
    input: &Tensor,
    weights: &Tensor,
    element: ElementType,
) -> Result<Outcome, Reason> {
    let Extents { batch, channels, spatial, kernel } = extents(call, input, weights)?;
    let groups = call.count("group", Some(1))?;
    let output_channels = weights.dims[0];
    let is_whole =
        weights.dims[1].checked_mul(groups) == Some(channels) && output_channels.is_multiple_of(groups);
    if !is_whole {
        return Err(wrong_groups(groups, input, weights));
    }
    let window = Stated::of(call, kernel)?.slide(spatial, false)?;
    let dims = [&[batch, output_channels], window.output.as_slice()].concat();
    let operator = ImportedConvolution {
        batch,
        input_channels: channels,
        output_channels,
        groups,
        input: spatial.to_vec(),
        output: window.output,
        kernel: window.kernel,
        stride: window.stride,
        dilation: window.dilation,
        padding_begin: window.begin,
        padding_end: window.end,
        output_padding: vec![0; spatial.len()],
        transposed: false,
    };
    Ok(Outcome::of(Tensor::new(element, dims)?, ImportedOperator::Convolution(operator)))
}

/// A transposed convolution gives `stride x (input - 1) + output padding + extent - padding`. A stated `output_shape`
/// decides the padding instead; an odd one then stands before the output unless `auto_pad` is `SAME_UPPER`.
fn transposed(call: &Call<'_>) -> Result<Outcome, Reason> {
    let (input, weights) = (call.input(0)?, call.input(1)?);
    let Extents { batch, channels, spatial, kernel } = extents(call, input, weights)?;
    let rank = spatial.len();
    let groups = call.count("group", Some(1))?;
    if weights.dims[0] != channels || !channels.is_multiple_of(groups) {
        return Err(wrong_groups(groups, input, weights));
    }
    let output_channels =
        weights.dims[1].checked_mul(groups).ok_or(Reason::TooLarge { what: "output channels" })?;
    let Stated { kernel, stride, dilation, mut begin, mut end, auto } = Stated::of(call, kernel)?;
    let stated = call.integers("output_shape").filter(|stated| !stated.is_empty());
    let added = call.integers("output_padding").filter(|added| !added.is_empty());
    for (name, numbers) in [("output_shape", stated), ("output_padding", added)] {
        // Some writers state batch and channels, too; the last ones are spatial.
        let is_short = numbers.is_some_and(|numbers| numbers.len() < rank);
        let is_negative = numbers.is_some_and(|numbers| numbers.iter().any(|number| *number < 0));
        if is_short || is_negative {
            return Err(bad_attribute(name, format!("does not have {rank} numbers from 0")));
        }
    }
    let of_axis = |numbers: Option<&[i64]>, axis: usize| {
        numbers.map(|numbers| i128::from(numbers[numbers.len() - rank + axis]))
    };
    let (mut output, mut output_padding) = (Vec::new(), Vec::new());
    for (axis, input) in spatial.iter().map(|input| i128::from(*input)).enumerate() {
        let step = i128::from(stride[axis]);
        let mut added = of_axis(added, axis).unwrap_or(0);
        let full = step * (input - 1) + extent(kernel[axis], dilation[axis]);
        let wanted = match auto {
            Auto::Stated => of_axis(stated, axis),
            Auto::SameUpper | Auto::SameLower => of_axis(stated, axis).or(Some(input * step)),
        };
        if let Some(wanted) = wanted {
            let total = (full + added - wanted).max(0);
            // What no padding can add is added behind.
            added = added.max(wanted - full);
            let (half, rest) = (narrow(total / 2)?, narrow(total - total / 2)?);
            (begin[axis], end[axis]) = if auto == Auto::SameUpper { (half, rest) } else { (rest, half) };
        }
        let outputs = full + added - i128::from(begin[axis]) - i128::from(end[axis]);
        output.push(u64::try_from(outputs).map_err(|_| Reason::Extent { extent: outputs })?);
        output_padding.push(u64::try_from(added).map_err(|_| Reason::Extent { extent: added })?);
    }
    let dims = [&[batch, output_channels], output.as_slice()].concat();
    let operator = ImportedConvolution {
        batch,
        input_channels: channels,
        output_channels,
        groups,
        input: spatial.to_vec(),
        output,
        kernel,
        stride,
        dilation,
        padding_begin: begin,
        padding_end: end,
        output_padding,
        transposed: true,
    };
    Ok(Outcome::of(Tensor::new(input.element, dims)?, ImportedOperator::Convolution(operator)))
}
