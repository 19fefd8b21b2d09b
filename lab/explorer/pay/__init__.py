"""Why a miner was paid what it was: the way of its pay from grades to dollars."""
