//! Systems that a few lines describe, and schedules that one line tells.
//!
//! A system is a list of statements, one a line or separated by `;`. Times are milliseconds:
//!
//! ```text
//! accelerators 2; for 20; switch 0.5; dram 1
//! task a every 10 due 8 layers 2/4 1/3
//! task b every 20 at 5 jitter 2 priority 1 layers 3 needs a
//! task c layers 1 if b 0.5
//! phase 10 a every 5, b pauses
//! ```
//!
//! | word of a task | meaning |
//! | --- | --- |
//! | `layers 2/4 1/3` | two layers; the first takes 2 on accelerator 0 and 4 on accelerator 1; one number for all |
//! | `layers 2@5/4@1` | the same with the energy of each in microjoules |
//! | `layers 2/-` | accelerator 1 does not run the layer |
//! | `layers 2~6` | with `dram`: 2 of compute beside 6 gigabytes; `2~6~8`: which take it 8 at least |
//! | `sizes 2 5 1` | of two layers: the first reads 2, puts out 5, which the second reads to put out 1; in hundreds of megabytes |
//! | `quanta 4` | each layer is so many equal steps |
//! | `block 0-1 0.5` | layers 0 and 1 belong together, and are skipped with this probability |
//! | `exit 0 0.5` | an inference ends after layer 0 with this probability |
//! | `every`, `at`, `jitter` | period, offset and jitter; without a period, the frames of what it needs |
//! | `comes 0 5:1` | instead: the instants of its frames; the one at 5 brings recorded sample 1 |
//! | `due 8` | relative deadline; the period if there is none |
//! | `isolated 10` | instead: ten times the isolated latency |
//! | `priority 2`, `draws 1 3 9` | its priority; or one of these for each job |
//! | `variant 1/2` | another variant that its jobs may run as, written as `layers` are |
//! | `accuracies 0.9 0.8` | the first `variant` has the same layers, some of them as layer variants; accuracies of their sets in the order of their bits |
//! | `sample 2/4 1/3` | a recorded sample: what it takes, written as `layers` are |
//! | `zeros 0.5 0.25` | how sparse the layers of that sample were; not at all if this is left out |
//! | `of net` | the architecture of its model |
//! | `on 0 2`, `off 1` | the accelerators that its jobs may run on, or may not |
//! | `needs a`, `if a 0.5` | the output of `a`; the outcome of `a`, which triggers with this probability |
//!
//! `switch 0.5` is what it takes to turn to another model, besides 100 nanojoules; `moves 1` that activations
//! are moved then at a gigabyte a millisecond, for a picojoule a byte. `links 1 0.5` is a link of a gigabyte a millisecond
//! between any two accelerators, with a latency of 0.5 and for a picojoule a byte. `dram 1` is a gigabyte a millisecond for all, max-min fair; `dram 1 static` in equal parts, `weighted` or `capped` by the shares that a policy sets,
//! `throttle 2 0.5` with throttles that count in windows of 2, and thresholds of half of what is moved in one. A layer
//! costs a microjoule on accelerator 0, half on 1, a third on 2; a layer of sample 0 two, of sample 1
//! three and so on. `blind 1` makes accelerators from 1 on cost what `layers` says, whatever the sample. `varies 0.5` has
//! each layer take half of that to one and a half, uniformly, with this correlation of the layers of a job. `batch 4 0.5` has
//! accelerators run up to four jobs of a task's model at once, each further of which adds half of what the first one takes, of
//! time, traffic and energy; a table of recorded samples is of one job alone.
//!
//! A schedule is what happens, one instant after the other:
//!
//! ```text
//! 0 a0>0, b0>1 from 0.5 | 2 a0 at 1 | 3 b0 done | 4 c@0 void
//! ```
//!
//! | event | meaning |
//! | --- | --- |
//! | `a0>1` | job 0 of task a is dispatched on accelerator 1; `from 3` if it begins later than now |
//! | `a0+a1>1` | jobs 0 and 1 of task a are dispatched as a batch |
//! | `a0>1 as 2` | the same as its second `variant` |
//! | `a0 at 1` | its segment ends before layer 1, and the job goes on; `at 0+1/4` within layer 0 |
//! | `a0 done`, `a0 late` | it is complete, in time or not |
//! | `a0 dropped`, `a0 lost` | dropped by the policy, or because a job that it needed was |
//! | `a0 comes` | the scheduler sees it, later than it arrived |
//! | `a@10 void` | the frame that arrived at 10 is no job |
//! | `a0 in flight` | it is not over at the end |
//! | `phase 0` | the first stated phase begins |

