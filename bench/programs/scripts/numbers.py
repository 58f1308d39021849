# Numbers: a sieve, bodies that attract each other, a matrix, and long integers.
import math


def sieve(limit):
    prime = bytearray([1]) * (limit + 1)
    for n in range(2, math.isqrt(limit) + 1):
        if prime[n]:
            prime[n * n :: n] = bytes(len(range(n * n, limit + 1, n)))
    return sum(prime) - 2


def attract(steps):
    bodies = [[float(i), float(i * i % 7), float(i % 3), 0.0, 0.1 * i, 0.0, 1.0 / (i + 1)] for i in range(5)]
    pairs = [(a, b) for i, a in enumerate(bodies) for b in bodies[i + 1 :]]
    for _ in range(steps):
        for a, b in pairs:
            dx, dy, dz = a[0] - b[0], a[1] - b[1], a[2] - b[2]
            force = 0.001 / (dx * dx + dy * dy + dz * dz + 0.01) ** 1.5
            for k, d in ((3, dx), (4, dy), (5, dz)):
                a[k] -= d * b[6] * force
                b[k] += d * a[6] * force
        for body in bodies:
            for k in range(3):
                body[k] += 0.001 * body[k + 3]
    return round(sum(body[0] * body[6] for body in bodies), 9)


def product(side):
    a = [[(i * j) % 7 - 3 for j in range(side)] for i in range(side)]
    columns = list(zip(*a))
    b = [[sum(x * y for x, y in zip(row, column)) for column in columns] for row in a]
    return sum(b[i][i] for i in range(side))


def collatz(limit):
    longest = 0
    for start in range(1, limit):
        n, steps = start, 0
        while n != 1:
            n = n // 2 if n % 2 == 0 else 3 * n + 1
            steps += 1
        longest = max(longest, steps)
    return longest


print(sieve(1000000), attract(5000), product(90), collatz(12000), pow(3, 10007, 10**40) % 10**9, len(str(math.factorial(1500))))
