//! Products of matrices: by weights, of two activations, and of quantised tensors.

use crate::layer::{ImportedOperator, ImportedProduct};
use crate::onnx::call::{Call, Outcome, Row, broadcast, shown};
use crate::onnx::element::ElementType;
use crate::onnx::reason::Reason;
use crate::onnx::tensor::{Tensor, elements};

pub(super) const ROWS: &[Row] = &[
    Row::new("MatMul", matmul),
    Row::new("MatMulInteger", integer).auxiliary(&[2, 3]),
    Row::new("QLinearMatMul", quantised).auxiliary(&[1, 2, 4, 5, 6, 7]),
    Row::new("Gemm", gemm),
    Row::microsoft("FusedGemm", gemm),
    Row::microsoft("GemmFastGelu", matmul),
    Row::microsoft("QGemm", quantised_gemm).auxiliary(&[1, 2, 4, 5, 7, 8]),
    Row::microsoft("FusedMatMul", fused),
    Row::microsoft("TransposeMatMul", fused),
    Row::microsoft("FusedMatMulActivation", fused),
    Row::microsoft("MatMulInteger16", integer),
    Row::microsoft("MatMulIntegerToFloat", to_float).auxiliary(&[2, 3, 4, 5]),
    Row::microsoft("DynamicQuantizeMatMul", matmul).auxiliary(&[2, 3]),
    Row::microsoft("MatMulNBits", packed).auxiliary(&[2, 3, 4]),
    Row::microsoft("MatMulBnb4", packed).auxiliary(&[2]),
];

fn matmul(call: &Call<'_>) -> Result<Outcome, Reason> {
    let (a, b) = (call.input(0)?, call.input(1)?);
    product_of(a, b, a.element)
}

fn integer(call: &Call<'_>) -> Result<Outcome, Reason> {
    product_of(call.input(0)?, call.input(1)?, ElementType::Signed(32))
}

fn quantised(call: &Call<'_>) -> Result<Outcome, Reason> {
    let element = call.optional(7).map_or(call.input(0)?.element, |zero| zero.element);
    product_of(call.input(0)?, call.input(3)?, element)
}

fn to_float(call: &Call<'_>) -> Result<Outcome, Reason> {
    product_of(
        call.input(0)?,
        call.input(1)?,
        call.optional(4).map_or(ElementType::Float32, |scale| scale.element),
    )
}

fn fused(call: &Call<'_>) -> Result<Outcome, Reason> {
    for name in ["transBatchA", "transBatchB"] {
        if call.flag(name, false) {
            return Err(Reason::Form(format!("a product with `{name}`")));
        }
    }
    let turned = |position: usize, name: &str| {
        let tensor = call.input(position)?;
        let mut turned = tensor.clone();
        let rank = turned.rank();
        if call.flag(name, false) && rank >= 2 {
            turned.dims.swap(rank - 1, rank - 2);
        }
        Ok::<_, Reason>(turned)
    };
    let (a, b) = (turned(0, "transA")?, turned(1, "transB")?);
    product_of(&a, &b, a.element)
}

