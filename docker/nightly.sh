#!/bin/sh
# nightly.sh PIPELINE: runs it now, and then every day at SALESMART_NIGHTLY_AT (UTC, 02:00). With
# SALESMART_NIGHTLY_AT=once it ends after the first run. A failed run is told and tried the next night.
set -eu
pipeline=$1
at=${SALESMART_NIGHTLY_AT:-02:00}
while true; do
    status=0
    salesmart run "$pipeline" ${SALESMART_AS_OF:+--as-of "$SALESMART_AS_OF"} || status=$?
    if [ "$at" = once ]; then
        exit "$status"
    fi
    [ "$status" -eq 0 ] || echo "nightly: run of $pipeline ended with exit code $status" >&2
    now=$(date -u +%s)
    next=$(date -u -d "today $at" +%s)
    [ "$next" -gt "$now" ] || next=$((next + 86400))
    echo "nightly: next run at $(date -u -d "@$next" +%Y-%m-%dT%H:%MZ)" >&2
    # In the background, so that a stop ends the container at once.
    sleep $((next - now)) &
    wait $!
done
