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
//! | `latency_min_us`, `latency_p50_us`, `latency_p90_us`, `latency_p99_us`, `latency_max_us` | in its place: quantiles of a latency that varies |
//! | `energy_uj` | optional: energy in microjoules; 0 where absent |
//! | `dram_bytes` | optional: off-chip traffic in bytes; 0 where absent |
//! | `quanta` | optional: equal steps that the layer can be stopped between; 1 where absent |
//! | `batch` | optional: inferences at once that the row is of, all of them together; 1 where absent |
//!
//! Every cell of a column that is there must be filled. Further columns are notes, but for those that name a time, an
//! energy or the like in another way, which are errors. A latency is
//! what a device showed, memory included: it stands as compute time with nothing to overlap; of quantiles the profile has the
//! mean ([`crate::varying`]). Energy
//! is not broken down; all of it stands under `mac`, and does not vary. A layer that has no row has no cost. A batch without a
//! row costs what the next larger one does that has a row: the device pads it. The model
//! knows nothing of shapes or clocks: what was measured holds for what was measured.

mod rows;

use std::collections::{BTreeMap, BTreeSet};

use rtmm_workload::input::{Diagnostics, Source, Table, Value};
use rtmm_workload::load::open_path;
use rtmm_workload::parameters::{Declared, Real, Schema, Switch, Typed, Written};
use rtmm_workload::{Duration, Model};
use serde::Serialize;

use crate::blocks::off_chip;
use crate::cost::{Condition, CostError, LayerOf, Unmatched, Work};
use crate::cost_model::CostModel;
use crate::cost_model::Decoded;
use crate::decode::Surroundings;
use crate::energy::EnergyParts;
use crate::explain::{Explain, Explanation, Quantity, Section};
use crate::varying::{Correlation, Quantiles, Variation};
use rows::{Columns, LayerRows, Measured, QUANTILES};

const FILE: Written = Written::required(
    "file",
    "CSV with columns model, layer, latency_us or quantiles of it, and optionally energy_uj, dram_bytes, quanta, batch",
    "a path, relative to the file that names it",
);
const CORRELATION: Real = Real::new(
    "correlation",
    "correlation of the layers of a job, where the table states quantiles: 1 has all of them fast or slow together",
    Correlation::DEFAULT,
    0.0..=1.0,
);
const VARYING: Switch = Switch::new(
    "varying",
    "whether latencies vary where the table states quantiles; else each is its mean",
    true,
);

/// The keys of the `table` cost model.
#[must_use]
pub fn keys() -> Schema {
    Schema::of(&[&[&FILE, &CORRELATION, &VARYING]])
}

/// Columns of [`Explain::report`].
const COLUMNS: &[&str] = &["latency_ps", "energy_pj", "dram_bytes", "quanta"];
/// The same of a table with quantiles.
const COLUMNS_WITH_QUANTILES: &[&str] = &[
    "latency_ps",
    "latency_min_ps",
    "latency_p50_ps",
    "latency_p90_ps",
    "latency_p99_ps",
    "latency_max_ps",
    "energy_pj",
    "dram_bytes",
    "quanta",
];

/// Measured costs of layers, by model and layer name.
#[derive(Clone, Debug, PartialEq)]
pub struct MeasuredTable {
    models: BTreeMap<String, BTreeMap<String, LayerRows>>,
    /// Of the layers of a job; none where no time varies.
    correlation: Option<Correlation>,
}

/// Content of a table that determines its costs.
#[derive(Serialize)]
struct Identity<'t> {
    model: &'static str,
    /// Tables without quantiles keep the identities that they had before there were any.
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation: Option<f64>,
    rows: &'t BTreeMap<String, BTreeMap<String, LayerRows>>,
}

