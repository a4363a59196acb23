//! The arguments of every command.

mod analyse;
mod arrivals;
mod bound;
mod interference;
mod measured;
mod reproduce;
mod robust;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use rtmm_import::onnx::Branch;
use rtmm_workload::ParameterSetting;
use rtmm_workload::load::Kind;

use crate::names::Names;

pub(crate) use analyse::Analyse;
use arrivals::KindName;
pub(crate) use arrivals::{Arrivals, ImportKind};
pub(crate) use bound::Bound;
pub(crate) use interference::{Fitting, Interference, InterferenceVerb, Kernels, OnDevice, Predict};
pub(crate) use measured::Measured;
pub(crate) use reproduce::{LedgerFormat, Reproduce};
pub(crate) use robust::Robust;

/// Simulate schedulers for real-time multi-model ML workloads on many accelerators.
#[derive(Debug, Parser)]
#[command(
    name = "rtmm",
    version,
    about,
    max_term_width = 100,
    after_help = "\
Examples:
  rtmm run --scenario xrbench/vr_gaming --platform xrbench/quad_4k_ws_os_ws_os --policy edf
  rtmm sweep xrbench
  rtmm explain --model xrbench/es_ritnet --layer conv1 --platform xrbench/single_4k_ws
  rtmm list platforms

Exit codes: 0 done, 1 a run failed, 2 bad usage or bad input."
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub verb: Verb,
    /// Log more: -v info, -vv debug, -vvv trace (RUST_LOG overrides).
    #[arg(short, long, global = true, action = clap::ArgAction::Count, display_order = 100)]
    pub verbose: u8,
    /// When to use colours (NO_COLOR is respected).
    #[arg(long, global = true, value_enum, default_value = "auto", value_name = "WHEN", display_order = 101)]
    pub color: Color,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Simulate one scenario on one platform.
    Run(Run),
    /// Run a grid of simulations in parallel; interrupted sweeps resume.
    Sweep(Sweep),
    /// Combine the shards of a sweep and write its results.
    Merge(Merge),
    /// Find how wrong costs, prices, estimates or rates may be before a ranking turns.
    Robust(Robust),
    /// Measure what publications say, under named readings, and judge it.
    Reproduce(Reproduce),
    /// List what is built in.
    List(List),
    /// The cost of every layer of a table on an accelerator.
    Cost(Cost),
    /// Where the cycles and the energy of a layer come from, term by term.
    Explain(Explain),
    /// Check input files and report every problem.
    Check(Check),
    /// Write what arrives as a request file: under a seed, or as a published tool drew it.
    Requests(Requests),
    /// Synthesise sample traces, or summarise them.
    Traces(Traces),
    /// Read a model that another program wrote, count it, and write it as a model file.
    ///
    /// With --kind, read what a profiler measured instead.
    Import(Import),
    /// Fit coefficients of an accelerator to measured layers, and say how far they are off.
    Calibrate(Calibrate),
    /// Predict latencies of inferences that share a GPU from measured co-locations, and score predictions.
    Interference(Interference),
    /// Bound when jobs are complete, over all schedules, without simulation.
    Analyse(Analyse),
    /// Bound how few jobs of a window can be late, and their energy, whatever the policy.
    Bound(Bound),
    /// Print shell completions.
    Completions(Completions),
}

