//! The result table as Parquet: the rows and columns of `results.csv`, typed.
//!
//! The same results give the same bytes: the writer is named, and nothing else varies.

use std::io::{self, Write};
use std::sync::Arc;

use parquet::basic::{Compression, ConvertedType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::Type;

use crate::axes::COLUMNS;
use crate::plan::Cell;
use crate::results::{Results, SERIES, TASK, axis_values};
use crate::runner::{CellResult, Column, ColumnKind, Value};

/// Cells of a row group: some hundred thousand rows.
const CELLS_PER_GROUP: usize = 1 << 16;

/// The same of a file of series, of which a cell has hundreds of rows.
const SERIES_CELLS_PER_GROUP: usize = 1 << 9;

/// Writes `results` as one Parquet file.
pub(crate) fn write(results: &Results<'_>, to: &mut (impl Write + Send)) -> io::Result<()> {
    explained(encode(results, to))
}

/// Writes the points of series as one Parquet file: the rows and columns of `series.csv`, typed.
pub(crate) fn write_series(results: &Results<'_>, to: &mut (impl Write + Send)) -> io::Result<()> {
    explained(encode_series(results, to))
}

fn explained(written: Result<(), ParquetError>) -> io::Result<()> {
    written.map_err(|error| match error {
        // Errors of the system arrive wrapped; a report of them looks at their kind.
        ParquetError::External(error) => match error.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(error) => io::Error::other(error),
        },
        error => io::Error::other(error),
    })
}

fn encode(results: &Results<'_>, to: &mut (impl Write + Send)) -> Result<(), ParquetError> {
    let plan = results.plan();
    let (cell_columns, task_columns) = (&plan.spec().cell_columns, &plan.spec().task_columns);
    let task = [TASK];
    let columns: Vec<Column> = [COLUMNS, cell_columns, &task, task_columns].concat();
    let mut file = writer("results", &columns, to)?;
    // Cells that failed have no rows.
    let found: Vec<(&Cell, &CellResult)> = results.iter().collect();
    for cells in found.chunks(CELLS_PER_GROUP) {
        // A value of each row, by the cell, its axes, and the position of the task.
        let axes: Vec<[Value; COLUMNS.len()]> =
            cells.iter().map(|(cell, _)| axis_values(plan, cell)).collect();
        let each = |value: &dyn Fn(usize, &CellResult, usize) -> Value| -> Vec<Value> {
            let mut values = Vec::new();
            for (index, (cell, result)) in cells.iter().enumerate() {
                let tasks = plan.scenario(cell).tasks.len();
                values.extend((0..tasks).map(|task| value(index, result, task)));
            }
            values
        };
        let mut group = file.next_row_group()?;
        let mut position = 0;
        while let Some(mut writer) = group.next_column()? {
            let (kind, first_task) = (columns[position].kind, COLUMNS.len() + cell_columns.len());
            let values = if position < COLUMNS.len() {
                each(&|index, _, _| axes[index][position].clone())
            } else if position < first_task {
                each(&|_, result, _| result.cell[position - COLUMNS.len()].clone())
            } else if position == first_task {
                each(&|index, _, task| {
                    Value::Text(plan.scenario(cells[index].0).tasks[task].name.as_str().into())
                })
            } else {
                let column = position - first_task - 1;
                each(&|_, result, task| result.tasks[task * task_columns.len() + column].clone())
            };
            write_column(&mut writer, kind, &values)?;
            writer.close()?;
            position += 1;
        }
        group.close()?;
    }
    file.close()?;
    Ok(())
}

fn encode_series(results: &Results<'_>, to: &mut (impl Write + Send)) -> Result<(), ParquetError> {
    let plan = results.plan();
    let columns: Vec<Column> = [COLUMNS, SERIES].concat();
    let mut file = writer("series", &columns, to)?;
    let found: Vec<(&Cell, &CellResult)> = results.iter().collect();
    for cells in found.chunks(SERIES_CELLS_PER_GROUP) {
        let mut rows: Vec<Vec<Value>> = vec![Vec::new(); columns.len()];
        for (cell, result) in cells {
            let axes = axis_values(plan, cell);
            for point in results.points(result) {
                for (to, value) in rows.iter_mut().zip(axes.iter().chain(&point)) {
                    to.push(value.clone());
                }
            }
        }
        if rows[0].is_empty() {
            continue;
        }
        let mut group = file.next_row_group()?;
        let mut position = 0;
        while let Some(mut writer) = group.next_column()? {
            write_column(&mut writer, columns[position].kind, &rows[position])?;
            writer.close()?;
            position += 1;
        }
        group.close()?;
    }
    file.close()?;
    Ok(())
}

fn writer<W: Write + Send>(
    name: &str,
    columns: &[Column],
    to: W,
) -> Result<SerializedFileWriter<W>, ParquetError> {
    let fields = columns.iter().map(field).collect::<Result<Vec<_>, _>>()?;
    let schema = Arc::new(Type::group_type_builder(name).with_fields(fields).build()?);
    let properties = WriterProperties::builder()
        .set_created_by(concat!("rtmm ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(Compression::SNAPPY)
        .build();
    SerializedFileWriter::new(to, schema, Arc::new(properties))
}

fn field(column: &Column) -> Result<Arc<Type>, ParquetError> {
    let (physical, converted) = match column.kind {
        ColumnKind::Integer => (Physical::INT64, ConvertedType::NONE),
        ColumnKind::Real => (Physical::DOUBLE, ConvertedType::NONE),
        ColumnKind::Text => (Physical::BYTE_ARRAY, ConvertedType::UTF8),
    };
    Type::primitive_type_builder(column.name, physical)
        .with_repetition(Repetition::OPTIONAL)
        .with_converted_type(converted)
        .build()
        .map(Arc::new)
}

fn write_column(
    writer: &mut SerializedColumnWriter<'_>,
    kind: ColumnKind,
    values: &[Value],
) -> Result<(), ParquetError> {
    let levels: Vec<i16> = values.iter().map(|value| i16::from(*value != Value::Missing)).collect();
    match kind {
        ColumnKind::Integer => {
            let present: Vec<i64> = values
                .iter()
                .filter_map(|value| if let Value::Integer(value) = value { Some(*value) } else { None })
                .collect();
            writer.typed::<Int64Type>().write_batch(&present, Some(&levels), None)?;
        }
        ColumnKind::Real => {
            let present: Vec<f64> = values
                .iter()
                .filter_map(|value| if let Value::Real(value) = value { Some(*value) } else { None })
                .collect();
            writer.typed::<DoubleType>().write_batch(&present, Some(&levels), None)?;
        }
        ColumnKind::Text => {
            let present: Vec<ByteArray> = values
                .iter()
                .filter_map(
                    |value| if let Value::Text(value) = value { Some((&**value).into()) } else { None },
                )
                .collect();
            writer.typed::<ByteArrayType>().write_batch(&present, Some(&levels), None)?;
        }
    }
    Ok(())
}
