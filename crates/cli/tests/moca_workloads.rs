//! The built-in workloads of the MoCA evaluation beside the program's constants.
#![expect(clippy::expect_used, reason = "tests fail by panicking")]
#![expect(clippy::disallowed_methods, reason = "these tests read what commands write")]

use crate::common;

use common::Workspace;
use rtmm_reference::moca::load_generator::{PRIORITY_WEIGHTS, Qos, TASKS, WorkloadSet};
use rtmm_reference::moca::{Addition, Convolution, Layer as Call, Net, Pooling, Product};
use rtmm_testkit::pages::{number, table};
use rtmm_workload::input::Source;
use rtmm_workload::{
    Arrivals, Convolution as Filter, Deadline, Duration, Elementwise, Frames, Gemm, Layer, Legality, Mix,
    Model, Operator, Pool, Shape, TaskId, Workload, load,
};

/// The name of a net's model below `moca/`.
fn name_of(net: Net) -> String {
    net.name().replace('-', "_")
}

fn model(net: Net) -> Model {
    load::model(&format!("moca/{}", name_of(net)), None, Legality::Strict).expect("a built-in model")
}

fn workload(set: WorkloadSet, qos: Qos) -> Workload {
    let level = match qos {
        Qos::Low => "_low",
        Qos::Medium => "",
        Qos::High => "_high",
    };
    let name = format!("moca/set_{}{level}", set.name().to_lowercase());
    load::workload(&name, None, Legality::Strict).expect("a built-in scenario")
}

fn square(channels: u32, side: u32) -> Shape {
    Shape { channels, height: side, width: side }
}

/// The padding of a pool of the model: where the program rounds up, a padding of one gives the same plane.
fn padding(window: [u32; 2], stated: u32, [from, to]: [u32; 2]) -> u32 {
    let [size, stride] = window;
    let rounds_down = (from + 2 * stated - size) / stride + 1 == to;
    if rounds_down { stated } else { 1 }
}

fn pool(channels: u32, [from, to]: [u32; 2], window: [u32; 2], stated: u32) -> Operator {
    let padding = padding(window, stated, [from, to]);
    let [kernel, stride, padding] = [window[0], window[1], padding].map(|extent| [extent; 2]);
    let pool = Pool { input: square(channels, from), kernel, stride, padding: padding.into() };
    assert_eq!(pool.output(), Ok(square(channels, to)));
    Operator::Pool(pool)
}

/// The operators of a call: a convolution that pools is two.
fn operators(call: &Call) -> Vec<Operator> {
    match *call {
        Call::Convolution(call) => {
            let Convolution { batch, in_dim, in_channels, out_channels, out_dim, .. } = call;
            assert_eq!((batch, call.dilation), (1, 1));
            let filter = Filter {
                input: square(in_channels, in_dim),
                output_channels: out_channels,
                kernel: [call.kernel; 2],
                stride: [call.stride; 2],
                padding: [call.padding; 2].into(),
                output_padding: [0; 2],
                dilation: [1; 2],
                groups: 1,
                transposed: false,
            };
            assert_eq!(filter.output(), Ok(square(out_channels, out_dim)));
            let window = [call.pool_size, call.pool_stride];
            let reach = out_dim + 2 * call.pool_padding - call.pool_size;
            let pooled = match call.pool_ceil {
                true => reach.div_ceil(call.pool_stride) + 1,
                false => reach / call.pool_stride + 1,
            };
            let pool = (call.pool_size > 1)
                .then(|| pool(out_channels, [out_dim, pooled], window, call.pool_padding));
            std::iter::once(Operator::Convolution(filter)).chain(pool).collect()
        }
        Call::Product(Product { i, j, k }) => {
            vec![Operator::Gemm(Gemm { rows: i, inner: k, columns: j })]
        }
        Call::Addition(Addition { i, j }) => {
            let output = square(j, i.isqrt());
            let elements = u64::from(i) * u64::from(j);
            assert_eq!(output.elements(), elements);
            vec![Operator::Elementwise(Elementwise { output, elements_in: 2 * elements, operations: 1 })]
        }
        Call::Pooling(Pooling { batch, in_dim, channels, out_dim, size, stride, padding }) => {
            assert_eq!(batch, 1);
            vec![pool(channels, [in_dim, out_dim], [size, stride], padding)]
        }
    }
}

