/* SPDX-License-Identifier: MIT
 *
 * Coherence.  A DONE array never changes, so both sides of its buffer stay valid: each direction is copied once, and the
 * reader waits by an event on the device and blocks only where the host reads.  What somebody outside may write to
 * (exported views, foreign memory) is copied at each use instead.
 *
 * A side's block is set once and stays until the buffer dies, so a launch needs no count of its own on it: the caller's
 * array holds the buffer until the launch is collected, and the pool gives no block away before its batch. */
#include "cuda/side.h"
#include "core/memory.h"
#include "core/runtime.h"

typedef struct cuda_side {
    mx_side base;
    pthread_mutex_t lock;
    cuda_queue *writer; /* NULL: nothing is on the device */
    cuda_block *block;
    uint64_t ticket; /* the writer's batch that fills the block */
    _Atomic bool on_host;
    bool computed; /* by kernels, not copied from the host */
    bool stale;    /* the host's data may have changed since */
} cuda_side;

static cuda_side *side_of(mx_buffer *b)
{
    return (cuda_side *)atomic_load_explicit(&b->side, memory_order_acquire);
}

/* ---- What the core asks of a side */
/* In the child of a fork the sides' locks may be held by threads that are not there. */
static bool is_ours(void)
{
    if (LIKELY(!atomic_load_explicit(&runtime.forked, memory_order_relaxed))) return true;
    return mx_fail_false(MX_RUNTIME, "[eval] The array is on the GPU of the process that this one was forked from; "
                                     "evaluate and read it before, or start the child anew (spawn).");
}

static bool wait(mx_buffer *b)
{
    cuda_side *s = side_of(b);
    if (atomic_load_explicit(&s->on_host, memory_order_acquire)) return true;
    if (!is_ours()) return false;
    pthread_mutex_lock(&s->lock);
    cuda_queue *writer = atomic_load(&s->on_host) ? NULL : s->writer;
    uint64_t ticket = s->ticket;
    pthread_mutex_unlock(&s->lock);
    return !writer || (cuda_enter(writer->device) && queue_wait(writer, ticket, true));
}

static bool download(cuda_side *s, mx_buffer *b)
{
    cuda_device *d = s->writer->device;
    if (!cuda_enter(d) || !queue_wait(s->writer, s->ticket, true)) return false;
    if (s->block->host) return buffer_lend_host(b, s->block->host), true;
    return buffer_add_host(b) && stage_out(d, b->data, s->block->at, b->bytes);
}

static bool to_host(mx_buffer *b)
{
    cuda_side *s = side_of(b);
    if (LIKELY(atomic_load_explicit(&s->on_host, memory_order_acquire))) return true;
    if (!is_ours()) return false;
    pthread_mutex_lock(&s->lock);
    bool ok = atomic_load(&s->on_host) || download(s, b);
    if (ok) atomic_store_explicit(&s->on_host, true, memory_order_release);
    pthread_mutex_unlock(&s->lock);
    return ok;
}

static void exported(mx_buffer *b)
{
    cuda_side *s = side_of(b);
    if (atomic_load_explicit(&runtime.forked, memory_order_relaxed)) return; /* no device will read it */
    pthread_mutex_lock(&s->lock);
    s->stale = true;
    pthread_mutex_unlock(&s->lock);
}

static void release(mx_buffer *b)
{
    cuda_side *s = side_of(b);
    bool ours = !atomic_load_explicit(&runtime.forked, memory_order_relaxed);
    if (s->block && ours) pool_give(&s->writer->device->pool, s->block);
    pthread_mutex_destroy(&s->lock);
    mx_free(s);
}

static const mx_side_type cuda_side_type = {.wait = wait, .to_host = to_host, .exported = exported, .release = release};

static cuda_side *new_side(bool on_host)
{
    cuda_side *s = mx_alloc(1, sizeof *s);
    if (!s) return NULL;
    s->base.type = &cuda_side_type;
    pthread_mutex_init(&s->lock, NULL);
    atomic_init(&s->on_host, on_host);
    return s;
}

/* ---- Operands */
static cuda_side *find_or_add_side(mx_buffer *b)
{
    cuda_side *s = side_of(b);
    if (s || !(s = new_side(true))) return s;
    mx_side *none = NULL;
    if (atomic_compare_exchange_strong(&b->side, &none, &s->base)) return s;
    pthread_mutex_destroy(&s->lock);
    mx_free(s);
    return (cuda_side *)none; /* another thread was faster */
}

