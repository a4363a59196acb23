//! Boosted trees for few features: a small learner of our own, because what is needed is exact reproducibility, a prediction
//! within a microsecond and a fit within a second, and the crates that boost trees draw random numbers, bring threads, or
//! keep a node for each split.
//!
//! Every level of a tree asks one question of all its leaves (oblivious trees, as those of CatBoost), so that a tree is a few
//! thresholds and a table. Thresholds are quantiles of the features; no row and no feature is drawn at random.

/// Questions of a tree.
const DEPTH: usize = 4;
const LEAVES: usize = 1 << DEPTH;
/// Thresholds of a feature.
const THRESHOLDS: usize = 31;
/// Part of a tree's answer that is used.
const RATE: f64 = 0.1;
/// Rows that a leaf must have for half of its answer to be used.
const HALF: f64 = 100.0;

/// One tree.
#[derive(Clone, Debug, PartialEq)]
struct Tree {
    /// Feature and threshold of each question.
    questions: [(usize, f64); DEPTH],
    /// The answer for each combination of answers.
    leaves: [f64; LEAVES],
}

/// Sum of trees over `F` features.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Trees<const F: usize>(Vec<Tree>);

impl<const F: usize> Trees<F> {
    /// Fits so many trees to the targets of rows, one to what those before leave over. An error beyond `clip` counts as
    /// `clip`.
    pub(super) fn fit(rows: &[[f64; F]], targets: &[f64], trees: usize, clip: f64) -> Self {
        let thresholds: Vec<Vec<f64>> = (0..F).map(|feature| quantiles(rows, feature)).collect();
        let bin = |row: &[f64; F], feature: usize| {
            thresholds[feature].partition_point(|threshold| *threshold < row[feature]) as u8
        };
        let bins: Vec<[u8; F]> =
            rows.iter().map(|row| std::array::from_fn(|feature| bin(row, feature))).collect();
        let mut left_over = targets.to_vec();
        let mut fitted = Vec::with_capacity(trees);
        for _ in 0..trees {
            let slopes: Vec<f64> = left_over.iter().map(|error| error.clamp(-clip, clip)).collect();
            let mut leaves = vec![0_u8; rows.len()];
            let mut questions = [(0, f64::INFINITY); DEPTH];
            for (level, question) in questions.iter_mut().enumerate() {
                let Some((feature, threshold)) = best(&bins, &leaves, &slopes, 1 << level, &thresholds)
                else {
                    continue;
                };
                *question = (feature, thresholds[feature][threshold]);
                for (leaf, bins) in leaves.iter_mut().zip(&bins) {
                    *leaf |= u8::from(usize::from(bins[feature]) > threshold) << level;
                }
            }
            let mut sums = [Sum::default(); LEAVES];
            for (leaf, slope) in leaves.iter().zip(&slopes) {
                sums[usize::from(*leaf)].add(*slope);
            }
            let answers = sums.map(|sum| RATE * sum.total / (sum.count + HALF));
            for (left_over, leaf) in left_over.iter_mut().zip(&leaves) {
                *left_over -= answers[usize::from(*leaf)];
            }
            fitted.push(Tree { questions, leaves: answers });
        }
        Self(fitted)
    }

    /// The sum of the trees' answers.
    pub(super) fn predict(&self, row: &[f64; F]) -> f64 {
        let answer = |tree: &Tree| {
            let mut leaf = 0;
            for (level, (feature, threshold)) in tree.questions.iter().enumerate() {
                leaf |= usize::from(row[*feature] > *threshold) << level;
            }
            tree.leaves[leaf]
        };
        self.0.iter().map(answer).sum()
    }
}

/// Sum of slopes of some rows.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    total: f64,
    count: f64,
}

impl Sum {
    fn add(&mut self, slope: f64) {
        self.total += slope;
        self.count += 1.0;
    }

    /// Gain of an answer of their own.
    fn gain(self) -> f64 {
        self.total * self.total / (self.count + HALF)
    }
}

/// The question that gains most over all leaves: the feature and the position of its threshold.
fn best<const F: usize>(
    bins: &[[u8; F]],
    leaves: &[u8],
    slopes: &[f64],
    count: usize,
    thresholds: &[Vec<f64>],
) -> Option<(usize, usize)> {
    const BINS: usize = THRESHOLDS + 1;
    let mut sums = vec![[[Sum::default(); BINS]; F]; count];
    for ((bins, leaf), slope) in bins.iter().zip(leaves).zip(slopes) {
        for (sums, bin) in sums[usize::from(*leaf)].iter_mut().zip(bins) {
            sums[usize::from(*bin)].add(*slope);
        }
    }
    let mut best = None;
    for (feature, thresholds) in thresholds.iter().enumerate() {
        let mut gains = [0.0; THRESHOLDS];
        for leaf in &sums {
            let mut whole = Sum::default();
            for sum in &leaf[feature] {
                whole = Sum { total: whole.total + sum.total, count: whole.count + sum.count };
            }
            let mut below = Sum::default();
            for (gain, sum) in gains.iter_mut().zip(&leaf[feature]) {
                below = Sum { total: below.total + sum.total, count: below.count + sum.count };
                let above = Sum { total: whole.total - below.total, count: whole.count - below.count };
                *gain += below.gain() + above.gain() - whole.gain();
            }
        }
        for (threshold, gain) in gains.into_iter().take(thresholds.len()).enumerate() {
            if gain > best.map_or(0.0, |(_, gain)| gain) {
                best = Some(((feature, threshold), gain));
            }
        }
    }
    best.map(|(question, _)| question)
}

/// Thresholds of a feature that divide its values into parts of alike size.
fn quantiles<const F: usize>(rows: &[[f64; F]], feature: usize) -> Vec<f64> {
    let mut values: Vec<f64> = rows.iter().map(|row| row[feature]).collect();
    values.sort_by(f64::total_cmp);
    let mut thresholds: Vec<f64> = (1..=THRESHOLDS)
        .filter_map(|part| values.get(part * values.len() / (THRESHOLDS + 1)).copied())
        .collect();
    thresholds.dedup();
    // Nothing is above the greatest value.
    if thresholds.last() == values.last() {
        thresholds.pop();
    }
    thresholds
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<[f64; 3]> {
        (0..4_000).map(|row| [f64::from(row % 40), f64::from(row / 40 % 10), f64::from(row % 7)]).collect()
    }

    #[test]
    fn steps_of_two_features_are_learnt_and_a_third_is_passed_over() {
        let rows = rows();
        let target =
            |row: &[f64; 3]| if row[0] > 20.0 { 0.1 } else { 0.0 } + if row[1] > 4.0 { -0.05 } else { 0.02 };
        let targets: Vec<f64> = rows.iter().map(target).collect();
        let trees = Trees::fit(&rows, &targets, 100, 1.0);
        for row in &rows {
            assert!((trees.predict(row) - target(row)).abs() < 0.01, "{row:?}");
        }
        assert!(trees.0.iter().all(|tree| tree.questions.iter().all(|(feature, _)| *feature < 2)));
        assert_eq!(trees, Trees::fit(&rows, &targets, 100, 1.0));
    }

    #[test]
    fn nothing_to_learn_answers_nothing() {
        assert_eq!(Trees::fit(&rows(), &vec![0.0; 4_000], 5, 1.0).predict(&[1.0; 3]), 0.0);
        assert_eq!(Trees::<2>::fit(&[], &[], 5, 1.0).predict(&[1.0; 2]), 0.0);
        assert!(Trees::fit(&[[1.0, 2.0]; 10], &[0.5; 10], 3, 1.0).predict(&[f64::NAN; 2]).is_finite());
    }
}
