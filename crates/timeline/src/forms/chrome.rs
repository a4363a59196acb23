//! Chrome traces: the JSON form of trace events, as `chrome://tracing`, Perfetto and speedscope read it.
//!
//! Every accelerator is a process with a thread for each of its units; the jobs are one with a thread for each task. A
//! slice is a complete event (`X`) whose ends are rounded to nanoseconds before its duration is taken: times of this form
//! are microseconds with three decimals. Viewers round a start and a duration by themselves, and drop slices that then
//! overlap. A slice of no length is an instant (`i`): Perfetto sorts complete events of one instant by their length, and
//! takes one of no length among them for one without an end.
//!
//! An event of a flow belongs to the slice of its thread that began last. So it comes right behind the one that it means,
//! at the same instant.

use std::io::{self, Write};

use rtmm_hardware::PowerUnit;
use rtmm_sim::System;
use rtmm_workload::Time;

use crate::form::{Counter, Hold, JobMark, JobRef, MarkKind, SegmentPartKind, SegmentSlice, TimelineForm};
use crate::nanoseconds::nanoseconds;

/// Bytes that are kept before they are written.
const BUFFER: usize = 1 << 16;

/// A Chrome trace that is being written.
pub struct ChromeTrace<'s> {
    output: io::BufWriter<Box<dyn Write + 's>>,
    /// By task: its name as the inside of a JSON string.
    tasks: Vec<String>,
    /// By model, as JSON strings.
    models: Vec<String>,
    /// By model and layer, as JSON strings.
    layers: Vec<Vec<String>>,
    /// The process of the jobs, behind those of the accelerators.
    jobs: usize,
    is_first: bool,
}

/// A process and a thread of it.
#[derive(Clone, Copy)]
struct Thread {
    pid: usize,
    tid: usize,
}

/// Start and end of a slice, in nanoseconds.
#[derive(Clone, Copy)]
struct Span {
    from: u64,
    to: u64,
}

impl Span {
    fn new(from: Time, to: Time) -> Self {
        Self { from: nanoseconds(from), to: nanoseconds(to) }
    }
}

/// Nanoseconds as microseconds.
struct Microseconds(u64);

impl std::fmt::Display for Microseconds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{:03}", self.0 / 1_000, self.0 % 1_000)
    }
}

/// A text as a JSON string.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A text as the inside of a JSON string.
fn escaped(text: &str) -> String {
    let quoted = quoted(text);
    quoted[1..quoted.len() - 1].to_owned()
}

impl<'s> ChromeTrace<'s> {
    /// Begins a trace with the names of its processes and threads.
    ///
    /// # Errors
    /// [`io::Error`] where the output cannot be written.
    pub fn new(system: &'s System, output: Box<dyn Write + 's>) -> io::Result<Self> {
        let layers = |model: &rtmm_workload::Model| {
            model.layers.iter().map(|layer| quoted(&layer.name)).collect::<Vec<_>>()
        };
        let accelerators = &system.platform.accelerators;
        let mut trace = Self {
            output: io::BufWriter::with_capacity(BUFFER, output),
            tasks: system.scenario.tasks.iter().map(|task| escaped(&task.name)).collect(),
            models: system.models.iter().map(|model| quoted(&model.name)).collect(),
            layers: system.models.iter().map(layers).collect(),
            jobs: accelerators.len() + 1,
            is_first: true,
        };
        trace.output.write_all(b"{\"displayTimeUnit\":\"ns\",\"traceEvents\":[")?;
        for (accelerator, pid) in accelerators.iter().zip(1..) {
            trace.name("process", Thread { pid, tid: 0 }, &accelerator.name)?;
            for tid in 1..=accelerator.units() as usize {
                trace.name("thread", Thread { pid, tid }, &format!("unit {}", tid - 1))?;
            }
        }
        let pid = trace.jobs;
        trace.name("process", Thread { pid, tid: 0 }, "jobs")?;
        for (task, tid) in system.scenario.tasks.iter().zip(1..) {
            trace.name("thread", Thread { pid, tid }, &task.name)?;
        }
        Ok(trace)
    }

    /// Begins an event: what stands between two of them.
    fn next(&mut self) -> io::Result<()> {
        let between: &[u8] = if std::mem::take(&mut self.is_first) { b"\n" } else { b",\n" };
        self.output.write_all(between)
    }

    /// Names a process or a thread, and states its place.
    fn name(&mut self, kind: &str, Thread { pid, tid }: Thread, name: &str) -> io::Result<()> {
        let (name, place) = (quoted(name), if kind == "process" { pid } else { tid });
        for (of, key, value) in [("name", "name", name), ("sort_index", "sort_index", place.to_string())] {
            self.next()?;
            write!(
                self.output,
                r#"{{"ph":"M","pid":{pid},"tid":{tid},"name":"{kind}_{of}","args":{{"{key}":{value}}}}}"#
            )?;
        }
        Ok(())
    }

    /// Writes a slice, an instant where it has no length, up to its name.
    fn slice(&mut self, category: &str, Thread { pid, tid }: Thread, span: Span) -> io::Result<()> {
        self.next()?;
        let ts = Microseconds(span.from);
        if span.from == span.to {
            let out = &mut self.output;
            return write!(
                out,
                r#"{{"ph":"i","s":"t","cat":"{category}","pid":{pid},"tid":{tid},"ts":{ts},"name":"#
            );
        }
        let dur = Microseconds(span.to - span.from);
        write!(
            self.output,
            r#"{{"ph":"X","cat":"{category}","pid":{pid},"tid":{tid},"ts":{ts},"dur":{dur},"name":"#
        )
    }

