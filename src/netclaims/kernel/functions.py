"""exp, log and tanh of vectors, with nothing of the machine's C library, whose digits vary.

Errors are in units in the last place of the result (ulp), the largest that a test found.
"""

from __future__ import annotations

from netclaims.kernel.vectors import Vectors, compiled, exponent, fma, fraction, nearest, power_of_two, where_less


@compiled(Vectors(1), returns=Vectors(1))
def exp(x):
    """Return e^x within 1.3 ulp, and 0 below the smallest normal number; x is at most 88.

    x = n · log 2 + r, and a polynomial in r: `expf` of Cephes (Moshier 1989).
    """
    x = where_less(x, -87.3, -87.3, x)
    n = nearest(x * 1.44269504088896341)
    r = fma(n, 2.12194440e-4, fma(n, -0.693359375, x))
    p = fma(r, 1.9875691500e-4, 1.3981999507e-3)
    p = fma(p, r, 8.3334519073e-3)
    p = fma(p, r, 4.1665795894e-2)
    p = fma(p, r, 1.6666665459e-1)
    p = fma(p, r, 5.0000001201e-1)
    return fma(p, r * r, r + 1.0) * power_of_two(n)


@compiled(Vectors(1), returns=Vectors(1))
def log(x):
    """Return the natural logarithm of positive, normal numbers within 1 ulp; undefined where x is.

    x = 2^e · (1 + f) with 1 + f between √½ and √2, and a polynomial in f: `logf` of Cephes (Moshier 1989).
    """
    e, f = exponent(x), fraction(x)
    e = where_less(f, 0.707106781186547524, e - 1.0, e)
    f = where_less(f, 0.707106781186547524, f + f, f) - 1.0
    p = fma(f, 7.0376836292e-2, -1.1514610310e-1)
    p = fma(p, f, 1.1676998740e-1)
    p = fma(p, f, -1.2420140846e-1)
    p = fma(p, f, 1.4249322787e-1)
    p = fma(p, f, -1.6668057665e-1)
    p = fma(p, f, 2.0000714765e-1)
    p = fma(p, f, -2.4999993993e-1)
    p = fma(p, f, 3.3333331174e-1)
    square = f * f
    y = fma(e, -2.12194440e-4, f * square * p)
    y = fma(square, -0.5, y) + f
    return fma(e, 0.693359375, y) + (x - x)  # the bits of what is undefined or infinite are no fraction


@compiled(Vectors(1), returns=Vectors(1))
def tanh(x):
    """Return tanh x within 6 ulp, and never beyond ±1.

    x · P(x²) / Q(x²) of degrees 4 and 5, fitted to the least largest relative error, 1e-9, for x up to 9.02, beyond
    which the result is ±1.
    """
    x = where_less(x, -9.02, -9.02, where_less(9.02, x, 9.02, x))
    square = x * x
    p = fma(square, 5.076220202793444e-8, 3.158905499688669e-5)
    p = fma(p, square, 4.0085085362450736e-3)
    p = fma(p, square, 1.3785363646990412e-1)
    p = fma(p, square, 1.0)
    q = fma(square, 7.37443128706724e-10, 1.6174849338533536e-6)
    q = fma(q, square, 4.2074067930523637e-4)
    q = fma(q, square, 2.7737510516452502e-2)
    q = fma(q, square, 4.7118696051255177e-1)
    q = fma(q, square, 1.0)
    y = x * p / q
    return where_less(y, -1.0, -1.0, where_less(1.0, y, 1.0, y))
