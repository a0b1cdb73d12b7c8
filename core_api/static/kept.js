// What this browser remembers, as JSON. Where storage is refused (private windows), it remembers until the page closes.

const memory = new Map();

export function read(name, otherwise) {
  try {
    const text = localStorage.getItem(`marquee.${name}`);
    return text === null ? memory.get(name) ?? otherwise : JSON.parse(text);
  } catch {
    return memory.get(name) ?? otherwise;
  }
}

export function write(name, value) {
  memory.set(name, value);
  try {
    if (value === null) localStorage.removeItem(`marquee.${name}`);
    else localStorage.setItem(`marquee.${name}`, JSON.stringify(value));
  } catch {
    // kept in memory alone
  }
}
