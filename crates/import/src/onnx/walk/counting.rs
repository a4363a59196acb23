//! Counts of a walk: layers, multiply-accumulates, parameters, activations.

use rtmm_workload::input::visible;

use super::scope::TensorId;
use super::{Failure, Found, Known, Walk, label};
use crate::layer::{ImportedLayer, ImportedOperator};
use crate::onnx::liveness::{Life, Liveness};
use crate::onnx::proto::NodeProto;
use crate::onnx::reason::Reason;

impl Walk<'_> {
    /// Counts the work and the weights of an executed node. Nodes that compute shapes read no weights.
    pub(super) fn count(
        &mut self,
        node: &NodeProto,
        auxiliary: &[usize],
        inputs: &[Option<TensorId>],
        operator: Option<ImportedOperator>,
        packed: Option<(usize, u64)>,
        is_shape: bool,
    ) -> Result<(), Failure> {
        let is_matrix_work = operator.as_ref().is_some_and(ImportedOperator::is_matrix_work);
        for (position, id) in inputs.iter().enumerate() {
            let Some(id) = id.filter(|_| !is_shape && !is_auxiliary(node, auxiliary, position)) else {
                continue;
            };
            let known = self.known_mut(id);
            let Some(tensor) = known.tensor.as_ref().filter(|_| known.is_constant && !known.is_counted)
            else {
                continue;
            };
            if tensor.element.is_rarely_weight() && !is_matrix_work {
                continue;
            }
            let elements =
                packed.filter(|(input, _)| *input == position).map_or(tensor.elements(), |(_, count)| count);
            known.is_counted = true;
            self.parameters = self.parameters.saturating_add(elements);
        }
        let Some(operator) = operator else {
            self.free += 1;
            return Ok(());
        };
        let too_large = || Reason::TooLarge { what: "multiply-accumulates" };
        let macs = operator.macs().ok_or_else(too_large)?;
        self.macs = self.macs.checked_add(macs).ok_or_else(too_large)?;
        let name = self.unique(&visible(label(node)));
        self.positions.push(self.executed - 1);
        self.layers.push(ImportedLayer {
            name,
            node_name: node.name.clone(),
            node_operator: node.op_type.clone(),
            operator,
            macs,
            live_bytes: 0,
        });
        Ok(())
    }

    /// A name that no layer has yet: iterations of loops and calls of functions give the same ones again.
    fn unique(&mut self, name: &str) -> String {
        let mut times = self.names.get(name).copied().unwrap_or(0);
        let free = loop {
            times += 1;
            let candidate = if times == 1 { name.to_owned() } else { format!("{name}#{times}") };
            // A file may have such names itself.
            if times == 1 || !self.names.contains_key(&candidate) {
                break candidate;
            }
        };
        self.names.insert(name.to_owned(), times);
        self.names.entry(free.clone()).or_insert(1);
        free
    }

    /// Result of the walk; memory is known only now.
    pub(super) fn finish(mut self, inputs: Vec<String>, outputs: Vec<String>) -> Found {
        let life = |known: &Known| {
            let tensor = known.tensor.as_ref().filter(|tensor| !tensor.is_weight)?;
            if known.is_input && !known.is_read && !known.is_output {
                return None;
            }
            let last = (!known.is_output).then_some(known.last);
            Some(Life { first: known.first, last, bytes: tensor.bytes() })
        };
        let liveness = Liveness::of(self.executed, self.tensors.iter().filter_map(life));
        for (layer, position) in self.layers.iter_mut().zip(&self.positions) {
            layer.live_bytes = liveness.after(*position);
        }
        Found {
            layers: self.layers,
            macs: self.macs,
            parameters: self.parameters,
            free: self.free,
            lost: self.lost,
            peak_activation_bytes: liveness.peak(),
            unsupported: self.unsupported,
            inputs,
            outputs,
        }
    }
}

/// True for an input that holds a scale, a zero point, a shape or the like. The quantised join has a scale and a zero
/// point behind each of its inputs.
fn is_auxiliary(node: &NodeProto, auxiliary: &[usize], position: usize) -> bool {
    let is_behind_input = node.op_type == "QLinearConcat" && position >= 2 && position % 3 != 2;
    is_behind_input || auxiliary.contains(&position)
}
