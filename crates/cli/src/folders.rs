//! Files that were read, and folders of results: what no output may take the place of.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use rtmm_report::{FIGURES, GENERATOR, is_report_file};
use rtmm_sweep::output::is_output;
use rtmm_sweep::shard::{Shard, WHOLE_STORE};
use rtmm_workload::load::opened;

use crate::failure::Failure;
use crate::output::{INPUT, OTHER_OUTPUT, refused};

/// Stem of the timeline of a report of a single run, which no report of a sweep has.
pub(crate) const TIMELINE: &str = "timeline";

/// Makes a folder for outputs.
pub(crate) fn create(folder: &Path) -> Result<(), Failure> {
    let shown = folder.display();
    let help = "name a folder that is there, or one that can be made: files are written into it";
    // A link that leads nowhere is there too, and no folder can be made in its place.
    if !folder.is_dir() && folder.symlink_metadata().is_ok() {
        return Err(Failure::usage(format!("{shown}: this is no folder"), help));
    }
    std::fs::create_dir_all(folder)
        .map_err(|error| Failure::usage(format!("{shown}: cannot be created: {error}"), help))?;
    // A folder that takes no file is found before the work, and not at its end.
    let probe = folder.join(format!(".rtmm-{}.partial", std::process::id()));
    match std::fs::OpenOptions::new().write(true).create(true).truncate(true).open(&probe) {
        Ok(_) => {
            let _ = std::fs::remove_file(&probe);
            Ok(())
        }
        Err(error) => Err(Failure::usage(format!("{shown}: takes no files: {error}"), help)),
    }
}

/// Refuses a folder in which files or folders of other programs have the names of results: they would be gone.
pub(crate) fn refuse_foreign(folder: &Path) -> Result<(), Failure> {
    let is_ours = |(name, mark): (&str, &str)| has_mark(&folder.join(name), mark);
    let is_of_results = has_store(folder) || MARKS.into_iter().any(is_ours);
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        if name == FIGURES && !path.is_dir() {
            return Err(of_folder(&path, "no folder"));
        }
        if !is_output(name) && !is_report_file(Path::new(name)) {
            continue;
        }
        if path.is_dir() {
            return Err(of_folder(&path, "a folder"));
        }
        // Nothing is lost of an empty file.
        if path.metadata().is_ok_and(|file| file.len() == 0) {
            continue;
        }
        if !is_of_results {
            return Err(of_folder(&path, "a file that another program wrote"));
        }
    }
    Ok(())
}

/// Files that tell results of this program, with a text at the beginning of each.
const MARKS: [(&str, &str); 2] =
    [("manifest.json", "\"format\": \"rtmm-sweep-manifest\""), ("index.html", GENERATOR)];

/// Length of the beginning that a mark is in.
const BEGINNING: u64 = 1024;

#[expect(clippy::disallowed_methods, reason = "reads the beginning of files that results would replace")]
fn has_mark(path: &Path, mark: &str) -> bool {
    // A pipe would wait for its writer.
    if !path.is_file() {
        return false;
    }
    let mut beginning = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(BEGINNING).read_to_end(&mut beginning));
    read.is_ok() && String::from_utf8_lossy(&beginning).contains(mark)
}

/// Refuses outputs that were read, be it because another input names them.
pub(crate) fn refuse_inputs(outputs: &[&Path]) -> Result<(), Failure> {
    let inputs: Vec<PathBuf> = opened().iter().flat_map(|path| places(path)).collect();
    let input = outputs.iter().find(|path| places(path).iter().any(|place| inputs.contains(place)));
    input.map_or(Ok(()), |path| Err(refused(path, INPUT)))
}

/// Refuses a folder of results whose files would take the place of what was read.
pub(crate) fn refuse_inputs_in(folder: &Path) -> Result<(), Failure> {
    let input = opened().into_iter().find(|path| is_of_results(path, folder));
    input.map_or(Ok(()), |path| Err(of_folder(&path, INPUT)))
}

/// Refuses outputs that are files of a folder of results.
pub(crate) fn refuse_outputs_in(folder: &Path, outputs: &[&Path]) -> Result<(), Failure> {
    let output = outputs.iter().find(|path| is_of_results(path, folder));
    output.map_or(Ok(()), |path| Err(refused(path, OTHER_OUTPUT)))
}

/// Refuses a folder that has the results of a sweep, for the report of a run.
pub(crate) fn refuse_sweep(folder: &Path) -> Result<(), Failure> {
    if !has_store(folder) {
        return Ok(());
    }
    let message = format!("{}: this folder has the results of a sweep", folder.display());
    Err(Failure::usage(message, "name another folder: the report of a run has files of the same names"))
}

/// Refuses a folder that has the report of a run, for the results of a sweep.
pub(crate) fn refuse_report(folder: &Path) -> Result<(), Failure> {
    if has_store(folder) || !folder.join(FIGURES).join(TIMELINE).with_extension("svg").is_file() {
        return Ok(());
    }
    let message = format!("{}: this folder has the report of a single run", folder.display());
    Err(Failure::usage(
        message,
        "name another folder, or remove this one: a sweep has files of the same names",
    ))
}

/// True if a folder has the store of a sweep, or of a shard.
fn has_store(folder: &Path) -> bool {
    let is_store = |path: &Path| path.ends_with(WHOLE_STORE) || Shard::from_store_name(path).is_some();
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.into_iter().any(|entry| is_store(&entry.path()))
}

/// The failure of a folder, a file of which would take the place of something else.
fn of_folder(path: &Path, what: &str) -> Failure {
    let message = format!("{}: cannot be written, since it is {what}", path.display());
    Failure::usage(message, "name another folder, or move it away: results have files of this name")
}

/// True if results in a folder, or a report, may have a file at this path.
fn is_of_results(path: &Path, folder: &Path) -> bool {
    let Ok(folder) = folder.canonicalize() else { return false };
    let is_result = |below: &Path| is_report_file(below) || below.to_str().is_some_and(is_output);
    places(path).iter().filter_map(|place| place.strip_prefix(&folder).ok()).any(is_result)
}

/// Paths by which a file is known: the one behind all links, and that of the last link.
fn places(path: &Path) -> Vec<PathBuf> {
    let folder = match path.parent() {
        Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
        Some(folder) => folder,
        None => return Vec::new(),
    };
    let itself = folder.canonicalize().ok().zip(path.file_name()).map(|(folder, name)| folder.join(name));
    path.canonicalize().ok().into_iter().chain(itself).collect()
}
