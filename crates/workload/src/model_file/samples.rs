//! Sparsity and samples of a model file: the pattern of the weights, and the trace that the
//! model's jobs are samples of, recorded or synthetic.

use std::sync::Arc;

use crate::input::{Diagnostics, Table, Value};
use crate::model::{Model, Pattern, Sparsity};
use crate::sample_trace::{SampleTrace, Schema};
use crate::synthesis::{ActivationValues, AttentionValues, Dataset, Synthesis, SynthesisError, Values};

/// A model file's reference to a sample trace: found by the loader of files.
pub(crate) type OpenSamples<'o> = dyn Fn(&str) -> Result<SampleTrace, Diagnostics> + 'o;

/// The sequence length of models of which only a trace is known.
const SEQUENCE_LENGTH: u32 = 512;
/// The longest, so that no tensor of such a layer is beyond what layers can have.
const MAX_SEQUENCE_LENGTH: u32 = 1 << 16;
/// The most samples.
const MAX_SAMPLES: u32 = 10_000_000;

/// Decodes the table `[sparsity]`; records every problem.
pub(super) fn decode_sparsity(root: &Table<'_>) -> Option<Sparsity> {
    let table = root.optional("sparsity", Value::table)?.named("`[sparsity]`");
    table.only(&["architecture", "pattern", "weights"]);
    let architecture = table.optional("architecture", Value::string).map(str::to_owned);
    let choices = Pattern::ALL.map(|pattern| (pattern.name(), pattern));
    let pattern = table.or("pattern", Pattern::Dense, |value| value.choice(&choices));
    let weights = table.or("weights", 0.0, |value| value.number(0.0..=0.999_999));
    match (table.get("pattern"), table.get("weights")) {
        (_, Some(value)) if pattern == Pattern::Dense && weights > 0.0 => {
            value.reject::<()>(
                "the weights of a dense network are not sparse",
                "state the `pattern`: \"unstructured\", \"block\" or \"filter\"",
            );
        }
        (Some(value), None) if pattern != Pattern::Dense => {
            value.reject::<()>(
                format!("the pattern `{}` does not say how many weights are zero", pattern.name()),
                "add `weights`, the share of zeros, such as `weights = 0.8`",
            );
        }
        _ => {}
    }
    Some(Sparsity { architecture, pattern, weights })
}

/// The table `[samples]` of a file without layers, which only a trace makes a model; records every problem.
/// None where there is no such table, or no usable one.
pub(super) fn decode_model_of_trace(root: &Table<'_>, open: &OpenSamples<'_>) -> Option<Model> {
    let table = root.optional("samples", Value::table)?.named("`[samples]`");
    table.only(&["file", "sequence_length"]);
    let length = table.or("sequence_length", SEQUENCE_LENGTH, |value| value.integer(1..=MAX_SEQUENCE_LENGTH));
    let trace = table.required("file", |value| open_samples(value, open))?;
    if let Some(value) = table.get("sequence_length")
        && trace.schema != Schema::Sanger
    {
        value.reject::<()>("only traces of attention have a sequence", "remove `sequence_length`");
    }
    Some(Model::of_trace(Arc::new(trace), length))
}

/// The table `[samples]` of a file with layers; records every problem. `model` has its sparsity already.
pub(super) fn decode_samples(
    root: &Table<'_>,
    model: &Model,
    open: &OpenSamples<'_>,
) -> Option<Arc<SampleTrace>> {
    let table = root.optional("samples", Value::table)?.named("`[samples]`");
    if let Some(value) = table.get("sequence_length") {
        value.reject::<()>(
            "`sequence_length` is for models of which only a trace is known",
            "remove it: the layers have their own",
        );
    }
    table.only(&["file", "synthesize", "sequence_length"]);
    let trace = match (table.get("file"), table.get("synthesize")) {
        (Some(value), None) => {
            let trace = open_samples(&value, open)?;
            if trace.layers() != model.layers.len() {
                let (of_trace, of_model) = (trace.layers(), model.layers.len());
                return value.reject(
                    format!("the trace has {of_trace} layers and the model {of_model}"),
                    "name a trace of this model, or remove the layers: the trace then makes the model",
                );
            }
            trace
        }
        (None, Some(value)) => synthesised(&value, model)?,
        (Some(_), Some(value)) => {
            return value
                .reject("samples come from a `file` or are synthesised, not both", "remove one of the two");
        }
        (None, None) => {
            table.report(
                table
                    .problem("`[samples]` does not say what the samples are")
                    .help("add `file = \"FILE.csv\"`, or `synthesize = { count = 100 }`"),
            );
            return None;
        }
    };
    Some(Arc::new(trace))
}

