from worker.leases import LEASE_LOOKS, Leases


def test_a_lease_ends_after_so_many_looks_without_a_beat():
    leases = Leases()
    for beat in ("0", "1"):
        for _ in range(LEASE_LOOKS):
            assert leases.ended([("a", "1", beat)]) == []
    assert leases.ended([("a", "1", "1"), ("b", "1", "0")]) == [("a", "1", "lease", "1")]


def test_another_attempt_has_a_lease_of_its_own():
    leases = Leases()
    for fence in ("1", "2"):
        for _ in range(LEASE_LOOKS):
            assert leases.ended([("a", fence, "0")]) == []


def test_while_redis_is_away_no_lease_passes():
    leases = Leases()
    for _ in range(3):
        for _ in range(LEASE_LOOKS):
            assert leases.ended([("a", "1", "0")]) == []
        leases.begin_anew()
