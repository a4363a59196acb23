//! Online parameter search: the weights of MapScore are tried out on windows of the run itself.
//!
//! Source: Kim et al., *DREAM*, ASPLOS 2023. A window lasts a stated time; its cost is the UXCost of what
//! ended in it, from the counters of tasks that a scheduler sees:
//!
//! ```text
//! cost  = (sum over tasks of DLV) (sum over tasks of NE)
//! DLV   = (late + dropped) / ended, or 1 / (2 ended) where none is late or dropped
//! NE    = energy / worst-case energy
//! ```
//!
//! Tasks none of whose jobs ended in the window are left out; a window in which nothing ended goes on until
//! something has. What a window costs is in part the doing of the one before, whose jobs it inherits.
//!
//! When the workload changes, the search begins anew: at a phase of the scenario, which a scheduler is told of;
//! or when a window brings half as much work again as the first one of the search, or less than two thirds
//! of it, which a scheduler can measure. Windows begin and end at
//! decisions, without timers.

use rtmm_hardware::EnergyTotal;
use rtmm_workload::parameters::{Choice, Declared, Integer, Parameters, Real, Span};
use rtmm_workload::{Duration, TaskId, Time};

use crate::parts::{Search, SearchMethod, SearchOptions, Weights};
use crate::policy::Notice;
use crate::state::TaskCounters;
use crate::tuning::TuningWindow;
use crate::view::View;

/// When a search begins anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    /// Never: the first one is the only one.
    Never,
    /// When a phase of the scenario begins.
    Phase,
    /// When a window brings more work than before by half, or less by a third.
    Load,
}

/// An online search with its windows.
#[derive(Clone, Debug)]
pub struct Tuner {
    options: SearchOptions,
    window: Duration,
    restart: Restart,
    search: Search,
    /// The number of searches before.
    searches: u32,
    /// When the present window ends; none before the first.
    ends: Option<Time>,
    at_start: Vec<TaskCounters>,
    /// Work that the first window of the search brought.
    usual_work_ps: Option<u128>,
    is_restart_due: bool,
    windows: Vec<TuningWindow>,
}

impl Tuner {
    /// `search`.
    const METHOD: Choice<SearchMethod> = Choice::new(
        "search",
        "how alpha and beta are searched, from their stated values on",
        SearchMethod::Neighbours,
        &[("neighbours", SearchMethod::Neighbours), ("halving", SearchMethod::Halving)],
    );

    /// `search_window`.
    const WINDOW: Span = Span::new(
        "search_window",
        "how long a pair of weights is tried",
        Duration::from_picoseconds(200_000_000_000),
        Duration::from_picoseconds(1_000_000)..=Duration::from_picoseconds(3_600_000_000_000_000),
    );

    /// `search_steps`.
    const STEPS: Integer<u32> = Integer::new("search_steps", "the most steps of a search", 5, 0..=100);

    /// `search_radius`.
    const RADIUS: Real = Real::new(
        "search_radius",
        "how far the first neighbours are, or half the side of the lattice",
        0.5,
        1e-6..=1e3,
    );

    /// `search_shrink`.
    const SHRINK: Real = Real::new(
        "search_shrink",
        "search = neighbours: what the radius is multiplied by after a step",
        0.5,
        0.0..=1.0,
    );

    /// `search_greatest`.
    const GREATEST: Real =
        Real::new("search_greatest", "the greatest weight that is tried; the least is 0", 2.0, 0.0..=1e6);

    /// `search_restart`.
    const RESTART: Choice<Restart> = Choice::new(
        "search_restart",
        "when it begins anew: at phases of the scenario, or when windows bring other amounts of work",
        Restart::Phase,
        &[("never", Restart::Never), ("phase", Restart::Phase), ("load", Restart::Load)],
    );

    /// Its parameters.
    pub const PARAMETERS: &[&dyn Declared] = &[
        &Self::METHOD,
        &Self::WINDOW,
        &Self::STEPS,
        &Self::RADIUS,
        &Self::SHRINK,
        &Self::GREATEST,
        &Self::RESTART,
    ];

    /// A tuner that has tried nothing.
    #[must_use]
    pub fn new(options: SearchOptions, window: Duration, restart: Restart) -> Self {
        Self {
            options,
            window,
            restart,
            search: Search::new(options),
            searches: 0,
            ends: None,
            at_start: Vec::new(),
            usual_work_ps: None,
            is_restart_due: false,
            windows: Vec::new(),
        }
    }

