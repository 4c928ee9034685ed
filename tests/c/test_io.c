/* SPDX-License-Identifier: MIT
 *
 * Files: what is written is read back, byte for byte what MLX writes; hostile files are refused. */
#include "check.h"
#include "core/memory.h"
#include "mica/io.h"
#include "mica/stream.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- A file of one's own */
typedef struct scratch_file {
    char folder[64], path[96];
} scratch_file;

static scratch_file scratch_open(const char *name)
{
    scratch_file f;
    snprintf(f.folder, sizeof f.folder, "mica-test-XXXXXX");
    CHECK(mkdtemp(f.folder) != NULL);
    snprintf(f.path, sizeof f.path, "%s/%s", f.folder, name);
    return f;
}

/* Nothing but the file is left: temporary ones are gone, or the folder would stay. */
static void scratch_close(scratch_file *f)
{
    unlink(f->path);
    CHECK(rmdir(f->folder) == 0);
}

static void write_bytes(const char *path, const void *data, size_t bytes)
{
    FILE *f = fopen(path, "wb");
    CHECK(f && fwrite(data, 1, bytes, f) == bytes);
    if (f) fclose(f);
}

static size_t read_bytes(const char *path, char *to, size_t capacity)
{
    FILE *f = fopen(path, "rb");
    size_t n = f ? fread(to, 1, capacity, f) : 0;
    if (f) fclose(f);
    return n;
}

static bool same(mx_array *a, mx_array *b)
{
    char x[8192], y[8192];
    size_t bytes = mx_nbytes(a);
    if (!a || !b || mx_dtype_of(a) != mx_dtype_of(b) || mx_ndim(a) != mx_ndim(b) || bytes != mx_nbytes(b)) return false;
    for (int i = 0; i < mx_ndim(a); i++) {
        if (mx_dim(a, i) != mx_dim(b, i)) return false;
    }
    return bytes <= sizeof x && mx_read(a, x, bytes) && mx_read(b, y, bytes) && memcmp(x, y, bytes) == 0;
}

static mx_array *numbers(mx_dtype dtype)
{
    float x[6] = {0, 1, 2, 3, 4, 5};
    return mx_astype(mx_from_data(x, SHAPE(2, 3), MX_FLOAT32), dtype);
}

/* ---- Samples */
/* A table with one array of 0, 1, 2, ..., through a file that is gone by name when the array is read. */
static mx_array *through_file(int64_t count)
{
    scratch_file f = scratch_open("a.safetensors");
    mx_table *table = mx_table_new(), *back = NULL;
    float *x = mx_alloc((size_t)count + 1, sizeof *x);
    mx_array *y = NULL;
    for (int64_t i = 0; x && i < count; i++) x[i] = (float)i;
    if (x && table && mx_table_put(table, "x", mx_from_data(x, SHAPE(count), MX_FLOAT32)) &&
        mx_save_safetensors(f.path, table) && (back = mx_load_safetensors(f.path)))
        y = mx_temporary(mx_keep(mx_table_get(back, "x")));
    mx_table_free(&table);
    mx_table_free(&back);
    mx_free(x);
    unlink(f.path);
    rmdir(f.folder);
    return y;
}

static mx_array *load_some(mx_array *const *x)
{
    return mx_add(through_file(7), x[0]);
}
static mx_array *load_none(mx_array *const *x)
{
    return mx_add(through_file(0), x[0]);
}
const op_sample samples_load[] = {
    {"some", load_some, {IN(7)}, DTYPE(MX_FLOAT32), 0}, {"none", load_none, {IN(1)}, DTYPE(MX_FLOAT32), 0}, {0}};

/* ---- safetensors */
static const char header_of_one[] =
    "{\"__metadata__\":null,\"a\":{\"data_offsets\":[0,24],\"dtype\":\"I32\",\"shape\":[2,3]}}";

