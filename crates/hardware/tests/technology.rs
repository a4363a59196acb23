//! Technologies: presets, interpolation, what each cost model draws, and what is said of those that cannot be.

#![expect(clippy::expect_used, reason = "a broken fixture should fail loudly")]
#![expect(clippy::disallowed_methods, reason = "numbers that are expected, and a file for a test")]

use rtmm_hardware::technology::apart;
use rtmm_hardware::{
    AcceleratorId, Condition, CostModel, Decoded, EnergyParts, LayerOf, Level, Mode, Platform, Price,
    PriceOf, load,
};
use rtmm_workload::input::Source;
use rtmm_workload::{Legality, load as workload};

/// Accelerators of every cost model that prices events.
const ARRAYS: [&str; 7] = [
    "model = \"systolic\"\ndataflow = \"ws\"\nrows = 8\ncols = 8\nsram_ifmap_bytes = 4096",
    "model = \"systolic\"\ndataflow = \"os\"\nrows = 8\ncols = 8\nelement_bytes = 3",
    "model = \"fission\"\ndataflow = \"ws\"\nsubarrays = 4\nrows = 8\ncols = 8\nelement_bytes = 2",
    "model = \"gemmini\"",
    "model = \"sanger\"",
    "model = \"eyeriss_v2\"\nactivation_bits = 20",
    "model = \"traced\"\nsanger = { element_bytes = 4 }",
];
const MAESTRO: &str = "model = \"maestro\"\ndataflow = \"WS\"\npes = 256\nnoc_bandwidth = 64\nl1_bytes = 512\nelement_bytes = 2";

const PUBLISHED: &str = "technology = { name = \"published\", node_nm = 7, dram = \"LPDDR5\" }";

fn text(head: &str, accelerators: &[&str]) -> Source {
    let mut text = format!("source = \"a test\"\n{head}\n");
    for (index, keys) in accelerators.iter().enumerate() {
        text.push_str(&format!("[[accelerator]]\nname = \"a{index}\"\n{keys}\n"));
    }
    Source::new("test.toml", text)
}

#[track_caller]
fn platform(head: &str, accelerators: &[&str]) -> Platform {
    load::platform_of(&text(head, accelerators), Mode::Corrected)
        .unwrap_or_else(|problems| panic!("{problems}"))
}

#[track_caller]
fn problems(head: &str, accelerators: &[&str]) -> String {
    let problems = load::platform_of(&text(head, accelerators), Mode::Corrected).expect_err("problems");
    let is_message = |line: &&str| line.starts_with("error") || line.contains("= help: ");
    problems.render(false).lines().filter(is_message).map(str::trim_start).collect::<Vec<_>>().join("\n")
}

/// Prices of the first accelerator, as `event=pJ` with four digits that matter.
#[track_caller]
fn prices(head: &str, accelerator: &str) -> String {
    let platform = platform(head, &[accelerator]);
    let prices = platform.configurations[0].cost_model.prices();
    let shown = prices.iter().map(|price| format!("{}={}", price.of.name(), four_digits(price.picojoules)));
    shown.collect::<Vec<_>>().join(" ")
}

fn four_digits(number: f64) -> f64 {
    format!("{number:.3e}").parse().expect("a number")
}

#[track_caller]
fn at(level: &str, node: f64, dram: &str, accelerator: &str) -> String {
    let technology = format!(
        "technology = {{ name = \"published\", node_nm = {node}, dram = \"{dram}\", level = \"{level}\" }}"
    );
    prices(&technology, accelerator)
}

/// A systolic array whose input buffer has so many kilobytes; the others are 1 MiB.
fn array(kilobytes: u64) -> String {
    let bytes = kilobytes * 1024;
    format!("model = \"systolic\"\ndataflow = \"ws\"\nrows = 64\ncols = 64\nsram_ifmap_bytes = {bytes}")
}

