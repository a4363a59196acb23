//! Failures of policies.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// A failure of a policy that ends the run, such as a solver that finds no schedule or a process that answers no
/// more. It is a pointer wide: hooks that succeed pay nothing for it.
#[derive(Clone)]
pub struct PolicyError(Arc<Failure>);

struct Failure {
    message: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl PolicyError {
    /// A failure with a message, a lower-case fragment that says what is wrong.
    pub fn new(message: impl Into<String>) -> Self {
        Self(Arc::new(Failure { message: message.into(), source: None }))
    }

    /// A failure with a message and the error that it comes from.
    pub fn from_source(message: impl Into<String>, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(Arc::new(Failure { message: message.into(), source: Some(source.into()) }))
    }
}

/// The message, then the error that it comes from: a run's failure is one line.
impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Failure { message, source } = &*self.0;
        match source {
            None => f.write_str(message),
            Some(source) => write!(f, "{message}: {source}"),
        }
    }
}

impl fmt::Debug for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PolicyError").field(&self.to_string()).finish()
    }
}

impl Error for PolicyError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}

/// Equal where the texts are.
impl PartialEq for PolicyError {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_what_it_comes_from() {
        let source = PolicyError::from_source("the solver stopped", "out of memory");
        let error = PolicyError::from_source("no schedule", source);
        assert_eq!(error.to_string(), "no schedule: the solver stopped: out of memory");
    }
}
