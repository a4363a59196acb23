//! Sample traces: what the layers of recorded inferences did, sample by sample.
//!
//! A sample trace is a CSV file with a row for each layer of each sample of one model under one
//! sparsity pattern, in the two schemas of the Dysta benchmark (Fan et al., MICRO 2023):
//!
//! | schema | columns | meaning |
//! |---|---|---|
//! | Sanger | `overall-sparsity`, `50%-skip`, `batch-indx`, `layer-indx` | the *density* of the attention map, and the load balance of its packed rows |
//! | EyerissV2 | `sim_lat`, `overall-sparsity`, `batch-indx`, `layer-indx` | latency in seconds, and the *sparsity* of the layer's input activation |
//!
//! The column `overall-sparsity` has opposite meanings in the two; here [`SampleTrace::sparsity`] is
//! the share of zeros in both. Which schema a file has follows from its columns; further columns are
//! ignored. Rows may stand in any order, but every sample must have a row for every layer, once.
//!
//! What must stay true: every cell is a finite number in its range, no layer's mean sparsity is 1,
//! and no sample takes no time, so that no ratio that schedulers form of them divides by zero.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use serde::Serialize;

use crate::input::{CsvRow, CsvTable, Diagnostic, Diagnostics, Source};
use crate::synthesis::Synthesis;
use crate::time::Duration;

const SPARSITY: &str = "overall-sparsity";
const BALANCE: &str = "50%-skip";
const LATENCY: &str = "sim_lat";
const SAMPLE: &str = "batch-indx";
const LAYER: &str = "layer-indx";

/// The most layers that a trace can have.
const MAX_LAYERS: u32 = 100_000;
/// The longest latency of a layer, in seconds: beyond it the clock would soon be full.
const MAX_LATENCY_S: f64 = 1e5;
/// Number of missing cells of a file that are reported one by one.
const MAX_MISSING: usize = 10;

/// Schema of a trace: one of the two public ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schema {
    /// Densities of attention maps, with the load balance of their packed rows.
    Sanger,
    /// Sparsities of activations, with recorded latencies.
    EyerissV2,
}

impl Schema {
    /// The second part of the names of files of the schema.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sanger => "sanger",
            Self::EyerissV2 => "eyerissv2",
        }
    }
}

/// Measurements of one layer of one sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LayerSample {
    /// The share of zeros: of the attention map, or of the input activation.
    pub sparsity: f64,
    /// Load balance over the hardware's units, in 0..=1; 1 where it was not recorded.
    pub balance: f64,
    /// Latency of the layer on the device that recorded it; none where it was not recorded.
    pub latency: Option<Duration>,
}

/// Measurements of the layers of recorded, or synthesised, inferences of one model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SampleTrace {
    /// The model and its pattern: the file's name up to the first dot.
    pub name: String,
    /// Its schema.
    pub schema: Schema,
    layers: usize,
    /// The file's name of each sample, in the order of first appearance.
    samples: Vec<u64>,
    /// A row a sample, a column a layer: `overall-sparsity` as it stands.
    stated: Vec<f64>,
    /// The same of the balance or of the latency in seconds; empty where no latency was recorded.
    detail: Vec<f64>,
    /// The parameters that it was synthesised with; none for a trace that was read.
    synthesis: Option<Arc<Synthesis>>,
}

impl SampleTrace {
    /// A trace of synthesised values, a row a sample and a column a layer. `detail` holds balances, or
    /// latencies in seconds, or nothing where latencies of [`Schema::EyerissV2`] are to be computed.
    ///
    /// `layers` must divide the values, and both lists must fit each other; what is too much is cut off.
    #[must_use]
    pub fn of_values(
        name: String,
        schema: Schema,
        layers: usize,
        stated: Vec<f64>,
        detail: Vec<f64>,
    ) -> Self {
        let samples = (0..(stated.len() / layers.max(1)) as u64).collect();
        Self { name, schema, layers, samples, stated, detail, synthesis: None }
    }

    /// The same trace, marked as drawn by `synthesis`.
    #[must_use]
    pub fn synthesised_by(self, synthesis: Arc<Synthesis>) -> Self {
        Self { synthesis: Some(synthesis), ..self }
    }

