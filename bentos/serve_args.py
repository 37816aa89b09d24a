"""The arguments of `bentoml serve --arg key=value`, and the store entry that they mean."""

from dataclasses import fields, replace
from pathlib import Path
from typing import Annotated

import bentoml
import click
import yaml
from bentoml.exceptions import InvalidArgument
from click.core import ParameterSource
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationError,
)

from bentos.model_store import (
    VARIANTS,
    Entry,
    ModelError,
    check_interchangeable,
    load_entry,
    model_name,
    versions,
)
from bentos.production import default_version
from bentos.task import Serving, TaskError, load_task

SHADOW_SUFFIX = "-shadow"  # of the name of the service that runs the shadow
OPTIONS = {"arg": "--arg", "arg_file": "--arg-file"}  # of BentoML's commands


class ServeArgs(BaseModel):
    """What to serve and how: each a `--arg key=value`, or a line under `args:` in a bentofile."""

    model_config = ConfigDict(extra="forbid")

    task: str = "sample-reviews"  # a name, or the path of a task's YAML file
    variant: str = "onnx-int8"  # onnx-int8, onnx or torch
    version: str = ""  # the one in production when absent, else the latest
    logs: str = ""  # folder of the request log; $TOUCHSTONE_LOGS or logs/ when absent
    lanes: PositiveInt | None = None  # threads that compute; one for each core when absent
    api_workers: PositiveInt = 1  # processes that answer and tokenize; they share the lanes
    gpus: PositiveInt = 1  # each with a runner of its own
    shadow: str = ""  # a variant, version or tag that computes a share of the requests too
    shadow_share: Annotated[float, Field(gt=0, le=1)] = 0.1  # of the requests
    access_log: bool = False  # a line for each request
    ui: bool = True  # the page at /ui
    reports: str = ""  # folder of the monitor's reports, for the page; $TOUCHSTONE_REPORTS when absent
    # the task's `serving:` where given
    max_batch_tokens: PositiveInt | None = None
    max_queue_tokens: PositiveInt | None = None
    max_items: PositiveInt | None = None
    max_body_bytes: PositiveInt | None = None
    timeout: PositiveFloat | None = None
    answer_cache: NonNegativeInt | None = None
    drain_seconds: NonNegativeFloat | None = None


def serve_args(source: Path) -> ServeArgs:
    """The arguments given; those of its build for a `source` in a built Bento.

    Raises InvalidArgument for an unknown one, a wrong value, and one that a Bento is given too late.
    """
    if packed_tag(source) and (late := options_given()):
        raise InvalidArgument(
            f"{late[0]} cannot change a built Bento. "
            "The settings of a Bento are those of its build: bentoml build --arg ..."
        )
    try:
        return ServeArgs(**vars(bentoml.use_arguments()))
    except ValidationError as error:
        wrong = ", ".join(str(fault["loc"][0]) for fault in error.errors())
        known = ", ".join(ServeArgs.model_fields)
        raise InvalidArgument(
            f"Wrong --arg {wrong}. There are {known} (numbers, most of them from 1 on)."
        ) from None


def options_given() -> list[str]:
    """With which of OPTIONS the command under way was called; BentoML 1.4.39 passes over them for a Bento."""
    context = click.get_current_context(silent=True)
    if context is None:  # no command: a worker, or an import
        return []
    unasked = (None, ParameterSource.DEFAULT)
    return [option for name, option in OPTIONS.items() if context.get_parameter_source(name) not in unasked]


def served_entry(args: ServeArgs, source: Path) -> Entry:
    """The entry to serve, its task as trained but for the serving settings given as arguments.

    For a `source` in a built Bento that is the entry packed with it, whatever the store has got since.
    Raises InvalidArgument with the line that tells the user what to do.
    """
    try:
        entry = load_entry(packed_tag(source) or asked_tag(args))
    except (ModelError, TaskError) as error:
        raise InvalidArgument(str(error)) from error
    return with_settings(entry, args)


def with_settings(entry: Entry, args: ServeArgs) -> Entry:
    """The entry with the serving settings given as arguments in its task."""
    given = args.model_dump(include={field.name for field in fields(Serving)}, exclude_none=True)
    return replace(entry, task=replace(entry.task, serving=replace(entry.task.serving, **given)))


def asked_tag(args: ServeArgs) -> str:
    """The tag that the arguments mean; raises TaskError or ModelError for an unknown task or variant."""
    name = model_name(args.task, args.variant)
    try:
        name = model_name(load_task(args.task).name, args.variant)
    except TaskError:
        if not versions(name):  # trained from a YAML file elsewhere, the entry has the task in it
            raise
    return f"{name}:{args.version or default_version(name)}"


def shadow_entry(args: ServeArgs, served: Entry) -> Entry | None:
    """The entry that computes a share of the requests too: of the same version where a variant is named.

    Raises InvalidArgument when there is none, or when it does not answer the same question.
    """
    if not args.shadow:
        return None
    if served.task.problem_type == "regression":
        raise InvalidArgument(
            f"--arg shadow={args.shadow}: {served.tag} answers numbers; a shadow compares labels"
        )
    name, _, version = served.tag.partition(":")
    tag = args.shadow if ":" in args.shadow else f"{name}:{args.shadow}"
    if args.shadow in VARIANTS:
        name = model_name(served.task.name, args.shadow)
        tag = f"{name}:{version if version in versions(name) else default_version(name)}"
    try:
        entry = load_entry(tag)
        check_interchangeable(served.task, entry.task)
    except ModelError as error:
        raise InvalidArgument(f"--arg shadow={args.shadow}: {error}") from error
    return entry


def packed_tag(source: Path) -> str | None:
    """The tag of the one model in the `bento.yaml` above a Bento's `src` folder; None outside a Bento."""
    path = source.parent.with_name("bento.yaml")
    if source.parent.name != "src" or not path.is_file():
        return None
    services = yaml.safe_load(path.read_text("utf-8"))["services"]
    served = [s for s in services if not s["name"].endswith(SHADOW_SUFFIX)]
    return str(next(model["tag"] for service in served for model in service["models"]))
