//! `rtmm analyse`: worst cases without simulation, and beside it.

mod jobs;
mod scenario;

use crate::args::Analyse;
use crate::failure::Failure;

/// Name of the form of analyses in JSON.
const FORMAT: &str = "rtmm-analysis";
/// The form of analyses in JSON; raised when a field changes its meaning or goes away.
const VERSION: u32 = 1;

pub(crate) fn analyse(arguments: &Analyse) -> Result<(), Failure> {
    match (&arguments.jobs, &arguments.scenario, &arguments.platform) {
        (Some(path), ..) => jobs::analyse(arguments, path),
        (None, Some(scenario), Some(platform)) => scenario::analyse(arguments, scenario, platform),
        // The arguments require one of the two.
        (None, ..) => Err(Failure::usage(
            "there is nothing to analyse",
            "name a job set (--jobs), or a scenario and a platform (--scenario, --platform)",
        )),
    }
}
