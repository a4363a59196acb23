//! A grid of coloured cells with the value printed in each.

use super::axis::Axis;
use super::canvas::{Anchor, Area, Canvas, Label, Turn, centred};
use super::color::ColorScale;
use super::extent::{LINE_HEIGHT, shortened, text_width, widest, wrapped};
use super::{INK, LABEL_SIZE, ONE_COLUMN_PT, SOFT_INK, Svg, TICK_SIZE, TITLE_SIZE};
use crate::text::typeset;

/// Least height of a row.
const ROW: f64 = 10.5;
/// The same under a path, which runs below the values so that both can be read.
const ROW_WITH_PATH: f64 = 17.0;
/// Distance of a path below the middle of a row, and values above it.
const BELOW: f64 = 4.0;
/// Gap between groups of rows or columns.
const GROUP_GAP: f64 = 3.0;
/// Gap between labels and cells.
const LABEL_GAP: f64 = 4.0;
/// Longest label of a row or column.
const LONGEST: f64 = 130.0;

/// The line of a path: vermillion, which no part of viridis comes near.
const PATH: &str = "#D55E00";

/// A row of a heat map.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeatRow {
    /// Consecutive rows of the same group share one label and stand together; may be empty.
    pub group: String,
    /// Name of the row within its group.
    pub label: String,
}

/// A column of a heat map.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeatColumn {
    /// Name.
    pub label: String,
    /// Set apart from the columns before it, as a mean is.
    pub gap_before: bool,
}

/// A heat map: rows, columns, a value in each cell.
#[derive(Clone, Debug, PartialEq)]
pub struct HeatMap {
    /// Title inside the figure; empty for none.
    pub title: String,
    /// Alternative text: a description of the figure.
    pub description: String,
    /// The rows, top down.
    pub rows: Vec<HeatRow>,
    /// The columns, left to right.
    pub columns: Vec<HeatColumn>,
    /// Values by row, then by column. Missing ones (absent, `None` or not finite) are hatched.
    pub values: Vec<Vec<Option<f64>>>,
    /// Name and unit of the values.
    pub value_label: String,
    /// Decimals of the values.
    pub decimals: u8,
    /// Colours.
    pub scale: ColorScale,
    /// The values at the two ends of the scale; from the data where absent.
    pub range: Option<(f64, f64)>,
    /// Title of the columns; empty where their names suffice.
    pub x_label: String,
    /// Title of the rows; empty where their names suffice.
    pub y_label: String,
    /// A way over the map, from first to last, such as that of a search for the best cell: pairs of column and
    /// row, counted from 0 at the centre of the first; fractions lie between centres. What lies outside
    /// is moved to the edge.
    pub path: Vec<(f64, f64)>,
    /// Width to fill; cells grow no wider than 60 pt, and no narrower than their text.
    pub width_pt: f64,
}

impl Default for HeatMap {
    fn default() -> HeatMap {
        HeatMap {
            title: String::new(),
            description: String::new(),
            rows: Vec::new(),
            columns: Vec::new(),
            values: Vec::new(),
            value_label: String::new(),
            decimals: 1,
            scale: ColorScale::Amount,
            range: None,
            x_label: String::new(),
            y_label: String::new(),
            path: Vec::new(),
            width_pt: ONE_COLUMN_PT,
        }
    }
}

impl HeatMap {
    /// Draws the heat map.
    #[must_use]
    pub fn to_svg(&self) -> Svg {
        let mut canvas = Canvas::new();
        let layout = Places::of(self);
        let mut y = 0.0;
        if !self.title.is_empty() {
            let title = shortened(&self.title, layout.right, TITLE_SIZE);
            canvas.label(Label::new(0.0, y + TITLE_SIZE * 0.8, &title, TITLE_SIZE).bold());
            y += TITLE_SIZE * LINE_HEIGHT + 3.0;
        }
        let axis = self.axis();
        let missing = self.rows.iter().enumerate().any(|(row, _)| {
            self.columns.iter().enumerate().any(|(column, _)| self.value(row, column).is_none())
        });
        y += draw_scale(&mut canvas, self, &axis, &layout, y, missing);
        if self.has_path() {
            y += draw_path_key(&mut canvas, &layout, y);
        }
        let (bottom, rows) = self.draw_rows(&mut canvas, &axis, &layout, y);
        let below = self.draw_column_labels(&mut canvas, &layout, bottom);
        self.draw_labels(&mut canvas, &layout, (y, bottom), below);
        self.draw_path(&mut canvas, &layout, &rows);
        canvas.include(layout.right, bottom);
        canvas.finish(if self.description.is_empty() { &self.title } else { &self.description })
    }

