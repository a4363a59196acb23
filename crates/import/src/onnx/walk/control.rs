//! Control flow: branches, loops, scans, and functions of the model's own.

use super::scope::{Scope, TensorId};
use super::{Attributes, Failure, Frame, Walk, declared, define, graph_of};
use crate::onnx::call::{axis, bad_attribute};
use crate::onnx::limits::MAX_EXECUTED;
use crate::onnx::options::Branch;
use crate::onnx::proto::{FunctionProto, GraphProto, NodeProto, ValueInfoProto};
use crate::onnx::reason::Reason;
use crate::onnx::tensor::Tensor;

impl<'m> Walk<'m> {
    /// Counts a node of control flow, which is no layer itself, and notes what it reads.
    fn enter(&mut self, node: &NodeProto, scope: &Scope<'m, '_>) -> Result<Vec<Option<TensorId>>, Reason> {
        self.execute()?;
        let inputs = self.inputs_of(node, scope)?;
        for id in inputs.iter().flatten() {
            self.read(*id);
        }
        self.free += 1;
        Ok(inputs)
    }

    /// Walks a graph within another, some of whose inputs are bound to tensors; gives its outputs.
    fn inner(
        &mut self,
        graph: &'m GraphProto,
        bound: &[TensorId],
        scope: &Scope<'m, '_>,
        frame: Frame<'m, '_>,
    ) -> Result<Vec<TensorId>, Failure> {
        self.visit(1 + graph.initializer.len() + graph.sparse_initializer.len())?;
        let mut inner = Scope::within(scope);
        for (input, id) in graph.input.iter().zip(bound) {
            define(&mut inner, Some(&input.name), *id)?;
        }
        self.define_constants(graph, &mut inner)?;
        let declared = declared(graph, self.options);
        let frame = Frame { declared: &declared, depth: frame.depth + 1, ..frame };
        self.nodes(&graph.node, &mut inner, frame)?;
        let output = |name: &String| {
            let found = inner.find(name).flatten();
            found.ok_or_else(|| Reason::Unordered {
                tensor: name.clone(),
                cause: "no node of its graph gives",
            })
        };
        Ok(graph.output.iter().map(|info| output(&info.name)).collect::<Result<_, _>>()?)
    }

    /// An `If`: the branch that the user states, or else the one that the condition takes.
    pub(super) fn branch(
        &mut self,
        node: &'m NodeProto,
        attributes: &Attributes<'m>,
        scope: &mut Scope<'m, '_>,
        frame: Frame<'m, '_>,
    ) -> Result<(), Failure> {
        let inputs = self.enter(node, scope)?;
        let condition = inputs.first().copied().flatten().ok_or(Reason::MissingInput { position: 0 })?;
        self.known_branches.extend(node.output.iter().map(String::as_str));
        let options = self.options;
        let stated = node.output.iter().find_map(|output| options.branches.get(output).copied());
        let computed = || {
            let value = self.known(condition).tensor.as_ref()?.known_integer()?;
            Some(if value != 0 { Branch::Then } else { Branch::Else })
        };
        let unknown = || Reason::Branch { condition: node.input.first().cloned().unwrap_or_default() };
        let name = match stated.or_else(computed).ok_or_else(unknown)? {
            Branch::Then => "then_branch",
            Branch::Else => "else_branch",
        };
        let outputs = self.inner(graph_of(attributes, name)?, &[], scope, frame)?;
        bind(node, &outputs, scope)
    }

