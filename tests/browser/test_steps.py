"""The page One step: phases by keyboard, numbers, scrubbing, links, and what it cannot show."""

import re
from base64 import b64decode

import numpy as np
import pytest
import requests
from playwright.sync_api import expect

from stepbox.data.builtin import load_dataset

PHASES = [
    "The input",
    "Forward, layer 1",
    "Forward, layer 2",
    "Forward, layer 3",
    "Softmax",
    "Loss",
    "Backward, layer 3",
    "Backward, layer 2",
    "Backward, layer 1",
    "Gradients",
    "Update",
]


@pytest.fixture
def open_step(open_page, models):
    """Open a step of the model on MNIST; return the page once the step is shown."""

    def open_step(search="?step=1", **options):
        page = open_page(f"/ui/models/{models['mnist']}/steps{search}", **options)
        expect(page.locator("#phase-title")).not_to_be_empty()
        return page

    return open_step


def shown_step(page):
    return int(page.locator("#number").text_content().replace(",", ""))


def numbers(page, layer, step):
    """Return the columns of the table with every number of a layer."""
    page.locator("#which").select_option(str(layer))
    expect(page.locator("#numbers")).to_have_attribute(
        "aria-label", f"Layer {layer} in step {step:,}"
    )
    rows = page.locator("#numbers").evaluate(
        "table => [...table.rows].map(row => [...row.cells].map(cell => cell.textContent))"
    )
    return {
        name: np.array([number(text) for text in column])
        for name, *column in zip(*rows, strict=True)
    }


