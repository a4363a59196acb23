//! Plans of the scheduler: which task runs on which group of cores, and in which order.
//!
//! A plan has up to three rounds of six places in each group. Tasks are taken by a score of priority and waiting; each
//! goes to the group that is predicted to be free first. Plans are made five million cycles ahead, and nothing waits for
//! a task to be dispatched (quirk 12).

use serde::Serialize;

use super::contention::{GROUPS, GroupIndex};
use super::error::MocaError;
use super::fixes::Fixes;
use super::nets::Net;
use super::offline_table::OfflineTable;

/// Places of a group in one round.
pub const QUEUE_DEPTH: usize = 6;
/// Rounds of a plan.
pub const ROUNDS: usize = 3;
/// Cycles from a plan to its first task.
const HEAD_START_CYCLES: u64 = 5_000_000;
/// The same, of the planner of one queue.
const SINGLE_HEAD_START_CYCLES: u64 = 2_000_000;
/// Tasks at the end that are taken in before they are dispatched.
const LAST_TASKS: usize = QUEUE_DEPTH - 1;
/// The same, of the planner of one queue.
const SINGLE_LAST_TASKS: usize = 3;
/// Factor of predictions on two cores.
const STRETCH: f64 = 1.15;
/// Score of one step of priority, and of waiting for one isolated latency.
const SCORE_UNIT: u64 = 100_000;
/// Groups of cores in the planner of one queue, by which it divides waiting.
const SINGLE_WAIT_DIVISOR: u64 = 4;

/// Position of a task, in the order in which tasks are dispatched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct TaskIndex(u32);

impl TaskIndex {
    /// The task at this position.
    #[must_use]
    pub const fn new(position: u32) -> Self {
        Self(position)
    }

    /// Its position.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A task of the evaluation: one inference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Task {
    /// Its net.
    pub net: Net,
    /// 0 to 11, the higher the more important.
    pub priority: u32,
    /// When it is dispatched, in cycles.
    pub dispatch_cycle: u64,
}

/// Progress of a task, as the program counts it: -1 before it is planned, 0 when it is, 1 to 3 for blocks that have run,
/// 50 or 100 when it has finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Status(i32);

impl Status {
    /// Not planned.
    pub const UNPLANNED: Self = Self(-1);
    /// Planned, and not started.
    pub const PLANNED: Self = Self(0);
    /// Those that there are.
    pub const ALL: [Self; 7] =
        [Self::UNPLANNED, Self::PLANNED, Self(1), Self(2), Self(3), Self(50), Self(100)];

    /// The status of this number, if there is one.
    #[must_use]
    pub fn of_number(number: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.0 == number)
    }

    /// True where a task of this status may run its next blocks.
    ///
    /// Quirk 7: the program looks the number of blocks up beside that of the task's net. YOLO-Lite reads what stands
    /// behind the list, which stopped it in the recorded runs.
    #[must_use]
    pub fn may_run(self, net: Net, fixes: &Fixes) -> bool {
        let blocks = match fixes.own_blocks {
            true => Some(net.facts().blocks),
            false => Net::ALL.get(net as usize + 1).map(|next| next.facts().blocks),
        };
        blocks.is_some_and(|blocks| self.0 < i32::from(blocks))
    }
}

/// One round of a plan, with all that it was made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Iteration {
    /// When the first group is free.
    pub frontier_cycle: u64,
    /// Tasks up to this one are looked at.
    pub horizon: usize,
    /// Tasks that were taken, with their scores, the best first.
    pub candidates: Vec<(TaskIndex, u64)>,
    /// When each group is predicted to be free after the round.
    pub predicted_finish: [u64; GROUPS],
}

/// A task that runs the first blocks of another beside its own last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    /// Its group.
    pub group: GroupIndex,
    /// Its round.
    pub round: usize,
    /// The task.
    pub task: TaskIndex,
    /// The other, further back in the queue of the group.
    pub partner: TaskIndex,
}

