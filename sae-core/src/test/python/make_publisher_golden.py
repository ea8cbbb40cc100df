"""Writes tiny coders in the layouts of their publishers, with what they must compute.

Usage: python make_publisher_golden.py FOLDER
Cases are as those of make_sae_golden.py, in folders named as the publishers' repositories, since names tell layer, site and k. Needs numpy, torch,
safetensors.
"""
import sys
from pathlib import Path

import numpy as np
import torch
from make_sae_golden import D, N, ROWS, Case, compute
from safetensors.torch import save_file


def transposed(p):
    return {"encoder.weight": p["W_enc"].T.contiguous(), "encoder.bias": p["b_enc"], "decoder.weight": p["W_dec"].T.contiguous(),
            "decoder.bias": p["b_dec"]}


def with_threshold(c):
    p = c.base()
    p["threshold"] = torch.rand(N, generator=c.g)
    return p, c.rand(ROWS, D)


def scaled(p, s, out=None):
    """For activations x that the coder saw as x s; its output times 1/out."""
    out = s if out is None else out
    return p | {"W_enc": p["W_enc"].double() * s, "W_dec": p["W_dec"].double() / out, "b_dec": p["b_dec"].double() / out}


def gemma_scope(root):
    c = Case(root, "google_gemma-scope-2b-pt-res/embedding/width_4k/average_l0_6", 100)
    p, x = with_threshold(c)
    np.savez(c.folder / "params.npz", **{k: v.numpy() for k, v in p.items()})
    p = p | {"W_enc": p["W_enc"].double() / D**0.5, "W_dec": p["W_dec"].double() * D**0.5}
    c.finish(p, *compute(p, "jumprelu", x, apply_b_dec=False), x)

    c = Case(root, "google_gemma-scope-2b-pt-transcoders/layer_3/width_16k/average_l0_76", 101)
    p, x = with_threshold(c)
    np.savez(c.folder / "params.npz", **{k: v.numpy() for k, v in p.items()})
    c.finish(p, *compute(p, "jumprelu", x, apply_b_dec=False), x)

    def lower(p):
        return {{"W_enc": "w_enc", "W_dec": "w_dec"}.get(k, k): v.contiguous() for k, v in p.items()}

    c = Case(root, "google_gemma-scope-2-1b-pt/attn_out_all/layer_7_width_16k_l0_small", 102)
    p, x = with_threshold(c)
    save_file(lower(p), c.folder / "params.safetensors")
    c.json("config.json", {"hf_hook_point_in": "model.layers.7.self_attn.o_proj.input", "hf_hook_point_out": "model.layers.7.self_attn.o_proj.input",
                           "width": N, "model_name": "gemma-v3-1b-pt", "architecture": "jump_relu", "l0": 10, "affine_connection": False})
    c.finish(p, *compute(p, "jumprelu", x, apply_b_dec=False), x)

    c = Case(root, "google_gemma-scope-2-270m-pt/transcoder_all/layer_2_width_16k_l0_big_affine", 103)
    p, x = with_threshold(c)
    affine = c.rand(D, D, scale=0.3)
    save_file(lower(p) | {"affine_skip_connection": affine}, c.folder / "params.safetensors")
    p["W_skip"] = affine.T
    c.finish(p, *compute(p, "jumprelu", x, apply_b_dec=False), x)

    c = Case(root, "google_gemma-scope-2-1b-pt/clt/width_262k_l0_big_affine", 104)
    p, x = with_threshold(c)
    layers = c.rand(N, 3, D, scale=0.4)
    affine = c.rand(D, D, scale=0.3)
    save_file(lower(p | {"W_dec": layers}) | {"affine_skip_connection": affine}, c.folder / "params_layer_1.safetensors")
    zero = torch.zeros(D)
    p |= {"W_dec": layers.reshape(N, 3 * D), "b_dec": torch.cat([zero, p["b_dec"], zero]),
          "W_skip": torch.cat([torch.zeros(D, D), affine.T, torch.zeros(D, D)])}
    c.finish(p, *compute(p, "jumprelu", x, apply_b_dec=False), x)


