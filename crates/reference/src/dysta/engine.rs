//! The loop: admit, decide, execute one layer, until all requests are finished.
//!
//! One accelerator, no preemption within a layer, no cost of switching. Time is seconds in 64-bit
//! floats, as in the program.
//!
//! A decision costs a few nanoseconds for each unfinished task: what remains of a task is looked up
//! ([`MergedTable::remaining_s`]), not added up. Nothing is allocated per decision.

use super::error::DystaError;
use super::metrics::{Job, Outcome};
use super::policy::{Known, Parameters, Policy, choose};
use super::predictor::Ratios;
use super::requests::Request;
use super::sums::{sum, tail_sums};
use super::tables::{LookUpTables, MergedTable};

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

/// Runs requests, which must be sorted by arrival.
///
/// # Errors
/// Requests that ask for what the tables do not have, or that make no sense; parameters that are not
/// finite.
pub fn run(
    tables: &LookUpTables,
    requests: &[Request],
    parameters: &Parameters,
) -> Result<Outcome, DystaError> {
    run_observed(tables, requests, parameters, |_| {})
}

/// The same, and `decided` is told of every decision: the position of the request whose layer is next.
///
/// # Errors
/// See [`run`].
pub fn run_observed(
    tables: &LookUpTables,
    requests: &[Request],
    parameters: &Parameters,
    mut decided: impl FnMut(usize),
) -> Result<Outcome, DystaError> {
    for (name, value) in [("alpha", parameters.alpha), ("beta", parameters.beta)] {
        if !value.is_finite() {
            return Err(DystaError::Parameter { name, value });
        }
    }
    super::requests::check(tables, requests)?;
    let mut state = State::new(tables.tables(), requests, parameters);
    while state.admit() {
        let position = choose(parameters.policy, &mut state.known, state.now_s, parameters);
        decided(state.running[position].request);
        state.execute(position);
    }
    Ok(state.outcome)
}

/// State of an unfinished task that only the loop knows.
struct Running<'t> {
    request: usize,
    table: &'t MergedTable,
    sample: usize,
    /// Number of layers that ran.
    layer: usize,
    /// True latencies of its layers.
    latencies_s: &'t [f64],
    /// Sums of estimates from each layer to the last; the oracle's are of `latencies_s`.
    remaining_s: Remaining<'t>,
    ratios: Ratios,
}

/// Sums that a table holds, or that are of one sample only.
enum Remaining<'t> {
    Looked(&'t [f64]),
    Own(Vec<f64>),
}

impl Remaining<'_> {
    fn from(&self, layer: usize) -> f64 {
        match self {
            Self::Looked(sums) => sums[layer],
            Self::Own(sums) => sums[layer],
        }
    }
}

struct State<'t> {
    tables: &'t [MergedTable],
    requests: &'t [Request],
    parameters: &'t Parameters,
    now_s: f64,
    /// The next request to be admitted.
    next: usize,
    /// Unfinished tasks in the order of admission; what policies see of them, and the rest.
    known: Vec<Known>,
    running: Vec<Running<'t>>,
    /// The request of the last decision.
    last: Option<usize>,
    outcome: Outcome,
}

impl<'t> State<'t> {
    fn new(tables: &'t [MergedTable], requests: &'t [Request], parameters: &'t Parameters) -> Self {
        let jobs = requests.iter().map(|request| {
            let table = &tables[request.model.index()].file;
            Job {
                arrival_s: request.arrival_s,
                deadline_s: request.deadline_s(),
                start_s: f64::NAN,
                finish_s: f64::NAN,
                isolated_s: sum(table.latencies_of(request.sample)),
            }
        });
        let outcome = Outcome {
            jobs: jobs.collect(),
            finish_order: Vec::with_capacity(requests.len()),
            decisions: 0,
            switches: 0,
            decision_fnv1a64: FNV_OFFSET,
            clock_rollbacks: 0,
            clock_rollback_total_s: 0.0,
        };
        let (known, running) = (Vec::new(), Vec::new());
        Self { tables, requests, parameters, now_s: 0.0, next: 0, known, running, last: None, outcome }
    }

