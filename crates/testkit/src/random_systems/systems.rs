//! Random systems, as sketches that shrink well and build into the real types.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use rtmm_hardware::{
    Accelerator, AcceleratorKind, ActivationMoves, Bandwidth, Condition, Configuration, ConfigurationId,
    ContextSwitch, Correlation, CostError, CostModel, DRAM, Division, Energy, EnergyParts, Gating, LayerOf,
    Link, Migration, OperatingPoint, Platform, PlatformPower, PointId, PointSwitch, Power, PowerStates,
    Quantiles, SHARED_CACHE, Share, SharedDram, Shares, Sharing, Sparse, Throttle, Transfers, Variation,
    Work,
};
use rtmm_workload::{
    Arrivals, Block, Deadline, Dependency, DependencyKind, Duration, Exit, Gemm, Layer, LayerId, Model,
    ModelId, Operator, Period, Phase, Request, SampleTrace, Scenario, Schema, Shapes, Task, TaskId, Time,
};

use super::hash;

/// Accelerator types that costs are drawn for.
const TYPES: usize = 3;

/// A system before it is built. All times are in units of `scale` picoseconds.
#[derive(Clone, Debug)]
pub struct Sketch {
    pub models: Vec<ModelSketch>,
    pub tasks: Vec<TaskSketch>,
    pub machine: MachineSketch,
    /// Beginnings of phases, as parts of 16 of the duration, and what pauses in each: a bit a task.
    pub phases: Vec<(u64, u32)>,
    pub duration: u64,
    /// True if the tasks stand in the file with those first that depend on others.
    pub is_reversed: bool,
    pub scale: u64,
    pub seed: u64,
    /// The correlation of the layers of a job, in eighths, where times vary.
    pub varies: Option<u32>,
    /// The seed of operating points and power gating; none where there are none.
    pub power: Option<u64>,
    /// Layers that accelerators do not run, and pins of tasks.
    pub partial: Option<PartialSketch>,
    /// Of the draws of what lies between accelerators; none where nothing is said of it.
    pub links: Option<u64>,
    /// Of the draws of what runs on one accelerator do to each other; none where they do nothing.
    pub co_location: Option<u64>,
}

/// Layers that accelerators do not run, and accelerators that tasks may not use. Every task is left one for each layer.
#[derive(Clone, Debug)]
pub struct PartialSketch {
    /// Of the draws of layers: of eight times that a type is asked for a layer it has no cost this often.
    pub seed: u64,
    pub eighths: u64,
    /// By task: a bit for each accelerator that its jobs may run on; all of them where none of the bits is an accelerator's.
    pub pins: Vec<u32>,
}

#[derive(Clone, Debug)]
pub struct ModelSketch {
    pub layers: Vec<[CostSketch; TYPES]>,
    /// By recorded sample: what each layer costs, and how sparse it was in eighths. More layers than
    /// there are count for nothing. Empty where every inference costs the same.
    pub samples: Vec<Vec<([CostSketch; TYPES], u32)>>,
    /// The block that begins at a layer, with its length and the chance to skip it in eighths.
    pub block: Option<(usize, usize, u32)>,
    /// The layer that an exit stands after, with its chance in eighths.
    pub exit: Option<(usize, u32)>,
}

/// Cost of a layer on one accelerator type.
#[derive(Clone, Copy, Debug)]
pub struct CostSketch {
    pub compute: u64,
    pub bytes: u64,
    pub transfer: u64,
    pub exposed: u64,
    /// In tenths of a picojoule, so that sums are not exact in binary.
    pub energy: u32,
    pub quanta: u32,
}

#[derive(Clone, Debug)]
pub struct TaskSketch {
    pub model: usize,
    /// Another variant that jobs may run as.
    pub variant: Option<usize>,
    pub arrivals: ArrivalsSketch,
    pub deadline: Option<u64>,
    pub priority: i32,
    /// Draws its priorities, this one and three more.
    pub draws_priorities: bool,
    /// Earlier tasks, with the chance in eighths of a control dependency, or none for data.
    pub needs: Vec<(usize, Option<u32>)>,
    /// In eighths.
    pub trigger: u32,
}

#[derive(Clone, Copy, Debug)]
pub enum ArrivalsSketch {
    Periodic {
        period: u64,
        offset: u64,
        jitter: u64,
    },
    Poisson {
        mean: u64,
    },
    Bursty {
        calm: u64,
        burst: u64,
        calm_time: u64,
        burst_time: u64,
    },
    /// Recorded requests, so far apart; every other one names a sample that the first model may have.
    Trace {
        distance: u64,
        first: u64,
    },
    /// As the first task that it needs, if there is one.
    Follows {
        otherwise: u64,
    },
}

#[derive(Clone, Debug)]
pub struct MachineSketch {
    pub accelerators: Vec<AcceleratorSketch>,
    pub memory: Memory,
}

