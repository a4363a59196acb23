//! Platforms: shared DRAM, context switches, layers in isolation, identities, and what is said of
//! values that cannot be.

#![expect(clippy::expect_used, reason = "a broken fixture should fail loudly")]

use std::sync::Arc;

use rtmm_hardware::{
    AcceleratorId, ActivationMoves, Bandwidth, ConfigurationId, ContextSwitch, CostModelRegistry,
    CostModelRow, CostTable, DRAM, Energy, Isolated, IsolatedCosts, Migration, Mode, Moved, Platform,
    SHARED_CACHE, SHARED_LEVELS, Share, SharedDram, Shares, Sharing, Throttle, Work, load,
};
use rtmm_workload::input::{Diagnostics, Document, Source, Table};
use rtmm_workload::load::{Kind, built_in_names, model, open};
use rtmm_workload::{Duration, Legality, Model, ModelId};

/// A platform of small arrays at 1 GHz: `head` stands before them, each of `accelerators` in its table.
fn parse(head: &str, accelerators: &[&str]) -> Result<Platform, Diagnostics> {
    let mut text = format!("source = \"a test\"\n{head}\n");
    for (index, keys) in accelerators.iter().enumerate() {
        text.push_str(&format!(
            "[[accelerator]]\nname = \"a{index}\"\nmodel = \"systolic\"\ndataflow = \"ws\"\nrows = 8\ncols = 8\n\
             {keys}\n"
        ));
    }
    load::platform_of(&Source::new("test.toml", text), Mode::Corrected)
}

#[track_caller]
fn platform(head: &str, accelerators: &[&str]) -> Platform {
    parse(head, accelerators).unwrap_or_else(|problems| panic!("{problems}"))
}

/// The messages and remedies of a platform with problems, without the places.
#[track_caller]
fn problems(head: &str, accelerators: &[&str]) -> String {
    let problems = parse(head, accelerators).expect_err("problems").render(false);
    let is_message = |line: &&str| line.starts_with("error") || line.contains("= help: ");
    problems.lines().filter(is_message).map(str::trim_start).collect::<Vec<_>>().join("\n")
}

fn shares(platform: &Platform) -> Vec<u32> {
    platform.accelerators.iter().map(|accelerator| accelerator.dram_share.millionths()).collect()
}

fn ps(picoseconds: u64) -> Duration {
    Duration::from_picoseconds(picoseconds)
}

/// The work of a layer: time, traffic, time; all times in picoseconds.
fn work(compute: u64, dram: u64, transfer: u64, exposed: u64) -> Work {
    let mut traffic = [0; SHARED_LEVELS];
    // The cache is not part of what a platform shares yet.
    traffic[SHARED_CACHE] = 1 << 40;
    traffic[DRAM] = dram;
    Work {
        compute: ps(compute),
        traffic,
        transfer: ps(transfer),
        exposed: ps(exposed),
        energy: Default::default(),
        quanta: 1,
    }
}

fn isolated(platform: &Platform, accelerator: usize, work: &Work) -> Isolated {
    platform.isolated(AcceleratorId::new(accelerator), work)
}

const SHARED: &str = "[shared_dram]\nbandwidth = 16";
const STATIC: &str = "[shared_dram]\nbandwidth = 16\nsharing = \"static\"";
/// 16 bytes a cycle of 1 GHz are 17,179,869.184 bytes in 2^30 ps.
const SIXTEEN: u64 = 17_179_870;

#[test]
fn a_platform_shares_nothing_unless_it_says_so() {
    let plain = platform("", &["", ""]);
    assert_eq!(plain.shared_dram, None);
    assert_eq!(shares(&plain), [1_000_000, 1_000_000]);
    for (index, accelerator) in plain.accelerators.iter().enumerate() {
        let none = ContextSwitch { time: Duration::ZERO, energy_pj: 0.0, activations: None };
        assert_eq!(accelerator.context_switch, none);
        assert_eq!(plain.dram_bandwidth(AcceleratorId::new(index)), Bandwidth::UNLIMITED);
    }
}

#[test]
fn bandwidth_is_in_bytes_a_cycle_of_the_platform() {
    let bandwidth = |head: &str| {
        let shared = platform(head, &[""]).shared_dram.expect("shared DRAM");
        assert_eq!(shared.sharing, Sharing::MAX_MIN);
        shared.bandwidth.bytes_per_window()
    };
    assert_eq!(bandwidth(SHARED), SIXTEEN);
    assert_eq!(bandwidth("[shared_dram]\nbandwidth = 16.0\nsharing = \"max-min\""), SIXTEEN);
    assert_eq!(bandwidth("clock_mhz = 500\n[shared_dram]\nbandwidth = 32"), SIXTEEN);
    assert_eq!(bandwidth("[shared_dram]\nbandwidth = 0.5"), 536_871);
    assert_eq!(bandwidth("clock_mhz = 0.001\n[shared_dram]\nbandwidth = 0.000001"), 1);
    assert_eq!(
        bandwidth("clock_mhz = 1000000\n[shared_dram]\nbandwidth = 1000000"),
        1_073_741_824_000_000,
        "the largest of both"
    );
}

#[test]
fn whoever_states_no_share_gets_an_even_part_of_the_rest() {
    assert_eq!(shares(&platform(STATIC, &["", "", ""])), [333_333; 3]);
    assert_eq!(
        shares(&platform(STATIC, &["dram_share = 0.25", "", "dram_share = 0.5", ""])),
        [250_000, 125_000, 500_000, 125_000]
    );
    let all = platform(STATIC, &["dram_share = 0.25", "dram_share = 0.75"]);
    assert_eq!(shares(&all), [250_000, 750_000]);
    assert_eq!(all.dram_bandwidth(AcceleratorId::new(0)).bytes_per_window(), SIXTEEN / 4);
    assert_eq!(shares(&platform(STATIC, &["dram_share = 0.25"])), [250_000], "the rest is nobody's");
    assert_eq!(shares(&platform(STATIC, &["dram_share = 1"])), [1_000_000]);
}

