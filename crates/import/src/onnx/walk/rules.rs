//! Nodes that a rule executes, and those that are left out for want of one.

use std::collections::BTreeMap;

use rtmm_workload::input::visible;

use super::scope::{Scope, TensorId};
use super::{Attributes, Failure, Frame, Walk, define, label, operator_of, version_of};
use crate::model::Unsupported;
use crate::onnx::call::{Call, Domain, Outcome};
use crate::onnx::proto::{NodeProto, ValueInfoProto};
use crate::onnx::reason::Reason;
use crate::onnx::registry;
use crate::onnx::tensor::Tensor;

impl<'m> Walk<'m> {
    /// Executes a node by the rule of its operator.
    pub(super) fn operator(
        &mut self,
        node: &'m NodeProto,
        domain: Option<Domain>,
        attributes: &Attributes<'m>,
        scope: &mut Scope<'m, '_>,
        frame: Frame<'m, '_>,
    ) -> Result<(), Failure> {
        self.execute()?;
        let inputs = self.inputs_of(node, scope)?;
        for id in inputs.iter().flatten() {
            self.read(*id);
        }
        if node.op_type == "Identity"
            && let [Some(id)] = inputs.as_slice()
            && self.known(*id).items.is_some()
        {
            self.free += 1;
            return define(scope, node.output.first(), *id);
        }
        let has_sequence = inputs.iter().flatten().any(|id| self.known(*id).items.is_some());
        let is_lost = |id: &TensorId| self.known(*id).tensor.is_none() && self.known(*id).items.is_none();
        if inputs.iter().flatten().any(is_lost) {
            return self.lose(node, scope, &BTreeMap::new());
        }
        let row = domain.and_then(|domain| registry::row(domain, &node.op_type));
        let outcome = row.ok_or(Reason::Operator).and_then(|row| {
            if has_sequence {
                return Err(Reason::Form("an operator on a sequence of tensors".to_owned()));
            }
            let tensors: Vec<Option<&Tensor>> =
                inputs.iter().map(|id| id.and_then(|id| self.known(id).tensor.as_ref())).collect();
            let call = Call {
                operator: &node.op_type,
                version: version_of(frame.opsets, &node.domain),
                attributes,
                inputs: &tensors,
                outputs: node.output.len(),
            };
            (row.rule)(&call).map(|outcome| (row, outcome))
        });
        let (row, outcome) = match outcome {
            Ok(found) => found,
            Err(reason) if self.skips(&reason) => return self.leave_out(node, &reason, scope, frame),
            Err(reason) => return Err(reason.into()),
        };
        let Outcome { outputs, operator, packed } = outcome;
        if node.output.len() > outputs.len() {
            return Err(Reason::Outputs { found: node.output.len(), most: outputs.len() }.into());
        }
        let kept = outputs.iter().filter_map(|output| output.value.as_ref());
        self.visit(kept.map(|value| value.len() / 8).sum())?;
        let given = || inputs.iter().flatten().filter_map(|id| self.known(*id).tensor.as_ref());
        let is_constant = given().next().is_some() && given().all(|tensor| tensor.is_weight);
        let named = &outputs[..node.output.len()];
        let is_known = named.iter().all(|output| output.value.is_some());
        let operator = operator.filter(|operator| operator.is_matrix_work() || !(is_known || is_constant));
        let is_shape = is_known && (!is_constant || named.iter().all(|output| output.element.is_integer()));
        self.count(node, row.auxiliary, &inputs, operator, packed, is_shape)?;
        for (name, output) in node.output.iter().zip(outputs) {
            let id = self.add(Some(Tensor { is_weight: is_constant, ..output }));
            define(scope, Some(name), id)?;
        }
        Ok(())
    }

    /// True for a reason for which the user wants nodes to be left out.
    pub(super) fn skips(&self, reason: &Reason) -> bool {
        self.options.skips_unsupported
            && matches!(reason, Reason::Operator | Reason::Form(_) | Reason::Data { .. })
    }

    /// Leaves a node out that has no rule, and notes the reason.
    pub(super) fn leave_out(
        &mut self,
        node: &'m NodeProto,
        reason: &Reason,
        scope: &mut Scope<'m, '_>,
        frame: Frame<'m, '_>,
    ) -> Result<(), Failure> {
        self.unsupported.push(Unsupported {
            node: visible(label(node)).into_owned(),
            operator: operator_of(node),
            reason: reason.to_string(),
        });
        self.lose(node, scope, frame.declared)
    }

    /// Leaves a node out: of what it gives only the types are known that the file declares.
    pub(super) fn lose(
        &mut self,
        node: &'m NodeProto,
        scope: &mut Scope<'m, '_>,
        declared: &BTreeMap<&'m str, &'m ValueInfoProto>,
    ) -> Result<(), Failure> {
        self.lost += 1;
        for name in &node.output {
            let tensor = declared.get(name.as_str()).and_then(|info| self.declared_tensor(info));
            let id = self.add(tensor);
            define(scope, Some(name), id)?;
        }
        Ok(())
    }
}