/* What others may write to, or what another device has: a copy for this call only. */
static bool upload_once(cuda_call *c, mx_array *x, cu_ptr *at)
{
    uint64_t ticket;
    if (!buffer_to_host(x->buffer)) return false;
    cuda_block *block = cuda_scratch(c, x->buffer->bytes);
    *at = block ? block->at + (cu_ptr)x->offset : 0;
    return block && stage_in(c->queue, block->at, x->buffer->data, x->buffer->bytes, &ticket);
}

static bool bring(cuda_call *c, cuda_side *s, mx_buffer *b)
{
    if (s->writer) return true;
    if (!(s->block = queue_take(c->queue, b->bytes))) return false;
    if (stage_in(c->queue, s->block->at, b->data, b->bytes, &s->ticket)) return s->writer = c->queue, true;
    pool_give(&c->queue->device->pool, s->block);
    return s->block = NULL, false;
}

/* Keeps a room for this queue among the block's uses. */
static bool borrow(cuda_call *c, cuda_block *block)
{
    cuda_device *d = c->queue->device;
    if (c->borrowed_count == CUDA_MAX_BORROWED)
        return mx_fail_false(MX_RUNTIME, "[%s] GPU: more than %d operands.", c->op->name, CUDA_MAX_BORROWED);
    for (int busy; (busy = pool_use(&d->pool, block, c->queue->index)) >= 0;) {
        if (!queue_drain(d->queues[busy])) return false;
    }
    c->borrowed[c->borrowed_count++] = block;
    return true;
}

/* A few bytes that are on the host only, which go with the batch's others. */
static bool is_constant(const cuda_call *c, mx_buffer *b)
{
    return b->bytes && b->bytes <= CONSTANT_BYTES && !side_of(b) && !c->constants[1];
}

static bool add_constant(cuda_call *c, const mx_array *x, cu_ptr *at)
{
    cuda_constants *k = stage_constant(c->queue, x->buffer->data, x->buffer->bytes, at);
    if (!k) return false;
    *at += (cu_ptr)x->offset;
    if (!c->constants[0]) {
        c->constants[0] = k;
    } else if (c->constants[0] != k) {
        c->constants[1] = k; /* another thread has committed meanwhile */
    } else {
        constants_drop(c->queue, k);
    }
    return true;
}

/* What launches of the call read or write, for merge.c.  Not its scratch, which no other call's launch of the batch has. */
static void touch(cuda_call *c, cuda_block *block, bool writes)
{
    if (c->touched_count < CUDA_MAX_TOUCHED) {
        int at = c->touched_count;
        if (writes) {
            c->touched[at] = c->touched[c->written_count];
            at = c->written_count++;
        }
        c->touched[at] = block;
    }
    c->touched_count++;
}

bool cuda_operand(cuda_call *c, mx_array *x, cu_ptr *at)
{
    mx_buffer *b = x->buffer;
    cuda_queue *q = c->queue;
    if (is_constant(c, b) && add_constant(c, x, at)) return true;
    if ((b->flags & BUFFER_FOREIGN) || atomic_load(&b->exports)) return upload_once(c, x, at);
    cuda_side *s = find_or_add_side(b);
    if (!s) return false;
    pthread_mutex_lock(&s->lock);
    bool elsewhere = s->stale || (s->writer && s->writer->device != q->device);
    bool ok = elsewhere || bring(c, s, b);
    cuda_queue *writer = s->writer;
    cuda_block *block = s->block;
    uint64_t ticket = s->ticket;
    bool computed = s->computed;
    pthread_mutex_unlock(&s->lock);
    if (!ok || elsewhere) return ok && upload_once(c, x, at);
    if (!queue_after(q, writer, ticket, computed)) return false;
    if (writer != q && !borrow(c, block)) return false;
    if (writer == q) touch(c, block, false);
    *at = block->at + (cu_ptr)x->offset;
    return true;
}

cuda_block *cuda_scratch(cuda_call *c, size_t bytes)
{
    if (c->scratch_count == CUDA_MAX_SCRATCH) return mx_fail(MX_RUNTIME, "[%s] too many scratch blocks.", c->op->name);
    cuda_block *b = queue_take(c->queue, bytes);
    if (b) c->scratch[c->scratch_count++] = b, c->written_bytes += bytes;
    return b;
}

void cuda_release(cuda_call *c)
{
    for (int i = 0; i < c->scratch_count; i++) pool_give(&c->queue->device->pool, c->scratch[i]);
    for (int i = 0; i < 2; i++) constants_drop(c->queue, c->constants[i]);
    c->constants[0] = c->constants[1] = NULL;
    c->scratch_count = c->borrowed_count = 0;
    if (c->touched_count <= CUDA_MAX_TOUCHED) c->touched_count = c->written_count; /* the outputs stay */
}

