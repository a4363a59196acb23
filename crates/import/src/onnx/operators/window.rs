//! Windows that slide over inputs: outputs, strides and padding of convolutions and pooling.

use crate::onnx::call::{Call, bad_attribute, shown};
use crate::onnx::reason::Reason;

/// A window along every spatial dimension.
pub(super) struct Window {
    pub kernel: Vec<u64>,
    pub stride: Vec<u64>,
    pub dilation: Vec<u64>,
    pub begin: Vec<i64>,
    pub end: Vec<i64>,
    pub output: Vec<u64>,
}

/// The attributes that all windows have.
pub(super) struct Stated {
    pub kernel: Vec<u64>,
    pub stride: Vec<u64>,
    pub dilation: Vec<u64>,
    /// Padding before and behind, zero where `auto_pad` decides.
    pub begin: Vec<i64>,
    pub end: Vec<i64>,
    pub auto: Auto,
}

/// Ways to choose the padding.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Auto {
    /// As `pads` says; none without it.
    Stated,
    /// So that there are as many outputs as strides in the input; an odd one stands behind.
    SameUpper,
    /// The same; an odd one stands before.
    SameLower,
}

/// The extents of a window that sees `kernel` taps, in elements of its input.
pub(super) fn extent(kernel: u64, dilation: u64) -> i128 {
    i128::from(dilation) * (i128::from(kernel) - 1) + 1
}

impl Stated {
    pub(super) fn of(call: &Call<'_>, kernel: Vec<u64>) -> Result<Self, Reason> {
        let rank = kernel.len();
        if kernel.contains(&0) {
            return Err(Reason::Shapes(format!("a filter or window of {} has no taps", shown(&kernel))));
        }
        let auto = match call.text("auto_pad", "NOTSET") {
            "NOTSET" | "" | "VALID" => Auto::Stated,
            "SAME_UPPER" => Auto::SameUpper,
            "SAME_LOWER" => Auto::SameLower,
            other => {
                return Err(bad_attribute("auto_pad", format!("is `{other}`, which no version of ONNX has")));
            }
        };
        let is_valid = call.text("auto_pad", "NOTSET") == "VALID";
        let pads = call.integers("pads").filter(|pads| auto == Auto::Stated && !is_valid && !pads.is_empty());
        if pads.is_some_and(|pads| pads.len() != 2 * rank) {
            return Err(bad_attribute("pads", format!("does not have {} numbers", 2 * rank)));
        }
        let side = |from: usize| pads.map_or(vec![0; rank], |pads| pads[from..from + rank].to_vec());
        Ok(Self {
            stride: positive(call, "strides", rank)?,
            dilation: positive(call, "dilations", rank)?,
            begin: side(0),
            end: side(rank),
            kernel,
            auto,
        })
    }

    /// Slides over an input; `round_up` adds a last output that hangs over the edge.
    pub(super) fn slide(self, input: &[u64], round_up: bool) -> Result<Window, Reason> {
        let Self { kernel, stride, dilation, mut begin, mut end, auto } = self;
        if input.len() != kernel.len() {
            return Err(Reason::Shapes(format!(
                "a window of {} dimensions over an input of {}",
                kernel.len(),
                input.len()
            )));
        }
        let mut output = Vec::with_capacity(input.len());
        for (axis, input) in input.iter().map(|input| i128::from(*input)).enumerate() {
            let (step, extent) = (i128::from(stride[axis]), extent(kernel[axis], dilation[axis]));
            let outputs = if auto == Auto::Stated {
                let padded = input + i128::from(begin[axis]) + i128::from(end[axis]);
                if padded < extent {
                    return Err(Reason::Shapes(format!(
                        "a window of {extent} (dilation included) is larger than its input of {padded} (padding \
                         included)"
                    )));
                }
                let room = padded - extent;
                let mut outputs = room / step + 1;
                // The last window must begin on the input or on what precedes it.
                let begins_inside = outputs * step < input + i128::from(begin[axis]);
                if round_up && room % step != 0 && begins_inside {
                    outputs += 1;
                    end[axis] += narrow((outputs - 1) * step - room)?;
                }
                outputs
            } else {
                let outputs = (input + step - 1) / step;
                let total = ((outputs - 1) * step + extent - input).max(0);
                let (half, rest) = (narrow(total / 2)?, narrow(total - total / 2)?);
                (begin[axis], end[axis]) = if auto == Auto::SameUpper { (half, rest) } else { (rest, half) };
                outputs
            };
            output.push(u64::try_from(outputs).map_err(|_| Reason::Extent { extent: outputs })?);
        }
        Ok(Window { kernel, stride, dilation, begin, end, output })
    }
}

pub(super) fn narrow(value: i128) -> Result<i64, Reason> {
    i64::try_from(value).map_err(|_| Reason::Extent { extent: value })
}

/// Numbers from 1 for each spatial dimension; ones by default.
pub(super) fn positive(call: &Call<'_>, name: &str, rank: usize) -> Result<Vec<u64>, Reason> {
    let stated = call.integers(name).filter(|stated| !stated.is_empty());
    let Some(stated) = stated else { return Ok(vec![1; rank]) };
    if stated.len() != rank {
        return Err(bad_attribute(name, format!("has {} numbers, not {rank}", stated.len())));
    }
    let number = |number: &i64| u64::try_from(*number).ok().filter(|number| *number > 0);
    let numbers: Option<Vec<u64>> = stated.iter().map(number).collect();
    numbers.ok_or_else(|| bad_attribute(name, "has a number below 1"))
}
