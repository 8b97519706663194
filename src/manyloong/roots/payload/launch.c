/* The program behind NAME in an image: NAME.MACHINE of the first machine in MACHINES that this kernel can run.

   Beside the image's own program (the last one) there is one for the build machine, which the kernel runs
   natively where the image is emulated, and refuses where it is at home. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const machines[] = {MACHINES};

int main(int argc, char **argv) {
  char path[4096];
  const ssize_t length = readlink("/proc/self/exe", path, sizeof path - 64);
  (void)argc;
  if (length > 0)
    for (size_t i = 0; i < sizeof machines / sizeof *machines; i++) {
      path[length] = '.';
      strcpy(path + length + 1, machines[i]);
      execv(path, argv);
      if (errno != ENOEXEC && errno != ENOENT && errno != EACCES) break;
    }
  fprintf(stderr, "%s: no program for this machine beside it (%s)\n", argv[0], strerror(errno));
  return 126;
}