#[test]
fn accelerators_may_differ_from_the_platform_in_each_cost_of_a_context_switch() {
    let head = "[context_switch]\ntime = \"20us\"\nenergy_nj = 1.5";
    let platform = platform(
        head,
        &[
            "",
            "context_switch = { time = \"0us\" }",
            "context_switch = { energy_nj = 0 }",
            "context_switch = { time = \"1ms\", energy_nj = 3 }",
            "context_switch = {}",
        ],
    );
    let costs: Vec<(u64, f64)> = platform
        .accelerators
        .iter()
        .map(|one| (one.context_switch.time.picoseconds(), one.context_switch.energy_pj))
        .collect();
    assert_eq!(
        costs,
        [
            (20_000_000, 1_500.0),
            (0, 1_500.0),
            (20_000_000, 0.0),
            (1_000_000_000, 3_000.0),
            (20_000_000, 1_500.0)
        ]
    );
    assert_eq!(platform.configurations.len(), 1, "what a switch costs is no part of what layers cost");
}

/// Energy of a byte, bytes of an element, and bandwidth, by accelerator.
fn moves(platform: &Platform) -> Vec<Option<(f64, u64, u64)>> {
    let of =
        |moves: ActivationMoves| (moves.pj_per_byte, moves.element_bytes, moves.bandwidth.bytes_per_window());
    platform.accelerators.iter().map(|one| one.context_switch.activations.map(of)).collect()
}

#[test]
fn accelerators_may_differ_from_the_platform_in_each_cost_of_moving_activations() {
    let unlimited = Bandwidth::UNLIMITED.bytes_per_window();
    let head = "[context_switch]\nactivations = { pj_per_byte = 216, element_bytes = 2, bandwidth = 16 }";
    let all = platform(
        head,
        &[
            "",
            "context_switch = {}",
            "context_switch = { time = \"5us\" }",
            "context_switch = { activations = {} }",
            "context_switch = { activations = { pj_per_byte = 0.5 } }",
            "context_switch = { activations = { element_bytes = 4 } }",
            "context_switch = { activations = { bandwidth = 32 } }",
            "context_switch = { activations = { element_bytes = 0 } }",
        ],
    );
    let whole = Some((216.0, 2, SIXTEEN));
    assert_eq!(
        moves(&all),
        [
            whole,
            whole,
            whole,
            whole,
            Some((0.5, 2, SIXTEEN)),
            Some((216.0, 4, SIXTEEN)),
            Some((216.0, 2, 34_359_739)),
            None
        ]
    );
    // Without any bandwidth moving takes no time, and an element is a byte unless something else is said.
    let some = platform(
        "[context_switch]\ntime = \"20us\"",
        &[
            "",
            "context_switch = { activations = { pj_per_byte = 3 } }",
            "context_switch = { activations = { bandwidth = 16 } }",
            "context_switch = { activations = { element_bytes = 8 } }",
        ],
    );
    assert_eq!(moves(&some), [None, Some((3.0, 1, unlimited)), Some((0.0, 1, SIXTEEN)), None]);
    assert!(some.accelerators.iter().all(|one| one.context_switch.time == ps(20_000_000)));
}

#[test]
fn a_context_switch_costs_what_it_says_and_what_it_moves() {
    let (elements, pj) = (Moved::elements, Energy::from_picojoules);
    let plain = ContextSwitch { time: ps(500), energy_pj: 7.0, activations: None };
    assert_eq!((plain.time_for(elements(1_000)), plain.energy_for(elements(1_000))), (ps(500), pj(7.0)));
    let text = "context_switch = { time = \"5ns\", energy_nj = 1, activations = { pj_per_byte = 0.5, \
                element_bytes = 2, bandwidth = 16 } }";
    let platform = platform("", &[text]);
    let moving = platform.accelerators[0].context_switch;
    assert_eq!((moving.time_for(elements(0)), moving.energy_for(elements(0))), (ps(5_000), pj(1_000.0)));
    // 2000 bytes take 125 cycles of a nanosecond, and a nanojoule.
    assert_eq!(
        (moving.time_for(elements(1_000)), moving.energy_for(elements(1_000))),
        (ps(130_000), pj(2_000.0))
    );
    assert_eq!(moving.time_for(elements(u64::MAX)), Duration::MAX);
    assert_eq!(moving.energy_for(elements(u64::MAX)), Energy::MAX);
    // Bytes are what they are, whatever an element is: 500 and 2 x 750 of them.
    let both = Moved { elements: 750, bytes: 500 };
    assert_eq!((moving.time_for(both), moving.energy_for(both)), (ps(130_000), pj(2_000.0)));
    let most = elements(u64::MAX).plus(Moved { elements: 1, bytes: u64::MAX });
    assert_eq!(moving.time_for(most), Duration::MAX);
}

#[test]
fn without_shared_dram_a_layer_is_what_its_work_says() {
    let plain = platform("", &[""]);
    let of = |work: &Work| isolated(&plain, 0, work);
    // 1000 bytes in 100 ns: 10 bytes a nanosecond, 10,737,418.24 in a window.
    assert_eq!(
        of(&work(250_000, 1_000, 100_000, 7_000)),
        Isolated {
            compute: ps(250_000),
            transfer: ps(100_000),
            exposed: ps(7_000),
            demand: Bandwidth::from_bytes_per_window(10_737_419),
            cache_demand: Bandwidth::ZERO,
        }
    );
    assert_eq!(of(&work(9_000, 1_000, 100_000, 7_000)).latency(), ps(107_000));
    for one in [work(9, 1_000, 0, 2), work(9, 0, 0, 2), work(9, 0, 30, 2), work(9, 64, 30, 2)] {
        let alone = of(&one);
        assert_eq!(alone.latency(), one.latency());
        assert_eq!(alone.transfer, one.transfer);
        let asks = one.traffic[DRAM] > 0 && !one.transfer.is_zero();
        assert_eq!(alone.demand > Bandwidth::ZERO, asks);
    }
}

