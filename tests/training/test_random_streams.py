"""Random streams: equal for equal keys, unrelated for others."""

from hashlib import sha256

import torch

from netclaims.training.random_streams import stream


def draw(*key) -> torch.Tensor:
    return torch.rand(2000, generator=stream(*key))


def test_equal_keys_give_equal_streams_whatever_came_before():
    first = draw(0, "d-a", 1, "order")
    torch.manual_seed(5)
    torch.rand(3)
    draw("something else")
    assert torch.equal(draw(0, "d-a", 1, "order"), first)


def test_other_keys_give_unrelated_streams():
    keys = [
        (0, "d-a", 1, "order"),
        (1, "d-a", 1, "order"),
        (0, "d-b", 1, "order"),
        (0, "d-a", 2, "order"),
        (0, "d-a", 1, "weights"),
        (0, "d-a", "1", "order"),
        (0, "d-a1", "order"),
        (0, "d-", "a1", "order"),
        (0, "d-a", 1),
        (1, 0),
        (0, 1),
        (10,),
    ]
    draws = torch.stack([draw(*key) for key in keys])
    correlation = torch.corrcoef(draws)
    assert (correlation - torch.eye(len(keys))).abs().max() < 0.1


def test_the_seed_is_a_digest_and_so_the_same_in_every_process():
    digest = sha256(b"(3, 'd-a', 1, 'weights')").digest()
    assert stream(3, "d-a", 1, "weights").initial_seed() == int.from_bytes(digest[:8], "little") // 2
