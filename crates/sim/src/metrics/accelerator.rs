//! The running sums of one accelerator.

use rtmm_scheduler::JobId;
use rtmm_workload::{Duration, Time};

use crate::metrics::summary::AcceleratorSummary;
use crate::observer::SegmentRecord;

/// Sums over the segments of an accelerator.
#[derive(Clone, Debug, Default)]
pub(crate) struct AcceleratorTally {
    busy: Duration,
    segments: u64,
    context_switches: u64,
    job_switches: u64,
    last_job: Option<JobId>,
    energy_pj: f64,
    /// What the job of its running segment had spent before.
    spent_before_pj: f64,
}

impl AcceleratorTally {
    pub(crate) fn dispatched(&mut self, spent_before_pj: f64) {
        self.spent_before_pj = spent_before_pj;
    }

    /// Counts a segment's time from the end of the warm-up on, and all else of segments that were
    /// dispatched since.
    pub(crate) fn ended(&mut self, now: Time, record: &SegmentRecord<'_>, from: Time) {
        let dispatched = record.segment.dispatched;
        self.busy = self.busy.saturating_add(now.saturating_since(dispatched.max(from)));
        if dispatched >= from {
            self.segments += 1;
            self.context_switches += u64::from(record.switched);
            self.job_switches += u64::from(self.last_job.is_some_and(|last| last != record.segment.job));
            self.energy_pj += record.job.energy_pj - self.spent_before_pj;
        }
        self.last_job = Some(record.segment.job);
    }

    pub(crate) fn energy_pj(&self) -> f64 {
        self.energy_pj
    }

    pub(crate) fn summary(&self, accelerator: &str, measured: Duration) -> AcceleratorSummary {
        let busy = self.busy.picoseconds() as f64;
        AcceleratorSummary {
            accelerator: accelerator.to_owned(),
            utilisation: (!measured.is_zero()).then(|| busy / measured.picoseconds() as f64),
            busy_ms: self.busy.milliseconds(),
            segments: self.segments,
            context_switches: self.context_switches,
            job_switches: self.job_switches,
            segment_energy_pj: self.energy_pj,
        }
    }
}
