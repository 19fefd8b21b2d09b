"""The explorer's pages: what they show, what they refuse, and that nothing on them is live but our own script."""

import re
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from lab.errors import AuditError
from lab.explorer.app import Explorer
from lab.explorer.index import RunIndex
from lab.explorer.shelf import Shelf
from lab.explorer.worker import Worker
from lab.record.entries import Epoch, GradedRound
from lab.record.graded_window import GradedWindow
from lab.record.run_folder import open_run
from lab.run.events import Stage
from lab.run.status import RunStatus
from tests.lab.explorer.conftest import HOSTILE
from tests.lab.records import Bodies, make_record, rewrite

ROOT = Path(__file__).parents[3]
PAGES = ["/", "/study/study", "/compare?a=first&b=hostile"] + [
    f"{page}/{run}"
    for run in ("first", "hostile")
    for page in ("/run", "/tasks", "/coldkeys", "/miner/3", "/validator/0", "/validator/2", "/task/0/1")
]


def got(client: TestClient, address: str, status: int = 200) -> str:
    answer = client.get(address)
    assert answer.status_code == status, answer.text[:500]
    return answer.text


def part(client: TestClient, address: str) -> str:
    """Fetch a part of a page as its script does, until it is there."""
    for _ in range(600):
        answer = client.get(address)
        assert answer.status_code == 200, answer.text[:500]
        if "x-again" not in answer.headers:
            break
        time.sleep(0.05)
    return answer.text


def sources(page: str) -> list[str]:
    return [source.replace("&amp;", "&") for source in re.findall(r'data-src="([^"]+)"', page)]


@pytest.mark.parametrize("address", PAGES)
def test_every_link_and_picture_of_a_page_leads_somewhere(client: TestClient, address: str) -> None:
    text = got(client, address)
    links = {link.replace("&amp;", "&") for link in re.findall(r'(?:href|src)="(/[^"]*)"', text)}
    pictures = sorted(link for link in links if link.startswith("/picture/"))
    assert len(links) > 3
    for link in links.difference(pictures[2:]):  # each takes a moment to draw
        answer = client.get(link)
        assert answer.status_code == 200, (link, answer.text[:300])


def test_the_front_page_lists_runs_and_studies(client: TestClient) -> None:
    text = got(client, "/")
    assert all(f'href="/run/{key}"' in text for key in ("first", "hostile", "study/arms/one"))
    assert 'href="/study/study"' in text
    assert "finished" in text


def test_runs_can_be_searched_and_sorted(client: TestClient) -> None:
    assert "/run/first" not in got(client, "/?q=host").split("<h2>Compare")[0]
    names = re.findall(r'href="/run/([^"]+)">', got(client, "/?sort=name"))
    assert names[:2] == ["first", "hostile"]


def test_a_run_shows_pay_beside_quality_best_paid_first(client: TestClient) -> None:
    text = got(client, "/run/first")
    assert re.findall(r'href="/miner/\d+/first">(\w+)<', text)[:3] == ["perfect", "good", "fair"]
    assert re.findall(r'href="/miner/\d+/first">(\w+)<', got(client, "/run/first?sort=name"))[0] == "fair"
    assert re.findall(r'href="/miner/\d+/first">(\w+)<', got(client, "/run/first?q=mute")) == ["mute"]


def test_the_parts_of_a_run_are_the_reports_own_sections(client: TestClient) -> None:
    content = "".join(part(client, source) for source in sources(got(client, "/run/first")))
    for heading in (
        "Progress",
        "Weights of the last epoch",
        "Incentive from epoch",
        "What the miners were paid",
        "bill",
    ):
        assert heading in content
    assert content.count("<svg") >= 10


def test_a_miner_is_told_why_its_pay_is_what_it_is(client: TestClient, runs: Path) -> None:
    with open_run(runs / "first") as record:
        paid = sum(Epoch.of(entry).pay.paid[4] for entry in record.entries("epoch"))
    (source,) = sources(got(client, "/miner/4/first"))
    content = part(client, source)
    assert f"{paid:,} rao in 4 epochs" in content
    assert "moving average" in content


