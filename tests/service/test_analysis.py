import json

import numpy as np
import pytest

from tests.problems import check_problem, pointers
from tests.service.conftest import publish

ENDPOINTS = [
    "softmax-jacobian",
    "box",
    "box-approximation",
    "regression",
    "gradient-check",
    "projection",
]


@pytest.fixture
def post(client):
    """Post a JSON value, or raw text, to an analysis endpoint."""

    def send(endpoint, body):
        data = body if isinstance(body, str) else json.dumps(body)
        return client.post(f"/analysis/{endpoint}", data=data, content_type="application/json")

    return send


def analyse(post, endpoint, body):
    answer = post(endpoint, body)
    assert answer.status_code == 200, answer.text
    assert answer.content_type == "application/json"
    return json.loads(answer.text, parse_constant=pytest.fail)


def faults_of(post, endpoint, body):
    """Check that the status is 422, and return the detail of each fault by its pointer."""
    problem = check_problem(post(endpoint, body), 422)
    return {fault["pointer"]: fault["detail"] for fault in problem["errors"]}


def example(client, endpoint):
    document = client.get("/openapi.json").get_json()
    content = document["paths"][f"/analysis/{endpoint}"]["post"]["requestBody"]["content"]
    name = content["application/json"]["schema"]["$ref"].rsplit("/", 1)[-1]
    return document["components"]["schemas"][name]["examples"][0]


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_documented_examples_run(client, model, post, endpoint):
    assert analyse(post, endpoint, example(client, endpoint))


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize(
    ("body", "status"), [("{", 400), ("[]", 400), ("{}", 422), ('{"unknown": 1}', 422)]
)
def test_malformed_bodies_are_rejected(post, endpoint, body, status):
    check_problem(post(endpoint, body), status)


class TestSoftmaxJacobian:
    def test_two_classes_worked_by_hand(self, post):
        answer = analyse(post, "softmax-jacobian", {"logits": [0, 0], "target": 1})

        assert answer["probabilities"] == [0.5, 0.5]
        assert answer["jacobian"] == [[0.25, -0.25], [-0.25, 0.25]]
        assert answer["cross_entropy"] == pytest.approx(np.log(2))
        assert answer["gradient"] == [0.5, -0.5]
        assert answer["check"] < 1e-15

    def test_without_a_target_there_is_no_loss(self, post):
        answer = analyse(post, "softmax-jacobian", {"logits": [1, 2, 3]})

        assert answer["cross_entropy"] is None
        assert answer["gradient"] is None
        assert "Without a target" in answer["note"]

    def test_a_certain_prediction_has_a_loss_and_a_gradient(self, post):
        answer = analyse(post, "softmax-jacobian", {"logits": [40, 0], "target": 0})
        tiny = pytest.approx(4.248354255291589e-18, rel=1e-14, abs=0)

        assert answer["cross_entropy"] == -answer["gradient"][0] == answer["gradient"][1] == tiny
        assert answer["jacobian"][0][0] == tiny
        assert answer["note"] is None

    def test_an_infinite_loss_is_null_and_the_note_says_why(self, post):
        answer = analyse(post, "softmax-jacobian", {"logits": [1e308, -1e308, 1e308], "target": 1})

        assert answer["cross_entropy"] is None
        assert "2.000e+308 nats, exceeds the largest float64" in answer["note"]
        assert answer["probabilities"] == [0.5, 0, 0.5]
        assert answer["gradient"] == [0.5, -1, 0.5]

    def test_a_thousand_logits_are_accepted_and_more_are_rejected(self, post):
        answer = analyse(post, "softmax-jacobian", {"logits": [0.01 * i for i in range(1000)]})

        assert np.shape(answer["jacobian"]) == (1000, 1000)
        assert "/logits" in faults_of(post, "softmax-jacobian", {"logits": [0] * 1001})

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({"logits": []}, "/logits"),
            ({"logits": 3}, "/logits"),
            ({"logits": [1, "2"]}, "/logits/1"),
            ({"logits": [1, True]}, "/logits/1"),
            ({"logits": [1, None]}, "/logits/1"),
            ({"logits": [[1]]}, "/logits/0"),
            ('{"logits": [1, 1e999]}', "/logits/1"),
            ('{"logits": [1' + "0" * 400 + "]}", "/logits/0"),
            ({"logits": [1, 2], "target": 2}, "/target"),
            ({"logits": [1, 2], "target": -1}, "/target"),
            ({"logits": [1, 2], "target": 0.5}, "/target"),
            ({"logits": [1, 2], "target": True}, "/target"),
            ({"logits": [1, 2], "targets": 1}, "/targets"),
        ],
    )
    def test_invalid_values_are_named(self, post, body, pointer):
        assert list(faults_of(post, "softmax-jacobian", body)) == [pointer]