    /// A `Loop`: as many iterations as the user states, or else as its count and its condition allow.
    pub(super) fn repeat(
        &mut self,
        node: &'m NodeProto,
        attributes: &Attributes<'m>,
        scope: &mut Scope<'m, '_>,
        frame: Frame<'m, '_>,
    ) -> Result<(), Failure> {
        let inputs = self.enter(node, scope)?;
        let body = graph_of(attributes, "body")?;
        self.known_loops.extend(node.output.iter().map(String::as_str));
        let options = self.options;
        let stated = node.output.iter().find_map(|output| options.trips.get(output).copied());
        let given = |position: usize| inputs.get(position).copied().flatten();
        let value =
            |walk: &Self, id: TensorId| walk.known(id).tensor.as_ref().and_then(Tensor::known_integer);
        // A count below zero is none.
        let count = given(0).map(|id| value(self, id).map(|count| u64::try_from(count).unwrap_or(0)));
        let mut goes_on = given(1).map_or(Some(1), |id| value(self, id));
        let mut states: Vec<TensorId> = Vec::new();
        for (position, id) in inputs.iter().enumerate().skip(2) {
            states.push(id.ok_or(Reason::MissingInput { position })?);
        }
        let collected = body.output.len().checked_sub(1 + states.len());
        let collected =
            collected.ok_or_else(|| bad_attribute("body", "has fewer outputs than the loop has states"))?;
        let mut slices: Vec<Vec<TensorId>> = vec![Vec::new(); collected];
        let mut trips = 0_u64;
        loop {
            let of_all = options.trips_of_all;
            let is_over = match (stated, count, goes_on) {
                (Some(stated), _, _) => trips >= stated,
                (None, Some(Some(count)), _) if trips >= count => true,
                (None, _, Some(0)) => true,
                (None, Some(Some(_)), Some(_)) => false,
                // Without a count a condition that stays true says nothing.
                (None, None, Some(_)) => of_all.is_some_and(|of_all| trips >= of_all),
                (None, _, _) => trips >= of_all.ok_or(Reason::Trips)?,
            };
            if is_over {
                break;
            }
            if trips >= MAX_EXECUTED as u64 {
                return Err(Reason::TooLong.into());
            }
            let iteration = self.add(Some(Tensor { is_weight: true, ..Tensor::integer(trips as i64) }));
            let condition = self.add(Some(Tensor { is_weight: true, ..truth() }));
            let bound = [&[iteration, condition], states.as_slice()].concat();
            let outputs = self.inner(body, &bound, scope, frame)?;
            goes_on = value(self, outputs[0]);
            states = outputs[1..=states.len()].to_vec();
            for (slices, id) in slices.iter_mut().zip(&outputs[1 + states.len()..]) {
                slices.push(*id);
            }
            trips += 1;
        }
        let mut outputs = states;
        for (place, slices) in slices.iter().enumerate() {
            let info = &body.output[body.output.len() - collected + place];
            outputs.push(self.stacked(slices, 0, info)?);
        }
        bind(node, &outputs, scope)
    }

    /// A `Scan`: an iteration for every slice of its scanned inputs.
    pub(super) fn scan(
        &mut self,
        node: &'m NodeProto,
        attributes: &Attributes<'m>,
        scope: &mut Scope<'m, '_>,
        frame: Frame<'m, '_>,
    ) -> Result<(), Failure> {
        let inputs = self.enter(node, scope)?;
        if super::version_of(frame.opsets, &node.domain) < 9 {
            return Err(Reason::Form("a `Scan` over batches, as operator set 8 has it".to_owned()).into());
        }
        let body = graph_of(attributes, "body")?;
        let find =
            |name: &str| attributes.iter().find(|(known, _)| *known == name).map(|(_, attribute)| *attribute);
        let axes = |name: &str| find(name).map(|attribute| attribute.ints.as_slice()).unwrap_or_default();
        let scanned = find("num_scan_inputs").and_then(|attribute| usize::try_from(attribute.i).ok());
        let scanned = scanned.filter(|scanned| (1..=inputs.len()).contains(scanned));
        let scanned = scanned.ok_or_else(|| bad_attribute("num_scan_inputs", "does not fit the inputs"))?;
        let given: Option<Vec<TensorId>> = inputs.iter().copied().collect();
        let given = given.ok_or(Reason::MissingInput { position: 0 })?;
        let (states, sequences) = given.split_at(given.len() - scanned);
        let mut states = states.to_vec();
        let mut steps = None;
        let mut slices = Vec::new();
        for (place, id) in sequences.iter().enumerate() {
            let Some(tensor) = self.known(*id).tensor.clone() else {
                return self.lose(node, scope, frame.declared);
            };
            let along = axis(axes("scan_input_axes").get(place).copied().unwrap_or(0), tensor.rank())?;
            let mut dims = tensor.dims.clone();
            let extent = dims.remove(along);
            if *steps.get_or_insert(extent) != extent {
                let message = format!("a scan over {extent} slices of one input and others of another");
                return Err(Reason::Shapes(message).into());
            }
            slices.push(Tensor { is_weight: tensor.is_weight, ..Tensor::new(tensor.element, dims)? });
        }
        let steps = steps.unwrap_or(0);
        if steps > MAX_EXECUTED as u64 {
            return Err(Reason::TooLong.into());
        }
        let collected = body.output.len().checked_sub(states.len());
        let collected =
            collected.ok_or_else(|| bad_attribute("body", "has fewer outputs than the scan has states"))?;
        let mut results: Vec<Vec<TensorId>> = vec![Vec::new(); collected];
        for _ in 0..steps {
            let mut bound = states.clone();
            for slice in &slices {
                bound.push(self.add(Some(slice.clone())));
            }
            let outputs = self.inner(body, &bound, scope, frame)?;
            for (results, id) in results.iter_mut().zip(&outputs[states.len()..]) {
                results.push(*id);
            }
            states = outputs[..states.len()].to_vec();
        }
        let mut outputs = states;
        for (place, results) in results.iter().enumerate() {
            let info = &body.output[body.output.len() - collected + place];
            let along = axes("scan_output_axes").get(place).copied().unwrap_or(0);
            outputs.push(self.stacked(results, along, info)?);
        }
        bind(node, &outputs, scope)
    }

