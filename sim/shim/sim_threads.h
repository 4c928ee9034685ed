/* SPDX-License-Identifier: MIT
 *
 * How a module runs a kernel: take unstarted threads until there is none.  C and C++. */
static inline int sim_next_thread(void)
{
    unsigned i = sim_regs.next;
    if (i >= sim_regs.count) return 0;
    sim_regs.next = i + 1;
    if (__builtin_expect(sim_regs.order != 0, 0)) i = sim_regs.order[i];
    sim_regs.current = i;
    if (sim_regs.linear) {
        sim_regs.thread.x = i;
        sim_regs.thread.y = sim_regs.thread.z = 0;
    } else {
        unsigned row = i / sim_regs.block_dim.x;
        sim_regs.thread.x = i - row * sim_regs.block_dim.x;
        sim_regs.thread.y = row % sim_regs.block_dim.y;
        sim_regs.thread.z = row / sim_regs.block_dim.y;
    }
    return 1;
}
static inline void sim_end_thread(void)
{
    sim_regs.ended[sim_regs.current / 32] |= 1u << sim_regs.current % 32;
    sim_regs.alive--;
    if (__builtin_expect(sim_regs.waiting != 0, 0)) sim_table->thread_ended();
}
