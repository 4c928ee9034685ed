/* SPDX-License-Identifier: MIT
 *
 * The program: chooses cases and tests, applies the laws, counts.
 *
 * The table of ops comes from core/ops.def, so an op without samples or without a reference does not link. */
#include "laws.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/thread.h"
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
    char **filters;
    int filter_count;
    bool full, verbose, laws_only, tests_only;
    const char *mode;                 /* "", "--torture", "--levels", "--threads", "--list", "--record" */
    const char *record_path, *device; /* the default device; NULL: the CPU */
    composed_function *functions;
    test_case *tests, **last_test;
    int shard, shard_count; /* only every shard_count-th group of cases; 0: all */
    int passed, failed;
    bool test_failed;
    char current[TEXT]; /* what runs now, for the signal handler */
} run = {.mode = "", .last_test = &run.tests};

/* ---- The table */
#define OP(name) {#name, &mx_op_##name, samples_##name, ref_##name},
static const struct {
    const char *name;
    const mx_op *op;
    const op_sample *samples;
    ref_fn ref;
} ops[] = {
#include "core/ops.def"
};
#undef OP

void check_add_function(composed_function *f)
{
    f->next = run.functions;
    run.functions = f;
}

void check_add_test(test_case *t)
{
    *run.last_test = t;
    run.last_test = &t->next;
}

bool check_is_full(void)
{
    return run.full;
}

int64_t check_live_nodes(void)
{
    return -(int64_t)thread_self()->free_node_count;
}

/* ---- Reports */
void count_result(bool ok)
{
    *(ok ? &run.passed : &run.failed) += 1;
}

static void print_failure(const char *where, const char *format, va_list args)
{
    mx_error_info e = mx_error();
    printf("FAIL %s: ", where);
    vprintf(format, args);
    if (e.code != MX_OK) printf(" -- error %d: %s", (int)e.code, e.message);
    printf("\n");
    fflush(stdout);
}

bool law_fail(const law_case *c, const char *format, ...)
{
    char where[TEXT];
    va_list args;
    snprintf(where, sizeof where, "%s/%s/%s, law of %s", c->name, c->sample->what, mx_dtype_name(c->dtype), c->law);
    va_start(args, format);
    print_failure(where, format, args);
    va_end(args);
    return false;
}

bool check_that(bool ok, const char *file, int line, const char *format, ...)
{
    if (ok) return true;
    char where[2 * TEXT];
    const char *base = strrchr(file, '/');
    va_list args;
    snprintf(where, sizeof where, "%s (%s:%d)", run.current, base ? base + 1 : file, line);
    va_start(args, format);
    print_failure(where, format, args);
    va_end(args);
    run.test_failed = true;
    return false;
}

bool check_error(bool failed, mx_code code, const char *start, const char *file, int line, const char *text)
{
    mx_error_info e = mx_error();
    if (!failed) return check_that(false, file, line, "%s: it does not fail", text);
    if (strncmp(e.message, start, strlen(start)) != 0) {
        return check_that(false, file, line, "%s: the message is \"%s\", not \"%s...\"", text, e.message, start);
    }
    if (code == MX_OK || e.code == code) return true;
    return check_that(false, file, line, "%s: the code is %d, not %d", text, (int)e.code, (int)code);
}

bool check_values(mx_array *x, const double *want, int count, double tolerance, const char *file, int line)
{
    numbers got = {0};
    bool ok = check_that(numbers_read(x, &got), file, line, "the array cannot be read");
    ok = ok && check_that(got.size == count, file, line, "%lld elements, not %d", (long long)got.size, count);
    for (int i = 0; i < count && ok; i++) {
        bool near =
            fabs(got.re[i] - want[i]) <= tolerance || got.re[i] == want[i] || (isnan(got.re[i]) && isnan(want[i]));
        ok = check_that(near, file, line, "element %d is %.9g, not %.9g", i, got.re[i], want[i]);
    }
    numbers_free(&got);
    return ok;
}

