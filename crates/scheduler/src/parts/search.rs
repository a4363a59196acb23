//! A search of two weights by trying them out: asked for the next pair to try, told what it cost.
//!
//! Two methods. `neighbours` is that of the publication, as far as it is known: Kim et al., *DREAM*, ASPLOS
//! 2023, search alpha and beta while the scheduler runs, as gradient descent would, in about five steps:
//!
//! ```text
//! step 0: try the start and its neighbours, one radius away along either axis
//! step k: go to the best pair so far; radius := radius shrink; try its neighbours
//! ```
//!
//! What is tried once is not tried again, so that a pair that was lucky is believed.
//!
//! `halving` is this project's: successive halving (Karnin, Koren and Somekh, ICML 2013) on a lattice of three
//! by three pairs, which a step tries all at first; the better half (rounded up) stays, and each that stays is
//! tried as often again as it was in all before; it is judged by the mean of all its trials. It spends its
//! trials on pairs that are hard to tell apart.
//!
//! Nothing here knows of time, schedulers or models.

use crate::parts::Weights;
use crate::terms::Score;

/// A search method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SearchMethod {
    /// From the best pair to its neighbours, ever nearer.
    Neighbours,
    /// From a lattice to its better half, tried ever more often.
    Halving,
}

/// Options of a search.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SearchOptions {
    /// The method.
    pub method: SearchMethod,
    /// Where it begins.
    pub start: Weights,
    /// The distance of the first neighbours; half the side of the lattice.
    pub radius: f64,
    /// The factor on the radius after each step.
    pub shrink: f64,
    /// The most steps that it takes.
    pub steps: u32,
    /// The greatest weight; the least is 0.
    pub greatest: f64,
}

/// A search under way.
#[derive(Clone, Debug)]
pub struct Search {
    options: SearchOptions,
    step: u32,
    radius: f64,
    /// Pairs of this step; in `neighbours` the centre is the first.
    trials: Vec<Trial>,
    /// Pairs of the steps before; of `neighbours` only.
    tried: Vec<Weights>,
    /// The one to try next.
    next: usize,
    /// The number of trials of each pair in this step.
    repeats: u32,
    is_over: bool,
}

/// A pair with what it cost.
#[derive(Clone, Copy, Debug)]
struct Trial {
    weights: Weights,
    sum: f64,
    count: u32,
    /// Trials that this step still asks for.
    due: u32,
}

impl Trial {
    const fn new(weights: Weights, due: u32) -> Self {
        Self { weights, sum: 0.0, count: 0, due }
    }

    fn mean(&self) -> Score {
        Score(if self.count == 0 { f64::INFINITY } else { self.sum / f64::from(self.count) })
    }
}

impl Weights {
    fn within(self, greatest: f64) -> Self {
        let Self { alpha, beta } = self;
        Self { alpha: alpha.clamp(0.0, greatest), beta: beta.clamp(0.0, greatest) }
    }
}

impl Search {
    /// A search that has tried nothing, from its start or the nearest pair within bounds. One of no steps
    /// is over, and stays at its start.
    #[must_use]
    pub fn new(options: SearchOptions) -> Self {
        let SearchOptions { method, start, radius, steps, greatest, .. } = options;
        let start = if steps == 0 { start } else { start.within(greatest) };
        let mut search = Self {
            options,
            step: 0,
            radius,
            trials: vec![Trial::new(start, 1)],
            tried: Vec::new(),
            next: 0,
            repeats: 1,
            is_over: steps == 0,
        };
        match method {
            SearchMethod::Neighbours => search.add_neighbours(),
            SearchMethod::Halving => {
                for vertical in [-radius, 0.0, radius] {
                    for horizontal in [-radius, 0.0, radius] {
                        search.add(start.alpha + horizontal, start.beta + vertical);
                    }
                }
            }
        }
        search
    }

    /// The pair to try now; once the search is over, the one that it came to.
    #[must_use]
    pub fn weights(&self) -> Weights {
        self.trials[self.next].weights
    }

    /// The step that it is in, counted from 0.
    #[must_use]
    pub const fn step(&self) -> u32 {
        self.step
    }

