//! Bounds beside simulation: of a window of jobs on unlike accelerators, how few can be late, and with how little energy.
//!
//! The scheduler of a bound knows everything: which frames come, what they need, what each layer takes. No policy does better,
//! so that what lies between a policy and these bounds is what could still be gained.
//!
//! The lower bound is a relaxation (`relaxation`): layers are divided among accelerators at will, and only the capacity of
//! accelerators between instants, and the time that each job has, are kept. Linear programs guide it; what is claimed is
//! computed from their prices in integers. The upper bound is a schedule (`schedule`) of layers joined into blocks, which an
//! independent check accepts. Where the two meet, the number of late jobs is that of the best schedule.
//!
//! ```
//! use std::sync::Arc;
//!
//! use rtmm_bounds::{Accelerator, Chain, Cost, Job, Layer, Limits, Window, bound};
//! use rtmm_hardware::Energy;
//! use rtmm_workload::{Duration, Time};
//!
//! let ms = |count: u64| Duration::from_picoseconds(count * 1_000_000_000);
//! let cost = |time, picojoules| Some(Cost::new(ms(time), Energy::from_picojoules(picojoules)));
//! let layer = Layer { on: vec![cost(4, 10.0), cost(6, 5.0)] };
//! let chain = Arc::new(Chain { network: 0, layers: vec![layer] });
//! let job = |name: &str| Job {
//!     name: name.to_owned(),
//!     release: Time::ZERO,
//!     deadline: Time::ZERO.saturating_add(ms(6)),
//!     weight: 1,
//!     needs: Vec::new(),
//!     chains: vec![Arc::clone(&chain)],
//! };
//! let accelerators = ["a", "b"].map(Accelerator::named).to_vec();
//! let window = Window::new(accelerators, vec![job("x"), job("y"), job("z")])?;
//!
//! // Two of the three are in time, one on each accelerator.
//! let bounds = bound(&window, &Limits::default(), &|| false);
//! assert_eq!((bounds.late_lower, bounds.late_upper), (1, 1));
//! // Neither alone could be the cheaper one twice.
//! assert!(bounds.energy_lower >= Energy::from_picojoules(10.0));
//! # Ok::<(), rtmm_bounds::WindowError>(())
//! ```

mod bound;
mod limits;
mod linear;
mod relaxation;
mod schedule;
mod slices;
mod window;

pub use bound::{Bounds, Effort, bound, energy_bound, late_bound};
pub use limits::Limits;
pub use schedule::{Block, Fault, Schedule, Verified, verify};
pub use window::{Accelerator, Chain, Cost, Job, JobIndex, Layer, Window, WindowError};
