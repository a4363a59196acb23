//! What holds for every registered policy, whatever its settings and the system.
//!
//! Policies, their own parameters and their capabilities are taken from the registry: a new policy is held
//! to all of this without a line here. Systems are generated; a message of a failure contains the system
//! as a text that `by_hand` reads.

#![expect(clippy::expect_used, reason = "tests fail by panicking")]

use rtmm_hardware::{MaxMinFair, Mode};
use rtmm_scheduler::{Decision, Parameters, Policy, PolicyRegistry, PolicyRow};
use rtmm_sim::execution::{Exclusive, Execution, Shared};
use rtmm_sim::metrics::{JobRow, JobRows, JobStatus};
use rtmm_sim::{EndOfRun, RunOptions, Simulation, System};
use rtmm_testkit::by_hand::watch::{Line, Watch, part_at_a_decision, watch, watch_policy};
use rtmm_testkit::by_hand::{ByHand, Log, ms, policy};
use rtmm_testkit::simulate;
use rtmm_workload::parameters::{Allowed, ParameterValue};
use rtmm_workload::random::{Draws, Stream};
use rtmm_workload::{Duration, Legality, Time};

/// Every two words of two parts meet in one of the settings: an orthogonal array of five by five rows.
const PARTS: [(&str, &[&str]); 4] = [
    ("granularity", &["layer", "block", "model"]),
    ("drop", &["never", "late", "infeasible", "smart"]),
    ("preemption", &["never", "layer", "quantum"]),
    ("placement", &["fastest-idle", "first-idle", "least-energy", "fastest", "assigned"]),
];

/// Settings of a policy: its defaults, and all pairs of words of the parts that it has. Words of its own
/// parameters take turns.
fn settings(row: &PolicyRow) -> Vec<Parameters> {
    let mut all = vec![row.defaults()];
    for index in 0..25 {
        let (one, other) = (index % 5, index / 5);
        let words = [one, (one + other) % 5, (one + 2 * other) % 5, other];
        let mut parameters = row.defaults();
        let mut set = |name: &str, text: &str| {
            if row.parameters.iter().any(|parameter| parameter.name == name) {
                parameters.set_text(name, text).expect("a word of the parameter");
            }
        };
        for ((name, of_part), word) in PARTS.iter().zip(words) {
            set(name, of_part[word % of_part.len()]);
        }
        set("block_layers", "2");
        if index % 6 == 1 {
            set("decision_base", "50us");
            set("decision_per_job", "25us");
        }
        for parameter in row.parameters.iter().filter(|of| PARTS.iter().all(|(name, _)| *name != of.name)) {
            match &parameter.allowed {
                Allowed::Choice(words) => set(&parameter.name, &words[index % words.len()]),
                Allowed::Boolean => set(&parameter.name, if index % 2 == 0 { "false" } else { "true" }),
                // Windows so short that a search comes to its end in a run.
                Allowed::Duration(..) if parameter.name == "search_window" => set(&parameter.name, "2ms"),
                Allowed::Real(..)
                | Allowed::Integer(..)
                | Allowed::Decimal(..)
                | Allowed::Duration(..)
                | Allowed::Written(_) => {}
            }
        }
        if !all.contains(&parameters) {
            all.push(parameters);
        }
    }
    all
}

/// Draws of one system.
struct Dice {
    draws: Draws,
    system: u64,
    thrown: u64,
}

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.thrown += 1;
        self.draws.below(self.system, self.thrown, bound)
    }

    /// Once in so many times.
    fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}

/// What layers take on each accelerator.
fn cells(dice: &mut Dice, layers: u64, accelerators: u64, is_shared: bool) -> String {
    let mut text = String::new();
    for _ in 0..layers {
        let latencies: Vec<String> =
            (0..accelerators).map(|_| format!("{}.5", dice.below(2 + accelerators))).collect();
        let traffic = if is_shared { format!("~{}", dice.below(2)) } else { String::new() };
        text += &format!(" {}{traffic}", latencies.join(&format!("{traffic}/")));
    }
    text
}

/// What is drawn in a system.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Drawn {
    Everything,
    /// What inferences skip and where they end.
    Paths,
    /// Which recorded samples they are.
    Samples,
    /// Both.
    Inferences,
    /// What layers take.
    Times,
}

