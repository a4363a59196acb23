//! Platforms: accelerators and what they share.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use rtmm_workload::Duration;

use crate::contention::{Bandwidth, BehindCache, CoLocation, Contention, Share, Shares, Sharing, Throttle};
use crate::cost::{DRAM, SHARED_CACHE, Work};
use crate::cost_model::CostModel;
use crate::cost_model::Decoded;
use crate::decode::Indivisible;
use crate::energy::Energy;
use crate::ids::{AcceleratorId, ConfigurationId};
use crate::power::{PlatformPower, PointId, PowerStates, PowerUnit, Scaling};
use crate::technology::Prices;
use crate::transfers::Transfers;

/// The most inferences of a batch.
pub const MAX_BATCH: u32 = 128;

/// Hardware that executes layers: one run at a time, or several that hold units of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Accelerator {
    /// Unique within the platform.
    pub name: String,
    /// Word for accelerators of its kind, by which tasks are pinned to them: stated, or the name of its cost model.
    pub kind: AcceleratorKind,
    /// Clock in which its cost model counts cycles, in hertz: that of its nominal operating point, where it has points.
    pub clock_hz: u64,
    /// The configuration that has all units.
    pub configuration: ConfigurationId,
    /// Its part of the shared DRAM where that is divided up; the whole where it is not.
    pub dram_share: Share,
    /// The cost of changing from one model to another.
    pub context_switch: ContextSwitch,
    /// Division among runs; none where one run at a time holds all of it.
    pub division: Option<Division>,
    /// The most jobs of one model that a run may carry, from 1 to [`MAX_BATCH`].
    pub max_batch: u32,
    /// Its operating points and what it draws beside its work; none where that is not stated.
    pub power: Option<PowerStates>,
    /// Slowdowns of runs beside each other on it; none where they do not slow each other down.
    pub co_location: Option<CoLocation>,
}

/// The kind of an accelerator.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AcceleratorKind {
    /// The word; empty for an accelerator that no task can be pinned to but by its name.
    pub word: String,
    /// True if the platform file states it.
    pub is_stated: bool,
}

/// The ways in which runs can divide an accelerator.
#[derive(Clone, Debug, PartialEq)]
pub struct Division {
    /// The number of equal units, from 2 to [`crate::MAX_UNITS`].
    pub units: u32,
    /// The numbers of units that a run may hold beside all of them, ascending, each with the
    /// configuration that layers are costed on.
    pub parts: Vec<(u32, ConfigurationId)>,
    /// The cost of changing the number of units of a run.
    pub migration: Migration,
}

/// The cost of changing the number of units that a run holds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Migration {
    /// Time in which the run makes no progress.
    pub time: Duration,
    /// Energy, in picojoules; at least zero.
    pub energy_pj: f64,
}

impl Accelerator {
    /// The number of units.
    #[must_use]
    pub fn units(&self) -> u32 {
        self.division.as_ref().map_or(1, |division| division.units)
    }

    /// The cost of changing the number of units of a run.
    #[must_use]
    pub fn migration(&self) -> Migration {
        self.division.as_ref().map_or_else(Migration::default, |division| division.migration)
    }

    /// The numbers of units that a run may hold, ascending, with their configurations; the last has all
    /// units.
    pub fn configurations(&self) -> impl Iterator<Item = (u32, ConfigurationId)> {
        let parts = self.division.iter().flat_map(|division| division.parts.iter().copied());
        parts.chain(std::iter::once((self.units(), self.configuration)))
    }

    /// The part of its share of the DRAM that `units` of its units have, rounded down to a millionth.
    #[must_use]
    pub fn share_of(&self, units: u32) -> Share {
        let all = u64::from(self.units());
        let millionths = u64::from(self.dram_share.millionths()) * u64::from(units).min(all) / all;
        // Never above the share of the whole, so both conversions hold.
        u32::try_from(millionths).ok().and_then(Share::from_millionths).unwrap_or(self.dram_share)
    }
}

