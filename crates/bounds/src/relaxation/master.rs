//! The linear program of patterns and intervals, both added as they are needed.

use rtmm_hardware::AcceleratorId;

use super::prices::{Objective, Prices, capacity, evaluate};
use super::{Interval, NEVER, Pattern, Relaxation};
use crate::linear::Program;

/// Intervals that a round adds at the most.
const NEW_INTERVALS: usize = 24;
/// Part of an interval's time by which it must be exceeded to be added.
const EXCESS: f64 = 1e-7;
/// Part of an objective that is as good as nothing.
const NEAR: f64 = 1e-6;
/// Part of an energy that is not worth another round.
const NEAR_ENERGY: f64 = 2e-4;
/// Bits that a price of time has for one unit of an objective over the whole span.
const PRICE_BITS: u32 = 34;
/// Spans above so many picoseconds leave fewer bits.
const LONG_SPAN: u64 = 1 << 50;
/// Cost of a late job beyond those that are allowed, in energies of all jobs.
const BEYOND_BUDGET: f64 = 2.0;
/// Greatest sum of prices of time: times what all layers take, it stays within the integers.
const DEAREST: u64 = 1 << 62;

/// Rules of a program: jobs that are decided, and the objective.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub fixed: Vec<Fixed>,
    pub aim: Aim,
}

/// A decision on a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fixed {
    Open,
    Late,
    InTime,
}

/// Objectives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aim {
    /// The least weight of late jobs.
    Late,
    /// The least energy where late jobs weigh at most so much together.
    Energy { budget: u64 },
}

/// Outcome of a program.
#[derive(Clone, Debug)]
pub(crate) struct Solved {
    /// A whole number, in weights of late jobs or in femtojoules, that no schedule is below.
    pub bound: u64,
    /// By job: the part of it that is late; none where the solver gave nothing.
    pub late: Option<Vec<f64>>,
    /// By job: the pattern that takes the greatest part in the solution.
    pub hints: Vec<Option<usize>>,
}

/// Columns and rows found so far, for all programs of a relaxation.
#[derive(Debug)]
pub(crate) struct Master<'r> {
    relaxation: &'r Relaxation,
    pub patterns: Vec<Pattern>,
    intervals: Vec<Interval>,
}

/// Positions of what stands in a program.
struct Layout {
    program: Program,
    /// By job: the column of its lateness.
    late: Vec<Option<usize>>,
    /// By pattern: its column.
    patterns: Vec<Option<usize>>,
    /// First rows of each kind.
    intervals: usize,
    links: usize,
    spans: usize,
    budget: usize,
}

/// Units of an objective.
struct Scale {
    /// One unit of the linear program's objective, in those of [`Objective`].
    unit: i128,
    /// The price of a femtojoule.
    energy: u64,
    /// One unit of the linear program's objective: a weight of 1, or so many femtojoules.
    of_program: f64,
}

impl<'r> Master<'r> {
    pub(crate) fn new(relaxation: &'r Relaxation) -> Self {
        let mut master = Self { relaxation, patterns: Vec::new(), intervals: Vec::new() };
        let count = relaxation.kinds.count();
        for (index, job) in relaxation.jobs.iter().enumerate() {
            for target in 0..job.targets.len() {
                for chain in (0..job.chains.len()).filter(|chain| job.fits(*chain, target)) {
                    let of = &job.chains[chain];
                    let fastest = |costs: &[Option<(u64, u64)>]| {
                        let known = costs
                            .iter()
                            .enumerate()
                            .filter_map(|(kind, cost)| Some((cost.as_ref()?.0, kind)));
                        known.min().map_or(0, |(_, kind)| kind as u8)
                    };
                    // All on the fastest kind, and all that it runs on each.
                    master.add(Pattern::new(
                        relaxation,
                        index,
                        target,
                        chain,
                        of.costs.chunks(count).map(fastest).collect(),
                    ));
                    for kind in 0..count {
                        let on = |costs: &[Option<(u64, u64)>]| {
                            if costs[kind].is_some() { kind as u8 } else { fastest(costs) }
                        };
                        let kinds = of.costs.chunks(count).map(on).collect();
                        master.add(Pattern::new(relaxation, index, target, chain, kinds));
                    }
                }
            }
        }
        master
    }

    /// Adds a pattern, unless it is known.
    pub(crate) fn add(&mut self, pattern: Pattern) -> bool {
        let is_new = !self.patterns.contains(&pattern);
        if is_new {
            self.patterns.push(pattern);
        }
        is_new
    }

