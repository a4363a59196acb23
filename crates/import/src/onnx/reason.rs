//! Reasons why a node cannot be imported.

use rtmm_workload::MAX_LAYER_WORK;
use thiserror::Error;

use super::limits::MAX_EXECUTED;

/// Why a node cannot be imported.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// No rule for the operator.
    #[error("the operator is not supported")]
    Operator,
    /// A rule for the operator, and none for this use of it.
    #[error("{0}, which is not supported")]
    Form(String),
    /// An input that the operator needs.
    #[error("input {position} is missing")]
    MissingInput {
        /// Position of the input, from 0.
        position: usize,
    },
    /// A tensor that no earlier node gives.
    #[error("it reads `{tensor}`, which {cause}")]
    Unordered {
        /// Name of the tensor.
        tensor: String,
        /// Either that a later node gives it or that none does.
        cause: &'static str,
    },
    /// Two tensors of one name.
    #[error("it gives `{tensor}`, which an earlier node or the graph's inputs give already")]
    Twice {
        /// Name of the tensor.
        tensor: String,
    },
    /// More outputs than the operator has.
    #[error("it has {found} outputs and its operator at most {most}")]
    Outputs {
        /// Outputs of the node.
        found: usize,
        /// Outputs of the operator.
        most: usize,
    },
    /// A shape that follows from data, which an import does not read.
    #[error("the shape of its output depends on the data of input {position}, which is not known")]
    Data {
        /// Position of the input, from 0.
        position: usize,
    },
    /// Shapes that do not go together.
    #[error("{0}")]
    Shapes(String),
    /// An attribute that is missing or makes no sense.
    #[error("its attribute `{name}` {problem}")]
    Attribute {
        /// Name of the attribute.
        name: String,
        /// Its problem.
        problem: String,
    },
    /// A number beyond what a layer may have.
    #[error("the {what} exceed {MAX_LAYER_WORK}")]
    TooLarge {
        /// The quantity that is too large.
        what: &'static str,
    },
    /// A negative extent, or one beyond all bounds.
    #[error("{extent} is no extent of a tensor")]
    Extent {
        /// The extent.
        extent: i128,
    },
    /// A code of a type that the format does not have.
    #[error("{code} is no element type")]
    ElementType {
        /// The code.
        code: i32,
    },
    /// A payload that does not fit the extents.
    #[error("a constant of {expected} elements has data of {found}")]
    Payload {
        /// Elements that there are data of.
        found: u64,
        /// Elements by the extents.
        expected: u64,
    },
    /// A condition that depends on data.
    #[error("the condition `{condition}` depends on data, so that the branch that runs is not known")]
    Branch {
        /// Name of the condition.
        condition: String,
    },
    /// A loop whose number of iterations depends on data.
    #[error("the number of iterations depends on data")]
    Trips,
    /// Loops, functions or graphs that never end.
    #[error("more than {MAX_EXECUTED} nodes would be executed")]
    TooLong,
    /// Functions that call each other.
    #[error("functions and graphs nest too deep: a function may call itself")]
    TooDeep,
}

impl Reason {
    /// One way out.
    pub(crate) fn help(&self, output: &str) -> String {
        match self {
            Self::Operator | Self::Form(_) => {
                "leave such nodes out with --skip-unsupported, or export the model with other operators"
                    .to_owned()
            }
            Self::Data { .. } => {
                "state the values of inputs with --input NAME=VALUE, or cut the model there".to_owned()
            }
            Self::Branch { .. } => format!(
                "state the inputs that it depends on with --input NAME=VALUE, or the branch with \
                 --branch '{output}=then' or --branch '{output}=else'"
            ),
            Self::Trips => format!("state it with --trips '{output}=N'"),
            Self::TooLong => "lower the number of iterations with --trips".to_owned(),
            Self::Shapes(_) | Self::Extent { .. } | Self::TooLarge { .. } => {
                "correct the model, or the extents that --dim states".to_owned()
            }
            Self::MissingInput { .. }
            | Self::Unordered { .. }
            | Self::Twice { .. }
            | Self::Outputs { .. }
            | Self::Attribute { .. }
            | Self::ElementType { .. }
            | Self::Payload { .. }
            | Self::TooDeep => "the file is damaged or no legal ONNX model: export it again".to_owned(),
        }
    }
}
