//! Arithmetic on tensors whose elements are known: what exporters compute shapes with.
//!
//! Whole numbers are exact, and an overflow makes a value unknown; real numbers are rounded as their type is.

use super::element::ElementType;
use super::tensor::{MAX_KNOWN, Tensor, Value, elements};

/// Places of all elements of a small tensor, as indices, in row-major order; none of a large one.
pub(crate) fn places(dims: &[u64]) -> Option<Vec<Vec<u64>>> {
    let count = elements(dims).ok().filter(|count| *count <= MAX_KNOWN)?;
    let mut all = Vec::with_capacity(count as usize);
    for flat in 0..count {
        let (mut rest, mut place) = (flat, vec![0; dims.len()]);
        for (index, extent) in place.iter_mut().zip(dims).rev() {
            (*index, rest) = (rest % extent, rest / extent);
        }
        all.push(place);
    }
    Some(all)
}

/// The position of an element among all of its tensor.
pub(crate) fn flat(place: &[u64], dims: &[u64]) -> usize {
    place.iter().zip(dims).fold(0, |flat, (index, extent)| flat * extent + index) as usize
}

/// The elements of a known tensor as they are read where it is broadcast to `dims`.
pub(crate) fn spread(tensor: &Tensor, dims: &[u64]) -> Option<Value> {
    let value = tensor.value.as_ref()?;
    if tensor.dims == dims {
        return Some(value.clone());
    }
    let skipped = dims.len().checked_sub(tensor.rank())?;
    let own = |place: &[u64]| {
        let index = |(index, extent): (&u64, &u64)| if *extent == 1 { 0 } else { *index };
        let place: Vec<u64> = place[skipped..].iter().zip(&tensor.dims).map(index).collect();
        flat(&place, &tensor.dims)
    };
    value.pick(places(dims)?.iter().map(|place| own(place)))
}

fn rounded(element: ElementType, values: Vec<f64>) -> Value {
    Value::Reals(match element {
        ElementType::Float64 => values,
        _ => values.into_iter().map(|value| f64::from(value as f32)).collect(),
    })
}

/// A value as another type has it; real numbers are cut.
pub(crate) fn cast(value: &Value, element: ElementType) -> Option<Value> {
    Some(match (value, element) {
        (Value::Integers(all), ElementType::Bool) => {
            Value::Integers(all.iter().map(|value| i64::from(*value != 0)).collect())
        }
        (Value::Reals(all), ElementType::Bool) => {
            Value::Integers(all.iter().map(|value| i64::from(*value != 0.0)).collect())
        }
        (Value::Integers(all), element) if element.is_integer() => Value::Integers(all.clone()),
        (Value::Reals(all), element) if element.is_integer() => {
            Value::Integers(all.iter().map(|value| *value as i64).collect())
        }
        (value, element) if element.is_real() => rounded(element, value.reals()),
        _ => return None,
    })
}

/// Result of an operator of one input on every element.
pub(crate) fn unary(operator: &str, input: &Tensor) -> Option<Value> {
    match input.value.as_ref()? {
        Value::Integers(all) => {
            let apply: fn(i64) -> Option<i64> = match operator {
                "Neg" => i64::checked_neg,
                "Abs" => i64::checked_abs,
                "Sign" => |value| Some(value.signum()),
                "Not" => |value| Some(i64::from(value == 0)),
                "Relu" => |value| Some(value.max(0)),
                "Floor" | "Ceil" | "Round" => Some,
                _ => return None,
            };
            all.iter().map(|value| apply(*value)).collect::<Option<_>>().map(Value::Integers)
        }
        Value::Reals(all) => {
            let apply: fn(f64) -> f64 = match operator {
                "Neg" => |value| -value,
                "Abs" => f64::abs,
                "Floor" => f64::floor,
                "Ceil" => f64::ceil,
                "Round" => f64::round_ties_even,
                "Sqrt" => f64::sqrt,
                "Reciprocal" => |value| 1.0 / value,
                "Relu" => |value| value.max(0.0),
                _ => return None,
            };
            Some(rounded(input.element, all.iter().map(|value| apply(*value)).collect()))
        }
    }
}

/// Result of an operator of two inputs on every element of what they are broadcast to. `is_c` is true where a
/// remainder has the sign of the dividend.
pub(crate) fn binary(operator: &str, is_c: bool, a: &Tensor, b: &Tensor, dims: &[u64]) -> Option<Value> {
    let (first, second) = (spread(a, dims)?, spread(b, dims)?);
    if let (Value::Integers(first), Value::Integers(second)) = (&first, &second) {
        let apply = |a: i64, b: i64| match operator {
            "Add" | "Sum" => a.checked_add(b),
            "Sub" => a.checked_sub(b),
            "Mul" => a.checked_mul(b),
            "Div" => a.checked_div(b),
            "Mod" if is_c => a.checked_rem(b),
            "Mod" => a.checked_rem(b)?.checked_add(b)?.checked_rem(b),
            "Pow" => a.checked_pow(u32::try_from(b).ok()?),
            "Max" => Some(a.max(b)),
            "Min" => Some(a.min(b)),
            "And" => Some(i64::from(a != 0 && b != 0)),
            "Or" => Some(i64::from(a != 0 || b != 0)),
            "Xor" => Some(i64::from((a != 0) != (b != 0))),
            _ => compare(operator, a.cmp(&b)).map(i64::from),
        };
        let all = first.iter().zip(second).map(|(a, b)| apply(*a, *b));
        return all.collect::<Option<_>>().map(Value::Integers);
    }
    let pairs = first.reals().into_iter().zip(second.reals());
    if compare(operator, std::cmp::Ordering::Equal).is_some() {
        let all = pairs.map(|(a, b)| compare(operator, a.partial_cmp(&b)?).map(i64::from));
        return all.collect::<Option<_>>().map(Value::Integers);
    }
    let apply: fn(f64, f64) -> f64 = match operator {
        "Add" | "Sum" => |a, b| a + b,
        "Sub" => |a, b| a - b,
        "Mul" => |a, b| a * b,
        "Div" => |a, b| a / b,
        "Max" => f64::max,
        "Min" => f64::min,
        _ => return None,
    };
    Some(rounded(a.element, pairs.map(|(a, b)| apply(a, b)).collect()))
}

