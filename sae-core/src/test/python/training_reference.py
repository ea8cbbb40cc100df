"""Reference training runs in PyTorch, for the tests of org.sae4j.core.train.

    python training_reference.py OUTPUT_FOLDER

For every case: the loss is written down as in the recipe's description, gradients come from autograd, and the step is the loop of
"loss, backward, projection, unit norm, clipping, Adam, zero grad" in the recipe's order. One safetensors file per case holds the data, the
starting values, the losses of all steps and the final values. Needs torch and safetensors.
"""
import pathlib
import sys

import torch
from safetensors.torch import save_file

torch.set_num_threads(1)
D, N, ROWS, BATCH, STEPS = 7, 13, 33, 10, 10


def data(seed):
    g = torch.Generator().manual_seed(seed)
    atoms = torch.randn(9, D, generator=g)
    codes = torch.rand(ROWS, 9, generator=g) * (torch.rand(ROWS, 9, generator=g) < 0.3)
    return codes @ atoms + 0.1 * torch.randn(ROWS, D, generator=g) + 0.3


def start(seed, names):
    g = torch.Generator().manual_seed(seed + 1)
    values = {
        "W_enc": 0.5 * torch.randn(D, N, generator=g),
        "W_dec": 0.4 * torch.randn(N, D, generator=g),
        "b_enc": 0.1 * torch.randn(N, generator=g),
        "b_dec": 0.2 * torch.randn(D, generator=g),
        "b_gate": 0.1 * torch.randn(N, generator=g),
        "b_mag": 0.1 * torch.randn(N, generator=g),
        "r_mag": 0.2 * torch.randn(N, generator=g),
        "threshold": 0.05 + 0.2 * torch.rand(N, generator=g),
    }
    # Two features that cannot fire on their own, so that there is something dead.
    values["b_enc"][3] = values["b_enc"][8] = -9.0
    values["b_gate"][3] = -9.0
    return {name: values[name] for name in names}


def reduce(error, x, how, n):
    if how == "sum":
        return error.pow(2).sum(-1).mean()
    if how == "sum_over_features":
        return error.pow(2).sum(-1).mean() / n
    if how == "mean":
        return error.pow(2).mean()
    if how == "mean_over_norm":
        return (error.pow(2) / x.norm(dim=-1, keepdim=True)).mean()
    if how == "normalized":
        return error.pow(2).mean() / (x - x.mean(0)).pow(2).mean()
    raise ValueError(how)


def top(values, k):
    kept = values.topk(k, dim=-1)
    return torch.zeros_like(values).scatter(-1, kept.indices, torch.relu(kept.values))


class Rectangle(torch.autograd.Function):
    """H(p - theta), with dH/dtheta = -K((p - theta)/eps)/eps and no gradient by p."""

    @staticmethod
    def forward(ctx, p, theta, eps):
        ctx.save_for_backward(p, theta)
        ctx.eps = eps
        return (p > theta).float()

    @staticmethod
    def backward(ctx, g):
        p, theta = ctx.saved_tensors
        kernel = ((p - theta).abs() < ctx.eps / 2).float()
        return None, (-kernel / ctx.eps * g).sum(0), None


class Jump(torch.autograd.Function):
    """p H(p - theta), with df/dtheta = -theta K((p - theta)/eps)/eps and df/dp = H(p - theta)."""

    @staticmethod
    def forward(ctx, p, theta, eps):
        ctx.save_for_backward(p, theta)
        ctx.eps = eps
        return p * (p > theta)

    @staticmethod
    def backward(ctx, g):
        p, theta = ctx.saved_tensors
        kernel = ((p - theta).abs() < ctx.eps / 2).float()
        return g * (p > theta), (-theta * kernel / ctx.eps * g).sum(0), None


