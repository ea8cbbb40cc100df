"""Compares `sae evaluate` with SAELens' own evaluation, on the same texts packed by SAELens itself.

    sae evaluate --sae SAE --model MODEL --corpus TEXTS --pack packed --context N --output EVALUATION.json
    HF_HUB_OFFLINE=1 python compare_evaluation.py MODEL SAE TEXTS N EVALUATION.json        (sae-lens 6.54, transformer-lens, tokenizers)

MODEL is a folder in TransformerLens' layout (config.json, model.safetensors, tokenizer.json), SAE one in SAELens', TEXTS a file of label, tab,
text. Contexts are those of sae_lens.tokenization_and_batching, metrics those of sae_lens.evals.get_recons_loss over all of them. Prints a row of
docs/agreement.md for each metric and fails if one differs by more than 1e-4.
"""
import json
import sys
from pathlib import Path

import torch
from sae_lens import SAE
from sae_lens.evals import get_recons_loss
from sae_lens.tokenization_and_batching import concat_and_batch_sequences
from sae_lens.training.activation_scaler import ActivationScaler
from safetensors.torch import load_file
from tokenizers import Tokenizer
from transformer_lens import HookedTransformer, HookedTransformerConfig

model_folder, sae_folder, texts, length, evaluation = sys.argv[1:]
length = int(length)
config = json.loads((Path(model_folder) / "config.json").read_text())
known = {"n_layers", "d_model", "n_ctx", "d_head", "n_heads", "d_mlp", "d_vocab", "act_fn", "normalization_type", "eps",
         "positional_embedding_type"}
model = HookedTransformer(HookedTransformerConfig(**{k: v for k, v in config.items() if k in known}))
# What a file leaves out (masks, IGNORE) the model makes itself.
missing = model.load_state_dict(load_file(Path(model_folder) / "model.safetensors"), strict=False)
assert not missing.unexpected_keys and all("mask" in k or "IGNORE" in k for k in missing.missing_keys), missing
sae = SAE.load_from_disk(sae_folder)
tokenizer = Tokenizer.from_file(str(Path(model_folder) / "tokenizer.json"))
bos = tokenizer.token_to_id(config["bos_token"])


def documents():
    for line in Path(texts).read_text(encoding="utf-8-sig").split("\n"):
        if line.strip():
            text = line.split("\t", 1)[1].rstrip("\r")
            yield text.replace("\\\\", "\0").replace("\\n", "\n").replace("\\t", "\t").replace("\0", "\\")


streams = [tokenizer.encode(text, add_special_tokens=False).ids for text in documents()]
packed = list(concat_and_batch_sequences((torch.tensor(ids) for ids in streams), context_size=length, begin_batch_token_id=bos,
                                         begin_sequence_token_id=None, sequence_separator_token_id=bos))
# SAELens drops what is left behind the last full context; sae4j evaluates it too.
stream = [token for i, ids in enumerate(streams) for token in ([bos] if i else []) + ids]
at, contexts = 0, []
while at < len(stream):
    first = [] if stream[at] == bos else [bos]
    taken = stream[at:at + length - len(first)]
    contexts.append(torch.tensor(first + taken))
    at += len(taken)
assert all(torch.equal(a, b) for a, b in zip(packed, contexts)) and len(contexts) - len(packed) in (0, 1)
contexts = [context for context in contexts if len(context) > 1]
sums = {}
with torch.no_grad():
    for context in contexts:
        for name, values in get_recons_loss(sae, model, ActivationScaler(), context[None], compute_kl=True, compute_ce_loss=True).items():
            total, count = sums.get(name, (0.0, 0))
            sums[name] = (total + values.double().sum().item(), count + values.numel())
theirs = {name: total / count for name, (total, count) in sums.items()}
theirs["kl_div_score"] = 1 - theirs["kl_div_with_sae"] / theirs["kl_div_with_ablation"]
theirs["ce_loss_score"] = (theirs["ce_loss_with_ablation"] - theirs["ce_loss_with_sae"]) / (
    theirs["ce_loss_with_ablation"] - theirs["ce_loss_without_sae"])
written = json.loads(Path(evaluation).read_text())
ours = written["saelens"]
print(f"{len(contexts)} contexts of {length} tokens; {written['provenance']['contexts']} in sae4j")
assert len(contexts) == written["provenance"]["contexts"]
for name, value in theirs.items():
    print(f"| {name} | {value:.6f} | {ours[name]:.6f} | {abs(value - ours[name]):.1e} |")
    assert abs(value - ours[name]) < 1e-4, name
