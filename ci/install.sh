#!/bin/sh
# Prepares a Linux machine of a CI service: manyloong in a folder of its own, and what its sandbox needs.
# usage: install.sh FOLDER - on stdout the folder of the program; run by action.yml and gitlab.yml.
set -eu
folder=${1:?usage: install.sh FOLDER}
here=$(cd "$(dirname "$0")/.." && pwd)

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

if ! command -v bwrap >/dev/null; then
    { as_root apt-get update -qq && as_root apt-get install -y -qq bubblewrap; } >&2
fi
# Ubuntu 24.04 and later let no program make user namespaces unless a profile of its own allows it.
restricted=/proc/sys/kernel/apparmor_restrict_unprivileged_userns
if [ -r "$restricted" ] && [ "$(cat "$restricted")" = 1 ]; then
    as_root sysctl -w kernel.apparmor_restrict_unprivileged_userns=0 >&2
fi

"${PYTHON:-python3}" -m venv "$folder"
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
    -r "$here/requirements/runtime.lock" >&2
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps "$here" >&2

# A kernel that has no binfmt_misc of its own for each user namespace: registered for the whole machine.
if ! "$folder/bin/manyloong" doctor >&2; then
    as_root env "PATH=$PATH" "HOME=$HOME" ${MANYLOONG_CACHE_DIR:+"MANYLOONG_CACHE_DIR=$MANYLOONG_CACHE_DIR"} \
        "$folder/bin/manyloong" doctor --register-binfmt >&2
    "$folder/bin/manyloong" doctor >&2
fi
echo "$folder/bin"
