"""An upload becomes a data set: the same one for the same content, in any format."""

import numpy as np
import pytest
import skimage.data
from sklearn.datasets import (
    load_breast_cancer,
    load_digits,
    load_iris,
    load_sample_image,
    load_wine,
)

from stepbox.data.builtin import FASHION_MNIST, MNIST
from stepbox.data.readers.part import Limits
from stepbox.errors import InvalidInputError, NotFoundError
from stepbox.importing.options import ImportOptions
from stepbox.importing.pipeline import import_upload
from stepbox.training.loop import make_trainer, train
from stepbox.training.presets import RECIPES
from tests.stepbox.importing.conftest import (
    compress,
    csv,
    file_of,
    folders,
    form,
    idx,
    npz,
    parquet,
    zipped,
)

DIGITS = [str(digit) for digit in range(10)]
PIXELS = [f"pixel{i}" for i in range(MNIST.features)]


def kaggle(images, labels):
    return csv(["label", *PIXELS], np.c_[labels, images.reshape(len(images), -1)].tolist())


def table(bunch):
    """A CSV file of one of scikit-learn's tables, with names of features and classes."""
    names = [str(name).replace(",", " ") for name in bunch.feature_names]
    rows = [
        [*row, bunch.target_names[label]]
        for row, label in zip(bunch.data, bunch.target, strict=True)
    ]
    return csv([*names, "label"], rows)


def test_the_same_samples_are_the_same_data_set_in_each_format(run, load):
    train_set, test_set = load("mnist", "train")[:300], load("mnist", "test")[:100]
    (x, y), (u, v) = ((one.samples, one.labels) for one in (train_set, test_set))
    bodies = {
        "Keras": (npz(x_train=x, y_train=y, x_test=u, y_test=v),),
        "Kaggle": (zipped({"train.csv": kaggle(x, y), "test.csv": kaggle(u, v)}),),
        "Parquet": (
            zipped({"train.parquet": parquet(x, y, DIGITS), "test.parquet": parquet(u, v, DIGITS)}),
        ),
        "IDX": form(
            {
                "train-images-idx3-ubyte.gz": compress(idx(x)),
                "train-labels-idx1-ubyte.gz": compress(idx(y)),
                "t10k-images-idx3-ubyte": idx(u),
                "t10k-labels-idx1-ubyte": idx(v),
            }
        ),
        "folders": (
            zipped(folders(x, y, DIGITS, "set/train/") | folders(u, v, DIGITS, "set/test/")),
        ),
    }
    specs = {name: run(*body) for name, body in bodies.items()}

    assert len({spec.id for spec in specs.values()}) == 1, specs
    for spec in specs.values():
        assert (spec.kind, spec.shape, spec.classes) == ("images", MNIST.shape, MNIST.classes)
        assert (spec.train.samples, spec.test.samples) == (300, 100)
        assert spec.background == "dark"


@pytest.mark.slow
def test_all_of_mnist_is_the_built_in_data_set(run, load):
    (x, y), (u, v) = (
        (one.samples, one.labels) for one in (load("mnist", "train"), load("mnist", "test"))
    )

    spec = run(npz(x_train=x, y_train=y, x_test=u, y_test=v))

    assert spec.id == MNIST.id
    assert spec.name == "mnist"


def test_a_file_without_a_test_part_is_split_by_class_and_seed(run, datasets):
    labels = np.repeat([0, 1, 2], [50, 30, 20])
    images = np.random.default_rng(0).integers(0, 256, (100, 8, 8), np.uint8)
    body = npz(images=images, labels=labels)

    spec = run(body, test=0.1)

    assert spec.test.per_class == (5, 3, 2)
    assert spec.train.per_class == (45, 27, 18)
    assert run(body, test=0.1).id == spec.id
    assert run(body, test=0.1, seed=1).id != spec.id
    both = [datasets.load(spec.id, split) for split in ("train", "test")]
    found = np.concatenate([one.samples for one in both]).reshape(100, -1)
    assert sorted(map(tuple, found.tolist())) == sorted(
        map(tuple, images.reshape(100, -1).tolist())
    )
    for one in both:  # the order of the file is kept
        places = [np.flatnonzero((images == image).all((1, 2)))[0] for image in one.samples]
        assert places == sorted(places)
        assert one.labels.tolist() == labels[places].tolist()


