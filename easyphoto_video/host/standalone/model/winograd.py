"""3x3 convolutions by Winograd's F(m x m, 3x3), with fewer products than the direct way.

Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (arXiv 1509.09308, 4.1): tiles
of 4x4 pixels take 36 products instead of 144, tiles of 2x2 pixels 16 instead of 36. The same sums
in another order: of the output, float32 rounds 2e-6 with the large tiles and 4e-7 with the small
ones. Shapes: N pictures, H and W pixels, I channels in, O out; h and w tiles of m x m pixels, each
known by p x p points, p = m + 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import isqrt, prod

import torch
from torch import Tensor

LARGE, SMALL = 4, 2
"""px of a tile's side."""
POINTS = {
    LARGE: (Fraction(0), Fraction(1), Fraction(-1), Fraction(1, 2), Fraction(-2)),
    SMALL: (Fraction(0), Fraction(1), Fraction(-1)),
}
"""Where the polynomials are known, beside infinity; those that round least (Barabasz et al., "Error
Analysis and Improving the Accuracy of Winograd Convolution", arXiv 1803.10986). The second is 1,
which every pixel of a tile takes as it is."""
PIXELS_AT_ONCE = 2560
"""As many keep a large multiplication efficient, and what surrounds it in the cache."""


@dataclass(frozen=True, eq=False)
class Transforms:
    """To points and back, float32; for both dimensions at once, by the Kronecker product of one."""

    taps: Tensor
    """G (p * p, 9): from the taps of a kernel to its points."""
    spread: Tensor
    """B^T (p * p, p * p): from the pixels of a tile and around it to its points."""
    gather: Tensor
    """A^T (m * m, p * p): from points to the pixels of a tile."""


@lru_cache
def transforms(m: int) -> Transforms:
    """Toom and Cook's, for tiles of m x m pixels."""
    points, taps, spread = POINTS[m], [], []
    for i, point in enumerate(points):
        others = points[:i] + points[i + 1 :]
        powers = [point**j for j in range(3)]
        # Of what both are multiplied by, each gets as much as keeps the taps at 1 or below.
        most = max(map(abs, powers))
        taps.append([power / most for power in powers])
        share = most / prod(point - other for other in others)
        spread.append([share * factor for factor in _with_roots(others)] + [Fraction(0)])
    taps.append([Fraction(0), Fraction(0), Fraction(1)])
    spread.append(_with_roots(points))
    gather = [[point**i for point in points] + [Fraction(i == m - 1)] for i in range(m)]
    return Transforms(*map(_twice, (taps, spread, gather)))


def _with_roots(roots: Sequence[Fraction]) -> list[Fraction]:
    """The factors of 1, x, x^2 .. in the product of all (x - root)."""
    made = [Fraction(1)]
    for root in roots:
        made = [up - root * same for up, same in zip([0, *made], [*made, 0], strict=True)]
    return made


def _twice(rows: Sequence[Sequence[Fraction]]) -> Tensor:
    one = torch.tensor([[float(x) for x in row] for row in rows], dtype=torch.float64)
    return torch.kron(one, one).float()


def kernel(weight: Tensor, m: int) -> Tensor:
    """(O, I, 3, 3) -> G g G^T as (p * p, I, O) float32, p * p / 9 of the float32 weight."""
    taps = weight.permute(2, 3, 1, 0).float().reshape(9, -1)
    return torch.mm(transforms(m).taps, taps).view(-1, weight.shape[1], weight.shape[0])


def convolved(x: Tensor, kernel: Tensor, bias: Tensor | None) -> Tensor:
    """x (N, I, H, W) with a border of zeros -> (N, O, H, W) channels last, in x's dtype.

    H and W are multiples of m; `kernel` as above, `bias` (O,). Without gradients.
    """
    pixels = x.permute(0, 2, 3, 1)
    n, height, width, _ = pixels.shape
    made = pixels.new_empty(n, height, width, kernel.shape[2])
    at_once = max(1, PIXELS_AT_ONCE // (height * width))
    for some, result in zip(pixels.split(at_once), made.split(at_once), strict=True):
        _convolve(some, kernel, bias, result)
    return made.permute(0, 3, 1, 2)


def _convolve(x: Tensor, kernel: Tensor, bias: Tensor | None, made: Tensor) -> None:
    """x (n, H, W, I) -> made (n, H, W, O)."""
    p = isqrt(len(kernel))
    m = p - 2
    tiles = _tiles(x, m, kernel.dtype)  # (p * p, n*h*w, I)
    points = torch.mm(transforms(m).spread, tiles.flatten(1)).view(tiles.shape)
    products = torch.bmm(points, kernel)  # (p * p, n*h*w, O)
    if bias is not None:
        products[p + 1] += bias  # the point 1 of both dimensions
    pixels = torch.mm(transforms(m).gather, products.flatten(1))
    n, height, width, channels = made.shape
    grid = pixels.view(m, m, n, height // m, width // m, channels)
    made.view(n, height // m, m, width // m, m, channels).copy_(grid.permute(2, 3, 0, 4, 1, 5))


def _tiles(x: Tensor, m: int, dtype: torch.dtype) -> Tensor:
    """x (n, H, W, I) -> (p * p, n*h*w, I): each tile of m x m, and one pixel around it."""
    n, height, width, channels = x.shape
    padded = torch.zeros(n, height + 2, width + 2, channels, dtype=dtype)
    padded[:, 1:-1, 1:-1] = x
    tiles = padded.unfold(1, m + 2, m).unfold(2, m + 2, m)  # (n, h, w, I, p, p)
    return tiles.permute(4, 5, 0, 1, 2, 3).flatten(2, 4).flatten(0, 1)
