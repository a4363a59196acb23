//! The part of a run's state that no policy sees.

use std::ops::Range;

use rtmm_hardware::{AcceleratorId, Energy, EnergyParts, JobRanks, Moved, Outcome};
use rtmm_scheduler::{JobId, Preemption, Progress, SystemState};
use rtmm_workload::{Duration, ModelId, Realisation, Time, VariantSet};

use crate::execution::{Batch, LayerPart, Segment};
use crate::observer::JobMoves;
use crate::system::System;

/// The hidden part of the state, beside [`SystemState`].
#[derive(Clone, Debug, Default)]
pub(super) struct HiddenState {
    /// Of jobs, by slot.
    pub jobs: Vec<HiddenJob>,
    /// By slot of jobs, apart from the rest so that oracles can be shown them.
    pub realisations: Vec<Realisation>,
    /// Ranks that the layers of jobs drew, by slot of jobs.
    pub ranks: JobRanks,
    /// Slots of jobs that are over.
    pub vacant: Vec<u32>,
    /// Of runs, by slot.
    pub runs: Vec<HiddenRun>,
    /// Of units: when the context is written that a checkpoint of their last run left.
    pub written: Vec<Time>,
    /// By accelerator: time in runs that are over, times the units that they held, in picoseconds.
    busy: Vec<u128>,
}

/// Hidden state of a job.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct HiddenJob {
    pub sample: u64,
    /// True if a recording names the sample.
    pub is_recorded: bool,
    /// Its arrival, or the end of the last job that it needed where that is later.
    pub ready: Time,
    pub energy: EnergyParts<Energy>,
    pub switch_energy: Energy,
    pub moves: JobMoves,
    /// It is dropped at its next boundary.
    pub drops_at_boundary: bool,
    /// Up to where its energy is counted.
    pub booked: Progress,
    /// The part of the layer there that is counted, where an operating point changed inside it.
    pub booked_part: LayerPart,
    /// Its context that a checkpoint wrote, and that it reads again before it goes on.
    pub written: Moved,
    /// The layer variants that it has run, or was dispatched to run.
    pub variants: VariantSet,
}

/// Hidden state of a slot of runs.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct HiddenRun {
    /// Number of runs that the slot had.
    pub generation: u32,
    /// The number of units that the run holds, and since when.
    pub held: u32,
    pub since: Time,
    /// True if it was preceded by a context switch.
    pub switched: bool,
    /// The last mode in which it was told to end early.
    pub mode: Option<Preemption>,
    /// Where the layers follow from that it completes, where the execution does not tell of them.
    pub anchor: Anchor,
}

/// A place in a run from which the instants of its layers follow in its class: its beginning, or where it stood when an
/// operating point changed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Anchor {
    /// The layer, with the quanta of it that were done when the run began.
    pub from: Progress,
    /// When that layer began, or went on in this run.
    pub began: Time,
    /// The instant at which the run stood there, or goes on from there.
    pub at: Time,
    /// The time that the rest of the layer takes from then on; none where it follows from the quanta.
    pub rest: Option<u64>,
}

impl Anchor {
    /// The beginning of a run.
    pub(super) const fn of(from: Progress, started: Time) -> Self {
        Self { from, began: started, at: started, rest: None }
    }
}

impl HiddenState {
    /// Hidden part of a state before anything happens.
    pub(super) fn new(state: &SystemState, ranks: JobRanks) -> Self {
        Self {
            ranks,
            runs: vec![HiddenRun::default(); state.runs.slots()],
            written: vec![Time::ZERO; state.runs.slots()],
            busy: vec![0; state.accelerators.len()],
            ..Self::default()
        }
    }

    /// Counts the layer variants that a job is dispatched to run.
    pub(super) fn run_variants(&mut self, system: &System, slot: usize, model: ModelId, layers: Range<u32>) {
        if let Some(of) = system.layer_variants(model) {
            let ran = &mut self.jobs[slot].variants;
            *ran = of.running(*ran, layers);
        }
    }

    /// The run in a slot with what its job really does; none where there is no run.
    #[inline]
    pub(super) fn segment<'r>(&'r self, state: &'r SystemState, slot: usize) -> Option<Segment<'r>> {
        let run = state.runs.at(slot)?;
        let job = run.jobs.first()?.slot();
        let realisation = self.realisations.get(job)?;
        let batch = if run.jobs.count() == 1 { None } else { Some(self.batch(state.runs.jobs_of(run))) };
        Some(Segment { run, realisation, ranks: self.ranks.of(job), batch, jobs: &state.jobs })
    }

    /// The inferences of jobs.
    pub(super) fn batch<'r>(&'r self, jobs: &'r [JobId]) -> Batch<'r> {
        Batch { jobs, realisations: &self.realisations, ranks: &self.ranks }
    }

    /// Differences of the inference of a job from others that matter to its costs.
    #[inline]
    pub(super) fn outcome(&self, job: usize) -> Outcome<'_> {
        Outcome { row: self.realisations[job].row, ranks: self.ranks.of(job) }
    }

    /// Counts the time of a run in the units that it held, up to now.
    #[inline]
    pub(super) fn count_busy(&mut self, slot: usize, accelerator: AcceleratorId, now: Time) {
        let HiddenRun { held, since, .. } = &mut self.runs[slot];
        let took = u128::from(now.saturating_since(*since).picoseconds());
        *since = now;
        self.busy[accelerator.index()] += took * u128::from(*held);
    }

    /// Time in runs that are over, by accelerator: in the mean over its units, rounded down.
    pub(super) fn busy_times(&self, state: &SystemState) -> Vec<Duration> {
        let mean = |(busy, units): (&u128, u32)| {
            let mean = busy / u128::from(units.max(1));
            Duration::from_picoseconds(u64::try_from(mean).unwrap_or(u64::MAX))
        };
        let units = state.accelerators.iter().map(|accelerator| accelerator.units);
        self.busy.iter().zip(units).map(mean).collect()
    }
}
