//! Single rules of the runtime, with the quirk and with its fix, on states that can be worked out on paper.

#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use rtmm_reference::moca::contention::{GroupIndex, Mode, Published, Query, Setting, TableEntry, TaskState};
use rtmm_reference::moca::load_generator::{self, Qos, WorkloadSet};
use rtmm_reference::moca::scheduler::{Scheduler, SinglePlan, Status, Task, TaskIndex};
use rtmm_reference::moca::{
    Addition, Convolution, Estimate, Fixes, Layer, MocaError, Net, Pooling, Product, Split,
};

const PAIR: Split = Split { tiles: 2, batch_divide: 1, tile_index: 0 };
/// A product with nine tiles a core on two cores.
const LAYER: Layer = Layer::Product(Product { i: 3_136, j: 64, k: 64 });
/// A demand of 80 rows in 100 cycles.
const ENTRY: TableEntry = TableEntry { from_dram: 800, prediction: 1_000 };
const TASK: TaskState = TaskState { priority: 3, dispatch: 0, target: 1_000, togo: 300, elapsed: 500 };

/// Groups 1 to 3 demand 60, 40 and 20 rows in 100 cycles, with scores 1, 2 and 10.
fn query(mode: Mode) -> Query {
    Query {
        group: GroupIndex::ALL[0],
        mode,
        entry: Some(ENTRY),
        published: Published { demand_percent: [7, 60, 40, 20], score: [9, 1, 2, 10] },
        task: TASK,
    }
}

fn setting(layer: &Layer, split: Split, query: &Query, fixes: &Fixes) -> Setting {
    let estimate = Estimate::of(layer, split, fixes).expect("an estimate");
    Setting::of(layer, split, &estimate, query, fixes)
}

#[test]
fn a_share_of_the_excess_goes_by_demand() {
    let quirky = setting(&LAYER, PAIR, &query(Mode::Decide), &Fixes::default());
    // Slack 500, score 1 + 6; 50 of 200 are too many, the others have 120 of 200 parts of the demand.
    assert_eq!((quirky.slack, quirky.score, quirky.others_percent), (Some(500), 7, 120));
    assert_eq!((quirky.weight, quirky.share_percent), (7 * 120, Some(80 - 30)));
    assert_eq!(quirky.new_time, 100 * 800 / 50);
    let tiles = quirky.inner_tiles.unsigned_abs();
    assert_eq!(quirky.window, 1_600 / tiles);
    assert_eq!(quirky.threshold, quirky.loads.unsigned_abs() / tiles);
    // Published are the demand without the throttle, and the score.
    assert_eq!(quirky.published, Published { demand_percent: [80, 60, 40, 20], score: [7, 1, 2, 10] });
    assert_eq!(quirky.togo, 300, "taken off when the layer ends");
}

#[test]
fn fixes_change_what_is_weighed_and_what_is_published() {
    let fixed = |fixes: Fixes| setting(&LAYER, PAIR, &query(Mode::Decide), &fixes);
    let scores = fixed(Fixes { scores_of_others: true, ..Fixes::default() });
    // 60 + 2 * 40 + 10 * 20 against 7 * 80.
    assert_eq!((scores.weight, scores.share_percent), (340, Some(80 - 50 * 340 / 900)));
    let demand = fixed(Fixes { throttled_demand: true, ..Fixes::default() });
    assert_eq!((demand.share_percent, demand.published.demand_percent[0]), (Some(50), 50));
    let off = |fixes: Fixes| setting(&LAYER, PAIR, &query(Mode::Off), &fixes).published.demand_percent[0];
    assert_eq!(off(Fixes::default()), 0);
    assert_eq!(off(Fixes { demand_of_disabled: true, ..Fixes::default() }), 80);
}

#[test]
fn only_leaders_publish_and_only_slower_layers_are_throttled() {
    let follower = Split { tile_index: 1, ..PAIR };
    let quirky = setting(&LAYER, follower, &query(Mode::Decide), &Fixes::default());
    assert_eq!((quirky.published, quirky.share_percent), (query(Mode::Decide).published, Some(50)));
    // A fixed share is no decision: the demand that was published stays.
    let fixed = setting(&LAYER, PAIR, &query(Mode::Share(79)), &Fixes::default());
    assert_eq!((fixed.published.demand_percent[0], fixed.window > 0), (7, true));
    let loose = setting(&LAYER, PAIR, &query(Mode::Share(80)), &Fixes::default());
    assert_eq!((loose.new_time, loose.window, loose.threshold), (1_000, 0, 0));
    // Fewer than four tiles are not throttled.
    let small = Layer::Product(Product { i: 64, j: 64, k: 64 });
    let small = setting(&small, PAIR, &query(Mode::Decide), &Fixes::default());
    assert_eq!((small.inner_tiles < 4, small.share_percent, small.window), (true, Some(50), 0));
}