impl MeasuredTable {
    /// Reads a table. Times with quantiles vary, with the default correlation.
    ///
    /// # Errors
    /// Every problem of the text: missing columns and cells, numbers that are none or out of range, quantiles that fall,
    /// two rows for one batch of a layer, no rows at all.
    pub fn parse(source: &Source) -> Result<Self, Diagnostics> {
        let mut models: BTreeMap<String, BTreeMap<String, LayerRows>> = BTreeMap::new();
        let (csv, columns) = Columns::open(source);
        let Some(columns) = columns else {
            return csv.each_row(|_| {}).into_result(None);
        };
        let mut rows = 0_u64;
        let problems = csv.each_row(|row| {
            rows += 1;
            let Some((model, layer, batch, measured)) = columns.read(row) else { return };
            let of_layer = models.entry(model).or_default().entry(layer.clone()).or_default();
            if let Some(first) = of_layer.of_batch(batch) {
                let what = if batch == 1 { String::new() } else { format!(" in a batch of {batch}") };
                row.reject_row(
                    format!("layer `{layer}` has a cost{what} in line {} already", first.line),
                    "remove one of the two rows",
                );
                return;
            }
            of_layer.insert(batch, measured);
        });
        if problems.is_empty() && rows == 0 {
            let problem = rtmm_workload::input::problem_with(source, "the cost table has no rows");
            return Err(problem.help("add a row for each layer").into());
        }
        let varies = models
            .values()
            .flat_map(BTreeMap::values)
            .flat_map(LayerRows::iter)
            .any(|row| row.quantiles.is_some());
        let correlation = varies.then(|| Correlation::new(Correlation::DEFAULT));
        problems.into_result(Some(Self { models, correlation }))
    }

    /// The same table in which every layer takes its mean.
    #[must_use]
    pub fn without_variation(mut self) -> Self {
        let layers = self.models.values_mut().flat_map(BTreeMap::values_mut);
        layers.flat_map(LayerRows::iter_mut).for_each(|row| row.quantiles = None);
        Self { correlation: None, ..self }
    }

    /// The same table with another correlation of the layers of a job; nothing changes where no time varies.
    #[must_use]
    pub fn with_correlation(self, correlation: Correlation) -> Self {
        Self { correlation: self.correlation.map(|_| correlation), ..self }
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

    /// The row of a batch, or of the next larger one.
    fn measured(&self, layer: LayerOf<'_>, batch: u32) -> Result<&Measured, CostError> {
        let names = || (layer.model.to_owned(), layer.layer.name.clone());
        let rows = self.models.get(layer.model).and_then(|layers| layers.get(&layer.layer.name));
        let rows = rows.ok_or_else(|| {
            let (model, layer) = names();
            CostError::NotMeasured { model, layer }
        })?;
        rows.at_least(batch).ok_or_else(|| {
            let (model, layer) = names();
            CostError::BatchNotMeasured { model, layer, batch }
        })
    }
}

/// Reads a cost table that an accelerator's table names.
pub fn decode(table: &Table<'_>, _: Surroundings) -> Option<Decoded> {
    let (correlation, varies) = (CORRELATION.stated(table), VARYING.stated_or_default(table));
    let decoded = table.required(FILE.name(), |value: &Value<'_>| {
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
            Ok(measured) => Some((format!("table {file}"), measured)),
            Err(problems) => {
                document.report_all(problems);
                None
            }
        }
    });
    let (label, measured) = decoded?;
    if correlation.is_some() && measured.correlation.is_none() {
        return table.required(CORRELATION.name(), |value| {
            let why = format!("no latency of {label} varies, so that there is nothing to correlate");
            value.reject(why, format!("state the columns {}, or remove the key", QUANTILES.join(", ")))
        });
    }
    let measured = match (varies, correlation) {
        (false, _) => measured.without_variation(),
        (true, Some(correlation)) => measured.with_correlation(Correlation::new(correlation)),
        (true, None) => measured,
    };
    Some(Decoded { label, cost_model: Box::new(measured) })
}

impl CostModel for MeasuredTable {
    fn work(&self, layer: LayerOf<'_>, condition: Condition) -> Result<Work, CostError> {
        self.work_of_batch(layer, 1, condition)
    }

    fn work_of_batch(&self, layer: LayerOf<'_>, batch: u32, _: Condition) -> Result<Work, CostError> {
        let measured = self.measured(layer, batch)?;
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
        let correlation = self.correlation.map(Correlation::value);
        let identity = Identity { model: "table", correlation, rows: &self.models };
        // Names and plain numbers always serialise; the other text would serve as well.
        serde_json::to_string(&identity).unwrap_or_else(|_| format!("{self:?}"))
    }

