"""The page for predictions in a browser."""

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from stepbox.data.builtin import load_dataset

SEVEN = [(0.3, 0.19), (0.45, 0.18), (0.5, 0.19), (0.42, 0.4), (0.36, 0.6), (0.32, 0.75)]
ONE = [(0.5, 0.2), (0.5, 0.8)]
BRING = """(element, [event, content]) => {
    const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], "image.png", { type: "image/png" }));
    const options = { bubbles: true, cancelable: true };
    return !element.dispatchEvent(
        event === "paste"
            ? new ClipboardEvent(event, { clipboardData: transfer, ...options })
            : new DragEvent(event, { dataTransfer: transfer, ...options })
    );
}"""  # returns whether the page prevented what the browser would do, such as leaving the page


def draw(page, points):
    """Draw a stroke on the board with the mouse. Points are shares of its width and height."""
    board = page.locator("#ink").bounding_box()
    places = [
        (board["x"] + x * board["width"], board["y"] + y * board["height"]) for x, y in points
    ]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=6)
    page.mouse.up()


def seen(page):
    """Return the image that the network sees, as a data URL."""
    return page.evaluate("document.querySelector('#seen').toDataURL()")


@pytest.fixture
def boot(stack):
    """Return a PNG file like a photograph of an ankle boot: large, dark on white."""
    dataset = load_dataset("fashion-mnist", "test", stack.environment["STEPBOX_DATA_DIR"])
    pixels = 255 - np.kron(dataset.samples[0], np.ones((12, 12), np.uint8))
    buffer = io.BytesIO()
    Image.fromarray(pixels).convert("RGB").save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.container
def test_a_drawn_seven_is_recognized(open_page, models):
    page = open_page(f"/ui/predict?models={models['mnist']}")
    page.click("#clear")
    expect(page.locator(".top1")).to_have_text("")
    draw(page, [(0.15, 0.2), *SEVEN])
    expect(page.locator(".top1")).to_have_text("7")
    expect(page.locator("#summary")).to_contain_text("The model predicts a 7 (")
    expect(page.locator("#steps")).to_contain_text("Prepared as MNIST was made")
    expect(page.locator("#over .box, #over .cross")).to_have_count(2)
    expect(page.locator("#request")).to_contain_text("&fit=auto&invert=never -H")
    expect(page.locator("#answers .bars .best .name")).to_have_text("7")


def test_the_first_stroke_replaces_the_example_and_undo_brings_it_back(open_page, models):
    page = open_page(f"/ui/predict?models={models['mnist']}")
    top = page.locator(".top1")
    expect(top).to_have_text("7")
    draw(page, ONE)
    expect(top).to_have_text("1")  # on the example, the stroke would be read as another digit
    page.click("#clear")
    expect(top).to_have_text("")
    expect(page.locator("#summary")).to_have_text("Nothing is drawn.")
    page.click("#undo")
    expect(top).to_have_text("1")
    page.click("#undo")
    expect(top).to_have_text("7")
    page.click("#samples button >> nth=3")
    expect(top).to_have_text("3")
    page.locator("#board").press("Space")  # the keyboard's first stroke replaces an image too
    for _ in range(14):
        page.keyboard.press("ArrowDown")
    expect(top).to_have_text("1")
    for _ in range(2):
        page.click("#undo")
    expect(top).to_have_text("7")


def test_a_link_contains_the_drawing(visit, stack, models):
    watched = visit(stack.url, f"/ui/predict?models={models['mnist']}")
    page = watched.page
    draw(page, [(0.15, 0.2), *SEVEN])
    draw(page, [(0.3, 0.5), (0.6, 0.45)])
    watched.settle()
    page.evaluate("navigator.clipboard.writeText = async (text) => { window.copied = text; }")
    page.click("#request >> text=Copy link")
    link = page.evaluate("window.copied").removeprefix(stack.url)
    copy = visit(stack.url, link).page
    assert seen(copy) == seen(page)
    expect(copy.locator("#trouble")).to_be_empty()
    damaged = visit(stack.url, link[:-1]).page  # cut in the middle of the last point
    expect(damaged.locator("#trouble")).to_contain_text("The drawing in this link is damaged")


@pytest.mark.container
@pytest.mark.parametrize(("event", "place"), [("drop", "h1"), ("paste", "body")])
def test_an_image_from_outside_is_recognized(open_page, models, boot, event, place):
    page = open_page(f"/ui/predict?models={models['fashion-mnist']}")
    page.locator("#board").press("Space")
    expect(page.locator("#over .cursor.down")).to_have_count(1)
    content = base64.b64encode(boot).decode()
    assert page.locator(place).evaluate(BRING, [event, content])
    expect(page.locator("#over .cursor.down")).to_have_count(0)  # the stroke has ended
    expect(page.locator(".top1")).to_have_text("Ankle boot")
    expect(page.locator("#steps")).to_contain_text(
        "Prepared as Fashion-MNIST was made: light and dark exchanged"
    )
    expect(page.locator("#request")).to_contain_text("&fit=auto&invert=auto -H")
    page.wait_for_url("**pixels=*")
    copy = open_page(page.url.removeprefix(page.url.split("/ui/")[0]))
    expect(copy.locator(".top1")).to_have_text("Ankle boot")
    assert seen(copy) == seen(page)
    page.check("#fit [value=none]")
    expect(page.locator("#steps")).to_contain_text("The whole image was used")


