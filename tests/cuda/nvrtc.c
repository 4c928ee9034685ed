/* SPDX-License-Identifier: MIT
 *
 * Every kernel through the real NVRTC, which needs no GPU: it must compile, and use no stack frame and spill no register.
 * Arguments: architectures (sm_80 ...); part of a kernel's name; --all takes all dtypes and layouts instead of one of each kind.
 * --known FILE skips what is listed there: hashes of all that the verdict depends on, one a line, in any order; what is
 * no hash is passed over.  --record FILE does too, adds what passes, and at the end keeps what this run has asked for.
 * Exit code 77: there is no NVRTC. */
#include "cuda/group.h"
#include "cuda/jit.h"
#include "cuda/variant.h"
#include "core/op.h"
#include "core/params/cast.h"
#include "mica.h"
#include <ctype.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HASH_DIGITS = 16 };
#define HASH "%016" PRIx64

typedef struct job {
    const char *arch;
    uint64_t hash;
    bool passed;
    char entry[96];
    char *source;
} job;

typedef struct run {
    cuda_nvrtc nvrtc;
    const char *archs[8], *record_file, *only; /* only: part of a kernel's name; NULL: all */
    int arch_count;
    bool all;
    uint64_t *known, *met; /* met: known, and a kernel of this run */
    size_t known_count, met_count;
    job *jobs;
    size_t job_count;
    _Atomic size_t next;
    _Atomic int failed;
    pthread_mutex_t lock;
} run;

/* ---- What passed before */
static void add_hash(uint64_t **list, size_t *count, uint64_t hash)
{
    if (*count % 1024 == 0) *list = realloc(*list, (*count + 1024) * sizeof hash);
    (*list)[(*count)++] = hash;
}

static int compare_hashes(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void sort_hashes(uint64_t *list, size_t count)
{
    if (count) qsort(list, count, sizeof *list, compare_hashes);
}

static void read_known(run *r, const char *path)
{
    FILE *f = fopen(path, "r");
    char line[128], *end;
    while (f && fgets(line, sizeof line, f)) {
        uint64_t hash = strtoull(line, &end, 16);
        if (end == line + HASH_DIGITS && *end == '\n') add_hash(&r->known, &r->known_count, hash);
    }
    if (f) fclose(f);
}

/* At once: a run that is interrupted goes on where it was. */
static void add_known(run *r, uint64_t hash)
{
    if (!r->record_file) return;
    pthread_mutex_lock(&r->lock);
    FILE *f = fopen(r->record_file, "a");
    if (f) {
        fprintf(f, HASH "\n", hash);
        fclose(f);
    }
    pthread_mutex_unlock(&r->lock);
}

/* Sorted, each once: what has passed of what this run has asked for; of part of it, added to the rest. */
static void write_known(run *r)
{
    uint64_t *list = r->only ? r->known : r->met;
    size_t count = r->only ? r->known_count : r->met_count;
    for (size_t i = 0; i < r->job_count; i++) {
        if (r->jobs[i].passed) add_hash(&list, &count, r->jobs[i].hash);
    }
    sort_hashes(list, count);
    FILE *f = fopen(r->record_file, "w");
    for (size_t i = 0; f && i < count; i++) {
        if (!i || list[i] != list[i - 1]) fprintf(f, HASH "\n", list[i]);
    }
    if (!f || fclose(f)) perror(r->record_file), r->failed++;
}

/* ---- One kernel */
static long number_before(const char *log, const char *words)
{
    long most = 0;
    for (const char *at = log; (at = strstr(at, words)); at++) {
        const char *p = at;
        while (p > log && isdigit((unsigned char)p[-1])) p--;
        long n = strtol(p, NULL, 10);
        if (n > most) most = n;
    }
    return most;
}

/* The reduction of huge arguments keeps its digits in an array: a path that is hardly ever taken. */
static long allowed_stack(const char *entry)
{
    static const char *const names[] = {"sin_",     "cos_",     "tan_",        "exp_c64",     "sinh_c64",
                                        "cosh_c64", "tanh_c64", "arcsinh_c64", "sigmoid_c64", "power_c64"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strncmp(entry, names[i], strlen(names[i])) == 0) return 40;
    }
    return 0;
}

/* No kernel of float64 or complex64 is a hot one: a few bytes on the stack are allowed.  So they are to attention in float32,
 * where heads of 256 have 128 registers of sums alone. */
static long allowed_bytes(const char *entry)
{
    if (strstr(entry, "attention") && strstr(entry, "float")) return 96;
    return strstr(entry, "double") || strstr(entry, "c64") ? 96 : 0;
}

