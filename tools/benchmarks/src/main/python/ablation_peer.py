"""Ablation the plain way in PyTorch: one forward pass of gelu-1l's shape (random weights, 64 tokens) for each feature, 2 threads.

    python ablation_peer.py ablation FEATURES POSITION

Prints one JSON line with the median time in seconds for all features. Needs torch.
"""
import json
import statistics
import sys
import time

import torch
import torch.nn.functional as F

torch.set_num_threads(2)
torch.manual_seed(1)

D, HEADS, D_HEAD, D_MLP, VOCABULARY, N_CTX, LENGTH = 512, 8, 64, 2048, 48262, 1024, 64


def weight(*shape):
    return torch.randn(*shape) * 0.02


W_E, W_pos, W_U, b_U = weight(VOCABULARY, D), weight(N_CTX, D), weight(D, VOCABULARY), torch.zeros(VOCABULARY)
W_QKV, b_QKV, W_O, b_O = weight(D, 3 * D), weight(3 * D), weight(D, D), weight(D)
W_in, b_in, W_out, b_out = weight(D, D_MLP), weight(D_MLP), weight(D_MLP, D), weight(D)


@torch.no_grad()
def forward(tokens, position, vector):
    x = W_E[tokens] + W_pos[:LENGTH]
    q, k, v = torch.addmm(b_QKV, F.layer_norm(x, (D,)), W_QKV).view(LENGTH, 3, HEADS, D_HEAD).permute(1, 2, 0, 3)
    z = F.scaled_dot_product_attention(q[None], k[None], v[None], is_causal=True)[0].transpose(0, 1).reshape(LENGTH, D)
    x = x + torch.addmm(b_O, z, W_O)
    post = F.gelu(torch.addmm(b_in, F.layer_norm(x, (D,)), W_in))
    post[position] += vector
    x = x + torch.addmm(b_out, post, W_out)
    return torch.addmm(b_U, F.layer_norm(x, (D,)), W_U)


def main(features, position):
    tokens, vectors = torch.randint(0, VOCABULARY, (LENGTH,)), weight(features, D_MLP)
    for vector in vectors[:3]:
        forward(tokens, position, vector)
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        for vector in vectors:
            forward(tokens, position, vector)
        seconds.append(time.perf_counter() - start)
    print(json.dumps({"peer": "pytorch " + torch.__version__, "median_s": statistics.median(seconds)}))


if __name__ == "__main__":
    main(int(sys.argv[2]), int(sys.argv[3]))
