//! Built-in publications by name, and others by path.

use std::path::Path;

use rtmm_workload::input::{Diagnostic, Diagnostics, Source, suggestion};
use rtmm_workload::load::open_path;

use crate::file::publication_of;
use crate::publication::Publication;

/// Name and text of each.
const FILES: [(&str, &str); 7] = [
    ("dream", include_str!("../publications/dream.toml")),
    ("sdrm3", include_str!("../publications/sdrm3.toml")),
    ("moca", include_str!("../publications/moca.toml")),
    ("xrbench", include_str!("../publications/xrbench.toml")),
    ("dysta", include_str!("../publications/dysta.toml")),
    ("planaria", include_str!("../publications/planaria.toml")),
    ("interference", include_str!("../publications/interference.toml")),
];

/// Names of the built-in publications, in the order of listings.
#[must_use]
pub fn names() -> [&'static str; FILES.len()] {
    FILES.map(|(name, _)| name)
}

/// Reads all built-in publications.
///
/// # Errors
/// Every problem of their files; a program that passed its tests has none.
pub fn all() -> Result<Vec<Publication>, Diagnostics> {
    FILES.iter().map(|(name, text)| of_text(name, text)).collect()
}

/// Reads a publication by its built-in name, or by a path that ends in `.toml`.
///
/// # Errors
/// Every problem of the file, or what there is instead.
pub fn open(reference: &str) -> Result<Publication, Diagnostics> {
    if Path::new(reference).extension().is_some_and(|extension| extension == "toml") {
        return publication_of(&open_path(reference, None)?);
    }
    match FILES.iter().find(|(name, _)| *name == reference) {
        Some((name, text)) => of_text(name, text),
        None => {
            let help = suggestion(reference, "publication", &names());
            let message = format!("there is no publication `{reference}`");
            Err(Diagnostic::without_place(message).help(format!("{help} (a path ends in .toml)")).into())
        }
    }
}

fn of_text(name: &str, text: &str) -> Result<Publication, Diagnostics> {
    publication_of(&Source::new(format!("publications/{name}.toml"), text))
}
