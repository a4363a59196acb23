//! Estimates of Arm's Vela compiler for Ethos-U accelerators, layer by layer.
//!
//! Three forms of the table are known: the passes of early versions (`name,operators,placement,...`), with bytes of each
//! memory; the layers of versions 3 and 4 (`TFLite_operator,...`, two columns of one name among them); those of version 5
//! (`Original Operator,...,Target,...`). The file of `--verbose-performance` has the latter two. All state cycles,
//! which become times by the clock of the accelerator; the summary that Vela writes beside the table has it, and the
//! cycles of the network.

use std::io::BufRead;

use rtmm_workload::Duration;

use super::numbers::{real, whole};
use super::text::{self, Row, Rows};
use super::{Attachment, MeasuredNode, MeasurementError, MeasurementOptions, Measurements, Part, Quantiles};

const HELP: &str = "name the per-layer table that vela wrote with --verbose-performance";
const HELP_SUMMARY: &str = "name the summary that vela wrote beside the table";
/// The most rows of a table.
const MAX_ROWS: usize = 1_000_000;
/// Clocks that a summary may state, in Hz.
const CLOCKS: std::ops::RangeInclusive<f64> = 1e3..=1e12;

/// Positions of the columns of a table.
struct Columns {
    name: usize,
    operator: usize,
    cycles: usize,
    macs: Option<usize>,
    /// Off-chip traffic, in bytes.
    bytes: Vec<usize>,
    /// The processor that runs a layer.
    target: Option<usize>,
}

/// Clock of the accelerator and cycles of the network.
struct Summary {
    clock_hz: u64,
    cycles: Option<u64>,
}

/// Reads a table.
pub(super) fn read(
    reader: &mut dyn BufRead,
    options: &MeasurementOptions,
) -> Result<Measurements, MeasurementError> {
    let text = text::read(reader)?;
    let summary = match &options.summary {
        Some(file) => Some(summary(file).map_err(|error| error.of_file(&file.file))?),
        None => None,
    };
    let clock_hz =
        options.clock_hz.or(summary.as_ref().map(|summary| summary.clock_hz)).ok_or_else(|| {
            MeasurementError::new(
                "the table has cycles, and nothing says the clock",
                "add --summary with the summary that vela wrote, or --clock-mhz",
            )
        })?;
    let mut rows = Rows::new(&text, 1, ',');
    let columns = match rows.next()? {
        Some(heading) => columns(&heading)?,
        None => return Err(MeasurementError::new("the file is empty", HELP)),
    };
    let mut nodes = Vec::new();
    let mut on_cpu = 0_u64;
    while let Some(row) = rows.next()? {
        if nodes.len() >= MAX_ROWS {
            return Err(row.error(0, format!("the table has more than {MAX_ROWS} rows"), "cut the table"));
        }
        let node = node(&row, &columns, nodes.len() as u64, clock_hz)?;
        on_cpu += u64::from(columns.target.is_some_and(|target| row.cell(target) == "CPU"));
        nodes.push(node);
    }
    if nodes.is_empty() {
        return Err(MeasurementError::new("the table has no rows", HELP));
    }
    let of_layers = nodes.iter().filter_map(|node| node.cycles).fold(0, u64::saturating_add);
    let mut notes = Vec::new();
    if on_cpu > 0 {
        notes
            .push(format!("{on_cpu} of {} layers run on the CPU, of which vela states no time", nodes.len()));
    }
    let cycles = summary.and_then(|summary| summary.cycles).unwrap_or(of_layers);
    if cycles != of_layers {
        notes.push(format!("the layers take {of_layers} cycles together, and the network {cycles}"));
    }
    let run = Duration::from_cycles(cycles, clock_hz)
        .ok_or_else(|| MeasurementError::new(format!("{cycles} cycles are beyond 213 days"), HELP))?;
    Ok(Measurements {
        kind: "vela",
        runs: 1,
        node_runs: 1,
        run_times: vec![run],
        nodes,
        notes,
        ..Measurements::default()
    })
}

/// The columns of a table by its headings.
fn columns(heading: &Row<'_>) -> Result<Columns, MeasurementError> {
    let find = |name: &str| heading.cells.iter().position(|cell| cell == name);
    let first = |names: &[&str]| {
        let place = names.iter().find_map(|name| find(name));
        place.ok_or_else(|| heading.error(0, format!("the table has no column `{}`", names[0]), HELP))
    };
    let off_chip = ["bytes_dram_total_total", "bytes_off_chip_flash_total_total"];
    Ok(Columns {
        name: first(&["Name", "name"])?,
        operator: first(&["Original Operator", "TFLite_operator", "operators"])?,
        cycles: first(&["Op Cycles", "cycles_total"])?,
        macs: ["MAC Count", "nn_macs", "macs"].iter().find_map(|name| find(name)),
        bytes: off_chip.iter().filter_map(|name| find(name)).collect(),
        target: find("Target"),
    })
}

