// Creates failing variants of the real module.

/** Compiles the module with `unreachable` as the body of each function. */
export function makeTrap(bytes) {
  const CODE = 10;
  return withSection(bytes, CODE, (content) => {
    const [count] = number(content, 0);
    const bodies = Buffer.alloc(count * 4);
    // Three bytes: no locals, `unreachable`, `end`.
    for (let index = 0; index < count; index++) bodies.set([3, 0, 0x00, 0x0b], index * 4);
    return Buffer.concat([leb(count), bodies]);
  });
}

/** Compiles the module with a memory that can grow by at most `pages` pages of 64 KiB. */
export function makeNarrow(bytes, pages) {
  const MEMORY = 5;
  return withSection(bytes, MEMORY, (content) => {
    // One memory, with a maximum.
    const [least] = number(content, 2);
    return Buffer.concat([Buffer.from([1, 1]), leb(least), leb(least + pages)]);
  });
}

/** Compiles the module with another content of one section. */
async function withSection(bytes, section, change) {
  const HEADER = 8;
  const parts = [bytes.subarray(0, HEADER)];
  let at = HEADER;
  while (at < bytes.length) {
    const start = at;
    const id = bytes[at];
    const [size, content] = number(bytes, at + 1);
    at = content + size;
    if (id !== section) {
      parts.push(bytes.subarray(start, at));
      continue;
    }
    const other = change(bytes.subarray(content, at));
    parts.push(Buffer.from([id]), leb(other.length), other);
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
