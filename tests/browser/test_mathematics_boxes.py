"""Boxes that approximate a function, on the mathematics page."""

from playwright.sync_api import expect

from tests.processes import wait_until


def test_boxes_approximate_the_typed_function(visit, stack, models):
    watched = visit(stack.url, "/ui/mathematics")
    page = watched.page
    page.fill("#function", "sin(3*x")
    fault = page.locator("#function-fault")
    expect(fault).to_contain_text("The function cannot be read at column 4: '(' was never closed.")
    page.fill("#function", "0,1*x")
    expect(fault).to_contain_text("Use a decimal point: 0.1.")
    assert all("422" in fault for fault in watched.faults)
    watched.faults.clear()
    page.fill("#function", "sin(3*x)")
    expect(page.locator("#function-fault")).to_have_count(0)
    expect(page.locator("#boxes-words b")).to_have_text("16 boxes: 17 neurons")
    expect(page.locator("#boxes-words")).to_contain_text("Largest error 0.55")
    page.focus("#n")
    page.keyboard.press("End")
    expect(page.locator("#boxes-words b")).to_have_text("256 boxes: 257 neurons")
    expect(page.locator("#boxes-words")).to_contain_text("Largest error 0.035")
    expect(page.locator("#boxes-request")).to_contain_text('"boxes": 256')
    expect(page.locator("#plane .heat canvas")).to_have_count(2)
    expect(page.locator("#plane-n")).to_contain_text("72 × 72 boxes, the most that")
    expect(page.locator("#plane .colorscale .xticks")).to_have_text("−1.001.0")
    expect(page.locator("#plane .heat .yticks").first).to_have_text("210−1−2")
    expect(page.locator("#plane-request")).to_contain_text('"dimensions": 2')


def test_free_widths_have_a_proof_and_are_compared(visit, stack):
    watched = visit(stack.url, "/ui/mathematics")
    page = watched.page
    words, proof = page.locator("#boxes-words"), page.locator("#boxes-proof")
    expect(words).to_contain_text("Largest error 0.55")
    expect(proof).to_be_empty()
    expect(page.locator("#rate-plot .end")).to_have_text(["LB/n", "error"])
    page.focus("#widths [value=equal]")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#boxes-request")).to_contain_text('"widths": "free"')
    expect(words).to_contain_text("Largest error 0.29")
    expect(words).to_contain_text("With equal widths, the largest error is 0.55")
    expect(words).to_contain_text("with 16 trained step neurons at most 0.4")
    expect(proof).to_contain_text("marked in the plot")
    curves = page.locator("#rate-plot .end")
    expect(curves).to_have_count(4)
    assert set(curves.all_text_contents()) == {"LB/n", "equal", "trained", "free"}
    expect(page.locator("#trained-words")).to_be_visible()
    page.focus("#n")
    page.keyboard.press("End")
    expect(proof).not_to_contain_text("marked in the plot")


def test_a_link_restores_free_widths(visit, stack):
    watched = visit(stack.url, "/ui/mathematics?widths=free&n=16#boxes")
    page = watched.page
    expect(page.locator("#widths [value=free]")).to_be_checked()
    expect(page.locator("#boxes-words b")).to_have_text("16 boxes: 17 neurons")
    expect(page.locator("#boxes-proof")).to_contain_text("have an error of at most")
    page.check("#widths [value=equal]", force=True)
    expect(page.locator("#boxes-proof")).to_be_empty()
    wait_until(lambda: "widths=equal" in page.evaluate("location.search"))


def test_no_bound_is_claimed_for_a_steep_or_unbounded_function(visit, stack):
    watched = visit(stack.url, "/ui/mathematics?function=tan(1.0466*x)&bound=1.5")
    page = watched.page
    expect(page.locator("#rate-words")).to_contain_text("The error is at most LB/n")
    expect(page.locator("#rate-plot .end")).to_have_text(["error"])  # LB/n is far above the plot
    page.fill("#bound", "3")
    expect(page.locator("#rate-words")).to_contain_text("No upper bound of the error is known")
    expect(page.locator("#rate-plot .end")).to_have_text(["found"])
    page.fill("#function", "step(x)")
    expect(page.locator("#rate-words")).to_contain_text("there is no bound LB/n")
    expect(page.locator("#boxes-words")).to_contain_text("Largest error 0 (proven), RMS error 0.")


