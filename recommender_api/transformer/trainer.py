"""The training loop: batches, Adam on a schedule, validation between epochs, a checkpoint to go on from.

Everything random in a step comes from (seed, epoch, step), so a training that was interrupted and resumed ends with the
weights of one that was not, and several processes draw the same batches. Writes TensorBoard events and the
checkpoint, nothing else; `models.bert4rec` calls it.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from recommender_api.data import TrainingData
from recommender_api.models.base import Ranker
from recommender_api.models.item_table import liked_ratings
from recommender_api.models.watching import SELECTED_BY, Watch
from recommender_api.transformer import checkpoints
from recommender_api.transformer.checkpoints import Checkpoint
from recommender_api.transformer.count_embeddings import count_embeddings
from recommender_api.transformer.devices import choose_device, choose_precision
from recommender_api.transformer.losses import gbce_loss, sampled_softmax_loss, softmax_loss
from recommender_api.transformer.network import Network
from recommender_api.transformer.objectives import Examples, batches, causal_examples, masked_examples
from recommender_api.transformer.optimisation import Averaged, rate
from recommender_api.transformer.options import Options
from recommender_api.transformer.processes import Processes, joined
from service_kit.errors import InvalidRequest

AsRanker = Callable[[Network, int, float], Ranker]  # the network after so many epochs and CPU seconds, to be validated
DRAWN_BY_COUNT = 0.75  # exponent of a film's count in the chance to be a negative of the sampled softmax


@dataclass(frozen=True)
class Trained:
    network: Network
    epochs: int  # that the kept weights have seen, causal ones before masked ones not counted
    cpu_seconds: float  # of all processes, validation excluded


def fit(data: TrainingData, options: Options, watch: Watch, start: Network | None, as_ranker: AsRanker) -> Trained:
    """Train, from the weights of `start` or from scratch; what is best on validation is kept."""
    device = choose_device(options.device)
    with joined(device.type) as processes, torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        begun = time.process_time()
        if options.liked_only:
            data = data.select(liked_ratings(data, options.liked_slack))
        network = Network(data.n_items, options)
        counts = torch.from_numpy(np.bincount(data.items, minlength=data.n_items)).float()  # (V,)
        if start is not None:
            network.load_state_dict(start.state_dict())
        elif not watch.resume:
            generator = torch.Generator().manual_seed(options.seed)
            network.initialise(counts, _first_vectors(data, options, watch), generator)
        network.working = choose_precision(options.precision, device)
        sequences = [history.items for history in data.histories()]
        training = Training(network.to(device), sequences, counts, options, watch, as_ranker, processes)
        training.cpu_seconds = time.process_time() - begun
        return training.run()


def _first_vectors(data: TrainingData, options: Options, watch: Watch) -> Tensor:
    """(V, D) of unit variance, or zeros: what the random item embeddings are moved by."""
    if not options.start_from_counts:
        return torch.zeros(data.n_items, options.hidden_size)
    with watch.progress.task("counting what is watched near what"):
        return torch.from_numpy(count_embeddings(data, options.hidden_size))


class Training:
    """One training under way: at step `step` of epoch `epoch`, with all that a checkpoint holds."""

    def __init__(
        self,
        network: Network,
        sequences: Sequence[np.ndarray],
        counts: Tensor,
        options: Options,
        watch: Watch,
        as_ranker: AsRanker,
        processes: Processes,
    ) -> None:
        self.network, self.sequences, self.options = network, sequences, options
        self.watch, self.as_ranker, self.processes = watch, as_ranker, processes
        self.guessing = Guessing(network, counts, options)
        self.model: nn.Module = self.guessing
        if processes.size > 1:
            self.model = nn.parallel.DistributedDataParallel(self.guessing)
        self._begin_phase()
        self.epoch, self.step = 1, 0
        self.loss_sum, self.guesses = 0.0, 0  # of this epoch so far
        self.best, self.best_epoch = -1.0, 0
        self.best_weights: Mapping[str, Tensor] | None = None
        self.cpu_seconds = 0.0
        self._clock = _Interval(watch.checkpoint_every_s)

    @property
    def last_epoch(self) -> int:
        return self.options.pretrain_epochs + self.options.epochs

    def run(self) -> Trained:
        if self.watch.resume:
            self.restore(checkpoints.read(self._place()))
        with (
            _event_log(self.watch.log_dir if self.processes.first else None) as log,
            self.watch.progress.task("training bert4rec", total=self.last_epoch) as advance,
        ):
            advance(self.epoch - 1)
            while self.epoch <= self.last_epoch:
                if self.step == 0 and self.epoch == self.options.pretrain_epochs + 1 > 1:
                    self.network.load_state_dict(self.shown().state_dict())
                    self._begin_phase()
                self._run_epoch(log)
                advance(1)
                if self._validated_long_ago():
                    break
        if self.best_weights is not None:
            self.network.load_state_dict(self.best_weights)
        else:
            self.network, self.best_epoch = self.shown(), self.options.epochs
        [cpu_seconds] = self.processes.sum(self.cpu_seconds)
        return Trained(self.network.eval(), self.best_epoch, cpu_seconds)

    def _begin_phase(self) -> None:
        """A fresh optimizer and a fresh mean: at the start, and where causal training ends and masked begins."""
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=0.0, betas=(0.9, 0.98), fused=True)
        self.average = Averaged(self.network, self.options.averaging) if self.options.averaging else None

    def shown(self) -> Network:
        """The network with the weights that are kept: the mean of the last steps, where there is one."""
        if self.average is None:
            return self.network
        network = copy.deepcopy(self.network)
        network.load_state_dict(self.average.weights)
        return network

    # An epoch

    def _run_epoch(self, log: _Log) -> None:
        options, begun = self.options, time.process_time()
        causal = options.causal or self.epoch <= options.pretrain_epochs
        before, epochs = (0, options.pretrain_epochs) if self.epoch <= options.pretrain_epochs else (
            options.pretrain_epochs, options.epochs
        )  # fmt: skip
        planned = batches(self.sequences, options, causal, np.random.default_rng([options.seed, self.epoch]))
        self.network.train()
        for step in range(self.step, len(planned)):
            for group in self.optimizer.param_groups:
                done = (self.epoch - before - 1) * len(planned) + step
                group["lr"] = options.learning_rate * rate(done, epochs * len(planned), options)
            self._run_step(planned[step], causal)
            self.step = step + 1
            if self._clock.is_over() and self.watch.checkpoint is not None and self.processes.first:
                self.cpu_seconds, begun = self.cpu_seconds + time.process_time() - begun, time.process_time()
                with self._clock.of_writing():
                    checkpoints.write(self._place(), self.checkpoint())
        self.cpu_seconds += time.process_time() - begun
        self._report(log)
        self.epoch, self.step, self.loss_sum, self.guesses = self.epoch + 1, 0, 0.0, 0

    def _run_step(self, windows: Sequence[np.ndarray], causal: bool) -> None:
        rng = np.random.default_rng([self.options.seed, self.epoch, self.step])
        seeds = np.random.SeedSequence([self.options.seed, self.epoch, self.step, self.processes.rank])
        torch.manual_seed(int(seeds.generate_state(1, np.uint64)[0]))  # dropout draws from torch's own generator
        pad, mask = self.network.pad, self.network.mask
        examples = causal_examples(windows, pad) if causal else masked_examples(windows, pad, mask, self.options, rng)
        guesses = int(examples.asked.sum())
        mine = examples.share(self.processes.rank, self.processes.size).to(self.network.device)
        loss = self.model(mine, self.guessing.draw(rng))
        self.optimizer.zero_grad()
        # DistributedDataParallel takes the mean over processes: the factor makes it the mean over all guesses.
        (loss * (self.processes.size / guesses)).backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), self.options.clip_norm)
        self.optimizer.step()
        if self.average is not None:
            self.average.update(self.network)
        self.loss_sum, self.guesses = self.loss_sum + float(loss.detach()), self.guesses + guesses

    def _report(self, log: _Log) -> None:
        [loss] = self.processes.sum(self.loss_sum)
        log("loss/train", loss / self.guesses if self.guesses else math.nan, self.epoch)
        log("learning_rate", float(self.optimizer.param_groups[0]["lr"]), self.epoch)
        log("cpu_seconds", self.cpu_seconds, self.epoch)
        masked_epoch = self.epoch - self.options.pretrain_epochs
        due = masked_epoch >= 1 and (masked_epoch % self.options.validate_every == 0 or self.epoch == self.last_epoch)
        if self.watch.validate is None or not due:
            return
        score = math.nan
        if self.processes.first:
            measured = self.watch.validate(self.as_ranker(self.shown(), masked_epoch, self.cpu_seconds))
            for metric, value in measured.items():
                log(f"validation/{metric}", value, self.epoch)
            score = measured[SELECTED_BY]
        [score] = self.processes.agree(score)
        if score > self.best:
            self.best, self.best_epoch = score, masked_epoch
            self.best_weights = {name: tensor.clone() for name, tensor in self.shown().state_dict().items()}

    def _validated_long_ago(self) -> bool:
        """Whether early stopping ends it: `patience` validations without a better one."""
        seen = self.epoch - 1 - self.options.pretrain_epochs
        waited = seen - self.best_epoch
        return self.best_weights is not None and waited >= self.options.patience * self.options.validate_every

    # A checkpoint

    def _place(self) -> Path:
        if self.watch.checkpoint is None:
            raise InvalidRequest("Only a training that keeps a checkpoint can be resumed.")
        return self.watch.checkpoint

    def checkpoint(self) -> Checkpoint:
        arrays = dict(_named("network", self.network.state_dict()))
        for index, moments in self.optimizer.state_dict()["state"].items():
            arrays.update(_named(f"optimizer.{index}", moments))
        if self.average is not None:
            arrays.update(_named("average", self.average.weights))
        if self.best_weights is not None:
            arrays.update(_named("best", self.best_weights))
        state = {
            "options": asdict(self.options),
            "epoch": self.epoch,
            "step": self.step,
            "averaged": self.average.steps if self.average else 0,
            "best": self.best,
            "best_epoch": self.best_epoch,
            "loss_sum": self.loss_sum,
            "guesses": self.guesses,
            "cpu_seconds": self.cpu_seconds,
        }
        return Checkpoint(arrays, state)

    def restore(self, checkpoint: Checkpoint) -> None:
        state = checkpoint.state
        if state["options"] != asdict(self.options):
            raise InvalidRequest("The interrupted training had other options; train without --resume.")
        self.network.load_state_dict(checkpoint.under("network"))
        moments: dict[int, dict[str, Tensor]] = {}
        for name, tensor in checkpoint.under("optimizer").items():
            index, _, kind = name.partition(".")
            moments.setdefault(int(index), {})[kind] = tensor
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": moments})
        if self.average is not None:
            for name, tensor in checkpoint.under("average").items():
                self.average.weights[name].copy_(tensor)
            self.average.steps = state["averaged"]
        self.best_weights = checkpoint.under("best") or None
        self.epoch, self.step = state["epoch"], state["step"]
        self.best, self.best_epoch = state["best"], state["best_epoch"]
        self.loss_sum, self.guesses = state["loss_sum"], state["guesses"]
        self.cpu_seconds = state["cpu_seconds"]


class Guessing(nn.Module):
    """Network and loss as one module: what DistributedDataParallel wraps."""

    def __init__(self, network: Network, counts: Tensor, options: Options) -> None:
        super().__init__()
        self.network, self.options = network, options
        weight = (counts.numpy() + 1.0) ** DRAWN_BY_COUNT if options.loss == "sampled_softmax" else np.ones(len(counts))
        self.chances = weight / max(weight.sum(), 1.0)  # (V,) of each film to be drawn as a negative

    def draw(self, rng: np.random.Generator) -> Tensor | None:
        """(K,) films to compare with; None for a loss over all."""
        if self.options.loss == "softmax":
            return None
        drawn = rng.choice(len(self.chances), self.options.negatives, p=self.chances)
        return torch.from_numpy(drawn).to(self.network.device)

    def forward(self, examples: Examples, negatives: Tensor | None) -> Tensor:
        """The sum of the loss over all guesses of the batch."""
        hidden = self.network(examples.tokens, examples.causal)[examples.asked]  # (M, D)
        targets = examples.targets[examples.asked]  # (M,)
        weight, bias = self.network.output_weight, self.network.output_bias
        if negatives is None:
            return softmax_loss(hidden, weight, bias, targets, self.network.working)
        if self.options.loss == "gbce":
            return gbce_loss(hidden, weight, bias, targets, negatives, self.options.calibration)
        expected = torch.from_numpy(np.log(len(negatives) * self.chances)).to(bias)
        return sampled_softmax_loss(hidden, weight, bias, targets, negatives, expected)


class _Interval:
    """Whether it is time to write again: after so many seconds, more where writing takes long, to stay below 5 %."""

    def __init__(self, seconds: float) -> None:
        self._seconds, self._last = seconds, time.monotonic()

    def is_over(self) -> bool:
        return time.monotonic() - self._last >= self._seconds

    @contextmanager
    def of_writing(self) -> Iterator[None]:
        begun = time.monotonic()
        yield
        self._last = time.monotonic()
        self._seconds = max(self._seconds, 20 * (self._last - begun)) if self._seconds else 0.0


class _Log(Protocol):
    def __call__(self, name: str, value: float, epoch: int) -> None: ...


@contextmanager
def _event_log(folder: Path | None) -> Iterator[_Log]:
    """TensorBoard events in the folder; nowhere without one."""
    if folder is None:
        yield lambda name, value, epoch: None  # noqa: ARG005
        return
    from torch.utils.tensorboard.writer import SummaryWriter

    with SummaryWriter(str(folder)) as writer:
        yield writer.add_scalar


def _named(prefix: str, tensors: Mapping[str, Any]) -> dict[str, Tensor]:
    return {f"{prefix}.{name}": tensor for name, tensor in tensors.items()}
