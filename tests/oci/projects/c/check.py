import platform

import demo_c

assert demo_c.root(9.0) == 3.0
assert platform.machine() == "loongarch64"
