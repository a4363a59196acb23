//! Registered runners keep their side of the contract with sweeps.

#[test]
fn no_runner_has_a_fault_in_its_tables() {
    for runner in rtmm_runners::Runners::built_in().list() {
        let spec = runner.spec();
        assert_eq!(spec.faults(), Vec::<String>::new(), "{}", spec.name);
    }
}
