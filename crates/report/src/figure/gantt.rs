//! Gantt charts: what ran on each unit, and the jobs of each task with their deadlines.
//!
//! A long run is folded: the chart has as many bands below each other as keep its bars and jobs apart, each with its own
//! stretch of time.

use super::axis::Axis;
use super::canvas::{Anchor, Area, Canvas, Label, centred};
use super::color::{is_hatched, series_color, series_text};
use super::extent::{shortened, text_width, widest};
use super::{AXIS, GRID, INK, LABEL_SIZE, SOFT_INK, Svg, TICK_SIZE, TITLE_SIZE, TWO_COLUMNS_PT};

/// Bars of one unit, and jobs of one task, that a band can show apart.
const BARS_PER_BAND: usize = 30;
const JOBS_PER_BAND: usize = 24;
/// The most bands, and the height that they may have together if every task has a row in each.
const MAX_BANDS: usize = 24;
const MAX_HEIGHT: f64 = 2_400.0;
/// Heights of the rows of units and of tasks, of a bar, of the ticks below a band, and of the gap behind them.
const UNIT_ROW: f64 = 11.0;
const TASK_ROW: f64 = 10.0;
const BAR: f64 = 8.5;
const TICKS: f64 = 10.0;
const BAND_GAP: f64 = 6.0;
/// The most room for names, and what stands between a name and its row.
const MAX_NAME: f64 = 120.0;
const NAME_GAP: f64 = 5.0;
/// Room of a colour before the name of a task.
const SAMPLE: f64 = 9.0;
/// The least width of a bar, which also one of no length has.
const MIN_BAR: f64 = 0.4;
/// The width from which a bar is parted from the one before.
const MIN_PARTED: f64 = 2.0;
/// Distance by which jobs of a task that overlap are moved up or down.
const OVERLAP: f64 = 1.3;
/// Deadlines that were missed, jobs that were dropped. No task has this colour.
const FAILED: &str = "#cc0000";
/// Spaces of time, the longest first: length in seconds, name.
const UNITS_OF_TIME: [(f64, &str); 4] = [(1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns")];

/// A Gantt chart. Times are in seconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gantt {
    /// Title.
    pub title: String,
    /// Further words, such as that the chart does not show all.
    pub note: String,
    /// Names of the units, one row each.
    pub units: Vec<String>,
    /// Names of the tasks, one row each; their colours follow from their positions.
    pub tasks: Vec<String>,
    /// Jobs, or parts of them, on units.
    pub bars: Vec<GanttBar>,
    /// Jobs of tasks.
    pub jobs: Vec<GanttJob>,
    /// End of the time that is shown, from 0.
    pub end: f64,
}

/// A job, or a part of it, on a unit.
#[derive(Clone, Debug, PartialEq)]
pub struct GanttBar {
    /// Position of the unit.
    pub unit: usize,
    /// Position of the task.
    pub task: usize,
    /// Text, which is left out where the bar is too short for it.
    pub label: String,
    /// Start.
    pub from: f64,
    /// End.
    pub to: f64,
}

/// A job of a task.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GanttJob {
    /// Position of the task.
    pub task: usize,
    /// Release.
    pub release: f64,
    /// Deadline.
    pub deadline: f64,
    /// Its end; none of a job that was not over.
    pub end: Option<f64>,
    /// True if it was dropped at its end.
    pub dropped: bool,
}

/// Draws a sign from a place on.
type Sign<'s> = &'s dyn Fn(&mut Canvas, f64);

/// Where things stand in the chart.
struct Layout {
    left: f64,
    width: f64,
    unit: (f64, &'static str),
}

/// A stretch of time, where its rows begin, and the tasks that have a row: those with jobs in it.
struct Band {
    axis: Axis,
    top: f64,
    tasks: Vec<usize>,
}

impl Gantt {
    /// The chart as SVG.
    #[must_use]
    pub fn to_svg(&self) -> Svg {
        let mut canvas = Canvas::new();
        let names = self.units.iter().chain(&self.tasks).map(String::as_str);
        let left = SAMPLE + widest(names, TICK_SIZE).min(MAX_NAME) + NAME_GAP;
        let bands = self.bands();
        let length = self.end / bands as f64;
        let unit = UNITS_OF_TIME.into_iter().find(|(scale, _)| length >= 2.0 * scale);
        let unit = unit.unwrap_or(UNITS_OF_TIME[UNITS_OF_TIME.len() - 1]);
        let layout = Layout { left, width: TWO_COLUMNS_PT - left, unit };
        canvas.label(Label::new(0.0, TITLE_SIZE, &self.title, TITLE_SIZE).bold());
        let mut top = TITLE_SIZE + 6.0;
        if !self.note.is_empty() {
            canvas.label(Label::new(0.0, top + LABEL_SIZE - 2.0, &self.note, LABEL_SIZE).fill(SOFT_INK));
            top += LABEL_SIZE + 4.0;
        }
        for index in 0..bands {
            let (low, high) = (length * index as f64, length * (index + 1) as f64);
            let axis = Axis::new(low / unit.0, high / unit.0, 6, true);
            let band = Band { axis, top, tasks: self.tasks_between(low, high) };
            self.draw_rows(&mut canvas, &layout, &band);
            self.draw_bars(&mut canvas, &layout, &band);
            self.draw_jobs(&mut canvas, &layout, &band);
            top += self.rows_height(&band) + TICKS + BAND_GAP;
        }
        let time = format!("time ({})", unit.1);
        let middle = layout.left + layout.width / 2.0;
        canvas.label(Label::new(middle, top + 2.0, &time, LABEL_SIZE).anchor(Anchor::Middle));
        self.draw_key(&mut canvas, &layout, top + LABEL_SIZE + 5.0);
        canvas.finish(&self.title)
    }

