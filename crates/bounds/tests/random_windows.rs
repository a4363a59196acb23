//! Random small windows against the oracle: bounds enclose the best schedule, and are it where they meet.

#![expect(clippy::expect_used, reason = "a broken fixture should fail loudly")]

use std::sync::Arc;

use rtmm_bounds::{
    Accelerator, Chain, Job, JobIndex, Layer, Limits, Window, bound, energy_bound, late_bound, verify,
};
use rtmm_hardware::Energy;

use crate::build::{accelerators, at, cost};
use crate::oracle::{least_energy_of_all, least_late};

/// Numbers without order, the same every time.
struct Noise(u64);

impl Noise {
    /// A number from `least` to `most`.
    fn within(&mut self, least: u64, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        least + (self.0 >> 33) % (most - least + 1)
    }

    fn happens(&mut self, percent: u64) -> bool {
        self.within(1, 100) <= percent
    }
}

fn layer(noise: &mut Noise, accelerators: usize) -> Layer {
    let mut on: Vec<_> = (0..accelerators).map(|_| cost(noise.within(1, 9), noise.within(1, 20))).collect();
    if noise.happens(15) {
        let one = noise.within(0, accelerators as u64 - 1) as usize;
        on[one] = None;
    }
    if on.iter().all(Option::is_none) {
        on[0] = cost(3, 3);
    }
    Layer { on }
}

fn chain(noise: &mut Noise, accelerators: usize, layers: u64) -> Arc<Chain> {
    let least = u64::from(!noise.happens(3));
    let count = noise.within(least, layers);
    let layers = (0..count).map(|_| layer(noise, accelerators)).collect();
    Arc::new(Chain { network: noise.within(0, 2) as usize, layers })
}