#[derive(Debug, Args)]
#[command(
    group(clap::ArgGroup::new("load").args(["scenario", "requests", "case", "sweep"]).required(true).multiple(true)),
    after_help = "\
Examples:
  rtmm run --scenario xrbench/vr_gaming --platform xrbench/quad_4k_ws_os_ws_os
  rtmm run --scenario examples/hub --platform shared/octa_8k --policy sjf --set drop=infeasible
  rtmm run --scenario my.toml --platform my_soc.toml --set warm_up=100ms --set end_of_run=drain
  rtmm run --requests log.csv --platform my_soc.toml --policy least-slack --jobs jobs.csv
  rtmm run --scenario examples/hub --platform shared/octa_8k --timeline run.pftrace
  rtmm run --scenario my.toml --platform my_soc.toml --policy edf --report out
  rtmm run --sweep policies --cell 42 --timeline run.svg
  rtmm run --scenario xrbench/ar_assistant --platform my_soc.toml --compat xrbench --format json
  rtmm run --requests log.csv --traces traces/ --policy dysta --compat dysta --jobs jobs.csv
  rtmm run --compat planaria --case case.json --format json
  rtmm run --compat moca --case case.json --format json"
)]
pub(crate) struct Run {
    /// Scenario: a built-in name, or a path that ends in .toml.
    #[arg(long, value_name = "NAME|FILE", value_parser = Names::of(Kind::Scenario), hide_possible_values = true)]
    pub scenario: Option<String>,
    /// Replay recorded requests: a CSV file of arrival_s, model and, if known, sample, priority,
    /// relative_deadline_s. With --scenario, they name its tasks or their models.
    #[arg(long, value_name = "FILE")]
    pub requests: Option<PathBuf>,
    /// Case of a published tool that has files of its own (.json), for --compat planaria or moca.
    // What `compat` conflicts with is named here, too: clap waives a requirement that would conflict.
    #[arg(long, value_name = "FILE", requires = "compat", conflicts_with_all = ["scenario", "requests", "series", "timeline", "report"])]
    pub case: Option<PathBuf>,
    /// Run one cell of a sweep again: a built-in name, or a path that ends in .toml.
    #[arg(long, value_name = "SWEEP", requires = "cell", conflicts_with_all = ["scenario", "requests", "case", "platform", "traces", "policy", "set", "seed", "duration", "compat", "window"], value_parser = Names::of(Kind::Sweep), hide_possible_values = true)]
    pub sweep: Option<String>,
    /// Number of the cell, as its tables of results have it in the column `cell`.
    #[arg(long, value_name = "N", requires = "sweep", conflicts_with_all = ["scenario", "requests", "case"], allow_negative_numbers = true, value_parser = cell_number)]
    pub cell: Option<usize>,
    /// Platform: a built-in name, or a path that ends in .toml. Sample traces need none.
    #[arg(long, value_name = "NAME|FILE", required_unless_present_any = ["traces", "compat", "sweep"], value_parser = Names::of(Kind::Platform), hide_possible_values = true)]
    pub platform: Option<String>,
    /// Sample traces of the models that requests name: CSV files in the order given, or a folder, whose
    /// .csv files are taken in the order of their names.
    #[arg(long, value_name = "FILE,...|DIR", value_delimiter = ',')]
    pub traces: Vec<PathBuf>,
    /// Policy, see `rtmm list policies` [default: edf; of --compat
    /// dysta: dysta].
    #[arg(long, value_name = "NAME", value_parser = Names::policies(), hide_possible_values = true)]
    pub policy: Option<String>,
    /// Set a parameter of the policy or a setting of the run; `rtmm list policies` names them all.
    /// Can be given several times.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Seed of every random draw [default: 1].
    #[arg(long, allow_negative_numbers = true)]
    pub seed: Option<u64>,
    /// Simulate this long instead of what the scenario says, such as 700ms.
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true)]
    pub duration: Option<String>,
    /// Reproduce a published tool with all its quirks, instead of the event engine.
    #[arg(long, value_enum)]
    pub compat: Option<Compat>,
    /// Form of the printed result.
    #[arg(long, value_enum, default_value = "table")]
    pub format: Format,
    /// Write a row for each job to this CSV file.
    #[arg(long, value_name = "FILE")]
    pub jobs: Option<PathBuf>,
    /// Write what happens over time, window by window, to this CSV file.
    #[arg(long, value_name = "FILE", requires = "window", conflicts_with_all = ["compat", "traces"])]
    pub series: Option<PathBuf>,
    /// Length of the windows, such as 250ms.
    #[arg(long, value_name = "DURATION", requires = "series", conflicts_with_all = ["compat", "traces"], allow_hyphen_values = true)]
    pub window: Option<String>,
    /// Write a timeline to this file, in the form that its extension names: .pftrace for a Perfetto trace, .json
    /// for a Chrome trace, .svg for a Gantt chart.
    #[arg(long, value_name = "FILE", conflicts_with = "compat")]
    pub timeline: Option<PathBuf>,
    /// Show the jobs of another run of the same tasks in the timeline, a measured one or one under another policy, beside
    /// those of this one: a CSV file as --jobs writes it. The timeline is a Perfetto trace.
    #[arg(long, value_name = "JOBS", requires = "timeline", conflicts_with = "compat")]
    pub beside: Option<PathBuf>,
    /// Write a report of the run into this folder: a page (index.html) with its timeline, and tables of results.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["compat", "traces"])]
    pub report: Option<PathBuf>,
}

