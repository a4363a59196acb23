//! Case files: JSON with tables of networks, their deadlines, and tasks.
//!
//! A network of the file is a model, a task a job. What recordings say beside that (`finish`, `timeline`, energies, where
//! they come from) is passed over.

use std::collections::BTreeSet;

use rtmm_workload::ModelId;
use rtmm_workload::input::{Diagnostics, Document, Source, Table, Value, suggestion};

use super::case::{
    CLOCK_MHZ, Case, DEADLINE_MS, Job, Layer, MAX_CYCLES, MAX_PRIORITY, MAX_SUBARRAYS, Model, Tiles,
    model_cycles,
};

/// Keys of a file; the last six are passed over.
const KEYS: &[&str] = &[
    "frequency_mhz",
    "subarrays",
    "tables",
    "qos_ms",
    "tasks",
    "source",
    "kind",
    "seed",
    "finish",
    "timeline",
    "quirks_seen",
];

/// Reads a case.
///
/// # Errors
/// Every problem of the file, with its place.
pub fn read(source: &Source) -> Result<Case, Diagnostics> {
    let document = Document::parse_json(source);
    let root = document.root();
    root.only(KEYS);
    let clock_mhz = root.required("frequency_mhz", |value| value.number(CLOCK_MHZ));
    let subarrays = root.required("subarrays", |value| value.integer(1..=MAX_SUBARRAYS));
    let deadlines = root.required("qos_ms", Value::table);
    let models = root
        .required("tables", Value::table)
        .map(|tables| models(&tables, subarrays, deadlines.as_ref()))
        .unwrap_or_default();
    let names: Vec<&str> = models.iter().map(|(name, _)| *name).collect();
    let jobs = root.required("tasks", |value| jobs(value, &names));
    let models: Option<Vec<Model>> = models.into_iter().map(|(_, model)| model).collect();
    let case = (|| Some(Case::new(clock_mhz?, subarrays?, models?, jobs?)))();
    match (case, document.has_problems()) {
        (Some(Ok(case)), _) => document.finish(Some(case)),
        (Some(Err(error)), false) => {
            let problem = root.problem(error.to_string()).help("correct the file");
            Err(problem.into())
        }
        _ => document.finish(None),
    }
}

/// Networks by name; those with problems are none.
fn models<'d>(
    tables: &Table<'d>,
    subarrays: Option<u32>,
    deadlines: Option<&Table<'d>>,
) -> Vec<(&'d str, Option<Model>)> {
    if let Some(deadlines) = deadlines {
        let known: Vec<&str> = tables.keys().map(|key| key.value).collect();
        deadlines.clone().named("`qos_ms`, which has the networks of `tables`").only(&known);
    }
    let model = |name: &'d str| {
        let deadline = |value: &Value<'d>| value.number(DEADLINE_MS);
        let deadline_ms = deadlines.and_then(|deadlines| deadlines.required(name, deadline));
        let layers = tables.required(name, |value| layers(name, value, subarrays));
        Some(Model { name: name.to_owned(), deadline_ms: deadline_ms?, layers: layers? })
    };
    tables.keys().map(|key| (key.value, model(key.value))).collect()
}

fn layers(network: &str, value: &Value<'_>, subarrays: Option<u32>) -> Option<Vec<Layer>> {
    let items = value.items()?;
    if items.is_empty() {
        return value.reject(format!("network `{network}` has no layers"), "add an object for each layer");
    }
    let layers: Vec<Option<Layer>> = items.iter().map(|item| layer(network, item, subarrays)).collect();
    let layers: Vec<Layer> = layers.into_iter().collect::<Option<_>>()?;
    let too_long = (0..subarrays? as usize).find(|position| model_cycles(&layers, *position).is_none());
    if let Some(position) = too_long {
        return value.reject(
            format!("network `{network}` takes more than 2^53 cycles on {} subarrays", position + 1),
            "lower `tiles` or `cycles_per_tile`",
        );
    }
    Some(layers)
}

