/** The content of a file, unpacked by the browser where it is gzip; read in pieces, so that one can tell how far. */

/** Most bytes of an unpacked file, as in the core (`gzip::MAX_BYTES`). */
const MOST = 128 * 2 ** 20;
/** Bytes of a piece. */
const PIECE = 2 ** 20;

/**
 * `report` hears of the bytes read. A packed file that the browser cannot unpack, or that grows too large, comes as it is:
 * the core says what is wrong with it.
 */
export async function contentOf(file: File, report: (bytes: number) => void): Promise<Uint8Array> {
  const bytes = async (from: number, to?: number) => new Uint8Array(await file.slice(from, to).arrayBuffer());
  let read = 0;
  // Not the file's own stream, whose pieces may be as large as the file.
  const whole = new ReadableStream<BufferSource>({
    async pull(controller) {
      report(read);
      const piece = await bytes(read, read + PIECE);
      read += piece.length;
      if (piece.length > 0) controller.enqueue(piece);
      else controller.close();
    },
  });
  try {
    const [a, b] = await bytes(0, 2);
    if (a !== 0x1f || b !== 0x8b) return await gathered(whole as ReadableStream<Uint8Array>, file.size);
    // The last four bytes claim the unpacked size.
    const claimed = new Uint32Array((await bytes(-4)).buffer)[0] ?? 0;
    const unpacked = whole.pipeThrough(new DecompressionStream("gzip"));
    return await gathered(unpacked, Math.min(claimed, MOST)).catch(() => bytes(0));
  } catch {
    throw new Error(
      `${file.name} cannot be read: it is a folder, or has changed or gone since it was chosen.`,
    );
  }
}

/** All of a stream of about so many bytes. */
async function gathered(stream: ReadableStream<Uint8Array>, expected: number): Promise<Uint8Array> {
  let content = new Uint8Array(expected);
  let size = 0;
  const reader = stream.getReader();
  for (let next = await reader.read(); next.value; next = await reader.read()) {
    const at = size;
    size += next.value.length;
    if (size > MOST) {
      await reader.cancel();
      throw new Error("too large");
    }
    if (size > content.length) {
      const wider = new Uint8Array(Math.min(2 * size, MOST));
      wider.set(content);
      content = wider;
    }
    content.set(next.value, at);
  }
  return content.subarray(0, size);
}
