"""Training epoch by epoch, with a checkpoint after each from which it goes on exactly."""

import csv
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from io import StringIO
from pathlib import Path

import torch
from torch import nn

from bench.errors import UserError
from bench.folders import spare, writable, writing_to
from bench.images.dataset import Images
from bench.images.first_look import first_look
from bench.images.labels.classes import reconcile
from bench.images.sources import DataSpec, open_data
from bench.images.survey import USUAL_RULES
from bench.nets import zoo
from bench.nets.device import SLOW_BF16, Precision, pick_device
from bench.nets.head import from_head_on, train_head
from bench.nets.initial import initial_net
from bench.nets.out_of_memory import enough_memory
from bench.nets.reading import read_weights
from bench.nets.torch_settings import without_tf32
from bench.nets.vgg import NAMES
from bench.nets.weights import Weights, save_weights
from bench.pictures.training_curve import Epoch, plot_training
from bench.progress import busy, note, warn
from bench.provenance import provenance
from bench.train.batches import Batches, crop_batches, feed_of
from bench.train.checkpoint import keep, resume
from bench.train.defaults import VALIDATED, WARM_SHARE, WARM_UP
from bench.train.features import FeatureStore
from bench.train.half_precision import halve
from bench.train.recipe import crop_side, recipe_of, scale
from bench.train.schedule import rate_share
from bench.train.steps import learn, learning_in, make_optimiser
from bench.train.training_request import TrainingRequest
from results.atomic_files import write_text_atomically
from results.formatting import shown


def train(request: TrainingRequest) -> None:
    """Train one net to the end, writing log, plot and weights beside the checkpoint. Raises UserError."""
    remedy = "give a smaller --batch, or another --device; what is finished is kept"
    with enough_memory(f"a training with --batch {request.batch}", remedy), Precision(request.dtype).settings():
        _train(request)


def _train(request: TrainingRequest) -> None:
    training = Training(request)
    if training.weights_path.exists() and training.over:
        training.tidy()  # it may have been killed before
        note(f"{training.weights_path} is there already")
        return
    with closing(training.images.feed):
        for _ in training.epochs():
            training.log()
        name = shown(training.out.name)
        writing_to(training.out, lambda: plot_training(training.done, training.out / "training.png", name))
        place, last = training.save(), training.done[-1]
        note(f"validation error {last.validation_error:.2f} %, loss {last.loss:.3g} after epoch {len(training.done)}")
        note(place)


