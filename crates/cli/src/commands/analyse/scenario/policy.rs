//! Policies as response-time analysis knows them: the order of jobs, and where they are preempted.

use rtmm_sweep::runner::Policy;
use rtmm_workload::input::suggestion;
use rtmm_workload::{Duration, Task};

use super::obstacle::Obstacle;

/// Orders of jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    EarliestDeadline,
    RateMonotonic,
    DeadlineMonotonic,
    Declared,
    Declaration,
}

/// Parts of jobs that are not preempted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Segments {
    Layers,
    Models,
}

/// A policy that is analysed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Analysed {
    pub order: Order,
    pub segments: Segments,
}

/// Policies that are analysed.
const POLICIES: [&str; 2] = ["edf", "fixed-priority"];
/// Parameters whose values are analysed; all others must be at their defaults. Of one accelerator, any choice among
/// several is the same, and bounds hold whatever decides between equals.
const FREE: [&str; 7] =
    ["granularity", "preemption", "priority", "placement", "count_switches", "ties", "serial_tasks"];
/// Values of `priority` with their orders.
const PRIORITIES: [(&str, Order); 4] = [
    ("rate-monotonic", Order::RateMonotonic),
    ("deadline-monotonic", Order::DeadlineMonotonic),
    ("declared", Order::Declared),
    ("task-order", Order::Declaration),
];

impl Analysed {
    /// The policy, if it is one of those that are analysed.
    pub(super) fn of(policy: &Policy) -> Result<Self, Obstacle> {
        let name = policy.name.as_ref();
        if !POLICIES.contains(&name) {
            let help = suggestion(name, "policy", &POLICIES);
            return Err(Obstacle::Policy { name: name.to_owned(), help });
        }
        let parameters = &policy.parameters;
        let defaults = rtmm_workload::parameters::Parameters::defaults(parameters.schema());
        let changed = parameters.assignments().iter().find(|(key, value)| {
            !FREE.contains(&key.as_ref()) && defaults.get(key).is_none_or(|default| default != value)
        });
        if let Some((key, value)) = changed {
            return Err(Obstacle::Parameter { key: key.to_string(), value: value.to_string() });
        }
        let text = |key: &str| parameters.get(key).map(ToString::to_string).unwrap_or_default();
        let (granularity, preemption) = (text("granularity"), text("preemption"));
        let segments = match (granularity.as_str(), preemption.as_str()) {
            (_, "quantum") => {
                return Err(Obstacle::Parameter { key: "preemption".to_owned(), value: preemption });
            }
            ("layer", _) | ("model", "layer") => Segments::Layers,
            ("model", _) => Segments::Models,
            _ => return Err(Obstacle::Parameter { key: "granularity".to_owned(), value: granularity }),
        };
        let priority = text("priority");
        let order = PRIORITIES.iter().find(|(word, _)| *word == priority);
        let order = order.map_or(Order::EarliestDeadline, |(_, order)| *order);
        Ok(Self { order, segments })
    }

    /// Fixed priority of a task: smaller is more urgent. By deadline there is none.
    pub(super) fn urgency(
        self,
        task: &Task,
        place: usize,
        period: Option<Duration>,
        deadline: Duration,
    ) -> Result<u64, Obstacle> {
        match self.order {
            Order::EarliestDeadline => Ok(0),
            Order::RateMonotonic => Ok(period.unwrap_or(deadline).picoseconds()),
            Order::DeadlineMonotonic => Ok(deadline.picoseconds()),
            Order::Declared if task.drawn_priorities.len() > 1 => Err(Obstacle::DrawnPriorities),
            // Larger is more important there.
            Order::Declared => Ok((i64::from(i32::MAX) - i64::from(task.priority)).unsigned_abs()),
            Order::Declaration => Ok(place as u64),
        }
    }
}
