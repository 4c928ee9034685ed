# SPDX-License-Identifier: MIT
"""Expressions whose value, or whose class of error, must be MLX's: what is special to the binding.

`x`, `f`, `m`, `b`, `z`, `h` are the arrays below.  record_golden_binding.py asks MLX; test_golden_binding.py asks Mica.
"""
ARRAYS = {
    "x": "mx.array([1, 2, 3])",
    "f": "mx.array([1.5, 2.5])",
    "m": "mx.arange(6).reshape(2, 3)",
    "b": "mx.array([True, False])",
    "z": "mx.array([1+2j])",
    "h": "mx.array([1.5], mx.bfloat16)",
    "s": "mx.array(2.5)",
    "u": "mx.array([200], mx.uint8)",
    "p": "mx.array([[4.0, 1.0], [1.0, 3.0]])",
    "g": "mx.array([[1.25, -2.0], [3.0, 0.5]])",
}

CONSTRUCTOR = """
mx.array(3) ; mx.array(True) ; mx.array(2.5) ; mx.array(1j) ; mx.array(2**31) ; mx.array(-2**31) ; mx.array(-2**31-1)
mx.array([]) ; mx.array(()) ; mx.array([[]]) ; mx.array([[], []]) ; mx.array([[1, 2], [3, 4]]) ; mx.array((1, 2.5))
mx.array([1, True]) ; mx.array([True, 1.5]) ; mx.array([True, 1j]) ; mx.array([2**31, 1]) ; mx.array([1.5], mx.int32)
mx.array([300], mx.uint8) ; mx.array(300, mx.uint8) ; mx.array(-1, mx.uint8) ; mx.array([1, 2], mx.bool_)
mx.array([1], mx.complex64) ; mx.array([1j], mx.float32) ; mx.array([1.5], mx.bool_) ; mx.array(1e300, mx.float64)
mx.array([1e300]) ; mx.array([0.1], mx.float64).item() ; mx.array(1, dtype=mx.float16) ; mx.array(val=1)
mx.array([x, x]) ; mx.array([x[0], 1.5]) ; mx.array([1, x[0]]) ; mx.array([[x[0], 1], [2, 3]])
mx.array([[x, x], [x, x]]).shape ; mx.array(x, mx.float32) ; mx.array(m).tolist() ; mx.array(b"abc")
mx.array(bytearray(b"abc")) ; mx.array(memoryview(b"abc")) ; mx.array([[1], [1, 2]]) ; mx.array([[1, 2], 3])
mx.array([[1, 2], [3, [4]]]) ; mx.array([x, 1]) ; mx.array([x, f[0:1]]) ; mx.array("a") ; mx.array([1, "a"])
mx.array([1.5, None]) ; mx.array(None) ; mx.array({}) ; mx.array() ; mx.array(range(3)) ; mx.array([1], "int32")
mx.array(iter([1])) ; mx.array(x.dtype) ; mx.array(np.arange(6).reshape(2, 3).T) ; mx.array(np.arange(6)[::2])
mx.array(np.float32(2)) ; mx.array(np.int64(2)) ; mx.array(np.bool_(True)) ; mx.array(np.array(2.0))
mx.array(np.zeros((0, 3))) ; mx.array(np.array([1+2j])) ; mx.array(np.arange(3).astype(np.float16))
mx.array(np.arange(3, dtype=np.uint16)) ; mx.array(np.arange(3.), mx.int8)
mx.array(np.arange(3, dtype=np.float64)).dtype ; mx.array(np.arange(3.), mx.float64).dtype ; mx.array(np.float64(2))
mx.asarray([1, 2]) ; mx.asarray(1.5, mx.int32) ; mx.asarray(np.arange(3)) ; mx.asarray([1], copy=False)
mx.asarray(None) ; mx.from_dlpack(np.arange(3)) ; mx.from_dlpack(x) ; mx.from_dlpack([1])
mx.from_dlpack(np.arange(3), copy=True)
"""

