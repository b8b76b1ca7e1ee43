"""A worker reports that `ulimit -v`, which limits its address space, is too low."""

import pytest

from stepbox.memory import loading_explained
from tests.processes import wait_until

LIMITED = ("sh", "-c", 'ulimit -v "$0" && exec "$@"')


def test_a_worker_reports_that_its_imports_need_more_memory(own_stack):
    own_stack.environment["OPENBLAS_NUM_THREADS"] = "1"  # else OpenBLAS needs more than LLVM
    worker = own_stack.start_worker("worker", *LIMITED, "250000")
    wait_until(lambda: not worker.running(), what="the worker to end")
    assert worker.stop() == 1
    (line,) = worker.log.read_text().splitlines()
    assert line.startswith("not enough memory to load a library (")
    assert "`ulimit -v` lets a process have 250,000 KiB" in line


def test_a_job_reports_that_torch_needs_more_memory(own_stack):
    own_stack.start_redis()
    own_stack.start_service()
    own_stack.start_worker("worker", *LIMITED, "1000000")
    job = own_stack.wait_for(own_stack.train(recipe="fashion-mnist-torch", epochs=1)["id"])
    assert job["status"] == "failed"
    assert "not enough memory to load a library (libtorch" in job["error"]["detail"]
    assert "`ulimit -v` lets a process have 1,000,000 KiB" in job["error"]["detail"]


def test_a_missing_library_is_still_reported_as_missing():
    with pytest.raises(ModuleNotFoundError), loading_explained():
        import stepbox.no_such_module  # noqa: F401