class TestBox:
    def test_a_box_of_height_2_and_width_3_worked_by_hand(self, post):
        answer = analyse(post, "box", {"height": 2, "width": 3, "at": [-1, 0, 1.5, 3, 4]})

        assert answer["values"] == [0, 2, 2, 0, 0]
        assert answer["network"] == {
            "weights": [1, 1],
            "biases": [0, -3],
            "output_weights": [2, -2],
            "output_bias": 0,
        }
        assert answer["edges"] == {"left": 2, "right": 0}
        assert "1 at 0" in answer["convention"]

    def test_points_are_optional(self, post):
        answer = analyse(post, "box", {"height": 2, "width": 3})

        assert answer["at"] == [-1, 0, 1.5, 3, 4]
        assert answer["values"] == [0, 2, 2, 0, 0]

    @pytest.mark.parametrize(
        ("body", "expected"),
        [
            ({"height": 1, "width": 0}, ["/width"]),
            ({"height": 1, "width": -1}, ["/width"]),
            ('{"height": 1e999, "width": -1e999}', ["/height", "/width"]),
            ({"height": "1", "width": 1, "at": []}, ["/height", "/at"]),
            ({"height": 1, "width": 1, "at": [0] * 10_001}, ["/at"]),
            ({"height": 1, "width": 1, "at": [0, "x"]}, ["/at/1"]),
            ({"width": 1}, ["/height"]),
        ],
    )
    def test_invalid_values_are_named(self, post, body, expected):
        assert list(faults_of(post, "box", body)) == expected