    /// Writes the name of a job, and the beginning of its arguments.
    fn job(&mut self, job: JobRef) -> io::Result<()> {
        let JobRef { task, frame, .. } = job;
        write!(self.output, r#""{} {frame}","args":{{"frame":{frame}"#, self.tasks[task.index()])
    }

    /// Writes the step of a flow that belongs to the last slice of a thread.
    fn flow(&mut self, phase: &str, Thread { pid, tid }: Thread, at: u64, sequence: u64) -> io::Result<()> {
        self.next()?;
        let ts = Microseconds(at);
        write!(
            self.output,
            r#"{{"ph":"{phase}","cat":"job","pid":{pid},"tid":{tid},"ts":{ts},"id":{sequence},"name":"job"}}"#
        )
    }
}

impl TimelineForm for ChromeTrace<'_> {
    fn segment(&mut self, segment: &SegmentSlice<'_>) -> io::Result<()> {
        let thread = Thread { pid: segment.accelerator.index() + 1, tid: segment.unit as usize + 1 };
        let span = Span::new(segment.from, segment.to);
        self.slice("segment", thread, span)?;
        self.job(segment.job)?;
        let (model, units) = (&self.models[segment.model.index()], segment.units);
        let switched = u8::from(segment.switched);
        let length = segment.to.saturating_since(segment.from).picoseconds();
        if segment.jobs > 1 {
            write!(self.output, r#","jobs":{}"#, segment.jobs)?;
        }
        write!(
            self.output,
            r#","model":{model},"units":{units},"switched":{switched},"length_ps":{length}}}}}"#
        )?;
        self.flow("t", thread, span.from, segment.job.sequence)?;
        for part in segment.parts {
            let (category, layer) = match part.kind {
                SegmentPartKind::Layer(layer) => ("layer", Some(layer)),
                SegmentPartKind::PartOfLayer(layer) => ("part of layer", Some(layer)),
                SegmentPartKind::ContextSwitch => ("context switch", None),
                SegmentPartKind::Move => ("move", None),
                SegmentPartKind::Migration => ("migration", None),
            };
            self.slice(category, thread, Span::new(part.from, part.to))?;
            match layer {
                Some(layer) => {
                    let name = &self.layers[segment.model.index()][layer.index()];
                    write!(self.output, "{name}}}")?;
                }
                None => write!(self.output, r#""{category}"}}"#)?,
            }
        }
        Ok(())
    }

    fn hold(&mut self, hold: &Hold) -> io::Result<()> {
        let thread = Thread { pid: hold.accelerator.index() + 1, tid: hold.unit as usize + 1 };
        self.slice("hold", thread, Span::new(hold.from, hold.to))?;
        self.job(hold.job)?;
        write!(self.output, r#","length_ps":{}}}}}"#, hold.to.saturating_since(hold.from).picoseconds())
    }

    fn mark(&mut self, mark: &JobMark) -> io::Result<()> {
        let thread = Thread { pid: self.jobs, tid: mark.job.task.index() + 1 };
        let at = nanoseconds(mark.at);
        self.slice("job", thread, Span { from: at, to: at })?;
        let frame = mark.job.frame;
        write!(self.output, r#""{}","args":{{"frame":{frame}"#, mark.kind.name())?;
        let deadline = nanoseconds(mark.deadline);
        match mark.kind {
            MarkKind::Released => write!(self.output, r#","deadline_ns":{deadline}"#)?,
            MarkKind::Completed => {
                // Rounded times have 55 bits, and so has a difference.
                write!(self.output, r#","lateness_ns":{}"#, at as i64 - deadline as i64)?;
            }
            MarkKind::Missed | MarkKind::Dropped(_) | MarkKind::InFlight => {}
        }
        self.output.write_all(b"}}")?;
        match mark.kind {
            MarkKind::Missed => Ok(()),
            kind if kind.is_last() => {
                self.next()?;
                let (Thread { pid, tid }, ts, id) = (thread, Microseconds(at), mark.job.sequence);
                write!(
                    self.output,
                    r#"{{"ph":"f","bp":"e","cat":"job","pid":{pid},"tid":{tid},"ts":{ts},"id":{id},"name":"job"}}"#
                )
            }
            _ => self.flow("s", thread, at, mark.job.sequence),
        }
    }

    fn counter(&mut self, at: Time, counter: Counter, value: f64) -> io::Result<()> {
        let (pid, name, unit) = match counter {
            Counter::Queue => (self.jobs, "queue length", "jobs"),
            Counter::Bandwidth => (self.jobs, "DRAM bandwidth granted", "B/s"),
            Counter::Utilisation(accelerator) => (accelerator.index() + 1, "utilisation", "%"),
            Counter::Clock(PowerUnit::Accelerator(accelerator)) => (accelerator.index() + 1, "clock", "Hz"),
            Counter::Clock(PowerUnit::Dram) => (self.jobs, "DRAM clock", "Hz"),
        };
        self.next()?;
        let ts = Microseconds(nanoseconds(at));
        write!(
            self.output,
            r#"{{"ph":"C","pid":{pid},"ts":{ts},"name":"{name}","args":{{"{unit}":{value}}}}}"#
        )
    }

    fn finish(&mut self, _end: Time) -> io::Result<()> {
        self.output.write_all(b"\n]}\n")?;
        self.output.flush()
    }
}