    /// Reads its parameters; the search starts at `start`.
    #[must_use]
    pub fn read(parameters: &Parameters, start: Weights) -> Self {
        let options = SearchOptions {
            method: parameters.read(&Self::METHOD),
            start,
            radius: parameters.read(&Self::RADIUS),
            shrink: parameters.read(&Self::SHRINK),
            steps: parameters.read(&Self::STEPS),
            greatest: parameters.read(&Self::GREATEST),
        };
        Self::new(options, parameters.read(&Self::WINDOW), parameters.read(&Self::RESTART))
    }

    /// The windows so far, the present one last.
    #[must_use]
    pub fn windows(&self) -> &[TuningWindow] {
        &self.windows
    }

    /// Hears of phases.
    pub fn notify(&mut self, notice: &Notice, _view: &View<'_>) {
        if self.restart == Restart::Phase && matches!(notice, Notice::PhaseChanged(_)) {
            self.is_restart_due = true;
        }
    }

    /// The weights to use now.
    pub fn weights(&mut self, view: &View<'_>) -> Weights {
        let Some(ends) = self.ends else {
            // Phases before the first decision changed nothing that was measured.
            self.is_restart_due = false;
            self.open(view);
            return self.search.weights();
        };
        if self.is_restart_due {
            self.restart(view);
        } else if view.now >= ends && self.is_watching() {
            self.conclude(view);
        }
        self.search.weights()
    }

    /// True if windows still matter.
    fn is_watching(&self) -> bool {
        !self.search.is_over() || self.restart == Restart::Load
    }

    /// Begins a window.
    fn open(&mut self, view: &View<'_>) {
        self.at_start.clear();
        self.at_start.extend_from_slice(&view.counters);
        self.ends = Some(view.now.saturating_add(self.window));
        let Weights { alpha, beta } = self.search.weights();
        let is_result = self.search.is_over();
        // A result stands in one window, however long it is in force.
        if is_result && self.windows.last().is_some_and(|last| last.is_result && last.to.is_none()) {
            return;
        }
        self.windows.push(TuningWindow {
            search: self.searches,
            step: self.search.step(),
            from: view.now,
            to: None,
            alpha,
            beta,
            cost: None,
            is_result,
        });
    }

    /// Ends a window, unless nothing ended in it.
    fn conclude(&mut self, view: &View<'_>) {
        let Some(cost) = window_cost(&self.at_start, &view.counters) else { return };
        let work_ps = self.work_ps(view);
        let usual_ps = *self.usual_work_ps.get_or_insert(work_ps);
        let has_changed = work_ps * 2 > usual_ps * 3 || work_ps * 3 < usual_ps * 2;
        if self.restart == Restart::Load && has_changed {
            self.restart(view);
            return;
        }
        if !self.search.is_over() {
            self.close(view.now, Some(cost));
            self.search.report(cost);
        }
        self.open(view);
    }

    fn close(&mut self, now: Time, cost: Option<f64>) {
        if let Some(last) = self.windows.last_mut() {
            (last.to, last.cost) = (Some(now), cost);
        }
    }

    fn restart(&mut self, view: &View<'_>) {
        self.is_restart_due = false;
        self.close(view.now, None);
        self.search = Search::new(self.options);
        self.searches += 1;
        self.usual_work_ps = None;
        self.open(view);
    }

    /// The latency of what the window brought, in the mean over accelerators.
    fn work_ps(&self, view: &View<'_>) -> u128 {
        let of_task = |(task, (before, now)): (usize, (&TaskCounters, &TaskCounters))| {
            let model = view.task(TaskId::new(task)).model;
            let of_each = view.profile.mean_remaining(model, 0).picoseconds();
            u128::from(now.released - before.released) * u128::from(of_each)
        };
        self.at_start.iter().zip(&view.counters).enumerate().map(of_task).sum()
    }
}

