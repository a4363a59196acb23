//! Power states: what platform files say of them, what is said of values that cannot be, and what layers cost at
//! operating points.

#![expect(clippy::expect_used, reason = "a broken fixture should fail loudly")]

use std::sync::Arc;

use rtmm_hardware::{
    AcceleratorId, CostTable, Energy, IsolatedCosts, Mode, Platform, PointId, Points, PowerUnit, load,
};
use rtmm_workload::input::{Diagnostics, Source};
use rtmm_workload::load::model;
use rtmm_workload::{Legality, ModelId};

/// A small array with `keys` in its table, behind `head`.
fn parse(head: &str, keys: &str) -> Result<Platform, Diagnostics> {
    let text = format!(
        "source = \"a test\"\n{head}\n[[accelerator]]\nname = \"a\"\nmodel = \"systolic\"\ndataflow = \"ws\"\n\
         rows = 8\ncols = 8\n{keys}\n"
    );
    load::platform_of(&Source::new("test.toml", text), Mode::Corrected)
}

#[track_caller]
fn platform(head: &str, keys: &str) -> Platform {
    parse(head, keys).unwrap_or_else(|problems| panic!("{problems}"))
}

/// The places, messages and remedies of a platform with problems.
#[track_caller]
fn problems(head: &str, keys: &str) -> String {
    let problems = parse(head, keys).expect_err("problems").render(false);
    let is_told = |line: &&str| {
        line.starts_with("error") || line.trim_start().starts_with("--> ") || line.contains("= help: ")
    };
    problems.lines().filter(is_told).map(str::trim_start).collect::<Vec<_>>().join("\n")
}

const TWO: &str = "power = { points = [ { frequency_mhz = 250, voltage_v = 0.6, static_mw = 0, idle_mw = 0 }, \
                   { frequency_mhz = 500, voltage_v = 0.9, static_mw = 12.5, idle_mw = 0.000001 } ]";

#[test]
fn a_platform_states_its_power() {
    let one = platform(
        "power = { background_mw = 1.5, dram = { points = [ { frequency_mhz = 1600, voltage_v = 1.1 } ] } }",
        &format!(
            "{TWO}, switch = {{ time = \"5us\", energy_nj = 2, stalls = true }}, \
             gating = {{ wake_time = \"1us\", power_mw = 3, wake_energy_nj = 0.5 }} }}"
        ),
    );
    let states = one.power_states(PowerUnit::Accelerator(AcceleratorId::new(0))).expect("power states");
    assert_eq!(states.nominal, PointId::new(1), "the highest");
    assert_eq!(states.points[1].static_power.nanowatts(), 12_500_000);
    assert_eq!(states.points[1].idle_power.nanowatts(), 1);
    assert_eq!(
        (states.switch.time.picoseconds(), states.switch.energy.femtojoules()),
        (5_000_000, 2_000_000)
    );
    assert_eq!(states.gating.expect("gating").wake_energy.femtojoules(), 500_000);
    assert_eq!(one.power.background.nanowatts(), 1_500_000);
    assert!(one.has_power() && one.has_points());
    // Stated points are part of what determines results, and platforms without any are what they were.
    let identity = one.identity();
    let stated = "|power=1500000nW;250000000Hz@600000uV+0nW/0nW,500000000Hz@900000uV+12500000nW/1nW,nominal=1 \
                  5000000ps+2000000fJ stalls gating=3000000nW 1000000ps+500000fJ;1600000000Hz@1100000uV+0nW/0nW,\
                  nominal=0 0ps+0fJ";
    assert!(identity.ends_with(stated), "{identity}");
    let plain = platform("", "");
    assert!(!plain.identity().contains("power") && !plain.has_power() && !plain.has_points());
    assert!(!platform("power = { background_mw = 0 }", "").has_power());
    let low = platform("", &format!("{TWO}, nominal_mhz = 250 }}"));
    assert_eq!(low.accelerators[0].power.as_ref().expect("power states").nominal, PointId::new(0));
}

