//! Arguments of `rtmm analyse`.

use std::path::PathBuf;

use clap::Args;

use super::Format;

/// Worst cases without simulation.
#[derive(Debug, Args)]
#[command(
    group(clap::ArgGroup::new("system").args(["jobs"]).required(true)),
    after_help = "\
Examples:
  rtmm analyse --jobs jobs.csv --processors 1 --policy edf
  rtmm analyse --jobs jobs.csv --processors 2 --policy fp --format json
  rtmm analyse --jobs large.csv --policy edf --max-states 100000000 --format csv"
)]
pub(crate) struct Analyse {
    /// Job set: a CSV file of Task ID, Job ID, Arrival min, Arrival max, Cost min, Cost max, Deadline, Priority,
    /// in whole numbers of any one unit.
    #[arg(long, value_name = "JOBS.csv")]
    pub jobs: Option<PathBuf>,
    /// Number of identical processors [default: 1].
    #[arg(long, value_name = "N", requires = "jobs", value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub processors: Option<u32>,
    /// Policy: of a job set edf (by deadline) or fp (by the column Priority, smaller first).
    #[arg(long, value_name = "NAME")]
    pub policy: String,
    /// The most states that an exploration visits; beyond that its results are unknown [default: 10000000].
    #[arg(long, value_name = "N", requires = "jobs", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_states: Option<u64>,
    /// Form of the printed bounds.
    #[arg(long, value_enum, default_value = "table")]
    pub format: Format,
}
