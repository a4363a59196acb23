//! Lowering: from layers to the loop nests and vector operations that hardware executes.

use crate::kernel::{Kernel, Nest, Repeated, VectorWork, check_totals};
use crate::layer::{
    Attention, Convolution, Elementwise, Gemm, Layer, Normalisation, Operator, Recurrent, dimensions,
};
use crate::shape_error::{MAX_TRANSPOSED_STRIDE, ShapeError};

impl Layer {
    /// The layer as the loop nests and vector operations that hardware executes, in order.
    ///
    /// # Errors
    /// [`ShapeError`] where the operator's dimensions make no sense or its work is beyond
    /// [`crate::MAX_LAYER_WORK`].
    pub fn kernels(&self) -> Result<Vec<Repeated>, ShapeError> {
        let batch = self.batch;
        dimensions(&[("batch", batch)])?;
        let kernels = match self.operator {
            Operator::Convolution(convolution) => {
                let nests = convolution.nests(batch)?;
                nests.into_iter().map(|nest| Repeated::once(Kernel::Nest(nest))).collect()
            }
            Operator::Gemm(Gemm { rows, inner, columns }) => {
                dimensions(&[("rows", rows), ("inner", inner), ("columns", columns)])?;
                vec![gemm(batch, 1, rows, inner, columns)]
            }
            Operator::Attention(attention) => attention_kernels(attention, batch)?,
            Operator::Recurrent(recurrent) => recurrent_kernels(recurrent, batch)?,
            Operator::Pool(pool) => {
                let output = pool.output()?.elements();
                let window = u64::from(pool.kernel[0]) * u64::from(pool.kernel[1]);
                vec![vector(batch, pool.input.elements(), output, output.saturating_mul(window))]
            }
            Operator::Elementwise(Elementwise { output, elements_in, operations }) => {
                let output = output.elements();
                vec![vector(batch, elements_in, output, output.saturating_mul(operations.into()))]
            }
            Operator::Normalisation(Normalisation { shape }) => {
                // Mean, variance, scale and shift: two passes of two operations an element.
                let elements = shape.elements();
                vec![vector(batch, elements, elements, elements.saturating_mul(4))]
            }
            Operator::Opaque => return Err(ShapeError::Opaque),
        };
        check_totals(&kernels)?;
        Ok(kernels)
    }
}

/// Products of which the inputs of a batch share the second operand.
fn gemm(batch: u32, groups: u32, rows: u32, inner: u32, columns: u32) -> Repeated {
    Repeated::once(Kernel::Nest(Nest { batch, ..Nest::gemm(groups, rows, inner, columns) }))
}

/// Vector work on each input of a batch.
fn vector(batch: u32, elements_in: u64, elements_out: u64, operations: u64) -> Repeated {
    let [elements_in, elements_out, operations] =
        [elements_in, elements_out, operations].map(|of_one| of_one.saturating_mul(batch.into()));
    Repeated::once(Kernel::Vector(VectorWork { elements_in, elements_out, operations }))
}

impl Convolution {
    fn nests(&self, batch: u32) -> Result<Vec<Nest>, ShapeError> {
        let output = self.output()?;
        let nest = Nest {
            batch,
            groups: self.groups,
            output_channels: self.output_channels / self.groups,
            input_channels: self.input.channels / self.groups,
            output: [output.height, output.width],
            filter: self.kernel,
            stride: self.stride,
            dilation: self.dilation,
            padding: self.padding.before,
            input: [self.input.height, self.input.width],
        };
        if !self.transposed {
            return Ok(vec![nest]);
        }
        if self.dilation != [1, 1] {
            return Err(ShapeError::DilatedTranspose);
        }
        for stride in self.stride {
            if stride > MAX_TRANSPOSED_STRIDE {
                return Err(ShapeError::TransposedStride { stride });
            }
        }
        // Output rows of one phase modulo the stride see the same taps: every phase is a plain
        // convolution of stride 1, and no two phases write the same output.
        let phases = |axis: usize, input, extent| {
            (0..self.stride[axis])
                .filter_map(move |phase| self.phase(axis, phase, input, extent))
                .collect::<Vec<_>>()
        };
        let rows = phases(0, self.input.height, output.height);
        let columns = phases(1, self.input.width, output.width);
        let mut nests = Vec::with_capacity(rows.len() * columns.len());
        for row in &rows {
            for column in &columns {
                nests.push(Nest {
                    output: [row.outputs, column.outputs],
                    filter: [row.taps, column.taps],
                    padding: [row.padding, column.padding],
                    input: [row.input, column.input],
                    stride: [1, 1],
                    ..nest
                });
            }
        }
        Ok(nests)
    }

