//! All tests of this crate in one program, which links once: each module is a file beside this one.

mod built_in;
mod files;
mod quantities;
mod records;
