//! Labelled points over two axes; for trade-offs between two metrics.

use super::axis::Axis;
use super::canvas::{Anchor, Area, Canvas, Label, centred};
use super::color::series_color;
use super::extent::{LINE_HEIGHT, shortened, text_width, widest};
use super::grouped_bars::{draw_y_axis, place_y};
use super::{AXIS, GRID, INK, LABEL_SIZE, ONE_COLUMN_PT, SOFT_INK, Svg, TICK_SIZE, TITLE_SIZE};

/// A point with its label.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScatterPoint {
    /// Text beside it; empty for none.
    pub label: String,
    /// Place on the horizontal axis.
    pub x: f64,
    /// Place on the vertical axis.
    pub y: f64,
    /// True if it stands out.
    pub strong: bool,
}

/// A chart of labelled points. Both axes begin at zero, a logarithmic one at a power of ten; with a front, the horizontal
/// one begins where the points do if these are far from zero.
#[derive(Clone, Debug, PartialEq)]
pub struct Scatter {
    /// Title inside the figure; empty for none.
    pub title: String,
    /// Alternative text: a description of the figure.
    pub description: String,
    /// Title of the horizontal axis, with its unit.
    pub x_label: String,
    /// Title of the vertical axis, with its unit.
    pub y_label: String,
    /// The points; those that are not finite are left out, and so are those that a logarithm does not have.
    pub points: Vec<ScatterPoint>,
    /// True if the vertical axis is logarithmic.
    pub y_log: bool,
    /// True if the points that stand out are a front: they are joined from left to right, and the others are grey.
    pub has_front: bool,
    /// Width of the figure.
    pub width_pt: f64,
    /// Height of the area of the points.
    pub plot_height_pt: f64,
}

impl Default for Scatter {
    fn default() -> Scatter {
        Scatter {
            title: String::new(),
            description: String::new(),
            x_label: String::new(),
            y_label: String::new(),
            points: Vec::new(),
            y_log: false,
            has_front: false,
            width_pt: ONE_COLUMN_PT,
            plot_height_pt: 170.0,
        }
    }
}

/// Radius of a point.
const RADIUS: f64 = 2.2;
/// Points beside a front.
const BEATEN: &str = "#8a8a8a";
/// Where all points are beyond this part of the largest, an axis need not begin at zero.
const FAR_FROM_ZERO: f64 = 0.6;
/// Room behind a label.
const GAP: f64 = 3.0;

