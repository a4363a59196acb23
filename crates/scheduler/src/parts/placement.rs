//! Where a job runs.

use rtmm_hardware::{AcceleratorId, ClassId, Energy, Units};
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

    /// Its parameters.
    pub const PARAMETERS: &[&dyn Declared] = &[&Self::WORD];

    /// Reads its parameters.
    #[must_use]
    pub fn read(parameters: &Parameters) -> Self {
        match parameters.read(&Self::WORD) {
            Word::FastestIdle => Self::FastestIdle,
            Word::FirstIdle => Self::FirstIdle,
            Word::LeastEnergy => Self::LeastEnergy,
            Word::Fastest => Self::Fastest,
            Word::Assigned => Self::Assigned(StaticAssignment::default()),
        }
    }

    /// Learns of the tasks, at the first look at them.
    pub fn begin(&mut self, view: &View<'_>) {
        if let Self::Assigned(assignment) = self {
            assignment.begin(view);
        }
    }

    /// True if a job may wait while an accelerator is idle.
    #[must_use]
    pub const fn waits(&self) -> bool {
        matches!(self, Self::Fastest | Self::Assigned(_))
    }

    /// True if a job could run on an accelerator, were it idle.
    #[must_use]
    pub fn admits(&self, view: &View<'_>, job: &Job, accelerator: AcceleratorId) -> bool {
        match self {
            Self::Fastest => view.remaining(job, accelerator) == view.least_remaining(job),
            Self::Assigned(assignment) => assignment.of(job.task) == Some(accelerator),
            Self::FastestIdle | Self::FirstIdle | Self::LeastEnergy => true,
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
        let mut places = view.free.iter().filter_map(|accelerator| {
            let (count, class) = units.choose(view, job, *accelerator)?;
            Some((*accelerator, count, class))
        });
        let place = match self {
            Self::FirstIdle => places.next(),
            Self::FastestIdle => {
                places.min_by_key(|(.., class)| view.profile.remaining(job.model, job.progress, *class))
            }
            Self::LeastEnergy => places.min_by_key(|(.., class)| energy(view, job, *class, extent)),
            Self::Fastest | Self::Assigned(_) => {
                places.find(|(accelerator, ..)| self.admits(view, job, *accelerator))
            }
        };
        place.map(|(accelerator, count, _)| (accelerator, count))
    }

    /// The same where no accelerator is divided: any that is free is idle.
    fn place_whole(&self, view: &View<'_>, job: &Job, extent: Extent) -> Option<AcceleratorId> {
        let mut free = view.free.iter().copied();
        match self {
            Self::FirstIdle => free.next(),
            Self::FastestIdle => free.min_by_key(|accelerator| view.remaining(job, *accelerator)),
            Self::LeastEnergy => free.min_by_key(|one| energy(view, job, view.profile.whole(*one), extent)),
            Self::Fastest | Self::Assigned(_) => {
                free.find(|accelerator| self.admits(view, job, *accelerator))
            }
        }
    }
}

/// The energy of the next layers of a job, all of them run.
fn energy(view: &View<'_>, job: &Job, class: ClassId, extent: Extent) -> Energy {
    let (profile, first) = (view.profile, job.progress.layer);
    let layers = profile.layers(job.model);
    let stop = match extent {
        Extent::Layers(count) => first.saturating_add(count.get()).min(layers),
        Extent::Rest => layers,
    };
    (first..stop).map(|layer| profile.energy(job.model, layer, class).total()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Fixture, TaskSketch};

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
        let placed = rule.place(&view, job, extent, UnitRule::All);
        let index = |(accelerator, _): (AcceleratorId, Units)| accelerator.index();
        assert_eq!(placed.map(index), expected, "{rule:?} with {busy:?} busy");
        assert_eq!(rule.has_room(&view, job, UnitRule::All), expected.is_some());
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
}
