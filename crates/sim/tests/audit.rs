//! The engine under a policy that does whatever is legal, watched by the audit.

#![expect(clippy::expect_used, reason = "a broken fixture should fail loudly")]

use rtmm_hardware::{Energy, Mode, Platform};
use rtmm_scheduler::{
    Decision, Decisions, Extent, Interests, JobId, Notice, Policy, PolicyError, Preemption, Run, Truth, View,
};
use rtmm_sim::metrics::{Audit, JobRow, JobRows, JobStatus};
use rtmm_sim::{EndOfRun, Metrics, MetricsOptions, RunOptions, Summary, System};
use rtmm_testkit::hand_made::{after, models, ms, platform, scenario, task};
use rtmm_testkit::simulate;
use rtmm_workload::{Duration, Legality, Model, Scenario, Time};

/// Decides by a pseudorandom sequence.
#[derive(Clone, Debug)]
struct Wild {
    state: u64,
    interests: Interests,
    /// Whether segments may be ended long after they began: legal where their boundaries are known.
    preempts_late: bool,
    dropped: Vec<JobId>,
    /// Segments that are to end early, by their dispatch.
    preempted: Vec<(JobId, Time)>,
    asked_at: Option<Time>,
}

impl Wild {
    fn new(seed: u64, preempts_late: bool) -> Self {
        let interests = Interests { jobs: seed & 1 > 0, layers: seed & 2 > 0, times: seed & 4 > 0 };
        let state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        Self { state, interests, preempts_late, dropped: Vec::new(), preempted: Vec::new(), asked_at: None }
    }

    /// A number below `bound`.
    fn below(&mut self, bound: u64) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 11) % bound
    }

    fn is_preemptible(&self, view: &View<'_>, run: &Run) -> bool {
        let layers = run.from.layer..run.stop;
        let job = run.jobs.single().expect("one job");
        let is_ending = self.dropped.contains(&job) || self.preempted.contains(&(job, run.dispatched));
        if layers.len() < 2 || is_ending {
            return false;
        }
        let longest = layers.map(|layer| view.profile.latency(run.model, layer, run.class)).max();
        let left = run.expected_end.saturating_since(view.now);
        run.dispatched == view.now || (self.preempts_late && left > longest.unwrap_or(Duration::ZERO))
    }
}

impl Policy for Wild {
    fn decide(
        &mut self,
        view: &View<'_>,
        _: Option<&Truth<'_>>,
        out: &mut Decisions,
    ) -> Result<(), PolicyError> {
        // Once an instant for what need not come to an end by itself.
        if self.asked_at.replace(view.now) != Some(view.now) {
            for (run, job) in view.running() {
                if self.is_preemptible(view, run) && self.below(3) == 0 {
                    let mode = if self.below(2) == 0 { Preemption::Layer } else { Preemption::Quantum };
                    out.push(Decision::Preempt { run: run.id, mode });
                    self.preempted.push((job.id, run.dispatched));
                }
            }
            if self.below(5) == 0 {
                let after = Duration::from_picoseconds(1 + self.below(3_000_000_000));
                out.push(Decision::SetTimer { at: view.now.saturating_add(after), tag: 0 });
            }
            let jobs = view.ready().chain(view.waiting()).chain(view.running().map(|(_, job)| job));
            for job in jobs {
                if self.below(20) == 0 && !self.dropped.contains(&job.id) {
                    self.dropped.push(job.id);
                    out.push(Decision::Drop { job: job.id });
                    // It may take others along, which can then not be dropped again.
                    break;
                }
            }
        }
        let mut idle = view.free.to_vec();
        for job in view.ready().filter(|job| !self.dropped.contains(&job.id)).collect::<Vec<_>>() {
            if idle.is_empty() || self.below(4) == 0 {
                continue;
            }
            let place = self.below(idle.len() as u64) as usize;
            let extent = match u32::try_from(self.below(6)).ok().and_then(std::num::NonZeroU32::new) {
                Some(layers) => Extent::Layers(layers),
                None => Extent::Rest,
            };
            out.push(Decision::dispatch(job.id, None, idle.swap_remove(place), extent));
        }
        Ok(())
    }

    fn interests(&self) -> Interests {
        self.interests
    }

    fn notify(&mut self, notice: &Notice, view: &View<'_>) -> Result<(), PolicyError> {
        // Every job that is told of can be seen.
        if let Notice::Released(job) | Notice::Completed(job) | Notice::Dropped(job) = notice {
            assert!(view.job(*job).is_some());
        }
        Ok(())
    }

    fn decision_time(&self, _: &View<'_>) -> Result<Duration, PolicyError> {
        Ok(Duration::from_picoseconds(self.state % 3 * 1_000_000))
    }

