//! All tests of this crate in one program, which links once: each module is a file beside this one.

mod batches;
mod boards;
mod calibration;
mod co_location;
mod contention;
mod eyeriss_v2;
mod fission;
mod gemmini;
mod geometry;
mod granted_division;
mod maestro_oracle;
mod maestro_reference;
mod partial;
mod platform;
mod power;
mod reference_costs;
mod sanger;
mod systolic;
mod table;
mod technology;
mod throttle;
mod traced;
mod varying;
