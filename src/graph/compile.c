/* SPDX-License-Identifier: MIT
 *
 * Compiled functions: programs, kept by what they were captured for.
 *
 * The key of a program is its inputs' dtypes and shapes (shapeless: their numbers of dimensions), the current stream or
 * device, and bytes of the caller's.  A table of limited size holds the programs; the one that was not used for longest
 * makes room.  Nothing is held while a function is captured: two threads may do the same work, and the first one's is
 * kept. */
#include "core/memory.h"
#include "core/runtime.h"
#include "core/thread.h"
#include "graph/capture.h"
#include "graph/trace.h"
#include <string.h>

enum { MOST_PROGRAMS = 256, SLOTS = 2 * MOST_PROGRAMS };

typedef struct entry {
    uint64_t hash, used;
    void *key; /* the caller's bytes */
    size_t key_bytes;
    uintptr_t place; /* stream or device */
    mx_program *program;
} entry;

struct mx_compiled {
    _Atomic int32_t refs;
    mx_fn fn;
    void *ctx;
    int nout;
    bool shapeless;
    uintptr_t id;
    mx_compiled *next; /* of those that are found by their ids; under the lock, as all below */
    uint64_t clock;
    int count;
    entry entries[MOST_PROGRAMS];
    uint16_t slots[SLOTS]; /* entry + 1 */
};

mx_compiled *mx_compile(mx_fn fn, void *ctx, int nout, bool shapeless)
{
    if (nout < 0) return mx_fail(MX_VALUE, "[compile] %d outputs.", nout);
    mx_compiled *c = mx_alloc(1, sizeof *c);
    if (!c) return NULL;
    c->fn = fn, c->ctx = ctx, c->nout = nout, c->shapeless = shapeless;
    atomic_init(&c->refs, 1);
    return c;
}

/* ---- Forgetting */
static void free_entry(entry *e)
{
    mx_program_drop(e->program);
    mx_free(e->key);
}

static void rebuild_slots(mx_compiled *c)
{
    memset(c->slots, 0, sizeof c->slots);
    for (int i = 0; i < c->count; i++) {
        size_t at = c->entries[i].hash % SLOTS;
        while (c->slots[at]) at = (at + 1) % SLOTS;
        c->slots[at] = (uint16_t)(i + 1);
    }
}

/* Programs are dropped outside the lock: what one holds may be the owner of a compiled function. */
void mx_compiled_clear(mx_compiled *c)
{
    for (bool more = c != NULL; more;) {
        entry e = {0};
        pthread_mutex_lock(&runtime.compile_lock);
        if ((more = c->count > 0)) {
            e = c->entries[--c->count];
            rebuild_slots(c);
        }
        pthread_mutex_unlock(&runtime.compile_lock);
        free_entry(&e);
    }
}

void mx_compiled_free(mx_compiled **compiled)
{
    mx_compiled *c = compiled ? *compiled : NULL;
    if (!c) return;
    *compiled = NULL;
    if (atomic_fetch_sub(&c->refs, 1) != 1) return;
    for (int i = 0; i < c->count; i++) free_entry(&c->entries[i]);
    mx_free(c);
}

/* ---- Those that are found by their ids */
mx_compiled *mx_compile_shared(uintptr_t id, bool shapeless)
{
    mx_compiled *fresh = mx_compile(NULL, NULL, 0, shapeless);
    if (!fresh) return NULL;
    fresh->id = id;
    pthread_mutex_lock(&runtime.compile_lock);
    mx_compiled *c = runtime.compiled;
    while (c && (c->id != id || c->shapeless != shapeless)) c = c->next;
    if (!c) {
        c = fresh;
        c->next = runtime.compiled;
        runtime.compiled = c;
        fresh = NULL;
    }
    atomic_fetch_add(&c->refs, 1);
    pthread_mutex_unlock(&runtime.compile_lock);
    mx_compiled_free(&fresh);
    return c;
}

static mx_compiled *unlist(bool all, uintptr_t id)
{
    pthread_mutex_lock(&runtime.compile_lock);
    mx_compiled **at = &runtime.compiled;
    while (*at && !all && (*at)->id != id) at = &(*at)->next;
    mx_compiled *c = *at;
    if (c) *at = c->next;
    pthread_mutex_unlock(&runtime.compile_lock);
    return c;
}

void mx_compile_erase(uintptr_t id)
{
    mx_compiled *c;
    while ((c = unlist(false, id))) mx_compiled_clear(c), mx_compiled_free(&c);
}

void mx_compile_clear_cache(void)
{
    mx_compiled *c;
    while ((c = unlist(true, 0))) mx_compiled_clear(c), mx_compiled_free(&c);
}

/* ---- Keys */
/* The thread's default stream of a device stands for those of all threads. */
static uintptr_t place_now(void)
{
    mx_stream *s = mx_current_stream();
    if (!s || s != thread_self()->defaults[s->device.type]) return (uintptr_t)s;
    return (uintptr_t)(s->device.index * 2 + s->device.type) * 2 + 1;
}

static uint64_t mix(uint64_t h, uint64_t x)
{
    h = (h ^ x) * 0x9e3779b97f4a7c15u;
    return h ^ h >> 32;
}

