/* SPDX-License-Identifier: MIT
 *
 * A switch saves the registers that a callee must keep on the old stack and takes them from the new one.  glibc's ucontext,
 * the way on other machines, makes a system call for the signal mask and costs 15 times as much. */
#include "fiber.h"

#include <stdint.h>
#include <sys/mman.h>

/* Present when the process runs under AddressSanitizer. */
__attribute__((weak)) void __sanitizer_start_switch_fiber(void **fake, const void *bottom, size_t bytes);
__attribute__((weak)) void __sanitizer_finish_switch_fiber(void *fake, const void **bottom, size_t *bytes);
__attribute__((weak)) void __asan_unpoison_memory_region(const volatile void *p, size_t bytes);

enum { STACK_BYTES = 256 << 10, GUARD_BYTES = 16 << 10 };

static struct fiber *leaving; /* whose stack the switch under way comes from */

#if defined(__x86_64__)
void sim_switch_stack(void **save, void *to);
__asm__(
    ".text\n.hidden sim_switch_stack\n.globl sim_switch_stack\n.type sim_switch_stack,@function\nsim_switch_stack:\n"
    "push %rbp\npush %rbx\npush %r12\npush %r13\npush %r14\npush %r15\n"
    "mov %rsp,(%rdi)\nmov %rsi,%rsp\n"
    "pop %r15\npop %r14\npop %r13\npop %r12\npop %rbx\npop %rbp\nret\n"
    ".size sim_switch_stack,.-sim_switch_stack\n");

static void *initial_stack(char *top, void (*entry)(void))
{
    void **sp = (void **)top;
    *--sp = NULL; /* entry's return address, and its alignment */
    *--sp = (void *)(uintptr_t)entry;
    for (int i = 0; i < 6; i++) *--sp = NULL;
    return sp;
}
#elif defined(__aarch64__)
void sim_switch_stack(void **save, void *to);
__asm__(
    ".text\n.hidden sim_switch_stack\n.globl sim_switch_stack\n.type sim_switch_stack,%function\nsim_switch_stack:\n"
    "sub sp,sp,#160\n"
    "stp x19,x20,[sp,#0]\nstp x21,x22,[sp,#16]\nstp x23,x24,[sp,#32]\nstp x25,x26,[sp,#48]\nstp x27,x28,[sp,#64]\n"
    "stp x29,x30,[sp,#80]\nstp d8,d9,[sp,#96]\nstp d10,d11,[sp,#112]\nstp d12,d13,[sp,#128]\nstp d14,d15,[sp,#144]\n"
    "mov x9,sp\nstr x9,[x0]\nmov sp,x1\n"
    "ldp x19,x20,[sp,#0]\nldp x21,x22,[sp,#16]\nldp x23,x24,[sp,#32]\nldp x25,x26,[sp,#48]\nldp x27,x28,[sp,#64]\n"
    "ldp x29,x30,[sp,#80]\nldp d8,d9,[sp,#96]\nldp d10,d11,[sp,#112]\nldp d12,d13,[sp,#128]\nldp d14,d15,[sp,#144]\n"
    "add sp,sp,#160\nret\n.size sim_switch_stack,.-sim_switch_stack\n");

static void *initial_stack(char *top, void (*entry)(void))
{
    void **sp = (void **)(top - 160);
    for (int i = 0; i < 20; i++) sp[i] = NULL;
    sp[11] = (void *)(uintptr_t)entry; /* x30 */
    return sp;
}
#else
#include <stdlib.h>
#include <ucontext.h>

static void *initial_stack(char *top, void (*entry)(void))
{
    ucontext_t *context = (ucontext_t *)((uintptr_t)(top - sizeof *context) & ~(uintptr_t)63);
    getcontext(context);
    context->uc_stack.ss_sp = top - STACK_BYTES / 2;
    context->uc_stack.ss_size = (size_t)((char *)context - (char *)context->uc_stack.ss_sp);
    context->uc_link = NULL;
    makecontext(context, entry, 0);
    return context;
}

static void sim_switch_stack(void **save, void *to)
{
    ucontext_t here;
    *save = &here;
    swapcontext(&here, to);
}
#endif

bool fiber_create(struct fiber *f, unsigned number)
{
    char *block = mmap(NULL, STACK_BYTES + GUARD_BYTES, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (block == MAP_FAILED) return false;
    mprotect(block, GUARD_BYTES, PROT_NONE);
    f->stack = block + GUARD_BYTES;
    f->bottom = f->stack;
    f->bytes = STACK_BYTES;
    f->colour = number * 0x140 & 0x3fc0; /* tops in different cache sets: equal ones cost 15-20 % */
    return true;
}

void fiber_reset(struct fiber *f, void (*entry)(void))
{
    if (__asan_unpoison_memory_region) __asan_unpoison_memory_region(f->stack, STACK_BYTES);
    f->sp = initial_stack(f->stack + STACK_BYTES - f->colour, entry);
    f->fake_stack = NULL;
}

void fiber_arrived(void)
{
    if (!__sanitizer_finish_switch_fiber) return;
    const void *bottom = NULL;
    size_t bytes = 0;
    __sanitizer_finish_switch_fiber(NULL, &bottom, &bytes);
    if (leaving->stack == NULL) {
        leaving->bottom = bottom;
        leaving->bytes = bytes;
    }
}

void fiber_switch(struct fiber *from, struct fiber *to, bool ending)
{
    leaving = from;
    if (__sanitizer_start_switch_fiber)
        __sanitizer_start_switch_fiber(ending ? NULL : &from->fake_stack, to->bottom, to->bytes);
    sim_switch_stack(&from->sp, to->sp);
    if (__sanitizer_finish_switch_fiber) __sanitizer_finish_switch_fiber(from->fake_stack, NULL, NULL);
}
