//! Factors on the costs of layers, log-normal: one of the layer, one of its operator, one of the accelerator.
//!
//! The logarithm of a factor is
//!
//! ```text
//! ln(1 + size) (sqrt(a) z of the layer + sqrt(b) z of the operator + sqrt(c) z of the accelerator),   a + b + c = 1
//! ```
//!
//! of standard normal numbers `z`, so that one standard deviation is a factor of 1 + size, up or down. Each is drawn for each
//! type of accelerator, and correlated between types. Times and energies have factors of their own.
//!
//! A layer is addressed by its operator with its shape where the cost model looks at nothing else, since layers of one shape
//! are wrong alike, and else by the names of model and layer. An accelerator is addressed by the identity of its cost model:
//! those that are alike are wrong alike, on whichever platform they are, and so are the parts of a divided one.

use rtmm_hardware::{ConfigurationId, CostTable, Platform, Rescaling};
use rtmm_workload::{Layer, LayerId, Model, ModelId};

use crate::errors::{Errors, Normal, factor};
use crate::site::{Form, Site};
use crate::size::Size;

/// Quantities that have errors of their own.
const QUANTITIES: [&str; 2] = ["time", "energy"];

/// The factors of all layers in all forms of a site.
pub(super) struct Factors {
    /// By form.
    forms: Vec<OfForm>,
}

struct OfForm {
    /// By model: its first row.
    starts: Vec<usize>,
    /// By configuration: its type.
    type_of: Vec<usize>,
    types: usize,
    /// A row a layer, a column a type: by quantity.
    terms: Vec<[Terms; 2]>,
}

/// The numbers of a layer, its operator and the accelerator, each with its weight.
struct Terms([(f64, Normal); 3]);

impl Terms {
    fn at(&self, draw: u32) -> f64 {
        self.0
            .iter()
            .filter(|(weight, _)| *weight > 0.0)
            .map(|(weight, normal)| weight * normal.at(draw))
            .sum()
    }
}

impl Factors {
    /// The factors of a site; `axis` tells draws of one axis from those of others.
    pub(super) fn new(site: &Site<'_>, errors: Errors, axis: &str) -> Self {
        Self { forms: site.forms.iter().map(|form| OfForm::new(form, &site.models, errors, axis)).collect() }
    }

    /// The costs of a form in a draw at a size.
    pub(super) fn table(&self, form: &Form, index: usize, draw: u32, size: Size) -> CostTable {
        let of = &self.forms[index];
        form.table.rescaled(|model, layer, configuration| of.at(model, layer, configuration, draw, size))
    }
}

impl OfForm {
    fn new(form: &Form, models: &[Model], errors: Errors, axis: &str) -> Self {
        let (type_of, identities) = types(&form.platform);
        let weights = errors.spread.variances().map(f64::sqrt);
        let mut starts = Vec::with_capacity(models.len());
        let mut terms = Vec::new();
        for model in models {
            starts.push(terms.len() / identities.len().max(1));
            for layer in &model.layers {
                for (identity, by_shape) in &identities {
                    let of = |quantity: &str| {
                        let normal = |kind: &str, what: &str| {
                            errors.normal(&format!("{axis}/{quantity}/{kind}/{what}"), identity)
                        };
                        Terms([
                            (weights[0], normal("layer", &address(model, layer, *by_shape))),
                            (weights[1], normal("operator", layer.kind.word())),
                            (weights[2], normal("accelerator", "")),
                        ])
                    };
                    terms.push(QUANTITIES.map(of));
                }
            }
        }
        Self { starts, type_of, types: identities.len(), terms }
    }

    fn at(
        &self,
        model: ModelId,
        layer: LayerId,
        configuration: ConfigurationId,
        draw: u32,
        size: Size,
    ) -> Rescaling {
        let row = self.starts[model.index()] + layer.index();
        let [time, energy] = &self.terms[row * self.types + self.type_of[configuration.index()]];
        let of = |terms: &Terms| factor(size.share(), terms.at(draw));
        Rescaling { time: of(time), energy: of(energy) }
    }
}

/// By configuration its type, and by type the identity of its cost model, with true for one that looks at shapes alone. All
/// parts of an accelerator are of the type of the whole.
fn types(platform: &Platform) -> (Vec<usize>, Vec<(String, bool)>) {
    let mut identities: Vec<(String, bool)> = Vec::new();
    let mut type_of: Vec<Option<usize>> = vec![None; platform.configurations.len()];
    for accelerator in &platform.accelerators {
        let whole = &platform.configurations[accelerator.configuration.index()];
        let identity = (whole.identity(), whole.cost_model.depends_on_shape_only());
        let known = identities.iter().position(|known| *known == identity);
        let own = known.unwrap_or_else(|| {
            identities.push(identity);
            identities.len() - 1
        });
        for (_, configuration) in accelerator.configurations() {
            type_of[configuration.index()].get_or_insert(own);
        }
    }
    (type_of.into_iter().map(|own| own.unwrap_or(0)).collect(), identities)
}

fn address(model: &Model, layer: &Layer, by_shape: bool) -> String {
    // Operators are plain numbers and words, which always have a text.
    match serde_json::to_string(&(&layer.operator, layer.precision, &layer.published)) {
        Ok(shape) if by_shape => shape,
        _ => format!("{}/{}", model.name, layer.name),
    }
}
