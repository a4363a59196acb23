//! Drop rules: when a job is dropped.

use rtmm_workload::parameters::{Choice, Declared, Parameters};

use crate::ids::JobId;
use crate::job::Job;
use crate::parts::{SmartDrop, VariantChoice};
use crate::policy::Notice;
use crate::terms;
use crate::view::View;

/// When a job is dropped. Running jobs never are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DropRule {
    /// Never.
    Never,
    /// When its deadline has passed.
    Late,
    /// When it could not meet its deadline even if the rest of it ran from now on, uninterrupted, on
    /// the accelerator that is fastest for it: when its slack is below zero.
    Infeasible,
    /// When it is lost and that helps another, but not too often.
    Smart(SmartDrop),
}

/// [`DropRule`] before its details are known.
#[derive(Clone, Copy, PartialEq)]
enum Word {
    Never,
    Late,
    Infeasible,
    Smart,
}

impl DropRule {
    /// `drop`.
    const RULE: Choice<Word> = Choice::new(
        "drop",
        "when a job that does not run is dropped",
        Word::Never,
        &[
            ("never", Word::Never),
            ("late", Word::Late),
            ("infeasible", Word::Infeasible),
            ("smart", Word::Smart),
        ],
    );

    /// Its parameters; those of [`SmartDrop`] stand behind the rule.
    pub const PARAMETERS: &[&dyn Declared] =
        &[&Self::RULE, &SmartDrop::WINDOW, &SmartDrop::CAP, &SmartDrop::EXCESS, &SmartDrop::UPSTREAM];

    /// Reads its parameters.
    #[must_use]
    pub fn read(parameters: &Parameters) -> Self {
        match parameters.read(&Self::RULE) {
            Word::Never => Self::Never,
            Word::Late => Self::Late,
            Word::Infeasible => Self::Infeasible,
            Word::Smart => Self::Smart(SmartDrop::read(parameters)),
        }
    }

    /// Learns of the tasks, at the first look at them.
    pub fn begin(&mut self, view: &View<'_>) {
        if let Self::Smart(smart) = self {
            smart.begin(view);
        }
    }

    /// Hears how jobs end.
    pub fn notify(&mut self, notice: &Notice, view: &View<'_>) {
        if let Self::Smart(smart) = self {
            smart.notify(notice, view);
        }
    }

    /// The first job to be dropped: ready ones before waiting ones, each in the order of release, but for
    /// [`DropRule::Smart`], which has an order of its own. A job whose variant is not settled is judged by
    /// the lightest that it could run as.
    ///
    /// One at a time, since the jobs that need its output are dropped with it.
    #[inline]
    #[must_use]
    pub fn next(&self, view: &View<'_>, variants: &VariantChoice) -> Option<JobId> {
        match self {
            Self::Never => None,
            Self::Smart(smart) => smart.next(view, variants),
            Self::Late | Self::Infeasible => self.first_lost(view, variants),
        }
    }

    /// The first job that is late or infeasible.
    fn first_lost(&self, view: &View<'_>, variants: &VariantChoice) -> Option<JobId> {
        let drops = |job: &Job| match self {
            Self::Never | Self::Smart(_) => false,
            Self::Late => terms::is_late(job.deadline, view.now),
            Self::Infeasible => {
                let least = view.profile.least_remaining(variants.lightest(job), job.progress);
                !terms::is_feasible(job.deadline, view.now, least)
            }
        };
        let mut jobs = view.ready().chain(view.waiting());
        jobs.find(|job| drops(job)).map(|job| job.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::Extent;
    use crate::fixture::{Fixture, TaskSketch};
    use crate::job::Progress;
    use crate::parts::{Queue, VariantRule};

    const DEFAULT: VariantChoice = VariantChoice::new(VariantRule::Default, Queue::None);

    #[test]
    fn jobs_are_given_up_when_the_rule_says_so() {
        use DropRule::{Infeasible, Late, Never};
        // 6 us on the slower accelerator, 3 us on the faster one.
        let task = TaskSketch::new("a", &[&[4, 2], &[2, 1]]);
        for (rule, now_us, deadline_us, first_layer, expected) in [
            (Never, 90, 10, 0, false),
            (Late, 10, 10, 0, false),
            (Late, 11, 10, 0, true),
            (Infeasible, 7, 10, 0, false),
            (Infeasible, 8, 10, 0, true),
            (Infeasible, 8, 10, 1, false),
            (Infeasible, 10, 10, 1, true),
        ] {
            let mut fixture = Fixture::new(std::slice::from_ref(&task)).unwrap();
            fixture.set_now(now_us);
            let ready = fixture.ready(0, 0, deadline_us);
            fixture.change(ready, |job| job.progress = Progress::at(first_layer));
            let case = format!("{rule:?} at {now_us}");
            assert_eq!(rule.next(&fixture.view(), &DEFAULT), expected.then_some(ready), "{case}");
        }
    }

    #[test]
    fn waiting_jobs_are_given_up_with_their_whole_model_and_running_ones_never() {
        let mut fixture = Fixture::new(&[TaskSketch::new("a", &[&[4]])]).unwrap();
        let running = fixture.ready(0, 0, 5);
        fixture.run(running, 0, Extent::Rest);
        let waiting = fixture.waiting(0, 0, 5);
        fixture.set_now(1);
        assert_eq!(DropRule::Infeasible.next(&fixture.view(), &DEFAULT), None);
        fixture.set_now(2);
        assert_eq!(DropRule::Infeasible.next(&fixture.view(), &DEFAULT), Some(waiting));
        assert_eq!(DropRule::Late.next(&fixture.view(), &DEFAULT), None);
    }
}
