"""Writes the reference activations that PretrainedReferenceTest compares with.

    python reference_forward.py ../../../../tools/demo-world/src/main/resources/org/sae4j/demoworld \\
        ../resources/org/sae4j/core/reference

in this folder. It needs torch, transformers, tokenizers and safetensors. For each model it writes one file with token ids and the values of some hook
points under their TransformerLens names, computed in float64. gelu-1l-demo is computed by the code below, GPT-2 by Hugging Face. gpt2-random
is a small randomly initialised GPT-2 of odd sizes, written with its weights.
"""
import json
import math
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from transformers import GPT2Config, GPT2LMHeadModel

SHORT, LONG = 5, 128


def tokens_of(world):
    """Three short rows and one that fills the context, from the labelled documents; every row starts with <|endoftext|>, id 0."""
    tokenizer = Tokenizer.from_file(str(world / "gelu-1l-demo" / "tokenizer.json"))
    lines = (world / "labelled.tsv").read_text(encoding="utf-8").splitlines()
    ids = [tokenizer.encode(line.split("\t", 1)[1]).ids for line in lines[:40]]
    short = [[0] + row[:SHORT - 1] for row in ids if len(row) >= SHORT][:3]
    stream = [i for row in ids for i in row]
    return torch.tensor(short), torch.tensor([[0] + stream[:LONG - 1]])


def gelu_1l(folder, ids):
    """One block with exact GELU, from weights in TransformerLens's layouts."""
    w = {k: v.double() for k, v in load_file(folder / "model.safetensors").items()}
    eps = json.loads((folder / "config.json").read_text())["eps"]

    def norm(x, name):
        x = x - x.mean(-1, keepdim=True)
        return x / (x.pow(2).mean(-1, keepdim=True) + eps).sqrt() * w[name + ".w"] + w[name + ".b"]

    def heads(x, letter):
        return torch.einsum("bpd,hde->bphe", x, w[f"blocks.0.attn.W_{letter}"]) + w[f"blocks.0.attn.b_{letter}"]

    n = ids.shape[1]
    pre = w["embed.W_E"][ids] + w["pos_embed.W_pos"][:n]
    x = norm(pre, "blocks.0.ln1")
    q, k, v = heads(x, "Q"), heads(x, "K"), heads(x, "V")
    scores = torch.einsum("bqhe,bkhe->bhqk", q, k) / math.sqrt(q.shape[-1])
    scores = scores.masked_fill(torch.ones(n, n, dtype=torch.bool).triu(1), -torch.inf)
    pattern = scores.softmax(-1)
    z = torch.einsum("bhqk,bkhe->bqhe", pattern, v)
    mid = pre + torch.einsum("bqhe,hed->bqd", z, w["blocks.0.attn.W_O"]) + w["blocks.0.attn.b_O"]
    hidden = norm(mid, "blocks.0.ln2") @ w["blocks.0.mlp.W_in"] + w["blocks.0.mlp.b_in"]
    post = hidden / 2 * (1 + torch.erf(hidden / math.sqrt(2)))
    resid_post = mid + post @ w["blocks.0.mlp.W_out"] + w["blocks.0.mlp.b_out"]
    logits = norm(resid_post, "ln_final") @ w["unembed.W_U"] + w["unembed.b_U"]
    return {"blocks.0.hook_resid_pre": pre, "blocks.0.attn.hook_pattern": pattern, "blocks.0.hook_resid_mid": mid,
            "blocks.0.mlp.hook_post": post, "blocks.0.hook_resid_post": resid_post, "logits": logits}


def gpt2(model, ids):
    """GPT-2 by Hugging Face, with the residual stream and the last block's MLP read by module hooks."""
    values = {}

    def keep(name):
        def hook(module, inputs, output):
            values[name] = output[0] if isinstance(output, tuple) else output
        return hook

    blocks = model.transformer.h
    handles = [block.register_forward_hook(keep(f"blocks.{i}.hook_resid_post")) for i, block in enumerate(blocks)]
    last = len(blocks) - 1
    handles.append(blocks[last].mlp.act.register_forward_hook(keep(f"blocks.{last}.mlp.hook_post")))
    with torch.no_grad():
        output = model(ids, output_attentions=True)
    for handle in handles:
        handle.remove()
    values[f"blocks.{last}.attn.hook_pattern"] = output.attentions[last]
    values["logits"] = output.logits
    return values


def load_gpt2(folder):
    return GPT2LMHeadModel.from_pretrained(folder, dtype=torch.float64, attn_implementation="eager").eval()


def random_gpt2(folder):
    torch.manual_seed(5)
    config = GPT2Config(vocab_size=37, n_positions=11, n_embd=15, n_layer=2, n_head=3, n_inner=22, initializer_range=0.4,
                        layer_norm_epsilon=1e-3, bos_token_id=0, eos_token_id=0)
    model = GPT2LMHeadModel(config)
    for name, parameter in model.named_parameters():
        if parameter.dim() == 1:
            torch.nn.init.normal_(parameter, mean=1 if "ln_" in name and "weight" in name else 0, std=0.3)
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {k.removeprefix("transformer."): v.detach().contiguous() for k, v in model.named_parameters()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    keys = ("model_type", "activation_function", "n_layer", "n_embd", "n_head", "n_positions", "vocab_size", "n_inner",
            "layer_norm_epsilon")
    text = json.dumps({key: config.to_dict()[key] for key in keys}, indent=2) + "\n"
    (folder / "config.json").write_text(text, encoding="utf-8")
    return load_gpt2(folder)


def write(path, ids, values, long_ids, long_values):
    tensors = {"tokens": ids.int(), "long_tokens": long_ids.int(), "long_logits": long_values["logits"][:, -1:]} | values
    save_file({k: v if v.dtype == torch.int32 else v.float().contiguous() for k, v in tensors.items()}, path)


def main(world, output):
    output.mkdir(parents=True, exist_ok=True)
    ids, long_ids = tokens_of(world)
    folder = world / "gelu-1l-demo"
    write(output / "gelu-1l-demo.safetensors", ids, gelu_1l(folder, ids), long_ids, gelu_1l(folder, long_ids))
    model = load_gpt2(world / "gpt2-4l-demo")
    write(output / "gpt2-4l-demo.safetensors", ids, gpt2(model, ids), long_ids, gpt2(model, long_ids))
    model = random_gpt2(output / "gpt2-random")
    generator = torch.Generator().manual_seed(6)
    ids, long_ids = (torch.randint(0, 37, shape, generator=generator) for shape in ((4, 6), (1, 11)))
    write(output / "gpt2-random.safetensors", ids, gpt2(model, ids), long_ids, gpt2(model, long_ids))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
