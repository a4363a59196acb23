//! Policies of one closure, for tests that need no more of a policy.

use std::fmt;

use rtmm_scheduler::{Decisions, Interests, Notice, Policy, PolicyError, Truth, View};
use rtmm_workload::Duration;

/// Closure that decides, or that looks at decisions: both append to the list and may take from it.
pub trait Act: FnMut(&View<'_>, &mut Decisions) + Clone + Send + 'static {}

impl<F: FnMut(&View<'_>, &mut Decisions) + Clone + Send + 'static> Act for F {}

/// A policy that a closure decides for. It can be copied, with what the closure holds.
pub fn deciding(act: impl Act) -> impl Policy + 'static {
    Deciding(act)
}

/// Another policy, all of whose decisions a closure looks at, and may change, once they are taken. It can be copied
/// where the other can.
pub fn revised(inner: Box<dyn Policy>, act: impl Act) -> impl Policy + 'static {
    Revised { inner, act }
}

#[derive(Clone)]
struct Deciding<F>(F);

impl<F> fmt::Debug for Deciding<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Deciding")
    }
}

impl<F: Act> Policy for Deciding<F> {
    fn decide(
        &mut self,
        view: &View<'_>,
        _: Option<&Truth<'_>>,
        out: &mut Decisions,
    ) -> Result<(), PolicyError> {
        self.0(view, out);
        Ok(())
    }

    fn boxed_clone(&self) -> Option<Box<dyn Policy>> {
        Some(Box::new(self.clone()))
    }
}

struct Revised<F> {
    inner: Box<dyn Policy>,
    act: F,
}

impl<F> fmt::Debug for Revised<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Revised").field(&self.inner).finish()
    }
}

impl<F: Act> Policy for Revised<F> {
    fn decide(
        &mut self,
        view: &View<'_>,
        truth: Option<&Truth<'_>>,
        out: &mut Decisions,
    ) -> Result<(), PolicyError> {
        self.inner.decide(view, truth, out)?;
        (self.act)(view, out);
        Ok(())
    }

    fn interests(&self) -> Interests {
        self.inner.interests()
    }

    fn notify(&mut self, notice: &Notice, view: &View<'_>) -> Result<(), PolicyError> {
        self.inner.notify(notice, view)
    }

    fn decision_time(&self, view: &View<'_>) -> Result<Duration, PolicyError> {
        self.inner.decision_time(view)
    }

    fn boxed_clone(&self) -> Option<Box<dyn Policy>> {
        Some(Box::new(Self { inner: self.inner.boxed_clone()?, act: self.act.clone() }))
    }
}
