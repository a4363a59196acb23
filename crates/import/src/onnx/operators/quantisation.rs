//! Changes between real and quantised numbers. Between two layers they are part of them and take no work of their own;
//! scales that follow from the data take a pass over it.

use crate::layer::ImportedOperator;
use crate::onnx::call::{Call, Outcome, Row};
use crate::onnx::element::ElementType;
use crate::onnx::reason::Reason;
use crate::onnx::tensor::Tensor;

pub(super) const ROWS: &[Row] = &[
    Row::new("QuantizeLinear", quantise).auxiliary(&[1, 2]),
    Row::new("DequantizeLinear", dequantise).auxiliary(&[1, 2]),
    Row::new("DynamicQuantizeLinear", dynamic),
    Row::microsoft("QuantizeLinear", quantise).auxiliary(&[1, 2]),
    Row::microsoft("DequantizeLinear", dequantise).auxiliary(&[1, 2]),
];

fn quantise(call: &Call<'_>) -> Result<Outcome, Reason> {
    let input = call.input(0)?;
    call.input(1)?;
    let element = match call.optional(2) {
        Some(zero) => zero.element,
        None => call.element("output_dtype", ElementType::Unsigned(8))?,
    };
    Ok(Outcome::free(input.of_same_extents(element)))
}

fn dequantise(call: &Call<'_>) -> Result<Outcome, Reason> {
    let (input, scale) = (call.input(0)?, call.input(1)?);
    Ok(Outcome::free(input.of_same_extents(call.element("output_dtype", scale.element)?)))
}

fn dynamic(call: &Call<'_>) -> Result<Outcome, Reason> {
    let input = call.input(0)?;
    let output = input.of_same_extents(ElementType::Unsigned(8));
    // Extremes, difference, division, rounding.
    let operator = ImportedOperator::Elementwise { output: input.dims.clone(), operands: 1, operations: 4 };
    let scale = Tensor::new(ElementType::Float32, Vec::new())?;
    let zero = Tensor::new(ElementType::Unsigned(8), Vec::new())?;
    Ok(Outcome { outputs: vec![output, scale, zero], operator: Some(operator), packed: None })
}
