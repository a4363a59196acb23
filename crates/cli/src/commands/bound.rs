//! `rtmm bound`: how few jobs of a window can be late, and with how little energy.

use std::io::Write;
use std::ops::RangeInclusive;
use std::time::{Duration as RealDuration, Instant};

use rtmm_bounds::{Bounds, Limits, bound as bound_window};
use rtmm_hardware::{Mode, Platform, load as hardware};
use rtmm_robust::StudyError;
use rtmm_runners::bound::{Measured, NoWindow, Weights, WindowOptions, measure, window};
use rtmm_runners::engine::{Engine, system};
use rtmm_sweep::runner::{CellRunner, Chosen};
use rtmm_workload::input::parse_millionths;
use rtmm_workload::{Duration, Legality, Workload, load};
use serde::Serialize;

use super::run::refuse_idle_settings;
use super::{fit, unmatched};
use crate::args::{Bound, Format};
use crate::failure::Failure;
use crate::idle::{warn_of_platform, warn_of_run};
use crate::output::{Rows, print_json, stdout, width, wrap};

/// Name of the form of bounds in JSON.
const FORMAT: &str = "rtmm-bound";
/// The form of bounds in JSON; raised when a field changes its meaning or goes away.
const VERSION: u32 = 1;
const PJ_PER_MJ: f64 = 1e9;
/// Factors on rates in millionths, as the load factors of sweeps.
const LOADS: RangeInclusive<u64> = 1..=1_000_000_000_000;
/// All jobs that arrived in the window count, so that runs end with the last of them.
const DRAIN: &str = "end_of_run=drain";

/// Bounds as JSON: the four numbers first, then what they are of.
#[derive(Serialize)]
struct Report<'r> {
    late_jobs_lower: u64,
    late_jobs_upper: u64,
    energy_pj_lower: f64,
    certified: bool,
    energy_pj_upper: f64,
    format: &'static str,
    version: u32,
    scenario: &'r str,
    platform: &'r str,
    load: &'r str,
    window_ms: f64,
    seed: u64,
    jobs: usize,
    weights: &'static str,
    variants: bool,
    /// True if the bounds do not meet and a limit of the work is why.
    limited: bool,
    /// True if the time limit ended the work: another machine may prove more or less.
    timed_out: bool,
    policies: Vec<PolicyReport<'r>>,
}

/// A policy beside the bounds as JSON.
#[derive(Serialize)]
struct PolicyReport<'r> {
    policy: &'r str,
    late_jobs: u64,
    /// Late jobs above the lower bound, and above the upper one; below zero where the run is better than the schedule.
    gap_to_lower: i64,
    gap_to_upper: i64,
    energy_pj: f64,
    /// Over the energy bound; none of a run that has more late, whose jobs took less than all must.
    energy_ratio: Option<f64>,
}

