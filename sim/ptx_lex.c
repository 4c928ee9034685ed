/* SPDX-License-Identifier: MIT
 *
 * Words of PTX.  A word takes its dots and double colons along: `ld.global.L1::no_allocate.v4.f32`, `%tid.x`, `.reg`. */
#include "ptx.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const char *skip_blank(ptx_lexer *l)
{
    const char *p = l->at;
    for (;; p++) {
        if (*p == '\n') l->row++;
        if (p[0] == '/' && p[1] == '/') {
            p += strcspn(p, "\n") - 1;
        } else if (p[0] == '/' && p[1] == '*') {
            const char *end = strstr(p + 2, "*/");
            if (!end) return p + strlen(p);
            for (; p < end + 1; p++) l->row += *p == '\n';
        } else if (!isspace((unsigned char)*p)) {
            return p;
        }
    }
}

static bool starts_word(char c)
{
    return isalpha((unsigned char)c) || c == '_' || c == '$' || c == '%' || c == '.';
}

static const char *end_of_word(const char *p)
{
    for (;;) {
        if (starts_word(*p) || isdigit((unsigned char)*p)) {
            p++;
        } else if (p[0] == ':' && p[1] == ':') {
            p += 2;
        } else {
            return p;
        }
    }
}

static const char *read_number(ptx_lexer *l, const char *p)
{
    char *end;
    l->number_kind = 'i';
    if (p[0] == '0' && (p[1] == 'f' || p[1] == 'F' || p[1] == 'd' || p[1] == 'D')) {
        l->number_kind = (char)tolower((unsigned char)p[1]);
        l->number = strtoull(p + 2, &end, 16);
        return end;
    }
    bool binary = p[0] == '0' && (p[1] == 'b' || p[1] == 'B');
    l->number = strtoull(binary ? p + 2 : p, &end, binary ? 2 : 0);
    if (*end == '.' && isdigit((unsigned char)end[1])) { /* 1.5, a double */
        double value = strtod(p, &end);
        memcpy(&l->number, &value, sizeof value);
        l->number_kind = 'd';
    }
    return *end == 'U' ? end + 1 : end;
}

void ptx_next(ptx_lexer *l)
{
    const char *p = skip_blank(l), *end = p + 1;
    l->name.p = p;
    if (!*p) {
        l->token = PTX_END;
        end = p;
    } else if (isdigit((unsigned char)*p)) {
        l->token = PTX_NUMBER;
        end = read_number(l, p);
    } else if (starts_word(*p)) {
        l->token = PTX_WORD;
        end = end_of_word(p);
    } else if (*p == '"') {
        l->token = PTX_STRING;
        l->name.p = ++p;
        end = p + strcspn(p, "\"\n");
    } else {
        l->token = PTX_MARK;
    }
    l->name.size = (int)(end - p);
    l->at = l->token == PTX_STRING && *end ? end + 1 : end;
}
