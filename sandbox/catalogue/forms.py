"""Bodies, held against a model's fields and rules. The complaints about single fields are pydantic's own."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Annotated, Any, Literal

import pydantic
from pydantic import AfterValidator, BaseModel, ConfigDict, create_model
from pydantic_core import PydanticCustomError

from prefect_storyboard.sandbox.catalogue.rows import Field, Model, Rule, Size

Where = tuple[str | int, ...]
Values = Mapping[str, Any]


class Broken(Exception):
    """A body that breaks a rule of its model: the place that is blamed, and why."""

    def __init__(self, where: Where, message: str) -> None:
        super().__init__(message)
        self.where = where


class Form(BaseModel):
    """The base of every input: strict, and refuses a field that the model does not have."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Lenient(BaseModel):
    """The base of an input whose unknown fields are dropped without a word."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


class Measures(Form):
    """A width and a height."""

    width: int
    height: int


_FORMS: dict[str, Any] = {}


def form(model: Model, base: type[BaseModel] = Form) -> Any:
    """The pydantic form of a model's input; `base` has the fields that the gateway adds to each of them."""
    key = f"{base.__module__}.{base.__qualname__} {model.model_dump_json()}"
    if key not in _FORMS:
        _FORMS[key] = _form(model.fields, model.label, model.address, base)
    return _FORMS[key]


def _form(fields: Mapping[str, Field], name: str, address: str | None, base: type[BaseModel]) -> Any:
    made: dict[str, Any] = {key: _typed(each, key, address) for key, each in fields.items()}
    return create_model(name, __base__=base, **made)


def _typed(field: Field, name: str, address: str | None) -> tuple[Any, Any]:
    """Type and default of a field; without a default it may be left out or null."""
    kind = _kind(field, name, address)
    if field.required:
        return kind, ...
    if field.default is not None:
        return kind, field.default
    return kind | None, None


def _kind(field: Field, name: str, address: str | None) -> Any:
    one: Any = _one(field, name, address)
    if not (field.many or field.urls or field.texts):
        return one
    return Annotated[list[one], pydantic.Field(min_length=field.least or None, max_length=field.most)]


def _one(field: Field, name: str, address: str | None) -> Any:
    if field.fields:
        return _form(field.fields, name, address, Form)
    if field.size:
        measures = Annotated[Measures, AfterValidator(_within(field.size))]
        return Literal[tuple(_choices(field.choice))] | measures if field.choice else measures
    if field.choice:
        return Literal[tuple(_choices(field.choice))]
    if field.whole:
        least, most = field.whole
        if field.also:
            return Annotated[int, AfterValidator(_range(least, most, field.also))]
        return Annotated[int, pydantic.Field(ge=least, le=most)]
    if field.number:
        return Annotated[float, pydantic.Field(ge=field.number[0], le=field.number[1])]
    if field.flag:
        return bool
    fewest, longest = field.text or (0, 0)
    pattern = address if field.url or field.urls else field.pattern
    limits = pydantic.Field(min_length=fewest or None, max_length=longest or None, pattern=pattern)
    if field.most_bytes is not None:
        return Annotated[str, limits, AfterValidator(_short(field.most_bytes))]
    return Annotated[str, limits]


def _choices(given: Iterable[str | int]) -> Iterator[str | int]:
    """The values of a choice; `"4..15"` is every number between as a string, `"#4..15"` as a number."""
    for each in given:
        first, dots, last = str(each).partition("..")
        if not dots:
            yield each
        elif first.startswith("#"):
            yield from range(int(first[1:]), int(last) + 1)
        else:
            yield from map(str, range(int(first), int(last) + 1))


def _within(size: Size) -> Callable[[Measures], Measures]:
    least, most = size.pixels or (1, 2**62)

    def check(given: Measures) -> Measures:
        short, long = sorted((given.width, given.height))
        fits = (
            short > 0
            and least <= short * long <= most
            and long <= (size.side or long)
            and long <= short * (size.ratio or long)
            and not (short % size.step or long % size.step)
        )
        if fits:
            return given
        words = {"size": f"{given.width}x{given.height}"}
        raise PydanticCustomError("image_size", "The image size {size} is not supported", words)

    return check


def _short(most: int) -> Callable[[str], str]:
    def check(value: str) -> str:
        if len(value.encode()) <= most:
            return value
        raise PydanticCustomError("string_too_long", "String should have at most {most} bytes", {"most": most})

    return check


def _range(least: int, most: int, also: tuple[int, ...]) -> Callable[[int], int]:
    def check(value: int) -> int:
        if least <= value <= most or value in also:
            return value
        words = {"least": least, "most": most, "others": " or ".join(map(str, also))}
        raise PydanticCustomError("int_range", "Input should be from {least} to {most}, or {others}", words)

    return check


def check(rules: Iterable[Rule], values: Values, seconds: int | None, where: Where = ()) -> None:
    """Raise `Broken` for the first rule that does not hold."""
    for rule in rules:
        if _applies(rule, values):
            _hold(rule, values, seconds, where)


def check_items(fields: Mapping[str, Field], values: Values) -> None:
    """The same for the rules of each item of a list of objects."""
    for name, field in fields.items():
        for place, item in enumerate(values.get(name) or () if field.many and field.rules else ()):
            check(field.rules, item, None, (name, place))


def found(values: Any, path: str) -> list[tuple[Where, Any]]:
    """What is given at a path, item by item, with its place."""
    if not path:
        each = values if isinstance(values, list) else [values]
        return [((), item) for item in each if item not in (None, "")]
    name, _, rest = path.partition(".")
    inner = values.get(name) if isinstance(values, Mapping) else None
    if inner is None:
        return []
    if isinstance(inner, list) and rest:
        return [((name, place, *where), item) for place, each in enumerate(inner) for where, item in found(each, rest)]
    return [((name, *where), item) for where, item in found(inner, rest)]


def _applies(rule: Rule, values: Values) -> bool:
    if rule.given and not any(found(values, path) for path in rule.given):
        return False
    if any(found(values, path) for path in rule.unless):
        return False
    for path, wanted in rule.when.items():
        allowed = wanted if isinstance(wanted, tuple) else (wanted,)
        if not any(item in allowed and type(item) in map(type, allowed) for _, item in found(values, path)):
            return False
    return True


def _hold(rule: Rule, values: Values, seconds: int | None, where: Where) -> None:
    items = [place for path in rule.counts for place, _ in found(values, path)]
    blamed: Where = (rule.at,) if rule.at else ()
    broken = (
        (rule.needs and not any(found(values, path) for path in rule.needs))
        or any(found(values, path) for path in rule.forbids)
        or (rule.one_of and sum(bool(found(values, path)) for path in rule.one_of) != 1)
        or any(item not in allowed for path, allowed in rule.only.items() for _, item in found(values, path))
        or (rule.counts and not _count(rule, [item for path in rule.counts for _, item in found(values, path)]))
        or (rule.seconds and seconds is not None and not rule.seconds[0] <= seconds <= rule.seconds[1])
    )
    if broken:
        if rule.most is not None and len(items) > rule.most and not rule.at and len(rule.counts) == 1:
            blamed = items[rule.most]
        raise Broken((*where, *blamed), rule.says)


def _count(rule: Rule, items: list[Any]) -> bool:
    """Whether there are as many as the rule wants, or the single one that it takes instead."""
    if rule.or_one and len(items) == 1:
        return str(items[0]).split("?")[0].endswith(rule.or_one)
    return rule.least <= len(items) <= (len(items) if rule.most is None else rule.most)
