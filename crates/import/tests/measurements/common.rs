//! Readings of texts, and how they are compared.

use rtmm_import::measurements::{
    Columns, MeasurementError, MeasurementOptions, Measurements, NodeSummary, format,
};
use rtmm_import::{ImportedLayer, ImportedOperator};

/// Options with columns.
pub fn columns(text: &str) -> MeasurementOptions {
    MeasurementOptions { columns: Some(Columns::parse(&[text]).expect("columns")), ..Default::default() }
}

pub fn read(
    kind: &str,
    text: impl AsRef<[u8]>,
    options: &MeasurementOptions,
) -> Result<Measurements, MeasurementError> {
    format(kind).expect("a format").read(&mut text.as_ref(), options)
}

/// Place and words of the error that a text must have, as `LINE:COLUMN problem`.
#[track_caller]
pub fn refused(kind: &str, text: impl AsRef<[u8]>, options: &MeasurementOptions) -> String {
    let error = read(kind, text, options).expect_err("measurements that make no sense");
    assert!(!error.help.is_empty(), "{error}");
    let place = error.place.map(|place| format!("{}:{} ", place.line, place.column)).unwrap_or_default();
    format!("{}{place}{}", error.file.map(|file| format!("{file}:")).unwrap_or_default(), error.problem)
}

/// Nodes as printed: `NAME CALLSx p50=.. p99=.. mean=..` and further quantities that are known.
pub fn shown(measured: &Measurements) -> Vec<String> {
    let node = |node: &NodeSummary<'_>| {
        let mut text = format!("{} {}x", node.node, node.calls);
        let times = [
            ("min", node.min_us),
            ("p50", node.p50_us),
            ("p90", node.p90_us),
            ("p99", node.p99_us),
            ("max", node.max_us),
            ("mean", node.self_mean_us),
            ("energy", node.energy_uj),
        ];
        for (name, time) in times {
            text.extend(time.map(|time| format!(" {name}={time}")));
        }
        for (name, number) in [("cycles", node.cycles), ("macs", node.macs), ("bytes", node.bytes)] {
            text.extend(number.map(|number| format!(" {name}={number}")));
        }
        text.extend(node.operator.map(|operator| format!(" {operator}")));
        text
    };
    measured.summary().layers.iter().map(node).collect()
}

/// A layer that is known by an operator, the extents of its output and its node.
pub fn layer(node: &str, operator: &str, output: &[u64]) -> ImportedLayer {
    ImportedLayer {
        name: format!("{node}_output_0"),
        node_name: node.to_owned(),
        node_operator: operator.to_owned(),
        operator: ImportedOperator::Elementwise { output: output.to_vec(), operands: 1, operations: 1 },
        macs: 0,
        live_bytes: 0,
    }
}
