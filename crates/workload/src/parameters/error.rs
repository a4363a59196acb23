//! Why a parameter cannot be set.

use thiserror::Error;

use super::parameter::Allowed;
use crate::input::suggestion;

/// Why a parameter cannot be set, or a thing cannot be built with its parameters.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum ParameterError {
    /// A text that is not of the form `KEY=VALUE`.
    #[error("`--set {text}` has no `=`")]
    NoEquals {
        /// The text.
        text: String,
    },
    /// There is no such parameter.
    #[error("{owner} has no parameter `{key}`")]
    Unknown {
        /// The thing whose parameters they are, such as "policy `edf`".
        owner: String,
        /// The name that was asked for.
        key: String,
        /// Everything that can be set.
        known: Vec<String>,
    },
    /// A parameter that is set already.
    #[error("parameter `{key}` is set twice")]
    Twice {
        /// Its name.
        key: String,
    },
    /// A value that the parameter cannot have.
    #[error("parameter `{key}` cannot be `{text}`")]
    NotAllowed {
        /// Its name.
        key: String,
        /// The value.
        text: String,
        /// The values that it can have.
        allowed: Allowed,
    },
    /// Values that are allowed one by one and not together.
    #[error("the parameters are refused: {reason}")]
    Refused {
        /// Reason, as a lower-case fragment.
        reason: String,
    },
    /// Parameters of another schema than the one that is asked for.
    #[error("these are parameters of another schema")]
    OtherSchema,
}

impl ParameterError {
    /// An error for values that are allowed one by one and not together; `reason` is a lower-case fragment.
    pub fn refused(reason: impl Into<String>) -> Self {
        Self::Refused { reason: reason.into() }
    }

    /// A way out.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::NoEquals { .. } => "write --set KEY=VALUE".to_owned(),
            Self::Unknown { key, known, .. } => {
                let known: Vec<&str> = known.iter().map(String::as_str).collect();
                suggestion(key, "parameter", &known)
            }
            Self::Twice { .. } => "keep one of the two".to_owned(),
            Self::NotAllowed { allowed, .. } => format!("allowed: {allowed}"),
            Self::Refused { .. } => "change the parameters".to_owned(),
            Self::OtherSchema => "begin with the defaults of the schema".to_owned(),
        }
    }
}
