//! `rtmm completions`.

use std::io::Write;

use crate::args::Completions;
use crate::failure::Failure;

pub(crate) fn completions(arguments: &Completions) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut crate::command(), "rtmm", &mut script);
    std::io::stdout().lock().write_all(&script)?;
    Ok(())
}
