"""Writes tiny autoencoders in every supported file format, with what they must compute.

Usage: python make_sae_golden.py FOLDER
Each case is a folder FOLDER/<case>/ beside FOLDER/<case>.safetensors, which holds inputs `x`, the expected parameters in SAELens' layout, and the
expected `features` and `reconstruction`, computed in double precision from the stored values. Needs numpy, torch, safetensors.
"""
import json
import struct
import sys
from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

D, N, ROWS = 12, 20, 6


class Case:
    def __init__(self, root: Path, name: str, seed: int):
        self.folder = root / name
        self.expected = root / f"{name}.safetensors"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.g = torch.Generator().manual_seed(seed)

    def rand(self, *shape, scale=1.0):
        return torch.randn(*shape, generator=self.g) * scale

    def base(self):
        return {
            "W_enc": self.rand(D, N, scale=0.4),
            "W_dec": self.rand(N, D, scale=0.4),
            "b_enc": self.rand(N, scale=0.2),
            "b_dec": self.rand(D, scale=0.5),
        }

    def json(self, name, content):
        (self.folder / name).write_text(json.dumps(content, indent=1))

    def finish(self, parameters, features, reconstruction, x):
        tensors = {k: v.to(torch.float32).contiguous() for k, v in parameters.items()}
        tensors |= {"x": x, "features": features.float(), "reconstruction": reconstruction.float()}
        save_file({k: v.contiguous().clone() for k, v in tensors.items()}, self.expected)


def compute(p, kind, x, apply_b_dec=True, k=None, norm="none"):
    """The definition, in double precision."""
    p = {key: v.double() for key, v in p.items()}
    x = x.double()
    skipped = x @ p["W_skip"].T if "W_skip" in p else 0.0
    mean, std, coefficient = 0.0, 1.0, 1.0
    if norm == "layer_norm":
        mean = x.mean(-1, keepdim=True)
        x = x - mean
        std = x.std(-1, keepdim=True)
        x = x / (std + 1e-5)
    elif norm == "constant_norm_rescale":
        coefficient = D**0.5 / x.norm(dim=-1, keepdim=True)
        x = x * coefficient
    h = x - p["b_dec"] if apply_b_dec else x
    if kind == "gated":
        gate = (h @ p["W_enc"] + p["b_gate"] > 0).double()
        f = gate * torch.relu(h @ (p["W_enc"] * p["r_mag"].exp()) + p["b_mag"])
    else:
        pre = h @ p["W_enc"] + p["b_enc"]
        if kind == "relu":
            f = torch.relu(pre)
        elif kind == "topk":
            values, index = pre.topk(k, dim=-1)
            f = torch.zeros_like(pre).scatter(-1, index, torch.relu(values))
        else:
            f = torch.relu(pre) * (pre > p["threshold"])
    out = f @ p["W_dec"] + p["b_dec"]
    if norm == "layer_norm":
        out = out * std + mean
    return f, out / coefficient + skipped


def v6(architecture, **more):
    cfg = {
        "d_in": D, "d_sae": N, "dtype": "float32", "device": "cpu", "apply_b_dec_to_input": True, "normalize_activations": "none",
        "reshape_activations": "none", "architecture": architecture,
        "metadata": {"sae_lens_version": "6.6.0", "model_name": "gpt2-small", "hook_name": "blocks.1.hook_resid_pre", "hook_head_index": None,
                     "context_size": 128, "prepend_bos": True},
    }
    return cfg | more


def odd_header(path: Path):
    """Lengthens a safetensors header so that the data begin at an odd byte."""
    raw = path.read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    header = raw[8 : 8 + length].rstrip(b" ")
    if len(header) % 2 == 0:
        header += b" "
    path.write_bytes(struct.pack("<Q", len(header)) + header + raw[8 + length :])


