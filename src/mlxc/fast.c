/* SPDX-License-Identifier: MIT
 *
 * Operations of language models. */
#include "mlxc/mlxc.h"

#include <string.h>

int mlx_fast_rms_norm(mlx_array *res, const mlx_array x, const mlx_array weight, float eps, const mlx_stream s)
{
    RETURN(res, s, mx_rms_norm(ARRAY(x), MAYBE(weight), eps));
}

int mlx_fast_layer_norm(mlx_array *res, const mlx_array x, const mlx_array weight, const mlx_array bias, float eps,
                        const mlx_stream s)
{
    RETURN(res, s, mx_layer_norm(ARRAY(x), MAYBE(weight), MAYBE(bias), eps));
}

static mx_array *rope(const char *name, mx_array *x, mx_rope_options options, mlx_optional_float base, mx_array *offset,
                      mx_array *freqs)
{
    if (base.has_value == (freqs != NULL))
        return mx_fail(MX_VALUE, "[%s] one of base and freqs must be given, and only one.", name);
    options.base = base.has_value ? base.value : 0;
    return mx_rope(x, options, offset, freqs);
}

int mlx_fast_rope(mlx_array *res, const mlx_array x, int dims, bool traditional, mlx_optional_float base, float scale,
                  int offset, const mlx_array freqs, const mlx_stream s)
{
    mx_rope_options options = {.dims = dims, .traditional = traditional, .scale = scale};
    RETURN(res, s, rope(__func__, ARRAY(x), options, base, mx_int(offset), MAYBE(freqs)));
}

int mlx_fast_rope_dynamic(mlx_array *res, const mlx_array x, int dims, bool traditional, mlx_optional_float base,
                          float scale, const mlx_array offset, const mlx_array freqs, const mlx_stream s)
{
    mx_rope_options options = {.dims = dims, .traditional = traditional, .scale = scale};
    RETURN(res, s, rope(__func__, ARRAY(x), options, base, ARRAY(offset), MAYBE(freqs)));
}

/* The mask that a mode asks for; an error for a mode that does not go with what was passed. */
static mx_array *mask_for(const char *name, const char *mode, mx_array *mask, bool *causal)
{
    *causal = mode && strcmp(mode, "causal") == 0;
    bool array = mode && strcmp(mode, "array") == 0;
    if (mode && *mode && !*causal && !array)
        return mx_fail(MX_VALUE, "[%s] mask_mode \"%s\" is not \"\", \"causal\" or \"array\".", name, mode);
    if (array && !mask) return mx_fail(MX_VALUE, "[%s] mask_mode is \"array\" and mask_arr is empty.", name);
    if (*causal && mask) return mx_fail(MX_VALUE, "[%s] mask_mode is \"causal\" and mask_arr is given.", name);
    return mask;
}

int mlx_fast_scaled_dot_product_attention(mlx_array *res, const mlx_array queries, const mlx_array keys,
                                          const mlx_array values, float scale, const char *mask_mode,
                                          const mlx_array mask_arr, const mlx_array sinks, const mlx_stream s)
{
    mlxc_call call = mlxc_enter_on(__func__, s);
    bool causal = false;
    mx_array *mask = mask_for(__func__, mask_mode, MAYBE(mask_arr), &causal);
    mx_array *q = ARRAY(queries), *k = ARRAY(keys), *v = ARRAY(values);
    return mlxc_leave(&call, res, mx_failed() ? NULL : mx_attention(q, k, v, scale, causal, mask, MAYBE(sinks)));
}
