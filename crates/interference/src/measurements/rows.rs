//! Rows to predict or to observe: of pairs or of groups, with the cells that they were written with.

use rtmm_workload::input::{CsvTable, Diagnostics, Source, problem_with};

use super::pairs::Solos;
use super::repeats::Seen;
use super::{FileKind, Group, Measurements, Pair, groups, pairs};
use crate::QueryKind;

/// Use of a table, which decides what its rows must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Measurements of one device and one time: labels are needed, and may not contradict each other.
    Fit,
    /// A stream that is observed or scored: labels are needed, and may drift.
    Observe,
    /// Rows to predict: labels may be absent.
    Predict,
}

impl Purpose {
    /// True if rows need labels.
    pub(super) const fn is_labelled(self) -> bool {
        !matches!(self, Self::Predict)
    }
}

/// Columns that predictions are written to. In tables that are read they are notes, so that predicted rows can be read again.
pub(super) const PREDICTED: [&str; 6] = [
    "predicted_a_ms",
    "predicted_b_ms",
    "predicted_a_ms_upper",
    "predicted_b_ms_upper",
    "predicted_us",
    "predicted_us_upper",
];

/// Records columns of measured times that a table lacks.
pub(super) fn needs_labels(table: &mut CsvTable<'_>, labels: &[&str]) {
    for label in labels.iter().filter(|label| table.column(label).is_none()).collect::<Vec<_>>() {
        let help = "rows to fit to, to observe and to score need what was measured; rows to predict do not";
        table.reject_header(format!("the table has no column `{label}`"), help);
    }
}

/// Solo latencies that rows of pairs may take theirs from where they state none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SoloLatencies {
    /// Those of the measurements, which are of the same device.
    Measured,
    /// The same, where some tables of them could not be read: what is missing is not told, and such rows are left out.
    Partly,
    /// None: the measurements are of another device.
    OwnAlone,
}

/// Rows of one table.
#[derive(Clone, Debug)]
pub enum Rows {
    /// Pairs.
    Pairs(Vec<Pair>),
    /// Segment groups.
    Groups(Vec<Group>),
}

impl Rows {
    /// Reads the rows of a table. Models that the measurements do not know are added
    /// to their names; pairs without solo latencies take them from the measurements.
    ///
    /// # Errors
    /// Every problem of the table.
    pub fn read(
        source: &Source,
        purpose: Purpose,
        measurements: &mut Measurements,
    ) -> Result<Self, Diagnostics> {
        Self::read_with(source, purpose, measurements, SoloLatencies::Measured)
    }

    /// The same with a choice of solo latencies.
    ///
    /// # Errors
    /// Every problem of the table.
    pub fn read_with(
        source: &Source,
        purpose: Purpose,
        measurements: &mut Measurements,
        solos: SoloLatencies,
    ) -> Result<Self, Diagnostics> {
        let kind = FileKind::of(source)?;
        let names = &mut measurements.names;
        let mut seen = Seen::new();
        match kind {
            FileKind::Pairs => {
                let mut rows = Vec::new();
                let solos = match solos {
                    SoloLatencies::Measured => Solos::of(&measurements.solos, true),
                    SoloLatencies::Partly => Solos::of(&measurements.solos, false),
                    SoloLatencies::OwnAlone => Solos::of_another_device(),
                };
                let problems = pairs::read(source, names, solos, purpose, &mut seen, &mut rows);
                problems.into_result(Some(Self::Pairs(rows)))
            }
            FileKind::Groups => {
                let mut rows = Vec::new();
                let problems = groups::read(source, names, purpose, &mut seen, &mut rows);
                problems.into_result(Some(Self::Groups(rows)))
            }
            kind => {
                let message = format!("a table of {} has nothing to predict", kind.rows());
                Err(problem_with(source, message).help("give a table of pairs or of segment groups").into())
            }
        }
    }

    /// The kind of their queries.
    #[must_use]
    pub const fn kind(&self) -> QueryKind {
        match self {
            Self::Pairs(_) => QueryKind::CoRun,
            Self::Groups(_) => QueryKind::Group,
        }
    }

    /// The number of rows.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self {
            Self::Pairs(rows) => rows.len(),
            Self::Groups(rows) => rows.len(),
        }
    }

    /// True if there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Header and cells of a table that was read, row by row as [`Rows`] has them, without earlier predictions.
#[must_use]
pub(crate) fn cells(source: &Source) -> (Vec<String>, Vec<Vec<String>>) {
    let table = CsvTable::parse(source, &[]);
    let is_kept = |name: &str| !PREDICTED.contains(&name);
    let columns: Vec<usize> = table
        .header()
        .iter()
        .enumerate()
        .filter(|(_, name)| is_kept(name))
        .map(|(column, _)| column)
        .collect();
    let header = columns.iter().map(|column| table.header()[*column].clone()).collect();
    let mut rows = Vec::new();
    // Its problems were found when it was read.
    let _ =
        table.each_row(|row| rows.push(columns.iter().map(|column| row.text(*column).to_owned()).collect()));
    (header, rows)
}

/// Records a table without rows.
pub(super) fn none(source: &Source, rows: usize, problems: &mut Diagnostics) {
    if rows == 0 && problems.is_empty() {
        let problem = problem_with(source, "the table has a header and no rows");
        problems.push(problem.help("write a row for each measurement"));
    }
}
