//! Cost tables of measured layers, beside the rows of other models.

use std::collections::BTreeMap;
use std::path::Path;

use rtmm_import::measurements::LayerCost;
use rtmm_workload::{Duration, model_name};

use crate::failure::{Failure, say};

/// Columns that every table has.
const NAMES: [&str; 2] = ["model", "layer"];
/// The column of a time that is the same for every job.
const LATENCY: &str = "latency_us";
/// The columns of a time that varies, in its place.
const QUANTILES: [&str; 5] =
    ["latency_min_us", "latency_p50_us", "latency_p90_us", "latency_p99_us", "latency_max_us"];
/// Columns that a table may have, each with what a row without it says.
const OPTIONAL: [(&str, &str); 3] = [("energy_uj", "0"), ("dram_bytes", "0"), ("quanta", "1")];

/// A row by its columns.
type Row = BTreeMap<String, String>;

/// The table of a device: the rows that `existing` has of other models, and those of this one. What older rows of this model
/// had that these lack is told.
pub(super) fn table(
    existing: Option<(&Path, &str)>,
    model: &str,
    names: &[Vec<String>],
    costs: &[LayerCost],
) -> Result<Vec<u8>, Failure> {
    let Existing { mut columns, mut rows, replaced } = match existing {
        Some((path, text)) => read(path, text, model)?,
        None => Existing::default(),
    };
    rows.extend(written(names, costs).into_iter().map(|(layer, cost)| cost.row(model, layer)));
    // A table with one latency that varies has quantiles of all, which are alike where it does not. The header says which
    // ones there are, whatever the rows had that these take the place of.
    let varies = rows.iter().any(|row| row.contains_key(QUANTILES[0]));
    let stated = |column: &String| column == LATENCY || QUANTILES.contains(&column.as_str());
    let at = columns.iter().position(stated).unwrap_or(columns.len());
    columns.retain(|column| !stated(column));
    let times = if varies { &QUANTILES[..] } else { &[LATENCY] };
    columns.splice(at..at, times.iter().map(|column| (*column).to_owned()));
    if varies {
        for row in &mut rows {
            if let Some(latency) = row.remove(LATENCY) {
                row.extend(QUANTILES.map(|column| (column.to_owned(), latency.clone())));
            }
        }
    }
    let has_energy = costs.iter().any(|cost| cost.energy_uj.is_some());
    let has_bytes = costs.iter().any(|cost| cost.bytes.is_some());
    for (column, is_needed) in [("energy_uj", has_energy), ("dram_bytes", has_bytes)] {
        if is_needed && !columns.iter().any(|known| known == column) {
            columns.push(column.to_owned());
        }
    }
    if let Some((path, _)) = existing {
        let measured = [("energy_uj", has_energy), ("dram_bytes", has_bytes)];
        let lost = OPTIONAL.iter().filter(|(column, _)| !measured.contains(&(column, true)));
        lost.for_each(|(column, says)| say_lost(path, model, &replaced, column, says));
    }
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(&columns)?;
    for row in &rows {
        let default =
            |column: &str| OPTIONAL.iter().find(|(name, _)| *name == column).map_or("", |(_, says)| says);
        let cell = |column: &String| row.get(column).map_or_else(|| default(column), String::as_str);
        writer.write_record(columns.iter().map(cell))?;
    }
    writer.into_inner().map_err(|error| Failure::Output(error.into_error()))
}

/// Says of how many rows a quantity is lost that these measurements do not state.
fn say_lost(path: &Path, model: &str, replaced: &[Row], column: &str, says: &str) {
    let number = |cell: &str| cell.trim().parse::<f64>().ok();
    let had = |row: &&Row| row.get(column).is_some_and(|cell| number(cell) != number(says));
    let rows = replaced.iter().filter(had).count();
    if rows > 0 {
        say!(
            "warning: {}: {rows} rows of `{model}` had `{column}`, which these measurements do not state: it becomes {says}",
            path.display()
        );
    }
}

/// A table that is there already.
struct Existing {
    columns: Vec<String>,
    /// Rows of other models.
    rows: Vec<Row>,
    /// Rows of the model that is measured anew.
    replaced: Vec<Row>,
}

