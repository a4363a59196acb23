//! A second, literal implementation of Planaria's scheduler: as published, and tile by tile without its defects.
//!
//! It shares the case with the loop and nothing else: estimates are summed anew each time, decisions are made of maps by job,
//! and the exact policy walks from tile to tile with fractions.

use std::collections::BTreeMap;

use rtmm_reference::mersenne_twister::MersenneTwister;
use rtmm_reference::planaria::{Case, Outcome};

/// Subarrays by number of the job.
pub type Allocation = BTreeMap<u32, i64>;

/// Ends (number of the job, cycle) and decisions (cycle, whether all fit, subarrays of each job).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Run {
    pub ends: Vec<(u32, i64)>,
    pub decisions: Vec<(i64, bool, Allocation)>,
}

impl Run {
    /// What the loop gave, in this form.
    pub fn of(case: &Case, outcome: &Outcome) -> Self {
        let number = |job| case.job(job).number;
        let decision = |entry: &rtmm_reference::planaria::Entry| {
            let allocation = entry.jobs.iter().map(|job| (number(job.job), job.subarrays)).collect();
            (entry.cycle, entry.fits, allocation)
        };
        Self {
            ends: outcome.ends.iter().map(|end| (number(end.job), end.finish_cycle)).collect(),
            decisions: outcome.timeline.iter().map(decision).collect(),
        }
    }
}

/// Quirk by which the program stops.
type Stops<T> = Result<T, u32>;

/// Numerator and denominator.
type Fraction = (i128, i128);

fn plus((a, b): Fraction, (c, d): Fraction) -> Fraction {
    let (mut x, mut y) = (a * d + c * b, b * d);
    let whole = (x, y);
    while y != 0 {
        (x, y) = (y, x % y);
    }
    (whole.0 / x.abs(), whole.1 / x.abs())
}

#[derive(Clone)]
struct Task {
    number: u32,
    priority: u32,
    arrival: i64,
    clock: i64,
    deadline: f64,
    /// Tiles and their cycles, by layer, then by subarrays less one.
    tiles: Vec<Vec<(i64, i64)>>,
    layer: usize,
    rounded: f64,
    exact: Fraction,
}

impl Task {
    fn all(case: &Case) -> Vec<Self> {
        let of = |job: &rtmm_reference::planaria::Job| Self {
            number: job.number,
            priority: job.priority,
            arrival: job.arrival_cycle as i64,
            clock: job.arrival_cycle as i64,
            deadline: case.relative_deadline_cycles(job),
            tiles: case
                .model_of(job)
                .layers
                .iter()
                .map(|layer| layer.tiles.iter().map(|of| (of.count as i64, of.cycles as i64)).collect())
                .collect(),
            layer: 0,
            rounded: 0.0,
            exact: (0, 1),
        };
        case.jobs().iter().map(of).collect()
    }

    fn on(&self, layer: usize, subarrays: i64) -> (i64, i64) {
        self.tiles[layer][subarrays as usize - 1]
    }

    fn tiles_left(&self, subarrays: i64, is_exact: bool) -> i64 {
        let (count, _) = self.on(self.layer, subarrays);
        if !is_exact {
            return ((1.0 - self.rounded) * count as f64).ceil() as i64;
        }
        let (done, of) = self.exact;
        // The smallest number of tiles that is not less than what is left.
        (0..=count).find(|tiles| i128::from(*tiles) * of >= (of - done) * i128::from(count)).unwrap_or(count)
    }

    /// None: for ever.
    fn left(&self, subarrays: i64, is_exact: bool) -> Option<i64> {
        if subarrays <= 0 {
            return None;
        }
        let (_, tile) = self.on(self.layer, subarrays);
        let later = (self.layer + 1..self.tiles.len()).map(|layer| self.on(layer, subarrays));
        let later: i64 = later.map(|(count, tile)| count * tile).sum();
        Some(self.tiles_left(subarrays, is_exact) * tile + later)
    }

    fn slack(&self) -> f64 {
        self.deadline - (self.clock - self.arrival) as f64
    }

    /// Length of a step of the program, and the place behind it.
    fn step(&self, subarrays: i64, cycles: i64) -> (i64, usize, f64) {
        let up = |a: i64, b: i64| -(-a).div_euclid(b);
        if subarrays <= 0 {
            return (cycles, self.layer, self.rounded);
        }
        let (count, tile) = self.on(self.layer, subarrays);
        let mut used = self.tiles_left(subarrays, false) * tile;
        if cycles <= used {
            let done = up(cycles, tile);
            return (done * tile, self.layer, self.rounded + done as f64 / count as f64);
        }
        let mut layer = self.layer + 1;
        loop {
            let (count, tile) = self.on(layer, subarrays);
            if used + count * tile < cycles {
                (used, layer) = (used + count * tile, layer + 1);
                continue;
            }
            let done = up(cycles - used, tile);
            let is_last = layer + 1 == self.tiles.len();
            return match done == count && !is_last {
                true => (used + done * tile, layer + 1, 0.0),
                false => (used + done * tile, layer, done as f64 / count as f64),
            };
        }
    }

