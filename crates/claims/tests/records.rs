//! Records: what is written reads back equal, and what is wrong is refused.

use rtmm_claims::quantity::Measured;
use rtmm_claims::record::{Record, read, write};
use rtmm_sweep::statistics::Interval;
use rtmm_workload::input::Source;

fn record(interval: Option<Interval>) -> Record {
    Record {
        publication: "dream".to_owned(),
        claim: 3,
        reading: "corrected".to_owned(),
        measured: Measured { value: -1.0 / 3.0, interval, seeds: 20, places: 60 },
        digest: "0123456789abcdef".to_owned(),
    }
}

#[test]
fn records_read_back_equal() {
    let records = [record(None), record(Some(Interval { low: -0.5, high: 1e-9 }))];
    let text = write(&records);
    assert_eq!(read(&Source::new("claims.csv", text)).unwrap(), records);
    assert_eq!(read(&Source::new("claims.csv", write(&[]))).unwrap(), []);
}

#[test]
fn bad_records_are_refused_with_their_places() {
    let text = write(&[record(None)]);
    for (from, to) in [(",3,", ",three,"), (",20,", ",0,"), ("-0.333", "x0.333"), (",claim,", ",clam,")] {
        let problems =
            read(&Source::new("claims.csv", text.replacen(from, to, 1))).unwrap_err().render(false);
        assert!(problems.contains("claims.csv:"), "{problems}");
    }
}