fn random_window(seed: u64) -> Window {
    let mut noise = Noise(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let count = noise.within(1, 6) as usize;
    // The oracle goes through all orders of layers.
    let layers = if count > 4 { 2 } else { 3 };
    let machines = noise.within(1, 3) as usize;
    let mut jobs: Vec<Job> = Vec::new();
    for index in 0..count {
        let release = noise.within(0, 12);
        let mut chains = vec![chain(&mut noise, machines, layers)];
        if noise.happens(10) {
            chains.push(chain(&mut noise, machines, layers));
        }
        let mut needs = Vec::new();
        if index > 0 && noise.happens(25) {
            needs.push(JobIndex::new(noise.within(0, index as u64 - 1) as usize));
        }
        let deadline = release + noise.within(2, 22);
        let weight = if noise.happens(20) { noise.within(0, 4) as u32 } else { 1 };
        let name = format!("job {index}");
        jobs.push(Job { name, release: at(release), deadline: at(deadline), weight, needs, chains });
    }
    let mut on = accelerators(machines);
    // Identical ones are one kind.
    if machines > 1 && noise.happens(30) {
        for job in &mut jobs {
            for chain in &mut job.chains {
                let chain = Arc::make_mut(chain);
                for layer in &mut chain.layers {
                    if let Some(first) = layer.on[0] {
                        layer.on[1] = Some(first);
                    }
                }
            }
        }
    }
    on.truncate(machines);
    Window::new(on, jobs).expect("a window")
}

#[test]
fn bounds_enclose_the_best_schedule() {
    let mut certified = 0;
    for seed in 1..=200 {
        let window = random_window(seed);
        let best = least_late(&window);
        let bounds = bound(&window, &Limits::default(), &|| false);
        assert!(
            bounds.late_lower <= best && best <= bounds.late_upper,
            "seed {seed}: {best} is not in {}..={}\n{window:?}",
            bounds.late_lower,
            bounds.late_upper
        );
        if bounds.is_certified() {
            assert_eq!(bounds.late_upper, best, "seed {seed}");
            certified += 1;
        }
        let verified = verify(&window, &bounds.schedule).expect("a schedule");
        assert_eq!((verified.late, verified.energy), (bounds.late_upper, bounds.energy_upper));
        assert!(bounds.energy_lower <= bounds.energy_upper, "seed {seed}");
        assert!(late_bound(&window, &Limits::default(), &|| false) <= best, "seed {seed}");
    }
    assert!(certified >= 170, "{certified} of 200");
}

#[test]
fn energy_is_at_least_its_bound() {
    let mut compared = 0;
    for seed in 201..=280 {
        let window = random_window(seed);
        let Some(least) = least_energy_of_all(&window) else { continue };
        let bound = energy_bound(&window, 0, &Limits::default(), &|| false);
        assert!(bound <= Energy::from_femtojoules(least), "seed {seed}: {bound:?} above {least}");
        // The relaxation is not far below, on the whole.
        compared += u32::from(bound.femtojoules() * 10 >= least * 9);
    }
    assert!(compared >= 10, "{compared}");
}

#[test]
fn bounds_of_slices_are_bounds_of_the_whole() {
    for seed in 1..=120 {
        let window = random_window(seed);
        let best = least_late(&window);
        for whole in [1, 2, 4] {
            let limits = Limits { whole, ..Limits::default() };
            let bounds = bound(&window, &limits, &|| false);
            assert!(bounds.late_lower <= best && best <= bounds.late_upper, "seed {seed}, {whole}");
            assert!(bounds.energy_lower <= bounds.energy_upper, "seed {seed}, {whole}");
            assert!(late_bound(&window, &limits, &|| false) <= best, "seed {seed}, {whole}");
            if best == 0 {
                let least = least_energy_of_all(&window).map(Energy::from_femtojoules);
                let bound = energy_bound(&window, 0, &limits, &|| false);
                assert!(least.is_none_or(|least| bound <= least), "seed {seed}, {whole}");
            }
        }
    }
}

#[test]
fn large_numbers_change_nothing() {
    for seed in 1..=40 {
        let window = random_window(seed);
        let plain = bound(&window, &Limits::default(), &|| false);
        // Picoseconds become minutes, femtojoules tens of joules, and weights billions.
        let (longer, dearer) = (1_u64 << 46, 1_u64 << 50);
        let weighs = window.weight() <= 1;
        let jobs = window.jobs().iter().map(|job| {
            let chains = job.chains.iter().map(|chain| {
                let layers = chain.layers.iter().map(|layer| Layer {
                    on: layer
                        .on
                        .iter()
                        .map(|of| {
                            let of = of.as_ref()?;
                            cost(of.time.picoseconds() * longer, of.energy.femtojoules() * dearer)
                        })
                        .collect(),
                });
                Arc::new(Chain { network: chain.network, layers: layers.collect() })
            });
            let instant = |time: rtmm_workload::Time| {
                at(time.saturating_since(rtmm_workload::Time::ZERO).picoseconds() * longer)
            };
            Job {
                release: instant(job.release),
                deadline: instant(job.deadline),
                weight: if weighs { u32::MAX } else { job.weight },
                chains: chains.collect(),
                ..job.clone()
            }
        });
        let large = Window::new(window.accelerators().to_vec(), jobs.collect()).expect("a window");
        let bounds = bound(&large, &Limits::default(), &|| false);
        if !weighs {
            assert_eq!(
                (bounds.late_lower, bounds.late_upper),
                (plain.late_lower, plain.late_upper),
                "{seed}"
            );
        }
        assert!(bounds.late_lower <= bounds.late_upper && bounds.energy_lower <= bounds.energy_upper);
    }
}

#[test]
fn bounds_are_the_same_every_time() {
    for seed in [3, 5, 8, 13, 21] {
        let window = random_window(seed);
        let once = bound(&window, &Limits::default(), &|| false);
        assert_eq!(once, bound(&window, &Limits::default(), &|| false));
    }
}

#[test]
fn what_stops_early_is_a_bound_still() {
    for seed in 1..=60 {
        let window = random_window(seed);
        let best = least_late(&window);
        let bounds = bound(&window, &Limits::default(), &|| true);
        assert!(bounds.late_lower <= best && best <= bounds.late_upper, "seed {seed}");
        assert!(bounds.effort.is_stopped);
    }
}

#[test]
fn switches_only_make_schedules_worse() {
    for seed in 1..=60 {
        let window = random_window(seed);
        let best = least_late(&window);
        let slow = window
            .accelerators()
            .iter()
            .map(|one| Accelerator { switch: rtmm_workload::Duration::from_picoseconds(2), ..one.clone() });
        let slow = Window::new(slow.collect(), window.jobs().to_vec()).expect("a window");
        let bounds = bound(&slow, &Limits::default(), &|| false);
        assert!(best <= bounds.late_upper, "seed {seed}");
        verify(&slow, &bounds.schedule).expect("a schedule");
    }
}
