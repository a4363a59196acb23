//! The running sums of one accelerator.

use rtmm_hardware::{Energy, EnergyTotal};
use rtmm_scheduler::{JobId, Run};
use rtmm_workload::{Duration, Time};

use crate::metrics::summary::AcceleratorSummary;
use crate::observer::SegmentRecord;

/// Sums over the runs of an accelerator.
#[derive(Clone, Debug)]
pub(crate) struct AcceleratorTally {
    units: u32,
    /// Time in runs times the units that they held, in picoseconds.
    busy: u128,
    segments: u64,
    context_switches: u64,
    job_switches: u64,
    last_job: Option<JobId>,
    /// Segments that were dispatched and the jobs that they had then, where accelerators run batches.
    batches: Option<(u64, u64)>,
    energy: EnergyTotal,
}

/// State at the start of a run.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Began {
    /// The number of units that it holds, and since when.
    held: u32,
    since: Time,
    /// The energy that its job had spent before.
    spent_before: Energy,
}

impl Began {
    pub(crate) fn new(now: Time, held: u32, spent_before: Energy) -> Self {
        Self { held, since: now, spent_before }
    }
}

impl AcceleratorTally {
    pub(crate) fn new(units: u32, has_batches: bool) -> Self {
        Self {
            units,
            busy: 0,
            segments: 0,
            context_switches: 0,
            job_switches: 0,
            last_job: None,
            batches: has_batches.then_some((0, 0)),
            energy: EnergyTotal::default(),
        }
    }

    /// Counts the time of a run from the end of the warm-up on; it holds `held` units from now on.
    #[inline(always)]
    pub(crate) fn count_busy(&mut self, now: Time, began: &mut Began, held: u32, from: Time) {
        let took = now.saturating_since(began.since.max(from)).picoseconds();
        self.busy += u128::from(took) * u128::from(began.held);
        (began.held, began.since) = (held, now);
    }

    /// Counts the jobs of a segment that is dispatched; whether it was counted.
    #[inline]
    pub(crate) fn dispatched(&mut self, run: &Run, from: Time) -> bool {
        let Some((segments, jobs)) = self.batches.as_mut().filter(|_| run.dispatched >= from) else {
            return false;
        };
        *segments += 1;
        *jobs += u64::from(run.jobs.count());
        true
    }

    /// Segments that were dispatched, and the jobs that they had then; none where no accelerator runs batches.
    pub(crate) fn batches(&self) -> Option<(u64, u64)> {
        self.batches
    }

    /// Counts the energy of a job that leaves a batch, which had spent nothing before it.
    pub(crate) fn left(&mut self, record: &SegmentRecord<'_>, from: Time) {
        if record.run.dispatched >= from {
            self.energy += record.job.energy;
        }
    }

    /// Counts a segment's time from the end of the warm-up on, and all else of segments that were
    /// dispatched since.
    #[inline(always)]
    pub(crate) fn ended(&mut self, now: Time, record: &SegmentRecord<'_>, began: &mut Began, from: Time) {
        let Run { dispatched, .. } = *record.run;
        self.count_busy(now, began, 0, from);
        let job = record.job.id;
        if dispatched >= from {
            self.segments += 1;
            self.context_switches += u64::from(record.switched);
            self.job_switches += u64::from(self.last_job.is_some_and(|last| last != job));
            self.energy += record.job.energy.saturating_sub(began.spent_before);
        }
        self.last_job = Some(job);
    }

    pub(crate) fn units(&self) -> u32 {
        self.units
    }

    pub(crate) fn energy(&self) -> EnergyTotal {
        self.energy
    }

    pub(crate) fn summary(&self, accelerator: &str, measured: Duration) -> AcceleratorSummary {
        let mean = self.busy / u128::from(self.units.max(1));
        let mean = Duration::from_picoseconds(u64::try_from(mean).unwrap_or(u64::MAX));
        let busy = mean.picoseconds() as f64;
        AcceleratorSummary {
            accelerator: accelerator.to_owned(),
            utilisation: (!measured.is_zero()).then(|| busy / measured.picoseconds() as f64),
            busy_ms: mean.milliseconds(),
            segments: self.segments,
            context_switches: self.context_switches,
            job_switches: self.job_switches,
            segment_energy_pj: self.energy.picojoules(),
            batch_mean: self.batches.and_then(mean_batch),
            power: None,
        }
    }
}

/// The mean number of jobs of a segment; none of no segments.
pub(crate) fn mean_batch((segments, jobs): (u64, u64)) -> Option<f64> {
    (segments > 0).then(|| jobs as f64 / segments as f64)
}