class TestBoxApproximation:
    def test_x_by_two_boxes_worked_by_hand(self, post):
        answer = analyse(post, "box-approximation", {"function": "x", "bound": 1, "boxes": 2})

        assert answer["network"] == {
            "weights": [1, 1, 1],
            "biases": [1, 0, -1],
            "output_weights": [-0.5, 1, -0.5],
            "output_bias": 0,
        }
        assert (answer["neurons"], answer["neurons_two_per_box"]) == (3, 4)
        assert answer["neurons_saved"] == 1
        assert 0.5 <= answer["max_error"] <= 0.5 * (1 + 1e-14)
        assert answer["max_error_proven"]
        assert answer["sampled_error"] == 0.5
        assert answer["mean_square_error"] == pytest.approx(1 / 12)
        assert answer["rate"]["bound"] == pytest.approx(0.5)
        assert answer["grid"] is None
        curve = answer["curve"]
        assert len(curve["x"]) == len(curve["function"]) == len(curve["approximation"]) == 2000
        assert set(curve["approximation"]) == {-0.5, 0.5}

    def test_the_network_computes_the_curve(self, post):
        """Evaluate the network here, neuron by neuron."""
        answer = analyse(
            post, "box-approximation", {"function": "sin(3*x)", "bound": 3, "boxes": 16}
        )
        network, x = answer["network"], np.array(answer["curve"]["x"])
        hidden = np.outer(x, network["weights"]) + network["biases"] >= 0
        output = hidden @ network["output_weights"] + network["output_bias"]

        np.testing.assert_allclose(output, answer["curve"]["approximation"], atol=1e-12)
        np.testing.assert_allclose(np.sin(3 * x), answer["curve"]["function"])

    def test_two_dimensions_take_two_hidden_layers(self, post):
        body = {"function": "sin(3*x)*cos(2*y)", "bound": 2, "boxes": 4, "dimensions": 2}
        answer = analyse(post, "box-approximation", body)
        network, grid = answer["network"], answer["grid"]
        points = np.stack(np.meshgrid(grid["x"], grid["y"], indexing="ij"), axis=-1)
        for layer in network["hidden"]:
            points = (points @ np.array(layer["weights"]).T + layer["biases"] >= 0) * 1.0
        output = points @ network["output_weights"] + network["output_bias"]

        assert answer["hidden_layers"] == len(network["hidden"]) == 2
        assert answer["neurons"] == sum(len(layer["biases"]) for layer in network["hidden"])
        np.testing.assert_allclose(output, grid["approximation"], atol=1e-12)
        assert "One hidden layer cannot" in answer["construction"]
        assert answer["curve"] is None
        assert np.shape(grid["function"]) == (len(grid["x"]), len(grid["y"])) == (100, 100)

    def test_sums_of_one_dimensional_functions_take_one_hidden_layer(self, post):
        body = {"function": "x+y**2", "bound": 2, "boxes": 4, "dimensions": 2}
        answer = analyse(post, "box-approximation", body)

        assert answer["hidden_layers"] == len(answer["network"]["hidden"]) == 1
        assert answer["neurons"] == 7

    def test_a_tolerance_determines_the_number_of_boxes(self, post):
        body = {"function": "sin(3*x)", "bound": 3, "tolerance": 0.1}
        answer = analyse(post, "box-approximation", body)
        fewer = analyse(
            post,
            "box-approximation",
            {"function": "sin(3*x)", "bound": 3, "boxes": answer["boxes"] - 1},
        )

        assert answer["max_error"] <= 0.1 < fewer["max_error"]

    def test_free_widths_take_fewer_boxes_with_a_proof(self, post):
        body = {"function": "sin(3*x)", "bound": 3, "tolerance": 0.1}
        equal = analyse(post, "box-approximation", body)
        answer = analyse(post, "box-approximation", {**body, "widths": "free"})
        network, proof = answer["network"], answer["minimality"]
        x = np.random.default_rng(0).uniform(-3, 3, 10_000)
        hidden = np.outer(x, network["weights"]) + network["biases"] >= 0
        output = hidden @ network["output_weights"] + network["output_bias"]
        a, b = np.array(proof["pairs"]).T

        assert (equal["widths"], equal["minimality"]) == ("equal", None)
        assert answer["widths"] == "free"
        assert proof["at_least"] == answer["boxes"] < equal["boxes"]
        assert np.abs(np.sin(3 * x) - output).max() <= answer["max_error"]
        assert answer["max_error"] <= 0.1 * (1 + 1e-9)  # above 0.1 only by rounding
        assert len(a) == proof["at_least"] - 1
        assert (np.abs(np.sin(3 * b) - np.sin(3 * a)) > 0.2).all()
        assert (a < b).all()
        assert (b[:-1] <= a[1:]).all()

    def test_the_reason_is_given_if_no_bound_of_the_error_is_finite(self, post):
        body = {"function": "tan(x)", "bound": 3, "boxes": 16}
        answer = analyse(post, "box-approximation", body)

        assert answer["max_error"] is answer["rate"]["slope"] is answer["rate"]["bound"] is None
        assert not answer["max_error_proven"]
        assert "near x = −1.57" in answer["max_error_explanation"]
        assert answer["sampled_error"] > 100

    def test_in_two_dimensions_the_error_is_measured(self, post):
        body = {"function": "x*y", "bound": 1, "boxes": 4, "dimensions": 2}
        answer = analyse(post, "box-approximation", body)

        assert answer["max_error"] == answer["sampled_error"]
        assert not answer["max_error_proven"]

    def test_large_networks_are_included_only_on_request(self, post):
        body = {"function": "sin(x)", "bound": 3, "boxes": 1001}

        assert analyse(post, "box-approximation", body)["network"] is None
        asked = analyse(post, "box-approximation", {**body, "include_network": True})
        assert len(asked["network"]["weights"]) == asked["neurons"] == 1002

    def test_a_million_boxes_are_accepted(self, post):
        body = {"function": "sin(x)", "bound": 3, "boxes": 1_000_000, "resolution": 10}
        answer = analyse(post, "box-approximation", body)

        assert answer["max_error"] == pytest.approx(3e-6, rel=1e-3)
        assert len(answer["curve"]["x"]) == 10

    def test_the_answer_has_the_error_rate_and_the_growth_in_neurons(self, post):
        body = {"function": "sin(3*x)", "bound": 3, "boxes": 16}
        answer = analyse(post, "box-approximation", body)
        rate = answer["rate"]

        assert rate["order"] == pytest.approx(1, abs=0.02)
        assert rate["slope"] == pytest.approx(3, rel=1e-4)
        assert all(row["max_error"] <= row["bound"] * 1.000001 for row in rate["table"])
        assert [row["dimension"] for row in answer["growth"]] == [*range(1, 11), 784]
        assert answer["growth"][1]["neurons"] == "290"

    @pytest.mark.parametrize(
        ("change", "expected", "detail"),
        [
            ({"function": "sin(3*x"}, "/function", "column 4"),
            ({"function": "2x"}, "/function", "column 2"),
            ({"function": "__import__('os')"}, "/function", "column 1"),
            ({"function": "x.real"}, "/function", "column 1"),
            ({"function": "x+y"}, "/function", "column 3"),
            ({"function": "1/x"}, "/function", "x = 0"),
            ({"function": "9**9**9"}, "/function", "no finite value"),
            ({"function": "exp(exp(exp(x*9)))"}, "/function", "x = "),
            ({"function": ""}, "/function", ""),
            ({"function": "x" * 501}, "/function", "500"),
            ({"function": 3}, "/function", ""),
            ({"bound": 0}, "/bound", ""),
            ({"bound": 1e7}, "/bound", "1,000,000"),
            ({"boxes": 0}, "/boxes", "1"),
            ({"boxes": 1_000_001}, "/boxes", "1,000,000"),
            ({"boxes": 2.0}, "/boxes", ""),
            ({"boxes": True}, "/boxes", ""),
            ({"boxes": 1001, "dimensions": 2}, "/boxes", "1,000"),
            ({"boxes": None}, "/tolerance", "give either"),
            ({"tolerance": 0.1}, "/tolerance", "not both"),
            ({"boxes": None, "tolerance": 0}, "/tolerance", ""),
            ({"boxes": None, "tolerance": 1e-9}, "/tolerance", "1,000,000"),
            ({"dimensions": 3}, "/dimensions", ""),
            ({"dimensions": True}, "/dimensions", ""),
            ({"include_network": 1}, "/include_network", ""),
            ({"widths": "any"}, "/widths", "free"),
            ({"widths": "free", "dimensions": 2}, "/widths", "equal"),
            ({"widths": "free", "boxes": 10_001}, "/boxes", "10,000"),
            ({"function": "tan(x)", "widths": "free"}, "/widths", "near x = "),
            ({"resolution": 1}, "/resolution", ""),
            ({"resolution": 2001}, "/resolution", "2,000"),
            ({"resolution": 201, "dimensions": 2}, "/resolution", "200"),
            (
                {"function": "x*y", "boxes": 200, "dimensions": 2, "include_network": True},
                "/include_network",
                "weights",
            ),
        ],
    )
    def test_invalid_values_are_named(self, post, change, expected, detail):
        body = {"function": "x", "bound": 3, "boxes": 4, **change}

        assert detail in faults_of(post, "box-approximation", body)[expected]