def run(case, seed):
    names = {"gated": ["W_enc", "W_dec", "b_gate", "b_mag", "r_mag", "b_dec"],
             "jump_relu": ["W_enc", "W_dec", "b_enc", "b_dec", "threshold"]}.get(case["activation"], ["W_enc", "W_dec", "b_enc", "b_dec"])
    x_all, init = data(seed), start(seed, names)
    p = {name: torch.nn.Parameter(value.clone()) for name, value in init.items()}
    if "threshold" in p:
        p["log_threshold"] = torch.nn.Parameter(p.pop("threshold").detach().log())
    adam = torch.optim.Adam(p.values(), lr=case["lr"], betas=(case["beta1"], case["beta2"]), eps=case["eps"])
    since = torch.zeros(N)
    losses, kept, at = [], [], 0
    for step in range(1, STEPS + 1):
        x = x_all[[(at + i) % ROWS for i in range(BATCH)]]
        at += BATCH
        w_dec = p["W_dec"]
        if case["unit_norm"] == "before_forward":
            w_dec.data /= w_dec.data.norm(dim=-1, keepdim=True)
        dead = since > case["dead_after"]
        centred = x - p["b_dec"] if case["apply_b_dec"] else x
        pre = centred @ p["W_enc"] + p["b_gate" if "b_gate" in p else "b_enc"]
        if case["activation"] == "relu":
            f = torch.relu(pre)
        elif case["activation"] == "topk":
            f = top(pre, case["k"])
        elif case["activation"] == "batch_topk":
            f = top(pre.flatten(), case["k"] * BATCH).reshape(pre.shape)
            kept.append(f[f > 0].min().item())
        elif case["activation"] == "jump_relu":
            theta = p["log_threshold"].exp()
            f = Jump.apply(pre, theta, case["bandwidth"])
        else:
            magnitude = (centred @ p["W_enc"]) * p["r_mag"].exp() + p["b_mag"]
            f = (pre > 0).float() * torch.relu(magnitude)
        x_hat = f @ w_dec + p["b_dec"]
        loss = 0.0
        for size in case.get("matryoshka", [N]):
            loss = loss + reduce(f[:, :size] @ w_dec[:size] + p["b_dec"] - x, x, case["error"], N)
        norms = w_dec.norm(dim=-1)
        if case["penalty"] == "l1_sum":
            loss = loss + case["l1"] * f.abs().sum()
        elif case["penalty"] == "l1":
            loss = loss + case["l1"] * f.abs().sum(-1).mean()
        elif case["penalty"] == "l1_decoder_norm":
            weighted = torch.relu(pre) if case["activation"] == "gated" else f
            loss = loss + case["l1"] * (weighted * norms).sum(-1).mean()
        elif case["penalty"] == "l0":
            loss = loss + case["l1"] * Rectangle.apply(pre, theta, case["bandwidth"]).sum(-1).mean()
        if case["activation"] == "gated":
            loss = loss + reduce(torch.relu(pre) @ w_dec.detach() + p["b_dec"].detach() - x, x, case["error"], N)
        if case["dead"] == "ghost" and dead.any():
            r = x - x_hat
            g = pre[:, dead].exp() @ w_dec[dead]
            g = g * (r.norm(dim=-1) / (2 * g.norm(dim=-1) + 1e-6)).detach()[:, None]
            weight = 1 / x.norm(dim=-1, keepdim=True) if case["error"] == "mean_over_norm" else 1.0
            rest = (g - r.detach()).pow(2)
            ratio = (weight * r.pow(2) / (rest + 1e-6)).detach()
            loss = loss + (ratio * rest).mean()
        if case["dead"] == "aux_k" and dead.any():
            e = (x - x_hat).detach()
            count = min(case["k_aux"], int(dead.sum()))
            aux = torch.zeros_like(pre)
            aux[:, dead] = top(pre[:, dead], count)
            loss = loss + case["aux_coefficient"] * reduce(aux @ w_dec - e, e, case["error"], N)
        losses.append(loss.item())
        loss.backward()
        with torch.no_grad():
            unit = w_dec / w_dec.norm(dim=-1, keepdim=True)
            if case["unit_norm"] != "none":
                w_dec.grad -= (w_dec.grad * unit).sum(-1, keepdim=True) * unit
            if case["unit_norm"] == "before_adam":
                w_dec.data = unit
        if case.get("clip"):
            torch.nn.utils.clip_grad_norm_(p.values(), case["clip"])
        adam.step()
        adam.zero_grad()
        with torch.no_grad():
            if case["unit_norm"] == "after_adam":
                w_dec.data /= w_dec.data.norm(dim=-1, keepdim=True)
            fired = (f > 0).any(0)
            since = torch.where(fired, torch.zeros(N), since + BATCH)
    if "log_threshold" in p:
        p["threshold"] = p.pop("log_threshold").exp()
    out = {"data": x_all, "losses": torch.tensor(losses, dtype=torch.float64).float()}
    if kept:
        decay = case["threshold_decay"]
        weights = [decay ** (STEPS - 1 - i) for i in range(STEPS)]
        out["threshold"] = torch.tensor([sum(w * t for w, t in zip(weights, kept)) / sum(weights)])
    out.update({"init." + name: value for name, value in init.items()})
    out.update({"final." + name: value.detach() for name, value in p.items()})
    return {name: value.contiguous() for name, value in out.items()}


