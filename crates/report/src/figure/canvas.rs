//! Writes SVG elements and keeps track of the room they take.

use super::Svg;
use super::extent::{CAP_HEIGHT, DESCENT, FONTS, text_width};
use crate::text::escape_markup;

/// Room left around a figure.
const MARGIN: f64 = 3.0;

/// Which point of a text its position names.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// Direction of a text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Not at all.
    None,
    /// 45 degrees counter-clockwise: it rises to the right.
    Diagonal,
    /// 90 degrees counter-clockwise: it reads upwards.
    Vertical,
}

/// A text to draw; `y` is the baseline.
#[derive(Clone, Copy)]
pub(crate) struct Label<'a> {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) text: &'a str,
    pub(crate) size: f64,
    pub(crate) fill: &'a str,
    pub(crate) anchor: Anchor,
    pub(crate) turn: Turn,
    pub(crate) bold: bool,
}

impl<'a> Label<'a> {
    /// An upright label in ink, starting at `x`.
    pub(crate) fn new(x: f64, y: f64, text: &'a str, size: f64) -> Label<'a> {
        Label { x, y, text, size, fill: super::INK, anchor: Anchor::Start, turn: Turn::None, bold: false }
    }

    pub(crate) fn anchor(self, anchor: Anchor) -> Label<'a> {
        Label { anchor, ..self }
    }

    pub(crate) fn turn(self, turn: Turn) -> Label<'a> {
        Label { turn, ..self }
    }

    pub(crate) fn fill(self, fill: &'a str) -> Label<'a> {
        Label { fill, ..self }
    }

    pub(crate) fn bold(self) -> Label<'a> {
        Label { bold: true, ..self }
    }
}

/// An upright rectangle.
#[derive(Clone, Copy)]
pub(crate) struct Area {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

/// The baseline that centres capitals and digits on `y`.
pub(crate) fn centred(y: f64, size: f64) -> f64 {
    y + size * CAP_HEIGHT / 2.0
}

/// SVG under construction.
pub(crate) struct Canvas {
    body: String,
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
}

impl Canvas {
    pub(crate) fn new() -> Canvas {
        Canvas { body: String::new(), left: 0.0, top: 0.0, right: 0.0, bottom: 0.0 }
    }

    /// Makes sure that the figure includes a point.
    pub(crate) fn include(&mut self, x: f64, y: f64) {
        self.left = self.left.min(x);
        self.right = self.right.max(x);
        self.top = self.top.min(y);
        self.bottom = self.bottom.max(y);
    }

    /// A filled rectangle with extra attributes, such as a stroke.
    pub(crate) fn rect(&mut self, area: Area, fill: &str, attributes: &str) {
        self.include(area.x, area.y);
        self.include(area.x + area.width, area.y + area.height);
        self.body.push_str(&format!(
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{fill}\"{attributes}/>\n",
            n(area.x),
            n(area.y),
            n(area.width),
            n(area.height),
        ));
    }

    pub(crate) fn line(&mut self, from: (f64, f64), to: (f64, f64), stroke: &str, width: f64) {
        self.include(from.0, from.1);
        self.include(to.0, to.1);
        self.body.push_str(&format!(
            "<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" stroke=\"{stroke}\" stroke-width=\"{}\"/>\n",
            n(from.0),
            n(from.1),
            n(to.0),
            n(to.1),
            n(width),
        ));
    }

    /// Diagonal hatching inside a rectangle.
    pub(crate) fn hatch(&mut self, area: Area, spacing: f64, stroke: &str, width: f64) {
        let mut path = String::new();
        let mut offset = spacing;
        // Each line runs from the left or lower edge up to the upper or right edge.
        while offset < area.width + area.height {
            let (x1, y1) = if offset <= area.height {
                (area.x, area.y + offset)
            } else {
                (area.x + offset - area.height, area.y + area.height)
            };
            let (x2, y2) = if offset <= area.width {
                (area.x + offset, area.y)
            } else {
                (area.x + area.width, area.y + offset - area.width)
            };
            path.push_str(&format!("M{} {}L{} {}", n(x1), n(y1), n(x2), n(y2)));
            offset += spacing;
        }
        if !path.is_empty() {
            self.body.push_str(&format!(
                "<path d=\"{path}\" stroke=\"{stroke}\" stroke-width=\"{}\" fill=\"none\"/>\n",
                n(width)
            ));
        }
    }

