//! A text that was read, and where it came from.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

/// A text with a name: a file, a built-in file, or an argument of the command line.
///
/// Cheap to clone; two clones share the text.
#[derive(Clone, Debug)]
pub struct Source(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    name: String,
    text: String,
    origin: Origin,
}

/// Where a text came from, which decides what its relative paths mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// An argument, or a text made by a program.
    Text,
    /// A file of this path.
    File(PathBuf),
    /// A built-in file of this path below `scenarios/`.
    BuiltIn(String),
}

impl Source {
    /// A text, named as messages shall name it.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self::with_origin(name, text, Origin::Text)
    }

    /// A text that was read from somewhere.
    pub fn with_origin(name: impl Into<String>, text: impl Into<String>, origin: Origin) -> Self {
        Self(Arc::new(Inner { name: name.into(), text: text.into(), origin }))
    }

    /// Where the text came from.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.0.origin
    }

    /// The name that messages show.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The whole text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// Line and column (both from 1; columns in characters) of a byte offset.
    #[must_use]
    pub fn line_column(&self, offset: usize) -> (usize, usize) {
        let mut end = offset.min(self.text().len());
        while !self.text().is_char_boundary(end) {
            end -= 1;
        }
        let before = &self.text()[..end];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }

    /// A byte range cut down to what the text holds, on character boundaries.
    pub(crate) fn clamp(&self, range: Range<usize>) -> Range<usize> {
        let floor = |mut offset: usize| {
            offset = offset.min(self.text().len());
            while !self.text().is_char_boundary(offset) {
                offset -= 1;
            }
            offset
        };
        let start = floor(range.start);
        start..floor(range.end).max(start)
    }
}

/// A value together with the bytes of its source that state it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// Its bytes in the source.
    pub range: Range<usize>,
}
