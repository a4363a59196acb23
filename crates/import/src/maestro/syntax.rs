//! Reading of a network: constants, layers, and what is passed over.

use std::collections::BTreeMap;
use std::ops::Range;

use rtmm_workload::input::{Diagnostic, Diagnostics, Source, has_controls, suggestion};

use super::layers::{Extents, LayerText, Stated};
use super::network::MaestroNetwork;
use super::tokens::{Token, Tokens};

/// The most layers of a network.
const MAX_LAYERS: usize = 100_000;

/// Reads a network.
///
/// # Errors
/// What ends the reading, or every layer that makes no sense, each with its place.
pub fn read(source: &Source) -> Result<MaestroNetwork, Diagnostics> {
    let mut reader = Reader {
        tokens: Tokens::of(source),
        constants: BTreeMap::new(),
        network: None,
        dataflows: 0,
        layers: Vec::new(),
    };
    reader.file()?;
    let Some(name) = reader.network else {
        let problem = rtmm_workload::input::problem_with(source, "the file has no `Network`");
        return Err(problem.help("name a network of MAESTRO, such as data/model/vgg16_model.m").into());
    };
    let mut network = MaestroNetwork { name, layers: Vec::new(), macs: 0, dataflows: reader.dataflows };
    let mut problems = Diagnostics::default();
    for layer in &reader.layers {
        match layer.layer(source) {
            Ok((layer, macs)) => network.add(layer, macs),
            Err(problem) => problems.push(problem),
        }
    }
    if reader.layers.is_empty() && problems.is_empty() {
        problems.push(
            rtmm_workload::input::problem_with(source, "the network has no layers").help("add a layer"),
        );
    }
    if problems.is_empty() { Ok(network) } else { Err(problems) }
}

struct Reader<'s> {
    tokens: Tokens<'s>,
    constants: BTreeMap<&'s str, u32>,
    network: Option<String>,
    dataflows: u64,
    layers: Vec<LayerText<'s>>,
}

impl<'s> Reader<'s> {
    fn file(&mut self) -> Result<(), Diagnostic> {
        while let Some(token) = self.tokens.next() {
            match token.text {
                "Constant" => {
                    let name = self.tokens.expect("the name of a constant")?;
                    let value = self.tokens.expect("a number")?;
                    let value = self.number(&value)?;
                    let before = self.constants.insert(name.text, value);
                    if before.is_some_and(|before| before != value) {
                        let message = format!("constant `{}` stands twice, with other numbers", name.text);
                        return Err(self.tokens.problem(&name.range, message, "keep one of the two"));
                    }
                }
                "Network" => self.network(&token)?,
                "Accelerator" => {
                    while self.tokens.expect("`{`")?.text != "{" {}
                    self.tokens.skip_body()?;
                }
                other => {
                    let help = suggestion(other, "declaration", &["Network", "Constant", "Accelerator"]);
                    return Err(self.tokens.problem(
                        &token.range,
                        format!("`{other}` is no declaration"),
                        &help,
                    ));
                }
            }
        }
        Ok(())
    }

    fn network(&mut self, declared: &Token<'s>) -> Result<(), Diagnostic> {
        if self.network.is_some() {
            let help = "write each network in a file of its own";
            return Err(self.tokens.problem(&declared.range, "the file has a second network", help));
        }
        let mut name = self.tokens.expect("the name of the network")?;
        self.network = Some(name.text.to_owned());
        if name.text == "{" {
            self.network = Some("network".to_owned());
        } else {
            self.plain(&name)?;
            self.tokens.open("Network")?;
        }
        loop {
            name = self.tokens.expect("a layer or `}`")?;
            match name.text {
                "}" => return Ok(()),
                "Layer" => self.layer()?,
                other => {
                    let message = format!("`{other}` is no layer");
                    return Err(self.tokens.problem(&name.range, message, "write Layer NAME { ... }"));
                }
            }
        }
    }

    fn layer(&mut self) -> Result<(), Diagnostic> {
        let name = self.tokens.expect("the name of a layer")?;
        self.plain(&name)?;
        self.tokens.open(name.text)?;
        if self.layers.len() >= MAX_LAYERS {
            let message = format!("the network has more than {MAX_LAYERS} layers");
            return Err(self.tokens.problem(&name.range, message, "cut it into several"));
        }
        let mut layer = LayerText { name, kind: None, stride: Extents::new(), dimensions: Extents::new() };
        loop {
            let part = self.tokens.expect("a part of the layer or `}`")?;
            match part.text {
                "}" => break,
                "Type" => layer.kind = Some(self.tokens.expect("the type of the layer")?),
                "Stride" => {
                    self.tokens.open("Stride")?;
                    layer.stride = self.extents()?;
                }
                "Dimensions" => {
                    self.tokens.open("Dimensions")?;
                    layer.dimensions = self.extents()?;
                }
                "Dataflow" => {
                    self.tokens.open("Dataflow")?;
                    self.tokens.skip_body()?;
                    self.dataflows += 1;
                }
                other => {
                    let help = suggestion(other, "part", &["Type", "Stride", "Dimensions", "Dataflow"]);
                    let message = format!("`{other}` is no part of a layer");
                    return Err(self.tokens.problem(&part.range, message, &help));
                }
            }
        }
        self.layers.push(layer);
        Ok(())
    }

    /// Names with their numbers, up to the closing brace.
    fn extents(&mut self) -> Result<Extents<'s>, Diagnostic> {
        let mut extents = Extents::new();
        loop {
            let name = self.tokens.expect("a dimension or `}`")?;
            if name.text == "}" {
                return Ok(extents);
            }
            let token = self.tokens.expect("a number")?;
            let value = self.number(&token)?;
            let range: Range<usize> = name.range.start..token.range.end;
            let before = extents.insert(name.text, Stated { value, range: range.clone() });
            if before.is_some_and(|before| before.value != value) {
                let message = format!("`{}` stands twice, with other numbers", name.text);
                return Err(self.tokens.problem(&range, message, "keep one of the two"));
            }
        }
    }

    /// A number above zero, or a constant.
    fn number(&self, token: &Token<'s>) -> Result<u32, Diagnostic> {
        if let Some(value) = self.constants.get(token.text) {
            return Ok(*value);
        }
        token.text.parse().ok().filter(|value| *value > 0).ok_or_else(|| {
            let message = format!("`{}` is no whole number above zero, and no constant", token.text);
            self.tokens.problem(&token.range, message, "write a number, or state `Constant NAME N` before")
        })
    }

    /// Refuses a brace or a control character in place of a name.
    fn plain(&self, name: &Token<'s>) -> Result<(), Diagnostic> {
        if "{}".contains(name.text) || has_controls(name.text) {
            let help = "name it with letters, digits and signs";
            return Err(self.tokens.problem(&name.range, "this is no name", help));
        }
        Ok(())
    }
}