#[test]
fn power_that_cannot_be_is_told() {
    let point = |keys: &str| format!("power = {{ points = [ {{ {keys} }} ] }}");
    let cases = [
        ("no points", String::new(), "power = { points = [] }".to_owned()),
        ("no list", String::new(), "power = { nominal_mhz = 500 }".to_owned()),
        (
            "order",
            String::new(),
            "power = { points = [ { frequency_mhz = 500, voltage_v = 1 }, { frequency_mhz = 250, voltage_v = 1 } ] }"
                .to_owned(),
        ),
        (
            "twice",
            String::new(),
            "power = { points = [ { frequency_mhz = 500, voltage_v = 1 }, { frequency_mhz = 500, voltage_v = 2 } ] }"
                .to_owned(),
        ),
        ("no volts", String::new(), point("frequency_mhz = 500, voltage_v = 0")),
        ("no clock", String::new(), point("voltage_v = 1, frequency_mhz = 0")),
        ("no voltage", String::new(), point("frequency_mhz = 500")),
        ("negative", String::new(), point("frequency_mhz = 500, voltage_v = 1, idle_mw = -1, static_mw = -0.5")),
        ("unknown key", String::new(), point("frequency_mhz = 500, voltage_v = 1, power_mw = 1")),
        ("nominal", String::new(), format!("{TWO}, nominal_mhz = 300 }}")),
        ("two clocks", String::new(), format!("clock_mhz = 250\n{TWO} }}")),
        ("no wake", String::new(), format!("{TWO}, gating = {{ power_mw = 1 }} }}")),
        ("wake", String::new(), format!("{TWO}, gating = {{ wake_time = \"-1us\" }} }}")),
        ("switch", String::new(), format!("{TWO}, switch = {{ time = \"soon\", energy_nj = -1, stalls = 1 }} }}")),
        (
            "dram",
            "power = { background_mw = -2, dram = { points = [ { frequency_mhz = 1, voltage_v = 1 } ], \
             gating = { wake_time = \"1us\" } } }"
                .to_owned(),
            String::new(),
        ),
        (
            "many",
            "power = { dram = { points = [POINTS] } }".replace(
                "POINTS",
                &(1..=32).map(|mhz| format!("{{ frequency_mhz = {mhz}, voltage_v = 1 }}")).collect::<Vec<_>>().join(", "),
            ),
            format!(
                "division = {{ units = 5, part = [ {} ] }}\npower = {{ points = [ {} ] }}",
                (1..=4).map(|units| format!("{{ units = {units}, rows = {units} }}")).collect::<Vec<_>>().join(", "),
                (1..=33).map(|mhz| format!("{{ frequency_mhz = {mhz}, voltage_v = 1 }}")).collect::<Vec<_>>().join(", ")
            ),
        ),
    ];
    let told = cases.map(|(name, head, keys)| format!("{name}\n{}", problems(&head, &keys))).join("\n\n");
    insta::assert_snapshot!("power_that_cannot_be_is_told", told);
}

