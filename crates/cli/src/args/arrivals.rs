//! Arguments of arrival traces.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use rtmm_import::arrivals::{self, ArrivalFormat, Rule, Unmapped, Window};
use rtmm_import::measurements;
use rtmm_workload::Duration;
use rtmm_workload::input::{nearest, parse_millionths};

/// A file that is imported beside models.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ImportKind {
    Measurements(&'static measurements::Format),
    Arrivals(&'static ArrivalFormat),
}

/// Formats of a name: tables of any program may be either.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KindName {
    measurements: Option<&'static measurements::Format>,
    arrivals: Option<&'static ArrivalFormat>,
}

impl KindName {
    /// The one that is meant where both have the name.
    pub(super) fn resolved(self, is_of_arrivals: bool) -> Option<ImportKind> {
        let measurements = self.measurements.map(ImportKind::Measurements);
        let arrivals = self.arrivals.map(ImportKind::Arrivals);
        if is_of_arrivals { arrivals.or(measurements) } else { measurements.or(arrivals) }
    }

    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let kind = Self { measurements: measurements::format(text), arrivals: arrivals::format(text) };
        let is_known = kind.measurements.is_some() || kind.arrivals.is_some();
        is_known.then_some(kind).ok_or_else(|| {
            let of_measurements = measurements::FORMATS.iter().map(|format| (format.name, format.summary));
            let of_arrivals = arrivals::FORMATS.iter().map(|format| (format.name, format.summary));
            let known: Vec<(&str, &str)> = of_measurements.chain(of_arrivals).collect();
            match nearest(text, known.iter().map(|(name, _)| *name)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => {
                    let known: Vec<String> =
                        known.iter().map(|(name, summary)| format!("`{name}`, {summary}")).collect();
                    format!("the formats are {}", known.join("; "))
                }
            }
        })
    }
}

/// Options of arrival traces.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of arrival traces")]
pub(crate) struct Arrivals {
    /// Model or task of the rows that pass all tests: COLUMN<N, <=, >, >=, COLUMN:TEXT, or TEXT for the name of a
    /// function or model, with & between; * for all rows. The first rule that a row passes counts; may be given
    /// several times.
    #[arg(long = "map", value_name = "TEST=MODEL", value_parser = Rule::parse)]
    pub rules: Vec<Rule>,
    /// Further rules (.csv): when, model and, if some have one, deadline.
    #[arg(long, value_name = "FILE")]
    pub map_file: Option<PathBuf>,
    /// Fate of rows that pass no rule [default: refuse].
    #[arg(long, value_enum)]
    pub unmapped: Option<UnmappedRows>,
    /// Speed of arrivals by that of the trace, with at most six decimals [default: 1].
    #[arg(long, value_name = "X", value_parser = speed)]
    pub scale: Option<u64>,
    /// The part of the trace that counts, from its earliest arrival, such as 60s..120s or 60s..
    #[arg(long, value_name = "START..END", value_parser = window)]
    pub window: Option<Window>,
    /// Let arrivals stay where the trace has them, from its second 0 or from the midnight (UTC) before the first;
    /// else the first request arrives at 0.
    #[arg(long)]
    pub keep_start: bool,
    /// Time from arrival to deadline, such as 100ms, where no rule of --map-file has one [default: as the scenario
    /// states].
    #[arg(long, value_name = "DURATION", value_parser = deadline)]
    pub deadline: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum UnmappedRows {
    /// They are an error.
    Refuse,
    /// They are left out, and counted.
    Drop,
}

impl From<UnmappedRows> for Unmapped {
    fn from(rows: UnmappedRows) -> Self {
        match rows {
            UnmappedRows::Refuse => Self::Refuse,
            UnmappedRows::Drop => Self::Drop,
        }
    }
}

impl Arrivals {
    /// The first option that is stated.
    pub(crate) fn stated(&self) -> Option<&'static str> {
        let stated = [
            ("--map", !self.rules.is_empty()),
            ("--map-file", self.map_file.is_some()),
            ("--unmapped", self.unmapped.is_some()),
            ("--scale", self.scale.is_some()),
            ("--window", self.window.is_some()),
            ("--keep-start", self.keep_start),
            ("--deadline", self.deadline.is_some()),
        ];
        stated.iter().find(|(_, is_stated)| *is_stated).map(|(option, _)| *option)
    }
}

/// A speed in millionths.
fn speed(text: &str) -> Result<u64, String> {
    let allowed = 1..=1_000_000_000_000;
    parse_millionths(text)
        .filter(|millionths| allowed.contains(millionths))
        .ok_or_else(|| "a speed is a number from 0.000001 to 1000000 with at most six decimals".to_owned())
}

fn window(text: &str) -> Result<Window, String> {
    let (start, end) = text.split_once("..").ok_or("write it as 60s..120s, 60s.. or ..120s")?;
    let time = |text: &str, default| match text.trim() {
        "" => Ok(default),
        text => Duration::parse(text).map_err(|error| format!("`{text}`: {error}")),
    };
    let window = Window { start: time(start, Duration::ZERO)?, end: time(end, Duration::MAX)? };
    (window.start < window.end).then_some(window).ok_or_else(|| "the window ends before it starts".to_owned())
}

fn deadline(text: &str) -> Result<Duration, String> {
    let deadline = Duration::parse(text).map_err(|error| error.to_string())?;
    (!deadline.is_zero()).then_some(deadline).ok_or_else(|| "a deadline is above zero".to_owned())
}
