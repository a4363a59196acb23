//! Segment groups: `combo`, then `start_k, end_k, batch_k, seq_k` for each member, and the time of the group.

use rtmm_workload::input::{CsvRow, CsvTable, Diagnostics, Source};

use super::columns::{BATCH, DEVIATION, LATENCY_US, optional};
use super::repeats::Seen;
use super::rows::{PREDICTED, Purpose, needs_labels};
use crate::{Names, Segment};

/// The most members of a group.
const MAX_MEMBERS: usize = 64;
/// The most modules of a model: several times as many as the deepest have. A fit takes time and memory in proportion to them.
const MAX_MODULES: u32 = 4_096;
/// The longest sequence.
const MAX_SEQUENCE: u32 = 1_000_000;

/// Segments that were launched together.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// The segments, in the order of the row.
    pub segments: Box<[Segment]>,
    /// Median of the time until all of them had ended, in microseconds, or else the mean; none where neither is stated.
    pub observed_us: Option<f64>,
    /// Standard deviation of that time, in microseconds, where it is stated.
    pub deviation_us: Option<f64>,
}

impl Group {
    /// The models of the members, sorted: groups of equal models are of one combination.
    #[must_use]
    pub fn models(&self) -> Vec<crate::ModelKey> {
        let mut models: Vec<_> = self.segments.iter().map(|segment| segment.model).collect();
        models.sort_unstable();
        models
    }
}

/// Columns of one member.
#[derive(Clone, Copy)]
struct Member {
    start: usize,
    end: usize,
    batch: usize,
    sequence: usize,
}

/// The columns of the members, from the first on, as far as the header has any.
fn members(table: &CsvTable<'_>) -> Result<Vec<Member>, String> {
    let mut members = Vec::new();
    for number in 1..=MAX_MEMBERS {
        let columns = ["start", "end", "batch", "seq"].map(|name| format!("{name}_{number}"));
        let found = columns.each_ref().map(|name| table.column(name));
        match found {
            [Some(start), Some(end), Some(batch), Some(sequence)] => {
                members.push(Member { start, end, batch, sequence });
            }
            [None, None, None, None] if !members.is_empty() => break,
            _ => {
                let missing =
                    found.iter().zip(columns).find_map(|(found, name)| found.is_none().then_some(name));
                return Err(missing.unwrap_or_default());
            }
        }
    }
    Ok(members)
}

/// The names of the columns of so many members.
fn known(members: usize) -> Vec<String> {
    let of = |number: usize| ["start", "end", "batch", "seq"].map(move |name| format!("{name}_{number}"));
    let labels = ["combo", "median_us", "mean_us", "std_us"].map(str::to_owned);
    labels.into_iter().chain((1..=members).flat_map(of)).collect()
}

/// Reads a table of groups.
pub(super) fn read(
    source: &Source,
    names: &mut Names,
    purpose: Purpose,
    seen: &mut Seen,
    groups: &mut Vec<Group>,
) -> Diagnostics {
    let mut table = CsvTable::parse(source, &["combo"]);
    let members = match members(&table) {
        Ok(members) => members,
        Err(missing) => {
            let message = format!("the table has no column `{missing}`");
            table.reject_header(
                message,
                "give each member of a group `start_k`, `end_k`, `batch_k` and `seq_k`, from k = 1 on",
            );
            Vec::new()
        }
    };
    let beyond = format!("start_{}", MAX_MEMBERS + 1);
    if table.column(&beyond).is_some() {
        let message =
            format!("the table has a column `{beyond}`, and a group has at most {MAX_MEMBERS} members");
        table.reject_header(message, "take out the columns of further members");
    } else {
        let columns = known(members.len());
        let columns: Vec<&str> = columns.iter().map(String::as_str).chain(PREDICTED).collect();
        table.only(&columns);
    }
    let (median, mean, deviation) =
        (table.column("median_us"), table.column("mean_us"), table.column("std_us"));
    if purpose.is_labelled() && median.or(mean).is_none() {
        needs_labels(&mut table, &["median_us"]);
    }
    let combo = table.column("combo").unwrap_or(0);
    let mut rows = 0_usize;
    let mut problems = table.each_row(|row| {
        rows += 1;
        let segments = segments(row, combo, &members, names);
        let median = optional(row, median, LATENCY_US);
        let mean = optional(row, mean, LATENCY_US);
        let deviation_us = optional(row, deviation, DEVIATION);
        let (Some(segments), Some(median), Some(mean), Some(deviation_us)) =
            (segments, median, mean, deviation_us)
        else {
            return;
        };
        let observed_us = median.or(mean);
        match observed_us {
            Some(observed) if purpose == Purpose::Fit => {
                let mut key = segments.clone();
                key.sort_unstable();
                seen.groups.note(row, key, &[observed]);
            }
            None if purpose.is_labelled() => {
                row.reject_row("this row has no measured time", "write it into `median_us` or `mean_us`")
            }
            _ => {}
        }
        groups.push(Group { segments: segments.into(), observed_us, deviation_us });
    });
    super::rows::none(source, rows, &mut problems);
    problems
}

/// The segments of a row; none where something of them is rejected.
fn segments(
    row: &mut CsvRow<'_>,
    combo: usize,
    members: &[Member],
    names: &mut Names,
) -> Option<Vec<Segment>> {
    let named: Vec<String> = row.text(combo).split('+').map(|name| name.trim().to_owned()).collect();
    if named.iter().any(String::is_empty) {
        let message = format!("`{}` names no model for some member", row.text(combo));
        row.reject(combo, message, "write the names of the members with `+` between them");
        return None;
    }
    if named.len() != members.len() {
        let message = format!(
            "`{}` names {} members, and the table has columns of {}",
            row.text(combo),
            named.len(),
            members.len()
        );
        row.reject(
            combo,
            message,
            "name one model for each of `start_1`, `start_2` and so on, with `+` between them",
        );
        return None;
    }
    let mut segments = Vec::with_capacity(members.len());
    for (name, member) in named.iter().zip(members) {
        let model = names.key(name);
        let start = row.integer(member.start, 0..=MAX_MODULES);
        let end = row.integer(member.end, 0..=MAX_MODULES);
        let batch = row.integer(member.batch, BATCH);
        let sequence = row.integer(member.sequence, 0..=MAX_SEQUENCE);
        let (Some(start), Some(end), Some(batch), Some(sequence)) = (start, end, batch, sequence) else {
            continue;
        };
        if end < start {
            let message =
                format!("the segment of `{name}` ends at module {end}, before its start at {start}");
            row.reject(
                member.end,
                message,
                "write the module behind the last one; a segment without modules ends where it starts",
            );
            continue;
        }
        segments.push(Segment { model, start, end, batch, sequence });
    }
    (segments.len() == members.len()).then_some(segments)
}
