//! Arguments of `rtmm interference`.

use clap::{Args, Subcommand, ValueEnum};

use super::Format;
use crate::names::Names;

/// Interference of inferences that share a GPU.
#[derive(Debug, Args)]
pub(crate) struct Interference {
    #[command(subcommand)]
    pub verb: InterferenceVerb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum InterferenceVerb {
    /// Predict the latency of every row of a table of pairs or of segment groups.
    #[command(after_help = "\
Examples:
  rtmm interference predict --fit abacus/a100-pairs --on groups.csv
  rtmm interference predict --fit solo.csv pairs.csv --on new_pairs.csv --predictor gpulet
  rtmm interference predict --fit abacus/a100-pairs --on mig.csv --observe seen.csv --on-device new")]
    Predict(Predict),
    /// Predict the rows of a labelled table, and say how far off the predictions are.
    #[command(after_help = "\
Examples:
  rtmm interference score --fit abacus/a100-pairs --on abacus/a100-triplets
  rtmm interference score --fit igniter/v100-solo igniter/v100-pairs --on mine.csv --predictor constant
  rtmm interference score --fit pairs.csv --on later.csv --observe first_30.csv --format json")]
    Score(Predict),
    /// Say how long the kernels of models take, what bounds them, and how much of the GPU they leave to others.
    #[command(after_help = "\
Examples:
  rtmm interference kernels orion/v100-kernels
  rtmm interference kernels --sms 108 resnet50_cuda_gpu_kern_sum.csv")]
    Kernels(Kernels),
    /// List the predictors with their parameters, and the built-in measurements.
    List(ListInterference),
}

#[derive(Debug, Args)]
pub(crate) struct Predict {
    #[command(flatten)]
    pub fitting: Fitting,
    /// Rows: a table of pairs or of segment groups (CSV), or built-in measurements. Labels change
    /// no prediction.
    #[arg(long, value_name = "ROWS.csv")]
    pub on: String,
    /// Form of the printed rows [default: csv of predictions, table of scores].
    #[arg(long, value_enum)]
    pub format: Option<Format>,
}

/// A predictor, and the measurements that it is fitted to and observes.
#[derive(Debug, Args)]
pub(crate) struct Fitting {
    /// Measurements of one GPU to fit to: solo latencies, pairs, segment groups and others (CSV), or built-in ones, in any mix.
    #[arg(long, required = true, num_args = 1.., value_name = "NAME|FILE")]
    pub fit: Vec<String>,
    /// Labelled rows that the predictor observes, in order, after the fit and before it predicts.
    #[arg(long, value_name = "LABELLED.csv")]
    pub observe: Option<String>,
    /// Device of the rows of --on and --observe: that of --fit, or another, on which what was measured is a first guess. Pairs of
    /// another one state their solo latencies.
    #[arg(long, value_enum, default_value = "same")]
    pub on_device: OnDevice,
    /// Predictor, see `rtmm interference list`.
    #[arg(long, value_name = "NAME", default_value = "best", value_parser = Names::Predictors, hide_possible_values = true)]
    pub predictor: String,
    /// Set a parameter of the predictor; can be given several times.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

/// Device of the rows to predict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnDevice {
    /// That of the measurements.
    Same,
    /// Another one.
    New,
}

#[derive(Debug, Args)]
pub(crate) struct Kernels {
    /// Tables of kernels (CSV), as `nsys stats --report cuda_gpu_kern_sum` writes them or one by one, or built-in ones.
    #[arg(required = true, value_name = "NAME|FILE")]
    pub tables: Vec<String>,
    /// Multiprocessors of the GPU.
    #[arg(long, default_value_t = 80, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub sms: u32,
    /// Form of what is printed.
    #[arg(long, value_enum, default_value = "table")]
    pub format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct ListInterference {
    /// Form of the printed list.
    #[arg(long, value_enum, default_value = "table")]
    pub format: Format,
}
