//! Smart frame drop: a frame is given up only if it is lost, and only if that helps another.
//!
//! Source: Kim et al., *DREAM: A Dynamic Scheduler for Dynamic Real-time Multi-model ML Workloads*, ASPLOS
//! 2023, which names four conditions. A frame that does not run is given up where all of them hold:
//!
//! 1. it misses its deadline even if each of its layers runs at once where it is fastest, of the lightest
//!    network that it can still run as;
//! 2. another live frame is expected to miss its own, at the mean latency over accelerators, or where its
//!    segment runs from the end of that on: there is somebody to help;
//! 3. of the task's frames that ended, the last `window - 1` hold fewer than `cap` that were given up;
//! 4. nobody waits for its output: its task is none that others depend on or, by `upstream =
//!    "without-consumers"`, no live job needs it. A job needs the latest frame that came no later than
//!    itself, of those that are live.
//!
//! Of several, the one goes first whose expected latency exceeds the time it has by most. The constants and
//! the choice among several are this project's reading, and parameters.
//!
//! A decision without a lost frame takes a step a live job; one with a lost frame another one a live job, or
//! one for each live job and job that waits where frames without consumers go.

use rtmm_workload::{Duration, Time};

use crate::job::{Job, JobId};
use crate::parameters::{Allowed, Parameter, ParameterError, ParameterValue, Parameters};
use crate::parts::VariantChoice;
use crate::policy::Notice;
use crate::terms::{self, Score};
use crate::view::View;

/// The longest window: outcomes are bits of a word.
const LONGEST_WINDOW: u32 = 64;

/// What the largest excess is measured by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Excess {
    /// Expected latency less the time left.
    Difference,
    /// Expected latency over the time left; a late frame's excess is the greatest of all.
    Ratio,
}

/// Which frames of tasks that others depend on are spared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SparedUpstream {
    /// All of them.
    Always,
    /// Those that a live job waits for.
    WithConsumers,
}

/// Smart frame drop with its record of how frames ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmartDrop {
    window: u32,
    cap: u32,
    excess: Excess,
    spared: SparedUpstream,
    /// By task: how its frames ended, the latest in the lowest bit; 1 for one that was given up.
    outcomes: Vec<u64>,
    /// By task: whether others depend on it.
    is_upstream: Vec<bool>,
}

impl SmartDrop {
    /// `drop_window`.
    pub const WINDOW: Parameter = Parameter {
        name: "drop_window",
        meaning: "drop = smart: frames of a task that its drops are counted over",
        default: ParameterValue::Integer(10),
        allowed: Allowed::Integer(1, LONGEST_WINDOW as i64),
    };

    /// `drop_cap`.
    pub const CAP: Parameter = Parameter {
        name: "drop_cap",
        meaning: "drop = smart: the most drops among them; 0 drops none",
        default: ParameterValue::Integer(2),
        allowed: Allowed::Integer(0, LONGEST_WINDOW as i64),
    };

    /// `drop_excess`.
    pub const EXCESS: Parameter = super::word(
        "drop_excess",
        "drop = smart: what says which of several goes first",
        "difference",
        &["difference", "ratio"],
    );

    /// `drop_upstream`.
    pub const UPSTREAM: Parameter = super::word(
        "drop_upstream",
        "drop = smart: when frames go whose task others depend on",
        "never",
        &["never", "without-consumers"],
    );

    /// Smart drop of at most `cap` in `window` frames, 64 at the most; nothing has ended yet.
    #[must_use]
    pub fn new(window: u32, cap: u32, excess: Excess, spared: SparedUpstream) -> Self {
        let window = window.clamp(1, LONGEST_WINDOW);
        Self { window, cap, excess, spared, outcomes: Vec::new(), is_upstream: Vec::new() }
    }

    /// Reads its parameters.
    ///
    /// # Errors
    /// [`ParameterError`] where one is missing.
    pub fn read(parameters: &Parameters) -> Result<Self, ParameterError> {
        let number = |name| Ok(u32::try_from(parameters.integer(name)?).unwrap_or(0));
        let excess = [("difference", Excess::Difference), ("ratio", Excess::Ratio)];
        let upstream =
            [("never", SparedUpstream::Always), ("without-consumers", SparedUpstream::WithConsumers)];
        Ok(Self::new(
            number("drop_window")?,
            number("drop_cap")?,
            parameters.meaning("drop_excess", &excess)?,
            parameters.meaning("drop_upstream", &upstream)?,
        ))
    }

