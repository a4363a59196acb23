//! Accelerators that run only some operators: a cost model that has no cost for the others.

use rtmm_workload::input::{Table, suggestion};
use rtmm_workload::{Model, OperatorKind};

use crate::cost::{Condition, CostError, LayerOf, Unmatched, Work};
use crate::cost_model::{CostModel, Decoded};
use crate::decode::Indivisible;
use crate::explain::{Explain, Explanation, Quantity};
use crate::technology::Price;
use crate::varying::Variation;

/// The operators that an accelerator runs, as its platform file lists them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operators(Vec<OperatorKind>);

impl Operators {
    /// Reads the key `operators` of an accelerator.
    pub(crate) fn decode(table: &Table<'_>) -> Option<Self> {
        let value = table.get("operators")?;
        let items = value.items()?;
        if items.is_empty() {
            let help = "list the operators that the accelerator runs, or remove it if it runs all";
            return value.reject("the list of operators is empty", help);
        }
        let mut kinds: Vec<OperatorKind> = Vec::new();
        for item in &items {
            let Some(word) = item.string() else { continue };
            let Some(kind) = OperatorKind::named(word) else {
                let known: Vec<&str> = OperatorKind::words().collect();
                item.reject::<()>(
                    format!("there is no operator `{word}`"),
                    suggestion(word, "operator", &known),
                );
                continue;
            };
            if kinds.contains(&kind) {
                item.reject::<()>(format!("`{word}` is listed twice"), "keep one of the two");
            }
            kinds.push(kind);
        }
        // The order says nothing.
        kinds.sort_unstable();
        Some(Self(kinds))
    }

    fn words(&self) -> Vec<&'static str> {
        self.0.iter().map(|kind| kind.word()).collect()
    }
}

/// A cost model that has no cost for layers of operators that are not listed.
#[derive(Debug)]
pub struct Restricted {
    of: Box<dyn CostModel>,
    operators: Operators,
}

impl Restricted {
    /// Restricts what was decoded to some operators.
    #[must_use]
    pub fn decoded(of: Decoded, operators: Operators) -> Decoded {
        Decoded { label: of.label, cost_model: Box::new(Self { of: of.cost_model, operators }) }
    }

    fn allow(&self, layer: LayerOf<'_>) -> Result<(), CostError> {
        let kind = layer.layer.kind;
        if self.operators.0.contains(&kind) {
            return Ok(());
        }
        Err(CostError::OperatorNotListed { operator: kind.word(), listed: self.operators.words() })
    }
}

impl CostModel for Restricted {
    fn work(&self, layer: LayerOf<'_>, condition: Condition) -> Result<Work, CostError> {
        self.allow(layer)?;
        self.of.work(layer, condition)
    }

    fn work_of_batch(&self, layer: LayerOf<'_>, batch: u32, condition: Condition) -> Result<Work, CostError> {
        self.allow(layer)?;
        self.of.work_of_batch(layer, batch, condition)
    }

    fn identity(&self) -> String {
        let of = self.of.identity();
        format!(r#"{{"operators":{:?},"of":{of}}}"#, self.operators.words())
    }

    fn depends_on_shape_only(&self) -> bool {
        self.of.depends_on_shape_only()
    }

    fn depends_on_operator_words(&self) -> bool {
        true
    }

    fn depends_on_input(&self) -> bool {
        self.of.depends_on_input()
    }

    fn variation(&self) -> Option<&dyn Variation> {
        self.of.variation()
    }

    fn part(&self, units: u32, of: u32) -> Result<Decoded, Indivisible> {
        Ok(Self::decoded(self.of.part(units, of)?, self.operators.clone()))
    }

    fn unmatched(&self, models: &[Model]) -> Unmatched {
        self.of.unmatched(models)
    }

    fn processing_elements(&self) -> Option<u64> {
        self.of.processing_elements()
    }

    fn prices(&self) -> Vec<Price> {
        self.of.prices()
    }

    fn is_calibrated(&self) -> bool {
        self.of.is_calibrated()
    }

    fn explain(&self) -> Option<&dyn Explain> {
        self.of.explain().is_some().then_some(self)
    }
}

/// The account of the cost model, of layers that it is asked for. One without an account of its own is explained by its work,
/// which is that of the layers alone.
impl Explain for Restricted {
    fn columns(&self) -> &'static [&'static str] {
        self.of.explain().map_or(&[], Explain::columns)
    }

    fn settings(&self) -> Vec<(&'static str, String)> {
        self.of.explain().map_or_else(Vec::new, Explain::settings)
    }

    fn report(&self, layer: LayerOf<'_>, row: &mut Vec<Quantity>) -> Result<(), CostError> {
        self.allow(layer)?;
        self.of.explain().map_or(Ok(()), |of| of.report(layer, row))
    }

    fn report_of_batch(
        &self,
        layer: LayerOf<'_>,
        batch: u32,
        row: &mut Vec<Quantity>,
    ) -> Result<(), CostError> {
        self.allow(layer)?;
        self.of.explain().map_or(Ok(()), |of| of.report_of_batch(layer, batch, row))
    }

    fn explanation(&self, layer: LayerOf<'_>) -> Result<Explanation, CostError> {
        self.allow(layer)?;
        self.of.explain().map_or_else(|| Ok(Explanation { sections: Vec::new() }), |of| of.explanation(layer))
    }
}