def number(text):
    """Read a number as pages write it, such as −2.1 · 10⁻⁵."""
    plain = text.translate(str.maketrans("−⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "--0123456789")).replace("\u00a0", "")
    return float(re.sub(r"·10(-?\d+)$", r"e\1", plain).replace(",", ""))


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


class Network:
    """784-32-32-10 in plain NumPy, trained one sample at a time."""

    def __init__(self, url, model, step):
        path = f"{url}/models/{model}/steps/{step}?include=weights"
        layers = requests.get(path, timeout=30).json()["layers"]
        self.weights = [
            np.frombuffer(b64decode(layer["weight"]["data"]), "<f4")
            .reshape(layer["weight"]["shape"])
            .astype(float)
            for layer in layers
        ]
        self.biases = [np.array(layer["bias"]) for layer in layers]

    def pass_both_ways(self, x, label):
        """Return z, a and δ of each layer."""
        z, a = [], [x]
        for weights, biases in zip(self.weights, self.biases, strict=True):
            z.append(weights @ a[-1] + biases)
            a.append(sigmoid(z[-1]))
        powers = np.exp(z[-1] - z[-1].max())
        a[-1] = powers / powers.sum()
        delta = [a[-1] - np.eye(10)[label]]
        for layer in (1, 0):
            slope = sigmoid(z[layer]) * sigmoid(-z[layer])
            delta.insert(0, self.weights[layer + 1].T @ delta[0] * slope)
        return z, a, delta

    def learn(self, x, label, rate):
        _, a, deltas = self.pass_both_ways(x, label)
        for layer, delta in enumerate(deltas):
            self.weights[layer] -= rate * np.outer(delta, a[layer])
            self.biases[layer] -= rate * delta


def test_all_phases_are_played_by_keyboard(open_step):
    page = open_step()
    page.locator("#stage").focus()
    title = page.locator("#phase-title")
    for position, phase in enumerate(PHASES, start=1):
        expect(title).to_have_text(phase)
        expect(page.locator("#count")).to_have_text(f"Phase {position} of {len(PHASES)}")
        page.keyboard.press("ArrowRight")
    expect(page.locator("#number")).to_have_text("2")  # after the last phase, the next step
    expect(title).to_have_text(PHASES[0])
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    expect(title).to_have_text(PHASES[0])


def test_the_keyboard_chooses_layers_neurons_and_steps(open_step):
    page = open_step("?step=2&phase=forward-1&layer=1&neuron=31")
    page.locator("#stage").focus()
    expect(page.locator("#who")).to_contain_text("Neuron 31 of layer 1")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#who")).to_contain_text("Neuron 0 of layer 1")
    page.keyboard.press("ArrowUp")
    expect(page.locator("#who")).to_contain_text("Neuron 31 of layer 1")
    page.keyboard.press("2")
    expect(page.locator("#phase-title")).to_have_text("Forward, layer 2")
    page.keyboard.press("n")
    expect(page.locator("#number")).to_have_text("3")
    expect(page).to_have_url(re.compile(r"step=3&phase=forward-2&layer=2&neuron=\d+"))


# The button says "Pause" for two seconds, which a test can miss.
RECORD_WORDS = """(button) => {
    globalThis.words = [];
    const record = () => words.push(button.textContent);
    new MutationObserver(record).observe(button, { childList: true });
}"""


def test_play_shows_one_phase_after_the_other(open_step):
    page = open_step("?step=5&phase=gradients")
    page.locator("#play").evaluate(RECORD_WORDS)
    page.locator("#stage").focus()
    page.keyboard.press("Space")
    expect(page.locator("#phase-title")).to_have_text("Update")
    expect(page.locator("#play")).to_have_text("Play")
    assert page.evaluate("words") == ["Pause", "Play"]


def test_the_numbers_are_those_of_an_independent_calculation(open_step, stack, models):
    """A training in plain NumPy from a snapshot on, which uses the samples in their order."""
    model = models["mnist"]
    train = load_dataset("mnist", "train")
    index = requests.get(f"{stack.url}/models/{model}/steps", timeout=30).json()
    rng = np.random.default_rng()
    for snapshot in rng.choice(index["snapshots"][:-1], 3, replace=False):
        step = int(snapshot + rng.integers(0, 400))
        print("step", step)
        network = Network(stack.url, model, snapshot)
        for sample in range(snapshot - 1, step - 1):
            network.learn(train.samples[sample].ravel() / 255, train.labels[sample], 0.03)
        x, label = train.samples[step - 1].ravel() / 255, train.labels[step - 1]
        z, a, delta = network.pass_both_ways(x, label)
        page = open_step(f"?step={step}&phase=update")
        assert shown_step(page) == step
        for layer in (1, 2, 3):
            shown = numbers(page, layer, step)
            options = {"rtol": 2e-3, "atol": 1e-7}
            np.testing.assert_allclose(shown["z"], z[layer - 1], rtol=2e-3, atol=1e-4)
            name = "p" if layer == 3 else "a = σ(z)"
            np.testing.assert_allclose(shown[name], a[layer], **options)
            np.testing.assert_allclose(shown["δ"], delta[layer - 1], **options)
            np.testing.assert_allclose(shown["bias"], network.biases[layer - 1], **options)
        loss = number(re.search(r"loss (.+) nats", page.locator("#sentence").text_content())[1])
        assert loss == pytest.approx(-np.log(a[3][label]), rel=0.01, abs=1e-3)


def test_the_ledger_adds_up(open_step):
    page = open_step("?step=100&phase=forward-2&layer=2&neuron=3")
    rows = page.locator("#ledger tbody tr")
    expect(rows).to_have_count(9)  # four terms, those above and below 0, the bias, z and a
    values = [number(text) for text in page.locator("#ledger tbody td.n").all_text_contents()]
    assert sum(values[:7]) == pytest.approx(values[7], abs=0.02)
    assert sigmoid(values[7]) == pytest.approx(values[8], abs=0.01)


def test_fifty_steps_are_scrubbed_without_a_gap(open_step):
    page = open_step("?step=1000")
    slider = page.locator("#range")
    slider.focus()
    for step in range(1001, 1051):
        page.keyboard.press("ArrowRight")
        expect(page.locator("#number")).to_have_text(f"{step:,}")
        expect(page.locator("#sentence")).to_contain_text(f"image {step - 1:,},")
        expect(page.locator("#stage svg")).to_be_visible()
        expect(slider).to_have_value(str(step))
    expect(page.locator("#trouble")).to_be_empty()


def test_the_newest_position_of_the_slider_wins(open_step):
    page = open_step()
    page.evaluate(
        """() => { const slider = document.querySelector("#range");
        for (const step of [20000, 40000, 30000, 12345]) {
          slider.value = step; slider.dispatchEvent(new Event("input")); } }"""
    )
    expect(page.locator("#number")).to_have_text("12,345")
    expect(page.locator("main")).not_to_have_class(re.compile("waiting"))


def test_jumps_lead_to_notable_steps(open_step, stack, models):
    jumps = requests.get(f"{stack.url}/models/{models['mnist']}/steps", timeout=30).json()["jumps"]
    page = open_step()
    page.get_by_role("button", name="Largest loss").click()
    expect(page.locator("#number")).to_have_text(f"{jumps['largest_loss']:,}")
    expect(page.locator("#sentence")).to_contain_text("Wrong")
    page.get_by_role("button", name="First step").click()
    expect(page.locator("#number")).to_have_text("1")
    page.get_by_role("button", name="Next mistake").click()
    expect(page.locator("#sentence")).to_contain_text("Wrong")
    later = page.get_by_role("button", name=re.compile("one epoch later"))
    expect(later).to_be_disabled()  # there is one epoch


def test_the_published_gradient_is_compared_with_the_true_one(open_step, stack, models):
    page = open_step("?step=30000&phase=delta-1&layer=1&neuron=4")
    step = requests.get(f"{stack.url}/models/{models['mnist']}/steps/30000", timeout=30).json()
    rows = page.locator("#differences tbody tr")
    expect(rows).to_have_count(5)
    angle = step["layers"][0]["angle"]["published"]
    ratio = step["layers"][0]["ratio"]["published"]
    expect(rows.nth(2)).to_contain_text(f"{angle:.1f}° · ×{ratio:.2f}")
    expect(page.locator("#growth svg")).to_be_visible()
    true = page.locator("#ledger .result td.n").last.text_content()
    page.locator("#gradient [value=published]").check()
    expect(page.locator("#phase-words")).to_contain_text("As published")
    published = number(page.locator("#ledger .result td.n").last.text_content())
    assert published == pytest.approx(step["layers"][0]["delta"]["published"][4], rel=0.01)
    assert number(true) == pytest.approx(step["layers"][0]["delta"]["exact"][4], rel=0.01)
    # The ledger's own sum times its own slope is the published δ, to the digits shown.
    total, slope = (
        number(text) for text in page.locator("#ledger .result td.n").all_text_contents()[:2]
    )
    assert total * slope == pytest.approx(published, rel=0.02)


def test_an_address_brings_back_what_was_shown(open_step):
    page = open_step("?step=512&phase=delta-2&gradient=published&layer=2&neuron=7")
    expect(page.locator("#phase-title")).to_have_text("Backward, layer 2")
    expect(page.locator("#who")).to_contain_text("Neuron 7 of layer 2")
    expect(page.locator("#gradient [value=published]")).to_be_checked()
    page.get_by_role("button", name="Next phase").click()
    expect(page).to_have_url(re.compile("phase=delta-1"))
    page.reload()
    expect(page.locator("#phase-title")).to_have_text("Backward, layer 1")
    expect(page.locator("#number")).to_have_text("512")


def test_a_failure_keeps_the_last_step_and_offers_to_try_again(visit, stack, models):
    watched = visit(stack.url, f"/ui/models/{models['mnist']}/steps?step=10")
    page = watched.page
    expect(page.locator("#number")).to_have_text("10")
    path = re.compile(r"/steps/20$")
    page.route(path, lambda route: route.fulfill(status=503, json=PROBLEM))
    page.evaluate(
        """() => { const slider = document.querySelector("#range");
        slider.value = 20; slider.dispatchEvent(new Event("input")); }"""
    )
    expect(page.locator("#trouble")).to_contain_text("Try later")
    expect(page.locator("#number")).to_have_text("10")
    page.unroute(path)
    page.get_by_role("button", name="Try now").click()
    expect(page.locator("#number")).to_have_text("20")
    assert [fault for fault in watched.faults if "503" not in fault] == []
    watched.faults.clear()


PROBLEM = {"title": "Service Unavailable", "status": 503, "detail": "Try later"}


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (375, "dark")])
@pytest.mark.parametrize("phase", ["forward-2", "update"])
def test_the_page_is_accessible(visit, stack, models, phase, width, scheme):
    path = f"/ui/models/{models['mnist']}/steps?step=200&phase={phase}"
    screen = {"width": width, "height": 800}
    watched = visit(stack.url, path, viewport=screen, color_scheme=scheme)
    expect(watched.page.locator("#numbers tbody tr").first).to_be_visible()
    expect(watched.page.locator("#panels canvas").first).to_be_visible()
    assert watched.axe() == []
    assert watched.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_nothing_moves_if_the_reader_wants_no_motion(open_step):
    page = open_step("?step=3&phase=forward-2", reduced_motion="reduce")
    page.get_by_role("button", name="Next phase").click()
    expect(page.locator("#phase-title")).to_have_text("Forward, layer 3")
    assert page.evaluate("document.getAnimations().length") == 0


def test_the_model_page_leads_to_its_steps(open_page, models):
    page = open_page(f"/ui/models/{models['mnist']}")
    page.get_by_role("link", name="Open a step").click()
    expect(page.locator("#number")).to_have_text("1")
    expect(page).to_have_title(re.compile("Step 1 of"))


def test_of_torch_the_stored_steps_are_shown(open_page, models):
    page = open_page(f"/ui/models/{models['fashion-mnist']}/steps?step=7")
    expect(page.locator("#number")).to_have_text("1")  # the nearest one that is stored
    expect(page.locator("#gradient")).to_be_hidden()
    expect(page.locator("#published")).to_be_hidden()
    page.locator("#position").select_option(index=3)
    expect(page).to_have_url(re.compile("sample=3"))
    page.get_by_role("button", name="Next step").click()
    expect(page.locator("#number")).not_to_have_text("1")
    expect(page.locator("#trouble")).to_be_empty()
