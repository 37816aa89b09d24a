"""Pieces are kept until they are the whole, for one job and one process at a time."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from train.pieces import open_pieces
from train.sources import DataError

JOB = {"model_tag": "a:1", "piece_rows": 2}
TABLES = [pa.table({"id": [i, i + 1]}) for i in (0, 2, 4)]


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """With what was there before."""
    path = tmp_path / "out.parquet"
    path.write_text("before")
    return path


def test_pieces_of_several_runs_become_the_whole_in_order(output: Path) -> None:
    for index in (2, 0, 1):
        with open_pieces(output, JOB) as pieces:
            pieces.write(index, TABLES[index])
            assert output.read_text() == "before"
    with open_pieces(output, JOB) as pieces:
        assert all(index in pieces for index in range(3))
        pieces.join(3, TABLES[0].schema)
    assert pq.read_table(output)["id"].to_pylist() == list(range(6))
    assert list(output.parent.iterdir()) == [output]


def test_a_whole_of_no_pieces_has_the_columns(output: Path) -> None:
    with open_pieces(output, JOB) as pieces:
        pieces.join(0, TABLES[0].schema)
    assert pq.read_table(output).equals(TABLES[0].slice(0, 0))


def test_pieces_of_another_job_are_refused_with_what_differs(output: Path) -> None:
    with open_pieces(output, JOB) as pieces:
        pieces.write(0, TABLES[0])
    with (
        pytest.raises(DataError, match=r"model_tag was a:1, now b:1.*delete that folder to begin anew"),
        open_pieces(output, {**JOB, "model_tag": "b:1"}),
    ):
        pass


def test_a_job_that_finished_nothing_is_in_nobodys_way(output: Path) -> None:
    with open_pieces(output, JOB):
        pass
    with open_pieces(output, {**JOB, "model_tag": "b:1"}) as pieces:
        assert 0 not in pieces


def test_what_a_killed_run_left_as_it_tidied_up_is_not_taken_for_finished(output: Path) -> None:
    with open_pieces(output, JOB) as pieces:
        pieces.write(0, TABLES[0])
    (output.parent / "out.parquet.parts" / "job.json").unlink()
    with open_pieces(output, {**JOB, "model_tag": "b:1"}) as pieces:
        assert 0 not in pieces


def test_two_processes_do_not_make_one_output(output: Path) -> None:
    with (
        open_pieces(output, JOB),
        pytest.raises(DataError, match="Another process is at work"),
        open_pieces(output, JOB),
    ):
        pass
