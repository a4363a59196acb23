//! Rules that say which model a row of a trace is for.

use rtmm_workload::Duration;
use thiserror::Error;

use super::instant;

/// A rule: rows that pass all of its tests are requests for its model.
///
/// In text, tests stand with `&` between them: `COLUMN<N`, `COLUMN<=N`, `COLUMN>N`, `COLUMN>=N`, `COLUMN:TEXT`, or
/// `TEXT`, which is what the column of names says; `*` alone is true of all rows. A text in double quotes is taken
/// as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub(super) tests: Vec<Test>,
    /// Name of the model or task, as the request file has it.
    pub model: String,
    /// Time from arrival to deadline.
    pub deadline: Option<Duration>,
}

/// A test of a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Test {
    /// Name of the column; none for the column of names.
    pub column: Option<String>,
    pub wanted: Wanted,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    Text(String),
    /// A number, in 10^-24, and whether one below, equal to or above it passes.
    Number {
        limit: i128,
        below: bool,
        equal: bool,
        above: bool,
    },
}

/// Why a text is no rule.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("`{text}` is no rule: {reason}")]
pub struct RuleError {
    text: String,
    reason: &'static str,
}

impl Rule {
    /// Reads a rule with its model behind the last `=`, such as `ContextTokens<1024=short.toml` or `*=long.toml`.
    ///
    /// # Errors
    /// [`RuleError`] says what is wrong.
    pub fn parse(text: &str) -> Result<Self, RuleError> {
        let error = |reason| RuleError { text: text.to_owned(), reason };
        let (when, model) = text
            .rsplit_once('=')
            .ok_or_else(|| error("write it as TEST=MODEL, or as *=MODEL for all rows"))?;
        Self::new(when, model, None)
    }

    /// A rule of tests, a model and a deadline.
    ///
    /// # Errors
    /// [`RuleError`] says what is wrong with the tests.
    pub fn new(when: &str, model: &str, deadline: Option<Duration>) -> Result<Self, RuleError> {
        let error = |reason| RuleError { text: when.to_owned(), reason };
        let model = model.trim();
        if model.is_empty() {
            return Err(error("it names no model"));
        }
        if model.chars().any(char::is_control) {
            return Err(error("the name of its model has a control character"));
        }
        let tests = match when.trim() {
            "*" => Vec::new(),
            when => {
                split(when, |c| c == '&').into_iter().map(test).collect::<Result<_, _>>().map_err(error)?
            }
        };
        Ok(Self { tests, model: model.to_owned(), deadline })
    }
}

/// The parts of a text between separators that stand in no double quotes.
fn split(text: &str, is_separator: impl Fn(char) -> bool) -> Vec<&str> {
    let mut quoted = false;
    let parts = text.split(|c: char| {
        quoted ^= c == '"';
        !quoted && is_separator(c)
    });
    parts.collect()
}

fn test(text: &str) -> Result<Test, &'static str> {
    let parts = split(text, |c| "<>:".contains(c));
    let (first, is_whole) = (parts[0], parts.len() == 1);
    if is_whole {
        return Ok(Test { column: None, wanted: Wanted::Text(literal(first)?) });
    }
    let column = Some(literal(first)?);
    let rest = &text[first.len()..];
    let (operator, rest) = rest.split_at(1);
    if operator == ":" {
        return Ok(Test { column, wanted: Wanted::Text(literal(rest)?) });
    }
    let (equal, limit) = rest.strip_prefix('=').map_or((false, rest), |limit| (true, limit));
    let limit = instant::number(limit.trim()).map_err(|_| "a limit is a decimal number from 0")?;
    Ok(Test {
        column,
        wanted: Wanted::Number { limit, below: operator == "<", equal, above: operator == ">" },
    })
}

/// A text without the quotes around it.
fn literal(text: &str) -> Result<String, &'static str> {
    let text = text.trim();
    let inner = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
    match inner {
        "" => Err("a test names nothing"),
        inner if inner.contains('"') => Err("a quote stands within a text"),
        inner => Ok(inner.to_owned()),
    }
}

impl Wanted {
    /// True if a cell passes; none for a text that is no number where a number is wanted. A blank cell passes no
    /// test of a number.
    pub(super) fn passes(&self, cell: &str) -> Option<bool> {
        match self {
            Self::Text(text) => Some(cell == text),
            Self::Number { .. } if cell.is_empty() => Some(false),
            Self::Number { limit, below, equal, above } => {
                let value = instant::number(cell).ok()?;
                Some((value < *limit && *below) || (value == *limit && *equal) || (value > *limit && *above))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_tests_and_a_model() {
        let tests = |text| Rule::parse(text).map(|rule| (rule.tests.len(), rule.model));
        for (text, expected) in [
            ("*=xrbench/es_ritnet", Some((0, "xrbench/es_ritnet"))),
            ("ContextTokens<1024=short.toml", Some((1, "short.toml"))),
            ("ContextTokens<=1024 & GeneratedTokens>10=short.toml", Some((2, "short.toml"))),
            ("GPT-4=large.toml", Some((1, "large.toml"))),
            ("Log Type:API log=api.toml", Some((1, "api.toml"))),
            ("func:\"a&b<c\"=api.toml", Some((1, "api.toml"))),
            ("short.toml", None),
            ("=short.toml", None),
            ("*=", None),
            ("a<x=short.toml", None),
            ("a&&b=short.toml", None),
            ("a<=short.toml", None),
            ("*=a\u{1b}b", None),
        ] {
            let expected = expected.map(|(count, model)| (count, model.to_owned()));
            assert_eq!(tests(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn cells_pass_by_exact_comparison() {
        let rule = |text: &str| Rule::parse(text).map(|rule| rule.tests).unwrap_or_default();
        for (text, cell, expected) in [
            ("a<10=m", "9.999999999999999999999999", Some(true)),
            ("a<10=m", "10", Some(false)),
            ("a<=10=m", "1e1", Some(true)),
            ("a>0=m", "0", Some(false)),
            ("a>=0=m", "", Some(false)),
            ("a>0=m", "many", None),
            ("a:x y=m", "x y", Some(true)),
            ("x=m", "X", Some(false)),
        ] {
            assert_eq!(rule(text)[0].wanted.passes(cell), expected, "{text} of `{cell}`");
        }
    }
}