/// Cost that an accelerator pays before the first layer of a segment whose model differs from the one
/// that it ran last. The first model after the start costs nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ContextSwitch {
    /// Time in which the accelerator does nothing else.
    pub time: Duration,
    /// Energy, in picojoules; at least zero.
    pub energy_pj: f64,
    /// Cost of activations that have to make room, and come in, on top of both; none where they cost
    /// nothing.
    pub activations: Option<ActivationMoves>,
}

/// Activations that are moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// Elements, whose size the hardware states.
    pub elements: u64,
    /// Bytes besides, which models state.
    pub bytes: u64,
}

impl Moved {
    /// So many elements and no other bytes.
    #[must_use]
    pub const fn elements(elements: u64) -> Self {
        Self { elements, bytes: 0 }
    }

    /// Both together; saturates.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            elements: self.elements.saturating_add(other.elements),
            bytes: self.bytes.saturating_add(other.bytes),
        }
    }

    /// Both numbers as `change` makes them.
    #[must_use]
    pub fn map(self, change: impl Fn(u64) -> u64) -> Self {
        Self { elements: change(self.elements), bytes: change(self.bytes) }
    }
}

/// Cost of moving activations between an accelerator and its DRAM when it turns to another model:
/// what the layer that it ran last leaves goes out, the input of the layer that comes is fetched.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ActivationMoves {
    /// Energy of a byte, in picojoules; at least zero.
    pub pj_per_byte: f64,
    /// Bytes of an element; 0 where nothing moves.
    pub element_bytes: u64,
    /// The rate at which bytes move, uncontended: nothing else moves at that time.
    pub bandwidth: Bandwidth,
}

impl Default for ActivationMoves {
    /// Moves that cost nothing.
    fn default() -> Self {
        Self { pj_per_byte: 0.0, element_bytes: 1, bandwidth: Bandwidth::UNLIMITED }
    }
}

impl ActivationMoves {
    /// True if they cost nothing, however much is moved.
    #[must_use]
    pub fn is_free(&self) -> bool {
        self.element_bytes == 0 || (self.pj_per_byte == 0.0 && self.bandwidth == Bandwidth::UNLIMITED)
    }

    /// The time and the energy of moving activations one way.
    #[must_use]
    pub fn cost(&self, moved: Moved) -> (Duration, Energy) {
        let bytes = self.bytes(moved);
        (self.bandwidth.time_for(bytes), Energy::from_picojoules(self.pj_per_byte * bytes as f64))
    }

    fn bytes(&self, moved: Moved) -> u64 {
        match self.element_bytes {
            0 => 0,
            of_one => moved.elements.saturating_mul(of_one).saturating_add(moved.bytes),
        }
    }
}

impl ContextSwitch {
    /// Time of a switch that moves these activations.
    #[must_use]
    pub fn time_for(&self, moved: Moved) -> Duration {
        self.activations
            .map_or(self.time, |moves| self.time.saturating_add(moves.bandwidth.time_for(moves.bytes(moved))))
    }

    /// The energy of a switch that moves these activations.
    #[must_use]
    pub fn energy_for(&self, moved: Moved) -> Energy {
        let of_moves = self.activations.map_or(0.0, |moves| moves.pj_per_byte * moves.bytes(moved) as f64);
        Energy::from_picojoules(self.energy_pj + of_moves)
    }
}

/// Off-chip memory behind all accelerators of a platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SharedDram {
    /// Bandwidth of all accelerators together.
    pub bandwidth: Bandwidth,
    /// Rule by which accelerators share it.
    pub sharing: Sharing,
}

/// An accelerator type, with its cost model. Identical accelerators share one; copies share the cost model.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// For people: cost model and size, such as `maestro WS 4096`.
    pub label: String,
    /// Costs of layers.
    pub cost_model: Arc<dyn CostModel>,
    /// The identity of the registry row that the cost model is from; empty for built-in ones.
    pub row_identity: Cow<'static, [u8]>,
}

impl Configuration {
    /// A configuration of a built-in cost model, or of one that no registry knows.
    pub fn new(label: impl Into<String>, cost_model: impl CostModel + 'static) -> Self {
        Self { label: label.into(), cost_model: Arc::new(cost_model), row_identity: Cow::Borrowed(&[]) }
    }

