//! Two outputs of one call, value by value.
//!
//! Values are compared as the texts that the programs wrote: numbers stand there in the shortest form that reads
//! back equal, so that equal texts are equal bits. What the old program wrote must be there under its new name;
//! the new program may write more.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Counts of the values that were compared.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Values of the old program that the new one gives, too.
    pub values: usize,
    /// Calls, or cells of a sweep.
    pub runs: usize,
    /// Calls that the old program refused.
    pub refused: usize,
    /// Names that only the new program has.
    pub added: BTreeSet<String>,
}

/// The table of names that have changed: `output` is a file such as `results.csv`; a row without `column` renames a
/// column (in JSON: a key), one with a column renames a text that stands there.
#[derive(Debug)]
pub(super) struct Names(BTreeMap<[String; 3], String>);

impl Names {
    /// Reads the table.
    ///
    /// # Errors
    /// A line that is no row of four texts, or a name that has two new ones.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let mut names = BTreeMap::new();
        let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).from_reader(text.as_bytes());
        for record in reader.records() {
            let record = record.map_err(|error| format!("the table of names: {error}"))?;
            let cell = |index: usize| record.get(index).unwrap_or_default().to_owned();
            let key = [cell(0), cell(1), cell(2)];
            if names.insert(key, cell(3)).is_some() {
                return Err(format!("the table of names has `{}` of {} twice", cell(2), cell(0)));
            }
        }
        Ok(Self(names))
    }

    /// The new name of a column of `output`, or of a text in one of its columns.
    fn new_name<'n>(&'n self, output: &str, column: &str, old: &'n str) -> &'n str {
        if self.0.is_empty() {
            return old;
        }
        let key = [output, column, old].map(str::to_owned);
        self.0.get(&key).map_or(old, String::as_str)
    }
}

/// The first value that is not equal.
#[derive(Debug)]
pub(super) struct Difference {
    output: String,
    place: String,
    column: String,
    old: String,
    new: Option<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { output, place, column, old, new } = self;
        match new {
            Some(new) => write!(f, "{output}, {place}: `{column}` was `{old}` and is `{new}`"),
            None => write!(f, "{output}, {place}: `{column}` was `{old}` and is not there"),
        }
    }
}

/// Compares two tables in CSV, row by row, under the names of `output`.
///
/// # Errors
/// The first value that differs, or the text that is no table.
pub(super) fn compare_csv(
    names: &Names,
    output: &str,
    [old, new]: [&str; 2],
    tally: &mut Tally,
) -> Result<(), String> {
    let (mut old, mut new) = (reader(old), reader(new));
    let header = |reader: &mut csv::Reader<&[u8]>| {
        reader.headers().cloned().map_err(|error| format!("{output}: {error}"))
    };
    let (old_header, new_header) = (header(&mut old)?, header(&mut new)?);
    let differs = |place: String, column: &str, old: &str, new: Option<&str>| {
        let (output, column, old) = (output.to_owned(), column.to_owned(), old.to_owned());
        Err(Difference { output, place, column, old, new: new.map(str::to_owned) }.to_string())
    };
    let mut positions = Vec::with_capacity(old_header.len());
    for column in &old_header {
        let wanted = names.new_name(output, "", column);
        match new_header.iter().position(|known| known == wanted) {
            Some(position) => positions.push(position),
            None => return differs("the header".to_owned(), wanted, column, None),
        }
    }
    let added = (0..new_header.len()).filter(|position| !positions.contains(position));
    tally.added.extend(added.map(|position| format!("{output}: {}", &new_header[position])));

    let (mut old_row, mut new_row) = (csv::StringRecord::new(), csv::StringRecord::new());
    for row in 1_usize.. {
        let read = |reader: &mut csv::Reader<&[u8]>, row: &mut csv::StringRecord| {
            reader.read_record(row).map_err(|error| format!("{output}: {error}"))
        };
        let (is_old, is_new) = (read(&mut old, &mut old_row)?, read(&mut new, &mut new_row)?);
        let place = |record: &csv::StringRecord| {
            format!("row {row} ({})", record.iter().take(4).collect::<Vec<_>>().join(", "))
        };
        match (is_old, is_new) {
            (false, false) => break,
            (true, false) => return Err(format!("{output}, {}: the new program ends here", place(&old_row))),
            (false, true) => return Err(format!("{output}, {}: the old program ends here", place(&new_row))),
            (true, true) => {}
        }
        for ((column, value), position) in old_header.iter().zip(&old_row).zip(&positions) {
            let found = &new_row[*position];
            let wanted = names.new_name(output, column, value);
            if wanted != found {
                let renamed = format!("{value}` -> `{wanted}");
                let old = if wanted == value { value } else { &renamed };
                return differs(place(&old_row), column, old, Some(found));
            }
        }
        tally.values += old_row.len();
    }
    Ok(())
}

fn reader(text: &str) -> csv::Reader<&[u8]> {
    csv::Reader::from_reader(text.as_bytes())
}

