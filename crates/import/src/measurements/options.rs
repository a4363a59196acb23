//! Choices of a reading, and files that stand beside a profile.

use super::csv::Columns;
use super::{MeasurementError, text};

/// The text of a file beside a profile, with its name for messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// Name of the file.
    pub file: String,
    /// Its text.
    pub text: String,
}

/// Options of a reading.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MeasurementOptions {
    /// Runs at the beginning that do not count.
    pub warm_up: u64,
    /// Columns of a table.
    pub columns: Option<Columns>,
    /// Layers of an engine, with their operators and shapes.
    pub layer_info: Option<Attachment>,
    /// Times of runs that were measured without the profiler.
    pub times: Option<Attachment>,
    /// Figures of a network as a whole.
    pub summary: Option<Attachment>,
    /// Clock of the accelerator in Hz, where times are stated in cycles.
    pub clock_hz: Option<u64>,
}

/// Kinds of options that only some formats have a use for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extra {
    /// [`MeasurementOptions::warm_up`].
    WarmUp,
    /// [`MeasurementOptions::columns`].
    Columns,
    /// [`MeasurementOptions::layer_info`].
    LayerInfo,
    /// [`MeasurementOptions::times`].
    Times,
    /// [`MeasurementOptions::summary`].
    Summary,
    /// [`MeasurementOptions::clock_hz`].
    Clock,
}

impl Extra {
    /// The option of the command line.
    #[must_use]
    pub const fn option(self) -> &'static str {
        match self {
            Self::WarmUp => "--warmup",
            Self::Columns => "--columns",
            Self::LayerInfo => "--layer-info",
            Self::Times => "--times",
            Self::Summary => "--summary",
            Self::Clock => "--clock-mhz",
        }
    }
}

impl MeasurementOptions {
    /// The options that are stated.
    pub(super) fn stated(&self) -> impl Iterator<Item = Extra> {
        let all = [
            (Extra::WarmUp, self.warm_up > 0),
            (Extra::Columns, self.columns.is_some()),
            (Extra::LayerInfo, self.layer_info.is_some()),
            (Extra::Times, self.times.is_some()),
            (Extra::Summary, self.summary.is_some()),
            (Extra::Clock, self.clock_hz.is_some()),
        ];
        all.into_iter().filter(|(_, is_stated)| *is_stated).map(|(extra, _)| extra)
    }

    /// Runs to leave out of so many.
    ///
    /// # Errors
    /// [`MeasurementError`] if no run is left.
    pub(super) fn warm_up_of(&self, runs: usize) -> Result<usize, MeasurementError> {
        let warm_up = usize::try_from(self.warm_up).unwrap_or(usize::MAX);
        if warm_up < runs {
            return Ok(warm_up);
        }
        Err(MeasurementError::new(
            format!("all of the {runs} runs are warm-up"),
            format!("state a --warmup below {runs}"),
        ))
    }
}

impl Attachment {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// [`MeasurementError`] where it is too long or no text.
    pub(crate) fn read(file: &str, reader: &mut dyn std::io::BufRead) -> Result<Self, MeasurementError> {
        let text = text::read(reader).map_err(|error| error.of_file(file))?;
        Ok(Self { file: file.to_owned(), text })
    }
}
