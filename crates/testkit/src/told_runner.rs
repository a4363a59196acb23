//! A runner whose cells give what a function says.

use rtmm_sweep::plan::{Cell, Plan};
use rtmm_sweep::runner::{
    Better, CellResult, CellRunner, Column, ColumnKind, Prepared, RunError, RunnerSpec,
};

/// Function from a cell to its result.
pub type Give = fn(&Plan<'_>, &Cell) -> Result<CellResult, RunError>;

/// A runner named `told` whose cells give what a function says.
pub struct Told {
    /// Specification of the runner.
    pub spec: RunnerSpec,
    /// The results of its cells.
    pub give: Give,
}

impl CellRunner for Told {
    fn spec(&self) -> &RunnerSpec {
        &self.spec
    }

    fn prepare<'p>(
        &'p self,
        plan: &'p Plan<'_>,
        _pending: &[usize],
    ) -> Result<Box<dyn Prepared + 'p>, RunError> {
        Ok(Box::new(Ready { give: self.give, plan }))
    }
}

struct Ready<'p> {
    give: Give,
    plan: &'p Plan<'p>,
}

impl Prepared for Ready<'_> {
    fn run(&self, cell: &Cell) -> Result<CellResult, RunError> {
        (self.give)(self.plan, cell)
    }
}

/// A summarised column of real numbers.
pub const fn column(name: &'static str, unit: &'static str, better: Option<Better>) -> Column {
    Column { unit, summarised: true, better, ..Column::new(name, ColumnKind::Real, "synthetic, for tests") }
}