/* jit_key follows includes of one spelling only. */
static bool includes_are_followed(const char *text)
{
    for (const char *at = text; (at = strchr(at, '#')); at++) {
        const char *word = at + 1 + strspn(at + 1, " \t");
        if (strncmp(word, "include", 7) == 0 && strncmp(at, "#include \"cuda/kernels/", 23) != 0) return false;
    }
    return true;
}

/* Of all that the verdict depends on: the code, its compiler and what the kernel may use. */
static uint64_t hash_of(run *r, const char *arch, const char *source, const char *entry)
{
    struct {
        cache_key key;
        int64_t stack, bytes;
    } all = {.stack = allowed_stack(entry), .bytes = allowed_bytes(entry)};
    uint8_t digest[32];
    uint64_t hash = 0;
    if (!includes_are_followed(source)) printf("%s: includes that its key does not follow\n", entry), exit(1);
    if (!jit_key(&r->nvrtc, arch, source, entry, &all.key)) exit(1);
    sha256(&all, sizeof all, digest);
    for (int i = 0; i < 8; i++) hash = hash << 8 | digest[i];
    return hash;
}

static void compile(run *r, job *j)
{
    char *log = NULL;
    size_t bytes;
    void *image = jit_compile(&r->nvrtc, j->arch, j->source, j->entry, &log, &bytes);
    long stack = log ? number_before(log, " bytes stack frame") : -1;
    long spills = log ? number_before(log, " bytes spill stores") : -1;
    long most = allowed_bytes(j->entry);
    bool fits = spills <= most && (stack <= most || stack <= allowed_stack(j->entry));
    j->passed = image && fits && log && strstr(log, "registers");
    if (!j->passed) {
        printf("%s for %s: stack %ld, spills %ld\n%s\n%s\n", j->entry, j->arch, stack, spills,
               image ? log : mx_error().message, j->source);
        r->failed++;
    }
    if (j->passed && r->only) printf("%s for %s: %ld registers\n", j->entry, j->arch, number_before(log, " registers"));
    if (j->passed) add_known(r, j->hash);
    mx_free(image);
    mx_free(log);
}

static void *work(void *of)
{
    run *r = of;
    for (size_t i; (i = r->next++) < r->job_count;) compile(r, &r->jobs[i]);
    return NULL;
}

static void check_kernel(run *r, const char *source, const char *entry)
{
    for (int i = 0; i < r->arch_count && (!r->only || strstr(entry, r->only)); i++) {
        job j = {.arch = r->archs[i], .hash = hash_of(r, r->archs[i], source, entry)};
        if (r->known_count && bsearch(&j.hash, r->known, r->known_count, sizeof j.hash, compare_hashes)) {
            add_hash(&r->met, &r->met_count, j.hash);
            continue;
        }
        snprintf(j.entry, sizeof j.entry, "%s", entry);
        j.source = strdup(source);
        if (r->job_count % 256 == 0) r->jobs = realloc(r->jobs, (r->job_count + 256) * sizeof j);
        r->jobs[r->job_count++] = j;
    }
}

/* ---- All of them */
static bool names(const char *expression, char operand)
{
    for (const char *p = expression; *p; p++) {
        bool alone = (p == expression || !(isalnum((unsigned char)p[-1]) || p[-1] == '_')) &&
                     !(isalnum((unsigned char)p[1]) || p[1] == '_');
        if (*p == operand && alone) return true;
    }
    return false;
}

static void check_node(run *r, mx_array *node, int ndim, bool wide)
{
    static char source[ELEMENTWISE_SOURCE], entry[ELEMENTWISE_ENTRY];
    elementwise_program p;
    uint8_t from[3];
    elementwise_start(&p, (mx_shape){0, NULL});
    for (int i = 0; i < node->nin; i++) from[i] = (uint8_t)elementwise_operand(&p, node->in[i], false);
    elementwise_add(&p, node, from, STEP_WRITTEN);
    p.key.ndim = (uint8_t)ndim;
    p.key.wide = wide;
    if (elementwise_source(&p.key, source, entry)) check_kernel(r, source, entry);
}

static void check_dtype(run *r, const mx_op *op, const char *expression, mx_dtype dtype, mx_dtype to)
{
    mx_scope s = mx_scope_open();
    bool three = names(expression, 'z'), two = three || names(expression, 'y') || strcmp(op->name, "remainder") == 0;
    mx_shape shape = {0, NULL};
    mx_array *x = mx_zeros(shape, dtype), *in[3] = {three ? mx_zeros(shape, MX_BOOL) : x, x, x};
    astype_params params = {to};
    mx_array *node = op_apply_n(op, op->params_size ? &params : NULL, in, three ? 3 : two ? 2 : 1);
    if (!node) {
        printf("%s of %s: %s\n", op->name, mx_dtype_name(dtype), mx_error().message);
        r->failed++;
    } else {
        check_node(r, node, 0, false);
        if (r->all || op->id == OP_add) check_node(r, node, 3, false);
        if (r->all || op->id == OP_add) check_node(r, node, 2, true);
    }
    mx_scope_close(s, NULL);
}

