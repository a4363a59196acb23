//! Profiles of TensorRT engines, as `trtexec` writes them.
//!
//! `--exportProfile` has the layers of an engine, with the sum of their times over so many runs, the mean and, since
//! version 8.4, the median. `--exportLayerInfo` tells what these layers are, `--exportTimes` how long whole runs take:
//! `trtexec` measures those without the profiler of layers. Names of layers tell which nodes of the model they run
//! ([`names`]).

mod layer_info;
mod names;
mod times;

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufRead;

use rtmm_workload::Duration;
use serde::Deserialize;
use serde_json::Value;

use super::numbers::{Unit, time};
use super::{MeasuredNode, MeasurementError, MeasurementOptions, Measurements, Quantiles, json, text};
use layer_info::LayerInfo;

const HELP: &str = "name a profile that trtexec wrote with --exportProfile";

/// A sum and a mean that differ by more than this part of them contradict each other: one in 100.
const ROUNDING_PART: u64 = 100;

/// An item of a profile: the number of runs, or a layer.
#[derive(Deserialize)]
#[serde(expecting = "an object with `count` or `name`")]
struct Item {
    count: Option<Value>,
    name: Option<String>,
    #[serde(rename = "timeMs")]
    time: Option<Value>,
    #[serde(rename = "averageMs")]
    average: Option<Value>,
    #[serde(rename = "medianMs")]
    median: Option<Value>,
}

/// Reads a profile, with the layers and the times that stand beside it.
pub(super) fn read(
    reader: &mut dyn BufRead,
    options: &MeasurementOptions,
) -> Result<Measurements, MeasurementError> {
    let text = text::read(reader)?;
    let items: Vec<Item> = json::read(&text, HELP)?;
    let layers: BTreeMap<String, LayerInfo> = match &options.layer_info {
        Some(file) => layer_info::read(&file.text).map_err(|error| error.of_file(&file.file))?,
        None => BTreeMap::new(),
    };
    let run_times = match &options.times {
        Some(file) => times::read(&file.text, options).map_err(|error| error.of_file(&file.file))?,
        None if options.warm_up > 0 => {
            return Err(MeasurementError::new(
                "the profile has sums of all runs, so that none can be left out",
                "leave --warmup out, or add --times with the file of --exportTimes",
            ));
        }
        None => Vec::new(),
    };
    let mut runs = 1;
    let mut nodes: Vec<MeasuredNode> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let (mut contradictions, mut repeated) = (Vec::new(), BTreeSet::new());
    for (index, item) in items.iter().enumerate() {
        if let Some(count) = &item.count {
            runs = count.as_u64().filter(|count| *count > 0 && nodes.is_empty()).ok_or_else(|| {
                MeasurementError::new(
                    format!("item {} has no `count` of runs before all layers", index + 1),
                    HELP,
                )
            })?;
            continue;
        }
        let (node, is_sound) = node(item, index, nodes.len() as u64, runs, &layers)?;
        if !is_sound {
            contradictions.push(node.name.clone());
        }
        match places.get(&node.name) {
            Some(place) => {
                nodes[*place].add(&node);
                repeated.insert(node.name);
            }
            None => {
                places.insert(node.name.clone(), nodes.len());
                nodes.push(node);
            }
        }
    }
    if nodes.is_empty() {
        return Err(MeasurementError::new("the profile has no layers", HELP));
    }
    let mut notes = Vec::new();
    if let Some(first) = contradictions.first() {
        notes.push(format!(
            "`timeMs` of {} of {} layers is not `averageMs` in {runs} runs, first of `{first}`; `averageMs` counts",
            contradictions.len(),
            nodes.len()
        ));
    }
    if let Some(first) = repeated.first() {
        notes.push(format!(
            "{} layers stand there several times, such as `{first}`: their times add up",
            repeated.len()
        ));
    }
    let unknown = nodes.iter().filter(|node| !layers.contains_key(&node.name)).count();
    if !layers.is_empty() && unknown > 0 {
        notes.push(format!("{unknown} of {} layers are not in the file of --layer-info", nodes.len()));
    }
    Ok(Measurements {
        kind: "trtexec",
        runs,
        node_runs: runs,
        is_unprofiled: !run_times.is_empty(),
        run_times,
        nodes,
        notes,
        ..Measurements::default()
    })
}

/// A layer, and whether its mean and its sum say the same.
fn node(
    item: &Item,
    position: usize,
    index: u64,
    runs: u64,
    layers: &BTreeMap<String, LayerInfo>,
) -> Result<(MeasuredNode, bool), MeasurementError> {
    let name = item.name.clone().filter(|name| !name.is_empty()).ok_or_else(|| {
        MeasurementError::new(format!("item {} is no layer: it has no `name`", position + 1), HELP)
    })?;
    let milliseconds = |key: &str, value: &Option<Value>| {
        value
            .as_ref()
            .map(|value| json_time(value).map_err(|reason| format!("`{key}` of layer `{name}` {reason}")))
            .transpose()
            .map_err(|problem| MeasurementError::new(problem, HELP))
    };
    let total = milliseconds("timeMs", &item.time)?;
    let mean = milliseconds("averageMs", &item.average)?;
    let median = milliseconds("medianMs", &item.median)?;
    // The mean has six digits of its own, the sum six of all runs: the mean is the closer one.
    let of_mean = mean.map(|mean| {
        mean.picoseconds().checked_mul(runs).map(Duration::from_picoseconds).ok_or_else(|| {
            MeasurementError::new(
                format!("`averageMs` of layer `{name}` is beyond 213 days in {runs} runs"),
                HELP,
            )
        })
    });
    let of_mean = of_mean.transpose()?;
    let is_sound = of_mean.zip(total).is_none_or(|(mean, total)| are_near(mean, total));
    let self_total = of_mean.or(total);
    if self_total.is_none() {
        let problem = format!("layer `{name}` has neither `averageMs` nor `timeMs`");
        return Err(MeasurementError::new(problem, HELP));
    }
    let info = layers.get(&name);
    let mut parts = names::parts(&name);
    parts.extend(info.iter().flat_map(|info| info.nodes.iter().cloned()));
    parts.dedup();
    let node = MeasuredNode {
        index,
        operator: info.map(|info| info.operator.clone()).unwrap_or_default(),
        output: info.and_then(|info| info.output.clone()),
        parts,
        calls: runs,
        quantiles: Quantiles { p50: median, ..Quantiles::default() },
        self_total,
        name,
        ..MeasuredNode::default()
    };
    Ok((node, is_sound))
}

/// True if two times differ by no more than six digits of each are rounded, with a wide margin.
fn are_near(one: Duration, other: Duration) -> bool {
    let (one, other) = (one.picoseconds(), other.picoseconds());
    one.abs_diff(other) <= one.max(other) / ROUNDING_PART
}

/// Milliseconds as JSON has them.
fn json_time(value: &Value) -> Result<Duration, String> {
    match value {
        Value::Number(number) => time(&number.to_string(), Unit::Milliseconds),
        _ => Err("is no number".to_owned()),
    }
}
