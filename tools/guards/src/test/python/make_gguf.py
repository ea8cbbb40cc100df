"""Writes model.gguf: a Llama of random weights with a tokenizer of bytes and one merge, for the page of docs/ that opens a GGUF file.

    python make_gguf.py ../resources/org/sae4j/guards/model.gguf        needs gguf and numpy
"""
import sys

import gguf
import numpy as np

D, LAYERS, HEADS, FF, CONTEXT = 32, 2, 4, 64, 128
random = np.random.default_rng(0)


def byte_tokens():
    """GPT-2's printable stand-ins for the 256 bytes."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    moved = [b for b in range(256) if b not in printable]
    return [chr(b) if b in printable else chr(256 + moved.index(b)) for b in range(256)]


def tensor(*shape):
    return (random.standard_normal(shape) / np.sqrt(shape[-1])).astype(np.float16)


writer = gguf.GGUFWriter(sys.argv[1], "llama")
writer.add_name("model")
writer.add_block_count(LAYERS)
writer.add_context_length(CONTEXT)
writer.add_embedding_length(D)
writer.add_feed_forward_length(FF)
writer.add_head_count(HEADS)
writer.add_head_count_kv(HEADS)
writer.add_layer_norm_rms_eps(1e-5)
writer.add_rope_dimension_count(D // HEADS)
writer.add_rope_freq_base(10000.0)
tokens = byte_tokens() + ["th", "<|endoftext|>"]
writer.add_vocab_size(len(tokens))
writer.add_tokenizer_model("gpt2")
writer.add_tokenizer_pre("gpt-2")
writer.add_token_list(tokens)
writer.add_token_types([gguf.TokenType.NORMAL] * 257 + [gguf.TokenType.CONTROL])
writer.add_token_merges(["t h"])
writer.add_bos_token_id(257)
writer.add_eos_token_id(257)
writer.add_add_bos_token(True)
writer.add_tensor("token_embd.weight", tensor(len(tokens), D))
for i in range(LAYERS):
    writer.add_tensor(f"blk.{i}.attn_norm.weight", np.ones(D, np.float32))
    for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
        writer.add_tensor(f"blk.{i}.{name}.weight", tensor(D, D))
    writer.add_tensor(f"blk.{i}.ffn_norm.weight", np.ones(D, np.float32))
    writer.add_tensor(f"blk.{i}.ffn_gate.weight", tensor(FF, D))
    writer.add_tensor(f"blk.{i}.ffn_up.weight", tensor(FF, D))
    writer.add_tensor(f"blk.{i}.ffn_down.weight", tensor(D, FF))
writer.add_tensor("output_norm.weight", np.ones(D, np.float32))
writer.add_tensor("output.weight", tensor(len(tokens), D))
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
