//! Asking the policy, and doing what it says if that is legal.

use std::ops::Range;

use rtmm_hardware::{AcceleratorId, ClassId, Moved, Share, Shares, UnitSet, Units};
use rtmm_scheduler::{
    Decision, Decisions, Extent, Job, JobId, JobState, Pace, Preemption, Progress, Run, RunId, Truth,
    UnitState, VariantId,
};
use rtmm_workload::{Duration, ModelId, TaskId, Time};

use super::Simulation;
use super::state::{Anchor, HiddenJob, HiddenRun};
use crate::error::{Illegal, SimulationError};
use crate::execution::{Execution, Segment};
use crate::observer::{ContextSwitchRecord, DropCause, MoveRecord, Observer};
use crate::system::System;

/// Rounds of decisions in one instant after which a policy is taken to be endless.
const MAX_ROUNDS: u32 = 1_000_000;

impl<E: Execution, O: Observer> Simulation<'_, E, O> {
    /// Asks the policy until it has no more to say.
    pub(super) fn decide(&mut self) -> Result<(), SimulationError> {
        let mut decisions = self.decisions.take().unwrap_or_default();
        let outcome = self.decide_by(&mut decisions);
        self.decisions = Some(decisions);
        outcome
    }

    /// Asks the policy, each time for the list of what it says next.
    #[inline(always)]
    fn decide_by(&mut self, decisions: &mut Decisions) -> Result<(), SimulationError> {
        for _ in 0..MAX_ROUNDS {
            let view = self.system.view(&self.state);
            let truth = self.options.oracle.then(|| {
                let System { profile, models, costs, .. } = self.system;
                Truth::new(profile, models, costs, &self.hidden.realisations, &self.hidden.ranks)
            });
            decisions.clear();
            self.dropped_upstream.clear();
            let decided = self.policy.decide(&view, truth.as_ref(), decisions);
            decided.map_err(|error| self.policy_failed(error))?;
            self.rounds += 1;
            self.decisions_taken += decisions.len() as u64;
            let is_done = decisions.is_empty();
            for prediction in decisions.predictions() {
                self.observer.predicted(self.state.now, prediction);
            }
            decisions.iter().try_for_each(|decision| {
                self.apply(decision, decisions).map_err(|reason| SimulationError::IllegalDecision {
                    policy: self.policy_name.clone(),
                    now: self.state.now,
                    decision: *decision,
                    reason,
                })
            })?;
            self.check_policy()?;
            if is_done {
                // What the policy did itself is no news to it.
                self.must_decide = false;
                return Ok(());
            }
        }
        Err(SimulationError::EndlessDecisions {
            policy: self.policy_name.clone(),
            now: self.state.now,
            rounds: MAX_ROUNDS,
        })
    }

    pub(super) fn apply(&mut self, decision: &Decision, list: &Decisions) -> Result<(), Illegal> {
        match decision {
            Decision::Dispatch { jobs, variant, on, units, extent } => {
                let dispatch =
                    Dispatch { variant: *variant, accelerator: *on, units: *units, extent: *extent };
                match jobs.single() {
                    Some(job) => self.dispatch(job, dispatch),
                    None => self.dispatch_batch(list.jobs_of(jobs).ok_or(Illegal::NoSuchBatch)?, dispatch),
                }
            }
            Decision::Preempt { run, mode } => {
                let running = self.state.runs.get_mut(*run).ok_or(Illegal::NoSuchRun)?;
                let profile = &self.system.profile;
                if *mode == Preemption::Checkpoint && profile.without_context_moves().is_some() {
                    return Err(Illegal::NoContextMoves);
                }
                (running.is_ending, running.next_class) = (true, None);
                self.preempt(*run, *mode);
                Ok(())
            }
            Decision::Resize { run, units } => self.resize(*run, *units),
            Decision::Drop { job } => {
                // A drop of the same list may have taken it along.
                if self.dropped_upstream.contains(job) {
                    return Ok(());
                }
                let slot = self.slot(*job)?;
                if let JobState::Running(run) = self.state.jobs[slot].state {
                    if std::mem::replace(&mut self.hidden.jobs[slot].drops_at_boundary, true) {
                        return Err(Illegal::AlreadyDropped);
                    }
                    if self.drop_of_batch(run) {
                        return Ok(());
                    }
                    if let Some(running) = self.state.runs.get_mut(run) {
                        (running.is_ending, running.next_class) = (true, None);
                    }
                    self.preempt(run, Preemption::Layer);
                } else {
                    self.drop_job(slot, DropCause::Policy);
                }
                Ok(())
            }
            Decision::SetShare { run, share } => self.set_share(*run, *share),
            Decision::SetPoint { on, point } => self.set_point(*on, *point),
            Decision::Gate { on } => self.gate(*on),
            Decision::SetTimer { at, tag } => {
                if *at <= self.state.now {
                    return Err(Illegal::TimerNotInFuture);
                }
                self.events.add_timer(*at, *tag);
                Ok(())
            }
            _ => Err(Illegal::Unknown),
        }
    }

    pub(super) fn slot(&self, id: JobId) -> Result<usize, Illegal> {
        let known =
            self.state.jobs.get(id.slot()).is_some_and(|job| job.id == id && job.state != JobState::Over);
        if known { Ok(id.slot()) } else { Err(Illegal::NoSuchJob) }
    }

    fn preempt(&mut self, id: RunId, mode: Preemption) {
        self.hidden.runs[id.slot()].mode = Some(mode);
        if let Some(segment) = self.hidden.segment(&self.state, id.slot()) {
            self.execution.preempt(self.system, id.slot(), self.state.now, &segment, mode);
        }
    }

    fn resize(&mut self, id: RunId, units: Units) -> Result<(), Illegal> {
        let run = self.state.runs.get_mut(id).ok_or(Illegal::NoSuchRun)?;
        if run.is_ending {
            return Err(Illegal::RunEnds);
        }
        if run.next_class.is_some() {
            return Err(Illegal::ResizesAlready);
        }
        let (accelerator, class, held) = (run.accelerator, run.class, run.units);
        let (model, jobs) = (run.model, run.jobs.count());
        let state = &self.state.accelerators[accelerator.index()];
        let (count, free) = (units.of(state.units), state.free);
        let next = self.class_now(accelerator, count).ok_or(Illegal::NoSuchUnits)?;
        let next = self.class_of_batch(model, accelerator, next, jobs)?;
        if next == class {
            return Err(Illegal::NothingToResize);
        }
        let needed = count.saturating_sub(held.count());
        if needed > free.count() {
            return Err(Illegal::AcceleratorBusy);
        }
        let gained = free.lowest_of(needed);
        if !gained.is_empty() {
            self.hidden.count_busy(id.slot(), accelerator, self.state.now);
            self.hidden.runs[id.slot()].held += needed;
            self.state.take_units(accelerator, gained);
        }
        if let Some(run) = self.state.runs.get_mut(id) {
            (run.units, run.next_class) = (held.union(gained), Some(next));
        }
        if let Some(run) = self.state.runs.get(id).filter(|_| !gained.is_empty()) {
            self.observer.units_reserved(self.state.now, run, held);
        }
        if let Some(segment) = self.hidden.segment(&self.state, id.slot()) {
            self.execution.resize(self.system, id.slot(), self.state.now, &segment);
        }
        Ok(())
    }

    /// The rest that the shares of all runs but one leave of partitioned memory bandwidth.
    pub(super) fn share_left(&self, id: Option<RunId>) -> Share {
        if self.system.costs.shares() != Shares::Parts {
            return Share::WHOLE;
        }
        let others = self.state.runs.iter().filter(|run| Some(run.id) != id);
        let taken: u32 = others.map(|run| run.share.millionths()).sum();
        Share::from_millionths(Share::WHOLE.millionths().saturating_sub(taken)).unwrap_or(Share::ZERO)
    }

    fn set_share(&mut self, id: RunId, share: Share) -> Result<(), Illegal> {
        let run = self.state.runs.get_mut(id).ok_or(Illegal::NoSuchRun)?;
        if self.system.costs.class(run.class).share.is_none() {
            return Err(Illegal::NoShares);
        }
        if share == Share::ZERO {
            return Err(Illegal::EmptyShare);
        }
        if share > self.share_left(Some(id)) {
            return Err(Illegal::SharesAboveWhole);
        }
        if let Some(run) = self.state.runs.get_mut(id) {
            run.share = share;
            self.observer.share_set(self.state.now, run);
        }
        self.execution.set_share(self.state.now, id.slot(), share);
        Ok(())
    }

    fn dispatch(&mut self, id: JobId, dispatch: Dispatch) -> Result<(), Illegal> {
        let system = self.system;
        let slot = self.slot(id)?;
        let Job { task, frame, model: current, started, progress: from, state, place: left_at, .. } =
            self.state.jobs[slot];
        is_ready(state)?;
        let place = self.place(&dispatch)?;
        let model = match dispatch.variant {
            None => current,
            Some(variant) => self.variant(task, variant)?,
        };
        if started && model != current && !system.may_turn(current, model, from) {
            return Err(Illegal::VariantIsFixed);
        }
        self.check_support(&place, model, from.layer)?;
        self.check_share(place.class)?;
        if model != current {
            let HiddenJob { sample, is_recorded, .. } = self.hidden.jobs[slot];
            self.hidden.realisations[slot] = self.realise(task, model, sample, is_recorded);
            self.draw_ranks(slot, task, model, frame);
        }

        let mut start = self.take_decision_time(&place);
        let accelerator = place.accelerator;
        let switched = self.switched(&place, model, from.layer, 1);
        let switched = switched.map(|moved| {
            let (time, energy) = system.profile.switch_cost(accelerator, moved);
            start = start.saturating_add(time);
            self.hidden.jobs[slot].switch_energy += energy;
            ContextSwitchRecord { time, energy, moved }
        });
        let hidden = &mut self.hidden.jobs[slot];
        if system.profile.has_transfers()
            && let Some((time, energy)) = system.profile.transfer(model, from, left_at, accelerator)
        {
            start = start.saturating_add(time);
            hidden.moves.count += 1;
            hidden.moves.time = hidden.moves.time.saturating_add(time);
            hidden.moves.energy += energy;
            if let Some(place) = left_at {
                let record = MoveRecord { job: id, from: place.accelerator, to: accelerator, time, energy };
                self.observer.moved(self.state.now, &record);
            }
        }
        if hidden.written != Moved::default() {
            let context = std::mem::take(&mut hidden.written);
            let (time, energy) = system.profile.context_move(accelerator, context);
            start = start.saturating_add(time);
            hidden.switch_energy += energy;
        }

        let first = system.next_layer(model, &self.hidden.realisations[slot], from.layer);
        let stop = stop_of(system, model, first, dispatch.extent);
        let stop = supported_stop(system, &place, model, from.layer, stop);
        if system.has_layer_variants() {
            self.hidden.run_variants(system, slot, model, from.layer..stop);
        }
        let run_id = self.take_slot(&place, from, start, switched.is_some());
        self.occupy(&place, model, stop, 1);
        self.state.start_job(slot, run_id, model);
        let run = run_of(system, self.state.now, &place, model, (from, stop), start);
        let run = self.state.runs.begin(Run { id: run_id, jobs: id.into(), ..run });
        let (realisation, ranks) = (&self.hidden.realisations[slot], self.hidden.ranks.of(slot));
        let segment = Segment { run, realisation, ranks, batch: None, jobs: &self.state.jobs };
        self.execution.begin(system, place.home as usize, &segment);
        self.observer.dispatched(self.state.now, run, &self.state.jobs[slot]);
        if let Some(switch) = &switched {
            self.observer.context_switched(self.state.now, run, switch);
        }
        Ok(())
    }

    /// The units that a dispatch takes.
    #[inline(always)]
    pub(super) fn place(&self, dispatch: &Dispatch) -> Result<Place, Illegal> {
        let accelerator = dispatch.accelerator;
        let known = self.state.accelerators.get(accelerator.index());
        let state = known.ok_or(Illegal::NoSuchAccelerator)?;
        let count = dispatch.units.of(state.units);
        let class = self.class_now(accelerator, count).ok_or(Illegal::NoSuchUnits)?;
        // Of an accelerator with one unit nothing has to be counted.
        if state.free.is_empty() || (state.units > 1 && state.free.count() < count) {
            return Err(Illegal::AcceleratorBusy);
        }
        // Of an accelerator with one unit this is that one.
        let taken = if state.units == 1 { state.free } else { state.free.lowest_of(count) };
        let home = state.first_unit + if state.units == 1 { 0 } else { taken.lowest().unwrap_or(0) };
        let (units, first_unit) = (state.units, state.first_unit);
        Ok(Place { accelerator, units, first_unit, count, class, taken, home })
    }

    #[inline]
    pub(super) fn variant(&self, task: TaskId, variant: VariantId) -> Result<ModelId, Illegal> {
        let variants = &self.system.scenario.tasks[task.index()].variants;
        variants.get(variant.index()).copied().ok_or(Illegal::NoSuchVariant)
    }

    /// Refuses a layer that the accelerator does not run, or not for a pinned task.
    #[inline(always)]
    pub(super) fn check_support(&self, place: &Place, model: ModelId, layer: u32) -> Result<(), Illegal> {
        let system = self.system;
        if system.is_partial && !system.costs.supports(model, layer, place.class) {
            let may_use = system.costs.may_use(model, place.accelerator);
            return Err(if may_use { Illegal::LayerNotSupported } else { Illegal::PinnedElsewhere });
        }
        Ok(())
    }

    /// Refuses a run for whose share of the memory bandwidth too little is left.
    #[inline(always)]
    pub(super) fn check_share(&self, class: ClassId) -> Result<(), Illegal> {
        let has_share = self.system.costs.class(class).share.is_some();
        if has_share && self.system.share_of(class) > self.share_left(None) {
            return Err(Illegal::SharesAboveWhole);
        }
        Ok(())
    }

    /// Takes the time of the decision; when the run can begin, before anything is switched or read.
    #[inline(always)]
    pub(super) fn take_decision_time(&mut self, place: &Place) -> Time {
        let decision_time =
            self.policy.decision_time(&self.system.view(&self.state)).unwrap_or_else(|error| {
                self.failure.get_or_insert(error);
                Duration::ZERO
            });
        self.scheduler_free = self.scheduler_free.max(self.state.now).saturating_add(decision_time);
        self.scheduler_busy = self.scheduler_busy.saturating_add(decision_time);
        let mut start = self.scheduler_free.max(self.written(place));
        if self.state.accelerators[place.accelerator.index()].is_gated {
            start = start.saturating_add(self.wake(place.accelerator));
        }
        if self.system.profile.has_points() {
            start = start.max(self.stalled_until(place.accelerator));
        }
        start
    }

    /// Takes the slot of a run that is about to begin; the id of the run.
    #[inline(always)]
    pub(super) fn take_slot(
        &mut self,
        place: &Place,
        from: Progress,
        started: Time,
        switched: bool,
    ) -> RunId {
        let hidden = &mut self.hidden.runs[place.home as usize];
        let id = RunId::new(place.home, hidden.generation);
        *hidden = HiddenRun {
            generation: hidden.generation.wrapping_add(1),
            held: place.count,
            since: self.state.now,
            switched,
            mode: None,
            anchor: Anchor::of(from, started),
        };
        id
    }

    /// Gives a run its units.
    #[inline(always)]
    pub(super) fn occupy(&mut self, place: &Place, model: ModelId, stop: u32, jobs: u32) {
        self.state.take_units(place.accelerator, place.taken);
        let (network, last_layer) = (self.system.costs.held(model), stop.checked_sub(1));
        let last =
            UnitState { last_model: Some(network), last_layer, last_units: place.count, last_jobs: jobs };
        self.state.mark_units(place.accelerator, place.taken, last);
    }

    /// When the contexts are written that units hold of runs before.
    #[inline(always)]
    fn written(&self, place: &Place) -> Time {
        match &self.hidden.written[place.slots()] {
            // The only unit of most accelerators.
            [only] => *only,
            all => place.taken.iter().map(|unit| all[unit as usize]).max().unwrap_or(Time::ZERO),
        }
    }

    /// The activations that a context switch of units moves; none where nothing is switched.
    ///
    /// A block that is skipped next passes its input on, so that the layer at which the job is known to
    /// stand says what comes in.
    #[inline(always)]
    pub(super) fn switched(&self, place: &Place, model: ModelId, layer: u32, jobs: u32) -> Option<Moved> {
        let profile = &self.system.profile;
        let states = &self.state.units[place.slots()];
        if let [only] = states {
            return profile.switched(std::iter::once(*only), model, layer, jobs);
        }
        profile.switched(place.taken.iter().map(|unit| states[unit as usize]), model, layer, jobs)
    }
}

