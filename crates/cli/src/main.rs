//! The `rtmm` binary: see [`rtmm_cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    rtmm_cli::main(std::env::args_os())
}
