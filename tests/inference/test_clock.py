import subprocess
import sys
import threading
import time

from inference.children import Children
from inference.clock import ThreadClock, native_cpu_s, processes_cpu_s


def burn(seconds: float) -> None:
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


def test_the_clock_of_a_thread_does_not_see_its_neighbours() -> None:
    neighbour = threading.Thread(target=burn, args=(0.2,))
    clock = ThreadClock()
    before = clock.cpu_s()
    neighbour.start()
    neighbour.join()
    assert clock.cpu_s() - before < 0.1


def test_the_clock_of_another_thread_can_be_read_by_its_number() -> None:
    read: list[float] = []
    thread = threading.Thread(target=lambda: (burn(0.1), read.append(native_cpu_s([threading.get_native_id()]))))
    thread.start()
    thread.join()
    assert 0.09 < read[0] < 0.3


def test_a_child_is_found_metered_and_ended() -> None:
    before = Children.now()
    child = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        born = Children.born_since(before, "no such title")
        assert child.pid in born.pids and not born.gone()
        while processes_cpu_s([child.pid]) < 0.1:
            time.sleep(0.01)
        mine = Children(tuple(process for process in born.processes if process.pid == child.pid))
        mine.kill()
        assert mine.gone() == [child.pid]
    finally:
        child.kill()
        child.wait()
    assert processes_cpu_s([child.pid]) == 0.0
