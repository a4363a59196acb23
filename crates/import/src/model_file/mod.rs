//! Model files of imported models: the layers that stand in them, as TOML.
//!
//! Every layer states the shape that it takes, and none is held to its neighbours: branches, views and transposes
//! between them are gone. [`lowering`] says what stands for each layer.

mod lowering;

use std::collections::BTreeSet;
use std::fmt::Write;

use rtmm_workload::{Layer, Operator, OperatorKind, Padding, Shape, ShapeError};
use thiserror::Error;

use crate::layer::ImportedLayer;
use crate::model::ImportedModel;
use lowering::{Piece, pieces};

/// A layer that model files cannot say.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("node `{node}` ({operator}) has {problem}, which a model file cannot say")]
pub struct UnwritableLayer {
    /// First output of the node.
    pub node: String,
    /// Operator of the node.
    pub operator: String,
    /// The property that has no words.
    pub problem: Unsaid,
}

/// Properties of layers that model files cannot say.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unsaid {
    /// More than two spatial dimensions.
    #[error("{0} spatial dimensions")]
    Dimensions(usize),
    /// Padding that crops.
    #[error("a padding of {begin:?} before and {end:?} behind")]
    Padding {
        /// Padding before.
        begin: Vec<i64>,
        /// Padding behind.
        end: Vec<i64>,
    },
    /// Windows with holes.
    #[error("a window with a dilation of {0:?}")]
    Dilation(Vec<u64>),
    /// An extent beyond what a layer may have.
    #[error("an extent of {0}")]
    Extent(u64),
    /// Dimensions that a layer may not have.
    #[error("dimensions of which the project says: {0}")]
    Shape(ShapeError),
}

impl ImportedModel {
    /// The layers as the project has them, in order. Layers without elements are left out; attention is several
    /// layers.
    ///
    /// # Errors
    /// [`UnwritableLayer`] for the first layer that has no such form.
    pub fn to_layers(&self) -> Result<Vec<Layer>, UnwritableLayer> {
        Ok(self.pieces()?.into_iter().map(|(name, piece)| layer(name, &piece)).collect())
    }

    /// The model as a model file, with where it is from and the user's choices at its head.
    ///
    /// # Errors
    /// [`UnwritableLayer`] for the first layer that a model file cannot say.
    pub fn to_toml(&self, file: &str) -> Result<String, UnwritableLayer> {
        let pieces = self.pieces()?;
        let mut text = String::new();
        let mut line = |head: String| {
            text.push_str(&head);
            text.push('\n');
        };
        let producer = if self.producer.is_empty() { "an unknown program" } else { &self.producer };
        line(format!("# Imported from {}, written by {}.", comment(file), comment(producer)));
        line(format!("# Operator set {} of ONNX. Inputs:", self.operator_set));
        for input in &self.inputs {
            line(format!("#   {}", comment(input)));
        }
        if !self.choices.is_empty() {
            line("# Choices:".to_owned());
        }
        for choice in &self.choices {
            line(format!("#   {}", comment(choice)));
        }
        line(format!("# {} multiply-accumulates, {} parameters,", self.macs, self.parameters));
        line(format!("# at most {} bytes of activations at a time.", self.peak_activation_bytes));
        for left_out in &self.unsupported {
            line(format!("# Left out: {} ({})", comment(&left_out.node), comment(&left_out.operator)));
        }
        line(format!("source = {}", quoted(&format!("{file}, written by {producer}"))));
        line("shapes = \"independent\"".to_owned());
        line("layer = [".to_owned());
        for (name, piece) in &pieces {
            line(format!("  {{ name = {}, {} }},", quoted(name), keys(piece)));
        }
        line("]".to_owned());
        Ok(text)
    }

    /// Names that each layer has in the model file: none for one without elements, several for attention.
    ///
    /// # Errors
    /// [`UnwritableLayer`] for the first layer that a model file cannot say.
    pub fn written_names(&self) -> Result<Vec<Vec<String>>, UnwritableLayer> {
        let names = |pieces: Vec<(String, Piece)>| pieces.into_iter().map(|(name, _)| name).collect();
        Ok(self.pieces_by_layer()?.into_iter().map(names).collect())
    }

    /// All pieces with their names, each checked.
    fn pieces(&self) -> Result<Vec<(String, Piece)>, UnwritableLayer> {
        Ok(self.pieces_by_layer()?.into_iter().flatten().collect())
    }

