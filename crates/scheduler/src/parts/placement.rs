//! Where a job runs: on an accelerator that runs its next layer, and that it may use. Without one that is idle it waits.

use rtmm_hardware::{AcceleratorId, ClassId, Energy, Units};
use rtmm_workload::Duration;
use rtmm_workload::parameters::{Choice, Declared, Parameters};

use crate::decision::Extent;
use crate::job::Job;
use crate::parts::{StaticAssignment, UnitRule};
use crate::view::View;

/// Where a job runs. Ties go to the accelerator that the platform states first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlacementRule {
    /// The idle accelerator on which the rest of the job is expected to take least.
    FastestIdle,
    /// The idle accelerator that the platform states first.
    FirstIdle,
    /// The idle accelerator on which what is dispatched next costs least energy, if nothing of it
    /// is skipped. Takes a step a layer and idle accelerator.
    LeastEnergy,
    /// An idle accelerator on which the rest of the job takes as little as on any. If none of those
    /// is idle the job waits, though others may be: the policy does not conserve work.
    Fastest,
    /// The accelerator that its task was assigned to beforehand: it waits for it.
    Assigned(StaticAssignment),
}

/// Platforms on which a placement counts context switches, and moves of jobs from one accelerator to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CountSwitches {
    /// Those that say what lies between accelerators.
    WhereLinked,
    /// All.
    Always,
    /// None.
    Never,
}

/// Where a job runs, and by what that is chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    rule: PlacementRule,
    /// Of a rule that compares accelerators; else never.
    counts: CountSwitches,
}

/// [`PlacementRule`] before anything is known of tasks.
#[derive(Clone, Copy, PartialEq)]
enum Word {
    FastestIdle,
    FirstIdle,
    LeastEnergy,
    Fastest,
    Assigned,
}

impl PlacementRule {
    /// `placement`.
    const WORD: Choice<Word> = Choice::new(
        "placement",
        "where a job runs; `fastest` and `assigned` wait for it",
        Word::FastestIdle,
        &[
            ("fastest-idle", Word::FastestIdle),
            ("first-idle", Word::FirstIdle),
            ("least-energy", Word::LeastEnergy),
            ("fastest", Word::Fastest),
            ("assigned", Word::Assigned),
        ],
    );

    fn read(parameters: &Parameters) -> Self {
        match parameters.read(&Self::WORD) {
            Word::FastestIdle => Self::FastestIdle,
            Word::FirstIdle => Self::FirstIdle,
            Word::LeastEnergy => Self::LeastEnergy,
            Word::Fastest => Self::Fastest,
            Word::Assigned => Self::Assigned(StaticAssignment::default()),
        }
    }
}

impl Placement {
    /// `count_switches`.
    const COUNT_SWITCHES: Choice<CountSwitches> = Choice::new(
        "count_switches",
        "whether a placement by time or energy counts context switches and moves: where the platform states links between \
         accelerators, always, or never",
        CountSwitches::WhereLinked,
        &[
            ("where-linked", CountSwitches::WhereLinked),
            ("always", CountSwitches::Always),
            ("never", CountSwitches::Never),
        ],
    )
    .unstated_at_default();

    /// Its parameters.
    pub const PARAMETERS: &[&dyn Declared] = &[&PlacementRule::WORD, &Self::COUNT_SWITCHES];

    /// A placement by a rule.
    #[must_use]
    pub fn new(rule: PlacementRule, counts: CountSwitches) -> Self {
        let compares = !matches!(rule, PlacementRule::FirstIdle | PlacementRule::Assigned(_));
        Self { rule, counts: if compares { counts } else { CountSwitches::Never } }
    }

    /// Reads its parameters.
    #[must_use]
    pub fn read(parameters: &Parameters) -> Self {
        Self::new(PlacementRule::read(parameters), parameters.read(&Self::COUNT_SWITCHES))
    }

    #[inline(always)]
    fn counts(&self, view: &View<'_>) -> bool {
        match self.counts {
            CountSwitches::WhereLinked => view.profile.has_transfers(),
            CountSwitches::Always => true,
            CountSwitches::Never => false,
        }
    }

