//! Source files that use each other, as few as possible: each such circle is known by name.
//!
//! A file uses another where it names it, or something that it defines, by a path: in a `use` or elsewhere, also through a
//! re-export. A folder's `mod.rs` and the files in the folder are one thing, as a part and its parts; tests are left out.

#![expect(clippy::disallowed_methods, reason = "this test reads the repository's own files")]
#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The circles that are left: pairs of files below `crates/` that use each other, each with its reason.
const KNOWN: [(&str, &str, &str); 4] = [
    ("hardware/src/maestro/axis.rs", "hardware/src/maestro/slide.rs", "a sliding axis is one of the axes"),
    (
        "hardware/src/maestro/dataflow.rs",
        "hardware/src/maestro/mapping.rs",
        "a dataflow is checked by mapping it",
    ),
    ("sweep/src/plan.rs", "sweep/src/runner.rs", "plans are made for runners, which run plans"),
    ("workload/src/sample_trace.rs", "workload/src/synthesis.rs", "a trace knows how it was synthesised"),
];

/// The segments of a path, without those that say where it begins.
type Segments = Vec<String>;

/// A source file of a package.
struct Module {
    file: String,
    /// The text without comments and tests, which stand at the end of a file.
    text: String,
}

/// The modules of a package by their paths from the crate's root.
struct Package(BTreeMap<Segments, Module>);

/// The paths that a tree of `use` names, such as `a::{b, c::d as e}`.
fn expand(tree: &str, before: &[String], found: &mut Vec<Segments>) {
    let mut depth = 0;
    let parts = tree.split(|c: char| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        c == ',' && depth == 0
    });
    for part in parts.map(str::trim).filter(|part| !part.is_empty()) {
        let (head, inner) = part.split_once('{').map_or((part, None), |(head, rest)| (head, Some(rest)));
        let head = head.split(" as ").next().unwrap_or_default();
        let names = head.split("::").map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
        let path: Segments = before.iter().cloned().chain(names).collect();
        match inner {
            Some(inner) => expand(inner.trim_end().strip_suffix('}').expect("a closed list"), &path, found),
            None => found.push(path),
        }
    }
}

/// The tree of a statement that begins with this line, and whether it is public; none for another statement.
fn use_of(line: &str) -> Option<(bool, &str)> {
    let line = line.trim_start();
    let Some(rest) = line.strip_prefix("pub") else {
        return line.strip_prefix("use ").map(|tree| (false, tree));
    };
    let rest = if rest.starts_with('(') { rest.split_once(')')?.1 } else { rest };
    rest.strip_prefix(" use ").map(|tree| (true, tree))
}

/// The statements `use` of a text, and whether each is public.
fn uses(text: &str) -> Vec<(bool, Vec<Segments>)> {
    let mut found = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some((is_public, first)) = use_of(line) else { continue };
        let mut tree = first.to_owned();
        while !tree.contains(';') {
            tree.push_str(lines.next().expect("a statement ends"));
        }
        let mut paths = Vec::new();
        expand(tree.trim_end().trim_end_matches(';'), &[], &mut paths);
        found.push((is_public, paths));
    }
    found
}

/// The paths of at least two segments that stand outside of statements `use`.
fn paths(text: &str) -> Vec<Segments> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let words = text.split(|c| !is_part(c)).filter(|word| word.contains("::") && !word.starts_with("::"));
    words.map(|word| word.split("::").map(str::to_owned).collect()).collect()
}

