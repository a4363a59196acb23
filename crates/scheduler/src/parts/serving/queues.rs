//! Requests that wait, by model and priority.

use rtmm_workload::{ModelId, Time};

use crate::ids::JobId;
use crate::job::Job;
use crate::view::View;

/// Requests of one model and one priority that wait, the earliest deadline first; or one that has begun, by itself.
#[derive(Clone, Debug)]
pub struct Queue {
    /// The model.
    pub model: ModelId,
    /// Larger is more important; 0 where priorities do not count.
    pub priority: i32,
    /// True for a request that has begun: no other runs with it.
    pub has_begun: bool,
    /// Deadlines with their requests, ascending.
    pub waiting: Vec<(Time, JobId)>,
}

impl Queue {
    /// The first request, as it stands.
    #[must_use]
    pub fn first<'v>(&self, view: &View<'v>) -> Option<&'v Job> {
        self.waiting.first().and_then(|(_, id)| view.job(*id))
    }

    /// The deadline of the first request.
    #[must_use]
    pub fn due(&self) -> Option<Time> {
        self.waiting.first().map(|(deadline, _)| *deadline)
    }

    /// The number of requests.
    #[must_use]
    pub fn len(&self) -> u32 {
        u32::try_from(self.waiting.len()).unwrap_or(u32::MAX)
    }

    /// True if none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

/// All queues, the earliest deadline first; equal ones in the order in which their first requests came.
#[derive(Clone, Debug, Default)]
pub struct Queues {
    queues: Vec<Queue>,
    /// The number of queues that are in use; what stands behind them is kept for its memory.
    used: usize,
}

impl Queues {
    /// Looks at all requests that wait, and orders queues by their first deadlines. Queues of one model have one priority each
    /// where `by_priority`, and are one where not.
    pub fn fill(&mut self, view: &View<'_>, by_priority: bool) {
        self.used = 0;
        for job in view.ready() {
            let (model, priority) = (job.model, if by_priority { job.priority } else { 0 });
            let is_of =
                |queue: &Queue| !queue.has_begun && queue.model == model && queue.priority == priority;
            let known = self.queues[..self.used].iter_mut().find(|queue| !job.started && is_of(queue));
            let queue = match known {
                Some(queue) => queue,
                None => self.next(model, priority, job.started),
            };
            queue.waiting.push((job.deadline, job.id));
        }
        // Stable: requests of one deadline stay in the order in which they came.
        let used = &mut self.queues[..self.used];
        used.iter_mut().for_each(|queue| queue.waiting.sort_by_key(|(deadline, _)| *deadline));
        used.sort_by_key(Queue::due);
    }

    /// One more queue, which is empty.
    fn next(&mut self, model: ModelId, priority: i32, has_begun: bool) -> &mut Queue {
        let at = self.used;
        self.used += 1;
        if at == self.queues.len() {
            self.queues.push(Queue { model, priority, has_begun, waiting: Vec::new() });
        }
        let queue = &mut self.queues[at];
        (queue.model, queue.priority, queue.has_begun) = (model, priority, has_begun);
        queue.waiting.clear();
        queue
    }

    /// The number of queues.
    #[must_use]
    pub fn count(&self) -> usize {
        self.used
    }

    /// All queues, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &Queue> {
        self.queues[..self.used].iter()
    }

    /// A queue by its position.
    #[must_use]
    pub fn at(&self, at: usize) -> Option<&Queue> {
        self.queues[..self.used].get(at)
    }
}
