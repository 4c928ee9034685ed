/* SPDX-License-Identifier: MIT
 *
 * Check mode and sanitizers: the compiler's calls, answered here instead of by its runtime.  -fsanitize=thread announces
 * every access, which goes to the checker when it is to device or shared memory. */
#define SIM_UNCHECKED __attribute__((no_sanitize("thread"), noinline, used))

#ifdef SIM_CHECKED
static inline __attribute__((always_inline)) void sim_accessed(const volatile void *p, unsigned bytes, int kind,
                                                               void *code)
{
    unsigned long long at = (unsigned long long)p;
    if (at - sim_regs.device < sim_regs.device_bytes || at - sim_regs.shared < sim_regs.shared_bytes ||
        at - (unsigned long long)sim_regs.dynamic < (512u << 10))
        sim_table->access((void *)p, bytes, kind, code);
}
#define SIM_CODE __builtin_return_address(0)
#define SIM_ACCESS(bytes)                                                                                              \
    SIM_UNCHECKED void __tsan_read##bytes(void *p)                                                                     \
    {                                                                                                                  \
        if ((unsigned long long)p % bytes) sim_table->trap(716, "misaligned read", __FILE__, bytes);                   \
        sim_accessed(p, bytes, SIM_READ, SIM_CODE);                                                                    \
    }                                                                                                                  \
    SIM_UNCHECKED void __tsan_write##bytes(void *p)                                                                    \
    {                                                                                                                  \
        if ((unsigned long long)p % bytes) sim_table->trap(716, "misaligned write", __FILE__, bytes);                  \
        sim_accessed(p, bytes, SIM_WRITE, SIM_CODE);                                                                   \
    }                                                                                                                  \
    SIM_UNCHECKED void __tsan_unaligned_read##bytes(void *p)                                                           \
    {                                                                                                                  \
        sim_accessed(p, bytes, SIM_READ, SIM_CODE);                                                                    \
    }                                                                                                                  \
    SIM_UNCHECKED void __tsan_unaligned_write##bytes(void *p)                                                          \
    {                                                                                                                  \
        sim_accessed(p, bytes, SIM_WRITE, SIM_CODE);                                                                   \
    }
#define SIM_RMW (SIM_WRITE | SIM_ATOMIC)
#define SIM_FETCH(bits, T, name)                                                                                       \
    SIM_UNCHECKED T __tsan_atomic##bits##_fetch_##name(volatile T *p, T v, int)                                        \
    {                                                                                                                  \
        sim_accessed(p, sizeof(T), SIM_RMW, SIM_CODE);                                                                 \
        return __atomic_fetch_##name(p, v, __ATOMIC_RELAXED);                                                          \
    }
#define SIM_ATOMICS(bits, T)                                                                                           \
    SIM_FETCH(bits, T, add)                                                                                            \
    SIM_FETCH(bits, T, and)                                                                                            \
    SIM_FETCH(bits, T, or)                                                                                             \
    SIM_FETCH(bits, T, xor)                                                                                            \
    SIM_UNCHECKED T __tsan_atomic##bits##_load(const volatile T *p, int)                                               \
    {                                                                                                                  \
        sim_accessed(p, sizeof(T), SIM_READ | SIM_ATOMIC, SIM_CODE);                                                   \
        return __atomic_load_n(p, __ATOMIC_RELAXED);                                                                   \
    }                                                                                                                  \
    SIM_UNCHECKED void __tsan_atomic##bits##_store(volatile T *p, T v, int)                                            \
    {                                                                                                                  \
        sim_accessed(p, sizeof(T), SIM_RMW, SIM_CODE);                                                                 \
        __atomic_store_n(p, v, __ATOMIC_RELAXED);                                                                      \
    }                                                                                                                  \
    SIM_UNCHECKED T __tsan_atomic##bits##_exchange(volatile T *p, T v, int)                                            \
    {                                                                                                                  \
        sim_accessed(p, sizeof(T), SIM_RMW, SIM_CODE);                                                                 \
        return __atomic_exchange_n(p, v, __ATOMIC_RELAXED);                                                            \
    }                                                                                                                  \
    SIM_UNCHECKED int __tsan_atomic##bits##_compare_exchange_strong(volatile T *p, T *expected, T v, int, int)         \
    {                                                                                                                  \
        sim_accessed(p, sizeof(T), SIM_RMW, SIM_CODE);                                                                 \
        return __atomic_compare_exchange_n(p, expected, v, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);                 \
    }                                                                                                                  \
    SIM_UNCHECKED T __tsan_atomic##bits##_compare_exchange_val(volatile T *p, T expected, T v, int, int)               \
    {                                                                                                                  \
        sim_accessed(p, sizeof(T), SIM_RMW, SIM_CODE);                                                                 \
        __atomic_compare_exchange_n(p, &expected, v, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);                       \
        return expected;                                                                                               \
    }
