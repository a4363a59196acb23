//! Costs of each module of each model, by the size of its input.
//!
//! The launch time of a module does not depend on its input. Its work and its pressure do: they are known at powers of two
//! of the size (batch times sequence) and lie on straight lines between.

use crate::Segment;

/// Size of the input of a segment: batch times tokens.
fn size(segment: &Segment) -> u64 {
    u64::from(segment.batch.max(1)) * u64::from(segment.sequence.max(1))
}

/// Place of a model in the parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Model {
    /// The number of modules; at least 1.
    modules: usize,
    /// Binary logarithm of the smallest size that is known.
    least: u32,
    /// The number of sizes that are known: powers of two from the smallest on.
    sizes: usize,
    /// The launch time of its first module.
    launch: usize,
    /// The work of its first module at its smallest size.
    work: usize,
}

/// Parameter vector: where each parameter stands in it.
///
/// Logarithms of launch times, then logarithms of work, then the deviation of pressures, then the limit of the pressure and
/// the fixed time of a group.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Layout {
    models: Vec<Option<Model>>,
    /// A module that stands for those of models that were not seen.
    typical: Model,
    launches: usize,
    works: usize,
}

/// Module at a size, as a place in the parameters: between two sizes, `part` of the way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub launch: usize,
    pub low: usize,
    pub high: usize,
    pub part: f64,
    /// Beyond the largest size the work grows in proportion.
    pub beyond: f64,
}

impl Place {
    /// The place of the module so many behind, at the same size.
    pub(super) const fn next(self, modules: usize) -> Self {
        Self { launch: self.launch + modules, low: self.low + modules, high: self.high + modules, ..self }
    }
}

/// Places of the modules of a segment, side by side.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    /// That of its first module.
    pub first: Place,
    /// The number of modules; at least 1.
    pub count: usize,
    /// Modules behind them that count as the last of them.
    pub repeats: usize,
}

