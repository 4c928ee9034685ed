/* SPDX-License-Identifier: MIT
 *
 * Programs as MLX's primitives.  Ours see the last axes and broadcast by themselves; MLX's reductions name their axes and
 * keep them, and its elementwise primitives want one shape.  What MLX has not is first lowered (mlxfn_lower.c).
 * data table */
#include "core/memory.h"
#include "core/params/cast.h"
#include "core/params/fft.h"
#include "core/params/hadamard.h"
#include "core/params/index.h"
#include "core/params/join.h"
#include "core/params/layout.h"
#include "core/params/linalg.h"
#include "core/params/matmul.h"
#include "core/params/random.h"
#include "core/params/reduce.h"
#include "core/params/scan.h"
#include "core/params/sort.h"
#include "core/params/search.h"
#include "core/params/sizes.h"
#include "core/params/slice.h"
#include "core/params/softmax.h"
#include "io/io.h"
#include "io/mlxfn.h"
#include "mica/array.h"
#include "mica/ops.h"
#include "mica/stream.h"
#include <string.h>

typedef struct exporting {
    mlxfn_function *f;
    const mx_program *p;
    uint32_t *value_of; /* of the program's values */
    bool shapeless;
} exporting;

/* ---- Functions in memory */
static bool make_room(void **items, size_t count, size_t *room, size_t size)
{
    if (count < *room) return true;
    size_t wanted = *room ? 2 * *room : 64;
    void *bigger = mx_resize(*items, wanted, size);
    if (!bigger) return false;
    *items = bigger;
    *room = wanted;
    return true;
}

bool mlxfn_add_value(mlxfn_function *f, mx_dtype dtype, mx_shape shape, uint32_t *value)
{
    if (!make_room((void **)&f->values, f->value_count, &f->value_room, sizeof *f->values)) return false;
    *value = (uint32_t)f->value_count;
    f->values[f->value_count++] = (mlxfn_value){dtype, param_shape_of(shape)};
    return true;
}

mlxfn_entry *mlxfn_add_entry(mlxfn_function *f, int nin, int nout)
{
    if (!make_room((void **)&f->entries, f->entry_count, &f->entry_room, sizeof *f->entries)) return NULL;
    mlxfn_entry *e = &f->entries[f->entry_count];
    *e = (mlxfn_entry){.nin = nin, .nout = nout};
    if (!(e->in = mx_alloc((size_t)nin + (size_t)nout, sizeof *e->in))) return NULL;
    e->out = e->in + nin;
    f->entry_count++;
    return e;
}

void mlxfn_function_free(mlxfn_function *f)
{
    for (size_t i = 0; i < f->entry_count; i++) {
        mx_drop(f->entries[i].constant);
        mx_free(f->entries[i].in);
        mx_free(f->entries[i].lists);
    }
    for (int i = 0; f->names && i < f->name_count; i++) mx_free(f->names[i]);
    mx_free(f->names);
    mx_free(f->inputs);
    mx_free(f->outputs);
    mx_free(f->values);
    mx_free(f->entries);
    *f = (mlxfn_function){0};
}

/* ---- Emitting */
static mx_shape shape_of(const exporting *x, uint32_t value)
{
    const param_shape *s = &x->f->values[value].shape;
    return (mx_shape){s->ndim, s->at};
}

static mx_dtype dtype_of(const exporting *x, uint32_t value)
{
    return x->f->values[value].dtype;
}

static mx_export_field whole(int64_t value)
{
    return (mx_export_field){.whole = value};
}
static mx_export_field real(double value)
{
    return (mx_export_field){.real = value};
}
static mx_export_field list(const int64_t *at, int count)
{
    return (mx_export_field){.list = at, .count = count};
}

/* The fields, with the lists copied. */
static bool set_fields(mlxfn_entry *e, const mx_export_field *fields)
{
    size_t total = 0, at = 0;
    const char *kinds = e->primitive->fields;
    for (int i = 0; kinds[i]; i++) total += (size_t)fields[i].count;
    if (total && !(e->lists = mx_alloc(total, sizeof *e->lists))) return false;
    for (int i = 0; kinds[i]; i++) {
        e->fields[i] = fields[i];
        e->fields[i].kind = kinds[i];
        if (!fields[i].count) continue;
        memcpy(e->lists + at, fields[i].list, (size_t)fields[i].count * sizeof *e->lists);
        e->fields[i].list = e->lists + at;
        at += (size_t)fields[i].count;
    }
    return true;
}