class TestRegression:
    X = ((1, 1), (1, 2), (1, 3))
    Y = (1, 3, 2)

    def test_least_squares_worked_by_hand(self, post):
        answer = analyse(post, "regression", {"X": self.X, "y": self.Y, "loss": "l2", "w": [0, 1]})

        assert answer["shapes"] == {"X": [3, 2], "w": [2], "y": [3]}
        assert (answer["loss"], answer["gradient"]) == (2, [0, 2])
        assert answer["not_differentiable"] == []
        assert answer["solution"]["method"] == "closed form"
        assert answer["solution"]["w"] == pytest.approx([1, 0.5])
        assert answer["solution"]["certificate"]["optimal"] is True
        assert answer["solution"]["certificate"]["normal_equations"] == pytest.approx(
            [0, 0], abs=1e-12
        )

    def test_absolute_errors_worked_by_hand(self, post):
        answer = analyse(post, "regression", {"X": self.X, "y": self.Y, "loss": "l1", "w": [0, 1]})
        certificate = answer["solution"]["certificate"]

        assert (answer["loss"], answer["gradient"]) == (2, [0, 1])
        assert answer["not_differentiable"] == [0]
        assert answer["solution"]["method"] == "linear program"
        assert "no closed form" in answer["solution"]["note"]
        assert answer["solution"]["loss"] == pytest.approx(1.5)
        assert certificate["dual"] == [0.5, -1, 0.5]
        assert np.transpose(self.X) @ certificate["dual"] == pytest.approx([0, 0])
        assert certificate["optimal"] is True

    def test_an_exact_line_is_found_at_any_offset(self, post):
        """Times in seconds: the second column is constant in its first seven digits."""
        times = [[1, 1_700_000_000 + 60 * i] for i in range(4)]
        for loss in ("l1", "l2"):
            body = {"X": times, "y": [1, 3, 5, 7], "loss": loss}
            solution = analyse(post, "regression", body)["solution"]

            assert solution["w_exact"] == ["-169999997/3", "1/30"]
            assert (solution["loss"], solution["rank"], solution["exact"]) == (0, 2, True)

    def test_other_minimisers_are_reported(self, post):
        body = {"X": [[1], [1]], "y": [0, 10], "loss": "l1"}
        solution = analyse(post, "regression", body)["solution"]

        assert (solution["unique"], solution["ranges"]) == (False, [[0, 10]])

    @pytest.mark.parametrize("loss", ["l1", "l2"])
    @pytest.mark.parametrize("X", [[[2]], [[1, 2]], [[1, 2, 3], [4, 5, 6]]])
    def test_few_samples_are_fitted(self, post, loss, X):
        body = {"X": X, "y": list(range(len(X))), "loss": loss, "w": [0] * len(X[0])}
        solution = analyse(post, "regression", body)["solution"]

        assert (solution["loss"], solution["rank"]) == (0, len(X))
        assert solution["unique"] == (len(X[0]) == len(X))
        assert solution["certificate"]["optimal"]

    def test_without_w_the_loss_is_null(self, post):
        answer = analyse(post, "regression", {"X": self.X, "y": self.Y, "loss": "l1"})

        assert [answer[name] for name in ("loss", "gradient", "not_differentiable")] == [None] * 3

    def test_an_outlier_changes_the_least_squares_fit_but_not_the_other(self, post):
        x = list(range(10))
        y = [1 + 2 * v for v in x[:9]] + [-40]
        answer = analyse(post, "regression", {"X": [[1, v] for v in x], "y": y, "loss": "l1"})
        comparison = answer["comparison"]

        assert comparison["outliers"] == [9]
        assert comparison["l1"]["w"] == pytest.approx([1, 2])
        assert abs(comparison["l2"]["w"][1] - 2) > 1
        assert comparison["l2_without"]["w"] == pytest.approx([1, 2])
        assert "Point 9" in comparison["remark"]

    @pytest.mark.parametrize(
        ("change", "expected"),
        [
            ({"X": []}, ["/X"]),
            ({"X": [[]]}, ["/X/0"]),
            ({"X": [[1, 1], [1], [1, 1]]}, ["/X/1"]),
            ({"X": [1, 2, 3]}, ["/X/0"]),
            ({"X": [["1"], ["2"], ["3"]]}, ["/X/0/0"]),
            ({"X": [[1e51], [1], [1]]}, ["/X/0/0"]),
            ({"X": [[1e-60], [0], [0]]}, ["/X"]),
            ({"y": []}, ["/y"]),
            ({"y": [1, 2]}, ["/y"]),
            ({"y": [1, None, 2]}, ["/y/1"]),
            ({"w": [1]}, ["/w"]),
            ({"y": [1], "w": [1, 2, 3]}, ["/y", "/w"]),
            ({"loss": "l3", "y": []}, ["/y", "/loss"]),
            ({"loss": "L1"}, ["/loss"]),
        ],
    )
    def test_invalid_values_are_named(self, post, change, expected):
        assert (
            list(faults_of(post, "regression", {"X": self.X, "y": self.Y, "loss": "l1", **change}))
            == expected
        )

    def test_only_the_first_fault_of_a_list_is_named(self, post):
        body = {"X": [["a"] * 1000] * 10, "y": ["b"] * 10, "loss": "l2"}

        assert list(faults_of(post, "regression", body)) == ["/X/0/0", "/y/0"]


