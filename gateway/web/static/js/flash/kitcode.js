// A kit code: DL1, a node's credentials as JSON in base64url, their CRC-32, with full stops between.

// The JSON's bytes. Throws an Error whose message is the name of a text: kitForm, kitSum or kitContent.
export function readKitCode(code) {
  const parts = code.replace(/\s+/g, "").split(".");
  if (parts.length !== 3 || parts[0] !== "DL1" || !/^[\w-]+$/.test(parts[1]) || !/^[0-9a-fA-F]{8}$/.test(parts[2])) {
    throw new Error("kitForm");
  }
  let raw;
  try {
    raw = Uint8Array.from(atob(parts[1].replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
  } catch {
    throw new Error("kitForm");
  }
  if (parseInt(parts[2], 16) !== crc32(raw)) throw new Error("kitSum");
  try {
    if (typeof JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(raw)).node === "string") return raw;
  } catch {
    // Said below.
  }
  throw new Error("kitContent");
}

export function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}