impl Run {
    pub(crate) fn seed(&self) -> u64 {
        self.seed.unwrap_or(1)
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rtmm sweep xrbench
  rtmm sweep my_sweep.toml --output results/mine --threads 8
  rtmm sweep xrbench --shard 1/4 --output shards && rtmm merge xrbench --output shards")]
pub(crate) struct Sweep {
    /// Sweep: a built-in name, or a path that ends in .toml.
    #[arg(value_name = "NAME|FILE", default_value = "xrbench", value_parser = Names::of(Kind::Sweep), hide_possible_values = true)]
    pub sweep: String,
    /// Where the store and the results go [default: results/NAME].
    #[arg(long, short, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// Threads that run cells [default: one a core].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// Run one part of several, such as 1/4; `rtmm merge` combines them.
    #[arg(long, value_name = "I/N", allow_hyphen_values = true)]
    pub shard: Option<String>,
    /// Form of the printed tables; shards print none.
    #[arg(long, value_enum, default_value = "table", conflicts_with = "shard")]
    pub format: Format,
    /// No progress bar.
    #[arg(long, short)]
    pub quiet: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rtmm merge xrbench --output shards
  rtmm merge xrbench --output all a/store-1-of-2.sqlite b/store-2-of-2.sqlite")]
pub(crate) struct Merge {
    /// The sweep whose shards these are.
    #[arg(value_name = "NAME|FILE", value_parser = Names::of(Kind::Sweep), hide_possible_values = true)]
    pub sweep: String,
    /// Where the results go, and where the shards' stores are if none are named.
    #[arg(long, short, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// The shards' stores.
    #[arg(value_name = "STORE")]
    pub stores: Vec<PathBuf>,
    /// Form of the printed tables.
    #[arg(long, value_enum, default_value = "table")]
    pub format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Things to list.
    #[arg(value_enum)]
    pub what: Listing,
    /// Form of the printed list.
    #[arg(long, value_enum, default_value = "table")]
    pub format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Listing {
    Scenarios,
    Models,
    Platforms,
    Policies,
    CostModels,
    Dataflows,
    Technologies,
    Sweeps,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rtmm cost --layers layers.csv --accelerator '{ model = \"maestro\", dataflow = \"WS\", pes = 4096, noc_bandwidth = 256 }'
  rtmm cost --layers layers.csv --accelerator '{ model = \"systolic\", dataflow = \"os\", rows = 32, cols = 32 }'
  rtmm cost --model xrbench/es_ritnet --platform dysta/sanger_and_eyeriss_v2 --format table
  rtmm cost --compat moca --layers calls.csv")]
pub(crate) struct Cost {
    #[command(flatten)]
    pub layers: Layers,
    #[command(flatten)]
    pub hardware: Hardware,
    /// Reproduce a published tool with all its quirks.
    #[arg(long, value_enum)]
    pub compat: Option<CostCompat>,
    /// Costs of so many inferences at once, which share the weights, all together.
    #[arg(long, value_name = "N", default_value = "1", hide_default_value = true,
          value_parser = clap::value_parser!(u32).range(1..=i64::from(rtmm_hardware::MAX_BATCH)))]
    pub batch: u32,
    /// Form of the printed costs: a table has the columns that all cost models have, csv and json also the details of each.
    #[arg(long, value_enum, default_value = "csv")]
    pub format: Format,
    /// Threads that compute costs [default: one a core].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rtmm explain --model xrbench/es_ritnet --layer conv1 --platform xrbench/single_4k_ws
  rtmm explain --model xrbench/es_ritnet --layer conv1 --compat xrbench \\
      --accelerator '{ model = \"maestro\", dataflow = \"OS\", pes = 1024, noc_bandwidth = 128 }'")]
pub(crate) struct Explain {
    #[command(flatten)]
    pub layers: Layers,
    /// The layer: its name, or its position from 0.
    #[arg(long, value_name = "NAME|INDEX")]
    pub layer: String,
    #[command(flatten)]
    pub hardware: Hardware,
    /// Reproduce a published tool with all its quirks.
    #[arg(long, value_enum)]
    pub compat: Option<LayerCompat>,
    /// Form of the printed explanation.
    #[arg(long, value_enum, default_value = "table")]
    pub format: Format,
}

#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct Layers {
    /// Layer table in CSV (XRBench or SCALE-Sim columns).
    #[arg(long, value_name = "FILE", conflicts_with = "model")]
    pub layers: Option<PathBuf>,
    /// Model: a built-in name, or a path that ends in .toml.
    #[arg(long, value_name = "NAME|FILE", value_parser = Names::of(Kind::Model), hide_possible_values = true)]
    pub model: Option<String>,
    /// Value of one of the model's parameters; may be given several times.
    #[arg(long, value_name = "NAME=VALUE", conflicts_with = "layers", value_parser = parameter_setting)]
    pub model_parameter: Vec<ParameterSetting>,
}

/// A clock in megahertz, as the command line and platform files take it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Clock {
    pub hz: u64,
}

impl Clock {
    fn parse(text: &str) -> Result<Self, String> {
        let hz = rtmm_workload::input::parse_millionths(text);
        let hz = hz.filter(|hz| (1_000..=1_000_000_000_000).contains(hz));
        hz.map(|hz| Self { hz })
            .ok_or_else(|| "write megahertz, 0.001 to 1000000 with six decimals at most".to_owned())
    }
}

impl std::fmt::Display for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&rtmm_workload::input::show_millionths(self.hz))
    }
}