#[test]
fn the_first_layer_is_never_throttled() {
    let first = Convolution {
        batch: 1,
        in_dim: 224,
        in_channels: 3,
        out_channels: 64,
        out_dim: 112,
        stride: 2,
        dilation: 1,
        padding: 3,
        kernel: 7,
        pool_size: 3,
        pool_stride: 2,
        pool_padding: 1,
        pool_ceil: false,
    };
    for mode in [Mode::Decide, Mode::Share(30)] {
        let setting = setting(&Layer::Convolution(first), PAIR, &query(mode), &Fixes::default());
        assert_eq!((setting.share_percent, setting.published.demand_percent[0]), (None, 0));
    }
}

#[test]
fn additions_use_the_published_scores_and_take_themselves_off() {
    let addition = Layer::Addition(Addition { i: 3_136, j: 256 });
    let setting = setting(&addition, PAIR, &query(Mode::Decide), &Fixes::default());
    let estimate = Estimate::of(&addition, PAIR, &Fixes::default()).expect("an estimate");
    assert_eq!((setting.slack, setting.score), (None, 9));
    assert_eq!(setting.weight, 60 + 2 * 40 + 10 * 20);
    assert_eq!(setting.published, query(Mode::Decide).published);
    assert_eq!(setting.togo, 300 - i64::try_from(estimate.prediction).expect("cycles"));
    let follower = Split { tile_index: 1, ..PAIR };
    assert_eq!(self::setting(&addition, follower, &query(Mode::Decide), &Fixes::default()).togo, 300);
}

/// A task may go on while fewer blocks have run than the list says, which is read beside its net.
#[test]
fn blocks_are_those_of_the_next_net() {
    let blocks = |net: Net, fixes: &Fixes| {
        (0..=3)
            .filter(|done| Status::of_number(*done).is_some_and(|status| status.may_run(net, fixes)))
            .count()
    };
    let quirky = Net::ALL.map(|net| blocks(net, &Fixes::default()));
    assert_eq!(quirky, [2, 2, 1, 2, 3, 1, 0]);
    let own = Net::ALL.map(|net| blocks(net, &Fixes { own_blocks: true, ..Fixes::default() }));
    assert_eq!(own, [4, 2, 2, 1, 2, 3, 1]);
}

fn tasks(nets: &[(Net, u32, u64)]) -> Vec<Task> {
    nets.iter()
        .map(|(net, priority, dispatch_cycle)| Task {
            net: *net,
            priority: *priority,
            dispatch_cycle: *dispatch_cycle,
        })
        .collect()
}

fn scheduler(nets: &[(Net, u32, u64)]) -> Scheduler {
    Scheduler::new(tasks(nets), &Fixes::default()).expect("tables")
}

fn numbers(tasks: &[TaskIndex]) -> Vec<usize> {
    tasks.iter().map(|task| task.index()).collect()
}

/// One long task keeps its group, so that the others fill up: once one of them has six, the rest is released.
#[test]
fn a_full_group_releases_what_is_left() {
    let mut nets = vec![(Net::Resnet50, 11, 0); 3];
    nets.extend([(Net::YoloLite, 0, 0); 30]);
    let mut scheduler = scheduler(&nets);
    let plan = scheduler.plan(0);
    let lengths: Vec<usize> = plan.queues.iter().map(|rounds| rounds[0].len()).collect();
    // Fifteen YOLO-Lites would fit beside one ResNet-50, but six are the most.
    assert_eq!(lengths, [1, 1, 1, 6]);
    assert_eq!(plan.iterations[0].candidates.len(), 24);
    assert_eq!(plan.queues[3][0].len(), 6);
    let planned = scheduler.status().iter().filter(|status| **status == Status::PLANNED).count();
    let queued: usize = plan.queues.iter().flatten().map(Vec::len).sum();
    assert_eq!(planned, queued, "what was released is not planned");
}

/// Tasks behind the frontier wait, but for the last five.
#[test]
fn the_last_tasks_are_planned_early() {
    let far = 1_000_000_000;
    let mut early =
        scheduler(&[(Net::Kws, 0, 0), (Net::Kws, 0, far), (Net::Kws, 0, far), (Net::Kws, 0, far)]);
    assert_eq!(early.plan(0).iterations[0].horizon, 4);
    let mut late = scheduler(&[[(Net::Kws, 0, 0)].as_slice(), &[(Net::Kws, 0, far); 6]].concat());
    // A first round of one task ends the plan; what would follow is far away.
    let plan = late.plan(0);
    assert_eq!((plan.iterations[0].horizon, plan.rounds()), (1, 1));
    assert_eq!(late.plan(0).rounds(), 0, "no task has been dispatched");
    // With a first round of two, empty rounds count.
    let mut two = scheduler(&[[(Net::Kws, 0, 0); 2].as_slice(), &[(Net::Kws, 0, far); 6]].concat());
    let plan = two.plan(0);
    assert_eq!((plan.rounds(), plan.iterations[1].candidates.len()), (3, 0));
}