def test_a_task_shows_the_prompt_the_truth_and_every_grade_with_its_reason(client: TestClient, runs: Path) -> None:
    text = got(client, "/task/0/1/first")
    assert all(name in text for name in ("perfect", "mute", "grade by steady-0", "no answer within 60.0 s"))
    content = part(client, sources(text)[0])
    assert "Say &lt;b&gt;" in content
    assert "The true answer" in content
    assert 'src="/picture/0/1/truth/first"' in content
    drawn = client.get("/picture/0/1/3/first")
    assert drawn.content.startswith(b"\x89PNG")


def test_coldkeys_show_concentration_and_link_keys_by_equal_wrong_answers(client: TestClient) -> None:
    text = got(client, "/coldkeys/hostile")
    assert "Nakamoto" in text
    links = text.split("Keys linked by their answers")[-1]
    assert "twin" in links
    assert quote(HOSTILE) not in links


def test_a_validator_is_set_beside_the_truth_and_beside_the_others(client: TestClient) -> None:
    text = got(client, "/validator/0/first")
    assert "rank alike at Spearman 1.00" in text
    assert "copier" in text.split("Agreement with other validators")[-1]
    assert "It graded nothing." in got(client, "/validator/2/first")


def test_two_runs_can_be_compared(client: TestClient) -> None:
    (source,) = sources(got(client, "/compare?a=first&b=study/arms/one"))
    assert "Both are the same record" in part(client, source)


def test_what_a_stranger_wrote_is_text_on_every_page(client: TestClient) -> None:
    for address in (page for page in PAGES if "hostile" in page or page == "/study/study"):
        text = got(client, address)
        text += "".join(part(client, source) for source in sources(text))
        assert not re.search(r"<img src=x|<script>|<b>overhead", text), address
        assert "\x1b" not in text
        assert "\u202e" not in text
    assert "&lt;img src=x onerror=alert(1)&gt;" in got(client, "/run/hostile")


def test_every_answer_carries_a_policy_that_lets_only_our_script_run(client: TestClient) -> None:
    for address in ("/", "/run/first", "/nothing", "/static/explorer.js", "/part/progress/first"):
        policy = client.get(address).headers["content-security-policy"]
        assert "script-src 'self';" in policy
        assert "default-src 'none'" in policy
        assert "unsafe-inline'" not in policy.split("script-src")[1].split(";")[0]


def test_the_page_of_a_study_is_shown_in_a_sandbox(client: TestClient) -> None:
    answer = client.get("/published/study")
    assert answer.text.endswith("found")
    assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")


@pytest.mark.parametrize(
    "address",
    [
        *("/run/none", "/run/../first", "/run/%2e%2e/first", "/run//etc/passwd", "/miner/x/first", "/static/../app.py"),
        *(
            "/picture/0/1/truth/none",
            "/picture/0/1/x/first",
            "/picture/0/1/5%00/first",
            "/chain/",
            "/study/first",
            "/x",
        ),
        *(
            "/compare?a=first",
            "/compare?a=first&b=../first",
            "/part/pay/99999999999999999999999/none",
            "/published/first",
        ),
    ],
)
def test_what_is_not_there_is_not_found(client: TestClient, address: str) -> None:
    assert "There is no such page." in got(client, address, 404)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("/miner/0/first", "no miner of this run has uid 0"),
        ("/miner/99999999999999999999999/first", "no miner of this run has uid"),
        ("/validator/3/first", "no validator of this run has uid 3"),
        ("/task/0/99/first", "validator 0 has no round 99"),
        ("/part/pay/0/first", "no miner of this run has uid 0"),
        ("/chain/first", "chain.keep"),
    ],
)
def test_what_a_run_lacks_is_named(client: TestClient, address: str, words: str) -> None:
    assert words in got(client, address, 422)


