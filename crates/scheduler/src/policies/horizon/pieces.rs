//! The work that a plan has to place: live jobs, jobs that they trigger, and frames that are expected.
//!
//! A piece is all that is left of one of them. It is planned on one accelerator, as one of the networks that it may still run
//! as; what it takes there is looked up once for all plans of a decision. Of a job that runs it is what comes behind its
//! segment. Pieces are in the order in which they are planned: by virtual deadline, or by that less what is left at the least.

use rtmm_hardware::{AcceleratorId, ClassId, PointId};
use rtmm_workload::{ModelId, TaskId};

use super::arrivals::Arrivals;
use super::pace::Pace;
use super::points;
use super::settings::{Estimate, Order, Settings};
use super::tasks::{Network, TaskFacts};
use super::ways::{Step, Ways};
use crate::decision::VariantId;
use crate::ids::JobId;
use crate::job::{Job, Place, Progress};
use crate::view::View;

/// In place of a latency: the accelerator cannot go on with the piece.
pub(super) const NEVER: u64 = u64::MAX;

/// Cost of a piece on an accelerator in picoseconds and femtojoules, with what it pays before it begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cost {
    pub time: u64,
    pub energy: u64,
    /// Time by which it may end later than planned: what it may not skip, or the standard deviation, and the margin.
    pub risk: u64,
    /// Standard deviation of its latency, for what it may skip and where its times vary.
    pub spread: u64,
    /// Part of the energy that the platform takes for that it runs, not for its work: where clocks are planned.
    pub held: u64,
}

/// Kinds of pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A job that can be dispatched, or runs.
    Live(JobId),
    /// A job that waits for others.
    Waiting,
    /// A job that another may trigger.
    Triggered,
    /// A frame that has not come.
    Expected,
}

/// All that is left of a job. Times are picoseconds since the run began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    pub kind: Kind,
    pub task: TaskId,
    pub arrival: u64,
    /// When it can begin, as far as that does not depend on other pieces.
    pub release: u64,
    /// The virtual deadline.
    pub target: u64,
    pub due: u64,
    pub weight: f64,
    pub progress: Progress,
    /// The least that it takes.
    pub least: u64,
    /// Place in the plan: smallest first.
    key: i128,
    sequence: u64,
    first_row: u32,
    rows: u32,
    first_link: u32,
    links: u32,
    /// True if others need it.
    pub leads: bool,
}

impl Piece {
    /// Its networks, as rows of costs: from the one that is taken where it is in time to the lightest.
    pub(super) fn rows(&self) -> std::ops::Range<u32> {
        self.first_row..self.first_row + self.rows
    }

    /// True if it may begin behind pieces that it needs.
    fn follows(&self) -> bool {
        matches!(self.kind, Kind::Waiting | Kind::Triggered)
    }

    /// True if it is not in time on any accelerators, were there no others.
    pub(super) fn is_lost(&self) -> bool {
        self.release.saturating_add(self.least) > self.due
    }

    /// The live job that it is the rest of.
    pub(super) fn job(&self) -> Option<JobId> {
        match self.kind {
            Kind::Live(job) => Some(job),
            Kind::Waiting | Kind::Triggered | Kind::Expected => None,
        }
    }
}

/// Points that work is planned at, by accelerator.
#[derive(Clone, Copy, Debug)]
pub(super) struct At<'a> {
    /// Of jobs that there are, and those that they trigger.
    pub now: &'a [PointId],
    /// Of frames that are expected, and come no sooner than a clock can be raised.
    pub later: &'a [PointId],
    /// When that is, in picoseconds.
    pub raised: &'a [u64],
}

impl At<'_> {
    /// The point of a piece on an accelerator.
    pub(super) fn point(&self, (kind, release): (Kind, u64), on: usize) -> PointId {
        let is_later = kind == Kind::Expected && release >= self.raised[on];
        if is_later { self.later[on] } else { self.now[on] }
    }
}

/// Knowledge that pieces are made of beside live jobs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known<'k, 'v> {
    pub view: &'k View<'v>,
    pub settings: &'k Settings,
    pub facts: &'k [TaskFacts],
    pub pace: &'k Pace,
    /// The points that work is planned at; none where it is planned at those in force.
    pub points: Option<At<'k>>,
}

