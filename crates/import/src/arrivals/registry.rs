//! Formats of arrival traces by name.

use std::io::BufRead;

use super::{
    ArrivalError, ArrivalOptions, Assembly, Columns, ImportedRequests, azure_functions, azure_llm, burstgpt,
    columns, constant_stream, mooncake, table,
};

/// A format of arrival traces.
#[derive(Clone, Copy, Debug)]
pub struct ArrivalFormat {
    /// Name on the command line.
    pub name: &'static str,
    /// The traces that have it.
    pub summary: &'static str,
    /// True if the user states the columns.
    pub needs_columns: bool,
    /// Reads a trace of it.
    pub(crate) read: fn(&mut dyn BufRead, Option<&Columns>, &mut Assembly<'_>) -> Result<(), ArrivalError>,
}

/// All formats, one row each.
pub const FORMATS: &[ArrivalFormat] = &[
    ArrivalFormat {
        name: "azure-llm",
        summary: "Azure LLM inference 2023 and 2024, LMM 2025 (CSV)",
        needs_columns: false,
        read: azure_llm::read,
    },
    ArrivalFormat {
        name: "azure-functions",
        summary: "Azure Functions invocations 2021 (CSV)",
        needs_columns: false,
        read: azure_functions::read,
    },
    ArrivalFormat {
        name: "burstgpt",
        summary: "BurstGPT, of six or eight columns (CSV)",
        needs_columns: false,
        read: burstgpt::read,
    },
    ArrivalFormat {
        name: "mooncake",
        summary: "Mooncake (JSON lines)",
        needs_columns: false,
        read: mooncake::read,
    },
    ArrivalFormat {
        name: "constant-stream",
        summary: "MLPerf's ConstantStream scenario (mlperf.conf, user.conf)",
        needs_columns: false,
        read: constant_stream::read,
    },
    ArrivalFormat {
        name: "csv",
        summary: "any other table, with --columns",
        needs_columns: true,
        read: columns::read,
    },
];

/// The format of a name.
#[must_use]
pub fn format(name: &str) -> Option<&'static ArrivalFormat> {
    FORMATS.iter().find(|format| format.name == name)
}

impl ArrivalFormat {
    /// Reads a trace of this format as requests.
    ///
    /// # Errors
    /// [`ArrivalError`] where the text is not of this format, has a row that makes no sense, or gives no requests.
    pub fn read(
        &self,
        text: &mut dyn BufRead,
        columns: Option<&Columns>,
        options: &ArrivalOptions,
    ) -> Result<ImportedRequests, ArrivalError> {
        table::refuse_archives(text)?;
        let mut assembly = Assembly::new(options);
        (self.read)(text, columns, &mut assembly)?;
        assembly.finish(self.name)
    }
}