    /// The expected latency of the rest of a job in a class of an accelerator, with what it pays before where that counts.
    #[inline(always)]
    fn remaining(&self, view: &View<'_>, job: &Job, accelerator: AcceleratorId, class: ClassId) -> Duration {
        let remaining = view.profile.remaining(job.model, job.progress, class);
        if self.counts(view) { self.with_moves(view, job, accelerator, remaining) } else { remaining }
    }

    /// Adds what a job pays before it goes on with an accelerator.
    #[cold]
    fn with_moves(
        &self,
        view: &View<'_>,
        job: &Job,
        accelerator: AcceleratorId,
        remaining: Duration,
    ) -> Duration {
        let switch = view.switch_time(job.model, job.progress.layer, accelerator);
        let transfer = view.transfer(job, accelerator).map_or(Duration::ZERO, |(time, _)| time);
        remaining.saturating_add(switch).saturating_add(transfer)
    }

    /// The energy of the next layers of a job in a class of an accelerator, in the same way.
    fn energy(
        &self,
        view: &View<'_>,
        job: &Job,
        accelerator: AcceleratorId,
        class: ClassId,
        extent: Extent,
    ) -> Energy {
        let energy = energy(view, job, class, extent);
        if !self.counts(view) {
            return energy;
        }
        let switch = view.switch_energy(job.model, job.progress.layer, accelerator);
        energy + switch + view.transfer(job, accelerator).map_or(Energy::default(), |(_, energy)| energy)
    }

    /// The least of [`Placement::remaining`] over accelerators that a job can run on, idle or not.
    fn least_remaining(&self, view: &View<'_>, job: &Job) -> Duration {
        if !self.counts(view) {
            return view.least_remaining_here(job);
        }
        let accelerators = (0..view.accelerators.len()).map(AcceleratorId::new);
        let here = accelerators.filter(|one| view.can_run(job, *one));
        here.map(|one| self.remaining(view, job, one, view.profile.whole(one))).min().unwrap_or(Duration::MAX)
    }

    /// Learns of the tasks, at the first look at them.
    pub fn begin(&mut self, view: &View<'_>) {
        if let PlacementRule::Assigned(assignment) = &mut self.rule {
            assignment.begin(view);
        }
    }

    /// True if a job may wait while an accelerator is idle that it could run on.
    #[must_use]
    pub const fn waits(&self) -> bool {
        matches!(self.rule, PlacementRule::Fastest | PlacementRule::Assigned(_))
    }

    /// True if a job could run on an accelerator, were it idle.
    #[must_use]
    pub fn admits(&self, view: &View<'_>, job: &Job, accelerator: AcceleratorId) -> bool {
        if !view.can_run(job, accelerator) {
            return false;
        }
        match &self.rule {
            PlacementRule::Fastest => {
                // At the nominal points, so that a clock that is lower for a while moves nothing.
                let whole = view.profile.whole(accelerator);
                self.remaining(view, job, accelerator, whole) == self.least_remaining(view, job)
            }
            PlacementRule::Assigned(assignment) => assignment.admits(view, job, accelerator),
            PlacementRule::FastestIdle | PlacementRule::FirstIdle | PlacementRule::LeastEnergy => true,
        }
    }

    /// True if there is an accelerator that the job could run on now, on as many units as a rule takes.
    #[must_use]
    pub fn has_room(&self, view: &View<'_>, job: &Job, units: UnitRule) -> bool {
        view.free
            .iter()
            .any(|accelerator| units.has_room(view, *accelerator) && self.admits(view, job, *accelerator))
    }

    /// The accelerator for `extent` of a job and its number of units; none if there is none that it could
    /// run on.
    #[inline]
    #[must_use]
    pub fn place(
        &self,
        view: &View<'_>,
        job: &Job,
        extent: Extent,
        units: UnitRule,
    ) -> Option<(AcceleratorId, Units)> {
        if !view.is_divided() {
            return Some((self.place_whole(view, job, extent)?, Units::All));
        }
        self.place_on_units(view, job, extent, units)
    }