/* One primitive over values; its output values are given. */
static bool emit_n(exporting *x, const char *name, const mx_export_field *fields, const uint32_t *in, int nin,
                   const uint32_t *out, int nout)
{
    mlxfn_entry *e = mlxfn_add_entry(x->f, nin, nout);
    if (!e) return false;
    e->primitive = mlxfn_find(name, strlen(name));
    for (int i = 0; i < nin; i++) e->in[i] = in[i];
    for (int i = 0; i < nout; i++) e->out[i] = out[i];
    return set_fields(e, fields);
}

/* One primitive with a new output. */
static bool emit_new(exporting *x, const char *name, const mx_export_field *fields, const uint32_t *in, int nin,
                     mx_dtype dtype, mx_shape shape, uint32_t *out)
{
    return mlxfn_add_value(x->f, dtype, shape, out) && emit_n(x, name, fields, in, nin, out, 1);
}

/* The step's inputs and outputs as values of the file. */
static uint32_t in_of(const exporting *x, const program_step *s, int i)
{
    return x->value_of[s->in[i]];
}

static bool new_output(exporting *x, const program_step *s, int i, uint32_t *value)
{
    const program_value *v = &x->p->values[s->out + (uint32_t)i];
    if (!mlxfn_add_value(x->f, v->dtype, v->shape, value)) return false;
    x->value_of[s->out + (uint32_t)i] = *value;
    return true;
}

static bool emit(exporting *x, const program_step *s, const char *name, const mx_export_field *fields)
{
    uint32_t few[16], *in = s->nin <= 16 ? few : mx_alloc(s->nin, sizeof *in), out;
    if (!in) return false;
    for (int i = 0; i < s->nin; i++) in[i] = in_of(x, s, i);
    bool ok = new_output(x, s, 0, &out) && emit_n(x, name, fields, in, s->nin, &out, 1);
    if (in != few) mx_free(in);
    return ok;
}

/* A step with several outputs as one primitive. */
static bool emit_all(exporting *x, const program_step *s, const char *name, const mx_export_field *fields)
{
    uint32_t in = in_of(x, s, 0), out[MLXFN_MAX_OUTPUTS];
    for (int i = 0; i < (int)s->nout; i++) {
        if (!new_output(x, s, i, &out[i])) return false;
    }
    return emit_n(x, name, fields, &in, 1, out, (int)s->nout);
}

/* ---- Elementwise: one shape for all */
static bool same_shape(mx_shape a, mx_shape b)
{
    return a.ndim == b.ndim && (!a.ndim || memcmp(a.at, b.at, (size_t)a.ndim * sizeof *a.at) == 0);
}

static bool broadcast_operands(exporting *x, const program_step *s, mx_shape to, uint32_t *in)
{
    mx_export_field shape = list(to.at, to.ndim);
    uint32_t all[4];
    for (int i = 0; i < s->nin; i++) all[i] = in_of(x, s, i);
    for (int i = 0; i < s->nin; i++) {
        uint32_t operands[4] = {all[i]};
        int n = 1;
        for (int k = 0; k < s->nin && x->shapeless; k++) {
            if (k != i) operands[n++] = all[k];
        }
        in[i] = all[i];
        if (s->nin == 1 || (!x->shapeless && same_shape(shape_of(x, all[i]), to))) continue;
        if (!emit_new(x, "Broadcast", &shape, operands, n, dtype_of(x, all[i]), to, &in[i])) return false;
    }
    return true;
}

static bool emit_elementwise(exporting *x, const program_step *s, const char *name, const mx_export_field *fields)
{
    uint32_t in[4], out;
    if (s->nin > 4) return mx_fail_false(MX_VALUE, "[export_function] %s of %d operands.", s->op->name, s->nin);
    return broadcast_operands(x, s, x->p->values[s->out].shape, in) && new_output(x, s, 0, &out) &&
           emit_n(x, name, fields, in, s->nin, &out, 1);
}

