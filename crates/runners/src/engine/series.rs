//! The series of a run over simulated time: `docs/metrics.md` has what they mean.

use rtmm_sim::metrics::{PredictionSummary, Windows};
use rtmm_sweep::runner::{SeriesColumn, SeriesPoint};
use rtmm_workload::Time;

const fn series(name: &'static str, meaning: &'static str) -> SeriesColumn {
    SeriesColumn { name, unit: "", meaning }
}

/// Series of a run with windows.
pub(super) const COLUMNS: &[SeriesColumn] = &[
    series("ux_cost", "UXCost of the jobs settled in each window"),
    series(
        "deadline_violation_rate",
        "late, dropped and overdue jobs as a share of those settled in each window",
    ),
    series("normalised_energy", "energy of the jobs settled in each window as a share of their worst case"),
    series("dropped", "jobs dropped, of those settled in each window"),
    series("dram_bandwidth_utilisation", "mean granted part of the shared DRAM's bandwidth in each window"),
    series("prediction_error", "error of the predicted times of the runs that ended in each window, mean"),
    series(
        "under_predicted",
        "runs predicted more than 10 % too short, as a share of those that ended in each window",
    ),
    series(
        "within_bound",
        "runs that ended by the upper bound of their prediction, as a share, in each window",
    ),
    series("phase", "phases of the scenario that have begun"),
    series("alpha", "weight of starvation that the policy tries or has chosen"),
    series("beta", "weight of energy that the policy tries or has chosen"),
    series("tuning_cost", "what the policy measured in each of its own windows"),
];

/// Points of each series of a run with windows, in the order of the series columns of the runner.
pub fn points(windows: &Windows) -> Vec<Vec<SeriesPoint>> {
    let all = windows.windows();
    let of_windows = |value: &dyn Fn(&rtmm_sim::metrics::Window) -> Option<f64>| {
        all.iter().map(|window| point(window.from, value(window))).collect::<Vec<_>>()
    };
    // A policy that predicts nothing has no points.
    let of_predictions = |value: &dyn Fn(&PredictionSummary) -> Option<f64>| {
        let points = all.iter().filter_map(|window| {
            let predictions = window.predictions.as_ref()?;
            Some(point(window.from, value(predictions)))
        });
        points.collect::<Vec<_>>()
    };
    let phases = windows.phases().iter().map(|(at, phase)| point(*at, Some((phase + 1) as f64)));
    let of_tuning = |value: &dyn Fn(&rtmm_scheduler::TuningWindow) -> Option<f64>| {
        ascending(windows.tuning().iter().map(|window| point(window.from, value(window))).collect())
    };
    vec![
        of_windows(&|window| window.ux_cost),
        of_windows(&|window| window.deadline_violation_rate),
        of_windows(&|window| window.normalised_energy),
        of_windows(&|window| Some(window.dropped as f64)),
        of_windows(&|window| window.dram_bandwidth_utilisation),
        of_predictions(&|of| of.prediction_error),
        of_predictions(&|of| of.under_predicted),
        of_predictions(&|of| of.within_bound),
        ascending(phases.collect()),
        of_tuning(&|window| Some(window.alpha)),
        of_tuning(&|window| Some(window.beta)),
        of_tuning(&|window| window.cost),
    ]
}

fn point(at: Time, value: Option<f64>) -> SeriesPoint {
    let time_s = at.picoseconds() as f64 / 1e12;
    SeriesPoint { time_s, value: value.filter(|value| value.is_finite()) }
}

/// Of points at one instant, the last one counts.
fn ascending(points: Vec<SeriesPoint>) -> Vec<SeriesPoint> {
    let mut kept: Vec<SeriesPoint> = Vec::with_capacity(points.len());
    for point in points {
        while kept.last().is_some_and(|last| last.time_s >= point.time_s) {
            kept.pop();
        }
        kept.push(point);
    }
    kept
}

#[cfg(test)]
mod tests {
    use rtmm_hardware::Mode;
    use rtmm_scheduler::TuningWindow;
    use rtmm_sim::{EndRecord, Observer, System};
    use rtmm_workload::{Duration, Legality, load};

    use super::*;

    #[test]
    fn the_last_of_one_instant_counts() {
        let of = |times: &[(f64, f64)]| {
            let points =
                times.iter().map(|(time_s, value)| SeriesPoint { time_s: *time_s, value: Some(*value) });
            ascending(points.collect()).iter().map(|point| (point.time_s, point.value)).collect::<Vec<_>>()
        };
        let kept = of(&[(0.0, 1.0), (1.0, 2.0), (1.0, 3.0), (2.0, 4.0)]);
        assert_eq!(kept, [(0.0, Some(1.0)), (1.0, Some(3.0)), (2.0, Some(4.0))]);
    }

    #[test]
    fn tuning_and_phases_become_series() {
        let workload = load::workload("examples/hub", None, Legality::Strict).unwrap();
        let platform = rtmm_hardware::load::platform("xrbench/single_4k_ws", None, Mode::Corrected).unwrap();
        let system = System::new(&workload.scenario, &workload.models, &platform).unwrap();
        let at = |count| Time::from_picoseconds(count * 1_000_000_000);
        let mut windows = Windows::new(&system, Duration::from_picoseconds(500_000_000_000), Duration::ZERO);
        windows.phase_changed(at(800), 0);
        let tuning = |step: u32, from: u64, alpha: f64, cost: Option<f64>| TuningWindow {
            search: 0,
            step,
            from: at(from),
            to: None,
            alpha,
            beta: 1.0,
            cost,
            is_result: cost.is_none(),
        };
        let told =
            [tuning(0, 0, 0.5, Some(2.0)), tuning(1, 250, 0.75, Some(1.5)), tuning(2, 500, 0.75, None)];
        let end = EndRecord {
            accelerators_busy: &[],
            decisions: 0,
            rounds: 0,
            scheduler_busy: Duration::ZERO,
            tuning: &told,
        };
        windows.ended(at(1_000), &end);
        let all = points(&windows);
        assert!(
            all.iter()
                .zip(COLUMNS)
                .all(|(points, column)| !column.name.contains("predict") || points.is_empty())
        );
        assert_eq!(all.len(), COLUMNS.len());
        let of = |name: &str| {
            let position = COLUMNS.iter().position(|column| column.name == name).unwrap();
            all[position].iter().map(|point| (point.time_s, point.value)).collect::<Vec<_>>()
        };
        assert_eq!(of("ux_cost"), [(0.0, None), (0.5, None)]);
        assert_eq!(of("dropped"), [(0.0, Some(0.0)), (0.5, Some(0.0))]);
        assert_eq!(of("phase"), [(0.8, Some(1.0))]);
        assert_eq!(of("alpha"), [(0.0, Some(0.5)), (0.25, Some(0.75)), (0.5, Some(0.75))]);
        assert_eq!(of("tuning_cost"), [(0.0, Some(2.0)), (0.25, Some(1.5)), (0.5, None)]);
    }
}
