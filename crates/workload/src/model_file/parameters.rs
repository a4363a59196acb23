//! Parameters of models: whole numbers that a model file names instead of stating them, such as the
//! length of a sequence, and that a user of the model may set.

use std::cell::Cell;
use std::ops::{Range, RangeInclusive};

use crate::input::{At, Diagnostic, Source, Table, Value, suggestion};
use crate::shape_error::MAX_DIMENSION;
use crate::window::Padding;

/// The value that a user of a model sets one of its parameters to.
#[derive(Clone, Debug)]
pub struct ParameterSetting {
    name: String,
    value: i64,
    place: Option<Place>,
}

/// Where a file sets a parameter.
#[derive(Clone, Debug)]
struct Place {
    source: Source,
    name: Range<usize>,
    value: Range<usize>,
}

impl ParameterSetting {
    /// A setting that no file states.
    pub fn new(name: impl Into<String>, value: i64) -> Self {
        Self { name: name.into(), value, place: None }
    }

    /// The settings that a table such as `{ sequence_length = 40 }` states, in alphabetical order.
    pub(crate) fn of_table(value: &Value<'_>) -> Option<Vec<Self>> {
        let table = value.table()?;
        let setting = |At { value: name, range }: At<&str>| {
            let stated = table.get(name)?;
            let place =
                Place { source: value.document().source().clone(), name: range, value: stated.range() };
            let value = stated.integer(i64::MIN..=i64::MAX)?;
            Some(Self { name: name.to_owned(), value, place: Some(place) })
        };
        let settings: Vec<Option<Self>> = table.keys().map(setting).collect();
        settings.into_iter().collect()
    }

    /// True if both set one parameter to one value, wherever they stand.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        (&self.name, self.value) == (&other.name, other.value)
    }

    fn problem(&self, message: String, range: impl Fn(&Place) -> &Range<usize>) -> Diagnostic {
        match &self.place {
            Some(place) => Diagnostic::new(message, &place.source, range(place).clone()),
            None => Diagnostic::without_place(message),
        }
    }
}

/// The parameters that a model file states, with their values.
#[derive(Default)]
pub(super) struct ModelParameters {
    known: Vec<Stated>,
}

/// A parameter that the file states.
struct Stated {
    name: String,
    /// The bytes of its name where it is stated.
    range: Range<usize>,
    /// None where the file states it badly, which was recorded.
    limits: Option<Limits>,
    set: Option<u32>,
    is_used: Cell<bool>,
}

/// The values that a parameter may have.
#[derive(Clone, Copy)]
struct Limits {
    default: u32,
    minimum: u32,
    maximum: u32,
}

impl ModelParameters {
    /// Decodes `[parameters]` and gives every parameter the value that one of `settings` says, or its
    /// default; records every problem. `model` is how messages speak of the model.
    pub(super) fn decode(root: &Table<'_>, model: &str, settings: &[ParameterSetting]) -> Self {
        let table = root.optional("parameters", Value::table);
        let mut known: Vec<Stated> = Vec::new();
        for (At { value: name, range }, table) in
            table.iter().flat_map(|table| table.keys().map(move |key| (key, table)))
        {
            if !is_name(name) {
                root.report(
                    root.problem_at(&range, format!("a parameter cannot be called `{name}`"))
                        .help("use letters, digits and `_`, and begin with a letter"),
                );
            }
            let limits = table.get(name).and_then(|value| limits_of(&value, name));
            let (set, is_used) = (None, Cell::new(false));
            known.push(Stated { name: name.to_owned(), range, limits, set, is_used });
        }
        let mut parameters = Self { known };
        for (index, setting) in settings.iter().enumerate() {
            if settings[..index].iter().any(|before| before.name == setting.name) {
                let message = format!("parameter `{}` of model `{model}` is set twice", setting.name);
                root.report(setting.problem(message, |place| &place.name).help("keep one of the two"));
            } else {
                parameters.set(root, model, setting);
            }
        }
        parameters
    }

    fn set(&mut self, root: &Table<'_>, model: &str, setting: &ParameterSetting) {
        let ParameterSetting { name, value, .. } = setting;
        if self.known.is_empty() {
            let message = format!("model `{model}` has no parameters");
            let help = format!("remove `{name}`, or name a model with `[parameters]`");
            root.report(setting.problem(message, |place| &place.name).help(help));
            return;
        }
        let Some(index) = self.known.iter().position(|known| known.name == *name) else {
            let message = format!("model `{model}` has no parameter `{name}`");
            let help = suggestion(name, "parameter", &self.names());
            root.report(setting.problem(message, |place| &place.name).help(help));
            return;
        };
        let parameter = &mut self.known[index];
        let Some(Limits { minimum, maximum, .. }) = parameter.limits else { return };
        parameter.set = u32::try_from(*value).ok().filter(|value| (minimum..=maximum).contains(value));
        if parameter.set.is_none() {
            let message = format!("parameter `{name}` of model `{model}` cannot be {value}");
            root.report(
                setting
                    .problem(message, |place| &place.value)
                    .see(root.document().source(), parameter.range.clone(), "stated here")
                    .help(format!("allowed: {minimum} to {maximum}")),
            );
        }
    }

    fn names(&self) -> Vec<&str> {
        self.known.iter().map(|parameter| parameter.name.as_str()).collect()
    }

