//! Calibration: measured layers of an RK3588, each number by a second computation.

#![expect(clippy::expect_used, reason = "a broken fixture should fail loudly")]

use rtmm_hardware::calibration::{
    Calibration, CalibrationError, ComputeUnit, Measurement, Measurements, calibrate, read_costs,
    read_profile, structured,
};
use rtmm_hardware::{Condition, DRAM, LayerOf, Mode, load};
use rtmm_workload::input::Source;
use rtmm_workload::{Legality, load as workload};

const INT8: &str = include_str!("data/rk3588/int8_yolo.csv");
const FP16: &str = include_str!("data/rk3588/fp16_unet.csv");

fn profile(text: &str) -> Measurements {
    read_profile(&Source::new("profile.csv", text)).unwrap_or_else(|problems| panic!("{problems}"))
}

/// Coefficients by Gauss-Jordan elimination of the normal equations, with pivots: no factor, no leverage.
fn solve(layers: &[Measurement]) -> [f64; 3] {
    let mut system = [[0.0; 4]; 3];
    for layer in layers {
        let row = [layer.kilobytes, layer.compute, 1.0].map(|value| value / layer.microseconds);
        for (line, of_line) in system.iter_mut().zip(row) {
            for (cell, value) in line.iter_mut().zip([row[0], row[1], row[2], 1.0]) {
                *cell += of_line * value;
            }
        }
    }
    for pivot in 0..3 {
        let largest = (pivot..3).max_by(|a, b| system[*a][pivot].abs().total_cmp(&system[*b][pivot].abs()));
        system.swap(pivot, largest.expect("a line"));
        let from = system[pivot];
        for (_, line) in system.iter_mut().enumerate().filter(|(index, _)| *index != pivot) {
            let factor = line[pivot] / from[pivot];
            line.iter_mut().zip(from).for_each(|(cell, value)| *cell -= factor * value);
        }
    }
    [0, 1, 2].map(|index| system[index][3] / system[index][index])
}

fn error(coefficients: [f64; 3], layer: &Measurement) -> f64 {
    let [a, b, c] = coefficients;
    let predicted = a * layer.kilobytes + b * layer.compute + c;
    (predicted - layer.microseconds).abs() / layer.microseconds
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let upper = values.len() / 2;
    (values[(values.len() - 1) / 2] + values[upper]) / 2.0
}

#[track_caller]
fn near(found: f64, expected: f64) {
    assert!((found - expected).abs() <= 1e-9 * expected.abs().max(1.0), "{found} is not {expected}");
}

fn percent(share: f64) -> f64 {
    (1_000.0 * share).round() / 10.0
}

/// Values in the order of the names: of kibibytes, of compute, of a layer.
fn coefficients(calibration: &Calibration) -> Vec<f64> {
    calibration.coefficients.values().copied().collect()
}

#[test]
fn errors_are_those_of_literal_refits() {
    for (text, published) in [(INT8, [17.2, 18.4, 12.3]), (FP16, [19.5, 21.2, 20.6])] {
        let measurements = profile(text);
        let layers = &measurements.layers;
        let calibration = calibrate(&measurements).expect("coefficients");
        let all = solve(layers);
        for (found, expected) in coefficients(&calibration).iter().zip(all) {
            near(*found, expected);
        }
        let in_sample: Vec<f64> = layers.iter().map(|layer| error(all, layer)).collect();
        let left_out: Vec<f64> = (0..layers.len())
            .map(|index| {
                let mut others = layers.clone();
                let layer = others.remove(index);
                error(solve(&others), &layer)
            })
            .collect();
        near(calibration.in_sample_mean_error, mean(&in_sample));
        near(calibration.leave_one_out_mean_error, mean(&left_out));
        near(calibration.leave_one_out_median_error, median(left_out));
        let errors = [
            calibration.in_sample_mean_error,
            calibration.leave_one_out_mean_error,
            calibration.leave_one_out_median_error,
        ];
        assert_eq!(errors.map(percent), published);
    }
}

/// Mean error of the larger of both counts of cycles at 1 GHz, over the rows that `counts` takes.
fn of_cycles(text: &str, counts: impl Fn(&str) -> bool) -> f64 {
    let rows = text.lines().skip(1).map(|line| line.split(',').collect::<Vec<_>>());
    let errors: Vec<f64> = rows
        .filter(|row| counts(row[1]))
        .map(|row| {
            let [ddr, npu, time] = [2, 3, 4].map(|cell| row[cell].parse::<f64>().expect("a number"));
            (ddr.max(npu) / 1_000.0 - time).abs() / time
        })
        .collect();
    mean(&errors)
}

