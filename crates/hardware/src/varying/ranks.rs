//! Ranks that jobs draw.

use rtmm_workload::random::{Draws, normal_probability};

/// Where a time stands among those of all jobs: the part of them that take no longer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank(u64);

impl Rank {
    /// The steps that all jobs are.
    pub const STEPS: u64 = 1 << 53;

    /// The rank that a part of all jobs is, rounded down to a step; a part is between 0 and 1.
    #[must_use]
    pub fn of(part: f64) -> Self {
        // Casts saturate.
        Self(((part * Self::STEPS as f64) as u64).min(Self::STEPS))
    }

    /// The part, in steps of 2^-53.
    #[must_use]
    pub fn steps(self) -> u64 {
        self.0
    }
}

/// The correlation of the layers of a job, from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Correlation(f64);

impl Correlation {
    /// The correlation where none is stated.
    pub const DEFAULT: f64 = 0.5;

    /// A correlation; what is no number from 0 to 1 becomes the nearest of them.
    #[must_use]
    pub fn new(correlation: f64) -> Self {
        // A zero has no sign.
        Self(if correlation.is_nan() { 0.0 } else { correlation.clamp(0.0, 1.0).abs() })
    }

    /// Its value.
    #[must_use]
    pub fn value(self) -> f64 {
        self.0
    }
}

/// Joins the normal numbers of a job and of its layers to ranks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Copula {
    of_job: f64,
    of_layer: f64,
}

impl Copula {
    /// The Gaussian copula of a correlation.
    #[must_use]
    pub fn new(correlation: Correlation) -> Self {
        Self { of_job: correlation.value().sqrt(), of_layer: (1.0 - correlation.value()).sqrt() }
    }

    /// The rank of a layer by the normal numbers of its job and of its own.
    #[must_use]
    pub fn rank(&self, job: f64, layer: f64) -> Rank {
        Rank::of(normal_probability(self.of_job * job + self.of_layer * layer))
    }

    /// Writes the ranks of the layers of a job, one for each of `copulas` a layer. The draws are those of a seed and a
    /// task for [`rtmm_workload::random::Stream::Latency`]: number 0 of a frame is the job's, each next one that of a layer.
    pub fn draw(copulas: &[Self], draws: Draws, frame: u64, ranks: &mut [Rank]) {
        let job = draws.normal(frame, 0);
        for (ranks, index) in ranks.chunks_exact_mut(copulas.len().max(1)).zip(1_u64..) {
            let layer = draws.normal(frame, index);
            for (rank, copula) in ranks.iter_mut().zip(copulas) {
                *rank = copula.rank(job, layer);
            }
        }
    }
}

/// The ranks of live jobs, by slot.
#[derive(Clone, Debug, Default)]
pub struct JobRanks {
    /// Of each job; 0 where no time varies.
    of_job: usize,
    all: Vec<Rank>,
}

impl JobRanks {
    /// Room for `of_job` ranks a job.
    #[must_use]
    pub fn new(of_job: usize) -> Self {
        Self { of_job, all: Vec::new() }
    }

    /// The ranks of the job in a slot; none where no time varies.
    #[inline]
    #[must_use]
    pub fn of(&self, slot: usize) -> &[Rank] {
        if self.of_job == 0 {
            return &[];
        }
        self.all.get(slot * self.of_job..(slot + 1) * self.of_job).unwrap_or(&[])
    }

    /// Room for the ranks of the job in a slot.
    pub fn of_mut(&mut self, slot: usize) -> &mut [Rank] {
        let (from, to) = (slot * self.of_job, (slot + 1) * self.of_job);
        if self.all.len() < to {
            self.all.resize(to, Rank::default());
        }
        &mut self.all[from..to]
    }
}

#[cfg(test)]
mod tests {
    use rtmm_workload::random::Stream;

    use super::*;

    const JOBS: usize = 20_000;

    /// The ranks of two layers of many jobs.
    fn ranks(correlation: f64) -> Vec<[f64; 2]> {
        let copulas = [Copula::new(Correlation::new(correlation))];
        let draws = Draws::new(5, Stream::Latency, "a");
        let of_job = |frame: u64| {
            let mut ranks = [Rank::default(); 2];
            Copula::draw(&copulas, draws, frame, &mut ranks);
            ranks.map(|rank| rank.steps() as f64 / Rank::STEPS as f64)
        };
        (0..JOBS as u64).map(of_job).collect()
    }

    #[test]
    fn ranks_are_uniform_and_correlated_as_stated() {
        for correlation in [0.0, 0.3, 0.5, 0.9, 1.0] {
            let ranks = ranks(correlation);
            let mean = |of: &dyn Fn(&[f64; 2]) -> f64| ranks.iter().map(of).sum::<f64>() / JOBS as f64;
            for layer in [0, 1] {
                // Four standard errors: of the mean sqrt(1 / 12 / n), of the square sqrt(4 / 45 / n).
                let (first, second) =
                    (mean(&|ranks| ranks[layer]), mean(&|ranks| ranks[layer] * ranks[layer]));
                assert!((first - 0.5).abs() < 4.0 * (1.0 / 12.0 / JOBS as f64).sqrt(), "{first}");
                assert!((second - 1.0 / 3.0).abs() < 4.0 * (4.0 / 45.0 / JOBS as f64).sqrt(), "{second}");
            }
            // The correlation of ranks of a Gaussian copula (Spearman's): 6 / pi asin(r / 2).
            let measured = 12.0 * mean(&|ranks| (ranks[0] - 0.5) * (ranks[1] - 0.5));
            let expected = 6.0 / std::f64::consts::PI * arcsine(correlation / 2.0);
            assert!((measured - expected).abs() < 0.03, "{correlation}: {measured}, not {expected}");
        }
        assert!(ranks(1.0).iter().all(|[one, other]| one == other));
    }

    /// By its series: the argument is at most one half.
    fn arcsine(number: f64) -> f64 {
        let mut term = number;
        let mut sum = number;
        for power in 1..40 {
            let power = f64::from(power);
            term *= number * number * (2.0 * power - 1.0) / (2.0 * power);
            sum += term / (2.0 * power + 1.0);
        }
        sum
    }

    #[test]
    fn what_is_no_correlation_becomes_the_nearest() {
        let value = |number| Correlation::new(number).value();
        assert_eq!([value(-1.0), value(2.0), value(f64::NAN), value(0.25)], [0.0, 1.0, 0.0, 0.25]);
        assert!(value(-0.0).is_sign_positive());
    }

    #[test]
    fn slots_hold_their_own_ranks() {
        let mut ranks = JobRanks::new(2);
        ranks.of_mut(1).copy_from_slice(&[Rank(3), Rank(4)]);
        assert_eq!((ranks.of(0), ranks.of(1)), (&[Rank(0); 2][..], &[Rank(3), Rank(4)][..]));
        assert_eq!(ranks.of(2), &[]);
        let mut none = JobRanks::default();
        assert_eq!((none.of_mut(7).len(), none.of(7).len()), (0, 0));
    }
}