def saelens(root):
    def write(case, tensors, cfg):
        save_file({k: v.contiguous() for k, v in tensors.items()}, case.folder / "sae_weights.safetensors")
        case.json("cfg.json", cfg)

    c = Case(root, "saelens_standard", 1)
    p, x = c.base(), c.rand(ROWS, D)
    write(c, p, v6("standard"))
    save_file({"sparsity": torch.linspace(-10, -1, N)}, c.folder / "sparsity.safetensors")
    odd_header(c.folder / "sae_weights.safetensors")
    c.finish(p, *compute(p, "relu", x), x)

    c = Case(root, "saelens_flat", 2)
    p, x = c.base(), c.rand(ROWS, D)
    factor = torch.rand(N, generator=c.g) + 0.5
    write(c, p | {"scaling_factor": factor},
          {"architecture": "standard", "hook_point": "blocks.0.mlp.hook_post", "hook_point_head_index": None, "model_name": "gelu-1l",
           "activation_fn_str": "relu", "d_in": D, "d_sae": N + 1, "normalize_activations": False, "l1_coefficient": 5e-05,
           "dead_feature_threshold": float("nan"), "apply_b_dec_to_input": True})
    q = p | {"W_dec": p["W_dec"] * factor[:, None]}
    c.finish(q, *compute(q, "relu", x), x)

    c = Case(root, "saelens_expected_average", 3)
    p, x = c.base(), c.rand(ROWS, D)
    write(c, p | {"scaling_factor": torch.ones(N)},
          {"hook_name": "blocks.1.attn.hook_z", "model_name": "gpt2-small", "d_in": D, "d_sae": N, "normalize_activations": True,
           "reshape_activations": "hook_z"})
    c.finish(p, *compute(p, "relu", x), x)

    c = Case(root, "saelens_topk_rescaled", 4)
    p, x = c.base(), c.rand(ROWS, D)
    write(c, p, v6("topk", k=4, rescale_acts_by_decoder_norm=True))
    norms = p["W_dec"].double().norm(dim=-1)
    q = {"W_enc": p["W_enc"].double() * norms, "b_enc": p["b_enc"].double() * norms, "W_dec": p["W_dec"].double() / norms[:, None],
         "b_dec": p["b_dec"]}
    c.finish(q, *compute(q, "topk", x, k=4), x)

    c = Case(root, "saelens_topk_flat", 5)
    p, x = c.base(), c.rand(ROWS, D)
    write(c, p, {"architecture": "standard", "activation_fn_str": "topk", "activation_fn_kwargs": {"k": 3}, "hook_name": "blocks.1.hook_mlp_out",
                 "model_name": "gpt2-small", "d_in": D, "d_sae": N, "normalize_activations": "layer_norm", "apply_b_dec_to_input": False})
    c.finish(p, *compute(p, "topk", x, k=3, apply_b_dec=False, norm="layer_norm"), x)

    c = Case(root, "saelens_jumprelu", 6)
    p, x = c.base(), c.rand(ROWS, D)
    p["threshold"] = c.rand(N, scale=0.3)
    write(c, p, v6("jumprelu", apply_b_dec_to_input=False))
    c.finish(p, *compute(p, "jumprelu", x, apply_b_dec=False), x)

    c = Case(root, "saelens_jumprelu_log", 7)
    p, x = c.base(), c.rand(ROWS, D)
    log = c.rand(N, scale=0.3) - 1
    write(c, p | {"log_threshold": log}, v6("jumprelu"))
    p["threshold"] = log.double().exp()
    c.finish(p, *compute(p, "jumprelu", x), x)

    c = Case(root, "saelens_gated", 8)
    p, x = c.base(), c.rand(ROWS, D)
    del p["b_enc"]
    p |= {"b_gate": c.rand(N, scale=0.2), "b_mag": c.rand(N, scale=0.2), "r_mag": c.rand(N, scale=0.5)}
    write(c, p, v6("gated", normalize_activations="layer_norm"))
    c.finish(p, *compute(p, "gated", x, norm="layer_norm"), x)

    for name, dtype, seed in [("f16", torch.float16, 9), ("bf16", torch.bfloat16, 10), ("f64", torch.float64, 11)]:
        c = Case(root, f"saelens_{name}", seed)
        p, x = {k: v.to(dtype) for k, v in c.base().items()}, c.rand(ROWS, D)
        write(c, p, v6("standard", normalize_activations="constant_norm_rescale"))
        c.finish(p, *compute(p, "relu", x, norm="constant_norm_rescale"), x)

    c = Case(root, "saelens_batchtopk", 12)
    p, x = c.base(), c.rand(ROWS, D)
    write(c, p | {"topk_threshold": torch.tensor(0.37, dtype=torch.float64)}, v6("batchtopk", k=3.5, rescale_acts_by_decoder_norm=True))
    norms = p["W_dec"].double().norm(dim=-1)
    q = {"W_enc": p["W_enc"].double() * norms, "b_enc": p["b_enc"].double() * norms, "W_dec": p["W_dec"].double() / norms[:, None],
         "b_dec": p["b_dec"], "threshold": torch.full((N,), 0.37)}
    c.finish(q, *compute(q, "jumprelu", x), x)


    for name, seed in [("transcoder", 13), ("skip_transcoder", 14), ("jumprelu_skip_transcoder", 15)]:
        c = Case(root, f"saelens_{name}", seed)
        p, x = c.base(), c.rand(ROWS, D)
        if "jumprelu" in name:
            p["threshold"] = torch.rand(N, generator=c.g)
        if "skip" in name:
            p["W_skip"] = c.rand(D, D, scale=0.3)
        cfg = v6(name, d_out=D, apply_b_dec_to_input=False)
        cfg["metadata"] |= {"hook_name": "blocks.1.ln2.hook_normalized", "hook_name_out": "blocks.1.hook_mlp_out"}
        write(c, p, cfg)
        c.finish(p, *compute(p, "jumprelu" if "jumprelu" in name else "relu", x, apply_b_dec=False), x)

    # Trained on activations without mean; here the inputs have one, which is not to be seen in what is computed.
    for name, kind, seed in [("standard", "relu", 16), ("gated", "gated", 17)]:
        c = Case(root, f"saelens_centered_{name}", seed)
        p, x = c.base(), c.rand(ROWS, D) + 0.7
        p["W_enc"] = p["W_enc"] + 0.1
        if kind == "gated":
            del p["b_enc"]
            p |= {"b_gate": c.rand(N, scale=0.2), "b_mag": c.rand(N, scale=0.2), "r_mag": c.rand(N, scale=0.5)}
        cfg = v6(name)
        cfg["metadata"]["model_from_pretrained_kwargs"] = {"center_writing_weights": True}
        write(c, p, cfg)
        means, offset = p["W_enc"].double().mean(0), p["b_dec"].double().sum()
        q = p | {"W_enc": p["W_enc"].double() - means}
        for bias in ("b_enc", "b_gate"):
            if bias in p:
                q[bias] = p[bias].double() - offset * means
        if kind == "gated":
            q["b_mag"] = p["b_mag"].double() - offset * means * p["r_mag"].double().exp()
        c.finish(q, *compute(p, kind, x.double() - x.double().mean(-1, keepdim=True)), x)


