//! Operators on every element: activations, arithmetic, comparisons; softmax.

use crate::layer::ImportedOperator;
use crate::onnx::call::{Call, Outcome, Row, axis, broadcast, shown};
use crate::onnx::element::ElementType;
use crate::onnx::fold;
use crate::onnx::reason::Reason;
use crate::onnx::tensor::{Tensor, Value};

pub(super) const ROWS: &[Row] = &[
    Row::new("Abs", unary),
    Row::new("Acos", unary),
    Row::new("Acosh", unary),
    Row::new("Asin", unary),
    Row::new("Asinh", unary),
    Row::new("Atan", unary),
    Row::new("Atanh", unary),
    Row::new("BitwiseNot", unary),
    Row::new("Ceil", unary),
    Row::new("Celu", unary),
    Row::new("Cos", unary),
    Row::new("Cosh", unary),
    Row::new("Elu", unary),
    Row::new("Erf", unary),
    Row::new("Exp", unary),
    Row::new("Floor", unary),
    Row::new("Gelu", unary),
    Row::new("HardSigmoid", unary),
    Row::new("HardSwish", unary),
    Row::new("LeakyRelu", unary),
    Row::new("Log", unary),
    Row::new("Mish", unary),
    Row::new("Neg", unary),
    Row::new("Not", unary),
    Row::new("Reciprocal", unary),
    Row::new("Relu", unary),
    Row::new("Round", unary),
    Row::new("Selu", unary),
    Row::new("Shrink", unary),
    Row::new("Sigmoid", unary),
    Row::new("Sign", unary),
    Row::new("Sin", unary),
    Row::new("Sinh", unary),
    Row::new("Softplus", unary),
    Row::new("Softsign", unary),
    Row::new("Sqrt", unary),
    Row::new("Swish", unary),
    Row::new("Tan", unary),
    Row::new("Tanh", unary),
    Row::new("ThresholdedRelu", unary),
    Row::new("Trilu", unary).auxiliary(&[1]),
    Row::new("IsInf", is_kind),
    Row::new("IsNaN", is_kind),
    Row::new("Clip", clip),
    Row::new("Add", binary),
    Row::new("Sub", binary),
    Row::new("Mul", binary),
    Row::new("Div", binary),
    Row::new("Pow", binary),
    Row::new("Mod", binary),
    Row::new("BitShift", binary),
    Row::new("BitwiseAnd", binary),
    Row::new("BitwiseOr", binary),
    Row::new("BitwiseXor", binary),
    Row::new("PRelu", binary),
    Row::new("And", comparison),
    Row::new("Or", comparison),
    Row::new("Xor", comparison),
    Row::new("Equal", comparison),
    Row::new("Less", comparison),
    Row::new("LessOrEqual", comparison),
    Row::new("Greater", comparison),
    Row::new("GreaterOrEqual", comparison),
    Row::new("Max", several),
    Row::new("Min", several),
    Row::new("Sum", several),
    Row::new("Mean", several),
    Row::new("Where", choice),
    Row::new("Softmax", softmax),
    Row::new("LogSoftmax", softmax),
    Row::new("Hardmax", softmax),
    Row::new("RotaryEmbedding", unary).auxiliary(&[3]),
    Row::microsoft("RotaryEmbedding", unary).auxiliary(&[1]),
    Row::microsoft("Gelu", unary),
    Row::microsoft("QuickGelu", unary),
    Row::microsoft("FastGelu", unary),
    Row::microsoft("BiasGelu", unary),
    Row::microsoft("BiasAdd", several),
    Row::microsoft("BiasSplitGelu", split_gelu),
    Row::microsoft("BiasSoftmax", softmax),
    Row::microsoft("QLinearAdd", quantised_binary).auxiliary(&[1, 2, 4, 5, 6, 7]),
    Row::microsoft("QLinearMul", quantised_binary).auxiliary(&[1, 2, 4, 5, 6, 7]),
    Row::microsoft("QLinearSigmoid", unary).auxiliary(&[1, 2, 3, 4]),
    Row::microsoft("QLinearLeakyRelu", unary).auxiliary(&[1, 2, 3, 4]),
    Row::microsoft("QLinearSoftmax", unary).auxiliary(&[1, 2, 3, 4]),
];

/// An operation on every element of an output, with what is known of it.
fn each(output: Tensor, inputs: &[&Tensor], value: Option<Value>) -> Outcome {
    let operands = inputs.iter().filter(|input| input.elements() == output.elements()).count() as u64;
    let operator = ImportedOperator::Elementwise { output: output.dims.clone(), operands, operations: 1 };
    Outcome::of(output.with_value(value), operator)
}

