//! Values for the parameters of a schema.

use std::borrow::Cow;
use std::fmt;

use serde::{Serialize, Serializer};

use super::declaration::Typed;
use super::error::ParameterError;
use super::parameter::{Assignment, DefaultValue, Parameter, ParameterValue};
use super::schema::{Schema, not_allowed};

/// A value for every parameter of a schema, in its order, each of them allowed. Parameters that are unstated at their
/// default are listed where they have another value.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters {
    schema: Schema,
    assignments: Vec<Assignment>,
}

impl Parameters {
    /// Every parameter at its default. One that has none, which is no sound schema's, is left out.
    #[must_use]
    pub fn defaults(schema: &Schema) -> Self {
        let of = |parameter: &Parameter| match &parameter.default {
            _ if parameter.unstated_at_default => None,
            DefaultValue::Value(value) => Some((parameter.name.clone(), value.clone())),
            DefaultValue::Derived(_) | DefaultValue::Required => None,
        };
        Self { assignments: schema.iter().filter_map(of).collect(), schema: schema.clone() }
    }

    /// The values that are given, and the defaults of all others.
    ///
    /// # Errors
    /// [`ParameterError`] for the first one that the schema does not have or allow.
    pub fn with(
        schema: &Schema,
        given: &[(impl AsRef<str>, ParameterValue)],
    ) -> Result<Self, ParameterError> {
        let mut parameters = Self::defaults(schema);
        given.iter().try_for_each(|(key, value)| parameters.set(key.as_ref(), value.clone()))?;
        Ok(parameters)
    }

    /// Every combination of the values that are listed of some parameters, with the defaults of all others. The last
    /// parameter of the list changes fastest.
    ///
    /// # Errors
    /// [`ParameterError`] for the first parameter that the schema does not have, or value that it does not allow.
    pub fn combinations(
        schema: &Schema,
        listed: &[(&str, Vec<ParameterValue>)],
    ) -> Result<Vec<Self>, ParameterError> {
        let mut all = vec![Self::defaults(schema)];
        for (key, values) in listed {
            let position = schema.position(key)?;
            let parameter = &schema[position];
            if let Some(value) = values.iter().find(|value| !parameter.allowed.admits(value)) {
                return Err(not_allowed(parameter, &value.to_string()));
            }
            let with_each = |parameters: Self| {
                values.iter().map(move |value| {
                    let mut parameters = parameters.clone();
                    parameters.put(position, value.clone());
                    parameters
                })
            };
            all = all.into_iter().flat_map(with_each).collect();
        }
        Ok(all)
    }

    /// The schema.
    #[must_use]
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Gives a parameter a value.
    ///
    /// # Errors
    /// [`ParameterError`] where the schema has no such parameter, or it cannot have this value.
    pub fn set(&mut self, key: &str, value: ParameterValue) -> Result<(), ParameterError> {
        let position = self.schema.position(key)?;
        let parameter = &self.schema[position];
        if !parameter.allowed.admits(&value) {
            return Err(not_allowed(parameter, &value.to_string()));
        }
        self.put(position, value);
        Ok(())
    }

    /// Gives a parameter the value that a text states.
    ///
    /// # Errors
    /// [`ParameterError`] where the schema has no such parameter, or it cannot have this value.
    pub fn set_text(&mut self, key: &str, text: &str) -> Result<(), ParameterError> {
        let (position, value) = self.schema.parse(key, text)?;
        self.put(position, value);
        Ok(())
    }

    /// A value that is allowed, for the parameter at a position of the schema.
    fn put(&mut self, position: usize, value: ParameterValue) {
        let Parameter { name, default, unstated_at_default, .. } = &self.schema[position];
        if *unstated_at_default && *default == DefaultValue::Value(value.clone()) {
            self.assignments.retain(|(known, _)| known != name);
            return;
        }
        match self.assignments.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => *known = value,
            None => {
                let before = |known: &&Assignment| {
                    self.schema[..position].iter().any(|parameter| parameter.name == known.0)
                };
                let at = self.assignments.iter().filter(before).count();
                self.assignments.insert(at, (name.clone(), value));
            }
        }
    }

    /// Those that identities and names state, in the order of the schema.
    #[must_use]
    pub fn assignments(&self) -> &[Assignment] {
        &self.assignments
    }

    /// Every parameter with its value, those that are unstated at their default too, in the order of the schema.
    pub fn all(&self) -> impl Iterator<Item = (&Cow<'static, str>, &ParameterValue)> {
        self.schema.iter().filter_map(|parameter| Some((&parameter.name, self.get(&parameter.name)?)))
    }

    /// True if there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.assignments.is_empty()
    }

    /// The value of a name; its default where it is not stated.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&ParameterValue> {
        let default = || match &self.schema.get(name)?.default {
            DefaultValue::Value(value) => Some(value),
            DefaultValue::Derived(_) | DefaultValue::Required => None,
        };
        let stated = self.assignments.iter().find(|(known, _)| known == name).map(|(_, value)| value);
        stated.or_else(default)
    }

    /// The value of a declared parameter; its declared default where the schema does not have it.
    pub fn read<T: Typed>(&self, declared: &T) -> T::Value {
        self.get(declared.name())
            .and_then(|value| declared.of_value(value))
            .unwrap_or_else(|| declared.default_value())
    }
}

/// A map of all names to values.
impl Serialize for Parameters {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.all())
    }
}

/// No parameters at all.
impl Default for Parameters {
    fn default() -> Self {
        Self::defaults(&Schema::default())
    }
}

/// All as `key=value`, separated by spaces; empty where there are none.
impl fmt::Display for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, (name, value)) in self.assignments.iter().enumerate() {
            let space = if position == 0 { "" } else { " " };
            write!(f, "{space}{name}={value}")?;
        }
        Ok(())
    }
}

/// Gives parameters the values that texts of the form `KEY=VALUE` state, as `--set` has them. A key is looked up in
/// one schema after the other; errors call the thing that has the parameters `owner`, such as "policy `edf`".
///
/// # Errors
/// [`ParameterError`] for the first text that is malformed, names no parameter of any schema, names one that another
/// text has set, or states a value that is not allowed. The names of all schemas are known to it.
pub fn assign(
    owner: &str,
    targets: &mut [&mut Parameters],
    texts: &[impl AsRef<str>],
) -> Result<(), ParameterError> {
    let mut seen: Vec<&str> = Vec::with_capacity(texts.len());
    for text in texts.iter().map(AsRef::as_ref) {
        let (key, value) =
            text.split_once('=').ok_or_else(|| ParameterError::NoEquals { text: text.to_owned() })?;
        let (key, value) = (key.trim(), value.trim());
        if seen.contains(&key) {
            return Err(ParameterError::Twice { key: key.to_owned() });
        }
        seen.push(key);
        match targets.iter_mut().find(|target| target.schema.get(key).is_some()) {
            Some(target) => target.set_text(key, value)?,
            None => {
                let known =
                    targets.iter().flat_map(|target| target.schema.names()).map(str::to_owned).collect();
                return Err(ParameterError::Unknown { owner: owner.to_owned(), key: key.to_owned(), known });
            }
        }
    }
    Ok(())
}
