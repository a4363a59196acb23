//! Networks of MAESTRO: counts, and the model file.

use std::fmt::Write;

use rtmm_workload::Layer;
use serde::Serialize;

use crate::model_file::{comment, keys_of, quoted};

/// A network of MAESTRO.
#[derive(Clone, Debug, PartialEq)]
pub struct MaestroNetwork {
    /// Name in the file.
    pub name: String,
    /// Layers, in the order of the file.
    pub layers: Vec<Layer>,
    /// Multiply-accumulates of an inference.
    pub macs: u64,
    /// Layers with a mapping, which is left out.
    pub dataflows: u64,
}

/// Counts of a network, as the command line prints them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NetworkSummary<'n> {
    /// The format that the network was read from.
    pub kind: &'static str,
    /// Name in the file.
    pub network: &'n str,
    /// Multiply-accumulates of an inference.
    pub macs: u64,
    /// Elements of the weights.
    pub parameters: u64,
    /// Number of layers.
    pub layers: u64,
    /// Layers with a mapping, which is left out.
    pub dataflows: u64,
}

impl MaestroNetwork {
    /// Adds a layer; a name that stands already has a number behind it.
    pub(super) fn add(&mut self, mut layer: Layer, macs: u64) {
        // `input` is what a model file calls the input of a model.
        let is_taken =
            |name: &str, layers: &[Layer]| name == "input" || layers.iter().any(|known| known.name == name);
        let stem = layer.name.clone();
        let mut times = 1_u64;
        while is_taken(&layer.name, &self.layers) {
            times += 1;
            layer.name = format!("{stem}#{times}");
        }
        self.layers.push(layer);
        self.macs = self.macs.saturating_add(macs);
    }

    /// Counts of the network.
    #[must_use]
    pub fn summary(&self) -> NetworkSummary<'_> {
        let parameters = self.layers.iter().map(Layer::parameters);
        NetworkSummary {
            kind: "maestro",
            network: &self.name,
            macs: self.macs,
            parameters: parameters.fold(0, u64::saturating_add),
            layers: self.layers.len() as u64,
            dataflows: self.dataflows,
        }
    }

    /// The network as a model file, whose layers stand alone.
    #[must_use]
    pub fn to_toml(&self, file: &str) -> String {
        let mut text = format!(
            "# Imported from {}, a network of MAESTRO: inputs without padding, as the file has them.\n",
            comment(file)
        );
        // Writing to a string does not fail.
        if self.dataflows > 0 {
            let _ = writeln!(text, "# Mappings of {} layers are left out.", self.dataflows);
        }
        let source = format!("{file}, network {} of MAESTRO", self.name);
        let _ = writeln!(text, "source = {}\nshapes = \"independent\"\nlayer = [", quoted(&source));
        for layer in &self.layers {
            // A network has convolutions and products alone.
            let keys = keys_of(layer).unwrap_or_default();
            let _ = writeln!(text, "  {{ name = {}, {keys} }},", quoted(&layer.name));
        }
        text.push_str("]\n");
        text
    }
}
