//! Formats of measurements by name.

use std::io::BufRead;

use super::{MeasurementError, MeasurementOptions, Measurements, ort};

/// A format of measurements.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// Name on the command line.
    pub name: &'static str,
    /// The program that writes it.
    pub summary: &'static str,
    /// Reads a file of it.
    pub(crate) read: fn(&mut dyn BufRead, MeasurementOptions) -> Result<Measurements, MeasurementError>,
}

/// All formats, one row each.
pub const FORMATS: &[Format] =
    &[Format { name: "ort", summary: "a profile that ONNX Runtime wrote (JSON)", read: ort::read }];

/// The format of a name.
#[must_use]
pub fn format(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}

impl Format {
    /// Reads measurements of this format.
    ///
    /// # Errors
    /// [`MeasurementError`] where the text is not of this format, ends too early or holds no run.
    pub fn read(
        &self,
        text: &mut dyn BufRead,
        options: MeasurementOptions,
    ) -> Result<Measurements, MeasurementError> {
        (self.read)(text, options)
    }
}