/// A dispatch beside its jobs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dispatch {
    pub variant: Option<VariantId>,
    pub accelerator: AcceleratorId,
    pub units: Units,
    pub extent: Extent,
}

/// The units that a run is about to take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub accelerator: AcceleratorId,
    /// The number of its units, and the slot of the first of them.
    pub units: u32,
    pub first_unit: u32,
    /// The number of units, and the class that they form.
    pub count: u32,
    pub class: ClassId,
    pub taken: UnitSet,
    /// The slot of the run.
    pub home: u32,
}

impl Place {
    /// The slots of all units of the accelerator.
    fn slots(&self) -> Range<usize> {
        self.first_unit as usize..(self.first_unit + self.units) as usize
    }
}

/// A run of `model` that is dispatched now, from a progress to the layer that it ends before; its id and its jobs are yet to be
/// filled in.
#[inline(always)]
pub(super) fn run_of(
    system: &System,
    now: Time,
    place: &Place,
    model: ModelId,
    (from, stop): (Progress, u32),
    started: Time,
) -> Run {
    let Place { accelerator, class, taken, .. } = *place;
    let expected = expected_latency(system, model, system.in_steps_of(model, class, from), stop, class);
    Run {
        id: RunId::new(0, 0),
        accelerator,
        units: taken,
        class,
        next_class: None,
        share: system.share_of(class),
        jobs: JobId::new(0, 0).into(),
        model,
        from,
        stop,
        dispatched: now,
        started,
        pace: Pace::from(started),
        expected_end: started.saturating_add(expected),
        is_ending: false,
    }
}

