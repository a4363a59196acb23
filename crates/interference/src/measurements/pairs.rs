//! Pairs: `model_a, model_b, batch_a, batch_b`, their shares, their solo latencies and what was measured of both.

use rtmm_workload::input::{CsvRow, CsvTable, Diagnostics, Source};

use super::columns::{BATCH, DEVIATION, LATENCY_MS, model, optional, required, share};
use super::repeats::{Seen, contradict, written};
use super::rows::{PREDICTED, Purpose, needs_labels};
use super::solo::{self, Solo};
use crate::{CoRun, Inference, Names, Overlap};

/// Two inferences beside each other, each repeated as long as the other runs: steady overlap.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// One.
    pub a: Inference,
    /// The other.
    pub b: Inference,
    /// Mean latency of `a` beside `b`, in microseconds, where it was measured.
    pub observed_a_us: Option<f64>,
    /// Mean latency of `b` beside `a`, in microseconds, where it was measured.
    pub observed_b_us: Option<f64>,
}

impl Pair {
    /// The query for `a` beside `b`.
    #[must_use]
    pub const fn first(&self) -> CoRun<'_> {
        CoRun { own: self.a, others: std::slice::from_ref(&self.b), overlap: Overlap::Whole }
    }

    /// The query for `b` beside `a`.
    #[must_use]
    pub const fn second(&self) -> CoRun<'_> {
        CoRun { own: self.b, others: std::slice::from_ref(&self.a), overlap: Overlap::Whole }
    }

    /// Both queries, each with what was observed of it.
    #[must_use]
    pub const fn queries(&self) -> [(CoRun<'_>, Option<f64>); 2] {
        [(self.first(), self.observed_a_us), (self.second(), self.observed_b_us)]
    }
}

/// The columns.
const KNOWN: [&str; 12] = [
    "model_a",
    "model_b",
    "batch_a",
    "batch_b",
    "sm_pct_a",
    "sm_pct_b",
    "lat_a_ms",
    "lat_b_ms",
    "std_a_ms",
    "std_b_ms",
    "solo_a_ms",
    "solo_b_ms",
];

/// Columns of one member of the pairs.
#[derive(Clone, Copy)]
struct Member {
    model: usize,
    batch: usize,
    share: Option<usize>,
    solo: Option<usize>,
    latency: Option<usize>,
    deviation: Option<usize>,
}

impl Member {
    fn of(table: &CsvTable<'_>, letter: char) -> Self {
        let column = |begin: &str, end: &str| table.column(&format!("{begin}_{letter}{end}"));
        Self {
            model: required(table, &format!("model_{letter}")),
            batch: required(table, &format!("batch_{letter}")),
            share: column("sm_pct", ""),
            solo: column("solo", "_ms"),
            latency: column("lat", "_ms"),
            deviation: column("std", "_ms"),
        }
    }

    /// The inference and its label; none where something of it is rejected.
    fn read(
        self,
        row: &mut CsvRow<'_>,
        names: &mut Names,
        solos: Solos<'_>,
        purpose: Purpose,
    ) -> Option<(Inference, Option<f64>)> {
        let model = model(row, self.model, names);
        let batch = row.integer(self.batch, BATCH);
        let share = share(row, self.share);
        let stated = optional(row, self.solo, LATENCY_MS);
        let latency = match self.latency {
            Some(column) if purpose.is_labelled() => row.number(column, LATENCY_MS).map(Some),
            column => optional(row, column, LATENCY_MS),
        };
        optional(row, self.deviation, DEVIATION)?;
        let (model, batch, share, stated, latency) = (model?, batch?, share?, stated?, latency?);
        let measured = solo::find(solos.rows, model, batch, share).map(|solo| solo.latency_us);
        let Some(solo_us) = stated.map(|ms| 1e3 * ms).or(measured) else {
            // What a table that could not be read would have said is not known.
            if !solos.is_whole {
                return None;
            }
            let message = format!(
                "there is no solo latency of `{}` at batch {batch} on {} % of the SMs",
                names.name(model),
                share.in_percent()
            );
            let help = solos.help;
            row.reject(self.model, message, help);
            return None;
        };
        if let (Some(column), Some(measured)) = (self.solo, measured)
            && purpose == Purpose::Fit
            && contradict(solo_us, measured)
        {
            let (here, there) = (written(solo_us / 1e3), written(measured / 1e3));
            let message = format!(
                "this solo latency contradicts the table of solo latencies: {here}, and there {there}"
            );
            row.reject(column, message, "keep the right one, or leave the cell empty");
            return None;
        }
        Some((Inference { model, batch, share, solo_us }, latency.map(|ms| 1e3 * ms)))
    }
}

/// Solo latencies that pairs may take theirs from.
#[derive(Clone, Copy)]
pub(super) struct Solos<'s> {
    pub rows: &'s [Solo],
    /// False where some could not be read: pairs that lack theirs are passed over.
    pub is_whole: bool,
    /// The way out where there is none.
    help: &'static str,
}

impl<'s> Solos<'s> {
    /// Those of the device of the pairs.
    pub(super) const fn of(rows: &'s [Solo], is_whole: bool) -> Self {
        let help = "measure it alone, and give the row in a table of solo latencies (`--fit solo.csv`) or in the columns `solo_a_ms` and `solo_b_ms`";
        Self { rows, is_whole, help }
    }

    /// None, as pairs of another device than that of the measurements have it.
    pub(super) const fn of_another_device() -> Self {
        let help = "solo latencies of `--fit` are of another device: measure it alone on this one, and give it in the columns `solo_a_ms` and `solo_b_ms`";
        Self { rows: &[], is_whole: true, help }
    }
}

/// Reads a table of pairs.
pub(super) fn read(
    source: &Source,
    names: &mut Names,
    solos: Solos<'_>,
    purpose: Purpose,
    seen: &mut Seen,
    pairs: &mut Vec<Pair>,
) -> Diagnostics {
    let mut table = CsvTable::parse(source, &[]);
    let inputs = ["model_a", "model_b", "batch_a", "batch_b"];
    for missing in inputs.into_iter().filter(|name| table.column(name).is_none()).collect::<Vec<_>>() {
        let help = "a pair has `model_a` and `model_b`, `batch_a` and `batch_b`";
        table.reject_header(format!("the table has no column `{missing}`"), help);
    }
    if purpose.is_labelled() {
        needs_labels(&mut table, &["lat_a_ms", "lat_b_ms"]);
    }
    table.only(&[&KNOWN[..], &PREDICTED].concat());
    let (one, other) = (Member::of(&table, 'a'), Member::of(&table, 'b'));
    let mut rows = 0_usize;
    let mut problems = table.each_row(|row| {
        rows += 1;
        let a = one.read(row, names, solos, purpose);
        let b = other.read(row, names, solos, purpose);
        let (Some((a, observed_a_us)), Some((b, observed_b_us))) = (a, b) else { return };
        let key = [(a.model, a.batch, a.share), (b.model, b.batch, b.share)];
        match (observed_a_us, observed_b_us) {
            _ if purpose != Purpose::Fit => {}
            // Two rows name the same pair in whatever order.
            (Some(first), Some(second)) if key[0] <= key[1] => {
                seen.pairs.note(row, key, &[first / 1e3, second / 1e3]);
            }
            (Some(first), Some(second)) => {
                seen.pairs.note(row, [key[1], key[0]], &[second / 1e3, first / 1e3]);
            }
            _ => {}
        }
        pairs.push(Pair { a, b, observed_a_us, observed_b_us });
    });
    super::rows::none(source, rows, &mut problems);
    problems
}
