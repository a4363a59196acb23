//! Registered runners keep their side of the contract with sweeps.

#[test]
fn no_runner_has_a_fault_in_its_tables() {
    for runner in rtmm_runners::RUNNERS {
        assert_eq!(rtmm_sweep::runner::faults(*runner), Vec::<String>::new(), "{}", runner.name());
    }
}
