"""What features fire on, by stated rules over all of them, beside raw coordinates of the stream and random directions.

Everything is chosen on one set of documents ("choose") and measured on another, of other files ("score"). A detector is a number for each token: a
feature's activation, a signed coordinate of the residual stream less its mean, or the projection on a random direction. There are as many random
directions as features.
"""
import json
import re
import sys
import unicodedata
from pathlib import Path

import numpy as np

import tensors
from vocabulary import name_of, text_of

HOOK = "blocks.14.hook_resid_post"
BOOTSTRAP = 1000
LEAST = 20          # a feature that fires on fewer tokens of the choosing documents is not judged

TO_BE = {"be", "is", "are", "was", "were", "been", "being", "am"}
KINDS = {
    "a line break": lambda t, _: "\n" in t,
    "a digit": lambda t, _: bool(re.search(r"\d", t)),
    "a word in capitals": lambda t, _: len(t.strip()) > 1 and t.strip().isalpha() and t.strip().isupper(),
    "a capitalized word": lambda t, _: len(t.strip()) > 1 and t.strip().isalpha() and t.strip().istitle(),
    "a comma": lambda t, _: t.strip() == ",",
    "a period": lambda t, _: t.strip() == ".",
    "a quotation mark": lambda t, _: t.strip() in ('"', "''", "``", "'"),
    "an opening parenthesis": lambda t, _: "(" in t,
    "a hyphen or dash": lambda t, _: set(t.strip()) <= set("-–—") and t.strip() != "",
    "a form of 'to be'": lambda t, _: t.strip().lower() in TO_BE,
    "'the'": lambda t, _: t.strip().lower() == "the",
    "'of'": lambda t, _: t.strip().lower() == "of",
    "'and'": lambda t, _: t.strip().lower() == "and",
    "'not' or 'n't'": lambda t, _: t.strip().lower() in ("not", "n't", "'t"),
    "a personal pronoun": lambda t, _: t.strip().lower() in ("i", "you", "he", "she", "we", "they", "him", "her", "them", "me", "us"),
    "a Cyrillic letter": lambda t, _: "CYRILLIC" in {unicodedata.name(c, "").split(" ")[0] for c in t},
    "the token after a line break": lambda t, before: "\n" in before and "\n" not in t,
    "the token after 'to'": lambda t, before: before.strip().lower() == "to",
}


def midrank_auroc(scores, positive):
    """AUROC of each column, ties counting half."""
    n = len(positive)
    out = np.empty(scores.shape[1])
    p = positive.sum()
    for column in range(scores.shape[1]):
        values, inverse, counts = np.unique(scores[:, column], return_inverse=True, return_counts=True)
        ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
        out[column] = (ranks[positive].sum() - p * (p + 1) / 2) / (p * (n - p))
    return out


class Side:
    """One set of documents: its tokens, labels, and detectors' numbers."""

    def __init__(self, work, name, mean=None):
        self.entries, self.labels, self.before, starts = [], [], [], [0]
        for line in open(work / (name + ".rows.jsonl"), encoding="utf-8"):
            document = json.loads(line)
            self.labels.append(document["label"])
            self.entries += ["", *document["tokens"]]           # position 0 has the beginning-of-sequence token
            self.before += ["", "", *map(text_of, document["tokens"][:-1])]
            starts.append(len(self.entries))
        self.tokens = [text_of(entry) for entry in self.entries]
        self.starts = np.array(starts)
        self.label_of = np.repeat(self.labels, np.diff(self.starts))
        rows = np.array(tensors.rows(work / ("rows-" + name), HOOK))
        if len(rows) != len(self.tokens):
            raise SystemExit(f"error: {name} has {len(self.tokens)} tokens and {len(rows)} activations")
        length = np.linalg.norm(rows, axis=1)
        self.usual = length <= 2.5 * np.median(length)     # the rule of training: other rows say nothing about tokens
        self.mean = rows[self.usual].mean(0) if mean is None else mean
        self.rows = rows - self.mean
        self.rows[~self.usual] = 0
        self.features = np.array(tensors.read(work / f"features-{name}.safetensors", "features"))
        self.features[~self.usual] = 0

    def maxima(self, detector):
        return np.maximum.reduceat(detector, self.starts[:-1], axis=0)

    def means(self, detector):
        return np.add.reduceat(detector, self.starts[:-1], axis=0) / np.diff(self.starts)[:, None]


def interval(values):
    return [float(np.quantile(values, .025)), float(np.quantile(values, .975))]


