//! Counts and rates of imported arrivals.

use serde::Serialize;

const PICOSECONDS_PER_SECOND: f64 = 1e12;

/// Counts and rates of a trace that became requests.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ArrivalReport {
    /// The format that was read.
    pub kind: &'static str,
    /// Rows of the trace.
    pub rows: u64,
    /// Requests that they became.
    pub requests: u64,
    /// Rows within the window that pass no rule.
    pub unmapped: u64,
    /// Rows outside the window.
    pub outside_window: u64,
    /// Rows that arrive before the row above them; the requests are sorted.
    pub inversions: u64,
    /// Requests that arrive at the same picosecond as the one before.
    pub ties: u64,
    /// Requests whose arrival was no whole number of picoseconds, and is the nearest one.
    pub rounded: u64,
    /// From the first request to the last, in seconds, with the speed applied.
    pub span_s: f64,
    /// Requests after the first, by the span; none without a span.
    pub mean_rate_hz: Option<f64>,
    /// Standard deviation of the distances between requests, by their mean; 1 of a Poisson process, none without a span.
    pub gap_cv: Option<f64>,
    /// Requests of each model, in the order of the rules.
    pub models: Vec<ModelRequests>,
}

/// The requests of a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ModelRequests {
    /// Name of the model or task.
    pub model: String,
    /// Number of them.
    pub requests: u64,
}

impl ModelRequests {
    pub(super) fn none(model: &str) -> Self {
        Self { model: model.to_owned(), requests: 0 }
    }
}

/// Fills in what follows from sorted arrivals, in picoseconds.
pub(super) fn spread<I: Iterator<Item = u64>>(report: &mut ArrivalReport, arrivals: impl Fn() -> I) {
    let gaps = || arrivals().zip(arrivals().skip(1)).map(|(before, after)| after - before);
    report.ties = gaps().filter(|gap| *gap == 0).count() as u64;
    let count = gaps().count() as f64;
    let span: u64 = gaps().sum();
    if span == 0 {
        return;
    }
    report.span_s = span as f64 / PICOSECONDS_PER_SECOND;
    report.mean_rate_hz = Some(count / report.span_s);
    let mean = span as f64 / count;
    let variance = gaps().map(|gap| (gap as f64 - mean).powi(2)).sum::<f64>() / count;
    report.gap_cv = Some(variance.sqrt() / mean);
}
