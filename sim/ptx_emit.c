/* SPDX-License-Identifier: MIT
 *
 * One statement of C for an instruction of PTX, by the first row of ptx.def that fits.  Registers of floats and of bits are read as the
 * type that the instruction asks for: newer compilers keep floats in .b32. */
#include "ptx.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    INT = 1 << PTX_b8 | 1 << PTX_b16 | 1 << PTX_b32 | 1 << PTX_b64 | 1 << PTX_u8 | 1 << PTX_u16 | 1 << PTX_u32 |
          1 << PTX_u64 | 1 << PTX_s8 | 1 << PTX_s16 | 1 << PTX_s32 | 1 << PTX_s64,
    FLT = 1 << PTX_f32 | 1 << PTX_f64,
    PRED = 1 << PTX_pred,
    ANY = (1 << PTX_TYPE_COUNT) - 1
};
enum { EXPRESSION = 1400 };
typedef enum form { VALUE, MOVE, LOAD_VECTOR, STORE_VECTOR, BRANCH, BRANCH_INDEXED, CALL, WARP } form;

typedef struct row {
    const char *words;
    unsigned types;
    form form;
    const char *signature, *c;
} row;
static const row rows[] = {
#define ROW(words, types, form, signature, c) {words, types, form, signature, c},
#include "ptx.def"
#undef ROW
};

typedef struct match {
    const row *row;
    ptx_type t, s;
} match;

/* ---- Finding the row */

static bool makes_no_difference(ptx_name word)
{
    static const char *const words[] = {
        "rn",    "uni",   "sync",  "aligned", "relaxed",  "acquire",     "release",      "acq_rel",
        "sc",    "gpu",   "cta",   "sys",     "volatile", "weak",        "nc",           "ca",
        "cg",    "cs",    "lu",    "cv",      "wb",       "wt",          "global",       "shared",
        "local", "const", "param", "generic", "noftz",    "shared::cta", "param::entry", "param::func"};
    if (word.size > 4 && (!memcmp(word.p, "L1::", 4) || !memcmp(word.p, "L2::", 4))) return true;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (ptx_is(word, words[i])) return true;
    return false;
}

static bool fits_word(ptx_name want, ptx_name word, match *m)
{
    bool is_t = ptx_is(want, "T"), is_s = ptx_is(want, "S");
    if (!is_t && !is_s) return want.size == word.size && !memcmp(want.p, word.p, (size_t)want.size);
    ptx_type type = ptx_type_of(word), *bound = is_t ? &m->t : &m->s;
    unsigned allowed = is_t ? m->row->types : (unsigned)(INT | FLT);
    if (type == PTX_TYPE_COUNT || !(allowed >> type & 1) || (*bound != PTX_TYPE_COUNT && *bound != type)) return false;
    *bound = type;
    return true;
}

static bool fits(const row *r, const ptx_instruction *i, match *m)
{
    *m = (match){r, PTX_TYPE_COUNT, PTX_TYPE_COUNT};
    int word = 0;
    for (const char *p = r->words; *p;) {
        ptx_name want = {p, (int)strcspn(p, ".")};
        while (word < i->word_count && !fits_word(want, i->words[word], m) && word > 0 &&
               makes_no_difference(i->words[word]))
            word++;
        if (word == i->word_count || !fits_word(want, i->words[word], m)) return false;
        word++;
        p += want.size + (p[want.size] == '.');
    }
    while (word < i->word_count && makes_no_difference(i->words[word])) word++;
    if (word < i->word_count) return false;
    if (r->form != VALUE) return true;
    return (int)strlen(r->signature) - 1 == i->operand_count;
}

static const row *find_row(const ptx_instruction *i, match *m)
{
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        if (!strncmp(rows[k].words, i->words[0].p, (size_t)i->words[0].size) && fits(&rows[k], i, m)) return &rows[k];
    }
    return NULL;
}

/* ---- Reading */

