//! Places of what was refused after a file was read, by the names that messages have: tasks, accelerators, keys.

use rtmm_hardware::load as hardware;
use rtmm_workload::input::{Diagnostic, Document, Source, Table, Value};
use rtmm_workload::load::{Kind, open};

/// The files of a scenario and a platform, read once more to say where in them a problem is; none where there is no file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources {
    pub scenario: Option<Source>,
    pub platform: Option<Source>,
}

impl Sources {
    /// The files of these references, as `from` or the command line names them.
    pub(crate) fn of(scenario: Option<&str>, platform: Option<&str>, from: Option<&Source>) -> Self {
        Self {
            scenario: scenario.and_then(|name| open(Kind::Scenario, name, from).ok()),
            platform: platform.and_then(|name| hardware::open_platform(name, from).ok()),
        }
    }
}

/// The subject of a problem, in the file that it is in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spot<'s> {
    /// The list of tables and the name of one of them; none for a key of the file itself.
    pub table: Option<(&'s str, &'s str)>,
    /// Keys, of which the first that is there has the place.
    pub keys: &'s [&'s str],
    /// The item of the list that the key is, where it is one.
    pub item: Option<&'s str>,
}

impl<'s> Spot<'s> {
    /// A key of a task.
    pub(super) const fn task(name: &'s str, keys: &'s [&'s str]) -> Self {
        Self { table: Some(("task", name)), keys, item: None }
    }

    /// A problem at this place of a file; with the file alone, or with no place at all, where it is not there.
    pub(super) fn problem(&self, source: Option<&Source>, message: String) -> Diagnostic {
        let Some(source) = source else { return Diagnostic::without_place(message) };
        let document = Document::parse(source);
        let root = document.root();
        let Some((list, name)) = self.table else {
            return self.in_table(&root, &message).unwrap_or_else(|| Diagnostic::without_place(message));
        };
        let is_named = |table: &Table<'_>| {
            let value = table.get("name").filter(Value::is_string);
            value.is_some_and(|value| value.string() == Some(name))
        };
        let tables =
            root.get(list).filter(|value| !value.is_empty_array()).map(|_| root.tables(list, "a table"));
        let found = tables.and_then(|tables| tables.into_iter().find(is_named));
        // Defaults of all accelerators stand in the file itself.
        let keyed = found.as_ref().and_then(|table| self.in_table(table, &message));
        keyed.or_else(|| self.in_table(&root, &message)).unwrap_or_else(|| match &found {
            Some(table) => table.problem(message.as_str()),
            None => Diagnostic::without_place(message.as_str()),
        })
    }

    fn in_table(&self, table: &Table<'_>, message: &str) -> Option<Diagnostic> {
        let value = self.keys.iter().find_map(|key| table.get(key))?;
        let item = self.item.filter(|_| value.is_array()).and_then(|item| {
            let items = value.items()?;
            items.into_iter().find(|one| one.is_string() && one.string() == Some(item))
        });
        Some(item.map_or_else(|| value.problem(message), |item| item.problem(message)))
    }
}
