//! Import of what other programs wrote: ONNX files and networks of MAESTRO become layers with their multiply-accumulates,
//! weights and memory, profiles of devices become times of nodes, and arrival traces become requests.
//!
//! An import reads the structure of a file and none of its weights. Shapes are inferred by rules of its own, with the
//! arithmetic that exporters do on shapes; only what an inference executes is counted.
//!
//! ```
//! use rtmm_import::{ImportError, load};
//!
//! match load::onnx("network.onnx".as_ref(), &Default::default()) {
//!     Ok(model) => println!("{} layers, {} MACs", model.layers.len(), model.macs),
//!     Err(error @ ImportError::Open(_)) => println!("{error}: {}", error.help()),
//!     Err(error) => println!("{error}"),
//! }
//! ```

pub mod arrivals;
pub mod load;
pub mod maestro;
pub mod measurements;
pub mod onnx;

mod bounded;
mod error;
mod layer;
mod model;
mod model_file;

pub use error::{Choice, ImportError, OpenDimension};
pub use layer::{
    ImportedAttention, ImportedConvolution, ImportedLayer, ImportedOperator, ImportedPool, ImportedProduct,
    ImportedRecurrent, NormalisationKind,
};
pub use model::{ImportSummary, ImportedModel, Unsupported};
pub use model_file::{Unsaid, UnwritableLayer, quoted};
