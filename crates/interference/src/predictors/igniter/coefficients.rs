//! Coefficients of iGniter's model, from a few measurements of each model alone.

use super::NAME;
use crate::linear::LeastSquares;
use crate::measurements::{Measurements, PowerPoint};
use crate::{FitError, Inference, ModelKey};

/// Points of a search for the offset of shares.
const GRID: u32 = 400;
/// The least and the greatest offset, in percent of the SMs.
const OFFSETS: (f64, f64) = (1e-3, 100.0);
/// Steps that narrow the best interval of the search.
const STEPS: usize = 60;
/// The least number of measurements of a model: one more than the active time has unknowns.
const MIN_POINTS: usize = 6;

/// Coefficients of a GPU.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gpu {
    pub idle_power_w: f64,
    pub max_power_w: f64,
    pub max_clock_mhz: f64,
    pub bytes_per_ms: f64,
}

/// Coefficients of a model.
#[derive(Clone, Debug)]
pub(super) struct ModelCoefficients {
    /// `k1, k2, k3, k5` of the active time, in milliseconds.
    active: [f64; 4],
    /// `k4`, in percent of the SMs.
    offset: f64,
    /// Slope and constant of the power, in watts.
    power: [f64; 2],
    /// Slope and constant of the L2 utilisation, in percent.
    l2: [f64; 2],
    /// Growth of the active time with each percent of L2 utilisation by others.
    pub cache: f64,
    pub kernels: f64,
    pub idle_ms: f64,
    /// Bytes of an input and its output.
    pub bytes: f64,
}

fn missing(what: String) -> FitError {
    let help = "give tables of power and clock and of coefficients, such as igniter/v100-power and \
                igniter/v100-coefficients, or choose another predictor";
    FitError::Missing { predictor: NAME, what, help: help.to_owned() }
}

/// The values of a coefficient; none where it is not stated.
fn values<'m>(measurements: &'m Measurements, model: Option<ModelKey>, name: &str) -> Option<&'m [f64]> {
    let mut all = measurements.coefficients.iter();
    all.find(|one| one.model == model && one.name == name).map(|one| one.values.as_slice())
}

impl Gpu {
    pub(super) fn of(measurements: &Measurements) -> Result<Self, FitError> {
        let one = |name: &str| {
            let value = values(measurements, None, name).and_then(|values| values.first()).copied();
            value
                .filter(|value| *value > 0.0)
                .ok_or_else(|| missing(format!("the coefficient `{name}` of the hardware")))
        };
        Ok(Self {
            idle_power_w: one("idlepower")?,
            max_power_w: one("maxGPUpower")?,
            max_clock_mhz: one("maxGPUfrequency")?,
            bytes_per_ms: one("bandwidth")?,
        })
    }
}

impl ModelCoefficients {
    /// The coefficients of a model; none where it has no row of power and clock.
    pub(super) fn fit(
        measurements: &Measurements,
        model: ModelKey,
        gpu: &Gpu,
    ) -> Result<Option<Self>, FitError> {
        let points: Vec<&PowerPoint> =
            measurements.powers.iter().filter(|point| point.model == model).collect();
        if points.is_empty() {
            return Ok(None);
        }
        let label = measurements.names.name(model);
        if points.len() < MIN_POINTS {
            let has = points.len();
            return Err(missing(format!(
                "{MIN_POINTS} rows of power and clock of `{label}`, which has {has}"
            )));
        }
        let one = |name: &str| {
            let value = values(measurements, Some(model), name).and_then(|values| values.first()).copied();
            value.ok_or_else(|| missing(format!("the coefficient `{name}` of `{label}`")))
        };
        let idle_ms = one("idletime_1")?;
        let active: Vec<f64> =
            points.iter().map(|point| point.gpu_ms * point.clock_mhz / gpu.max_clock_mhz - idle_ms).collect();
        if active.iter().any(|active| *active <= 0.0) {
            return Err(missing(format!("an `idletime_1` of `{label}` that is below its times on the GPU")));
        }
        let (offset, active_weights) = active_fit(&points, &active);
        let ability = |position: usize| 1e3 * f64::from(points[position].batch) / active[position];
        // A throttled GPU draws its limit, whatever its load.
        let unthrottled = |position: &usize| points[*position].clock_mhz >= gpu.max_clock_mhz;
        let power = line(
            (0..points.len())
                .filter(unthrottled)
                .map(|position| (ability(position), points[position].power_w - gpu.idle_power_w)),
        );
        let caches = values(measurements, Some(model), "l2caches")
            .ok_or_else(|| missing(format!("the coefficient `l2caches` of `{label}`")))?;
        // They are of a small batch on few SMs, a middle one on half, and a large one on all.
        let mut order: Vec<usize> = (0..points.len()).collect();
        order.sort_by_key(|position| (points[*position].batch, points[*position].share));
        let diagonal = [0, order.len() / 2, order.len() - 1].map(|place| order[place]);
        let l2 = line(diagonal.into_iter().zip(caches).map(|(position, l2)| (ability(position), *l2)));
        let [first, second] = [one("activetime_1")?, one("activetime_2")?];
        let (clock, cache) = (one("frequency_2")?, one("l2cache")?);
        if first <= 0.0 || cache <= 0.0 {
            return Err(missing(format!("`activetime_1` and `l2cache` of `{label}` above 0")));
        }
        Ok(Some(Self {
            active: active_weights,
            offset,
            power,
            l2,
            cache: (second * clock / gpu.max_clock_mhz / first - 1.0) / cache,
            kernels: one("kernel")?,
            idle_ms,
            bytes: one("inputdata")? + one("outputdata")?,
        }))
    }