#[test]
fn presets_of_the_models_own_prices_change_nothing() {
    // Two models have one price whatever their elements, that of elements of their usual size.
    let arrays =
        ARRAYS.map(|keys| keys.replace("\nactivation_bits = 20", "").replace("element_bytes = 4", ""));
    let arrays = arrays.each_ref().map(String::as_str);
    for (name, accelerators) in [("horowitz45", &arrays[..]), ("xrbench", &[MAESTRO])] {
        let own = platform("", accelerators);
        let drawn = platform(&format!("technology = \"{name}\""), accelerators);
        assert_eq!(own.identity(), drawn.identity(), "{name}");
        assert!(own.technology.is_none() && drawn.technology.is_some());
    }
}

#[test]
fn published_tools_keep_their_prices() {
    let maestro = "model = \"maestro\"\ndataflow = \"WS\"\npes = 256\nnoc_bandwidth = 64";
    let read = |head| load::platform_of(&text(head, &[maestro, ARRAYS[0]]), Mode::Reference);
    let (own, named) = (read("").expect("a platform"), read(PUBLISHED).expect("a platform"));
    assert_eq!(own.identity(), named.identity());
}

/// Values that the sources of the preset state of memories, in picojoules a byte: low, typical, high.
#[test]
fn memories_are_priced_by_capacity_within_a_hundredth_of_the_sources() {
    let stated = [
        (45.0, 8, [0.954, 1.1, 1.27]),
        (45.0, 1024, [10.6, 11.6, 12.6]),
        (28.0, 128, [1.51, 2.27, 3.4]),
        (22.0, 8, [0.214, 0.49, 1.12]),
        (16.0, 512, [1.51, 2.28, 3.44]),
        (7.0, 8, [0.121, 0.333, 0.916]),
        (7.0, 512, [1.0, 1.26, 1.58]),
        (7.0, 8192, [2.28, 3.05, 4.09]),
        (5.0, 2048, [1.6, 1.66, 1.71]),
    ];
    for (node, kilobytes, prices) in stated {
        for (level, stated) in ["low", "typical", "high"].into_iter().zip(prices) {
            let head = format!(
                "technology = {{ name = \"published\", node_nm = {node}, dram = \"LPDDR4\", level = \"{level}\" }}"
            );
            let platform = platform(&head, &[&array(kilobytes)]);
            let found = platform.configurations[0].cost_model.prices();
            let found = found.iter().find(|price| price.of == PriceOf::Buffer("input buffer"));
            let found = found.expect("a price").picojoules;
            assert!(
                (found / stated - 1.0).abs() < 0.011,
                "{node} nm, {kilobytes} KB, {level}: {found}, not {stated}"
            );
        }
    }
}

#[test]
fn nodes_between_lie_on_a_line_in_logarithms() {
    let int8 = |node: f64| {
        let head = format!("technology = {{ name = \"published\", node_nm = {node}, dram = \"LPDDR5\" }}");
        let platform = platform(&head, &[ARRAYS[0]]);
        platform.configurations[0].cost_model.prices()[0].picojoules
    };
    assert_eq!([45.0, 28.0, 7.0, 5.0].map(int8), [0.3, 0.227, 0.1, 0.0845]);
    let exponent = (0.163_f64 / 0.1).ln() / (16.0_f64 / 7.0).ln();
    let expected = 0.1 * (10.0_f64 / 7.0).powf(exponent);
    assert!((int8(10.0) / expected - 1.0).abs() < 1e-12);
    // The law itself: ln a and b are on straight lines, so that the price is, whatever the capacity.
    let small = |node| four_digits_of(node, 64);
    let line = (small(16.0).ln() * (10.0_f64 / 7.0).ln() + small(7.0).ln() * (16.0_f64 / 10.0).ln())
        / (16.0_f64 / 7.0).ln();
    assert!((small(10.0).ln() - line).abs() < 1e-12);
}