def llama_scope(root):
    c = Case(root, "Llama3_1-8B-Base-L5R-8x", 110)
    p, x = c.base(), c.rand(ROWS, D)
    (c.folder / "checkpoints").mkdir(exist_ok=True)
    save_file(transposed(p), c.folder / "checkpoints" / "final.safetensors")
    c.json("hyperparams.json", {"d_model": D, "d_sae": N, "jump_relu_threshold": 0.4, "hook_point_in": "blocks.5.hook_resid_post",
                                "hook_point_out": "blocks.5.hook_resid_post", "dataset_average_activation_norm": {"in": 9.0, "out": 9.0}})
    p = scaled(p, D**0.5 / 9) | {"threshold": torch.full((N,), 0.4)}
    c.finish(p, *compute(p, "jumprelu", x, apply_b_dec=False), x)

    c = Case(root, "Llama3_1-8B-Base-L5TC-8x", 111)
    p, x = c.base(), c.rand(ROWS, D)
    (c.folder / "checkpoints").mkdir(exist_ok=True)
    save_file(transposed(p), c.folder / "checkpoints" / "final.safetensors")
    c.json("hyperparams.json", {"d_model": D, "d_sae": N, "jump_relu_threshold": 0.4, "hook_point_in": "blocks.5.ln2.hook_normalized",
                                "hook_point_out": "blocks.5.hook_mlp_out", "dataset_average_activation_norm": {"in": 9.0, "out": 2.0}})
    p = scaled(p, D**0.5 / 9, D**0.5 / 2) | {"threshold": torch.full((N,), 0.4)}
    c.finish(p, *compute(p, "jumprelu", x, apply_b_dec=False), x)

    c = Case(root, "800M-Slimpajama-0-OpenR1-Math-220k/L5R", 112)
    p, x = c.base(), c.rand(ROWS, D)
    log = c.rand(N, scale=0.3) - 1
    save_file(transposed(p) | {"log_jumprelu_threshold": log}, c.folder / "sae_weights.safetensors")
    c.json("config.json", {"d_model": D, "expansion_factor": 2, "hook_point_in": "blocks.5.hook_resid_post"})
    # norm_scaling_factor of this folder in SAELens' directory, which no file says.
    p = scaled(p, 13.77273090622553) | {"threshold": log.double().exp()}
    c.finish(p, *compute(p, "jumprelu", x, apply_b_dec=False), x)


def circuit_tracer(root):
    c = Case(root, "mwhanna_qwen3-0.6b-transcoders-lowl0", 120)
    p, x = c.base(), c.rand(ROWS, D)
    save_file(p | {"W_enc": p["W_enc"].T.contiguous()}, c.folder / "layer_3.safetensors")
    (c.folder / "config.yaml").write_text('model_name: "Qwen/Qwen3-0.6B"  # the model\nmodel_kind: transcoder_set\ntranscoders:\n  - a\n')
    c.finish(p, *compute(p, "relu", x, apply_b_dec=False), x)

    c = Case(root, "mntss_clt", 121)
    p, x = with_threshold(c)
    layers = c.rand(N, 4, D, scale=0.4)
    save_file({"W_enc_2": p["W_enc"].T.contiguous(), "b_enc_2": p["b_enc"], "b_dec_2": p["b_dec"], "threshold_2": p["threshold"]},
              c.folder / "W_enc_2.safetensors")
    save_file({"W_dec_2": layers}, c.folder / "W_dec_2.safetensors")
    (c.folder / "config.yaml").write_text("model_name: google/gemma-2-2b\nfeature_input_hook: hook_resid_mid\nfeature_output_hook: hook_mlp_out\n")
    p |= {"W_dec": layers.reshape(N, 4 * D), "b_dec": torch.cat([p["b_dec"], torch.zeros(3 * D)])}
    c.finish(p, *compute(p, "jumprelu", x, apply_b_dec=False), x)


def torch_files(root):
    c = Case(root, "Goodfire", 130)
    p, x = c.base(), c.rand(ROWS, D)
    torch.save({k.replace(".", "_linear."): v for k, v in transposed(p).items()}, c.folder / "Llama-3.3-70B-Instruct-SAE-l50.pt")
    c.finish(p, *compute(p, "relu", x, apply_b_dec=False), x)

    c = Case(root, "qresearch", 131)
    p, x = c.base(), c.rand(ROWS, D)
    torch.save(transposed(p), c.folder / "DeepSeek-R1-Distill-Llama-8B-SAE-l19.pt")
    c.finish(p, *compute(p, "relu", x, apply_b_dec=False), x)

    c = Case(root, "SAE-Res-Qwen3-1.7B-Base-W32K-L0_3", 132)
    p, x = c.base(), c.rand(ROWS, D)
    torch.save({k: v.T.contiguous() if v.ndim == 2 else v for k, v in p.items()}, c.folder / "layer11.sae.pt")
    c.finish(p, *compute(p, "topk", x, k=3, apply_b_dec=False), x)

    c = Case(root, "ckkissane_attn-saes", 133)
    p, x = c.base(), c.rand(ROWS, D)
    torch.save(p, c.folder / "gpt2-small_L4_Hcat_z_lr1.20e-03.pt")
    c.json("gpt2-small_L4_Hcat_z_lr1.20e-03_cfg.json", {"act_name": "blocks.4.attn.hook_z", "act_size": D, "dict_size": N, "site": "z", "layer": 4})
    c.finish(p, *compute(p, "relu", x), x)

    c = Case(root, "saes-llama-3.1-8b-instruct/resid_post_layer_3/trainer_1", 134)
    p, x = c.base(), c.rand(ROWS, D)
    torch.save({"encoder.weight": p["W_enc"].T, "encoder.bias": p["b_enc"], "decoder.weight": p["W_dec"].T, "b_dec": p["b_dec"],
                "k": torch.tensor(4), "threshold": torch.tensor(0.6)}, c.folder / "ae.pt")
    c.json("config.json", {"trainer": {"dict_class": "BatchTopKSAE", "k": 4, "layer": 3, "lm_name": "meta-llama/Llama-3.1-8B-Instruct"}})
    p["threshold"] = torch.full((N,), 0.6)
    c.finish(p, *compute(p, "jumprelu", x), x)

    c = Case(root, "dl_crosscoder", 135)
    enc, dec, b_enc, b_dec = c.rand(2, D, N, scale=0.3), c.rand(2, N, D, scale=0.3), c.rand(N, scale=0.2), c.rand(2, D)
    torch.save({"encoder.weight": enc, "encoder.bias": b_enc, "decoder.weight": dec, "decoder.bias": b_dec}, c.folder / "ae.pt")
    x = c.rand(ROWS, 2, D)
    f = torch.relu(torch.einsum("rld,ldn->rn", x.double(), enc.double()) + b_enc)
    y = torch.einsum("rn,lnd->rld", f, dec.double()) + b_dec
    p = {"W_enc": enc.reshape(2 * D, N), "W_dec": dec.permute(1, 0, 2).reshape(N, 2 * D), "b_enc": b_enc, "b_dec": b_dec.reshape(2 * D)}
    c.finish(p, f, y.reshape(ROWS, 2 * D), x.reshape(ROWS, 2 * D))