/* On whole numbers MLX's Divide is the floored quotient. */
static bool export_floor_div(exporting *x, const program_step *s)
{
    uint32_t in[4], out, quotient;
    const program_value *v = &x->p->values[s->out];
    if (!mx_dtype_is(v->dtype, MX_INEXACT)) return emit_elementwise(x, s, "Divide", NULL);
    return broadcast_operands(x, s, v->shape, in) &&
           emit_new(x, "Divide", NULL, in, 2, v->dtype, v->shape, &quotient) && new_output(x, s, 0, &out) &&
           emit_n(x, "Floor", NULL, &quotient, 1, &out, 1);
}

/* ---- Reductions: the last `count` axes, kept and then removed */
static bool emit_reduction(exporting *x, const program_step *s, const char *name, const mx_export_field *fields,
                           int count)
{
    uint32_t in = in_of(x, s, 0), kept, out;
    mx_shape from = shape_of(x, in);
    param_shape shape = param_shape_of(from);
    int64_t axes[MX_MAX_NDIM];
    for (int i = 0; i < count; i++) {
        axes[i] = from.ndim - count + i;
        shape.at[axes[i]] = 1;
    }
    mx_export_field squeezed = list(axes, count);
    return emit_new(x, name, fields, &in, 1, x->p->values[s->out].dtype, (mx_shape){shape.ndim, shape.at}, &kept) &&
           new_output(x, s, 0, &out) && emit_n(x, "Squeeze", &squeezed, &kept, 1, &out, 1);
}

static bool export_reduce(exporting *x, const program_step *s, int kind)
{
    const reduce_params *p = s->params;
    int64_t axes[MX_MAX_NDIM];
    int ndim = shape_of(x, in_of(x, s, 0)).ndim;
    for (int i = 0; i < p->count; i++) axes[i] = ndim - p->count + i;
    return emit_reduction(x, s, "Reduce", (mx_export_field[]){whole(kind), list(axes, p->count)}, p->count);
}

static bool export_logsumexp(exporting *x, const program_step *s)
{
    return emit_reduction(x, s, "LogSumExp", NULL, 1);
}

static bool export_arg_extreme(exporting *x, const program_step *s)
{
    const arg_params *p = s->params;
    int axis = shape_of(x, in_of(x, s, 0)).ndim - 1;
    return emit_reduction(x, s, "ArgReduce", (mx_export_field[]){whole(p->largest), whole(axis)}, 1);
}

static bool export_scan(exporting *x, const program_step *s)
{
    static const int kinds[SCAN_KIND_COUNT] = {
        [SCAN_SUM] = 2, [SCAN_PROD] = 3, [SCAN_MAX] = 0, [SCAN_MIN] = 1, [SCAN_LOGADDEXP] = 4};
    const scan_params *p = s->params;
    int axis = shape_of(x, in_of(x, s, 0)).ndim - 1;
    return emit(x, s, "Scan",
                (mx_export_field[]){whole(kinds[p->kind]), whole(axis), whole(p->reverse), whole(p->inclusive)});
}

/* ---- Others */
static bool export_softmax(exporting *x, const program_step *s)
{
    return emit(x, s, "Softmax", (mx_export_field[]){whole(((const softmax_params *)s->params)->precise)});
}

static bool export_searchsorted(exporting *x, const program_step *s)
{
    return emit(x, s, "SearchSorted", (mx_export_field[]){whole(((const searchsorted_params *)s->params)->right)});
}

static bool export_sort(exporting *x, const program_step *s)
{
    int axis = shape_of(x, in_of(x, s, 0)).ndim - 1;
    return emit(x, s, s->op->id == OP_sort ? "Sort" : "ArgSort", (mx_export_field[]){whole(axis)});
}

static bool export_partition(exporting *x, const program_step *s)
{
    int axis = shape_of(x, in_of(x, s, 0)).ndim - 1;
    int64_t kth = ((const partition_params *)s->params)->kth;
    if (kth > INT32_MAX) return mx_fail_false(MX_VALUE, "[export_function] kth %lld of a partition.", (long long)kth);
    return emit(x, s, s->op->id == OP_partition ? "Partition" : "ArgPartition",
                (mx_export_field[]){whole(kth), whole(axis)});
}

