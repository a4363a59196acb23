//! Systems that are drawn: scenarios of built-in models on built-in platforms, at loads from light to beyond what fits.
//!
//! Of a system are drawn, each from what is listed below: the kind of hardware, such as the costs, and the platform; two to eight tasks, each with a model, a
//! rate, a deadline, an offset, and now and then jitter, Poisson arrivals or a task that triggers it; and the load, to which all
//! rates are scaled together.

use rtmm_hardware::{Mode, Platform, load as hardware};
use rtmm_runners::engine::system;
use rtmm_workload::input::Source;
use rtmm_workload::load::{Kind, built_in_names};
use rtmm_workload::random::{Draws, Stream};
use rtmm_workload::{Legality, Workload, load};

use super::super::Problem;

/// A system.
pub(super) struct System {
    pub workload: Workload,
    pub platform: Platform,
    /// Name of the platform without its costs.
    pub platform_name: String,
    /// The name of the kind of hardware.
    pub kind: &'static str,
    /// Work that arrives over what accelerators can do, each job counted where it is fastest.
    pub load: f64,
}

/// A kind of hardware.
pub(crate) struct Hardware {
    pub name: &'static str,
    /// Costs of the platforms; none where they have one kind.
    costs: Option<&'static str>,
    /// Names of platforms; all of DREAM's where there are none.
    platforms: &'static [&'static str],
    /// The largest batch, where accelerators are to run batches.
    max_batch: Option<u32>,
}

/// Systems that are drawn together, on one table of the page.
pub(crate) struct Family {
    /// The seed of the page.
    pub seed: u64,
    pub systems: usize,
    /// The name of the data.
    pub table: &'static str,
    /// The column of the kind of hardware.
    pub column: &'static str,
    pub hardware: &'static [Hardware],
}

/// Platforms of DREAM by their costs.
pub(crate) const DREAM: Family = Family {
    seed: 155_325_552,
    systems: 200,
    table: "generated_systems.csv",
    column: "costs",
    hardware: &[
        Hardware { name: "corrected", costs: Some("corrected"), platforms: &[], max_batch: None },
        Hardware { name: "reference", costs: Some("reference"), platforms: &[], max_batch: None },
    ],
};

/// Hardware with what the platforms of DREAM do not have.
pub(crate) const HARDWARE: Family = Family {
    seed: 247_158_492,
    systems: 150,
    table: "generated_hardware.csv",
    column: "hardware",
    hardware: &[
        Hardware {
            name: "power states",
            costs: None,
            platforms: &["phone/four_unlike", "power/npu_and_gpu", "boards/gs101", "boards/jetson_orin_nano"],
            max_batch: None,
        },
        Hardware {
            name: "shared memory",
            costs: None,
            platforms: &["shared/quad_4k_ws_os_ws_os", "shared/octa_8k", "moca/soc_8_tiles"],
            max_batch: None,
        },
        Hardware { name: "batches", costs: Some("corrected"), platforms: &[], max_batch: Some(8) },
    ],
};

/// Rates before they are scaled.
const RATES_HZ: [f64; 7] = [60.0, 45.0, 30.0, 24.0, 15.0, 10.0, 5.0];
/// Deadlines in periods; the middle one as often as the others together.
const DEADLINES: [f64; 4] = [0.6, 1.0, 1.0, 1.5];
const LOADS: (f64, f64) = (0.3, 1.3);
/// Probabilities of what not every task has.
const TRIGGERED: f64 = 0.25;
const POISSON: f64 = 0.1;
const JITTER: f64 = 0.2;
/// Probability with which a completed job triggers another.
const OUTCOMES: [f64; 3] = [0.2, 0.5, 1.0];
/// Whole models of these folders.
const MODELS: [&str; 2] = ["dream/", "xrbench/"];
/// Variants of a supernet, which is among the models itself, and platforms that share memory, whose costs need a bandwidth.
const LEFT_OUT: [&str; 2] = ["once_for_all_", "_shared"];

/// A task before its rate is known.
struct Sketch {
    model: String,
    rate_hz: f64,
    deadline: f64,
    offset: f64,
    has_jitter: bool,
    is_poisson: bool,
    /// The task that triggers it, with the probability.
    after: Option<(usize, f64)>,
}

fn names(kind: Kind, folders: &[&str]) -> Vec<String> {
    let is_wanted = |name: &String| {
        folders.iter().any(|folder| name.starts_with(folder))
            && !LEFT_OUT.iter().any(|part| name.contains(part))
    };
    built_in_names(kind).into_iter().filter(is_wanted).collect()
}

/// Systems of a family with a seed.
pub(super) fn systems(family: &Family, seed: u64, count: usize) -> Result<Vec<System>, Problem> {
    let models = names(Kind::Model, &MODELS);
    let platforms = names(Kind::Platform, &MODELS[..1]);
    (0..count).map(|index| draw(family, seed, index, &models, &platforms)).collect()
}

