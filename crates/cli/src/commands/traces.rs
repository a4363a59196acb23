//! `rtmm traces`: sample traces, synthesised or summarised.

use std::path::PathBuf;

use rayon::prelude::*;
use rtmm_hardware::{Condition, CostModel, LayerOf, Mode, Sparse, load as hardware};
use rtmm_sweep::execute::Progress;
use rtmm_workload::input::{Diagnostic, Diagnostics};
use rtmm_workload::load;
use rtmm_workload::synthesis::Synthesis;
use rtmm_workload::{Legality, Model, SampleTrace, Schema};

use crate::args::{Clock, Describe, Synthesize, Traces, TracesVerb};
use crate::failure::{Failure, say};
use crate::folders::{create, refuse_inputs};
use crate::output::{Rows, replace_file};
use crate::progress::Bar;

/// The name of the notice beside the traces, which says that they are not measured.
const NOTICE: &str = "SYNTHETIC.md";
/// Samples of a model that does not say how many it has.
const DEFAULT_SAMPLES: u32 = 100;

pub(crate) fn traces(arguments: &Traces) -> Result<(), Failure> {
    match &arguments.verb {
        TracesVerb::Synthesize(arguments) => synthesize(arguments),
        TracesVerb::Describe(arguments) => describe(arguments),
    }
}

/// A model with the statistical model of its samples.
struct SyntheticModel {
    model: Model,
    synthesis: Synthesis,
}

fn synthesize(arguments: &Synthesize) -> Result<(), Failure> {
    let models = synthetic_models(arguments)?;
    let is_costed = |synthetic: &SyntheticModel| synthetic.synthesis.trace_schema() == Schema::EyerissV2;
    // Traces of attention have no latencies, and need no accelerator.
    let accelerator = if arguments.accelerator.is_some() || models.iter().any(is_costed) {
        let text = arguments.accelerator.as_deref().unwrap_or(Synthesize::DEFAULT_ACCELERATOR);
        let clock_hz = arguments.clock_mhz.hz;
        Some((text, hardware::accelerator(text, clock_hz, Mode::Corrected)?.cost_model))
    } else {
        None
    };
    let cells =
        |synthetic: &SyntheticModel| synthetic.synthesis.count as usize * synthetic.model.layers.len();
    let bar = Bar::new(arguments.quiet);
    bar.begin(models.iter().map(cells).sum(), 0);
    let traces =
        synthesise_traces(&models, accelerator.as_ref().map(|(_, cost_model)| cost_model.as_ref()), &bar);
    bar.finish();
    let traces = traces?;

    let folder = &arguments.output;
    create(folder)?;
    let outputs: Vec<PathBuf> = traces.iter().map(|trace| folder.join(file_of(trace))).collect();
    refuse_inputs(&outputs.iter().map(PathBuf::as_path).collect::<Vec<_>>())?;
    let mut notice = notice(accelerator.as_ref().map(|(text, _)| (*text, arguments.clock_mhz)));
    for (synthetic, trace) in models.iter().zip(&traces) {
        let file = file_of(trace);
        replace_file(&folder.join(&file), trace.to_csv().as_bytes())?;
        notice.push_str(&section(&file, synthetic, trace)?);
    }
    replace_file(&folder.join(NOTICE), notice.as_bytes())?;
    let (traces, folder) = (traces.len(), folder.display());
    say!("{traces} synthetic traces in {folder}; {folder}/{NOTICE} says what they are");
    Ok(())
}

fn file_of(trace: &SampleTrace) -> String {
    format!("{}.{}.csv", trace.name, trace.schema.name())
}

/// The traces to synthesise; every problem is reported at once.
fn synthetic_models(arguments: &Synthesize) -> Result<Vec<SyntheticModel>, Failure> {
    let mut problems = Diagnostics::default();
    let mut models: Vec<SyntheticModel> = Vec::new();
    for reference in &arguments.model {
        match synthetic_model(reference, arguments) {
            Ok(model) => models.push(model),
            Err(found) => problems.extend(found),
        }
    }
    let models = problems.into_result(Some(models))?;
    for (index, synthetic) in models.iter().enumerate() {
        let stem = |synthetic: &SyntheticModel| Synthesis::trace_name(&synthetic.model).to_owned();
        if let Some(other) = models[..index].iter().find(|other| stem(other) == stem(synthetic)) {
            return Err(Failure::usage(
                format!(
                    "the traces of `{}` and `{}` would be one file",
                    other.model.name, synthetic.model.name
                ),
                "make them up in two folders",
            ));
        }
    }
    Ok(models)
}

fn synthetic_model(reference: &str, arguments: &Synthesize) -> Result<SyntheticModel, Diagnostics> {
    let model = load::model(reference, None, Legality::Strict)?;
    let refuse = |message: String, help: &str| {
        Diagnostics::from(Diagnostic::without_place(format!("model `{reference}`: {message}")).help(help))
    };
    if !model.variants.is_empty() {
        let message = "a supernet has several networks".to_owned();
        return Err(refuse(message, "name one of the files of its variants"));
    }
    let mut synthesis = match model.samples.as_deref() {
        Some(trace) => trace.synthesis().cloned().ok_or_else(|| {
            let message = "its samples are read from a file".to_owned();
            refuse(message, "use that file, or name a model without `samples.file`")
        })?,
        None => Synthesis::for_model(&model, DEFAULT_SAMPLES)
            .map_err(|error| refuse(error.to_string(), "record its samples"))?,
    };
    synthesis.count = arguments.samples.unwrap_or(synthesis.count);
    synthesis.seed = arguments.seed.unwrap_or(synthesis.seed);
    Ok(SyntheticModel { model, synthesis })
}

