// Polygons with corners [x, y], 0..1 of the image's width and height.
export const within = value => Math.min(1, Math.max(0, value));
const rounded = value => Math.round(within(value) * 1000) / 1000;

export const corner = (x, y) => [rounded(x), rounded(y)];
export const middle = ([ax, ay], [bx, by]) => corner((ax + bx) / 2, (ay + by) / 2);
export const after = (corners, which) => corners[(which + 1) % corners.length];

/** Returns the polygon moved as a whole, as far as all of it stays in the image. */
export function moved(corners, x, y) {
  const by = (axis, wanted) => {
    const all = corners.map(one => one[axis]);
    return Math.min(1 - Math.max(...all), Math.max(-Math.min(...all), wanted));
  };
  const dx = by(0, x), dy = by(1, y);
  return corners.map(one => corner(one[0] + dx, one[1] + dy));
}

/** Returns whether two edges that are no neighbours meet. */
export function crosses(corners) {
  const count = corners.length, side = ([ax, ay], [bx, by], [cx, cy]) => Math.sign((bx - ax) * (cy - ay) - (by - ay) * (cx - ax));
  for (let one = 0; one < count; one++)
    for (let two = one + 2; two < count; two++) {
      if (one === 0 && two === count - 1) continue;
      const [a, b, c, d] = [corners[one], after(corners, one), corners[two], after(corners, two)];
      if (side(a, b, c) * side(a, b, d) < 0 && side(c, d, a) * side(c, d, b) < 0) return true;
    }
  return false;
}

/** Returns the place of a polygon's name. */
export const centre = corners => [0, 1].map(axis => corners.reduce((sum, one) => sum + one[axis], 0) / corners.length);
