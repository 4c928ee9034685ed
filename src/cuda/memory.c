/* SPDX-License-Identifier: MIT
 *
 * The pool: size classes (four to a power of two, as the host's) carved from slabs; blocks too large for a slab are the
 * driver's own.  Free lists hold descriptions, never the memory itself, which the host must not touch. */
#include "cuda/memory.h"
#include "core/compiler.h"
#include "core/memory.h"

enum { SMALLEST_SHIFT = 9, SLAB_BYTES = 32 << 20, SLAB_BYTES_MIN = 1 << 20, SLABS_MIN = 64, CARVED_PART = 8 };

void pool_init(cuda_pool *p, const cuda_driver *cu, size_t bytes, bool mapped)
{
    *p = (cuda_pool){.cu = cu, .mapped = mapped, .slab_bytes = SLAB_BYTES};
    while (p->slab_bytes > SLAB_BYTES_MIN && p->slab_bytes > bytes / SLABS_MIN) p->slab_bytes /= 2;
    pthread_mutex_init(&p->lock, NULL);
}

bool pool_add_queue(cuda_pool *p, int queue)
{
    cuda_pool_queue *q = mx_alloc(1, sizeof *q);
    if (!q) return false;
    pthread_mutex_lock(&p->lock);
    p->queues[queue] = q;
    pthread_mutex_unlock(&p->lock);
    return true;
}

/* Class 4 (e - 9) + q holds blocks of 2^e (1 + q/4) bytes. */
static int class_of(size_t bytes, size_t *capacity)
{
    if (bytes <= (size_t)1 << SMALLEST_SHIFT) return *capacity = (size_t)1 << SMALLEST_SHIFT, 0;
    int e = 63 - LEADING_ZEROS(bytes);
    size_t step = (size_t)1 << (e - 2), base = (size_t)1 << e;
    size_t q = (bytes - base + step - 1) / step;
    *capacity = base + q * step;
    return 4 * (e - SMALLEST_SHIFT) + (int)q;
}

static void count(cuda_pool *p, int64_t active, int64_t cached)
{
    p->active += (size_t)active;
    p->cached += (size_t)cached;
    memory_count_device(active, cached);
}

static void push(cuda_block **list, cuda_block *b)
{
    b->next = *list;
    *list = b;
}

static cuda_block *pop(cuda_block **list)
{
    cuda_block *b = *list;
    if (b) *list = b->next;
    return b;
}

bool pool_has_finished(cuda_pool *p, int queue, uint64_t ticket)
{
    return atomic_load_explicit(&p->queues[queue]->finished, memory_order_acquire) >= ticket;
}

static bool all_finished(cuda_pool *p, const cuda_block *b)
{
    for (int i = 0; i < b->use_count; i++) {
        if (!pool_has_finished(p, b->uses[i].queue, b->uses[i].ticket)) return false;
    }
    return true;
}

/* Moves blocks that nobody can be using any more from a list to the free ones. */
static void collect(cuda_pool *p, cuda_block **list)
{
    while (*list) {
        if (all_finished(p, *list)) {
            cuda_block *b = pop(list);
            b->use_count = 0;
            push(&p->free[b->class], b);
        } else {
            list = &(*list)->next;
        }
    }
}

/* From the driver; `host` is NULL where only the device sees it. */
static bool take_raw(cuda_pool *p, size_t bytes, cu_ptr *at, char **host)
{
    *host = NULL;
    if (!p->mapped) return p->cu->cuMemAlloc_v2(at, bytes) == CU_OK;
    void *shared;
    if (p->cu->cuMemHostAlloc(&shared, bytes, CU_HOST_PORTABLE | CU_HOST_MAPPED) != CU_OK) return false;
    *host = shared;
    if (p->cu->cuMemHostGetDevicePointer_v2(at, shared, 0) == CU_OK) return true;
    p->cu->cuMemFreeHost(shared);
    return false;
}

static void give_raw(cuda_pool *p, cu_ptr at, char *host)
{
    if (host) {
        p->cu->cuMemFreeHost(host);
    } else {
        p->cu->cuMemFree_v2(at);
    }
}

static bool carve(cuda_pool *p, cuda_block *b)
{
    cuda_slab *s = p->slabs;
    if (!s || s->used + b->capacity > s->bytes) {
        if (!(s = memory_try(sizeof *s))) return false;
        *s = (cuda_slab){.bytes = p->slab_bytes, .next = p->slabs};
        if (!take_raw(p, p->slab_bytes, &s->at, &s->host)) return mx_free(s), false;
        p->slabs = s;
        p->reserved += p->slab_bytes;
    }
    b->slab = s;
    b->at = s->at + s->used;
    b->host = s->host ? s->host + s->used : NULL;
    s->used += b->capacity;
    return true;
}

/* A block that was never used. */
static cuda_block *new_block(cuda_pool *p, int class, size_t capacity)
{
    cuda_block *b = memory_try(sizeof *b);
    if (!b) return NULL;
    *b = (cuda_block){.capacity = capacity, .class = class};
    /* A device that has no slab left may still have room for one block. */
    if (capacity > p->slab_bytes / CARVED_PART || !carve(p, b)) {
        if (!take_raw(p, capacity, &b->at, &b->host)) return mx_free(b), NULL;
        p->reserved += capacity;
    }
    count(p, 0, (int64_t)capacity);
    return b;
}

/* ---- Giving back */
static void trim_list(cuda_pool *p, cuda_block **list)
{
    while (*list) {
        cuda_block *b = *list;
        if (b->slab && b->slab->live) {
            list = &b->next;
            continue;
        }
        *list = b->next;
        count(p, 0, -(int64_t)b->capacity);
        if (!b->slab) {
            give_raw(p, b->at, b->host);
            p->reserved -= b->capacity;
        }
        mx_free(b);
    }
}

