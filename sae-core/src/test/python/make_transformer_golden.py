"""Writes tiny transformers in every supported file format, with the logits that they must compute.

Usage: python make_transformer_golden.py FOLDER
Each case is a folder FOLDER/<case>/ beside FOLDER/<case>.safetensors, which holds `tokens` [2, 7] and `logits` [2, 7, V] of Hugging Face
transformers in double precision. Needs torch, transformers, safetensors.
"""
import json
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import GPT2Config, GPT2LMHeadModel

V, CTX, D, HEADS, LAYERS, MLP = 37, 11, 12, 3, 2, 20


def model(seed, **more):
    torch.manual_seed(seed)
    config = GPT2Config(vocab_size=V, n_positions=CTX, n_embd=D, n_head=HEADS, n_layer=LAYERS, n_inner=MLP, resid_pdrop=0, embd_pdrop=0,
                        attn_pdrop=0, bos_token_id=0, eos_token_id=0, **more)
    m = GPT2LMHeadModel(config).eval()
    with torch.no_grad():
        for name, parameter in m.named_parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.3 + (1 if "ln_" in name and name.endswith("weight") else 0))
    return m


def finish(root, name, m):
    tokens = torch.randint(0, V, (2, 7), generator=torch.Generator().manual_seed(5))
    with torch.no_grad():
        logits = m.double()(tokens).logits.float()
    save_file({"tokens": tokens, "logits": logits.contiguous()}, root / f"{name}.safetensors")


def state(m):
    tied = m.config.tie_word_embeddings
    return {k: v.detach().clone().contiguous() for k, v in m.state_dict().items() if not (tied and k == "lm_head.weight")}


def hugging_face(root, name, m, prefix=True, dtype=torch.float32):
    folder = root / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(m.config.to_diff_dict() | {"model_type": "gpt2"}, indent=1))
    m.to(dtype)
    tensors = {k if prefix else k.removeprefix("transformer."): v for k, v in state(m).items()}
    return folder, tensors


def transformer_lens(m, weightless=False):
    s = state(m)
    head = D // HEADS
    t = {"embed.W_E": s["transformer.wte.weight"], "pos_embed.W_pos": s["transformer.wpe.weight"],
         "unembed.W_U": m.lm_head.weight.detach().T.contiguous()}
    for layer in range(LAYERS):
        source, to = f"transformer.h.{layer}.", f"blocks.{layer}."
        if not weightless:
            for n in (1, 2):
                t[f"{to}ln{n}.w"] = s[f"{source}ln_{n}.weight"]
                t[f"{to}ln{n}.b"] = s[f"{source}ln_{n}.bias"]
        weights = s[source + "attn.c_attn.weight"].split(D, dim=1)
        biases = s[source + "attn.c_attn.bias"].split(D)
        for part, w, b in zip("QKV", weights, biases):
            t[f"{to}attn.W_{part}"] = w.reshape(D, HEADS, head).permute(1, 0, 2)
            t[f"{to}attn.b_{part}"] = b.reshape(HEADS, head)
        t[to + "attn.W_O"] = s[source + "attn.c_proj.weight"].reshape(HEADS, head, D)
        t[to + "attn.b_O"] = s[source + "attn.c_proj.bias"]
        t[to + "attn.mask"] = torch.tril(torch.ones(CTX, CTX, dtype=torch.bool))
        t[to + "attn.IGNORE"] = torch.tensor(-1e5)
        t[to + "mlp.W_in"], t[to + "mlp.b_in"] = s[source + "mlp.c_fc.weight"], s[source + "mlp.c_fc.bias"]
        t[to + "mlp.W_out"], t[to + "mlp.b_out"] = s[source + "mlp.c_proj.weight"], s[source + "mlp.c_proj.bias"]
    if not weightless:
        t["ln_final.w"], t["ln_final.b"] = s["transformer.ln_f.weight"], s["transformer.ln_f.bias"]
    return t


def lens_config(**more):
    return {"n_layers": LAYERS, "d_model": D, "n_ctx": CTX, "d_head": D // HEADS, "n_heads": HEADS, "d_mlp": MLP, "d_vocab": V,
            "act_fn": "gelu"} | more


