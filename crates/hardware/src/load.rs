//! Reading platforms and accelerators. Files are opened through [`rtmm_workload::load`].

use std::collections::BTreeMap;

use rtmm_workload::input::{At, Diagnostic, Diagnostics, Document, Source, Table, Value};
use rtmm_workload::load::{Kind, name_of, open};

use crate::calibration::{Calibrated, Coefficients};
use crate::co_location_file::decode_co_location;
use crate::contention::{Bandwidth, Share, Shares};
use crate::cost_model::Decoded;
use crate::decode::{Mode, Surroundings};
use crate::division_file::{Parts, decode_division, decode_energy_pj, decode_time};
use crate::ids::ConfigurationId;
use crate::memory_file::{
    MAX_MOVE_PICOJOULES, decode_bandwidth, decode_dram_shares, decode_shared_cache, decode_shared_dram,
};
use crate::platform::{
    Accelerator, AcceleratorKind, ActivationMoves, Configuration, ContextSwitch, MAX_BATCH, Platform,
    SharedDram,
};
use crate::platform_choice::{COSTS_LABEL, Chosen, split_choice, stated_mode, told_of_choices, word_of};
use crate::power::PlatformPower;
use crate::power_file::{
    HERTZ, check_classes, decode_accelerator_power, decode_clock, decode_platform_power,
};
use crate::registry::{CostModelRegistry, CostModelRow};
use crate::restricted::{Listed, Restricted};
use crate::technology::{Price, Prices, decode_technology, refuse_unused_precisions};
use crate::transfers_file::decode_transfers;

/// The clock where a file states none: 1 GHz, that of the XRBench artifact.
pub const DEFAULT_CLOCK_HZ: u64 = 1_000_000_000;

/// Keys of an accelerator of a platform beside the keys of its cost model.
const KEYS: [&str; 13] = [
    "model",
    "name",
    "kind",
    "clock_mhz",
    "operators",
    "precisions",
    "dram_share",
    "context_switch",
    "division",
    "max_batch",
    "power",
    "calibration",
    "co_location",
];
/// Keys of an accelerator without a platform. Its name is for people; memory that it shares with
/// no other and models that it never changes have no meaning. The technology is otherwise the platform's.
const KEYS_ALONE: [&str; 6] = ["model", "name", "operators", "precisions", "calibration", "technology"];

/// Reads and checks a platform of built-in cost models, by its built-in name or by a path.
///
/// A reference may end in `@low`, `@typical` or `@high`: the platform at that level of the technology that it names; or in
/// `@reference` or `@corrected`: the platform with the costs of published tools or with corrected ones, as `mode` in its file
/// says.
///
/// # Errors
/// Every problem of the file.
pub fn platform(reference: &str, from: Option<&Source>, mode: Mode) -> Result<Platform, Diagnostics> {
    platform_with(CostModelRegistry::built_in(), reference, from, mode)
}

/// Reads and checks a platform of the cost models of a registry, by its built-in name or by a path.
///
/// # Errors
/// Every problem of the file.
pub fn platform_with(
    cost_models: &CostModelRegistry,
    reference: &str,
    from: Option<&Source>,
    mode: Mode,
) -> Result<Platform, Diagnostics> {
    let (_, chosen) = split_choice(reference);
    let source = open_platform(reference, from)?;
    decode_source(cost_models, &source, mode, chosen)
}

/// The reference of a platform without the choice that it ends in, such as `@low` or `@reference`, and the word of the choice.
#[must_use]
pub fn choice_of(reference: &str) -> (&str, Option<&'static str>) {
    let (platform, chosen) = split_choice(reference);
    (platform, chosen.map(Chosen::word))
}

/// The file of a platform, by its built-in name or by a path, whatever choice the reference ends in.
///
/// # Errors
/// A problem that says what there is instead.
pub fn open_platform(reference: &str, from: Option<&Source>) -> Result<Source, Diagnostic> {
    let (file, _) = split_choice(reference);
    open(Kind::Platform, file, from).map_err(|problem| told_of_choices(file, problem))
}

/// Checks a platform of built-in cost models that was read already.
///
/// # Errors
/// Every problem of the file.
pub fn platform_of(source: &Source, mode: Mode) -> Result<Platform, Diagnostics> {
    platform_of_with(CostModelRegistry::built_in(), source, mode)
}

/// Checks a platform of the cost models of a registry that was read already.
///
/// # Errors
/// Every problem of the file.
pub fn platform_of_with(
    cost_models: &CostModelRegistry,
    source: &Source,
    mode: Mode,
) -> Result<Platform, Diagnostics> {
    decode_source(cost_models, source, mode, None)
}

