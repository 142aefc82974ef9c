"""Import a large library without searching its objects for garbage."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def first_import(library: str) -> Iterator[None]:
    """Switch Python's garbage collector off in a block that imports a library for the first time.

    While torch makes its hundreds of thousands of objects, the collector would search them for
    garbage over and over, a tenth of the time of the import. They stay for the whole process, so
    that later searches leave them out as well.
    """
    if library in sys.modules or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
