"""Event streams release their resources when they end or their clients disconnect."""

import os
import re
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import requests

from jobs.events import FIRST, stream_key
from stepbox.training.presets import RECIPES
from tests.problems import check_problem
from tests.processes import wait_until

STREAMS = 1000
AT_ONCE = 20
THREADS = 64  # of both service processes together
HELD = 200  # streams that are open at once
SLOW_BODY = b'{"function": "sin(x*y)", "bound": 3, "dimensions": 2, "boxes": 1000}'
SLOW_HEAD = (
    b"POST /analysis/box-approximation HTTP/1.1\r\nHost: localhost\r\n"
    b"Content-Type: application/json\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n"
) % len(SLOW_BODY)


def open_stream(stack, id):
    answer = requests.get(f"{stack.url}/jobs/{id}/events", stream=True, timeout=10)
    if answer.status_code == 200:
        answer.lines = answer.iter_lines()  # keep the iterator: without it, the connection closes
        next(answer.lines)
    return answer


def descriptors(process):
    """Count the open files of a process and its children."""
    pids = [process.pid, *process.children()]
    return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in pids)  # noqa: PTH208


def test_a_thousand_dropped_streams_leave_nothing_open(own_stack, jobs):
    service = own_stack.start_service()
    id = jobs.submit(RECIPES["mnist-numpy"], samples=60000, queue_limit=9).id

    def counts():
        return jobs.redis.info("clients")["connected_clients"], descriptors(service)

    def drop(_):
        while (answer := open_stream(own_stack, id)).status_code == 429:
            answer.close()
            time.sleep(0.1)
        answer.close()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(drop, range(50)))
        time.sleep(2)
        connections, files = counts()
        list(pool.map(drop, range(STREAMS)))

    def released():
        """Tell whether Redis has at most a connection per thread, and few other files are new."""
        connections_now, files_now = counts()
        others = (files_now - connections_now) - (files - connections)
        return connections_now <= THREADS + 4 and others <= 4

    what = f"about {connections} connections and {files} files, as before"
    wait_until(released, what=what)
    requests.post(f"{own_stack.url}/jobs/{id}/cancel", timeout=10)


def test_streams_over_the_limit_are_rejected_and_do_not_disturb_others(own_stack, jobs):
    own_stack.environment |= {"STEPBOX_PROCESSES": "1", "STEPBOX_EVENT_STREAMS": "3"}
    own_stack.start_service()
    id = jobs.submit(RECIPES["mnist-numpy"], samples=60000, queue_limit=9).id
    streams = [open_stream(own_stack, id) for _ in range(3)]
    refused = open_stream(own_stack, id)
    check_problem(refused, 429)
    assert own_stack.job(id)["status"] == "queued"
    streams.pop().close()
    streams.append(wait_until(lambda: (one := open_stream(own_stack, id)).ok and one))
    for stream in streams:
        stream.close()
    assert re.fullmatch(r"[1-9]\d*", refused.headers["Retry-After"])


def test_many_streams_use_few_connections_and_end_with_the_process(own_stack, jobs):
    service = own_stack.start_service()
    id = jobs.submit(RECIPES["mnist-numpy"], samples=60000, queue_limit=9).id
    with ThreadPoolExecutor(AT_ONCE) as pool:
        streams = list(pool.map(lambda _: open_stream(own_stack, id), range(HELD)))
    assert all(stream.ok for stream in streams)
    # Each process reads all its streams over one connection.
    assert jobs.redis.info("clients")["connected_clients"] <= THREADS + 4

    requests.post(f"{own_stack.url}/jobs/{id}/cancel", timeout=10)
    for stream in streams:
        assert [line for line in stream.lines if line.startswith(b"event")] == [
            b"event: status"
        ] * 2

    id = jobs.submit(RECIPES["mnist-numpy"], samples=60000, queue_limit=9).id
    streams = [open_stream(own_stack, id) for _ in range(HELD)]
    with socket.create_connection(("127.0.0.1", own_stack.port), 30) as slow:
        slow.sendall(SLOW_HEAD)
        assert slow.recv(64).startswith(b"HTTP/1.1 100 ")  # the head has been read
        slow.sendall(SLOW_BODY)
        assert service.stop() == 0
        assert slow.recv(64).startswith(b"HTTP/1.1 200 ")
    for stream in streams:  # reading a stream without a proper end raises an error
        assert b"event: status" in list(stream.lines)


def test_a_stream_passes_events_that_this_version_does_not_know(own_stack, jobs):
    own_stack.start_service()
    id = jobs.submit(RECIPES["mnist-numpy"], samples=60000, queue_limit=9).id
    answer = requests.get(f"{own_stack.url}/jobs/{id}/events", stream=True, timeout=30)
    lines = (line for line in answer.iter_lines(decode_unicode=True) if line.startswith("event"))
    assert next(lines) == "event: status"
    unknown = [jobs.redis.xadd(stream_key(id), {"type": "weather"}) for _ in range(3)]
    jobs.cancel(id)
    assert list(lines) == ["event: status"]
    for last, expected in ((unknown[-1], 1), (FIRST, 2)):
        headers = {"Last-Event-ID": last}
        answer = requests.get(f"{own_stack.url}/jobs/{id}/events", headers=headers, timeout=30)
        assert re.findall(r"^event: (.*)$", answer.text, re.MULTILINE) == ["status"] * expected


def test_the_stream_of_an_unfinished_job_resumes_after_the_last_event(own_stack, jobs):
    own_stack.start_service()
    id = jobs.submit(RECIPES["mnist-numpy"], samples=60000, queue_limit=9).id
    ((last, _),) = jobs.redis.xrange(stream_key(id))
    url, headers = f"{own_stack.url}/jobs/{id}/events", {"Last-Event-ID": last}
    resumed = requests.get(url, headers=headers, stream=True, timeout=30)
    assert resumed.ok
    jobs.cancel(id)
    (_, (cancelled, _)) = jobs.redis.xrange(stream_key(id))
    assert re.findall(r"^id: (.*)$", resumed.text, re.MULTILINE) == [cancelled]