impl Known<'_, '_> {
    fn of(&self, task: TaskId) -> &TaskFacts {
        &self.facts[task.index()]
    }

    /// The class that work is planned in on an accelerator.
    fn class(&self, of: (Kind, u64), accelerator: AcceleratorId) -> ClassId {
        let on = accelerator.index();
        match self.points {
            Some(at) => points::class_at(self.view, on, at.point(of, on)),
            None => self.view.whole(accelerator),
        }
    }

    /// True if accelerators are at the points that ways through models are looked up for.
    pub(super) fn knows_ways(&self) -> bool {
        let is_highest = |(on, point): (usize, &PointId)| *point == points::highest(self.view, on);
        self.points.is_none_or(|at| at.now.iter().enumerate().all(is_highest))
    }
}

/// A job, or what is to become one.
struct Source {
    kind: Kind,
    task: TaskId,
    arrival: u64,
    release: u64,
    due: u64,
    progress: Progress,
    place: Option<Place>,
    weight: f64,
    sequence: u64,
}

/// A row of costs of a network of which nothing has run: another piece of the same instant has the same.
#[derive(Clone, Copy, Debug)]
struct Fresh {
    row: usize,
    /// The least latency.
    least: u64,
}

/// All pieces of a decision, with what they take; used again and again.
#[derive(Clone, Debug, Default)]
pub(super) struct Pieces {
    list: Vec<Piece>,
    /// A row a network of a piece, a column an accelerator.
    costs: Vec<Cost>,
    /// By row.
    networks: Vec<Network>,
    /// By row: the layer that it goes on with.
    layers: Vec<u32>,
    /// Ways through models on several accelerators.
    pub ways: Ways,
    /// By model: its row from the first layer on, if some piece has it. Most pieces are frames that have not begun.
    fresh: Vec<Option<Fresh>>,
    /// Positions of pieces that others need.
    links: Vec<usize>,
    /// By accelerator: when what it runs ends; now where it runs nothing.
    free: Vec<u64>,
    /// True if a piece may take another time than expected for what it skips.
    is_uncertain: bool,
}

impl Pieces {
    /// The pieces in the order of the plan.
    pub(super) fn list(&self) -> &[Piece] {
        &self.list
    }

    /// Costs of a row, by accelerator.
    pub(super) fn costs(&self, row: u32) -> &[Cost] {
        let width = self.free.len();
        &self.costs[row as usize * width..][..width]
    }

    /// The latency of a row on an accelerator where it roams on a way.
    pub(super) fn share(&self, row: u32, way: u32, on: usize) -> u64 {
        let row = row as usize;
        let (Some((_, model)), Some(layer)) = (self.networks.get(row), self.layers.get(row)) else {
            return 0;
        };
        self.ways.shares(*model, way as usize, *layer).get(on).copied().unwrap_or(0)
    }

    /// The layers of a row where it roams on a way.
    pub(super) fn steps(&self, row: u32, way: u32) -> &[Step] {
        let row = row as usize;
        let of = self.networks.get(row).zip(self.layers.get(row));
        of.map_or(&[], |((_, model), layer)| self.ways.steps(*model, way as usize, *layer))
    }

    /// True if some piece takes less energy on the way of least energy than on any one accelerator.
    pub(super) fn saves_by_layer(&self) -> bool {
        let saves = |piece: &Piece| {
            let row = piece.rows().start;
            let least = self.costs(row).iter().map(|cost| cost.energy).min();
            let steps = self.ways.cheapest().map_or(&[][..], |way| self.steps(row, way as u32));
            let [first, others @ ..] = steps else { return false };
            // A way that stays where it begins is no other than a whole piece.
            least.is_some_and(|least| first.energy < least) && others.iter().any(|step| step.on != first.on)
        };
        self.list.iter().any(saves)
    }

    /// The variant of a row.
    pub(super) fn variant(&self, row: u32) -> Option<VariantId> {
        self.networks.get(row as usize).and_then(|(variant, _)| *variant)
    }

    /// The network of a row.
    pub(super) fn model(&self, row: u32) -> Option<ModelId> {
        self.networks.get(row as usize).map(|(_, model)| *model)
    }

    /// True if a piece may take another time than expected, as its model may skip or exit.
    pub(super) fn is_uncertain(&self) -> bool {
        self.is_uncertain
    }

