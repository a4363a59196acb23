//! A registry: rows found by name, in the order of their names, to which a program can add its own.
//!
//! Policies and cost models are both kept like this. A registry is a value: [`Registry::built_in`] has the
//! rows of this project, and [`Registry::with`] gives a registry with one row more.

use thiserror::Error;

use crate::input::suggestion;

/// A row of a registry.
pub trait Registered: Clone + Send + Sync + 'static {
    /// Noun for a row in messages, such as `policy`.
    const KIND: &'static str;

    /// The name that files and commands use; unique within a registry.
    fn name(&self) -> &str;

    /// Fault of the row by itself, as a lower-case fragment; none for a sound row.
    fn fault(&self) -> Option<String>;

    /// The registry of this project's rows.
    fn built_in() -> &'static Registry<Self>;
}

/// Rows by name, in the alphabetical order of their names.
#[derive(Clone, Debug)]
pub struct Registry<R> {
    rows: Vec<R>,
}

impl<R: Registered> Registry<R> {
    /// The rows of this project.
    #[must_use]
    pub fn built_in() -> &'static Self {
        R::built_in()
    }

    /// A registry of rows that are sound and have names of their own: only for the tables of built-in rows, which
    /// tests check. Rows of a program's own are added by [`Registry::with`].
    #[must_use]
    pub fn of_rows(mut rows: Vec<R>) -> Self {
        rows.sort_by(|one, other| one.name().cmp(other.name()));
        Self { rows }
    }

    /// The same registry with one row more. A name stands for one row: none is replaced.
    ///
    /// # Errors
    /// [`RegistryError`] where the name is taken or the row is unsound.
    pub fn with(&self, row: R) -> Result<Self, RegistryError> {
        let (kind, name) = (R::KIND, row.name().to_owned());
        if let Some(reason) = row.fault() {
            return Err(RegistryError::Unsound { kind, name, reason });
        }
        match self.rows.binary_search_by(|known| known.name().cmp(&name)) {
            Ok(_) => Err(RegistryError::Taken { kind, name }),
            Err(position) => {
                let mut rows = self.rows.clone();
                rows.insert(position, row);
                Ok(Self { rows })
            }
        }
    }

    /// The row of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&R> {
        self.iter().find(|row| row.name() == name)
    }

    /// The row of a name that a user wrote.
    ///
    /// # Errors
    /// [`UnknownName`] where there is none, with the nearest known name.
    pub fn find(&self, name: &str) -> Result<&R, UnknownName> {
        self.get(name).ok_or_else(|| UnknownName {
            kind: R::KIND,
            name: name.to_owned(),
            known: self.iter().map(|row| row.name().to_owned()).collect(),
        })
    }

    /// All rows, in the order of their names.
    pub fn iter(&self) -> std::slice::Iter<'_, R> {
        self.rows.iter()
    }

    /// The number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// True if there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

impl<'r, R: Registered> IntoIterator for &'r Registry<R> {
    type Item = &'r R;
    type IntoIter = std::slice::Iter<'r, R>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Why a row cannot be added to a registry.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegistryError {
    /// The registry has a row of this name.
    #[error("there is a {kind} `{name}` already")]
    Taken {
        /// Noun for a row.
        kind: &'static str,
        /// The name.
        name: String,
    },
    /// The row contradicts itself, such as by a default that it does not allow.
    #[error("the {kind} `{name}` is unsound: {reason}")]
    Unsound {
        /// Noun for a row.
        kind: &'static str,
        /// The row's name.
        name: String,
        /// Fault of the row.
        reason: String,
    },
}

/// A name that no row of a registry has.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("there is no {kind} `{name}`")]
pub struct UnknownName {
    kind: &'static str,
    name: String,
    known: Vec<String>,
}

impl UnknownName {
    /// A way out: the nearest known name, else the list of them where it is short.
    #[must_use]
    pub fn help(&self) -> String {
        let known: Vec<&str> = self.known.iter().map(String::as_str).collect();
        suggestion(&self.name, self.kind, &known)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;

    #[derive(Clone, Debug, PartialEq)]
    struct Tool(&'static str);

    impl Registered for Tool {
        const KIND: &'static str = "tool";

        fn name(&self) -> &str {
            self.0
        }

        fn fault(&self) -> Option<String> {
            self.0.is_empty().then(|| "it has no name".to_owned())
        }

        fn built_in() -> &'static Registry<Self> {
            static TOOLS: LazyLock<Registry<Tool>> =
                LazyLock::new(|| Registry::of_rows(vec![Tool("file"), Tool("hammer")]));
            &TOOLS
        }
    }

    #[test]
    fn rows_are_added_in_the_order_of_names() {
        let more = Registry::<Tool>::built_in().with(Tool("gauge")).unwrap();
        assert_eq!(more.iter().map(Registered::name).collect::<Vec<_>>(), ["file", "gauge", "hammer"]);
        assert_eq!((more.len(), Registry::<Tool>::built_in().len()), (3, 2));
        assert_eq!(more.get("gauge"), Some(&Tool("gauge")));
    }

    #[test]
    fn a_taken_name_and_an_unsound_row_are_refused() {
        let tools = Registry::<Tool>::built_in();
        let said = |row| tools.with(row).map(|_| ()).unwrap_err().to_string();
        assert_eq!(said(Tool("file")), "there is a tool `file` already");
        assert_eq!(said(Tool("")), "the tool `` is unsound: it has no name");
    }

    #[test]
    fn an_unknown_name_is_told_the_nearest_one() {
        let error = Registry::<Tool>::built_in().find("hamer").unwrap_err();
        assert_eq!(error.to_string(), "there is no tool `hamer`");
        assert_eq!(error.help(), "did you mean `hammer`?");
    }
}