static uint64_t hash_of(const mx_compiled *c, uintptr_t place, const char *key, size_t bytes, mx_array *const *in,
                        int nin)
{
    uint64_t h = mix(place, (uint64_t)nin), word = 0;
    for (; bytes >= sizeof word; bytes -= sizeof word, key += sizeof word) {
        memcpy(&word, key, sizeof word);
        h = mix(h, word);
    }
    if (bytes) {
        word = bytes;
        memcpy(&word, key, bytes);
        h = mix(h, word);
    }
    for (int i = 0; i < nin; i++) {
        h = mix(h, (uint64_t)in[i]->dtype << 8 | in[i]->ndim);
        for (int k = 0; k < in[i]->ndim && !c->shapeless; k++) h = mix(h, (uint64_t)in[i]->shape[k]);
    }
    return h;
}

static bool program_takes(const mx_program *p, mx_array *const *in, int nin)
{
    if (p->nin != (uint32_t)nin) return false;
    for (int i = 0; i < nin; i++) {
        const program_value *v = &p->values[i];
        if (v->dtype != in[i]->dtype || v->shape.ndim != in[i]->ndim) return false;
        for (int k = 0; k < in[i]->ndim; k++) {
            /* What is empty may be an error in a step that checked it only once. */
            if (v->shape.at[k] != in[i]->shape[k] && (!p->shapeless || in[i]->size == 0)) return false;
        }
    }
    return true;
}

/* The slot of the entry that fits, or the free one where it would be. */
static uint16_t *find_slot(mx_compiled *c, const entry *wanted, mx_array *const *in, int nin)
{
    for (size_t i = wanted->hash % SLOTS;; i = (i + 1) % SLOTS) {
        const entry *e = c->slots[i] ? &c->entries[c->slots[i] - 1] : NULL;
        if (!e ||
            (e->hash == wanted->hash && e->place == wanted->place && e->key_bytes == wanted->key_bytes &&
             (!e->key_bytes || memcmp(e->key, wanted->key, e->key_bytes) == 0) && program_takes(e->program, in, nin)))
            return &c->slots[i];
    }
}

mx_program *mx_compiled_find(mx_compiled *c, const void *key, size_t key_bytes, mx_array *const *in, int nin)
{
    if (!c || !op_has_all("compile", in, nin)) return NULL;
    entry wanted = {.key = (void *)key, .key_bytes = key_bytes, .place = place_now()};
    wanted.hash = hash_of(c, wanted.place, key, key_bytes, in, nin);
    pthread_mutex_lock(&runtime.compile_lock);
    uint16_t *slot = find_slot(c, &wanted, in, nin);
    mx_program *p = NULL;
    if (*slot) {
        c->entries[*slot - 1].used = ++c->clock;
        p = mx_program_keep(c->entries[*slot - 1].program);
    }
    pthread_mutex_unlock(&runtime.compile_lock);
    return p;
}

/* ---- Adding */
/* Takes the entry that was not used for longest out of a full table. */
static entry make_room(mx_compiled *c)
{
    if (c->count < MOST_PROGRAMS) return (entry){0};
    int oldest = 0;
    for (int i = 1; i < c->count; i++) {
        if (c->entries[i].used < c->entries[oldest].used) oldest = i;
    }
    entry out = c->entries[oldest];
    c->entries[oldest] = c->entries[--c->count];
    rebuild_slots(c);
    return out;
}

bool mx_compiled_add(mx_compiled *c, const void *key, size_t key_bytes, mx_array *const *in, int nin, mx_program *p)
{
    if (!c || !p) return mx_fail_false(MX_VALUE, "[compile] the function or its program is NULL.");
    if (!op_has_all("compile", in, nin)) return false;
    if (program_is_bound(p)) return true;
    entry e = {.key_bytes = key_bytes, .place = place_now()}, old = {0};
    if (!(e.key = mx_alloc(1, key_bytes))) return false;
    if (key_bytes) memcpy(e.key, key, key_bytes);
    e.hash = hash_of(c, e.place, key, key_bytes, in, nin);
    e.program = mx_program_keep(p);
    pthread_mutex_lock(&runtime.compile_lock);
    if (*find_slot(c, &e, in, nin)) {
        old = e; /* another thread was first */
    } else {
        old = make_room(c);
        e.used = ++c->clock;
        c->entries[c->count++] = e;
        *find_slot(c, &e, in, nin) = (uint16_t)c->count;
    }
    pthread_mutex_unlock(&runtime.compile_lock);
    free_entry(&old);
    return true;
}

/* ---- Calling */
static bool call_plain(mx_compiled *c, mx_array *const *in, int nin, mx_array **out)
{
    return trace_call("compile", c->fn, c->ctx, in, nin, out, c->nout);
}

bool mx_compiled_call(mx_compiled *c, mx_array *const *in, int nin, mx_array **out)
{
    if (!c || !c->fn) return mx_fail_false(MX_VALUE, "[compile] the function is NULL.");
    if (!op_has_all("compile", in, nin)) return false;
    if (mx_compile_mode_now() == MX_COMPILE_DISABLED) return call_plain(c, in, nin, out);
    mx_program *p = mx_compiled_find(c, NULL, 0, in, nin);
    bool ok = p != NULL;
    if (!p) {
        p = program_of("compile", c->fn, c->ctx, in, nin, c->nout, c->shapeless);
        ok = p && mx_compiled_add(c, NULL, 0, in, nin, p);
    }
    ok = ok && program_replay(p, in, out);
    for (int i = 0; i < c->nout && !ok; i++) out[i] = NULL;
    mx_program_drop(p);
    return ok;
}

/* ---- Modes */
mx_compile_mode mx_set_compile_mode(mx_compile_mode mode)
{
    return (mx_compile_mode)atomic_exchange(&runtime.compile_mode, (int)mode);
}

mx_compile_mode mx_compile_mode_now(void)
{
    return (mx_compile_mode)atomic_load_explicit(&runtime.compile_mode, memory_order_relaxed);
}