    /// A call of a function of the model's own, whose nodes are executed in its place.
    pub(super) fn call(
        &mut self,
        node: &'m NodeProto,
        function: &'m FunctionProto,
        attributes: Attributes<'m>,
        scope: &mut Scope<'m, '_>,
        frame: Frame<'m, '_>,
    ) -> Result<(), Failure> {
        self.visit(1)?;
        let inputs = self.inputs_of(node, scope)?;
        let mut inner = Scope::new();
        for (position, name) in function.input.iter().enumerate() {
            let id = inputs.get(position).copied().flatten();
            if !inner.define(name, id) {
                return Err(Reason::Twice { tensor: name.clone() }.into());
            }
        }
        let mut bindings = attributes;
        for default in &function.attribute_proto {
            if !bindings.iter().any(|(name, _)| *name == default.name) {
                bindings.push((&default.name, default));
            }
        }
        let opsets = if function.opset_import.is_empty() { self.opsets } else { &function.opset_import };
        let declared = std::collections::BTreeMap::new();
        let frame = Frame { opsets, declared: &declared, bindings: &bindings, depth: frame.depth + 1 };
        self.nodes(&function.node, &mut inner, frame)?;
        for (name, output) in node.output.iter().zip(&function.output) {
            let found = inner.find(output).flatten();
            let missing =
                || Reason::Unordered { tensor: output.clone(), cause: "no node of its function gives" };
            define(scope, Some(name), found.ok_or_else(missing)?)?;
        }
        Ok(())
    }

    /// The tensor of the results of all iterations along a new axis.
    fn stacked(
        &mut self,
        slices: &[TensorId],
        along: i64,
        declared: &ValueInfoProto,
    ) -> Result<TensorId, Reason> {
        let first = match slices.first() {
            Some(id) => self.known(*id).tensor.clone(),
            // Without an iteration only the file says what one would give.
            None => self.declared_tensor(declared),
        };
        let stacked = match first {
            None => None,
            Some(first) => {
                let along = axis(along, first.rank() + 1)?;
                let mut dims = first.dims.clone();
                dims.insert(along, slices.len() as u64);
                let is_weight = !slices.is_empty() && first.is_weight;
                Some(Tensor { is_weight, ..Tensor::new(first.element, dims)? })
            }
        };
        for id in slices {
            self.read(*id);
        }
        Ok(self.add(stacked))
    }
}

/// A true condition.
fn truth() -> Tensor {
    Tensor { element: crate::onnx::element::ElementType::Bool, ..Tensor::integer(1) }
}

/// Gives the results of a graph the names of the node's outputs.
fn bind<'m>(node: &'m NodeProto, outputs: &[TensorId], scope: &mut Scope<'m, '_>) -> Result<(), Failure> {
    if node.output.len() > outputs.len() {
        return Err(Reason::Outputs { found: node.output.len(), most: outputs.len() }.into());
    }
    for (name, id) in node.output.iter().zip(outputs) {
        define(scope, Some(name), *id)?;
    }
    Ok(())
}