#![expect(missing_docs, reason = "fields and variants say what they are")]
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

pub mod watch;
pub mod worlds;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::simulation::simulate;
use rtmm_hardware::{
    Accelerator, AcceleratorKind, ActivationMoves, Bandwidth, Condition, Configuration, ConfigurationId,
    ContextSwitch, Correlation, CostError, CostModel, DRAM, EnergyParts, LayerOf, Link, Platform, Quantiles,
    SHARED_LEVELS, Share, SharedDram, Shares, Sharing, Sparse, Throttle, Transfers, Variation, Work,
};
use rtmm_scheduler::{Job, Parameters, PolicyRow, Progress, Run, registry};
use rtmm_sim::metrics::Audit;
use rtmm_sim::{
    DropCause, EndOfRun, JobRecord, Observer, RunOptions, SegmentRecord, SimulationError, System,
};
use rtmm_workload::{
    Arrivals, Block, Deadline, Dependency, DependencyKind, Duration, Exit, Gemm, Layer, LayerId,
    LayerVariants, Model, ModelId, Operator, Period, Phase, Request, SampleTrace, Scenario, Schema, Shapes,
    Task, TaskId, Time, VariantSet,
};

/// A gigabyte a millisecond is a byte a picosecond.
const GIGABYTE_A_MILLISECOND: u64 = 1 << 30;
/// Rows, and columns of a size of 1: together a hundred million elements.
const SIZE_EXTENT: u32 = 10_000;

/// A system by hand.
#[derive(Debug)]
pub struct ByHand {
    pub scenario: Scenario,
    pub models: Vec<Model>,
    pub platform: Platform,
}

/// Costs by model, layer and sample: 0 for what `layers` says, else one more than its position.
type Costs = BTreeMap<(String, String, u64), Work>;

/// The costs of one accelerator.
#[derive(Debug)]
struct Stated {
    index: usize,
    is_blind: bool,
    work: Costs,
    /// The correlation of the layers of a job, where times vary.
    varies: Option<f64>,
    /// The part that each further job of a batch adds.
    further: f64,
}

impl CostModel for Stated {
    fn work(&self, layer: LayerOf<'_>, condition: Condition) -> Result<Work, CostError> {
        // Samples say which they are by the latency that was recorded of them, in picoseconds.
        let sample = match condition {
            Condition::Sparse(Sparse { recorded: Some(recorded), .. }) => recorded.picoseconds(),
            _ => 0,
        };
        assert!(!self.is_blind || sample == 0, "it is not asked for what it does not depend on");
        let key = (layer.model.to_owned(), layer.layer.name.clone(), sample);
        self.work.get(&key).copied().ok_or(CostError::NotMeasured { model: key.0, layer: key.1 })
    }

    fn work_of_batch(&self, layer: LayerOf<'_>, batch: u32, condition: Condition) -> Result<Work, CostError> {
        let one = self.work(layer, condition)?;
        let times = 1.0 + self.further * f64::from(batch - 1);
        let longer =
            |of: Duration| Duration::from_picoseconds((of.picoseconds() as f64 * times).round() as u64);
        Ok(Work {
            compute: longer(one.compute),
            traffic: one.traffic.map(|bytes| (bytes as f64 * times).round() as u64),
            transfer: longer(one.transfer),
            energy: one.energy.scaled(times),
            ..one
        })
    }