/// Tasks to run next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Rounds, as each came about.
    pub iterations: Vec<Iteration>,
    /// Tasks by group and round.
    pub queues: [Vec<Vec<TaskIndex>>; GROUPS],
    /// Tasks that run beside each other.
    pub pairs: Vec<Pair>,
    /// Partners that take none themselves: they do not start by themselves.
    pub only_partners: Vec<TaskIndex>,
}

impl Plan {
    /// Rounds of the plan: without any, nothing is to run.
    #[must_use]
    pub fn rounds(&self) -> usize {
        self.iterations.len()
    }
}

/// Answer of the planner of one queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SinglePlan {
    /// The tasks to run, the best first; none where all that is left is dispatched later.
    Queue(Vec<TaskIndex>),
    /// No task is left.
    NothingLeft,
}

/// The scheduler: tasks, and how far each of them is.
#[derive(Clone, Debug)]
pub struct Scheduler {
    tasks: Vec<Task>,
    status: Vec<Status>,
    /// Predicted isolated cycles by net, on one core and on two.
    isolated: [[u64; 2]; Net::ALL.len()],
}

impl Scheduler {
    /// A scheduler of tasks in the order in which they are dispatched, none of them planned.
    ///
    /// # Errors
    /// A net whose layers cannot be estimated; no built-in net has one.
    pub fn new(tasks: Vec<Task>, fixes: &Fixes) -> Result<Self, MocaError> {
        let mut isolated = [[0; 2]; Net::ALL.len()];
        for net in Net::ALL {
            let table = OfflineTable::of(net, fixes)?;
            isolated[net as usize] = [table.isolated_one_core, table.isolated_two_cores];
        }
        Ok(Self { status: vec![Status::UNPLANNED; tasks.len()], tasks, isolated })
    }

    /// Progress of each task.
    #[must_use]
    pub fn status(&self) -> &[Status] {
        &self.status
    }

    /// Says how far a task is, if there is such a task.
    pub fn set_status(&mut self, task: TaskIndex, status: Status) {
        if let Some(known) = self.status.get_mut(task.index()) {
            *known = status;
        }
    }

    /// Plans the next rounds for all groups. Tasks that are taken are planned from now on.
    pub fn plan(&mut self, now_cycle: u64) -> Plan {
        let mut clocks = [now_cycle.saturating_add(HEAD_START_CYCLES); GROUPS];
        let mut queues: [Vec<Vec<TaskIndex>>; GROUPS] = Default::default();
        let mut iterations: Vec<Iteration> = Vec::new();
        for round in 0..ROUNDS {
            let frontier_cycle = clocks.into_iter().min().unwrap_or_default();
            let horizon = self.horizon(frontier_cycle, LAST_TASKS);
            let candidates = self.candidates(horizon, QUEUE_DEPTH * GROUPS, |task, isolated| {
                let wait = frontier_cycle.saturating_sub(task.dispatch_cycle);
                SCORE_UNIT.saturating_mul(wait) / isolated
            });
            if candidates.is_empty() {
                let took_one = round == 1 && iterations[0].candidates.len() == 1;
                if horizon == self.tasks.len() || round == 0 || took_one {
                    break;
                }
            }
            queues.iter_mut().for_each(|queue| queue.push(Vec::new()));
            self.distribute(&candidates, &mut clocks, &mut queues);
            iterations.push(Iteration { frontier_cycle, horizon, candidates, predicted_finish: clocks });
        }
        let (pairs, only_partners) = self.pairs(&queues);
        Plan { iterations, queues, pairs, only_partners }
    }

    /// Plans one queue for all cores together. No driver of the program does.
    pub fn plan_single(&mut self, now_cycle: u64) -> SinglePlan {
        let frontier_cycle = now_cycle.saturating_add(SINGLE_HEAD_START_CYCLES);
        let horizon = self.horizon(frontier_cycle, SINGLE_LAST_TASKS);
        let candidates = self.candidates(horizon, QUEUE_DEPTH, |task, isolated| {
            let wait = frontier_cycle.saturating_sub(task.dispatch_cycle);
            SCORE_UNIT.saturating_mul(wait) / (SINGLE_WAIT_DIVISOR * isolated)
        });
        if candidates.is_empty() && horizon == self.tasks.len() {
            return SinglePlan::NothingLeft;
        }
        SinglePlan::Queue(candidates.into_iter().map(|(task, _)| task).collect())
    }

