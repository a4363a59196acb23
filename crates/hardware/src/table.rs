//! The `table` cost model: costs that were measured on a device, or that another tool computed.
//!
//! A CSV file has one row for each layer of each model:
//!
//! ```csv
//! model,layer,latency_us,energy_uj,dram_bytes,quanta
//! xrbench/es_ritnet,conv1,128.25,310.5,1048576,8
//! ```
//!
//! | column | meaning |
//! |---|---|
//! | `model`, `layer` | names as the model files have them |
//! | `latency_us` | latency in isolation, in microseconds, to a picosecond at the finest |
//! | `energy_uj` | optional: energy in microjoules; 0 where absent |
//! | `dram_bytes` | optional: off-chip traffic in bytes; 0 where absent |
//! | `quanta` | optional: equal steps that the layer can be stopped between; 1 where absent |
//!
//! Every cell of a column that is there must be filled. Further columns are notes, but for those that name a time, an
//! energy or the like in another way, which are errors. A latency is
//! what a device showed, memory included: it stands as compute time with nothing to overlap. Energy
//! is not broken down; all of it stands under `mac`. A layer that has no row has no cost. The model
//! knows nothing of shapes, clocks or batch sizes: what was measured holds for what was measured.

use std::collections::BTreeMap;

use rtmm_workload::input::{CsvRow, CsvTable, Diagnostics, Source, Table, Value};
use rtmm_workload::load::open_path;
use rtmm_workload::model_name;
use rtmm_workload::parameters::{Declared, Schema, Written};
use rtmm_workload::{Duration, TimeError};
use serde::Serialize;

use crate::blocks::off_chip;
use crate::cost::{Condition, CostError, EnergyParts, LayerOf, Work};
use crate::cost_model::CostModel;
use crate::cost_model::Decoded;
use crate::decode::Surroundings;
use crate::explain::{Explain, Explanation, Quantity, Section};

const FILE: Written = Written::required(
    "file",
    "CSV with columns model, layer, latency_us and optionally energy_uj, dram_bytes, quanta",
    "a path, relative to the file that names it",
);

/// The keys of the `table` cost model.
#[must_use]
pub fn keys() -> Schema {
    Schema::of(&[&[&FILE]])
}

/// The columns that a table must have.
const REQUIRED: [&str; 3] = ["model", "layer", "latency_us"];
/// All columns that a table may have.
const KNOWN: [&str; 6] = ["model", "layer", "latency_us", "energy_uj", "dram_bytes", "quanta"];
/// Beginnings of the names of columns that say something of a layer's cost.
const BEGINNINGS: [&str; 4] = ["latency", "energy", "dram", "quant"];
/// Names of columns, alone or with a unit, that other tools give to costs.
const QUANTITIES: [&str; 6] = ["time", "duration", "runtime", "cycles", "traffic", "bytes"];
/// The largest energy of a layer, in microjoules: a megajoule.
const MAX_MICROJOULES: f64 = 1e12;
/// The most off-chip traffic of a layer, in bytes.
const MAX_BYTES: u64 = 1 << 50;

/// Columns of [`Explain::report`].
const COLUMNS: &[&str] = &["latency_ps", "energy_pj", "dram_bytes", "quanta"];

/// Measured costs of layers, by model and layer name.
#[derive(Clone, Debug, PartialEq)]
pub struct MeasuredTable {
    models: BTreeMap<String, BTreeMap<String, Measured>>,
}

/// One row of a table.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
struct Measured {
    latency: Duration,
    energy_pj: f64,
    dram_bytes: u64,
    quanta: u32,
    /// Line of the file; says nothing of the cost.
    #[serde(skip)]
    line: usize,
}

/// Positions of the columns.
struct Columns {
    model: usize,
    layer: usize,
    latency: usize,
    energy: Option<usize>,
    dram: Option<usize>,
    quanta: Option<usize>,
}

