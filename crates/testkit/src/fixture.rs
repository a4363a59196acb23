//! Hand-built views, for tests and benches of policies.
//!
//! A [`Fixture`] is a state of a run that a few lines describe: tasks with stated latencies, jobs
//! that are ready, wait or run. It applies what a policy decides as the engine does, within one
//! instant, and writes it down; it simulates nothing beyond that instant.
//!
//! All times are whole microseconds. The tests of rtmm-scheduler take this file as a module of their own.

use std::sync::Arc;

use rtmm_hardware::{
    Accelerator, AcceleratorId, AcceleratorKind, Condition, Configuration, ConfigurationId, ContextSwitch,
    CostError, CostModel, CostTable, Division, Energy, EnergyParts, IsolatedCosts, JobRanks, LayerOf,
    Migration, NoCost, Platform, Share, Sparse, Units, Work,
};
use rtmm_scheduler::{
    Decision, Decisions, Extent, Job, JobId, JobState, Notice, Pace, Policy, PolicyError, Profile, Progress,
    Run, RunId, SystemState, TaskCounters, Truth, UnitState, VariantId, View,
};
use rtmm_workload::random::{Draws, Stream};
use rtmm_workload::{
    Block, Duration, Exit, Gemm, Layer, LayerId, LayerVariants, Model, ModelId, Operator, Period,
    Realisation, SampleTrace, Scenario, Schema, Shapes, Sparsity, Task, TaskId, Time, TimeError, VariantSet,
};

/// Rounds of decisions after which a policy is taken to be endless.
const MAX_ROUNDS: usize = 1_000;

/// A task of a fixture, with a model of its own.
#[derive(Clone, Debug)]
pub struct TaskSketch {
    name: &'static str,
    period_us: u64,
    priority: i32,
    /// A row a layer, a column an accelerator.
    latency_us: Vec<Vec<u64>>,
    energy_pj: Vec<Vec<f64>>,
    blocks: Vec<(usize, usize)>,
    exits: Vec<(usize, f64)>,
    /// A row a sample: the sparsity and, on the first accelerator, the latency in microseconds of each
    /// layer.
    samples: Vec<Vec<(f64, f64)>>,
    architecture: Option<&'static str>,
    /// Elements of activations: what the first layer reads, and what each puts out.
    sizes: Vec<u32>,
    /// The other variants of a supernet.
    variants: Vec<TaskSketch>,
    /// Layers of which the first other variant has variants, with the accuracy of each set of them; none where it is a network
    /// of its own.
    layer_variants: Option<LayerVariants>,
    /// Multiply-accumulates of each layer; one each where nothing is stated.
    macs: Vec<u32>,
    /// Steps of each layer.
    quanta: u32,
}

/// In place of a latency: the accelerator does not run the layer.
pub const NONE: u64 = u64::MAX;

impl TaskSketch {
    /// A task with the latencies of its layers, in microseconds: a row a layer, a column an
    /// accelerator. A frame comes every 100 us and is due by the next; layers take no energy.
    #[must_use]
    pub fn new(name: &'static str, latency_us: &[&[u64]]) -> Self {
        let latency_us: Vec<Vec<u64>> = latency_us.iter().map(|row| row.to_vec()).collect();
        let energy_pj = latency_us.iter().map(|row| vec![0.0; row.len()]).collect();
        let (blocks, exits, samples) = (Vec::new(), Vec::new(), Vec::new());
        let (architecture, sizes) = (None, Vec::new());
        Self {
            name,
            period_us: 100,
            priority: 0,
            latency_us,
            energy_pj,
            blocks,
            exits,
            samples,
            architecture,
            sizes,
            variants: Vec::new(),
            layer_variants: None,
            macs: Vec::new(),
            quanta: 1,
        }
    }

    /// The same with a frame every `period_us` microseconds.
    #[must_use]
    pub fn every(self, period_us: u64) -> Self {
        Self { period_us, ..self }
    }

    /// The same with a priority.
    #[must_use]
    pub fn priority(self, priority: i32) -> Self {
        Self { priority, ..self }
    }

    /// The same with energies, in picojoules, in the layout of the latencies.
    #[must_use]
    pub fn energy_pj(self, energy_pj: &[&[f64]]) -> Self {
        Self { energy_pj: energy_pj.iter().map(|row| row.to_vec()).collect(), ..self }
    }

