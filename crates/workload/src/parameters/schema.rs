//! Schemas: lists of parameters.

use std::ops::Deref;
use std::sync::Arc;

use super::declaration::Declared;
use super::error::ParameterError;
use super::parameter::{DefaultValue, Parameter};

/// A list of parameters in the order in which they are listed, stored and told apart by. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Schema(Arc<[Parameter]>);

impl Schema {
    /// The parameters that some lists declare, one list after the other.
    #[must_use]
    pub fn of(lists: &[&[&dyn Declared]]) -> Self {
        Self(lists.iter().copied().flatten().map(|declared| declared.parameter()).collect())
    }

    /// The same parameters with other defaults: a preset is a base and the values that differ.
    ///
    /// # Errors
    /// [`ParameterError`] for the first value that the schema does not have or allow.
    pub fn with_defaults(&self, values: &[(&str, &str)]) -> Result<Self, ParameterError> {
        let mut parameters: Vec<Parameter> = self.to_vec();
        for (key, text) in values {
            let (position, value) = self.parse(key, text)?;
            parameters[position].default = DefaultValue::Value(value);
        }
        Ok(Self(parameters.into()))
    }

    /// The parameter of a name.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Parameter> {
        self.iter().find(|parameter| parameter.name == key)
    }

    /// The names of all parameters.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.iter().map(|parameter| parameter.name.as_ref())
    }

    /// Fault of the schema, as a lower-case fragment: a name that two parameters have, or a default that is
    /// not allowed. None for a sound one.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        self.iter().enumerate().find_map(|(position, Parameter { name, default, allowed, .. })| {
            if self[..position].iter().any(|other| other.name == *name) {
                return Some(format!("the name `{name}` is taken"));
            }
            match default {
                DefaultValue::Value(value) if !allowed.admits(value) => {
                    Some(format!("the default of `{name}` is not allowed"))
                }
                _ => None,
            }
        })
    }

    /// Reason why [`Parameters`](super::Parameters) lack a value for some parameter, as a lower-case fragment:
    /// a [`Schema::fault`], or a parameter without a default. None where they have.
    #[must_use]
    pub fn value_fault(&self) -> Option<String> {
        self.fault().or_else(|| {
            let lacks = |parameter: &&Parameter| !matches!(parameter.default, DefaultValue::Value(_));
            self.iter().find(lacks).map(|parameter| format!("`{}` has no default", parameter.name))
        })
    }

    /// True if both have the same parameters with the same allowed values in the same order, whatever their defaults.
    #[must_use]
    pub fn has_same_values(&self, other: &Self) -> bool {
        let is_same =
            |(one, other): (&Parameter, &Parameter)| one.name == other.name && one.allowed == other.allowed;
        Arc::ptr_eq(&self.0, &other.0)
            || (self.len() == other.len() && self.iter().zip(other.iter()).all(is_same))
    }

    /// The place of a parameter, and the value that a text states for it.
    pub(super) fn parse(
        &self,
        key: &str,
        text: &str,
    ) -> Result<(usize, super::ParameterValue), ParameterError> {
        let position = self.position(key)?;
        let parameter = &self[position];
        match parameter.allowed.parse(text) {
            Some(value) => Ok((position, value)),
            None => Err(not_allowed(parameter, text)),
        }
    }

    pub(super) fn position(&self, key: &str) -> Result<usize, ParameterError> {
        let position = self.iter().position(|parameter| parameter.name == key);
        position.ok_or_else(|| ParameterError::Unknown {
            owner: "the schema".to_owned(),
            key: key.to_owned(),
            known: self.names().map(str::to_owned).collect(),
        })
    }
}

pub(super) fn not_allowed(parameter: &Parameter, text: &str) -> ParameterError {
    let (key, text) = (parameter.name.to_string(), text.to_owned());
    ParameterError::NotAllowed { key, text, allowed: parameter.allowed.clone() }
}

impl Deref for Schema {
    type Target = [Parameter];

    fn deref(&self) -> &[Parameter] {
        &self.0
    }
}

/// A schema without parameters.
impl Default for Schema {
    fn default() -> Self {
        Self(Arc::new([]))
    }
}

impl PartialEq for Schema {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0 == other.0
    }
}
