//! Declarations of parameters, one type for each kind of value.

use std::ops::RangeInclusive;

use super::parameter::{Allowed, DefaultValue, Parameter, ParameterValue};
use crate::Duration;
use crate::input::{Table, Value};

/// A declared parameter, of whatever type. A [`Parameter`] that a program makes while it runs declares itself.
pub trait Declared: Sync {
    /// The name.
    fn name(&self) -> &str;

    /// The parameter as schemas and listings have it.
    fn parameter(&self) -> Parameter;
}

/// A declared parameter whose values have a type.
pub trait Typed: Declared {
    /// The type of its values.
    type Value;

    /// A value in its type; none for one of another kind of parameter.
    fn of_value(&self, value: &ParameterValue) -> Option<Self::Value>;

    /// The declared default; for a parameter without one the least value that is allowed.
    fn default_value(&self) -> Self::Value;

    /// The value that a table states. None where it states none, and where what it states is not allowed; that, and the
    /// absence of a required parameter, is recorded as a problem of the file.
    fn stated(&self, table: &Table<'_>) -> Option<Self::Value> {
        let parameter = self.parameter();
        let read = |value: &Value<'_>| parameter.decode(value).and_then(|value| self.of_value(&value));
        match parameter.default {
            DefaultValue::Required => table.required(self.name(), read),
            DefaultValue::Value(_) | DefaultValue::Derived(_) => table.optional(self.name(), read),
        }
    }

    /// The value that a table states, or else the default.
    fn stated_or_default(&self, table: &Table<'_>) -> Self::Value {
        self.stated(table).unwrap_or_else(|| self.default_value())
    }
}

impl Declared for Parameter {
    fn name(&self) -> &str {
        &self.name
    }

    fn parameter(&self) -> Parameter {
        self.clone()
    }
}

/// Fields of all declarations.
#[derive(Clone, Copy, Debug)]
struct Head {
    name: &'static str,
    unit: &'static str,
    meaning: &'static str,
    absent: Absent,
    unstated_at_default: bool,
}

/// Rule for a parameter that is not stated.
#[derive(Clone, Copy, Debug)]
enum Absent {
    Default,
    Derived(&'static str),
    Required,
}

impl Head {
    const fn new(name: &'static str, meaning: &'static str, absent: Absent) -> Self {
        Self { name, unit: "", meaning, absent, unstated_at_default: false }
    }

    fn parameter(self, default: ParameterValue, allowed: Allowed) -> Parameter {
        let Self { name, unit, meaning, absent, unstated_at_default } = self;
        let default = match absent {
            Absent::Default => DefaultValue::Value(default),
            Absent::Derived(words) => DefaultValue::Derived(words.into()),
            Absent::Required => DefaultValue::Required,
        };
        let (name, unit, meaning) = (name.into(), unit.into(), meaning.into());
        Parameter { name, unit, meaning, default, allowed, unstated_at_default }
    }
}

/// Constructors of a declaration by bounds.
macro_rules! bounded {
    ($type:ident $(<$parameter:ident>)?, $value:ty) => {
        impl $(<$parameter: Copy>)? $type $(<$parameter>)? {
            /// A parameter with a default, and bounds within which its values are.
            #[must_use]
            pub const fn new(
                name: &'static str,
                meaning: &'static str,
                default: $value,
                allowed: RangeInclusive<$value>,
            ) -> Self {
                let head = Head::new(name, meaning, Absent::Default);
                Self { head, default, least: *allowed.start(), greatest: *allowed.end() }
            }

            /// A parameter that must be stated.
            #[must_use]
            pub const fn required(
                name: &'static str,
                meaning: &'static str,
                allowed: RangeInclusive<$value>,
            ) -> Self {
                let (least, greatest) = (*allowed.start(), *allowed.end());
                Self { head: Head::new(name, meaning, Absent::Required), default: least, least, greatest }
            }

            /// A parameter that, where it is not stated, follows from others or has no value: `otherwise` says what.
            #[must_use]
            pub const fn derived(
                name: &'static str,
                meaning: &'static str,
                otherwise: &'static str,
                allowed: RangeInclusive<$value>,
            ) -> Self {
                let (least, greatest) = (*allowed.start(), *allowed.end());
                let head = Head::new(name, meaning, Absent::Derived(otherwise));
                Self { head, default: least, least, greatest }
            }

            /// The same that no label and no identity states where it is at its default: see
            /// [`Choice::unstated_at_default`].
            #[must_use]
            pub const fn unstated_at_default(self) -> Self {
                let Self { head, default, least, greatest } = self;
                Self { head: Head { unstated_at_default: true, ..head }, default, least, greatest }
            }

            /// The same parameter in a unit.
            #[must_use]
            pub const fn in_unit(self, unit: &'static str) -> Self {
                let Self { head, default, least, greatest } = self;
                Self { head: Head { unit, ..head }, default, least, greatest }
            }
        }
    };
}

/// A finite number.
#[derive(Clone, Copy, Debug)]
pub struct Real {
    head: Head,
    default: f64,
    least: f64,
    greatest: f64,
}

bounded!(Real, f64);

impl Declared for Real {
    fn name(&self) -> &str {
        self.head.name
    }

