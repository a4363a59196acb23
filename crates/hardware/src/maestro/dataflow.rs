//! Dataflows: directives cut into cluster levels, read from TOML.
//!
//! ```toml
//! source = "my own"
//!
//! [[level]]                            # outermost first
//! map = ["T(16,16) C", "S(1,1) X'"]    # TemporalMap / SpatialMap (size, offset) dimension
//! cluster = 16                         # units in each cluster of the level below
//!
//! [[level]]
//! map = ["S(1,1) K"]
//! ```
//!
//! Dimensions are K, C, R, S, Y, X (input rows and columns) and Y', X' (output rows and columns).

use rtmm_workload::input::{Diagnostics, Document, Source, Table, Value};
use serde::Serialize;

use super::mapping::flatten;
use crate::decode::Mode;

/// The most levels of a dataflow.
const MAX_LEVELS: usize = 6;
/// The largest size, offset or cluster of a directive.
const MAX_EXTENT: u32 = 1 << 20;

/// A dimension of a convolution, in input coordinates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Dimension {
    /// Input channels.
    C,
    /// Output channels.
    K,
    /// Filter rows.
    R,
    /// Filter columns.
    S,
    /// Columns.
    X,
    /// Rows.
    Y,
}

/// Spread of a directive's dimension: over time or over processing elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Class {
    /// Over time: tile after tile on every unit.
    Temporal,
    /// Over the units of the level: one tile a unit.
    Spatial,
}

/// One map directive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Directive {
    /// Over time or over units.
    pub class: Class,
    /// Extent of a tile.
    pub size: u32,
    /// Distance between two tiles.
    pub offset: u32,
    /// Extent that is cut into tiles.
    pub dimension: Dimension,
    /// True if rows or columns are those of the output (`Y'`, `X'`).
    pub primed: bool,
}

/// One level of clusters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Level {
    /// The directives, outer loop first.
    pub directives: Vec<Directive>,
}

/// A mapping of convolutions onto clusters of processing elements.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Dataflow {
    /// For people: the built-in name in upper case, or the path.
    pub name: String,
    /// The levels, outermost first.
    pub levels: Vec<Level>,
    /// Units in a cluster of each level but the outermost.
    pub clusters: Vec<u32>,
}

impl Dimension {
    /// All dimensions, in the order in which absent ones are appended to a level.
    pub const ALL: [Self; 6] = [Self::C, Self::K, Self::R, Self::S, Self::X, Self::Y];

    /// Position in [`Dimension::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

impl std::fmt::Display for Directive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let class = if self.class == Class::Temporal { 'T' } else { 'S' };
        let prime = if self.primed { "'" } else { "" };
        write!(f, "{class}({},{}) {:?}{prime}", self.size, self.offset, self.dimension)
    }
}

impl Dataflow {
    /// Processing elements of one cluster of the outermost level: the product of the cluster sizes.
    #[must_use]
    pub fn cluster_elements(&self) -> u64 {
        self.clusters.iter().fold(1, |product: u64, size| product.saturating_mul(u64::from(*size)))
    }

    /// Reads a dataflow file for one of the two modes.
    ///
    /// # Errors
    /// Every problem of the file, such as a level without a spatial directive; in the corrected
    /// mode also forms that only the published tool has a rule for.
    pub fn parse(name: &str, source: &Source, mode: Mode) -> Result<Self, Diagnostics> {
        let document = Document::parse(source);
        let dataflow = decode(name, &document, mode);
        document.finish(dataflow)
    }
}

