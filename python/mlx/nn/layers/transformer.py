# SPDX-License-Identifier: MIT
"""Attention and the transformer of Vaswani et al., https://arxiv.org/abs/1706.03762.

Arrays have the shape ``(N, L, dims)``. Masks are added to the scores and must broadcast to
``(N, num_heads, queries, keys)``: 0 where to look, a very large negative number where not.
"""

import math

import mlx.core as mx
from mlx.nn.layers.activations import relu
from mlx.nn.layers.base import Module
from mlx.nn.layers.dropout import Dropout
from mlx.nn.layers.linear import Linear
from mlx.nn.layers.normalization import LayerNorm

__all__ = [
    "MultiHeadAttention",
    "Transformer",
    "TransformerDecoder",
    "TransformerDecoderLayer",
    "TransformerEncoder",
    "TransformerEncoderLayer",
]


class MultiHeadAttention(Module):
    """Scaled dot product attention with several heads, between four linear projections.

    Parameters
    ----------
    dims : int
        Size of the projected queries and keys, and the default of all sizes below.
    num_heads : int
        Number of heads; it divides ``dims``.
    query_input_dims, key_input_dims : int, optional
        Sizes of the inputs; ``dims``.
    value_input_dims : int, optional
        Size of the values; ``key_input_dims``.
    value_dims, value_output_dims : int, optional
        Sizes of the projected values and of the output; ``dims``.
    bias : bool
        Whether the projections have biases.
    """

    def __init__(
        self,
        dims,
        num_heads,
        query_input_dims=None,
        key_input_dims=None,
        value_input_dims=None,
        value_dims=None,
        value_output_dims=None,
        bias=False,
    ):
        super().__init__()
        if dims % num_heads != 0:
            raise ValueError(
                "The input feature dimensions should be divisible by the number of heads "
                f"({dims} % {num_heads}) != 0"
            )
        query_input_dims = query_input_dims or dims
        key_input_dims = key_input_dims or dims
        value_input_dims = value_input_dims or key_input_dims
        value_dims = value_dims or dims
        value_output_dims = value_output_dims or dims

        self.num_heads = num_heads
        self.query_proj = Linear(query_input_dims, dims, bias=bias)
        self.key_proj = Linear(key_input_dims, dims, bias=bias)
        self.value_proj = Linear(value_input_dims, value_dims, bias=bias)
        self.out_proj = Linear(value_dims, value_output_dims, bias=bias)

    def __call__(self, queries, keys, values, mask=None):
        def heads(x):
            return x.reshape(*x.shape[:-1], self.num_heads, -1).transpose(0, 2, 1, 3)

        queries = heads(self.query_proj(queries))
        keys = heads(self.key_proj(keys))
        values = heads(self.value_proj(values))

        scale = math.sqrt(1 / queries.shape[-1])
        output = mx.fast.scaled_dot_product_attention(queries, keys, values, scale=scale, mask=mask)
        output = output.transpose(0, 2, 1, 3)
        return self.out_proj(output.reshape(*output.shape[:-2], -1))

    @staticmethod
    def create_additive_causal_mask(N, dtype=mx.float32):
        """A mask of shape ``(N, N)``: each position sees itself and those before it."""
        indices = mx.arange(N)
        mask = indices[:, None] < indices[None]
        return mask.astype(dtype) * mx.finfo(dtype).min


class TransformerEncoderLayer(Module):
    """Self attention and an MLP of two layers, each with a norm, a dropout and a residual sum.

    Parameters
    ----------
    dims : int
        Size of input and output.
    num_heads : int
        Number of heads.
    mlp_dims : int, optional
        Size between the two layers of the MLP; ``4 * dims``.
    dropout : float
        Probability of the dropouts.
    activation : callable
        Between the two layers of the MLP.
    norm_first : bool
        Normalise before attention and MLP; else after the residual sum, as in the paper.
    """

    def __init__(self, dims, num_heads, mlp_dims=None, dropout=0.0, activation=relu, norm_first=True):
        super().__init__()
        mlp_dims = mlp_dims or dims * 4
        self.attention = MultiHeadAttention(dims, num_heads)
        self.ln1 = LayerNorm(dims)
        self.ln2 = LayerNorm(dims)
        self.linear1 = Linear(dims, mlp_dims)
        self.linear2 = Linear(mlp_dims, dims)
        self.dropout1 = Dropout(dropout)
        self.dropout2 = Dropout(dropout)
        self.activation = activation
        self.norm_first = norm_first

    def _mlp(self, x):
        return self.linear2(self.dropout2(self.activation(self.linear1(x))))

    def __call__(self, x, mask):
        if self.norm_first:
            y = self.ln1(x)
            x = x + self.dropout1(self.attention(y, y, y, mask))
            return x + self._mlp(self.ln2(x))
        x = self.ln1(x + self.dropout1(self.attention(x, x, x, mask)))
        return self.ln2(x + self._mlp(x))


