//! Accelerators that run only some operators, or compute in some precisions only: a cost model that has no cost for other layers.

use rtmm_workload::input::{Table, Value, suggestion};
use rtmm_workload::{Layer, Model, OperatorKind, Precision};

use crate::cost::{Condition, CostError, LayerOf, Unmatched, Work};
use crate::cost_model::{CostModel, Decoded, StatedError};
use crate::decode::Indivisible;
use crate::explain::{Explain, Explanation, Quantity};
use crate::technology::Price;
use crate::varying::Variation;

/// The operators that an accelerator runs and the precisions that it computes in, as its platform file lists them; what is
/// not listed at all is not restricted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    operators: Option<Vec<OperatorKind>>,
    precisions: Option<Vec<Precision>>,
}

impl Listed {
    /// Reads the keys `operators` and `precisions` of an accelerator; none where it has neither.
    pub(crate) fn decode(table: &Table<'_>) -> Option<Self> {
        let operators = list(table, "operators", "runs", |item| {
            let word = item.string()?;
            let known: Vec<&str> = OperatorKind::words().collect();
            OperatorKind::named(word).or_else(|| {
                item.reject(format!("there is no operator `{word}`"), suggestion(word, "operator", &known))
            })
        });
        let precisions = list(table, "precisions", "computes in", Precision::decode);
        (operators.is_some() || precisions.is_some()).then_some(Self { operators, precisions })
    }

    fn allow(&self, layer: &Layer) -> Result<(), CostError> {
        if let Some(listed) = &self.operators
            && !listed.contains(&layer.kind)
        {
            let listed = listed.iter().map(|kind| kind.word()).collect();
            return Err(CostError::OperatorNotListed { operator: layer.kind.word(), listed });
        }
        if let (Some(listed), Some(precision)) = (&self.precisions, layer.precision)
            && !listed.contains(&precision)
        {
            let listed = listed.iter().map(|precision| precision.word()).collect();
            return Err(CostError::PrecisionNotListed { precision: precision.word(), listed });
        }
        Ok(())
    }

    /// The keys that are stated, for the identity of the cost model.
    fn identity(&self) -> String {
        let mut text = String::new();
        if let Some(operators) = &self.operators {
            let words: Vec<&str> = operators.iter().map(|kind| kind.word()).collect();
            text.push_str(&format!(r#""operators":{words:?},"#));
        }
        if let Some(precisions) = &self.precisions {
            let words: Vec<&str> = precisions.iter().map(|precision| precision.word()).collect();
            text.push_str(&format!(r#""precisions":{words:?},"#));
        }
        text
    }
}

/// Reads a list of words, each once, and sorts it: the order says nothing.
fn list<W: Copy + Ord>(
    table: &Table<'_>,
    key: &'static str,
    does: &str,
    word: impl Fn(&Value<'_>) -> Option<W>,
) -> Option<Vec<W>> {
    let value = table.get(key)?;
    let items = value.items()?;
    if items.is_empty() {
        let help = format!("list the {key} that the accelerator {does}, or remove it if it {does} all");
        return value.reject(format!("the list of {key} is empty"), help);
    }
    let mut words: Vec<W> = Vec::new();
    for item in &items {
        let Some(known) = word(item) else { continue };
        if words.contains(&known) {
            let text = item.string().unwrap_or_default();
            item.reject::<()>(format!("`{text}` is listed twice"), "keep one of the two");
        }
        words.push(known);
    }
    words.sort_unstable();
    Some(words)
}

/// A cost model that has no cost for layers of operators and precisions that are not listed.
#[derive(Debug)]
pub struct Restricted {
    of: Box<dyn CostModel>,
    listed: Listed,
}

impl Restricted {
    /// Restricts what was decoded to what is listed.
    #[must_use]
    pub fn decoded(of: Decoded, listed: Listed) -> Decoded {
        Decoded { label: of.label, cost_model: Box::new(Self { of: of.cost_model, listed }) }
    }

    fn allow(&self, layer: LayerOf<'_>) -> Result<(), CostError> {
        self.listed.allow(layer.layer)
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
        format!(r#"{{{}"of":{of}}}"#, self.listed.identity())
    }

    fn depends_on_shape_only(&self) -> bool {
        self.of.depends_on_shape_only()
    }

    fn depends_on_operator_words(&self) -> bool {
        self.listed.operators.is_some() || self.of.depends_on_operator_words()
    }

    fn depends_on_input(&self) -> bool {
        self.of.depends_on_input()
    }

    fn variation(&self) -> Option<&dyn Variation> {
        self.of.variation()
    }

    fn part(&self, units: u32, of: u32) -> Result<Decoded, Indivisible> {
        Ok(Self::decoded(self.of.part(units, of)?, self.listed.clone()))
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

    fn stated_error(&self) -> Option<StatedError> {
        self.of.stated_error()
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