bool check_shape(mx_array *x, mx_shape want, mx_dtype dtype, const char *file, int line)
{
    char a[SHAPE_TEXT], b[SHAPE_TEXT];
    if (!x) return check_that(false, file, line, "there is no array");
    return check_that(shape_equal(mx_shape_of(x), want) && mx_dtype_of(x) == dtype, file, line, "%s%s, not %s%s",
                      mx_dtype_name(mx_dtype_of(x)), shape_text(a, mx_shape_of(x)), mx_dtype_name(dtype),
                      shape_text(b, want));
}

mx_array *check_random(mx_shape shape, mx_dtype dtype, double low, double high, uint64_t seed)
{
    op_input how = {.kind = INPUT_RANGE, .low = low, .high = high};
    numbers a = numbers_new(shape.ndim, shape.at, dtype);
    numbers_random(&a, &how, seed);
    mx_array *x = numbers_array(&a, ROW_MAJOR);
    numbers_free(&a);
    return x;
}

/* ---- Cases */
static bool chosen(const char *name)
{
    bool any = run.filter_count == 0;
    for (int i = 0; i < run.filter_count; i++) any |= strstr(name, run.filters[i]) != NULL;
    return any;
}

static uint64_t seed_of(const char *name, int input)
{
    uint64_t h = 0xcbf29ce484222325u + (uint64_t)input;
    for (; *name; name++) h = (h ^ (unsigned char)*name) * 0x100000001b3u;
    return h;
}

static void fill_case(law_case *c)
{
    while (c->nin < SAMPLE_INPUTS && c->sample->in[c->nin].kind) {
        const op_input *how = &c->sample->in[c->nin];
        c->in[c->nin] = numbers_new(how->ndim, how->shape, how->fixed ? how->dtype : c->dtype);
        numbers_random(&c->in[c->nin], how, seed_of(c->sample->what, c->nin));
        c->nin++;
    }
}

/* Cases of one op and dtype stay together, for they share kernels; the rest is spread by hash. */
static bool in_shard(const char *name, const char *dtype)
{
    return run.shard_count == 0 ||
           (seed_of(name, 0) ^ seed_of(dtype, 1)) % (uint64_t)run.shard_count == (uint64_t)run.shard;
}

static void visit_case(law_case c, void (*visit)(law_case *c, void *ctx), void *ctx)
{
    char name[TEXT];
    snprintf(name, sizeof name, "%s/%s/%s", c.name, c.sample->what, mx_dtype_name(c.dtype));
    if (!chosen(name) || !in_shard(c.name, mx_dtype_name(c.dtype))) return;
    memcpy(run.current, name, sizeof name);
    if (run.verbose) printf("%s\n", name);
    alarm(120);
    fill_case(&c);
    visit(&c, ctx);
    for (int i = 0; i < c.nin; i++) numbers_free(&c.in[i]);
}

static int64_t sample_size(const op_sample *s)
{
    int64_t total = 1;
    for (int i = 0; i < SAMPLE_INPUTS && s->in[i].kind; i++) {
        int64_t size = 1;
        for (int d = 0; d < s->in[i].ndim; d++) size *= s->in[i].shape[d];
        total += size ? size : 1 << 30; /* empty ones are the smallest for nobody */
    }
    return total;
}

static bool is_skipped(const op_sample *s)
{
    return s->flags & FULL_ONLY && !run.full;
}

static void each_case_of(law_case c, const op_sample *samples, bool smallest_only, void (*visit)(law_case *, void *),
                         void *ctx)
{
    const op_sample *smallest = samples;
    for (const op_sample *s = samples; s->what; s++) {
        if (sample_size(s) < sample_size(smallest)) smallest = s;
    }
    for (c.sample = samples; c.sample->what; c.sample++) {
        bool one = smallest_only, done = one && c.sample != smallest;
        if (is_skipped(c.sample)) continue;
        if (one && c.sample->dtypes & DTYPE(MX_FLOAT32) && !done) {
            c.dtype = MX_FLOAT32;
            visit_case(c, visit, ctx);
            done = true;
        }
        for (c.dtype = 0; c.dtype < MX_DTYPE_COUNT && !done; c.dtype++) {
            if (!(c.sample->dtypes & DTYPE(c.dtype))) continue;
            visit_case(c, visit, ctx);
            done = one;
        }
    }
}

