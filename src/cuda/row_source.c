/* SPDX-License-Identifier: MIT
 *
 * The source of a group over rows: as source.c, but steps are of two kinds.  What is one value a row (a fold, or what is
 * computed from folds) is kept by all lanes of the row's team; what is one an element is computed from the operands
 * whenever a fold or the results need it, by a function that calls only the steps below it. */
#include "cuda/elementwise.h"
#include "cuda/reduce.h"
#include <string.h>

static const cuda_op *op_of(const elementwise_key *key, int step)
{
    return cuda_ops[key->steps[step].op];
}

static bool is_row(const elementwise_key *key, uint8_t from)
{
    return from >= ELEMENTWISE_STEP && (key->steps[from - ELEMENTWISE_STEP].flags & STEP_ROW);
}

/* Marks the steps with one value an element that a source is computed from, through such steps only. */
static void mark(const elementwise_key *key, uint8_t from, uint64_t *needed)
{
    if (from < ELEMENTWISE_STEP || is_row(key, from)) return;
    const elementwise_step *s = &key->steps[from - ELEMENTWISE_STEP];
    *needed |= (uint64_t)1 << (from - ELEMENTWISE_STEP);
    for (int i = 0; i < s->nin; i++) mark(key, s->from[i], needed);
}

/* A source's value for element j of v. */
static void add_value(code_text *t, const elementwise_key *key, uint8_t from)
{
    if (from < ELEMENTWISE_STEP) {
        code_add(t, "load(v.i%d.v[j])", from);
    } else {
        code_add(t, is_row(key, from) ? "st.s%d" : "s%d", from - ELEMENTWISE_STEP);
    }
}

static void add_call(code_text *t, const elementwise_key *key, int k)
{
    const elementwise_step *s = &key->steps[k];
    code_add(t, "stored<%s>(step_%d(", elementwise_type(s->dtype), k);
    for (int i = 0; i < s->nin; i++) {
        code_add(t, "%s", i ? ", " : "");
        add_value(t, key, s->from[i]);
    }
    code_add(t, "))");
}

/* An element of softmax or a norm, rounded where the op alone rounds. */
static void add_row_op(code_text *t, const elementwise_key *key, int k)
{
    const elementwise_step *s = &key->steps[k];
    const char *type = elementwise_type(s->dtype);
    if (op_of(key, k)->rows == ROWS_SOFTMAX) {
        code_add(t, "stored<%s>(exp_of(", type);
        add_value(t, key, s->from[0]);
        code_add(t, " - st.p%d.peak) * st.p%d.scale)", k, k);
        return;
    }
    if (op_of(key, k)->rows == ROWS_SOFTMAX_VJP) {
        code_add(t, "stored<%s>(", type);
        add_value(t, key, s->from[0]);
        code_add(t, " * (");
        add_value(t, key, s->from[1]);
        code_add(t, " - st.p%d))", k);
        return;
    }
    code_add(t, s->nin == 3 ? "stored<%s>(stored<%s>(stored<%s>((" : "stored<%s>(stored<%s>((", type, type, type);
    add_value(t, key, s->from[0]);
    code_add(t, " - st.p%d.mean) * st.p%d.inverse) * ", k, k);
    add_value(t, key, s->from[1]);
    if (s->nin == 3) {
        code_add(t, ") + ");
        add_value(t, key, s->from[2]);
    }
    code_add(t, ")");
}

static void add_elements(code_text *t, const elementwise_key *key, uint64_t needed)
{
    for (int k = 0; k < key->count; k++) {
        if (!(needed >> k & 1)) continue;
        code_add(t, "        %s s%d = ", code_computed(key->steps[k].dtype), k);
        (op_of(key, k)->rows ? add_row_op : add_call)(t, key, k);
        code_add(t, ";\n");
    }
}

