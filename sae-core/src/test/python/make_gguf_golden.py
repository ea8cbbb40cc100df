#!/usr/bin/env python3
"""Writes the models of GgufGoldenTest: a small random model of every architecture, what transformers computes, and the GGUF file that
llama.cpp's converter would write of it.

    python make_gguf_golden.py ../resources/org/sae4j/core/format/gguf      needs torch, transformers (5.24 was used), gguf (0.19)

The weights are first rounded to the file's types, so that the float32 computation is that of the file's values. For each model NAME.gguf and
NAME.json (tokens, logits of the last position, blocks.1.hook_resid_pre there)."""
import json
import sys
from pathlib import Path
import numpy as np
import gguf
import torch
import transformers
from gguf import GGMLQuantizationType as T

OUT = Path(sys.argv[1])
V, D, L = 64, 64, 2
COMMON = dict(vocab_size=V, hidden_size=D, num_hidden_layers=L, num_attention_heads=4, intermediate_size=96, max_position_embeddings=64,
              bos_token_id=0, eos_token_id=1, pad_token_id=None)
GROUPED = dict(COMMON, num_key_value_heads=2)
C = transformers
MODELS = {
    "llama": (C.LlamaConfig(**GROUPED, attention_bias=True, mlp_bias=True), T.F16),
    "llama_factors": (C.LlamaConfig(**GROUPED, tie_word_embeddings=True, rope_parameters={"rope_type": "llama3", "rope_theta": 10000.0,
        "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 32}), T.Q8_0),
    "llama_yarn": (C.LlamaConfig(**GROUPED, rope_parameters={"rope_type": "yarn", "rope_theta": 10000.0, "factor": 4.0,
        "original_max_position_embeddings": 16}), T.F16),
    "llama_linear": (C.LlamaConfig(**GROUPED, rope_parameters={"rope_type": "linear", "rope_theta": 5000.0, "factor": 4.0}), T.BF16),
    "qwen2": (C.Qwen2Config(**GROUPED), T.Q4_0),
    "qwen3": (C.Qwen3Config(**GROUPED, head_dim=32), T.Q4_1),
    "gemma": (C.GemmaConfig(**GROUPED, head_dim=24), T.BF16),
    "gemma2": (C.Gemma2Config(**GROUPED, head_dim=32, query_pre_attn_scalar=32, sliding_window=4), T.Q5_0),
    "gemma3": (C.Gemma3TextConfig(**GROUPED, head_dim=32, query_pre_attn_scalar=32, sliding_window=4, layer_types=["sliding_attention", "full_attention"],
        rope_parameters={"full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1e6},
                         "sliding_attention": {"rope_type": "default", "rope_theta": 1e4}}), T.Q5_1),
    "olmo2": (C.Olmo2Config(**GROUPED), T.IQ4_NL),
    "gptneox": (C.GPTNeoXConfig(**COMMON, rotary_pct=0.5), T.Q8_0),
    "gptneox_serial": (C.GPTNeoXConfig(**COMMON, rotary_pct=0.25, use_parallel_residual=False), T.F16),
    "gpt2": (C.GPT2Config(vocab_size=V, n_embd=32, n_layer=L, n_head=4, n_positions=64, bos_token_id=0, eos_token_id=1), T.F32),
    "phi2": (C.PhiConfig(**COMMON, partial_rotary_factor=0.5), T.F16),
    "llama_k": (C.LlamaConfig(**dict(GROUPED, hidden_size=256, intermediate_size=256), tie_word_embeddings=True), T.Q4_K),
}
ARCH = {"LlamaConfig": "llama", "Qwen2Config": "qwen2", "Qwen3Config": "qwen3", "GemmaConfig": "gemma", "Gemma2Config": "gemma2",
        "Gemma3TextConfig": "gemma3", "Olmo2Config": "olmo2", "GPTNeoXConfig": "gptneox", "GPT2Config": "gpt2", "PhiConfig": "phi2"}
BLOCKS = {"self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
          "self_attn.dense": "attn_output", "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm", "mlp.gate_proj": "ffn_gate",
          "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down", "mlp.fc1": "ffn_up", "mlp.fc2": "ffn_down", "input_layernorm": "attn_norm",
          "post_attention_layernorm": "ffn_norm", "pre_feedforward_layernorm": "ffn_norm", "post_feedforward_layernorm": "post_ffw_norm",
          "attention.query_key_value": "attn_qkv", "attention.dense": "attn_output", "mlp.dense_h_to_4h": "ffn_up", "mlp.dense_4h_to_h": "ffn_down",
          "attn.c_attn": "attn_qkv", "attn.c_proj": "attn_output", "mlp.c_fc": "ffn_up", "mlp.c_proj": "ffn_down", "ln_1": "attn_norm", "ln_2": "ffn_norm"}
TOP = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "model.final_layernorm": "output_norm", "lm_head": "output",
       "gpt_neox.embed_in": "token_embd", "gpt_neox.final_layer_norm": "output_norm", "embed_out": "output", "transformer.wte": "token_embd",
       "transformer.wpe": "position_embd", "transformer.ln_f": "output_norm"}


def stored_name(name, arch):
    module, _, end = name.rpartition(".")
    parts = module.split(".")
    number = next((p for p in parts if p.isdigit()), None)
    if number is None:
        return f"{TOP[module]}.{end}"
    inner = module.split(f".{number}.", 1)[1]
    if arch in ("gemma2", "gemma3", "olmo2") and inner == "post_attention_layernorm":
        return f"blk.{number}.post_attention_norm.{end}"
    return f"blk.{number}.{BLOCKS[inner]}.{end}"


def permuted(w, heads):
    return w.reshape(heads, 2, w.shape[0] // heads // 2, *w.shape[1:]).swapaxes(1, 2).reshape(w.shape)


def converted(name, w, arch, config):
    """What the converter makes of a tensor, and the inverse."""
    if arch == "llama" and ("attn_q." in name or "attn_k." in name):
        heads = config.num_attention_heads if "attn_q." in name else config.num_key_value_heads
        return permuted(w, heads), lambda x: x.reshape(heads, x.shape[0] // heads // 2, 2, *x.shape[1:]).swapaxes(1, 2).reshape(x.shape)
    if arch == "gptneox" and "attn_qkv" in name:
        h, e = config.num_attention_heads, config.hidden_size // config.num_attention_heads
        return w.reshape(h, 3, e, *w.shape[1:]).swapaxes(0, 1).reshape(w.shape), lambda x: x.reshape(3, h, e, *x.shape[1:]).swapaxes(0, 1).reshape(x.shape)
    if arch == "gpt2" and w.ndim == 2 and any(p in name for p in ("attn_qkv", "attn_output", "ffn_up", "ffn_down")):
        return w.T, lambda x: x.T
    if arch.startswith("gemma") and name.endswith("norm.weight"):
        return w + np.float32(1), lambda x: x - np.float32(1)
    return w, lambda x: x


def keys(g, a, config):
    text = lambda k: f"{a}.{k}"
    get = lambda *names: next((getattr(config, n) for n in names if getattr(config, n, None) is not None), None)
    g.add_uint32(text("block_count"), get("num_hidden_layers", "n_layer"))
    g.add_uint32(text("context_length"), get("max_position_embeddings", "n_positions"))
    g.add_uint32(text("embedding_length"), get("hidden_size", "n_embd"))
    g.add_uint32(text("feed_forward_length"), get("intermediate_size") or 4 * get("hidden_size", "n_embd"))
    heads = get("num_attention_heads", "n_head")
    g.add_uint32(text("attention.head_count"), heads)
    if a not in ("gptneox", "gpt2"):
        g.add_int32(text("attention.head_count_kv"), get("num_key_value_heads"))
    if get("head_dim") and get("head_dim") * heads != get("hidden_size"):
        g.add_uint64(text("attention.key_length"), config.head_dim)
        g.add_uint64(text("attention.value_length"), config.head_dim)
    if get("rms_norm_eps") is not None:
        g.add_float32(text("attention.layer_norm_rms_epsilon"), config.rms_norm_eps)
    else:
        g.add_float32(text("attention.layer_norm_epsilon"), get("layer_norm_eps", "layer_norm_epsilon"))
    rope = getattr(config, "rope_parameters", None) or {}
    if a == "gemma3":
        g.add_float32(text("rope.freq_base_swa"), rope["sliding_attention"]["rope_theta"])
        rope = rope["full_attention"]
    if a not in ("gptneox", "gpt2"):
        g.add_float32(text("rope.freq_base"), rope["rope_theta"])
    if a in ("gptneox", "phi2"):
        share = rope.get("partial_rotary_factor", 1)
        g.add_uint32(text("rope.dimension_count"), int(share * config.hidden_size // heads))
    if a == "gptneox":
        g.add_bool(text("use_parallel_residual"), config.use_parallel_residual)
    if rope.get("rope_type") in ("linear", "yarn"):
        g.add_string(text("rope.scaling.type"), rope["rope_type"])
        g.add_float32(text("rope.scaling.factor"), rope["factor"])
        if "original_max_position_embeddings" in rope:
            g.add_uint32(text("rope.scaling.original_context_length"), rope["original_max_position_embeddings"])
    if a in ("gemma2", "gemma3"):
        g.add_uint32(text("attention.sliding_window"), config.sliding_window)
    if a == "gemma3":
        g.add_array(text("attention.sliding_window_pattern"), [t == "sliding_attention" for t in config.layer_types])
    if a == "gemma2":
        g.add_float32(text("attn_logit_softcapping"), config.attn_logit_softcapping)
        g.add_float32(text("final_logit_softcapping"), config.final_logit_softcapping)
    g.add_string("tokenizer.ggml.model", "none")


def factors(config):
    r = config.rope_parameters
    h = config.hidden_size // config.num_attention_heads
    out = []
    for k in range(h // 2):
        f = r["rope_theta"] ** (-2 * k / h)
        length = 2 * np.pi / f
        low, high, o = r["low_freq_factor"], r["high_freq_factor"], r["original_max_position_embeddings"]
        t = (o / length - low) / (high - low)
        out.append(1 if length < o / high else r["factor"] if length > o / low else 1 / ((1 - t) / r["factor"] + t))
    return np.array(out, np.float32)


def blocks(kind, shape, random):
    count, size = gguf.GGML_QUANT_SIZES[kind]
    raw = random.integers(0, 256, (shape[0], shape[1] // count * size), dtype=np.uint8)
    places, scale = {T.IQ4_NL: ([0], 1e-3), T.Q4_K: ([0, 2], 2e-4), T.Q6_K: ([208], 2e-5)}[kind]
    each = raw.reshape(-1, size)
    for at in places:
        each[:, at:at + 2] = (random.normal(size=len(each)) * scale).astype("<f2").view(np.uint8).reshape(-1, 2)
    return raw


OUT.mkdir(parents=True, exist_ok=True)
for label, (config, kind) in MODELS.items():
    arch = ARCH[type(config).__name__]
    torch.manual_seed(len(label))
    config._attn_implementation = "eager"
    model = transformers.AutoModelForCausalLM.from_config(config).float().eval()
    state = model.state_dict()
    tied = config.tie_word_embeddings
    path = OUT / f"{label}.gguf"
    g = gguf.GGUFWriter(path, arch)
    g.add_name(label)
    keys(g, arch, config)
    with torch.no_grad():
        for name in sorted(state):
            if name.endswith((".inv_freq", ".masked_bias", ".attn.bias")) or tied and name.startswith(("lm_head", "embed_out")):
                continue
            w = state[name]
            w.copy_(torch.randn(w.shape) * (0.3 if w.ndim == 1 else 1.5 / w.shape[-1] ** 0.5) + (1 if w.ndim == 1 and "norm" in name and not arch.startswith("gemma") and name.endswith("weight") else 0))
            stored = stored_name(name, arch)
            values, back = converted(stored, w.numpy().astype(np.float32), arch, config)
            values = np.ascontiguousarray(values, np.float32)
            own = T.F32 if w.ndim == 1 else T.Q6_K if kind == T.Q4_K and "ffn_down" in stored else kind
            try:
                raw = gguf.quants.quantize(values, own)
            except NotImplementedError:  # the package reads these types, but does not write them: any block is a weight
                raw = blocks(own, values.shape, np.random.default_rng(len(name)))
            g.add_tensor(stored, raw, raw_dtype=own)
            w.copy_(torch.from_numpy(np.ascontiguousarray(back(gguf.quants.dequantize(raw, own).reshape(values.shape)))))
        if label == "llama_factors":
            g.add_tensor("rope_freqs.weight", factors(config))
        g.write_header_to_file()
        g.write_kv_data_to_file()
        g.write_tensors_to_file()
        g.close()
        if tied:
            model.tie_weights()
        tokens = [[(7 * i + 3) % V for i in range(12)]]
        found = model(torch.tensor(tokens), output_hidden_states=True)
        out = {"tokens": tokens[0], "logits": found.logits[0, -1].tolist(), "resid_pre_1": found.hidden_states[1][0, -1].tolist()}
    (OUT / f"{label}.json").write_text(json.dumps(out) + "\n")
    print(label, arch, kind.name, path.stat().st_size, float(found.logits.abs().max()))
