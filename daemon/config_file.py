"""One YAML file of settings, and the one sentence that says what is wrong in it.

YAML is stricter to read than PyYAML is by itself: a key given twice is refused (the last would win unseen),
and so are anchors and aliases (clip settings come from whoever may write to the inbox; nested aliases grow
without bound when they are printed). Every fault is told with its file, line, key, value and mend.
"""

from __future__ import annotations

import difflib
import reprlib
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

Place = tuple[Hashable, ...]
"""Where a value stands in the file: keys and list positions from the top."""

Model = TypeVar("Model", bound=BaseModel)

_LONGEST_KEY = 60
"""Characters of a key that a sentence repeats: a file that is none of settings may have one of any length."""

_MAX_BYTES = 256 * 1024
"""A hundred times the shipped config; a larger file is not a config but a clip with the wrong name."""

_WANTED = {
    "bool_type": "true or false",
    "dict_type": "keys with values",
    "finite_number": "a finite number",
    "float_type": "a number",
    "int_from_float": "a whole number",
    "int_type": "a whole number",
    "list_type": "a list",
    "model_type": "keys with values",
    "string_type": "text",
}
"""pydantic's error types, in the words of the sentence."""


class ConfigError(ValueError):
    """One sentence: the file, the key, the value and the mend."""


@dataclass(frozen=True)
class ConfigFile:
    """A YAML file as it was read, or, without lines, what a command line says. label: what messages call it.
    lines: the line (from 1) of every key.
    """

    label: str
    data: dict[Any, Any]
    lines: Mapping[Place, int]

    @classmethod
    def read(cls, path: Path, label: str | None = None) -> ConfigFile:
        """Read `path`; an empty file is an empty mapping. Raises ConfigError."""
        label = str(path) if label is None else label
        text = _bytes(path, label)
        try:
            node, data = _parse(text)
        except yaml.MarkedYAMLError as error:
            at = error.problem_mark or error.context_mark
            where = f", line {at.line + 1}" if at else ""
            problem = error.problem or error.context or "cannot be read"
            raise ConfigError(f"{label}{where}: is not valid YAML: {problem}; correct that line.") from error
        except RecursionError as error:
            raise ConfigError(f"{label}: is nested too deeply; write it plainly.") from error
        except (yaml.YAMLError, ValueError) as error:
            # ReaderError (bytes that are not text) and scalars such as the date 2026-13-45
            problem = str(error).splitlines()[0]
            raise ConfigError(f"{label}: is not valid YAML: {problem}; correct it.") from error
        if data is None:
            return cls(label, {}, {})
        if not isinstance(data, dict):
            raise ConfigError(f"{label}: holds {_shown(data)}; give keys with values, such as 'key: value'.")
        return cls(label, data, dict(_lines(node, ())))

    def validate(
        self, model: type[Model], data: Mapping[Any, Any] | None = None, context: dict[str, Any] | None = None
    ) -> Model:
        """`data` (this file's own unless given) as a `model`. Raises ConfigError for its first fault."""
        try:
            return model.model_validate(self.data if data is None else data, context=context)
        except ValidationError as error:
            # An unknown key is told first: it is mostly the cause of the others.
            faults = sorted(error.errors(include_url=False), key=lambda e: e["type"] != "extra_forbidden")
            raise ConfigError(self._sentence(faults[0], model)) from error

    def _sentence(self, fault: ErrorDetails, model: type[BaseModel]) -> str:
        place: Place = tuple(part for part in fault["loc"] if part != "[key]")
        if fault["type"] == "invalid_key":
            place = (*place[:-1], str(place[-1]))  # a number here would be a place in a list
        line = self.lines.get(place)
        at = self.label if line is None else f"{self.label}, line {line}"
        key, kind, ctx = _dotted(place), fault["type"], fault.get("ctx", {})
        if kind == "extra_forbidden":
            known = _keys_beside(model, place)
            return f"{at}: there is no key {key!r}; {_nearest(str(place[-1]), known, 'the keys here are')}"
        if kind == "invalid_key":
            return f"{at}: the key {key!r} is not text; put it in quotes or correct it."
        if fault["loc"][-1:] == ("[key]",):
            known = _quoted(ctx.get("expected", ""))
            return f"{at}: there is no key {key!r}; {_nearest(str(place[-1]), known, 'the keys here are')}"
        said = f"{at}: {key} is {_shown(fault['input'])}" if place else at
        if kind == "value_error":
            return f"{said}; {ctx['error']}." if place else f"{at}: {ctx['error']}."
        if kind == "literal_error":
            mend = _nearest(str(fault["input"]), _quoted(ctx["expected"]), "give one of")
            return f"{said}; {mend}"
        return f"{said}; give {_wanted(kind, ctx, fault['msg'])}."