TEST(safetensors_files_are_those_of_mlx)
{
    scratch_file f = scratch_open("a.safetensors");
    char got[512];
    mx_table *table = mx_table_new();
    CHECK(mx_table_put(table, "a", numbers(MX_INT32)) && mx_save_safetensors(f.path, table));
    size_t n = read_bytes(f.path, got, sizeof got);
    CHECK(n == 8 + 77 + 24 && got[0] == 77 && memcmp(got + 8, header_of_one, 77) == 0);
    static const char wanted[] =
        "{\"A\":{\"data_offsets\":[24,48],\"dtype\":\"F32\",\"shape\":[3,2]},\"__metadata__\":{\"\":\"x\",\"k\":\"v\\t"
        "\xc3\xa9\\\\\"},\"a\":{\"data_offsets\":[0,24],\"dtype\":\"I32\",\"shape\":[2,3]},\"b\\\"\\n\\u001f\":"
        "{\"data_offsets\":[48,52],\"dtype\":\"F32\",\"shape\":[]}}";
    CHECK(mx_table_put(table, "A", mx_transpose(numbers(MX_FLOAT32), ALL_AXES)));
    CHECK(mx_table_put(table, "b\"\n\x1f", mx_float(2.5)));
    CHECK(mx_table_put_text(table, "k", "v\t\xc3\xa9\\") && mx_table_put_text(table, "", "x"));
    CHECK(mx_save_safetensors(f.path, table));
    n = read_bytes(f.path, got, sizeof got);
    CHECK(n == 8 + sizeof wanted - 1 + 52 && memcmp(got + 8, wanted, sizeof wanted - 1) == 0);
    mx_table_free(&table);
    scratch_close(&f);
}

TEST(safetensors_come_back)
{
    scratch_file f = scratch_open("a.safetensors");
    mx_table *table = mx_table_new(), *back;
    char name[16];
    for (int d = 0; d < MX_DTYPE_COUNT; d++) {
        if (d == MX_FLOAT64) continue;
        snprintf(name, sizeof name, "t%d", 20 - d);
        CHECK(mx_table_put(table, name, numbers((mx_dtype)d)));
    }
    CHECK(mx_table_put(table, "big", mx_scalar_int(INT64_MIN, MX_UINT64)));
    CHECK(mx_table_put(table, "none", mx_zeros(SHAPE(0, 5), MX_FLOAT16)));
    CHECK(mx_table_put_text(table, "note", "one") && mx_table_put_text(table, "note", "two"));
    CHECK(mx_save_safetensors(f.path, table) && (back = mx_load_safetensors(f.path)));
    CHECK(mx_table_count(back) == mx_table_count(table));
    for (int i = 0; i < mx_table_count(table); i++)
        CHECK(same(mx_table_value(table, i), mx_table_get(back, mx_table_name(table, i))));
    CHECK(mx_table_text_count(back) == 1 && strcmp(mx_table_text(back, 0), "two") == 0);
    CHECK_CODE(mx_table_get(back, "nothing"), MX_VALUE, "[table] there is no array \"nothing\"");
    CHECK_CODE(mx_table_name(back, 99), MX_INDEX, "[table] there is no entry 99");
    CHECK(mx_table_put(table, "f64", mx_scalar(1, MX_FLOAT64)));
    CHECK_CODE(mx_save_safetensors(f.path, table), MX_RUNTIME, "[save_safetensors] array \"f64\"");
    mx_table_free(&table);
    mx_table_free(&back);
    scratch_close(&f);
}

/* Writes a header and `data_bytes` of data. */
static void write_safetensors(const char *path, const char *header, size_t data_bytes)
{
    char file[2048] = {0};
    size_t n = strlen(header);
    for (int i = 0; i < 8; i++) file[i] = (char)((uint64_t)n >> (8 * i));
    memcpy(file + 8, header, n);
    for (size_t i = 0; i < data_bytes; i++) file[8 + n + i] = (char)i;
    write_bytes(path, file, 8 + n + data_bytes);
}

static void check_refused(const char *header, size_t data_bytes, const char *why)
{
    scratch_file f = scratch_open("hostile.safetensors");
    write_safetensors(f.path, header, data_bytes);
    mx_table *table = mx_load_safetensors(f.path);
    mx_error_info e = mx_error();
    check_that(!table && strstr(e.message, why), __FILE__, __LINE__, "%s: not \"%s\" but \"%s\"", header, why,
               e.message);
    check_that(e.code == MX_RUNTIME || e.code == MX_OVERFLOW, __FILE__, __LINE__, "%s: code %d", header, (int)e.code);
    mx_table_free(&table);
    scratch_close(&f);
}

