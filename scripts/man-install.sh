#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs the manual pages for meson: man-install.sh PAGES MANDIR.
set -eu

for section in man1 man5; do
	to=${DESTDIR:-}$2/$section
	mkdir -p "$to"
	for page in "$1/$section"/*; do
		install -m 644 "$page" "$to"
	done
done
