//! Ways through models: for each layer the accelerator that it runs on.
//!
//! On the first way each layer runs where it is fastest, and where moves between accelerators take time, all layers together take least. On the others some accelerators have a price: each layer runs where latency
//! times price is least, so that the layers that leave a dear accelerator are those that lose least elsewhere. Prices are
//! the dual variables of the capacity of accelerators in the linear program of layers on unlike machines; here they are a few, in
//! advance. Accelerators that run all layers equally fast have one price, and ways that begin with different ones of them.

use rtmm_hardware::AcceleratorId;
use rtmm_workload::ModelId;

use super::points;
use crate::job::{Place, Progress};
use crate::state::UnitState;
use crate::view::View;

/// Costs of single layers at the nominal points.
#[derive(Clone, Copy, Debug)]
pub(super) struct Costs<'c, 'v> {
    pub view: &'c View<'v>,
    /// True if power that hardware draws for that something runs counts as energy of that.
    pub held: bool,
}

impl Costs<'_, '_> {
    /// The energy of a layer on all of an accelerator, in femtojoules.
    fn energy(&self, model: ModelId, layer: u32, on: usize) -> u64 {
        let (profile, accelerator) = (self.view.profile, AcceleratorId::new(on));
        let class = profile.whole(accelerator);
        let work = profile.energy(model, layer, class).total().femtojoules();
        let latency = profile.latency(model, layer, class).picoseconds();
        let held =
            if self.held { points::held(self.view, on, points::highest(self.view, on), latency) } else { 0 };
        work.saturating_add(held)
    }
}

/// A layer of a model on a way, with all that follows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub on: usize,
    /// Latency and energy of this layer and all that follow.
    pub left: u64,
    pub energy: u64,
}

/// A way through a model.
#[derive(Clone, Debug, Default)]
struct Way {
    steps: Vec<Step>,
    /// A row a layer, a column an accelerator: latency of the layers from there on that run on it.
    shares: Vec<u64>,
}

/// Prices in quarters, by accelerator, and the accelerator that comes first of equal ones.
#[derive(Debug)]
struct Prices {
    quarters: Vec<u64>,
    first: usize,
}

/// No price: all accelerators count as they are.
const PLAIN: u64 = 4;
/// Prices of one kind of accelerators beside others.
const DEAR: [u64; 3] = [5, 7, 10];
/// The most ways through a model.
const MOST: usize = 16;

/// Ways through all models; of equal accelerators the one that takes less energy, then the one that the platform states first.
#[derive(Clone, Debug, Default)]
pub(super) struct Ways {
    /// By model, then way: those with prices, and the one of least energy.
    ways: Vec<Way>,
    /// Ways through a model with prices.
    count: usize,
    accelerators: usize,
}

impl Ways {
    /// Looks all layers up, at the nominal points.
    pub(super) fn new(costs: Costs<'_, '_>) -> Self {
        let view = costs.view;
        let accelerators = view.accelerators.len();
        if accelerators < 2 {
            return Self::default();
        }
        let prices = prices(view);
        let models = (0..view.profile.models()).map(ModelId::new);
        let ways = models.flat_map(|model| {
            let priced = prices.iter().map(move |prices| Way::new(costs, model, prices));
            priced.chain(std::iter::once_with(move || Way::best(costs, model, Aim::Energy)))
        });
        Self { ways: ways.collect(), count: prices.len(), accelerators }
    }

    /// The way of least energy, if there are ways.
    pub(super) fn cheapest(&self) -> Option<usize> {
        (self.count > 0).then_some(self.count)
    }

    /// The number of ways through a model with prices.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    fn way(&self, model: ModelId, way: usize) -> Option<&Way> {
        self.ways.get(model.index() * (self.count + 1) + way)
    }

    /// All layers from one on.
    pub(super) fn steps(&self, model: ModelId, way: usize, layer: u32) -> &[Step] {
        self.way(model, way).and_then(|way| way.steps.get(layer as usize..)).unwrap_or_default()
    }

    /// The least latency of everything from a layer on; none where there is no way.
    pub(super) fn left(&self, model: ModelId, layer: u32) -> Option<u64> {
        self.steps(model, 0, layer).first().map(|step| step.left)
    }

    /// The accelerator that a layer runs on.
    pub(super) fn on(&self, model: ModelId, way: usize, layer: u32) -> Option<usize> {
        self.steps(model, way, layer).first().map(|step| step.on)
    }

    /// Latency of everything from a layer on, by accelerator.
    pub(super) fn shares(&self, model: ModelId, way: usize, layer: u32) -> &[u64] {
        let first = layer as usize * self.accelerators;
        let way = self.way(model, way);
        way.and_then(|way| way.shares.get(first..first + self.accelerators)).unwrap_or_default()
    }
}

