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
        let kernels = match self.operator {
            Operator::Convolution(convolution) => {
                convolution.nests()?.into_iter().map(|nest| Repeated::once(Kernel::Nest(nest))).collect()
            }
            Operator::Gemm(Gemm { rows, inner, columns }) => {
                dimensions(&[("rows", rows), ("inner", inner), ("columns", columns)])?;
                vec![Repeated::once(Kernel::Nest(Nest::gemm(1, rows, inner, columns)))]
            }
            Operator::Attention(attention) => attention_kernels(attention)?,
            Operator::Recurrent(recurrent) => recurrent_kernels(recurrent)?,
            Operator::Pool(pool) => {
                let output = pool.output()?.elements();
                let window = u64::from(pool.kernel[0]) * u64::from(pool.kernel[1]);
                vec![Repeated::once(Kernel::Vector(VectorWork {
                    elements_in: pool.input.elements(),
                    elements_out: output,
                    operations: output.saturating_mul(window),
                }))]
            }
            Operator::Elementwise(Elementwise { output, elements_in, operations }) => {
                vec![Repeated::once(Kernel::Vector(VectorWork {
                    elements_in,
                    elements_out: output.elements(),
                    operations: output.elements().saturating_mul(operations.into()),
                }))]
            }
            Operator::Normalisation(Normalisation { shape }) => {
                // Mean, variance, scale and shift: two passes of two operations an element.
                let elements = shape.elements();
                vec![Repeated::once(Kernel::Vector(VectorWork {
                    elements_in: elements,
                    elements_out: elements,
                    operations: elements.saturating_mul(4),
                }))]
            }
            Operator::Opaque => return Err(ShapeError::Opaque),
        };
        check_totals(&kernels)?;
        Ok(kernels)
    }
}

impl Convolution {
    fn nests(&self) -> Result<Vec<Nest>, ShapeError> {
        let output = self.output()?;
        let nest = Nest {
            batch: 1,
            groups: self.groups,
            output_channels: self.output_channels / self.groups,
            input_channels: self.input.channels / self.groups,
            output: [output.height, output.width],
            filter: self.kernel,
            stride: self.stride,
            dilation: self.dilation,
            padding: self.padding,
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
        let (stride, padding) = (self.stride[axis], self.padding[axis]);
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

fn attention_kernels(attention: Attention) -> Result<Vec<Repeated>, ShapeError> {
    let Attention { embedding, heads, queries, keys } = attention;
    dimensions(&[("embedding", embedding), ("heads", heads), ("queries", queries), ("keys", keys)])?;
    if !embedding.is_multiple_of(heads) {
        return Err(ShapeError::Heads { heads, embedding });
    }
    let width = embedding / heads;
    let scores = u64::from(heads) * u64::from(queries) * u64::from(keys);
    let gemm = |times, groups, rows, inner, columns| Repeated {
        kernel: Kernel::Nest(Nest::gemm(groups, rows, inner, columns)),
        times,
    };
    Ok(vec![
        gemm(1, 1, queries, embedding, embedding),
        gemm(2, 1, keys, embedding, embedding),
        gemm(1, heads, queries, width, keys),
        // Softmax: maximum, difference, exponential, sum, division.
        Repeated::once(Kernel::Vector(VectorWork {
            elements_in: scores,
            elements_out: scores,
            operations: scores.saturating_mul(5),
        })),
        gemm(1, heads, queries, keys, width),
        gemm(1, 1, queries, embedding, embedding),
    ])
}

fn recurrent_kernels(recurrent: Recurrent) -> Result<Vec<Repeated>, ShapeError> {
    let Recurrent { cell, features, hidden, steps, bidirectional } = recurrent;
    dimensions(&[("features", features), ("hidden", hidden), ("steps", steps)])?;
    let gates = cell.gates().saturating_mul(hidden);
    dimensions(&[("gates x hidden", gates)])?;
    let directions = 1 + u32::from(bidirectional);
    let sequential = steps.saturating_mul(directions);
    dimensions(&[("steps x directions", sequential)])?;
    Ok(vec![
        // The input's share of all gates does not depend on the state: one product a direction.
        Repeated { kernel: Kernel::Nest(Nest::gemm(1, steps, features, gates)), times: directions },
        // The state's share is a product a step, one after the other.
        Repeated { kernel: Kernel::Nest(Nest::gemm(1, 1, hidden, gates)), times: sequential },
        Repeated {
            kernel: Kernel::Vector(VectorWork {
                elements_in: u64::from(gates) + u64::from(hidden),
                elements_out: u64::from(hidden),
                operations: 2 * u64::from(gates) + 3 * u64::from(hidden),
            }),
            times: sequential,
        },
    ])
}
