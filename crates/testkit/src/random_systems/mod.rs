//! Small random systems, policies that decide at random, and a record of all that a run does.

#![expect(missing_docs, reason = "fields and variants say what they are")]
#![expect(clippy::expect_used, reason = "tests fail by panicking")]

pub mod neighbours;
pub mod policies;
pub mod record;
pub mod systems;

use rtmm_hardware::{Bandwidth, Contention, Meter, Share, Shares};
use rtmm_scheduler::Policy;
use rtmm_sim::execution::{Exclusive, Execution, Shared};
use rtmm_sim::{RunOptions, Simulation, System};
use rtmm_workload::Time;

use record::Record;

/// 64 bits that depend on all of the address, and on nothing else.
pub fn hash(address: &[u64]) -> u64 {
    // The finaliser of SplitMix64, once a part.
    address.iter().fold(0x9E37_79B9_7F4A_7C15, |state, part| {
        let mut mixed = (state ^ part).wrapping_add(0x9E37_79B9_7F4A_7C15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    })
}

/// Something to do with a simulation, whatever executes it.
pub trait Use<'s> {
    /// Its result.
    type Output;

    /// Does it.
    fn with<E: Execution>(self, simulation: Simulation<'s, E, Record>) -> Self::Output;
}

/// Makes the simulation of a system that its platform asks for, and uses it.
pub fn simulation<'s, U: Use<'s>>(
    system: &'s System,
    policy: Box<dyn Policy>,
    options: RunOptions,
    user: U,
) -> U::Output {
    match system.contention() {
        None => {
            let execution = Exclusive::new(system.platform.unit_owners().len());
            user.with(Simulation::new(system, "test", policy, execution, Record::default(), options))
        }
        Some(inner) => {
            let (dram, cache) = (system.platform.shared_dram, system.platform.shared_cache);
            // Caps, fixed parts and a slow cache may leave bandwidth of the memory unused.
            let shares = dram.map(|dram| dram.sharing.shares());
            let is_fair = cache.is_none()
                && matches!(shares, Some(Shares::None | Shares::Weights | Shares::Thresholds));
            let contention = Checking { inner, whole: dram.map(|dram| dram.bandwidth), is_fair };
            let execution = Shared::new(contention, system.platform.unit_owners());
            user.with(Simulation::new(system, "test", policy, execution, Record::default(), options))
        }
    }
}

/// Runs to the end.
pub struct Whole;

impl<'s> Use<'s> for Whole {
    type Output = Record;

    fn with<E: Execution>(self, simulation: Simulation<'s, E, Record>) -> Record {
        match simulation.run() {
            Ok(record) => record,
            Err(error) => panic!("{error}"),
        }
    }
}

/// A run from start to end.
pub fn run(system: &System, policy: Box<dyn Policy>, options: RunOptions) -> Record {
    simulation(system, policy, options, Whole)
}

/// A contention model that checks what another one says.
#[derive(Clone, Debug)]
pub struct Checking<C> {
    /// The other one.
    pub inner: C,
    /// Counts of all runs together.
    pub whole: Option<Bandwidth>,
    /// True if what one does not need is for the others.
    pub is_fair: bool,
}

impl<C: Contention + Clone + 'static> Contention for Checking<C> {
    fn rates(&mut self, now: Time, running: &[rtmm_hardware::Running], out: &mut [rtmm_hardware::Rates]) {
        self.inner.rates(now, running, out);
        assert_eq!(running.len(), out.len());
        for pair in running.windows(2) {
            assert!(pair[0].accelerator <= pair[1].accelerator, "runs are in the order of accelerators");
        }
        for (run, rates) in running.iter().zip(&*out) {
            let most = if run.demand == Bandwidth::ZERO { run.cache_demand } else { run.demand };
            assert!(rates.transfer <= most, "no run is granted more than it demands");
        }
        if let Some(whole) = self.whole {
            let off_chip = running.iter().zip(&*out).filter(|(run, _)| run.demand > Bandwidth::ZERO);
            let granted: u128 =
                off_chip.map(|(_, rates)| u128::from(rates.transfer.bytes_per_window())).sum();
            let whole = u128::from(whole.bytes_per_window());
            assert!(granted <= whole, "the grants exceed the bandwidth");
            // All that is demanded, or all there is but for rounding: below a unit for each.
            let demanded: u128 = running.iter().map(|run| u128::from(run.demand.bytes_per_window())).sum();
            let is_used = granted == demanded.min(whole) || granted + running.len() as u128 > whole;
            assert!(!self.is_fair || is_used, "{granted} is granted of {demanded} and {whole}");
        }
    }

    fn meter(&self, share: Share) -> Option<Meter> {
        self.inner.meter(share)
    }

    fn has_priorities(&self) -> bool {
        self.inner.has_priorities()
    }

    fn set_bandwidth(&mut self, bandwidth: Bandwidth) {
        self.whole = Some(bandwidth);
        self.inner.set_bandwidth(bandwidth);
    }

    fn boxed_clone(&self) -> Box<dyn Contention> {
        Box::new(self.clone())
    }
}