fn cell_number(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| "cells are numbered from 0, as the column `cell` of results has them".to_owned())
}

fn parameter_setting(text: &str) -> Result<ParameterSetting, String> {
    let setting = text.split_once('=').and_then(|(name, value)| Some((name, value.parse().ok()?)));
    let (name, value) = setting.ok_or("write a name, `=` and a whole number, such as sequence_length=40")?;
    Ok(ParameterSetting::new(name, value))
}

#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct Hardware {
    /// Accelerator as an inline TOML table.
    #[arg(long, value_name = "TABLE", conflicts_with = "platform")]
    pub accelerator: Option<String>,
    /// Platform whose accelerators are costed: a built-in name, or a path that ends in .toml.
    #[arg(long, value_name = "NAME|FILE", value_parser = Names::of(Kind::Platform), hide_possible_values = true)]
    pub platform: Option<String>,
    /// Clock of --accelerator, in megahertz [default: 1000].
    #[arg(
        long,
        value_name = "MHZ",
        conflicts_with = "platform",
        value_parser = Clock::parse
    )]
    pub clock_mhz: Option<Clock>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  rtmm check my_scenario.toml my_platform.toml my_layers.csv")]
pub(crate) struct Check {
    /// Models, scenarios, platforms, dataflows, technologies, sweeps (.toml, or built-in names), layer
    /// tables, costs, requests and sample traces (.csv), cases of published tools (.json).
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Scenario whose tasks request files name: a built-in name, or a path that ends in .toml.
    #[arg(long, value_name = "NAME|FILE", value_parser = Names::of(Kind::Scenario), hide_possible_values = true)]
    pub scenario: Option<String>,
    /// Take layer shapes as published tables state them, even where they make no sense.
    #[arg(long, value_enum)]
    pub compat: Option<LayerCompat>,
}

#[derive(Debug, Args)]
#[command(
    group(clap::ArgGroup::new("origin").args(["scenario", "compat"]).required(true)),
    after_help = "\
Examples:
  rtmm requests --compat moca --workload c --qos high --output queries.csv
  rtmm requests --scenario moca/set_c --seed 7 --output queries.csv
  rtmm run --scenario moca/set_c --requests queries.csv --platform my_soc.toml"
)]
pub(crate) struct Requests {
    /// Scenario whose requests are drawn: a built-in name, or a path that ends in .toml.
    #[arg(long, value_name = "NAME|FILE", value_parser = Names::of(Kind::Scenario), hide_possible_values = true)]
    pub scenario: Option<String>,
    /// Seed of every random draw of the scenario.
    #[arg(long, default_value_t = 1, conflicts_with = "compat", allow_negative_numbers = true)]
    pub seed: u64,
    /// Published tool whose own draws are wanted.
    #[arg(long, value_enum, requires = "workload", requires = "qos")]
    pub compat: Option<RequestCompat>,
    /// Workload set of the published evaluation.
    #[arg(long, value_enum, value_name = "SET", requires = "compat")]
    pub workload: Option<SetOfNets>,
    /// Level of service: how tight deadlines are.
    #[arg(long, value_enum, value_name = "LEVEL", requires = "compat")]
    pub qos: Option<QosLevel>,
    /// CSV file that the requests go to [default: standard output].
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// A published tool that draws requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RequestCompat {
    /// The load generator of the MoCA artifact (HPCA 2023): one sequence for each workload set.
    Moca,
}

