/* SPDX-License-Identifier: MIT
 *
 * Arrays as text, as MLX prints them: no alignment, floats like C++ streams, three entries from each end of an axis of
 * more than six. */
#include "core/complex.h"
#include "core/half_bits.h"
#include "core/memory.h"
#include "core/op.h"
#include "core/text.h"
#include <inttypes.h>
#include <math.h>

typedef struct printer {
    const mx_array *x;
    int precision; /* -1: six significant digits */
    text text;
} printer;

static void add_float(printer *p, double value)
{
    if (p->precision == -1) {
        text_add(&p->text, "%g", value);
    } else {
        text_add(&p->text, "%.*f", p->precision, value);
    }
}

static void add_complex(printer *p, const c64_t *value)
{
    add_float(p, (double)value->re);
    text_add(&p->text, "%s", value->im >= 0 || isnan(value->im) ? "+" : "");
    add_float(p, (double)value->im);
    text_add(&p->text, "j");
}

static void add_element(printer *p, const void *at)
{
    switch ((mx_dtype)p->x->dtype) {
    case MX_BOOL: text_add(&p->text, "%s", *(const uint8_t *)at ? "True" : "False"); break;
    case MX_UINT8: text_add(&p->text, "%u", *(const uint8_t *)at); break;
    case MX_UINT16: text_add(&p->text, "%u", *(const uint16_t *)at); break;
    case MX_UINT32: text_add(&p->text, "%" PRIu32, *(const uint32_t *)at); break;
    case MX_UINT64: text_add(&p->text, "%" PRIu64, *(const uint64_t *)at); break;
    case MX_INT8: text_add(&p->text, "%d", *(const int8_t *)at); break;
    case MX_INT16: text_add(&p->text, "%d", *(const int16_t *)at); break;
    case MX_INT32: text_add(&p->text, "%" PRId32, *(const int32_t *)at); break;
    case MX_INT64: text_add(&p->text, "%" PRId64, *(const int64_t *)at); break;
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
        text_add(&p->text, ", ");
    } else {
        text_add(&p->text, ",\n%*s", 7 + axis, "");
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
    text_add(&p->text, "[");
    for (int64_t i = 0; i < n && !p->text.failed; i++) {
        if (i) add_separator(p, axis);
        if (n > LONGEST && i == ENDS) {
            text_add(&p->text, "...");
            i = n - ENDS - 1;
            continue;
        }
        add_block(p, axis + 1, at + i * step);
    }
    text_add(&p->text, "]");
}

char *mx_to_text(mx_array *x, int precision)
{
    if (!op_has("to_text", x) || !array_ready(x)) return NULL;
    printer p = {.x = x, .precision = precision};
    text_add(&p.text, "array(");
    add_block(&p, 0, array_data(x));
    text_add(&p.text, ", dtype=%s)", mx_dtype_name((mx_dtype)x->dtype));
    return text_take(&p.text, "to_text");
}

void mx_free_text(char *text)
{
    mx_free(text);
}
