#!/bin/sh
# Builds, audits and tests a project's wheels with the words of a CI service's inputs.
# Reads WHEELS_SOURCE, WHEELS_PYTHON, WHEELS_PLATFORM, WHEELS_OUTPUT, WHEELS_ARGUMENTS; run by action.yml and gitlab.yml.
set -eu
# WHEELS_ARGUMENTS is several words; the shell splits them, and expands no pattern in them.
set -f
exec manyloong build "${WHEELS_SOURCE:-.}" --python "${WHEELS_PYTHON:-all}" \
    --platform "${WHEELS_PLATFORM:-manylinux_2_36}" --output "${WHEELS_OUTPUT:-wheelhouse}" \
    ${WHEELS_ARGUMENTS:-}