@pytest.mark.parametrize(
    "query", ["page=0", "page=-1", "page=999999", "page=1e9", "page=²", "sort=x", "sort='--", "q=%25%00'"]
)
@pytest.mark.parametrize("address", ["/", "/run/first", "/tasks/first", "/miner/3/first", "/coldkeys/first"])
def test_odd_queries_are_harmless(client: TestClient, address: str, query: str) -> None:
    assert "<h1>" in got(client, f"{address}?{query}")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_nothing_can_be_sent(client: TestClient, method: str) -> None:
    assert client.request(method, "/").status_code == 405


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "[::1", "localhost.evil:80"])
def test_another_name_of_this_machine_is_refused(client: TestClient, host: str) -> None:
    assert client.get("/", headers={"host": host}).status_code in (400, 421)


def test_with_a_token_nobody_looks_without_it(explorer: Explorer) -> None:
    app = explorer.app(token="s3cret-t0ken")
    with TestClient(app, base_url="http://lab.example", follow_redirects=False) as client:
        for address in ("/", "/run/first", "/static/explorer.js", "/?token=wrong", "/nothing"):
            assert client.get(address).status_code == 401
        assert client.get("/", headers={"authorization": "Bearer s3cret-t0ken"}).status_code == 200
        first = client.get("/run/first?q=a&token=s3cret-t0ken")
        assert (first.status_code, first.headers["location"]) == (303, "/run/first?q=a")
        cookie = first.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert client.get("/run/first").status_code == 200
        assert (
            client.get("http://lab.example//evil.example/?token=s3cret-t0ken")
            .headers["location"]
            .startswith("/evil.example")
        )


def test_a_run_under_way_is_followed(tmp_path: Path, worker: Worker) -> None:
    folder = tmp_path / "live"
    record = make_record(folder, epochs=1)
    status = RunStatus(
        run="x", folder="x", stage=Stage.RUNNING, session=0, epoch=1, epochs=4, rounds=6, of=24, reason=f"{HOSTILE}"
    )
    status.write(folder)
    app = Explorer(Shelf.of(str(tmp_path)), worker).app()
    with TestClient(app, base_url="http://localhost") as client:
        assert "running" in got(client, "/")
        before = client.get("/part/progress/live")
        assert "6 of 24" in before.text
        assert before.headers["x-again"]
        assert "<img" not in before.text
        (round_entry,) = [entry for entry in record.entries("round") if entry.key == "0/0"]
        graded = GradedRound.of(round_entry).model_copy(update={"number": 3, "task_id": "new"})
        record.append([graded.draft("round", graded.key)])
        assert "7 of 24" in client.get("/part/progress/live").text
        assert "new" in got(client, "/tasks/live")
    record.close()


def test_looking_takes_no_lock_and_writes_nothing(runs: Path, client: TestClient) -> None:
    before = {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in runs.rglob("*") if path.is_file()}
    for address in PAGES:
        got(client, address)
    assert before == {
        path: (path.stat().st_mtime_ns, path.stat().st_size) for path in runs.rglob("*") if path.is_file()
    }


def test_a_run_that_was_started_over_is_read_again(tmp_path: Path) -> None:
    index = RunIndex()
    with make_record(tmp_path / "a", epochs=2) as record:
        index.follow(record)
        assert len(index.epochs) == 2
    with make_record(tmp_path / "b", epochs=1) as record:
        index.follow(record)
        assert len(index.epochs) == 1
        assert index.value("select count(*) from rounds") == 6


def test_scores_of_windows_are_in_the_index() -> None:
    kept = ROOT / "tests/lab/kept_records/windows"
    index = RunIndex()
    with open_run(kept) as record:
        index.follow(record)
        windows = list(map(GradedWindow.of, record.entries("window")))
    scores = [grade.score for window in windows for each in window.rounds for grade in each.grades]
    assert index.value("select count(score) from answers") >= sum(score is not None for score in scores) > 0