static bool export_astype(exporting *x, const program_step *s)
{
    return emit(x, s, "AsType", (mx_export_field[]){whole(((const astype_params *)s->params)->dtype)});
}

static bool export_view(exporting *x, const program_step *s)
{
    return emit(x, s, "View", (mx_export_field[]){whole(((const astype_params *)s->params)->dtype)});
}

static bool export_matmul(exporting *x, const program_step *s)
{
    const matmul_params *p = s->params;
    if (s->nin == 2) return emit(x, s, "Matmul", NULL);
    return emit(x, s, "AddMM", (mx_export_field[]){real(p->alpha), real(p->beta)});
}

static bool export_hadamard(exporting *x, const program_step *s)
{
    const hadamard_params *p = s->params;
    if (p->transposed) return mx_fail_false(MX_VALUE, "[export_function] a transposed Hadamard matrix.");
    return emit(x, s, "Hadamard", (mx_export_field[]){real(p->scale)});
}

static bool export_fft(exporting *x, const program_step *s)
{
    const fft_params *p = s->params;
    int64_t axes[MX_MAX_NDIM];
    for (int i = 0; i < p->axes.count; i++) axes[i] = p->axes.at[i];
    return emit(x, s, "FFT", (mx_export_field[]){list(axes, p->axes.count), whole(p->inverse), whole(p->real)});
}

static bool export_inverse(exporting *x, const program_step *s)
{
    const linalg_params *p = s->params;
    return emit(x, s, "Inverse", (mx_export_field[]){whole(p->triangular), whole(p->upper)});
}

static bool export_cholesky(exporting *x, const program_step *s)
{
    return emit(x, s, "Cholesky", (mx_export_field[]){whole(((const linalg_params *)s->params)->upper)});
}

static bool export_qr(exporting *x, const program_step *s)
{
    return emit_all(x, s, "QRF", NULL);
}

static bool export_svd(exporting *x, const program_step *s)
{
    return emit_all(x, s, "SVD", (mx_export_field[]){whole(((const linalg_params *)s->params)->vectors)});
}

static bool export_eig(exporting *x, const program_step *s)
{
    return emit_all(x, s, "Eig", (mx_export_field[]){whole(((const linalg_params *)s->params)->vectors)});
}

static bool export_eigh(exporting *x, const program_step *s)
{
    const linalg_params *p = s->params;
    mx_export_field half = {.text = p->upper ? "U" : "L"};
    return emit_all(x, s, "Eigh", (mx_export_field[]){half, whole(p->vectors)});
}

static bool emit_slice(exporting *x, const program_step *s, const char *name, bool update)
{
    const slice_params *p = s->params;
    int64_t stop[MX_MAX_NDIM];
    for (int i = 0; i < p->start.ndim; i++) stop[i] = p->start.at[i] + p->size.at[i] * p->step.at[i];
    mx_export_field fields[4] = {whole(4), list(p->start.at, p->start.ndim), list(stop, p->start.ndim),
                                 list(p->step.at, p->step.ndim)};
    return emit(x, s, name, update ? fields : fields + 1);
}

static bool export_slice(exporting *x, const program_step *s)
{
    return emit_slice(x, s, "Slice", false);
}
static bool export_slice_update(exporting *x, const program_step *s)
{
    return emit_slice(x, s, "SliceUpdate", true);
}

static bool export_as_strided(exporting *x, const program_step *s)
{
    const as_strided_params *p = s->params;
    uint32_t in = in_of(x, s, 0), flat, out;
    int64_t size = 1;
    mx_shape from = shape_of(x, in);
    for (int i = 0; i < from.ndim; i++) size *= from.at[i];
    mx_export_field one = list(&size, 1);
    return emit_new(x, "Reshape", &one, &in, 1, dtype_of(x, in), (mx_shape){1, &size}, &flat) &&
           new_output(x, s, 0, &out) &&
           emit_n(x, "AsStrided",
                  (mx_export_field[]){list(p->shape.at, p->shape.ndim), list(p->strides.at, p->strides.ndim),
                                      whole(p->offset)},
                  &flat, 1, &out, 1);
}

static bool export_concatenate(exporting *x, const program_step *s)
{
    return emit(x, s, "Concatenate", (mx_export_field[]){whole(((const concatenate_params *)s->params)->axis)});
}

