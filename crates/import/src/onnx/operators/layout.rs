//! Views and copies: shapes, axes, slices, joins. They take no work, but for joins, padding and repetition of
//! activations.

use crate::layer::ImportedOperator;
use crate::onnx::call::{Call, Outcome, Row, axis, bad_attribute, broadcast, shown, split_axis};
use crate::onnx::fold::{self, flat, places};
use crate::onnx::limits::MAX_RANK;
use crate::onnx::reason::Reason;
use crate::onnx::tensor::{MAX_KNOWN, Tensor, Value, elements, extents};

pub(super) const ROWS: &[Row] = &[
    Row::new("Identity", identity),
    Row::new("Dropout", dropout).auxiliary(&[1, 2]),
    Row::new("Cast", cast),
    Row::new("CastLike", cast_like).auxiliary(&[1]),
    Row::new("Reshape", reshape).auxiliary(&[1]),
    Row::new("Flatten", flatten),
    Row::new("Squeeze", squeeze).auxiliary(&[1]),
    Row::new("Unsqueeze", unsqueeze).auxiliary(&[1]),
    Row::new("Transpose", transpose),
    Row::new("Slice", slice).auxiliary(&[1, 2, 3, 4]),
    Row::new("Split", split).auxiliary(&[1]),
    Row::new("Expand", expand).auxiliary(&[1]),
    Row::new("Concat", concat),
    Row::new("Tile", tile).auxiliary(&[1]),
    Row::new("Pad", pad).auxiliary(&[1, 3]),
    Row::new("CenterCropPad", centre).auxiliary(&[1]),
    Row::new("ReverseSequence", moved).auxiliary(&[1]),
    Row::microsoft("QLinearConcat", quantised_concat).auxiliary(&[0, 1]),
];

/// A tensor of the same elements in the same order.
fn viewed(input: &Tensor, dims: Vec<u64>) -> Result<Tensor, Reason> {
    Ok(Tensor::new(input.element, dims)?.with_value(input.value.clone()))
}

fn identity(call: &Call<'_>) -> Result<Outcome, Reason> {
    let input = call.input(0)?;
    Ok(Outcome::free(viewed(input, input.dims.clone())?))
}

fn dropout(call: &Call<'_>) -> Result<Outcome, Reason> {
    let input = call.input(0)?;
    let mask = input.of_same_extents(crate::onnx::element::ElementType::Bool);
    Ok(Outcome::free_all(vec![viewed(input, input.dims.clone())?, mask]))
}

fn cast(call: &Call<'_>) -> Result<Outcome, Reason> {
    let input = call.input(0)?;
    call.attribute("to").ok_or_else(|| bad_attribute("to", "is missing"))?;
    let element = call.element("to", input.element)?;
    let value = input.value.as_ref().and_then(|value| fold::cast(value, element));
    Ok(Outcome::free(input.of_same_extents(element).with_value(value)))
}

fn cast_like(call: &Call<'_>) -> Result<Outcome, Reason> {
    let (input, like) = (call.input(0)?, call.input(1)?);
    let value = input.value.as_ref().and_then(|value| fold::cast(value, like.element));
    Ok(Outcome::free(input.of_same_extents(like.element).with_value(value)))
}

fn reshape(call: &Call<'_>) -> Result<Outcome, Reason> {
    let input = call.input(0)?;
    let stated = call.known(1)?;
    if stated.len() > MAX_RANK {
        return Err(Reason::Shapes(format!("a shape of {} dimensions", stated.len())));
    }
    let mismatch = || Reason::Shapes(format!("{} cannot be reshaped to {stated:?}", shown(&input.dims)));
    let allows_zero = call.flag("allowzero", false);
    let mut dims = Vec::with_capacity(stated.len());
    let mut open = None;
    for (place, extent) in stated.iter().enumerate() {
        dims.push(match extent {
            0 if !allows_zero => *input.dims.get(place).ok_or_else(mismatch)?,
            -1 if open.is_none() => {
                open = Some(place);
                1
            }
            extent => u64::try_from(*extent).map_err(|_| mismatch())?,
        });
    }
    if let Some(place) = open {
        let known = elements(&dims)?;
        let rest = input.elements().checked_div(known).filter(|rest| rest * known == input.elements());
        dims[place] = rest.ok_or_else(mismatch)?;
    }
    if elements(&dims)? != input.elements() {
        return Err(mismatch());
    }
    Ok(Outcome::free(viewed(input, dims)?))
}

