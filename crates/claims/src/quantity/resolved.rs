//! A quantity under a reading: the cells that it needs of a plan, and its value.

use std::collections::BTreeMap;
use std::ops::Range;

use rtmm_sweep::axes::Amount;
use rtmm_sweep::plan::{Cell, Plan};
use rtmm_sweep::results::Results;
use rtmm_sweep::runner::Better;
use rtmm_sweep::statistics::{Bootstrap, Interval, MINIMUM_SAMPLES, geometric_mean, mean, over_seeds};

use super::{Across, Kind, Quantity};
use crate::reading::Reading;
use crate::selection::{Dimension, Selection};
use crate::side::{Choice, Side};

/// A measured value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// The value, in the unit of the claim.
    pub value: f64,
    /// Its 95 % interval over seeds; none where nothing is random, or over fewer than ten seeds.
    pub interval: Option<Interval>,
    /// The least number of seeds that a part is a mean over.
    pub seeds: usize,
    /// Number of places that were joined.
    pub places: usize,
}

/// A quantity under a reading, with the cells that it is of.
#[derive(Clone, Debug)]
pub struct Resolved {
    kind: Kind,
    across: Across,
    scale: f64,
    /// Position of the column.
    column: usize,
    better: Option<Better>,
    choices: [Option<Choice>; 2],
    /// The places, and those whose value is subtracted.
    places: Vec<Place>,
    less: Option<Vec<Place>>,
}

/// A place: the candidates of both sides, each as the indices of the cells that differ in the seed alone.
#[derive(Clone, Debug, Default)]
struct Place {
    sides: [Vec<Range<usize>>; 2],
}

/// All that the two sides share at a place.
type Key = (Option<usize>, Option<usize>, Option<usize>, Vec<Option<u64>>);

impl Resolved {
    /// Looks a quantity up in a plan.
    ///
    /// # Errors
    /// Reason why the plan does not have it, as a lower-case fragment.
    pub fn new(quantity: &Quantity, reading: &Reading, plan: &Plan<'_>) -> Result<Self, String> {
        let columns = &plan.spec().cell_columns;
        let name = reading.column.as_ref().unwrap_or(&quantity.column);
        let position = columns.iter().position(|column| column.name == name);
        let position =
            position.ok_or_else(|| format!("the runner `{}` has no column `{name}`", plan.spec().name))?;
        let column = &columns[position];
        if !column.kind.is_number() {
            return Err(format!("the column `{}` has no numbers", column.name));
        }
        let empty = Side::default();
        let sides =
            [(&quantity.of, &reading.of), (quantity.against.as_ref().unwrap_or(&empty), &reading.against)];
        let choices = sides.map(|(side, more)| more.choice.or(side.choice));
        if column.better.is_none()
            && (quantity.kind == Kind::Share
                || choices.iter().flatten().any(|choice| choice.needs_direction()))
        {
            return Err(format!("neither more nor less of `{}` is better", column.name));
        }
        let all = [&reading.filter, &quantity.among].into_iter().chain(quantity.less_among.as_ref());
        let of_sides = sides.iter().flat_map(|(side, more)| [&side.selection, &more.selection]);
        if let Some(fault) = all.chain(of_sides).find_map(|selection| selection.fault(plan)) {
            return Err(fault);
        }
        let resolve = |among: &[&Selection]| places(quantity, reading, among, sides, choices, plan);
        Ok(Self {
            kind: quantity.kind,
            across: quantity.across,
            scale: quantity.scale,
            column: position,
            better: column.better,
            choices,
            places: resolve(&[&quantity.among])?,
            less: quantity.less_among.as_ref().map(|less| resolve(&[less])).transpose()?,
        })
    }

    /// The cells that it needs, ascending.
    #[must_use]
    pub fn cells(&self) -> Vec<usize> {
        let places = self.places.iter().chain(self.less.iter().flatten());
        let mut cells: Vec<usize> =
            places.flat_map(|place| place.sides.iter().flatten()).cloned().flatten().collect();
        cells.sort_unstable();
        cells.dedup();
        cells
    }

