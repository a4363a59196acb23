//! Parameters: what they can be, and how texts set them.
//!
//! A schema is a list of [`Parameter`]s; [`Parameters`] are their values. The text of a value is
//! part of what stored results are found by: it must read back equal.

use std::borrow::Cow;
use std::fmt;

use rtmm_workload::Duration;
use rtmm_workload::input::suggestion;
use serde::{Serialize, Serializer};
use thiserror::Error;

/// A parameter of a policy.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// The key in sweep files; ends in the unit where the value is a bare number of one.
    pub name: &'static str,
    /// One line for a reader who knows the field.
    pub meaning: &'static str,
    /// What it is where nobody says.
    pub default: ParameterValue,
    /// What it can be.
    pub allowed: Allowed,
}

/// What a parameter can be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Allowed {
    /// Finite numbers from the first to the second.
    Real(f64, f64),
    /// Whole numbers from the first to the second.
    Integer(i64, i64),
    /// `true` or `false`.
    Boolean,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Spans of simulated time from the first to the second, written with their unit.
    Duration(Duration, Duration),
}

/// The value of a parameter.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum ParameterValue {
    /// Of [`Allowed::Real`].
    Real(f64),
    /// Of [`Allowed::Integer`].
    Integer(i64),
    /// Of [`Allowed::Boolean`].
    Boolean(bool),
    /// Of [`Allowed::Choice`].
    Choice(Cow<'static, str>),
    /// Of [`Allowed::Duration`]; a text such as `100ms` in outputs.
    Duration(#[serde(serialize_with = "as_text")] Duration),
}

/// A parameter's name with its value.
pub type Assignment = (&'static str, ParameterValue);

fn as_text<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(duration)
}

/// The shortest text that reads back equal.
impl fmt::Display for ParameterValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Real(value) => value.fmt(f),
            Self::Integer(value) => value.fmt(f),
            Self::Boolean(value) => value.fmt(f),
            Self::Choice(value) => value.fmt(f),
            Self::Duration(value) => value.fmt(f),
        }
    }
}

/// What is allowed, in words.
impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Real(low, high) => write!(f, "numbers from {low} to {high}"),
            Self::Integer(low, high) => write!(f, "whole numbers from {low} to {high}"),
            Self::Boolean => f.write_str("true, false"),
            Self::Choice(words) => f.write_str(&words.join(", ")),
            Self::Duration(low, high) => write!(f, "durations from {low} to {high}, such as 16.5ms"),
        }
    }
}

impl Allowed {
    /// Whether the parameter can have this value.
    #[must_use]
    pub fn admits(&self, value: &ParameterValue) -> bool {
        match (self, value) {
            (Self::Real(low, high), ParameterValue::Real(value)) => (low..=high).contains(&value),
            (Self::Integer(low, high), ParameterValue::Integer(value)) => (low..=high).contains(&value),
            (Self::Boolean, ParameterValue::Boolean(_)) => true,
            (Self::Choice(words), ParameterValue::Choice(word)) => words.contains(&word.as_ref()),
            (Self::Duration(low, high), ParameterValue::Duration(value)) => (low..=high).contains(&value),
            _ => false,
        }
    }

    /// The value that a text states, if it is allowed.
    #[must_use]
    pub fn parse(&self, text: &str) -> Option<ParameterValue> {
        let value = match self {
            Self::Real(..) => text.parse().ok().map(ParameterValue::Real),
            Self::Integer(..) => text.parse().ok().map(ParameterValue::Integer),
            Self::Boolean => text.parse().ok().map(ParameterValue::Boolean),
            Self::Choice(_) => Some(ParameterValue::Choice(text.to_owned().into())),
            Self::Duration(..) => Duration::parse(text).ok().map(ParameterValue::Duration),
        };
        value.filter(|value| self.admits(value))
    }
}

/// A value for every parameter of a schema, in its order, each of them allowed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parameters {
    assignments: Vec<Assignment>,
}

