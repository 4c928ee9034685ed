/* SPDX-License-Identifier: MIT
 *
 * The pool of device memory, over a driver of three functions that counts what is taken. */
#include "check.h"
#include "cuda/memory.h"
#include "core/memory.h"

enum { FAKE_LIMIT = 256 << 20 };

/* A test runs alone in its process, but a mutable static needs a home: here, a struct that the fakes find. */
static struct {
    size_t taken, calls;
    cu_ptr next;
    struct {
        cu_ptr at;
        size_t bytes;
    } blocks[64];
} fake;

static cu_result fake_alloc(cu_ptr *at, size_t bytes)
{
    if (fake.taken + bytes > FAKE_LIMIT) return CU_NO_MEMORY;
    int i = 0;
    while (fake.blocks[i].bytes) i++;
    *at = fake.next += (cu_ptr)1 << 32;
    fake.blocks[i].at = *at;
    fake.blocks[i].bytes = bytes;
    fake.taken += bytes;
    fake.calls++;
    return CU_OK;
}

static cu_result fake_free(cu_ptr at)
{
    for (int i = 0; i < 64; i++) {
        if (fake.blocks[i].at != at || !fake.blocks[i].bytes) continue;
        fake.taken -= fake.blocks[i].bytes;
        fake.blocks[i].bytes = 0;
        return CU_OK;
    }
    return 1;
}

static const cuda_driver fake_driver = {.cuMemAlloc_v2 = fake_alloc, .cuMemFree_v2 = fake_free};

static void start(cuda_pool *p, int queues)
{
    fake.taken = fake.calls = 0;
    pool_init(p, &fake_driver, (size_t)16 << 30, false);
    for (int i = 0; i < queues; i++) CHECK(pool_add_queue(p, i));
}

static void stop(cuda_pool *p, int queues)
{
    for (int i = 0; i < queues; i++) pool_finished(p, i, UINT64_MAX);
    pool_trim(p);
    CHECK(fake.taken == 0 && p->reserved == 0 && p->cached == 0 && p->active == 0);
    for (int i = 0; i < queues; i++) mx_free(p->queues[i]);
}

TEST(cuda_pool_gives_a_block_back_to_its_queue_at_commit)
{
    cuda_pool p;
    start(&p, 2);
    pool_open(&p, 0);
    cuda_block *a = pool_take(&p, 0, 1000);
    pool_give(&p, a); /* the batch being collected may still use it */
    cuda_block *b = pool_take(&p, 0, 1000);
    CHECK(b != a && fake.calls == 1); /* one slab */
    pool_commit(&p, 0);
    cuda_block *other = pool_take(&p, 1, 1000);
    CHECK(other != a); /* another queue waits for the batch */
    CHECK(pool_take(&p, 0, 1000) == a);
    CHECK(p.active == 3 * a->capacity);
    pool_give(&p, a);
    pool_give(&p, b);
    pool_finished(&p, 0, 1);
    cuda_block *c = pool_take(&p, 1, 900);
    CHECK(c == a || c == b);
    pool_give(&p, c);
    pool_trim(&p);
    CHECK(p.reserved == fake.taken && fake.taken > 0); /* a block is in use still */
    pool_give(&p, other);
    stop(&p, 2);
}

TEST(cuda_pool_waits_for_other_queues_that_read_a_block)
{
    cuda_pool p;
    start(&p, 3);
    cuda_block *a = pool_take(&p, 0, 4096);
    pool_open(&p, 1);
    CHECK(pool_use(&p, a, 1) == -1 && pool_use(&p, a, 0) == -1);
    pool_give(&p, a); /* its own queue collects nothing */
    cuda_block *b = pool_take(&p, 0, 4096);
    CHECK(b != a);
    pool_commit(&p, 1);
    cuda_block *c = pool_take(&p, 0, 4096);
    CHECK(c != a);
    pool_finished(&p, 1, 1);
    CHECK(pool_take(&p, 2, 4096) == a);
    pool_give(&p, a);
    pool_give(&p, b);
    pool_give(&p, c);
    stop(&p, 3);
}

TEST(cuda_pool_keeps_room_for_the_uses_of_a_block)
{
    cuda_pool p;
    start(&p, POOL_USES + 2);
    cuda_block *a = pool_take(&p, 0, 64);
    for (int i = 1; i < POOL_USES; i++) {
        pool_open(&p, i);
        CHECK(pool_use(&p, a, i) == -1);
    }
    CHECK(pool_use(&p, a, 2) == -1);        /* again, in the same batch */
    CHECK(pool_use(&p, a, POOL_USES) == 1); /* full: queue 1 has to finish */
    pool_commit(&p, 1);
    pool_finished(&p, 1, 1);
    CHECK(pool_use(&p, a, POOL_USES) == -1);
    pool_give(&p, a);
    stop(&p, POOL_USES + 2);
}

TEST(cuda_pool_runs_out_and_goes_on)
{
    cuda_pool p;
    start(&p, 1);
    cuda_block *large = pool_take(&p, 0, 200 << 20);
    CHECK(large != NULL);
    CHECK(pool_take(&p, 0, 100 << 20) == NULL && !mx_failed());
    CHECK(pool_take(&p, 0, (size_t)-1) == NULL && !mx_failed());
    pool_give(&p, large);
    CHECK(pool_take(&p, 0, 100 << 20) == NULL); /* cached, not free */
    pool_finished(&p, 0, 1);
    pool_trim(&p);
    cuda_block *b = pool_take(&p, 0, 100 << 20);
    CHECK(b != NULL && b->capacity >= (size_t)100 << 20);
    pool_give(&p, b);
    stop(&p, 1);
}