    /// The parameter that a value names, if it does.
    fn named(&self, value: &Value<'_>) -> Option<&Stated> {
        let text = value.is_string().then(|| value.string()).flatten()?;
        self.known.iter().find(|parameter| parameter.name == text)
    }

    /// True if a value names one of the parameters.
    pub(super) fn has(&self, value: &Value<'_>) -> bool {
        self.named(value).is_some()
    }

    /// A whole number within `allowed`, stated or that of a parameter.
    pub(super) fn integer(&self, value: &Value<'_>, allowed: RangeInclusive<u32>) -> Option<u32> {
        if let Some(parameter) = self.named(value) {
            parameter.is_used.set(true);
            let limits = parameter.limits?;
            let number = parameter.set.unwrap_or(limits.default);
            if !allowed.contains(&number) {
                return value.reject(
                    format!("parameter `{}` is {number}, which is out of range here", parameter.name),
                    format!("allowed: {} to {}", allowed.start(), allowed.end()),
                );
            }
            return Some(number);
        }
        if !value.is_string() {
            return value.integer(allowed);
        }
        let text = value.string()?;
        if !is_name(text) {
            return value.integer(allowed);
        }
        let help = if self.known.is_empty() {
            format!("add `[parameters.{text}]` with a `default`, or write a whole number")
        } else {
            suggestion(text, "parameter", &self.names())
        };
        value.reject(format!("there is no parameter `{text}`"), help)
    }

    /// Two numbers, vertical then horizontal, as [`Value::pair`]; each may be that of a parameter.
    pub(super) fn pair(&self, value: &Value<'_>, allowed: RangeInclusive<u32>) -> Option<[u32; 2]> {
        if value.is_string() {
            return self.integer(value, allowed).map(|both| [both, both]);
        }
        let items = value.is_array().then(|| value.items()).flatten();
        match items.as_deref() {
            Some([vertical, horizontal]) => {
                Some([self.integer(vertical, allowed.clone())?, self.integer(horizontal, allowed)?])
            }
            _ => value.pair(allowed),
        }
    }

    /// Padding: as [`Self::pair`] where both sides of an axis are alike, else a pair of axes of which each is one number, or
    /// what is before the input and what is behind it.
    pub(super) fn padding(&self, value: &Value<'_>) -> Option<Padding> {
        let allowed = 0..=MAX_DIMENSION;
        let items = if value.is_array() { value.items()? } else { Vec::new() };
        let reject = |value: &Value<'_>| {
            value.reject(
                "padding is a number, or one for each axis, or both sides of each axis",
                "write `1`, `[1, 2]` for vertical and horizontal, or `[[0, 1], [0, 1]]`: top and bottom, left and right",
            )
        };
        match items.as_slice() {
            [] if !value.is_array() => self.pair(value, allowed).map(Padding::same),
            [vertical, horizontal] => {
                let mut sides = [[0; 2]; 2];
                for (axis, of_axis) in [vertical, horizontal].into_iter().enumerate() {
                    if of_axis.is_array() && of_axis.items().is_some_and(|items| items.len() != 2) {
                        return reject(of_axis);
                    }
                    sides[axis] = self.pair(of_axis, allowed.clone())?;
                }
                let [[top, bottom], [left, right]] = sides;
                Some(Padding { before: [top, left], after: [bottom, right] })
            }
            _ => reject(value),
        }
    }

    /// Records every parameter that nothing names.
    pub(super) fn report_unused(&self, root: &Table<'_>) {
        // A layer that could not be read may be the one that names it.
        if root.document().has_problems() {
            return;
        }
        for Stated { name, range, .. } in self.known.iter().filter(|known| !known.is_used.get()) {
            root.report(root.problem_at(range, format!("nothing names parameter `{name}`")).help(format!(
                "write `\"{name}\"` in the place of a number of `input` or of a layer, or remove it"
            )));
        }
    }

    /// End of the model's name, such as `(sequence_length=40)`; empty where all parameters have
    /// their defaults.
    pub(super) fn suffix(&self) -> String {
        let of_parameter = |parameter: &Stated| {
            let default = parameter.limits?.default;
            let set = parameter.set.filter(|set| *set != default)?;
            Some(format!("{}={set}", parameter.name))
        };
        let stated: Vec<String> = self.known.iter().filter_map(of_parameter).collect();
        if stated.is_empty() { String::new() } else { format!("({})", stated.join(",")) }
    }
}

/// True if a text can be the name of a parameter: no number is.
fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(|part| part.is_ascii_alphanumeric() || part == '_')
}

fn limits_of(value: &Value<'_>, name: &str) -> Option<Limits> {
    let table = value.table()?.named(format!("parameter `{name}`"));
    table.only(&["default", "minimum", "maximum", "meaning"]);
    let number = |value: &Value<'_>| value.integer(0..=MAX_DIMENSION);
    let _meaning = table.optional("meaning", Value::string);
    let default = table.required("default", |value| value.at(number));
    let minimum = table.or("minimum", 1, number);
    let maximum = table.or("maximum", MAX_DIMENSION, number);
    let At { value: default, range } = default?;
    if !(minimum..=maximum).contains(&default) {
        table.report(
            table
                .problem_at(&range, format!("the default of parameter `{name}` is out of its own range"))
                .help(format!("the file allows {minimum} to {maximum}")),
        );
        return None;
    }
    Some(Limits { default, minimum, maximum })
}
