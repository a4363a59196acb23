//! Spectra and their windows. Fourier transforms are counted as operations on elements, not as
//! multiply-accumulates.

use crate::layer::ImportedOperator;
use crate::onnx::call::{Call, Outcome, Row, axis, shown};
use crate::onnx::element::ElementType;
use crate::onnx::reason::Reason;
use crate::onnx::tensor::Tensor;

pub(super) const ROWS: &[Row] = &[
    Row::new("STFT", frames).auxiliary(&[1, 3]),
    Row::new("DFT", transform).auxiliary(&[1, 2]),
    Row::new("HannWindow", window).auxiliary(&[0]),
    Row::new("HammingWindow", window).auxiliary(&[0]),
    Row::new("BlackmanWindow", window).auxiliary(&[0]),
    Row::new("MelWeightMatrix", mel).auxiliary(&[0, 1, 2, 3, 4]),
];

/// Operations for an element of a fast transform: five for each of its stages.
fn stages(length: u64) -> u32 {
    5 * length.max(2).ilog2()
}

fn spectrum(output: Tensor, length: u64) -> Outcome {
    let operator = ImportedOperator::Elementwise {
        output: output.dims.clone(),
        operands: 1,
        operations: stages(length),
    };
    Outcome::of(output, operator)
}

/// A stated number of elements, from 1.
fn count(call: &Call<'_>, position: usize) -> Result<u64, Reason> {
    let value = call.known_integer(position)?;
    u64::try_from(value).ok().filter(|value| *value > 0).ok_or(Reason::Extent { extent: value.into() })
}

/// Bins of a transform: one half and the middle of a one-sided one.
fn bins(length: u64, is_one_sided: bool) -> u64 {
    if is_one_sided { length / 2 + 1 } else { length }
}

/// A transform of every frame of a signal. It is one-sided unless the node says otherwise.
fn frames(call: &Call<'_>) -> Result<Outcome, Reason> {
    let signal = call.input(0)?;
    let [batch, samples] = match signal.dims.as_slice() {
        [batch, samples] | [batch, samples, 1 | 2] => [*batch, *samples],
        dims => return Err(Reason::Shapes(format!("{} is no batch of signals", shown(dims)))),
    };
    let step = count(call, 1)?;
    let length = match (call.optional(3), call.optional(2)) {
        (Some(_), _) => count(call, 3)?,
        (None, Some(window)) => window.elements(),
        (None, None) => return Err(Reason::MissingInput { position: 3 }),
    };
    if length == 0 || length > samples {
        return Err(Reason::Shapes(format!("frames of {length} in a signal of {samples}")));
    }
    let frames = (samples - length) / step + 1;
    let dims = vec![batch, frames, bins(length, call.flag("onesided", true)), 2];
    Ok(spectrum(Tensor::new(signal.element, dims)?, length))
}

fn transform(call: &Call<'_>) -> Result<Outcome, Reason> {
    let signal = call.input(0)?;
    // Since version 20 the axis is an input; the last dimension holds real and imaginary parts.
    let stated = if call.version >= 20 {
        if call.optional(2).is_some() { call.known_integer(2)? } else { -2 }
    } else {
        call.integer("axis", 1)
    };
    let along = axis(stated, signal.rank())?;
    let is_inverse = call.flag("inverse", false);
    let is_one_sided = call.flag("onesided", false);
    let length = match call.optional(1) {
        Some(_) => count(call, 1)?,
        // Half of the bins and the middle one are those of a signal of even length.
        None if is_one_sided && is_inverse => signal.dims[along].saturating_sub(1).saturating_mul(2),
        None => signal.dims[along],
    };
    let mut dims = signal.dims.clone();
    dims[along] = bins(length, is_one_sided && !is_inverse);
    if let Some(parts) = dims.last_mut() {
        *parts = if is_one_sided && is_inverse { 1 } else { 2 };
    }
    Ok(spectrum(Tensor::new(signal.element, dims)?, length))
}

fn window(call: &Call<'_>) -> Result<Outcome, Reason> {
    let length = count(call, 0)?;
    let element = call.element("output_datatype", ElementType::Float32)?;
    Ok(Outcome::free(Tensor::new(element, vec![length])?))
}

fn mel(call: &Call<'_>) -> Result<Outcome, Reason> {
    let (bands, length) = (count(call, 0)?, count(call, 1)?);
    let element = call.element("output_datatype", ElementType::Float32)?;
    Ok(Outcome::free(Tensor::new(element, vec![length / 2 + 1, bands])?))
}
