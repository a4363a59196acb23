//! Columns of costs: those that all cost models have in common, then the details of each.
//!
//! The common ones are of one definition and one unit whatever the model, so that accelerators of different models stand
//! in one table. A detail that a model does not have is blank in its rows.

use std::fmt;

use rtmm_hardware::{Condition, CostError, DRAM, Explainer, LayerOf, Quantity, Work};

use super::Target;

/// The columns in common.
pub(super) const COMMON: [&str; 5] = ["latency_us", "energy_uj", "utilisation", "macs", "dram_bytes"];

/// Picoseconds of a microsecond, and picojoules of a microjoule.
const MILLION: f64 = 1e6;
/// Picoseconds of a second.
const PICOSECONDS: f64 = 1e12;

/// The columns of a table of costs behind those that name the layer.
pub(super) struct Columns {
    /// True if the columns in common stand first.
    pub has_common: bool,
    /// Names of details, in the order in which the accelerators have them first.
    pub details: Vec<&'static str>,
    /// True if a detail is a number wherever it is.
    pub is_number: Vec<bool>,
}

impl Columns {
    /// The columns of some accelerators.
    pub(super) fn of(targets: &[Target], has_common: bool) -> Self {
        let mut columns = Self { has_common, details: Vec::new(), is_number: Vec::new() };
        for target in targets {
            let explainer = target.explainer();
            for (name, value) in explainer.settings() {
                columns.add(name, value.parse::<f64>().is_ok());
            }
            explainer.columns().iter().for_each(|name| columns.add(name, true));
        }
        columns
    }

    fn add(&mut self, name: &'static str, is_number: bool) {
        if self.has_common && COMMON.contains(&name) {
            return;
        }
        match self.details.iter().position(|known| *known == name) {
            Some(known) => self.is_number[known] &= is_number,
            None => {
                self.details.push(name);
                self.is_number.push(is_number);
            }
        }
    }

    /// The heads of all columns.
    pub(super) fn heads(&self) -> impl Iterator<Item = &'static str> {
        let common = if self.has_common { &COMMON[..] } else { &[] };
        common.iter().copied().chain(self.details.iter().copied())
    }
}

/// Costs of layers on one accelerator, as cells.
pub(super) struct Costing<'t> {
    target: &'t Target,
    batch: u32,
    explainer: Explainer<'t>,
    has_common: bool,
    settings: Vec<String>,
    /// Of each detail: its place among the settings and then the values; none for one that the model does not have.
    places: Vec<Option<usize>>,
    values: Vec<Quantity>,
}

impl<'t> Costing<'t> {
    /// Costs of `batch` inferences at once.
    pub(super) fn new(target: &'t Target, batch: u32, columns: &Columns) -> Self {
        let explainer = target.explainer();
        let (names, settings): (Vec<&str>, Vec<String>) = explainer.settings().into_iter().unzip();
        let all: Vec<&str> = names.into_iter().chain(explainer.columns().iter().copied()).collect();
        let place = |detail: &&str| all.iter().position(|name| name == detail);
        let places = columns.details.iter().map(place).collect();
        let has_common = columns.has_common;
        Self { target, batch, explainer, has_common, settings, places, values: Vec::new() }
    }

    /// Tells each cell of a layer's row behind those that name the layer; a blank one is an empty text.
    pub(super) fn row(
        &mut self,
        layer: LayerOf<'_>,
        mut tell: impl FnMut(Cell<'_>),
    ) -> Result<(), CostError> {
        self.values.clear();
        self.explainer.report_of_batch(layer, self.batch, &mut self.values)?;
        let blank = Cell::Text("");
        if self.has_common {
            let common = Common::of(self.target, layer, self.batch)?;
            tell(Cell::Number(Quantity::Real(common.latency_us())));
            tell(Cell::Number(Quantity::Real(common.energy_uj())));
            tell(common.utilisation.map_or(blank, |part| Cell::Number(Quantity::Real(part))));
            tell(common.macs.map_or(blank, |macs| Cell::Number(Quantity::Integer(macs))));
            tell(Cell::Number(Quantity::Integer(common.dram_bytes())));
        }
        let settings = self.settings.len();
        for place in &self.places {
            tell(match *place {
                None => blank,
                Some(place) if place < settings => Cell::Text(&self.settings[place]),
                Some(place) => Cell::Number(self.values[place - settings]),
            });
        }
        Ok(())
    }
}

/// A cell of a row of costs.
#[derive(Clone, Copy)]
pub(super) enum Cell<'c> {
    Text(&'c str),
    Number(Quantity),
}

impl fmt::Display for Cell<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Number(number) => number.fmt(f),
        }
    }
}

/// Common costs of a layer.
pub(super) struct Common {
    work: Work,
    /// None for a layer of which no dimensions are known.
    pub macs: Option<u64>,
    /// The part of all processing elements' multiply-accumulates that the layer's are; none where there is no number of
    /// processing elements.
    pub utilisation: Option<f64>,
}

impl Common {
    /// Costs of `batch` inferences at once.
    pub(super) fn of(target: &Target, layer: LayerOf<'_>, batch: u32) -> Result<Self, CostError> {
        let work = target.cost_model.work_of_batch(layer, batch, Condition::Profile)?;
        let macs = layer.layer.macs().ok().map(|macs| macs.saturating_mul(batch.into()));
        let utilisation = target.cost_model.processing_elements().zip(macs).map(|(elements, macs)| {
            let cycles = work.latency().picoseconds() as f64 / PICOSECONDS * target.clock_hz as f64;
            let most = elements as f64 * cycles;
            if most > 0.0 { macs as f64 / most } else { 0.0 }
        });
        Ok(Self { work, macs, utilisation })
    }

    pub(super) fn latency_us(&self) -> f64 {
        self.work.latency().picoseconds() as f64 / MILLION
    }

    pub(super) fn energy_uj(&self) -> f64 {
        self.work.energy.total() / MILLION
    }

    pub(super) fn dram_bytes(&self) -> u64 {
        self.work.traffic[DRAM]
    }
}