    fn depends_on_input(&self) -> bool {
        !self.is_blind
    }

    fn identity(&self) -> String {
        format!("by hand {}: {:?} {:?}", self.index, self.work, self.varies)
    }

    fn depends_on_shape_only(&self) -> bool {
        false
    }

    fn variation(&self) -> Option<&dyn Variation> {
        self.varies.is_some().then_some(self)
    }
}

impl Variation for Stated {
    fn quantiles(&self, layer: LayerOf<'_>, batch: u32) -> Option<Quantiles> {
        let stated = self.work_of_batch(layer, batch, Condition::Profile).ok()?.compute.picoseconds();
        // Hundredths of what is stated, of a uniform distribution.
        let at = [50, 100, 140, 149, 150].map(|part| Duration::from_picoseconds(stated / 100 * part));
        Quantiles::new(at).ok()
    }

    fn correlation(&self) -> Correlation {
        Correlation::new(self.varies.unwrap_or_default())
    }
}

/// So many milliseconds.
pub fn ms(text: &str) -> Duration {
    Duration::parse(&format!("{text}ms")).unwrap_or_else(|error| panic!("`{text}`: {error}"))
}

fn every(text: &str) -> Period {
    Period::new(ms(text)).expect("a period above zero")
}

fn number<T: std::str::FromStr>(text: &str) -> T {
    text.parse().ok().unwrap_or_else(|| panic!("`{text}` is no number"))
}

/// Words of a statement.
struct Words<'t>(std::iter::Peekable<std::str::SplitWhitespace<'t>>);

impl<'t> Words<'t> {
    fn of(text: &'t str) -> Self {
        Self(text.split_whitespace().peekable())
    }

    fn next(&mut self) -> Option<&'t str> {
        self.0.next()
    }

    fn value(&mut self) -> &'t str {
        self.0.next().expect("a word needs its value")
    }

    /// Words up to the next that begins with a letter.
    fn numbers(&mut self) -> Vec<&'t str> {
        let is_number = |word: &&str| word.starts_with(|first: char| first.is_ascii_digit() || first == '-');
        std::iter::from_fn(|| self.0.next_if(is_number)).collect()
    }
}

/// A task as its statement has it.
#[derive(Default)]
struct Sketch<'t> {
    period: Option<&'t str>,
    offset: Option<&'t str>,
    jitter: Option<&'t str>,
    quanta: u32,
    layers: Vec<&'t str>,
    sizes: Vec<&'t str>,
    requests: Vec<&'t str>,
    /// By variant but the default: cells as those of `layers`.
    variants: Vec<Vec<&'t str>>,
    /// Of sets of layer variants.
    accuracies: Vec<f64>,
    /// By sample: cells as those of `layers`, and sparsities.
    samples: Vec<(Vec<&'t str>, Vec<f64>)>,
}