#define ENTRY(dtype, shape, offsets) "{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"

TEST(safetensors_refuse_hostile_headers)
{
    check_refused("", 0, "JSON");
    check_refused("[]", 0, "not a JSON object");
    check_refused("{\"a\":1}", 0, "not described by an object");
    check_refused("{\"a\":{}}", 0, "dtype is not a string");
    check_refused("{\"a\":" ENTRY("F128", "[1]", "[0,4]") "}", 4, "unsupported dtype F128");
    check_refused("{\"a\":" ENTRY("F64", "[1]", "[0,8]") "}", 8, "unsupported dtype F64");
    check_refused("{\"a\":" ENTRY("F32", "1", "[0,4]") "}", 4, "not a list");
    check_refused("{\"a\":" ENTRY("F32", "[1.5]", "[0,4]") "}", 4, "whole numbers");
    check_refused("{\"a\":" ENTRY("F32", "[-1]", "[0,4]") "}", 4, "whole numbers");
    check_refused("{\"a\":" ENTRY("F32", "[1]", "[0,4,8]") "}", 8, "two whole numbers");
    check_refused("{\"a\":" ENTRY("F32", "[1]", "[0,8]") "}", 4, "outside");
    check_refused("{\"a\":" ENTRY("F32", "[1]", "[-4,0]") "}", 4, "outside");
    check_refused("{\"a\":" ENTRY("F32", "[1]", "[4,0]") "}", 4, "outside");
    check_refused("{\"a\":" ENTRY("F32", "[2]", "[0,4]") "}", 8, "do not fit");
    check_refused("{\"a\":" ENTRY("F32", "[4611686018427387904,4]", "[0,0]") "}", 0, "address space");
    check_refused("{\"a\":" ENTRY("F32", "[99999999999999999999]", "[0,0]") "}", 0, "JSON");
    check_refused("{\"a\":" ENTRY("U8", "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]", "[0,1]") "}", 1, "16 dimensions");
    check_refused("{\"a\":" ENTRY("U8", "[4]", "[0,4]") ",\"b\":" ENTRY("U8", "[4]", "[3,7]") "}", 8, "share");
    check_refused("{\"a\":" ENTRY("U8", "[1]", "[0,1]") ",\"a\":" ENTRY("U8", "[1]", "[0,1]") "}", 1, "JSON");
    check_refused("{\"__metadata__\":{\"a\":1}}", 0, "not a string");
    check_refused("{\"__metadata__\":7}", 0, "__metadata__");
}

TEST(safetensors_refuse_cut_files)
{
    scratch_file f = scratch_open("cut.safetensors");
    char huge[16] = "\xff\xff\xff\xff\xff\xff\xff\x7f{}";
    write_bytes(f.path, huge, 4);
    CHECK_CODE(mx_load_safetensors(f.path), MX_RUNTIME, "[load_safetensors]");
    write_bytes(f.path, huge, 10);
    CHECK_CODE(mx_load_safetensors(f.path), MX_RUNTIME, "[load_safetensors]");
    /* A file that shrinks between opening and reading. */
    write_safetensors(f.path, "{\"a\":" ENTRY("U8", "[4]", "[0,4]") "}", 4);
    mx_table *table = mx_load_safetensors(f.path);
    CHECK(table && truncate(f.path, 12) == 0);
    CHECK_CODE(mx_eval(mx_table_get(table, "a")), MX_RUNTIME, "[load]");
    CHECK_CODE(mx_synchronize(NULL), MX_RUNTIME, "[load]"); /* the stream remembers it too */
    mx_table_free(&table);
    CHECK_CODE(mx_load_safetensors("no/such/file"), MX_RUNTIME, "[load_safetensors] Failed to open");
    CHECK_CODE(mx_load_safetensors(f.folder), MX_RUNTIME, "[load_safetensors]");
    CHECK_CODE(mx_load_safetensors(NULL), MX_VALUE, "[load_safetensors]");
    scratch_close(&f);
}

