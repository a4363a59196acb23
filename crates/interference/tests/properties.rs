//! Properties that every predictor has, whatever it was fitted to.

use rtmm_interference::{
    CoRun, Inference, Interval, Measurements, Overlap, Parameters, Prediction, Predictor, PredictorRegistry,
    PredictorRow, Query, QueryKind, Running, Segment, Share, Training, load,
};

use proptest::prelude::*;

fn measurements() -> Measurements {
    let tables = [
        "igniter/v100-solo",
        "igniter/v100-pairs",
        "igniter/v100-power",
        "igniter/v100-coefficients",
        "abacus/a100-mig-pairs",
    ];
    load::measurements(&tables).unwrap()
}

fn fitted(row: &PredictorRow, measurements: &Measurements) -> Box<dyn Predictor> {
    row.fit(&Parameters::defaults(row.schema()), &Training::of(measurements)).unwrap()
}

/// A fitted predictor with its name and the kinds of queries that it answers.
type Named = (String, &'static [QueryKind], Box<dyn Predictor>);

/// Every predictor at its defaults, fitted once.
fn all() -> &'static [Named] {
    static ALL: std::sync::LazyLock<Vec<Named>> = std::sync::LazyLock::new(|| {
        let measurements = measurements();
        let rows = PredictorRegistry::built_in().iter();
        rows.map(|row| (row.name.to_string(), row.kinds, fitted(row, &measurements))).collect()
    });
    &ALL
}

fn bits(prediction: Option<Prediction>) -> Option<(u64, u64)> {
    prediction.map(|prediction| (prediction.mean_us().to_bits(), prediction.upper_us().to_bits()))
}

fn inference() -> impl Strategy<Value = Inference> {
    let names = measurements().names;
    // One model more than was measured.
    let mut keys: Vec<_> = names.iter().filter_map(|name| names.find(name)).collect();
    let mut more = names.clone();
    keys.push(more.key("unseen"));
    (prop::sample::select(keys), 1_u32..40, 1_u32..=100, 1.0..1e6_f64).prop_map(
        |(model, batch, percent, solo_us)| Inference {
            model,
            batch,
            share: Share::percent(f64::from(percent)).unwrap_or_default(),
            solo_us,
        },
    )
}

fn segments() -> impl Strategy<Value = Vec<Segment>> {
    let segment =
        (inference(), 0_u32..60, 0_u32..60, 0_u32..70).prop_map(|(one, start, length, sequence)| Segment {
            model: one.model,
            start,
            end: start + length,
            batch: one.batch,
            sequence,
        });
    prop::collection::vec(segment, 1..5)
}

/// Intervals with co-runners as bits.
fn intervals() -> impl Strategy<Value = Vec<(f64, u8)>> {
    prop::collection::vec((0.0..1e5_f64, 0_u8..16), 0..6)
}