PROMOTION = """
x + 1 ; x + 1.5 ; x + True ; x + 1j ; 3 - x ; 3 ** x ; 2 / x ; 7 // x ; 7 % x ; b + 1 ; b + 1.5 ; b + True ; b * 2
b + b ; f + 1 ; f + 1.5 ; f + 1j ; h + 1.5 ; h * 2 ; u + 5 ; u + 1.5 ; u + 300 ; u + (-1) ; x + 2**31 ; x + 2**40
f + 2**40 ; z + 1 ; z * 2.5 ; x + f ; b + f ; u + x ; h + f ; z + f ; mx.add(1, 2) ; mx.add(1, 2**40) ; mx.add(1, 2.5)
mx.add(True, True) ; mx.add(1j, 1) ; mx.power(2, 3) ; mx.maximum(x, 2.5) ; mx.minimum(b, 1) ; mx.logical_and(u, 300)
mx.logical_and(1, 0) ; mx.where(True, 1, 2.5) ; mx.where(x, 1, 2.5) ; mx.where(x > 1, x, f[:1]) ; mx.where(1, x, 2)
mx.clip(x, 0.5, None) ; mx.clip(x, f[:1], 2) ; mx.clip(f, 1, 2) ; mx.clip(x, None, None) ; x + np.float64(1.5) ; x / 2
x // 2 ; x % 2 ; x << 1 ; x >> 1 ; x & 2 ; x | True ; x ^ 3 ; ~x ; ~b ; -x ; -f ; -b ; abs(x) ; abs(b) ; abs(z) ; +x
x ** 2 ; x ** 0.5 ; x @ f ; x @ x ; x @ [1] ; [1] @ x ; 2 & x ; 1 << x ; divmod(x, 2) ; x + 'a' ; x - 'a' ; x + [1]
[1] + x ; x + None ; x / None ; x ** 'a' ; x // {} ; x % [] ; x & 1.5 ; f & 1 ; x | f ; x << 1.5 ; ~f ; x == x
x != 2 ; x < 2 ; 2 < x ; x >= 2 ; x <= 2 ; x > 1 ; x == 1.5 ; x == 'a' ; x != 'a' ; x == [1] ; x != [1]
x == (1, 2, 3) ; x < [1] ; x >= {} ; 5 in x ; 3 in x ; b == 1 ; z == 1+2j ; mx.bitwise_and(x, 1)
mx.bitwise_invert(x) ; mx.bitwise_invert(f) ; mx.left_shift(b, b) ; mx.left_shift(1, 2)
mx.result_type(x, mx.float16) ; mx.result_type(x, 1) ; mx.result_type() ; mx.can_cast(mx.int8, mx.float16)
mx.can_cast(x, mx.float16) ; mx.can_cast(mx.float32, mx.int8)
"""

METHODS = """
x.item() ; s.item() ; f[0].item() ; h[0].item() ; z.item() ; b[0].item() ; mx.array(2**63-1).item() ; x.sum().item()
x.tolist() ; z.tolist() ; b.tolist() ; h.tolist() ; mx.array(5).tolist() ; mx.zeros((2, 0, 3)).tolist() ; m.T.tolist()
int(s) ; int(mx.array(-1.5)) ; float(s) ; float(b[0]) ; complex(s) ; complex(z) ; int(z) ; float(z) ; bool(s)
bool(x) ; bool(mx.array([])) ; bool(mx.array(0.0)) ; bool(h) ; int(x) ; int(mx.array(float('nan')))
int(mx.array(float('inf'))) ; len(x) ; len(m) ; len(s) ; list(x) ; list(m) ; [r.shape for r in m] ; x.shape ; s.shape
x.dtype ; x.itemsize ; x.nbytes ; x.size ; x.ndim ; z.real ; z.imag ; x.real ; x.imag ; m.T.shape ; x.reshape(3, 1)
x.reshape((3, 1)) ; x.reshape([3, 1]) ; x.reshape(-1) ; x.reshape(2, -1) ; x.reshape((3,), stream=mx.cpu)
x.transpose(0) ; m.transpose(1, 0).shape ; m.transpose((1, 0)).shape ; m.transpose().shape ; x.transpose(1)
x.astype(mx.float32) ; x.astype(mx.float32, mx.cpu) ; x.astype('int') ; x.astype(None) ; x.view(mx.float32).dtype
m.view(mx.int8).shape ; x.sum() ; x.sum(0, True) ; x.sum(axis=(0,)) ; x.sum(axis=[0]) ; x.sum(axis=np.int64(0))
x.sum(5) ; x.sum(axis=[0, 0]) ; x.sum(keepdims=1) ; x.var(ddof=1) ; x.std(ddof=1) ; x.round() ; s.round()
f.round(decimals=1) ; x.diag() ; m.diagonal() ; m.flatten().shape ; m.flatten(1).shape ; m[None].squeeze().shape
m.moveaxis(0, 1).shape ; m.swapaxes(0, 1).shape ; x.split(3) ; x.split([1]) ; x.split(2) ; x.max() ; x.argmax()
m.argmin(axis=1, keepdims=True) ; x.cumsum() ; m.cumsum(1) ; x.cumprod(reverse=True) ; x.cummax() ; x.all() ; x.any()
x.mean() ; x.prod() ; x.min() ; x.conj() ; x.abs() ; f.square() ; f.sqrt() ; f.log2() ; x.exp(stream=mx.cpu)
x.__div__(2) ; x.__rdiv__(6) ; x.__dlpack_device__() ; x.__array_namespace__('2022.12') ; x.foo ; setattr(x, 'foo', 1)
x.__array__() ; f.__array__().dtype ; format(s, '.2f') ; format(x.sum(), 'd') ; format(f, '') ; format(x, '.2f')
f'{x}' ; f'{s}' ; str(x) ; repr(f) ; memoryview(x).format ; memoryview(f).format ; memoryview(z).format
memoryview(b).format ; memoryview(h).format
[memoryview(mx.zeros(1, d)).format for d in (mx.uint8, mx.uint16, mx.uint32, mx.uint64, mx.int8, mx.int16, mx.int64)]
memoryview(g[:, :1].T).strides ; memoryview(mx.array([[1, 2, 3]] * 2).T).strides ; np.array(x) ; np.array(m.T)
np.asarray(x).flags.writeable ; np.from_dlpack(f) ; np.array(h) ; np.array(z) ; np.array([0.5, 1, 2]) + x
"""

