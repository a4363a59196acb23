//! Arguments of `rtmm robust`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use rtmm_robust::Spread;
use rtmm_workload::load::Kind;

use super::Format;
use crate::names::Names;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rtmm robust --scenario xrbench/vr_gaming --platform xrbench/dual_4k_ws_os --policies edf,fcfs
  rtmm robust --scenario dream/ar_call --platform technology/dual_4k_ws_os --policies edf,dream-full --axis costs,technology
  rtmm robust --scenario my.toml --platform my_soc.toml --policies edf,edf:drop=infeasible --seeds 10 --report out
  rtmm robust --scenario my.toml --platform my_soc.toml --policies edf,sjf --sizes 5,20 --draws 100 --rounds 6")]
pub(crate) struct Robust {
    /// Scenario: a built-in name, or a path that ends in .toml.
    #[arg(long, value_name = "NAME|FILE", value_parser = Names::of(Kind::Scenario), hide_possible_values = true)]
    pub scenario: String,
    /// Platform: a built-in name, or a path that ends in .toml.
    #[arg(long, value_name = "NAME|FILE", value_parser = Names::of(Kind::Platform), hide_possible_values = true)]
    pub platform: String,
    /// Two policies or more, with parameters of their own behind colons: NAME:KEY=VALUE:...
    #[arg(long, value_name = "NAME,...", value_delimiter = ',', required = true, value_parser = Names::policies(), hide_possible_values = true)]
    pub policies: Vec<String>,
    /// Kinds of errors: costs, technology, estimates, rates.
    #[arg(long, value_name = "AXIS,...", value_delimiter = ',', default_value = "costs")]
    pub axis: Vec<String>,
    /// Metrics, by their columns [default: deadline_violation_rate, energy_pj or platform_energy_pj, ux_cost].
    #[arg(long, value_name = "COLUMN,...", value_delimiter = ',')]
    pub metrics: Vec<String>,
    /// Set a setting of the runs, or a parameter of all policies. Can be given several times.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Seeds of the runs, counted from --seed; values are means over them.
    #[arg(long, value_name = "N", default_value_t = 1, allow_negative_numbers = true)]
    pub seeds: u64,
    /// The first seed of the runs.
    #[arg(long, default_value_t = 1, allow_negative_numbers = true)]
    pub seed: u64,
    /// Simulate this long instead of what the scenario says, such as 700ms.
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true)]
    pub duration: Option<String>,
    /// Worlds with errors at each size.
    #[arg(long, value_name = "N", default_value_t = 16, allow_negative_numbers = true)]
    pub draws: u32,
    /// Sizes of errors that are simulated in any case, in percent [default: 10,20,50; of technology 25,50,100].
    #[arg(long, value_name = "PERCENT,...", value_delimiter = ',', allow_hyphen_values = true)]
    pub sizes: Vec<String>,
    /// Sizes that bisection adds.
    #[arg(long, value_name = "N", default_value_t = 3, allow_negative_numbers = true)]
    pub rounds: u32,
    /// Probabilities in percent below which a conclusion turns; flip margins are of the first.
    #[arg(long, value_name = "PERCENT,...", value_delimiter = ',', default_value = "95,50", allow_negative_numbers = true,
          value_parser = clap::value_parser!(u8).range(1..=100))]
    pub levels: Vec<u8>,
    /// Parts of the errors of layers, of the axes costs and estimates [default: mixed].
    #[arg(long, value_enum)]
    pub spread: Option<SpreadName>,
    /// Correlation of errors between accelerators, prices and tasks, 0 to 1.
    #[arg(long, value_name = "R", default_value_t = 0.5, allow_negative_numbers = true)]
    pub correlation: f64,
    /// Seed of the errors.
    #[arg(long, value_name = "SEED", default_value_t = 1, allow_negative_numbers = true)]
    pub error_seed: u64,
    /// Error of the cost models in percent, in the place of what they state; the axes costs and estimates are compared with it.
    #[arg(long, value_name = "PERCENT", allow_hyphen_values = true)]
    pub cost_error: Option<String>,
    /// Write a page with tables and figures into this folder.
    #[arg(long, value_name = "DIR")]
    pub report: Option<PathBuf>,
    /// Form of the printed result.
    #[arg(long, value_enum, default_value = "table")]
    pub format: Format,
    /// Threads that run worlds [default: one a core].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// No progress bar.
    #[arg(long, short)]
    pub quiet: bool,
}

/// Parts of an error of layer costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SpreadName {
    /// A third of the variance each: of the layer, of its operator, of the accelerator.
    Mixed,
    /// Each layer by itself.
    Layer,
    /// All layers of an operator alike.
    Operator,
    /// All layers on an accelerator alike.
    Accelerator,
}

impl From<SpreadName> for Spread {
    fn from(name: SpreadName) -> Self {
        match name {
            SpreadName::Mixed => Self::Mixed,
            SpreadName::Layer => Self::Layer,
            SpreadName::Operator => Self::Operator,
            SpreadName::Accelerator => Self::Accelerator,
        }
    }
}
