//! Runs with a timeline and without: what each form costs.
#![expect(missing_docs, reason = "the macros of criterion make functions without")]

fn main() {}