    /// One phase of a transposed convolution along one axis, if it has taps, outputs and inputs.
    ///
    /// Output `y` gets `in[i] * w[r]` for `y = i * stride + r - padding`. With
    /// `phase = (y + padding) mod stride` the taps are `r = phase + stride * j`, and
    /// `i = (y + padding - phase) / stride - j`.
    fn phase(&self, axis: usize, phase: u32, input: u32, extent: u32) -> Option<Phase> {
        let (stride, padding) = (self.stride[axis], self.padding.before[axis]);
        let taps = self.kernel[axis].checked_sub(phase).filter(|left| *left > 0)?.div_ceil(stride);
        let first = (phase + stride - padding % stride) % stride;
        let outputs = extent.checked_sub(first)?.div_ceil(stride);
        // The input row that tap 0 of the first output reads; the last tap reads `taps - 1` before.
        let start = (first + padding - phase) / stride;
        // Rows before all that the phase reads are none of its input.
        let input = input.checked_sub(start.saturating_sub(taps - 1))?;
        let padding = (taps - 1).saturating_sub(start);
        (outputs > 0 && input > 0).then_some(Phase { outputs, taps, padding, input })
    }
}

/// See [`Convolution::phase`].
struct Phase {
    outputs: u32,
    taps: u32,
    padding: u32,
    input: u32,
}

fn attention_kernels(attention: Attention, batch: u32) -> Result<Vec<Repeated>, ShapeError> {
    let Attention { embedding, heads, queries, keys } = attention;
    dimensions(&[("embedding", embedding), ("heads", heads), ("queries", queries), ("keys", keys)])?;
    if !embedding.is_multiple_of(heads) {
        return Err(ShapeError::Heads { heads, embedding });
    }
    let width = embedding / heads;
    let scores = u64::from(heads) * u64::from(queries) * u64::from(keys);
    // Weights of projections are those of all inputs; scores and weighted sums have no weights.
    let maps = heads.saturating_mul(batch);
    dimensions(&[("heads x batch", maps)])?;
    Ok(vec![
        gemm(batch, 1, queries, embedding, embedding),
        Repeated { times: 2, ..gemm(batch, 1, keys, embedding, embedding) },
        gemm(1, maps, queries, width, keys),
        // Softmax: maximum, difference, exponential, sum, division.
        vector(batch, scores, scores, scores.saturating_mul(5)),
        gemm(1, maps, queries, keys, width),
        gemm(batch, 1, queries, embedding, embedding),
    ])
}

fn recurrent_kernels(recurrent: Recurrent, batch: u32) -> Result<Vec<Repeated>, ShapeError> {
    let Recurrent { cell, features, hidden, steps, bidirectional } = recurrent;
    dimensions(&[("features", features), ("hidden", hidden), ("steps", steps)])?;
    let gates = cell.gates().saturating_mul(hidden);
    dimensions(&[("gates x hidden", gates)])?;
    let directions = 1 + u32::from(bidirectional);
    let sequential = steps.saturating_mul(directions);
    dimensions(&[("steps x directions", sequential)])?;
    let (gates_of_one, states) = (u64::from(gates), u64::from(hidden));
    let pointwise = vector(batch, gates_of_one + states, states, 2 * gates_of_one + 3 * states);
    Ok(vec![
        // The input's share of all gates does not depend on the state: one product a direction.
        Repeated { times: directions, ..gemm(batch, 1, steps, features, gates) },
        // The state's share is a product a step, one after the other; the inputs of a batch go through together.
        Repeated { times: sequential, ..gemm(batch, 1, 1, hidden, gates) },
        Repeated { times: sequential, ..pointwise },
    ])
}