    /// The accelerators of a kind.
    pub(crate) fn members(&self, kind: u8) -> &[AcceleratorId] {
        self.relaxation.kinds.members(kind.into())
    }

    /// Solves the program of some rules, until a bound is enough or nothing more is found.
    pub(crate) fn solve(
        &mut self,
        rules: &Rules,
        rounds: u32,
        enough: u64,
        stop: &dyn Fn() -> bool,
    ) -> Solved {
        let scale = self.scale(rules.aim);
        let mut solved = Solved { bound: 0, late: None, hints: vec![None; self.relaxation.jobs.len()] };
        for round in 0..rounds {
            // Something is proved in any case.
            if round > 0 && stop() {
                break;
            }
            let layout = self.layout(rules, &scale);
            let Some(values) = layout.program.values() else { break };
            let value = layout.program.cost_of(&values);
            self.note(&layout, &values, &mut solved);
            let has_separated = self.separate(&layout, &values);
            let Some(rows) = layout.program.prices() else { break };
            let prices = self.prices(&layout, &rows, &scale);
            let objective = self.objective(rules, &rows, &layout, &scale);
            let evaluation = evaluate(self.relaxation, &self.intervals, &prices, &objective);
            let per_unit = if rules.aim == Aim::Late { scale.unit } else { i128::from(scale.energy) };
            // What is counted is whole: late jobs, femtojoules.
            solved.bound = solved.bound.max(whole_above(evaluation.bound, per_unit));
            let mut has_added = false;
            for pattern in evaluation.choices.into_iter().flatten() {
                has_added |= self.add(pattern);
            }
            if solved.bound >= enough || !(has_separated || has_added) {
                break;
            }
            if !has_separated && is_near(value, &solved, rules.aim, &scale) {
                break;
            }
        }
        solved
    }

    fn scale(&self, aim: Aim) -> Scale {
        let span = self.relaxation.span;
        match aim {
            Aim::Late => {
                let bits = if span < LONG_SPAN { PRICE_BITS - 4 } else { 10 };
                Scale { unit: i128::from(span) << bits, energy: 0, of_program: 1.0 }
            }
            Aim::Energy { .. } => {
                let of = |job: &super::RelaxedJob| {
                    let chains = (0..job.chains.len()).map(|chain| least_energy(&job.chains[chain]));
                    chains.min().unwrap_or(0)
                };
                let all = self.relaxation.jobs.iter().map(of).fold(0_u64, u64::saturating_add).max(1);
                // So that prices of time have their bits, whatever energies are to times.
                let wanted = (u128::from(span) << PRICE_BITS) / u128::from(all);
                let energy = u64::try_from(wanted.clamp(1, 1 << 40)).unwrap_or(1);
                Scale { unit: i128::from(all) * i128::from(energy), energy, of_program: all as f64 }
            }
        }
    }

