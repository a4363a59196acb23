//! The page "Bounds of all policies": windows with their bounds, and policies beside them.

use std::sync::OnceLock;

use rayon::prelude::*;
use rtmm_bounds::{Bounds, Limits, bound};
use rtmm_hardware::{Mode, load as hardware};
use rtmm_runners::bound::{WindowOptions, measure, window};
use rtmm_runners::engine::{Engine, system};
use rtmm_sweep::runner::{CellRunner, Chosen};
use rtmm_workload::input::parse_millionths;
use rtmm_workload::{Duration, Legality, load};

use super::{Problem, table};

/// Windows that stand in the table one by one: scenario, load, length, platform.
const SINGLE: [(&str, &str, &str, &str); 7] = [
    ("xrbench/vr_gaming", "8", "33ms", "xrbench/dual_4k_ws_os"),
    ("xrbench/ar_gaming", "4", "40ms", "xrbench/dual_4k_ws_os"),
    ("xrbench/ar_gaming", "5", "67ms", "xrbench/quad_4k_ws_os_ws_os"),
    ("dream/vr_gaming", "6", "33ms", "dream/dual_4k_ws_os"),
    ("dream/ar_social", "2", "33ms", "dream/dual_4k_ws_os"),
    ("dream/ar_social", "3", "33ms", "dream/dual_8k_ws_os"),
    ("dream/ar_call", "4", "33ms", "dream/dual_4k_ws_os"),
];
/// Scenarios, loads and platforms of the other windows: all combinations of a row.
const GRIDS: [(&[&str], &[&str], &[&str]); 2] = [
    (
        &[
            "xrbench/vr_gaming",
            "xrbench/ar_gaming",
            "xrbench/ar_assistant",
            "xrbench/social_interaction_a",
            "xrbench/outdoor_activity_a",
        ],
        &["2", "4", "6"],
        &["xrbench/dual_4k_ws_os", "xrbench/quad_8k_ws_os_ws_os"],
    ),
    (
        &["dream/vr_gaming", "dream/ar_call", "dream/ar_social", "dream/drone_indoor", "dream/drone_outdoor"],
        &["1.5", "2", "3"],
        &["dream/dual_4k_ws_os", "dream/triple_8k_ws_os_os"],
    ),
];
/// Length of the windows of the grids.
const GRID_WINDOW: &str = "40ms";
const SEED: u64 = 1;
/// The parameter by which policies drop what cannot be in time, and its value for that.
const DROP: (&str, &str) = ("drop", "infeasible");
const MJ: f64 = 1e9;

