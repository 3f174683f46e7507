"""The command line, as people and programs call it."""

import errno
import io
import json
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from energy_ledger.cli import main
from energy_ledger.commands import node as node_command
from tests.support.client import Street, client_of
from tests.support.node import NodeProcess, command, free_port
from tests.support.people import Person, genesis

VECTORS = Path(__file__).parents[2] / "vectors"
WALLET = json.loads((VECTORS / "wallets.json").read_text())[0]


@pytest.fixture
def run(monkeypatch, capfd):
    """Run the command line inside the tests' process: faster by what a process needs to start."""

    def run(*words, stdin=""):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        try:
            status = main(list(words))
        except SystemExit as end:
            status = end.code
        printed = capfd.readouterr()
        return SimpleNamespace(returncode=status, stdout=printed.out, stderr=printed.err)

    return run


@pytest.fixture
def data(tmp_path):
    return tmp_path / "node"


def found(run, data, tmp_path, founder=None):
    """Found a network with the command, and return what it printed and the founder."""
    key = run("keys", "--data", str(data), "--json")
    founder = founder or Person("Ada")
    file = tmp_path / "genesis.json"
    file.write_text(json.dumps(genesis(founder, json.loads(key.stdout)["node_key"])))
    return run("found", "--data", str(data), "--genesis", str(file), "--json"), founder


def test_keys_shows_the_same_key_every_time(run, data):
    first, second = (run("keys", "--data", str(data)) for _ in range(2))
    assert first.returncode == 0
    assert first.stdout == second.stdout
    assert len(bytes.fromhex(first.stdout)) == 32


def test_the_data_directory_may_come_from_the_environment(data):
    assert command("keys", ENERGY_LEDGER_DATA=str(data)).returncode == 0
    assert (data / "node.key").exists()


def test_a_network_can_be_founded_before_the_node_runs(data, tmp_path):
    done, founder = found(command, data, tmp_path)
    printed = json.loads(done.stdout)
    assert printed["network"] == founder.network
    with NodeProcess(data) as node:
        assert node.ask("/v1/network", printed["token"])["network"] == founder.network
        again, _ = found(command, data, tmp_path)
    assert (again.returncode, again.stdout) == (1, "")
    assert "already uses" in again.stderr
    again, _ = found(command, data, tmp_path)
    assert (again.returncode, again.stderr) == (1, "this node already has a network\n")


@pytest.mark.parametrize("text", ["", "{}", '{"payload": "{}", "signatures": ["00"]}', "nonsense"])
def test_a_genesis_that_is_none_is_refused(run, data, text):
    done = run("found", "--data", str(data), "--genesis", "-", stdin=text)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("this genesis cannot be used: ")
    assert done.stderr.count("\n") == 1


async def test_an_invite_from_the_command_line_lets_somebody_in(data, tmp_path):
    founder = Person("Ada", seed=bytes.fromhex(WALLET["ed25519_seed"]))
    token = json.loads(found(command, data, tmp_path, founder)[0].stdout)["token"]
    words = ("invite", "--data", str(data), "--node", "http://192.0.2.1:8710", "--days", "2", "--json")
    done = command(*words, stdin=WALLET["phrase"])
    assert done.returncode == 0, done.stderr
    invite = json.loads(done.stdout)
    assert invite["nodes"] == ["http://192.0.2.1:8710"]
    with NodeProcess(data) as node:
        async with client_of(node, token) as client:
            status, _ = await client.with_token("").call("POST", "/v1/setup", {"join": invite["invite"]})
    assert status == 200


def test_only_the_founder_can_invite(run, data, tmp_path):
    found(run, data, tmp_path)
    done = run("invite", "--data", str(data), stdin=WALLET["phrase"])
    assert (done.returncode, done.stderr) == (1, "this phrase is not that of a founder of this network\n")
    done = run("invite", "--data", str(data), stdin="too few words")
    assert (done.returncode, done.stderr) == (2, "a phrase has 24 words, this one 3\n")


def test_without_a_network_nobody_is_invited(run, data):
    done = run("invite", "--data", str(data), stdin=WALLET["phrase"])
    assert done.returncode == 1
    assert "has no network yet" in done.stderr


