//! Tensors that come from shapes and numbers: shapes themselves, constants, ranges, noise.

use crate::layer::ImportedOperator;
use crate::onnx::call::{Call, Outcome, Row, bad_attribute, shown};
use crate::onnx::element::ElementType;
use crate::onnx::reason::Reason;
use crate::onnx::tensor::{MAX_KNOWN, Tensor, Value, extents};

pub(super) const ROWS: &[Row] = &[
    Row::new("Shape", shape),
    Row::new("Size", size),
    Row::new("ConstantOfShape", constant).auxiliary(&[0]),
    Row::new("Range", range).auxiliary(&[0, 1, 2]),
    Row::new("EyeLike", eye),
    Row::new("RandomNormal", noise),
    Row::new("RandomUniform", noise),
    Row::new("RandomNormalLike", noise_like),
    Row::new("RandomUniformLike", noise_like),
    Row::new("Bernoulli", noise_like),
];

/// The extents of a tensor, or some of them.
fn shape(call: &Call<'_>) -> Result<Outcome, Reason> {
    let input = call.input(0)?;
    let rank = input.rank() as i64;
    let bound = |name: &str, default: i64| {
        let stated = call.integer(name, default);
        (if stated < 0 { stated.saturating_add(rank) } else { stated }).clamp(0, rank) as usize
    };
    let (start, end) = (bound("start", 0), bound("end", rank));
    let chosen = input.dims.get(start..end.max(start)).unwrap_or_default();
    Ok(Outcome::free(Tensor::integers(chosen.iter().map(|extent| *extent as i64).collect())?))
}

fn size(call: &Call<'_>) -> Result<Outcome, Reason> {
    Ok(Outcome::free(Tensor::integer(call.input(0)?.elements() as i64)))
}

fn constant(call: &Call<'_>) -> Result<Outcome, Reason> {
    let dims = extents(call.known(0)?)?;
    let fill = match call.attribute("value").and_then(|attribute| attribute.t.as_ref()) {
        Some(proto) => Tensor::of_constant(proto)?,
        None => Tensor::new(ElementType::Float32, Vec::new())?.with_value(Some(Value::Reals(vec![0.0]))),
    };
    let output = Tensor::new(fill.element, dims)?;
    let count = output.elements();
    let value = fill
        .value
        .filter(|value| count <= MAX_KNOWN && value.len() == 1)
        .and_then(|value| value.pick(std::iter::repeat_n(0, count as usize)));
    Ok(Outcome::free(output.with_value(value)))
}

fn range(call: &Call<'_>) -> Result<Outcome, Reason> {
    let element = call.input(0)?.element;
    let known = |position: usize| {
        call.input(position)?.value.as_ref().filter(|value| value.len() == 1).ok_or(Reason::Data { position })
    };
    let endless = || Reason::Shapes("a range with a step of 0, or one that does not end".to_owned());
    let (count, value) = match (known(0)?, known(1)?, known(2)?) {
        (Value::Integers(start), Value::Integers(limit), Value::Integers(step)) => {
            let (start, limit, step) = (i128::from(start[0]), i128::from(limit[0]), i128::from(step[0]));
            if step == 0 {
                return Err(endless());
            }
            let span = if step > 0 { limit - start + step - 1 } else { start - limit - step - 1 };
            let count = u64::try_from((span / step.abs()).max(0)).map_err(|_| endless())?;
            let values = (0..count.min(MAX_KNOWN + 1)).map(|index| (start + i128::from(index) * step) as i64);
            (count, Value::Integers(values.collect()))
        }
        (start, limit, step) => {
            let (start, limit, step) = (start.reals()[0], limit.reals()[0], step.reals()[0]);
            let count = ((limit - start) / step).ceil().max(0.0);
            if !(0.0..=1e15).contains(&count) {
                return Err(endless());
            }
            let count = count as u64;
            let values = (0..count.min(MAX_KNOWN + 1)).map(|index| start + index as f64 * step);
            (count, Value::Reals(values.collect()))
        }
    };
    Ok(Outcome::free(Tensor::new(element, vec![count])?.with_value(Some(value))))
}

fn eye(call: &Call<'_>) -> Result<Outcome, Reason> {
    let input = call.input(0)?;
    if input.rank() != 2 {
        return Err(Reason::Shapes(format!("{} is no matrix", shown(&input.dims))));
    }
    Ok(Outcome::free(input.of_same_extents(call.element("dtype", input.element)?)))
}

fn drawn(output: Tensor) -> Outcome {
    let operator = ImportedOperator::Elementwise { output: output.dims.clone(), operands: 0, operations: 1 };
    Outcome::of(output, operator)
}

fn noise(call: &Call<'_>) -> Result<Outcome, Reason> {
    let shape = call.integers("shape").ok_or_else(|| bad_attribute("shape", "is missing"))?;
    Ok(drawn(Tensor::new(call.element("dtype", ElementType::Float32)?, extents(shape)?)?))
}

fn noise_like(call: &Call<'_>) -> Result<Outcome, Reason> {
    let input = call.input(0)?;
    Ok(drawn(input.of_same_extents(call.element("dtype", input.element)?)))
}