/// Compares two documents in JSON, as `rtmm` prints them: a line a value. Keys go by their names, not their order.
///
/// # Errors
/// The first value that differs.
pub(super) fn compare_json(
    names: &Names,
    output: &str,
    [old, new]: [&str; 2],
    tally: &mut Tally,
) -> Result<(), String> {
    let (old, mut new) = (leaves(old, |key| names.new_name(output, "", key)), leaves(new, |key| key));
    for (path, old) in old {
        let found = new.remove(&path);
        let column = path.rsplit('/').next().unwrap_or_default();
        let wanted = match old.strip_prefix('"').and_then(|old| old.strip_suffix('"')) {
            Some(text) => format!("\"{}\"", names.new_name(output, column, text)),
            None => old.clone(),
        };
        if found.as_ref() != Some(&wanted) {
            let (output, column) = (output.to_owned(), path.clone());
            return Err(
                Difference { output, place: "values".to_owned(), column, old, new: found }.to_string()
            );
        }
        tally.values += 1;
    }
    tally.added.extend(new.into_keys().map(|path| {
        let key = path.rsplit('/').next().unwrap_or_default();
        format!("{output}: {key}")
    }));
    Ok(())
}

/// The values of a document with a line a value, each under the path of its keys and positions.
fn leaves<'t>(text: &'t str, renamed: impl Fn(&'t str) -> &'t str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    // Keys of what is open, each with the position of the next value inside.
    let mut open: Vec<(String, usize)> = Vec::new();
    for line in text.lines() {
        let line = line.trim().trim_end_matches(',');
        if line.starts_with(['}', ']']) {
            open.pop();
            continue;
        }
        let position = open.last_mut().map_or(0, |(_, next)| {
            *next += 1;
            *next - 1
        });
        let keyed = line.strip_prefix('"').and_then(|rest| rest.split_once("\": "));
        let (key, value) = keyed
            .map_or_else(|| (position.to_string(), line), |(key, value)| (renamed(key).to_owned(), value));
        if value == "{" || value == "[" {
            open.push((key, 0));
        } else {
            let path = open.iter().skip(1).map(|(key, _)| key.as_str()).chain([key.as_str()]);
            found.insert(path.collect::<Vec<_>>().join("/"), value.to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "scenario,policy,energy\nvr,edf,1.5\nar,fcfs,2\n";
    const NAMES: &str =
        "output,column,old,new\nr.csv,,energy,energy_pj\nr.csv,policy,fcfs,fifo\nr.json,,e,energy\n";

    fn csv(names: &str, new: &str) -> Result<Tally, String> {
        let mut tally = Tally::default();
        compare_csv(&Names::read(names)?, "r.csv", [OLD, new], &mut tally)?;
        Ok(tally)
    }

    #[test]
    fn tables_are_equal_under_their_new_names_in_any_order_of_columns() {
        let new = "energy_pj,more,scenario,policy\n1.5,x,vr,edf\n2,y,ar,fifo\n";
        let tally = csv(NAMES, new).unwrap();
        assert_eq!(tally.values, 6);
        assert_eq!(tally.added.into_iter().collect::<Vec<_>>(), ["r.csv: more"]);
    }

    #[test]
    fn the_first_value_that_differs_is_named() {
        for (names, new, message) in [
            ("", OLD.replace("1.5", "1.50"), "r.csv, row 1 (vr, edf, 1.5): `energy` was `1.5` and is `1.50`"),
            (
                "",
                OLD.replace("fcfs", "fifo"),
                "r.csv, row 2 (ar, fcfs, 2): `policy` was `fcfs` and is `fifo`",
            ),
            (
                NAMES,
                OLD.replace("energy", "energy_pj"),
                "r.csv, row 2 (ar, fcfs, 2): `policy` was `fcfs` -> `fifo` and is `fcfs`",
            ),
            (NAMES, OLD.to_owned(), "r.csv, the header: `energy_pj` was `energy` and is not there"),
            ("", OLD.replace("ar,fcfs,2\n", ""), "r.csv, row 2 (ar, fcfs, 2): the new program ends here"),
            ("", format!("{OLD}x,y,3\n"), "r.csv, row 3 (x, y, 3): the old program ends here"),
        ] {
            assert_eq!(csv(names, &new).unwrap_err(), message);
        }
    }

    #[test]
    fn documents_are_compared_by_their_keys() {
        let old =
            "{\n  \"a\": 1,\n  \"tasks\": [\n    {\n      \"e\": 0.5,\n      \"t\": \"x\"\n    }\n  ]\n}\n";
        let new = old.replace("\"e\"", "\"more\": null,\n \"energy\"");
        let names = Names::read(NAMES).unwrap();
        let mut tally = Tally::default();
        compare_json(&names, "r.json", [old, &new], &mut tally).unwrap();
        assert_eq!((tally.values, tally.added.len()), (3, 1));
        let other = new.replace("0.5", "0.25");
        let difference = compare_json(&names, "r.json", [old, &other], &mut tally).unwrap_err();
        assert_eq!(difference, "r.json, values: `tasks/0/energy` was `0.5` and is `0.25`");
        let less = new.replace("\"t\": \"x\"", "");
        let difference = compare_json(&names, "r.json", [old, &less], &mut tally).unwrap_err();
        assert_eq!(difference, "r.json, values: `tasks/0/t` was `\"x\"` and is not there");
    }

    #[test]
    fn the_committed_table_of_names_is_sound() {
        let names = Names::read(include_str!("names.csv")).unwrap();
        assert!(names.0.iter().all(|([output, _, old], new)| !output.is_empty() && old != new));
        assert!(Names::read("output,column,old,new\na,,b,c\na,,b,d\n").unwrap_err().contains("twice"));
    }
}