static bool export_shape(exporting *x, const program_step *s, const char *name)
{
    const shape_params *p = s->params;
    return emit(x, s, name, (mx_export_field[]){list(p->shape.at, p->shape.ndim)});
}
static bool export_reshape(exporting *x, const program_step *s)
{
    return export_shape(x, s, "Reshape");
}
static bool export_broadcast(exporting *x, const program_step *s)
{
    return export_shape(x, s, "Broadcast");
}

static mx_export_field widened(const param_axes *axes, int64_t at[MX_MAX_NDIM])
{
    for (int i = 0; i < axes->count; i++) at[i] = axes->at[i];
    return list(at, axes->count);
}

static bool export_axes(exporting *x, const program_step *s, const char *name)
{
    int64_t at[MX_MAX_NDIM];
    return emit(x, s, name, (mx_export_field[]){widened(s->params, at)}); /* the axes are all there is */
}
static bool export_expand_dims(exporting *x, const program_step *s)
{
    return export_axes(x, s, "ExpandDims");
}
static bool export_squeeze(exporting *x, const program_step *s)
{
    return export_axes(x, s, "Squeeze");
}
static bool export_transpose(exporting *x, const program_step *s)
{
    return export_axes(x, s, "Transpose");
}

static bool export_gather(exporting *x, const program_step *s)
{
    const gather_params *p = s->params;
    int64_t at[MX_MAX_NDIM];
    return emit(x, s, "Gather", (mx_export_field[]){widened(&p->axes, at), list(p->sizes.at, p->sizes.ndim)});
}

/* MLX has the updates last. */
static bool export_scatter(exporting *x, const program_step *s)
{
    static const int modes[] = {
        [MX_SCATTER_SET] = 4, [MX_SCATTER_ADD] = 2, [MX_SCATTER_PROD] = 3, [MX_SCATTER_MAX] = 0, [MX_SCATTER_MIN] = 1};
    const scatter_params *p = s->params;
    int64_t at[MX_MAX_NDIM];
    uint32_t in[MX_MAX_NDIM + 2] = {in_of(x, s, 0)}, out;
    for (int i = 2; i < s->nin; i++) in[i - 1] = in_of(x, s, i);
    in[s->nin - 1] = in_of(x, s, 1);
    return new_output(x, s, 0, &out) &&
           emit_n(x, "Scatter", (mx_export_field[]){whole(modes[p->mode]), widened(&p->axes, at)}, in, s->nin, &out, 1);
}

static bool export_take_along_axis(exporting *x, const program_step *s)
{
    return emit(x, s, "GatherAxis", (mx_export_field[]){whole(((const take_along_axis_params *)s->params)->axis)});
}

static bool export_scatter_along_axis(exporting *x, const program_step *s)
{
    const scatter_along_axis_params *p = s->params;
    uint32_t in[3] = {in_of(x, s, 0), in_of(x, s, 2), in_of(x, s, 1)}, out;
    if (p->mode != MX_SCATTER_SET && p->mode != MX_SCATTER_ADD)
        return mx_fail_false(MX_VALUE, "[export_function] scatter_along_axis of mode %d.", p->mode);
    return new_output(x, s, 0, &out) &&
           emit_n(x, "ScatterAxis", (mx_export_field[]){whole(p->mode == MX_SCATTER_SET), whole(p->axis)}, in, 3, &out,
                  1);
}

static bool export_random_bits(exporting *x, const program_step *s)
{
    const random_bits_params *p = s->params;
    return emit(x, s, "RandomBits", (mx_export_field[]){list(p->shape.at, p->shape.ndim), whole(p->width)});
}

/* ---- What depends on sizes */
static bool export_regroup(exporting *x, const program_step *s)
{
    const regroup_params *p = s->params;
    int ndim = shape_of(x, in_of(x, s, 0)).ndim;
    mx_export_field shape = list(p->shape.at, p->shape.ndim);
    if (p->first == 0 && p->last == ndim - 1 && !(p->shape.ndim == 1 && p->shape.at[0] == -1))
        return emit(x, s, "Reshape", &shape);
    if (p->shape.ndim == 1 && p->shape.at[0] == -1)
        return emit(x, s, "Flatten", (mx_export_field[]){whole(p->first), whole(p->last)});
    for (int i = 0; i < p->shape.ndim; i++) {
        if (p->shape.at[i] != -1) continue;
        return mx_fail_false(MX_VALUE, "[export_function] An unflatten with a -1 holds the size of its axis in MLX's "
                                       "files, so it cannot be exported for all sizes.");
    }
    return emit(x, s, "Unflatten", (mx_export_field[]){whole(p->first), shape});
}