/// A system of up to four tasks on up to three accelerators.
fn generated(system: u64, drawn: Drawn) -> String {
    let is_quiet = drawn != Drawn::Everything;
    let has_samples = matches!(drawn, Drawn::Samples | Drawn::Inferences);
    let has_paths = matches!(drawn, Drawn::Paths | Drawn::Inferences);
    let mut dice = Dice { draws: Draws::new(1, Stream::Bootstrap, "systems"), system, thrown: 0 };
    let accelerators = 1 + dice.below(3);
    let mut text = format!("accelerators {accelerators}; for 40; moves 1");
    if drawn == Drawn::Times {
        text += "; varies 0.5";
    }
    if dice.once_in(3) {
        text += "; switch 0.25";
    }
    if accelerators > 1 && dice.once_in(3) {
        text += &format!("; blind {}", accelerators - 1);
    }
    let is_shared = dice.once_in(3);
    if is_shared {
        text += if dice.once_in(3) { "; dram 1 static" } else { "; dram 1" };
    }
    let tasks = ["a", "b", "c", "d"];
    let count = 2 + dice.below(3) as usize;
    for (index, name) in tasks.iter().enumerate().take(count) {
        let layers = 1 + dice.below(4);
        text += &format!("\ntask {name} layers{}", cells(&mut dice, layers, accelerators, is_shared));
        if has_samples || (!is_quiet && dice.once_in(2)) {
            for _ in 0..2 + dice.below(2) {
                text += &format!(" sample{} zeros", cells(&mut dice, layers, accelerators, is_shared));
                (0..layers).for_each(|_| text += &format!(" {}", dice.below(8) as f64 / 8.0));
            }
            if dice.once_in(2) {
                text += " of net";
            }
        }
        text += &format!(" quanta {} priority {}", 1 + dice.below(4), dice.below(3));
        let other = if index > 0 { tasks[dice.below(index as u64) as usize] } else { "" };
        let kind = if other.is_empty() { 2 } else { dice.below(3) };
        match kind {
            0 if is_quiet => text += &format!(" if {other} 1"),
            0 => text += &format!(" if {other} 0.6"),
            1 => text += &format!(" needs {other}"),
            _ => {}
        }
        if kind == 2 || dice.once_in(3) {
            text += &format!(" every {}", [4, 5, 8, 12][dice.below(4) as usize]);
            if !is_quiet && dice.once_in(4) {
                text += " jitter 2";
            }
        }
        if dice.once_in(2) {
            text += &format!(" due {}", 3 + dice.below(9));
        }
        if layers > 1 && (has_paths || (!is_quiet && dice.once_in(2))) {
            text += &format!(" exit 0 0.3 block 1-{} 0.5", 1 + dice.below(layers - 1));
        }
    }
    if dice.once_in(4) {
        text += "\nphase 20 a every 3";
    }
    text
}

/// The same where accelerators do not run some layers, and tasks are pinned to some accelerators; none on one accelerator.
fn partial(system: u64) -> Option<String> {
    let text = generated(system, Drawn::Everything);
    let accelerators: u64 = text.split(';').next()?.split_whitespace().last()?.parse().ok()?;
    if accelerators < 2 {
        return None;
    }
    let mut lines = text.lines();
    let mut found = lines.next()?.to_owned();
    for (task, line) in lines.enumerate() {
        let draws = Draws::new(4, Stream::Bootstrap, "gaps");
        let draw = |layer: u64, what: u64, below| {
            draws.below(system, 1_000 * task as u64 + 10 * layer + what, below)
        };
        // Pinned to all but one, which is none for every layer.
        let barred = (draw(0, 7, 3) == 0).then(|| draw(0, 8, accelerators));
        let (mut layer, mut is_row, mut words) = (0, false, Vec::new());
        for word in line.split_whitespace() {
            if word.starts_with(|first: char| first.is_ascii_digit()) && is_row {
                let cells: Vec<&str> = word.split('/').collect();
                let home = (0..accelerators).map(|one| (one + draw(layer, 9, accelerators)) % accelerators);
                let home = home.into_iter().find(|one| Some(*one) != barred)?;
                let lacks = |one: &u64| *one != home && draw(layer, *one, 3) == 0;
                let cell =
                    |one: u64| if lacks(&one) { "-" } else { cells[(one as usize).min(cells.len() - 1)] };
                words.push((0..accelerators).map(cell).collect::<Vec<&str>>().join("/"));
                layer += 1;
            } else {
                (is_row, layer) = (word == "layers" || word == "sample", 0);
                words.push(word.to_owned());
            }
        }
        found += &format!("\n{}", words.join(" "));
        if let Some(barred) = barred.filter(|_| line.starts_with("task")) {
            found += &format!(" off {barred}");
        }
    }
    Some(found)
}

