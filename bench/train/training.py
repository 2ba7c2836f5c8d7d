"""Training epoch by epoch, with a checkpoint after each from which it goes on exactly."""

import csv
import sys
import time
from argparse import Namespace
from collections.abc import Iterable, Iterator
from dataclasses import replace
from io import StringIO
from pathlib import Path

import torch
from torch import nn

from bench.errors import UserError
from bench.folders import writable, writing_to
from bench.images.classes import reconcile
from bench.images.sources import open_data
from bench.images.survey import USUAL_RULES
from bench.nets import zoo
from bench.nets.device import Precision, pick_device
from bench.nets.head import from_head_on, train_head
from bench.nets.initial import initial_net
from bench.nets.out_of_memory import enough_memory
from bench.nets.vgg import NAMES
from bench.nets.weights import Weights, read_weights, save_weights
from bench.pictures.training_curve import Epoch, plot_training
from bench.progress import warn
from bench.provenance import provenance
from bench.requests import data_spec
from bench.train.batches import Batches, crop_batches
from bench.train.checkpoint import keep, resume
from bench.train.defaults import VALIDATED, WARM_SHARE, WARM_UP
from bench.train.features import FeatureStore
from bench.train.half_precision import halve
from bench.train.recipe import check, crop_side, recipe, scale, settled
from bench.train.schedule import share
from bench.train.steps import learn, make_optimiser
from results.atomic_files import write_text_atomically
from results.formatting import shown


def train(options: Namespace) -> int:
    """Train one net to the end, writing log, plot and weights beside the checkpoint. Raises UserError."""
    remedy = "give a smaller --batch, or another --device; what is finished is kept"
    with enough_memory(f"a training with --batch {options.batch}", remedy), Precision("fp32").settings():
        return _train(options)


def _train(options: Namespace) -> int:
    training = Training(options)
    if training.weights_path.exists() and training.over:
        training.tidy()  # it may have been killed before
        print(f"{training.weights_path} is there already", file=sys.stderr)
        return 0
    for _ in training.epochs():
        training.log()
    name = shown(training.out.name)
    writing_to(training.out, lambda: plot_training(training.done, training.out / "training.png", name))
    print(training.save(), file=sys.stderr)
    return 0


class Training:
    """A net, its optimiser and its data; `epochs()` runs what is left to do."""

    def __init__(self, options: Namespace) -> None:
        check(options)
        if options.threads:
            torch.set_num_threads(options.threads)
        self.provenance = provenance()  # now: the tree may be another when the weights are saved
        self.name = zoo.canonical(options.model)
        self.device = pick_device(options.device)
        init = read_weights(options.init, self.name, options.weights_key) if options.init else None
        self.side = crop_side(self.name, init)
        self.options = settled(options, self.name, init)
        self.S = scale(self.options, self.side)
        data = data_spec(options)
        self.train = open_data(data, "train")
        self.classes = self.train.classes or ()
        validation = open_data(replace(data, limit=VALIDATED))
        self.validation = reconcile(validation, len(self.classes), self.classes, f"{options.data}, split train,")
        for note in dict.fromkeys((*self.train.notes, *validation.notes)):
            warn(f"data {options.data}: {note}")
        if len(self.train) < options.batch:
            raise UserError(f"--batch {options.batch}: there are {len(self.train)} training images; give a smaller one")
        self.out = options.out or Path("runs") / f"{NAMES.get(self.name, self.name)}-{self.options.S}"
        self.weights_path = writable("--out", self.out) / "weights.safetensors"
        parts = {"training": self.train, "validation": self.validation}
        for name, images in parts.items():
            for note in images.told[len(images.notes) :]:  # of their files, which takes longer to know
                warn(f"{name} images: {note}")
        unusual = {f"{name}_rules": images.rules for name, images in parts.items() if images.rules != USUAL_RULES}
        self.recipe = recipe(self.options, data=self.train.digest, validation=self.validation.digest, **unusual)
        net = initial_net(self.options, self.name, self.classes, init)
        self.net = net.to(self.device).to(memory_format=torch.channels_last)
        self.optimiser = make_optimiser(self.options, [each for each in self.net.parameters() if each.requires_grad])
        self.images = crop_batches(self.train, self.validation, self.S, self.side, self.options, self.device)
        self.features = FeatureStore(self.out, self.recipe) if options.cache_features else None
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
            net, batches = from_head_on(self.net), self.features.batches(self.net, self.images)
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
        if self.options.half:
            batches, prepare = list(self.images.validation_parts()), self.images.prepare
            half = halve(self.net, lambda: self._predictions(self.net, (prepare(*each) for each in batches)))
        weights = Weights(
            source=str(path),
            state=self.net.state_dict(),
            model=self.name,
            width=self.options.width,
            S=self.S,
            pixels=self.options.pixels,
            classes=self.classes,
            side=self.side,
        )
        about = {
            "data": f"{self.train.name} {self.train.digest}",
            "validation_error": f"{self.done[-1].validation_error:.2f} (centre crop)",
            "seconds": f"{sum(epoch.seconds for epoch in self.done):.0f}",
            "recipe": self.recipe,
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
        options = self.options
        errors = [epoch.validation_error for epoch in self.done]
        part = share(options.schedule, errors, options.epochs, options.patience)
        return None if part is None else options.rate * part

    def _learn(self, net: nn.Module, batches: Batches, rate: float) -> tuple[float, float]:
        """One pass over the training images at a rate; return the mean loss and the error in %."""
        number = len(self.done)
        what = f"epoch {number + 1} of {sum(self.options.epochs)}"

        each = len(self.train) // self.options.batch
        rising = max(1, min(WARM_UP, int(WARM_SHARE * sum(self.options.epochs) * each)))

        def rate_of(iteration: int) -> float:
            return rate * min(1.0, (number * each + iteration + 1) / rising)

        if self.options.freeze:
            train_head(self.net)
        else:
            net.train()
        loss, error = learn(net, self.optimiser, batches.training(number, self.options.seed, what), rate_of)
        if loss != loss:
            raise UserError(f"the loss is not a number any more in epoch {number + 1}; give a smaller --rate")
        return loss, error

    def _validation_error(self, net: nn.Module, batches: Batches) -> float:
        """Centre-crop top-1 error in % on the validation images."""
        labels = torch.from_numpy(self.validation.labels)
        wrong = int((self._predictions(net, batches.validation()) != labels).sum())
        return round(100 * wrong / len(labels), 4)

    @torch.inference_mode()
    def _predictions(self, net: nn.Module, inputs: Iterable[torch.Tensor]) -> torch.Tensor:
        net.eval()
        return torch.cat([net(each).argmax(1).cpu() for each in inputs])

    def _keep(self) -> None:
        state = {
            "net": self.net.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "done": [tuple(epoch) for epoch in self.done],
            "recipe": self.recipe,
            "provenance": self.provenance,
        }
        writing_to(self.out, lambda: keep(self.out / "checkpoint.pt", state))

    def _resume(self) -> None:
        state = resume(self.out / "checkpoint.pt", self.recipe)
        if state is None:
            return
        self.net.load_state_dict(state["net"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.done = [Epoch(*epoch) for epoch in state["done"]]
        self.provenance = state["provenance"]