impl ByHand {
    /// Reads a system.
    pub fn parse(text: &str) -> Self {
        let mut accelerators = 1;
        let mut blind_from = usize::MAX;
        let mut varies = None;
        let mut switch = ContextSwitch::default();
        let (mut shared_dram, mut link) = (None, None);
        let (mut max_batch, mut further) = (1, 0.0);
        let mut threshold = 1_000_000;
        let (mut duration, mut tasks, mut models, mut phases) =
            (ms("20"), Vec::new(), Vec::new(), Vec::new());
        let mut costs: Vec<Costs> = Vec::new();
        for statement in text.split(['\n', ';']).map(str::trim).filter(|statement| !statement.is_empty()) {
            let mut words = Words::of(statement);
            match words.value() {
                "accelerators" => accelerators = number(words.value()),
                "blind" => blind_from = number(words.value()),
                "varies" => varies = Some(number(words.value())),
                "batch" => (max_batch, further) = (number(words.value()), number(words.value())),
                "for" => duration = ms(words.value()),
                "switch" => (switch.time, switch.energy_pj) = (ms(words.value()), 1e5),
                "moves" => {
                    let bytes = number::<u64>(words.value()) * GIGABYTE_A_MILLISECOND;
                    let bandwidth = Bandwidth::from_bytes_per_window(bytes);
                    let moves = ActivationMoves { pj_per_byte: 1.0, element_bytes: 1, bandwidth };
                    switch.activations = Some(moves);
                }
                "links" => {
                    let bandwidth = number::<u64>(words.value()) * GIGABYTE_A_MILLISECOND;
                    let bandwidth = Bandwidth::from_bytes_per_window(bandwidth);
                    link =
                        Some(Link { bandwidth, latency: ms(words.value()), pj_per_byte: 1.0, crossings: 1 });
                }
                "dram" => {
                    let gigabytes: u64 = number(words.value());
                    let bandwidth = Bandwidth::from_bytes_per_window(gigabytes * GIGABYTE_A_MILLISECOND);
                    let sharing = match words.next() {
                        None => Sharing::MAX_MIN,
                        Some("throttle") => {
                            let window = ms(words.value());
                            threshold = (number::<f64>(words.value()) * 1e6) as u32;
                            let half = Throttle::HALF_MILLIONTHS;
                            let (overflow_millionths, pause_millionths) = (half, half);
                            Sharing::throttled(Throttle { window, overflow_millionths, pause_millionths })
                        }
                        Some(rule) => {
                            Sharing::named(rule).unwrap_or_else(|| panic!("no rule is called `{rule}`"))
                        }
                    };
                    shared_dram = Some(SharedDram { bandwidth, sharing });
                }
                "task" => {
                    costs.resize_with(accelerators, Costs::new);
                    tasks.push(task(&mut words, &tasks, &mut models, &mut costs));
                }
                "phase" => phases.push(phase(statement, &tasks)),
                other => panic!("no statement begins with `{other}`"),
            }
        }
        let has_parts = shared_dram.is_some_and(|dram| dram.sharing.shares() == Shares::Parts);
        let share = if has_parts { 1_000_000 / accelerators as u32 } else { threshold };
        let accelerator = |index: usize| Accelerator {
            name: index.to_string(),
            kind: AcceleratorKind::default(),
            clock_hz: 1_000_000_000,
            configuration: ConfigurationId::new(index),
            dram_share: Share::from_millionths(share).expect("at most the whole"),
            context_switch: switch,
            division: None,
            max_batch,
            power: None,
            co_location: None,
        };
        let (name, source) = ("by hand".to_owned(), "a test".to_owned());
        Self {
            scenario: Scenario { name: name.clone(), source: source.clone(), duration, tasks, phases },
            models,
            platform: Platform {
                name,
                source,
                labels: BTreeMap::new(),
                clock_hz: 1_000_000_000,
                technology: None,
                accelerators: (0..accelerators).map(accelerator).collect(),
                configurations: (costs.into_iter().enumerate())
                    .map(|(index, work)| {
                        let is_blind = index >= blind_from;
                        let stated = Stated { index, is_blind, work, varies, further };
                        Configuration::new(index.to_string(), stated)
                    })
                    .collect(),
                shared_dram,
                shared_cache: None,
                transfers: link.map(|link| Transfers::new(1, accelerators, |_, _| link)),
                power: Default::default(),
            },
        }
    }

    /// The system, its costs looked up.
    pub fn system(&self) -> System {
        System::new(&self.scenario, &self.models, &self.platform).expect("every layer has a cost")
    }
}

fn position(tasks: &[Task], name: &str) -> TaskId {
    let known = tasks.iter().position(|task| task.name == name);
    TaskId::new(known.unwrap_or_else(|| panic!("there is no task `{name}` before")))
}

