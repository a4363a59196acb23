//! Normalised progress: how fast jobs go beside others, as a part of how fast they go alone.
//!
//! Of a set of completed jobs it is the sum of their isolated latencies over the sum of their turnarounds:
//! 1 where each ran as if alone, near 0 where they waited. Turnaround counts from readiness, as in ANTT. A set of
//! which jobs are decided and none was completed has made no progress: leaving it out would
//! favour policies that let jobs starve.
//!
//! Sources: system throughput is that of Eyerman and Eeckhout (IEEE Micro 2008); fairness by priorities that of
//! MoCA (Kim et al., HPCA 2023), which takes the form over from PREMA (Choi and Rhu, HPCA 2020); the index is that of
//! Jain, Chiu and Hawe (DEC-TR-301, 1984).

use rtmm_workload::{ModelId, Time};

use crate::observer::JobRecord;

/// Sums over the judged jobs of a task, or of all tasks of a network.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Progress {
    /// Over completed jobs that take time, in picoseconds.
    isolated: u128,
    turnaround: u128,
    completed: u64,
    decided: u64,
    /// Priority plus one, over decided jobs.
    weight: i128,
}

impl Progress {
    pub(crate) fn complete(&mut self, now: Time, record: &JobRecord<'_>) {
        self.completed += 1;
        let isolated = record.isolated.picoseconds();
        if isolated > 0 {
            self.isolated += u128::from(isolated);
            self.turnaround += u128::from(now.saturating_since(record.ready).picoseconds());
        }
    }

    pub(crate) fn decide(&mut self, priority: i32) {
        self.decided += 1;
        self.weight += i128::from(priority) + 1;
    }

    /// Progress of the jobs together; none where nothing is decided, or where all that was completed takes no time.
    pub(crate) fn value(&self) -> Option<f64> {
        if self.completed == 0 {
            return (self.decided > 0).then_some(0.0);
        }
        (self.isolated > 0 && self.turnaround > 0).then(|| self.isolated as f64 / self.turnaround as f64)
    }

    /// Progress over the mean of priority plus one; none where that mean is not above zero.
    fn by_priority(&self) -> Option<f64> {
        let value = self.value()?;
        (self.weight > 0).then(|| value * self.decided as f64 / self.weight as f64)
    }
}

impl std::ops::AddAssign for Progress {
    fn add_assign(&mut self, other: Self) {
        self.isolated += other.isolated;
        self.turnaround += other.turnaround;
        self.completed += other.completed;
        self.decided += other.decided;
        self.weight += other.weight;
    }
}

/// Progress of tasks, added up by the network that each names; in the order in which networks first appear.
pub(crate) fn by_network(tasks: impl Iterator<Item = (ModelId, Progress)>) -> Vec<Progress> {
    let mut networks: Vec<(ModelId, Progress)> = Vec::new();
    for (network, progress) in tasks {
        match networks.iter_mut().find(|(known, _)| *known == network) {
            Some((_, sum)) => *sum += progress,
            None => networks.push((network, progress)),
        }
    }
    networks.into_iter().map(|(_, progress)| progress).collect()
}

/// Sum of the progress of networks; none where no network has any.
pub(crate) fn system_throughput(networks: &[Progress]) -> Option<f64> {
    let mut values = networks.iter().filter_map(Progress::value).peekable();
    values.peek()?;
    Some(values.sum())
}

/// The least ratio of two networks' progress, each over the mean of its priorities plus one; 1 of one network.
/// None where no network has made progress, or where priorities of one whose jobs are decided give no weight.
pub(crate) fn fairness_min_ratio(networks: &[Progress]) -> Option<f64> {
    let (mut least, mut greatest) = (f64::INFINITY, 0.0_f64);
    for network in networks.iter().filter(|network| network.value().is_some()) {
        let progress = network.by_priority()?;
        (least, greatest) = (least.min(progress), greatest.max(progress));
    }
    (greatest > 0.0).then(|| least / greatest)
}

/// Jain's index of values: from `1 / n`, where one of `n` has all, to 1, where all are equal. None where
/// none is above zero.
pub(crate) fn jain_index(values: impl Iterator<Item = f64>) -> Option<f64> {
    let add = |(count, sum, squares): (u64, f64, f64), value: f64| {
        (count + 1, sum + value, squares + value * value)
    };
    let (count, sum, squares) = values.fold((0, 0.0, 0.0), add);
    (squares > 0.0).then(|| sum * sum / (count as f64 * squares))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two jobs of so much isolated latency and turnaround in all, four decided ones with this sum of priorities.
    fn progress(isolated: u128, turnaround: u128, priorities: i128) -> Progress {
        Progress { isolated, turnaround, completed: 2, decided: 4, weight: priorities + 4 }
    }

    #[test]
    fn the_least_ratio_is_by_priorities() {
        // 1/2 over a mean of 1 + 1, 1/4 over 0 + 1: both 1/4.
        let fair = [progress(10, 20, 4), progress(10, 40, 0)];
        assert_eq!((fairness_min_ratio(&fair), system_throughput(&fair)), (Some(1.0), Some(0.75)));
        // At equal priorities half.
        assert_eq!(fairness_min_ratio(&[progress(10, 20, 0), progress(10, 40, 0)]), Some(0.5));
        // A third network between them changes nothing.
        let three = [progress(10, 20, 0), progress(10, 30, 0), progress(10, 40, 0)];
        assert_eq!(fairness_min_ratio(&three), Some(0.5));
    }

    #[test]
    fn who_completes_nothing_makes_no_progress() {
        let starved = Progress { decided: 3, weight: 3, ..Progress::default() };
        let unknown = Progress::default();
        assert_eq!((starved.value(), unknown.value()), (Some(0.0), None));
        let networks = [progress(10, 20, 0), starved, unknown];
        assert_eq!(system_throughput(&networks), Some(0.5));
        assert_eq!(fairness_min_ratio(&networks), Some(0.0));
        assert_eq!(fairness_min_ratio(&[starved, unknown]), None);
        assert_eq!((system_throughput(&[unknown]), fairness_min_ratio(&[])), (None, None));
    }

    #[test]
    fn priorities_that_give_no_weight_leave_fairness_missing() {
        assert_eq!(fairness_min_ratio(&[progress(10, 20, 0), progress(10, 20, -4)]), None);
        assert_eq!(fairness_min_ratio(&[progress(10, 20, -3)]), Some(1.0));
    }

    #[test]
    fn jain_of_equal_values_is_one_and_of_one_among_n_is_one_over_n() {
        let of = |values: &[f64]| jain_index(values.iter().copied());
        assert_eq!((of(&[]), of(&[0.0, 0.0])), (None, None));
        assert_eq!((of(&[0.25; 4]), of(&[0.0, 0.0, 0.0, 2.0])), (Some(1.0), Some(0.25)));
        // (1 + 2 + 3)^2 / (3 * 14).
        assert_eq!(of(&[1.0, 2.0, 3.0]), Some(36.0 / 42.0));
    }
}
