//! Sets of jobs that were started already.

/// A set of jobs by their positions in the order of arrival.
///
/// Nearly all of the earliest jobs are in it, and none of the latest: what lies between is what it stores. Two sets of
/// the same jobs are equal.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Done {
    /// Words before the stored ones, all jobs of which are in the set.
    full: usize,
    /// Jobs behind those, 64 a word. The first word is not full, and the last one not empty.
    words: Vec<u64>,
}

impl Done {
    /// The set with one job more, which is not in it yet.
    pub(crate) fn with(&self, job: usize) -> Self {
        let mut next = self.clone();
        let word = job / 64 - next.full;
        if next.words.len() <= word {
            next.words.resize(word + 1, 0);
        }
        next.words[word] |= 1 << (job % 64);
        let full = next.words.iter().take_while(|word| **word == u64::MAX).count();
        if full > 0 {
            next.words.drain(..full);
            next.full += full;
        }
        next
    }

    /// Positions of the jobs that are not in the set, of `count` jobs.
    pub(crate) fn rest(&self, count: usize) -> impl Iterator<Item = usize> {
        let has = move |job: usize| {
            self.words.get(job / 64 - self.full).is_some_and(|word| word >> (job % 64) & 1 == 1)
        };
        (self.full * 64..count).filter(move |job| !has(*job))
    }
}

#[cfg(test)]
mod tests {
    use super::Done;

    #[test]
    fn the_rest_is_what_was_not_added_in_any_order() {
        let count = 200;
        let (mut up, mut down) = (Done::default(), Done::default());
        for job in 0..150 {
            up = up.with(job);
            down = down.with(149 - job);
        }
        assert_eq!(up, down);
        assert_eq!(up.rest(count).collect::<Vec<_>>(), (150..count).collect::<Vec<_>>());
        assert_eq!(up.full, 2);
        let gap = Done::default().with(130);
        assert_eq!(gap.rest(count).count(), 199);
        assert_ne!(gap, up);
    }
}