    fn value(&self, row: usize, column: usize) -> Option<f64> {
        let value = *self.values.get(row)?.get(column)?;
        value.filter(|value| value.is_finite())
    }

    fn axis(&self) -> Axis {
        let (low, high) = self.range.unwrap_or_else(|| {
            let values = self.values.iter().flatten().flatten().copied().filter(|value| value.is_finite());
            let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
                (low.min(value), high.max(value))
            });
            match self.scale {
                ColorScale::Amount | ColorScale::AmountReversed => (low, high),
                ColorScale::Difference | ColorScale::DifferenceReversed => {
                    let size = low.abs().max(high.abs());
                    (-size, size)
                }
            }
        });
        Axis::new(low, high, 4, true)
    }

    fn row_height(&self) -> f64 {
        if self.has_path() { ROW_WITH_PATH } else { ROW }
    }

    fn has_path(&self) -> bool {
        !self.path.is_empty() && !self.rows.is_empty() && !self.columns.is_empty()
    }

    /// Draws the rows; gives where they end and the top of each.
    fn draw_rows(&self, canvas: &mut Canvas, axis: &Axis, places: &Places, top: f64) -> (f64, Vec<f64>) {
        let height = self.row_height();
        let mut tops = Vec::with_capacity(self.rows.len());
        let mut y = top;
        let mut group_top = top;
        for (index, row) in self.rows.iter().enumerate() {
            let starts = index == 0 || self.rows.get(index - 1).is_none_or(|above| above.group != row.group);
            if starts && index > 0 {
                y += GROUP_GAP;
            }
            if starts {
                group_top = y;
            }
            tops.push(y);
            let label = shortened(&row.label, LONGEST, TICK_SIZE);
            let x = places.left - LABEL_GAP;
            let middle = y + height / 2.0;
            canvas.label(Label::new(x, centred(middle, TICK_SIZE), &label, TICK_SIZE).anchor(Anchor::End));
            for (column, &x) in places.columns.iter().enumerate() {
                let area = Area { x, y, width: places.cell, height };
                self.draw_cell(canvas, axis, area, self.value(index, column));
            }
            y += height;
            let ends = self.rows.get(index + 1).is_none_or(|below| below.group != row.group);
            if ends && !row.group.is_empty() {
                let group = shortened(&row.group, LONGEST, TICK_SIZE);
                let middle = centred((group_top + y) / 2.0, TICK_SIZE);
                let bracket = places.bracket;
                canvas.label(Label::new(bracket - 3.0, middle, &group, TICK_SIZE).anchor(Anchor::End));
                canvas.line((bracket, group_top + 1.0), (bracket, y - 1.0), "#999999", 0.6);
            }
        }
        (y, tops)
    }

    /// Titles of rows and columns, beside and below them.
    fn draw_labels(&self, canvas: &mut Canvas, places: &Places, (top, bottom): (f64, f64), below: f64) {
        if !self.x_label.is_empty() {
            let label = shortened(&self.x_label, (places.right - places.left).max(60.0), LABEL_SIZE);
            let (x, y) = ((places.left + places.end) / 2.0, below + LABEL_SIZE);
            canvas.label(Label::new(x, y, &label, LABEL_SIZE).anchor(Anchor::Middle));
        }
        if !self.y_label.is_empty() {
            let label = shortened(&self.y_label, (bottom - top).max(60.0), LABEL_SIZE);
            let label = Label::new(LABEL_SIZE * 0.9, (top + bottom) / 2.0, &label, LABEL_SIZE);
            canvas.label(label.anchor(Anchor::Middle).turn(Turn::Vertical));
        }
    }

    /// The path over the cells: a line with a light casing, a point a step, a ring where it starts and a
    /// diamond where it ends.
    fn draw_path(&self, canvas: &mut Canvas, places: &Places, rows: &[f64]) {
        if !self.has_path() {
            return;
        }
        let columns: Vec<f64> = places.columns.iter().map(|x| x + places.cell / 2.0).collect();
        let rows: Vec<f64> = rows.iter().map(|y| y + ROW_WITH_PATH / 2.0 + BELOW).collect();
        let finite = |point: &&(f64, f64)| point.0.is_finite() && point.1.is_finite();
        let place = |(column, row): &(f64, f64)| (between(&columns, *column), between(&rows, *row));
        let points: Vec<(f64, f64)> = self.path.iter().filter(finite).map(place).collect();
        let (Some(first), Some(last)) = (points.first(), points.last()) else { return };
        let round = " stroke-linejoin=\"round\" stroke-linecap=\"round\"";
        canvas.polyline(&points, "#ffffff", &format!(" stroke-width=\"2.8\"{round}"));
        canvas.polyline(&points, PATH, &format!(" stroke-width=\"1.3\"{round}"));
        for point in &points {
            canvas.circle(*point, 1.5, PATH, " stroke=\"#ffffff\" stroke-width=\"0.5\"");
        }
        draw_start(canvas, *first);
        draw_end(canvas, *last);
    }

    fn draw_cell(&self, canvas: &mut Canvas, axis: &Axis, area: Area, value: Option<f64>) {
        let border = " stroke=\"#ffffff\" stroke-width=\"0.5\"";
        let Some(value) = value else {
            canvas.rect(area, "#f4f4f4", border);
            canvas.hatch(area, 3.5, "#999999", 0.5);
            return;
        };
        let color = self.scale.at(axis.place(value));
        canvas.rect(area, &color.hex(), border);
        let text = typeset(value, self.decimals);
        let up = if self.has_path() { BELOW } else { 0.0 };
        let (x, y) = (area.x + area.width / 2.0, centred(area.y + area.height / 2.0 - up, TICK_SIZE));
        canvas.label(Label::new(x, y, &text, TICK_SIZE).anchor(Anchor::Middle).fill(color.text()));
    }

    /// Names under the columns: upright where all fit in three lines, else diagonal; gives where they end.
    fn draw_column_labels(&self, canvas: &mut Canvas, places: &Places, bottom: f64) -> f64 {
        let mut below = bottom;
        let lines: Option<Vec<Vec<String>>> = self
            .columns
            .iter()
            .map(|column| wrapped(&column.label, places.cell - 2.0, TICK_SIZE, 3))
            .collect();
        for (index, (column, &x)) in self.columns.iter().zip(&places.columns).enumerate() {
            let middle = x + places.cell / 2.0;
            let y = bottom + 3.0;
            match lines.as_ref().and_then(|lines| lines.get(index)) {
                Some(lines) => {
                    for (line, text) in lines.iter().enumerate() {
                        let y = y + TICK_SIZE * (0.8 + LINE_HEIGHT * line as f64);
                        canvas.label(Label::new(middle, y, text, TICK_SIZE).anchor(Anchor::Middle));
                        below = below.max(y + TICK_SIZE * 0.4);
                    }
                }
                None => {
                    let text = shortened(&column.label, LONGEST, TICK_SIZE);
                    let fall = text_width(&text, TICK_SIZE) * std::f64::consts::FRAC_1_SQRT_2;
                    below = below.max(y + TICK_SIZE + fall);
                    canvas.label(
                        Label::new(middle + TICK_SIZE * 0.3, y + TICK_SIZE * 0.6, &text, TICK_SIZE)
                            .anchor(Anchor::End)
                            .turn(Turn::Diagonal),
                    );
                }
            }
        }
        below
    }
}