#[derive(Clone, Copy, Debug)]
pub struct AcceleratorSketch {
    pub kind: usize,
    pub weight: u32,
    pub switch_time: u64,
    pub switch_energy: u32,
    /// Cost of moving activations: energy of a byte in tenths of a picojoule, bytes of an element, and
    /// the bandwidth if it is limited.
    pub moves: Option<(u32, u64, Option<u64>)>,
    pub division: Option<DivisionSketch>,
    /// The most jobs of a run.
    pub max_batch: u32,
}

/// Division of an accelerator among runs.
#[derive(Clone, Copy, Debug)]
pub struct DivisionSketch {
    pub units: u32,
    /// The accelerator type that each number of units is, from one on; none where no run may hold so many.
    pub kinds: [Option<usize>; 3],
    pub migration_time: u64,
    pub migration_energy: u32,
}

/// Memory behind the accelerators: bandwidth in bytes a picosecond and 2^-30 of them.
#[derive(Clone, Copy, Debug)]
pub enum Memory {
    Own,
    MaxMin(u64),
    Static(u64),
    Weighted(u64),
    Capped(u64),
    /// Max-min fair behind a cache.
    Cached {
        memory: u64,
        cache: u64,
    },
    /// With throttles of runs, perhaps behind a cache.
    Throttled {
        memory: u64,
        cache: Option<u64>,
        throttle: Throttle,
    },
}

impl Memory {
    /// Memory that runs share, with its rule.
    pub fn shared(self) -> Option<SharedDram> {
        let (bandwidth, sharing) = match self {
            Self::Own => return None,
            Self::MaxMin(bandwidth) => (bandwidth, Sharing::MAX_MIN),
            Self::Static(bandwidth) => (bandwidth, Sharing::STATIC),
            Self::Weighted(bandwidth) => (bandwidth, Sharing::WEIGHTED),
            Self::Capped(bandwidth) => (bandwidth, Sharing::CAPPED),
            Self::Cached { memory, .. } => (memory, Sharing::MAX_MIN),
            Self::Throttled { memory, throttle, .. } => (memory, Sharing::throttled(throttle)),
        };
        Some(SharedDram { bandwidth: Bandwidth::from_bytes_per_window(bandwidth), sharing })
    }

    /// The bandwidth of a shared cache.
    pub fn cache(self) -> Option<Bandwidth> {
        match self {
            Self::Cached { cache, .. } => Some(Bandwidth::from_bytes_per_window(cache)),
            Self::Throttled { cache, .. } => cache.map(Bandwidth::from_bytes_per_window),
            _ => None,
        }
    }

    /// Meaning of shares.
    pub fn shares(self) -> Shares {
        self.shared().map_or(Shares::None, |dram| dram.sharing.shares())
    }
}

/// A sketch in the real types.
#[derive(Debug)]
pub struct Built {
    pub scenario: Scenario,
    pub models: Vec<Model>,
    pub platform: Platform,
    /// The seed of what runs on one accelerator do to each other; without meaning where they do nothing.
    pub co_location: u64,
}

/// Quantiles of compute times, by model and layer.
type LayerQuantiles = BTreeMap<(String, String), Quantiles>;

/// Costs by model, layer and sample, as they were drawn: 0 for an input that nothing is known of, else
/// one more than the sample's position.
#[derive(Debug)]
struct Table {
    name: String,
    work: BTreeMap<(String, String, u64), Work>,
    /// True if samples differ.
    depends_on_input: bool,
    /// Times that vary, by model and layer, with the correlation of the layers of a job.
    varying: Option<(f64, LayerQuantiles)>,
}

impl CostModel for Table {
    fn work(&self, layer: LayerOf<'_>, condition: Condition) -> Result<Work, CostError> {
        // Samples say which they are by the latency that was recorded of them, in picoseconds.
        let sample = match condition {
            Condition::Sparse(Sparse { recorded: Some(recorded), .. }) => recorded.picoseconds(),
            _ => 0,
        };
        let key = (layer.model.to_owned(), layer.layer.name.clone(), sample);
        self.work.get(&key).copied().ok_or(CostError::NotMeasured { model: key.0, layer: key.1 })
    }

    /// A batch takes longer than one inference and less long than one after the other, moves less, and has more steps.
    fn work_of_batch(&self, layer: LayerOf<'_>, batch: u32, condition: Condition) -> Result<Work, CostError> {
        let work = self.work(layer, condition)?;
        let (more, halves) = (u64::from(batch - 1), u64::from(batch + 1));
        let longer = |of: Duration| Duration::from_picoseconds(of.picoseconds() * halves / 2);
        let varying = self.quantiles(layer, batch);
        Ok(Work {
            compute: varying.map_or_else(|| longer(work.compute), |quantiles| quantiles.mean()),
            traffic: work.traffic.map(|bytes| bytes + bytes * more / 4),
            transfer: longer(work.transfer),
            energy: EnergyParts {
                mac: work.energy.mac * f64::from(batch),
                static_energy: work.energy.static_energy * f64::from(batch + 2) / 3.0,
                ..work.energy
            },
            quanta: work.quanta + (batch - 1) % 3,
            ..work
        })
    }

    fn identity(&self) -> String {
        self.name.clone()
    }

