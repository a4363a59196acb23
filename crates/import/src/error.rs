//! Errors of imports.

use std::fmt;

use rtmm_workload::input::suggestion;
use thiserror::Error;

use crate::model::Unsupported;
use crate::onnx::Reason;

/// An extent of an input that the file leaves open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenDimension {
    /// Name of the extent, or `INPUT[AXIS]` where it has none.
    pub name: String,
    /// Input that has it first.
    pub input: String,
    /// Axis of that input, from 0.
    pub axis: usize,
}

impl fmt::Display for OpenDimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` (axis {} of `{}`)", self.name, self.axis, self.input)
    }
}

/// The kinds of choices that a user states by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// An extent.
    Dimension,
    /// Values of an input.
    Input,
    /// A branch.
    Branch,
    /// A number of iterations.
    Trips,
}

impl Choice {
    /// The option of the command line.
    #[must_use]
    pub const fn option(self) -> &'static str {
        match self {
            Self::Dimension => "--dim",
            Self::Input => "--input",
            Self::Branch => "--branch",
            Self::Trips => "--trips",
        }
    }

    const fn noun(self) -> &'static str {
        match self {
            Self::Dimension => "open extent of an input",
            Self::Input => "input of the model",
            Self::Branch => "output of an `If` that runs",
            Self::Trips => "output of a `Loop` that runs",
        }
    }
}

/// Why a model cannot be imported.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImportError {
    /// The file cannot be read.
    #[error("{file}: cannot be read: {problem}")]
    Unreadable {
        /// Name of the file.
        file: String,
        /// Message of the system.
        problem: String,
    },
    /// The bytes are no ONNX model.
    #[error("this is no ONNX model: {problem}")]
    Malformed {
        /// The problem, with its place where there is one.
        problem: String,
    },
    /// The operator set is too old or too new, or none is stated.
    #[error("the model {}; {} to {} are supported", stated(*version), crate::onnx::OLDEST, crate::onnx::NEWEST)]
    OperatorSet {
        /// Version of the set; 0 where none is stated.
        version: i64,
    },
    /// An input that no shape is known of.
    #[error("input `{input}` {problem}")]
    Input {
        /// Name of the input.
        input: String,
        /// The problem.
        problem: String,
    },
    /// Extents of an input that are beyond all bounds.
    #[error("input `{input}`: {reason}")]
    Extents {
        /// Name of the input.
        input: String,
        /// The problem.
        reason: Reason,
    },
    /// Values of an input that do not fit it.
    #[error("input `{input}` {problem}")]
    Values {
        /// Name of the input.
        input: String,
        /// The problem.
        problem: String,
    },
    /// A constant that makes no sense.
    #[error("constant `{constant}`: {reason}")]
    Constant {
        /// Name of the constant.
        constant: String,
        /// The problem.
        reason: Reason,
    },
    /// An output of the graph that no node gives.
    #[error("no node gives the output `{output}`")]
    Output {
        /// Name of the output.
        output: String,
    },
    /// Extents that neither the file nor the user states.
    #[error("the extents of inputs are open: {}", listed(.0))]
    Open(Vec<OpenDimension>),
    /// A choice that the model does not have.
    #[error("`{name}` is no {}", choice.noun())]
    UnknownChoice {
        /// Kind of the choice.
        choice: Choice,
        /// Name that the user stated.
        name: String,
        /// Names that there are.
        known: Vec<String>,
    },
    /// Nodes without a rule, two or more.
    #[error("{}", joined(.0))]
    Unsupported(Vec<Unsupported>),
    /// A node that cannot be imported.
    #[error("node `{node}` ({operator}): {reason}")]
    Node {
        /// First output of the node, by which it is known.
        node: String,
        /// Operator.
        operator: String,
        /// The problem.
        reason: Reason,
    },
}

/// The most nodes that a message names.
const MAX_NAMED: usize = 20;

fn joined(nodes: &[Unsupported]) -> String {
    let one = |node: &Unsupported| format!("node `{}` ({}): {}", node.node, node.operator, node.reason);
    let mut text = nodes.iter().take(MAX_NAMED).map(one).collect::<Vec<_>>().join("; ");
    if nodes.len() > MAX_NAMED {
        text.push_str(&format!("; and {} more", nodes.len() - MAX_NAMED));
    }
    text
}

fn stated(version: i64) -> String {
    match version {
        0 => "states no operator set of ONNX".to_owned(),
        version => format!("is written in operator set {version} of ONNX"),
    }
}

fn listed(open: &[OpenDimension]) -> String {
    open.iter().map(OpenDimension::to_string).collect::<Vec<_>>().join(", ")
}

impl ImportError {
    /// One way out.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::Unreadable { .. } => "name an ONNX file".to_owned(),
            Self::Malformed { .. } | Self::Output { .. } | Self::Constant { .. } => {
                "the file is damaged or no ONNX model: export or download it again".to_owned()
            }
            Self::OperatorSet { .. } => "export it with a supported operator set".to_owned(),
            Self::Input { .. } => "export the model with tensors as inputs, and a shape for each".to_owned(),
            Self::Open(open) => {
                let options: Vec<String> =
                    open.iter().map(|open| format!("--dim '{}=1'", open.name)).collect();
                format!("state them, such as {}", options.join(" "))
            }
            Self::UnknownChoice { choice, known, .. } if known.is_empty() => {
                format!("the model has none: leave {} out", choice.option())
            }
            Self::UnknownChoice { choice, name, known } => {
                let known: Vec<&str> = known.iter().map(String::as_str).collect();
                suggestion(name, choice.noun(), &known)
            }
            Self::Extents { .. } => "lower what --dim states".to_owned(),
            Self::Values { .. } => {
                "state a value of its type for each of its elements, with commas between".to_owned()
            }
            Self::Unsupported(_) => Reason::Operator.help(""),
            Self::Node { node, reason, .. } => reason.help(node),
        }
    }
}
