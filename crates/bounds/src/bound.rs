//! Both bounds of a window, and what they took.

use rtmm_hardware::Energy;

use crate::limits::Limits;
use crate::relaxation::{Aim, Fixed, Hint, LateBound, Master, Pattern, Relaxation, Rules, least_late};
use crate::schedule::{Draft, Plan, Schedule, lists, repair, search, verify};
use crate::slices::{Slices, slices};
use crate::window::{Chain, Job, Window};

/// Factors on the blocks of a job: few blocks first, which are placed fast.
const FINER: [usize; 3] = [1, 4, 16];

/// Bounds of a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// No schedule has less weight of late jobs; their number where each weighs 1.
    pub late_lower: u64,
    /// The weight of late jobs of the schedule.
    pub late_upper: u64,
    /// No schedule whose late jobs weigh at most [`Bounds::late_upper`] takes less energy; jobs that are late may be
    /// left out.
    pub energy_lower: Energy,
    /// The energy of the schedule, which leaves its late jobs out.
    pub energy_upper: Energy,
    /// The best schedule that was found.
    pub schedule: Schedule,
    /// Work that it took.
    pub effort: Effort,
}

/// Work that went into bounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effort {
    /// Sets of decided jobs that the lower bound looked into.
    pub branches: u32,
    /// True if a limit of [`Limits`] ended the work before the bounds met.
    pub is_limited: bool,
    /// True if the work was told to stop.
    pub is_stopped: bool,
}

impl Bounds {
    /// True if the bounds of late jobs meet.
    #[must_use]
    pub const fn is_certified(&self) -> bool {
        self.late_lower == self.late_upper
    }
}

/// Bounds a window from both sides. The same window and limits give the same bounds, unless `stop` is true at some time:
/// then they are what was proved and found until then.
#[must_use]
pub fn bound(window: &Window, limits: &Limits, stop: &dyn Fn() -> bool) -> Bounds {
    let mut attempts = Attempts { window, blocks: limits.blocks, all: Vec::new() };
    let mut upper = attempts.improve(|_| {}, 0, 0, stop);
    let mut lower = 0;
    if window.jobs().len() > limits.whole {
        let least = if upper > 0 { late_in_slices(window, limits, stop) } else { Vec::new() };
        lower = least.iter().sum();
        if lower < upper {
            attempts.improve(|_| {}, lower, limits.repairs, stop);
        }
        let claim = Claim::of(window, &attempts.all);
        let energy_lower = energy_in_slices(window, claim.late, &least, limits, stop);
        return claim.beside(lower, energy_lower, 0, stop());
    }
    let relaxation = Relaxation::new(window);
    let mut master = Master::new(&relaxation);
    let jobs = window.jobs().len();
    // One set first: mostly it is enough.
    let (mut branches, mut used) = (1, 0);
    while lower < upper {
        let LateBound { least, hint: found, branches: looked_into, is_cut } =
            least_late(&mut master, jobs, upper, (branches, limits.rounds), stop);
        used += looked_into;
        lower = lower.max(least);
        upper = attempts.improve(|plan| hint(plan, &master, found.as_ref()), lower, limits.repairs, stop);
        if !is_cut || branches >= limits.branches {
            break;
        }
        branches = limits.branches;
    }
    if lower < upper
        && let Some(Attempt { plan, best, .. }) = attempts.all.first_mut()
    {
        search(plan, best, (lower, limits.nodes), stop);
    }
    let claim = Claim::of(window, &attempts.all);
    add_patterns(&mut master, &relaxation, &claim.schedule);
    let energy_lower = energy(&mut master, jobs, claim.late, limits, stop);
    claim.beside(lower, energy_lower, used, stop())
}

/// Schedules in which jobs are in so many blocks, and the best of them.
struct Attempt<'w> {
    plan: Plan<'w>,
    best: Draft,
    /// The order of the best list.
    order: Vec<usize>,
}

/// Attempts in as many blocks as are asked for, then in more.
struct Attempts<'w> {
    window: &'w Window,
    blocks: usize,
    all: Vec<Attempt<'w>>,
}

