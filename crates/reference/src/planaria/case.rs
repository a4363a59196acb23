//! Cases of the scheduler: what every layer takes on every number of subarrays, and which jobs arrive when.

use rtmm_workload::{ModelId, define_index};

use super::error::PlanariaError;

/// The most subarrays of an accelerator.
pub const MAX_SUBARRAYS: u32 = 1024;
/// The highest priority; 1 is the lowest.
pub const MAX_PRIORITY: u32 = 12;
/// The most cycles of a model, and the latest arrival: up to here the scheduler's doubles are whole numbers.
pub const MAX_CYCLES: u64 = 1 << 53;
/// The range of clocks, in MHz.
pub const CLOCK_MHZ: std::ops::RangeInclusive<f64> = 1e-3..=1e6;
/// The range of relative deadlines, in ms.
pub const DEADLINE_MS: std::ops::RangeInclusive<f64> = 1e-9..=1e9;

define_index!(
    /// A job of a case, in the order of arrivals.
    JobIndex
);

/// Tiles of a layer on some number of subarrays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tiles {
    /// Their number, at least 1.
    pub count: u64,
    /// Cycles of each, at least 1.
    pub cycles: u64,
}

/// A layer on 1, 2, ... subarrays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Its name, for reports.
    pub name: String,
    /// Its tiles on one subarray first, then on two, up to all.
    pub tiles: Vec<Tiles>,
}

/// A model as the scheduler sees it: its layers, and how long a job of it may take.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// Its name.
    pub name: String,
    /// Relative deadline of its jobs, in ms.
    pub deadline_ms: f64,
    /// Its layers, in the order in which they run.
    pub layers: Vec<Layer>,
}

/// A job; case files call it a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Job {
    /// The number by which outputs name it.
    pub number: u32,
    /// Its model.
    pub model: ModelId,
    /// Arrival, in cycles.
    pub arrival_cycle: u64,
    /// Priority, from 1 to 12.
    pub priority: u32,
}

/// All that a run needs: an accelerator of equal subarrays, models, and jobs in the order of their arrivals.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    clock_mhz: f64,
    subarrays: u32,
    models: Vec<Model>,
    jobs: Vec<Job>,
}

impl Case {
    /// A case that makes sense.
    ///
    /// # Errors
    /// Numbers outside of their ranges, layers that lack tiles for some number of subarrays, models without layers or of
    /// more than [`MAX_CYCLES`], jobs of models that there are not, of one number, or out of order.
    pub fn new(
        clock_mhz: f64,
        subarrays: u32,
        models: Vec<Model>,
        jobs: Vec<Job>,
    ) -> Result<Self, PlanariaError> {
        let in_range = |what: &'static str, is_in_range: bool| {
            if is_in_range { Ok(()) } else { Err(PlanariaError::OutOfRange { what }) }
        };
        in_range("clock", CLOCK_MHZ.contains(&clock_mhz))?;
        in_range("number of subarrays", (1..=MAX_SUBARRAYS).contains(&subarrays))?;
        for model in &models {
            in_range("relative deadline", DEADLINE_MS.contains(&model.deadline_ms))?;
            check_layers(model, subarrays)?;
        }
        if jobs.is_empty() {
            return Err(PlanariaError::NoJobs);
        }
        let mut numbers = std::collections::BTreeSet::new();
        for (index, job) in jobs.iter().enumerate() {
            let number = job.number;
            in_range("priority", (1..=MAX_PRIORITY).contains(&job.priority))?;
            in_range("arrival", job.arrival_cycle <= MAX_CYCLES)?;
            if job.model.index() >= models.len() {
                return Err(PlanariaError::NoSuchModel { number });
            }
            if !numbers.insert(number) {
                return Err(PlanariaError::SameNumber { number });
            }
            if index > 0 && job.arrival_cycle < jobs[index - 1].arrival_cycle {
                return Err(PlanariaError::Unsorted { number });
            }
        }
        Ok(Self { clock_mhz, subarrays, models, jobs })
    }

    /// Subarrays of the accelerator.
    #[must_use]
    pub fn subarrays(&self) -> u32 {
        self.subarrays
    }

    /// The models.
    #[must_use]
    pub fn models(&self) -> &[Model] {
        &self.models
    }

    /// The jobs in the order of their arrivals.
    #[must_use]
    pub fn jobs(&self) -> &[Job] {
        &self.jobs
    }

    /// The job of an index, which must be one of this case.
    #[must_use]
    pub fn job(&self, index: JobIndex) -> &Job {
        &self.jobs[index.index()]
    }

    /// The model of a job.
    #[must_use]
    pub fn model_of(&self, job: &Job) -> &Model {
        &self.models[job.model.index()]
    }

    /// Cycles from the arrival of a job to its deadline: not rounded, and computed in the program's order.
    #[must_use]
    pub fn relative_deadline_cycles(&self, job: &Job) -> f64 {
        (self.model_of(job).deadline_ms * 1e-3) * (self.clock_mhz * 1e6)
    }
}

/// Cycles of a whole model on a number of subarrays, by the position of the number; none beyond [`MAX_CYCLES`].
pub(super) fn model_cycles(layers: &[Layer], position: usize) -> Option<u64> {
    layers
        .iter()
        .try_fold(0_u64, |sum, layer| {
            let tiles = layer.tiles.get(position)?;
            sum.checked_add(tiles.count.checked_mul(tiles.cycles)?)
        })
        .filter(|cycles| *cycles <= MAX_CYCLES)
}

fn check_layers(model: &Model, subarrays: u32) -> Result<(), PlanariaError> {
    let name = || model.name.clone();
    if model.layers.is_empty() {
        return Err(PlanariaError::NoLayers { model: name() });
    }
    for layer in &model.layers {
        let is_whole = layer.tiles.len() == subarrays as usize
            && layer.tiles.iter().all(|tiles| tiles.count > 0 && tiles.cycles > 0);
        if !is_whole {
            return Err(PlanariaError::Tiles { model: name(), layer: layer.name.clone(), subarrays });
        }
    }
    let is_short = (0..subarrays as usize).all(|position| model_cycles(&model.layers, position).is_some());
    if is_short { Ok(()) } else { Err(PlanariaError::ModelTooLong { model: name() }) }
}
