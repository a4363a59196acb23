//! Supernets: files that name other models, one of which runs at a time.

use crate::input::{Diagnostics, Document, Table, Value, suggestion};
use crate::model::Model;
use crate::model_file::structure::name_of;

/// A supernet's reference to a model: found by the loader of files.
pub(crate) type OpenVariant<'o> = dyn Fn(&str) -> Result<Model, Diagnostics> + 'o;

/// The keys of a supernet.
const KEYS: [&str; 5] = ["name", "source", "description", "default", "variant"];
/// Keys that describe layers, which a supernet has none of.
const OF_LAYERS: [&str; 12] = [
    "layer",
    "layer_table",
    "layers_of",
    "measured_layers",
    "input",
    "shapes",
    "block",
    "exit",
    "accuracy",
    "sparsity",
    "samples",
    "parameters",
];

/// Keys that give a model its layers.
const LAYERS: [&str; 5] = ["layer", "layer_table", "layers_of", "measured_layers", "samples"];

/// True if a file describes a supernet.
pub(super) fn is_supernet(root: &Table<'_>) -> bool {
    root.has("variant") || (root.has("default") && !LAYERS.iter().any(|key| root.has(key)))
}

/// One variant of a supernet.
struct Variant {
    name: String,
    /// None where it has problems of its own.
    model: Option<Model>,
}

/// Decodes a supernet into its default variant, with the others as its variants; records every
/// problem. `open` is absent where the file is itself a variant of another.
pub(super) fn decode_supernet(
    name: &str,
    document: &Document<'_>,
    open: Option<&OpenVariant<'_>>,
) -> Option<Model> {
    let root = document.root().named("this supernet");
    for key in OF_LAYERS {
        if let Some(value) = root.get(key) {
            value.reject::<()>(
                format!("a supernet has no layers of its own, and so no `{key}`"),
                "state it in the models of its variants",
            );
        }
    }
    root.only(&[KEYS.as_slice(), OF_LAYERS.as_slice()].concat());
    let _source = root.required("source", Value::string);
    let _description = root.optional("description", Value::string);
    let Some(open) = open else {
        // Not looked into any further, so that files that name each other in a circle end here.
        let message = "a variant of a supernet is a supernet itself";
        let problem = root.get("variant").or(root.get("default")).map(|value| value.problem(message));
        root.report(
            problem
                .unwrap_or_else(|| root.problem(message))
                .help("name its networks as variants of the outer one"),
        );
        return None;
    };
    let tables = root.tables("variant", "a variant");
    if tables.len() < 2 {
        let problem = match root.get("variant") {
            Some(value) => value.problem("a supernet has at least two variants"),
            None => root.problem("the supernet has no variants"),
        };
        root.report(problem.help("add [[variant]] tables, each with a `name` and a `model`"));
    }
    let mut variants: Vec<Variant> = Vec::new();
    for table in &tables {
        table.only(&["name", "model", "accuracy"]);
        let of_variant =
            name_of(table, "variant", |name| variants.iter().any(|variant| variant.name == name));
        let of_file = table.required("model", |value| open_model(value, open));
        let accuracy = table.optional("accuracy", Value::probability);
        let Some(of_variant) = of_variant else { continue };
        let of_file = of_file.filter(|model| {
            let value = table.get("model").filter(|_| model.layer_variants.is_some());
            let problem =
                value.map(|value| value.problem("a variant of a supernet has layer variants of its own"));
            let is_plain = problem.is_none();
            problem.into_iter().for_each(|problem| {
                table.report(problem.help("name a model without them; a task runs it by itself"));
            });
            is_plain
        });
        let model = of_file.map(|model| Model {
            name: format!("{name}/{of_variant}"),
            accuracy: accuracy.or(model.accuracy),
            variant: Some(of_variant.clone()),
            ..model
        });
        variants.push(Variant { name: of_variant, model });
    }
    let default = root.required("default", |value| {
        let wanted = value.string()?;
        variants.iter().position(|variant| variant.name == wanted).or_else(|| {
            let names: Vec<&str> = variants.iter().map(|variant| variant.name.as_str()).collect();
            value.reject(format!("there is no variant `{wanted}`"), suggestion(wanted, "variant", &names))
        })
    })?;
    let default = variants.remove(default).model?;
    let variants = variants.into_iter().map(|variant| variant.model).collect::<Option<Vec<Model>>>()?;
    Some(Model { variants, ..default })
}

/// Reads the model that a value names; its problems are recorded.
pub(super) fn open_model(value: &Value<'_>, open: &OpenVariant<'_>) -> Option<Model> {
    match open(value.string()?) {
        Ok(model) => Some(model),
        Err(problems) => super::located(value, &problems),
    }
}