/// The prices of all ways, the plain ones first.
fn prices(view: &View<'_>) -> Vec<Prices> {
    let profile = view.profile;
    let width = view.accelerators.len();
    let is_alike = |one: usize, other: usize| {
        let [one, other] = [one, other].map(|on| profile.whole(AcceleratorId::new(on)));
        (0..profile.models()).map(ModelId::new).all(|model| {
            (0..profile.layers(model)).all(|layer| {
                let of = |class| {
                    let runs = profile.supports(model, layer, class);
                    runs.then(|| profile.latency(model, layer, class))
                };
                of(one) == of(other)
            })
        })
    };
    let mut kinds: Vec<usize> = Vec::with_capacity(width);
    for on in 0..width {
        let kind = (0..on).find(|other| is_alike(*other, on)).map_or(on, |other| kinds[other]);
        kinds.push(kind);
    }
    let plain = |first| Prices { quarters: vec![PLAIN; width], first };
    if kinds.iter().all(|kind| *kind == kinds[0]) {
        return vec![plain(0)];
    }
    // The places that accelerators have among those of their kind.
    let places: Vec<usize> =
        (0..width).map(|on| kinds[..on].iter().filter(|kind| **kind == kinds[on]).count()).collect();
    let mut firsts: Vec<usize> = Vec::new();
    for on in 0..width {
        if !firsts.iter().any(|first| places[*first] == places[on]) {
            firsts.push(on);
        }
    }
    let mut prices: Vec<Prices> = firsts.iter().copied().map(plain).collect();
    for quarters in DEAR {
        for kind in (0..width).filter(|on| kinds[*on] == *on) {
            for first in &firsts {
                let of = |on: usize| if kinds[on] == kind { quarters } else { PLAIN };
                prices.push(Prices { quarters: (0..width).map(of).collect(), first: *first });
            }
        }
    }
    prices.truncate(MOST);
    prices
}

/// Measure by which a way is the best.
#[derive(Clone, Copy, Debug)]
enum Aim<'p> {
    /// The least energy, context switches between stays included, of equal ones the least latency.
    Energy,
    /// The least latency times price, of equal ones the least energy.
    Price(&'p Prices),
}

/// Sums over all layers from one on.
#[derive(Clone, Copy, Debug)]
struct Sums {
    aim: u128,
    time: u64,
    energy: u64,
    /// Where the next layer runs.
    next: usize,
}

impl Way {
    fn new(costs: Costs<'_, '_>, model: ModelId, prices: &Prices) -> Self {
        let Costs { view, .. } = costs;
        let profile = view.profile;
        if profile.has_transfers() {
            return Self::best(costs, model, Aim::Price(prices));
        }
        // Where a move is free each layer is by itself.
        let width = view.accelerators.len();
        let on = (0..profile.layers(model)).map(|layer| {
            let cost = |on: usize| {
                let class = profile.whole(AcceleratorId::new(on));
                let latency = profile.latency(model, layer, class).picoseconds();
                let priced = u128::from(latency) * u128::from(prices.quarters[on]);
                let energy = costs.energy(model, layer, on);
                (priced, latency, energy, (on + width - prices.first) % width, on)
            };
            let can = |on: &usize| profile.runs(model, layer, AcceleratorId::new(*on));
            (0..width).filter(can).map(cost).min().map(|(.., on)| on)
        });
        on.collect::<Option<Vec<usize>>>()
            .map_or_else(Self::default, |on| Self::through(costs, model, &on, false))
    }

