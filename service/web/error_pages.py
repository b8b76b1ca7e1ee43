"""Errors at the addresses of pages, as pages. People read these, and programs call no page."""

from flask import Flask, Response, render_template, request

from service.web.pages import POLICY

PROBLEM_TYPE = "application/problem+json"
TITLES = {
    404: "There is no such page",
    405: "This page can only be opened",
    500: "Something went wrong",
}
DETAILS = {
    404: "The address may be misspelled, or the page may have moved.",
    405: "Programs send other requests to the API.",
}


def register(app: Flask) -> None:
    """Turn each problem document at the address of a page into a page with the same status."""

    @app.after_request
    def show_as_page(response: Response) -> Response:
        is_page = request.path in ("/", "/ui") or request.path.startswith("/ui/")
        if not is_page or response.mimetype != PROBLEM_TYPE:
            return response
        status, problem = response.status_code, response.get_json()
        text = render_template(
            "error.html",
            title=TITLES.get(status, problem["title"]),
            detail=DETAILS.get(status, problem["detail"]),
            status=status,
        )
        response.set_data(text)
        response.content_type = "text/html; charset=utf-8"
        response.headers["Content-Security-Policy"] = POLICY
        return response