    pub(crate) fn polygon(&mut self, points: &[(f64, f64)], fill: &str, attributes: &str) {
        points.iter().for_each(|&(x, y)| self.include(x, y));
        self.body
            .push_str(&format!("<polygon points=\"{}\" fill=\"{fill}\"{attributes}/>\n", point_list(points)));
    }

    pub(crate) fn polyline(&mut self, points: &[(f64, f64)], stroke: &str, attributes: &str) {
        points.iter().for_each(|&(x, y)| self.include(x, y));
        self.body.push_str(&format!(
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{stroke}\"{attributes}/>\n",
            point_list(points)
        ));
    }

    pub(crate) fn circle(&mut self, centre: (f64, f64), radius: f64, fill: &str, attributes: &str) {
        self.include(centre.0 - radius, centre.1 - radius);
        self.include(centre.0 + radius, centre.1 + radius);
        self.body.push_str(&format!(
            "<circle cx=\"{}\" cy=\"{}\" r=\"{}\" fill=\"{fill}\"{attributes}/>\n",
            n(centre.0),
            n(centre.1),
            n(radius),
        ));
    }

    pub(crate) fn label(&mut self, label: Label<'_>) {
        let width = text_width(label.text, label.size) * if label.bold { 1.08 } else { 1.0 };
        let start = match label.anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => -width / 2.0,
            Anchor::End => -width,
        };
        for (x, y) in [
            (start, -label.size * CAP_HEIGHT),
            (start, label.size * DESCENT),
            (start + width, -label.size * CAP_HEIGHT),
            (start + width, label.size * DESCENT),
        ] {
            let diagonal = std::f64::consts::FRAC_1_SQRT_2;
            let (dx, dy) = match label.turn {
                Turn::None => (x, y),
                Turn::Diagonal => ((x + y) * diagonal, (y - x) * diagonal),
                Turn::Vertical => (y, -x),
            };
            self.include(label.x + dx, label.y + dy);
        }
        let (x, y) = (n(label.x), n(label.y));
        let anchor = match label.anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let turn = match label.turn {
            Turn::None => String::new(),
            Turn::Diagonal => format!(" transform=\"rotate(-45 {x} {y})\""),
            Turn::Vertical => format!(" transform=\"rotate(-90 {x} {y})\""),
        };
        let bold = if label.bold { " font-weight=\"bold\"" } else { "" };
        self.body.push_str(&format!(
            "<text x=\"{x}\" y=\"{y}\" font-size=\"{}\" fill=\"{}\"{anchor}{bold}{turn}>{}</text>\n",
            n(label.size),
            label.fill,
            escape_markup(label.text),
        ));
    }

    /// The finished figure on a white background; `description` is what a screen reader says.
    pub(crate) fn finish(self, description: &str) -> Svg {
        let (left, top) = (self.left - MARGIN, self.top - MARGIN);
        let (width, height) = (self.right + MARGIN - left, self.bottom + MARGIN - top);
        let description = escape_markup(description);
        let (x, y, w, h) = (n(left), n(top), n(width), n(height));
        let markup = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{w}pt\" height=\"{h}pt\" \
             viewBox=\"{x} {y} {w} {h}\" role=\"img\" aria-label=\"{description}\" \
             font-family=\"{FONTS}\">\n\
             <title>{description}</title>\n\
             <rect x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" fill=\"#ffffff\"/>\n{}</svg>\n",
            self.body
        );
        Svg { markup, width_pt: width, height_pt: height }
    }
}

fn point_list(points: &[(f64, f64)]) -> String {
    points.iter().map(|(x, y)| format!("{},{}", n(*x), n(*y))).collect::<Vec<_>>().join(" ")
}

/// A coordinate: at most two decimals, no trailing zeros, no negative zero.
pub(crate) fn n(value: f64) -> String {
    if !value.is_finite() {
        return "0".to_owned();
    }
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}
