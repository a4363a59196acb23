//! Rows of a cost table.

use std::collections::BTreeMap;

use rtmm_workload::input::{CsvRow, CsvTable, Source};
use rtmm_workload::{Duration, TimeError, model_name};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::platform::MAX_BATCH;
use crate::varying::Quantiles;

/// The column of a time that is the same for every job.
pub(super) const LATENCY: &str = "latency_us";
/// The columns of a time that varies, in the order of [`Quantiles`].
pub(super) const QUANTILES: [&str; 5] =
    ["latency_min_us", "latency_p50_us", "latency_p90_us", "latency_p99_us", "latency_max_us"];
/// The column of the number of inferences that a row is of.
const BATCH: &str = "batch";
/// All columns that a table may have.
const KNOWN: [&str; 12] = [
    "model",
    "layer",
    LATENCY,
    QUANTILES[0],
    QUANTILES[1],
    QUANTILES[2],
    QUANTILES[3],
    QUANTILES[4],
    "energy_uj",
    "dram_bytes",
    "quanta",
    BATCH,
];
/// Beginnings of the names of columns that say something of a layer's cost.
const BEGINNINGS: [&str; 10] =
    ["latency", "energy", "dram", "quant", "min_us", "p5", "p9", "max_us", "mean_us", "batch"];
/// Names of columns, alone or with a unit, that other tools give to costs.
const QUANTITIES: [&str; 6] = ["time", "duration", "runtime", "cycles", "traffic", "bytes"];
/// Words of names of times and energies, wherever they stand.
const COSTS: [&str; 3] = ["latency", "energy", "runtime"];
/// Units of times, energies and powers that end a name.
const UNITS: [&str; 11] = ["ps", "ns", "us", "ms", "sec", "pj", "nj", "uj", "mj", "uw", "mw"];
/// Names of statistics, which are those of the time where nothing else is said.
const STATISTICS: [&str; 8] = ["mean", "avg", "average", "median", "std", "stdev", "stddev", "power"];
/// The largest energy of a layer, in microjoules: a megajoule.
const MAX_MICROJOULES: f64 = 1e12;
/// The most off-chip traffic of a layer, in bytes.
const MAX_BYTES: u64 = 1 << 50;

/// One row of a table.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Measured {
    /// The mean, where it varies.
    pub latency: Duration,
    pub energy_pj: f64,
    pub dram_bytes: u64,
    pub quanta: u32,
    /// None for a time that is the same for every job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantiles: Option<Quantiles>,
    /// Line of the file; says nothing of the cost.
    #[serde(skip)]
    pub line: usize,
}

/// The rows of a layer, by the number of inferences at once; at least one.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct LayerRows(BTreeMap<u32, Measured>);

impl LayerRows {
    /// The row of a batch.
    pub(super) fn of_batch(&self, batch: u32) -> Option<&Measured> {
        self.0.get(&batch)
    }

    /// The row of a batch, or of the smallest one above it that has a row.
    pub(super) fn at_least(&self, batch: u32) -> Option<&Measured> {
        self.0.range(batch..).next().map(|(_, row)| row)
    }

    pub(super) fn insert(&mut self, batch: u32, row: Measured) {
        self.0.insert(batch, row);
    }

    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Measured> {
        self.0.values()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Measured> {
        self.0.values_mut()
    }
}

/// A row of one inference stands by itself: tables without batches keep their identities.
impl Serialize for LayerRows {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let (1, Some(row)) = (self.0.len(), self.of_batch(1)) {
            return row.serialize(serializer);
        }
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (batch, row) in &self.0 {
            map.serialize_entry(&format!("batch {batch}"), row)?;
        }
        map.end()
    }
}

/// Positions of the columns.
pub(super) struct Columns {
    model: usize,
    layer: usize,
    time: Time,
    energy: Option<usize>,
    dram: Option<usize>,
    quanta: Option<usize>,
    batch: Option<usize>,
}

/// Positions of the columns that state the time.
enum Time {
    Same(usize),
    Varying([usize; 5]),
}

impl Columns {
    /// Opens a table. Its header is checked; without problems there, all that it must have is found.
    pub(super) fn open(source: &Source) -> (CsvTable<'_>, Option<Self>) {
        let header = CsvTable::parse(source, &[]);
        let varies = QUANTILES.iter().any(|name| header.column(name).is_some());
        let times = if varies { &QUANTILES[..] } else { &[LATENCY] };
        let required: Vec<&str> = ["model", "layer"].iter().chain(times).copied().collect();
        let mut csv = CsvTable::parse(source, &required);
        csv.only_notes_beside(&KNOWN, &BEGINNINGS);
        refuse_quantities(&mut csv);
        if varies && csv.column(LATENCY).is_some() {
            csv.reject_header(
                format!(
                    "the table has `{LATENCY}` beside quantiles, whose mean says the same in another way"
                ),
                format!("remove it, or name it `_{LATENCY}` if it is a note"),
            );
        }
        let columns = Self::find(&csv, varies);
        (csv, columns)
    }

    fn find(csv: &CsvTable<'_>, varies: bool) -> Option<Self> {
        Some(Self {
            model: csv.column("model")?,
            layer: csv.column("layer")?,
            time: if varies {
                let [min, p50, p90, p99, max] = QUANTILES.map(|name| csv.column(name));
                Time::Varying([min?, p50?, p90?, p99?, max?])
            } else {
                Time::Same(csv.column(LATENCY)?)
            },
            energy: csv.column("energy_uj"),
            dram: csv.column("dram_bytes"),
            quanta: csv.column("quanta"),
            batch: csv.column(BATCH),
        })
    }