COMMON = {"activation": "relu", "apply_b_dec": True, "unit_norm": "none", "penalty": "none", "dead": "none", "dead_after": 10**9,
          "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "lr": 3e-3}
CASES = {
    "neel-run1": {"error": "sum", "penalty": "l1_sum", "l1": 0.01, "unit_norm": "before_adam", "beta2": 0.99},
    "bloom-2024-02": {"error": "mean_over_norm", "penalty": "l1", "l1": 0.01, "unit_norm": "before_forward", "dead": "ghost",
                      "dead_after": 15},
    "paper": {"error": "sum_over_features", "penalty": "l1_decoder_norm", "l1": 0.01, "unit_norm": "after_adam", "dead": "ghost",
              "dead_after": 15, "apply_b_dec": False},
    "anthropic-april-2024": {"error": "sum", "penalty": "l1_decoder_norm", "l1": 0.1, "apply_b_dec": False, "clip": 1.0},
    "openai-topk": {"activation": "topk", "k": 3, "error": "normalized", "unit_norm": "before_adam", "dead": "aux_k", "k_aux": 2,
                    "aux_coefficient": 1 / 32, "dead_after": 15, "eps": 6.25e-10},
    "batch-topk": {"activation": "batch_topk", "k": 3, "error": "mean", "unit_norm": "before_adam", "dead": "aux_k", "k_aux": 2,
                   "aux_coefficient": 1 / 32, "dead_after": 15, "beta2": 0.99, "threshold_decay": 0.8},
    "matryoshka": {"activation": "batch_topk", "k": 3, "error": "mean", "unit_norm": "before_adam", "dead": "aux_k", "k_aux": 2,
                   "aux_coefficient": 1 / 32, "dead_after": 15, "beta2": 0.99, "threshold_decay": 0.8, "matryoshka": [3, 7, 13]},
    "jumprelu": {"activation": "jump_relu", "error": "sum", "penalty": "l0", "l1": 0.2, "unit_norm": "after_adam", "apply_b_dec": False,
                 "beta1": 0.0, "bandwidth": 0.15},
    "gated": {"activation": "gated", "error": "sum", "penalty": "l1_decoder_norm", "l1": 0.2, "unit_norm": "after_adam", "beta1": 0.0},
    "gated-free": {"activation": "gated", "error": "sum", "penalty": "l1_decoder_norm", "l1": 0.2, "dead": "aux_k", "k_aux": 2,
                   "aux_coefficient": 1 / 32, "dead_after": 15},
}

if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for number, (name, case) in enumerate(CASES.items()):
        save_file(run({**COMMON, **case}, 10 * number), folder / f"{name}.safetensors")