fn decode_source(
    cost_models: &CostModelRegistry,
    source: &Source,
    mode: Mode,
    chosen: Option<Chosen>,
) -> Result<Platform, Diagnostics> {
    let document = Document::parse(source);
    let mut name = name_of(Kind::Platform, source);
    if let Some(chosen) = chosen {
        name.push_str(&format!("@{}", chosen.word()));
    }
    let platform = decode_platform(cost_models, &name, &document, mode, chosen);
    document.finish(platform)
}

/// Reads one accelerator of a built-in cost model from an inline TOML table, such as
/// `{ model = "maestro", dataflow = "WS", pes = 4096, noc_bandwidth = 256 }`.
///
/// # Errors
/// Every problem of the text, with its place in it.
pub fn accelerator(text: &str, clock_hz: u64, mode: Mode) -> Result<Decoded, Diagnostics> {
    accelerator_with(CostModelRegistry::built_in(), text, clock_hz, mode)
}

/// Reads one accelerator of a registry's cost model from an inline TOML table.
///
/// # Errors
/// Every problem of the text, with its place in it.
pub fn accelerator_with(
    cost_models: &CostModelRegistry,
    text: &str,
    clock_hz: u64,
    mode: Mode,
) -> Result<Decoded, Diagnostics> {
    let source = Source::new("--accelerator", format!("accelerator = {text}"));
    let document = Document::parse(&source);
    let root = document.root().named("this accelerator");
    root.only(&["accelerator"]);
    let decoded = root.required("accelerator", Value::table).and_then(|table| {
        let prices = table.optional("technology", |value| decode_technology(value, None));
        let surroundings = Surroundings::new(clock_hz, mode).with(prices.clone());
        let decoded = decode_cost_model(cost_models, &table, &KEYS_ALONE, &surroundings)?;
        if let Some(prices) = prices {
            refuse_unused_precisions(&table, &prices, &decoded.1.cost_model.prices());
        }
        Some(decoded)
    });
    document.finish(decoded.map(|(_, decoded)| decoded))
}

