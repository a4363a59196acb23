//! The events of a profile, read one by one: what is kept of each is a few numbers, names stand once.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;
use std::io::BufRead;

use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, SeqAccess, Visitor};
use serde_json::Value;

use super::super::{MeasurementError, Place};
use crate::bounded::Bounded;

/// The most events of a profile; ONNX Runtime itself writes 1,000,000 unless it is told otherwise.
pub const MAX_EVENTS: usize = 8_000_000;
/// The most bytes of an event.
pub const MAX_EVENT_BYTES: u64 = 1 << 20;
/// The most bytes of the names of all nodes together.
pub const MAX_NAME_BYTES: usize = 64 << 20;
/// The latest time of a profile, in microseconds: eleven days.
const MAX_MICROSECONDS: u64 = 1_000_000_000_000;
/// Ending of the names of events of nodes.
const SUFFIX: &str = "_kernel_time";
/// Operators whose nodes hold graphs.
const HOLDERS: [&str; 7] =
    ["If", "Loop", "Scan", "BeamSearch", "GreedySearch", "Sampling", "WhisperBeamSearch"];

/// An interval on a thread, in microseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    /// Process and thread.
    pub thread: (i64, i64),
    pub start: u64,
    pub end: u64,
}

impl Span {
    pub(super) const fn length(&self) -> u64 {
        self.end - self.start
    }

    /// True if `inner` lies within, but for the microsecond that cutting may add.
    pub(super) const fn contains(&self, inner: &Self) -> bool {
        self.start <= inner.start && inner.start <= self.end && inner.end <= self.end + 1
    }
}

/// Index of a kind of node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct KindId(u32);

impl KindId {
    pub(super) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Properties that all executions of a node share.
#[derive(Clone, Debug)]
pub(super) struct NodeKind {
    pub name: String,
    pub node_index: u64,
    pub operator: String,
    pub output: Option<Vec<u64>>,
}

impl NodeKind {
    pub(super) fn holds_graphs(&self) -> bool {
        HOLDERS.contains(&self.operator.as_str())
    }
}

/// An execution of a node.
#[derive(Clone, Copy, Debug)]
pub(super) struct NodeEvent {
    pub span: Span,
    pub kind: KindId,
    /// Position in the file.
    pub position: u32,
}

/// The events of a profile that say something of runs and nodes.
#[derive(Debug, Default)]
pub(super) struct Log {
    pub runs: Vec<Span>,
    pub nodes: Vec<NodeEvent>,
    pub kinds: Vec<NodeKind>,
    known: BTreeMap<(String, u64, String), KindId>,
    name_bytes: usize,
    events: usize,
}

impl Log {
    pub(super) fn read(text: &mut dyn BufRead) -> Result<Self, MeasurementError> {
        let (left, problem) =
            (Cell::new(MAX_EVENT_BYTES), format!("an event has more than {MAX_EVENT_BYTES} bytes"));
        let mut log = Self::default();
        let mut decoder = serde_json::Deserializer::from_reader(Bounded { text, left: &left, problem });
        Events { log: &mut log, left: &left }
            .deserialize(&mut decoder)
            .and_then(|()| {
                left.set(MAX_EVENT_BYTES);
                decoder.end()
            })
            .map_err(|error| located(&error))?;
        Ok(log)
    }

    fn add(&mut self, event: Event) -> Result<(), String> {
        if self.events >= MAX_EVENTS {
            return Err(format!("the profile has more than {MAX_EVENTS} events"));
        }
        let position = u32::try_from(self.events).unwrap_or(u32::MAX);
        self.events += 1;
        let category = event.cat.ok_or("an event has no `cat`: this is no profile of ONNX Runtime")?;
        let is_node = category == "Node";
        if !is_node && category != "Session" {
            return Ok(());
        }
        let name = event.name.ok_or("an event has no `name`")?;
        let node = name.strip_suffix(SUFFIX).filter(|_| is_node);
        if node.is_none() && (is_node || name != "model_run") {
            return Ok(());
        }
        let start = event.ts.ok_or_else(|| format!("the event `{name}` has no `ts`"))?.0;
        let length = event.dur.ok_or_else(|| format!("the event `{name}` has no `dur`"))?.0;
        let span = Span { thread: (event.pid, event.tid), start, end: start + length };
        let Some(node) = node else {
            self.runs.push(span);
            return Ok(());
        };
        let kind = self.kind(node, event.args.unwrap_or_default())?;
        self.nodes.push(NodeEvent { span, kind, position });
        Ok(())
    }

