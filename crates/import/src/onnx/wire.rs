//! The structure of an ONNX file without the payload of large tensors.
//!
//! A model file is a protobuf message of up to two gigabytes, nearly all of them weights, which an import does not read.
//! [`structure`] walks the message once, keeps the fields that [`super::proto`] decodes, seeks past everything else, and
//! writes a small message of the same form. Memory is that of the kept part, at most [`MAX_STRUCTURE`]; messages nest at
//! most [`MAX_DEPTH`] deep.

use std::io::{BufReader, Read, Seek, SeekFrom};

use thiserror::Error;

/// The most bytes of structure that a model may have.
pub const MAX_STRUCTURE: usize = 128 << 20;
/// The most fields that a model may have: names, extents, attributes.
pub const MAX_FIELDS: u64 = 1 << 22;
/// The deepest nesting of messages: a graph in a branch is three messages below the graph around it.
pub const MAX_DEPTH: u32 = 60;
/// The longest payload of a tensor that is kept: 1,024 integers of at most ten bytes.
const MAX_PAYLOAD: u64 = 10 * 1024;

/// Why bytes are no protobuf message of a model.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum WireError {
    /// The file could not be read.
    #[error("{0}")]
    Unreadable(String),
    /// The file ends within a field, or a field is longer than the message that it is in.
    #[error("the file ends too early, or is damaged, at byte {position}")]
    Truncated {
        /// Where the field begins that is not whole.
        position: u64,
    },
    /// A number or the key of a field makes no sense.
    #[error("byte {position} is no field of an ONNX file")]
    NoField {
        /// Where it is.
        position: u64,
    },
    /// Graphs within graphs within graphs.
    #[error("messages nest more than {MAX_DEPTH} deep at byte {position}")]
    TooDeep {
        /// Where the limit is passed.
        position: u64,
    },
    /// More structure than any network has.
    #[error("the model has more than {MAX_STRUCTURE} bytes, or {MAX_FIELDS} fields, of nodes and names")]
    TooLarge,
}

/// The messages that hold others, or payload.
#[derive(Clone, Copy)]
enum Kind {
    Model,
    Graph,
    Node,
    Attribute,
    Tensor,
    Sparse,
    Function,
}

/// Treatment of a field.
enum Treatment {
    Keep,
    /// Kept up to [`MAX_PAYLOAD`] bytes.
    KeepSmall,
    Within(Kind),
    Drop,
}

impl Kind {
    fn treatment(self, field: u64) -> Treatment {
        use Treatment::{Drop, Keep, KeepSmall, Within};
        match (self, field) {
            (Self::Model, 1 | 2 | 3 | 8) => Keep,
            (Self::Model, 7) => Within(Self::Graph),
            (Self::Model, 25) => Within(Self::Function),
            (Self::Graph, 1) | (Self::Function, 7) => Within(Self::Node),
            (Self::Graph, 2 | 11..=13) => Keep,
            (Self::Graph, 5) => Within(Self::Tensor),
            (Self::Graph, 15) => Within(Self::Sparse),
            (Self::Node, 1..=4 | 7) => Keep,
            (Self::Node, 5) | (Self::Function, 11) => Within(Self::Attribute),
            (Self::Attribute, 1..=4 | 7 | 8 | 20 | 21) => Keep,
            (Self::Attribute, 5) | (Self::Sparse, 1) => Within(Self::Tensor),
            (Self::Attribute, 6) => Within(Self::Graph),
            (Self::Attribute, 22) => Within(Self::Sparse),
            (Self::Tensor, 1 | 2 | 8 | 14) => Keep,
            (Self::Tensor, 4 | 5 | 7 | 9 | 10) => KeepSmall,
            (Self::Sparse, 3) => Keep,
            (Self::Function, 1 | 4 | 5 | 9 | 10) => Keep,
            _ => Drop,
        }
    }
}

/// The model's message without the payload of large tensors and without what an import does not read.
///
/// # Errors
/// [`WireError`] where the bytes are no protobuf message, end too early, nest too deep or hold too much structure.
pub fn structure(mut reader: impl Read + Seek) -> Result<Vec<u8>, WireError> {
    let unreadable = |error: std::io::Error| WireError::Unreadable(error.to_string());
    let length = reader.seek(SeekFrom::End(0)).map_err(unreadable)?;
    reader.rewind().map_err(unreadable)?;
    let mut source = Source { reader: BufReader::new(reader), position: 0, fields: 0 };
    let mut kept = Vec::new();
    source.message(Kind::Model, length, 0, &mut kept)?;
    Ok(kept)
}

