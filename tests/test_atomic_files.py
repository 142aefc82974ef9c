import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nmt.errors import NmtError
from nmt.files import point, pointed, replacing, replacing_folder, write_json, write_text


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_text_is_written_as_it_is(tmp_path: Path) -> None:
    write_text(tmp_path / "new" / "a.txt", "prêt\nà « lire »\r\n")
    assert (tmp_path / "new" / "a.txt").read_bytes() == "prêt\nà « lire »\r\n".encode()
    assert names(tmp_path / "new") == ["a.txt"]


def test_json_is_readable_by_people_too(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"word": "été", "n": [1, None]})
    text = (tmp_path / "a.json").read_text(encoding="utf-8")
    assert json.loads(text) == {"word": "été", "n": [1, None]}
    assert "été" in text
    assert text.endswith("}\n")


def test_a_failure_in_the_block_leaves_the_old_file(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "old")

    def fail() -> None:
        with replacing(tmp_path / "a.txt") as draft:
            draft.write_text("half of the new")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert (tmp_path / "a.txt").read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_the_old_file_stands_until_the_block_ends(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "old")
    with replacing(tmp_path / "a.txt") as draft:
        draft.write_text("new")
        assert draft.parent == tmp_path
        assert draft.suffix == ".txt"
        assert (tmp_path / "a.txt").read_text() == "old"
    assert (tmp_path / "a.txt").read_text() == "new"


def test_a_failure_in_the_block_leaves_the_old_folder(tmp_path: Path) -> None:
    for text, fails in (("old", False), ("new", True)):
        try:
            with replacing_folder(tmp_path / "step") as draft:
                (draft / "a.txt").write_text(text)
                if fails:
                    raise ZeroDivisionError
        except ZeroDivisionError:
            assert fails
    assert (tmp_path / "step" / "a.txt").read_text() == "old"
    assert names(tmp_path) == ["step"]