fn flatten(call: &Call<'_>) -> Result<Outcome, Reason> {
    let input = call.input(0)?;
    let at = split_axis(call.integer("axis", 1), input.rank())?;
    let dims = vec![elements(&input.dims[..at])?, elements(&input.dims[at..])?];
    Ok(Outcome::free(viewed(input, dims)?))
}

fn squeeze(call: &Call<'_>) -> Result<Outcome, Reason> {
    let input = call.input(0)?;
    let axes = match call.stated(1, "axes")? {
        Some(axes) => axes.iter().map(|stated| axis(*stated, input.rank())).collect::<Result<Vec<_>, _>>()?,
        None => (0..input.rank()).filter(|axis| input.dims[*axis] == 1).collect(),
    };
    if axes.iter().any(|axis| input.dims[*axis] != 1) {
        return Err(Reason::Shapes(format!("axes {axes:?} of {} are not all 1", shown(&input.dims))));
    }
    let kept = input.dims.iter().enumerate().filter(|(axis, _)| !axes.contains(axis));
    Ok(Outcome::free(viewed(input, kept.map(|(_, extent)| *extent).collect())?))
}

fn unsqueeze(call: &Call<'_>) -> Result<Outcome, Reason> {
    let input = call.input(0)?;
    let stated = call.stated(1, "axes")?.ok_or_else(|| bad_attribute("axes", "is missing"))?;
    let rank = input.rank() + stated.len();
    if rank > MAX_RANK {
        return Err(Reason::Shapes(format!("a tensor of {rank} dimensions")));
    }
    let axes = stated.iter().map(|stated| axis(*stated, rank)).collect::<Result<Vec<_>, _>>()?;
    let mut rest = input.dims.iter();
    let dims = (0..rank).map(|axis| if axes.contains(&axis) { Some(1) } else { rest.next().copied() });
    let dims: Option<Vec<u64>> = dims.collect();
    let dims = dims.filter(|_| rest.next().is_none());
    let dims = dims.ok_or_else(|| bad_attribute("axes", "names an axis twice"))?;
    Ok(Outcome::free(viewed(input, dims)?))
}

fn transpose(call: &Call<'_>) -> Result<Outcome, Reason> {
    let input = call.input(0)?;
    let order: Vec<usize> = match call.integers("perm").filter(|order| !order.is_empty()) {
        Some(order) => order.iter().map(|stated| axis(*stated, input.rank())).collect::<Result<_, _>>()?,
        None => (0..input.rank()).rev().collect(),
    };
    let mut sorted = order.clone();
    sorted.sort_unstable();
    if !sorted.into_iter().eq(0..input.rank()) {
        return Err(bad_attribute("perm", format!("is no order of {} axes", input.rank())));
    }
    let dims: Vec<u64> = order.iter().map(|axis| input.dims[*axis]).collect();
    let value = input.value.as_ref().and_then(|value| {
        let own = |place: &Vec<u64>| {
            let mut own = vec![0; place.len()];
            for (axis, index) in order.iter().zip(place) {
                own[*axis] = *index;
            }
            flat(&own, &input.dims)
        };
        value.pick(places(&dims)?.iter().map(own))
    });
    Ok(Outcome::free(Tensor::new(input.element, dims)?.with_value(value)))
}

/// First element, step and number of elements of a slice along an axis.
fn range(extent: u64, start: i64, end: i64, step: i64) -> Result<(i64, u64), Reason> {
    let extent = i64::try_from(extent).map_err(|_| Reason::Extent { extent: extent.into() })?;
    let from_start = |stated: i64| if stated < 0 { stated.saturating_add(extent) } else { stated };
    let (first, count) = match step {
        0 => return Err(Reason::Shapes("a slice with a step of 0".to_owned())),
        1.. => {
            let (first, last) = (from_start(start).clamp(0, extent), from_start(end).clamp(0, extent));
            (first, (i128::from(last) - i128::from(first) + i128::from(step) - 1) / i128::from(step))
        }
        _ => {
            let (first, last) =
                (from_start(start).clamp(-1, extent - 1), from_start(end).clamp(-1, extent - 1));
            let step = -i128::from(step);
            (first, (i128::from(first) - i128::from(last) + step - 1) / step)
        }
    };
    Ok((first, u64::try_from(count).unwrap_or(0)))
}

