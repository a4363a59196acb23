//! Inputs of a model: their types, the extents that the file leaves open, the values that the user states.

use std::collections::{BTreeMap, BTreeSet};

use super::Walk;
use super::scope::Scope;
use crate::error::{Choice, ImportError, OpenDimension};
use crate::onnx::call::shown;
use crate::onnx::element::ElementType;
use crate::onnx::proto::{Dimension, GraphProto, TensorTypeProto, ValueInfoProto};
use crate::onnx::tensor::{Tensor, Value};

impl<'m> Walk<'m> {
    /// Gives every input of the graph that is no constant its tensor; tells their shapes.
    ///
    /// # Errors
    /// All open extents at once; inputs that are no tensors; choices of the user that the graph does not have.
    pub(super) fn define_inputs(
        &mut self,
        graph: &'m GraphProto,
        scope: &mut Scope<'m, '_>,
    ) -> Result<Vec<String>, ImportError> {
        // Older files list their constants among the inputs.
        let inputs: Vec<&ValueInfoProto> =
            graph.input.iter().filter(|input| scope.find(&input.name).is_none()).collect();
        let mut open: Vec<OpenDimension> = Vec::new();
        let mut named: BTreeSet<String> = BTreeSet::new();
        let mut tensors = Vec::new();
        for input in &inputs {
            let stated = tensor_type(input)?;
            let mut dims = Vec::new();
            for (axis, extent) in extents(input, stated)?.into_iter().enumerate() {
                let name = match extent {
                    Extent::Known(extent) => {
                        dims.push(extent);
                        continue;
                    }
                    Extent::Open(name) => name.unwrap_or_else(|| format!("{}[{axis}]", input.name)),
                };
                match self.options.dims.get(&name) {
                    Some(extent) => dims.push(*extent),
                    None if !open.iter().any(|open| open.name == name) => {
                        open.push(OpenDimension { name: name.clone(), input: input.name.clone(), axis });
                    }
                    None => {}
                }
                named.insert(name);
            }
            tensors.push((*input, stated, dims));
        }
        let unknown = |choice, name: &String, known: Vec<String>| {
            Err(ImportError::UnknownChoice { choice, name: name.clone(), known })
        };
        if let Some(name) = self.options.dims.keys().find(|name| !named.contains(*name)) {
            return unknown(Choice::Dimension, name, named.into_iter().collect());
        }
        let names = || inputs.iter().map(|input| input.name.clone());
        if let Some(name) = self.options.inputs.keys().find(|name| !names().any(|known| known == **name)) {
            return unknown(Choice::Input, name, names().collect());
        }
        if !open.is_empty() {
            return Err(ImportError::Open(open));
        }
        tensors
            .into_iter()
            .map(|(input, stated, dims)| self.define_input(input, stated, dims, scope))
            .collect()
    }

    fn define_input(
        &mut self,
        input: &'m ValueInfoProto,
        stated: &TensorTypeProto,
        dims: Vec<u64>,
        scope: &mut Scope<'m, '_>,
    ) -> Result<String, ImportError> {
        let problem = |problem: String| ImportError::Input { input: input.name.clone(), problem };
        let element = ElementType::of(stated.elem_type).ok_or_else(|| {
            problem(format!("has the element type {}, which the format does not have", stated.elem_type))
        })?;
        let tensor = Tensor::new(element, dims)
            .map_err(|reason| ImportError::Extents { input: input.name.clone(), reason })?;
        let bad_values = |problem: String| ImportError::Values { input: input.name.clone(), problem };
        let tensor = match self.options.inputs.get(&input.name) {
            // Nothing is all that there is to know of an empty list.
            None if tensor.elements() == 0 => tensor.with_value(Some(Value::Integers(Vec::new()))),
            None => tensor,
            Some(values) => {
                let value =
                    value_of(element, values).ok_or_else(|| bad_values("takes whole numbers".to_owned()))?;
                if values.len() as u64 != tensor.elements() {
                    let (elements, stated) = (tensor.elements(), values.len());
                    return Err(bad_values(format!("has {elements} elements, and {stated} are stated")));
                }
                tensor.with_value(Some(value))
            }
        };
        let text = format!("{} {}", input.name, shown(&tensor.dims));
        let id = self.add(Some(tensor));
        self.known_mut(id).is_input = true;
        if !scope.define(&input.name, Some(id)) {
            return Err(problem("stands twice".to_owned()));
        }
        Ok(text)
    }

    /// The tensor that a file declares, if all its extents are known.
    pub(super) fn declared_tensor(&self, info: &ValueInfoProto) -> Option<Tensor> {
        let stated = tensor_type(info).ok()?;
        let extent = |extent: Extent| match extent {
            Extent::Known(extent) => Some(extent),
            Extent::Open(name) => self.options.dims.get(&name?).copied(),
        };
        let dims: Option<Vec<u64>> = extents(info, stated).ok()?.into_iter().map(extent).collect();
        Tensor::new(ElementType::of(stated.elem_type)?, dims?).ok()
    }

    /// Refuses choices for branches and loops that no inference runs into.
    pub(super) fn check_choices(&self) -> Result<(), ImportError> {
        check(Choice::Branch, &self.options.branches, &self.known_branches)?;
        check(Choice::Trips, &self.options.trips, &self.known_loops)
    }
}

fn check<T>(choice: Choice, stated: &BTreeMap<String, T>, known: &BTreeSet<&str>) -> Result<(), ImportError> {
    match stated.keys().find(|name| !known.contains(name.as_str())) {
        None => Ok(()),
        Some(name) => Err(ImportError::UnknownChoice {
            choice,
            name: name.clone(),
            known: known.iter().map(|name| (*name).to_owned()).collect(),
        }),
    }
}

fn tensor_type(input: &ValueInfoProto) -> Result<&TensorTypeProto, ImportError> {
    let found = input.r#type.as_ref().and_then(|stated| stated.tensor_type.as_ref());
    found.ok_or_else(|| ImportError::Input { input: input.name.clone(), problem: "is no tensor".to_owned() })
}

/// An extent that the file states, or leaves open, with the name that it has there.
enum Extent {
    Known(u64),
    Open(Option<String>),
}

fn extents(input: &ValueInfoProto, stated: &TensorTypeProto) -> Result<Vec<Extent>, ImportError> {
    let shape = stated.shape.as_ref().ok_or_else(|| ImportError::Input {
        input: input.name.clone(),
        problem: "states no shape, not even the number of dimensions".to_owned(),
    })?;
    let extent = |dim: &Option<Dimension>| match dim {
        Some(Dimension::Value(value)) => match u64::try_from(*value) {
            // Some writers state an unknown extent as 0 or -1.
            Ok(0) | Err(_) => Extent::Open(None),
            Ok(extent) => Extent::Known(extent),
        },
        Some(Dimension::Symbol(symbol)) if !symbol.is_empty() && symbol != "?" => {
            Extent::Open(Some(symbol.clone()))
        }
        Some(Dimension::Symbol(_)) | None => Extent::Open(None),
    };
    Ok(shape.dim.iter().map(|dim| extent(&dim.value)).collect())
}

/// Numbers that the user states as elements of a type; none for a fraction in place of a whole number.
fn value_of(element: ElementType, values: &[f64]) -> Option<Value> {
    if !element.is_integer() {
        return Some(Value::Reals(values.to_vec()));
    }
    let whole = |value: &f64| (value.fract() == 0.0 && value.abs() < 9e15).then_some(*value as i64);
    values.iter().map(whole).collect::<Option<_>>().map(Value::Integers)
}
