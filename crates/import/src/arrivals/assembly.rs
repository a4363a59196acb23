//! Rows of a trace to requests: rules, order, window, speed.

use std::ops::Range;

use rtmm_workload::Duration;
use rtmm_workload::input::suggestion;

use super::instant::Instant;
use super::report::{ArrivalReport, ModelRequests, spread};
use super::rule::{Rule, Wanted};
use super::{ArrivalError, InstantError};

/// The most rows of a trace that are kept, at 32 bytes each.
pub const MAX_ROWS: usize = 32_000_000;
/// Unmapped rows that an error names.
const SHOWN_UNMAPPED: usize = 3;

/// Fate of rows that pass no rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unmapped {
    /// They are an error.
    #[default]
    Refuse,
    /// They are left out, and counted.
    Drop,
}

/// A part of a trace, measured from its earliest arrival: from the first instant, up to the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Its begin.
    pub start: Duration,
    /// Its end, which is no part of it.
    pub end: Duration,
}

impl Default for Window {
    /// The whole trace.
    fn default() -> Self {
        Self { start: Duration::ZERO, end: Duration::MAX }
    }
}

/// Options of an import of arrivals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArrivalOptions {
    /// The model of each row: the first rule that it passes.
    pub rules: Vec<Rule>,
    /// Fate of the others.
    pub unmapped: Unmapped,
    /// The part of the trace that counts.
    pub window: Window,
    /// Speed of arrivals by that of the trace, in millionths.
    pub speed_millionths: u64,
    /// True if arrivals stay where the trace has them: from its second 0 or, with dates, from the midnight (UTC)
    /// before the first. By default the first request arrives at 0.
    pub keeps_start: bool,
    /// Deadline of requests whose rule states none.
    pub deadline: Option<Duration>,
}

impl Default for ArrivalOptions {
    fn default() -> Self {
        Self {
            rules: Vec::new(),
            unmapped: Unmapped::Refuse,
            window: Window::default(),
            speed_millionths: 1_000_000,
            keeps_start: false,
            deadline: None,
        }
    }
}

/// A request that a trace became.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImportedRequest<'r> {
    /// When it arrives, from the start of the run.
    pub arrival: Duration,
    /// The name of its model or task.
    pub model: &'r str,
    /// Time from arrival to deadline.
    pub deadline: Option<Duration>,
}

/// The requests that a trace became, by arrival; equal ones in the order of the trace.
#[derive(Clone, Debug)]
pub struct ImportedRequests {
    rules: Vec<Rule>,
    deadline: Option<Duration>,
    requests: Vec<(u64, RuleId)>,
    /// Counts and rates.
    pub report: ArrivalReport,
}

/// A row of a trace: 32 bytes.
#[derive(Clone, Copy)]
struct Row {
    arrival: Instant,
    /// None where it passes no rule.
    rule: Option<RuleId>,
    line: u32,
}

/// Index of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct RuleId(u32);

impl RuleId {
    const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A test whose column is known by its position.
struct Bound {
    column: usize,
    name: String,
    wanted: Wanted,
}

/// Takes the rows of a trace one by one.
pub struct Assembly<'o> {
    options: &'o ArrivalOptions,
    rules: Vec<Vec<Bound>>,
    rows: Vec<Row>,
    inversions: u64,
    has_dates: bool,
}

impl<'o> Assembly<'o> {
    /// An import without rows.
    #[must_use]
    pub fn new(options: &'o ArrivalOptions) -> Self {
        Self { options, rules: Vec::new(), rows: Vec::new(), inversions: 0, has_dates: false }
    }