    /// Runs tile after tile until `cycles` are over; the time that took, and whether the job has ended.
    fn run_tiles(&mut self, subarrays: i64, cycles: i64) -> (i64, bool) {
        let mut time = 0;
        while time < cycles {
            let (count, tile) = self.on(self.layer, subarrays);
            time += tile;
            self.exact = plus(self.exact, (1, count.into()));
            if self.exact.0 < self.exact.1 {
                continue;
            }
            if self.layer + 1 == self.tiles.len() {
                return (time, true);
            }
            (self.layer, self.exact) = (self.layer + 1, (0, 1));
        }
        (time, false)
    }
}

/// One decision; `random` draws where the program does, and none stands for the policy without defects.
fn decide(queue: &[Task], all: i64, random: Option<&mut MersenneTwister>) -> Stops<(bool, Allocation)> {
    let is_exact = random.is_none();
    let left = |task: &Task, on| task.left(on, is_exact).map_or(f64::INFINITY, |left| left as f64);
    let mut least = BTreeMap::new();
    for task in queue {
        if let Some(on) = (1..=all).find(|on| left(task, *on) <= task.slack()) {
            least.insert(task.number, on);
        }
    }
    let fits = least.len() == queue.len() && least.values().sum::<i64>() <= all;
    if queue.is_empty() {
        return Ok((fits, Allocation::new()));
    }
    let mut score = BTreeMap::new();
    for task in queue {
        let priority = f64::from(task.priority);
        let of = match least.get(&task.number) {
            Some(on) if fits && left(task, *on) == 0.0 => 0.0,
            Some(on) if fits => priority / left(task, *on),
            Some(_) if task.slack() == 0.0 => return Err(12),
            Some(on) => (priority * (1.0 / task.slack())) * (1.0 / *on as f64),
            None if left(task, all) > 0.0 => -priority / left(task, all),
            None => -priority,
        };
        score.insert(task.number, of);
    }
    let mut order: Vec<&Task> = queue.iter().collect();
    if !fits {
        // The sort is stable; with all jobs late the most negative score comes first.
        let sign = if least.is_empty() { 1.0 } else { -1.0 };
        order.sort_by(|a, b| (sign * score[&a.number]).total_cmp(&(sign * score[&b.number])));
    }
    let total = |shared: &dyn Fn(f64) -> bool| {
        order.iter().map(|task| score[&task.number]).filter(|of| shared(*of)).fold(0.0, |sum, of| sum + of)
    };
    let mut get = Allocation::new();
    let mut free = all;
    for task in &order {
        let wanted = match least.is_empty() {
            true => {
                ((score[&task.number] / total(&|_| true).abs()).abs() * all as f64).round_ties_even() as i64
            }
            false => least.get(&task.number).copied().unwrap_or(0),
        };
        get.insert(task.number, wanted.min(free));
        free -= wanted.min(free);
    }
    if least.is_empty() {
        for task in order.iter().cycle().take(if is_exact { free as usize } else { 0 }) {
            *get.entry(task.number).or_default() += 1;
        }
        return Ok((fits, get));
    }
    let sum = total(&|of| fits || of >= 0.0);
    if fits && sum == 0.0 {
        return Err(12);
    }
    for (number, of) in &score {
        if fits || *of >= 0.0 {
            *get.entry(*number).or_default() += ((of / sum) * free as f64).round_ties_even() as i64;
        }
    }
    settle(queue, all, &least, &mut get, random)?;
    match get.values().any(|on| *on > all) {
        true => Err(16),
        false => Ok((fits, get)),
    }
}

