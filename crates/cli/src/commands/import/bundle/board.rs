//! Platforms and scenarios of measured devices: written anew, or extended by what they do not have yet.
//!
//! What a user has added to a file stays as it is: nothing but a table is ever put behind it.

use std::path::Path;

use rtmm_hardware::{Mode, load as hardware};
use rtmm_import::quoted;
use rtmm_workload::input::{Document, Source};
use rtmm_workload::{Legality, load};

use crate::failure::Failure;

/// The platform of a device with this accelerator, whose costs are in `table`; none if the file has it already.
pub(super) fn platform(
    path: &Path,
    device: &str,
    accelerator: &str,
    table: &str,
) -> Result<Option<String>, Failure> {
    let added = format!(
        "\n[[accelerator]]\nname = {}\nmodel = \"table\"\nfile = {}\n",
        quoted(accelerator),
        quoted(table)
    );
    if !path.exists() {
        let source = quoted(&format!("measured on {device}"));
        let head =
            "# Measured costs of each layer in a run: quantiles, or the mean where the profile has none.";
        return Ok(Some(format!("{head}\nsource = {source}\n{added}")));
    }
    let platform = hardware::platform(&path.display().to_string(), None, Mode::Corrected)?;
    let same = platform.accelerators.iter().find(|known| known.name == accelerator);
    if let Some(same) = same {
        let configuration = platform.configurations.get(same.configuration.index());
        if configuration.is_some_and(|known| known.label == format!("table {table}")) {
            return Ok(None);
        }
        return Err(Failure::usage(
            format!("{}: accelerator `{accelerator}` has other costs than {table}", path.display()),
            "name the measured accelerator otherwise with --accelerator",
        ));
    }
    extended(path, &added, "accelerator").map(Some)
}

/// A scenario with a task for a model of this file, every `period_us` microseconds; none if the file has one already.
pub(super) fn scenario(
    path: &Path,
    model: &str,
    file: &str,
    period_us: u64,
) -> Result<Option<String>, Failure> {
    let task = |name: &str| {
        format!("\n[[task]]\nname = {}\nmodel = {}\nperiod = \"{period_us}us\"\n", quoted(name), quoted(file))
    };
    if !path.exists() {
        return Ok(Some(format!(
            "# A start: one task a model, of twice the period that a measured run takes.\nsource = \"rtmm import\"\nduration = \"{}us\"\n{}",
            period_us.saturating_mul(100),
            task(model),
        )));
    }
    let workload = load::workload(&path.display().to_string(), None, Legality::Strict)?;
    if workload.models.iter().any(|known| known.name == model) {
        return Ok(None);
    }
    let mut name = model.to_owned();
    while workload.scenario.tasks.iter().any(|task| task.name == name) {
        name.push('_');
    }
    extended(path, &task(&name), "task").map(Some)
}

/// The text of a file with one more table of a list behind it.
fn extended(path: &Path, added: &str, list: &str) -> Result<String, Failure> {
    let mut text = load::read(path)?.text().to_owned();
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text.push_str(added);
    let source = Source::new(path.display().to_string(), text.clone());
    if Document::parse(&source).has_problems() {
        let message = format!("{}: cannot be extended by a table [[{list}]]", path.display());
        return Err(Failure::usage(message, format!("write its list `{list}` as tables [[{list}]]")));
    }
    Ok(text)
}
