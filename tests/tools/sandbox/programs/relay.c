/* Writes the machine that uname(2) says; then runs its arguments, unless the first begins with a dash, as a child and waits for it.
   Freestanding, so that it needs no C library:
   zig cc -target loongarch64-linux-musl -nostdlib -static -Os -s -fno-builtin -fno-sanitize=undefined -fno-stack-protector \
       -Wl,-z,max-page-size=4096 -o relay.loongarch64 relay.c */
static long call(long n, long a, long b, long c, long d)
{
    register long a0 asm("$a0") = a;
    register long a1 asm("$a1") = b;
    register long a2 asm("$a2") = c;
    register long a3 asm("$a3") = d;
    register long a4 asm("$a4") = 0;
    register long a7 asm("$a7") = n;
    asm volatile("syscall 0" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a7)
                 : "memory", "$t0", "$t1", "$t2", "$t3", "$t4", "$t5", "$t6", "$t7", "$t8");
    return a0;
}

enum { NR_write = 64, NR_exit = 93, NR_uname = 160, NR_clone = 220, NR_execve = 221, NR_wait4 = 260 };
enum { SIGCHLD = 17, MACHINE = 4 * 65 };

__attribute__((used)) static void run(long *stack)
{
    long argc = stack[0];
    char **argv = (char **)(stack + 1);
    char **envp = argv + argc + 1;
    static char name[6 * 65 + 1];
    long length = 0, status = 0;

    call(NR_uname, (long)name, 0, 0, 0);
    while (name[MACHINE + length])
        length++;
    name[MACHINE + length] = '\n';
    call(NR_write, 1, (long)(name + MACHINE), length + 1, 0);
    if (argc > 1 && argv[1][0] != '-') {
        if (call(NR_clone, SIGCHLD, 0, 0, 0) == 0) {
            call(NR_execve, (long)argv[1], (long)(argv + 1), (long)envp, 0);
            call(NR_exit, 127, 0, 0, 0);
        }
        call(NR_wait4, -1, (long)&status, 0, 0);
        status = (status >> 8) & 0xff;
    }
    call(NR_exit, status, 0, 0, 0);
}

asm(".globl _start\n_start:\n  move $a0, $sp\n  bl run\n");