    /// States the columns that rules may name, and which of them has the names of models or functions.
    ///
    /// # Errors
    /// [`ArrivalError`] for a rule of a column that the trace has not.
    pub(super) fn begin(
        &mut self,
        columns: &[String],
        names: Option<usize>,
        has_dates: bool,
    ) -> Result<(), ArrivalError> {
        self.has_dates = has_dates;
        if self.options.rules.is_empty() {
            return Err(ArrivalError::new(
                "nothing says which models the requests are for",
                "add a rule, such as --map '*=my_model.toml'",
            ));
        }
        for rule in &self.options.rules {
            let bound = rule.tests.iter().map(|test| {
                let column = match &test.column {
                    Some(name) => columns.iter().position(|known| known == name).ok_or_else(|| {
                        let known: Vec<&str> = columns.iter().map(String::as_str).collect();
                        let problem = format!("a rule names the column `{name}`, which the trace has not");
                        ArrivalError::new(problem, suggestion(name, "column", &known))
                    }),
                    None => names.ok_or_else(|| {
                        ArrivalError::new(
                            "a rule tests a name, and this trace has no column of names",
                            "test a column, such as --map 'COLUMN:TEXT=MODEL', or write * for all rows",
                        )
                    }),
                }?;
                Ok(Bound { column, name: columns[column].clone(), wanted: test.wanted.clone() })
            });
            self.rules.push(bound.collect::<Result<_, ArrivalError>>()?);
        }
        Ok(())
    }

    /// Takes a row, whose cells `cell` gives by their column.
    ///
    /// # Errors
    /// [`ArrivalError`] for a cell that a rule cannot test, and beyond [`MAX_ROWS`].
    pub(super) fn row<'c>(
        &mut self,
        line: u64,
        arrival: Instant,
        cell: impl Fn(usize) -> &'c str,
    ) -> Result<(), ArrivalError> {
        if self.rows.len() >= MAX_ROWS {
            return Err(ArrivalError::at(
                line,
                format!("the trace has more than {MAX_ROWS} rows"),
                "cut the file into parts, and import them one by one",
            ));
        }
        if self.rows.last().is_some_and(|before| arrival < before.arrival) {
            self.inversions += 1;
        }
        let rule = self.rule_of(line, &cell)?;
        let line = u32::try_from(line).unwrap_or(u32::MAX);
        self.rows.push(Row { arrival, rule, line });
        Ok(())
    }

    fn rule_of<'c>(
        &self,
        line: u64,
        cell: &impl Fn(usize) -> &'c str,
    ) -> Result<Option<RuleId>, ArrivalError> {
        for (index, tests) in self.rules.iter().enumerate() {
            let mut passes = true;
            for test in tests {
                let text = cell(test.column);
                let passed = test.wanted.passes(text).ok_or_else(|| {
                    let problem =
                        format!("`{text}` in column `{}` is no number that a rule can test", test.name);
                    ArrivalError::at(line, problem, "write a decimal number from 0, or leave the cell empty")
                })?;
                passes &= passed;
            }
            if passes {
                return Ok(u32::try_from(index).ok().map(RuleId));
            }
        }
        Ok(None)
    }

    /// Sorts, cuts, moves and scales the rows.
    ///
    /// # Errors
    /// [`ArrivalError`] where there are no rows or none are left, where rows pass no rule, and for an arrival beyond the
    /// 213 days of the simulated clock.
    pub(super) fn finish(mut self, kind: &'static str) -> Result<ImportedRequests, ArrivalError> {
        let options = self.options;
        let rows = self.rows.len() as u64;
        self.rows.sort_by_key(|row| row.arrival);
        let Some(earliest) = self.rows.first().map(|row| row.arrival) else {
            return Err(ArrivalError::new(
                "the trace has no rows",
                "name a trace with a row for each request",
            ));
        };
        let window = self.within(earliest);
        self.rows.truncate(window.end);
        self.rows.drain(..window.start);
        let inside = self.rows.len() as u64;
        let mut lines = self.rows.iter().filter(|row| row.rule.is_none()).map(|row| row.line);
        let shown: Vec<String> = lines.by_ref().take(SHOWN_UNMAPPED).map(|line| line.to_string()).collect();
        let others = lines.count() as u64;
        let unmapped = shown.len() as u64 + others;
        if unmapped > 0 && options.unmapped == Unmapped::Refuse {
            let more = if others > 0 { " and others" } else { "" };
            return Err(ArrivalError::new(
                format!("{unmapped} of {inside} rows pass no rule: on line {}{more}", shown.join(", ")),
                "add a rule for them, such as --map '*=MODEL', or leave them out with --unmapped drop",
            ));
        }
        self.rows.retain(|row| row.rule.is_some());
        let Some(first) = self.rows.first().map(|row| row.arrival) else {
            return Err(ArrivalError::new(
                format!("no request is left of {rows} rows"),
                "let rules and the window take some in",
            ));
        };
        let origin = match options.keeps_start {
            false => first,
            true if self.has_dates => earliest.midnight(),
            true => Instant::default(),
        };
        let mut rounded = 0;
        let mut requests = Vec::with_capacity(self.rows.len());
        for Row { arrival, rule, .. } in self.rows {
            let (picoseconds, is_rounded) =
                arrival.picoseconds_since(origin, options.speed_millionths).ok_or_else(|| {
                    let (problem, help) = if arrival < origin {
                        ("a request arrives before the trace begins", "leave --keep-start out")
                    } else {
                        (
                            "a request arrives after the 213 days that the simulated clock can hold",
                            "cut the trace with --window, or speed it up with --scale",
                        )
                    };
                    ArrivalError::new(problem, help)
                })?;
            rounded += u64::from(is_rounded);
            requests.extend(rule.map(|rule| (picoseconds, rule)));
        }
        let mut report = ArrivalReport {
            kind,
            rows,
            requests: requests.len() as u64,
            unmapped,
            outside_window: rows - inside,
            inversions: self.inversions,
            rounded,
            models: options.rules.iter().map(|rule| ModelRequests::none(&rule.model)).collect(),
            ..ArrivalReport::default()
        };
        for (_, rule) in &requests {
            report.models[rule.index()].requests += 1;
        }
        report.models = merged(report.models);
        spread(&mut report, || requests.iter().map(|(arrival, _)| *arrival));
        Ok(ImportedRequests { rules: options.rules.clone(), deadline: options.deadline, requests, report })
    }

    /// The positions of the sorted rows that lie in the window.
    fn within(&self, earliest: Instant) -> Range<usize> {
        let Window { start, end } = self.options.window;
        let before = |limit: Duration| {
            let limit = earliest.after_picoseconds(limit.picoseconds());
            self.rows.partition_point(|row| row.arrival < limit)
        };
        let end = if end == Duration::MAX { self.rows.len() } else { before(end) };
        before(start).min(end)..end
    }
}