/// Reads the words of a task: itself, its models, and what their layers cost.
fn task(words: &mut Words<'_>, tasks: &[Task], models: &mut Vec<Model>, costs: &mut [Costs]) -> Task {
    let name = words.value().to_owned();
    let mut sketch = Sketch { quanta: 1, ..Sketch::default() };
    let mut task = Task::periodic(name.clone(), ModelId::new(models.len()), every("1"));
    let mut model = Model::of_layers(name, "a test".to_owned(), Shapes::Independent, Vec::new());
    while let Some(word) = words.next() {
        match word {
            "every" => sketch.period = Some(words.value()),
            "at" => sketch.offset = Some(words.value()),
            "jitter" => sketch.jitter = Some(words.value()),
            "due" => task.deadline = Deadline::After(ms(words.value())),
            "priority" => task.priority = number(words.value()),
            "draws" => task.drawn_priorities = words.numbers().into_iter().map(number).collect(),
            "isolated" => {
                task.deadline =
                    Deadline::Isolated { factor_millionths: number::<u64>(words.value()) * 1_000_000 };
            }
            "comes" => sketch.requests = words.numbers(),
            "layers" => sketch.layers = words.numbers(),
            "sizes" => sketch.sizes = words.numbers(),
            "variant" => sketch.variants.push(words.numbers()),
            "accuracies" => sketch.accuracies = words.numbers().into_iter().map(number).collect(),
            "sample" => sketch.samples.push((words.numbers(), Vec::new())),
            "zeros" => {
                let zeros = words.numbers().into_iter().map(number).collect();
                sketch.samples.last_mut().expect("zeros are those of a sample").1 = zeros;
            }
            "of" => model.sparsity.architecture = Some(words.value().to_owned()),
            "quanta" => sketch.quanta = number(words.value()),
            "on" => task.pins.run_on = words.numbers().into_iter().map(str::to_owned).collect(),
            "off" => task.pins.avoid = words.numbers().into_iter().map(str::to_owned).collect(),
            "needs" => task.depends_on.push(Dependency::data(position(tasks, words.value()))),
            "if" => {
                let task_of = position(tasks, words.value());
                let probability = number(words.value());
                let kind = DependencyKind::Control { probability, probability_after_exit: Vec::new() };
                task.depends_on.push(Dependency { task: task_of, kind });
            }
            "block" => {
                let (first, last) = words.value().split_once('-').expect("a first and a last layer");
                model.blocks.push(Block {
                    name: model.blocks.len().to_string(),
                    first: LayerId::new(number(first)),
                    last: LayerId::new(number(last)),
                    skip_probability: number(words.value()),
                });
            }
            "exit" => model.exits.push(Exit {
                name: model.exits.len().to_string(),
                after: LayerId::new(number(words.value())),
                probability: number(words.value()),
                accuracy: None,
            }),
            other => panic!("no task has a `{other}`"),
        }
    }
    task.arrivals = match sketch.period {
        Some(period) => {
            let span = |text: Option<&str>| text.map_or(Duration::ZERO, ms);
            Arrivals::Periodic {
                period: every(period),
                offset: span(sketch.offset),
                jitter: span(sketch.jitter),
            }
        }
        None if !sketch.requests.is_empty() => {
            Arrivals::Trace(sketch.requests.iter().map(|text| request(text)).collect())
        }
        None => Arrivals::Follows,
    };
    let of_samples = sketch.samples.iter().map(|(cells, _)| cells);
    for (sample, row) in [&sketch.layers].into_iter().chain(of_samples).enumerate() {
        assert_eq!(row.len(), sketch.layers.len(), "a sample has all layers");
        cost(&model.name, sample, row, sketch.quanta, costs);
    }
    model.layers = layers(sketch.layers.len(), &sketch.sizes);
    if !sketch.samples.is_empty() {
        let (mut zeros, mut latencies) = (Vec::new(), Vec::new());
        for (sample, (_, of_sample)) in sketch.samples.iter().enumerate() {
            for layer in 0..sketch.layers.len() {
                zeros.push(of_sample.get(layer).copied().unwrap_or(0.0));
                latencies.push((sample as f64 + 1.0) * 1e-12);
            }
        }
        let (name, layers) = (model.name.clone(), sketch.layers.len());
        let trace = SampleTrace::of_values(name, Schema::EyerissV2, layers, zeros, latencies);
        model.samples = Some(Arc::new(trace));
    }
    models.push(model);
    for (index, row) in sketch.variants.iter().enumerate() {
        let (name, source) = (format!("{}.{}", task.name, index + 1), "a test".to_owned());
        cost(&name, 0, row, sketch.quanta, costs);
        task.variants.push(ModelId::new(models.len()));
        models.push(Model::of_layers(name, source, Shapes::Independent, layers(row.len(), &sketch.sizes)));
    }
    if let ([_, second, ..], [.., original, versioned]) = (&task.variants[..], &mut models[..])
        && !sketch.accuracies.is_empty()
    {
        assert_eq!(second.index(), task.model.index() + 1, "one other variant");
        for (model, runs_all) in [(original, false), (versioned, true)] {
            model.layer_variants = Some(Arc::new(layer_variants(&sketch, runs_all)));
        }
    }
    task
}

