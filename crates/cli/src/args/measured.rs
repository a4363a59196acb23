//! Arguments of measurements.

use std::path::PathBuf;

use clap::Args;
use rtmm_workload::Duration;

use super::Clock;

/// Options of measurements.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of measurements")]
pub(crate) struct Measured {
    /// Name of the measured device [default: device].
    #[arg(long, value_name = "NAME", requires = "profile", value_parser = device_name)]
    pub device: Option<String>,
    /// Name of the measured accelerator, where the device has several: each import adds its own to the platform
    /// [default: that of the device].
    #[arg(long, value_name = "NAME", requires = "profile", value_parser = accelerator_name)]
    pub accelerator: Option<String>,
    /// Runs at the beginning that do not count.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub warmup: u64,
    /// Time of a run without the profiler, in microseconds: measured times are scaled to it.
    #[arg(long, value_name = "N", requires = "profile", value_parser = total)]
    pub total_us: Option<Duration>,
    /// Layers of an engine with their operators and shapes, from trtexec --exportLayerInfo.
    #[arg(long, value_name = "FILE")]
    pub layer_info: Option<PathBuf>,
    /// Times of runs without the profiler of layers, from trtexec --exportTimes.
    #[arg(long, value_name = "FILE", conflicts_with = "total_us")]
    pub times: Option<PathBuf>,
    /// Summary that vela wrote beside its table of layers: clock and cycles of the network.
    #[arg(long, value_name = "FILE")]
    pub summary: Option<PathBuf>,
    /// Clock of the accelerator in megahertz, where times are in cycles.
    #[arg(long, value_name = "MHZ", value_parser = Clock::parse)]
    pub clock_mhz: Option<Clock>,
}

impl Measured {
    /// The first option that is stated.
    pub(crate) fn stated(&self) -> Option<&'static str> {
        let stated = [
            ("--warmup", self.warmup > 0),
            ("--layer-info", self.layer_info.is_some()),
            ("--times", self.times.is_some()),
            ("--summary", self.summary.is_some()),
            ("--clock-mhz", self.clock_mhz.is_some()),
        ];
        stated.iter().find(|(_, is_stated)| *is_stated).map(|(option, _)| *option)
    }
}

/// A name that files can have, without the point that stands between a device and its accelerator in names of tables: else
/// two devices would write one table.
fn device_name(text: &str) -> Result<String, String> {
    named(text, "_-").ok_or_else(|| "devices are named by letters, digits, `_` and `-`".to_owned())
}

/// A name that files can have.
fn accelerator_name(text: &str) -> Result<String, String> {
    named(text, "_-.").ok_or_else(|| "accelerators are named by letters, digits, `_`, `-` and `.`".to_owned())
}

fn named(text: &str, signs: &str) -> Option<String> {
    let sound = |c: char| c.is_ascii_alphanumeric() || signs.contains(c);
    let is_name = text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(sound);
    is_name.then(|| text.to_owned())
}

fn total(text: &str) -> Result<Duration, String> {
    let total = Duration::parse_microseconds(text).map_err(|_| "write microseconds as a decimal number")?;
    if total.is_zero() { Err("a run takes some time".to_owned()) } else { Ok(total) }
}
