//! Cells of built-in sweeps keep their identities: stored results are found again.

use rtmm_runners::Runners;
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