static void check_elementwise(run *r)
{
    const unsigned some =
        1u << MX_BOOL | 1u << MX_INT8 | 1u << MX_UINT64 | 1u << MX_FLOAT32 | 1u << MX_BFLOAT16 | 1u << MX_COMPLEX64;
    for (int id = 0; id < OP_COUNT; id++) {
        const mx_op *op = mx_ops[id];
        for (int t = 0; t < MX_DTYPE_COUNT; t++) {
            const char *expression = cuda_ops[id] ? elementwise_expression(cuda_ops[id], (uint8_t)t) : NULL;
            if (!expression || !(r->all || some >> t & 1)) continue;
            bool cast = op->params_size != 0;
            for (int to = 0; to < (cast ? MX_DTYPE_COUNT : 1); to++) {
                if (!cast || r->all || some >> to & 1) check_dtype(r, op, expression, (mx_dtype)t, (mx_dtype)to);
            }
        }
    }
}

/* ---- Groups, of nodes that are never evaluated */
typedef struct chosen {
    mx_array *nodes[ELEMENTWISE_STEPS];
    int count;
} chosen;

/* Below it, in order, what is elementwise. */
static int add_nodes(chosen *c, elementwise_program *p, mx_array *x, mx_array *const *out, int nout)
{
    uint8_t from[3];
    bool written = false;
    for (int i = 0; i < c->count; i++) {
        if (c->nodes[i] == x) return ELEMENTWISE_STEP + i;
    }
    if (!x->op || !(x->op->flags & OP_ELEMENTWISE)) return elementwise_operand(p, x, true);
    for (int i = 0; i < x->nin; i++) from[i] = (uint8_t)add_nodes(c, p, x->in[i], out, nout);
    for (int i = 0; i < nout; i++) written |= out[i] == x;
    if (!elementwise_add(p, x, from, written ? STEP_WRITTEN : 0)) exit(1);
    c->nodes[c->count] = x;
    return ELEMENTWISE_STEP + c->count++;
}

static void check_group(run *r, mx_array *const *out, int nout)
{
    static char source[ELEMENTWISE_SOURCE], entry[ELEMENTWISE_ENTRY];
    for (int ndim = -2; ndim <= ELEMENTWISE_ANY; ndim += 2) { /* -2: flat, and many launches in one */
        chosen c = {.count = 0};
        elementwise_program p;
        elementwise_start(&p, (mx_shape){0, NULL});
        for (int i = 0; i < nout; i++) add_nodes(&c, &p, out[i], out, nout);
        p.key.ndim = (uint8_t)(ndim < 0 ? ELEMENTWISE_FLAT : ndim);
        if (ndim < 0) p.key.kind = MANY_KIND;
        if (!elementwise_source(&p.key, source, entry)) exit(1);
        check_kernel(r, source, entry);
    }
}

static void check_adam(run *r, mx_array *const *x)
{
    mx_array *m = mx_add(mx_mul(x[0], x[4]), mx_mul(x[1], x[5]));
    mx_array *v = mx_add(mx_mul(x[2], x[6]), mx_mul(mx_square(x[1]), x[7]));
    mx_array *w = mx_sub(x[3], mx_div(mx_mul(m, x[8]), mx_add(mx_sqrt(v), x[9])));
    check_group(r, (mx_array *[]){m, v, w}, 3);
}

/* As many steps and operands as there may be; of the dtypes the last two differ in width. */
static void check_largest(run *r, mx_array *const *x, mx_dtype other)
{
    mx_array *a = mx_sigmoid(x[0]), *out[ELEMENTWISE_RESULTS];
    int n = 0;
    for (int i = 1; n < 4; i++) {
        a = i % 3 ? mx_mul(a, x[i % ELEMENTWISE_OPERANDS]) : mx_add(mx_tanh(a), x[i % ELEMENTWISE_OPERANDS]);
        if (i % 5 == 0) out[n++] = a = mx_astype(mx_astype(a, other), MX_FLOAT32);
    }
    check_group(r, out, n);
}

