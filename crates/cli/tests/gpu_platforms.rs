//! The tables of the platforms `gpu/v100` and `gpu/v100_halves` against the measurements that they are from.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use rtmm_interference::{Inference, Measurements, load};
use rtmm_workload::load::{Kind, open};

const PAIRS: &str = include_str!("../../../scenarios/platforms/gpu/v100_pairs.csv");
const HALF: &str = include_str!("../../../scenarios/platforms/gpu/v100_50.csv");

fn measured() -> Measurements {
    load::measurements(&["igniter/v100-solo", "igniter/v100-pairs"]).unwrap()
}

/// Rows of a table without its header.
fn rows(text: &str) -> Vec<Vec<&str>> {
    text.lines().skip(1).map(|line| line.split(',').collect()).collect()
}

fn name(measured: &Measurements, of: Inference) -> String {
    format!("gpu/v100_{}", measured.names.name(of.model))
}

#[test]
fn slowdowns_are_measured_latencies_over_those_alone() {
    let measured = measured();
    let table = rows(PAIRS);
    assert_eq!((table.len(), measured.pairs.len()), (600, 600));
    for (row, pair) in table.iter().zip(&measured.pairs) {
        let slowdown =
            |observed: Option<f64>, of: Inference| format!("{:.5}", observed.unwrap() / of.solo_us);
        let expected = [
            name(&measured, pair.a),
            name(&measured, pair.b),
            pair.a.batch.to_string(),
            pair.b.batch.to_string(),
            pair.a.share.in_percent().to_string(),
            pair.b.share.in_percent().to_string(),
            slowdown(pair.observed_a_us, pair.a),
            slowdown(pair.observed_b_us, pair.b),
        ];
        assert_eq!(row, &expected);
    }
}

#[test]
fn latencies_of_a_half_are_those_of_half_of_the_multiprocessors() {
    let measured = measured();
    let half = measured.solos.iter().filter(|solo| (solo.share.in_percent() - 50.0).abs() < 1e-9);
    let half: Vec<_> = half.collect();
    let table = rows(HALF);
    assert_eq!((table.len(), half.len()), (128, 128));
    for (row, solo) in table.iter().zip(half) {
        let expected = [
            format!("gpu/v100_{}", measured.names.name(solo.model)),
            "inference".to_owned(),
            solo.batch.to_string(),
        ];
        assert_eq!(row[..3], expected);
        assert!((row[3].parse::<f64>().unwrap() - solo.latency_us).abs() < 1e-3, "{row:?}");
    }
}

/// The solution of normal equations by elimination.
fn solved(mut rows: Vec<Vec<f64>>) -> Vec<f64> {
    let n = rows.len();
    for pivot in 0..n {
        let largest =
            (pivot..n).max_by(|one, other| rows[*one][pivot].abs().total_cmp(&rows[*other][pivot].abs()));
        rows.swap(pivot, largest.unwrap());
        for other in (0..n).filter(|other| *other != pivot) {
            let factor = rows[other][pivot] / rows[pivot][pivot];
            let line = rows[pivot].clone();
            rows[other].iter_mut().zip(line).for_each(|(cell, above)| *cell -= factor * above);
        }
    }
    (0..n).map(|row| rows[row][n] / rows[row][row]).collect()
}

#[test]
fn the_prior_is_a_least_squares_fit_to_small_batches() {
    let measured = measured();
    let used = |of: Inference| {
        let is_it = |solo: &&rtmm_interference::Solo| {
            (solo.model, solo.batch, solo.share) == (of.model, of.batch, of.share)
        };
        let solo = measured.solos.iter().find(is_it).unwrap();
        [solo.l2.unwrap(), solo.dram.unwrap()]
    };
    let mut sums = vec![vec![0.0; 6]; 5];
    for pair in measured.pairs.iter().filter(|pair| pair.a.batch < 16 && pair.b.batch < 16) {
        for (query, observed) in pair.queries() {
            let (own, other) = (used(query.own), used(query.others[0]));
            let excess = observed.unwrap() / query.own.solo_us - 1.0;
            let row = [own[0], other[0], own[1], other[1], 1.0, excess];
            for (sums, one) in sums.iter_mut().zip(row) {
                sums.iter_mut().zip(row).for_each(|(sum, two)| *sum += one * two);
            }
        }
    }
    let fitted: Vec<String> = solved(sums).iter().map(|weight| format!("{weight:.4}")).collect();
    let fitted: Vec<f64> = fitted.iter().map(|text| text.parse().unwrap()).collect();
    for platform in ["gpu/v100", "gpu/v100_halves"] {
        let source = open(Kind::Platform, platform, None).unwrap();
        let stated = source.text().lines().find_map(|line| line.strip_prefix("prior = [")).unwrap();
        let stated: Vec<f64> =
            stated.trim_end_matches(']').split(", ").map(|text| text.parse().unwrap()).collect();
        assert_eq!(stated, fitted, "{platform}");
    }
}
