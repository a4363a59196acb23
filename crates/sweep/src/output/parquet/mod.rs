//! Result tables as Parquet: the rows and columns of the CSV, typed, with what each column means.
//!
//! The same results give the same bytes: the writer is named, and nothing else varies. Every column may be missing, so that
//! readers see one form whatever a sweep has. Units, meanings and where the table comes from stand in the metadata of the
//! file, under keys of its own and under those that readers show: `ARROW:schema` for metadata of columns, `PANDAS_ATTRS`
//! for the attributes of a data frame.

mod arrow_schema;
mod metadata;

use std::io::{self, Write};
use std::sync::Arc;

use parquet::basic::{Compression, ConvertedType, Repetition, Type as Physical};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::Type;

use super::field::Field;
use super::tables::Table;
use crate::columns::{ColumnKind, Datum};
use crate::results::Results;

/// Rows of a row group.
const ROWS_PER_GROUP: usize = 1 << 16;

/// Writes a table as one Parquet file; `manifest` is the hash of the manifest beside it.
pub(super) fn write(
    table: &Table,
    results: &Results<'_>,
    manifest: &str,
    to: &mut (impl Write + Send),
) -> io::Result<()> {
    let fields = table.fields.iter().map(field).collect::<Result<Vec<_>, _>>().map_err(explained)?;
    let schema = Type::group_type_builder(table.name).with_fields(fields).build().map_err(explained)?;
    let properties = WriterProperties::builder()
        .set_created_by(concat!("rtmm ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(Compression::SNAPPY)
        .set_key_value_metadata(Some(metadata::of(table, results.plan(), manifest)?))
        .build();
    let mut file =
        SerializedFileWriter::new(to, Arc::new(schema), Arc::new(properties)).map_err(explained)?;
    let mut group = Group::of(&table.fields);
    table.rows(results, &mut |row| {
        group.add(row);
        if group.rows == ROWS_PER_GROUP { group.flush(&mut file).map_err(explained) } else { Ok(()) }
    })?;
    if group.rows > 0 {
        group.flush(&mut file).map_err(explained)?;
    }
    file.close().map_err(explained)?;
    Ok(())
}

/// Errors of the system arrive wrapped; a report of them looks at their kind.
fn explained(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(error) => match error.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(error) => io::Error::other(error),
        },
        error => io::Error::other(error),
    }
}

fn field(field: &Field) -> Result<Arc<Type>, ParquetError> {
    let (physical, converted) = match field.kind {
        ColumnKind::Integer => (Physical::INT64, ConvertedType::NONE),
        ColumnKind::Real => (Physical::DOUBLE, ConvertedType::NONE),
        ColumnKind::Boolean => (Physical::BOOLEAN, ConvertedType::NONE),
        ColumnKind::Text => (Physical::BYTE_ARRAY, ConvertedType::UTF8),
    };
    Type::primitive_type_builder(&field.name, physical)
        .with_repetition(Repetition::OPTIONAL)
        .with_converted_type(converted)
        .build()
        .map(Arc::new)
}

/// Rows that are not written yet, column by column.
struct Group {
    rows: usize,
    columns: Vec<Values>,
}

/// Values of a column that are there, and for each row whether one is.
struct Values {
    levels: Vec<i16>,
    found: Found,
}

enum Found {
    Integers(Vec<i64>),
    Reals(Vec<f64>),
    Booleans(Vec<bool>),
    Texts(Vec<ByteArray>),
}

impl Group {
    fn of(fields: &[Field]) -> Self {
        let column = |field: &Field| Values {
            levels: Vec::new(),
            found: match field.kind {
                ColumnKind::Integer => Found::Integers(Vec::new()),
                ColumnKind::Real => Found::Reals(Vec::new()),
                ColumnKind::Boolean => Found::Booleans(Vec::new()),
                ColumnKind::Text => Found::Texts(Vec::new()),
            },
        };
        Self { rows: 0, columns: fields.iter().map(column).collect() }
    }

    fn add(&mut self, row: &[Datum<'_>]) {
        self.rows += 1;
        for (column, value) in self.columns.iter_mut().zip(row) {
            column.add(*value);
        }
    }

    fn flush<W: Write + Send>(&mut self, file: &mut SerializedFileWriter<W>) -> Result<(), ParquetError> {
        let mut group = file.next_row_group()?;
        let mut columns = self.columns.iter_mut();
        while let (Some(mut writer), Some(column)) = (group.next_column()?, columns.next()) {
            column.flush(&mut writer)?;
            writer.close()?;
        }
        group.close()?;
        self.rows = 0;
        Ok(())
    }
}

impl Values {
    /// Results are held to their columns before: a value of another kind is none.
    fn add(&mut self, value: Datum<'_>) {
        let is_there = match (&mut self.found, value) {
            (Found::Integers(found), Datum::Integer(value)) => {
                found.push(value);
                true
            }
            (Found::Reals(found), Datum::Real(value)) => {
                found.push(value);
                true
            }
            (Found::Booleans(found), Datum::Boolean(value)) => {
                found.push(value);
                true
            }
            (Found::Texts(found), Datum::Text(value)) => {
                found.push(value.into());
                true
            }
            _ => false,
        };
        self.levels.push(is_there.into());
    }

    fn flush(&mut self, to: &mut SerializedColumnWriter<'_>) -> Result<(), ParquetError> {
        let levels = Some(self.levels.as_slice());
        match &mut self.found {
            Found::Integers(found) => {
                to.typed::<Int64Type>().write_batch(found, levels, None)?;
                found.clear();
            }
            Found::Reals(found) => {
                to.typed::<DoubleType>().write_batch(found, levels, None)?;
                found.clear();
            }
            Found::Booleans(found) => {
                to.typed::<BoolType>().write_batch(found, levels, None)?;
                found.clear();
            }
            Found::Texts(found) => {
                to.typed::<ByteArrayType>().write_batch(found, levels, None)?;
                found.clear();
            }
        }
        self.levels.clear();
        Ok(())
    }
}
