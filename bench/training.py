"""Training epoch by epoch, with a checkpoint after each from which it goes on exactly."""

import time
from argparse import Namespace
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import nn
from torch.optim.lr_scheduler import MultiStepLR, ReduceLROnPlateau
from torch.utils.data import DataLoader

from bench.augment import CentreCrops, TrainingCrops
from bench.classes import reconcile
from bench.device import Precision, pick_device
from bench.errors import UserError
from bench.initial import randomise, start_from
from bench.pixels import Pixels
from bench.progress import progress
from bench.provenance import provenance
from bench.sources import open_data
from bench.train import CLIP, MOMENTUM, VALIDATED, WARM_UP, WEIGHT_DECAY
from bench.vgg import SIDE, VGG, configuration_of
from bench.weights import Weights, read_weights, save_weights
from bench.zoo import canonical
from protocols.scales import parse_S, single_scale

PIXELS = Pixels("RGB", 255, (128, 128, 128), (64, 64, 64))
DROP = 0.1  # what the rate is multiplied by when it falls


class Epoch(NamedTuple):
    """One line of the log; the error is the centre crop's on a part of the validation split, in %."""

    epoch: int
    rate: float
    loss: float
    validation_error: float
    seconds: float


class Training:
    """A net, its optimiser and its data; `epochs()` runs what is left to do."""

    def __init__(self, options: Namespace) -> None:
        self.options = options
        self.provenance = provenance()  # now: the tree may be another when the weights are saved
        self.configuration = configuration_of(options.model)
        self.S = _scale(options.S)
        self.device = pick_device(options.device)
        Precision("fp32").set_up(self.device)
        self.train = open_data(options.data, "train")
        self.classes = self.train.classes or ()
        validation = open_data(options.data, "val").limit(VALIDATED)
        self.validation = reconcile(validation, len(self.classes), self.classes, f"{options.data}, split train,")
        if len(self.train) < options.batch:
            raise UserError(f"--batch {options.batch}: there are {len(self.train)} training images; give a smaller one")
        options.out.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(options.seed)
        net = VGG(self.configuration, len(self.classes), options.width, dropout=options.dropout)
        randomise(net)
        if options.init:
            start_from(net, read_weights(options.init).state)
        self.net = net.to(self.device).to(memory_format=torch.channels_last)
        self.optimiser = torch.optim.SGD(
            self.net.parameters(), options.rate, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY
        )
        self.scheduler = self._scheduler()
        self.done: list[Epoch] = []
        self._resume()

    def epochs(self) -> Iterator[Epoch]:
        """Yield every epoch's log line, those of an earlier run first."""
        yield from self.done
        for number in range(len(self.done), self.options.epochs):
            start = time.perf_counter()
            rate = self.optimiser.param_groups[0]["lr"]
            loss = self._learn(number)
            error = self.validation_error()
            if isinstance(self.scheduler, ReduceLROnPlateau):
                self.scheduler.step(error)
            else:
                self.scheduler.step()
            self.done.append(Epoch(number, rate, loss, error, round(time.perf_counter() - start, 1)))
            self._keep()
            yield self.done[-1]

    def save(self) -> str:
        """Write the weights with everything that they need to be used, as `weights.safetensors`; return the path."""
        path = self.options.out / "weights.safetensors"
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
            **self.provenance,
        }
        save_weights(path, weights, about, torch.float16 if self.options.half else torch.float32)
        return str(path)

    def _scheduler(self) -> MultiStepLR | ReduceLROnPlateau:
        if self.options.schedule == "plateau":
            return ReduceLROnPlateau(self.optimiser, factor=DROP, patience=self.options.patience)
        milestones = [round(self.options.epochs * share) for share in (0.7, 0.9)]
        return MultiStepLR(self.optimiser, milestones, gamma=DROP)

    def _learn(self, number: int) -> float:
        """One pass over the training images; return the mean loss."""
        options = self.options
        torch.manual_seed(options.seed + 1 + number)  # order and dropout
        order = torch.randperm(len(self.train)).tolist()
        crops = TrainingCrops(self.train, self.S, SIDE, options.seed, number)
        loader = DataLoader(crops, options.batch, sampler=order, num_workers=options.workers, drop_last=True)
        rate = self.optimiser.param_groups[0]["lr"]
        total = torch.zeros((), device=self.device)
        self.net.train()
        for iteration, (images, shifts, labels) in enumerate(
            progress(loader, len(loader), f"epoch {number + 1}/{options.epochs}", "batch")
        ):
            warm = min(1.0, (iteration + 1) / WARM_UP) if number == 0 else 1.0
            for group in self.optimiser.param_groups:
                group["lr"] = rate * warm
            loss = nn.functional.cross_entropy(self.net(self._prepare(images, shifts)), labels.to(self.device))
            self.optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.net.parameters(), CLIP)
            self.optimiser.step()
            total += loss.detach()
        for group in self.optimiser.param_groups:
            group["lr"] = rate  # the warm-up may be longer than the epoch
        mean = total.item() / len(loader)
        if mean != mean:
            raise UserError(f"the loss is not a number any more in epoch {number + 1}; give a smaller --rate")
        return mean

    def _prepare(self, images: torch.Tensor, shifts: torch.Tensor | None = None) -> torch.Tensor:
        batch = PIXELS.normalise(images.to(self.device))
        if shifts is not None:
            deviation = torch.tensor(PIXELS.std)
            batch += (shifts / deviation)[:, :, None, None].to(self.device)
        return batch.contiguous(memory_format=torch.channels_last)

    @torch.inference_mode()
    def validation_error(self) -> float:
        """Centre-crop top-1 error in % on the validation images."""
        (Q,) = single_scale(self.S)
        self.net.eval()
        wrong = 0
        loader = DataLoader(CentreCrops(self.validation, Q, SIDE), 50, num_workers=self.options.workers)
        for images, labels in loader:
            wrong += int((self.net(self._prepare(images)).argmax(1).cpu() != labels).sum())
        return 100 * wrong / len(self.validation)

    def _recipe(self) -> dict[str, str]:
        """The options that a resumed run must share with the one that began."""
        free = {"out", "workers", "device", "half"}
        if self.options.schedule == "plateau":
            free.add("epochs")  # under "step" the rate depends on it
        return {name: str(value) for name, value in vars(self.options).items() if name not in free}

    def _keep(self) -> None:
        state = {
            "net": self.net.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "scheduler": self.scheduler.state_dict(),
            "done": [tuple(epoch) for epoch in self.done],
            "recipe": self._recipe(),
        }
        aside = self.options.out / "checkpoint.part"
        torch.save(state, aside)
        aside.replace(self.options.out / "checkpoint.pt")

    def _resume(self) -> None:
        path = self.options.out / "checkpoint.pt"
        if not path.exists():
            return
        state = torch.load(path, map_location=self.device, weights_only=True)
        for option, value in self._recipe().items():
            if state["recipe"][option] != value:
                raise UserError(
                    f"--{option} {value}: {path} was begun with {state['recipe'][option]}; give that, or another --out"
                )
        self.net.load_state_dict(state["net"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.scheduler.load_state_dict(state["scheduler"])
        self.done = [Epoch(*epoch) for epoch in state["done"]]


def _scale(text: str):
    try:
        S = parse_S(text)
    except ValueError as error:
        raise UserError(str(error)) from None
    if S.low < SIDE:
        raise UserError(f"S '{text}': the crops are {SIDE} px; give an S of at least {SIDE}")
    return S