    fn depends_on_shape_only(&self) -> bool {
        false
    }

    fn depends_on_input(&self) -> bool {
        self.depends_on_input
    }

    fn variation(&self) -> Option<&dyn Variation> {
        self.varying.is_some().then_some(self)
    }
}

impl Variation for Table {
    fn quantiles(&self, layer: LayerOf<'_>, batch: u32) -> Option<Quantiles> {
        let (_, quantiles) = self.varying.as_ref()?;
        let of_one = quantiles.get(&(layer.model.to_owned(), layer.layer.name.clone()))?;
        Some(of_one.map(|time| Duration::from_picoseconds(time.picoseconds() * u64::from(batch + 1) / 2)))
    }

    fn correlation(&self) -> Correlation {
        Correlation::new(self.varying.as_ref().map_or(0.0, |(correlation, _)| *correlation))
    }
}

/// Condition under which a cost model is asked for the sample at a position.
pub fn condition_of(sparsity: f64, sample: usize) -> Condition {
    let recorded = Some(Duration::from_picoseconds(sample as u64 + 1));
    Condition::Sparse(Sparse { weights: 0.0, activations: sparsity, balance: 1.0, recorded })
}

impl Sketch {
    /// Where task `task` of the sketch stands in the scenario.
    pub fn place(&self, task: usize) -> usize {
        if self.is_reversed { self.tasks.len() - 1 - task } else { task }
    }

    /// The real types.
    pub fn build(&self) -> Built {
        let models = (0..self.models.len()).map(|model| self.model(model)).collect();
        let co_location = self.co_location.unwrap_or(0);
        Built { scenario: self.scenario(), models, platform: self.platform(), co_location }
    }

    /// The same where every layer takes time.
    pub fn without_empty_layers(mut self) -> Self {
        for model in &mut self.models {
            let of_samples = model.samples.iter_mut().flatten().map(|(costs, _)| costs);
            for cost in model.layers.iter_mut().chain(of_samples).flatten() {
                cost.compute = cost.compute.max(1);
            }
        }
        self
    }

    /// The accelerators that a task may use.
    fn allowed(&self, task: usize) -> Vec<usize> {
        let all = 0..self.machine.accelerators.len();
        let pins = self.partial.as_ref().and_then(|partial| partial.pins.get(task)).copied().unwrap_or(0);
        let pinned: Vec<usize> = all.clone().filter(|one| pins >> one & 1 == 1).collect();
        if pinned.is_empty() { all.collect() } else { pinned }
    }

    /// True if an accelerator type has no cost for a layer: unless it is part of the accelerator that is left to a task, or
    /// no task runs the model.
    fn lacks(&self, model: usize, layer: usize, kind: usize) -> bool {
        let Some(PartialSketch { seed, eighths, .. }) = self.partial else { return false };
        let draw = |what: u64| hash(&[seed, model as u64, layer as u64, what]) >> 8;
        let runs_it = |task: &usize| {
            let TaskSketch { model: own, variant, .. } = &self.tasks[*task];
            let mut models = std::iter::once(own).chain(variant).map(|model| model % self.models.len());
            models.any(|of| of == model)
        };
        let needs_kind = |task: &usize| {
            let allowed = self.allowed(*task);
            let home = allowed[draw(*task as u64) as usize % allowed.len()];
            let AcceleratorSketch { kind: whole, division, .. } = self.machine.accelerators[home];
            let mut parts = division.iter().flat_map(|division| division.kinds).flatten();
            whole == kind || parts.any(|part| part == kind)
        };
        let mut running = (0..self.tasks.len()).filter(runs_it).peekable();
        let is_drawn = draw(100 + kind as u64) % 8 < eighths;
        is_drawn && running.peek().is_some() && !running.any(|task| needs_kind(&task))
    }

    /// Links of a few bytes a picosecond, some of them through memory.
    fn transfers(&self, seed: u64) -> Transfers {
        let between = |one: usize, other: usize| {
            let draw = |what: u64| hash(&[seed, one as u64, other as u64, what]) >> 8;
            Link {
                bandwidth: Bandwidth::from_bytes_per_window((1 << 31) + draw(0) % (1 << 34)),
                latency: self.span(draw(1) % 4),
                pj_per_byte: (draw(2) % 20) as f64 / 10.0,
                crossings: 1 + u32::from(draw(3).is_multiple_of(3)),
            }
        };
        Transfers::new(hash(&[seed]) % 3, self.machine.accelerators.len(), between)
    }

    fn span(&self, units: u64) -> Duration {
        Duration::from_picoseconds(units * self.scale)
    }

    fn period(&self, units: u64) -> Period {
        Period::new(self.span(units.max(1))).expect("above zero")
    }

