/* SPDX-License-Identifier: MIT
 *
 * Arrays as text, as MLX prints them: no alignment, floats like C++ streams, three entries from each end of an axis of
 * more than six. */
#include "core/complex.h"
#include "core/half_bits.h"
#include "core/memory.h"
#include "core/op.h"
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

typedef struct printer {
    const mx_array *x;
    int precision; /* -1: six significant digits */
    char *text;
    size_t length, capacity;
    bool failed;
} printer;

static void add_v(printer *p, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, again);
    va_end(again);
    p->failed |= n < 0;
    if (p->failed) return;
    if (p->length + (size_t)n + 1 > p->capacity) {
        size_t capacity = 2 * (p->length + (size_t)n + 1);
        char *text = mx_resize(p->text, capacity, 1);
        p->failed = !text;
        if (!text) return;
        p->text = text;
        p->capacity = capacity;
    }
    vsnprintf(p->text + p->length, (size_t)n + 1, format, args);
    p->length += (size_t)n;
}

static void PRINTF_LIKE(2, 3) add(printer *p, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add_v(p, format, args);
    va_end(args);
}

static void add_float(printer *p, double value)
{
    if (p->precision == -1) {
        add(p, "%g", value);
    } else {
        add(p, "%.*f", p->precision, value);
    }
}

static void add_complex(printer *p, const c64_t *value)
{
    add_float(p, (double)value->re);
    add(p, "%s", value->im >= 0 || isnan(value->im) ? "+" : "");
    add_float(p, (double)value->im);
    add(p, "j");
}

static void add_element(printer *p, const void *at)
{
    switch ((mx_dtype)p->x->dtype) {
    case MX_BOOL: add(p, "%s", *(const uint8_t *)at ? "True" : "False"); break;
    case MX_UINT8: add(p, "%u", *(const uint8_t *)at); break;
    case MX_UINT16: add(p, "%u", *(const uint16_t *)at); break;
    case MX_UINT32: add(p, "%" PRIu32, *(const uint32_t *)at); break;
    case MX_UINT64: add(p, "%" PRIu64, *(const uint64_t *)at); break;
    case MX_INT8: add(p, "%d", *(const int8_t *)at); break;
    case MX_INT16: add(p, "%d", *(const int16_t *)at); break;
    case MX_INT32: add(p, "%" PRId32, *(const int32_t *)at); break;
    case MX_INT64: add(p, "%" PRId64, *(const int64_t *)at); break;
    case MX_FLOAT16: add_float(p, (double)f16_to_f32(*(const uint16_t *)at)); break;
    case MX_BFLOAT16: add_float(p, (double)bf16_to_f32(*(const uint16_t *)at)); break;
    case MX_FLOAT32: add_float(p, (double)*(const float *)at); break;
    case MX_FLOAT64: add_float(p, *(const double *)at); break;
    default: add_complex(p, at);
    }
}

/* Between two entries of an axis: inner blocks stand under each other, after "array(" and the brackets before. */
static void add_separator(printer *p, int axis)
{
    if (axis == p->x->ndim - 1) {
        add(p, ", ");
    } else {
        add(p, ",\n%*s", 7 + axis, "");
    }
}

static void add_block(printer *p, int axis, const char *at)
{
    enum { LONGEST = 6, ENDS = 3 };
    const mx_array *x = p->x;
    if (axis == x->ndim) {
        add_element(p, at);
        return;
    }
    int64_t n = x->shape[axis], step = x->strides[axis] * (int64_t)mx_dtype_size((mx_dtype)x->dtype);
    add(p, "[");
    for (int64_t i = 0; i < n && !p->failed; i++) {
        if (i) add_separator(p, axis);
        if (n > LONGEST && i == ENDS) {
            add(p, "...");
            i = n - ENDS - 1;
            continue;
        }
        add_block(p, axis + 1, at + i * step);
    }
    add(p, "]");
}

char *mx_to_text(mx_array *x, int precision)
{
    if (!op_has("to_text", x) || !array_ready(x)) return NULL;
    printer p = {.x = x, .precision = precision};
    add(&p, "array(");
    add_block(&p, 0, array_data(x));
    add(&p, ", dtype=%s)", mx_dtype_name((mx_dtype)x->dtype));
    if (!p.failed) return p.text;
    mx_free(p.text);
    return mx_fail(MX_RUNTIME, "[to_text] the text does not fit.");
}

void mx_free_text(char *text)
{
    mx_free(text);
}
