//! Columns of a table by their meaning, as a user names them.

use std::collections::BTreeMap;

use rtmm_workload::input::suggestion;

use super::super::Unit;

/// Meanings of columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    Name,
    Operator,
    Output,
    Run,
    Calls,
    Time,
    Mean,
    Total,
    Min,
    P50,
    P90,
    P99,
    Max,
    Bytes,
    Cycles,
    Macs,
    Energy,
    Power,
}

impl Key {
    const NAMES: [(&'static str, Self); 18] = [
        ("name", Self::Name),
        ("operator", Self::Operator),
        ("output", Self::Output),
        ("run", Self::Run),
        ("calls", Self::Calls),
        ("time_us", Self::Time),
        ("mean_us", Self::Mean),
        ("total_us", Self::Total),
        ("min_us", Self::Min),
        ("p50_us", Self::P50),
        ("p90_us", Self::P90),
        ("p99_us", Self::P99),
        ("max_us", Self::Max),
        ("bytes", Self::Bytes),
        ("cycles", Self::Cycles),
        ("macs", Self::Macs),
        ("energy_uj", Self::Energy),
        ("power_uw", Self::Power),
    ];
    /// Keys that are no columns.
    const SETTINGS: [&'static str; 4] = ["unit", "runs", "except", "after"];

    /// The key of a name; those of times may do without their unit, which is not that of the file.
    fn named(name: &str) -> Option<Self> {
        let same = |known: &str| known == name || known.strip_suffix("_us") == Some(name);
        Self::NAMES.into_iter().find(|(known, _)| same(known)).map(|(_, key)| key)
    }

    pub(super) fn name(self) -> &'static str {
        Self::NAMES.into_iter().find(|(_, key)| *key == self).map_or("", |(name, _)| name)
    }

    pub(super) const fn is_time(self) -> bool {
        use Key::{Max, Mean, Min, P50, P90, P99, Time, Total};
        matches!(self, Time | Mean | Total | Min | P50 | P90 | P99 | Max)
    }
}

/// A column of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Column {
    /// By its heading.
    Named(String),
    /// By its position, from 0.
    Numbered(usize),
}

/// Columns of a table that is not this project's, with how its rows are to be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    pub(super) of: BTreeMap<Key, Column>,
    pub(super) unit: Option<Unit>,
    pub(super) runs: Option<u64>,
    pub(super) except: Vec<String>,
    pub(super) after: Option<String>,
}

impl Columns {
    /// Reads texts such as `name=Kernel,p50_us=Med (ns),unit=ns`. A comma ends a heading where a key follows it.
    ///
    /// # Errors
    /// The problem, as a sentence: an unknown or repeated key, a value that is none, or keys that do not go together.
    pub fn parse<T: AsRef<str>>(texts: &[T]) -> Result<Self, String> {
        let mut columns = Self::default();
        for (key, value) in texts.iter().flat_map(|text| pairs(text.as_ref())) {
            columns.set(&key, &value)?;
        }
        columns.check()?;
        Ok(columns)
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        if value.is_empty() {
            return Err(format!("`{key}` has no value: write it as {key}=HEADING"));
        }
        let is_new = match key {
            "unit" => {
                let unit = Unit::named(value).ok_or("the units are ns, us, ms and s")?;
                self.unit.replace(unit).is_none()
            }
            "runs" => {
                let runs = value.parse().ok().filter(|runs| *runs > 0);
                self.runs.replace(runs.ok_or("`runs` is a whole number from 1")?).is_none()
            }
            "after" => self.after.replace(value.to_owned()).is_none(),
            "except" => {
                self.except.push(value.to_owned());
                true
            }
            _ => {
                let column = match value.strip_prefix('#').map(str::parse::<usize>) {
                    Some(Ok(number)) if number > 0 => Column::Numbered(number - 1),
                    _ => Column::Named(value.to_owned()),
                };
                let key = Key::named(key).ok_or_else(|| unknown(key))?;
                self.of.insert(key, column).is_none()
            }
        };
        if is_new { Ok(()) } else { Err(format!("`{key}` is stated twice")) }
    }