extern "C" {
SIM_ACCESS(1)
SIM_ACCESS(2)
SIM_ACCESS(4)
SIM_ACCESS(8)
SIM_ACCESS(16)
SIM_ATOMICS(32, unsigned)
SIM_ATOMICS(64, unsigned long long)
SIM_UNCHECKED void __tsan_read_range(void *p, size_t bytes)
{
    sim_accessed(p, (unsigned)bytes, SIM_READ, SIM_CODE);
}
SIM_UNCHECKED void __tsan_write_range(void *p, size_t bytes)
{
    sim_accessed(p, (unsigned)bytes, SIM_WRITE, SIM_CODE);
}
SIM_UNCHECKED void __tsan_init() {}
SIM_UNCHECKED void __tsan_func_entry(void *) {}
SIM_UNCHECKED void __tsan_func_exit() {}
SIM_UNCHECKED void __tsan_vptr_update(void *, void *) {}
SIM_UNCHECKED void __tsan_atomic_thread_fence(int) {}
SIM_UNCHECKED void __tsan_atomic_signal_fence(int) {}
/* The compiler turns copies into calls of these, whose accesses nobody would see. */
SIM_UNCHECKED void *__tsan_memcpy(void *to, const void *from, size_t bytes)
{
    sim_accessed(from, (unsigned)bytes, SIM_READ, SIM_CODE);
    sim_accessed(to, (unsigned)bytes, SIM_WRITE, SIM_CODE);
    return __builtin_memcpy(to, from, bytes);
}
SIM_UNCHECKED void *__tsan_memset(void *to, int value, size_t bytes)
{
    sim_accessed(to, (unsigned)bytes, SIM_WRITE, SIM_CODE);
    return __builtin_memset(to, value, bytes);
}
}
#endif

#ifdef SIM_UNDEFINED
struct sim_source_place {
    const char *file;
    unsigned line, column;
};
#define SIM_HANDLER(name, error, text)                                                                                 \
    SIM_UNCHECKED void __ubsan_handle_##name##_abort(sim_source_place *at, void *, void *)                             \
    {                                                                                                                  \
        sim_table->trap(error, text, at->file, (int)at->line);                                                         \
    }
extern "C" {
SIM_HANDLER(type_mismatch_v1, 716, "misaligned or null access")
SIM_HANDLER(shift_out_of_bounds, 719, "shift count out of range")
SIM_HANDLER(out_of_bounds, 719, "index out of bounds")
SIM_HANDLER(divrem_overflow, 719, "division by zero")
}
#endif

/* An access that the runtime makes for the thread, for the lint to count where the kernel asks for it. */
#ifdef SIM_CHECKED
SIM_UNCHECKED static void sim_count(const void *p, unsigned bytes)
{
    sim_table->access((void *)p, bytes, SIM_COUNTED, SIM_CODE);
}
#else
static inline void sim_count(const void *, unsigned) {}
#endif