class Training:
    """A net, its optimiser and its data; `epochs()` runs what is left to do."""

    def __init__(self, request: TrainingRequest) -> None:
        if request.threads:
            torch.set_num_threads(request.threads)
        self.request = request
        self.provenance = provenance()  # now: the tree may be another when the weights are saved
        self.name = zoo.canonical(request.model)
        self.device = pick_device(request.device)
        precision = Precision(request.dtype)
        precision.check(self.device)
        if precision.slow_on(self.device):
            note(SLOW_BF16)
        self.learning = partial(learning_in, request.dtype, self.device)
        init = read_weights(request.init, self.name, request.weights_key) if request.init else None
        self.side = crop_side(self.name, init)
        self.recipe = recipe_of(request, self.name, init)
        self.S = scale(self.recipe, self.side)
        self.train, self.validation = _open(request.images)
        self.classes = self.train.classes or ()
        if len(self.train) < request.batch:
            raise UserError(f"--batch {request.batch}: there are {len(self.train)} training images; give a smaller one")
        self.out = request.out or Path("runs") / f"{NAMES.get(self.name, self.name)}-{self.recipe.S}"
        self.weights_path = self.out / "weights.safetensors"
        if request.init:
            spare("--out", self.weights_path, [Path(request.init)])
        writable("--out", self.out)
        self.told = self.recipe.words(**_digests(self.train, self.validation))
        how = self.recipe
        with busy("making the net"):
            net = initial_net(self.name, self.classes, init, how.width, how.dropout, how.seed, how.freeze)
            self.net = net.to(self.device).to(memory_format=torch.channels_last)
            self.optimiser = make_optimiser(how, [each for each in self.net.parameters() if each.requires_grad])
        feed = feed_of(request.workers, request.threads, self.device)
        self.images = crop_batches(self.train, self.validation, self.S, self.side, how, feed, self.device)
        self.features = FeatureStore(self.out, self.told) if how.cache_features else None
        self.done: list[Epoch] = []
        self._resume()

    def epochs(self) -> Iterator[Epoch]:
        """Yield every epoch's log line, those of an earlier run first."""
        yield from self.done
        if self.over:
            return
        start = time.perf_counter()  # before features are computed: the first epoch's time has theirs in it
        net, batches = self.net, self.images
        if self.features:
            net, batches = from_head_on(self.net), self.features.batches(self.net, self.images, self.learning)
        while (rate := self._rate()) is not None:
            loss, training_error = self._learn(net, batches, rate)
            error = self._validation_error(net, batches)
            seconds = round(time.perf_counter() - start, 1)
            self.done.append(Epoch(len(self.done), rate, loss, training_error, error, seconds))
            self._keep()
            yield self.done[-1]
            start = time.perf_counter()

    @property
    def over(self) -> bool:
        """Whether no epoch is left."""
        return self._rate() is None

    def log(self) -> None:
        """Write a line for every epoch so far. Raises UserError."""
        lines = StringIO()
        csv.writer(lines).writerows([Epoch._fields, *self.done])
        writing_to(self.out, lambda: write_text_atomically(self.out / "log.csv", lines.getvalue()))

    def save(self) -> str:
        """Write the weights with everything that they need to be used, as `weights.safetensors`; return the path."""
        path = self.weights_path
        half = set()
        if self.request.half:
            parts = list(self.images.validation_parts())
            half = halve(self.net, lambda: self._predictions(self.net, self.images.on_device(parts)))
        weights = Weights(
            source=str(path),
            state=self.net.state_dict(),
            model=self.name,
            width=self.recipe.width,
            S=self.S,
            pixels=self.recipe.pixels,
            classes=self.classes,
            side=self.side,
        )
        about = {
            "data": f"{self.train.name} {self.train.digest}",
            "validation_error": f"{self.done[-1].validation_error:.2f} (centre crop)",
            "seconds": f"{sum(epoch.seconds for epoch in self.done):.0f}",
            "recipe": self.told,
            **self.provenance,
        }
        writing_to(self.out, lambda: save_weights(path, weights, about, half))
        self.tidy()
        return str(path)

    def tidy(self) -> None:
        """Free the disk of what was needed on the way to the weights."""
        if self.features:
            self.features.remove()

    def _rate(self) -> float | None:
        """Of the next epoch; None when training is over."""
        how = self.recipe
        errors = [epoch.validation_error for epoch in self.done]
        part = rate_share(how.schedule, errors, how.epochs, how.patience)
        return None if part is None else how.rate * part

    def _learn(self, net: nn.Module, batches: Batches, rate: float) -> tuple[float, float]:
        """One pass over the training images at a rate; return the mean loss and the error in %."""
        number = len(self.done)
        what = f"epoch {number + 1}/{sum(self.recipe.epochs)}"
        if self.done:
            what += f" error {self.done[-1].validation_error:.1f} % loss {self.done[-1].loss:.3g}"
        each = len(self.train) // self.recipe.batch
        rising = max(1, min(WARM_UP, int(WARM_SHARE * sum(self.recipe.epochs) * each)))

        def rate_of(iteration: int) -> float:
            return rate * min(1.0, (number * each + iteration + 1) / rising)

        if self.recipe.freeze:
            train_head(self.net)
        else:
            net.train()
        steps = batches.training(number, self.recipe.seed, what)
        loss, error = learn(net, self.optimiser, steps, rate_of, self.learning)
        if loss != loss:
            raise UserError(f"the loss is not a number any more in epoch {number + 1}; give a smaller --rate")
        return loss, error

    def _validation_error(self, net: nn.Module, batches: Batches) -> float:
        """Centre-crop top-1 error in % on the validation images."""
        labels = torch.from_numpy(self.validation.labels)
        what = f"validation after epoch {len(self.done) + 1}"
        wrong = int((self._predictions(net, batches.validation(what)) != labels).sum())
        return round(100 * wrong / len(labels), 4)

    @torch.inference_mode()
    def _predictions(self, net: nn.Module, batches: Iterable[tuple[torch.Tensor, ...]]) -> torch.Tensor:
        """Best classes in float32, whatever the net learns in: so its weights are evaluated."""
        net.eval()
        with without_tf32():
            return torch.cat([net(inputs).argmax(1) for inputs, _ in batches]).cpu()  # once: it waits for the device

    def _keep(self) -> None:
        state = {
            "net": self.net.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "done": [tuple(epoch) for epoch in self.done],
            "recipe": self.told,
            "provenance": self.provenance,
        }
        writing_to(self.out, lambda: keep(self.out / "checkpoint.pt", state))

    def _resume(self) -> None:
        state = resume(self.out / "checkpoint.pt", self.told)
        if state is None:
            return
        self.net.load_state_dict(state["net"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.done = [Epoch(*epoch) for epoch in state["done"]]
        self.provenance = state["provenance"]


def _open(data: DataSpec) -> tuple[Images, Images]:
    """Training images, and as many validation images as steer it, in the same classes. Raises UserError."""
    train = open_data(data, "train")
    classes = train.classes or ()
    validation = open_data(replace(data, limit=VALIDATED))
    for images in (train, validation):
        note(first_look(images))
    for sentence in dict.fromkeys((*train.notes, *validation.notes)):
        warn(f"data {data.source}: {sentence}")
    return train, reconcile(validation, len(classes), classes, f"{data.source}, split train,")


def _digests(train: Images, validation: Images) -> dict[str, str]:
    """What tells the images, and how they become pixels where that is not as usual."""
    parts = {"training": train, "validation": validation}
    for name, images in parts.items():
        for sentence in images.told[len(images.notes) :]:  # of their files, which takes longer to know
            warn(f"{name} images: {sentence}")
    unusual = {f"{name}_rules": images.rules for name, images in parts.items() if images.rules != USUAL_RULES}
    return {"data": train.digest, "validation": validation.digest, **unusual}
