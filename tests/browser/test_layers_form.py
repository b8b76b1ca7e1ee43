"""The layers in the form that starts trainings."""

import json
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests
from playwright.sync_api import expect

CONVOLUTION = {"type": "convolution", "channels": 4, "kernel": 5, "stride": 2, "padding": 0}
POOL = {"type": "max-pool", "size": 2, "stride": 2}
DENSE = {"type": "dense", "neurons": 12}
TABLE = b"length,width,label\n" + b"".join(
    b"%d,%d,%s\n" % (row % 7, row % 5, b"ab"[row % 2 : row % 2 + 1]) for row in range(40)
)


def address(recipe="mnist-numpy", **fields):
    texts = {
        name: json.dumps(value) if name == "layers" else value for name, value in fields.items()
    }
    return f"/?{urlencode({'recipe': recipe, **texts})}"


def said(page, number):
    """Find what the form says about a layer, counted from 1."""
    return page.locator(f"#layer-{number - 1}-said")


def sent(page):
    """Return the body that the button would send, once the form has been filled in."""
    line = page.locator("#request code")
    expect(line).to_contain_text("}")
    code = line.inner_text()
    return json.loads(code[code.index("{") : code.rindex("}") + 1])


def types(page):
    return [select.input_value() for select in page.locator("#layers-list select").all()]


def test_convolutions_are_added_to_a_dense_network_with_sizes_while_typing(visit, stack):
    page = visit(stack.url, "/").page
    expect(page.locator("#sketch figcaption")).to_have_text("26,506 parameters")
    expect(page.locator("#layers-field")).to_be_hidden()
    page.click("text=Use convolutions")
    expect(page.get_by_label("Layer 1: type")).to_be_focused()
    expect(page.locator("#sizes-field")).to_be_hidden()
    assert types(page) == ["convolution", "max-pool", "dense", "dense"]
    expect(said(page, 1)).to_have_text("28×28 → 24×24×8, 208 parameters")
    expect(said(page, 2)).to_have_text("24×24×8 → 12×12×8, no parameters")
    expect(said(page, 3)).to_have_text("12×12×8 → 32, 36,896 parameters")
    expect(page.locator("#layers-last")).to_have_text(
        "Then a dense layer for the 10 classes: 32 → 10, 330 parameters"
    )
    expect(page.locator("#sketch figcaption")).to_have_text("38,490 parameters")
    page.get_by_label("Layer 1: stride").fill("2")
    expect(said(page, 1)).to_have_text("28×28 → 12×12×8, 208 parameters")
    expect(said(page, 3)).to_have_text("6×6×8 → 32, 9,248 parameters")
    assert sent(page)["layers"][0] == {**CONVOLUTION, "channels": 8}
    expect(page.locator("#changes")).to_have_text(
        "1 field changed: layers 5×5×8 stride 2 · pool 2 · 32 · 32"
    )
    page.click("text=Use only dense layers")
    expect(page.locator("#hidden_sizes")).to_be_focused()
    expect(page.locator("#hidden_sizes")).to_have_value("32, 32")
    expect(page.locator("#changes")).to_have_text("No field changed")
    assert sent(page) == {"recipe": "mnist-numpy"}


def test_layers_are_added_moved_and_removed_with_the_keyboard(visit, stack):
    page = visit(stack.url, address(layers=[CONVOLUTION, POOL, DENSE])).page
    move_up = page.get_by_role("button", name="Move up layer 3")
    move_up.focus()
    page.keyboard.press("Enter")
    assert types(page) == ["convolution", "dense", "max-pool"]
    expect(page.get_by_role("button", name="Move up layer 2")).to_be_focused()
    expect(said(page, 3)).to_have_text(
        "A max-pool layer needs images, but its input is a list of 12 numbers."
    )
    page.keyboard.press("Enter")  # it is the first one now, so it can only move down
    assert types(page) == ["dense", "convolution", "max-pool"]
    expect(page.get_by_role("button", name="Move down layer 1")).to_be_focused()
    page.get_by_role("button", name="Remove layer 1").press("Enter")
    expect(page.get_by_label("Layer 1: type")).to_be_focused()
    assert sent(page)["layers"] == [CONVOLUTION, POOL]
    page.click("text=Add a layer")
    expect(page.get_by_label("Layer 3: type")).to_be_focused()
    assert types(page) == ["convolution", "max-pool", "convolution"]
    page.get_by_label("Layer 3: type").select_option("dense")
    page.get_by_label("Layer 3: neurons").fill("12")
    assert sent(page)["layers"] == [CONVOLUTION, POOL, DENSE]
    for _ in range(3):
        page.get_by_role("button", name="Remove layer 1").click()
    expect(page.locator("#layers-add")).to_be_focused()
    assert sent(page)["layers"] == []
    expect(page.locator("#layers-last")).to_have_text(
        "Then a dense layer for the 10 classes: 28×28 → 10, 7,850 parameters"
    )


