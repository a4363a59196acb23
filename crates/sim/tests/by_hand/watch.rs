//! What a policy was told and what it decided, in one list, and whether it kept what it promises.

use std::sync::{Arc, Mutex, MutexGuard};

use rtmm_scheduler::{
    Capabilities, Decision, Decisions, Interests, Job, Notice, Parameters, Placement, Policy, PolicyRow,
    Truth, View,
};
use rtmm_sim::metrics::Audit;
use rtmm_sim::{
    DropCause, JobRecord, Observer, RunOptions, SegmentRecord, SimulationError, System, simulate,
};
use rtmm_workload::{Duration, TaskId, Time};

/// One line of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub now: Time,
    /// Said by the policy, not by the engine.
    pub is_decision: bool,
    pub text: String,
}

/// A list under way.
#[derive(Debug, Default)]
struct Book {
    entries: Vec<Entry>,
    faults: Vec<String>,
    /// Rounds that ended with an idle accelerator and a ready job.
    idled: u64,
}

type Shared = Arc<Mutex<Book>>;

fn open(book: &Shared) -> MutexGuard<'_, Book> {
    book.lock().expect("no other thread")
}

fn write(book: &Shared, now: Time, is_decision: bool, text: String) {
    open(book).entries.push(Entry { now, is_decision, text });
}

/// Task, frame and slot of a job.
fn name(job: &Job) -> String {
    format!("{}:{} in {}", job.task.index(), job.frame, job.id.slot())
}

/// A decision in few words; nothing of it is left out that these policies say.
fn words(decision: &Decision) -> String {
    match decision {
        Decision::Dispatch { job, placement: Placement::Whole(accelerator), extent, variant } => {
            let (slot, accelerator) = (job.slot(), accelerator.index());
            format!("Dispatch {slot}>{accelerator} {extent:?} {variant:?}")
        }
        other => format!("{other:?}"),
    }
}

/// Writes down what the engine tells, but for what follows from a decision at once.
#[derive(Clone, Debug)]
struct Told(Shared);

impl Observer for Told {
    fn not_triggered(&mut self, now: Time, task: TaskId, arrival: Time) {
        write(&self.0, now, false, format!("{}@{} void", task.index(), arrival.picoseconds()));
    }

    fn released(&mut self, now: Time, job: &Job) {
        write(&self.0, now, false, format!("{} comes", name(job)));
    }

    fn segment_ended(&mut self, now: Time, record: &SegmentRecord<'_>) {
        let (job, to) = (name(record.job), record.to);
        write(&self.0, now, false, format!("{job} at {}+{}/{}", to.layer, to.quantum, to.quanta));
    }

    fn completed(&mut self, now: Time, record: &JobRecord<'_>) {
        write(&self.0, now, false, format!("{} done", name(record.job)));
    }

    fn dropped(&mut self, now: Time, record: &JobRecord<'_>, cause: DropCause) {
        if cause == DropCause::Upstream {
            write(&self.0, now, false, format!("{} lost", name(record.job)));
        }
    }

    fn phase_changed(&mut self, now: Time, phase: usize) {
        write(&self.0, now, false, format!("phase {phase}"));
    }

    fn in_flight(&mut self, now: Time, record: &JobRecord<'_>) {
        write(&self.0, now, false, format!("{} in flight", name(record.job)));
    }
}

/// A policy that is watched.
#[derive(Clone, Debug)]
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
    fn check(&self, view: &View<'_>, decision: &Decision) {
        match decision {
            Decision::Dispatch { job, .. } => {
                let Some(job) = view.job(*job) else { return };
                let earliest = view.now.saturating_add(view.least_remaining(job));
                let is_past = match self.drop.as_str() {
                    "late" => view.now > job.deadline,
                    "infeasible" => earliest > job.deadline,
                    _ => false,
                };
                if is_past {
                    self.fault(view, "a job is dispatched that the drop rule gives up");
                }
            }
            Decision::Preempt { .. } if !self.capabilities.preempts => {
                self.fault(view, "a policy preempts that does not say so");
            }
            Decision::Drop { .. } if self.drop == "never" => self.fault(view, "a job is given up"),
            _ => {}
        }
    }
}