SHAPES = """
mx.zeros(3) ; mx.zeros((2,)) ; mx.zeros([2, 1]) ; mx.zeros((2,), dtype=None) ; mx.zeros(3, mx.int32)
mx.ones((2,), mx.int8) ; mx.zeros((2, -1)) ; mx.full((2,), 1) ; mx.full((2,), 1.5) ; mx.full((2,), True)
mx.full((2,), 1j) ; mx.full(2, 3, dtype=mx.float16) ; mx.full((2,), x[0]) ; mx.full((2, 3), x) ; mx.full((2,), [1, 2])
mx.full_like(x, 2.5) ; mx.full_like(x, 2, mx.float16) ; mx.zeros_like(x) ; mx.zeros_like(x, mx.float32)
mx.zeros_like(1) ; mx.ones_like(x, dtype=mx.int8) ; mx.arange(3) ; mx.arange(3.) ; mx.arange(1, 3)
mx.arange(1, 3, 0.5) ; mx.arange(3, dtype=mx.float16) ; mx.arange(0, 3, None) ; mx.arange(stop=3)
mx.arange(3, step=2) ; mx.arange(start=1, stop=5) ; mx.arange(True) ; mx.arange(2**33, 2**33+2)
mx.arange(3, None, 1) ; mx.arange(0, 1, 0) ; mx.arange(float('nan')) ; mx.arange(0, 3, dtype=mx.bool_) ; mx.arange()
mx.arange(3, 1, mx.float16) ; mx.arange(5, 0, -2) ; mx.arange(0) ; mx.arange(x) ; mx.linspace(0, 1, 3)
mx.linspace(0, 1, 4, endpoint=False) ; mx.linspace(0, 1, 3, dtype=mx.int32) ; mx.linspace(0, 1, 0)
mx.linspace(0, 1, 1) ; mx.linspace(0, 1, -1) ; mx.eye(2) ; mx.eye(2, 3, 1) ; mx.identity(2) ; mx.identity(2.5)
mx.tri(2) ; mx.tri(2, 3, k=1) ; mx.tril(m) ; mx.triu(m, 1) ; mx.tril(x) ; mx.diag(x) ; mx.diag(m, 1)
mx.diag(mx.zeros((2, 2, 2))) ; mx.diagonal(m) ; mx.diagonal(s) ; mx.trace(m) ; mx.trace(m, dtype=mx.float32)
[mx.trace(m.astype(d)).dtype for d in (mx.bool_, mx.int8, mx.uint8, mx.int64, mx.float16)] ; mx.split(m, 3, 1)
mx.split(m, [1], 1) ; mx.split(m, (1, 2), axis=-1) ; mx.split(m, 0) ; mx.split(m, 5) ; mx.split(m, 'a')
mx.repeat(x, 2) ; mx.repeat(m, 2) ; mx.repeat(m, 2, 1) ; mx.repeat(m, 0, 1).shape ; mx.repeat(x, -1) ; mx.tile(x, 2)
mx.tile(x, (2, 2)) ; mx.tile(m, [2]) ; mx.tile(m, ()) ; mx.roll(m, 1) ; mx.roll(m, (1, 1), (0, 1)) ; mx.roll(m, 1, 1)
mx.roll(m, (1, 2), 1) ; mx.roll(m, (1, 2)) ; mx.roll(m, 1, (0, 1)) ; mx.roll(m, (1, 2, 3), (0, 1))
mx.roll(m, (1, 2), (0, 1, 0)) ; mx.pad(x, 1) ; mx.pad(x, (1, 2)) ; mx.pad(m, [(1, 0), (0, 1)]) ; mx.pad(m, ((1, 2),))
mx.pad(m, [1, 2]) ; mx.pad(m, 1, constant_values=5) ; mx.pad(m, 1, constant_values=1.7) ; mx.pad(m, 1, 'edge')
mx.pad(m, (1, 1), mode='reflect') ; mx.pad(m, 1, 'foo') ; mx.pad(m, -1) ; mx.pad(m, [(1, 2), (1, 2), (1, 2)])
mx.flip(m) ; mx.flip(m, 0) ; mx.flip(m, [0, 1]) ; mx.flip(m, []) ; mx.expand_dims(x, 0) ; mx.expand_dims(x, [0, 2])
mx.squeeze(m, 0) ; mx.squeeze(m[None], 0).shape ; mx.unstack(m) ; mx.unstack(m, axis=1) ; mx.unstack(m, axis=5)
mx.unflatten(m, 1, (3, 1)).shape ; mx.transpose(m, (1, 0)).shape ; mx.transpose(m, axes=[0, 1]).shape
mx.permute_dims(m, (1, 0)).shape ; mx.swapaxes(m, 0, 1).shape ; mx.moveaxis(m, 0, 1).shape ; mx.moveaxis(m, 5, 0)
mx.flatten(s) ; mx.reshape(m, shape=[3, 2]).shape ; mx.matrix_transpose(mx.zeros((2, 3, 4))).shape
mx.broadcast_to(1, (2,)) ; mx.broadcast_to(x, (2, 3)) ; mx.broadcast_to(x, (2,)) ; mx.broadcast_shapes((1, 2), (3, 1))
mx.broadcast_shapes() ; mx.broadcast_shapes((2,), (3,)) ; mx.broadcast_arrays(x, mx.zeros((2, 3)))
mx.broadcast_arrays() ; mx.atleast_1d() ; mx.atleast_2d(x) ; mx.atleast_2d(x, f) ; mx.atleast_3d(s).shape
mx.meshgrid(x, f) ; mx.meshgrid(x, f, sparse=True, indexing='ij') ; mx.meshgrid(x, indexing='a') ; mx.meshgrid()
mx.concatenate([x, f]) ; mx.concatenate([m, m], axis=None).shape ; mx.concatenate([m, m], axis=1).shape
mx.concatenate([]) ; mx.concatenate([x, 1]) ; mx.concatenate(x) ; mx.concatenate(m) ; mx.stack((x, x)) ; mx.stack([])
mx.stack([m, m], axis=-1).shape ; mx.as_strided(m) ; mx.as_strided(m, (3, 2), (1, 3)) ; mx.as_strided(m, (2,), [2], 1)
mx.as_strided(m, None, (1, 1)) ; mx.contiguous(m.T) ; mx.view(x, mx.int16) ; mx.astype(x, mx.float32)
mx.astype(x, None) ; mx.astype(1, mx.float32)
"""

