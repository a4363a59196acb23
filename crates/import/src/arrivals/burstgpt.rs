//! BurstGPT: `Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type`, since 2025 with `Session ID` and
//! `Elapsed time`.
//!
//! Instants are seconds from the midnight before the first day of the first file. Requests that failed have no response
//! tokens. Source: HPMLL/BurstGPT, `README.md`.

use std::io::BufRead;

use super::instant::TimeUnit;
use super::{ArrivalError, Assembly, Columns, table};

pub(super) fn read(
    text: &mut dyn BufRead,
    _: Option<&Columns>,
    assembly: &mut Assembly<'_>,
) -> Result<(), ArrivalError> {
    let columns = Columns {
        time: "Timestamp".to_owned(),
        duration: None,
        unit: TimeUnit::Number(0),
        names: Some("Model".to_owned()),
    };
    table::read(text, &columns, assembly)
}
