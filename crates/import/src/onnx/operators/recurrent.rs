//! Recurrent layers.

use rtmm_workload::RecurrentCell;

use crate::layer::{ImportedOperator, ImportedRecurrent};
use crate::onnx::call::{Call, Outcome, Row, bad_attribute, shown};
use crate::onnx::reason::Reason;
use crate::onnx::tensor::Tensor;

pub(super) const ROWS: &[Row] = &[
    Row::new("LSTM", |call| recurrent(call, RecurrentCell::Lstm, Gates::First)).auxiliary(&[4]),
    Row::new("GRU", |call| recurrent(call, RecurrentCell::Gru, Gates::First)).auxiliary(&[4]),
    Row::new("RNN", |call| recurrent(call, RecurrentCell::Rnn, Gates::First)).auxiliary(&[4]),
    Row::microsoft("DynamicQuantizeLSTM", |call| recurrent(call, RecurrentCell::Lstm, Gates::Last))
        .auxiliary(&[4, 8, 9, 10, 11]),
];

/// The place of the gates among the dimensions of the weights, after the directions.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Gates {
    First,
    Last,
}

fn recurrent(call: &Call<'_>, cell: RecurrentCell, gates: Gates) -> Result<Outcome, Reason> {
    let (input, weights, recurrence) = (call.input(0)?, call.input(1)?, call.input(2)?);
    let is_batch_first = call.flag("layout", false);
    let (steps, batch, features) = match input.dims.as_slice() {
        [batch, steps, features] if is_batch_first => (*steps, *batch, *features),
        [steps, batch, features] => (*steps, *batch, *features),
        dims => return Err(Reason::Shapes(format!("{} are no sequences", shown(dims)))),
    };
    let directions = match call.text("direction", "forward") {
        "forward" | "reverse" => 1,
        "bidirectional" => 2,
        other => return Err(bad_attribute("direction", format!("is `{other}`"))),
    };
    let of_weights = |tensor: &Tensor| match (tensor.dims.as_slice(), gates) {
        ([directions, gates, inner], Gates::First) | ([directions, inner, gates], Gates::Last) => {
            Ok([*directions, *gates, *inner])
        }
        (dims, _) => Err(Reason::Shapes(format!("{} are no weights of a recurrent layer", shown(dims)))),
    };
    let hidden = match call.attribute("hidden_size") {
        Some(_) => call.count("hidden_size", None)?,
        None => of_weights(recurrence)?[2],
    };
    let wide = hidden.checked_mul(cell.gates().into()).ok_or(Reason::TooLarge { what: "features" })?;
    let fits = of_weights(weights)? == [directions, wide, features]
        && of_weights(recurrence)? == [directions, wide, hidden];
    if !fits {
        return Err(Reason::Shapes(format!(
            "weights of {} and {} do not fit {directions} x {} gates of {hidden} features over an input of {}",
            shown(&weights.dims),
            shown(&recurrence.dims),
            cell.gates(),
            shown(&input.dims)
        )));
    }
    let tensor = |dims: Vec<u64>| Tensor::new(input.element, dims);
    let mut outputs = if is_batch_first {
        vec![tensor(vec![batch, steps, directions, hidden])?, tensor(vec![batch, directions, hidden])?]
    } else {
        vec![tensor(vec![steps, directions, batch, hidden])?, tensor(vec![directions, batch, hidden])?]
    };
    if cell == RecurrentCell::Lstm {
        let state = outputs[1].clone();
        outputs.push(state);
    }
    let operator = ImportedRecurrent { cell, directions, batch, steps, features, hidden };
    Ok(Outcome { outputs, operator: Some(ImportedOperator::Recurrent(operator)), packed: None })
}