fn synthesise_traces(
    models: &[SyntheticModel],
    cost_model: Option<&dyn CostModel>,
    bar: &Bar,
) -> Result<Vec<SampleTrace>, Failure> {
    let one = |synthetic: &SyntheticModel| {
        let trace = synthetic.synthesis.trace(&synthetic.model).map_err(|error| {
            let message = format!("model `{}`: {error}", synthetic.model.name);
            Failure::usage(message, "lower --samples")
        })?;
        match cost_model.filter(|_| trace.schema == Schema::EyerissV2) {
            Some(cost_model) => with_latencies(&synthetic.model, trace, cost_model, bar),
            None => {
                bar.advance(trace.len() * trace.layers());
                Ok(trace)
            }
        }
    };
    models.iter().map(one).collect()
}

/// The trace with the latencies that a cost model gives its sparsities.
fn with_latencies(
    model: &Model,
    trace: SampleTrace,
    cost_model: &dyn CostModel,
    bar: &Bar,
) -> Result<SampleTrace, Failure> {
    let latency = |sample: usize, layer: usize| {
        let sparse = Sparse {
            weights: model.sparsity.weights,
            activations: trace.sparsity(sample, layer),
            ..Sparse::DENSE
        };
        let layer = &model.layers[layer];
        let of = LayerOf { model: &model.name, layer };
        match cost_model.work(of, Condition::Sparse(sparse)) {
            Ok(work) => Ok(work.latency().picoseconds() as f64 / 1e12),
            Err(error) => {
                Err(Failure::Run(format!("model `{}` layer `{}`: {error}", model.name, layer.name)))
            }
        }
    };
    let rows: Result<Vec<Vec<f64>>, Failure> = (0..trace.len())
        .into_par_iter()
        .map(|sample| {
            let row = (0..trace.layers()).map(|layer| latency(sample, layer)).collect();
            bar.advance(trace.layers());
            row
        })
        .collect();
    let latencies = rows?.concat();
    Ok(trace.with_latencies(latencies))
}

/// The head of the notice.
fn notice(accelerator: Option<(&str, Clock)>) -> String {
    let mut text = String::from(
        "# Synthetic traces\n\nThe traces in this folder are SYNTHETIC, not recorded: `rtmm traces synthesize` drew \
         them from the statistical model that its documentation describes under \"Sample traces\". Do not report them as \
         measurements.\n",
    );
    if let Some((table, clock)) = accelerator {
        text.push_str(&format!(
            "\nThe column `sim_lat` is not measured either: it is what the cost model of the accelerator `{table}` at \
             {clock} MHz gives the synthetic sparsities.\n"
        ));
    }
    text
}

/// Line of the notice on one trace.
fn section(file: &str, synthetic: &SyntheticModel, trace: &SampleTrace) -> Result<String, Failure> {
    let SyntheticModel { model, synthesis } = synthetic;
    let sparsity = &model.sparsity;
    let parameters = serde_json::to_string_pretty(synthesis)?;
    Ok(format!(
        "\n## {file}\n\nModel `{}` ({} layers), {} samples, seed {}; weights: {}, {} of them zero. All parameters:\n\n\
         ```json\n{parameters}\n```\n",
        model.name,
        trace.layers(),
        trace.len(),
        synthesis.seed,
        sparsity.pattern.name(),
        sparsity.weights,
    ))
}

fn describe(arguments: &Describe) -> Result<(), Failure> {
    let rows = load::sample_traces(&arguments.files)?.iter().map(|file| row(&file.trace)).collect();
    let columns = [
        ("trace", false),
        ("schema", false),
        ("layers", true),
        ("samples", true),
        ("mean_ms", true),
        ("min_ms", true),
        ("max_ms", true),
        ("sparsity", true),
        ("spread", true),
    ];
    let (header, numbers) = columns.into_iter().unzip();
    Rows { title: "Sample traces".to_owned(), header, numbers, rows }.print(arguments.format)
}

/// A trace in a line: how long its samples take alone, and how sparse they are.
fn row(trace: &SampleTrace) -> Vec<String> {
    let (samples, layers) = (trace.len(), trace.layers());
    let isolated = |sample: usize| -> Option<f64> {
        (0..layers).try_fold(0.0, |sum, layer| Some(sum + trace.latency_s(sample, layer)?))
    };
    let isolated: Option<Vec<f64>> = (0..samples).map(isolated).collect();
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let latencies = isolated.map_or_else(
        || [const { String::new() }; 3],
        |all| {
            let least = all.iter().copied().fold(f64::INFINITY, f64::min);
            let largest = all.iter().copied().fold(0.0, f64::max);
            [mean(&all), least, largest].map(|seconds| format!("{:.3}", seconds * 1e3))
        },
    );
    let of_sample = |sample: usize| {
        (0..layers).fold(0.0, |sum, layer| sum + trace.sparsity(sample, layer)) / layers as f64
    };
    let sparsities: Vec<f64> = (0..samples).map(of_sample).collect();
    let average = mean(&sparsities);
    let variance = sparsities.iter().fold(0.0, |sum, value| sum + (value - average) * (value - average))
        / samples as f64;
    let [mean_ms, min_ms, max_ms] = latencies;
    vec![
        trace.name.clone(),
        trace.schema.name().to_owned(),
        layers.to_string(),
        samples.to_string(),
        mean_ms,
        min_ms,
        max_ms,
        format!("{average:.4}"),
        format!("{:.4}", variance.sqrt()),
    ]
}
