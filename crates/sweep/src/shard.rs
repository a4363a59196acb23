//! Shards: a sweep spread over processes or machines, and the merging of their stores.
//!
//! Shard `i/n` runs the cells whose index leaves the remainder `i - 1` when divided by `n`, into a
//! store of its own. [`merge`] brings the stores together and says what is missing.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use thiserror::Error;
use tracing::info;

use crate::plan::Plan;
use crate::results::Failure;
use crate::runner::CellResult;
use crate::store::{Store, StoreError};

/// The file name of a store that holds a whole sweep.
pub const WHOLE_STORE: &str = "store.sqlite";

/// Number of cells that are copied between two commits.
const BATCH: usize = 8_192;

/// One of several parts of a sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    number: u32,
    of: u32,
}

/// Why a text is no shard.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ShardError {
    /// Not of the form `i/n`.
    #[error("`{0}` is no shard; write the number of the shard and their count, such as 1/3")]
    Malformed(String),
    /// A number outside ``1..=n`.
    #[error("shard {number} of {of} does not exist; shards are numbered from 1 to {of}")]
    OutOfRange {
        /// The number asked for.
        number: u32,
        /// Number of shards.
        of: u32,
    },
}

impl Shard {
    /// Shard `number` of `of`, counted from 1.
    ///
    /// # Errors
    /// [`ShardError::OutOfRange`] where there is no such shard, [`ShardError::Malformed`] for none
    /// at all.
    pub fn new(number: u32, of: u32) -> Result<Self, ShardError> {
        if of == 0 {
            return Err(ShardError::Malformed(format!("{number}/{of}")));
        }
        if number == 0 || number > of {
            return Err(ShardError::OutOfRange { number, of });
        }
        Ok(Self { number, of })
    }

    /// The number of the shard, from 1.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.number
    }

    /// Number of shards.
    #[must_use]
    pub const fn of(self) -> u32 {
        self.of
    }

    /// True if the cell of this index belongs to the shard.
    #[must_use]
    pub const fn holds(self, index: usize) -> bool {
        index as u64 % self.of as u64 == (self.number - 1) as u64
    }

    /// The file name of the shard's store, such as `store-1-of-3.sqlite`.
    #[must_use]
    pub fn store_name(self) -> String {
        format!("store-{}-of-{}.sqlite", self.number, self.of)
    }

    /// The shard that a store's file name speaks of.
    #[must_use]
    pub fn from_store_name(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?;
        let (number, of) = name.strip_prefix("store-")?.strip_suffix(".sqlite")?.split_once("-of-")?;
        Self::new(number.parse().ok()?, of.parse().ok()?).ok()
    }
}

/// `i/n`, counted from 1.
impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, ShardError> {
        let numbers = text
            .split_once('/')
            .and_then(|(number, of)| Some((number.trim().parse().ok()?, of.trim().parse().ok()?)));
        let (number, of) = numbers.ok_or_else(|| ShardError::Malformed(text.to_owned()))?;
        Self::new(number, of)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

/// Why stores could not be merged.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum MergeError {
    /// A store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A store has results, but none of this sweep.
    #[error(
        "the store {} has {cells} cells, but none of this sweep; it was made from another sweep file, \
         other inputs or another version of the runner", .path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Number of its cells.
        cells: usize,
    },
}

/// Result of merging.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged {
    /// Cells of the plan.
    pub total: usize,
    /// Cells that were copied.
    pub copied: usize,
    /// Cells that the target had before.
    pub reused: usize,
    /// Cells of the sources that the plan does not have, left out.
    pub ignored: usize,
    /// Cells that were run and failed: they are not missing, but have no result.
    pub failed: usize,
    /// Cells that are still missing.
    pub missing: usize,
    /// Where the names of the sources say how many shards there are: every shard that lacks cells,
    /// with their number.
    pub missing_by_shard: Vec<(Shard, usize)>,
}

