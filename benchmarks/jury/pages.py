"""Measure how the jury ranks the miners of a recorded OCR run, window by window of ten pages.

python benchmarks/jury/pages.py RUN --own half [--leave-out copycat shotgun empty]

The order that counts is that of the words read rightly. `--own` names the miner whose answers are the validator's own.
"""

import argparse
from itertools import combinations
from pathlib import Path

import numpy as np

from lab.record.completed_run import CompletedRun
from lab.record.record import RunRecord
from lab.run.rounds import responses_of
from validators import Round, Validator
from validators.scorers.jury import Jury

PAGES = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--own", required=True)
    parser.add_argument("--leave-out", nargs="*", default=[])
    chosen = parser.parse_args()
    with RunRecord.open(chosen.run, read_only=True) as record:
        run = CompletedRun.of(record)
        subnet, setter = run.config.subnet, run.config.build_validators()[0]
        rounds = [
            Round(each.number, setter.task(subnet, each.number), tuple(responses_of(record, each)))
            for each in run.rounds
            if each.validator == 0
        ]
    uids = [answer.uid for answer in run.rounds[0].answers]
    names = [run.names("miner")[uid] for uid in uids]
    ranked = [place for place, name in enumerate(names) if name not in (chosen.own, *chosen.leave_out)]
    own_uid = uids[names.index(chosen.own)]
    for gold in (0.0, 0.1):
        shares = []
        for first in range(0, len(rounds) - PAGES + 1, PAGES):
            means = []
            for scorer in (Jury(gold=1.0), Jury(gold=gold, own_uid=own_uid)):
                window = rounds[first : first + PAGES]
                grades = Validator(scorer=scorer, seed=7).grade_window(subnet, window, PAGES)
                means.append(np.mean([[score.value or 0.0 for score in scores] for scores in grades.scores], axis=0))
            truth, given = means
            pairs = combinations(ranked, 2)
            agreed = [np.sign(truth[a] - truth[b]) == np.sign(given[a] - given[b]) for a, b in pairs]
            shares.append(np.mean(agreed))
        print(f"gold {gold:.0%}: pairs in order {np.mean(shares):.3f} (n={len(shares)}, lowest {min(shares):.3f})")


if __name__ == "__main__":
    main()
