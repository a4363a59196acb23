//! Reading files: built-in ones by name, others by path. The only module of this crate that does
//! input or output.

mod opened;

use std::io::Read as _;
use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};
use tracing::{debug, info};

use crate::input::{CsvTable, Diagnostic, Diagnostics, Document, Origin, Source, suggestion};
use crate::layer_table::{Legality, is_layer_table};
use crate::model::Model;
use crate::model_file::{Files as ModelFiles, OpenVariant, ParameterSetting, decode_model};
use crate::requests::{read_requests, read_trace};
use crate::sample_trace::{SampleTrace, read_sample_trace};
use crate::scenario::{Request, Workload};
use crate::scenario_file::{Files, decode_workload};
pub use opened::{opened, record_opened};

static BUILT_IN: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../../scenarios");

/// The kinds of input file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A DNN.
    Model,
    /// Tasks over a duration.
    Scenario,
    /// Accelerators with their memory.
    Platform,
    /// A mapping for the `maestro` cost model.
    Dataflow,
    /// Energies of events that cost models draw from.
    Technology,
    /// A grid of runs.
    Sweep,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 6] =
        [Self::Model, Self::Scenario, Self::Platform, Self::Dataflow, Self::Technology, Self::Sweep];

    /// The folder below `scenarios/` that holds the built-in files of this kind.
    #[must_use]
    pub const fn folder(self) -> &'static str {
        match self {
            Self::Model => "models",
            Self::Scenario => "workloads",
            Self::Platform => "platforms",
            Self::Dataflow => "dataflows",
            Self::Technology => "technologies",
            Self::Sweep => "sweeps",
        }
    }

    /// Noun for a file of this kind in messages.
    #[must_use]
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Scenario => "scenario",
            Self::Platform => "platform",
            Self::Dataflow => "dataflow",
            Self::Technology => "technology",
            Self::Sweep => "sweep",
        }
    }

    /// Marks of a file of this kind: the keys that no other kind has.
    #[must_use]
    pub fn of(document: &Document<'_>) -> Option<Self> {
        let root = document.root();
        [
            (
                Self::Model,
                ["layer", "layer_table", "layers_of", "measured_layers", "variant", "samples"].as_slice(),
            ),
            (Self::Scenario, ["task"].as_slice()),
            (Self::Platform, ["accelerator"].as_slice()),
            (Self::Dataflow, ["level"].as_slice()),
            (Self::Technology, ["mac", "dram"].as_slice()),
            (Self::Sweep, ["scenarios", "platforms", "pairs", "runner"].as_slice()),
        ]
        .into_iter()
        .find(|(_, keys)| keys.iter().any(|key| root.has(key)))
        .map(|(kind, _)| kind)
    }
}

/// The kinds of CSV table of this crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableKind {
    /// The layers of models.
    Layers,
    /// Recorded requests of one task.
    Trace,
    /// Recorded requests, each of which names a model.
    Requests,
    /// Sample trace: latencies and sparsities of the layers of recorded inferences.
    Samples,
    /// Costs of layers that were measured on a device.
    Costs,
}

impl TableKind {
    /// Kind of a table, by the columns that no other kind has; none for a table of another program.
    #[must_use]
    pub fn of(source: &Source) -> Option<Self> {
        let table = CsvTable::parse(source, &[]);
        let has = |name: &str| table.column(name).is_some();
        Some(if has("overall-sparsity") || has("batch-indx") {
            Self::Samples
        } else if has("arrival_s") {
            if has("model") { Self::Requests } else { Self::Trace }
        } else if table.header().iter().any(|name| name.starts_with("latency_")) {
            Self::Costs
        } else if is_layer_table(source) || table.header().is_empty() {
            Self::Layers
        } else {
            return None;
        })
    }
}

/// The names of all built-in files of a kind, sorted.
#[must_use]
pub fn built_in_names(kind: Kind) -> Vec<String> {
    fn collect(directory: &Dir<'_>, prefix: &Path, names: &mut Vec<String>) {
        for file in directory.files() {
            let path = file.path();
            if path.extension().is_some_and(|extension| extension == "toml")
                && let Ok(below) = path.strip_prefix(prefix)
            {
                names.push(below.with_extension("").to_string_lossy().replace('\\', "/"));
            }
        }
        for child in directory.dirs() {
            collect(child, prefix, names);
        }
    }
    let mut names = Vec::new();
    if let Some(directory) = BUILT_IN.get_dir(kind.folder()) {
        collect(directory, Path::new(kind.folder()), &mut names);
    }
    names.sort();
    names
}

