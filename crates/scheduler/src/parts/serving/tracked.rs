//! Runs as a server knows them: the part that they are in, and how far they should be.

use std::ops::Range;

use rtmm_hardware::{AcceleratorId, Phase, Resident, WEIGHTS, Weights};
use rtmm_workload::{Duration, ModelId, Time};

use super::others::Others;
use super::part::Part;
use super::slowdowns::{Observation, Slowdowns};
use super::{Candidate, Serving};
use crate::decision::Decisions;
use crate::ids::RunId;
use crate::prediction::RunPrediction;
use crate::run::Run;
use crate::truth::Truth;
use crate::view::View;

/// A run, its progress as it is predicted, and what was beside it so far.
#[derive(Clone, Debug)]
pub struct Tracked {
    /// Its identity.
    pub id: RunId,
    /// The accelerator.
    pub on: AcceleratorId,
    /// The earliest deadline of its requests that it could meet when it began, and the highest priority of them.
    pub deadline: Time,
    /// See `deadline`.
    pub priority: i32,
    pub(super) part: Part,
    /// When it was dispatched, and when it was predicted to end then, without a margin.
    dispatched: Time,
    predicted: Duration,
    beside: Beside,
}

/// Others beside the kernels of a run.
#[derive(Clone, Debug)]
struct Beside {
    /// Time that its kernels have taken, and what of them is predicted to be done, in picoseconds alone.
    wall: Duration,
    work: f64,
    /// Features, in the sum over work.
    features: Weights,
    models: Vec<(ModelId, f64)>,
    /// Features of all that ran when it began, for coarse predictions.
    at_start: Option<Weights>,
    at_start_models: Vec<(ModelId, f64)>,
}

impl Tracked {
    /// The time that its kernels have taken so far.
    pub(super) fn wall(&self) -> Duration {
        self.beside.wall
    }
}

impl Serving {
    /// The layers of a model that run kernels: those between copies.
    pub(super) fn kernels(&self, on: AcceleratorId, model: ModelId) -> Range<u32> {
        let known = self.kernels.get(on.index()).and_then(|models| models.get(model.index()));
        known.cloned().unwrap_or(0..u32::MAX)
    }

    /// Looks up what is known of the models of an accelerator.
    fn know(&mut self, view: &View<'_>, on: AcceleratorId) {
        let models = view.profile.models();
        self.slowdowns.know(view, on, models);
        while self.kernels.len() <= on.index() {
            self.kernels.push(Vec::with_capacity(models));
        }
        for model in self.kernels[on.index()].len()..models {
            let model = ModelId::new(model);
            let layers = view.profile.layers(model);
            let is_kernels = |layer: &u32| view.profile.phase(on, model, *layer) == Phase::Kernels;
            let first = (0..layers).find(is_kernels).unwrap_or(layers);
            let last = (0..layers).rfind(is_kernels).map_or(layers, |last| last + 1);
            self.kernels[on.index()].push(first..last);
        }
    }

    /// The part that a candidate begins with.
    pub(super) fn first_part(&mut self, view: &View<'_>, candidate: &Candidate) -> Option<Part> {
        let Candidate { on, class, model, from, priority } = *candidate;
        self.know(view, on);
        let kernels = self.kernels(on, model);
        let of = view.profile.class(class);
        let part = Part {
            model,
            class,
            units: of.units,
            batch: of.batch,
            layer: 0,
            phase: Phase::Kernels,
            left: Duration::ZERO,
            is_underway: false,
            priority,
            began: view.now,
            wait: Duration::ZERO,
        };
        let part = part.at(view, on, &kernels, from.layer, self.slowdowns.knows_layers(), view.now)?;
        let done = view.profile.done_of_layer(model, from, class);
        Some(Part { left: part.left.saturating_sub(done), ..part })
    }

    /// Counts the progress that runs should have made since it was last counted.
    pub(super) fn advance(&mut self, view: &View<'_>, truth: Option<&Truth<'_>>) {
        let elapsed = view.now.saturating_since(self.since);
        if !elapsed.is_zero() && !self.tracked.is_empty() {
            let parts = self.take_parts();
            let mut tracked = std::mem::take(&mut self.tracked);
            for (at, run) in tracked.iter_mut().enumerate() {
                let ran = elapsed.saturating_sub(run.part.wait);
                run.part.wait = run.part.wait.saturating_sub(elapsed);
                let speed = self.speed(view, truth, &parts, at, 1.0);
                let done = speed.progress(ran).min(run.part.left);
                run.part.advance(done);
                if run.part.phase == Phase::Kernels && !ran.is_zero() {
                    run.beside.wall = run.beside.wall.saturating_add(ran);
                    let work = speed.progress(ran).picoseconds() as f64;
                    let others = Others::of(&parts, at);
                    run.beside.count(view, run.on, &run.part.resident(), others.list(), work);
                }
            }
            (self.tracked, self.parts) = (tracked, parts);
        }
        self.since = view.now;
    }

    /// Moves runs to the part that follows layers which are complete.
    pub(super) fn take_layers(&mut self, view: &View<'_>) {
        let by_layer = self.slowdowns.knows_layers();
        let mut told = std::mem::take(&mut self.told);
        for (id, next) in told.drain(..) {
            let Some(at) = self.tracked.iter().position(|run| run.id == id) else { continue };
            let (on, part) = (self.tracked[at].on, self.tracked[at].part);
            let kernels = self.kernels(on, part.model);
            if next < part.next(&kernels, by_layer) {
                continue;
            }
            if part.phase == Phase::Kernels && next >= kernels.end {
                self.learn(at, view);
            }
            if let Some(following) = part.at(view, on, &kernels, next, by_layer, view.now) {
                self.tracked[at].part = following;
            }
        }
        self.told = told;
    }

