"""Vectors of sixteen numbers for Numba: what the kernel keeps in the processor's registers.

Numba by itself leaves vectors to LLVM, which finds them where it can, in an order of summation of its own. Here they
are written down: the kernel takes a third of the time, and its digits follow from its code alone, whichever processor
runs it and whichever version of LLVM compiled it. Every operation rounds once, as IEEE 754 says.

A value of type `Vectors(count)` is so many vectors. Arithmetic (+, -, *, /) goes number by number, between values of
the same count, or one of them 1, or with a number for all.
"""

from __future__ import annotations

import operator
import os
from collections.abc import Callable, Sequence
from typing import Any

# Numba writes code for the processor it finds, unless these say otherwise when it is imported. LLVM optimises all of it
# at once in the end, and not function by function.
os.environ |= {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": "", "NUMBA_OPT": "0"}

from llvmlite import ir
from numba import njit
from numba.core import types
from numba.core.cgutils import get_or_insert_function
from numba.core.datamodel.models import PrimitiveModel
from numba.core.typing.templates import AbstractTemplate, Signature, infer_global, signature
from numba.extending import intrinsic, lower_builtin, register_model

from netclaims.kernel.layout import LANES

FLOAT, INT = ir.FloatType(), ir.IntType(32)
VECTOR, INTS = ir.VectorType(FLOAT, LANES), ir.VectorType(INT, LANES)

Builder = ir.IRBuilder
Value = ir.Value
Emit = Callable[..., Value]  # writes an instruction: of a builder and vectors


class Vectors(types.Type):
    """So many vectors of float32 numbers."""

    def __init__(self, count: int) -> None:
        """Name the type after its count."""
        self.count = count
        super().__init__(f"Vectors({count})")


INTEGER, FLOATS, INTEGERS = types.int64, types.CPointer(types.float32), types.CPointer(types.int64)


def compiled(*kinds: types.Type, returns: types.Type = types.none) -> Callable[[Callable], Callable]:
    """Return a decorator that compiles a function for arguments of these kinds.

    By itself Numba would compile it once for every constant that it is called with.
    """
    return njit(returns(*kinds), no_cpython_wrapper=True, no_cfunc_wrapper=True, error_model="numpy")


@register_model(Vectors)
class _Model(PrimitiveModel):
    def __init__(self, manager: Any, kind: Vectors) -> None:
        super().__init__(manager, kind, ir.ArrayType(VECTOR, kind.count))


# ---------------------------------------------------------------------------------------------------------- emitting


def _whole(number: int) -> Value:
    return ir.Constant(INTS, [number] * LANES)


def _spread(builder: Builder, number: Value) -> Value:
    vector = builder.insert_element(ir.Constant(VECTOR, ir.Undefined), number, ir.Constant(INT, 0))
    return builder.shuffle_vector(vector, vector, _whole(0))


def _gather(builder: Builder, count: int, each: Callable[[int], Value]) -> Value:
    """Return the vectors that `each` gives for 0, 1, …, as one value."""
    value = ir.Constant(ir.ArrayType(VECTOR, count), ir.Undefined)
    for i in range(count):
        value = builder.insert_value(value, each(i), i)
    return value


def _place(builder: Builder, pointer: Value, at: Value, stride: Value, i: int) -> Value:
    return builder.gep(pointer, [builder.add(at, builder.mul(stride, ir.Constant(stride.type, i)))])


def _as_vector(builder: Builder, pointer: Value) -> Value:
    return builder.bitcast(pointer, VECTOR.as_pointer())


def _named(name: str) -> Emit:
    """Return what calls a function of LLVM, which compiles to an instruction."""

    def emit(builder: Builder, *vectors: Value) -> Value:
        kind = ir.FunctionType(VECTOR, [VECTOR] * len(vectors))
        return builder.call(get_or_insert_function(builder.module, kind, f"llvm.{name}.v{LANES}f32"), vectors)

    return emit


def _count(kinds: Sequence[types.Type]) -> int | None:
    """Return how many vectors come of such operands; None if they do not go together."""
    counts = {kind.count for kind in kinds if isinstance(kind, Vectors)}
    fit = all(isinstance(kind, Vectors | types.Float | types.Integer) for kind in kinds)
    return max(counts) if fit and counts and len(counts - {1}) < 2 else None


def _lower(emit: Emit) -> Callable[..., Value]:
    """Return what writes an operation vector by vector."""

    def lower(context: Any, builder: Builder, sig: Signature, operands: Sequence[Value]) -> Value:
        def operand(kind: types.Type, value: Value, i: int) -> Value:
            if isinstance(kind, Vectors):
                return builder.extract_value(value, i if kind.count > 1 else 0)
            return _spread(builder, context.cast(builder, value, kind, types.float32))

        return _gather(
            builder,
            sig.return_type.count,
            lambda i: emit(builder, *(operand(k, v, i) for k, v in zip(sig.args, operands, strict=True))),
        )

    return lower


def _operator(symbol: Callable, emit: Emit) -> None:
    @infer_global(symbol)
    class _Typing(AbstractTemplate):
        key = symbol

        def generic(self, args: Sequence[types.Type], kws: dict) -> Signature | None:
            count = _count(args)
            return signature(Vectors(count), *args) if count else None

    for kinds in ((Vectors, Vectors), (Vectors, types.Number), (types.Number, Vectors)):
        lower_builtin(symbol, *kinds)(_lower(emit))


def _operation(emit: Emit, operands: int) -> Callable:
    def typed(typing: Any, *kinds: types.Type) -> tuple[Signature, Callable]:
        return Vectors(_count(kinds))(*kinds), _lower(emit)

    # Numba counts the parameters of a function.
    with_so_many = {
        1: lambda typing, a: typed(typing, a),
        3: lambda typing, a, b, c: typed(typing, a, b, c),
        4: lambda typing, a, b, c, d: typed(typing, a, b, c, d),
    }
    return intrinsic(with_so_many[operands])


# -------------------------------------------------------------------------------------------------------- arithmetic

for _symbol, _emit in {
    operator.add: Builder.fadd,
    operator.sub: Builder.fsub,
    operator.mul: Builder.fmul,
    operator.truediv: Builder.fdiv,
}.items():
    _operator(_symbol, _emit)

# a · b + c, rounded once
fma = _operation(_named("fma"), 3)
sqrt = _operation(_named("sqrt"), 1)
# to the nearest whole number, and to the even one of two
nearest = _operation(_named("rint"), 1)
# c where a < b, and d elsewhere, as where a or b is undefined
where_less = _operation(lambda b, *v: b.select(b.fcmp_ordered("<", v[0], v[1]), v[2], v[3]), 4)


def _exponent(builder: Builder, x: Value) -> Value:
    biased = builder.lshr(builder.bitcast(x, INTS), _whole(23))
    return builder.sitofp(builder.sub(biased, _whole(126)), VECTOR)


def _fraction(builder: Builder, x: Value) -> Value:
    bits = builder.and_(builder.bitcast(x, INTS), _whole(0x007FFFFF))
    return builder.bitcast(builder.or_(bits, _whole(0x3F000000)), VECTOR)


def _power_of_two(builder: Builder, n: Value) -> Value:
    biased = builder.add(builder.fptosi(n, INTS), _whole(127))
    return builder.bitcast(builder.shl(biased, _whole(23)), VECTOR)


# x = fraction(x) · 2^exponent(x) for x that are positive, normal and finite; the fraction is in [1/2, 1)
exponent = _operation(_exponent, 1)
fraction = _operation(_fraction, 1)
# 2^n for whole n from -126 to 127
power_of_two = _operation(_power_of_two, 1)


# ------------------------------------------------------------------------------------------------------------ memory


@intrinsic(prefer_literal=True)
def zeros(typing: Any, count: types.IntegerLiteral) -> tuple[Signature, Callable]:
    """Return so many vectors of zeros."""

    def emit(context: Any, builder: Builder, sig: Signature, args: Sequence[Value]) -> Value:
        return ir.Constant(ir.ArrayType(VECTOR, count.literal_value), None)

    return Vectors(count.literal_value)(count), emit


def _reader(read: Callable[[Builder, Value], Value]) -> Callable:
    def typed(
        typing: Any, count: types.IntegerLiteral, pointer: types.Type, at: types.Type, stride: types.Type
    ) -> tuple[Signature, Callable]:
        def emit(context: Any, builder: Builder, sig: Signature, args: Sequence[Value]) -> Value:
            _, start, first, step = args
            return _gather(
                builder, count.literal_value, lambda i: read(builder, _place(builder, start, first, step, i))
            )

        return Vectors(count.literal_value)(count, pointer, types.int64, types.int64), emit

    return intrinsic(prefer_literal=True)(typed)


# `load(count, pointer, at, stride)`: vectors of the numbers that follow pointer[at], pointer[at + stride], …
load = _reader(lambda builder, place: builder.load(_as_vector(builder, place), align=4))
# `spread(count, pointer, at, stride)`: vectors that are filled with pointer[at], with pointer[at + stride], …
spread = _reader(lambda builder, place: _spread(builder, builder.load(place)))


@intrinsic
def store(
    typing: Any, pointer: types.Type, at: types.Type, stride: types.Type, vectors: Vectors
) -> tuple[Signature, Callable]:
    """Write vectors to where `load` reads them."""

    def emit(context: Any, builder: Builder, sig: Signature, args: Sequence[Value]) -> Value:
        start, first, step, value = args
        for i in range(vectors.count):
            place = _as_vector(builder, _place(builder, start, first, step, i))
            builder.store(builder.extract_value(value, i), place, align=4)
        return context.get_dummy_value()

    return types.none(pointer, types.int64, types.int64, vectors), emit


def _sum(builder: Builder, vector: Value) -> Value:
    """Return the sum of a vector's numbers: halves are added until one is left."""
    width = LANES
    while width > 1:
        width //= 2
        halves = ([ir.Constant(INT, first + i) for i in range(width)] for first in (0, width))
        masks = (ir.Constant(ir.VectorType(INT, width), half) for half in halves)
        vector = builder.fadd(*(builder.shuffle_vector(vector, vector, mask) for mask in masks))
    return builder.extract_element(vector, ir.Constant(INT, 0))


@intrinsic
def add_sums(
    typing: Any, pointer: types.Type, at: types.Type, stride: types.Type, vectors: Vectors
) -> tuple[Signature, Callable]:
    """Add the sum of each vector to pointer[at], pointer[at + stride] and so on."""

    def emit(context: Any, builder: Builder, sig: Signature, args: Sequence[Value]) -> Value:
        start, first, step, value = args
        for i in range(vectors.count):
            place = _place(builder, start, first, step, i)
            builder.store(builder.fadd(builder.load(place), _sum(builder, builder.extract_value(value, i))), place)
        return context.get_dummy_value()

    return types.none(pointer, types.int64, types.int64, vectors), emit


@intrinsic
def total(typing: Any, vectors: Vectors) -> tuple[Signature, Callable]:
    """Return the sum of the numbers of a vector."""

    def emit(context: Any, builder: Builder, sig: Signature, args: Sequence[Value]) -> Value:
        return _sum(builder, builder.extract_value(args[0], 0))

    return types.float32(vectors), emit


@intrinsic
def shifted(typing: Any, pointer: types.Type, by: types.Type) -> tuple[Signature, Callable]:
    """Return a pointer to so many numbers further on."""

    def emit(context: Any, builder: Builder, sig: Signature, args: Sequence[Value]) -> Value:
        return builder.gep(args[0], [args[1]])

    return pointer(pointer, types.int64), emit
