//! `Einsum` where it is a product of two tensors, or the transpose or sum of one.

use super::products::has_left_weights;
use crate::layer::{ImportedOperator, ImportedProduct};
use crate::onnx::call::{Call, Outcome, Row, bad_attribute, shown};
use crate::onnx::reason::Reason;
use crate::onnx::tensor::{Tensor, elements};

pub(super) const ROWS: &[Row] = &[Row::new("Einsum", einsum)];

/// An index of the equation: a letter, or the place from the end of a dimension that an ellipsis stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Index {
    Ellipsis(usize),
    Letter(char),
}

/// The indices of a term of the equation, for a tensor of so many dimensions.
fn indices(term: &str, rank: usize) -> Result<Vec<Index>, Reason> {
    let bad = |problem: &str| bad_attribute("equation", format!("has the term `{term}`, which {problem}"));
    let is_letter = |letter: &char| letter.is_ascii_alphabetic();
    let (before, after) =
        term.split_once("...").map_or((term, None), |(before, after)| (before, Some(after)));
    let letters = before.len() + after.map_or(0, str::len);
    if !before.chars().chain(after.unwrap_or_default().chars()).all(|letter| is_letter(&letter)) {
        return Err(bad("has more than letters and one `...`"));
    }
    let hidden = match after {
        Some(_) => rank.checked_sub(letters),
        None => (rank == letters).then_some(0),
    };
    let hidden = hidden.ok_or_else(|| bad(&format!("does not fit a tensor of {rank} dimensions")))?;
    let found: Vec<Index> = before
        .chars()
        .map(Index::Letter)
        .chain((0..hidden).rev().map(Index::Ellipsis))
        .chain(after.unwrap_or_default().chars().map(Index::Letter))
        .collect();
    if found.iter().enumerate().any(|(place, index)| found[..place].contains(index)) {
        return Err(Reason::Form(format!("an `Einsum` with the diagonal `{term}`")));
    }
    Ok(found)
}

fn einsum(call: &Call<'_>) -> Result<Outcome, Reason> {
    let equation: String = call.text("equation", "").chars().filter(|letter| *letter != ' ').collect();
    let (left, right) = equation.split_once("->").map_or((equation.as_str(), None), |(l, r)| (l, Some(r)));
    let terms: Vec<&str> = left.split(',').collect();
    let inputs: Vec<&Tensor> = call.given().collect();
    if terms.len() != inputs.len() || inputs.is_empty() {
        let problem = format!("has {} terms for {} inputs", terms.len(), inputs.len());
        return Err(bad_attribute("equation", problem));
    }
    if inputs.len() > 2 {
        return Err(Reason::Form(format!("an `Einsum` of {} tensors", inputs.len())));
    }
    let operands: Vec<Vec<Index>> = terms
        .iter()
        .zip(&inputs)
        .map(|(term, input)| indices(term, input.rank()))
        .collect::<Result<_, _>>()?;
    let mut extents: Vec<(Index, u64)> = Vec::new();
    for (operand, input) in operands.iter().zip(&inputs) {
        for (index, extent) in operand.iter().zip(&input.dims) {
            match extents.iter_mut().find(|(known, _)| known == index) {
                None => extents.push((*index, *extent)),
                Some((_, known)) if *known == 1 => *known = *extent,
                Some((_, known)) if *known == *extent || *extent == 1 => {}
                Some(_) => {
                    let shapes: Vec<String> = inputs.iter().map(|input| shown(&input.dims)).collect();
                    return Err(Reason::Shapes(format!(
                        "`{equation}` does not fit {}",
                        shapes.join(" and ")
                    )));
                }
            }
        }
    }
    let ellipsis = extents.iter().filter(|(index, _)| matches!(index, Index::Ellipsis(_))).count();
    let output = match right {
        Some(right) => {
            let letters = right.replace("...", "").len();
            indices(right, letters + if right.contains("...") { ellipsis } else { 0 })?
        }
        None => implied_output(left, &extents),
    };
    let extent = |index: &Index| {
        let found = extents.iter().find(|(known, _)| known == index);
        found.map(|(_, extent)| *extent).ok_or_else(|| bad_attribute("equation", "has an output of no input"))
    };
    let dims: Vec<u64> = output.iter().map(extent).collect::<Result<_, _>>()?;
    let result = Tensor::new(inputs[0].element, dims)?;
    let operator = match (operands.as_slice(), inputs.as_slice()) {
        ([a, b], [first, second]) => {
            let over = |chosen: &dyn Fn(&Index) -> bool| {
                let dims: Vec<u64> =
                    extents.iter().filter(|(index, _)| chosen(index)).map(|(_, extent)| *extent).collect();
                elements(&dims)
            };
            let rows = over(&|index| !b.contains(index) && output.contains(index))?;
            let columns = over(&|index| !a.contains(index) && output.contains(index))?;
            let is_turned = has_left_weights(first, second);
            let (rows, columns) = if is_turned { (columns, rows) } else { (rows, columns) };
            let product = ImportedProduct {
                products: over(&|index| a.contains(index) && b.contains(index) && output.contains(index))?,
                rows,
                inner: over(&|index| !output.contains(index))?,
                columns,
                has_weights: first.is_weight || second.is_weight,
            };
            Some(ImportedOperator::Product(product))
        }
        _ if result.elements() < inputs[0].elements() => {
            Some(ImportedOperator::Reduction { inputs: inputs[0].elements(), outputs: result.elements() })
        }
        _ => None,
    };
    Ok(Outcome { outputs: vec![result], operator, packed: None })
}

/// The output of an equation without an arrow: the dimensions of an ellipsis, then the letters that stand once, by
/// name.
fn implied_output(left: &str, extents: &[(Index, u64)]) -> Vec<Index> {
    let mut output: Vec<Index> = extents
        .iter()
        .map(|(index, _)| *index)
        .filter(|index| match index {
            Index::Ellipsis(_) => true,
            Index::Letter(letter) => left.matches(*letter).count() == 1,
        })
        .collect();
    // Dimensions of an ellipsis are counted from the end: the first is the farthest from it.
    output.sort_by_key(|index| match index {
        Index::Ellipsis(place) => (0, usize::MAX - place, ' '),
        Index::Letter(letter) => (1, 0, *letter),
    });
    output
}
