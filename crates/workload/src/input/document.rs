//! TOML or JSON as a tree of values that know their place, with readers that record every problem.

use std::cell::RefCell;
use std::fmt::Display;
use std::ops::{Range, RangeInclusive};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::diagnostic::{Diagnostic, Diagnostics, has_controls, suggestion};
use super::json::{self, SyntaxError};
use super::source::{At, Source};
use crate::time::{Duration, TimeError};

/// The language that a text is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Syntax {
    Toml,
    Json,
}

/// A parsed text and the problems found in it so far.
#[derive(Debug)]
pub struct Document<'s> {
    source: &'s Source,
    syntax: Syntax,
    root: Spanned<DeTable<'s>>,
    /// True if the syntax is broken: then what the values say cannot be trusted.
    is_broken: bool,
    problems: RefCell<Diagnostics>,
}

/// A table of a [`Document`]: its readers return what they could read and record the rest.
#[derive(Clone, Debug)]
pub struct Table<'d> {
    document: &'d Document<'d>,
    entries: &'d DeTable<'d>,
    /// Where keys are looked up that the table itself does not state.
    base: Option<&'d DeTable<'d>>,
    range: Range<usize>,
    what: String,
}

/// One value of a [`Document`], with the name under which messages speak of it.
#[derive(Clone, Debug)]
pub struct Value<'d> {
    document: &'d Document<'d>,
    value: &'d Spanned<DeValue<'d>>,
    name: String,
}

impl<'s> Document<'s> {
    /// Parses TOML; syntax errors are recorded, and what could be parsed is kept.
    #[must_use]
    pub fn parse(source: &'s Source) -> Self {
        let (root, errors) = DeTable::parse_recoverable(source.text());
        let mut places: Vec<(Range<usize>, String)> =
            errors.iter().map(|error| (error.span().unwrap_or(0..0), error.message().to_owned())).collect();
        places.sort_by_key(|(range, _)| range.start);
        // One slip makes the parser stumble several times in its line.
        places.dedup_by_key(|(range, _)| source.line_column(range.start).0);
        Self::parsed(source, Syntax::Toml, root, places)
    }

    /// Parses JSON, which must be one object; the first syntax error is recorded, and nothing is kept then.
    #[must_use]
    pub fn parse_json(source: &'s Source) -> Self {
        match json::parse(source.text()) {
            Ok(root) => Self::parsed(source, Syntax::Json, root, Vec::new()),
            Err(SyntaxError { range, message }) => {
                let root = Spanned::new(0..0, DeTable::new());
                Self::parsed(source, Syntax::Json, root, vec![(range, message)])
            }
        }
    }

    fn parsed(
        source: &'s Source,
        syntax: Syntax,
        root: Spanned<DeTable<'s>>,
        mistakes: Vec<(Range<usize>, String)>,
    ) -> Self {
        let language = match syntax {
            Syntax::Toml => "TOML",
            Syntax::Json => "JSON",
        };
        let mut problems = Diagnostics::default();
        for (range, message) in mistakes {
            let message = format!("this is not valid {language}: {message}");
            let help = "correct the syntax; other problems of the file are reported once it is";
            problems.push(Diagnostic::new(message, source, range).help(help));
        }
        let is_broken = !problems.is_empty();
        Self { source, syntax, root, is_broken, problems: RefCell::new(problems) }
    }

    /// The text that was parsed.
    #[must_use]
    pub fn source(&self) -> &Source {
        self.source
    }

    /// Records a problem.
    pub fn report(&self, diagnostic: Diagnostic) {
        if !self.is_broken {
            self.problems.borrow_mut().push(diagnostic);
        }
    }

    /// Records the problems of another input that this one refers to.
    pub fn report_all(&self, diagnostics: Diagnostics) {
        if !self.is_broken {
            self.problems.borrow_mut().extend(diagnostics);
        }
    }

    /// True if any problem was recorded so far.
    #[must_use]
    pub fn has_problems(&self) -> bool {
        !self.problems.borrow().is_empty()
    }

    /// The decoded value, or every problem that was recorded.
    ///
    /// # Errors
    /// All problems, where there are any.
    pub fn finish<T>(&self, value: Option<T>) -> Result<T, Diagnostics> {
        self.problems.take().into_result(value)
    }