impl MeasuredTable {
    /// Reads a table.
    ///
    /// # Errors
    /// Every problem of the text: missing columns and cells, numbers that are none or out of range,
    /// two rows for one layer, no rows at all.
    pub fn parse(source: &Source) -> Result<Self, Diagnostics> {
        let mut csv = CsvTable::parse(source, &REQUIRED);
        csv.only_notes_beside(&KNOWN, &BEGINNINGS);
        refuse_quantities(&mut csv);
        let mut models: BTreeMap<String, BTreeMap<String, Measured>> = BTreeMap::new();
        let Some(columns) = Columns::find(&csv) else {
            return csv.each_row(|_| {}).into_result(None);
        };
        let mut rows = 0_u64;
        let problems = csv.each_row(|row| {
            rows += 1;
            let line = row.line();
            let Some((model, layer, measured)) = read_row(row, &columns, line) else { return };
            let layers = models.entry(model).or_default();
            if let Some(first) = layers.get(&layer) {
                row.reject_row(
                    format!("layer `{layer}` has a cost in line {} already", first.line),
                    "remove one of the two rows",
                );
                return;
            }
            layers.insert(layer, measured);
        });
        if problems.is_empty() && rows == 0 {
            let problem = rtmm_workload::input::problem_with(source, "the cost table has no rows");
            return Err(problem.help("add a row for each layer").into());
        }
        problems.into_result(Some(Self { models }))
    }

    /// The number of models that have rows.
    #[must_use]
    pub fn models(&self) -> usize {
        self.models.len()
    }

    /// The number of layers that have a row, of all models.
    #[must_use]
    pub fn layers(&self) -> usize {
        self.models.values().map(BTreeMap::len).sum()
    }

    fn measured(&self, layer: LayerOf<'_>) -> Result<&Measured, CostError> {
        self.models.get(layer.model).and_then(|layers| layers.get(&layer.layer.name)).ok_or_else(|| {
            CostError::NotMeasured { model: layer.model.to_owned(), layer: layer.layer.name.clone() }
        })
    }
}

impl Columns {
    fn find(csv: &CsvTable<'_>) -> Option<Self> {
        Some(Self {
            model: csv.column("model")?,
            layer: csv.column("layer")?,
            latency: csv.column("latency_us")?,
            energy: csv.column("energy_uj"),
            dram: csv.column("dram_bytes"),
            quanta: csv.column("quanta"),
        })
    }
}

/// Records columns that are costs under another name: who wrote them means them to count.
fn refuse_quantities(csv: &mut CsvTable<'_>) {
    let is_quantity = |name: &&String| {
        let lower = name.to_lowercase();
        let (quantity, unit) = lower.split_once(['_', ' ']).unwrap_or((&lower, ""));
        let is_unit =
            ["", "ps", "ns", "us", "ms", "s", "kb", "mb", "b"].contains(&unit.trim_matches(['(', ')']));
        QUANTITIES.contains(&quantity) && is_unit
    };
    let quantities: Vec<String> = csv.header().iter().filter(is_quantity).cloned().collect();
    for name in quantities {
        let message = format!("column `{name}` is not read, and would change what the rows say");
        let help = "costs are latency_us, energy_uj, dram_bytes and quanta; if it is a note, let its name begin with `_`";
        csv.reject_header(message, help);
    }
}

/// True if the cell in `column` says something; a blank one is recorded.
fn filled(row: &mut CsvRow<'_>, column: usize, name: &str) -> bool {
    let filled = !row.is_blank(column);
    if !filled {
        row.reject(column, format!("the cell in column `{name}` is empty"), format!("write the {name}"));
    }
    filled
}

