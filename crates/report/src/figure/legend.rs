//! The legend of a figure: samples and names in as many lines as they need.

use super::LABEL_SIZE;
use super::canvas::{Area, Canvas, Label, centred};
use super::extent::{shortened, text_width, widest};
use crate::text::wrap;

/// Room for a sample and the gap behind it.
const SAMPLE: f64 = 11.0;
/// Gap between two entries.
const GAP: f64 = 9.0;
/// Height of a line.
const LINE: f64 = 10.5;

/// Draws a legend from (`x`, `y`) to at most `width`, and gives its height.
///
/// `sample` draws the sign of one entry into a rectangle.
pub(crate) fn draw(
    canvas: &mut Canvas,
    names: &[String],
    (x, y): (f64, f64),
    width: f64,
    mut sample: impl FnMut(&mut Canvas, usize, Area),
) -> f64 {
    let mut at = x;
    let mut line = 0;
    for (index, name) in names.iter().enumerate() {
        let measure = |text: &str| text_width(text, LABEL_SIZE);
        // A name that is longer than a line goes on below; a piece of it that is, too, loses its middle.
        let parts = wrap(name, width - SAMPLE, measure);
        let needed = SAMPLE + widest(parts.iter().map(String::as_str), LABEL_SIZE);
        if at > x && (at + needed > x + width || parts.len() > 1) {
            at = x;
            line += 1;
        }
        let middle = |line: u32| y + LINE * (f64::from(line) + 0.5);
        sample(canvas, index, Area { x: at, y: middle(line) - 3.25, width: 8.0, height: 6.5 });
        for (below, part) in parts.iter().enumerate() {
            line += u32::from(below > 0);
            let part = shortened(part, width - SAMPLE, LABEL_SIZE);
            canvas.label(Label::new(at + SAMPLE, centred(middle(line), LABEL_SIZE), &part, LABEL_SIZE));
        }
        // Nothing stands beside a name of several lines.
        at = if parts.len() > 1 { x + width } else { at + needed + GAP };
    }
    if names.is_empty() { 0.0 } else { LINE * f64::from(line + 1) }
}
