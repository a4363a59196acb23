//! The page "Technologies": networks priced by the built-in technologies, and DREAM's policies under one of them.

use std::collections::BTreeMap;

use rtmm_hardware::{Condition, CostModel, Decoded, EnergyParts, LayerOf, Level, Mode, load};
use rtmm_runners::Runners;
use rtmm_sweep::execute::in_memory;
use rtmm_sweep::plan::Plan;
use rtmm_sweep::results::Results;
use rtmm_sweep::statistics::{Bootstrap, geometric_mean, mean};
use rtmm_workload::load::model;
use rtmm_workload::{Legality, Model};

use super::{Problem, table};
use crate::evaluation::complete;

/// Picojoules of a millijoule, and picoseconds of a millisecond.
const MILLI: f64 = 1e9;
/// Energies of an inference of ResNet-50 above the idle power of a board, batch 1, as measured: millijoules.
const MEASURED: (f64, f64) = (3.3, 12.8);

/// Accelerators of the page: name, keys, and prices that were rounded by hand.
const ACCELERATORS: [(&str, &str, &str); 2] = [
    (
        "systolic WS 64 x 64",
        "model = \"systolic\", dataflow = \"ws\", rows = 64, cols = 64, sram_ifmap_bytes = 524288, \
         sram_filter_bytes = 524288, sram_ofmap_bytes = 524288, dram_bandwidth = 51.2",
        "mac_pj = 0.10, sram_pj = 1.3, dram_pj = 43",
    ),
    (
        "maestro WS 4096",
        "model = \"maestro\", dataflow = \"WS\", pes = 4096, noc_bandwidth = 256, l2_bytes = 2097152, dram_bandwidth = 51.2",
        "mac_pj = 0.10, l1_pj = 0.03, l2_pj = 1.9, dram_pj = 43",
    ),
];

/// Whole networks on one accelerator.
struct Cost {
    energy: EnergyParts,
    milliseconds: f64,
}

fn decoded(keys: &str, more: &str) -> Result<Box<dyn CostModel>, Problem> {
    let comma = if more.is_empty() { "" } else { ", " };
    let text = format!("{{ {keys}{comma}{more} }}");
    let Decoded { cost_model, .. } = load::accelerator(&text, load::DEFAULT_CLOCK_HZ, Mode::Corrected)
        .map_err(|problems| problems.to_string())?;
    Ok(cost_model)
}

fn published(level: Level) -> String {
    let level = level.name();
    format!("technology = {{ name = \"published\", node_nm = 7, dram = \"LPDDR5\", level = \"{level}\" }}")
}

fn cost(of: &dyn CostModel, network: &Model) -> Result<Cost, Problem> {
    let mut sum = Cost { energy: EnergyParts::default(), milliseconds: 0.0 };
    for layer in &network.layers {
        let work = of.work(LayerOf { model: &network.name, layer }, Condition::Profile)?;
        let EnergyParts { mac, l1, l2, dram, static_energy } = work.energy;
        sum.energy.mac += mac;
        sum.energy.l1 += l1;
        sum.energy.l2 += l2;
        sum.energy.dram += dram;
        sum.energy.static_energy += static_energy;
        sum.milliseconds += work.latency().picoseconds() as f64 / MILLI;
    }
    Ok(sum)
}

fn millijoules(picojoules: f64) -> String {
    format!("{:.2}", picojoules / MILLI)
}

/// Cells of the parts, and the total.
fn parts(energy: &EnergyParts) -> Vec<String> {
    let EnergyParts { mac, l1, l2, dram, static_energy } = energy;
    [*mac, *l1, *l2, *dram, *static_energy, energy.total()].map(millijoules).into()
}

/// ResNet-50 by own prices, by prices rounded by hand, and by the technology at all levels.
pub(super) fn resnet50() -> Result<String, Problem> {
    let network = model("dysta/resnet50", None, Legality::Strict).map_err(|problems| problems.to_string())?;
    let mut rows = Vec::new();
    let mut outside = Vec::new();
    for (name, keys, by_hand) in ACCELERATORS {
        let mut row = |prices: &str, more: &str| -> Result<f64, Problem> {
            let Cost { energy, milliseconds } = cost(decoded(keys, more)?.as_ref(), &network)?;
            let mut cells = vec![name.to_owned(), prices.to_owned()];
            cells.extend(parts(&energy));
            cells.push(format!("{milliseconds:.2}"));
            rows.push(cells);
            Ok(energy.total() / MILLI)
        };
        row("its own", "")?;
        row("rounded by hand", by_hand)?;
        for (level_name, level) in Level::ALL {
            let total = row(&format!("`published`, {level_name}"), &published(level))?;
            let (least, most) = MEASURED;
            if total < least || total > most {
                outside.push(format!("{name}, {level_name} ({total:.2} mJ)"));
            }
        }
    }
    let header = [
        "cost model",
        "prices",
        "MAC, vector",
        "L1",
        "L2, buffers",
        "DRAM",
        "static",
        "total, mJ",
        "latency, ms",
    ];
    let verdict = match outside.as_slice() {
        [] => "All values of the technology are inside.".to_owned(),
        outside => format!("Outside of it: {}.", outside.join("; ")),
    };
    let (least, most) = MEASURED;
    Ok(format!(
        "{}\nMeasured above board idle at batch 1: {least} to {most} mJ. {verdict}\n",
        table(&header, &rows)
    ))
}