fn read_row(row: &mut CsvRow<'_>, columns: &Columns, line: usize) -> Option<(String, String, Measured)> {
    let mut name = |column: usize, what: &str| filled(row, column, what).then(|| row.text(column).to_owned());
    let (model, layer) = (name(columns.model, "model"), name(columns.layer, "layer"));
    let model = model.map(|cell| model_name(&cell).to_owned());
    let latency = if filled(row, columns.latency, "latency_us") {
        let text = row.text(columns.latency).to_owned();
        // Exact: a decimal number of microseconds is a whole number of picoseconds, or too fine.
        match Duration::parse_microseconds(&text) {
            Ok(latency) => Some(latency),
            Err(error) => {
                let why = match error {
                    // The unit is the column's, so that a message that asks for one would mislead.
                    TimeError::Malformed => "is no number of microseconds".to_owned(),
                    error => format!("is no latency: {error}"),
                };
                let message = format!("`{text}` in column `latency_us` {why}");
                let help = "write microseconds as a decimal number from 0, such as 12.5 or 1.25e1";
                row.reject(columns.latency, message, help);
                None
            }
        }
    } else {
        None
    };
    let energy_uj = match columns.energy {
        Some(column) if filled(row, column, "energy_uj") => row.number(column, 0.0..=MAX_MICROJOULES),
        Some(_) => None,
        None => Some(0.0),
    };
    let dram_bytes = match columns.dram {
        Some(column) if filled(row, column, "dram_bytes") => row.integer(column, 0..=MAX_BYTES),
        Some(_) => None,
        None => Some(0),
    };
    let quanta = match columns.quanta {
        Some(column) if filled(row, column, "quanta") => row.integer(column, 1..=u32::MAX),
        Some(_) => None,
        None => Some(1),
    };
    let measured = Measured {
        latency: latency?,
        energy_pj: energy_uj? * 1e6,
        dram_bytes: dram_bytes?,
        quanta: quanta?,
        line,
    };
    Some((model?, layer?, measured))
}

/// Reads a cost table that an accelerator's table names.
pub fn decode(table: &Table<'_>, _: Surroundings) -> Option<Decoded> {
    table.required(FILE.name(), |value: &Value<'_>| {
        let file = value.string()?;
        let document = value.document();
        let source = match open_path(file, Some(document.source())) {
            Ok(source) => source,
            Err(problem) => {
                document.report(problem.see(document.source(), value.range(), "named here"));
                return None;
            }
        };
        match MeasuredTable::parse(&source) {
            Ok(measured) => Some(Decoded { label: format!("table {file}"), cost_model: Box::new(measured) }),
            Err(problems) => {
                document.report_all(problems);
                None
            }
        }
    })
}

impl CostModel for MeasuredTable {
    fn work(&self, layer: LayerOf<'_>, _: Condition) -> Result<Work, CostError> {
        let measured = self.measured(layer)?;
        Ok(Work {
            compute: measured.latency,
            traffic: off_chip(measured.dram_bytes),
            transfer: Duration::ZERO,
            exposed: Duration::ZERO,
            energy: EnergyParts { mac: measured.energy_pj, ..EnergyParts::default() },
            quanta: measured.quanta,
        })
    }

    /// All rows, by model and layer name: where the file is and how it is sorted does not matter.
    fn identity(&self) -> String {
        // Names and plain numbers always serialise; the other text would serve as well.
        let rows = serde_json::to_string(&self.models).unwrap_or_else(|_| format!("{:?}", self.models));
        format!(r#"{{"model":"table","rows":{rows}}}"#)
    }

    fn depends_on_shape_only(&self) -> bool {
        false
    }

    fn explain(&self) -> Option<&dyn Explain> {
        Some(self)
    }
}

impl Explain for MeasuredTable {
    fn columns(&self) -> &'static [&'static str] {
        COLUMNS
    }

    fn report(&self, layer: LayerOf<'_>, row: &mut Vec<Quantity>) -> Result<(), CostError> {
        let measured = self.measured(layer)?;
        row.extend([
            Quantity::Integer(measured.latency.picoseconds()),
            Quantity::Real(measured.energy_pj),
            Quantity::Integer(measured.dram_bytes),
            Quantity::Integer(measured.quanta.into()),
        ]);
        Ok(())
    }

    fn explanation(&self, layer: LayerOf<'_>) -> Result<Explanation, CostError> {
        let measured = self.measured(layer)?;
        Ok(Explanation {
            sections: vec![Section::new(
                format!("As measured: line {} of the table", measured.line),
                &["quantity", "value"],
                vec![
                    Section::row(&[&"latency", &measured.latency]),
                    Section::row(&[&"energy (pJ)", &measured.energy_pj]),
                    Section::row(&[&"off-chip traffic (bytes)", &measured.dram_bytes]),
                    Section::row(&[&"quanta", &measured.quanta]),
                ],
            )],
        })
    }
}