    /// The same with blocks from a first to a last layer, none of which is ever skipped.
    #[must_use]
    pub fn blocks(self, blocks: &[(usize, usize)]) -> Self {
        Self { blocks: blocks.to_vec(), ..self }
    }

    /// The same with an exit after a layer, taken with a probability.
    #[must_use]
    pub fn exit(mut self, after: usize, probability: f64) -> Self {
        self.exits.push((after, probability));
        self
    }

    /// The same with a recorded sample: the sparsity and, on the first accelerator, the latency in
    /// microseconds of each layer. On another accelerator it takes as much longer as the layer itself does.
    #[must_use]
    pub fn sample(mut self, layers: &[(f64, f64)]) -> Self {
        self.samples.push(layers.to_vec());
        self
    }

    /// The same as one sparsity pattern of an architecture.
    #[must_use]
    pub fn of_architecture(self, architecture: &'static str) -> Self {
        Self { architecture: Some(architecture), ..self }
    }

    /// The same with activations of so many elements: what the first layer reads, and what each puts out for
    /// the next; one element each otherwise.
    #[must_use]
    pub fn sizes(self, sizes: &[u32]) -> Self {
        Self { sizes: sizes.to_vec(), ..self }
    }

    /// The same that may run as the variant of another sketch, too.
    #[must_use]
    pub fn variant(mut self, network: TaskSketch) -> Self {
        self.variants.push(network);
        self
    }

    /// The same with layer variants: `versions` are the latencies of the variants of some layers, in microseconds, a column an
    /// accelerator, and `accuracies` those of the sets of them in the order of their bits.
    #[must_use]
    pub fn layer_variants(mut self, versions: &[(usize, &[u64])], accuracies: &[f64]) -> Self {
        let layers = versions.iter().map(|(layer, _)| LayerId::new(*layer)).collect();
        let set = |bits: usize| {
            let positions = (0..VariantSet::MAX_LAYERS).filter(|position| bits >> position & 1 == 1);
            positions.fold(VariantSet::EMPTY, VariantSet::with)
        };
        let accuracies =
            accuracies.iter().enumerate().map(|(bits, accuracy)| (set(bits), *accuracy)).collect();
        let none = LayerVariants { layers, accuracies, runs_all: false };
        let mut versioned = Self {
            name: "versioned",
            layer_variants: Some(LayerVariants { runs_all: true, ..none.clone() }),
            variants: Vec::new(),
            ..self.clone()
        };
        for (layer, latency_us) in versions {
            versioned.latency_us[*layer] = latency_us.to_vec();
        }
        self.layer_variants = Some(none);
        self.variant(versioned)
    }

    /// The same with multiply-accumulates of each layer.
    #[must_use]
    pub fn macs(self, macs: &[u32]) -> Self {
        Self { macs: macs.to_vec(), ..self }
    }

    /// The same with layers of so many equal steps.
    #[must_use]
    pub fn quanta(self, quanta: u32) -> Self {
        Self { quanta, ..self }
    }

    fn trace(&self) -> Option<Arc<SampleTrace>> {
        let cells = || self.samples.iter().flatten();
        let stated = cells().map(|(sparsity, _)| *sparsity).collect();
        let latency_s = cells().map(|(_, latency_us)| latency_us * 1e-6).collect();
        let (name, layers) = (self.name.to_owned(), self.latency_us.len());
        (!self.samples.is_empty())
            .then(|| Arc::new(SampleTrace::of_values(name, Schema::EyerissV2, layers, stated, latency_s)))
    }

    fn model(&self) -> Model {
        let size = |at: usize| self.sizes.get(at).copied().unwrap_or(1);
        let operator = |index: usize| match self.macs.get(index).copied().unwrap_or(1) {
            0 => Operator::Opaque,
            rows => Operator::Gemm(Gemm { rows, inner: size(index), columns: size(index + 1) }),
        };
        let layer = |index: usize| Layer::new(index.to_string(), operator(index));
        let layers = (0..self.latency_us.len()).map(layer).collect();
        let block = |(index, (first, last)): (usize, &(usize, usize))| Block {
            name: index.to_string(),
            first: LayerId::new(*first),
            last: LayerId::new(*last),
            skip_probability: 0.0,
        };
        let exit = |(index, (after, probability)): (usize, &(usize, f64))| Exit {
            name: index.to_string(),
            after: LayerId::new(*after),
            probability: *probability,
            accuracy: None,
        };
        Model {
            blocks: self.blocks.iter().enumerate().map(block).collect(),
            exits: self.exits.iter().enumerate().map(exit).collect(),
            samples: self.trace(),
            layer_variants: self.layer_variants.clone().map(Arc::new),
            sparsity: Sparsity { architecture: self.architecture.map(str::to_owned), ..Sparsity::default() },
            ..Model::of_layers(self.name.to_owned(), "stated".to_owned(), Shapes::Independent, layers)
        }
    }
}

