/* SPDX-License-Identifier: MIT
 *
 * The language model of examples/python/transformer_lm.py, trained from C: from the same first checkpoint it prints the
 * same losses, bit for bit.  docs/transformer_lm.md defines every step.
 *
 *     python3 examples/python/transformer_lm.py --steps 200 --out runs/twin --log-losses runs/twin/losses.hex
 *     transformer_lm runs/twin 200 | diff - runs/twin/losses.hex */
#include <math.h>
#include <mica.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- The run: what the checkpoint's metadata says */
typedef struct run {
    int batch, context, width, layers, heads, hidden, steps, warmup;
    uint64_t seed;
    double lr;
    mx_array *text; /* uint8, all bytes to learn from */
} run;

/* Parameters in the order of the update; structs of arrays, so that they are an array of arrays too. */
typedef struct layer {
    mx_array *attention_norm, *query, *key, *value, *output, *mlp_norm, *gate, *up, *down;
} layer;
enum { LAYER_SIZE = sizeof(layer) / sizeof(mx_array *) };
static const char *const layer_names[LAYER_SIZE] = {"attention_norm",  "attention.query",  "attention.key",
                                                    "attention.value", "attention.output", "mlp_norm",
                                                    "mlp.gate",        "mlp.up",           "mlp.down"};

typedef struct training {
    run r;
    int count;              /* of parameters */
    mx_array **p, **m, **v; /* parameters and their averages, owned */
    mx_array *step;         /* uint64, finished steps, owned */
} training;

static int die(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, mx_error().message);
    return 1;
}

/* ---- The model */
static mx_array *linear(mx_array *x, mx_array *weight)
{
    return mx_matmul(x, mx_transpose(weight, ALL_AXES));
}
static mx_array *rms(mx_array *x, mx_array *weight)
{
    return mx_rms_norm(x, weight, 1e-5f);
}

/* (B, L, W) to (B, H, L, D) */
static mx_array *heads_of(const run *r, mx_array *x)
{
    return mx_transpose(mx_reshape(x, SHAPE(-1, r->context, r->heads, r->width / r->heads)), AXES(0, 2, 1, 3));
}

static mx_array *turned(const run *r, mx_array *x)
{
    return mx_rope(x, (mx_rope_options){.dims = r->width / r->heads, .base = 10000, .scale = 1}, mx_int(0), NULL);
}

static mx_array *attend(const run *r, const layer *l, mx_array *x)
{
    mx_array *q = heads_of(r, linear(x, l->query)), *k = heads_of(r, linear(x, l->key)),
             *v = heads_of(r, linear(x, l->value));
    double scale = 1 / sqrt((double)r->width / r->heads);
    mx_array *o = mx_attention(turned(r, q), turned(r, k), v, (float)scale, true, NULL, NULL);
    return linear(mx_reshape(mx_transpose(o, AXES(0, 2, 1, 3)), SHAPE(-1, r->context, r->width)), l->output);
}

static mx_array *swiglu(const layer *l, mx_array *x)
{
    mx_array *gate = linear(x, l->gate);
    return linear(mx_mul(mx_mul(gate, mx_sigmoid(gate)), linear(x, l->up)), l->down);
}

typedef struct batch {
    const run *r;
    mx_array *inputs, *targets; /* int32 (B, L) */
} batch;

/* in: embedding, the layers, the last norm.  out: the mean loss of a byte. */
static bool loss(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    const batch *b = ctx;
    const layer *layers = (const layer *)(in + 1);
    mx_array *embedding = in[0], *x = mx_take(embedding, b->inputs, 0);
    for (int i = 0; i < b->r->layers; i++) {
        x = mx_add(x, attend(b->r, &layers[i], rms(x, layers[i].attention_norm)));
        x = mx_add(x, swiglu(&layers[i], rms(x, layers[i].mlp_norm)));
    }
    mx_array *logits = linear(rms(x, in[nin - 1]), embedding);
    (void)nout;
    return (out[0] = mx_mean(mx_cross_entropy(logits, b->targets), ALL_AXES, false)) != NULL;
}

/* ---- A step */
static batch windows(const run *r, int step)
{
    int n = r->context;
    mx_array *key = mx_random_key(r->seed + (uint64_t)step);
    mx_array *starts = mx_random_randint(mx_int(0), mx_int(mx_size(r->text) - n), SHAPE(r->batch), MX_INT32, key);
    mx_array *at = mx_add(mx_expand_dims(starts, AXES(1)), mx_arange(0, n + 1, 1, MX_INT32));
    mx_array *rows = mx_astype(mx_take(r->text, at, 0), MX_INT32);
    const int64_t one[] = {1, 1}, first[] = {0, 0}, second[] = {0, 1}, to_last[] = {r->batch, n},
                  to_end[] = {r->batch, n + 1};
    return (batch){r, mx_slice(rows, first, to_last, one), mx_slice(rows, second, to_end, one)};
}