fn options(row: &PolicyRow, seed: u64) -> RunOptions {
    RunOptions { seed, end: EndOfRun::Drain, oracle: row.oracle }
}

/// What the runs of a test came to in all, so that it says something.
#[derive(Debug, Default)]
struct Seen {
    dispatches: usize,
    drops: usize,
    preemptions: usize,
    idled: u64,
}

/// Runs a policy again and again in one world: legal, audited, as promised, and always the same.
fn conforms(system: &System, row: &PolicyRow, parameters: &Parameters, text: &str, seen: &mut Seen) {
    let case = || format!("{} {parameters} in {text}", row.name);
    let run = |options: RunOptions, copies: bool| -> Watch {
        watch(system, row, parameters, options, copies).unwrap_or_else(|error| panic!("{error}\n{}", case()))
    };
    let plain = options(row, 7);
    // Contexts are written where the platform says at which bandwidth.
    let writes = |parameters: &Parameters| {
        let word = parameters.get("preemption_mechanism").and_then(ParameterValue::word);
        ["checkpoint", "dynamic"].into_iter().any(|writing| word == Some(writing))
    };
    if writes(parameters) && system.profile.without_context_moves().is_some() {
        assert!(watch(system, row, parameters, plain, false).is_err(), "{}", case());
        return;
    }
    let first = run(plain, false);
    assert_eq!(first.faults, Vec::<String>::new(), "{}", case());
    assert!(run(plain, false) == first, "a second run differs\n{}", case());
    assert!(run(plain, true) == first, "a copy of the policy decides differently\n{}", case());
    if !row.oracle {
        let shown = RunOptions { oracle: true, ..plain };
        assert!(run(shown, false) == first, "a policy that is no oracle uses the truth\n{}", case());
    }
    seen.dispatches += first.count(|line| matches!(line, Line::Dispatch { .. }));
    seen.drops += first.count(|line| matches!(line, Line::Decision(Decision::Drop { .. })));
    seen.preemptions += first.count(|line| matches!(line, Line::Decision(Decision::Preempt { .. })));
    seen.idled += first.idled;
}

#[test]
fn policies_decide_legally_as_they_promise_and_always_the_same() {
    let mut preemptions = 0;
    let mut texts: Vec<String> = (0..32).map(|index| generated(index, Drawn::Everything)).collect();
    texts.extend((0..6).map(|index| format!("varies 0.5\n{}", generated(index, Drawn::Everything))));
    let by_hand: Vec<ByHand> = texts.iter().map(|text| ByHand::parse(text)).collect();
    let systems: Vec<System> = by_hand.iter().map(ByHand::system).collect();
    for row in PolicyRegistry::built_in() {
        let (mut seen, settings) = (Seen::default(), settings(row));
        for (system, text) in systems.iter().zip(&texts) {
            for parameters in &settings {
                conforms(system, row, parameters, text, &mut seen);
            }
        }
        let has = |name: &str| row.parameters.iter().any(|parameter| parameter.name == name);
        assert!(seen.dispatches > 0, "{}: {seen:?}", row.name);
        assert!(seen.drops > 0 || !has("drop"), "{}: {seen:?}", row.name);
        // Of one that goes by release hardly any: whoever comes later stops nobody.
        preemptions += seen.preemptions;
        // Only `placement=fastest` may: it must have, or the check of all others could not fail.
        assert!(seen.idled > 0 || !has("placement"), "{}: {seen:?}", row.name);
    }
    assert!(preemptions > 0);
}

#[test]
fn policies_keep_to_what_accelerators_run_and_nobody_waits_for_ever() {
    let texts: Vec<String> = (0..48).filter_map(partial).collect();
    let systems: Vec<System> = texts.iter().map(|text| ByHand::parse(text).system()).collect();
    assert!(systems.iter().filter(|system| system.profile.is_partial()).count() > 20);
    for row in PolicyRegistry::built_in() {
        let mut seen = Seen::default();
        for parameters in settings(row) {
            for (system, text) in systems.iter().zip(&texts) {
                conforms(system, row, &parameters, text, &mut seen);
                let Ok(whole) = watch(system, row, &parameters, options(row, 7), false) else { continue };
                let in_flight = whole.count(|line| matches!(line, Line::InFlight(_)));
                assert_eq!(in_flight, 0, "{} {parameters} in {text}", row.name);
            }
        }
        assert!(seen.dispatches > 0, "{}: {seen:?}", row.name);
    }
}

