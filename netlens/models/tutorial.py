"""The networks that the lessons train, and how. This module imports no torch, so that a listing is instant."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Recipe:
    """How a network is trained: AdamW under a one-cycle learning rate.

    `epochs` passes over the data; `batch_size` samples a step; `learning_rate` the peak of the cycle; `weight_decay` per step and
    learning rate; `shift` the largest shift of an image, in pixels, drawn anew for each step; 0 for what is no image.
    """

    epochs: int
    batch_size: int = 64
    learning_rate: float = 2e-3
    weight_decay: float = 1e-4
    shift: int = 1


@dataclass(frozen=True)
class TutorialModel:
    """A network of the tutorial: its class, its recipe for each data set, and what its class is told besides the data's sizes.

    The first recipe's data set is the usual one. What a class is told of the data is said in `netlens.models.arguments`.
    """

    summary: str
    factory: str
    recipes: dict[str, Recipe]
    arguments: dict[str, int | float | str | bool] = field(default_factory=dict)

    @property
    def dataset(self) -> str:
        """The data set that it is trained on unless another is named."""
        return next(iter(self.recipes))


TUTORIAL_MODELS: dict[str, TutorialModel] = {
    "mnist-cnn": TutorialModel(
        summary="two convolutions, two poolings, two linear layers",
        factory="netlens.models.architectures:MnistCNN",
        recipes={"mnist-5k": Recipe(epochs=6), "mnist": Recipe(epochs=5, batch_size=128), "digits": Recipe(epochs=20, shift=0)},
    ),
    "mnist-mlp": TutorialModel(
        summary="two hidden layers of 256 and 128 units, the baseline that knows nothing of images",
        factory="netlens.models.architectures:MnistMLP",
        recipes={"mnist-5k": Recipe(epochs=15), "mnist": Recipe(epochs=10, batch_size=128), "digits": Recipe(epochs=30, shift=0)},
    ),
    "mnist-vit": TutorialModel(
        summary="patches of 4 x 4 pixels, a class token, three blocks of attention",
        factory="netlens.models.vit:MnistViT",
        recipes={
            "mnist-5k": Recipe(epochs=18, learning_rate=3e-3, weight_decay=0.05, shift=2),
            "mnist": Recipe(epochs=6, batch_size=128, learning_rate=3e-3, weight_decay=0.05, shift=2),
            "digits": Recipe(epochs=20, learning_rate=3e-3, weight_decay=0.05, shift=0),
        },
    ),
    "mnist-rnn": TutorialModel(
        summary="a plain recurrent layer of 128 units that reads the image row by row",
        factory="netlens.models.recurrent:MnistRNN",
        recipes={"mnist-5k": Recipe(epochs=20), "mnist": Recipe(epochs=10, batch_size=128), "digits": Recipe(epochs=30, shift=0)},
    ),
    "mnist-lstm": TutorialModel(
        summary="a long short-term memory of 128 units that reads the image row by row",
        factory="netlens.models.recurrent:MnistLSTM",
        recipes={
            "mnist-5k": Recipe(epochs=12, learning_rate=5e-3),
            "mnist": Recipe(epochs=6, batch_size=128, learning_rate=5e-3),
            "digits": Recipe(epochs=30, learning_rate=5e-3, shift=0),
        },
    ),
    "mnist-gru": TutorialModel(
        summary="a gated recurrent layer of 128 units that reads the image row by row",
        factory="netlens.models.recurrent:MnistGRU",
        recipes={
            "mnist-5k": Recipe(epochs=8, learning_rate=5e-3),
            "mnist": Recipe(epochs=6, batch_size=128, learning_rate=5e-3),
            "digits": Recipe(epochs=30, learning_rate=5e-3, shift=0),
        },
    ),
    "text-lstm": TutorialModel(
        summary="an LSTM over the words of a text, the mean of its states, one linear layer",
        factory="netlens.models.text:TextLSTM",
        recipes={
            "python-docs": Recipe(epochs=6, learning_rate=3e-3, weight_decay=1e-2, shift=0),
            "rotten-tomatoes": Recipe(epochs=4, learning_rate=3e-3, weight_decay=1e-2, shift=0),
        },
    ),
    "text-transformer": TutorialModel(
        summary="two blocks of self-attention over the words of a text, the mean of what they give, one linear layer",
        factory="netlens.models.text:TextTransformer",
        recipes={
            "python-docs": Recipe(epochs=6, learning_rate=3e-3, weight_decay=1e-2, shift=0),
            "rotten-tomatoes": Recipe(epochs=4, learning_rate=2e-3, weight_decay=1e-2, shift=0),
        },
    ),
    "breast-cancer-mlp": TutorialModel(
        summary="two hidden layers of 32 units over 30 measurements of cell nuclei",
        factory="netlens.models.tables:TableMLP",
        recipes={"breast-cancer": Recipe(epochs=30, batch_size=32, learning_rate=5e-3, weight_decay=1e-2, shift=0)},
    ),
    "wine-mlp": TutorialModel(
        summary="two hidden layers of 32 units over 13 chemical measurements",
        factory="netlens.models.tables:TableMLP",
        recipes={"wine": Recipe(epochs=30, batch_size=32, learning_rate=5e-3, weight_decay=1e-2, shift=0)},
    ),
    "diabetes-mlp": TutorialModel(
        summary="two hidden layers of 16 units over 10 measurements of patients",
        factory="netlens.models.tables:TableMLP",
        recipes={"diabetes": Recipe(epochs=12, batch_size=32, learning_rate=5e-3, weight_decay=0.1, shift=0)},
        arguments={"width": 16},
    ),
    "credit-mlp": TutorialModel(
        summary="two hidden layers of 32 units over the seven columns of simulated credit applications",
        factory="netlens.models.tables:TableMLP",
        recipes={"credit-simulated": Recipe(epochs=12, batch_size=128, learning_rate=1e-2, weight_decay=1e-2, shift=0)},
    ),
}
