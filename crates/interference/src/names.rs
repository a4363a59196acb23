//! Names of models, as dense keys.

use std::collections::BTreeMap;

/// Model of a set of measurements: the index of its name in [`Names`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModelKey(u32);

impl ModelKey {
    /// The key as an index of tables that have an entry a model.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Names of models in the order in which they came. A key stays that of its name; names are added and never taken away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    names: Vec<String>,
    keys: BTreeMap<String, ModelKey>,
}

impl Names {
    /// The key of a name, which is added if it is new.
    pub fn key(&mut self, name: &str) -> ModelKey {
        self.find(name).unwrap_or_else(|| {
            let key = ModelKey(u32::try_from(self.names.len()).unwrap_or(u32::MAX));
            self.names.push(name.to_owned());
            self.keys.insert(name.to_owned(), key);
            key
        })
    }

    /// The key of a name, if it is known.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<ModelKey> {
        self.keys.get(name).copied()
    }

    /// The name of a key; empty for a key of other names.
    #[must_use]
    pub fn name(&self, key: ModelKey) -> &str {
        self.names.get(key.index()).map_or("", String::as_str)
    }

    /// The number of names.
    #[must_use]
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// True if there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// All names in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }
}
