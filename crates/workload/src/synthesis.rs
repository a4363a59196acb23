//! Synthetic sample traces: a statistical model of how sparse the layers of an inference are.
//!
//! For models without recordings, or whose recordings are not public. The trace is
//! synthetic and says so ([`SampleTrace::synthesis`]). `docs/models/sample-traces.md` explains every
//! equation and default. With `logit(x) = ln(x / (1 - x))`, for sample `s` and layer `l`,
//!
//! ```text
//! logit(value[s][l]) = profile[l] + shift(dataset of s) + growth(l) (input_spread u[s] + layer_spread e[s][l])
//! e[s][0] = w[s][0],  e[s][l] = c e[s][l - 1] + sqrt(1 - c^2) w[s][l],  c = correlation
//! growth(l) = 0.85 + 0.4 l / (l + 10)
//! ```
//!
//! `value` is the density of an attention map, or the sparsity of an activation; `u` and `w` are
//! standard normal.
//!
//! What must stay true: every draw is addressed by seed, model, sample and layer. So the same
//! parameters give the same bytes everywhere, samples and layers that are added change none that were
//! there, and one input is as sparse under every pattern of a model's weights.

use std::sync::Arc;

use serde::Serialize;

use crate::layer::{Layer, Operator};
use crate::model::{Model, Pattern};
use crate::random::{Draws, Stream};
use crate::sample_trace::{SampleTrace, Schema};

/// The most cells, samples times layers, of a synthesised trace.
pub const MAX_CELLS: u64 = 10_000_000;
/// Correlation of the profiles of neighbouring attention layers.
const PROFILE_CORRELATION: f64 = 0.8;
/// The layer by which inner activations have come half way from their first to their last sparsity.
const HALF_WAY: f64 = 12.0;
/// The sparsity of an image.
const IMAGE: f64 = 0.005;
/// Contribution of a pruned filter, as a part of that of an average one: the weakest go.
const PRUNED_ACTIVITY: f64 = 0.8;
/// Change of a layer by any pattern of sparse weights, in logits.
const PATTERN_SPREAD: f64 = 0.03;
/// Sparsities and densities keep this far from 1 and from 0.
const MARGIN: f64 = 0.001;
/// The range of load balances.
const BALANCES: [f64; 2] = [0.35, 0.97];

/// The parameters of a synthetic trace.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Synthesis {
    /// Seed of every draw.
    pub seed: u64,
    /// The number of samples.
    pub count: u32,
    /// Standard deviation, in logits, of what all layers of an input have in common.
    pub input_spread: f64,
    /// The same of what a layer has of its own.
    pub layer_spread: f64,
    /// Correlation of neighbouring layers in the part that is their own, in 0..1.
    pub correlation: f64,
    /// Standard deviation, in logits, of layers from the profile of their kind.
    pub profile_spread: f64,
    /// The values to synthesise.
    pub values: Values,
}

/// The values that a synthetic trace holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Values {
    /// Densities of attention maps with load balances: [`Schema::Sanger`].
    Attention(AttentionValues),
    /// Sparsities of activations, without latencies: [`Schema::EyerissV2`].
    Activations(ActivationValues),
}

/// Density of attention maps.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AttentionValues {
    /// Median density of a layer with an average profile.
    pub density: f64,
    /// Load balance of an empty map.
    pub balance_base: f64,
    /// Rise from there to a full map.
    pub balance_slope: f64,
    /// Standard deviation of the balance.
    pub balance_spread: f64,
}

/// Sparsity of activations, by the role of the layer that reads them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ActivationValues {
    /// Input sparsity of a layer within the model: the sparsity of the first, and that which the last approach.
    pub inner: [f64; 2],
    /// Least and largest sparsity of sums of residuals, and of averages over planes.
    pub residual: [f64; 2],
    /// The same of what a fully connected layer reads from another.
    pub fully_connected: [f64; 2],
    /// Which layers read sums of residuals: names, in which `*` stands for anything.
    pub residual_inputs: Vec<String>,
    /// Where the inputs are from, one after the other, then from the first again; none where they are
    /// all alike.
    pub datasets: Vec<Dataset>,
}

