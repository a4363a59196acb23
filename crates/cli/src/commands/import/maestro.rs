//! Networks of MAESTRO, counted and written as model files.

use std::path::Path;

use rtmm_import::load;
use rtmm_import::maestro::NetworkSummary;

use super::{name_of, write_text};
use crate::args::{self, Import, PlainFormat};
use crate::failure::{Failure, say};
use crate::output::{Rows, print_json, stdout};

/// True if a file is a network of MAESTRO by its name.
pub(super) fn is_network(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "m")
}

/// Reads a network, prints its counts, and writes its model file where a folder is stated.
pub(super) fn import(arguments: &Import) -> Result<(), Failure> {
    let file = &arguments.file;
    let of_tables = (!arguments.columns.is_empty()).then_some("--columns");
    if let Some(option) = arguments.of_a_model().or(arguments.measured.stated()).or(of_tables) {
        return Err(Failure::usage(
            format!(
                "{}: a network of MAESTRO has no open choices, and {option} is of no use",
                file.display()
            ),
            "leave the option out",
        ));
    }
    let network = load::maestro(file)?;
    let folder = arguments.output.as_deref();
    let written =
        folder.map(|folder| write_text(file, folder, &network.to_toml(&name_of(file)))).transpose()?;
    let summary = network.summary();
    match arguments.format {
        PlainFormat::Json => print_json(&mut stdout(), &summary)?,
        PlainFormat::Table => table(file, &summary).print(args::Format::Table)?,
    }
    if summary.dataflows > 0 {
        say!("note: the mappings of {} layers are left out", summary.dataflows);
    }
    if let Some(path) = written {
        say!("{} layers in {}", summary.layers, path.display());
    }
    Ok(())
}

fn table(file: &Path, summary: &NetworkSummary<'_>) -> Rows {
    let counts = [
        ("layers", summary.layers),
        ("multiply-accumulates", summary.macs),
        ("parameters", summary.parameters),
        ("mappings left out", summary.dataflows),
    ];
    Rows {
        title: format!("{}: {}", file.display(), summary.network),
        header: vec!["quantity", "value"],
        numbers: vec![false, true],
        rows: counts.into_iter().map(|(what, value)| vec![what.to_owned(), value.to_string()]).collect(),
    }
}