def test_folders_of_images_train_to_the_weights_of_the_built_in_data_set(run, datasets, load):
    """Files that are named by their index keep the order of the samples."""
    train_set, test_set = load("fashion-mnist", "train")[:400], load("fashion-mnist", "test")[:50]
    names = [
        f"{label} {name.replace('/', ' or ')}" for label, name in enumerate(FASHION_MNIST.classes)
    ]
    files = folders(train_set.samples, train_set.labels, names, "train/")
    files |= folders(test_set.samples, test_set.labels, names, "test/")
    shuffled = np.random.default_rng(0).permutation(list(files))

    spec = run(zipped({name: files[name] for name in shuffled}))

    assert spec.classes == tuple(names)
    recipe = RECIPES["mnist-numpy"].changed(epochs=1, hidden_sizes=[16], shuffle=True)
    networks = []
    for sets in (
        (train_set, test_set),
        (datasets.load(spec.id, "train"), datasets.load(spec.id, "test")),
    ):
        trainer = make_trainer(recipe.fitted(sets[0].spec), sets[0])
        list(train(trainer, sets[1]))
        networks.append(trainer.network().named_arrays())
    for name, array in networks[0].items():
        np.testing.assert_array_equal(array, networks[1][name])


def test_photographs_become_color_images_of_one_size(run, datasets):
    """Crops of scikit-learn's and scikit-image's photographs, each photograph a class."""
    photographs = {
        "china": load_sample_image("china.jpg"),
        "flower": load_sample_image("flower.jpg"),
        "astronaut": skimage.data.astronaut(),
        "chelsea": skimage.data.chelsea(),
    }
    rng = np.random.default_rng(0)
    files = {}
    for name, photograph in photographs.items():
        for index in range(40):
            height, width = rng.integers(40, 90, 2)
            y, x = (rng.integers(size - 90) for size in photograph.shape[:2])
            crop = np.ascontiguousarray(photograph[y : y + height, x : x + width])
            files[f"{name}/{index}.jpg"] = file_of(crop, "JPEG")

    spec = run(zipped(files), size=32)

    assert (spec.kind, spec.shape) == ("images", (32, 32, 3))
    assert spec.classes == ("astronaut", "chelsea", "china", "flower")
    assert spec.test.per_class == (8, 8, 8, 8)
    layers = [
        {"type": "convolution", "channels": 8, "kernel": 5, "stride": 2},
        {"type": "max-pool", "size": 2},
    ]
    train_set, test_set = (datasets.load(spec.id, split) for split in ("train", "test"))
    for name, fields in (
        ("fashion-mnist-torch", {"hidden_sizes": [64], "batch_size": 8, "epochs": 20}),
        ("mnist-numpy-convolution", {"layers": layers, "epochs": 8}),
        ("mnist-torch-convolution", {"layers": layers, "batch_size": 8, "epochs": 8}),
    ):
        recipe = RECIPES[name].changed(**fields).fitted(spec)
        trainer = make_trainer(recipe, train_set)
        *_, last = list(train(trainer, test_set))
        assert last.test_accuracy > 0.5  # guessing reaches a quarter
        assert trainer.network().layers[0].arrays["weight"].shape[-1] in (3, 32 * 32 * 3)


def test_the_layers_of_a_table_are_dense(run, datasets):
    bunch = load_iris()
    table = np.column_stack([bunch.data, bunch.target])
    spec = run("\n".join(["a,b,c,d,label", *(",".join(map(str, row)) for row in table)]).encode())
    train_set = datasets.load(spec.id, "train")
    networks = []
    for fields in ({"hidden_sizes": [7]}, {"layers": [{"type": "dense", "neurons": 7}]}):
        trainer = make_trainer(RECIPES["mnist-numpy"].changed(**fields).fitted(spec), train_set)
        list(trainer.train_epoch())
        networks.append(trainer.network().named_arrays())

    assert networks[0]["0.weight"].shape == (7, 4)
    for name, array in networks[0].items():
        np.testing.assert_array_equal(array, networks[1][name])
    with pytest.raises(InvalidInputError, match="/layers/0: it needs images"):
        RECIPES["mnist-numpy-convolution"].fitted(spec)


@pytest.mark.parametrize(
    ("load_table", "shape", "classes"),
    [
        (load_iris, (4,), ("setosa", "versicolor", "virginica")),
        (load_wine, (13,), ("class_0", "class_1", "class_2")),
        (load_breast_cancer, (30,), ("benign", "malignant")),
        (load_digits, (64,), tuple(DIGITS)),
    ],
)
def test_tables_become_vectors(run, datasets, load_table, shape, classes):
    bunch = load_table()

    spec = run(table(bunch))

    assert (spec.kind, spec.shape, spec.classes) == ("vectors", shape, classes)
    assert spec.columns == tuple(str(name) for name in bunch.feature_names)
    samples = np.concatenate([datasets.load(spec.id, split).samples for split in ("train", "test")])
    assert samples.dtype == np.float64
    assert sorted(map(tuple, samples.tolist())) == sorted(map(tuple, bunch.data.tolist()))