impl Layout {
    /// The places for all models of some segments.
    pub(super) fn of<'s>(segments: impl Iterator<Item = &'s Segment>) -> Self {
        // The number of modules and the range of sizes of each model.
        let mut seen: Vec<Option<(u32, u32, u32)>> = Vec::new();
        for segment in segments.filter(|segment| segment.start < segment.end) {
            let index = segment.model.index();
            if seen.len() <= index {
                seen.resize(index + 1, None);
            }
            let size = size(segment);
            let (below, above) = (size.ilog2(), size.ilog2() + u32::from(!size.is_power_of_two()));
            let (modules, least, greatest) = seen[index].unwrap_or((0, below, above));
            seen[index] = Some((modules.max(segment.end), least.min(below), greatest.max(above)));
        }
        let least = seen.iter().flatten().map(|(_, least, _)| *least).min().unwrap_or(0);
        let greatest = seen.iter().flatten().map(|(.., greatest)| *greatest).max().unwrap_or(0);
        let mut layout = Self {
            models: Vec::with_capacity(seen.len()),
            typical: Model { modules: 1, least, sizes: 0, launch: 0, work: 0 },
            launches: 0,
            works: 0,
        };
        let mut place = |(modules, least, greatest): (u32, u32, u32)| {
            let (modules, sizes) = (modules as usize, (greatest - least) as usize + 1);
            let model = Model { modules, least, sizes, launch: layout.launches, work: layout.works };
            layout.launches += modules;
            layout.works += modules * sizes;
            model
        };
        let models = seen.into_iter().map(|seen| seen.map(&mut place)).collect();
        let typical = place((1, least, greatest));
        layout.models = models;
        layout.typical = typical;
        layout
    }

    /// The number of parameters.
    pub(super) const fn len(&self) -> usize {
        self.launches + 2 * self.works + 2
    }

    pub(super) const fn work(&self, index: usize) -> usize {
        self.launches + index
    }

    pub(super) const fn deviation(&self, index: usize) -> usize {
        self.launches + self.works + index
    }

    /// The limit of the pressure, as a logarithm.
    pub(super) const fn limit(&self) -> usize {
        self.launches + 2 * self.works
    }

    /// The fixed time of a group, as a logarithm of microseconds.
    pub(super) const fn fixed(&self) -> usize {
        self.limit() + 1
    }

    /// The places of a segment's modules. A module beyond those seen counts as the last of its model.
    pub(super) fn places(&self, segment: &Segment) -> impl Iterator<Item = Place> + use<> {
        let (model, first) = self.first(segment);
        (segment.start..segment.end).map(move |module| first.next((module as usize).min(model.modules - 1)))
    }

    /// The same places as a row; none for a segment without modules.
    pub(super) fn row(&self, segment: &Segment) -> Option<Row> {
        let (model, first) = self.first(segment);
        let all = segment.end.checked_sub(segment.start).filter(|all| *all > 0)? as usize;
        let start = (segment.start as usize).min(model.modules - 1);
        let count = all.min(model.modules - start);
        Some(Row { first: first.next(start), count, repeats: all - count })
    }

    /// The model of a segment, and the place of its first module at the segment's size.
    fn first(&self, segment: &Segment) -> (Model, Place) {
        let model = self.models.get(segment.model.index()).copied().flatten().unwrap_or(self.typical);
        let size = size(segment);
        let last = model.sizes - 1;
        let low = (size.ilog2().saturating_sub(model.least) as usize).min(last);
        // As a multiple of the size at `low`, at least 1: below the smallest size nothing gets shorter.
        let above = (size as f64 / (1_u64 << (model.least as usize + low).min(63)) as f64).max(1.0);
        let (high, part, beyond) = if low == last { (low, 0.0, above) } else { (low + 1, above - 1.0, 1.0) };
        let row = |size: usize| model.work + size * model.modules;
        (model, Place { launch: model.launch, low: row(low), high: row(high), part, beyond })
    }

    /// The modules of all models that were seen, and of none else, as pairs of neighbours: parameters that are alike where
    /// no measurement tells them apart, and by how much the second is larger.
    pub(super) fn neighbours(&self) -> Vec<(usize, usize, f64)> {
        let mut pairs = Vec::new();
        for model in self.models.iter().flatten() {
            for module in 1..model.modules {
                pairs.push((model.launch + module - 1, model.launch + module, 0.0));
            }
            for size in 0..model.sizes {
                for module in 0..model.modules {
                    let here = model.work + size * model.modules + module;
                    if module > 0 {
                        pairs.push((self.work(here - 1), self.work(here), 0.0));
                    }
                    if size > 0 {
                        pairs.push((
                            self.work(here - model.modules),
                            self.work(here),
                            std::f64::consts::LN_2,
                        ));
                    }
                }
            }
        }
        pairs
    }

    /// Takes the logarithm of 2 from the work of each size for each size above it: work in proportion to the size.
    pub(super) fn halve_work(&self, parameters: &mut [f64]) {
        for model in self.models.iter().flatten() {
            for size in 0..model.sizes {
                let above = (model.sizes - 1 - size) as f64;
                let first = self.work(model.work + size * model.modules);
                for work in &mut parameters[first..first + model.modules] {
                    *work -= above * std::f64::consts::LN_2;
                }
            }
        }
    }

    /// Writes the means of all modules that were seen into the place of unseen models. A size that none was seen at has
    /// twice the work of the size below.
    pub(super) fn fill_typical(&self, parameters: &mut [f64]) {
        let seen = || self.models.iter().flatten();
        let launches = seen().flat_map(|model| model.launch..model.launch + model.modules);
        parameters[self.typical.launch] = mean(launches.map(|index| parameters[index])).unwrap_or(0.0);
        let (mut work, mut deviation) = (0.0, 0.0);
        for size in 0..self.typical.sizes {
            let places = || {
                seen().flat_map(move |model| {
                    let row = (self.typical.least as usize + size)
                        .checked_sub(model.least as usize)
                        .filter(|row| *row < model.sizes);
                    row.map(|row| model.work + row * model.modules)
                        .map_or(0..0, |first| first..first + model.modules)
                })
            };
            let at =
                |place: fn(&Self, usize) -> usize| mean(places().map(|index| parameters[place(self, index)]));
            work = at(Self::work).unwrap_or(work + std::f64::consts::LN_2);
            deviation = at(Self::deviation).unwrap_or(deviation);
            parameters[self.work(self.typical.work + size)] = work;
            parameters[self.deviation(self.typical.work + size)] = deviation;
        }
    }
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0_u32), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / f64::from(count))
}