@pytest.mark.parametrize("damage", ["update subnetlab_entries set body = '[1'", "drop table subnetlab_entries"])
def test_a_damaged_record_is_listed_with_the_reason(damage: str, tmp_path: Path, worker: Worker) -> None:
    make_record(tmp_path / "torn", epochs=1).close()
    with sqlite3.connect(tmp_path / "torn" / "record.sqlite") as connection:
        connection.execute(damage)
    connection.close()
    with TestClient(Explorer(Shelf.of(str(tmp_path)), worker).app(), base_url="http://localhost") as client:
        assert "unreadable" in got(client, "/")
        got(client, "/run/torn", 422)


def test_entries_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    with make_record(tmp_path, epochs=1) as record:
        graded = next(map(GradedRound.of, record.entries("round")))
        twice = graded.model_copy(update={"number": 9, "answers": (*graded.answers, graded.answers[0])})
        record.append([twice.draft("round", twice.key)])
        with pytest.raises(AuditError, match="contradict each other"):
            RunIndex().follow(record)


def test_an_epoch_that_lacks_neurons_is_refused(tmp_path: Path) -> None:
    make_record(tmp_path, epochs=1).close()

    def shorten(entries: Bodies) -> None:
        next(body for kind, _, body in entries if kind == "epoch")["pay"]["incentive"] = [1]

    rewrite(tmp_path, shorten)
    with open_run(tmp_path) as record, pytest.raises(AuditError, match="lacks figures of some neurons"):
        RunIndex().follow(record)


def test_no_run_yet_says_what_to_do(tmp_path: Path, worker: Worker) -> None:
    with TestClient(Explorer(Shelf.of(str(tmp_path)), worker).app(), base_url="http://localhost") as client:
        assert "`subnetlab run CONFIG` makes one" in got(client, "/")


@pytest.fixture
def database(runs: Path) -> Iterator[str]:
    yield f"sqlite:///{(runs / 'first' / 'record.sqlite').resolve()}"


def test_records_in_a_database_are_found_by_its_url(database: str, worker: Worker) -> None:
    with TestClient(Explorer(Shelf.of(database), worker).app(), base_url="http://localhost") as client:
        (key,) = re.findall(r'href="/run/(\w+)"', got(client, "/"))
        assert "perfect" in got(client, f"/run/{key}")
        assert "0123456789abcdef" in key


def test_a_chain_shows_its_subnets_and_calls_and_is_not_taken_from_its_holder(tmp_path: Path, worker: Worker) -> None:
    from consensus.chain.calls import CreateSubnet
    from consensus.chain.chain import Chain
    from consensus.chain.hyperparameters import Hyperparameters
    from consensus.chain.keys import throwaway_key

    file = tmp_path / "chain.sqlite"
    owner = throwaway_key(1, "owner")
    with Chain.development(file) as chain:
        call = CreateSubnet(hyperparameters=Hyperparameters.development(tempo=5).as_dict())
        chain.register(owner, chain.call(owner, call).result, [owner.ss58_address])
        chain.step()
    explorer = Explorer(Shelf.of(str(file)), worker)
    with TestClient(explorer.app(), base_url="http://localhost") as client:
        assert 'href="/chain/"' in got(client, "/")
        text = got(client, "/chain/")
        assert owner.ss58_address in text
        assert "CreateSubnet" in text or "create_subnet" in text
        with Chain.open(file) as chain:
            chain.step()
            held = client.get("/chain/")
            assert held.status_code == 422
            assert "a process holds it" in held.text
            chain.step()


def test_a_worker_says_why_a_job_failed() -> None:
    from concurrent.futures import ThreadPoolExecutor

    from lab.explorer.worker import JobFailed

    worker = Worker(executor=lambda: ThreadPoolExecutor(1))

    def fail() -> str:
        raise ZeroDivisionError("1/0")

    with pytest.raises(JobFailed, match="ZeroDivisionError"):
        _until(worker, fail)
    worker.close()


def _until(worker: Worker, job: Any) -> str:
    while (result := worker.ask("job", job)) is None:
        pass
    return result
