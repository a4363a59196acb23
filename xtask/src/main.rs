//! The repository's chores. `cargo xtask` lists them.

mod docs;
mod equal;
mod evaluation;
mod markdown;
mod validation;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::builder::PossibleValuesParser;
use clap::{CommandFactory, Parser, Subcommand};
use rtmm_workload::input::Diagnostics;

/// The repository's chores.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Chores {
    #[command(subcommand)]
    task: Option<Task>,
}

#[derive(Subcommand)]
enum Task {
    /// Run a sweep, the XRBench evaluation by default (as `rtmm sweep`)
    #[command(disable_help_flag = true)]
    Sweep {
        /// Name or file of the sweep, and options
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Put the shards of a sweep together (as `rtmm merge`)
    #[command(disable_help_flag = true)]
    Merge {
        /// Name or file of the sweep, and options
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Write the generated parts of docs/
    Docs {
        /// A page below docs/, such as evaluation/moca.md, or one part of it, PAGE#PART
        page: Option<String>,
        /// Check that all of them are current, and write none
        #[arg(long, conflicts_with = "page")]
        check: bool,
        /// Check those that take no sweeps
        #[arg(long, requires = "check")]
        quick: bool,
    },
    /// Compare all values of two builds of `rtmm`
    Equal {
        /// The program of the old build
        old: PathBuf,
        /// The program of the new one
        new: PathBuf,
        /// Only cases with this in their names
        #[arg(default_value = "", hide_default_value = true)]
        name: String,
    },
    /// Run the sweeps behind a page of docs/, and write its data and figures
    Evaluation {
        #[command(subcommand)]
        page: Evaluation,
    },
    /// Compare measurements of a machine with simulations, and print tables and write figures into a folder; without one, write
    /// docs/evaluation/validation.md from those of the repository
    Validation {
        /// The folder of the measurements
        folder: Option<PathBuf>,
    },
}

#[derive(Subcommand)]
enum Evaluation {
    /// docs/evaluation/dream.md
    Dream {
        /// One of its sweeps
        #[arg(value_parser = PossibleValuesParser::new(evaluation::SWEEPS.map(|(name, _)| name)))]
        sweep: Option<String>,
    },
    /// docs/evaluation/moca.md
    Moca,
    /// docs/evaluation/interference.md
    Interference,
    /// The values of docs/claims.md
    Claims {
        /// Those of one publication
        #[arg(value_parser = PossibleValuesParser::new(rtmm_claims::built_in::names()))]
        publication: Option<String>,
    },
    /// docs/evaluation/frontier.md
    Frontier,
    /// The tables of docs/horizon.md
    Horizon {
        /// One of its sweeps
        #[arg(value_parser = PossibleValuesParser::new(evaluation::horizon::SWEEPS.map(|(name, _)| name)))]
        sweep: Option<String>,
    },
    /// docs/evaluation/robustness.md: what has changed since
    Robustness {
        /// The sets of this name instead, all of them
        #[arg(value_parser = PossibleValuesParser::new(evaluation::robustness::SETS.map(|set| set.name)))]
        set: Option<String>,
    },
    /// docs/evaluation/generated.md: the policies of the sweep `frontier` on systems that are drawn
    Generated {
        /// Another seed than that of the page; its table is written beside its results
        seed: Option<u64>,
        /// Systems with power states, shared memory or batches, in place of those on platforms of DREAM
        #[arg(long)]
        hardware: bool,
    },
}

fn main() -> ExitCode {
    let as_rtmm = |command: &str, arguments: Vec<OsString>| {
        let command = [OsString::from("rtmm"), OsString::from(command)];
        rtmm_cli::main(command.into_iter().chain(arguments))
    };
    match Chores::parse().task {
        None => {
            println!("{}", Chores::command().render_help());
            ExitCode::SUCCESS
        }
        Some(Task::Sweep { arguments }) => as_rtmm("sweep", arguments),
        Some(Task::Merge { arguments }) => as_rtmm("merge", arguments),
        Some(Task::Docs { check: true, quick, .. }) => docs::check(quick),
        Some(Task::Docs { page, .. }) => docs::write(page.as_deref()),
        Some(Task::Equal { old, new, name }) => equal::run(&old, &new, &name),
        Some(Task::Evaluation { page }) => evaluate(&page),
        Some(Task::Validation { folder: None }) => docs::write(Some(validation::PAGE)),
        Some(Task::Validation { folder: Some(folder) }) => validation::run(&folder),
    }
}

fn evaluate(page: &Evaluation) -> ExitCode {
    let done = match page {
        Evaluation::Dream { sweep } => evaluation::dream(sweep.as_deref()),
        Evaluation::Moca => evaluation::moca::run(),
        Evaluation::Interference => evaluation::interference::run(),
        Evaluation::Claims { publication } => evaluation::claims::run(publication.as_deref()),
        Evaluation::Frontier => evaluation::frontier::run(),
        Evaluation::Horizon { sweep } => evaluation::horizon::run(sweep.as_deref()),
        Evaluation::Robustness { set } => evaluation::robustness::run(set.as_deref()),
        Evaluation::Generated { seed, hardware } => {
            let family = if *hardware {
                &evaluation::generated::draw::HARDWARE
            } else {
                &evaluation::generated::draw::DREAM
            };
            evaluation::generated::run(family, *seed)
        }
    };
    let Err(problem) = done else { return ExitCode::SUCCESS };
    // Diagnostics say of each of theirs that it is an error.
    match problem.downcast_ref::<Diagnostics>() {
        Some(problems) => eprint!("{problems}"),
        None => eprintln!("error: {problem}"),
    }
    ExitCode::FAILURE
}

/// The root of the repository.
fn project_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(1).map(Path::to_path_buf).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exit(arguments: &[&str]) -> Result<(), String> {
        let all = ["cargo xtask"].iter().chain(arguments);
        Chores::try_parse_from(all).map(|_| ()).map_err(|error| error.to_string())
    }

    #[test]
    fn arguments_that_no_task_has_are_refused_with_what_there_is() {
        Chores::command().debug_assert();
        for (arguments, reason) in [
            (&["evaluation", "frontier", "extra"][..], "unexpected argument 'extra'"),
            (&["evaluation", "robustness", "foo"], "horizon_reference"),
            (&["evaluation", "claims", "foo"], "planaria"),
            (&["evaluation", "generated", "abc"], "invalid value 'abc' for '[SEED]'"),
            (&["docs", "--quick"], "--check"),
            (&["docs", "page.md", "--check"], "cannot be used with"),
            (&["sweeps"], "'sweep'"),
        ] {
            let error = exit(arguments).unwrap_err();
            assert!(error.contains(reason), "{arguments:?}: {error}");
        }
        for arguments in [
            &["sweep", "smoke", "--threads", "1", "--help"][..],
            &["docs", "--check", "--quick"],
            &["docs", "evaluation/moca.md#cells"],
            &["evaluation", "generated", "7"],
            &["evaluation", "generated", "--hardware"],
            &["equal", "old", "new"],
        ] {
            exit(arguments).unwrap();
        }
    }
}