    /// The first task that is dispatched after the frontier; all tasks where it is one of the last.
    fn horizon(&self, frontier_cycle: u64, last: usize) -> usize {
        let all = self.tasks.len();
        let first = self.tasks.iter().position(|task| task.dispatch_cycle > frontier_cycle).unwrap_or(all);
        if first + last >= all { all } else { first }
    }

    /// Takes up to `most` tasks that are not planned, by descending score; of equals, the one dispatched first.
    fn candidates(
        &mut self,
        horizon: usize,
        most: usize,
        waiting: impl Fn(&Task, u64) -> u64,
    ) -> Vec<(TaskIndex, u64)> {
        let mut scored: Vec<(TaskIndex, u64)> = Vec::new();
        for (position, task) in (0..).zip(&self.tasks[..horizon]) {
            if self.status[position as usize] == Status::UNPLANNED {
                let [one_core, _] = self.isolated[task.net as usize];
                let score = (u64::from(task.priority) * SCORE_UNIT).saturating_add(waiting(task, one_core));
                scored.push((TaskIndex::new(position), score));
            }
        }
        scored.sort_by_key(|(task, score)| (std::cmp::Reverse(*score), *task));
        scored.truncate(most);
        for (task, _) in &scored {
            self.status[task.index()] = Status::PLANNED;
        }
        scored
    }

    /// Gives tasks to the groups that are free first. Once a group is full, all that are left are released.
    fn distribute(
        &mut self,
        candidates: &[(TaskIndex, u64)],
        clocks: &mut [u64; GROUPS],
        queues: &mut [Vec<Vec<TaskIndex>>; GROUPS],
    ) {
        let mut left = candidates.iter().map(|(task, _)| *task).peekable();
        while left.peek().is_some() {
            let is_full =
                |queue: &Vec<Vec<TaskIndex>>| queue.last().is_some_and(|round| round.len() >= QUEUE_DEPTH);
            if queues.iter().any(is_full) {
                left.for_each(|task| self.status[task.index()] = Status::UNPLANNED);
                return;
            }
            for group in 0..GROUPS {
                if clocks.iter().any(|clock| *clock < clocks[group]) {
                    continue;
                }
                let (Some(task), Some(round)) = (left.next(), queues[group].last_mut()) else { return };
                round.push(task);
                let [_, two_cores] = self.isolated[self.tasks[task.index()].net as usize];
                clocks[group] = (clocks[group] as f64 + STRETCH * two_cores as f64) as u64;
            }
        }
    }

    /// Gives tasks a partner further back in the queue of their group, in the order of groups, rounds and places. Says
    /// also which tasks are marked as taken.
    fn pairs(&self, queues: &[Vec<Vec<TaskIndex>>; GROUPS]) -> (Vec<Pair>, Vec<TaskIndex>) {
        let (mut pairs, mut marked) = (Vec::new(), Vec::new());
        for (group, rounds) in GroupIndex::ALL.into_iter().zip(queues) {
            let places: Vec<(usize, TaskIndex)> = rounds
                .iter()
                .enumerate()
                .flat_map(|(round, tasks)| tasks.iter().map(move |task| (round, *task)))
                .collect();
            let mut is_taken = vec![false; places.len()];
            for (place, (round, task)) in places.iter().enumerate() {
                let partners = self.tasks[task.index()].net.facts().partners;
                let fits = |other: &usize| {
                    !is_taken[*other] && partners.contains(&self.tasks[places[*other].1.index()].net)
                };
                if let Some(other) = (place..places.len()).find(fits) {
                    is_taken[other] = true;
                    // Quirk 13: a task that was taken and takes another is not marked any more.
                    is_taken[place] = false;
                    pairs.push(Pair { group, round: *round, task: *task, partner: places[other].1 });
                }
            }
            let taken = places.iter().zip(is_taken).filter(|(_, is_taken)| *is_taken);
            marked.extend(taken.map(|((_, task), _)| *task));
        }
        (pairs, marked)
    }
}
