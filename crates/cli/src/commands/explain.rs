//! `rtmm explain`: where a layer's cycles and energy come from.

use std::io::Write;

use rtmm_hardware::{Explanation, LayerOf};
use rtmm_workload::TableRow;
use serde::Serialize;

use super::check::readings;
use super::cost::{layers, no_such_layer, targets};
use crate::args::{Explain, Format};
use crate::failure::Failure;
use crate::output::{print_json, section_table, stdout, style};

#[derive(Serialize)]
struct Explained<'e> {
    version: u32,
    model: &'e str,
    layer: &'e str,
    accelerator: &'e str,
    explanation: Explanation,
}

pub(crate) fn explain(arguments: &Explain) -> Result<(), Failure> {
    let (legality, mode) = readings(arguments.compat);
    let rows = layers(&arguments.layers, legality)?;
    let wanted = &arguments.layer;
    let by_position = wanted.parse::<usize>().ok().and_then(|position| rows.get(position));
    let TableRow { model, layer, .. } = rows
        .iter()
        .find(|row| row.layer.name == *wanted)
        .or(by_position)
        .ok_or_else(|| no_such_layer(wanted, &rows))?;
    let mut out = stdout();
    let mut all = Vec::new();
    for target in targets(&arguments.hardware, mode)? {
        let mut explanation = target
            .explainer()
            .explanation(LayerOf { model, layer })
            .map_err(|error| Failure::Run(format!("layer `{}`: {error}", layer.name)))?;
        explanation.sections.extend(target.prices());
        if arguments.format == Format::Table {
            if !target.name.is_empty() {
                writeln!(out, "Layer {} of {model} on {}\n", layer.name, target.name)?;
            }
            for section in &explanation.sections {
                writeln!(out, "{}", section_table(section).to_terminal(&style()))?;
            }
        }
        all.push((target.name, explanation));
    }
    match arguments.format {
        Format::Table => {}
        Format::Json => {
            let all: Vec<Explained<'_>> = all
                .iter()
                .map(|(accelerator, explanation)| Explained {
                    version: 1,
                    model,
                    layer: &layer.name,
                    accelerator,
                    explanation: explanation.clone(),
                })
                .collect();
            print_json(&mut out, &all)?;
        }
        Format::Csv => {
            let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(&mut out);
            for (accelerator, explanation) in &all {
                for section in &explanation.sections {
                    let start = [accelerator.as_str(), section.title.as_str()];
                    let head = section.header.iter().map(String::as_str);
                    writer.write_record(start.iter().copied().chain(head))?;
                    for row in &section.rows {
                        writer.write_record(start.iter().copied().chain(row.iter().map(String::as_str)))?;
                    }
                }
            }
            writer.flush()?;
        }
    }
    out.flush()?;
    Ok(())
}
