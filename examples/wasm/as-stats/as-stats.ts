// as-stats is a task in AssemblyScript: a JSON list of numbers on stdin, their
// statistics as JSON on stdout, a line on stderr for the log. With the WASI shim
// `process` is WASI's, so that the module imports nothing else. (The shim's
// console writes everything to stdout, console.error too: leave it alone, for
// stdout is the result.)

const text = slurp();
const numbers = parse(text);
process.stderr.write("as-stats: " + numbers.length.toString() + " numbers\n");
process.stdout.write(statistics(numbers) + "\n");

// fail ends the task with a line in its log.
function fail(why: string): void {
  process.stderr.write("as-stats: " + why + "\n");
  process.exit(1);
}

// slurp reads all of stdin.
function slurp(): string {
  let all = new Uint8Array(64 << 10);
  let length = 0;
  while (true) {
    const n = process.stdin.read(all.buffer, length);
    if (n <= 0) break;
    length += n;
    if (length == all.length) {
      const larger = new Uint8Array(2 * length);
      larger.set(all);
      all = larger;
    }
  }
  return String.UTF8.decode(all.buffer.slice(0, length));
}

// parse reads a JSON list of numbers, and nothing else.
function parse(s: string): StaticArray<f64> {
  const found: f64[] = [];
  let i = space(s, 0);
  if (i == s.length || s.charCodeAt(i) != 0x5b /* [ */) fail('give a list of numbers as input, such as [1, 2.5]');
  i = space(s, i + 1);
  while (i < s.length && s.charCodeAt(i) != 0x5d /* ] */) {
    const start = i;
    while (i < s.length && isNumeric(s.charCodeAt(i))) i++;
    const value = i > start ? parseFloat(s.substring(start, i)) : NaN;
    if (!isFinite(value)) fail("element " + found.length.toString() + " is not a number");
    found.push(value);
    i = space(s, i);
    if (i < s.length && s.charCodeAt(i) == 0x2c /* , */) i = space(s, i + 1);
  }
  if (found.length == 0) fail("the list is empty");
  return StaticArray.fromArray(found);
}

// space is the first place from i on that holds no white space.
function space(s: string, i: i32): i32 {
  while (i < s.length && s.charCodeAt(i) <= 0x20) i++;
  return i;
}

function isNumeric(c: i32): bool {
  return (c >= 0x30 && c <= 0x39) || c == 0x2d || c == 0x2b || c == 0x2e || c == 0x65 || c == 0x45; // 0-9 - + . e E
}

// statistics makes the result. The sum is compensated (Neumaier), so that its
// error does not grow with the list.
function statistics(values: StaticArray<f64>): string {
  const count = values.length;
  const sorted = values.slice<StaticArray<f64>>();
  sorted.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const mean = sum(values) / f64(count);
  for (let i = 0; i < count; i++) values[i] = (values[i] - mean) * (values[i] - mean);
  const variance = sum(values) / f64(count);
  return (
    '{"count":' + count.toString() +
    ',"min":' + number(sorted[0]) +
    ',"max":' + number(sorted[count - 1]) +
    ',"mean":' + number(mean) +
    ',"median":' + number(quantile(sorted, 0.5)) +
    ',"p90":' + number(quantile(sorted, 0.9)) +
    ',"p99":' + number(quantile(sorted, 0.99)) +
    ',"stddev":' + number(Math.sqrt(variance)) + "}"
  );
}

function sum(values: StaticArray<f64>): f64 {
  let total: f64 = 0;
  let lost: f64 = 0;
  for (let i = 0; i < values.length; i++) {
    const v = values[i];
    const next = total + v;
    lost += Math.abs(total) >= Math.abs(v) ? total - next + v : v - next + total;
    total = next;
  }
  return total + lost;
}

// quantile interpolates between the two values around it.
function quantile(sorted: StaticArray<f64>, q: f64): f64 {
  const at = q * f64(sorted.length - 1);
  const below = i32(Math.floor(at));
  const above = min(below + 1, sorted.length - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (at - f64(below));
}

// number writes a number as JSON: a whole one without the .0 that
// AssemblyScript gives it.
function number(v: f64): string {
  const s = v.toString();
  return s.endsWith(".0") ? s.substring(0, s.length - 2) : s;
}
