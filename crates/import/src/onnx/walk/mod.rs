//! The walk over a graph: every node that an inference executes, in the order of the file.
//!
//! Nodes are computed in the sense of shapes: each gives tensors of a type with extents, and the elements of small ones
//! where they follow from shapes and constants. A branch that is not taken is not walked; the body of a loop is walked
//! once for every iteration, and a function where it is called. What a node is, its operator's rule says.

mod constants;
mod control;
mod counting;
mod inputs;
mod rules;
mod scope;
mod sequences;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use rtmm_workload::input::visible;

use super::call::{Domain, bad_attribute, shown};
use super::limits::{MAX_EXECUTED, MAX_NESTING, MAX_VISITED};
use super::options::Options;
use super::proto::{
    AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, ValueInfoProto,
};
use super::reason::Reason;
use super::registry;
use super::tensor::Tensor;
use crate::error::ImportError;
use crate::layer::ImportedLayer;
use crate::model::Unsupported;
use scope::{Scope, TensorId};

/// A tensor of an inference.
struct Known {
    /// Its facts; none of a sequence, and if a node without a rule gives it.
    tensor: Option<Tensor>,
    /// The tensors of a sequence.
    items: Option<Vec<TensorId>>,
    /// True for a constant of the file.
    is_constant: bool,
    /// True if its elements are among the parameters already.
    is_counted: bool,
    /// Positions of the node that gives it and of the last one that reads it.
    first: usize,
    last: usize,
    /// True if a node reads it.
    is_read: bool,
    is_input: bool,
    is_output: bool,
}

/// Surroundings of nodes: what the graph around them settles.
#[derive(Clone, Copy)]
struct Frame<'m, 'f> {
    opsets: &'m [OperatorSetIdProto],
    /// Types of tensors as the writer of the file inferred them.
    declared: &'f BTreeMap<&'m str, &'m ValueInfoProto>,
    /// Attributes of the call of the function that the nodes are in.
    bindings: &'f [(&'m str, &'m AttributeProto)],
    depth: u32,
}

/// Types of tensors that a graph declares by name, where nodes may be left out for want of a rule.
fn declared<'m>(graph: &'m GraphProto, options: &Options) -> BTreeMap<&'m str, &'m ValueInfoProto> {
    let infos = graph.value_info.iter().filter(|_| options.skips_unsupported);
    infos.map(|info| (info.name.as_str(), info)).collect()
}

/// Attributes of a node by name.
type Attributes<'m> = Vec<(&'m str, &'m AttributeProto)>;

/// An inference as far as it is walked.
pub(crate) struct Walk<'m> {
    options: &'m Options,
    opsets: &'m [OperatorSetIdProto],
    functions: BTreeMap<(&'m str, &'m str), &'m FunctionProto>,
    tensors: Vec<Known>,
    /// Tensors of the constants that were met, by the place of the constant in memory: a loop meets them again.
    constants: BTreeMap<usize, TensorId>,
    /// Number of nodes that were executed.
    executed: usize,
    /// Number of nodes, tensors, constants and graphs that were met.
    visited: usize,
    /// Positions of the layers' nodes among those that were executed.
    positions: Vec<usize>,
    layers: Vec<ImportedLayer>,
    names: BTreeMap<String, u64>,
    macs: u64,
    parameters: u64,
    free: u64,
    lost: u64,
    unsupported: Vec<Unsupported>,
    /// Branches and loops that run, by their outputs.
    known_branches: BTreeSet<&'m str>,
    known_loops: BTreeSet<&'m str>,
}

/// Result of a walk.
#[derive(PartialEq)]
pub(crate) struct Found {
    pub layers: Vec<ImportedLayer>,
    pub macs: u64,
    pub parameters: u64,
    pub free: u64,
    pub lost: u64,
    pub peak_activation_bytes: u64,
    pub unsupported: Vec<Unsupported>,
    /// Inputs and outputs of the model with their extents.
    pub inputs: Vec<String>,
    pub outputs: Vec<String>,
}

/// The name by which a node is known: its first output, or its own name if it has none.
fn label(node: &NodeProto) -> &str {
    node.output.iter().find(|output| !output.is_empty()).map_or(node.name.as_str(), String::as_str)
}

/// The operator of a node, with its domain where it is not that of ONNX.
fn operator_of(node: &NodeProto) -> String {
    let operator = match node.domain.as_str() {
        "" => Cow::Borrowed(node.op_type.as_str()),
        domain => Cow::Owned(format!("{domain}:{}", node.op_type)),
    };
    visible(&operator).into_owned()
}

