//! Sums, means and extremes along axes; the largest elements; running sums.

use crate::layer::ImportedOperator;
use crate::onnx::call::{Call, Outcome, Row, axis, shown};
use crate::onnx::element::ElementType;
use crate::onnx::fold::fold_reduction;
use crate::onnx::reason::Reason;
use crate::onnx::tensor::Tensor;

pub(super) const ROWS: &[Row] = &[
    Row::new("ReduceSum", reduce).auxiliary(&[1]),
    Row::new("ReduceMean", reduce).auxiliary(&[1]),
    Row::new("ReduceMax", reduce).auxiliary(&[1]),
    Row::new("ReduceMin", reduce).auxiliary(&[1]),
    Row::new("ReduceProd", reduce).auxiliary(&[1]),
    Row::new("ReduceL1", reduce).auxiliary(&[1]),
    Row::new("ReduceL2", reduce).auxiliary(&[1]),
    Row::new("ReduceLogSum", reduce).auxiliary(&[1]),
    Row::new("ReduceLogSumExp", reduce).auxiliary(&[1]),
    Row::new("ReduceSumSquare", reduce).auxiliary(&[1]),
    Row::microsoft("ReduceSumInteger", reduce),
    Row::new("ArgMax", extreme),
    Row::new("ArgMin", extreme),
    Row::new("TopK", largest).auxiliary(&[1]),
    Row::new("Det", determinant),
    Row::new("CumSum", running).auxiliary(&[1]),
];

/// Extents after a reduction along axes, all of them if none is stated.
fn reduced(dims: &[u64], axes: &[usize], keeps: bool) -> Vec<u64> {
    let of_axis = |(place, extent): (usize, &u64)| match (axes.contains(&place), keeps) {
        (false, _) => Some(*extent),
        (true, true) => Some(1),
        (true, false) => None,
    };
    dims.iter().enumerate().filter_map(of_axis).collect()
}

fn reduce(call: &Call<'_>) -> Result<Outcome, Reason> {
    let input = call.input(0)?;
    let stated = call.stated(1, "axes")?.filter(|axes| !axes.is_empty());
    let axes: Vec<usize> = match stated {
        Some(axes) => axes.iter().map(|stated| axis(*stated, input.rank())).collect::<Result<_, _>>()?,
        None if call.flag("noop_with_empty_axes", false) => Vec::new(),
        None => (0..input.rank()).collect(),
    };
    let output = Tensor::new(input.element, reduced(&input.dims, &axes, call.flag("keepdims", true)))?;
    let operator = ImportedOperator::Reduction { inputs: input.elements(), outputs: output.elements() };
    let value = fold_reduction(call.operator, input, &axes);
    Ok(Outcome::of(output.with_value(value), operator))
}

fn extreme(call: &Call<'_>) -> Result<Outcome, Reason> {
    let input = call.input(0)?;
    let along = call.axis("axis", 0, input.rank())?;
    let dims = reduced(&input.dims, &[along], call.flag("keepdims", true));
    let output = Tensor::new(ElementType::INT64, dims)?;
    let operator = ImportedOperator::Reduction { inputs: input.elements(), outputs: output.elements() };
    Ok(Outcome::of(output, operator))
}

fn largest(call: &Call<'_>) -> Result<Outcome, Reason> {
    let input = call.input(0)?;
    let along = call.axis("axis", -1, input.rank())?;
    let count = match call.optional(1) {
        Some(_) => call.known_integer(1)?,
        None => call.integer("k", 0),
    };
    let mut dims = input.dims.clone();
    dims[along] = u64::try_from(count)
        .ok()
        .filter(|count| *count <= dims[along])
        .ok_or_else(|| Reason::Shapes(format!("the {count} largest of {} elements", dims[along])))?;
    let values = Tensor::new(input.element, dims)?;
    let operator = ImportedOperator::Reduction { inputs: input.elements(), outputs: values.elements() };
    let places = values.of_same_extents(ElementType::INT64);
    Ok(Outcome { outputs: vec![values, places], operator: Some(operator), packed: None })
}

fn determinant(call: &Call<'_>) -> Result<Outcome, Reason> {
    let input = call.input(0)?;
    let [before @ .., rows, columns] = input.dims.as_slice() else {
        return Err(Reason::Shapes(format!("{} is no matrix", shown(&input.dims))));
    };
    if rows != columns {
        return Err(Reason::Shapes(format!("a matrix of {rows} x {columns} has no determinant")));
    }
    let output = Tensor::new(input.element, before.to_vec())?;
    let operator = ImportedOperator::Reduction { inputs: input.elements(), outputs: output.elements() };
    Ok(Outcome::of(output, operator))
}

fn running(call: &Call<'_>) -> Result<Outcome, Reason> {
    let input = call.input(0)?;
    let output = input.of_same_extents(input.element);
    let operator = ImportedOperator::Elementwise { output: output.dims.clone(), operands: 1, operations: 1 };
    Ok(Outcome::of(output, operator))
}
