/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <signal.h>
#include <stdio.h>
#include <sys/select.h>
#include <readline/history.h>
#include <readline/readline.h>

/* Waits until one of two descriptors can be read, with the signals of MASK blocked: one that was
 * blocked before ends the wait, also if it came already. Swift imports neither FD_SET nor ppoll.
 * Returns 2 when the second can be read, 1 when only the first can, -1 after a signal. */
static inline int
virshBackupWaitForInput(int first, int second, const sigset_t *mask)
{
    fd_set descriptors;

    if (second >= FD_SETSIZE)
        return 1;
    FD_ZERO(&descriptors);
    FD_SET(first, &descriptors);
    FD_SET(second, &descriptors);
    if (pselect((first > second ? first : second) + 1, &descriptors, NULL, NULL, NULL, mask) < 0)
        return -1;
    return FD_ISSET(second, &descriptors) ? 2 : 1;
}

/* glibc's tee, which only _GNU_SOURCE shows: copies what is in a pipe to another one. */
static inline ssize_t
virshBackupCopyPipe(int from, int to, size_t size)
{
    extern ssize_t tee(int from, int to, size_t size, unsigned int flags);

    return tee(from, to, size, 0);
}
