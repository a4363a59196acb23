//! Energy of a platform beside that of its work: static, idle and gated power over time, changes of points, wake-ups.

use rtmm_hardware::{AcceleratorId, EnergyTotal, Platform, PointId, Power, PowerStates, PowerUnit};
use rtmm_workload::{Duration, Time};
use serde::Serialize;

use crate::observer::PowerEvent;

/// Zeptojoules of a femtojoule.
const ZEPTOJOULES: u128 = 1_000_000;

/// Energy that hardware draws beside its work, in picojoules, each part rounded down to a femtojoule.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct StandingEnergy {
    /// While runs hold any of it.
    pub static_pj: f64,
    /// While none does.
    pub idle_pj: f64,
    /// While it is gated.
    pub gated_pj: f64,
    /// Changes of operating points, and wake-ups.
    pub switches_pj: f64,
}

/// The power of one accelerator, or of the memory, over the measured time.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct UnitPowerSummary {
    /// Its energy beside that of work.
    #[serde(flatten)]
    pub energy: StandingEnergy,
    /// Changes of its operating point.
    pub point_changes: u64,
    /// Wake-ups.
    pub wakes: u64,
    /// Time in which it was gated.
    pub gated_ms: f64,
    /// The mean frequency over the time in which it was not gated, to a hertz; none without any.
    pub clock_mhz_mean: Option<f64>,
    /// Its points, by rising frequency; the times sum to what is left of the measured time.
    pub points: Vec<PointSummary>,
}

/// Time at an operating point.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PointSummary {
    /// Its frequency.
    pub frequency_mhz: f64,
    /// Time in which it was in force, and the hardware was not gated.
    pub time_ms: f64,
}

/// The energy of a platform over the measured time.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct PlatformEnergy {
    /// All of it: the sum of the parts.
    pub platform_energy_pj: f64,
    /// Work: the energy of all accelerators' segments.
    pub platform_work_pj: f64,
    /// Static power of accelerators and of the memory while runs hold them.
    pub platform_static_pj: f64,
    /// Idle power of accelerators and of the memory while none does.
    pub platform_idle_pj: f64,
    /// Power of gated accelerators.
    pub platform_gated_pj: f64,
    /// Changes of operating points, and wake-ups.
    pub platform_switches_pj: f64,
    /// Background power.
    pub platform_background_pj: f64,
    /// The power of the memory; missing where the platform does not state it.
    pub dram: Option<UnitPowerSummary>,
}

/// Running sums of the power of a platform.
#[derive(Clone, Debug)]
pub(crate) struct PowerTally {
    /// The end of the warm-up.
    from: Time,
    end: Time,
    background: Power,
    /// By accelerator, then the memory.
    units: Vec<UnitTally>,
}

/// Running sums of an accelerator, or of the memory.
#[derive(Clone, Debug)]
struct UnitTally {
    states: Option<PowerStates>,
    point: PointId,
    is_gated: bool,
    /// Runs that hold any of it.
    runs: u32,
    since: Time,
    /// In zeptojoules.
    running: u128,
    idle: u128,
    gated: u128,
    /// In femtojoules.
    switches: u128,
    changes: u64,
    wakes: u64,
    /// In picoseconds.
    gated_time: u128,
    at_points: Vec<u128>,
}

/// Energies in femtojoules.
#[derive(Clone, Copy, Debug, Default)]
struct Femtojoules {
    running: u128,
    idle: u128,
    gated: u128,
    switches: u128,
}

impl PowerTally {
    /// Sums of a run that is about to start; none on a platform that states no power.
    pub(crate) fn new(platform: &Platform, from: Time) -> Option<Self> {
        let states = platform.accelerators.iter().map(|one| &one.power).chain([&platform.power.dram]);
        platform.has_power().then(|| Self {
            from,
            end: from,
            background: platform.power.background,
            units: states.map(|states| UnitTally::new(states.clone())).collect(),
        })
    }

    /// A run begins or ends to hold units of an accelerator.
    pub(crate) fn held(&mut self, now: Time, accelerator: AcceleratorId, begins: bool) {
        let memory = self.units.len() - 1;
        for unit in [accelerator.index(), memory] {
            let unit = &mut self.units[unit];
            unit.settle(now, self.from);
            unit.runs = if begins { unit.runs + 1 } else { unit.runs.saturating_sub(1) };
        }
    }

    pub(crate) fn changed(&mut self, now: Time, event: PowerEvent) {
        let from = self.from;
        let on = match event {
            PowerEvent::Changes { on, .. } | PowerEvent::InForce { on, .. } => on,
            PowerEvent::Gated { on } | PowerEvent::Wakes { on } => PowerUnit::Accelerator(on),
        };
        let at = match on {
            PowerUnit::Accelerator(accelerator) => accelerator.index(),
            PowerUnit::Dram => self.units.len() - 1,
        };
        let Some(unit) = self.units.get_mut(at) else { return };
        unit.settle(now, from);
        let counts = now >= from;
        let Some(states) = &unit.states else { return };
        match event {
            PowerEvent::Changes { .. } if counts => {
                unit.switches += u128::from(states.switch.energy.femtojoules());
                unit.changes += 1;
            }
            PowerEvent::Changes { .. } => {}
            PowerEvent::InForce { point, .. } => unit.point = point,
            PowerEvent::Gated { .. } => unit.is_gated = true,
            PowerEvent::Wakes { .. } => {
                unit.is_gated = false;
                if counts {
                    let energy = states.gating.map(|gating| gating.wake_energy).unwrap_or_default();
                    unit.switches += u128::from(energy.femtojoules());
                    unit.wakes += 1;
                }
            }
        }
    }

