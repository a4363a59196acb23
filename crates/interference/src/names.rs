//! Names of models, as dense keys.

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
pub struct Names(Vec<String>);

impl Names {
    /// The key of a name, which is added if it is new.
    pub fn key(&mut self, name: &str) -> ModelKey {
        self.find(name).unwrap_or_else(|| {
            self.0.push(name.to_owned());
            ModelKey(u32::try_from(self.0.len() - 1).unwrap_or(u32::MAX))
        })
    }

    /// The key of a name, if it is known.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<ModelKey> {
        // There are tens of models at most.
        let position = self.0.iter().position(|known| known == name)?;
        u32::try_from(position).ok().map(ModelKey)
    }

    /// The name of a key; empty for a key of other names.
    #[must_use]
    pub fn name(&self, key: ModelKey) -> &str {
        self.0.get(key.index()).map_or("", String::as_str)
    }

    /// The number of names.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True if there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All names in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}
