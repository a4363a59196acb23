//! The runners by name.

use std::fmt;
use std::sync::{Arc, LazyLock};

use rtmm_sweep::runner::CellRunner;

use crate::engine::Engine;
use crate::xrbench::XrbenchReference;

/// Runners, by which sweep files name them. A value: [`Runners::built_in`] has those of this project,
/// [`Runners::with`] adds one.
#[derive(Clone)]
pub struct Runners {
    runners: Vec<Arc<dyn CellRunner>>,
}

impl Runners {
    /// The runners of this project.
    #[must_use]
    pub fn built_in() -> &'static Self {
        static BUILT_IN: LazyLock<Runners> = LazyLock::new(|| Runners {
            runners: vec![Arc::new(Engine::built_in().clone()), Arc::new(XrbenchReference::new())],
        });
        &BUILT_IN
    }

    /// The same runners with one more, which takes the place of the one of its name if there is one: such as an
    /// [`Engine`] that knows more policies.
    #[must_use]
    pub fn with(&self, runner: impl CellRunner + 'static) -> Self {
        let mut runners = self.runners.clone();
        let place = runners.iter().position(|known| known.spec().name == runner.spec().name);
        match place {
            Some(place) => runners[place] = Arc::new(runner),
            None => runners.push(Arc::new(runner)),
        }
        Self { runners }
    }

    /// All runners, in their order.
    #[must_use]
    pub fn list(&self) -> Vec<&dyn CellRunner> {
        self.runners.iter().map(AsRef::as_ref).collect()
    }
}

/// The names.
impl fmt::Debug for Runners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.runners.iter().map(|runner| &runner.spec().name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use rtmm_hardware::CostModelRegistry;
    use rtmm_scheduler::PolicyRegistry;

    use super::*;

    #[test]
    fn a_runner_takes_the_place_of_the_one_of_its_name() {
        let mut mine = PolicyRegistry::built_in().get("edf").unwrap().clone();
        mine.name = "mine".into();
        let policies = PolicyRegistry::built_in().with(mine).unwrap();
        let engine = Engine::new(policies, CostModelRegistry::built_in().clone());
        let runners = Runners::built_in().with(engine);
        assert_eq!(format!("{runners:?}"), format!("{:?}", Runners::built_in()));
        let knows = |runners: &Runners| runners.list()[0].spec().policy("mine").is_some();
        assert_eq!((knows(&runners), knows(Runners::built_in())), (true, false));
    }
}