    fn model(&self, index: usize) -> Model {
        let sketch = &self.models[index];
        // What it costs is drawn; its dimensions, of activations that may have to be moved, follow from
        // the same draws.
        let operator = |costs: &[CostSketch; TYPES]| {
            let extent = |of: u64| u32::try_from(of * self.scale).unwrap_or(u32::MAX) + 1;
            Operator::Gemm(Gemm { rows: 1, inner: extent(costs[0].bytes), columns: extent(costs[1].bytes) })
        };
        let layers = (0..)
            .zip(&sketch.layers)
            .map(|(layer, costs): (i32, &[CostSketch; TYPES])| {
                // Some layers leave more or less than their output.
                let live_bytes = (layer % 3 == 1).then(|| (costs[0].bytes + costs[1].bytes) * self.scale);
                Layer { live_bytes, ..Layer::new(layer.to_string(), operator(costs)) }
            })
            .collect();
        let mut model =
            Model::of_layers(format!("m{index}"), "a test".to_owned(), Shapes::Independent, layers);
        let last = sketch.layers.len() - 1;
        if let Some((first, length, chance)) = sketch.block {
            let first = first % (last + 1);
            model.blocks.push(Block {
                name: "block".to_owned(),
                first: LayerId::new(first),
                last: LayerId::new((first + length).min(last)),
                skip_probability: f64::from(chance) / 8.0,
            });
        }
        if let (Some((after, chance)), true) = (sketch.exit, last > 0) {
            model.exits.push(Exit {
                name: "exit".to_owned(),
                after: LayerId::new(after % last),
                probability: f64::from(chance) / 8.0,
                accuracy: Some(0.5),
            });
        }
        if !sketch.samples.is_empty() {
            let (mut stated, mut detail) = (Vec::new(), Vec::new());
            for (sample, row) in sketch.samples.iter().enumerate() {
                for (_, eighths) in &row[..=last] {
                    stated.push(f64::from(*eighths) / 8.0);
                    detail.push((sample as f64 + 1.0) * 1e-12);
                }
            }
            let name = model.name.clone();
            let trace = SampleTrace::of_values(name, Schema::EyerissV2, last + 1, stated, detail);
            model.samples = Some(Arc::new(trace));
        }
        model
    }

    fn arrivals(&self, task: usize) -> Arrivals {
        match self.tasks[task].arrivals {
            ArrivalsSketch::Follows { .. } if !self.tasks[task].needs.is_empty() && task > 0 => {
                Arrivals::Follows
            }
            ArrivalsSketch::Periodic { period, offset, jitter } => Arrivals::Periodic {
                period: self.period(period),
                offset: self.span(offset),
                jitter: self.span(jitter),
            },
            ArrivalsSketch::Poisson { mean } => Arrivals::Poisson { mean: self.period(mean) },
            ArrivalsSketch::Bursty { calm, burst, calm_time, burst_time } => Arrivals::Bursty {
                calm: self.period(calm),
                burst: self.period(burst),
                mean_calm: self.span(calm_time.max(1)),
                mean_burst: self.span(burst_time.max(1)),
            },
            ArrivalsSketch::Trace { distance, first } => {
                let count = self.duration / distance.max(1) + 1;
                let request = |index: u64| Request {
                    arrival: Time::ZERO.saturating_add(self.span(first + index * distance.max(1))),
                    sample: index.is_multiple_of(2).then_some((index / 2 + first) % 4),
                    priority: index.is_multiple_of(3).then_some(5),
                    deadline: index.is_multiple_of(4).then(|| self.span(distance)),
                };
                Arrivals::Trace((0..count).map(request).collect())
            }
            ArrivalsSketch::Follows { otherwise: period } => Arrivals::Periodic {
                period: self.period(period),
                offset: Duration::ZERO,
                jitter: Duration::ZERO,
            },
        }
    }

    fn task(&self, index: usize) -> Task {
        let sketch = &self.tasks[index];
        let model = ModelId::new(sketch.model % self.models.len());
        let mut task = Task::periodic(format!("t{index}"), model, self.period(1));
        task.arrivals = self.arrivals(index);
        let other = sketch.variant.map(|variant| ModelId::new(variant % self.models.len()));
        task.variants.extend(other.filter(|other| *other != model));
        let has_period = matches!(task.arrivals, Arrivals::Periodic { .. });
        task.deadline = match sketch.deadline {
            None if has_period => Deadline::Period,
            deadline => Deadline::After(self.span(deadline.unwrap_or(50))),
        };
        task.priority = sketch.priority;
        if sketch.draws_priorities {
            task.drawn_priorities = vec![sketch.priority, 1, 3, 9];
        }
        task.trigger_probability = f64::from(sketch.trigger) / 8.0;
        let allowed = self.allowed(index);
        let (on, off): (Vec<usize>, Vec<usize>) =
            (0..self.machine.accelerators.len()).partition(|one| allowed.contains(one));
        let names = |of: Vec<usize>| of.into_iter().map(|one| format!("a{one}")).collect();
        if !off.is_empty() {
            match index % 2 {
                0 => task.pins.run_on = names(on),
                _ => task.pins.avoid = names(off),
            }
        }
        for (of, chance) in sketch.needs.iter().take(index) {
            let of = TaskId::new(self.place(of % index));
            if task.depends_on.iter().all(|dependency| dependency.task != of) {
                let kind = match chance {
                    None => DependencyKind::Data,
                    Some(chance) => DependencyKind::Control {
                        probability: f64::from(*chance) / 8.0,
                        probability_after_exit: vec![("exit".to_owned(), 1.0 - f64::from(*chance) / 8.0)],
                    },
                };
                task.depends_on.push(Dependency { task: of, kind });
            }
        }
        task
    }