    /// By accelerator: when what it runs ends.
    pub(super) fn free(&self) -> &[u64] {
        &self.free
    }

    /// The positions of the pieces that one needs.
    pub(super) fn needed_by(&self, piece: &Piece) -> &[usize] {
        &self.links[piece.first_link as usize..][..piece.links as usize]
    }

    /// The position of the piece that another one needs of a task: the latest that came no later. None where there is none.
    fn needed_of(&self, piece: &Piece, of: TaskId) -> Option<usize> {
        let earlier = |(_, other): &(usize, &Piece)| other.task == of && other.arrival <= piece.arrival;
        let found = self.list.iter().enumerate().filter(earlier).max_by_key(|(_, other)| other.arrival);
        found.map(|(position, _)| position)
    }

    /// Brings pieces into an order in which they are planned, none before what it needs, and links them.
    pub(super) fn sort(&mut self, known: Known<'_, '_>, order: Order) {
        for piece in &mut self.list {
            piece.leads = false;
            piece.key = match order {
                Order::Deadline => i128::from(piece.target),
                Order::Slack => i128::from(piece.target) - i128::from(piece.least),
            };
        }
        if self.list.iter().any(Piece::follows) {
            // In the order in which they came, so that what others need is moved before them.
            self.list.sort_unstable_by_key(|piece| piece.first_row);
            for index in 0..self.list.len() {
                let piece = self.list[index];
                if piece.follows() {
                    for of in &known.of(piece.task).needs {
                        let needed =
                            self.needed_of(&piece, *of).map_or(piece.key, |needed| self.list[needed].key);
                        self.list[index].key = self.list[index].key.max(needed);
                    }
                }
            }
        }
        // Rows tell what came first apart, of one job and what it triggers.
        self.list.sort_unstable_by_key(|piece| (piece.key, piece.sequence, piece.first_row));
        self.links.clear();
        for index in 0..self.list.len() {
            let piece = self.list[index];
            let first_link = self.links.len();
            if piece.follows() {
                for of in &known.of(piece.task).needs {
                    self.links.extend(self.needed_of(&piece, *of));
                }
            }
            for needed in &self.links[first_link..] {
                self.list[*needed].leads = true;
            }
            self.list[index].first_link = first_link as u32;
            self.list[index].links = (self.links.len() - first_link) as u32;
        }
    }

    /// Gathers the pieces of an instant, and takes in which jobs have come.
    pub(super) fn gather(&mut self, known: Known<'_, '_>, arrivals: &mut Arrivals) {
        self.list.clear();
        self.costs.clear();
        self.networks.clear();
        self.layers.clear();
        self.fresh.clear();
        self.fresh.resize(known.view.profile.models(), None);
        self.free.clear();
        self.is_uncertain = false;
        let view = known.view;
        let now = view.now.picoseconds();
        self.free.resize(view.accelerators.len(), now);
        for run in view.runs() {
            let end = match known.points {
                Some(at) => points::end_of(view, run, at.now[run.accelerator.index()]),
                None => run.expected_end.picoseconds(),
            };
            let end = end.max(now);
            let free = &mut self.free[run.accelerator.index()];
            *free = end.max(*free);
            let progress = Progress::at(run.stop);
            let place =
                Place { accelerator: run.accelerator, layer: run.stop.checked_sub(1), is_written: false };
            for job in view.jobs_of(run).iter().filter_map(|job| view.job(*job)) {
                arrivals.observe(job);
                let of = Source::of(job, Kind::Live(job.id), known, now);
                self.add_live(known, job, Source { progress, release: end, place: Some(place), ..of });
            }
        }
        if let Some(at) = known.points {
            for ((on, free), point) in self.free.iter_mut().enumerate().zip(at.now) {
                *free = (*free).max(points::free_at(view, on, *point));
            }
        }
        for job in view.ready() {
            arrivals.observe(job);
            self.add_live(known, job, Source::of(job, Kind::Live(job.id), known, now));
        }
        for job in view.waiting() {
            arrivals.observe(job);
            self.add_live(known, job, Source::of(job, Kind::Waiting, known, now));
        }
        if known.settings.lookahead > 0 {
            self.add_triggered(known);
            self.add_expected(known, arrivals);
        }
        self.sort(known, known.settings.order);
    }

