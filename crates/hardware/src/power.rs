//! Power states: operating points, what changing them costs, power gating, and what hardware draws while it does nothing.
//!
//! A *unit of power* is an accelerator, or the memory behind all of them. Each has a list of operating points by rising
//! frequency. The cost models state costs at its *nominal* point; at another point
//!
//! ```text
//! compute time    = nominal time * f_nominal / f        of the accelerator, rounded up to a picosecond
//! transfer time   = nominal time * f_nominal / f        of the memory, rounded up to a picosecond
//! exposed time    = the longer of both                  which of them it waits for is not stated
//! bandwidth       = nominal bandwidth * f / f_nominal   of the memory, rounded down to a unit
//! dynamic energy  = nominal energy * (V / V_nominal)^2  of the accelerator; that of DRAM accesses with the memory's voltage
//! ```
//!
//! Voltage counts with its square and time with the inverse of the frequency, as the device-tree binding of operating
//! points (`dynamic-power-coefficient`: P = C V^2 f) has it. The power that does not depend on work is stated for each
//! point, while something runs (static) and while nothing does (idle).

use rtmm_workload::Duration;
use rtmm_workload::define_index;

use crate::energy::Energy;
use crate::ids::AcceleratorId;

define_index!(
    /// An operating point: a position among those of its accelerator, or of the memory.
    PointId
);

/// The most operating points of an accelerator, and of the memory.
pub const MAX_POINTS: usize = 32;

/// Power in whole nanowatts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Power(u64);

impl Power {
    /// No power.
    pub const ZERO: Self = Self(0);

    /// So many nanowatts.
    #[must_use]
    pub const fn from_nanowatts(nanowatts: u64) -> Self {
        Self(nanowatts)
    }

    /// Nanowatts.
    #[must_use]
    pub const fn nanowatts(self) -> u64 {
        self.0
    }

    /// The energy of a number of picoseconds, exactly, in zeptojoules: a millionth of a femtojoule. Saturates.
    #[must_use]
    pub const fn zeptojoules(self, picoseconds: u128) -> u128 {
        (self.0 as u128).saturating_mul(picoseconds)
    }
}

/// A pair of frequency and voltage at which hardware can run, with the power that it draws there whatever it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OperatingPoint {
    /// The clock, in hertz; above zero.
    pub hertz: u64,
    /// The supply voltage, in microvolts; above zero.
    pub microvolts: u64,
    /// Power beside that of the work, while something runs.
    pub static_power: Power,
    /// Power while nothing runs.
    pub idle_power: Power,
}

/// The cost of a change from one operating point to another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PointSwitch {
    /// Time from the decision until the new point is in effect.
    pub time: Duration,
    /// Energy of a change.
    pub energy: Energy,
    /// True if nothing runs on the hardware in that time; without, it goes on at the point before.
    pub stalls: bool,
}

/// Power gating: a state in which an accelerator without work draws next to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gating {
    /// Power in that state.
    pub power: Power,
    /// Time from a dispatch until the accelerator can begin.
    pub wake_time: Duration,
    /// Energy of a wake-up.
    pub wake_energy: Energy,
}

/// The power states of an accelerator, or of the memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PowerStates {
    /// At least one, by rising frequency.
    pub points: Vec<OperatingPoint>,
    /// The point that costs are stated for, and that a run begins at.
    pub nominal: PointId,
    /// The cost of changing from one point to another.
    pub switch: PointSwitch,
    /// Power gating; none where the hardware has no such state.
    pub gating: Option<Gating>,
}

impl PowerStates {
    /// An operating point; none for an unknown position.
    #[must_use]
    pub fn point(&self, point: PointId) -> Option<&OperatingPoint> {
        self.points.get(point.index())
    }

    /// The positions of the points, by rising frequency.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = PointId> + ExactSizeIterator + use<> {
        (0..self.points.len()).map(PointId::new)
    }

    /// A point relative to the nominal one.
    #[must_use]
    pub fn scaling(&self, point: PointId) -> Scaling {
        match (self.point(point), self.point(self.nominal)) {
            (Some(at), Some(nominal)) => Scaling::of(at, nominal),
            _ => Scaling::NOMINAL,
        }
    }

    /// Everything that determines results, in one canonical text.
    pub(crate) fn identity(&self) -> String {
        let Self { points, nominal, switch, gating } = self;
        let mut text = String::new();
        for OperatingPoint { hertz, microvolts, static_power, idle_power } in points {
            let (run, idle) = (static_power.nanowatts(), idle_power.nanowatts());
            text.push_str(&format!("{hertz}Hz@{microvolts}uV+{run}nW/{idle}nW,"));
        }
        let PointSwitch { time, energy, stalls } = switch;
        let (nominal, time, energy) = (nominal.index(), time.picoseconds(), energy.femtojoules());
        text.push_str(&format!("nominal={nominal} {time}ps+{energy}fJ"));
        if *stalls {
            text.push_str(" stalls");
        }
        if let Some(Gating { power, wake_time, wake_energy }) = gating {
            let (power, time) = (power.nanowatts(), wake_time.picoseconds());
            text.push_str(&format!(" gating={power}nW {time}ps+{}fJ", wake_energy.femtojoules()));
        }
        text
    }
}