fn settle(
    queue: &[Task],
    all: i64,
    least: &BTreeMap<u32, i64>,
    get: &mut Allocation,
    random: Option<&mut MersenneTwister>,
) -> Stops<()> {
    let used = |get: &Allocation| get.values().sum::<i64>();
    let rest = all - used(get);
    if rest > 0 {
        let highest = queue.iter().map(|task| task.priority).max();
        let top: Vec<u32> =
            queue.iter().filter(|task| Some(task.priority) == highest).map(|task| task.number).collect();
        let jobs = top.len() as i64;
        top.iter().for_each(|number| *get.entry(*number).or_default() += rest / jobs);
        match random {
            Some(random) if rest % jobs > 0 => {
                let drawn = top[random.below(jobs as u32) as usize];
                *get.entry(drawn).or_default() += rest % jobs;
            }
            Some(_) => {}
            None => {
                top.iter()
                    .take((rest % jobs) as usize)
                    .for_each(|number| *get.entry(*number).or_default() += 1);
            }
        }
        return Ok(());
    }
    for priority in 1..=12 {
        for task in queue.iter().filter(|task| task.priority == priority) {
            let has_more = least.get(&task.number).is_some_and(|least| get[&task.number] > *least);
            if used(get) > all && has_more {
                *get.entry(task.number).or_default() -= 1;
            }
        }
    }
    if used(get) == all { Ok(()) } else { Err(16) }
}

/// The program, or the number of the quirk by which it stops.
pub fn published(case: &Case, seed: u64) -> Stops<Run> {
    let mut random = MersenneTwister::new(seed);
    let mut pending = Task::all(case).into_iter();
    let mut queue: Vec<Task> =
        pending.next().into_iter().map(|task| Task { arrival: 0, clock: 0, ..task }).collect();
    let (mut now, mut barrier, mut run) = (0, 0, Run::default());
    while !queue.is_empty() || pending.len() > 0 {
        let (fits, get) = decide(&queue, case.subarrays().into(), Some(&mut random))?;
        run.decisions.push((now, fits, get.clone()));
        let lefts: Vec<Option<i64>> = queue.iter().map(|task| task.left(get[&task.number], false)).collect();
        let end = lefts.iter().flatten().min().copied();
        let arrival = pending.as_slice().first().map(|task| task.arrival - now);
        let cycles = match (end, arrival) {
            (Some(end), Some(arrival)) => end.min(arrival),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => return Err(if get.values().any(|on| *on < 0) { 16 } else { 8 }),
        };
        let steps: Vec<(i64, usize, f64)> =
            queue.iter().map(|task| task.step(get[&task.number], cycles)).collect();
        barrier = steps.iter().map(|step| step.0).max().unwrap_or(barrier);
        let is_end = end == Some(cycles);
        let other = if is_end { arrival } else { end };
        if other.is_some_and(|other| barrier >= other) {
            return Err(11);
        }
        for (task, (_, layer, rounded)) in queue.iter_mut().zip(steps) {
            (task.layer, task.rounded, task.clock) = (layer, rounded, task.clock + barrier);
        }
        let before = now;
        now += barrier;
        if let Some(first) = lefts.iter().position(|left| is_end && *left == end) {
            let task = queue.remove(first);
            run.ends.push((task.number, task.clock));
        } else if let Some(task) = pending.next() {
            let (arrival, clock) = match queue.is_empty() {
                true => (task.arrival + before, task.arrival + before),
                false => (task.arrival, now),
            };
            queue.push(Task { arrival, clock, ..task });
        }
    }
    Ok(run)
}

/// The policy as it is meant.
pub fn without_defects(case: &Case) -> Stops<Run> {
    let all = i64::from(case.subarrays());
    let mut pending = Task::all(case).into_iter().peekable();
    let (mut now, mut queue, mut run) = (0, Vec::new(), Run::default());
    loop {
        if let Some(next) = pending.peek().filter(|_| queue.is_empty()) {
            now = next.arrival.max(now);
        }
        while let Some(task) = pending.next_if(|task| task.arrival <= now) {
            queue.push(task);
        }
        if queue.is_empty() {
            return Ok(run);
        }
        queue.iter_mut().for_each(|task: &mut Task| task.clock = now);
        let (fits, get) = decide(&queue, all, None)?;
        run.decisions.push((now, fits, get.clone()));
        let end = queue.iter().filter_map(|task| task.left(get[&task.number], true)).min();
        let arrival = pending.peek().map(|task| task.arrival - now);
        let cycles = end.into_iter().chain(arrival).min().unwrap_or(0);
        let (mut barrier, mut ended) = (cycles, Vec::new());
        for task in queue.iter_mut().filter(|task| get[&task.number] > 0) {
            let (time, has_ended) = task.run_tiles(get[&task.number], cycles);
            barrier = barrier.max(time);
            if has_ended {
                ended.push((now + time, task.number));
            }
        }
        queue.retain(|task| !ended.iter().any(|(_, number)| *number == task.number));
        ended.sort_unstable();
        run.ends.extend(ended.into_iter().map(|(cycle, number)| (number, cycle)));
        now += barrier;
    }
}
