"""Writes small files of random weights in exactly the layouts of the paper's: gelu-1l as TransformerLens saves it (model_final.pth with the
buffers mask and IGNORE, config.json) and run1 of Neel Nanda's training (25.pt, 25_cfg.json). PyTorch 2.

    python make_paper_files.py ../resources/org/sae4j/cli/paper
"""
import json
import sys
from pathlib import Path

import torch

out = Path(sys.argv[1])
torch.manual_seed(17)
V, D, H, DH, M, N, F = 1024, 16, 2, 8, 32, 64, 64
r = lambda *shape, scale=0.2: torch.randn(*shape) * scale
state = {"embed.W_E": r(V, D), "pos_embed.W_pos": r(N, D, scale=0.05)}
for ln in ("ln1", "ln2"):
    state |= {f"blocks.0.{ln}.w": 1 + r(D), f"blocks.0.{ln}.b": r(D)}
for q in "QKV":
    state |= {f"blocks.0.attn.W_{q}": r(H, D, DH), f"blocks.0.attn.b_{q}": r(H, DH)}
state |= {"blocks.0.attn.W_O": r(H, DH, D), "blocks.0.attn.b_O": r(D),
          "blocks.0.attn.mask": torch.tril(torch.ones(N, N)).bool(), "blocks.0.attn.IGNORE": torch.tensor(-1e5),
          "blocks.0.mlp.W_in": r(D, M), "blocks.0.mlp.b_in": r(M), "blocks.0.mlp.W_out": r(M, D), "blocks.0.mlp.b_out": r(D),
          "ln_final.w": 1 + r(D), "ln_final.b": r(D), "unembed.W_U": r(D, V), "unembed.b_U": torch.zeros(V)}
(out / "model").mkdir(parents=True, exist_ok=True)
torch.save(state, out / "model" / "model_final.pth")
(out / "model" / "config.json").write_text(json.dumps({
    "n_layers": 1, "d_model": D, "n_ctx": N, "d_head": DH, "n_heads": H, "d_mlp": M, "d_vocab": V, "act_fn": "gelu",
    "normalization": "LN", "tokenizer_name": "NeelNanda/gpt-neox-tokenizer-digits"}))
decoder = torch.nn.functional.normalize(r(F, M), dim=1)
torch.save({"W_enc": decoder.T.contiguous(), "W_dec": decoder, "b_enc": r(F, scale=0.02), "b_dec": r(M, scale=0.02)}, out / "25.pt")
(out / "25_cfg.json").write_text(json.dumps({
    "seed": 49, "batch_size": 4096, "buffer_mult": 384, "lr": 0.0001, "num_tokens": 2000000000, "l1_coeff": 0.0003, "beta1": 0.9,
    "beta2": 0.99, "dict_mult": 2, "seq_len": 128, "d_mlp": M, "enc_dtype": "fp32", "remove_rare_dir": False}))