/// A reason with the node that has it.
fn of_node(node: &NodeProto, reason: Reason) -> ImportError {
    ImportError::Node { node: visible(label(node)).into_owned(), operator: operator_of(node), reason }
}

/// Attributes of a node, those that stand for attributes of a call replaced by them.
fn resolved<'m>(node: &'m NodeProto, frame: Frame<'m, '_>) -> Attributes<'m> {
    let find = |attribute: &'m AttributeProto| {
        if attribute.ref_attr_name.is_empty() {
            return Some((attribute.name.as_str(), attribute));
        }
        let bound = frame.bindings.iter().find(|(name, _)| *name == attribute.ref_attr_name)?;
        Some((attribute.name.as_str(), bound.1))
    };
    node.attribute.iter().filter_map(find).collect()
}

/// The graph that an attribute holds.
fn graph_of<'m>(attributes: &Attributes<'m>, name: &str) -> Result<&'m GraphProto, Reason> {
    let found =
        attributes.iter().find(|(known, _)| *known == name).and_then(|(_, attribute)| attribute.g.as_ref());
    found.ok_or_else(|| bad_attribute(name, "holds no graph"))
}

impl<'m> Walk<'m> {
    /// Walks the graph of a model.
    pub(crate) fn run(
        model: &'m ModelProto,
        graph: &'m GraphProto,
        options: &'m Options,
    ) -> Result<Found, ImportError> {
        let functions = model
            .functions
            .iter()
            .map(|function| ((function.domain.as_str(), function.name.as_str()), function));
        let mut walk = Self {
            options,
            opsets: &model.opset_import,
            functions: functions.collect(),
            tensors: Vec::new(),
            constants: BTreeMap::new(),
            executed: 0,
            visited: 0,
            positions: Vec::new(),
            layers: Vec::new(),
            names: BTreeMap::new(),
            macs: 0,
            parameters: 0,
            free: 0,
            lost: 0,
            unsupported: Vec::new(),
            known_branches: BTreeSet::new(),
            known_loops: BTreeSet::new(),
        };
        let mut scope = Scope::new();
        walk.define_constants(graph, &mut scope)?;
        let inputs = walk.define_inputs(graph, &mut scope)?;
        let declared = declared(graph, options);
        let frame = Frame { opsets: &model.opset_import, declared: &declared, bindings: &[], depth: 0 };
        walk.nodes(&graph.node, &mut scope, frame)?;
        let mut outputs = Vec::new();
        for output in &graph.output {
            let found = scope.find(&output.name).flatten();
            let tensor = found.ok_or_else(|| ImportError::Output { output: output.name.clone() })?;
            walk.known_mut(tensor).is_output = true;
            let dims = walk
                .known(tensor)
                .tensor
                .as_ref()
                .map_or_else(|| "?".to_owned(), |tensor| shown(&tensor.dims));
            outputs.push(format!("{} {dims}", output.name));
        }
        walk.check_choices()?;
        Ok(walk.finish(inputs, outputs))
    }

    fn known(&self, id: TensorId) -> &Known {
        &self.tensors[id.0 as usize]
    }

    fn known_mut(&mut self, id: TensorId) -> &mut Known {
        &mut self.tensors[id.0 as usize]
    }

    /// Adds a tensor that the node in question gives.
    fn add(&mut self, tensor: Option<Tensor>) -> TensorId {
        let position = self.executed.saturating_sub(1);
        let id = TensorId(self.tensors.len() as u32);
        self.tensors.push(Known {
            tensor,
            items: None,
            is_constant: false,
            is_counted: false,
            first: position,
            last: position,
            is_read: false,
            is_input: false,
            is_output: false,
        });
        id
    }

    /// Notes that the node in question reads a tensor.
    fn read(&mut self, id: TensorId) {
        let position = self.executed.saturating_sub(1);
        let known = self.known_mut(id);
        known.last = position;
        known.is_read = true;
    }

    fn nodes(
        &mut self,
        nodes: &'m [NodeProto],
        scope: &mut Scope<'m, '_>,
        frame: Frame<'m, '_>,
    ) -> Result<(), ImportError> {
        for (position, node) in nodes.iter().enumerate() {
            let result = self.node(node, scope, frame);
            let later = &nodes[position..];
            result.map_err(|failure| match failure {
                Failure::Node(Reason::Unordered { tensor, cause }) => {
                    let is_later = later.iter().any(|node| node.output.contains(&tensor));
                    let cause = if is_later { LATER } else { cause };
                    of_node(node, Reason::Unordered { tensor, cause })
                }
                Failure::Node(reason) => of_node(node, reason),
                Failure::Inner(error) => error,
            })?;
        }
        Ok(())
    }