/// The layers that the first other variant has otherwise.
fn layer_variants(sketch: &Sketch<'_>, runs_all: bool) -> LayerVariants {
    let differ = |layer: &usize| sketch.layers[*layer] != sketch.variants[0][*layer];
    let layers = (0..sketch.layers.len()).filter(differ).map(LayerId::new).collect();
    let set = |bits: usize| {
        let positions = (0..VariantSet::MAX_LAYERS).filter(|position| bits >> position & 1 == 1);
        positions.fold(VariantSet::EMPTY, VariantSet::with)
    };
    let accuracies = sketch.accuracies.iter().enumerate();
    let accuracies = accuracies.map(|(bits, accuracy)| (set(bits), *accuracy)).collect();
    LayerVariants { layers, accuracies, runs_all }
}

fn layers(count: usize, sizes: &[&str]) -> Vec<Layer> {
    let extent = |at: usize| sizes.get(at).map_or(1, |size| number::<u32>(size) * SIZE_EXTENT);
    let rows = if sizes.is_empty() { 1 } else { SIZE_EXTENT };
    let operator = |layer| Operator::Gemm(Gemm { rows, inner: extent(layer), columns: extent(layer + 1) });
    let layer = |layer: usize| Layer::new(layer.to_string(), operator(layer));
    (0..count).map(layer).collect()
}

/// Writes down what the layers of a model, or of one of its samples, cost.
fn cost(model: &str, sample: usize, row: &[&str], quanta: u32, costs: &mut [Costs]) {
    for (layer, cells) in row.iter().enumerate() {
        let cells: Vec<&str> = cells.split('/').collect();
        for (accelerator, costs) in costs.iter_mut().enumerate() {
            let cell = cells[accelerator.min(cells.len() - 1)];
            if cell == "-" {
                continue;
            }
            let mut work = work(cell, accelerator, quanta);
            work.energy = work.energy.scaled(sample as f64 + 1.0);
            costs.insert((model.to_owned(), layer.to_string(), sample as u64), work);
        }
    }
}

/// `5`, or `5:1` with the sample that it brings.
fn request(text: &str) -> Request {
    let (at, sample) = text.split_once(':').map_or((text, None), |(at, sample)| (at, Some(number(sample))));
    Request { arrival: Time::ZERO.saturating_add(ms(at)), sample, priority: None, deadline: None }
}

