// A run's record and the page's address lead to each other; what makes no sense in an address is refused, and nothing in
// it can do harm. In Node: the page's own module with the core in it.
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { pageModules } from "./module.mjs";

/** A small generator of random numbers, the same ones each time. */
function mulberry(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe("the record of a run in an address", () => {
  let page;
  before(async () => {
    page = await pageModules("record.ts", "settings.ts", "view.ts", "tour.ts");
  });

  /** What an address says of the run. */
  const read = (query) => {
    const { record, refused } = page.fromQuery(query);
    return { record, refused };
  };
  const back = (record) => read(page.toQuery(record));
  const usual = () => structuredClone(page.DEFAULT_RECORD);

  it("is empty for what the page begins with, and tells every difference and nothing else", () => {
    assert.equal(page.toQuery(usual()), "");
    assert.deepEqual(read(""), { record: usual(), refused: [] });
    const others = {
      model: "mlp",
      seed: 0,
      regularization: "0.01",
      augment: true,
      scheme: "f16",
      data: "my digits & letters.csv",
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

  it("tells what is open, which output is explained and the step of the tour, and nothing when all is closed", () => {
    assert.equal(page.toQuery(usual(), page.CLOSED), "");
    assert.deepEqual(page.fromQuery("").view, page.CLOSED);
    const explain = (layer, output, step) => ({ ...page.CLOSED, explain: { layer, output, step } });
    const views = {
      "open=blame-2+settings": { ...page.CLOSED, open: ["blame-2", "settings"] },
      "explain=1": explain(1, null, null),
      "explain=-5": explain(null, 5, null),
      "explain=0-3-12": explain(0, 3, 12),
      "explain=--0": explain(null, null, 0),
      "tour=1": { ...page.CLOSED, tour: 0 },
      [`tour=${page.STOPS.length}`]: { ...page.CLOSED, tour: page.STOPS.length - 1 },
    };
    for (const [query, view] of Object.entries(views)) {
      assert.equal(page.toQuery(usual(), view), query);
      assert.deepEqual(page.fromQuery(query), { record: usual(), view, refused: [] });
    }
    const all = { open: ["explain-table"], explain: { layer: 1, output: 2, step: 3 }, tour: 4 };
    const record = { ...usual(), model: "mlp", seed: 9 };
    assert.deepEqual(page.fromQuery(page.toQuery(record, all)), { record, view: all, refused: [] });
    for (const part of [
      "open=",
      "open=blame-0",
      "open=blame-2,settings",
      "open=toString",
      "explain=",
      "explain=-",
      "explain=a",
      "explain=1-2-3-4",
      "explain=1234567",
      "tour=0",
      `tour=${page.STOPS.length + 1}`,
      "tour=1.5",
      "tour=",
      "tour=length",
    ])
      assert.deepEqual(page.fromQuery(part), { record: usual(), view: page.CLOSED, refused: [part] }, part);
  });

  it("reads whatever stands in an address, and carries what it took", () => {
    const random = mulberry(7);
    const any = (list) => list[Math.floor(random() * list.length)];
    const keys = [
      ..."model seed c augment scheme samples calibration-seed correction open explain tour".split(" "),
    ];
    keys.push(...Object.keys(page.FIELDS), "__proto__", "toString", "", "utm", "data", "📎");
    const values = [
      ..."softmax mlp cnn 0 1 -1 42 4294967295 4294967296 1e308 1e-400 NaN Infinity 0x10 007 1.5 .5 5. yes".split(
        " ",
      ),
      ..."int8 int4-per-channel ternary-per-channel-qat codebook257 codebook codebook00016 int8-static-mse".split(
        " ",
      ),
      ..."biases reconstruct none constructor blame-2 settings 1-2-3 %zz %E0%A4 %00 %0A %F0%9F%92%A9 + & = # ;".split(
        " ",
      ),
      "",
      " ",
      "9".repeat(5000),
      "int8".repeat(3000),
      "1,".repeat(20_000),
      "\u202e\ud800\u0000",
      "١٢٣",
    ];
    const valid =
      "model=mlp&seed=3&scheme=int8-dynamic-per-channel-first-f16&layers=12&epochs=15&open=blame-2&explain=1-2";
    const query = () => {
      if (random() < 0.4) {
        const letters = [...valid];
        for (let i = 0; i <= random() * 8; i++) {
          const at = Math.floor(random() * letters.length);
          letters.splice(at, any([0, 1, 1, 2]), any([..."&=%+-,.019azA\u0000é📎", any(values)]));
        }
        return letters.join("");
      }
      const part = () => `${any(keys)}${any(["=", "=", "=", "", "=="])}${any(values)}`;
      return Array.from({ length: Math.floor(random() * 12) }, part).join("&");
    };
    let [taken, refusing] = [0, 0];
    for (let i = 0; i < 2000; i++) {
      const asked = query();
      const { record, view, refused } = page.fromQuery(asked);
      const { data, ...rest } = record;
      assert.deepEqual(Object.keys(rest), Object.keys(usual()), asked);
      assert.ok(data === undefined || data.length > 0, asked);
      assert.ok(refused.every((part) => typeof part === "string"));
      const again = page.fromQuery(page.toQuery(record, view));
      assert.deepEqual(again, { record, view, refused: [] }, asked);
      taken += page.toQuery(record, view) === "" ? 0 : 1;
      refusing += refused.length > 0 ? 1 : 0;
    }
    assert.ok(taken > 500 && refusing > 500, `${taken} said something, ${refusing} were refused in part`);
  });

  it("ignores keys that are none, also those that every object has", () => {
    const query = "utm_source=mail&toString=1&constructor=2&__proto__=3&hasOwnProperty=x&fields=y&trained=z";
    const { record, refused } = page.fromQuery(query);
    assert.deepEqual([record, refused], [usual(), []]);
    assert.equal(Object.getPrototypeOf(record), Object.prototype);
    assert.deepEqual(Object.keys(record.fields), []);
  });
});