    fn add_live(&mut self, known: Known<'_, '_>, job: &Job, source: Source) {
        let settled = [(None, job.model)];
        let networks = if job.started { &settled[..] } else { &known.of(job.task).networks };
        self.add(known, source, networks);
    }

    /// Adds the jobs that pieces may trigger, and those that these may.
    fn add_triggered(&mut self, known: Known<'_, '_>) {
        let mut at = 0;
        while let Some(piece) = self.list.get(at).copied() {
            at += 1;
            for (task, probability) in &known.of(piece.task).triggers {
                if *probability < known.settings.least_probability {
                    continue;
                }
                let follower = known.of(*task);
                let due =
                    follower.deadline.map_or(piece.due, |deadline| piece.arrival.saturating_add(deadline));
                let source = Source {
                    kind: Kind::Triggered,
                    task: *task,
                    arrival: piece.arrival,
                    release: piece.release,
                    due,
                    progress: Progress::default(),
                    place: None,
                    weight: follower.weight * probability,
                    sequence: piece.sequence,
                };
                self.add(known, source, &follower.networks);
            }
        }
    }

    /// Adds the frames that are expected and are planned before the last piece so far.
    fn add_expected(&mut self, known: Known<'_, '_>, arrivals: &Arrivals) {
        let now = known.view.now.picoseconds();
        let last = self.list.iter().map(|piece| piece.target).max();
        // Clocks and gates are for what comes next even where there is nothing to do.
        let plans_clocks = known.points.is_some();
        let Some(mut last) = last.or_else(|| self.next_due(known, arrivals).filter(|_| plans_clocks)) else {
            return;
        };
        if plans_clocks {
            // A clock that is lowered is high again behind two changes at the earliest.
            let changes = (0..self.free.len()).map(|on| points::change_time(known.view, on));
            last = last.max(now.saturating_add(changes.max().unwrap_or(0).saturating_mul(2)));
        }
        for (index, of) in known.facts.iter().enumerate() {
            let task = TaskId::new(index);
            let Some(deadline) = of.deadline else { continue };
            for arrival in arrivals.expected(task, of, now).take(known.settings.lookahead as usize) {
                let due = arrival.saturating_add(deadline);
                // A later frame changes nothing of an order, but what is slowed down is in its way.
                if arrival >= last || (!plans_clocks && due.saturating_sub(of.reserve) > last) {
                    break;
                }
                let source = Source {
                    kind: Kind::Expected,
                    task,
                    arrival,
                    release: arrival,
                    due,
                    progress: Progress::default(),
                    place: None,
                    weight: of.weight,
                    sequence: u64::MAX,
                };
                self.add(known, source, &of.networks);
            }
        }
    }

    /// The first deadline of frames that are expected.
    fn next_due(&self, known: Known<'_, '_>, arrivals: &Arrivals) -> Option<u64> {
        let now = known.view.now.picoseconds();
        let tasks = known.facts.iter().enumerate();
        let dues = tasks.filter_map(|(index, of)| {
            let arrival = arrivals.expected(TaskId::new(index), of, now).next()?;
            Some(arrival.saturating_add(of.deadline?))
        });
        dues.min()
    }

    fn add(&mut self, known: Known<'_, '_>, source: Source, networks: &[Network]) {
        let Source { kind, task, arrival, release, due, weight, progress, sequence, .. } = source;
        let first_row = self.networks.len() as u32;
        let mut least = NEVER;
        self.networks.extend_from_slice(networks);
        // Frames that are expected may be planned at other points, each at its own.
        let is_at_own = known.points.is_some() && kind == Kind::Expected;
        let is_fresh = progress == Progress::default() && source.place.is_none() && !is_at_own;
        let width = self.free.len();
        for ((_, model), row) in networks.iter().zip(first_row as usize..) {
            let known_row = self.fresh[model.index()].filter(|_| is_fresh);
            let least_of_row = if let Some(Fresh { row, least }) = known_row {
                self.costs.extend_from_within(row * width..(row + 1) * width);
                least
            } else {
                self.add_row(known, *model, &source)
            };
            if is_fresh {
                self.fresh[model.index()] = known_row.or(Some(Fresh { row, least: least_of_row }));
            }
            self.layers.push(progress.layer);
            least = least.min(least_of_row);
        }
        // What can follow nothing in time any more need not hurry.
        let target = due.saturating_sub(known.of(task).reserve);
        let target = if release.saturating_add(least) > target { due } else { target };
        let rows = networks.len() as u32;
        let (first_link, links, key) = (0, 0, 0);
        self.list.push(Piece {
            kind,
            task,
            arrival,
            release,
            target,
            due,
            weight,
            progress,
            least,
            key,
            sequence,
            first_row,
            rows,
            first_link,
            links,
            leads: false,
        });
    }

