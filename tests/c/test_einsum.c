/* SPDX-License-Identifier: MIT
 *
 * einsum in other words; against NumPy it stands in tests/python/test_hypothesis.py. */
#include "check.h"

TEST(einsum_in_other_words)
{
    mx_array *a = check_random(SHAPE(2, 3, 4), MX_FLOAT32, -2, 2, 1),
             *b = check_random(SHAPE(2, 4, 5), MX_FLOAT32, -2, 2, 2);
    mx_array *square = check_random(SHAPE(4, 4), MX_INT32, -9, 9, 3), *pair[2] = {a, b}, *twice[2];
    mx_array *whole = twice[0] = twice[1] = mx_astype(square, MX_FLOAT32);
    CHECK(mx_value(mx_all(mx_equal(mx_einsum("bij,bjk->bik", pair, 2), mx_matmul(a, b)), ALL_AXES, false)) == 1);
    CHECK(mx_value(mx_all(mx_equal(mx_einsum("...ij,...jk", pair, 2), mx_matmul(a, b)), ALL_AXES, false)) == 1);
    CHECK(mx_value(mx_einsum("ii->", &square, 1)) == mx_value(mx_sum(mx_diagonal(square, 0, 0, 1), ALL_AXES, false)));
    CHECK(mx_value(mx_einsum("ij,ij->", twice, 2)) == mx_value(mx_sum(mx_square(whole), ALL_AXES, false)));
    CHECK_SHAPE(mx_einsum("ba", &square, 1), SHAPE(4, 4), MX_INT32);
    CHECK_CODE(mx_einsum("bij,bjk->bil", pair, 2), MX_VALUE, "[einsum] 'l' is in no operand");
    CHECK_CODE(mx_einsum("bij,bj->bi", pair, 2), MX_VALUE, "[einsum] operand 1 has 3 dimensions");
    CHECK_CODE(mx_einsum("bij,bik->bjk", pair, 2), MX_VALUE, "[einsum] the axes of 'i' have sizes 3 and 4");
    CHECK_CODE(mx_einsum("ij", NULL, 0), MX_VALUE, "[einsum] 0 operands");
    CHECK_CODE(mx_einsum(NULL, pair, 2), MX_VALUE, "[einsum]");
}