    fn place_on_units(
        &self,
        view: &View<'_>,
        job: &Job,
        extent: Extent,
        units: UnitRule,
    ) -> Option<(AcceleratorId, Units)> {
        let free = view.free.iter().filter(|accelerator| view.can_run(job, **accelerator));
        let mut places = free.filter_map(|accelerator| {
            let (count, class) = units.choose(view, job, *accelerator)?;
            Some((*accelerator, count, class))
        });
        let place = match &self.rule {
            PlacementRule::FirstIdle => places.next(),
            PlacementRule::FastestIdle => {
                places.min_by_key(|(one, _, class)| self.remaining(view, job, *one, *class))
            }
            PlacementRule::LeastEnergy => {
                places.min_by_key(|(one, _, class)| self.energy(view, job, *one, *class, extent))
            }
            PlacementRule::Fastest | PlacementRule::Assigned(_) => {
                places.find(|(accelerator, ..)| self.admits(view, job, *accelerator))
            }
        };
        place.map(|(accelerator, count, _)| (accelerator, count))
    }

    /// The same where no accelerator is divided: any that is free is idle.
    #[inline]
    fn place_whole(&self, view: &View<'_>, job: &Job, extent: Extent) -> Option<AcceleratorId> {
        // Most platforms have accelerators that run everything at one point, and state no links.
        let is_plain = !(view.profile.is_partial() || view.profile.has_points() || self.counts(view));
        if is_plain && self.rule == PlacementRule::FastestIdle {
            return view.profile.fastest_of(job.model, job.progress, &view.free);
        }
        self.place_whole_anywhere(view, job, extent)
    }

    /// [`Placement::place_whole`] for any platform and any rule.
    fn place_whole_anywhere(&self, view: &View<'_>, job: &Job, extent: Extent) -> Option<AcceleratorId> {
        let mut free = view.free.iter().copied().filter(|accelerator| view.can_run(job, *accelerator));
        let whole = |one: &AcceleratorId| view.whole(*one);
        match &self.rule {
            PlacementRule::FirstIdle => free.next(),
            PlacementRule::FastestIdle => free.min_by_key(|one| self.remaining(view, job, *one, whole(one))),
            PlacementRule::LeastEnergy => {
                free.min_by_key(|one| self.energy(view, job, *one, whole(one), extent))
            }
            PlacementRule::Fastest | PlacementRule::Assigned(_) => {
                free.find(|accelerator| self.admits(view, job, *accelerator))
            }
        }
    }
}

