"""The lean loop: a run's economy played in one process, with answers whose grades are drawn instead of made."""
