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
void code_add(code_text *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (t->used < t->size) t->used += (size_t)vsnprintf(t->at + t->used, t->size - t->used, format, args);
    va_end(args);
}

uint8_t code_dtype(const elementwise_key *key, uint8_t from)
{
    return from < ELEMENTWISE_STEP ? key->in[from] : key->steps[from - ELEMENTWISE_STEP].dtype;
}

const char *code_computed(uint8_t dtype)
{
    return dtypes[dtype].computed;
}

void code_step(code_text *t, const elementwise_key *key, int number)
{
    static const char operands[] = "xyz";
    const elementwise_step *s = &key->steps[number];
    uint8_t last = code_dtype(key, s->from[s->nin - 1]);
    code_add(t, "DEVICE %s step_%d(", dtypes[s->dtype].computed, number);
    for (int i = 0; i < s->nin; i++)
        code_add(t, "%s%s %c", i ? ", " : "", dtypes[code_dtype(key, s->from[i])].computed, operands[i]);
    code_add(t, ")\n{\n    typedef %s T;\n    typedef %s OUT;\n    return (compute_t<OUT>::type)(%s);\n}\n",
             dtypes[last].computed, dtypes[s->dtype].stored, elementwise_expression(cuda_ops[s->op], last));
}

void code_read(code_text *t, const elementwise_key *key)
{
    code_add(t, "template <int W> struct operands {\n");
    for (int k = 0; k < key->nin; k++) code_add(t, "    vec<%s, W> i%d;\n", dtypes[key->in[k]].stored, k);
    code_add(t, "};\ntemplate <int W> DEVICE void read(operands<W> &v, const elementwise_args &a, const i64 *at, "
                "int last)\n{\n");
    for (int k = 0; k < key->nin; k++) {
        code_add(t,
                 "    v.i%d = load_run<W>(reinterpret_cast<const %s *>(a.in[%d]) + at[%d], a.stride[%d][last] != 0);\n",
                 k, dtypes[key->in[k]].stored, k, k, k);
    }
    code_add(t, "}\n");
}

void code_write(code_text *t, const elementwise_key *key)
{
    code_add(t, "template <int W> struct results {\n");
    for (int i = 0, k = 0; i < key->count; i++) {
        const elementwise_step *s = &key->steps[i];
        if (!(s->flags & STEP_WRITTEN)) continue;
        if (!(s->flags & STEP_ROW)) code_add(t, "    vec<%s, W> o%d;\n", dtypes[s->dtype].stored, k);
        k++;
    }
    code_add(t, "};\ntemplate <int W> DEVICE void write(const results<W> &r, const elementwise_args &a, i64 at)\n{\n");
    for (int i = 0, k = 0; i < key->count; i++) {
        const elementwise_step *s = &key->steps[i];
        if (!(s->flags & STEP_WRITTEN)) continue;
        if (!(s->flags & STEP_ROW))
            code_add(t, "    st_vec<W>(reinterpret_cast<%s *>(a.out[%d]) + at, r.o%d);\n", dtypes[s->dtype].stored, k,
                     k);
        k++;
    }
    code_add(t, "}\n");
}

void code_compute(code_text *t, const elementwise_key *key, int count, int returned)
{
    int result = 0;
    code_add(t, "template <int W> DEVICE %s compute(const operands<W> &v, int j, results<W> &r)\n{\n",
             dtypes[key->steps[returned].dtype].computed);
    for (int i = 0; i < count; i++) {
        const elementwise_step *s = &key->steps[i];
        code_add(t, "    %s s%d = stored<%s>(step_%d(", dtypes[s->dtype].computed, i, dtypes[s->dtype].stored, i);
        for (int k = 0; k < s->nin; k++) {
            bool step = s->from[k] >= ELEMENTWISE_STEP;
            code_add(t, step ? "%ss%d" : "%sload(v.i%d.v[j])", k ? ", " : "",
                     s->from[k] - (step ? ELEMENTWISE_STEP : 0));
        }
        code_add(t, "));\n");
        if (s->flags & STEP_WRITTEN) code_add(t, "    store(r.o%d.v[j], s%d);\n", result++, i);
    }
    code_add(t, "    return s%d;\n}\n", returned);
}

/* The op's name and the dtype of its last operand; of a longer program the first ops' names. */
static void name(const elementwise_key *key, char entry[ELEMENTWISE_ENTRY])
{
    code_text t = {.at = entry, .size = ELEMENTWISE_ENTRY - 16};
    if (key->kind == MANY_KIND) code_add(&t, "many_");
    if (key->count > 1) code_add(&t, "fused_%d_", key->count);
    for (int i = 0; i < key->count && i < NAMED_STEPS; i++) code_add(&t, "%s_", mx_ops[key->steps[i].op]->name);
    if (t.used > t.size) t.used = t.size - 1;
    const elementwise_step *s = &key->steps[0];
    snprintf(entry + t.used, ELEMENTWISE_ENTRY - t.used, "%s", elementwise_type(code_dtype(key, s->from[s->nin - 1])));
}

void code_head(code_text *t, const elementwise_key *key, char entry[ELEMENTWISE_ENTRY])
{
    name(key, entry);
    code_add(t,
             "#include \"cuda/kernels/index.cuh\"\n#define ENTRY %s\ntypedef %s INDEX;\n#define NIN %d\n#define NOUT "
             "%d\n#define NDIM %d\n#define WIDTH %d\n#include \"cuda/kernels/elementwise.cuh\"\n",
             entry, key->wide ? "u64" : "u32", key->nin, key->nout, key->ndim, elementwise_width(key));
}

bool elementwise_source(const elementwise_key *key, char source[ELEMENTWISE_SOURCE], char entry[ELEMENTWISE_ENTRY])
{
    code_text t = {.at = source, .size = ELEMENTWISE_SOURCE};
    code_head(&t, key, entry);
    for (int i = 0; i < key->count; i++) code_step(&t, key, i);
    code_read(&t, key);
    code_write(&t, key);
    code_compute(&t, key, key->count, key->count - 1);
    if (key->kind == MANY_KIND) code_add(&t, "#define MANY\n");
    code_add(&t, "#include \"cuda/kernels/elementwise_run.cuh\"\n");
    return t.used < t.size || mx_fail_false(MX_RUNTIME, "[%s] GPU: the kernel's source is too long.", entry);
}