def test_an_image_that_shows_nothing_gets_no_answer(open_page, models, boot, tmp_path):
    page = open_page(f"/ui/predict?models={models['mnist']}")
    Image.new("L", (90, 60), 200).save(tmp_path / "empty.png")
    page.set_input_files("#file", tmp_path / "empty.png")
    expect(page.locator("#summary[role=status]")).to_contain_text("The image shows nothing")
    expect(page.locator(".top1")).to_have_text("")
    expect(page.locator("#answers .bars .best")).to_have_count(0)
    expect(page.locator("#steps")).to_be_empty()
    expect(page.locator("#over .box")).to_have_count(0)
    (tmp_path / "boot.png").write_bytes(boot)
    page.set_input_files("#file", tmp_path / "boot.png")
    expect(page.locator("#summary[role=status]")).to_contain_text("The model predicts")
    expect(page.locator("#steps")).to_contain_text("light and dark exchanged")


def test_a_link_has_no_pixels_of_an_earlier_image(open_page, models, boot, tmp_path):
    page = open_page(f"/ui/predict?models={models['mnist']}")
    (tmp_path / "boot.png").write_bytes(boot)
    page.set_input_files("#file", tmp_path / "boot.png")
    page.wait_for_url("**pixels=*")
    page.route("**/predict?*", lambda route: None)  # no answer
    Image.new("L", (90, 60), 200).save(tmp_path / "other.png")
    page.set_input_files("#file", tmp_path / "other.png")
    page.wait_for_url(lambda url: "pixels" not in url)


@pytest.mark.parametrize("name", ["words.png", "words.txt", "words.json"])
def test_a_file_that_is_not_an_image_is_reported(visit, stack, models, tmp_path, name):
    watched = visit(stack.url, f"/ui/predict?models={models['mnist']}")
    page = watched.page
    expect(page.locator(".top1")).to_have_text("7")
    (tmp_path / name).write_text('{"not": "an image"}' if "json" in name else "not an image")
    page.set_input_files("#file", tmp_path / name)
    expect(page.locator("#summary")).to_contain_text("This file is not an image")
    expect(page.locator(".top1")).to_have_text("")
    expect(page.locator("#answers .bars .best")).to_have_count(0)
    page.click("#undo")
    expect(page.locator(".top1")).to_have_text("7")
    draw(page, ONE)
    expect(page.locator("#summary")).to_contain_text("The model predicts a 1 (")
    assert all("422" in fault for fault in watched.faults)
    watched.faults.clear()


def test_models_of_a_link_are_found_by_alias_and_unknown_ones_are_named(open_page, models):
    page = open_page(f"/ui/predict?models=latest-fashion-mnist,nobody,{models['mnist']}")
    expect(page.locator("#trouble")).to_contain_text("There is no model or alias “nobody”.")
    expect(page.locator(".choose .model")).to_have_count(2)
    expect(page.locator(".choose .model").first).to_contain_text("right on Fashion-MNIST")


def test_a_model_is_chosen_by_a_search(open_page, models):
    page = open_page(f"/ui/predict?models={models['mnist']}")
    button = page.locator(".choose .model")
    expect(button).to_contain_text("mnist-numpy, epochs 1")
    button.press("Enter")
    search = page.locator("#chooser-text")
    expect(search).to_be_focused()
    search.fill("no such model")
    expect(page.locator("#chooser-count")).to_have_text("No model matches.")
    search.fill(f"fashion {models['fashion-mnist']}")
    expect(page.locator("#chooser-list button")).to_have_count(1)
    search.press("ArrowDown")
    expect(page.locator("#chooser-list button")).to_be_focused()
    page.keyboard.press("Enter")
    expect(button).to_contain_text("right on Fashion-MNIST")
    expect(button).to_be_focused()
    page.wait_for_url(f"**models={models['fashion-mnist']}*")


def test_a_link_to_a_missing_image_is_reported(visit, stack, models):
    watched = visit(stack.url, "/ui/predict?sample=mnist-10000")
    expect(watched.page.locator(".notice")).to_be_visible()
    assert all("422" in fault for fault in watched.faults)
    watched.faults.clear()