/// Reads a file of a kind, by its built-in name or by a path.
///
/// A reference that ends in `.toml` is a path, relative to the file `from` that names it (or to
/// the working directory); anything else is a built-in name.
///
/// # Errors
/// A problem that says what there is instead.
pub fn open(kind: Kind, reference: &str, from: Option<&Source>) -> Result<Source, Diagnostic> {
    if Path::new(reference).extension().is_some_and(|extension| extension == "toml") {
        return open_path(reference, from);
    }
    let path = format!("{}/{reference}.toml", kind.folder());
    built_in(&path).ok_or_else(|| {
        let names = built_in_names(kind);
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let help = suggestion(reference, kind.noun(), &names);
        Diagnostic::without_place(format!("there is no built-in {} `{reference}`", kind.noun()))
            .help(format!("{help} (a path ends in .toml)"))
    })
}

/// Reads a file that `from` refers to by a relative path.
///
/// # Errors
/// A problem that names the path and the reason.
pub fn open_path(reference: &str, from: Option<&Source>) -> Result<Source, Diagnostic> {
    match from.map(Source::origin) {
        Some(Origin::BuiltIn(base)) => {
            let folder = base.rsplit_once('/').map_or("", |(folder, _)| folder);
            let path = format!("{folder}/{reference}");
            built_in(&path)
                .ok_or_else(|| Diagnostic::without_place(format!("there is no built-in file `{path}`")))
        }
        Some(Origin::File(base)) => read(&base.parent().unwrap_or(Path::new("")).join(reference)),
        Some(Origin::Text) | None => read(Path::new(reference)),
    }
}

/// The most bytes of a file that is read as a whole: what is longer is no input, such as a device without an end.
const MAX_BYTES: u64 = 1 << 30;

/// The bytes of a file, or one more than are read.
#[expect(clippy::disallowed_methods, reason = "the one place of this crate that reads files")]
fn read_bytes(path: &Path) -> std::io::Result<Vec<u8>> {
    let file = std::fs::File::open(path)?;
    let length = file.metadata().map_or(0, |file| file.len().min(MAX_BYTES));
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads a file as text.
///
/// # Errors
/// A problem that names the path and the reason.
pub fn read(path: &Path) -> Result<Source, Diagnostic> {
    debug!(path = %path.display(), "reading");
    opened::note(path);
    let name = path.display().to_string();
    match read_bytes(path) {
        Ok(bytes) if bytes.len() as u64 > MAX_BYTES => {
            Err(Diagnostic::without_place(format!("{name}: longer than {} MiB", MAX_BYTES >> 20))
                .help("name a file of text, or cut it"))
        }
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) => Ok(Source::with_origin(name, text, Origin::File(PathBuf::from(path)))),
            Err(error) => {
                let offset = error.utf8_error().valid_up_to();
                Err(Diagnostic::without_place(format!("{name}: not UTF-8 text (byte {offset})"))
                    .help("save the file as UTF-8"))
            }
        },
        Err(error) => Err(Diagnostic::without_place(format!("{name}: cannot be read: {error}"))
            .help("check the path and the permissions")),
    }
}

fn built_in(path: &str) -> Option<Source> {
    let text = BUILT_IN.get_file(path)?.contents_utf8()?;
    debug!(path, "reading built-in file");
    Some(Source::with_origin(format!("scenarios/{path}"), text, Origin::BuiltIn(path.to_owned())))
}

/// The name by which results speak of a source: the built-in name, or that of the file without folders and
/// extension, so that it does not depend on where a program was started.
#[must_use]
pub fn name_of(kind: Kind, source: &Source) -> String {
    match source.origin() {
        Origin::BuiltIn(path) => {
            let below = path.strip_prefix(kind.folder()).and_then(|path| path.strip_prefix('/'));
            below.unwrap_or(path).trim_end_matches(".toml").to_owned()
        }
        Origin::File(_) => stem_of(source),
        Origin::Text => source.name().to_owned(),
    }
}

/// Reads and checks a model.
///
/// # Errors
/// Every problem of the file and of its layer table.
pub fn model(reference: &str, from: Option<&Source>, legality: Legality) -> Result<Model, Diagnostics> {
    model_with(reference, from, &[], legality)
}

/// Reads and checks a model whose parameters are to have other values than their defaults.
///
/// A reference may also name a variant of a supernet as results do, such as `examples/supernet/small` or
/// `mine.toml/small`: the variant alone.
///
/// # Errors
/// Every problem of the settings, of the file and of its layer table.
pub fn model_with(
    reference: &str,
    from: Option<&Source>,
    settings: &[ParameterSetting],
    legality: Legality,
) -> Result<Model, Diagnostics> {
    let opened = open(Kind::Model, reference, from);
    if opened.is_err()
        && let Some(variant) = variant_of(reference, from, settings, legality)
    {
        return Ok(variant);
    }
    model_of_with(&opened?, settings, legality)
}

