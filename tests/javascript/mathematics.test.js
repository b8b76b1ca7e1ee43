// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import {
  atLeast,
  atMost,
  boxesOf,
  comparisonText,
  cutText,
  errorCurves,
  errorText,
  imageRows,
  maximumError,
  proofText,
  valueAt,
} from "#pages/maths/box-sums.js";
import { faultText } from "#pages/maths/figure-request.js";
import { distinct, plainNumber, tenTo, tickText } from "#pages/maths/notation.js";
import { cutAxis, valueAxis } from "#pages/maths/value-axis.js";
import { rateText } from "#pages/maths/box-rate.js";
import { lineProofText } from "#pages/maths/line-proof.js";
import { balanceBars, derivativeUnit, parseLogits, parseTarget } from "#pages/maths/logits.js";
import { unitsText } from "#pages/maths/units.js";
import {
  OUTLIER,
  defaultPoints,
  parsePoints,
  pointsText,
  regressionRequest,
  snap,
} from "#pages/maths/points.js";
import { bodyText, curlCommand } from "#pages/curl.js";

test("parseLogits accepts 2 to 30 numbers", () => {
  assert.deepEqual(parseLogits("2,1,-0.5"), [2, 1, -0.5]);
  for (const text of [null, "", "1", "1,x", "1,,2", "1, ", Array(31).fill(0).join()]) {
    assert.equal(parseLogits(text), null);
  }
});

test("parseTarget accepts the index of a logit", () => {
  assert.equal(parseTarget("2", 3), 2);
  for (const text of [null, "", "3", "-1", "0.5", "x"]) {
    assert.equal(parseTarget(text, 3), null);
  }
});

test("the bars of a row are equally long on both sides, apart from the gaps", () => {
  const row = [-0.1, 0.25, -0.15, 0];
  const { left, right } = balanceBars(row, 1, 0.25, 132);
  assert.deepEqual(right, { x: 66, width: 64 });
  assert.equal(left.length, 2);
  assert.ok(Math.abs(left[1].x - 2) < 1e-9);
  assert.ok(Math.abs(left[0].x - (left[1].x + left[1].width + 0.75)) < 1e-9);
});

test("the boxes of a network are between its steps", () => {
  const network = {
    weights: [1, 1, 1],
    biases: [1, 0, -1], // steps at −1, 0 and 1
    output_weights: [2, -3, 1],
    output_bias: 0.5,
  };
  assert.deepEqual(
    boxesOf(network, 2).map(({ x1, x2, y }) => [x1 + 0, x2 + 0, y]),
    [
      [-1, 0, 2.5],
      [0, 1, -0.5],
      [1, 2, 0.5],
    ],
  );
  assert.equal(boxesOf(network, 1).length, 2);
});

test("numbers of any magnitude are short", () => {
  const written = {
    0: "0",
    "0.500": "0.500",
    "-0.0352": "−0.0352",
    12300: "12,300",
    "1.88e-301": "1.88\u00a0·\u00a010⁻³⁰¹",
    0.0000188: "1.88\u00a0·\u00a010⁻⁵",
    "-1.50e+7": "−1.50\u00a0·\u00a010⁷",
    1000000: "1\u00a0·\u00a010⁶",
  };
  for (const [rounded, text] of Object.entries(written)) assert.equal(plainNumber(rounded), text);
  assert.deepEqual([1e-301, 2e-5, 0.001, 1, 5e4, 1e6].map(tickText), [
    "10⁻³⁰¹",
    "2\u00a0·\u00a010⁻⁵",
    "0.001",
    "1",
    "50,000",
    "10⁶",
  ]);
  assert.equal(tenTo(12), "10¹²");
});

test("the axis of a function has short and distinct numbers", () => {
  /** @param {number[]} values */
  const axis = (values) => {
    const { scaled, suffix } = valueAxis(values);
    return [suffix, ...values.map((value) => Number(scaled(value).toPrecision(6)))];
  };
  assert.deepEqual(axis([-3, 3]), ["", -3, 3]);
  assert.deepEqual(axis([0, 0]), ["", 0, 0]);
  assert.deepEqual(axis([2, 2]), ["", 2, 2]);
  assert.deepEqual(axis([-3e-300, 3e-300]), [", in units of 10⁻³⁰⁰", -3, 3]);
  assert.deepEqual(axis([0, 2e99]), [", in units of 10⁹⁹", 0, 2]);
  assert.deepEqual(axis([1e9 - 3, 1e9 + 3]), [" − 1,000,000,000", -3, 3]);
  assert.deepEqual(axis([-1e9 - 3, -1e9 + 3]), [" + 1,000,000,000", -3, 3]);
  assert.deepEqual(axis([1 + 1e-6, 1 + 3e-6]).slice(1), [1, 3]);
});

