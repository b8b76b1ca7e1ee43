"""The named recipes: the source's two with their variants, and the most accurate ones."""

from stepbox.training.recipe import Recipe, RecipeName

RECIPES: dict[RecipeName, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            name="mnist-numpy",
            engine="numpy",
            dataset="mnist",
            hidden_sizes=(32, 32),
            activation="sigmoid",
            epochs=3,
            learning_rate=0.03,
            batch_size=1,
            seed=80085,
            shuffle=False,
            pixel_scale="unit",
            gradient="exact",
        ),
        Recipe(
            name="mnist-numpy-published",
            engine="numpy",
            dataset="mnist",
            hidden_sizes=(32, 32),
            activation="sigmoid",
            epochs=3,
            learning_rate=0.003,
            batch_size=1,
            seed=80085,
            shuffle=False,
            pixel_scale="raw",
            gradient="published",
        ),
        Recipe(
            name="mnist-numpy-best",
            engine="numpy",
            dataset="mnist",
            hidden_sizes=(512, 128),
            activation="relu",
            epochs=26,
            learning_rate=0.005,
            batch_size=1,
            seed=0,
            shuffle=True,
            pixel_scale="unit",
            gradient="exact",
            initialization="he",
            schedule="cosine",
            augmentation="distort",
            single_precision=True,
        ),
        Recipe(
            name="mnist-numpy-record",
            engine="numpy",
            dataset="mnist",
            hidden_sizes=(1024, 256),
            activation="relu",
            epochs=80,
            learning_rate=0.005,
            batch_size=1,
            seed=0,
            shuffle=True,
            pixel_scale="unit",
            gradient="exact",
            initialization="he",
            schedule="cosine",
            augmentation="distort",
            single_precision=True,
        ),
        Recipe(
            name="fashion-mnist-torch",
            engine="torch",
            dataset="fashion-mnist",
            hidden_sizes=(256, 128, 64),
            activation="relu",
            epochs=60,
            learning_rate=0.01,
            batch_size=64,
            seed=0,
            shuffle=True,
            pixel_scale="unit",
            gradient="exact",
        ),
        Recipe(
            name="fashion-mnist-torch-best",
            engine="torch",
            dataset="fashion-mnist",
            hidden_sizes=(256, 128, 64),
            activation="gelu",
            epochs=120,
            learning_rate=0.004,
            batch_size=256,
            seed=0,
            shuffle=True,
            pixel_scale="unit",
            gradient="exact",
            optimizer="adamw",
            weight_decay=0.1,
            schedule="one-cycle",
            dropout=0.1,
            normalization="batch",
            standardize=True,
            augmentation="mirror-shift",
        ),
    )
}

DESCRIPTIONS: dict[RecipeName, str] = {
    "mnist-numpy": "Per-sample backpropagation written by hand in NumPy on MNIST, with the true "
    "gradient.",
    "mnist-numpy-published": "The same as the source printed it: raw pixels and its two "
    "deviations from the true gradient.",
    "mnist-numpy-best": "Per-sample backpropagation on MNIST, as accurate as a minute of one core "
    "makes it: a wider ReLU network on distorted images.",
    "mnist-numpy-record": "The same with a larger network and more epochs: minutes, for the last "
    "tenths of a percent.",
    "fashion-mnist-torch": "The source's torch network on Fashion-MNIST: mini-batch SGD, 60 "
    "epochs.",
    "fashion-mnist-torch-best": "The same layers on Fashion-MNIST, as accurate as they become: "
    "AdamW, batch normalization, varied images.",
}

DEFAULT_RECIPE: RecipeName = "mnist-numpy"