fn four_digits_of(node: f64, kilobytes: u64) -> f64 {
    let head = format!("technology = {{ name = \"published\", node_nm = {node}, dram = \"LPDDR5\" }}");
    platform(&head, &[&array(kilobytes)]).configurations[0].cost_model.prices()[2].picojoules
}

#[test]
fn every_cost_model_draws_its_prices() {
    let [systolic, wide, fission, gemmini, sanger, eyeriss, _] = ARRAYS;
    let at = |accelerator| at("typical", 7.0, "LPDDR5", accelerator);
    // Buffers of unstated capacity are priced as 1 MiB.
    assert_eq!(
        at(systolic),
        "multiply-accumulate=0.1 vector operation=0.3 input buffer=0.2664 weight buffer=1.567 output buffer=1.567 \
         off-chip memory=43 static=6.052"
    );
    // Three bytes: a multiply-accumulate of four, and three times the price of a byte.
    assert_eq!(
        at(wide),
        "multiply-accumulate=1.69 vector operation=5.07 input buffer=4.701 weight buffer=4.701 output buffer=4.701 \
         off-chip memory=43 static=5.312"
    );
    assert_eq!(
        at(fission),
        "multiply-accumulate=0.72 vector operation=2.16 input buffer=3.134 weight buffer=3.134 output buffer=3.134 \
         off-chip memory=43 static=21.25 bus=0.265"
    );
    assert_eq!(
        at(gemmini),
        "multiply-accumulate=0.1 vector operation=0.3 scratchpad=0.8063 accumulator=0.6461 cache=1.926 \
         off-chip memory=43 static=815.5"
    );
    assert_eq!(at(sanger), "multiply-accumulate=0.72 vector operation=2.16 off-chip memory=43 static=340");
    // 40 bytes of scratch pad are a register file, 12,000 bytes of buffer are not; 20 bits are 2.5 bytes.
    assert_eq!(
        at(eyeriss),
        "multiply-accumulate=1.69 vector operation=5.07 scratch pad=0.06425 global buffer=0.939 static=19.49"
    );
    assert_eq!(
        at(MAESTRO),
        "multiply-accumulate=0.72 vector operation=2.16 L1=0.2742 L2=3.134 off-chip memory=86 static=44.93"
    );
    let registers = MAESTRO.replace("l1_bytes = 512\n", "");
    assert!(at(&registers).contains("L1=0.0514 "));
}

#[test]
fn levels_and_kinds_of_memory_are_chosen() {
    assert!(
        at("low", 7.0, "lpddr5", ARRAYS[0]).contains("multiply-accumulate=0.0283 vector operation=0.0283 ")
    );
    assert!(at("high", 45.0, "DDR3", ARRAYS[0]).contains("off-chip memory=560 "));
    let head =
        "technology = { name = \"published\", node_nm = 7, dram = \"HBM3\", precision = [\"bf16_bf16\"] }";
    assert!(prices(head, ARRAYS[2]).starts_with("multiply-accumulate=0.32 "));
    // Ports of 256 bits.
    let head = "technology = { name = \"published\", node_nm = 22, dram = \"HBM3\", port_bits = 256 }";
    let narrow = "technology = { name = \"published\", node_nm = 22, dram = \"HBM3\" }";
    let of = |head| platform(head, &[&array(64)]).configurations[0].cost_model.prices()[2].picojoules;
    assert!((of(head) / of(narrow) - 0.62 * 64.0_f64.powf(0.028)).abs() < 1e-12);
}

#[test]
fn stated_prices_go_before_those_of_the_technology() {
    let stated = format!(
        "{}\nmac_pj = 1.5\nsram_pj = 2\ndram_pj = 9\nvector_pj = 4\nstatic_pj_per_cycle = 7",
        ARRAYS[0]
    );
    assert_eq!(
        prices(PUBLISHED, &stated),
        "multiply-accumulate=1.5 vector operation=4 input buffer=2 weight buffer=2 output buffer=2 \
         off-chip memory=9 static=7"
    );
}

