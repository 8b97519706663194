# glibc for a target by a cross GCC: what programs need to run, laid out as "make install" of upstream lays it.
# Variables: TRIPLET, VERSION, COMPILER (cross GCC), KERNEL (oldest to support), EPOCH of the sources.
jobs=$(nproc)
case "$1" in
unpack)
    tar -xf /io/glibc
    mv "glibc-$VERSION" src
    # Debian's archive lacks manual/ for its licence; the build asks each directory for its objects.
    if [ ! -f src/manual/Makefile ]; then
        mkdir -p src/manual
        printf 'subdir := manual\ninclude ../Makeconfig\ninclude ../Rules\n' >src/manual/Makefile
    fi
    ;;
configure)
    mkdir obj
    cd obj
    # CXX is empty: with a C++ compiler, a test program would be linked to its run-time library.
    ../src/configure --host="$TRIPLET" --build="$(gcc -dumpmachine)" --prefix=/usr \
        --libdir=/usr/lib64 libc_cv_slibdir=/lib64 libc_cv_rtlddir=/lib64 \
        --enable-kernel="$KERNEL" --with-headers="/usr/$TRIPLET/include" \
        --disable-werror --disable-nscd --disable-build-nscd --disable-profile --disable-timezone-tools \
        --without-selinux --without-gd \
        CC="$COMPILER" CXX= BUILD_CC=gcc CFLAGS="-O2 -ffile-prefix-map=/build/src=. -ffile-prefix-map=/build/obj=."
    ;;
make)
    make -C obj -j"$jobs" CXX=
    ;;
install)
    make -C obj -j"$jobs" install DESTDIR=/build/dest CXX= >/build/install.log 2>&1 || {
        tail -n 30 /build/install.log
        exit 1
    }
    cd dest
    # Not for running programs: headers, archives, start files, sources of locales, debugging tools.
    rm -rf usr/include usr/share usr/lib64/*.a usr/lib64/*.o usr/lib64/audit usr/libexec var
    find usr/lib64 lib64 -name '*.so' -size -2 -delete
    find . -type f \( -name '*.so*' -o -path './*bin/*' \) -exec "$TRIPLET-strip" --strip-unneeded {} + 2>/dev/null || true
    mkdir -p /tmp/out/usr
    # One directory of each name, as merged systems have it.
    for name in lib64 sbin; do
        mkdir -p "usr/$name"
        [ ! -d "$name" ] || cp -a "$name/." "usr/$name/"
        rm -rf "$name"
    done
    cp -a usr/. /tmp/out/usr/
    [ ! -d etc ] || cp -a etc /tmp/out/etc
    ;;
esac
