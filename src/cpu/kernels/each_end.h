/* SPDX-License-Identifier: MIT
 *
 * Forgets the macros of one type.  No guard: included after each use of a template. */
#undef T
#undef ACC
#undef NAME
#undef LOAD
#undef STORE
#undef WIDEN
#undef NARROW
#undef BY_TILE
#undef MATH
