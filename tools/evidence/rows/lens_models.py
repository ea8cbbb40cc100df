"""environment: lens

Models of TransformerLens: values at every hook point, and cross-entropy with an autoencoder in place as SAELens evaluates it."""
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import sae_lens
import torch
from safetensors.torch import load_file, save_file
from sae_lens.evals import get_recons_loss
from sae_lens.training.activation_scaler import ActivationScaler
from transformer_lens import HookedTransformer, HookedTransformerConfig

from claim import difference, main, row, sae

BASE = dict(n_layers=2, d_model=20, n_ctx=14, d_head=5, n_heads=4, d_mlp=28, d_vocab=31, act_fn="gelu", normalization_type="LN", seed=1,
            device="cpu", default_prepend_bos=False)
MODELS = {
    "gelu": {},
    "attn-only": dict(attn_only=True, d_mlp=None, act_fn=None),
    "solu-ln": dict(act_fn="solu_ln"),
    "silu-parallel": dict(act_fn="silu", parallel_attn_mlp=True),
    "shortformer": dict(positional_embedding_type="shortformer"),
    "rotary": dict(positional_embedding_type="rotary", rotary_dim=4),
    "gated-rms": dict(gated_mlp=True, act_fn="silu", normalization_type="RMS", final_rms=True, n_key_value_heads=2,
                      positional_embedding_type="rotary", rotary_dim=4),
    "local": dict(use_local_attn=True, window_size=3, attn_types=["global", "local"]),
    "soft-caps": dict(attn_scores_soft_cap=2.0, output_logits_soft_cap=3.0),
}
TOKENS = torch.randint(1, BASE["d_vocab"], (2, 11), generator=torch.Generator().manual_seed(3))


def make(kind, folder):
    config = HookedTransformerConfig(**{**BASE, **MODELS[kind]}, model_name=kind)
    torch.manual_seed(len(kind))
    model = HookedTransformer(config).eval()
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            parameter.normal_(1.0 if key.endswith(".w") else 0.0, 0.3)
    folder.mkdir()
    known = {k: v for k, v in config.to_dict().items() if v is None or isinstance(v, (bool, int, float, str, list))}
    (folder / "config.json").write_text(json.dumps(known))
    save_file({k: v.contiguous() for k, v in model.state_dict().items() if not k.endswith(("mask", "IGNORE"))},
              folder / "model.safetensors")
    return model


def text_of(tokens):
    return ";".join(",".join(map(str, line)) for line in tokens.tolist())


def define(kind):
    @row(f"transformerlens-hooks-{kind}", f"A TransformerLens model ({kind}): the value at every hook point", ["transformer-lens"], 1e-4)
    def hooks(folder):
        model = make(kind, folder / "model")
        with torch.no_grad():
            logits, cache = model.run_with_cache(TOKENS)
        names = [*cache, "logits"]
        sae("activations", "--model", folder / "model", "--tokens", text_of(TOKENS), "--hook", ",".join(names), "--output",
            folder / "out.safetensors")
        values = load_file(str(folder / "out.safetensors"))
        expected = dict(cache.items()) | {"logits": logits}
        state = model.state_dict()
        worst = 0.0
        for name in names:
            norm = name.removesuffix(".hook_normalized")
            if norm != name and norm + ".b" in state:
                # sae4j keeps LayerNorm's value as TransformerLens 2 defines it: behind gain and bias.
                expected[name] = expected[name] * state[norm + ".w"] + state[norm + ".b"]
            # Scores behind the mask are -inf on both sides.
            there = torch.isfinite(expected[name])
            if not torch.equal(there, torch.isfinite(values[name])):
                raise AssertionError(f"{name}: other positions are masked")
            worst = max(worst, difference(values[name][there], expected[name][there]))
        return worst, f"{len(names)} hook points" + (", LayerNorm's hook_normalized as in TransformerLens 2" if any(
            name.endswith(".ln1.b") for name in state) else "")


for each in MODELS:
    define(each)


@row("saelens-evaluation", "Cross-entropy and KL divergence with an autoencoder in place: those of SAELens' evaluation", ["sae-lens"], 1e-5)
def evaluation(folder):
    model = make("gelu", folder / "model")
    hook, d_sae = "blocks.1.hook_resid_pre", 64
    torch.manual_seed(2)
    coder = sae_lens.StandardSAE(sae_lens.StandardSAEConfig(
        d_in=BASE["d_model"], d_sae=d_sae, dtype="float32", device="cpu", apply_b_dec_to_input=False,
        metadata=sae_lens.saes.sae.SAEMetadata(model_name="gelu", hook_name=hook, context_size=11, prepend_bos=False)))
    with torch.no_grad():
        for parameter in coder.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.25)
    coder.save_model(str(folder / "sae"))
    tokens = torch.randint(1, BASE["d_vocab"], (40, 11), generator=torch.Generator().manual_seed(8))
    with torch.no_grad():
        metrics = get_recons_loss(coder, model, ActivationScaler(), tokens, compute_kl=True, compute_ce_loss=True)
    theirs = {name: values.double().mean().item() for name, values in metrics.items()}
    save_file({"tokens": tokens.int()}, folder / "tokens.safetensors")
    sae("evaluate", "--sae", folder / "sae", "--model", folder / "model", "--tokens", folder / "tokens.safetensors", "--no-bos", "--keep-special",
        "--max-norm", "inf", "--output", folder / "evaluation.json")
    ours = json.loads((folder / "evaluation.json").read_text())["saelens"]
    return max(abs(ours[name] - value) for name, value in theirs.items()), f"{', '.join(theirs)}, in nats"


if __name__ == "__main__":
    main()
