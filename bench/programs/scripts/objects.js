// Objects, closures, maps, strings, regular expressions and numbers, as scripts use them.
let seed = 1;
const random = () => (seed = (Math.imul(seed, 1103515245) + 12345) >>> 0) / 4294967296;

class Vector {
  constructor(x, y, z) { this.x = x; this.y = y; this.z = z; }
  plus(o) { return new Vector(this.x + o.x, this.y + o.y, this.z + o.z); }
  times(k) { return new Vector(this.x * k, this.y * k, this.z * k); }
  dot(o) { return this.x * o.x + this.y * o.y + this.z * o.z; }
}

// Where a ray meets a sphere.
class Sphere {
  constructor(centre, radius) { this.centre = centre; this.radius = radius; }
  meet(from, direction) {
    const to = this.centre.plus(from.times(-1));
    const along = to.dot(direction);
    const rest = this.radius ** 2 - (to.dot(to) - along * along);
    return rest < 0 ? Infinity : along - Math.sqrt(rest);
  }
}

function picture(side) {
  const spheres = Array.from({ length: 8 }, () =>
    new Sphere(new Vector(random() * 4 - 2, random() * 4 - 2, 4 + random() * 4), 0.3 + random()));
  const eye = new Vector(0, 0, 0);
  let light = 0;
  for (let row = 0; row < side; row++)
    for (let column = 0; column < side; column++) {
      const direction = new Vector(column / side - 0.5, row / side - 0.5, 1);
      const length = Math.sqrt(direction.dot(direction));
      const near = Math.min(...spheres.map((s) => s.meet(eye, direction.times(1 / length))));
      if (near < Infinity) light += 1 / (1 + near);
    }
  return light.toFixed(6);
}

function words(count) {
  const counts = new Map();
  let text = "";
  for (let i = 0; i < count; i++) text += String.fromCharCode(97 + (random() * 5 | 0)) + (random() < 0.3 ? " " : "");
  for (const [word] of text.matchAll(/\w+/g)) counts.set(word, (counts.get(word) ?? 0) + 1);
  const common = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, 50);
  return JSON.stringify(JSON.parse(JSON.stringify(common))).length;
}

function queens(n, row = 0, columns = 0, left = 0, right = 0) {
  if (row === n) return 1;
  let count = 0;
  for (let free = ~(columns | left | right) & ((1 << n) - 1); free; free &= free - 1) {
    const bit = free & -free;
    count += queens(n, row + 1, columns | bit, (left | bit) << 1, (right | bit) >> 1);
  }
  return count;
}

const fibonacci = (n) => { let [a, b] = [0n, 1n]; while (n--) [a, b] = [b, a + b]; return a; };

console.log([picture(120), words(200000), queens(10), fibonacci(8000).toString().length].join(" "));
