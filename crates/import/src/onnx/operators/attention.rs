//! Attention in one node, with and without the projections of its inputs.

use crate::layer::{ImportedAttention, ImportedOperator, ImportedProduct};
use crate::onnx::call::{Call, Outcome, Row, shown};
use crate::onnx::reason::Reason;
use crate::onnx::tensor::Tensor;

pub(super) const ROWS: &[Row] = &[
    Row::new("Attention", attention).auxiliary(&[3, 6]),
    Row::microsoft("Attention", projected).auxiliary(&[3]),
    Row::microsoft("QAttention", projected).auxiliary(&[3, 4, 5, 6, 7]),
    Row::microsoft("MultiHeadAttention", multi_head).auxiliary(&[4]),
    Row::microsoft("GroupQueryAttention", group_query).auxiliary(&[5, 6]),
];

fn product(factors: &[u64]) -> Result<u64, Reason> {
    let product = factors.iter().try_fold(1_u64, |product, factor| product.checked_mul(*factor));
    product.ok_or(Reason::TooLarge { what: "elements of a tensor" })
}

/// Heads over tokens.
struct Heads {
    batch: u64,
    heads: u64,
    queries: u64,
    keys: u64,
    /// Features of a query and of a key.
    width: u64,
    /// Features of a value.
    value_width: u64,
}

impl Heads {
    fn work(&self, projections: Vec<ImportedProduct>) -> Result<ImportedOperator, Reason> {
        let Self { queries, keys, width, value_width, .. } = *self;
        let products = product(&[self.batch, self.heads])?;
        let has_weights = false;
        Ok(ImportedOperator::Attention(ImportedAttention {
            projections,
            scores: ImportedProduct { products, rows: queries, inner: width, columns: keys, has_weights },
            context: ImportedProduct {
                products,
                rows: queries,
                inner: keys,
                columns: value_width,
                has_weights,
            },
        }))
    }
}

fn divided(what: &str, features: u64, heads: u64) -> Result<u64, Reason> {
    if features.is_multiple_of(heads) {
        return Ok(features / heads);
    }
    Err(Reason::Shapes(format!("{heads} heads do not divide {features} features of the {what}")))
}

/// A tensor of tokens as batch, heads, tokens and features of a head: of four dimensions, or of three with as many
/// heads as are stated.
fn by_head(what: &str, tensor: &Tensor, heads: impl Fn() -> Result<u64, Reason>) -> Result<[u64; 4], Reason> {
    match tensor.dims.as_slice() {
        [batch, heads, tokens, features] => Ok([*batch, *heads, *tokens, *features]),
        [batch, tokens, features] => {
            let heads = heads()?;
            Ok([*batch, heads, *tokens, divided(what, *features, heads)?])
        }
        dims => Err(Reason::Shapes(format!("{what} of {} are no tokens", shown(dims)))),
    }
}

/// Attention of ONNX: queries, keys and values, and a cache of earlier keys and values.
fn attention(call: &Call<'_>) -> Result<Outcome, Reason> {
    let (query, key, value) = (call.input(0)?, call.input(1)?, call.input(2)?);
    let query_heads = || call.count("q_num_heads", None);
    let key_heads = || call.count("kv_num_heads", None);
    let [batch, heads, queries, width] = by_head("queries", query, query_heads)?;
    let [_, cached_heads, keys, key_width] = by_head("keys", key, key_heads)?;
    let [_, _, _, value_width] = by_head("values", value, key_heads)?;
    if width != key_width || !heads.is_multiple_of(cached_heads.max(1)) {
        return Err(Reason::Shapes(format!(
            "queries of {} do not fit keys of {}",
            shown(&query.dims),
            shown(&key.dims)
        )));
    }
    let past = call.optional(4).and_then(|past| past.dims.get(2)).copied().unwrap_or(0);
    let keys = past.checked_add(keys).ok_or(Reason::TooLarge { what: "keys" })?;
    let all = Heads { batch, heads, queries, keys, width, value_width };
    let dims = match query.rank() {
        4 => vec![batch, heads, queries, value_width],
        _ => vec![batch, queries, product(&[heads, value_width])?],
    };
    let tensor = |dims: Vec<u64>| Tensor::new(query.element, dims);
    let outputs = vec![
        tensor(dims)?,
        tensor(vec![batch, cached_heads, keys, key_width])?,
        tensor(vec![batch, cached_heads, keys, value_width])?,
        tensor(vec![batch, heads, queries, keys])?,
    ];
    Ok(Outcome { outputs, operator: Some(all.work(Vec::new())?), packed: None })
}