/* ---- Outputs */
/* May the queue overwrite x? Its home must be this queue, which also computed it. */
static bool can_donate(const cuda_call *c, const mx_array *x, const mx_array *out)
{
    if (!x || !c->may_donate || atomic_load_explicit(&x->refs, memory_order_acquire) != c->reads) return false;
    mx_buffer *b = x->buffer;
    cuda_side *s = side_of(b);
    if (!s || atomic_load(&b->refs) != 1 || atomic_load(&b->exports) || !array_is_contiguous(x)) return false;
    return x->size == out->size && mx_dtype_size((mx_dtype)x->dtype) == mx_dtype_size((mx_dtype)out->dtype) &&
           s->writer == c->queue && s->block->use_count == 0 && !b->data && !s->stale;
}

bool cuda_output(cuda_call *c, int i, mx_array *x, cu_ptr *at)
{
    mx_array *out = &c->out[i];
    size_t bytes = mx_nbytes(out);
    array_set_row_major(out);
    c->written_bytes += bytes;
    if (can_donate(c, x, out)) {
        array_set_buffer_take(out, buffer_keep(x->buffer), x->offset);
        cuda_block *block = side_of(x->buffer)->block;
        *at = block->at + (cu_ptr)x->offset;
        touch(c, block, true);
        return true;
    }
    cuda_side *s = new_side(false);
    cuda_block *block = s ? queue_take(c->queue, bytes) : NULL;
    if (s && !block) mx_free(s);
    if (!block) return false;
    s->writer = c->queue;
    s->block = block;
    s->computed = true;
    mx_buffer *b = buffer_of_side_take(&s->base, bytes);
    if (!b) return false;
    array_set_buffer_take(out, b, 0);
    *at = block->at;
    touch(c, block, true);
    return true;
}

/* ---- Collecting */
/* Another thread may have committed a batch since the call began, which held an operand or an earlier launch of the
 * call, and failed.  The caller holds the queue's lock. */
static bool nothing_failed_since(const cuda_call *c)
{
    queue_failure *last = atomic_load_explicit(&c->queue->failures, memory_order_relaxed);
    if (LIKELY(last == c->failures)) return true;
    queue_raise(last);
    return false;
}

static void set_ticket(mx_array *out, uint64_t ticket)
{
    cuda_side *s = out->buffer ? side_of(out->buffer) : NULL;
    if (s) s->ticket = ticket; /* not published yet */
}

/* The launches of the batch that may be moved and that this one, number `n`, must come after: those that write what it
 * reads, and that read or write what it writes.  If it may be moved, later ones ask the same of it. */
static uint64_t order(const cuda_call *c, uint64_t ticket, int n, bool merges)
{
    uint64_t after = 0, earlier = n < BATCH_LAUNCHES ? ((uint64_t)1 << n) - 1 : UINT64_MAX;
    if (c->touched_count > CUDA_MAX_TOUCHED) return earlier;
    for (int i = 0; i < c->touched_count; i++) {
        cuda_block *b = c->touched[i];
        bool writes = i < c->written_count;
        if (b->ticket != ticket) b->ticket = ticket, b->readers = b->writers = 0;
        after |= b->writers | (writes ? b->readers : 0);
        if (merges) *(writes ? &b->writers : &b->readers) |= (uint64_t)1 << n;
    }
    return after & earlier;
}

bool cuda_collect(cuda_call *c, const cuda_launch *described, const void *args, size_t args_bytes)
{
    cuda_queue *q = c->queue;
    cuda_launch launch = *described;
    pthread_mutex_lock(&q->lock);
    /* Another thread may have committed since the operands were looked at: the uses move to the launch's batch. */
    for (int i = 0; i < c->borrowed_count; i++) pool_use(&q->device->pool, c->borrowed[i], q->index);
    uint64_t ticket = q->committed + 1;
    launch.merges &= c->touched_count <= CUDA_MAX_TOUCHED && q->batch.count < BATCH_LAUNCHES;
    launch.after = order(c, ticket, q->batch.count, launch.merges);
    bool ok = nothing_failed_since(c) && queue_launch(q, &launch, args, args_bytes, c->written_bytes);
    c->written_bytes = 0;
    pthread_mutex_unlock(&q->lock);
    for (int i = 0; ok && i < c->nout; i++) set_ticket(&c->out[i], ticket);
    for (int i = 0; ok && i < c->out_count; i++) set_ticket(c->outs[i], ticket);
    return ok;
}
