//! Tensors as an import knows them: type, extents, and the elements of small ones.

use rtmm_workload::MAX_LAYER_WORK;

use super::element::ElementType;
use super::limits::MAX_RANK;
use super::proto::TensorProto;
use super::reason::Reason;

/// The most elements of a tensor whose values are kept: shapes, axes, indices, anchors of a row.
pub(crate) const MAX_KNOWN: u64 = 1_024;
/// The most real numbers of a constant that are read: scales of a resize, bounds of a range.
pub(crate) const MAX_READ_REALS: u64 = 16;

/// The elements of a small tensor, in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// Whole numbers and truth values.
    Integers(Vec<i64>),
    /// Real numbers.
    Reals(Vec<f64>),
}

impl Value {
    /// The elements at these places, or none if one is out of range.
    pub(crate) fn pick(&self, places: impl Iterator<Item = usize>) -> Option<Self> {
        Some(match self {
            Self::Integers(all) => {
                Self::Integers(places.map(|place| all.get(place).copied()).collect::<Option<_>>()?)
            }
            Self::Reals(all) => {
                Self::Reals(places.map(|place| all.get(place).copied()).collect::<Option<_>>()?)
            }
        })
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Integers(all) => all.len(),
            Self::Reals(all) => all.len(),
        }
    }

    /// As real numbers.
    pub(crate) fn reals(&self) -> Vec<f64> {
        match self {
            Self::Integers(all) => all.iter().map(|value| *value as f64).collect(),
            Self::Reals(all) => all.clone(),
        }
    }
}

/// Facts of a tensor.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tensor {
    pub element: ElementType,
    pub dims: Vec<u64>,
    /// Its elements, where they are known and few.
    pub value: Option<Value>,
    /// True if it depends on constants alone: the same in every inference.
    pub is_weight: bool,
}

impl Tensor {
    /// A tensor of which only type and extents are known.
    ///
    /// # Errors
    /// [`Reason::TooLarge`] where it has more elements than a layer's tensor may have, [`Reason::Shapes`] where it
    /// has more dimensions than any network's.
    pub(crate) fn new(element: ElementType, dims: Vec<u64>) -> Result<Self, Reason> {
        elements(&dims)?;
        if dims.len() > MAX_RANK {
            return Err(Reason::Shapes(format!("a tensor of {} dimensions", dims.len())));
        }
        Ok(Self { element, dims, value: None, is_weight: false })
    }

    /// The same with the elements that are known, unless they are many.
    pub(crate) fn with_value(mut self, value: Option<Value>) -> Self {
        self.value =
            value.filter(|value| value.len() as u64 == self.elements() && self.elements() <= MAX_KNOWN);
        self
    }

    /// A list of whole numbers.
    pub(crate) fn integers(values: Vec<i64>) -> Result<Self, Reason> {
        let tensor = Self::new(ElementType::INT64, vec![values.len() as u64])?;
        Ok(tensor.with_value(Some(Value::Integers(values))))
    }

    /// A whole number.
    pub(crate) fn integer(value: i64) -> Self {
        let value = Some(Value::Integers(vec![value]));
        Self { element: ElementType::INT64, dims: Vec::new(), value, is_weight: false }
    }

    /// A tensor of a type with the same extents.
    pub(crate) fn of_same_extents(&self, element: ElementType) -> Self {
        Self { element, dims: self.dims.clone(), value: None, is_weight: false }
    }

    pub(crate) fn rank(&self) -> usize {
        self.dims.len()
    }

    /// Number of elements; within bounds since the tensor was made.
    pub(crate) fn elements(&self) -> u64 {
        elements(&self.dims).unwrap_or(0)
    }

    /// Bytes, with elements below a byte packed.
    pub(crate) fn bytes(&self) -> u64 {
        (self.elements() * self.element.bits()).div_ceil(8)
    }

    /// Its elements as whole numbers, if they are known and are whole numbers.
    pub(crate) fn known_integers(&self) -> Option<&[i64]> {
        match &self.value {
            Some(Value::Integers(values)) => Some(values),
            _ => None,
        }
    }

    /// Its only element, if it has one that is known and whole.
    pub(crate) fn known_integer(&self) -> Option<i64> {
        match self.known_integers()? {
            [value] => Some(*value),
            _ => None,
        }
    }

    /// A constant of a file, with its elements where they are few.
    pub(crate) fn of_constant(proto: &TensorProto) -> Result<Self, Reason> {
        let element =
            ElementType::of(proto.data_type).ok_or(Reason::ElementType { code: proto.data_type })?;
        let dims = extents(&proto.dims)?;
        let tensor = Self::new(element, dims)?;
        let count = tensor.elements();
        let limit = if element.is_real() { MAX_READ_REALS } else { MAX_KNOWN };
        if proto.data_location == 1 || count > limit {
            return Ok(tensor);
        }
        let value = payload(proto, element, count)?;
        Ok(tensor.with_value(value))
    }
}