static bool export_broadcast_like(exporting *x, const program_step *s)
{
    mx_shape to = x->p->values[s->out].shape;
    return emit(x, s, "Broadcast", (mx_export_field[]){list(to.at, to.ndim)});
}

static bool export_sum_like(exporting *x, const program_step *s)
{
    (void)x, (void)s;
    return mx_fail_false(MX_VALUE, "[export_function] A derivative depends on which inputs are broadcast, which MLX's "
                                   "files cannot say for all sizes.");
}

static bool export_element_count(exporting *x, const program_step *s)
{
    const element_count_params *p = s->params;
    int64_t at[MX_MAX_NDIM];
    return emit(x, s, "NumberOfElements",
                (mx_export_field[]){widened(&p->axes, at), whole(p->inverted), whole(p->dtype)});
}

/* The outputs are the last inputs under other names. */
static bool export_pass(exporting *x, const program_step *s)
{
    for (int i = 0; i < s->nout; i++) x->value_of[s->out + (uint32_t)i] = in_of(x, s, s->nin - s->nout + i);
    return true;
}

/* ---- The table: an elementwise op is a name and perhaps one field */
typedef struct export_row {
    const char *name;
    int field;
    bool (*write)(exporting *x, const program_step *s);
    int reduction; /* kind + 1 */
} export_row;

