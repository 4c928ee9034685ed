/* SPDX-License-Identifier: MIT
 *
 * Declarations and statements of PTX.  A register is a variable of C of its declared type, a label a label, a block a block, a kernel
 * a function over the table of its parameters, which are, like those of calls, chars at an address.  Shared variables are
 * offsets in the block's window. */
#include "ptx.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const ptx_type_row ptx_types[PTX_TYPE_COUNT + 1] = {
#define PTX_TYPE(name, bytes) {#name, bytes},
    PTX_TYPES(PTX_TYPE)
#undef PTX_TYPE
        {"none", 0}};

bool ptx_is(ptx_name name, const char *word)
{
    return (size_t)name.size == strlen(word) && !memcmp(name.p, word, (size_t)name.size);
}

ptx_type ptx_type_of(ptx_name word)
{
    int t = 0;
    while (t < PTX_TYPE_COUNT && !ptx_is(word, ptx_types[t].name)) t++;
    return (ptx_type)t;
}

const char *ptx_file(const ptx_unit *u)
{
    static _Thread_local char text[200];
    ptx_name f = u->file < PTX_FILES ? u->files[u->file] : (ptx_name){"", 0};
    int start = f.size;
    while (start > 0 && f.p[start - 1] != '/') start--;
    snprintf(text, sizeof text, "%.*s", f.size - start, f.p + start);
    return *text ? text : "kernel.cu";
}

bool ptx_fail(ptx_unit *u, const char *format, ...)
{
    char text[400];
    va_list args;
    if (*u->error) return false;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    snprintf(u->error, sizeof u->error, "%s:%d: %s (line %d of the PTX)", ptx_file(u), u->line, text, u->lexer.row + 1);
    return false;
}

const char *ptx_c(ptx_name name)
{
    static _Thread_local char texts[4][1024];
    static _Thread_local int turn;
    char *text = texts[turn++ % 4];
    int n = name.size < 1000 ? name.size : 1000;
    text[0] = 'P';
    for (int i = 0; i < n; i++) {
        char c = name.p[i];
        text[i + 1] = c == '%' || c == '.' ? '_' : c == '$' ? 'S' : c;
    }
    text[n + 1] = 0;
    return text;
}

/* ---- Symbols: the innermost comes first */

static ptx_symbol *add_symbol(ptx_unit *u, ptx_name name, ptx_kind kind, ptx_type type)
{
    if (u->symbol_count == u->symbol_room) {
        int room = u->symbol_room * 2 + 64;
        ptx_symbol *grown = realloc(u->symbols, (size_t)room * sizeof *grown);
        if (!grown) return ptx_fail(u, "no memory"), NULL;
        u->symbols = grown;
        u->symbol_room = room;
    }
    ptx_symbol *s = &u->symbols[u->symbol_count++];
    *s = (ptx_symbol){.name = name, .kind = kind, .type = type};
    return s;
}

const ptx_symbol *ptx_find(const ptx_unit *u, ptx_name name)
{
    int stem = name.size;
    while (stem > 0 && name.p[stem - 1] >= '0' && name.p[stem - 1] <= '9') stem--;
    for (int i = u->symbol_count - 1; i >= 0; i--) {
        const ptx_symbol *s = &u->symbols[i];
        int size = s->range ? stem : name.size;
        if (s->name.size == size && !memcmp(s->name.p, name.p, (size_t)size)) return s;
    }
    return NULL;
}

/* ---- Tokens */

static bool at_mark(const ptx_unit *u, char c)
{
    return u->lexer.token == PTX_MARK && *u->lexer.name.p == c;
}

static bool at_word(const ptx_unit *u, const char *word)
{
    return u->lexer.token == PTX_WORD && ptx_is(u->lexer.name, word);
}

static bool take_mark(ptx_unit *u, char c)
{
    bool found = at_mark(u, c);
    if (found) ptx_next(&u->lexer);
    return found;
}

static bool take_word(ptx_unit *u, const char *word)
{
    bool found = at_word(u, word);
    if (found) ptx_next(&u->lexer);
    return found;
}

