//! Layers of an engine, as `--exportLayerInfo` tells them under `--profilingVerbosity=detailed`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::super::{MeasurementError, Part, json};

const HELP: &str =
    "name a file of --exportLayerInfo, of an engine that was built with --profilingVerbosity=detailed";

/// Properties of a layer, as far as they are used.
pub(super) struct LayerInfo {
    /// Operator, such as `CaskConvolution`.
    pub operator: String,
    /// Extents of the first output, where they are known.
    pub output: Option<Vec<u64>>,
    /// Nodes of the model that its metadata name.
    pub nodes: Vec<Part>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object with `Layers`")]
struct File {
    #[serde(rename = "Layers")]
    layers: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object with `Name`")]
struct Layer {
    #[serde(rename = "Name")]
    name: String,
    #[serde(rename = "LayerType", default)]
    operator: String,
    #[serde(rename = "Outputs", default)]
    outputs: Vec<Tensor>,
    #[serde(rename = "Metadata", default)]
    metadata: Value,
}

#[derive(Deserialize)]
struct Tensor {
    #[serde(rename = "Dimensions", default)]
    dimensions: Vec<i64>,
}

/// Layers by their names.
pub(super) fn read(text: &str) -> Result<BTreeMap<String, LayerInfo>, MeasurementError> {
    let file: File = json::read(text, HELP)?;
    let mut layers = BTreeMap::new();
    for (index, layer) in file.layers.into_iter().enumerate() {
        if layer.is_string() {
            return Err(MeasurementError::new("the layers of the file have names alone", HELP));
        }
        let layer: Layer = serde_json::from_value(layer).map_err(|error| {
            MeasurementError::new(format!("layer {} of the file: {error}", index + 1), HELP)
        })?;
        let output = layer.outputs.first().map(|tensor| {
            tensor.dimensions.iter().map(|extent| u64::try_from(*extent).ok()).collect::<Option<Vec<u64>>>()
        });
        let info = LayerInfo {
            operator: layer.operator,
            output: output.flatten().filter(|extents| !extents.is_empty()),
            nodes: layer.metadata.as_str().map(of_metadata).unwrap_or_default(),
        };
        layers.insert(layer.name, info);
    }
    if layers.is_empty() {
        return Err(MeasurementError::new("the file has no layers", HELP));
    }
    Ok(layers)
}

/// Nodes in texts such as `[ONNX Layer: /a/Conv]`, with a control character between them.
fn of_metadata(text: &str) -> Vec<Part> {
    let node = |piece: &str| {
        let inner = piece.trim().strip_prefix("[ONNX Layer: ")?.strip_suffix(']')?;
        Some(Part::Node(inner.to_owned()))
    };
    text.split('\u{1e}').filter_map(node).collect()
}
