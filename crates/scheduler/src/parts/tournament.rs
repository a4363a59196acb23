//! Tournaments: the first of many waiting jobs, without a look at those that cannot be it.
//!
//! Under overload thousands of jobs wait, and the score of each changes with the clock. Jobs are the leaves of binary
//! trees; a node knows the range of the terms of the jobs below it, and from a range follows how early any of them can
//! come at the most, now. A search goes down to the jobs whose nodes can still win: a few paths from root to leaf where
//! jobs of one tree are alike, all of a tree in the worst case. A job that comes or goes changes the nodes above it.
//!
//! The winner is exactly that of a look at all jobs: the bound of a node is computed by the operations of a job's score
//! from operands that are no worse, rounding keeps that order, and of equal scores the earliest release wins.
//!
//! Memory: two nodes a place, and up to two places a waiting job.

use crate::ids::JobId;
use crate::job::{Job, JobState};
use crate::view::View;

/// From so many ready jobs on a policy keeps them in tournaments.
pub(super) const MANY: usize = 64;
/// Below so many it looks at all of them again.
const FEW: usize = 24;
/// The least number of places of a tree.
const MIN_WIDTH: usize = 16;

/// Terms of jobs that wait: from the least to the greatest.
pub(super) trait Span: Copy + std::fmt::Debug {
    /// The span of the jobs of both.
    fn join(self, other: Self) -> Self;
}

/// A comparison of jobs, and the best that it has seen.
pub(super) trait Contest<S> {
    /// Key of a job: the least comes first.
    type Key: Copy + Ord;

    /// A key that no job of a span is below.
    fn bound(&self, span: &S) -> Self::Key;

    /// True if no job with such a key or a greater one, released then or later, can be better than the best.
    fn is_beaten(&self, bound: Self::Key, earliest: u64) -> bool;

    /// Compares a job, of which `span` is the terms.
    fn enter(&mut self, job: JobId, span: &S);
}

/// Jobs below a node.
#[derive(Clone, Copy, Debug)]
struct Node<S> {
    span: S,
    /// The least place of theirs in the order of releases.
    earliest: u64,
}

impl<S: Span> Node<S> {
    fn join(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        match (one, other) {
            (Some(one), Some(other)) => {
                let earliest = one.earliest.min(other.earliest);
                Some(Self { span: one.span.join(other.span), earliest })
            }
            (one, other) => one.or(other),
        }
    }
}

/// A tree of jobs, in the order in which they came to it.
#[derive(Clone, Debug)]
struct Tree<S> {
    /// The children of node `n` are `2 n` and `2 n + 1`; the root is node 1, the leaves are the last `width`.
    nodes: Vec<Option<Node<S>>>,
    /// By leaf that was ever used.
    jobs: Vec<JobId>,
    width: usize,
    live: usize,
}

impl<S> Default for Tree<S> {
    fn default() -> Self {
        Self { nodes: Vec::new(), jobs: Vec::new(), width: 0, live: 0 }
    }
}

impl<S: Span> Tree<S> {
    fn clear(&mut self) {
        self.nodes.fill(None);
        self.jobs.clear();
        self.live = 0;
    }

    /// Puts a job in the next leaf, which must be there.
    fn push(&mut self, job: JobId, node: Node<S>) -> usize {
        let leaf = self.jobs.len();
        self.jobs.push(job);
        self.live += 1;
        self.set(leaf, Some(node));
        leaf
    }

    fn remove(&mut self, leaf: usize) {
        self.live -= 1;
        self.set(leaf, None);
    }

    fn set(&mut self, leaf: usize, node: Option<Node<S>>) {
        let mut index = self.width + leaf;
        self.nodes[index] = node;
        while index > 1 {
            index /= 2;
            self.nodes[index] = Node::join(self.nodes[2 * index], self.nodes[2 * index + 1]);
        }
    }

    /// Makes room for one job more: closes the places of jobs that are gone, and doubles where those are few. Tells
    /// where each job is then.
    fn make_room(&mut self, mut moved: impl FnMut(JobId, usize)) {
        if self.jobs.len() < self.width {
            return;
        }
        let before = self.width;
        if 2 * self.live > before || before == 0 {
            self.width = (2 * before).max(MIN_WIDTH);
            self.nodes.resize(2 * self.width, None);
            self.nodes.copy_within(before..2 * before, self.width);
        }
        let (above, leaves) = self.nodes.split_at_mut(self.width);
        let mut kept = 0;
        for leaf in 0..before {
            if leaves[leaf].is_some() {
                (leaves[kept], self.jobs[kept]) = (leaves[leaf], self.jobs[leaf]);
                moved(self.jobs[kept], kept);
                kept += 1;
            }
        }
        leaves[kept..].fill(None);
        above.fill(None);
        self.jobs.truncate(kept);
        for index in (1..self.width).rev() {
            self.nodes[index] = Node::join(self.nodes[2 * index], self.nodes[2 * index + 1]);
        }
    }

    fn search<C: Contest<S>>(&self, contest: &mut C) {
        if let Some(Some(root)) = self.nodes.get(1) {
            self.search_below(1, contest.bound(&root.span), root.earliest, contest);
        }
    }