void each_case(bool smallest_only, void (*visit)(law_case *c, void *ctx), void *ctx)
{
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        law_case c = {.name = ops[i].name, .op = ops[i].op, .ref = ops[i].ref};
        each_case_of(c, ops[i].samples, smallest_only, visit, ctx);
    }
    for (const composed_function *f = run.functions; f; f = f->next) {
        each_case_of((law_case){.name = f->name, .ref = f->ref}, f->samples, smallest_only, visit, ctx);
    }
}

/* ---- Laws */
static const struct {
    const char *name;
    bool (*holds)(law_case *c);
} laws[] = {
    {"values", law_values}, {"layouts", law_layouts}, {"donation", law_donation},
    {"null", law_null},     {"vmap", law_vmap},       {"program", law_program},
    {"fusion", law_fusion}, {"jvp", law_jvp},         {"transpose", law_transpose},
};

/* No law leaves an error, a buffer or a node behind. */
static void apply_law(law_case *c, bool (*holds)(law_case *c))
{
    check_synchronize(); /* what a GPU's queue keeps for its next batch is no leak */
    size_t active = mx_get_active_memory(), after;
    int64_t nodes = check_live_nodes();
    bool ok = holds(c);
    check_synchronize();
    after = mx_get_active_memory();
    if (ok && mx_failed()) ok = law_fail(c, "an error is left pending");
    if (ok && after != active) ok = law_fail(c, "%lld bytes of arrays leak", (long long)after - (long long)active);
    if (ok && (check_live_nodes() - nodes) % NODE_SLAB) ok = law_fail(c, "nodes leak");
    mx_error();
    count_result(ok);
}

static void apply_laws(law_case *c, void *ctx)
{
    (void)ctx;
    for (size_t i = 0; i < sizeof laws / sizeof *laws; i++) {
        c->law = laws[i].name;
        apply_law(c, laws[i].holds);
    }
}

static void torture(law_case *c, void *ctx)
{
    (void)ctx;
    c->law = "torture";
    apply_law(c, torture_case);
}

static void list_case(law_case *c, void *ctx)
{
    (void)ctx;
    printf("%s/%s/%s\n", c->name, c->sample->what, mx_dtype_name(c->dtype));
}

/* What is never computed has nothing to sample. */
static void check_samples_exist(void)
{
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        if (ops[i].op->flags & (OP_PLACEHOLDER | OP_SYMBOLIC) || !chosen(ops[i].name)) continue;
        bool sampled = ops[i].samples->what;
        if (!sampled) printf("FAIL %s: it has no samples\n", ops[i].name);
        count_result(sampled);
    }
}

/* ---- Special cases */
void check_synchronize(void)
{
    for (int i = 0; mx_stream_by_index(i); i++) mx_synchronize(mx_stream_by_index(i));
}

static void run_test(const test_case *t)
{
    run.test_failed = false;
    snprintf(run.current, sizeof run.current, "%s", t->name);
    alarm(300);
    size_t active = mx_get_active_memory();
    mx_scope s = mx_scope_open();
    t->run();
    mx_scope_close(s, NULL);
    check_that(!mx_failed(), t->file, 0, "an error is left pending");
    check_synchronize();
    int64_t leak = (int64_t)mx_get_active_memory() - (int64_t)active;
    check_that(leak == 0, t->file, 0, "%lld bytes of arrays leak", (long long)leak);
    mx_error();
    count_result(!run.test_failed);
}

static void run_tests(void)
{
    for (const test_case *t = run.tests; t; t = t->next) {
        if (!chosen(t->name) || !in_shard(t->name, "")) continue;
        if (run.verbose || !strcmp(run.mode, "--list")) printf("%s\n", t->name);
        if (strcmp(run.mode, "--list")) run_test(t);
    }
}