fn node(
    row: &Row<'_>,
    columns: &Columns,
    index: u64,
    clock_hz: u64,
) -> Result<MeasuredNode, MeasurementError> {
    let refused =
        |place: usize, reason: &str| row.error(place, format!("`{}` {reason}", row.cell(place)), HELP);
    let number = |place: usize| cycles(row.cell(place)).map_err(|reason| refused(place, &reason));
    let name = row.cell(columns.name).to_owned();
    if name.is_empty() {
        return Err(refused(columns.name, "is no name: the row ends too early"));
    }
    let cycles = number(columns.cycles)?;
    let time = Duration::from_cycles(cycles, clock_hz)
        .ok_or_else(|| refused(columns.cycles, "cycles are beyond 213 days"))?;
    let mut bytes = None;
    for place in &columns.bytes {
        let of_memory = number(*place)?;
        let sum = bytes.unwrap_or(0_u64).checked_add(of_memory);
        bytes = Some(sum.ok_or_else(|| refused(*place, "bytes are beyond 64 bits with those before"))?);
    }
    Ok(MeasuredNode {
        parts: parts(&name),
        name,
        index,
        operator: row.cell(columns.operator).to_owned(),
        calls: 1,
        quantiles: Quantiles { p50: Some(time), ..Quantiles::default() },
        self_total: Some(time),
        macs: columns.macs.map(number).transpose()?,
        cycles: Some(cycles),
        bytes,
        ..MeasuredNode::default()
    })
}

/// A number of cycles or bytes, which may have parts: they are rounded up, as Vela does in its summary.
fn cycles(text: &str) -> Result<u64, String> {
    whole(text).or_else(|reason| {
        let number = real(text)?.ceil();
        // Exact: every whole number of this size is one in binary.
        if number < 9e15 { Ok(number as u64) } else { Err(reason) }
    })
}

/// Tensors that a name is of: several where layers were fused, with a part's number or a step of the compiler behind.
fn parts(name: &str) -> Vec<Part> {
    let name =
        name.split_once(':').filter(|(graph, _)| graph.parse::<u32>().is_ok()).map_or(name, |(_, name)| name);
    let mut parts = Vec::new();
    for tensor in name.split(';') {
        parts.push(Part::Node(tensor.to_owned()));
        let step =
            ["_avgpool", "_fc", "_conv", "_depthwise"].iter().find_map(|step| tensor.strip_suffix(step));
        if let Some(tensor) = step {
            parts.push(Part::Node(tensor.to_owned()));
            parts.push(Part::Node(tensor.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned()));
        }
    }
    parts
}

/// The clock and the cycles of a summary, of one row.
fn summary(file: &Attachment) -> Result<Summary, MeasurementError> {
    let mut rows = Rows::new(&file.text, 1, ',');
    let (Some(heading), Some(row)) = (rows.next()?, rows.next()?) else {
        return Err(MeasurementError::new("the summary has no row behind its headings", HELP_SUMMARY));
    };
    if let Some(second) = rows.next()? {
        return Err(second.error(0, "the summary has several networks", HELP_SUMMARY));
    }
    let find = |name: &str| heading.cells.iter().position(|cell| cell == name);
    let clock = find("core_clock").or_else(|| find("npu_clock")).ok_or_else(|| {
        heading.error(0, "the summary has no column `core_clock` or `npu_clock`", HELP_SUMMARY)
    })?;
    let refused = |place: usize, reason: &str| {
        row.error(place, format!("`{}` {reason}", row.cell(place)), HELP_SUMMARY)
    };
    let clock_hz = real(row.cell(clock)).map_err(|reason| refused(clock, &reason))?;
    if !CLOCKS.contains(&clock_hz) {
        return Err(refused(clock, "is no clock from a kilohertz to a terahertz, in Hz"));
    }
    let total = find("cycles_total");
    let cycles = total.map(|place| cycles(row.cell(place)).map_err(|reason| refused(place, &reason)));
    Ok(Summary { clock_hz: clock_hz.round() as u64, cycles: cycles.transpose()? })
}
