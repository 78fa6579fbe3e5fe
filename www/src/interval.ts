/** How far a share may be off by chance. */

/** The standard normal distribution holds 95 % between −z and z. */
export const Z95 = 1.959964;

/** The 95 % interval of Wilson (Journal of the American Statistical Association 22, 1927) for `part` of `total`, as shares. */
export function wilson(part: number, total: number): [low: number, high: number] {
  const [p, zz] = [part / total, Z95 ** 2];
  const middle = p + zz / (2 * total);
  const half = Z95 * Math.sqrt((p * (1 - p)) / total + zz / (4 * total ** 2));
  return [(middle - half) / (1 + zz / total), (middle + half) / (1 + zz / total)];
}
