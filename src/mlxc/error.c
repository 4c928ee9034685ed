/* SPDX-License-Identifier: MIT
 *
 * The error handler: the one piece of process-wide state in this room, for mlx-c defines it so.
 *
 * A record is counted, and a call of the handler holds it: another thread may install a new handler meanwhile, and the
 * old data are destroyed when the last call of the old handler has returned.  No lock is held while foreign code runs.
 */
#include "mlxc/mlxc.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>

#define MESSAGE_BYTES 2048

typedef struct handler {
    int count; /* under the lock */
    mlx_error_handler_func call;
    void *data;
    void (*dtor)(void *);
} handler;

static struct {
    pthread_mutex_t lock;
    handler *current; /* NULL: the default */
} errors = {PTHREAD_MUTEX_INITIALIZER, NULL};

static handler *current_handler(void)
{
    pthread_mutex_lock(&errors.lock);
    handler *h = errors.current;
    if (h) h->count++;
    pthread_mutex_unlock(&errors.lock);
    return h;
}

static void drop_handler(handler *h)
{
    if (!h) return;
    pthread_mutex_lock(&errors.lock);
    bool last = --h->count == 0;
    pthread_mutex_unlock(&errors.lock);
    if (!last) return;
    if (h->dtor) h->dtor(h->data);
    mx_free(h);
}

static void tell(const char *message)
{
    handler *h = current_handler();
    if (h)
        h->call(message, h->data);
    else
        fprintf(stderr, "MLX error: %s\n", message);
    drop_handler(h);
}

int mlxc_report(const char *name)
{
    char message[MESSAGE_BYTES]; /* a copy: the handler may call the library */
    mx_error_info info = mx_error();
    if (info.code == MX_OK)
        snprintf(message, sizeof message, "[%s] failed.", name);
    else
        snprintf(message, sizeof message, "%s", info.message);
    tell(message);
    return 1;
}

void mlx_set_error_handler(mlx_error_handler_func call, void *data, void (*dtor)(void *))
{
    handler *fresh = NULL;
    mx_error();
    if (call) {
        fresh = mx_alloc(1, sizeof *fresh);
        if (!fresh) {
            mlxc_report(__func__);
            return;
        }
        *fresh = (handler){1, call, data, dtor};
    }
    pthread_mutex_lock(&errors.lock);
    handler *old = errors.current;
    errors.current = fresh;
    pthread_mutex_unlock(&errors.lock);
    drop_handler(old);
    if (!call && dtor) dtor(data);
}

void _mlx_error(const char *file, const int line, const char *fmt, ...)
{
    char text[MESSAGE_BYTES / 2], message[MESSAGE_BYTES];
    va_list list;
    va_start(list, fmt);
    vsnprintf(text, sizeof text, fmt, list);
    va_end(list);
    snprintf(message, sizeof message, "%s at %s:%d", text, file, line);
    tell(message);
}
