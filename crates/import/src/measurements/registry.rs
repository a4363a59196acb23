//! Formats of measurements by name.

use std::io::BufRead;

use super::{
    Extra, MeasurementError, MeasurementOptions, Measurements, csv, ort, rknn, tflite, trtexec, vela,
};

/// A format of measurements.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// Name on the command line.
    pub name: &'static str,
    /// The program that writes it.
    pub summary: &'static str,
    /// The options that it has a use for.
    pub takes: &'static [Extra],
    /// Reads a file of it.
    pub(crate) read: fn(&mut dyn BufRead, &MeasurementOptions) -> Result<Measurements, MeasurementError>,
}

/// All formats, one row each.
pub const FORMATS: &[Format] = &[
    Format {
        name: "ort",
        summary: "a profile that ONNX Runtime wrote (JSON)",
        takes: &[Extra::WarmUp],
        read: ort::read,
    },
    Format {
        name: "trtexec",
        summary: "a profile of a TensorRT engine by trtexec --exportProfile (JSON)",
        takes: &[Extra::LayerInfo, Extra::Times, Extra::WarmUp],
        read: trtexec::read,
    },
    Format {
        name: "rknn",
        summary: "the table that RKNN-Toolkit2 prints (eval_perf with perf_debug)",
        takes: &[],
        read: rknn::read,
    },
    Format {
        name: "tflite",
        summary: "operators of TensorFlow Lite (benchmark_model --enable_op_profiling)",
        takes: &[],
        read: tflite::read,
    },
    Format {
        name: "vela",
        summary: "layers of Arm's Ethos-U compiler (vela --verbose-performance)",
        takes: &[Extra::Summary, Extra::Clock],
        read: vela::read,
    },
    Format {
        name: "csv",
        summary: "a table of any program, whose columns --columns names",
        takes: &[Extra::Columns, Extra::WarmUp],
        read: csv::read,
    },
];

/// The format of a name.
#[must_use]
pub fn format(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}

impl Format {
    /// Reads measurements of this format.
    ///
    /// # Errors
    /// [`MeasurementError`] where the text is not of this format, ends too early or holds no run, or where an option is
    /// stated that the format has no use for.
    pub fn read(
        &self,
        text: &mut dyn BufRead,
        options: &MeasurementOptions,
    ) -> Result<Measurements, MeasurementError> {
        if let Some(extra) = options.stated().find(|extra| !self.takes.contains(extra)) {
            let of: Vec<&str> = FORMATS
                .iter()
                .filter(|format| format.takes.contains(&extra))
                .map(|format| format.name)
                .collect();
            return Err(MeasurementError::new(
                format!("{} says nothing of a file of --kind {}", extra.option(), self.name),
                format!("leave it out: it is for --kind {}", of.join(" or ")),
            ));
        }
        (self.read)(text, options)
    }
}
