//! What can be wrong with the data of a report.

/// A reason why score data cannot be laid out as a report.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// There is nothing to show.
    #[error("there are no scores to report")]
    NoRows,
    /// The layout names no axis for the platforms.
    #[error("the layout names no platform axis; give at least one of: {}", known.join(", "))]
    NoPlatformAxis {
        /// The axes of the data.
        known: Vec<String>,
    },
    /// The layout names an axis that the data does not have.
    #[error("unknown axis `{name}`; the data has: {}", known.join(", "))]
    UnknownAxis {
        /// The name in the layout.
        name: String,
        /// The axes of the data.
        known: Vec<String>,
    },
    /// The layout uses an axis twice where each use needs its own.
    #[error("axis `{name}` is both a scenario and a platform axis, or is listed twice")]
    RepeatedAxis {
        /// The name in the layout.
        name: String,
    },
    /// A row has not one value for each axis.
    #[error("row {row} has {found} axis values, expected {expected}")]
    WrongLength {
        /// Index of the row, from 0.
        row: usize,
        /// Number of axes.
        expected: usize,
        /// Number of values in the row.
        found: usize,
    },
    /// A mean or a bound is not a finite number, or the lower bound exceeds the upper one.
    #[error("row {row} ({label}) has a value that cannot be drawn: {value}")]
    BadNumber {
        /// Index of the row, from 0.
        row: usize,
        /// The axis values of the row.
        label: String,
        /// What is wrong, as text.
        value: String,
    },
    /// Two rows describe the same scenario on the same platform.
    #[error(
        "two rows give a score for {label}; average over the other axes first, or add the axis that \
         tells them apart to the layout"
    )]
    DuplicateCell {
        /// Scenario and platform.
        label: String,
    },
    /// An axis that groups platforms has several values for one platform.
    #[error("platform {platform} has several values of axis `{axis}`: {first}, {second}")]
    MixedGroup {
        /// The platform.
        platform: String,
        /// The grouping axis.
        axis: String,
        /// One of the values.
        first: String,
        /// Another one.
        second: String,
    },
}
