/* SPDX-License-Identifier: MIT
 *
 * Three allocators.  Structures come from the C library.  Nodes come from per-thread lists that are refilled from
 * slabs, because making a node must cost a few nanoseconds.  Elements come in size classes (four to a power of two):
 * small blocks wait in per-thread lists, large ones in one shared cache with a limit.  Blocks of 2 MB and more are
 * mapped by themselves and ask for huge pages: touching fresh 4 KB pages is several times slower than the kernels that
 * write them. */
#include "core/memory.h"
#include "core/error.h"
#include "core/runtime.h"
#include "core/thread.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    ALIGNMENT = 64,
    SMALLEST_SHIFT = 6,     /* classes start at 64 bytes */
    CLASS_COUNT = 4 * 40,   /* up to 2^46 bytes */
    THREAD_CLASSES = 4 * 7, /* up to 8 KB in per-thread lists, which the cache's limit and size leave out */
    THREAD_LIST_MAX = 32,   /* blocks a thread keeps of one class */
    THREAD_NODES_MAX = 8192,
    NODE_BATCH = 1024,
};
static const size_t huge_page = (size_t)2 << 20;

typedef struct free_block {
    struct free_block *next;
} free_block;
typedef struct block_lists {
    free_block *first[THREAD_CLASSES];
    int count[THREAD_CLASSES];
} block_lists;