/// Inputs that have something in common.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Dataset {
    /// For people.
    pub name: String,
    /// Number of samples from it before the next one's turn; at least 1.
    pub samples: u32,
    /// Additional sparsity of its activations, in logits.
    pub shift: f64,
}

/// Why no trace can be synthesised for a model.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum SynthesisError {
    /// Layers of other kinds, or of several.
    #[error(
        "samples are synthesised for models of attention layers, or of convolutions and fully connected layers, \
         alone: layer `{0}` is something else"
    )]
    Mixed(String),
    /// A pattern of `residual_inputs` names nothing.
    #[error("no layer is called `{0}`")]
    NoSuchLayer(String),
    /// More than [`MAX_CELLS`].
    #[error("{samples} samples of {layers} layers are more than {MAX_CELLS} cells")]
    TooMany {
        /// Samples that were asked for.
        samples: u32,
        /// Layers of the model.
        layers: usize,
    },
    /// Parameters of the other kind of model.
    #[error("the parameters are of the other kind of model")]
    OtherKind,
}

impl Synthesis {
    /// The defaults for a model: which ones follows from its layers.
    ///
    /// # Errors
    /// Its layers are neither all of attention, nor all convolutions and fully connected.
    pub fn for_model(model: &Model, count: u32) -> Result<Self, SynthesisError> {
        Ok(match kind_of(model)? {
            Schema::Sanger => Self {
                seed: 1,
                count,
                input_spread: 0.33,
                layer_spread: 0.3,
                correlation: 0.7,
                profile_spread: 0.3,
                values: Values::Attention(AttentionValues {
                    density: 0.25,
                    balance_base: 0.6,
                    balance_slope: 0.29,
                    balance_spread: 0.05,
                }),
            },
            Schema::EyerissV2 => Self {
                seed: 1,
                count,
                input_spread: 0.16,
                layer_spread: 0.14,
                correlation: 0.75,
                profile_spread: 0.3,
                values: Values::Activations(ActivationValues {
                    inner: [0.4, 0.7],
                    residual: [0.28, 0.52],
                    fully_connected: [0.8, 0.88],
                    residual_inputs: Vec::new(),
                    datasets: Vec::new(),
                }),
            },
        })
    }

    /// The form of the traces that these parameters give.
    #[must_use]
    pub const fn trace_schema(&self) -> Schema {
        match self.values {
            Values::Attention(_) => Schema::Sanger,
            Values::Activations(_) => Schema::EyerissV2,
        }
    }

    /// Name of the trace of a model: the model's name without folders and extension.
    #[must_use]
    pub fn trace_name(model: &Model) -> &str {
        stem_of(&model.name)
    }

    /// The synthetic trace of a model; its draws are those of the model's architecture.
    ///
    /// # Errors
    /// The parameters do not fit the model.
    pub fn trace(&self, model: &Model) -> Result<SampleTrace, SynthesisError> {
        self.check(model)?;
        let layers = model.layers.len();
        let stem = stem_of(&model.name);
        let address = model.sparsity.architecture.as_deref().unwrap_or(stem);
        let draws = |stream| Draws::new(self.seed, stream, address);
        let (profile, schema) = match &self.values {
            Values::Attention(values) => {
                (self.attention_profile(values, layers, draws(Stream::SampleProfile)), Schema::Sanger)
            }
            Values::Activations(values) => {
                (self.activation_profile(values, model, address), Schema::EyerissV2)
            }
        };
        let cells = layers * self.count as usize;
        let (mut stated, mut detail) = (Vec::with_capacity(cells), Vec::new());
        let (inputs, own) = (draws(Stream::SampleInput), draws(Stream::SampleLayer));
        let balances = draws(Stream::SampleBalance);
        let growths: Vec<f64> = (0..layers).map(growth).collect();
        let step = (1.0 - self.correlation * self.correlation).sqrt();
        for sample in 0..u64::from(self.count) {
            let common = self.input_spread * inputs.normal(sample, 0);
            let shift = match &self.values {
                Values::Attention(_) => 0.0,
                Values::Activations(values) => values.shift(sample),
            };
            let mut deviation = 0.0;
            for (layer, index) in (0..layers).zip(0_u64..) {
                let new = own.normal(sample, index);
                deviation = if layer == 0 { new } else { self.correlation * deviation + step * new };
                let spread = growths[layer] * (common + self.layer_spread * deviation);
                let value = logistic(profile[layer] + shift + spread);
                match &self.values {
                    Values::Attention(values) => {
                        let density = value.clamp(MARGIN, 1.0);
                        let balance = values.balance_base
                            + values.balance_slope * density
                            + values.balance_spread * balances.normal(sample, index);
                        stated.push(rounded(density));
                        detail.push(rounded(balance.clamp(BALANCES[0], BALANCES[1])));
                    }
                    Values::Activations(_) => stated.push(rounded(value.clamp(0.0, 1.0 - MARGIN))),
                }
            }
        }
        let trace = SampleTrace::of_values(stem.to_owned(), schema, layers, stated, detail);
        Ok(trace.synthesised_by(Arc::new(self.clone())))
    }

