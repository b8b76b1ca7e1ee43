"""bin/redis-credentials and bin/redis-local with a real Redis."""

import signal
import subprocess

import pytest
import redis
from redis.exceptions import NoPermissionError

from tests.processes import ROOT

pytestmark = pytest.mark.container


def make_credentials(folder):
    subprocess.run([ROOT / "bin" / "redis-credentials", folder], check=True)
    return (folder / "password").read_text()


def test_creates_a_password_that_nobody_else_can_read(tmp_path):
    password = make_credentials(tmp_path / "new" / "credentials")
    assert len(bytes.fromhex(password)) == 32
    assert (tmp_path / "new" / "credentials").stat().st_mode & 0o777 == 0o700


def test_files_in_an_existing_folder_are_readable_for_all_who_can_reach_it(tmp_path):
    (tmp_path / "volume").mkdir(mode=0o755)
    make_credentials(tmp_path / "volume")
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "volume").iterdir()}
    assert modes == {"password": 0o444, "users.acl": 0o444}
    assert (tmp_path / "volume").stat().st_mode & 0o777 == 0o755


def test_keeps_the_password_and_rewrites_the_users(tmp_path):
    password = make_credentials(tmp_path)
    users = (tmp_path / "users.acl").read_text()
    (tmp_path / "users.acl").unlink()
    assert make_credentials(tmp_path) == password
    assert (tmp_path / "users.acl").read_text() == users


def test_creates_another_password_for_another_folder(tmp_path):
    assert make_credentials(tmp_path / "a") != make_credentials(tmp_path / "b")


def connect(stack):
    password = (stack.folder / "redis" / "credentials" / "password").read_text()
    return redis.Redis(port=stack.redis_port, username="stepbox", password=password)


def test_starts_redis_with_its_settings_and_one_user(own_stack):
    process = own_stack.start_redis()
    with connect(own_stack) as connection:
        assert connection.set("job", "kept")
        assert connection.info("persistence")["aof_enabled"] == 1
        assert connection.info("memory")["maxmemory_policy"] == "noeviction"
        for command in ("CONFIG GET dir", "FLUSHALL", "KEYS *", "SHUTDOWN", "ACL LIST"):
            with pytest.raises(NoPermissionError):
                connection.execute_command(*command.split())
    with (
        redis.Redis(port=own_stack.redis_port) as anybody,
        pytest.raises(redis.AuthenticationError),
    ):
        anybody.get("job")
    assert process.stop() == 0


def test_acknowledged_writes_survive_a_kill(own_stack):
    process = own_stack.start_redis()
    with connect(own_stack) as connection:
        connection.set("job", "kept")
    process.stop(signal.SIGKILL)
    own_stack.start_redis()
    with connect(own_stack) as connection:
        assert connection.get("job") == b"kept"


def test_uses_the_packaged_redis_if_the_machine_has_an_old_one(own_stack, tmp_path):
    old = tmp_path / "redis-server"
    old.write_text("#!/bin/sh\necho 'Redis server v=5.0.7 sha=00000000:0'\n")
    old.chmod(0o755)
    own_stack.environment["PATH"] = f"{tmp_path}:{own_stack.environment['PATH']}"
    own_stack.start_redis()
    with connect(own_stack) as connection:
        assert connection.info("server")["redis_version"].startswith("8.")
