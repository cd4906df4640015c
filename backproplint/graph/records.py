"""Named tuples: sequences whose items also go by names, from `namedtuple(...)` or from a class."""

from __future__ import annotations

from backproplint.graph.builtins import builtin
from backproplint.graph.machine import CALLS, Machine, registers
from backproplint.graph.nodes import Class, Const, Func, Lib, Node, Seq
from backproplint.rule import Site

_BASES = frozenset({"typing.NamedTuple", "typing_extensions.NamedTuple"})


def fields(m: Machine, cls: Class) -> list[str]:
    """The fields of a data class, in order: what its body annotates, else assigns, without being a function."""
    values = m.files[cls.file].graph.scopes[cls.number].values
    names = [v.text for v in values if v.op == "field"] or [v.text for v in values if v.op == "store"]
    return [name for name in names if not isinstance(cls.names.get(name), Func)]


class Record(Node):
    """A type of named tuples: its fields in order, their defaults, and its methods."""

    __slots__ = ("defaults", "fields", "methods")

    def __init__(self, fields: list[str], defaults: dict[str, Node], methods: dict[str, Func]) -> None:
        super().__init__("class", {})
        self.fields, self.defaults, self.methods = fields, defaults, methods


def record_class(m: Machine, cls: Class) -> Record | None:
    """The record that a class statement makes; None for any other class."""
    parent = next((base for base in cls.bases if isinstance(base, Record)), None)
    if parent is None and not any(isinstance(base, Lib) and base.name in _BASES for base in cls.bases):
        return None
    methods = {name: node for name, node in cls.names.items() if isinstance(node, Func)}
    names = parent.fields if parent else fields(m, cls)
    known = {**parent.defaults, **parent.methods} if parent else {}
    defaults = {name: node for name in names if (node := cls.names.get(name, known.get(name))) is not None}
    return Record(names, defaults, {**(parent.methods if parent else {}), **methods})


@registers(CALLS, Record)
def _make(m: Machine, record: Record, args: list[Node], kwargs: dict[str, Node], site: Site) -> Node:
    """A tuple with names; unknown when it is not known what becomes of each field, as in `Batch(*zip(*rows))`."""
    named = {**record.defaults, **dict(zip(record.fields, args, strict=False)), **kwargs}
    if any(arg.op == "rest" for arg in args) or not all(field in named for field in record.fields):
        return m.unknown(record, args, kwargs, site)
    made = Seq("tuple", tuple(named[field] for field in record.fields), site)
    made.memo = {field: named[field] for field in record.fields}
    made.memo |= {name: method.bind(made) for name, method in record.methods.items() if not method.decorators}
    return made


@builtin("collections.namedtuple")
def _namedtuple(m: Machine, args: list[Node], kwargs: dict[str, Node], site: Site) -> Node | None:
    names = args[1] if len(args) > 1 else kwargs.get("field_names")
    if isinstance(names, Const) and isinstance(names.value, str):
        fields = names.value.replace(",", " ").split()
    elif isinstance(names, Seq) and all(isinstance(item, Const) for item in names.items):
        fields = [str(item.value) for item in names.items if isinstance(item, Const)]
    else:
        return None
    given = kwargs.get("defaults")
    defaults = given.items if isinstance(given, Seq) else ()
    return Record(fields, dict(zip(fields[len(fields) - len(defaults) :], defaults, strict=False)), {})


@builtin("dataclasses.field", "attr.ib", "attrs.field", "flax.struct.field")
def _field(m: Machine, args: list[Node], kwargs: dict[str, Node], site: Site) -> Node | None:
    """A field of a data class stands for what it holds unless it is given."""
    factory = kwargs.get("default_factory", kwargs.get("factory"))
    return kwargs.get("default") if factory is None else m.call(factory, [], {}, site)
