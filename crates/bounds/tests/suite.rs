//! All tests of this crate in one program, which links once: each module is a file beside this one.

mod build;
mod oracle;
mod random_windows;
mod verifier;
mod windows;
