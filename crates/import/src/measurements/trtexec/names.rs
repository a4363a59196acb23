//! Nodes of the model within the names of an engine's layers.
//!
//! A fused layer is called by its parts: `a + b` and `a || b`, `PWN(a, b)` for pointwise ones, which nest, and
//! `{ForeignNode[a...b]}` for all nodes from one to another. `Reformatting CopyNode for Input Tensor 0 to a` is work for
//! the layer that it names.

use super::super::Part;

/// Beginnings of names that only say what is done for the layer behind them.
const REFORMATS: [&str; 2] = ["Reformatting CopyNode for ", "reformat for "];
/// Words before the layer that is reformatted for.
const TENSORS: [&str; 4] = ["Input Tensor ", "Output Tensor ", "Network Input ", "Network Output "];

/// The most brackets around a node that are looked into.
const MAX_DEPTH: usize = 64;

/// The parts of a name; none where it names no nodes.
pub(super) fn parts(name: &str) -> Vec<Part> {
    let name = reformatted(name).unwrap_or(name);
    let mut parts = Vec::new();
    for piece in name.split(" + ").flat_map(|piece| piece.split(" || ")) {
        split(piece.trim(), MAX_DEPTH, &mut parts);
    }
    parts
}

/// The layer that a reformatting serves, as it stands behind `to`.
fn reformatted(name: &str) -> Option<&str> {
    let rest = REFORMATS.iter().find_map(|begin| name.strip_prefix(begin))?;
    TENSORS.iter().find(|tensor| rest.starts_with(**tensor))?;
    rest.split_once(" to ").or_else(|| rest.split_once(" from ")).map(|(_, layer)| layer)
}

fn split(piece: &str, depth: usize, parts: &mut Vec<Part>) {
    let foreign = piece.strip_prefix("{ForeignNode[").and_then(|rest| rest.strip_suffix("]}"));
    if let Some((first, last)) = foreign.and_then(|inner| inner.split_once("...")) {
        parts.push(Part::Between(first.to_owned(), last.to_owned()));
        return;
    }
    let inner = foreign.or_else(|| piece.strip_prefix("PWN(").and_then(|rest| rest.strip_suffix(')')));
    match inner.filter(|_| depth > 0) {
        Some(inner) => {
            arguments(inner).into_iter().for_each(|part| split(part.trim(), depth - 1, parts));
        }
        None if !piece.is_empty() => parts.push(Part::Node(piece.to_owned())),
        None => {}
    }
}

/// Texts between the commas that are in no brackets.
fn arguments(text: &str) -> Vec<&str> {
    let (mut depth, mut begin) = (0_usize, 0);
    let mut all = Vec::new();
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => {
                all.push(&text[begin..at]);
                begin = at + 1;
            }
            _ => {}
        }
    }
    all.push(&text[begin..]);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fused_names_are_those_of_their_nodes() {
        let shown = |name| {
            let text = |part| match part {
                Part::Node(name) => name,
                Part::Between(first, last) => format!("{first} to {last}"),
            };
            parts(name).into_iter().map(text).collect::<Vec<_>>()
        };
        for (name, expected) in [
            ("/conv/Conv", &["/conv/Conv"][..]),
            ("Conv_0 + Relu_1", &["Conv_0", "Relu_1"]),
            ("Conv_2 || Conv_3 || Conv_4", &["Conv_2", "Conv_3", "Conv_4"]),
            ("/a/Conv + PWN(PWN(/b/Sigmoid), /b/Mul)", &["/a/Conv", "/b/Sigmoid", "/b/Mul"]),
            ("{ForeignNode[/blocks.0/Gather.../head/Add]}", &["/blocks.0/Gather to /head/Add"]),
            ("{ForeignNode[/head/Add]}", &["/head/Add"]),
            ("Reformatting CopyNode for Input Tensor 0 to /a/Conv + PWN(/b/Relu)", &["/a/Conv", "/b/Relu"]),
            ("Reformatting CopyNode for Output Tensor 0 to Conv_9", &["Conv_9"]),
            ("PWN(", &["PWN("]),
            ("PWN(PWN(a, PWN(b)), c)", &["a", "b", "c"]),
            ("", &[]),
        ] {
            assert_eq!(shown(name), expected, "{name}");
        }
        let deep = format!("{}a{}", "PWN(".repeat(100_000), ")".repeat(100_000));
        assert_eq!(parts(&deep).len(), 1);
    }
}