/* ---- Values of rows */
static void add_state(code_text *t, const elementwise_key *key)
{
    code_add(t, "struct row_state {\n");
    for (int k = 0; k < key->count; k++) {
        const elementwise_step *s = &key->steps[k];
        const char *type = code_computed(s->dtype);
        if (s->flags & STEP_ROW) code_add(t, "    %s s%d;\n", type, k);
        if (!op_of(key, k)->rows) continue;
        static const char *const states[] = {"", "peak_and_scale<", "", "mean_and_inverse<", "mean_and_inverse<"};
        const char *state = states[op_of(key, k)->rows];
        code_add(t, "    %s%s%s p%d;\n", state, type, *state ? ">" : "", k);
    }
    code_add(t, "};\n");
}

/* What step k folds, of an element. */
static void add_folded(code_text *t, const elementwise_key *key, int k)
{
    uint8_t from = key->steps[k].from[0], by = key->steps[k].from[1];
    uint64_t needed = 0;
    bool of_two = op_of(key, k)->rows == ROWS_SOFTMAX_VJP;
    mark(key, from, &needed);
    if (of_two) mark(key, by, &needed);
    code_add(t,
             "struct folded_%d {\n    const row_state &st;\n    template <int W> __device__ __forceinline__ %s "
             "operator()(const operands<W> &v, int j) const\n    {\n",
             k, code_computed(code_dtype(key, from)));
    add_elements(t, key, needed);
    code_add(t, "        return ");
    add_value(t, key, from);
    if (of_two) {
        code_add(t, " * ");
        add_value(t, key, by);
    }
    code_add(t, ";\n    }\n};\n");
}

static void add_row_step(code_text *t, const elementwise_key *key, int k)
{
    static const char *const folds[] = {"sum", "prod", "min", "max", "", "", "logsumexp"};
    const elementwise_step *s = &key->steps[k];
    const cuda_op *op = op_of(key, k);
    const char *in = elementwise_type(code_dtype(key, s->from[0])), *type = code_computed(s->dtype);
    if (op->fold) {
        const char *fold = folds[op->fold - 1];
        code_add(t,
                 "    st.s%d = stored<%s>(%s_fold<%s>::finish(fold_values<%s_fold<%s>>(p, folded_%d{st}, shared)));\n",
                 k, elementwise_type(s->dtype), fold, in, fold, in, k);
    } else if (op->rows == ROWS_SOFTMAX) {
        code_add(t, "    st.p%d = softmax_values<%s>(p, folded_%d{st}, shared);\n", k, type, k);
    } else if (op->rows == ROWS_SOFTMAX_VJP) {
        code_add(t, "    st.p%d = sum_values<%s>(p, folded_%d{st}, shared);\n", k, type, k);
    } else if (op->rows) {
        code_add(t, "    st.p%d = norm_values<%s, %s>(p, folded_%d{st}, EPS, shared);\n", k, type,
                 op->rows == ROWS_LAYER_NORM ? "true" : "false", k);
    } else if (s->flags & STEP_ROW) {
        code_add(t, "    st.s%d = ", k);
        add_call(t, key, k);
        code_add(t, ";\n");
    }
}

/* The operands that steps of rows read, at the row's first element. */
static void add_read_row(code_text *t, const elementwise_key *key)
{
    uint64_t read = 0;
    for (int k = 0; k < key->count; k++) {
        const elementwise_step *s = &key->steps[k];
        for (int i = 0; i < s->nin && (s->flags & STEP_ROW) && !op_of(key, k)->fold; i++)
            read |= s->from[i] < ELEMENTWISE_STEP ? (uint64_t)1 << s->from[i] : 0;
    }
    code_add(t, "DEVICE void read_row(operands<1> &v, const row_place &p)\n{\n    i64 at[NIN];\n"
                "    int width = p.g.a.vectors ? VECTOR : 1;\n    find(p.g.a, (INDEX)(p.first / width), width, at);\n");
    for (int k = 0; k < key->nin; k++) {
        if (read >> k & 1)
            code_add(t, "    v.i%d.v[0] = reinterpret_cast<const %s *>(p.g.a.in[%d])[at[%d]];\n", k,
                     elementwise_type(key->in[k]), k, k);
    }
    code_add(t, "}\n");
}

