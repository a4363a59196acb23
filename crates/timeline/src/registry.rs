//! The forms of timelines by the extension of a file, one row each.

use std::io::{self, Write};
use std::path::Path;

use rtmm_sim::System;
use thiserror::Error;

use crate::form::TimelineForm;
use crate::forms;

/// A form of timelines.
#[derive(Clone, Copy, Debug)]
pub struct FormRow {
    /// Extension of its files, without the dot.
    pub extension: &'static str,
    /// The form in a few words.
    pub summary: &'static str,
    open: Open,
    /// None where a file of this form is about one run.
    open_beside: Option<OpenBeside>,
}

type OpenBeside = for<'s> fn(&'s System, &str, Box<dyn Write + 's>) -> io::Result<Box<dyn TimelineForm + 's>>;

type Open = for<'s> fn(&'s System, Box<dyn Write + 's>) -> io::Result<Box<dyn TimelineForm + 's>>;

/// Every form.
static FORMS: [FormRow; 3] = [
    FormRow {
        extension: "pftrace",
        summary: "a Perfetto trace (ui.perfetto.dev)",
        open: |system, output| Ok(Box::new(forms::PerfettoTrace::new(system, output)?)),
        open_beside: Some(|system, label, output| {
            Ok(Box::new(forms::PerfettoTrace::beside(system, label, output)?))
        }),
    },
    FormRow {
        extension: "json",
        summary: "a Chrome trace",
        open: |system, output| Ok(Box::new(forms::ChromeTrace::new(system, output)?)),
        open_beside: None,
    },
    FormRow {
        extension: "svg",
        summary: "a Gantt chart",
        open: |system, output| Ok(Box::new(forms::Gantt::new(system, output))),
        open_beside: None,
    },
];

impl FormRow {
    /// The forms of this project.
    #[must_use]
    pub fn built_in() -> &'static [Self] {
        &FORMS
    }

    /// Begins a timeline of runs of a system in this form. What is written to `output` comes in large pieces.
    ///
    /// # Errors
    /// [`io::Error`] where the output cannot be written.
    pub fn open<'s>(
        &self,
        system: &'s System,
        output: Box<dyn Write + 's>,
    ) -> io::Result<Box<dyn TimelineForm + 's>> {
        (self.open)(system, output)
    }

    /// True if a file of this form may show another run beside the one that it is of.
    #[must_use]
    pub fn takes_another_run(&self) -> bool {
        self.open_beside.is_some()
    }

    /// Begins the part of a file that is about another run of a system, which is written before the timeline of the run. Names of
    /// its tracks end with the label.
    ///
    /// # Errors
    /// [`io::Error`] where the output cannot be written, or the form [has no room](FormRow::takes_another_run) for another run.
    pub fn open_beside<'s>(
        &self,
        system: &'s System,
        label: &str,
        output: Box<dyn Write + 's>,
    ) -> io::Result<Box<dyn TimelineForm + 's>> {
        let open = self.open_beside.ok_or(io::ErrorKind::Unsupported)?;
        open(system, label, output)
    }
}

/// A path whose extension is that of no form.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{path}: the extension of a timeline says its form, and this is none of them")]
pub struct UnknownForm {
    path: String,
}

impl UnknownForm {
    /// The way out: the forms.
    #[must_use]
    pub fn help(&self) -> String {
        let forms: Vec<String> =
            FORMS.iter().map(|form| format!("`.{}` for {}", form.extension, form.summary)).collect();
        format!("end the name in {}", forms.join(", or "))
    }
}

/// The form that the extension of a path names.
///
/// # Errors
/// [`UnknownForm`] where it names none.
pub fn form_of(path: &Path) -> Result<&'static FormRow, UnknownForm> {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let found = FORMS.iter().find(|form| form.extension.eq_ignore_ascii_case(extension));
    found.ok_or_else(|| UnknownForm { path: path.display().to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_name_forms_and_unknown_ones_are_told_all_of_them() {
        assert_eq!(form_of("a.b/run.PFTRACE".as_ref()).map(|form| form.extension), Ok("pftrace"));
        for path in ["run", "run.pdf", "svg", ".json", ""] {
            let error = form_of(path.as_ref()).expect_err("no form");
            assert!(FORMS.iter().all(|form| error.help().contains(form.extension)), "{}", error.help());
        }
    }
}
