//! Azure's trace of invocations of functions, 2021: `app,func,end_timestamp,duration`, in seconds.
//!
//! A function arrived when it ended less its duration; a function's name is unique within its app only, so that names
//! are `app/func`. Source: Azure/AzurePublicDataset, `AzureFunctionsInvocationTrace2021.md`.

use std::io::BufRead;

use super::instant::TimeUnit;
use super::{ArrivalError, Assembly, Columns, table};

pub(super) fn read(
    text: &mut dyn BufRead,
    _: Option<&Columns>,
    assembly: &mut Assembly<'_>,
) -> Result<(), ArrivalError> {
    let columns = Columns {
        time: "end_timestamp".to_owned(),
        duration: Some("duration".to_owned()),
        unit: TimeUnit::Number(0),
        names: Some("app/func".to_owned()),
    };
    table::read(text, &columns, assembly)
}