def labels(choose, score, kinds):
    """The best detector of each label by AUROC over documents, a document scoring its largest activation, or the mean of its activations."""
    found = []
    documents = {(name, how): (getattr(choose, how)(a), getattr(score, how)(b)) for name, (a, b) in kinds.items() for how in ("maxima", "means")}
    own, other = np.array(choose.labels), np.array(score.labels)
    draws = np.random.default_rng(0)
    for label in sorted(set(choose.labels)):
        entry = {"label": label, "documents": int((other == label).sum())}
        if entry["documents"] < 3:
            continue
        resampled = [draws.integers(0, len(other), len(other)) for _ in range(200)]
        for name in kinds:
            best = None
            for how in ("maxima", "means"):
                scores = midrank_auroc(documents[name, how][0], own == label)
                top = int(np.argmax(scores))
                if best is None or scores[top] > best[0]:
                    best = (float(scores[top]), top, how)
            _, top, how = best
            column = documents[name, how][1][:, [top]]
            boots = [midrank_auroc(column[r], other[r] == label)[0] for r in resampled if 0 < (other[r] == label).sum()]
            value = float(midrank_auroc(column, other == label)[0])
            entry[name] = {"detector": top, "by": how, "auroc": value, "interval": interval(boots)}
        entry["feature"], entry["auroc"] = entry["features"]["detector"], entry["features"]["auroc"]
        found.append(entry)
    return found


def f1_threshold(values, truth):
    """The threshold with the highest F1, of 64 between the smallest and the largest value; (F1, threshold)."""
    hits = values[truth]
    best = (0.0, 0.0)
    for threshold in np.unique(np.concatenate([[0.0], np.quantile(values[values > 0], np.linspace(0, .995, 48)) if (values > 0).any() else []])):
        fired = (values > threshold).sum()
        true = (hits > threshold).sum()
        f1 = 2 * true / (fired + truth.sum()) if fired else 0.0
        if f1 > best[0]:
            best = (float(f1), float(threshold))
    return best


def detection(values, truth, threshold):
    fired = values > threshold
    true = int((fired & truth).sum())
    precision = true / fired.sum() if fired.any() else 0.0
    recall = true / truth.sum()
    return {"precision": float(precision), "recall": float(recall), "f1": float(2 * true / (fired.sum() + truth.sum())) if fired.any() else 0.0}


def tokens(choose, score, kinds):
    """For each kind of token the detector with the highest F1 among all, by its best threshold; both chosen, then measured."""
    found = []
    spread = {name: ((a > 0).sum(0), a.mean(0), np.sqrt(np.maximum(np.einsum("ij,ij->j", a, a) / len(a) - a.mean(0) ** 2, 0)))
              for name, (a, _) in kinds.items()}
    for kind, rule in KINDS.items():
        truth = [np.array([rule(t, b) for t, b in zip(side.tokens, side.before)]) for side in (choose, score)]
        if truth[0].sum() < 50 or truth[1].sum() < 50:
            continue
        entry = {"kind": kind, "n": int(truth[1].sum()), "of": len(truth[1])}
        for name, (a, b) in kinds.items():
            own = truth[0].astype(np.float32)
            fires, mean, deviation = spread[name]
            # 16 candidates by F1 of firing at all, and 16 by the difference of means in standard deviations; their thresholds are then searched.
            rough = 2 * (own @ (a > 0)) / (fires + own.sum())
            effect = (own @ a / own.sum() - mean) / (deviation + 1e-9)
            candidates = set(np.argsort(-rough)[:16]) | set(np.argsort(-effect)[:16])
            (_, threshold), top = max((f1_threshold(a[:, c], truth[0]), int(c)) for c in sorted(candidates))
            entry[name] = {"detector": top, "threshold": threshold} | detection(b[:, top], truth[1], threshold)
            if name == "features":
                wrong = np.flatnonzero(~truth[1] & (b[:, top] > threshold))
                wrong = wrong[np.argsort(-b[wrong, top])][:3]
                entry["counterexamples"] = [text_of("".join(score.entries[max(0, i - 6):i]) + "⟦" + score.entries[i] + "⟧") for i in wrong]
        found.append(entry)
    return found


