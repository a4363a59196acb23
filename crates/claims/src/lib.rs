//! A ledger of claims: what publications say, what this project measures of it, and under which reading it comes out.
//!
//! A publication leaves much open: costs, caps, units, loads. A [`reading`](reading::Reading) settles these by name, as a
//! part of the cells of a sweep. A [`claim`](publication::Claim) has a [`quantity`](quantity::Quantity) that is measured
//! from results, a bound within which it holds, and the readings that it is measured under; the [`verdict`] follows by
//! rule. Claims are files: those of [`built_in`] publications, or others of one's own.
//!
//! ```
//! use rtmm_claims::file::publication_of;
//! use rtmm_claims::ledger::{Line, State};
//! use rtmm_claims::resolution::{Asked, Resolution};
//! use rtmm_runners::Runners;
//! use rtmm_sweep::execute::{Options, Silent};
//! use rtmm_workload::input::Source;
//!
//! let text = r#"
//!     title = "A score"
//!     source = "an artifact"
//!     [[reading]]
//!     name = "artifact"
//!     description = "the program itself"
//!     sweep = "smoke"
//!     where = { scenario = "xrbench/vr_gaming", platform = "xrbench/single_4k_ws" }
//!     [[claim]]
//!     number = 1
//!     text = "the score of a system"
//!     source = "its output"
//!     confidence = "read"
//!     published = 86.466141
//!     quantity = { kind = "mean", column = "overall_score_pct" }
//!     holds = { within = 0.0000005 }
//!     readings = ["artifact"]
//! "#;
//! let publication = publication_of(&Source::new("score.toml", text))?;
//! let asked = Asked::all(&publication);
//! let resolution = Resolution::of(&asked, &Runners::built_in().list())?;
//! let directory = tempfile::tempdir()?;
//! let measured = resolution.measure(0, directory.path(), &Options::default(), &Silent)?;
//! let value = measured.measurements[0].measured.clone()?;
//! let state = |_: &_| Some(State::Measured { measured: value, is_current: true });
//! let line = Line::new(&publication, &publication.claims[0], state);
//! assert_eq!(line.verdict_text(), "holds");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod built_in;
pub mod file;
pub mod ledger;
pub mod markdown;
pub mod publication;
pub mod quantity;
pub mod reading;
pub mod record;
pub mod resolution;
pub mod selection;
pub mod side;
pub mod verdict;
