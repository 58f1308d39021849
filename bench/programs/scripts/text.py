# Text and containers: generated records, JSON, regular expressions, sorting, classes, exceptions, generators.
import hashlib
import json
import re
from collections import Counter, defaultdict


class Record:
    def __init__(self, number, name, tags):
        self.number, self.name, self.tags = number, name, tags

    def __lt__(self, other):
        return (self.name, self.number) < (other.name, other.number)

    def as_dict(self):
        return {"number": self.number, "name": self.name, "tags": self.tags}


def random(seed=7):
    while True:
        seed = (seed * 1103515245 + 12345) % 2**31
        yield seed >> 8


def records(count):
    numbers = random()
    for number in range(count):
        name = "".join(chr(97 + next(numbers) % 26) for _ in range(3 + next(numbers) % 5))
        yield Record(number, name, [f"tag{next(numbers) % 20}" for _ in range(3)])


def number(text):
    try:
        return int(text)
    except ValueError:
        return None


made = sorted(records(12000))
text = json.dumps([record.as_dict() for record in made])
read = json.loads(text)
by_tag = defaultdict(list)
for record in read:
    for tag in set(record["tags"]):
        by_tag[tag].append(record["name"])
letters = Counter(letter for record in read for letter in record["name"])
vowels = re.findall(r'"([a-z]*[aeiou]{2}[a-z]*)"', text)
numbers = [number(word) for word in re.split(r"\W+", text)]
digest = hashlib.sha256(" ".join(vowels).encode()).hexdigest()
largest = max(by_tag.items(), key=lambda item: (len(item[1]), item[0]))
print(len(text), largest[0], len(largest[1]), letters.most_common(1)[0], len(vowels), sum(n is not None for n in numbers), digest[:12])
