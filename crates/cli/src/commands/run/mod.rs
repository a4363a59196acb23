//! `rtmm run`: one scenario, or recorded requests, on one platform.

mod engine;
mod xrbench;

use rtmm_workload::Duration;

use crate::args::{Compat, Run};
use crate::failure::Failure;

pub(crate) fn run(arguments: &Run) -> Result<(), Failure> {
    match arguments.compat {
        None => engine::run(arguments),
        Some(Compat::Xrbench) => xrbench::run(arguments),
    }
}

fn duration(text: &str) -> Result<Duration, Failure> {
    let bad = |reason: String| {
        Failure::usage(
            format!("`--duration {text}` is no duration: {reason}"),
            "write a number and a unit, such as 700ms",
        )
    };
    match Duration::parse(text) {
        Ok(duration) if duration.is_zero() => Err(bad("it is zero".to_owned())),
        Ok(duration) => Ok(duration),
        Err(error) => Err(bad(error.to_string())),
    }
}
