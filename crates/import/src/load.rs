//! Files to import; the only module of this crate that opens any.

use std::path::Path;

use crate::error::ImportError;
use crate::model::ImportedModel;
use crate::onnx::{self, Options};

/// Imports the model of an ONNX file. Only its structure is read, however large the weights are; files of external
/// data are not needed.
///
/// # Errors
/// [`ImportError`] where the file cannot be read, or its model cannot be imported.
#[expect(clippy::disallowed_methods, reason = "this is the `load` module of the crate")]
pub fn onnx(path: &Path, options: &Options) -> Result<ImportedModel, ImportError> {
    let unreadable = |error: std::io::Error| ImportError::Unreadable {
        file: path.display().to_string(),
        problem: error.to_string(),
    };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let is_folder = file.metadata().map_err(unreadable)?.is_dir();
    if is_folder {
        return Err(ImportError::Unreadable {
            file: path.display().to_string(),
            problem: "it is a folder".to_owned(),
        });
    }
    onnx::read(file, options)
}
