//! The built-in ledgers: every claim can be measured as it says, and names things that exist.
#![expect(clippy::disallowed_methods, reason = "this test reads the repository's own files")]
#![expect(clippy::unwrap_used, reason = "a folder of the repository that cannot be read fails the test")]

use std::fs;
use std::path::Path;

use rtmm_claims::built_in;
use rtmm_claims::file::publication_of;
use rtmm_claims::publication::{Confidence, Evidence};
use rtmm_claims::resolution::{Asked, Resolution};
use rtmm_runners::Runners;
use rtmm_workload::input::Source;

#[test]
fn every_claim_has_the_cells_that_it_names() {
    let publications = built_in::all().unwrap_or_else(|problems| panic!("{}", problems.render(false)));
    let asked: Vec<Asked<'_>> = publications.iter().flat_map(Asked::all).collect();
    let resolution = Resolution::of(&asked, &Runners::built_in().list());
    let resolution = resolution.unwrap_or_else(|problems| panic!("{}", problems.render(false)));
    assert_eq!(resolution.digests().count(), asked.len());
    for needed in resolution.sweeps() {
        assert!(needed.cells > 0 && needed.cells <= needed.of, "{needed:?}");
    }
}

#[test]
fn the_ledger_has_seven_publications_and_thirty_claims_at_least() {
    let publications = built_in::all().unwrap();
    let names: Vec<&str> = publications.iter().map(|publication| publication.name.as_str()).collect();
    assert_eq!(names, built_in::names());
    assert_eq!(names.len(), 7);
    let claims = publications.iter().flat_map(|publication| &publication.claims);
    assert!(claims.count() >= 30);
    for publication in &publications {
        for (position, claim) in publication.claims.iter().enumerate() {
            assert_eq!(claim.number as usize, position + 1, "{}", publication.name);
            // What is remembered says where from.
            assert!(claim.confidence == Confidence::Read || !claim.source.is_empty());
        }
        for (position, reading) in publication.readings.iter().enumerate() {
            let is_used = publication.claims.iter().any(|claim| claim.readings().contains(&position));
            assert!(is_used, "no claim of {} has the reading {}", publication.name, reading.name);
        }
    }
}

#[test]
fn the_example_of_the_page_can_be_measured() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/claims.md");
    let page = fs::read_to_string(page).unwrap();
    let example = page.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let publication = publication_of(&Source::new("my_claims.toml", example)).unwrap();
    let asked = Asked::all(&publication);
    let resolution = Resolution::of(&asked, &Runners::built_in().list());
    resolution.unwrap_or_else(|problems| panic!("{}", problems.render(false)));
    assert_eq!(asked.len(), 1);
}

/// `cargo test -p PACKAGE [--test suite] FILTER` finds a test: a file of the name before `::`, or a function.
#[test]
fn tests_that_hold_claims_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let publications = built_in::all().unwrap();
    let claims = publications.iter().flat_map(|publication| &publication.claims);
    let mut found = 0;
    for claim in claims {
        let Evidence::Tested { command, .. } = &claim.evidence else { continue };
        let words: Vec<&str> = command.split(' ').collect();
        let (package, filter) = match words.as_slice() {
            ["cargo", "test", "-p", package, "--test", "suite", filter] => (*package, *filter),
            ["cargo", "test", "-p", package, filter] => (*package, *filter),
            _ => panic!("{command}"),
        };
        let folder = match package.strip_prefix("rtmm-") {
            Some(name) => root.join("crates").join(name).join("tests"),
            None => root.join(package).join("src"),
        };
        let exists = match filter.strip_suffix("::") {
            Some(module) => folder.join(module).with_extension("rs").is_file(),
            None => has_test(&folder, filter),
        };
        assert!(exists, "{command}");
        found += 1;
    }
    assert!(found > 0);
}

/// True if a file below a folder is of this name, or has a test of it.
fn has_test(folder: &Path, filter: &str) -> bool {
    fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return has_test(&path, filter);
        }
        let is_named = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(filter));
        let is_source = path.extension().is_some_and(|extension| extension == "rs");
        is_source && (is_named || fs::read_to_string(&path).unwrap().contains(&format!("fn {filter}(")))
    })
}
