//! The page "Boards": operating points of the platforms below `boards/`, from their files.

use rtmm_hardware::{Mode, Platform, PowerStates, load};
use rtmm_workload::load::{Kind, built_in_names};

use super::{Problem, table};

/// Hertz of a megahertz, microvolts of a volt, nanowatts of a milliwatt.
const MILLION: f64 = 1e6;

/// A row a unit that has operating points.
pub(super) fn part() -> Result<String, Problem> {
    let mut rows = Vec::new();
    for name in built_in_names(Kind::Platform).iter().filter(|name| name.starts_with("boards/")) {
        let platform =
            load::platform(name, None, Mode::Corrected).map_err(|problems| problems.to_string())?;
        let Platform { accelerators, configurations, power, technology, .. } = &platform;
        let prices = technology.as_ref().map_or_else(String::new, |prices| prices.label());
        let mut row = |unit: &str, label: &str, states: &PowerStates| {
            let mut cells = vec![format!("`{name}`"), unit.to_owned(), label.to_owned()];
            cells.extend(points(states));
            cells.push(prices.clone());
            rows.push(cells);
        };
        for accelerator in accelerators {
            let label = configurations.get(accelerator.configuration.index()).map_or("", |one| &one.label);
            if let Some(states) = &accelerator.power {
                row(&accelerator.name, label, states);
            }
        }
        if let Some(states) = &power.dram {
            row("memory", "", states);
        }
    }
    let header = ["platform", "unit", "cost model", "points", "MHz", "V", "static, mW", "change", "prices"];
    Ok(table(&header, &rows))
}

/// Number of points, their ranges, and the time of a change.
fn points(states: &PowerStates) -> Vec<String> {
    let range = |of: &dyn Fn(&rtmm_hardware::OperatingPoint) -> f64| {
        let values = states.points.iter().map(of);
        let (least, most) =
            values.fold((f64::INFINITY, 0.0_f64), |(low, high), one| (low.min(one), high.max(one)));
        if least == most { least.to_string() } else { format!("{least} – {most}") }
    };
    vec![
        states.points.len().to_string(),
        range(&|point| point.hertz as f64 / MILLION),
        range(&|point| point.microvolts as f64 / MILLION),
        range(&|point| point.static_power.nanowatts() as f64 / MILLION),
        states.switch.time.to_string(),
    ]
}
