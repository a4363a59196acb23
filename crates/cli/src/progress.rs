//! The progress bar of long work: on a terminal only, on standard error.

use std::io::IsTerminal;
use std::sync::OnceLock;

use indicatif::{ProgressBar, ProgressStyle};
use rtmm_sweep::execute::Progress;

/// Cells done, rate and remaining time.
pub(crate) struct Bar {
    bar: OnceLock<ProgressBar>,
    shown: bool,
}

impl Bar {
    /// A bar, unless `quiet` or standard error is no terminal.
    pub(crate) fn new(quiet: bool) -> Self {
        Self { bar: OnceLock::new(), shown: !quiet && std::io::stderr().is_terminal() }
    }

    /// Removes the bar.
    pub(crate) fn finish(&self) {
        if let Some(bar) = self.bar.get() {
            bar.finish_and_clear();
        }
    }
}

impl Progress for Bar {
    fn begin(&self, total: usize, reused: usize) {
        if !self.shown {
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
        }
    }
}