#[test]
fn policies_conform_on_built_in_systems() {
    let cases = [
        ("xrbench/ar_gaming", "xrbench/dual_4k_ws_os", 6),
        ("xrbench/vr_gaming", "shared/quad_4k_ws_os_ws_os", 10),
        ("examples/dynamic", "xrbench/dual_4k_ws_os", 40),
    ];
    for (workload, platform, load) in cases {
        let workload =
            rtmm_workload::load::workload(workload, None, Legality::Strict).expect("a built-in workload");
        let mut scenario = workload.scenario.scaled(load * 1_000_000).expect("a period");
        scenario.duration = ms("20");
        let platform =
            rtmm_hardware::load::platform(platform, None, Mode::Corrected).expect("a built-in platform");
        let system = System::new(&scenario, &workload.models, &platform).expect("every layer has a cost");
        for row in PolicyRegistry::built_in() {
            // Real layers have thousands of quanta, and some policies take a turn at each of them.
            let is_coarse =
                |of: &&Parameters| of.get("preemption").and_then(ParameterValue::word) != Some("quantum");
            for parameters in settings(row).iter().filter(is_coarse).step_by(3) {
                conforms(&system, row, parameters, &scenario.name, &mut Seen::default());
            }
        }
    }
}

/// Several tasks that want more than one accelerator has, with recorded samples, so that queues are long.
fn crowded(system: u64) -> String {
    let mut dice = Dice { draws: Draws::new(2, Stream::Bootstrap, "crowds"), system, thrown: 0 };
    let mut text = "for 60; moves 1".to_owned();
    for name in ["a", "b", "c", "d"] {
        let layers = 1 + dice.below(4);
        text += &format!("\ntask {name} layers{}", cells(&mut dice, layers, 1, false));
        for _ in 0..2 {
            text += &format!(" sample{} zeros", cells(&mut dice, layers, 1, false));
            (0..layers).for_each(|_| text += &format!(" {}", dice.below(8) as f64 / 8.0));
        }
        text += &format!(" priority {} every {}", dice.below(10), [2, 3, 5][dice.below(3) as usize]);
        text += &format!(" due {}", 3 + dice.below(30));
    }
    text
}

/// So many tasks that hundreds of jobs wait for three accelerators, or for one.
fn overrun(system: u64) -> String {
    let mut dice = Dice { draws: Draws::new(3, Stream::Bootstrap, "crowds"), system, thrown: 0 };
    let mut text = "for 60; moves 1".to_owned();
    for name in ["a", "b", "c", "d", "e", "f"] {
        let layers = 1 + dice.below(3);
        text += &format!("\ntask {name} layers{}", cells(&mut dice, layers, 1 + 2 * (system % 2), false));
        text +=
            &format!(" priority {} every {} due {}", dice.below(10), 1 + dice.below(2), 1 + dice.below(60));
    }
    text
}

#[test]
fn what_policies_remember_changes_nothing() {
    remembered_or_not((0..24).map(crowded), 2, 100_000);
}

#[test]
fn what_policies_know_of_hundreds_of_jobs_changes_nothing() {
    remembered_or_not((0..6).map(overrun), 5, 50_000);
    // Three accelerators, two of the tasks pinned to some of them.
    let apart = |text: String| {
        let text = text.replacen("task a ", "task a off 0 ", 1).replacen("task c ", "task c on 1 2 ", 1);
        format!("accelerators 3; {text}")
    };
    remembered_or_not([1, 3].into_iter().map(overrun).map(apart), 5, 10_000);
}

/// Holds policies to the same without memory: in these systems, with every `step`th of their settings.
fn remembered_or_not(systems: impl Iterator<Item = String>, step: usize, least_dispatched: usize) {
    let mut dispatched = 0;
    let settings: Vec<_> = PolicyRegistry::built_in().iter().map(|row| (row, settings(row))).collect();
    for text in systems {
        let by_hand = ByHand::parse(&text);
        let system = by_hand.system();
        for (row, parameters) in
            settings.iter().flat_map(|(row, all)| all.iter().step_by(step).map(move |one| (*row, one)))
        {
            let run = |policy: Box<dyn Policy>| {
                watch_policy(&system, (row, parameters), policy, options(row, 7), false)
                    .expect("only legal decisions")
            };
            let policy = row.build(parameters).expect("parameters of this policy");
            let forgetful = run(policy.without_memory().expect("a policy that can be copied"));
            assert!(run(policy) == forgetful, "{} {parameters}\n{text}", row.name);
            dispatched += forgetful.count(|line| matches!(line, Line::Dispatch { .. }));
        }
    }
    assert!(dispatched > least_dispatched, "{dispatched}");
}