fn decode_platform(
    cost_models: &CostModelRegistry,
    name: &str,
    document: &Document<'_>,
    mode: Mode,
    chosen: Option<Chosen>,
) -> Option<Platform> {
    let level = chosen.and_then(Chosen::level);
    let root = document.root().named("this platform");
    root.only(&[
        "source",
        "description",
        "labels",
        "clock_mhz",
        "mode",
        "technology",
        "shared_dram",
        "shared_cache",
        "context_switch",
        "transfers",
        "power",
        "accelerator",
    ]);
    let source = root.required("source", Value::string);
    let _description = root.optional("description", Value::string);
    let mut labels = root.optional("labels", decode_labels).unwrap_or_default();
    let clock_hz = root.or("clock_mhz", DEFAULT_CLOCK_HZ, |value| value.millionths(HERTZ));
    let technology = root.optional("technology", |value| decode_technology(value, level));
    if let Some(level) = level.filter(|_| !root.has("technology")) {
        let message = format!("this platform names no technology that has a level `{}`", level.name());
        root.report(root.problem(message).help("add `technology = ...`, or leave the level out of its name"));
    }
    if let Some(prices) = &technology {
        labels.entry("technology_level".to_owned()).or_insert_with(|| prices.level().name().to_owned());
    }
    let stated = stated_mode(&root, chosen);
    if let Some(mode) = stated {
        labels.entry(COSTS_LABEL.to_owned()).or_insert_with(|| word_of(mode).to_owned());
    }
    let asks_for_reference = stated == Some(Mode::Reference);
    // A command that repeats a published tool has its costs already, without rules for what it lacks.
    let completed = asks_for_reference && mode == Mode::Corrected;
    let mode = if asks_for_reference { Mode::Reference } else { mode };
    let surroundings =
        Surroundings { completed, ..Surroundings::new(clock_hz, mode).with(technology.clone()) };
    let prices = surroundings.prices.as_deref();
    let shared_dram = root.optional("shared_dram", |value| decode_shared_dram(value, clock_hz));
    let shared_cache = root.optional("shared_cache", |value| decode_shared_cache(value, clock_hz));
    let context_switch = root.or("context_switch", ContextSwitch::default(), |value| {
        decode_context_switch(value, ContextSwitch::default(), clock_hz, prices)
    });
    let power = root.or("power", PlatformPower::default(), decode_platform_power);
    let mut accelerators: Vec<Accelerator> = Vec::new();
    let mut configurations: Vec<Configuration> = Vec::new();
    let tables = root.tables("accelerator", "an accelerator");
    if tables.is_empty() && !document.has_problems() {
        root.report(
            root.problem("the platform has no accelerators").help("add at least one [[accelerator]] table"),
        );
    }
    // Shares of a memory that could not be read are judged once it can be.
    let shares = match shared_dram {
        None if root.has("shared_dram") => vec![Share::WHOLE; tables.len()],
        _ => decode_dram_shares(&tables, shared_dram),
    };
    let shared_dram = shared_dram.map(|of| of.dram);
    for (table, dram_share) in tables.iter().zip(shares) {
        let states = table.optional("power", decode_accelerator_power);
        let clock_hz = decode_clock(table, states.as_ref(), clock_hz);
        let mut context_switch = table.or("context_switch", context_switch, |value| {
            decode_context_switch(value, context_switch, clock_hz, prices)
        });
        context_switch.activations = context_switch.activations.filter(|moves| !moves.is_free());
        let name = table.required("name", |value| value.at(|value| value.string().map(str::to_owned)));
        let kind = decode_kind(table);
        // What leaks is in the static power of power states that state it.
        let of_accelerator = Surroundings { clock_hz, ..surroundings.clone() };
        let of_accelerator = match states_static_power(table) {
            true => of_accelerator.without_leakage(),
            false => of_accelerator,
        };
        let decode = |table: &Table<'_>, own: &[&str]| {
            let (row, Decoded { label, cost_model }) =
                decode_cost_model(cost_models, table, own, &of_accelerator)?;
            Some(Configuration { label, cost_model: cost_model.into(), row_identity: row.identity.clone() })
        };
        let (Some(At { value: name, range }), Some(whole)) = (name, decode(table, &KEYS)) else { continue };
        if accelerators.iter().any(|known| known.name == name) {
            root.report(
                root.problem_at(&range, format!("there are two accelerators named `{name}`"))
                    .help("give every accelerator a name of its own"),
            );
        }
        let configuration = configuration_of(&mut configurations, whole.clone());
        let division = table.optional("division", |value| {
            let parts = Parts {
                whole: &whole,
                decode: |part: Table<'_>, own: &[&str]| decode(&part.over(table), own),
                add: |configuration| configuration_of(&mut configurations, configuration),
            };
            decode_division(&value.table()?, parts)
        });
        let max_batch = table.or("max_batch", 1, |value| value.integer(1..=MAX_BATCH));
        let co_location = table.optional("co_location", |value| {
            if division.is_none() && !table.has("division") {
                let help = "add `division = { units = 2, ... }`: the runs that are at once hold units of it";
                return value
                    .reject("one run at a time is beside no other: the accelerator has no `division`", help);
            }
            decode_co_location(value)
        });
        let accelerator = Accelerator {
            name,
            kind,
            clock_hz,
            configuration,
            dram_share,
            context_switch,
            division,
            max_batch,
            power: states,
            co_location,
        };
        check_classes(table, &accelerator, &power);
        if let Some(SharedDram { bandwidth, sharing }) = shared_dram
            && sharing.shares() == Shares::Parts
            && accelerator.division.is_some()
            && let Some((units, _)) = accelerator.configurations().next()
            && bandwidth.part(accelerator.share_of(units)) == Bandwidth::ZERO
        {
            let message = format!("the share of DRAM of {units} units of this accelerator is nothing");
            table.report(table.problem(message).help("raise `dram_share`, or state parts of more units"));
        }
        accelerators.push(accelerator);
    }
    tables.iter().for_each(|table| refuse_kind_of_name(table, &accelerators));
    if let (Some(prices), true) = (&technology, accelerators.len() == tables.len()) {
        let priced = configurations.iter().flat_map(|configuration| configuration.cost_model.prices());
        refuse_unused_precisions(&root, prices, &priced.collect::<Vec<Price>>());
    }
    let names: Vec<String> = accelerators.iter().map(|accelerator| accelerator.name.clone()).collect();
    // Names of accelerators that could not be read would be missed.
    let transfers = root
        .get("transfers")
        .filter(|_| names.len() == tables.len())
        .and_then(|value| decode_transfers(&value.table()?, &names, shared_dram, clock_hz, prices));
    Some(Platform {
        name: name.to_owned(),
        source: source?.to_owned(),
        labels,
        clock_hz,
        technology,
        accelerators,
        configurations,
        shared_dram,
        shared_cache,
        transfers,
        power,
    })
}

/// True if an operating point of an accelerator states its static power.
fn states_static_power(table: &Table<'_>) -> bool {
    let points = || {
        let power = table.get("power").filter(Value::is_table)?.table()?;
        power.get("points").filter(|points| points.is_array() && !points.is_empty_array())?.items()
    };
    let states =
        |point: &Value<'_>| point.is_table() && point.table().is_some_and(|point| point.has("static_mw"));
    points().is_some_and(|points| points.iter().any(states))
}

