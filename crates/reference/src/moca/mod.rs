//! The runtime of MoCA (Kim et al., HPCA 2023): predictions, contention, plans and the throttle.
//!
//! Eight cores share a cache and DRAM, in four groups of two. The published program predicts what each layer of a net
//! takes and how much it reads, plans which task runs on which group, and throttles the loads of layers while others
//! need the bandwidth more. This module repeats its arithmetic to the integer, and the throttle of the hardware cycle by
//! cycle. It runs no whole evaluation: how long layers really take is measured on the simulated chip alone.
//!
//! Read in this order: [`layer`] says what a layer is and how it is split over cores; [`Estimate`] is what the device
//! says of one (with one file for each kind, [`numbers`] for roundings, and the search for a tile); [`offline_table`] is
//! what is assumed of the layers of [`nets`]; [`contention`] sets the throttle of a layer, [`hardware_throttle`] obeys;
//! [`scheduler`] plans; [`load_generator`] draws what arrives. [`layer_file`] and [`case_file`] read the inputs of the
//! command line.
//!
//! Quirks of the program are kept and named where they act, by the numbers of the list in
//! `docs/models/moca-reference.md`. [`fixes`] takes some of them away, one by one.
//!
//! ```
//! use rtmm_reference::moca::load_generator::{self, Qos, WorkloadSet};
//! use rtmm_reference::moca::scheduler::Scheduler;
//! use rtmm_reference::moca::{Fixes, Net, OfflineTable};
//!
//! // What the scheduler takes ResNet-50 to need on a group of two cores, in cycles.
//! let table = OfflineTable::of(Net::Resnet50, &Fixes::default())?;
//! assert_eq!(table.isolated_two_cores, 12_550_809);
//!
//! // The first plan for the tasks of all nets.
//! let tasks = load_generator::tasks(WorkloadSet::C);
//! assert_eq!(Qos::High.target_cycles(tasks[0].net), 8_000_000);
//! let mut scheduler = Scheduler::new(tasks, &Fixes::default())?;
//! let plan = scheduler.plan(0);
//! assert_eq!((plan.rounds(), plan.iterations[0].candidates.len()), (3, 9));
//! # Ok::<(), rtmm_reference::moca::MocaError>(())
//! ```

mod addition;
pub mod case_file;
pub mod contention;
mod convolution;
pub mod error;
mod estimate;
pub mod fixes;
pub mod hardware_throttle;
pub mod layer;
pub mod layer_file;
pub mod load_generator;
mod net_layers;
pub mod nets;
pub mod numbers;
pub mod offline_table;
mod parts;
mod pooling;
mod product;
pub mod scheduler;
mod tiling;

pub use error::MocaError;
pub use fixes::{FIXES, FixRow, Fixes};
pub use layer::{Addition, Convolution, Layer, Pooling, Product, Split};
pub use nets::Net;
pub use offline_table::OfflineTable;
pub use parts::{Estimate, Passes, Terms};
