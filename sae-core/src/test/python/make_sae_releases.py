"""Writes the table of releases that `sae fetch sae:RELEASE/ID` knows, from SAELens' directory (MIT license).

Usage: python make_sae_releases.py PRETRAINED_SAES.yaml > sae-releases.tsv
A line that begins with a release: its name, SAELens' loader, repository, the model's repository. The line after it: its coders, each ID=PATH, or ID
where the path is that or ends in it (PREFIX in front of the first). Needs pyyaml; pretrained_saes.yaml is in the package sae-lens (6.54.12 here).
"""
import sys

import yaml

MODELS = {"gpt2-small": "openai-community/gpt2", "mistral-7b": "mistralai/Mistral-7B-v0.1", "pythia-70m-deduped": "EleutherAI/pythia-70m-deduped",
          "gemma-2b": "google/gemma-2b", "gemma-2b-it": "google/gemma-2b-it"}


def repository(model):
    if "/" in model:
        return model
    if model in MODELS:
        return MODELS[model]
    if model.startswith("gemma-2-"):
        return f"google/{model}"
    if model.startswith("qwen3-"):
        return "Qwen/Q" + model[1:-1] + model[-1].upper()
    raise SystemExit(f"which repository has the model {model}?")


print("# The releases of SAELens 6.54.12's directory (pretrained_saes.yaml, MIT license), written by make_sae_releases.py")
for name, release in yaml.safe_load(open(sys.argv[1])).items():
    print(name, release.get("conversion_func") or "sae_lens", release["repo_id"], repository(release["model"]), sep="\t")
    coders = [(str(s["id"]), str(s.get("path", s["id"]))) for s in release["saes"]]
    first_id, first_path = coders[0]
    prefix = first_path[: -len(first_id)] if first_path.endswith(first_id) else ""
    print("", prefix, " ".join(i if p == prefix + i else f"{i}={p}" for i, p in coders), sep="\t")