    /// Learns from the kernels of a run that are complete.
    fn learn(&mut self, at: usize, view: &View<'_>) {
        if !self.slowdowns.learns() {
            return;
        }
        let run = &self.tracked[at];
        let kernels = self.kernels(run.on, run.part.model);
        let rest = |from: u32| view.profile.remaining(run.part.model, from, run.part.class).picoseconds();
        let alone = rest(kernels.start).saturating_sub(rest(kernels.end)) as f64;
        let Beside { wall, work, features, models, at_start, at_start_models } = &run.beside;
        if alone <= 0.0 || *work <= 0.0 {
            return;
        }
        let slowdown = wall.picoseconds() as f64 / alone;
        let mut parts: Vec<(ModelId, f64)> = Vec::new();
        let features = if self.slowdowns.is_coarse() {
            let Some(features) = at_start else { return };
            parts.extend(at_start_models);
            *features
        } else {
            parts.extend(models.iter().map(|(model, part)| (*model, part / work)));
            features.map(|feature| feature / work)
        };
        // A batch that was alone teaches nothing of others.
        if features[WEIGHTS - 1] > 0.0 {
            let (on, model) = (run.on, run.part.model);
            self.slowdowns.observe(&Observation { on, model, features, beside: &parts, slowdown });
        }
    }

    /// Takes out runs that are over.
    pub(super) fn take_ends(&mut self, view: &View<'_>) {
        let mut at = 0;
        while at < self.tracked.len() {
            let run = &self.tracked[at];
            if view.run(run.id).is_some() {
                at += 1;
                continue;
            }
            let took = view.now.saturating_since(run.dispatched).picoseconds() as f64;
            let predicted = run.predicted.picoseconds() as f64;
            if predicted > 0.0 {
                self.slowdowns.count(took / predicted);
            }
            self.tracked.remove(at);
        }
    }

    /// Takes in runs that have begun, and tells what is predicted of their ends.
    pub(super) fn take_begins(&mut self, view: &View<'_>, truth: Option<&Truth<'_>>, out: &mut Decisions) {
        let known = self.tracked.len();
        for run in view.runs() {
            if self.tracked[..known].iter().any(|known| known.id == run.id) {
                continue;
            }
            let on = run.accelerator;
            let (deadline, priority) = due(view, run);
            let candidate = Candidate { on, class: run.class, model: run.model, from: run.from, priority };
            let Some(part) = self.first_part(view, &candidate) else { continue };
            let wait = run.started.saturating_since(view.now);
            self.tracked.push(Tracked {
                id: run.id,
                on,
                deadline,
                priority,
                part: Part { wait, began: run.started, ..part },
                dispatched: view.now,
                predicted: Duration::ZERO,
                beside: Beside::NONE,
            });
        }
        if self.tracked.len() == known {
            return;
        }
        self.forecast_with(view, truth, &[], 1.0);
        let parts = self.take_parts();
        for at in known..self.tracked.len() {
            let others = Others::all(&parts, at);
            let run = &mut self.tracked[at];
            run.predicted = self.ends.get(at).copied().unwrap_or_default();
            if let others @ [_, ..] = others.list() {
                let own = run.part.resident();
                run.beside.at_start = Some(view.profile.co_location_features(run.on, &own, others));
                run.beside.at_start_models.extend(others.iter().map(|other| (other.model, 1.0)));
            }
        }
        self.parts = parts;
        let margin = self.slowdowns.margin();
        if let Some(margin) = margin.filter(|margin| *margin > 1.0) {
            self.forecast_with(view, truth, &[], margin);
        }
        for (run, upper) in self.tracked.iter().zip(&self.ends).skip(known) {
            let at = |end: Duration| view.now.saturating_add(end);
            let upper = margin.map(|_| at(*upper));
            out.predict(RunPrediction { run: run.id, end: at(run.predicted), upper });
        }
    }

    /// The parts of all runs as they are known, in memory that is used again.
    pub(super) fn take_parts(&mut self) -> Vec<(AcceleratorId, Part)> {
        let mut parts = std::mem::take(&mut self.parts);
        parts.clear();
        parts.extend(self.tracked.iter().map(|run| (run.on, run.part)));
        parts
    }

    /// The slowdowns.
    pub(super) fn slowdowns(&self) -> &Slowdowns {
        &self.slowdowns
    }
}

/// The earliest deadline of the requests of a run that are not late already, and the highest priority of them.
fn due(view: &View<'_>, run: &Run) -> (Time, i32) {
    let jobs = view.jobs_of(run).iter().filter_map(|id| view.job(*id));
    jobs.fold((Time::MAX, i32::MIN), |(due, priority), job| {
        let own = if job.deadline > view.now { job.deadline } else { Time::MAX };
        (due.min(own), priority.max(job.priority))
    })
}

impl Beside {
    const NONE: Self = Self {
        wall: Duration::ZERO,
        work: 0.0,
        features: [0.0; WEIGHTS],
        models: Vec::new(),
        at_start: None,
        at_start_models: Vec::new(),
    };

    /// Counts work that was done beside others.
    fn count(&mut self, view: &View<'_>, on: AcceleratorId, own: &Resident, others: &[Resident], work: f64) {
        self.work += work;
        if others.is_empty() {
            return;
        }
        let features = view.profile.co_location_features(on, own, others);
        for (sum, feature) in self.features.iter_mut().zip(features) {
            *sum += work * feature;
        }
        for other in others {
            match self.models.iter_mut().find(|(model, _)| *model == other.model) {
                Some((_, part)) => *part += work,
                None => self.models.push((other.model, work)),
            }
        }
    }
}
