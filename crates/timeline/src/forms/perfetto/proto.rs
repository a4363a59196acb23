//! The part of Perfetto's trace format that a timeline writes, as protobuf messages.
//!
//! Field numbers are those of `perfetto_trace.proto` of Perfetto v52. That is a proto2 file: repeated numbers are not packed,
//! and Perfetto reads no packed ones. Tests decode timelines by the same messages.

/// A trace: packets in any order of time.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Trace {
    /// Packets.
    #[prost(message, repeated, tag = "1")]
    pub packet: Vec<TracePacket>,
}

/// A packet: an event, the description of a track, or interned texts.
#[derive(Clone, PartialEq, prost::Message)]
pub struct TracePacket {
    /// Instant, in nanoseconds.
    #[prost(uint64, optional, tag = "8")]
    pub timestamp: Option<u64>,
    /// Sequence of packets that share interned texts.
    #[prost(uint32, tag = "10")]
    pub trusted_packet_sequence_id: u32,
    /// Event.
    #[prost(message, optional, tag = "11")]
    pub track_event: Option<TrackEvent>,
    /// Texts that later packets of the sequence name by number.
    #[prost(message, optional, tag = "12")]
    pub interned_data: Option<InternedData>,
    /// Relation to the interned texts: [`INCREMENTAL_STATE_CLEARED`], [`NEEDS_INCREMENTAL_STATE`].
    #[prost(uint32, tag = "13")]
    pub sequence_flags: u32,
    /// Description of a track.
    #[prost(message, optional, tag = "60")]
    pub track_descriptor: Option<TrackDescriptor>,
}

/// Flag of the packet from which interned texts count.
pub const INCREMENTAL_STATE_CLEARED: u32 = 1;
/// Flag of packets that name interned texts.
pub const NEEDS_INCREMENTAL_STATE: u32 = 2;

/// Something that happens on a track.
#[derive(Clone, PartialEq, prost::Message)]
pub struct TrackEvent {
    /// Categories, as interned texts.
    #[prost(uint64, repeated, packed = "false", tag = "3")]
    pub category_iids: Vec<u64>,
    /// Arguments.
    #[prost(message, repeated, tag = "4")]
    pub debug_annotations: Vec<DebugAnnotation>,
    /// Kind of event.
    #[prost(enumeration = "EventKind", tag = "9")]
    pub r#type: i32,
    /// Name, as an interned text.
    #[prost(uint64, tag = "10")]
    pub name_iid: u64,
    /// Track.
    #[prost(uint64, tag = "11")]
    pub track_uuid: u64,
    /// Name, as a text.
    #[prost(string, tag = "23")]
    pub name: String,
    /// Value of a counter.
    #[prost(double, optional, tag = "44")]
    pub double_counter_value: Option<f64>,
    /// Flows that go through the event.
    #[prost(fixed64, repeated, packed = "false", tag = "47")]
    pub flow_ids: Vec<u64>,
    /// Flows that end in it.
    #[prost(fixed64, repeated, packed = "false", tag = "48")]
    pub terminating_flow_ids: Vec<u64>,
}

/// Kind of a [`TrackEvent`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub enum EventKind {
    /// None.
    Unspecified = 0,
    /// A slice begins.
    SliceBegin = 1,
    /// The innermost slice of the track ends.
    SliceEnd = 2,
    /// An instant.
    Instant = 3,
    /// A value of a counter.
    Counter = 4,
}

/// An argument of an event.
#[derive(Clone, PartialEq, prost::Message)]
pub struct DebugAnnotation {
    /// Name, as an interned text.
    #[prost(uint64, tag = "1")]
    pub name_iid: u64,
    /// Value.
    #[prost(oneof = "AnnotationValue", tags = "3, 4, 17")]
    pub value: Option<AnnotationValue>,
}

/// Value of an argument.
#[derive(Clone, Copy, PartialEq, prost::Oneof)]
pub enum AnnotationValue {
    /// A count.
    #[prost(uint64, tag = "3")]
    Unsigned(u64),
    /// A number that may lie below zero.
    #[prost(int64, tag = "4")]
    Signed(i64),
    /// An interned text.
    #[prost(uint64, tag = "17")]
    Text(u64),
}

/// Texts by their numbers.
#[derive(Clone, PartialEq, prost::Message)]
pub struct InternedData {
    /// Categories.
    #[prost(message, repeated, tag = "1")]
    pub event_categories: Vec<InternedText>,
    /// Names of events.
    #[prost(message, repeated, tag = "2")]
    pub event_names: Vec<InternedText>,
    /// Names of arguments.
    #[prost(message, repeated, tag = "3")]
    pub debug_annotation_names: Vec<InternedText>,
    /// Texts of arguments.
    #[prost(message, repeated, tag = "29")]
    pub debug_annotation_string_values: Vec<InternedText>,
}

/// A text with its number: `EventCategory`, `EventName`, `DebugAnnotationName` and `InternedString` are alike.
#[derive(Clone, PartialEq, prost::Message)]
pub struct InternedText {
    /// Number, from 1.
    #[prost(uint64, tag = "1")]
    pub iid: u64,
    /// Text.
    #[prost(string, tag = "2")]
    pub name: String,
}

/// A track.
#[derive(Clone, PartialEq, prost::Message)]
pub struct TrackDescriptor {
    /// Its identity.
    #[prost(uint64, tag = "1")]
    pub uuid: u64,
    /// Its name.
    #[prost(string, tag = "2")]
    pub name: String,
    /// The track that it belongs to; 0 for none.
    #[prost(uint64, tag = "5")]
    pub parent_uuid: u64,
    /// Description of a counter; none for slices.
    #[prost(message, optional, tag = "8")]
    pub counter: Option<CounterDescriptor>,
    /// Order of its children: [`IN_STATED_ORDER`].
    #[prost(int32, tag = "11")]
    pub child_ordering: i32,
    /// Its place among the children of its parent.
    #[prost(int32, tag = "12")]
    pub sibling_order_rank: i32,
}

/// Order of children by their rank.
pub const IN_STATED_ORDER: i32 = 3;

/// A counter.
#[derive(Clone, PartialEq, prost::Message)]
pub struct CounterDescriptor {
    /// Unit of its values, as a text.
    #[prost(string, tag = "6")]
    pub unit_name: String,
}