static bool expect(ptx_unit *u, char c)
{
    return take_mark(u, c) || ptx_fail(u, "`%c` is missing before `%.*s`", c, PTX_NAME(u->lexer.name));
}

static bool read_name(ptx_unit *u, ptx_name *name)
{
    *name = u->lexer.name;
    if (u->lexer.token != PTX_WORD) return ptx_fail(u, "a name is missing before `%.*s`", PTX_NAME(u->lexer.name));
    ptx_next(&u->lexer);
    return true;
}

static bool read_count(ptx_unit *u, unsigned *count)
{
    *count = (unsigned)u->lexer.number;
    if (u->lexer.token != PTX_NUMBER) return ptx_fail(u, "a number is missing before `%.*s`", PTX_NAME(u->lexer.name));
    ptx_next(&u->lexer);
    return true;
}

static bool skip_statement(ptx_unit *u)
{
    while (!at_mark(u, ';') && u->lexer.token != PTX_END) ptx_next(&u->lexer);
    return expect(u, ';');
}

/* ---- Variables */

typedef struct variable {
    ptx_name name;
    ptx_type type;
    unsigned align, count;
    bool array, unsized;
} variable;

/* `.align 8 .b8 name[24]`, `.u64 .ptr .align 1 name` */
static bool read_variable(ptx_unit *u, variable *v)
{
    *v = (variable){.type = PTX_TYPE_COUNT, .count = 1};
    unsigned pointed;
    while (u->lexer.token == PTX_WORD && *u->lexer.name.p == '.') {
        ptx_name word = {u->lexer.name.p + 1, u->lexer.name.size - 1};
        ptx_next(&u->lexer);
        if (ptx_is(word, "align")) {
            if (!read_count(u, v->type == PTX_TYPE_COUNT ? &v->align : &pointed)) return false;
        } else if (ptx_type_of(word) != PTX_TYPE_COUNT) {
            v->type = ptx_type_of(word);
        } else if (!ptx_is(word, "ptr") && !ptx_is(word, "global") && !ptx_is(word, "shared") &&
                   !ptx_is(word, "const") && !ptx_is(word, "local")) {
            return ptx_fail(u, "the ptx engine does not know the property .%.*s of a variable", PTX_NAME(word));
        }
    }
    if (v->type == PTX_TYPE_COUNT) return ptx_fail(u, "a variable has no type that the ptx engine knows");
    if (!read_name(u, &v->name)) return false;
    while (take_mark(u, '[')) {
        unsigned n = 0;
        v->unsized = at_mark(u, ']');
        if (!v->unsized && !read_count(u, &n)) return false;
        v->count *= n;
        v->array = true;
        if (!expect(u, ']')) return false;
    }
    if (v->align < ptx_types[v->type].bytes) v->align = ptx_types[v->type].bytes;
    return true;
}

static unsigned bytes_of(const variable *v)
{
    return ptx_types[v->type].bytes * v->count;
}

/* .reg .b32 %r<50>, x; */
static bool declare_registers(ptx_unit *u)
{
    ptx_name word;
    if (!read_name(u, &word)) return false;
    ptx_type type = *word.p == '.' ? ptx_type_of((ptx_name){word.p + 1, word.size - 1}) : PTX_TYPE_COUNT;
    if (type == PTX_TYPE_COUNT) return ptx_fail(u, "registers of type %.*s are not known", PTX_NAME(word));
    do {
        unsigned count = 0;
        if (!read_name(u, &word)) return false;
        bool range = take_mark(u, '<');
        if (range && (!read_count(u, &count) || !expect(u, '>'))) return false;
        ptx_symbol *s = add_symbol(u, word, PTX_REGISTER, type);
        if (!s) return false;
        s->range = range;
        if (!range) text_print(&u->out, "%s %s; ", ptx_types[type].name, ptx_c(word));
        if (count) text_print(&u->out, "%s ", ptx_types[type].name);
        for (unsigned i = 0; i < count; i++) text_print(&u->out, "%s%u%s", ptx_c(word), i, i + 1 < count ? "," : "; ");
    } while (take_mark(u, ','));
    return expect(u, ';');
}

