//! Unit rules: the number of units of an accelerator that a job runs on, where runs can divide it.
//!
//! An exclusive accelerator has one unit, and both rules are the same there. The number of units is chosen
//! at every dispatch; a run keeps it to its end.

use rtmm_hardware::{AcceleratorId, ClassId, Units};

use rtmm_workload::parameters::{Choice, Declared, Parameters};

use crate::job::Job;
use crate::view::View;

/// The number of units of an accelerator that a job runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnitRule {
    /// All of them: runs do not divide accelerators.
    All,
    /// The fewest with which the rest of the job is expected to meet its deadline; the most that are free
    /// where it is not expected to meet it with any number of them. Takes a step a class.
    LeastThatFits,
}

impl UnitRule {
    /// `units`.
    const UNITS: Choice<Self> = Choice::new(
        "units",
        "how many units of an accelerator a job runs on, where runs can divide it",
        Self::All,
        &[("all", Self::All), ("least-that-fits", Self::LeastThatFits)],
    )
    .unstated_at_default();

    /// Its parameters.
    pub const PARAMETERS: &[&dyn Declared] = &[&Self::UNITS];

    /// Reads its parameters.
    #[must_use]
    pub fn read(parameters: &Parameters) -> Self {
        parameters.read(&Self::UNITS)
    }

    /// True if an accelerator that has a free unit has as many as the rule takes at the least.
    #[must_use]
    pub fn has_room(self, view: &View<'_>, accelerator: AcceleratorId) -> bool {
        if !view.is_divided() {
            return true;
        }
        let state = &view.accelerators[accelerator.index()];
        match self {
            Self::All => state.is_idle(),
            Self::LeastThatFits => {
                let least = view.profile.classes_of(accelerator).first();
                least.is_some_and(|least| view.profile.class(*least).units <= state.free.count())
            }
        }
    }

    /// The units of an accelerator for a job, and the class that they form; none where too few are free.
    #[must_use]
    pub fn choose(self, view: &View<'_>, job: &Job, accelerator: AcceleratorId) -> Option<(Units, ClassId)> {
        let state = &view.accelerators[accelerator.index()];
        match self {
            Self::All => state.is_idle().then(|| (Units::All, view.profile.whole(accelerator))),
            Self::LeastThatFits => {
                let free = state.free.count();
                let classes = view.profile.classes_of(accelerator).iter().copied();
                let mut chosen = None;
                for class in classes.take_while(|class| view.profile.class(*class).units <= free) {
                    chosen = Some(class);
                    let remaining = view.profile.remaining(job.model, job.progress, class);
                    if view.now.saturating_add(remaining) <= job.deadline {
                        break;
                    }
                }
                let class = chosen?;
                Some((Units::exactly(view.profile.class(class).units)?, class))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Fixture, TaskSketch};

    /// The units that a job is given which is due at `deadline_us`, with `busy` of four units held.
    fn chosen(rule: UnitRule, deadline_us: u64, busy: Option<u32>) -> Option<u32> {
        // 16 us on one unit, 9 on two, 4 on all four.
        let tasks = [TaskSketch::new("a", &[&[8, 5, 2], &[8, 4, 2]])];
        let mut fixture = Fixture::divided(&tasks, &[1, 2, 4]).unwrap();
        if let Some(units) = busy {
            let other = fixture.ready(0, 0, 100);
            fixture.run_on(other, 0, Units::exactly(units).unwrap(), crate::Extent::Rest);
        }
        let job = fixture.ready(0, 0, deadline_us);
        let view = fixture.view();
        let accelerator = AcceleratorId::new(0);
        let choice = rule.choose(&view, view.job(job).unwrap(), accelerator);
        assert_eq!(rule.has_room(&view, accelerator), choice.is_some());
        choice.map(|(units, class)| {
            assert_eq!(units.of(4), view.profile.class(class).units);
            units.of(4)
        })
    }

    #[test]
    fn the_fewest_units_that_keep_the_deadline_are_taken() {
        for (deadline_us, busy, expected) in [
            (16, None, Some(1)),
            (15, None, Some(2)),
            (9, None, Some(2)),
            (8, None, Some(4)),
            (4, None, Some(4)),
            // Late in any case: as many as there are.
            (3, None, Some(4)),
            (8, Some(1), Some(2)),
            (16, Some(2), Some(1)),
            (3, Some(2), Some(2)),
            (16, Some(4), None),
        ] {
            assert_eq!(
                chosen(UnitRule::LeastThatFits, deadline_us, busy),
                expected,
                "{deadline_us} {busy:?}"
            );
        }
        assert_eq!(chosen(UnitRule::All, 16, None), Some(4));
        assert_eq!(chosen(UnitRule::All, 16, Some(1)), None);
    }
}
