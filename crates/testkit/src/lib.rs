//! Test kit: systems, policies, observers and tables that the tests and benches of several crates share.
//!
//! Packages name it among their dev-dependencies only. Its helpers fail as tests do: they panic, and say why.
//!
//! ```
//! let page = "| model | layers |\n| --- | --- |\n| `one` | 1,200 |\n";
//! let rows = rtmm_testkit::pages::table(page, &["model", "layers"]);
//! assert_eq!(rows, [["one", "1,200"]]);
//! assert_eq!(rtmm_testkit::pages::number(&rows[0][1]), 1_200);
//! ```

pub mod by_hand;
pub mod cases;
pub mod closures;
pub mod digests;
pub mod fixture;
pub mod hand_made;
pub mod pages;
pub mod random_systems;
mod simulation;
#[cfg(feature = "runners")]
pub mod synthetic_runner;
#[cfg(feature = "runners")]
pub mod told_runner;

pub use simulation::simulate;
