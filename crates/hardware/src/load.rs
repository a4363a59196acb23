//! Reading platforms and accelerators. Files are opened through [`rtmm_workload::load`].

use std::collections::BTreeMap;

use rtmm_workload::input::{At, Diagnostics, Document, Source, Table, Value, suggestion};
use rtmm_workload::load::{Kind, name_of, open};

use crate::decode::{Decoded, Mode, Surroundings};
use crate::platform::{Accelerator, Configuration, ConfigurationId, Platform};
use crate::registry::{COST_MODELS, cost_model};

/// The clock where a file states none: 1 GHz, that of the XRBench artifact.
pub const DEFAULT_CLOCK_HZ: u64 = 1_000_000_000;

/// Reads and checks a platform, by its built-in name or by a path.
///
/// # Errors
/// Every problem of the file.
pub fn platform(reference: &str, from: Option<&Source>, mode: Mode) -> Result<Platform, Diagnostics> {
    platform_of(&open(Kind::Platform, reference, from)?, mode)
}

/// Checks a platform that was read already.
///
/// # Errors
/// Every problem of the file.
pub fn platform_of(source: &Source, mode: Mode) -> Result<Platform, Diagnostics> {
    let document = Document::parse(source);
    let platform = decode_platform(&name_of(Kind::Platform, source), &document, mode);
    document.finish(platform)
}

/// Reads one accelerator from an inline TOML table, such as
/// `{ model = "maestro", dataflow = "WS", pes = 4096, noc_bandwidth = 256 }`.
///
/// # Errors
/// Every problem of the text, with its place in it.
pub fn accelerator(text: &str, clock_hz: u64, mode: Mode) -> Result<Decoded, Diagnostics> {
    let source = Source::new("--accelerator", format!("accelerator = {text}"));
    let document = Document::parse(&source);
    let root = document.root().named("this accelerator");
    root.only(&["accelerator"]);
    let decoded = root
        .required("accelerator", Value::table)
        .and_then(|table| decode_cost_model(&table, Surroundings { clock_hz, mode }));
    document.finish(decoded)
}

fn decode_platform(name: &str, document: &Document<'_>, mode: Mode) -> Option<Platform> {
    let root = document.root().named("this platform");
    root.only(&["source", "description", "labels", "clock_mhz", "accelerator"]);
    let source = root.required("source", Value::string);
    let _description = root.optional("description", Value::string);
    let labels = root.optional("labels", decode_labels).unwrap_or_default();
    // A thousandth of a megahertz to a terahertz; millionths of a megahertz are hertz.
    let clock_hz =
        root.or("clock_mhz", DEFAULT_CLOCK_HZ, |value| value.millionths(1_000..=1_000_000_000_000));
    let surroundings = Surroundings { clock_hz, mode };
    let mut accelerators: Vec<Accelerator> = Vec::new();
    let mut configurations: Vec<Configuration> = Vec::new();
    let tables = root.tables("accelerator", "an accelerator");
    if tables.is_empty() && !document.has_problems() {
        root.report(
            root.problem("the platform has no accelerators").help("add at least one [[accelerator]] table"),
        );
    }
    for table in &tables {
        let name = table.required("name", |value| value.at(|value| value.string().map(str::to_owned)));
        let decoded = decode_cost_model(table, surroundings);
        let (Some(At { value: name, range }), Some(Decoded { label, cost_model })) = (name, decoded) else {
            continue;
        };
        if accelerators.iter().any(|known| known.name == name) {
            root.report(
                root.problem_at(&range, format!("there are two accelerators named `{name}`"))
                    .help("give every accelerator a name of its own"),
            );
        }
        let identity = cost_model.identity();
        let known = configurations.iter().position(|known| known.cost_model.identity() == identity);
        let configuration = known.unwrap_or_else(|| {
            configurations.push(Configuration { label, cost_model });
            configurations.len() - 1
        });
        accelerators.push(Accelerator { name, configuration: ConfigurationId::new(configuration) });
    }
    Some(Platform {
        name: name.to_owned(),
        source: source?.to_owned(),
        labels,
        clock_hz,
        accelerators,
        configurations,
    })
}

fn decode_labels(value: &Value<'_>) -> Option<BTreeMap<String, String>> {
    let table = value.table()?;
    let label = |key: &str| Some((key.to_owned(), table.required(key, Value::string)?.to_owned()));
    table.keys().map(|key| label(key.value)).collect()
}

fn decode_cost_model(table: &Table<'_>, surroundings: Surroundings) -> Option<Decoded> {
    let row = table.required("model", |value| {
        let name = value.string()?;
        cost_model(name).or_else(|| {
            let names: Vec<&str> = COST_MODELS.iter().map(|row| row.name).collect();
            value.reject(format!("there is no cost model `{name}`"), suggestion(name, "cost model", &names))
        })
    })?;
    let mut known = vec!["model", "name"];
    known.extend(row.parameters.iter().map(|parameter| parameter.name));
    table.only(&known);
    (row.decode)(table, surroundings)
}
