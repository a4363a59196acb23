//! Lists of values in sweep files.

use rtmm_workload::input::{At, Value};

/// The items of a list, each with its place; an empty list and repeated items are problems.
pub(crate) fn items<T: PartialEq>(
    value: &Value<'_>,
    key: &str,
    read: impl Fn(&Value<'_>) -> Option<T>,
) -> Option<Vec<At<T>>> {
    let items = value.items()?;
    if items.is_empty() {
        return value.reject(format!("the axis `{key}` is empty"), "list at least one value");
    }
    let mut found: Vec<At<T>> = Vec::with_capacity(items.len());
    let mut complete = true;
    for item in &items {
        let Some(new) = item.at(&read) else {
            complete = false;
            continue;
        };
        if let Some(first) = found.iter().find(|first| first.value == new.value) {
            let source = value.document().source();
            value.document().report(
                item.problem(format!("the axis `{key}` has this value twice"))
                    .see(source, first.range.clone(), "first here")
                    .help("remove one of them"),
            );
        }
        found.push(new);
    }
    complete.then_some(found)
}