TEST(a_bool_of_a_file_is_0_or_1)
{
    scratch_file f = scratch_open("b.safetensors");
    write_safetensors(f.path, "{\"a\":" ENTRY("BOOL", "[4]", "[0,4]") "}", 4);
    mx_table *table = mx_load_safetensors(f.path);
    unsigned char got[4];
    CHECK(table && mx_read(mx_table_get(table, "a"), got, 4));
    CHECK(got[0] == 0 && got[1] == 1 && got[2] == 1 && got[3] == 1);
    mx_table_free(&table);
    scratch_close(&f);
}

/* ---- Writing */
TEST(a_file_is_replaced_whole)
{
    scratch_file f = scratch_open("a.safetensors");
    mx_table *table = mx_table_new(), *back;
    struct stat st;
    CHECK(mx_table_put(table, "a", numbers(MX_INT32)) && mx_save_safetensors(f.path, table));
    CHECK(chmod(f.path, 0600) == 0);
    /* The old file is read after the new one took its name. */
    CHECK((back = mx_load_safetensors(f.path)) != NULL);
    CHECK(mx_table_put(table, "a", mx_add(mx_table_get(back, "a"), numbers(MX_INT32))));
    mx_array *old = mx_temporary(mx_keep(mx_table_get(back, "a")));
    mx_table_free(&back);
    CHECK(mx_save_safetensors(f.path, table) && same(old, numbers(MX_INT32)));
    CHECK(stat(f.path, &st) == 0 && (st.st_mode & 0777) == 0600);
    CHECK((back = mx_load_safetensors(f.path)) != NULL);
    CHECK_VALUES(mx_table_get(back, "a"), 0, 0, 2, 4, 6, 8, 10);
    mx_table_free(&back);
    CHECK_CODE(mx_save_safetensors("no/such/folder/a", table), MX_RUNTIME, "[save_safetensors] Failed to open");
    CHECK_CODE(mx_save_safetensors(f.folder, table), MX_RUNTIME, "[save_safetensors] Failed to open");
    CHECK_CODE(mx_save_safetensors(f.path, NULL), MX_VALUE, "[save_safetensors] the table");
    CHECK(mx_save_safetensors("/dev/null", table));
    mx_table_free(&table);
    scratch_close(&f);
}

/* ---- Streams: a file in memory */
typedef struct memory_file {
    char bytes[4096];
    int64_t size, at;
} memory_file;

static bool memory_read(void *ctx, void *to, size_t n)
{
    memory_file *m = ctx;
    if ((int64_t)n > m->size - m->at) return false;
    memcpy(to, m->bytes + m->at, n);
    m->at += (int64_t)n;
    return true;
}

static bool memory_write(void *ctx, const void *from, size_t n)
{
    memory_file *m = ctx;
    if (m->at + (int64_t)n > (int64_t)sizeof m->bytes) return false;
    memcpy(m->bytes + m->at, from, n);
    m->at += (int64_t)n;
    m->size = m->at > m->size ? m->at : m->size;
    return true;
}

static bool memory_seek(void *ctx, int64_t offset, int whence)
{
    memory_file *m = ctx;
    m->at = offset + (whence == SEEK_END ? m->size : whence == SEEK_CUR ? m->at : 0);
    return m->at >= 0;
}

static int64_t memory_tell(void *ctx)
{
    return ((memory_file *)ctx)->at;
}

static mx_stream_io memory_io(memory_file *m)
{
    return (mx_stream_io){m, memory_read, memory_write, memory_seek, memory_tell, "memory"};
}

/* ---- npy */
typedef struct npy_case {
    const char *header; /* with its padding */
    mx_array *x;
} npy_case;

static void check_npy(const char *path, npy_case c)
{
    char got[1024];
    CHECK(mx_save_npy(path, c.x));
    size_t n = read_bytes(path, got, sizeof got), length = strlen(c.header);
    bool ok = n == 10 + length + mx_nbytes(c.x) && memcmp(got, "\x93NUMPY\1", 8) == 0 && got[8] == (char)length &&
              memcmp(got + 10, c.header, length) == 0;
    check_that(ok, __FILE__, __LINE__, "the header is %.*s", (int)(n > 10 ? n - 10 : 0), got + 10);
    CHECK(same(mx_load_npy(path), c.x));
}

