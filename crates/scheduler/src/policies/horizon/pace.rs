//! Pace of accelerators: how much longer segments take than the profile says.
//!
//! Estimates are of jobs by themselves, at the clocks of now. Others that move data across a shared memory stretch them, and so
//! do times that are not what the profile has in the mean. Of each accelerator the quotient of the time that a segment took and
//! of the time that it was expected to take is averaged, an eighth of the new one at a time. It is 1 where all goes as expected.
//! Segments inside of which an inference may skip layers or exit teach nothing, nor do models whose times vary from job to job: what
//! those take more or less is no pace.

use rtmm_hardware::{AcceleratorId, ClassId};
use rtmm_workload::Time;

use crate::ids::{JobId, RunId};
use crate::run::Run;
use crate::view::View;

/// Part of an average that the last quotient is.
const SHARE: f64 = 0.125;
/// The least and the greatest quotient of one segment: one that stood still for long says little of the next one.
const BOUNDS: (f64, f64) = (0.5, 4.0);

/// A segment that runs.
#[derive(Clone, Copy, Debug)]
struct Watched {
    run: RunId,
    job: JobId,
    class: ClassId,
    dispatched: Time,
    expected_end: Time,
}

/// The pace of each accelerator.
#[derive(Clone, Debug, Default)]
pub(super) struct Pace {
    watched: Vec<Option<Watched>>,
    factors: Vec<f64>,
}

impl Pace {
    /// The factor by which latencies on an accelerator are longer than estimated.
    pub(super) fn factor(&self, accelerator: AcceleratorId) -> f64 {
        self.factors.get(accelerator.index()).copied().unwrap_or(1.0)
    }

    /// A latency on an accelerator at its pace.
    pub(super) fn stretched(&self, accelerator: AcceleratorId, time: u64) -> u64 {
        let factor = self.factor(accelerator);
        if factor == 1.0 { time } else { (time as f64 * factor) as u64 }
    }

    /// Takes in which segments run, and how long those took that are over while their jobs go on.
    pub(super) fn look(&mut self, view: &View<'_>) {
        self.watched.resize(view.accelerators.len(), None);
        self.factors.resize(view.accelerators.len(), 1.0);
        for index in 0..self.watched.len() {
            let Some(watched) = self.watched[index] else { continue };
            if view.run(watched.run).is_none() {
                self.watched[index] = None;
                if let Some(job) = view.job(watched.job) {
                    self.learn(index, watched, job.last_ran);
                }
            }
        }
        for run in view.runs() {
            let slot = &mut self.watched[run.accelerator.index()];
            if slot.is_none_or(|watched| watched.run != run.id || watched.class != run.class) {
                let (class, dispatched, expected_end) = (run.class, run.dispatched, run.expected_end);
                // A clock that changes on the way is not the pace: the end is what is expected behind the change.
                let job = run.jobs.first().filter(|_| is_certain(view, run));
                *slot = job.map(|job| Watched { run: run.id, job, class, dispatched, expected_end });
            }
        }
    }

    /// Takes in that a job is complete.
    pub(super) fn complete(&mut self, job: JobId, now: Time) {
        for index in 0..self.watched.len() {
            if let Some(watched) = self.watched[index].filter(|watched| watched.job == job) {
                self.watched[index] = None;
                self.learn(index, watched, now);
            }
        }
    }

    fn learn(&mut self, accelerator: usize, watched: Watched, end: Time) {
        let Watched { dispatched, expected_end, .. } = watched;
        let (took, expected) = (end.saturating_since(dispatched), expected_end.saturating_since(dispatched));
        if expected.is_zero() {
            return;
        }
        let quotient = took.picoseconds() as f64 / expected.picoseconds() as f64;
        let quotient = quotient.clamp(BOUNDS.0, BOUNDS.1);
        self.factors[accelerator] += (quotient - self.factors[accelerator]) * SHARE;
    }
}

/// True if a segment runs all of its layers, whatever the input: it has one, or no choice lies between its ends.
fn is_certain(view: &View<'_>, run: &Run) -> bool {
    let spread = |layer: u32| view.profile.spread(run.model, layer, run.class);
    !view.profile.varies(run.model)
        && (run.stop - run.from.layer < 2 || spread(run.from.layer) == spread(run.stop))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::Extent;
    use crate::fixture::{Fixture, TaskSketch};

    /// The factor of the first of two accelerators behind one layer of 4 us that took another time.
    fn factor_behind(took_us: u64) -> f64 {
        let mut fixture = Fixture::new(&[TaskSketch::new("a", &[&[4, 4], &[4, 4]])]).unwrap();
        let job = fixture.ready(0, 0, 90);
        let mut pace = Pace::default();
        fixture.run(job, 0, Extent::LAYER);
        pace.look(&fixture.view());
        fixture.set_now(took_us);
        fixture.stop(0, 1);
        pace.look(&fixture.view());
        assert_eq!(pace.factor(AcceleratorId::new(1)), 1.0);
        pace.factor(AcceleratorId::new(0))
    }

    #[test]
    fn an_eighth_of_what_a_segment_took_more_or_less_is_learned() {
        assert_eq!(Pace::default().factor(AcceleratorId::new(3)), 1.0);
        assert_eq!(factor_behind(4), 1.0);
        // 6 of 4 is half more, of which an eighth counts.
        assert_eq!(factor_behind(6), 1.0 + 0.5 / 8.0);
        assert_eq!(factor_behind(3), 1.0 - 0.25 / 8.0);
        // Beyond four times, and below half, it counts as that.
        assert_eq!(factor_behind(80), 1.0 + 3.0 / 8.0);
        assert_eq!(factor_behind(1), 1.0 - 0.5 / 8.0);
    }

    #[test]
    fn segments_that_may_skip_or_exit_teach_nothing() {
        // An exit behind the first of three layers: the last two always run together, the first two do not.
        for (from, stop, learned) in [(0, 2, 1.0), (0, 1, 1.125), (1, 3, 1.125)] {
            let task = TaskSketch::new("a", &[&[4], &[4], &[4]]).exit(0, 0.5);
            let mut fixture = Fixture::new(&[task]).unwrap();
            let job = fixture.ready(0, 0, 90);
            fixture.change(job, |job| job.progress = crate::job::Progress::at(from));
            let count = std::num::NonZeroU32::new(stop - from).unwrap();
            let mut pace = Pace::default();
            fixture.run(job, 0, Extent::Layers(count));
            pace.look(&fixture.view());
            // Twice as long as expected.
            pace.complete(job, Time::from_picoseconds(u64::from(stop - from) * 8_000_000));
            assert_eq!(pace.factor(AcceleratorId::new(0)), learned, "{from} {stop}");
        }
    }

    #[test]
    fn the_last_segment_of_a_job_counts_when_the_job_is_complete() {
        let mut fixture = Fixture::new(&[TaskSketch::new("a", &[&[4]])]).unwrap();
        let job = fixture.ready(0, 0, 90);
        let mut pace = Pace::default();
        fixture.run(job, 0, Extent::Rest);
        pace.look(&fixture.view());
        let first = AcceleratorId::new(0);
        pace.complete(job, Time::from_picoseconds(8_000_000));
        assert_eq!(pace.factor(first), 1.0 + 1.0 / 8.0);
        // Once: it is watched no more.
        pace.complete(job, Time::from_picoseconds(8_000_000));
        assert_eq!(pace.factor(first), 1.0 + 1.0 / 8.0);
    }
}