def describe(choose, score, detectors):
    """A description of each detector that fires often enough, and whether it holds on the other documents.

    One token: at least half of the firings are of one token, spaces and case aside. One label: at least half lie in documents of one label. One kind: F1
    of at least 0.5 against a kind of token. The description is made on the choosing documents and counted where it holds on the others too.
    """
    a, b = detectors
    names = [np.array([name_of(entry) for entry in side.entries]) for side in (choose, score)]
    truths = {kind: [np.array([rule(t, p) for t, p in zip(side.tokens, side.before)]) for side in (choose, score)] for kind, rule in KINDS.items()}
    results = []
    for column in range(a.shape[1]):
        fired, again = np.flatnonzero(a[:, column] > 0), np.flatnonzero(b[:, column] > 0)
        if len(fired) < LEAST or len(again) < 5:
            continue
        found = {}
        values, counts = np.unique(names[0][fired], return_counts=True)
        top = values[np.argmax(counts)]
        if counts.max() / len(fired) >= .5 and (names[1][again] == top).mean() >= .5:
            found["token"] = [str(top), float((names[1][again] == top).mean())]
        values, counts = np.unique(choose.label_of[fired], return_counts=True)
        top = values[np.argmax(counts)]
        if counts.max() / len(fired) >= .5 and (score.label_of[again] == top).mean() >= .5:
            found["label"] = [str(top), float((score.label_of[again] == top).mean())]
        for kind, (own, other) in truths.items():
            f1 = [2 * t[f].sum() / (len(f) + t.sum()) for t, f in ((own, fired), (other, again))]
            if min(f1) >= .5:
                found["kind"] = [kind, float(f1[1])]
        results.append({"detector": column, "fires": len(again), "found": found})
    return results


def control(choose, score, detectors, density):
    """Detectors of a control, each made to fire as often as a feature does: below a quantile they are 0."""
    out = []
    draws = np.random.default_rng(1)
    shares = draws.choice(density, detectors[0].shape[1])
    for values in detectors:
        kept = values.copy()
        for column, share in enumerate(shares):
            threshold = np.quantile(detectors[0][:, column], 1 - share)
            kept[:, column] = np.where(kept[:, column] > threshold, kept[:, column] - threshold + 1e-6, 0)
        out.append(kept)
    return out


def examples(side, column, count=4):
    """The strongest token of each of the documents with the largest activations."""
    tops = side.maxima(side.features[:, [column]])[:, 0]
    out = []
    for document in np.argsort(-tops)[:count]:
        at = side.starts[document] + int(np.argmax(side.features[side.starts[document]:side.starts[document + 1], column]))
        out.append(text_of("".join(side.entries[max(side.starts[document], at - 8):at]) + "⟦" + side.entries[at] + "⟧" + "".join(
            side.entries[at + 1:min(side.starts[document + 1], at + 5)])))
    return out


def main(work):
    choose = Side(work, "choose")
    score = Side(work, "score", choose.mean)
    width = choose.features.shape[1]
    directions = np.random.default_rng(0).normal(size=(choose.rows.shape[1], width)).astype(np.float32)
    directions /= np.linalg.norm(directions, axis=0)
    coordinates = [np.concatenate([s.rows, -s.rows], 1) for s in (choose, score)]
    random = [s.rows @ directions for s in (choose, score)]
    kinds = {"features": (choose.features, score.features), "coordinates": tuple(coordinates), "random directions": tuple(random)}
    density = (choose.features > 0).mean(0)
    live = density[density * len(choose.features) >= LEAST]
    described = {"features": describe(choose, score, kinds["features"])}
    for name in ("coordinates", "random directions"):
        described[name] = describe(choose, score, control(choose, score, kinds[name], live))
    chosen = np.random.default_rng(2).permutation([d["detector"] for d in described["features"]])
    recognized = sorted((d for d in described["features"] if "token" in d["found"] and len(d["found"]["token"][0]) > 2 and d["fires"] >= 20),
                        key=lambda d: (-d["found"]["token"][1], -d["fires"]))
    of_labels = sorted((d for d in described["features"] if "label" in d["found"] and "token" not in d["found"] and d["fires"] >= 20),
                       key=lambda d: (-d["found"]["label"][1], -d["fires"]))
    result = {
        "documents": [len(choose.labels), len(score.labels)], "tokens": [len(choose.tokens), len(score.tokens)],
        "left_out": [int((~s.usual).sum()) for s in (choose, score)],
        "features": width, "live": int(len(live)), "median_density": float(np.median(live)),
        "labels": labels(choose, score, kinds), "kinds": tokens(choose, score, kinds),
        "described": {name: {"judged": len(list_), **{how: sum(how in d["found"] for d in list_) for how in ("token", "label", "kind")},
                             "any": sum(bool(d["found"]) for d in list_)} for name, list_ in described.items()},
        "random_hundred": sum(bool(next(d for d in described["features"] if d["detector"] == c)["found"]) for c in chosen[:100]),
        "tokens_found": [d | {"examples": examples(score, d["detector"])} for d in recognized[:12]],
        "labels_found": [d | {"examples": examples(score, d["detector"])} for d in of_labels[:8]],
        "unpicked": [{"detector": int(c), "found": next(d for d in described["features"] if d["detector"] == c)["found"],
                      "examples": examples(score, int(c), 3)} for c in chosen[:8]],
    }
    (work / "features.json").write_text(json.dumps(result, indent=1, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