    /// True if it has come to its end.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        self.is_over
    }

    /// Takes in what the present pair cost.
    pub fn report(&mut self, cost: f64) {
        if self.is_over {
            return;
        }
        let trial = &mut self.trials[self.next];
        trial.sum += cost;
        trial.count += 1;
        trial.due = trial.due.saturating_sub(1);
        // All in turn, and again: what drifts meets all of them alike.
        let count = self.trials.len();
        let due =
            (1..=count).map(|ahead| (self.next + ahead) % count).find(|index| self.trials[*index].due > 0);
        match due {
            Some(index) => self.next = index,
            None => self.conclude(),
        }
    }

    /// Ends a step.
    fn conclude(&mut self) {
        self.trials.sort_by_key(Trial::mean);
        self.next = 0;
        self.step += 1;
        match self.options.method {
            SearchMethod::Neighbours => {
                self.tried.extend(self.trials.iter().map(|trial| trial.weights));
                self.trials.truncate(1);
                self.radius *= self.options.shrink;
                while self.step < self.options.steps {
                    self.add_neighbours();
                    if self.trials.len() > 1 {
                        self.next = 1;
                        return;
                    }
                    // All of them were tried, or are where the centre is: at a bound, or no radius away.
                    self.step += 1;
                    self.radius *= self.options.shrink;
                }
                self.is_over = true;
            }
            SearchMethod::Halving => {
                self.trials.truncate(self.trials.len().div_ceil(2));
                self.is_over = self.step >= self.options.steps || self.trials.len() == 1;
                for trial in &mut self.trials {
                    trial.due = trial.count;
                }
            }
        }
    }

    fn add_neighbours(&mut self) {
        let (Weights { alpha, beta }, radius) = (self.trials[0].weights, self.radius);
        self.add(alpha - radius, beta);
        self.add(alpha + radius, beta);
        self.add(alpha, beta - radius);
        self.add(alpha, beta + radius);
    }

    /// A pair within bounds, unless it is there already or was tried.
    fn add(&mut self, alpha: f64, beta: f64) {
        let weights = Weights { alpha, beta }.within(self.options.greatest);
        let mut known = self.trials.iter().map(|trial| &trial.weights).chain(&self.tried);
        if known.all(|known| *known != weights) {
            self.trials.push(Trial::new(weights, self.repeats));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(method: SearchMethod) -> SearchOptions {
        let start = Weights { alpha: 1.0, beta: 1.0 };
        SearchOptions { method, start, radius: 0.5, shrink: 0.5, steps: 5, greatest: 2.0 }
    }

    /// Runs a search to its end; the pairs that it tried.
    fn run(options: SearchOptions, mut cost: impl FnMut(Weights) -> f64) -> (Search, Vec<Weights>) {
        let (mut search, mut tried) = (Search::new(options), Vec::new());
        while !search.is_over() {
            tried.push(search.weights());
            search.report(cost(search.weights()));
            assert!(tried.len() < 1_000, "a search ends");
        }
        (search, tried)
    }

    fn bowl(alpha: f64, beta: f64) -> impl Fn(Weights) -> f64 {
        move |at| (at.alpha - alpha).powi(2) + (at.beta - beta).powi(2)
    }

    #[test]
    fn neighbours_lead_to_the_least_and_are_tried_once() {
        for (alpha, beta) in [(1.0, 1.0), (1.4, 0.7), (0.2, 1.8), (0.6, 0.6)] {
            let (search, tried) = run(options(SearchMethod::Neighbours), bowl(alpha, beta));
            let Weights { alpha: found_alpha, beta: found_beta } = search.weights();
            // Five steps of radii 1/2 to 1/32 along one axis each reach any point at most 31/32 away in all.
            let left = (found_alpha - alpha).abs() + (found_beta - beta).abs();
            let reach = (alpha - 1.0_f64).abs() + (beta - 1.0_f64).abs();
            assert!(left <= (reach - 31.0 / 32.0).max(0.0) + 2.0 / 32.0 + 1e-9, "{left} from {alpha} {beta}");
            assert!(tried.len() <= 21);
            for (index, pair) in tried.iter().enumerate() {
                assert!(!tried[..index].contains(pair), "{pair:?} is tried twice");
            }
        }
    }

    #[test]
    fn the_first_steps_by_hand() {
        let (_, tried) = run(options(SearchMethod::Neighbours), bowl(1.6, 1.0));
        let pairs: Vec<(f64, f64)> = tried.iter().map(|pair| (pair.alpha, pair.beta)).collect();
        assert_eq!(pairs[..5], [(1.0, 1.0), (0.5, 1.0), (1.5, 1.0), (1.0, 0.5), (1.0, 1.5)]);
        // From (1.5, 1) with half the radius.
        assert_eq!(pairs[5..9], [(1.25, 1.0), (1.75, 1.0), (1.5, 0.75), (1.5, 1.25)]);
        // (1.5, 1) is still the best: from there with a quarter.
        assert_eq!(pairs[9..13], [(1.375, 1.0), (1.625, 1.0), (1.5, 0.875), (1.5, 1.125)]);
    }

    #[test]
    fn nothing_is_tried_twice_however_the_radius_shrinks() {
        let pairs = |shrink: f64, greatest: f64, steps: u32| -> Vec<(f64, f64)> {
            let options = SearchOptions { shrink, greatest, steps, ..options(SearchMethod::Neighbours) };
            let (search, tried) = run(options, bowl(1.75, 1.0));
            assert_eq!(search.step(), steps);
            tried.iter().map(|pair| (pair.alpha, pair.beta)).collect()
        };
        // A radius that stays: from (1.5, 1) back to (1, 1) would be such a pair.
        let first = [(1.0, 1.0), (0.5, 1.0), (1.5, 1.0), (1.0, 0.5), (1.0, 1.5)];
        let second = [(2.0, 1.0), (1.5, 0.5), (1.5, 1.5)];
        assert_eq!(pairs(1.0, 2.0, 2), [&first[..], &second].concat());
        // (1.5, 1) and (2, 1) are equally good; the first stays, and nothing is left to try around it.
        assert_eq!(pairs(1.0, 2.0, 9), [&first[..], &second].concat());
        // At a bound: 1 + 0.5 is 1.1 here, and so is 1 + 0.25 once more; only three are new from (1.1, 1).
        let at_bound = pairs(0.5, 1.1, 2);
        assert_eq!(at_bound[..5], [(1.0, 1.0), (0.5, 1.0), (1.1, 1.0), (1.0, 0.5), (1.0, 1.1)]);
        assert_eq!(at_bound[5..], [(1.1 - 0.25, 1.0), (1.1, 0.75), (1.1, 1.1)]);
        // A radius of nothing leaves all further steps without a trial.
        assert_eq!(pairs(0.0, 2.0, 7), first);
    }

    #[test]
    fn a_start_out_of_bounds_is_moved_to_them() {
        for method in [SearchMethod::Neighbours, SearchMethod::Halving] {
            let (_, tried) = run(SearchOptions { greatest: 0.75, ..options(method) }, bowl(1.0, 1.0));
            assert_eq!(tried[0], Weights { alpha: 0.75, beta: 0.75 });
            assert!(tried.iter().all(|pair| pair.alpha <= 0.75 && pair.beta <= 0.75), "{tried:?}");
        }
    }

    #[test]
    fn halving_is_judged_by_the_mean_and_keeps_the_better_half_rounded_up() {
        // A pair costs alpha + 2 beta; but (1, 1) costs 0 at first and then 9, in the mean (0 + 9) / 2 = 4.5.
        let mut of_centre = [0.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0].into_iter();
        let (search, tried) = run(options(SearchMethod::Halving), |at| {
            if at == (Weights { alpha: 1.0, beta: 1.0 }) {
                of_centre.next().unwrap()
            } else {
                at.alpha + 2.0 * at.beta
            }
        });
        let count = |alpha: f64, beta: f64| tried.iter().filter(|at| **at == Weights { alpha, beta }).count();
        // 1.5, 2 and 2.5 for a beta of 1/2; 2.5, 0 and 3.5 for 1; 3.5, 4 and 4.5 for 3/2: five of nine stay.
        assert_eq!((count(0.5, 1.5), count(1.5, 1.0), count(1.0, 1.5), count(1.5, 1.5)), (1, 1, 1, 1));
        // Then (1, 1) goes, and the second pair of 2.5; three were tried four times in all, two eight times.
        assert_eq!((count(1.0, 1.0), count(0.5, 1.0), count(1.5, 0.5)), (2, 2, 4));
        assert_eq!((count(0.5, 0.5), count(1.0, 0.5)), (8, 8));
        assert_eq!(search.weights(), Weights { alpha: 0.5, beta: 0.5 });
    }

    #[test]
    fn bounds_are_kept() {
        for method in [SearchMethod::Neighbours, SearchMethod::Halving] {
            let start = Weights { alpha: 0.0, beta: 2.0 };
            let (search, tried) = run(SearchOptions { start, ..options(method) }, bowl(-3.0, 9.0));
            assert_eq!(search.weights(), start);
            for Weights { alpha, beta } in tried {
                assert!((0.0..=2.0).contains(&alpha) && (0.0..=2.0).contains(&beta));
            }
        }
    }

    #[test]
    fn halving_tries_what_is_left_as_often_again() {
        let (search, tried) = run(options(SearchMethod::Halving), bowl(1.4, 1.5));
        assert_eq!(search.weights(), Weights { alpha: 1.5, beta: 1.5 });
        // 9 once, 5 once more, 3 twice more, 2 four times more.
        assert_eq!((tried.len(), search.step()), (9 + 5 + 6 + 8, 4));
    }

    #[test]
    fn halving_finds_the_best_of_noisy_pairs_more_often_than_neighbours() {
        // A deterministic noise, as large as the difference between neighbours.
        let found = |method| {
            (0_u64..400)
                .filter(|seed| {
                    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
                    let (search, _) = run(options(method), |at| {
                        state ^= state << 13;
                        state ^= state >> 7;
                        state ^= state << 17;
                        let noise = (state >> 11) as f64 / (1_u64 << 53) as f64;
                        bowl(1.5, 0.5)(at) + 0.4 * noise
                    });
                    bowl(1.5, 0.5)(search.weights()) <= 0.07
                })
                .count()
        };
        let (neighbours, halving) = (found(SearchMethod::Neighbours), found(SearchMethod::Halving));
        assert!(halving > neighbours, "{halving} of 400 against {neighbours}");
    }

    #[test]
    fn a_search_of_no_steps_stays_where_it_is() {
        let search = Search::new(SearchOptions { steps: 0, ..options(SearchMethod::Neighbours) });
        assert!(search.is_over());
        assert_eq!(search.weights(), Weights { alpha: 1.0, beta: 1.0 });
    }
}
