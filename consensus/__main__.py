"""`python -m consensus`: compile the epoch ahead of time, so that no run waits for it."""

from consensus import SubnetState, YumaParams, run_epoch

if __name__ == "__main__":
    state = SubnetState.from_rows(
        stake=[1],
        validator_permit=[True],
        last_update=[1],
        registered_at=[0],
        weights={0: [(0, 1)]},
        bonds={},
        block=1,
        last_tempo=0,
        owner_uid=0,
    )
    run_epoch(state, YumaParams())
