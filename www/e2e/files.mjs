// What the page hands out as files.

/** Runs in the page before its own scripts: files that it hands out are kept here, and go nowhere. */
export const KEEP_FILES = `
  globalThis.saved = [];
  URL.createObjectURL = (blob) => {
    blob.text().then((text) => globalThis.saved.push(text));
    return '#';
  };
  HTMLAnchorElement.prototype.click = () => {};`;

/** What a button hands out as a file, as text: `press` presses it. Binary files lose bytes, but differ where they differ much. */
export async function saved(page, press) {
  const before = await page.run(() => globalThis.saved.length);
  await press();
  return page.until("the file", () => page.run((number) => globalThis.saved[number], before));
}
