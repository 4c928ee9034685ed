/* SPDX-License-Identifier: MIT
 *
 * Calls of mlx-c with seeded hostile arguments: empty handles, NULL results, lists that are NULL or have absurd lengths,
 * numbers that are no axis, no size and no dtype.
 *
 * A call gives 1 and one message, or 0, a result and none.  One line a function: its name and the kinds of its
 * arguments after the result. */
#include "check.h"

#include <limits.h>
#include <stdint.h>
#include <stdio.h>

typedef struct hostile {
    uint64_t state;
    int at;
    int lists[8][32];
    mlx_array arrays[6];
    mlx_vector_array vector;
} hostile;

static int below(hostile *h, int n) /* splitmix64 */
{
    uint64_t z = h->state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return (int)((z ^ (z >> 31)) % (uint64_t)n);
}

static int a_number(hostile *h)
{
    static const int bad[] = {-1, -2, 16, 17, INT_MAX, INT_MIN, 1 << 20};
    return below(h, 3) ? below(h, 4) : bad[below(h, 7)];
}

static mlx_array an_array(hostile *h)
{
    return h->arrays[below(h, 6)];
}

static const int *a_list(hostile *h)
{
    int *list = h->lists[h->at++ % 8];
    for (int i = 0; i < 32; i++) list[i] = a_number(h);
    return below(h, 10) ? list : NULL;
}

static size_t a_length(hostile *h)
{
    static const size_t bad[] = {17, 32, INT_MAX, SIZE_MAX, (size_t)1 << 32};
    return below(h, 8) ? (size_t)below(h, 4) : bad[below(h, 5)];
}

static mlx_dtype a_dtype(hostile *h)
{
    return (mlx_dtype)(below(h, 8) ? below(h, 14) : a_number(h));
}

#define A an_array(h)
#define N a_number(h)
#define D a_dtype(h)
#define L a_list(h), a_length(h)
#define B below(h, 2)
#define V (below(h, 4) ? h->vector : (mlx_vector_array){NULL})

/* clang-format off */
#define FUNCTIONS(X) \
    X(abs, A) X(exp, A) X(negative, A) X(sqrt, A) X(logical_not, A) X(round, A, N) X(add, A, A) X(divide, A, A) \
    X(matmul, A, A) X(maximum, A, A) X(bitwise_and, A, A) X(left_shift, A, A) X(where, A, A, A) X(clip, A, A, A) \
    X(addmm, A, A, A, 1, 1) X(inner, A, A) X(outer, A, A) X(kron, A, A) X(astype, A, D) X(view, A, D) X(full, L, A, D) \
    X(zeros, L, D) X(ones, L, D) X(zeros_like, A) X(eye, N, N, N, D) X(tri, N, N, N, D) X(tril, A, N) X(triu, A, N) \
    X(diag, A, N) X(diagonal, A, N, N, N) X(trace, A, N, N, N, D) X(arange, N, N, N, D) X(linspace, N, N, N, D) \
    X(sum, A, B) X(sum_axis, A, N, B) X(sum_axes, A, L, B) X(max_axes, A, L, B) X(mean_axes, A, L, B) X(all_axes, A, L, B) \
    X(logsumexp_axes, A, L, B) X(var_axes, A, L, B, N) X(std_axis, A, N, B, N) X(softmax_axes, A, L, B) \
    X(argmax_axis, A, N, B) X(cumsum, A, N, B, B) X(logcumsumexp, A, N, B, B) X(reshape, A, L) X(flatten, A, N, N) \
    X(unflatten, A, N, L) X(transpose_axes, A, L) X(swapaxes, A, N, N) X(moveaxis, A, N, N) X(broadcast_to, A, L) \
    X(expand_dims_axes, A, L) X(squeeze_axes, A, L) X(squeeze_axis, A, N) X(slice, A, L, L, L) \
    X(slice_update, A, A, L, L, L) X(slice_dynamic, A, A, L, L) X(concatenate_axis, V, N) X(stack_axis, V, N) \
    X(repeat_axis, A, N, N) X(tile, A, L) X(roll, A, L) X(roll_axes, A, L, L) X(as_strided, A, L, NULL, a_length(h), a_length(h)) \
    X(take, A, A) X(take_axis, A, A, N) X(take_along_axis, A, A, N) X(put_along_axis, A, A, A, N) X(gather, A, V, L, L) \
    X(scatter, A, V, A, L) X(tensordot, A, A, L, L) X(tensordot_axis, A, A, N) X(array_equal, A, A, B) \
    X(random_uniform, A, A, L, D, A) X(random_normal, L, D, 0, 1, A) X(random_randint, A, A, L, D, A) \
    X(random_categorical, A, N, A) X(random_split_num, A, N) X(random_bits, L, N, A) X(fast_rms_norm, A, A, 1) \
    X(fast_layer_norm, A, A, A, 1)
/* clang-format on */

#define MAKE(name, ...)                                                                                                \
    static int call_##name(hostile *h, mlx_array *res)                                                                 \
    {                                                                                                                  \
        return mlx_##name(res, __VA_ARGS__, cpu);                                                                      \
    }
FUNCTIONS(MAKE)

static const struct {
    const char *name;
    int (*call)(hostile *h, mlx_array *res);
} functions[] = {
#define ROW(name, ...) {#name, call_##name},
    FUNCTIONS(ROW)};

static void call(hostile *h, size_t i, int seed)
{
    mlx_array res = mlx_array_new();
    bool nowhere = !below(h, 20);
    int before = errors, status = functions[i].call(h, nowhere ? NULL : &res);
    bool ok = status == 0 ? errors == before && res.ctx && !nowhere : status == 1 && errors == before + 1 && !res.ctx;
    if (ok && status == 0 && mlx_array_size(res) <= 4096) {
        before = errors;
        status = mlx_array_eval(res);
        ok = errors == before + (status != 0);
    }
    if (!ok)
        printf("mlx_%s, seed %d: status %d, %d errors: %s\n", functions[i].name, seed, status, errors - before,
               last_error);
    CHECK(ok);
    mlx_array_free(res);
}

void test_hostile(void)
{
    static const int whole[] = {0, 2, 1};
    hostile h = {.arrays = {{NULL}, mlx_array_new_float(2), matrix(2, 3, 0), matrix(3, 3, -1), ints(whole, 3)}};
    h.arrays[5] = mlx_array_new();
    CHECK(mlx_zeros(&h.arrays[5], INTS(0, 3), MLX_FLOAT32, cpu) == 0);
    h.vector = mlx_vector_array_new_data(&h.arrays[1], 4);
    for (int seed = 0; seed < 200; seed++) {
        for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
            h.state = (uint64_t)seed * 1000003 + i;
            call(&h, i, seed);
        }
    }
    mlx_vector_array_free(h.vector);
    for (int i = 1; i < 6; i++) mlx_array_free(h.arrays[i]);
}
