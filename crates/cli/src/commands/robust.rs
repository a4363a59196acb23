//! `rtmm robust`: how wrong inputs may be before one policy no longer beats another.

use std::io::Write;

use rtmm_hardware::{Level as TechnologyLevel, Mode, Platform, load as hardware};
use rtmm_robust::{
    AnalysisError, AxisRow, Level, Outcome, Place, Size, Stated, Study, StudyError, analyse, report,
};
use rtmm_runners::engine::{Engine, RunSettings};
use rtmm_sweep::runner::CellRunner;
use rtmm_workload::input::Diagnostics;
use rtmm_workload::{Duration, Legality, load};

use super::run::refuse_idle_settings;
use super::{fit, unmatched};
use crate::args::{Format, Robust};
use crate::failure::{Failure, say};
use crate::folders;
use crate::idle::warn_of_run;
use crate::output::{Unwritten, print_json, stdout, style, width, wrap};
use crate::progress::Bar;
use crate::reports::{self, quoted};

pub(crate) fn robust(arguments: &Robust) -> Result<(), Failure> {
    let axes = Study::axes(&arguments.axis)?;
    let stated = |key: &'static str, is_stated: bool| is_stated.then_some(key);
    Study::check_stated(
        &axes,
        stated("--spread", arguments.spread.is_some()),
        stated("--cost-error", arguments.cost_error.is_some()),
    )?;
    let policies = rtmm_robust::policies(Engine::built_in().spec(), &arguments.policies, &arguments.set)?;
    policies.iter().try_for_each(|chosen| refuse_idle_settings(chosen, false))?;
    policies.iter().for_each(|chosen| warn_of_run(&chosen.policy));
    if let Some(directory) = &arguments.report {
        folders::refuse_sweep(directory)?;
        folders::refuse_report(directory)?;
        folders::create(directory)?;
        folders::refuse_foreign(directory)?;
    }
    let place = place(arguments, &axes)?;
    if let Some(directory) = &arguments.report {
        folders::refuse_inputs_in(directory)?;
    }
    unmatched::warn(&place.platform, &place.workload.models);
    for chosen in &policies {
        let settings = RunSettings::of(&chosen.settings);
        settings.check(place.workload.scenario.duration).map_err(|error| {
            Failure::usage(error.to_string(), "change --set, or lengthen the run with --duration")
        })?;
    }
    // What keeps the scenario from the platform is told before the first run.
    for chosen in &policies {
        let Place { workload, platform, .. } = &place;
        let system = Engine::built_in().system_for(&chosen.policy, workload, platform);
        system.map_err(|error| {
            let file = fit::Sources::of(Some(&arguments.scenario), None, None).scenario;
            fit::failed(file.as_ref(), workload, platform, error)
        })?;
    }
    let mut study = Study::new(vec![place], policies);
    study.seeds = seeds(arguments)?;
    study.metrics.clone_from(&arguments.metrics);
    study.draws = arguments.draws;
    study.rounds = arguments.rounds;
    study.sizes = arguments.sizes.iter().map(|text| size(text)).collect::<Result<_, _>>()?;
    study.levels = levels(&arguments.levels);
    study.spread = arguments.spread.map_or(study.spread, Into::into);
    study.correlation = arguments.correlation;
    study.error_seed = arguments.error_seed;
    if let Some(error) = &arguments.cost_error {
        study.stated = Stated::by_user(size(error)?);
    }
    let bar = Bar::new(arguments.quiet);
    let outcome = in_pool(arguments.threads, || analyse(Engine::built_in(), &study, &axes, &bar));
    bar.finish();
    let outcome = outcome??;
    let mut unwritten = Unwritten::default();
    if let Some(directory) = &arguments.report {
        let written = report::report(&outcome, &outcome.places.concat(), &command(arguments));
        let written = reports::write(&written, directory).map(|_| {
            say!("report: {}", directory.join("index.html").display());
        });
        unwritten.note(written);
    }
    unwritten.told_after(print(&outcome, arguments.format))
}

/// Does `work` on as many threads as are asked for.
pub(super) fn in_pool<T: Send>(threads: Option<u16>, work: impl FnOnce() -> T + Send) -> Result<T, Failure> {
    let Some(threads) = threads else { return Ok(work()) };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.into()).build();
    pool.map(|pool| pool.install(work)).map_err(|error| Failure::Run(error.to_string()))
}

fn print(outcome: &Outcome, format: Format) -> Result<(), Failure> {
    let mut out = stdout();
    match format {
        Format::Json => print_json(&mut out, &report::json(outcome)?)?,
        Format::Csv => write!(out, "{}", report::csv(outcome))?,
        Format::Table => {
            for sentence in report::sentences(outcome) {
                for line in wrap(&sentence.replace('`', ""), width()) {
                    writeln!(out, "{line}")?;
                }
            }
            for table in report::tables(outcome) {
                writeln!(out)?;
                write!(out, "{}", table.to_terminal(&style()))?;
            }
        }
    }
    out.flush()?;
    Ok(())
}