/// The planner of one queue takes in the last three.
#[test]
fn one_queue_takes_six_and_says_when_nothing_is_left() {
    let far = 1_000_000_000;
    let mut single = scheduler(&[
        (Net::Kws, 1, 0),
        (Net::Kws, 3, 0),
        (Net::Kws, 0, far),
        (Net::Kws, 0, far),
        (Net::Kws, 0, far),
    ]);
    let SinglePlan::Queue(queue) = single.plan_single(0) else { panic!("tasks are left") };
    assert_eq!(numbers(&queue), [1, 0, 2, 3, 4]);
    assert_eq!(single.plan_single(0), SinglePlan::NothingLeft);
    let mut waiting = scheduler(&[(Net::Kws, 1, far); 4]);
    assert_eq!(waiting.plan_single(0), SinglePlan::Queue(Vec::new()));
}

/// Partners stand further back in the queue of a group, and are taken once.
#[test]
fn partners_are_taken_once_from_further_back() {
    let mut scheduler = scheduler(&[
        (Net::Squeezenet, 11, 0),
        (Net::Squeezenet, 11, 0),
        (Net::Squeezenet, 11, 0),
        (Net::Squeezenet, 11, 0),
        (Net::Resnet50, 9, 0),
        (Net::Alexnet, 9, 0),
        (Net::Googlenet, 9, 0),
        (Net::Yolov2, 9, 0),
        (Net::Kws, 0, 0),
        (Net::Alexnet, 0, 0),
    ]);
    let plan = scheduler.plan(0);
    let queues: Vec<Vec<usize>> = plan.queues.iter().map(|rounds| numbers(&rounds[0])).collect();
    let pairs: Vec<[usize; 3]> =
        plan.pairs.iter().map(|pair| [pair.group.index(), pair.task.index(), pair.partner.index()]).collect();
    // Nothing in front of a task is its partner, and GoogLeNet and KWS have none.
    for [group, task, partner] in &pairs {
        let place = |wanted: &usize| queues[*group].iter().position(|found| found == wanted);
        assert!(place(task) < place(partner), "{queues:?} {pairs:?}");
    }
    assert!(!pairs.is_empty(), "{queues:?}");
}

/// In each group, ResNet-50 takes AlexNet, which takes GoogLeNet itself, and so is no partner alone.
#[test]
fn a_partner_with_a_partner_starts_by_itself() {
    let four = |net, priority| [(net, priority, 0); 4];
    let nets = [four(Net::Resnet50, 11), four(Net::Alexnet, 6), four(Net::Googlenet, 0)].concat();
    let plan = scheduler(&nets).plan(0);
    let queues: Vec<Vec<usize>> = plan.queues.iter().map(|rounds| numbers(&rounds[0])).collect();
    assert_eq!(queues, [[0, 4, 8], [1, 5, 9], [2, 6, 10], [3, 7, 11]]);
    let pairs: Vec<[usize; 2]> =
        plan.pairs.iter().map(|pair| [pair.task.index(), pair.partner.index()]).collect();
    assert_eq!(pairs, [[0, 4], [4, 8], [1, 5], [5, 9], [2, 6], [6, 10], [3, 7], [7, 11]]);
    assert_eq!(numbers(&plan.only_partners), [8, 9, 10, 11]);
}

#[test]
fn numbers_outside_of_the_range_are_refused() {
    let estimate = |layer, split| Estimate::of(&layer, split, &Fixes::default());
    let refused = estimate(Layer::Product(Product { i: 0, j: 1, k: 1 }), Split::WHOLE);
    assert_eq!(refused, Err(MocaError::OutOfRange { name: "dim_i", value: 0, least: 1, most: 1_000_000 }));
    let nine = Split { tiles: 9, ..Split::WHOLE };
    assert!(matches!(estimate(LAYER, nine), Err(MocaError::OutOfRange { name: "tiles", .. })));
    let behind = Split { tile_index: 2, ..PAIR };
    assert!(matches!(estimate(LAYER, behind), Err(MocaError::OutOfRange { name: "tile_index", .. })));
    let pooling = Pooling { batch: 1, in_dim: 9, channels: 16, out_dim: 9, size: 2, stride: 2, padding: 0 };
    assert_eq!(estimate(Layer::Pooling(pooling), Split::WHOLE), Err(MocaError::NoInput));
}

/// Arrivals are sorted, and their targets depend on the level of service alone.
#[test]
fn loads_are_sorted_and_of_their_set() {
    for set in WorkloadSet::ALL {
        let tasks = load_generator::tasks(set);
        assert_eq!(tasks.len(), load_generator::TASKS);
        assert!(tasks.is_sorted_by_key(|task| task.dispatch_cycle));
        assert!(tasks.iter().all(|task| set.nets().contains(&task.net) && task.priority <= 11));
    }
    let targets = Qos::ALL.map(|qos| qos.target_cycles(Net::Resnet50));
    assert_eq!(targets, [60_000_004, 50_000_000, 40_000_000]);
}
