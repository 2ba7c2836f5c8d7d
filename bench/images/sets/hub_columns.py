"""Which columns of a hub's table are the images, their names and their labels, and what the labels' numbers mean."""

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

from bench.errors import UserError
from bench.extras import needed
from bench.images.labels.imagenet_names import in_imagenets_order

IMAGES = ("image", "img", "jpg", "png")
LABELS = ("label", "labels", "cls", "fine_label", "coarse_label")
FEATURES = b"huggingface"  # the key of what the datasets library keeps in a schema's metadata
SHOWN = 8  # columns in a message
ASK = "name the columns of image and label by --list-columns IMAGE,LABEL"
Wanted = tuple[str, str] | None


class Columns(NamedTuple):
    """Columns by their names, dotted within structs: `image.bytes`, `image.path` (None where there is none), `label`.

    `text` says whether labels are names and no numbers; `classes` are the names of these numbers, None where nobody
    gives them; `notes` are what is to be said of columns that are not read.
    """

    image: str
    path: str | None
    label: str
    text: bool
    classes: tuple[str, ...] | None
    notes: tuple[str, ...] = ()

    @property
    def beside(self) -> list[str]:
        """All but the images themselves."""
        return [name for name in (self.label, self.path) if name]


def columns_of(schema: Any, where: str, wanted: Wanted = None) -> Columns:
    """The columns of an arrow schema; `where` is its file or set, for messages, and `wanted` those of image and label,
    None where their names say it. Raises UserError where they are not clear, or hold what is no image or no label."""
    types = needed("pyarrow.types", "parquet")
    again = [name for name, count in Counter(schema.names).items() if count > 1]
    if again:
        raise UserError(f"data {where!r}: two columns are named {again[0]!r}; rename one")
    features = _features(schema, where)
    image, others, label = _wanted(schema, wanted, where) if wanted else _usual(schema, features, where)
    kind = schema.field(label).type
    if types.is_dictionary(kind):
        kind = kind.value_type
    text = types.is_string(kind) or types.is_large_string(kind)
    if not text and not types.is_integer(kind):
        raise UserError(f"data {where!r}: column {label!r} holds {_kind(kind)}; labels are whole numbers or text")
    structure = schema.field(image).type
    inside = {each.name: each.type for each in structure} if types.is_struct(structure) else {}
    has_path = "path" in inside and (types.is_string(inside["path"]) or types.is_large_string(inside["path"]))
    notes = (f"images are column {image!r}; {_named(others)} could be too, and is not read",) if others else ()
    return Columns(
        f"{image}.bytes" if inside else image,
        f"{image}.path" if has_path else None,
        label,
        text,
        None if text else _classes(features.get(label), label, where),
        notes,
    )


def _wanted(schema: Any, wanted: tuple[str, str], where: str) -> tuple[str, list[str], str]:
    """The columns of image and label that the user names."""
    for name in wanted:
        if name not in schema.names:
            raise UserError(f"--list-columns: {where!r} has no column {name!r}; it has {_named(schema.names)}")
    image, label = wanted
    _require_images(schema, image, where)
    return image, [], label


def _usual(schema: Any, features: dict[str, Any], where: str) -> tuple[str, list[str], str]:
    """The columns of images, others that may hold some, and the column of labels."""
    return (*_image(schema, features, where), _label(schema, features, where))


def _image(schema: Any, features: dict[str, Any], where: str) -> tuple[str, list[str]]:
    """The column of images, and others that may hold some."""
    found = [field.name for field in schema if _holds_bytes(field.type) or _is(features, field.name, "Image")]
    usual = [name for name in found if name in IMAGES]
    taken = usual or found
    if len(taken) != 1:
        what = f"columns {_named(taken)} may hold the images" if taken else "no column holds images"
        raise UserError(
            f"data {where!r}: {what} (of {_named(schema.names)}); {ASK} (images are bytes, or {{bytes, path}})"
        )
    _require_images(schema, taken[0], where)
    return taken[0], [name for name in found if name != taken[0]]


def _require_images(schema: Any, name: str, where: str) -> None:
    """Raise UserError for a column that cannot hold images."""
    kind = schema.field(name).type
    if not _holds_bytes(kind):
        raise UserError(f"data {where!r}: column {name!r} holds {_kind(kind)}; images are bytes or {{bytes, path}}")


def _label(schema: Any, features: dict[str, Any], where: str) -> str:
    found = [name for name in schema.names if name in LABELS]
    found = found or [name for name in schema.names if _is(features, name, "ClassLabel")]
    if len(found) == 1:
        return found[0]
    what = f"columns {_named(found)} may be the labels" if found else "no column is named 'label'"
    raise UserError(f"data {where!r}: {what} (of {_named(schema.names)}); {ASK}")


def _holds_bytes(kind: Any) -> bool:
    types = needed("pyarrow.types", "parquet")
    if types.is_struct(kind):
        return any(each.name == "bytes" and _binary(each.type) for each in kind)
    return _binary(kind)


def _binary(kind: Any) -> bool:
    types = needed("pyarrow.types", "parquet")
    return types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind)


def _features(schema: Any, where: str) -> dict[str, Any]:
    """What the datasets library says of each column; nothing where it did not write the file."""
    text = (schema.metadata or {}).get(FEATURES)
    if text is None:
        return {}
    try:
        features = json.loads(text)["info"]["features"]
    except (ValueError, LookupError, TypeError, RecursionError):
        features = None
    if not isinstance(features, dict):
        raise UserError(f"data {where!r}: its metadata {FEATURES.decode()!r} say no features; write the file anew")
    return features


def _is(features: dict[str, Any], name: str, kind: str) -> bool:
    found = features.get(name)
    return isinstance(found, dict) and found.get("_type") == kind


def _classes(feature: Any, label: str, where: str) -> tuple[str, ...] | None:
    names = feature.get("names") if isinstance(feature, dict) else None
    if names is None:
        return None
    if not isinstance(names, list) or not names or not all(isinstance(name, str) and name for name in names):
        raise UserError(f"data {where!r}: the class names of column {label!r} are no list of names; write it anew")
    again = [name for name, count in Counter(names).items() if count > 1]
    if again and not in_imagenets_order(names):  # which has two cranes
        raise UserError(f"data {where!r}: two classes are named {again[0]!r}; rename one")
    return tuple(names)


def _named(names: Iterable[str]) -> str:
    names = list(names)
    return ", ".join(map(repr, names[:SHOWN])) + ", ..." * (len(names) > SHOWN)


def _kind(kind: Any) -> str:
    return " ".join(str(kind).split())[:60]