    /// The top-level table.
    #[must_use]
    pub fn root(&'s self) -> Table<'s> {
        let what = "this file".to_owned();
        Table { document: self, entries: self.root.get_ref(), base: None, range: 0..0, what }
    }
}

impl<'d> Table<'d> {
    /// The document that this table is part of.
    #[must_use]
    pub fn document(&self) -> &'d Document<'d> {
        self.document
    }

    /// The bytes that state the table.
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        self.range.clone()
    }

    /// A problem with the table as a whole.
    #[must_use]
    pub fn problem(&self, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(message, self.document.source, self.range.clone())
    }

    /// A problem at some bytes of this document.
    #[must_use]
    pub fn problem_at(&self, range: &Range<usize>, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(message, self.document.source, range.clone())
    }

    /// Records a problem.
    pub fn report(&self, diagnostic: Diagnostic) {
        self.document.report(diagnostic);
    }

    /// Records every key that is not in `known`.
    pub fn only(&self, known: &[&str]) {
        for key in self.entries.keys() {
            let name: &str = key.get_ref();
            if !known.contains(&name) {
                self.report(
                    self.problem_at(&key.span(), format!("unknown key `{name}` in {}", self.what))
                        .help(suggestion(name, "key", known)),
                );
            }
        }
    }

    /// The table with the keys of another for those that it does not state. [`Table::keys`] and
    /// [`Table::only`] speak of the table's own keys.
    #[must_use]
    pub fn over(mut self, base: &Self) -> Self {
        self.base = Some(base.entries);
        self
    }