    /// Adds the row of a network, and returns the least latency.
    fn add_row(&mut self, known: Known<'_, '_>, model: ModelId, source: &Source) -> u64 {
        let (profile, progress) = (known.view.profile, source.progress);
        let mut least = NEVER;
        for accelerator in (0..self.free.len()).map(AcceleratorId::new) {
            let cost = cost(known, model, source, accelerator);
            least = least.min(cost.time);
            self.costs.push(cost);
        }
        let whole = profile.whole(AcceleratorId::new(0));
        let expected = profile.remaining(model, progress.layer, whole);
        self.is_uncertain |=
            expected != profile.worst_remaining(model, progress.layer, whole) || profile.varies(model);
        least.min(self.ways.left(model, progress.layer).unwrap_or(NEVER))
    }
}

impl Source {
    fn of(job: &Job, kind: Kind, known: Known<'_, '_>, now: u64) -> Self {
        Self {
            kind,
            task: job.task,
            arrival: job.arrival.picoseconds(),
            release: now,
            due: job.deadline.picoseconds(),
            progress: job.progress,
            place: job.place,
            weight: known.of(job.task).weight,
            sequence: job.sequence,
        }
    }
}

/// Cost of a piece as a network on an accelerator.
fn cost(known: Known<'_, '_>, model: ModelId, source: &Source, accelerator: AcceleratorId) -> Cost {
    let (view, progress) = (known.view, source.progress);
    let profile = view.profile;
    if progress.layer >= profile.layers(model) {
        // Its last segment runs: nothing comes behind that.
        return Cost { time: 0, energy: 0, risk: 0, spread: 0, held: 0 };
    }
    if !profile.runs(model, progress.layer, accelerator) {
        return Cost { time: NEVER, energy: NEVER, risk: 0, spread: 0, held: 0 };
    }
    let Cost { mut time, mut energy, risk, spread, held } =
        rest(known, model, (source.kind, source.release), progress, accelerator);
    let pays = |time: &mut u64, energy: &mut u64, of: (u64, u64)| {
        *time = time.saturating_add(of.0).min(NEVER - 1);
        *energy = energy.saturating_add(of.1);
    };
    if let Some((span, spent)) = view.switch(model, progress.layer, accelerator) {
        pays(&mut time, &mut energy, (span.picoseconds(), spent.femtojoules()));
    }
    if profile.has_transfers()
        && let Some((span, spent)) = profile.transfer(model, progress, source.place, accelerator)
    {
        pays(&mut time, &mut energy, (span.picoseconds(), spent.femtojoules()));
    }
    Cost { time, energy, risk, spread, held }
}

/// Cost of all of a network from a progress on, on an accelerator, without what is paid before.
pub(super) fn rest(
    known: Known<'_, '_>,
    model: ModelId,
    of: (Kind, u64),
    from: Progress,
    accelerator: AcceleratorId,
) -> Cost {
    let Known { view, settings, pace, .. } = known;
    let class = known.class(of, accelerator);
    let expected = view.profile.remaining(model, from, class).picoseconds();
    let worst = view.profile.worst_remaining(model, from.layer, class).picoseconds().max(expected);
    let time = match settings.estimate {
        Estimate::Expected => expected,
        Estimate::Worst => worst,
    };
    let paced = pace.stretched(accelerator, time);
    let margin = (time as f64 * settings.margin) as u64;
    let spread = view.profile.spread(model, from, class).picoseconds();
    let risk = worst.saturating_sub(time).max(spread).saturating_add(margin);
    let energy = view.profile.remaining_energy(model, from, class).femtojoules();
    let on = accelerator.index();
    let held = known.points.map_or(0, |at| points::held(view, on, at.point(of, on), expected));
    Cost { time: paced.min(NEVER - 1), energy: energy.saturating_add(held), risk, spread, held }
}
