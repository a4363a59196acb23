//! Layers of a network by their types.

use std::collections::BTreeMap;
use std::ops::Range;

use rtmm_workload::input::{Diagnostic, Source, suggestion};
use rtmm_workload::{Convolution, Gemm, Layer, Operator, Shape};

use super::tokens::Token;

/// Strides of a transposed convolution: MAESTRO puts one zero between two elements of its input.
const TRANSPOSED_STRIDE: u32 = 2;
const TYPES: [&str; 5] = ["CONV", "DSCONV", "NGCONV", "TRCONV", "GEMM"];

/// A number with its place.
#[derive(Clone, Debug)]
pub(super) struct Stated {
    pub value: u32,
    pub range: Range<usize>,
}

/// Numbers by the names of dimensions.
pub(super) type Extents<'s> = BTreeMap<&'s str, Stated>;

/// A layer as the file has it.
pub(super) struct LayerText<'s> {
    pub name: Token<'s>,
    pub kind: Option<Token<'s>>,
    pub stride: Extents<'s>,
    pub dimensions: Extents<'s>,
}

impl LayerText<'_> {
    /// The layer and its multiply-accumulates, if it makes sense.
    pub(super) fn layer(&self, source: &Source) -> Result<(Layer, u64), Diagnostic> {
        let name = self.name.text;
        let at = |range: &Range<usize>, message: String, help: &str| {
            Diagnostic::new(message, source, range.clone()).help(help)
        };
        let Some(kind) = &self.kind else {
            let message = format!("layer `{name}` has no type");
            return Err(at(&self.name.range, message, "add a type, such as Type: CONV"));
        };
        let dimensions: &[&str] = match kind.text {
            "CONV" | "DSCONV" | "TRCONV" => &["N", "K", "C", "R", "S", "Y", "X"],
            "NGCONV" => &["N", "K", "C", "R", "S", "Y", "X", "G"],
            "GEMM" => &["M", "N", "K"],
            other => {
                let message = format!("the type `{other}` of layer `{name}` is not known");
                return Err(at(&kind.range, message, &suggestion(other, "type", &TYPES)));
            }
        };
        let strides: &[&str] = if kind.text == "GEMM" { &[] } else { &["Y", "X"] };
        for (stated, known, what) in
            [(&self.dimensions, dimensions, "dimension"), (&self.stride, strides, "stride")]
        {
            if let Some((unknown, place)) = stated.iter().find(|(name, _)| !known.contains(*name)) {
                let message = format!("a {} has no {what} `{unknown}`", kind.text);
                return Err(at(&place.range, message, &suggestion(unknown, what, known)));
            }
        }
        let need = |dimension: &str| {
            self.dimensions.get(dimension).map(|stated| stated.value).ok_or_else(|| {
                let message = format!("layer `{name}` has no dimension `{dimension}`");
                at(&self.name.range, message, "state it in Dimensions { ... }")
            })
        };
        let one = |extents: &Extents<'_>, name: &str| extents.get(name).map_or(1, |stated| stated.value);
        let (operator, batch) = if kind.text == "GEMM" {
            (Operator::Gemm(Gemm { rows: need("M")?, inner: need("K")?, columns: need("N")? }), 1)
        } else {
            let (outputs, channels) = (need("K")?, need("C")?);
            let groups = match kind.text {
                "DSCONV" => channels,
                "NGCONV" => need("G")?,
                _ => 1,
            };
            let transposed = kind.text == "TRCONV";
            if transposed && let Some(place) = self.stride.values().find(|stride| stride.value > 1) {
                let message = format!("layer `{name}` is transposed and has a stride");
                return Err(at(&place.range, message, "leave it out: MAESTRO doubles the input of a TRCONV"));
            }
            let stride = if transposed {
                [TRANSPOSED_STRIDE; 2]
            } else {
                [one(&self.stride, "Y"), one(&self.stride, "X")]
            };
            let output_channels = outputs.checked_mul(groups).ok_or_else(|| {
                let message = format!("layer `{name}` has more than 2^32 output channels");
                at(&self.name.range, message, "K counts the outputs of one group")
            })?;
            let convolution = Convolution {
                input: Shape { channels, height: need("Y")?, width: need("X")? },
                output_channels,
                kernel: [need("R")?, need("S")?],
                stride,
                padding: [0, 0].into(),
                output_padding: [0, 0],
                dilation: [1, 1],
                groups,
                transposed,
            };
            (Operator::Convolution(convolution), one(&self.dimensions, "N"))
        };
        let layer = Layer { batch, ..Layer::new(name, operator) };
        let macs = layer.macs().and_then(|macs| layer.output().map(|_| macs)).map_err(|error| {
            let help = "correct its dimensions; Y and X are those of the input, with its padding";
            at(&self.name.range, format!("layer `{name}`: {error}"), help)
        })?;
        Ok((layer, macs))
    }
}
