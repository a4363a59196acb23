//! Layer tables as other programs write them: spellings of headers, commas at the ends of rows, and columns that would
//! change what a layer is.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use rtmm_workload::input::Source;
use rtmm_workload::{Kernel, Layer, Legality, Nest, load, read_layer_table};

fn read(text: &str) -> Result<Vec<Layer>, String> {
    let mut layers = Vec::new();
    let source = Source::new("table.csv", text);
    let problems = read_layer_table(&source, Legality::Strict, |row| layers.push(row.layer));
    if problems.is_empty() { Ok(layers) } else { Err(problems.to_string()) }
}

fn nest(layer: &Layer) -> Nest {
    let kernels = layer.kernels().unwrap();
    let Kernel::Nest(nest) = kernels[0].kernel else { panic!("{layer:?} is a nest") };
    nest
}

/// Products as a systolic array sees them: M outputs of a channel of all inputs, N channels that go out, K taps.
fn products(text: &str) -> Vec<[u64; 3]> {
    let layers = read(text).unwrap_or_else(|problems| panic!("{text:?}: {problems}"));
    let of = |layer: &Layer| {
        let nest = nest(layer);
        let taps = u64::from(nest.input_channels) * u64::from(nest.filter[0]) * u64::from(nest.filter[1]);
        let outputs = u64::from(nest.batch) * u64::from(nest.output[0]) * u64::from(nest.output[1]);
        [outputs, nest.output_channels.into(), taps]
    };
    layers.iter().map(of).collect()
}

#[test]
fn every_known_spelling_of_a_topology_is_read() {
    // The first layer of AlexNet: 55 x 55 outputs, the last window hanging over the edge by one.
    let expected = [[3025, 96, 363]];
    let row = "Conv1, 224, 224, 11, 11, 3, 96, 4";
    for header in [
        "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides",
        "Layer, IFMAP Width, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides",
        "Layer name,Ifmap height,ifmap width,filter height,filter width,channels,num filters,strides",
        "Layer name,Ifmap height,ifmap width,filter height,filter width,channel,num filters,strides",
        "layer_name,ifmap_h,ifmap_w,filter_h,filter_w,channels,num_filters,stride",
        "layer_name,ifmap_h,ifmap_w,filter_h,filter_w,channels,num_filters,Strides",
    ] {
        for text in [
            format!("{header}\n{row}\n"),
            format!("{header},\n{row},\n"),
            format!("{header},\n{row}\n"),
            format!("{header}\n{row}, \n"),
            format!("\u{feff}{header},\r\n{row},\r\n,,,,,,,,\r\n, , ,\r\n"),
        ] {
            assert_eq!(products(&text), expected, "{text}");
        }
    }
}

#[test]
fn products_are_read() {
    for header in ["Layer,M,N,K,", "Layer Name, M, N, K", "L,M,N,K,"] {
        assert_eq!(products(&format!("{header}\nqkv,128,768,256,\n")), [[128, 768, 256]]);
    }
}

#[test]
fn columns_that_change_a_layer_are_used_or_refused() {
    let header = "layer_name,ifmap_h,ifmap_w,filter_h,filter_w,channels,num_filters";
    let conv1 = "Conv1,224,224,11,11,3,96";
    let of = |more: &str, cells: &str| read(&format!("{header},{more}\n{conv1},{cells}\n"));
    for (more, cells) in
        [("strides", "4"), ("stride_h,stride_w", "4,4"), ("Stride", "4"), ("batch size", "1")]
    {
        let expected: u64 = if more == "batch size" { 214 * 214 } else { 3025 };
        assert_eq!(products(&format!("{header},{more}\n{conv1},{cells}\n")), [[expected, 96, 363]], "{more}");
    }
    // 64 groups of one channel with a frame of zeros.
    let text = format!("{header},stride,groups,pad\nConv1,56,56,3,3,64,64,1,64,1\n");
    let grouped = nest(&read(&text).unwrap()[0]);
    assert_eq!((grouped.groups, grouped.output, grouped.input_channels), (64, [56, 56], 1));
    for (more, cells, expected) in [
        ("N", "16", "column `N` is not read"),
        ("stride,batch size", "4,0", "`0` in column `batch` is out of range"),
        ("stride,stride_h", "4,2", "column `stride_h` says 2 and column `stride` 4"),
        ("stride_w,stride", "2,4", "column `stride_w` says 2 and column `stride` 4"),
        ("pad,pad_h", "0,1", "column `pad_h` says 1 and column `pad` 0"),
        ("strid", "4", "did you mean `stride`?"),
        ("padding mode", "SAME", "column `padding mode` is not read"),
        ("Sparsity", "2:4", "weights of sparsity `2:4` are not modelled"),
        (",stride", "7,4", "the cell `7` stands in a column without a name"),
    ] {
        let problems = of(more, cells).unwrap_err();
        assert!(problems.contains(expected), "{more}: {problems}");
    }
    for notes in [
        "note",
        "Eh",
        "_padding mode",
        "_stride",
        "_N",
        "_sparsity",
        "device",
        "mode",
        "sram_ifmap_kb",
        "bw_filter",
    ] {
        assert_eq!(of(&format!("sparsity,{notes}"), "4:4,mine").unwrap().len(), 1);
    }
    assert_eq!(of(",stride", ",4").unwrap().len(), 1);
}