pub(crate) fn bound(arguments: &Bound) -> Result<(), Failure> {
    let policies = policies(arguments)?;
    let time_limit = span("time-limit", &arguments.time_limit)?;
    let (workload, platform) = inputs(arguments)?;
    unmatched::warn(&platform, &workload.models);
    let file = || fit::Sources::of(Some(&arguments.scenario), None, None).scenario;
    let system = system(&workload, &platform)
        .map_err(|error| fit::failed(file().as_ref(), &workload, &platform, error))?;
    fit::warn_of_pins(file, &workload.scenario, &platform);
    policies.iter().for_each(|chosen| warn_of_platform(&chosen.policy, &system.platform));
    let options = WindowOptions {
        weights: arguments.weights.into(),
        variants: arguments.variants,
        ..WindowOptions::default()
    };
    let window = window(&system, arguments.seed, &options)?;
    let limits = Limits { blocks: arguments.blocks.into(), ..Limits::default() }.times(arguments.effort);
    let bounds = within(time_limit, |stop| bound_window(&window, &limits, stop));
    let measured = policies
        .iter()
        .map(|chosen| measure(Engine::built_in(), &system, chosen, arguments.seed, &window))
        .collect::<Result<Vec<_>, _>>()?;
    let beside = |(name, run)| policy_report(name, run, &bounds);
    let report = Report {
        late_jobs_lower: bounds.late_lower,
        late_jobs_upper: bounds.late_upper,
        energy_pj_lower: bounds.energy_lower.picojoules(),
        certified: bounds.is_certified(),
        energy_pj_upper: bounds.energy_upper.picojoules(),
        format: FORMAT,
        version: VERSION,
        scenario: &system.scenario.name,
        platform: &system.platform.name,
        load: &arguments.load,
        window_ms: system.scenario.duration.milliseconds(),
        seed: arguments.seed,
        jobs: window.jobs().len(),
        weights: Weights::from(arguments.weights).name(),
        variants: arguments.variants,
        limited: bounds.effort.is_limited,
        timed_out: bounds.effort.is_stopped,
        policies: arguments.policies.iter().map(String::as_str).zip(&measured).map(beside).collect(),
    };
    match arguments.format {
        Format::Json => print_json(&mut stdout(), &report)?,
        format => print_rows(&report, format)?,
    }
    Ok(())
}

/// The policies that stand beside the bounds. Those that divide accelerators do what bounds do not know.
fn policies(arguments: &Bound) -> Result<Vec<Chosen>, Failure> {
    let engine = Engine::built_in();
    let set: Vec<&str> = std::iter::once(DRAIN).chain(arguments.set.iter().map(String::as_str)).collect();
    let policies = rtmm_robust::policies(engine.spec(), &arguments.policies, &set)?;
    for (place, chosen) in policies.iter().enumerate() {
        refuse_idle_settings(chosen, false)?;
        if policies[..place].contains(chosen) {
            return Err(StudyError::Repeated { policy: chosen.policy.to_string() }.into());
        }
        warn_of_run(&chosen.policy);
        if engine.granted_units(&chosen.policy)?.is_some() {
            return Err(Failure::usage(
                format!("policy `{}` divides accelerators, which bounds do not know", chosen.policy.name),
                "leave it out, or have it run on whole accelerators",
            ));
        }
    }
    Ok(policies)
}

/// The scenario as it is asked for, and the platform; problems of both come out together.
fn inputs(arguments: &Bound) -> Result<(Workload, Platform), Failure> {
    let load = parse_millionths(&arguments.load).filter(|load| LOADS.contains(load)).ok_or_else(|| {
        let message = format!("`--load {}` is no factor", arguments.load);
        let help =
            "write a number from 0.000001 to 1000000, such as 1.5: six decimals at most, and no exponent";
        Failure::usage(message, help)
    })?;
    let duration = arguments.window.as_ref().map(|text| span("window", text)).transpose()?;
    let mut workload = load::workload(&arguments.scenario, None, Legality::Strict);
    let platform = hardware::platform(&arguments.platform, None, Mode::Corrected);
    if let (Err(problems), Err(more)) = (&mut workload, &platform) {
        problems.extend(more.clone());
    }
    let (mut workload, platform) = (workload?, platform?);
    let scaled = workload.scenario.clone().scaled(load);
    workload.scenario = scaled.map_err(|error| {
        let message = format!("`--load {}` leaves no period: {error}", arguments.load);
        Failure::usage(message, "choose a factor nearer to 1")
    })?;
    workload.scenario.duration = duration.unwrap_or(workload.scenario.duration);
    workload.scenario.check_mixes().map_err(|error| Failure::usage(error.to_string(), error.help()))?;
    Ok((workload, platform))
}

fn span(option: &str, text: &str) -> Result<Duration, Failure> {
    let parsed = Duration::parse(text).map_err(|error| error.to_string());
    parsed
        .and_then(|duration| if duration.is_zero() { Err("it is zero".to_owned()) } else { Ok(duration) })
        .map_err(|reason| {
            let message = format!("`--{option} {text}` is no duration: {reason}");
            Failure::usage(message, "write a number and a unit, such as 40ms")
        })
}