#[test]
fn a_stated_multiply_accumulate_leaves_vector_operations_to_the_technology() {
    for keys in ARRAYS[..2].iter().chain(&ARRAYS[3..4]).chain([&MAESTRO]) {
        let of = |head: &str| {
            let platform = platform(head, &[&format!("{keys}\nmac_pj = 1.5")]);
            let prices = platform.configurations[0].cost_model.prices();
            let one =
                |is: fn(&Price) -> bool| prices.iter().find(|price| is(price)).expect("its price").picojoules;
            let mac = one(|price| matches!(price.of, PriceOf::Mac { .. }));
            (four_digits(mac), four_digits(one(|price| price.of == PriceOf::Vector)))
        };
        // Without a technology it is the only price that there is.
        assert_eq!(of(""), (1.5, 1.5), "{keys}");
        for (head, factor) in [(PUBLISHED, 3.0), ("technology = \"horowitz45\"", 1.0)] {
            let drawn = platform(head, &[keys]);
            let prices = drawn.configurations[0].cost_model.prices();
            let mac = prices.iter().find(|price| matches!(price.of, PriceOf::Mac { .. })).expect("its price");
            assert_eq!(of(head), (1.5, four_digits(factor * mac.picojoules)), "{keys} {head}");
        }
    }
}

#[test]
fn hardware_whose_static_power_is_stated_leaks_nothing_beside_it() {
    let power = "power = { points = [{ frequency_mhz = 1000, voltage_v = 0.8, static_mw = 5 }] }";
    let of = |keys: &str| prices(PUBLISHED, &format!("{}\n{keys}", ARRAYS[0]));
    let unstated = power.replace(", static_mw = 5", "");
    assert!([of(""), of(&unstated)].iter().all(|prices| prices.ends_with("static=6.052")));
    assert!(of(power).ends_with("static=0"));
    assert!(of(&format!("{power}\nstatic_pj_per_cycle = 3")).ends_with("static=3"));
}

#[test]
fn context_switches_move_bytes_at_the_price_of_off_chip_memory() {
    let moved = |head: &str, of_one: &str| {
        let accelerator = format!("{}\n{of_one}", ARRAYS[0]);
        let activations = platform(head, &[&accelerator]).accelerators[0].context_switch.activations;
        activations.expect("moves").pj_per_byte
    };
    let bandwidth = "context_switch = { activations = { bandwidth = 8 } }";
    assert_eq!(moved(&format!("{PUBLISHED}\n{bandwidth}"), ""), 43.0);
    assert_eq!(moved(PUBLISHED, bandwidth), 43.0);
    assert_eq!(moved("", bandwidth), 0.0);
    let stated = "context_switch = { activations = { pj_per_byte = 216 } }";
    assert_eq!(moved(&format!("{PUBLISHED}\n{stated}"), bandwidth), 216.0);
}

#[test]
fn moves_through_the_memory_have_its_price() {
    let of_byte = |head: &str, memory: &str| {
        let head = format!("{head}\n[shared_dram]\nbandwidth = 8\n[transfers]\nmemory = {memory}");
        let transfers = platform(&head, &[ARRAYS[0], ARRAYS[0]]).transfers.expect("transfers");
        transfers.between(AcceleratorId::new(0), AcceleratorId::new(1)).pj_per_byte
    };
    assert_eq!(of_byte(PUBLISHED, "{}"), 43.0);
    assert_eq!(of_byte(PUBLISHED, "{ pj_per_byte = 7 }"), 7.0);
    assert_eq!(of_byte("", "{}"), 0.0);
}

