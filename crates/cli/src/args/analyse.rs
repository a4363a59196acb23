//! Arguments of `rtmm analyse`.

use std::path::PathBuf;

use clap::Args;
use rtmm_workload::load::Kind;

use super::Format;
use crate::names::Names;

/// Worst cases without simulation.
#[derive(Debug, Args)]
#[command(
    group(clap::ArgGroup::new("system").args(["jobs", "scenario"]).required(true)),
    after_help = "\
Examples:
  rtmm analyse --jobs jobs.csv --processors 1 --policy edf
  rtmm analyse --jobs jobs.csv --processors 2 --policy fp --format json
  rtmm analyse --jobs large.csv --policy edf --max-states 100000000 --format csv
  rtmm analyse --scenario my.toml --platform my_soc.toml --policy fixed-priority
  rtmm analyse --scenario my.toml --platform my_soc.toml --policy edf --set granularity=model --format json"
)]
pub(crate) struct Analyse {
    /// Job set: a CSV file of Task ID, Job ID, Arrival min, Arrival max, Cost min, Cost max, Deadline, Priority,
    /// in whole numbers of any one unit.
    #[arg(long, value_name = "JOBS.csv")]
    pub jobs: Option<PathBuf>,
    /// Number of identical processors of a job set [default: 1].
    #[arg(long, value_name = "N", conflicts_with = "scenario", value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub processors: Option<u32>,
    /// Scenario: a built-in name, or a path that ends in .toml.
    #[arg(long, value_name = "NAME|FILE", requires = "platform", value_parser = Names::of(Kind::Scenario), hide_possible_values = true)]
    pub scenario: Option<String>,
    /// Platform of the scenario: a built-in name, or a path that ends in .toml.
    #[arg(long, value_name = "NAME|FILE", requires = "scenario", conflicts_with = "jobs", value_parser = Names::of(Kind::Platform), hide_possible_values = true)]
    pub platform: Option<String>,
    /// Policy: of a job set edf (by deadline) or fp (by the column Priority, smaller first); of a scenario
    /// one of `rtmm list policies`, of which edf and fixed-priority are analysed.
    #[arg(long, value_name = "NAME")]
    pub policy: String,
    /// Set a parameter of a scenario's policy; can be given several times.
    #[arg(long = "set", value_name = "KEY=VALUE", conflicts_with = "jobs")]
    pub set: Vec<String>,
    /// Seed of the simulation of a scenario that stands beside the bounds.
    #[arg(long, default_value_t = 1, conflicts_with = "jobs", allow_negative_numbers = true)]
    pub seed: u64,
    /// The most states that an exploration of a job set visits; beyond that its results are unknown
    /// [default: 10000000].
    #[arg(long, value_name = "N", conflicts_with = "scenario", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_states: Option<u64>,
    /// Form of the printed bounds.
    #[arg(long, value_enum, default_value = "table")]
    pub format: Format,
}