class TestGradientCheck:
    def test_the_default_is_the_first_test_image(self, post, model):
        answer = analyse(post, "gradient-check", {"model": "latest"})

        assert answer["model"] == model[0]
        assert (answer["image"], answer["label"]) == (0, 7)
        assert [layer["weights"] for layer in answer["layers"]] == [784 * 32, 32 * 32, 320]
        assert [layer["checked"] for layer in answer["layers"]] == [5000, 1024, 320]
        assert max(layer["exact"] for layer in answer["layers"]) < 1e-9
        assert [layer["published"] > 0.01 for layer in answer["layers"]] == [True, True, False]

    def test_an_image_in_the_request_is_checked(self, post, model, backend):
        seven = backend.dataset("mnist").samples[0].tolist()
        own = analyse(post, "gradient-check", {"model": model[0], "image": seven, "label": 7})
        first = analyse(post, "gradient-check", {"model": model[0]})

        assert own == {**first, "image": None}

    def test_a_model_of_the_other_data_set_is_checked(self, post, backend):
        publish(backend, "fashion-mnist-torch")
        answer = analyse(post, "gradient-check", {"model": "latest-fashion-mnist"})

        assert answer["label"] == 9
        assert len(answer["layers"]) == 4
        assert max(layer["exact"] for layer in answer["layers"]) < 1e-9

    def test_kinks_and_dead_units_are_named(self, post, backend):
        """The untrained model has no biases, so a black image puts all ReLU units at a kink."""
        id, network = publish(backend, "fashion-mnist-torch")
        black = [[0] * 28] * 28
        dark = analyse(post, "gradient-check", {"model": id, "image": black, "label": 3})
        first = analyse(post, "gradient-check", {"model": id})
        pre_activations, _ = network.forward(
            backend.dataset("fashion-mnist").samples[0].ravel() / 255
        )

        assert [layer["kink_count"] for layer in dark["layers"]] == [256, 128, 64, 0]
        assert dark["layers"][0]["kinks"] == [*range(100)]
        assert [layer["excluded"] for layer in dark["layers"]] == [0] * 4  # all inputs are 0
        assert [layer["exact"] for layer in dark["layers"]] == [0] * 4
        assert [layer["kink_count"] for layer in first["layers"]] == [0] * 4
        for layer, z in zip(first["layers"], pre_activations, strict=True):
            dead = np.flatnonzero(z < 0) if layer["layer"] < 3 else np.arange(0)
            assert layer["dead"] == dead[:100].tolist()
            assert layer["dead_count"] == len(dead)

    def test_the_precision_is_said(self, post, backend, model):
        answer = analyse(post, "gradient-check", {"model": model[0]})
        assert answer["precision"] == (
            "The model's weights are stored as float64. All was computed in float64."
        )

    @pytest.mark.parametrize(
        ("change", "expected"),
        [
            ({"model": "no-such-model"}, ["/model"]),
            ({"model": "../../etc"}, ["/model"]),
            ({"model": 3}, ["/model"]),
            ({"image": [[0] * 28] * 28}, ["/label"]),
            ({"label": 3}, ["/image"]),
            ({"image": [[0] * 28] * 27, "label": 3}, ["/image"]),
            ({"image": [[0] * 28] * 27 + [[0] * 27], "label": 3}, ["/image/27"]),
            ({"image": [[256] * 28] + [[0] * 28] * 27, "label": 3}, ["/image/0/0"]),
            ({"image": [[0] * 28] * 28, "label": 10}, ["/label"]),
        ],
    )
    def test_invalid_values_are_named(self, post, model, change, expected):
        problem = check_problem(post("gradient-check", {"model": model[0], **change}), 422)

        assert pointers(problem)[:1] == expected

    def test_without_a_model_the_field_is_named(self, post):
        assert list(faults_of(post, "gradient-check", {"model": "latest"})) == ["/model"]