#[test]
fn layers_cost_more_time_and_less_energy_at_a_lower_point() {
    let head = "[shared_dram]\nbandwidth = 4\n[power.dram]\npoints = [ { frequency_mhz = 1000, voltage_v = 0.5 }, \
                { frequency_mhz = 2000, voltage_v = 1.0 } ]";
    let keys = "dram_bandwidth = 8\n[accelerator.power]\npoints = [ { frequency_mhz = 250, voltage_v = 0.6 }, \
                { frequency_mhz = 500, voltage_v = 0.9 } ]";
    let platform = platform(head, keys);
    let net = model("xrbench/es_ritnet", None, Legality::Strict).expect("a built-in model");
    let layers = net.layers.len() as u32;
    let models = [net];
    let table = CostTable::new(&platform, &models).expect("costs");
    let costs = IsolatedCosts::new(&models, &platform, Arc::new(table));
    let (id, accelerator) = (ModelId::new(0), AcceleratorId::new(0));
    let class = |own: usize, dram: usize| {
        let points = Points { accelerator: PointId::new(own), dram: PointId::new(dram) };
        costs.class_at(accelerator, 1, points).expect("a class")
    };
    assert_eq!(class(1, 1), costs.whole(accelerator));
    assert_eq!((costs.class_count(), costs.nominal_classes().len()), (4, 1));
    let unknown = Points { accelerator: PointId::new(2), dram: PointId::new(0) };
    assert_eq!(costs.class_at(accelerator, 1, unknown), None);
    assert_eq!(costs.class_at(accelerator, 2, Points { dram: PointId::new(1), ..unknown }), None);
    for layer in 0..layers {
        let [nominal, slow, memory, both] = [(1, 1), (0, 1), (1, 0), (0, 0)].map(|(own, dram)| {
            (costs.parts(id, layer, class(own, dram)), costs.energy(id, layer, class(own, dram)))
        });
        assert_eq!(slow.0.compute.picoseconds(), 2 * nominal.0.compute.picoseconds());
        assert_eq!(slow.0.transfer, nominal.0.transfer);
        assert_eq!(memory.0.compute, nominal.0.compute);
        let doubled = memory.0.transfer.picoseconds().abs_diff(2 * nominal.0.transfer.picoseconds());
        assert!(doubled <= 2, "to the rounding of the bandwidth");
        assert!(both.0.latency() >= slow.0.latency().max(memory.0.latency()));
        // Each was rounded by itself.
        let near = |found: Energy, exact: f64| (found.femtojoules() as f64 - exact).abs() <= 1.0;
        assert!(near(slow.1.mac, nominal.1.mac.femtojoules() as f64 * (0.6_f64 / 0.9).powi(2)));
        assert_eq!((slow.1.dram, memory.1.mac), (nominal.1.dram, nominal.1.mac));
        assert!(near(memory.1.dram, nominal.1.dram.femtojoules() as f64 / 4.0));
    }
}

#[test]
fn cycles_are_those_of_the_clock_of_an_accelerator() {
    // Times of the layers at an operating point, with the clock that the platform file states.
    let times = |head: &str, keys: &str, point: usize| {
        let platform = platform(head, keys);
        let models = [model("xrbench/es_ritnet", None, Legality::Strict).expect("a built-in model")];
        let table = CostTable::new(&platform, &models).expect("costs");
        let costs = IsolatedCosts::new(&models, &platform, Arc::new(table));
        let points = Points { accelerator: PointId::new(point), dram: PointId::new(0) };
        let class = costs.class_at(AcceleratorId::new(0), 1, points).expect("a class");
        let layers = 0..models[0].layers.len() as u32;
        let times = layers.map(|layer| costs.parts(ModelId::new(0), layer, class).compute.picoseconds());
        (platform.accelerators[0].clock_hz, times.collect::<Vec<_>>())
    };
    let (hertz, fast) = times("clock_mhz = 1000", "", 0);
    assert_eq!(hertz, 1_000_000_000);
    let halved: Vec<u64> = fast.iter().map(|time| 2 * time).collect();
    let half = (500_000_000, halved.clone());
    assert_eq!(times("clock_mhz = 500", "", 0), half, "the platform's");
    assert_eq!(times("", "clock_mhz = 500", 0), half, "its own");
    assert_eq!(times("", &format!("{TWO} }}"), 1), half, "that of its nominal point");
    assert_eq!(times("clock_mhz = 7", &format!("clock_mhz = 500\n{TWO} }}"), 1), half, "stated twice");
    // The choice of the nominal point changes nothing of what a point takes.
    let (hertz, low) = times("", &format!("{TWO}, nominal_mhz = 250 }}"), 1);
    assert_eq!((hertz, low), (250_000_000, halved));
    let slow: Vec<u64> = fast.iter().map(|time| 4 * time).collect();
    assert_eq!(times("", &format!("{TWO} }}"), 0).1, slow);
}

#[test]
fn the_built_in_example_is_read() {
    let platform = load::platform("power/npu_and_gpu", None, Mode::Corrected).expect("a built-in platform");
    let points = |unit| platform.power_states(unit).map(|states| states.points.len());
    let accelerator = |index| PowerUnit::Accelerator(AcceleratorId::new(index));
    assert_eq!([accelerator(0), accelerator(1), PowerUnit::Dram].map(points), [Some(3), Some(3), Some(2)]);
}
