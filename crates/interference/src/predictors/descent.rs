//! Gradient steps on small batches of rows, with the moments of Adam (Kingma and Ba, ICLR 2015). Nothing is drawn at random but
//! the order of the rows, which is the same in every fit of as many.

use libm::cos;
use rtmm_workload::random::{Draws, Stream};

/// The most parameters of a fit: with more it would not come to an end.
pub(super) const MAX_PARAMETERS: usize = 1_000_000;
/// Rows in a batch.
pub(super) const BATCH: usize = 64;
/// Step length: the change of a parameter in one step at the start, which falls to a fiftieth as a cosine.
const STEP: f64 = 0.03;
/// Decay of the moments, and what keeps a quotient finite.
const MOMENTS: (f64, f64, f64) = (0.9, 0.999, 1e-10);

/// Moves parameters down the slopes of a loss, so many passes over the rows. `slopes` writes the derivatives of the mean loss of
/// a batch of rows at some parameters; `name` addresses the order.
pub(super) fn descend(
    parameters: &mut [f64],
    rows: usize,
    passes: usize,
    name: &str,
    mut slopes: impl FnMut(&[f64], &[usize], &mut [f64]),
) {
    let steps = (passes * rows.div_ceil(BATCH)) as f64;
    let draws = Draws::new(0, Stream::Fit, name);
    let mut order: Vec<usize> = (0..rows).collect();
    let mut slope = vec![0.0; parameters.len()];
    let (mut first, mut second) = (slope.clone(), slope.clone());
    let (mut first_left, mut second_left) = (1.0, 1.0);
    let mut step = 0.0;
    for pass in 0..passes {
        for last in (1..order.len()).rev() {
            order.swap(last, draws.below(pass as u64, last as u64, last as u64 + 1) as usize);
        }
        for batch in order.chunks(BATCH) {
            slopes(parameters, batch, &mut slope);
            step += 1.0;
            let length = STEP * (0.51 + 0.49 * cos(std::f64::consts::PI * step / steps));
            let (keep_first, keep_second, least) = MOMENTS;
            first_left *= keep_first;
            second_left *= keep_second;
            for (index, slope) in slope.iter().enumerate() {
                first[index] += (1.0 - keep_first) * (slope - first[index]);
                second[index] += (1.0 - keep_second) * (slope * slope - second[index]);
                let (mean, square) = (first[index] / (1.0 - first_left), second[index] / (1.0 - second_left));
                parameters[index] -= length * mean / (square.sqrt() + least);
            }
        }
    }
}