impl<'w> Attempts<'w> {
    /// Makes lists, and repairs them in so many steps each, until one has no more late than `enough`; the least that is late.
    /// Without any steps the first attempt is enough.
    fn improve(
        &mut self,
        hint: impl Fn(&mut Plan<'w>),
        enough: u64,
        steps: u32,
        stop: &dyn Fn() -> bool,
    ) -> u64 {
        let mut least = u64::MAX;
        for (index, factor) in FINER.into_iter().enumerate() {
            if index > 0 && (steps == 0 || stop()) {
                break;
            }
            if self.all.len() == index {
                let plan = Plan::new(self.window, self.blocks.saturating_mul(factor));
                let order = (0..self.window.jobs().len()).collect();
                self.all.push(Attempt { best: Draft::new(&plan), plan, order });
            }
            let Attempt { plan, best, order } = &mut self.all[index];
            hint(plan);
            if let Some(found) = lists(plan, best, enough, stop) {
                *order = found;
            }
            repair(plan, best, order.clone(), (enough, steps), stop);
            least = least.min(best.late(plan));
            if least <= enough {
                break;
            }
        }
        // What was found before stays.
        self.all.iter().map(|attempt| attempt.best.late(&attempt.plan)).fold(least, u64::min)
    }
}

/// A schedule as its check sees it.
struct Claim {
    schedule: Schedule,
    late: u64,
    energy: Energy,
}

impl Claim {
    /// The best schedule of some attempts, of equal ones the one of least energy. What the check refuses is not claimed.
    fn of(window: &Window, attempts: &[Attempt<'_>]) -> Self {
        let claims = attempts.iter().filter_map(|attempt| {
            let schedule = attempt.best.schedule(&attempt.plan);
            let verified = verify(window, &schedule).ok()?;
            Some(Self { schedule, late: verified.late, energy: verified.energy })
        });
        let nothing = || Self { schedule: Schedule::default(), late: window.weight(), energy: Energy::ZERO };
        claims.min_by_key(|claim| (claim.late, claim.energy)).unwrap_or_else(nothing)
    }

    fn beside(self, late_lower: u64, energy_lower: Energy, branches: u32, is_stopped: bool) -> Bounds {
        let is_limited = late_lower < self.late;
        Bounds {
            late_lower,
            late_upper: self.late,
            energy_lower,
            energy_upper: self.energy,
            schedule: self.schedule,
            effort: Effort { branches, is_limited, is_stopped },
        }
    }
}

/// The lower bound of late jobs alone, as [`bound`] has it, without its search for schedules.
#[must_use]
pub fn late_bound(window: &Window, limits: &Limits, stop: &dyn Fn() -> bool) -> u64 {
    let plan = Plan::new(window, limits.blocks);
    let mut best = Draft::new(&plan);
    lists(&plan, &mut best, 0, stop);
    let upper = best.late(&plan);
    if upper == 0 {
        return 0;
    }
    if window.jobs().len() > limits.whole {
        return late_in_slices(window, limits, stop).iter().sum();
    }
    let relaxation = Relaxation::new(window);
    let mut master = Master::new(&relaxation);
    least_late(&mut master, window.jobs().len(), upper, (limits.branches, limits.rounds), stop).least
}

/// The least energy of schedules whose late jobs weigh at most `late` together, as [`bound`] has it.
#[must_use]
pub fn energy_bound(window: &Window, late: u64, limits: &Limits, stop: &dyn Fn() -> bool) -> Energy {
    if window.jobs().len() > limits.whole {
        return energy_in_slices(window, late, &[], limits, stop);
    }
    let relaxation = Relaxation::new(window);
    energy(&mut Master::new(&relaxation), window.jobs().len(), late, limits, stop)
}

/// By slice: the least weight of late jobs; those that there is no time for may be all in time.
fn late_in_slices(window: &Window, limits: &Limits, stop: &dyn Fn() -> bool) -> Vec<u64> {
    let slices = slices(window, limits.whole).windows;
    let whole = Limits { whole: usize::MAX, ..*limits };
    slices.iter().take_while(|_| !stop()).map(|slice| late_bound(slice, &whole, stop)).collect()
}

/// The sum over slices, and over the jobs across cuts. Any slice could have all late jobs that the others need not have, of
/// which `least` is known; so could the jobs across cuts, the dearest of them.
fn energy_in_slices(
    window: &Window,
    late: u64,
    least: &[u64],
    limits: &Limits,
    stop: &dyn Fn() -> bool,
) -> Energy {
    let Slices { windows, across } = slices(window, limits.whole);
    let whole = Limits { whole: usize::MAX, ..*limits };
    let spare = late.saturating_sub(least.iter().sum());
    let mut of_slices = Energy::ZERO;
    // Each by itself: jobs across cuts, and those of slices that there is no time for.
    let (mut single, mut late_of_single): (Vec<&Job>, u64) = (Vec::new(), spare);
    single.extend(across.iter().map(|job| &window.jobs()[*job]));
    for (index, slice) in windows.iter().enumerate() {
        let own = least.get(index).copied().unwrap_or(0);
        if stop() {
            single.extend(slice.jobs());
            late_of_single = late_of_single.saturating_add(own);
        } else {
            of_slices += energy_bound(slice, spare.saturating_add(own), &whole, stop);
        }
    }
    let mut of_jobs: Vec<Energy> = single
        .iter()
        .filter(|job| job.weight > 0)
        .map(|job| job.chains.iter().map(|chain| least_energy(chain)).min().unwrap_or_default())
        .collect();
    of_jobs.sort_unstable();
    let kept = of_jobs.len().saturating_sub(usize::try_from(late_of_single).unwrap_or(usize::MAX));
    of_slices + of_jobs[..kept].iter().copied().sum()
}

/// Energy of a chain with each layer where it takes least.
fn least_energy(chain: &Chain) -> Energy {
    let of_layers =
        chain.layers.iter().filter_map(|layer| layer.on.iter().flatten().map(|cost| cost.energy).min());
    of_layers.sum()
}

fn energy(
    master: &mut Master<'_>,
    jobs: usize,
    budget: u64,
    limits: &Limits,
    stop: &dyn Fn() -> bool,
) -> Energy {
    let rules = Rules { fixed: vec![Fixed::Open; jobs], aim: Aim::Energy { budget } };
    Energy::from_femtojoules(master.solve(&rules, limits.rounds, u64::MAX, stop).bound)
}

/// Tells the plan where the layers of jobs run in a solution of the relaxation.
fn hint(plan: &mut Plan<'_>, master: &Master<'_>, hint: Option<&Hint>) {
    plan.clear_hints();
    let Some(hint) = hint else { return };
    for (job, pattern) in hint.iter().enumerate() {
        let Some(pattern) = pattern.map(|index| &master.patterns[index]) else { continue };
        let layers: Vec<_> = pattern.kinds.iter().map(|kind| master.members(*kind)).collect();
        plan.hint(job, pattern.chain, &layers);
    }
}

/// Tells the relaxation how the jobs of a schedule run.
fn add_patterns(master: &mut Master<'_>, relaxation: &Relaxation, schedule: &Schedule) {
    let mut kinds: Vec<Option<(usize, Vec<u8>)>> = vec![None; relaxation.jobs.len()];
    for block in &schedule.blocks {
        let layers = relaxation.jobs[block.job.index()].chains[block.chain].layers;
        let (_, kinds) = kinds[block.job.index()].get_or_insert_with(|| (block.chain, vec![0; layers]));
        kinds[block.first..block.behind].fill(relaxation.kinds.kind_of(block.on));
    }
    for (job, found) in kinds.into_iter().enumerate() {
        let Some((chain, kinds)) = found else { continue };
        let own = relaxation.jobs[job].own;
        master.add(Pattern::new(relaxation, job, own, chain, kinds));
    }
}
