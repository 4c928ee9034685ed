# SPDX-License-Identifier: MIT
"""Reading a prompt and writing token after token with Llama's shapes in bfloat16, for Mica and MLX."""
import mlx.core as mx

from models.llama_config import products


def draw(*shape):
    x = (0.02 * mx.random.normal(shape)).astype(mx.bfloat16)
    mx.eval(x)
    return x


class Llama:
    def __init__(self, c):
        self.c, self.head = c, c.width // c.heads
        self.embedding = draw(c.vocabulary, c.width)
        self.layers = [{name: draw(*shape) for name, shape in products(c).items()} for _ in range(c.layers)]
        self.ones = mx.ones(c.width, mx.bfloat16)
        self.cache = [[mx.zeros((1, c.key_heads, c.room, self.head), mx.bfloat16) for _ in "kv"] for _ in self.layers]
        mx.eval(self.ones, self.cache)

    def attend(self, w, cache, x, at):
        c, length = self.c, x.shape[1]
        split = lambda y, heads: y.reshape(1, length, heads, self.head).transpose(0, 2, 1, 3)
        turn = lambda y: mx.fast.rope(y, self.head, traditional=False, base=500000.0, scale=1.0, offset=at)
        q = turn(split(x @ w["query"].T, c.heads))
        cache[0][:, :, at:at + length] = turn(split(x @ w["key"].T, c.key_heads))
        cache[1][:, :, at:at + length] = split(x @ w["value"].T, c.key_heads)
        k, v = (y[:, :, :at + length] for y in cache)
        y = mx.fast.scaled_dot_product_attention(q, k, v, scale=self.head**-0.5, mask="causal" if length > 1 else None)
        return y.transpose(0, 2, 1, 3).reshape(1, length, c.width) @ w["output"].T

    def next(self, tokens, at):
        """The likeliest token (1, 1) after `tokens` (1, T), which stand at `at`."""
        x = self.embedding[tokens]
        for w, cache in zip(self.layers, self.cache):
            x = x + self.attend(w, cache, mx.fast.rms_norm(x, self.ones, 1e-5), at)
            h = mx.fast.rms_norm(x, self.ones, 1e-5)
            gate = h @ w["gate"].T
            x = x + (gate * mx.sigmoid(gate) * (h @ w["up"].T)) @ w["down"].T
        h = mx.fast.rms_norm(x[:, -1:], self.ones, 1e-5)
        return mx.argmax(h @ self.embedding.T, axis=-1)


def build(c):
    """read(), which waits for the token after the prompt, write(n), which waits for n more, peak_bytes()."""
    mx.random.seed(0)
    model = Llama(c)
    prompt = mx.random.randint(0, c.vocabulary, (1, c.prompt))

    def read():
        mx.eval(model.next(prompt, 0), model.cache)

    def write(n):
        token = prompt[:, -1:]
        for i in range(n):
            token = model.next(token, c.prompt + i % (c.room - c.prompt))
            mx.async_eval(token, model.cache)
        mx.synchronize()
        return token.item()
    mx.reset_peak_memory()
    return read, write, mx.get_peak_memory
