import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miners.engines.attribution import Attribution, Job, Work
from subnets import Cost


def test_a_window_that_only_reads_is_split_by_prompt_tokens() -> None:
    bill, short, long = Attribution(), Job(), Job()
    bill.charge(Cost(cpu_s=4.0), [Work(short, read_tokens=10), Work(long, read_tokens=30)])
    assert (short.prefill.cpu_s, long.prefill.cpu_s) == (1.0, 3.0)
    assert short.decode == long.decode == Cost()


def test_a_window_that_does_both_charges_writing_at_the_price_of_windows_that_only_wrote() -> None:
    bill, writer, reader = Attribution(), Job(), Job()
    bill.charge(Cost(cpu_s=1.0), [Work(writer, written_tokens=1)])
    bill.charge(Cost(cpu_s=3.0), [Work(writer, written_tokens=1), Work(reader, read_tokens=100)])
    assert writer.decode.cpu_s == pytest.approx(2.0)
    assert reader.prefill.cpu_s == pytest.approx(2.0)


def test_what_is_used_while_nobody_asks_is_charged_to_nobody() -> None:
    bill = Attribution()
    bill.charge(Cost(cpu_s=0.5, energy_j=7.0), [])
    assert bill.idle == Cost(cpu_s=0.5, energy_j=7.0)
    assert bill.charged == Cost()


WINDOWS = st.lists(
    st.tuples(
        st.floats(0, 10),
        st.floats(0, 10),
        st.lists(st.tuples(st.integers(0, 3), st.integers(0, 500), st.integers(0, 3)), max_size=6),
    ),
    max_size=20,
)


@given(WINDOWS)
def test_the_shares_add_up_to_what_the_clock_showed_and_none_is_negative(
    windows: list[tuple[float, float, list[tuple[int, int, int]]]],
) -> None:
    bill, jobs = Attribution(), [Job() for _ in range(4)]
    for cpu_s, gpu_s, works in windows:
        bill.charge(Cost(cpu_s=cpu_s, gpu_s=gpu_s), [Work(jobs[job], read, written) for job, read, written in works])
    for name in ("cpu_s", "gpu_s"):
        shares = [getattr(part, name) for job in jobs for part in (job.prefill, job.decode)]
        assert min(shares) >= 0.0
        metered = math.fsum(getattr(bill.idle, name) + getattr(bill.charged, name) for _ in (0,))
        used = math.fsum(window[0] if name == "cpu_s" else window[1] for window in windows)
        assert math.fsum(shares) + getattr(bill.idle, name) == pytest.approx(metered) == pytest.approx(used)