impl Default for Existing {
    fn default() -> Self {
        let columns = NAMES.iter().chain([&LATENCY]).map(|name| (*name).to_owned()).collect();
        Self { columns, rows: Vec::new(), replaced: Vec::new() }
    }
}

/// Columns of a table, and its rows.
fn read(path: &Path, text: &str, model: &str) -> Result<Existing, Failure> {
    let refused = |problem: String| {
        let message = format!("{}: cannot be extended: {problem}", path.display());
        Failure::usage(message, "name the device otherwise, or mend or remove the file")
    };
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| refused(error.to_string()))?;
    let columns: Vec<String> = header.iter().map(|column| column.trim().to_owned()).collect();
    let has = |column: &str| columns.iter().any(|known| known == column);
    let time = if has(QUANTILES[0]) { &QUANTILES[..] } else { &[LATENCY] };
    if let Some(lacking) = NAMES.iter().chain(time).find(|column| !has(column)) {
        return Err(refused(format!("it is no cost table, since it has no column `{lacking}`")));
    }
    let (mut rows, mut replaced) = (Vec::new(), Vec::new());
    for record in reader.records() {
        let record = record.map_err(|error| refused(error.to_string()))?;
        let row: Row = columns.iter().cloned().zip(record.iter().map(str::to_owned)).collect();
        let is_of_other = row.get("model").is_some_and(|cell| model_name(cell.trim()) != model);
        if is_of_other { rows.push(row) } else { replaced.push(row) }
    }
    Ok(Existing { columns, rows, replaced })
}

/// Costs of the layers that are written. One that is written as several has its cost in the first of them; the cost of
/// one that is not written goes to the layer before it, or to the first one.
fn written<'n>(names: &'n [Vec<String>], costs: &[LayerCost]) -> Vec<(&'n str, Cost)> {
    let mut rows: Vec<(&str, Cost)> = Vec::new();
    let mut carried = Cost::default();
    for (names, cost) in names.iter().zip(costs) {
        let cost = Cost::of(cost);
        match names.split_first() {
            Some((first, others)) => {
                rows.push((first, std::mem::take(&mut carried).and(cost)));
                rows.extend(others.iter().map(|name| (name.as_str(), Cost::default())));
            }
            None => {
                let place = rows.last_mut().map_or(&mut carried, |(_, before)| before);
                *place = place.and(cost);
            }
        }
    }
    rows
}

/// Cost of a written layer; quantities that are not known are 0.
#[derive(Clone, Copy, Debug, Default)]
struct Cost {
    /// Picoseconds.
    time: u64,
    /// Quantiles of the time, where it varies.
    quantiles: Option<[u64; 5]>,
    bytes: u64,
    energy_uj: f64,
}

impl Cost {
    fn of(cost: &LayerCost) -> Self {
        Self {
            time: cost.time.picoseconds(),
            quantiles: cost.quantiles.map(|quantiles| quantiles.map(Duration::picoseconds)),
            bytes: cost.bytes.unwrap_or_default(),
            energy_uj: cost.energy_uj.unwrap_or_default(),
        }
    }

    /// Both together, which are slow in the same runs.
    fn and(self, other: Self) -> Self {
        let varies = self.quantiles.is_some() || other.quantiles.is_some();
        let [own, others] = [self, other].map(|cost| cost.quantiles.unwrap_or([cost.time; 5]));
        Self {
            time: self.time.saturating_add(other.time),
            quantiles: varies.then(|| std::array::from_fn(|at| own[at].saturating_add(others[at]))),
            bytes: self.bytes.saturating_add(other.bytes),
            energy_uj: self.energy_uj + other.energy_uj,
        }
    }

    fn row(&self, model: &str, layer: &str) -> Row {
        let microseconds = |time: u64| format!("{}.{:06}", time / 1_000_000, time % 1_000_000);
        let mut cells = vec![
            ("model", model.to_owned()),
            ("layer", layer.to_owned()),
            ("energy_uj", self.energy_uj.to_string()),
            ("dram_bytes", self.bytes.to_string()),
        ];
        match self.quantiles {
            Some(quantiles) => cells.extend(QUANTILES.into_iter().zip(quantiles.map(microseconds))),
            None => cells.push((LATENCY, microseconds(self.time))),
        }
        cells.into_iter().map(|(column, cell)| (column.to_owned(), cell)).collect()
    }
}