def test_the_windows_of_a_pool_do_not_overlap_until_someone_says_so(visit, stack):
    page = visit(stack.url, address(layers=[POOL])).page
    page.get_by_label("Layer 1: size").fill("4")
    expect(page.get_by_label("Layer 1: stride")).to_have_value("4")
    expect(said(page, 1)).to_have_text("28×28 → 7×7×1, no parameters")
    page.get_by_label("Layer 1: stride").fill("1")
    page.get_by_label("Layer 1: size").fill("3")
    assert sent(page)["layers"] == [{**POOL, "size": 3, "stride": 1}]


def test_an_impossible_layer_is_explained_before_anything_is_sent(visit, stack):
    page = visit(stack.url, address(layers=[CONVOLUTION, POOL, POOL, CONVOLUTION])).page
    words = "A kernel of 5×5 does not fit in an input of 3×3."
    expect(said(page, 4)).to_have_text(words)
    kernel = page.get_by_label("Layer 4: kernel")
    expect(kernel).to_have_attribute("aria-invalid", "true")
    expect(kernel).to_have_accessible_description(f"▲ {words}")
    expect(page.locator("#said")).to_have_text("One field needs a change.")
    expect(page.locator("#sketch figcaption")).to_have_text("Up to the layer that is wrong")
    expect(page.locator("#layers-list [aria-invalid=true]")).to_have_count(1)
    page.get_by_label("Layer 4: padding").fill("1")
    expect(said(page, 4)).to_have_text("3×3×4 → 1×1×4, 404 parameters")
    expect(page.locator("#said")).to_have_text("")
    page.get_by_label("Layer 1: kernel").fill("many")
    expect(said(page, 1)).to_have_text("kernel: Enter a whole number from 1 to 15")
    expect(said(page, 2)).to_have_text("")
    expect(page.get_by_label("Layer 1: channels")).not_to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Layer 1: kernel")).to_have_attribute("aria-invalid", "true")


def test_what_the_api_says_about_a_layer_is_shown_there_until_it_changes(visit, stack):
    wide = {**CONVOLUTION, "channels": 256, "kernel": 15, "stride": 1, "padding": 7}
    watched = visit(stack.url, address(layers=[POOL, wide, wide]))
    page = watched.page
    expect(page.locator(".fault:not(:empty)")).to_have_count(0)
    page.click(".go [type=submit]")
    expect(said(page, 3)).to_contain_text("14,803,712 parameters of all layers: at most 8,000,000")
    expect(page.get_by_label("Layer 3: type")).to_be_focused()
    expect(page.locator("#said")).to_have_text("One field needs a change.")
    page.get_by_label("Layer 3: channels").fill("16")
    expect(said(page, 3)).to_have_text("14×14×256 → 14×14×16, 921,616 parameters")
    expect(page.locator("#said")).to_have_text("")
    page.get_by_label("Layer 3: kernel").fill("")
    page.click(".go [type=submit]")
    expect(page.get_by_label("Layer 3: kernel")).to_be_focused()
    assert all("422" in fault for fault in watched.faults)
    watched.faults.clear()


def test_reset_returns_to_the_layers_of_the_recipe(visit, stack):
    page = visit(stack.url, "/?recipe=mnist-numpy-convolution").page
    [layers] = [
        recipe["layers"]
        for recipe in requests.get(f"{stack.url}/recipes", timeout=30).json()["recipes"]
        if recipe["name"] == "mnist-numpy-convolution"
    ]
    assert types(page) == [layer["type"] for layer in layers]
    expect(page.locator("#changes")).to_have_text("No field changed")
    page.click("text=Use only dense layers")
    page.fill("#hidden_sizes", "20")
    assert sent(page) == {"recipe": "mnist-numpy-convolution", "hidden_sizes": [20]}
    page.get_by_role("button", name="Hidden layers: reset to 5×5×").click()
    expect(page.get_by_label("Layer 1: type")).to_be_focused()
    assert sent(page) == {"recipe": "mnist-numpy-convolution"}
    page.get_by_label("Layer 1: channels").fill("3")
    page.get_by_role("button", name="Layers: reset to 5×5×").click()
    expect(page.locator("#changes")).to_have_text("No field changed")
    page.check("[name=recipe][value=mnist-numpy]")
    expect(page.locator("#layers-field")).to_be_hidden()
    expect(page.locator("#hidden_sizes")).to_have_value("32, 32")


