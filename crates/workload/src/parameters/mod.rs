//! Parameters: declared once, listed, set by texts and files, and read without failing.
//!
//! Parameters of policies, settings of runs and keys of cost models are declared by [`Real`], [`Integer`],
//! [`Decimal`], [`Switch`], [`Choice`] and [`Span`]: each states name, meaning, default and what is allowed, and the
//! type of its values. A [`Schema`] lists declarations; [`Parameters`] are values for a schema. They are checked when
//! they are set, and only then: reading one by its declaration gives a value of its type. The keys of a cost model are
//! read from a file's table one by one ([`Typed::stated`]), so that each problem is recorded with its place. [`Written`]
//! declares a key of a form of its own, such as a path.
//!
//! ```
//! use rtmm_workload::parameters::{Choice, Declared, Integer, Parameters, Schema};
//!
//! const DEPTH: Integer<u32> = Integer::new("depth", "requests that the table holds", 9, 0..=16);
//! const STRICT: Choice<bool> =
//!     Choice::new("order", "whether ties are broken", true, &[("strict", true), ("loose", false)]);
//! const ALL: &[&dyn Declared] = &[&DEPTH, &STRICT];
//!
//! let mut parameters = Parameters::defaults(&Schema::of(&[ALL]));
//! parameters.set_text("depth", "4")?;
//! assert_eq!((parameters.read(&DEPTH), parameters.read(&STRICT)), (4, true));
//! let error = parameters.set_text("dept", "4").unwrap_err();
//! assert_eq!(error.help(), "did you mean `depth`?");
//! # Ok::<(), rtmm_workload::parameters::ParameterError>(())
//! ```

mod declaration;
mod error;
mod parameter;
mod schema;
mod values;

pub use declaration::{Choice, Decimal, Declared, Integer, Real, Span, Switch, Typed, Written};
pub use error::ParameterError;
pub use parameter::{Allowed, Assignment, DefaultValue, Parameter, ParameterValue};
pub use schema::Schema;
pub use values::{Parameters, assign};

#[cfg(test)]
mod tests;