    /// The same trace with these latencies, in seconds, a row a sample and a column a layer. A trace of
    /// [`Schema::Sanger`], and one with another number of cells, stays as it is.
    #[must_use]
    pub fn with_latencies(self, latencies_s: Vec<f64>) -> Self {
        if self.schema == Schema::EyerissV2 && latencies_s.len() == self.stated.len() {
            return Self { detail: latencies_s, ..self };
        }
        self
    }

    /// The statistical model that made the trace up; none for a trace that was read, which does not say
    /// whether it was measured.
    #[must_use]
    pub fn synthesis(&self) -> Option<&Synthesis> {
        self.synthesis.as_deref()
    }

    /// The number of layers of the model.
    #[must_use]
    pub fn layers(&self) -> usize {
        self.layers
    }

    /// The number of samples.
    #[must_use]
    pub fn len(&self) -> usize {
        self.samples.len()
    }

    /// True if there are no samples: never so for a trace that was read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    /// The file's name of the sample in a position.
    #[must_use]
    pub fn id(&self, sample: usize) -> u64 {
        self.samples[sample]
    }

    /// The position of the sample that the file calls `id`. Files mostly count from 0.
    #[must_use]
    pub fn position(&self, id: u64) -> Option<usize> {
        let guess = usize::try_from(id).ok().filter(|guess| self.samples.get(*guess) == Some(&id));
        guess.or_else(|| self.samples.iter().position(|known| *known == id))
    }

    /// `overall-sparsity` as the file states it: a density for [`Schema::Sanger`].
    #[must_use]
    pub fn stated(&self, sample: usize, layer: usize) -> f64 {
        self.stated[sample * self.layers + layer]
    }

    /// The share of zeros in a layer of a sample.
    #[must_use]
    pub fn sparsity(&self, sample: usize, layer: usize) -> f64 {
        match self.schema {
            Schema::Sanger => 1.0 - self.stated(sample, layer),
            Schema::EyerissV2 => self.stated(sample, layer),
        }
    }

    /// The load balance of a layer of a sample; 1 where it was not recorded.
    #[must_use]
    pub fn balance(&self, sample: usize, layer: usize) -> f64 {
        match self.schema {
            Schema::Sanger => self.detail[sample * self.layers + layer],
            Schema::EyerissV2 => 1.0,
        }
    }

    /// The recorded latency of a layer of a sample, in seconds.
    #[must_use]
    pub fn latency_s(&self, sample: usize, layer: usize) -> Option<f64> {
        match self.schema {
            Schema::Sanger => None,
            Schema::EyerissV2 => self.detail.get(sample * self.layers + layer).copied(),
        }
    }

    /// The measurements of a layer of a sample.
    #[must_use]
    pub fn at(&self, sample: usize, layer: usize) -> LayerSample {
        LayerSample {
            sparsity: self.sparsity(sample, layer),
            balance: self.balance(sample, layer),
            // Exact for the decimals of a file: the nearest picosecond of the nearest double.
            latency: self
                .latency_s(sample, layer)
                .map(|seconds| Duration::from_picoseconds((seconds * 1e12).round() as u64)),
        }
    }

    /// The mean sparsity of a layer over all samples, summed in their order.
    #[must_use]
    pub fn mean_sparsity(&self, layer: usize) -> f64 {
        let sum = (0..self.len()).fold(0.0, |sum, sample| sum + self.sparsity(sample, layer));
        sum / self.len() as f64
    }

    /// The values as they stand in a file, for a digest of all of them: `overall-sparsity`,
    /// then the balance or the latency.
    #[must_use]
    pub fn values(&self) -> [&[f64]; 2] {
        [&self.stated, &self.detail]
    }

