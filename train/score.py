"""`python -m train.score MODEL IN OUT`: answers to every row of a file, here or by a Ray cluster."""

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

if __name__ == "__main__" and "GLIBC_TUNABLES" not in os.environ:
    # weights in huge pages, as service.py has them; the variable is read when a process begins
    os.execve(sys.executable, sys.orig_argv, {**os.environ, "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"})

os.environ.setdefault("BENTOML_DO_NOT_TRACK", "True")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # its threads would take the lanes' cores

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bentos.model_store import VARIANTS, Entry, ModelError, load_entry, model_name
from bentos.production import default_version
from bentos.runner import available_cores, load_sound
from bentos.task import Task
from train.bulk import Advance, Asked, BulkModel, Inputs, answer_schema
from train.data import READ_INPUTS
from train.meter import Meter
from train.picture_sources import located
from train.pictures import raw
from train.pieces import Pieces, open_pieces
from train.sources import DataError
from train.streams import Stream, open_stream

# Rows that are sorted by length, sent to a worker and kept together; about what a kill may cost.
PIECE = {"text-classification": 2048, "image-classification": 64}

Piece = tuple[int, pa.Table]
Answers = Callable[[Iterable[Asked[Piece]], Advance], Iterator[tuple[Piece, pa.Table]]]


def main(argv: Sequence[str] | None = None) -> int:
    """Score every row of a file. After a kill the same command goes on with what is left."""
    arguments = parse(argv)
    try:
        entry = load_entry(tag_of(arguments.model))
        print(score_file(entry, arguments.input, arguments.output, arguments.prefix, arguments.ray))
    except (ModelError, DataError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped. The same command goes on from here.", file=sys.stderr)
        return 130
    return 0


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m train.score", description=main.__doc__)
    parser.add_argument(
        "model",
        metavar="MODEL",
        help=f"TASK[-VARIANT][:VERSION]; default: {VARIANTS[0]}, the version in production, else the latest",
    )
    parser.add_argument("input", metavar="IN", type=Path, help=".parquet, .csv, .json or .jsonl (JSON lines)")
    parser.add_argument("output", metavar="OUT", type=Path, help=".parquet; what has that name is replaced")
    parser.add_argument("--prefix", default="", help="before the names of the columns that are added")
    parser.add_argument("--ray", metavar="ADDRESS", help="by a Ray cluster: host:port of its head, or local")
    return parser.parse_args(argv)


def tag_of(model: str) -> str:
    """The tag that is meant; raises ModelError for a variant that there is not."""
    name, _, version = model.partition(":")
    if not name.endswith(tuple(f"-{variant}" for variant in VARIANTS)):
        name = model_name(name, VARIANTS[0])
    return f"{name}:{version or default_version(name)}"


def score_file(entry: Entry, source: Path, output: Path, prefix: str = "", ray: str | None = None) -> str:
    """Write the rows with their answers; what came of it in a few words.

    The rows keep their order and their columns; those of `answer_schema` follow, null where there is no text.
    Raises DataError, ModelError, OSError.
    """
    check_output(source, output)
    n_rows = PIECE[entry.task.pipeline_tag]
    stream = open_stream(source, n_rows)
    schema = output_schema(stream, entry, prefix)
    job = job_of(stream, entry, prefix)
    with open_pieces(output, job) as pieces:
        answers = answers_by(entry, ray)
        with Meter(stream.n_rows) as meter:
            for (index, rows), answered in answers(
                open_work(stream, entry.task, pieces, meter), meter.advance
            ):
                pieces.write(index, pa.table([*rows.columns, *answered.columns], schema=schema))
            if job_of(stream, entry, prefix) != job:
                raise DataError(
                    f"{source} has changed while it was read. Delete {output}.parts, and begin anew."
                )
            pieces.join(-(-stream.n_rows // n_rows), schema)
    return summary(entry, output, prefix, meter)


def answers_by(entry: Entry, ray: str | None) -> Answers:
    """How pieces are answered: by this process, or by a cluster; raises DataError where there is no Ray."""
    if ray is None:
        return BulkModel(load_sound(entry), 1 if entry.variant == "torch" else available_cores()).answers
    try:
        from train.fleet import Fleet
    except ModuleNotFoundError:
        raise DataError("--ray needs Ray: pip install -c requirements.lock '.[train,fleet]'") from None
    return Fleet(ray, entry).answers


def output_schema(stream: Stream, entry: Entry, prefix: str) -> pa.Schema:
    """The columns of the output; raises DataError where the input lacks one, or has one of the new ones."""
    names, reads = stream.schema.names, entry.task.input_column_names
    if missing := [name for name in reads if name not in names]:
        raise DataError(
            f"{stream.path} has no column {', '.join(map(repr, missing))}. Its columns: {', '.join(names)}. "
            f"{entry.tag} reads {' and '.join(reads)}; rename what holds it."
        )
    added = [field.with_name(f"{prefix}{field.name}") for field in answer_schema(entry)]
    if taken := [field.name for field in added if field.name in names]:
        raise DataError(
            f"{stream.path} has {', '.join(taken)} already; give a prefix for the columns that are added, "
            f"for example: --prefix model_"
        )
    return pa.schema([*stream.schema, *added], stream.schema.metadata)


def check_output(source: Path, output: Path) -> None:
    """Raises DataError where the output is no Parquet file, or the input itself."""
    if output.suffix != ".parquet" or output.is_dir():
        raise DataError(f"The output is {output}; the name of a .parquet file was expected.")
    if output.resolve() == source.resolve():
        raise DataError(f"{output} is the input; give the output another name.")


def job_of(stream: Stream, entry: Entry, prefix: str) -> dict[str, Any]:
    """All that a finished piece depends on."""
    status = stream.path.stat()
    return {
        "model_tag": entry.tag,
        "input": str(stream.path.resolve()),
        "input_bytes": status.st_size,
        "input_modified_ns": status.st_mtime_ns,
        "prefix": prefix,
        "piece_rows": PIECE[entry.task.pipeline_tag],
    }


def open_work(stream: Stream, task: Task, pieces: Pieces, meter: Meter) -> Iterator[Asked[Piece]]:
    """The pieces that are not finished yet."""
    for index, rows in enumerate(stream.tables(PIECE[task.pipeline_tag])):
        if index in pieces:
            meter.skip(len(rows))
        else:
            yield (index, rows), inputs_of(rows, task, stream.path.parent)


def inputs_of(rows: pa.Table, task: Task, folder: Path) -> Inputs:
    """What the model is to read of each row, as in training; None where that is absent, empty or no picture.

    Pictures are the files in `folder` that the rows name.
    """
    table = rows.select(task.input_column_names).to_pydict()
    if task.reads_pictures:
        table = located(table, folder, task)
    return [raw(given) for given, _ in READ_INPUTS[task.pipeline_tag](table, task)]


def summary(entry: Entry, output: Path, prefix: str, meter: Meter) -> str:
    """What the output holds, and how fast it went."""
    n_rows = unscored = truncated = 0
    with pq.ParquetFile(output) as file:
        for batch in file.iter_batches(columns=[f"{prefix}label", f"{prefix}truncated"]):
            n_rows += len(batch)
            unscored += batch.column(0).null_count
            truncated += pc.sum(batch.column(1)).as_py() or 0
    return (
        f"{output}: {n_rows:,} rows by {entry.tag}; {unscored:,} without an answer, for want of an input, "
        f"{truncated:,} were cut. Scored now: {meter.rows:,} in {meter.seconds:.1f} s, {meter.rates}."
    )


if __name__ == "__main__":
    sys.exit(main())