async def test_status_and_verify_speak_to_people_and_to_programs(node, client):
    data = ("--data", str(node.data))
    assert "has no network yet" in command("status", *data).stdout
    assert command("verify", *data).returncode == 1
    street = await Street.found(node, client)
    await street.joins("Bo", money=5)
    status = command("status", *data)
    assert status.returncode == 0
    assert status.stdout.startswith("Sunny Street (")
    assert status.stdout.endswith("in sync\n")
    facts = json.loads(command("status", *data, "--json").stdout)
    assert facts["health"]["status"] == "ok"
    verified = command("verify", *data)
    assert (verified.returncode, verified.stderr) == (0, "")
    assert facts["network"]["state_root"] in verified.stdout
    report = json.loads(command("verify", *data, "--json").stdout)
    assert (report["valid"], report["state_root"]) == (True, facts["network"]["state_root"])
    token = node.data.parent / "token"
    token.write_text(street.client.token)
    elsewhere = command("status", "--url", node.url, "--token-file", str(token))
    assert elsewhere.stdout == status.stdout
    token.write_text("wrong")
    refused = command("status", "--url", node.url, "--token-file", str(token))
    assert refused.returncode == 1
    assert "does not take this token" in refused.stderr


def test_verify_says_what_is_wrong_and_exits_with_one(run, data, tmp_path):
    found(run, data, tmp_path)
    with closing(sqlite3.connect(data / "ledger.db")) as connection:
        connection.execute("UPDATE accounts SET live = 0")
        connection.commit()
    done = run("verify", "--data", str(data))
    assert done.returncode == 1
    assert done.stdout.startswith("The database is wrong: table accounts")
    answer = json.loads(run("verify", "--data", str(data), "--json").stdout)
    assert (answer["valid"], answer["reason"][:14]) == (False, "table accounts")


def test_status_of_a_node_that_does_not_run_is_an_error(run, data):
    done = run("status", "--data", str(data))
    assert (done.returncode, done.stderr) == (1, f"no node has ever run in {data}\n")
    done = run("status", "--url", f"http://127.0.0.1:{free_port()}", "--token-file", "/dev/null")
    assert done.returncode == 1
    assert "does not answer" in done.stderr
    assert run("status").returncode == 2


BOOK = {
    "slots": 2,
    "tariff": {"price_floor": 80_000, "price_cap": 300_000, "grid_fee": 5_000},
    "feeders": [],
    "offers": [{"id": "o", "price": 90_000, "slots": {"1": 500}}],
    "bids": [{"id": "b", "price": 250_000, "slots": {"1": 300}}],
}


def test_a_book_is_cleared_and_the_clearing_verified(run, tmp_path):
    orders, result = tmp_path / "orders.json", tmp_path / "result.json"
    orders.write_text(json.dumps(BOOK))
    done = run("clear", str(orders))
    assert (done.returncode, done.stderr) == (0, "")
    clearing = json.loads(done.stdout)
    assert (clearing["status"], clearing["volume_wh"], clearing["gap_ppm"]) == ("optimal", 300, 0)
    assert run("clear", "-", stdin=json.dumps(BOOK)).stdout == done.stdout
    result.write_text(done.stdout)
    verdict = run("verify-clearing", str(orders), str(result))
    assert (verdict.returncode, json.loads(verdict.stdout)["valid"]) == (0, True)
    result.write_text(json.dumps(clearing | {"welfare": clearing["welfare"] + 1}))
    verdict = run("verify-clearing", str(orders), str(result))
    assert (verdict.returncode, json.loads(verdict.stdout)["valid"]) == (1, False)


DRAWING = {
    "committee": 1,
    "blocks": [
        {"id": f"A{n}", "author": 0, "round": n, "ancestors": [f"{'A' if n > 1 else 'G'}{n - 1}"]}
        for n in (1, 2, 3)
    ],
}


def test_a_drawn_dag_is_replayed(run, tmp_path):
    done = run("replay-dag", "-", stdin=json.dumps(DRAWING))
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["sequence"] == ["A1"]


