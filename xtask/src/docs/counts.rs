//! Counts of built-in things, as a table. Policies are counted on their own page.

use rtmm_claims::built_in;
use rtmm_hardware::CostModelRegistry;
use rtmm_runners::Runners;
use rtmm_workload::load::{Kind, built_in_names};

use super::table;

pub(super) fn part() -> String {
    let files = |kind| built_in_names(kind).len();
    let rows = [
        ("cost models", CostModelRegistry::built_in().len(), "`rtmm list cost-models`"),
        ("scenarios", files(Kind::Scenario), "`rtmm list scenarios`"),
        ("models", files(Kind::Model), "`rtmm list models`"),
        ("platforms", files(Kind::Platform), "`rtmm list platforms`"),
        ("dataflows", files(Kind::Dataflow), "`rtmm list dataflows`"),
        ("sweeps", files(Kind::Sweep), "`rtmm list sweeps`"),
        ("publications with claims", built_in::names().len(), "`rtmm reproduce list`"),
        ("cell runners", Runners::built_in().list().len(), "`runner` of a sweep file"),
    ];
    let rows: Vec<Vec<String>> = rows
        .map(|(what, count, listing)| vec![what.to_owned(), count.to_string(), listing.to_owned()])
        .into();
    table(&["built in", "number", "named by"], &rows)
}