def nanda(root):
    c = Case(root, "nanda", 20)
    p, x = c.base(), c.rand(ROWS, D)
    torch.save(p, c.folder / "25.pt")
    c.json("25_cfg.json", {"seed": 49, "batch_size": 4096, "l1_coeff": 3e-4, "d_mlp": D, "dict_mult": 8})
    c.finish(p, *compute(p, "relu", x), x)

    c = Case(root, "nanda_views", 21)
    p, x = c.base(), c.rand(ROWS, D)
    # A transposed view, an offset into a shared storage, every second element, and a parameter.
    shared = torch.cat([torch.zeros(7), p["b_enc"], torch.zeros(3)])
    spread = torch.zeros(2 * D)
    spread[1::2] = p["b_dec"]
    torch.save(OrderedDict(W_enc=torch.nn.Parameter(p["W_enc"].T.contiguous().T), W_dec=p["W_dec"].T.contiguous().T, b_enc=shared[7 : 7 + N],
                           b_dec=spread[1::2]), c.folder / "47.pt")
    c.json("47_cfg.json", {"act_name": "blocks.2.hook_mlp_out", "model_name": "gelu-2l"})
    c.finish(p, *compute(p, "relu", x), x)

    for name, dtype, seed in [("bf16", torch.bfloat16, 22), ("f16", torch.float16, 23), ("f64", torch.float64, 24)]:
        c = Case(root, f"nanda_{name}", seed)
        p, x = {k: v.to(dtype) for k, v in c.base().items()}, c.rand(ROWS, D)
        torch.save(p, c.folder / "0.pt")
        c.json("0_cfg.json", {"site": "resid_pre", "layer": 1})
        c.finish(p, *compute(p, "relu", x), x)