/* All gradients times min(1, 1 / their norm). */
static void clip(mx_array **grads, int count)
{
    mx_array *total = mx_float(0);
    for (int i = 0; i < count; i++) total = mx_add(total, mx_sum(mx_square(grads[i]), ALL_AXES, false));
    mx_array *scale = mx_minimum(mx_div(mx_float(1), mx_add(mx_sqrt(total), mx_float(1e-6))), mx_float(1));
    for (int i = 0; i < count; i++) grads[i] = mx_mul(grads[i], scale);
}

static mx_array *uint64_of(int64_t value)
{
    return mx_scalar_int(value, MX_UINT64);
}

/* A line up to lr, then half a cosine wave down to 0. */
static mx_array *learning_rate(const run *r, mx_array *step)
{
    int w = r->warmup < r->steps / 2 ? r->warmup : r->steps / 2, rise = w > 1 ? w : 1, fall = r->steps - w;
    const double pi = 3.14159265358979323846;
    mx_array *up = mx_add(mx_mul(mx_minimum(step, uint64_of(rise)), mx_float(r->lr / rise)), mx_float(0));
    mx_array *angle = mx_mul(mx_float(pi / fall), mx_minimum(mx_sub(step, uint64_of(w)), uint64_of(fall)));
    mx_array *wave = mx_mul(mx_float(0.5), mx_add(mx_float(1), mx_cos(angle)));
    mx_array *down = mx_add(mx_float(0), mx_mul(wave, mx_float(r->lr)));
    return mx_where(mx_less(step, uint64_of(w)), up, down);
}

/* AdamW (Loshchilov and Hutter 2019), betas 0.9 and 0.95, decay 0.1. */
static void update(training *t, mx_array *const *grads, mx_array *rate)
{
    mx_array *keep = mx_sub(mx_float(1), mx_mul(rate, mx_float(0.1)));
    for (int i = 0; i < t->count; i++) {
        mx_array *p = mx_mul(t->p[i], keep), *g = grads[i];
        mx_array *m = mx_add(mx_mul(mx_float(0.9), t->m[i]), mx_mul(mx_float(1 - 0.9), g));
        mx_array *v = mx_add(mx_mul(mx_float(0.95), t->v[i]), mx_mul(mx_float(1 - 0.95), mx_square(g)));
        p = mx_sub(p, mx_div(mx_mul(rate, m), mx_add(mx_sqrt(v), mx_float(1e-8))));
        mx_array *all[] = {p, m, v}, **owned[] = {&t->p[i], &t->m[i], &t->v[i]};
        for (int k = 0; k < 3; k++) {
            mx_drop(*owned[k]);
            *owned[k] = mx_keep(all[k]);
        }
    }
}

/* One step; the loss before it, or NULL (an error is recorded).  The caller owns it. */
static mx_array *train_step(training *t, int step)
{
    mx_scope s = mx_scope_open();
    batch b = windows(&t->r, step);
    mx_array *value = NULL, **grads = calloc((size_t)t->count, sizeof *grads);
    if (grads && mx_value_and_grad(loss, &b, t->p, t->count, &value, grads)) {
        clip(grads, t->count);
        update(t, grads, learning_rate(&t->r, t->step));
        mx_drop(t->step);
        t->step = mx_keep(mx_add(t->step, uint64_of(1)));
    }
    free(grads);
    return mx_scope_close(s, value);
}

/* Computes the step: the loss, the parameters and the averages together. */
static bool evaluate(training *t, mx_array *value)
{
    int n = 3 * t->count + 2;
    mx_array **all = calloc((size_t)n, sizeof *all);
    bool ok = all != NULL;
    for (int i = 0; ok && i < t->count; i++) all[3 * i] = t->p[i], all[3 * i + 1] = t->m[i], all[3 * i + 2] = t->v[i];
    if (ok) all[n - 2] = t->step, all[n - 1] = value;
    ok = ok && mx_eval_n(all, n);
    free(all);
    return ok;
}

/* ---- Reading the run folder */
static double number(const char *config, const char *name)
{
    char quoted[64];
    snprintf(quoted, sizeof quoted, "\"%s\": ", name);
    const char *at = strstr(config, quoted);
    return at ? strtod(at + strlen(quoted), NULL) : 0;
}