/// A window with its bounds, and what policies come to there.
struct Bounded {
    place: [&'static str; 4],
    jobs: usize,
    bounds: Bounds,
    /// By policy: late jobs, and the energy in picojoules.
    policies: Vec<(u64, f64)>,
}

/// Policies of the page with their names.
type Policies = Vec<(String, Chosen)>;

/// All policies that run on whole accelerators, each with and without a drop rule where it has one.
fn policies() -> Result<Policies, Problem> {
    let engine = Engine::built_in();
    let drop = format!("{}={}", DROP.0, DROP.1);
    let mut policies = Vec::new();
    for schema in &engine.spec().policies {
        let has_drop = schema.parameters.get(DROP.0).is_some();
        for drop in
            [None, Some(drop.as_str()).filter(|_| has_drop)].into_iter().take(1 + usize::from(has_drop))
        {
            let set: Vec<&str> = std::iter::once("end_of_run=drain").chain(drop).collect();
            let chosen = Chosen::read(engine.spec(), schema, &set)?;
            if engine.granted_units(&chosen.policy)?.is_none() {
                let name =
                    drop.map_or_else(|| schema.name.to_string(), |drop| format!("{}:{drop}", schema.name));
                policies.push((name, chosen));
            }
        }
    }
    Ok(policies)
}

fn bounded(place: [&'static str; 4], policies: &Policies) -> Result<Bounded, String> {
    let [scenario, factor, length, on] = place;
    let text = |error: &dyn std::fmt::Display| format!("{scenario} on {on}: {error}");
    let mut workload =
        load::workload(scenario, None, Legality::Strict).map_err(|error| error.render(false))?;
    let millionths = parse_millionths(factor).ok_or("a load")?;
    workload.scenario = workload.scenario.scaled(millionths).map_err(|error| text(&error))?;
    workload.scenario.duration = Duration::parse(length).map_err(|error| text(&error))?;
    let platform = hardware::platform(on, None, Mode::Corrected).map_err(|error| error.render(false))?;
    let system = system(&workload, &platform).map_err(|error| text(&error))?;
    let window = window(&system, SEED, &WindowOptions::default()).map_err(|error| text(&error))?;
    let bounds = bound(&window, &Limits::default(), &|| false);
    let run = |chosen: &Chosen| {
        let run =
            measure(Engine::built_in(), &system, chosen, SEED, &window).map_err(|error| text(&error))?;
        Ok((run.late, run.summary.energy.energy_pj))
    };
    let policies = policies.iter().map(|(_, chosen)| run(chosen)).collect::<Result<_, String>>()?;
    Ok(Bounded { place, jobs: window.jobs().len(), bounds, policies })
}

/// Everything of the page: windows of the first table, then those of the second.
struct Page {
    policies: Policies,
    single: Vec<Bounded>,
    grid: Vec<Bounded>,
}

fn page() -> Result<&'static Page, Problem> {
    static PAGE: OnceLock<Result<Page, String>> = OnceLock::new();
    let made = PAGE.get_or_init(|| {
        let policies = policies().map_err(|error| error.to_string())?;
        let all = |places: Vec<[&'static str; 4]>| {
            places.into_par_iter().map(|place| bounded(place, &policies)).collect::<Result<Vec<_>, _>>()
        };
        let single = all(SINGLE
            .map(|(scenario, load, window, platform)| [scenario, load, window, platform])
            .to_vec())?;
        let mut places = Vec::new();
        for (scenarios, loads, platforms) in GRIDS {
            for scenario in scenarios {
                for load in loads {
                    places
                        .extend(platforms.iter().map(|platform| [*scenario, *load, GRID_WINDOW, *platform]));
                }
            }
        }
        let grid = all(places)?;
        Ok(Page { policies, single, grid })
    });
    made.as_ref().map_err(|error| error.clone().into())
}

/// Windows one by one.
pub(super) fn windows() -> Result<String, Problem> {
    let page = page()?;
    rows(page, &page.single)
}

/// Windows of the grids.
pub(super) fn grid() -> Result<String, Problem> {
    let page = page()?;
    let certified = page.grid.iter().filter(|window| window.bounds.is_certified()).count();
    let count = page.grid.len();
    let told = format!("{certified} of {count} are certified.");
    Ok(format!("{told}\n\n{}", rows(page, &page.grid)?))
}

fn rows(page: &Page, windows: &[Bounded]) -> Result<String, Problem> {
    let position = |name: &str| {
        page.policies.iter().position(|(known, _)| known == name).ok_or_else(|| format!("no policy {name}"))
    };
    let (edf, edf_drop) = (position("edf")?, position("edf:drop=infeasible")?);
    let row = |window: &Bounded| {
        let Bounded { place: [scenario, load, length, platform], jobs, bounds, policies } = window;
        let (late, best) = policies
            .iter()
            .zip(&page.policies)
            .map(|((late, _), (name, _))| (*late, name.as_str()))
            .min_by_key(|(late, _)| *late)
            .unwrap_or_default();
        let range = match bounds.is_certified() {
            true => format!("**{}**", bounds.late_lower),
            false => format!("{} to {}", bounds.late_lower, bounds.late_upper),
        };
        let energy = bounds.energy_upper.picojoules() / bounds.energy_lower.picojoules().max(1.0);
        vec![
            format!("`{scenario}` x{load}, {length}, `{platform}`"),
            jobs.to_string(),
            range,
            policies[edf].0.to_string(),
            policies[edf_drop].0.to_string(),
            format!("{late} (`{best}`)"),
            format!("{:.3}", bounds.energy_lower.picojoules() / MJ),
            format!("{energy:.2}"),
        ]
    };
    let header = [
        "window",
        "jobs",
        "late jobs",
        "`edf`",
        "`edf:drop=infeasible`",
        "best policy",
        "energy bound (mJ)",
        "schedule over it",
    ];
    Ok(table(&header, &windows.iter().map(row).collect::<Vec<_>>()))
}

/// Policies by how far they are from the lower bounds, over all windows.
pub(super) fn policies_beside() -> Result<String, Problem> {
    let page = page()?;
    let windows = || page.single.iter().chain(&page.grid);
    let mut rows: Vec<(u64, u64, Vec<String>)> = Vec::new();
    for (index, (name, _)) in page.policies.iter().enumerate() {
        let gaps: Vec<u64> = windows()
            .map(|window| window.policies[index].0.saturating_sub(window.bounds.late_lower))
            .collect();
        let late: u64 = windows().map(|window| window.policies[index].0).sum();
        let (sum, greatest) = (gaps.iter().sum::<u64>(), gaps.iter().max().copied().unwrap_or(0));
        let at_bound = gaps.iter().filter(|gap| **gap == 0).count();
        let ratios: Vec<f64> = windows()
            .filter(|window| window.policies[index].0 <= window.bounds.late_upper)
            .map(|window| window.policies[index].1 / window.bounds.energy_lower.picojoules().max(1.0))
            .collect();
        let mean = (!ratios.is_empty()).then(|| ratios.iter().sum::<f64>() / ratios.len() as f64);
        let cells = vec![
            format!("`{name}`"),
            late.to_string(),
            sum.to_string(),
            greatest.to_string(),
            at_bound.to_string(),
            crate::markdown::number(mean, 2),
        ];
        rows.push((sum, greatest, cells));
    }
    rows.sort_by_key(|(sum, greatest, _)| (*sum, *greatest));
    let rows: Vec<Vec<String>> = rows.into_iter().map(|(.., cells)| cells).collect();
    let header = [
        "policy",
        "late jobs",
        "above the bounds",
        "most in a window",
        "windows at the bound",
        "energy over bound",
    ];
    Ok(table(&header, &rows))
}