impl Parameters {
    /// Every parameter at its default.
    #[must_use]
    pub fn defaults(schema: &[Parameter]) -> Self {
        let of = |parameter: &Parameter| (parameter.name, parameter.default.clone());
        Self { assignments: schema.iter().map(of).collect() }
    }

    /// The values that are given, and the defaults of all others.
    ///
    /// # Errors
    /// [`ParameterError`] for the first one that the schema does not have or allow.
    pub fn with(schema: &[Parameter], given: &[Assignment]) -> Result<Self, ParameterError> {
        let mut parameters = Self::defaults(schema);
        given.iter().try_for_each(|(key, value)| parameters.set(schema, key, value.clone()))?;
        Ok(parameters)
    }

    /// Gives a parameter a value.
    ///
    /// # Errors
    /// [`ParameterError`] where the schema has no such parameter, or it cannot be this.
    pub fn set(
        &mut self,
        schema: &[Parameter],
        key: &str,
        value: ParameterValue,
    ) -> Result<(), ParameterError> {
        let parameter = find(schema, key)?;
        if !parameter.allowed.admits(&value) {
            return Err(not_allowed(parameter, &value.to_string()));
        }
        self.put(parameter.name, value);
        Ok(())
    }

    /// Gives a parameter the value that a text states.
    ///
    /// # Errors
    /// [`ParameterError`] where the schema has no such parameter, or it cannot be this.
    pub fn set_text(&mut self, schema: &[Parameter], key: &str, text: &str) -> Result<(), ParameterError> {
        let parameter = find(schema, key)?;
        let value = parameter.allowed.parse(text).ok_or_else(|| not_allowed(parameter, text))?;
        self.put(parameter.name, value);
        Ok(())
    }

    fn put(&mut self, name: &'static str, value: ParameterValue) {
        match self.assignments.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = value,
            None => self.assignments.push((name, value)),
        }
    }

    /// Whether these are the parameters of a schema: all of them, in its order, as it allows.
    ///
    /// # Errors
    /// [`ParameterError`] for the first one that is not.
    pub fn check(&self, schema: &[Parameter]) -> Result<(), ParameterError> {
        for (position, parameter) in schema.iter().enumerate() {
            match self.assignments.get(position) {
                Some((name, value)) if *name == parameter.name => {
                    if !parameter.allowed.admits(value) {
                        return Err(not_allowed(parameter, &value.to_string()));
                    }
                }
                _ => return Err(ParameterError::Missing { key: parameter.name.to_owned() }),
            }
        }
        match self.assignments.get(schema.len()) {
            Some((name, _)) => Err(unknown(schema, name)),
            None => Ok(()),
        }
    }

    /// All of them, in the order of the schema.
    #[must_use]
    pub fn assignments(&self) -> &[Assignment] {
        &self.assignments
    }

    /// The value of a parameter.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&ParameterValue> {
        self.assignments.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// The value of a parameter that is a number.
    ///
    /// # Errors
    /// [`ParameterError::Missing`] where there is no such number.
    pub fn real(&self, name: &str) -> Result<f64, ParameterError> {
        match self.get(name) {
            Some(ParameterValue::Real(value)) => Ok(*value),
            _ => Err(missing(name)),
        }
    }

    /// The value of a parameter that is a whole number.
    ///
    /// # Errors
    /// [`ParameterError::Missing`] where there is no such number.
    pub fn integer(&self, name: &str) -> Result<i64, ParameterError> {
        match self.get(name) {
            Some(ParameterValue::Integer(value)) => Ok(*value),
            _ => Err(missing(name)),
        }
    }

    /// The value of a parameter that is `true` or `false`.
    ///
    /// # Errors
    /// [`ParameterError::Missing`] where there is no such parameter.
    pub fn boolean(&self, name: &str) -> Result<bool, ParameterError> {
        match self.get(name) {
            Some(ParameterValue::Boolean(value)) => Ok(*value),
            _ => Err(missing(name)),
        }
    }

    /// The value of a parameter that is a word.
    ///
    /// # Errors
    /// [`ParameterError::Missing`] where there is no such word.
    pub fn choice(&self, name: &str) -> Result<&str, ParameterError> {
        match self.get(name) {
            Some(ParameterValue::Choice(value)) => Ok(value),
            _ => Err(missing(name)),
        }
    }

    /// What the word of a parameter stands for, by a table of all its words.
    ///
    /// # Errors
    /// [`ParameterError::Missing`] where there is no such word, or the table lacks it.
    pub fn meaning<T: Clone>(&self, name: &str, table: &[(&str, T)]) -> Result<T, ParameterError> {
        let word = self.choice(name)?;
        let row = table.iter().find(|(known, _)| *known == word);
        row.map(|(_, meaning)| meaning.clone()).ok_or_else(|| missing(name))
    }

    /// The value of a parameter that is a span of time.
    ///
    /// # Errors
    /// [`ParameterError::Missing`] where there is no such span.
    pub fn duration(&self, name: &str) -> Result<Duration, ParameterError> {
        match self.get(name) {
            Some(ParameterValue::Duration(value)) => Ok(*value),
            _ => Err(missing(name)),
        }
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

/// Why a value cannot be set or read.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum ParameterError {
    /// There is no such parameter.
    #[error("there is no parameter `{key}`")]
    Unknown {
        /// What was asked for.
        key: String,
        /// Everything that can be set.
        known: Vec<&'static str>,
    },
    /// A value that the parameter cannot have.
    #[error("parameter `{key}` cannot be `{text}`")]
    NotAllowed {
        /// Its name.
        key: String,
        /// The value.
        text: String,
        /// What it can be.
        allowed: Allowed,
    },
    /// A policy needs a parameter that its schema lacks, or has as another kind of value.
    #[error("parameter `{key}` is needed and has no such value")]
    Missing {
        /// Its name.
        key: String,
    },
}

