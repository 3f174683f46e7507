"""The data directory: one process at a time, secrets for the owner's eyes only."""

import stat
import subprocess
import sys

import pytest

from energy_ledger.storage.directory import DataDirectory, DirectoryError, DirectoryLock, write_atomically


@pytest.fixture
def directory(tmp_path):
    directory = DataDirectory(tmp_path / "data")
    directory.prepare()
    return directory


def test_the_node_key_is_made_once_and_for_the_owner_only(directory):
    key = directory.node_key()
    assert directory.node_key() == key
    assert len(key.public) == 32
    assert stat.S_IMODE((directory.path / "node.key").stat().st_mode) == 0o600


def test_the_setup_token_is_made_once_and_for_the_owner_only(directory):
    token = directory.setup_token()
    assert directory.setup_token() == token
    assert len(token) >= 43
    assert stat.S_IMODE((directory.path / "setup.token").stat().st_mode) == 0o600


def test_two_directories_have_different_secrets(directory, tmp_path):
    other = DataDirectory(tmp_path / "other")
    other.prepare()
    assert other.node_key() != directory.node_key()
    assert other.setup_token() != directory.setup_token()


def test_a_ledger_without_its_key_is_not_given_a_new_one(directory):
    directory.database.touch()
    with pytest.raises(DirectoryError, match="restore the key from a backup"):
        directory.node_key()
    assert not (directory.path / "node.key").exists()


@pytest.mark.parametrize("text", ["", "zz" * 32, "ab" * 31, "not hex at all"])
def test_a_broken_key_is_refused_and_left_as_it_is(directory, text):
    (directory.path / "node.key").write_text(text)
    with pytest.raises(DirectoryError, match="does not hold a node key"):
        directory.node_key()
    assert (directory.path / "node.key").read_text() == text


def test_a_second_process_is_told_who_has_the_directory(directory):
    holder = (
        "import sys, time; from pathlib import Path;"
        "from energy_ledger.storage.directory import DataDirectory, DirectoryLock;"
        "lock = DirectoryLock.take(DataDirectory(Path(sys.argv[1])));"
        "print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        (sys.executable, "-c", holder, str(directory.path)), stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(DirectoryError, match=rf"number {process.pid}\) already uses"):
            DirectoryLock.take(directory)
        process.kill()
    DirectoryLock.take(directory).release()


def test_the_lock_can_be_taken_again_after_it_was_given_free(directory):
    for _ in range(2):
        DirectoryLock.take(directory).release()


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DirectoryError, match="cannot be made"):
        DirectoryLock.take(DataDirectory(tmp_path / "file" / "data"))


def test_the_address_is_known_once_a_node_ran(directory):
    assert directory.address() is None
    directory.say_address("http://127.0.0.1:1")
    assert directory.address() == "http://127.0.0.1:1"


def test_a_file_is_replaced_whole(tmp_path):
    path = tmp_path / "file"
    write_atomically(path, "long text\n" * 100)
    write_atomically(path, "short")
    assert path.read_text() == "short"
    assert list(tmp_path.iterdir()) == [path]
