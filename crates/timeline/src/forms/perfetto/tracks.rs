//! The tracks of a Perfetto trace, and the texts that its events name by number.

use std::fmt::Write;

use rtmm_hardware::{AcceleratorId, PowerUnit};
use rtmm_sim::{DropCause, System};
use rtmm_workload::{LayerId, ModelId, TaskId};

use super::proto::{
    CounterDescriptor, IN_STATED_ORDER, INCREMENTAL_STATE_CLEARED, InternedData, InternedText, TracePacket,
    TrackDescriptor,
};
use crate::form::{Counter, JobRef, MarkKind};

/// The sequence of all packets of a run.
const SEQUENCE: u32 = 1;
/// That of another run in the same trace.
const OTHER_SEQUENCE: u32 = 2;
/// First number of the tracks and flows of another run: those of a run are below.
const OTHER_FIRST: u64 = 1 << 40;

/// The tracks that are there in every trace.
const JOBS: u64 = 1;
const QUEUE: u64 = 2;
const BANDWIDTH: u64 = 3;
const FIRST: u64 = 4;

/// Defines numbered texts: a closed set, numbered from 1 in the order given.
macro_rules! texts {
    ($(#[$meta:meta])* $name:ident { $($variant:ident = $text:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy)]
        pub(super) enum $name { $($variant,)* }

        impl $name {
            const TEXTS: &[&str] = &[$($text,)*];

            pub(super) fn iid(self) -> u64 {
                self as u64 + 1
            }
        }
    };
}

texts! {
    /// Category of an event.
    Category {
        Segment = "segment",
        Hold = "hold",
        Layer = "layer",
        PartOfLayer = "part of layer",
        ContextSwitch = "context switch",
        Migration = "migration",
        Job = "job",
        // The last one, which traces of platforms without links do not name.
        Move = "move",
    }
}

/// Categories that every trace has.
const CATEGORIES: usize = Category::TEXTS.len() - 1;

texts! {
    /// Name of an argument.
    Key {
        Frame = "frame",
        Model = "model",
        Units = "units",
        Switched = "switched",
        Length = "length_ps",
        Deadline = "deadline_ns",
        Lateness = "lateness_ns",
        // The last one, which traces without batches do not name.
        Jobs = "jobs",
    }
}

/// The marks of jobs, in the order of their numbers.
const MARKS: [MarkKind; 6] = [
    MarkKind::Released,
    MarkKind::Completed,
    MarkKind::Missed,
    MarkKind::Dropped(DropCause::Policy),
    MarkKind::Dropped(DropCause::Upstream),
    MarkKind::InFlight,
];

/// Numbers of tracks and of texts.
pub(super) struct Tracks<'s> {
    system: &'s System,
    /// By accelerator: the number of its own track, after which those of its units and of its utilisation come.
    accelerators: Vec<u64>,
    /// By model: the number of the name of its first layer.
    layers: Vec<u64>,
    first_task: u64,
    /// The number of the name of moves, behind those of all layers.
    move_name: u64,
    /// Of another run beside the one that the trace is of: the word that the names of its tracks end with.
    label: Option<String>,
}

impl<'s> Tracks<'s> {
    pub(super) fn new(system: &'s System, label: Option<String>) -> Self {
        let mut next = FIRST + if label.is_some() { OTHER_FIRST } else { 0 };
        let mut accelerators = Vec::new();
        for accelerator in &system.platform.accelerators {
            accelerators.push(next);
            next += 2 + u64::from(accelerator.units());
        }
        let mut name = (CATEGORIES + MARKS.len()) as u64 + 1;
        let mut layers = Vec::new();
        for model in system.models.iter() {
            layers.push(name);
            name += model.layers.len() as u64;
        }
        Self { system, accelerators, layers, first_task: next, move_name: name, label }
    }

    /// The sequence that all packets are of.
    pub(super) fn sequence(&self) -> u32 {
        if self.label.is_some() { OTHER_SEQUENCE } else { SEQUENCE }
    }

    /// The number of a flow: above zero, which would be none.
    pub(super) fn flow(&self, sequence: u64) -> u64 {
        sequence.saturating_add(1 + self.shift())
    }

    fn shift(&self) -> u64 {
        if self.label.is_some() { OTHER_FIRST } else { 0 }
    }

    /// The name of a track.
    fn title(&self, name: &str) -> String {
        self.label.as_ref().map_or_else(|| name.to_owned(), |label| format!("{name} ({label})"))
    }

    pub(super) fn unit(&self, accelerator: AcceleratorId, unit: u32) -> u64 {
        self.accelerators[accelerator.index()] + 2 + u64::from(unit)
    }

    pub(super) fn task(&self, task: TaskId) -> u64 {
        self.first_task + task.index() as u64
    }

    /// The clock of the accelerator at a position, or behind all of them that of the memory.
    fn clock(&self, position: usize) -> u64 {
        self.first_task + (self.system.scenario.tasks.len() + position) as u64
    }

    pub(super) fn counter(&self, counter: Counter) -> u64 {
        match counter {
            Counter::Queue => QUEUE + self.shift(),
            Counter::Bandwidth => BANDWIDTH + self.shift(),
            Counter::Utilisation(accelerator) => self.accelerators[accelerator.index()] + 1,
            Counter::Clock(PowerUnit::Accelerator(accelerator)) => self.clock(accelerator.index()),
            Counter::Clock(PowerUnit::Dram) => self.clock(self.accelerators.len()),
        }
    }