fn slice(call: &Call<'_>) -> Result<Outcome, Reason> {
    let input = call.input(0)?;
    let missing = |name| move || bad_attribute(name, "is missing");
    let starts = call.stated(1, "starts")?.ok_or_else(missing("starts"))?;
    let ends = call.stated(2, "ends")?.ok_or_else(missing("ends"))?;
    let axes = call.stated(3, "axes")?;
    let steps = call.stated(4, "steps")?;
    let is_even = ends.len() == starts.len()
        && axes.is_none_or(|axes| axes.len() == starts.len())
        && steps.is_none_or(|steps| steps.len() == starts.len());
    if !is_even {
        return Err(Reason::Shapes("starts, ends, axes and steps are not as many as each other".to_owned()));
    }
    let mut dims = input.dims.clone();
    let mut origin: Vec<(i64, i64)> = vec![(0, 1); input.rank()];
    for (place, (start, end)) in starts.iter().zip(ends).enumerate() {
        let along = axis(axes.map_or(place as i64, |axes| axes[place]), input.rank())?;
        let step = steps.map_or(1, |steps| steps[place]);
        let (first, count) = range(input.dims[along], *start, *end, step)?;
        dims[along] = count;
        origin[along] = (first, step);
    }
    let value = input.value.as_ref().and_then(|value| {
        let own = |place: &Vec<u64>| {
            let index = |(index, (first, step)): (&u64, &(i64, i64))| (first + *index as i64 * step) as u64;
            let own: Vec<u64> = place.iter().zip(&origin).map(index).collect();
            flat(&own, &input.dims)
        };
        value.pick(places(&dims)?.iter().map(own))
    });
    Ok(Outcome::free(Tensor::new(input.element, dims)?.with_value(value)))
}

fn split(call: &Call<'_>) -> Result<Outcome, Reason> {
    let input = call.input(0)?;
    let along = call.axis("axis", 0, input.rank())?;
    let extent = input.dims[along];
    let sizes: Vec<u64> = match call.stated(1, "split")?.filter(|sizes| !sizes.is_empty()) {
        Some(sizes) => extents(sizes)?,
        None => {
            let parts = call.count("num_outputs", Some(call.outputs as i64))?;
            let size = extent.div_ceil(parts);
            // A last part may be smaller, and none may begin beyond the end.
            (0..parts.min(call.outputs as u64))
                .map(|part| size.min(extent.saturating_sub(part.saturating_mul(size))))
                .collect()
        }
    };
    if sizes.iter().try_fold(0_u64, |sum, size| sum.checked_add(*size)) != Some(extent) {
        return Err(Reason::Shapes(format!("an extent of {extent} is not split into {}", shown(&sizes))));
    }
    let mut begin = 0;
    let mut outputs = Vec::with_capacity(sizes.len());
    for size in sizes {
        let mut dims = input.dims.clone();
        dims[along] = size;
        let value = input.value.as_ref().and_then(|value| {
            let own = |place: &Vec<u64>| {
                let mut own = place.clone();
                own[along] += begin;
                flat(&own, &input.dims)
            };
            value.pick(places(&dims)?.iter().map(own))
        });
        outputs.push(Tensor::new(input.element, dims)?.with_value(value));
        begin += size;
    }
    Ok(Outcome::free_all(outputs))
}

fn expand(call: &Call<'_>) -> Result<Outcome, Reason> {
    let input = call.input(0)?;
    let dims = broadcast(&input.dims, &extents(call.known(1)?)?)?;
    let output = Tensor::new(input.element, dims)?;
    let value = if output.elements() <= MAX_KNOWN { fold::spread(input, &output.dims) } else { None };
    Ok(Outcome::free(output.with_value(value)))
}

fn concat(call: &Call<'_>) -> Result<Outcome, Reason> {
    let inputs: Vec<&Tensor> = call.given().collect();
    joined(call, &inputs)
}

/// Each input of the quantised form comes with its scale and its zero point.
fn quantised_concat(call: &Call<'_>) -> Result<Outcome, Reason> {
    let inputs: Vec<&Tensor> = call.inputs.iter().skip(2).step_by(3).copied().flatten().collect();
    joined(call, &inputs)
}

fn joined(call: &Call<'_>, inputs: &[&Tensor]) -> Result<Outcome, Reason> {
    let first = *inputs.first().ok_or(Reason::MissingInput { position: 0 })?;
    let along = call.axis("axis", 0, first.rank())?;
    let mut dims = first.dims.clone();
    for other in &inputs[1..] {
        let fits = other.rank() == first.rank()
            && (0..first.rank()).all(|axis| axis == along || other.dims[axis] == first.dims[axis]);
        if !fits {
            return Err(Reason::Shapes(format!(
                "{} and {} cannot be joined along axis {along}",
                shown(&first.dims),
                shown(&other.dims)
            )));
        }
        dims[along] = dims[along]
            .checked_add(other.dims[along])
            .ok_or(Reason::TooLarge { what: "elements of a tensor" })?;
    }
    let output = Tensor::new(first.element, dims)?;
    let value = known_join(inputs, along);
    let operator = ImportedOperator::Concatenation {
        axis: along,
        inputs: inputs.iter().map(|input| input.dims.clone()).collect(),
    };
    Ok(Outcome::of(output.with_value(value), operator))
}