/// The energy of the next layers of a job, all of them run; layers that the class does not run where they cost least.
fn energy(view: &View<'_>, job: &Job, class: ClassId, extent: Extent) -> Energy {
    let (profile, first) = (view.profile, job.progress.layer);
    let layers = profile.layers(job.model);
    let stop = match extent {
        Extent::Layers(count) => first.saturating_add(count.get()).min(layers),
        Extent::Rest => layers,
    };
    let on = |layer: u32, class| profile.energy(job.model, layer, class).total();
    let elsewhere = |layer: u32| {
        let running = profile.classes().filter(|class| profile.supports(job.model, layer, *class));
        running.map(|class| on(layer, class)).min().unwrap_or_default()
    };
    let of_layer = |layer: u32| match profile.supports(job.model, layer, class) {
        true => on(layer, class),
        false => elsewhere(layer),
    };
    (first..stop).map(of_layer).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Fixture, NONE, TaskSketch};

    #[track_caller]
    fn check(rule: PlacementRule, extent: Extent, busy: &[usize], expected: Option<usize>) {
        let task = TaskSketch::new("a", &[&[4, 3, 2, 2], &[4, 1, 2, 2]])
            .energy_pj(&[&[1.0, 5.0, 5.0, 2.0], &[9.0, 5.0, 1.0, 4.0]]);
        let mut fixture = Fixture::new(&[task]).unwrap();
        for accelerator in busy {
            let other = fixture.ready(0, 0, 100);
            fixture.run(other, *accelerator, Extent::Rest);
        }
        let id = fixture.ready(0, 0, 100);
        let view = fixture.view();
        let job = view.job(id).unwrap();
        let placement = Placement::new(rule.clone(), CountSwitches::WhereLinked);
        let placed = placement.place(&view, job, extent, UnitRule::All);
        let index = |(accelerator, _): (AcceleratorId, Units)| accelerator.index();
        assert_eq!(placed.map(index), expected, "{rule:?} with {busy:?} busy");
        assert_eq!(placement.has_room(&view, job, UnitRule::All), expected.is_some());
    }

    #[test]
    fn the_idle_accelerator_that_the_rule_names_is_taken() {
        let (whole, layer) = (Extent::Rest, Extent::LAYER);
        let cases = [
            (PlacementRule::FastestIdle, whole, &[][..], Some(1)),
            (PlacementRule::FastestIdle, whole, &[1], Some(2)),
            (PlacementRule::FastestIdle, whole, &[1, 2, 3], Some(0)),
            (PlacementRule::FastestIdle, whole, &[0, 1, 2, 3], None),
            (PlacementRule::FirstIdle, whole, &[], Some(0)),
            (PlacementRule::FirstIdle, whole, &[0, 1], Some(2)),
            (PlacementRule::LeastEnergy, layer, &[], Some(0)),
            (PlacementRule::LeastEnergy, whole, &[], Some(2)),
            (PlacementRule::LeastEnergy, layer, &[0], Some(3)),
            (PlacementRule::Fastest, whole, &[], Some(1)),
            (PlacementRule::Fastest, whole, &[0], Some(1)),
            (PlacementRule::Fastest, whole, &[1], Some(2)),
            (PlacementRule::Fastest, whole, &[1, 2, 3], None),
        ];
        for (rule, extent, busy, expected) in cases {
            check(rule, extent, busy, expected);
        }
    }

    #[test]
    fn only_accelerators_that_run_the_next_layer_are_taken() {
        // The first accelerator is fastest for the rest, and does not run what comes next.
        let task = TaskSketch::new("a", &[&[NONE, 5, 3], &[1, 9, 9]])
            .energy_pj(&[&[0.0, 1.0, 2.0], &[1.0, 1.0, 1.0]]);
        for (rule, busy, expected) in [
            (PlacementRule::FastestIdle, &[][..], Some(2)),
            (PlacementRule::FastestIdle, &[2], Some(1)),
            (PlacementRule::FirstIdle, &[], Some(1)),
            (PlacementRule::LeastEnergy, &[], Some(1)),
            (PlacementRule::Fastest, &[], Some(2)),
            (PlacementRule::Fastest, &[2], None),
            (PlacementRule::FastestIdle, &[1, 2], None),
        ] {
            let mut fixture = Fixture::new(std::slice::from_ref(&task)).unwrap();
            for accelerator in busy {
                let other = fixture.ready(0, 0, 100);
                fixture.run(other, *accelerator, Extent::LAYER);
            }
            let id = fixture.ready(0, 0, 100);
            let view = fixture.view();
            let job = view.job(id).unwrap();
            let placement = Placement::new(rule.clone(), CountSwitches::Never);
            let placed = placement.place(&view, job, Extent::Rest, UnitRule::All);
            assert_eq!(placed.map(|(one, _)| one.index()), expected, "{rule:?} with {busy:?} busy");
            assert_eq!(placement.has_room(&view, job, UnitRule::All), expected.is_some());
        }
    }

    #[test]
    fn a_switch_counts_where_it_is_to() {
        // The second accelerator is 3 faster, and ran another network last: to turn to `a` takes 5, and 20 pJ.
        let tasks =
            [TaskSketch::new("a", &[&[9, 6]]).energy_pj(&[&[30.0, 20.0]]), TaskSketch::new("b", &[&[1, 1]])];
        let time = Duration::from_picoseconds(5_000_000);
        let switch = rtmm_hardware::ContextSwitch { time, energy_pj: 20.0, activations: None };
        let mut fixture = Fixture::switching(&tasks, switch).unwrap();
        let id = fixture.ready(0, 0, 100);
        fixture.set_last_model(1, 1);
        let view = fixture.view();
        let job = view.job(id).unwrap();
        for (rule, counts, expected) in [
            (PlacementRule::FastestIdle, CountSwitches::Never, 1),
            // This platform states no links.
            (PlacementRule::FastestIdle, CountSwitches::WhereLinked, 1),
            (PlacementRule::FastestIdle, CountSwitches::Always, 0),
            (PlacementRule::LeastEnergy, CountSwitches::Never, 1),
            (PlacementRule::LeastEnergy, CountSwitches::Always, 0),
            (PlacementRule::Fastest, CountSwitches::Never, 1),
            (PlacementRule::Fastest, CountSwitches::Always, 0),
        ] {
            let placement = Placement::new(rule, counts);
            let placed = placement.place(&view, job, Extent::Rest, UnitRule::All);
            assert_eq!(placed.map(|(one, _)| one.index()), Some(expected), "{placement:?}");
        }
    }
}
