//! One execution of a node, as the rules of operators see it: attributes, inputs, version; and what they make of it.

use super::element::ElementType;
use super::proto::AttributeProto;
use super::reason::Reason;
use super::tensor::Tensor;
use crate::layer::ImportedOperator;

/// A rule of an operator: the outputs of a call, and the work that it is.
pub(crate) type Rule = fn(&Call<'_>) -> Result<Outcome, Reason>;

/// Domain of an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Domain {
    /// ONNX itself.
    Onnx,
    /// `com.microsoft`: fusions of ONNX Runtime.
    Microsoft,
}

impl Domain {
    /// The domain of a name, if it has rules.
    pub(crate) fn of(name: &str) -> Option<Self> {
        match name {
            "" | "ai.onnx" => Some(Self::Onnx),
            "com.microsoft" => Some(Self::Microsoft),
            _ => None,
        }
    }
}

/// An operator with its rule: a row of the registry.
pub(crate) struct Row {
    pub domain: Domain,
    pub name: &'static str,
    pub rule: Rule,
    /// Inputs that hold no weights even where they are constant: scales, zero points, shapes, axes, lengths.
    pub auxiliary: &'static [usize],
}

impl Row {
    /// An operator of ONNX all whose constant inputs are weights.
    pub(crate) const fn new(name: &'static str, rule: Rule) -> Self {
        Self { domain: Domain::Onnx, name, rule, auxiliary: &[] }
    }

    /// An operator of `com.microsoft` all whose constant inputs are weights.
    pub(crate) const fn microsoft(name: &'static str, rule: Rule) -> Self {
        Self { domain: Domain::Microsoft, name, rule, auxiliary: &[] }
    }

    /// The same operator with inputs that hold no weights.
    pub(crate) const fn auxiliary(self, inputs: &'static [usize]) -> Self {
        Self { auxiliary: inputs, ..self }
    }
}

/// The result of a rule.
pub(crate) struct Outcome {
    /// All outputs that the operator can have, in order.
    pub outputs: Vec<Tensor>,
    /// The work, if it is any.
    pub operator: Option<ImportedOperator>,
    /// An input whose weights are packed, and how many there are.
    pub packed: Option<(usize, u64)>,
}

impl Outcome {
    /// An output that takes no work: a shape, a view, a copy.
    pub(crate) fn free(output: Tensor) -> Self {
        Self::free_all(vec![output])
    }

    /// Outputs that take no work.
    pub(crate) fn free_all(outputs: Vec<Tensor>) -> Self {
        Self { outputs, operator: None, packed: None }
    }

    /// An output of some work.
    pub(crate) fn of(output: Tensor, operator: ImportedOperator) -> Self {
        Self { outputs: vec![output], operator: Some(operator), packed: None }
    }
}

/// One execution of a node.
pub(crate) struct Call<'c> {
    /// Name of the operator.
    pub operator: &'c str,
    /// Version of the operator set.
    pub version: i64,
    /// Attributes by name, those of functions resolved.
    pub attributes: &'c [(&'c str, &'c AttributeProto)],
    /// Inputs; none where an optional one is left out.
    pub inputs: &'c [Option<&'c Tensor>],
    /// Number of outputs that the node names.
    pub outputs: usize,
}

