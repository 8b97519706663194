# CPython: for a target with the toolchain (TRIPLET is set), or for the build machine with its own compiler.
# Variables: MINOR (3.13), NAME (python3.13t), PREFIX, OPTIONS, BUILD_PYTHON (of the same minor version; cross),
# PORTS (prefix of the C libraries, or empty), SITE (name of the patches, or empty).
jobs=$(nproc)
flags="-ffile-prefix-map=/build/src=/usr/src/python"
case "$1" in
unpack)
    mkdir src
    tar -xf /io/cpython -C src --strip-components=1
    for patch in $PATCHES; do
        patch -d src -p1 -s <"/io/$patch"
    done
    ;;
configure)
    mkdir obj
    cd obj
    if [ -n "$TRIPLET" ]; then
        # Questions that configure answers by running a program or looking at this machine.
        cat >config.site <<X
ac_cv_file__dev_ptmx=yes
ac_cv_file__dev_ptc=no
ac_cv_buggy_getaddrinfo=no
ac_cv_working_tzset=yes
X
        export CONFIG_SITE="$PWD/config.site"
        set -- --host="$TRIPLET" --build="$(/usr/bin/uname -m)-linux-gnu" --with-build-python="$BUILD_PYTHON" \
            CC=cc CXX=c++ AR=ar RANLIB=ranlib READELF="$TRIPLET-readelf" CPP=cpp PKG_CONFIG=pkg-config
        # The linker leaves out what nothing calls; the interpreter must keep what extension modules call.
        if [ -n "$PORTS" ]; then
            set -- "$@" CPPFLAGS="-I$PORTS/include -I$PORTS/include/ncursesw" LDFLAGS="-L$PORTS/lib" --with-openssl="$PORTS"
        fi
        flags="$flags -Wno-date-time"
    else
        set -- CC=gcc
    fi
    # shellcheck disable=SC2086 # OPTIONS are words
    ../src/configure --prefix="$PREFIX" --without-ensurepip $OPTIONS "$@" OPT="-DNDEBUG -O2 -Wall" CFLAGS="$flags"
    ;;
make)
    # Compiled below, in one process and without times in the files.
    sed -i 's#\$(DESTDIR)\$(LIBDEST)/compileall.py#-c pass#' obj/Makefile
    make -C obj -j"$jobs"
    ;;
install)
    if [ -n "$TRIPLET" ]; then python=$BUILD_PYTHON; else python=/build/obj/python; fi
    make -C obj install DESTDIR=/build/dest >/build/install.log 2>&1 || {
        tail -n 30 /build/install.log
        exit 1
    }
    cd dest
    library=".$PREFIX/lib/$NAME"
    rm -rf ".$PREFIX/share" ".$PREFIX/lib/pkgconfig" "$library"/config-*/*.a
    find . -name '*.a' -delete
    find . -name __pycache__ -type d -prune -exec rm -rf {} +
    find "$library/lib-dynload" ".$PREFIX/bin" -type f \( -name '*.so' -o -name 'python*[0-9t]' \) \
        -exec "${TRIPLET:+$TRIPLET-}strip" --strip-unneeded {} +
    "$python" -m compileall -q --invalidation-mode unchecked-hash -s /build/dest -x '/(test|tests|idlelib|lib2to3|turtledemo)/' "$library"
    cp -a . /tmp/out/
    ;;
esac