FUNCTIONS = """
mx.sum(m) ; mx.sum(array=x) ; mx.sum(m, 0) ; mx.sum(m, axis=1, keepdims=True)
mx.sum(m, axis=None, keepdims=True).shape ; mx.sum(x, ()) ; mx.sum([1, 2]) ; mx.sum(1) ; mx.sum(x, axis=0.5)
mx.softmax(x, axis=0) ; mx.softmax(x, [0]) ; mx.softmax(x, 5) ; mx.softmax() ; mx.softmax(x, axs=0) ; mx.softmax(a=x)
mx.exp(1) ; mx.exp(True) ; mx.exp(np.array([1.0])) ; mx.exp([1.0]) ; mx.exp(None) ; mx.exp('a') ; mx.exp(x, mx.cpu)
mx.exp(x, stream='cpu') ; mx.logsumexp(f) ; mx.mean(x, axis=()) ; mx.argmax(m) ; mx.argmax(m, 0, True)
mx.argmax(m, None, True) ; mx.argmax(m, axis=5) ; mx.var(m, 0, True, 1) ; mx.count_nonzero(m)
mx.count_nonzero(m, axis=(0, 1)) ; mx.count_nonzero(m, axis=1, keepdims=True) ; mx.cumsum(m) ; mx.cumsum(m, 0)
mx.cumsum(x, dtype=mx.float32) ; mx.cumsum(m, axis=5) ; mx.cumsum(m, reverse=True, inclusive=False)
mx.cumsum(mx.array(5)) ; mx.cumprod(x) ; mx.cummax(x) ; mx.cummin(x) ; mx.logcumsumexp(f) ; mx.diff(x) ; mx.diff(x, 2)
mx.diff(x, 0) ; mx.diff(x, -1) ; mx.diff(x, 5) ; mx.diff(b) ; mx.diff(s) ; mx.diff(m, axis=0) ; mx.round(1.55, 1)
mx.round(x, decimals=-1) ; mx.nan_to_num(f) ; mx.nan_to_num(x) ; mx.nan_to_num(mx.array([float('nan'), 1]), 7)
mx.isclose(x, x) ; mx.allclose(x, x) ; mx.allclose(x, x + 1) ; mx.array_equal(x, f) ; mx.array_equal(x, 1)
mx.array_equal(x, x) ; mx.divmod(x, 2) ; mx.divmod(-7, 2) ; mx.divmod(mx.array([-7]), 2) ; mx.positive(x)
mx.trunc(f) ; mx.trunc(-f) ; mx.trunc(x) ; mx.isnan(1) ; mx.isinf(f) ; mx.isfinite(f) ; mx.degrees(1)
mx.radians(180.0) ; mx.sign(-f) ; mx.floor(f) ; mx.ceil(f) ; mx.real(z) ; mx.imag(z) ; mx.conjugate(z) ; mx.conj(x)
mx.reciprocal(x) ; mx.square(x) ; mx.rsqrt(mx.array(4.0)) ; mx.logical_not(x) ; mx.sigmoid(0) ; mx.matmul(f, f)
mx.matmul(x, 1) ; mx.matmul(g, g) ; mx.inner(f, f) ; mx.outer(x, f) ; mx.kron(x, x) ; mx.vecdot(f, f)
mx.addmm(m * 1., m * 1., mx.eye(3), 0.5, 2) ; mx.addmm(m, m, m) ; mx.tensordot(m * 1., m * 1., 2)
mx.tensordot(m * 1., m * 1., 3) ; mx.tensordot(m * 1., m * 1., [[0], [0]])
mx.tensordot(m * 1., m * 1., axes=((0, 1), (0, 1))) ; mx.tensordot(m * 1., m * 1., [0, 1]) ; mx.take(x, 0)
mx.take(m, 2, 1) ; mx.take(m, 1, axis=None) ; mx.take(m, 1, 5) ; mx.take(m, mx.array([1, 0]), 0)
mx.take(m, mx.array(1)) ; mx.take(x, [0, 1]) ; mx.take(m, mx.array([[1]]), -1).shape
mx.take_along_axis(m, mx.array([[0]]), 1) ; mx.take_along_axis(x, [0]) ; mx.take_along_axis(m, mx.array([5, 0]), None)
mx.put_along_axis(m, mx.array([[0]]), mx.array(9.5), 1) ; mx.slice(m, mx.array([1]), (0,), (1, 3))
mx.slice(m, mx.array([0, 1]), [0, 1], [1, 1]) ; mx.slice_update(m, mx.array([[9]]), mx.array([0, 1]), [0, 1])
mx.searchsorted(x, f, side='right') ; mx.searchsorted(x, f, side='a')
mx.sort(x) ; mx.sort(m, 0) ; mx.sort(m, axis=None) ; mx.sort(x, axis=1) ; mx.sort(s) ; mx.sort(s, None) ; mx.sort(z)
mx.sort(b) ; mx.sort(h) ; mx.sort([2, 1]) ; mx.sort(x, axis=0.5) ; mx.sort(a=x) ; mx.sort(f, stream=mx.cpu)
mx.argsort(m) ; mx.argsort(m, 0) ; mx.argsort(-m, None) ; mx.argsort(x, 5) ; mx.argsort(s, 0) ; mx.argsort(b)
mx.argsort(mx.array([0.0, -0.0, float('nan'), -1])) ; mx.partition(-x, 1) ; mx.partition(-x, kth=-2)
mx.partition(x, 3) ; mx.partition(x, -4) ; mx.partition(x, 0, 1) ; mx.partition(s, 0, None)
mx.partition(m, 1, axis=0) ; mx.partition(x) ; mx.partition(x, 1.5) ; mx.partition(mx.zeros(0), 0)
mx.argpartition(-x, 1) ; mx.argpartition(x, -4) ; mx.argpartition(m, 0, 0) ; mx.argpartition(s, 0, axis=None)
mx.topk(x, 1) ; mx.topk(x, k=0) ; mx.topk(x, 3) ; mx.topk(x, 4) ; mx.topk(x, -1) ; mx.topk(m, 1, axis=0)
mx.topk(m, 6, None) ; mx.topk(x, 1, 1) ; mx.topk(s, 1) ; mx.median(x) ; mx.median(m, 0)
mx.median(m, axis=(0, 1), keepdims=True) ; mx.median(m, [1]) ; mx.median(x, 1) ; mx.median(m, (0, 0)) ; mx.median(b)
mx.median(h) ; mx.median(z) ; mx.median(s) ; mx.median(mx.array([1.0, float('nan')])) ; mx.median(mx.zeros(0))
mx.median(mx.zeros((0, 2)), 1) ; mx.median([1, 2]) ; mx.random.permutation(7, key=mx.random.key(3))
mx.random.permutation(True, key=mx.random.key(3)) ; mx.random.permutation(5, axis=3, key=mx.random.key(3))
mx.random.permutation(m, 1, mx.random.key(3)) ; mx.random.permutation(m, axis=-1, key=mx.random.key(3))
mx.random.permutation(m, 2, mx.random.key(3)) ; mx.random.permutation(s, 0, mx.random.key(3))
mx.random.permutation(2.5) ; mx.random.permutation([1, 2]) ; mx.random.permutation(-1)
mx.random.permutation(x=x, key=mx.random.key(3)) ; mx.random.permutation(1000, key=mx.random.key(9)).tolist()
mx.random.permutation(mx.array([[4, 5], [6, 7], [8, 9]]), key=mx.random.key(1), stream=mx.cpu)
mx.hadamard_transform(g) ; mx.hadamard_transform(f, 2) ; mx.hadamard_transform(f, scale=0.5, stream=mx.cpu)
mx.hadamard_transform(h) ; mx.hadamard_transform(b) ; mx.hadamard_transform(s) ; mx.hadamard_transform(s, 3)
mx.hadamard_transform(x) ; mx.hadamard_transform(mx.zeros((0, 4))) ; mx.hadamard_transform(mx.array(3), 2.5)
mx.hadamard_transform(mx.array(3)) ; mx.hadamard_transform([1.0, 2.0]) ; mx.hadamard_transform(f, 'a')
mx.hadamard_transform(a=f) ; mx.hadamard_transform(f, 1.0, mx.cpu) ; mx.hadamard_transform(mx.array([1+2j, 3]))
mx.hadamard_transform(mx.arange(12), 1.0).tolist() ; mx.hadamard_transform(mx.arange(20), 1.0).tolist()
mx.hadamard_transform(mx.arange(28), 1.0).tolist() ; mx.hadamard_transform(mx.arange(40), 1.0).tolist()
mx.gather_mm(mx.arange(12.).reshape(3, 2, 2), g, mx.array([2, 0])) ; mx.gather_mm(g, mx.stack([g, -g]), None)
mx.gather_mm(mx.stack([g, -g]), mx.stack([g, -g]), mx.array([[1], [0]]), mx.array([0, 1])) ; mx.einsum('ij->ji', g)
mx.einsum('ij', g) ; mx.einsum('ji', g) ; mx.einsum('ij->', g) ; mx.einsum('ii->i', g) ; mx.einsum('ii', g)
mx.einsum('ij,jk->ik', g, g) ; mx.einsum('ij,jk', g, g) ; mx.einsum('i,j->ij', f, f) ; mx.einsum('i,i', f, f)
mx.einsum('...i,...i->...', g, g) ; mx.einsum('...ij->...ji', mx.stack([g, g])).shape
mx.einsum('bij,bjk,bk->bi', g[None], g[None], f[None]) ; mx.einsum('ij,j->i', g, mx.array([2.0]))
mx.einsum('ij -> j', m) ; mx.einsum('i,j->ij', x, x) ; mx.einsum('Ba,aB->aB', g, g) ; mx.einsum('ij->ii', g)
mx.einsum('ij->k', g) ; mx.einsum('ij,jk', g) ; mx.einsum('i', g) ; mx.einsum('i1', g) ; mx.einsum('ij,ij', g, f)
mx.hamming(4) ; mx.blackman(4) ; mx.bartlett(4) ; mx.bartlett(5) ; mx.hanning(1) ; mx.hanning(0) ; mx.hanning(-1)
mx.e ; mx.pi ; mx.inf ; mx.newaxis ; mx.euler_gamma ; mx.__version__
"""

