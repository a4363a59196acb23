//! JSON of profiles, read as a whole, with the place where it is none of a format.

use serde::de::DeserializeOwned;

use super::MeasurementError;

/// Reads a text as JSON of a form.
pub(super) fn read<T: DeserializeOwned>(text: &str, help: &str) -> Result<T, MeasurementError> {
    if !text.trim_start().starts_with(['[', '{']) {
        return Err(MeasurementError::at(1, 1, "this is no JSON, which begins with `[` or `{`", help));
    }
    serde_json::from_str(text).map_err(|error| {
        let message = error.to_string();
        let tail = format!(" at line {} column {}", error.line(), error.column());
        let problem = message.strip_suffix(&tail).unwrap_or(&message);
        let problem = if error.is_eof() { "the text ends in the middle of its JSON" } else { problem };
        MeasurementError::at(error.line(), error.column().max(1), problem, help)
    })
}
