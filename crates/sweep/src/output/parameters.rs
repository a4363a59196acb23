//! Parameters of policies as typed columns: one for each name that any policy of a sweep has.

use crate::columns::{ColumnKind, Value};
use crate::plan::Plan;
use crate::results::PARAMETER_PREFIX;
use crate::runner::{Parameter, ParameterValue, Policy};

use super::field::Field;

/// A parameter as a column.
pub(super) struct ParameterColumn {
    /// Name of the parameter.
    parameter: String,
    form: Form,
    unit: String,
    meaning: String,
}

/// Form of the values of a column, which holds those of all policies of the sweep.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Integer,
    Real,
    Boolean,
    /// In milliseconds.
    Duration,
    Text,
}

impl Form {
    fn of(value: &ParameterValue) -> Self {
        match value {
            ParameterValue::Integer(_) => Self::Integer,
            ParameterValue::Real(_) | ParameterValue::Decimal(_) => Self::Real,
            ParameterValue::Boolean(_) => Self::Boolean,
            ParameterValue::Duration(_) => Self::Duration,
            ParameterValue::Choice(_) => Self::Text,
        }
    }

    /// The form that holds the values of two.
    fn with(self, other: Self) -> Self {
        match (self, other) {
            (same, other) if same == other => same,
            (Self::Integer | Self::Real, Self::Integer | Self::Real) => Self::Real,
            _ => Self::Text,
        }
    }
}

impl ParameterColumn {
    /// The columns of a plan: by policy in its order, and within it in the order of its parameters.
    pub(super) fn of(plan: &Plan<'_>) -> Vec<Self> {
        let mut columns: Vec<Self> = Vec::new();
        for policy in &plan.axes().policies {
            for (name, value) in policy.parameters.all() {
                let form = Form::of(value);
                match columns.iter_mut().find(|column| column.parameter == **name) {
                    Some(column) => column.form = column.form.with(form),
                    None => columns.push(Self::new(policy.parameters.schema().get(name), name, form)),
                }
            }
        }
        columns
    }

    fn new(declared: Option<&Parameter>, name: &str, form: Form) -> Self {
        let unit = declared.map_or("", |parameter| &parameter.unit);
        let meaning = declared.map_or("", |parameter| &parameter.meaning);
        Self { parameter: name.to_owned(), form, unit: unit.to_owned(), meaning: meaning.to_owned() }
    }

    /// The column; the name ends in the unit where the values are durations.
    pub(super) fn field(&self) -> Field {
        let (end, unit) = match self.form {
            Form::Duration => ("_ms", "milliseconds"),
            _ => ("", self.unit.as_str()),
        };
        Field {
            of: "parameter",
            name: format!("{PARAMETER_PREFIX}{}{end}", self.parameter).into(),
            unit: unit.to_owned().into(),
            kind: match self.form {
                Form::Integer => ColumnKind::Integer,
                Form::Real | Form::Duration => ColumnKind::Real,
                Form::Boolean => ColumnKind::Boolean,
                Form::Text => ColumnKind::Text,
            },
            meaning: self.meaning.clone().into(),
            better: None,
        }
    }

    /// The value of a policy; missing where it has no such parameter.
    pub(super) fn value(&self, policy: &Policy) -> Value {
        let Some(value) = policy.parameter(&self.parameter) else { return Value::Missing };
        match (self.form, value) {
            (Form::Integer, ParameterValue::Integer(value)) => Value::Integer(*value),
            (Form::Real, ParameterValue::Integer(value)) => Value::Real(*value as f64),
            (Form::Real, ParameterValue::Real(value)) => Value::Real(*value),
            (Form::Real, ParameterValue::Decimal(millionths)) => Value::Real(*millionths as f64 / 1e6),
            (Form::Boolean, ParameterValue::Boolean(value)) => Value::Boolean(*value),
            (Form::Duration, ParameterValue::Duration(value)) => Value::Real(value.milliseconds()),
            (_, value) => Value::Text(value.to_string().into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_two_forms_are_real_and_anything_else_is_a_text() {
        assert!(Form::Integer.with(Form::Integer) == Form::Integer);
        assert!(Form::Integer.with(Form::Real) == Form::Real);
        assert!(Form::Boolean.with(Form::Integer) == Form::Text);
        assert!(Form::Duration.with(Form::Real) == Form::Text);
    }
}
