//! The forms of layer tables: the names of their columns, as they are spelled in the wild, and where each stands.

use crate::input::{CsvTable, Source};

/// Columns of the XRBench tables that a table must have.
const XRBENCH_REQUIRED: [&str; 6] = ["K", "C", "R", "S", "Y", "X"];
const XRBENCH_OPTIONAL: [&str; 18] = [
    "model",
    "topology",
    "layer_index",
    "layer_name",
    "layer",
    "type",
    "role",
    "N",
    "real_y",
    "real_x",
    "stride",
    "stride_y",
    "stride_x",
    "pad",
    "pad_y",
    "pad_x",
    "dilation",
    "groups",
];
const XRBENCH_LAST: [&str; 2] = ["dilation_y", "dilation_x"];

/// Columns of SCALE-Sim's topologies that a table must have.
const SCALE_SIM_REQUIRED: [&str; 6] =
    ["ifmap_h", "ifmap_w", "filter_h", "filter_w", "channels", "num_filters"];
const SCALE_SIM_OPTIONAL: [&str; 16] = [
    "model",
    "topology",
    "layer_index",
    "layer_name",
    "layer",
    "batch",
    "sparsity",
    "stride",
    "stride_h",
    "stride_w",
    "pad",
    "pad_h",
    "pad_w",
    "dilation",
    "groups",
    "role",
];

/// Columns of SCALE-Sim's matrix products.
const PRODUCT_REQUIRED: [&str; 3] = ["M", "N", "K"];
const PRODUCT_OPTIONAL: [&str; 8] =
    ["model", "topology", "layer_index", "layer_name", "layer", "batch", "sparsity", "role"];

/// Other spellings of names, without case, blanks, `_`, `-` and `.`.
const SPELLINGS: [(&str, &str); 25] = [
    ("l", "layer_name"),
    ("name", "layer_name"),
    ("layername", "layer_name"),
    ("layerindex", "layer_index"),
    ("ifmapheight", "ifmap_h"),
    ("ifmaph", "ifmap_h"),
    ("ifmapwidth", "ifmap_w"),
    ("ifmapw", "ifmap_w"),
    ("filterheight", "filter_h"),
    ("filterh", "filter_h"),
    ("filterwidth", "filter_w"),
    ("filterw", "filter_w"),
    ("channel", "channels"),
    ("numfilter", "num_filters"),
    ("numfilters", "num_filters"),
    ("strides", "stride"),
    ("strideheight", "stride_h"),
    ("stridewidth", "stride_w"),
    ("batchsize", "batch"),
    ("padding", "pad"),
    ("group", "groups"),
    ("layertype", "type"),
    ("realy", "real_y"),
    ("realx", "real_x"),
    ("dilations", "dilation"),
];

/// Beginnings of the names of columns that say something of a layer's shape.
const BEGINNINGS: [&str; 6] = ["stride", "pad", "dilat", "group", "batch", "spars"];

/// Form of a layer table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// XRBench's and MAESTRO's.
    XrBench,
    /// Convolutions as SCALE-Sim's topologies have them: a last window may hang over the edge.
    ScaleSim,
    /// Matrix products as SCALE-Sim's topologies have them.
    Products,
}

impl Form {
    /// The form that a header has, from what no other form has.
    fn of(header: &[String]) -> Self {
        let has = |name: &str| header.iter().any(|known| known == name);
        if has("ifmap_h") || has("ifmap_w") {
            Self::ScaleSim
        } else if has("M") && !has("C") {
            Self::Products
        } else {
            Self::XrBench
        }
    }

    const fn required(self) -> &'static [&'static str] {
        match self {
            Self::XrBench => &XRBENCH_REQUIRED,
            Self::ScaleSim => &SCALE_SIM_REQUIRED,
            Self::Products => &PRODUCT_REQUIRED,
        }
    }

    fn known(self) -> Vec<&'static str> {
        let optional: [&[&str]; 2] = match self {
            Self::XrBench => [&XRBENCH_OPTIONAL, &XRBENCH_LAST],
            Self::ScaleSim => [&SCALE_SIM_OPTIONAL, &["dilation_h", "dilation_w"]],
            Self::Products => [&PRODUCT_OPTIONAL, &[]],
        };
        [self.required(), optional[0], optional[1]].concat()
    }
}

/// Opens a layer table; its form follows from its header. Columns that it does not know, and that say something of
/// a layer's shape, are recorded.
pub(super) fn open(source: &Source) -> (Form, CsvTable<'_>) {
    let form = Form::of(&named(CsvTable::parse_as(source, &[], named).header().to_vec()));
    let mut table = CsvTable::parse_as(source, form.required(), named);
    table.only_notes_beside(&form.known(), &BEGINNINGS);
    (form, table)
}

