// Makes a module whose functions trap at once: the real one, with the body of each function replaced.

/** The compiled module with `unreachable` for every body. */
export async function makeTrap(bytes) {
  const HEADER = 8;
  const CODE = 10;
  const parts = [bytes.subarray(0, HEADER)];
  let at = HEADER;
  while (at < bytes.length) {
    const start = at;
    const id = bytes[at];
    const [size, content] = number(bytes, at + 1);
    at = content + size;
    if (id !== CODE) {
      parts.push(bytes.subarray(start, at));
      continue;
    }
    const [count] = number(bytes, content);
    const bodies = Buffer.alloc(count * 4);
    // Three bytes long: no locals, `unreachable`, `end`.
    for (let index = 0; index < count; index++) bodies.set([3, 0, 0x00, 0x0b], index * 4);
    const code = Buffer.concat([leb(count), bodies]);
    parts.push(Buffer.from([CODE]), leb(code.length), code);
  }
  return WebAssembly.compile(Buffer.concat(parts));
}

function number(bytes, start) {
  let value = 0;
  let at = start;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++];
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return [value, at];
  }
}

function leb(value) {
  const out = [];
  let rest = value;
  do {
    out.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
    rest >>>= 7;
  } while (rest > 0);
  return Buffer.from(out);
}
