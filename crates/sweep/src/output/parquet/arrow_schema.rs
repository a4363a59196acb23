//! The schema of a table as Arrow states it, for the key `ARROW:schema` of a Parquet file. Readers that go by Arrow
//! (pyarrow, and pandas through it) show the metadata of columns from there and from nowhere else, and where it is, that of
//! the table as well.
//!
//! It is an encapsulated message of Arrow's IPC format: a marker, a length, a `Message` that holds a `Schema`, in base64.
//! Both are tables of FlatBuffers; the positions of their fields are those of `Message.fbs` and `Schema.fbs` in the
//! format's version 1.5. Only what a schema of four types needs is written here.

use crate::columns::ColumnKind;
use crate::output::field::Field;

/// `MetadataVersion.V5`.
const METADATA_VERSION: i16 = 4;
/// `MessageHeader.Schema`.
const HEADER_IS_SCHEMA: u8 = 1;
/// `Precision.DOUBLE`.
const DOUBLE: i16 = 2;
/// The marker in front of the length of a message.
const CONTINUATION: [u8; 4] = [0xFF; 4];
/// Messages begin and end at multiples of this.
const ALIGNMENT: usize = 8;

/// The schema in base64, with the metadata of the table as keys and values.
pub(super) fn of<'m>(fields: &[Field], metadata: impl Iterator<Item = (&'m str, &'m str)>) -> String {
    let schema = Node::Table(vec![
        (1, Slot::Child(Node::List(fields.iter().map(field).collect()))),
        (2, Slot::Child(entries(metadata))),
    ]);
    let message = Node::Table(vec![
        (0, Slot::Short(METADATA_VERSION)),
        (1, Slot::Byte(HEADER_IS_SCHEMA)),
        (2, Slot::Child(schema)),
    ]);
    let mut body = flat_buffer(&message);
    body.resize(body.len().next_multiple_of(ALIGNMENT), 0);
    let mut bytes = CONTINUATION.to_vec();
    bytes.extend(word(body.len()));
    bytes.extend(body);
    base64(&bytes)
}

/// A `Field`: name, nullable, type, no children, and metadata.
fn field(field: &Field) -> Node {
    let (tag, kind) = match field.kind {
        ColumnKind::Integer => (2, vec![(0, Slot::Int(64)), (1, Slot::Byte(1))]),
        ColumnKind::Real => (3, vec![(0, Slot::Short(DOUBLE))]),
        ColumnKind::Text => (5, Vec::new()),
        ColumnKind::Boolean => (6, Vec::new()),
    };
    let said = [("unit", &*field.unit), ("meaning", &*field.meaning)];
    let metadata = entries(said.into_iter().filter(|(_, value)| !value.is_empty()));
    Node::Table(vec![
        (0, Slot::Child(Node::Text(field.name.to_string()))),
        (1, Slot::Byte(1)),
        (2, Slot::Byte(tag)),
        (3, Slot::Child(Node::Table(kind))),
        (5, Slot::Child(Node::List(Vec::new()))),
        (6, Slot::Child(metadata)),
    ])
}

/// A list of `KeyValue`.
fn entries<'m>(metadata: impl Iterator<Item = (&'m str, &'m str)>) -> Node {
    let text = |text: &str| Slot::Child(Node::Text(text.to_owned()));
    Node::List(metadata.map(|(key, value)| Node::Table(vec![(0, text(key)), (1, text(value))])).collect())
}

/// A value of FlatBuffers that stands by itself.
enum Node {
    /// Fields by their positions, ascending.
    Table(Vec<(usize, Slot)>),
    Text(String),
    List(Vec<Node>),
}

/// A field of a table.
enum Slot {
    Byte(u8),
    Short(i16),
    Int(i32),
    Child(Node),
}

impl Slot {
    const fn size(&self) -> usize {
        match self {
            Self::Byte(_) => 1,
            Self::Short(_) => 2,
            Self::Int(_) | Self::Child(_) => 4,
        }
    }
}

fn flat_buffer(root: &Node) -> Vec<u8> {
    let mut out = vec![0; 4];
    let position = put(&mut out, root);
    point(&mut out, 0, position);
    out
}

/// Appends a value and what it points to; returns where it stands.
fn put(out: &mut Vec<u8>, node: &Node) -> usize {
    match node {
        Node::Text(text) => {
            let position = begin(out, text.len());
            out.extend(text.as_bytes());
            out.push(0);
            position
        }
        Node::List(nodes) => {
            let position = begin(out, nodes.len());
            let first = out.len();
            out.resize(first + 4 * nodes.len(), 0);
            for (index, node) in nodes.iter().enumerate() {
                let child = put(out, node);
                point(out, first + 4 * index, child);
            }
            position
        }
        Node::Table(slots) => put_table(out, slots),
    }
}

/// A table: what says where its fields are, the distance to that, then the fields, the widest first.
fn put_table(out: &mut Vec<u8>, slots: &[(usize, Slot)]) -> usize {
    let entries = slots.last().map_or(0, |(position, _)| position + 1);
    let mut offsets = vec![0; entries];
    let mut size = 4;
    for width in [4, 2, 1] {
        for (position, slot) in slots.iter().filter(|(_, slot)| slot.size() == width) {
            offsets[*position] = size;
            size += slot.size();
        }
    }
    let heads = [4 + 2 * entries, size];
    // The table behind begins at a multiple of four.
    while !(out.len() + heads[0]).is_multiple_of(4) {
        out.push(0);
    }
    let heads_at = out.len();
    for half in heads.iter().chain(&offsets) {
        out.extend(&word(*half)[..2]);
    }
    let table = out.len();
    out.extend(word(table - heads_at));
    out.resize(table + size, 0);
    for (position, slot) in slots {
        let at = table + offsets[*position];
        match slot {
            Slot::Byte(value) => out[at] = *value,
            Slot::Short(value) => out[at..at + 2].copy_from_slice(&value.to_le_bytes()),
            Slot::Int(value) => out[at..at + 4].copy_from_slice(&value.to_le_bytes()),
            Slot::Child(node) => {
                let child = put(out, node);
                point(out, at, child);
            }
        }
    }
    table
}

