//! Rebuilds the crate when a built-in scenario, model or table is added or changed: the files are
//! embedded at compile time.

fn main() {
    println!("cargo:rerun-if-changed=../../scenarios");
}