class TransformerEncoder(Module):
    """``num_layers`` times :class:`TransformerEncoderLayer`, then a LayerNorm.

    Parameters
    ----------
    num_layers : int
        Number of layers.
    dims, num_heads, mlp_dims, dropout, activation, norm_first
        As for :class:`TransformerEncoderLayer`.
    checkpoint : bool
        Compute each layer again for the gradient instead of keeping its results.
    """

    def __init__(
        self,
        num_layers,
        dims,
        num_heads,
        mlp_dims=None,
        dropout=0.0,
        activation=relu,
        norm_first=True,
        checkpoint=False,
    ):
        super().__init__()
        self.layers = [
            TransformerEncoderLayer(dims, num_heads, mlp_dims, dropout, activation, norm_first)
            for _ in range(num_layers)
        ]
        self.ln = LayerNorm(dims)
        self.checkpoint = checkpoint

    def __call__(self, x, mask):
        for layer in _checkpointed(self.layers, self.checkpoint):
            x = layer(x, mask)
        return self.ln(x)


class TransformerDecoderLayer(Module):
    """Self attention, attention to the encoder's output and an MLP.

    Parameters
    ----------
    dims, num_heads, mlp_dims, dropout, activation, norm_first
        As for :class:`TransformerEncoderLayer`.
    """

    def __init__(self, dims, num_heads, mlp_dims=None, dropout=0.0, activation=relu, norm_first=True):
        super().__init__()
        mlp_dims = mlp_dims or dims * 4
        self.self_attention = MultiHeadAttention(dims, num_heads)
        self.cross_attention = MultiHeadAttention(dims, num_heads)
        self.ln1 = LayerNorm(dims)
        self.ln2 = LayerNorm(dims)
        self.ln3 = LayerNorm(dims)
        self.linear1 = Linear(dims, mlp_dims)
        self.linear2 = Linear(mlp_dims, dims)
        self.dropout1 = Dropout(dropout)
        self.dropout2 = Dropout(dropout)
        self.dropout3 = Dropout(dropout)
        self.activation = activation
        self.norm_first = norm_first

    def _mlp(self, x):
        return self.linear2(self.dropout3(self.activation(self.linear1(x))))

    def __call__(self, x, memory, x_mask, memory_mask):
        if self.norm_first:
            y = self.ln1(x)
            x = x + self.dropout1(self.self_attention(y, y, y, x_mask))
            y = self.ln2(x)
            x = x + self.dropout2(self.cross_attention(y, memory, memory, memory_mask))
            return x + self._mlp(self.ln3(x))
        x = self.ln1(x + self.dropout1(self.self_attention(x, x, x, x_mask)))
        x = self.ln2(x + self.dropout2(self.cross_attention(x, memory, memory, memory_mask)))
        return self.ln3(x + self._mlp(x))


class TransformerDecoder(Module):
    """``num_layers`` times :class:`TransformerDecoderLayer`, then a LayerNorm.

    Parameters
    ----------
    num_layers, dims, num_heads, mlp_dims, dropout, activation, norm_first, checkpoint
        As for :class:`TransformerEncoder`.
    """

    def __init__(
        self,
        num_layers,
        dims,
        num_heads,
        mlp_dims=None,
        dropout=0.0,
        activation=relu,
        norm_first=True,
        checkpoint=False,
    ):
        super().__init__()
        self.layers = [
            TransformerDecoderLayer(dims, num_heads, mlp_dims, dropout, activation, norm_first)
            for _ in range(num_layers)
        ]
        self.ln = LayerNorm(dims)
        self.checkpoint = checkpoint

    def __call__(self, x, memory, x_mask, memory_mask):
        for layer in _checkpointed(self.layers, self.checkpoint):
            x = layer(x, memory, x_mask, memory_mask)
        return self.ln(x)


class Transformer(Module):
    """An encoder and a decoder that attends to its output.

    Parameters
    ----------
    dims : int
        Size of the vectors.
    num_heads : int
        Number of heads.
    num_encoder_layers, num_decoder_layers : int
        Numbers of layers.
    mlp_dims, dropout, activation, norm_first, checkpoint
        As for :class:`TransformerEncoder`.
    custom_encoder, custom_decoder : Module, optional
        Used instead of the standard ones.
    """

    def __init__(
        self,
        dims=512,
        num_heads=8,
        num_encoder_layers=6,
        num_decoder_layers=6,
        mlp_dims=None,
        dropout=0.0,
        activation=relu,
        custom_encoder=None,
        custom_decoder=None,
        norm_first=True,
        checkpoint=False,
    ):
        super().__init__()
        shared = (dims, num_heads, mlp_dims, dropout, activation, norm_first, checkpoint)
        # `is None`: a module without parameters of its own is an empty dict, which is false.
        self.encoder = TransformerEncoder(num_encoder_layers, *shared) if custom_encoder is None else custom_encoder
        self.decoder = TransformerDecoder(num_decoder_layers, *shared) if custom_decoder is None else custom_decoder

    def __call__(self, src, tgt, src_mask, tgt_mask, memory_mask):
        memory = self.encoder(src, src_mask)
        return self.decoder(tgt, memory, tgt_mask, memory_mask)


def _checkpointed(layers, wanted):
    if not wanted:
        return layers
    from mlx.nn.utils import checkpoint

    return [checkpoint(layer) for layer in layers]