TEST(npy_files_are_those_of_mlx)
{
    scratch_file f = scratch_open("a.npy");
    mx_array *x = numbers(MX_FLOAT32), *row = mx_reshape(x, SHAPE(6));
    const npy_case cases[] = {
        {"{'descr': '<f4', 'fortran_order': True, 'shape': ()} \n", mx_float(1.5)},
        {"{'descr': '<f4', 'fortran_order': True, 'shape': (6, )}    \n", row},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3, )}        \n", x},
        {"{'descr': '<f4', 'fortran_order': True, 'shape': (3, 2, )}       \n", mx_transpose(x, ALL_AXES)},
        {"{'descr': '<f4', 'fortran_order': True, 'shape': (0, 3, )}       \n", mx_zeros(SHAPE(0, 3), MX_FLOAT32)},
        {"{'descr': '<V2', 'fortran_order': False, 'shape': (2, 3, )}        \n", numbers(MX_BFLOAT16)},
        {"{'descr': '|b1', 'fortran_order': True, 'shape': (6, )}    \n", mx_astype(row, MX_BOOL)},
        {"{'descr': '<c8', 'fortran_order': True, 'shape': (6, )}    \n", mx_astype(row, MX_COMPLEX64)},
        {"{'descr': '<f8', 'fortran_order': True, 'shape': (6, )}    \n", mx_astype(row, MX_FLOAT64)},
        {"{'descr': '|i1', 'fortran_order': True, 'shape': (6, )}    \n", mx_astype(row, MX_INT8)},
        {"{'descr': '<u8', 'fortran_order': True, 'shape': (6, )}    \n", mx_astype(row, MX_UINT64)},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) check_npy(f.path, cases[i]);
    scratch_close(&f);
}

/* A file of version 1, or of 2 where `version` says so. */
static mx_array *load_header(const char *path, int version, const char *header, const void *data, size_t bytes)
{
    char file[1024] = "\x93NUMPY";
    size_t n = strlen(header), begin = version == 1 ? 10 : 12;
    file[6] = (char)version;
    file[8] = (char)n;
    file[9] = (char)(n >> 8);
    memcpy(file + begin, header, n);
    memcpy(file + begin + n, data, bytes);
    write_bytes(path, file, begin + n + bytes);
    return mx_load_npy(path);
}

TEST(npy_reads_what_others_write)
{
    scratch_file f = scratch_open("b.npy");
    const char *big_endian = "{\"shape\":(2L,),'descr':'>i2' , 'fortran_order':False}";
    CHECK_VALUES(load_header(f.path, 1, big_endian, "\1\2\3\4", 4), 0, 0x102, 0x304);
    CHECK_VALUES(load_header(f.path, 2, big_endian, "\1\2\3\4", 4), 0, 0x102, 0x304);
    const char *columns = "{'descr': '<u1', 'fortran_order': True, 'shape': (2, 3)}";
    CHECK_VALUES(load_header(f.path, 3, columns, "\1\2\3\4\5\6", 6), 0, 1, 3, 5, 2, 4, 6);
    const char *complex_header = "{'descr': '>c8', 'fortran_order': False, 'shape': ()}";
    mx_array *z = load_header(f.path, 1, complex_header, "\x3f\x80\0\0\x40\0\0\0", 8);
    float re, im;
    CHECK(mx_value_complex(z, &re, &im) && re == 1 && im == 2);
    scratch_close(&f);
}

#define NPY(descr, order, shape) "{'descr': " descr ", 'fortran_order': " order ", 'shape': " shape "}"

