"""3x3 convolutions whose training step is quicker on a CPU; elsewhere PyTorch's own.

In float32, a 4x4 tile of the output takes 36 products of transformed numbers for each pair of
channels, not 144 (Winograd's F(4x4, 3x3): Lavin and Gray, https://arxiv.org/abs/1509.09308).
Transforms are matrix products, too, over as many images at a time as stay in the cache. Results
differ from direct sums by about 1e-5 of the largest value. Weight gradients gain most: PyTorch's
take half as long again as its forward pass.

In bfloat16, in which AMX convolves some four times as fast, PyTorch's own are the quicker ones, but
for the weight gradients of many filters on small maps: there one product of unfolded patches is.
"""

import torch
from torch import nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F
from torch.nn.grad import conv2d_input

TILE = 4  # side of a tile of the output; 6 of the padded input
# Maps with fewer channels (in times out) gain less from fewer products than the transforms cost.
WORTH = 128 * 256
# In bfloat16, many filters are those with at least as many weights; small maps as large as this.
MANY, SMALL = 9 * 256 * 512, 8
# Transformed numbers that are at work at once, 8 MB; more where the filters themselves are large.
AT_ONCE = 2_000_000
# Unfolded numbers that are at work at once, 128 MB: products with few of them are slow.
UNFOLDED_AT_ONCE = 64_000_000

# Of a 6x6 input tile, of a 3x3 filter, and of the 6x6 products: the paper's B', G and A'.
_INPUT = torch.tensor(
    [
        [4, 0, -5, 0, 1, 0],
        [0, -4, -4, 1, 1, 0],
        [0, 4, -4, -1, 1, 0],
        [0, -2, -1, 2, 1, 0],
        [0, 2, -1, -2, 1, 0],
        [0, 4, 0, -5, 0, 1],
    ],
    dtype=torch.float32,
)
_FILTER = torch.tensor(
    [[6, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 24]], dtype=torch.float32
)
_OUTPUT = torch.tensor(
    [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]],
    dtype=torch.float32,
)
# Both dimensions of a tile at once, tiles being columns.
INPUT = torch.kron(_INPUT, _INPUT)  # (36, 36)
FILTER = torch.kron(_FILTER / 24, _FILTER / 24)  # (36, 9)
OUTPUT = torch.kron(_OUTPUT, _OUTPUT)  # (16, 36)


class Conv2d(nn.Conv2d):
    """nn.Conv2d of 3x3 filters, without bias, padded by 1; the same to whoever uses it."""

    def __init__(self, width_in: int, width_out: int, stride: int = 1):
        super().__init__(width_in, width_out, 3, stride=stride, padding=1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.training and x.device.type == "cpu":
            dtype = x.dtype
            if torch.is_autocast_enabled("cpu"):
                dtype = torch.get_autocast_dtype("cpu")
            if dtype == torch.bfloat16 and self.weight.numel() >= MANY and x.shape[2] <= SMALL:
                return _Unfolded.apply(x.to(dtype), self.weight.to(dtype), self.stride)
            if (
                dtype == x.dtype == self.weight.dtype == torch.float32
                and self.stride == (1, 1)
                and self.in_channels >= 64
                and x.shape[2] % TILE == x.shape[3] % TILE == 0
            ):
                return _Winograd.apply(x, self.weight)
        return super().forward(x)


class _Unfolded(torch.autograd.Function):
    """PyTorch's convolution with `unfolded_weight_gradient`."""

    @staticmethod
    def forward(ctx, x: torch.Tensor, weight: torch.Tensor, stride: tuple[int, int]):
        ctx.save_for_backward(x, weight)
        ctx.stride = stride
        return F.conv2d(x, weight, stride=stride, padding=1)

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: torch.Tensor):
        x, weight = ctx.saved_tensors
        wanted_x, wanted_weight, _ = ctx.needs_input_grad
        return (
            conv2d_input(x.shape, weight, gradient, ctx.stride, padding=1) if wanted_x else None,
            unfolded_weight_gradient(x, gradient, ctx.stride[0]) if wanted_weight else None,
            None,
        )