fn known_join(inputs: &[&Tensor], along: usize) -> Option<Value> {
    let outer = elements(&inputs.first()?.dims[..along]).ok().filter(|outer| *outer <= MAX_KNOWN)?;
    let is_whole = inputs.iter().all(|input| input.known_integers().is_some());
    let (mut whole, mut real) = (Vec::new(), Vec::new());
    for row in 0..outer as usize {
        for input in inputs {
            let value = input.value.as_ref()?;
            let size = value.len() / (outer as usize).max(1);
            match value {
                Value::Integers(all) if is_whole => {
                    whole.extend_from_slice(all.get(row * size..(row + 1) * size)?)
                }
                Value::Reals(all) if !is_whole => {
                    real.extend_from_slice(all.get(row * size..(row + 1) * size)?)
                }
                _ => return None,
            }
        }
    }
    Some(if is_whole { Value::Integers(whole) } else { Value::Reals(real) })
}

fn copied(input: &Tensor, output: Tensor) -> Outcome {
    let operands = u64::from(input.elements() == output.elements());
    let operator = ImportedOperator::Elementwise { output: output.dims.clone(), operands, operations: 0 };
    Outcome::of(output, operator)
}

fn moved(call: &Call<'_>) -> Result<Outcome, Reason> {
    let input = call.input(0)?;
    Ok(copied(input, input.of_same_extents(input.element)))
}

fn tile(call: &Call<'_>) -> Result<Outcome, Reason> {
    let input = call.input(0)?;
    let repeats = extents(call.known(1)?)?;
    if repeats.len() != input.rank() {
        return Err(Reason::Shapes(format!("{} repeats for {} axes", repeats.len(), input.rank())));
    }
    let times = |(extent, repeats): (&u64, &u64)| {
        extent.checked_mul(*repeats).ok_or(Reason::TooLarge { what: "elements of a tensor" })
    };
    let dims: Vec<u64> = input.dims.iter().zip(&repeats).map(times).collect::<Result<_, _>>()?;
    let output = Tensor::new(input.element, dims)?;
    let value = input.value.as_ref().filter(|_| output.elements() <= MAX_KNOWN).and_then(|value| {
        let own = |place: &Vec<u64>| {
            let own: Vec<u64> = place.iter().zip(&input.dims).map(|(index, extent)| index % extent).collect();
            flat(&own, &input.dims)
        };
        value.pick(places(&output.dims)?.iter().map(own))
    });
    Ok(copied(input, output.with_value(value)))
}

/// Cropping or padding on both sides to stated extents.
fn centre(call: &Call<'_>) -> Result<Outcome, Reason> {
    let input = call.input(0)?;
    let wanted = extents(call.known(1)?)?;
    let axes: Vec<usize> = match call.integers("axes").filter(|axes| !axes.is_empty()) {
        Some(axes) => axes.iter().map(|stated| axis(*stated, input.rank())).collect::<Result<_, _>>()?,
        None => (0..input.rank()).collect(),
    };
    if wanted.len() != axes.len() {
        return Err(Reason::Shapes(format!("{} extents for {} axes", wanted.len(), axes.len())));
    }
    let mut dims = input.dims.clone();
    for (along, extent) in axes.into_iter().zip(wanted) {
        dims[along] = extent;
    }
    Ok(copied(input, Tensor::new(input.element, dims)?))
}

fn pad(call: &Call<'_>) -> Result<Outcome, Reason> {
    let input = call.input(0)?;
    let pads = call.stated(1, "pads")?.ok_or_else(|| bad_attribute("pads", "is missing"))?;
    let axes: Vec<usize> = match call.optional(3) {
        Some(_) => {
            call.known(3)?.iter().map(|stated| axis(*stated, input.rank())).collect::<Result<_, _>>()?
        }
        None => (0..input.rank()).collect(),
    };
    if pads.len() != 2 * axes.len() {
        return Err(Reason::Shapes(format!("{} pads for {} axes", pads.len(), axes.len())));
    }
    let mut dims = input.dims.clone();
    for (place, along) in axes.iter().enumerate() {
        let padded =
            i128::from(dims[*along]) + i128::from(pads[place]) + i128::from(pads[place + axes.len()]);
        dims[*along] = u64::try_from(padded).map_err(|_| Reason::Extent { extent: padded })?;
    }
    Ok(copied(input, Tensor::new(input.element, dims)?))
}