    fn boxed_clone(&self) -> Option<Box<dyn Policy>> {
        Some(Box::new(self.clone()))
    }
}

fn run(system: &System, seed: u64, end: EndOfRun) -> (Summary, Vec<JobRow>) {
    let mut rows = Vec::new();
    let metrics = Metrics::new(system, MetricsOptions::default());
    let observer = ((metrics, JobRows::new(|row: &JobRow| rows.push(*row))), Audit::new(system));
    let policy = Box::new(Wild::new(seed, system.platform.shared_dram.is_none()));
    let options = RunOptions { seed, end, oracle: false };
    let ((metrics, _), audit) =
        simulate(system, "wild", policy, observer, options).expect("only legal decisions");
    assert_eq!(audit.violations(), Vec::<String>::new(), "seed {seed}");
    (metrics.summary(), rows)
}

fn sound(
    scenario: &Scenario,
    models: &[Model],
    platform: &Platform,
    seeds: u64,
    energies_pj: Option<[f64; 2]>,
) {
    let system = System::new(scenario, models, platform).expect("all layers have costs");
    let mut outcomes = [0_u64; 3];
    for seed in 0..seeds {
        let end = if seed % 3 == 0 { EndOfRun::Drain } else { EndOfRun::Cut };
        let (summary, rows) = run(&system, seed, end);
        // Metrics and rows are two ways to count the same.
        let jobs = summary.jobs;
        let count = |status: JobStatus| rows.iter().filter(|row| row.status == status).count() as u64;
        assert_eq!(jobs.released, rows.len() as u64);
        assert_eq!(
            (jobs.completed, jobs.in_flight),
            (count(JobStatus::Completed), count(JobStatus::InFlight))
        );
        assert_eq!(jobs.dropped_upstream, count(JobStatus::DroppedUpstream));
        assert_eq!(jobs.dropped - jobs.dropped_upstream, count(JobStatus::Dropped));
        let violated = rows.iter().filter(|row| row.is_violated() == Some(true)).count() as u64;
        assert_eq!((jobs.violated(), jobs.decided()), (violated, jobs.released - jobs.undecided));
        assert_eq!(
            (jobs.on_time + jobs.late, jobs.overdue + jobs.undecided),
            (jobs.completed, jobs.in_flight)
        );
        let of_rows: Energy = rows.iter().map(|row| row.energy.total() + row.switch_energy).sum();
        assert_eq!(of_rows.picojoules(), summary.energy.energy_pj, "seed {seed}");
        let of_segments: f64 = summary.accelerators.iter().map(|of| of.segment_energy_pj).sum();
        let rest = (of_segments - summary.energy.energy_pj).abs();
        assert!(rest <= 1e-9 * of_segments, "seed {seed}: {of_segments}");
        assert!(
            summary.accelerators.iter().all(|of| of.utilisation.is_some_and(|of| (0.0..=1.0).contains(&of)))
        );
        // However often it was stopped and wherever it went on, a complete job has run all its layers once.
        for row in rows.iter().filter(|row| row.status == JobStatus::Completed) {
            if let Some(energies) = energies_pj {
                let expected = energies[row.model.index()];
                let spent = row.energy.total().picojoules();
                assert!((spent - expected).abs() <= 1e-9 * expected, "seed {seed}: {row:?}");
            }
        }
        // The same seed gives the same digits.
        assert_eq!(run(&system, seed, end).0, summary, "seed {seed}");
        for (sum, count) in outcomes.iter_mut().zip([jobs.completed, jobs.dropped, jobs.in_flight]) {
            *sum += count;
        }
    }
    assert!(outcomes.iter().all(|count| *count > 0), "not everything happened: {outcomes:?}");
}

#[test]
fn a_tiny_system_is_sound_under_any_policy() {
    let tasks = vec![
        task("A", 0, 7, 7),
        task("B", 1, 9, 5),
        after(task("C", 0, 7, 14), 0),
        after(task("D", 1, 14, 20), 2),
    ];
    let (scenario, models) = (scenario(300, tasks), models());
    for accelerators in [1, 3] {
        sound(&scenario, &models, &platform(accelerators), 200, Some([30e6, 40e6]));
    }
}

#[test]
fn built_in_systems_are_sound_under_any_policy() {
    let mut workload =
        rtmm_workload::load::workload("xrbench/vr_gaming", None, Legality::Strict).expect("built in");
    workload.scenario.duration = ms(200);
    for name in ["xrbench/quad_4k_ws_os_ws_os", "shared/quad_4k_ws_os_ws_os"] {
        let platform = rtmm_hardware::load::platform(name, None, Mode::Corrected).expect("built in");
        sound(&workload.scenario, &workload.models, &platform, 24, None);
    }
}
