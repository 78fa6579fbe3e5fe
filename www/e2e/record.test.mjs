// A run's record and the page's address lead to each other; what makes no sense in an address is refused, and nothing in
// it can do harm. In Node: the page's own module with the core in it.
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { pageModules } from "./module.mjs";

describe("the record of a run in an address", () => {
  let page;
  before(async () => {
    page = await pageModules("record.ts", "settings.ts");
  });

  const back = (record) => page.fromQuery(page.toQuery(record));
  const usual = () => structuredClone(page.DEFAULT_RECORD);

  it("is empty for what the page begins with, and tells every difference and nothing else", () => {
    assert.equal(page.toQuery(usual()), "");
    assert.deepEqual(page.fromQuery(""), { record: usual(), refused: [] });
    const others = {
      model: "mlp",
      seed: 0,
      regularization: "0.01",
      augment: true,
      scheme: "f16",
      samples: 1,
      calibrationSeed: 4294967295,
      correction: "biases",
    };
    for (const [key, value] of Object.entries(others)) {
      const record = { ...usual(), [key]: value };
      const query = page.toQuery(record);
      assert.equal([...new URLSearchParams(query)].length, 1, query);
      assert.deepEqual(back(record), { record, refused: [] }, query);
    }
    assert.deepEqual(back({ ...usual(), ...others }), { record: { ...usual(), ...others }, refused: [] });
  });

  it("carries every scheme, with layers of their own", () => {
    const bodies = [];
    for (const format of "f32 f16 bf16 int16 int8 int4 ternary binary codebook2 codebook256".split(" "))
      for (const affine of ["", "-affine"])
        for (const range of [
          "",
          "-dynamic",
          "-xnor",
          "-static-minmax",
          "-static-mse",
          "-static-moving-average",
        ])
          for (const scales of ["", "-per-tensor", "-per-channel"])
            for (const rule of ["", "-mse"])
              for (const method of ["", "-qat"])
                for (const layers of ["", "-first-f32", "-layer1-int4-last-codebook16"])
                  bodies.push(format + affine + range + scales + rule + method + layers);
    let carried = 0;
    for (const scheme of bodies) {
      const { record, refused } = page.fromQuery(`scheme=${scheme}`);
      if (refused.length > 0) {
        assert.deepEqual([record, refused], [usual(), [`scheme=${scheme}`]]);
        continue;
      }
      assert.equal(record.scheme, scheme);
      assert.deepEqual(back(record).record, record);
      carried++;
    }
    assert.ok(carried > 200, `${carried} of ${bodies.length} make sense`);
  });

  it("carries each field of a network", () => {
    const fields = Object.fromEntries(Object.keys(page.FIELDS).map((key, i) => [key, String(0.5 + i)]));
    Object.assign(fields, { layers: "64, 32", optimizer: "sgd", epochs: "3", batch: "16", patience: "0" });
    const record = { ...usual(), model: "mlp", fields };
    assert.deepEqual(back(record), { record, refused: [] });
  });

  it("refuses what makes no sense, part by part, and takes the rest", () => {
    for (const part of [
      "model=foo",
      "model=",
      "seed=-1",
      "seed=4294967296",
      "seed=1e3",
      "seed=",
      "c=0",
      "c=Infinity",
      "c=2",
      "augment=yes",
      "scheme=int3",
      "scheme=int8-foo",
      "scheme=f32-dynamic-per-tensor-qat-last-int99",
      "scheme=",
      "samples=0",
      "samples=1.5",
      "calibration-seed=x",
      "correction=toString",
      "correction=some",
      "layers=a",
      "layers=99999999",
      "rate=",
      "rate=fast",
      "epochs=-1",
      "epochs=2.5",
      "optimizer=newton",
    ]) {
      const { record, refused } = page.fromQuery(`${part}&samples=7`);
      assert.deepEqual([refused, record], [[part], { ...usual(), samples: 7 }], part);
    }
  });

  it("ignores keys that are none, also those that every object has", () => {
    const query = "utm_source=mail&toString=1&constructor=2&__proto__=3&hasOwnProperty=x&fields=y&trained=z";
    const { record, refused } = page.fromQuery(query);
    assert.deepEqual([record, refused], [usual(), []]);
    assert.equal(Object.getPrototypeOf(record), Object.prototype);
    assert.deepEqual(Object.keys(record.fields), []);
  });
});
