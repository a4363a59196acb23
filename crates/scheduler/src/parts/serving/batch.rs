//! Batches of requests: how large one may be, and whether it harms what runs.

use rtmm_workload::{Duration, Time};

use super::queues::{Queue, Queues};
use super::tracked::Tracked;
use super::{Candidate, Room, Serving};
use crate::decision::{Decision, Decisions, Extent};
use crate::truth::Truth;
use crate::view::View;

/// A batch of the first requests of a queue.
#[derive(Clone, Copy, Debug)]
pub struct Batch {
    /// The position of the queue.
    pub queue: usize,
    /// The number of requests.
    pub requests: u32,
    /// The place.
    pub room: Room,
    /// The run that it would be.
    pub candidate: Candidate,
    /// The earliest deadline in it that can be met; the earliest of all where none can.
    pub due: Time,
    /// Its end, from now on, as it is forecast.
    pub end: Duration,
    /// True if it is forecast to be in time.
    pub is_in_time: bool,
}

/// Lateness of runs as it is forecast, in the sum, in picoseconds.
pub type Lateness = u128;

/// The time by which an end misses a deadline, in picoseconds.
pub fn lateness(view: &View<'_>, end: Duration, due: Time) -> Lateness {
    u128::from(view.now.saturating_add(end).saturating_since(due).picoseconds())
}

impl Serving {
    /// The largest batch of a queue that is forecast to be in time; one request where none is. None where there is no room.
    /// Takes as many forecasts as the largest batch has digits in binary.
    pub fn batch(
        &mut self,
        view: &View<'_>,
        truth: Option<&Truth<'_>>,
        queues: &Queues,
        at: usize,
    ) -> Option<Batch> {
        let queue = queues.at(at)?;
        let first = queue.first(view)?;
        let room = self.room(view, first)?;
        let of = |serving: &mut Self, requests: u32| {
            let candidate = serving.candidate(view, first, &room, requests)?;
            let end = serving.forecast(view, truth, &[candidate])?;
            Some((candidate, end))
        };
        let (candidate, alone) = of(self, 1)?;
        // Requests that are late in any case hold nothing up; they stand first.
        let is_late = |(deadline, _): &(Time, _)| !Self::is_in_time(view, alone, *deadline);
        let late = queue.waiting.partition_point(is_late);
        let due = queue.waiting.get(late).or(queue.waiting.first()).map(|(deadline, _)| *deadline)?;
        let is_in_time = late < queue.waiting.len();
        let mut batch = Batch { queue: at, requests: 1, room, candidate, due, end: alone, is_in_time };
        // Larger batches take longer: the largest is found by halving.
        let (mut low, mut high) = (1, self.most(view, first, &room).min(queue.len()));
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            let larger = of(self, middle);
            match larger.filter(|(_, end)| !is_in_time || Self::is_in_time(view, *end, due)) {
                Some((candidate, end)) => {
                    (batch.requests, batch.candidate, batch.end) = (middle, candidate, end);
                    low = middle;
                }
                None => high = middle - 1,
            }
        }
        Some(batch)
    }

    /// The lateness of runs that are forecast to be in time without a candidate and late beside it, of those that count; none
    /// where there is none.
    pub fn harm(
        &mut self,
        view: &View<'_>,
        truth: Option<&Truth<'_>>,
        candidate: &Candidate,
        counts: impl Fn(&Tracked) -> bool,
    ) -> Option<Lateness> {
        if self.is_idle() {
            return None;
        }
        self.forecast(view, truth, &[]);
        let mut in_time = std::mem::take(&mut self.in_time);
        in_time.clear();
        let is_in_time =
            |(run, end): (&Tracked, Duration)| counts(run) && Self::is_in_time(view, end, run.deadline);
        in_time.extend(self.forecasts().map(is_in_time));
        self.forecast(view, truth, &[*candidate]);
        let were_in_time = self.forecasts().zip(&in_time).filter(|(_, was)| **was);
        let late = were_in_time.map(|((run, end), _)| lateness(view, end, run.deadline));
        let sum = late.sum::<Lateness>();
        self.in_time = in_time;
        (sum > 0).then_some(sum)
    }

    /// Dispatches a batch of the first requests of its queue.
    pub fn dispatch(queues: &Queues, batch: &Batch, out: &mut Decisions) {
        let Some(queue) = queues.at(batch.queue) else { return };
        let jobs = out.batch(queue.waiting.iter().take(batch.requests as usize).map(|(_, id)| *id));
        let Room { on, units, .. } = batch.room;
        out.push(Decision::Dispatch { jobs, variant: None, on, units, extent: Extent::Rest });
    }

    /// Drops requests of a queue that are late even if they run now with nothing beside them.
    pub fn refuse(&self, view: &View<'_>, queue: &Queue, out: &mut Decisions) {
        for (deadline, id) in &queue.waiting {
            let Some(job) = view.job(*id) else { continue };
            if Self::is_in_time(view, Self::alone(view, job, self.units), *deadline) {
                break;
            }
            out.push(Decision::Drop { job: *id });
        }
    }
}