def sparsify(root):
    for name, transcode, seed in [("layers.3.mlp", False, 30), ("transcode", True, 31)]:
        c = Case(root, f"sparsify/{name}", seed)
        p, x = c.base(), c.rand(ROWS, D)
        save_file({"encoder.weight": p["W_enc"].T.contiguous(), "encoder.bias": p["b_enc"], "W_dec": p["W_dec"], "b_dec": p["b_dec"]},
                  c.folder / "sae.safetensors")
        c.json("cfg.json", {"expansion_factor": 32, "normalize_decoder": True, "num_latents": 0, "k": 4, "multi_topk": False,
                            "skip_connection": False, "transcode": transcode, "d_in": D})
        c.finish(p, *compute(p, "topk", x, k=4, apply_b_dec=not transcode), x)

    c = Case(root, "sparsify/skip", 32)
    p, x = c.base(), c.rand(ROWS, D)
    p["W_skip"] = c.rand(D, D, scale=0.3)
    save_file({"encoder.weight": p["W_enc"].T.contiguous(), "encoder.bias": p["b_enc"], "W_dec": p["W_dec"], "b_dec": p["b_dec"],
               "W_skip": p["W_skip"]}, c.folder / "sae.safetensors")
    c.json("cfg.json", {"activation": "topk", "expansion_factor": 2, "normalize_decoder": False, "num_latents": N, "k": 4, "multi_topk": False,
                        "skip_connection": True, "transcode": True, "d_in": D})
    c.finish(p, *compute(p, "topk", x, k=4, apply_b_dec=False), x)


def openai(root):
    c = Case(root, "openai_topk", 40)
    p, x = c.base(), c.rand(ROWS, D)
    state = OrderedDict([("pre_bias", p["b_dec"]), ("latent_bias", p["b_enc"]), ("stats_last_nonzero", torch.zeros(N, dtype=torch.long)),
                         ("encoder.weight", p["W_enc"].T.contiguous()), ("decoder.weight", p["W_dec"].contiguous().T)])
    torch.save(state | {"activation": "TopK", "activation_state_dict": {"k": 5, "postact_fn": "ReLU"}}, c.folder / "autoencoder.pt")
    c.finish(p, *compute(p, "topk", x, k=5, norm="layer_norm"), x)

    c = Case(root, "openai_relu", 41)
    p, x = c.base(), c.rand(ROWS, D)
    torch.save({"pre_bias": p["b_dec"], "latent_bias": p["b_enc"], "encoder.weight": p["W_enc"].T.contiguous(),
                "decoder.weight": p["W_dec"].T.contiguous(), "activation": "ReLU"}, c.folder / "0.pt")
    c.finish(p, *compute(p, "relu", x), x)


