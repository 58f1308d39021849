# Blocks, structs, hashes, strings, symbols and long integers.
Shape = Struct.new(:kind, :size) do
  def area = kind == :square ? size * size : (3 * size * size) / 4
end

def values(count, seed = 11)
  Array.new(count) { (seed = (seed * 1_103_515_245 + 12_345) % 2**31) >> 8 }
end

def shapes(count)
  made = values(count).map { |n| Shape.new(n.even? ? :square : :round, n % 100) }
  made.group_by(&:kind).map { |kind, all| [kind, all.sum(&:area)] }.sort
end

def words(count)
  text = values(count, 5).map { |n| n.to_s(36)[0, 3] }.join(" ")
  text.scan(/[a-z]+/).tally.sort_by { |word, times| [-times, word] }.first(3)
end

def permutations(n)
  (1..n).to_a.permutation.count { |all| all.each_with_index.none? { |value, index| value == index + 1 } }
end

def digits(n) = (1..n).inject(:*).to_s.each_char.sum(&:to_i)

puts [shapes(60_000), words(40_000), permutations(8), digits(1200)].inspect
