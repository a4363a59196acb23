//! Division of a chain into few blocks.

use rtmm_hardware::AcceleratorId;

use crate::window::{Chain, Window};

/// A part of a chain that runs without a gap.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    /// The first layer, and the one behind the last.
    pub first: usize,
    pub behind: usize,
    pub network: usize,
    /// By accelerator; none where it does not run all of it.
    pub on: Vec<Option<PieceCost>>,
    /// The least time of the pieces behind it.
    pub tail: u64,
}

/// Cost of a piece on an accelerator; times in picoseconds, energy in femtojoules.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PieceCost {
    pub time: u64,
    pub energy: u64,
    pub enter: u64,
    pub leave: u64,
}

impl Piece {
    /// The accelerators that run it.
    pub(super) fn places(&self) -> impl Iterator<Item = (AcceleratorId, PieceCost)> + '_ {
        self.on.iter().enumerate().filter_map(|(on, cost)| Some((AcceleratorId::new(on), (*cost)?)))
    }

    pub(super) fn least(&self) -> u64 {
        self.places().map(|(_, cost)| cost.time).min().unwrap_or(0)
    }
}

/// Divides a chain into at most `blocks` pieces, or into as many as it takes until each has an accelerator that runs all of
/// it: so that, with each piece where it is fastest, all take the least time; of equal divisions the evenest.
pub(super) fn pieces(window: &Window, chain: &Chain, blocks: usize) -> Vec<Piece> {
    let layers = chain.layers.len();
    if layers == 0 {
        return Vec::new();
    }
    let best = Spans::of(window, chain);
    // By number of pieces, then layers that they hold: the least (time, sum of squares), and where the last begins.
    let mut known: Vec<Vec<Option<(Value, usize)>>> = vec![vec![None; layers + 1]];
    known[0][0] = Some(((0, 0), 0));
    let wanted = blocks.clamp(1, layers);
    let mut chosen: Option<(Value, usize)> = None;
    for count in 1..=layers {
        let before = &known[count - 1];
        let to = |behind: usize| {
            let pieces = (count - 1..behind).filter_map(|first| {
                let ((time, squares), _) = before[first]?;
                let own = best.least(first, behind)?;
                let square = u128::from(own) * u128::from(own);
                Some(((time + own, squares + square), first))
            });
            pieces.min()
        };
        let row: Vec<Option<(Value, usize)>> = (0..=layers).map(to).collect();
        if let Some((value, _)) = row[layers]
            && chosen.is_none_or(|(known, _)| value < known)
        {
            chosen = Some((value, count));
        }
        known.push(row);
        if count >= wanted && chosen.is_some() {
            break;
        }
    }
    // A piece a layer has a place for each, so that some count was chosen.
    let mut count = chosen.map_or(0, |(_, count)| count);
    let (mut cuts, mut behind) = (vec![layers], layers);
    while count > 0 {
        behind = known[count][behind].map_or(0, |(_, first)| first);
        cuts.push(behind);
        count -= 1;
    }
    cuts.reverse();
    let mut pieces: Vec<Piece> = cuts
        .windows(2)
        .map(|cut| Piece {
            first: cut[0],
            behind: cut[1],
            network: chain.network,
            on: window.accelerator_ids().map(|on| cost(chain, on, cut[0], cut[1])).collect(),
            tail: 0,
        })
        .collect();
    let mut tail = 0;
    for piece in pieces.iter_mut().rev() {
        piece.tail = tail;
        tail += piece.least();
    }
    pieces
}

/// A time, and a sum of squares of times.
type Value = (u64, u128);

fn cost(chain: &Chain, on: AcceleratorId, first: usize, behind: usize) -> Option<PieceCost> {
    let mut sum = PieceCost::default();
    for (layer, of) in chain.layers.iter().enumerate().take(behind).skip(first) {
        let cost = of.on[on.index()]?;
        if layer == first {
            sum.enter = cost.enter.picoseconds();
        }
        sum.time += cost.time.picoseconds();
        sum.energy = sum.energy.saturating_add(cost.energy.femtojoules());
        sum.leave = cost.leave.picoseconds();
    }
    Some(sum)
}

/// Times of stretches of a chain on each accelerator.
struct Spans {
    /// By accelerator, then layer and the end: the time before it, and the first layer at or behind it that does not run there.
    of: Vec<(Vec<u64>, Vec<usize>)>,
}

impl Spans {
    fn of(window: &Window, chain: &Chain) -> Self {
        let of_accelerator = |on: AcceleratorId| {
            let layers = chain.layers.len();
            let (mut before, mut refused) = (vec![0_u64; layers + 1], vec![layers; layers + 1]);
            for (layer, of) in chain.layers.iter().enumerate() {
                let time = of.on[on.index()].map_or(0, |cost| cost.time.picoseconds());
                before[layer + 1] = before[layer] + time;
            }
            for layer in (0..layers).rev() {
                let runs = chain.layers[layer].on[on.index()].is_some();
                refused[layer] = if runs { refused[layer + 1] } else { layer };
            }
            (before, refused)
        };
        Self { of: window.accelerator_ids().map(of_accelerator).collect() }
    }

    /// The least time of some layers on one accelerator; none where none runs all of them.
    fn least(&self, first: usize, behind: usize) -> Option<u64> {
        let on = self.of.iter().filter(|(_, refused)| refused[first] >= behind);
        on.map(|(before, _)| before[behind] - before[first]).min()
    }
}