    pub(crate) fn ended(&mut self, now: Time) {
        self.end = self.from.max(now);
        self.units.iter_mut().for_each(|unit| unit.settle(now, self.from));
    }

    /// The energy of the platform whose segments took `work`.
    pub(crate) fn summary(&self, work: EnergyTotal) -> PlatformEnergy {
        let work = work.femtojoules();
        let mut sum = Femtojoules::default();
        for unit in &self.units {
            let Femtojoules { running, idle, gated, switches } = unit.femtojoules();
            sum.running += running;
            sum.idle += idle;
            sum.gated += gated;
            sum.switches += switches;
        }
        let measured = u128::from(self.end.saturating_since(self.from).picoseconds());
        let background = self.background.zeptojoules(measured) / ZEPTOJOULES;
        let Femtojoules { running, idle, gated, switches } = sum;
        PlatformEnergy {
            platform_energy_pj: picojoules(work + running + idle + gated + switches + background),
            platform_work_pj: picojoules(work),
            platform_static_pj: picojoules(running),
            platform_idle_pj: picojoules(idle),
            platform_gated_pj: picojoules(gated),
            platform_switches_pj: picojoules(switches),
            platform_background_pj: picojoules(background),
            dram: self.units.last().and_then(UnitTally::summary),
        }
    }

    /// The power of an accelerator; none where the platform does not state it.
    pub(crate) fn of_accelerator(&self, accelerator: usize) -> Option<UnitPowerSummary> {
        self.units.get(accelerator)?.summary()
    }
}

impl UnitTally {
    fn new(states: Option<PowerStates>) -> Self {
        Self {
            point: states.as_ref().map_or(PointId::new(0), |states| states.nominal),
            at_points: vec![0; states.as_ref().map_or(0, |states| states.points.len())],
            states,
            is_gated: false,
            runs: 0,
            since: Time::ZERO,
            running: 0,
            idle: 0,
            gated: 0,
            switches: 0,
            changes: 0,
            wakes: 0,
            gated_time: 0,
        }
    }

    /// Counts the time up to an instant, from the end of the warm-up on.
    fn settle(&mut self, now: Time, from: Time) {
        let took = u128::from(now.saturating_since(self.since.max(from)).picoseconds());
        self.since = self.since.max(now);
        let Some(states) = &self.states else { return };
        if self.is_gated {
            let power = states.gating.map_or(Power::ZERO, |gating| gating.power);
            self.gated += power.zeptojoules(took);
            self.gated_time += took;
            return;
        }
        let Some(point) = states.point(self.point) else { return };
        self.at_points[self.point.index()] += took;
        if self.runs > 0 {
            self.running += point.static_power.zeptojoules(took);
        } else {
            self.idle += point.idle_power.zeptojoules(took);
        }
    }

    fn femtojoules(&self) -> Femtojoules {
        Femtojoules {
            running: self.running / ZEPTOJOULES,
            idle: self.idle / ZEPTOJOULES,
            gated: self.gated / ZEPTOJOULES,
            switches: self.switches,
        }
    }

    fn summary(&self) -> Option<UnitPowerSummary> {
        let states = self.states.as_ref()?;
        let Femtojoules { running, idle, gated, switches } = self.femtojoules();
        let points = states.points.iter().zip(&self.at_points).map(|(point, time)| PointSummary {
            frequency_mhz: point.hertz as f64 / 1e6,
            time_ms: milliseconds(*time),
        });
        Some(UnitPowerSummary {
            energy: StandingEnergy {
                static_pj: picojoules(running),
                idle_pj: picojoules(idle),
                gated_pj: picojoules(gated),
                switches_pj: picojoules(switches),
            },
            point_changes: self.changes,
            wakes: self.wakes,
            gated_ms: milliseconds(self.gated_time),
            clock_mhz_mean: mean_mhz(states, &self.at_points),
            points: points.collect(),
        })
    }
}

/// The mean frequency over the times at all points, rounded down to a hertz; none of no time.
fn mean_mhz(states: &PowerStates, at_points: &[u128]) -> Option<f64> {
    let time: u128 = at_points.iter().sum();
    let sum: u128 = states.points.iter().zip(at_points).map(|(point, at)| u128::from(point.hertz) * at).sum();
    (time > 0).then(|| (sum / time) as f64 / 1e6)
}

fn picojoules(femtojoules: u128) -> f64 {
    femtojoules as f64 / 1e3
}

fn milliseconds(picoseconds: u128) -> f64 {
    Duration::from_picoseconds(u64::try_from(picoseconds).unwrap_or(u64::MAX)).milliseconds()
}