fn draw(
    family: &Family,
    seed: u64,
    index: usize,
    models: &[String],
    platforms: &[String],
) -> Result<System, Problem> {
    let draws = Draws::new(seed, Stream::Generated, "system");
    let mut drawn = 0;
    let mut next = || {
        drawn += 1;
        draws.unit(index as u64, drawn)
    };
    let of_platform = next();
    let Hardware { name: kind, costs, platforms: own, max_batch } = pick(family.hardware, next());
    let platform_name = if own.is_empty() {
        pick(platforms, of_platform).clone()
    } else {
        (*pick(own, of_platform)).to_owned()
    };
    let whole = costs.map_or_else(|| platform_name.clone(), |costs| format!("{platform_name}@{costs}"));
    let platform = hardware::platform(&whole, None, Mode::Corrected);
    let mut platform = platform.map_err(|problems| problems.to_string())?;
    if let Some(max_batch) = max_batch {
        platform.accelerators.iter_mut().for_each(|accelerator| accelerator.max_batch = *max_batch);
    }
    let tasks = 2 + (next() * 7.0) as usize;
    let sketches: Vec<Sketch> = (0..tasks)
        .map(|place| {
            let sketch = Sketch {
                model: pick(models, next()).clone(),
                rate_hz: *pick(&RATES_HZ, next()),
                deadline: *pick(&DEADLINES, next()),
                offset: next(),
                has_jitter: next() < JITTER,
                is_poisson: next() < POISSON,
                after: None,
            };
            let (is_triggered, before, outcome) = (next() < TRIGGERED, next(), *pick(&OUTCOMES, next()));
            let after = (is_triggered && place > 0).then_some(((before * place as f64) as usize, outcome));
            Sketch { after, ..sketch }
        })
        .collect();
    let wanted = LOADS.0 + next() * (LOADS.1 - LOADS.0);
    let name = format!("generated_{index:03}");
    let unscaled = load_of(&text(&sketches, seed, 1.0), &name, &sketches, &platform)?;
    let factor = wanted / unscaled.1;
    let (workload, load) = load_of(&text(&sketches, seed, factor), &name, &sketches, &platform)?;
    Ok(System { workload, platform, platform_name, kind, load: load * factor })
}

fn pick<T>(values: &[T], drawn: f64) -> &T {
    &values[(drawn * values.len() as f64) as usize]
}

/// The rate of a task: of one that another triggers the rate of triggers.
fn rate(sketches: &[Sketch], place: usize) -> f64 {
    match sketches[place].after {
        Some((before, outcome)) => rate(sketches, before) * outcome,
        None => sketches[place].rate_hz,
    }
}

/// The task whose arrivals a task has.
fn leader(sketches: &[Sketch], place: usize) -> usize {
    sketches[place].after.map_or(place, |(before, _)| leader(sketches, before))
}

/// A scenario file with all rates times a factor.
fn text(sketches: &[Sketch], seed: u64, factor: f64) -> String {
    let mut text = format!("source = \"drawn with seed {seed}\"\nduration = \"3s\"\n");
    for (place, sketch) in sketches.iter().enumerate() {
        let of = &sketches[leader(sketches, place)];
        let period_us = 1e6 / (of.rate_hz * factor);
        let us = |periods: f64| format!("{:.0}us", (period_us * periods).max(1.0));
        text.push_str(&format!("[[task]]\nname = \"t{place}\"\nmodel = \"{}\"\n", sketch.model));
        text.push_str(&format!("deadline = \"{}\"\n", us(sketch.deadline)));
        if let Some((before, outcome)) = sketch.after {
            let kind = format!("kind = \"control\", probability = {outcome:?}");
            text.push_str(&format!("depends_on = [{{ task = \"t{before}\", {kind} }}]\n"));
        } else if sketch.is_poisson {
            let rate = sketch.rate_hz * factor;
            text.push_str(&format!("arrivals = {{ process = \"poisson\", rate_hz = {rate:.6} }}\n"));
        } else {
            text.push_str(&format!("period = \"{}\"\noffset = \"{}\"\n", us(1.0), us(sketch.offset)));
            if sketch.has_jitter {
                text.push_str(&format!("jitter = \"{}\"\n", us(0.1)));
            }
        }
    }
    text
}

/// The scenario of a text, and the load of its unscaled rates on a platform.
fn load_of(
    text: &str,
    name: &str,
    sketches: &[Sketch],
    platform: &Platform,
) -> Result<(Workload, f64), Problem> {
    let mut workload = load::workload_of(&Source::new(name, text), Legality::Strict)
        .map_err(|problems| problems.to_string())?;
    workload.scenario.name = name.to_owned();
    let system = system(&workload, platform).map_err(|error| error.to_string())?;
    let busy = |place: usize| {
        let model = system.scenario.tasks[place].model;
        rate(sketches, place) * system.profile.least_remaining(model, 0_u32).milliseconds() / 1e3
    };
    let busy: f64 = (0..sketches.len()).map(busy).sum();
    Ok((workload, busy / platform.accelerators.len() as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systems_are_those_of_their_seed_at_loads_within_the_bounds() {
        for family in [&DREAM, &HARDWARE] {
            let twice = [systems(family, 7, 12).unwrap(), systems(family, 7, 12).unwrap()];
            for (one, other) in twice[0].iter().zip(&twice[1]) {
                assert_eq!((&one.workload, one.kind), (&other.workload, other.kind));
                assert!((LOADS.0..LOADS.1).contains(&one.load), "{}", one.load);
                assert!(one.kind != "batches" || one.platform.accelerators[0].max_batch == 8);
            }
            let other = systems(family, 8, 12).unwrap();
            assert!(twice[0].iter().zip(&other).any(|(one, other)| one.workload != other.workload));
        }
    }
}