static bool declare_shared(ptx_unit *u)
{
    variable v;
    if (!read_variable(u, &v)) return false;
    ptx_symbol *s = add_symbol(u, v.name, v.unsized ? PTX_DYNAMIC : PTX_SHARED, v.type);
    if (!s) return false;
    u->static_bytes = (u->static_bytes + v.align - 1) / v.align * v.align;
    s->offset = u->static_bytes;
    if (!v.unsized) u->static_bytes += bytes_of(&v);
    return expect(u, ';');
}

/* Chars in a frame: .local, and .param of a call. */
static bool declare_local(ptx_unit *u, ptx_kind kind)
{
    variable v;
    if (!read_variable(u, &v) || !add_symbol(u, v.name, kind, v.type)) return false;
    unsigned bytes = bytes_of(&v);
    unsigned align = v.align > 16 ? v.align : 16;
    text_print(&u->out, "char %s[%u] SIM_ALIGNED(%u); ", ptx_c(v.name), bytes ? bytes : 1, align);
    return expect(u, ';');
}

static bool write_values(ptx_unit *u)
{
    if (!expect(u, '{')) return false;
    text_print(&u->out, " = {");
    while (!take_mark(u, '}')) {
        bool negative = take_mark(u, '-');
        if (u->lexer.token != PTX_NUMBER)
            return ptx_fail(u, "the ptx engine does not know initial values like `%.*s`", PTX_NAME(u->lexer.name));
        const char *wrap = u->lexer.number_kind == 'f' ? "FLOAT_OF(" : u->lexer.number_kind == 'd' ? "DOUBLE_OF(" : "(";
        text_print(&u->out, "%s%s0x%llxu),", negative ? "-" : "", wrap, (unsigned long long)u->lexer.number);
        ptx_next(&u->lexer);
        take_mark(u, ',');
    }
    text_print(&u->out, "}");
    return true;
}

/* Tables of the module: .const and .global */
static bool declare_table(ptx_unit *u)
{
    variable v;
    if (!read_variable(u, &v) || !add_symbol(u, v.name, PTX_VARIABLE, v.type)) return false;
    text_print(&u->out, "static %s %s", ptx_types[v.type].name, ptx_c(v.name));
    text_print(&u->out, "[%u] SIM_ALIGNED(%u)", v.count ? v.count : 1, v.align);
    if (take_mark(u, '=')) {
        if (at_mark(u, '{')) {
            if (!write_values(u)) return false;
        } else {
            text_print(&u->out, " = {0x%llxu}", (unsigned long long)u->lexer.number);
            ptx_next(&u->lexer);
        }
    }
    text_print(&u->out, ";\n");
    return expect(u, ';');
}

/* ---- Operands */

static ptx_operand *add_part(ptx_unit *u, ptx_instruction *i)
{
    if (i->part_count == PTX_PARTS) return ptx_fail(u, "more than %d parts of operands", PTX_PARTS), NULL;
    return &i->parts[i->part_count++];
}

static bool read_number(ptx_unit *u, ptx_operand *o)
{
    bool negative = take_mark(u, '-');
    if (u->lexer.token != PTX_NUMBER) return ptx_fail(u, "`%.*s` is no operand", PTX_NAME(u->lexer.name));
    o->form = OPERAND_NUMBER;
    o->number = negative ? 0 - u->lexer.number : u->lexer.number;
    o->number_kind = u->lexer.number_kind;
    ptx_next(&u->lexer);
    return true;
}

/* [%rd1+16], [name], [64] */
static bool read_address(ptx_unit *u, ptx_operand *o)
{
    ptx_operand offset = {0};
    if (u->lexer.token == PTX_WORD) {
        if (!read_name(u, &o->name)) return false;
        take_mark(u, '+');
    }
    if (!at_mark(u, ']') && !read_number(u, &offset)) return false;
    o->form = OPERAND_ADDRESS;
    o->number = offset.number;
    return expect(u, ']');
}

static bool read_simple(ptx_unit *u, ptx_operand *o)
{
    *o = (ptx_operand){.form = OPERAND_NAME};
    o->negated = take_mark(u, '!');
    if (u->lexer.token != PTX_WORD) return read_number(u, o);
    if (!read_name(u, &o->name)) return false;
    if (take_mark(u, '|')) return read_name(u, &o->second);
    if (!take_mark(u, '+')) return true;
    ptx_operand offset = {0};
    if (!read_number(u, &offset)) return false;
    o->number = offset.number;
    return true;
}