    /// Active time alone, in milliseconds.
    pub(super) fn active_ms(&self, inference: &Inference) -> f64 {
        let (batch, share) = (f64::from(inference.batch), inference.share.in_percent());
        let [square, linear, constant, rest] = self.active;
        let time = (square * batch * batch + linear * batch + constant) / (share + self.offset) + rest;
        // Far from what was measured the polynomial may fall below any time.
        time.max(1e-3)
    }

    fn ability(&self, inference: &Inference) -> f64 {
        1e3 * f64::from(inference.batch) / self.active_ms(inference)
    }

    /// L2 utilisation alone, in percent.
    pub(super) fn l2(&self, inference: &Inference) -> f64 {
        (self.l2[0] * self.ability(inference) + self.l2[1]).clamp(0.0, 100.0)
    }

    /// Power above that of an idle GPU, in watts.
    pub(super) fn power_w(&self, inference: &Inference) -> f64 {
        (self.power[0] * self.ability(inference) + self.power[1]).clamp(0.0, 1e4)
    }
}

/// Slope and constant of a line through points.
fn line(points: impl Iterator<Item = (f64, f64)>) -> [f64; 2] {
    let mut system = LeastSquares::new(2);
    points.for_each(|(x, y)| system.add(&[x, 1.0], y, 1.0));
    let weights = system.solve();
    [weights[0], weights[1]]
}

/// The offset of shares and the weights of the active time, by least squares of absolute errors: for a given offset the
/// weights are linear, and the offset is searched for.
fn active_fit(points: &[&PowerPoint], active: &[f64]) -> (f64, [f64; 4]) {
    let at = |offset: f64| {
        let mut system = LeastSquares::new(4);
        let row = |point: &PowerPoint| {
            let (batch, share) = (f64::from(point.batch), point.share.in_percent() + offset);
            [batch * batch / share, batch / share, 1.0 / share, 1.0]
        };
        for (point, active) in points.iter().zip(active) {
            system.add(&row(point), *active, 1.0);
        }
        let weights = system.solve();
        let error = |(point, active): (&&PowerPoint, &f64)| {
            let error = crate::linear::dot(&weights, &row(point)) - active;
            error * error
        };
        (points.iter().zip(active).map(error).sum::<f64>(), [weights[0], weights[1], weights[2], weights[3]])
    };
    let (least, greatest) = OFFSETS;
    let place = |step: u32| least * libm::pow(greatest / least, f64::from(step) / f64::from(GRID));
    let best = (0..=GRID).min_by(|one, other| at(place(*one)).0.total_cmp(&at(place(*other)).0)).unwrap_or(0);
    let (mut low, mut high) = (place(best.saturating_sub(1)), place((best + 1).min(GRID)));
    for _ in 0..STEPS {
        let third = (high - low) / 3.0;
        let (one, other) = (low + third, high - third);
        if at(one).0 <= at(other).0 { high = other } else { low = one }
    }
    let offset = low + (high - low) / 2.0;
    (offset, at(offset).1)
}