static void check_groups(run *r)
{
    static const mx_dtype dtypes[] = {MX_FLOAT32, MX_BFLOAT16};
    for (int d = 0; d < 2; d++) {
        mx_scope s = mx_scope_open();
        mx_array *x[ELEMENTWISE_OPERANDS];
        for (int i = 0; i < ELEMENTWISE_OPERANDS; i++) x[i] = mx_contiguous(mx_zeros((mx_shape){0, NULL}, dtypes[d]));
        mx_array *cube = mx_mul(mx_mul(mx_mul(x[0], x[0]), x[0]), x[1]);
        mx_array *gelu = mx_mul(mx_mul(x[0], x[2]), mx_add(mx_tanh(mx_mul(mx_add(x[0], cube), x[3])), x[4]));
        check_group(r, &gelu, 1);
        mx_array *swiglu = mx_mul(mx_mul(x[0], mx_sigmoid(x[0])), x[1]);
        check_group(r, &swiglu, 1);
        check_adam(r, x);
        check_largest(r, x, d ? MX_FLOAT32 : MX_INT8);
        mx_scope_close(s, NULL);
    }
}

/* ---- Groups over rows */
static int add_lazy(mx_array **nodes, int count, mx_array *x)
{
    for (int i = 0; i < count; i++) {
        if (nodes[i] == x) return count;
    }
    if (array_state(x) != STATE_LAZY) return count;
    for (int i = 0; i < x->nin; i++) count = add_lazy(nodes, count, x->in[i]);
    nodes[count] = x;
    return count + 1;
}

static void check_rows(run *r, mx_array *out)
{
    static char source[ELEMENTWISE_SOURCE], entry[ELEMENTWISE_ENTRY];
    mx_array *nodes[GROUP_MAX];
    mx_group g = {.nodes = nodes, .count = add_lazy(nodes, 0, out)};
    elementwise_program p;
    elementwise_layout l;
    elementwise_rows rows;
    elementwise_start(&p, array_shape(out));
    if (!cuda_row_program(&p, &rows, &g)) exit(1);
    elementwise_place(&p, &l);
    if (!rows_source(&p.key, source, entry)) exit(1);
    check_kernel(r, source, entry);
}

static void check_row_groups(run *r, mx_dtype dtype, int64_t n)
{
    mx_scope s = mx_scope_open();
    mx_array *x[4];
    for (int i = 0; i < 4; i++) {
        x[i] = mx_contiguous(mx_zeros(i < 2 ? (mx_shape){2, (int64_t[]){4, n}} : (mx_shape){1, &n}, dtype));
        if (!mx_eval(x[i])) exit(1);
    }
    mx_axes last = {1, (int[]){-1}};
    mx_array *low = mx_like(x[0], -1e4), *eps = mx_like(x[0], 1e-3);
    check_rows(r, mx_mul(mx_softmax(mx_where(mx_less(x[1], x[0]), mx_mul(x[0], eps), low), last, true), x[2]));
    mx_array *apart = mx_sub(x[0], mx_mean(x[0], last, true));
    mx_array *unit = mx_mul(apart, mx_rsqrt(mx_add(mx_mean(mx_square(apart), last, true), eps)));
    check_rows(r, mx_add(mx_mul(unit, x[2]), x[3]));
    check_rows(r, mx_sigmoid(mx_rms_norm(mx_add(x[0], x[1]), x[2], 1e-5f)));
    check_rows(r, mx_mul(mx_layer_norm(mx_add(x[0], x[1]), x[2], x[3], 1e-5f), x[0]));
    check_rows(r, mx_logsumexp(mx_mul(x[0], eps), last, false));
    check_rows(r, mx_mul(op_apply(&mx_op_softmax_vjp, NULL, mx_mul(x[0], x[2]), x[1]), eps));
    mx_scope_close(s, NULL);
}

/* ---- Groups that end with a reduction */
static void check_end(run *r, mx_array *out)
{
    static char source[ELEMENTWISE_SOURCE], entry[ELEMENTWISE_ENTRY];
    mx_array *nodes[GROUP_MAX];
    mx_group g = {.nodes = nodes, .count = add_lazy(nodes, 0, out)};
    elementwise_program p;
    elementwise_layout l;
    reduce_args a;
    elementwise_start(&p, array_shape(out));
    if (!cuda_end_program(&p, &a, &g)) exit(1);
    elementwise_place(&p, &l);
    if (!end_source(&p.key, source, entry)) exit(1);
    check_kernel(r, source, entry);
}