TEST(npy_refuses_hostile_files)
{
    scratch_file f = scratch_open("c.npy");
    static const char *const headers[] = {"",
                                          "{",
                                          "{}",
                                          "[]",
                                          "{'descr'",
                                          "{'descr': 1}",
                                          "{1: 2}",
                                          NPY("'<f4'", "True", "(1)") "x",
                                          NPY("[('a', '<f4')]", "True", "(1,)"),
                                          NPY("'<f4'", "1", "(1,)"),
                                          NPY("'<f4'", "True", "1"),
                                          NPY("'<f4'", "True", "(-1,)"),
                                          NPY("'<f4'", "True", "(1.5,)"),
                                          NPY("'<f4'", "True", "(1,"),
                                          NPY("'<f4'", "True", "(1 2)"),
                                          NPY("'<f4'", "True", "(99999999999999999999,)"),
                                          NPY("'<f4'", "True", "(1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1)"),
                                          NPY("'<f4'", "True", "(2,)"),
                                          NPY("'<f4'", "True", "(9223372036854775807,)")};
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        CHECK_ERROR(load_header(f.path, 1, headers[i], "\0\0\0\0", 4), "[load_npy]");
    CHECK_CODE(load_header(f.path, 1, NPY("'<U2'", "True", "(1,)"), "\0\0\0\0", 4), MX_VALUE, "[load_npy]");
    CHECK_CODE(load_header(f.path, 9, NPY("'<f4'", "True", "(1,)"), "\0\0\0\0", 4), MX_RUNTIME, "[load_npy]");
    write_bytes(f.path, "garbage", 7);
    CHECK_CODE(mx_load_npy(f.path), MX_RUNTIME, "[load_npy]");
    CHECK_CODE(mx_load_npy("no/such/file.npy"), MX_RUNTIME, "[load_npy] Failed to open");
    CHECK_CODE(mx_save_npy(f.path, NULL), MX_VALUE, "[save_npy]");
    scratch_close(&f);
}

/* ---- npz */
static mx_table *some_table(void)
{
    mx_table *table = mx_table_new();
    CHECK(mx_table_put(table, "a", numbers(MX_INT32)) && mx_table_put(table, "b/c", numbers(MX_BFLOAT16)));
    CHECK(mx_table_put(table, "none", mx_zeros(SHAPE(0), MX_FLOAT32)) && mx_table_put(table, "x", mx_float(2)));
    CHECK(mx_table_put(table, "t", mx_transpose(numbers(MX_FLOAT32), ALL_AXES)));
    CHECK(mx_table_put(table, "many", mx_zeros(SHAPE(50, 10), MX_FLOAT32)));
    return table;
}

static void check_same_tables(const mx_table *a, const mx_table *b)
{
    CHECK(mx_table_count(a) == mx_table_count(b));
    for (int i = 0; i < mx_table_count(a) && b; i++) {
        CHECK(strcmp(mx_table_name(a, i), mx_table_name(b, i)) == 0);
        CHECK(same(mx_table_value(a, i), mx_table_value(b, i)));
    }
}

TEST(npz_comes_back)
{
    scratch_file f = scratch_open("a.npz");
    mx_table *table = some_table(), *back = NULL;
    for (int compressed = 0; compressed < 2; compressed++) {
        CHECK(mx_save_npz(f.path, table, compressed) && (back = mx_load_npz(f.path)));
        check_same_tables(table, back);
        mx_table_free(&back);
    }
    mx_table_free(&table);
    CHECK((table = mx_table_new()) && mx_save_npz(f.path, table, false) && (back = mx_load_npz(f.path)));
    CHECK(mx_table_count(back) == 0);
    mx_table_free(&table);
    mx_table_free(&back);
    write_bytes(f.path, "garbage", 7);
    CHECK_CODE(mx_load_npz(f.path), MX_VALUE, "[load_npz]");
    CHECK_CODE(mx_load_npz("no/such/file.npz"), MX_VALUE, "[load_npz] Failed to open");
    CHECK_CODE(mx_save_npz(f.path, NULL, false), MX_VALUE, "[savez]");
    scratch_close(&f);
}

TEST(streams_are_read_at_once)
{
    memory_file m = {.bytes = "before", .size = 6, .at = 6};
    mx_stream_io io = memory_io(&m);
    mx_table *table = some_table(), *back;
    CHECK(mx_save_safetensors_to(&io, table));
    m.at = 6;
    CHECK((back = mx_load_safetensors_from(&io)) != NULL);
    memset(m.bytes, 0, sizeof m.bytes);
    check_same_tables(table, back);
    mx_table_free(&back);
    for (int compressed = 0; compressed < 2; compressed++) {
        m.at = m.size = 0;
        CHECK(mx_save_npz_to(&io, table, compressed));
        m.at = 0;
        CHECK((back = mx_load_npz_from(&io)) != NULL);
        check_same_tables(table, back);
        mx_table_free(&back);
    }
    mx_table_free(&table);
    m.at = m.size = 0;
    CHECK(mx_save_npy_to(&io, numbers(MX_INT16)));
    m.at = 0;
    CHECK(same(mx_load_npy_from(&io), numbers(MX_INT16)));
    m.at = sizeof m.bytes - 4;
    CHECK_CODE(mx_save_npy_to(&io, numbers(MX_INT16)), MX_RUNTIME, "[save_npy] cannot write to memory");
    CHECK_CODE(mx_save_npy_to(NULL, numbers(MX_INT16)), MX_VALUE, "[save_npy]");
    CHECK_CODE(mx_load_npz_from(NULL), MX_VALUE, "[load_npz]");
    CHECK_CODE(mx_load_npy_from(&(mx_stream_io){0}), MX_VALUE, "[load_npy]");
}

