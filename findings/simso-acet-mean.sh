#!/usr/bin/env bash
# simso 0.8.5 (SimSo), execution times of the model "acet".
#
# A task states an average execution time and a standard deviation. Draws are cut off at the worst case from above and not at
# zero from below: a job that draws less than zero ends in the instant in which it begins. So the average is not the stated one:
# with 1 ms, a deviation of 2 ms and a worst case of 8 ms, 3 of 10 jobs take no time, and the mean is 1.4 ms. The documentation
# says nothing of either.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install --quiet simso==0.8.5 SimPy==2.3.1 numpy==2.2.6
# It prints a line a job.
env/bin/python - <<'RUN' | grep -v '^[0-9]* task_' | tee seen
import random
from simso.configuration import Configuration
from simso.core import Model

random.seed(1)
configuration = Configuration()
configuration.etm = "acet"
configuration.duration = 99_999 * configuration.cycles_per_ms
configuration.add_task(
    name="task", identifier=1, period=10, activation_date=0, deadline=10, wcet=8, acet=1, et_stddev=2
)
configuration.add_processor(name="processor", identifier=1)
configuration.scheduler_info.clas = "simso.schedulers.EDF"
configuration.check_all()
model = Model(configuration)
model.run_model()
times = [job.computation_time / configuration.cycles_per_ms for job in model.results.tasks[model.task_list[0]].jobs]
print(len(times), "jobs,", round(sum(time == 0 for time in times) / len(times), 1), "of them take no time")
print("mean", round(sum(times) / len(times), 1), "ms, stated", configuration.task_info_list[0].acet)
RUN
diff seen - <<'SEEN'
10000 jobs, 0.3 of them take no time
mean 1.4 ms, stated 1
SEEN
