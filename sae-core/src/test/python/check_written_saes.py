"""Checks that folders of autoencoders enter SAELens' own pipeline.

Usage: python check_written_saes.py FOLDER...
Each is loaded with SAE.load_from_disk, fed by ActivationsStore.from_sae from a random transformer of fitting width, with no argument that the config
should give, and its decoder norms are folded where SAELens allows it; features before and after are compared. Needs sae-lens 6.54, transformer-lens.
"""
import sys

import torch
from datasets import Dataset
from sae_lens import SAE, ActivationsStore
from transformer_lens import HookedTransformer, HookedTransformerConfig


def model_for(sae):
    hook = sae.cfg.metadata.hook_name
    layer = int(hook.split(".")[1]) if hook.startswith("blocks.") else 0
    d_model = sae.cfg.d_in if "resid" in hook or hook.endswith("_out") or "ln" in hook else 32
    heads = 4
    d_head = sae.cfg.d_in // heads if hook.endswith("hook_z") else 8
    d_mlp = sae.cfg.d_in if "mlp.hook" in hook else 64
    torch.manual_seed(0)
    return HookedTransformer(HookedTransformerConfig(
        n_layers=layer + 1, d_model=d_model, n_heads=heads, d_head=d_head, d_mlp=d_mlp, n_ctx=max(256, sae.cfg.metadata.context_size), d_vocab=50,
        act_fn="gelu", normalization_type="LN", default_prepend_bos=True, tokenizer_prepends_bos=False))


def check(folder):
    sae = SAE.load_from_disk(folder)
    metadata = sae.cfg.metadata
    model = model_for(sae)
    # Without a tokenizer the store cannot ask for the BOS token.
    model.tokenizer = type("Tokenizer", (), {"bos_token_id": 0, "eos_token_id": 1, "sep_token_id": None,
                                         "padding_side": "right"})()
    length = metadata.context_size
    tokens = torch.randint(2, 50, (64, length))
    tokens[:, 0] = 0
    store = ActivationsStore.from_sae(model, sae, dataset=Dataset.from_dict({"tokens": tokens.tolist()}), streaming=False,
                                      store_batch_size_prompts=2, n_batches_in_buffer=2, train_batch_size_tokens=64, total_tokens=10_000)
    x = store.next_batch().reshape(-1, sae.cfg.d_in)
    if sae.cfg.reshape_activations == "hook_z":
        x = x.reshape(len(x), model.cfg.n_heads, model.cfg.d_head)
    before, y = sae.encode(x), sae(x)
    try:
        sae.fold_W_dec_norm()
        norms = sae.W_dec.norm(dim=-1)
        folded = f"decoder norms folded to {norms.min():.6f}..{norms.max():.6f}, output differs by {(sae(x) - y).abs().max():.2g}"
    except NotImplementedError as e:
        folded = f"decoder norms not folded: {e}"
    print(f"{folder}: {sae.cfg.architecture()}, context_size {metadata.context_size}, prepend_bos {metadata.prepend_bos}, model_name "
          f"{metadata.model_name}, processing {metadata.model_from_pretrained_kwargs}; {x.shape[0]} activations, L0 "
          f"{(before != 0).float().sum(-1).mean():.1f}; {folded}")


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        check(argument)
