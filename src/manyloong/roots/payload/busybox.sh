# BusyBox for a target by the toolchain: a shell and the small programs that test commands call, as links to one file.
# Variables: HOST_COMPILER.
jobs=$(nproc)
run_make() {
    make -s -C src "$@" HOSTCC="$HOST_COMPILER" CC=cc AR=ar NM=nm STRIP=true OBJCOPY=objcopy CROSS_COMPILE= SKIP_STRIP=y \
        EXTRA_CFLAGS="-Wno-date-time -ffile-prefix-map=/build/src=."
}
case "$1" in
unpack)
    mkdir src
    tar -xf /io/busybox -C src --strip-components=1
    ;;
configure)
    run_make defconfig
    # tc needs headers that the kernel no longer has; nothing here speaks TLS.
    for name in TC SSL_CLIENT; do
        sed -i "s/^CONFIG_$name=y/# CONFIG_$name is not set/" src/.config
    done
    # Answers "default" to every question that follows from that; yes(1) ends by the signal it is sent.
    (yes "" || true) | run_make oldconfig >/dev/null
    ;;
make)
    run_make -j"$jobs"
    ;;
install)
    run_make install CONFIG_PREFIX=/build/dest
    # Links name the program by its place in a merged tree.
    mkdir -p /tmp/out/usr/bin /tmp/out/usr/sbin
    cp dest/bin/busybox /tmp/out/usr/bin/busybox
    strip --strip-unneeded /tmp/out/usr/bin/busybox
    for link in $(cd dest && find . -type l | sort); do
        case "$link" in
        *sbin/*) ln -sf ../bin/busybox "/tmp/out/usr/sbin/${link##*/}" ;;
        *) ln -sf busybox "/tmp/out/usr/bin/${link##*/}" ;;
        esac
    done
    ;;
esac
