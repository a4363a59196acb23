//! Arguments of `rtmm reproduce`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::names::Names;

/// Claims of publications, measured and judged.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rtmm reproduce list
  rtmm reproduce xrbench --claim 1
  rtmm reproduce dream --claim 2 --reading reference --reading reference-cap-10
  rtmm reproduce moca --format markdown > moca.md
  rtmm reproduce my_claims.toml --output results --threads 8

Only the cells that the claims need are run, and none that the store of the sweep has already.")]
pub(crate) struct Reproduce {
    /// Publication: a built-in name, or a path that ends in .toml; `list` lists the built-in ones.
    #[arg(value_name = "NAME|FILE|list", value_parser = Names::publications(), hide_possible_values = true)]
    pub publication: String,
    /// Only the claim of this number; may be given several times.
    #[arg(long = "claim", value_name = "N")]
    pub claims: Vec<u32>,
    /// Only under the reading of this name; may be given several times.
    #[arg(long = "reading", value_name = "NAME")]
    pub readings: Vec<String>,
    /// Folder of the stores, one folder a sweep, as `rtmm sweep` has them.
    #[arg(long, short, value_name = "DIR", default_value = "results")]
    pub output: PathBuf,
    /// Threads that run cells [default: one a core].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// Form of the printed ledger: a table and markdown have a row a claim, csv and json a row a claim and reading.
    #[arg(long, value_enum, default_value = "table")]
    pub format: LedgerFormat,
    /// No progress bar.
    #[arg(long, short)]
    pub quiet: bool,
}

/// Forms of the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LedgerFormat {
    /// For people.
    Table,
    /// For pages.
    Markdown,
    /// Versioned, for programs.
    Json,
    /// For spreadsheets and scripts.
    Csv,
}
