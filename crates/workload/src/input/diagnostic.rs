//! Problems of inputs: message, places, and one way out.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::source::Source;

/// The shortest beginning of a name that suggests the whole.
const SHORTEST_BEGINNING: usize = 3;
/// Number of problems that one rendering shows; the rest is counted.
const SHOWN_AT_MOST: usize = 40;

/// One problem of an input.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    message: String,
    labels: Vec<Label>,
    help: Option<String>,
}

#[derive(Clone, Debug)]
struct Label {
    source: Source,
    range: Range<usize>,
    text: String,
}

impl Diagnostic {
    /// A problem at `range` of `source`; `message` is a lower-case fragment.
    pub fn new(message: impl Into<String>, source: &Source, range: Range<usize>) -> Self {
        let label = Label { source: source.clone(), range: source.clamp(range), text: String::new() };
        Self { message: message.into(), labels: vec![label], help: None }
    }

    /// A problem that has no place in a text, such as a file that is not there.
    pub fn without_place(message: impl Into<String>) -> Self {
        Self { message: message.into(), labels: Vec::new(), help: None }
    }

    /// Says something beside the primary place.
    #[must_use]
    pub fn label(mut self, text: impl Into<String>) -> Self {
        if let Some(primary) = self.labels.first_mut() {
            primary.text = text.into();
        }
        self
    }

    /// Points at a further place that helps to understand.
    #[must_use]
    pub fn see(mut self, source: &Source, range: Range<usize>, text: impl Into<String>) -> Self {
        self.labels.push(Label { source: source.clone(), range: source.clamp(range), text: text.into() });
        self
    }

    /// Says one way out.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// The message alone.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Name, line and column (from 1) of the primary place.
    #[must_use]
    pub fn place(&self) -> Option<(&str, usize, usize)> {
        let label = self.labels.first()?;
        let (line, column) = label.source.line_column(label.range.start);
        Some((label.source.name(), line, column))
    }

    fn is_same(&self, other: &Self) -> bool {
        let place = |one: &Self| {
            one.labels.first().map(|label| (label.source.name().to_owned(), label.range.clone()))
        };
        self.message == other.message && place(self) == place(other)
    }

    fn render(&self, renderer: &Renderer) -> String {
        let message = visible(&self.message);
        let help = self.help.as_deref().map(visible);
        let title = Level::ERROR.primary_title(message.as_ref());
        let mut group = match self.labels.first() {
            None => Group::with_title(title),
            Some(primary) => {
                // Labels of one source share a snippet; others get their own.
                let mut snippet =
                    snippet(&primary.source).annotation(annotation(AnnotationKind::Primary, primary));
                let (same, other): (Vec<_>, Vec<_>) =
                    self.labels[1..].iter().partition(|label| label.source.name() == primary.source.name());
                for label in same {
                    snippet = snippet.annotation(annotation(AnnotationKind::Context, label));
                }
                let mut group = title.element(snippet);
                for label in other {
                    group = group.element(
                        self::snippet(&label.source).annotation(annotation(AnnotationKind::Context, label)),
                    );
                }
                group
            }
        };
        if let Some(help) = &help {
            group = group.element(Level::HELP.message(help.as_ref()));
        }
        renderer.render(&[group])
    }
}

fn snippet(source: &Source) -> Snippet<'_, annotate_snippets::Annotation<'_>> {
    Snippet::source(source.text()).path(source.name()).fold(true)
}

fn annotation(kind: AnnotationKind, label: &Label) -> annotate_snippets::Annotation<'_> {
    let annotation = kind.span(label.range.clone());
    if label.text.is_empty() { annotation } else { annotation.label(label.text.as_str()) }
}

/// All problems of an input, at least one where it is returned as an error.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// Adds a problem.
    ///
    /// The same message at the same place is one problem if it comes twice in a row.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        if !self.0.last().is_some_and(|known| known.is_same(&diagnostic)) {
            self.0.push(diagnostic);
        }
    }

    /// Adds all problems of another input.
    pub fn extend(&mut self, other: Self) {
        other.0.into_iter().for_each(|diagnostic| self.push(diagnostic));
    }

    /// True if nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The problems in the order in which they were found.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.0.iter()
    }

    /// The value, or these problems if there are any.
    ///
    /// # Errors
    /// These problems; where there is neither value nor problem, a problem that says so.
    pub fn into_result<T>(mut self, value: Option<T>) -> Result<T, Self> {
        match value {
            Some(value) if self.is_empty() => Ok(value),
            _ => {
                if self.is_empty() {
                    self.push(Diagnostic::without_place("the input could not be read"));
                }
                Err(self)
            }
        }
    }

    /// The problems as a terminal shows them.
    #[must_use]
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let mut rendered: Vec<String> =
            self.0.iter().take(SHOWN_AT_MOST).map(|diagnostic| diagnostic.render(&renderer)).collect();
        if self.0.len() > SHOWN_AT_MOST {
            rendered.push(format!("... and {} more errors", self.0.len() - SHOWN_AT_MOST));
        }
        rendered.join("\n\n")
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Self(vec![diagnostic])
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Diagnostics {}

/// True if a text has control characters other than line ends and tabs.
#[must_use]
pub fn has_controls(text: &str) -> bool {
    text.chars().any(is_hidden)
}

fn is_hidden(letter: char) -> bool {
    letter.is_control() && !matches!(letter, '\n' | '\r' | '\t')
}

/// A text whose control characters, which a terminal would obey, are written out, such as `\u{1b}`; line ends and tabs
/// stay.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    if !has_controls(text) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        if is_hidden(letter) {
            shown.extend(letter.escape_unicode());
        } else {
            shown.push(letter);
        }
    }
    Cow::Owned(shown)
}

/// A problem with a file as a whole: its place is the first line.
#[must_use]
pub fn problem_with(source: &Source, message: impl Into<String>) -> Diagnostic {
    let first_line = source.text().lines().next().map_or(0, str::len);
    Diagnostic::new(message, source, 0..first_line)
}

/// The candidate nearest to `name`, if any is near enough to be what was meant.
#[must_use]
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = name.to_lowercase();
    candidates
        .into_iter()
        .filter_map(|candidate| {
            let lower = candidate.to_lowercase();
            let shorter = wanted.chars().count().min(lower.chars().count());
            let distance = strsim::damerau_levenshtein(&wanted, &lower);
            // A beginning is nearer than any typing error; two short names are never near.
            let begins = wanted.len() >= SHORTEST_BEGINNING && lower.starts_with(&wanted);
            match begins {
                true => Some((0, distance, candidate)),
                false => {
                    (distance <= 1 + shorter / 3 && distance < shorter).then_some((1, distance, candidate))
                }
            }
        })
        .min()
        .map(|(.., candidate)| candidate)
}

/// Help for an unknown name: the nearest known one, else the list where it is short.
#[must_use]
pub fn suggestion(name: &str, kind: &str, candidates: &[&str]) -> String {
    match nearest(name, candidates.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if candidates.is_empty() => format!("there is no {kind} to choose from"),
        None if candidates.len() <= 24 => {
            let mut known: Vec<&str> = Vec::new();
            candidates.iter().filter(|name| !name.is_empty()).for_each(|name| {
                if !known.contains(name) {
                    known.push(name);
                }
            });
            format!("known: {}", known.join(", "))
        }
        None => format!("there are {} of them, such as `{}`", candidates.len(), candidates[0]),
    }
}