/// Extents of a file as numbers of elements.
pub(crate) fn extents(dims: &[i64]) -> Result<Vec<u64>, Reason> {
    dims.iter().map(|dim| u64::try_from(*dim).map_err(|_| Reason::Extent { extent: (*dim).into() })).collect()
}

/// The product of extents, if a layer's tensor may be as large.
pub(crate) fn elements(dims: &[u64]) -> Result<u64, Reason> {
    if dims.contains(&0) {
        return Ok(0);
    }
    dims.iter()
        .try_fold(1_u64, |product, dim| product.checked_mul(*dim))
        .filter(|elements| *elements <= MAX_LAYER_WORK)
        .ok_or(Reason::TooLarge { what: "elements of a tensor" })
}

/// The elements of a small constant; none for types that no shape arithmetic uses.
fn payload(proto: &TensorProto, element: ElementType, count: u64) -> Result<Option<Value>, Reason> {
    let typed = match element {
        ElementType::Signed(64) => Some(Value::Integers(proto.int64_data.clone())),
        ElementType::Signed(8 | 16 | 32) | ElementType::Unsigned(8 | 16) | ElementType::Bool => {
            Some(Value::Integers(proto.int32_data.iter().map(|value| i64::from(*value)).collect()))
        }
        ElementType::Float32 => {
            Some(Value::Reals(proto.float_data.iter().map(|value| f64::from(*value)).collect()))
        }
        ElementType::Float64 => Some(Value::Reals(proto.double_data.clone())),
        _ => None,
    };
    let raw = &proto.raw_data;
    if raw.is_empty() {
        return match typed {
            Some(value) if value.len() as u64 == count => Ok(Some(value)),
            Some(value) => Err(Reason::Payload { found: value.len() as u64, expected: count }),
            None => Ok(None),
        };
    }
    if typed.is_none() {
        return Ok(None);
    }
    let size = (element.bits() / 8) as usize;
    if raw.len() as u64 != count * size as u64 {
        return Err(Reason::Payload { found: raw.len() as u64 / size as u64, expected: count });
    }
    let words = raw.chunks_exact(size);
    Ok(Some(if element.is_real() {
        Value::Reals(words.map(|word| real(element, word)).collect())
    } else {
        Value::Integers(words.map(|word| integer(element, word)).collect())
    }))
}

fn integer(element: ElementType, word: &[u8]) -> i64 {
    let is_negative =
        matches!(element, ElementType::Signed(_)) && word.last().is_some_and(|byte| byte & 0x80 != 0);
    let mut bytes = [if is_negative { 0xff } else { 0 }; 8];
    bytes[..word.len()].copy_from_slice(word);
    i64::from_le_bytes(bytes)
}

fn real(element: ElementType, word: &[u8]) -> f64 {
    let mut bytes = [0; 8];
    bytes[..word.len()].copy_from_slice(word);
    let bits = u64::from_le_bytes(bytes);
    match element {
        ElementType::Float64 => f64::from_bits(bits),
        _ => f64::from(f32::from_bits(bits as u32)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_are_read_from_either_field_with_their_sign() {
        let raw = TensorProto {
            dims: vec![2],
            data_type: 6,
            raw_data: vec![255, 255, 255, 255, 2, 0, 0, 0],
            ..TensorProto::default()
        };
        assert_eq!(Tensor::of_constant(&raw).unwrap().known_integers(), Some(&[-1, 2][..]));
        let typed =
            TensorProto { dims: vec![2], data_type: 3, int32_data: vec![-1, 2], ..TensorProto::default() };
        assert_eq!(Tensor::of_constant(&typed).unwrap().known_integers(), Some(&[-1, 2][..]));
        let unsigned =
            TensorProto { dims: vec![1], data_type: 2, raw_data: vec![255], ..TensorProto::default() };
        assert_eq!(Tensor::of_constant(&unsigned).unwrap().known_integer(), Some(255));
        let scales =
            TensorProto { dims: vec![2], data_type: 1, float_data: vec![1.0, 0.5], ..TensorProto::default() };
        assert_eq!(Tensor::of_constant(&scales).unwrap().value, Some(Value::Reals(vec![1.0, 0.5])));
    }

    #[test]
    fn a_payload_of_another_length_is_an_error() {
        let proto =
            TensorProto { dims: vec![3], data_type: 7, int64_data: vec![1], ..TensorProto::default() };
        assert_eq!(Tensor::of_constant(&proto), Err(Reason::Payload { found: 1, expected: 3 }));
    }

    #[test]
    fn extents_whose_product_overflows_are_refused() {
        assert!(matches!(elements(&[1 << 40, 1 << 40]), Err(Reason::TooLarge { .. })));
        assert_eq!(elements(&[1 << 40, 1 << 40, 0]), Ok(0));
    }
}