/// `compute`, `compute~gigabytes` or `compute~gigabytes~least transfer`; and `@microjoules` or none.
fn work(cell: &str, accelerator: usize, quanta: u32) -> Work {
    let (cell, mac) = match cell.split_once('@') {
        Some((cell, microjoules)) => (cell, number::<f64>(microjoules) * 1e6),
        None => (cell, 1e6 / (accelerator as f64 + 1.0)),
    };
    let parts: Vec<&str> = cell.split('~').collect();
    let mut traffic = [0; SHARED_LEVELS];
    traffic[DRAM] = parts.get(1).map_or(0, |gigabytes| number::<u64>(gigabytes) * 1_000_000_000);
    Work {
        compute: ms(parts[0]),
        traffic,
        transfer: parts.get(2).map_or(Duration::ZERO, |text| ms(text)),
        exposed: Duration::ZERO,
        energy: EnergyParts { mac, ..EnergyParts::default() },
        quanta,
    }
}

/// `phase 10 a every 5, b pauses`; tasks that it does not name go on.
fn phase(statement: &str, tasks: &[Task]) -> Phase {
    let mut clauses = statement.split(',');
    let mut words = Words::of(clauses.next().expect("a statement"));
    let (_, start) = (words.value(), Time::ZERO.saturating_add(ms(words.value())));
    let mut arrivals: Vec<Option<Arrivals>> = tasks.iter().map(|task| Some(task.arrivals.clone())).collect();
    loop {
        let task = position(tasks, words.value());
        arrivals[task.index()] = match words.value() {
            "every" => {
                let (offset, jitter) = (Duration::ZERO, Duration::ZERO);
                Some(Arrivals::Periodic { period: every(words.value()), offset, jitter })
            }
            _ => None,
        };
        match clauses.next() {
            Some(clause) => words = Words::of(clause),
            None => return Phase { name: statement.to_owned(), start, arrivals },
        }
    }
}

/// Milliseconds, as short as they can be told.
pub fn at(time: Time) -> String {
    (time.picoseconds() as f64 / 1e9).to_string()
}

/// Writes a schedule down.
#[derive(Clone, Debug, Default)]
pub struct Log {
    names: Vec<String>,
    variants: Vec<Vec<ModelId>>,
    lines: Vec<(Time, String)>,
    /// When a job left a batch last.
    dissolved: Option<Time>,
}

impl Log {
    pub fn new(scenario: &Scenario) -> Self {
        let names = scenario.tasks.iter().map(|task| task.name.clone()).collect();
        let variants = scenario.tasks.iter().map(|task| task.variants.clone()).collect();
        Self { names, variants, lines: Vec::new(), dissolved: None }
    }

    fn name(&self, job: &Job) -> String {
        format!("{}{}", self.names[job.task.index()], job.frame)
    }

    fn push(&mut self, now: Time, event: String) {
        self.lines.push((now, event));
    }

    /// A job that is over does not go on: takes back what the end of its segment said.
    fn over(&mut self, now: Time, job: &Job, what: &str) {
        let name = self.name(job);
        let is_of_job = |event: &str| event.starts_with(&format!("{name} at "));
        // The other jobs of a batch may have stopped since, and ended.
        let most = if self.dissolved == Some(now) { usize::MAX } else { 1 };
        let since = self.lines.iter().rev().take_while(|line| line.0 == now).take(most);
        let back = since.enumerate().find(|(_, line)| is_of_job(&line.1)).map(|(back, _)| back);
        if let Some(back) = back {
            self.lines.remove(self.lines.len() - 1 - back);
        }
        self.push(now, format!("{name} {what}"));
    }

    /// All of it, in one line.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for instant in self.lines.chunk_by(|one, other| one.0 == other.0) {
            let events: Vec<&str> = instant.iter().map(|(_, event)| event.as_str()).collect();
            let separator = if text.is_empty() { "" } else { " | " };
            text += &format!("{separator}{} {}", at(instant[0].0), events.join(", "));
        }
        text
    }
}

impl Observer for Log {
    fn not_triggered(&mut self, now: Time, task: TaskId, arrival: Time) {
        self.push(now, format!("{}@{} void", self.names[task.index()], at(arrival)));
    }

    fn released(&mut self, now: Time, job: &Job) {
        if job.release != job.arrival {
            self.push(now, format!("{} comes", self.name(job)));
        }
    }

