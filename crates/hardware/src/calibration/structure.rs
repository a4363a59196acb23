//! Forms of a calibration: which coefficients depend on the class of a layer.

use std::collections::BTreeMap;

use super::{ComputeUnit, Measurement};

/// The fewest layers of an operator that has coefficients of its own.
const MIN_LAYERS: usize = 4;

/// Three coefficients, and what is added to them for some classes of layers.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Form {
    additions: Vec<Addition>,
}

/// Term that is added to a coefficient for the layers of a class.
#[derive(Clone, Debug, PartialEq)]
struct Addition {
    class: Class,
    to: To,
}

#[derive(Clone, Debug, PartialEq)]
enum Class {
    /// Layers without compute, such as copies.
    WithoutCompute,
    /// Layers of an operator.
    Operator(String),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum To {
    Traffic,
    Launch,
}

impl Class {
    fn has(&self, layer: &Measurement) -> bool {
        match self {
            Self::WithoutCompute => layer.compute == 0.0,
            Self::Operator(name) => layer.operator == *name,
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::WithoutCompute => "without_compute",
            Self::Operator(name) => name,
        }
    }
}

impl Form {
    /// Factors of the coefficients for a layer, over its time.
    pub(super) fn row(&self, layer: &Measurement) -> Vec<f64> {
        let additions = self.additions.iter().map(|Addition { class, to }| match to {
            _ if !class.has(layer) => 0.0,
            To::Traffic => layer.kilobytes,
            To::Launch => 1.0,
        });
        let row = [layer.kilobytes, layer.compute, 1.0].into_iter().chain(additions);
        row.map(|value| value / layer.microseconds).collect()
    }

    /// Names of the coefficients.
    pub(super) fn names(&self, unit: ComputeUnit) -> Vec<String> {
        let compute = match unit {
            ComputeUnit::Kilocycles => "b_us_per_kcycle",
            ComputeUnit::Microseconds => "b_us_per_us",
        };
        let own = [TRAFFIC, compute, LAUNCH].map(str::to_owned);
        let additions = self.additions.iter().map(|Addition { class, to }| match to {
            To::Traffic => format!("{TRAFFIC}:{}", class.name()),
            To::Launch => format!("{LAUNCH}:{}", class.name()),
        });
        own.into_iter().chain(additions).collect()
    }
}

const TRAFFIC: &str = "a_us_per_kb";
const LAUNCH: &str = "c_us";

/// The forms with additions that layers may have, the simpler ones first.
pub(super) fn forms(layers: &[&Measurement]) -> Vec<Form> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for layer in layers {
        *counts.entry(layer.operator.as_str()).or_default() += 1;
    }
    let rare = counts.values().any(|count| *count < MIN_LAYERS);
    let frequent = counts.into_iter().filter(|(_, count)| *count >= MIN_LAYERS);
    // Where every layer is of some class, additions to all of them would be one addition to the coefficient itself.
    let operators = frequent.skip(usize::from(!rare)).map(|(name, _)| Class::Operator(name.to_owned()));
    let partitions = [vec![Class::WithoutCompute], operators.collect()];
    let mut forms = Vec::new();
    for classes in partitions.iter().filter(|classes| !classes.is_empty()) {
        for targets in [&[To::Launch][..], &[To::Traffic], &[To::Launch, To::Traffic]] {
            let of_target = |to: &To| {
                let to = *to;
                classes.iter().map(move |class| Addition { class: class.clone(), to })
            };
            forms.push(Form { additions: targets.iter().flat_map(of_target).collect() });
        }
    }
    forms
}