/// The scenario on the platform, with the levels of its technology where errors of prices are asked for.
fn place(arguments: &Robust, axes: &[AxisRow]) -> Result<Place, Failure> {
    let mut workload = load::workload(&arguments.scenario, None, Legality::Strict);
    let platform = hardware::platform(&arguments.platform, None, Mode::Corrected);
    if let (Err(problems), Err(more)) = (&mut workload, &platform) {
        problems.extend(more.clone());
    }
    let (mut workload, platform) = (workload?, platform?);
    if let Some(text) = &arguments.duration {
        workload.scenario.duration = duration(text)?;
        workload.scenario.check_mixes().map_err(|error| Failure::usage(error.to_string(), error.help()))?;
    }
    let has_levels = platform.technology.is_some() && axes.contains(&AxisRow::TECHNOLOGY);
    let levels = has_levels.then(|| at_levels(&arguments.platform)).transpose()?;
    Ok(Place { levels, ..Place::new(workload, platform) })
}

/// A platform at the low and at the high level of its technology.
fn at_levels(reference: &str) -> Result<[Platform; 2], Diagnostics> {
    let stem =
        TechnologyLevel::ALL.iter().find_map(|(name, _)| reference.strip_suffix(name)?.strip_suffix('@'));
    let stem = stem.unwrap_or(reference);
    let at = |level: TechnologyLevel| {
        hardware::platform(&format!("{stem}@{}", level.name()), None, Mode::Corrected)
    };
    Ok([at(TechnologyLevel::Low)?, at(TechnologyLevel::High)?])
}

fn duration(text: &str) -> Result<Duration, Failure> {
    let parsed = Duration::parse(text).map_err(|error| error.to_string());
    parsed
        .and_then(|duration| if duration.is_zero() { Err("it is zero".to_owned()) } else { Ok(duration) })
        .map_err(|reason| {
            let message = format!("`--duration {text}` is no duration: {reason}");
            Failure::usage(message, "write a number and a unit, such as 700ms")
        })
}

fn seeds(arguments: &Robust) -> Result<Vec<u64>, Failure> {
    let (first, count) = (arguments.seed, arguments.seeds);
    // The study refuses too many, and none.
    let last = first.checked_add(count.min(1 << 20));
    last.map(|last| (first..last).collect())
        .ok_or_else(|| Failure::usage("the seeds are out of range", "choose a smaller --seed"))
}

fn size(text: &str) -> Result<Size, Failure> {
    Size::parse(text).map_err(|error| Failure::usage(error.to_string(), error.help()))
}

/// Levels, the greatest first.
fn levels(percent: &[u8]) -> Vec<Level> {
    let mut levels: Vec<Level> = percent.iter().filter_map(|percent| Level::of_percent(*percent)).collect();
    levels.sort_unstable_by(|one, other| other.cmp(one));
    levels
}

/// The call that does the analysis again, without what it writes.
fn command(arguments: &Robust) -> String {
    let mut words = vec!["rtmm robust".to_owned()];
    let mut option = |name: &str, value: &str| words.push(format!("--{name} {}", quoted(value)));
    option("scenario", &arguments.scenario);
    option("platform", &arguments.platform);
    option("policies", &arguments.policies.join(","));
    option("axis", &arguments.axis.join(","));
    if !arguments.metrics.is_empty() {
        option("metrics", &arguments.metrics.join(","));
    }
    arguments.set.iter().for_each(|set| option("set", set));
    option("seeds", &arguments.seeds.to_string());
    option("seed", &arguments.seed.to_string());
    arguments.duration.iter().for_each(|duration| option("duration", duration));
    option("draws", &arguments.draws.to_string());
    if !arguments.sizes.is_empty() {
        option("sizes", &arguments.sizes.join(","));
    }
    option("rounds", &arguments.rounds.to_string());
    let levels: Vec<String> = arguments.levels.iter().map(u8::to_string).collect();
    option("levels", &levels.join(","));
    if let Some(spread) = arguments.spread.map(rtmm_robust::Spread::from) {
        let name = rtmm_robust::Spread::ALL.iter().find(|(_, known)| *known == spread);
        option("spread", name.map_or("", |(name, _)| name));
    }
    option("correlation", &arguments.correlation.to_string());
    option("error-seed", &arguments.error_seed.to_string());
    arguments.cost_error.iter().for_each(|error| option("cost-error", error));
    words.join(" ")
}

impl From<StudyError> for Failure {
    fn from(error: StudyError) -> Self {
        Self::usage(error.to_string(), error.help())
    }
}

impl From<AnalysisError> for Failure {
    fn from(error: AnalysisError) -> Self {
        match error {
            AnalysisError::Study(error) => error.into(),
            other => Self::Run(other.to_string()),
        }
    }
}