static void hold_slabs(const cuda_block *list, int step)
{
    for (const cuda_block *b = list; b; b = b->next) {
        if (b->slab) b->slab->live += step;
    }
}

/* A slab with a block whose batch is not finished stays, though nothing in it is in use. */
static void hold_unfinished(cuda_pool *p, int step)
{
    hold_slabs(p->waiting, step);
    for (int i = 0; i < POOL_QUEUES && p->queues[i]; i++) {
        hold_slabs(p->queues[i]->given, step);
        for (int class = 0; class < POOL_CLASSES; class ++) hold_slabs(p->queues[i]->free[class], step);
    }
}

static void trim_slabs(cuda_pool *p)
{
    for (cuda_slab **s = &p->slabs; *s;) {
        cuda_slab *slab = *s;
        if (slab->live) {
            s = &slab->next;
            continue;
        }
        *s = slab->next;
        give_raw(p, slab->at, slab->host);
        p->reserved -= slab->bytes;
        mx_free(slab);
    }
}

static void trim(cuda_pool *p)
{
    collect(p, &p->waiting);
    for (int i = 0; i < POOL_QUEUES && p->queues[i]; i++) {
        for (int class = 0; class < POOL_CLASSES; class ++) collect(p, &p->queues[i]->free[class]);
    }
    hold_unfinished(p, 1);
    for (int class = 0; class < POOL_CLASSES; class ++) trim_list(p, &p->free[class]);
    trim_slabs(p);
    hold_unfinished(p, -1);
}

/* ---- Taking and giving */
cuda_block *pool_take(cuda_pool *p, int queue, size_t bytes)
{
    size_t capacity;
    int class = class_of(bytes, &capacity);
    if (class >= POOL_CLASSES) return NULL;
    pthread_mutex_lock(&p->lock);
    cuda_block *b = pop(&p->queues[queue]->free[class]);
    if (!b) b = pop(&p->free[class]);
    if (!b) {
        collect(p, &p->waiting);
        for (int i = 0; i < POOL_QUEUES && p->queues[i]; i++) collect(p, &p->queues[i]->free[class]);
        b = pop(&p->free[class]);
    }
    if (!b && p->cached && !memory_fits(capacity)) trim(p);
    if (!b) b = new_block(p, class, capacity);
    if (b) {
        b->queue = queue;
        b->use_count = 0;
        b->next = NULL;
        if (b->slab) b->slab->live++;
        count(p, (int64_t)capacity, -(int64_t)capacity);
    }
    pthread_mutex_unlock(&p->lock);
    return b;
}

/* Blocks given back to a queue are free in its order from now on. */
static void free_given(cuda_pool *p, int queue)
{
    cuda_pool_queue *q = p->queues[queue];
    for (cuda_block *b; (b = pop(&q->given));) {
        bool alone = b->use_count == 0;
        b->uses[b->use_count++] = (cuda_use){queue, q->committed};
        push(alone ? &q->free[b->class] : &p->waiting, b);
    }
}

void pool_give(cuda_pool *p, cuda_block *b)
{
    if (!b) return;
    pthread_mutex_lock(&p->lock);
    cuda_pool_queue *home = p->queues[b->queue];
    if (b->slab) b->slab->live--;
    count(p, -(int64_t)b->capacity, (int64_t)b->capacity);
    push(&home->given, b);
    if (!home->open) free_given(p, b->queue);
    pthread_mutex_unlock(&p->lock);
}

static void forget_finished_uses(cuda_pool *p, cuda_block *b)
{
    int kept = 0;
    for (int i = 0; i < b->use_count; i++) {
        if (!pool_has_finished(p, b->uses[i].queue, b->uses[i].ticket)) b->uses[kept++] = b->uses[i];
    }
    b->use_count = kept;
}

int pool_use(cuda_pool *p, cuda_block *b, int queue)
{
    if (b->queue == queue) return -1; /* its own order */
    pthread_mutex_lock(&p->lock);
    int i = 0;
    while (i < b->use_count && b->uses[i].queue != queue) i++;
    if (i == POOL_USES - 1) {
        forget_finished_uses(p, b);
        i = b->use_count;
    }
    /* The last place is the home's, when the block is given back. */
    int first = i == POOL_USES - 1 ? b->uses[0].queue : -1;
    if (first < 0) b->uses[i] = (cuda_use){queue, p->queues[queue]->committed + 1};
    if (first < 0 && i == b->use_count) b->use_count++;
    pthread_mutex_unlock(&p->lock);
    return first;
}

void pool_open(cuda_pool *p, int queue)
{
    pthread_mutex_lock(&p->lock);
    p->queues[queue]->open = true;
    pthread_mutex_unlock(&p->lock);
}

void pool_commit(cuda_pool *p, int queue)
{
    pthread_mutex_lock(&p->lock);
    cuda_pool_queue *q = p->queues[queue];
    q->committed++;
    q->open = false;
    free_given(p, queue);
    pthread_mutex_unlock(&p->lock);
}

void pool_finished(cuda_pool *p, int queue, uint64_t ticket)
{
    _Atomic uint64_t *finished = &p->queues[queue]->finished;
    uint64_t before = atomic_load(finished);
    while (before < ticket && !atomic_compare_exchange_weak(finished, &before, ticket)) {}
}

/* ---- Limits */
void pool_trim(cuda_pool *p)
{
    pthread_mutex_lock(&p->lock);
    trim(p);
    pthread_mutex_unlock(&p->lock);
}

void pool_keep_limit(cuda_pool *p)
{
    pthread_mutex_lock(&p->lock);
    if (p->cached > memory_device_cache_limit()) trim(p);
    pthread_mutex_unlock(&p->lock);
}