    fn search_below<C: Contest<S>>(&self, index: usize, bound: C::Key, earliest: u64, contest: &mut C) {
        if contest.is_beaten(bound, earliest) {
            return;
        }
        if index >= self.width {
            if let Some(node) = &self.nodes[index] {
                contest.enter(self.jobs[index - self.width], &node.span);
            }
            return;
        }
        let of =
            |index: usize| self.nodes[index].map(|node| (contest.bound(&node.span), node.earliest, index));
        match (of(2 * index), of(2 * index + 1)) {
            (Some(one), Some(other)) => {
                // The one that promises more may beat the other.
                let (first, second) = if other < one { (other, one) } else { (one, other) };
                self.search_below(first.2, first.0, first.1, contest);
                self.search_below(second.2, second.0, second.1, contest);
            }
            (Some((bound, earliest, index)), None) | (None, Some((bound, earliest, index))) => {
                self.search_below(index, bound, earliest, contest);
            }
            (None, None) => {}
        }
    }
}

/// Where a job of a slot is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    /// Nowhere.
    #[default]
    Out,
    /// Among those that may have become ready.
    Aside,
    /// In a leaf of a tree.
    Leaf { tree: u32, leaf: u32 },
}

/// All ready jobs in trees, as long as they are many.
#[derive(Clone, Debug)]
pub(super) struct Tournament<S> {
    trees: Vec<Tree<S>>,
    /// By slot; a job that is gone leaves its place at once, so that the next one of its slot finds none.
    places: Vec<Place>,
    /// Jobs that came, or were dispatched and may come back.
    aside: Vec<JobId>,
    /// The number of jobs in trees.
    held: usize,
    /// True while jobs are kept.
    is_kept: bool,
}

impl<S> Default for Tournament<S> {
    fn default() -> Self {
        Self { trees: Vec::new(), places: Vec::new(), aside: Vec::new(), held: 0, is_kept: false }
    }
}

impl<S: Span> Tournament<S> {
    /// True if jobs are kept or many enough to be.
    #[inline]
    pub(super) fn is_worth(&self, view: &View<'_>) -> bool {
        self.is_kept || view.ready().len() >= MANY
    }

    /// Brings the trees up to date: false where jobs are too few for them. `of` says the tree of a job and its span; none
    /// of a job that has no terms, and then there are no trees.
    pub(super) fn update(&mut self, view: &View<'_>, mut of: impl FnMut(&Job) -> Option<(usize, S)>) -> bool {
        let ready = view.ready().len();
        let is_worth = ready >= if self.is_kept { FEW } else { MANY };
        // What no notice told of shows in the number of jobs.
        let is_kept = is_worth
            && ((self.is_kept && self.settle(view, &mut of).is_some() && self.held == ready)
                || self.fill(view, &mut of).is_some());
        if !is_kept {
            self.forget();
        }
        is_kept
    }

    /// Takes in jobs that are ready by now; those that run stay aside.
    fn settle(&mut self, view: &View<'_>, of: &mut impl FnMut(&Job) -> Option<(usize, S)>) -> Option<()> {
        let mut at = 0;
        while let Some(id) = self.aside.get(at).copied() {
            let job = view.job(id);
            if job.is_some_and(|job| matches!(job.state, JobState::Running(_))) {
                at += 1;
                continue;
            }
            self.aside.swap_remove(at);
            self.places[id.slot()] = Place::Out;
            if let Some(job) = job.filter(|job| view.is_ready(job)) {
                self.insert(job, of(job)?);
            }
        }
        Some(())
    }

    /// Looks at all jobs.
    fn fill(&mut self, view: &View<'_>, of: &mut impl FnMut(&Job) -> Option<(usize, S)>) -> Option<()> {
        self.forget();
        self.is_kept = true;
        for job in view.ready() {
            self.insert(job, of(job)?);
        }
        for (_, job) in view.running() {
            self.put_aside(job.id);
        }
        Some(())
    }

    fn insert(&mut self, job: &Job, (index, span): (usize, S)) {
        if self.trees.len() <= index {
            self.trees.resize_with(index + 1, Tree::default);
        }
        let (places, tree) = (&mut self.places, &mut self.trees[index]);
        let place = |leaf: usize| Place::Leaf { tree: index as u32, leaf: leaf as u32 };
        tree.make_room(|job, leaf| places[job.slot()] = place(leaf));
        let leaf = tree.push(job.id, Node { span, earliest: job.sequence });
        let slot = job.id.slot();
        if places.len() <= slot {
            places.resize(slot + 1, Place::Out);
        }
        places[slot] = place(leaf);
        self.held += 1;
    }

    /// Takes a job out that is over, or is about to run.
    pub(super) fn take_out(&mut self, job: JobId) {
        let Some(place) = self.places.get_mut(job.slot()) else { return };
        match std::mem::take(place) {
            Place::Out => {}
            Place::Aside => self.aside.retain(|other| *other != job),
            Place::Leaf { tree, leaf } => {
                self.trees[tree as usize].remove(leaf as usize);
                self.held -= 1;
            }
        }
    }

