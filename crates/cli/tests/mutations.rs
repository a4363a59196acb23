//! Built-in files with random damage: whatever a file says, reading it ends with a value or with
//! problems that can be shown, and a layer that was read can be costed or is refused.
//!
//! `RTMM_MUTATIONS` sets the number of damaged files of each kind, `RTMM_MUTATION_SEED` makes other
//! ones.
#![expect(clippy::expect_used, reason = "tests fail by panicking")]
#![expect(clippy::disallowed_methods, reason = "a scenario names a trace, which must be written")]

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};

use rtmm_hardware::maestro::dataflow::Dataflow;
use rtmm_hardware::{CostModel, Explainer, LayerOf, Mode, Technology, load as hardware};
use rtmm_reference::moca::case_file::{self, Case};
use rtmm_reference::moca::contention::Setting;
use rtmm_reference::moca::scheduler::{ROUNDS, Scheduler};
use rtmm_reference::moca::{Estimate, Fixes, hardware_throttle, layer_file};
use rtmm_workload::input::{Diagnostics, Origin, Source};
use rtmm_workload::load::{self, Kind, built_in_names};
use rtmm_workload::random::{Draws, Stream};
use rtmm_workload::{Frames, Layer, Legality, TaskId, read_layer_table};

const MUTATIONS: u64 = 400;
const BOTH: [(Legality, Mode); 2] =
    [(Legality::Strict, Mode::Corrected), (Legality::Published, Mode::Reference)];

/// A trace of one task.
const TRACE: &str = "arrival_s,sample,priority,relative_deadline_s\n0.0,1,2,0.5\n0.25,,,\n0.25,7,-1,1\n";

/// Numbers at the edges of what readers take.
const NUMBERS: [&str; 22] = [
    "0",
    "-1",
    "1",
    "2",
    "3.5",
    "1e9",
    "1e-9",
    "nan",
    "inf",
    "-inf",
    "255",
    "4096",
    "65536",
    "1048576",
    "16777216",
    "16777217",
    "4294967295",
    "4294967296",
    "1125899906842624",
    "18446744073709551616",
    "0x1000000",
    "1_000_000",
];

/// Texts that mean something to a reader, or trip it.
const TEXTS: [&str; 40] = [
    "\"",
    "'",
    "[",
    "]",
    "[[",
    "]]",
    "{",
    "}",
    "=",
    ",",
    ".",
    "#",
    "\n",
    "\r\n",
    "\r",
    "\\",
    "\\u0000",
    "\u{0}",
    "\u{feff}",
    "é",
    "日本",
    "\u{202e}",
    "\u{1b}[31m",
    " ",
    "\t",
    "true",
    "null",
    "[]",
    "{}",
    "\"\"",
    "\"16ms\"",
    "DSCONV",
    "TRCONV",
    "\"add\"",
    "\"resize\"",
    "\"attention\"",
    "\"transposed-convolution\"",
    "\"S(1,1) K\"",
    "*",
    "/",
];

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (word ^ (word >> 31)) as usize % end.max(1)
    }

    fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }

    /// A position between two characters.
    fn boundary(&mut self, text: &str) -> usize {
        let mut position = self.below(text.len() + 1);
        while !text.is_char_boundary(position) {
            position -= 1;
        }
        position
    }
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().expect("a whole number"))
}

/// A text with one to four changes.
fn mutated(text: &str, random: &mut Random) -> String {
    let mut text = text.to_owned();
    for _ in 0..=random.below(4) {
        mutate(&mut text, random);
    }
    text
}