test("the plot of a function without a bound is cut", () => {
  const tangent = [...Array(20).keys()].map((i) => i / 10).concat([800, -800]);
  const { cut, axis } = cutAxis(tangent, false);
  assert.ok(cut && cut < 10);
  assert.equal(axis.scaled(cut), cut);
  assert.equal(cutAxis(tangent, true).cut, null);
  assert.equal(cutAxis([0, 1, 2], false).cut, null);
  assert.equal(cutAxis([0, 0, 0], false).cut, null);
  assert.equal(
    cutText([-807.1, 3, 12_345]),
    " The plot is cut. The values that were computed reach from −807 to 12,300.",
  );
});

test("small derivatives get a unit", () => {
  assert.deepEqual(derivativeUnit([0.2, -0.1]), { exponent: 0, most: 0.25 });
  assert.deepEqual(derivativeUnit([2e-4, -3e-4]), { exponent: -4, most: 3e-4 });
  assert.deepEqual(derivativeUnit([0, 0]), { exponent: 0, most: 0.25 });
});

test("a grid of values becomes an image whose last row is the lowest y", () => {
  const values = [
    ["x0y0", "x0y1"],
    ["x1y0", "x1y1"],
  ];
  assert.deepEqual(imageRows(/** @type {any} */ (values)), ["x0y1", "x1y1", "x0y0", "x1y0"]);
});

test("a rounded bound is still a bound", () => {
  assert.equal(atMost(0.33301), "0.334");
  assert.equal(atLeast(0.33399), "0.333");
  assert.equal(atMost(0.99951), "1.00");
  assert.equal(atLeast(0.000_123_9), "1.23\u00a0·\u00a010⁻⁴");
  assert.equal(atMost(12_345.6), "12,400");
  /** @param {string} text */
  const number = (text) => {
    const [mantissa, power] = text.replaceAll(",", "").split("\u00a0·\u00a010");
    const digits = [...(power ?? "⁰")].map((sign) => "⁰¹²³⁴⁵⁶⁷⁸⁹".indexOf(sign));
    const exponent = digits.filter((digit) => digit >= 0).join("");
    return Number(`${mantissa}e${power?.startsWith("⁻") ? "-" : ""}${exponent}`);
  };
  for (const x of [0, 0.25, 1, 120]) {
    assert.equal(number(atMost(x)), x);
    assert.equal(number(atLeast(x)), x);
  }
  for (let x = 1e-8; x < 1e8; x *= 1.37) {
    assert.ok(number(atMost(x)) >= x && number(atMost(x)) < 1.011 * x, String(x));
    assert.ok(number(atLeast(x)) <= x && number(atLeast(x)) > 0.989 * x, String(x));
  }
});

test("a curve is linear between its points", () => {
  const curve = { x: [0, 1, 3], function: [2, 4, 0] };
  const values = [-1, 0, 0.5, 1, 2, 3, 9].map((x) => valueAt(curve, x));
  assert.deepEqual(values, [2, 2, 3, 4, 2, 0, 0]);
});

test("errorText describes the error of an approximation", () => {
  const bound = { max_error: 0.5501, max_error_proven: true, sampled_error: 0.52 };
  assert.equal(
    errorText({ ...bound, neurons_two_per_box: 32, mean_square_error: 0.04 }),
    " if neighbors share edges, otherwise 32. Largest error at most 0.551 (proven), " +
      "RMS error 0.200.",
  );
});

test("an RMS error of 0 is claimed only if the largest error is proven to be 0", () => {
  /** @param {number | null} max_error @param {number} sampled_error */
  const rms = (max_error, sampled_error) =>
    errorText({
      max_error,
      max_error_proven: max_error != null,
      sampled_error,
      neurons_two_per_box: 2,
      mean_square_error: 0,
    }).split("RMS error ")[1];
  assert.equal(rms(0, 0), "0.");
  assert.equal(rms(3e-301, 2e-301), "at most 3.00\u00a0·\u00a010⁻³⁰¹.");
  const points = ": errors were found only at single points, such as a jump.";
  assert.equal(rms(1, 1), `computed as 0, which is not proven${points}`);
  assert.equal(rms(null, 1), `computed as 0, which is not proven${points}`);
  assert.equal(rms(null, 0), "computed as 0, which is not proven.");
});

