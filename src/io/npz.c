/* SPDX-License-Identifier: MIT
 *
 * npz: a zip archive of files in NumPy's format, each named after its array. */
#include "core/memory.h"
#include "io/zip.h"
#include <stdio.h>
#include <string.h>

/* ---- Reading */
/* "x.npy" is the array x; other members are refused by npy_read. */
static bool load_member(source *s, const zip_member *m, mx_table *table)
{
    size_t n = strlen(m->name);
    if (n && m->name[n - 1] == '/') return true; /* a folder */
    source *content = zip_open("load_npz", s, m);
    mx_array *x = content ? npy_read("load_npz", content) : NULL;
    source_drop(&content);
    if (n >= 4 && strcmp(m->name + n - 4, ".npy") == 0) m->name[n - 4] = 0;
    return x && mx_table_put(table, m->name, x);
}

static mx_table *load(source *s)
{
    zip_list list = {0};
    if (!s) return NULL;
    mx_scope scope = mx_scope_open();
    mx_table *table = zip_read("load_npz", s, &list, MX_VALUE) ? mx_table_new() : NULL;
    for (int64_t i = 0; table && i < list.count; i++) {
        if (!load_member(s, &list.members[i], table)) mx_table_free(&table);
    }
    zip_free(&list);
    mx_scope_close(scope, NULL);
    source_drop(&s);
    return table;
}

mx_table *mx_load_npz(const char *path)
{
    return load(source_open("load_npz", path, MX_VALUE));
}
mx_table *mx_load_npz_from(const mx_stream_io *io)
{
    return load(source_of_stream("load_npz", io));
}

/* ---- Writing */
static bool put_array(writer *w, zip_list *list, const char *name, mx_array *x, bool compressed)
{
    char header[NPY_HEADER], *file;
    size_t bytes[2] = {0, mx_nbytes(x)}, n = strlen(name) + sizeof ".npy";
    mx_array *rows = npy_header(w->op, x, header, &bytes[0]);
    const void *data = rows ? array_bytes(rows) : NULL;
    if (!rows || (!data && x->size) || !(file = mx_alloc(n, 1))) return false;
    snprintf(file, n, "%s.npy", name);
    bool ok = zip_put(w, list, file, compressed, (const void *const[]){header, data}, bytes);
    mx_free(file);
    return ok;
}

static bool put_all(writer *w, const mx_table *table, bool compressed)
{
    zip_list list = {0};
    bool ok = true;
    for (int i = 0; i < table->arrays.count && ok; i++) {
        mx_scope scope = mx_scope_open();
        ok = put_array(w, &list, table->arrays.entries[i].name, table->arrays.entries[i].value, compressed);
        mx_scope_close(scope, NULL);
    }
    ok = ok && zip_finish(w, &list);
    zip_free(&list);
    return ok;
}

static bool save(const char *path, const mx_stream_io *io, const mx_table *table, bool compressed)
{
    writer w;
    if (!table_given("savez", table) || !table_eval(table)) return false;
    if (!(io ? writer_of_stream(&w, "savez", io) : writer_open(&w, "savez", path))) return false;
    return writer_close(&w, put_all(&w, table, compressed));
}

bool mx_save_npz(const char *path, const mx_table *table, bool compressed)
{
    return save(path, NULL, table, compressed);
}
bool mx_save_npz_to(const mx_stream_io *io, const mx_table *table, bool compressed)
{
    return io ? save(NULL, io, table, compressed) : mx_fail_false(MX_VALUE, "[savez] the stream is NULL.");
}