fn is_whole_after_a_copy<E: Execution>(
    system: &System,
    row: &PolicyRow,
    parameters: &Parameters,
    execution: &E,
) {
    let start = || {
        let policy = row.build(parameters).expect("parameters of this policy");
        let (execution, log) = (execution.clone(), Log::new(&system.scenario));
        Simulation::new(system, &row.name, policy, execution, log, options(row, 7))
    };
    let whole = start().run().expect("only legal decisions").text();
    let mut paused = start();
    for instant in ["3.3", "11", "20"] {
        paused.run_until(Time::ZERO.saturating_add(ms(instant))).expect("only legal decisions");
        let copy = paused
            .try_clone()
            .expect("a policy that can be copied")
            .run()
            .expect("only legal decisions")
            .text();
        assert_eq!(copy, whole, "{} {parameters}, copied at {instant}", row.name);
    }
    assert_eq!(paused.run().expect("only legal decisions").text(), whole, "{} {parameters}", row.name);
}

#[test]
fn a_copy_of_a_run_goes_on_as_the_run_does() {
    for index in 0..8 {
        let by_hand = ByHand::parse(&generated(index, Drawn::Everything));
        let system = by_hand.system();
        for row in PolicyRegistry::built_in() {
            for parameters in settings(row).iter().step_by(3) {
                match by_hand.platform.shared_dram {
                    None => {
                        is_whole_after_a_copy(
                            &system,
                            row,
                            parameters,
                            &Exclusive::new(by_hand.platform.unit_owners().len()),
                        );
                    }
                    Some(dram) => {
                        let owners = by_hand.platform.unit_owners();
                        let shared = Shared::new(MaxMinFair::new(dram.bandwidth), owners);
                        is_whole_after_a_copy(&system, row, parameters, &shared);
                    }
                }
            }
        }
    }
}

/// Oracles that are told slowdowns alone, and nothing of inferences.
const OF_SLOWDOWNS: [&str; 3] =
    ["abacus-reading-oracle", "deadline-batching-oracle", "strait-reading-oracle"];

#[test]
fn only_oracles_decide_by_what_nobody_observed() {
    for (row, drawn) in PolicyRegistry::built_in().iter().flat_map(|row| {
        let all = [Drawn::Paths, Drawn::Samples, Drawn::Inferences, Drawn::Times];
        all.map(move |drawn| (row, drawn))
    }) {
        let (mut decided, mut observed) = (0, 0);
        let settings = settings(row);
        for index in 0..12 {
            let text = generated(index, drawn);
            let by_hand = ByHand::parse(&text);
            let system = by_hand.system();
            for parameters in &settings {
                let run = |seed| {
                    watch(&system, row, parameters, options(row, seed), false).expect("only legal decisions")
                };
                // Releases are the same under all seeds; what is drawn is not.
                let first = run(0);
                for seed in 1..4 {
                    let other = run(seed);
                    let parts_by_itself = part_at_a_decision(&first, &other);
                    assert!(
                        row.oracle || !parts_by_itself,
                        "{} {parameters} under seeds 0 and {seed}\n{text}",
                        row.name
                    );
                    decided += u32::from(parts_by_itself);
                    observed += u32::from(!parts_by_itself && first != other);
                }
            }
        }
        // The worlds did differ, and an oracle did see it.
        assert!(observed > 0, "{} {drawn:?}", row.name);
        let is_told = row.oracle && !OF_SLOWDOWNS.contains(&row.name.as_ref());
        assert_eq!(decided > 0, is_told, "{} {drawn:?}", row.name);
    }
}

fn rows_of(by_hand: &ByHand, row: &PolicyRow, parameters: &Parameters, end: EndOfRun) -> Vec<JobRow> {
    let system = by_hand.system();
    let mut rows = Vec::new();
    let observer = JobRows::new(|job: &JobRow| rows.push(*job));
    let policy = row.build(parameters).expect("parameters of this policy");
    let options = RunOptions { end, ..options(row, 7) };
    simulate(&system, &row.name, policy, observer, options).expect("only legal decisions");
    rows
}