    /// The trace as a CSV text in its schema. A trace without latencies has none.
    #[must_use]
    pub fn to_csv(&self) -> String {
        let second = match self.schema {
            Schema::Sanger => BALANCE,
            Schema::EyerissV2 => LATENCY,
        };
        let mut text = format!("{second},{SPARSITY},{SAMPLE},{LAYER}\n");
        for (position, id) in self.samples.iter().enumerate() {
            for layer in 0..self.layers {
                let cell = position * self.layers + layer;
                let detail = self.detail.get(cell).map_or_else(String::new, f64::to_string);
                text.push_str(&format!("{detail},{},{id},{layer}\n", self.stated[cell]));
            }
        }
        text
    }
}

/// One row of a file.
struct Row {
    /// Position of the sample.
    sample: u32,
    layer: u32,
    stated: f64,
    detail: f64,
    line: u32,
}

/// Positions of the columns.
struct Columns {
    schema: Schema,
    sparsity: usize,
    detail: usize,
    sample: usize,
    layer: usize,
}

/// Reads a trace; `name` is the model's.
pub(crate) fn read_sample_trace(name: &str, source: &Source) -> Result<SampleTrace, Diagnostics> {
    let header = CsvTable::parse(source, &[]);
    let schema = match (header.column(BALANCE), header.column(LATENCY)) {
        (Some(_), Some(_)) => {
            let mut table = CsvTable::parse(source, &[]);
            table.reject_header(
                format!("the header mixes two schemas: `{BALANCE}` is Sanger's, `{LATENCY}` EyerissV2's"),
                "keep the rows of one accelerator in one file",
            );
            return table.each_row(|_| {}).into_result(None);
        }
        (Some(_), None) => Schema::Sanger,
        (None, Some(_)) => Schema::EyerissV2,
        (None, None) => {
            let mut table = CsvTable::parse(source, &[]);
            table.reject_header(
                format!("the table is no sample trace: it has neither `{BALANCE}` nor `{LATENCY}`"),
                "give it the columns of Sanger's or of EyerissV2's traces",
            );
            return table.each_row(|_| {}).into_result(None);
        }
    };
    let second = if schema == Schema::Sanger { BALANCE } else { LATENCY };
    let table = CsvTable::parse(source, &[SPARSITY, second, SAMPLE, LAYER]);
    let find = |name: &str| table.column(name).unwrap_or(0);
    let columns = Columns {
        schema,
        sparsity: find(SPARSITY),
        detail: find(second),
        sample: find(SAMPLE),
        layer: find(LAYER),
    };
    let mut samples = Samples::default();
    let mut rows: Vec<Row> = Vec::with_capacity(source.text().len() / 40);
    let mut problems = table.each_row(|row| {
        if let Some(row) = read_row(row, &columns, &mut samples) {
            rows.push(row);
        }
    });
    if !problems.is_empty() {
        return Err(problems);
    }
    if rows.is_empty() {
        problems.push(whole_file(source, "the trace has no rows").help("add a row for each layer"));
        return Err(problems);
    }
    let trace = fill(name, schema, source, &rows, samples.ids, &mut problems);
    if let Some(trace) = &trace {
        check_ratios(source, trace, &mut problems);
    }
    problems.into_result(trace)
}

/// The samples of a file by what it calls them.
#[derive(Default)]
struct Samples {
    ids: Vec<u64>,
    positions: BTreeMap<u64, u32>,
    last: Option<(u64, u32)>,
}

impl Samples {
    fn position(&mut self, id: u64) -> u32 {
        if let Some((last, position)) = self.last
            && last == id
        {
            return position;
        }
        let ids = &mut self.ids;
        let position = *self.positions.entry(id).or_insert_with(|| {
            ids.push(id);
            u32::try_from(ids.len() - 1).unwrap_or(u32::MAX)
        });
        self.last = Some((id, position));
        position
    }
}

fn read_row(row: &mut CsvRow<'_>, columns: &Columns, samples: &mut Samples) -> Option<Row> {
    let stated = row.number(columns.sparsity, 0.0..=1.0);
    let detail = match columns.schema {
        Schema::Sanger => row.number(columns.detail, 1e-6..=1.0),
        Schema::EyerissV2 => row.number(columns.detail, 0.0..=MAX_LATENCY_S),
    };
    let sample = row.integer(columns.sample, 0..=u64::MAX);
    let layer = row.integer(columns.layer, 0..=MAX_LAYERS - 1);
    let line = u32::try_from(row.line()).unwrap_or(u32::MAX);
    Some(Row { sample: samples.position(sample?), layer: layer?, stated: stated?, detail: detail?, line })
}