    fn parameter(&self) -> Parameter {
        self.head.parameter(ParameterValue::Real(self.default), Allowed::Real(self.least, self.greatest))
    }
}

impl Typed for Real {
    type Value = f64;

    fn of_value(&self, value: &ParameterValue) -> Option<f64> {
        value.real()
    }

    fn default_value(&self) -> f64 {
        self.default
    }
}

/// A whole number; its bounds are within those of a signed integer of 64 bits.
#[derive(Clone, Copy, Debug)]
pub struct Integer<T> {
    head: Head,
    default: T,
    least: T,
    greatest: T,
}

bounded!(Integer<T>, T);

impl<T: Copy + Sync> Declared for Integer<T>
where
    i64: TryFrom<T>,
{
    fn name(&self) -> &str {
        self.head.name
    }

    fn parameter(&self) -> Parameter {
        let whole = |value| i64::try_from(value).unwrap_or(i64::MAX);
        let allowed = Allowed::Integer(whole(self.least), whole(self.greatest));
        self.head.parameter(ParameterValue::Integer(whole(self.default)), allowed)
    }
}

impl<T: Copy + Sync + TryFrom<i64>> Typed for Integer<T>
where
    i64: TryFrom<T>,
{
    type Value = T;

    fn of_value(&self, value: &ParameterValue) -> Option<T> {
        T::try_from(value.integer()?).ok()
    }

    fn default_value(&self) -> T {
        self.default
    }
}

/// A number of at most six decimals, in millionths.
#[derive(Clone, Copy, Debug)]
pub struct Decimal {
    head: Head,
    default: u64,
    least: u64,
    greatest: u64,
}

bounded!(Decimal, u64);

impl Declared for Decimal {
    fn name(&self) -> &str {
        self.head.name
    }

    fn parameter(&self) -> Parameter {
        let allowed = Allowed::Decimal(self.least, self.greatest);
        self.head.parameter(ParameterValue::Decimal(self.default), allowed)
    }
}

impl Typed for Decimal {
    type Value = u64;

    fn of_value(&self, value: &ParameterValue) -> Option<u64> {
        value.millionths()
    }

    fn default_value(&self) -> u64 {
        self.default
    }
}

/// A span of simulated time.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    head: Head,
    default: Duration,
    least: Duration,
    greatest: Duration,
}

bounded!(Span, Duration);

impl Declared for Span {
    fn name(&self) -> &str {
        self.head.name
    }

    fn parameter(&self) -> Parameter {
        let allowed = Allowed::Duration(self.least, self.greatest);
        self.head.parameter(ParameterValue::Duration(self.default), allowed)
    }
}

impl Typed for Span {
    type Value = Duration;

