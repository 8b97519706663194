// A generator: runs while the project is built and says on which machine.
#include <fstream>

int main(int, char **arguments) {
#if defined(__x86_64__)
  const char *machine = "x86_64";
#elif defined(__aarch64__)
  const char *machine = "aarch64";
#elif defined(__loongarch64)
  const char *machine = "loongarch64";
#else
  const char *machine = "unknown";
#endif
  std::ofstream(arguments[1]) << "#define MADE_ON \"" << machine << "\"\n";
}
