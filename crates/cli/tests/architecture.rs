//! Claims of `docs/ARCHITECTURE.md` and the book, checked: the direction of dependencies, where
//! files are touched, that pages name things that exist, that their examples are true, and the words that are used.
#![expect(clippy::disallowed_methods, reason = "this test reads the repository's own files")]
#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::common::Workspace;
use rtmm_hardware::{
    CoLocationRow, ContentionRow, CostModelRegistry, Explainer, Mode, Quantity, load as hardware,
};
use rtmm_workload::input::Source;
use rtmm_workload::load::{Kind, built_in_names, open, workload_of};
use rtmm_workload::{Convolution, Layer, Legality, Operator, Shape};

/// Every package of the workspace with the packages of the workspace that it may depend on.
const ALLOWED: [(&str, &[&str]); 18] = [
    ("crates/workload", &[]),
    ("crates/analysis", &["rtmm-workload"]),
    ("crates/import", &["rtmm-workload"]),
    ("crates/interference", &["rtmm-workload"]),
    ("crates/hardware", &["rtmm-workload", "rtmm-interference"]),
    ("crates/bounds", &["rtmm-workload", "rtmm-hardware"]),
    ("crates/scheduler", &["rtmm-workload", "rtmm-interference", "rtmm-hardware"]),
    ("crates/sim", &["rtmm-workload", "rtmm-interference", "rtmm-hardware", "rtmm-scheduler"]),
    ("crates/reference", &["rtmm-workload", "rtmm-hardware", "rtmm-scheduler"]),
    ("crates/sweep", &["rtmm-workload", "rtmm-hardware", "rtmm-scheduler"]),
    (
        "crates/runners",
        &[
            "rtmm-workload",
            "rtmm-interference",
            "rtmm-hardware",
            "rtmm-scheduler",
            "rtmm-sim",
            "rtmm-reference",
            "rtmm-sweep",
            "rtmm-bounds",
        ],
    ),
    ("crates/claims", &["rtmm-workload", "rtmm-sweep", "rtmm-runners"]),
    ("crates/report", &["rtmm-workload", "rtmm-hardware", "rtmm-scheduler", "rtmm-sweep"]),
    ("crates/timeline", &["rtmm-workload", "rtmm-hardware", "rtmm-scheduler", "rtmm-sim", "rtmm-report"]),
    (
        "crates/robust",
        &["rtmm-workload", "rtmm-hardware", "rtmm-sim", "rtmm-sweep", "rtmm-runners", "rtmm-report"],
    ),
    ("crates/testkit", &["rtmm-workload", "rtmm-hardware", "rtmm-scheduler", "rtmm-sim", "rtmm-sweep"]),
    (
        "crates/cli",
        &[
            "rtmm-workload",
            "rtmm-analysis",
            "rtmm-bounds",
            "rtmm-claims",
            "rtmm-import",
            "rtmm-interference",
            "rtmm-hardware",
            "rtmm-scheduler",
            "rtmm-sim",
            "rtmm-reference",
            "rtmm-sweep",
            "rtmm-runners",
            "rtmm-report",
            "rtmm-robust",
            "rtmm-timeline",
        ],
    ),
    (
        "xtask",
        &[
            "rtmm-workload",
            "rtmm-interference",
            "rtmm-hardware",
            "rtmm-scheduler",
            "rtmm-sim",
            "rtmm-reference",
            "rtmm-sweep",
            "rtmm-runners",
            "rtmm-report",
            "rtmm-robust",
            "rtmm-bounds",
            "rtmm-claims",
            "rtmm-cli",
        ],
    ),
];

/// The source files that may touch the file system; a folder stands for all files in it.
const MAY_TOUCH_FILES: [&str; 8] = [
    "crates/workload/src/load.rs",
    "crates/import/src/load.rs",
    "crates/sweep/src/store.rs",
    "crates/sweep/src/output.rs",
    "crates/sweep/src/sweep.rs",
    "crates/cli/src/",
    "crates/testkit/src/digests.rs",
    "xtask/src/",
];