    /// The number of bands: what the busiest unit and the busiest task need.
    fn bands(&self) -> usize {
        let busiest = |rows: usize, of: &mut dyn Iterator<Item = usize>| {
            let mut counts = vec![0_usize; rows];
            for row in of {
                if let Some(count) = counts.get_mut(row) {
                    *count += 1;
                }
            }
            counts.into_iter().max().unwrap_or(0)
        };
        let bars = busiest(self.units.len(), &mut self.bars.iter().map(|bar| bar.unit));
        let jobs = busiest(self.tasks.len(), &mut self.jobs.iter().map(|job| job.task));
        let rows = self.units.len() as f64 * UNIT_ROW + self.tasks.len() as f64 * TASK_ROW;
        let fitting = (MAX_HEIGHT / (rows + TICKS + BAND_GAP)) as usize;
        bars.div_ceil(BARS_PER_BAND).max(jobs.div_ceil(JOBS_PER_BAND)).min(fitting).clamp(1, MAX_BANDS)
    }

    /// The tasks that have a job or a deadline in a stretch of time.
    fn tasks_between(&self, low: f64, high: f64) -> Vec<usize> {
        let mut shown = vec![false; self.tasks.len()];
        for job in &self.jobs {
            let last = job.end.unwrap_or(self.end).max(job.deadline);
            if let Some(shown) = shown.get_mut(job.task) {
                *shown |= job.release <= high && last >= low;
            }
        }
        (0..self.tasks.len()).filter(|task| shown[*task]).collect()
    }

    fn rows_height(&self, band: &Band) -> f64 {
        self.units.len() as f64 * UNIT_ROW + band.tasks.len() as f64 * TASK_ROW
    }

    fn unit_middle(band: &Band, unit: usize) -> f64 {
        band.top + (unit as f64 + 0.5) * UNIT_ROW
    }

    /// The middle of a task's row; none where it has no row in the band.
    fn task_middle(&self, band: &Band, task: usize) -> Option<f64> {
        let row = band.tasks.binary_search(&task).ok()?;
        Some(band.top + self.units.len() as f64 * UNIT_ROW + (row as f64 + 0.5) * TASK_ROW)
    }

    /// Grid, ticks, names of the rows.
    fn draw_rows(&self, canvas: &mut Canvas, layout: &Layout, band: &Band) {
        let bottom = band.top + self.rows_height(band);
        for (value, text) in &band.axis.ticks {
            let x = layout.left + layout.width * band.axis.place(*value);
            canvas.line((x, band.top), (x, bottom), GRID, 0.5);
            let y = bottom + TICK_SIZE + 1.0;
            canvas.label(Label::new(x, y, text, TICK_SIZE).anchor(Anchor::Middle));
        }
        let right = layout.left + layout.width;
        let units = band.top + self.units.len() as f64 * UNIT_ROW;
        for y in [band.top, units, bottom] {
            canvas.line((layout.left, y), (right, y), AXIS, 0.6);
        }
        let name = |canvas: &mut Canvas, name: &str, middle: f64| {
            let name = shortened(name, MAX_NAME, TICK_SIZE);
            canvas.label(Label::new(SAMPLE, centred(middle, TICK_SIZE), &name, TICK_SIZE));
        };
        for (unit, text) in self.units.iter().enumerate() {
            name(canvas, text, Self::unit_middle(band, unit));
        }
        for &task in &band.tasks {
            let Some(middle) = self.task_middle(band, task) else { continue };
            let area = Area { x: 0.0, y: middle - 3.0, width: 6.5, height: 6.0 };
            fill(canvas, area, task);
            name(canvas, &self.tasks[task], middle);
        }
    }

    fn draw_bars(&self, canvas: &mut Canvas, layout: &Layout, band: &Band) {
        for bar in &self.bars {
            let Some((from, to)) = layout.clip(band, bar.from, bar.to) else { continue };
            let (width, middle) = ((to - from).max(MIN_BAR), Self::unit_middle(band, bar.unit));
            fill(canvas, Area { x: from, y: middle - BAR / 2.0, width, height: BAR }, bar.task);
            if width > MIN_PARTED {
                // Parts it from the bar before, which may be of the same task.
                let (top, bottom) = (middle - BAR / 2.0, middle + BAR / 2.0);
                canvas.line((from, top), (from, bottom), "#ffffff", 0.4);
            }
            if text_width(&bar.label, TICK_SIZE) + 1.5 <= width {
                let label = Label::new(
                    from + width / 2.0,
                    centred(middle, TICK_SIZE - 0.5),
                    &bar.label,
                    TICK_SIZE - 0.5,
                );
                canvas.label(label.anchor(Anchor::Middle).fill(series_text(bar.task)));
            }
        }
    }

