//! The command line of rtmm, as a library: `rtmm` and `cargo xtask sweep` call the same
//! [`main`].
//!
//! One file a command under `commands/`; `failure` decides exit codes.
//! Standard output is data, standard error is talk.
//!
//! ```
//! let code = rtmm_cli::main(["rtmm", "list", "cost-models"]);
//! assert_eq!(format!("{code:?}"), format!("{:?}", std::process::ExitCode::SUCCESS));
//! ```

mod args;
mod commands;
mod entry;
mod failure;
mod folders;
mod idle;
mod names;
mod output;
mod progress;
mod reports;

pub use entry::{command, main};