def sparsify(root):
    def write(c, p, **more):
        save_file({"encoder.weight": p["W_enc"].T.contiguous(), "encoder.bias": p["b_enc"], "W_dec": p["W_dec"], "b_dec": p["b_dec"]},
                  c.folder / "sae.safetensors")
        c.json("cfg.json", {"expansion_factor": 2, "normalize_decoder": True, "num_latents": N, "k": 4, "multi_topk": False,
                            "skip_connection": False, "d_in": D} | more)

    for name, seed in [("embed_tokens", 140), ("layers_3_mlp", 141), ("h.5/seed2", 142)]:
        c = Case(root, f"sparsify_names/{name}", seed)
        p, x = c.base(), c.rand(ROWS, D)
        write(c, p)
        c.finish(p, *compute(p, "topk", x, k=4), x)

    c = Case(root, "sparsify_names/model.layers.5", 143)
    p, x = c.base(), c.rand(ROWS, D)
    write(c, p, signed=True)
    pre = (x.double() - p["b_dec"]) @ p["W_enc"].double() + p["b_enc"]
    top = pre.abs().topk(4, dim=-1).indices
    f = torch.zeros_like(pre).scatter(-1, top, pre.gather(-1, top))
    c.finish(p, f, f @ p["W_dec"].double() + p["b_dec"], x)


def releases(root):
    """Old folders of SAELens, to which its directory adds something."""
    def write(name, seed, model, hook, **more):
        c = Case(root, name, seed)
        p, x = c.base(), c.rand(ROWS, D) + 0.4
        save_file(p, c.folder / "sae_weights.safetensors")
        c.json("cfg.json", {"model_name": model, "hook_point": hook, "hook_point_head_index": None, "d_in": D, "d_sae": N} | more)
        return c, p, x

    def centred(p):
        means, offset = p["W_enc"].double().mean(0), p["b_dec"].double().sum()
        return p | {"W_enc": p["W_enc"].double() - means, "b_enc": p["b_enc"].double() - offset * means}

    c, p, x = write("tm/sae_group_gpt2_blocks.3.hook_mlp_out_24576_v0", 150, "gpt2-small", "blocks.3.hook_mlp_out",
                    normalize_activations="expected_average_only_in")
    p = centred(scaled(p, 1.8958522157897557))
    c.finish(p, *compute(p, "relu", x), x)

    c, p, x = write("jb/gemma_2b_blocks.12.hook_resid_post_16384", 151, "gemma-2b", "blocks.12.hook_resid_post",
                    normalize_activations="expected_average_only_in")
    p = scaled(p, 0.21381938399317255)
    c.finish(p, *compute(p, "relu", x), x)

    c, p, x = write("wg/mistral_7b_layer_16", 152, "mistral-7b", "blocks.16.hook_resid_pre")
    c.finish(p, *compute(p, "relu", x, norm="constant_norm_rescale"), x)

    c, p, x = write("fs/blocks.8.hook_resid_pre_768", 153, "gpt2-small", "blocks.8.hook_resid_pre")
    p = centred(p)
    c.finish(p, *compute(p, "relu", x), x)


if __name__ == "__main__":
    target = Path(sys.argv[1])
    for make in (gemma_scope, llama_scope, circuit_tracer, torch_files, sparsify, releases):
        make(target)