    fn scenario(&self) -> Scenario {
        let mut tasks: Vec<Task> = (0..self.tasks.len()).map(|task| self.task(task)).collect();
        if self.is_reversed {
            tasks.reverse();
        }
        let duration = self.span(self.duration);
        let mut phases: Vec<Phase> = Vec::new();
        for (start, pauses) in &self.phases {
            let start = Time::from_picoseconds(duration.picoseconds() * start / 16);
            let arrivals = tasks.iter().zip(0..).map(|(task, bit)| {
                let is_follower = matches!(task.arrivals, Arrivals::Follows);
                (is_follower || pauses >> bit & 1 == 0).then(|| task.arrivals.clone())
            });
            if phases.last().is_none_or(|last| last.start < start) {
                phases.push(Phase { name: "a phase".to_owned(), start, arrivals: arrivals.collect() });
            }
        }
        let source = "a test".to_owned();
        Scenario { name: "random".to_owned(), source, duration, tasks, phases }
    }

    fn work(&self, cost: &CostSketch) -> Work {
        Work {
            compute: self.span(cost.compute),
            traffic: {
                let mut traffic = [0; rtmm_hardware::SHARED_LEVELS];
                traffic[DRAM] = cost.bytes * self.scale;
                // Some layers cross the cache alone, others more than once.
                traffic[SHARED_CACHE] = cost.bytes * self.scale + u64::from(cost.energy % 4) * self.scale;
                traffic
            },
            // Nothing takes no time to move.
            transfer: self.span(if cost.bytes == 0 { 0 } else { cost.transfer }),
            exposed: self.span(cost.exposed),
            energy: EnergyParts {
                mac: f64::from(cost.energy) / 10.0,
                static_energy: f64::from(cost.energy) / 7.0,
                dram: cost.bytes as f64 * 0.3,
                ..EnergyParts::default()
            },
            quanta: cost.quanta,
        }
    }

    /// Quantiles that begin at the compute time of a layer on an accelerator type, some of them equal.
    fn quantiles(&self, model: usize, layer: usize, kind: usize, cost: &CostSketch) -> Quantiles {
        let mut time = cost.compute;
        let at = [0, 1, 2, 3, 4].map(|index| {
            let address = [model, layer, kind, index].map(|part| part as u64);
            time += if index == 0 { 0 } else { hash(&address) % 7 };
            self.span(time)
        });
        Quantiles::new(at).expect("they never fall")
    }

    /// The power states of an accelerator, or of the memory, which is the last one; none for some.
    fn power_states(&self, index: usize, is_memory: bool) -> Option<PowerStates> {
        let seed = self.power?;
        let draw = |purpose: u64, below: u64| hash(&[seed, index as u64, purpose]) % below;
        let count = [0, 1, 2, 3, 3][draw(0, 5) as usize];
        let (mut hertz, mut points) = (0, Vec::new());
        for point in 0..count {
            hertz += 100_000_000 * (1 + draw(10 + point, 4));
            let milliwatts = |purpose| Power::from_nanowatts(1_000_000 * draw(purpose + point, 40));
            points.push(OperatingPoint {
                hertz,
                microvolts: 400_000 + 50_000 * draw(20 + point, 12),
                static_power: milliwatts(30),
                idle_power: milliwatts(40),
            });
        }
        let gating = Gating {
            power: Power::from_nanowatts(1_000_000),
            wake_time: self.span(draw(1, 6)),
            wake_energy: Energy::from_femtojoules(draw(2, 900)),
        };
        let switch = PointSwitch {
            time: self.span(draw(3, 9).saturating_sub(3)),
            energy: Energy::from_femtojoules(draw(4, 900)),
            stalls: draw(5, 2) == 0,
        };
        (count > 0).then(|| PowerStates {
            nominal: PointId::new(draw(6, count) as usize),
            points,
            switch,
            gating: (!is_memory && draw(7, 2) == 0).then_some(gating),
        })
    }