/// The UXCost of what ended between two readings of the counters of all tasks; none where nothing did.
#[must_use]
pub fn window_cost(before: &[TaskCounters], now: &[TaskCounters]) -> Option<f64> {
    let (mut violations, mut energy, mut judged) = (0.0, 0.0, 0_u64);
    for (before, now) in before.iter().zip(now) {
        let late = now.late - before.late;
        let dropped = now.dropped - before.dropped;
        let ended = now.completed - before.completed + dropped;
        let worst = now.worst_energy.saturating_sub(before.worst_energy);
        if ended == 0 || worst == EnergyTotal::default() {
            continue;
        }
        judged += ended;
        let violated = late + dropped;
        violations += if violated == 0 { 0.5 / ended as f64 } else { violated as f64 / ended as f64 };
        energy += now.energy.saturating_sub(before.energy).picojoules() / worst.picojoules();
    }
    (judged > 0).then_some(violations * energy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Fixture, TaskSketch};
    use rtmm_hardware::Energy;

    fn us(microseconds: u64) -> Duration {
        Duration::from_picoseconds(microseconds * 1_000_000)
    }

    /// Two steps from (1, 1) in windows of 10 us.
    fn tuner(steps: u32, restart: Restart) -> Tuner {
        let start = Weights { alpha: 1.0, beta: 1.0 };
        let method = SearchMethod::Neighbours;
        let options = SearchOptions { method, start, radius: 0.5, shrink: 0.5, steps, greatest: 2.0 };
        Tuner::new(options, us(10), restart)
    }

    /// Two tasks that take 4 and 6.
    fn two_tasks() -> Fixture {
        Fixture::new(&[TaskSketch::new("a", &[&[4]]), TaskSketch::new("b", &[&[6]])]).unwrap()
    }

    fn pj(picojoules: f64) -> Energy {
        Energy::from_picojoules(picojoules)
    }

    /// So many jobs of a task end, of which some are late, and spend energy; a picojoule each at the worst.
    fn end(fixture: &mut Fixture, task: usize, jobs: u64, late: u64, energy_pj: f64) {
        fixture.change_counters(task, |of| {
            (of.released, of.completed, of.late) = (of.released + jobs, of.completed + jobs, of.late + late);
            of.energy += pj(energy_pj);
            of.worst_energy += pj(jobs as f64);
        });
    }

    /// Asks at an instant; the weights.
    fn ask(tuner: &mut Tuner, fixture: &mut Fixture, now_us: u64) -> (f64, f64) {
        fixture.set_now(now_us);
        let Weights { alpha, beta } = tuner.weights(&fixture.view());
        (alpha, beta)
    }

    /// Search, step, begin and end in microseconds, cost and whether it is a result.
    type Row = (u32, u32, u64, Option<u64>, Option<f64>, bool);

    fn rows(tuner: &Tuner) -> Vec<Row> {
        let in_us = |time: Time| time.picoseconds() / 1_000_000;
        let row =
            |of: &TuningWindow| (of.search, of.step, in_us(of.from), of.to.map(in_us), of.cost, of.is_result);
        tuner.windows().iter().map(row).collect()
    }

    #[test]
    fn a_window_costs_what_ended_in_it_by_hand() {
        let of = |completed, late, dropped, energy_pj, worst_pj| TaskCounters {
            released: 0,
            completed,
            late,
            dropped,
            energy: pj(energy_pj).into(),
            worst_energy: pj(worst_pj).into(),
        };
        let before = [of(10, 3, 2, 100.0, 400.0), of(7, 7, 0, 10.0, 20.0), of(1, 0, 0, 5.0, 5.0)];
        // a: 6 completed of which 1 is late, 2 dropped: 3/8, at 50 of 100. b: 4 in time: 1/8, at 6 of 8.
        // Nothing of c ended, though it spent: left out. (3/8 + 1/8) (1/2 + 3/4) = 5/8.
        let now = [of(16, 4, 4, 150.0, 500.0), of(11, 7, 0, 16.0, 28.0), of(1, 0, 0, 9.0, 5.0)];
        assert_eq!(window_cost(&before, &now), Some(0.625));
        assert_eq!(window_cost(&before, &before), None);
        // All missed at the worst energy cost 1.
        let all = [of(12, 5, 4, 102.0, 402.0), before[1], before[2]];
        assert_eq!(window_cost(&before, &all), Some(1.0));
        // From the start: DLV 5/12, 1 and 1/2; NE 1/4, 1/2 and 1.
        let from_start = window_cost(&[TaskCounters::default(); 3], &before).unwrap();
        assert!((from_start - (5.0 / 12.0 + 1.0 + 0.5) * 1.75).abs() < 1e-12, "{from_start}");
        // No energy is known: nothing is judged.
        assert_eq!(window_cost(&before, &[of(11, 3, 2, 101.0, 400.0), before[1], before[2]]), None);
    }

    #[test]
    fn windows_begin_and_end_at_decisions_and_wait_for_something_to_end() {
        let (mut tuner, mut fixture) = (tuner(1, Restart::Never), two_tasks());
        assert_eq!(rows(&tuner), []);
        assert_eq!(ask(&mut tuner, &mut fixture, 3), (1.0, 1.0));
        assert_eq!(rows(&tuner), [(0, 0, 3, None, None, false)]);
        // One of two is late at half the worst energy: 1/2 1/2. The window lasts until 13.
        end(&mut fixture, 0, 2, 1, 1.0);
        assert_eq!(ask(&mut tuner, &mut fixture, 12), (1.0, 1.0));
        assert_eq!(rows(&tuner).len(), 1);
        // No decision falls on 13.
        assert_eq!(ask(&mut tuner, &mut fixture, 15), (0.5, 1.0));
        let first = (0, 0, 3, Some(15), Some(0.25), false);
        assert_eq!(rows(&tuner), [first, (0, 0, 15, None, None, false)]);
        // Nothing has ended by 25 or 39: it goes on. By 40 one has.
        assert_eq!(ask(&mut tuner, &mut fixture, 25), (0.5, 1.0));
        assert_eq!(ask(&mut tuner, &mut fixture, 39), (0.5, 1.0));
        end(&mut fixture, 1, 1, 0, 0.25);
        assert_eq!(ask(&mut tuner, &mut fixture, 40), (1.5, 1.0));
        let second = (0, 0, 15, Some(40), Some(0.125), false);
        assert_eq!(rows(&tuner), [first, second, (0, 0, 40, None, None, false)]);
        // Its end falls on a decision.
        end(&mut fixture, 0, 4, 4, 4.0);
        assert_eq!(ask(&mut tuner, &mut fixture, 50), (1.0, 0.5));
        end(&mut fixture, 0, 4, 4, 4.0);
        assert_eq!(ask(&mut tuner, &mut fixture, 60), (1.0, 1.5));
        end(&mut fixture, 0, 4, 4, 4.0);
        // The one step is over: (0.5, 1) cost least, and stays.
        assert_eq!(ask(&mut tuner, &mut fixture, 70), (0.5, 1.0));
        let result = (0, 1, 70, None, None, true);
        assert_eq!(rows(&tuner)[4..], [(0, 0, 60, Some(70), Some(1.0), false), result]);
        end(&mut fixture, 0, 100, 100, 100.0);
        assert_eq!(ask(&mut tuner, &mut fixture, 500), (0.5, 1.0));
        assert_eq!(rows(&tuner).len(), 6);
        let TuningWindow { alpha, beta, .. } = tuner.windows()[5];
        assert_eq!((alpha, beta), (0.5, 1.0));
    }

    #[test]
    fn a_search_without_steps_has_a_result_at_once() {
        let (mut tuner, mut fixture) = (tuner(0, Restart::Phase), two_tasks());
        assert_eq!(ask(&mut tuner, &mut fixture, 0), (1.0, 1.0));
        end(&mut fixture, 0, 1, 0, 1.0);
        assert_eq!(ask(&mut tuner, &mut fixture, 50), (1.0, 1.0));
        assert_eq!(rows(&tuner), [(0, 0, 0, None, None, true)]);
    }

    #[test]
    fn a_phase_begins_a_new_search_where_it_should() {
        for (restart, restarts) in [(Restart::Never, false), (Restart::Phase, true), (Restart::Load, false)] {
            let (mut tuner, mut fixture) = (tuner(1, restart), two_tasks());
            ask(&mut tuner, &mut fixture, 0);
            end(&mut fixture, 0, 2, 1, 1.0);
            assert_eq!(ask(&mut tuner, &mut fixture, 10), (0.5, 1.0));
            // The window is cut short, and what ended in it counts for nothing.
            end(&mut fixture, 0, 2, 1, 1.0);
            fixture.set_now(14);
            tuner.notify(&Notice::PhaseChanged(0), &fixture.view());
            let first = (0, 0, 0, Some(10), Some(0.25), false);
            if !restarts {
                assert_eq!(ask(&mut tuner, &mut fixture, 14), (0.5, 1.0));
                assert_eq!(rows(&tuner), [first, (0, 0, 10, None, None, false)]);
                continue;
            }
            assert_eq!(ask(&mut tuner, &mut fixture, 14), (1.0, 1.0));
            let cut = (0, 0, 10, Some(14), None, false);
            assert_eq!(rows(&tuner), [first, cut, (1, 0, 14, None, None, false)]);
            // It begins but once.
            assert_eq!(ask(&mut tuner, &mut fixture, 15), (1.0, 1.0));
            assert_eq!(rows(&tuner).len(), 3);
        }
        // Results are searched anew, too.
        let (mut tuner, mut fixture) = (tuner(0, Restart::Phase), two_tasks());
        ask(&mut tuner, &mut fixture, 0);
        tuner.notify(&Notice::PhaseChanged(0), &fixture.view());
        ask(&mut tuner, &mut fixture, 20);
        assert_eq!(rows(&tuner), [(0, 0, 0, Some(20), None, true), (1, 0, 20, None, None, true)]);
    }

    #[test]
    fn a_phase_before_the_first_decision_restarts_nothing() {
        let (mut tuner, mut fixture) = (tuner(1, Restart::Phase), two_tasks());
        tuner.notify(&Notice::PhaseChanged(0), &fixture.view());
        ask(&mut tuner, &mut fixture, 5);
        ask(&mut tuner, &mut fixture, 6);
        assert_eq!(rows(&tuner), [(0, 0, 5, None, None, false)]);
    }

    #[test]
    fn a_change_of_load_begins_a_new_search_where_it_should() {
        // The first window brings 6 jobs of a and 1 of b: 6 x 4 + 6 = 30. Another 45, or 20, is no change.
        for (of_a, of_b, restarts) in [
            (6, 1, false),
            (6, 3, false),
            (9, 1, false),
            (9, 2, true),
            (5, 0, false),
            (2, 2, false),
            (4, 0, true),
            (1, 2, true),
        ] {
            for restart in [Restart::Never, Restart::Phase, Restart::Load] {
                let (mut tuner, mut fixture) = (tuner(1, restart), two_tasks());
                ask(&mut tuner, &mut fixture, 0);
                end(&mut fixture, 0, 6, 6, 6.0);
                end(&mut fixture, 1, 1, 1, 1.0);
                assert_eq!(ask(&mut tuner, &mut fixture, 10), (0.5, 1.0));
                end(&mut fixture, 0, of_a, of_a, of_a as f64);
                end(&mut fixture, 1, of_b, of_b, of_b as f64);
                let restarts = restarts && restart == Restart::Load;
                let case = format!("{of_a} and {of_b}, {restart:?}");
                let expected = if restarts { (1.0, 1.0) } else { (1.5, 1.0) };
                assert_eq!(ask(&mut tuner, &mut fixture, 20), expected, "{case}");
                let last = rows(&tuner)[1..].to_vec();
                if restarts {
                    let cut = (0, 0, 10, Some(20), None, false);
                    assert_eq!(last, [cut, (1, 0, 20, None, None, false)], "{case}");
                } else {
                    assert_eq!((last[0].3, last[1].0, last[1].2), (Some(20), 0, 20), "{case}");
                }
            }
        }
    }

    #[test]
    fn a_result_is_watched_for_changes_of_load() {
        let (mut tuner, mut fixture) = (tuner(0, Restart::Load), two_tasks());
        ask(&mut tuner, &mut fixture, 0);
        for now_us in [10, 20, 30] {
            end(&mut fixture, 0, 2, 0, 2.0);
            ask(&mut tuner, &mut fixture, now_us);
        }
        assert_eq!(rows(&tuner), [(0, 0, 0, None, None, true)]);
        end(&mut fixture, 0, 4, 0, 4.0);
        ask(&mut tuner, &mut fixture, 40);
        assert_eq!(rows(&tuner), [(0, 0, 0, Some(40), None, true), (1, 0, 40, None, None, true)]);
    }
}
