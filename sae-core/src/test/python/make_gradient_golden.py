"""Gradients of tiny random models by PyTorch's autograd, for tests of sae-core.

Usage: python make_gradient_golden.py FILE FOLDER...   (in an environment with transformers 5 and safetensors)

The folders hold the models that make_family_golden.py and make_transformer_golden.py made, with their tokens. FILE gets for each of some families `NAME/METRIC/HOOK`: the gradient
of a metric by the residual stream before each block, computed in double precision. Metrics, of the logits after the last token of each row:
`log_probability` of token row + 1, `difference` of the logits of tokens 3 and 5, `divergence` from the distribution proportional to token + 1.
"""
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

NAMES = ["hf_f32", "gpt_neo", "llama", "gemma2", "gemma3", "qwen3", "neox_parallel", "opt", "falcon_shared"]


def blocks(model):
    for path in ["model.layers", "transformer.h", "gpt_neox.layers", "model.decoder.layers"]:
        part = model
        for name in path.split("."):
            part = getattr(part, name, None)
        if part is not None:
            return part
    raise ValueError("no blocks")


def metrics(logits):
    log = torch.log_softmax(logits, -1)
    rows = range(len(logits))
    p = torch.arange(1, logits.shape[-1] + 1, dtype=logits.dtype)
    p = p / p.sum()
    return {"log_probability": sum(log[row, row + 1] for row in rows), "difference": (logits[:, 3] - logits[:, 5]).sum(),
            "divergence": sum((p * (p.log() - log[row])).sum() for row in rows)}


def main(file, folders):
    out = {}
    for name in NAMES:
        folder = next(folder for folder in folders if (folder / name).is_dir())
        tokens = load_file(folder / f"{name}.safetensors")["tokens"].long()
        model = AutoModelForCausalLM.from_pretrained(folder / name, attn_implementation="eager", dtype=torch.float64).eval()
        stream = []

        def keep(module, args, kwargs):
            hidden = args[0] if args else kwargs["hidden_states"]
            hidden.retain_grad()
            stream.append(hidden)

        for block in blocks(model):
            block.register_forward_pre_hook(keep, with_kwargs=True)
        for metric in ["log_probability", "difference", "divergence"]:
            stream.clear()
            metrics(model(tokens).logits[:, -1])[metric].backward()
            for layer, hidden in enumerate(stream):
                out[f"{name}/{metric}/blocks.{layer}.hook_resid_pre"] = hidden.grad.float().clone()
    save_file(out, file)


main(sys.argv[1], [Path(folder) for folder in sys.argv[2:]])
