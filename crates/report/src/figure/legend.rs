//! The legend of a figure: samples and names in as many lines as they need.

use super::LABEL_SIZE;
use super::canvas::{Area, Canvas, Label, centred};
use super::extent::{shortened, text_width};

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
        let name = shortened(name, width - SAMPLE, LABEL_SIZE);
        let needed = SAMPLE + text_width(&name, LABEL_SIZE);
        if at > x && at + needed > x + width {
            at = x;
            line += 1;
        }
        let middle = y + LINE * (f64::from(line) + 0.5);
        sample(canvas, index, Area { x: at, y: middle - 3.25, width: 8.0, height: 6.5 });
        canvas.label(Label::new(at + SAMPLE, centred(middle, LABEL_SIZE), &name, LABEL_SIZE));
        at += needed + GAP;
    }
    if names.is_empty() { 0.0 } else { LINE * f64::from(line + 1) }
}
