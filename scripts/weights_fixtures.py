"""Writes the small weight files that the readers are tested and fuzzed on.

    python -m pip install -r scripts/requirements-torchvision.txt
    python scripts/weights_fixtures.py

writes to `crates/infoplane-graph/tests/weights/`. Every float tensor's elements are 0, 1/8, 2/8, ... in
row-major order, whatever its element type and however it lies in its storage. `evil.pth` would run a
command if anything executed it.
"""

import argparse
import collections
import json
import os
import pickle
import struct
from pathlib import Path

import torch

TARGET = Path(__file__).resolve().parent.parent / "crates/infoplane-graph/tests/weights"


def counting(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    n = int(torch.Size(shape).numel())
    return (torch.arange(n) / 8).reshape(shape).to(dtype)


def views() -> dict[str, torch.Tensor]:
    """Tensors that lie in their storages in every way."""
    shared = torch.cat([torch.full((5,), -1.0), counting(2, 6).flatten(), torch.full((3,), -1.0)])
    columns = torch.full((4, 9), -1.0)
    columns[:, 2:5] = counting(4, 3)
    steps = torch.full((20,), -1.0)
    steps[3:15:2] = counting(6)
    return {
        "plain": counting(3, 4),
        "scalar": counting(),
        "empty": counting(0, 3),
        "transposed": counting(4, 3).t().contiguous().t(),
        "permuted": counting(2, 3, 4).permute(2, 0, 1).contiguous().permute(1, 2, 0),
        "channels_last": counting(2, 3, 2, 2).contiguous(memory_format=torch.channels_last),
        "offset": shared[5:17].view(2, 6),
        "columns": columns[:, 2:5],
        "steps": steps[3:15:2],
        "half": counting(5, dtype=torch.float16),
        "bfloat16": counting(5, dtype=torch.bfloat16),
        "double": counting(2, 2, dtype=torch.float64),
        "double_transposed": counting(3, 2, dtype=torch.float64).t().contiguous().t(),
        "parameter": torch.nn.Parameter(counting(2, 2)),
        "bn.num_batches_tracked": torch.tensor(7),
        "flags": torch.tensor([True, False]),
        "small": torch.tensor([1, 2], dtype=torch.uint16),
    }


def checkpoint() -> dict:
    """What a training script keeps."""
    net = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    state = net.state_dict()
    for name, tensor in state.items():
        if tensor.is_floating_point():
            state[name] = counting(*tensor.shape)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    net(torch.ones(4, 3)).sum().backward()
    optimizer.step()
    return {
        "epoch": 3,
        "best": 0.75,
        "name": "net",
        "huge": 2**80,
        "device": torch.device("cpu"),
        "shape": torch.Size([1, 2]),
        "optimizer": optimizer.state_dict(),
        "state_dict": collections.OrderedDict((f"module.{k}", v) for k, v in state.items()),
    }


class Evil:
    def __reduce__(self):
        return os.system, ("touch executed",)


def save(value, name: str, **options) -> None:
    torch.save(value, TARGET / name, **options)


def safetensors(tensors: dict[str, torch.Tensor], name: str) -> None:
    names = {
        torch.float32: "F32",
        torch.float64: "F64",
        torch.float16: "F16",
        torch.bfloat16: "BF16",
        torch.int64: "I64",
        torch.uint16: "U16",
        torch.bool: "BOOL",
    }
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for key, tensor in tensors.items():
        raw = bytes(tensor.detach().contiguous().flatten().view(torch.uint8).numpy())
        header[key] = {
            "dtype": names[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [len(data), len(data) + len(raw)],
        }
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    (TARGET / name).write_bytes(struct.pack("<Q", len(text)) + text + data)


def main() -> None:
    TARGET.mkdir(parents=True, exist_ok=True)
    legacy = {"_use_new_zipfile_serialization": False}
    save(views(), "views_zip.pth")
    save(views(), "views_legacy.pth", **legacy)
    save(views(), "views_protocol4.pth", pickle_protocol=4)
    safetensors(views(), "views.safetensors")
    save(checkpoint(), "checkpoint_zip.pth")
    save(checkpoint(), "checkpoint_legacy.pth", **legacy)
    save({"weight": counting(2), "evil": Evil()}, "evil_zip.pth")
    save({"weight": counting(2), "evil": Evil()}, "evil_legacy.pth", **legacy)
    save(torch.nn.Linear(2, 2), "module.pth")
    save({"args": argparse.Namespace(lr=1), "model": {"weight": counting(2)}}, "namespace.pth")
    save(counting(2), "one_tensor.pth")
    save({"epoch": 3, "history": [1, 2]}, "no_tensors.pth")
    (TARGET / "evil.pkl").write_bytes(pickle.dumps(Evil()))
    for file in sorted(TARGET.iterdir()):
        print(file.name, file.stat().st_size)


if __name__ == "__main__":
    main()