/// Attention with one matrix that projects the input to queries, keys and values.
fn projected(call: &Call<'_>) -> Result<Outcome, Reason> {
    let (input, weights) = (call.input(0)?, call.input(1)?);
    let ([batch, queries, features], [inner, columns]) = (input.dims.as_slice(), weights.dims.as_slice())
    else {
        return Err(Reason::Shapes(format!(
            "tokens of {} and weights of {} are none of attention",
            shown(&input.dims),
            shown(&weights.dims)
        )));
    };
    if features != inner {
        return Err(Reason::Shapes(format!("{features} features meet weights for {inner}")));
    }
    let heads = call.count("num_heads", None)?;
    let sizes = match call.integers("qkv_hidden_sizes").filter(|sizes| !sizes.is_empty()) {
        None => [columns / 3; 3],
        Some([query, key, value]) => [*query, *key, *value].map(|size| u64::try_from(size).unwrap_or(0)),
        Some(_) => return Err(Reason::Form("attention whose `qkv_hidden_sizes` are not three".to_owned())),
    };
    let sum = sizes.iter().try_fold(0_u64, |sum, size| sum.checked_add(*size));
    if sum != Some(*columns) || sizes[0] != sizes[1] {
        return Err(Reason::Shapes(format!(
            "weights of {} do not split into queries, keys and values",
            shown(&weights.dims)
        )));
    }
    let (width, value_width) = (divided("queries", sizes[0], heads)?, divided("values", sizes[2], heads)?);
    let position_of_past = if call.operator == "QAttention" { 8 } else { 4 };
    let past = call.optional(position_of_past).and_then(|past| past.dims.get(3)).copied().unwrap_or(0);
    let keys = past.checked_add(*queries).ok_or(Reason::TooLarge { what: "keys" })?;
    let rows = product(&[*batch, *queries])?;
    let projection =
        ImportedProduct { products: 1, rows, inner: *inner, columns: *columns, has_weights: true };
    let all = Heads { batch: *batch, heads, queries: *queries, keys, width, value_width };
    // Quantised inputs give real numbers.
    let element = match call.operator {
        "QAttention" => call.optional(3).map_or(input.element, |scale| scale.element),
        _ => input.element,
    };
    let outputs = vec![
        Tensor::new(element, vec![*batch, *queries, sizes[2]])?,
        Tensor::new(element, vec![2, *batch, heads, keys, width])?,
    ];
    Ok(Outcome { outputs, operator: Some(all.work(vec![projection])?), packed: None })
}

/// Attention over tokens that are projected already; keys and values may be those of another sequence, by head.
fn multi_head(call: &Call<'_>) -> Result<Outcome, Reason> {
    let query = call.input(0)?;
    let heads = call.count("num_heads", None)?;
    let (batch, queries, width, keys, value_width) = match (query.dims.as_slice(), call.optional(1)) {
        ([batch, queries, packed_heads, 3, width], None) if *packed_heads == heads => {
            (*batch, *queries, *width, *queries, *width)
        }
        ([batch, queries, features], Some(key)) => {
            let width = divided("queries", *features, heads)?;
            match (key.dims.as_slice(), call.optional(2)) {
                ([_, keys, packed_heads, 2, width], None) if *packed_heads == heads => {
                    (*batch, *queries, *width, *keys, *width)
                }
                (_, Some(value)) => {
                    let [_, _, keys, key_width] = by_head("keys", key, || Ok(heads))?;
                    let [_, _, _, value_width] = by_head("values", value, || Ok(heads))?;
                    if key_width != width {
                        return Err(Reason::Shapes(format!(
                            "queries of {} do not fit keys of {}",
                            shown(&query.dims),
                            shown(&key.dims)
                        )));
                    }
                    (*batch, *queries, width, keys, value_width)
                }
                (dims, None) => {
                    return Err(Reason::Shapes(format!("keys of {} come without values", shown(dims))));
                }
            }
        }
        (dims, _) => return Err(Reason::Shapes(format!("queries of {} are no tokens", shown(dims)))),
    };
    let past = call.optional(6).and_then(|past| past.dims.get(2)).copied().unwrap_or(0);
    let keys = past.checked_add(keys).ok_or(Reason::TooLarge { what: "keys" })?;
    let all = Heads { batch, heads, queries, keys, width, value_width };
    let tensor = |dims: Vec<u64>| Tensor::new(query.element, dims);
    let outputs = vec![
        tensor(vec![batch, queries, product(&[heads, value_width])?])?,
        tensor(vec![batch, heads, keys, width])?,
        tensor(vec![batch, heads, keys, value_width])?,
    ];
    Ok(Outcome { outputs, operator: Some(all.work(Vec::new())?), packed: None })
}

/// Attention whose heads share keys and values by groups, with a cache of earlier ones.
fn group_query(call: &Call<'_>) -> Result<Outcome, Reason> {
    let query = call.input(0)?;
    let [batch, queries, features] = query.dims.as_slice() else {
        return Err(Reason::Shapes(format!("queries of {} are no tokens", shown(&query.dims))));
    };
    let (heads, key_heads) = (call.count("num_heads", None)?, call.count("kv_num_heads", None)?);
    let all_heads = match call.optional(1) {
        Some(_) => heads,
        // Queries, keys and values stand in one tensor.
        None => heads.checked_add(product(&[2, key_heads])?).ok_or(Reason::TooLarge { what: "heads" })?,
    };
    let width = divided("queries", *features, all_heads)?;
    let past = call.optional(3).and_then(|past| past.dims.get(2)).copied().unwrap_or(0);
    let total = match call.optional(6).and_then(Tensor::known_integer) {
        Some(total) => u64::try_from(total).map_err(|_| Reason::Extent { extent: total.into() })?,
        None => past.checked_add(*queries).ok_or(Reason::TooLarge { what: "keys" })?,
    };
    let all = Heads { batch: *batch, heads, queries: *queries, keys: total, width, value_width: width };
    let cache = Tensor::new(query.element, vec![*batch, key_heads, past.max(total), width])?;
    let output = Tensor::new(query.element, vec![*batch, *queries, product(&[heads, width])?])?;
    let operator = Some(all.work(Vec::new())?);
    Ok(Outcome { outputs: vec![output, cache.clone(), cache], operator, packed: None })
}