    /// The value under results of the plan.
    ///
    /// # Errors
    /// Reason why there is none, as a lower-case fragment: a cell that failed, or a ratio to zero.
    pub fn measure(&self, results: &Results<'_>) -> Result<Measured, String> {
        let plan = results.plan();
        let of_cell = |index: usize| results.cells().get(index)?.as_ref()?.cell.get(self.column)?.number();
        let of_place = |place: &Place| {
            let side = |candidates: &Vec<Range<usize>>| {
                candidates.iter().map(|cells| cells.clone().map(of_cell).collect()).collect::<Vec<Vec<_>>>()
            };
            [side(&place.sides[0]), side(&place.sides[1])]
        };
        let values: Vec<Values> = self.places.iter().map(of_place).collect();
        let less: Option<Vec<Values>> = self.less.as_ref().map(|less| less.iter().map(of_place).collect());
        let every = || values.iter().chain(less.iter().flatten()).flatten().flatten();
        if every().any(|seeds: &Vec<Option<f64>>| seeds.iter().all(Option::is_none)) {
            return Err("a cell that it needs failed, or gave no value".to_owned());
        }
        let value = self.value(&values, less.as_deref(), None);
        let value = value.ok_or("it divides by zero, or takes the logarithm of what is not above zero")?;
        let random = every().filter(|seeds| seeds.len() > 1);
        let seeds = random.map(|seeds| seeds.iter().flatten().count()).min();
        let interval = seeds.filter(|seeds| *seeds >= MINIMUM_SAMPLES).and_then(|_| {
            let bootstrap = Bootstrap::new(plan.axes().seeds.len());
            bootstrap.interval_of(|drawn| self.value(&values, less.as_deref(), Some(drawn)))
        });
        Ok(Measured { value, interval, seeds: seeds.unwrap_or(1), places: self.places.len() })
    }

    fn value(&self, values: &[Values], less: Option<&[Values]>, drawn: Option<&[u32]>) -> Option<f64> {
        let value = self.joined(values, drawn)?;
        let value = match less {
            Some(less) => value - self.joined(less, drawn)?,
            None => value,
        };
        let value = value * self.scale;
        value.is_finite().then_some(value)
    }

    fn joined(&self, values: &[Values], drawn: Option<&[u32]>) -> Option<f64> {
        let places: Option<Vec<f64>> = values.iter().map(|place| self.at_place(place, drawn)).collect();
        let places = places?;
        // The largest reduction is that of the smallest ratio.
        let (largest, smallest) = match self.kind {
            Kind::Reduction => (Across::Smallest, Across::Largest),
            _ => (Across::Largest, Across::Smallest),
        };
        let joined = match self.across {
            Across::Mean => mean(&places),
            Across::GeometricMean => geometric_mean(&places).ok(),
            across if across == largest => places.iter().copied().max_by(f64::total_cmp),
            across if across == smallest => places.iter().copied().min_by(f64::total_cmp),
            Across::Largest | Across::Smallest => None,
        }?;
        Some(match self.kind {
            Kind::Reduction => 100.0 * (1.0 - joined),
            Kind::Share => 100.0 * joined,
            Kind::Mean | Kind::Ratio | Kind::Difference => joined,
        })
    }

    /// The value at a place; that of a reduction is the ratio.
    fn at_place(&self, place: &Values, drawn: Option<&[u32]>) -> Option<f64> {
        let of = self.side(&place[0], self.choices[0], drawn)?;
        if self.kind == Kind::Mean {
            return Some(of);
        }
        let against = self.side(&place[1], self.choices[1], drawn)?;
        let value = match self.kind {
            Kind::Mean => of,
            Kind::Ratio | Kind::Reduction => of / against,
            Kind::Difference => of - against,
            Kind::Share => {
                let is_better = match self.better? {
                    Better::Lower => of < against,
                    Better::Higher => of > against,
                };
                f64::from(u8::from(is_better))
            }
        };
        value.is_finite().then_some(value)
    }

