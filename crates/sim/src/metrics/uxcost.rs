//! UXCost: deadlines and energy in one number (DREAM, Kim et al., ASPLOS 2023).
//!
//! ```text
//! DLV    = violated / decided, or 1 / (2 decided) where none is violated     each task
//! NE     = energy / worst-case energy                                        each task
//! UXCost = (sum of DLV over tasks) * (sum of NE over tasks)
//! ```
//!
//! The floor keeps the energy of a policy that violates nothing in sight: without it the product
//! would be 0 whatever was spent. Less is better.

/// DLV: the share of decided jobs that violated their deadline, with half a job in place of none;
/// missing without decided jobs.
#[must_use]
pub fn violation_with_floor(violated: u64, decided: u64) -> Option<f64> {
    match (violated, decided) {
        (_, 0) => None,
        (0, _) => Some(1.0 / (2.0 * decided as f64)),
        _ => Some(violated as f64 / decided as f64),
    }
}

/// NE: energy as a share of what would have been spent had each layer run where it costs most;
/// missing where that is zero. Both in picojoules.
#[must_use]
pub fn normalised_energy(energy_pj: f64, worst_energy_pj: f64) -> Option<f64> {
    (worst_energy_pj > 0.0).then(|| energy_pj / worst_energy_pj)
}

/// UXCost of tasks, each with its DLV and its NE. Tasks without a DLV decided nothing and are left
/// out. Missing where nothing is left, or where a task that is left has no NE.
pub fn ux_cost(tasks: impl IntoIterator<Item = (Option<f64>, Option<f64>)>) -> Option<f64> {
    let (violations, energies) = ux_cost_factors(tasks);
    Some(violations? * energies?)
}

/// The factors of [`ux_cost`]: the sum of DLV and the sum of NE, of the same tasks.
pub fn ux_cost_factors(
    tasks: impl IntoIterator<Item = (Option<f64>, Option<f64>)>,
) -> (Option<f64>, Option<f64>) {
    let (mut violations, mut energies, mut is_empty) = (0.0, Some(0.0), true);
    for (violation, energy) in tasks {
        let Some(violation) = violation else { continue };
        violations += violation;
        energies = energies.zip(energy).map(|(sum, energy)| sum + energy);
        is_empty = false;
    }
    if is_empty { (None, None) } else { (Some(violations), energies) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(tasks: &[(u64, u64, f64, f64)]) -> Option<f64> {
        ux_cost(tasks.iter().map(|(violated, decided, energy, worst)| {
            (violation_with_floor(*violated, *decided), normalised_energy(*energy, *worst))
        }))
    }

    #[test]
    fn worked_by_hand() {
        // DLV 1/4 and, with no violation in 10, 1/20: 0.3. NE 0.5 and 0.7: 1.2. Product 0.36.
        let found = cost(&[(2, 8, 50.0, 100.0), (0, 10, 7.0, 10.0)]).expect("two tasks");
        assert!((found - 0.36).abs() < 1e-15, "{found}");
        let (violations, energies) =
            ux_cost_factors([(Some(0.25), Some(0.5)), (None, None), (Some(0.5), None)]);
        assert_eq!((violations, energies), (Some(0.75), None));
        assert_eq!(ux_cost_factors([(None, Some(0.5))]), (None, None));
        // Everything violated at the worst energy costs 1.
        assert_eq!(cost(&[(3, 3, 2.0, 2.0)]), Some(1.0));
    }

    #[test]
    fn the_unit_of_energy_does_not_matter() {
        let of_scale =
            |scale: f64| cost(&[(2, 8, 50.0 * scale, 100.0 * scale), (0, 10, 7.0 * scale, 10.0 * scale)]);
        // By powers of two: not a digit changes.
        assert_eq!(of_scale(1.0), of_scale(1024.0));
        assert_eq!(of_scale(1.0), of_scale(0.125));
    }

    #[test]
    fn half_the_energy_or_half_the_violations_are_half_the_cost() {
        let whole = cost(&[(4, 8, 50.0, 100.0), (2, 10, 7.0, 10.0)]).expect("two tasks");
        assert_eq!(cost(&[(4, 8, 25.0, 100.0), (2, 10, 3.5, 10.0)]), Some(whole / 2.0));
        assert_eq!(cost(&[(2, 8, 50.0, 100.0), (1, 10, 7.0, 10.0)]), Some(whole / 2.0));
        // The floor is half of one violation.
        assert_eq!(cost(&[(0, 10, 7.0, 10.0)]), cost(&[(1, 10, 7.0, 10.0)]).map(|cost| cost / 2.0));
    }

    #[test]
    fn tasks_that_decided_nothing_are_left_out() {
        assert_eq!(cost(&[(0, 0, 0.0, 0.0), (3, 3, 2.0, 2.0)]), Some(1.0));
        assert_eq!(cost(&[(0, 0, 0.0, 0.0)]), None);
        assert_eq!(cost(&[]), None);
        // Where energies are unknown, so is the cost.
        assert_eq!(cost(&[(3, 3, 0.0, 0.0), (3, 3, 2.0, 2.0)]), None);
    }
}
