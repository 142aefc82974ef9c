import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nmt import files, locks
from nmt.errors import NmtError
from nmt.files import (
    make_link,
    read_bytes,
    read_json,
    remove_drafts,
    replacing,
    replacing_folder,
    resolve_link,
    write_json,
    write_text,
)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_text_is_written_as_it_is(tmp_path: Path) -> None:
    write_text(tmp_path / "new" / "a.txt", "prêt\nà « lire »\r\n")
    assert (tmp_path / "new" / "a.txt").read_bytes() == "prêt\nà « lire »\r\n".encode()
    assert names(tmp_path / "new") == ["a.txt"]


def test_json_is_readable_for_people_too(tmp_path: Path) -> None:
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


def test_the_old_file_remains_until_the_block_ends(tmp_path: Path) -> None:
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


def test_the_draft_of_a_killed_process_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".step.0123456789ab.draft").mkdir()
    (tmp_path / ".step.0123456789ab.draft" / "half.txt").touch()
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
    make_link(path, "step-3")


WRITERS: list[Callable[[Path], None]] = [whole_file, whole_folder, link]


def refuse(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Make the system call fail that moves the new file or folder into place."""

    def no(self: Path, *_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number), str(self))

    monkeypatch.setattr(Path, "replace", no)
    monkeypatch.setattr(Path, "rename", no)


@pytest.mark.parametrize("write", WRITERS)
def test_a_full_disk_is_reported_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[Path], None]
) -> None:
    refuse(monkeypatch, errno.ENOSPC)
    with pytest.raises(NmtError) as caught:
        write(tmp_path / "a")
    assert str(caught.value) == (
        f"the disk is full: cannot write {tmp_path / 'a'}; "
        "free some space or choose another path, and run the command again"
    )
    assert isinstance(caught.value.__cause__, OSError)


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EROFS])
def test_an_unwritable_folder_is_reported_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, write: Callable[[Path], None]
) -> None:
    refuse(monkeypatch, number)
    with pytest.raises(NmtError) as caught:
        write(tmp_path / "a")
    assert str(caught.value) == (
        f"cannot write {tmp_path / 'a'}: {os.strerror(number)}; "
        "choose another path or fix its permissions"
    )


@pytest.mark.parametrize("writer", [replacing, replacing_folder])
def test_a_signal_right_after_a_draft_was_created_leaves_no_draft(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writer: Callable[..., Any]
) -> None:
    def interrupted(*lock: object) -> bool:
        assert len(names(tmp_path)) == 1
        raise KeyboardInterrupt

    monkeypatch.setattr(locks, "held_by_us", interrupted)
    with pytest.raises(KeyboardInterrupt), writer(tmp_path / "a"):
        pass
    assert names(tmp_path) == []


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


def test_a_file_in_place_of_a_folder_is_reported_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    with pytest.raises(NmtError, match=r"^cannot write .*a/b\.txt: .*; choose another path"):
        write_text(tmp_path / "a" / "b.txt", "new")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="a folder of that sort is Linux's")
def test_a_folder_in_which_nothing_can_be_made_is_reported_in_one_line() -> None:
    with pytest.raises(NmtError, match="a.txt: nothing can be created there; choose another path"):
        write_text(Path("/proc/self/a.txt"), "new")


def test_a_missing_file_read_inside_the_block_is_not_blamed_on_the_output(tmp_path: Path) -> None:
    def reading() -> None:
        with replacing(tmp_path / "a.txt"):
            (tmp_path / "elsewhere" / "b.txt").read_text()

    with pytest.raises(FileNotFoundError):
        reading()


def test_other_system_errors_are_not_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch, errno.ENOEXEC)
    with pytest.raises(OSError, match=os.strerror(errno.ENOEXEC)):
        write_text(tmp_path / "a", "new")


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("number", [errno.EIO, errno.EMFILE, errno.EFBIG])
def test_a_failing_disk_or_system_is_reported_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, write: Callable[[Path], None]
) -> None:
    refuse(monkeypatch, number)
    with pytest.raises(NmtError, match=f"{os.strerror(number)}; check the disk"):
        write(tmp_path / "a")


# Drafts, links and permissions


def test_two_writers_of_one_file_do_not_interfere(tmp_path: Path) -> None:
    with replacing(tmp_path / "a") as first, replacing(tmp_path / "a") as second:
        first.write_text("first, and longer")
        second.write_text("second")
        assert first != second
    assert (tmp_path / "a").read_text() == "first, and longer"
    assert names(tmp_path) == ["a"]


def test_two_writers_of_one_folder_do_not_mix(tmp_path: Path) -> None:
    with replacing_folder(tmp_path / "step") as first:
        (first / "model").write_text("A")
        with replacing_folder(tmp_path / "step") as second:
            (second / "model").write_text("B")
            (second / "state").write_text("B")
        (first / "state").write_text("A")
    assert {path.read_text() for path in (tmp_path / "step").iterdir()} == {"A"}
    assert names(tmp_path) == ["step"]


def test_a_planted_draft_is_not_written_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "victim").write_text("mine")
    tokens = iter(["0123456789ab"])
    monkeypatch.setattr(files.secrets, "token_hex", lambda _: next(tokens))
    (tmp_path / ".a.txt.0123456789ab.draft.txt").symlink_to(tmp_path / "victim")
    with pytest.raises(NmtError, match="File exists"):
        write_text(tmp_path / "a.txt", "new")
    assert (tmp_path / "victim").read_text() == "mine"


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o444, 0o666])
def test_a_file_keeps_its_permissions_when_it_is_replaced(tmp_path: Path, mode: int) -> None:
    write_text(tmp_path / "a", "old")
    (tmp_path / "a").chmod(mode)
    with replacing(tmp_path / "a") as draft:
        assert draft.stat().st_mode & 0o777 == mode  # while it is written, too
        if os.access(draft, os.W_OK):
            draft.write_text("new")
    assert (tmp_path / "a").stat().st_mode & 0o777 == mode


ABANDON = """
import os, pathlib, sys
from nmt.files import replacing, replacing_folder
writer = {"file": replacing, "folder": replacing_folder}[sys.argv[1]]
with writer(pathlib.Path(sys.argv[2])) as draft:
    print(draft.name, flush=True)
    input()
    os._exit(9)
"""


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_draft_is_removed_once_its_writer_is_dead_and_not_before(
    tmp_path: Path, kind: str
) -> None:
    command = [sys.executable, "-c", ABANDON, kind, str(tmp_path / "a")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as writer:
        assert writer.stdout is not None
        draft = writer.stdout.readline().strip()
        write_text(tmp_path / "other", "new")
        remove_drafts(tmp_path)
        assert draft in names(tmp_path)
        writer.communicate("\n")
    assert draft in names(tmp_path)
    remove_drafts(tmp_path, of="b")
    assert draft in names(tmp_path)
    {"file": whole_file, "folder": whole_folder}[kind](tmp_path / "a")
    assert names(tmp_path) == ["a", "other"]


def test_files_that_only_look_like_drafts_stay(tmp_path: Path) -> None:
    mine = [".thesis.draft.txt", ".a.txt.draft", "a.0123456789ab.draft", ".a.0123456789AB.draft"]
    for name in mine:
        (tmp_path / name).write_text("years")
    remove_drafts(tmp_path)
    write_text(tmp_path / "thesis", "new")
    assert names(tmp_path) == sorted([*mine, "thesis"])


def test_a_folder_put_aside_by_a_killed_process_comes_back(tmp_path: Path) -> None:
    whole_folder(tmp_path / "step", "old")
    (tmp_path / "step").rename(tmp_path / ".step.put-aside")
    with pytest.raises(ZeroDivisionError), replacing_folder(tmp_path / "step"):
        raise ZeroDivisionError
    assert (tmp_path / "step" / "a.txt").read_text() == "old"
    assert names(tmp_path) == ["step"]


@pytest.mark.parametrize("write", [write_text, write_json])
@pytest.mark.parametrize("linked", ["a.txt", "inner"])
def test_below_a_root_no_link_is_followed(
    tmp_path: Path, linked: str, write: Callable[..., None]
) -> None:
    run, mine = tmp_path / "run", tmp_path / "mine"
    run.mkdir()
    mine.mkdir()
    (mine / "a.txt").write_text("precious")
    target = {"a.txt": mine / "a.txt", "inner": mine}[linked]
    (run / linked).symlink_to(target)
    place = {"a.txt": run / "a.txt", "inner": run / "inner" / "a.txt"}[linked]
    with pytest.raises(NmtError, match="is a link, and nothing in .*run is written through links"):
        write(place, "new", root=run)
    assert (mine / "a.txt").read_text() == "precious"
    write(place, "new")  # named by the user: a link stands for its target
    assert "new" in (mine / "a.txt").read_text()


def test_a_name_of_the_greatest_length_is_written(tmp_path: Path) -> None:
    name = f"{'a' * 250}.txt"
    write_text(tmp_path / name, "new")
    assert names(tmp_path) == [name]


# Files of other people


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "[NaN]", "[-Infinity]", ""])
def test_invalid_json_is_a_value_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(ValueError, match=r"."):
        read_json(tmp_path / "a.json")


def test_only_ordinary_files_of_a_usual_size_are_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345678901")
    assert read_bytes(tmp_path / "a", largest=11) == b"12345678901"
    with pytest.raises(ValueError, match="11 bytes, more than 10"):
        read_bytes(tmp_path / "a", largest=10)
    os.mkfifo(tmp_path / "pipe")
    for place in (tmp_path / "pipe", tmp_path, Path("/dev/zero")):
        with pytest.raises(OSError, match="not an ordinary file|Is a directory"):
            read_bytes(place)


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
        make_link(tmp_path / "best", name)
        assert resolve_link(tmp_path / "best").resolve() == (tmp_path / name).resolve()
    assert (tmp_path / "best").is_symlink() == (system == "links")
    assert names(tmp_path) == ["best", "step-1", "step-2"]


def test_a_path_that_is_no_pointer_stands_for_itself(tmp_path: Path) -> None:
    assert resolve_link(tmp_path / "nothing") == tmp_path / "nothing"
    assert resolve_link(tmp_path) == tmp_path


def test_a_pointer_moves_with_its_folder(tmp_path: Path, system: str) -> None:
    (tmp_path / "run" / "step-1").mkdir(parents=True)
    make_link(tmp_path / "run" / "best", "step-1")
    (tmp_path / "run").rename(tmp_path / "other")
    assert resolve_link(tmp_path / "other" / "best").is_dir()


def test_a_folder_in_place_of_a_pointer_is_replaced(tmp_path: Path, system: str) -> None:
    for name in ("step-1", "step-2", "best"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model").write_text(name)
    make_link(tmp_path / "best", "step-2")
    assert (resolve_link(tmp_path / "best") / "model").read_text() == "step-2"
    assert names(tmp_path) == ["best", "step-1", "step-2"]


def test_the_next_pointer_removes_the_draft_of_one_that_a_killed_process_left(
    tmp_path: Path, system: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "step-1").mkdir()
    with monkeypatch.context() as patch:  # the disk is read-only from the rename on
        refuse(patch, errno.EROFS)
        patch.setattr("shutil.rmtree", lambda *args, **options: None)
        with pytest.raises(NmtError):
            make_link(tmp_path / "best", "step-1")
    assert len(names(tmp_path)) == 2
    make_link(tmp_path / "best", "step-1")
    assert names(tmp_path) == ["best", "step-1"]
