/* SPDX-License-Identifier: MIT
 *
 * Programs derived from programs: a loop's body is differentiated or batched once, not each time a node that holds it
 * is.  A program keeps the few that were made of it last. */
#include "core/memory.h"
#include "core/runtime.h"
#include "graph/capture.h"
#include <string.h>

enum { MOST_DERIVED = 8 };

struct derived_program {
    derived_program *next;
    mx_program *p;
    mx_fn fn;
    size_t key_bytes;
    char key[];
};

void derived_free(derived_program *list)
{
    while (list) {
        derived_program *next = list->next;
        mx_program_drop(list->p);
        mx_free(list);
        list = next;
    }
}

static bool fits(const derived_program *e, const derivation *d, mx_array *const *in, int nin, int nout)
{
    if (e->fn != d->fn || e->key_bytes != d->key_bytes || (d->key_bytes && memcmp(e->key, d->key, d->key_bytes) != 0) ||
        e->p->nin != (uint32_t)nin || e->p->nout != (uint32_t)nout)
        return false;
    for (int i = 0; i < nin; i++) {
        const program_value *v = &e->p->values[i];
        if (v->dtype != in[i]->dtype || !shape_equal(v->shape, array_shape(in[i]))) return false;
    }
    return true;
}

/* Moves it to the front: the last one is the one that was not used for longest. */
static mx_program *find(mx_program *p, const derivation *d, mx_array *const *in, int nin, int nout)
{
    mx_program *found = NULL;
    pthread_mutex_lock(&runtime.compile_lock);
    for (derived_program **at = &p->derived; *at && !found; at = &(*at)->next) {
        derived_program *e = *at;
        if (!fits(e, d, in, nin, nout)) continue;
        *at = e->next;
        e->next = p->derived;
        p->derived = e;
        found = mx_program_keep(e->p);
        break;
    }
    pthread_mutex_unlock(&runtime.compile_lock);
    return found;
}

/* Another thread may have been faster: then there are two for a while. */
static void add(mx_program *p, const derivation *d, mx_program *made)
{
    mx_mark mark = mx_error_mark();
    derived_program *e = mx_alloc(1, sizeof *e + d->key_bytes), *gone = NULL;
    if (!e) {
        mx_error_reset(mark); /* it is only made again */
        return;
    }
    e->fn = d->fn;
    e->key_bytes = d->key_bytes;
    if (d->key_bytes) memcpy(e->key, d->key, d->key_bytes);
    e->p = mx_program_keep(made);
    pthread_mutex_lock(&runtime.compile_lock);
    e->next = p->derived;
    p->derived = e;
    derived_program **at = &p->derived;
    for (int i = 0; i < MOST_DERIVED && *at; i++) at = &(*at)->next;
    gone = *at;
    *at = NULL;
    pthread_mutex_unlock(&runtime.compile_lock);
    derived_free(gone);
}

mx_program *program_derived(mx_program *p, const derivation *d, mx_array *const *in, int nin, int nout)
{
    mx_program *made = find(p, d, in, nin, nout);
    if (made) return made;
    made = program_of(d->op, d->fn, d->ctx, in, nin, nout, false);
    if (made && !program_is_bound(made)) add(p, d, made);
    return made;
}