static void check_ends(run *r, mx_dtype dtype)
{
    mx_scope s = mx_scope_open();
    mx_array *x[4];
    for (int i = 0; i < 4; i++) {
        x[i] = mx_contiguous(
            mx_zeros(i < 3 ? (mx_shape){2, (int64_t[]){512, 256}} : (mx_shape){1, (int64_t[]){256}}, dtype));
        if (!mx_eval(x[i])) exit(1);
    }
    mx_axes first = {1, (int[]){0}}, all = {2, (int[]){0, 1}};
    mx_array *y = mx_mul(mx_sub(x[0], x[3]), x[1]);
    check_end(r, mx_sum(y, first, false));
    check_end(r, mx_sum(y, all, false));
    check_end(r, mx_max(mx_mul(mx_mul(x[0], x[1]), mx_add(mx_sigmoid(x[2]), x[3])), first, false));
    check_end(r, mx_logsumexp(mx_mul(x[0], x[1]), all, false));
    mx_scope_close(s, NULL);
}

static void check_variants(run *r)
{
    const uint32_t some = 1u << MX_UINT8 | 1u << MX_UINT64 | 1u << MX_FLOAT32 | 1u << MX_BFLOAT16 | 1u << MX_COMPLEX64 |
                          1u << TYPE_UNIT_16;
    char source[VARIANT_SOURCE], entry[VARIANT_ENTRY];
    for (int id = 0; id < VARIANT_COUNT; id++) {
        const variant_row *row = &variant_rows[id];
        uint32_t ts = row->t ? row->t : 1, us = row->u ? row->u : 1;
        bool is_attention =
            strncmp(row->name, "attention", 9) == 0; /* its 16-bit types have instructions of their own */
        if (!r->all && ts & some) ts &= some | (is_attention ? 1u << MX_FLOAT16 : 0);
        if (!r->all && us & some) us &= some;
        for (int i = 0; i < TYPE_COUNT * TYPE_COUNT * row->options; i++) {
            cuda_variant v = {.id = (uint16_t)id,
                              .t = (uint8_t)(i % TYPE_COUNT),
                              .u = (uint8_t)(i / TYPE_COUNT % TYPE_COUNT),
                              .option = (uint8_t)(i / TYPE_COUNT / TYPE_COUNT)};
            if (!(ts >> v.t & 1) || !(us >> v.u & 1)) continue;
            variant_source(v, source, entry);
            check_kernel(r, source, entry);
        }
    }
}

static void check_all(run *r)
{
    for (int i = 0; cuda_files[i].name; i++) {
        if (includes_are_followed(cuda_files[i].text)) continue;
        printf("%s: includes that keys do not follow\n", cuda_files[i].name);
        r->failed++;
    }
    check_elementwise(r);
    check_groups(r);
    for (int i = 0; i < 2; i++) {
        check_row_groups(r, i ? MX_BFLOAT16 : MX_FLOAT32, 256);
        check_row_groups(r, i ? MX_BFLOAT16 : MX_FLOAT32, 257);
    }
    check_row_groups(r, MX_FLOAT64, 256);
    check_ends(r, MX_FLOAT32);
    check_ends(r, MX_BFLOAT16);
    check_variants(r);
}

static bool work_in_threads(run *r)
{
    pthread_t threads[64];
    int count = mx_cpu_threads() < 64 ? mx_cpu_threads() : 64;
    for (int i = 0; i < count; i++) {
        if (pthread_create(&threads[i], NULL, work, r)) return false;
    }
    for (int i = 0; i < count; i++) pthread_join(threads[i], NULL);
    return true;
}

int main(int argc, char **argv)
{
    run r = {.lock = PTHREAD_MUTEX_INITIALIZER};
    char reason[CUDA_REASON];
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--all") == 0) {
            r.all = true;
        } else if (strcmp(argv[i], "--known") == 0 && i + 1 < argc) {
            read_known(&r, argv[++i]);
        } else if (strcmp(argv[i], "--record") == 0 && i + 1 < argc) {
            read_known(&r, r.record_file = argv[++i]);
        } else if (strncmp(argv[i], "sm_", 3) != 0) {
            r.only = argv[i];
        } else if (r.arch_count < 8) {
            r.archs[r.arch_count++] = argv[i];
        }
    }
    if (!cuda_open_nvrtc(&r.nvrtc, 99000, reason)) {
        printf("SKIPPED: %s\n", reason);
        return 77;
    }
    sort_hashes(r.known, r.known_count);
    check_all(&r);
    if (!work_in_threads(&r)) return 1;
    if (r.record_file) write_known(&r);
    printf("NVRTC %d.%d: %zu kernels compiled, %d failed, %zu as before\n", r.nvrtc.version / 1000,
           r.nvrtc.version % 1000 / 10, r.job_count, r.failed, r.met_count);
    return r.failed != 0;
}