    fn side(
        &self,
        candidates: &[Vec<Option<f64>>],
        choice: Option<Choice>,
        drawn: Option<&[u32]>,
    ) -> Option<f64> {
        let means: Option<Vec<f64>> = candidates.iter().map(|seeds| over_seeds(seeds, drawn)).collect();
        let means = means?.into_iter();
        let takes_least = match (choice, self.better) {
            (Some(Choice::Least), _)
            | (Some(Choice::Best), Some(Better::Lower))
            | (Some(Choice::Worst), Some(Better::Higher)) => true,
            (Some(Choice::Greatest | Choice::Best | Choice::Worst), _) => false,
            // One candidate alone: it is both.
            (None, _) => true,
        };
        if takes_least { means.min_by(f64::total_cmp) } else { means.max_by(f64::total_cmp) }
    }
}

/// The values of both sides at a place: by candidate, by seed.
type Values = [Vec<Vec<Option<f64>>>; 2];

/// The places that both sides have.
fn places(
    quantity: &Quantity,
    reading: &Reading,
    among: &[&Selection],
    sides: [(&Side, &Side); 2],
    choices: [Option<Choice>; 2],
    plan: &Plan<'_>,
) -> Result<Vec<Place>, String> {
    // A mean without a choice is of every group by itself, and shares all of them with itself.
    let is_each_alone = quantity.kind == Kind::Mean && choices[0].is_none();
    let names = |is_of: &dyn Fn(Dimension<'_>) -> bool| {
        !is_each_alone
            && sides.iter().any(|(side, more)| side.selection.has(is_of) || more.selection.has(is_of))
    };
    let is_named = [
        names(&|of| of == Dimension::Scenario),
        names(&|of| matches!(of, Dimension::Platform | Dimension::Label(_))),
        names(&|of| matches!(of, Dimension::Policy | Dimension::Parameter(_))),
    ];
    let key = |cell: &Cell| -> Key {
        let changes = plan.varied_scenario(cell).values.iter().enumerate();
        let changes = changes.map(|(position, amount)| {
            amount.filter(|_| !names(&|of| of == Dimension::Change(position))).map(Amount::millionths)
        });
        (
            (!is_named[0]).then(|| cell.workload.index()),
            (!is_named[1]).then(|| cell.platform.index()),
            (!is_named[2]).then(|| cell.policy.index()),
            changes.collect(),
        )
    };
    let mut found: BTreeMap<Key, Place> = BTreeMap::new();
    for cells in plan.groups() {
        let first = &cells[0];
        let is_in = |selection: &Selection| selection.holds(plan, first);
        if !is_in(&reading.filter) || !among.iter().all(|selection| is_in(selection)) {
            continue;
        }
        let used = if quantity.kind == Kind::Mean { 1 } else { 2 };
        for (position, (side, more)) in sides.iter().enumerate().take(used) {
            if is_in(&side.selection) && is_in(&more.selection) {
                let range = first.index..first.index + cells.len();
                found.entry(key(first)).or_default().sides[position].push(range);
            }
        }
    }
    let is_whole = |place: &Place| {
        !place.sides[0].is_empty() && (quantity.kind == Kind::Mean || !place.sides[1].is_empty())
    };
    let places: Vec<Place> = found.into_values().filter(is_whole).collect();
    if places.is_empty() {
        return Err(format!("the sweep `{}` has no place that both sides share", plan.axes().name));
    }
    for (position, choice) in choices.iter().enumerate() {
        if choice.is_none() && places.iter().any(|place| place.sides[position].len() > 1) {
            let side = if position == 0 { "of" } else { "against" };
            let most = places.iter().map(|place| place.sides[position].len()).max().unwrap_or(0);
            return Err(format!(
                "`{side}` has {most} candidates at one place, and says nothing of which counts"
            ));
        }
    }
    Ok(places)
}
