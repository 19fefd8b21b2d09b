"""What is charged for work on threads that Python does not know."""

import ctypes
import hashlib
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from subnets.cost import Meter, off_thread
from tests.cluster.fakes import burn

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems do not tell the time of other threads")


def grade() -> float:
    """Work beside others, as a validator does in a thread of the local pool; return what is metered."""
    with Meter() as meter, off_thread():
        burn(0.2)
    return meter.cost.cpu_s


def test_who_works_at_the_same_time_in_another_thread_is_not_charged_to_this_one() -> None:
    with ThreadPoolExecutor(2) as threads:
        metered = list(threads.map(lambda _: grade(), range(2)))
    assert all(0.2 <= cpu_s < 0.25 for cpu_s in metered), metered


def test_what_a_thread_of_pythons_does_on_its_own_is_not_charged() -> None:
    stop = threading.Event()
    neighbour = threading.Thread(target=lambda: [hashlib.sha256(b"x" * 10_000_000) for _ in iter(stop.is_set, True)])
    neighbour.start()
    try:
        assert 0.2 <= grade() < 0.25
    finally:
        stop.set()
        neighbour.join()


def test_what_a_thread_that_ends_meanwhile_did_before_is_not_charged() -> None:
    worked, end = threading.Event(), threading.Event()
    neighbour = threading.Thread(target=lambda: (burn(0.3), worked.set(), end.wait()))
    neighbour.start()
    worked.wait()
    with Meter() as meter, off_thread():
        end.set()
        neighbour.join()
    assert meter.cost.cpu_s < 0.05


def test_what_a_thread_of_a_librarys_does_is_charged() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    spin = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)(lambda _: burn(0.2) and None)
    thread = ctypes.c_ulong()
    with Meter() as meter, off_thread():
        assert libc.pthread_create(ctypes.byref(thread), None, spin, None) == 0
        time.sleep(0.01)
        libc.pthread_join(thread, None)
    assert 0.2 <= meter.cost.cpu_s < 0.3