/// A workload set of the MoCA evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SetOfNets {
    /// Light networks.
    A,
    /// Heavy networks.
    B,
    /// All networks.
    C,
}

/// A level of service of the MoCA evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum QosLevel {
    /// 1.2 times the target of each network.
    Low,
    /// The target of each network.
    Medium,
    /// 0.8 times the target of each network.
    High,
}

#[derive(Debug, Args)]
pub(crate) struct Traces {
    #[command(subcommand)]
    pub verb: TracesVerb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TracesVerb {
    /// Draw traces from a statistical model, and write them as CSV files.
    Synthesize(Synthesize),
    /// Summarise traces: a line each.
    Describe(Describe),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rtmm traces synthesize --model dysta/bert_squad_384 dysta/gpt2_glue_128 --output traces
  rtmm traces synthesize --model my_cnn.toml --samples 400 --seed 7 --output traces \\
      --accelerator '{ model = \"systolic\", dataflow = \"os\", rows = 32, cols = 32 }' --clock-mhz 500")]
pub(crate) struct Synthesize {
    /// Models: built-in names, or paths that end in .toml. Without parameters of their own they get
    /// the defaults.
    #[arg(long, required = true, num_args = 1.., value_name = "NAME|FILE", value_parser = Names::of(Kind::Model), hide_possible_values = true)]
    pub model: Vec<String>,
    /// Folder that the traces go to.
    #[arg(long, short, value_name = "DIR")]
    pub output: PathBuf,
    /// Samples of each trace [default: as the model says, else 100].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub samples: Option<u32>,
    /// Seed of every random draw [default: as the model says, else 1].
    #[arg(long, value_name = "SEED", allow_negative_numbers = true)]
    pub seed: Option<u64>,
    /// Accelerator whose cost model gives the latencies of CNNs, as an inline TOML table
    /// [default: { model = "eyeriss_v2" }].
    #[arg(long, value_name = "TABLE")]
    pub accelerator: Option<String>,
    /// Clock of the accelerator, in megahertz.
    #[arg(
        long,
        value_name = "MHZ",
        default_value = "200",
        value_parser = Clock::parse
    )]
    pub clock_mhz: Clock,
    /// No progress bar.
    #[arg(long, short)]
    pub quiet: bool,
}

