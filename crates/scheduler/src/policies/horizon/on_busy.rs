//! Set-up of tests: the pieces of a fixture, and a job that is placed on accelerators that are busy at times.

use super::arrivals::Arrivals;
use super::pace::Pace;
use super::pieces::{Known, Pieces};
use super::plan::{Placed, Plan};
use super::settings::Settings;
use super::tasks;
use super::timeline::Timeline;
use super::ways::{Costs, Ways};
use crate::fixture::{Fixture, TaskSketch};

/// A microsecond in the unit of plans.
pub(super) const US: u64 = 1_000_000;

/// Places a job of the layers, the only piece, on two accelerators that are busy in the spans; all in microseconds.
pub(super) fn on_busy(
    layers: &[&[u64]],
    due_us: u64,
    busy_us: [(u64, u64); 2],
    place: impl FnOnce(&mut Plan, &Pieces, Known<'_, '_>) -> Option<Placed>,
) -> Option<Placed> {
    let mut fixture = Fixture::new(&[TaskSketch::new("a", layers)]).unwrap();
    fixture.ready(0, 0, due_us);
    let timelines = busy_us.map(|(start, end)| {
        let mut timeline = Timeline::default();
        timeline.reset(0);
        timeline.place(start * US, (end - start) * US);
        timeline
    });
    let mut plan = Plan::default();
    (plan.timelines, plan.budget) = (timelines.into(), 100);
    with_pieces(&fixture, |pieces, known| place(&mut plan, pieces, known))
}

/// Gathers the pieces of the live jobs of a fixture, with ways, and does something with them.
pub(super) fn with_pieces<T>(fixture: &Fixture, then: impl FnOnce(&Pieces, Known<'_, '_>) -> T) -> T {
    let view = fixture.view();
    let (settings, pace) = (Settings::of("lookahead=0"), Pace::default());
    let facts = tasks::facts(&view, &settings);
    let known = Known { view: &view, settings: &settings, facts: &facts, pace: &pace, points: None };
    let mut pieces = Pieces::default();
    pieces.ways = Ways::new(Costs { view: &view, held: false });
    pieces.gather(known, &mut Arrivals::default());
    then(&pieces, known)
}