    /// Checks that the parameters fit the model.
    fn check(&self, model: &Model) -> Result<(), SynthesisError> {
        let is_attention = matches!(self.values, Values::Attention(_));
        if (kind_of(model)? == Schema::Sanger) != is_attention {
            return Err(SynthesisError::OtherKind);
        }
        let (samples, layers) = (self.count, model.layers.len());
        if u64::from(samples) * layers as u64 > MAX_CELLS {
            return Err(SynthesisError::TooMany { samples, layers });
        }
        if let Values::Activations(values) = &self.values {
            for pattern in &values.residual_inputs {
                if !model.layers.iter().any(|layer| matches(pattern, &layer.name)) {
                    return Err(SynthesisError::NoSuchLayer(pattern.clone()));
                }
            }
        }
        Ok(())
    }

    /// Logits of median densities.
    fn attention_profile(&self, values: &AttentionValues, layers: usize, draws: Draws) -> Vec<f64> {
        let step = (1.0 - PROFILE_CORRELATION * PROFILE_CORRELATION).sqrt();
        let mut deviation = 0.0;
        (0..layers)
            .zip(0_u64..)
            .map(|(layer, index)| {
                let new = draws.normal(0, index);
                deviation = if layer == 0 { new } else { PROFILE_CORRELATION * deviation + step * new };
                logit(values.density) + self.profile_spread * deviation
            })
            .collect()
    }

    /// Logits of median sparsities.
    fn activation_profile(&self, values: &ActivationValues, model: &Model, address: &str) -> Vec<f64> {
        let draws = Draws::new(self.seed, Stream::SampleProfile, address);
        let sparsity = &model.sparsity;
        let of_pattern = format!("{address}/{}/{}", sparsity.pattern.name(), sparsity.weights);
        let pattern = Draws::new(self.seed, Stream::SamplePattern, &of_pattern);
        roles(values, &model.layers)
            .into_iter()
            .enumerate()
            .zip(0_u64..)
            .map(|((layer, role), index)| {
                let within =
                    |[least, largest]: [f64; 2]| logit(least + (largest - least) * draws.unit(0, 2 * index));
                let median = match role {
                    Role::Image => return logit(IMAGE),
                    Role::Residual | Role::Average => within(values.residual),
                    Role::FullyConnected => within(values.fully_connected),
                    Role::Inner => {
                        let [first, last] = values.inner;
                        let depth = layer as f64 / (layer as f64 + HALF_WAY);
                        logit(first + (last - first) * depth) + self.profile_spread * draws.normal(0, index)
                    }
                };
                if sparsity.pattern == Pattern::Dense {
                    return median;
                }
                let loses_channels =
                    sparsity.pattern == Pattern::Filter && matches!(role, Role::Inner | Role::Average);
                let kept = if loses_channels { 1.0 - PRUNED_ACTIVITY * sparsity.weights } else { 1.0 };
                logit(1.0 - (1.0 - logistic(median)) * kept) + PATTERN_SPREAD * pattern.normal(0, index)
            })
            .collect()
    }
}