fn layer(network: &str, item: &Value<'_>, subarrays: Option<u32>) -> Option<Layer> {
    let table = item.table()?.named(format!("this layer of network `{network}`"));
    table.only(&["layer", "rows"]);
    let name = table.required("layer", Value::string);
    let tiles = table.required("rows", |rows| tiles(network, rows, subarrays?));
    Some(Layer { name: name?.to_owned(), tiles: tiles? })
}

/// Tiles for 1 subarray, for 2, up to all; rows may come in any order.
fn tiles(network: &str, value: &Value<'_>, subarrays: u32) -> Option<Vec<Tiles>> {
    let mut tiles: Vec<Option<Tiles>> = vec![None; subarrays as usize];
    let mut stated = vec![false; subarrays as usize];
    for item in value.items()? {
        let Some(row) = item.table() else { continue };
        let row = row.named(format!("this row of network `{network}`"));
        row.only(&["subarrays", "tiles", "cycles_per_tile", "energy"]);
        let count = row.required("tiles", |value| value.integer(1..=MAX_CYCLES));
        let cycles = row.required("cycles_per_tile", |value| value.integer(1..=MAX_CYCLES));
        let Some(on) = row.required("subarrays", |value| value.integer(1..=subarrays)) else { continue };
        let index = on as usize - 1;
        if stated[index] {
            let _: Option<()> = item.reject(
                format!("this is a second row with {on} for `subarrays`"),
                "keep one row for each number of subarrays",
            );
        }
        stated[index] = true;
        tiles[index] = count.zip(cycles).map(|(count, cycles)| Tiles { count, cycles });
    }
    if let Some(missing) = stated.iter().position(|is_stated| !is_stated) {
        return value.reject(
            format!("no row has {} for `subarrays`", missing + 1),
            format!("add a row for each number of subarrays, from 1 to {subarrays}"),
        );
    }
    tiles.into_iter().collect()
}

fn jobs(value: &Value<'_>, names: &[&str]) -> Option<Vec<Job>> {
    let items = value.items()?;
    if items.is_empty() {
        return value.reject("the case has no tasks", "add an object for each task");
    }
    let (mut numbers, mut last_cycle) = (BTreeSet::new(), 0);
    let jobs: Vec<Option<Job>> =
        items.iter().map(|item| job(item, names, &mut numbers, &mut last_cycle)).collect();
    jobs.into_iter().collect()
}

fn job(item: &Value<'_>, names: &[&str], numbers: &mut BTreeSet<u32>, last_cycle: &mut u64) -> Option<Job> {
    let table = item.table()?.named("this task");
    table.only(&["task", "net", "arrival_cycle", "priority"]);
    let number = table.required("task", |value| {
        let number = value.integer(0..=u32::MAX)?;
        if numbers.insert(number) {
            return Some(number);
        }
        value.reject(format!("a second task has the number {number}"), "number each task differently")
    });
    let model = table.required("net", |value| {
        let name = value.string()?;
        names.iter().position(|known| *known == name).or_else(|| {
            value.reject(format!("`tables` has no network `{name}`"), suggestion(name, "network", names))
        })
    });
    let arrival_cycle = table.required("arrival_cycle", |value| {
        let cycle = value.integer(0..=MAX_CYCLES)?;
        let last = std::mem::replace(last_cycle, cycle);
        if cycle >= last {
            return Some(cycle);
        }
        value.reject(
            format!("this task arrives at cycle {cycle}, before the one in front of it, at {last}"),
            "sort the tasks by `arrival_cycle`",
        )
    });
    let priority = table.required("priority", |value| value.integer(1..=MAX_PRIORITY));
    Some(Job {
        number: number?,
        model: ModelId::new(model?),
        arrival_cycle: arrival_cycle?,
        priority: priority?,
    })
}
