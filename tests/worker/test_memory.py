import pytest

from worker import memory, owner
from worker.memory import memory_limit, oom_kills

EVENTS = "low 0\nhigh 0\nmax 12\noom 3\noom_kill {}\noom_group_kill 0\n"
CONTROL = "oom_kill_disable 0\nunder_oom 0\noom_kill {}\n"


@pytest.fixture(params=["version 1", "version 2", "version 2 in a container"])
def kernel(request, tmp_path, monkeypatch):
    """Fake a kernel's files of control groups; return a function that sets the count."""
    monkeypatch.setattr(memory, "PROC", tmp_path / "proc")
    monkeypatch.setattr(memory, "CONTROL_GROUPS", tmp_path / "groups")
    groups, file, text = {
        "version 1": ("5:cpu:/a\n4:memory:/a/b\n0::/\n", "memory/a/b/memory.oom_control", CONTROL),
        "version 2": ("0::/a/b.service\n", "a/b.service/memory.events", EVENTS),
        "version 2 in a container": ("0::/\n", "memory.events", EVENTS),
    }[request.param]
    (tmp_path / "proc" / "self").mkdir(parents=True)
    (tmp_path / "proc" / "self" / "cgroup").write_text(groups)
    path = tmp_path / "groups" / file
    path.parent.mkdir(parents=True)
    return lambda count: path.write_text(text.format(count))


def test_the_count_of_the_kernel_is_read(kernel):
    assert oom_kills() is None  # the file does not exist yet
    kernel(0)
    assert oom_kills() == 0
    kernel(12)
    assert oom_kills() == 12


def test_only_a_kill_after_the_claim_explains_a_death(kernel):
    kernel(2)
    claimed = owner.this_process()
    assert not owner._killed_for_memory(claimed)
    kernel(3)
    assert owner._killed_for_memory(claimed)
    assert not owner._killed_for_memory({**claimed, "oom_kills": None})


def test_without_control_groups_the_count_is_unknown(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "PROC", tmp_path)
    assert oom_kills() is None


GROUPS = {
    "version 1": ("4:memory:/a/b\n0::/\n", "memory/{}memory.limit_in_bytes", "a/b/"),
    "version 2": ("0::/a/b\n", "{}memory.max", "a/b/"),
    "version 2 in a container": ("0::/\n", "{}memory.max", ""),
}


@pytest.mark.parametrize("version", GROUPS)
def test_the_limit_is_the_smallest_around_the_process(version, tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "PROC", tmp_path / "proc")
    monkeypatch.setattr(memory, "CONTROL_GROUPS", tmp_path / "groups")
    assert memory_limit() is None
    groups, pattern, own = GROUPS[version]
    (tmp_path / "proc" / "self").mkdir(parents=True)
    (tmp_path / "proc" / "self" / "cgroup").write_text(groups)
    (tmp_path / "proc" / "meminfo").write_text("MemTotal:  1000 kB\nMemFree:  1 kB\n")
    assert memory_limit() == 1_024_000

    def limit(folder, text):
        file = tmp_path / "groups" / pattern.format(folder)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    limit(own, "max\n")
    assert memory_limit() == 1_024_000
    limit(own, "5000\n")
    assert memory_limit() == 5000
    if own:
        limit("a/", "4000\n")  # a group around it
        assert memory_limit() == 4000


def test_the_limit_of_this_process_is_known():
    assert memory_limit() >= 2**20