impl ActivationValues {
    /// The shift of the dataset that a sample is from.
    fn shift(&self, sample: u64) -> f64 {
        let round: u64 = self.datasets.iter().map(|dataset| u64::from(dataset.samples)).sum();
        let Some(mut position) = sample.checked_rem(round) else { return 0.0 };
        for dataset in &self.datasets {
            match position.checked_sub(dataset.samples.into()) {
                Some(behind) => position = behind,
                None => return dataset.shift,
            }
        }
        0.0
    }
}

/// Input of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// The model's input.
    Image,
    /// A sum of residuals: what is added is rarely all zero.
    Residual,
    /// Averages over whole planes.
    Average,
    /// Another fully connected layer's output.
    FullyConnected,
    /// Anything else within the model.
    Inner,
}

fn roles(values: &ActivationValues, layers: &[Layer]) -> Vec<Role> {
    let role = |(index, layer): (usize, &Layer)| {
        let Some(before) = index.checked_sub(1).map(|before| &layers[before]) else { return Role::Image };
        if values.residual_inputs.iter().any(|pattern| matches(pattern, &layer.name)) {
            return Role::Residual;
        }
        match (inputs_if_connected(layer), inputs_if_connected(before)) {
            (Some(_), Some(_)) => Role::FullyConnected,
            (Some(inputs), None) if channels_out(before) == Some(inputs) => Role::Average,
            _ => Role::Inner,
        }
    };
    layers.iter().enumerate().map(role).collect()
}

/// Number of values that a fully connected layer reads; none for other layers.
fn inputs_if_connected(layer: &Layer) -> Option<u32> {
    match layer.operator {
        Operator::Gemm(gemm) => Some(gemm.inner),
        Operator::Convolution(convolution) => {
            let is_single = [convolution.input.height, convolution.input.width] == [1, 1];
            (is_single && convolution.kernel == [1, 1]).then_some(convolution.input.channels)
        }
        _ => None,
    }
}

fn channels_out(layer: &Layer) -> Option<u32> {
    layer.output().ok().map(|shape| shape.channels)
}

/// Which schema the layers of a model have traces in.
fn kind_of(model: &Model) -> Result<Schema, SynthesisError> {
    let of = |layer: &Layer| match layer.operator {
        Operator::Attention(_) => Some(Schema::Sanger),
        Operator::Convolution(_) | Operator::Gemm(_) => Some(Schema::EyerissV2),
        _ => None,
    };
    let first = model.layers.first().and_then(of);
    let other = model.layers.iter().find(|layer| of(layer).is_none() || of(layer) != first);
    match (first, other) {
        (Some(kind), None) => Ok(kind),
        (_, other) => Err(SynthesisError::Mixed(other.map_or_else(String::new, |layer| layer.name.clone()))),
    }
}

/// The last part of a name or path, up to its first dot.
fn stem_of(name: &str) -> &str {
    name.rsplit(['/', '\\']).next().unwrap_or_default().split('.').next().unwrap_or_default()
}

/// True if a name is what a pattern says, in which `*` stands for any text.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut name) = name.strip_prefix(start) else { return false };
    let mut rest = rest;
    while let Some((part, behind)) = rest.split_once('*') {
        let Some(at) = name.find(part) else { return false };
        (name, rest) = (&name[at + part.len()..], behind);
    }
    name.ends_with(rest)
}

fn growth(layer: usize) -> f64 {
    0.85 + 0.4 * layer as f64 / (layer as f64 + 10.0)
}

fn logit(value: f64) -> f64 {
    let value = value.clamp(1e-6, 1.0 - 1e-6);
    libm::log(value / (1.0 - value))
}

fn logistic(logit: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-logit))
}

