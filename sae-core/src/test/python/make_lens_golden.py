"""Makes tiny models of TransformerLens with their values at all hook points, for tests of sae-core.

Usage: python make_lens_golden.py FOLDER   (in an environment with transformer-lens 3.9 and safetensors)

Each model becomes FOLDER/NAME with config.json and model.safetensors, and FOLDER/NAME.safetensors with `tokens` and one tensor
for each hook point. Weights are float32 and random, biases and norms too, so that no part of the computation can be left out unseen.
"""
import json
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformer_lens import HookedTransformer, HookedTransformerConfig

BASE = dict(n_layers=2, d_model=16, n_ctx=12, d_head=4, n_heads=4, d_mlp=24, d_vocab=29, act_fn="gelu", normalization_type="LN", seed=1,
            device="cpu", default_prepend_bos=False)
MODELS = {
    "lens_inverse_layer": dict(scale_attn_by_inverse_layer_idx=True, n_layers=3),
    "lens_attn_only": dict(attn_only=True, d_mlp=None, act_fn=None),
    "lens_solu": dict(act_fn="solu"),
    "lens_solu_ln": dict(act_fn="solu_ln"),
    "lens_silu_parallel": dict(act_fn="silu", parallel_attn_mlp=True),
    "lens_shortformer": dict(positional_embedding_type="shortformer"),
    "lens_rotary": dict(positional_embedding_type="rotary", rotary_dim=4),
    "lens_rotary_adjacent": dict(positional_embedding_type="rotary", rotary_dim=2, rotary_adjacent_pairs=True),
    "lens_gated_rms": dict(gated_mlp=True, act_fn="silu", normalization_type="RMS", final_rms=True, n_key_value_heads=2,
                           positional_embedding_type="rotary", rotary_dim=4),
    "lens_local": dict(use_local_attn=True, window_size=3, attn_types=["global", "local"]),
    "lens_no_norm": dict(normalization_type=None),
    "lens_pre_norm": dict(normalization_type="LNPre"),
    "lens_caps": dict(attn_scores_soft_cap=2.0, output_logits_soft_cap=3.0),
}


def main(folder):
    for name, changes in MODELS.items():
        config = HookedTransformerConfig(**{**BASE, **changes}, model_name=name)
        torch.manual_seed(7)
        model = HookedTransformer(config)
        with torch.no_grad():
            for key, parameter in model.named_parameters():
                parameter.normal_(1.0 if key.endswith(".w") else 0.0, 0.4)
        tokens = torch.randint(0, config.d_vocab, (2, 9))
        _, cache = model.run_with_cache(tokens)
        expected = {key: value.contiguous().clone() for key, value in cache.items()}
        expected["logits"] = model(tokens).contiguous()
        expected["tokens"] = tokens.float()
        target = Path(folder) / name
        target.mkdir(parents=True, exist_ok=True)
        known = {key: value for key, value in config.to_dict().items()
                 if value is None or isinstance(value, (bool, int, float, str, list))}
        (target / "config.json").write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")
        state = {key: value.contiguous() for key, value in model.state_dict().items() if not key.endswith(("mask", "IGNORE"))}
        save_file(state, target / "model.safetensors")
        save_file(expected, f"{target}.safetensors")
        print(name, len(expected), "values")


main(sys.argv[1])