def test_a_folder_that_cannot_be_renamed_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole_folder(tmp_path / "step", "old")
    rename = Path.rename

    def only_aside(self: Path, to: Path) -> Path:
        if self.name.endswith(".draft"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return rename(self, to)

    monkeypatch.setattr(Path, "rename", only_aside)
    with pytest.raises(NmtError, match="the disk is full"):
        whole_folder(tmp_path / "step")
    assert (tmp_path / "step" / "a.txt").read_text() == "old"
    assert names(tmp_path) == ["step"]


def test_a_folder_is_replaced_with_all_that_it_held(tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt"):
        with replacing_folder(tmp_path / "step") as draft:
            (draft / name).touch()
    assert names(tmp_path / "step") == ["b.txt"]


def test_the_draft_of_a_folder_that_was_killed_is_cleared_away(tmp_path: Path) -> None:
    (tmp_path / ".step.draft").mkdir()
    (tmp_path / ".step.draft" / "half.txt").touch()
    with replacing_folder(tmp_path / "step") as draft:
        (draft / "a.txt").touch()
    assert names(tmp_path) == ["step"]
    assert names(tmp_path / "step") == ["a.txt"]


def test_bytes_are_on_the_disk_before_the_new_name_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []

    def noted(name: str, do: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            order.append(name)
            return do(*arguments)

        return call

    monkeypatch.setattr(os, "fsync", noted("fsync", os.fsync))
    monkeypatch.setattr(Path, "replace", noted("rename", Path.replace))
    write_text(tmp_path / "a.txt", "new")
    assert order[:2] == ["fsync", "rename"]


def whole_file(path: Path) -> None:
    write_text(path, "new")


def whole_folder(path: Path, text: str = "new") -> None:
    with replacing_folder(path) as draft:
        (draft / "a.txt").write_text(text)


def link(path: Path) -> None:
    point(path, "step-3")


WRITERS: list[Callable[[Path], None]] = [whole_file, whole_folder, link]


def refuse(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Let the system say no at the moment at which the new thing takes its place."""

    def no(self: Path, *_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number), str(self))

    monkeypatch.setattr(Path, "replace", no)
    monkeypatch.setattr(Path, "rename", no)


@pytest.mark.parametrize("write", WRITERS)
def test_a_full_disk_is_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[Path], None]
) -> None:
    refuse(monkeypatch, errno.ENOSPC)
    with pytest.raises(NmtError) as caught:
        write(tmp_path / "a")
    assert str(caught.value) == (
        f"the disk is full: cannot write {tmp_path / 'a'}; "
        "free some space and run the command again"
    )
    assert isinstance(caught.value.__cause__, OSError)


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EROFS])
def test_a_place_that_cannot_be_written_is_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, write: Callable[[Path], None]
) -> None:
    refuse(monkeypatch, number)
    with pytest.raises(NmtError) as caught:
        write(tmp_path / "a")
    assert str(caught.value) == (
        f"cannot write {tmp_path / 'a'}: {os.strerror(number)}; "
        "choose another place or mend its rights"
    )


def test_a_disk_that_fills_up_while_writing_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_text(tmp_path / "a.txt", "old")
    write = Path.write_text

    def full(self: Path, text: str, *rest: object, **options: object) -> int:
        write(self, text[:3])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(NmtError, match="the disk is full"):
        write_text(tmp_path / "a.txt", "a longer text")
    assert (tmp_path / "a.txt").read_bytes() == b"old"
    assert names(tmp_path) == ["a.txt"]


def test_a_file_in_the_way_of_a_folder_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    with pytest.raises(NmtError, match=r"^cannot write .*a/b\.txt: .*; choose another place"):
        write_text(tmp_path / "a" / "b.txt", "new")


def test_a_folder_in_which_nothing_can_be_made_is_said_in_one_line(tmp_path: Path) -> None:
    def vanishing() -> None:
        with replacing(tmp_path / "new" / "a.txt") as draft:
            draft.parent.rmdir()  # as in /proc, where folders are there and no file can be made
            draft.write_text("new")

    with pytest.raises(NmtError, match="a.txt: nothing can be made there; choose another place"):
        vanishing()


def test_a_missing_file_that_the_block_wanted_to_read_is_not_taken_for_it(tmp_path: Path) -> None:
    def reading() -> None:
        with replacing(tmp_path / "a.txt"):
            (tmp_path / "elsewhere" / "b.txt").read_text()

    with pytest.raises(FileNotFoundError):
        reading()


def test_other_failures_of_the_system_stay_what_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch, errno.EIO)
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        write_text(tmp_path / "a", "new")


# Pointers


@pytest.fixture(params=["links", "no links"])
def system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    def refused(self: Path, *_: object, **__: object) -> None:
        raise OSError("a privilege is not held")

    if request.param == "no links":
        monkeypatch.setattr(Path, "symlink_to", refused)
    return request.param


def test_a_pointer_points_and_moves(tmp_path: Path, system: str) -> None:
    for name in ("step-1", "step-2"):
        (tmp_path / name).mkdir()
        point(tmp_path / "best", name)
        assert pointed(tmp_path / "best").resolve() == (tmp_path / name).resolve()
    assert (tmp_path / "best").is_symlink() == (system == "links")
    assert names(tmp_path) == ["best", "step-1", "step-2"]


def test_what_is_no_pointer_stands_for_itself(tmp_path: Path) -> None:
    assert pointed(tmp_path / "nothing") == tmp_path / "nothing"
    assert pointed(tmp_path) == tmp_path


def test_a_pointer_moves_with_its_folder(tmp_path: Path, system: str) -> None:
    (tmp_path / "run" / "step-1").mkdir(parents=True)
    point(tmp_path / "run" / "best", "step-1")
    (tmp_path / "run").rename(tmp_path / "other")
    assert pointed(tmp_path / "other" / "best").is_dir()