impl<'c> Call<'c> {
    pub(crate) fn input(&self, position: usize) -> Result<&'c Tensor, Reason> {
        self.optional(position).ok_or(Reason::MissingInput { position })
    }

    pub(crate) fn optional(&self, position: usize) -> Option<&'c Tensor> {
        self.inputs.get(position).copied().flatten()
    }

    /// The inputs that are given, in order.
    pub(crate) fn given(&self) -> impl Iterator<Item = &'c Tensor> {
        self.inputs.iter().copied().flatten()
    }

    /// Whole numbers that an input holds.
    pub(crate) fn known(&self, position: usize) -> Result<&'c [i64], Reason> {
        self.input(position)?.known_integers().ok_or(Reason::Data { position })
    }

    /// The whole number that an input holds.
    pub(crate) fn known_integer(&self, position: usize) -> Result<i64, Reason> {
        self.input(position)?.known_integer().ok_or(Reason::Data { position })
    }

    pub(crate) fn attribute(&self, name: &str) -> Option<&'c AttributeProto> {
        self.attributes.iter().find(|(known, _)| *known == name).map(|(_, attribute)| *attribute)
    }

    pub(crate) fn integer(&self, name: &str, default: i64) -> i64 {
        self.attribute(name).map_or(default, |attribute| attribute.i)
    }

    pub(crate) fn flag(&self, name: &str, default: bool) -> bool {
        self.integer(name, default.into()) != 0
    }

    pub(crate) fn integers(&self, name: &str) -> Option<&'c [i64]> {
        self.attribute(name).map(|attribute| attribute.ints.as_slice())
    }

    /// A text, or the default where there is none or it is no UTF-8.
    pub(crate) fn text(&self, name: &str, default: &'c str) -> &'c str {
        self.attribute(name).and_then(|attribute| str::from_utf8(&attribute.s).ok()).unwrap_or(default)
    }

    /// A count that an attribute states, from 1.
    pub(crate) fn count(&self, name: &str, default: Option<i64>) -> Result<u64, Reason> {
        let stated = self.attribute(name).map(|attribute| attribute.i).or(default);
        let value = stated.ok_or_else(|| bad_attribute(name, "is missing"))?;
        u64::try_from(value)
            .ok()
            .filter(|count| *count > 0)
            .ok_or_else(|| bad_attribute(name, format!("is {value}, which is below 1")))
    }

    /// The element type that an attribute names.
    pub(crate) fn element(&self, name: &str, default: ElementType) -> Result<ElementType, Reason> {
        match self.attribute(name).map(|attribute| attribute.i) {
            None => Ok(default),
            Some(code) => i32::try_from(code)
                .ok()
                .and_then(ElementType::of)
                .ok_or_else(|| bad_attribute(name, format!("is {code}, which is no element type"))),
        }
    }

    /// An axis as an attribute states it, counted from the end where it is negative.
    pub(crate) fn axis(&self, name: &str, default: i64, rank: usize) -> Result<usize, Reason> {
        axis(self.integer(name, default), rank)
    }

    /// Numbers that newer operator sets take as an input, and older ones as an attribute; none where neither is
    /// there.
    pub(crate) fn stated(&self, position: usize, name: &str) -> Result<Option<&'c [i64]>, Reason> {
        match self.optional(position) {
            Some(_) => self.known(position).map(Some),
            None => Ok(self.integers(name)),
        }
    }
}

/// An axis of a tensor, counted from the end where it is negative.
pub(crate) fn axis(stated: i64, rank: usize) -> Result<usize, Reason> {
    let from_start = if stated < 0 { stated.checked_add(rank as i64) } else { Some(stated) };
    from_start
        .and_then(|axis| usize::try_from(axis).ok())
        .filter(|axis| *axis < rank)
        .ok_or_else(|| Reason::Shapes(format!("axis {stated} is none of a tensor of {rank} dimensions")))
}

/// An axis that may also be one past the last, as that of a `Flatten`.
pub(crate) fn split_axis(stated: i64, rank: usize) -> Result<usize, Reason> {
    if stated == rank as i64 { Ok(rank) } else { axis(stated, rank) }
}

pub(crate) fn bad_attribute(name: &str, problem: impl Into<String>) -> Reason {
    Reason::Attribute { name: name.to_owned(), problem: problem.into() }
}

/// Extents as people write them.
pub(crate) fn shown(dims: &[u64]) -> String {
    let dims: Vec<String> = dims.iter().map(u64::to_string).collect();
    format!("[{}]", dims.join(", "))
}

/// The extents that two tensors have together where they are broadcast.
pub(crate) fn broadcast(one: &[u64], other: &[u64]) -> Result<Vec<u64>, Reason> {
    let rank = one.len().max(other.len());
    let extent =
        |dims: &[u64], axis: usize| (axis + dims.len()).checked_sub(rank).map_or(1, |axis| dims[axis]);
    (0..rank)
        .map(|axis| match (extent(one, axis), extent(other, axis)) {
            (a, b) if a == b => Ok(a),
            (1, b) => Ok(b),
            (a, 1) => Ok(a),
            _ => Err(Reason::Shapes(format!("{} and {} cannot be broadcast", shown(one), shown(other)))),
        })
        .collect()
}
