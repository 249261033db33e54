/* SPDX-License-Identifier: MIT
 *
 * All of Holdfast's library, for C and C++ (docs/LIBRARY.md). The headers that it includes hold the contracts; each can be included
 * by itself, from C++ within extern "C".
 */
#ifndef HOLDFAST_H
#define HOLDFAST_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What everything else speaks in. */
#include "diag.h"
#include "err.h"
#include "file.h"
#include "uuid.h"
#include "version.h"

/* Which lines there are, and what is at their other ends. */
#include "ports.h"
#include "probe.h"
#include "serial.h"

/* A device. */
#include "smp_client.h"
#include "smp_device.h"
#include "smp_health.h"
#include "smp_rate.h"
#include "smp_session.h"
#include "smp_upload.h"

/* What it gets. */
#include "board.h"
#include "keyset.h"
#include "package_read.h"
#include "package_verify.h"
#include "project.h"
#include "signer.h"

/* All of it in one call. */
#include "burn.h"
#include "burn_time.h"

#ifdef __cplusplus
}
#endif

#endif
