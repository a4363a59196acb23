//! Recordings of the published program: thinned ones from `golden/dysta/`, or whole ones.
#![expect(clippy::disallowed_methods, reason = "whole recordings stand outside of the repository")]
#![expect(clippy::expect_used, reason = "a broken fixture should fail loudly")]

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use rtmm_reference::dysta::{FileTable, LookUpTables, Request};
use rtmm_workload::input::Source;
use rtmm_workload::{ModelId, Schema, load};
use serde::Deserialize;
use serde_json::Value;

const CASES: &[u8] = include_bytes!("../golden/dysta/cases.json.gz");
const CNN_SAMPLES: &[u8] = include_bytes!("../golden/dysta/cnn_samples.csv.gz");
const CNN_AVERAGES: &[u8] = include_bytes!("../golden/dysta/cnn_averages.csv.gz");
const SANGER: [(&str, &[u8]); 3] = [
    ("bert_squad_384.sanger.csv", include_bytes!("../golden/dysta/bert_squad_384.sanger.csv.gz")),
    ("gpt2_glue_128.sanger.csv", include_bytes!("../golden/dysta/gpt2_glue_128.sanger.csv.gz")),
    ("bart_glue_128.sanger.csv", include_bytes!("../golden/dysta/bart_glue_128.sanger.csv.gz")),
];

/// The text in a compressed file.
pub fn text(bytes: &[u8]) -> String {
    let mut text = String::new();
    flate2::read::GzDecoder::new(bytes).read_to_string(&mut text).expect("the golden decompresses");
    text
}

/// FNV-1a, 64 bits, in hexadecimal.
pub fn fnv1a64(bytes: impl Iterator<Item = u8>) -> String {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    format!("{:016x}", bytes.fold(0xcbf2_9ce4_8422_2325, step))
}

/// What a case was run with.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    pub id: String,
    /// File names, in the order of models.
    pub traces: Vec<String>,
    pub arrival_rate: f64,
    pub slo_mult: f64,
    pub num_requests: usize,
    pub seed: u64,
    pub seq_len: u32,
    pub alpha: f64,
    pub beta: f64,
}

/// What the program did under one policy.
#[derive(Clone, Debug)]
pub struct Recorded {
    pub decisions: u64,
    pub switches: u64,
    pub decision_fnv1a64: String,
    pub clock_rollbacks: u64,
    pub clock_rollback_total_s: f64,
    /// Violation rate, STP, ANTT.
    pub metrics: [f64; 3],
    pub first_decisions: Option<Vec<usize>>,
    pub digest: Digest,
}

/// Times and the order of finishing, or hashes of them.
#[derive(Clone, Debug)]
pub enum Digest {
    Whole { finish: Vec<f64>, first_start: Vec<f64>, finish_order: Vec<usize> },
    Thinned { every_20th: Vec<f64>, finish: String, first_start: String, finish_order: String },
}

/// A table of requests under several policies.
#[derive(Clone, Debug)]
pub struct Case {
    pub config: Config,
    requests: Value,
    pub isolated_s: Vec<f64>,
    pub model_isolated_s: Vec<f64>,
    pub results: Vec<(String, Recorded)>,
}

fn of<T: serde::de::DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).unwrap_or_else(|error| panic!("{error}"))
}

impl Case {
    fn of(value: &Value) -> Self {
        let results = value["results"].as_object().expect("results");
        let targets = &value["lut_targets"];
        Self {
            config: of(&value["config"]),
            requests: value["requests"].clone(),
            isolated_s: of(&targets["target_lat_per_pattern"]),
            model_isolated_s: of(&targets["target_lat_per_model"]),
            results: results.iter().map(|(name, value)| (name.clone(), Recorded::of(value))).collect(),
        }
    }

    /// The recorded requests.
    pub fn requests(&self) -> Vec<Request> {
        let column = |name: &str| self.requests[name].as_array().expect("a column").iter();
        let number = |value: &Value| value.as_f64().expect("a number");
        let index = |value: &Value| value.as_u64().expect("an index") as usize;
        column("arrival")
            .zip(column("model"))
            .zip(column("sample_id"))
            .zip(column("priority"))
            .zip(column("target_lat"))
            .map(|((((arrival, model), sample), priority), deadline)| Request {
                arrival_s: number(arrival),
                model: ModelId::new(index(model)),
                sample: index(sample),
                priority: number(priority),
                relative_deadline_s: number(deadline),
            })
            .collect()
    }
}

