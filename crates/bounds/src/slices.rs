//! Slices of windows that are too long for one program.
//!
//! A slice is the jobs that are released and due between two instants. What of them is late at the least adds up over slices
//! that do not overlap: each has its accelerators to itself there, and jobs that lie across a cut may be as they like.

use crate::window::{Job, JobIndex, Window, deadline_of, picoseconds};

/// A window in slices.
pub(crate) struct Slices {
    pub windows: Vec<Window>,
    /// Positions of the jobs that lie in none.
    pub across: Vec<usize>,
}

/// Cuts a window into slices of at most `most` jobs, where few jobs lie across.
pub(crate) fn slices(window: &Window, most: usize) -> Slices {
    let jobs = window.jobs();
    let span = |job: &Job| Some((picoseconds(job.release), deadline_of(job)?));
    let spans: Vec<Option<(u64, u64)>> = jobs.iter().map(span).collect();
    let mut instants: Vec<u64> = spans.iter().flatten().map(|(release, _)| *release).collect();
    instants.sort_unstable();
    instants.dedup();
    let end = spans.iter().flatten().map(|(_, due)| *due).max().unwrap_or(0);
    instants.push(end);
    let (mut from, mut taken) = (0_u64, vec![false; jobs.len()]);
    let mut windows = Vec::new();
    while from < end {
        let to = cut(&spans, &instants, from, most);
        let within =
            |span: &Option<(u64, u64)>| span.is_some_and(|(release, due)| release >= from && due <= to);
        let inside: Vec<usize> = (0..jobs.len()).filter(|job| !taken[*job] && within(&spans[*job])).collect();
        inside.iter().for_each(|job| taken[*job] = true);
        windows.push(part(window, &inside));
        from = to;
    }
    windows.retain(|slice| !slice.jobs().is_empty());
    Slices { windows, across: (0..jobs.len()).filter(|job| !taken[*job]).collect() }
}

/// Where a slice from an instant on ends: with at most so many jobs, at least half of them if there are so many, and the fewest
/// across.
fn cut(spans: &[Option<(u64, u64)>], instants: &[u64], from: u64, most: usize) -> u64 {
    let mut dues: Vec<u64> =
        spans.iter().flatten().filter(|(release, _)| *release >= from).map(|(_, due)| *due).collect();
    dues.sort_unstable();
    let inside = |to: u64| dues.partition_point(|due| *due <= to);
    let across = |to: u64| spans.iter().flatten().filter(|(release, due)| *release < to && *due > to).count();
    let after = || instants.iter().copied().filter(|to| *to > from);
    let allowed = || after().filter(|to| inside(*to) <= most);
    let full = allowed().filter(|to| 2 * inside(*to) >= most || 2 * dues.len() < most);
    let best = full.min_by_key(|to| (across(*to), u64::MAX - to));
    // Where one instant brings more than is allowed there is no choice.
    best.or_else(|| allowed().next_back()).or_else(|| after().next()).unwrap_or(u64::MAX)
}

/// Some jobs of a window; what they need outside of them is left out.
fn part(window: &Window, jobs: &[usize]) -> Window {
    let position = |needed: &JobIndex| jobs.binary_search(&needed.index()).ok().map(JobIndex::new);
    let part = jobs.iter().map(|job| {
        let job = &window.jobs()[*job];
        Job { needs: job.needs.iter().filter_map(position).collect(), ..job.clone() }
    });
    window.with_jobs(part.collect())
}
