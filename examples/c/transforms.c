/* SPDX-License-Identifier: MIT
 *
 * Functions of functions in the native API: gradient, products with the Jacobian from either side, a whole Hessian, the
 * function over a batch, and compiled.  All of one function, so the numbers can be checked by hand:
 *
 *     f(x) = sum(a x^3), a = (1, 2):  gradient 3 a x^2, Hessian diag(6 a x). */
#include "mica.h"

#include <stdio.h>

/* A function gets arrays and writes arrays; `ctx` is whatever it needs besides. */
static bool f(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)nin, (void)nout;
    mx_array *a = ctx, *x = in[0];
    out[0] = mx_sum(mx_mul(a, mx_mul(x, mx_mul(x, x))), ALL_AXES, false);
    return out[0] != NULL;
}

static bool show(const char *what, mx_array *x)
{
    char *text = x ? mx_to_text(x, -1) : NULL;
    if (text) printf("%-28s %s\n", what, text);
    mx_free_text(text);
    return text != NULL;
}

static bool derivatives(mx_array *a, mx_array *x)
{
    mx_array *value, *grad, *din, *tout, *hessian;
    mx_array *dout = mx_float(10), *tin = mx_from_data((float[]){1, 0}, SHAPE(2), MX_FLOAT32);
    return mx_value_and_grad(f, a, &x, 1, &value, &grad) && show("f(1, 2)", value) && show("gradient", grad) &&
           mx_vjp(f, a, &x, 1, &dout, 1, &value, &din) && show("10 times the Jacobian", din) &&
           mx_jvp(f, a, &x, &tin, 1, &value, &tout, 1) && show("the Jacobian times (1, 0)", tout) &&
           mx_hessian(f, a, &x, 1, &value, 1, &hessian) && show("Hessian", hessian);
}

/* The rows of a matrix at once; f itself sees a vector. */
static bool batched(mx_array *a)
{
    mx_array *rows = mx_from_data((float[]){1, 0, 0, 1, 1, 1}, SHAPE(3, 2), MX_FLOAT32), *values;
    return mx_vmap(f, a, &rows, (const int[]){0}, 1, &values, (const int[]){0}, 1) && show("f of three rows", values);
}

/* f is called once; from then on its graph is made again without it. */
static bool compiled(mx_array *a, mx_array *x)
{
    mx_array *value = NULL;
    mx_compiled *c = mx_compile(f, a, 1, false);
    bool ok = c && mx_compiled_call(c, &x, 1, &value) && mx_compiled_call(c, &x, 1, &value) && show("compiled", value);
    mx_compiled_free(&c);
    return ok;
}

int main(void)
{
    mx_scope s = mx_scope_open();
    mx_array *a = mx_from_data((float[]){1, 2}, SHAPE(2), MX_FLOAT32), *x = a;
    bool ok = derivatives(a, x) && batched(a) && compiled(a, x);
    mx_scope_close(s, NULL);
    if (!ok) fprintf(stderr, "%s\n", mx_error().message);
    return !ok;
}