/// Files whose decoders state the keys of input files.
const DECODERS: [&str; 20] = [
    "crates/workload/src/scenario_file/mod.rs",
    "crates/workload/src/scenario_file/mix.rs",
    "crates/workload/src/scenario_file/task.rs",
    "crates/workload/src/scenario_file/phase.rs",
    "crates/workload/src/requests.rs",
    "crates/workload/src/model_file/mod.rs",
    "crates/workload/src/model_file/operators.rs",
    "crates/workload/src/operator_kind.rs",
    "crates/workload/src/model_file/parameters.rs",
    "crates/workload/src/model_file/samples.rs",
    "crates/workload/src/model_file/structure.rs",
    "crates/workload/src/model_file/variants.rs",
    "crates/hardware/src/calibration/correction.rs",
    "crates/hardware/src/load.rs",
    "crates/hardware/src/co_location_file.rs",
    "crates/hardware/src/division_file.rs",
    "crates/hardware/src/power_file.rs",
    "crates/hardware/src/transfers_file.rs",
    "crates/hardware/src/maestro/dataflow.rs",
    "crates/sweep/src/file.rs",
];

/// Words that prose, messages and names do not use, each with what to write instead. A lower-case phrase is found in
/// any case and across the lines of a comment or a string; one that ends in `_` is the beginning of a name.
const BANNED: [(&str, &str); 20] = [
    ("give up", "drop (a job), cancel (a resize)"),
    ("gives up", "drops"),
    ("given up", "dropped"),
    ("giving up", "dropping"),
    ("gave up", "dropped"),
    ("make up", "synthesise (samples), form (a whole)"),
    ("makes up", "synthesises, forms"),
    ("making up", "synthesising, forming"),
    ("made up", "synthetic, synthesised"),
    ("made-up", "synthetic"),
    ("for ever", "what does not change, or does not end"),
    ("forever", "what does not change, or does not end"),
    ("nobody", "the noun that is meant: no job, no policy, no frame"),
    ("somebody", "the noun that is meant: a job, a policy, another frame"),
    ("everybody", "the noun that is meant: every job, every policy"),
    ("whoever", "the noun that is meant: the policy, the user, the reader"),
    ("who is out of reach", "a job that is expected to miss its deadline"),
    ("whether anything happens or not", "static energy, leakage"),
    ("MOST_", "MAX_"),
    ("LEAST_", "MIN_"),
];

