//! Generated systems for policies that score pairs, drop frames and switch supernets, as texts that
//! `by_hand` reads.
//!
//! Layers take whole multiples of 0.6 milliseconds and probabilities are sums of few powers of two, so that
//! means over one, two or three accelerators are whole numbers of picoseconds: nothing is rounded.

use rtmm_workload::random::{Draws, Stream};

/// Draws of one system.
#[derive(Debug)]
pub struct Dice {
    draws: Draws,
    system: u64,
    thrown: u64,
}

impl Dice {
    /// Those of one system of a kind.
    pub fn new(kind: &str, system: u64) -> Self {
        Self { draws: Draws::new(3, Stream::Bootstrap, kind), system, thrown: 0 }
    }

    /// A number below a bound.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.thrown += 1;
        self.draws.below(self.system, self.thrown, bound)
    }

    /// Once in so many times.
    pub fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// One of them.
    pub fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len() as u64) as usize]
    }
}

/// Latency of a layer, in steps of 0.6, and its energy, on each accelerator.
fn layer(dice: &mut Dice, accelerators: u64, most: u64) -> String {
    let is_alike = dice.once_in(4);
    let cell = |dice: &mut Dice| {
        let tenths = 6 * (1 + dice.below(most));
        format!("{}.{}@{}", tenths / 10, tenths % 10, 1 + dice.below(6))
    };
    let first = cell(dice);
    let others = (1..accelerators).map(|_| if is_alike { first.clone() } else { cell(dice) });
    std::iter::once(first.clone()).chain(others.collect::<Vec<_>>()).collect::<Vec<_>>().join("/")
}

/// Parameters of a generated system.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// Accelerators; drawn from one to three if there is none.
    pub accelerators: Option<u64>,
    /// Periods and deadlines are as many times as long.
    pub ease: u64,
    /// True if there are dependencies, exits, blocks and phases.
    pub is_dynamic: bool,
    /// True if there are supernets.
    pub has_variants: bool,
}

/// A system of two to four tasks.
pub fn world(system: u64, kind: Kind) -> String {
    let mut dice = Dice::new("worlds", system);
    let accelerators = kind.accelerators.unwrap_or(1 + system % 3);
    let mut text = format!("accelerators {accelerators}; for {}", 60 * kind.ease);
    if dice.once_in(2) {
        text += "; switch 0.25";
    }
    let names = ["a", "b", "c", "d"];
    let count = 2 + dice.below(3) as usize;
    for (index, name) in names.iter().enumerate().take(count) {
        let layers = 1 + dice.below(4);
        text += &format!("\ntask {name} layers");
        (0..layers).for_each(|_| text += &format!(" {}", layer(&mut dice, accelerators, 4)));
        if kind.has_variants && dice.once_in(2) {
            for _ in 0..1 + dice.below(2) {
                text += " variant";
                (0..1 + dice.below(layers))
                    .for_each(|_| text += &format!(" {}", layer(&mut dice, accelerators, 3)));
            }
        }
        let other = if index > 0 && kind.is_dynamic { dice.one_of(&names[..index]) } else { "" };
        let follows = !other.is_empty() && dice.once_in(2);
        if follows {
            text += &if dice.once_in(3) { format!(" if {other} 0.5") } else { format!(" needs {other}") };
        }
        if !follows || dice.once_in(3) {
            text += &format!(" every {}", kind.ease * dice.one_of(&[3, 4, 5, 8, 12]));
        }
        if dice.once_in(2) {
            text += &format!(" due {}", kind.ease * (2 + dice.below(9)));
        }
        if kind.is_dynamic && layers > 1 && dice.once_in(3) {
            text += &format!(" exit 0 0.25 block 1-{} 0.5", 1 + dice.below(layers - 1));
        }
    }
    if kind.is_dynamic && dice.once_in(2) {
        text += "\nphase 20 a every 3\nphase 41 a every 9";
    }
    text
}
