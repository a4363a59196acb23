//! Pins of tasks on a platform: words become accelerators, and models of pinned tasks become models of their own.
//!
//! Everything that is estimated of a job, and where it may run, follows from its model. So the jobs of a task that may not
//! run on every accelerator run a copy of their model which has costs on the others alone. Copies stand behind all models,
//! one for each model and set of accelerators; without pins there is none.

use std::sync::Arc;

use rtmm_hardware::{CostTable, NoCost, PinnedModel, Platform};
use rtmm_workload::input::suggestion;
use rtmm_workload::{LayerId, Model, ModelId, Pins, Scenario, Task};
use thiserror::Error;

/// Why tasks cannot be pinned as a scenario says, on a platform.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum PinFault {
    /// A word that is no accelerator's.
    #[error(
        "`{key}` of task `{task}` names `{word}`, and platform `{platform}` has no accelerator of this name or kind"
    )]
    UnknownWord {
        /// Name of the task.
        task: String,
        /// The list that has the word: `run_on` or `avoid`.
        key: &'static str,
        /// The word.
        word: String,
        /// Name of the platform.
        platform: String,
        /// The nearest word, or all that there are.
        help: String,
    },
    /// Pins that leave no accelerator.
    #[error("task `{task}` avoids every accelerator of platform `{platform}` that it is to run on")]
    NothingLeft {
        /// Name of the task.
        task: String,
        /// Name of the platform.
        platform: String,
    },
    /// A layer that runs elsewhere alone.
    #[error("task `{task}` is pinned away from what runs all of its layers: {missing}")]
    NoCost {
        /// Name of the task.
        task: String,
        /// The layer, with the reasons of the accelerators that the task may use.
        missing: NoCost,
    },
}

impl PinFault {
    /// The fault with a way out, where there is one to tell.
    #[must_use]
    pub fn told(&self) -> String {
        match self {
            Self::UnknownWord { help, .. } => format!("{self}: {help}"),
            Self::NothingLeft { .. } | Self::NoCost { .. } => self.to_string(),
        }
    }
}

/// A scenario whose pinned tasks run models of their own.
pub(crate) struct Pinned {
    pub scenario: Scenario,
    /// All models, those that are pinned last.
    pub models: Arc<[Model]>,
    pub pinned: Vec<PinnedModel>,
}

impl Pinned {
    /// Resolves the pins of a scenario of these models.
    ///
    /// # Errors
    /// Every fault, in the order of tasks.
    pub fn new(
        scenario: &Scenario,
        models: Arc<[Model]>,
        platform: &Platform,
        table: &CostTable,
    ) -> Result<Self, Vec<PinFault>> {
        let mut scenario = scenario.clone();
        let mut faults = Vec::new();
        let mut pinned: Vec<PinnedModel> = Vec::new();
        for task in scenario.tasks.iter_mut().filter(|task| !task.pins.is_empty()) {
            faults.extend(unknown_words(task, platform));
            let may_use: Vec<bool> = allowed(&task.pins, platform);
            if !may_use.contains(&true) {
                let (task, platform) = (task.name.clone(), platform.name.clone());
                // What names nothing leaves nothing, and was told.
                if faults.is_empty() {
                    faults.push(PinFault::NothingLeft { task, platform });
                }
                continue;
            }
            if !may_use.contains(&false) {
                continue;
            }
            faults.extend(layers_without_accelerator(task, &models, platform, table));
            for id in &mut task.variants {
                let of = PinnedModel { network: *id, may_use: may_use.clone() };
                let known = pinned.iter().position(|known| *known == of);
                let index = known.unwrap_or_else(|| {
                    pinned.push(of);
                    pinned.len() - 1
                });
                let copy = ModelId::new(models.len() + index);
                if task.model == *id {
                    task.model = copy;
                }
                *id = copy;
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let copies = pinned.iter().map(|of| models[of.network.index()].clone());
        let models = if pinned.is_empty() { models } else { models.iter().cloned().chain(copies).collect() };
        Ok(Self { scenario, models, pinned })
    }
}

/// By accelerator: whether pins allow it.
fn allowed(pins: &Pins, platform: &Platform) -> Vec<bool> {
    platform.accelerators.iter().map(|one| pins.allow(&one.name, &one.kind.word)).collect()
}

fn unknown_words(task: &Task, platform: &Platform) -> Vec<PinFault> {
    let accelerators = || platform.accelerators.iter();
    let known: Vec<&str> = accelerators()
        .map(|one| one.name.as_str())
        .chain(accelerators().map(|one| one.kind.word.as_str()))
        .collect();
    let lists = [("run_on", &task.pins.run_on), ("avoid", &task.pins.avoid)];
    let words = lists.into_iter().flat_map(|(key, words)| words.iter().map(move |word| (key, word)));
    words
        .filter(|(_, word)| !known.contains(&word.as_str()))
        .map(|(key, word)| PinFault::UnknownWord {
            task: task.name.clone(),
            key,
            word: word.clone(),
            platform: platform.name.clone(),
            help: suggestion(word, "accelerator", &known),
        })
        .collect()
}

fn layers_without_accelerator(
    task: &Task,
    models: &[Model],
    platform: &Platform,
    table: &CostTable,
) -> Vec<PinFault> {
    let of_model = |id: &ModelId| {
        let (id, model) = (*id, &models[id.index()]);
        let may_use = |one: &rtmm_hardware::Accelerator| task.pins.allow(&one.name, &one.kind.word);
        let missing = move |layer| table.missing(platform, model, id, LayerId::new(layer), may_use);
        (0..model.layers.len()).filter_map(missing)
    };
    let missing = task.variants.iter().flat_map(of_model);
    missing.map(|missing| PinFault::NoCost { task: task.name.clone(), missing }).collect()
}
