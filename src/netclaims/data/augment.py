"""Random crops and mirror images of training examples."""

from __future__ import annotations

import torch
from torch import Tensor

from netclaims.training.settings import Augment


def augmented(x: Tensor, settings: Augment, black: Tensor, streams: list[torch.Generator]) -> Tensor:
    """Change every member's images at random, by a stream of its own.

    A crop pads the image by n black pixels on every side and cuts one of its size out of that at random, as
    `torchvision.transforms.RandomCrop(padding=n)` does.

    Args:
        x: images (members or 1, batch, channels, height, width).
        settings: whether to crop, and whether to mirror.
        black: what a black pixel is in each channel: (channels,).
        streams: one per member.

    Returns:
        Images (members, batch, channels, height, width).
    """
    members = x.expand(len(streams), *x.shape[1:])
    return torch.stack([_one(images, settings, black, s) for images, s in zip(members, streams, strict=True)])


def _one(x: Tensor, settings: Augment, black: Tensor, stream: torch.Generator) -> Tensor:
    count, _, height, width = x.shape
    if settings.crop:
        pad = settings.crop
        padded = black.view(1, -1, 1, 1).expand(count, -1, height + 2 * pad, width + 2 * pad).clone()
        padded[:, :, pad : pad + height, pad : pad + width] = x
        top, left = torch.randint(2 * pad + 1, (2, count, 1), generator=stream)
        rows, columns = (top + torch.arange(height)).to(x.device), (left + torch.arange(width)).to(x.device)
        each = torch.arange(count, device=x.device).view(-1, 1, 1)
        x = padded[each, :, rows.unsqueeze(2), columns.unsqueeze(1)].permute(0, 3, 1, 2)
    if settings.flip:
        mirrored = torch.rand(count, 1, 1, 1, generator=stream) < 0.5
        x = torch.where(mirrored.to(x.device), x.flip(3), x)
    return x
