//! Gantt charts in SVG, for pages and papers: a row for each unit, a row for each task with the deadlines of its jobs.
//!
//! A chart is for looking at. It shows [`MAX_BARS`] bars and jobs, which also bounds its memory, and says where it ends
//! before the run does. Segments of a job that follow each other on a unit without a gap are one bar.

use std::collections::BTreeMap;
use std::io::{self, Write};

use rtmm_report::{Gantt as Chart, GanttBar, GanttJob};
use rtmm_sim::System;
use rtmm_workload::Time;

use crate::form::{Counter, Hold, JobMark, JobRef, MarkKind, SegmentSlice, TimelineForm};

/// The most bars that a chart shows, and the most jobs.
const MAX_BARS: usize = 5_000;

/// A Gantt chart that is being collected; it is written when the run is over.
pub struct Gantt<'s> {
    output: Box<dyn Write + 's>,
    chart: Chart,
    /// By accelerator: the row of its first unit.
    first_rows: Vec<usize>,
    /// By row: the job of its last bar, that bar's position, and when it ended.
    last: Vec<Option<(JobRef, usize, Time)>>,
    /// Positions of the jobs that are not over.
    live: BTreeMap<u64, usize>,
    /// When the chart was full. What begins later is not shown.
    full: Option<Time>,
}

impl<'s> Gantt<'s> {
    /// Begins a chart of a run of a system.
    #[must_use]
    pub fn new(system: &'s System, output: Box<dyn Write + 's>) -> Self {
        let mut units = Vec::new();
        let mut first_rows = Vec::new();
        for accelerator in &system.platform.accelerators {
            first_rows.push(units.len());
            let name = &accelerator.name;
            match accelerator.units() {
                1 => units.push(name.clone()),
                count => units.extend((0..count).map(|unit| format!("{name}, unit {unit}"))),
            }
        }
        let title = format!("{} on {}", system.scenario.name, system.platform.name);
        let tasks = system.scenario.tasks.iter().map(|task| task.name.clone()).collect();
        let last = vec![None; units.len()];
        let chart = Chart { title, units, tasks, ..Chart::default() };
        Self { output, chart, first_rows, last, live: BTreeMap::new(), full: None }
    }

    /// True if what begins at an instant is not shown.
    fn is_beyond(&self, from: Time) -> bool {
        self.full.is_some_and(|full| from >= full)
    }

    fn bar(&mut self, job: JobRef, row: usize, from: Time, to: Time) {
        if self.is_beyond(from) {
            return;
        }
        match &mut self.last[row] {
            Some((last, bar, end)) if *last == job && *end == from => {
                self.chart.bars[*bar].to = seconds(to);
                *end = to;
            }
            last => {
                *last = Some((job, self.chart.bars.len(), to));
                let (from, to) = (seconds(from), seconds(to));
                let (task, label) = (job.task.index(), job.frame.to_string());
                self.chart.bars.push(GanttBar { unit: row, task, label, from, to });
            }
        }
        if self.chart.bars.len() >= MAX_BARS {
            self.full.get_or_insert(to);
        }
    }
}

fn seconds(time: Time) -> f64 {
    time.picoseconds() as f64 / 1e12
}

impl TimelineForm for Gantt<'_> {
    fn segment(&mut self, segment: &SegmentSlice<'_>) -> io::Result<()> {
        let row = self.first_rows[segment.accelerator.index()] + segment.unit as usize;
        self.bar(segment.job, row, segment.from, segment.to);
        Ok(())
    }

    fn hold(&mut self, hold: &Hold) -> io::Result<()> {
        let row = self.first_rows[hold.accelerator.index()] + hold.unit as usize;
        self.bar(hold.job, row, hold.from, hold.to);
        Ok(())
    }

    fn mark(&mut self, mark: &JobMark) -> io::Result<()> {
        let sequence = mark.job.sequence;
        match mark.kind {
            MarkKind::Released if !self.is_beyond(mark.at) => {
                self.live.insert(sequence, self.chart.jobs.len());
                let (release, deadline) = (seconds(mark.at), seconds(mark.deadline));
                let task = mark.job.task.index();
                self.chart.jobs.push(GanttJob { task, release, deadline, end: None, dropped: false });
                if self.chart.jobs.len() >= MAX_BARS {
                    self.full.get_or_insert(mark.at);
                }
            }
            MarkKind::Released | MarkKind::Missed => {}
            MarkKind::InFlight => {
                self.live.remove(&sequence);
            }
            MarkKind::Completed | MarkKind::Dropped(_) => {
                if let Some(job) = self.live.remove(&sequence) {
                    let job = &mut self.chart.jobs[job];
                    job.end = Some(seconds(mark.at));
                    job.dropped = mark.kind != MarkKind::Completed;
                }
            }
        }
        Ok(())
    }

    fn counter(&mut self, _at: Time, _counter: Counter, _value: f64) -> io::Result<()> {
        Ok(())
    }

    fn finish(&mut self, end: Time) -> io::Result<()> {
        let shown = self.full.filter(|full| *full < end);
        if let Some(shown) = shown {
            let [shown, all] = [shown, end].map(|time| time.saturating_since(Time::ZERO).milliseconds());
            self.chart.note = format!("the first {shown:.3} ms of {all:.3} ms");
        }
        self.chart.end = seconds(shown.unwrap_or(end));
        self.output.write_all(self.chart.to_svg().as_str().as_bytes())?;
        self.output.flush()
    }
}