/// The product of two tensors as `numpy.matmul` has it: the last two dimensions are multiplied, those before are
/// broadcast, and a tensor of one dimension is a row or a column.
fn product_of(a: &Tensor, b: &Tensor, element: ElementType) -> Result<Outcome, Reason> {
    let mismatch =
        || Reason::Shapes(format!("{} and {} cannot be multiplied", shown(&a.dims), shown(&b.dims)));
    let (a_batch, rows, inner) = match a.dims.as_slice() {
        [] => return Err(mismatch()),
        [inner] => (&[][..], None, *inner),
        [batch @ .., rows, inner] => (batch, Some(*rows), *inner),
    };
    let (b_batch, b_inner, columns) = match b.dims.as_slice() {
        [] => return Err(mismatch()),
        [inner] => (&[][..], *inner, None),
        [batch @ .., inner, columns] => (batch, *inner, Some(*columns)),
    };
    if inner != b_inner {
        return Err(mismatch());
    }
    let batch = broadcast(a_batch, b_batch).map_err(|_| mismatch())?;
    let mut dims = batch.clone();
    dims.extend(rows);
    dims.extend(columns);
    let output = Tensor::new(element, dims)?;
    let batch = elements(&batch)?;
    let (rows, columns) = (rows.unwrap_or(1), columns.unwrap_or(1));
    let is_turned = has_left_weights(a, b);
    let (rows, columns) = if is_turned { (columns, rows) } else { (rows, columns) };
    let shared = if is_turned { a_batch } else { b_batch };
    // Inputs that meet the same matrix are rows of one product.
    let (products, rows) = if shared.iter().all(|extent| *extent == 1) {
        let rows = batch.checked_mul(rows).ok_or(Reason::TooLarge { what: "rows of a product" })?;
        (1, rows)
    } else {
        (batch, rows)
    };
    let has_weights = a.is_weight || b.is_weight;
    let product = ImportedProduct { products, rows, inner, columns, has_weights };
    Ok(Outcome::of(output, ImportedOperator::Product(product)))
}

/// True for weights times activations, which is the turned product of the turned activations and the turned weights: its
/// columns are those of the weights, whose number is the same.
pub(super) fn has_left_weights(a: &Tensor, b: &Tensor) -> bool {
    a.is_weight && !b.is_weight
}

fn gemm(call: &Call<'_>) -> Result<Outcome, Reason> {
    let (a, b) = (call.input(0)?, call.input(1)?);
    matrix_product(call, a, b, a.element)
}

fn quantised_gemm(call: &Call<'_>) -> Result<Outcome, Reason> {
    let element = call.optional(8).map_or(ElementType::Float32, |zero| zero.element);
    matrix_product(call, call.input(0)?, call.input(3)?, element)
}

fn matrix_product(call: &Call<'_>, a: &Tensor, b: &Tensor, element: ElementType) -> Result<Outcome, Reason> {
    let matrix = |tensor: &Tensor, name: &str| match tensor.dims.as_slice() {
        [rows, columns] => Ok(if call.flag(name, false) { [*columns, *rows] } else { [*rows, *columns] }),
        dims => Err(Reason::Shapes(format!("{} is no matrix", shown(dims)))),
    };
    let ([rows, inner], [b_inner, columns]) = (matrix(a, "transA")?, matrix(b, "transB")?);
    if inner != b_inner {
        return Err(Reason::Shapes(format!(
            "a matrix of {} cannot be multiplied by one of {}",
            shown(&[rows, inner]),
            shown(&[b_inner, columns])
        )));
    }
    let has_weights = a.is_weight || b.is_weight;
    let output = Tensor::new(element, vec![rows, columns])?;
    let (rows, columns) = if has_left_weights(a, b) { (columns, rows) } else { (rows, columns) };
    let product = ImportedProduct { products: 1, rows, inner, columns, has_weights };
    Ok(Outcome::of(output, ImportedOperator::Product(product)))
}

/// A product by weights of a few bits, packed in blocks, whose extents the attributes state.
fn packed(call: &Call<'_>) -> Result<Outcome, Reason> {
    let a = call.input(0)?;
    call.input(1)?;
    let (inner, columns) = (call.count("K", None)?, call.count("N", None)?);
    let Some((last, before)) = a.dims.split_last().filter(|(last, _)| **last == inner) else {
        return Err(Reason::Shapes(format!("{} has no rows of {inner} elements", shown(&a.dims))));
    };
    let rows = a.elements().checked_div(*last).unwrap_or(0);
    let output = Tensor::new(a.element, [before, &[columns]].concat())?;
    let weights = inner.checked_mul(columns).ok_or(Reason::TooLarge { what: "weights" })?;
    let product = ImportedProduct { products: 1, rows, inner, columns, has_weights: true };
    let operator = Some(ImportedOperator::Product(product));
    Ok(Outcome { outputs: vec![output], operator, packed: Some((1, weights)) })
}