/// The variant of a supernet that a reference names; none where it names no such thing.
fn variant_of(
    reference: &str,
    from: Option<&Source>,
    settings: &[ParameterSetting],
    legality: Legality,
) -> Option<Model> {
    let (supernet, wanted) = reference.rsplit_once('/')?;
    let source = open(Kind::Model, supernet, from).ok()?;
    let mut supernet = model_of_with(&source, settings, legality).ok()?;
    let others = std::mem::take(&mut supernet.variants);
    std::iter::once(supernet).chain(others).find(|model| model.variant.as_deref() == Some(wanted))
}

/// Checks a model that was read already.
///
/// # Errors
/// Every problem of the file and of its layer table.
pub fn model_of(source: &Source, legality: Legality) -> Result<Model, Diagnostics> {
    model_of_with(source, &[], legality)
}

fn model_of_with(
    source: &Source,
    settings: &[ParameterSetting],
    legality: Legality,
) -> Result<Model, Diagnostics> {
    let open_variant = |reference: &str| {
        let variant = open(Kind::Model, reference, Some(source))?;
        if is_same(&variant, source) {
            let problem = Diagnostic::without_place("a supernet names itself as its variant");
            return Err(problem.help("name the file of a network, with layers of its own").into());
        }
        model_within(&[&variant], &[], legality, None)
    };
    model_within(&[source], settings, legality, Some(&open_variant))
}

/// Checks a model; without `open_variant` it is itself a variant of another, or gives its layers to
/// another. It is the last of `chain`; the others take their layers from the next.
fn model_within(
    chain: &[&Source],
    settings: &[ParameterSetting],
    legality: Legality,
    open_variant: Option<&OpenVariant<'_>>,
) -> Result<Model, Diagnostics> {
    let [.., source] = chain else {
        return Err(Diagnostic::without_place("there is no model to read").into());
    };
    let document = Document::parse(source);
    let name = name_of(Kind::Model, source);
    let open_layers = |reference: &str| {
        let other = open(Kind::Model, reference, Some(source))?;
        let is_circle = chain.iter().any(|before| is_same(before, &other));
        if is_circle || chain.len() == MAX_CHAIN {
            let names: Vec<&str> = chain.iter().map(|source| source.name()).collect();
            let message = if is_circle {
                format!("models take their layers from each other in a circle: {}", names.join(", "))
            } else {
                format!("more than {MAX_CHAIN} models take their layers from each other, one after the other")
            };
            let problem = Diagnostic::without_place(message);
            return Err(problem.help("name a file with layers of its own").into());
        }
        if Document::parse(&other).root().has("variant") {
            let problem = Diagnostic::without_place("a supernet has no layers of its own to take");
            return Err(problem.help("name the file of one of its networks").into());
        }
        let mut chain = chain.to_vec();
        chain.push(&other);
        model_within(&chain, &[], legality, None)
    };
    let files = ModelFiles {
        table: &|reference: &str| open_path(reference, Some(source)),
        samples: &|reference: &str| sample_trace(reference, Some(source)),
        layers: &open_layers,
        variant: open_variant,
    };
    let model = decode_model(&name, &document, legality, settings, &files);
    document.finish(model)
}

/// The most models of which each takes the next one's layers.
const MAX_CHAIN: usize = 8;

fn is_same(one: &Source, other: &Source) -> bool {
    *one.origin() != Origin::Text && one.origin() == other.origin()
}

/// Reads and checks a scenario with its models.
///
/// # Errors
/// Every problem of the file and of the models that it names.
pub fn workload(reference: &str, from: Option<&Source>, legality: Legality) -> Result<Workload, Diagnostics> {
    workload_of(&open(Kind::Scenario, reference, from)?, legality)
}

/// Checks a scenario that was read already, with its models.
///
/// # Errors
/// Every problem of the file and of the models that it names.
pub fn workload_of(source: &Source, legality: Legality) -> Result<Workload, Diagnostics> {
    let document = Document::parse(source);
    let open_model = |reference: &str, settings: &[ParameterSetting]| {
        model_with(reference, Some(source), settings, legality)
    };
    let open_table = |reference: &str| open_path(reference, Some(source));
    let files = Files { model: &open_model, table: &open_table };
    let workload = decode_workload(&name_of(Kind::Scenario, source), &document, &files);
    document.finish(workload)
}

