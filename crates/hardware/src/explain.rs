//! Accounts of costs for people: tables of costs, and the terms of a layer's cost.
//!
//! No simulation needs them. A cost model that has terms of its own implements [`Explain`]; the costs of any other are
//! accounted for by the parts of their [`Work`]: [`Explainer`](crate::Explainer) is either of the two.

use std::fmt;

use serde::Serialize;

use crate::cost::{CostError, LayerOf, Work};

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

/// Derivation of a cost, term by term.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Explanation {
    /// Sections in reading order.
    pub sections: Vec<Section>,
}

/// One table of an [`Explanation`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Section {
    /// Subject of the section, with its formula where there is one.
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

    /// The details of a layer's cost for `batch` inferences at once: by default those of the layer with as many times its
    /// inputs. A batch of one is [`Explain::report`].
    ///
    /// # Errors
    /// [`CostError`] says why the layer cannot run so here.
    fn report_of_batch(
        &self,
        layer: LayerOf<'_>,
        batch: u32,
        row: &mut Vec<Quantity>,
    ) -> Result<(), CostError> {
        if batch == 1 {
            return self.report(layer, row);
        }
        let of_all = layer.layer.in_batch(batch);
        self.report(LayerOf { model: layer.model, layer: &of_all }, row)
    }

    /// The terms of a layer's cycles and energy under its profile.
    ///
    /// # Errors
    /// [`CostError`] says why the layer cannot run here.
    fn explanation(&self, layer: LayerOf<'_>) -> Result<Explanation, CostError>;
}

impl Section {
    /// The times of a layer's work.
    pub(crate) fn time(work: &Work) -> Self {
        Self::new(
            "Time: total = max(compute, off-chip transfer) + exposed",
            &["term", "time"],
            vec![
                Self::row(&[&"compute", &work.compute]),
                Self::row(&[&"off-chip transfer", &work.transfer]),
                Self::row(&[&"exposed", &work.exposed]),
                Self::row(&[&"total", &work.latency()]),
            ],
        )
    }

    /// Rows of kernel, repetitions, operations, elements and cycles of the vector kernels of a layer.
    pub(crate) fn vector_unit(rows: Vec<Vec<String>>) -> Self {
        Self::new(
            "Vector unit: cycles = max(ceil(operations / lanes), ceil(elements / bandwidth))",
            &["kernel", "times", "operations", "elements in and out", "cycles"],
            rows,
        )
    }
}