fn compare(operator: &str, order: std::cmp::Ordering) -> Option<bool> {
    Some(match operator {
        "Equal" => order.is_eq(),
        "Less" => order.is_lt(),
        "LessOrEqual" => order.is_le(),
        "Greater" => order.is_gt(),
        "GreaterOrEqual" => order.is_ge(),
        _ => return None,
    })
}

/// Elements of one of two tensors, as a condition says.
pub(crate) fn choice(condition: &Tensor, yes: &Tensor, no: &Tensor, dims: &[u64]) -> Option<Value> {
    let Value::Integers(condition) = spread(condition, dims)? else { return None };
    match (spread(yes, dims)?, spread(no, dims)?) {
        (Value::Integers(yes), Value::Integers(no)) => {
            let all = condition.iter().zip(yes.iter().zip(&no));
            Some(Value::Integers(all.map(|(is, (yes, no))| if *is != 0 { *yes } else { *no }).collect()))
        }
        (Value::Reals(yes), Value::Reals(no)) => {
            let all = condition.iter().zip(yes.iter().zip(&no));
            Some(Value::Reals(all.map(|(is, (yes, no))| if *is != 0 { *yes } else { *no }).collect()))
        }
        _ => None,
    }
}

/// Result of a reduction along axes.
pub(crate) fn fold_reduction(operator: &str, input: &Tensor, axes: &[usize]) -> Option<Value> {
    let Value::Integers(values) = input.value.as_ref()? else { return None };
    let start = match operator {
        "ReduceSum" => 0,
        "ReduceProd" => 1,
        "ReduceMax" => i64::MIN,
        "ReduceMin" => i64::MAX,
        _ => return None,
    };
    let apply = |a: i64, b: i64| match operator {
        "ReduceSum" => a.checked_add(b),
        "ReduceProd" => a.checked_mul(b),
        "ReduceMax" => Some(a.max(b)),
        _ => Some(a.min(b)),
    };
    let kept: Vec<u64> = input
        .dims
        .iter()
        .enumerate()
        .map(|(axis, extent)| if axes.contains(&axis) { 1 } else { *extent })
        .collect();
    let count = elements(&kept).ok().filter(|count| *count <= MAX_KNOWN)?;
    let mut results = vec![start; count as usize];
    for (place, value) in places(&input.dims)?.iter().zip(values) {
        let place: Vec<u64> =
            place.iter().zip(&kept).map(|(index, extent)| index.min(&(extent - 1)).to_owned()).collect();
        let result = results.get_mut(flat(&place, &kept))?;
        *result = apply(*result, *value)?;
    }
    Some(Value::Integers(results))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn integers(dims: &[u64], values: &[i64]) -> Tensor {
        let tensor = Tensor::new(ElementType::INT64, dims.to_vec()).unwrap();
        tensor.with_value(Some(Value::Integers(values.to_vec())))
    }

    #[test]
    fn whole_numbers_are_divided_as_the_format_says() {
        let (a, b) = (integers(&[2], &[-7, 7]), integers(&[], &[2]));
        let result = |operator, is_c| binary(operator, is_c, &a, &b, &[2]);
        assert_eq!(result("Div", false), Some(Value::Integers(vec![-3, 3])));
        assert_eq!(result("Mod", false), Some(Value::Integers(vec![1, 1])));
        assert_eq!(result("Mod", true), Some(Value::Integers(vec![-1, 1])));
        assert_eq!(binary("Div", false, &a, &integers(&[], &[0]), &[2]), None);
        assert_eq!(binary("Mul", false, &integers(&[], &[i64::MAX]), &b, &[]), None);
    }

    #[test]
    fn values_are_broadcast_and_reduced_by_axis() {
        let sum = binary("Add", false, &integers(&[2, 1], &[10, 20]), &integers(&[3], &[1, 2, 3]), &[2, 3]);
        assert_eq!(sum, Some(Value::Integers(vec![11, 12, 13, 21, 22, 23])));
        let table = integers(&[2, 3], &[1, 2, 3, 4, 5, 6]);
        assert_eq!(fold_reduction("ReduceSum", &table, &[0]), Some(Value::Integers(vec![5, 7, 9])));
        assert_eq!(fold_reduction("ReduceProd", &table, &[0, 1]), Some(Value::Integers(vec![720])));
    }

    #[test]
    fn real_numbers_are_rounded_to_single_precision() {
        let scale = Tensor::new(ElementType::Float32, vec![1])
            .unwrap()
            .with_value(Some(Value::Reals(vec![f64::from(0.1_f32)])));
        let Some(Value::Reals(product)) = binary("Mul", false, &scale, &scale, &[1]) else { panic!("known") };
        assert_eq!(product, [f64::from(0.1_f32 * 0.1_f32)]);
    }
}
