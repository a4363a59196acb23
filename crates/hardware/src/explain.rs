//! Accounts of costs for people: tables of costs, and the terms of a layer's cost.
//!
//! No simulation needs them. A cost model that has terms of its own implements [`Explain`]; the costs of any other are
//! accounted for by the parts of their [`Work`]. [`Explainer`] is either of the two.

use std::fmt;
use std::ops::Deref;

use serde::Serialize;

use crate::cost::{Condition, CostError, CostModel, DRAM, LayerOf, Work};

/// One value of a row of costs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Quantity {
    /// A count.
    Integer(u64),
    /// A measure.
    Real(f64),
}

/// Integers as they are; reals in the shortest form that reads back equal.
impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(value) => value.fmt(f),
            Self::Real(value) => value.fmt(f),
        }
    }
}

/// How a cost came about, term by term.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Explanation {
    /// Sections in reading order.
    pub sections: Vec<Section>,
}

/// One table of an [`Explanation`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Section {
    /// What the section explains, with its formula where there is one.
    pub title: String,
    /// Column heads.
    pub header: Vec<String>,
    /// Cells, as many a row as there are heads.
    pub rows: Vec<Vec<String>>,
}

impl Section {
    /// A section; every row has as many cells as `header`.
    #[must_use]
    pub fn new(title: impl Into<String>, header: &[&str], rows: Vec<Vec<String>>) -> Self {
        Self { title: title.into(), header: header.iter().map(|&head| head.to_owned()).collect(), rows }
    }

    /// The cells of a row.
    #[must_use]
    pub fn row(cells: &[&dyn ToString]) -> Vec<String> {
        cells.iter().map(|cell| cell.to_string()).collect()
    }
}

/// A cost model's own account of its costs.
pub trait Explain {
    /// The settings that a table of costs names beside each row, such as the dataflow: column and value.
    fn settings(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// The columns of [`Explain::report`].
    fn columns(&self) -> &'static [&'static str];