    /// The keys of the table, in alphabetical order.
    pub fn keys(&self) -> impl Iterator<Item = At<&'d str>> {
        self.entries.keys().map(|key| At { value: key.get_ref().as_ref(), range: key.span() })
    }

    /// True if the table has this key.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key) || self.base.is_some_and(|base| base.contains_key(key))
    }

    /// The value of a key, if the table has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Value<'d>> {
        let value = self.entries.get(key).or_else(|| self.base?.get(key))?;
        Some(Value { document: self.document, value, name: format!("`{key}`") })
    }

    /// Reads a key that must be there.
    pub fn required<T>(&self, key: &str, read: impl FnOnce(&Value<'d>) -> Option<T>) -> Option<T> {
        let Some(value) = self.get(key) else {
            let help = match self.document.syntax {
                Syntax::Toml => format!("add `{key} = ...`"),
                Syntax::Json => format!("add `\"{key}\": ...`"),
            };
            self.report(self.problem(format!("{} has no `{key}`", self.what)).help(help));
            return None;
        };
        read(&value)
    }

    /// Reads a key that may be absent.
    pub fn optional<T>(&self, key: &str, read: impl FnOnce(&Value<'d>) -> Option<T>) -> Option<T> {
        self.get(key).and_then(|value| read(&value))
    }

    /// Reads a key that has a default; a bad value is recorded and the default stands in for it.
    pub fn or<T>(&self, key: &str, default: T, read: impl FnOnce(&Value<'d>) -> Option<T>) -> T {
        self.optional(key, read).unwrap_or(default)
    }

    /// Reads every item of an array; empty where the key is absent. Bad items are recorded and
    /// left out.
    pub fn list<T>(&self, key: &str, read: impl FnMut(&Value<'d>) -> Option<T>) -> Vec<T> {
        self.optional(key, |value| value.items()).unwrap_or_default().iter().filter_map(read).collect()
    }

    /// The tables of an array of tables (`[[key]]`); `what` names one of them in messages.
    pub fn tables(&self, key: &str, what: &str) -> Vec<Table<'d>> {
        self.list(key, |value| {
            value.table().map(|mut table| {
                what.clone_into(&mut table.what);
                table
            })
        })
    }

    /// Names the table in messages, such as "task `eye_tracking`".
    #[must_use]
    pub fn named(mut self, what: impl Into<String>) -> Self {
        self.what = what.into();
        self
    }
}

impl<'d> Value<'d> {
    /// Names the value in messages, such as "the count".
    #[must_use]
    pub fn named(&self, name: impl Into<String>) -> Self {
        Self { name: name.into(), ..self.clone() }
    }

    /// The bytes that state the value.
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        self.value.span()
    }

    /// The document that this value is part of.
    #[must_use]
    pub fn document(&self) -> &'d Document<'d> {
        self.document
    }

    /// The value read by `read`, with its place.
    pub fn at<T>(&self, read: impl FnOnce(&Self) -> Option<T>) -> Option<At<T>> {
        read(self).map(|value| At { value, range: self.range() })
    }

    /// A problem with this value.
    #[must_use]
    pub fn problem(&self, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(message, self.document.source, self.range())
    }

    /// Records a problem with this value.
    pub fn reject<T>(&self, message: impl Into<String>, help: impl Into<String>) -> Option<T> {
        self.document.report(self.problem(message).help(help));
        None
    }

    fn wrong_type<T>(&self, expected: &str) -> Option<T> {
        let found = self.value.get_ref().type_str();
        self.reject(format!("{} must be {expected}", self.name), format!("this is of type {found}"))
    }

    /// A non-empty text.
    #[must_use]
    pub fn string(&self) -> Option<&'d str> {
        match self.value.get_ref().as_str() {
            Some(text) if text.trim().is_empty() => {
                self.reject(format!("{} is empty", self.name), "write a text between the quotes")
            }
            // Texts are names, which reach terminals and other files.
            Some(text) if has_controls(text) => {
                let message = format!("{} has a control character", self.name);
                self.reject(message, "write letters, digits and signs; other lines and tabs are fine")
            }
            Some(text) => Some(text),
            None => self.wrong_type("a text in quotes"),
        }
    }

    /// `true` or `false`.
    #[must_use]
    pub fn boolean(&self) -> Option<bool> {
        self.value.get_ref().as_bool().or_else(|| self.wrong_type("true or false"))
    }

    /// True if the value is a table.
    #[must_use]
    pub fn is_table(&self) -> bool {
        self.value.get_ref().is_table()
    }

    /// True if the value is a text.
    #[must_use]
    pub fn is_string(&self) -> bool {
        self.value.get_ref().is_str()
    }

    /// True if the value is `true` or `false`.
    #[must_use]
    pub fn is_boolean(&self) -> bool {
        self.value.get_ref().is_bool()
    }

    /// True if the value is an array.
    #[must_use]
    pub fn is_array(&self) -> bool {
        self.value.get_ref().is_array()
    }

    /// True if the value is an array without items.
    #[must_use]
    pub fn is_empty_array(&self) -> bool {
        self.value.get_ref().as_array().is_some_and(|items| items.is_empty())
    }

    /// A whole number within `allowed`.
    pub fn integer<T>(&self, allowed: RangeInclusive<T>) -> Option<T>
    where
        T: Copy + PartialOrd + Display + TryFrom<i128>,
    {
        let Some(integer) = self.value.get_ref().as_integer() else {
            return self.wrong_type("a whole number");
        };
        i128::from_str_radix(integer.as_str(), integer.radix())
            .ok()
            .and_then(|number| T::try_from(number).ok())
            .filter(|number| allowed.contains(number))
            .or_else(|| {
                self.reject(
                    format!("{} is out of range", self.name),
                    format!("allowed: {} to {}", allowed.start(), allowed.end()),
                )
            })
    }

    /// A finite number within `allowed`; whole numbers are taken too.
    #[must_use]
    pub fn number(&self, allowed: RangeInclusive<f64>) -> Option<f64> {
        let value = self.value.get_ref();
        let text = match (value.as_float(), value.as_integer()) {
            (Some(float), _) => float.as_str().to_owned(),
            (None, Some(integer)) if integer.radix() == 10 => integer.as_str().to_owned(),
            _ => return self.wrong_type("a number"),
        };
        text.replace('_', "").parse::<f64>().ok().filter(|number| allowed.contains(number)).or_else(|| {
            self.reject(
                format!("{} is out of range", self.name),
                format!("allowed: finite numbers from {} to {}", allowed.start(), allowed.end()),
            )
        })
    }

    /// A probability, 0 to 1.
    #[must_use]
    pub fn probability(&self) -> Option<f64> {
        self.number(0.0..=1.0)
    }

    /// A decimal number as a whole number of millionths, exactly; within `allowed` millionths.
    #[must_use]
    pub fn millionths(&self, allowed: RangeInclusive<u64>) -> Option<u64> {
        let value = self.value.get_ref();
        let text = match (value.as_float(), value.as_integer()) {
            (Some(float), _) => float.as_str().replace('_', ""),
            (None, Some(integer)) if integer.radix() == 10 => integer.as_str().replace('_', ""),
            _ => return self.wrong_type("a number"),
        };
        parse_millionths(&text).filter(|millionths| allowed.contains(millionths)).or_else(|| {
            self.reject(
                format!("{} is out of range", self.name),
                format!(
                    "allowed: {} to {}, with at most six decimals and no exponent",
                    show_millionths(*allowed.start()),
                    show_millionths(*allowed.end())
                ),
            )
        })
    }

    /// A span of time above zero, written as a text such as `"16ms"`.
    #[must_use]
    pub fn duration(&self) -> Option<Duration> {
        match self.duration_or_zero()? {
            Duration::ZERO => {
                self.reject(format!("{} is zero", self.name), "write a duration above zero, such as \"16ms\"")
            }
            duration => Some(duration),
        }
    }

    /// A span of time, written as a text such as `"16ms"`.
    #[must_use]
    pub fn duration_or_zero(&self) -> Option<Duration> {
        let Some(text) = self.value.get_ref().as_str() else {
            return self.wrong_type("a duration such as \"16ms\"");
        };
        match Duration::parse(text) {
            Ok(duration) => Some(duration),
            Err(error) => self.reject_duration(error),
        }
    }

    /// A span of time within `allowed`, written as a text such as `"16ms"`.
    #[must_use]
    pub fn duration_within(&self, allowed: RangeInclusive<Duration>) -> Option<Duration> {
        let units = "units are ps, ns, us, ms and s, such as \"16.5ms\"";
        if !self.is_string() {
            return self.reject(format!("{} must be a duration such as \"16ms\"", self.name), units);
        }
        match Duration::parse(self.string()?) {
            Ok(duration) if allowed.contains(&duration) => Some(duration),
            Ok(_) => self.reject(
                format!("{} is out of range", self.name),
                format!("allowed: {} to {}", allowed.start(), allowed.end()),
            ),
            Err(error) => self.reject_duration(error),
        }
    }

    fn reject_duration<T>(&self, error: TimeError) -> Option<T> {
        match error {
            TimeError::Negative => {
                self.reject(format!("{} is negative", self.name), "write a duration without a sign")
            }
            error => self.reject(
                format!("{} is no duration: {error}", self.name),
                "units are ps, ns, us, ms and s, such as \"16.5ms\"",
            ),
        }
    }

    /// The items of an array.
    #[must_use]
    pub fn items(&self) -> Option<Vec<Value<'d>>> {
        let Some(array) = self.value.get_ref().as_array() else {
            return self.wrong_type("a list in brackets");
        };
        Some(
            array
                .iter()
                .map(|value| Value {
                    document: self.document,
                    value,
                    name: format!("this item of {}", self.name),
                })
                .collect(),
        )
    }

    /// The value as a table.
    #[must_use]
    pub fn table(&self) -> Option<Table<'d>> {
        let Some(entries) = self.value.get_ref().as_table() else {
            return self.wrong_type("a table");
        };
        let what = self.name.clone();
        Some(Table { document: self.document, entries, base: None, range: self.range(), what })
    }

    /// One of a fixed set of names.
    pub fn choice<T: Copy>(&self, choices: &[(&str, T)]) -> Option<T> {
        let text = self.string()?;
        choices.iter().find(|(name, _)| *name == text).map(|(_, choice)| *choice).or_else(|| {
            let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
            self.reject(format!("{} cannot be `{text}`", self.name), suggestion(text, "choice", &names))
        })
    }

    /// Two numbers, vertical then horizontal, written `3` (both) or `[3, 1]`.
    #[must_use]
    pub fn pair(&self, allowed: RangeInclusive<u32>) -> Option<[u32; 2]> {
        if !self.is_array() {
            return self.integer(allowed).map(|both| [both, both]);
        }
        let items = self.items()?;
        let [vertical, horizontal] = items.as_slice() else {
            return self.reject(
                format!("{} must be one number or two", self.name),
                "write `3`, or `[3, 1]` for vertical and horizontal",
            );
        };
        Some([vertical.integer(allowed.clone())?, horizontal.integer(allowed)?])
    }
}

/// A decimal number as a whole number of millionths; none for one of more decimals, with an exponent, below zero, or
/// above the range.
#[must_use]
pub fn parse_millionths(text: &str) -> Option<u64> {
    let text = text.strip_prefix('+').unwrap_or(text);
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    (fraction.len() <= 6).then(|| format!("{whole}{fraction:0<6}").parse().ok()).flatten()
}

/// The shortest decimal number of so many millionths.
#[must_use]
pub fn show_millionths(millionths: u64) -> String {
    let (whole, fraction) = (millionths / 1_000_000, millionths % 1_000_000);
    match fraction {
        0 => whole.to_string(),
        _ => format!("{whole}.{}", format!("{fraction:06}").trim_end_matches('0')),
    }
}