/// True if a table has at least two of the columns that a form must have.
pub(super) fn is_layer_table(source: &Source) -> bool {
    let table = CsvTable::parse_as(source, &[], named);
    let has = |form: &Form| form.required().iter().filter(|name| table.column(name).is_some()).count() >= 2;
    [Form::XrBench, Form::ScaleSim, Form::Products].iter().any(has)
}

/// The names of columns that a header spells in its own way.
fn named(mut header: Vec<String>) -> Vec<String> {
    // Older topologies of SCALE-Sim name the width twice; the first of the two is the height.
    let folded: Vec<String> = header.iter().map(|name| fold(name)).collect();
    let widths: Vec<usize> = (0..folded.len()).filter(|&at| folded[at] == "ifmapwidth").collect();
    if let [first, _] = widths[..]
        && !folded.iter().any(|name| name == "ifmapheight")
    {
        "ifmap_h".clone_into(&mut header[first]);
    }
    header.into_iter().map(name_of).collect()
}

fn fold(name: &str) -> String {
    name.chars().filter(|letter| !matches!(letter, ' ' | '_' | '-' | '.')).collect::<String>().to_lowercase()
}

fn name_of(spelled: String) -> String {
    // A note, whatever it speaks of.
    if spelled.starts_with('_') {
        return spelled;
    }
    let folded = fold(&spelled);
    if let Some((_, name)) = SPELLINGS.iter().find(|(spelling, _)| *spelling == folded) {
        return (*name).to_owned();
    }
    let forms = [Form::XrBench, Form::ScaleSim, Form::Products];
    let same = |name: &&str| fold(name) == folded;
    forms.iter().find_map(|form| form.known().into_iter().find(same)).map_or(spelled, str::to_owned)
}

/// Positions of the columns of any form; `None` for an optional one that is absent.
pub(super) struct Columns {
    pub model: Option<usize>,
    pub index: Option<usize>,
    pub name: Option<usize>,
    pub operator: Option<usize>,
    pub batch: Option<usize>,
    pub sparsity: Option<usize>,
    pub extents: Extents,
    /// The input's extents in the source network, where the published ones are not it.
    pub real: [Option<usize>; 2],
    pub stride: Axes,
    pub padding: Axes,
    pub dilation: Axes,
    pub groups: Option<usize>,
}

/// Positions of the columns of a quantity of both axes: one for both, and one for each.
#[derive(Clone, Copy)]
pub(super) struct Axes {
    pub both: Option<usize>,
    pub each: [Option<usize>; 2],
}

/// Positions of the columns that a form must have.
pub(super) enum Extents {
    Convolution { output_channels: usize, input_channels: usize, kernel: [usize; 2], input: [usize; 2] },
    Product { rows: usize, columns: usize, inner: usize },
}

impl Columns {
    /// The columns of a table of a form; none where it lacks any that it must have.
    pub(super) fn find(table: &CsvTable<'_>, form: Form) -> Option<Self> {
        let find = |name: &str| table.column(name);
        let axes = |name: &str, [first, second]: [&str; 2]| {
            let each = [first, second].map(|axis| find(&format!("{name}_{axis}")));
            Axes { both: find(name), each }
        };
        let names = if form == Form::ScaleSim { ["h", "w"] } else { ["y", "x"] };
        let extents = match form {
            Form::XrBench => Extents::Convolution {
                output_channels: find("K")?,
                input_channels: find("C")?,
                kernel: [find("R")?, find("S")?],
                input: [find("Y")?, find("X")?],
            },
            Form::ScaleSim => Extents::Convolution {
                output_channels: find("num_filters")?,
                input_channels: find("channels")?,
                kernel: [find("filter_h")?, find("filter_w")?],
                input: [find("ifmap_h")?, find("ifmap_w")?],
            },
            Form::Products => Extents::Product { rows: find("M")?, columns: find("N")?, inner: find("K")? },
        };
        Some(Self {
            model: find("model").or_else(|| find("topology")),
            index: find("layer_index"),
            name: find("layer_name").or_else(|| find("layer")),
            operator: find("type"),
            batch: if form == Form::XrBench { find("N") } else { find("batch") },
            sparsity: find("sparsity"),
            extents,
            real: [find("real_y"), find("real_x")],
            stride: axes("stride", names),
            padding: axes("pad", names),
            dilation: axes("dilation", names),
            groups: find("groups"),
        })
    }
}
