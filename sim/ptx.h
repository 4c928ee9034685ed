/* SPDX-License-Identifier: MIT
 *
 * PTX, as NVRTC writes it, becomes C.  ptx_lex.c makes words of the text, ptx_parse.c reads declarations and statements,
 * ptx_emit.c writes one statement of C for each instruction by the table ptx.def; shim/sim_ptx.h comes before the result. */
#ifndef SIM_PTX_H
#define SIM_PTX_H

#include "text.h"

#include <stdint.h>

/* A piece of the PTX text. */
typedef struct ptx_name {
    const char *p;
    int size;
} ptx_name;
#define PTX_NAME(name) (name).size, (name).p /* for %.*s */

typedef enum ptx_token { PTX_END, PTX_WORD, PTX_NUMBER, PTX_STRING, PTX_MARK } ptx_token;

typedef struct ptx_lexer {
    const char *at;
    int row; /* of the PTX text */
    ptx_token token;
    ptx_name name;    /* of a word or a string; a mark is name.p[0] */
    uint64_t number;  /* the value, or the bits of a float */
    char number_kind; /* 'i', 'f', 'd' */
} ptx_lexer;
void ptx_next(ptx_lexer *l);

/* Types have their PTX names in C too. */
#define PTX_TYPES(X)                                                                                                   \
    X(pred, 1)                                                                                                         \
    X(b8, 1)                                                                                                           \
    X(b16, 2)                                                                                                          \
    X(b32, 4)                                                                                                          \
    X(b64, 8)                                                                                                          \
    X(u8, 1)                                                                                                           \
    X(u16, 2)                                                                                                          \
    X(u32, 4)                                                                                                          \
    X(u64, 8)                                                                                                          \
    X(s8, 1)                                                                                                           \
    X(s16, 2)                                                                                                          \
    X(s32, 4)                                                                                                          \
    X(s64, 8)                                                                                                          \
    X(f16, 2)                                                                                                          \
    X(bf16, 2)                                                                                                         \
    X(f16x2, 4)                                                                                                        \
    X(bf16x2, 4)                                                                                                       \
    X(tf32, 4)                                                                                                         \
    X(f32, 4)                                                                                                          \
    X(f64, 8)
typedef enum ptx_type {
#define PTX_TYPE(name, bytes) PTX_##name,
    PTX_TYPES(PTX_TYPE)
#undef PTX_TYPE
        PTX_TYPE_COUNT
} ptx_type;
typedef struct ptx_type_row {
    const char *name;
    unsigned bytes;
} ptx_type_row;
extern const ptx_type_row ptx_types[PTX_TYPE_COUNT + 1];
/* PTX_TYPE_COUNT: it is no type. */
ptx_type ptx_type_of(ptx_name word);

typedef enum ptx_kind { PTX_REGISTER, PTX_PARAM, PTX_SHARED, PTX_DYNAMIC, PTX_VARIABLE, PTX_TARGETS } ptx_kind;

typedef struct ptx_symbol {
    ptx_name name;
    ptx_kind kind;
    ptx_type type;
    bool range;      /* a register with a number behind it */
    unsigned offset; /* of a shared variable */
    ptx_name labels; /* of PTX_TARGETS: the text of the list */
} ptx_symbol;

enum { PTX_WORDS = 20, PTX_OPERANDS = 10, PTX_PARTS = 40, PTX_FILES = 128 };

typedef enum ptx_form { OPERAND_NAME, OPERAND_NUMBER, OPERAND_VECTOR, OPERAND_ADDRESS, OPERAND_LIST } ptx_form;
typedef struct ptx_operand {
    ptx_form form;
    ptx_name name;   /* NAME; ADDRESS: the base, empty when there is none */
    ptx_name second; /* of d|p */
    bool negated;
    uint64_t number; /* also the offset of an ADDRESS */
    char number_kind;
    int first, count; /* of VECTOR and LIST: parts[] */
} ptx_operand;

typedef struct ptx_instruction {
    ptx_name guard, opcode, words[PTX_WORDS];
    bool guard_negated;
    int word_count, operand_count, part_count;
    ptx_operand operands[PTX_OPERANDS], parts[PTX_PARTS];
} ptx_instruction;

typedef struct ptx_unit {
    ptx_lexer lexer;
    struct text out, kernels;
    ptx_symbol *symbols;
    int symbol_count, symbol_room, depth;
    unsigned static_bytes; /* of shared memory */
    ptx_name files[PTX_FILES];
    int file, line;       /* of the source, by .loc */
    bool checked, placed; /* placed: a #line was written for them */
    char error[800];      /* the first */
} ptx_unit;

bool ptx_fail(ptx_unit *u, const char *format, ...) __attribute__((format(printf, 2, 3)));
const ptx_symbol *ptx_find(const ptx_unit *u, ptx_name name);
bool ptx_is(ptx_name name, const char *word);
/* The name in C; the last four stay valid. */
const char *ptx_c(ptx_name name);
const char *ptx_file(const ptx_unit *u);

/* Writes one statement; its place in the source is that of the unit. */
bool ptx_emit(ptx_unit *u, const ptx_instruction *i);
/* A C module, to be compiled behind sim_ptx.h.  Else false with u->error. */
bool ptx_translate(ptx_unit *u, const char *ptx, struct text *c);

#endif
