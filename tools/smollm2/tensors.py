"""Reads and writes safetensors files of float32 with NumPy, and autoencoders in SAELens' layout."""
import json

import numpy as np


def read(path, name=None):
    """All tensors of a file by name, or one of them, as views of the file."""
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
    header.pop("__metadata__", None)
    tensors = {}
    for key, entry in header.items():
        if entry["dtype"] == "F32" and name in (None, key):
            begin, end = entry["data_offsets"]
            tensors[key] = np.memmap(path, np.float32, "r", 8 + length + begin, tuple(entry["shape"]))
    return tensors if name is None else tensors[name]


def shards(folder, hook):
    """The activations of a store, shard by shard."""
    return [read(path, hook) for path in sorted(folder.glob("*.safetensors")) if path.name != "norms.safetensors"]


def rows(folder, hook):
    """The activations of a store that has one shard."""
    found = shards(folder, hook)
    if len(found) != 1:
        raise SystemExit(f"error: expected one shard in {folder}, found {len(found)}")
    return found[0]


def write(path, tensors):
    header, at = {}, 0
    for key, value in tensors.items():
        header[key] = {"dtype": "F32", "shape": list(value.shape), "data_offsets": [at, at + 4 * value.size]}
        at += 4 * value.size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for value in tensors.values():
            file.write(np.ascontiguousarray(value, np.float32).tobytes())


def write_sae(folder, hook, direction, bias, threshold):
    """An autoencoder of one feature that writes a direction; with a threshold below 0 it never fires."""
    folder.mkdir(parents=True, exist_ok=True)
    d = len(direction)
    write(folder / "sae_weights.safetensors", {"W_enc": np.zeros((d, 1)), "b_enc": np.array([threshold]), "W_dec": np.asarray(direction)[None],
                                               "b_dec": np.asarray(bias)})
    (folder / "cfg.json").write_text(json.dumps({"architecture": "standard", "d_in": d, "d_sae": 1, "dtype": "float32", "activation_fn": "relu",
                                                 "apply_b_dec_to_input": False, "normalize_activations": "none", "hook_name": hook}))