    fn depends_on_shape_only(&self) -> bool {
        false
    }

    fn variation(&self) -> Option<&dyn Variation> {
        self.correlation.is_some().then_some(self)
    }

    fn unmatched(&self, models: &[Model]) -> Unmatched {
        let count = |rows: &BTreeMap<String, LayerRows>| rows.values().map(LayerRows::count).sum::<usize>();
        let mut unmatched = Unmatched { rows: self.models.values().map(count).sum(), ..Unmatched::default() };
        let mut first: Option<(&String, &String, usize)> = None;
        for (name, rows) in &self.models {
            let mut named = models.iter().filter(|model| model.name == *name).peekable();
            if named.peek().is_none() {
                unmatched.of_other_models += count(rows);
                continue;
            }
            let layers: BTreeSet<&str> =
                named.flat_map(|model| &model.layers).map(|layer| layer.name.as_str()).collect();
            for (layer, rows) in rows.iter().filter(|(layer, _)| !layers.contains(layer.as_str())) {
                unmatched.of_no_layer += rows.count();
                let line = rows.iter().map(|row| row.line).min();
                if let Some(line) = line.filter(|line| first.is_none_or(|(_, _, earlier)| *line < earlier)) {
                    first = Some((name, layer, line));
                }
            }
        }
        unmatched.first = first.map(|(model, layer, line)| (model.clone(), layer.clone(), line));
        unmatched
    }

    fn explain(&self) -> Option<&dyn Explain> {
        Some(self)
    }
}

impl Variation for MeasuredTable {
    fn quantiles(&self, layer: LayerOf<'_>, batch: u32) -> Option<Quantiles> {
        self.measured(layer, batch).ok()?.quantiles
    }

    fn correlation(&self) -> Correlation {
        self.correlation.unwrap_or(Correlation::new(Correlation::DEFAULT))
    }
}

impl Explain for MeasuredTable {
    fn columns(&self) -> &'static [&'static str] {
        if self.correlation.is_some() { COLUMNS_WITH_QUANTILES } else { COLUMNS }
    }

    fn report(&self, layer: LayerOf<'_>, row: &mut Vec<Quantity>) -> Result<(), CostError> {
        self.report_of_batch(layer, 1, row)
    }

    fn report_of_batch(
        &self,
        layer: LayerOf<'_>,
        batch: u32,
        row: &mut Vec<Quantity>,
    ) -> Result<(), CostError> {
        let measured = self.measured(layer, batch)?;
        row.push(Quantity::Integer(measured.latency.picoseconds()));
        if self.correlation.is_some() {
            let values = measured.quantiles.map_or([measured.latency; 5], |quantiles| quantiles.values());
            row.extend(values.map(|value| Quantity::Integer(value.picoseconds())));
        }
        row.extend([
            Quantity::Real(measured.energy_pj),
            Quantity::Integer(measured.dram_bytes),
            Quantity::Integer(measured.quanta.into()),
        ]);
        Ok(())
    }

    fn explanation(&self, layer: LayerOf<'_>) -> Result<Explanation, CostError> {
        let measured = self.measured(layer, 1)?;
        let title = format!("As measured: line {} of the table", measured.line);
        let mean = if measured.quantiles.is_some() { "mean latency" } else { "latency" };
        let mut sections = vec![Section::new(
            title,
            &["quantity", "value"],
            vec![
                Section::row(&[&mean, &measured.latency]),
                Section::row(&[&"energy (pJ)", &measured.energy_pj]),
                Section::row(&[&"off-chip traffic (bytes)", &measured.dram_bytes]),
                Section::row(&[&"quanta", &measured.quanta]),
            ],
        )];
        if let Some(quantiles) = measured.quantiles {
            let rows = Quantiles::NAMES.iter().zip(quantiles.values());
            sections.push(Section::new(
                format!(
                    "Latency of a job: linear between quantiles, layers of a job correlated by {}; mean = (50 min + 90 p50 + \
                     49 p90 + 10 p99 + max) / 200",
                    self.correlation().value()
                ),
                &["quantile", "latency"],
                rows.map(|(name, value)| Section::row(&[name, &value])).collect(),
            ));
        }
        Ok(Explanation { sections })
    }
}
