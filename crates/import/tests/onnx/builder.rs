//! Models by hand, in the messages of the format.

use std::io::Cursor;

use prost::Message;
use rtmm_import::onnx::proto::{
    AttributeProto, Dimension, DimensionProto, FunctionProto, GraphProto, ModelProto, NodeProto,
    OperatorSetIdProto, TensorProto, TensorShapeProto, TensorTypeProto, TypeProto, ValueInfoProto,
};
use rtmm_import::onnx::{Options, read};
use rtmm_import::{ImportError, ImportedModel};

pub const FLOAT: i32 = 1;
pub const UINT8: i32 = 2;
pub const INT8: i32 = 3;
pub const INT64: i32 = 7;
pub const BOOL: i32 = 9;
pub const FLOAT16: i32 = 10;

/// An attribute of a node.
pub fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto { name: name.to_owned(), i: value, ..AttributeProto::default() }
}

pub fn ints(name: &str, values: &[i64]) -> AttributeProto {
    AttributeProto { name: name.to_owned(), ints: values.to_vec(), ..AttributeProto::default() }
}

pub fn text(name: &str, value: &str) -> AttributeProto {
    AttributeProto { name: name.to_owned(), s: value.as_bytes().to_vec(), ..AttributeProto::default() }
}

pub fn graph_attribute(name: &str, graph: Graph) -> AttributeProto {
    AttributeProto { name: name.to_owned(), g: Some(graph.0), ..AttributeProto::default() }
}

/// An attribute of a function's body that stands for one of the call.
pub fn reference(name: &str, of_call: &str) -> AttributeProto {
    AttributeProto { name: name.to_owned(), ref_attr_name: of_call.to_owned(), ..AttributeProto::default() }
}

pub fn node(operator: &str, inputs: &[&str], outputs: &[&str], attributes: &[AttributeProto]) -> NodeProto {
    let (domain, operator) = operator.split_once(':').unwrap_or(("", operator));
    NodeProto {
        input: inputs.iter().map(|name| (*name).to_owned()).collect(),
        output: outputs.iter().map(|name| (*name).to_owned()).collect(),
        op_type: operator.to_owned(),
        domain: domain.to_owned(),
        attribute: attributes.to_vec(),
        ..NodeProto::default()
    }
}

/// A tensor with extents, each a number, or a name.
pub fn info(name: &str, element: i32, dims: &[&str]) -> ValueInfoProto {
    let dim = |text: &&str| DimensionProto {
        value: match text.parse() {
            _ if text.is_empty() => None,
            Ok(value) => Some(Dimension::Value(value)),
            Err(_) => Some(Dimension::Symbol((*text).to_owned())),
        },
    };
    let shape = TensorShapeProto { dim: dims.iter().map(dim).collect() };
    let tensor = TensorTypeProto { elem_type: element, shape: Some(shape) };
    ValueInfoProto { name: name.to_owned(), r#type: Some(TypeProto { tensor_type: Some(tensor) }) }
}

/// A graph that grows line by line.
#[derive(Clone, Default)]
pub struct Graph(pub GraphProto);

impl Graph {
    pub fn input(mut self, name: &str, element: i32, dims: &[&str]) -> Self {
        self.0.input.push(info(name, element, dims));
        self
    }

    /// An input of single-precision numbers with known extents.
    pub fn image(self, name: &str, dims: &[u64]) -> Self {
        let texts: Vec<String> = dims.iter().map(u64::to_string).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        self.input(name, FLOAT, &texts)
    }

    pub fn output(mut self, name: &str) -> Self {
        self.0.output.push(info(name, FLOAT, &[]));
        self
    }

    /// A constant whose data are in a file that is not there.
    pub fn weight_of(mut self, name: &str, element: i32, dims: &[i64]) -> Self {
        let (name, dims) = (name.to_owned(), dims.to_vec());
        let proto =
            TensorProto { name, dims, data_type: element, data_location: 1, ..TensorProto::default() };
        self.0.initializer.push(proto);
        self
    }

    pub fn weight(self, name: &str, dims: &[i64]) -> Self {
        self.weight_of(name, FLOAT, dims)
    }

    /// A list of whole numbers.
    pub fn list(mut self, name: &str, values: &[i64]) -> Self {
        let raw_data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let dims = vec![values.len() as i64];
        let proto =
            TensorProto { name: name.to_owned(), dims, data_type: INT64, raw_data, ..TensorProto::default() };
        self.0.initializer.push(proto);
        self
    }

    /// A whole number.
    pub fn number(mut self, name: &str, value: i64) -> Self {
        let int64_data = vec![value];
        let proto =
            TensorProto { name: name.to_owned(), data_type: INT64, int64_data, ..TensorProto::default() };
        self.0.initializer.push(proto);
        self
    }

    /// Real numbers in a list.
    pub fn reals(mut self, name: &str, values: &[f32]) -> Self {
        let (dims, float_data) = (vec![values.len() as i64], values.to_vec());
        let proto = TensorProto {
            name: name.to_owned(),
            dims,
            data_type: FLOAT,
            float_data,
            ..TensorProto::default()
        };
        self.0.initializer.push(proto);
        self
    }

    pub fn node(self, operator: &str, inputs: &[&str], outputs: &[&str]) -> Self {
        self.with(operator, inputs, outputs, &[])
    }

    pub fn with(
        mut self,
        operator: &str,
        inputs: &[&str],
        outputs: &[&str],
        attributes: &[AttributeProto],
    ) -> Self {
        self.0.node.push(node(operator, inputs, outputs, attributes));
        self
    }

    /// A model of operator set 17.
    pub fn model(self) -> ModelProto {
        self.model_of(17)
    }

    pub fn model_of(self, version: i64) -> ModelProto {
        ModelProto {
            ir_version: 8,
            producer_name: "a test".to_owned(),
            graph: Some(self.0),
            opset_import: vec![OperatorSetIdProto { domain: String::new(), version }],
            ..ModelProto::default()
        }
    }

    pub fn import(self) -> ImportedModel {
        import(&self.model(), &Options::default()).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The message of the error that the import ends with.
    pub fn refusal(self) -> String {
        match import(&self.model(), &Options::default()) {
            Ok(_) => panic!("the model is imported"),
            Err(error) => error.to_string(),
        }
    }

    /// The extents of the only output.
    pub fn shape(self) -> String {
        let model = self.import();
        let [output] = model.outputs.as_slice() else { panic!("one output") };
        output.split_once(' ').map(|(_, dims)| dims.to_owned()).expect("a name and extents")
    }
}

pub fn import(model: &ModelProto, options: &Options) -> Result<ImportedModel, ImportError> {
    read(Cursor::new(model.encode_to_vec()), options)
}

/// A function of a model's own.
pub fn function(name: &str, inputs: &[&str], outputs: &[&str], nodes: Vec<NodeProto>) -> FunctionProto {
    FunctionProto {
        name: name.to_owned(),
        domain: "own".to_owned(),
        input: inputs.iter().map(|name| (*name).to_owned()).collect(),
        output: outputs.iter().map(|name| (*name).to_owned()).collect(),
        node: nodes,
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: 17 }],
        ..FunctionProto::default()
    }
}