    /// Learns of the tasks, at the first look at them.
    pub fn begin(&mut self, view: &View<'_>) {
        if self.outcomes.len() == view.tasks() {
            return;
        }
        self.outcomes = vec![0; view.tasks()];
        self.is_upstream = vec![false; view.tasks()];
        for task in (0..view.tasks()).map(rtmm_workload::TaskId::new) {
            for dependency in view.task(task).depends_on {
                self.is_upstream[dependency.task.index()] = true;
            }
        }
    }

    /// Hears how frames end.
    pub fn notify(&mut self, notice: &Notice, view: &View<'_>) {
        let (id, outcome) = match *notice {
            Notice::Completed(id) => (id, 0),
            Notice::Dropped(id) => (id, 1),
            _ => return,
        };
        self.begin(view);
        if let Some(job) = view.job(id) {
            let outcomes = &mut self.outcomes[job.task.index()];
            *outcomes = *outcomes << 1 | outcome;
        }
    }

    /// Whether another drop of the task keeps to the cap.
    fn has_room(&self, job: &Job) -> bool {
        let others = self.outcomes[job.task.index()] & ((1_u64 << (self.window - 1)) - 1);
        others.count_ones() < self.cap
    }

    fn is_spared(&self, view: &View<'_>, job: &Job) -> bool {
        self.is_upstream[job.task.index()]
            && match self.spared {
                SparedUpstream::Always => true,
                SparedUpstream::WithConsumers => view.waiting().any(|waiting| needs(view, waiting, job)),
            }
    }

    /// The frame to give up.
    #[must_use]
    pub fn next(&self, view: &View<'_>, variants: &VariantChoice) -> Option<JobId> {
        let mut lost =
            view.ready().chain(view.waiting()).filter(|job| is_lost(view, variants, job)).peekable();
        lost.peek()?;
        if !several_expected_to_miss(view) {
            return None;
        }
        let may_go = lost.filter(|job| self.has_room(job) && !self.is_spared(view, job));
        let mut first: Option<(Score, JobId)> = None;
        for job in may_go {
            let excess = self.excess(view, job);
            if first.is_none_or(|(of_first, _)| excess > of_first) {
                first = Some((excess, job.id));
            }
        }
        first.map(|(_, job)| job)
    }

    fn excess(&self, view: &View<'_>, job: &Job) -> Score {
        // In whole picoseconds, so that what is equal is found equal.
        let to_go = view.mean_remaining(job);
        let left_ps = terms::slack_ps(job.deadline, view.now, Duration::ZERO);
        Score(match self.excess {
            Excess::Difference => -terms::slack_ps(job.deadline, view.now, to_go) as f64,
            Excess::Ratio if left_ps > 0 => to_go.picoseconds() as f64 / left_ps as f64,
            Excess::Ratio => f64::INFINITY,
        })
    }
}

/// Whether a job waits for the output of a frame: the latest of its task that came no later than the job.
fn needs(view: &View<'_>, waiting: &Job, frame: &Job) -> bool {
    let is_between = |other: &Job| {
        other.task == frame.task && other.arrival > frame.arrival && other.arrival <= waiting.arrival
    };
    let depends_on = view.task(waiting.task).depends_on;
    waiting.arrival >= frame.arrival
        && depends_on.iter().any(|need| need.task == frame.task)
        && !view.ready().chain(view.waiting()).any(is_between)
        && !view.running().any(|(_, _, other)| is_between(other))
}

/// Whether a frame misses its deadline whatever is done.
fn is_lost(view: &View<'_>, variants: &VariantChoice, job: &Job) -> bool {
    let least = view.profile.fastest_remaining(variants.lightest(job), job.progress.layer);
    view.now.saturating_add(least) > job.deadline
}

/// Whether two live frames or more are expected to miss their deadlines; a lost one is one of them.
fn several_expected_to_miss(view: &View<'_>) -> bool {
    let misses = |from: Time, job: &Job, layer: u32| {
        from.saturating_add(view.profile.mean_remaining(job.model, layer)) > job.deadline
    };
    let lying = view.ready().chain(view.waiting()).filter(|job| misses(view.now, job, job.progress.layer));
    let running = view
        .running()
        .filter(|(_, segment, job)| misses(segment.expected_end.max(view.now), job, segment.stop));
    lying.map(|_| ()).chain(running.map(|_| ())).nth(1).is_some()
}