#define PLAIN(op, text) [OP_##op] = {text}
#define WITH(op, text, value) [OP_##op] = {text, value}
#define BY(op, function) [OP_##op] = {.write = function}
#define REDUCE(op, kind) [OP_##op] = {.reduction = (kind) + 1}
static const export_row rows[OP_COUNT] = {PLAIN(abs, "Abs"),
                                          PLAIN(neg, "Negative"),
                                          PLAIN(sign, "Sign"),
                                          PLAIN(square, "Square"),
                                          PLAIN(floor, "Floor"),
                                          PLAIN(ceil, "Ceil"),
                                          PLAIN(round, "Round"),
                                          PLAIN(real, "Real"),
                                          PLAIN(imag, "Imag"),
                                          PLAIN(conjugate, "Conjugate"),
                                          WITH(sqrt, "Sqrt", 0),
                                          WITH(rsqrt, "Sqrt", 1),
                                          PLAIN(exp, "Exp"),
                                          PLAIN(expm1, "Expm1"),
                                          WITH(log, "Log", 2),
                                          WITH(log2, "Log", 0),
                                          WITH(log10, "Log", 1),
                                          PLAIN(log1p, "Log1p"),
                                          PLAIN(sin, "Sin"),
                                          PLAIN(cos, "Cos"),
                                          PLAIN(tan, "Tan"),
                                          PLAIN(sinh, "Sinh"),
                                          PLAIN(cosh, "Cosh"),
                                          PLAIN(tanh, "Tanh"),
                                          PLAIN(arcsin, "ArcSin"),
                                          PLAIN(arccos, "ArcCos"),
                                          PLAIN(arctan, "ArcTan"),
                                          PLAIN(arcsinh, "ArcSinh"),
                                          PLAIN(arccosh, "ArcCosh"),
                                          PLAIN(arctanh, "ArcTanh"),
                                          PLAIN(erf, "Erf"),
                                          PLAIN(erfinv, "ErfInv"),
                                          PLAIN(sigmoid, "Sigmoid"),
                                          PLAIN(random_erfinv, "ErfInv"),
                                          PLAIN(random_erf, "Erf"),
                                          PLAIN(random_exp, "Exp"),
                                          WITH(random_log, "Log", 2),
                                          PLAIN(random_log1p, "Log1p"),
                                          PLAIN(add, "Add"),
                                          PLAIN(sub, "Subtract"),
                                          PLAIN(mul, "Multiply"),
                                          PLAIN(div, "Divide"),
                                          PLAIN(remainder, "Remainder"),
                                          PLAIN(power, "Power"),
                                          PLAIN(maximum, "Maximum"),
                                          PLAIN(minimum, "Minimum"),
                                          PLAIN(logaddexp, "LogAddExp"),
                                          PLAIN(arctan2, "ArcTan2"),
                                          WITH(equal, "Equal", 0),
                                          PLAIN(not_equal, "NotEqual"),
                                          PLAIN(less, "Less"),
                                          PLAIN(less_equal, "LessEqual"),
                                          WITH(bitwise_and, "BitwiseBinary", 0),
                                          WITH(bitwise_or, "BitwiseBinary", 1),
                                          WITH(bitwise_xor, "BitwiseBinary", 2),
                                          WITH(left_shift, "BitwiseBinary", 3),
                                          WITH(right_shift, "BitwiseBinary", 4),
                                          PLAIN(where, "Select"),
                                          REDUCE(all, 0),
                                          REDUCE(any, 1),
                                          REDUCE(sum, 2),
                                          REDUCE(prod, 3),
                                          REDUCE(min, 4),
                                          REDUCE(max, 5),
                                          BY(floor_div, export_floor_div),
                                          BY(astype, export_astype),
                                          BY(view, export_view),
                                          BY(logsumexp, export_logsumexp),
                                          BY(arg_extreme, export_arg_extreme),
                                          BY(scan, export_scan),
                                          BY(softmax, export_softmax),
                                          BY(searchsorted, export_searchsorted),
                                          BY(sort, export_sort),
                                          BY(argsort, export_sort),
                                          BY(partition, export_partition),
                                          BY(argpartition, export_partition),
                                          BY(matmul, export_matmul),
                                          BY(hadamard, export_hadamard),
                                          BY(fft, export_fft),
                                          BY(inverse, export_inverse),
                                          BY(cholesky, export_cholesky),
                                          BY(qr, export_qr),
                                          BY(svd, export_svd),
                                          BY(eig, export_eig),
                                          BY(eigh, export_eigh),
                                          BY(slice, export_slice),
                                          BY(slice_update, export_slice_update),
                                          BY(as_strided, export_as_strided),
                                          BY(concatenate, export_concatenate),
                                          BY(reshape, export_reshape),
                                          BY(broadcast, export_broadcast),
                                          BY(regroup, export_regroup),
                                          BY(broadcast_like, export_broadcast_like),
                                          BY(sum_like, export_sum_like),
                                          BY(element_count, export_element_count),
                                          BY(expand_dims, export_expand_dims),
                                          BY(squeeze, export_squeeze),
                                          BY(transpose, export_transpose),
                                          BY(gather, export_gather),
                                          BY(scatter, export_scatter),
                                          BY(take_along_axis, export_take_along_axis),
                                          BY(scatter_along_axis, export_scatter_along_axis),
                                          BY(random_bits, export_random_bits),
                                          BY(alias, export_pass),
                                          BY(stop_gradient, export_pass),
                                          BY(contiguous, export_pass),
                                          BY(depends, export_pass),
                                          BY(custom, export_pass)};

bool mlxfn_is_direct(const program_step *s)
{
    const export_row *row = &rows[s->op->id];
    if (s->op->id == OP_matmul && s->nin == 2 && ((const matmul_params *)s->params)->alpha != 1) return false;
    if (s->op->id == OP_fft) {
        const fft_params *p = s->params;
        return p->scale == (p->inverse ? 1 / (double)p->points : 1);
    }
    return row->name || row->write || row->reduction;
}

static bool export_step(exporting *x, const program_step *s)
{
    const export_row *row = &rows[s->op->id];
    if (row->write) return row->write(x, s);
    if (row->reduction) return export_reduce(x, s, row->reduction - 1);
    if (row->name) return emit_elementwise(x, s, row->name, (mx_export_field[]){whole(row->field)});
    return mx_fail_false(MX_VALUE, "[export_function] %s has no counterpart among MLX's primitives.", s->op->name);
}

