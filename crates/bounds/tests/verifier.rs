//! The check of schedules refuses each rule that is broken, and nothing else.

use rtmm_bounds::{Accelerator, Block, Fault, JobIndex, Schedule, Window, verify};
use rtmm_hardware::{AcceleratorId, Energy};
use rtmm_workload::Duration;

use crate::build::{accelerators, at, behind, chain, cost, job, layer, window};

fn block(job: usize, layers: (usize, usize), on: usize, start: u64) -> Block {
    Block {
        job: JobIndex::new(job),
        chain: 0,
        first: layers.0,
        behind: layers.1,
        on: AcceleratorId::new(on),
        start: at(start),
    }
}

/// Two jobs of two layers; the second needs the first. Layer 1 runs on the second accelerator only.
fn two_jobs() -> Window {
    let mut only = layer(&[9, 3]);
    only.on[0] = None;
    let chain = chain(0, vec![layer(&[2, 4]), only]);
    let first = job(1, 6, std::sync::Arc::clone(&chain));
    window(2, vec![first, behind(job(1, 12, chain), &[0])])
}

fn check(blocks: Vec<Block>) -> Result<(u64, Energy), Fault> {
    verify(&two_jobs(), &Schedule { blocks }).map(|verified| (verified.late, verified.energy))
}

#[test]
fn a_job_that_ends_at_its_deadline_is_in_time() {
    let first = [block(0, (0, 1), 0, 1), block(0, (1, 2), 1, 3)];
    let second = [block(1, (0, 1), 0, 6), block(1, (1, 2), 1, 8)];
    let energy = Energy::from_femtojoules(10);
    assert_eq!(check([first, second].concat()), Ok((0, energy)));
    let one_later = [block(1, (0, 1), 0, 6), block(1, (1, 2), 1, 10)];
    assert_eq!(check([first, one_later].concat()), Ok((1, energy)));
    // What is left out is late.
    assert_eq!(check(first.to_vec()), Ok((1, Energy::from_femtojoules(5))));
    assert_eq!(check(Vec::new()), Ok((2, Energy::ZERO)));
}

#[test]
fn broken_rules_are_named() {
    let first = [block(0, (0, 1), 0, 1), block(0, (1, 2), 1, 3)];
    let with = |more: &[Block]| check([&first[..], more].concat());
    assert_eq!(check(vec![block(0, (0, 1), 0, 0), first[1]]), Err(Fault::TooEarly { job: 0 }));
    assert_eq!(check(vec![first[0], block(0, (1, 2), 1, 2)]), Err(Fault::TooEarly { job: 0 }));
    assert_eq!(check(vec![first[0]]), Err(Fault::Layers { job: 0 }));
    assert_eq!(check(vec![first[0], first[0], first[1]]), Err(Fault::Layers { job: 0 }));
    assert_eq!(check(vec![first[0], block(0, (1, 2), 0, 3)]), Err(Fault::Unsupported { job: 0, layer: 1 }));
    assert_eq!(check(vec![first[0], block(0, (1, 3), 1, 3)]), Err(Fault::Unknown { job: 0 }));
    assert_eq!(check(vec![block(2, (0, 1), 0, 1)]), Err(Fault::Unknown { job: 2 }));
    assert_eq!(check(vec![block(0, (0, 1), 2, 1)]), Err(Fault::Unknown { job: 0 }));
    // Before what it needs is complete, and beside it.
    let early = [block(1, (0, 1), 0, 5), block(1, (1, 2), 1, 8)];
    assert_eq!(with(&early), Err(Fault::TooEarly { job: 1 }));
    // Without what it needs.
    let alone = [block(1, (0, 1), 0, 6), block(1, (1, 2), 1, 8)];
    assert_eq!(check(alone.to_vec()), Err(Fault::TooEarly { job: 1 }));
}

#[test]
fn blocks_have_room_and_switches_too() {
    let layers = |time| vec![layer(&[time])];
    let jobs = vec![job(0, 20, chain(0, layers(4))), job(0, 20, chain(1, layers(4)))];
    let pair = |start| Schedule { blocks: vec![block(0, (0, 1), 0, 0), block(1, (0, 1), 0, start)] };
    let plain = window(1, jobs.clone());
    assert_eq!(verify(&plain, &pair(3)), Err(Fault::NoRoom { job: 1 }));
    assert!(verify(&plain, &pair(4)).is_ok());
    // A switch of 2, and what moves: 3 to leave the first, 1 to enter the second.
    let mut slow = accelerators(1);
    slow[0] = Accelerator { switch: Duration::from_picoseconds(2), ..slow[0].clone() };
    let moved = |enter, leave| {
        let mut cost = cost(4, 4).expect("a cost");
        (cost.enter, cost.leave) = (Duration::from_picoseconds(enter), Duration::from_picoseconds(leave));
        vec![rtmm_bounds::Layer { on: vec![Some(cost)] }]
    };
    let of = |network| {
        let jobs = vec![job(0, 20, chain(0, moved(9, 3))), job(0, 20, chain(network, moved(1, 9)))];
        Window::new(slow.clone(), jobs).expect("a window")
    };
    assert_eq!(verify(&of(1), &pair(9)), Err(Fault::NoRoom { job: 1 }));
    assert!(verify(&of(1), &pair(10)).is_ok());
    // One network has none.
    assert!(verify(&of(0), &pair(4)).is_ok());
}