#[test]
fn every_layer_is_a_call_of_the_driver() {
    for net in Net::ALL {
        let model = model(net);
        let expected: Vec<Operator> = net.facts().layers.iter().flat_map(operators).collect();
        assert_eq!(model.layers.len(), expected.len(), "{}", model.name);
        for (layer, expected) in model.layers.iter().zip(&expected) {
            assert_eq!(layer.operator, *expected, "{} {}", model.name, layer.name);
        }
        let is_pool = |layer: &&Layer| layer.name.ends_with("_pool") && !layer.name.contains("branch4");
        let fused = model.layers.iter().filter(is_pool).count();
        assert_eq!(model.layers.len() - fused, net.facts().layers.len(), "{}", model.name);
    }
}

fn cycles(cycles: u64) -> Duration {
    Duration::from_cycles(cycles, 1_000_000_000).expect("a time on the clock")
}

fn mix_of(workload: &Workload, task: usize) -> (&Mix, usize) {
    match &workload.scenario.tasks[task].arrivals {
        Arrivals::Mix { mix, member } => (mix, *member),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_sets_have_the_constants_of_the_load_generator() {
    for (set, qos) in WorkloadSet::ALL.into_iter().flat_map(|set| Qos::ALL.map(|qos| (set, qos))) {
        let workload = workload(set, qos);
        let tasks = &workload.scenario.tasks;
        assert_eq!(tasks.len(), set.nets().len());
        for (index, (task, net)) in tasks.iter().zip(set.nets()).enumerate() {
            let facts = net.facts();
            assert_eq!(task.name, name_of(*net));
            assert_eq!(workload.models[task.model.index()].name, format!("moca/{}", name_of(*net)));
            assert_eq!(task.deadline, Deadline::After(cycles(qos.target_cycles(*net))));
            let (mix, member) = mix_of(&workload, index);
            assert_eq!((member, mix.members.len()), (index, tasks.len()));
            assert_eq!(mix.members[member].weight, facts.draw_weight);
            assert_eq!(mix.members[member].spacing, cycles(facts.spacing_cycles as u64));
        }
        let (mix, _) = mix_of(&workload, 0);
        let priorities: Vec<(u32, u32)> =
            mix.priorities.iter().map(|(priority, weight)| (priority.unsigned_abs(), *weight)).collect();
        assert_eq!(priorities, PRIORITY_WEIGHTS);
        assert_eq!(mix.stretch_millionths, (f64::from(set.stretch()) * 1e6).round() as u64);
        assert_eq!((mix.streams, mix.stagger), (4, cycles(50_000)));
        assert_eq!((mix.shortening_step, mix.shortening_steps), (cycles(45_000), 20));
        assert_eq!(mix.requests, Some(TASKS as u64));
    }
}

#[test]
fn the_page_has_the_numbers_of_the_models() {
    let rows = table(include_str!("../../../docs/models/moca-workloads.md"), &["model", "set", "layers"]);
    assert_eq!(rows.len(), Net::ALL.len());
    for (row, net) in rows.iter().zip(Net::ALL) {
        let (model, facts) = (model(net), net.facts());
        let set = if WorkloadSet::A.nets().contains(&net) { "A" } else { "B" };
        assert_eq!((row[0].as_str(), row[1].as_str()), (model.name.as_str(), set));
        let numbers: Vec<u64> = row[2..].iter().map(|cell| number(cell)).collect();
        let expected = [
            model.layers.len() as u64,
            model.macs() / 1_000_000,
            facts.draw_weight.into(),
            facts.spacing_cycles as u64,
            facts.target_cycles as u64,
        ];
        assert_eq!(numbers, expected, "{}", model.name);
    }
}

/// All of the 250 come before the end of the scenario, whatever the seed.
#[test]
fn a_run_has_all_requests_of_its_seed() {
    for set in WorkloadSet::ALL {
        let workload = workload(set, Qos::Medium);
        for seed in 1..=200 {
            let frames = (0..workload.scenario.tasks.len()).map(|task| {
                let mut frames = Frames::new(&workload.scenario, TaskId::new(task), seed);
                std::iter::from_fn(|| frames.next_frame()).count()
            });
            assert_eq!(frames.sum::<usize>(), TASKS, "set {} seed {seed}", set.name());
        }
    }
}

/// The log that the authors ship: set, level, model, priority, dispatch, target and policy of each query.
fn logged() -> Vec<Vec<String>> {
    let packed: &[u8] = include_bytes!("../../reference/tests/golden/moca/queries.csv.gz");
    let mut reader = csv::Reader::from_reader(flate2::read::GzDecoder::new(packed));
    let header = reader.headers().expect("a header").clone();
    let wanted = ["workload_set", "qos", "model", "priority", "dispatch_cycle", "target_cycles", "policy"];
    let positions =
        wanted.map(|name| header.iter().position(|known| known == name).expect("a column of the log"));
    let row = |record: csv::StringRecord| positions.iter().map(|at| record[*at].to_owned()).collect();
    reader.records().map(|record| row(record.expect("a row"))).collect()
}

/// Each query of the 18 cells of the log, in the order of the log, on the simulated clock.
#[test]
fn request_files_have_the_logged_queries() {
    let logged = logged();
    let workspace = Workspace::new();
    let mut count = 0;
    for set in WorkloadSet::ALL {
        let workload = workload(set, Qos::Medium);
        for (qos, level) in [("L", "low"), ("M", "medium"), ("H", "high")] {
            let name = set.name().to_lowercase();
            let arguments = ["requests", "--compat", "moca", "--workload", &name, "--qos", level];
            let text = workspace.rtmm(&arguments).success();
            for policy in ["static", "moca"] {
                let of_cell =
                    |row: &&Vec<String>| (&*row[0], &*row[1], &*row[6]) == (set.name(), qos, policy);
                let cell: Vec<&Vec<String>> = logged.iter().filter(of_cell).collect();
                let mut reader = csv::Reader::from_reader(text.as_bytes());
                let rows: Vec<csv::StringRecord> =
                    reader.records().map(|record| record.expect("a row")).collect();
                assert_eq!(rows.len(), cell.len());
                for (row, logged) in rows.iter().zip(cell) {
                    let nanoseconds =
                        |text: &str| (text.parse::<f64>().expect("seconds") * 1e9).round() as u64;
                    let drawn = [
                        row[1].trim_start_matches("moca/").replace('_', "-"),
                        row[3].to_owned(),
                        nanoseconds(&row[0]).to_string(),
                        nanoseconds(&row[4]).to_string(),
                    ];
                    assert_eq!(drawn, logged[2..6], "{} {qos} {policy}", set.name());
                    count += 1;
                }
            }
            // Exactly, and every task of the scenario is found.
            let source = Source::new("queries.csv", text);
            let replay = load::requests_of(&source, Some(&workload), Legality::Strict).expect("requests");
            assert_eq!(replay.scenario.tasks.len(), set.nets().len());
        }
    }
    assert_eq!(count, 4_500);
}

/// A request file under a seed replays to what the scenario does under it.
#[test]
fn a_replay_of_a_seed_is_the_run_of_the_seed() {
    let workspace = Workspace::new();
    let write = ["requests", "--scenario", "moca/set_a", "--seed", "3", "--output", "a.csv"];
    let outcome = workspace.rtmm(&write);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (0, ""), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("250 requests in a.csv"), "{}", outcome.stderr);
    let jobs = |more: &[&str], name: &str| {
        let run = ["run", "--scenario", "moca/set_a", "--platform", "shared/quad_4k_ws_os_ws_os"];
        let set = ["--policy", "edf", "--set", "end_of_run=drain", "--seed", "3", "--jobs", name];
        workspace.rtmm(&[&run[..], &set, more].concat()).success();
        // In an order that does not depend on that of the tasks.
        let mut lines: Vec<String> = std::fs::read_to_string(workspace.path(name))
            .expect("rows of jobs")
            .lines()
            .map(str::to_owned)
            .collect();
        lines.sort_unstable();
        lines
    };
    let of_seed = jobs(&[], "seed.csv");
    assert_eq!(of_seed.len(), 251);
    assert_eq!(jobs(&["--requests", "a.csv"], "replay.csv"), of_seed);
}

#[test]
fn requests_that_no_file_can_say_are_refused() {
    let workspace = Workspace::new();
    let refused = |arguments: &[&str]| {
        let outcome = workspace.rtmm(&[&["requests"], arguments].concat());
        assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""), "{}", outcome.stderr);
        format!("$ rtmm requests {}\n{}\n", arguments.join(" "), outcome.stderr)
    };
    let cases: [&[&str]; 8] = [
        &[],
        &["--compat", "moca", "--workload", "a"],
        &["--compat", "moca", "--workload", "d", "--qos", "low"],
        &["--compat", "moca", "--workload", "a", "--qos", "low", "--seed", "3"],
        &["--scenario", "moca/set_d"],
        &["--scenario", "xrbench/vr_gaming"],
        &["--scenario", "examples/hub"],
        &["--scenario", "dysta/mixed"],
    ];
    let text: String = cases.into_iter().map(refused).collect();
    insta::assert_snapshot!("refused_requests", text);
}
