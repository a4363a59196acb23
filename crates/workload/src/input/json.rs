//! JSON as the tree of values that TOML gives, so that both are decoded by the same readers.
//!
//! Objects and lists are placed at their opening bracket: what is wrong with one as a whole is shown there, however
//! long it is. A key of an object that is null is a key that is not there. The first mistake of the syntax ends the
//! reading.

use std::borrow::Cow;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

/// Greatest depth of nested objects and lists: readers of values call themselves.
const MAX_DEPTH: usize = 64;

/// Fault of the syntax, with its place.
#[derive(Debug)]
pub(super) struct SyntaxError {
    pub range: Range<usize>,
    pub message: String,
}

/// Parses a text that is one object.
pub(super) fn parse(text: &str) -> Result<Spanned<DeTable<'_>>, SyntaxError> {
    // Some editors begin a text with a byte-order mark.
    let position = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut reader = Reader { text, position, depth: 0 };
    reader.skip_blanks();
    if reader.peek() != Some('{') {
        return reader.wrong("expected an object: `{`");
    }
    let root = reader.object()?;
    reader.skip_blanks();
    match reader.peek() {
        None => Ok(root),
        Some(_) => reader.wrong("the object has ended, but the text goes on"),
    }
}

struct Reader<'s> {
    text: &'s str,
    position: usize,
    depth: usize,
}

impl<'s> Reader<'s> {
    fn peek(&self) -> Option<char> {
        self.text[self.position..].chars().next()
    }

    /// Passes over `wanted` if it is next.
    fn takes(&mut self, wanted: char) -> bool {
        let is_next = self.peek() == Some(wanted);
        if is_next {
            self.position += wanted.len_utf8();
        }
        is_next
    }

    fn skip_blanks(&mut self) {
        let rest = &self.text[self.position..];
        self.position += rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
    }

    /// A problem with the next character.
    fn wrong<T>(&self, message: impl Into<String>) -> Result<T, SyntaxError> {
        let end = self.position + self.peek().map_or(0, char::len_utf8);
        Err(SyntaxError { range: self.position..end, message: message.into() })
    }

