from pathlib import Path

from benchmarks import pictures
from tests.benchmarks.runs import run

WEB = [run(amount=amount, wall_seconds=amount / 1e6) for amount in (10**6, 10**7)]
CONNECTIONS = [run("connections", amount=amount, dataset="single-packet") for amount in (10, 100)]


def test_both_pictures_are_drawn_and_name_what_they_show(tmp_path: Path) -> None:
    pictures.draw([*WEB, *CONNECTIONS], tmp_path)
    by_size = (tmp_path / pictures.SIZE_PICTURE).read_text()
    by_connections = (tmp_path / pictures.CONNECTIONS_PICTURE).read_text()
    for text in (by_size, by_connections):
        assert "scanning" in text
        assert "peak memory, MiB" in text
    assert "capture, MB" in by_size
    assert "connections of one packet each" in by_connections


def test_what_has_no_runs_is_not_drawn(tmp_path: Path) -> None:
    pictures.draw([*WEB, run("connections", dataset="single-packet", exit_code=1)], tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [pictures.SIZE_PICTURE]


def test_the_same_runs_give_the_same_picture(tmp_path: Path) -> None:
    for folder in ("one", "other"):
        (tmp_path / folder).mkdir()
        pictures.draw(WEB, tmp_path / folder)
    one, other = (tmp_path / folder / pictures.SIZE_PICTURE for folder in ("one", "other"))
    assert one.read_bytes() == other.read_bytes()
