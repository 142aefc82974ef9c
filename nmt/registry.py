"""Registries map the names in a config to the code that they select."""

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from nmt.errors import ConfigError, unknown

Entry = TypeVar("Entry")


class Registry(Generic[Entry]):
    """A named set of interchangeable parts, such as attention scores."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._entries: dict[str, Entry] = {}

    def register(self, name: str) -> Callable[[Entry], Entry]:
        """Register the decorated class or function under `name`.

        Raises:
            ValueError: the name is taken.
        """

        def add(entry: Entry) -> Entry:
            if name in self._entries:
                raise ValueError(f"two {self.kind}s are called '{name}'")
            self._entries[name] = entry
            return entry

        return add

    def __getitem__(self, name: str) -> Entry:
        if name not in self._entries:
            raise ConfigError(unknown(self.kind, name, self))
        return self._entries[name]

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._entries))