/// Other networks at all levels.
pub(super) fn networks() -> Result<String, Problem> {
    let mut rows = Vec::new();
    for name in ["dysta/resnet50", "examples/mobilenet_v2", "examples/transformer_block"] {
        let network = model(name, None, Legality::Strict).map_err(|problems| problems.to_string())?;
        for (of, keys, _) in ACCELERATORS {
            let own = cost(decoded(keys, "")?.as_ref(), &network)?;
            let mut cells = vec![
                format!("`{name}`"),
                format!("{:.2}", network.macs() as f64 / 1e9),
                of.to_owned(),
                millijoules(own.energy.total()),
            ];
            for (_, level) in Level::ALL {
                let priced = cost(decoded(keys, &published(level))?.as_ref(), &network)?;
                cells.push(millijoules(priced.energy.total()));
                if level == Level::Typical {
                    let share = |part: f64| format!("{:.0} %", 100.0 * part / priced.energy.total());
                    cells.push(share(priced.energy.dram));
                    cells.push(share(priced.energy.static_energy));
                }
            }
            rows.push(cells);
        }
    }
    let header = [
        "network",
        "GMAC",
        "cost model",
        "own prices, mJ",
        "low",
        "typical",
        "of it DRAM",
        "of it static",
        "high",
    ];
    Ok(table(&header, &rows))
}

/// Prices under which the sweep runs, by the folder and the level in the names of its platforms.
const PRICES: [(&str, &str); 4] =
    [("own", "cost model's own"), ("low", "low"), ("typical", "typical"), ("high", "high")];

/// The prices that a platform of the sweep has.
fn prices_of(platform: &str) -> &str {
    platform.rsplit_once('@').map_or("own", |(_, level)| level)
}

/// The values of one policy under one kind of prices: of each scenario and platform, by seed.
type BySeed = Vec<Vec<f64>>;

/// Values of a metric by prices and policy.
fn by_prices(plan: &Plan<'_>, results: &Results<'_>, metric: &str) -> BTreeMap<(String, String), BySeed> {
    let mut all: BTreeMap<(String, String), BySeed> = BTreeMap::new();
    for cells in plan.groups() {
        let Some(first) = cells.first() else { continue };
        let prices = prices_of(&plan.platform(first).name).to_owned();
        let policy = plan.policy(first).name.to_string();
        let values = cells.iter().filter_map(|cell| results.cell_value(cell, metric)?.number());
        all.entry((prices, policy)).or_default().push(values.collect());
    }
    all
}

/// The geometric mean over scenarios and platforms of one policy's mean over another's, over the seeds that `drawn` names.
fn ratio(one: &BySeed, other: &BySeed, drawn: &[u32]) -> Option<f64> {
    let of = |values: &[f64]| {
        // A scenario without randomness has one seed.
        if let [only] = values {
            return Some(*only);
        }
        let drawn: Option<Vec<f64>> = drawn.iter().map(|seed| values.get(*seed as usize).copied()).collect();
        mean(&drawn?)
    };
    let ratios: Option<Vec<f64>> =
        one.iter().zip(other).map(|(one, other)| Some(of(one)? / of(other)?)).collect();
    geometric_mean(&ratios?).ok()
}

