//! From the bytes of an ONNX file to a model.

use std::io::{Read, Seek};

use prost::Message;

use super::limits::{NEWEST, OLDEST};
use super::options::{Branch, Options};
use super::proto::{GraphProto, ModelProto};
use super::reason::Reason;
use super::walk::{Found, Walk};
use super::wire::{WireError, structure};
use crate::error::ImportError;
use crate::model::ImportedModel;

/// Imports a model from the bytes of an ONNX file, without reading the weights.
///
/// # Errors
/// [`ImportError`], which names the node and the reason.
pub fn read(bytes: impl Read + Seek, options: &Options) -> Result<ImportedModel, ImportError> {
    let malformed = |problem: String| ImportError::Malformed { problem };
    let kept = structure(bytes).map_err(|error: WireError| malformed(error.to_string()))?;
    let model = ModelProto::decode(kept.as_slice()).map_err(|error| malformed(error.to_string()))?;
    drop(kept);
    let graph = model.graph.as_ref().ok_or_else(|| malformed("it has no graph".to_owned()))?;
    let own = |domain: &str| domain.is_empty() || domain == "ai.onnx";
    let version = model.opset_import.iter().find(|opset| own(&opset.domain)).map_or(0, |opset| opset.version);
    if !(OLDEST..=NEWEST).contains(&version) {
        return Err(ImportError::OperatorSet { version });
    }
    let found =
        Walk::run(&model, graph, options).map_err(|error| all_unsupported(&model, graph, options, error))?;
    let idle_choices = idle(&model, graph, options, &found);
    let producer = [model.producer_name.as_str(), model.producer_version.as_str()];
    Ok(ImportedModel {
        producer: producer.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" "),
        operator_set: version,
        inputs: found.inputs,
        outputs: found.outputs,
        choices: choices(options),
        idle_choices,
        macs: found.macs,
        parameters: found.parameters,
        free: found.free,
        lost: found.lost,
        peak_activation_bytes: found.peak_activation_bytes,
        unsupported: found.unsupported,
        layers: found.layers,
    })
}

/// An error for want of a rule with all nodes that lack one; any other error as it is.
fn all_unsupported(
    model: &ModelProto,
    graph: &GraphProto,
    options: &Options,
    error: ImportError,
) -> ImportError {
    if !matches!(error, ImportError::Node { reason: Reason::Operator | Reason::Form(_), .. }) {
        return error;
    }
    let options = Options { skips_unsupported: true, ..options.clone() };
    match Walk::run(model, graph, &options) {
        Ok(found) if found.unsupported.len() > 1 => ImportError::Unsupported(found.unsupported),
        _ => error,
    }
}

/// The choices that change nothing: without each of them the import comes to the same. Extents are not among them: the
/// file has them open.
fn idle(model: &ModelProto, graph: &GraphProto, options: &Options, found: &Found) -> Vec<String> {
    let mut without: Vec<Options> = Vec::new();
    let mut leave_out = |change: &dyn Fn(&mut Options)| {
        let mut options = options.clone();
        change(&mut options);
        without.push(options);
    };
    for name in options.inputs.keys() {
        leave_out(&|options| {
            options.inputs.remove(name);
        });
    }
    for name in options.branches.keys() {
        leave_out(&|options| {
            options.branches.remove(name);
        });
    }
    for name in options.trips.keys() {
        leave_out(&|options| {
            options.trips.remove(name);
        });
    }
    if options.trips_of_all.is_some() {
        leave_out(&|options| options.trips_of_all = None);
    }
    if options.skips_unsupported {
        leave_out(&|options| options.skips_unsupported = false);
    }
    let all = choices(options);
    let is_idle = |options: &Options| Walk::run(model, graph, options).is_ok_and(|other| other == *found);
    let idle = without.iter().filter(|options| is_idle(options));
    idle.flat_map(|options| {
        let left = choices(options);
        all.iter().filter(move |choice| !left.contains(choice)).cloned().collect::<Vec<_>>()
    })
    .collect()
}

/// The choices of the user as the command line has them.
fn choices(options: &Options) -> Vec<String> {
    let dims = options.dims.iter().map(|(name, extent)| format!("--dim {name}={extent}"));
    let inputs = options.inputs.iter().map(|(name, values)| {
        let values: Vec<String> = values.iter().map(f64::to_string).collect();
        format!("--input {name}={}", values.join(","))
    });
    let branches = options.branches.iter().map(|(name, branch)| match branch {
        Branch::Then => format!("--branch {name}=then"),
        Branch::Else => format!("--branch {name}=else"),
    });
    let trips = options.trips.iter().map(|(name, trips)| format!("--trips {name}={trips}"));
    let all = options.trips_of_all.iter().map(|trips| format!("--trips {trips}"));
    let skips = options.skips_unsupported.then(|| "--skip-unsupported".to_owned());
    dims.chain(inputs).chain(branches).chain(trips).chain(all).chain(skips).collect()
}
