#!/usr/bin/env bash
# Builds a C program against DPDK: build_c.sh SOURCE PROGRAM [LINKER-ARGUMENT...]
set -euo pipefail

source=$1 program=$2
shift 2
read -ra flags <<<"$(pkg-config --cflags --libs libdpdk)"
mkdir -p "$(dirname "$program")"
"${CC:-gcc}" -O3 -o "$program" "$source" "${flags[@]}" "$@"
