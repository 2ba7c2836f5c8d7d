"""Training epoch by epoch, with a checkpoint after each from which it goes on exactly."""

import csv
import os
import sys
import time
from argparse import Namespace
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn
from torch.utils.data import DataLoader

from bench.augment import SHIFT, CentreCrops, TrainingCrops
from bench.classes import reconcile
from bench.device import Precision, pick_device
from bench.errors import UserError
from bench.half import halve
from bench.initial import randomise, start_from
from bench.options import writable
from bench.pixels import Pixels
from bench.plot import plot_training
from bench.progress import progress
from bench.provenance import provenance
from bench.schedule import DROP, level
from bench.sources import open_data
from bench.train import CLIP, MOMENTUM, VALIDATED, WARM_UP, WEIGHT_DECAY
from bench.vgg import SIDE, VGG, configuration_of
from bench.weights import Weights, read_weights, save_weights
from bench.zoo import canonical
from protocols.scales import parse_S, single_scale

PIXELS = Pixels("RGB", 255, (128, 128, 128), (64, 64, 64))


class Epoch(NamedTuple):
    """One line of the log; errors are top-1 in %, the validation's of centre crops of a part of the split."""

    epoch: int
    rate: float
    loss: float
    training_error: float
    validation_error: float
    seconds: float


def train(options: Namespace) -> int:
    """Train one net to the end, writing log, plot and weights beside the checkpoint. Raises UserError."""
    training = Training(options)
    if training.weights_path.exists() and training.over:
        print(f"{training.weights_path} is there already", file=sys.stderr)
        return 0
    with (training.out / "log.csv").open("w", newline="") as file:
        log = csv.writer(file)
        log.writerow(Epoch._fields)
        file.flush()
        try:
            for row in training.epochs():
                log.writerow(row)
                file.flush()
        except UserError as error:  # a loading process's comes with its traceback before it
            raise UserError(str(error).rpartition("UserError: ")[2]) from None
    plot_training(training.done, training.out / "training.png", training.out.name)
    print(training.save(), file=sys.stderr)
    return 0


