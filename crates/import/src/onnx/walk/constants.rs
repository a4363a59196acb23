//! Constants of a model: initialisers of graphs, and nodes that state a value.

use super::Walk;
use super::scope::{Scope, TensorId};
use crate::error::ImportError;
use crate::onnx::call::bad_attribute;
use crate::onnx::element::ElementType;
use crate::onnx::proto::{AttributeProto, GraphProto, TensorProto};
use crate::onnx::reason::Reason;
use crate::onnx::tensor::{Tensor, Value, extents};

impl<'m> Walk<'m> {
    /// The tensor of a constant, which is one however often a loop meets it at its place in memory; a constant
    /// without a place is another each time.
    pub(super) fn constant(
        &mut self,
        place: Option<usize>,
        tensor: impl FnOnce() -> Result<Tensor, Reason>,
    ) -> Result<TensorId, Reason> {
        if let Some(id) = place.and_then(|place| self.constants.get(&place)) {
            return Ok(*id);
        }
        let id = self.add(Some(Tensor { is_weight: true, ..tensor()? }));
        self.known_mut(id).is_constant = true;
        self.constants.extend(place.map(|place| (place, id)));
        Ok(id)
    }

    pub(super) fn define_constants(
        &mut self,
        graph: &'m GraphProto,
        scope: &mut Scope<'m, '_>,
    ) -> Result<(), ImportError> {
        let dense = graph.initializer.iter().map(|proto| (proto, None));
        let sparse = graph
            .sparse_initializer
            .iter()
            .filter_map(|sparse| sparse.values.as_ref().map(|proto| (proto, Some(sparse.dims.as_slice()))));
        for (proto, sparse_dims) in dense.chain(sparse) {
            let of_constant = |reason| ImportError::Constant { constant: proto.name.clone(), reason };
            let tensor = || constant_tensor(proto, sparse_dims);
            let id = self.constant(Some(std::ptr::from_ref(proto).addr()), tensor).map_err(of_constant)?;
            if !scope.define(&proto.name, Some(id)) {
                return Err(of_constant(Reason::Twice { tensor: proto.name.clone() }));
            }
        }
        Ok(())
    }
}

fn constant_tensor(proto: &TensorProto, sparse_dims: Option<&[i64]>) -> Result<Tensor, Reason> {
    let tensor = Tensor::of_constant(proto)?;
    match sparse_dims {
        None => Ok(tensor),
        Some(dims) => Tensor::new(tensor.element, extents(dims)?),
    }
}

/// The tensor of a `Constant` node, which states it in one of several attributes.
pub(super) fn constant_node(attributes: &[(&str, &AttributeProto)]) -> Result<Tensor, Reason> {
    let missing = || bad_attribute("value", "is missing");
    let (name, attribute) = attributes.first().ok_or_else(missing)?;
    let one = |element, value| Ok(Tensor::new(element, Vec::new())?.with_value(Some(value)));
    let list =
        |element, value: Value| Ok(Tensor::new(element, vec![value.len() as u64])?.with_value(Some(value)));
    match *name {
        "value" => constant_tensor(attribute.t.as_ref().ok_or_else(missing)?, None),
        "sparse_value" => {
            let sparse = attribute.sparse_tensor.as_ref().ok_or_else(missing)?;
            constant_tensor(sparse.values.as_ref().ok_or_else(missing)?, Some(&sparse.dims))
        }
        "value_int" => one(ElementType::INT64, Value::Integers(vec![attribute.i])),
        "value_ints" => list(ElementType::INT64, Value::Integers(attribute.ints.clone())),
        "value_float" => one(ElementType::Float32, Value::Reals(vec![attribute.f.into()])),
        "value_floats" => {
            let all = attribute.floats.iter().map(|value| f64::from(*value)).collect();
            list(ElementType::Float32, Value::Reals(all))
        }
        "value_string" => Tensor::new(ElementType::Text, Vec::new()),
        _ => Err(missing()),
    }
}