TYPES = """
mx.float32 ; mx.bool_ ; mx.float32.size ; mx.complex64.size ; hash(mx.float32) ; mx.float32 == mx.float32
mx.float32 == 'float32' ; mx.float32 != mx.int8 ; mx.Dtype() ; mx.inexact ; mx.DtypeCategory.inexact
mx.DtypeCategory(1) ; mx.DtypeCategory.inexact.name ; mx.DtypeCategory.inexact.value ; mx.finfo(mx.float16)
mx.finfo(mx.float32) ; mx.finfo(mx.bfloat16) ; mx.finfo(mx.float64) ; mx.finfo(mx.complex64) ; mx.finfo(mx.int8)
mx.finfo(x) ; mx.iinfo(mx.int8) ; mx.iinfo(mx.uint64) ; mx.iinfo(mx.int64) ; mx.iinfo(mx.float32) ; mx.iinfo(mx.bool_)
mx.finfo(mx.float16).eps ; mx.finfo(mx.bfloat16).max ; mx.finfo(mx.float32).smallest_normal
mx.finfo(mx.float64).bits ; mx.iinfo(mx.int16).min ; mx.iinfo(mx.uint32).max ; mx.iinfo(mx.int8).dtype
mx.issubdtype(mx.float32, mx.inexact) ; mx.issubdtype(mx.bool_, mx.generic) ; mx.issubdtype(mx.bool_, mx.number)
mx.issubdtype(mx.inexact, mx.number) ; mx.issubdtype(mx.float32, mx.float32) ; mx.issubdtype(mx.inexact, mx.float32)
mx.issubdtype(x, mx.inexact) ; mx.isdtype(mx.float32, 'real floating') ; mx.isdtype(mx.float32, ('integral', 'bool'))
mx.isdtype(mx.float32, mx.float32) ; mx.isdtype(mx.int8, 'signed integer') ; mx.isdtype(mx.int8, 'foo')
mx.isdtype(mx.float32, mx.inexact) ; mx.isdtype(mx.bool_, 'numeric') ; mx.isdtype(mx.complex64, 'complex floating')
mx.isdtype(1, 'bool') ; mx.cpu ; mx.Device(mx.cpu, 0) ; mx.DeviceType.cpu ; mx.DeviceType(0) ; mx.DeviceType.gpu.value
mx.Device('cpu') ; mx.Device(mx.cpu, 1) ; mx.Device(mx.cpu).type ; mx.Device(mx.cpu) == mx.cpu
mx.cpu == mx.Device(mx.cpu) ; mx.Device(mx.cpu) == 'a' ; mx.is_available(mx.cpu) ; mx.device_count(mx.cpu)
mx.new_stream(None) ; mx.default_stream(mx.cpu).device ; mx.default_stream(mx.cpu) == mx.default_stream(mx.cpu)
mx.stream(None) ; mx.synchronize() ; mx.Stream() ; mx.synchronize(mx.cpu) ; mx.set_memory_limit(-1)
mx.set_wired_limit(0) ; mx.clear_cache() ; mx.metal.is_available() ; mx.metal.device_info()
mx.PrintOptions(3).precision ; mx.get_printoptions().precision
"""

