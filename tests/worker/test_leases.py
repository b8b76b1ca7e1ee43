from worker.leases import LEASE_CHECKS, Leases


def test_a_lease_expires_after_ten_checks_with_an_unchanged_beat():
    leases = Leases()
    for beat in ("0", "1"):
        for _ in range(LEASE_CHECKS):
            assert leases.expired([("a", "1", beat)]) == []
    assert leases.expired([("a", "1", "1"), ("b", "1", "0")]) == [("a", "1", "lease", "1")]


def test_every_attempt_has_its_own_lease():
    leases = Leases()
    for fence in ("1", "2"):
        for _ in range(LEASE_CHECKS):
            assert leases.expired([("a", fence, "0")]) == []


def test_no_lease_expires_while_redis_is_down():
    leases = Leases()
    for _ in range(3):
        for _ in range(LEASE_CHECKS):
            assert leases.expired([("a", "1", "0")]) == []
        leases.reset()


def test_a_worker_goes_on_without_a_place_for_as_long_as_an_expiry_takes():
    leases = Leases()
    assert not leases.watched
    leases.watch(has_place=True)
    for found in [[]] * LEASE_CHECKS + [[("a", "1", "lease", "0")]]:
        assert leases.watched
        assert leases.expired([("a", "1", "0")]) == found
        leases.watch(has_place=False)
    assert not leases.watched
    leases.watch(has_place=True)
    assert leases.expired([("a", "1", "0")]) == []  # it counts from the beginning
