/* SPDX-License-Identifier: MIT
 *
 * How well kernels use memory: SIM_LINT=1 with SIM_SAN=check.  The k-th time that the threads of a warp come to one instruction is one
 * request of the hardware: to device memory it costs as many sectors of 32 bytes as the lanes touch, to shared memory as many
 * passes as one of the 32 banks has different words.  What costs more than it must is listed when the process ends. */
#include "lint.h"
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REQUESTS = 1 << 16, COUNTERS = 1 << 17, PLACES = 4096, FEWEST = 8, LANES = 32, SECTOR = 32, BANKS = 32 };

struct request {
    const void *code;
    uint32_t warp, turn, lanes, bytes;
    bool shared;
    uint64_t address[LANES];
};
struct counter {
    const void *code;
    uint32_t thread, turn, era;
};
struct place {
    const void *code;
    const struct sim_loaded *module;
    const char *kernel;
    bool shared;
    uint64_t requests, cost, ideal;
};

static struct {
    struct request request[REQUESTS];
    int slot[COUNTERS], slot_era[COUNTERS];
    struct counter counter[COUNTERS];
    struct place place[PLACES];
    int request_count, era;
    uint32_t command, block;
} * lint;

static uint32_t mix(const void *code, uint32_t a, uint32_t b)
{
    uint64_t h = (uintptr_t)code * 0x9E3779B97F4A7C15ull ^ a * 0xC2B2AE3D27D4EB4Full ^ b * 0x165667B19E3779F9ull;
    return (uint32_t)(h >> 32) & (COUNTERS - 1);
}

/* Different numbers among the lanes' addresses / unit, and beyond where an access spans more than one. */
static unsigned different(const uint64_t *unit, unsigned count)
{
    unsigned n = 0;
    for (unsigned i = 0; i < count; i++) {
        unsigned j = 0;
        while (j < i && unit[j] != unit[i]) j++;
        n += j == i;
    }
    return n;
}

static unsigned sectors(const struct request *r)
{
    uint64_t unit[2 * LANES];
    for (unsigned i = 0; i < r->lanes; i++) {
        unit[2 * i] = r->address[i] / SECTOR;
        unit[2 * i + 1] = (r->address[i] + r->bytes - 1) / SECTOR;
    }
    return different(unit, 2 * r->lanes);
}

/* 8 and 16 bytes a lane go by halves and quarters of a warp. */
static unsigned passes(const struct request *r)
{
    unsigned words = (r->bytes + 3) / 4, group = LANES / words, total = 0;
    for (unsigned first = 0; first < r->lanes; first += group) {
        unsigned most = 0;
        for (unsigned bank = 0; bank < BANKS; bank++) {
            uint64_t unit[4 * LANES];
            unsigned count = 0;
            for (unsigned i = first; i < r->lanes && i < first + group; i++)
                for (unsigned w = 0; w < words; w++)
                    if ((r->address[i] / 4 + w) % BANKS == bank) unit[count++] = r->address[i] / 4 + w;
            unsigned n = different(unit, count);
            most = n > most ? n : most;
        }
        total += most;
    }
    return total;
}

static struct place *place_of(const void *code)
{
    uint32_t at = mix(code, 0, 0) % PLACES;
    for (int i = 0; i < PLACES; i++, at = (at + 1) % PLACES)
        if (!lint->place[at].code || lint->place[at].code == code) return &lint->place[at];
    return NULL;
}

static void count_request(const struct request *r)
{
    struct place *p = place_of(r->code);
    if (!p || r->lanes < LANES) return;
    unsigned whole = r->lanes * r->bytes;
    p->requests++;
    p->shared = r->shared;
    p->cost += r->shared ? passes(r) : sectors(r);
    p->ideal += r->shared ? (whole + 4 * BANKS - 1) / (4 * BANKS) : (whole + SECTOR - 1) / SECTOR;
}

static void end_block(void)
{
    for (int i = 0; i < lint->request_count; i++) count_request(&lint->request[i]);
    lint->request_count = 0;
    lint->era++;
}

/* How often the thread has come to the instruction in this block. */
static uint32_t turn_of(const void *code, uint32_t thread)
{
    uint32_t at = mix(code, thread, 1);
    for (int i = 0; i < 64; i++, at = (at + 1) & (COUNTERS - 1)) {
        struct counter *c = &lint->counter[at];
        if (c->era == (uint32_t)lint->era && !(c->code == code && c->thread == thread)) continue;
        if (c->era != (uint32_t)lint->era) *c = (struct counter){code, thread, 0, (uint32_t)lint->era};
        return c->turn++;
    }
    return UINT32_MAX; /* too many to follow: left out */
}

static struct request *request_of(const void *code, uint32_t warp, uint32_t turn)
{
    uint32_t at = mix(code, warp, turn + 2);
    for (int i = 0; i < 64; i++, at = (at + 1) & (COUNTERS - 1)) {
        if (lint->slot_era[at] != lint->era) {
            if (lint->request_count == REQUESTS) return NULL;
            lint->slot_era[at] = lint->era;
            lint->slot[at] = lint->request_count;
            lint->request[lint->request_count] = (struct request){.code = code, .warp = warp, .turn = turn};
            return &lint->request[lint->request_count++];
        }
        struct request *r = &lint->request[lint->slot[at]];
        if (r->code == code && r->warp == warp && r->turn == turn) return r;
    }
    return NULL;
}

static void report(void)
{
    end_block();
    for (int i = 0; i < PLACES; i++) {
        const struct place *p = &lint->place[i];
        if (p->requests < FEWEST || p->cost * 2 <= p->ideal * 3) continue;
        char where[300];
        sim_source_line(p->module, p->code, where, sizeof where);
        sim_report("LINT %s at %s: %s memory takes %.1f %s where %.1f would do (%llu requests)", p->kernel, where,
                   p->shared ? "shared" : "device", (double)p->cost / (double)p->requests,
                   p->shared ? "passes" : "sectors", (double)p->ideal / (double)p->requests,
                   (unsigned long long)p->requests);
    }
}

static bool is_wanted(void)
{
    static int wanted = -1;
    if (wanted < 0) {
        const char *text = getenv("SIM_LINT");
        wanted = text && *text && strcmp(text, "0");
        if (wanted && !(lint = calloc(1, sizeof *lint))) wanted = 0;
        if (wanted) {
            lint->era = 1;
            atexit(report);
        }
    }
    return wanted;
}

void lint_access(uint64_t p, unsigned bytes, bool is_shared, const void *code)
{
    if (!is_wanted() || !code || bytes > 16) return;
    struct rt_place here = rt_place();
    if (sim.running->id != lint->command || here.block != lint->block) {
        end_block();
        lint->command = sim.running->id;
        lint->block = here.block;
    }
    uint32_t turn = turn_of(code, here.thread);
    struct request *r = turn == UINT32_MAX ? NULL : request_of(code, here.thread / LANES, turn);
    struct place *place = place_of(code);
    if (!r || !place || r->lanes == LANES) return;
    r->address[here.thread % LANES] = p; /* threads may come in any order, the hardware takes lanes in theirs */
    r->lanes++;
    r->bytes = bytes;
    r->shared = is_shared;
    *place = (struct place){
        code, sim.running->function->module, here.kernel, is_shared, place->requests, place->cost, place->ideal};
}