/// The costs that sketches state, in one column.
#[derive(Debug)]
struct Stated {
    column: usize,
    tasks: Vec<TaskSketch>,
}

impl CostModel for Stated {
    fn work(&self, layer: LayerOf<'_>, condition: Condition) -> Result<Work, CostError> {
        let stated = || {
            let task = self.tasks.iter().find(|task| task.name == layer.model)?;
            let row: usize = layer.layer.name.parse().ok()?;
            let latency_us =
                task.latency_us.get(row)?.get(self.column).filter(|latency| **latency != NONE)?;
            let compute = match condition {
                Condition::Sparse(Sparse { recorded: Some(recorded), .. }) => {
                    let first = u128::from((*task.latency_us.get(row)?.first()?).max(1));
                    let scaled = u128::from(recorded.picoseconds()) * u128::from(*latency_us) / first;
                    Duration::from_picoseconds(u64::try_from(scaled).ok()?)
                }
                _ => us(*latency_us),
            };
            let mac = *task.energy_pj.get(row)?.get(self.column)?;
            Some(Work {
                compute,
                traffic: [0; rtmm_hardware::SHARED_LEVELS],
                transfer: Duration::ZERO,
                exposed: Duration::ZERO,
                energy: EnergyParts { mac, ..EnergyParts::default() },
                quanta: task.quanta,
            })
        };
        let (model, name) = (layer.model.to_owned(), layer.layer.name.clone());
        stated().ok_or(CostError::NotMeasured { model, layer: name })
    }

    /// A batch of `n` takes `(n + 1) / 2` times as long as one.
    fn work_of_batch(&self, layer: LayerOf<'_>, batch: u32, condition: Condition) -> Result<Work, CostError> {
        let work = self.work(layer, condition)?;
        let compute = work.compute.picoseconds() * u64::from(batch + 1) / 2;
        Ok(Work { compute: Duration::from_picoseconds(compute), ..work })
    }

    fn identity(&self) -> String {
        format!("stated {}", self.column)
    }

    fn depends_on_shape_only(&self) -> bool {
        false
    }

    fn depends_on_input(&self) -> bool {
        self.tasks.iter().any(|task| !task.samples.is_empty())
    }
}

/// A state of a run.
#[derive(Clone, Debug)]
pub struct Fixture {
    scenario: Scenario,
    models: Vec<Model>,
    profile: Profile,
    costs: Arc<IsolatedCosts>,
    state: SystemState,
    realisations: Vec<Realisation>,
    ranks: JobRanks,
}

/// Why sketches make no fixture.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FixtureError {
    /// A layer states no latency or no energy for one of the accelerators.
    #[error("a layer has no cost on some accelerator")]
    NoCost(Vec<NoCost>),
    /// A period that is no span of time.
    #[error(transparent)]
    Period(#[from] TimeError),
}

impl Fixture {
    /// Tasks on as many accelerators as the first layer of the first task has latencies, at
    /// instant 0 and without any job.
    ///
    /// # Errors
    /// [`FixtureError`] where the sketches do not fit together.
    pub fn new(tasks: &[TaskSketch]) -> Result<Self, FixtureError> {
        Self::switching(tasks, ContextSwitch::default())
    }

    /// The same where accelerators pay for turning to another model.
    ///
    /// # Errors
    /// [`FixtureError`] where the sketches do not fit together.
    pub fn switching(tasks: &[TaskSketch], context_switch: ContextSwitch) -> Result<Self, FixtureError> {
        Self::on(tasks, |networks| {
            let width = tasks.first().and_then(|task| task.latency_us.first()).map_or(0, Vec::len);
            platform(networks, width, context_switch, 1)
        })
    }

