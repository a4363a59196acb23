//! Events and decisions of a policy in one list, and whether it kept its promises.

use std::sync::{Arc, Mutex, MutexGuard};

use crate::simulation::simulate;
use rtmm_hardware::{AcceleratorId, Units};
use rtmm_scheduler::{
    Capabilities, Decision, Decisions, Extent, Interests, Job, Notice, Parameters, Policy, PolicyError,
    PolicyRow, Progress, Truth, VariantId, View,
};
use rtmm_sim::metrics::Audit;
use rtmm_sim::{DropCause, JobRecord, Observer, RunOptions, SegmentRecord, SimulationError, System};
use rtmm_workload::parameters::ParameterValue;
use rtmm_workload::{Duration, TaskId, Time};

/// One line of the list. Texts would take longer to write than runs take.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub now: Time,
    pub line: Line,
}

impl Entry {
    /// Said by the policy, not by the engine.
    pub fn is_decision(&self) -> bool {
        matches!(self.line, Line::Dispatch { .. } | Line::Batch { .. } | Line::Decision(_))
    }
}

/// Task, frame and slot of a job.
type Name = (TaskId, u64, usize);

/// Event or decision.
#[derive(Clone, Debug, PartialEq)]
pub enum Line {
    Void {
        task: TaskId,
        arrival: Time,
    },
    Comes(Name),
    At(Name, Progress),
    Done(Name),
    Lost(Name),
    Phase(usize),
    InFlight(Name),
    Layer(Option<Name>, Notice),
    Dispatch {
        slot: usize,
        accelerator: AcceleratorId,
        extent: Extent,
        variant: Option<VariantId>,
    },
    /// Several jobs at once, by their slots.
    Batch {
        slots: Vec<usize>,
        accelerator: AcceleratorId,
        extent: Extent,
        variant: Option<VariantId>,
    },
    Decision(Decision),
}

/// A list under way.
#[derive(Debug, Default)]
struct Book {
    entries: Vec<Entry>,
    faults: Vec<String>,
    /// Rounds that ended with an idle accelerator and a ready job that it could run.
    idled: u64,
}

type Shared = Arc<Mutex<Book>>;

fn open(book: &Shared) -> MutexGuard<'_, Book> {
    book.lock().expect("no other thread")
}

fn write(book: &Shared, now: Time, line: Line) {
    open(book).entries.push(Entry { now, line });
}

fn name(job: &Job) -> Name {
    (job.task, job.frame, job.id.slot())
}

/// A decision; nothing of it is left out that these policies say.
fn decided(decision: &Decision, list: &Decisions) -> Line {
    match decision {
        Decision::Dispatch { jobs, on, units: Units::All, extent, variant } => {
            let (accelerator, extent, variant) = (*on, *extent, *variant);
            match list.jobs_of(jobs).expect("jobs of this list") {
                [one] => Line::Dispatch { slot: one.slot(), accelerator, extent, variant },
                several => {
                    let slots = several.iter().map(|job| job.slot()).collect();
                    Line::Batch { slots, accelerator, extent, variant }
                }
            }
        }
        other => Line::Decision(*other),
    }
}

/// Writes down what the engine tells, but for what follows from a decision at once.
#[derive(Clone, Debug)]
struct Told(Shared);

impl Observer for Told {
    fn not_triggered(&mut self, now: Time, task: TaskId, arrival: Time) {
        write(&self.0, now, Line::Void { task, arrival });
    }

    fn released(&mut self, now: Time, job: &Job) {
        write(&self.0, now, Line::Comes(name(job)));
    }

    fn left(&mut self, now: Time, record: &SegmentRecord<'_>) {
        self.segment_ended(now, record);
    }

    fn segment_ended(&mut self, now: Time, record: &SegmentRecord<'_>) {
        write(&self.0, now, Line::At(name(record.job), record.to));
    }

    fn completed(&mut self, now: Time, record: &JobRecord<'_>) {
        write(&self.0, now, Line::Done(name(record.job)));
    }

    fn dropped(&mut self, now: Time, record: &JobRecord<'_>, cause: DropCause) {
        if cause == DropCause::Upstream {
            write(&self.0, now, Line::Lost(name(record.job)));
        }
    }

    fn phase_changed(&mut self, now: Time, phase: usize) {
        write(&self.0, now, Line::Phase(phase));
    }

    fn in_flight(&mut self, now: Time, record: &JobRecord<'_>) {
        write(&self.0, now, Line::InFlight(name(record.job)));
    }
}

/// A policy that is watched.
#[derive(Debug)]
struct Watched {
    inner: Box<dyn Policy>,
    book: Shared,
    capabilities: Capabilities,
    drop: String,
    /// Goes on with a copy of the policy after every round.
    copies: bool,
}

impl Watched {
    fn fault(&self, view: &View<'_>, what: &str) {
        open(&self.book).faults.push(format!("{} ps: {what}", view.now.picoseconds()));
    }