    fn platform(&self) -> Platform {
        let mut kinds: Vec<usize> = Vec::new();
        let mut known_kind = |kind: usize| {
            let known = kinds.iter().position(|known| *known == kind);
            ConfigurationId::new(known.unwrap_or_else(|| {
                kinds.push(kind);
                kinds.len() - 1
            }))
        };
        let mut accelerators = Vec::new();
        let weights: u32 = self.machine.accelerators.iter().map(|one| one.weight).sum();
        for (index, sketch) in self.machine.accelerators.iter().enumerate() {
            let configuration = known_kind(sketch.kind);
            let division = sketch.division.map(|division| Division {
                units: division.units,
                parts: (1..division.units)
                    .zip(division.kinds)
                    .filter_map(|(units, kind)| Some((units, known_kind(kind?))))
                    .collect(),
                migration: Migration {
                    time: self.span(division.migration_time),
                    energy_pj: f64::from(division.migration_energy) / 10.0,
                },
            });
            let share = u64::from(sketch.weight) * 1_000_000 / u64::from(weights.max(1));
            // Caps and thresholds need not sum to the whole.
            let share = match self.machine.memory.shares() {
                Shares::None => 1_000_000,
                Shares::Caps | Shares::Thresholds => (2 * share).min(1_000_000),
                Shares::Parts | Shares::Weights => share,
            };
            accelerators.push(Accelerator {
                name: format!("a{index}"),
                kind: AcceleratorKind::default(),
                clock_hz: 1_000_000_000,
                configuration,
                division,
                max_batch: sketch.max_batch,
                power: self.power_states(index, false),
                co_location: self
                    .co_location
                    .filter(|seed| index == 0 || seed & 4 == 0)
                    .map(super::neighbours::co_location),
                dram_share: u32::try_from(share).ok().and_then(Share::from_millionths).expect("a share"),
                context_switch: ContextSwitch {
                    time: self.span(sketch.switch_time),
                    energy_pj: f64::from(sketch.switch_energy) / 10.0,
                    activations: sketch.moves.map(|(energy, element_bytes, bandwidth)| ActivationMoves {
                        pj_per_byte: f64::from(energy) / 10.0,
                        element_bytes,
                        bandwidth: bandwidth.map_or(Bandwidth::UNLIMITED, Bandwidth::from_bytes_per_window),
                    }),
                },
            });
        }
        let configurations = kinds.iter().map(|kind| {
            let mut work = BTreeMap::new();
            let mut quantiles = BTreeMap::new();
            for (model, sketch) in self.models.iter().enumerate() {
                for (layer, costs) in sketch.layers.iter().enumerate() {
                    if self.lacks(model, layer, *kind) {
                        continue;
                    }
                    let key = |sample| (format!("m{model}"), layer.to_string(), sample);
                    let mut usual = self.work(&costs[*kind]);
                    // Some layers take the same for every job.
                    if self.varies.is_some() && layer % 4 != 3 {
                        let of_layer = self.quantiles(model, layer, *kind, &costs[*kind]);
                        usual.compute = of_layer.mean();
                        quantiles.insert((format!("m{model}"), layer.to_string()), of_layer);
                    }
                    work.insert(key(0), usual);
                    for (row, sample) in sketch.samples.iter().zip(1..) {
                        work.insert(key(sample), self.work(&row[layer].0[*kind]));
                    }
                }
            }
            let name = format!("kind {kind}");
            // The last type takes the same for every input.
            let depends_on_input = *kind + 1 < TYPES;
            // One type has a correlation of its own.
            let correlation = |eighths| if *kind == 1 { 0.75 } else { f64::from(eighths) / 8.0 };
            let varying = self.varies.map(|eighths| (correlation(eighths), quantiles));
            let table = Table { name: name.clone(), work, depends_on_input, varying };
            Configuration::new(name, table)
        });
        Platform {
            name: "random".to_owned(),
            source: "a test".to_owned(),
            labels: BTreeMap::new(),
            clock_hz: 1_000_000_000,
            technology: None,
            configurations: configurations.collect(),
            accelerators,
            shared_dram: self.machine.memory.shared(),
            shared_cache: self.machine.memory.cache(),
            transfers: self.links.map(|seed| self.transfers(seed)),
            power: PlatformPower {
                background: Power::ZERO,
                dram: self.power_states(self.machine.accelerators.len(), true),
            },
        }
    }
}

fn cost() -> impl Strategy<Value = CostSketch> {
    let small = || prop_oneof![1 => Just(0), 6 => 1..9_u64, 1 => 9..24_u64];
    (small(), small(), small(), prop_oneof![3 => Just(0), 1 => 1..5_u64], 0..50_u32, 1..6_u32).prop_map(
        |(compute, bytes, transfer, exposed, energy, quanta)| CostSketch {
            compute,
            bytes: bytes * 2,
            transfer,
            exposed,
            energy,
            quanta,
        },
    )
}

fn model() -> impl Strategy<Value = ModelSketch> {
    let layers = prop::collection::vec([cost(), cost(), cost()], 1..=6);
    let block = prop::option::weighted(0.4, (0..6_usize, 0..3_usize, 0..=8_u32));
    let exit = prop::option::weighted(0.4, (0..6_usize, 0..=8_u32));
    let sample = prop::collection::vec(([cost(), cost(), cost()], 0..8_u32), 6);
    let samples = prop_oneof![1 => Just(Vec::new()), 1 => prop::collection::vec(sample, 1..=3)];
    (layers, samples, block, exit).prop_map(|(layers, samples, block, exit)| ModelSketch {
        layers,
        samples,
        block,
        exit,
    })
}