    /// The program with all that is known so far.
    fn layout(&self, rules: &Rules, scale: &Scale) -> Layout {
        let relaxation = self.relaxation;
        let (jobs, span) = (&relaxation.jobs, relaxation.span as f64);
        let is_energy = rules.aim != Aim::Late;
        // Rows: being in time or late, intervals, links, spans of jobs, the budget.
        let intervals = jobs.len();
        let links = intervals + self.intervals.len();
        let spans = links + relaxation.links.len();
        let span_rows: Vec<usize> = jobs
            .iter()
            .scan(spans, |next, job| {
                let first = *next;
                *next += job.targets.len();
                Some(first)
            })
            .collect();
        let budget = spans + jobs.iter().map(|job| job.targets.len()).sum::<usize>();
        let mut least = vec![0.0; budget + usize::from(is_energy)];
        for (row, fixed) in rules.fixed.iter().enumerate() {
            least[row] = if *fixed == Fixed::Late { 0.0 } else { 1.0 };
        }
        for (row, interval) in self.intervals.iter().enumerate() {
            least[intervals + row] = -(capacity(relaxation, interval) as f64 / span);
        }
        let total: u64 = jobs.iter().map(|job| job.weight).sum();
        let mut late = Vec::with_capacity(jobs.len());
        if let Aim::Energy { budget: allowed } = rules.aim {
            least[budget] = -(allowed as f64);
        }
        let mut program = Program::of_rows(least);
        for (row, (job, fixed)) in jobs.iter().zip(&rules.fixed).enumerate() {
            late.push(match (*fixed, rules.aim) {
                (Fixed::Late, _) => None,
                (_, Aim::Energy { .. }) => {
                    Some(program.add(0.0, vec![(row, 1.0), (budget, -(job.weight as f64))]))
                }
                (Fixed::InTime, Aim::Late) => Some(program.add(total as f64 + 1.0, vec![(row, 1.0)])),
                (Fixed::Open, Aim::Late) => Some(program.add(job.weight as f64, vec![(row, 1.0)])),
            });
        }
        if is_energy {
            program.add(BEYOND_BUDGET, vec![(budget, 1.0)]);
        }
        let mut patterns = Vec::with_capacity(self.patterns.len());
        for pattern in &self.patterns {
            let job = &jobs[pattern.job];
            let is_in_time = pattern.target <= job.own;
            if is_in_time && rules.fixed[pattern.job] == Fixed::Late {
                patterns.push(None);
                continue;
            }
            let mut entries = Vec::new();
            if is_in_time {
                entries.push((pattern.job, 1.0));
            }
            for (row, interval) in self.intervals.iter().enumerate() {
                let load = pattern.load(relaxation, interval);
                if load > 0 {
                    entries.push((intervals + row, -(load as f64 / span)));
                }
            }
            for (row, link) in relaxation.links.iter().enumerate() {
                let waits = link.of == pattern.job && pattern.target <= link.of_target;
                let needs = link.by == pattern.job && pattern.target <= link.by_target;
                let sign = f64::from(i8::from(waits) - i8::from(needs));
                if sign != 0.0 {
                    entries.push((links + row, sign));
                }
            }
            if let Some(own) = job.span(pattern.target) {
                let left = (i128::from(own) - i128::from(pattern.time)) as f64 / span;
                entries.push((span_rows[pattern.job] + pattern.target, left));
            }
            let cost = if is_energy { pattern.energy as f64 / scale.of_program } else { 0.0 };
            patterns.push(Some(program.add(cost, entries)));
        }
        Layout { program, late, patterns, intervals, links, spans, budget }
    }

    /// Keeps what a solution says of jobs.
    fn note(&self, layout: &Layout, values: &[f64], solved: &mut Solved) {
        let late = |column: &Option<usize>| column.map_or(1.0, |column| values[column].clamp(0.0, 1.0));
        solved.late = Some(layout.late.iter().map(late).collect());
        let mut greatest = vec![0.0; self.relaxation.jobs.len()];
        solved.hints.fill(None);
        for (index, (pattern, column)) in self.patterns.iter().zip(&layout.patterns).enumerate() {
            let Some(value) = column.map(|column| values[column]) else { continue };
            if pattern.target <= self.relaxation.jobs[pattern.job].own && value > greatest[pattern.job] + NEAR
            {
                greatest[pattern.job] = value;
                solved.hints[pattern.job] = Some(index);
            }
        }
    }

