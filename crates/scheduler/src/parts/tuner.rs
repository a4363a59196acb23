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

use rtmm_workload::{Duration, TaskId, Time};

use crate::parameters::{Allowed, Parameter, ParameterError, ParameterValue, Parameters};
use crate::parts::{Search, SearchMethod, SearchOptions, Weights};
use crate::policy::Notice;
use crate::tuning::TuningWindow;
use crate::view::{TaskCounters, View};

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
    /// How many searches there were before.
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
    /// `search`, with the default of a policy.
    #[must_use]
    pub const fn method(default: &'static str) -> Parameter {
        let meaning = "how alpha and beta are searched, from their stated values on";
        super::word("search", meaning, default, &["neighbours", "halving"])
    }

    /// `search_window`.
    pub const WINDOW: Parameter = Parameter {
        name: "search_window",
        meaning: "how long a pair of weights is tried",
        default: ParameterValue::Duration(Duration::from_picoseconds(200_000_000_000)),
        allowed: Allowed::Duration(
            Duration::from_picoseconds(1_000_000),
            Duration::from_picoseconds(3_600_000_000_000_000),
        ),
    };

    /// `search_steps`.
    pub const STEPS: Parameter = Parameter {
        name: "search_steps",
        meaning: "the most steps of a search",
        default: ParameterValue::Integer(5),
        allowed: Allowed::Integer(0, 100),
    };

    /// `search_radius`.
    pub const RADIUS: Parameter = Parameter {
        name: "search_radius",
        meaning: "how far the first neighbours are, or half the side of the lattice",
        default: ParameterValue::Real(0.5),
        allowed: Allowed::Real(1e-6, 1e3),
    };

    /// `search_shrink`.
    pub const SHRINK: Parameter = Parameter {
        name: "search_shrink",
        meaning: "search = neighbours: what the radius is multiplied by after a step",
        default: ParameterValue::Real(0.5),
        allowed: Allowed::Real(0.0, 1.0),
    };

    /// `search_greatest`.
    pub const GREATEST: Parameter = Parameter {
        name: "search_greatest",
        meaning: "the greatest weight that is tried; the least is 0",
        default: ParameterValue::Real(2.0),
        allowed: Allowed::Real(0.0, 1e6),
    };

    /// `search_restart`.
    pub const RESTART: Parameter = super::word(
        "search_restart",
        "when it begins anew: at phases of the scenario, or when windows bring other amounts of work",
        "phase",
        &["never", "phase", "load"],
    );

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
    ///
    /// # Errors
    /// [`ParameterError`] where one is missing.
    pub fn read(parameters: &Parameters, start: Weights) -> Result<Self, ParameterError> {
        let methods = [("neighbours", SearchMethod::Neighbours), ("halving", SearchMethod::Halving)];
        let restarts = [("never", Restart::Never), ("phase", Restart::Phase), ("load", Restart::Load)];
        let options = SearchOptions {
            method: parameters.meaning("search", &methods)?,
            start,
            radius: parameters.real("search_radius")?,
            shrink: parameters.real("search_shrink")?,
            steps: u32::try_from(parameters.integer("search_steps")?).unwrap_or(0),
            greatest: parameters.real("search_greatest")?,
        };
        let restart = parameters.meaning("search_restart", &restarts)?;
        Ok(Self::new(options, parameters.duration("search_window")?, restart))
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

    /// Whether windows still matter.
    fn is_watching(&self) -> bool {
        !self.search.is_over() || self.restart == Restart::Load
    }

    /// Begins a window.
    fn open(&mut self, view: &View<'_>) {
        self.at_start.clear();
        self.at_start.extend_from_slice(view.counters);
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
        let Some(cost) = window_cost(&self.at_start, view.counters) else { return };
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
        self.at_start.iter().zip(view.counters).enumerate().map(of_task).sum()
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
        let worst_pj = now.worst_energy_pj - before.worst_energy_pj;
        if ended == 0 || worst_pj <= 0.0 {
            continue;
        }
        judged += ended;
        let violated = late + dropped;
        violations += if violated == 0 { 0.5 / ended as f64 } else { violated as f64 / ended as f64 };
        energy += (now.energy_pj - before.energy_pj) / worst_pj;
    }
    (judged > 0).then_some(violations * energy)
}