static bool read_parts(ptx_unit *u, ptx_instruction *i, ptx_operand *o, ptx_form form, char close)
{
    *o = (ptx_operand){.form = form, .first = i->part_count};
    while (!take_mark(u, close)) {
        ptx_operand *part = add_part(u, i);
        if (!part || !read_simple(u, part)) return false;
        o->count++;
        if (!take_mark(u, ',') && !at_mark(u, close)) return expect(u, close);
    }
    return true;
}

static bool read_operands(ptx_unit *u, ptx_instruction *i)
{
    while (!take_mark(u, ';')) {
        if (i->operand_count == PTX_OPERANDS) return ptx_fail(u, "%.*s: too many operands", PTX_NAME(i->opcode));
        ptx_operand *o = &i->operands[i->operand_count++];
        *o = (ptx_operand){0};
        bool ok = take_mark(u, '{')   ? read_parts(u, i, o, OPERAND_VECTOR, '}')
                  : take_mark(u, '(') ? read_parts(u, i, o, OPERAND_LIST, ')')
                  : take_mark(u, '[') ? read_address(u, o)
                                      : read_simple(u, o);
        if (!ok) return false;
        if (!take_mark(u, ',') && !at_mark(u, ';')) return expect(u, ';');
    }
    return true;
}

static bool split_opcode(ptx_unit *u, ptx_instruction *i)
{
    const char *p = i->opcode.p, *end = p + i->opcode.size;
    while (p < end) {
        const char *dot = p;
        while (dot < end && *dot != '.') dot++;
        if (i->word_count == PTX_WORDS) return ptx_fail(u, "%.*s: too many words", PTX_NAME(i->opcode));
        i->words[i->word_count++] = (ptx_name){p, (int)(dot - p)};
        p = dot + 1;
    }
    return true;
}

/* ---- Statements */

static bool read_place(ptx_unit *u)
{
    unsigned file, line;
    if (!read_count(u, &file) || !read_count(u, &line)) return false;
    if (line && ((int)file != u->file || (int)line != u->line)) u->placed = false;
    if (line) u->file = (int)file, u->line = (int)line;
    /* The column, and `, function_name name, inlined_at file line column`; no semicolon ends it. */
    if (u->lexer.token == PTX_NUMBER) ptx_next(&u->lexer);
    int row = u->lexer.row;
    while (u->lexer.row == row && at_mark(u, ',')) {
        ptx_next(&u->lexer);
        bool inlined = take_word(u, "inlined_at");
        if (!inlined) {
            ptx_next(&u->lexer); /* function_name */
            ptx_next(&u->lexer);
            if (take_mark(u, '+')) ptx_next(&u->lexer);
        }
        for (int k = 0; inlined && k < 3; k++) ptx_next(&u->lexer);
    }
    return true;
}

static bool read_directive(ptx_unit *u)
{
    if (take_word(u, ".loc")) return read_place(u);
    if (take_word(u, ".reg")) return declare_registers(u);
    if (take_word(u, ".shared")) return declare_shared(u);
    if (take_word(u, ".local")) return declare_local(u, PTX_VARIABLE);
    if (take_word(u, ".param")) return declare_local(u, PTX_PARAM);
    if (at_word(u, ".pragma")) return skip_statement(u);
    return ptx_fail(u, "the ptx engine does not know the directive %.*s", PTX_NAME(u->lexer.name));
}

static bool read_label(ptx_unit *u, ptx_name name)
{
    if (take_word(u, ".branchtargets")) {
        ptx_symbol *s = add_symbol(u, name, PTX_TARGETS, PTX_TYPE_COUNT);
        if (!s) return false;
        s->labels.p = u->lexer.name.p;
        while (!at_mark(u, ';') && u->lexer.token != PTX_END) ptx_next(&u->lexer);
        s->labels.size = (int)(u->lexer.name.p - s->labels.p);
        return expect(u, ';');
    }
    text_print(&u->out, "%s:; ", ptx_c(name));
    return true;
}