def main(root):
    m = model(1)
    folder, tensors = hugging_face(root, "hf_f32", m)
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    finish(root, "hf_f32", m)

    m = model(2, activation_function="gelu", layer_norm_epsilon=1e-3)
    folder, tensors = hugging_face(root, "hf_plain_f16", m, prefix=False, dtype=torch.float16)
    save_file(tensors, folder / "model.safetensors")
    finish(root, "hf_plain_f16", m)

    m = model(3, activation_function="relu")
    folder, tensors = hugging_face(root, "hf_bin_bf16", m, dtype=torch.bfloat16)
    tensors["transformer.h.0.attn.bias"] = torch.tril(torch.ones(1, 1, CTX, CTX, dtype=torch.uint8))
    tensors["transformer.h.0.attn.masked_bias"] = torch.tensor(-1e4)
    torch.save(tensors | {"lm_head.weight": tensors["transformer.wte.weight"]}, folder / "pytorch_model.bin")
    finish(root, "hf_bin_bf16", m)

    m = model(4, tie_word_embeddings=False)
    folder, tensors = hugging_face(root, "hf_sharded_untied", m)
    names = sorted(tensors)
    shards = {"model-00001-of-00002.safetensors": names[:11], "model-00002-of-00002.safetensors": names[11:]}
    for shard, members in shards.items():
        save_file({k: tensors[k] for k in members}, folder / shard)
    (folder / "model.safetensors.index.json").write_text(json.dumps(
        {"metadata": {"total_size": 1}, "weight_map": {k: shard for shard, members in shards.items() for k in members}}))
    finish(root, "hf_sharded_untied", m)

    # No model_type, and attention of another scale: as in Stanford's GPT-2, and as without the usual 1 / sqrt(d_head).
    m = model(7, scale_attn_by_inverse_layer_idx=True, scale_attn_weights=False)
    folder, tensors = hugging_face(root, "hf_scaled", m)
    config = json.loads((folder / "config.json").read_text())
    del config["model_type"]
    (folder / "config.json").write_text(json.dumps(config, indent=1))
    names = sorted(tensors)
    shards = {"pytorch_model-00001-of-00002.bin": names[:17], "pytorch_model-00002-of-00002.bin": names[17:]}
    for shard, members in shards.items():
        torch.save({k: tensors[k] for k in members}, folder / shard)
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps({"weight_map": {k: s for s, members in shards.items() for k in members}}))
    finish(root, "hf_scaled", m)

    m = model(5, activation_function="gelu")
    folder = root / "lens_pth"
    folder.mkdir(exist_ok=True)
    torch.save(transformer_lens(m), folder / "model_final.pth")
    (folder / "config.json").write_text(json.dumps(lens_config(normalization="LN", tokenizer_name="none", d_vocab=V + 1)))
    finish(root, "lens_pth", m)

    m = model(6, activation_function="gelu")
    with torch.no_grad():
        for name, parameter in m.named_parameters():
            if "ln_" in name:
                parameter.fill_(1.0 if name.endswith("weight") else 0.0)
    folder = root / "lens_pre"
    folder.mkdir(exist_ok=True)
    tensors = transformer_lens(m, weightless=True) | {"unembed.b_U": torch.zeros(V)}
    save_file({k: v.contiguous() for k, v in tensors.items()}, folder / "weights.safetensors")
    (folder / "config.json").write_text(json.dumps(lens_config(normalization_type="LNPre", eps=1e-5, model_name="lens-pre")))
    finish(root, "lens_pre", m)

    # use_attn_scale = false: what Hugging Face computes with scale_attn_weights = false.
    m = model(8, activation_function="gelu", scale_attn_weights=False)
    folder = root / "lens_unscaled"
    folder.mkdir(exist_ok=True)
    torch.save({"state_dict": transformer_lens(m)}, folder / "model_final.pth")
    (folder / "config.json").write_text(json.dumps(lens_config(use_attn_scale=False, attn_scale=1.0)))
    finish(root, "lens_unscaled", m)


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    main(target)