def _bytes(path: Path, label: str) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise ConfigError(f"{label}: does not exist; check the path.") from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ConfigError(f"{label}: cannot be read ({reason}); mend that or give another file.") from error
    if len(data) > _MAX_BYTES:
        raise ConfigError(f"{label}: is larger than {_MAX_BYTES // 1024} KiB; give a file of settings.")
    return data


def _parse(text: bytes) -> tuple[yaml.Node | None, Any]:
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        return node, None if node is None else loader.construct_document(node)
    finally:
        loader.dispose()


class _Loader(yaml.SafeLoader):
    """SafeLoader without aliases, without keys given twice and without octal numbers such as 0100."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(problem="aliases (*name) are not read", problem_mark=mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue  # the parent says that such a key cannot be
            if key.value in seen:
                problem = f"the key {_short(key.value)!r} is given twice"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)

    def whole(self, node: yaml.ScalarNode) -> int:
        """0100 is frame 100, as in a file's name and in YAML 1.2."""
        try:
            return int(node.value)
        except ValueError:
            return int(self.construct_yaml_int(node))


_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.whole)


def _lines(node: yaml.Node | None, place: Place) -> Iterator[tuple[Place, int]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                yield (*place, key.value), key.start_mark.line + 1
                yield from _lines(value, (*place, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for position, value in enumerate(node.value):
            yield (*place, position), value.start_mark.line + 1
            yield from _lines(value, (*place, position))


def _keys_beside(model: type[BaseModel], place: Place) -> list[str]:
    """The keys that the schema knows where `place` stands."""
    schema = model.model_json_schema(by_alias=True)
    here: dict[str, Any] = schema
    for part in place[:-1]:
        # A key may be a number, too, of a mapping that has no list's items: true and false are 1 and 0.
        inner = here.get("items") if isinstance(part, int) else here.get("properties", {}).get(part)
        if inner is None:
            inner = here.get("additionalProperties", {})
        here = schema["$defs"][inner["$ref"].rsplit("/", 1)[-1]] if "$ref" in inner else inner
    return list(here.get("properties", {}))


def _nearest(given: str, known: Iterable[str], otherwise: str) -> str:
    names = list(known)
    close = difflib.get_close_matches(given.lower(), names, n=1)
    return f"did you mean {close[0]!r}?" if close else f"{otherwise} {', '.join(names)}."


def _quoted(expected: str) -> list[str]:
    """The names in pydantic's "'a', 'b' or 'c'"."""
    return expected.split("'")[1::2]


def _wanted(kind: str, ctx: Mapping[str, Any], message: str) -> str:
    match kind:
        case "greater_than_equal":
            return f"{ctx['ge']:g} or more"
        case "greater_than":
            return f"more than {ctx['gt']:g}"
        case "less_than_equal":
            return f"{ctx['le']} or less"
        case "too_short":
            return f"at least {ctx['min_length']}"
        case "string_too_short":
            return "some text"
        case "string_too_long":
            return f"{ctx['max_length']} characters at most"
        case _:
            return _WANTED.get(kind, message)


def _dotted(place: Place) -> str:
    text = ""
    for part in place:
        key = _short(str(part))
        text += f"[{part}]" if isinstance(part, int) else f".{key}" if text else key
    return text


def _short(key: str) -> str:
    return key if len(key) <= _LONGEST_KEY else f"{key[:_LONGEST_KEY]}..."


def _shown(value: object) -> str:
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return "true" if value else "false"
    return reprlib.repr(value)
