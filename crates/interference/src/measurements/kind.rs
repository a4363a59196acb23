//! Kinds of tables, told by their columns.

use rtmm_workload::input::{CsvTable, Diagnostic, Source, problem_with};

/// Kind of a table of measurements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileKind {
    /// Latencies of models alone: `model`, `batch`, `latency_ms`.
    Solo,
    /// Latencies of two models beside each other: `model_a`, `model_b`.
    Pairs,
    /// Times of groups of segments: `combo`, `start_1`, and so on.
    Groups,
    /// Power and clock: `gpu_latency_ms`, `power_w`, `freq_mhz`.
    Power,
    /// iGniter's coefficients: `scope`, `name`, `value`.
    Coefficients,
    /// gpulet's coefficients: `gpu`, `coefficient`, `value`.
    LinearCoefficients,
    /// Kernels one by one: `kernel`, `sm_needed`, `duration_ns`.
    Kernels,
    /// Kernels summed by `nsys stats`: `Instances`, `Name`.
    KernelSummary,
    /// Utilisation of a whole GPU: `l2_util_pct`, `mem_util_pct`.
    Utilisation,
}

/// The columns that no other kind has, by kind.
const MARKS: [(FileKind, &str); 10] = [
    (FileKind::Groups, "combo"),
    (FileKind::Groups, "start_1"),
    (FileKind::Pairs, "model_a"),
    (FileKind::Pairs, "lat_a_ms"),
    (FileKind::Power, "power_w"),
    (FileKind::Coefficients, "scope"),
    (FileKind::LinearCoefficients, "coefficient"),
    (FileKind::Kernels, "sm_needed"),
    (FileKind::KernelSummary, "Instances"),
    (FileKind::Utilisation, "mem_util_pct"),
];

impl FileKind {
    /// The kind of a table.
    ///
    /// # Errors
    /// A problem with its header, where it is a table of no known kind.
    pub fn of(source: &Source) -> Result<Self, Diagnostic> {
        let table = CsvTable::parse(source, &[]);
        let has = |name: &str| table.column(name).is_some();
        if let Some((kind, _)) = MARKS.into_iter().find(|(_, column)| has(column)) {
            return Ok(kind);
        }
        if has("latency_ms") {
            return Ok(Self::Solo);
        }
        // A table without a header has its own problem, and no rows are read of it.
        let is_unread = table.header().iter().all(String::is_empty);
        if let Some(problem) = table.each_row(|_| ()).iter().next().filter(|_| is_unread) {
            return Err(problem.clone());
        }
        Err(problem_with(source, "these columns are of no known kind of measurements").help(
            "segment groups have `combo`, pairs `model_a`, solo latencies `latency_ms`; see `rtmm interference list`",
        ))
    }

    /// Noun for the rows in messages and listings.
    #[must_use]
    pub const fn rows(self) -> &'static str {
        match self {
            Self::Solo => "solo latencies",
            Self::Pairs => "pairs",
            Self::Groups => "segment groups",
            Self::Power => "power and clock",
            Self::Coefficients => "coefficients of iGniter",
            Self::LinearCoefficients => "coefficients of gpulet",
            Self::Kernels => "kernels",
            Self::KernelSummary => "kernels, summed",
            Self::Utilisation => "utilisation",
        }
    }
}