impl Recorded {
    fn of(value: &Value) -> Self {
        let digest = match value.get("finish") {
            Some(finish) => Digest::Whole {
                finish: of(finish),
                first_start: of(&value["first_start"]),
                finish_order: of(&value["finish_order"]),
            },
            None => Digest::Thinned {
                every_20th: of(&value["every_20th_finish"]),
                finish: of(&value["finish_fnv1a64"]),
                first_start: of(&value["first_start_fnv1a64"]),
                finish_order: of(&value["finish_order_fnv1a64"]),
            },
        };
        let metrics = &value["metrics"];
        Self {
            decisions: of(&value["decisions"]),
            switches: of(&value["switches"]),
            decision_fnv1a64: of(&value["decision_fnv1a64"]),
            clock_rollbacks: of(&value["clock_rollbacks"]),
            clock_rollback_total_s: of(&value["clock_rollback_total_s"]),
            metrics: ["violation_rate", "stp", "antt"].map(|name| of(&metrics[name])),
            first_decisions: value.get("first_decisions").map(of),
            digest,
        }
    }
}

/// All cases, and the tables of their traces.
pub struct Goldens {
    pub cases: Vec<Case>,
    /// Whole recordings stand here.
    directory: Option<PathBuf>,
    /// The thinned tables of CNNs by name.
    cnns: BTreeMap<String, FileTable>,
}

impl Goldens {
    pub fn open() -> Self {
        let Some(directory) = std::env::var_os("RTMM_DYSTA_REFERENCE").map(PathBuf::from) else {
            let cases: Vec<Value> = serde_json::from_str(&text(CASES)).expect("the cases are JSON");
            let cases = cases.iter().map(Case::of).collect();
            return Self { cases, directory: None, cnns: thinned_cnns() };
        };
        let mut files: Vec<PathBuf> = fs::read_dir(directory.join("golden"))
            .expect("a folder of recordings")
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
            .collect();
        files.sort();
        let values = files.iter().map(|path| -> Value {
            serde_json::from_str(&fs::read_to_string(path).expect("a recording")).expect("JSON")
        });
        let cases = values.filter(|value| value.get("results").is_some()).map(|value| Case::of(&value));
        Self { cases: cases.collect(), directory: Some(directory), cnns: BTreeMap::new() }
    }

    /// The tables of a case's traces.
    pub fn tables(&self, config: &Config) -> LookUpTables {
        let files = config.traces.iter().map(|name| self.table(name, config.seq_len));
        LookUpTables::merged(files.collect()).expect("tables that fit each other")
    }

    fn table(&self, name: &str, sequence_length: u32) -> FileTable {
        let trace = match &self.directory {
            Some(directory) => whole_trace(directory, name),
            None => match SANGER.iter().find(|(known, _)| *known == name) {
                Some((_, bytes)) => load::sample_trace_of(&Source::new(name, text(bytes))).expect("a trace"),
                None => return self.cnns[name.split('.').next().expect("a name")].clone(),
            },
        };
        FileTable::of(&trace, sequence_length).expect("a table")
    }
}

fn whole_trace(directory: &Path, name: &str) -> rtmm_workload::SampleTrace {
    let path = directory.join("traces").join(name);
    load::sample_trace(&path.to_string_lossy(), None).unwrap_or_else(|problems| panic!("{problems}"))
}

#[derive(Deserialize)]
struct Average {
    trace: String,
    samples: usize,
    average_latency_s: f64,
    average_sparsity: f64,
    isolated_latency_s: f64,
}

#[derive(Deserialize)]
struct Sample {
    trace: String,
    latency_s: f64,
    sparsity: f64,
}

fn rows<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Vec<T> {
    let text = text(bytes);
    let rows: Result<Vec<T>, csv::Error> = csv::Reader::from_reader(text.as_bytes()).deserialize().collect();
    rows.expect("rows")
}

/// The tables of CNNs, from stated averages and the first seven samples.
fn thinned_cnns() -> BTreeMap<String, FileTable> {
    let mut tables: BTreeMap<String, FileTable> = BTreeMap::new();
    for row in rows::<Average>(CNN_AVERAGES) {
        let table = tables.entry(row.trace.clone()).or_insert_with(|| FileTable {
            name: row.trace,
            schema: Schema::EyerissV2,
            layers: 0,
            averaged_samples: row.samples,
            latency_s: Vec::new(),
            sparsity: Vec::new(),
            average_latency_s: Vec::new(),
            average_sparsity: Vec::new(),
            isolated_latency_s: row.isolated_latency_s,
        });
        table.layers += 1;
        table.average_latency_s.push(row.average_latency_s);
        table.average_sparsity.push(row.average_sparsity);
    }
    for row in rows::<Sample>(CNN_SAMPLES) {
        let table = tables.get_mut(&row.trace).expect("a trace with averages");
        table.latency_s.push(row.latency_s);
        table.sparsity.push(row.sparsity);
    }
    tables
}