/// Copies the cells of `plan` from the stores at `sources` into `target`, each once.
///
/// # Errors
/// [`MergeError`] where a store cannot be read, is damaged, or is of another sweep. Nothing is
/// copied then.
pub fn merge(plan: &Plan<'_>, target: &mut Store, sources: &[PathBuf]) -> Result<Merged, MergeError> {
    let mut present: Vec<bool> = plan.identities().iter().map(|identity| target.has(identity)).collect();
    let reused = present.iter().filter(|present| **present).count();
    let mut found: Vec<(usize, CellResult)> = Vec::new();
    let mut ignored = 0;
    let mut failures: BTreeMap<usize, Failure> = BTreeMap::new();
    let mut note = |all: Vec<Failure>| {
        for failure in all {
            failures.entry(failure.cell).or_insert(failure);
        }
    };
    note(target.failures(plan)?);
    for path in sources {
        let source = Store::open_existing(path, plan.spec())?;
        let mut own = 0;
        for (index, result) in source.read(plan)?.into_iter().enumerate() {
            let Some(result) = result else { continue };
            own += 1;
            if !present[index] {
                present[index] = true;
                found.push((index, result));
            }
        }
        let failed = source.failures(plan)?;
        let cells = source.len();
        if own == 0 && failed.is_empty() && cells > 0 {
            return Err(MergeError::Foreign { path: path.clone(), cells });
        }
        note(failed);
        ignored += cells.saturating_sub(own);
        info!(path = %path.display(), cells = own, "store read for merging");
        source.close()?;
    }
    found.sort_unstable_by_key(|(index, _)| *index);
    for batch in found.chunks(BATCH) {
        target.write(plan, batch)?;
        target.commit()?;
    }
    // A cell that failed in one store may have a result in another.
    let failures: Vec<Failure> = failures.into_values().filter(|failure| !present[failure.cell]).collect();
    target.write_failures(plan, &failures)?;
    target.commit()?;
    failures.iter().for_each(|failure| present[failure.cell] = true);
    let missing = present.iter().filter(|present| !**present).count();
    let missing_by_shard = missing_by_shard(sources, &present);
    let (copied, failed) = (found.len(), failures.len());
    Ok(Merged { total: plan.len(), copied, reused, ignored, failed, missing, missing_by_shard })
}

fn missing_by_shard(sources: &[PathBuf], present: &[bool]) -> Vec<(Shard, usize)> {
    let named: Option<Vec<Shard>> = sources.iter().map(|path| Shard::from_store_name(path)).collect();
    let Some((first, rest)) = named.as_deref().and_then(<[Shard]>::split_first) else {
        return Vec::new();
    };
    if rest.iter().any(|shard| shard.of != first.of) {
        return Vec::new();
    }
    // By number; a file name may speak of far more shards than there are cells.
    let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
    for (index, _) in present.iter().enumerate().filter(|(_, present)| !**present) {
        let number = u32::try_from(index as u64 % u64::from(first.of)).unwrap_or(u32::MAX) + 1;
        *counts.entry(number).or_default() += 1;
    }
    counts.into_iter().map(|(number, count)| (Shard { number, of: first.of }, count)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_read_and_named() {
        let shard: Shard = "2/3".parse().unwrap();
        assert_eq!((shard.number(), shard.of(), shard.to_string()), (2, 3, "2/3".to_owned()));
        assert_eq!(shard.store_name(), "store-2-of-3.sqlite");
        assert_eq!(Shard::from_store_name(Path::new("a/store-2-of-3.sqlite")), Some(shard));
        assert_eq!(Shard::from_store_name(Path::new("a/store.sqlite")), None);
        assert_eq!(Shard::from_store_name(Path::new("a/store-4-of-3.sqlite")), None);
        for (text, expected) in [
            ("3", ShardError::Malformed("3".to_owned())),
            ("a/b", ShardError::Malformed("a/b".to_owned())),
            ("-1/3", ShardError::Malformed("-1/3".to_owned())),
            ("0/3", ShardError::OutOfRange { number: 0, of: 3 }),
            ("4/3", ShardError::OutOfRange { number: 4, of: 3 }),
            ("1/0", ShardError::Malformed("1/0".to_owned())),
        ] {
            assert_eq!(text.parse::<Shard>(), Err(expected));
        }
    }

    #[test]
    fn every_cell_is_in_one_shard() {
        let shards: Vec<Shard> = (1..=4).map(|number| Shard::new(number, 4).unwrap()).collect();
        for index in 0..100 {
            assert_eq!(shards.iter().filter(|shard| shard.holds(index)).count(), 1);
        }
    }
}
