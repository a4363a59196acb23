//! Tables that RKNN-Toolkit2 prints (`eval_perf` with `perf_debug`).
//!
//! A table has fixed columns, but a long cell moves those behind it to the right, and some cells are blank. Each word
//! belongs to the column that makes all words lie closest to their headings, in their order. Before the table stand
//! clocks and warnings, behind it totals and a ranking by operators; lines may have a log's mark of time before them.
//!
//! The compiler prints a table of the same form without times, which are no measurements.

use std::io::BufRead;

use rtmm_workload::Duration;

use super::numbers::{Unit, real, time, whole};
use super::{MeasuredNode, MeasurementError, MeasurementOptions, Measurements, Part, Quantiles, text};

/// A run of the table that is not profiled by layer takes less time; this line has the sum of the layers.
const TOTAL: &str = "Total Operator Elapsed Per Frame Time(us):";
const HELP: &str = "name what eval_perf printed for a runtime with perf_debug=True";
/// The most columns of a table.
const MAX_COLUMNS: usize = 64;
/// Bytes of a KB of the tool.
const BYTES_PER_KB: f64 = 1024.0;

/// A word of a line, and the column that it begins in, from 0.
type Word<'t> = (usize, &'t str);

/// Reads a table.
pub(super) fn read(
    reader: &mut dyn BufRead,
    _: &MeasurementOptions,
) -> Result<Measurements, MeasurementError> {
    let text = text::read(reader)?;
    let mut lines = text.lines().enumerate().map(|(index, line)| (index + 1, without_mark(line)));
    let headings = headings(&mut lines)?;
    let mut nodes: Vec<MeasuredNode> = Vec::new();
    let mut total = None;
    let mut is_behind = false;
    for (number, line) in lines {
        let trimmed = line.trim();
        if let Some(sum) = trimmed.strip_prefix(TOTAL) {
            let refused = |reason| at(number, format!("the total `{}` {reason}", sum.trim()));
            total = Some(time(sum, Unit::Microseconds).map_err(refused)?);
            break;
        }
        if trimmed.is_empty() || trimmed.starts_with("---") {
            is_behind |= !nodes.is_empty();
            continue;
        }
        if is_behind {
            continue;
        }
        nodes.push(node(&headings, line, number)?);
    }
    if nodes.is_empty() {
        return Err(MeasurementError::new("the table has no rows", HELP));
    }
    let Some(total) = total else {
        let problem = format!("the text ends before the line `{TOTAL}`");
        return Err(MeasurementError::new(problem, "save all that eval_perf prints"));
    };
    let mut notes = Vec::new();
    let sum = nodes.iter().filter_map(|node| node.self_total).fold(Duration::ZERO, Duration::saturating_add);
    if sum != total {
        notes.push(format!("the layers take {sum} together, and the total says {total}"));
    }
    Ok(Measurements {
        kind: "rknn",
        runs: 1,
        node_runs: 1,
        run_times: vec![total],
        nodes,
        notes,
        ..Measurements::default()
    })
}

fn at(line: usize, problem: String) -> MeasurementError {
    MeasurementError::at(line, 1, problem, HELP)
}

/// A line without the mark that a log writes before it, such as `D RKNN: [05:07:06.566] `.
fn without_mark(line: &str) -> &str {
    let marked = line.split_once(" RKNN: [").filter(|(level, _)| level.len() == 1);
    marked.and_then(|(_, rest)| rest.split_once("] ")).map_or(line, |(_, rest)| rest)
}

fn words(line: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut place = 0;
    for piece in line.split_inclusive(char::is_whitespace) {
        let word = piece.trim();
        if !word.is_empty() {
            words.push((place, word));
        }
        place += piece.chars().count();
    }
    words
}

/// The first line of headings that has a column of times.
fn headings<'t>(
    lines: &mut impl Iterator<Item = (usize, &'t str)>,
) -> Result<Vec<Word<'t>>, MeasurementError> {
    let mut without_times = None;
    for (number, line) in lines {
        let words = words(line);
        let has = |heading: &str| words.iter().any(|(_, word)| *word == heading);
        if !(has("ID") && has("OpType")) {
            continue;
        }
        let lacking = ["Target", "InputShape", "OutputShape"].into_iter().find(|heading| !has(heading));
        if let Some(lacking) = lacking {
            return Err(at(number, format!("the table has no column `{lacking}`")));
        }
        if words.len() > MAX_COLUMNS {
            return Err(at(number, format!("the table has more than {MAX_COLUMNS} columns")));
        }
        if has("Time(us)") {
            return Ok(words);
        }
        without_times.get_or_insert(number);
    }
    Err(match without_times {
        Some(number) => at(number, "this table is the compiler's, and has no column `Time(us)`".to_owned()),
        None => MeasurementError::new("no line has the headings ID, OpType and Time(us)", HELP),
    })
}

