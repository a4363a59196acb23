//! Arguments of `rtmm bound`.

use clap::{Args, ValueEnum};
use rtmm_runners::bound::Weights;
use rtmm_workload::load::Kind;

use super::Format;
use crate::names::Names;

/// Bounds of a window, from both sides.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rtmm bound --scenario xrbench/vr_gaming --platform xrbench/dual_4k_ws_os --load 8 --window 33ms
  rtmm bound --scenario dream/ar_social --platform dream/dual_4k_ws_os --load 2 --window 33ms --format json
  rtmm bound --scenario my.toml --platform my_soc.toml --window 40ms --policies edf,edf:drop=infeasible,least-slack
  rtmm bound --scenario my.toml --platform my_soc.toml --window 40ms --weights period --time-limit 60s")]
pub(crate) struct Bound {
    /// Scenario: a built-in name, or a path that ends in .toml.
    #[arg(long, value_name = "NAME|FILE", value_parser = Names::of(Kind::Scenario), hide_possible_values = true)]
    pub scenario: String,
    /// Platform: a built-in name, or a path that ends in .toml.
    #[arg(long, value_name = "NAME|FILE", value_parser = Names::of(Kind::Platform), hide_possible_values = true)]
    pub platform: String,
    /// Jobs are those of the frames that arrive before, such as 40ms [default: the scenario's duration].
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true)]
    pub window: Option<String>,
    /// Factor on all rates of the scenario, such as 1.5.
    #[arg(long, value_name = "FACTOR", default_value = "1", allow_hyphen_values = true)]
    pub load: String,
    /// Seed of the frames, and of what they do.
    #[arg(long, default_value_t = 1, allow_negative_numbers = true)]
    pub seed: u64,
    /// Weight of a late job.
    #[arg(long, value_enum, default_value = "equal")]
    pub weights: WeightsName,
    /// Let jobs run as any variant of their task, and not only as its own model.
    #[arg(long)]
    pub variants: bool,
    /// Simulate the same window to its end under these policies, with parameters of their own behind colons, and
    /// print how far each is from the bounds: NAME:KEY=VALUE:...
    #[arg(long, value_name = "NAME,...", value_delimiter = ',', value_parser = Names::policies(), hide_possible_values = true)]
    pub policies: Vec<String>,
    /// Set a parameter of all policies. Can be given several times.
    #[arg(long = "set", value_name = "KEY=VALUE", requires = "policies")]
    pub set: Vec<String>,
    /// Blocks of layers that a job of the schedule has at the most, where accelerators allow so few.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub blocks: u16,
    /// Multiply the work that goes into bounds which do not meet.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub effort: u32,
    /// Stop after so long, with what is proved by then; only then do results depend on the machine.
    #[arg(long, value_name = "DURATION", default_value = "60s", allow_hyphen_values = true)]
    pub time_limit: String,
    /// Form of the printed bounds.
    #[arg(long, value_enum, default_value = "table")]
    pub format: Format,
}

/// Weights by their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum WeightsName {
    /// Each as much.
    Equal,
    /// Its priority, and nothing below zero.
    Priority,
    /// The period of its task in those of the shortest.
    Period,
}

impl From<WeightsName> for Weights {
    fn from(name: WeightsName) -> Self {
        match name {
            WeightsName::Equal => Self::Equal,
            WeightsName::Priority => Self::Priority,
            WeightsName::Period => Self::Period,
        }
    }
}
