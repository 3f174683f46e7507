"""`energy-ledger snapshot`, and nodes that begin with what it wrote."""

import json
import shutil
import sqlite3
from contextlib import closing
from random import Random

import pytest

from energy_ledger.cli import main
from energy_ledger.storage.reader import Reader
from tests.ledger_node.node.homes import StoredChain
from tests.support.node import NodeProcess


@pytest.fixture
def run(capfd):
    """Run the command line inside the tests' process; return status, output and complaint."""

    def run(*words):
        status = main(list(map(str, words)))
        printed = capfd.readouterr()
        return status, printed.out, printed.err

    return run


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    chain = StoredChain(tmp_path_factory.mktemp("chain") / "node")
    chain.lives(Random(9), 10)
    chain.snapshot(chain.directory.snapshot)
    yield chain
    chain.close()


def test_what_is_written_is_good_and_of_the_present_state(run, chain, tmp_path):
    file = tmp_path / "file"
    status, output, _ = run("snapshot", "--data", chain.directory.path, "--output", file, "--json")
    said = json.loads(output)
    assert status == 0
    assert said["state_root"] == chain.ledger.root.hex()
    assert (said["network"], said["votes"], said["epoch"]) == (chain.ledger.genesis.network, 1, 0)
    assert said["bytes"] == file.stat().st_size
    status, output, _ = run("snapshot", "--data", tmp_path, "--check", file)
    assert status == 0
    assert f"Snapshot of Sunny Street ({said['network']}) at commit {said['commit']}" in output


def test_a_state_that_is_not_certified_yet_gives_the_newest_snapshot(run, chain, tmp_path):
    place = tmp_path / "node"
    shutil.copytree(chain.directory.path, place)
    with closing(Reader(place / "ledger.db")) as reader:
        assert reader.certificate() is not None
    connection = sqlite3.connect(place / "ledger.db")
    connection.execute("DELETE FROM facts WHERE name = 'certificate'")
    connection.commit()
    connection.close()
    status, _, _ = run("snapshot", "--data", place, "--output", tmp_path / "file")
    assert status == 0
    assert (tmp_path / "file").read_bytes() == chain.directory.snapshot.read_bytes()


def test_a_changed_file_is_refused_in_one_sentence(run, chain, tmp_path):
    data = bytearray(chain.directory.snapshot.read_bytes())
    data[-5] ^= 1
    (tmp_path / "file").write_bytes(data)
    for words in (("--check", tmp_path / "file"), ("--restore", tmp_path / "file")):
        status, output, complaint = run("snapshot", "--data", tmp_path / "new", *words)
        assert (status, output) == (1, "")
        assert complaint.startswith("no good snapshot: ")
    assert not (tmp_path / "new" / "ledger.db").exists()


def test_it_says_when_there_is_nothing_to_take_or_something_in_the_way(run, chain, tmp_path):
    assert run("snapshot", "--data", tmp_path / "no", "--output", tmp_path / "file")[0] == 2
    status, _, complaint = run(
        "snapshot", "--data", chain.directory.path, "--restore", chain.directory.snapshot
    )
    assert status == 1
    assert "nothing was changed" in complaint


def test_a_node_goes_on_from_a_restored_snapshot(run, chain, tmp_path):
    status, _, complaint = run("snapshot", "--data", tmp_path / "new", "--restore", chain.directory.snapshot)
    assert status == 0, complaint
    assert not (tmp_path / "new" / "voice").exists()  # its key is new and never said anything
    with NodeProcess(tmp_path / "new") as node:
        network = node.ask("/v1/network", node.setup_token)
    assert network["commit"] >= network["known_from"]["commit"] > 0
    status, output, _ = run("verify", "--data", tmp_path / "new", "--json")
    assert (status, json.loads(output)["valid"]) == (0, True)


def test_a_node_may_be_started_from_a_file_and_refuses_a_false_one(chain, tmp_path):
    with NodeProcess(tmp_path / "new", "--snapshot", str(chain.directory.snapshot)) as node:
        assert node.ask("/health")["status"] == "ok"
        node.restart()
        assert node.ask("/health")["status"] == "ok"
    (tmp_path / "false").write_bytes(b"x")
    with pytest.raises(AssertionError, match="no snapshot of a ledger"):
        NodeProcess(tmp_path / "other", "--snapshot", str(tmp_path / "false")).start()
