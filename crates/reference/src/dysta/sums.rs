//! The two orders in which the published program adds up floats.

/// From left to right, from 0: Python's `sum`.
#[must_use]
pub fn sum(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |sum, value| sum + value)
}

/// [`sum`] of every tail of `values`, the longest first.
///
/// Each is added up from its own start, since a float sum depends on where it begins. That takes half
/// a square of additions, once, so that a decision need not add at all.
#[must_use]
pub fn tail_sums(values: &[f64]) -> Vec<f64> {
    (0..values.len()).map(|start| sum(&values[start..])).collect()
}

/// The mean as numpy computes it: a pairwise sum, divided by the count.
#[must_use]
pub fn pairwise_mean(values: &[f64]) -> f64 {
    pairwise_sum(values) / values.len() as f64
}

/// Eight sums side by side up to this length, halves beyond it.
const LONGEST_BLOCK: usize = 128;
const LANES: usize = 8;

fn pairwise_sum(values: &[f64]) -> f64 {
    if values.len() < LANES {
        return sum(values);
    }
    if values.len() > LONGEST_BLOCK {
        let half = values.len() / 2;
        let (left, right) = values.split_at(half - half % LANES);
        return pairwise_sum(left) + pairwise_sum(right);
    }
    let (blocks, rest) = values.as_chunks::<LANES>();
    let mut lanes = blocks[0];
    for block in &blocks[1..] {
        for (lane, value) in lanes.iter_mut().zip(block) {
            *lane += value;
        }
    }
    let [a, b, c, d, e, f, g, h] = lanes;
    rest.iter().fold(((a + b) + (c + d)) + ((e + f) + (g + h)), |sum, value| sum + value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_are_summed_from_their_own_start() {
        let values = [1e16, 1.0, -1e16, 0.1, 0.2, 0.3];
        let sums = tail_sums(&values);
        assert_eq!(sums.len(), values.len());
        assert_eq!(sums[0], ((((1e16 + 1.0) - 1e16) + 0.1) + 0.2) + 0.3);
        assert_eq!(sums[3], (0.1 + 0.2) + 0.3);
        assert_ne!(sums[3], 0.1 + (0.2 + 0.3));
        assert_eq!(sums[5], 0.3);
    }

    #[test]
    fn long_sums_are_pairwise() {
        assert_eq!(pairwise_mean(&[0.1, 0.2, 0.3]), ((0.1 + 0.2) + 0.3) / 3.0);
        // A large number meets only its own lane: from left to right, 1 would vanish seven times.
        let mut values = vec![1e16];
        values.extend([1.0; 15]);
        assert_eq!(pairwise_sum(&values), (1e16 + 2.0) + 4.0 + 8.0);
        assert_eq!(sum(&values), 1e16);
        // 300 is halved to 144 and 156, and both again.
        let values: Vec<f64> = (0..300).map(|index| 1.0 / f64::from(1 + index)).collect();
        let blocks: Vec<f64> =
            [0..72, 72..144, 144..216, 216..300].map(|range| pairwise_sum(&values[range])).to_vec();
        assert_eq!(pairwise_sum(&values), (blocks[0] + blocks[1]) + (blocks[2] + blocks[3]));
    }
}
