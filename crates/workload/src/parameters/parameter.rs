//! Parameters and what their values can be.

use std::borrow::Cow;
use std::fmt;

use serde::{Serialize, Serializer};

use crate::Duration;
use crate::input::{Value, parse_millionths, show_millionths};

/// A parameter of a policy, a setting of a run, or a key of a cost model.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// The key in files and commands; ends in the unit where the value is a bare number of one.
    pub name: Cow<'static, str>,
    /// The unit of a bare number, such as `pJ`; empty where there is none.
    pub unit: Cow<'static, str>,
    /// One line for a reader who knows the field.
    pub meaning: Cow<'static, str>,
    /// The value where none is stated.
    pub default: DefaultValue,
    /// The values that it can have.
    pub allowed: Allowed,
    /// True if labels and identities leave it out where it is at its default.
    pub unstated_at_default: bool,
}

/// The value of a parameter where none is stated.
#[derive(Clone, Debug, PartialEq)]
pub enum DefaultValue {
    /// This one.
    Value(ParameterValue),
    /// One that follows from other parameters, or none at all: in words, such as `2 x vector_lanes`.
    Derived(Cow<'static, str>),
    /// Nothing: the parameter must be stated.
    Required,
}

/// The values that a parameter can have.
#[derive(Clone, Debug, PartialEq)]
pub enum Allowed {
    /// Finite numbers from the first to the second.
    Real(f64, f64),
    /// Whole numbers from the first to the second.
    Integer(i64, i64),
    /// Numbers of at most six decimals from the first to the second, both in millionths: they are exact.
    Decimal(u64, u64),
    /// `true` or `false`.
    Boolean,
    /// One of these words.
    Choice(Vec<Cow<'static, str>>),
    /// Spans of simulated time from the first to the second, written with their unit.
    Duration(Duration, Duration),
    /// A form of its own, in words, that the owner of the parameter reads by itself, such as a path.
    Written(Cow<'static, str>),
}

/// The value of a parameter.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum ParameterValue {
    /// A value of [`Allowed::Real`].
    Real(f64),
    /// A value of [`Allowed::Integer`].
    Integer(i64),
    /// A value of [`Allowed::Decimal`], in millionths; a number in outputs.
    Decimal(#[serde(serialize_with = "as_number")] u64),
    /// A value of [`Allowed::Boolean`].
    Boolean(bool),
    /// A value of [`Allowed::Choice`].
    Choice(Cow<'static, str>),
    /// A value of [`Allowed::Duration`]; a text such as `100ms` in outputs.
    Duration(#[serde(serialize_with = "as_text")] Duration),
}

impl ParameterValue {
    /// The number; none for a value that is no real number.
    #[must_use]
    pub fn real(&self) -> Option<f64> {
        if let Self::Real(value) = self { Some(*value) } else { None }
    }

    /// The whole number; none for a value that is none.
    #[must_use]
    pub fn integer(&self) -> Option<i64> {
        if let Self::Integer(value) = self { Some(*value) } else { None }
    }

    /// The exact number in millionths; none for a value that is none.
    #[must_use]
    pub fn millionths(&self) -> Option<u64> {
        if let Self::Decimal(value) = self { Some(*value) } else { None }
    }

    /// `true` or `false`; none for a value that is neither.
    #[must_use]
    pub fn boolean(&self) -> Option<bool> {
        if let Self::Boolean(value) = self { Some(*value) } else { None }
    }

    /// The word; none for a value that is none.
    #[must_use]
    pub fn word(&self) -> Option<&str> {
        if let Self::Choice(value) = self { Some(value) } else { None }
    }

    /// The span of time; none for a value that is none.
    #[must_use]
    pub fn duration(&self) -> Option<Duration> {
        if let Self::Duration(value) = self { Some(*value) } else { None }
    }
}

/// A parameter's name with its value.
pub type Assignment = (Cow<'static, str>, ParameterValue);

fn as_text<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(duration)
}

fn as_number<S: Serializer>(millionths: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(*millionths as f64 / 1e6)
}

/// The shortest text that reads back equal.
impl fmt::Display for ParameterValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Real(value) => value.fmt(f),
            Self::Integer(value) => value.fmt(f),
            Self::Decimal(millionths) => f.write_str(&show_millionths(*millionths)),
            Self::Boolean(value) => value.fmt(f),
            Self::Choice(value) => value.fmt(f),
            Self::Duration(value) => value.fmt(f),
        }
    }
}

/// The default in words; empty for one that must be stated.
impl fmt::Display for DefaultValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(value) => value.fmt(f),
            Self::Derived(words) => f.write_str(words),
            Self::Required => Ok(()),
        }
    }
}