/* Every byte changed in some ways, every length: an error or arrays, never a crash or a leak. */
static void load_mangled(memory_file *m, int format)
{
    mx_stream_io io = memory_io(m);
    mx_table *table = NULL;
    mx_scope s = mx_scope_open();
    m->at = 0;
    if (format == 0) mx_load_npy_from(&io);
    if (format > 0) table = format < 3 ? mx_load_npz_from(&io) : mx_load_safetensors_from(&io);
    mx_table_free(&table);
    mx_error();
    mx_scope_close(s, NULL);
}

TEST(mangled_files_do_no_harm)
{
    for (int format = 0; format < 4; format++) {
        memory_file m = {.size = 0}, copy;
        mx_stream_io io = memory_io(&m);
        mx_table *table = mx_table_new();
        CHECK(mx_table_put(table, "a", numbers(MX_INT32)) && mx_table_put(table, "b", numbers(MX_BOOL)));
        CHECK(format == 0   ? mx_save_npy_to(&io, numbers(MX_INT32))
              : format == 3 ? mx_save_safetensors_to(&io, table)
                            : mx_save_npz_to(&io, table, format == 2));
        mx_table_free(&table);
        for (int64_t i = 0; i < m.size; i++) {
            static const int changes[] = {0x01, 0x80, 0xff, 0x20, 0x09};
            for (size_t k = 0; k < sizeof changes / sizeof *changes; k++) {
                copy = m;
                copy.bytes[i] = (char)(copy.bytes[i] ^ changes[k]);
                load_mangled(&copy, format);
            }
            copy = m;
            copy.size = i;
            load_mangled(&copy, format);
        }
    }
}

/* ---- Failing allocations */
/* Saves and loads; true if nothing failed. */
static bool round_trip(int format, const mx_table *table, const char *path)
{
    mx_table *back = NULL;
    mx_array *x = mx_table_value(table, 0);
    bool ok = format == 0   ? mx_save_npy(path, x) && mx_eval(mx_load_npy(path))
              : format == 3 ? mx_save_safetensors(path, table) && (back = mx_load_safetensors(path))
                            : mx_save_npz(path, table, format == 2) && (back = mx_load_npz(path));
    for (int i = 0; ok && i < mx_table_count(back); i++) ok = mx_eval(mx_table_value(back, i));
    mx_table_free(&back);
    return ok;
}

TEST(files_survive_failing_allocations)
{
    scratch_file f = scratch_open("a.file");
    for (int format = 0; format < 4; format++) {
        mx_table *table = some_table();
        bool ok = false;
        CHECK(mx_table_put_text(table, "note", "text"));
        CHECK(round_trip(format, table, f.path));
        for (int64_t n = 1; !ok && n < 2000; n++) {
            mx_scope s = mx_scope_open();
            memory_fail_at(n, false);
            ok = round_trip(format, table, f.path);
            memory_fail_at(0, false);
            mx_scope_close(s, NULL);
            if (ok || mx_error().code == MX_MEMORY) continue;
            ok = check_that(false, __FILE__, __LINE__, "format %d, allocation %lld: no MEMORY error", format,
                            (long long)n);
        }
        CHECK(ok && mx_load_npy(NULL) == NULL && mx_error().code == MX_VALUE);
        mx_table_free(&table);
    }
    mx_synchronize(NULL); /* what the stream remembers of all this */
    mx_error();
    scratch_close(&f);
}