PRINTING = """
mx.array(1.123456789) ; mx.array(1.0) ; mx.array([1e-10, 1e10, 123456789.0])
mx.array([float('nan'), float('inf'), -float('inf')]) ; mx.array([0.1], mx.float16) ; mx.array([0.1], mx.bfloat16)
mx.array([0.1], mx.float64) ; mx.array([True, False]) ; mx.array([1+2j, 1-2j]) ; mx.array([[1, 2], [3, 4]])
mx.arange(8).reshape(2, 2, 2) ; mx.arange(7) ; mx.arange(6) ; mx.arange(100).reshape(10, 10) ; mx.zeros((2, 0))
mx.zeros((0, 3)) ; mx.arange(64).reshape(8, 1, 8) ; mx.array([-1, 200], mx.int16) ; mx.array(255, mx.uint8)
mx.array([2**63 - 1]) ; mx.array(-0.0) ; mx.array([1e-45]) ; mx.array(3.4e38) ; mx.array([[True], [False]])
mx.array([1.5, 2.25], mx.bfloat16)
"""

TRANSFORMS = """
mx.fft.fft(x) ; mx.fft.fft(b) ; mx.fft.fft(h) ; mx.fft.fft(m, 2) ; mx.fft.fft(m, n=5, axis=0)
mx.fft.fft(m, 3, 0, 'ortho', mx.cpu) ; mx.fft.fft(m, n=0) ; mx.fft.fft(m, n=-1) ; mx.fft.fft(m, axis=2)
mx.fft.fft(m, n=3, axis=2) ; mx.fft.fft(s) ; mx.fft.fft([1.0]) ; mx.fft.fft(m, norm='a') ; mx.fft.fft(m, norm=None)
mx.fft.fft(m, axis=[0]) ; mx.fft.ifft(x) ; mx.fft.ifft(z) ; mx.fft.rfft(x) ; mx.fft.rfft(z)
mx.fft.rfft(mx.zeros((0, 4))) ; mx.fft.fft(mx.zeros((4, 0))) ; mx.fft.irfft(x) ; mx.fft.irfft(x, n=3)
mx.fft.irfft(x, n=1) ; mx.fft.irfft(z) ; mx.fft.fft2(x) ; mx.fft.fft2(m) ; mx.fft.fft2(m, [3, 2])
mx.fft.fft2(m, s=[3, 2], axes=[1, 0]) ; mx.fft.fft2(m, axes=None) ; mx.fft.fftn(m, s=[4, 4])
mx.fft.fftn(m, s=[4], axes=[0, 1]) ; mx.fft.fftn(m, axes=[0, 0]) ; mx.fft.fftn(m, axes=[]) ; mx.fft.fftn(s)
mx.fft.fftn(m, axes=0) ; mx.fft.fftn(m, s=[3, 5], axes=[-1, -3]) ; mx.fft.irfftn(m) ; mx.fft.irfftn(m, [3, 5], [0, 1])
mx.fft.rfftn(m, axes=[1, 0]) ; mx.fft.ifftn(m) ; mx.fft.ifft2(m) ; mx.fft.rfft2(m) ; mx.fft.irfft2(m)
mx.fft.fft2(m, s=[4, 0]) ; mx.fft.fft(m, stream='a') ; mx.fft.fftshift(x) ; mx.fft.ifftshift(x)
mx.fft.fftshift(m, 1) ; mx.fft.fftshift(m, axes=[0]) ; mx.fft.fftshift(m, axes=[0, 5]) ; mx.fft.fftshift(s)
mx.fft.fftshift(m, axes=[]) ; mx.fft.fftfreq(5) ; mx.fft.fftfreq(4, 0.5) ; mx.fft.fftfreq(0) ; mx.fft.fftfreq(-3)
mx.fft.rfftfreq(5, d=2.0) ; mx.fft.rfftfreq(0) ; mx.fft.fftfreq(2.5) ; mx.fft.fftfreq(4, 1.0, mx.cpu)
"""

