"""The page for predictions in a browser."""

import base64
import io

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from stepbox.data.builtin import load_dataset

SEVEN = [(0.3, 0.19), (0.45, 0.18), (0.5, 0.19), (0.42, 0.4), (0.36, 0.6), (0.32, 0.75)]
DROP = """(board, [name, content]) => {
    const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], name, { type: "image/png" }));
    board.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true }));
}"""


@pytest.fixture
def boot(stack):
    """Return a PNG file like a photograph of an ankle boot: large, dark on white."""
    dataset = load_dataset("fashion-mnist", "test", stack.environment["STEPBOX_DATA_DIR"])
    pixels = 255 - np.kron(dataset.images[0], np.ones((12, 12), np.uint8))
    buffer = io.BytesIO()
    Image.fromarray(pixels).convert("RGB").save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.container
def test_a_drawn_seven_is_recognized(open_page, models):
    page = open_page(f"/ui/predict?models={models['mnist']}")
    page.click("#clear")
    expect(page.locator(".top1")).to_have_text("—")
    board = page.locator("#ink").bounding_box()

    def at(x, y):
        return board["x"] + x * board["width"], board["y"] + y * board["height"]

    page.mouse.move(*at(0.15, 0.2))
    page.mouse.down()
    for point in SEVEN:
        page.mouse.move(*at(*point), steps=6)
    page.mouse.up()
    expect(page.locator(".top1")).to_have_text("7")
    expect(page.locator("#summary")).to_have_text("The model predicts a 7.")
    expect(page.locator("#steps")).to_contain_text("Prepared as MNIST was made")
    expect(page.locator("#over .box, #over .cross")).to_have_count(2)
    expect(page.locator("#request")).to_contain_text("&fit=auto&invert=never -H")
    expect(page.locator(".bars .best .name")).to_have_text("7")


@pytest.mark.container
def test_a_dropped_image_is_recognized(open_page, models, boot):
    page = open_page(f"/ui/predict?models={models['fashion-mnist']}")
    board = page.locator("#board")
    board.press("Space")
    expect(page.locator("#over .cursor.down")).to_have_count(1)
    content = base64.b64encode(boot).decode()
    board.evaluate(DROP, ["boot.png", content])
    expect(page.locator("#over .cursor.down")).to_have_count(0)  # the stroke has ended
    expect(page.locator(".top1")).to_have_text("Ankle boot")
    expect(page.locator("#steps")).to_contain_text(
        "Prepared as Fashion-MNIST was made: light and dark exchanged"
    )
    expect(page.locator("#request")).to_contain_text("&fit=auto&invert=auto -H")
    page.check("#fit [value=none]")
    expect(page.locator("#steps")).to_contain_text("The whole image was used")


def test_the_page_says_that_an_image_shows_nothing(open_page, models, boot, tmp_path):
    page = open_page(f"/ui/predict?models={models['mnist']}")
    Image.new("L", (90, 60), 200).save(tmp_path / "empty.png")
    page.set_input_files("#file", tmp_path / "empty.png")
    expect(page.locator("#summary[role=status]")).to_contain_text("The image shows nothing")
    expect(page.locator("#steps")).to_be_empty()
    expect(page.locator("#over .box")).to_have_count(0)
    (tmp_path / "boot.png").write_bytes(boot)
    page.set_input_files("#file", tmp_path / "boot.png")
    expect(page.locator("#summary[role=status]")).to_contain_text("The model predicts")
    expect(page.locator("#steps")).to_contain_text("light and dark exchanged")


def test_a_file_that_is_not_an_image_is_reported(visit, stack, models, tmp_path):
    watched = visit(stack.url, f"/ui/predict?models={models['mnist']}")
    (tmp_path / "words.png").write_text("not an image")
    watched.page.set_input_files("#file", tmp_path / "words.png")
    expect(watched.page.locator("#summary")).to_contain_text("is not an image")
    assert all("422" in fault for fault in watched.faults)
    watched.faults.clear()


def test_a_link_to_a_missing_image_is_reported(visit, stack, models):
    watched = visit(stack.url, "/ui/predict?sample=mnist-10000")
    expect(watched.page.locator(".notice")).to_be_visible()
    assert all("422" in fault for fault in watched.faults)
    watched.faults.clear()


def test_several_models_predict_side_by_side(open_page, models):
    page = open_page(f"/ui/predict?models={','.join(models.values())}&sample=fashion-mnist-0")
    expect(page.locator("#fashion, .top1")).to_have_count(2)
    expect(page.locator(".top1").nth(1)).to_have_text("Ankle boot")
    page.check("[value=logits]")
    expect(page.locator(".bars.signed")).to_have_count(2)
    page.click("#add")
    expect(page.locator(".top1")).to_have_count(3)
    page.locator("text=Remove").nth(1).press("Enter")
    expect(page.locator(".top1")).to_have_count(2)
    expect(page.locator("#add")).to_be_focused()


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
