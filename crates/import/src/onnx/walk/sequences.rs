//! Sequences of tensors: lists that nodes take apart and put together. They hold tensors, and copy none.

use super::scope::{Scope, TensorId};
use super::{Attributes, Failure, Frame, Walk, define, version_of};
use crate::layer::ImportedOperator;
use crate::onnx::call::{Call, Domain, axis, bad_attribute};
use crate::onnx::proto::NodeProto;
use crate::onnx::reason::Reason;
use crate::onnx::registry;
use crate::onnx::tensor::{Tensor, extents};

impl<'m> Walk<'m> {
    /// Executes a node that gives or takes a sequence.
    pub(super) fn sequence(
        &mut self,
        node: &'m NodeProto,
        attributes: &Attributes<'m>,
        scope: &mut Scope<'m, '_>,
        frame: Frame<'m, '_>,
    ) -> Result<(), Failure> {
        self.execute()?;
        let inputs = self.inputs_of(node, scope)?;
        for id in inputs.iter().flatten() {
            self.read(*id);
        }
        let is_unknown = |id: &TensorId| self.known(*id).tensor.is_none() && self.known(*id).items.is_none();
        if inputs.iter().flatten().any(is_unknown) {
            return self.lose(node, scope, frame.declared);
        }
        let result = match node.op_type.as_str() {
            "SequenceEmpty" => self.add_sequence(Vec::new()),
            "SequenceConstruct" => self.add_sequence(inputs.iter().flatten().copied().collect()),
            "SequenceInsert" => {
                let mut items = self.items(&inputs)?;
                let tensor = inputs.get(1).copied().flatten().ok_or(Reason::MissingInput { position: 1 })?;
                let end = items.len();
                let at = if inputs.get(2).copied().flatten().is_some() {
                    self.place(&inputs, 2, end + 1)?
                } else {
                    end
                };
                items.insert(at, tensor);
                self.add_sequence(items)
            }
            "SequenceErase" => {
                let mut items = self.items(&inputs)?;
                let last = items.len().checked_sub(1).ok_or_else(nothing)?;
                let at = if inputs.get(1).copied().flatten().is_some() {
                    self.place(&inputs, 1, last + 1)?
                } else {
                    last
                };
                items.remove(at);
                self.add_sequence(items)
            }
            "SequenceAt" => {
                let items = self.items(&inputs)?;
                let item = items[self.place(&inputs, 1, items.len())?];
                self.read(item);
                item
            }
            "SequenceLength" => {
                let length = self.items(&inputs)?.len() as i64;
                self.add(Some(Tensor::integer(length)))
            }
            "SplitToSequence" => self.split(&inputs, attributes)?,
            _ => return self.join(node, &inputs, attributes, scope, frame),
        };
        self.count(node, &[], &inputs, None, None, false)?;
        define(scope, node.output.first(), result)
    }

    fn add_sequence(&mut self, items: Vec<TensorId>) -> TensorId {
        let id = self.add(None);
        self.known_mut(id).items = Some(items);
        id
    }

    /// The tensors of the sequence that a node takes first.
    fn items(&mut self, inputs: &[Option<TensorId>]) -> Result<Vec<TensorId>, Reason> {
        let id = inputs.first().copied().flatten().ok_or(Reason::MissingInput { position: 0 })?;
        let items = self
            .known(id)
            .items
            .clone()
            .ok_or_else(|| Reason::Shapes("its input is no sequence".to_owned()))?;
        self.visit(items.len())?;
        Ok(items)
    }

    /// A stated place of a sequence, counted from the end where it is negative.
    fn place(&self, inputs: &[Option<TensorId>], position: usize, length: usize) -> Result<usize, Reason> {
        let id = inputs.get(position).copied().flatten().ok_or(Reason::MissingInput { position })?;
        let stated = self.known(id).tensor.as_ref().and_then(Tensor::known_integer);
        axis(stated.ok_or(Reason::Data { position })?, length)
            .map_err(|_| Reason::Shapes(format!("a place outside of a sequence of {length} tensors")))
    }