impl Package {
    fn read(folder: &str) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let (mut modules, mut folders) = (BTreeMap::new(), vec![format!("{folder}/src")]);
        while let Some(current) = folders.pop() {
            for entry in fs::read_dir(root.join(&current)).expect("a folder of sources") {
                let entry = entry.expect("a directory entry");
                let file = format!("{current}/{}", entry.file_name().to_string_lossy());
                if entry.file_type().expect("a file type").is_dir() {
                    folders.push(file);
                    continue;
                }
                let below =
                    file.strip_prefix(&format!("{folder}/src/")).and_then(|path| path.strip_suffix(".rs"));
                let Some(below) = below.filter(|below| !below.ends_with("tests")) else { continue };
                let mut path: Segments = below.split('/').map(str::to_owned).collect();
                if path.last().is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str())) {
                    path.pop();
                }
                let text = fs::read_to_string(root.join(&file)).expect("a source file");
                let text = text.split("\n#[cfg(test)]").next().unwrap_or_default();
                let code = text.lines().map(|line| line.split("//").next().unwrap_or_default());
                let text = code.collect::<Vec<&str>>().join("\n");
                // A package with a library has its `main.rs` beside it, which uses it as others do.
                if !file.ends_with("/src/main.rs") || !modules.contains_key(&path) {
                    modules.insert(path, Module { file, text });
                }
            }
        }
        Self(modules)
    }

    /// A path from the crate's root; none for one that leads out of the crate.
    fn absolute(&self, module: &[String], path: &[String]) -> Option<Segments> {
        let above = path.iter().take_while(|segment| *segment == "super").count();
        let (base, rest) = match path.first().map(String::as_str)? {
            "crate" => (&module[..0], &path[1..]),
            "self" => (module, &path[1..]),
            "super" => (&module[..module.len().checked_sub(above)?], &path[above..]),
            _ => (module, path),
        };
        let absolute: Segments = base.iter().chain(rest).cloned().collect();
        let is_inside = path.len() > rest.len() || self.0.contains_key(&absolute[..=base.len()]);
        is_inside.then_some(absolute)
    }

    /// The module that defines what a path names: re-exports are followed.
    fn definer(
        &self,
        exports: &BTreeMap<Segments, Segments>,
        path: &[String],
        depth: usize,
    ) -> Option<Segments> {
        let known = (0..=path.len()).rev().find(|length| self.0.contains_key(&path[..*length]))?;
        let exported = path.get(..=known).and_then(|name| exports.get(name)).filter(|_| depth < 8);
        match exported {
            Some(to) => {
                let to: Segments = to.iter().chain(&path[known + 1..]).cloned().collect();
                self.definer(exports, &to, depth + 1)
            }
            None => Some(path[..known].to_vec()),
        }
    }

    /// Pairs of files that use each other, neither of which is the folder of the other.
    fn circles(&self) -> Vec<(String, String)> {
        let mut exports = BTreeMap::new();
        for (module, Module { text, .. }) in &self.0 {
            for path in
                uses(text).into_iter().filter(|(is_public, _)| *is_public).flat_map(|(_, paths)| paths)
            {
                if let (Some(to), Some(last)) = (self.absolute(module, &path), path.last()) {
                    exports.insert(module.iter().chain([last]).cloned().collect::<Segments>(), to);
                }
            }
        }
        let mut used = BTreeSet::new();
        for (module, Module { text, .. }) in &self.0 {
            let private =
                uses(text).into_iter().filter(|(is_public, _)| !is_public).flat_map(|(_, paths)| paths);
            for path in private.chain(paths(text)) {
                let absolute = self.absolute(module, &path);
                used.extend(
                    absolute.and_then(|path| self.definer(&exports, &path, 0)).map(|to| (module.clone(), to)),
                );
            }
        }
        let is_circle = |(one, other): &&(Segments, Segments)| {
            one < other && !other.starts_with(one) && used.contains(&(other.clone(), one.clone()))
        };
        let file = |module: &Segments| self.0[module].file.clone();
        used.iter().filter(is_circle).map(|(one, other)| (file(one), file(other))).collect()
    }
}

#[test]
fn circles_between_files_are_known() {
    let packages = [
        "workload",
        "hardware",
        "scheduler",
        "sim",
        "reference",
        "sweep",
        "runners",
        "report",
        "robust",
        "testkit",
        "cli",
    ];
    let folders = packages.map(|name| format!("crates/{name}"));
    let mut found = Vec::new();
    let mut counts = String::new();
    for folder in folders.iter().map(String::as_str).chain(["xtask"]) {
        let circles = Package::read(folder).circles();
        counts.push_str(&format!("\n{folder}: {}", circles.len()));
        found.extend(circles);
    }
    let mut known: Vec<(String, String)> =
        KNOWN.iter().map(|(one, other, _)| (format!("crates/{one}"), format!("crates/{other}"))).collect();
    found.sort();
    known.sort();
    assert_eq!(found, known, "files that use each other, and those that are known to; by package:{counts}");
}

#[test]
fn a_circle_is_found_through_lists_and_reexports() {
    let module = |file: &str, text: &str| Module { file: file.to_owned(), text: text.to_owned() };
    let path = |text: &str| text.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect();
    let package = Package(BTreeMap::from([
        (path(""), module("lib.rs", "mod a;\nmod parts;\npub use parts::B;\n")),
        (path("a"), module("a.rs", "use std::fmt;\nuse crate::{\n    B,\n};\npub struct A(B);\n")),
        (path("parts"), module("parts/mod.rs", "mod b;\nmod c;\npub use b::{B as Other, B};\n")),
        (path("parts::b"), module("parts/b.rs", "pub struct B(crate::a::A, super::c::C);\n")),
        (path("parts::c"), module("parts/c.rs", "use super::Thing;\npub struct C;\n")),
    ]));
    assert_eq!(package.circles(), [("a.rs".to_owned(), "parts/b.rs".to_owned())]);
}
