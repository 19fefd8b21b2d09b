import pickle

from miners import Pay, load_miner
from miners.router import Router, Trial, choose


def router(**options: object) -> Router:
    router = load_miner({"kind": "router", **options})
    assert isinstance(router, Router)
    return router


def play(miner: Router, profits: tuple[float, ...], epochs: int) -> list[int]:
    chosen = []
    for epoch in range(epochs):
        chosen.append(miner.choice)
        miner.paid(Pay(epoch, earned_usd=profits[miner.choice] * 10 + 5, cost_usd=5, answers=10))
    return chosen


def test_every_engine_is_tried_once_before_any_is_tried_twice() -> None:
    assert play(router(), (1.0, 2.0), 2) == [0, 1]


def test_the_router_settles_on_the_engine_that_pays_best_and_still_looks_at_the_other() -> None:
    chosen = play(router(), (0.2, 0.5), 60)
    assert chosen.count(1) > 45
    assert 0 in chosen[2:]


def test_the_cheaper_of_two_engines_that_earn_alike_wins() -> None:
    miner = router(curiosity=0.0)
    for epoch in range(10):
        miner.paid(Pay(epoch, earned_usd=1.0, cost_usd=(0.1, 0.6)[miner.choice], answers=4))
    assert miner.choice == 0


def test_an_epoch_without_answers_teaches_nothing() -> None:
    miner = router()
    miner.paid(Pay(0, earned_usd=1.0, cost_usd=0.0, answers=0))
    assert miner.choice == 0


def test_it_forgets_what_is_older_than_its_memory() -> None:
    miner = router(memory=8, curiosity=0.5)
    play(miner, (1.0, 0.0), 20)
    assert play(miner, (0.0, 1.0), 30)[-5:].count(1) >= 3


def test_a_new_router_chooses_as_before_once_it_has_the_pay_again() -> None:
    first, second = router(), router()
    assert play(first, (0.3, 0.4), 12) == play(second, (0.3, 0.4), 12)
    again = pickle.loads(pickle.dumps(first))
    assert play(again, (0.3, 0.4), 12) == play(second, (0.3, 0.4), 12)


def test_a_router_shares_engines_with_others() -> None:
    miner = router(choices=[{"kind": "transformers"}, {"kind": "transformers", "layers": 20}])
    engines = {engine.key: engine for engine in router(choices=miner.model_dump()["choices"]).engines()}
    shared = miner.sharing(engines)
    assert [engine is engines[engine.key] for engine in shared.choices] == [True, True]
    shared.paid(Pay(0, 1.0, 0.0, 1))
    assert shared.choice == 1


def test_equal_profits_keep_the_first() -> None:
    assert choose([Trial(0, 1.0), Trial(1, 1.0)], 2) == 0