/// The order of DREAM's policies under each kind of prices, and where it differs by more than chance.
pub(super) fn dream() -> Result<String, Problem> {
    let plan = rtmm_sweep::file::plan("technology", &Runners::built_in().list())
        .map_err(|problems| problems.to_string())?;
    let results = in_memory(&plan)?;
    complete(&results)?;
    let seeds = plan.axes().seeds.len();
    let whole: Vec<u32> = (0..seeds).map(|seed| seed as u32).collect();
    let policies: Vec<String> = plan.axes().policies.iter().map(|policy| policy.name.to_string()).collect();
    let first = policies.first().ok_or("the sweep has no policy")?;
    let values = by_prices(&plan, &results, "ux_cost");
    let of = |prices: &str, policy: &str| -> Result<&BySeed, Problem> {
        let found = values.get(&(prices.to_owned(), policy.to_owned()));
        found.ok_or_else(|| format!("the sweep lacks {policy} by {prices}").into())
    };
    let mut rows: Vec<Vec<String>> = policies.iter().map(|policy| vec![format!("`{policy}`")]).collect();
    for (prices, _) in PRICES {
        let base = of(prices, first)?;
        let mut ranked = Vec::new();
        for policy in &policies {
            ranked.push(ratio(of(prices, policy)?, base, &whole).ok_or("a policy has no value")?);
        }
        for (row, value) in rows.iter_mut().zip(&ranked) {
            let rank = 1 + ranked.iter().filter(|other| **other < *value).count();
            row.push(format!("{value:.3} ({rank})"));
        }
    }
    let mut header = vec!["policy".to_owned()];
    header.extend(PRICES.map(|(_, name)| name.to_owned()));
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let mut text = format!(
        "UXCost over that of `{first}`, geometric mean over {} scenarios and three platforms, {seeds} seeds; in parentheses the \
         rank:\n\n{}\n",
        plan.axes().workloads.len(),
        table(&header, &rows)
    );
    text.push_str(&turned(&policies, seeds, &of)?);
    text.push_str(&platforms(&plan, &results)?);
    Ok(text)
}

/// Pairs of policies whose order differs between kinds of prices, both by more than the seeds leave open.
fn turned<'v>(
    policies: &[String],
    seeds: usize,
    of: &impl Fn(&str, &str) -> Result<&'v BySeed, Problem>,
) -> Result<String, Problem> {
    let bootstrap = Bootstrap::new(seeds);
    let (mut by_technology, mut by_level, mut same, mut open) = (Vec::new(), Vec::new(), 0, 0);
    for (index, one) in policies.iter().enumerate() {
        for other in &policies[index + 1..] {
            // Below zero where the first is better by more than chance, above where the second is.
            let mut signs = Vec::new();
            for (prices, _) in PRICES {
                let (left, right) = (of(prices, one)?, of(prices, other)?);
                let interval = bootstrap.interval_of(|drawn| ratio(left, right, drawn));
                signs.push(interval.map_or(0, |interval| match () {
                    () if interval.high < 1.0 => -1,
                    () if interval.low > 1.0 => 1,
                    () => 0,
                }));
            }
            let (own, levels) = (signs[0], &signs[1..]);
            if levels.contains(&1) && levels.contains(&-1) {
                by_level.push(format!("`{one}` and `{other}`"));
            } else if own != 0 && levels.contains(&-own) {
                by_technology.push(format!("`{one}` and `{other}`"));
            } else if signs.iter().all(|sign| *sign == own && own != 0) {
                same += 1;
            } else {
                open += 1;
            }
        }
    }
    let list = |pairs: &[String]| if pairs.is_empty() { "none".to_owned() } else { pairs.join("; ") };
    Ok(format!(
        "Of {} pairs of policies, {same} have one order by all four kinds of prices, by more than chance (95 % bootstrap over \
         seeds); {open} have an order that chance leaves open by some. Turned round by the technology: {}. Turned round between \
         its levels: {}.\n\n",
        same + open + by_technology.len() + by_level.len(),
        list(&by_technology),
        list(&by_level),
    ))
}

/// Power by platform: which dataflow takes the least.
fn platforms(plan: &Plan<'_>, results: &Results<'_>) -> Result<String, Problem> {
    let mut powers: BTreeMap<(String, String), Vec<f64>> = BTreeMap::new();
    for cells in plan.groups() {
        let Some(first) = cells.first() else { continue };
        let platform = &plan.platform(first).name;
        let short = platform.rsplit('/').next().unwrap_or(platform);
        let short = short.split('@').next().unwrap_or(short).to_owned();
        let power = |cell| results.cell_value(cell, "mean_power_w")?.number();
        let values: Vec<f64> = cells.iter().filter_map(power).collect();
        let of = powers.entry((short, prices_of(platform).to_owned())).or_default();
        of.push(mean(&values).ok_or("a cell has no power")?);
    }
    let names: Vec<String> = {
        let mut names: Vec<String> = powers.keys().map(|(platform, _)| platform.clone()).collect();
        names.dedup();
        names
    };
    let mut rows = Vec::new();
    for platform in names {
        let mut row = vec![format!("`{platform}`")];
        for (prices, _) in PRICES {
            let values =
                powers.get(&(platform.clone(), prices.to_owned())).ok_or("a platform has no power")?;
            row.push(format!("{:.3}", geometric_mean(values).map_err(|_| "a power is not positive")?));
        }
        rows.push(row);
    }
    let mut header = vec!["platform"];
    header.extend(PRICES.map(|(_, name)| name));
    Ok(format!(
        "Mean power of the work in watts, geometric mean over scenarios and policies:\n\n{}",
        table(&header, &rows)
    ))
}