test("losses have as many digits as tell them apart", () => {
  assert.deepEqual(distinct([1.24, 4]), ["1.2", "4.0"]);
  assert.deepEqual(distinct([1.234, 1.241]), ["1.23", "1.24"]);
  assert.deepEqual(distinct([2, 2]), ["2.0", "2.0"]);
  assert.deepEqual(distinct([0, 1e-15]), ["0.0", "0.0"]);
});

test("a fault does not repeat the list of functions", () => {
  const detail = "has the unknown name 'foo' at column 1; allowed are numbers, x and abs";
  const said = faultText({ pointer: "/function", detail });
  assert.equal(said, "The function has the unknown name 'foo' at column 1.");
});

test("an error is exact if its bounds have the same digits", () => {
  const exact = { max_error: 0.550_000_1, max_error_proven: true, sampled_error: 0.549_999_9 };
  assert.equal(maximumError(exact), "0.550 (proven)");
  const none = { max_error: 0, max_error_proven: true, sampled_error: 0 };
  assert.equal(maximumError(none), "0 (proven)");
});

test("an error that is not proven is a lower bound", () => {
  const unproven = { max_error: null, max_error_proven: false, sampled_error: 0.5506 };
  assert.equal(maximumError(unproven), "at least 0.550 (no upper bound is proven)");
  const large = { ...unproven, sampled_error: 10_561.2 };
  assert.equal(maximumError(large), "at least 10,500 (no upper bound is proven)");
});

/** @param {number} boxes @param {number} error @param {number | null} [max_error] */
const errors = (boxes, error, max_error = error) => ({
  boxes,
  max_error,
  sampled_error: error,
  free_error: null,
  trained_error: null,
});

test("with a largest slope, the error has a bound", () => {
  const rate = { slope: 3, order: 1, table: [errors(8, 1), errors(16, 0.5), errors(256, 0.03)] };
  assert.equal(
    rateText(rate, 3, 16),
    "The error is at most LB/n, which is 0.563 here, with L = 3.00. Ten times as many boxes " +
      "give a tenth of this bound. For 16 boxes of equal width, the largest error is 0.500. For " +
      "256 boxes, it is 0.0300. On average, doubling the number of boxes divides it by 2.00.",
  );
});

test("at a jump, no bound is claimed, and the error does not fall", () => {
  const jump = { slope: null, order: 0, table: [errors(16, 1), errors(256, 1)] };
  const text = rateText(jump, 3, 16);
  assert.match(text, /there is no bound LB\/n.*For 256 boxes, it is 1\.00\.$/);
  assert.doesNotMatch(text, /divide|tenth/);
  const zeros = { slope: null, order: null, table: [errors(1, 1), errors(16, 0), errors(256, 0)] };
  assert.match(
    rateText(zeros, 3, 16),
    /error is 0\. For 256 boxes, it is 0\. A log scale cannot show .* of 0/,
  );
});

test("without an upper bound, the error may be infinite", () => {
  const tangent = {
    slope: null,
    order: null,
    table: [errors(16, 1e4, null), errors(256, 2e4, null)],
  };
  assert.match(
    rateText(tangent, 3, 16),
    /^No upper bound .* infinite for every number of boxes\.$/,
  );
});

test("a constant has no error", () => {
  const flat = { slope: 0, order: null, table: [errors(16, 0), errors(256, 0)] };
  assert.equal(rateText(flat, 3, 16), "The function is constant, so one box has no error.");
});

const ROWS = [
  { boxes: 1, max_error: null, sampled_error: 1, free_error: 0.9, trained_error: 1.1 },
  { boxes: 2, max_error: 0.5, sampled_error: 0.5, free_error: 0, trained_error: 0.4 },
  { boxes: 96, max_error: 0.01, sampled_error: 0.01, free_error: 0.009, trained_error: null },
];

test("free widths are compared where all errors are known", () => {
  const points = errorCurves(ROWS, true).map(({ name, rows }) => [
    name,
    ...rows.map(({ boxes, error }) => [boxes, error]),
  ]);
  assert.deepEqual(points, [
    ["equal", [1, 1], [2, 0.5]],
    ["trained", [1, 1.1], [2, 0.4]],
    ["free", [1, 0.9]],
  ]);
});

