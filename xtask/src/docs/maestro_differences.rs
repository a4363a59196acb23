//! Effect of each fix of the published MAESTRO fork, measured on the annotated models.
//!
//! The fixes are added one after the other, so that each row's change is that of one fix given the
//! ones before it.

use rtmm_hardware::{CostModel, Decoded, Explainer, LayerOf, Mode, load};
use rtmm_workload::load::{Kind, built_in_names, model};
use rtmm_workload::{Convolution, Layer, Legality, Model, Operator, Padding, Shape};

use super::{Problem, table};

const ARRAY: &str = "pes = 4096, noc_bandwidth = 256";
const MEMORY: &str = "l1_bytes = 8192, l2_bytes = 4194304, dram_bandwidth = 128";

/// Latency in milliseconds and energy in millijoules of a whole model.
#[derive(Clone, Copy, Default)]
struct Total {
    milliseconds: f64,
    millijoules: f64,
}

pub(super) fn part() -> Result<String, Problem> {
    let mut text = String::from(
        "Single accelerator of 4,096 processing elements, network of 256 elements a cycle, 1 GHz. Latency in ms \
         and energy in mJ of one inference, the fixes added from left to right:\n\n\
         1. *published*: the reference mode;\n\
         2. *filter*: exact tiles and volumes with the layer's own filter extent (quirks 1, 4 and 5), on the \
         published shapes: stride 1, no padding, dense;\n\
         3. *shape*: real stride, padding, groups and transposition as well (quirk 2);\n\
         4. *off-chip*: a bandwidth of 128 bytes a cycle, 4 MiB of L2, DRAM energy (quirk 3).\n\n\
         Rows whose published filter is larger than the input count nothing in step 2.\n\n",
    );
    for dataflow in ["WS", "OS", "RS"] {
        let mut rows = Vec::new();
        let mut factors: [Vec<f64>; 3] = Default::default();
        for name in built_in_names(Kind::Model).iter().filter(|name| name.starts_with("xrbench/")) {
            let annotated = model(name, None, Legality::Strict)?;
            let published = as_published(&annotated);
            let accelerator = |memory: &str, mode| {
                let text = format!("{{ model = \"maestro\", dataflow = \"{dataflow}\", {ARRAY}{memory} }}");
                load::accelerator(&text, load::DEFAULT_CLOCK_HZ, mode)
            };
            let steps = [
                total(&accelerator("", Mode::Reference)?, &annotated)?,
                total(&accelerator(", dram_pj = 0", Mode::Corrected)?, &published)?,
                total(&accelerator(", dram_pj = 0", Mode::Corrected)?, &annotated)?,
                total(&accelerator(&format!(", {MEMORY}"), Mode::Corrected)?, &annotated)?,
            ];
            for (step, factors) in factors.iter_mut().enumerate() {
                factors.push(steps[step + 1].milliseconds / steps[step].milliseconds);
            }
            let mut row = vec![name.trim_start_matches("xrbench/").to_owned()];
            row.extend(steps.iter().map(|step| format!("{:.3}", step.milliseconds)));
            row.extend(steps.iter().map(|step| format!("{:.1}", step.millijoules)));
            rows.push(row);
        }
        text.push_str(&format!("### {dataflow}\n\n"));
        text.push_str(&table(
            &[
                "model",
                "published, ms",
                "filter, ms",
                "shape, ms",
                "off-chip, ms",
                "published, mJ",
                "filter, mJ",
                "shape, mJ",
                "off-chip, mJ",
            ],
            &rows,
        ));
        let [filter, shape, off_chip] = factors.map(geometric_mean);
        text.push_str(&format!(
            "\nLatency, geometric mean over the models: *filter* changes it by a factor of {filter:.3}, *shape* by \
             {shape:.3}, *off-chip* by {off_chip:.3}.\n\n"
        ));
    }
    text.push_str(&work_table()?);
    Ok(text)
}

/// Multiply-accumulates charged by the published tool, of the published shape, and true ones.
fn work_table() -> Result<String, Problem> {
    let mut rows = Vec::new();
    for name in built_in_names(Kind::Model).iter().filter(|name| name.starts_with("xrbench/")) {
        let annotated = model(name, None, Legality::Strict)?;
        let dense = as_published(&annotated).macs();
        let mut row = vec![name.trim_start_matches("xrbench/").to_owned()];
        for dataflow in ["WS", "OS", "RS"] {
            let text = format!("{{ model = \"maestro\", dataflow = \"{dataflow}\", {ARRAY} }}");
            let accelerator = load::accelerator(&text, load::DEFAULT_CLOCK_HZ, Mode::Reference)?;
            let charged = sum(accelerator.cost_model.as_ref(), &annotated, "num_computations")?;
            row.push(format!("{:.2}", charged / dense as f64));
        }
        row.push(format!("{:.1}", dense as f64 / 1e6));
        row.push(format!("{:.1}", annotated.macs() as f64 / 1e6));
        row.push(format!("{:.2}", dense as f64 / annotated.macs() as f64));
        rows.push(row);
    }
    let header = [
        "model",
        "charged / dense, WS",
        "charged / dense, OS",
        "charged / dense, RS",
        "dense, million",
        "true, million",
        "dense / true",
    ];
    Ok(format!(
        "### Multiply-accumulates\n\nWhat the published tool charges against those of the published (dense) shapes, \
         and those against the true ones of the annotated layers. A ratio above 1 is work that does not exist.\n\n{}",
        table(&header, &rows)
    ))
}

/// The model as the published table has it: stride 1, no padding, one group; without the rows
/// whose filter is larger than their input.
fn as_published(annotated: &Model) -> Model {
    let layer = |layer: &Layer| {
        let row = layer.published?;
        let operator = Operator::Convolution(Convolution {
            input: Shape { channels: row.c, height: row.y, width: row.x },
            output_channels: row.k,
            kernel: [row.r, row.s],
            stride: [1, 1],
            padding: Padding::default(),
            output_padding: [0, 0],
            dilation: [1, 1],
            groups: 1,
            transposed: false,
        });
        let plain = Layer { operator, ..layer.clone() };
        plain.output().is_ok().then_some(plain)
    };
    Model { layers: annotated.layers.iter().filter_map(layer).collect(), ..annotated.clone() }
}

fn total(accelerator: &Decoded, model: &Model) -> Result<Total, Problem> {
    let mut total = Total::default();
    for layer in &model.layers {
        let layer = LayerOf { model: &model.name, layer };
        let work = accelerator.cost_model.work(layer, Default::default())?;
        total.milliseconds += work.latency().milliseconds();
        total.millijoules += work.energy.total() / 1e9;
    }
    Ok(total)
}

fn sum(cost_model: &dyn CostModel, model: &Model, column: &str) -> Result<f64, Problem> {
    let position = Explainer::of(cost_model)
        .columns()
        .iter()
        .position(|known| *known == column)
        .ok_or("the report lacks a column")?;
    let mut total = 0.0;
    for layer in &model.layers {
        let mut row = Vec::new();
        Explainer::of(cost_model).report(LayerOf { model: &model.name, layer }, &mut row)?;
        total += row[position].to_string().parse::<f64>()?;
    }
    Ok(total)
}

fn geometric_mean(values: Vec<f64>) -> f64 {
    let logarithms: f64 = values.iter().map(|value| libm::log(*value)).sum();
    libm::exp(logarithms / values.len() as f64)
}