/// Puts rows in their places; missing and repeated ones are recorded.
fn fill(
    name: &str,
    schema: Schema,
    source: &Source,
    rows: &[Row],
    samples: Vec<u64>,
    problems: &mut Diagnostics,
) -> Option<SampleTrace> {
    let layers = rows.iter().map(|row| row.layer as usize + 1).max()?;
    let cells = layers.checked_mul(samples.len())?;
    // More cells than rows: some are missing, and there may be too many to hold.
    let mut lines: BTreeMap<(u32, u32), u32> = BTreeMap::new();
    if cells == rows.len() {
        let (mut stated, mut detail) = (vec![f64::NAN; cells], vec![f64::NAN; cells]);
        for row in rows {
            let cell = row.sample as usize * layers + row.layer as usize;
            (stated[cell], detail[cell]) = (row.stated, row.detail);
        }
        if stated.iter().all(|value| !value.is_nan()) {
            let name = name.to_owned();
            return Some(SampleTrace { name, schema, layers, samples, stated, detail, synthesis: None });
        }
    }
    for row in rows {
        if let Some(first) = lines.get(&(row.sample, row.layer)) {
            let id = samples[row.sample as usize];
            let message = format!("sample {id} has layer {} a second time", row.layer);
            problems.push(
                Diagnostic::new(message, source, line_range(source, row.line))
                    .see(source, line_range(source, *first), "first here")
                    .help("remove one of the two rows"),
            );
            continue;
        }
        lines.insert((row.sample, row.layer), row.line);
    }
    let mut missing = 0_usize;
    for (position, id) in samples.iter().enumerate() {
        let position = position as u32;
        let of_sample = || lines.range((position, 0)..=(position, u32::MAX));
        let absent = layers - of_sample().count();
        if absent == 0 {
            continue;
        }
        missing += 1;
        if missing > MAX_MISSING {
            continue;
        }
        let first = (0..layers as u32).find(|layer| !lines.contains_key(&(position, *layer))).unwrap_or(0);
        let last_line = of_sample().map(|(_, line)| *line).max().unwrap_or(1);
        let more = if absent > 1 { format!(", nor for {} others", absent - 1) } else { String::new() };
        problems.push(
            Diagnostic::new(
                format!("sample {id} has no row for layer {first}{more}"),
                source,
                line_range(source, last_line),
            )
            .label("its last row")
            .help(format!("give every sample a row for each of the {layers} layers, 0 to {}", layers - 1)),
        );
    }
    if missing > MAX_MISSING {
        problems.push(whole_file(source, &format!("{} more samples lack layers", missing - MAX_MISSING)));
    }
    None
}

/// Records what would make a scheduler divide by zero.
fn check_ratios(source: &Source, trace: &SampleTrace, problems: &mut Diagnostics) {
    for layer in 0..trace.layers {
        if (0..trace.len()).all(|sample| trace.sparsity(sample, layer) >= 1.0) {
            problems.push(
                whole_file(
                    source,
                    &format!("layer {layer} has an average sparsity of 1: nothing can be compared with it"),
                )
                .help("remove the layer, or record it where something of it is left"),
            );
        }
    }
    for sample in 0..trace.len() {
        let takes_time = |layer| trace.latency_s(sample, layer).is_none_or(|latency| latency > 0.0);
        if !(0..trace.layers).any(takes_time) {
            let message = format!("sample {} takes no time at all", trace.id(sample));
            problems.push(whole_file(source, &message).help("remove the sample, or state its latencies"));
        }
    }
}

fn whole_file(source: &Source, message: &str) -> Diagnostic {
    Diagnostic::new(message, source, line_range(source, 1))
}

