//! Plans of the scheduler, and the tasks that the load generator draws, against the program.

use crate::moca_cases;

use rtmm_reference::moca::Fixes;
use rtmm_reference::moca::case_file::{self, Case, Planner};
use rtmm_reference::moca::load_generator::{self, Qos, WorkloadSet};
use rtmm_reference::moca::scheduler::{Scheduler, SinglePlan};
use rtmm_workload::input::Source;
use serde_json::{Value, json};

#[test]
fn every_recorded_plan_is_the_programs() {
    let cases: Vec<Value> = serde_json::from_str(&moca_cases::text("plans.json.gz")).expect("cases");
    let (mut calls, mut pairs) = (0, 0);
    for recorded in &cases {
        let Ok(Case::Plans(case)) = case_file::read(&Source::new("case", recorded.to_string())) else {
            panic!("{} is no case of plans", recorded["case"]);
        };
        let mut scheduler = Scheduler::new(case.tasks, &Fixes::default()).expect("tables");
        for (call, recorded) in case.calls.iter().zip(recorded["calls"].as_array().expect("calls")) {
            call.set_status.iter().for_each(|(task, status)| scheduler.set_status(*task, *status));
            let mut found = match case.planner {
                Planner::Multi => {
                    let plan = scheduler.plan(call.now_cycle);
                    pairs += plan.pairs.len();
                    let found: Vec<Value> = plan
                        .pairs
                        .iter()
                        .map(|pair| json!([pair.group, pair.round, pair.task, pair.partner]))
                        .collect();
                    json!({ "rounds": plan.rounds(), "iterations": plan.iterations, "queues": plan.queues, "pairs": found })
                }
                Planner::Single => match scheduler.plan_single(call.now_cycle) {
                    SinglePlan::Queue(queue) => json!({ "rounds": queue.len(), "queue": queue }),
                    SinglePlan::NothingLeft => json!({ "rounds": -1, "queue": [] }),
                },
            };
            found["status"] = json!(scheduler.status());
            assert_eq!(found, recorded["expect"], "{} at {}", case.name, call.now_cycle);
            calls += 1;
        }
    }
    assert_eq!((cases.len(), calls, pairs), (20, 76, 125), "as the page says");
}

#[test]
fn every_logged_task_is_drawn() {
    let columns = ["workload_set", "qos", "model", "priority", "dispatch_cycle", "target_cycles", "policy"];
    let rows = moca_cases::columns("queries.csv.gz", &columns);
    let mut count = 0;
    for set in WorkloadSet::ALL {
        let tasks = load_generator::tasks(set);
        for qos in Qos::ALL {
            for policy in ["static", "moca"] {
                let logged = rows
                    .iter()
                    .filter(|row| row[0] == set.name() && row[1] == qos.name() && row[6] == policy);
                let logged: Vec<&[String]> = logged.map(|row| &row[2..6]).collect();
                assert_eq!(logged.len(), tasks.len());
                for (index, (task, logged)) in tasks.iter().zip(logged).enumerate() {
                    let drawn = [
                        task.net.name().to_owned(),
                        task.priority.to_string(),
                        task.dispatch_cycle.to_string(),
                        qos.target_cycles(task.net).to_string(),
                    ];
                    assert_eq!(drawn, logged, "{} {} {index}", set.name(), qos.name());
                    count += 1;
                }
            }
        }
    }
    assert_eq!(count, 4_500);
}