/// The allowed values in words.
impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Real(low, high) => write!(f, "numbers from {low} to {high}"),
            Self::Integer(low, high) => write!(f, "whole numbers from {low} to {high}"),
            Self::Decimal(low, high) => {
                let (low, high) = (show_millionths(*low), show_millionths(*high));
                write!(f, "numbers from {low} to {high}, with at most six decimals")
            }
            Self::Boolean => f.write_str("true, false"),
            Self::Choice(words) => f.write_str(&words.join(", ")),
            Self::Duration(low, high) => write!(f, "durations from {low} to {high}, such as 16.5ms"),
            Self::Written(form) => f.write_str(form),
        }
    }
}

impl Allowed {
    /// True if the parameter can have this value.
    #[must_use]
    pub fn admits(&self, value: &ParameterValue) -> bool {
        match (self, value) {
            (Self::Real(low, high), ParameterValue::Real(value)) => (low..=high).contains(&value),
            (Self::Integer(low, high), ParameterValue::Integer(value)) => (low..=high).contains(&value),
            (Self::Decimal(low, high), ParameterValue::Decimal(value)) => (low..=high).contains(&value),
            (Self::Boolean, ParameterValue::Boolean(_)) => true,
            (Self::Choice(words), ParameterValue::Choice(word)) => words.contains(word),
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
            Self::Decimal(..) => parse_millionths(text).map(ParameterValue::Decimal),
            Self::Boolean => text.parse().ok().map(ParameterValue::Boolean),
            Self::Choice(_) => Some(ParameterValue::Choice(text.to_owned().into())),
            Self::Duration(..) => Duration::parse(text).ok().map(ParameterValue::Duration),
            Self::Written(_) => None,
        };
        value.filter(|value| self.admits(value))
    }
}

impl Parameter {
    /// The value that a file states; one that is not allowed is recorded as a problem of the file, with its place.
    #[must_use]
    pub fn decode(&self, value: &Value<'_>) -> Option<ParameterValue> {
        match &self.allowed {
            Allowed::Real(low, high) => value.number(*low..=*high).map(ParameterValue::Real),
            Allowed::Integer(low, high) => value.integer(*low..=*high).map(ParameterValue::Integer),
            Allowed::Decimal(low, high) => value.millionths(*low..=*high).map(ParameterValue::Decimal),
            Allowed::Boolean => value.boolean().map(ParameterValue::Boolean),
            Allowed::Choice(words) => {
                let choices: Vec<(&str, &Cow<'static, str>)> =
                    words.iter().map(|word| (word.as_ref(), word)).collect();
                value.choice(&choices).map(|word| ParameterValue::Choice(word.clone()))
            }
            Allowed::Duration(low, high) => value.duration_within(*low..=*high).map(ParameterValue::Duration),
            Allowed::Written(form) => {
                value.reject(format!("`{}` cannot be set here", self.name), format!("it is {form}"))
            }
        }
    }

    /// Allowed values in words, with the unit of bare numbers.
    #[must_use]
    pub fn allowed_text(&self) -> String {
        match self.unit.as_ref() {
            "" => self.allowed.to_string(),
            unit => format!("{}, in {unit}", self.allowed),
        }
    }
}