    /// Admits what has arrived; `false` once everything is finished.
    fn admit(&mut self) -> bool {
        let is_idle = self.known.is_empty();
        let Some(request) = self.requests.get(self.next) else { return !is_idle };
        if self.parameters.fixes.monotonic_clock {
            if is_idle && self.now_s < request.arrival_s {
                self.now_s = request.arrival_s;
            }
            self.admit_while(|arrival_s, now_s| arrival_s <= now_s);
        } else if is_idle {
            // Quirk 2: the clock is set back to a request that arrived during the last layer, and only
            // that one is admitted.
            if request.arrival_s < self.now_s {
                self.outcome.clock_rollbacks += 1;
                self.outcome.clock_rollback_total_s += self.now_s - request.arrival_s;
            }
            self.now_s = request.arrival_s;
            self.admit_next(request);
        } else {
            // Quirk 8: who arrives right now waits for the next decision.
            self.admit_while(|arrival_s, now_s| arrival_s < now_s);
        }
        true
    }

    fn admit_while(&mut self, has_arrived: impl Fn(f64, f64) -> bool) {
        while let Some(request) = self.requests.get(self.next)
            && has_arrived(request.arrival_s, self.now_s)
        {
            self.admit_next(request);
        }
    }

    fn admit_next(&mut self, request: &Request) {
        let table = &self.tables[request.model.index()];
        let latencies_s = table.file.latencies_of(request.sample);
        let policy = self.parameters.policy;
        let remaining_s = match policy {
            Policy::DystaOracle => Remaining::Own(tail_sums(latencies_s)),
            _ if policy.knows_patterns() => Remaining::Looked(&table.remaining_s),
            _ => Remaining::Looked(&table.model_remaining_s),
        };
        let task = Running {
            request: self.next,
            table,
            sample: request.sample,
            layer: 0,
            latencies_s,
            remaining_s,
            ratios: Ratios::default(),
        };
        self.known.push(Known {
            arrival_s: request.arrival_s,
            deadline_s: request.deadline_s(),
            priority: request.priority,
            last_s: request.arrival_s,
            gamma: 1.0,
            layer_s: layer_estimate_s(policy, &task),
            remaining_s: task.remaining_s.from(0),
            isolated_s: task.remaining_s.from(0),
            token: None,
        });
        self.running.push(task);
        self.next += 1;
    }

    /// Runs the next layer of the task in a position.
    fn execute(&mut self, position: usize) {
        let parameters = self.parameters;
        let (task, known) = (&mut self.running[position], &mut self.known[position]);
        self.outcome.decisions += 1;
        self.outcome.switches += u64::from(self.last.is_some_and(|last| last != task.request));
        self.last = Some(task.request);
        for byte in (task.request as u32).to_le_bytes() {
            self.outcome.decision_fnv1a64 =
                (self.outcome.decision_fnv1a64 ^ u64::from(byte)).wrapping_mul(FNV_PRIME);
        }
        let job = &mut self.outcome.jobs[task.request];
        if task.layer == 0 {
            job.start_s = self.now_s;
        }
        if parameters.policy.monitors() {
            let file = &task.table.file;
            let measured = file.sparsity_of(task.sample, task.layer);
            task.ratios.measure(measured, file.average_sparsity[task.layer]);
            known.gamma = task.ratios.gamma(parameters.predictor, parameters.fixes.divide_by_count);
        }
        self.now_s += task.latencies_s[task.layer];
        task.layer += 1;
        known.last_s = self.now_s;
        if task.layer < task.latencies_s.len() {
            known.layer_s = layer_estimate_s(parameters.policy, task);
            known.remaining_s = task.remaining_s.from(task.layer);
        } else {
            job.finish_s = self.now_s;
            self.outcome.finish_order.push(task.request);
            self.running.remove(position);
            self.known.remove(position);
        }
    }
}

/// The estimate of a task's next layer, of which it must have one.
fn layer_estimate_s(policy: Policy, task: &Running<'_>) -> f64 {
    let table = task.table;
    if policy.knows_patterns() {
        table.file.average_latency_s[task.layer]
    } else {
        table.model_latency_s[task.layer]
    }
}
