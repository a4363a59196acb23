//! The policies, one file each: where it is from, what differs from there, and its ranking.
//!
//! They are found by name in [`crate::registry`].

pub mod abacus_reading;
pub mod deadline_batching;
pub mod dream;
pub mod dysta;
pub mod dysta_hardware;
pub mod edf;
pub mod fcfs;
pub mod fixed_priority;
pub mod heft;
pub mod horizon;
pub mod latency_greedy;
pub mod least_slack;
pub mod moca;
pub mod planaria;
pub mod prema;
pub mod round_robin;
pub mod sdrm3;
pub mod sjf;
pub mod sjf_oracle;
pub mod strait_reading;
pub mod terastal_reading;
pub mod veltair;

#[cfg(test)]
use crate::{fixture::Fixture, policy::Policy, registry};

/// A policy by its name, with parameters as a text of the form `key=value key=value`.
#[cfg(test)]
#[track_caller]
fn policy(name: &str, settings: &str) -> Box<dyn Policy> {
    let row = registry::policy(name).unwrap();
    let mut parameters = row.defaults();
    for setting in settings.split_whitespace() {
        let (key, value) = setting.split_once('=').unwrap();
        parameters.set_text(key, value).unwrap();
    }
    row.build(&parameters).unwrap()
}

/// Holds what a policy decides in a state to what is expected: [`Fixture::settle`] says how it reads.
#[cfg(test)]
#[track_caller]
pub(crate) fn check(fixture: &Fixture, name: &str, settings: &str, expected: &str) {
    let said = fixture.clone().settle(policy(name, settings).as_mut());
    assert_eq!(said, expected, "{name} {settings}");
}
