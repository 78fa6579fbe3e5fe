// Numbers as the page writes them are those of Intl, which it does without. In Node.
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { pageModules } from "./module.mjs";

describe("numbers as the page writes them", () => {
  let page;
  before(async () => {
    page = await pageModules("format.ts");
  });

  it("whole ones are in groups of three digits", () => {
    const { format } = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
    for (const value of [
      0, 7, 12, 999, 1000, 1437, 65_536, 999_999, 1_000_000, 123_456_789, 1e15, -5, -1000, 2.4,
    ]) {
      assert.equal(page.count(value), format(value));
    }
  });

  it("real ones have four significant digits, and a minus sign that is one", () => {
    const { format } = new Intl.NumberFormat("en", { maximumSignificantDigits: 4 });
    for (let power = -3; power < 7; power++) {
      for (const digits of [1, 1.5, 1.2344, 1.2346, 3.27185, 9.9994, 9.87654]) {
        const value = digits * 10 ** power;
        assert.equal(page.real(value), format(value));
        assert.equal(page.real(-value), `−${format(value)}`);
      }
    }
    assert.equal(page.real(0), "0");
    assert.equal(page.real(0.0001), "0.0001");
    assert.equal(page.real(0.00001234), "1.234e−5");
    assert.equal(page.real(12_345_678), "1.235e+7");
  });
});
