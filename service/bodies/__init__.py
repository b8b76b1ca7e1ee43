"""The bodies of requests and responses, but not their images: `service.api.predict` reads these.

Modules: `bounds`, `compression`, `json_body`, `json_cost` and `number_lists`.
"""