/* ---- Constants: one value broadcast stays so */
static bool add_data(exporting *x, mx_array *data, uint32_t *value)
{
    mlxfn_entry *e = NULL;
    if (!data || !mx_eval(data) || !mlxfn_add_value(x->f, mx_dtype_of(data), mx_shape_of(data), value) ||
        !(e = mlxfn_add_entry(x->f, 0, 1)))
        return false;
    e->constant = mx_keep(data);
    e->out[0] = *value;
    return true;
}

static bool add_constant(exporting *x, const program_constant *c)
{
    mx_array *a = c->array, *data = a;
    bool repeated = mx_eval(a) && a->size > 1;
    for (int i = 0; i < a->ndim; i++) repeated &= a->strides[i] == 0 || a->shape[i] == 1;
    if (mx_failed()) return false;
    mx_scope scope = mx_scope_open();
    const int64_t one[MX_MAX_NDIM] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, zero[MX_MAX_NDIM] = {0};
    if (repeated) data = mx_reshape(mx_slice(a, zero, one, one), MX_SCALAR_SHAPE);
    if (!repeated) data = mx_contiguous(a);
    uint32_t value;
    bool ok = add_data(x, data, &value);
    mx_export_field shape = list(a->shape, a->ndim);
    if (ok && repeated)
        ok = emit_new(x, "Broadcast", &shape, (uint32_t[]){value}, 1, (mx_dtype)a->dtype, array_shape(a), &value);
    x->value_of[c->value] = value;
    mx_scope_close(scope, NULL);
    return ok;
}

/* ---- The whole */
static bool copy_names(mlxfn_function *f, const char *const *names, int count)
{
    if (!(f->names = mx_alloc((size_t)count + 1, sizeof *f->names))) return false;
    for (int i = 0; i < count; i++) {
        size_t bytes = strlen(names[i]) + 1;
        if (!(f->names[i] = mx_alloc(bytes, 1))) return false;
        memcpy(f->names[i], names[i], bytes);
        f->name_count++;
    }
    return true;
}

static bool write_program(exporting *x)
{
    const mx_program *p = x->p;
    mlxfn_function *f = x->f;
    uint32_t at = 0;
    for (uint32_t i = 0; i < p->nin; i++) {
        if (!mlxfn_add_value(f, p->values[i].dtype, p->values[i].shape, &f->inputs[i])) return false;
        x->value_of[i] = f->inputs[i];
    }
    for (at = 0; at < p->constant_count; at++) {
        if (!add_constant(x, &p->constants[at])) return false;
    }
    for (uint32_t i = 0; i < p->step_count; i++) {
        if (!export_step(x, &p->steps[i])) return false;
    }
    for (uint32_t i = 0; i < p->nout; i++) f->outputs[i] = x->value_of[p->outputs[i]];
    return true;
}

bool mlxfn_sized(const mx_program *p)
{
    for (uint32_t i = 0; i < p->step_count; i++) {
        const mx_op *op = p->steps[i].op;
        if (op->flags & (OP_ANY_SIZE | OP_ELEMENTWISE)) continue;
        return mx_fail_false(MX_VALUE,
                             "[export_function] The function depends on the sizes of its inputs (%s does), so it "
                             "cannot be exported for all sizes.",
                             op->name);
    }
    return mx_fail_false(MX_VALUE, "[export_function] The function depends on the sizes of its inputs, so it cannot "
                                   "be exported for all sizes.");
}

bool mlxfn_of_program(mlxfn_function *f, const mx_program *given, bool shapeless, const char *const *names, int count)
{
    *f = (mlxfn_function){0};
    if (shapeless && !given->shapeless) return mlxfn_sized(given);
    mx_program *p = mlxfn_lower(given, shapeless);
    if (!p) return false;
    exporting x = {f, p, mx_alloc(p->value_count, sizeof *x.value_of), shapeless};
    f->nin = (int)p->nin;
    f->nout = (int)p->nout;
    f->inputs = mx_alloc(p->nin, sizeof *f->inputs);
    f->outputs = mx_alloc(p->nout, sizeof *f->outputs);
    bool ok = x.value_of && f->inputs && f->outputs && copy_names(f, names, count) && write_program(&x);
    mx_free(x.value_of);
    mx_program_drop(p);
    if (!ok) mlxfn_function_free(f);
    return ok;
}
