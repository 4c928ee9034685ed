/* SPDX-License-Identifier: MIT
 *
 * A driver that is no good: VERSION is what it says it supports, and it has no function but that. */
int cuDriverGetVersion(int *version);
int cuDriverGetVersion(int *version)
{
    *version = VERSION;
    return 0;
}