    /// The details of a layer's cost under its profile: one value a column, appended to `row`.
    ///
    /// # Errors
    /// [`CostError`] says why the layer cannot run here.
    fn report(&self, layer: LayerOf<'_>, row: &mut Vec<Quantity>) -> Result<(), CostError>;

    /// The terms of a layer's cycles and energy under its profile.
    ///
    /// # Errors
    /// [`CostError`] says why the layer cannot run here.
    fn explanation(&self, layer: LayerOf<'_>) -> Result<Explanation, CostError>;
}

/// The account of a cost model: its own, or one by the parts of its work.
pub enum Explainer<'m> {
    /// The model's own.
    Own(&'m dyn Explain),
    /// By the parts of [`Work`].
    ByWork(ByWork<'m>),
}

impl<'m> Explainer<'m> {
    /// The account that `model` has.
    #[must_use]
    pub fn of(model: &'m dyn CostModel) -> Self {
        model.explain().map_or(Self::ByWork(ByWork(model)), Self::Own)
    }
}

impl<'m> Deref for Explainer<'m> {
    type Target = dyn Explain + 'm;

    fn deref(&self) -> &Self::Target {
        match self {
            Self::Own(own) => *own,
            Self::ByWork(by_work) => by_work,
        }
    }
}

/// The account of a cost model that has none of its own.
pub struct ByWork<'m>(&'m dyn CostModel);

impl ByWork<'_> {
    fn work(&self, layer: LayerOf<'_>) -> Result<Work, CostError> {
        self.0.work(layer, Condition::Profile)
    }
}

impl Explain for ByWork<'_> {
    fn columns(&self) -> &'static [&'static str] {
        &[
            "latency_ps",
            "compute_ps",
            "transfer_ps",
            "exposed_ps",
            "dram_bytes",
            "quanta",
            "energy_pj_mac",
            "energy_pj_l1",
            "energy_pj_l2",
            "energy_pj_dram",
            "energy_pj_static",
            "energy_pj_total",
        ]
    }

    fn report(&self, layer: LayerOf<'_>, row: &mut Vec<Quantity>) -> Result<(), CostError> {
        let work = self.work(layer)?;
        let times = [work.latency(), work.compute, work.transfer, work.exposed];
        row.extend(times.map(|time| Quantity::Integer(time.picoseconds())));
        row.extend([work.traffic[DRAM], work.quanta.into()].map(Quantity::Integer));
        let energy = &work.energy;
        let parts = [energy.mac, energy.l1, energy.l2, energy.dram, energy.r#static, energy.total()];
        row.extend(parts.map(Quantity::Real));
        Ok(())
    }

    fn explanation(&self, layer: LayerOf<'_>) -> Result<Explanation, CostError> {
        let work = self.work(layer)?;
        let energy = &work.energy;
        Ok(Explanation {
            sections: vec![
                time_section(&work),
                Section::new(
                    "Energy",
                    &["part", "pJ"],
                    vec![
                        Section::row(&[&"operations", &energy.mac]),
                        Section::row(&[&"L1", &energy.l1]),
                        Section::row(&[&"L2", &energy.l2]),
                        Section::row(&[&"DRAM", &energy.dram]),
                        Section::row(&[&"static", &energy.r#static]),
                        Section::row(&[&"total", &energy.total()]),
                    ],
                ),
            ],
        })
    }
}

/// The times of a layer's work.
pub(crate) fn time_section(work: &Work) -> Section {
    Section::new(
        "Time: total = max(compute, off-chip transfer) + exposed",
        &["term", "time"],
        vec![
            Section::row(&[&"compute", &work.compute]),
            Section::row(&[&"off-chip transfer", &work.transfer]),
            Section::row(&[&"exposed", &work.exposed]),
            Section::row(&[&"total", &work.latency()]),
        ],
    )
}

#[cfg(test)]
mod tests {
    use rtmm_workload::{Duration, Layer, Operator};

    use super::*;
    use crate::cost::{EnergyParts, SHARED_LEVELS};

    /// All that a model of one's own needs.
    #[derive(Debug)]
    struct Constant;

    impl CostModel for Constant {
        fn work(&self, _: LayerOf<'_>, _: Condition) -> Result<Work, CostError> {
            let mut traffic = [0; SHARED_LEVELS];
            traffic[DRAM] = 64;
            Ok(Work {
                compute: Duration::from_picoseconds(5),
                traffic,
                transfer: Duration::from_picoseconds(7),
                exposed: Duration::from_picoseconds(2),
                energy: EnergyParts { mac: 1.5, dram: 2.0, ..EnergyParts::default() },
                quanta: 3,
            })
        }

        fn identity(&self) -> String {
            "constant".to_owned()
        }
    }

    #[test]
    fn a_model_without_an_account_of_its_own_is_explained_by_its_work() {
        let layer = Layer { name: "any".to_owned(), operator: Operator::Opaque, published: None };
        let explainer = Explainer::of(&Constant);
        let mut row = Vec::new();
        explainer.report((&layer).into(), &mut row).unwrap();
        let values: Vec<String> =
            explainer.columns().iter().zip(&row).map(|(column, value)| format!("{column}={value}")).collect();
        assert_eq!(
            values.join(" "),
            "latency_ps=9 compute_ps=5 transfer_ps=7 exposed_ps=2 dram_bytes=64 quanta=3 energy_pj_mac=1.5 \
             energy_pj_l1=0 energy_pj_l2=0 energy_pj_dram=2 energy_pj_static=0 energy_pj_total=3.5"
        );
        assert!(explainer.settings().is_empty());
        let sections = explainer.explanation((&layer).into()).unwrap().sections;
        assert_eq!(sections[0].rows[3], ["total", "9ps"]);
        assert_eq!(sections[1].rows[5], ["total", "3.5"]);
    }
}
