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
