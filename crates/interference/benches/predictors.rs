//! Time of a prediction and of an update, for every predictor at its defaults.
//!
//! `predict` and `observe` take the rows of a built-in table in turn: pairs of a V100, or groups of two segments of a slice of
//! an A100, to which the predictors are fitted. `overlap` predicts a pair whose co-runner ends and comes back twice.

#![expect(clippy::expect_used, reason = "benches fail by panicking")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use rtmm_interference::{
    CoRun, Interval, Overlap, Parameters, PredictorRegistry, Query, QueryKind, Running, Training, load,
};

fn bench(criterion: &mut Criterion) {
    let tables = [
        "igniter/v100-solo",
        "igniter/v100-pairs",
        "igniter/v100-power",
        "igniter/v100-coefficients",
        "abacus/a100-mig-pairs",
    ];
    let measurements = load::measurements(&tables).expect("built in");
    let pairs: Vec<(Query<'_>, f64)> = measurements
        .pairs
        .iter()
        .flat_map(|pair| pair.queries())
        .map(|(query, observed)| (query.into(), observed.unwrap_or(1.0)))
        .collect();
    let groups: Vec<(Query<'_>, f64)> = measurements
        .groups
        .iter()
        .map(|group| (Query::Group(&group.segments), group.observed_us.unwrap_or(1.0)))
        .collect();
    let intervals: Vec<Interval> = (0..5)
        .map(|number| Interval { wall_us: 700.0, running: Running::first(usize::from(number % 2 == 0)) })
        .collect();
    let mut group = criterion.benchmark_group("predictor");
    for row in PredictorRegistry::built_in() {
        let parameters = Parameters::defaults(row.schema());
        let mut predictor = row.fit(&parameters, &Training::of(&measurements)).expect("all kinds of tables");
        for kind in row.kinds {
            let (rows, name) = match kind {
                QueryKind::CoRun => (&pairs, "pair"),
                QueryKind::Group => (&groups, "group"),
            };
            let mut turn = rows.iter().cycle();
            group.bench_function(BenchmarkId::new(format!("predict {name}"), &row.name), |bencher| {
                bencher.iter(|| turn.next().map(|(query, _)| predictor.predict(black_box(query))));
            });
            let mut turn = rows.iter().cycle();
            group.bench_function(BenchmarkId::new(format!("observe {name}"), &row.name), |bencher| {
                bencher.iter(|| {
                    if let Some((query, observed)) = turn.next() {
                        predictor.observe(black_box(query), *observed);
                    }
                });
            });
            if let (QueryKind::CoRun, Some(pair)) = (kind, measurements.pairs.first()) {
                let query = CoRun { overlap: Overlap::Intervals(&intervals), ..pair.first() };
                group.bench_function(BenchmarkId::new("predict overlap", &row.name), |bencher| {
                    bencher.iter(|| predictor.predict(black_box(&query.into())));
                });
            }
        }
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
