//! Published schedules of HaX-CoNN on a Jetson AGX Xavier: what public inputs say of them.
//!
//! Source: the artifact of Dagli and Belviranli (PPoPP 2024), github.com/ismetdagli/HaX-CoNN. Published latencies are those of
//! output_expected/multi_dnn_expected.txt (commit e4152049), times of groups of layers those of src/z3_solver_multi_dnn.py
//! (commit 14096dc1), in milliseconds. In its list of ResNet on the DLA, `0,28` is read as 0.28.

#![expect(
    clippy::disallowed_methods,
    reason = "writes the platform that it simulates into a temporary folder"
)]

use std::path::Path;

use rtmm_hardware::{Mode, load as hardware};
use rtmm_runners::engine::Engine;
use rtmm_sim::metrics::{JobRow, JobRows};
use rtmm_sweep::runner::{CellRunner, Chosen};
use rtmm_workload::{Legality, load};

use super::Problem;
use crate::markdown::table;

/// Networks of the experiments, and latencies: GPU only, GPU and DLA, Herald, H2H, HaX-CoNN.
const PUBLISHED: [(&str, [f64; 5]); 4] = [
    ("GoogLeNet, ResNet", [8.1, 10.2, 10.7, 10.2, 7.8]),
    ("Inception, ResNet-152", [18.1, 16.7, 16.9, 17.1, 14.4]),
    ("AlexNet, ResNet-101", [13.4, 10.4, 11.5, 11.4, 8.4]),
    ("VGG-19, ResNet-152", [15.6, 19.8, 18.6, 18.7, 13.6]),
];
/// Gains over the best other schedule that the artifact says the publication claims, in percent.
const CLAIMED: [f64; 4] = [0.0, 20.0, 26.0, 23.0];
/// A network with the times of its groups of layers on the GPU and on the DLA.
type Network = (&'static str, [f64; 10], [f64; 10]);
const NETWORKS: [Network; 2] = [
    (
        "googlenet",
        [0.35, 0.15, 0.20, 0.11, 0.12, 0.13, 0.15, 0.19, 0.12, 0.20],
        [0.75, 0.34, 0.45, 0.37, 0.31, 0.33, 0.31, 0.35, 0.27, 0.36],
    ),
    (
        "resnet",
        [0.14, 0.11, 0.39, 0.58, 1.4, 0.9, 0.75, 0.52, 0.59, 0.07],
        [0.28, 0.15, 1.99, 1.73, 2.8, 1.9, 1.41, 0.99, 1.14, 0.15],
    ),
];
/// Engines that the two networks run on, with the columns of [`PUBLISHED`] that they are.
const MAPPINGS: [(&str, [&str; 2], usize); 3] = [
    ("both on the GPU", ["gpu", "gpu"], 0),
    ("GoogLeNet on the DLA, ResNet on the GPU", ["dla", "gpu"], 1),
    ("GoogLeNet on the GPU, ResNet on the DLA", ["gpu", "dla"], 1),
];

/// The published table with the gains that follow from it.
pub(super) fn published() -> String {
    let rows: Vec<Vec<String>> = PUBLISHED
        .iter()
        .zip(CLAIMED)
        .zip(1..)
        .map(|(((networks, latencies), claimed), experiment)| {
            let [.., own] = latencies;
            let best = latencies[..4].iter().copied().fold(f64::INFINITY, f64::min);
            let mut row = vec![experiment.to_string(), (*networks).to_owned()];
            row.extend(latencies.iter().map(|latency| format!("{latency:.1}")));
            row.push(format!("{:.1} %", 100.0 * (best / own - 1.0)));
            row.push(format!("{claimed:.0} %"));
            row
        })
        .collect();
    let header = [
        "experiment",
        "networks",
        "GPU only",
        "GPU and DLA",
        "Herald",
        "H2H",
        "HaX-CoNN",
        "gain over the best other",
        "claimed",
    ];
    table(&header, &rows)
}

/// The first experiment, simulated from the published times of groups of layers, without competition for memory.
///
/// # Errors
/// A problem of the simulation.
pub(super) fn simulated() -> Result<String, Problem> {
    let folder = tempfile::tempdir()?;
    let (_, latencies) = PUBLISHED[0];
    let mut rows = Vec::new();
    for (words, engines, column) in MAPPINGS {
        let simulated = makespan(folder.path(), engines)?;
        let measured = latencies[column];
        rows.push(vec![
            words.to_owned(),
            format!("{simulated:.2}"),
            format!("{measured:.1}"),
            format!("{:+.0} %", 100.0 * (simulated / measured - 1.0)),
        ]);
    }
    Ok(table(&["schedule", "simulated, ms", "published, ms", "difference"], &rows))
}

/// Time until both networks have run once, in milliseconds.
fn makespan(folder: &Path, engines: [&str; 2]) -> Result<f64, Problem> {
    let mut scenario = String::from("source = \"HaX-CoNN, PPoPP 2024, experiment 1\"\nduration = \"50ms\"\n");
    let (mut gpu, mut dla) = ("model,layer,latency_us\n".to_owned(), "model,layer,latency_us\n".to_owned());
    for ((name, on_gpu, on_dla), engine) in NETWORKS.into_iter().zip(engines) {
        let groups: Vec<String> = (0..on_gpu.len()).map(|group| format!("\"group{group}\"")).collect();
        let model = format!("source = \"the artifact\"\nmeasured_layers = [{}]\n", groups.join(", "));
        std::fs::write(folder.join(format!("{name}.toml")), model)?;
        for (group, (gpu_ms, dla_ms)) in on_gpu.into_iter().zip(on_dla).enumerate() {
            gpu.push_str(&format!("{name},group{group},{:.0}\n", 1e3 * gpu_ms));
            dla.push_str(&format!("{name},group{group},{:.0}\n", 1e3 * dla_ms));
        }
        scenario.push_str(&format!(
            "[[task]]\nname = \"{name}\"\nmodel = \"{name}.toml\"\nperiod = \"50ms\"\nrun_on = [\"{engine}\"]\n"
        ));
    }
    let mut platform = String::from("source = \"the artifact\"\n");
    for (name, table) in [("gpu", gpu), ("dla", dla)] {
        std::fs::write(folder.join(format!("{name}.csv")), table)?;
        platform.push_str(&format!(
            "[[accelerator]]\nname = \"{name}\"\nmodel = \"table\"\nfile = \"{name}.csv\"\n"
        ));
    }
    let (scenario_file, platform_file) = (folder.join("experiment.toml"), folder.join("xavier.toml"));
    std::fs::write(&scenario_file, scenario)?;
    std::fs::write(&platform_file, platform)?;
    let workload = load::workload(&scenario_file.to_string_lossy(), None, Legality::Strict)?;
    let platform = hardware::platform(&platform_file.to_string_lossy(), None, Mode::Corrected)?;
    let engine = Engine::built_in();
    let schema = engine.spec().policy("fcfs").ok_or("the engine lacks fcfs")?;
    let chosen = Chosen::read(engine.spec(), schema, &["end_of_run=drain"])?;
    let system = engine.system_for(&chosen.policy, &workload, &platform)?;
    let mut last = 0.0_f64;
    let watch = JobRows::new(|row: &JobRow| {
        last = last.max(row.end.saturating_since(row.arrival).milliseconds());
    });
    engine.simulate(&system, &chosen, 1, watch)?;
    Ok(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_sums_of_groups_on_the_engines_that_run_them() {
        let folder = tempfile::tempdir().unwrap();
        let of = |engines| format!("{:.2}", makespan(folder.path(), engines).unwrap());
        // One after the other: 1.72 and 5.45 ms on the GPU.
        assert_eq!(of(["gpu", "gpu"]), "7.17");
        assert_eq!([of(["dla", "gpu"]), of(["gpu", "dla"])], ["5.45", "12.54"]);
    }
}
