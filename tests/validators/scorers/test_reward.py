"""What a reward model that lives in processes of its own is charged with."""

import subprocess
import sys
import time

from inference.children import Children
from subnets.cost import Meter, process_cpu_s
from validators.scorers.reward import elsewhere

BURN = "import time\nprint(flush=True)\nwhile time.process_time() < 60.0:\n    pass"


def test_only_the_processes_of_the_model_are_charged() -> None:
    neighbour, model = (subprocess.Popen([sys.executable, "-c", BURN], stdout=subprocess.PIPE) for _ in range(2))
    try:
        for child in (neighbour, model):
            assert child.stdout is not None
            child.stdout.readline()
        of_model = Children(tuple(one for one in Children.now().processes if one.pid == model.pid))
        before_s, own_s = of_model.cpu_s(), process_cpu_s()
        with Meter() as meter, elsewhere(of_model, gpu=False):
            patience_s = time.monotonic() + 20.0
            while of_model.cpu_s() - before_s < 0.1 and time.monotonic() < patience_s:
                time.sleep(0.1)
        used_s, own_s = of_model.cpu_s() - before_s, process_cpu_s() - own_s
        assert used_s >= 0.1
        assert meter.cost.cpu_s <= used_s + own_s + 0.02
    finally:
        for child in (neighbour, model):
            child.kill()
            child.communicate()