#[test]
fn parts_of_an_accelerator_keep_the_prices_of_the_whole() {
    let fission = format!("{}\nsram_filter_bytes = 65536\ndivision = {{ units = 4 }}", ARRAYS[2]);
    let platform = platform(PUBLISHED, &[&fission]);
    let of = |model: &dyn CostModel| {
        let prices = model.prices();
        prices
            .into_iter()
            .filter(|price| price.of != PriceOf::Static)
            .map(|price| price.picojoules)
            .collect::<Vec<_>>()
    };
    let all: Vec<_> = platform.configurations.iter().map(|one| of(one.cost_model.as_ref())).collect();
    assert_eq!(all.len(), 4);
    assert!(all.iter().all(|one| *one == all[0]));
    // Four subarrays have a memory of 16 KB each, of two bytes an element.
    assert_eq!(four_digits(all[0][3]), 0.8298);
}

#[test]
fn a_reference_may_name_a_level() {
    let folder = tempfile_of(&format!("{PUBLISHED}\n"), ARRAYS[0]);
    let path = folder.path().join("board.toml").display().to_string();
    let read = |suffix: &str| load::platform(&format!("{path}{suffix}"), None, Mode::Corrected);
    let mac = |suffix| read(suffix).expect("a platform").configurations[0].cost_model.prices()[0].picojoules;
    assert_eq!([mac("@low"), mac(""), mac("@typical"), mac("@high")], [0.0283, 0.1, 0.1, 0.333]);
    let high = read("@high").expect("a platform");
    assert_eq!((high.name.as_str(), high.labels["technology_level"].as_str()), ("board@high", "high"));
    assert_eq!(high.technology.expect("a technology").level(), Level::High);
    let problem =
        load::platform("xrbench/single_4k_ws@low", None, Mode::Corrected).expect_err("no technology");
    assert!(problem.to_string().contains("names no technology that has a level `low`"), "{problem}");
    assert!(read("@middling").is_err());
}

fn tempfile_of(head: &str, accelerator: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("board.toml"), text(head, &[accelerator]).text()).expect("a file");
    folder
}

#[test]
fn prices_more_than_twice_apart_are_found() {
    let far = |head: &str, accelerators: &[&str]| {
        let platform = platform(head, accelerators);
        let of_each: Vec<Vec<Price>> =
            platform.configurations.iter().map(|one| one.cost_model.prices()).collect();
        apart(&of_each, platform.technology.as_deref())
            .map(|pair| pair.map(|(index, price)| (index, four_digits(price))))
    };
    let maestro = "model = \"maestro\"\ndataflow = \"WS\"\npes = 256\nnoc_bandwidth = 64";
    assert_eq!(far("", &[ARRAYS[0], maestro, "model = \"eyeriss_v2\""]), Some([(0, 0.3), (1, 2.88)]));
    // Different precisions of one technology are its own matter; a price that is stated is not.
    assert_eq!(far(PUBLISHED, &[ARRAYS[0], maestro, ARRAYS[1], "model = \"sanger\""]), None);
    let stated = format!("{}\nmac_pj = 0.3", ARRAYS[0]);
    assert_eq!(far(PUBLISHED, &[maestro, &stated]), Some([(0, 0.1), (1, 0.3)]));
    assert_eq!(far("", &[&format!("{}\nmac_pj = 0.6", ARRAYS[0]), ARRAYS[0]]), None);
}

