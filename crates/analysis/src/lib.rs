//! Worst cases without simulation.
//!
//! [`explore`] bounds when each job of a set can be complete, over all its arrivals and times;
//! [`fixed_priority_response`] and [`edf_response`] bound the response times of recurring tasks on one accelerator,
//! [`cascade_responses`] those of tasks that wait for others, on several; [`dataflow_response`] those of a graph of operators
//! that pass items on.
//! [`METHODS`] names the theorem that each rests on.
//!
//! ```
//! use rtmm_analysis::{JobOrder, Limits, Processors, explore, read_job_set};
//! use rtmm_workload::input::Source;
//!
//! let table = "Task ID, Job ID, Arrival min, Arrival max, Cost min, Cost max, Deadline, Priority\n\
//!              1, 1, 0, 2, 1, 3, 10, 1\n\
//!              2, 1, 0, 0, 4, 4, 10, 2\n";
//! let jobs = read_job_set(&Source::new("jobs.csv", table))?;
//! let explored = explore(&jobs, JobOrder::FixedPriority, Processors::ONE, &Limits::default());
//! // The first job may come just after the second one started.
//! let bounds = explored.bounds.unwrap();
//! assert_eq!(bounds[0].completion.max.picoseconds(), 7);
//! # Ok::<(), rtmm_workload::input::Diagnostics>(())
//! ```

mod dataflow;
mod exploration;
mod interval;
mod job_set;
mod job_table;
mod method;
mod response_time;

pub use dataflow::{DataflowError, DataflowGraph, Item, dataflow_response, dataflow_schedule};
pub use exploration::{Explored, JobBounds, Limits, explore};
pub use interval::Interval;
pub use job_set::{Job, JobNumber, JobOrder, JobSet, JobSetError, Processors, TaskNumber};
pub use job_table::{JOB_COLUMNS, read_job_set};
pub use method::{Claim, METHODS, Method};
pub use response_time::{
    CascadeTask, RecurringTask, ResponseBound, Unbounded, cascade_responses, edf_response,
    fixed_priority_response,
};