    fn dispatched(&mut self, now: Time, run: &Run, job: &Job) {
        let mut event = format!("{}>{}", self.name(job), run.accelerator.index());
        let variants = &self.variants[job.task.index()];
        if let Some(variant @ 1..) = variants.iter().position(|model| *model == run.model) {
            event += &format!(" as {variant}");
        }
        if run.started != now {
            event += &format!(" from {}", at(run.started));
        }
        self.push(now, event);
    }

    fn joined(&mut self, _now: Time, _run: &Run, job: &Job) {
        let name = self.name(job);
        if let Some((_, event)) = self.lines.last_mut() {
            *event = event.replacen('>', &format!("+{name}>"), 1);
        }
    }

    fn left(&mut self, now: Time, record: &SegmentRecord<'_>) {
        self.dissolved = Some(now);
        self.segment_ended(now, record);
    }

    fn segment_ended(&mut self, now: Time, record: &SegmentRecord<'_>) {
        let Progress { layer, quantum, quanta } = record.to;
        let inside = if quantum == 0 { String::new() } else { format!("+{quantum}/{quanta}") };
        self.push(now, format!("{} at {layer}{inside}", self.name(record.job)));
    }

    fn completed(&mut self, now: Time, record: &JobRecord<'_>) {
        self.over(now, record.job, if now > record.job.deadline { "late" } else { "done" });
    }

    fn dropped(&mut self, now: Time, record: &JobRecord<'_>, cause: DropCause) {
        self.over(now, record.job, if cause == DropCause::Policy { "dropped" } else { "lost" });
    }

    fn phase_changed(&mut self, now: Time, phase: usize) {
        self.push(now, format!("phase {phase}"));
    }

    fn in_flight(&mut self, now: Time, record: &JobRecord<'_>) {
        self.push(now, format!("{} in flight", self.name(record.job)));
    }
}

/// A policy by its name and settings: `edf drop=late granularity=model`.
pub fn policy(text: &str) -> (&'static PolicyRow, Parameters) {
    let mut words = text.split_whitespace();
    let row = registry::policy(words.next().expect("a name")).unwrap_or_else(|| panic!("no policy `{text}`"));
    let mut parameters = row.defaults();
    for word in words {
        let (key, value) = word.split_once('=').expect("key=value");
        parameters.set_text(key, value).unwrap_or_else(|error| panic!("{word}: {error}"));
    }
    (row, parameters)
}

/// Runs a policy, and gives back what happened. The audit must find nothing.
pub fn run(
    system: &System,
    row: &PolicyRow,
    parameters: &Parameters,
    options: RunOptions,
) -> Result<String, SimulationError> {
    let policy = row.build(parameters).expect("parameters of this policy");
    let observer = (Log::new(&system.scenario), Audit::new(system));
    let (log, audit) = simulate(system, &row.name, policy, observer, options)?;
    assert_eq!(audit.violations(), Vec::<String>::new(), "{} {parameters}", row.name);
    Ok(log.text())
}

/// The schedule of a system under a policy and a seed, up to the last job.
#[track_caller]
pub fn schedule(system: &str, policy_text: &str, seed: u64) -> String {
    let by_hand = ByHand::parse(system);
    let (row, parameters) = policy(policy_text);
    let options = RunOptions { seed, end: EndOfRun::Drain, oracle: row.oracle };
    run(&by_hand.system(), row, &parameters, options).expect("only legal decisions")
}

/// Checks a schedule; line breaks and spaces in `expected` are for the reader.
#[track_caller]
pub fn check(system: &str, policy: &str, expected: &str) {
    check_seed(system, policy, 0, expected);
}

/// The same where draws matter.
#[track_caller]
pub fn check_seed(system: &str, policy: &str, seed: u64, expected: &str) {
    let expected = expected.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(schedule(system, policy, seed), expected, "{policy} on {system}");
}