/* Part of the runtime, kept here because only this file knows what it means. */
static struct {
    _Atomic size_t active, peak, cached, device_cached; /* cached: on the host */
    _Atomic size_t cache_limit, device_cache_limit, memory_limit;
    pthread_mutex_t lock;
    free_block *first[CLASS_COUNT];
    free_block *nodes; /* surplus of threads */
    _Atomic int64_t allocations, fail_at;
    atomic_bool fail_forever;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* ---- Failing on purpose */
static bool must_fail(void)
{
    int64_t at = atomic_load_explicit(&pool.fail_at, memory_order_relaxed);
    if (LIKELY(at == 0)) return false;
    int64_t n = atomic_fetch_add(&pool.allocations, 1) + 1;
    return n == at || (n > at && atomic_load(&pool.fail_forever));
}

int64_t memory_fail_at(int64_t n, bool forever)
{
    int64_t seen = atomic_exchange(&pool.allocations, 0);
    atomic_store(&pool.fail_forever, forever);
    atomic_store(&pool.fail_at, n);
    return seen;
}

/* ---- Structures */
static void *out_of_memory(size_t bytes)
{
    return mx_fail(MX_MEMORY, "[memory] cannot allocate %zu bytes.", bytes);
}

void *mx_alloc(size_t count, size_t size)
{
    size_t bytes;
    bool overflow = MUL_OVERFLOWS(count, size, &bytes);
    void *p = overflow || must_fail() ? NULL : calloc(bytes ? bytes : 1, 1);
    return p ? p : out_of_memory(overflow ? SIZE_MAX : bytes);
}

void *mx_resize(void *block, size_t count, size_t size)
{
    size_t bytes;
    bool overflow = MUL_OVERFLOWS(count, size, &bytes);
    void *p = overflow || must_fail() ? NULL : realloc(block, bytes ? bytes : 1);
    return p ? p : out_of_memory(overflow ? SIZE_MAX : bytes);
}

void *memory_try(size_t bytes)
{
    return must_fail() ? NULL : malloc(bytes);
}

void mx_free(void *block)
{
    free(block);
}

/* ---- Nodes */
static bool refill_nodes(mx_thread *self)
{
    pthread_mutex_lock(&pool.lock);
    free_block *list = pool.nodes;
    if (list) {
        free_block *last = list;
        int n = 1;
        for (; n < NODE_BATCH && last->next; n++) last = last->next;
        pool.nodes = last->next;
        last->next = NULL;
        self->free_nodes = list;
        self->free_node_count = n;
    }
    pthread_mutex_unlock(&pool.lock);
    if (list) return true;
    char *slab = must_fail() ? NULL : aligned_alloc(ALIGNMENT, (size_t)NODE_SLAB * NODE_BYTES);
    if (!slab) return out_of_memory((size_t)NODE_SLAB * NODE_BYTES) != NULL;
    for (int i = NODE_SLAB - 1; i >= 0; i--) {
        free_block *b = (free_block *)(slab + (size_t)i * NODE_BYTES);
        b->next = self->free_nodes;
        self->free_nodes = b;
    }
    self->free_node_count = NODE_SLAB;
    return true;
}

void *node_alloc(void)
{
    mx_thread *self = thread_self();
    if (UNLIKELY(must_fail())) return out_of_memory(NODE_BYTES);
    if (UNLIKELY(!self->free_nodes) && !refill_nodes(self)) return NULL;
    free_block *b = self->free_nodes;
    self->free_nodes = b->next;
    self->free_node_count--;
    return b;
}

static void give_nodes_back(mx_thread *self, int keep)
{
    if (self->free_node_count <= keep) return;
    free_block *first = self->free_nodes, *last = first;
    int n = self->free_node_count - keep;
    for (int i = 1; i < n; i++) last = last->next;
    self->free_nodes = last->next;
    self->free_node_count = keep;
    pthread_mutex_lock(&pool.lock);
    last->next = pool.nodes;
    pool.nodes = first;
    pthread_mutex_unlock(&pool.lock);
}

void node_free(void *node)
{
    mx_thread *self = thread_self();
    free_block *b = node;
    b->next = self->free_nodes;
    self->free_nodes = b;
    if (UNLIKELY(++self->free_node_count > THREAD_NODES_MAX)) give_nodes_back(self, THREAD_NODES_MAX - NODE_BATCH);
}

/* ---- Elements */
/* Class 4 (e - 6) + q holds blocks of 2^e (1 + q/4) bytes. */
static int class_of(size_t bytes, size_t *capacity)
{
    if (bytes <= (size_t)1 << SMALLEST_SHIFT) return *capacity = (size_t)1 << SMALLEST_SHIFT, 0;
    int e = 63 - LEADING_ZEROS(bytes);
    size_t step = (size_t)1 << (e - 2), base = (size_t)1 << e;
    size_t q = (bytes - base + step - 1) / step;
    *capacity = base + q * step;
    return 4 * (e - SMALLEST_SHIFT) + (int)q;
}

static size_t total_ram(void)
{
    return (size_t)sysconf(_SC_PHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE);
}

static size_t limit_or(_Atomic size_t *limit, size_t otherwise)
{
    size_t set = atomic_load_explicit(limit, memory_order_relaxed);
    return set ? set - 1 : otherwise; /* stored plus one, so that 0 can be asked for */
}

static size_t cache_limit(void)
{
    size_t set = atomic_load_explicit(&pool.cache_limit, memory_order_relaxed);
    if (UNLIKELY(!set)) atomic_store(&pool.cache_limit, set = total_ram() / 4 + 1);
    return set - 1;
}

static void count_active(size_t bytes)
{
    size_t now = atomic_fetch_add_explicit(&pool.active, bytes, memory_order_relaxed) + bytes;
    size_t peak = atomic_load_explicit(&pool.peak, memory_order_relaxed);
    while (now > peak &&
           !atomic_compare_exchange_weak_explicit(&pool.peak, &peak, now, memory_order_relaxed, memory_order_relaxed)) {
    }
}

void memory_count_device(int64_t active, int64_t cached)
{
    if (active > 0) {
        count_active((size_t)active);
    } else {
        atomic_fetch_sub_explicit(&pool.active, (size_t)-active, memory_order_relaxed);
    }
    atomic_fetch_add_explicit(&pool.device_cached, (size_t)cached, memory_order_relaxed);
}

bool memory_fits(size_t bytes)
{
    size_t limit = limit_or(&pool.memory_limit, SIZE_MAX);
    size_t used = atomic_load(&pool.active) + atomic_load(&pool.cached) + atomic_load(&pool.device_cached);
    return used <= limit && bytes <= limit - used;
}

size_t memory_device_cache_limit(void)
{
    return limit_or(&pool.device_cache_limit, SIZE_MAX);
}

static void *map_block(size_t capacity)
{
    size_t bytes = capacity + huge_page;
    char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) return NULL;
    char *aligned = (char *)(((uintptr_t)p + huge_page - 1) / huge_page * huge_page);
    if (aligned > p) munmap(p, (size_t)(aligned - p));
    munmap(aligned + capacity, (size_t)(p + bytes - aligned - capacity));
    madvise(aligned, capacity, MADV_HUGEPAGE);
    return aligned;
}

static void release_block(void *block, size_t capacity)
{
    if (capacity >= huge_page) {
        munmap(block, capacity);
    } else {
        free(block);
    }
}

static void *take_shared(int class, size_t capacity)
{
    pthread_mutex_lock(&pool.lock);
    free_block *b = pool.first[class];
    if (b) {
        pool.first[class] = b->next;
        atomic_fetch_sub_explicit(&pool.cached, capacity, memory_order_relaxed);
    }
    pthread_mutex_unlock(&pool.lock);
    return b;
}

static void *take_own(int class)
{
    block_lists *lists = thread_self()->free_blocks;
    free_block *b = lists ? lists->first[class] : NULL;
    if (!b) return NULL;
    lists->first[class] = b->next;
    lists->count[class]--;
    return b;
}

static size_t capacity_of_class(int class)
{
    size_t base = (size_t)1 << (class / 4 + SMALLEST_SHIFT);
    return base + (size_t)(class % 4) * (base / 4);
}

