//! Tests of the crate as its users see it, as modules of one program.