/// Begins a text or a list of so many items.
fn begin(out: &mut Vec<u8>, items: usize) -> usize {
    out.resize(out.len().next_multiple_of(4), 0);
    let position = out.len();
    out.extend(word(items));
    position
}

/// Makes the reference at `at` point to what stands at `target`, behind it.
fn point(out: &mut [u8], at: usize, target: usize) {
    out[at..at + 4].copy_from_slice(&word(target - at));
}

/// A length or a distance; schemas are far below four gibibytes.
fn word(value: usize) -> [u8; 4] {
    u32::try_from(value).unwrap_or(u32::MAX).to_le_bytes()
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            let value = (bits >> (18 - 6 * digit)) & 63;
            text.push(if digit <= chunk.len() { char::from(DIGITS[value as usize]) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Follows references as a reader of FlatBuffers does.
    struct Reader(Vec<u8>);

    impl Reader {
        fn short(&self, at: usize) -> usize {
            usize::from(u16::from_le_bytes(self.0[at..at + 2].try_into().unwrap()))
        }

        fn word(&self, at: usize) -> usize {
            u32::from_le_bytes(self.0[at..at + 4].try_into().unwrap()) as usize
        }

        fn follow(&self, at: usize) -> usize {
            at + self.word(at)
        }

        /// Place of a field of a table.
        fn field(&self, table: usize, position: usize) -> Option<usize> {
            let heads = table - self.word(table);
            let is_there = 4 + 2 * position < self.short(heads);
            let offset = if is_there { self.short(heads + 4 + 2 * position) } else { 0 };
            (offset > 0).then_some(table + offset)
        }

        fn child(&self, table: usize, position: usize) -> usize {
            self.follow(self.field(table, position).unwrap())
        }

        fn text(&self, at: usize) -> String {
            String::from_utf8(self.0[at + 4..at + 4 + self.word(at)].to_vec()).unwrap()
        }

        fn list(&self, at: usize) -> Vec<usize> {
            (0..self.word(at)).map(|index| self.follow(at + 4 + 4 * index)).collect()
        }
    }

    fn bytes_of(base64: &str) -> Vec<u8> {
        let digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut bytes = Vec::new();
        let mut bits = (0_u32, 0);
        for digit in base64.trim_end_matches('=').chars() {
            bits = (bits.0 << 6 | digits.find(digit).unwrap() as u32, bits.1 + 6);
            if bits.1 >= 8 {
                bits.1 -= 8;
                bytes.push((bits.0 >> bits.1) as u8);
                bits.0 &= (1 << bits.1) - 1;
            }
        }
        bytes
    }

    #[test]
    fn base64_is_that_of_rfc_4648() {
        let pairs =
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("\0~", "AH4=")];
        for (text, expected) in pairs {
            assert_eq!(base64(text.as_bytes()), expected);
        }
    }

    #[test]
    fn a_reader_finds_names_types_and_metadata() {
        let field = |name: &str, unit: &str, kind| Field {
            of: "cell",
            name: name.to_owned().into(),
            unit: unit.to_owned().into(),
            kind,
            meaning: format!("the {name}").into(),
            better: None,
        };
        let fields = [
            field("cell", "", ColumnKind::Integer),
            field("energy_pj", "picojoules", ColumnKind::Real),
            field("on", "", ColumnKind::Boolean),
            field("scenario", "", ColumnKind::Text),
        ];
        let bytes = bytes_of(&of(&fields, [("table", "cells")].into_iter()));
        assert_eq!(bytes[..4], CONTINUATION);
        assert!(bytes.len().is_multiple_of(ALIGNMENT));
        assert_eq!(bytes.len(), 8 + u32::from_le_bytes(bytes[4..8].try_into().unwrap()) as usize);
        let reader = Reader(bytes[8..].to_vec());
        let message = reader.follow(0);
        assert_eq!(reader.short(reader.field(message, 0).unwrap()), 4, "version");
        assert_eq!(reader.0[reader.field(message, 1).unwrap()], 1, "it is a schema");
        assert_eq!(reader.field(message, 3), None, "without a body");
        let schema = reader.child(message, 2);
        let pairs = |list: usize| -> Vec<(String, String)> {
            let text = |pair: &usize, position| reader.text(reader.child(*pair, position));
            reader.list(list).iter().map(|pair| (text(pair, 0), text(pair, 1))).collect()
        };
        assert_eq!(pairs(reader.child(schema, 2)), [("table".to_owned(), "cells".to_owned())]);
        let found = reader.list(reader.child(schema, 1));
        assert_eq!(found.len(), fields.len());
        for ((table, field), tag) in found.into_iter().zip(&fields).zip([2, 3, 6, 5]) {
            assert_eq!(table % 4, 0, "aligned");
            assert_eq!(reader.text(reader.child(table, 0)), field.name);
            assert_eq!(reader.0[reader.field(table, 1).unwrap()], 1, "may be missing");
            assert_eq!(reader.0[reader.field(table, 2).unwrap()], tag);
            assert_eq!(reader.list(reader.child(table, 5)), [0; 0]);
            let mut expected = vec![("meaning".to_owned(), field.meaning.to_string())];
            if !field.unit.is_empty() {
                expected.insert(0, ("unit".to_owned(), field.unit.to_string()));
            }
            assert_eq!(pairs(reader.child(table, 6)), expected);
        }
    }
}