    /// Adds intervals that a solution exceeds, those by most first.
    fn separate(&mut self, layout: &Layout, values: &[f64]) -> bool {
        let relaxation = self.relaxation;
        let (starts, ends) = (&relaxation.starts, &relaxation.ends);
        let kinds = relaxation.kinds.count();
        // By start, end and kind: the time that is asked for.
        let mut asked = vec![0.0_f64; starts.len() * ends.len() * kinds];
        for (pattern, column) in self.patterns.iter().zip(&layout.patterns) {
            let part = column.map_or(0.0, |column| values[column]);
            let job = &relaxation.jobs[pattern.job];
            if part < EXCESS || job.targets[pattern.target] == NEVER {
                continue;
            }
            let (chain, target) = (&job.chains[pattern.chain], job.targets[pattern.target]);
            let firsts: Vec<usize> = starts.iter().map(|from| chain.first_from(job.release, *from)).collect();
            let behinds: Vec<usize> = ends.iter().map(|to| chain.behind_by(target, *to)).collect();
            for (start, first) in firsts.into_iter().enumerate() {
                for (end, &behind) in behinds.iter().enumerate().filter(|(_, behind)| **behind > first) {
                    for kind in 0..kinds {
                        let load = pattern.time_between(kind, first, behind);
                        asked[(start * ends.len() + end) * kinds + kind] += part * load as f64;
                    }
                }
            }
        }
        let mut exceeded: Vec<(f64, Interval)> = Vec::new();
        for (start, from) in starts.iter().enumerate() {
            for (end, to) in ends.iter().enumerate().filter(|(_, to)| *to > from) {
                for kind in 0..kinds {
                    let interval = Interval { from: *from, to: *to, kind };
                    let excess = asked[(start * ends.len() + end) * kinds + kind]
                        / capacity(relaxation, &interval) as f64
                        - 1.0;
                    if excess > EXCESS && !self.intervals.contains(&interval) {
                        exceeded.push((excess, interval));
                    }
                }
            }
        }
        exceeded.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(&other.1)));
        exceeded.truncate(NEW_INTERVALS);
        let has_any = !exceeded.is_empty();
        self.intervals.extend(exceeded.into_iter().map(|(_, interval)| interval));
        has_any
    }

    /// Prices of a program's rows as whole numbers, rounded down.
    fn prices(&self, layout: &Layout, rows: &[f64], scale: &Scale) -> Prices {
        let per_picosecond = scale.unit as f64 / self.relaxation.span as f64;
        let time_rows =
            self.intervals.len() + self.relaxation.jobs.iter().map(|job| job.targets.len()).sum::<usize>();
        let dearest = (DEAREST / (time_rows as u64 + 1)) as f64;
        // Casts go to the nearest end, and what is no number becomes zero.
        let of_time = |row: usize| (rows[row] * per_picosecond).clamp(0.0, dearest) as u64;
        let known = layout.links - layout.intervals;
        let mut next = layout.spans;
        let mut spans = Vec::with_capacity(self.relaxation.jobs.len());
        for job in &self.relaxation.jobs {
            spans.push((0..job.targets.len()).map(|target| of_time(next + target)).collect());
            next += job.targets.len();
        }
        // Intervals that were added since have no price yet.
        let mut intervals: Vec<u64> = (0..known).map(|row| of_time(layout.intervals + row)).collect();
        intervals.resize(self.intervals.len(), 0);
        let links =
            (0..self.relaxation.links.len()).map(|row| in_units(rows[layout.links + row], scale.unit));
        Prices { intervals, spans, links: links.collect() }
    }

    /// Objective of a program, in whole numbers.
    fn objective(&self, rules: &Rules, rows: &[f64], layout: &Layout, scale: &Scale) -> Objective {
        let jobs = &self.relaxation.jobs;
        let total: u64 = jobs.iter().map(|job| job.weight).sum();
        let may_be_in_time = rules.fixed.iter().map(|fixed| *fixed != Fixed::Late).collect();
        match rules.aim {
            Aim::Late => {
                let late = jobs.iter().zip(&rules.fixed).map(|(job, fixed)| {
                    let weight = if *fixed == Fixed::InTime { total + 1 } else { job.weight };
                    i128::from(weight) * scale.unit
                });
                Objective { late: late.collect(), may_be_in_time, energy: 0, constant: 0 }
            }
            Aim::Energy { budget } => {
                let of_weight = in_units(rows[layout.budget], scale.unit);
                let late = jobs.iter().map(|job| of_weight * i128::from(job.weight)).collect();
                let constant = -of_weight * i128::from(budget);
                Objective { late, may_be_in_time, energy: scale.energy, constant }
            }
        }
    }
}

/// Energy of a chain with each layer where it takes least.
fn least_energy(chain: &super::RelaxedChain) -> u64 {
    let count = chain.costs.len().checked_div(chain.layers).unwrap_or(1).max(1);
    let of_layer = |costs: &[Option<(u64, u64)>]| costs.iter().flatten().map(|(_, energy)| *energy).min();
    chain.costs.chunks(count).filter_map(of_layer).fold(0, u64::saturating_add)
}

/// A price of the linear program in whole units: at most some thousand of the program's.
fn in_units(price: f64, unit: i128) -> i128 {
    const PARTS: f64 = 1_048_576.0;
    const MAX_PARTS: f64 = 4_096.0 * PARTS;
    let parts = (price * PARTS).clamp(0.0, MAX_PARTS) as i128;
    unit / (1 << 20) * parts
}

/// The least whole number of units that is not below a value; zero below zero.
fn whole_above(value: i128, unit: i128) -> u64 {
    if value <= 0 {
        return 0;
    }
    let whole = value / unit + i128::from(value % unit != 0);
    u64::try_from(whole).unwrap_or(u64::MAX)
}

/// True if no better prices could raise a bound by what matters.
fn is_near(value: f64, solved: &Solved, aim: Aim, scale: &Scale) -> bool {
    match aim {
        Aim::Late => solved.bound as f64 >= (value - NEAR).ceil(),
        Aim::Energy { .. } => solved.bound as f64 >= value * scale.of_program * (1.0 - NEAR_ENERGY),
    }
}
