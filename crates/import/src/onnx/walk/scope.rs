//! Names of tensors within graphs, branches and bodies.

use std::collections::BTreeMap;

/// Index of a tensor among all that an inference has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TensorId(pub(super) u32);

/// Tensors by name; a graph within another sees the names around it.
pub(super) struct Scope<'m, 's> {
    /// None for an input of a function that its caller leaves out.
    names: BTreeMap<&'m str, Option<TensorId>>,
    outer: Option<&'s Scope<'m, 's>>,
}

impl<'m, 's> Scope<'m, 's> {
    /// A scope that sees no other.
    pub(super) const fn new() -> Self {
        Self { names: BTreeMap::new(), outer: None }
    }

    /// A scope within another.
    pub(super) const fn within(outer: &'s Scope<'m, 's>) -> Self {
        Self { names: BTreeMap::new(), outer: Some(outer) }
    }

    /// The tensor of a name, if the name is known.
    pub(super) fn find(&self, name: &str) -> Option<Option<TensorId>> {
        let mut scope = Some(self);
        while let Some(inner) = scope {
            if let Some(found) = inner.names.get(name) {
                return Some(*found);
            }
            scope = inner.outer;
        }
        None
    }

    /// Gives a tensor a name; false if the scope itself has the name already.
    pub(super) fn define(&mut self, name: &'m str, tensor: Option<TensorId>) -> bool {
        self.names.insert(name, tensor).is_none()
    }
}