fn arrivals() -> impl Strategy<Value = ArrivalsSketch> {
    prop_oneof![
        4 => (6..60_u64, prop_oneof![Just(0), 0..40_u64], prop_oneof![Just(0), 0..30_u64])
            .prop_map(|(period, offset, jitter)| ArrivalsSketch::Periodic { period, offset, jitter }),
        1 => (6..60_u64).prop_map(|mean| ArrivalsSketch::Poisson { mean }),
        1 => (10..60_u64, 2..10_u64, 1..80_u64, 1..40_u64).prop_map(
            |(calm, burst, calm_time, burst_time)| ArrivalsSketch::Bursty { calm, burst, calm_time, burst_time }
        ),
        1 => (6..60_u64, 0..8_u64).prop_map(|(distance, first)| ArrivalsSketch::Trace { distance, first }),
        2 => (6..60_u64).prop_map(|otherwise| ArrivalsSketch::Follows { otherwise }),
        // One rate for many tasks, so that much happens at once.
        2 => Just(ArrivalsSketch::Periodic { period: 20, offset: 0, jitter: 0 }),
    ]
}

fn task() -> impl Strategy<Value = TaskSketch> {
    let control = prop::option::weighted(0.3, prop::sample::select(vec![0, 3, 5, 8_u32]));
    let needs = prop_oneof![
        3 => prop::collection::vec((0..5_usize, control.clone()), 0..=1),
        2 => prop::collection::vec((0..5_usize, control), 1..=3)
    ];
    (
        0..4_usize,
        prop::option::weighted(0.3, 0..4_usize),
        arrivals(),
        prop::option::weighted(0.4, 1..60_u64),
        (-1..3_i32, any::<bool>()),
        needs,
        prop_oneof![2 => Just(8_u32), 1 => 0..8_u32],
    )
        .prop_map(|(model, variant, arrivals, deadline, priority, needs, trigger)| TaskSketch {
            model,
            variant,
            arrivals,
            deadline,
            priority: priority.0,
            draws_priorities: priority.1,
            needs,
            trigger,
        })
}

/// Whole bytes a picosecond, or a little more or less, or nearly nothing.
fn bandwidth() -> impl Strategy<Value = u64> {
    prop_oneof![
        4 => (1..8_u64).prop_map(|bytes| bytes << 30),
        4 => (1..8_u64, 0..2000_u64).prop_map(|(bytes, noise)| (bytes << 30) + noise - 1000),
        1 => (1 << 28)..(1_u64 << 33),
    ]
}

/// The memory of a platform.
pub fn memory() -> impl Strategy<Value = Memory> {
    prop_oneof![
        2 => Just(Memory::Own),
        2 => bandwidth().prop_map(Memory::MaxMin),
        1 => bandwidth().prop_map(Memory::Static),
        1 => bandwidth().prop_map(Memory::Weighted),
        1 => bandwidth().prop_map(Memory::Capped),
        1 => (bandwidth(), bandwidth()).prop_map(|(memory, cache)| Memory::Cached { memory, cache }),
        1 => throttled_memory(),
    ]
}

/// Memory with throttles, whose windows are shorter than most layers.
pub fn throttled_memory() -> impl Strategy<Value = Memory> {
    let part = || prop_oneof![2 => Just(500_000), 1 => 1..3_000_000_u64];
    let cache = prop::option::weighted(0.3, bandwidth());
    let window = prop_oneof![3 => 1..12_u64, 1 => 1..60_u64];
    (bandwidth(), cache, window, part(), part()).prop_map(|(memory, cache, window, overflow, pause)| {
        let throttle = Throttle {
            window: Duration::from_picoseconds(window),
            overflow_millionths: overflow,
            pause_millionths: pause,
        };
        Memory::Throttled { memory, cache, throttle }
    })
}

/// Memory that accelerators share.
pub fn shared_memory() -> impl Strategy<Value = Memory> {
    prop_oneof![
        2 => bandwidth().prop_map(Memory::MaxMin),
        1 => bandwidth().prop_map(Memory::Static),
        1 => bandwidth().prop_map(Memory::Weighted),
        1 => bandwidth().prop_map(Memory::Capped),
        1 => (bandwidth(), bandwidth()).prop_map(|(memory, cache)| Memory::Cached { memory, cache }),
        2 => throttled_memory(),
    ]
}

fn accelerator() -> impl Strategy<Value = AcceleratorSketch> {
    let switch = prop_oneof![1 => Just((0, 0)), 1 => (0..5_u64, 0..20_u32)];
    // Moving takes a few units of time, if it takes any.
    let moves = (0..20_u32, 0..4_u64, prop::option::of((1 << 31)..(1_u64 << 35)));
    (0..TYPES, 1..10_u32, switch, prop::option::of(moves)).prop_map(
        |(kind, weight, (switch_time, switch_energy), moves)| AcceleratorSketch {
            kind,
            weight,
            switch_time,
            switch_energy,
            moves,
            division: None,
            max_batch: 1,
        },
    )
}

fn division() -> impl Strategy<Value = DivisionSketch> {
    let kind = || prop_oneof![1 => Just(None), 3 => (0..TYPES).prop_map(Some)];
    let migration = prop_oneof![1 => Just((0, 0)), 1 => (0..6_u64, 0..20_u32)];
    (2..=4_u32, [kind(), kind(), kind()], migration).prop_map(|(units, kinds, (time, energy))| {
        DivisionSketch { units, kinds, migration_time: time, migration_energy: energy }
    })
}