/* ---- Results */
static bool add_compute(code_text *t, const elementwise_key *key)
{
    uint64_t needed = 0, written = 0;
    for (int k = 0; k < key->count; k++) {
        if ((key->steps[k].flags & (STEP_WRITTEN | STEP_ROW)) != STEP_WRITTEN) continue;
        written |= (uint64_t)1 << k;
        mark(key, (uint8_t)(ELEMENTWISE_STEP + k), &needed);
    }
    code_add(
        t,
        "template <int W> DEVICE void compute(const operands<W> &v, int j, const row_state &st, results<W> &r)\n{\n");
    add_elements(t, key, needed);
    for (int k = 0, result = 0; k < key->count; k++) {
        if (written >> k & 1) code_add(t, "        store(r.o%d.v[j], s%d);\n", result, k);
        result += key->steps[k].flags & STEP_WRITTEN;
    }
    code_add(t, "}\n");
    code_add(t, "struct put_row {\n    const row_place &p;\n    const row_state &st;\n    template <int W> __device__ "
                "__forceinline__ void operator()(const operands<W> &v, i64 at) const\n    {\n        results<W> r;\n"
                "#pragma unroll\n        for (int j = 0; j < W; j++) compute(v, j, st, r);\n"
                "        write(r, p.g.a, at);\n    }\n};\n");
    return written != 0;
}

static void add_run(code_text *t, const elementwise_key *key, bool has_elements)
{
    code_add(t, "DEVICE void run_row(const row_place &p, void *shared)\n{\n    row_state st;\n    operands<1> v{};\n"
                "    const int j = 0;\n    if (p.there) read_row(v, p);\n");
    for (int k = 0; k < key->count; k++) add_row_step(t, key, k);
    code_add(t, "    if (p.there && p.lane == 0) {\n");
    for (int k = 0, result = 0; k < key->count; k++) {
        const elementwise_step *s = &key->steps[k];
        if ((s->flags & STEP_WRITTEN) && (s->flags & STEP_ROW))
            code_add(t, "        store(reinterpret_cast<%s *>(p.g.a.out[%d])[p.row], st.s%d);\n",
                     elementwise_type(s->dtype), result, k);
        result += s->flags & STEP_WRITTEN;
    }
    code_add(t, "    }\n");
    if (has_elements) code_add(t, "    each_of_row(p, put_row{p, st});\n");
    code_add(t, "}\n");
}

bool rows_source(const elementwise_key *key, char source[ELEMENTWISE_SOURCE], char entry[ELEMENTWISE_ENTRY])
{
    code_text t = {.at = source, .size = ELEMENTWISE_SOURCE};
    uint32_t eps;
    memcpy(&eps, &key->eps, sizeof eps);
    code_head(&t, key, entry);
    code_add(&t, "#define VECTOR %d\n#define LONG %d\n#define EPS __int_as_float(0x%x)\n", key->vector, key->is_long,
             eps);
    for (int k = 0; k < key->count; k++) {
        if (!op_of(key, k)->fold && !op_of(key, k)->rows) code_step(&t, key, k);
    }
    code_read(&t, key);
    code_write(&t, key);
    code_add(&t, "#include \"cuda/kernels/row_group.cuh\"\n");
    add_state(&t, key);
    for (int k = 0; k < key->count; k++) {
        if (op_of(key, k)->fold || op_of(key, k)->rows) add_folded(&t, key, k);
    }
    add_read_row(&t, key);
    bool has_elements = add_compute(&t, key);
    add_run(&t, key, has_elements);
    code_add(&t, "#include \"cuda/kernels/row_group_run.cuh\"\n");
    return t.used < t.size || mx_fail_false(MX_RUNTIME, "[%s] GPU: the kernel's source is too long.", entry);
}