fn unary(call: &Call<'_>) -> Result<Outcome, Reason> {
    let input = call.input(0)?;
    Ok(each(input.of_same_extents(input.element), &[input], fold::unary(call.operator, input)))
}

fn is_kind(call: &Call<'_>) -> Result<Outcome, Reason> {
    let input = call.input(0)?;
    Ok(each(input.of_same_extents(ElementType::Bool), &[input], None))
}

fn clip(call: &Call<'_>) -> Result<Outcome, Reason> {
    let input = call.input(0)?;
    let bound = |position: usize, open: i64| match call.optional(position) {
        None => Some(open),
        Some(bound) => bound.known_integer(),
    };
    let bounds = bound(1, i64::MIN).zip(bound(2, i64::MAX));
    let value = input.known_integers().zip(bounds).map(|(values, (least, most))| {
        Value::Integers(values.iter().map(|value| (*value).max(least).min(most)).collect())
    });
    Ok(each(input.of_same_extents(input.element), &[input], value))
}

/// The extents of two inputs together. Before version 7 the second could stand at a stated axis, which no supported
/// version has.
fn pair<'c>(call: &Call<'c>) -> Result<([&'c Tensor; 2], Vec<u64>), Reason> {
    let inputs = [call.input(0)?, call.input(1)?];
    let dims = broadcast(&inputs[0].dims, &inputs[1].dims)?;
    Ok((inputs, dims))
}

fn binary(call: &Call<'_>) -> Result<Outcome, Reason> {
    let (inputs, dims) = pair(call)?;
    let value = fold::binary(call.operator, call.flag("fmod", false), inputs[0], inputs[1], &dims);
    Ok(each(Tensor::new(inputs[0].element, dims)?, &inputs, value))
}

fn comparison(call: &Call<'_>) -> Result<Outcome, Reason> {
    let (inputs, dims) = pair(call)?;
    let value = fold::binary(call.operator, false, inputs[0], inputs[1], &dims);
    Ok(each(Tensor::new(ElementType::Bool, dims)?, &inputs, value))
}

fn several(call: &Call<'_>) -> Result<Outcome, Reason> {
    let first = call.input(0)?;
    let mut result = first.clone();
    for other in call.given().skip(1) {
        let dims = broadcast(&result.dims, &other.dims)?;
        let value = fold::binary(call.operator, false, &result, other, &dims);
        result = Tensor::new(first.element, dims)?.with_value(value);
    }
    let inputs: Vec<&Tensor> = call.given().collect();
    let value = result.value.take();
    Ok(each(result, &inputs, value))
}

fn choice(call: &Call<'_>) -> Result<Outcome, Reason> {
    let inputs = [call.input(0)?, call.input(1)?, call.input(2)?];
    let dims = broadcast(&broadcast(&inputs[0].dims, &inputs[1].dims)?, &inputs[2].dims)?;
    let value = fold::choice(inputs[0], inputs[1], inputs[2], &dims);
    Ok(each(Tensor::new(inputs[1].element, dims)?, &inputs, value))
}

fn softmax(call: &Call<'_>) -> Result<Outcome, Reason> {
    let input = call.input(0)?;
    if input.rank() > 0 {
        axis(
            call.integer("axis", if call.version < 13 { 1 } else { -1 }).min(input.rank() as i64 - 1),
            input.rank(),
        )?;
    }
    let output = input.of_same_extents(input.element);
    let operator = ImportedOperator::Softmax { output: output.dims.clone() };
    Ok(Outcome::of(output, operator))
}

/// A gate: one half of the features is multiplied by the activation of the other.
fn split_gelu(call: &Call<'_>) -> Result<Outcome, Reason> {
    let input = call.input(0)?;
    let Some((features, before)) = input.dims.split_last().filter(|(features, _)| features.is_multiple_of(2))
    else {
        return Err(Reason::Shapes(format!("{} does not split into two halves", shown(&input.dims))));
    };
    let output = Tensor::new(input.element, [before, &[features / 2]].concat())?;
    let operator = ImportedOperator::Elementwise { output: output.dims.clone(), operands: 2, operations: 2 };
    Ok(Outcome::of(output, operator))
}

fn quantised_binary(call: &Call<'_>) -> Result<Outcome, Reason> {
    let inputs = [call.input(0)?, call.input(3)?];
    let dims = broadcast(&inputs[0].dims, &inputs[1].dims)?;
    Ok(each(Tensor::new(inputs[0].element, dims)?, &inputs, None))
}