    /// Tasks on as many accelerators as the first layer of the first task has latencies, each of which runs batches of up to
    /// `max_batch` jobs: a batch of `n` takes `(n + 1) / 2` times as long as one of them.
    ///
    /// # Errors
    /// [`FixtureError`] where the sketches do not fit together.
    pub fn batching(tasks: &[TaskSketch], max_batch: u32) -> Result<Self, FixtureError> {
        Self::on(tasks, |networks| {
            let width = tasks.first().and_then(|task| task.latency_us.first()).map_or(0, Vec::len);
            platform(networks, width, ContextSwitch::default(), max_batch)
        })
    }

    /// Tasks on one accelerator that runs can divide: the columns of latencies are those of as many units
    /// as `units` states, ascending; the last column is that of all units.
    ///
    /// # Errors
    /// [`FixtureError`] where the sketches do not fit together.
    pub fn divided(tasks: &[TaskSketch], units: &[u32]) -> Result<Self, FixtureError> {
        Self::on(tasks, |networks| divided_platform(networks, units))
    }

    fn on(
        tasks: &[TaskSketch],
        platform: impl FnOnce(&[TaskSketch]) -> Platform,
    ) -> Result<Self, FixtureError> {
        // The variants of tasks in their order, then those that they may run as besides.
        let variants = tasks.iter().flat_map(|task| &task.variants);
        let networks: Vec<TaskSketch> = tasks.iter().chain(variants).cloned().collect();
        let models: Vec<Model> = networks.iter().map(TaskSketch::model).collect();
        let platform = platform(&networks);
        let table = CostTable::new(&platform, &models).map_err(FixtureError::NoCost)?;
        let costs = Arc::new(IsolatedCosts::new(&models, &platform, Arc::new(table)));
        let mut others = (tasks.len()..).map(ModelId::new);
        let of_sketch = |(index, sketch): (usize, &TaskSketch)| {
            let period = Period::new(us(sketch.period_us))?;
            let mut task = Task::periodic(sketch.name, ModelId::new(index), period);
            task.variants.extend(others.by_ref().take(sketch.variants.len()));
            Ok(Task { priority: sketch.priority, ..task })
        };
        let scenario = Scenario {
            name: "fixture".to_owned(),
            source: "stated".to_owned(),
            duration: us(1_000_000),
            tasks: tasks.iter().enumerate().map(of_sketch).collect::<Result<_, FixtureError>>()?,
            phases: Vec::new(),
        };
        Ok(Self {
            profile: Profile::new(&models, &platform, Arc::clone(&costs)),
            costs,
            state: SystemState::of_platform(&platform, tasks.len()),
            realisations: Vec::new(),
            ranks: JobRanks::default(),
            scenario,
            models,
        })
    }

    /// Moves the clock to an instant.
    pub fn set_now(&mut self, now_us: u64) {
        self.state.now = time(now_us);
    }

    /// Adds a job that is ready, released when it arrived. Jobs are released in the order in which
    /// they are added.
    pub fn ready(&mut self, task: usize, arrival_us: u64, deadline_us: u64) -> JobId {
        self.add(task, arrival_us, deadline_us, JobState::Ready)
    }

    /// Adds a job that needs the output of another.
    pub fn waiting(&mut self, task: usize, arrival_us: u64, deadline_us: u64) -> JobId {
        self.add(task, arrival_us, deadline_us, JobState::Waiting)
    }

    fn add(&mut self, task: usize, arrival_us: u64, deadline_us: u64, state: JobState) -> JobId {
        let of = &self.scenario.tasks[task];
        let id = JobId::new(self.state.jobs.len() as u32, 0);
        let frame = self.state.jobs.iter().filter(|job| job.task.index() == task).count() as u64;
        let draws = Draws::new(0, Stream::Path, &of.name);
        let model = &self.models[of.model.index()];
        let samples = model.samples.as_ref().map_or(1, |samples| samples.len() as u64);
        // The samples one after the other.
        let row = (frame % samples) as u32;
        self.realisations.push(Realisation { row, ..model.realise(draws, frame) });
        self.state.release(Job {
            id,
            task: TaskId::new(task),
            frame,
            arrival: time(arrival_us),
            release: time(arrival_us),
            deadline: time(deadline_us),
            priority: of.priority,
            model: of.model,
            started: false,
            progress: Progress::default(),
            state,
            sequence: self.state.jobs.len() as u64,
            last_ran: time(arrival_us),
            place: None,
            energy: Energy::ZERO,
        });
        id
    }