fn mutate(text: &mut String, random: &mut Random) {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    match random.below(8) {
        0 => {
            let position = random.boundary(text);
            text.insert_str(position, random.pick(&TEXTS));
        }
        1 => {
            let start = random.boundary(text);
            let mut end = (start + 1 + random.below(12)).min(text.len());
            while !text.is_char_boundary(end) {
                end += 1;
            }
            text.replace_range(start..end, "");
        }
        2 => text.truncate(random.boundary(text)),
        3 if !lines.is_empty() => {
            let line = random.pick(&lines).to_owned();
            let position = random.boundary(text);
            let position = text[..position].rfind('\n').map_or(0, |newline| newline + 1);
            text.insert_str(position, &line);
        }
        4 if !lines.is_empty() => {
            let skipped = random.below(lines.len());
            *text = lines
                .iter()
                .enumerate()
                .filter(|(index, _)| *index != skipped)
                .map(|(_, line)| *line)
                .collect();
        }
        // Numbers twice as often as anything else.
        _ => {
            let start = random.boundary(text);
            let digit = |character: char| character.is_ascii_digit();
            let Some(first) = text[start..].find(digit).map(|offset| start + offset) else { return };
            let length = text[first..].find(|character| !digit(character)).unwrap_or(text.len() - first);
            text.replace_range(first..first + length, random.pick(&NUMBERS));
        }
    }
}

/// Damages `count` of the originals and reads them; a panic is reported with the text that caused it.
fn each_mutation(originals: &[Source], purpose: u64, read: impl Fn(&Source)) {
    let mut random = Random(setting("RTMM_MUTATION_SEED", 1) ^ (purpose << 32));
    for _ in 0..setting("RTMM_MUTATIONS", MUTATIONS) {
        let original = &originals[random.below(originals.len())];
        let text = mutated(original.text(), &mut random);
        let source = Source::with_origin(original.name(), text.as_str(), original.origin().clone());
        if catch_unwind(AssertUnwindSafe(|| read(&source))).is_err() {
            panic!("reading this as {} panics:\n{text}", original.name());
        }
    }
}

fn built_in(kind: Kind) -> Vec<Source> {
    let open = |name: &String| load::open(kind, name, None).expect("a built-in file");
    built_in_names(kind).iter().map(open).collect()
}

/// What was read, after its problems, if any, were shown in both ways.
fn shown<T>(result: Result<T, Diagnostics>) -> Option<T> {
    result
        .map_err(|problems| {
            assert!(!problems.is_empty());
            assert!(!problems.render(false).is_empty() && !problems.render(true).is_empty());
        })
        .ok()
}

fn cost_models(mode: Mode) -> Vec<Box<dyn CostModel>> {
    [
        "{ model = \"maestro\", dataflow = \"WS\", pes = 4096, noc_bandwidth = 256, dram_bandwidth = 1, element_bytes = 64 }",
        "{ model = \"maestro\", dataflow = \"RS\", pes = 256, noc_bandwidth = 1, l1_bytes = 64, l2_bytes = 4096 }",
        "{ model = \"systolic\", dataflow = \"os\", rows = 8, cols = 1, dram_bandwidth = 0.000001, sram_ifmap_bytes = 2 }",
        "{ model = \"fission\", dataflow = \"is\", subarrays = 5, rows = 3, cols = 8, dram_bandwidth = 0.5, sram_filter_bytes = 64 }",
        "{ model = \"gemmini\", dim = 4, tiles = 3, scratchpad_bytes = 64, accumulator_bytes = 200, cache_bytes = 0, split = \"shares\" }",
        "{ model = \"gemmini\", dim = 16, tiles = 64, memory = \"sum\", input = \"dram\", overlap_factor = 0 }",
    ]
    .iter()
    .map(|text| hardware::accelerator(text, 1_000_000_000, mode).expect("an accelerator").cost_model)
    .collect()
}

/// Costs and explains a layer; that it cannot run is an answer.
fn cost(models: &[Box<dyn CostModel>], layer: &Layer) {
    for model in models {
        let layer = LayerOf { model: "m", layer };
        let (mut row, explainer) = (Vec::new(), Explainer::of(model.as_ref()));
        if explainer.report(layer, &mut row).is_ok() {
            assert_eq!(row.len(), explainer.columns().len());
            let _ = explainer.explanation(layer);
        }
        let _ = model.work(layer, Default::default());
    }
}

