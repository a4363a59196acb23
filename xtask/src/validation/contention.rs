//! Contention for memory, fitted to runs of models alone and in pairs, and to nothing else.
//!
//! Each model takes a part of the memory's bandwidth while it runs alone. Two models beside each other share it max-min
//! fair, as the simulator's rule of that name has it: who asks for less than half has what it asks for, and the other one the
//! rest. A model that is granted less than it takes alone is slowed down by the ratio. The parts are those with the least
//! squared error of measured slowdowns, found one after the other on a grid until none moves.

use super::session::{Pair, Session};

/// Steps of a part of the bandwidth.
const STEPS: u32 = 400;
/// Rounds over all models; the fit of a few models ends after three or four.
const MAX_ROUNDS: u32 = 50;

/// The slowdown of a model that takes one part of the bandwidth alone, beside one that takes another part.
pub(super) fn slowdown(own: f64, other: f64) -> f64 {
    let granted = if own + other <= 1.0 { own } else { own.min((1.0 - other).max(0.5)) };
    if granted > 0.0 { (own / granted).max(1.0) } else { 1.0 }
}

/// The part of the bandwidth that each model takes alone.
pub(super) fn fit(session: &Session) -> Vec<f64> {
    let place = |name: &str| session.models.iter().position(|model| model.name == name);
    let pairs: Vec<(usize, usize, f64)> = session
        .pairs
        .iter()
        .filter_map(|Pair { model, other, slowdown }| Some((place(model)?, place(other)?, *slowdown)))
        .collect();
    fit_to(&pairs, session.models.len())
}

fn fit_to(pairs: &[(usize, usize, f64)], models: usize) -> Vec<f64> {
    let error = |parts: &[f64]| -> f64 {
        let of = |(model, other, measured): &(usize, usize, f64)| {
            let difference = slowdown(parts[*model], parts[*other]) - measured.max(1.0);
            difference * difference
        };
        pairs.iter().map(of).sum()
    };
    let mut parts = vec![0.5; models];
    for _ in 0..MAX_ROUNDS {
        let before = parts.clone();
        for model in 0..models {
            let mut best = (error(&parts), parts[model]);
            for step in 0..=STEPS {
                parts[model] = f64::from(step) / f64::from(STEPS);
                let error = error(&parts);
                if error < best.0 - 1e-12 {
                    best = (error, parts[model]);
                }
            }
            parts[model] = best.1;
        }
        if parts == before {
            break;
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grants_are_max_min_fair() {
        assert_eq!(slowdown(0.4, 0.6), 1.0);
        // The other one keeps its 0.4, so that 0.6 of the 0.9 are left.
        assert!((slowdown(0.9, 0.4) - 1.5).abs() < 1e-12);
        assert_eq!((slowdown(1.0, 1.0), slowdown(0.5, 1.0), slowdown(0.0, 1.0)), (2.0, 1.0, 1.0));
    }

    #[test]
    fn parts_are_found_again_from_the_slowdowns_that_they_make() {
        let truth = [0.2, 0.7, 0.95];
        let pairs: Vec<(usize, usize, f64)> = (0..3)
            .flat_map(|one| (0..3).map(move |other| (one, other)))
            .map(|(one, other)| (one, other, slowdown(truth[one], truth[other])))
            .collect();
        let found = fit_to(&pairs, 3);
        for (one, other, measured) in &pairs {
            assert!((slowdown(found[*one], found[*other]) - measured).abs() < 0.01, "{found:?}");
        }
        assert!((found[1] - 0.7).abs() < 0.01 && (found[2] - 0.95).abs() < 0.01, "{found:?}");
    }
}
