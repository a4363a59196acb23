//! Dispatch: the next segment of the plan on an idle accelerator.
//!
//! Of the ready jobs that are planned on it the first one in the order of the plan goes on, for one segment. What is planned before
//! it and cannot begin yet, such as a frame that is expected, must still be in time if it begins when the segment ends; where
//! it would not be, the accelerator stays idle for it. Plans take work to give way at any instant, and a layer does not: a job
//! whose layers are longer than what lies between others would wait until it is lost. So it does not wait where it would be late
//! for that and weighs more than what it is in the way of.
//!
//! A segment may be that of a batch, or wait for one more job of it ([`super::batches`]).
//!
//! Where a rule for single layers is followed instead ([`super::layer_rule`]), each idle accelerator takes the layer that the rule
//! gives it.
//!
//! Jobs that the plan leaves out run where nothing else does: those that are late in any case, and by parameter all.

use rtmm_hardware::AcceleratorId;
use rtmm_workload::{ModelId, Time};

use super::layer_rule::{Rule, slack};
use super::pace::Pace;
use super::pieces::{Cost, Known, NEVER, Piece, Pieces};
use super::plan::{Placed, Plan, Shape};
use super::settings::Settings;
use super::tasks::TaskFacts;
use crate::decision::{Extent, VariantId};
use crate::job::Job;
use crate::view::View;

/// A segment to dispatch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment<'v> {
    pub job: &'v Job,
    /// The job as the network that it runs as.
    pub chosen: Job,
    pub variant: Option<VariantId>,
    pub on: AcceleratorId,
    pub extent: Extent,
    /// The instant by which it has to end for what is planned before it.
    pub latest: Time,
}

/// Time that an accelerator keeps for what is planned before a segment and cannot begin yet.
#[derive(Clone, Copy, Debug)]
struct Reserved {
    begins: Time,
    /// The latest instant at which it can begin.
    latest: Time,
    weight: f64,
}

/// The instant by which a piece is to end.
pub(super) fn limit_of(piece: &Piece, placed: &Placed) -> Time {
    Time::from_picoseconds(if placed.end <= piece.target { piece.target } else { piece.due })
}

/// A plan, with what it was made of and the state that it is carried out in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dispatch<'d, 'v> {
    pub view: &'d View<'v>,
    pub settings: &'d Settings,
    pub pieces: &'d Pieces,
    pub plan: &'d Plan,
    pub pace: &'d Pace,
    pub facts: &'d [TaskFacts],
}

