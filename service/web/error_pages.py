"""Errors at the addresses of pages, as pages: people read these, and programs use the API."""

from flask import Flask, Response, render_template, request

from service.web.pages import POLICY

PROBLEM_TYPE = "application/problem+json"
# The title and the explanation of each status. Other errors, such as a wrong host, are no pages.
WORDS = {
    404: (
        "There is no such page",
        "The address may be misspelled, or the page may have moved.",
    ),
    405: (
        "A page can only be opened",
        "A program has sent another kind of request. The API accepts these.",
    ),
    500: (
        "Something went wrong",
        "An unexpected error occurred. The log of the API describes it.",
    ),
}


def register(app: Flask) -> None:
    """Turn problem documents at the addresses of pages into pages with the same status."""

    @app.after_request
    def show_as_page(response: Response) -> Response:
        is_page = request.path in ("/", "/ui") or request.path.startswith("/ui/")
        words = WORDS.get(response.status_code)
        if not is_page or words is None or response.mimetype != PROBLEM_TYPE:
            return response
        title, detail = words
        values = {"title": title, "detail": detail, "status": response.status_code}
        response.set_data(render_template("error.html", **values))
        response.content_type = "text/html; charset=utf-8"
        response.headers["Content-Security-Policy"] = POLICY
        return response
