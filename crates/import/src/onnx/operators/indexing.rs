//! Elements at computed places: look-ups, scatters, masks.

use crate::layer::ImportedOperator;
use crate::onnx::call::{Call, Outcome, Row, axis, shown};
use crate::onnx::element::ElementType;
use crate::onnx::fold::{flat, places};
use crate::onnx::reason::Reason;
use crate::onnx::tensor::{MAX_KNOWN, Tensor, Value, elements};

pub(super) const ROWS: &[Row] = &[
    Row::new("Gather", gather),
    Row::new("GatherElements", gather_elements),
    Row::new("GatherND", gather_nd),
    Row::new("Scatter", scatter),
    Row::new("ScatterElements", scatter),
    Row::new("ScatterND", scatter_nd),
    Row::new("TensorScatter", scatter),
    Row::new("OneHot", one_hot).auxiliary(&[1]),
    Row::new("NonZero", non_zero),
    Row::microsoft("GatherBlockQuantized", gather_packed).auxiliary(&[2, 3]),
    Row::new("Compress", depends_on_data),
    Row::new("Unique", depends_on_data),
    Row::new("NonMaxSuppression", depends_on_data),
];

fn moved(output: Tensor) -> Outcome {
    let operator = ImportedOperator::Elementwise { output: output.dims.clone(), operands: 1, operations: 0 };
    Outcome::of(output, operator)
}

fn gather(call: &Call<'_>) -> Result<Outcome, Reason> {
    let (data, indices) = (call.input(0)?, call.input(1)?);
    let along = call.axis("axis", 0, data.rank())?;
    let dims = [&data.dims[..along], &indices.dims, &data.dims[along + 1..]].concat();
    let output = Tensor::new(data.element, dims)?;
    let value = data.value.as_ref().zip(indices.known_integers()).and_then(|(value, known)| {
        if output.elements() > MAX_KNOWN {
            return None;
        }
        let own = |place: &Vec<u64>| {
            let index = known.get(flat(&place[along..along + indices.rank()], &indices.dims)).copied()?;
            let index = if index < 0 { index.checked_add_unsigned(data.dims[along])? } else { index };
            let index = u64::try_from(index).ok().filter(|index| *index < data.dims[along])?;
            Some(flat(&[&place[..along], &[index], &place[along + indices.rank()..]].concat(), &data.dims))
        };
        let own: Option<Vec<usize>> = places(&output.dims)?.iter().map(own).collect();
        value.pick(own?.into_iter())
    });
    Ok(moved(output.with_value(value)))
}

/// A look-up in a table of a few bits, two elements of which may stand in a byte.
fn gather_packed(call: &Call<'_>) -> Result<Outcome, Reason> {
    let (data, indices, scales) = (call.input(0)?, call.input(1)?, call.input(2)?);
    let mut table = data.dims.clone();
    if let Some(last) = table.last_mut().filter(|_| data.element.bits() == 8 && call.integer("bits", 4) == 4)
    {
        *last = last.saturating_mul(2);
    }
    let weights = elements(&table)?;
    let along = call.axis("gather_axis", 0, table.len())?;
    let dims = [&table[..along], &indices.dims, &table[along + 1..]].concat();
    let outcome = moved(Tensor::new(scales.element, dims)?);
    Ok(Outcome { packed: Some((0, weights)), ..outcome })
}

fn gather_elements(call: &Call<'_>) -> Result<Outcome, Reason> {
    let (data, indices) = (call.input(0)?, call.input(1)?);
    call.axis("axis", 0, data.rank())?;
    if data.rank() != indices.rank() {
        return Err(Reason::Shapes(format!(
            "indices of {} into {}",
            shown(&indices.dims),
            shown(&data.dims)
        )));
    }
    Ok(moved(indices.of_same_extents(data.element)))
}

fn gather_nd(call: &Call<'_>) -> Result<Outcome, Reason> {
    let (data, indices) = (call.input(0)?, call.input(1)?);
    let mismatch =
        || Reason::Shapes(format!("indices of {} into {}", shown(&indices.dims), shown(&data.dims)));
    let batch = usize::try_from(call.integer("batch_dims", 0)).map_err(|_| mismatch())?;
    let (depth, before) = indices.dims.split_last().ok_or_else(mismatch)?;
    let skipped = usize::try_from(*depth).ok().and_then(|depth| depth.checked_add(batch));
    let rest = skipped.and_then(|skipped| data.dims.get(skipped..)).ok_or_else(mismatch)?;
    Ok(moved(Tensor::new(data.element, [before, rest].concat())?))
}

fn scatter(call: &Call<'_>) -> Result<Outcome, Reason> {
    let data = call.input(0)?;
    call.input(1)?;
    Ok(moved(data.of_same_extents(data.element)))
}

/// A scatter of slices. Into a list of known numbers it is folded: exporters replace extents of a shape so.
fn scatter_nd(call: &Call<'_>) -> Result<Outcome, Reason> {
    let (data, indices, updates) = (call.input(0)?, call.input(1)?, call.input(2)?);
    let value = match (data.known_integers(), indices.known_integers(), updates.known_integers()) {
        (Some(data_values), Some(places), Some(updates))
            if data.rank() == 1
                && places.len() == updates.len()
                && call.text("reduction", "none") == "none" =>
        {
            let mut values = data_values.to_vec();
            let all_fit = places.iter().zip(updates).all(|(place, update)| {
                let place = if *place < 0 { place + values.len() as i64 } else { *place };
                let slot = usize::try_from(place).ok().and_then(|place| values.get_mut(place));
                slot.map(|slot| *slot = *update).is_some()
            });
            all_fit.then_some(Value::Integers(values))
        }
        _ => None,
    };
    Ok(moved(data.of_same_extents(data.element).with_value(value)))
}

fn one_hot(call: &Call<'_>) -> Result<Outcome, Reason> {
    let (indices, values) = (call.input(0)?, call.input(2)?);
    let depth = match call.input(1)?.value.as_ref().ok_or(Reason::Data { position: 1 })? {
        Value::Integers(depth) => depth.first().copied().unwrap_or(0),
        Value::Reals(depth) => depth.first().map_or(0, |depth| *depth as i64),
    };
    let depth = u64::try_from(depth).map_err(|_| Reason::Extent { extent: depth.into() })?;
    let at = axis(call.integer("axis", -1), indices.rank() + 1)?;
    let mut dims = indices.dims.clone();
    dims.insert(at, depth);
    Ok(moved(Tensor::new(values.element, dims)?))
}

/// Places of the elements that are not zero, which only known elements decide.
fn non_zero(call: &Call<'_>) -> Result<Outcome, Reason> {
    let input = call.input(0)?;
    let values = input.known_integers().ok_or(Reason::Data { position: 0 })?;
    let all = places(&input.dims).ok_or(Reason::Data { position: 0 })?;
    let found: Vec<&Vec<u64>> =
        all.iter().zip(values).filter(|(_, value)| **value != 0).map(|(place, _)| place).collect();
    let by_axis = (0..input.rank()).flat_map(|axis| found.iter().map(move |place| place[axis] as i64));
    let value = Value::Integers(by_axis.collect());
    let dims = vec![input.rank() as u64, found.len() as u64];
    Ok(moved(Tensor::new(ElementType::INT64, dims)?.with_value(Some(value))))
}

fn depends_on_data(call: &Call<'_>) -> Result<Outcome, Reason> {
    call.input(0)?;
    Err(Reason::Data { position: 0 })
}
