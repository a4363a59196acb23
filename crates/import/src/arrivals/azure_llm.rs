//! Azure's traces of inferences of language models: 2023 and 2024, and of models with images, 2025.
//!
//! `TIMESTAMP,ContextTokens,GeneratedTokens`, the latter with `NumImages`; instants are dates, in 2024 with a zone.
//! Source: Azure/AzurePublicDataset, `AzureLLMInferenceDataset2023.md`, `AzureLLMInferenceDataset2024.md` and
//! `AzureLMMInferenceDataset2025.md`.

use std::io::BufRead;

use super::instant::TimeUnit;
use super::{ArrivalError, Assembly, Columns, table};

pub(super) fn read(
    text: &mut dyn BufRead,
    _: Option<&Columns>,
    assembly: &mut Assembly<'_>,
) -> Result<(), ArrivalError> {
    let columns = Columns { time: "TIMESTAMP".to_owned(), duration: None, unit: TimeUnit::Date, names: None };
    table::read(text, &columns, assembly)
}
