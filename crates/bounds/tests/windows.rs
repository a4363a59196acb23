//! Bounds of windows whose answers are known by hand, and windows that are none.

use std::sync::Arc;

use rtmm_bounds::{Bounds, Limits, Window, WindowError, bound};
use rtmm_hardware::Energy;
use rtmm_workload::Time;

use crate::build::{accelerators, behind, chain, cost, job, layer, window};

#[track_caller]
fn check(window: &Window, late: u64) -> Bounds {
    let bounds = bound(window, &Limits::default(), &|| false);
    assert_eq!((bounds.late_lower, bounds.late_upper), (late, late));
    bounds
}

#[test]
fn a_window_without_jobs_is_certified() {
    let bounds = check(&window(2, Vec::new()), 0);
    assert_eq!((bounds.energy_lower, bounds.energy_upper), (Energy::ZERO, Energy::ZERO));
}

#[test]
fn layers_go_where_they_are_fast() {
    // Each job is 4 long, 2 on either accelerator; three fit into 8, a fourth does not.
    let of = || chain(0, vec![layer(&[2, 9]), layer(&[9, 2])]);
    check(&window(2, (0..3).map(|_| job(0, 8, of())).collect()), 0);
    check(&window(2, (0..4).map(|_| job(0, 8, of())).collect()), 1);
}

#[test]
fn what_cannot_be_in_time_is_late() {
    let slow = || chain(0, vec![layer(&[10, 12])]);
    check(&window(2, vec![job(0, 9, slow()), job(0, 10, slow())]), 1);
}

#[test]
fn weights_choose_what_is_late() {
    let of = || chain(0, vec![layer(&[5])]);
    let mut jobs: Vec<_> = (0..3).map(|_| job(0, 5, of())).collect();
    jobs[1].weight = 7;
    let bounds = check(&window(1, jobs), 2);
    assert_eq!(bounds.schedule.blocks.iter().map(|block| block.job.index()).collect::<Vec<_>>(), [1]);
}

#[test]
fn what_is_needed_is_in_time_for_what_needs_it() {
    // The second has from 6 to 10, so that the first, due at 9, must be over by 6; a third takes that time.
    let first = job(0, 9, chain(0, vec![layer(&[6])]));
    let second = behind(job(0, 10, chain(1, vec![layer(&[4])])), &[0]);
    check(&window(1, vec![first.clone(), second.clone()]), 0);
    let third = job(0, 6, chain(2, vec![layer(&[1])]));
    check(&window(1, vec![first, second, third]), 1);
}

#[test]
fn a_late_job_can_be_needed() {
    // The first cannot be in time; the second can.
    let first = job(0, 3, chain(0, vec![layer(&[5])]));
    let second = behind(job(0, 20, chain(1, vec![layer(&[4])])), &[0]);
    let bounds = bound(&window(1, vec![first, second]), &Limits::default(), &|| false);
    assert_eq!(bounds.late_lower, 1);
}

#[test]
fn alternatives_are_taken() {
    let large = chain(0, vec![layer(&[9])]);
    let small = chain(1, vec![layer(&[4])]);
    let mut jobs: Vec<_> = (0..2).map(|_| job(0, 10, Arc::clone(&large))).collect();
    check(&window(1, jobs.clone()), 1);
    jobs.iter_mut().for_each(|job| job.chains.push(Arc::clone(&small)));
    check(&window(1, jobs), 0);
}

#[test]
fn energy_is_paid_for_time() {
    // Cheap and slow, or dear and fast: of two jobs in 10 one can be cheap.
    let choice = || {
        let layer = rtmm_bounds::Layer { on: vec![cost(6, 100), cost(4, 300)] };
        chain(0, vec![layer])
    };
    let bounds = check(&window(2, vec![job(0, 10, choice()), job(0, 10, choice())]), 0);
    assert!(bounds.energy_lower > Energy::from_femtojoules(200), "{:?}", bounds.energy_lower);
    assert!(bounds.energy_lower <= Energy::from_femtojoules(400));
}

#[test]
fn a_job_without_a_deadline_is_never_late_and_costs_its_energy() {
    let mut endless = job(0, 1, chain(0, vec![layer(&[50])]));
    endless.deadline = Time::MAX;
    let bounds = check(&window(1, vec![endless, job(0, 5, chain(1, vec![layer(&[5])]))]), 0);
    assert_eq!(bounds.energy_upper, Energy::from_femtojoules(55));
}

#[test]
fn what_is_no_window_is_refused() {
    let of = |layers| vec![job(0, 9, chain(0, layers))];
    let refused = |accelerators_, jobs| Window::new(accelerators(accelerators_), jobs).unwrap_err();
    assert!(matches!(refused(0, Vec::new()), WindowError::Count { count: 0, .. }));
    assert!(matches!(
        refused(2, of(vec![layer(&[1])])),
        WindowError::Costs { stated: 1, accelerators: 2, .. }
    ));
    let nowhere = rtmm_bounds::Layer { on: vec![None] };
    assert!(matches!(refused(1, of(vec![layer(&[1]), nowhere])), WindowError::Nowhere { layer: 1, .. }));
    let own = behind(job(0, 9, chain(0, vec![layer(&[1])])), &[0]);
    assert!(matches!(refused(1, vec![own]), WindowError::Order { needed: 0, .. }));
    assert!(matches!(refused(1, of(vec![layer(&[1 << 61]), layer(&[1 << 61])])), WindowError::TooLong));
    let mut without = job(0, 9, chain(0, Vec::new()));
    without.chains.clear();
    assert!(matches!(refused(1, vec![without]), WindowError::Count { count: 0, .. }));
}