impl Scatter {
    /// Draws the chart.
    #[must_use]
    pub fn to_svg(&self) -> Svg {
        let mut canvas = Canvas::new();
        let points: Vec<&ScatterPoint> = self
            .points
            .iter()
            .filter(|point| point.x.is_finite() && point.y.is_finite() && !(self.y_log && point.y <= 0.0))
            .collect();
        let height = |value: f64| if self.y_log { libm::log10(value) } else { value };
        let largest = |of: &dyn Fn(&ScatterPoint) -> f64| points.iter().map(|p| of(p)).fold(0.0, f64::max);
        let high = largest(&|point| point.x);
        let low = points.iter().map(|point| point.x).fold(high, f64::min);
        let is_far = self.has_front && low > FAR_FROM_ZERO * high;
        let x_axis = Axis::new(if is_far { low } else { 0.0 }, high, 5, false);
        let y_axis = if self.y_log {
            logarithmic(points.iter().map(|point| height(point.y)))
        } else {
            Axis::new(0.0, largest(&|point| point.y), 5, false)
        };
        let tick_width = widest(y_axis.ticks.iter().map(|(_, text)| text.as_str()), TICK_SIZE);
        let label_width = if self.y_label.is_empty() { 0.0 } else { LABEL_SIZE * 1.5 };
        let left = label_width + tick_width + 4.0;
        let overhang = widest(x_axis.ticks.last().map(|(_, text)| text.as_str()), TICK_SIZE) / 2.0;
        let right = (self.width_pt - overhang).max(left + 60.0);
        let mut y = 0.0;
        if !self.title.is_empty() {
            let title = shortened(&self.title, right, TITLE_SIZE);
            canvas.label(Label::new(0.0, TITLE_SIZE * 0.8, &title, TITLE_SIZE).bold());
            y += TITLE_SIZE * LINE_HEIGHT + 4.0;
        }
        let plot = Area { x: left, y: y + 3.0, width: right - left, height: self.plot_height_pt };
        draw_y_axis(&mut canvas, &y_axis, plot, &self.y_label, tick_width);
        self.draw_x_axis(&mut canvas, &x_axis, plot);
        let places: Vec<(f64, f64)> = points
            .iter()
            .map(|point| {
                (plot.x + x_axis.place(point.x) * plot.width, place_y(&y_axis, plot, height(point.y)))
            })
            .collect();
        let mut taken: Vec<Area> = places
            .iter()
            .map(|(x, y)| Area { x: x - RADIUS, y: y - RADIUS, width: 2.0 * RADIUS, height: 2.0 * RADIUS })
            .collect();
        // Those that stand out have the first choice of places.
        let mut order: Vec<usize> = (0..points.len()).collect();
        order.sort_by_key(|index| !points[*index].strong);
        let mut labels = vec![(Area { x: 0.0, y: 0.0, width: 0.0, height: 0.0 }, 0.0); points.len()];
        for index in order.into_iter().filter(|index| !points[*index].label.is_empty()) {
            labels[index] = free_place(points[index], places[index], plot, &taken);
            taken.push(labels[index].0);
        }
        for ((area, distance), &(x, y)) in labels.iter().zip(&places) {
            if *distance > 5.0 {
                // To the nearest place of the label's edge.
                let end = (x.clamp(area.x, area.x + area.width), y.clamp(area.y, area.y + area.height));
                canvas.line((x, y), end, SOFT_INK, 0.3);
            }
        }
        self.draw_front(&mut canvas, &points, &places);
        for (index, (point, place)) in points.iter().zip(&places).enumerate() {
            let color = match (self.has_front, point.strong) {
                (false, _) => series_color(index),
                (true, true) => series_color(0),
                (true, false) => BEATEN,
            };
            let border = " stroke=\"#ffffff\" stroke-width=\"0.4\"";
            let radius = if point.strong { RADIUS * 1.4 } else { RADIUS };
            canvas.circle(*place, radius, color, border);
        }
        for ((area, _), point) in labels.iter().zip(&points).filter(|(_, point)| !point.label.is_empty()) {
            if self.has_front {
                canvas.rect(*area, "#ffffff", " fill-opacity=\"0.75\"");
            }
            let label =
                Label::new(area.x, centred(area.y + area.height / 2.0, TICK_SIZE), &point.label, TICK_SIZE);
            canvas.label(if point.strong { label.bold() } else { label });
        }
        canvas.finish(if self.description.is_empty() { &self.title } else { &self.description })
    }

    /// Joins the points of the front, the leftmost first.
    fn draw_front(&self, canvas: &mut Canvas, points: &[&ScatterPoint], places: &[(f64, f64)]) {
        let strong = points.iter().zip(places).filter(|(point, _)| self.has_front && point.strong);
        let mut line: Vec<(f64, f64)> = strong.map(|(_, place)| *place).collect();
        line.sort_by(|left, right| left.0.total_cmp(&right.0).then(left.1.total_cmp(&right.1)));
        if line.len() > 1 {
            canvas.polyline(&line, series_color(0), " stroke-width=\"0.9\" stroke-dasharray=\"3 2\"");
        }
    }

    fn draw_x_axis(&self, canvas: &mut Canvas, axis: &Axis, plot: Area) {
        let bottom = plot.y + plot.height;
        for (value, text) in &axis.ticks {
            let x = plot.x + axis.place(*value) * plot.width;
            canvas.line((x, plot.y), (x, bottom), GRID, 0.5);
            canvas.line((x, bottom), (x, bottom + 2.5), AXIS, 0.7);
            let y = bottom + 4.0 + TICK_SIZE * 0.8;
            canvas.label(Label::new(x, y, text, TICK_SIZE).anchor(Anchor::Middle));
        }
        canvas.line((plot.x, bottom), (plot.x + plot.width, bottom), AXIS, 0.7);
        if !self.x_label.is_empty() {
            let label = shortened(&self.x_label, plot.width, LABEL_SIZE);
            let (x, y) = (plot.x + plot.width / 2.0, bottom + 5.0 + TICK_SIZE * LINE_HEIGHT + LABEL_SIZE);
            canvas.label(Label::new(x, y, &label, LABEL_SIZE).anchor(Anchor::Middle).fill(INK));
        }
    }
}

