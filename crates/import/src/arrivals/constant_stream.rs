//! MLPerf's ConstantStream scenario, as LoadGen's configuration states it: a query of a model every so many nanoseconds.
//!
//! Lines are `model.scenario.key = value`, where `*` stands for any model or scenario. A model whose `target_latency` (ms)
//! is above zero has that period, others the inverse of their `target_qps`, cut to a whole nanosecond; there are queries
//! until there are `min_query_count` of them and one is `min_duration` (ms) after the first. Each model is a test of its
//! own in LoadGen, and a stream beside others here. Groups of samples are ignored: they move no query.
//! Source: mlcommons/mlperf_automotive, `loadgen/loadgen.cc`, `loadgen/test_settings_internal.cc`,
//! `loadgen/mlperf.conf`, 5d11f17c.

use std::collections::BTreeMap;
use std::io::{BufRead, Read};

use super::assembly::MAX_ROWS;
use super::instant::{self, Instant};
use super::{ArrivalError, Assembly, Columns, MAX_ROW_BYTES};

const SCENARIO: &str = "ConstantStream";
/// `*.ConstantStream.min_query_count` of `mlperf.conf`, which LoadGen has built in.
const MIN_QUERIES: u64 = 100_000;
/// `*.ConstantStream.min_duration` of `mlperf.conf`, in milliseconds.
const MIN_DURATION_MS: u64 = 600_000;
const NANOSECONDS_PER_MILLISECOND: u64 = 1_000_000;
/// A number of one, in the parts that numbers are read in.
const ONE: i128 = 1_000_000_000_000_000_000_000_000;

/// Values by key, each with the line of the file.
type Values = BTreeMap<String, (String, u64)>;

/// Queries of a model.
struct Stream {
    model: String,
    line: u64,
    period_ns: u64,
    queries: u64,
    /// Number of them that were given.
    given: u64,
}

pub(super) fn read(
    text: &mut dyn BufRead,
    _: Option<&Columns>,
    assembly: &mut Assembly<'_>,
) -> Result<(), ArrivalError> {
    let values = values(text)?;
    let mut streams = streams(&values)?;
    assembly.begin(&["model".to_owned()], Some(0), false)?;
    // Queries of all streams, in order.
    while let Some(stream) = streams
        .iter_mut()
        .filter(|stream| stream.given < stream.queries)
        .min_by_key(|stream| u128::from(stream.given) * u128::from(stream.period_ns))
    {
        let instant = stream.given.checked_mul(stream.period_ns).ok_or_else(|| {
            let problem = format!("queries of `{}` leave the clock", stream.model);
            ArrivalError::at(
                stream.line,
                problem,
                "state a smaller min_query_count, or more queries a second",
            )
        })?;
        stream.given += 1;
        assembly.row(stream.line, Instant::from_nanoseconds(instant), |_| stream.model.as_str())?;
    }
    Ok(())
}

/// The values of a configuration by their keys; the last of equal keys counts.
fn values(text: &mut dyn BufRead) -> Result<Values, ArrivalError> {
    let mut content = String::new();
    let limit = MAX_ROW_BYTES;
    text.take(limit + 1).read_to_string(&mut content).map_err(|error| ArrivalError::unreadable(&error))?;
    if content.len() as u64 > limit {
        let problem = format!("the configuration has more than {limit} bytes");
        return Err(ArrivalError::new(problem, "name a configuration of LoadGen"));
    }
    let mut values = Values::new();
    for (index, line) in content.trim_start_matches('\u{feff}').lines().enumerate() {
        let number = index as u64 + 1;
        let mut words = line.split_whitespace().take_while(|word| !word.starts_with('#'));
        let Some(key) = words.next() else { continue };
        let (Some("="), Some(value)) = (words.next(), words.next()) else {
            let help = "write it as model.scenario.key = value, with blanks around the `=`";
            return Err(ArrivalError::at(number, "this line is no `key = value`", help));
        };
        values.insert(key.to_owned(), (value.to_owned(), number));
    }
    Ok(values)
}

/// The value of a key for a model, in the order in which LoadGen looks.
fn value<'v>(values: &'v Values, model: &str, key: &str) -> Option<&'v (String, u64)> {
    [(model, SCENARIO), ("*", SCENARIO), (model, "*"), ("*", "*")]
        .iter()
        .find_map(|(model, scenario)| values.get(&format!("{model}.{scenario}.{key}")))
}