    /// Checks a decision against the view that it was taken on.
    fn check(&self, view: &View<'_>, decision: &Decision, list: &Decisions) {
        match decision {
            Decision::Dispatch { jobs, .. } => {
                let jobs = list.jobs_of(jobs).unwrap_or_default().iter();
                for job in jobs.filter_map(|job| view.job(*job)) {
                    let earliest = view.now.saturating_add(view.least_remaining(job));
                    let is_past = match self.drop.as_str() {
                        "late" => view.now > job.deadline,
                        "infeasible" => earliest > job.deadline,
                        _ => false,
                    };
                    if is_past {
                        self.fault(view, "a job is dispatched that the drop rule drops");
                    }
                }
            }
            Decision::Preempt { .. } if !self.capabilities.preempts => {
                self.fault(view, "a policy preempts that does not say so");
            }
            Decision::Drop { .. } if self.drop == "never" => self.fault(view, "a job is dropped"),
            _ => {}
        }
    }
}

impl Policy for Watched {
    fn decide(
        &mut self,
        view: &View<'_>,
        truth: Option<&Truth<'_>>,
        out: &mut Decisions,
    ) -> Result<(), PolicyError> {
        self.inner.decide(view, truth, out)?;
        if self.copies {
            self.inner = self.inner.boxed_clone().expect("a policy that can be copied");
        }
        for decision in out.iter() {
            self.check(view, decision, out);
            write(&self.book, view.now, decided(decision, out));
        }
        let is_for = |job: &Job| view.free.iter().any(|accelerator| view.can_run(job, *accelerator));
        if out.is_empty() && view.ready().any(is_for) {
            open(&self.book).idled += 1;
            if !self.capabilities.idles {
                self.fault(view, "a job is ready and an accelerator idle, and the policy is content");
            }
        }
        Ok(())
    }

    fn interests(&self) -> Interests {
        self.inner.interests()
    }

    fn notify(&mut self, notice: &Notice, view: &View<'_>) -> Result<(), PolicyError> {
        // All else that a policy hears is told to the observer, too.
        if let Notice::LayerCompleted { job, .. } = notice {
            write(&self.book, view.now, Line::Layer(view.job(*job).map(name), *notice));
        }
        self.inner.notify(notice, view)
    }

    fn decision_time(&self, view: &View<'_>) -> Result<Duration, PolicyError> {
        self.inner.decision_time(view)
    }
}

/// Result of a watched run.
#[derive(Debug, PartialEq)]
pub struct Watch {
    /// Everything that was told and decided, in order.
    pub entries: Vec<Entry>,
    /// Promises that were not kept.
    pub faults: Vec<String>,
    /// Rounds that ended with an idle accelerator and a ready job that it could run.
    pub idled: u64,
}

impl Watch {
    /// Number of lines of a kind.
    pub fn count(&self, is_of_kind: impl Fn(&Line) -> bool) -> usize {
        self.entries.iter().filter(|entry| is_of_kind(&entry.line)).count()
    }
}

/// Runs a policy under watch; what the audit finds is a fault too. `copies` has the policy copied after
/// every round.
pub fn watch(
    system: &System,
    row: &PolicyRow,
    parameters: &Parameters,
    options: RunOptions,
    copies: bool,
) -> Result<Watch, SimulationError> {
    let policy = row.build(parameters).expect("parameters of this policy");
    watch_policy(system, (row, parameters), policy, options, copies)
}

/// The same of a policy that was built by these parameters.
pub fn watch_policy(
    system: &System,
    (row, parameters): (&PolicyRow, &Parameters),
    policy: Box<dyn Policy>,
    options: RunOptions,
    copies: bool,
) -> Result<Watch, SimulationError> {
    let book = Shared::default();
    let policy = Watched {
        inner: policy,
        book: Arc::clone(&book),
        capabilities: row.capabilities(parameters).expect("parameters of this policy"),
        drop: parameters.get("drop").and_then(ParameterValue::word).unwrap_or("unknown").to_owned(),
        copies,
    };
    let observer = (Told(Arc::clone(&book)), Audit::new(system));
    let (_, audit) = simulate(system, &row.name, Box::new(policy), observer, options)?;
    let book = std::mem::take(&mut *open(&book));
    let (entries, mut faults) = (book.entries, book.faults);
    faults.extend_from_slice(audit.violations());
    Ok(Watch { entries, faults, idled: book.idled })
}

/// True if two runs part at a decision: whether policies that had seen the same decided differently.
///
/// What one run was told and the other was not, at the instant of a decision or before, is something seen.
pub fn part_at_a_decision(one: &Watch, other: &Watch) -> bool {
    let longest = one.entries.len().max(other.entries.len());
    let Some(first) = (0..longest).find(|index| one.entries.get(*index) != other.entries.get(*index)) else {
        return false;
    };
    let decides = |one: Option<&Entry>, other: Option<&Entry>| {
        one.is_some_and(|one| {
            one.is_decision() && other.is_none_or(|other| other.is_decision() || other.now > one.now)
        })
    };
    let (one, other) = (one.entries.get(first), other.entries.get(first));
    decides(one, other) || decides(other, one)
}