/// Refuses jobs that cannot be dispatched.
#[inline]
pub(super) const fn is_ready(state: JobState) -> Result<(), Illegal> {
    match state {
        JobState::Ready => Ok(()),
        JobState::Waiting => Err(Illegal::InputsNotReady),
        JobState::Running(_) => Err(Illegal::JobRuns),
        JobState::Over => Err(Illegal::NoSuchJob),
    }
}

/// The layer that a segment ends before, of which `first` is the first layer that runs: layers that are skipped before it do
/// not count.
#[inline(always)]
pub(super) fn stop_of(system: &System, model: ModelId, first: u32, extent: Extent) -> u32 {
    let layers = system.profile.layers(model);
    match extent {
        Extent::Layers(count) => first.saturating_add(count.get()).min(layers),
        Extent::Rest => layers,
    }
}

/// Where a segment that is to end before `stop` does: from the first layer on that the accelerator does not run, the job goes on
/// elsewhere.
#[inline]
pub(super) fn supported_stop(system: &System, place: &Place, model: ModelId, from: u32, stop: u32) -> u32 {
    if system.is_partial { stop.min(system.costs.supported_until(model, from, place.class)) } else { stop }
}

/// Expected latency of a segment by the profile: exactly so where nothing is skipped and nothing exits inside of it.
#[inline(always)]
pub(super) fn expected_latency(
    system: &System,
    model: ModelId,
    from: Progress,
    stop: u32,
    class: ClassId,
) -> Duration {
    let profile = &system.profile;
    let mut expected = if system.is_dynamic(model) {
        system.expected_between(model, from.layer, stop, class)
    } else {
        let all = profile.remaining(model, from.layer, class).picoseconds();
        let after = profile.remaining(model, stop, class).picoseconds();
        all.saturating_sub(after)
    };
    if from.quantum > 0 {
        let layer = u128::from(profile.latency(model, from.layer, class).picoseconds());
        let done = layer * u128::from(from.quantum) / u128::from(from.quanta.max(1));
        expected = expected.saturating_sub(u64::try_from(done).unwrap_or(u64::MAX));
    }
    Duration::from_picoseconds(expected)
}
