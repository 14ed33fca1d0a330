/**
 * What the X-Ray SDK gets instead of the package semver: it asks one question, whether a version is at least
 * another. The package weighs 70 kB, and both versions are plain `major.minor.patch`.
 */
export function gte(version: string, minimum: string): boolean {
  const [actual, wanted] = [numbersOf(version), numbersOf(minimum)];
  for (const [index, number] of wanted.entries()) {
    const difference = (actual[index] ?? 0) - number;
    if (difference !== 0) return difference > 0;
  }
  return true;
}

function numbersOf(version: string): number[] {
  return version
    .replace(/^v/, '')
    .split('.')
    .map((part) => Number.parseInt(part, 10));
}
