/* SPDX-License-Identifier: MIT
 *
 * Strides of views over memory that is not there yet. */
#include "core/layout.h"

bool layout_view(mx_array *view)
{
    mx_array *in = view->in[0];
    mx_call c = {
        .op = view->op, .params = array_params(view), .in = view->in, .nin = view->nin, .out = &view, .nout = 1};
    if (!layout_is_view(in)) array_set_row_major(in);
    view->offset = in->offset;
    if (!view->op->view(&c, view)) return false;
    array_set_contiguity(view);
    return true;
}

int64_t layout_spread(const mx_array *x)
{
    int64_t spread = 1, expected = 1;
    int i = x->ndim - 1;
    for (; i >= 0 && (x->shape[i] == 1 || x->strides[i] == 0); i--) spread *= x->shape[i];
    for (; i >= 0; i--) {
        if (x->shape[i] != 1 && x->strides[i] != expected) return 0;
        expected *= x->shape[i];
    }
    return spread;
}

/* Do axes [begin, end) step evenly, `step` at a time, over `size` elements? */
static bool is_even(const mx_array *x, int begin, int end, int64_t step, int64_t size)
{
    int64_t expected = step;
    for (int i = end - 1; i >= begin; i--) {
        if (x->shape[i] != 1 && x->strides[i] != expected) return false;
        expected *= x->shape[i];
    }
    return expected == step * size;
}

bool layout_columns(const mx_array *x, int kept, int64_t rows, int64_t columns)
{
    return is_even(x, 0, kept, 1, columns) && is_even(x, kept, x->ndim, columns, rows);
}

bool layout_permutes(const mx_array *x)
{
    int64_t covered = 1;
    for (bool found = true; found && covered < x->size;) {
        found = false;
        for (int i = 0; i < x->ndim && !found; i++) {
            found = x->shape[i] != 1 && x->strides[i] == covered;
            if (found) covered *= x->shape[i];
        }
    }
    return covered == x->size;
}