static const char *special(ptx_name name)
{
    static const char *const table[][2] = {
        {"%tid.x", "sim_regs.thread.x"},
        {"%tid.y", "sim_regs.thread.y"},
        {"%tid.z", "sim_regs.thread.z"},
        {"%ntid.x", "sim_regs.block_dim.x"},
        {"%ntid.y", "sim_regs.block_dim.y"},
        {"%ntid.z", "sim_regs.block_dim.z"},
        {"%ctaid.x", "sim_regs.block.x"},
        {"%ctaid.y", "sim_regs.block.y"},
        {"%ctaid.z", "sim_regs.block.z"},
        {"%nctaid.x", "sim_regs.grid_dim.x"},
        {"%nctaid.y", "sim_regs.grid_dim.y"},
        {"%nctaid.z", "sim_regs.grid_dim.z"},
        {"%laneid", "(sim_regs.current & 31)"},
        {"%warpid", "(sim_regs.current / 32)"},
        {"%lanemask_eq", "(1u << (sim_regs.current & 31))"},
        {"%lanemask_lt", "((1u << (sim_regs.current & 31)) - 1)"},
        {"%lanemask_le", "((2u << (sim_regs.current & 31)) - 1)"},
        {"%lanemask_gt", "(0u - (2u << (sim_regs.current & 31)))"},
        {"%lanemask_ge", "(0u - (1u << (sim_regs.current & 31)))"},
        {"%clock", "(u32)++sim_regs.clock"},
        {"%clock64", "++sim_regs.clock"},
        {"%globaltimer", "++sim_regs.clock"},
        {"%dynamic_smem_size", "(u32)sim_regs.dynamic_bytes"},
        {"WARP_SZ", "32"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (ptx_is(name, table[i][0])) return table[i][1];
    return NULL;
}

static bool is_float(ptx_type t)
{
    return t == PTX_f32 || t == PTX_f64;
}

static bool read_number(ptx_unit *u, const ptx_operand *o, ptx_type type, char *out)
{
    const char *t = ptx_types[type].name;
    unsigned long long n = o->number;
    if (o->number_kind == 'i')
        snprintf(out, EXPRESSION, is_float(type) ? "(%s)%lldll" : "(%s)0x%llxull", t, n);
    else if (o->number_kind == 'f' && (type == PTX_f32 || !is_float(type)))
        snprintf(out, EXPRESSION, type == PTX_f32 ? "FLOAT_OF(0x%llxu)" : "0x%llxu", n);
    else if (o->number_kind == 'd')
        snprintf(out, EXPRESSION, is_float(type) ? "DOUBLE_OF(0x%llxull)" : "0x%llxull", n);
    else
        return ptx_fail(u, "a float32 constant as %s", t);
    return true;
}

/* What a register of type `from` holds, as `type`. */
static void read_register(char *out, const char c[EXPRESSION - 300], ptx_type from, ptx_type type)
{
    const char *t = ptx_types[type].name;
    if (from == type)
        snprintf(out, EXPRESSION, "%s", c);
    else if (is_float(type) && !is_float(from))
        snprintf(out, EXPRESSION, "%s(%s)", type == PTX_f32 ? "FLOAT_OF" : "DOUBLE_OF", c);
    else if (is_float(from) && !is_float(type))
        snprintf(out, EXPRESSION, "(%s)%s(%s)", t, from == PTX_f32 ? "BITS_OF_FLOAT" : "BITS_OF_DOUBLE", c);
    else
        snprintf(out, EXPRESSION, "(%s)%s", t, c);
}

/* The operand as an expression of the type, in out[EXPRESSION]. */
static bool read_value(ptx_unit *u, const ptx_operand *o, ptx_type type, char *out)
{
    const char *t = ptx_types[type].name, *not = o->negated ? "!" : "";
    if (o->form == OPERAND_NUMBER) return read_number(u, o, type, out);
    if (o->form != OPERAND_NAME) return ptx_fail(u, "an operand is neither a register nor a number");
    const ptx_symbol *s = ptx_find(u, o->name);
    const char *known = s ? NULL : special(o->name);
    long long offset = (long long)o->number;
    if (known) {
        snprintf(out, EXPRESSION, "(%s)%s", t, known);
    } else if (!s) {
        return ptx_fail(u, "the ptx engine does not know the operand %.*s", PTX_NAME(o->name));
    } else if (s->kind == PTX_REGISTER) {
        char c[EXPRESSION - 300];
        snprintf(c, sizeof c, "%s%.1000s", not, ptx_c(o->name));
        read_register(out, c, s->type, type);
    } else if (s->kind == PTX_SHARED) {
        snprintf(out, EXPRESSION, "(%s)%lld", t, s->offset + offset);
    } else if (s->kind == PTX_DYNAMIC) {
        snprintf(out, EXPRESSION, "(%s)(SIM_WINDOW + %lld)", t, offset);
    } else {
        snprintf(out, EXPRESSION, "(%s)((u64)%s + %lld)", t, ptx_c(o->name), offset);
    }
    return true;
}

/* An address as char *. */
static bool read_address(ptx_unit *u, const ptx_operand *o, bool shared, char *out)
{
    if (o->form != OPERAND_ADDRESS) return ptx_fail(u, "an address is missing");
    const ptx_symbol *s = o->name.size ? ptx_find(u, o->name) : NULL;
    long long offset = (long long)o->number;
    const char *c = ptx_c(o->name);
    if (o->name.size && !s) return ptx_fail(u, "the ptx engine does not know the address %.*s", PTX_NAME(o->name));
    if (s && s->kind == PTX_SHARED)
        snprintf(out, EXPRESSION, "(sim_regs.window + %lld)", s->offset + offset);
    else if (s && s->kind == PTX_DYNAMIC)
        snprintf(out, EXPRESSION, "(sim_regs.window + SIM_WINDOW + %lld)", offset);
    else if (s && s->kind != PTX_REGISTER)
        snprintf(out, EXPRESSION, "((char *)%s + %lld)", c, offset);
    else if (shared)
        snprintf(out, EXPRESSION, "(sim_regs.window + (u32)(%s + %lld))", s ? c : "0", offset);
    else
        snprintf(out, EXPRESSION, "(char *)(%s + %lldll)", s ? c : "0", offset);
    return true;
}

static bool is_shared(const ptx_instruction *i)
{
    for (int k = 0; k < i->word_count; k++)
        if (ptx_is(i->words[k], "shared") || ptx_is(i->words[k], "shared::cta")) return true;
    return false;
}

/* ---- Writing */

static bool write_value(ptx_unit *u, ptx_name name, ptx_type type, const char *value)
{
    const ptx_symbol *s = ptx_find(u, name);
    const char *c = ptx_c(name);
    if (ptx_is(name, "_"))
        text_print(&u->out, "(void)(");
    else if (!s || s->kind != PTX_REGISTER)
        return ptx_fail(u, "%.*s is no register to write", PTX_NAME(name));
    else if (s->type == type)
        text_print(&u->out, "%s = (", c);
    else if (is_float(s->type) && !is_float(type))
        text_print(&u->out, "%s = %s(", c, s->type == PTX_f32 ? "FLOAT_OF" : "DOUBLE_OF");
    else if (is_float(type) && !is_float(s->type))
        text_print(&u->out, "%s = %s(", c, type == PTX_f32 ? "BITS_OF_FLOAT" : "BITS_OF_DOUBLE");
    else
        text_print(&u->out, "%s = (%s)(", c, ptx_types[type].name);
    text_append(&u->out, value, strlen(value));
    text_append(&u->out, "); ", 3);
    return true;
}

static ptx_type twice(ptx_type t)
{
    static const ptx_type wide[PTX_TYPE_COUNT] = {[PTX_u8] = PTX_u16, [PTX_u16] = PTX_u32, [PTX_u32] = PTX_u64,
                                                  [PTX_s8] = PTX_s16, [PTX_s16] = PTX_s32, [PTX_s32] = PTX_s64};
    return t < PTX_TYPE_COUNT && wide[t] ? wide[t] : t;
}

static ptx_type type_of_letter(const match *m, char letter)
{
    switch (letter) {
    case 'T': return m->t;
    case 'S': return m->s;
    case 'W': return twice(m->t);
    case 'u': return PTX_u32;
    case 'l': return PTX_u64;
    case 's': return PTX_s32;
    case 'h': return PTX_b16;
    case 'f': return PTX_f32;
    case 'd': return PTX_f64;
    default: return PTX_pred;
    }
}

static bool read_by_letter(ptx_unit *u, const ptx_instruction *i, const match *m, int k, char letter, char *out)
{
    const ptx_operand *o = &i->operands[k];
    if (letter == 'A') return read_address(u, o, is_shared(i), out);
    if (letter == 'H' || letter == 'G') return read_address(u, o, letter == 'H', out);
    if (letter != 'z' && letter != 'n') return read_value(u, o, type_of_letter(m, letter), out);
    if (o->form != OPERAND_NUMBER) return ptx_fail(u, "%.*s: operand %d is no number", PTX_NAME(i->opcode), k + 1);
    if (letter == 'z' && o->number) return ptx_fail(u, "%.*s: only barrier 0 is known", PTX_NAME(i->opcode));
    snprintf(out, EXPRESSION, "%lld", (long long)o->number);
    return true;
}

/* `c` with its $ replaced. */
static void fill_in(struct text *t, const ptx_unit *u, const match *m, char (*sources)[EXPRESSION])
{
    for (const char *p = m->row->c; *p; p++) {
        char line[16];
        const char *word = line;
        if (*p != '$') {
            text_append(t, p, 1);
            continue;
        }
        p++;
        snprintf(line, sizeof line, "%d", u->line);
        if (*p >= '1' && *p <= '9')
            word = sources[*p - '1'];
        else if (*p != 'L')
            word = ptx_types[type_of_letter(m, *p)].name;
        text_append(t, word, strlen(word));
    }
}

static bool emit_value(ptx_unit *u, const ptx_instruction *i, const match *m)
{
    char sources[PTX_OPERANDS][EXPRESSION];
    const char *signature = m->row->signature;
    bool valued = *signature != '=';
    const char *letters = signature + (valued ? 2 : 1);
    for (int k = 0; letters[k]; k++)
        if (!read_by_letter(u, i, m, k + valued, letters[k], sources[k])) return false;
    struct text value = {0};
    fill_in(&value, u, m, sources);
    bool ok = !value.failed;
    if (ok && valued)
        ok = i->operands[0].form == OPERAND_NAME && !i->operands[0].second.size
                 ? write_value(u, i->operands[0].name, type_of_letter(m, *signature), value.p)
                 : ptx_fail(u, "%.*s: the result is no register", PTX_NAME(i->opcode));
    if (ok && !valued) {
        text_append(&u->out, value.p, value.size);
        text_append(&u->out, "; ", 2);
    }
    free(value.p);
    return ok;
}

/* ---- Moves, packing and unpacking registers */

static ptx_type bits_of(unsigned bytes)
{
    return bytes == 1 ? PTX_b8 : bytes == 2 ? PTX_b16 : bytes == 4 ? PTX_b32 : PTX_b64;
}

static bool emit_pack(ptx_unit *u, const ptx_instruction *i, ptx_type type)
{
    const ptx_operand *from = &i->operands[1];
    ptx_type part = bits_of(ptx_types[type].bytes / (unsigned)(from->count ? from->count : 1));
    char value[EXPRESSION];
    struct text all = {0};
    bool ok = true;
    for (int k = 0; ok && k < from->count; k++) {
        ok = read_value(u, &i->parts[from->first + k], part, value);
        text_print(&all, "%s(%s)(%s) << %u", k ? " | " : "", ptx_types[type].name, ok ? value : "",
                   k * 8 * ptx_types[part].bytes);
    }
    ok = ok && write_value(u, i->operands[0].name, bits_of(ptx_types[type].bytes), all.p);
    free(all.p);
    return ok;
}

static bool emit_move(ptx_unit *u, const ptx_instruction *i, const match *m)
{
    char value[EXPRESSION];
    if (i->operand_count != 2) return ptx_fail(u, "%.*s: two operands", PTX_NAME(i->opcode));
    const ptx_operand *to = &i->operands[0];
    if (i->operands[1].form == OPERAND_VECTOR) return emit_pack(u, i, m->t);
    if (!read_value(u, &i->operands[1], m->t, value)) return false;
    if (to->form == OPERAND_NAME) return write_value(u, to->name, m->t, value);
    if (to->form != OPERAND_VECTOR || !to->count)
        return ptx_fail(u, "%.*s: the result is no register", PTX_NAME(i->opcode));
    unsigned bytes = ptx_types[m->t].bytes / (unsigned)to->count;
    text_print(&u->out, "{ const %s all = ", ptx_types[bits_of(ptx_types[m->t].bytes)].name);
    text_append(&u->out, value, strlen(value));
    text_print(&u->out, "; ");
    for (int k = 0; k < to->count; k++) {
        snprintf(value, sizeof value, "all >> %u", (unsigned)k * 8 * bytes);
        if (!write_value(u, i->parts[to->first + k].name, bits_of(bytes), value)) return false;
    }
    text_print(&u->out, "} ");
    return true;
}

/* ---- Vectors in memory: one access, which must be aligned */

static bool emit_vector(ptx_unit *u, const ptx_instruction *i, const match *m)
{
    bool load = m->row->form == LOAD_VECTOR;
    int count = atoi(m->row->c);
    const char *t = ptx_types[m->t].name;
    char value[EXPRESSION];
    const ptx_operand *vector = &i->operands[load ? 0 : 1];
    if (i->operand_count != 2 || vector->form != OPERAND_VECTOR || vector->count != count)
        return ptx_fail(u, "%.*s: a vector of %d is missing", PTX_NAME(i->opcode), count);
    if (!read_address(u, &i->operands[load ? 1 : 0], is_shared(i), value)) return false;
    text_print(&u->out, "{ struct v%d_%s *at = (void *)VECTOR_AT(", count, t);
    text_append(&u->out, value, strlen(value));
    text_print(&u->out, ", %u, %s, %d)", (unsigned)count * ptx_types[m->t].bytes, load ? "SIM_READ" : "SIM_WRITE",
               u->line);
    text_print(&u->out, load ? ", all = *at; " : "; *at = (struct v%d_%s){{", count, t);
    for (int k = 0; k < count; k++) {
        const ptx_operand *part = &i->parts[vector->first + k];
        if (load) {
            snprintf(value, sizeof value, "all.v[%d]", k);
            if (!write_value(u, part->name, m->t, value)) return false;
        } else {
            if (!read_value(u, part, m->t, value)) return false;
            text_append(&u->out, value, strlen(value));
            text_append(&u->out, ", ", 2);
        }
    }
    text_print(&u->out, load ? "} " : "}}; } ");
    return true;
}

/* ---- Control */

static bool emit_branch(ptx_unit *u, const ptx_instruction *i)
{
    if (i->operand_count != 1 || i->operands[0].form != OPERAND_NAME) return ptx_fail(u, "bra: a label is missing");
    text_print(&u->out, "goto %s; ", ptx_c(i->operands[0].name));
    return true;
}

static bool emit_indexed(ptx_unit *u, const ptx_instruction *i)
{
    const ptx_symbol *s = i->operand_count == 2 ? ptx_find(u, i->operands[1].name) : NULL;
    char index[EXPRESSION];
    if (!s || s->kind != PTX_TARGETS) return ptx_fail(u, "brx.idx: the list of labels is missing");
    if (!read_value(u, &i->operands[0], PTX_u32, index)) return false;
    text_print(&u->out, "switch (%s) { ", index);
    ptx_lexer l = {.at = s->labels.p};
    int number = 0;
    for (ptx_next(&l); l.name.p < s->labels.p + s->labels.size && l.token != PTX_END; ptx_next(&l))
        if (l.token == PTX_WORD) text_print(&u->out, "case %d: goto %s; ", number++, ptx_c(l.name));
    text_print(&u->out, "default: __builtin_unreachable(); } ");
    return true;
}

/* call (result), name, (arguments): all are pointers to chars. */
static bool emit_call(ptx_unit *u, const ptx_instruction *i)
{
    const ptx_operand *o = i->operands, *name = o->form == OPERAND_LIST ? o + 1 : o;
    bool comma = false;
    if (!i->operand_count || name->form != OPERAND_NAME) return ptx_fail(u, "call: a function is missing");
    if (ptx_find(u, name->name)) return ptx_fail(u, "the ptx engine does not know calls through a pointer");
    text_print(&u->out, "%s(", ptx_c(name->name));
    for (int k = 0; k < i->operand_count; k++) {
        if (&o[k] != name && o[k].form != OPERAND_LIST) return ptx_fail(u, "call: a list of arguments is missing");
        for (int j = 0; j < o[k].count; j++) {
            text_print(&u->out, "%s%s", comma ? ", " : "", ptx_c(i->parts[o[k].first + j].name));
            comma = true;
        }
    }
    text_print(&u->out, "); ");
    return true;
}

/* ---- Operations of a warp: what is posted is words */

static bool post_one(ptx_unit *u, const ptx_operand *o, int *posted)
{
    char value[EXPRESSION];
    const ptx_symbol *s = o->form == OPERAND_NAME ? ptx_find(u, o->name) : NULL;
    bool wide = s && s->kind == PTX_REGISTER && ptx_types[s->type].bytes == 8;
    ptx_type type = s && s->type == PTX_pred ? PTX_pred : wide ? PTX_b64 : PTX_b32;
    if (!read_value(u, o, type, value)) return false;
    for (int half = 0; half < 1 + wide; half++) {
        text_print(&u->out, "x.in[%d] = (u32)(%s", (*posted)++, half ? "(u64)" : "");
        text_append(&u->out, value, strlen(value));
        text_print(&u->out, half ? " >> 32); " : "); ");
    }
    return true;
}

static bool post(ptx_unit *u, const ptx_instruction *i, const ptx_operand *o, int *posted)
{
    if (o->form != OPERAND_VECTOR) return post_one(u, o, posted);
    for (int k = 0; k < o->count; k++)
        if (!post_one(u, &i->parts[o->first + k], posted)) return false;
    return true;
}

static bool take_one(ptx_unit *u, ptx_name name, int number)
{
    char value[64];
    const ptx_symbol *s = ptx_find(u, name);
    bool pred = s && s->type == PTX_pred;
    snprintf(value, sizeof value, pred ? "x.out[%d] != 0" : "x.out[%d]", number);
    return write_value(u, name, pred ? PTX_pred : PTX_b32, value);
}

static bool take_results(ptx_unit *u, const ptx_instruction *i, const ptx_operand *o)
{
    if (o->form != OPERAND_VECTOR) return take_one(u, o->name, 0) && (!o->second.size || take_one(u, o->second, 1));
    for (int k = 0; k < o->count; k++)
        if (!take_one(u, i->parts[o->first + k].name, k)) return false;
    return true;
}

static bool emit_warp(ptx_unit *u, const ptx_instruction *i, const match *m)
{
    const char *signature = m->row->signature, *letters = strchr(signature, '=') + 1;
    int valued = *signature == 'd', posted = 0;
    char mask[EXPRESSION] = "~0u", row[EXPRESSION];
    if (i->operand_count != (int)strlen(letters) + valued)
        return ptx_fail(u, "%.*s: an operand is missing", PTX_NAME(i->opcode));
    text_print(&u->out, "{ struct sim_ptx_lane x; ");
    for (int k = 0; letters[k]; k++) {
        const ptx_operand *o = &i->operands[k + valued];
        if (letters[k] == 's' && !post(u, i, o, &posted)) return false;
        if (letters[k] == 'm' && !read_value(u, o, PTX_u32, mask)) return false;
        if (letters[k] != 'a') continue;
        if (!read_address(u, o, true, row)) return false;
        text_print(&u->out, "x.row = ");
        text_append(&u->out, row, strlen(row));
        text_print(&u->out, "; ROW_AT(SIM_PTX_%s, x.row, %d); ", m->row->c, u->line);
    }
    text_print(&u->out, "sim_table->warp_ptx(SIM_PTX_%s, ", m->row->c);
    text_append(&u->out, mask, strlen(mask));
    text_print(&u->out, ", &x, %d); ", u->line);
    if (valued && !take_results(u, i, &i->operands[0])) return false;
    text_print(&u->out, "} ");
    return true;
}

static bool emit_by_form(ptx_unit *u, const ptx_instruction *i, const match *m)
{
    switch (m->row->form) {
    case VALUE: return emit_value(u, i, m);
    case MOVE: return emit_move(u, i, m);
    case LOAD_VECTOR:
    case STORE_VECTOR: return emit_vector(u, i, m);
    case BRANCH: return emit_branch(u, i);
    case BRANCH_INDEXED: return emit_indexed(u, i);
    case CALL: return emit_call(u, i);
    case WARP: return emit_warp(u, i, m);
    }
    return false;
}

bool ptx_emit(ptx_unit *u, const ptx_instruction *i)
{
    match m;
    if (!find_row(i, &m))
        return ptx_fail(u, "the ptx engine does not know the instruction `%.*s`", PTX_NAME(i->opcode));
    if (!u->placed) text_print(&u->out, "\n#line %d \"%s\"\n", u->line, ptx_file(u));
    u->placed = true;
    if (i->guard.size) text_print(&u->out, "if (%s%s) { ", i->guard_negated ? "!" : "", ptx_c(i->guard));
    bool ok = emit_by_form(u, i, &m);
    if (i->guard.size) text_print(&u->out, "} ");
    return ok;
}
