// Keeps the signs on the map apart and finds room for their names.

const LABEL_GAP = 7;
const SIDES = ["right", "left", "below", "above"];
const ROUNDS = 80;
const MOST_SPREAD = 300; // with more nodes than that, zooming in is what helps

// Moves signs that would cover each other. `signs`: [{x, y, ...}], true places in px; sets dx, dy on each.
export function spread(signs, radius) {
  const wanted = 2 * radius + 2;
  for (const sign of signs) sign.dx = sign.dy = 0;
  if (signs.length > MOST_SPREAD) return;
  for (let round = 0; round < ROUNDS; round += 1) {
    let moved = false;
    for (let i = 0; i < signs.length; i += 1) {
      for (let j = i + 1; j < signs.length; j += 1) moved = push(signs[i], signs[j], wanted, i + j) || moved;
    }
    if (!moved) break;
  }
  const most = 4 * radius;
  for (const sign of signs) {
    const length = Math.hypot(sign.dx, sign.dy);
    const kept = length > most ? most / length : 1;
    sign.dx = Math.round(sign.dx * kept);
    sign.dy = Math.round(sign.dy * kept);
  }
}

function push(a, b, wanted, seed) {
  let x = b.x + b.dx - a.x - a.dx;
  let y = b.y + b.dy - a.y - a.dy;
  let length = Math.hypot(x, y);
  if (length >= wanted - 0.5) return false;
  if (length < 0.01) {
    // At the same spot: any direction will do, as long as it is the same each time.
    [x, y, length] = [Math.cos(seed), Math.sin(seed), 1];
  }
  const by = (wanted - length) / 2 / length;
  a.dx -= x * by;
  a.dy -= y * by;
  b.dx += x * by;
  b.dy += y * by;
  return true;
}

const apart = (a, b) => a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top;

function around(side, x, y, width, height, radius) {
  const off = radius + LABEL_GAP;
  if (side === "right" || side === "left") {
    const left = side === "right" ? x + off : x - off - width;
    return { left, right: left + width, top: y - height / 2, bottom: y + height / 2 };
  }
  const top = side === "below" ? y + off : y - off - height;
  return { left: x - width / 2, right: x + width / 2, top, bottom: top + height };
}

// After spread(). `signs`: [{x, y, dx, dy, label: element}], the most important first; `size`: the map's {x, y};
// `obstacles`: boxes that are taken. Sets data-side of each label: right, left, below, above, or none where there is no room.
export function placeLabels(signs, size, radius, obstacles) {
  const sizes = signs.map(({ label }) => [label.offsetWidth, label.offsetHeight]);
  const discs = signs.map(({ x, y, dx, dy }) => ({
    left: x + dx - radius, right: x + dx + radius, top: y + dy - radius, bottom: y + dy + radius,
  }));
  const taken = [...obstacles, ...discs];
  signs.forEach(({ x, y, dx, dy, label }, index) => {
    const [width, height] = sizes[index];
    const at = (side) => around(side, x + dx, y + dy, width, height, radius);
    const side = SIDES.find((candidate) => {
      const wanted = at(candidate);
      const inside = wanted.left >= 0 && wanted.top >= 0 && wanted.right <= size.x && wanted.bottom <= size.y;
      return inside && taken.every((other) => apart(wanted, other));
    });
    label.dataset.side = side ?? "none";
    if (side) taken.push(at(side));
  });
}
