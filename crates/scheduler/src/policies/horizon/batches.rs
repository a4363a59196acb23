//! Batches: how many jobs of one network a segment runs, and how long it waits for one more.
//!
//! A batch is as large as all of its jobs, and all that is planned on its accelerator, are in time: it gives way to nothing before its
//! end. A job that none follows waits for one more of its network where that takes less energy a job, and nothing is left out or at
//! risk: until a batch of one more, and all that is planned on the accelerator, would end within half of the time that there is. The
//! other half is for what comes.

use rtmm_hardware::AcceleratorId;
use rtmm_workload::Time;

use super::dispatch::{Dispatch, Segment, limit_of};
use super::pieces::Piece;
use super::plan::Placed;
use super::timeline::Timeline;
use crate::ids::JobId;
use crate::job::Job;
use crate::parts::Batching;

impl<'v> Dispatch<'_, 'v> {
    /// Ready jobs that have not begun and are planned as the network of a segment, on whatever accelerator, each with its piece.
    pub(super) fn alike(&self, segment: &Segment<'v>) -> impl Iterator<Item = (&'v Job, &Piece, Placed)> {
        let Segment { job: first, chosen, .. } = *segment;
        self.pieces().filter_map(move |(piece, placed)| {
            let (job, placed) = (self.ready(piece)?, placed?);
            let is_other = !job.started && job.id != first.id;
            let model = self.model_of(job, self.pieces.variant(placed.row)).filter(|_| is_other)?;
            (model == chosen.model).then_some((job, piece, placed))
        })
    }

    /// The most jobs of a batch that a segment could begin; 1 where no batches form.
    fn most(&self, segment: &Segment<'v>) -> u32 {
        let Segment { job, chosen, on, .. } = *segment;
        let profile = self.view.profile;
        match self.settings.batching {
            Batching::UpTo(limit) | Batching::DeadlineAware(limit)
                if !job.started && profile.has_batches() =>
            {
                limit.min(profile.largest_batch(chosen.model, on, self.view.whole(on)))
            }
            _ => 1,
        }
    }

    /// The number of jobs of a batch that a segment begins: as many as end in time together, and leave what is planned beside them in
    /// time.
    pub(super) fn batch(&self, segment: &Segment<'v>) -> usize {
        let Segment { job, chosen, on, latest, .. } = *segment;
        let most = self.most(segment);
        if most < 2 {
            return 1;
        }
        let (view, whole) = (self.view, self.view.whole(on));
        let mut due = latest.min(job.deadline);
        let mut members = vec![job.id];
        for ((other, piece, placed), with) in self.alike(segment).zip(2..=most) {
            due = due.min(limit_of(piece, &placed));
            let Some(class) = view.profile.in_batch(whole, with) else { break };
            let switch = view.switch_time_of_batch(chosen.model, on, with);
            let latency = view.profile.remaining(chosen.model, 0, class);
            let end = view.now.saturating_add(switch).saturating_add(latency);
            members.push(other.id);
            if end > due || !self.is_in_no_way(on, end, &members) {
                return members.len() - 1;
            }
        }
        members.len()
    }

    /// True if all that is planned on an accelerator beside some jobs is in time behind a run that gives way to nothing.
    fn is_in_no_way(&self, on: AcceleratorId, end: Time, members: &[JobId]) -> bool {
        let mut timeline = Timeline::default();
        timeline.reset(end.picoseconds());
        self.pieces().all(|(piece, placed)| {
            let is_member = piece.job().is_some_and(|job| members.contains(&job));
            let Some(placed) = placed.filter(|_| !is_member) else { return true };
            let Some(part) = placed.part(self.pieces, on.index()) else { return true };
            let (end, limit) = (timeline.place(part.release, part.time), limit_of(piece, &placed));
            end <= limit.picoseconds().max(placed.end)
        })
    }

    /// The instant until which a segment waits for that another job of its network comes; none where it does not.
    pub(super) fn waits_for_others(&self, segment: &Segment<'v>, own: &Piece) -> Option<Time> {
        let Segment { job, chosen, on, .. } = *segment;
        let (view, profile) = (self.view, self.view.profile);
        let most = self.most(segment);
        let may_wait = matches!(self.settings.batching, Batching::DeadlineAware(_)) && self.settings.waits;
        if most < 2 || !may_wait || !self.plan.is_perfect || self.facts[own.task.index()].leads {
            return None;
        }
        let ready = 1 + self.alike(segment).count();
        let one_more = u32::try_from(ready + 1).ok()?;
        if one_more > most || self.batch(segment) < ready {
            return None;
        }
        let whole = view.whole(on);
        let of = |jobs: u32| {
            let class = if jobs > 1 { profile.in_batch(whole, jobs)? } else { whole };
            let energy = profile.remaining_energy(chosen.model, 0, class).femtojoules();
            Some((profile.remaining(chosen.model, 0, class), u128::from(energy)))
        };
        let ((_, energy), (latency, of_more)) = (of(one_more - 1)?, of(one_more)?);
        if of_more * u128::from(one_more - 1) >= energy * u128::from(one_more) {
            return None;
        }
        let time = view.switch_time_of_batch(chosen.model, on, one_more).saturating_add(latency);
        let is_member = |piece: &Piece| {
            let id = piece.job();
            id == Some(job.id) || self.alike(segment).any(|(other, ..)| id == Some(other.id))
        };
        let spare = self.pieces().filter_map(|(piece, placed)| {
            let placed = placed?;
            let by = piece.arrival.midpoint(limit_of(piece, &placed).picoseconds());
            let by = Time::from_picoseconds(by);
            if is_member(piece) {
                return Some(by.saturating_since(view.now).saturating_sub(time));
            }
            placed.part(self.pieces, on.index())?;
            let end = placed.end.saturating_add(placed.risk(self.pieces));
            Some(by.saturating_since(Time::from_picoseconds(end)))
        });
        let spare = spare.min()?;
        (!spare.is_zero()).then(|| view.now.saturating_add(spare))
    }
}