/// The same with accelerators that runs can divide, at least one.
pub fn divided(sketch: impl Strategy<Value = Sketch>) -> impl Strategy<Value = Sketch> {
    let divisions = prop::collection::vec(prop::option::weighted(0.6, division()), 3);
    (sketch, division(), divisions).prop_map(|(mut sketch, first, divisions)| {
        let divisions = std::iter::once(Some(first)).chain(divisions);
        for (accelerator, division) in sketch.machine.accelerators.iter_mut().zip(divisions) {
            accelerator.division = division;
        }
        sketch
    })
}

/// The same with accelerators that run batches.
pub fn batched(sketch: impl Strategy<Value = Sketch>) -> impl Strategy<Value = Sketch> {
    (sketch, prop::collection::vec(1..=4_u32, 3)).prop_map(|(mut sketch, sizes)| {
        let sizes = std::iter::once(4).chain(sizes);
        for (accelerator, max_batch) in sketch.machine.accelerators.iter_mut().zip(sizes) {
            accelerator.max_batch = max_batch;
        }
        sketch
    })
}

/// The same with operating points, some of which take time to change, and with power gating.
pub fn powered(sketch: impl Strategy<Value = Sketch>) -> impl Strategy<Value = Sketch> {
    (sketch, any::<u64>()).prop_map(|(sketch, seed)| Sketch { power: Some(seed), ..sketch })
}

/// The same where times vary.
pub fn varying(sketch: impl Strategy<Value = Sketch>) -> impl Strategy<Value = Sketch> {
    (sketch, 0..=8_u32).prop_map(|(sketch, correlation)| Sketch { varies: Some(correlation), ..sketch })
}

/// The same where accelerators do not run some layers, and tasks are pinned to some accelerators.
pub fn partial(sketch: impl Strategy<Value = Sketch>) -> impl Strategy<Value = Sketch> {
    let pins = prop::collection::vec(prop_oneof![1 => Just(0), 1 => 0..16_u32], 5);
    (sketch, any::<u64>(), 0..=6_u64, pins).prop_map(|(sketch, seed, eighths, pins)| Sketch {
        partial: Some(PartialSketch { seed, eighths, pins }),
        ..sketch
    })
}

/// The same where jobs that go on elsewhere move their activations.
pub fn linked(sketch: impl Strategy<Value = Sketch>) -> impl Strategy<Value = Sketch> {
    (sketch, any::<u64>()).prop_map(|(sketch, seed)| Sketch { links: Some(seed), ..sketch })
}

/// All that a system can have, at once: accelerators that run batches and lack layers, links between them, pinned tasks,
/// operating points and power gating, memory of any kind; in some, accelerators that runs divide, and times that vary.
pub fn whole() -> BoxedStrategy<Sketch> {
    // Strategies hold those that they are made of, each with its own state: on the heap, or they fill a stack.
    let some = prop_oneof![
        2 => sketch().boxed(), 1 => divided(sketch()).boxed(), 1 => varying(sketch()).boxed(),
        1 => varying(divided(sketch())).boxed(),
    ];
    linked(partial(powered(batched(some)))).boxed()
}

/// The same where runs on one accelerator slow each other down.
pub fn co_located(sketch: impl Strategy<Value = Sketch>) -> impl Strategy<Value = Sketch> {
    (sketch, any::<u64>()).prop_map(|(sketch, seed)| Sketch { co_location: Some(seed), ..sketch })
}

/// A system with this memory.
pub fn sketch_with(memory: impl Strategy<Value = Memory>) -> impl Strategy<Value = Sketch> {
    (
        prop::collection::vec(model(), 1..=4),
        prop::collection::vec(task(), 1..=5),
        (prop::collection::vec(accelerator(), 1..=4), memory),
        prop::collection::vec((1..16_u64, any::<u32>()), 0..3),
        40..260_u64,
        any::<bool>(),
        any::<u64>(),
    )
        .prop_map(|(models, tasks, (accelerators, memory), phases, duration, is_reversed, seed)| {
            Sketch {
                models,
                tasks,
                machine: MachineSketch { accelerators, memory },
                phases,
                duration,
                is_reversed,
                scale: 1,
                seed,
                varies: None,
                partial: None,
                links: None,
                power: None,
                co_location: None,
            }
        })
}

/// A system.
pub fn sketch() -> impl Strategy<Value = Sketch> {
    sketch_with(memory())
}

/// A system in picoseconds or in nanoseconds.
pub fn scaled() -> impl Strategy<Value = Sketch> {
    (sketch(), prop::sample::select(vec![1, 1000])).prop_map(|(sketch, scale)| Sketch { scale, ..sketch })
}

/// The same, some of them with accelerators that runs can divide.
pub fn with_divisions() -> impl Strategy<Value = Sketch> {
    prop_oneof![2 => scaled(), 1 => divided(scaled())]
}
