//! Words and braces of a file, with their places. Commas, colons, semicolons and parentheses say nothing; `//` begins a
//! comment up to the end of the line, `/*` one up to `*/`.

use std::ops::Range;

use rtmm_workload::input::{Diagnostic, Source};

/// A word or a brace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token<'s> {
    pub text: &'s str,
    pub range: Range<usize>,
}

/// The tokens of a text, one after the other.
pub(super) struct Tokens<'s> {
    source: &'s Source,
    position: usize,
}

impl<'s> Tokens<'s> {
    pub(super) fn of(source: &'s Source) -> Self {
        let position = if source.text().starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        Self { source, position }
    }

    /// A problem at a place, which ends the reading.
    pub(super) fn problem(&self, range: &Range<usize>, message: impl Into<String>, help: &str) -> Diagnostic {
        Diagnostic::new(message, self.source, range.clone()).help(help)
    }

    /// The next token, which must be there.
    pub(super) fn expect(&mut self, what: &str) -> Result<Token<'s>, Diagnostic> {
        let end = self.source.text().len();
        self.next().ok_or_else(|| {
            let message = format!("the file ends where {what} is expected");
            self.problem(&(end..end), message, "close every brace; the file may have been cut off")
        })
    }

    /// The next token, which must be an opening brace.
    pub(super) fn open(&mut self, of: &str) -> Result<(), Diagnostic> {
        let token = self.expect("`{`")?;
        if token.text == "{" {
            return Ok(());
        }
        let message = format!("expected `{{` behind `{of}`, not `{}`", token.text);
        Err(self.problem(&token.range, message, "write the body between braces"))
    }

    /// Passes over all up to the brace that closes the one before.
    pub(super) fn skip_body(&mut self) -> Result<(), Diagnostic> {
        let mut depth = 1_u64;
        while depth > 0 {
            match self.expect("`}`")?.text {
                "{" => depth += 1,
                "}" => depth -= 1,
                _ => {}
            }
        }
        Ok(())
    }
}

impl<'s> Iterator for Tokens<'s> {
    type Item = Token<'s>;

    fn next(&mut self) -> Option<Token<'s>> {
        let is_filling = |letter: char| letter.is_whitespace() || ",:;()".contains(letter);
        loop {
            let rest = &self.source.text()[self.position..];
            let start = rest.find(|letter| !is_filling(letter))?;
            let word = &rest[start..];
            let begin = self.position + start;
            if word.starts_with("//") {
                self.position = begin + word.find('\n').unwrap_or(word.len());
                continue;
            }
            // One that never ends is a word, which means nothing anywhere.
            if let Some(comment) = word.strip_prefix("/*")
                && let Some(end) = comment.find("*/")
            {
                self.position = begin + "/*".len() + end + "*/".len();
                continue;
            }
            let length = if word.starts_with(['{', '}']) {
                1
            } else {
                let ends = |letter: char| is_filling(letter) || "{}".contains(letter);
                let end = word.find(ends).unwrap_or(word.len());
                // A comment may follow a word without a blank.
                let comments = ["//", "/*"].into_iter().filter_map(|mark| word[..end].find(mark));
                comments.filter(|begin| *begin > 0).min().unwrap_or(end)
            };
            self.position = begin + length;
            return Some(Token { text: &word[..length], range: begin..begin + length });
        }
    }
}