    fn kind(&mut self, node: &str, args: Args) -> Result<KindId, String> {
        let node_index = match &args.node_index {
            Value::String(text) => text.parse().ok(),
            value => value.as_u64(),
        };
        let node_index = node_index.ok_or_else(|| {
            format!("the event of node `{node}` has no `node_index` that is a whole number from 0")
        })?;
        let operator = match args.op_name {
            Value::String(operator) => operator,
            _ => String::new(),
        };
        let key = (node.to_owned(), node_index, operator);
        if let Some(kind) = self.known.get(&key) {
            return Ok(*kind);
        }
        self.name_bytes += key.0.len() + key.2.len();
        if self.name_bytes > MAX_NAME_BYTES {
            return Err(format!("the names of nodes have more than {} MiB", MAX_NAME_BYTES >> 20));
        }
        let id = KindId(u32::try_from(self.kinds.len()).unwrap_or(u32::MAX));
        let output = first_shape(&args.output_type_shape);
        self.kinds.push(NodeKind { name: key.0.clone(), node_index, operator: key.2.clone(), output });
        self.known.insert(key, id);
        Ok(id)
    }
}

/// The extents of the first tensor in a list such as `[{"float":[1,3]}]`, of at most 16 dimensions.
fn first_shape(list: &Value) -> Option<Vec<u64>> {
    let (_, extents) = list.as_array()?.first()?.as_object()?.iter().next()?;
    let extents = extents.as_array().filter(|extents| extents.len() <= 16)?;
    extents.iter().map(Value::as_u64).collect()
}

/// An error at its place, without the place in its words.
fn located(error: &serde_json::Error) -> MeasurementError {
    let place = Place { line: error.line(), column: error.column() };
    let text = error.to_string();
    let tail = format!(" at line {} column {}", place.line, place.column);
    let problem = text.strip_suffix(&tail).unwrap_or(&text);
    let (problem, help) = if error.is_eof() && place.line <= 1 && place.column == 0 {
        ("the file is empty".to_owned(), "name a profile of ONNX Runtime")
    } else if error.is_eof() {
        let problem = "the profile ends in the middle of its list".to_owned();
        (problem, "end the session before you read the file: ONNX Runtime closes the list then")
    } else {
        (problem.to_owned(), "name a profile that ONNX Runtime wrote, with --kind ort")
    };
    MeasurementError { place: (place.column > 0).then_some(place), ..MeasurementError::new(problem, help) }
}

/// The list of events, each added to the log as it comes.
struct Events<'l, 'c> {
    log: &'l mut Log,
    left: &'c Cell<u64>,
}

impl<'de> DeserializeSeed<'de> for Events<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, decoder: D) -> Result<(), D::Error> {
        decoder.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Events<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the list of events of a profile")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(event) = list.next_element::<Event>()? {
            self.log.add(event).map_err(de::Error::custom)?;
            self.left.set(MAX_EVENT_BYTES);
        }
        if self.log.events == 0 {
            return Err(de::Error::custom("the profile has no events"));
        }
        Ok(())
    }
}

/// An event as it stands in the file; everything else in it is skipped.
#[derive(serde::Deserialize)]
struct Event {
    cat: Option<String>,
    #[serde(default)]
    pid: i64,
    #[serde(default)]
    tid: i64,
    ts: Option<Microseconds>,
    dur: Option<Microseconds>,
    name: Option<String>,
    args: Option<Args>,
}

#[derive(Default, serde::Deserialize)]
struct Args {
    #[serde(default)]
    op_name: Value,
    #[serde(default)]
    node_index: Value,
    #[serde(default)]
    output_type_shape: Value,
}

/// A time from 0 to [`MAX_MICROSECONDS`].
struct Microseconds(u64);

impl<'de> Deserialize<'de> for Microseconds {
    fn deserialize<D: Deserializer<'de>>(decoder: D) -> Result<Self, D::Error> {
        struct Whole;
        impl Visitor<'_> for Whole {
            type Value = Microseconds;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number of microseconds")
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Microseconds, E> {
                if value > MAX_MICROSECONDS {
                    return Err(E::custom(format!("{value} us is beyond {MAX_MICROSECONDS} us")));
                }
                Ok(Microseconds(value))
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Microseconds, E> {
                match u64::try_from(value) {
                    Ok(value) => self.visit_u64(value),
                    Err(_) => Err(E::custom(format!("{value} us is a negative time"))),
                }
            }
        }
        decoder.deserialize_u64(Whole)
    }
}