    fn draw_jobs(&self, canvas: &mut Canvas, layout: &Layout, band: &Band) {
        // By task: when its jobs so far have ended, and how far its last job was moved.
        let mut before = vec![(0.0_f64, 0.0_f64); self.tasks.len()];
        for job in &self.jobs {
            let Some((ended, moved)) = before.get_mut(job.task) else { continue };
            let end = job.end.unwrap_or(self.end);
            // Jobs of a task that overlap stand apart.
            *moved = if job.release >= *ended {
                0.0
            } else if *moved == OVERLAP {
                -OVERLAP
            } else {
                OVERLAP
            };
            *ended = ended.max(end);
            let Some(middle) = self.task_middle(band, job.task) else { continue };
            let y = middle + *moved;
            let color = series_color(job.task);
            let missed = end > job.deadline || (job.end.is_none() && job.deadline <= self.end);
            if let Some((from, to)) = layout.clip(band, job.release, end) {
                canvas.line((from, y), (to.max(from + MIN_BAR), y), color, 1.4);
            }
            if missed && let Some((from, to)) = layout.clip(band, job.deadline.max(job.release), end) {
                canvas.line((from, y), (to.max(from + MIN_BAR), y), FAILED, 1.4);
            }
            if let Some(x) = layout.place(band, job.release) {
                canvas.line((x, y - 2.6), (x, y + 2.6), color, 0.7);
            }
            if job.dropped
                && let Some(x) = layout.place(band, end)
            {
                cross(canvas, (x, y));
            }
            if let Some(x) = layout.place(band, job.deadline) {
                deadline(canvas, (x, y), if missed && !job.dropped { FAILED } else { INK });
            }
        }
    }

    /// A line on the signs of jobs.
    fn draw_key(&self, canvas: &mut Canvas, layout: &Layout, top: f64) {
        let (mut x, middle) = (layout.left, top + LABEL_SIZE / 2.0);
        let color = series_color(0);
        let entries: [(&str, Sign<'_>); 5] = [
            ("release to end of a job", &|canvas, x| {
                canvas.line((x, middle), (x + 9.0, middle), color, 1.4);
                canvas.line((x, middle - 2.6), (x, middle + 2.6), color, 0.7);
            }),
            ("deadline", &|canvas, x| deadline(canvas, (x + 4.5, middle), INK)),
            ("missed", &|canvas, x| deadline(canvas, (x + 4.5, middle), FAILED)),
            ("too late", &|canvas, x| canvas.line((x, middle), (x + 9.0, middle), FAILED, 1.4)),
            ("dropped", &|canvas, x| cross(canvas, (x + 4.5, middle))),
        ];
        for (text, sign) in entries {
            sign(canvas, x);
            x += 12.0;
            canvas.label(Label::new(x, centred(middle, TICK_SIZE), text, TICK_SIZE).fill(SOFT_INK));
            x += text_width(text, TICK_SIZE) + 8.0;
        }
    }
}

impl Layout {
    /// The place of an instant; none outside of the band. The start of a band belongs to it, and so does the end of the
    /// last one.
    fn place(&self, band: &Band, seconds: f64) -> Option<f64> {
        let place = band.axis.place(seconds / self.unit.0);
        (0.0..=1.0).contains(&place).then_some(self.left + self.width * place)
    }

    /// The places of both ends of a stretch as far as it lies in the band; none where it does not.
    fn clip(&self, band: &Band, from: f64, to: f64) -> Option<(f64, f64)> {
        let [from, to] = [from, to].map(|seconds| band.axis.place(seconds / self.unit.0));
        let is_inside = from < 1.0 && (to > 0.0 || (from >= 0.0 && to == from));
        is_inside.then(|| (self.left + self.width * from.max(0.0), self.left + self.width * to.min(1.0)))
    }
}

/// Fills an area in the colour of a task.
fn fill(canvas: &mut Canvas, area: Area, task: usize) {
    canvas.rect(area, series_color(task), "");
    if is_hatched(task) {
        canvas.hatch(area, 3.0, "#ffffff", 0.6);
    }
}

/// A deadline: an arrow that points down.
fn deadline(canvas: &mut Canvas, (x, y): (f64, f64), color: &str) {
    canvas.line((x, y - 3.6), (x, y + 1.0), color, 0.5);
    canvas.polygon(&[(x - 1.5, y + 0.6), (x + 1.5, y + 0.6), (x, y + 3.4)], color, "");
}

fn cross(canvas: &mut Canvas, (x, y): (f64, f64)) {
    canvas.line((x - 2.2, y - 2.2), (x + 2.2, y + 2.2), FAILED, 0.9);
    canvas.line((x - 2.2, y + 2.2), (x + 2.2, y - 2.2), FAILED, 0.9);
}
