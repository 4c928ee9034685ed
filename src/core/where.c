/* SPDX-License-Identifier: MIT
 *
 * A hash table with chains, under one lock: it is for finding errors, not for speed. */
#include "core/where.h"
#include "core/memory.h"
#include "core/thread.h"
#include <stdio.h>
#include <string.h>

enum { LONGEST = 512, BOTH = 2 * LONGEST + 32 }; /* of one place; of two */
#define MADE_AT "\n  made at "
#define AGAIN_AT "\n  made again at "

typedef struct where_entry {
    const mx_array *lead;
    struct where_entry *next;
    char text[];
} where_entry;

static where_entry **chain_of(const where_table *t, const mx_array *lead)
{
    return &t->chains[(size_t)(((uintptr_t)lead >> 6) * 0x9e3779b97f4a7c15u >> 20) & (t->chain_count - 1)];
}

static bool make_room(where_table *t)
{
    if (t->count < t->chain_count) return true;
    where_table bigger = {.chain_count = t->chain_count ? 2 * t->chain_count : 1024, .count = t->count};
    if (!(bigger.chains = mx_alloc(bigger.chain_count, sizeof *bigger.chains))) return false;
    for (size_t i = 0; i < t->chain_count; i++) {
        while (t->chains[i]) {
            where_entry *e = t->chains[i];
            t->chains[i] = e->next;
            where_entry **chain = chain_of(&bigger, e->lead);
            e->next = *chain;
            *chain = e;
        }
    }
    mx_free(t->chains);
    *t = bigger;
    return true;
}

static bool add(const mx_array *lead, const char *text)
{
    if (!runtime.where && !(runtime.where = mx_alloc(1, sizeof *runtime.where))) return false;
    size_t bytes = strlen(text) + 1;
    where_entry *e = make_room(runtime.where) ? mx_alloc(1, sizeof *e + bytes) : NULL;
    if (!e) return false;
    memcpy(e->text, text, bytes);
    e->lead = lead;
    where_entry **chain = chain_of(runtime.where, lead);
    e->next = *chain;
    *chain = e;
    runtime.where->count++;
    return true;
}

static void note(const mx_array *lead, const char *text)
{
    mx_mark mark = mx_error_mark();
    pthread_mutex_lock(&runtime.where_lock);
    bool ok = add(lead, text);
    pthread_mutex_unlock(&runtime.where_lock);
    if (!ok) mx_error_reset(mark); /* no memory for a line is no reason to fail */
}

/* A worker is no part of the program, and nothing of it is asked with a lock held. */
void where_note_slow(const mx_array *lead)
{
    mx_locate_fn locate = atomic_load(&runtime.locate);
    char text[LONGEST] = "";
    if (locate && !thread_self()->is_worker && locate(text, sizeof text)) note(lead, text);
}

void where_forget_slow(const mx_array *lead)
{
    pthread_mutex_lock(&runtime.where_lock);
    where_table *t = runtime.where;
    for (where_entry **e = t ? chain_of(t, lead) : NULL; e && *e; e = &(*e)->next) {
        if ((*e)->lead != lead) continue;
        where_entry *gone = *e;
        *e = gone->next;
        mx_free(gone);
        t->count--;
        break;
    }
    pthread_mutex_unlock(&runtime.where_lock);
}

/* False: there is none. */
static bool find(const mx_array *lead, char text[BOTH])
{
    bool found = false;
    pthread_mutex_lock(&runtime.where_lock);
    where_table *t = runtime.where;
    for (const where_entry *e = t ? *chain_of(t, lead) : NULL; e && !found; e = e->next) {
        if (!(found = e->lead == lead)) continue;
        memcpy(text, e->text, strlen(e->text) + 1);
    }
    pthread_mutex_unlock(&runtime.where_lock);
    return found;
}

void where_copy_slow(const mx_array *to, const mx_array *from, bool again)
{
    mx_locate_fn locate = atomic_load(&runtime.locate);
    char text[BOTH], here[LONGEST] = "", both[BOTH + sizeof here + sizeof AGAIN_AT];
    if (!find(from, text)) {
        if (again) where_note_slow(to);
        return;
    }
    if (again && locate && !thread_self()->is_worker && !locate(here, sizeof here)) *here = 0;
    bool is_new = *here && !strstr(text, here) && !strstr(text, AGAIN_AT);
    snprintf(both, sizeof both, "%s%s%s", text, is_new ? AGAIN_AT : "", is_new ? here : "");
    where_forget_slow(to);
    note(to, both);
}

/* A node that evaluates others (a loop) passes their errors on, with the lines that they have already. */
void where_tell_slow(const mx_array *lead)
{
    char text[BOTH];
    const char *message = thread_self()->message;
    if (message && strstr(message, MADE_AT)) return;
    if (find(lead, text)) error_suffix(MADE_AT "%s", text);
}

void mx_set_locator(mx_locate_fn locate)
{
    atomic_store(&runtime.locate, locate);
}