#[test]
fn batches_are_inputs_that_go_through_together() {
    let header = "layer_name,ifmap_h,ifmap_w,filter_h,filter_w,channels,num_filters,stride,Batch Size\n";
    let text = format!("{header}Conv1,224,224,11,11,3,96,4,16\nConv1,224,224,11,11,3,96,4,\n");
    assert_eq!(products(&text), [[16 * 3025, 96, 363], [3025, 96, 363]]);
    assert_eq!(products("Layer,M,N,K,batch\nqkv,128,768,256,4\n"), [[512, 768, 256]]);
    assert_eq!(products("N,K,C,R,S,Y,X\n4,96,3,11,11,224,224\n"), [[4 * 214 * 214, 96, 363]]);
    // The published tool ignores N, and has no other form.
    let published = |text: &str| {
        let mut batches = Vec::new();
        let source = Source::new("table.csv", text);
        let problems = read_layer_table(&source, Legality::Published, |row| batches.push(row.layer.batch));
        (batches, problems.to_string())
    };
    assert_eq!(published("N,K,C,R,S,Y,X\n4,96,3,11,11,224,224\n"), (vec![1], String::new()));
    let (batches, problems) = published(&text);
    assert!(batches == [1] && problems.contains("`16` in column `batch` is out of range"), "{problems}");
}

#[test]
fn a_column_for_both_axes_fills_the_cells_of_one() {
    let header =
        "layer_name,ifmap_h,ifmap_w,filter_h,filter_w,channels,num_filters,stride,stride_h,stride_w\n";
    let outputs = |cells: &str| {
        let text = format!("{header}Conv1,9,9,1,1,3,96,{cells}\n");
        nest(&read(&text).unwrap()[0]).output
    };
    assert_eq!(outputs("2,,"), [5, 5]);
    assert_eq!(outputs("2,2,2"), [5, 5]);
    assert_eq!(outputs(",4,"), [3, 9]);
    assert_eq!(outputs(",4,2"), [3, 5]);
}

#[test]
fn strides_of_the_other_form_have_any_spelling_too() {
    for (names, cells) in [("stride", "4"), ("Stride_y,Stride_x", "4,4"), ("stride_y,stride_x", "4,4")] {
        let text = format!("K,C,R,S,Y,X,{names}\n96,3,11,11,224,224,{cells}\n");
        // No window hangs over the edge in this form.
        assert_eq!(products(&text), [[54 * 54, 96, 363]], "{names}");
        assert_eq!(read(&text).unwrap()[0].kernels().unwrap()[0].kernel.macs(), 101_616_768);
    }
}

#[test]
fn a_layer_is_bounded_by_its_work_and_not_by_its_inputs() {
    let header = "layer_name,ifmap_h,ifmap_w,filter_h,filter_w,channels,num_filters,stride\n";
    assert_eq!(products(&format!("{header}a,1024,8192,1,8192,1,65536,1\n")), [[1024, 65536, 8192]]);
    assert_eq!(products("K,C,R,S,Y,X\n65536,1,1,8192,1024,8192\n"), [[1024, 65536, 8192]]);
    assert_eq!(products(&format!("{header}a,40000,40000,40000,40000,1,1,1\n")), [[1, 1, 40_000 * 40_000]]);
    let problems = read(&format!("{header}a,40000,40000,400,400,100,100,1\n")).unwrap_err();
    assert!(problems.contains("multiply-accumulates exceed"), "{problems}");
}

#[test]
fn names_have_no_control_characters() {
    let layer = "{ name = \"a\\u001b[31mb\", operator = \"convolution\", channels = 2, kernel = 1 }";
    let model = Source::new("model.toml", format!("source = \"x\"\ninput = [1, 2, 2]\nlayer = [{layer}]\n"));
    let problems = load::model_of(&model, Legality::Strict).unwrap_err().to_string();
    assert!(problems.contains("`name` has a control character"), "{problems}");
    let table = "layer_name,K,C,R,S,Y,X\na\u{7}b,1,1,1,1,1,1\n";
    let problems = read(table).unwrap_err();
    assert!(problems.contains("the cell in column `layer_name` has a control character"), "{problems}");
    let problems = read("K,C,R,S,Y,X,\u{9b}2J\n").unwrap_err();
    assert!(problems.contains("the header has a control character"), "{problems}");
    // An unknown key reaches a message, and is written out there.
    let key = Source::new("model.toml", "source = \"x\"\ninput = [1, 2, 2]\n\"a\\u001bb\" = 1\n");
    let problems = load::model_of(&key, Legality::Strict).unwrap_err().to_string();
    assert!(problems.contains("a\\u{1b}b") && !problems.contains('\u{1b}'), "{problems:?}");
}

#[test]
fn another_separator_is_named() {
    for (separator, shown) in [(';', "';'"), ('\t', "'\\t'")] {
        let text = format!("K{separator}C{separator}R{separator}S{separator}Y{separator}X\n");
        let problems = read(&text).unwrap_err();
        assert!(problems.contains(&format!("separated by {shown}")), "{problems}");
    }
}