impl Synthesize {
    pub(crate) const DEFAULT_ACCELERATOR: &str = "{ model = \"eyeriss_v2\" }";
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  rtmm traces describe traces/")]
pub(crate) struct Describe {
    /// Sample traces (.csv), or folders of them.
    #[arg(required = true, value_name = "FILE|DIR")]
    pub files: Vec<PathBuf>,
    /// Form of the printed table.
    #[arg(long, value_enum, default_value = "table")]
    pub format: Format,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rtmm import detector.onnx --dim batch=1 --dim height=320 --dim width=320 --output mine
  rtmm import vad.onnx --dim 'input[0]=1' --dim 'input[1]=576' --input sr=16000 --format json
  rtmm import decoder.onnx --branch cache=then --trips 32
  rtmm import yolo.onnx profile.json --device my_board --warmup 5 -o mine
  rtmm import profile.json --kind ort --warmup 5 --format json
  rtmm import layers.csv --kind csv --columns 'name=Name,p50_us=Med (ns)'
  rtmm import trace.csv --kind azure-llm --map 'ContextTokens<1024=short.toml' --map '*=long.toml' -o requests.csv")]
pub(crate) struct Import {
    /// ONNX file, whose weights are not read, and which needs no files of external data; a network of MAESTRO (.m);
    /// or, with --kind, measurements or an arrival trace.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Measurements of the model on a device, joined to its layers: --output writes a cost table, a platform and a
    /// scenario beside the model file.
    #[arg(value_name = "PROFILE")]
    pub profile: Option<PathBuf>,
    /// Format of measurements: ort, trtexec, rknn, tflite, vela or csv; or of an arrival trace: azure-llm,
    /// azure-functions, burstgpt, mooncake, constant-stream or csv. Without a model before them, the times of
    /// measurements are printed [default of measurements: ort].
    #[arg(long, value_name = "FORMAT", value_parser = KindName::parse)]
    pub kind: Option<KindName>,
    /// Columns of a table of --kind csv by their headings. Of measurements: name, p50_us, mean_us, unit and more. Of
    /// arrivals: arrival, or end and duration; model; unit (s, ms, us, ns, ps or date). May be given several times.
    #[arg(long, value_name = "KEY=HEADING,...")]
    pub columns: Vec<String>,
    /// Extent that the file leaves open, by its name there, or INPUT[AXIS] where it has none; may be given
    /// several times.
    #[arg(long = "dim", value_name = "NAME=N", value_parser = extent)]
    pub dims: Vec<(String, u64)>,
    /// Value of an input on which shapes or branches depend: a number, or several with commas between; may be
    /// given several times.
    #[arg(long = "input", value_name = "NAME=VALUE", value_parser = input_values)]
    pub inputs: Vec<(String, Vec<f64>)>,
    /// Branch of the `If` that has this output; may be given several times.
    #[arg(long = "branch", value_name = "OUTPUT=then|else", value_parser = branch)]
    pub branches: Vec<(String, Branch)>,
    /// Iterations of the `Loop` that has this output, or of all others that depend on data; may be given several
    /// times.
    #[arg(long = "trips", value_name = "[OUTPUT=]N", value_parser = trips)]
    pub trips: Vec<(Option<String>, u64)>,
    /// Leave nodes out whose operators are not known, with all that depends on them, and say what share that is.
    #[arg(long)]
    pub skip_unsupported: bool,
    /// Folder that the model file goes to, under the name of the ONNX file; of an arrival trace, the request file
    /// [default: none is written].
    #[arg(long, short, value_name = "DIR|FILE")]
    pub output: Option<PathBuf>,
    /// Form of the printed counts.
    #[arg(long, value_enum, default_value = "table")]
    pub format: PlainFormat,
    // Headings of these hold for all that stands behind them.
    #[command(flatten)]
    pub measured: Measured,
    #[command(flatten)]
    pub arrivals: Arrivals,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PlainFormat {
    /// For people.
    Table,
    /// For programs.
    Json,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rtmm calibrate --table npu_profile.csv
  rtmm calibrate --table npu_profile.csv --structure --format json
  rtmm calibrate --table measured.csv --against my_soc.toml --on npu --model mine/detector.toml")]
pub(crate) struct Calibrate {
    /// Measured layers (.csv): ddr_cycles, npu_cycles, time_us, rw_kb and, if known, op; with --against a
    /// cost table of model, layer, latency_us.
    #[arg(long, value_name = "LAYERS.csv")]
    pub table: PathBuf,
    /// Platform whose cost model states compute and traffic: a built-in name, or a path that ends in .toml.
    #[arg(long, value_name = "PLATFORM", value_parser = Names::of(Kind::Platform), hide_possible_values = true)]
    pub against: Option<String>,
    /// Accelerator of the platform that was measured, where they differ.
    #[arg(long, value_name = "NAME", requires = "against")]
    pub on: Option<String>,
    /// Model that the table names, where it is no built-in one; may be given several times.
    #[arg(long, value_name = "NAME|FILE", requires = "against", value_parser = Names::of(Kind::Model), hide_possible_values = true)]
    pub model: Vec<String>,
    /// Let coefficients depend on the operator, where that has the least error at layers left out.
    #[arg(long)]
    pub structure: bool,
    /// Form of the printed coefficients.
    #[arg(long, value_enum, default_value = "table")]
    pub format: PlainFormat,
}

/// A name and what stands behind its last `=`: names of tensors may have one themselves.
fn named<'t>(text: &'t str, example: &str) -> Result<(String, &'t str), String> {
    let (name, value) = text.rsplit_once('=').ok_or_else(|| format!("write it as {example}"))?;
    Ok((name.to_owned(), value))
}

impl Import {
    /// The first option that is stated and speaks of a model alone.
    pub(crate) fn of_a_model(&self) -> Option<&'static str> {
        let stated = [
            ("--dim", !self.dims.is_empty()),
            ("--input", !self.inputs.is_empty()),
            ("--branch", !self.branches.is_empty()),
            ("--trips", !self.trips.is_empty()),
            ("--skip-unsupported", self.skip_unsupported),
        ];
        stated.iter().find(|(_, is_stated)| *is_stated).map(|(option, _)| *option)
    }