def test_a_click_switches_a_neuron_off_and_shows_what_changes(visit, stack, models):
    watched = visit(stack.url, f"/ui/predict?models={models['mnist']}")
    page = watched.page
    words = page.locator("#inside-words")
    page.locator("#inside").scroll_into_view_if_needed()
    expect(words).to_contain_text("All neurons are on. The network predicts 7")
    expect(page.locator(".neurons canvas")).to_have_count(2)
    expect(page.locator("#inside-up li")).to_have_count(5)
    expect(page.locator("#inside-sum")).to_contain_text("The logit of 7")
    page.click("#inside-classes label >> nth=3")
    expect(page.locator("#inside-down h3")).to_have_text("Push 3 down the most")
    cells = page.locator(".neurons canvas").nth(1)
    cells.hover(position={"x": 5, "y": 5})
    expect(page.locator("#inside-neuron")).to_contain_text("Hidden layer 2, neuron 0: activation")
    expect(page.locator("#inside-neuron")).to_contain_text("It adds to the logits: 0: ")
    cells.click(position={"x": 5, "y": 5})
    expect(words).to_contain_text("With 1 neuron off: ")
    expect(page.locator("#inside-neuron")).to_contain_text("switched off")
    expect(page.locator("#inside-after .best")).to_have_count(1)
    page.click("#inside-up button >> nth=0")
    expect(words).to_contain_text("With 2 neurons off: ")
    page.click("text=Switch all on")
    expect(words).to_contain_text("All neurons are on.")
    expect(page.locator("#inside-after .best")).to_have_count(0)
    assert watched.axe() == []


def test_the_keyboard_alone_switches_neurons_off(visit, stack, models):
    watched = visit(stack.url, f"/ui/predict?models={models['mnist']}")
    page = watched.page
    page.keyboard.press("Tab")
    page.locator(".neurons").nth(0).focus()
    words = page.locator("#inside-words")
    expect(words).to_contain_text("All neurons are on.")
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft", "Enter"):
        page.keyboard.press(key)
    expect(words).to_contain_text("With 1 neuron off: ")
    text = "Hidden layer 1, neuron 1: switched off."
    expect(page.locator("#inside-neuron")).to_have_text(text)
    page.keyboard.press("Enter")
    expect(words).to_contain_text("All neurons are on.")


def test_several_models_predict_side_by_side(open_page, models):
    page = open_page(f"/ui/predict?models={','.join(models.values())}&sample=fashion-mnist-0")
    expect(page.locator("#fashion, .top1")).to_have_count(2)
    expect(page.locator(".top1").nth(1)).to_have_text("Ankle boot")
    page.check("[value=logits]")
    expect(page.locator(".bars.signed")).to_have_count(2)
    clothes = "Trained only on clothes, shoes and bags: an ankle boot ("
    expect(page.locator("#summary")).to_contain_text(clothes)
    page.locator("text=Remove").press("Enter")
    expect(page.locator(".top1")).to_have_count(1)
    expect(page.locator("#summary")).to_contain_text("The model knows only digits.")
    expect(page.locator("#add")).to_be_focused()
    page.click("#add")
    expect(page.locator(f"#chooser-list [value={models['mnist']}]")).to_have_count(0)
    page.click(f"#chooser-list [value={models['fashion-mnist']}]")
    expect(page.locator(".top1")).to_have_count(2)


def test_panels_show_each_class_at_the_same_height_however_long_the_names_are(open_page, models):
    page = open_page(f"/ui/predict?models={','.join(models.values())}")
    name = page.locator(".answers .model b").first
    name.evaluate("element => (element.textContent = 'a long name '.repeat(6))")
    first, second = (page.locator(".answers .bars").nth(i).bounding_box()["y"] for i in range(2))
    assert first == second


def test_the_inside_of_a_network_is_saved_as_csv(open_page, models):
    page = open_page(f"/ui/predict?models={models['mnist']}")
    page.locator("#inside").scroll_into_view_if_needed()
    expect(page.locator("#inside-sum")).to_contain_text("is the sum of all 32 pushes")
    page.locator("#inside > .save > summary").click()
    with page.expect_download() as saved:
        page.locator("#inside > .save").get_by_text("CSV").click()
    lines = Path(saved.value.path()).read_text().splitlines()
    assert lines[0].startswith("layer,index,activation,switched off,push on 0,")
    assert len(lines) == 1 + 32 + 32 + 10


def test_on_a_phone_the_list_of_models_opens_without_a_keyboard(open_page, models):
    phone = {"width": 375, "height": 700}
    page = open_page("/ui/predict", viewport=phone, has_touch=True, is_mobile=True)
    page.tap(".choose .model >> nth=0")
    expect(page.locator("#chooser-list button").first).to_be_focused()


def test_a_one_is_drawn_with_the_keyboard_alone(open_page, models):
    page = open_page(f"/ui/predict?models={models['mnist']}")
    board = page.locator("#board")
    for _ in range(30):
        if board.evaluate("board => board === document.activeElement"):
            break
        page.keyboard.press("Tab")
    expect(board).to_be_focused()
    for key in ["c", " ", "ArrowLeft", "z", "ArrowRight", " ", *["ArrowDown"] * 15, " "]:
        page.keyboard.press(key)
    expect(page.locator(".top1")).to_have_text("1")