    fn of_value(&self, value: &ParameterValue) -> Option<Duration> {
        value.duration()
    }

    fn default_value(&self) -> Duration {
        self.default
    }
}

/// `true` or `false`.
#[derive(Clone, Copy, Debug)]
pub struct Switch {
    head: Head,
    default: bool,
}

impl Switch {
    /// A switch with a default.
    #[must_use]
    pub const fn new(name: &'static str, meaning: &'static str, default: bool) -> Self {
        Self { head: Head::new(name, meaning, Absent::Default), default }
    }

    /// The same that no label and no identity states where it is at its default: see
    /// [`Choice::unstated_at_default`].
    #[must_use]
    pub const fn unstated_at_default(mut self) -> Self {
        self.head.unstated_at_default = true;
        self
    }
}

impl Declared for Switch {
    fn name(&self) -> &str {
        self.head.name
    }

    fn parameter(&self) -> Parameter {
        self.head.parameter(ParameterValue::Boolean(self.default), Allowed::Boolean)
    }
}

impl Typed for Switch {
    type Value = bool;

    fn of_value(&self, value: &ParameterValue) -> Option<bool> {
        value.boolean()
    }

    fn default_value(&self) -> bool {
        self.default
    }
}

/// One of some words, each of which stands for a value.
#[derive(Clone, Copy, Debug)]
pub struct Choice<T: 'static> {
    head: Head,
    default: T,
    words: &'static [(&'static str, T)],
}

impl<T: Copy> Choice<T> {
    /// A choice with a default, which one of the words stands for.
    #[must_use]
    pub const fn new(
        name: &'static str,
        meaning: &'static str,
        default: T,
        words: &'static [(&'static str, T)],
    ) -> Self {
        Self { head: Head::new(name, meaning, Absent::Default), default, words }
    }

    /// The same that no label and no identity states where it is at its default: for parameters that came
    /// later than results which are to keep theirs.
    #[must_use]
    pub const fn unstated_at_default(mut self) -> Self {
        self.head.unstated_at_default = true;
        self
    }
}

impl<T: Copy + PartialEq + Sync> Declared for Choice<T> {
    fn name(&self) -> &str {
        self.head.name
    }

    fn parameter(&self) -> Parameter {
        let default = self.words.iter().find(|(_, value)| *value == self.default);
        let default = ParameterValue::Choice(default.map_or("", |(word, _)| word).into());
        let words = self.words.iter().map(|(word, _)| (*word).into()).collect();
        self.head.parameter(default, Allowed::Choice(words))
    }
}

impl<T: Copy + PartialEq + Sync> Typed for Choice<T> {
    type Value = T;

    fn of_value(&self, value: &ParameterValue) -> Option<T> {
        let stated = value.word()?;
        self.words.iter().find(|(word, _)| *word == stated).map(|(_, value)| *value)
    }

    fn default_value(&self) -> T {
        self.default
    }
}

/// A key of a file that its owner reads by itself, such as the path of another file.
#[derive(Clone, Copy, Debug)]
pub struct Written {
    head: Head,
    form: &'static str,
}

impl Written {
    /// A key that must be stated; `form` says how.
    #[must_use]
    pub const fn required(name: &'static str, meaning: &'static str, form: &'static str) -> Self {
        Self { head: Head::new(name, meaning, Absent::Required), form }
    }

    /// A key that may be absent; `form` says how it is written, `otherwise` what holds where it is not.
    #[must_use]
    pub const fn derived(
        name: &'static str,
        meaning: &'static str,
        otherwise: &'static str,
        form: &'static str,
    ) -> Self {
        Self { head: Head::new(name, meaning, Absent::Derived(otherwise)), form }
    }
}

impl Declared for Written {
    fn name(&self) -> &str {
        self.head.name
    }

    fn parameter(&self) -> Parameter {
        self.head.parameter(ParameterValue::Choice("".into()), Allowed::Written(self.form.into()))
    }
}
