// @ts-check
// Values of tables as text. Needs no browser.

const DIGITS = 4; // that are significant

/** Write a value of a column shortly. @param {number | null} value null if it is too large */
export function valueText(value) {
  if (value == null) return "—";
  const size = Math.abs(value);
  const text =
    size && (size < 1e-4 || size >= 1e7)
      ? value.toExponential(DIGITS - 1).replace(/\.?0*e\+?/, "e")
      : String(Number(value.toPrecision(size >= 1000 ? 7 : DIGITS)));
  return text.replaceAll("-", "−");
}
