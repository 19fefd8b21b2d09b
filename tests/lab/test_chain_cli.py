"""The local chain's commands: a newcomer's way, advice in refusals, secrets, JSON output."""

import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer
from bittensor_wallet.keyfile import legacy_encrypt_keyfile_data
from typer.testing import CliRunner, Result

from consensus import Chain
from consensus.chain.keys import WalletFolder
from consensus.errors import ChainError, WalletError
from lab.cli import COMMANDS
from lab.cli.main import app
from lab.local_chain.wallets import new_password

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SUBNETLAB_CHAIN", raising=False)
    monkeypatch.delenv("SUBNETLAB_WALLETS", raising=False)
    return tmp_path


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Wallet `owner` and a chain with its subnet."""
    path = tmp_path_factory.mktemp("owner")
    with contextlib.chdir(path):
        newcomer("owner")
    return path


@pytest.fixture
def owned(template: Path, folder: Path) -> Path:
    """A folder with wallet `owner` and a chain with its subnet."""
    return shutil.copytree(template, folder, dirs_exist_ok=True)


def run(command: str, *, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, command.removeprefix("subnetlab ").split(), input=stdin)


def do(command: str) -> str:
    """Run a command that must succeed and return what it printed."""
    result = run(command)
    assert result.exit_code == 0, f"{command}: {result.output} {result.exception}"
    return result.stdout


def answer(command: str) -> object:
    """Run a command with --json and return its document."""
    return json.loads(do(f"{command} --json"))


def refusal(command: str) -> str:
    """Run a command that must be refused and return the line that says why."""
    result = run(command)
    assert isinstance(result.exception, ChainError), f"{command}: {result.output} {result.exception}"
    return str(result.exception)


def newcomer(*names: str) -> None:
    """Create wallets, and a subnet that the first one owns."""
    for name in names:
        do(f"wallet new {name}")
    do(f"faucet {names[0]} --times 4")
    do(f"subnet create {names[0]}")


def test_a_newcomer_gets_from_a_wallet_to_a_paid_miner(folder: Path) -> None:
    start = time.perf_counter()
    for name in ("owner", "validator", "miner", "rival"):
        do(f"wallet new {name}")
    do("faucet owner --times 4")
    do("subnet create owner --set tempo=20 --set liquid_alpha=true")
    assert [row["netuid"] for row in answer("subnet list")] == [1]  # type: ignore[attr-defined]
    assert max(map(len, do("subnet list").splitlines())) <= 80
    assert "owner" in do("subnet list --wide").splitlines()[2]
    for name in ("validator", "miner", "rival"):
        do(f"faucet {name}")
    do("register validator --netuid 1")
    do("recycle_register miner --netuid 1")
    do("subnet hyperparameters 1 --set registration_rule=interval --set min_difficulty=50")
    do("pow-register rival --netuid 1")
    do("stake add validator 200")
    do("serve miner 127.0.0.1 8091 --netuid 1")
    do("chain run --epochs 1")
    do("weights set validator --netuid 1 2=3 3=1")
    epochs = answer("chain run --epochs 2")["epochs"]  # type: ignore[index]
    assert epochs[-1]["incentive"] == [0, 0, 49151, 16383]
    do("subnet hyperparameters 1 --set commit_reveal=true")
    do("weights commit validator --netuid 1 2=1 3=1")
    do("chain run --epochs 1")
    do("weights reveal validator --netuid 1")
    do("chain run --epochs 1")
    graph = answer("metagraph 1")
    assert [round(row["incentive"], 2) for row in graph["neurons"]] == [0, 0, 0.5, 0.5]  # type: ignore[index]
    assert graph["neurons"][2]["axon"] == "127.0.0.1:8091"  # type: ignore[index]
    do("stake remove validator 50")
    do("transfer owner miner 1.5")
    do("metagraph 1 --save sn1.csv")
    assert "Nakamoto" in do("metagraph --load sn1.csv --concentration")
    supply = answer("chain status")["supply_rao"]  # type: ignore[index]
    assert supply["balances"] + supply["stake"] + supply["locked"] + supply["pending"] == supply["issuance"]
    assert time.perf_counter() - start < 30


def test_every_refusal_names_the_shortage_and_the_command_that_fixes_it(folder: Path) -> None:
    assert refusal("subnet create owner").endswith("`subnetlab wallet new owner`")
    do("wallet new owner")
    assert refusal("subnet create owner") == "no chain at .subnetlab/chain.db: `subnetlab faucet owner` starts one"
    do("faucet owner")
    assert refusal("subnet create owner") == "balance 300 τ, the lock costs 1,000 τ: `subnetlab faucet owner --times 3`"
    do("faucet owner --times 3")
    assert "no subnet 1; there are: none yet: `subnetlab subnet create owner`" in refusal("register owner --netuid 1")
    do("subnet create owner")
    do("wallet new miner")
    assert refusal("register miner --netuid 1").endswith("`subnetlab faucet miner --times 1`")
    assert refusal("register miner --netuid 1 --hotkey h").endswith("`subnetlab wallet new miner --hotkey h`")
    assert refusal("weights set miner --netuid 1 0=1").endswith(
        "`subnetlab register miner --netuid 1 --hotkey default`"
    )
    do("faucet miner")
    assert refusal("pow-register miner --netuid 1").endswith("--wallet OWNER --set registration_rule=interval`")
    assert refusal("stake add miner 10").endswith("`subnetlab register miner --netuid 1 --hotkey default`")
    do("register miner --netuid 1")
    assert "`subnetlab stake add miner 100 --hotkey default`, then" in refusal("weights set miner --netuid 1 0=1")
    assert refusal("stake remove miner 5").endswith("`subnetlab stake add miner AMOUNT --hotkey default`")
    do("stake add miner 3.5")
    assert refusal("stake remove miner 5").endswith("`subnetlab stake remove miner 3.5 --hotkey default`")
    assert refusal("weights commit miner --netuid 1 0=1").endswith(
        "`subnetlab weights set miner --netuid 1 --hotkey default UID=WEIGHT ...`"
    )
    assert refusal("weights reveal miner --netuid 1").startswith("wallet 'miner' has no committed weights")
    do("subnet hyperparameters 1 --set weights_set_rate_limit=1000")
    do("chain run --epochs 1")
    assert refusal("weights set miner --netuid 1 0=1").endswith(
        "set weights 358 blocks ago; allowed: every 1000 blocks: `subnetlab chain step 642`"
    )


def advised(command: str) -> str:
    """Return the command that a refusal advises."""
    return refusal(command).rsplit("`", 2)[1]


def test_the_advice_works_as_it_is_printed(folder: Path) -> None:
    do(advised("subnet create owner"))
    do("faucet owner")
    do(advised("subnet create owner"))
    do("subnet create owner")
    do(advised("register miner --netuid 1"))
    do(advised("register miner --netuid 1"))
    do(advised("stake add miner 1"))
    do(advised("stake add miner 10000"))
    do("stake add miner 10000")
    do("stake remove miner 1")
    assert advised("weights set miner --netuid 1 0=1") == "subnetlab chain run --epochs 1 --netuid 1"
    do(advised("weights set miner --netuid 1 0=1"))
    do("subnet hyperparameters 1 --set weights_set_rate_limit=7 --set stake_threshold_rao=11000000000000")
    do("faucet miner --times 10")
    do(advised("weights set miner --netuid 1 0=1"))
    do("weights set miner --netuid 1 0=1")
    do(advised("weights set miner --netuid 1 0=1"))
    do("weights set miner --netuid 1 0=1")
    do("faucet owner")
    do("stake add owner 5 --to miner/default")
    do(advised("stake remove owner 6 --from miner/default"))
    assert refusal("subnet hyperparameters 1 --wallet miner --set tempo=9").endswith(
        "can't change its rules: `--wallet owner`"
    )
    do("subnet hyperparameters 1 --set commit_reveal=true --set weights_set_rate_limit=0")
    do("weights commit miner --netuid 1 0=1")
    do(advised("weights reveal miner --netuid 1"))
    do("weights reveal miner --netuid 1")


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("weights set owner --netuid 1 0=nan", "weight of uid 0 is nan"),
        ("weights set owner --netuid 1 0=-1", "weight of uid 0 is -1.0"),
        ("weights set owner --netuid 1 0=1 0=2", "'0=2'; allowed: UID=WEIGHT, each uid once"),
        ("weights set owner --netuid 1 0:1", "'0:1'; allowed: UID=WEIGHT"),
        (
            "weights set owner --netuid 1 7=1",
            "uid 7 does not exist; subnet 1 has 0 to 0: `subnetlab metagraph 1` lists",
        ),
        ("chain run --netuid 9 --epochs 1", "no subnet 9; there are: 1: `subnetlab subnet list`"),
        ("chain run --netuid 9 --block-time 0.1 --epochs 1", "no subnet 9; there are: 1: `subnetlab subnet list`"),
        ("register owner --netuid 1", "`subnetlab wallet new owner --hotkey OTHER` makes a hotkey that may register"),
        ("transfer owner 5Fxyz 1", "'5Fxyz' is not an address, and there is no wallet '5Fxyz'"),
        ("stake add owner 1.0000000001", "up to 9 decimals"),
        ("stake add owner 1,5", "amount '1,5'; allowed: up to 9,223,372,036 τ with a point"),
        ("stake add owner nan", "amount 'nan'"),
        ("transfer owner owner 1e999990", "amount '1e999990'; allowed: up to 9,223,372,036 τ"),
        (f"transfer owner owner {'9' * 10_000}", "…'; allowed: up to 9,223,372,036 τ"),
        (f"subnet hyperparameters 1 --set tempo={'[' * 50_000}", "is not of type int"),
        ("stake add owner 0", "allowed: 1"),
        ("transfer owner nobody 1", "`subnetlab wallet new nobody`"),
        ("stake add owner 1 --to nobody/second", "`subnetlab wallet new nobody`"),
        ("stake add owner 1 --to owner/second", "`subnetlab wallet new owner --hotkey second`"),
        ("transfer owner owner 21000201", "the faucet can't make up for that: it gives at most 21,000,000 τ"),
        ("transfer owner owner 21000200", "`subnetlab faucet owner --times 70000`"),
        ("register owner --netuid 9", "no subnet 9; there are: 1: `subnetlab subnet list`"),
        ("subnet hyperparameters 1 --set tempo", "allowed: NAME=VALUE"),
        ("subnet hyperparameters 1 --set tempo=fast", "is not of type int"),
        (
            "stake take owner 50",
            "take 32767 (50.0 percent); allowed: 0 to 11796 in 1/65535, which is up to 18.0 percent",
        ),
        ("stake take owner 50", "`subnetlab stake take owner 9` keeps 9 percent"),
        ("stake take owner nan", "take nan percent; allowed: 0 to 100"),
        ("metagraph 9", "no subnet 9"),
        ("metagraph 1 --save nowhere/x.csv", "nowhere/x.csv can't be written: No such file or directory"),
        ("metagraph 1 --save .subnetlab/chain.db/x.json", "can't be written: Not a directory"),
        ("metagraph 1 --save x.txt", "ends in .json or .csv"),
        ("metagraph --load nothing.csv", "can't be read"),
        ("wallet new owner", "keys are never replaced"),
    ],
)
def test_bad_input_is_refused_with_its_reason_and_changes_nothing(owned: Path, command: str, says: str) -> None:
    before = answer("chain status")
    assert says in refusal(command)
    assert answer("chain status") == before


def test_a_take_is_in_percent_and_says_so(owned: Path) -> None:
    assert "owner/default keeps 0.1 percent of what its delegators earn" in do("stake take owner 0.1")


def test_a_file_that_is_not_a_chain_is_not_overwritten(folder: Path) -> None:
    advice = "`subnetlab faucet WALLET --chain OTHER.db` starts one elsewhere"
    (folder / "junk.db").write_text("my shopping list\n" * 500)
    for where in ("junk.db", f"sqlite:///{folder}/junk.db"):
        assert refusal(f"chain status --chain {where}").endswith(f"file is not a database: {advice}")
    with contextlib.closing(sqlite3.connect(folder / "mine.db")) as mine:
        mine.execute("CREATE TABLE entries (id INTEGER)")
    written = (folder / "mine.db").read_bytes()
    assert refusal("chain status --chain mine.db") == f"mine.db is a database, but contains no chain: {advice}"
    assert (folder / "mine.db").read_bytes() == written
    assert refusal("chain status --chain .") == ". is a folder; name a file in it"
    do("wallet new owner")
    assert "can't be created" in refusal("faucet owner --chain junk.db/chain.db")


def test_a_chain_file_that_a_killed_command_left_empty_does_not_matter(folder: Path) -> None:
    do("wallet new owner")
    Path("half.db").touch()
    assert refusal("chain status --chain half.db") == "no chain at half.db: `subnetlab faucet WALLET` starts one"
    assert answer("faucet owner --chain half.db")["balance_rao"] == 300 * 10**9  # type: ignore[index]


def test_a_salt_is_on_disk_before_its_commit_is_confirmed(owned: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    do("subnet hyperparameters 1 --set commit_reveal=true")
    commits = owned / ".subnetlab/wallets/owner/commits/default"
    files = []

    def killed(chain: Chain, blocks: int = 1) -> None:
        files.extend(commits.glob("*.json"))
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Chain, "step", killed)
        run("weights commit owner --netuid 1 0=1")
    assert len(files) == 1 and files[0].stat().st_mode & 0o077 == 0
    do("subnet hyperparameters 1 --set commit_reveal=false")
    refusal("weights commit owner --netuid 1 0=1")
    assert list(commits.iterdir()) == files


def test_a_new_password_is_asked_for_twice_at_a_terminal(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = ["right", "wrong", "right", "right"]
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr("getpass.getpass", lambda prompt: answers.pop(0))
    with pytest.raises(WalletError, match="the two passwords differ"):
        new_password("safe")
    assert new_password("safe") == "right"


def test_usage_errors_exit_with_2(folder: Path) -> None:
    for command in (
        "metagraph",
        "chain run",
        "faucet",
        "faucet owner --times 70001",
        "chain step 0",
        "stake add owner",
        "stake add owner -5",
        "transfer owner owner -.5",
        "weights set owner --netuid 1 -1=1",
        "weights set owner --netuid x",
    ):
        assert run(command).exit_code == 2, command


def test_a_chain_runs_live_while_others_use_it(owned: Path) -> None:
    do("subnet hyperparameters 1 --set tempo=3")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-W", "error", "-m", "lab", "chain", "run", "--block-time", "0.1", "--epochs", "2"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as live:
        for _ in range(3):
            do("faucet owner")
        output, errors = live.communicate(timeout=60)
    assert live.returncode == 0, errors
    assert output.count("of subnet 1 paid") == 2


def test_a_second_process_on_an_open_chain_gets_the_reason(folder: Path) -> None:
    newcomer("owner")
    with Chain.open(".subnetlab/chain.db"):
        assert "is open in another process" in refusal("chain status")


def test_a_password_comes_by_terminal_or_pipe_and_shows_nowhere(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = [
        option for command in chain_commands().values() for parameter in command.params for option in parameter.opts
    ]
    assert not [option for option in options if "password" in option or "mnemonic" in option]
    password, given = "correct-horse-7", []
    plain = WalletFolder.new_coldkey
    with monkeypatch.context() as patched:  # the field's encryption takes seconds; tests/consensus has one of it
        patched.setattr(WalletFolder, "new_coldkey", lambda self, name, key: (given.append(key), plain(self, name))[1])
        result = run("wallet new safe --encrypt", stdin=f"{password}\n")
    assert (result.exit_code, given) == (0, [password])
    words = json.loads((folder / ".subnetlab/wallets/safe/hotkeys/default").read_text())["secretPhrase"]
    assert password not in result.output and words not in result.output
    file = folder / ".subnetlab/wallets/safe/coldkey"
    file.write_bytes(legacy_encrypt_keyfile_data(file.read_bytes(), password))
    result = run("faucet safe --json", stdin=f"{password}\n")
    assert json.loads(result.stdout)["balance_rao"] == 300 * 10**9
    assert isinstance(run("faucet safe", stdin="wrong\n").exception, WalletError)
    content = b"".join(path.read_bytes() for path in (folder / ".subnetlab").rglob("*") if path.is_file())
    assert password.encode() not in content


def chain_commands() -> dict[str, Any]:
    """Return every command of the local chain by its full name."""
    group: Any = typer.main.get_command(app)
    leaves = {}
    for name, module in COMMANDS.items():
        if module.startswith("lab.cli.chain."):
            command = group.get_command(typer.Context(group), name)
            for leaf, child in getattr(command, "commands", {"": command}).items():
                leaves[f"{name} {leaf}".strip()] = child
    return leaves


def test_wallets_are_listed_with_what_they_own(folder: Path) -> None:
    assert "no wallet yet" in do("wallet list")
    do("wallet new owner")
    do("wallet new owner --hotkey second")
    assert sorted(answer("wallet list")[0]["hotkeys"]) == ["default", "second"]  # type: ignore[index]
    do("faucet owner")
    assert "balance 300 τ" in do("wallet list")


def test_options_or_the_environment_name_other_places(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    do("wallet new owner --wallets here")
    do("faucet owner --wallets here --chain there/chain.db")
    assert (folder / "there/chain.db").is_file() and not (folder / ".subnetlab").exists()
    monkeypatch.setenv("SUBNETLAB_CHAIN", f"sqlite:///{folder}/there/chain.db")
    monkeypatch.setenv("SUBNETLAB_WALLETS", "here")
    assert answer("faucet owner")["balance_rao"] == 600 * 10**9  # type: ignore[index]


def test_each_command_has_help_with_an_example() -> None:
    commands = chain_commands()
    assert len(commands) == 24
    for name, command in commands.items():
        assert command.help and (command.hidden or "Example" in (command.epilog or "")), name


def test_importing_the_commands_imports_nothing_slow() -> None:
    modules = sorted({path.partition(":")[0] for path in COMMANDS.values() if path.startswith("lab.cli.chain.")})
    slow = {"sqlalchemy", "numpy", "numba", "bittensor_wallet", "rich.table"}
    script = f"import sys, {', '.join(modules)}; print(sorted({slow} & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"


def test_names_of_strangers_wallets_do_not_control_the_terminal(owned: Path) -> None:
    wallets = owned / ".subnetlab" / "wallets"
    shutil.copytree(wallets / "owner", wallets / "evil\x1b[2J\u202e")
    (wallets / "torn\x1b[31m").mkdir()
    (wallets / "torn\x1b[31m" / "coldkeypub.txt").write_text("torn")
    result = run("wallet list")
    assert result.exit_code == 0 and "evil?[2J?  coldkey 5" in result.stdout and "skipped wallet" in result.stderr
    assert "\x1b" not in result.output and "\u202e" not in result.output
