//! Asking the policy, and doing what it says if that is legal.

use rtmm_scheduler::{
    AcceleratorState, Decision, Extent, JobId, JobState, Placement, Preemption, Progress, Segment, Truth,
    VariantId,
};
use rtmm_workload::{Duration, ModelId};

use super::Simulation;
use super::state::{Hidden, State};
use crate::error::{Illegal, SimulationError};
use crate::execution::{Course, Execution};
use crate::observer::{DropCause, Observer};
use crate::system::System;

/// Rounds of decisions in one instant after which a policy is taken to be endless.
const MOST_ROUNDS: u32 = 1_000_000;

impl<E: Execution, O: Observer> Simulation<'_, E, O> {
    /// Asks the policy until it has no more to say.
    pub(super) fn decide(&mut self) -> Result<(), SimulationError> {
        for _ in 0..MOST_ROUNDS {
            let view = self.state.view(self.system);
            let truth = self.options.oracle.then(|| {
                let System { profile, models, samples, .. } = self.system;
                Truth::new(profile, models, samples, &self.state.realisations)
            });
            let mut decisions = std::mem::take(&mut self.decisions);
            decisions.clear();
            self.gone.clear();
            let decided = self.policy.decide(&view, truth.as_ref(), &mut decisions);
            decided.map_err(|error| self.policy_failed(error))?;
            self.rounds += 1;
            self.decisions_taken += decisions.len() as u64;
            let is_done = decisions.is_empty();
            let outcome = decisions.iter().try_for_each(|decision| {
                self.apply(decision).map_err(|reason| SimulationError::IllegalDecision {
                    policy: self.policy_name.clone(),
                    now: self.state.now,
                    decision: *decision,
                    reason,
                })
            });
            self.decisions = decisions;
            outcome?;
            self.check_policy()?;
            if is_done {
                // What the policy did itself is no news to it.
                self.is_news = false;
                return Ok(());
            }
        }
        Err(SimulationError::EndlessDecisions {
            policy: self.policy_name.clone(),
            now: self.state.now,
            rounds: MOST_ROUNDS,
        })
    }

    pub(super) fn apply(&mut self, decision: &Decision) -> Result<(), Illegal> {
        match *decision {
            Decision::Dispatch { job, variant, placement, extent } => {
                self.dispatch(job, variant, placement, extent)
            }
            Decision::Preempt { accelerator, mode } => {
                let known = self.state.accelerators.get(accelerator.index());
                known.ok_or(Illegal::NoSuchAccelerator)?;
                let segment = &mut self.state.accelerators[accelerator.index()].segment;
                segment.as_mut().ok_or(Illegal::NothingToPreempt)?.is_ending = true;
                self.execution.preempt(self.system, accelerator, self.state.now, mode);
                Ok(())
            }
            Decision::Drop { job } => {
                // A drop of the same list may have taken it along.
                if self.gone.contains(&job) {
                    return Ok(());
                }
                let slot = self.slot(job)?;
                if let JobState::Running(accelerator) = self.state.jobs[slot].state {
                    if std::mem::replace(&mut self.state.hidden[slot].is_doomed, true) {
                        return Err(Illegal::AlreadyDropped);
                    }
                    if let Some(segment) = &mut self.state.accelerators[accelerator.index()].segment {
                        segment.is_ending = true;
                    }
                    let mode = Preemption::Layer;
                    self.execution.preempt(self.system, accelerator, self.state.now, mode);
                } else {
                    self.drop_job(slot, DropCause::Policy);
                }
                Ok(())
            }
            Decision::SetShare { accelerator, share } => {
                let known = self.state.accelerators.get(accelerator.index());
                known.ok_or(Illegal::NoSuchAccelerator)?;
                self.execution.set_share(self.state.now, accelerator, share)
            }
            Decision::SetTimer { at, tag } => {
                if at <= self.state.now {
                    return Err(Illegal::TimerNotInFuture);
                }
                self.events.add_timer(at, tag);
                Ok(())
            }
            _ => Err(Illegal::NoSuchPlacement),
        }
    }

    pub(super) fn slot(&self, id: JobId) -> Result<usize, Illegal> {
        let known =
            self.state.jobs.get(id.slot()).is_some_and(|job| job.id == id && job.state != JobState::Over);
        if known { Ok(id.slot()) } else { Err(Illegal::NoSuchJob) }
    }

    pub(super) fn dispatch(
        &mut self,
        id: JobId,
        variant: Option<VariantId>,
        placement: Placement,
        extent: Extent,
    ) -> Result<(), Illegal> {
        let system = self.system;
        let slot = self.slot(id)?;
        let job = self.state.jobs[slot];
        match job.state {
            JobState::Ready => {}
            JobState::Waiting => return Err(Illegal::InputsNotReady),
            JobState::Running(_) => return Err(Illegal::JobRuns),
            JobState::Over => return Err(Illegal::NoSuchJob),
        }
        let Placement::Whole(accelerator) = placement else { return Err(Illegal::NoSuchPlacement) };
        let index = accelerator.index();
        let state = self.state.accelerators.get(index).ok_or(Illegal::NoSuchAccelerator)?;
        if state.segment.is_some() {
            return Err(Illegal::AcceleratorBusy);
        }
        let last = AcceleratorState { segment: None, ..*state };
        let model = match variant {
            None => job.model,
            Some(variant) => {
                let variants = &system.scenario.tasks[job.task.index()].variants;
                *variants.get(variant.index()).ok_or(Illegal::NoSuchVariant)?
            }
        };
        if job.started && model != job.model {
            return Err(Illegal::VariantIsFixed);
        }
        if model != job.model {
            let Hidden { sample, is_recorded, .. } = self.state.hidden[slot];
            self.state.realisations[slot] = self.realise(job.task, model, sample, is_recorded);
        }

        let now = self.state.now;
        let decision_time = self.policy.decision_time(&self.state.view(system)).unwrap_or_else(|error| {
            self.failure.get_or_insert(error);
            Duration::ZERO
        });
        self.scheduler_free = self.scheduler_free.max(now).saturating_add(decision_time);
        self.scheduler_busy = self.scheduler_busy.saturating_add(decision_time);
        let mut start = self.scheduler_free;
        let from = job.progress;
        let switched = last.last_model.is_some_and(|last| last != model);
        if switched {
            // A block that is skipped next passes its input on, so that the layer at which the job is known
            // to stand says what comes in.
            let profile = &system.profile;
            start = start.saturating_add(profile.switch_time(accelerator, &last, model, from.layer));
            self.state.hidden[slot].switch_energy_pj +=
                profile.switch_energy_pj(accelerator, &last, model, from.layer);
        }
        self.state.hidden[slot].switched = switched;

        let column = system.profile.column(accelerator);
        let layers = system.profile.layers(model);
        let stop = match extent {
            // Layers that are skipped before the first one that runs do not count.
            Extent::Layers(count) => {
                let first = system.next_layer(model, &self.state.realisations[slot], from.layer);
                first.saturating_add(count.get()).min(layers)
            }
            Extent::Rest => layers,
        };
        let expected = expected_latency(system, model, system.in_steps_of(model, column, from), stop, column);
        let segment = Segment {
            job: id,
            model,
            from,
            stop,
            dispatched: now,
            started: start,
            expected_end: start.saturating_add(expected),
            is_ending: false,
        };
        State::remove(&mut self.state.ready, slot as u32);
        if let Ok(position) = self.state.idle.binary_search(&accelerator) {
            self.state.idle.remove(position);
        }
        self.state.accelerators[index] = AcceleratorState {
            segment: Some(segment),
            last_model: Some(model),
            last_layer: stop.checked_sub(1),
        };
        let job = &mut self.state.jobs[slot];
        (job.model, job.started, job.state) = (model, true, JobState::Running(accelerator));
        let realisation = self.state.realisations[slot];
        let configuration = system.platform.accelerators[index].configuration;
        let course = Course { model, column, configuration, from, stop, start, realisation };
        self.execution.begin(system, accelerator, &course);
        self.observer.dispatched(now, accelerator, &segment, &self.state.jobs[slot]);
        Ok(())
    }
}

/// How long a segment should take by the profile: exactly so where nothing is skipped.
fn expected_latency(
    system: &System<'_>,
    model: ModelId,
    from: Progress,
    stop: u32,
    column: usize,
) -> Duration {
    let profile = &system.profile;
    let all = profile.remaining(model, from.layer, column).picoseconds();
    let after = profile.remaining(model, stop, column).picoseconds();
    let mut expected = all.saturating_sub(after);
    if from.quantum > 0 {
        let layer = u128::from(profile.latency(model, from.layer, column).picoseconds());
        let done = layer * u128::from(from.quantum) / u128::from(from.quanta.max(1));
        expected = expected.saturating_sub(u64::try_from(done).unwrap_or(u64::MAX));
    }
    Duration::from_picoseconds(expected)
}
