"""3x3 convolutions by Winograd's F(2x2, 3x3): 16 products for 4 pixels instead of 36.

Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (arXiv 1509.09308, 4.1). The
same sums in another order: in float32 it rounds about twice as much as the direct way, 4e-7 of
the output. Shapes: N pictures, H and W pixels, I channels in, O out; h and w tiles of 2x2 pixels.
"""

from __future__ import annotations

import torch
from torch import Tensor

TILES_AT_ONCE = 640
"""As many keep a large multiplication efficient, and what surrounds it in the cache."""


def kernel(weight: Tensor) -> Tensor:
    """(O, I, 3, 3) -> G g G^T as (16, I, O) float32, which is 16/9 of the float32 weight."""
    taps = weight.permute(2, 3, 1, 0).float().contiguous()  # (3, 3, I, O)
    rows = taps.new_empty(4, *taps.shape[1:])
    _spread(taps, rows)
    points = taps.new_empty(4, 4, *taps.shape[2:])
    _spread(rows.transpose(0, 1), points.transpose(0, 1))
    return points.flatten(0, 1)


def _spread(taps: Tensor, points: Tensor) -> None:
    """G along the first axis: 3 taps into 4 points."""
    first, middle, last = taps
    points[0], points[3] = first, last
    ends, middle = (first + last).mul_(0.5), middle * 0.5
    torch.add(ends, middle, out=points[1])
    torch.sub(ends, middle, out=points[2])


def convolved(x: Tensor, kernel: Tensor, bias: Tensor | None) -> Tensor:
    """x (N, I, H, W) with a border of zeros -> (N, O, H, W) channels last, in x's dtype.

    H and W are even; `kernel` as above, `bias` (O,). Without gradients.
    """
    pixels = x.permute(0, 2, 3, 1)
    n, height, width, _ = pixels.shape
    made = pixels.new_empty(n, height, width, kernel.shape[2])
    at_once = max(1, TILES_AT_ONCE * 4 // (height * width))
    for some, result in zip(pixels.split(at_once), made.split(at_once), strict=True):
        _convolve(some, kernel, bias, result)
    return made.permute(0, 3, 1, 2)


def _convolve(x: Tensor, kernel: Tensor, bias: Tensor | None, made: Tensor) -> None:
    """x (n, H, W, I) -> made (n, H, W, O)."""
    points = _points(x, kernel.dtype)  # (4, 4, n, h, w, I)
    products = torch.bmm(points.flatten(2, 4).flatten(0, 1), kernel)  # (16, n*h*w, O)
    if bias is not None:
        products[5] += bias  # the one point that all four pixels of a tile take with +1
    products = products.unflatten(1, points.shape[2:5]).unflatten(0, (4, 4))
    upper = (products[0] + products[1]).add_(products[2])
    lower = products[1].sub_(products[2]).sub_(products[3])
    for row, (left, inner, other, right) in enumerate((upper, lower)):  # each (n, h, w, O)
        torch.add(left.add_(inner), other, out=made[:, row::2, 0::2])
        torch.sub(inner.sub_(other), right, out=made[:, row::2, 1::2])


def _points(x: Tensor, dtype: torch.dtype) -> Tensor:
    """B^T d B of each tile d of 4x4 pixels, which begins one before its own 2x2."""
    n, height, width, channels = x.shape
    padded = torch.zeros(n, height + 2, width + 2, channels, dtype=dtype)
    padded[:, 1:-1, 1:-1] = x
    points = torch.empty(4, 4, n, height // 2, width // 2, channels, dtype=dtype)
    line = torch.empty(n, height // 2, width + 2, channels, dtype=dtype)
    rows = [padded[:, i : i + height - 1 : 2] for i in range(4)]
    for row, combine in enumerate(_COMBINED):
        combine(rows, line)
        columns = [line[:, :, j : j + width - 1 : 2] for j in range(4)]
        for column, combine_columns in enumerate(_COMBINED):
            combine_columns(columns, points[row, column])
    return points


_COMBINED = (
    lambda of, out: torch.sub(of[0], of[2], out=out),
    lambda of, out: torch.add(of[1], of[2], out=out),
    lambda of, out: torch.sub(of[2], of[1], out=out),
    lambda of, out: torch.sub(of[1], of[3], out=out),
)
"""The rows of B^T."""