    /// The best way, with what moves between accelerators take.
    fn best(costs: Costs<'_, '_>, model: ModelId, aim: Aim<'_>) -> Self {
        let Costs { view, .. } = costs;
        let profile = view.profile;
        let (layers, width) = (profile.layers(model), view.accelerators.len());
        let switches = matches!(aim, Aim::Energy);
        let of = |on: usize, time: u64, energy: u64| match aim {
            Aim::Energy => u128::from(energy),
            Aim::Price(prices) => u128::from(time) * u128::from(prices.quarters[on]),
        };
        let rank = |on: usize| match aim {
            Aim::Energy => on,
            Aim::Price(prices) => (on + width - prices.first) % width,
        };
        // By layer, from the last one on, and accelerator: the least for all from there on.
        let mut least: Vec<Vec<Option<Sums>>> = vec![vec![None; width]; layers as usize];
        for layer in (0..layers).rev() {
            for on in 0..width {
                let accelerator = AcceleratorId::new(on);
                if !profile.runs(model, layer, accelerator) {
                    continue;
                }
                let time = profile.latency(model, layer, profile.whole(accelerator)).picoseconds();
                let energy = costs.energy(model, layer, on);
                let own = Sums { aim: of(on, time, energy), time, energy, next: on };
                let Some(behind) = least.get(layer as usize + 1) else {
                    least[layer as usize][on] = Some(own);
                    continue;
                };
                let behind = behind.iter().enumerate().filter_map(|(next, sums)| {
                    let sums = (*sums)?;
                    let (time, energy) = paid(view, model, layer + 1, (on, next), switches);
                    Some(Sums {
                        aim: sums.aim + of(next, time, energy),
                        time: sums.time.saturating_add(time),
                        energy: sums.energy.saturating_add(energy),
                        next,
                    })
                });
                let behind = behind.min_by_key(|sums| (sums.aim, sums.time, sums.energy, rank(sums.next)));
                least[layer as usize][on] = behind.map(|behind| Sums {
                    aim: own.aim + behind.aim,
                    time: own.time.saturating_add(behind.time),
                    energy: own.energy.saturating_add(behind.energy),
                    next: behind.next,
                });
            }
        }
        let begins = |row: &Vec<Option<Sums>>| {
            let of = row.iter().enumerate().filter_map(|(on, sums)| sums.map(|sums| (on, sums)));
            of.min_by_key(|(on, sums)| (sums.aim, sums.time, sums.energy, rank(*on))).map(|(on, _)| on)
        };
        let Some(mut on) = least.first().and_then(begins) else { return Self::default() };
        let mut way = Vec::with_capacity(layers as usize);
        for row in &least {
            way.push(on);
            on = row[on].map_or(on, |sums| sums.next);
        }
        Self::through(costs, model, &way, switches)
    }

    /// The way through these accelerators, with context switches between stays or without.
    fn through(costs: Costs<'_, '_>, model: ModelId, on: &[usize], switches: bool) -> Self {
        let Costs { view, .. } = costs;
        let profile = view.profile;
        let (layers, width) = (on.len(), view.accelerators.len());
        let mut way = Self { steps: Vec::with_capacity(layers), shares: vec![0; layers * width] };
        for layer in (0..layers).rev() {
            let class = profile.whole(AcceleratorId::new(on[layer]));
            let mut latency = profile.latency(model, layer as u32, class).picoseconds();
            let mut energy = costs.energy(model, layer as u32, on[layer]);
            if layer > 0 {
                let (time, spent) = paid(view, model, layer as u32, (on[layer - 1], on[layer]), switches);
                (latency, energy) = (latency.saturating_add(time), energy.saturating_add(spent));
            }
            let (left, energy_left) = way.steps.last().map_or((0, 0), |next| (next.left, next.energy));
            let (left, energy) = (left.saturating_add(latency), energy_left.saturating_add(energy));
            way.steps.push(Step { on: on[layer], left, energy });
            let row = layer * width;
            if layer + 1 < layers {
                way.shares.copy_within(row + width..row + 2 * width, row);
            }
            way.shares[row + on[layer]] = way.shares[row + on[layer]].saturating_add(latency);
        }
        way.steps.reverse();
        way
    }
}

/// The time and the energy with which a job goes on with a layer on another accelerator: of the move of its activations, and of the context
/// switch there.
fn paid(
    view: &View<'_>,
    model: ModelId,
    layer: u32,
    (from, to): (usize, usize),
    switches: bool,
) -> (u64, u64) {
    if from == to {
        return (0, 0);
    }
    let (mut time, mut energy) = if switches { switch(view, model, layer, to) } else { (0, 0) };
    let place =
        Place { accelerator: AcceleratorId::new(from), layer: layer.checked_sub(1), is_written: false };
    let moved = view.profile.transfer(model, Progress::at(layer), Some(place), AcceleratorId::new(to));
    if let Some((of_move, spent)) = moved {
        time = time.saturating_add(of_move.picoseconds());
        energy = energy.saturating_add(spent.femtojoules());
    }
    (time, energy)
}

/// The time and the energy of the context switch with which a model comes to an accelerator at a layer, where another one ran there.
fn switch(view: &View<'_>, model: ModelId, layer: u32, on: usize) -> (u64, u64) {
    let profile = view.profile;
    let mut others = (0..profile.models()).map(ModelId::new).filter(|other| *other != model);
    let state = |other| UnitState { last_model: Some(other), last_layer: None, last_units: 1, last_jobs: 1 };
    let moved = others.find_map(|other| profile.switched(std::iter::once(state(other)), model, layer, 1));
    moved.map_or((0, 0), |moved| {
        let (time, energy) = profile.switch_cost(AcceleratorId::new(on), moved);
        (time.picoseconds(), energy.femtojoules())
    })
}

