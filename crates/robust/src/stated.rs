//! The errors that cost models state of themselves.

use rtmm_hardware::Platform;
use serde::Serialize;

use crate::place::Place;
use crate::size::Size;

/// The greatest error that the cost models of some platforms state, as far as they do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stated {
    /// The error; none where no cost model states one.
    #[serde(rename = "error_percent")]
    pub error: Option<Size>,
    /// Its source, or that of the user who states it.
    pub source: String,
    /// Labels of accelerators whose cost model states none, each once.
    pub without: Vec<String>,
}

impl Stated {
    /// The errors of the platforms of some places.
    #[must_use]
    pub fn of(places: &[Place]) -> Self {
        let mut stated = Self::default();
        places.iter().for_each(|place| stated.add(&place.platform));
        stated
    }

    /// An error that a user knows, in the place of those that cost models state.
    #[must_use]
    pub fn by_user(error: Size) -> Self {
        Self { error: Some(error), source: "stated by the user".to_owned(), without: Vec::new() }
    }

    fn add(&mut self, platform: &Platform) {
        for accelerator in &platform.accelerators {
            let configuration = &platform.configurations[accelerator.configuration.index()];
            match configuration.cost_model.stated_error() {
                Some(error) if self.error.is_none_or(|known| known < Size::near(error.share)) => {
                    self.error = Some(Size::near(error.share));
                    error.source.clone_into(&mut self.source);
                }
                Some(_) => {}
                None if self.without.contains(&configuration.label) => {}
                None => self.without.push(configuration.label.clone()),
            }
        }
    }

    /// For people: the error with its source, and which cost models state none.
    #[must_use]
    pub fn sentence(&self) -> String {
        match (&self.error, self.without.as_slice()) {
            (None, _) => {
                "The error of the cost models is not stated: nothing says how far they are off.".to_owned()
            }
            (Some(error), []) => format!("The cost models state an error of {error} % ({}).", self.source),
            (Some(error), without) => format!(
                "Cost models state an error of {error} % ({}); of {} none is stated.",
                self.source,
                without.iter().map(|label| format!("`{label}`")).collect::<Vec<_>>().join(", ")
            ),
        }
    }
}