#[test]
fn shared_dram_bounds_a_layer_that_is_alone() {
    let shared = platform(SHARED, &["", ""]);
    // At 16 bytes a nanosecond 1,600 bytes take 100 ns.
    let slow_memory = isolated(&shared, 0, &work(60_000, 1_600, 25_000, 500));
    assert_eq!(
        slow_memory,
        Isolated {
            compute: ps(60_000),
            transfer: ps(100_000),
            exposed: ps(500),
            demand: Bandwidth::from_bytes_per_window(SIXTEEN),
            cache_demand: Bandwidth::ZERO,
        }
    );
    assert_eq!(slow_memory.latency(), ps(100_500));
    // The accelerator's own port is the slower of the two: 1,600 bytes in 200 ns.
    let slow_port = isolated(&shared, 1, &work(60_000, 1_600, 200_000, 500));
    assert_eq!((slow_port.transfer, slow_port.latency()), (ps(200_000), ps(200_500)));
    assert_eq!(slow_port.demand.bytes_per_window(), 8_589_935);
    // A port of just the same bandwidth is not slowed by rounding.
    for bytes in [16, 1_600, 16_000_000, 16_000_000_000] {
        let same = work(1, bytes, bytes / 16 * 1_000, 0);
        assert_eq!(isolated(&shared, 0, &same).transfer, same.transfer);
    }
    // A cost model that knows no bandwidth leaves the time to the platform.
    let no_port = isolated(&shared, 0, &work(60_000, 1_600, 0, 0));
    assert_eq!((no_port.transfer, no_port.latency()), (ps(100_000), ps(100_000)));
    // Nothing moves: nothing changes.
    let arithmetic = isolated(&shared, 0, &work(60_000, 0, 0, 500));
    assert_eq!((arithmetic.transfer, arithmetic.demand), (ps(0), Bandwidth::ZERO));
    assert_eq!(arithmetic.latency(), ps(60_500));
}

#[test]
fn a_static_share_bounds_a_layer_even_if_it_is_alone() {
    let parts = platform(STATIC, &["dram_share = 0.25", ""]);
    let layer = work(60_000, 1_600, 25_000, 500);
    // A quarter is floor(4,294,967.5) units, so a picosecond beyond 400 ns is due to rounding; and 1,600
    // bytes in that time are 4,294,956.6 units.
    let quarter = isolated(&parts, 0, &layer);
    assert_eq!((quarter.transfer, quarter.latency()), (ps(400_001), ps(400_501)));
    assert_eq!(quarter.demand.bytes_per_window(), 4_294_957);
    let rest = isolated(&parts, 1, &layer);
    assert_eq!(rest.transfer, ps(133_334));
    assert!(rest.demand <= parts.dram_bandwidth(AcceleratorId::new(1)));
}

#[test]
fn transfers_beyond_the_clock_saturate() {
    let slow = platform("clock_mhz = 0.001\n[shared_dram]\nbandwidth = 0.000001", &[""]);
    let layer = isolated(&slow, 0, &work(1, u64::MAX, 1, 1));
    assert_eq!((layer.transfer, layer.latency()), (Duration::MAX, Duration::MAX));
    assert_eq!(layer.demand, slow.dram_bandwidth(AcceleratorId::new(0)));
}

#[test]
fn the_identity_states_what_differs_from_the_default() {
    let plain = platform("", &["", ""]).identity();
    let (tail, accelerators) = ("context_switch = {}", ["", ""]);
    for same in [
        platform("[context_switch]", &accelerators),
        platform("[context_switch]\ntime = \"0ms\"\nenergy_nj = -0.0", &[tail, ""]),
        platform("[context_switch]\nactivations = { pj_per_byte = -0.0, element_bytes = 2 }", &[tail, ""]),
        platform("", &["context_switch = { activations = { pj_per_byte = 9, element_bytes = 0 } }", ""]),
    ] {
        assert_eq!(same.identity(), plain);
    }
    assert_eq!(platform(SHARED, &accelerators).identity(), format!("{plain}|shared_dram=max-min {SIXTEEN}"));
    assert_eq!(
        platform(STATIC, &["dram_share = 0.25", ""]).identity(),
        format!("{plain}|shared_dram=static {SIXTEEN} 250000,750000")
    );
    assert_eq!(
        platform(SHARED, &["context_switch = { time = \"20us\", energy_nj = 1.5 }", ""]).identity(),
        format!("{plain}|shared_dram=max-min {SIXTEEN}|context_switch=20000000ps+1500pJ,0ps+0pJ")
    );
    let moves = "context_switch = { activations = { pj_per_byte = 2.5, element_bytes = 2, bandwidth = 16 } }";
    assert_eq!(
        platform("", &[moves, ""]).identity(),
        format!("{plain}|context_switch=0ps+0pJ+2B*2.5pJ/{SIXTEEN},0ps+0pJ")
    );
}

/// No name of an accelerator makes one platform look like another.
/// Four units, of which a run may hold one, two or all.
const DIVIDED: &str = "division = { units = 4, migration = { time = \"2us\", energy_nj = 5 }, part = [ \
                       { units = 2, cols = 4 }, { units = 1, rows = 4, cols = 4 } ] }";