    /// The configuration of `units` of `of` equal units, as the cost model derives it.
    ///
    /// # Errors
    /// [`Indivisible`] says why the cost model derives none.
    pub fn part(&self, units: u32, of: u32) -> Result<Self, Indivisible> {
        let Decoded { label, cost_model } = self.cost_model.part(units, of)?;
        Ok(Self { label, cost_model: cost_model.into(), row_identity: self.row_identity.clone() })
    }

    /// Everything that determines what layers cost, in one canonical text.
    #[must_use]
    pub fn identity(&self) -> String {
        let mut text = self.cost_model.identity();
        if !self.row_identity.is_empty() {
            text.push('#');
            self.row_identity.iter().for_each(|byte| text.push_str(&format!("{byte:02x}")));
        }
        text
    }
}

/// Accelerators with their configurations.
#[derive(Clone, Debug)]
pub struct Platform {
    /// The name that sweeps and commands use, such as `xrbench/quad_4k_ws_os_ws_os`.
    pub name: String,
    /// Publication or repository that the platform was taken from.
    pub source: String,
    /// Labels by which reports group platforms, such as `budget` and `hardware`; no part of the identity.
    pub labels: BTreeMap<String, String>,
    /// Clock in which bandwidths of the platform are stated, in hertz, and of accelerators that have none of their own.
    pub clock_hz: u64,
    /// Prices that its cost models draw where its file states none; none where each has prices of its own. No part of the
    /// identity: what they price is.
    pub technology: Option<Arc<Prices>>,
    /// The accelerators in the order of the file; at least one.
    pub accelerators: Vec<Accelerator>,
    /// The distinct configurations, in the order of first use.
    pub configurations: Vec<Configuration>,
    /// Off-chip memory that all accelerators share; without it each has its own.
    pub shared_dram: Option<SharedDram>,
    /// The bandwidth of an on-chip cache that all accelerators share; without it none limits them.
    pub shared_cache: Option<Bandwidth>,
    /// Ways between accelerators; without them a job that goes on on another one moves nothing.
    pub transfers: Option<Transfers>,
    /// The power of the memory, and of all that is no accelerator's.
    pub power: PlatformPower,
}

/// A layer that has the whole platform to itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Isolated {
    /// Time that the accelerator needs if memory never makes it wait.
    pub compute: Duration,
    /// Time for all traffic beyond the accelerator, at its own bandwidth or at what it can have of the
    /// platform's memory and cache, whichever is slowest; overlaps with `compute`.
    pub transfer: Duration,
    /// Time that overlaps with nothing.
    pub exposed: Duration,
    /// DRAM bandwidth that it uses while it transfers, rounded up; zero without traffic, and where
    /// traffic takes no time.
    pub demand: Bandwidth,
    /// Bandwidth of the shared cache that it uses meanwhile, rounded up; zero where no cache is shared.
    pub cache_demand: Bandwidth,
}

/// The bandwidths that a layer can have at the shared levels of a platform if nothing else runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Available {
    /// Of the off-chip memory.
    pub dram: Bandwidth,
    /// Of the shared cache; none where no cache is shared.
    pub cache: Option<Bandwidth>,
}

impl Isolated {
    /// Latency of `work` in isolation where `available` is all the bandwidth that it can have, beside the limit
    /// of its own.
    #[must_use]
    pub fn of(work: &Work, available: Available) -> Self {
        let Available { dram, cache } = available;
        let at_cache = cache.map_or(Duration::ZERO, |cache| cache.time_for(work.traffic[SHARED_CACHE]));
        let transfer = work.transfer.max(dram.time_for(work.traffic[DRAM])).max(at_cache);
        // Traffic that takes no time asks nothing of a memory without limit. The bound matters only where
        // the transfer outlasts the clock.
        let demand = |bytes: u64, available: Bandwidth| {
            if transfer.is_zero() { Bandwidth::ZERO } else { Bandwidth::of(bytes, transfer).min(available) }
        };
        Self {
            compute: work.compute,
            transfer,
            exposed: work.exposed,
            demand: demand(work.traffic[DRAM], dram),
            cache_demand: cache.map_or(Bandwidth::ZERO, |cache| demand(work.traffic[SHARED_CACHE], cache)),
        }
    }

