// The page's record of a scheme and the core's name for it lead to each other, whatever the axes and layers. In Node:
// the page's own module with the core in it.
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { pageModules } from "./module.mjs";

/** Every value of each axis, and of a layer's format. */
const AXES = {
  format: "f64 f32 tf32 f16 bf16 int16 int8 int4 ternary binary codebook".split(" "),
  granularity: ["per-tensor", "per-channel"],
  symmetry: ["symmetric", "affine"],
  rule: ["max", "mse"],
  activations: [
    "float",
    "dynamic",
    "xnor",
    ...["minmax", "moving-average", "percentile", "entropy", "mse"].map((o) => `static-${o}`),
  ],
  method: ["ptq", "qat"],
};
const LAYERS = ["first", "layer1", "layer2", "layer3", "layer4", "layer5", "layer6", "layer7", "last"];
const FORMATS = ["f32", "f16", "int16", "int8", "int4", "ternary", "binary", "codebook16", "codebook200"];

describe("schemes and their names", () => {
  let page;
  before(async () => {
    page = await pageModules("scheme.ts");
  });

  /** Calls `check` with every sensible combination of axes. */
  const everyScheme = (check) => {
    const visit = ([axis, ...others], scheme) => {
      if (axis) for (const value of AXES[axis]) visit(others, { ...scheme, [axis]: value });
      else if (!page.errorOf(scheme)) check(scheme);
    };
    visit(Object.keys(AXES), { k: 16, layers: {} });
  };

  it("lead to each other for all axes that make sense", () => {
    let schemes = 0;
    const names = new Set();
    everyScheme((scheme) => {
      const name = page.nameOf(scheme);
      assert.deepEqual(page.ofName(name), scheme, name);
      names.add(name);
      schemes++;
    });
    assert.ok(schemes > 100, `${schemes} schemes`);
    assert.equal(names.size, schemes, "each has a name of its own");
  });

  it("lead to each other with any layers of their own", () => {
    // A fixed sequence, so that a failure comes again.
    let state = 1;
    const pick = (list) => {
      state = (state * 48271) % 2147483647;
      return list[state % list.length];
    };
    everyScheme((scheme) => {
      const layers = Object.fromEntries(
        LAYERS.filter(() => pick([0, 1, 2]) === 0).map((l) => [l, pick(FORMATS)]),
      );
      const mixed = { ...scheme, k: pick([2, 16, 256]), layers };
      if (scheme.format !== "codebook") mixed.k = 16;
      if (page.errorOf(mixed)) return;
      assert.deepEqual(page.ofName(page.nameOf(mixed)), mixed, page.nameOf(mixed));
    });
  });

  it("are fitted to a model: each layer by its one name, none that the model has not", () => {
    const fitted = (name, count) => page.nameOf(page.fitted(page.ofName(name), count));
    assert.equal(fitted("f16-first-int8-layer2-int4", 5), "f16-first-int8-layer2-int4");
    assert.equal(fitted("f16-first-int8-layer2-int4", 3), "f16-first-int8-last-int4");
    assert.equal(fitted("f16-first-int8-layer2-int4", 2), "f16-first-int8");
    assert.equal(fitted("f16-layer1-int4-last-int8", 2), "f16-last-int8", "the last layer is the last");
    assert.equal(fitted("f16-first-int8", 1), "f16-last-int8");
    assert.equal(fitted("f16-layer3-int8", 1), "f16");
  });
});
