/* SPDX-License-Identifier: MIT
 *
 * Fibers: stacks that one thread of the host switches between, 13 ns a switch. */
#ifndef SIM_FIBER_H
#define SIM_FIBER_H

#include <stdbool.h>
#include <stddef.h>

struct fiber {
    void *sp;
    void *fake_stack;   /* AddressSanitizer's */
    const void *bottom; /* of the stack, and its size */
    size_t bytes;
    char *stack; /* NULL: a stack of the host's */
    unsigned colour;
};

/* False: no memory for a stack. */
bool fiber_create(struct fiber *f, unsigned number);
/* Makes `f` start at `entry` when it is next switched to; entry begins with fiber_arrived() and never returns. */
void fiber_reset(struct fiber *f, void (*entry)(void));
void fiber_arrived(void);
/* `ending`: `from` is never resumed, only reset. */
void fiber_switch(struct fiber *from, struct fiber *to, bool ending);

#endif