fn decode(name: &str, document: &Document<'_>, mode: Mode) -> Option<Dataflow> {
    let root = document.root().named("this dataflow");
    root.only(&["source", "description", "level"]);
    let _source = root.required("source", Value::string);
    let _description = root.optional("description", Value::string);
    let tables = root.tables("level", "a level");
    if tables.is_empty() || tables.len() > MAX_LEVELS {
        root.report(
            root.problem(format!("a dataflow has 1 to {MAX_LEVELS} levels, and this one {}", tables.len()))
                .help("add a [[level]] table for each level of clusters, outermost first"),
        );
        return None;
    }
    let mut levels = Vec::new();
    let mut clusters = Vec::new();
    for (index, table) in tables.iter().enumerate() {
        table.only(&["map", "cluster"]);
        let written = table.optional("map", Value::items).map_or(0, |items| items.len());
        let directives = table.list("map", decode_directive);
        if directives.len() == written {
            check_level(table, &directives);
        }
        levels.push(Level { directives });
        let innermost = index + 1 == tables.len();
        match (innermost, table.has("cluster")) {
            (true, true) => table.report(
                table
                    .problem("the innermost level holds single processing elements, not clusters")
                    .help("remove its `cluster`"),
            ),
            (true, false) => {}
            (false, _) => clusters.extend(table.required("cluster", |value| value.integer(1..=MAX_EXTENT))),
        }
    }
    let elements = clusters.iter().fold(1, |product: u64, size| product.saturating_mul(u64::from(*size)));
    if elements > u64::from(MAX_EXTENT) {
        root.report(
            root.problem(format!("the clusters hold more than {MAX_EXTENT} processing elements"))
                .help("lower the cluster sizes"),
        );
    }
    let dataflow = Dataflow { name: name.to_owned(), levels, clusters };
    if mode == Mode::Corrected && !document.has_problems() {
        check_mapping(&dataflow, &tables);
    }
    Some(dataflow)
}

/// Reports a directive without a rule in the corrected mode where it is written.
fn check_mapping(dataflow: &Dataflow, tables: &[Table<'_>]) {
    let elements = u32::try_from(dataflow.cluster_elements()).unwrap_or(u32::MAX);
    let Err(error) = flatten(dataflow, elements) else { return };
    let table = &tables[error.level];
    let ranges = table.list("map", |value| Some(value.range()));
    table.report(
        table
            .problem_at(&ranges[error.position], format!("{error} (no rule in the corrected mode)"))
            .help(error.reason.help()),
    );
}

fn check_level(table: &Table<'_>, directives: &[Directive]) {
    let refuse = |message: String, help: &str| table.report(table.problem(message).help(help));
    if !directives.iter().any(|directive| directive.class == Class::Spatial) {
        refuse(
            "a level has no SpatialMap".to_owned(),
            "add one, such as \"S(1,1) K\": the model has no rule for a level whose units all do the same",
        );
    }
    for (index, directive) in directives.iter().enumerate() {
        if let Some(other) = directives[..index].iter().find(|other| other.dimension == directive.dimension) {
            refuse(
                format!("`{other}` and `{directive}` map the same dimension in one level"),
                "keep one of the two",
            );
        }
    }
}

fn decode_directive(value: &Value<'_>) -> Option<Directive> {
    const FORM: &str =
        "write \"T(size,offset) D\" or \"S(size,offset) D\" with D one of K, C, R, S, Y, X, Y', X'";
    let text = value.string()?;
    let parse = || -> Option<Directive> {
        let (head, rest) = text.split_once('(')?;
        let (numbers, dimension) = rest.split_once(')')?;
        let (size, offset) = numbers.split_once(',')?;
        let class = match head.trim() {
            "T" | "TemporalMap" => Class::Temporal,
            "S" | "SpatialMap" => Class::Spatial,
            _ => return None,
        };
        let (dimension, primed) = match dimension.trim() {
            "K" => (Dimension::K, false),
            "C" => (Dimension::C, false),
            "R" => (Dimension::R, false),
            "S" => (Dimension::S, false),
            "Y" => (Dimension::Y, false),
            "X" => (Dimension::X, false),
            "Y'" => (Dimension::Y, true),
            "X'" => (Dimension::X, true),
            _ => return None,
        };
        let size = size.trim().parse().ok()?;
        let offset = offset.trim().parse().ok()?;
        Some(Directive { class, size, offset, dimension, primed })
    };
    let Some(directive) = parse() else {
        return value.reject(format!("`{text}` is no map directive"), FORM);
    };
    let extents = 1..=MAX_EXTENT;
    if !extents.contains(&directive.size) || !extents.contains(&directive.offset) {
        return value.reject(
            format!("`{text}` has a size or offset out of range"),
            format!("allowed: 1 to {MAX_EXTENT}"),
        );
    }
    if directive.offset > directive.size {
        return value.reject(
            format!("`{text}` has an offset above its size, which would leave gaps"),
            "lower the offset to the size or below",
        );
    }
    Some(directive)
}