def unfolded_weight_gradient(x: torch.Tensor, gradient: torch.Tensor, stride: int) -> torch.Tensor:
    """The weight gradient (O, C, 3, 3) of `F.conv2d(x, weight, stride=stride, padding=1)`.

    x: (N, C, H, W); gradient: (N, O, H', W'), of the result. Sums over parts are float32.
    """
    width_in, (width_out, rows, columns) = x.shape[1], gradient.shape[1:]
    padded = F.pad(x.permute(0, 2, 3, 1), (0, 0, 1, 1, 1, 1))
    image, row, column, channel = padded.stride()
    total = torch.zeros(width_out, 9 * width_in)
    at_once = max(1, UNFOLDED_AT_ONCE // (rows * columns * 9 * width_in))
    parts = zip(padded.split(at_once), gradient.split(at_once), strict=True)
    for images, part in parts:
        patches = images.as_strided(
            (len(images), rows, columns, 3, 3, width_in),
            (image, stride * row, stride * column, row, column, channel),
        ).reshape(-1, 9 * width_in)
        total += part.permute(1, 0, 2, 3).reshape(width_out, -1) @ patches
    return total.view(width_out, 3, 3, width_in).permute(0, 3, 1, 2).to(x.dtype)


class _Winograd(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x, weight)
        return convolve(x, weight)

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: torch.Tensor):
        x, weight = ctx.saved_tensors
        wanted_x, wanted_weight = ctx.needs_input_grad
        # The gradient of the input is a convolution as well, with mirrored filters.
        mirrored = weight.flip(2, 3).transpose(0, 1)
        return (
            convolve(gradient, mirrored) if wanted_x else None,
            weight_gradient(x, gradient) if wanted_weight else None,
        )


def convolve(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """`F.conv2d(x, weight, padding=1)`. x: float32 (N, C, H, W), weight: float32 (O, C, 3, 3)."""
    width_out, width_in = weight.shape[:2]
    if width_in * width_out < WORTH:
        return F.conv2d(x, weight, padding=1)
    count, _, height, width = x.shape
    rows, columns = height // TILE, width // TILE
    filters = FILTER @ weight.permute(2, 3, 1, 0).reshape(9, -1)
    filters = filters.view(36, width_in, width_out)
    result = x.new_empty(count, rows, TILE, columns, TILE, width_out)
    parts = zip(_tiles(x, width_out), result.split(_at_once(x, width_out)), strict=True)
    for tiles, part in parts:
        products = OUTPUT @ torch.bmm(tiles, filters).view(36, -1)
        products = products.view(TILE, TILE, len(part), rows, columns, width_out)
        part.copy_(products.permute(2, 3, 0, 4, 1, 5))
    return result.view(count, height, width, width_out).permute(0, 3, 1, 2)


def weight_gradient(x: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
    """The gradient of `convolve`'s weight, float32 (O, C, 3, 3), from its result's (N, O, H, W)."""
    count, width_in, height, width = x.shape
    width_out = gradient.shape[1]
    split = (count, height // TILE, TILE, width // TILE, TILE, width_out)
    gradient = gradient.permute(0, 2, 3, 1).reshape(split)
    total = x.new_zeros(36, width_in, width_out)
    parts = zip(_tiles(x, width_out), gradient.split(_at_once(x, width_out)), strict=True)
    for tiles, part in parts:
        outputs = OUTPUT.T @ part.permute(2, 4, 0, 1, 3, 5).reshape(TILE * TILE, -1)
        total.baddbmm_(tiles.transpose(1, 2), outputs.view(36, -1, width_out))
    return (FILTER.T @ total.view(36, -1)).view(3, 3, width_in, width_out).permute(3, 2, 0, 1)


def _at_once(x: torch.Tensor, width_out: int) -> int:
    """How many images to take at once, so that their tiles stay in the cache."""
    _, width_in, height, width = x.shape
    an_image = 36 * (height // TILE) * (width // TILE) * (width_in + width_out)
    filters = 36 * width_in * width_out
    return max(1, max(AT_ONCE, filters // 2) // an_image)


def _tiles(x: torch.Tensor, width_out: int):
    """The transformed 6x6 tiles of some images after others: float32 (36, tiles, C)."""
    padded = F.pad(x.permute(0, 2, 3, 1), (0, 0, 1, 1, 1, 1))
    width_in, rows, columns = x.shape[1], x.shape[2] // TILE, x.shape[3] // TILE
    image, row, column, channel = padded.stride()
    for part in padded.split(_at_once(x, width_out)):
        tiles = part.as_strided(
            (TILE + 2, TILE + 2, len(part), rows, columns, width_in),
            (row, column, image, TILE * row, TILE * column, channel),
        )
        yield (INPUT @ tiles.reshape(36, -1)).view(36, -1, width_in)