    /// The pieces of each layer.
    fn pieces_by_layer(&self) -> Result<Vec<Vec<(String, Piece)>>, UnwritableLayer> {
        // Layers may not have the name of the model's input.
        let mut names: BTreeSet<String> = BTreeSet::from(["input".to_owned()]);
        let mut all = Vec::new();
        for layer in &self.layers {
            let unwritable = |problem| UnwritableLayer {
                node: layer.name.clone(),
                operator: layer.node_operator.clone(),
                problem,
            };
            let mut of_layer = Vec::new();
            for piece in pieces(&layer.operator).map_err(unwritable)? {
                let name = unique(layer, &piece, &names);
                let checked = self::layer(name.clone(), &piece);
                checked
                    .kernels()
                    .and_then(|_| checked.output())
                    .map_err(|error| unwritable(Unsaid::Shape(error)))?;
                names.insert(name.clone());
                of_layer.push((name, piece));
            }
            all.push(of_layer);
        }
        Ok(all)
    }
}

fn layer(name: String, piece: &Piece) -> Layer {
    let plain = Layer::new(name, piece.operator);
    let kind = OperatorKind::named(piece.keyword).unwrap_or(plain.kind);
    Layer { kind, batch: piece.batch, ..plain }
}

fn unique(layer: &ImportedLayer, piece: &Piece, names: &BTreeSet<String>) -> String {
    let mut name = match piece.part {
        None => layer.name.clone(),
        Some(part) => format!("{}.{part}", layer.name),
    };
    while names.contains(&name) {
        name.push('\'');
    }
    name
}

/// The keys of a table for a convolution or a product that the project has already; none for any other layer.
pub(crate) fn keys_of(layer: &Layer) -> Option<String> {
    let (keyword, input) = match layer.operator {
        Operator::Convolution(convolution) if convolution.transposed => {
            ("transposed-convolution", convolution.input)
        }
        Operator::Convolution(convolution) => ("convolution", convolution.input),
        Operator::Gemm(gemm) => {
            ("fully-connected", Shape { channels: gemm.inner, height: gemm.rows, width: 1 })
        }
        _ => return None,
    };
    Some(keys(&Piece { batch: layer.batch, ..Piece::new(keyword, input, layer.operator) }))
}

/// The keys of a layer's table after its name.
fn keys(piece: &Piece) -> String {
    let mut text = format!("operator = \"{}\", input = ", piece.keyword);
    let shape = |shape: &Shape| format!("[{}, {}, {}]", shape.channels, shape.height, shape.width);
    match piece.inputs.as_slice() {
        [single] => text.push_str(&shape(single)),
        several => text.push_str(&format!("[{}]", several.iter().map(shape).collect::<Vec<_>>().join(", "))),
    }
    let pair = |text: &mut String, name: &str, [vertical, horizontal]: [u32; 2], default: Option<u32>| {
        // Writing to a string does not fail.
        let _ = if vertical != horizontal {
            write!(text, ", {name} = [{vertical}, {horizontal}]")
        } else if default != Some(vertical) {
            write!(text, ", {name} = {vertical}")
        } else {
            Ok(())
        };
    };
    let padding = |text: &mut String, padding: Padding| {
        if padding.is_same() {
            return pair(text, "padding", padding.before, Some(0));
        }
        let [[top, left], [bottom, right]] = [padding.before, padding.after];
        let _ = write!(text, ", padding = [[{top}, {bottom}], [{left}, {right}]]");
    };
    let mut number = |name: &str, value: u32| {
        let _ = write!(text, ", {name} = {value}");
    };
    match (piece.operator, piece.keyword) {
        (Operator::Convolution(convolution), _) => {
            number("channels", convolution.output_channels);
            if convolution.groups > 1 {
                number("groups", convolution.groups);
            }
            pair(&mut text, "kernel", convolution.kernel, None);
            pair(&mut text, "stride", convolution.stride, Some(1));
            padding(&mut text, convolution.padding);
            pair(&mut text, "output_padding", convolution.output_padding, Some(0));
            pair(&mut text, "dilation", convolution.dilation, Some(1));
        }
        (Operator::Gemm(gemm), _) => number("features", gemm.columns),
        (Operator::Recurrent(recurrent), _) => {
            number("hidden", recurrent.hidden);
            if recurrent.bidirectional {
                text.push_str(", bidirectional = true");
            }
        }
        (Operator::Pool(pool), "max-pool" | "average-pool") => {
            pair(&mut text, "kernel", pool.kernel, None);
            pair(&mut text, "stride", pool.stride, None);
            padding(&mut text, pool.padding);
        }
        (Operator::Elementwise(elementwise), "activation") if elementwise.operations != 1 => {
            number("operations", elementwise.operations);
        }
        (Operator::Elementwise(elementwise), "resize") => {
            if elementwise.operations != 1 {
                number("operations", elementwise.operations);
            }
            pair(&mut text, "factor", piece.factor, None);
        }
        _ => {}
    }
    if piece.batch > 1 {
        let _ = write!(text, ", batch = {}", piece.batch);
    }
    text
}

/// A text as TOML has it between quotes.
#[must_use]
pub fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            control if control.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(control));
            }
            plain => quoted.push(plain),
        }
    }
    quoted.push('"');
    quoted
}

/// A text in one line of a comment.
pub(crate) fn comment(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}