    fn node(
        &mut self,
        node: &'m NodeProto,
        scope: &mut Scope<'m, '_>,
        frame: Frame<'m, '_>,
    ) -> Result<(), Failure> {
        if frame.depth > MAX_NESTING {
            return Err(Reason::TooDeep.into());
        }
        self.visit(1 + node.input.len() + node.output.len())?;
        let attributes = resolved(node, frame);
        let domain = Domain::of(&node.domain);
        if let Some(function) = self.functions.get(&(node.domain.as_str(), node.op_type.as_str())).copied() {
            return self.call(node, function, attributes, scope, frame);
        }
        match (domain, node.op_type.as_str()) {
            (Some(Domain::Onnx), "Constant") => {
                let tensor = || constants::constant_node(&attributes);
                // An attribute of a call gives each call a constant of its own.
                let is_own = node.attribute.iter().all(|attribute| attribute.ref_attr_name.is_empty());
                let id = self.constant(is_own.then(|| std::ptr::from_ref(node).addr()), tensor)?;
                define(scope, node.output.first(), id)
            }
            (Some(Domain::Onnx), "If") => self.branch(node, &attributes, scope, frame),
            (Some(Domain::Onnx), "Loop") => self.repeat(node, &attributes, scope, frame),
            (Some(Domain::Onnx), "Scan") => self.scan(node, &attributes, scope, frame),
            (Some(Domain::Onnx), operator) if registry::SEQUENCES.contains(&operator) => {
                match self.sequence(node, &attributes, scope, frame) {
                    Err(Failure::Node(reason)) if self.skips(&reason) => {
                        self.leave_out(node, &reason, scope, frame)
                    }
                    result => result,
                }
            }
            _ => self.operator(node, domain, &attributes, scope, frame),
        }
    }

    /// Counts nodes, constants or graphs that are met: bodies of loops may be long and execute nothing.
    fn visit(&mut self, count: usize) -> Result<(), Reason> {
        self.visited = self.visited.saturating_add(count);
        if self.visited > MAX_VISITED { Err(Reason::TooLong) } else { Ok(()) }
    }

    /// Counts an executed node.
    fn execute(&mut self) -> Result<(), Reason> {
        if self.executed >= MAX_EXECUTED {
            return Err(Reason::TooLong);
        }
        self.executed += 1;
        Ok(())
    }

    fn inputs_of(&self, node: &NodeProto, scope: &Scope<'m, '_>) -> Result<Vec<Option<TensorId>>, Reason> {
        let find = |name: &String| {
            if name.is_empty() {
                return Ok(None);
            }
            scope.find(name).ok_or_else(|| Reason::Unordered { tensor: name.clone(), cause: NEVER })
        };
        node.input.iter().map(find).collect()
    }
}

const NEVER: &str = "no earlier node, constant or input gives";
const LATER: &str = "only this node or a later one gives: the graph is cyclic or out of order";

/// A failure of a node, or of one in a graph within it, which is named already.
enum Failure {
    Node(Reason),
    Inner(ImportError),
}

impl From<Reason> for Failure {
    fn from(reason: Reason) -> Self {
        Self::Node(reason)
    }
}

impl From<ImportError> for Failure {
    fn from(error: ImportError) -> Self {
        Self::Inner(error)
    }
}

/// Gives a tensor the name of an output, unless the output is left out.
fn define<'m>(scope: &mut Scope<'m, '_>, name: Option<&'m String>, id: TensorId) -> Result<(), Failure> {
    match name.filter(|name| !name.is_empty()) {
        Some(name) if !scope.define(name, Some(id)) => Err(Reason::Twice { tensor: name.clone() }.into()),
        _ => Ok(()),
    }
}

/// The version of the operators of a domain.
fn version_of(opsets: &[OperatorSetIdProto], domain: &str) -> i64 {
    let plain = |domain: &str| if domain == "ai.onnx" { String::new() } else { domain.to_owned() };
    let found = opsets.iter().find(|opset| plain(&opset.domain) == plain(domain));
    found.map_or(1, |opset| opset.version)
}
