//! The built-in XRBench models against the numbers of `docs/models/xrbench-tables.md`, which this
//! test reads, and through them against what the authors of the networks publish.
#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::collections::BTreeMap;

use rtmm_testkit::pages::{assert_near, number, table};
use rtmm_workload::load::{Kind, built_in_names};
use rtmm_workload::{Convolution, Layer, Legality, Model, Operator, PublishedShape, Shapes, load};

const PAGE: &str = include_str!("../../../docs/models/xrbench-tables.md");

/// Every built-in XRBench model by its short name.
fn models() -> BTreeMap<String, Model> {
    built_in_names(Kind::Model)
        .into_iter()
        .filter_map(|name| {
            let short = name.strip_prefix("xrbench/")?.to_owned();
            let model = load::model(&name, None, Legality::Strict);
            Some((short, model.unwrap_or_else(|problems| panic!("{problems}"))))
        })
        .collect()
}

fn published(layer: &Layer) -> PublishedShape {
    layer.published.expect("a row of a published table")
}

fn convolution(layer: &Layer) -> Convolution {
    match layer.operator {
        Operator::Convolution(convolution) => convolution,
        _ => panic!("every row of the tables is a convolution"),
    }
}

fn filter_fits(shape: &PublishedShape) -> bool {
    shape.y >= shape.r && shape.x >= shape.s
}

/// Multiply-accumulates of a row without stride, padding and groups.
fn published_macs(layer: &Layer) -> u64 {
    let shape = published(layer);
    if !filter_fits(&shape) {
        return 0;
    }
    [shape.k, shape.c, shape.r, shape.s, shape.y - shape.r + 1, shape.x - shape.s + 1]
        .into_iter()
        .map(u64::from)
        .product()
}

/// The numbers of a row of the page's first table.
fn counts(model: &Model) -> Vec<u64> {
    let count =
        |matches: &dyn Fn(&Layer) -> bool| model.layers.iter().filter(|layer| matches(layer)).count() as u64;
    vec![
        model.layers.len() as u64,
        model.layers.iter().map(published_macs).sum(),
        model.macs(),
        model.parameters(),
        count(&|layer| !filter_fits(&published(layer))),
        count(&|layer| convolution(layer).groups > 1),
        count(&|layer| !convolution(layer).transposed && convolution(layer).stride != [1, 1]),
        count(&|layer| convolution(layer).transposed),
    ]
}

#[test]
fn counts_are_those_of_the_page() {
    let models = models();
    let rows = table(PAGE, &["model", "layers"]);
    assert_eq!((models.len(), rows.len()), (12, 13));
    let mut sums = vec![0; 8];
    for row in &rows {
        let stated: Vec<u64> = row[1..].iter().map(|cell| number(cell)).collect();
        let actual = if row[0] == "all" {
            sums.clone()
        } else {
            counts(models.get(&row[0]).unwrap_or_else(|| panic!("a model `{}`", row[0])))
        };
        assert_eq!(stated, actual, "{}", row[0]);
        for (sum, count) in sums.iter_mut().zip(&actual) {
            *sum += count;
        }
    }
}

#[test]
fn fully_connected_rows_that_repeat_their_inner_extent_are_those_of_the_page() {
    let mut stated = table(PAGE, &["model", "row"]);
    let mut actual = Vec::new();
    for (name, model) in models() {
        for (index, layer) in model.layers.iter().enumerate() {
            let shape = published(layer);
            if shape.y == shape.c && (shape.r, shape.s, shape.x) == (1, 1, 1) {
                let macs = published_macs(layer);
                let one = layer.macs().expect("a legal layer");
                assert_eq!(one, macs / u64::from(shape.y), "annotated with the one row of the source");
                actual.push(
                    [name.clone(), index.to_string(), layer.name.clone(), macs.to_string(), one.to_string()]
                        .to_vec(),
                );
            }
        }
    }
    stated.iter_mut().flatten().for_each(|cell| *cell = cell.replace(',', ""));
    stated.sort();
    actual.sort();
    assert_eq!(stated, actual);
}

#[test]
fn the_published_classifier_row_of_hrvit_outweighs_the_rest() {
    let models = models();
    let model = &models["ss_hrvit_b1"];
    let (classifier, rest) = model.layers.split_last().expect("layers");
    let rest: u64 = rest.iter().map(|layer| layer.macs().expect("a legal layer")).sum();
    assert!(published_macs(classifier) > rest);
    assert!(classifier.macs().expect("a legal layer") < rest / 1_000);
}

#[test]
fn tables_are_kernels_that_do_not_chain() {
    for (name, model) in models() {
        assert_eq!(model.shapes, Shapes::Independent, "{name}");
        let breaks = model
            .layers
            .windows(2)
            .any(|pair| pair[0].output().expect("a legal layer") != convolution(&pair[1]).input);
        assert!(breaks, "{name} could say that its shapes chain");
    }
}

#[test]
fn the_two_d2go_tables_are_the_same_layers() {
    let models = models();
    assert_eq!(models["od_d2go_fasterrcnn"].layers, models["d2go_fastrcnn"].layers);
}

#[test]
fn annotated_counts_are_near_those_that_the_authors_publish() {
    let models = models();
    let rows = table(PAGE, &["model", "quantity"]);
    assert_eq!(rows.len(), 6);
    for row in rows {
        let model = &models[&row[0]];
        let here = match row[1].as_str() {
            "parameters" => model.parameters(),
            "MACs at 224 x 224" => macs_of_chain(model, 224),
            "MACs" => model.macs(),
            other => panic!("this test knows no quantity `{other}`"),
        };
        assert_eq!(number(&row[3]), here, "{} {}", row[0], row[1]);
        assert_near(here, number(&row[2]), &row[4], &format!("{} {}", row[0], row[1]));
    }
}

/// Multiply-accumulates of a model without branches for a square input: every layer takes the plane
/// that the layer before it gives, and layers on a single pixel stay there.
fn macs_of_chain(model: &Model, extent: u32) -> u64 {
    let mut plane = [extent, extent];
    let mut macs = 0;
    for layer in &model.layers {
        let mut convolution = convolution(layer);
        let shape = published(layer);
        if (shape.y, shape.x) == (1, 1) {
            plane = [1, 1];
        }
        [convolution.input.height, convolution.input.width] = plane;
        let layer = Layer { operator: Operator::Convolution(convolution), ..layer.clone() };
        macs += layer.macs().expect("a legal layer");
        let output = layer.output().expect("a legal layer");
        plane = [output.height, output.width];
    }
    macs
}