static void read_config(run *r, const char *config)
{
    struct {
        const char *name;
        int *to;
    } ints[] = {{"batch", &r->batch}, {"context", &r->context}, {"width", &r->width}, {"layers", &r->layers},
                {"heads", &r->heads}, {"hidden", &r->hidden},   {"steps", &r->steps}, {"warmup", &r->warmup}};
    for (size_t i = 0; i < sizeof ints / sizeof *ints; i++) *ints[i].to = (int)number(config, ints[i].name);
    r->seed = (uint64_t)number(config, "seed");
    r->lr = number(config, "lr");
}

static mx_array *read_bytes(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f) return mx_fail(MX_RUNTIME, "%s cannot be opened", path);
    fseek(f, 0, SEEK_END);
    long size = ftell(f);
    char *bytes = size > 0 ? malloc((size_t)size) : NULL;
    rewind(f);
    bool ok = bytes && fread(bytes, 1, (size_t)size, f) == (size_t)size;
    mx_array *text = ok ? mx_from_data(bytes, SHAPE(size), MX_UINT8) : mx_fail(MX_RUNTIME, "%s cannot be read", path);
    free(bytes);
    fclose(f);
    return text;
}

/* The name of parameter i in the checkpoint. */
static void parameter_name(const run *r, int i, char name[128])
{
    if (i == 0) {
        snprintf(name, 128, "embedding.weight");
    } else if (i == 1 + r->layers * LAYER_SIZE) {
        snprintf(name, 128, "norm.weight");
    } else {
        snprintf(name, 128, "layers.%d.%s.weight", (i - 1) / LAYER_SIZE, layer_names[(i - 1) % LAYER_SIZE]);
    }
}

static bool read_parameters(training *t, const mx_table *file)
{
    t->count = 2 + t->r.layers * LAYER_SIZE;
    t->p = calloc(3 * (size_t)t->count, sizeof *t->p);
    if (!t->p) return mx_fail_false(MX_MEMORY, "no memory for the parameters");
    t->m = t->p + t->count;
    t->v = t->m + t->count;
    for (int i = 0; i < t->count; i++) {
        char name[128], path[160];
        parameter_name(&t->r, i, name);
        snprintf(path, sizeof path, "model.%s", name);
        t->p[i] = mx_keep(mx_table_get(file, path));
        snprintf(path, sizeof path, "optimizer.%s", name);
        char average[192];
        snprintf(average, sizeof average, "%s.m", path);
        t->m[i] = mx_keep(mx_table_get(file, average));
        snprintf(average, sizeof average, "%s.v", path);
        t->v[i] = mx_keep(mx_table_get(file, average));
    }
    t->step = mx_keep(mx_table_get(file, "optimizer.step"));
    return !mx_failed();
}

static bool open_run(training *t, const char *folder)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/checkpoint-000000.safetensors", folder);
    mx_table *file = mx_load_safetensors(path);
    for (int i = 0; file && i < mx_table_text_count(file); i++) {
        if (strcmp(mx_table_text_name(file, i), "config") == 0) read_config(&t->r, mx_table_text(file, i));
    }
    bool ok = file && read_parameters(t, file);
    mx_table_free(&file);
    snprintf(path, sizeof path, "%s/train.bin", folder);
    t->r.text = ok ? mx_keep(read_bytes(path)) : NULL;
    return ok && t->r.text;
}

static void close_run(training *t)
{
    if (t->p) mx_drop_n(t->p, 3 * t->count); /* m and v follow p */
    free(t->p);
    mx_drop(t->step);
    mx_drop(t->r.text);
}

int main(int argc, char **argv)
{
    training t = {0};
    if (argc != 3) {
        fprintf(stderr, "usage: %s RUN_FOLDER STEPS\n", argv[0]);
        return 2;
    }
    mx_scope s = mx_scope_open();
    bool ok = open_run(&t, argv[1]);
    mx_scope_close(s, NULL);
    for (int step = 0; ok && step < atoi(argv[2]); step++) {
        mx_array *value = train_step(&t, step);
        float x = 0;
        uint32_t bits;
        ok = value && evaluate(&t, value) && mx_read(value, &x, sizeof x);
        memcpy(&bits, &x, sizeof bits);
        if (ok) printf("%08x\n", bits);
        fflush(stdout);
        mx_drop(value);
    }
    close_run(&t);
    return ok ? 0 : die(argv[0]);
}