class Training:
    """A net, its optimiser and its data; `epochs()` runs what is left to do."""

    def __init__(self, options: Namespace) -> None:
        self.options = options
        if options.threads:
            torch.set_num_threads(options.threads)
        self.provenance = provenance()  # now: the tree may be another when the weights are saved
        self.configuration = configuration_of(options.model)
        self.S = _scale(options.S)
        self.device = pick_device(options.device)
        Precision("fp32").set_up(self.device)
        self.train = open_data(options.data, "train", options.split, options.seed)
        self.classes = self.train.classes or ()
        validation = open_data(options.data, "val", options.split, options.seed).limit(VALIDATED)
        self.validation = reconcile(validation, len(self.classes), self.classes, f"{options.data}, split train,")
        if len(self.train) < options.batch:
            raise UserError(f"--batch {options.batch}: there are {len(self.train)} training images; give a smaller one")
        self.out = options.out or Path("runs") / f"{self.configuration}-{options.S}"
        self.weights_path = writable("--out", self.out) / "weights.safetensors"
        torch.manual_seed(options.seed)
        net = VGG(self.configuration, len(self.classes), options.width, dropout=options.dropout)
        randomise(net)
        init = read_weights(options.init) if options.init else None
        if init:
            start_from(net, init.state)
        self.recipe = self._recipe(init)
        self.net = net.to(self.device).to(memory_format=torch.channels_last)
        self.optimiser = torch.optim.SGD(
            self.net.parameters(), options.rate, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY
        )
        self.done: list[Epoch] = []
        self._resume()

    def epochs(self) -> Iterator[Epoch]:
        """Yield every epoch's log line, those of an earlier run first."""
        yield from self.done
        while (rate := self._rate()) is not None:
            start = time.perf_counter()
            loss, training_error = self._learn(len(self.done), rate)
            error = self.validation_error()
            seconds = round(time.perf_counter() - start, 1)
            self.done.append(Epoch(len(self.done), rate, loss, training_error, error, seconds))
            self._keep()
            yield self.done[-1]

    @property
    def over(self) -> bool:
        """Whether no epoch is left."""
        return self._rate() is None

    def _rate(self) -> float | None:
        """Of the next epoch; None when training is over."""
        falls = level([epoch.validation_error for epoch in self.done], self.options.epochs, self.options.patience)
        return None if falls is None else self.options.rate * DROP**falls

    def save(self) -> str:
        """Write the weights with everything that they need to be used, as `weights.safetensors`; return the path."""
        path = self.weights_path
        half = set()
        if self.options.half:
            batches = list(self._validation_batches())
            half = halve(self.net, lambda: self._predictions(batches))
        weights = Weights(
            source=str(path),
            state=self.net.state_dict(),
            model=canonical(self.options.model),
            width=self.options.width,
            S=self.S,
            pixels=PIXELS,
            classes=self.classes,
        )
        about = {
            "data": f"{self.train.name} {self.train.digest}",
            "validation_error": f"{self.done[-1].validation_error:.2f} (centre crop)",
            "seconds": f"{sum(epoch.seconds for epoch in self.done):.0f}",
            "recipe": self.recipe,
            **self.provenance,
        }
        save_weights(path, weights, about, half)
        return str(path)

    def _learn(self, number: int, rate: float) -> tuple[float, float]:
        """One pass over the training images at a rate; return the mean loss and the error in %."""
        options = self.options
        torch.manual_seed(options.seed + 1 + number)  # order and dropout
        order = torch.randperm(len(self.train)).tolist()
        crops = TrainingCrops(self.train, self.S, SIDE, options.seed, number)
        loader = DataLoader(crops, options.batch, sampler=order, num_workers=options.workers, drop_last=True)
        loss_sum = torch.zeros((), device=self.device)
        wrong = torch.zeros((), device=self.device)
        self.net.train()
        batches = progress(loader, len(loader), f"epoch {number + 1} of {sum(options.epochs)}", "batch")
        for iteration, (images, shifts, labels) in enumerate(batches):
            warm = min(1.0, (iteration + 1) / WARM_UP) if number == 0 else 1.0
            self.optimiser.param_groups[0]["lr"] = rate * warm
            labels = labels.to(self.device)
            scores = self.net(self._prepare(images, shifts))
            loss = nn.functional.cross_entropy(scores, labels)
            self.optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.net.parameters(), CLIP)
            self.optimiser.step()
            loss_sum += loss.detach()
            wrong += (scores.detach().argmax(1) != labels).sum()
        mean = loss_sum.item() / len(loader)
        if mean != mean:
            raise UserError(f"the loss is not a number any more in epoch {number + 1}; give a smaller --rate")
        return mean, 100 * wrong.item() / (len(loader) * options.batch)

    def _prepare(self, images: torch.Tensor, shifts: torch.Tensor | None = None) -> torch.Tensor:
        batch = PIXELS.normalise(images.to(self.device))
        if shifts is not None:
            deviation = torch.tensor(PIXELS.std)
            batch += (shifts / deviation)[:, :, None, None].to(self.device)
        return batch.contiguous(memory_format=torch.channels_last)

    def validation_error(self) -> float:
        """Centre-crop top-1 error in % on the validation images."""
        labels = torch.from_numpy(self.validation.labels)
        wrong = int((self._predictions(self._validation_batches()) != labels).sum())
        return round(100 * wrong / len(labels), 4)

    def _validation_batches(self) -> Iterable[torch.Tensor]:
        (Q,) = single_scale(self.S)
        return DataLoader(CentreCrops(self.validation, Q, SIDE), 50, num_workers=self.options.workers)

    @torch.inference_mode()
    def _predictions(self, batches: Iterable[torch.Tensor]) -> torch.Tensor:
        self.net.eval()
        return torch.cat([self.net(self._prepare(images)).argmax(1).cpu() for images in batches])

    def _recipe(self, init: Weights | None) -> dict[str, str]:
        """The options that a resumed run must share with the one that began."""
        # split: the data's digests say it
        free = {"out", "workers", "threads", "device", "half", "paper", "jobs", "init", "split"}
        shared = {name: _text(value) for name, value in vars(self.options).items() if name not in free}
        return {
            **shared,
            "init": init.digest if init else "",
            "data": self.train.digest,
            "validation": self.validation.digest,
            "constants": f"{MOMENTUM} {WEIGHT_DECAY} {WARM_UP} {VALIDATED} {CLIP} {DROP} {SHIFT}",
        }

    def _keep(self) -> None:
        state = {
            "net": self.net.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "done": [tuple(epoch) for epoch in self.done],
            "recipe": self.recipe,
            "provenance": self.provenance,
        }
        aside = self.out / f"checkpoint.{os.getpid()}.part"
        torch.save(state, aside)
        aside.replace(self.out / "checkpoint.pt")

    def _resume(self) -> None:
        path = self.out / "checkpoint.pt"
        if not path.exists():
            return
        try:
            state = torch.load(path, map_location=self.device, weights_only=True)
            begun = state["recipe"]
        except Exception as error:  # a broken file may raise anything
            why = " ".join(str(error).split())[:100]
            raise UserError(f"checkpoint '{path}' cannot be read ({why}); remove it, or give another --out") from None
        for option, value in self.recipe.items():
            if begun.get(option) != value:
                raise UserError(
                    f"--{option} {value}: {path} was begun with {begun.get(option)}; give that, or another --out"
                )
        self.net.load_state_dict(state["net"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.done = [Epoch(*epoch) for epoch in state["done"]]
        self.provenance = state["provenance"]


def _text(value: object) -> str:
    """An option's value as it is typed."""
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _scale(text: str):
    try:
        S = parse_S(text)
    except ValueError as error:
        raise UserError(str(error)) from None
    if S.low < SIDE:
        raise UserError(f"S '{text}': the crops are {SIDE} px; give an S of at least {SIDE}")
    return S
