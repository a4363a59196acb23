//! Summaries of tables of kernels.

use rtmm_interference::kernel_summary::summaries;
use rtmm_interference::{Measurements, load};
use rtmm_workload::input::Source;

/// Totals that another program computed of the same profiles, on a V100 of 80 multiprocessors.
#[test]
fn totals_of_profiles_are_those_of_another_program() {
    let read = load::measurements(&["orion/v100-kernels"]).unwrap();
    let found = summaries(&read.kernels, 80);
    assert_eq!(found.len(), 14);
    for (model, batch, training, launches, total_ms, compute, memory, room) in [
        ("resnet50", 4, false, 175, 6.4984, 0.7648, 0.201, 0.702),
        ("bert", 2, false, 572, 48.6253, 0.842, 0.1164, 0.0667),
        ("mobilenetv2", 32, true, 890, 40.4763, 0.2947, 0.6891, 0.401),
        ("retinanet", 4, false, 991, 286.2471, 0.5878, 0.398, 0.0671),
    ] {
        let key = read.names.find(model).unwrap();
        let is_it = |of: &&rtmm_interference::kernel_summary::KernelSummary| {
            (of.model, of.batch, of.training) == (key, Some(batch), training)
        };
        let of = found.iter().find(is_it).unwrap();
        let near = |found: f64, expected: f64| {
            assert!((found - expected).abs() < 6e-5 * expected.max(1.0), "{model}: {found}, not {expected}");
        };
        assert_eq!(of.launches, launches, "{model}");
        near(of.total_ms, total_ms);
        near(of.bound.unwrap().0, compute);
        near(of.bound.unwrap().1, memory);
        near(of.leaves_room.unwrap(), room);
    }
}

#[test]
fn what_a_table_does_not_state_is_missing() {
    let table = "Total Time (us),Instances,Name\n300,3,a\n100,1,b\n";
    let one_by_one =
        "model,batch,mode,bound,sm_needed,duration_ns\nm,2,inference,1,10,100\nm,2,inference,0,40,300\n";
    let sources = [Source::new("net.csv", table), Source::new("k.csv", one_by_one)];
    let read = Measurements::read(&sources).unwrap();
    let [net, m] = summaries(&read.kernels, 20)[..] else { panic!("two models") };
    assert_eq!((net.launches, net.total_ms, net.batch), (4, 0.4, None));
    assert_eq!((net.bound, net.sms, net.leaves_room), (None, None, None));
    // A quarter of the time on half of the multiprocessors, and the rest on all.
    assert_eq!((m.bound, m.sms, m.leaves_room), (Some((0.25, 0.75)), Some(0.875), Some(0.25)));
}
