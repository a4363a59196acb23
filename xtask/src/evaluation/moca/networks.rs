//! The networks of the evaluation by themselves: how long each takes on tiles, and what it asks of the memory.

use std::path::Path;

use rtmm_hardware::{AcceleratorId, DRAM, Mode, load as hardware};
use rtmm_reference::moca::Net;
use rtmm_runners::engine::system;
use rtmm_workload::{Legality, load};

use super::super::Problem;

/// A network on a chip of tiles.
pub(super) struct Network {
    /// Its task in the workload sets.
    pub task: String,
    /// Predicted latency alone on two tiles, and on all.
    pub on_two_tiles_ms: f64,
    pub on_all_tiles_ms: f64,
    /// Latency on two tiles that the artifact measured on its simulated chip, and that its load generator has.
    pub measured_ms: f64,
    pub spacing_ms: f64,
    /// Mean demand on two tiles, as a part of the DRAM bandwidth.
    pub demand: f64,
    /// The part of the latency on two tiles that is spent in layers of demands up to a quarter of the bandwidth.
    pub within_a_quarter: f64,
}

/// The networks of set C, which has all.
pub(super) fn of(platform: &str) -> Result<Vec<Network>, Problem> {
    let workload = load::workload("moca/set_c", None, Legality::Strict).map_err(|error| error.to_string())?;
    let platform = hardware::platform(platform, None, Mode::Corrected).map_err(|error| error.to_string())?;
    let system = system(&workload, &platform)?;
    let profile = &system.profile;
    let accelerator = AcceleratorId::new(0);
    let two = profile.class_with(accelerator, 2).ok_or("the chip has no groups of two tiles")?;
    let all = profile.whole(accelerator);
    let bandwidth = profile.shared_bandwidth().ok_or("the memory is not shared")?;
    let mut networks = Vec::new();
    for task in &system.scenario.tasks {
        let name = task.name.replace('_', "-");
        let facts = Net::of_name(&name).ok_or_else(|| format!("there is no net `{name}`"))?.facts();
        let (mut time, mut bytes, mut light) = (0.0, 0.0, 0.0);
        for layer in 0..profile.layers(task.model) {
            let seconds = profile.latency(task.model, layer, two).picoseconds() as f64 / 1e12;
            let moved = profile.traffic(task.model, layer, two)[DRAM] as f64;
            time += seconds;
            bytes += moved;
            if moved <= seconds * bandwidth.bytes_per_second() / 4.0 {
                light += seconds;
            }
        }
        networks.push(Network {
            task: task.name.clone(),
            on_two_tiles_ms: profile.remaining(task.model, 0, two).milliseconds(),
            on_all_tiles_ms: profile.remaining(task.model, 0, all).milliseconds(),
            measured_ms: facts.isolated_cycles as f64 / 1e6,
            spacing_ms: f64::from(facts.spacing_cycles) / 1e6,
            demand: bytes / (time * bandwidth.bytes_per_second()),
            within_a_quarter: light / time,
        });
    }
    Ok(networks)
}

/// Writes a row a network.
pub(super) fn write(networks: &[Network], path: &Path) -> Result<(), Problem> {
    let mut writer = csv::Writer::from_path(path)?;
    writer.write_record([
        "network",
        "on_two_tiles_ms",
        "on_all_tiles_ms",
        "measured_ms",
        "spacing_ms",
        "demand",
        "within_a_quarter",
    ])?;
    for network in networks {
        let numbers = [
            network.on_two_tiles_ms,
            network.on_all_tiles_ms,
            network.measured_ms,
            network.spacing_ms,
            network.demand,
            network.within_a_quarter,
        ];
        let texts = numbers.iter().map(|number| format!("{number:.6}"));
        writer.write_record(std::iter::once(network.task.clone()).chain(texts))?;
    }
    writer.flush()?;
    Ok(())
}