/// Intervals of co-runners whose positions are changed: `order[new]` is the old position.
fn overlap(intervals: &[(f64, u8)], order: &[usize]) -> Vec<Interval> {
    let of = |(wall_us, bits): &(f64, u8)| {
        let running = order.iter().enumerate().fold(Running::NONE, |running, (new, old)| {
            if bits >> old & 1 == 1 { running.with(new) } else { running }
        });
        Interval { wall_us: *wall_us, running }
    };
    intervals.iter().map(of).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn nothing_but_numbers_leaves_and_order_changes_nothing(
        own in inference(),
        others in prop::collection::vec(inference(), 0..4),
        parts in intervals(),
        segments in segments(),
        observed in prop::collection::vec(prop_oneof![1.0..1e7_f64, Just(f64::NAN), Just(0.0), Just(-1.0), Just(f64::INFINITY), Just(1e308)], 0..8),
    ) {
        let forward: Vec<usize> = (0..others.len()).collect();
        let backward: Vec<usize> = (0..others.len()).rev().collect();
        let turned: Vec<Inference> = others.iter().rev().copied().collect();
        let (there, back) = (overlap(&parts, &forward), overlap(&parts, &backward));
        let turned_segments: Vec<Segment> = segments.iter().rev().copied().collect();
        let queries = [
            (
                Query::from(CoRun { own, others: &others, overlap: Overlap::Whole }),
                Query::from(CoRun { own, others: &turned, overlap: Overlap::Whole }),
            ),
            (
                Query::from(CoRun { own, others: &others, overlap: Overlap::Intervals(&there) }),
                Query::from(CoRun { own, others: &turned, overlap: Overlap::Intervals(&back) }),
            ),
            (Query::Group(&segments), Query::Group(&turned_segments)),
        ];
        for (name, kinds, predictor) in all() {
            let (mut one, mut other) = (predictor.clone(), predictor.clone());
            for observed in std::iter::once(None).chain(observed.iter().copied().map(Some)) {
                for (query, same) in &queries {
                    if let Some(observed) = observed {
                        one.observe(query, observed);
                        other.observe(same, observed);
                    }
                    let predicted = one.predict(query);
                    prop_assert_eq!(predicted.is_some(), kinds.contains(&query.kind()), "{}", name);
                    prop_assert_eq!(bits(predicted), bits(other.predict(same)), "{}", name);
                    if let Some(predicted) = predicted {
                        let (mean, upper) = (predicted.mean_us(), predicted.upper_us());
                        prop_assert!(mean.is_finite() && mean > 0.0 && upper.is_finite() && upper >= mean, "{}", name);
                    }
                }
            }
        }
    }

    #[test]
    fn an_inference_without_co_runners_takes_its_solo_latency(own in inference(), other in inference()) {
        let alone = [Interval { wall_us: own.solo_us, running: Running::NONE }];
        let expected = Some((own.solo_us.to_bits(), own.solo_us.to_bits()));
        for (name, kinds, predictor) in all().iter().filter(|(_, kinds, _)| kinds.contains(&QueryKind::CoRun)) {
            prop_assert!(!kinds.is_empty());
            let query = Query::from(CoRun { own, others: &[], overlap: Overlap::Whole });
            prop_assert_eq!(bits(predictor.predict(&query)), expected, "{}", name);
            let others = [other];
            let query = Query::from(CoRun { own, others: &others, overlap: Overlap::Intervals(&alone) });
            prop_assert_eq!(bits(predictor.predict(&query)), expected, "{}", name);
        }
    }

    #[test]
    fn more_overlap_takes_no_less_time(own in inference(), other in inference(), total in 100.0..1e5_f64, parts in (0.0..1.0_f64, 0.0..1.0_f64)) {
        // The models whose features are weighted by overlap, where they say that a co-runner slows down at all.
        let (less, more) = (parts.0.min(parts.1), parts.0.max(parts.1));
        for (name, _, predictor) in all().iter().filter(|(name, ..)| ["strait-reading", "rate", "constant", "pair-table"].contains(&name.as_str())) {
            let time = |part: f64| {
                let intervals = [
                    Interval { wall_us: part * total, running: Running::first(1) },
                    Interval { wall_us: (1.0 - part) * total, running: Running::NONE },
                ];
                let query = CoRun { own, others: &[other], overlap: Overlap::Intervals(&intervals) };
                predictor.predict(&query.into()).map_or(0.0, Prediction::mean_us)
            };
            prop_assert!(time(more) >= time(less) * (1.0 - 1e-12), "{}: {} {}", name, time(less), time(more));
        }
    }
}

/// Predictions of every row of a table after some observations, from fits on several threads.
#[test]
fn fits_on_any_thread_predict_the_same_bits() {
    let measurements = measurements();
    let predictions = || -> Vec<_> {
        PredictorRegistry::built_in()
            .iter()
            .flat_map(|row| {
                let mut predictor = fitted(row, &measurements);
                let pairs = measurements.pairs.iter().step_by(7).flat_map(|pair| pair.queries());
                pairs
                    .map(|(query, observed)| {
                        predictor.observe(&query.into(), observed.unwrap_or(1.0));
                        bits(predictor.predict(&query.into()))
                    })
                    .collect::<Vec<_>>()
            })
            .collect()
    };
    let expected = predictions();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..2).map(|_| scope.spawn(predictions)).collect();
        for thread in threads {
            assert!(thread.join().unwrap() == expected);
        }
    });
}

#[test]
fn observations_take_no_memory_and_predictions_allocate_little() {
    let measurements = measurements();
    let queries: Vec<(Query<'_>, f64)> = measurements
        .pairs
        .iter()
        .flat_map(|pair| pair.queries())
        .map(|(query, observed)| (Query::from(query), observed.unwrap_or(1.0)))
        .chain(
            measurements
                .groups
                .iter()
                .take(2_000)
                .map(|group| (Query::Group(&group.segments), group.observed_us.unwrap_or(1.0))),
        )
        .collect();
    for (name, _, predictor) in all() {
        let mut predictor = predictor.clone();
        let mut observe = || queries.iter().for_each(|(query, observed)| predictor.observe(query, *observed));
        observe();
        let again = allocation_counter::measure(&mut observe);
        assert_eq!(again.bytes_current, 0, "{name} keeps memory of what it observed");
    }
}
