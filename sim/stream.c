/* SPDX-License-Identifier: MIT
 *
 * Streams, events and host functions. */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

API sim_result cuStreamCreate(sim_stream **handle, unsigned flags)
{
    ENTER(cuStreamCreate);
    int id = 1; /* a dead stream's place, and clock, serve again */
    while (id < sim.stream_count && sim.stream[id]->live) id++;
    if (id == SIM_STREAMS) return sim_leave(SIM_OUT_OF_MEMORY);
    if (id == sim.stream_count) {
        if (!(sim.stream[id] = calloc(1, sizeof **sim.stream))) return sim_leave(SIM_OUT_OF_MEMORY);
        sim.stream[id]->id = id;
        sim.stream_count++;
    }
    sim.stream[id]->live = true;
    sim.stream[id]->blocking = !(flags & SIM_STREAM_NON_BLOCKING);
    *handle = sim.stream[id];
    return sim_leave(SIM_OK);
}

API sim_result cuStreamCreateWithPriority(sim_stream **handle, unsigned flags, int priority)
{
    (void)priority;
    return cuStreamCreate(handle, flags);
}

API sim_result cuStreamDestroy_v2(sim_stream *s)
{
    ENTER(cuStreamDestroy);
    if (!s || !s->live || s == &sim.legacy) return sim_leave(SIM_INVALID_HANDLE);
    sim_result r = sim_drain(s); /* what is never run is never checked */
    s->live = false;
    return sim_leave(r);
}

API sim_result cuStreamSynchronize(sim_stream *handle)
{
    ENTER(cuStreamSynchronize);
    sim_stream *s = sim_stream_of(handle);
    return sim_leave(s->capture ? SIM_CAPTURE_UNSUPPORTED : sim_drain(s));
}

static void one_step(sim_stream *wanted)
{
    sim_open_arena();
    sim_step(wanted);
    sim_close_arena();
}

API sim_result cuStreamQuery(sim_stream *handle)
{
    ENTER(cuStreamQuery);
    sim_stream *s = sim_stream_of(handle);
    if (s->capture) return sim_leave(SIM_CAPTURE_UNSUPPORTED);
    one_step(s);
    if (sim.sticky) return sim_leave(sim.sticky);
    if (s->head || sim.busy) return sim_leave(SIM_NOT_READY);
    sim_merge(sim.host_clock, s->clock);
    return sim_leave(SIM_OK);
}

API sim_result cuEventCreate(sim_event **event, unsigned flags)
{
    (void)flags;
    ENTER(cuEventCreate);
    *event = calloc(1, sizeof **event);
    return sim_leave(*event ? SIM_OK : SIM_OUT_OF_MEMORY);
}

API sim_result cuEventDestroy_v2(sim_event *e)
{
    ENTER(cuEventDestroy);
    if (!e) return sim_leave(SIM_INVALID_HANDLE);
    for (int i = 0; i < sim.stream_count; i++) /* commands that name it run first */
        for (sim_command *c = sim.stream[i]->head; c; c = c->next)
            if (c->event == e) {
                sim_drain(sim.stream[i]);
                break;
            }
    if (!sim.sticky) free(e);
    return sim_leave(SIM_OK);
}

API sim_result cuEventRecord(sim_event *e, sim_stream *handle)
{
    ENTER(cuEventRecord);
    sim_stream *s = sim_stream_of(handle);
    e->capture = s->capture;
    if (s->capture) {
        /* The event stands for an empty node after all that the stream has so far. */
        sim_result r = sim_push(sim_command_new(s, EMPTY));
        e->capture_node = s->capture->count - 1;
        return sim_leave(r);
    }
    sim_command *c = sim_command_new(s, RECORD);
    c->event = e;
    c->generation = ++e->recorded;
    return sim_leave(sim_push(c));
}

API sim_result cuStreamWaitEvent(sim_stream *handle, sim_event *e, unsigned flags)
{
    (void)flags;
    ENTER(cuStreamWaitEvent);
    sim_stream *s = sim_stream_of(handle);
    if (e->capture) {
        if (!s->capture) s->capture = e->capture;
        if (s->capture != e->capture || s->capture_count == 16) return sim_leave(SIM_CAPTURE_INVALIDATED);
        s->capture_after[s->capture_count++] = e->capture_node;
        return sim_leave(SIM_OK);
    }
    if (s->capture) return sim_leave(SIM_CAPTURE_UNSUPPORTED);
    if (!e->recorded) return sim_leave(SIM_OK); /* nothing to wait for */
    sim_command *c = sim_command_new(s, WAIT);
    c->event = e;
    c->generation = e->recorded;
    return sim_leave(sim_push(c));
}

API sim_result cuEventSynchronize(sim_event *e)
{
    ENTER(cuEventSynchronize);
    sim_open_arena();
    while (e->done < e->recorded && !sim.sticky && sim_step(NULL)) {}
    sim_close_arena();
    if (!sim.sticky && e->done < e->recorded) return sim_leave(SIM_NOT_READY);
    sim_merge(sim.host_clock, e->clock);
    return sim_leave(sim.sticky);
}

API sim_result cuEventQuery(sim_event *e)
{
    ENTER(cuEventQuery);
    if (e->done < e->recorded) one_step(NULL);
    if (sim.sticky) return sim_leave(sim.sticky);
    if (e->done < e->recorded) return sim_leave(SIM_NOT_READY);
    sim_merge(sim.host_clock, e->clock);
    return sim_leave(SIM_OK);
}

API sim_result cuEventElapsedTime(float *ms, const sim_event *from, const sim_event *to)
{
    ENTER(cuEventElapsedTime);
    *ms = (float)(to->time - from->time);
    return sim_leave(to->done < to->recorded || from->done < from->recorded ? SIM_NOT_READY : SIM_OK);
}

API sim_result cuLaunchHostFunc(sim_stream *handle, void (*f)(void *), void *data)
{
    ENTER(cuLaunchHostFunc);
    sim_command *c = sim_command_new(sim_stream_of(handle), HOST);
    c->host = f;
    c->host_data = data;
    return sim_leave(sim_push(c));
}