/// An axis over common logarithms from the power of ten below all of them, with ticks at 1, 2 and 5 times
/// powers of ten.
fn logarithmic(values: impl Iterator<Item = f64>) -> Axis {
    let ends = values.fold(None, |ends: Option<(f64, f64)>, value| {
        Some(ends.map_or((value, value), |(low, high)| (low.min(value), high.max(value))))
    });
    let (low, high) = ends.map_or((0.0, 1.0), |(low, high)| (low.floor(), high));
    let mut ticks = Vec::new();
    for exponent in low as i32..=low as i32 + 300 {
        for factor in [1, 2, 5] {
            let text = format!("{factor}e{exponent}");
            let value: f64 = text.parse().unwrap_or(1.0);
            let place = libm::log10(value);
            ticks.push((place, format!("{value}")));
            if place >= high && place > low {
                return Axis { low, high: place, ticks };
            }
        }
    }
    Axis { low, high: high.max(low + 1.0), ticks }
}

/// The first place around a point where its label covers no other label and no point, nearest first; beside
/// the point where there is none. With its distance from the point.
fn free_place(point: &ScatterPoint, (x, y): (f64, f64), plot: Area, taken: &[Area]) -> (Area, f64) {
    let bold = if point.strong { 1.12 } else { 1.0 };
    let (width, height) = (text_width(&point.label, TICK_SIZE) * bold + GAP, TICK_SIZE * LINE_HEIGHT);
    let at = |distance: f64, (dx, dy): (f64, f64)| {
        let (x, y) = (x + dx * distance, y + dy * distance);
        // The edge that faces the point is at the distance.
        let left = if dx > 0.3 {
            x
        } else if dx < -0.3 {
            x - width
        } else {
            x - width / 2.0
        };
        Area { x: left, y: y - height / 2.0, width, height }
    };
    let diagonal = std::f64::consts::FRAC_1_SQRT_2;
    let directions = [
        (1.0, 0.0),
        (-1.0, 0.0),
        (0.0, -1.3),
        (0.0, 1.3),
        (diagonal, -diagonal),
        (diagonal, diagonal),
        (-diagonal, -diagonal),
        (-diagonal, diagonal),
        (0.9, -0.45),
        (0.9, 0.45),
        (-0.9, -0.45),
        (-0.9, 0.45),
    ];
    let is_free = |area: &Area| {
        let inside = area.x >= plot.x + 1.0
            && area.x + area.width <= plot.x + plot.width + 2.0
            && area.y >= plot.y
            && area.y + area.height <= plot.y + plot.height;
        inside && !taken.iter().any(|other| overlap(area, other))
    };
    for step in 0..24 {
        let distance = 3.6 + 4.0 * f64::from(step);
        for direction in directions {
            let area = at(distance, direction);
            if is_free(&area) {
                return (area, distance);
            }
        }
    }
    (at(3.6, (1.0, 0.0)), 3.6)
}

fn overlap(a: &Area, b: &Area) -> bool {
    a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_stand_apart() {
        let points = (0..12).map(|index| ScatterPoint {
            label: format!("policy-{index}"),
            x: 0.1 + 0.001 * f64::from(index % 4),
            y: 2.0 + 0.01 * f64::from(index / 4),
            strong: false,
        });
        let plot = Area { x: 20.0, y: 5.0, width: 200.0, height: 170.0 };
        let mut taken: Vec<Area> = Vec::new();
        for point in points {
            let (area, _) = free_place(&point, (100.0 + point.x, 90.0 + point.y), plot, &taken);
            assert!(!taken.iter().any(|other| overlap(&area, other)), "{}", point.label);
            taken.push(area);
        }
    }

    #[test]
    fn logarithmic_axes_begin_at_a_power_of_ten() {
        let axis = logarithmic([1.4_f64, 63.0].map(libm::log10).into_iter());
        let ticks: Vec<&str> = axis.ticks.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(ticks, ["1", "2", "5", "10", "20", "50", "100"]);
        assert_eq!(axis.low, 0.0);
        let none = logarithmic(std::iter::empty());
        assert!(none.low < none.high);
    }
}
