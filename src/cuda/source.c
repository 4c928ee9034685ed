/* SPDX-License-Identifier: MIT
 *
 * The source of an elementwise program: a function for each step, from its op's expression; `compute`, which calls them
 * for an element and rounds what each returns to its dtype, so that a program's results are those of its ops one by
 * one; and the moves of operands and results. */
#include "cuda/elementwise.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { NAMED_STEPS = 6 };

typedef struct dtype_names {
    const char *stored, *computed;
    size_t expression; /* which one of cuda_op */
} dtype_names;
#define NAMES(stored, computed, kind)                                                                                  \
    {                                                                                                                  \
        stored, computed, offsetof(cuda_op, kind)                                                                      \
    }
static const dtype_names dtypes[MX_DTYPE_COUNT] = {
    [MX_BOOL] = NAMES("bool", "bool", boolean),   [MX_UINT8] = NAMES("u8", "u8", integer),
    [MX_UINT16] = NAMES("u16", "u16", integer),   [MX_UINT32] = NAMES("u32", "u32", integer),
    [MX_UINT64] = NAMES("u64", "u64", integer),   [MX_INT8] = NAMES("i8", "i8", integer),
    [MX_INT16] = NAMES("i16", "i16", integer),    [MX_INT32] = NAMES("i32", "i32", integer),
    [MX_INT64] = NAMES("i64", "i64", integer),    [MX_FLOAT16] = NAMES("f16", "float", real),
    [MX_FLOAT32] = NAMES("float", "float", real), [MX_FLOAT64] = NAMES("double", "double", real),
    [MX_BFLOAT16] = NAMES("bf16", "float", real), [MX_COMPLEX64] = NAMES("c64", "c64", complex),
};

const char *elementwise_type(uint8_t dtype)
{
    return dtypes[dtype].stored;
}

const char *elementwise_expression(const cuda_op *op, uint8_t dtype)
{
    const char *text;
    memcpy(&text, (const char *)op + dtypes[dtype].expression, sizeof text);
    return text;
}

bool cuda_has_elementwise(const mx_array *node, const cuda_op *op)
{
    return (node->op->flags & OP_ELEMENTWISE) && node->nin && node->nin <= 3 &&
           elementwise_expression(op, node->in[node->nin - 1]->dtype);
}

/* ---- Text */
typedef struct text {
    char *at;
    size_t used, size;
} text;

static void add(text *t, const char *format, ...) PRINTF_LIKE(2, 3);
static void add(text *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (t->used < t->size) t->used += (size_t)vsnprintf(t->at + t->used, t->size - t->used, format, args);
    va_end(args);
}

static uint8_t source_dtype(const elementwise_key *key, uint8_t from)
{
    return from < ELEMENTWISE_STEP ? key->in[from] : key->steps[from - ELEMENTWISE_STEP].dtype;
}

static void add_step(text *t, const elementwise_key *key, int number)
{
    static const char operands[] = "xyz";
    const elementwise_step *s = &key->steps[number];
    uint8_t last = source_dtype(key, s->from[s->nin - 1]);
    add(t, "DEVICE %s step_%d(", dtypes[s->dtype].computed, number);
    for (int i = 0; i < s->nin; i++)
        add(t, "%s%s %c", i ? ", " : "", dtypes[source_dtype(key, s->from[i])].computed, operands[i]);
    add(t, ")\n{\n    typedef %s T;\n    typedef %s OUT;\n    return (compute_t<OUT>::type)(%s);\n}\n",
        dtypes[last].computed, dtypes[s->dtype].stored, elementwise_expression(cuda_ops[s->op], last));
}