/// The models with a rate or a period of their own, in the order of their names.
fn streams(values: &Values) -> Result<Vec<Stream>, ArrivalError> {
    let model_of = |key: &String| {
        let rest = ["target_qps", "target_latency"].iter().find_map(|end| key.strip_suffix(end))?;
        let model = rest.strip_suffix('.')?.strip_suffix(SCENARIO)?.strip_suffix('.')?;
        (model != "*").then(|| model.to_owned())
    };
    let mut models: Vec<String> = values.keys().filter_map(model_of).collect();
    models.dedup();
    if models.is_empty() {
        return Err(ArrivalError::new(
            format!("the configuration states no `MODEL.{SCENARIO}.target_qps`"),
            "name LoadGen's mlperf.conf or user.conf, with a rate for each model",
        ));
    }
    models.iter().map(|model| stream(values, model)).collect()
}

fn stream(values: &Values, model: &str) -> Result<Stream, ArrivalError> {
    let number = |key: &str| {
        value(values, model, key)
            .map(|(text, line)| {
                instant::number(text).map(|number| (number, *line)).map_err(|error| {
                    ArrivalError::at(
                        *line,
                        format!("`{text}`, the {key} of `{model}`, is {error}"),
                        error.help(),
                    )
                })
            })
            .transpose()
    };
    if let Some((0, line)) = number("constant_gen")? {
        let problem = format!("`{model}` draws its queries, which has no constant distance between them");
        return Err(ArrivalError::at(line, problem, "write Poisson arrivals in a scenario"));
    }
    let whole = |key: &str, default: u64, factor: u64| {
        let stated = number(key)?;
        let Some((value, line)) = stated else { return Ok((default.saturating_mul(factor), 0)) };
        let value = u64::try_from(value / ONE).ok().and_then(|value| value.checked_mul(factor));
        value.map(|value| (value, line)).ok_or_else(|| {
            let problem = format!("the {key} of `{model}` is beyond what a clock can hold");
            ArrivalError::at(line, problem, "write a smaller one")
        })
    };
    // A latency above zero is the period; LoadGen ignores the rate then.
    let latency = number("target_latency")?.filter(|(latency, _)| *latency > 0);
    let rate = number("target_qps")?.filter(|(rate, _)| *rate > 0);
    let (period, line) = match (latency, rate) {
        (Some((latency, line)), _) => (latency / (ONE / i128::from(NANOSECONDS_PER_MILLISECOND)), line),
        // The inverse of n / 10^24 a second, in nanoseconds.
        (None, Some((rate, line))) => (inverse(rate), line),
        (None, None) => {
            let line = value(values, model, "target_qps").map_or(1, |(_, line)| *line);
            let problem = format!("`{model}` has no target_qps above zero");
            return Err(ArrivalError::at(line, problem, "state how many queries arrive in a second"));
        }
    };
    let period_ns = u64::try_from(period).ok().filter(|period| *period > 0).ok_or_else(|| {
        let problem = format!("queries of `{model}` have a distance below a nanosecond, or beyond a clock");
        ArrivalError::at(line, problem, "state a rate from 0.000001 to 1000000000 a second")
    })?;
    let (least, _) = whole("min_query_count", MIN_QUERIES, 1)?;
    let (duration, _) = whole("min_duration", MIN_DURATION_MS, NANOSECONDS_PER_MILLISECOND)?;
    let until = if duration == 0 { 0 } else { duration.div_ceil(period_ns).saturating_add(1) };
    let queries = least.max(until);
    if queries > MAX_ROWS as u64 {
        let problem = format!("`{model}` has {queries} queries, and no more than {MAX_ROWS} are read");
        return Err(ArrivalError::at(line, problem, "state a smaller min_query_count or min_duration"));
    }
    Ok(Stream { model: model.to_owned(), line, period_ns, queries, given: 0 })
}

/// A billion divided by a number of 10^-24, cut; the number is above zero.
fn inverse(number: i128) -> i128 {
    // 10^33 / n, where 10^33 fits into 128 bits.
    1_000_000_000 * ONE / number
}