    /// Reads a row: model, layer, batch and what was measured. Problems are recorded.
    pub(super) fn read(&self, row: &mut CsvRow<'_>) -> Option<(String, String, u32, Measured)> {
        let mut name =
            |column: usize, what: &str| filled(row, column, what).then(|| row.text(column).to_owned());
        let (model, layer) = (name(self.model, "model"), name(self.layer, "layer"));
        let model = model.map(|cell| model_name(&cell).to_owned());
        let time = self.time(row);
        let energy_uj = match self.energy {
            Some(column) if filled(row, column, "energy_uj") => row.number(column, 0.0..=MAX_MICROJOULES),
            Some(_) => None,
            None => Some(0.0),
        };
        let dram_bytes = match self.dram {
            Some(column) if filled(row, column, "dram_bytes") => row.integer(column, 0..=MAX_BYTES),
            Some(_) => None,
            None => Some(0),
        };
        let quanta = match self.quanta {
            Some(column) if filled(row, column, "quanta") => row.integer(column, 1..=u32::MAX),
            Some(_) => None,
            None => Some(1),
        };
        let batch = match self.batch {
            Some(column) if filled(row, column, BATCH) => row.integer(column, 1..=MAX_BATCH),
            Some(_) => None,
            None => Some(1),
        };
        let (latency, quantiles) = time?;
        let measured = Measured {
            latency,
            energy_pj: energy_uj? * 1e6,
            dram_bytes: dram_bytes?,
            quanta: quanta?,
            quantiles,
            line: row.line(),
        };
        Some((model?, layer?, batch?, measured))
    }

    /// The time of a row, with its quantiles where they differ.
    fn time(&self, row: &mut CsvRow<'_>) -> Option<(Duration, Option<Quantiles>)> {
        let columns = match self.time {
            Time::Same(column) => return Some((read_time(row, column, LATENCY)?, None)),
            Time::Varying(columns) => columns,
        };
        let mut index = 0;
        let [min, p50, p90, p99, max] = columns.map(|column| {
            index += 1;
            read_time(row, column, QUANTILES[index - 1])
        });
        match Quantiles::new([min?, p50?, p90?, p99?, max?]) {
            Ok(quantiles) => Some((quantiles.mean(), Some(quantiles).filter(|all| !all.is_constant()))),
            Err(descending) => {
                let (column, name) = (columns[descending.0], QUANTILES[descending.0]);
                let before = QUANTILES[descending.0 - 1];
                let message =
                    format!("`{}` in column `{name}` is below that in column `{before}`", row.text(column));
                row.reject(column, message, "quantiles never fall: min, p50, p90, p99, max");
                None
            }
        }
    }
}

/// Records columns that are costs under another name: who wrote them means them to count.
fn refuse_quantities(csv: &mut CsvTable<'_>) {
    // The beginnings have an error of their own.
    let is_quantity = |name: &&String| {
        if name.starts_with('_') || KNOWN.contains(&name.as_str()) {
            return false;
        }
        let lower = name.to_lowercase();
        let (quantity, unit) = lower.split_once(['_', ' ']).unwrap_or((&lower, ""));
        let is_unit =
            ["", "ps", "ns", "us", "ms", "s", "kb", "mb", "b"].contains(&unit.trim_matches(['(', ')']));
        (QUANTITIES.contains(&quantity) && is_unit) || is_cost(&lower)
    };
    let quantities: Vec<String> = csv.header().iter().filter(is_quantity).cloned().collect();
    for name in quantities {
        let message = format!("column `{name}` is not read, and would change what the rows say");
        let help = "costs are latency_us, energy_uj, dram_bytes and quanta; if it is a note, let its name begin with `_`";
        csv.reject_header(message, help);
    }
}

/// True if a name in small letters clearly is that of a time, an energy or a power: by a word, a unit or a statistic.
fn is_cost(lower: &str) -> bool {
    if BEGINNINGS.iter().any(|beginning| lower.starts_with(beginning)) {
        return false;
    }
    let words: Vec<&str> =
        lower.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let is_percentile = |word: &str| word.strip_prefix('p').is_some_and(|rest| rest.parse::<u32>().is_ok());
    let has_unit = words.len() > 1 && words.last().is_some_and(|word| UNITS.contains(word));
    let is_statistic = matches!(words[..], [word] if STATISTICS.contains(&word) || is_percentile(word));
    has_unit || is_statistic || words.iter().any(|word| COSTS.contains(word))
}

/// True if the cell in `column` says something; a blank one is recorded.
fn filled(row: &mut CsvRow<'_>, column: usize, name: &str) -> bool {
    let filled = !row.is_blank(column);
    if !filled {
        row.reject(column, format!("the cell in column `{name}` is empty"), format!("write the {name}"));
    }
    filled
}

/// A time in microseconds: exact, since a decimal number of them is a whole number of picoseconds, or too fine.
fn read_time(row: &mut CsvRow<'_>, column: usize, name: &str) -> Option<Duration> {
    if !filled(row, column, name) {
        return None;
    }
    let text = row.text(column).to_owned();
    match Duration::parse_microseconds(&text) {
        Ok(latency) => Some(latency),
        Err(error) => {
            let why = match error {
                // The unit is the column's, so that a message that asks for one would mislead.
                TimeError::Malformed => "is no number of microseconds".to_owned(),
                error => format!("is no latency: {error}"),
            };
            let message = format!("`{text}` in column `{name}` {why}");
            let help = "write microseconds as a decimal number from 0, such as 12.5 or 1.25e1";
            row.reject(column, message, help);
            None
        }
    }
}
