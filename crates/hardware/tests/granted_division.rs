//! Divisions that platforms do not state: of DREAM's platforms into the units that Planaria has.

#![expect(clippy::expect_used, reason = "tests fail by panicking")]

use std::num::NonZeroU32;

use rtmm_hardware::{GrantError, Indivisible, Mode, Platform, load};

fn platform(name: &str) -> Platform {
    load::platform(name, None, Mode::Corrected).expect("a built-in platform")
}

fn units(count: u32) -> NonZeroU32 {
    NonZeroU32::new(count).expect("not zero")
}

#[test]
fn platforms_of_the_dream_evaluation_have_sixteen_units_of_one_size() {
    for (name, expected) in [
        ("ws_ws", &[8, 8][..]),
        ("os_os", &[8, 8]),
        ("ws_os", &[8, 8]),
        ("biglittle_ws_os", &[12, 4]),
        ("ws_os_os", &[6, 5, 5]),
        ("os_ws_ws", &[6, 5, 5]),
    ] {
        for (budget, elements) in [("4k", 256), ("8k", 512)] {
            let count = if expected.len() == 2 { "dual" } else { "triple" };
            let whole = platform(&format!("dream/{count}_{budget}_{name}"));
            let divided = whole.divided(units(16)).expect("it is made of clusters");
            for (index, own) in expected.iter().enumerate() {
                let (before, after) = (&whole.accelerators[index], &divided.accelerators[index]);
                assert_eq!(after.units(), *own, "{name} {budget}");
                // Every number of units is a configuration with its part of the elements; all units are what they were.
                for (held, configuration) in after.configurations() {
                    let cost_model = &divided.configurations[configuration.index()].cost_model;
                    assert_eq!(cost_model.processing_elements(), Some(u64::from(held) * elements));
                }
                assert_eq!(before.configuration, after.configuration);
                let identity = |of: &Platform| of.configurations[before.configuration.index()].identity();
                assert_eq!(identity(&whole), identity(&divided));
            }
        }
    }
}

#[test]
fn a_unit_has_its_part_of_everything() {
    let divided = platform("dream/dual_4k_ws_os").divided(units(16)).expect("it is made of clusters");
    let (_, first) = divided.accelerators[0].configurations().next().expect("a unit");
    let one = divided.configurations[first.index()].identity();
    // 2048 elements with 128 elements a cycle, 64 bytes a cycle and 4 MiB, of which an eighth is left.
    let stated = "256,16,8192,524288,1";
    assert!(one.contains(stated) && one.contains("[8,"), "{one}");
}

#[test]
fn what_cannot_be_divided_says_why() {
    let error = |name: &str, count| platform(name).divided(units(count)).expect_err("it cannot be divided");
    assert!(matches!(error("planaria/16x16x16", 16), GrantError::Divided { .. }));
    assert!(matches!(error("dysta/sanger", 16), GrantError::NoSize { .. }));
    let underived = error("planaria/128x128", 16);
    assert!(matches!(underived, GrantError::Indivisible { reason: Indivisible::Unsupported, .. }));
    assert!(matches!(
        error("dream/triple_4k_ws_os_os", 5),
        GrantError::Uneven { elements: 1536, all: 4096, .. }
    ));
    // More units than weight-stationary clusters of 256 elements.
    let reason = Indivisible::Uneven { what: "clusters of the dataflow", count: 8, units: 16 };
    let expected = GrantError::Indivisible { accelerator: "Acc0_WS".to_owned(), reason };
    assert_eq!(error("dream/dual_4k_ws_os", 32), expected);
    assert!(
        expected.to_string().contains("8 clusters of the dataflow cannot be divided into 16 equal units")
    );
    // One unit each is not divided.
    let same = platform("dream/dual_4k_ws_os").divided(units(2)).expect("two equal accelerators");
    assert!(same.accelerators.iter().all(|accelerator| accelerator.division.is_none()));
}
