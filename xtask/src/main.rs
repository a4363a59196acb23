//! The repository's chores. `cargo xtask` lists them.

mod docs;
mod equal;
mod evaluation;
mod markdown;
mod validation;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str = "\
Usage: cargo xtask <TASK> [ARGUMENTS]

Tasks:
  sweep [NAME|FILE] [OPTIONS]   run a sweep, the XRBench evaluation by default (as `rtmm sweep`)
  merge [NAME|FILE] [OPTIONS]   put the shards of a sweep together (as `rtmm merge`)
  docs [PAGE[#PART]]            write the generated parts of docs/, of one page such as evaluation/moca.md, or one of them
  docs --check [--quick]        check that all of them are current, or all that take no sweeps
  equal OLD NEW [NAME]          compare all values of two builds of `rtmm`, or those of cases with NAME in theirs
  evaluation dream [SWEEP]      run the sweeps behind docs/evaluation/dream.md, or one, and write their data and figures
  evaluation moca               run the sweeps behind docs/evaluation/moca.md, and write their data and figures
  evaluation interference       run the sweep behind docs/evaluation/interference.md, and write its data and figures
  validation [DIR]              compare measurements of a machine with simulations, and print tables and write figures into DIR;
                                without it, write docs/evaluation/validation.md from those of the repository
  evaluation claims [NAME]      measure the claims of docs/claims.md, or of one publication, and write their values
  evaluation frontier           run the sweep behind docs/evaluation/frontier.md, and write its data
  evaluation horizon [SWEEP]    run the sweeps behind the tables of docs/horizon.md, or one, and write their data
  evaluation robustness [SET]   find flip margins of the sets behind docs/evaluation/robustness.md, or of one, and write their data
  evaluation generated [SEED]   draw systems and run the policies of the sweep `frontier` on them, for docs/evaluation/generated.md
";

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let task = arguments.next();
    match task.as_ref().and_then(|task| task.to_str()) {
        Some(command @ ("sweep" | "merge")) => {
            let command = [OsString::from("rtmm"), OsString::from(command)];
            rtmm_cli::main(command.into_iter().chain(arguments))
        }
        Some("docs") => match arguments.next().as_ref().and_then(|option| option.to_str()) {
            Some("--check") => match arguments.next().as_ref().and_then(|option| option.to_str()) {
                None => docs::check(false),
                Some("--quick") => docs::check(true),
                Some(other) => usage_error(&format!("`docs --check` has no option `{other}`")),
            },
            Some(other) if other.starts_with('-') => usage_error(&format!("`docs` has no option `{other}`")),
            page => docs::write(page),
        },
        Some("equal") => match (arguments.next(), arguments.next(), arguments.next()) {
            (Some(old), Some(new), filter) => {
                let filter = filter.as_ref().and_then(|filter| filter.to_str()).unwrap_or_default();
                equal::run(Path::new(&old), Path::new(&new), filter)
            }
            _ => usage_error("`equal` needs two programs: the `rtmm` of an old build and of a new one"),
        },
        Some("evaluation") => match arguments.next().as_ref().and_then(|name| name.to_str()) {
            Some("dream") => evaluation::dream(arguments.next().as_ref().and_then(|sweep| sweep.to_str())),
            Some("moca") => evaluation::moca::run(),
            Some("interference") => evaluation::interference::run(),
            Some("claims") => {
                evaluation::claims::run(arguments.next().as_ref().and_then(|name| name.to_str()))
            }
            Some("frontier") => evaluation::frontier::run(),
            Some("horizon") => {
                evaluation::horizon::run(arguments.next().as_ref().and_then(|sweep| sweep.to_str()))
            }
            Some("generated") => {
                evaluation::generated::run(arguments.next().as_ref().and_then(|seed| seed.to_str()))
            }
            Some("robustness") => {
                evaluation::robustness::run(arguments.next().as_ref().and_then(|name| name.to_str()))
            }
            Some(other) => usage_error(&format!(
                "there is no evaluation `{other}`: there are `dream`, `moca`, `interference`, `claims`, `frontier`, `horizon`, \
                 `generated` and `robustness`"
            )),
            None => usage_error(
                "`evaluation` needs a name: `dream`, `moca`, `interference`, `claims`, `frontier`, `horizon`, `generated` or \
                 `robustness`",
            ),
        },
        Some("validation") => match arguments.next() {
            None => docs::write(Some(validation::PAGE)),
            Some(folder) => validation::run(Path::new(&folder)),
        },
        None | Some("help" | "--help" | "-h") => {
            print!("{USAGE}");
            ExitCode::SUCCESS
        }
        Some(other) => usage_error(&format!("there is no task `{other}`")),
    }
}

fn usage_error(message: &str) -> ExitCode {
    eprintln!("error: {message}\n\n{USAGE}");
    ExitCode::from(2)
}

/// The root of the repository.
fn project_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(1).map(Path::to_path_buf).unwrap_or_default()
}
