set -e
[[ $(uname -m) == loongarch64 ]]
[[ $AUDITWHEEL_PLAT == manylinux_2_36_loongarch64 ]]
test -x /opt/python/cp313-cp313/bin/python
test -x /opt/_internal/cpython-3.13/bin/pip
/opt/clang/bin/clang --version
manylinux-install-clang
manylinux-interpreters list | grep cp313-cp313
manylinux-interpreters ensure cp313-cp313
! manylinux-interpreters ensure cp39-cp39
auditwheel --version
dnf install -y make git
! dnf install -y libsodium-devel 2>refused.txt
grep 'libsodium-devel is the port libsodium' refused.txt
! apk add --no-cache --virtual .deps 'libsodium-dev~=1.0' 2>refused.txt
grep 'libsodium-dev is the port libsodium' refused.txt
! apk add no-such-thing 2>refused.txt
grep 'no port of no-such-thing' refused.txt
mkdir -p /usr/local/include
echo '#define ANSWER 42' > /usr/local/include/answer.h