    /// Latency of the layer.
    #[must_use]
    pub fn latency(&self) -> Duration {
        self.compute.max(self.transfer).saturating_add(self.exposed)
    }
}

impl Platform {
    /// The power states of an accelerator, or of the memory; none where they are not stated.
    #[must_use]
    pub fn power_states(&self, unit: PowerUnit) -> Option<&PowerStates> {
        match unit {
            PowerUnit::Accelerator(accelerator) => self.accelerators.get(accelerator.index())?.power.as_ref(),
            PowerUnit::Dram => self.power.dram.as_ref(),
        }
    }

    /// The point at which the memory begins: the one that costs are stated for.
    #[must_use]
    pub fn nominal_dram(&self) -> PointId {
        self.power.dram.as_ref().map_or(PointId::new(0), |states| states.nominal)
    }

    /// The bandwidth of the shared DRAM at an operating point of it; none where none is shared.
    #[must_use]
    pub fn shared_bandwidth_at(&self, point: PointId) -> Option<Bandwidth> {
        let scaling = self.power.dram.as_ref().map_or(Scaling::NOMINAL, |states| states.scaling(point));
        self.shared_dram.map(|dram| dram.bandwidth.at(scaling))
    }

    /// True if the power of anything is stated: a run then has an energy of the platform.
    #[must_use]
    pub fn has_power(&self) -> bool {
        self.power != PlatformPower::default() || self.accelerators.iter().any(|one| one.power.is_some())
    }

    /// True if anything has more than one operating point.
    #[must_use]
    pub fn has_points(&self) -> bool {
        let accelerators = self.accelerators.iter().map(|one| &one.power);
        accelerators.chain([&self.power.dram]).flatten().any(|states| states.points.len() > 1)
    }

    /// True if times on some accelerator vary from job to job, so that the seed of a run matters.
    #[must_use]
    pub fn varies(&self) -> bool {
        self.configurations.iter().any(|configuration| configuration.cost_model.variation().is_some())
    }

    /// True if any accelerator runs batches.
    #[must_use]
    pub fn has_batches(&self) -> bool {
        self.accelerators.iter().any(|accelerator| accelerator.max_batch > 1)
    }

    /// The accelerator of each unit of the platform; units of an accelerator stand side by side.
    #[must_use]
    pub fn unit_owners(&self) -> Vec<AcceleratorId> {
        let owners = self.accelerators.iter().enumerate().flat_map(|(index, accelerator)| {
            std::iter::repeat_n(AcceleratorId::new(index), accelerator.units() as usize)
        });
        owners.collect()
    }

    /// The DRAM bandwidth that an accelerator has if no other runs, beside the limit of its own:
    /// all of the platform's, or its share where shares are parts.
    #[must_use]
    pub fn dram_bandwidth(&self, accelerator: AcceleratorId) -> Bandwidth {
        match self.shared_dram {
            None => Bandwidth::UNLIMITED,
            Some(SharedDram { bandwidth, sharing }) => {
                sharing.alone(bandwidth, self.accelerators[accelerator.index()].dram_share)
            }
        }
    }

    /// Latency of `work` on an accelerator of this platform if nothing else runs.
    ///
    /// `demand` never exceeds [`Platform::dram_bandwidth`]. Without shared DRAM the times are those
    /// of `work`.
    #[must_use]
    pub fn isolated(&self, accelerator: AcceleratorId, work: &Work) -> Isolated {
        Isolated::of(work, Available { dram: self.dram_bandwidth(accelerator), cache: self.shared_cache })
    }

    /// The model of how runs slow each other down in the memory that accelerators share; none where they share none.
    #[must_use]
    pub fn contention(&self) -> Option<Box<dyn Contention>> {
        let of_memory = self.shared_dram.map(|dram| dram.sharing.contention(dram.bandwidth));
        match self.shared_cache {
            None => of_memory,
            Some(bandwidth) => {
                let of_memory =
                    of_memory.unwrap_or_else(|| Sharing::MAX_MIN.contention(Bandwidth::UNLIMITED));
                Some(Box::new(BehindCache::new(of_memory, bandwidth)))
            }
        }
    }

