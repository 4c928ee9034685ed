/* SPDX-License-Identifier: MIT
 *
 * Comparisons. */
#include "cuda/dispatch.h"

const cuda_op cuda_equal = {
    .real = "x == y", .integer = "x == y", .boolean = "x == y", .complex = "x.re == y.re && x.im == y.im"};
const cuda_op cuda_not_equal = {
    .real = "x != y", .integer = "x != y", .boolean = "x != y", .complex = "x.re != y.re || x.im != y.im"};
const cuda_op cuda_less = {.real = "x < y", .integer = "x < y", .boolean = "x < y", .complex = "less_of(x, y)"};
const cuda_op cuda_less_equal = {
    .real = "x <= y", .integer = "x <= y", .boolean = "x <= y", .complex = "less_equal_of(x, y)"};