    /// Changes a job by hand. Its state, its slot and its place in the order of releases must stay.
    pub fn change(&mut self, job: JobId, change: impl FnOnce(&mut Job)) {
        change(&mut self.state.jobs[job.slot()]);
    }

    /// Changes by hand what is hidden of a job.
    pub fn change_hidden(&mut self, job: JobId, change: impl FnOnce(&mut Realisation)) {
        change(&mut self.realisations[job.slot()]);
    }

    /// Changes a task by hand. Its model must stay.
    pub fn change_task(&mut self, task: usize, change: impl FnOnce(&mut Task)) {
        change(&mut self.scenario.tasks[task]);
    }

    /// Lets a ready job run on an idle accelerator from now on.
    pub fn run(&mut self, job: JobId, accelerator: usize, extent: Extent) {
        self.run_on(job, accelerator, Units::All, extent);
    }

    /// Lets a ready job run on free units of an accelerator from now on: the lowest.
    pub fn run_on(&mut self, job: JobId, accelerator: usize, units: Units, extent: Extent) {
        self.run_all(&[job], accelerator, units, extent);
    }

    /// Dispatches jobs at once, all of which stand where the first one does.
    pub fn run_all(&mut self, jobs: &[JobId], accelerator: usize, units: Units, extent: Extent) {
        let Some(job) = jobs.first().copied() else { return };
        let on = AcceleratorId::new(accelerator);
        let accelerator = self.state.accelerators[accelerator];
        let units = accelerator.free.lowest_of(units.of(accelerator.units));
        let Some(lowest) = units.lowest() else { return };
        let count = jobs.len() as u32;
        let class = self.profile.class_with(on, units.count());
        let Some(class) = class.and_then(|class| self.profile.in_batch(class, count)) else { return };
        self.state.take_units(on, units);
        let slot = accelerator.first_unit + lowest;
        let state = &mut self.state.jobs[job.slot()];
        let layers = self.profile.layers(state.model);
        let from = state.progress;
        let stop = match extent {
            Extent::Layers(count) => from.layer.saturating_add(count.get()).min(layers),
            Extent::Rest => layers,
        };
        let stop = stop.min(self.profile.supported_until(state.model, from.layer, class));
        let model = state.model;
        let latency = (from.layer..stop).map(|layer| self.profile.latency(model, layer, class));
        let id = RunId::new(slot, 0);
        for job in jobs {
            self.state.jobs[job.slot()].started = true;
            self.state.set_job_state(job.slot(), JobState::Running(id));
        }
        let last = UnitState {
            last_model: Some(model),
            last_layer: stop.checked_sub(1),
            last_units: units.count(),
            last_jobs: count,
        };
        self.state.mark_units(on, units, last);
        let now = self.state.now;
        let run = Run {
            id,
            accelerator: on,
            units,
            class,
            next_class: None,
            share: Share::WHOLE,
            jobs: job.into(),
            model,
            from,
            stop,
            dispatched: now,
            started: now,
            pace: Pace::from(now),
            expected_end: now.saturating_add(latency.fold(Duration::ZERO, Duration::saturating_add)),
            is_ending: false,
        };
        self.state.runs.begin_batch(run, jobs);
    }

    /// Ends the run of an accelerator that runs do not divide, before a layer; its jobs are ready again from
    /// there.
    pub fn stop(&mut self, accelerator: usize, before: u32) {
        let id = AcceleratorId::new(accelerator);
        let slot = self.state.accelerators[accelerator].first_unit as usize;
        let Some(run) = self.state.runs.at(slot) else { return };
        let (units, jobs) = (run.units, self.state.runs.jobs_of(run).to_vec());
        self.state.runs.end(slot);
        self.state.free_units(id, units);
        self.state.set_last_layer(id, units, before.checked_sub(1));
        let now = self.state.now;
        for id in jobs {
            let job = &mut self.state.jobs[id.slot()];
            (job.progress, job.last_ran) = (Progress::at(before), now);
            self.state.set_job_state(id.slot(), JobState::Ready);
        }
    }