def test_the_size_and_the_color_come_from_the_images(run):
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (size, 40), np.uint8) for size in (20, 30, 50, 50, 20, 40)]
    files = {f"{'ab'[i % 2]}/{i}.png": file_of(image) for i, image in enumerate(images)}

    assert run(zipped(files)).shape == (40, 40)
    assert run(zipped(files), size=28).shape == (28, 28)
    assert run(zipped(files), color="rgb").shape == (40, 40, 3)
    colored = np.repeat(images[0][..., None], 3, axis=2)
    colored[..., 0] = 255 - colored[..., 0]
    assert run(zipped(files | {"a/7.png": file_of(colored)})).shape == (40, 40, 3)


def test_warnings_say_what_to_know(run):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (40, 8, 8), np.uint8)
    labels = np.repeat([0, 1, 3], [20, 15, 5])
    spec = run(npz(x_train=images, y_train=labels, x_test=images[::5], y_test=labels[::5]))

    assert spec.warnings == (
        "The labels skip 2.",
        "Classes with fewer than 10 samples: '3' (6).",
        "Test samples that are also training samples: 8. So the test accuracy is too high.",
    )
    constant = run(npz(images=np.full((20, 8, 8), 7, np.uint8), labels=np.arange(20) % 2))
    assert "All samples have the same values, so there is nothing to learn." in constant.warnings


def test_a_few_unreadable_files_are_left_out_and_named(run):
    rng = np.random.default_rng(0)
    files = {
        f"{'ab'[i % 2]}/{i}.png": file_of(rng.integers(0, 256, (8, 8), np.uint8))
        for i in range(200)
    }
    files["a/broken.png"] = b"\x89PNG\r\n\x1a\n" + bytes(50)

    spec = run(zipped(files))

    assert spec.train.samples + spec.test.samples == 200
    left_out = "Image files that cannot be read, and were left out: 1 ('a/broken.png')."
    assert left_out in spec.warnings
    broken = {f"b/broken{i}.png": files["a/broken.png"] for i in range(4)}
    with pytest.raises(InvalidInputError, match="more than 1% of the image files cannot be read"):
        run(zipped(files | broken))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (zipped({"only/1.png": file_of(np.zeros((8, 8), np.uint8))}), "one class"),
        (npz(images=np.zeros((5, 8, 8), np.uint8), labels=np.zeros(5, int)), "only the class '0'"),
        (npz(x_test=np.zeros((5, 8, 8), np.uint8), y_test=np.arange(5)), "x_train"),
        (csv(["a", "label"], [[1, "x"], ["", "y"]]), "row 3"),
        (csv(["a", "label"], [[1, "x"], ["=1+1", "y"]]), "row 3"),
        (csv(["a", "b"], [[1, 2]]), "'label'"),
        (csv(["a", "label"], [[1, "x"], [2, "y"]]), "a single sample of each class"),
        (csv(["a", "label"], [[1, 0.5], [2, 1.5]]), "measurements"),
        (
            zipped({"a.csv": csv(["a", "label"], [[1, 0]]), "b.npz": npz(images=np.zeros(3))}),
            "formats",
        ),
    ],
)
def test_what_cannot_become_a_data_set_is_rejected_in_words(run, datasets, body, message):
    with pytest.raises(InvalidInputError, match=message):
        run(body)

    assert [spec.name for spec in datasets.specs()] == ["mnist", "fashion-mnist"]


def test_an_import_that_must_stop_leaves_nothing_visible(run, datasets):
    """Each report of the progress may raise."""
    images = np.random.default_rng(0).integers(0, 256, (40, 8, 8), np.uint8)
    body = npz(images=images, labels=np.arange(40) % 2)
    reports = []
    run(body, report=reports.append)
    id = datasets.spec("mine").id
    datasets.delete(id)

    class StopError(Exception):
        pass

    for stop in range(len(reports)):
        seen = []

        def report(progress, seen=seen, stop=stop):
            seen.append(progress)
            if len(seen) > stop:
                raise StopError

        with pytest.raises(StopError):
            run(body, report=report)
        with pytest.raises(NotFoundError):
            datasets.spec(id)
    assert run(body).id == id
    fractions = [progress.fraction for progress in reports]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1


def test_limits_are_checked_before_images_are_decoded(tmp_path):
    files = {f"{'ab'[i % 2]}/{i}.png": file_of(np.zeros((64, 64), np.uint8)) for i in range(20)}
    upload = tmp_path / "upload"
    upload.write_bytes(zipped(files))

    with pytest.raises(InvalidInputError, match="64×64 pixels"):
        import_upload(
            upload,
            "",
            ImportOptions(name="mine"),
            tmp_path,
            lambda progress: None,
            Limits(bytes=64 * 64 * 19),
        )