impl ParameterError {
    /// A way out.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::Unknown { key, known } => suggestion(key, "parameter", known),
            Self::NotAllowed { allowed, .. } => format!("allowed: {allowed}"),
            Self::Missing { .. } => "begin with the defaults of the policy's own schema".to_owned(),
        }
    }
}

/// What is wrong with a schema, as a lower-case fragment: a name that two parameters have, or a default that is not
/// allowed. None for a sound one.
pub(crate) fn fault(schema: &[Parameter]) -> Option<String> {
    schema.iter().enumerate().find_map(|(position, Parameter { name, default, allowed, .. })| {
        if schema[..position].iter().any(|other| other.name == *name) {
            return Some(format!("it has two parameters `{name}`"));
        }
        (!allowed.admits(default)).then(|| format!("the default of `{name}` is not allowed"))
    })
}

fn find<'s>(schema: &'s [Parameter], key: &str) -> Result<&'s Parameter, ParameterError> {
    schema.iter().find(|parameter| parameter.name == key).ok_or_else(|| unknown(schema, key))
}

fn unknown(schema: &[Parameter], key: &str) -> ParameterError {
    let known = schema.iter().map(|parameter| parameter.name).collect();
    ParameterError::Unknown { key: key.to_owned(), known }
}

fn not_allowed(parameter: &Parameter, text: &str) -> ParameterError {
    let (key, text) = (parameter.name.to_owned(), text.to_owned());
    ParameterError::NotAllowed { key, text, allowed: parameter.allowed }
}