static bool read_instruction(ptx_unit *u)
{
    ptx_instruction i = {.word_count = 0};
    if (take_mark(u, '@')) {
        i.guard_negated = take_mark(u, '!');
        if (!read_name(u, &i.guard)) return false;
    }
    if (!read_name(u, &i.opcode)) return false;
    if (!i.guard.size && take_mark(u, ':')) return read_label(u, i.opcode);
    return split_opcode(u, &i) && read_operands(u, &i) && ptx_emit(u, &i);
}

static bool read_body(ptx_unit *u)
{
    int scopes[32], depth = 0;
    do {
        if (u->lexer.token == PTX_END || depth == 32) return ptx_fail(u, "the blocks do not match");
        if (take_mark(u, '{')) {
            scopes[depth++] = u->symbol_count;
            text_print(&u->out, "{ ");
        } else if (take_mark(u, '}')) {
            u->symbol_count = scopes[--depth];
            text_print(&u->out, "} ");
        } else if (u->lexer.token == PTX_WORD && *u->lexer.name.p == '.') {
            if (!read_directive(u)) return false;
        } else if (!at_mark(u, ';') && !read_instruction(u)) {
            return false;
        } else {
            take_mark(u, ';');
        }
    } while (depth);
    return true;
}

/* ---- Functions and kernels */

/* Parameters of a kernel are taken from `params`; those of a function are pointers already. */
static bool read_params(ptx_unit *u, struct text *head, struct text *bytes, bool kernel)
{
    variable v;
    int count = 0;
    if (!expect(u, '(')) return false;
    while (!take_mark(u, ')')) {
        if (!take_word(u, ".param")) return ptx_fail(u, "parameters in registers are not known");
        if (!read_variable(u, &v) || !add_symbol(u, v.name, PTX_PARAM, v.type)) return false;
        if (kernel)
            text_print(head, "char *%s = params[%d]; ", ptx_c(v.name), count);
        else
            text_print(head, "%schar *%s", head->size ? "," : "", ptx_c(v.name));
        text_print(bytes, "%u,", bytes_of(&v));
        count++;
        if (!take_mark(u, ',') && !at_mark(u, ')')) return expect(u, ')');
    }
    return true;
}

/* .maxntid 256, 1, 1 and its like; the bound of a block's threads */
static bool read_tuning(ptx_unit *u, unsigned *bound)
{
    while (u->lexer.token == PTX_WORD && *u->lexer.name.p == '.') {
        bool threads = at_word(u, ".maxntid") || at_word(u, ".reqntid");
        unsigned product = 1, n;
        ptx_next(&u->lexer);
        while (u->lexer.token == PTX_NUMBER) {
            if (!read_count(u, &n)) return false;
            product *= n;
            take_mark(u, ',');
        }
        if (threads) *bound = product;
    }
    return true;
}

static bool read_kernel(ptx_unit *u)
{
    ptx_name name;
    struct text head = {0}, bytes = {0};
    unsigned bound = 0;
    int outside = u->symbol_count;
    bool ok = read_name(u, &name) && read_params(u, &head, &bytes, true) && read_tuning(u, &bound);
    if (ok && !take_mark(u, ';')) { /* a semicolon: only its declaration */
        text_print(&u->out, "\nstatic void %s(void **params)\n{ ", ptx_c(name));
        text_append(&u->out, head.p ? head.p : "", head.size);
        text_print(&u->out, "SIM_FRAME ");
        u->placed = false;
        ok = read_body(u);
        const char *c = ptx_c(name);
        int count = 0;
        for (size_t k = 0; k < bytes.size; k++) count += bytes.p[k] == ',';
        text_print(&u->out, "}\nSIM_ENTRY(%s)\nstatic const unsigned short bytes_%s[] = {", c, c);
        text_append(&u->out, bytes.p ? bytes.p : "", bytes.size);
        text_print(&u->out, "0};\n");
        text_print(&u->kernels, "{\"%.*s\", entry_%s, %d, ", PTX_NAME(name), c, count);
        text_print(&u->kernels, "bytes_%s, %u},\n", c, bound);
    }
    u->symbol_count = outside;
    free(head.p);
    free(bytes.p);
    return ok;
}