static void release_own_blocks(mx_thread *self)
{
    block_lists *lists = self->free_blocks;
    for (int class = 0; lists && class < THREAD_CLASSES; class ++) {
        while (lists->first[class]) {
            free_block *b = lists->first[class];
            lists->first[class] = b->next;
            free(b);
        }
        lists->count[class] = 0;
    }
}

static void clear_host_cache(void)
{
    release_own_blocks(thread_self());
    free_block *lists[CLASS_COUNT];
    pthread_mutex_lock(&pool.lock);
    memcpy(lists, pool.first, sizeof lists);
    memset(pool.first, 0, sizeof pool.first);
    pthread_mutex_unlock(&pool.lock);
    for (int class = 0; class < CLASS_COUNT; class ++) {
        size_t capacity = capacity_of_class(class);
        for (free_block *b = lists[class], *next; b; b = next) {
            next = b->next;
            atomic_fetch_sub(&pool.cached, capacity);
            release_block(b, capacity);
        }
    }
}

void *block_alloc(size_t bytes, size_t *capacity)
{
    if (UNLIKELY(must_fail() || bytes > (size_t)1 << 46)) return out_of_memory(bytes);
    int class = class_of(bytes, capacity);
    void *p = class < THREAD_CLASSES ? take_own(class) : NULL;
    if (!p) p = take_shared(class, *capacity);
    for (int attempt = 0; !p && attempt < 2; attempt++) {
        size_t limit = limit_or(&pool.memory_limit, SIZE_MAX);
        if (attempt || atomic_load(&pool.active) + atomic_load(&pool.cached) + *capacity > limit) clear_host_cache();
        if (*capacity >= huge_page)
            p = map_block(*capacity);
        else if (posix_memalign(&p, ALIGNMENT, *capacity))
            p = NULL;
    }
    if (!p) return out_of_memory(bytes);
    count_active(*capacity);
    return p;
}

/* Keeps a small block in the calling thread's list. */
static bool keep_own(free_block *b, int class)
{
    mx_thread *self = thread_self();
    if (class >= THREAD_CLASSES || cache_limit() == 0) return false;
    if (!self->free_blocks) self->free_blocks = calloc(1, sizeof(block_lists));
    block_lists *lists = self->free_blocks;
    if (!lists || lists->count[class] == THREAD_LIST_MAX) return false;
    b->next = lists->first[class];
    lists->first[class] = b;
    lists->count[class]++;
    return true;
}

void block_free(void *block, size_t capacity)
{
    size_t same;
    if (!block) return;
    int class = class_of(capacity, &same);
    atomic_fetch_sub_explicit(&pool.active, capacity, memory_order_relaxed);
    if (keep_own(block, class)) return;
    if (atomic_load_explicit(&pool.cached, memory_order_relaxed) + capacity > cache_limit()) {
        release_block(block, capacity);
        return;
    }
    free_block *b = block;
    pthread_mutex_lock(&pool.lock);
    b->next = pool.first[class];
    pool.first[class] = b;
    atomic_fetch_add_explicit(&pool.cached, capacity, memory_order_relaxed);
    pthread_mutex_unlock(&pool.lock);
}

void memory_thread_exit(mx_thread *self)
{
    release_own_blocks(self);
    free(self->free_blocks);
    self->free_blocks = NULL;
    give_nodes_back(self, 0);
}

void memory_lock_for_fork(bool lock)
{
    if (lock) {
        pthread_mutex_lock(&pool.lock);
    } else {
        pthread_mutex_unlock(&pool.lock);
    }
}

/* ---- Statistics and limits */
size_t mx_get_active_memory(void)
{
    return atomic_load(&pool.active);
}
size_t mx_get_peak_memory(void)
{
    return atomic_load(&pool.peak);
}
size_t mx_get_cache_memory(void)
{
    return atomic_load(&pool.cached) + atomic_load(&pool.device_cached);
}
void mx_reset_peak_memory(void)
{
    atomic_store(&pool.peak, 0);
}

void mx_clear_cache(void)
{
    clear_host_cache();
    if (atomic_load(&runtime.gpu)) backend_of(MX_GPU)->clear_cache();
}

static size_t swap_limit(_Atomic size_t *limit, size_t bytes, size_t before)
{
    atomic_store(limit, bytes == SIZE_MAX ? bytes : bytes + 1);
    return before;
}

size_t mx_get_memory_limit(void)
{
    return limit_or(&pool.memory_limit, total_ram() / 5 * 4);
}
size_t mx_set_memory_limit(size_t bytes)
{
    return swap_limit(&pool.memory_limit, bytes, mx_get_memory_limit());
}

size_t mx_set_cache_limit(size_t bytes)
{
    size_t before = swap_limit(&pool.cache_limit, bytes, cache_limit());
    swap_limit(&pool.device_cache_limit, bytes, 0);
    if (mx_get_cache_memory() > bytes) mx_clear_cache();
    return before;
}