    /// Appends the name of a job: its task and its frame.
    pub(super) fn job_name(&self, job: JobRef, name: &mut String) {
        name.push_str(&self.system.scenario.tasks[job.task.index()].name);
        // Writing to a text does not fail.
        let _ = write!(name, " {}", job.frame);
    }

    pub(super) fn layer(&self, model: ModelId, layer: LayerId) -> u64 {
        self.layers[model.index()] + layer.index() as u64
    }

    /// The number of a category's text among the names of events.
    pub(super) fn category_name(&self, category: Category) -> u64 {
        if matches!(category, Category::Move) { self.move_name } else { category.iid() }
    }

    pub(super) fn mark_name(&self, kind: MarkKind) -> u64 {
        let place = MARKS.iter().position(|mark| *mark == kind).unwrap_or_default();
        (CATEGORIES + place) as u64 + 1
    }

    pub(super) fn model(&self, model: ModelId) -> u64 {
        model.index() as u64 + 1
    }

    /// The packets that a trace begins with: all texts, all tracks.
    pub(super) fn packets(&self) -> Vec<TracePacket> {
        let texts = TracePacket {
            trusted_packet_sequence_id: self.sequence(),
            sequence_flags: INCREMENTAL_STATE_CLEARED,
            interned_data: Some(self.texts()),
            ..TracePacket::default()
        };
        let described = self.descriptors().into_iter().map(|track| TracePacket {
            trusted_packet_sequence_id: self.sequence(),
            track_descriptor: Some(track),
            ..TracePacket::default()
        });
        std::iter::once(texts).chain(described).collect()
    }

    fn texts(&self) -> InternedData {
        let keys = Key::TEXTS.len() - usize::from(!self.system.platform.has_batches());
        let marks = MARKS.iter().map(|mark| mark.name());
        let layers = self.system.models.iter().flat_map(|model| &model.layers);
        let (common, moves) = Category::TEXTS.split_at(CATEGORIES);
        let moves = moves.iter().copied().filter(|_| self.system.platform.transfers.is_some());
        let common = common.iter().copied();
        let layers = layers.map(|layer| layer.name.as_str());
        let names = common.clone().chain(marks).chain(layers).chain(moves.clone());
        InternedData {
            event_categories: numbered(common.chain(moves)),
            event_names: numbered(names),
            debug_annotation_names: numbered(Key::TEXTS.iter().copied().take(keys)),
            debug_annotation_string_values: numbered(
                self.system.models.iter().map(|model| model.name.as_str()),
            ),
        }
    }

    fn descriptors(&self) -> Vec<TrackDescriptor> {
        let platform = &self.system.platform;
        let mut tracks = Vec::new();
        // Of another run nothing is told but segments, jobs and the queue.
        let is_other = self.label.is_some();
        for ((index, accelerator), first) in platform.accelerators.iter().enumerate().zip(&self.accelerators)
        {
            tracks.push(group(*first, &self.title(&accelerator.name)));
            if !is_other {
                tracks.push(counter(first + 1, *first, "utilisation", "%"));
                if accelerator.power.is_some() {
                    tracks.push(counter(self.clock(index), *first, "clock", "Hz"));
                }
            }
            let units = (0..accelerator.units()).zip(first + 2..);
            tracks.extend(units.map(|(unit, uuid)| child(uuid, *first, format!("unit {unit}"), unit + 1)));
        }
        let jobs = JOBS + self.shift();
        tracks.push(group(jobs, &self.title("jobs")));
        let tasks = self.system.scenario.tasks.iter().zip(self.first_task..).zip(0..);
        tracks.extend(tasks.map(|((task, uuid), rank)| child(uuid, jobs, task.name.clone(), rank)));
        tracks.push(counter(QUEUE + self.shift(), 0, &self.title("queue length"), "jobs"));
        if platform.shared_dram.is_some() && !is_other {
            tracks.push(counter(BANDWIDTH, 0, "DRAM bandwidth granted", "B/s"));
        }
        if platform.power.dram.is_some() && !is_other {
            tracks.push(counter(self.clock(platform.accelerators.len()), 0, "DRAM clock", "Hz"));
        }
        tracks
    }
}

fn numbered<'t>(texts: impl Iterator<Item = &'t str>) -> Vec<InternedText> {
    texts.zip(1..).map(|(name, iid)| InternedText { iid, name: name.to_owned() }).collect()
}

fn group(uuid: u64, name: &str) -> TrackDescriptor {
    TrackDescriptor {
        uuid,
        name: name.to_owned(),
        child_ordering: IN_STATED_ORDER,
        ..TrackDescriptor::default()
    }
}

fn child(uuid: u64, parent_uuid: u64, name: String, rank: u32) -> TrackDescriptor {
    let sibling_order_rank = i32::try_from(rank).unwrap_or(i32::MAX);
    TrackDescriptor { uuid, name, parent_uuid, sibling_order_rank, ..TrackDescriptor::default() }
}

fn counter(uuid: u64, parent_uuid: u64, name: &str, unit: &str) -> TrackDescriptor {
    let counter = Some(CounterDescriptor { unit_name: unit.to_owned() });
    TrackDescriptor { uuid, name: name.to_owned(), parent_uuid, counter, ..TrackDescriptor::default() }
}
