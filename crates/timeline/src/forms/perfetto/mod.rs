//! Perfetto traces: TrackEvent packets, as `ui.perfetto.dev` and Perfetto's trace processor read them.
//!
//! Every accelerator is a track with a child for each of its units and one for its utilisation; every task is a track with
//! the marks of its jobs. A segment is a slice with its parts below it. A flow goes from the release of a job through its
//! segments to its end.
//!
//! The trace processor sorts packets by their instants and keeps the order of the file among equal ones; an end closes the
//! innermost slice of its track. So of one instant ends are written before beginnings, but for a slice of no length. What
//! ends is written at its end: packets of different tracks are out of order, which the format allows.

pub mod proto;
mod tracks;

use std::io::{self, Write};

use prost::Message;
use rtmm_sim::System;
use rtmm_workload::Time;

use self::proto::{AnnotationValue, DebugAnnotation, EventKind, TracePacket, TrackEvent};
use self::tracks::{Category, Key, Tracks};
use crate::form::{
    Counter, Hold, JobMark, MarkKind, SegmentPart, SegmentPartKind, SegmentSlice, TimelineForm,
};
use crate::nanoseconds::nanoseconds;

/// Bytes that are kept before they are written.
const BUFFER: usize = 1 << 16;
/// Key of the packets of a trace: field 1, which is a message.
const PACKET_KEY: u8 = 1 << 3 | 2;

/// A Perfetto trace that is being written.
pub struct PerfettoTrace<'s> {
    output: Box<dyn Write + 's>,
    tracks: Tracks<'s>,
    buffer: Vec<u8>,
    /// The packet that is written again and again, with other contents.
    packet: TracePacket,
}

impl<'s> PerfettoTrace<'s> {
    /// Begins a trace with the descriptions of its tracks.
    ///
    /// # Errors
    /// [`io::Error`] where the output cannot be written.
    pub fn new(system: &'s System, output: Box<dyn Write + 's>) -> io::Result<Self> {
        Self::with(Tracks::new(system, None), output)
    }

    /// Begins the part of a trace that is about another run of the system, such as a measured one: tracks of its own, whose names
    /// end with the label. Written before or behind the trace of a run, it makes one trace with that.
    ///
    /// # Errors
    /// [`io::Error`] where the output cannot be written.
    pub fn beside(system: &'s System, label: &str, output: Box<dyn Write + 's>) -> io::Result<Self> {
        Self::with(Tracks::new(system, Some(label.to_owned())), output)
    }

    fn with(tracks: Tracks<'s>, output: Box<dyn Write + 's>) -> io::Result<Self> {
        let packet = TracePacket {
            track_event: Some(TrackEvent::default()),
            trusted_packet_sequence_id: tracks.sequence(),
            sequence_flags: proto::NEEDS_INCREMENTAL_STATE,
            ..TracePacket::default()
        };
        let mut trace = Self { output, tracks, buffer: Vec::with_capacity(2 * BUFFER), packet };
        for packet in trace.tracks.packets() {
            encode(&packet, &mut trace.buffer);
            trace.write_full()?;
        }
        Ok(trace)
    }

    /// Writes what is kept, if that is much.
    fn write_full(&mut self) -> io::Result<()> {
        if self.buffer.len() < BUFFER {
            return Ok(());
        }
        self.output.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }

    /// Writes an event, which `describe` completes.
    fn event(
        &mut self,
        at: Time,
        kind: EventKind,
        track: u64,
        describe: impl FnOnce(&mut TrackEvent, &Tracks<'s>),
    ) -> io::Result<()> {
        self.packet.timestamp = Some(nanoseconds(at));
        let event = self.packet.track_event.get_or_insert_default();
        event.category_iids.clear();
        event.debug_annotations.clear();
        event.flow_ids.clear();
        event.terminating_flow_ids.clear();
        event.name.clear();
        (event.r#type, event.track_uuid) = (kind as i32, track);
        (event.name_iid, event.double_counter_value) = (0, None);
        describe(event, &self.tracks);
        encode(&self.packet, &mut self.buffer);
        self.write_full()
    }

    fn end(&mut self, at: Time, track: u64) -> io::Result<()> {
        self.event(at, EventKind::SliceEnd, track, |_, _| {})
    }

    fn part(&mut self, segment: &SegmentSlice<'_>, part: &SegmentPart, track: u64) -> io::Result<()> {
        self.event(part.from, EventKind::SliceBegin, track, |event, tracks| {
            let (category, name) = match part.kind {
                SegmentPartKind::Layer(layer) => (Category::Layer, tracks.layer(segment.model, layer)),
                SegmentPartKind::PartOfLayer(layer) => {
                    (Category::PartOfLayer, tracks.layer(segment.model, layer))
                }
                SegmentPartKind::ContextSwitch => {
                    (Category::ContextSwitch, tracks.category_name(Category::ContextSwitch))
                }
                SegmentPartKind::Move => (Category::Move, tracks.category_name(Category::Move)),
                SegmentPartKind::Migration => {
                    (Category::Migration, tracks.category_name(Category::Migration))
                }
            };
            event.category_iids.push(category.iid());
            event.name_iid = name;
        })?;
        self.end(part.to, track)
    }
}

/// Appends a packet to the encoded trace.
fn encode(packet: &TracePacket, buffer: &mut Vec<u8>) {
    buffer.push(PACKET_KEY);
    prost::encoding::encode_varint(packet.encoded_len() as u64, buffer);
    packet.encode_raw(buffer);
}

/// Adds an argument to an event.
fn annotate(event: &mut TrackEvent, key: Key, value: AnnotationValue) {
    event.debug_annotations.push(DebugAnnotation { name_iid: key.iid(), value: Some(value) });
}

/// The length of a slice, exactly: its ends are rounded to nanoseconds.
fn length_ps(from: Time, to: Time) -> AnnotationValue {
    AnnotationValue::Unsigned(to.saturating_since(from).picoseconds())
}

impl TimelineForm for PerfettoTrace<'_> {
    fn segment(&mut self, segment: &SegmentSlice<'_>) -> io::Result<()> {
        let track = self.tracks.unit(segment.accelerator, segment.unit);
        self.event(segment.from, EventKind::SliceBegin, track, |event, tracks| {
            event.category_iids.push(Category::Segment.iid());
            tracks.job_name(segment.job, &mut event.name);
            event.flow_ids.push(tracks.flow(segment.job.sequence));
            annotate(event, Key::Frame, AnnotationValue::Unsigned(segment.job.frame));
            annotate(event, Key::Model, AnnotationValue::Text(tracks.model(segment.model)));
            annotate(event, Key::Units, AnnotationValue::Unsigned(segment.units.into()));
            annotate(event, Key::Switched, AnnotationValue::Unsigned(segment.switched.into()));
            if segment.jobs > 1 {
                annotate(event, Key::Jobs, AnnotationValue::Unsigned(segment.jobs.into()));
            }
            annotate(event, Key::Length, length_ps(segment.from, segment.to));
        })?;
        for part in segment.parts {
            self.part(segment, part, track)?;
        }
        self.end(segment.to, track)
    }

    fn hold(&mut self, hold: &Hold) -> io::Result<()> {
        let track = self.tracks.unit(hold.accelerator, hold.unit);
        self.event(hold.from, EventKind::SliceBegin, track, |event, tracks| {
            event.category_iids.push(Category::Hold.iid());
            tracks.job_name(hold.job, &mut event.name);
            annotate(event, Key::Length, length_ps(hold.from, hold.to));
        })?;
        self.end(hold.to, track)
    }

    fn mark(&mut self, mark: &JobMark) -> io::Result<()> {
        let track = self.tracks.task(mark.job.task);
        self.event(mark.at, EventKind::Instant, track, |event, tracks| {
            event.category_iids.push(Category::Job.iid());
            event.name_iid = tracks.mark_name(mark.kind);
            annotate(event, Key::Frame, AnnotationValue::Unsigned(mark.job.frame));
            match mark.kind {
                MarkKind::Missed => return,
                MarkKind::Released => {
                    let deadline = nanoseconds(mark.deadline);
                    annotate(event, Key::Deadline, AnnotationValue::Unsigned(deadline));
                }
                MarkKind::Completed => {
                    // Rounded times have 55 bits, and so has a difference.
                    let late = nanoseconds(mark.at) as i64 - nanoseconds(mark.deadline) as i64;
                    annotate(event, Key::Lateness, AnnotationValue::Signed(late));
                }
                MarkKind::Dropped(_) | MarkKind::InFlight => {}
            }
            let flows =
                if mark.kind.is_last() { &mut event.terminating_flow_ids } else { &mut event.flow_ids };
            flows.push(tracks.flow(mark.job.sequence));
        })
    }

    fn counter(&mut self, at: Time, counter: Counter, value: f64) -> io::Result<()> {
        let track = self.tracks.counter(counter);
        self.event(at, EventKind::Counter, track, |event, _| event.double_counter_value = Some(value))
    }

    fn finish(&mut self, _end: Time) -> io::Result<()> {
        self.output.write_all(&self.buffer)?;
        self.buffer.clear();
        self.output.flush()
    }
}
