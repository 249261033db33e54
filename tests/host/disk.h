/* SPDX-License-Identifier: MIT
 *
 * A disk that dies: the test program's own open, write, fsync, rename, close, unlink and flock stand in front of the C
 * library's, count the calls of a child process, and end it at one of them, or let that one fail.
 *
 * A power cut takes more than the process: what was not flushed is gone. A file that was written and not fsynced has the length
 * that it had before, and a rename whose directory was not fsynced has not happened.
 */
#ifndef HF_TESTS_DISK_H
#define HF_TESTS_DISK_H

enum disk_end {
	DISK_LIVES,
	DISK_KILL_BEFORE, /* the process is killed before the call */
	DISK_KILL_AFTER,
	DISK_CUT_BEFORE,  /* the power is cut */
	DISK_CUT_AFTER,
	DISK_CUT_KEPT,    /* after the call; renames have reached the disk before their directory was flushed */
	DISK_CUT_TORN,    /* after the call; half of what was written last and not flushed has reached the disk */
	DISK_FULL,        /* from this call on, writing fails with ENOSPC; the first time half of it is written */
	DISK_ERROR,       /* the call fails with EIO, all others do what they should */
};

#define DISK_DEAD 77 /* exit status of a process that ended so */

/* From now on, in this process: the nth call (from 1) ends so. */
void disk_arm(enum disk_end end, unsigned nth);

#endif