/// A place between neighbours of some places, by its fractional index; beyond the ends it is the end.
fn between(places: &[f64], index: f64) -> f64 {
    let last = places.len().saturating_sub(1);
    let index = index.clamp(0.0, last as f64);
    let below = index.floor() as usize;
    let (Some(low), Some(high)) = (places.get(below), places.get((below + 1).min(last))) else { return 0.0 };
    low + (high - low) * (index - below as f64)
}

fn draw_start(canvas: &mut Canvas, point: (f64, f64)) {
    let ring = format!(" stroke=\"{PATH}\" stroke-width=\"1.3\"");
    canvas.circle(point, 3.4, "#ffffff", " stroke=\"#ffffff\" stroke-width=\"2.2\"");
    canvas.circle(point, 3.0, "#ffffff", &ring);
}

fn draw_end(canvas: &mut Canvas, (x, y): (f64, f64)) {
    let diamond = |size: f64| [(x, y - size), (x + size, y), (x, y + size), (x - size, y)];
    canvas.polygon(&diamond(5.0), "#ffffff", "");
    canvas.polygon(&diamond(4.0), PATH, "");
}

/// Draws the key to the marks of a path; gives its height.
fn draw_path_key(canvas: &mut Canvas, places: &Places, y: f64) -> f64 {
    const HEIGHT: f64 = 11.0;
    let middle = y + HEIGHT / 2.0 - 2.5;
    let baseline = centred(middle, TICK_SIZE);
    let text = ["start", "end of the path"].map(|text| (text, text_width(text, TICK_SIZE)));
    let mut x = (places.right - text[0].1 - text[1].1 - 30.0).max(0.0);
    draw_start(canvas, (x + 4.0, middle));
    canvas.label(Label::new(x + 10.0, baseline, text[0].0, TICK_SIZE));
    x += 10.0 + text[0].1 + 8.0;
    draw_end(canvas, (x + 4.0, middle));
    canvas.label(Label::new(x + 12.0, baseline, text[1].0, TICK_SIZE));
    HEIGHT
}