    fn check(&self) -> Result<(), String> {
        if !self.of.contains_key(&Key::Name) {
            return Err("no column has the names of layers: add name=HEADING".to_owned());
        }
        if !self.of.keys().any(|key| key.is_time()) {
            return Err("no column has times: add p50_us=HEADING, mean_us= or time_us=".to_owned());
        }
        let summary = |key: &&Key| (key.is_time() && **key != Key::Time) || **key == Key::Calls;
        if let Some(key) = self.of.keys().find(summary).filter(|_| self.of.contains_key(&Key::Time)) {
            return Err(format!(
                "`time_us` is for rows of one execution each, and `{}` for rows of many: leave one out",
                key.name()
            ));
        }
        if self.of.contains_key(&Key::Run) && !self.of.contains_key(&Key::Time) {
            return Err(
                "`run` tells rows of one execution each apart: state their time_us=HEADING".to_owned()
            );
        }
        if self.of.contains_key(&Key::Energy) && self.of.contains_key(&Key::Power) {
            return Err(
                "`power_uw` tells the energy of a time, and `energy_uj` states it: leave one out".to_owned()
            );
        }
        if self.of.contains_key(&Key::Run) && self.runs.is_some() {
            return Err("the column `run` tells how many runs there are: leave `runs` out".to_owned());
        }
        Ok(())
    }
}

fn unknown(key: &str) -> String {
    let known: Vec<&str> = Key::NAMES.iter().map(|(name, _)| *name).chain(Key::SETTINGS).collect();
    format!("unknown key `{key}`; {}", suggestion(key, "key", &known))
}

/// Keys and values of a text with commas between them.
fn pairs(text: &str) -> Vec<(String, String)> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for piece in text.split(',') {
        let pair = piece.split_once('=').map(|(key, value)| (key.trim(), value.trim()));
        let is_key = |key: &str| {
            !key.is_empty() && key.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
        };
        match (pair.filter(|(key, _)| is_key(key)), pairs.last_mut()) {
            (Some((key, value)), _) => pairs.push((key.to_owned(), value.to_owned())),
            (None, Some((_, value))) => {
                value.push(',');
                value.push_str(piece.trim_end());
            }
            (None, None) => pairs.push((piece.trim().to_owned(), String::new())),
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_may_have_commas_and_signs() {
        let texts = ["name=Kernel, full name,p50=Med (ns),total_us=#2", "unit=ns,except=Total,except=a=b"];
        let columns = Columns::parse(&texts).unwrap();
        let of: Vec<_> = columns.of.into_iter().collect();
        let named = |name: &str| Column::Named(name.to_owned());
        assert_eq!(
            of,
            [
                (Key::Name, named("Kernel, full name")),
                (Key::Total, Column::Numbered(1)),
                (Key::P50, named("Med (ns)"))
            ]
        );
        assert_eq!(
            (columns.unit, columns.except),
            (Some(Unit::Nanoseconds), vec!["Total".into(), "a=b".into()])
        );
    }

    #[test]
    fn keys_that_make_no_sense_are_refused() {
        for (text, problem) in [
            ("", "`` has no value: write it as =HEADING"),
            ("Name", "`Name` has no value: write it as Name=HEADING"),
            ("name=a", "no column has times: add p50_us=HEADING, mean_us= or time_us="),
            ("p50_us=a", "no column has the names of layers: add name=HEADING"),
            ("name=a,p50=b,p50_us=c", "`p50_us` is stated twice"),
            ("name=a,mean_uss=b", "unknown key `mean_uss`; did you mean `mean_us`?"),
            ("name=a,p50=b,unit=min", "the units are ns, us, ms and s"),
            ("name=a,p50=b,runs=0", "`runs` is a whole number from 1"),
            (
                "name=a,time=b,mean=c",
                "`time_us` is for rows of one execution each, and `mean_us` for rows of many: leave one out",
            ),
            (
                "name=a,mean=b,run=c",
                "`run` tells rows of one execution each apart: state their time_us=HEADING",
            ),
        ] {
            assert_eq!(Columns::parse(&[text]).unwrap_err(), problem, "{text}");
        }
    }
}