/* ---- The program */
static void crashed(int signal_number)
{
    static const char *const lead = "\nthe program stopped (crash, abort or time limit) in: ";
    bool told = write(2, lead, strlen(lead)) > 0 && write(2, run.current, strlen(run.current)) > 0 && write(2, "\n", 1);
    _exit(told ? 128 + signal_number : 127);
}

/* "2/8": the second of eight parts. */
static bool read_shard(const char *text)
{
    bool ok =
        sscanf(text, "%d/%d", &run.shard, &run.shard_count) == 2 && 1 <= run.shard && run.shard <= run.shard_count;
    if (!ok) printf("--shard %s: 1/8 to 8/8, say\n", text);
    run.shard--;
    return ok;
}

static bool read_arguments(int argc, char **argv)
{
    static const char *const modes[] = {"--torture", "--levels", "--threads", "--list"};
    run.filters = calloc((size_t)argc, sizeof *run.filters);
    for (int i = 1; i < argc; i++) {
        bool is_mode = false;
        for (size_t m = 0; m < sizeof modes / sizeof *modes; m++) is_mode |= strcmp(argv[i], modes[m]) == 0;
        if (is_mode) {
            run.mode = argv[i];
        } else if (!strcmp(argv[i], "--record") && i + 1 < argc) {
            run.mode = argv[i];
            run.record_path = argv[++i];
        } else if (!strcmp(argv[i], "--device") && i + 1 < argc) {
            run.device = argv[++i];
        } else if (!strcmp(argv[i], "--shard") && i + 1 < argc) {
            if (!read_shard(argv[++i])) return false;
        } else if (!strcmp(argv[i], "--full")) {
            run.full = true;
        } else if (!strcmp(argv[i], "--verbose")) {
            run.verbose = true;
        } else if (!strcmp(argv[i], "--laws")) {
            run.laws_only = true;
        } else if (!strcmp(argv[i], "--tests")) {
            run.tests_only = true;
        } else if (argv[i][0] == '-') {
            printf("usage: %s [--torture | --levels | --threads | --list | --record FILE] [--device gpu] "
                   "[--shard I/N] [--full] [--verbose] [--laws | --tests] [part of a name ...]\n",
                   argv[0]);
            return false;
        } else {
            run.filters[run.filter_count++] = argv[i];
        }
    }
    return true;
}

static bool choose_device(void)
{
    bool is_gpu = run.device && !strcmp(run.device, "gpu");
    if (!run.device || !strcmp(run.device, "cpu")) return true;
    if (is_gpu && mx_set_default_device((mx_device){MX_GPU, 0})) return true;
    printf("--device %s: %s\n", run.device, is_gpu ? mx_error().message : "cpu or gpu");
    return false;
}

static int report(void)
{
    printf("mica_tests: level %s, %d threads\n%d passed, %d failed\n", mx_cpu_level(), mx_cpu_threads(), run.passed,
           run.failed);
    free(run.filters);
    return run.failed || !run.passed;
}

int main(int argc, char **argv)
{
    setenv("MLX_ENABLE_TF32", "0", 0); /* float32 samples are held to float32's epsilon */
    if (!read_arguments(argc, argv) || !choose_device()) return 2;
    const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGALRM};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) signal(signals[i], crashed);
    if (!strcmp(run.mode, "--record")) return !record_outputs(run.record_path);
    if (!strcmp(run.mode, "--levels")) return compare_levels(argc, argv), report();
    if (!strcmp(run.mode, "--threads")) return compare_threads(argc, argv), report();
    if (!strcmp(run.mode, "--list")) return each_case(false, list_case, NULL), run_tests(), 0;
    if (!strcmp(run.mode, "--torture")) return each_case(true, torture, NULL), report();
    if (!run.tests_only) {
        check_samples_exist();
        each_case(false, apply_laws, NULL);
    }
    if (!run.laws_only) run_tests();
    return report();
}
