// A file to compile: a family of functions for each of many types and operators, made by macros. Needs no header.
#define FAMILY(type, name, op)                                                                        \
    static void sort_##name(type *a, int n) {                                                         \
        for (int gap = n / 2; gap > 0; gap /= 2)                                                      \
            for (int i = gap; i < n; i++) {                                                           \
                type value = a[i];                                                                    \
                int j = i;                                                                            \
                for (; j >= gap && a[j - gap] > value; j -= gap) a[j] = a[j - gap];                   \
                a[j] = value;                                                                         \
            }                                                                                         \
    }                                                                                                 \
    static int find_##name(const type *a, int n, type value) {                                        \
        int low = 0, high = n;                                                                        \
        while (low < high) {                                                                          \
            int middle = low + (high - low) / 2;                                                      \
            if (a[middle] < value) low = middle + 1; else high = middle;                              \
        }                                                                                             \
        return low;                                                                                   \
    }                                                                                                 \
    type reduce_##name(type *a, type *b, int n, int how) {                                            \
        type sum = 1;                                                                                 \
        switch (how & 7) {                                                                            \
        case 0: for (int i = 0; i < n; i++) sum = sum op (type)(a[i] + 1); break;                     \
        case 1: for (int i = 0; i < n; i++) sum += a[i] op (type)3; break;                            \
        case 2: for (int i = 0; i + 1 < n; i += 2) { type t = a[i]; a[i] = a[i + 1]; a[i + 1] = t; } break; \
        case 3: sort_##name(a, n); break;                                                             \
        case 4: for (int i = 0; i < n; i++) sum += (type)find_##name(b, n, a[i]); break;              \
        case 5: for (int i = 0; i < n; i++) for (int j = 0; j < n; j++) sum += a[i] * b[j]; break;    \
        case 6: for (int i = 1; i < n; i++) { a[i] = a[i - 1] op b[i]; b[i] = a[i] op a[n - i]; } break; \
        default: return how > 64 ? sum : sum + reduce_##name(b, a, n, how + 9);                       \
        }                                                                                             \
        return sum;                                                                                   \
    }

#define WHOLE(type, name)                                                                             \
    FAMILY(type, name##_add, +)                                                                       \
    FAMILY(type, name##_sub, -)                                                                       \
    FAMILY(type, name##_mul, *)                                                                       \
    FAMILY(type, name##_and, &)                                                                       \
    FAMILY(type, name##_xor, ^)

#define REAL(type, name)                                                                              \
    FAMILY(type, name##_add, +)                                                                       \
    FAMILY(type, name##_mul, *)                                                                       \
    FAMILY(type, name##_div, /)

WHOLE(signed char, i8)
WHOLE(unsigned char, u8)
WHOLE(short, i16)
WHOLE(unsigned short, u16)
WHOLE(int, i32)
WHOLE(unsigned, u32)
WHOLE(long long, i64)
WHOLE(unsigned long long, u64)
REAL(float, f32)
REAL(double, f64)
