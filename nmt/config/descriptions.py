"""The docstrings of a section's fields, which a JSON schema shows.

pydantic can collect them, but does so at every start: parsing the source takes 20 ms.
"""

import ast
import inspect
import textwrap

from pydantic import BaseModel


def field_docstrings(section: type[BaseModel]) -> dict[str, str]:
    """The texts below the fields of a class, by field; also those of fields that it inherits."""
    docstrings: dict[str, str | None] = {}
    for base in reversed(section.__mro__[: section.__mro__.index(BaseModel)]):
        docstrings |= _own_docstrings(base)
    return {name: text for name, text in docstrings.items() if text is not None}


def _own_docstrings(section: type) -> dict[str, str | None]:
    """None for a field without a text: it is another field than the one it replaces."""
    [definition] = ast.parse(textwrap.dedent(inspect.getsource(section))).body
    assert isinstance(definition, ast.ClassDef)
    docstrings: dict[str, str | None] = {}
    for field, below in zip(definition.body, [*definition.body[1:], None], strict=True):
        match field:
            case ast.AnnAssign(target=ast.Name(id=name)):
                docstrings[name] = _text(below)
    return docstrings


def _text(statement: ast.stmt | None) -> str | None:
    match statement:
        case ast.Expr(value=ast.Constant(value=str(text))):
            return inspect.cleandoc(text)
    return None
