"""Makes tiny random models of every family with Hugging Face's values, for tests of sae-core.

Usage: python make_family_golden.py FOLDER [NAME ...]   (in an environment with transformers 5 and safetensors)

Each model becomes FOLDER/NAME as save_pretrained writes it, and FOLDER/NAME.safetensors with `tokens`, `logits` and the residual stream
before each block and after the last, of a computation in float32 with eager attention.
"""
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, CONFIG_MAPPING

SMALL = dict(vocab_size=37, hidden_size=24, num_hidden_layers=3, num_attention_heads=4, max_position_embeddings=32)
GATED = dict(SMALL, intermediate_size=40, num_key_value_heads=2)
MODELS = {
    "llama": ("llama", dict(GATED)),
    "llama_one_key_head": ("llama", dict(GATED, num_key_value_heads=1, head_dim=10, tie_word_embeddings=True)),
    "llama_biases": ("llama", dict(GATED, attention_bias=True, mlp_bias=True, num_key_value_heads=4)),
    "llama_rope3": ("llama", dict(GATED, rope_parameters=dict(rope_type="llama3", rope_theta=5000.0, factor=4.0, low_freq_factor=1.0,
                                                              high_freq_factor=4.0, original_max_position_embeddings=16))),
    "llama_linear": ("llama", dict(GATED, rope_parameters=dict(rope_type="linear", rope_theta=10000.0, factor=2.0))),
    "llama_yarn": ("llama", dict(GATED, head_dim=14, rope_parameters=dict(rope_type="yarn", rope_theta=10000.0, factor=4.0,
                                                                          original_max_position_embeddings=8))),
    "mistral_window": ("mistral", dict(GATED, sliding_window=4)),
    "mistral_no_window": ("mistral", dict(GATED, sliding_window=None)),
    "qwen2": ("qwen2", dict(GATED)),
    "qwen2_window": ("qwen2", dict(GATED, use_sliding_window=True, sliding_window=3, max_window_layers=1)),
    "qwen3": ("qwen3", dict(GATED, head_dim=8, attention_bias=False)),
    "olmo2": ("olmo2", dict(GATED)),
    "gemma": ("gemma", dict(GATED, head_dim=8)),
    "gemma2": ("gemma2", dict(GATED, head_dim=8, sliding_window=4, query_pre_attn_scalar=16, attn_logit_softcapping=2.0,
                              final_logit_softcapping=1.5)),
    "gemma3": ("gemma3_text", dict(GATED, num_hidden_layers=4, head_dim=8, sliding_window=4, query_pre_attn_scalar=16,
                                   layer_types=["sliding_attention", "sliding_attention", "full_attention", "sliding_attention"])),
    "neox_parallel": ("gpt_neox", dict(SMALL, intermediate_size=40, rope_parameters=dict(rope_type="default", rope_theta=10000.0,
                                                                                        partial_rotary_factor=0.5))),
    "neox_serial": ("gpt_neox", dict(SMALL, intermediate_size=40, use_parallel_residual=False, attention_bias=False)),
    "gpt_neo": ("gpt_neo", dict(vocab_size=37, hidden_size=24, num_layers=4, num_heads=4, max_position_embeddings=32, window_size=3,
                                attention_types=[[["global", "local"], 2]], intermediate_size=None)),
    "opt": ("opt", dict(vocab_size=37, hidden_size=24, word_embed_proj_dim=24, num_hidden_layers=3, num_attention_heads=4, ffn_dim=40,
                        max_position_embeddings=32)),
    "phi": ("phi", dict(SMALL, hidden_size=32, intermediate_size=40)),
    "falcon_shared": ("falcon", dict(vocab_size=37, hidden_size=24, num_hidden_layers=3, num_attention_heads=4, alibi=False,
                                     max_position_embeddings=32)),
    "falcon_serial": ("falcon", dict(vocab_size=37, hidden_size=24, num_hidden_layers=3, num_attention_heads=4, alibi=False, bias=True,
                                     multi_query=False, parallel_attn=False, max_position_embeddings=32)),
    "falcon_grouped": ("falcon", dict(vocab_size=37, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, num_kv_heads=2, alibi=False,
                                      bias=True, new_decoder_architecture=True, max_position_embeddings=32)),
    "falcon_grouped_one_norm": ("falcon", dict(vocab_size=37, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, num_kv_heads=2,
                                               alibi=False, new_decoder_architecture=True, num_ln_in_parallel_attn=1,
                                               max_position_embeddings=32)),
    "gemma2_no_caps": ("gemma2", dict(GATED, head_dim=8, sliding_window=4, attn_logit_softcapping=None, final_logit_softcapping=None)),
    "llama_bf16": ("llama", dict(GATED, torch_dtype="bfloat16")),
    "qwen3_f16": ("qwen3", dict(GATED, head_dim=8, torch_dtype="float16")),
}


def main(folder, *names):
    for name, (kind, settings) in MODELS.items():
        if names and name not in names:
            continue
        settings = dict(settings)
        dtype = getattr(torch, settings.pop("torch_dtype", "float32"))
        config = CONFIG_MAPPING[kind](**settings)
        torch.manual_seed(3)
        model = AutoModelForCausalLM.from_config(config, attn_implementation="eager").eval()
        with torch.no_grad():
            for key, parameter in model.named_parameters():
                gain = parameter.dim() == 1 and key.endswith("weight") and not kind.startswith("gemma")
                parameter.normal_(1.0 if gain else 0.0, 0.3)
        target = Path(folder) / name
        model.to(dtype).save_pretrained(target, max_shard_size="20KB" if name == "qwen2" else "1GB")
        # Read again, since a conversion of the whole model rounds the rotary frequencies too.
        model = AutoModelForCausalLM.from_pretrained(target, dtype=torch.float32, attn_implementation="eager").eval()
        tokens = torch.randint(0, 37, (2, 11))
        with torch.no_grad():
            run = model(tokens, output_hidden_states=True, use_cache=False)
        expected = {"tokens": tokens.float(), "logits": run.logits.float()}
        # The last hidden state is normalized.
        for layer, stream in enumerate(run.hidden_states[:-1]):
            expected[f"blocks.{layer}.hook_resid_pre"] = stream.float()
        save_file({key: value.contiguous() for key, value in expected.items()}, f"{target}.safetensors")
        (target / "generation_config.json").unlink(missing_ok=True)
        print(name, tuple(run.logits.shape))


main(*sys.argv[1:])