fn missing(name: &str) -> ParameterError {
    ParameterError::Missing { key: name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_picoseconds(1_000_000_000_000);
    const SCHEMA: &[Parameter] = &[
        Parameter {
            name: "share",
            meaning: "a number",
            default: ParameterValue::Real(0.5),
            allowed: Allowed::Real(0.0, 1.0),
        },
        Parameter {
            name: "layers",
            meaning: "a count",
            default: ParameterValue::Integer(4),
            allowed: Allowed::Integer(1, 1_000),
        },
        Parameter {
            name: "strict",
            meaning: "a switch",
            default: ParameterValue::Boolean(false),
            allowed: Allowed::Boolean,
        },
        Parameter {
            name: "order",
            meaning: "a word",
            default: ParameterValue::Choice(Cow::Borrowed("first")),
            allowed: Allowed::Choice(&["first", "last"]),
        },
        Parameter {
            name: "wait",
            meaning: "a span",
            default: ParameterValue::Duration(Duration::ZERO),
            allowed: Allowed::Duration(Duration::ZERO, SECOND),
        },
    ];

    #[test]
    fn texts_read_back_equal() {
        let cases = [
            ("share", &["0", "0.1", "1"][..]),
            ("layers", &["1", "1000"]),
            ("strict", &["true", "false"]),
            ("order", &["first", "last"]),
            ("wait", &["0ps", "16.5us", "100ms", "1s"]),
        ];
        let mut parameters = Parameters::defaults(SCHEMA);
        for (key, texts) in cases {
            for text in texts {
                parameters.set_text(SCHEMA, key, text).unwrap();
                assert_eq!(parameters.get(key).unwrap().to_string(), *text);
            }
        }
        assert_eq!(parameters.to_string(), "share=1 layers=1000 strict=false order=last wait=1s");
        assert_eq!(parameters.check(SCHEMA), Ok(()));
        assert_eq!(parameters.real("share"), Ok(1.0));
        assert_eq!(parameters.integer("layers"), Ok(1_000));
        assert_eq!(parameters.boolean("strict"), Ok(false));
        assert_eq!(parameters.choice("order"), Ok("last"));
        assert_eq!(parameters.meaning("order", &[("first", 1), ("last", 2)]), Ok(2));
        assert_eq!(parameters.duration("wait"), Ok(SECOND));
        assert_eq!(Parameters::with(SCHEMA, parameters.assignments()), Ok(parameters));
    }

    #[test]
    fn what_is_not_allowed_is_refused_with_a_way_out() {
        let cases = [
            ("share", "1.5", "allowed: numbers from 0 to 1"),
            ("share", "nan", "allowed: numbers from 0 to 1"),
            ("layers", "0", "allowed: whole numbers from 1 to 1000"),
            ("layers", "2.5", "allowed: whole numbers from 1 to 1000"),
            ("strict", "yes", "allowed: true, false"),
            ("order", "middle", "allowed: first, last"),
            ("wait", "2s", "allowed: durations from 0ps to 1s, such as 16.5ms"),
            ("layer", "2", "did you mean `layers`?"),
            ("zzzzzzzz", "2", "known: share, layers, strict, order, wait"),
        ];
        let mut parameters = Parameters::defaults(SCHEMA);
        for (key, text, help) in cases {
            assert_eq!(parameters.set_text(SCHEMA, key, text).unwrap_err().help(), help, "{key}={text}");
        }
        assert!(parameters.set(SCHEMA, "layers", ParameterValue::Real(2.0)).is_err());
        assert_eq!(parameters, Parameters::defaults(SCHEMA), "nothing changed");
    }

    #[test]
    fn only_the_parameters_of_a_schema_pass_its_check() {
        let all = Parameters::defaults(SCHEMA);
        let missing = |key: &str| Err(ParameterError::Missing { key: key.to_owned() });
        assert_eq!(Parameters::default().check(SCHEMA), missing("share"));
        assert!(matches!(all.check(&SCHEMA[..4]), Err(ParameterError::Unknown { key, .. }) if key == "wait"));
        assert_eq!(all.integer("share"), Err(ParameterError::Missing { key: "share".to_owned() }));
    }

    #[test]
    fn values_are_bare_in_json_and_durations_are_texts() {
        let values = Parameters::defaults(SCHEMA);
        let json: Vec<String> =
            values.assignments().iter().map(|(_, value)| serde_json::to_string(value).unwrap()).collect();
        assert_eq!(json, ["0.5", "4", "false", "\"first\"", "\"0ps\""]);
    }
}