/// The power of a platform that is no accelerator's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlatformPower {
    /// Power of all that is neither an accelerator nor the memory, from the start of a run to its end.
    pub background: Power,
    /// The power states of the memory behind all accelerators; none where it has one clock and its power is not stated.
    pub dram: Option<PowerStates>,
}

/// Hardware that has operating points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PowerUnit {
    /// An accelerator.
    Accelerator(AcceleratorId),
    /// The memory behind all accelerators.
    Dram,
}

/// Operating points that are in force for a run: of its accelerator, and of the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Points {
    /// The accelerator's.
    pub accelerator: PointId,
    /// The memory's.
    pub dram: PointId,
}

/// An operating point relative to the nominal one of the same hardware. Equal points are equal whatever list they stand in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scaling {
    /// Frequencies, at the point and nominal, without common divisors.
    hertz: (u64, u64),
    /// Voltages in the same way.
    volts: (u64, u64),
}

impl Scaling {
    /// The nominal point.
    pub const NOMINAL: Self = Self { hertz: (1, 1), volts: (1, 1) };

    fn of(point: &OperatingPoint, nominal: &OperatingPoint) -> Self {
        Self {
            hertz: reduced(point.hertz, nominal.hertz),
            volts: reduced(point.microvolts, nominal.microvolts),
        }
    }

    /// The time of what takes `nominal` at the nominal point, rounded up to a picosecond. Saturates.
    #[must_use]
    pub fn time(self, nominal: Duration) -> Duration {
        let (at, of) = self.hertz;
        if at == of {
            return nominal;
        }
        let exact = (u128::from(nominal.picoseconds()) * u128::from(of)).div_ceil(u128::from(at.max(1)));
        Duration::from_picoseconds(u64::try_from(exact).unwrap_or(u64::MAX))
    }

    /// A rate at the point, of one that is `nominal` at the nominal point; rounded down to a unit. Saturates.
    #[must_use]
    pub fn rate(self, nominal: u64) -> u64 {
        let (at, of) = self.hertz;
        if at == of {
            return nominal;
        }
        let exact = u128::from(nominal) * u128::from(at) / u128::from(of.max(1));
        u64::try_from(exact).unwrap_or(u64::MAX)
    }

    /// The square of the voltage, relative to the nominal one.
    #[must_use]
    pub fn dynamic(self) -> f64 {
        let (at, of) = self.volts;
        let ratio = at as f64 / of.max(1) as f64;
        ratio * ratio
    }
}

/// Two numbers without their greatest common divisor.
fn reduced(one: u64, other: u64) -> (u64, u64) {
    let (mut divisor, mut rest) = (one, other);
    while rest > 0 {
        (divisor, rest) = (rest, divisor % rest);
    }
    (one / divisor.max(1), other / divisor.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(hertz: u64, microvolts: u64) -> OperatingPoint {
        OperatingPoint { hertz, microvolts, static_power: Power::ZERO, idle_power: Power::ZERO }
    }

    #[test]
    fn times_are_rounded_up_and_rates_down() {
        let of = |hertz, microvolts| Scaling::of(&point(hertz, microvolts), &point(900, 800_000));
        let span = Duration::from_picoseconds;
        assert_eq!(of(300, 800_000).time(span(7)), span(21));
        assert_eq!(of(700, 800_000).time(span(10)), span(13), "12.86");
        assert_eq!(of(700, 800_000).rate(10), 7, "7.78");
        assert_eq!(of(1_800, 800_000).time(span(7)), span(4), "3.5");
        assert_eq!(of(300, 800_000).time(Duration::MAX), Duration::MAX);
        assert_eq!(of(300, 400_000).dynamic(), 0.25);
        assert_eq!(of(900, 800_000), Scaling::NOMINAL);
    }

    #[test]
    fn a_nanowatt_is_a_zeptojoule_a_picosecond() {
        // A milliwatt over a microsecond is a nanojoule.
        assert_eq!(Power::from_nanowatts(1_000_000).zeptojoules(1_000_000), 1_000_000_000_000);
    }
}