struct Source<R> {
    reader: BufReader<R>,
    position: u64,
    /// Fields that are kept.
    fields: u64,
}

impl<R: Read + Seek> Source<R> {
    /// Copies what is kept of a message that ends at byte `end`.
    fn message(&mut self, kind: Kind, end: u64, depth: u32, kept: &mut Vec<u8>) -> Result<(), WireError> {
        if depth > MAX_DEPTH {
            return Err(WireError::TooDeep { position: self.position });
        }
        while self.position < end {
            let begin = self.position;
            let key = self.number(end)?;
            let treatment = kind.treatment(key >> 3);
            let is_kept = !matches!(treatment, Treatment::Drop);
            match key & 7 {
                0 => {
                    let number = self.number(end)?;
                    if is_kept {
                        write_number(kept, key);
                        write_number(kept, number);
                    }
                }
                1 => self.fixed(key, 8, end, is_kept, kept)?,
                5 => self.fixed(key, 4, end, is_kept, kept)?,
                2 => {
                    let length = self.number(end)?;
                    let field_end = self
                        .position
                        .checked_add(length)
                        .filter(|field_end| *field_end <= end)
                        .ok_or(WireError::Truncated { position: begin })?;
                    match treatment {
                        Treatment::Within(inner) => {
                            let mut message = Vec::new();
                            self.message(inner, field_end, depth + 1, &mut message)?;
                            write_number(kept, key);
                            write_number(kept, message.len() as u64);
                            kept.append(&mut message);
                        }
                        Treatment::Keep => self.bytes(key, length, kept)?,
                        Treatment::KeepSmall if length <= MAX_PAYLOAD => self.bytes(key, length, kept)?,
                        Treatment::KeepSmall | Treatment::Drop => self.skip(length)?,
                    }
                }
                _ => return Err(WireError::NoField { position: begin }),
            }
            self.fields += u64::from(is_kept);
            if kept.len() > MAX_STRUCTURE || self.fields > MAX_FIELDS {
                return Err(WireError::TooLarge);
            }
        }
        Ok(())
    }

    /// A number of up to ten bytes, seven bits each.
    fn number(&mut self, end: u64) -> Result<u64, WireError> {
        let begin = self.position;
        let mut number = 0_u64;
        for index in 0..10 {
            if self.position >= end {
                return Err(WireError::Truncated { position: begin });
            }
            let mut byte = [0];
            self.read(&mut byte, begin)?;
            let bits = u64::from(byte[0] & 0x7f);
            if index == 9 && bits > 1 {
                return Err(WireError::NoField { position: begin });
            }
            number |= bits << (7 * index);
            if byte[0] & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(WireError::NoField { position: begin })
    }

    fn fixed(
        &mut self,
        key: u64,
        length: usize,
        end: u64,
        is_kept: bool,
        kept: &mut Vec<u8>,
    ) -> Result<(), WireError> {
        let begin = self.position;
        if end - begin < length as u64 {
            return Err(WireError::Truncated { position: begin });
        }
        let mut bytes = [0; 8];
        self.read(&mut bytes[..length], begin)?;
        if is_kept {
            write_number(kept, key);
            kept.extend_from_slice(&bytes[..length]);
        }
        Ok(())
    }

    fn bytes(&mut self, key: u64, length: u64, kept: &mut Vec<u8>) -> Result<(), WireError> {
        let begin = self.position;
        let length = usize::try_from(length).ok().filter(|length| *length <= MAX_STRUCTURE);
        let length = length.ok_or(WireError::TooLarge)?;
        write_number(kept, key);
        write_number(kept, length as u64);
        let start = kept.len();
        kept.resize(start + length, 0);
        self.read(&mut kept[start..], begin)
    }

    fn read(&mut self, bytes: &mut [u8], begin: u64) -> Result<(), WireError> {
        self.reader.read_exact(bytes).map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => WireError::Truncated { position: begin },
            _ => WireError::Unreadable(error.to_string()),
        })?;
        self.position += bytes.len() as u64;
        Ok(())
    }

    /// Seeks past bytes that are known to be there.
    fn skip(&mut self, length: u64) -> Result<(), WireError> {
        let begin = self.position;
        let offset = i64::try_from(length).map_err(|_| WireError::Truncated { position: begin })?;
        self.reader.seek_relative(offset).map_err(|error| WireError::Unreadable(error.to_string()))?;
        self.position += length;
        Ok(())
    }
}

fn write_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}