fn open_samples(value: &Value<'_>, open: &OpenSamples<'_>) -> Option<SampleTrace> {
    match open(value.string()?) {
        Ok(trace) => Some(trace),
        Err(problems) => super::located(value, &problems),
    }
}

fn synthesised(value: &Value<'_>, model: &Model) -> Option<SampleTrace> {
    let table = value.table()?.named("`synthesize`");
    let defaults = match Synthesis::for_model(model, 0) {
        Ok(defaults) => defaults,
        Err(error) => {
            return value.reject(error.to_string(), "record them, and name the trace with `file`");
        }
    };
    let synthesis = decode_synthesis(&table, defaults)?;
    match synthesis.trace(model) {
        Ok(trace) => Some(trace),
        Err(error) => {
            let help = match error {
                SynthesisError::NoSuchLayer(_) => "correct `residual_inputs`; `*` stands for anything",
                SynthesisError::TooMany { .. } => "lower the `count`",
                SynthesisError::Mixed(_) | SynthesisError::OtherKind => "name a trace with `file`",
            };
            value.reject(error.to_string(), help)
        }
    }
}

/// The parameters of a synthetic trace, from their defaults; records every problem.
fn decode_synthesis(table: &Table<'_>, defaults: Synthesis) -> Option<Synthesis> {
    let spread = |key: &str, default: f64| table.or(key, default, |value| value.number(0.0..=5.0));
    let seed = table.or("seed", defaults.seed, |value| value.integer(0..=u64::MAX));
    let count = table.optional("count", |value| value.integer(1..=MAX_SAMPLES));
    let (input_spread, layer_spread) =
        (spread("input_spread", defaults.input_spread), spread("layer_spread", defaults.layer_spread));
    let profile_spread = spread("profile_spread", defaults.profile_spread);
    let correlation = table.or("correlation", defaults.correlation, |value| value.number(0.0..=0.999));
    let values = match defaults.values {
        Values::Attention(defaults) => {
            table.only(&[
                "seed",
                "count",
                "input_spread",
                "layer_spread",
                "correlation",
                "profile_spread",
                "density",
                "balance_base",
                "balance_slope",
                "balance_spread",
            ]);
            let share = |key: &str, default: f64| table.or(key, default, Value::probability);
            Values::Attention(AttentionValues {
                density: table.or("density", defaults.density, |value| value.number(0.001..=0.999)),
                balance_base: share("balance_base", defaults.balance_base),
                balance_slope: share("balance_slope", defaults.balance_slope),
                balance_spread: share("balance_spread", defaults.balance_spread),
            })
        }
        Values::Activations(defaults) => {
            table.only(&[
                "seed",
                "count",
                "input_spread",
                "layer_spread",
                "correlation",
                "profile_spread",
                "inner",
                "residual",
                "fully_connected",
                "residual_inputs",
                "datasets",
            ]);
            let range = |key: &str, default: [f64; 2]| table.or(key, default, two_shares);
            Values::Activations(ActivationValues {
                inner: range("inner", defaults.inner),
                residual: range("residual", defaults.residual),
                fully_connected: range("fully_connected", defaults.fully_connected),
                residual_inputs: table.list("residual_inputs", |value| value.string().map(str::to_owned)),
                datasets: table.tables("datasets", "a dataset").iter().filter_map(decode_dataset).collect(),
            })
        }
    };
    let of_datasets = match &values {
        Values::Activations(values) => {
            values.datasets.iter().fold(0_u32, |sum, dataset| sum.saturating_add(dataset.samples))
        }
        Values::Attention(_) => 0,
    };
    let count = count.or((of_datasets > 0).then_some(of_datasets));
    if count.is_none() && !table.has("count") {
        table.report(
            table
                .problem("it is not said how many samples to synthesise")
                .help("add `count`, such as `count = 100`"),
        );
    }
    let count = count?;
    Some(Synthesis { seed, count, input_spread, layer_spread, correlation, profile_spread, values })
}

fn decode_dataset(table: &Table<'_>) -> Option<Dataset> {
    table.only(&["name", "samples", "shift"]);
    let name = table.required("name", Value::string);
    let samples = table.required("samples", |value| value.integer(1..=MAX_SAMPLES));
    let shift = table.or("shift", 0.0, |value| value.number(-5.0..=5.0));
    Some(Dataset { name: name?.to_owned(), samples: samples?, shift })
}

/// Two sparsities, written `[0.2, 0.8]`.
fn two_shares(value: &Value<'_>) -> Option<[f64; 2]> {
    let items = value.items()?;
    let [first, second] = items.as_slice() else {
        return value.reject("a range has two ends", "write two shares, such as `[0.2, 0.8]`");
    };
    Some([first.probability()?, second.probability()?])
}
