//! `rtmm explain`: where a layer's cycles and energy come from.

use std::borrow::Cow;
use std::io::Write;

use rtmm_hardware::{Explanation, LayerOf, Section};
use rtmm_workload::TableRow;
use serde::Serialize;

use super::check::readings;
use super::cost::{Target, layers, no_such_layer, targets};
use crate::args::{Explain, Format};
use crate::failure::Failure;
use crate::output::{print_json, section_table, stdout, style};

#[derive(Serialize)]
struct Explained<'e> {
    version: u32,
    model: &'e str,
    layer: &'e str,
    accelerator: &'e str,
    /// None where the accelerator does not run the layer.
    #[serde(skip_serializing_if = "Option::is_none")]
    explanation: Option<&'e Explanation>,
    /// Why it does not run it.
    #[serde(skip_serializing_if = "Option::is_none")]
    unsupported: Option<&'e str>,
}

/// The account of an accelerator that has none.
const UNSUPPORTED: &str = "The accelerator does not run this layer";

/// An accelerator with its account of the layer, or the reason why it does not run it.
type Account = (String, Result<Explanation, String>);

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
    let account = |target: Target| -> Account {
        let explanation = target.explainer().explanation(LayerOf { model, layer });
        let prices = target.prices();
        let explanation = explanation.map(|mut explanation| {
            explanation.sections.extend(prices);
            explanation
        });
        (target.name, explanation.map_err(|error| error.to_string()))
    };
    let accounts: Vec<Account> = targets(&arguments.hardware, mode)?.into_iter().map(account).collect();
    if accounts.iter().all(|(_, explanation)| explanation.is_err()) {
        return Err(runs_nowhere(&layer.name, &accounts));
    }
    let mut out = stdout();
    match arguments.format {
        Format::Table => {
            for (accelerator, explanation) in &accounts {
                if !accelerator.is_empty() {
                    writeln!(out, "Layer {} of {model} on {accelerator}\n", layer.name)?;
                }
                match explanation {
                    Ok(explanation) => {
                        for section in &explanation.sections {
                            writeln!(out, "{}", section_table(section).to_terminal(&style()))?;
                        }
                    }
                    Err(reason) => writeln!(out, "{UNSUPPORTED}: {reason}\n")?,
                }
            }
        }
        Format::Json => {
            let explained = accounts.iter().map(|(accelerator, explanation)| Explained {
                version: 1,
                model,
                layer: &layer.name,
                accelerator,
                explanation: explanation.as_ref().ok(),
                unsupported: explanation.as_ref().err().map(String::as_str),
            });
            print_json(&mut out, &explained.collect::<Vec<Explained<'_>>>())?;
        }
        Format::Csv => {
            let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(&mut out);
            for (accelerator, explanation) in &accounts {
                for section in sections(explanation).iter() {
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

/// The sections of an account; where there is none, the reason as one.
fn sections(account: &Result<Explanation, String>) -> Cow<'_, [Section]> {
    match account {
        Ok(explanation) => Cow::Borrowed(&explanation.sections),
        Err(reason) => {
            let section = Section::new(UNSUPPORTED, &["reason"], vec![vec![reason.clone()]]);
            Cow::Owned(vec![section])
        }
    }
}

/// The failure of a layer that none of the accelerators runs.
fn runs_nowhere(layer: &str, accounts: &[Account]) -> Failure {
    let reason = |(accelerator, explanation): &Account| {
        let reason = explanation.as_ref().err()?;
        Some(if accelerator.is_empty() { reason.clone() } else { format!("`{accelerator}`: {reason}") })
    };
    let reasons: Vec<String> = accounts.iter().filter_map(reason).collect();
    Failure::Run(format!("layer `{layer}`: {}", reasons.join("; ")))
}