impl<'v> Dispatch<'_, 'v> {
    /// The next segment; where there is none, when an accelerator that is kept free for something is free for others again.
    pub(super) fn next(&self) -> Result<Segment<'v>, Option<Time>> {
        if let Some(rule) = self.plan.rule {
            if let Some(segment) = self.by_rule(rule) {
                return Ok(segment);
            }
            if self.view.runs().next().is_some() {
                return Err(None);
            }
        }
        let mut wake = None;
        let planned = self.idle().find_map(|on| self.planned(on, &mut wake));
        // Where nothing runs and nothing is waited for, nothing would ask again: whatever there is runs.
        let is_last = wake.is_none() && self.view.runs().next().is_none();
        planned.or_else(|| self.spare(is_last)).ok_or(wake)
    }

    /// The layer that a rule begins next: of the ready job with least slack that it has an accelerator for.
    fn by_rule(&self, rule: Rule) -> Option<Segment<'v>> {
        let now = self.view.now.picoseconds();
        let (view, settings, pace) = (self.view, self.settings, self.pace);
        let known = Known { view, settings, facts: &[], pace, points: None };
        let free = |on: usize| {
            let runs = self.view.runs().filter(|run| run.accelerator.index() == on);
            let ends = runs.map(|run| run.expected_end.picoseconds().max(now + 1)).max();
            let is_idle = self.idle().any(|idle| idle.index() == on);
            ends.unwrap_or(if is_idle { now } else { now + 1 })
        };
        let mut best: Option<(i128, Segment<'v>)> = None;
        for (piece, _) in self.pieces() {
            let Some(job) = self.ready(piece).filter(|_| !piece.is_lost()) else { continue };
            let row = piece.rows().last();
            let Some((row, model)) = row.and_then(|row| Some((row, self.pieces.model(row)?))) else {
                continue;
            };
            let left = self.view.profile.fastest_remaining(model, job.progress).picoseconds();
            let slack = slack(piece, left);
            if best.is_some_and(|(of_best, _)| of_best <= slack) {
                continue;
            }
            let place = rule.place(known, model, job.progress.layer, now, free);
            let on = place.map(|(on, _)| AcceleratorId::new(on));
            if let Some(segment) = on.and_then(|on| self.segment(job, row, on, Time::MAX)) {
                best = Some((slack, segment));
            }
        }
        best.map(|(_, segment)| segment)
    }

    pub(super) fn pieces(&self) -> impl Iterator<Item = (&Piece, Option<Placed>)> {
        self.pieces.list().iter().zip(self.plan.placed.iter().copied())
    }

    /// The job of a piece, if it can be dispatched.
    pub(super) fn ready(&self, piece: &Piece) -> Option<&'v Job> {
        self.view.job(piece.job()?).filter(|job| self.view.is_ready(job))
    }

    /// The first segment of what is planned on an accelerator that is in nothing's way, or that matters more.
    fn planned(&self, on: AcceleratorId, wake: &mut Option<Time>) -> Option<Segment<'v>> {
        let now = self.view.now;
        let mut reserved: Option<Reserved> = None;
        for (piece, placed) in self.pieces() {
            let Some(placed) = placed else { continue };
            let ready = self.ready(piece);
            if let Some(job) = ready.filter(|job| self.goes_on(job, placed) == on.index()) {
                let latest = reserved.map_or(Time::MAX, |reserved| reserved.latest);
                let Some(segment) = self.segment(job, placed.row, on, latest) else { continue };
                if let Some(until) = self.waits_for_others(&segment, piece) {
                    if until < latest {
                        reserved = Some(Reserved { begins: until, latest: until, weight: piece.weight });
                    }
                    *wake = Some(wake.map_or(until, |wake| wake.min(until)));
                    continue;
                }
                let passes = |reserved: Reserved| {
                    let idle = reserved.begins.saturating_since(now);
                    let end = Time::from_picoseconds(placed.end).saturating_add(idle);
                    end > limit_of(piece, &placed) && piece.weight > reserved.weight
                };
                if !self.settings.waits || self.end_of(&segment) <= latest || reserved.is_some_and(passes) {
                    return Some(segment);
                }
                *wake =
                    reserved.map(|reserved| wake.map_or(reserved.begins, |wake| wake.min(reserved.begins)));
            } else if let Some(of_piece) = self.reserved(piece, placed, on)
                && reserved.is_none_or(|reserved| of_piece.latest < reserved.latest)
            {
                reserved = Some(of_piece);
            }
        }
        None
    }

    /// The time that an accelerator keeps for a piece; none where it can begin, or runs elsewhere.
    fn reserved(&self, piece: &Piece, placed: Placed, on: AcceleratorId) -> Option<Reserved> {
        let part = placed.part(self.pieces, on.index())?;
        (part.time > 0 && part.release > self.view.now.picoseconds()).then(|| {
            // It has to begin so early that it just ends in time.
            let begins = Time::from_picoseconds(part.release);
            let spare = limit_of(piece, &placed).saturating_since(Time::from_picoseconds(placed.end));
            Reserved { latest: begins.saturating_add(spare), begins, weight: piece.weight }
        })
    }

    /// The instant by which an accelerator has to be free for what is planned on it.
    fn latest(&self, on: AcceleratorId) -> Time {
        let reserved = self.pieces().filter_map(|(piece, placed)| self.reserved(piece, placed?, on));
        reserved.map(|reserved| reserved.latest).min().unwrap_or(Time::MAX)
    }

    /// The position of the accelerator that a job goes on with where it is placed so.
    fn goes_on(&self, job: &Job, placed: Placed) -> usize {
        let layer = job.progress.layer;
        match placed.shape {
            Shape::Split(split) if layer >= split.layer => split.on,
            Shape::Whole | Shape::Split(_) => placed.on,
            Shape::Roams { way } => {
                let model = self.pieces.model(placed.row).unwrap_or(job.model);
                self.pieces.ways.on(model, way as usize, layer).unwrap_or(placed.on)
            }
        }
    }

    /// A segment for an idle accelerator on which nothing is planned that can begin: of all such ones that on which the job takes
    /// least.
    fn spare(&self, is_last: bool) -> Option<Segment<'v>> {
        for (piece, placed) in self.pieces() {
            let Some(job) = self.ready(piece) else { continue };
            let runs = is_last
                || match placed {
                    // Where jobs do not wait for accelerators, it runs wherever it can.
                    Some(_) => !self.settings.waits,
                    None => self.settings.salvages || piece.is_lost(),
                };
            if !runs {
                continue;
            }
            let row = placed.map_or(piece.rows().end - 1, |placed| placed.row);
            let cost = |on: AcceleratorId| self.pieces.costs(row)[on.index()];
            let any = is_last || !self.settings.drops_what_is_lost();
            let is_hoped = |on: &AcceleratorId| {
                let Cost { time, spread, .. } = cost(*on);
                // As a job is judged that is to be dropped: by itself, at the pace of the profile.
                let model = self.pieces.model(row).unwrap_or(job.model);
                let alone = self.view.profile.remaining(model, job.progress, self.view.whole(*on));
                let hoped = alone.picoseconds().saturating_sub(self.settings.hoped(spread));
                let soonest = self.view.now.picoseconds().saturating_add(hoped);
                time < NEVER && (any || placed.is_some() || soonest <= piece.due)
            };
            let idle = self.idle().filter(is_hoped);
            let on = idle.min_by_key(|on| (cost(*on).time, cost(*on).energy));
            let segment = on.and_then(|on| self.segment(job, row, on, Time::MAX));
            let is_in_no_way = |segment: &Segment<'_>| {
                is_last || !self.settings.waits || self.end_of(segment) <= self.latest(segment.on)
            };
            if let Some(segment) = segment.filter(is_in_no_way) {
                return Some(segment);
            }
        }
        None
    }

    fn idle(&self) -> impl Iterator<Item = AcceleratorId> {
        let free = self.view.free.iter().copied();
        free.filter(|on| self.view.accelerators[on.index()].is_idle())
    }

    fn segment(&self, job: &'v Job, row: u32, on: AcceleratorId, latest: Time) -> Option<Segment<'v>> {
        let variant = self.pieces.variant(row).filter(|_| !job.started);
        let chosen = Job { model: self.model_of(job, variant)?, ..*job };
        // In a plan that is older than its last segment it may have come to a layer that the accelerator does not run.
        let extent = self.settings.granularity.extent(self.view, &chosen);
        self.view.can_run(&chosen, on).then_some(Segment { job, chosen, variant, on, extent, latest })
    }

    pub(super) fn model_of(&self, job: &Job, variant: Option<VariantId>) -> Option<ModelId> {
        match variant.filter(|_| !job.started) {
            Some(variant) => self.view.task(job.task).variants.get(variant.index()).copied(),
            None => Some(job.model),
        }
    }

    /// When a segment that begins now is expected to end.
    fn end_of(&self, segment: &Segment<'_>) -> Time {
        let Segment { chosen, on, extent, .. } = segment;
        let (profile, from) = (self.view.profile, chosen.progress);
        let latency = match extent {
            Extent::Layers(count) if count.get() == 1 => self.view.next_layer(chosen, *on),
            Extent::Layers(count) => {
                let behind = from.layer.saturating_add(count.get()).min(profile.layers(chosen.model));
                let class = self.view.whole(*on);
                self.view.remaining(chosen, *on).saturating_sub(profile.remaining(
                    chosen.model,
                    behind,
                    class,
                ))
            }
            Extent::Rest => self.view.remaining(chosen, *on),
        };
        let switch = self.view.switch_time(chosen.model, from.layer, *on);
        self.view.now.saturating_add(switch).saturating_add(latency)
    }
}
