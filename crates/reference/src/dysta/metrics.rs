//! Results of a run: times of every request, and the three published metrics.

use serde::Serialize;

use super::sums::pairwise_mean;

/// Fate of a request. All are finished in the end.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Job {
    /// When it arrived, in seconds.
    pub arrival_s: f64,
    /// When it was due, in seconds; absolute.
    pub deadline_s: f64,
    /// When its first layer started, in seconds.
    pub start_s: f64,
    /// When its last layer ended, in seconds.
    pub finish_s: f64,
    /// Sum of the latencies of its layers, in seconds.
    pub isolated_s: f64,
}

impl Job {
    /// True if it finished after its deadline.
    #[must_use]
    pub fn is_late(&self) -> bool {
        self.finish_s > self.deadline_s
    }

    /// Response time by isolated latency.
    #[must_use]
    pub fn normalised_turnaround(&self) -> f64 {
        (self.finish_s - self.arrival_s) / self.isolated_s
    }
}

/// Result of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Fate of each request, in their order.
    pub jobs: Vec<Job>,
    /// The requests in the order in which they finished.
    pub finish_order: Vec<usize>,
    /// Number of layers that ran.
    pub decisions: u64,
    /// Number of times that a decision was for another request than the one before it.
    pub switches: u64,
    /// FNV-1a, 64 bits, over the requests of all decisions, each as four bytes, the lowest first.
    pub decision_fnv1a64: u64,
    /// Number of times that the clock moved back (quirk 2).
    pub clock_rollbacks: u64,
    /// Sum of these steps back, in seconds.
    pub clock_rollback_total_s: f64,
}

/// The published metrics of a run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Metrics {
    /// The share of requests that finished after their deadline.
    pub violation_rate: f64,
    /// Average normalised turnaround time.
    pub antt: f64,
    /// System throughput, in inferences a second: requests by the time from the first arrival to the
    /// last finish.
    pub stp: f64,
}

/// Metrics of a group of requests.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Rates {
    /// Number of requests.
    pub requests: usize,
    /// The share of them that finished after their deadline.
    pub violation_rate: f64,
    /// Their average normalised turnaround time.
    pub antt: f64,
}

impl Outcome {
    /// The published metrics.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        let Rates { requests, violation_rate, antt } = self.rates(|_| true);
        let first_s = self.jobs.first().map_or(0.0, |job| job.arrival_s);
        let last_s = self.jobs.iter().fold(f64::NEG_INFINITY, |last, job| last.max(job.finish_s));
        Metrics { violation_rate, antt, stp: requests as f64 / (last_s - first_s) }
    }

    /// Metrics of the requests in a group, as the program counts; not a number where there are none.
    #[must_use]
    pub fn rates(&self, is_in_group: impl Fn(usize) -> bool) -> Rates {
        // The order of summation is that of finishing.
        let jobs = || self.finish_order.iter().filter(|index| is_in_group(**index)).map(|i| &self.jobs[*i]);
        let turnarounds: Vec<f64> = jobs().map(Job::normalised_turnaround).collect();
        let late = jobs().filter(|job| job.is_late()).count();
        Rates {
            requests: turnarounds.len(),
            violation_rate: late as f64 / turnarounds.len() as f64,
            antt: pairwise_mean(&turnarounds),
        }
    }
}