#[test]
fn damaged_models_are_read_or_refused() {
    let graph = "\
source = \"a test\"
input = [3, 64, 64]
[[layer]]
name = \"conv\"
operator = \"convolution\"
channels = 16
kernel = 3
stride = 2
padding = 1
[[layer]]
name = \"depthwise\"
operator = \"convolution\"
channels = 16
kernel = [3, 3]
groups = \"depthwise\"
padding = 1
[[layer]]
name = \"sum\"
operator = \"add\"
input = [\"conv\", \"depthwise\"]
[[layer]]
name = \"up\"
operator = \"transposed-convolution\"
channels = 8
kernel = 4
stride = 2
padding = 1
[[layer]]
name = \"pool\"
operator = \"max-pool\"
kernel = 2
[[layer]]
name = \"large\"
operator = \"resize\"
factor = [2, 1]
[[layer]]
name = \"tokens\"
operator = \"tokens\"
[[layer]]
name = \"attention\"
operator = \"attention\"
heads = 2
[[layer]]
name = \"memory\"
operator = \"lstm\"
hidden = 32
bidirectional = true
[[layer]]
name = \"norm\"
operator = \"layer-norm\"
[[layer]]
name = \"out\"
operator = \"fully-connected\"
features = 10
flatten = true
[[block]]
name = \"residual\"
first = \"depthwise\"
last = \"sum\"
skip_probability = 0.5
[[block]]
name = \"sequence\"
first = \"attention\"
last = \"out\"
[[exit]]
name = \"early\"
after = \"pool\"
probability = 0.25
accuracy = 0.5
[[exit]]
name = \"middle\"
after = \"memory\"
probability = 0.125
";
    let graph = format!("accuracy = 0.75\n{graph}");
    // Half of the originals have layers of their own; most of the built-in ones name tables.
    let mut originals = built_in(Kind::Model);
    originals.extend((0..originals.len()).map(|_| Source::new("graph.toml", graph.as_str())));
    each_mutation(&originals, 1, |source| {
        for (legality, mode) in BOTH {
            let Some(model) = shown(load::model_of(source, legality)) else { continue };
            let _ = (model.macs(), model.parameters());
            // What runs stays within the model, whatever its blocks and exits are.
            let layers = model.layers.len();
            assert_eq!(model.expected_remaining(&vec![1; layers]).len(), layers + 1);
            for sample in 0..4 {
                let realisation = model.realise(Draws::new(1, Stream::Path, "t"), sample);
                assert!(
                    model.next_layer(&realisation, 0) < realisation.end && realisation.end as usize <= layers
                );
            }
            let models = cost_models(mode);
            model.layers.iter().take(20).for_each(|layer| cost(&models, layer));
        }
    });
}

#[test]
fn damaged_scenarios_are_read_or_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("trace.csv"), TRACE).expect("the trace can be written");
    let rich = "\
source = \"a test\"
duration = \"2s\"
[[task]]
name = \"a\"
model = \"xrbench/kd_res8_narrow\"
rate_hz = 30
offset = \"2ms\"
jitter = \"500us\"
priority = 1
[[task]]
name = \"b\"
model = \"xrbench/kd_res8_narrow\"
arrivals = { process = \"poisson\", rate_hz = 20 }
deadline = \"50ms\"
[[task]]
name = \"c\"
model = \"xrbench/es_ritnet\"
arrivals = { process = \"bursty\", calm_rate_hz = 5, burst_rate_hz = 50, mean_calm = \"1s\", mean_burst = \"200ms\" }
deadline = \"50ms\"
[[task]]
name = \"d\"
model = \"xrbench/es_ritnet\"
arrivals = { process = \"trace\", file = \"trace.csv\" }
deadline = \"50ms\"
[[task]]
name = \"e\"
model = \"xrbench/kd_res8_narrow\"
depends_on = [\"a\", { task = \"b\", kind = \"control\", probability = 0.5, probability_after_exit = {} }]
trigger_probability = 0.9
[[phase]]
name = \"slow\"
start = \"500ms\"
tasks = [\"a\", \"b\", \"d\", \"e\"]
rate_hz = { a = 15, b = 5 }
[[phase]]
start = \"1s\"
";
    let path = folder.path().join("rich.toml");
    let rich = Source::with_origin("rich.toml", rich, Origin::File(path));
    load::workload_of(&rich, Legality::Strict).expect("a sound scenario before the damage");
    let mut originals = built_in(Kind::Scenario);
    originals.extend((0..originals.len()).map(|_| rich.clone()));
    each_mutation(&originals, 2, |source| {
        let Some(workload) = shown(load::workload_of(source, Legality::Published)) else { return };
        // Whatever was read has frames, however many.
        for task in 0..workload.scenario.tasks.len() {
            let mut frames = Frames::new(&workload.scenario, TaskId::new(task), 1);
            assert!((0..100).filter_map(|_| frames.next_frame()).is_sorted_by_key(|frame| frame.arrival));
        }
    });
}

#[test]
fn damaged_requests_are_read_or_refused() {
    let scenario = load::workload("xrbench/vr_gaming", None, Legality::Published).expect("built in");
    let originals = [
        Source::new("trace.csv", TRACE),
        Source::new(
            "requests.csv",
            "arrival_s,model,sample,priority,relative_deadline_s\n\
             0.0,xrbench/kd_res8_narrow,1,2,0.5\n0.25,ES_RITNet,,,\n0.250000000001,xrbench/es_ritnet,7,-1,1\n",
        ),
    ];
    each_mutation(&originals, 7, |source| {
        let _ = shown(load::trace_of(source));
        for scenario in [None, Some(&scenario)] {
            let Some(workload) = shown(load::requests_of(source, scenario, Legality::Published)) else {
                continue;
            };
            assert!(!workload.scenario.tasks.is_empty() && !workload.scenario.duration.is_zero());
        }
    });
}

#[test]
fn damaged_platforms_are_read_or_refused() {
    each_mutation(&built_in(Kind::Platform), 3, |source| {
        for (_, mode) in BOTH {
            if let Some(platform) = shown(hardware::platform_of(source, mode)) {
                let _ = platform.identity();
            }
        }
    });
}

#[test]
fn damaged_dataflows_are_read_or_refused() {
    each_mutation(&built_in(Kind::Dataflow), 4, |source| {
        if let Some(dataflow) = shown(Dataflow::parse("mine", source, Mode::Reference)) {
            assert!(dataflow.cluster_elements() > 0);
        }
    });
}

#[test]
fn damaged_technologies_are_read_or_refused() {
    each_mutation(&built_in(Kind::Technology), 6, |source| {
        if let Some(technology) = shown(Technology::of(source)) {
            assert!(technology.precisions().count() > 0 && technology.drams().count() > 0);
        }
    });
}

#[test]
fn damaged_sweeps_are_planned_or_refused() {
    let is_small =
        |source: &Source| source.name().ends_with("smoke.toml") || source.name().contains("cascade");
    let originals: Vec<Source> = built_in(Kind::Sweep).into_iter().filter(is_small).collect();
    assert!(originals.len() > 1);
    each_mutation(&originals, 5, |source| {
        let _ = shown(rtmm_sweep::file::plan_of(source, &rtmm_runners::Runners::built_in().list()));
    });
}

/// A call of each kind, with what sets its throttle but for the pooling.
const MOCA_CALLS: [&str; 2] = [
    "case,kind,batch,in_dim,in_channels,out_channels,out_dim,stride,dilation,padding,kernel,pool_size,pool_stride,\
     pool_padding,pool_ceil,dim_i,dim_j,dim_k,tiles,batch_divide,tile_index\n\
     c,conv,1,224,3,64,112,2,1,3,7,3,2,1,0,,,,2,1,0\nf,fc,,,,,,,,,,,,,,3136,64,64,2,1,1\n\
     r,resadd,,,,,,,,,,,,,,3136,256,,2,1,0\np,pool,1,55,64,64,27,,,,,3,2,0,,,,,1,1,0\n",
    "case,kind,batch,in_dim,in_channels,out_channels,out_dim,stride,dilation,padding,kernel,pool_size,pool_stride,\
     pool_padding,pool_ceil,dim_i,dim_j,dim_k,tiles,batch_divide,tile_index,group,mode,table_from_dram,\
     table_prediction,u0,u1,u2,u3,s0,s1,s2,s3,priority,dispatch,target,togo,elapsed\n\
     c,conv,1,28,128,128,28,1,1,1,3,1,1,0,0,,,,2,1,0,0,0,9000,9000,9,90,54,60,17,14,50,54,1,1152,1000,1110,1245\n\
     r,resadd,,,,,,,,,,,,,,3136,256,,2,1,0,0,0,,,0,90,54,60,17,14,50,54,1,1152,1000,1110,1245\n",
];

const MOCA_CASES: [&str; 2] = [
    r#"{"case": "two", "scheduler": "multi", "tasks": [{"task": 0, "model": "kws", "priority": 4, "dispatch_cycle": 0},
        {"task": 1, "model": "yolov2", "priority": 9, "dispatch_cycle": 80000}],
        "calls": [{"now_cycle": 0, "set_status": []}, {"now_cycle": 20000000, "set_status": [[0, 2], [1, -1]]}]}"#,
    r#"{"trace": "busy", "cycles": 900, "stream": [["one", 0, 1, 64, 32, 1], ["repeat", 99, 1, 2, 4, 64, 32]]}"#,
];

#[test]
fn damaged_calls_of_moca_are_estimated_or_refused() {
    let originals = MOCA_CALLS.map(|text| Source::new("calls.csv", text));
    each_mutation(&originals, 8, |source| {
        for row in shown(layer_file::read(source)).iter().flat_map(|table| &table.rows) {
            for fixes in [Fixes::default(), Fixes::all()] {
                let Ok(estimate) = Estimate::of(&row.layer, row.split, &fixes) else { continue };
                let setting =
                    row.query.map(|query| Setting::of(&row.layer, row.split, &estimate, &query, &fixes));
                assert!(setting.is_none_or(|setting| setting.inner_tiles == estimate.inner_tiles));
            }
        }
    });
}

#[test]
fn damaged_cases_of_moca_are_run_or_refused() {
    let originals = MOCA_CASES.map(|text| Source::new("case.json", text));
    each_mutation(&originals, 9, |source| match shown(case_file::read(source)) {
        Some(Case::Trace(case)) if case.cycles < 1_000_000 => {
            let outcome = hardware_throttle::run(&case.stream, case.cycles, &Fixes::default());
            assert!(outcome.accepted_requests + outcome.stalled_cycles <= case.cycles);
        }
        Some(Case::Plans(case)) => {
            let mut scheduler = Scheduler::new(case.tasks, &Fixes::default()).expect("tables");
            for call in &case.calls {
                call.set_status.iter().for_each(|(task, status)| scheduler.set_status(*task, *status));
                assert!(scheduler.plan(call.now_cycle).rounds() <= ROUNDS);
            }
        }
        _ => {}
    });
}

#[test]
fn damaged_layer_tables_are_read_or_refused() {
    let mut names = built_in_names(Kind::Model);
    // The examples have layers of their own.
    names.retain(|name| name.starts_with("xrbench/"));
    let table = |name: &String| {
        let file = format!("{}.csv", name.rsplit('/').next().unwrap_or(name));
        let model = load::open(Kind::Model, name, None).expect("a built-in model");
        let whole = load::open_path(&file, Some(&model)).expect("its table");
        // A few rows: damage is to hit each of them often.
        let rows: Vec<&str> = whole.text().lines().take(8).collect();
        Source::new(file, rows.join("\n"))
    };
    let mut originals: Vec<Source> = names.iter().map(table).collect();
    let topology = "layer,ifmap_h,ifmap_w,filter_h,filter_w,channels,num_filters,stride\na,224,224,11,11,3,96,4\nb,27,27,5,5,96,256,1\n";
    originals.extend((0..4).map(|_| Source::new("topology.csv", topology)));
    let models = BOTH.map(|(_, mode)| cost_models(mode));
    each_mutation(&originals, 6, |source| {
        for ((legality, _), models) in BOTH.into_iter().zip(&models) {
            let mut rows = Vec::new();
            let problems = read_layer_table(source, legality, |row| rows.push(row));
            shown(problems.into_result(Some(())));
            rows.iter().for_each(|row| cost(models, &row.layer));
        }
    });
}