ALGEBRA = """
mx.linalg.qr(x) ; mx.linalg.qr(m) ; mx.linalg.qr(m.astype(mx.float16)) ; mx.linalg.inv(x) ; mx.linalg.inv(m)
mx.linalg.inv(h) ; mx.linalg.tri_inv(x) ; mx.linalg.tri_inv(m) ; mx.linalg.tri_inv(h) ; mx.linalg.cholesky(x)
mx.linalg.cholesky(m) ; mx.linalg.cholesky(h) ; mx.linalg.cholesky_inv(x) ; mx.linalg.cholesky_inv(m)
mx.linalg.cholesky_inv(h) ; mx.linalg.pinv(x) ; mx.linalg.pinv(m) ; mx.linalg.pinv(m.astype(mx.float16))
mx.linalg.eig(x) ; mx.linalg.eig(m) ; mx.linalg.eig(h) ; mx.linalg.eigvals(x) ; mx.linalg.eigvals(m)
mx.linalg.eigvals(h) ; mx.linalg.eigh(x) ; mx.linalg.eigh(m) ; mx.linalg.eigh(h) ; mx.linalg.eigvalsh(x)
mx.linalg.eigvalsh(m) ; mx.linalg.eigvalsh(h) ; mx.linalg.lu(x) ; mx.linalg.lu(m) ; mx.linalg.lu(m.astype(mx.float16))
mx.linalg.lu_factor(x) ; mx.linalg.lu_factor(m) ; mx.linalg.lu_factor(m.astype(mx.float16)) ; mx.linalg.det(x)
mx.linalg.det(m) ; mx.linalg.det(h) ; mx.linalg.slogdet(x) ; mx.linalg.slogdet(m) ; mx.linalg.slogdet(h)
mx.linalg.svd(x) ; mx.linalg.svd(m) ; mx.linalg.svd(m.astype(mx.float16)) ; mx.linalg.inv(p) ; mx.linalg.cholesky(p)
mx.linalg.det(p) ; mx.linalg.lu_factor(p) ; mx.linalg.eigvalsh(p) ; mx.linalg.svd(p, compute_uv=False)
mx.linalg.svd(p, False, stream=mx.cpu) ; mx.linalg.svd(p, False, mx.cpu) ; mx.linalg.cholesky(p, upper=True)
mx.linalg.cholesky(p, True) ; mx.linalg.tri_inv(p, upper=True) ; mx.linalg.tri_inv(p) ; mx.linalg.eigvalsh(p, 'U')
mx.linalg.eigvalsh(p, UPLO='X') ; mx.linalg.eigvalsh(p, UPLO=None) ; mx.linalg.eigh(p, 3) ; mx.linalg.solve(p, f)
mx.linalg.solve(p, x) ; mx.linalg.solve(f, f) ; mx.linalg.solve(m, f) ; mx.linalg.solve_triangular(p, f)
mx.linalg.solve_triangular(p, f, upper=True) ; mx.linalg.solve_triangular(p, f, True) ; mx.linalg.solve(x, x)
mx.linalg.solve(p, 1.0) ; mx.linalg.inv([[1.0]]) ; mx.linalg.det(mx.array([[2, 1], [1, 3]]))
mx.linalg.det(p.astype(mx.float16)) ; mx.linalg.slogdet(p)[0] ; mx.linalg.lu(p)
mx.linalg.inv(mx.zeros((2, 2))) ; mx.linalg.solve(mx.zeros((2, 2)), f) ; mx.linalg.pinv(mx.zeros((2, 3)))
mx.linalg.cholesky(mx.zeros((2, 2))) ; mx.linalg.cross(x, x) ; mx.linalg.cross(x, f)
mx.linalg.cross(x, mx.array([3, 2, 1])) ; mx.linalg.cross(f, g) ; mx.linalg.cross(x, x, axis=3)
mx.linalg.cross(mx.arange(4), x) ; mx.linalg.cross(x, x, 0) ; mx.linalg.cross(m, x) ; mx.linalg.norm(f)
mx.linalg.norm(g) ; mx.linalg.norm(f, 'fro') ; mx.linalg.norm(g, 'fro') ; mx.linalg.norm(f, 'f')
mx.linalg.norm(g, 'f') ; mx.linalg.norm(f, 'nuc') ; mx.linalg.norm(g, 'nuc') ; mx.linalg.norm(f, 'a')
mx.linalg.norm(g, 'a') ; mx.linalg.norm(f, 1) ; mx.linalg.norm(g, 1) ; mx.linalg.norm(f, -1) ; mx.linalg.norm(g, -1)
mx.linalg.norm(f, 2) ; mx.linalg.norm(g, 2) ; mx.linalg.norm(f, -2) ; mx.linalg.norm(g, -2) ; mx.linalg.norm(f, 0)
mx.linalg.norm(g, 0) ; mx.linalg.norm(f, 3) ; mx.linalg.norm(g, 3) ; mx.linalg.norm(f, 0.5) ; mx.linalg.norm(g, 0.5)
mx.linalg.norm(f, float('inf')) ; mx.linalg.norm(g, float('inf')) ; mx.linalg.norm(f, -mx.inf)
mx.linalg.norm(g, -mx.inf) ; mx.linalg.norm(m, axis=0) ; mx.linalg.norm(m, axis=[0, 1], keepdims=True)
mx.linalg.norm(m, 1, axis=1) ; mx.linalg.norm(m, 1, 1, True) ; mx.linalg.norm(m, axis=5)
mx.linalg.norm(m, 2, axis=[0, 1, 1]) ; mx.linalg.norm(h) ; mx.linalg.norm(z) ; mx.linalg.norm(s)
mx.linalg.norm(s, 1) ; mx.linalg.norm(m, 2) ; mx.linalg.norm(m, ord=[1]) ; mx.matrix_norm(g)
mx.linalg.norm(g, 'nuc', keepdims=True) ; mx.linalg.norm(f, 'fro', axis=0) ; mx.linalg.norm(mx.zeros((2, 2, 2)), 1)
mx.linalg.norm(mx.ones((2, 2, 2))) ; mx.linalg.norm(mx.zeros((0,)))
mx.random.multivariate_normal(f, p, dtype=mx.float16) ; mx.random.multivariate_normal(f, p, [3]).shape
mx.random.multivariate_normal(f, p, [3, 2]).shape ; mx.random.multivariate_normal(x, p)
mx.random.multivariate_normal(s, p) ; mx.random.multivariate_normal(f, f) ; mx.random.multivariate_normal(f, m)
mx.random.multivariate_normal(g, p, [3])
mx.random.multivariate_normal(mx.array([1, 2]), p, key=mx.random.key(1)).dtype
"""

GROUPS = {"constructor": CONSTRUCTOR, "promotion": PROMOTION, "methods": METHODS, "shapes": SHAPES,
          "functions": FUNCTIONS, "types": TYPES, "printing": PRINTING, "transforms": TRANSFORMS, "algebra": ALGEBRA}


def cases():
    """(group, expression) for each."""
    for group, text in GROUPS.items():
        yield from ((group, e.strip()) for line in text.strip().splitlines() for e in line.split(" ; "))


def answer(expression, names):
    """What the expression gives, as text: the value's repr, or the class of what it raises."""
    try:
        return repr(eval(expression, dict(names)))
    except Exception as error:
        return "raises " + type(error).__name__