/// Where things stand, from left to right.
struct Places {
    bracket: f64,
    left: f64,
    cell: f64,
    columns: Vec<f64>,
    /// Where the cells end.
    end: f64,
    right: f64,
}

impl Places {
    fn of(map: &HeatMap) -> Places {
        let group = widest(map.rows.iter().map(|row| row.group.as_str()), TICK_SIZE).min(LONGEST);
        let label = widest(map.rows.iter().map(|row| row.label.as_str()), TICK_SIZE).min(LONGEST);
        let beside = if map.y_label.is_empty() { 0.0 } else { LABEL_SIZE * 1.6 };
        let bracket = beside + group + 3.0;
        let left = if group > 0.0 { bracket + 3.0 + label } else { beside + label } + LABEL_GAP;
        let values = map.values.iter().flatten().flatten();
        let texts = values.map(|value| text_width(&typeset(*value, map.decimals), TICK_SIZE));
        let needed = texts.fold(TICK_SIZE * 1.6, f64::max) + 2.0;
        let gap =
            |index: usize, column: &HeatColumn| if index > 0 && column.gap_before { GROUP_GAP } else { 0.0 };
        let gaps: f64 = map.columns.iter().enumerate().map(|(index, column)| gap(index, column)).sum();
        let count = map.columns.len().max(1) as f64;
        // Wider cells than this only spread the numbers apart.
        let cell = ((map.width_pt - left - gaps) / count).min(60.0).max(needed);
        let mut x = left;
        let mut columns = Vec::with_capacity(map.columns.len());
        for (index, column) in map.columns.iter().enumerate() {
            x += gap(index, column);
            columns.push(x);
            x += cell;
        }
        Places { bracket, left, cell, columns, end: x, right: x.max(left + 90.0) }
    }
}

/// The colour scale with its ticks, over the cells; gives its height.
fn draw_scale(
    canvas: &mut Canvas,
    map: &HeatMap,
    axis: &Axis,
    places: &Places,
    y: f64,
    missing: bool,
) -> f64 {
    const STEPS: u32 = 60;
    const HEIGHT: f64 = 6.0;
    let width = (places.right - places.left).min(180.0);
    let left = places.right - width;
    let label = shortened(&map.value_label, (left - 6.0).max(30.0), LABEL_SIZE);
    let label_end =
        Label::new(left - 5.0, centred(y + HEIGHT / 2.0, LABEL_SIZE), &label, LABEL_SIZE).anchor(Anchor::End);
    canvas.label(label_end);
    let step = width / f64::from(STEPS);
    for index in 0..STEPS {
        let color = map.scale.at((f64::from(index) + 0.5) / f64::from(STEPS));
        // Each step reaches under the next one, so that no seam shows.
        let overlap = if index + 1 == STEPS { 0.0 } else { 0.5 };
        let area = Area { x: left + step * f64::from(index), y, width: step + overlap, height: HEIGHT };
        canvas.rect(area, &color.hex(), "");
    }
    let ticks = y + HEIGHT;
    for (value, text) in &axis.ticks {
        let x = left + axis.place(*value) * width;
        canvas.line((x, ticks), (x, ticks + 2.0), SOFT_INK, 0.6);
        let label = Label::new(x, ticks + 2.5 + TICK_SIZE * 0.8, text, TICK_SIZE);
        canvas.label(label.anchor(Anchor::Middle).fill(INK));
    }
    let mut height = HEIGHT + 2.5 + TICK_SIZE + 5.0;
    if missing {
        let area = Area { x: left, y: y + height - 2.0, width: 12.0, height: 6.5 };
        canvas.rect(area, "#f4f4f4", "");
        canvas.hatch(area, 3.5, "#999999", 0.5);
        let middle = centred(area.y + area.height / 2.0, TICK_SIZE);
        canvas.label(Label::new(area.x + 15.0, middle, "no value", TICK_SIZE));
        height += 9.5;
    }
    height
}
