//! Activations that are live while a node runs, and after it.

/// The life of an activation: from the node that gives it to the last that reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Life {
    /// Position of the node that gives it among those that are executed; 0 for an input of the model.
    pub first: usize,
    /// Position of the last node that reads it, or of the one that gives it if none does; none for an output of the
    /// model, which lives to the end.
    pub last: Option<usize>,
    pub bytes: u64,
}

/// Bytes that are live while each of `nodes` nodes runs, and after it.
pub(crate) struct Liveness {
    during: Vec<u128>,
    after: Vec<u128>,
}

impl Liveness {
    pub(crate) fn of(nodes: usize, lives: impl Iterator<Item = Life>) -> Self {
        let mut during = vec![0_i128; nodes + 1];
        let mut after = vec![0_i128; nodes + 1];
        for Life { first, last, bytes } in lives {
            let bytes = i128::from(bytes);
            let end = last.map_or(nodes, |last| (last + 1).min(nodes));
            let first = first.min(nodes);
            during[first] += bytes;
            during[end] -= bytes;
            // After its last reader it is gone; an output stays.
            let end = last.map_or(nodes, |last| last.min(nodes));
            after[first] += bytes;
            after[end.max(first)] -= bytes;
        }
        Self { during: sums(&during), after: sums(&after) }
    }

    /// The most bytes that are live while any node runs; saturating.
    pub(crate) fn peak(&self) -> u64 {
        narrow(self.during.iter().copied().max().unwrap_or(0))
    }

    /// Bytes that are live after a node; saturating.
    pub(crate) fn after(&self, node: usize) -> u64 {
        narrow(self.after.get(node).copied().unwrap_or(0))
    }
}

/// Running sums of changes, without the last, where all is over.
fn sums(changes: &[i128]) -> Vec<u128> {
    let nodes = changes.len() - 1;
    let sum = |sum: &mut i128, change: &i128| {
        *sum += change;
        Some(sum.unsigned_abs())
    };
    changes[..nodes].iter().scan(0, sum).collect()
}

fn narrow(bytes: u128) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tensor_lives_from_its_node_to_its_last_reader() {
        // Input read by nodes 0 and 2; node 0 gives 10, read by 1; node 1 gives 100, the output.
        let lives = [
            Life { first: 0, last: Some(2), bytes: 1 },
            Life { first: 0, last: Some(1), bytes: 10 },
            Life { first: 1, last: None, bytes: 100 },
        ];
        let liveness = Liveness::of(3, lives.into_iter());
        assert_eq!(liveness.during, [11, 111, 101]);
        assert_eq!((0..3).map(|node| liveness.after(node)).collect::<Vec<_>>(), [11, 101, 100]);
        assert_eq!(liveness.peak(), 111);
    }

    #[test]
    fn what_is_never_read_lives_while_its_node_runs() {
        let liveness = Liveness::of(2, [Life { first: 0, last: Some(0), bytes: 7 }].into_iter());
        assert_eq!((liveness.peak(), liveness.after(0)), (7, 0));
    }
}
