//! Measurements: rows of every kind that predictors learn from, and the tables that they are read from.
//!
//! The kind of a table follows from its columns. Labels (the measured latencies of pairs and groups) may be absent in
//! rows to predict; solo latencies of pairs are inputs and may not.

mod coefficients;
mod columns;
mod groups;
mod kernels;
mod kind;
mod pairs;
mod power;
mod repeats;
mod rows;
mod solo;
mod utilisation;

pub use coefficients::{Coefficient, LinearCoefficients};
pub use groups::Group;
pub use kernels::{Bound, KernelUse};
pub use kind::FileKind;
pub use pairs::Pair;
pub use power::PowerPoint;
pub(crate) use rows::cells;
pub use rows::{Purpose, Rows, SoloLatencies};
pub use solo::Solo;
pub use utilisation::Utilisation;

use rtmm_workload::input::{Diagnostics, Source};

use crate::Names;
use pairs::Solos;
use repeats::Seen;

/// Measurements of one device, from one or several tables.
#[derive(Clone, Debug, Default)]
pub struct Measurements {
    /// The names of all models.
    pub names: Names,
    /// Latencies of models alone.
    pub solos: Vec<Solo>,
    /// Latencies of two models beside each other.
    pub pairs: Vec<Pair>,
    /// Times of groups of segments.
    pub groups: Vec<Group>,
    /// Power and clock of models alone, as iGniter fits them.
    pub powers: Vec<PowerPoint>,
    /// Coefficients of iGniter's model of a GPU and of its models.
    pub coefficients: Vec<Coefficient>,
    /// Kernels of models alone.
    pub kernels: Vec<KernelUse>,
    /// Utilisation of models alone, on the whole GPU.
    pub utilisations: Vec<Utilisation>,
    /// Published coefficients of gpulet's linear model.
    pub linear: Vec<LinearCoefficients>,
}

impl Measurements {
    /// Reads tables; each is of the kind that its columns say.
    ///
    /// # Errors
    /// Every problem of every table.
    pub fn read(sources: &[Source]) -> Result<Self, Diagnostics> {
        let (read, problems) = Self::read_partly(sources);
        problems.into_result(Some(read))
    }

    /// Reads as much of some tables as can be read, with every problem of every table. What follows from a problem of another
    /// table, such as pairs whose solo latencies could not be read, is no problem of its own.
    #[must_use]
    pub fn read_partly(sources: &[Source]) -> (Self, Diagnostics) {
        let mut read = Self::default();
        let mut problems = Diagnostics::default();
        let mut seen = Seen::new();
        let mut kinds = Vec::with_capacity(sources.len());
        for source in sources {
            match FileKind::of(source) {
                Ok(kind) => kinds.push((kind, source)),
                Err(problem) => problems.push(problem),
            }
        }
        // Pairs may take their solo latencies from another table, wherever that stands.
        kinds.sort_by_key(|(kind, _)| *kind == FileKind::Pairs);
        for (kind, source) in kinds {
            let is_whole = problems.is_empty();
            problems.extend(read.add(kind, source, &mut seen, is_whole));
        }
        (read, problems)
    }

    fn add(&mut self, kind: FileKind, source: &Source, seen: &mut Seen, is_whole: bool) -> Diagnostics {
        match kind {
            FileKind::Solo => solo::read(source, seen, self),
            FileKind::Pairs => {
                let solos = Solos::of(&self.solos, is_whole);
                pairs::read(source, &mut self.names, solos, Purpose::Fit, seen, &mut self.pairs)
            }
            FileKind::Groups => groups::read(source, &mut self.names, Purpose::Fit, seen, &mut self.groups),
            FileKind::Power => power::read(source, seen, self),
            FileKind::Coefficients => coefficients::read(source, seen, self),
            FileKind::LinearCoefficients => coefficients::read_linear(source, seen, self),
            FileKind::Kernels => kernels::read(source, self),
            FileKind::KernelSummary => kernels::read_summary(source, self),
            FileKind::Utilisation => utilisation::read(source, seen, self),
        }
    }

    /// The same without pairs and groups.
    #[must_use]
    pub fn without_rows(&self) -> Self {
        let Self { names, solos, powers, coefficients, kernels, utilisations, linear, .. } = self;
        Self {
            names: names.clone(),
            solos: solos.clone(),
            powers: powers.clone(),
            coefficients: coefficients.clone(),
            kernels: kernels.clone(),
            utilisations: utilisations.clone(),
            linear: linear.clone(),
            pairs: Vec::new(),
            groups: Vec::new(),
        }
    }

    /// The number of rows of all kinds.
    #[must_use]
    pub fn rows(&self) -> usize {
        let Self { names: _, solos, pairs, groups, powers, coefficients, kernels, utilisations, linear } =
            self;
        solos.len()
            + pairs.len()
            + groups.len()
            + powers.len()
            + coefficients.len()
            + kernels.len()
            + utilisations.len()
            + linear.len()
    }

    /// The solo latency that was measured of a model, a batch and a share, in microseconds.
    #[must_use]
    pub fn solo_us(&self, model: crate::ModelKey, batch: u32, share: crate::Share) -> Option<f64> {
        solo::find(&self.solos, model, batch, share).map(|solo| solo.latency_us)
    }
}
