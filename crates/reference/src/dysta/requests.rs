//! Requests, and how the program draws them.

use rtmm_workload::ModelId;

use super::error::DystaError;
use super::tables::LookUpTables;
use crate::logarithm;
use crate::mersenne_twister::MersenneTwister;

/// Quirk 1: samples are drawn below the number of keys of a record, which is this.
const DRAWN_SAMPLES: u32 = 7;
const PRIORITIES: [f64; 3] = [1.0, 3.0, 9.0];

/// A request for one inference.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Request {
    /// When it arrives, in seconds.
    pub arrival_s: f64,
    /// Which trace it is of, by position among the tables.
    pub model: ModelId,
    /// Which sample of the trace it is, by position.
    pub sample: usize,
    /// Priority, at least 1.
    pub priority: f64,
    /// When it is due after its arrival, in seconds.
    pub relative_deadline_s: f64,
}

impl Request {
    /// When it is due, in seconds.
    #[must_use]
    pub fn deadline_s(&self) -> f64 {
        self.arrival_s + self.relative_deadline_s
    }
}

/// Refuses requests that the loop could not run.
pub(super) fn check(tables: &LookUpTables, requests: &[Request]) -> Result<(), DystaError> {
    let tables = tables.tables();
    let fits = |count: usize| u32::try_from(count).is_ok();
    if requests.is_empty() {
        return Err(DystaError::NoRequests);
    }
    if !fits(requests.len()) || tables.iter().any(|table| !fits(table.file.layers)) {
        return Err(DystaError::TooMany);
    }
    let mut last_s = f64::NEG_INFINITY;
    for (index, request) in requests.iter().enumerate() {
        let model = request.model.index();
        let Some(table) = tables.get(model) else {
            return Err(DystaError::NoSuchTrace { request: index, model, traces: tables.len() });
        };
        if request.sample >= table.file.samples() {
            return Err(DystaError::NoSuchSample {
                request: index,
                sample: request.sample,
                trace: table.file.name.clone(),
                samples: table.file.samples(),
            });
        }
        let numbers = [
            ("arrival", request.arrival_s, request.arrival_s >= 0.0, "finite and at least 0"),
            ("priority", request.priority, request.priority >= 1.0, "finite and at least 1"),
            (
                "relative deadline",
                request.relative_deadline_s,
                request.relative_deadline_s > 0.0,
                "finite and above 0",
            ),
        ];
        for (what, value, is_in_range, range) in numbers {
            if !(is_in_range && value.is_finite()) {
                return Err(DystaError::OutOfRange { request: index, what, value, range });
            }
        }
        if request.arrival_s < last_s {
            return Err(DystaError::Unsorted { request: index });
        }
        last_s = request.arrival_s;
    }
    Ok(())
}

/// Parameters of a draw of requests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RequestPlan {
    /// Number of requests.
    pub requests: usize,
    /// Mean arrival rate, in requests per second.
    pub rate_per_s: f64,
    /// Deadlines as multiples of the isolated latency of the architecture.
    pub deadline_multiplier: f64,
    /// True if samples are drawn from all that a trace has: the fix of quirk 1.
    pub all_samples: bool,
}

/// Draws tables of requests from one stream of random numbers: a later table goes on where the one
/// before it ended.
#[derive(Clone, Debug)]
pub struct Generator(MersenneTwister);

impl Generator {
    /// The program's generator after seeding; it adds the number of the repetition to its seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(MersenneTwister::new(seed))
    }

    /// Poisson arrivals to traces that are all equally likely (quirk 9: not their architectures), with a
    /// priority of 1, 3 or 9.
    pub fn requests(&mut self, tables: &LookUpTables, plan: &RequestPlan) -> Vec<Request> {
        let tables = tables.tables();
        let random = &mut self.0;
        let mut arrival_s = 0.0;
        let mut draw = |_| {
            arrival_s += -logarithm::natural(1.0 - random.unit()) / plan.rate_per_s;
            let model = random.below(u32::try_from(tables.len()).unwrap_or(u32::MAX)) as usize;
            let priority = PRIORITIES[random.below(PRIORITIES.len() as u32) as usize];
            let samples = match plan.all_samples {
                true => u32::try_from(tables[model].file.averaged_samples).unwrap_or(u32::MAX),
                false => DRAWN_SAMPLES,
            };
            Request {
                arrival_s,
                model: ModelId::new(model),
                sample: random.below(samples) as usize,
                priority,
                relative_deadline_s: tables[model].model_isolated_latency_s * plan.deadline_multiplier,
            }
        };
        (0..plan.requests).map(&mut draw).collect()
    }
}
