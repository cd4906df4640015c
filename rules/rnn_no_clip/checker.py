"""rnn-no-clip: a vanilla RNN is trained and nothing clips its gradients."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from backproplint.graph.flow import marks, undecided
from backproplint.graph.recurrence import Recurrence, trains
from backproplint.graph.unseen import unapplied
from backproplint.rule import Confidence, Constant, Finding, Rule, Site, Verdict

if TYPE_CHECKING:
    from backproplint.graph.project import Project
    from backproplint.graph.trainings import Training

# Below SHORT steps no run failed in the demo: a note of low confidence. From there to LONG a ReLU fails and a tanh may
# (README.md, Thresholds).
SHORT, LONG = 10, 20


class RnnNoClip(Rule):
    """LSTM and GRU have their own gates and their own rule; a clip that comes too late or elsewhere does not count."""

    name = "rnn-no-clip"
    family = "recurrence"
    severity = "warning"
    summary = "A vanilla RNN is trained without gradient clipping, so one exploding gradient can wreck the weights."

    def check(self, project: Project) -> Iterator[Verdict]:
        """Yield a finding at each step, minimize, fit or update by hand that trains a recurrence unclipped."""
        for training in project.trainings:
            if training.clipped():
                continue
            for loss in training.losses:
                found = [one for one in project.recurrences(loss) if trains(training, one) is not False]
                if found:
                    yield from _judged(training, sorted(found, key=lambda one: not one.sure))
                    break
        yield from _by_hand(project)
        for event in unapplied(project):
            if project.recurrences(event.args["loss"]):
                yield from undecided(event.site, "the optimizer is not in sight")


def _judged(training: Training, found: list[Recurrence]) -> Iterator[Verdict]:
    if not trains(training, found[0]):
        yield from undecided(training.site, "which weights are moved is not known")
    elif training.undecided:
        yield from undecided(training.site, "something that is not known may clip the gradients")
    else:
        yield _finding(training, found)


def _by_hand(project: Project) -> Iterator[Verdict]:
    """Updates written in NumPy: one finding for each recurrence, at the first line that moves a weight."""
    seen: set[Site] = set()
    for found in project.hand_recurrences:
        if found.weight is None:
            continue
        moving = [t for t in project.trainings if not t.losses and t.targets]
        mine = [t for t in moving if project.moves(t, found.weight)]
        if not mine or any(t.clipped() for t in mine):
            continue
        beside = [t for t in moving if t.event.loops == mine[0].event.loops and t.event.root == mine[0].event.root]
        first = min(beside, key=lambda t: t.site)
        if first.site not in seen:
            seen.add(first.site)
            yield from _judged(next((t for t in mine if t.undecided), first), [found])


def _finding(training: Training, all_found: list[Recurrence]) -> Finding:
    found = all_found[0]
    short = found.steps is not None and found.steps < SHORT
    flat = found.squash == "sigmoid"
    middling = found.steps is not None and found.steps < LONG and found.squash != "relu"
    faults = [clip for clip in training.clips if clip.fault]
    off = any("default" in clip.fault for clip in faults)
    unseen = [] if found.sure else ["the way from the recurrence to the loss"]
    unseen += ["whether the clip is switched on"] if off else []
    unseen += [f"whether {found.steps} steps are enough for the gradient to explode"] if short or middling else []
    unseen += ["whether a slope of at most 1/4 at each step lets the gradient explode"] if flat else []
    confidence: Confidence = "low" if short or flat else "medium" if unseen else "high"
    reason = f" (the clip here does not count: {faults[0].fault})" if faults else ""
    return Finding(
        message=f"a vanilla RNN is trained without gradient clipping{reason}, so its gradient can grow exponentially "
        "with the number of steps and one batch can wreck the weights; clip the norm between the backward pass and "
        "the step",
        site=training.site,
        flow=marks(
            *[(one.layer, f"recurrent layer ({one.squash})") for one in all_found[:3]],
            (found.node, "the state is multiplied by the same matrix at each step"),
            *[(clip.site, clip.fault) for clip in faults],
            (training.optimizer, "the optimizer does not clip"),
            (training.site, "gradients are applied unclipped"),
        ),
        framework=training.framework or found.node.framework,
        confidence=confidence,
        severity="note" if short or flat else None,
        parameters=_parameters(found),
        unseen=unseen,
    )


def _parameters(found: Recurrence) -> dict[str, Constant]:
    known: dict[str, Constant] = {"nonlinearity": found.squash} if found.squash in ("tanh", "relu") else {}
    if found.hidden is not None and found.hidden > 0:
        known["hidden"] = found.hidden
    if found.steps is not None and found.steps > 1:
        known["steps"] = found.steps
    return known