#[test]
fn an_accelerator_states_what_its_units_are() {
    let divided = platform("", &[DIVIDED, ""]);
    let [first, second] = &divided.accelerators[..] else { panic!("two accelerators") };
    assert_eq!((first.units(), second.units()), (4, 1));
    assert_eq!(first.migration(), Migration { time: ps(2_000_000), energy_pj: 5_000.0 });
    assert_eq!(second.migration(), Migration::default());
    let label = |id: ConfigurationId| divided.configurations[id.index()].label.clone();
    let labels: Vec<(u32, String)> = first.configurations().map(|(units, id)| (units, label(id))).collect();
    let all = label(second.configuration);
    // The other accelerator is alike; parts are in the order of their units.
    assert_eq!(first.configuration, second.configuration);
    assert_eq!(labels.iter().map(|(units, _)| *units).collect::<Vec<_>>(), [1, 2, 4]);
    assert!(labels[0].1 != labels[1].1 && labels[1].1 != all && labels[2].1 == all, "{labels:?}");
    let owners: Vec<usize> = divided.unit_owners().iter().map(|owner| owner.index()).collect();
    assert_eq!(owners, [0, 0, 0, 0, 1]);
    // What a division says is part of the identity; without one nothing is added.
    let plain = platform("", &["", ""]);
    assert!(divided.identity().starts_with(&format!("{}|division=4 2000000ps+5000pJ", plain.identity())));
    assert!(!plain.identity().contains("division"));
    let other = platform("", &[&DIVIDED.replace("2us", "3us"), ""]);
    assert_ne!(other.identity(), divided.identity());
}

#[test]
fn classes_are_configurations_with_units_and_shares() {
    let model = model("xrbench/kd_res8_narrow", None, Legality::Strict).expect("built in");
    let models = [model];
    let costs = |platform: &Platform| {
        let table = CostTable::new(platform, &models).expect("all layers fit");
        IsolatedCosts::new(&models, platform, Arc::new(table))
    };
    let (divided, plain) = (platform("", &[DIVIDED, ""]), platform("", &["", ""]));
    let (of_divided, of_plain) = (costs(&divided), costs(&plain));
    let (first, second) = (AcceleratorId::new(0), AcceleratorId::new(1));
    assert_eq!((of_plain.class_count(), of_divided.class_count()), (1, 4));
    let units: Vec<u32> =
        of_divided.classes_of(first).iter().map(|class| of_divided.class(*class).units).collect();
    assert_eq!(units, [1, 2, 4]);
    assert_eq!(of_divided.class_with(first, 4), Some(of_divided.whole(first)));
    assert_eq!(of_divided.class_with(first, 3), None);
    // All four units are the accelerator beside it; fewer are not.
    let latency = |class| of_divided.latency(ModelId::new(0), 0, class);
    assert_eq!(latency(of_divided.whole(first)), latency(of_divided.whole(second)));
    assert_eq!(latency(of_divided.whole(first)), of_plain.latency(ModelId::new(0), 0, of_plain.whole(first)));
    assert!(latency(of_divided.classes_of(first)[0]) > latency(of_divided.whole(first)));
    // Sums are those of their layers, in every class.
    let layers = of_divided.layers(ModelId::new(0));
    for class in of_divided.classes_of(first) {
        let sum: u64 =
            (0..layers).map(|layer| of_divided.latency(ModelId::new(0), layer, *class).picoseconds()).sum();
        assert_eq!(of_divided.latency_between(ModelId::new(0), 0, layers, *class), sum);
    }
    // Where bandwidth is partitioned, units come with a part of it.
    let partitioned = platform(STATIC, &[&format!("{DIVIDED}\ndram_share = 0.5"), ""]);
    let of_partitioned = costs(&partitioned);
    let shares: Vec<Option<u32>> = of_partitioned
        .classes_of(first)
        .iter()
        .map(|class| of_partitioned.class(*class).share.map(Share::millionths))
        .collect();
    assert_eq!(shares, [Some(125_000), Some(250_000), Some(500_000)]);
}

#[test]
fn bad_divisions_are_reported() {
    for (division, expected) in [
        ("{ part = [] }", "no `units`"),
        ("{ units = 1, part = [] }", "`units`"),
        ("{ units = 65, part = [] }", "`units`"),
        ("{ units = 4 }", "no run may hold a part"),
        ("{ units = 4, part = [{ rows = 4 }] }", "no `units`"),
        ("{ units = 4, part = [{ units = 4, rows = 4 }] }", "`units`"),
        ("{ units = 4, part = [{ units = 0, rows = 4 }] }", "`units`"),
        ("{ units = 4, part = [{ units = 1 }, { units = 1 }] }", "two parts of 1 units"),
        ("{ units = 4, part = [{ units = 1, pes = 3 }] }", "unknown key `pes`"),
        ("{ units = 4, part = [{ units = 1, model = \"systolic\" }] }", "unknown key `model`"),
        ("{ units = 4, part = [{ units = 1, rows = 0 }] }", "`rows`"),
        ("{ units = 4, part = [{ units = 1 }], migration = { time = \"soon\" } }", "no duration"),
        ("{ units = 4, part = [{ units = 1 }], moves = 3 }", "unknown key `moves`"),
        ("3", "must be a table"),
    ] {
        let found = problems("", &[&format!("division = {division}")]);
        assert!(found.contains(expected), "{division}: {found}");
    }
    // A part of a share that is no share would never end a layer.
    let tiny = format!("{DIVIDED}\ndram_share = 0.000003");
    assert!(problems(STATIC, &[&tiny, ""]).contains("of 1 units of this accelerator is nothing"));
}

#[test]
fn names_cannot_imitate_a_shared_memory() {
    let text = |head: &str, name: &str| {
        let text = format!(
            "source = \"a test\"\n{head}\n[[accelerator]]\nname = '{name}'\nmodel = \"systolic\"\n\
             dataflow = \"ws\"\nrows = 8\ncols = 8\n"
        );
        let platform = load::platform_of(&Source::new("test", text), Mode::Corrected);
        platform.unwrap_or_else(|problems| panic!("{problems}")).identity()
    };
    let shared = text(SHARED, "a");
    for name in [format!("a|shared_dram=max-min {SIXTEEN}"), format!("shared_dram=max-min {SIXTEEN}|a")] {
        assert_ne!(text("", &name), shared);
    }
    assert!(text("", "a").ends_with('}'), "what follows the last cost model begins after a brace");
}