    /// Remembers a job that may be ready at the next decision.
    pub(super) fn put_aside(&mut self, job: JobId) {
        if !self.is_kept {
            return;
        }
        if self.places.len() <= job.slot() {
            self.places.resize(job.slot() + 1, Place::Out);
        }
        if self.places[job.slot()] == Place::Out {
            self.places[job.slot()] = Place::Aside;
            self.aside.push(job);
        }
    }

    /// Forgets all jobs: the next update looks at all of them.
    pub(super) fn forget(&mut self) {
        if std::mem::take(&mut self.is_kept) {
            self.trees.iter_mut().for_each(Tree::clear);
            self.places.fill(Place::Out);
            self.aside.clear();
            self.held = 0;
        }
    }

    /// Has the contest see every job that can be its best.
    pub(super) fn search<C: Contest<S>>(&self, contest: &mut C) {
        for tree in self.trees.iter().filter(|tree| tree.live > 0) {
            tree.search(contest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Span for (u64, u64) {
        fn join(self, other: Self) -> Self {
            (self.0.min(other.0), self.1.min(other.1))
        }
    }

    /// The least weighted sum of two terms.
    struct LeastSum<'a> {
        terms: &'a [(u64, u64)],
        weights: (u64, u64),
        best: Option<(u64, u64)>,
        entered: usize,
    }

    impl LeastSum<'_> {
        fn sum(&self, terms: (u64, u64)) -> u64 {
            self.weights.0 * terms.0 + self.weights.1 * terms.1
        }
    }

    impl Contest<(u64, u64)> for LeastSum<'_> {
        type Key = u64;

        fn bound(&self, span: &(u64, u64)) -> u64 {
            self.sum(*span)
        }

        fn is_beaten(&self, bound: u64, earliest: u64) -> bool {
            self.best.is_some_and(|best| (bound, earliest) > best)
        }

        fn enter(&mut self, job: JobId, _span: &(u64, u64)) {
            self.entered += 1;
            let key = (self.sum(self.terms[job.slot()]), job.slot() as u64);
            self.best = Some(self.best.map_or(key, |best| best.min(key)));
        }
    }

    /// Numbers that repeat on every machine.
    fn draw(state: &mut u64, below: u64) -> u64 {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*state >> 33) % below
    }

    #[test]
    fn the_winner_is_that_of_a_look_at_all() {
        let mut state = 7;
        for spread in [2, 50, 1_000_000] {
            let mut tree: Tree<(u64, u64)> = Tree::default();
            let mut leaves: Vec<Option<usize>> = Vec::new();
            let mut terms: Vec<(u64, u64)> = Vec::new();
            for _ in 0..3_000 {
                let live: Vec<usize> = (0..leaves.len()).filter(|job| leaves[*job].is_some()).collect();
                if draw(&mut state, 5) < 2 && !live.is_empty() {
                    let gone = live[draw(&mut state, live.len() as u64) as usize];
                    tree.remove(leaves[gone].take().unwrap());
                } else {
                    let job = JobId::new(leaves.len() as u32, 0);
                    terms.push((draw(&mut state, spread), draw(&mut state, spread)));
                    tree.make_room(|moved, leaf| leaves[moved.slot()] = Some(leaf));
                    let node = Node { span: terms[job.slot()], earliest: job.slot() as u64 };
                    leaves.push(Some(tree.push(job, node)));
                }
                let weights = (draw(&mut state, 3), draw(&mut state, 3));
                let mut contest = LeastSum { terms: &terms, weights, best: None, entered: 0 };
                let all = (0..leaves.len()).filter(|job| leaves[*job].is_some());
                let expected = all.map(|job| (contest.sum(terms[job]), job as u64)).min();
                tree.search(&mut contest);
                assert_eq!(contest.best, expected);
            }
            assert!(tree.width <= 4 * tree.live + 2 * MIN_WIDTH, "{} for {}", tree.width, tree.live);
        }
    }

    #[test]
    fn of_jobs_alike_few_are_looked_at() {
        // Terms rise and fall with the order in which jobs came, as deadlines and waits do.
        let terms: Vec<(u64, u64)> = (0..10_000).map(|job| (job, 20_000 - 2 * job)).collect();
        let mut tree: Tree<(u64, u64)> = Tree::default();
        for (slot, span) in terms.iter().enumerate() {
            tree.make_room(|_, _| {});
            tree.push(JobId::new(slot as u32, 0), Node { span: *span, earliest: slot as u64 });
        }
        for (weights, expected) in [((1, 0), 0), ((0, 1), 9_999), ((3, 1), 0), ((1, 1), 9_999), ((0, 0), 0)] {
            let mut contest = LeastSum { terms: &terms, weights, best: None, entered: 0 };
            tree.search(&mut contest);
            assert_eq!(contest.best.map(|(_, job)| job), Some(expected), "{weights:?}");
            assert!(contest.entered <= 4, "{weights:?}: {} jobs", contest.entered);
        }
    }
}
