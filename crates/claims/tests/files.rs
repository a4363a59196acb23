//! Claim files: what is refused, with place and remedy.

use rtmm_claims::built_in;
use rtmm_claims::file::publication_of;
use rtmm_claims::publication::Evidence;
use rtmm_workload::input::Source;

const HEAD: &str = r#"title = "A title"
source = "an author, a venue"
[[reading]]
name = "plain"
description = "as it is"
sweep = "smoke"
"#;

/// A file with one claim that has these lines beside those that every claim needs.
fn with_claim(lines: &str) -> String {
    format!(
        "{HEAD}[[claim]]\nnumber = 1\ntext = \"what is said\"\nsource = \"abstract\"\nconfidence = \"read\"\n{lines}\n"
    )
}

const MEASURED: &str = r#"quantity = { kind = "mean", column = "overall_score_pct" }
holds = { at_least = 3 }
readings = ["plain"]"#;

fn problems(text: &str) -> String {
    match publication_of(&Source::new("claims.toml", text)) {
        Ok(publication) => panic!("{publication:?}"),
        Err(problems) => problems.render(false),
    }
}

#[test]
fn a_sound_file_is_read() {
    let publication = publication_of(&Source::new("a/claims.toml", with_claim(MEASURED))).unwrap();
    assert_eq!(publication.name, "claims");
    assert_eq!(publication.claims[0].readings(), [0]);
    let tested = with_claim("tested = \"cargo test\"\nours = \"equal\"");
    let publication = publication_of(&Source::new("claims.toml", tested)).unwrap();
    assert!(matches!(publication.claims[0].evidence, Evidence::Tested { .. }));
}

#[test]
fn bad_files_are_refused_with_place_and_remedy() {
    let replaced = |from: &str, to: &str| with_claim(MEASURED).replace(from, to);
    let cases = [
        (with_claim(""), "the claim says nothing of how it is judged"),
        (
            with_claim(&format!("{MEASURED}\nunjudged = \"no\"")),
            "the claim is judged by `quantity` and by `unjudged`",
        ),
        (with_claim("unjudged = \"no\"\nours = \"3\""), "`ours` belongs to `tested`"),
        (replaced("[\"plain\"]", "[\"plane\"]"), "there is no reading `plane`"),
        (replaced("[\"plain\"]", "[\"plain\", \"plain\"]"), "the reading `plain` is listed twice"),
        (replaced("[\"plain\"]", "[]"), "the claim has no readings"),
        (replaced("name = \"plain\"", "name = \"Plain, one\""), "`Plain, one` is no name of a reading"),
        (replaced("at_least = 3", "within = 3"), "there is no published number"),
        (replaced("at_least = 3", "at_least = 3, above = 2"), "there are both `at_least` and `above`"),
        (replaced("at_least = 3", "at_least = 3, at_most = 2"), "nothing is within these bounds"),
        (replaced("{ at_least = 3 }", "{ }"), "there is no bound"),
        (replaced("kind = \"mean\"", "kind = \"ratio\""), "this kind compares with something"),
        (
            replaced("\"overall_score_pct\"", "\"overall_score_pct\", against = { policy = \"edf\" }"),
            "a mean is compared with nothing",
        ),
        (
            replaced("\"overall_score_pct\"", "\"overall_score_pct\", across = \"geometric-mean\""),
            "only ratios and reductions have a geometric mean",
        ),
        (replaced("kind = \"mean\"", "kind = \"median\""), "median"),
        (
            replaced("\"overall_score_pct\"", "\"overall_score_pct\", of = { policy = [] }"),
            "`policy` has no values",
        ),
        (replaced("confidence = \"read\"", "confidence = \"sure\""), "sure"),
        (replaced("number = 1", "number = 0"), "number"),
        (replaced("number = 1", "numbers = 1"), "numbers"),
        (
            with_claim(&format!(
                "{MEASURED}\n[[claim]]\nnumber = 1\ntext = \"again\"\nsource = \"a\"\nconfidence = \"read\"\n\
                              unjudged = \"no\""
            )),
            "there are two claims 1",
        ),
        (HEAD.to_owned(), "there are no claims"),
    ];
    for (text, expected) in cases {
        let found = problems(&text);
        assert!(found.contains(expected), "{expected}:\n{found}");
        assert!(found.contains("claims.toml:") && found.contains("help"), "{found}");
    }
}

#[test]
fn several_problems_are_reported_at_once() {
    let text =
        with_claim(MEASURED).replace("kind = \"mean\"", "kind = \"median\"").replace("at_least", "at_last");
    let found = problems(&text);
    assert!(found.contains("median") && found.contains("at_last"), "{found}");
}

#[test]
fn unknown_publications_are_refused() {
    let found = built_in::open("draem").unwrap_err().render(false);
    assert!(found.contains("there is no publication `draem`") && found.contains("dream"), "{found}");
    let found = built_in::open("no/such/claims.toml").unwrap_err().render(false);
    assert!(found.contains("no/such/claims.toml"), "{found}");
}