    /// True if costs depend on the words for operators, which are no part of the identity of models.
    #[must_use]
    pub fn depends_on_operator_words(&self) -> bool {
        self.configurations.iter().any(|configuration| configuration.cost_model.depends_on_operator_words())
    }

    /// Everything that determines costs and schedules on the platform, in one canonical text.
    #[must_use]
    pub fn identity(&self) -> String {
        let mut text = format!("clock_hz={}", self.clock_hz);
        for accelerator in &self.accelerators {
            let configuration = &self.configurations[accelerator.configuration.index()];
            text.push_str(&format!("|{}:{}", accelerator.name, configuration.identity()));
        }
        // Only what differs from the default, so that stored results of plain platforms stay valid. It
        // stands behind the last cost model, where no name of an accelerator can imitate it.
        let each = |one: fn(&Accelerator) -> String| {
            self.accelerators.iter().map(one).collect::<Vec<String>>().join(",")
        };
        if let Some(SharedDram { bandwidth, sharing }) = self.shared_dram {
            let bytes = bandwidth.bytes_per_window();
            text.push_str(&format!("|shared_dram={} {bytes}", sharing.name()));
            if sharing.shares() != Shares::None {
                let shares = each(|accelerator| accelerator.dram_share.millionths().to_string());
                text.push_str(&format!(" {shares}"));
            }
            if let Some(Throttle { window, overflow_millionths, pause_millionths }) = sharing.throttle() {
                let window = window.picoseconds();
                text.push_str(&format!(" {window}ps {overflow_millionths} {pause_millionths}"));
            }
        }
        if let Some(bandwidth) = self.shared_cache {
            text.push_str(&format!("|shared_cache={}", bandwidth.bytes_per_window()));
        }
        if self.accelerators.iter().any(|accelerator| accelerator.context_switch != ContextSwitch::default())
        {
            let switches = each(|Accelerator { context_switch, .. }| {
                let ContextSwitch { time, energy_pj, activations } = context_switch;
                let mut text = format!("{}ps+{energy_pj}pJ", time.picoseconds());
                if let Some(ActivationMoves { pj_per_byte, element_bytes, bandwidth }) = activations {
                    let bytes = bandwidth.bytes_per_window();
                    text.push_str(&format!("+{element_bytes}B*{pj_per_byte}pJ/{bytes}"));
                }
                text
            });
            text.push_str(&format!("|context_switch={switches}"));
        }
        if let Some(transfers) = &self.transfers {
            text.push_str(&format!("|transfers={}", transfers.identity()));
        }
        if self.accelerators.iter().any(|accelerator| accelerator.kind.is_stated) {
            let stated = |Accelerator { kind, .. }: &Accelerator| match kind.is_stated {
                true => format!("{:?}", kind.word),
                false => String::new(),
            };
            text.push_str(&format!("|kinds={}", each(stated)));
        }
        if self.accelerators.iter().any(|accelerator| accelerator.division.is_some()) {
            text.push_str("|division=");
            for Accelerator { division, .. } in &self.accelerators {
                let Some(Division { units, parts, migration }) = division else {
                    text.push_str("none;");
                    continue;
                };
                let Migration { time, energy_pj } = migration;
                text.push_str(&format!("{units} {}ps+{energy_pj}pJ", time.picoseconds()));
                for (units, configuration) in parts {
                    let configuration = &self.configurations[configuration.index()];
                    text.push_str(&format!("|{units}:{}", configuration.identity()));
                }
                text.push(';');
            }
        }
        if self.has_batches() {
            text.push_str(&format!("|max_batch={}", each(|one| one.max_batch.to_string())));
        }
        if self.accelerators.iter().any(|accelerator| accelerator.co_location.is_some()) {
            let stated =
                |one: &Accelerator| one.co_location.as_ref().map_or_else(String::new, CoLocation::identity);
            text.push_str(&format!("|co_location={}", each(stated)));
        }
        if self.has_power() {
            let PlatformPower { background, dram } = &self.power;
            text.push_str(&format!("|power={}nW", background.nanowatts()));
            for states in self.accelerators.iter().map(|one| &one.power).chain([dram]) {
                text.push(';');
                text.push_str(&states.as_ref().map_or_else(|| "none".to_owned(), PowerStates::identity));
            }
        }
        text
    }
}
