//! Cells of built-in sweeps keep their identities: stored results are found again. What a program adds has
//! identities of its own.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::path::Path;

use rtmm_hardware::registry::CostModelRow;
use rtmm_hardware::{CostModelRegistry, load as hardware};
use rtmm_runners::Runners;
use rtmm_runners::engine::Engine;
use rtmm_scheduler::{PolicyRegistry, PolicyRow, Schema};
use rtmm_sweep::plan::CellIdentity;
use rtmm_workload::input::Source;
use rtmm_workload::load::{Kind, built_in_names};

/// A digest a sweep over the identities of all its cells, in the order of the plan. A line that changes means
/// that stores of that sweep are run again: say so in the changelog, or find out why.
#[test]
fn cells_of_built_in_sweeps_keep_their_identities() {
    let runners = Runners::built_in().list();
    let mut table = String::new();
    for name in built_in_names(Kind::Sweep) {
        let plan = rtmm_sweep::file::plan(&name, &runners).unwrap_or_else(|problems| panic!("{problems}"));
        let mut hasher = blake3::Hasher::new();
        for identity in plan.identities() {
            hasher.update(identity.bytes());
        }
        table.push_str(&format!("{name} {} {}\n", plan.len(), hasher.finalize().to_hex()));
    }
    insta::assert_snapshot!(table);
}

/// An engine with the policy `mine`, which does what `edf` does, and the cost model `ours`, an array of
/// `maestro` whatever its table says.
fn engine(policy: &'static [u8], cost_model: &'static [u8]) -> Engine {
    let edf = PolicyRegistry::built_in().get("edf").unwrap().clone();
    let mine = PolicyRow::new("mine", edf.parameters.clone(), move |parameters| edf.build(parameters));
    let array = "{ model = \"maestro\", dataflow = \"WS\", pes = 4096, noc_bandwidth = 256 }";
    let ours = CostModelRow::new("ours", Schema::default(), move |_, surroundings| {
        hardware::accelerator(array, surroundings.clock_hz, surroundings.mode).ok()
    });
    let policies = PolicyRegistry::built_in().with(mine.with_identity(policy)).unwrap();
    Engine::new(policies, CostModelRegistry::built_in().with(ours.with_identity(cost_model)).unwrap())
}

/// Identities of cells on a built-in platform and on one of `ours`.
fn identities<const CELLS: usize>(engine: &Engine, ours: &Path, policies: &[&str]) -> [CellIdentity; CELLS] {
    let mut text = format!(
        "runner = \"engine\"\nscenarios = [\"xrbench/vr_gaming\"]\nseeds = [1]\n\
         platforms = [\"xrbench/single_4k_ws\", '{}']\n",
        ours.display()
    );
    policies.iter().for_each(|name| text.push_str(&format!("[[policy]]\nname = \"{name}\"\n")));
    let plan = rtmm_sweep::file::plan_of(&Source::new("added.toml", text), &[engine]);
    let plan = plan.unwrap_or_else(|problems| panic!("{problems}"));
    plan.identities().try_into().unwrap()
}

#[test]
fn what_a_program_adds_is_told_apart_by_its_bytes() {
    let directory = tempfile::tempdir().unwrap();
    let ours = directory.path().join("ours.toml");
    #[expect(clippy::disallowed_methods, reason = "a test writes its own input")]
    std::fs::write(&ours, "source = \"a test\"\n[[accelerator]]\nname = \"one\"\nmodel = \"ours\"\n")
        .unwrap();
    let of = |policy, cost_model| -> [CellIdentity; 4] {
        identities(&engine(policy, cost_model), &ours, &["edf", "mine"])
    };
    let plain = of(b"", b"");
    let is_same =
        |other: [CellIdentity; 4]| -> [bool; 4] { std::array::from_fn(|cell| plain[cell] == other[cell]) };
    // On the built-in platform under edf and under mine, then on ours.
    assert_eq!(is_same(of(b"2", b"")), [true, false, true, false]);
    assert_eq!(is_same(of(b"", b"2")), [true, true, false, false]);
}
