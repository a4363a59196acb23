//! The running sums of the jobs of one priority, whatever their task.

use rtmm_workload::Time;

use crate::metrics::classes::{PriorityClass, PriorityClasses};
use crate::metrics::summary::{JobCounts, PriorityClassSummary, PrioritySummary};
use crate::metrics::task::{Turnaround, normalised_turnaround};
use crate::observer::{DropCause, JobRecord};

/// Sums over judged jobs, by priority, in ascending order.
#[derive(Clone, Debug, Default)]
pub(crate) struct PriorityTallies(Vec<PriorityTally>);

#[derive(Clone, Debug)]
struct PriorityTally {
    priority: i32,
    counts: JobCounts,
    turnaround: Turnaround,
}

impl PriorityTallies {
    fn of(&mut self, priority: i32) -> &mut PriorityTally {
        let position = match self.0.binary_search_by_key(&priority, |tally| tally.priority) {
            Ok(position) => position,
            Err(position) => {
                let (counts, turnaround) = (JobCounts::default(), Turnaround::default());
                self.0.insert(position, PriorityTally { priority, counts, turnaround });
                position
            }
        };
        &mut self.0[position]
    }

    pub(crate) fn released(&mut self, priority: i32) {
        self.of(priority).counts.released += 1;
    }

    pub(crate) fn completed(&mut self, now: Time, record: &JobRecord<'_>) {
        let tally = self.of(record.job.priority);
        tally.counts.completed += 1;
        if now > record.job.deadline {
            tally.counts.late += 1;
        } else {
            tally.counts.on_time += 1;
        }
        tally.turnaround.add(normalised_turnaround(now, record));
    }

    pub(crate) fn dropped(&mut self, record: &JobRecord<'_>, cause: DropCause) {
        let counts = &mut self.of(record.job.priority).counts;
        counts.dropped += 1;
        counts.dropped_upstream += u64::from(cause == DropCause::Upstream);
    }

    pub(crate) fn in_flight(&mut self, now: Time, record: &JobRecord<'_>) {
        let counts = &mut self.of(record.job.priority).counts;
        counts.in_flight += 1;
        if record.job.deadline <= now {
            counts.overdue += 1;
        } else {
            counts.undecided += 1;
        }
    }

    pub(crate) fn summaries(&self) -> Vec<PrioritySummary> {
        let summary = |tally: &PriorityTally| PrioritySummary {
            priority: tally.priority,
            jobs: tally.counts,
            deadline_violation_rate: tally.counts.deadline_violation_rate(),
            antt: tally.turnaround.mean(),
        };
        self.0.iter().map(summary).collect()
    }

    /// The results of all three classes, the least first.
    pub(crate) fn summaries_of_classes(&self, classes: PriorityClasses) -> Vec<PriorityClassSummary> {
        let of_class = |class| self.summary_of_class(class, |priority| classes.of(priority) == class);
        [PriorityClass::Low, PriorityClass::Mid, PriorityClass::High].map(of_class).into()
    }

    /// The results of a class, of the priorities that belong to it.
    fn summary_of_class(&self, class: PriorityClass, belongs: impl Fn(i32) -> bool) -> PriorityClassSummary {
        let (mut jobs, mut turnaround) = (JobCounts::default(), Turnaround::default());
        for tally in self.0.iter().filter(|tally| belongs(tally.priority)) {
            jobs += tally.counts;
            turnaround += tally.turnaround;
        }
        PriorityClassSummary {
            class,
            jobs,
            deadline_violation_rate: jobs.deadline_violation_rate(),
            sla_satisfaction: jobs.sla_satisfaction(),
            antt: turnaround.mean(),
        }
    }
}