#[test]
fn a_shared_cache_bounds_a_layer_that_is_alone_and_enters_the_identity() {
    let head = "[shared_cache]\nbandwidth = 32\n[shared_dram]\nbandwidth = 16";
    let cached = platform(head, &[""]);
    assert_eq!(cached.shared_cache.map(Bandwidth::bytes_per_window), Some(34_359_739));
    let expected = format!("{}|shared_cache={}", platform(SHARED, &[""]).identity(), 34_359_739);
    assert_eq!(cached.identity(), expected);
    // At 32 bytes a nanosecond 6,400 bytes take 200 ns, while 1,600 bytes of memory would take 100.
    let mut both = work(60_000, 1_600, 25_000, 500);
    both.traffic[SHARED_CACHE] = 6_400;
    let alone = isolated(&cached, 0, &both);
    assert_eq!((alone.transfer, alone.latency()), (ps(200_000), ps(200_500)));
    assert_eq!(alone.demand.bytes_per_window(), SIXTEEN / 2);
    assert_eq!(alone.cache_demand.bytes_per_window(), 34_359_739);
    // Without the table the cache limits nothing.
    assert_eq!(isolated(&platform(SHARED, &[""]), 0, &both).transfer, ps(100_000));
    insta::assert_snapshot!(problems("[shared_cache]\nbandwidth = 0\nsharing = \"static\"", &[""]), @r##"
    error: unknown key `sharing` in `shared_cache`
    = help: known: bandwidth
    error: `bandwidth` is out of range
    = help: allowed: 0.000001 to 1000000, with at most six decimals and no exponent
    "##);
}

#[test]
fn bad_values_of_shared_dram_are_reported() {
    insta::assert_snapshot!(problems("[shared_dram]", &[""]), @r##"
    error: `shared_dram` has no `bandwidth`
    = help: add `bandwidth = ...`
    "##);
    insta::assert_snapshot!(problems("[shared_dram]\nbandwith = 1", &[""]), @r##"
    error: unknown key `bandwith` in `shared_dram`
    = help: did you mean `bandwidth`?
    error: `shared_dram` has no `bandwidth`
    = help: add `bandwidth = ...`
    "##);
    for bandwidth in ["0", "-1", "nan", "inf", "0.0000001", "1000001", "1e3"] {
        let found = problems(&format!("[shared_dram]\nbandwidth = {bandwidth}"), &[""]);
        assert_eq!(
            found,
            "error: `bandwidth` is out of range\n= help: allowed: 0.000001 to 1000000, with at most six \
             decimals and no exponent",
            "{bandwidth}"
        );
    }
    insta::assert_snapshot!(problems("[shared_dram]\nbandwidth = \"16\"\nsharing = \"fair\"", &[""]), @r##"
    error: `bandwidth` must be a number
    = help: this is of type string
    error: `sharing` cannot be `fair`
    = help: known: max-min, static, weighted, capped, throttle
    "##);
    insta::assert_snapshot!(problems("[shared_dram]\nbandwidth = 1\nsharing = 3", &[""]), @r##"
    error: `sharing` must be a text in quotes
    = help: this is of type integer
    "##);
    insta::assert_snapshot!(problems("shared_dram = 16", &[""]), @r##"
    error: `shared_dram` must be a table
    = help: this is of type integer
    "##);
    insta::assert_snapshot!(problems("[[shared_dram]]\nbandwidth = 16", &[""]), @r##"
    error: `shared_dram` must be a table
    = help: this is of type array
    "##);
    // What accelerators state is not judged while the memory itself is in doubt.
    insta::assert_snapshot!(
        problems("[shared_dram]\nbandwidth = 0\nsharing = \"static\"", &["dram_share = 0.9", "dram_share = 0.9"]),
        @r##"
    error: `bandwidth` is out of range
    = help: allowed: 0.000001 to 1000000, with at most six decimals and no exponent
    "##
    );
}

const THROTTLED: &str = "[shared_dram]\nbandwidth = 16\nsharing = \"throttle\"";

#[test]
fn throttles_are_read_and_enter_the_identity() {
    let settings = "throttle = { window = \"10us\", threshold = 0.25, pause = 0.75 }";
    let throttled = platform(&format!("{THROTTLED}\n{settings}"), &["", "dram_share = 0.5"]);
    let sharing = throttled.shared_dram.expect("shared").sharing;
    assert_eq!((sharing.name(), sharing.shares()), ("throttle", Shares::Thresholds));
    let throttle = Throttle {
        window: ps(10_000_000),
        overflow_millionths: Throttle::HALF_MILLIONTHS,
        pause_millionths: 750_000,
    };
    assert_eq!(sharing.throttle(), Some(throttle));
    let shares = throttled.accelerators.iter().map(|accelerator| accelerator.dram_share.millionths());
    assert_eq!(shares.collect::<Vec<_>>(), [250_000, 500_000]);
    let expected = "|shared_dram=throttle 17179870 250000,500000 10000000ps 500000 750000";
    assert!(throttled.identity().ends_with(expected), "{}", throttled.identity());
    // A layer that is alone has all of the memory: no threshold counts.
    let alone = isolated(&throttled, 0, &work(60_000, 1_600, 25_000, 500));
    assert_eq!(alone, isolated(&platform(SHARED, &[""]), 0, &work(60_000, 1_600, 25_000, 500)));
    let other =
        platform(&format!("{THROTTLED}\n{}", settings.replace("10us", "11us")), &["", "dram_share = 0.5"]);
    assert_ne!(other.shared_dram, throttled.shared_dram);
    assert_ne!(other.identity(), throttled.identity());
}

#[test]
fn bad_throttles_are_reported() {
    let with = |settings: &str| problems(&format!("{THROTTLED}\nthrottle = {settings}"), &[""]);
    // A threshold or a cap that rounds to nothing would hold a run for ever.
    let slow = |sharing: &str| format!("[shared_dram]\nbandwidth = 0.000001\nsharing = {sharing}");
    let nothing = slow("\"throttle\"\nthrottle = { window = \"1us\", threshold = 0.01 }");
    let told = [
        problems(THROTTLED, &[""]),
        with("{}"),
        with("{ window = \"0us\", threshold = 0, overflow = 0, pause = 0 }"),
        with("{ window = \"2s\", threshold = 1.5, overflow = 1001, pause = -1 }"),
        with("{ windw = 10, threshold = \"1\", length = 3 }"),
        with("10"),
        problems("[shared_dram]\nbandwidth = 16\nthrottle = { window = \"1us\" }", &[""]),
        problems(&nothing, &[""]),
        problems(&slow("\"capped\""), &["dram_share = 0.1", ""]),
    ];
    insta::assert_snapshot!(told.join("\n\n"), @r##"
    error: `sharing = "throttle"` has no settings
    = help: add `throttle = { window = "10us", threshold = 0.25 }` to [shared_dram]

    error: `throttle` has no `window`
    = help: add `window = ...`
    error: `throttle` has no `threshold`
    = help: add `threshold = ...`

    error: `window` is out of range
    = help: allowed: 1ns to 1s
    error: `threshold` is out of range
    = help: allowed: 0.000001 to 1, with at most six decimals and no exponent
    error: `overflow` is out of range
    = help: allowed: 0.000001 to 1000, with at most six decimals and no exponent
    error: `pause` is out of range
    = help: allowed: 0.000001 to 1000, with at most six decimals and no exponent

    error: `window` is out of range
    = help: allowed: 1ns to 1s
    error: `threshold` is out of range
    = help: allowed: 0.000001 to 1, with at most six decimals and no exponent
    error: `overflow` is out of range
    = help: allowed: 0.000001 to 1000, with at most six decimals and no exponent
    error: `pause` is out of range
    = help: allowed: 0.000001 to 1000, with at most six decimals and no exponent

    error: unknown key `length` in `throttle`
    = help: known: window, threshold, overflow, pause
    error: unknown key `windw` in `throttle`
    = help: did you mean `window`?
    error: `throttle` has no `window`
    = help: add `window = ...`
    error: `threshold` must be a number
    = help: this is of type string

    error: `throttle` must be a table
    = help: this is of type integer

    error: `throttle` means nothing to max-min sharing
    = help: write `sharing = "throttle"`, or remove `throttle`

    error: this accelerator's share of DRAM is below 932 bytes a second
    = help: raise `bandwidth` in [shared_dram], or the accelerator's `dram_share`

    error: this accelerator's share of DRAM is below 932 bytes a second
    = help: raise `bandwidth` in [shared_dram], or the accelerator's `dram_share`
    "##);
}

#[test]
fn bad_shares_are_reported() {
    insta::assert_snapshot!(problems("", &["dram_share = 0.5", ""]), @r##"
    error: `dram_share` is a share of nothing: the platform has no [shared_dram]
    = help: add the table with `bandwidth = ...` and `sharing = "static"`, or remove `dram_share`
    "##);
    insta::assert_snapshot!(problems(SHARED, &["dram_share = 0.5", ""]), @r##"
    error: `dram_share` means nothing to max-min sharing
    = help: write `sharing = "static"` in [shared_dram], or remove `dram_share`
    "##);
    insta::assert_snapshot!(problems(STATIC, &["dram_share = 0.75", "dram_share = 0.5", ""]), @r##"
    error: the shares of DRAM sum to more than 1
    = help: only 0.25 is left here: lower this `dram_share` or another
    "##);
    insta::assert_snapshot!(problems(STATIC, &["dram_share = 0.75", "", "dram_share = 0.25"]), @r##"
    error: no share of DRAM is left for this accelerator
    = help: lower the `dram_share` of others: they leave nothing to split
    "##);
    for share in ["0", "-0.5", "nan", "1.5", "0.0000001"] {
        let found = problems(STATIC, &[&format!("dram_share = {share}"), ""]);
        assert_eq!(
            found,
            "error: `dram_share` is out of range\n= help: allowed: 0.000001 to 1, with at most six decimals \
             and no exponent",
            "{share}"
        );
    }
    insta::assert_snapshot!(problems(STATIC, &["dram_share = \"half\"", ""]), @r##"
    error: `dram_share` must be a number
    = help: this is of type string
    "##);
    let slow = "clock_mhz = 0.001\n[shared_dram]\nbandwidth = 1\nsharing = \"static\"";
    insta::assert_snapshot!(problems(slow, &["dram_share = 0.25", ""]), @r##"
    error: this accelerator's share of DRAM is below 932 bytes a second
    = help: raise `bandwidth` in [shared_dram], or the accelerator's `dram_share`
    "##);
}

#[test]
fn bad_costs_of_context_switches_are_reported() {
    insta::assert_snapshot!(problems("[context_switch]\ntime = 20\nenergy = 1", &[""]), @r##"
    error: unknown key `energy` in `context_switch`
    = help: did you mean `energy_nj`?
    error: `time` must be a duration such as "16ms"
    = help: this is of type integer
    "##);
    insta::assert_snapshot!(problems("context_switch = \"20us\"", &[""]), @r##"
    error: `context_switch` must be a table
    = help: this is of type string
    "##);
    let negative = problems("[context_switch]\ntime = \"-1us\"", &[""]);
    assert_eq!(negative, "error: `time` is negative\n= help: write a duration without a sign");
    for time in ["20", "20 cycles", "0.5ps", "300000000s"] {
        let found = problems(&format!("[context_switch]\ntime = \"{time}\""), &[""]);
        assert!(found.starts_with("error: `time` is no duration: "), "{time}: {found}");
        assert!(
            found.ends_with("= help: units are ps, ns, us, ms and s, such as \"16.5ms\""),
            "{time}: {found}"
        );
    }
    for energy in ["-1", "nan", "inf", "1e10"] {
        let found = problems("", &[&format!("context_switch = {{ energy_nj = {energy} }}")]);
        assert_eq!(
            found, "error: `energy_nj` is out of range\n= help: allowed: finite numbers from 0 to 1000000000",
            "{energy}"
        );
    }
    insta::assert_snapshot!(problems("", &["context_switch = { time = \"20us\", tme = 1 }"]), @r##"
    error: unknown key `tme` in `context_switch`
    = help: did you mean `time`?
    "##);
}

#[test]
fn bad_costs_of_moving_activations_are_reported() {
    insta::assert_snapshot!(problems("[context_switch]\nactivations = true", &[""]), @r##"
    error: `activations` must be a table
    = help: this is of type boolean
    "##);
    insta::assert_snapshot!(
        problems("", &["context_switch = { activations = { bandwith = 2, pj_per_bytes = 1 } }"]),
        @r##"
    error: unknown key `bandwith` in `activations`
    = help: did you mean `bandwidth`?
    error: unknown key `pj_per_bytes` in `activations`
    = help: did you mean `pj_per_byte`?
    "##
    );
    insta::assert_snapshot!(
        problems(
            "[context_switch]\nactivations = { pj_per_byte = \"1\", element_bytes = 1.5, bandwidth = true }",
            &[""]
        ),
        @r##"
    error: `pj_per_byte` must be a number
    = help: this is of type string
    error: `element_bytes` must be a whole number
    = help: this is of type float
    error: `bandwidth` must be a number
    = help: this is of type boolean
    "##
    );
    let one = |text: &str| problems("", &[&format!("context_switch = {{ activations = {{ {text} }} }}")]);
    for energy in ["-1", "nan", "inf", "1000001"] {
        let expected =
            "error: `pj_per_byte` is out of range\n= help: allowed: finite numbers from 0 to 1000000";
        assert_eq!(one(&format!("pj_per_byte = {energy}")), expected, "{energy}");
    }
    for bytes in ["-1", "65"] {
        let expected = "error: `element_bytes` is out of range\n= help: allowed: 0 to 64";
        assert_eq!(one(&format!("element_bytes = {bytes}")), expected, "{bytes}");
    }
    for bandwidth in ["0", "-1", "nan", "inf", "0.0000001", "1000001", "1e3"] {
        let expected = "error: `bandwidth` is out of range\n= help: allowed: 0.000001 to 1000000, with at most six \
                        decimals and no exponent";
        assert_eq!(one(&format!("bandwidth = {bandwidth}")), expected, "{bandwidth}");
    }
}

#[test]
fn a_problem_is_shown_where_it_is() {
    let error = parse(STATIC, &["dram_share = 0.75", "dram_share = 0.5"]).expect_err("too much");
    insta::assert_snapshot!(error.render(false), @r##"
    error: the shares of DRAM sum to more than 1
      --> test.toml:18:14
       |
    18 | dram_share = 0.5
       |              ^^^
       |
       = help: only 0.25 is left here: lower this `dram_share` or another
    "##);
    let error = parse(STATIC, &["dram_share = 1", ""]).expect_err("nothing is left");
    insta::assert_snapshot!(error.render(false), @r##"
    error: no share of DRAM is left for this accelerator
      --> test.toml:12:1
       |
    12 | [[accelerator]]
       | ^^^^^^^^^^^^^^^
       |
       = help: lower the `dram_share` of others: they leave nothing to split
    "##);
}

#[test]
fn unknown_keys_are_still_found_beside_those_of_the_platform() {
    insta::assert_snapshot!(problems("", &["dram_shar = 0.5"]), @r##"
    error: unknown key `dram_shar` in an accelerator
    = help: did you mean `dram_share`?
    "##);
    // An accelerator without a platform shares nothing and knows no other models.
    let text = "{ model = \"systolic\", dataflow = \"ws\", rows = 8, cols = 8, dram_share = 0.5 }";
    let error =
        load::accelerator(text, load::DEFAULT_CLOCK_HZ, Mode::Corrected).expect_err("no shared memory");
    insta::assert_snapshot!(error.render(false), @r##"
    error: unknown key `dram_share` in `accelerator`
     --> --accelerator:1:74
      |
    1 | accelerator = { model = "systolic", dataflow = "ws", rows = 8, cols = 8, dram_share = 0.5 }
      |                                                                          ^^^^^^^^^^
      |
      = help: known: model, name, operators, precisions, calibration, technology, dataflow, rows, cols, vector_lanes, vector_bandwidth, element_bytes, sram_ifmap_bytes, sram_filter_bytes, sram_ofmap_bytes, dram_bandwidth, mac_pj, vector_pj, sram_pj, dram_pj, static_pj_per_cycle
    "##);
}

#[test]
fn built_in_platforms_that_share_dram_are_read() {
    let shared: Vec<String> =
        built_in_names(Kind::Platform).into_iter().filter(|name| name.starts_with("shared/")).collect();
    assert_eq!(shared, ["shared/octa_8k", "shared/quad_4k_ws_os_ws_os"]);
    for (name, accelerators, bytes) in [(&shared[0], 8, 256_000_000), (&shared[1], 4, 128_000_000)] {
        let platform = load::platform(name, None, Mode::Corrected).expect("built in");
        assert_eq!(platform.accelerators.len(), accelerators);
        assert_eq!(platform.configurations.len(), 2, "WS and OS");
        let dram = platform.shared_dram.expect("shared DRAM");
        assert_eq!(dram.sharing, Sharing::MAX_MIN);
        assert_eq!(
            Some(dram.bandwidth),
            Bandwidth::from_bytes_per_cycle_millionths(bytes, load::DEFAULT_CLOCK_HZ)
        );
        for accelerator in &platform.accelerators {
            assert_eq!(accelerator.context_switch.time, ps(10_000_000));
        }
    }
    // The same accelerators as the published platform, and so the same costs.
    let published = load::platform("xrbench/quad_4k_ws_os_ws_os", None, Mode::Corrected).expect("built in");
    let shared = load::platform(&shared[1], None, Mode::Corrected).expect("built in");
    assert!(shared.identity().starts_with(&published.identity()));
}

/// What all accelerators of a platform's file state for a key together.
#[track_caller]
fn sum(document: &Document<'_>, key: &str) -> u64 {
    let accelerators = document.root().tables("accelerator", "an accelerator");
    accelerators.iter().filter_map(|one| one.required(key, |value| value.integer(0..=u64::MAX))).sum()
}

#[test]
fn platforms_of_the_dream_evaluation_divide_one_budget() {
    let names: Vec<String> =
        built_in_names(Kind::Platform).into_iter().filter(|name| name.starts_with("dream/")).collect();
    assert_eq!(names.len(), 21);
    for name in &names {
        let platform = load::platform(name, None, Mode::Corrected).expect("built in");
        let source = open(Kind::Platform, name, None).expect("built in");
        let document = Document::parse(&source);
        let (budget, label) = if name.contains("_4k_") { (4_096, "4K") } else { (8_192, "8K") };
        assert_eq!(sum(&document, "pes"), budget, "{name}");
        assert_eq!(sum(&document, "noc_bandwidth"), budget / 16, "{name}");
        assert_eq!(sum(&document, "l2_bytes"), 8 << 20, "{name}");
        // 90 GB/s at 700 MHz, rounded down to whole bytes a cycle.
        assert_eq!((platform.clock_hz, 90_000_000_000 / platform.clock_hz), (700_000_000, 128));
        let count = platform.accelerators.len();
        let whole = Bandwidth::from_bytes_per_cycle_millionths(128_000_000, platform.clock_hz);
        match platform.shared_dram {
            None => assert_eq!(sum(&document, "dram_bandwidth"), 128, "{name}"),
            Some(SharedDram { bandwidth, sharing }) => {
                assert!(name.ends_with("_shared"));
                assert_eq!((Some(bandwidth), sharing), (whole, Sharing::MAX_MIN), "{name}");
                assert_eq!(sum(&document, "dram_bandwidth"), 128 * count as u64, "{name}");
            }
        }
        let moves = moves(&platform);
        assert!(moves.iter().all(|moves| matches!(moves, Some((216.0, 1, _)))), "{name}: {moves:?}");
        // Each rounded up to a unit.
        let all: u64 = moves.iter().flatten().map(|(_, _, bytes)| bytes).sum();
        let whole = whole.expect("it can be counted").bytes_per_window();
        assert!((whole..whole + count as u64).contains(&all), "{name}: {all} of {whole}");
        // Names and labels say what there is.
        let is_of = |flow: &str| platform.accelerators.iter().filter(|one| one.name.ends_with(flow)).count();
        let of_name = |flow: &str| name.matches(&format!("_{flow}")).count();
        assert_eq!((is_of("_WS"), is_of("_OS")), (of_name("ws"), of_name("os")), "{name}");
        for (index, accelerator) in platform.accelerators.iter().enumerate() {
            let label = &platform.configurations[accelerator.configuration.index()].label;
            let flow = &accelerator.name[accelerator.name.len() - 2..];
            assert!(label.starts_with(&format!("maestro {flow} ")), "{name}: {index} is {label}");
        }
        assert_eq!(platform.labels["budget"], label, "{name}");
        assert!(platform.labels["hardware"].contains(label), "{name}");
        assert_eq!((name.contains("triple"), name.contains("quad")), (count == 3, count == 4), "{name}");
    }
    // How off-chip bandwidth is shared is all that the variants are for.
    for budget in ["4k", "8k"] {
        let of = |name: &str| load::platform(name, None, Mode::Corrected).expect("built in");
        let own = of(&format!("dream/dual_{budget}_ws_os"));
        let shared = of(&format!("dream/dual_{budget}_ws_os_shared"));
        assert_eq!(moves(&own), moves(&shared));
        assert!(own.shared_dram.is_none() && shared.shared_dram.is_some());
    }
}

#[test]
fn every_layer_of_xrbench_fits_the_platforms_of_the_dream_evaluation() {
    let of_kind = |kind, prefix: &str| -> Vec<String> {
        built_in_names(kind).into_iter().filter(|name| name.starts_with(prefix)).collect()
    };
    let models: Vec<Model> = of_kind(Kind::Model, "xrbench/")
        .iter()
        .map(|name| model(name, None, Legality::Strict).expect("built in"))
        .collect();
    for name in of_kind(Kind::Platform, "dream/") {
        let platform = load::platform(&name, None, Mode::Corrected).expect("built in");
        assert!(CostTable::new(&platform, &models).is_ok(), "{name}");
    }
}

#[test]
fn a_program_adds_cost_models_of_its_own() {
    let wrapped = CostModelRegistry::built_in().get("systolic").expect("built in").clone();
    let parameters = wrapped.parameters.clone();
    let decode = move |table: &Table<'_>, surroundings| wrapped.decode(table, surroundings);
    let row = |version: &'static [u8]| {
        CostModelRow::new("mine", parameters.clone(), decode.clone()).with_identity(version)
    };
    let text = "source = \"a test\"\n[[accelerator]]\nname = \"a\"\nmodel = \"mine\"\ndataflow = \"ws\"\n\
                rows = 8\ncols = 8\n";
    let source = Source::new("test.toml", text);
    let identity = |version| {
        let registry = CostModelRegistry::built_in().with(row(version)).expect("a new name");
        let platform = load::platform_of_with(&registry, &source, Mode::Corrected);
        platform.unwrap_or_else(|problems| panic!("{problems}")).configurations[0].identity()
    };
    let plain = platform("", &[""]).configurations[0].identity();
    assert_eq!(identity(b""), plain);
    assert_eq!(identity(b"\x01\xff"), format!("{plain}#01ff"));
    let problems = load::platform_of(&source, Mode::Corrected).expect_err("not built in");
    assert!(problems.to_string().contains("there is no cost model `mine`"), "{problems}");
}