    /// The kind of the file, where its name alone does not tell: tables of arrivals have a column of these.
    pub(crate) fn kind(&self) -> Option<ImportKind> {
        let has_arrivals = || {
            let mut pieces = self.columns.iter().flat_map(|text| text.split(','));
            let is_arrival = |piece: &str| {
                piece.split_once('=').is_some_and(|(key, _)| matches!(key.trim(), "arrival" | "end"))
            };
            pieces.any(is_arrival) || self.arrivals.stated().is_some()
        };
        self.kind.and_then(|kind| kind.resolved(self.profile.is_none() && has_arrivals()))
    }
}

fn extent(text: &str) -> Result<(String, u64), String> {
    let (name, value) = named(text, "batch=1")?;
    let extent = value.parse().map_err(|_| "an extent is a whole number, 0 for what is empty".to_owned())?;
    Ok((name, extent))
}

fn input_values(text: &str) -> Result<(String, Vec<f64>), String> {
    let (name, values) = named(text, "rate=16000")?;
    let value = |text: &str| match text.trim() {
        "true" => Some(1.0),
        "false" => Some(0.0),
        number => number.parse().ok().filter(|value: &f64| value.is_finite()),
    };
    let values: Option<Vec<f64>> = values.split(',').map(value).collect();
    values.map(|values| (name, values)).ok_or_else(|| "values are numbers, `true` or `false`".to_owned())
}

fn branch(text: &str) -> Result<(String, Branch), String> {
    let (name, value) = named(text, "output=then")?;
    match value {
        "then" => Ok((name, Branch::Then)),
        "else" => Ok((name, Branch::Else)),
        _ => Err("a branch is `then` or `else`".to_owned()),
    }
}

fn trips(text: &str) -> Result<(Option<String>, u64), String> {
    let (name, value) = match text.rsplit_once('=') {
        Some((name, value)) => (Some(name.to_owned()), value),
        None => (None, text),
    };
    let trips = value.parse().map_err(|_| "a number of iterations is a whole number".to_owned())?;
    Ok((name, trips))
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  rtmm completions bash > ~/.local/share/bash-completion/completions/rtmm")]
pub(crate) struct Completions {
    /// The shell.
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// A published tool whose loop can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Compat {
    /// The XRBench artifact (MLSys 2023).
    Xrbench,
    /// The Sparse-DySta artifact (MICRO 2023): needs --requests and --traces, and no platform.
    Dysta,
    /// The scheduler of the Planaria artifact (MICRO 2020): needs --case alone.
    Planaria,
    /// The planner and the hardware throttle of the MoCA artifact (HPCA 2023): needs --case alone.
    Moca,
}

/// A published tool whose layers can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LayerCompat {
    /// The XRBench artifact (MLSys 2023).
    Xrbench,
}

/// A published tool whose costs can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CostCompat {
    /// The XRBench artifact (MLSys 2023).
    Xrbench,
    /// The estimates of the MoCA artifact (HPCA 2023), for tables of calls: needs --layers alone.
    Moca,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Table,
    /// Versioned, for programs.
    Json,
    /// For spreadsheets and scripts.
    Csv,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

impl Color {
    pub(crate) fn write_global(self) {
        match self {
            Self::Auto => anstream::ColorChoice::Auto,
            Self::Always => anstream::ColorChoice::Always,
            Self::Never => anstream::ColorChoice::Never,
        }
        .write_global();
    }
}
