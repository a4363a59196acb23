//! Metrics in which policies beat each other.

use rtmm_sweep::runner::{Better, Column, RunnerSpec};

/// Mean over systems.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Across {
    /// Arithmetic: of shares, which may be zero.
    Arithmetic,
    /// Geometric: of energies, times and costs, whose scale differs between systems.
    Geometric,
}

/// A metric: a cell column of the engine in which less or more is better.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Metric {
    /// The column.
    pub column: Column,
    /// Direction in which values are better.
    pub better: Better,
    pub(crate) across: Across,
    /// Position among the cell columns.
    pub(crate) position: usize,
}

const ROWS: [(&str, Better, Across); 15] = [
    ("deadline_violation_rate", Better::Lower, Across::Arithmetic),
    ("mean_deadline_violation_rate", Better::Lower, Across::Arithmetic),
    ("sla_satisfaction", Better::Higher, Across::Arithmetic),
    ("antt", Better::Lower, Across::Geometric),
    ("normalised_turnaround_p99", Better::Lower, Across::Geometric),
    ("stp", Better::Higher, Across::Geometric),
    ("stp_normalised", Better::Higher, Across::Geometric),
    ("fairness_min_ratio", Better::Higher, Across::Arithmetic),
    ("fairness_jain", Better::Higher, Across::Arithmetic),
    ("ux_cost", Better::Lower, Across::Geometric),
    ("xrbench_score_percent", Better::Higher, Across::Arithmetic),
    ("energy_pj", Better::Lower, Across::Geometric),
    ("normalised_energy", Better::Lower, Across::Arithmetic),
    ("platform_energy_pj", Better::Lower, Across::Geometric),
    ("throughput_per_s", Better::Higher, Across::Geometric),
];

/// Deadline misses, and UXCost.
const ALWAYS: [&str; 2] = ["deadline_violation_rate", "ux_cost"];
/// Energy where power is stated, and where it is not.
const ENERGIES: [&str; 2] = ["platform_energy_pj", "energy_pj"];

impl Metric {
    /// The names of all metrics.
    pub fn names() -> impl Iterator<Item = &'static str> {
        ROWS.iter().map(|(name, ..)| *name)
    }

    /// The metrics that a study has where none are named: deadline misses, the energy of the platform where its power is
    /// stated and else that of jobs, and UXCost.
    pub(crate) fn default_names(has_power: bool) -> [&'static str; 3] {
        [ALWAYS[0], ENERGIES[usize::from(!has_power)], ALWAYS[1]]
    }

    /// The metric of a name among the columns of a runner.
    #[must_use]
    pub(crate) fn find(spec: &RunnerSpec, name: &str) -> Option<Self> {
        let (_, better, across) = *ROWS.iter().find(|(known, ..)| *known == name)?;
        let position = spec.cell_columns.iter().position(|column| column.name == name)?;
        Some(Self { column: spec.cell_columns[position], better, across, position })
    }

    /// Name for readers.
    #[must_use]
    pub fn label(&self) -> String {
        match self.column.label {
            "" => self.column.name.trim_end_matches("_pj").replace('_', " "),
            label => label.to_owned(),
        }
    }

    /// True if one value beats another.
    pub(crate) fn beats(&self, one: f64, other: f64) -> bool {
        match self.better {
            Better::Lower => one < other,
            Better::Higher => one > other,
        }
    }

    /// The mean over systems; none where one lacks a value.
    pub(crate) fn over_systems(&self, values: &[Option<f64>]) -> Option<f64> {
        let values = values.iter().copied().collect::<Option<Vec<f64>>>()?;
        match self.across {
            _ if values.len() == 1 => values.first().copied(),
            Across::Arithmetic => rtmm_sweep::statistics::mean(&values),
            // One that is zero makes it zero.
            Across::Geometric if values.iter().any(|value| *value <= 0.0) => {
                Some(0.0).filter(|_| !values.is_empty())
            }
            Across::Geometric => rtmm_sweep::statistics::geometric_mean(&values).ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use rtmm_runners::engine::Engine;
    use rtmm_sweep::runner::CellRunner;

    use super::*;

    fn metric(name: &str) -> Metric {
        Metric::find(Engine::built_in().spec(), name).unwrap()
    }

    #[test]
    fn every_metric_is_a_column_and_agrees_with_its_direction() {
        for name in Metric::names() {
            let metric = metric(name);
            assert!(metric.column.better.is_none_or(|better| better == metric.better), "{name}");
        }
        assert_eq!(Metric::find(Engine::built_in().spec(), "moves"), None);
        let of_both = [true, false].map(Metric::default_names);
        assert_eq!(of_both.map(|names| names[1]), ENERGIES);
    }

    #[test]
    fn means_over_systems_are_of_their_kind() {
        let values = [Some(1.0), Some(4.0)];
        assert_eq!(metric("deadline_violation_rate").over_systems(&values), Some(2.5));
        assert!((metric("energy_pj").over_systems(&values).unwrap() - 2.0).abs() < 1e-12);
        assert_eq!(metric("energy_pj").over_systems(&[Some(0.0), Some(4.0)]), Some(0.0));
        assert_eq!(metric("antt").over_systems(&[None, Some(4.0)]), None);
        assert_eq!(metric("antt").over_systems(&[]), None);
        assert_eq!(metric("energy_pj").over_systems(&[Some(0.3)]), Some(0.3), "one system, to the bit");
    }

    #[test]
    fn nothing_beats_itself() {
        for name in Metric::names() {
            let metric = metric(name);
            assert!(!metric.beats(1.0, 1.0) && metric.beats(1.0, 2.0) != metric.beats(2.0, 1.0), "{name}");
        }
    }
}