@pytest.mark.parametrize("words", [("clear",), ("replay-dag",), ("verify-clearing", "/dev/null")])
@pytest.mark.parametrize("text", ["", "{", "[]", '{"a": NaN}', '{"a": 1, "a": 2}'])
def test_a_bad_file_is_one_line_and_exit_status_two(run, words, text, tmp_path):
    file = tmp_path / "file.json"
    file.write_text(text)
    words = (words[0], str(file), *words[1:]) if words[0] == "verify-clearing" else (*words, str(file))
    done = run(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "words", [("clear", "/nowhere"), ("replay-dag", "/nowhere"), ("verify", "--data", "/nowhere")]
)
def test_a_file_that_is_not_there_is_named(run, words):
    done = run(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert "/nowhere" in done.stderr


@pytest.mark.parametrize("name", ["a\0b", "a\nb", "", "/", "x" * 5000])
@pytest.mark.parametrize(
    "words", [("clear",), ("replay-dag",), ("verify-clearing", "-"), ("found", "--genesis")]
)
def test_a_name_that_no_file_can_have_is_one_line(run, words, name, data):
    where = ("--data", str(data)) if words[0] == "found" else ()
    done = run(*words, name, *where, stdin=json.dumps(BOOK))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "cannot be read" in done.stderr


@pytest.mark.parametrize(
    ("redirection", "status", "complaint"),
    [
        ("| true", 141, ""),
        (">/dev/full", 1, "No space left on device\n"),
        (">&-", 1, "standard output is closed, so there is nowhere to write the result\n"),
        ("<&-", 2, "standard input is closed\n"),
        ("2>&-", 0, ""),
    ],
)
def test_a_result_that_nobody_can_take_is_no_crash(tmp_path, redirection, status, complaint):
    book = tmp_path / "book.json"
    book.write_text(json.dumps(BOOK))
    words = f"{sys.executable} -m energy_ledger.cli clear - <{book} {redirection}"
    shell = ("bash", "-o", "pipefail", "-c", words)
    done = subprocess.run(shell, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (status, complaint)


@pytest.mark.parametrize("words", [("keys",), ("status",), ("invite",), ("verify",), ("node", "--port", "0")])
def test_a_data_directory_that_is_a_file_is_one_line(run, words, tmp_path):
    (tmp_path / "file").write_text("")
    done = run(*words, "--data", str(tmp_path / "file"))
    assert done.returncode in (1, 2)
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("port", ["-1", "65536", "x", "1e3", "9" * 5000])
def test_a_port_that_there_cannot_be_is_refused(run, data, port):
    done = run("node", "--data", str(data), "--port", port)
    assert done.returncode == 2
    assert "takes a whole number from 0 to 65535" in done.stderr or "expected one argument" in done.stderr
    assert not data.exists()


@pytest.mark.parametrize("days", ["0", "3651", "9" * 30, "week"])
def test_an_invite_counts_for_a_number_of_days(run, data, days):
    done = run("invite", "--data", str(data), "--days", days)
    assert done.returncode == 2
    assert "takes a whole number from 1 to 3650" in done.stderr


@pytest.mark.parametrize("name", ["node.key", "setup.token", "address"])
def test_a_file_of_a_node_that_holds_junk_is_one_line(run, data, name):
    run("keys", "--data", str(data))
    (data / "address").write_text(f"http://127.0.0.1:{free_port()}\n")
    (data / name).write_bytes(bytes(range(256)))
    done = run("keys" if name == "node.key" else "status", "--data", str(data))
    assert (done.returncode in (1, 2), done.stdout) == (True, "")
    assert done.stderr.strip()
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("url", ["nowhere", "ftp://127.0.0.1", "http://", ""])
def test_an_address_that_is_none_is_said_so(run, url):
    done = run("status", "--url", url, "--token-file", "/dev/null")
    assert (done.returncode, done.stdout) == (2, "")
    assert "is no address of a node" in done.stderr


def test_what_is_no_node_is_said_so(run, tmp_path):
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    with server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        done = run("status", "--url", f"http://127.0.0.1:{server.server_port}", "--token-file", "/dev/null")
        server.shutdown()
    assert (done.returncode, done.stdout) == (1, "")
    assert "is no node of this kind" in done.stderr


def test_bytes_that_are_no_text_are_a_bad_file(run, tmp_path):
    (tmp_path / "file").write_bytes(b'{"a": "\xff"}')
    for name in ("clear", "replay-dag"):
        assert run(name, str(tmp_path / "file")).returncode == 2


def test_a_port_that_is_taken_is_said_in_one_sentence(node, tmp_path):
    done = command("node", "--data", str(tmp_path / "other"), "--port", str(node.port))
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(f"cannot listen at 127.0.0.1:{node.port}")
    assert "Traceback" not in done.stderr


def test_a_full_disk_is_not_mistaken_for_a_port_that_is_taken(run, tmp_path, monkeypatch):
    async def serve(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(node_command, "serve", serve)
    done = run("node", "--data", str(tmp_path))
    assert done.returncode == 1
    assert done.stderr.strip() == f"the data directory {tmp_path} cannot be written: No space left on device"


def test_a_node_that_cannot_start_says_why(data):
    assert "--host takes an IP address" in command("node", "--data", str(data), "--host", "here").stderr
    done = command("node", "--data", str(data), "--supervisor", "http://127.0.0.1:1", SUPERVISOR_TOKEN="")
    assert done.returncode == 1
    assert "SUPERVISOR_TOKEN is not set" in done.stderr
    assert "Traceback" not in done.stderr


def test_help_names_every_command_and_the_version_is_the_packages():
    done = command("--help")
    names = ("node", "found", "invite", "status", "keys", "verify", "clear", "verify-clearing", "replay-dag")
    assert done.returncode == 0
    assert all(f"\n    {name} " in done.stdout or f"\n    {name}\n" in done.stdout for name in names)
    assert command("--version").stdout == "0.1.0\n"
    assert command().returncode == 2
    assert command("fly").returncode == 2