    /// Parts of a tensor as a sequence: of stated sizes, of one size, or single ones.
    fn split(
        &mut self,
        inputs: &[Option<TensorId>],
        attributes: &Attributes<'m>,
    ) -> Result<TensorId, Reason> {
        let id = inputs.first().copied().flatten().ok_or(Reason::MissingInput { position: 0 })?;
        let tensor = self
            .known(id)
            .tensor
            .clone()
            .ok_or_else(|| Reason::Shapes("its input is a sequence".to_owned()))?;
        let number = |name: &str, default: i64| {
            attributes.iter().find(|(known, _)| *known == name).map_or(default, |(_, attribute)| attribute.i)
        };
        let along = axis(number("axis", 0), tensor.rank())?;
        let extent = tensor.dims[along];
        let sizes = match inputs.get(1).copied().flatten() {
            None => None,
            Some(sizes) => {
                let sizes = self.known(sizes).tensor.as_ref();
                let known = sizes.and_then(Tensor::known_integers).ok_or(Reason::Data { position: 1 })?;
                Some((extents(known)?, sizes.is_some_and(|sizes| sizes.rank() == 0)))
            }
        };
        let is_single = sizes.is_none();
        let sizes = match sizes {
            Some((sizes, false)) => sizes,
            Some((size, true)) => equal_parts(extent, size.first().copied().unwrap_or(0))?,
            None => equal_parts(extent, 1)?,
        };
        if sizes.iter().try_fold(0_u64, |sum, size| sum.checked_add(*size)) != Some(extent) {
            return Err(Reason::Shapes(format!("an extent of {extent} is not split into {sizes:?}")));
        }
        self.visit(sizes.len())?;
        let mut items = Vec::with_capacity(sizes.len());
        for size in sizes {
            let mut dims = tensor.dims.clone();
            if is_single && number("keepdims", 1) == 0 {
                dims.remove(along);
            } else {
                dims[along] = size;
            }
            let part = Tensor { is_weight: tensor.is_weight, ..Tensor::new(tensor.element, dims)? };
            items.push(self.add(Some(part)));
        }
        Ok(self.add_sequence(items))
    }

    /// The tensors of a sequence next to each other, along an axis that they have or a new one.
    fn join(
        &mut self,
        node: &'m NodeProto,
        inputs: &[Option<TensorId>],
        attributes: &Attributes<'m>,
        scope: &mut Scope<'m, '_>,
        frame: Frame<'m, '_>,
    ) -> Result<(), Failure> {
        let items = self.items(inputs)?;
        for item in &items {
            self.read(*item);
        }
        let number =
            |name: &str| attributes.iter().find(|(known, _)| *known == name).map(|(_, found)| found.i);
        let stated = number("axis").ok_or_else(|| bad_attribute("axis", "is missing"))?;
        let tensors: Option<Vec<Tensor>> =
            items.iter().map(|item| self.known(*item).tensor.clone()).collect();
        let Some(mut tensors) = tensors else { return self.lose(node, scope, frame.declared) };
        if number("new_axis") == Some(1) {
            let along = axis(stated, tensors.first().ok_or_else(nothing)?.rank() + 1)?;
            for tensor in &mut tensors {
                let mut dims = tensor.dims.clone();
                if along > dims.len() {
                    return Err(
                        Reason::Shapes("tensors of different dimensions in one sequence".to_owned()).into()
                    );
                }
                dims.insert(along, 1);
                *tensor = Tensor { is_weight: tensor.is_weight, ..Tensor::new(tensor.element, dims)? };
            }
        }
        let given: Vec<Option<&Tensor>> = tensors.iter().map(Some).collect();
        let call = Call {
            operator: "Concat",
            version: version_of(frame.opsets, &node.domain),
            attributes,
            inputs: &given,
            outputs: 1,
        };
        let row = registry::row(Domain::Onnx, "Concat").ok_or(Reason::Operator)?;
        let outcome = (row.rule)(&call)?;
        let output = outcome.outputs.into_iter().next().ok_or(Reason::Operator)?;
        let is_weight = tensors.iter().all(|tensor| tensor.is_weight);
        let operator: Option<ImportedOperator> =
            outcome.operator.filter(|_| !is_weight && output.value.is_none());
        let is_shape = output.value.is_some();
        let read: Vec<Option<TensorId>> = items.into_iter().map(Some).collect();
        self.count(node, &[], &read, operator, None, is_shape)?;
        let id = self.add(Some(Tensor { is_weight, ..output }));
        define(scope, node.output.first(), id)
    }
}

fn nothing() -> Reason {
    Reason::Shapes("a sequence without tensors".to_owned())
}

/// Parts of one size, of which the last may be smaller.
fn equal_parts(extent: u64, size: u64) -> Result<Vec<u64>, Reason> {
    let parts = extent.checked_add(size).and_then(|sum| (sum.saturating_sub(1)).checked_div(size));
    let parts = parts.filter(|parts| *parts <= crate::onnx::limits::MAX_EXECUTED as u64);
    let parts = parts.ok_or_else(|| Reason::Shapes(format!("an extent of {extent} in parts of {size}")))?;
    Ok((0..parts).map(|part| size.min(extent - part * size)).collect())
}
