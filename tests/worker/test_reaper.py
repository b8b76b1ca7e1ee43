"""The reaper sends the heartbeats of its worker, and finds out its device."""

from redis.exceptions import RedisError

from tests.processes import wait_until


def test_a_worker_sends_heartbeats_once_it_accepts_jobs(own_stack, redis_process, jobs):
    redis_process.stop()
    worker = own_stack.start_worker()
    wait_until(lambda: "Cannot connect to" in worker.log.read_text(), what="the first attempt")
    own_stack.start_redis()  # the worker retries some seconds later

    def workers():
        try:
            return jobs.workers()
        except RedisError:
            return []

    wait_until(workers, what="a heartbeat of the worker")
    assert " ready." in worker.log.read_text()


def test_the_device_is_found_although_the_pool_forks_at_the_same_time(own_stack, jobs):
    own_stack.start_worker(application="tests.worker.racing")
    wait_until(
        lambda: [one["name"] for one in jobs.workers() if one["device"]["name"] != "unknown"],
        what="the description of the worker",
    )


def test_the_heartbeat_and_the_end_wait_for_no_round(own_stack, jobs):
    worker = own_stack.start_worker(application="tests.worker.unhurried")
    wait_until(jobs.workers, what="a heartbeat of the worker")
    assert worker.stop() == 0
