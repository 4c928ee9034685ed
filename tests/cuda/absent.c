/* SPDX-License-Identifier: MIT
 *
 * No usable GPU: asking is quiet, using it is one clear VALUE error that says why, the CPU works.  Argument: what the reason must
 * contain; the environment says what is wrong. */
#include "mica.h"
#include <stdio.h>
#include <string.h>

static int failures;

static void expect_error(const char *what, bool failed, const char *reason)
{
    mx_error_info e = mx_error();
    if (failed && e.code == MX_VALUE && strstr(e.message, "There is no GPU: ") && strstr(e.message, reason)) return;
    printf("%s: expected a VALUE error with \"%s\", got %d: %s\n", what, reason, (int)e.code,
           e.message ? e.message : "none");
    failures++;
}

int main(int argc, char **argv)
{
    const char *reason = argc > 1 ? argv[1] : "";
    mx_device gpu = {MX_GPU, 0};
    if (mx_device_count(MX_GPU) || mx_device_available(gpu) || mx_failed()) failures++;
    expect_error("set_default_device", !mx_set_default_device(gpu), reason);
    expect_error("new_stream", !mx_new_stream(gpu), reason);
    expect_error("default_stream", !mx_default_stream(gpu), reason);
    mx_device_fact fact;
    expect_error("device_info", !mx_device_info(gpu, 0, &fact), reason);
    mx_array *two = mx_full((mx_shape){0, NULL}, mx_scalar(2, MX_FLOAT32), MX_FLOAT32);
    if (mx_value(mx_add(two, two)) != 4) failures++;
    return failures != 0;
}