#[test]
fn nobody_waits_long_under_a_load_that_fits() {
    // A half of the time for `high`, a fifth for `low`. Whoever conserves work on one accelerator is done
    // with all of it 8 after it was last idle: two of `high` and one of `low` are 2 x 2 + 4. Decisions of
    // some settings take time besides, less than 0.1 each, and there are at most eight.
    let by_hand = ByHand::parse(
        "moves 1; for 200; task high every 4 priority 9 layers 1 1 quanta 2; task low every 20 layers 2 2 quanta 2",
    );
    for row in PolicyRegistry::built_in() {
        for parameters in settings(row) {
            let case = format!("{} {parameters}", row.name);
            let promises = row.capabilities(&parameters).expect("parameters of this policy");
            let rows = rows_of(&by_hand, row, &parameters, EndOfRun::Drain);
            assert_eq!(rows.len(), 50 + 10, "{case}");
            for job in rows {
                assert_ne!(job.status, JobStatus::InFlight, "{case}");
                let took = job.end.saturating_since(job.release);
                // On one accelerator none is faster than the other, so that nobody has a reason to idle.
                assert!(promises.idles || took <= ms("8.8"), "{case}: {took}");
            }
        }
    }
}

#[test]
fn starvation_is_where_it_is_not_ruled_out() {
    // `high` alone takes more than all of the time: 2.2 of every 2.
    let by_hand = ByHand::parse(
        "for 400; task high every 2 priority 9 due 3 layers 2.2; task low every 1000 due 50 layers 3 2",
    );
    let low = |row: &PolicyRow, parameters: &Parameters| {
        let rows = rows_of(&by_hand, row, parameters, EndOfRun::Cut);
        *rows.iter().find(|job| job.task.index() == 1).expect("a job of `low`")
    };
    for row in PolicyRegistry::built_in() {
        for parameters in settings(row) {
            if row.capabilities(&parameters).is_ok_and(|promises| promises.starvation_free) {
                let job = low(row, &parameters);
                let took = job.end.saturating_since(job.release);
                let is_over = job.status != JobStatus::InFlight && took <= ms("100");
                assert!(is_over, "{} {parameters}: {job:?}", row.name);
            }
        }
    }
    // The promise says something: others do let it wait to the end.
    for text in [
        "sjf",
        "sjf preemption=quantum",
        "sjf-oracle",
        "sjf-sparse",
        // Who waits is penalised.
        "dysta",
        "dysta-naive",
        "dysta-oracle",
        "dysta-hardware",
        // A job of priority 0 gains no token.
        "prema",
        "prema-sparse",
        "fixed-priority",
        "fixed-priority priority=declared",
        "fixed-priority priority=deadline-monotonic preemption=layer",
        "fixed-priority priority=task-order granularity=model",
        "latency-greedy order=task-order drop=never",
    ] {
        let (row, parameters) = policy(text);
        assert!(row.capabilities(&parameters).is_ok_and(|promises| !promises.starvation_free), "{text}");
        let job = low(row, &parameters);
        assert_eq!((job.status, job.start), (JobStatus::InFlight, None), "{text}");
    }
}

#[test]
fn settings_cover_every_pair_of_words() {
    for row in PolicyRegistry::built_in() {
        let all = settings(row);
        let has = |name: &str, word: &str, parameters: &Parameters| {
            parameters.get(name).and_then(ParameterValue::word) == Some(word)
        };
        let is_part = |(name, _): &(&str, _)| row.parameters.iter().any(|parameter| parameter.name == *name);
        for (one, words) in PARTS.into_iter().filter(is_part) {
            for (other, other_words) in PARTS.into_iter().filter(is_part).filter(|(name, _)| *name > one) {
                for (word, other_word) in
                    words.iter().flat_map(|of| other_words.iter().map(move |to| (of, to)))
                {
                    let meet = |parameters: &Parameters| {
                        has(one, word, parameters) && has(other, other_word, parameters)
                    };
                    assert!(all.iter().any(meet), "{} {one}={word} {other}={other_word}", row.name);
                }
            }
        }
        for parameter in row.parameters.iter() {
            if let Allowed::Choice(words) = &parameter.allowed {
                for word in words.iter() {
                    let is_set = all.iter().any(|parameters| has(&parameter.name, word, parameters));
                    assert!(is_set, "{} {}={word}", row.name, parameter.name);
                }
            }
        }
        let times = all
            .iter()
            .filter_map(|parameters| parameters.get("decision_base").and_then(ParameterValue::duration));
        assert!(times.into_iter().any(|time| time > Duration::ZERO), "{}", row.name);
    }
}