def dictionary_learning(root):
    def config(c, dict_class, **more):
        c.json("config.json", {"trainer": {"dict_class": dict_class, "trainer_class": "T", "activation_dim": D, "dict_size": N, "layer": 4,
                                           "lm_name": "EleutherAI/pythia-70m", "submodule_name": "resid_post_layer_4", **more},
                               "buffer": {"d_submodule": D, "ctx_len": 128}})

    def linear(p):
        # The encoder as the library initializes it: a transposed view.
        return {"encoder.weight": p["W_enc"].T, "encoder.bias": p["b_enc"], "decoder.weight": p["W_dec"].T}

    c = Case(root, "dl_standard", 50)
    p, x = c.base(), c.rand(ROWS, D)
    torch.save(OrderedDict(bias=p["b_dec"], **linear(p)), c.folder / "ae.pt")
    config(c, "AutoEncoder")
    c.finish(p, *compute(p, "relu", x), x)

    c = Case(root, "dl_backup", 51)
    p, x = c.base(), c.rand(ROWS, D)
    ae = OrderedDict(bias=p["b_dec"], **linear(p))
    torch.save({"step": 7, "ae": ae, "optimizer": {"state": {0: {"step": torch.tensor(7.0), "exp_avg": torch.zeros(3)}},
                                                   "param_groups": [{"lr": 1e-3, "betas": (0.9, 0.999), "params": [0, 1]}]},
                "config": {"dict_class": "AutoEncoder", "device": "cuda:0"}, "norm_factor": 2.5}, c.folder / "ae.pt")
    config(c, "AutoEncoder")
    q = p | {"b_enc": p["b_enc"] * 2.5, "b_dec": p["b_dec"] * 2.5}
    c.finish(q, *compute(q, "relu", x), x)

    c = Case(root, "dl_new", 52)
    p, x = c.base(), c.rand(ROWS, D)
    torch.save(OrderedDict(linear(p) | {"decoder.bias": p["b_dec"]}), c.folder / "ae.pt")
    c.finish(p, *compute(p, "relu", x, apply_b_dec=False), x)

    c = Case(root, "dl_gated", 53)
    p, x = c.base(), c.rand(ROWS, D)
    del p["b_enc"]
    p |= {"b_gate": c.rand(N, scale=0.2), "b_mag": c.rand(N, scale=0.2), "r_mag": c.rand(N, scale=0.5)}
    torch.save(OrderedDict([("decoder_bias", p["b_dec"]), ("r_mag", p["r_mag"]), ("gate_bias", p["b_gate"]), ("mag_bias", p["b_mag"]),
                            ("encoder.weight", p["W_enc"].T), ("decoder.weight", p["W_dec"].T)]), c.folder / "ae.pt")
    config(c, "GatedAutoEncoder")
    c.finish(p, *compute(p, "gated", x), x)

    c = Case(root, "dl_jumprelu", 54)
    p, x = c.base(), c.rand(ROWS, D)
    p["threshold"] = torch.rand(N, generator=c.g)
    torch.save(OrderedDict(p), c.folder / "ae.pt")
    config(c, "JumpReluAutoEncoder")
    c.finish(p, *compute(p, "jumprelu", x, apply_b_dec=False), x)

    c = Case(root, "dl_topk", 55)
    p, x = c.base(), c.rand(ROWS, D)
    torch.save(OrderedDict(k=torch.tensor(4, dtype=torch.int), threshold=torch.tensor(-1.0), b_dec=p["b_dec"], **linear(p)), c.folder / "ae.pt")
    config(c, "AutoEncoderTopK", k=4)
    c.finish(p, *compute(p, "topk", x, k=4), x)

    c = Case(root, "dl_batchtopk", 56)
    p, x = c.base(), c.rand(ROWS, D)
    torch.save(OrderedDict(k=torch.tensor(4, dtype=torch.int), threshold=torch.tensor(0.81), b_dec=p["b_dec"], **linear(p)), c.folder / "ae.pt")
    config(c, "BatchTopKSAE", k=4)
    p["threshold"] = torch.full((N,), 0.81)
    c.finish(p, *compute(p, "jumprelu", x), x)

    c = Case(root, "dl_matryoshka", 57)
    p, x = c.base(), c.rand(ROWS, D)
    torch.save(OrderedDict(k=torch.tensor(4, dtype=torch.int), threshold=torch.tensor(0.5), active_groups=torch.tensor(2),
                           group_sizes=torch.tensor([5, 15]), **p), c.folder / "ae.pt")
    config(c, "MatryoshkaBatchTopKSAE", k=4)
    p["threshold"] = torch.full((N,), 0.5)
    c.finish(p, *compute(p, "jumprelu", x), x)


def gemma_scope(root):
    for name, save, seed in [("gemma_scope", np.savez, 60), ("gemma_scope_compressed", np.savez_compressed, 61)]:
        c = Case(root, name, seed)
        p, x = c.base(), c.rand(ROWS, D)
        p["threshold"] = torch.rand(N, generator=c.g)
        arrays = {k: v.numpy() for k, v in p.items()}
        if save is np.savez_compressed:
            arrays["W_enc"] = np.asfortranarray(arrays["W_enc"])
            arrays["W_dec"] = arrays["W_dec"].astype(">f8")
            arrays["b_dec"] = arrays["b_dec"].astype("<f2")
            p["b_dec"] = p["b_dec"].half()
        save(c.folder / "params.npz", **arrays)
        c.finish(p, *compute(p, "jumprelu", x, apply_b_dec=False), x)


if __name__ == "__main__":
    target = Path(sys.argv[1])
    for make in (saelens, nanda, sparsify, openai, dictionary_learning, gemma_scope):
        make(target)