/// Does `work`, and tells it to stop once so much time has passed.
#[expect(
    clippy::disallowed_methods,
    reason = "a limit of real time, which the bounds say when it is reached"
)]
fn within<T>(limit: Duration, work: impl FnOnce(&dyn Fn() -> bool) -> T) -> T {
    let began = Instant::now();
    let limit = RealDuration::from_secs_f64(limit.milliseconds() / 1e3);
    work(&|| began.elapsed() >= limit)
}

fn policy_report<'r>(name: &'r str, run: &Measured, bounds: &Bounds) -> PolicyReport<'r> {
    let above = |bound: u64| {
        let signed = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        signed(run.late).saturating_sub(signed(bound))
    };
    let (energy_pj, least) = (run.summary.energy.energy_pj, bounds.energy_lower.picojoules());
    let is_alike = run.late <= bounds.late_upper && least > 0.0;
    PolicyReport {
        policy: name,
        late_jobs: run.late,
        gap_to_lower: above(bounds.late_lower),
        gap_to_upper: above(bounds.late_upper),
        energy_pj,
        energy_ratio: is_alike.then(|| energy_pj / least),
    }
}

fn print_rows(report: &Report<'_>, format: Format) -> Result<(), Failure> {
    let energy = |picojoules: f64| match format {
        Format::Csv => picojoules.to_string(),
        _ => format!("{:.6}", picojoules / PJ_PER_MJ),
    };
    let row = |what: &str, late: u64, gap: Option<i64>, picojoules: f64, ratio: Option<f64>| {
        vec![
            what.to_owned(),
            late.to_string(),
            gap.map(|gap| gap.to_string()).unwrap_or_default(),
            energy(picojoules),
            ratio.map(|ratio| format!("{ratio:.4}")).unwrap_or_default(),
        ]
    };
    let of_schedule = report.energy_pj_upper / report.energy_pj_lower;
    let of_schedule = (report.energy_pj_lower > 0.0).then_some(of_schedule);
    let gap =
        i64::try_from(report.late_jobs_upper.saturating_sub(report.late_jobs_lower)).unwrap_or(i64::MAX);
    let mut rows = vec![
        row("lower bound", report.late_jobs_lower, Some(0), report.energy_pj_lower, None),
        row("schedule", report.late_jobs_upper, Some(gap), report.energy_pj_upper, of_schedule),
    ];
    rows.extend(
        report
            .policies
            .iter()
            .map(|of| row(of.policy, of.late_jobs, Some(of.gap_to_lower), of.energy_pj, of.energy_ratio)),
    );
    let Report { scenario, platform, load, seed, window_ms, jobs, .. } = report;
    let late = if report.weights == Weights::Equal.name() { "late_jobs" } else { "late_weight" };
    let rows = Rows {
        title: format!("{scenario} on {platform}, load {load}, seed {seed}: {jobs} jobs of {window_ms} ms"),
        header: vec![
            "of",
            late,
            "gap",
            if format == Format::Csv { "energy_pj" } else { "energy_mj" },
            "over_bound",
        ],
        numbers: vec![false, true, true, true, true],
        rows,
    };
    rows.print(format)?;
    if format == Format::Csv {
        return Ok(());
    }
    let mut out = stdout();
    for line in wrap(verdict(report), width()) {
        writeln!(out, "{line}")?;
    }
    out.flush()?;
    Ok(())
}

fn verdict(report: &Report<'_>) -> &'static str {
    match (report.certified, report.timed_out) {
        (true, _) => "certified: no schedule has fewer late, and the schedule has no more",
        (false, true) => {
            "not certified: the time limit ended the work, so that another machine may say more or less"
        }
        (false, false) => "not certified: the bounds do not meet; --effort lets more be tried",
    }
}

impl From<NoWindow> for Failure {
    fn from(error: NoWindow) -> Self {
        Self::usage(error.to_string(), error.help())
    }
}