/// The word in each column; none where the cell is blank.
fn cells<'l>(headings: &[Word<'_>], line: &'l str) -> Option<Vec<Option<&'l str>>> {
    let mut words = words(line);
    let columns = headings.len();
    if words.len() > columns {
        // A name with blanks in it stands in the last column, and goes on to the end of the line.
        let name = words.iter().position(|(place, _)| *place >= headings[columns - 1].0)?;
        let (place, _) = words[name];
        words.truncate(name);
        words.push((place, tail(line, place)));
    }
    let count = words.len();
    if count == 0 || count > columns {
        return None;
    }
    // distance[w][c]: the least distance of the first w words from their headings, in the first c columns.
    let mut distance = vec![vec![usize::MAX; columns + 1]; count + 1];
    distance[0] = vec![0; columns + 1];
    for word in 1..=count {
        for column in word..=columns {
            let apart = headings[column - 1].0.abs_diff(words[word - 1].0);
            let here = distance[word - 1][column - 1].saturating_add(apart);
            distance[word][column] = here.min(distance[word][column - 1]);
        }
    }
    let mut cells = vec![None; columns];
    let (mut word, mut column) = (count, columns);
    while word > 0 && column > 0 {
        if distance[word][column] != distance[word][column - 1] {
            cells[column - 1] = Some(words[word - 1].1);
            word -= 1;
        }
        column -= 1;
    }
    Some(cells)
}

/// The end of a line from a column on.
fn tail(line: &str, place: usize) -> &str {
    line.char_indices().nth(place).map_or("", |(at, _)| line[at..].trim_end())
}

fn node(headings: &[Word<'_>], line: &str, number: usize) -> Result<MeasuredNode, MeasurementError> {
    let cells = cells(headings, line).ok_or_else(|| {
        at(
            number,
            format!("this line has other columns than the headings, of which there are {}", headings.len()),
        )
    })?;
    let find = |heading: &str| {
        let place = headings.iter().position(|(_, word)| *word == heading);
        place.and_then(|place| cells.get(place).copied().flatten())
    };
    let required = |heading: &str| {
        find(heading).ok_or_else(|| at(number, format!("the cell in column `{heading}` is blank")))
    };
    let refused = |heading: &str, cell: &str, reason: &str| {
        at(number, format!("`{cell}` in column `{heading}` {reason}"))
    };
    let id = required("ID")?;
    let index = whole(id).map_err(|reason| refused("ID", id, &reason))?;
    let operator = required("OpType")?.to_owned();
    let target = required("Target")?;
    if !["CPU", "NPU", "GPU"].contains(&target) {
        return Err(refused("Target", target, "is no CPU, NPU or GPU"));
    }
    let cell = required("Time(us)")?;
    let time = time(cell, Unit::Microseconds).map_err(|reason| refused("Time(us)", cell, &reason))?;
    let bytes = find("RW(KB)")
        .map(|cell| real(cell).map(bytes).map_err(|reason| refused("RW(KB)", cell, &reason)))
        .transpose()?;
    let full_name = find("FullName").unwrap_or_default();
    let (name, parts) = names(full_name, &operator, index);
    Ok(MeasuredNode {
        name,
        index,
        output: find("OutputShape").and_then(extents),
        parts,
        calls: 1,
        quantiles: Quantiles { p50: Some(time), ..Quantiles::default() },
        self_total: Some(time),
        cycles: cycles(&find).map_err(|problem| at(number, problem))?,
        bytes,
        operator,
        ..MeasuredNode::default()
    })
}

/// Bytes of a number of KB, which has two decimals at most.
fn bytes(kilobytes: f64) -> u64 {
    (kilobytes * BYTES_PER_KB).round() as u64
}

/// The cycles that the compiler expects: the larger one of those of the memory and of the compute units. Operators
/// that it has no number for have 0.
fn cycles<'l>(find: &impl Fn(&str) -> Option<&'l str>) -> Result<Option<u64>, String> {
    let Some(cell) = find("Cycles(DDR/NPU/Total)").or_else(|| find("MaxCycles")) else { return Ok(None) };
    let number =
        |piece: &str| whole(piece).map_err(|reason| format!("the cycles `{cell}`: `{piece}` {reason}"));
    let all: Vec<u64> = cell.split('/').map(number).collect::<Result<_, _>>()?;
    Ok(all.into_iter().max().filter(|cycles| *cycles > 0))
}

/// The extents of a shape such as `(1,64,56,56)`; none for `\`, for several and for one that is cut.
fn extents(shape: &str) -> Option<Vec<u64>> {
    let inner = shape.strip_prefix('(')?.strip_suffix(')')?;
    inner.split(',').map(|extent| extent.parse().ok()).collect()
}

/// The name of a row, and the nodes of the model that it runs.
///
/// `Conv:/a/Conv` is of the node `/a/Conv`; `#2`, `_2conv0` and the like are parts that the compiler made of one.
fn names(full_name: &str, operator: &str, index: u64) -> (String, Vec<Part>) {
    let node = full_name.split_once(':').map_or(full_name, |(_, node)| node);
    if node.is_empty() || full_name.starts_with("InputOperator:") || full_name.starts_with("OutputOperator:")
    {
        let name = if full_name.is_empty() { format!("{operator}#{index}") } else { full_name.to_owned() };
        // The first and the last row move inputs and outputs; their tensors' names are those of other nodes.
        return (name.clone(), vec![Part::Node(format!("{operator}#{index}"))]);
    }
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let mut parts = vec![Part::Node(node.to_owned())];
    let whole_of_numbered = node.rsplit_once('#').filter(|(_, number)| digits(number)).map(|(node, _)| node);
    let whole_of_steps = node
        .rsplit_once("_2conv")
        .or_else(|| node.rsplit_once("_tp"))
        .filter(|(_, number)| number.is_empty() || digits(number))
        .map(|(node, _)| node);
    parts.extend(whole_of_numbered.or(whole_of_steps).map(|node| Part::Node(node.to_owned())));
    (full_name.to_owned(), parts)
}
