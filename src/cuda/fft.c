/* SPDX-License-Identifier: MIT
 *
 * The head of Fourier transforms: an axis at a time, by cuFFT; without it on the CPU.  Lines that lie side by side, or across
 * one matrix, are transformed where they are; others are first laid side by side.  The last launch scales. */
#include "core/params/fft.h"
#include "cuda/copy.h"
#include "cuda/cufft.h"
#include "cuda/dispatch.h"
#include "cuda/kernels/fft_args.cuh"

/* An array of the call: the input, the output, or scratch. */
typedef struct place {
    cu_ptr at;
    mx_dtype dtype;
    int ndim;
    int64_t shape[MX_MAX_NDIM];
} place;

static int64_t size_of(const place *x)
{
    int64_t n = 1;
    for (int i = 0; i < x->ndim; i++) n *= x->shape[i];
    return n;
}

static bool scratch(cuda_call *c, place *x)
{
    cuda_block *block = cuda_scratch(c, (size_t)size_of(x) * mx_dtype_size(x->dtype));
    if (block) x->at = block->at;
    return block != NULL;
}

/* Copies x with the axis moved to the end (or, `back`, from there). */
static bool move_axis(cuda_call *c, const place *x, int axis, cu_ptr rows, bool back)
{
    int64_t row_major[MX_MAX_NDIM], strides[MX_MAX_NDIM], shape[MX_MAX_NDIM], across[MX_MAX_NDIM];
    int n = 0;
    shape_row_major((mx_shape){x->ndim, x->shape}, row_major);
    for (int i = 0; i < x->ndim; i++) {
        int from = i == x->ndim - 1 ? axis : i + (i >= axis);
        shape[n] = x->shape[from];
        strides[n++] = row_major[from];
    }
    shape_row_major((mx_shape){n, shape}, across);
    mx_shape s = {n, shape};
    return back ? cuda_copy_between(c, x->at, strides, rows, across, s, mx_dtype_size(x->dtype))
                : cuda_copy_between(c, rows, across, x->at, strides, s, mx_dtype_size(x->dtype));
}

/* One axis from x to y, which are alike but for it, or the same. */
static bool along_axis(cuda_call *c, const place *x, const place *y, int axis, cu_enum type, bool inverse, int64_t n)
{
    int64_t outer = 1, inner = 1;
    for (int i = 0; i < axis; i++) outer *= x->shape[i];
    for (int i = axis + 1; i < x->ndim; i++) inner *= x->shape[i];
    cufft_transform t = {.type = type, .inverse = inverse, .n = n, .batch = inner == 1 ? outer : inner};
    t.from = (cufft_lines){x->at, inner, inner == 1 ? x->shape[axis] : 1};
    t.to = (cufft_lines){y->at, inner, inner == 1 ? y->shape[axis] : 1};
    if (inner == 1 || outer == 1) return cufft_collect(c, &t);
    place from = *x, to = *y;
    if (!scratch(c, &from) || (x->at == y->at ? (to.at = from.at, false) : !scratch(c, &to))) return false;
    t.batch = outer * inner;
    t.from = (cufft_lines){from.at, 1, x->shape[axis]};
    t.to = (cufft_lines){to.at, 1, y->shape[axis]};
    return move_axis(c, x, axis, from.at, false) && cufft_collect(c, &t) && move_axis(c, y, axis, to.at, true);
}

static bool scale(cuda_call *c, const place *y, double factor)
{
    int64_t floats = size_of(y) * (y->dtype == MX_COMPLEX64 ? 2 : 1);
    struct fft_scale_args a = {.at = y->at, .total = floats, .scale = factor};
    cuda_variant v = {.id = VARIANT_fft_scale, .t = TYPE_NONE, .u = TYPE_NONE};
    return factor == 1 || variant_run_over(c, v, floats, 4, &a, sizeof a);
}

static place place_of(const mx_array *x, cu_ptr at)
{
    place p = {.at = at, .dtype = (mx_dtype)x->dtype, .ndim = x->ndim};
    for (int i = 0; i < x->ndim; i++) p.shape[i] = x->shape[i];
    return p;
}

/* To reals the last listed axis comes last, from a copy, because it is spoilt. */
static bool to_reals(cuda_call *c, const fft_params *p, const place *x, const place *y)
{
    int count = p->axes.count - 1;
    place work = *x;
    const place *from = x;
    int64_t strides[MX_MAX_NDIM];
    if (!scratch(c, &work)) return false;
    shape_row_major((mx_shape){x->ndim, x->shape}, strides);
    if (count == 0 && !cuda_copy_between(c, work.at, strides, x->at, strides, (mx_shape){x->ndim, x->shape}, 8))
        return false;
    for (int i = 0; i < count; i++, from = &work) {
        int axis = p->axes.at[i];
        if (!along_axis(c, from, &work, axis, FFT_C2C, true, x->shape[axis])) return false;
    }
    return along_axis(c, &work, y, p->axes.at[count], FFT_C2R, true, p->n);
}

static bool run(cuda_call *c)
{
    const fft_params *p = c->params;
    int count = p->axes.count;
    cu_ptr in, out;
    if (!cufft_is_there(c)) return cuda_on_cpu(c);
    if (!c->out->size || !c->in[0]->size) return cuda_output(c, 0, NULL, &out);
    if (!cuda_contiguous(c, c->in[0], &in) || !cuda_output(c, 0, NULL, &out)) return false;
    place x = place_of(c->in[0], in), y = place_of(c->out, out);
    const place *from = &x;
    if (p->real && p->inverse) return to_reals(c, p, &x, &y) && scale(c, &y, p->scale);
    if (p->real) {
        if (!along_axis(c, &x, &y, p->axes.at[--count], FFT_R2C, false, p->n)) return false;
        from = &y;
    }
    for (int i = 0; i < count; i++, from = &y) {
        int axis = p->axes.at[i];
        if (!along_axis(c, from, &y, axis, FFT_C2C, p->inverse, y.shape[axis])) return false;
    }
    return scale(c, &y, p->scale);
}

const cuda_op cuda_fft = {.run = run};