    fn value(&mut self) -> Result<Spanned<DeValue<'s>>, SyntaxError> {
        let start = self.position;
        let value = match self.peek() {
            Some('{') => {
                let object = self.object()?;
                let range = object.span();
                return Ok(Spanned::new(range, DeValue::Table(object.into_inner())));
            }
            Some('[') => return self.list(),
            Some('"') => DeValue::String(self.string()?),
            Some('-' | '0'..='9') => return self.number(),
            Some('a'..='z') => {
                let rest = &self.text[start..];
                let word =
                    &rest[..rest.find(|other: char| !other.is_ascii_lowercase()).unwrap_or(rest.len())];
                self.position += word.len();
                match word {
                    "true" => DeValue::Boolean(true),
                    "false" => DeValue::Boolean(false),
                    _ => {
                        let message = match word {
                            "null" => "`null` is no item of a list; leave it out".to_owned(),
                            _ => format!("`{word}` is no value"),
                        };
                        return Err(SyntaxError { range: start..self.position, message });
                    }
                }
            }
            Some(_) => return self.wrong("expected a value"),
            None => return self.wrong("the text ends where a value is expected"),
        };
        Ok(Spanned::new(start..self.position, value))
    }

    /// Enters an object or a list.
    fn open(&mut self) -> Result<Range<usize>, SyntaxError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return self.wrong(format!("objects and lists are nested more than {MAX_DEPTH} deep"));
        }
        let bracket = self.position..self.position + 1;
        self.position += 1;
        self.skip_blanks();
        Ok(bracket)
    }

    /// True if another item follows, behind a comma.
    fn goes_on(&mut self, end: char) -> Result<bool, SyntaxError> {
        self.skip_blanks();
        if self.takes(',') {
            self.skip_blanks();
            return Ok(true);
        }
        if !self.takes(end) {
            return self.wrong(format!("expected `,` or `{end}`"));
        }
        self.depth -= 1;
        Ok(false)
    }

    fn object(&mut self) -> Result<Spanned<DeTable<'s>>, SyntaxError> {
        let bracket = self.open()?;
        let mut entries = DeTable::new();
        let mut goes_on = self.peek() != Some('}') || self.goes_on('}')?;
        while goes_on {
            let start = self.position;
            if self.peek() != Some('"') {
                return self.wrong("expected a key in quotes");
            }
            let name = self.string()?;
            let key = Spanned::new(start..self.position, name);
            if entries.contains_key(&key) {
                let message = format!("the key `{}` stands twice in one object", key.get_ref());
                return Err(SyntaxError { range: key.span(), message });
            }
            self.skip_blanks();
            if !self.takes(':') {
                return self.wrong("expected `:` behind the key");
            }
            self.skip_blanks();
            if !self.takes_null() {
                let value = self.value()?;
                entries.insert(key, value);
            }
            goes_on = self.goes_on('}')?;
        }
        Ok(Spanned::new(bracket, entries))
    }

    /// Passes over a null, if it is next: programs write it for a key that says nothing, as one that is not there.
    fn takes_null(&mut self) -> bool {
        let rest = self.text[self.position..].strip_prefix("null");
        let is_next = rest.is_some_and(|rest| !rest.starts_with(|next: char| next.is_ascii_lowercase()));
        if is_next {
            self.position += "null".len();
        }
        is_next
    }

    fn list(&mut self) -> Result<Spanned<DeValue<'s>>, SyntaxError> {
        let bracket = self.open()?;
        let mut items = DeArray::new();
        let mut goes_on = self.peek() != Some(']') || self.goes_on(']')?;
        while goes_on {
            let value = self.value()?;
            items.push(value);
            goes_on = self.goes_on(']')?;
        }
        Ok(Spanned::new(bracket, DeValue::Array(items)))
    }

    /// JSON's numbers are among those of TOML.
    fn number(&mut self) -> Result<Spanned<DeValue<'s>>, SyntaxError> {
        let rest = &self.text[self.position..];
        let is_part = |character: char| character.is_ascii_alphanumeric() || "+-.".contains(character);
        let text = &rest[..rest.find(|other| !is_part(other)).unwrap_or(rest.len())];
        let range = self.position..self.position + text.len();
        self.position = range.end;
        // Hexadecimal numbers, `inf` and the like are TOML's alone.
        let is_decimal = !text.contains(|character: char| {
            character.is_ascii_alphabetic() && character != 'e' && character != 'E'
        });
        match DeValue::parse(text) {
            Ok(value) if is_decimal && (value.get_ref().is_integer() || value.get_ref().is_float()) => {
                Ok(Spanned::new(range, value.into_inner()))
            }
            _ => Err(SyntaxError { range, message: format!("`{text}` is no number") }),
        }
    }

    fn string(&mut self) -> Result<Cow<'s, str>, SyntaxError> {
        let start = self.position;
        self.position += 1;
        let rest = &self.text[self.position..];
        let plain = rest.find(['"', '\\', '\n']).unwrap_or(rest.len());
        if rest[plain..].starts_with('"') {
            self.position += plain + 1;
            return Ok(Cow::Borrowed(&rest[..plain]));
        }
        let mut text = String::new();
        loop {
            match self.peek() {
                None | Some('\n') => {
                    return Err(SyntaxError {
                        range: start..self.position,
                        message: "the text has no end: `\"`".into(),
                    });
                }
                Some('"') => {
                    self.position += 1;
                    return Ok(Cow::Owned(text));
                }
                Some('\\') => text.push(self.escaped()?),
                Some(plain) => {
                    text.push(plain);
                    self.position += plain.len_utf8();
                }
            }
        }
    }

    fn escaped(&mut self) -> Result<char, SyntaxError> {
        let start = self.position;
        self.position += 1;
        let Some(letter) = self.peek() else { return self.wrong("the text has no end: `\"`") };
        self.position += letter.len_utf8();
        let character = match letter {
            '"' | '\\' | '/' => Some(letter),
            'b' => Some('\u{8}'),
            'f' => Some('\u{c}'),
            'n' => Some('\n'),
            'r' => Some('\r'),
            't' => Some('\t'),
            'u' => self.code_point(),
            _ => None,
        };
        let wrong = || SyntaxError {
            range: start..self.position,
            message: "this escape stands for no character".into(),
        };
        character.ok_or_else(wrong)
    }

    /// The character of four hexadecimal digits, or of two such groups that stand for one.
    fn code_point(&mut self) -> Option<char> {
        let first = self.code_unit()?;
        let mut units = vec![first];
        if (0xd800..0xdc00).contains(&first) && self.text[self.position..].starts_with("\\u") {
            self.position += 2;
            units.push(self.code_unit()?);
        }
        let mut characters = char::decode_utf16(units);
        match (characters.next(), characters.next()) {
            (Some(Ok(character)), None) => Some(character),
            _ => None,
        }
    }

    fn code_unit(&mut self) -> Option<u16> {
        let digits = self.text.get(self.position..self.position + 4)?;
        if !digits.chars().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        self.position += 4;
        u16::from_str_radix(digits, 16).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::super::document::Document;
    use super::super::source::Source;

    /// The message and the place of what is wrong.
    #[track_caller]
    fn refused(text: &str) -> (String, usize, usize) {
        let source = Source::new("case.json", text);
        let problems = Document::parse_json(&source).finish(Some(())).expect_err(text);
        let problem = problems.iter().next().expect("a problem");
        let (name, line, column) = problem.place().expect("a place");
        assert_eq!((name, problems.iter().count()), ("case.json", 1));
        (problem.message().replace("this is not valid JSON: ", ""), line, column)
    }

    #[test]
    fn values_are_read_as_those_of_toml() {
        let json = Source::new(
            "json",
            r#" { "a" : [ 1 , -2, [] ], "b": {"c": "x\"\/\u00e9\ud83d\ude00\n", "d": 1.5e3}, "e": true, "f": null } "#,
        );
        let toml = Source::new(
            "toml",
            "a = [1, -2, []]\nb = { c = \"x\\\"/\u{e9}\u{1f600}\\n\", d = 1.5e3 }\ne = true",
        );
        let shown = |document: &Document<'_>| {
            let root = document.root();
            let list: Vec<i64> =
                root.list("a", |value| value.is_array().then_some(0).or_else(|| value.integer(-9..=9)));
            let table = root.get("b").and_then(|value| value.table()).expect("a table");
            let text = table.required("c", |value| value.string()).map(str::to_owned);
            let number = table.required("d", |value| value.number(0.0..=1e9));
            let flag = root.required("e", |value| value.boolean());
            format!("{list:?} {text:?} {number:?} {flag:?} {} {}", root.has("f"), document.has_problems())
        };
        let read = shown(&Document::parse_json(&json));
        assert_eq!(read, shown(&Document::parse(&toml)));
        assert_eq!(read, "[1, -2, 0] Some(\"x\\\"/é😀\\n\") Some(1500.0) Some(true) false false");
    }

    #[test]
    fn a_byte_order_mark_is_no_text() {
        let source = Source::new("case.json", "\u{feff}{\"a\": 1}");
        let document = Document::parse_json(&source);
        assert_eq!(document.root().required("a", |value| value.integer(0..=9)), Some(1));
        assert_eq!(refused("\u{feff}[]"), ("expected an object: `{`".to_owned(), 1, 2));
    }

    #[test]
    fn mistakes_of_the_syntax_have_their_place() {
        let cases = [
            ("", "expected an object: `{`", 1),
            ("[]", "expected an object: `{`", 1),
            ("{} {}", "the object has ended, but the text goes on", 4),
            ("{\"a\": 1,}", "expected a key in quotes", 9),
            ("{a: 1}", "expected a key in quotes", 2),
            ("{\"a\" 1}", "expected `:` behind the key", 6),
            ("{\"a\": 1 \"b\": 2}", "expected `,` or `}`", 9),
            ("{\"a\": [1 2]}", "expected `,` or `]`", 10),
            ("{\"a\": [1,]}", "expected a value", 10),
            ("{\"a\": 1, \"a\": 2}", "the key `a` stands twice in one object", 10),
            ("{\"a\": [null]}", "`null` is no item of a list; leave it out", 8),
            ("{\"a\": nullable}", "`nullable` is no value", 7),
            ("{\"a\": yes}", "`yes` is no value", 7),
            ("{\"a\": 0x10}", "`0x10` is no number", 7),
            ("{\"a\": 01}", "`01` is no number", 7),
            ("{\"a\": 1.}", "`1.` is no number", 7),
            ("{\"a\": 1_000}", "expected `,` or `}`", 8),
            ("{\"a\": +1}", "expected a value", 7),
            ("{\"a\": -inf}", "`-inf` is no number", 7),
            ("{\"a\": \"b", "the text has no end: `\"`", 7),
            ("{\"a\": \"b\nc\"}", "the text has no end: `\"`", 7),
            ("{\"a\": \"\\x\"}", "this escape stands for no character", 8),
            ("{\"a\": \"\\ud800\"}", "this escape stands for no character", 8),
            ("{\"a\": \"\\u12\"}", "this escape stands for no character", 8),
            ("{\"a\":", "the text ends where a value is expected", 6),
        ];
        for (text, message, column) in cases {
            assert_eq!(refused(text), (message.to_owned(), 1, column), "{text}");
        }
        assert_eq!(refused("{\n\"é\": [1,\n  ?]}"), ("expected a value".to_owned(), 3, 3));
        let deep = format!("{{\"a\": {}", "[".repeat(100_000));
        assert_eq!(refused(&deep).0, "objects and lists are nested more than 64 deep");
    }
}