/// To six decimals, as files state values.
fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::{Attention, Convolution, Gemm, Shape};
    use crate::model::Shapes;

    fn model_of(operators: Vec<Operator>) -> Model {
        let layer = |(index, operator)| Layer::new(format!("layer{index}"), operator);
        let layers = operators.into_iter().enumerate().map(layer).collect();
        Model::of_layers("tests/net.toml".to_owned(), "a test".to_owned(), Shapes::Independent, layers)
    }

    fn attention(layers: usize) -> Model {
        let operator = Attention { embedding: 768, heads: 12, queries: 512, keys: 512 };
        model_of(vec![Operator::Attention(operator); layers])
    }

    fn convolution(channels: u32, output_channels: u32) -> Operator {
        Operator::Convolution(Convolution {
            input: Shape { channels, height: 8, width: 8 },
            output_channels,
            kernel: [3, 3],
            stride: [1, 1],
            padding: [1, 1].into(),
            output_padding: [0, 0],
            dilation: [1, 1],
            groups: 1,
            transposed: false,
        })
    }

    fn connected(inner: u32, columns: u32) -> Operator {
        Operator::Gemm(Gemm { rows: 1, inner, columns })
    }

    fn network(convolutions: usize) -> Model {
        let mut operators = vec![convolution(3, 16)];
        operators.resize(convolutions, convolution(16, 16));
        operators.extend([connected(16, 100), connected(100, 10)]);
        model_of(operators)
    }

    fn trace(model: &Model, change: impl FnOnce(&mut Synthesis)) -> SampleTrace {
        let mut synthesis = Synthesis::for_model(model, 50).expect("a kind that can be synthesised");
        change(&mut synthesis);
        synthesis.trace(model).expect("a trace")
    }

    fn values(synthesis: &mut Synthesis) -> &mut ActivationValues {
        match &mut synthesis.values {
            Values::Activations(values) => values,
            Values::Attention(_) => panic!("the model has convolutions"),
        }
    }

    #[test]
    fn more_samples_and_more_layers_change_none_that_were_there() {
        for [small, large] in [[attention(5), attention(9)], [network(5), network(9)]] {
            let few = trace(&small, |_| {});
            let many = trace(&large, |synthesis| synthesis.count = 80);
            assert_eq!((few.len(), many.len()), (50, 80));
            for (sample, layer) in (0..50).flat_map(|sample| (0..5).map(move |layer| (sample, layer))) {
                assert_eq!(few.at(sample, layer), many.at(sample, layer), "{sample} {layer}");
            }
            assert_ne!(few.values(), trace(&small, |synthesis| synthesis.seed = 2).values());
        }
    }

    #[test]
    fn a_made_up_trace_says_so_and_reads_back() {
        let made_up = trace(&attention(3), |_| {});
        assert_eq!((made_up.name.as_str(), made_up.schema), ("net", Schema::Sanger));
        assert_eq!(made_up.synthesis().map(|synthesis| synthesis.count), Some(50));
        let source = crate::input::Source::new("net.sanger.csv", made_up.to_csv());
        let read = crate::load::sample_trace_of(&source).expect("a trace");
        assert!(read.synthesis().is_none());
        assert_eq!(read.values(), made_up.values());
    }

    #[test]
    fn balances_rise_with_density_and_stay_in_their_range() {
        let trace = trace(&attention(12), |synthesis| synthesis.count = 400);
        let (mut sparse, mut dense) = ((0.0, 0.0), (0.0, 0.0));
        for (sample, layer) in (0..400).flat_map(|sample| (0..12).map(move |layer| (sample, layer))) {
            let (density, balance) = (trace.stated(sample, layer), trace.balance(sample, layer));
            assert!((BALANCES[0]..=BALANCES[1]).contains(&balance) && (MARGIN..=1.0).contains(&density));
            let half = if density < 0.25 { &mut sparse } else { &mut dense };
            *half = (half.0 + balance, half.1 + 1.0);
        }
        assert!(dense.0 / dense.1 > sparse.0 / sparse.1 + 0.03);
    }

    #[test]
    fn roles_follow_from_layers_and_names() {
        let model = model_of(vec![
            convolution(3, 16),
            convolution(16, 16),
            convolution(16, 32),
            connected(32, 100),
            connected(100, 10),
        ]);
        let mut synthesis = Synthesis::for_model(&model, 1).expect("a kind that can be synthesised");
        let of = |values: &ActivationValues| roles(values, &model.layers);
        let [image, inner, last] = [Role::Image, Role::Inner, Role::FullyConnected];
        assert_eq!(of(values(&mut synthesis)), [image, inner, inner, Role::Average, last]);
        values(&mut synthesis).residual_inputs = vec!["l*2".to_owned(), "layer3".to_owned()];
        assert_eq!(of(values(&mut synthesis)), [image, inner, Role::Residual, Role::Residual, last]);
        assert!(synthesis.trace(&model).is_ok());
        values(&mut synthesis).residual_inputs = vec!["conv*".to_owned()];
        assert_eq!(synthesis.trace(&model), Err(SynthesisError::NoSuchLayer("conv*".to_owned())));
        // What a flattened plane gives is as sparse as the plane.
        let flattened = model_of(vec![convolution(3, 16), connected(16 * 64, 10)]);
        assert_eq!(roles(values(&mut synthesis), &flattened.layers), [image, inner]);
    }

    #[test]
    fn patterns_match_as_they_say() {
        for (pattern, name, is_match) in [
            ("fc", "fc", true),
            ("fc", "fc1", false),
            ("*", "", true),
            ("layer*.conv1", "layer1.0.conv1", true),
            ("layer*.conv1", "layer1.0.conv2", false),
            ("layer*.conv1", "layer.conv1", true),
            ("a*a", "a", false),
            ("*b*d", "abcd", true),
            ("*d*b", "abcd", false),
        ] {
            assert_eq!(matches(pattern, name), is_match, "{pattern} {name}");
        }
    }

    #[test]
    fn weights_without_filters_make_activations_sparser_and_other_patterns_hardly() {
        let mean = |model: &Model, layer| trace(model, |_| {}).mean_sparsity(layer);
        let dense = network(6);
        let mut pruned = dense.clone();
        pruned.sparsity.weights = 0.5;
        for pattern in [Pattern::Unstructured, Pattern::Block] {
            pruned.sparsity.pattern = pattern;
            for layer in 0..8 {
                assert!((mean(&pruned, layer) - mean(&dense, layer)).abs() < 0.03);
            }
        }
        pruned.sparsity.pattern = Pattern::Filter;
        for layer in [1, 3, 5, 6] {
            // Half of the filters gave 40 % of what was not zero.
            let kept = (1.0 - mean(&pruned, layer)) / (1.0 - mean(&dense, layer));
            assert!((kept - 0.6).abs() < 0.06, "{layer}: {kept}");
        }
        assert!((mean(&pruned, 0) - mean(&dense, 0)).abs() < 0.01);
    }

    #[test]
    fn datasets_take_turns() {
        let model = network(6);
        let of = |name: &str, samples, shift| Dataset { name: name.to_owned(), samples, shift };
        let made_up = trace(&model, |synthesis| {
            synthesis.count = 70;
            values(synthesis).datasets = vec![of("light", 20, 0.0), of("dark", 10, 1.0)];
        });
        let plain = trace(&model, |synthesis| synthesis.count = 70);
        for sample in 0..70 {
            let is_dark = matches!(sample % 30, 20..30);
            assert_eq!(made_up.sparsity(sample, 3) > plain.sparsity(sample, 3), is_dark, "{sample}");
        }
    }

    #[test]
    fn models_of_other_layers_are_refused() {
        let mixed = model_of(vec![convolution(3, 4), attention(1).layers[0].operator]);
        assert_eq!(Synthesis::for_model(&mixed, 1), Err(SynthesisError::Mixed("layer1".to_owned())));
        let opaque = model_of(vec![Operator::Opaque]);
        assert_eq!(Synthesis::for_model(&opaque, 1), Err(SynthesisError::Mixed("layer0".to_owned())));
        let of_attention = Synthesis::for_model(&attention(2), 1).expect("a kind that can be synthesised");
        assert_eq!(of_attention.trace(&network(2)), Err(SynthesisError::OtherKind));
        let many = Synthesis { count: u32::MAX, ..of_attention };
        assert!(matches!(many.trace(&attention(2)), Err(SynthesisError::TooMany { .. })));
    }
}