def test_tables_have_only_dense_layers(visit, stack):
    answer = requests.post(f"{stack.url}/datasets?name=table", data=TABLE, timeout=30)
    dataset = stack.wait_for(answer.json()["id"])["dataset"]
    page = visit(stack.url, address(dataset=dataset)).page
    expect(page.locator("#to-layers")).to_be_hidden()
    expect(page.locator("#only-dense")).to_have_text(
        "Convolutions need images, and this data set has none."
    )
    page = visit(stack.url, address(dataset=dataset, layers=[DENSE, CONVOLUTION])).page
    expect(said(page, 1)).to_have_text("2 → 12, 36 parameters")
    expect(said(page, 2)).to_contain_text("A convolution layer needs images")
    page.select_option("#dataset", "mnist")
    expect(said(page, 1)).to_have_text("28×28 → 12, 9,420 parameters")


def test_an_address_with_text_that_is_no_list_of_layers_is_not_ignored(visit, stack):
    for text in ("[null]", '[{"type": "attention"}]', "5×5×16", '{"type": "dense"}'):
        page = visit(stack.url, f"/?{urlencode({'layers': text})}").page
        expect(page.locator("#trouble")).to_contain_text(f"the layers “{text}”")
    short = [{"type": "convolution", "channels": 4, "kernel": 3}, {"type": "max-pool", "size": 3}]
    page = visit(stack.url, address(layers=short)).page
    assert sent(page)["layers"] == [
        {**short[0], "stride": 1, "padding": 0},
        {**short[1], "stride": 3},
    ]


def test_a_run_with_layers_starts_again_with_the_same_ones(visit, stack):
    page = visit(stack.url, address(layers=[CONVOLUTION, POOL], epochs=1)).page
    page.click(".go [type=submit]")
    page.wait_for_url("**/ui/jobs/*")
    words = "5×5×4 stride 2 · pool 2"
    expect(page.locator("#title")).to_have_text(f"mnist-numpy, layers {words}, epochs 1")
    expect(page.locator("main")).to_contain_text("28×28 → 5×5×4 stride 2 → pool 2 → 10, sigmoid")
    again = page.locator("a[href^='/?recipe=']").first.get_attribute("href")
    [layers] = parse_qs(urlsplit(again).query)["layers"]
    assert json.loads(layers) == [CONVOLUTION, POOL]
    page = visit(stack.url, again).page
    assert sent(page) == {"recipe": "mnist-numpy", "epochs": 1, "layers": [CONVOLUTION, POOL]}
    page.click("#to-several")
    expect(page.locator("#several-values")).not_to_have_value("")  # else the suggestion comes last
    page.fill("#several-values", "0.1, 0.01")
    page.click("text=Start 2 trainings")
    page.wait_for_url("**compare=**")
    assert sent(page)["layers"] == [CONVOLUTION, POOL]
    [jobs] = parse_qs(urlsplit(page.url).query)["compare"]
    assert [stack.job(id)["recipe"]["layers"] for id in jobs.split(",")] == [
        [CONVOLUTION, POOL],
        [CONVOLUTION, POOL],
    ]


@pytest.mark.parametrize("width", [375, 1280])
@pytest.mark.parametrize("color_scheme", ["light", "dark"])
def test_the_layers_fit_on_a_phone_and_are_accessible(visit, stack, width, color_scheme):
    watched = visit(
        stack.url,
        address(layers=[CONVOLUTION, POOL, POOL, CONVOLUTION, DENSE]),
        viewport={"width": width, "height": 700},
        color_scheme=color_scheme,
    )
    page = watched.page
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") == 0
    assert watched.axe() == []
    for button in page.locator("#layers-list button").all():
        box = button.bounding_box()
        assert min(box["width"], box["height"]) >= 24  # WCAG 2.5.8