/// The bytes of a line, counted from 1.
fn line_range(source: &Source, line: u32) -> Range<usize> {
    let mut start = 0;
    for (index, text) in source.text().split_inclusive('\n').enumerate() {
        if index + 1 == line as usize {
            return start..start + text.trim_end().len();
        }
        start += text.len();
    }
    start..start
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<SampleTrace, Diagnostics> {
        read_sample_trace("m", &Source::new("m.csv", text))
    }

    #[test]
    fn both_schemas_are_read_in_any_order_of_rows_and_columns() {
        let sanger = "layer-indx,25%-skip,batch-indx,overall-sparsity,50%-skip\n\
                      1,9,4,0.25,0.5\n0,9,4,0.5,0.75\n0,9,2,1,1\n1,9,2,0,0.5\n";
        let trace = read(sanger).expect("a trace");
        assert_eq!((trace.schema, trace.layers(), trace.len()), (Schema::Sanger, 2, 2));
        assert_eq!((trace.id(0), trace.position(2), trace.position(0)), (4, Some(1), None));
        let sample = trace.at(0, 1);
        assert_eq!((sample.sparsity, sample.balance, sample.latency), (0.75, 0.5, None));
        assert_eq!(trace.mean_sparsity(0), 0.25);

        let eyeriss = "sim_lat,overall-sparsity,batch-indx,layer-indx\n0.008985115,0.25,0,0\n";
        let trace = read(eyeriss).expect("a trace");
        let sample = trace.at(0, 0);
        assert_eq!((sample.sparsity, sample.balance), (0.25, 1.0));
        assert_eq!(sample.latency, Some(Duration::from_picoseconds(8_985_115_000)));
        assert_eq!(read(&trace.to_csv()).expect("a trace"), trace);
    }

    #[test]
    fn what_a_trace_lacks_is_said_with_its_place() {
        let header = "sim_lat,overall-sparsity,batch-indx,layer-indx\n";
        for (text, place, message) in [
            ("", (1, 1), "the table is empty"),
            (header, (1, 1), "the trace has no rows"),
            ("a,b\n1,2\n", (1, 1), "the table is no sample trace"),
            ("sim_lat,50%-skip,overall-sparsity,batch-indx,layer-indx\n", (1, 1), "mixes two schemas"),
            ("sim_lat,sparsity,batch-indx,layer-indx\n", (1, 1), "no column `overall-sparsity`"),
            ("sim_lat,overall-sparsity,batch-indx,layer-indx\n1,NaN,0,0\n", (2, 3), "`NaN` in column"),
            ("sim_lat,overall-sparsity,batch-indx,layer-indx\n1,,0,0\n", (2, 3), "`` in column"),
            ("sim_lat,overall-sparsity,batch-indx,layer-indx\n1,0.5,0\n", (2, 1), "3 cells"),
            ("sim_lat,overall-sparsity,batch-indx,layer-indx\n-1,0.5,0,0\n", (2, 1), "out of range"),
            (
                "sim_lat,overall-sparsity,batch-indx,layer-indx\n1,0.5,0,0\n1,0.5,0,0\n",
                (3, 1),
                "sample 0 has layer 0 a second time",
            ),
            (
                "sim_lat,overall-sparsity,batch-indx,layer-indx\n1,0.5,7,0\n1,0.5,8,0\n1,0.5,8,1\n",
                (2, 1),
                "sample 7 has no row for layer 1",
            ),
            (
                "sim_lat,overall-sparsity,batch-indx,layer-indx\n1,0.5,7,0\n1,0.5,7,99999\n",
                (3, 1),
                "sample 7 has no row for layer 1, nor for 99997 others",
            ),
            (
                "sim_lat,overall-sparsity,batch-indx,layer-indx\n1,1,0,0\n",
                (1, 1),
                "layer 0 has an average sparsity of 1",
            ),
            ("sim_lat,overall-sparsity,batch-indx,layer-indx\n0,0.5,3,0\n", (1, 1), "sample 3 takes no time"),
        ] {
            let problems = read(text).expect_err(text);
            let first = problems.iter().next().expect("a problem");
            assert!(first.message().contains(message), "{text}: {}", first.message());
            let (_, line, column) = first.place().expect("a place");
            assert_eq!((line, column), place, "{text}");
        }
    }
}