#[test]
fn cycles_of_the_compiler_are_half_off_and_coefficients_do_not_carry_over() {
    assert_eq!(percent(of_cycles(INT8, |_| true)), 52.2);
    // The U-Net's table states no cycles for other operators.
    assert_eq!(percent(of_cycles(FP16, |operator| operator.starts_with("Conv"))), 47.2);
    let (int8, fp16) = (profile(INT8).layers, profile(FP16).layers);
    let across = |from: &[Measurement], to: &[Measurement]| {
        let coefficients = solve(from);
        percent(mean(&to.iter().map(|layer| error(coefficients, layer)).collect::<Vec<_>>()))
    };
    assert_eq!((across(&fp16, &int8), across(&int8, &fp16)), (22.6, 59.8));
}

/// Expected numbers are those of a script that refits every form without every pair of layers, by elimination.
#[test]
fn structure_is_chosen_without_the_layer_that_is_left_out() {
    let expected = [
        (INT8, 0.191_821_372_784_552, 0.130_028_536_401_244),
        (FP16, 0.139_388_840_921_618, 0.075_423_526_558_917),
    ];
    for (text, mean, median) in expected {
        let calibration = structured(&profile(text)).expect("coefficients");
        near(calibration.leave_one_out_mean_error, mean);
        near(calibration.leave_one_out_median_error, median);
        assert!(calibration.coefficients.len() > 3);
    }
}

fn measurement(kilobytes: f64, compute: f64, microseconds: f64) -> Measurement {
    Measurement { operator: String::new(), kilobytes, compute, microseconds, range: 0..0 }
}

#[test]
fn layers_that_determine_nothing_are_refused() {
    let of = |layers: &[Measurement]| {
        let layers = layers.to_vec();
        let measurements = Measurements { compute_unit: ComputeUnit::Kilocycles, layers };
        calibrate(&measurements).expect_err("no coefficients")
    };
    let exact =
        |kilobytes: f64, compute: f64| measurement(kilobytes, compute, 2.0 * kilobytes + 3.0 * compute + 5.0);
    let too_few = CalibrationError::TooFewLayers { layers: 3, coefficients: 3 };
    assert_eq!(of(&[exact(1.0, 0.0), exact(2.0, 1.0), exact(4.0, 7.0)]), too_few);
    let without: Vec<Measurement> = (1..9).map(|index| exact(f64::from(index), 0.0)).collect();
    assert!(matches!(of(&without), CalibrationError::Dependent { name, .. } if name == "b_us_per_kcycle"));
    let doubled: Vec<Measurement> =
        (1..9).map(|index| exact(f64::from(index), 2.0 * f64::from(index))).collect();
    assert!(matches!(of(&doubled), CalibrationError::Dependent { name, .. } if name == "b_us_per_kcycle"));
    let mut alone = without;
    alone.insert(4, exact(1.0, 6.0));
    assert_eq!(of(&alone), CalibrationError::Alone { layer: 4 });
}

/// Times that follow a cost model exactly give the coefficients back, and the corrected cost model gives the times.
#[test]
fn a_corrected_cost_model_takes_what_was_measured() {
    let accelerator = |keys: &str| {
        let text =
            format!("{{ model = \"maestro\", dataflow = \"WS\", pes = 4096, noc_bandwidth = 256{keys} }}");
        load::accelerator(&text, load::DEFAULT_CLOCK_HZ, Mode::Corrected)
            .unwrap_or_else(|problems| panic!("{problems}"))
            .cost_model
    };
    let plain = accelerator("");
    let corrected = accelerator(", calibration = { a_us_per_kb = 0.25, b_us_per_us = 2, c_us = 40 }");
    let model = workload::model("xrbench/es_ritnet", None, Legality::Strict).expect("a built-in model");
    let mut table = "model,layer,latency_us\n".to_owned();
    for layer in &model.layers {
        let of = LayerOf { model: &model.name, layer };
        let work = plain.work(of, Condition::Profile).expect("a cost");
        let compute = work.compute.picoseconds() as f64 / 1e6;
        let time = 0.25 * work.traffic[DRAM] as f64 / 1_024.0 + 2.0 * compute + 40.0;
        table.push_str(&format!("xrbench/es_ritnet,{},{time}\n", layer.name));
        let after = corrected.work(of, Condition::Profile).expect("a cost");
        near(after.latency().picoseconds() as f64 / 1e6, time);
        assert_eq!((after.traffic, after.quanta), (work.traffic, work.quanta));
    }
    assert_ne!(plain.identity(), corrected.identity());
    let source = Source::new("costs.csv", table);
    let measurements =
        read_costs(&source, &[], plain.as_ref()).unwrap_or_else(|problems| panic!("{problems}"));
    let calibration = calibrate(&measurements).expect("coefficients");
    for (found, expected) in coefficients(&calibration).iter().zip([0.25, 2.0, 40.0]) {
        assert!((found - expected).abs() < 1e-6, "{found} is not {expected}");
    }
    assert!(calibration.leave_one_out_mean_error < 1e-6);
}
