"""The worker's watch, as others see it."""

from redis.exceptions import RedisError

from tests.processes import wait_until


def test_a_worker_is_heard_of_once_it_takes_jobs(own_stack, redis_process, jobs):
    redis_process.stop()
    worker = own_stack.start_worker()
    wait_until(lambda: "Cannot connect to" in worker.log.read_text(), what="the first try")
    own_stack.start_redis()  # the worker tries again some seconds later

    def workers():
        try:
            return jobs.workers()
        except RedisError:
            return []

    wait_until(workers, what="the worker to be heard of")
    assert " ready." in worker.log.read_text()
