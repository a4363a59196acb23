//! The operators, one file a family: shapes of their outputs, values of small ones, and the work that they are.

mod attention;
mod convolution;
mod einsum;
mod elementwise;
mod generators;
mod indexing;
mod layout;
mod normalisation;
mod pooling;
mod products;
mod quantisation;
mod recurrent;
mod reduction;
mod resize;
mod signal;
mod window;

use super::call::Row;

/// The rows of all families.
pub(super) const FAMILIES: [&[Row]; 15] = [
    attention::ROWS,
    convolution::ROWS,
    einsum::ROWS,
    elementwise::ROWS,
    generators::ROWS,
    indexing::ROWS,
    layout::ROWS,
    normalisation::ROWS,
    pooling::ROWS,
    products::ROWS,
    quantisation::ROWS,
    recurrent::ROWS,
    reduction::ROWS,
    resize::ROWS,
    signal::ROWS,
];