/// The position of a configuration; accelerators that are alike have one in common.
fn configuration_of(configurations: &mut Vec<Configuration>, decoded: Configuration) -> ConfigurationId {
    let identity = decoded.identity();
    let known = configurations.iter().position(|known| known.identity() == identity);
    ConfigurationId::new(known.unwrap_or_else(|| {
        configurations.push(decoded);
        configurations.len() - 1
    }))
}

/// A cost may be zero, unlike the durations of a workload: that is how an accelerator says that it
/// pays nothing where the platform says that others do.
fn decode_context_switch(
    value: &Value<'_>,
    default: ContextSwitch,
    clock_hz: u64,
    prices: Option<&Prices>,
) -> Option<ContextSwitch> {
    let table = value.table()?;
    table.only(&["time", "energy_nj", "activations"]);
    let time = table.or("time", default.time, decode_time);
    let energy_pj = table.or("energy_nj", default.energy_pj, decode_energy_pj);
    let activations = table.or("activations", default.activations, |value| {
        decode_activations(value, default.activations, clock_hz, prices).map(Some)
    });
    Some(ContextSwitch { time, energy_pj, activations })
}

/// Elements of no bytes move nothing: an accelerator says so where the platform says that others do.
///
/// A byte that moves takes the energy that the platform or the accelerator states, or else that of the technology's off-chip
/// memory.
fn decode_activations(
    value: &Value<'_>,
    stated: Option<ActivationMoves>,
    clock_hz: u64,
    prices: Option<&Prices>,
) -> Option<ActivationMoves> {
    let default = stated.unwrap_or_default();
    let table = value.table()?;
    table.only(&["pj_per_byte", "element_bytes", "bandwidth"]);
    let pj_per_byte =
        table.optional("pj_per_byte", |value| value.number(0.0..=MAX_MOVE_PICOJOULES).map(f64::abs));
    let element_bytes = table.or("element_bytes", default.element_bytes, |value| value.integer(0..=64_u64));
    let drawn = prices.filter(|_| stated.is_none()).map(|prices| prices.dram_byte(element_bytes));
    let pj_per_byte = pj_per_byte.or(drawn).unwrap_or(default.pj_per_byte);
    let bandwidth = table.or("bandwidth", default.bandwidth, |value| decode_bandwidth(value, clock_hz));
    Some(ActivationMoves { pj_per_byte, element_bytes, bandwidth })
}

fn decode_labels(value: &Value<'_>) -> Option<BTreeMap<String, String>> {
    let table = value.table()?;
    let label = |key: &str| Some((key.to_owned(), table.required(key, Value::string)?.to_owned()));
    table.keys().map(|key| label(key.value)).collect()
}

/// Reports a kind that is the name of another accelerator: tasks are pinned by either.
fn refuse_kind_of_name(table: &Table<'_>, accelerators: &[Accelerator]) {
    let Some(kind) = table.get("kind").filter(Value::is_string) else { return };
    let own = table.get("name").filter(Value::is_string).and_then(|name| name.string());
    let Some(word) = kind.string().filter(|word| own != Some(*word)) else { return };
    if accelerators.iter().any(|other| other.name == word) {
        kind.reject::<()>(
            format!(
                "the kind `{word}` is the name of another accelerator: tasks are pinned by names and kinds"
            ),
            "give the kind, or the accelerator, a name of its own",
        );
    }
}

/// The kind of an accelerator: stated, or the name of its cost model, which is checked elsewhere.
fn decode_kind(table: &Table<'_>) -> AcceleratorKind {
    if let Some(word) = table.optional("kind", Value::string) {
        return AcceleratorKind { word: word.to_owned(), is_stated: true };
    }
    let model = table.get("model").filter(Value::is_string).and_then(|value| value.string());
    AcceleratorKind { word: model.unwrap_or_default().to_owned(), is_stated: false }
}

/// Reads the cost model, with the row that it is of; `own` are the keys of the table that are not the cost model's.
fn decode_cost_model<'r>(
    cost_models: &'r CostModelRegistry,
    table: &Table<'_>,
    own: &[&str],
    surroundings: &Surroundings,
) -> Option<(&'r CostModelRow, Decoded)> {
    let row = table.required("model", |value| {
        cost_models
            .find(value.string()?)
            .map_or_else(|unknown| value.reject(unknown.to_string(), unknown.help()), Some)
    })?;
    let mut known = own.to_vec();
    known.extend(row.parameters.names());
    table.only(&known);
    let calibration = table.optional("calibration", Coefficients::decode);
    let listed = Listed::decode(table);
    let mut decoded = row.decode(table, surroundings.clone())?;
    if let Some(coefficients) = calibration {
        decoded = Calibrated::decoded(decoded, coefficients);
    }
    if let Some(listed) = listed {
        decoded = Restricted::decoded(decoded, listed);
    }
    Some((row, decoded))
}
