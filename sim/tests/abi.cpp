// SPDX-License-Identifier: MIT
//
// The simulator's constants against the toolkit's headers: that it compiles is the test.
#include "../blaslt.h"
#include <cublasLt.h>
#include <cuda.h>

#define CHECK(name, value, theirs) static_assert((int)(theirs) == (value), #theirs);
SIM_VALUES(CHECK)
LT_VALUES(CHECK)

int main()
{
    return 0;
}