test("equal widths have one curve", () => {
  const [curve, ...others] = errorCurves(ROWS, false);
  assert.equal(others.length, 0);
  assert.deepEqual(
    curve.rows.map((row) => row.boxes),
    [1, 2, 96],
  );
});

test("comparisonText compares as many boxes and neurons", () => {
  assert.equal(
    comparisonText(ROWS[1]),
    " With equal widths, the largest error is 0.500, and with 2 trained step neurons " +
      "at most 0.400.",
  );
  assert.equal(comparisonText(ROWS[2]), " With equal widths, the largest error is 0.0100.");
});

test("proofText says what the pairs of points prove", () => {
  const two = /** @type {[number, number][]} */ ([
    [0, 1],
    [1, 2],
  ]);
  assert.equal(
    proofText({ error: 0.18999, pairs: two }, true),
    "No 2 boxes of any widths have an error of at most 0.189. The proof is 2 pairs of points, " +
      "marked in the plot: within each pair, the values differ by more than twice this error, " +
      "so an edge has to lie between the points.",
  );
  assert.match(
    proofText({ error: 0.5, pairs: [[0, 1]] }, false),
    /^No single box has .* a pair of/,
  );
  assert.equal(proofText({ error: 2, pairs: [] }, true), "");
});

test("points are read from the address as they were written", () => {
  const points = defaultPoints();
  assert.deepEqual(parsePoints(pointsText(points)), points);
  assert.equal(points.length, OUTLIER + 1);
  for (const text of [
    null,
    "",
    "1,2",
    "1,2;3",
    "1,2;3,x",
    "1,2;11,3",
    "1,2;3,-1",
    Array(11).fill("1,2").join(";"),
  ]) {
    assert.equal(parsePoints(text), null);
  }
});

test("each call of defaultPoints returns new points", () => {
  defaultPoints()[0][0] = 99;
  assert.equal(defaultPoints()[0][0], 0.6);
});

test("snap moves points into the plot and onto its grid", () => {
  assert.deepEqual(snap(3.14159, 2.71828), [3.15, 2.7]);
  assert.deepEqual(snap(-1, 9), [0, 8]);
});

test("the proof says whether other lines have the same loss", () => {
  const certificate = { optimal: true };
  assert.equal(
    lineProofText({ unique: true, ranges: null, certificate }),
    "Proven in exact fractions: no line has a smaller L1 loss, and no other line has the same.",
  );
  const ranges = /** @type {[number | null, number | null][]} */ ([
    [1, 2.5],
    [null, null],
  ]);
  assert.equal(
    lineProofText({ unique: false, ranges, certificate }),
    "Proven in exact fractions: no line has a smaller L1 loss. Other lines have the same: " +
      "the intercept can be from 1.00 to 2.50, the slope any number.",
  );
  assert.equal(lineProofText({ unique: true, ranges: null, certificate: { optimal: false } }), "");
});

test("the request for a regression has a column of ones", () => {
  const points = /** @type {[number, number][]} */ ([
    [1, 2],
    [3, 4],
  ]);
  assert.deepEqual(regressionRequest(points).X, [
    [1, 1],
    [1, 3],
  ]);
});

test("a request is shown as a curl command, its body as JSON with spaces", () => {
  const url = "http://localhost:8000/train";
  const body = { recipe: "mnist-numpy", hidden_sizes: [64, 32] };
  assert.equal(
    curlCommand(url, body),
    `curl -s '${url}' -H 'Content-Type: application/json' -d '${JSON.stringify(body)}'`,
  );
  assert.equal(curlCommand(url, null), `curl -s '${url}'`);
  assert.match(curlCommand(url, { title: "it's" }), / -d '{"title":"it'\\''s"}'$/);
  assert.equal(curlCommand(url, "--data-binary @x.png"), `curl -s '${url}' --data-binary @x.png`);
  assert.equal(bodyText(body), '{"recipe": "mnist-numpy", "hidden_sizes": [64, 32]}');
  assert.equal(
    bodyText({ function: 'min(x,1):"\\', n: 1 }),
    '{"function": "min(x,1):\\"\\\\", "n": 1}',
  );
  assert.equal(bodyText(null), "");
});

test("the first units are listed after their number", () => {
  assert.equal(unitsText([], 0), "0");
  assert.equal(unitsText([3, 5], 2), "2: 3, 5");
  assert.equal(unitsText([0, 1, 2, 3, 4, 5, 6], 1200), "1,200: 0, 1, 2, 3, 4, …");
});
