//! Boards: what their files state against what the sources say.

#![expect(clippy::expect_used, reason = "a broken fixture should fail loudly")]

use rtmm_hardware::{Mode, Platform, PowerStates, load};
use rtmm_workload::load::{Kind, built_in_names};

fn board(name: &str) -> Platform {
    load::platform(name, None, Mode::Corrected).unwrap_or_else(|problems| panic!("{problems}"))
}

/// Megahertz and volts of an accelerator's points.
fn points(platform: &Platform, name: &str) -> Vec<(f64, f64)> {
    let found = platform.accelerators.iter().find(|one| one.name == name).expect("an accelerator");
    let states: &PowerStates = found.power.as_ref().expect("operating points");
    states.points.iter().map(|point| (point.hertz as f64 / 1e6, point.microvolts as f64 / 1e6)).collect()
}

#[test]
fn every_board_names_a_technology_and_operating_points() {
    let names: Vec<String> =
        built_in_names(Kind::Platform).into_iter().filter(|name| name.starts_with("boards/")).collect();
    assert_eq!(names.len(), 7);
    for name in names {
        let platform = board(&name);
        assert!(platform.technology.is_some(), "{name}");
        assert!(platform.accelerators.iter().all(|accelerator| accelerator.power.is_some()), "{name}");
    }
}

#[test]
fn points_are_those_of_the_device_trees() {
    let rk3588 = board("boards/rk3588");
    let flat = [300.0, 400.0, 500.0, 600.0, 700.0].map(|mhz| (mhz, 0.7));
    let npu = points(&rk3588, "npu0");
    assert_eq!(npu[..5], flat);
    assert_eq!(npu[5..], [(800.0, 0.75), (900.0, 0.8), (1000.0, 0.85)]);
    let numbers = |board: &str, units: &[&str]| -> Vec<usize> {
        let platform = self::board(board);
        units.iter().map(|unit| points(&platform, unit).len()).collect()
    };
    assert_eq!(numbers("boards/rk3588", &["gpu", "cpu_big", "cpu_little"]), [8, 7, 5]);
    assert_eq!(numbers("boards/rk3568", &["npu", "gpu"]), [7, 6]);
    assert_eq!(numbers("boards/mt8192", &["gpu"]), [16]);
    assert_eq!(numbers("boards/gs101", &["little", "mid", "big"]), [11, 14, 17]);
    assert_eq!(numbers("boards/tpu_v5p", &["array"]), [12]);
}

/// `P = C V^2 f` with the coefficient of the device tree, 2982 uW/MHz/V^2, gives the powers that the kernel derives.
#[test]
fn the_gpu_of_an_rk3588_has_the_powers_of_its_coefficient() {
    let derived = [408, 543, 679, 815, 1023, 1342, 1718, 2154];
    let powers = points(&board("boards/rk3588"), "gpu")
        .into_iter()
        .map(|(mhz, volts)| (2982.0 * mhz * volts * volts / 1e3) as u32);
    for (power, derived) in powers.zip(derived) {
        assert!(power.abs_diff(derived) <= 1, "{power} {derived}");
    }
}

/// Watts that NeuSim states of the array at full activity, by point.
#[test]
fn dynamic_power_of_an_array_follows_the_square_of_the_voltage() {
    let stated = [2.44, 2.93, 4.89, 5.2, 7.49, 8.24, 11.264, 12.211, 16.077, 17.152, 20.685, 21.325];
    let platform = board("boards/tpu_v5p");
    let states = platform.accelerators[0].power.as_ref().expect("operating points");
    let nominal = states.point(states.nominal).expect("a point").hertz as f64;
    let [.., highest] = stated;
    for (id, stated) in states.ids().zip(stated) {
        let point = states.point(id).expect("a point");
        let derived = highest * point.hertz as f64 / nominal * states.scaling(id).dynamic();
        assert!((derived / stated - 1.0_f64).abs() < 0.07, "{derived} {stated}");
    }
}