/// ResNet-50 at int8, 7 nm, LPDDR5, as worked out by hand from the same counts with rounded prices.
#[test]
fn resnet_50_has_the_terms_worked_out_by_hand() {
    let model = workload::model("dysta/resnet50", None, Legality::Strict).expect("built in");
    let energy = |accelerator: &str| {
        let text = format!(
            "{{ {accelerator}, technology = {{ name = \"published\", node_nm = 7, dram = \"LPDDR5\" }} }}"
        );
        let Decoded { cost_model, .. } = load::accelerator(&text, load::DEFAULT_CLOCK_HZ, Mode::Corrected)
            .unwrap_or_else(|problem| panic!("{problem}"));
        let mut all = EnergyParts::<f64>::default();
        for layer in &model.layers {
            let of = LayerOf { model: &model.name, layer };
            let one = cost_model.work(of, Condition::Profile).expect("an ordinary layer").energy;
            all.mac += one.mac;
            all.l1 += one.l1;
            all.l2 += one.l2;
            all.dram += one.dram;
            all.static_energy += one.static_energy;
        }
        let parts = [all.mac, all.l1, all.l2, all.dram, all.static_energy, all.total()];
        parts.map(|picojoules| format!("{:.2}", picojoules / 1e9)).join(" ")
    };
    let buffers = "sram_ifmap_bytes = 524288, sram_filter_bytes = 524288, sram_ofmap_bytes = 524288";
    // By hand 0.41, 0.34 and 2.28.
    assert_eq!(
        energy(&format!(
            "model = \"systolic\", dataflow = \"ws\", rows = 64, cols = 64, {buffers}, dram_bandwidth = 51.2"
        )),
        "0.41 0.00 0.33 2.28 1.49 4.51"
    );
    // By hand 3.99 without static power, of which prices of 0.03 and 1.9 for L1 and L2.
    assert_eq!(
        energy(
            "model = \"maestro\", dataflow = \"WS\", pes = 4096, noc_bandwidth = 256, l2_bytes = 2097152, dram_bandwidth = 51.2"
        ),
        "0.41 0.52 1.01 1.99 1.43 5.36"
    );
}

#[test]
fn choices_that_cannot_be_are_told() {
    let one = &[ARRAYS[0]];
    let named = |keys: &str| problems(&format!("technology = {{ name = \"published\"{keys} }}"), one);
    assert_eq!(
        problems("technology = \"publisched\"", one),
        "error: there is no built-in technology `publisched`\n\
         = help: did you mean `published`? (a path ends in .toml)"
    );
    assert_eq!(
        problems("technology = \"published\"", one),
        "error: `technology` names no node of `published`\n\
         = help: add `node_nm`, from 5 to 45: `technology = { name = \"published\", node_nm = ... }`\n\
         error: `technology` names no off-chip memory of `published`\n\
         = help: add `dram`, one of: LPDDR3, LPDDR4, LPDDR4X, LPDDR5, LPDDR5X, DDR3, DDR4, DDR5, GDDR5, GDDR6, HBM2, \
         HBM2E, HBM3, HBM4"
    );
    assert_eq!(
        named(", node_nm = 3, dram = \"LPDR5\", level = \"mid\", precision = \"int9\", port_bits = 128"),
        "error: `published` has no prices at 3 nm\n\
         = help: it has them from 5 to 45 nm; the nearest is 5\n\
         error: `published` has no off-chip memory `LPDR5`\n\
         = help: did you mean `LPDDR5`?\n\
         error: `level` cannot be `mid`\n\
         = help: known: low, typical, high\n\
         error: `published` has no multiply-accumulate `int9`\n\
         = help: known: int8_int32, fp16_fp32, bf16_fp32, fp16_fp16, bf16_bf16, fp32_fp32\n\
         error: there are no ports of 128 bits\n\
         = help: write 64 or 256"
    );
    assert_eq!(
        named(", node_nm = 7, dram = \"LPDDR5\", precision = [\"fp16_fp32\", \"bf16_fp32\"]"),
        "error: two precisions are of operands of one size\n= help: name one for each size"
    );
    assert_eq!(
        problems("technology = { name = \"xrbench\", node_nm = 7 }", one),
        "error: prices of `xrbench` are of no node\n= help: remove `node_nm`"
    );
    assert_eq!(
        problems("technology = 7", one),
        "error: `technology` must be a name or a table\n\
         = help: such as `technology = { name = \"published\", node_nm = 7, dram = \"LPDDR5\" }`"
    );
    let fission = format!("{}\nbus_mm = 2", ARRAYS[2]);
    assert_eq!(
        problems("", &[&fission]),
        "error: no wire has a price here\n= help: state `bus_pj`, or name a `technology`"
    );
}