/// The accelerators that a piece comes to, one after the other, with the latency of all layers in a row there.
pub(super) fn stays(mut steps: &[Step]) -> impl Iterator<Item = (usize, u64)> {
    std::iter::from_fn(move || {
        let first = steps.first()?;
        let length = steps.iter().take_while(|next| next.on == first.on).count();
        steps = &steps[length..];
        Some((first.on, first.left - steps.first().map_or(0, |next| next.left)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Fixture, TaskSketch};

    fn costs<'c, 'v>(view: &'c View<'v>) -> Costs<'c, 'v> {
        Costs { view, held: false }
    }

    fn us(latency_ps: u64) -> u64 {
        latency_ps / 1_000_000
    }

    #[test]
    fn layers_go_where_they_are_fastest_and_cost_least_of_equal_ones() {
        // Layers one and two are fastest on the first and on the second accelerator; of the third one the second takes less energy.
        let task = TaskSketch::new("a", &[&[4, 6], &[9, 3], &[2, 2]]);
        let fixture = Fixture::new(&[task.energy_pj(&[&[5.0, 1.0], &[5.0, 1.0], &[5.0, 1.0]])]).unwrap();
        let ways = Ways::new(costs(&fixture.view()));
        let model = ModelId::new(0);
        let steps: Vec<(usize, u64)> =
            ways.steps(model, 0, 0).iter().map(|step| (step.on, us(step.left))).collect();
        assert_eq!(steps, [(0, 9), (1, 5), (1, 2)]);
        assert_eq!(ways.steps(model, 0, 0)[0].energy, 7_000);
        let shares =
            |layer| ways.shares(model, 0, layer).iter().map(|share| us(*share)).collect::<Vec<u64>>();
        assert_eq!([shares(0), shares(1), shares(2)], [vec![4, 5], vec![0, 5], vec![0, 2]]);
        assert_eq!((ways.on(model, 0, 1), ways.left(model, 1).map(us)), (Some(1), Some(5)));
        // Behind the last layer there is nothing.
        assert_eq!((ways.on(model, 0, 3), ways.left(model, 3)), (None, None));
        assert!(ways.shares(model, 0, 3).is_empty());
    }

    #[test]
    fn one_accelerator_alone_has_no_ways() {
        let fixture = Fixture::new(&[TaskSketch::new("a", &[&[4]])]).unwrap();
        let ways = Ways::new(costs(&fixture.view()));
        assert!(ways.steps(ModelId::new(0), 0, 0).is_empty() && ways.left(ModelId::new(0), 0).is_none());
    }

    #[test]
    fn a_dear_accelerator_keeps_the_layers_that_lose_most_elsewhere() {
        // On the second accelerator the layers take 2, 1.5 and 1.1 times as long as on the first, which is fastest for all.
        let fixture = Fixture::new(&[TaskSketch::new("a", &[&[10, 20], &[10, 15], &[10, 11]])]).unwrap();
        let ways = Ways::new(costs(&fixture.view()));
        let on =
            |way| -> Vec<usize> { (0..3).filter_map(|layer| ways.on(ModelId::new(0), way, layer)).collect() };
        // Plain; the first one at 5 quarters, and the second; at 7; at 10.
        assert_eq!(ways.count(), 7);
        assert_eq!(on(0), [0, 0, 0]);
        assert_eq!([on(1), on(3), on(5)], [vec![0, 0, 1], vec![0, 1, 1], vec![1, 1, 1]]);
        assert_eq!([on(2), on(4), on(6)], [vec![0; 3], vec![0; 3], vec![0; 3]]);
        assert_eq!(
            ways.shares(ModelId::new(0), 3, 0).iter().map(|share| us(*share)).collect::<Vec<u64>>(),
            [10, 26]
        );
    }

    #[test]
    fn accelerators_that_are_alike_have_one_price_and_each_comes_first_once() {
        let fixture = Fixture::new(&[TaskSketch::new("a", &[&[10, 12, 12]])]).unwrap();
        let ways = Ways::new(costs(&fixture.view()));
        let on: Vec<Option<usize>> = (0..ways.count()).map(|way| ways.on(ModelId::new(0), way, 0)).collect();
        // Two kinds at three prices and plain, twice each for the second and the third one.
        assert_eq!(on.len(), 14);
        assert_eq!(on[..6], [Some(0), Some(0), Some(1), Some(2), Some(0), Some(0)]);
        // Of accelerators that are all alike none is dear.
        let fixture = Fixture::new(&[TaskSketch::new("a", &[&[10, 10]])]).unwrap();
        assert_eq!(Ways::new(costs(&fixture.view())).count(), 1);
    }
}
