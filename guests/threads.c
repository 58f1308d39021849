// Counts primes with several threads, which take the numbers from a shared counter. Written without a C library, since
// the libraries at hand have no threads: what wasi-libc would do stands at the end.
enum { BELOW = 20000, CHUNK = 100, THREADS = 4, STACK_BYTES = 4096 };

#define IMPORT(module, name) __attribute__((import_module(module), import_name(name)))

struct iovec {
    const char *bytes;
    unsigned long len;
};

// What a thread is given: the top of its stack comes first, since `wasi_thread_start` loads it from there.
struct thread {
    char *stack_top;
    int number;
    char stack[STACK_BYTES] __attribute__((aligned(16)));
};

IMPORT("wasi", "thread-spawn") int thread_spawn(struct thread *thread);
IMPORT("wasi_snapshot_preview1", "fd_write")
int fd_write(int fd, const struct iovec *iovs, unsigned long count, unsigned long *written);
IMPORT("wasi_snapshot_preview1", "proc_exit") _Noreturn void proc_exit(int status);

static struct thread threads[THREADS];
static _Atomic int next, primes, done;

static int is_prime(int n) {
    // On the stack, so that threads that shared one would disturb each other.
    volatile int divisor = 2;
    if (n < 2)
        return 0;
    for (; divisor * divisor <= n; divisor++)
        if (n % divisor == 0)
            return 0;
    return 1;
}

__attribute__((used)) void run_thread(int id, struct thread *thread) {
    int first, found = 0;
    if (id <= 0 || thread != &threads[thread->number])
        proc_exit(2);
    while ((first = __c11_atomic_fetch_add(&next, CHUNK, __ATOMIC_SEQ_CST)) < BELOW)
        for (int n = first; n < first + CHUNK; n++)
            found += is_prime(n);
    primes += found;
    done++;
    __builtin_wasm_memory_atomic_notify((int *)&done, 1);
}

static void print(const char *text, unsigned long len) {
    struct iovec iovec = {text, len};
    unsigned long written;
    fd_write(1, &iovec, 1, &written);
}

static void print_number(int n) {
    char digits[12], *first = digits + sizeof digits;
    do
        *--first = (char)('0' + n % 10);
    while (n /= 10);
    print(first, (unsigned long)(digits + sizeof digits - first));
}

__attribute__((export_name("_start"))) void _start(void) {
    for (int i = 0; i < THREADS; i++) {
        threads[i].number = i;
        threads[i].stack_top = threads[i].stack + STACK_BYTES;
        if (thread_spawn(&threads[i]) < 0)
            proc_exit(1);
    }
    for (int seen; (seen = done) < THREADS;)
        __builtin_wasm_memory_atomic_wait32((int *)&done, seen, -1);
    print("primes below ", 13);
    print_number(BELOW);
    print(": ", 2);
    print_number(primes);
    print("\n", 1);
}

// A new thread's instance has the stack pointer of the first one, which must go before C code runs.
__asm__(".globaltype __stack_pointer, i32\n"
        ".functype run_thread (i32, i32) -> ()\n"
        ".section .text.wasi_thread_start,\"\",@\n"
        ".globl wasi_thread_start\n"
        ".type wasi_thread_start,@function\n"
        ".export_name wasi_thread_start, wasi_thread_start\n"
        "wasi_thread_start:\n"
        ".functype wasi_thread_start (i32, i32) -> ()\n"
        "local.get 1\n"
        "i32.load 0\n"
        "global.set __stack_pointer\n"
        "local.get 0\n"
        "local.get 1\n"
        "call run_thread\n"
        "end_function\n");