    /// View of the state.
    #[must_use]
    pub fn view(&self) -> View<'_> {
        View::new(&self.state, &self.scenario, &self.profile)
    }

    /// Truth that an oracle sees beside it.
    #[must_use]
    pub fn truth(&self) -> Truth<'_> {
        Truth::new(&self.profile, &self.models, &self.costs, &self.realisations, &self.ranks)
    }

    /// Completes a layer of a job that does not run, and tells a policy what was measured in it.
    ///
    /// # Errors
    /// [`PolicyError`] where the policy cannot take it in.
    pub fn complete_layer(&mut self, policy: &mut dyn Policy, job: JobId) -> Result<(), PolicyError> {
        let slot = job.slot();
        let Job { model, progress, .. } = self.state.jobs[slot];
        let layer = LayerId::new(progress.layer as usize);
        let row = self.realisations[slot].row as usize;
        let samples = self.models[model.index()].samples.as_ref();
        let sparsity = samples.map(|samples| samples.sparsity(row, layer.index()));
        let (run, latency) = (RunId::new(0, 0), Duration::ZERO);
        self.state.jobs[slot].progress = Progress::at(progress.layer + 1);
        let notice = Notice::LayerCompleted { job, model, layer, run, latency, sparsity };
        policy.notify(&notice, &self.view())
    }

    /// Asks a policy until it has no more to say, does what it says, and writes it down: `a0>1`
    /// for the rest of the first job of task `a` on accelerator 1, `a0>1:2` for two layers of it, `a0>1[2]`
    /// for two of its units, `a0/2>1` as its variant 2, `a0+b3>1` for a batch, `preempt 1`, `drop a0`, `timer 250`. What the engine would refuse
    /// ends the text with `illegal`, an error of the policy with `failed`.
    pub fn settle(&mut self, policy: &mut dyn Policy) -> String {
        let mut said = Vec::new();
        let mut out = Decisions::new();
        for _ in 0..MAX_ROUNDS {
            out.clear();
            if let Err(error) = policy.decide(&self.view(), Some(&self.truth()), &mut out) {
                said.push(format!("failed {error}"));
                return said.join(" ");
            }
            if out.is_empty() {
                return said.join(" ");
            }
            for decision in out.iter() {
                match self.apply(decision, &out) {
                    Some(text) => said.push(text),
                    None => {
                        said.push(format!("illegal {decision:?}"));
                        return said.join(" ");
                    }
                }
            }
        }
        said.push("illegal: endless".to_owned());
        said.join(" ")
    }

    fn label(&self, job: &Job) -> String {
        format!("{}{}", self.scenario.tasks[job.task.index()].name, job.frame)
    }

    /// Does what a decision says; none where the engine would refuse it.
    fn apply(&mut self, decision: &Decision, list: &Decisions) -> Option<String> {
        match decision {
            Decision::Dispatch { jobs, variant, on, units, extent } => {
                let all = list.jobs_of(jobs)?;
                let job = jobs.first()?;
                let known = self.view().job(job).copied().filter(|job| job.state == JobState::Ready)?;
                let state = self.state.accelerators.get(on.index())?;
                let count = units.of(state.units);
                let class = self.profile.class_with(*on, count).filter(|_| count <= state.free.count())?;
                let network = match variant {
                    Some(variant) => self.turn(&known, *variant)?,
                    None => String::new(),
                };
                let mut labels = format!("{}{network}", self.label(&known));
                if all.len() > 1 {
                    let model = self.state.jobs[job.slot()].model;
                    let is_large = all.len() as u32 > self.profile.largest_batch(model, *on, class);
                    (!is_large && !known.started).then_some(())?;
                    for (index, other) in all.iter().enumerate().skip(1) {
                        let is_fresh = |job: &&Job| job.state == JobState::Ready && !job.started;
                        let other = *self.view().job(*other).filter(is_fresh)?;
                        (!all[..index].contains(&other.id)).then_some(())?;
                        if let Some(variant) = variant {
                            self.turn(&other, *variant)?;
                        }
                        (self.state.jobs[other.id.slot()].model == model).then_some(())?;
                        labels.push_str(&format!("+{}", self.label(&other)));
                    }
                }
                let turned = *self.view().job(job)?;
                self.view().can_run(&turned, *on).then_some(())?;
                self.run_all(all, on.index(), *units, *extent);
                let part = match units {
                    Units::Count(count) => format!("[{count}]"),
                    Units::All => String::new(),
                };
                let layers = match extent {
                    Extent::Layers(count) => format!(":{count}"),
                    Extent::Rest => String::new(),
                };
                Some(format!("{labels}>{}{part}{layers}", on.index()))
            }
            Decision::Preempt { run, .. } => {
                let running = self.state.runs.get_mut(*run)?;
                let was_ending = std::mem::replace(&mut running.is_ending, true);
                (!was_ending).then(|| format!("preempt {}", running.accelerator.index()))
            }
            Decision::Drop { job } => {
                let known = *self.view().job(*job)?;
                let is_running = matches!(known.state, JobState::Running(_));
                if !is_running {
                    self.state.withdraw(job.slot());
                    self.state.jobs[job.slot()].id = JobId::new(job.slot() as u32, job.generation() + 1);
                }
                Some(format!("drop {}", self.label(&known)))
            }
            Decision::SetTimer { at, .. } => {
                (*at > self.state.now).then(|| format!("timer {}", at.picoseconds() / 1_000_000))
            }
            _ => None,
        }
    }

    /// Has a job run as one of its task's variants; none where the engine would refuse it.
    fn turn(&mut self, job: &Job, variant: VariantId) -> Option<String> {
        let model = *self.scenario.tasks[job.task.index()].variants.get(variant.index())?;
        let has_layer_variants = |model| self.profile.layer_variants(model).is_some();
        let may_turn =
            job.progress.quantum == 0 && has_layer_variants(model) && has_layer_variants(job.model);
        (!job.started || model == job.model || may_turn).then_some(())?;
        self.state.jobs[job.id.slot()].model = model;
        Some(format!("/{}", variant.index()))
    }

    /// Says what an accelerator ran last: the default variant of a task.
    pub fn set_last_model(&mut self, accelerator: usize, task: usize) {
        let unit = self.state.accelerators[accelerator].first_unit as usize;
        self.state.units[unit].last_model = Some(self.scenario.tasks[task].model);
    }

    /// Changes by hand what a task has done so far.
    pub fn change_counters(&mut self, task: usize, change: impl FnOnce(&mut TaskCounters)) {
        change(&mut self.state.counters[task]);
    }
}

