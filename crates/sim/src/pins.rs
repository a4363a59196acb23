//! Pins of tasks on a platform: words become accelerators, and models of pinned tasks become models of their own.
//!
//! Everything that is estimated of a job, and where it may run, follows from its model. So the jobs of a task that may not
//! run on every accelerator run a copy of their model which has costs on the others alone. Copies stand behind all models,
//! one for each model and set of accelerators; without pins there is none.

use std::sync::Arc;

use rtmm_hardware::{CostTable, NoCost, PinnedModel, Platform};
use rtmm_workload::input::{nearest, suggestion};
use rtmm_workload::{LayerId, Model, ModelId, Pins, Scenario, Task};
use thiserror::Error;

/// Why tasks cannot be pinned as a scenario says, on a platform.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum PinFault {
    /// A word of `run_on` that is no accelerator's.
    #[error(
        "`run_on` of task `{task}` names `{word}`, and platform `{platform}` has no accelerator of this name or kind"
    )]
    UnknownWord {
        /// Name of the task.
        task: String,
        /// The word.
        word: String,
        /// Name of the platform.
        platform: String,
        /// The nearest word, or all that there are.
        help: String,
    },
    /// A word that is the name of one accelerator and the kind of another.
    #[error(
        "`{key}` of task `{task}` names `{word}`, which on platform `{platform}` is the name of one accelerator and the kind \
         of `{other}`"
    )]
    Ambiguous {
        /// Name of the task.
        task: String,
        /// The list that has the word: `run_on` or `avoid`.
        key: &'static str,
        /// The word.
        word: String,
        /// Name of the platform.
        platform: String,
        /// Name of the first other accelerator of this kind.
        other: String,
    },
    /// Pins that leave no accelerator.
    #[error("task `{task}` avoids every accelerator of platform `{platform}` that it is to run on")]
    NothingLeft {
        /// Name of the task.
        task: String,
        /// Name of the platform.
        platform: String,
    },
    /// Layers that run elsewhere alone.
    #[error("task `{task}` is pinned away from what runs {}: {first}", of_layers(*.layers))]
    NoCost {
        /// Name of the task.
        task: String,
        /// The number of layers, of all models that the task may run.
        layers: usize,
        /// The first of them, with the reasons of the accelerators that the task may use.
        first: NoCost,
    },
}

fn of_layers(layers: usize) -> String {
    match layers {
        1 => "one of its layers".to_owned(),
        _ => format!("{layers} of its layers, the first"),
    }
}

impl PinFault {
    /// The fault with a way out, where there is one to tell.
    #[must_use]
    pub fn told(&self) -> String {
        match self {
            Self::UnknownWord { help, .. } => format!("{self}: {help}"),
            Self::Ambiguous { .. } | Self::NothingLeft { .. } | Self::NoCost { .. } => self.to_string(),
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
            let of_words = faults_of_words(task, platform);
            let may_use: Vec<bool> = allowed(&task.pins, platform);
            if !may_use.contains(&true) {
                let (task, platform) = (task.name.clone(), platform.name.clone());
                // What names nothing leaves nothing, and was told.
                if of_words.is_empty() {
                    faults.push(PinFault::NothingLeft { task, platform });
                }
                faults.extend(of_words);
                continue;
            }
            faults.extend(of_words);
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

/// Words of `run_on` that no accelerator has, and words of both lists that mean two things.
fn faults_of_words(task: &Task, platform: &Platform) -> Vec<PinFault> {
    let known = words_of(platform);
    let fault = |key: &'static str, word: &String| {
        let (task, word, platform_name) = (task.name.clone(), word.clone(), platform.name.clone());
        if key == "run_on" && !known.contains(&word.as_str()) {
            let help = suggestion(&word, "accelerator", &known);
            return Some(PinFault::UnknownWord { task, word, platform: platform_name, help });
        }
        let mut accelerators = platform.accelerators.iter();
        let named = accelerators.clone().find(|one| one.name == word)?;
        let other = accelerators.find(|one| one.kind.word == word && one.name != named.name)?.name.clone();
        Some(PinFault::Ambiguous { task, key, word, platform: platform_name, other })
    };
    words_pinned(task).filter_map(|(key, word)| fault(key, word)).collect()
}

/// Every name and every kind of accelerators.
fn words_of(platform: &Platform) -> Vec<&str> {
    let accelerators = || platform.accelerators.iter();
    let kinds = accelerators().map(|one| one.kind.word.as_str());
    accelerators().map(|one| one.name.as_str()).chain(kinds).collect()
}

/// The words of a task's pins, each with the key of its list.
fn words_pinned(task: &Task) -> impl Iterator<Item = (&'static str, &String)> {
    let lists = [("run_on", &task.pins.run_on), ("avoid", &task.pins.avoid)];
    lists.into_iter().flat_map(|(key, words)| words.iter().map(move |word| (key, word)))
}

/// A word of `avoid` that no accelerator of a platform has, and that is nearly the word of one: jobs may run on what they were
/// perhaps to avoid.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error(
    "`avoid` of task `{task}` names `{word}`, and platform `{platform}` has no accelerator of this name or kind: did you mean \
     `{near}`?"
)]
pub struct MisspeltPin {
    /// Name of the task.
    pub task: String,
    /// The word.
    pub word: String,
    /// Name of the platform.
    pub platform: String,
    /// The word that it is near to.
    pub near: String,
}

impl MisspeltPin {
    /// The words of a scenario's tasks that look like misspelt ones. Others that no accelerator has are as they should be:
    /// nothing runs on what is not there.
    #[must_use]
    pub fn all(scenario: &Scenario, platform: &Platform) -> Vec<Self> {
        let known = words_of(platform);
        let of_task = |task: &Task| {
            let near = |word: &String| {
                let near =
                    nearest(word, known.iter().copied()).filter(|_| !known.contains(&word.as_str()))?;
                is_misspelling(word, near).then(|| Self {
                    task: task.name.clone(),
                    word: word.clone(),
                    platform: platform.name.clone(),
                    near: near.to_owned(),
                })
            };
            task.pins.avoid.iter().filter_map(near).collect::<Vec<Self>>()
        };
        scenario.tasks.iter().flat_map(of_task).collect()
    }
}

/// True if a word can be another one with an error, and not a word of its own: `npu` is no error for `gpu`, and `npu1` none
/// for `npu0`.
fn is_misspelling(word: &str, near: &str) -> bool {
    const SHORTEST: usize = 4;
    let letters = |word: &str| -> String {
        word.chars().filter(|letter| !letter.is_ascii_digit()).flat_map(char::to_lowercase).collect()
    };
    word.eq_ignore_ascii_case(near) || (word.chars().count() >= SHORTEST && letters(word) != letters(near))
}

/// The layers of a task's models that none of its accelerators runs, as one fault.
fn layers_without_accelerator(
    task: &Task,
    models: &[Model],
    platform: &Platform,
    table: &CostTable,
) -> Option<PinFault> {
    let of_model = |id: &ModelId| {
        let (id, model) = (*id, &models[id.index()]);
        let may_use = |one: &rtmm_hardware::Accelerator| task.pins.allow(&one.name, &one.kind.word);
        let missing = move |layer| table.missing(platform, model, id, LayerId::new(layer), may_use);
        (0..model.layers.len()).filter_map(missing)
    };
    let mut missing = task.variants.iter().flat_map(of_model);
    let first = missing.next()?;
    Some(PinFault::NoCost { task: task.name.clone(), layers: 1 + missing.count(), first })
}