/// The counts of models, each once, in the order of the rules.
fn merged(all: Vec<ModelRequests>) -> Vec<ModelRequests> {
    let mut merged: Vec<ModelRequests> = Vec::new();
    for one in all {
        match merged.iter_mut().find(|known| known.model == one.model) {
            Some(known) => known.requests += one.requests,
            None => merged.push(one),
        }
    }
    merged
}

impl ImportedRequests {
    /// The requests, by arrival.
    pub fn iter(&self) -> impl Iterator<Item = ImportedRequest<'_>> {
        self.requests.iter().filter_map(|(arrival, rule)| {
            let rule = self.rules.get(rule.index())?;
            Some(ImportedRequest {
                arrival: Duration::from_picoseconds(*arrival),
                model: &rule.model,
                deadline: rule.deadline.or(self.deadline),
            })
        })
    }

    /// True if a request has a deadline of its own.
    #[must_use]
    pub fn have_deadlines(&self) -> bool {
        self.deadline.is_some() || self.rules.iter().any(|rule| rule.deadline.is_some())
    }
}

/// The error of a cell that is no time.
pub(super) fn no_time(line: u64, text: &str, column: &str, error: InstantError) -> ArrivalError {
    let problem = match error {
        InstantError::Empty => format!("the cell in column `{column}` is blank"),
        error => format!("`{}` in column `{column}` is {error}", text.escape_debug()),
    };
    ArrivalError::at(line, problem, error.help())
}