/// Words that no doc comment of a source file begins with: a noun of the field or a verb says more.
const NO_BEGINNINGS: [&str; 5] = ["What", "How", "Who", "Whether", "Nobody"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// All files below a folder with an extension, as paths from the root with forward slashes, sorted.
fn files(folder: &str, extension: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root().join(&folder)).unwrap_or_else(|error| panic!("{folder}: {error}")) {
            let entry = entry.expect("a directory entry");
            let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
            if entry.file_type().expect("a file type").is_dir() {
                folders.push(path);
            } else if Path::new(&path).extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The source files of all packages.
fn sources() -> Vec<String> {
    ALLOWED.iter().flat_map(|(package, _)| files(&format!("{package}/src"), "rs")).collect()
}

fn pages() -> Vec<String> {
    let mut pages = files("docs", "md");
    pages.retain(|page| !page.starts_with("docs/book/"));
    pages
}

/// Texts between single backticks, outside of code blocks.
fn code_spans(page: &str) -> Vec<String> {
    let mut spans = Vec::new();
    let mut in_block = false;
    for line in page.lines() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
        } else if !in_block {
            spans.extend(line.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    spans
}

/// The code blocks of a language.
fn blocks<'p>(page: &'p str, language: &str) -> Vec<&'p str> {
    let fence = format!("```{language}\n");
    page.split(&fence).skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

#[test]
fn dependencies_point_one_way() {
    let mut packages: Vec<String> = files("crates", "toml")
        .into_iter()
        .filter_map(|path| path.strip_suffix("/Cargo.toml").map(str::to_owned))
        .collect();
    packages.push("xtask".to_owned());
    let mut known: Vec<&str> = ALLOWED.iter().map(|(package, _)| *package).collect();
    known.sort_unstable();
    assert_eq!(packages, known, "a package is missing here, or is gone");
    for (package, allowed) in ALLOWED {
        let manifest = read(&format!("{package}/Cargo.toml"));
        let mut section = "";
        for line in manifest.lines() {
            if let Some(head) = line.strip_prefix('[') {
                section = head.trim_end_matches(']');
            } else if section.ends_with("dependencies") && line.starts_with("rtmm-") {
                let name = line.split(['.', ' ', '=']).next().unwrap_or_default();
                let is_kit_of_tests = section == "dev-dependencies" && name == "rtmm-testkit";
                assert!(is_kit_of_tests || allowed.contains(&name), "{package} must not depend on {name}");
            }
        }
    }
}

#[test]
fn every_package_takes_the_lints_of_the_workspace() {
    for (package, _) in ALLOWED {
        let manifest = read(&format!("{package}/Cargo.toml"));
        assert!(manifest.contains("[lints]\nworkspace = true"), "{package}");
    }
    let workspace = read("Cargo.toml");
    assert!(workspace.contains("unsafe_code = \"forbid\""));
}

#[test]
fn every_file_of_tests_is_run() {
    for path in files("crates", "rs") {
        let Some((package, name)) = path.split_once("/tests/").filter(|(_, name)| !name.contains('/')) else {
            continue;
        };
        let manifest = read(&format!("{package}/Cargo.toml"));
        let suite = format!("{package}/tests/suite.rs");
        // Where there is a suite, cargo looks for no other programs.
        if !manifest.contains("autotests = false") || path == suite {
            continue;
        }
        let module = name.trim_end_matches(".rs");
        let is_module = read(&suite).contains(&format!("mod {module};"));
        let is_program = manifest.contains(&format!("[[test]]\nname = \"{module}\""));
        assert!(is_module || is_program, "{path} is no module of {suite}, and is never run");
    }
}

#[test]
fn every_lib_rs_is_a_table_of_contents() {
    for path in sources().iter().filter(|path| path.ends_with("/src/lib.rs")) {
        let text = read(path);
        assert!(text.starts_with("//! "), "{path} begins with what the crate is for");
        assert!(text.contains("//! ```\n"), "{path} has an example");
        let code: String = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .flat_map(|line| [line, "\n"])
            .collect();
        for statement in code.split(';').map(str::trim).filter(|statement| !statement.is_empty()) {
            // Attributes may stand before a module, a re-export, or the crate's own name for its tests.
            let last = statement.lines().find(|line| !line.starts_with("#[")).unwrap_or_default();
            let is_listing = ["pub mod ", "mod ", "pub use ", "extern crate self "]
                .iter()
                .any(|start| last.starts_with(start));
            assert!(is_listing, "{path} holds more than modules and re-exports: {statement}");
        }
    }
}

#[test]
fn files_are_touched_in_few_places() {
    for path in sources() {
        let text = read(&path);
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let touches =
            code.lines().any(|line| !line.trim_start().starts_with("//") && line.contains("std::fs"));
        let may = MAY_TOUCH_FILES.iter().any(|allowed| path.starts_with(allowed));
        assert!(may || !touches, "{path} touches the file system");
    }
    for path in MAY_TOUCH_FILES {
        assert!(root().join(path).exists(), "{path} is gone: remove it from the list");
    }
}

/// The words of a text in one line, without the markers of comments and of continued strings, and where each of its
/// lines begins in it.
fn in_one_line(text: &str) -> (String, Vec<usize>) {
    let (mut joined, mut begins) = (String::new(), Vec::new());
    for line in text.lines() {
        begins.push(joined.len());
        let line = line.trim().trim_start_matches("//").trim_start_matches(['/', '!', '>']);
        joined.push_str(line.trim_end_matches('\\').trim());
        joined.push(' ');
    }
    (joined, begins)
}

/// Where a phrase occurs as words of its own.
fn places<'t>(text: &'t str, phrase: &'t str) -> impl Iterator<Item = usize> + 't {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.match_indices(phrase).map(|(place, _)| place).filter(move |place| {
        let ends = phrase.ends_with('_') || !text[place + phrase.len()..].starts_with(is_part);
        ends && !text[..*place].ends_with(is_part)
    })
}

#[test]
fn sources_and_pages_use_one_vocabulary() {
    let mut paths = sources();
    // The change log tells what older versions printed.
    paths.extend(pages().into_iter().filter(|page| page != "docs/CHANGELOG.md"));
    paths.push("README.md".to_owned());
    let mut found = Vec::new();
    for path in paths {
        let (text, begins) = in_one_line(&read(&path));
        let lower = text.to_ascii_lowercase();
        for (phrase, instead) in BANNED {
            let searched = if phrase.contains(char::is_uppercase) { &text } else { &lower };
            for place in places(searched, phrase) {
                let line = begins.partition_point(|begin| *begin <= place);
                found.push(format!("{path}:{line}: `{phrase}`; write instead: {instead}"));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn doc_comments_begin_with_a_noun_or_a_verb() {
    let is_doc = |line: &str| line.starts_with("///") || line.starts_with("//!");
    let mut found = Vec::new();
    for path in sources() {
        let text = read(&path);
        let lines: Vec<&str> = text.lines().map(str::trim_start).collect();
        for (index, line) in lines.iter().enumerate().filter(|(_, line)| is_doc(line)) {
            let is_first = index == 0 || !is_doc(lines[index - 1]);
            let word = line[3..].split_whitespace().next().unwrap_or_default();
            if is_first && NO_BEGINNINGS.contains(&word) {
                found.push(format!("{path}:{}: {line}", index + 1));
            }
        }
    }
    assert!(found.is_empty(), "begin with a noun of the field or a verb:\n{}", found.join("\n"));
}

#[test]
fn banned_words_are_found_across_lines_and_not_inside_of_names() {
    let (text, begins) = in_one_line("/// A job is given\n    /// up.\nlet most = \"made \\\n    up\";");
    assert_eq!(begins.len(), 4);
    assert_eq!(places(&text, "given up").count(), 1);
    assert_eq!(places(&text, "made up").count(), 1);
    assert_eq!(places("known_by_nobody, nobody.", "nobody").collect::<Vec<_>>(), [17]);
    assert_eq!(places("MOST_ROWS, ALMOST_ALL", "MOST_").collect::<Vec<_>>(), [0]);
}

/// Whether a code span of a page has this word.
fn names(spans: &[String], word: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    spans.iter().any(|span| span.split(|c| !is_part(c)).any(|found| found == word))
}

#[test]
fn every_cost_model_is_documented_with_its_keys() {
    let reference = "docs/reference/cost-models.md";
    for row in CostModelRegistry::built_in() {
        let path = format!("docs/models/{}.md", row.name);
        assert!(root().join(&path).exists(), "the cost model `{}` has no page {path}", row.name);
        let mut spans = code_spans(&read(&path));
        spans.extend(code_spans(&read(reference)));
        for parameter in row.parameters.iter() {
            let key = &parameter.name;
            assert!(names(&spans, key), "neither {path} nor {reference} has `{key}`");
        }
    }
}

#[test]
fn every_contention_rule_is_documented() {
    let page = "docs/input-files.md";
    let text = read(page);
    for row in ContentionRow::built_in() {
        assert!(text.contains(&format!("- `{}`: ", row.name)), "{page} does not explain `{}`", row.name);
    }
    for CoLocationRow { name, meaning, .. } in CoLocationRow::built_in() {
        assert!(text.contains(&format!("- `{name}`: {meaning}")), "{page} does not explain `{name}`");
    }
}

#[test]
fn every_key_of_input_files_is_documented() {
    let page = "docs/input-files.md";
    let spans = code_spans(&read(page));
    for source in DECODERS {
        let text = read(source);
        let mut keys = 0;
        for (start, end) in [("only(&[", "]"), ("const WRITTEN: ", "];"), ("const KEYS: ", "];")] {
            let lists = text.split(start).skip(1).filter_map(|rest| rest.split(end).next());
            for key in lists.flat_map(|list| list.split('"').skip(1).step_by(2)) {
                assert!(names(&spans, key), "{page} lacks `{key}` of {source}");
                keys += 1;
            }
        }
        assert!(keys > 0, "{source} states no keys where this test looks for them");
    }
}

#[test]
fn pages_name_files_and_tests_that_exist() {
    for page in pages() {
        let text = read(&page);
        for span in code_spans(&text) {
            let is_path = ["crates/", "docs/", "examples/custom_policy", "scenarios/", "xtask/", ".ci/"]
                .iter()
                .any(|top| span.starts_with(top));
            if !is_path || span.contains(['<', '*', ' ', '{']) {
                continue;
            }
            let (path, function) =
                span.split_once("::").map_or((span.as_str(), None), |(path, test)| (path, Some(test)));
            assert!(root().join(path).exists(), "{page} names {path}");
            if let Some(function) = function {
                let declaration = format!("fn {function}(");
                assert!(read(path).contains(&declaration), "{page} names {span}");
            }
        }
        let folder = Path::new(&page).parent().expect("a folder");
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let target = link.split('#').next().unwrap_or_default();
            if target.ends_with(".md") && !target.contains("://") {
                assert!(root().join(folder).join(target).exists(), "{page} links to {target}");
            }
        }
    }
}

#[test]
fn the_readme_is_short() {
    let lines = read("README.md").lines().count();
    assert!(lines < 120, "{lines} lines");
}

#[test]
fn the_readme_shows_what_is_printed() {
    const COMMAND: &str = "run --scenario xrbench/vr_gaming --platform xrbench/dual_4k_ws_os";
    let readme = read("README.md");
    let shown = readme.lines().skip_while(|line| !line.starts_with(&format!("$ rtmm {COMMAND} "))).skip(1);
    let shown: Vec<&str> = shown.take_while(|line| !line.starts_with("$ ")).collect();
    let arguments: Vec<&str> = COMMAND.split(' ').collect();
    let printed = Workspace::new().rtmm(&arguments).success();
    let mut rest = printed.lines().map(str::trim_end);
    for line in &shown {
        // What is left out stands in brackets.
        assert!(line.starts_with("[...") || rest.any(|found| found == *line), "not printed there: {line}");
    }
    assert!(shown.len() > 10, "{shown:?}");
}

#[test]
fn the_example_of_a_custom_policy_is_short() {
    let sources = files("examples/custom_policy/src", "rs");
    let lines: usize = sources.iter().map(|path| read(path).lines().count()).sum();
    assert!((1..=80).contains(&lines), "{lines} lines");
}

#[test]
fn every_invariant_says_what_enforces_it() {
    let text = read("docs/ARCHITECTURE.md");
    let mut invariants = 0;
    for paragraph in text.split("\n\n").filter(|paragraph| paragraph.contains("**Invariant")) {
        for invariant in paragraph.split("**Invariant").skip(1) {
            invariants += 1;
            let enforced = invariant.split("Enforced by").nth(1).unwrap_or_default();
            let spans = code_spans(enforced);
            let named = spans.iter().any(|span| span.contains("::") || span.ends_with(".toml"));
            assert!(named, "no test and no lint enforces: {invariant}");
        }
    }
    assert!(invariants > 0);
}

#[test]
fn the_summary_lists_every_page() {
    let summary = read("docs/SUMMARY.md");
    for page in pages().iter().filter(|page| *page != "docs/SUMMARY.md") {
        let link = format!("({})", page.trim_start_matches("docs/"));
        assert!(summary.contains(&link), "docs/SUMMARY.md lacks {page}");
    }
}

/// Writes an example of a page where `rtmm check` can read it, and checks it.
#[track_caller]
fn check_example(page: &str, index: usize, text: &str) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("example.toml");
    fs::write(&path, text).expect("the example can be written");
    let arguments = ["rtmm".into(), "check".into(), path.into_os_string()];
    let code = rtmm_cli::main(arguments);
    assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::SUCCESS), "{page}, example {index}:\n{text}");
}

#[test]
fn examples_of_input_files_are_accepted() {
    for page in ["docs/input-files.md", "docs/models/maestro.md"] {
        let text = read(page);
        for (index, example) in blocks(&text, "toml").into_iter().enumerate() {
            if example.contains("dedline") {
                continue;
            }
            let missing = if example.starts_with("[[accelerator]]") { "source = \"my own\"\n" } else { "" };
            check_example(page, index, &format!("{missing}{example}"));
        }
    }
}

#[test]
fn the_example_of_mistakes_gives_these_messages() {
    let page = read("docs/input-files.md");
    let example =
        blocks(&page, "toml").into_iter().find(|block| block.contains("dedline")).expect("an example");
    let expected =
        blocks(&page, "text").into_iter().find(|block| block.contains("dedline")).expect("messages");
    let problems =
        workload_of(&Source::new("my_scenario.toml", example), Legality::Strict).expect_err("mistakes");
    assert_eq!(problems.to_string().trim(), expected.trim());
}

#[test]
fn the_page_on_maestro_has_the_built_in_dataflows() {
    let page = read("docs/models/maestro.md");
    for name in built_in_names(Kind::Dataflow) {
        let row = format!("| `{}` | ", name.to_uppercase());
        let row = page.lines().find(|line| line.starts_with(&row)).expect("a row of the dataflow");
        let source = open(Kind::Dataflow, &name, None).expect("a built-in dataflow");
        let dataflow = rtmm_hardware::maestro::dataflow::Dataflow::parse(&name, &source, Mode::Corrected)
            .expect("a dataflow");
        let levels: Vec<String> = dataflow
            .levels
            .iter()
            .enumerate()
            .map(|(index, level)| {
                let directives: Vec<String> =
                    level.directives.iter().map(|directive| format!("`{directive}`")).collect();
                let cluster =
                    dataflow.clusters.get(index).map_or_else(String::new, |size| format!(", cluster {size}"));
                format!("{}{cluster}", directives.join(" "))
            })
            .collect();
        assert!(row.contains(&levels.join("; ")), "{row}\n{}", levels.join("; "));
    }
}

/// The example that `docs/models/maestro.md` works out by hand.
#[test]
fn the_worked_example_of_maestro_is_what_the_model_says() {
    let page = read("docs/models/maestro.md");
    let example = page.split("### A worked example").nth(1).expect("an example");
    let example = example.split("\n## ").next().expect("its end");
    let stated: BTreeMap<&str, f64> = example
        .lines()
        .filter_map(|line| {
            let (column, value) = line.strip_prefix("| `")?.split_once("` | ")?;
            Some((column, value.trim_end_matches(" |").parse().expect("a number")))
        })
        .collect();

    let folder = tempfile::tempdir().expect("a temporary folder");
    let dataflow = folder.path().join("example.toml");
    fs::write(&dataflow, blocks(example, "toml")[0]).expect("the dataflow can be written");
    let keys = example.lines().find_map(|line| line.split_once("on `{ ")).expect("an accelerator").1;
    let keys = keys.split(" }`").next().expect("its end");
    let accelerator = format!("{{ model = \"maestro\", dataflow = '{}', {keys} }}", dataflow.display());
    let decoded = hardware::accelerator(&accelerator, hardware::DEFAULT_CLOCK_HZ, Mode::Corrected)
        .unwrap_or_else(|problems| panic!("{problems}"));
    let layer = Layer::new(
        "example",
        Operator::Convolution(Convolution {
            input: Shape { channels: 1, height: 1, width: 6 },
            output_channels: 2,
            kernel: [1, 3],
            stride: [1, 1],
            padding: [0, 0].into(),
            output_padding: [0, 0],
            dilation: [1, 1],
            groups: 1,
            transposed: false,
        }),
    );
    let mut row = Vec::new();
    Explainer::of(decoded.cost_model.as_ref()).report((&layer).into(), &mut row).expect("a cost");
    let columns = Explainer::of(decoded.cost_model.as_ref()).columns();
    assert_eq!(stated.len(), columns.len());
    for (column, value) in columns.iter().zip(row) {
        let value = match value {
            Quantity::Integer(value) => value as f64,
            Quantity::Real(value) => value,
        };
        assert!((value - stated[column]).abs() < 1e-9, "{column}: {value}, not {}", stated[column]);
    }
}
