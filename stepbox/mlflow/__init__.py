"""Finished jobs of a server as runs of an MLflow tracking server.

`content` says what is logged of a job, without MLflow. `tracker` writes it to a tracking server,
and `onnx_model` makes the folder of a model. `job_log` reads the jobs from a server. MLflow is
imported when a `Tracker` is made: it takes seconds.

Public names: `Tracker` (tracker), `JobLog` (job_log).
"""
