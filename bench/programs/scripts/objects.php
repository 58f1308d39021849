<?php
// Classes, arrays, strings, regular expressions and hashes.
final class Point {
    public function __construct(public readonly int $x, public readonly int $y) {}
    public function to(Point $other): int { return abs($this->x - $other->x) + abs($this->y - $other->y); }
}

function numbers(int $count, int $seed): Generator {
    for ($i = 0; $i < $count; $i++) {
        $high = $seed = ($seed * 75 + 74) % 65537;
        $seed = ($seed * 75 + 74) % 65537;
        yield $high << 14 ^ $seed;
    }
}

function points(int $count): int {
    $made = [];
    foreach (numbers($count, 3) as $n) $made[] = new Point($n % 1000, intdiv($n, 1000) % 1000);
    $sum = 0;
    foreach ($made as $i => $point) for ($j = $i + 1; $j < min($i + 40, $count); $j++) $sum += $point->to($made[$j]);
    return $sum;
}

function words(int $count): string {
    $text = '';
    foreach (numbers($count, 5) as $n) $text .= base_convert((string) ($n % 50000), 10, 36) . ' ';
    preg_match_all('/[a-z]+/', $text, $found);
    $counts = array_count_values($found[0]);
    uksort($counts, fn($a, $b) => $counts[$b] <=> $counts[$a] ?: strcmp((string) $a, (string) $b));
    return json_encode(array_slice($counts, 0, 3));
}

function fields(int $side): int {
    $a = [];
    for ($i = 0; $i < $side; $i++) for ($j = 0; $j < $side; $j++) $a[$i][$j] = ($i * $j) % 7;
    for ($k = 0, $sum = 0; $k < $side; $k++)
        for ($i = 0; $i < $side; $i++) for ($j = 0; $j < $side; $j++) $sum += $a[$i][$k] * $a[$k][$j];
    return $sum;
}

echo points(12000), ' ', words(40000), ' ', fields(110), ' ', md5(str_repeat('riser', 20000)), "\n";