static void add_moves(text *t, const elementwise_key *key)
{
    add(t, "template <int W> struct operands {\n");
    for (int k = 0; k < key->nin; k++) add(t, "    vec<%s, W> i%d;\n", dtypes[key->in[k]].stored, k);
    add(t, "};\ntemplate <int W> DEVICE void read(operands<W> &v, const elementwise_args &a, const i64 *at, int last)\n"
           "{\n");
    for (int k = 0; k < key->nin; k++) {
        add(t, "    v.i%d = load_run<W>(reinterpret_cast<const %s *>(a.in[%d]) + at[%d], a.stride[%d][last] != 0);\n",
            k, dtypes[key->in[k]].stored, k, k, k);
    }
    add(t, "}\ntemplate <int W> struct results {\n");
    for (int i = 0, k = 0; i < key->count; i++) {
        if (key->steps[i].written) add(t, "    vec<%s, W> o%d;\n", dtypes[key->steps[i].dtype].stored, k++);
    }
    add(t, "};\ntemplate <int W> DEVICE void write(const results<W> &r, const elementwise_args &a, i64 at)\n{\n");
    for (int i = 0, k = 0; i < key->count; i++) {
        if (!key->steps[i].written) continue;
        add(t, "    st_vec<W>(reinterpret_cast<%s *>(a.out[%d]) + at, r.o%d);\n", dtypes[key->steps[i].dtype].stored, k,
            k);
        k++;
    }
    add(t, "}\n");
}

static void add_compute(text *t, const elementwise_key *key)
{
    int result = 0;
    add(t, "template <int W> DEVICE void compute(const operands<W> &v, int j, results<W> &r)\n{\n");
    for (int i = 0; i < key->count; i++) {
        const elementwise_step *s = &key->steps[i];
        add(t, "    %s s%d = stored<%s>(step_%d(", dtypes[s->dtype].computed, i, dtypes[s->dtype].stored, i);
        for (int k = 0; k < s->nin; k++) {
            bool step = s->from[k] >= ELEMENTWISE_STEP;
            add(t, step ? "%ss%d" : "%sload(v.i%d.v[j])", k ? ", " : "", s->from[k] - (step ? ELEMENTWISE_STEP : 0));
        }
        add(t, "));\n");
        if (s->written) add(t, "    store(r.o%d.v[j], s%d);\n", result++, i);
    }
    add(t, "}\n");
}

/* The op's name and the dtype of its last operand; of a longer program the first ops' names. */
static void name(const elementwise_key *key, char entry[ELEMENTWISE_ENTRY])
{
    text t = {.at = entry, .size = ELEMENTWISE_ENTRY - 16};
    if (key->count > 1) add(&t, "fused_%d_", key->count);
    for (int i = 0; i < key->count && i < NAMED_STEPS; i++) add(&t, "%s_", mx_ops[key->steps[i].op]->name);
    if (t.used > t.size) t.used = t.size - 1;
    const elementwise_step *s = &key->steps[0];
    snprintf(entry + t.used, ELEMENTWISE_ENTRY - t.used, "%s",
             elementwise_type(source_dtype(key, s->from[s->nin - 1])));
}

bool elementwise_source(const elementwise_key *key, char source[ELEMENTWISE_SOURCE], char entry[ELEMENTWISE_ENTRY])
{
    text t = {.at = source, .size = ELEMENTWISE_SOURCE};
    name(key, entry);
    add(&t,
        "#include \"cuda/kernels/index.cuh\"\n#define ENTRY %s\ntypedef %s INDEX;\n#define NIN %d\n#define NOUT %d\n"
        "#define NDIM %d\n#define WIDTH %d\n#include \"cuda/kernels/elementwise.cuh\"\n",
        entry, key->wide ? "u64" : "u32", key->nin, key->nout, key->ndim, elementwise_width(key));
    for (int i = 0; i < key->count; i++) add_step(&t, key, i);
    add_moves(&t, key);
    add_compute(&t, key);
    add(&t, "#include \"cuda/kernels/elementwise_run.cuh\"\n");
    return t.used < t.size || mx_fail_false(MX_RUNTIME, "[%s] GPU: the kernel's source is too long.", entry);
}