def test_figures_of_the_former_function_say_so(visit, stack):
    watched = visit(stack.url, "/ui/mathematics?function=step(x)&plane=x*y")
    page = watched.page
    expect(page.locator("#boxes-words")).to_contain_text("16 boxes")
    expect(page.locator("#plane canvas")).to_have_count(3)
    page.fill("#function", "step(")
    page.fill("#plane-function", "x*")
    line = "step(x), with 16 boxes of equal width"
    plane = "x*y, with 16 boxes along each axis"
    for plot, shown in (("boxes-plot", line), ("rate-plot", line), ("plane", plane)):
        figure = page.locator(f"figure:has(#{plot})")
        note = figure.locator(".oldnote")
        expect(note).to_have_text(f"Not updated: still for {shown}.")
        for words in figure.locator(".found").all():
            expect(words).to_be_hidden()
        expect(figure).to_have_attribute("aria-describedby", note.get_attribute("id"))
    expect(page.locator("#boxes-words")).to_be_empty()
    assert watched.axe() == []
    assert all("422" in fault for fault in watched.faults)
    watched.faults.clear()
    page.fill("#function", "step(x)")
    page.fill("#plane-function", "x*y")
    expect(page.locator(".oldnote")).to_have_count(0)
    expect(page.locator("figure.old")).to_have_count(0)
    expect(page.locator("#rate-words")).to_be_visible()


def test_an_error_of_another_field_does_not_blame_the_function(visit, stack):
    watched = visit(stack.url, "/ui/mathematics?function=tan(x)")
    page = watched.page
    expect(page.locator("#boxes-words")).to_contain_text("16 boxes")
    page.check("#widths [value=free]", force=True)
    fault = page.locator("#function-fault")
    expect(fault).to_contain_text("The widths must be 'equal' for this function.")
    assert page.get_attribute("#function", "aria-invalid") is None
    watched.faults.clear()


def test_a_figure_says_that_its_answer_is_awaited(visit, stack):
    page = visit(stack.url, "/ui/mathematics").page
    expect(page.locator("#boxes-words")).to_contain_text("16 boxes")
    held = []
    page.route("**/analysis/box-approximation", lambda route: held.append(route))
    page.fill("#function", "cos(x)")
    expect(page.locator("figure:has(#boxes-plot) .oldnote")).to_have_text("Computing…")
    expect(page.locator("#boxes-words")).to_have_text("Computing…")
    expect(page.locator("figure:has(#boxes-plot)")).to_have_attribute("aria-busy", "true")
    held.pop().continue_()
    expect(page.locator(".oldnote")).to_have_count(0)
    expect(page.locator("#boxes-words")).to_contain_text("16 boxes")
    expect(page.locator("[aria-busy]")).to_have_count(0)


def test_a_wrong_function_in_a_link_gives_no_figure(visit, stack):
    watched = visit(stack.url, "/ui/mathematics?function=1/x&plane=1e300")
    expect(watched.page.locator("#function-fault")).to_contain_text("no finite value at x = ")
    notes = watched.page.locator(".oldnote")
    expect(notes).to_have_text(["No figure: the function has an error."] * 3)
    watched.faults.clear()


def test_axes_of_tiny_and_of_almost_constant_functions_have_short_numbers(open_page):
    page = open_page("/ui/mathematics?function=1e-300*x&plane=1e9%2Bx")
    plot = page.locator("#boxes-plot")
    expect(plot).to_contain_text("f(x), in units of 10⁻³⁰⁰")
    ticks = plot.locator('[aria-label="y-axis tick label"] text').all_text_contents()
    assert ticks == ["−3", "−2", "−1", "0", "1", "2", "3"]
    expect(page.locator("#rate-plot")).to_contain_text("10⁻³⁰¹")
    expect(page.locator(".colorscale p")).to_have_text("f(x, y) − 1,000,000,000")
    page.fill("#function", "2")
    expect(page.locator("#rate-plot")).to_contain_text("All errors are 0.")
