//! Texts of which each part may take so many bytes, so that no file fills the memory.

use std::cell::Cell;
use std::io::{self, BufRead, Read};

/// A text of parts, such as rows. What reads it gives each part its bytes anew.
pub(crate) struct Bounded<'r, 'c> {
    /// The whole text.
    pub text: &'r mut dyn BufRead,
    /// Bytes that the part may still take.
    pub left: &'c Cell<u64>,
    /// Error where it takes more.
    pub problem: String,
}

impl Read for Bounded<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.text.read(buffer)?;
        match self.left.get().checked_sub(read as u64) {
            Some(left) => self.left.set(left),
            None => return Err(io::Error::other(self.problem.clone())),
        }
        Ok(read)
    }
}