static bool read_function(ptx_unit *u)
{
    ptx_name name;
    struct text head = {0}, bytes = {0};
    unsigned bound;
    int outside = u->symbol_count;
    bool ok = !at_mark(u, '(') || read_params(u, &head, &bytes, false);
    ok = ok && read_name(u, &name) && (!at_mark(u, '(') || read_params(u, &head, &bytes, false)) &&
         read_tuning(u, &bound);
    if (ok) {
        text_print(&u->out, "\nstatic void %s(", ptx_c(name));
        text_append(&u->out, head.p ? head.p : "", head.size);
        text_print(&u->out, ")");
        if (take_mark(u, ';')) {
            text_print(&u->out, ";\n");
        } else {
            text_print(&u->out, "\n{ SIM_FRAME ");
            u->placed = false;
            ok = read_body(u);
            text_print(&u->out, "}\n");
        }
    }
    u->symbol_count = outside;
    free(head.p);
    free(bytes.p);
    return ok;
}

/* ---- The module */

/* Names of files stand at the end of the text. */
static bool find_files(ptx_unit *u, const char *ptx)
{
    ptx_lexer l = {.at = ptx};
    for (ptx_next(&l); l.token != PTX_END; ptx_next(&l)) {
        if (l.token != PTX_WORD || !ptx_is(l.name, ".file")) continue;
        ptx_next(&l);
        uint64_t number = l.number;
        ptx_next(&l);
        if (l.token == PTX_STRING && number < PTX_FILES) u->files[number] = l.name;
    }
    return true;
}

static bool skip_file(ptx_unit *u)
{
    while (u->lexer.token == PTX_NUMBER || u->lexer.token == PTX_STRING || at_mark(u, ',')) ptx_next(&u->lexer);
    return true;
}

static bool skip_section(ptx_unit *u)
{
    while (!at_mark(u, '}') && u->lexer.token != PTX_END) ptx_next(&u->lexer);
    return expect(u, '}');
}

static bool read_top(ptx_unit *u)
{
    static const char *const linkage[] = {".visible", ".weak", ".extern", ".common"};
    for (size_t i = 0; i < sizeof linkage / sizeof *linkage; i++)
        if (take_word(u, linkage[i])) return true;
    if (take_word(u, ".version") || take_word(u, ".address_size")) {
        while (u->lexer.token == PTX_NUMBER || at_mark(u, '.')) ptx_next(&u->lexer);
        return true;
    }
    if (take_word(u, ".target")) {
        do ptx_next(&u->lexer);
        while (take_mark(u, ','));
        return true;
    }
    if (take_word(u, ".entry")) return read_kernel(u);
    if (take_word(u, ".func")) return read_function(u);
    if (take_word(u, ".global") || take_word(u, ".const")) return declare_table(u);
    if (take_word(u, ".file")) return skip_file(u);
    if (take_word(u, ".section")) return skip_section(u);
    return read_directive(u);
}

bool ptx_translate(ptx_unit *u, const char *ptx, struct text *c)
{
    find_files(u, ptx);
    u->lexer = (ptx_lexer){.at = ptx};
    ptx_next(&u->lexer);
    bool ok = true;
    while (ok && u->lexer.token != PTX_END) ok = read_top(u);
    unsigned window = (u->static_bytes + 127) / 128 * 128;
    text_print(c, "enum { SIM_WINDOW = %u };\n", window);
    if (ok) text_append(c, u->out.p ? u->out.p : "", u->out.size);
    text_print(c, "\nstatic const struct sim_kernel sim_kernels[] = {\n");
    if (ok) text_append(c, u->kernels.p ? u->kernels.p : "", u->kernels.size);
    text_print(c, "{0}};\nSIM_MODULE(sim_kernels)\n");
    if (ok && (u->out.failed || u->kernels.failed || c->failed)) ok = ptx_fail(u, "no memory for its translation");
    free(u->out.p);
    free(u->kernels.p);
    free(u->symbols);
    return ok;
}
