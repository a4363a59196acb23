//! Layer tables as other programs write them: spellings of headers, commas at the ends of rows, and columns that would
//! change what a layer is.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use rtmm_workload::input::Source;
use rtmm_workload::{Kernel, Layer, Legality, Nest, read_layer_table};

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

/// Products as a systolic array sees them: M outputs of a channel, N channels that go out, K taps.
fn products(text: &str) -> Vec<[u64; 3]> {
    let layers = read(text).unwrap_or_else(|problems| panic!("{text:?}: {problems}"));
    let of = |layer: &Layer| {
        let nest = nest(layer);
        let taps = u64::from(nest.input_channels) * u64::from(nest.filter[0]) * u64::from(nest.filter[1]);
        [u64::from(nest.output[0]) * u64::from(nest.output[1]), nest.output_channels.into(), taps]
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
        ("stride,batch size", "4,16", "`16` in column `batch` is out of range"),
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
fn another_separator_is_named() {
    for (separator, shown) in [(';', "';'"), ('\t', "'\\t'")] {
        let text = format!("K{separator}C{separator}R{separator}S{separator}Y{separator}X\n");
        let problems = read(&text).unwrap_err();
        assert!(problems.contains(&format!("separated by {shown}")), "{problems}");
    }
}
