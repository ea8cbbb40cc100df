"""Norms by layer and position, and vectors of the residual stream as autoencoders of one feature."""
import json
import sys
from pathlib import Path

import numpy as np

import tensors

HOOK = "blocks.14.hook_resid_post"


def norms(work):
    table = {}
    for name, values in tensors.read(work / "layers.safetensors").items():
        length = np.linalg.norm(np.asarray(values, np.float64), axis=-1)
        table[name] = {"first": float(np.median(length[:, 0])), "later": float(np.median(length[:, 1:]))}
    train = np.asarray(next(iter(tensors.read(work / "rows-train" / "norms.safetensors").values())), np.float64).ravel()
    median = np.median(train)
    large = train > 2.5 * median
    shard = tensors.shards(work / "rows-train", HOOK)[0]
    first, at = np.zeros(len(train), bool), 0
    for line in open(work / "train.tokens"):
        if at < len(train):
            first[at] = True
        at += line.count(",") + 1
    kept = np.flatnonzero(~first[:len(shard)])              # the rows behind position 0
    chunks = [np.asarray(shard[kept[at:at + 20_000]], np.float64) for at in range(0, len(kept), 20_000)]
    mean = sum(chunk.sum(0) for chunk in chunks) / len(kept)
    squares = np.concatenate([((chunk - mean) ** 2).sum(1) for chunk in chunks])
    usual = np.concatenate([chunk[~large[kept[at * 20_000:at * 20_000 + len(chunk)]]] for at, chunk in enumerate(chunks[:3])]).mean(0)
    (work / "norms.json").write_text(json.dumps({
        "layers": table, "rows": len(train), "first": int(first.sum()), "median": median, "largest": float(train[~first].max()), "large": int((large & ~first).sum()),
        "first_large": int((large & first).sum()), "second_large": int((large[1:] & first[:-1] & ~first[1:]).sum()),
        "share_of_variance": float(squares[large[kept]].sum() / squares.sum()), "quantiles": {q: float(np.quantile(train, q)) for q in (.001, .05, .5, .95, .99, .999)}}))
    tensors.write_sae(work / "sae" / "mean", HOOK, np.eye(len(usual))[0], usual, -1)


def steering(work):
    rows = tensors.rows(work / "rows-choose", HOOK)
    length = np.linalg.norm(np.asarray(rows, np.float64), axis=1)
    means = {}
    at = 0
    for line in open(work / "choose.rows.jsonl", encoding="utf-8"):
        document = json.loads(line)
        n = 1 + len(document["tokens"])        # position 0 has the beginning-of-sequence token
        if document["label"] in ("manual-fr", "manual-en"):
            means.setdefault(document["label"], []).append(np.asarray(rows[at:at + n], np.float64)[length[at:at + n] < 2.5 * np.median(length)]
                                                           .mean(0))
        at += n
    if at != len(rows):
        raise SystemExit(f"error: {at} tokens, {len(rows)} rows")
    french, english = (np.array(means[label]) for label in ("manual-fr", "manual-en"))
    vector = french.mean(0) - english.mean(0)
    half = [french[i::2].mean(0) - english[i::2].mean(0) for i in (0, 1)]
    cosine = half[0] @ half[1] / np.linalg.norm(half[0]) / np.linalg.norm(half[1])
    tensors.write_sae(work / "sae" / "french", HOOK, vector / np.linalg.norm(vector), np.zeros(len(vector)), -1)
    (work / "vector.json").write_text(json.dumps({"norm": float(np.linalg.norm(vector)), "median": float(np.median(length)), "documents": [
        len(french), len(english)], "cosine_of_halves": float(cosine)}))


if __name__ == "__main__":
    (steering if sys.argv[2:] == ["steering"] else norms)(Path(sys.argv[1]))