impl Policy for Watched {
    fn decide(&mut self, view: &View<'_>, truth: Option<&Truth<'_>>, out: &mut Decisions) {
        self.inner.decide(view, truth, out);
        if self.copies {
            self.inner = self.inner.boxed_clone();
        }
        for decision in out.iter() {
            self.check(view, decision);
            write(&self.book, view.now, true, words(decision));
        }
        if out.is_empty() && !view.is_stuck() {
            open(&self.book).idled += 1;
            if !self.capabilities.idles {
                self.fault(view, "a job is ready and an accelerator idle, and the policy is content");
            }
        }
    }

    fn interests(&self) -> Interests {
        self.inner.interests()
    }

    fn notify(&mut self, notice: &Notice, view: &View<'_>) {
        // All else that a policy hears is told to the observer, too.
        if let Notice::LayerCompleted { job, .. } = notice {
            let job = view.job(*job).map(name).unwrap_or_default();
            write(&self.book, view.now, false, format!("{job} {notice:?}"));
        }
        self.inner.notify(notice, view);
    }

    fn decision_time(&self, view: &View<'_>) -> Duration {
        self.inner.decision_time(view)
    }

    fn boxed_clone(&self) -> Box<dyn Policy> {
        Box::new(self.clone())
    }
}

/// What a watched run comes to.
#[derive(Debug, PartialEq, Eq)]
pub struct Watch {
    /// Everything that was told and decided, in order.
    pub entries: Vec<Entry>,
    /// Promises that were not kept.
    pub faults: Vec<String>,
    /// Rounds that ended with an idle accelerator and a ready job.
    pub idled: u64,
}

impl Watch {
    /// How many decisions begin with this word.
    pub fn count(&self, word: &str) -> usize {
        self.entries.iter().filter(|entry| entry.is_decision && entry.text.starts_with(word)).count()
    }
}

/// Runs a policy under watch; what the audit finds is a fault too. `copies` has the policy copied after
/// every round.
pub fn watch(
    system: &System<'_>,
    row: &PolicyRow,
    parameters: &Parameters,
    options: RunOptions,
    copies: bool,
) -> Result<Watch, SimulationError> {
    let book = Shared::default();
    let policy = Watched {
        inner: row.build(parameters).expect("parameters of this policy"),
        book: Arc::clone(&book),
        capabilities: row.capabilities(parameters).expect("parameters of this policy"),
        drop: parameters.choice("drop").unwrap_or("unknown").to_owned(),
        copies,
    };
    let observer = (Told(Arc::clone(&book)), Audit::new(system));
    let (_, audit) = simulate(system, row.name, Box::new(policy), observer, options)?;
    let book = std::mem::take(&mut *open(&book));
    let (entries, mut faults) = (book.entries, book.faults);
    faults.extend_from_slice(audit.violations());
    Ok(Watch { entries, faults, idled: book.idled })
}

/// Whether two runs part at a decision: whether policies that had seen the same decided differently.
///
/// What one run was told and the other was not, at the instant of a decision or before, is something seen.
pub fn part_at_a_decision(one: &Watch, other: &Watch) -> bool {
    let longest = one.entries.len().max(other.entries.len());
    let Some(first) = (0..longest).find(|index| one.entries.get(*index) != other.entries.get(*index)) else {
        return false;
    };
    let decides = |one: Option<&Entry>, other: Option<&Entry>| {
        one.is_some_and(|one| {
            one.is_decision && other.is_none_or(|other| other.is_decision || other.now > one.now)
        })
    };
    let (one, other) = (one.entries.get(first), other.entries.get(first));
    decides(one, other) || decides(other, one)
}
