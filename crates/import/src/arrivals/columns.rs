//! Columns of a CSV trace that say when a request arrives, and for what: `--columns` of traces without a format of
//! their own.

use std::io::BufRead;

use thiserror::Error;

use super::instant::TimeUnit;
use super::{ArrivalError, Assembly, table};

/// The columns of a trace by their roles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    /// The column that times come from.
    pub time: String,
    /// The column of a span by which arrivals precede these times, such as a duration where those are ends.
    pub duration: Option<String>,
    /// Unit of both.
    pub unit: TimeUnit,
    /// The columns that name a model or a function; `/` stands between several.
    pub names: Option<String>,
}

/// Why a text states no columns.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ColumnsError {
    /// A part without `=`, or with nothing behind it.
    #[error("`{0}` is no ROLE=COLUMN")]
    Malformed(String),
    /// A role that there is not.
    #[error("there is no role `{0}`; roles are arrival, end, duration, model and unit")]
    UnknownRole(String),
    /// A role that stands twice.
    #[error("the role `{0}` stands twice")]
    Twice(String),
    /// A unit that there is not.
    #[error("there is no unit `{0}`; units are s, ms, us, ns, ps and date")]
    UnknownUnit(String),
    /// No time, or two.
    #[error("state `arrival`, or `end` and `duration`")]
    NoTime,
}

impl Columns {
    /// Reads roles with their columns, such as `arrival=TIMESTAMP,model=func,unit=date`. The unit is by default seconds.
    ///
    /// # Errors
    /// [`ColumnsError`] says what is wrong.
    pub fn parse(text: &str) -> Result<Self, ColumnsError> {
        let mut stated: [Option<&str>; 5] = [None; 5];
        for part in text.split(',') {
            let malformed = || ColumnsError::Malformed(part.to_owned());
            let (role, column) = part.split_once('=').ok_or_else(malformed)?;
            let (role, column) = (role.trim(), column.trim());
            let position = ["arrival", "end", "duration", "model", "unit"]
                .iter()
                .position(|known| *known == role)
                .ok_or_else(|| ColumnsError::UnknownRole(role.to_owned()))?;
            if column.is_empty() {
                return Err(malformed());
            }
            if stated[position].replace(column).is_some() {
                return Err(ColumnsError::Twice(role.to_owned()));
            }
        }
        let [arrival, end, duration, names, unit] = stated;
        let (time, duration) = match (arrival, end, duration) {
            (Some(arrival), None, None) => (arrival, None),
            (None, Some(end), Some(duration)) => (end, Some(duration.to_owned())),
            _ => return Err(ColumnsError::NoTime),
        };
        let unit = match unit.unwrap_or("s") {
            "s" => TimeUnit::Number(0),
            "ms" => TimeUnit::Number(3),
            "us" => TimeUnit::Number(6),
            "ns" => TimeUnit::Number(9),
            "ps" => TimeUnit::Number(12),
            "date" => TimeUnit::Date,
            other => return Err(ColumnsError::UnknownUnit(other.to_owned())),
        };
        Ok(Self { time: time.to_owned(), duration, unit, names: names.map(str::to_owned) })
    }
}

/// Reads a trace whose columns the user states.
pub(super) fn read(
    text: &mut dyn BufRead,
    columns: Option<&Columns>,
    assembly: &mut Assembly<'_>,
) -> Result<(), ArrivalError> {
    let columns = columns.ok_or_else(|| {
        ArrivalError::new(
            "nothing says which columns have the times",
            "state them, such as --columns arrival=time,model=name,unit=ms",
        )
    })?;
    table::read(text, columns, assembly)
}
