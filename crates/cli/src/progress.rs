//! Progress of long work, on standard error: a bar on a terminal, a line now and then in a log.

use std::io::{IsTerminal, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};
use rtmm_scheduler::Job;
use rtmm_sim::{EndRecord, Observer, SegmentRecord};
use rtmm_sweep::execute::Progress;
use rtmm_workload::{Duration, Time};

/// Seconds between two lines of a log.
const LINE_SECONDS: u64 = 30;

/// Cells done, rate and remaining time.
pub(crate) struct Bar {
    bar: OnceLock<ProgressBar>,
    form: Form,
    log: Log,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    None,
    Bar,
    Lines,
}

impl Form {
    /// The form for standard error as it is, or none.
    fn new(quiet: bool) -> Self {
        match (quiet, std::io::stderr().is_terminal()) {
            (true, _) => Self::None,
            (false, true) => Self::Bar,
            (false, false) => Self::Lines,
        }
    }
}

/// Counts for lines of a log.
#[derive(Default)]
struct Log {
    began: OnceLock<Instant>,
    total: AtomicUsize,
    reused: AtomicUsize,
    done: AtomicUsize,
    /// Seconds after the beginning at which the last line was written.
    written: AtomicU64,
}

impl Log {
    fn advance(&self, cells: usize) {
        let done = self.done.fetch_add(cells, Ordering::Relaxed) + cells;
        let Some(seconds) = self.began.get().map(|began| began.elapsed().as_secs()) else { return };
        let written = self.written.load(Ordering::Relaxed);
        let is_due = seconds >= written + LINE_SECONDS;
        // Of several threads one writes.
        let takes = || {
            let (success, failure) = (Ordering::Relaxed, Ordering::Relaxed);
            self.written.compare_exchange(written, seconds, success, failure).is_ok()
        };
        if is_due && takes() {
            let (total, reused) = (self.total.load(Ordering::Relaxed), self.reused.load(Ordering::Relaxed));
            line(&log_line(done, reused, total, seconds));
        }
    }
}

/// A line of a log: cells done, and the time that is left at the rate of this process.
fn log_line(done: usize, reused: usize, total: usize, seconds: u64) -> String {
    let (run, left) = (done.saturating_sub(reused) as u64, total.saturating_sub(done) as u64);
    let left_seconds = (left * seconds).checked_div(run).unwrap_or(0);
    let [minutes, left_minutes] = [seconds, left_seconds].map(|seconds| seconds.div_ceil(60));
    format!("{done} of {total} cells after {minutes} min, about {left_minutes} min left")
}

/// Writes a line to standard error. It is no error where that is closed.
fn line(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

impl Bar {
    /// A bar or lines, unless `quiet`.
    pub(crate) fn new(quiet: bool) -> Self {
        Self { bar: OnceLock::new(), form: Form::new(quiet), log: Log::default() }
    }

    /// Removes the bar.
    pub(crate) fn finish(&self) {
        if let Some(bar) = self.bar.get() {
            bar.finish_and_clear();
        }
    }
}

/// Number of events of a simulation between two looks at the clock.
const EVENTS: u32 = 1 << 16;
/// Seconds after which a simulation is long enough for a bar.
const LONG_SECONDS: u64 = 2;

/// Observer that shows how much of a simulation is done: nothing of a short one.
pub(crate) struct Simulated {
    form: Form,
    events: u32,
    began: Instant,
    /// Seconds after the beginning at which the last line was written.
    written: u64,
    bar: Option<ProgressBar>,
    duration: Duration,
}

impl Simulated {
    /// The progress of a simulation of some length.
    #[expect(clippy::disallowed_methods, reason = "progress is of real time, and decides no result")]
    pub(crate) fn new(duration: Duration) -> Self {
        let (form, began) = (Form::new(false), Instant::now());
        Self { form, events: 0, began, written: 0, bar: None, duration }
    }

    #[inline]
    fn count(&mut self, now: Time) {
        self.events = self.events.wrapping_add(1);
        if self.events.is_multiple_of(EVENTS) {
            self.show(now);
        }
    }

    #[cold]
    fn show(&mut self, now: Time) {
        let seconds = self.began.elapsed().as_secs();
        let simulated = now.saturating_since(Time::ZERO);
        let all = self.duration.picoseconds().max(1);
        // A run that ends with its last job may last longer.
        let share = simulated.picoseconds().min(all) as f64 / all as f64;
        match self.form {
            Form::Bar if seconds >= LONG_SECONDS => {
                let bar = self.bar.get_or_insert_with(|| {
                    const TEMPLATE: &str = "{bar:32} {percent} % simulated, {eta} left";
                    let style = ProgressStyle::with_template(TEMPLATE)
                        .unwrap_or_else(|_| ProgressStyle::default_bar());
                    ProgressBar::new(1_000).with_style(style)
                });
                bar.set_position((share * 1_000.0) as u64);
            }
            Form::Lines if seconds >= self.written + LINE_SECONDS => {
                self.written = seconds;
                let (percent, minutes) = (100.0 * share, seconds.div_ceil(60));
                line(&format!("{percent:.1} % of {} simulated after {minutes} min", self.duration));
            }
            Form::None | Form::Bar | Form::Lines => {}
        }
    }
}

impl Observer for Simulated {
    fn released(&mut self, now: Time, _job: &Job) {
        self.count(now);
    }

    fn segment_ended(&mut self, now: Time, _record: &SegmentRecord<'_>) {
        self.count(now);
    }

    fn ended(&mut self, _now: Time, _record: &EndRecord<'_>) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Progress for Bar {
    #[expect(clippy::disallowed_methods, reason = "progress is of real time, and decides no result")]
    fn begin(&self, total: usize, reused: usize) {
        if self.form == Form::Lines {
            self.log.total.store(total, Ordering::Relaxed);
            self.log.reused.store(reused, Ordering::Relaxed);
            self.log.done.store(reused, Ordering::Relaxed);
            self.log.began.get_or_init(Instant::now);
        }
        if self.form != Form::Bar {
            return;
        }
        let bar = self.bar.get_or_init(|| {
            const TEMPLATE: &str = "{bar:32} {pos}/{len} cells  {per_sec}  {eta} left";
            let style =
                ProgressStyle::with_template(TEMPLATE).unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::new(total as u64).with_style(style)
        });
        bar.set_position(reused as u64);
        // The rate is that of this process, not of the runs before it.
        bar.reset_eta();
    }

    fn advance(&self, cells: usize) {
        if let Some(bar) = self.bar.get() {
            bar.inc(cells as u64);
        } else if self.form == Form::Lines {
            self.log.advance(cells);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_log_tell_of_this_process() {
        let found = log_line(1_600, 1_000, 2_800, 90);
        assert_eq!(found, "1600 of 2800 cells after 2 min, about 3 min left");
        assert_eq!(log_line(5, 5, 9, 30), "5 of 9 cells after 1 min, about 0 min left");
    }
}