fn platform(tasks: &[TaskSketch], width: usize, context_switch: ContextSwitch, max_batch: u32) -> Platform {
    let accelerator = |index: usize| Accelerator {
        name: index.to_string(),
        kind: AcceleratorKind::default(),
        clock_hz: 1_000_000_000,
        configuration: ConfigurationId::new(index),
        dram_share: Share::WHOLE,
        context_switch,
        division: None,
        max_batch,
        power: None,
        co_location: None,
    };
    with_columns(tasks, width, (0..width).map(accelerator).collect())
}

/// One accelerator of which the columns are numbers of units.
fn divided_platform(tasks: &[TaskSketch], units: &[u32]) -> Platform {
    let (all, parts) = units.split_last().map_or((1, &units[..0]), |(all, parts)| (*all, parts));
    let division = Division {
        units: all,
        parts: parts.iter().copied().zip((0..).map(ConfigurationId::new)).collect(),
        migration: Migration::default(),
    };
    let accelerator = Accelerator {
        name: "0".to_owned(),
        kind: AcceleratorKind::default(),
        clock_hz: 1_000_000_000,
        configuration: ConfigurationId::new(parts.len()),
        dram_share: Share::WHOLE,
        context_switch: ContextSwitch::default(),
        division: Some(division),
        max_batch: 1,
        power: None,
        co_location: None,
    };
    with_columns(tasks, units.len(), vec![accelerator])
}

/// A platform with a configuration a column of the sketches' latencies.
fn with_columns(tasks: &[TaskSketch], width: usize, accelerators: Vec<Accelerator>) -> Platform {
    let configuration = |index: usize| {
        let cost_model = Stated { column: index, tasks: tasks.to_vec() };
        Configuration::new(format!("stated {index}"), cost_model)
    };
    Platform {
        name: "fixture".to_owned(),
        source: "stated".to_owned(),
        labels: std::collections::BTreeMap::new(),
        clock_hz: 1_000_000_000,
        technology: None,
        accelerators,
        configurations: (0..width).map(configuration).collect(),
        shared_dram: None,
        shared_cache: None,
        transfers: None,
        power: Default::default(),
    }
}

fn us(microseconds: u64) -> Duration {
    Duration::from_picoseconds(microseconds.saturating_mul(1_000_000))
}

fn time(microseconds: u64) -> Time {
    Time::ZERO.saturating_add(us(microseconds))
}