/// Reads a request file, relative to the file `from` that names it, as a workload of its own.
///
/// It has a task for each name in the column `model`, in the order of their first requests, and ends
/// when the last request is due. Without a `scenario` the names are those of built-in models, or paths
/// relative to the request file. With one, they are those of its tasks, or of models that its tasks run
/// (the first such task): priority and deadline of the task hold for requests that state none. Nothing
/// else of the scenario is taken: no dependencies, no phases, no probabilities.
///
/// # Errors
/// Every problem of the table and of the models that it names.
pub fn requests(
    reference: &str,
    from: Option<&Source>,
    scenario: Option<&Workload>,
    legality: Legality,
) -> Result<Workload, Diagnostics> {
    requests_of(&open_path(reference, from)?, scenario, legality)
}

/// Checks a request file that was read already: see [`requests`].
///
/// # Errors
/// Every problem of the table and of the models that it names.
pub fn requests_of(
    source: &Source,
    scenario: Option<&Workload>,
    legality: Legality,
) -> Result<Workload, Diagnostics> {
    let open_model = |reference: &str| model(reference, Some(source), legality);
    read_requests(&stem_of(source), source, scenario, &open_model)
}

/// Checks the recorded requests of one task, which were read already.
///
/// # Errors
/// Every problem of the table.
pub fn trace_of(source: &Source) -> Result<Vec<Request>, Diagnostics> {
    read_trace(source)
}

/// Reads a sample trace by its path, relative to the file `from` that names it.
///
/// # Errors
/// Every problem of the table.
pub fn sample_trace(reference: &str, from: Option<&Source>) -> Result<SampleTrace, Diagnostics> {
    sample_trace_of(&open_path(reference, from)?)
}

/// Checks a sample trace that was read already. Its name is that of the file up to the first dot.
///
/// # Errors
/// Every problem of the table.
pub fn sample_trace_of(source: &Source) -> Result<SampleTrace, Diagnostics> {
    let file = source.name().rsplit(['/', '\\']).next().unwrap_or_default();
    read_sample_trace(file.split('.').next().unwrap_or_default(), source)
}

/// A sample trace and the file that it was read from.
#[derive(Clone, Debug)]
pub struct TraceFile {
    /// The file.
    pub source: Source,
    /// The trace.
    pub trace: SampleTrace,
}

/// Reads sample traces in the order given. A folder stands for the sample traces in it, in the order of their
/// names; its other files are passed over.
///
/// # Errors
/// Every problem of every file, and each folder without a sample trace.
pub fn sample_traces(paths: &[PathBuf]) -> Result<Vec<TraceFile>, Diagnostics> {
    let mut problems = Diagnostics::default();
    let mut sources = Vec::new();
    for path in paths {
        let found = if path.is_dir() { traces_in(path) } else { read(path).map(|source| vec![source]) };
        match found {
            Ok(found) => sources.extend(found),
            Err(problem) => problems.push(problem),
        }
    }
    let mut traces = Vec::with_capacity(sources.len());
    for source in sources {
        match sample_trace_of(&source) {
            Ok(trace) => traces.push(TraceFile { source, trace }),
            Err(more) => problems.extend(more),
        }
    }
    info!(traces = traces.len(), "read");
    problems.into_result(Some(traces))
}

/// The sample traces of a folder.
fn traces_in(folder: &Path) -> Result<Vec<Source>, Diagnostic> {
    let shown = folder.display();
    let unreadable =
        |error: std::io::Error| Diagnostic::without_place(format!("{shown}: cannot be read: {error}"));
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|extension| extension == "csv") {
            files.push(path);
        }
    }
    files.sort();
    let sources: Result<Vec<Source>, Diagnostic> = files.iter().map(|path| read(path)).collect();
    let mut sources = sources?;
    sources.retain(|source| TableKind::of(source) == Some(TableKind::Samples));
    if sources.is_empty() {
        let problem =
            Diagnostic::without_place(format!("{shown}: there are no sample traces in this folder"));
        return Err(problem.help("name a folder with files such as NAME.sanger.csv, or the files themselves"));
    }
    Ok(sources)
}

/// The name of a file without folders and extension.
fn stem_of(source: &Source) -> String {
    let path = match source.origin() {
        Origin::File(path) => path.as_path(),
        Origin::BuiltIn(path) => Path::new(path),
        Origin::Text => Path::new(source.name()),
    };
    path.file_stem().map_or_else(|| source.name().to_owned(), |stem| stem.to_string_lossy().into_owned())
}
