//! `rtmm run --timeline`: a run that is watched, and the file that its timeline goes to.

use rtmm_sim::{Observer, System};
use rtmm_timeline::{Timeline, form_of};

use crate::args::Run;
use crate::failure::Failure;
use crate::output::Streamed;

/// Refuses a file whose extension names no form.
pub(super) fn check(arguments: &Run) -> Result<(), Failure> {
    match arguments.timeline.as_deref().map(form_of) {
        Some(Err(error)) => Err(Failure::usage(error.to_string(), error.help())),
        Some(Ok(_)) | None => Ok(()),
    }
}

/// Does a run, which is to tell the observer that it is given, if any: the timeline that is asked for.
pub(super) fn watched<T>(
    arguments: &Run,
    system: &System,
    run: impl FnOnce(Option<&mut dyn Observer>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let Some(path) = arguments.timeline.as_deref() else { return run(None) };
    let form = form_of(path).map_err(|error| Failure::usage(error.to_string(), error.help()))?;
    let (streamed, file) = Streamed::create(path)?;
    let form = form.open(system, Box::new(file)).map_err(|error| streamed.failed(&error))?;
    let mut timeline = Timeline::new(system, form);
    let result = run(Some(&mut timeline))?;
    streamed.finish(timeline.finish())?;
    Ok(result)
}
