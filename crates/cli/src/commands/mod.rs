//! One file a command.

pub(crate) mod analyse;
pub(crate) mod bound;
pub(crate) mod calibrate;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod cost;
pub(crate) mod explain;
mod fit;
pub(crate) mod import;
pub(crate) mod interference;
pub(crate) mod list;
mod priced;
pub(crate) mod reproduce;
pub(crate) mod requests;
pub(crate) mod robust;
pub(crate) mod run;
pub(crate) mod sweep;
pub(crate) mod traces;
mod unmatched;
