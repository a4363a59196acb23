//! Tables of pages in `docs/`, for tests that hold the numbers of pages to those of the code.

/// The rows of the first table of `page` whose header begins with `columns`, as texts. A cell that is one piece of code loses its
/// marks.
///
/// # Panics
/// The page has no such table.
#[track_caller]
#[must_use]
pub fn table(page: &str, columns: &[&str]) -> Vec<Vec<String>> {
    let cell = |text: &str| {
        let code = text.trim().strip_prefix('`').and_then(|text| text.strip_suffix('`'));
        code.filter(|code| !code.contains('`')).unwrap_or(text.trim()).to_owned()
    };
    let cells = |line: &str| -> Vec<String> { line.trim_matches('|').split('|').map(cell).collect() };
    let is_head = |line: &str| {
        let head = cells(line);
        line.starts_with('|') && head.len() >= columns.len() && head.iter().zip(columns).all(|(a, b)| a == b)
    };
    let mut lines = page.lines().skip_while(|line| !is_head(line));
    assert!(lines.next().is_some(), "the page has no table of {columns:?}");
    lines.skip(1).take_while(|line| line.starts_with('|')).map(cells).collect()
}

/// A whole number, written with commas or without.
///
/// # Panics
/// The text is no such number.
#[track_caller]
#[must_use]
pub fn number(text: &str) -> u64 {
    text.replace(',', "").parse().unwrap_or_else(|_| panic!("`{text}` is no number"))
}

/// Asserts that `found` is within `tolerance`, such as `2 %`, of `published`.
///
/// # Panics
/// It is not, or the tolerance is no percentage.
#[track_caller]
pub fn assert_near(found: u64, published: u64, tolerance: &str, what: &str) {
    let percent: f64 = tolerance
        .trim_end_matches('%')
        .trim()
        .parse()
        .unwrap_or_else(|_| panic!("`{tolerance}` is no tolerance in percent"));
    let published = published as f64;
    let difference = 100.0 * (found as f64 - published).abs() / published;
    assert!(difference <= percent, "{what}: {difference:.3} % off");
}
